#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "otabench/phy/fec/modulation.hpp"
#include "otabench/phy/numerology.hpp"

namespace otabench::phy {

/** How tokens become payload symbols: as they are, or as numbers behind forward error correction. */
enum class Mapping : std::uint8_t { Analog = 0, Digital = 1 };
const char* toString(Mapping mapping);

/** Burst: one scale for all tokens. Token: every token is sent at unit mean power, its norm beside it. */
enum class PowerNormalisation : std::uint8_t { Burst = 0, Token = 1 };

/** How tokens travel within the analog mapping. Signalled in the header: a receiver needs to know nothing. */
struct TransportOptions {
  PowerNormalisation normalisation = PowerNormalisation::Burst;
  bool permutation = true;   // payload symbols in an order drawn from the sequence number, else as they come
  bool phaseScramble = true; // each payload symbol turned by a random multiple of 90 degrees
  bool dftSpreading = false; // 48-point DFT over the data carriers of each OFDM symbol (SC-FDMA)
  /** Clip and filter was applied: payload and header are noisier than the preamble. The transmitter sets it.
   */
  bool clipped = false;
};

/** How tokens travel within the digital mapping (docs/digital.md). Signalled in the header. */
struct DigitalOptions {
  int bitsPerValue = 4; // 2..8
  fec::Modulation modulation = fec::Modulation::Qpsk;
  /** The payload's length, all of which the code fills: 48 channel uses each, 1..2048. */
  int payloadOfdmSymbols = 1;
};

inline constexpr int kMaxUser = 15;
inline constexpr int kMaxSequence = 4095;
inline constexpr int kMaxTokens = 1023;
inline constexpr int kMaxDimension = 1023;

/** What a burst says about itself. */
struct BurstHeader {
  int user = 0;      // 0..15
  int sequence = 0;  // 0..4095; also the seed of the permutation and of the phase scramble
  int tokens = 1;    // L, 1..1023
  int dimension = 1; // D, 1..1023
  Mapping mapping = Mapping::Analog;
  /** Analog: sqrt(mean |s|^2) of the burst's complex symbols, linear, > 0. The transmitter sets it. Digital:
   * 1. */
  double scale = 1.0;
  TransportOptions transport;
  DigitalOptions digital; // used by Mapping::Digital alone
};

/** Payload symbols beside the tokens': with PowerNormalisation::Token each token's norm takes this many. */
inline constexpr int kNormSymbols = 2;

/** Complex payload symbols that carry tokens, that carry norms, both; OFDM symbols, samples. */
constexpr std::int64_t tokenSymbolCount(const BurstHeader& header) {
  return header.mapping == Mapping::Digital
             ? static_cast<std::int64_t>(kDataCarriers) * header.digital.payloadOfdmSymbols
             : payloadSymbolCount(header.tokens, header.dimension);
}
constexpr std::int64_t normSymbolCount(const BurstHeader& header) {
  return header.transport.normalisation == PowerNormalisation::Token
             ? static_cast<std::int64_t>(kNormSymbols) * header.tokens
             : 0;
}
constexpr std::int64_t payloadSymbolCount(const BurstHeader& header) {
  return tokenSymbolCount(header) + normSymbolCount(header);
}
constexpr std::int64_t payloadOfdmSymbolCount(const BurstHeader& header) {
  return (payloadSymbolCount(header) + kDataCarriers - 1) / kDataCarriers;
}
constexpr std::int64_t burstSampleCount(const BurstHeader& header, int guardSamples = kGuardSamples) {
  return 2 * static_cast<std::int64_t>(guardSamples) + kPreambleSamples + kHeaderSamples +
         payloadOfdmSymbolCount(header) * kSymbolSamples;
}

/** The scale's code: 14 bits, natural logarithm in steps of 0.002 (error <= 0.1 %), 7.6e-8 .. 1.3e7. */
inline constexpr int kScaleBits = 14;
/** @throws PhyError when `scale` is not finite or out of the code's range. */
std::uint32_t encodeScale(double scale);
double decodeScale(std::uint32_t code);

inline constexpr int kHeaderInfoBits = 56;
inline constexpr int kHeaderCrcBits = 16;
inline constexpr int kHeaderBits = kHeaderInfoBits + kHeaderCrcBits;

/** Bits, most significant first: user 4, sequence 12, tokens 10, dimension 10, mapping 1, token power 1,
 * DFT spreading 1, scale 14, no permutation 1, no phase scramble 1, clipped 1, CRC-16. Digital: token power
 * and no phase scramble are the modulation's two bits, scale is bits per value less 2 (3), OFDM symbols less
 * 1 (11). */
using HeaderBits = std::array<std::uint8_t, kHeaderBits>;

/** @throws PhyError naming the first field that is out of range. */
HeaderBits packHeader(const BurstHeader& header);

/** Nothing when the CRC fails. Fields may still be implausible: see `headerFault`. */
std::optional<BurstHeader> unpackHeader(const HeaderBits& bits);

/** Why a header whose CRC holds cannot be followed (zero tokens, too long, digital tokens that do not fit),
 * or nullptr. */
const char* headerFault(const BurstHeader& header, int maxPayloadOfdmSymbols);

} // namespace otabench::phy
