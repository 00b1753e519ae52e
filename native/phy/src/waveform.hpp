#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <vector>

#include "otabench/phy/numerology.hpp"

namespace otabench::phy {

using Cf = std::complex<float>;
using Cd = std::complex<double>;

inline constexpr int kHeaderSlots = kHeaderSymbols * 2 * kDataCarriers;

/** Values on the loaded carriers, ascending order. */
using CarrierVector = std::array<Cf, kLoadedCarriers>;

/** The fixed parts of the burst; the same for every burst and built once. */
struct Waveform {
  std::array<int, kLoadedCarriers> bin;                      // FFT bin of a loaded carrier
  std::array<int, kPilotCarriers> pilot;                     // indices into the loaded carriers
  std::array<int, kDataCarriers> data;                       // the other indices
  std::array<int, kCarriers - kLoadedCarriers - 1> emptyBin; // edge bins, DC excluded

  CarrierVector longTraining;  // +-1 (IEEE 802.11a long training)
  CarrierVector shortTraining; // 12 carriers of power 52/12, else 0 (IEEE 802.11a short training)

  /** Preamble samples with unit mean power. */
  std::array<Cf, kPreambleSamples> preamble;

  /** Coded-bit index of each header slot: slot = symbol * 96 + 2 * data carrier + (0: I, 1: Q). */
  std::array<std::uint16_t, kHeaderSlots> headerBit;
  /** What the slot sends for bit 0, +-sqrt(1/2): the signs keep the repetition from raising the peaks. */
  std::array<float, kHeaderSlots> headerAmplitude;

  /** +-1 of the four pilots of OFDM symbol m, header symbols first. */
  std::array<std::array<float, kPilotCarriers>, kHeaderSymbols + kMaxPayloadOfdmSymbols> pilotSign;
};
const Waveform& waveform();

/** Known QPSK symbol, unit power, for payload position `position` that no token fills. */
Cf fillerSymbol(int sequence, std::int64_t position);

/**
 * The burst's permutation (Fisher-Yates) and scramble, seeded by the sequence number: token symbol i is sent
 * at position positionOf(moves[i]), turned by turnsOf(moves[i]) quarter turns.
 */
void burstScramble(int sequence, int count, std::vector<std::uint32_t>& moves);
inline std::uint32_t positionOf(std::uint32_t move) {
  return move & 0x3FFFFFFFU;
}
inline unsigned turnsOf(std::uint32_t move) {
  return move >> 30;
}

/** table[n] = exp(j (phase + n step)), by doubling: rounding stays at a few ulp. */
void fillRotation(Cf* table, int count, double phase, double step);

} // namespace otabench::phy
