#pragma once

#include <cstdint>
#include <vector>

#include "air.hpp"

/** What the link achieves, by simulation over `air`. */
namespace bench {

struct LinkPoint {
  int bursts = 0;
  int detected = 0;
  int headersOk = 0;
  double mseGapDb = 0;  // token MSE over the bound for the true channel
  double snrBiasDb = 0; // best-informed estimate minus truth
  double snrSdDb = 0;
  double cfoRms = 0; // rad/sample
};

/** Bursts of [tokens, dimension] at unknown times with random CFO (+-40 ppm of 2.45 GHz, clock offset tied)
 * and phase. */
LinkPoint measureLink(double snrDb, int bursts, int tokens, int dimension, bool threeTaps,
                      std::uint64_t seed);

/** Detections in noise alone. */
std::int64_t falseAlarms(std::int64_t samples, std::uint64_t seed);

} // namespace bench
