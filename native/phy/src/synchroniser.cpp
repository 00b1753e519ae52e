#include "synchroniser.hpp"

#include <algorithm>
#include <cmath>

#include "simd.hpp"

namespace otabench::phy {

namespace {

constexpr double kTwoPi = 6.283185307179586;
constexpr int kRepeatLags = kShortRepeats - 1;

// |r|^2 / (288 sigma^2) is Exp(1) per lag in noise: exp(-24) = 4e-11 a lag. A burst at -5 dB lies at 59.
constexpr double kThreshold = 24.0 / kLongSamples;

/** sum conj(a) b over count samples. */
OTAPHY_CLONES Cf correlate(const Cf* a, const Cf* b, int count) {
  float re[kLanes] = {}, im[kLanes] = {};
  const float* x = reinterpret_cast<const float*>(a);
  const float* y = reinterpret_cast<const float*>(b);
  for (int n = 0; n < count; n += kLanes)
    for (int j = 0; j < kLanes; ++j) {
      const float xr = x[2 * (n + j)], xi = x[2 * (n + j) + 1], yr = y[2 * (n + j)], yi = y[2 * (n + j) + 1];
      re[j] += xr * yr + xi * yi;
      im[j] += xr * yi - xi * yr;
    }
  return {sumLanes(re), sumLanes(im)};
}

OTAPHY_CLONES void multiply(Cf* out, const Cf* a, const Cf* b, int count) {
  for (int n = 0; n < count; ++n)
    out[n] = a[n] * b[n];
}

/** CFO that maximises the periodogram of the 16-fold repetition: Re sum_m R(16 m) exp(-j 16 m w), m = 1..15.
 */
double periodogramPeak(const Cf* samples, double start) {
  Cd r[kRepeatLags];
  for (int m = 1; m <= kRepeatLags; ++m)
    r[m - 1] = Cd(correlate(samples, samples + m * kShortPeriod, kShortSamples - m * kShortPeriod));
  const auto value = [&](double w) {
    double sum = 0;
    const Cd step = std::polar(1.0, -kShortPeriod * w);
    Cd turn = step;
    for (const Cd& lag : r) {
      sum += (lag * turn).real();
      turn *= step;
    }
    return sum;
  };
  // The gate is right to half a bin of 2 pi / 256: a grid of eighth bins, then parabolas.
  constexpr double kBin = kTwoPi / kShortSamples;
  double best = start, bestValue = -1e300;
  for (int i = -8; i <= 8; ++i) {
    const double w = start + i * kBin / 8;
    const double v = value(w);
    if (v > bestValue) {
      bestValue = v;
      best = w;
    }
  }
  double width = kBin / 8;
  for (int iteration = 0; iteration < 3; ++iteration, width /= 4) {
    const double low = value(best - width), mid = value(best), high = value(best + width);
    const double curvature = low - 2 * mid + high;
    if (curvature < 0)
      best += std::clamp(0.5 * (low - high) / curvature, -1.0, 1.0) * width;
  }
  return best;
}

} // namespace

Synchroniser::Synchroniser()
    : forward_(kFftSize, Fft::Direction::Forward), inverse_(kFftSize, Fft::Direction::Inverse) {
  std::fill(forward_.in(), forward_.in() + kFftSize, Cf(0, 0));
  std::copy_n(waveform().preamble.begin() + kShortSamples, kLongSamples, forward_.in());
  forward_.run();
  for (int i = 0; i < kFftSize; ++i)
    conjTemplate_[i] = std::conj(forward_.out()[i]) * (1.0F / kFftSize);
}

Synchroniser::Result Synchroniser::search(const Cf* samples, float bins) {
  Result result;
  result.cfo = periodogramPeak(samples, kTwoPi * static_cast<double>(bins) / kShortSamples);
  fillRotation(rotation_.data(), kFftSize, 0, -result.cfo);
  const Cf* segment = samples + kFirstLag;
  multiply(forward_.in(), segment, rotation_.data(), kFftSize);
  forward_.run();
  multiply(inverse_.in(), forward_.out(), conjTemplate_.data(), kFftSize);
  inverse_.run();
  double energy = 0;
  for (int n = 0; n < kLongSamples; ++n)
    energy += static_cast<double>(std::norm(segment[n]));
  int bestLag = -1;
  double bestPower = 0, bestEnergy = 0;
  for (int lag = 0; lag < kLags; ++lag) {
    const auto power = static_cast<double>(std::norm(inverse_.out()[lag]));
    if (power > bestPower) {
      bestPower = power;
      bestLag = lag;
      bestEnergy = energy;
    }
    if (lag + 1 < kLags)
      energy += static_cast<double>(std::norm(segment[lag + kLongSamples]) - std::norm(segment[lag]));
  }
  if (bestLag < 0 || !(bestEnergy > 0))
    return result;
  result.longStart = kFirstLag + bestLag;
  // The template has unit mean power: its energy is its length.
  result.metric = bestPower / (bestEnergy * kLongSamples);
  result.found = result.metric > kThreshold;
  return result;
}

} // namespace otabench::phy
