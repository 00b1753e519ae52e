#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "otabench/phy/numerology.hpp"

namespace otabench::phy {

/** How tokens become payload symbols. Three bits in the header; only Analog is in use. */
enum class Mapping : std::uint8_t { Analog = 0 };

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
  /** sqrt(mean |s|^2) of the burst's complex symbols, linear, > 0. The transmitter sets it. */
  double scale = 1.0;
};

/** The scale's code: 14 bits, natural logarithm in steps of 0.002 (error <= 0.1 %), 7.6e-8 .. 1.3e7. */
inline constexpr int kScaleBits = 14;
/** @throws PhyError when `scale` is not finite or out of the code's range. */
std::uint32_t encodeScale(double scale);
double decodeScale(std::uint32_t code);

inline constexpr int kHeaderInfoBits = 56;
inline constexpr int kHeaderCrcBits = 16;
inline constexpr int kHeaderBits = kHeaderInfoBits + kHeaderCrcBits;

/** Bits, most significant first: user 4, sequence 12, tokens 10, dimension 10, mapping 3, scale 14, spare 3,
 * CRC-16. */
using HeaderBits = std::array<std::uint8_t, kHeaderBits>;

/** @throws PhyError naming the first field that is out of range. */
HeaderBits packHeader(const BurstHeader& header);

/** Nothing when the CRC fails. Fields may still be implausible: see `headerFault`. */
std::optional<BurstHeader> unpackHeader(const HeaderBits& bits);

/** Why a header whose CRC holds cannot be followed (zero tokens, unknown mapping, too long), or nullptr. */
const char* headerFault(const BurstHeader& header, int maxPayloadOfdmSymbols);

} // namespace otabench::phy
