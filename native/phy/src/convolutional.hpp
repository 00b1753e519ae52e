#pragma once

#include <array>
#include <cstdint>

#include "otabench/phy/header.hpp"

/** The header's code: convolutional, K = 7, rate 1/4, zero-tailed, soft Viterbi decoding. */
namespace otabench::phy {

inline constexpr int kCodeMemory = 6;
inline constexpr int kCodeRateInverse = 4;
inline constexpr int kHeaderSteps = kHeaderBits + kCodeMemory;
inline constexpr int kHeaderCodedBits = kHeaderSteps * kCodeRateInverse;

using CodedBits = std::array<std::uint8_t, kHeaderCodedBits>;
/** Log-likelihood ratios, positive for bit 0. Any common factor. */
using CodedLlrs = std::array<float, kHeaderCodedBits>;

CodedBits convolutionalEncode(const HeaderBits& bits);
/** Maximum-likelihood sequence. */
HeaderBits viterbiDecode(const CodedLlrs& llrs);

} // namespace otabench::phy
