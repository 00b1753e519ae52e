#pragma once

#include <cstdint>

namespace otabench::phy {

/** SplitMix64 as a hash of a counter (Steele, Lea, Flood, OOPSLA 2014): no state, so loops over it vectorise.
 */
inline std::uint64_t splitMix64(std::uint64_t counter) {
  std::uint64_t z = counter * 0x9E3779B97F4A7C15ULL + 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

} // namespace otabench::phy
