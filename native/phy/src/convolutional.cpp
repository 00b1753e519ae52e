#include "convolutional.hpp"

#include <cstring>

#include "simd.hpp"

namespace otabench::phy {

namespace {

constexpr int kStates = 1 << kCodeMemory;
constexpr int kHalf = kStates / 2;
// Octal 117, 127, 155, 171: free distance 20 (Larsen, IEEE Trans. IT 19(3), 1973). All have both end taps, so
// the two branches into a state carry opposite bits: one metric serves a butterfly.
constexpr unsigned kGenerators[kCodeRateInverse] = {0117, 0127, 0155, 0171};

constexpr int parity(unsigned v) {
  int p = 0;
  for (; v != 0; v >>= 1)
    p ^= static_cast<int>(v & 1U);
  return p;
}

struct Signs {
  float of[kCodeRateInverse][kHalf]; // +1 where the branch from state p with input 0 sends bit 0
};

constexpr Signs makeSigns() {
  Signs s{};
  for (int j = 0; j < kCodeRateInverse; ++j)
    for (int p = 0; p < kHalf; ++p)
      s.of[j][p] = parity(static_cast<unsigned>(p << 1) & kGenerators[j]) == 0 ? 1.0F : -1.0F;
  return s;
}
constexpr Signs kSigns = makeSigns();

struct Outputs {
  std::uint8_t of[2 * kStates][kCodeRateInverse]; // coded bits of a register's content
};

constexpr Outputs makeOutputs() {
  Outputs o{};
  for (unsigned r = 0; r < 2 * kStates; ++r)
    for (int j = 0; j < kCodeRateInverse; ++j)
      o.of[r][j] = static_cast<std::uint8_t>(parity(r & kGenerators[j]));
  return o;
}
constexpr Outputs kOutputs = makeOutputs();

/** One trellis step. State = the last 6 bits, newest lowest; the predecessors of 2p + b are p and p + 32. */
OTAPHY_CLONES void step(const float* llr, const float* from, float* to, std::uint8_t* decision) {
  for (int p = 0; p < kHalf; ++p) {
    const float metric = llr[0] * kSigns.of[0][p] + llr[1] * kSigns.of[1][p] + llr[2] * kSigns.of[2][p] +
                         llr[3] * kSigns.of[3][p];
    const float a0 = from[p] + metric, b0 = from[p + kHalf] - metric;
    const float a1 = from[p] - metric, b1 = from[p + kHalf] + metric;
    to[2 * p] = a0 >= b0 ? a0 : b0;
    to[2 * p + 1] = a1 >= b1 ? a1 : b1;
    decision[2 * p] = a0 >= b0 ? 0 : 1;
    decision[2 * p + 1] = a1 >= b1 ? 0 : 1;
  }
}

} // namespace

CodedBits convolutionalEncode(const HeaderBits& bits) {
  CodedBits coded{};
  unsigned shift = 0;
  for (int t = 0; t < kHeaderSteps; ++t) {
    shift = ((shift << 1) | (t < kHeaderBits ? bits[t] : 0U)) & (2U * kStates - 1U);
    for (int j = 0; j < kCodeRateInverse; ++j)
      coded[t * kCodeRateInverse + j] = kOutputs.of[shift][j];
  }
  return coded;
}

HeaderBits viterbiDecode(const CodedLlrs& llrs) {
  alignas(64) float metrics[2][kStates];
  std::uint8_t decisions[kHeaderSteps][kStates];
  for (float& m : metrics[0])
    m = -1e30F;
  metrics[0][0] = 0;
  for (int t = 0; t < kHeaderSteps; ++t)
    step(&llrs[static_cast<std::size_t>(t) * kCodeRateInverse], metrics[t & 1], metrics[(t & 1) ^ 1],
         decisions[t]);
  HeaderBits bits{};
  unsigned state = 0; // the tail drives the register to zero
  for (int t = kHeaderSteps - 1; t >= 0; --t) {
    if (t < kHeaderBits)
      bits[t] = static_cast<std::uint8_t>(state & 1U);
    state = (state >> 1) | (decisions[t][state] != 0 ? static_cast<unsigned>(kHalf) : 0U);
  }
  return bits;
}

} // namespace otabench::phy
