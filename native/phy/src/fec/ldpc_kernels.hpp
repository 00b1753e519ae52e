// The decoder's inner loop, compiled once per instruction set and chosen at run time. Saturating integer
// arithmetic: every version gives the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace otabench::phy::fec {

inline constexpr int kWidestVector = 64; // bytes

/** Steps of an 8-bit LLR per natural unit. Half a unit is taken off magnitudes (offset min-sum). Both were
 * searched for the least PER of base graph 2 at rate 1/2. */
inline constexpr int kStepsPerUnit = 4;
inline constexpr char kOffset = 2;
/** Limit of channel LLRs and messages, a quarter of what a posterior holds: a posterior at its limit has
 * forgotten the rest of its sum, and with greater messages a few strong wrong ones turn it over (at 63, one
 * block in 14 of 256-QAM failed 10 dB above its threshold). */
inline constexpr char kGreatestMessage = 31;

inline constexpr int kMaxDegree =
    19; // entries of a row of the base graphs, its own parity column not counted

struct LdpcEdge {
  std::uint16_t column;
  std::uint16_t turn; // from the order in which the row before left the column to this row's order
};

struct LdpcLayer {
  const LdpcEdge* edges;
  int degree;
  int own;              // row of `own` with the LLRs of its own parity column, or -1 in the core rows
  std::size_t messages; // where its first edge's messages lie
};

/**
 * A column's Z posteriors lie in the order in which the last row left them, followed by a copy of the first
 * ones, so that any turn is one unaligned load. Each column has two buffers: a row reads one and writes the
 * other.
 */
struct LdpcState {
  int liftingSize;
  std::size_t stride;     // bytes of a buffer: Z rounded up to the widest vector, and one vector more
  std::int8_t* buffers;   // [column][2][stride]
  std::uint8_t* current;  // [column] which of the two holds the posteriors
  std::int8_t* messages;  // [layer][64 checks][edge][64]
  const std::int8_t* own; // [row - kCoreRows][ownStride]
  std::size_t ownStride;
};

struct LdpcKernel {
  /// Runs the layers in order. @return whether a check of the core rows failed as it was met
  bool (*run)(const LdpcLayer* layers, int count, LdpcState& state);
};

extern const LdpcKernel kLdpcBaseline;
extern const LdpcKernel kLdpcAvx2;
extern const LdpcKernel kLdpcAvx512;

} // namespace otabench::phy::fec
