#pragma once

#include <string>
#include <vector>

#include "otabench/medium/medium.hpp"
#include "otabench/phy/error_budget.hpp"

/** The link over the simulated air of libotamedium, whose fading is TR 38.901's. */
namespace bench {

struct FadingCase {
  otabench::medium::DelayProfile profile = otabench::medium::DelayProfile::TdlA;
  double delaySpreadS = 100e-9;
  double speedKmh = 3; // at kDefaultCenterFrequencyHz
  int tokens = 64, dimension = 64;
};

struct FadingPoint {
  int bursts = 0;
  int received = 0;
  double mseGapDb = 0;  // token MSE of all bursts over the bound; a burst that is lost counts as zero tokens
  double snrBiasDb = 0; // received bursts: best-informed estimate minus truth
};

/**
 * Bursts through as many independent draws of the channel, Es/N0 snrDb in the mean over the fading. Clocks
 * are -35..30 ppm apart, with the CFO that belongs to them.
 * The bound is LMMSE with the true channel: mean over data carriers and stretches of 0.3 ms of 1 / (1 +
 * SNR).
 */
FadingPoint measureFading(const FadingCase& fading, double snrDb, int bursts, std::uint64_t seed);

/** Error budgets of the bursts that were received, from the air's own parts, with `linear`. */
std::vector<otabench::phy::ErrorBudget> fadingBudgets(const FadingCase& fading, double snrDb, int bursts,
                                                      std::uint64_t seed);

} // namespace bench
