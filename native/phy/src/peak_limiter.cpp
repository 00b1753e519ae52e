#include "peak_limiter.hpp"

#include <algorithm>
#include <cmath>

namespace otabench::phy {

namespace {

constexpr double kNothing = 1e-20;

double meanPower(const std::vector<CarrierVector>& symbols) {
  double power = 0;
  for (const CarrierVector& symbol : symbols)
    for (const Cf& x : symbol)
      power += static_cast<double>(std::norm(x));
  return power / static_cast<double>(symbols.size());
}

int oversampledBin(int carrier, int size) {
  return carrier < 0 ? carrier + size : carrier;
}

} // namespace

int PeakLimiter::limitSymbol(CarrierVector& symbol, float limit) {
  constexpr auto carriers = loadedCarriers();
  std::fill_n(inverse_.in(), kSize, Cf(0, 0));
  for (int k = 0; k < kLoadedCarriers; ++k)
    inverse_.in()[oversampledBin(carriers[k], kSize)] = symbol[k];
  inverse_.run();
  int beyond = 0;
  for (int n = 0; n < kSize; ++n) {
    const Cf x = inverse_.out()[n];
    const float power = std::norm(x);
    const bool over = power > limit;
    beyond += over ? 1 : 0;
    forward_.in()[n] = over ? x * std::sqrt(limit / power) : x;
  }
  if (beyond == 0)
    return 0;
  forward_.run();
  for (int k = 0; k < kLoadedCarriers; ++k)
    symbol[k] = forward_.out()[oversampledBin(carriers[k], kSize)] / static_cast<float>(kSize);
  return beyond;
}

PeakLimiter::Result PeakLimiter::limit(std::vector<CarrierVector>& symbols, int firstJudged, double target,
                                       int iterations) {
  Result result;
  wanted_ = symbols;
  for (int pass = 0; pass < iterations; ++pass) {
    // Unscaled transforms: the envelope's mean power is the carriers' summed power.
    const auto limit = static_cast<float>(target * meanPower(symbols));
    std::int64_t beyond = 0;
    for (CarrierVector& symbol : symbols)
      beyond += limitSymbol(symbol, limit);
    if (pass == 0)
      result.limitedFraction = static_cast<double>(beyond) / (static_cast<double>(symbols.size()) * kSize);
    if (beyond == 0)
      break;
  }
  double wanted = 0, kept = 0;
  for (std::size_t m = 0; m < symbols.size(); ++m)
    for (int k = 0; k < kLoadedCarriers; ++k) {
      wanted += static_cast<double>(std::norm(wanted_[m][k]));
      kept += static_cast<double>((std::conj(wanted_[m][k]) * symbols[m][k]).real());
    }
  const auto giveBack = static_cast<float>(wanted / kept);
  double power = 0, error = 0;
  for (std::size_t m = 0; m < symbols.size(); ++m)
    for (int k = 0; k < kLoadedCarriers; ++k) {
      symbols[m][k] *= giveBack;
      if (static_cast<int>(m) < firstJudged)
        continue;
      power += static_cast<double>(std::norm(wanted_[m][k]));
      error += static_cast<double>(std::norm(symbols[m][k] - wanted_[m][k]));
    }
  result.evmDb = 10 * std::log10(std::max(error / power, kNothing));
  return result;
}

} // namespace otabench::phy
