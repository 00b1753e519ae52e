// What is not ideal in a radio: oscillator phase, branches, amplifier, converters.
#pragma once

#include "kernels.hpp"
#include "otabench/medium/medium.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace otabench::medium {

/// Phase of one oscillator in one trial: a Wiener process, or with a loop an Ornstein-Uhlenbeck process, a
/// pure function of (key, time); and a floor, white, a pure function of (key, sign, sample).
struct OscillatorNoise {
  std::uint64_t key = 0;
  double linewidthHz = 0.0;     ///< 0: none
  double loopBandwidthHz = 0.0; ///< 0: free-running
  double floorPerHz = 0.0;      ///< phase variance per Hz of sample rate (linear dBc/Hz); 0: none

  bool isOn() const { return linewidthHz > 0.0 || floorPerHz > 0.0; }
};

/// Phases of one oscillator around one time. Scratch memory of one renderer.
class PhaseTable {
public:
  static constexpr double kTickNs = 50.0; ///< linear between ticks
  static constexpr std::int64_t kTicks = kernels::kNoiseBlock;

  /// Multiplies count samples by exp(j sign phase); sample i is at (first + i) stepNs (true time, not before
  /// 0).
  void rotate(const OscillatorNoise& noise, std::int64_t first, double stepNs, double sign, std::size_t count,
              float* re, float* im);

private:
  void fill(const OscillatorNoise& noise, std::int64_t block);
  void fillFree(const OscillatorNoise& noise, std::int64_t block);
  void fillLocked(const OscillatorNoise& noise, std::int64_t block);
  void addFloor(const OscillatorNoise& noise, std::int64_t first, double stepNs, double sign,
                std::size_t count, float* phase);
  std::uint64_t key_ = 0;
  double linewidthHz_ = 0.0;
  double loopBandwidthHz_ = 0.0;
  std::int64_t block_ = -1;
  std::uint64_t floorKey_ = 0;
  std::int64_t floorBlock_ = -1;
  alignas(64) std::array<float, kernels::kNoiseBlock> floor_{}, unused_{};
  std::array<double, kTicks + 1> phase_{};
};

/// True where a transmitter changes the samples written to it (clipping apart).
bool distortsTransmit(const Impairments& impairments);
/// DAC, branches, carrier leakage, amplifier, in place.
void transmitFrontEnd(const Impairments& impairments, std::size_t count, float* re, float* im);

/// True where a receiver needs receiveFrontEnd.
bool distortsReceive(const Impairments& impairments);
/// kBlock samples: branches of s + sigma n, offset, ADC, clipping. @return greatest |component| before
/// clipping.
float receiveFrontEnd(const Impairments& impairments, const float* sRe, const float* sIm, const float* nRe,
                      const float* nIm, float sigma, float* iq);

/// Power of a converter's rounding error, uniform in I and in Q; 0 for an ideal one.
double quantisationPower(int bits);

} // namespace otabench::medium
