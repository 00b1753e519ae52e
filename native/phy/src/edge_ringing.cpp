#include "edge_ringing.hpp"

#include <cmath>

#include "carrier_math.hpp"

namespace otabench::phy {

namespace {

/** Decay of the two tails, nepers a sample. */
constexpr double kDecays[] = {0.06, 0.25};
/** Tails are cut off here, samples. */
constexpr int kTail = kCarriers;

Cd inner(const CarrierVector& a, const CarrierVector& b) {
  Cf sum = 0;
  for (int k = 0; k < kLoadedCarriers; ++k)
    sum += std::conj(a[k]) * b[k];
  return Cd(sum);
}

Cd product(const CarrierVector& a, const CarrierVector& b) {
  Cf sum = 0;
  for (int k = 0; k < kLoadedCarriers; ++k)
    sum += a[k] * b[k];
  return Cd(sum);
}

} // namespace

EdgeRinging::EdgeRinging(double centre) {
  int t = 0;
  for (const int step : {-1, 1})
    for (const double decay : kDecays) {
      Term& term = terms_[t++];
      term.step = step;
      for (int k = 0; k < kLoadedCarriers; ++k) {
        const double w = kTwoPi * loadedCarriers()[k] / kCarriers;
        Cd shape = 0, beyond = 0;
        for (int n = 0; n < kTail; ++n) {
          const double tail = (n % 2 == 0 ? 1 : -1) * std::exp(-decay * n);
          shape += std::polar(tail, step < 0 ? -w * n : w * (n + 1));
          beyond += std::polar(tail, step < 0 ? -w * (n + 1) : w * n);
        }
        // The window's continuation begins a prefix before its first and at its last sample.
        const Cd prefix = std::polar(1.0, -w * kCyclicPrefix);
        term.shape[k] = Cf(shape * std::polar(1.0, w * centre));
        term.neighbour[k] = Cf(step < 0 ? beyond : beyond * prefix);
        term.own[k] = Cf(step < 0 ? beyond * prefix : beyond);
      }
    }
  for (int r = 0; r < kFreedom; ++r)
    for (int s = 0; s < kFreedom; ++s)
      shapes_[r][s] = inner(terms_[r].shape, terms_[s].shape);
}

double EdgeRinging::explained(const CarrierVector* sent,
                              const std::array<CarrierVector, kSymbols>& residuals) const {
  std::array<std::array<Cd, kSymbols>, kFreedom> beyond;
  for (int r = 0; r < kFreedom; ++r)
    for (int m = 0; m < kSymbols; ++m)
      beyond[r][m] =
          product(terms_[r].neighbour, sent[m + 1 + terms_[r].step]) - product(terms_[r].own, sent[m + 1]);
  // Least squares: normal equations by Cholesky's factors; the energy explained is |L^-1 b|^2.
  std::array<std::array<Cd, kFreedom>, kFreedom> l;
  std::array<Cd, kFreedom> x{};
  double energy = 0;
  for (int r = 0; r < kFreedom; ++r) {
    for (int s = 0; s <= r; ++s) {
      Cd sum = 0;
      for (int m = 0; m < kSymbols; ++m)
        sum += std::conj(beyond[r][m]) * beyond[s][m];
      l[r][s] = sum * shapes_[r][s];
      for (int i = 0; i < s; ++i)
        l[r][s] -= l[r][i] * std::conj(l[s][i]);
      l[r][s] = s == r ? Cd(std::sqrt(std::max(l[r][r].real(), 1e-30))) : l[r][s] / l[s][s];
    }
    for (int m = 0; m < kSymbols; ++m)
      x[r] += std::conj(beyond[r][m]) * inner(terms_[r].shape, residuals[m]);
    for (int i = 0; i < r; ++i)
      x[r] -= l[r][i] * x[i];
    x[r] /= l[r][r];
    energy += std::norm(x[r]);
  }
  return energy;
}

} // namespace otabench::phy
