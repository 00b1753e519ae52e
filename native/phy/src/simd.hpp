#pragma once

/**
 * Sample loops are compiled for several instruction sets and chosen at run time. Sums in them run in fixed
 * lanes
 * (`lanes` below), so that every version adds in the same order and gives the same bits.
 */
#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
#define OTAPHY_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define OTAPHY_CLONES
#endif

namespace otabench::phy {

inline constexpr int kLanes = 16;

/** Sum of the lanes, pairwise. */
template <typename T> inline T sumLanes(const T* lanes) {
  T half[kLanes / 2];
  for (int i = 0; i < kLanes / 2; ++i)
    half[i] = lanes[i] + lanes[i + kLanes / 2];
  for (int width = kLanes / 4; width >= 1; width /= 2)
    for (int i = 0; i < width; ++i)
      half[i] += half[i + width];
  return half[0];
}

} // namespace otabench::phy
