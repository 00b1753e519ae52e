#pragma once

#include <cstdint>
#include <vector>

#include "otabench/phy/errors.hpp"
#include "otabench/phy/fec/crc.hpp"
#include "otabench/phy/span.hpp"

namespace otabench::phy::fec {

inline constexpr int kMinBitsPerValue = 2;
inline constexpr int kMaxBitsPerValue = 8;

/** A token's step, coded: exp((code - 256) / 16), 1..511, so +-3 % fine over 1.2e-7..8.4e6; 0: all zeros. */
inline constexpr int kStepBits = 9;

/** Tokens as numbers. */
struct TokenFormat {
  int tokens = 1;       // L, 1..1023
  int dimension = 1;    // D, 1..1023
  int bitsPerValue = 4; // q, 2..8

  std::int64_t bitsPerToken() const {
    return kStepBits + static_cast<std::int64_t>(dimension) * bitsPerValue;
  }
  std::int64_t bits() const { return tokens * bitsPerToken(); }
};

/** @throws PhyError naming the first field that is out of range */
void checkFormat(const TokenFormat& format);

/** Step over rms that has the least mean squared error for Gaussian values (Max, IRE Trans. IT 6, 1960). */
double gaussianStep(int bitsPerValue);

/**
 * Uniform mid-rise quantiser: level floor(x / step) of -2^(q-1)..2^(q-1) - 1, the rest clipped. Each token
 * has the coded step with its own least squared error, found downhill from the Gaussian one.
 * @param tokens  [tokens, dimension], row-major
 * @param bits    replaced by [tokens x bitsPerToken]
 * @throws PhyError for a wrong count, values that are not finite or beyond the largest step
 */
void quantiseTokens(Span<const float> tokens, const TokenFormat& format, Bits& bits);

/** The reverse, middles of the levels. @throws PhyError for a wrong count */
void dequantiseTokens(Span<const std::uint8_t> bits, const TokenFormat& format, std::vector<float>& tokens);

} // namespace otabench::phy::fec
