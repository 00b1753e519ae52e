#include "snr_estimate.hpp"

#include <algorithm>
#include <cmath>

namespace otabench::phy {

namespace {

constexpr double k95Percent = 1.959964;

/** Quantile of a chi-square over its degrees of freedom (Wilson and Hilferty, 1931). */
double chiSquareQuantile(double freedom, double normalQuantile) {
  const double v = 2 / (9 * freedom);
  const double root = std::max(1 - v + normalQuantile * std::sqrt(v), 1e-3);
  return root * root * root;
}

} // namespace

SnrEstimate snrEstimate(double power, double noise, double noiseFreedom, double observations) {
  SnrEstimate e;
  if (!(power > 0) || !(noise > 0))
    return e;
  const double snr = power / noise;
  e.snrDb = 10 * std::log10(snr);
  e.sdDb = 4.343 * std::sqrt(1 / noiseFreedom + 2 / (observations * snr));
  // As if all of the relative variance were the noise's.
  const double freedom = 2 / (1 / noiseFreedom + 2 / (observations * snr));
  e.lowDb = e.snrDb + 10 * std::log10(chiSquareQuantile(freedom, -k95Percent));
  e.highDb = e.snrDb + 10 * std::log10(chiSquareQuantile(freedom, k95Percent));
  return e;
}

} // namespace otabench::phy
