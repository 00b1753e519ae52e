#include "filters.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <list>
#include <mutex>

namespace otabench::medium {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr int kPhases = 512;      // rows of the sinc table; linear blending between rows errs by -106 dB
constexpr int kFinePhases = 1024; // of the table behind value()
constexpr double kBeta = 7.0;     // Kaiser: 72 dB with 24 taps over a transition of 0.2

// Modified Bessel function of the first kind, order 0 (power series; argument up to 7 here).
double besselI0(double x) {
  double term = 1.0;
  double sum = 1.0;
  for (int k = 1; k < 60; ++k) {
    term *= (x / (2.0 * k)) * (x / (2.0 * k));
    sum += term;
    if (term < 1e-18 * sum)
      break;
  }
  return sum;
}

double windowedSinc(double x) {
  if (std::abs(x) >= kSincHalf)
    return 0.0;
  if (x == std::floor(x))
    return x == 0.0 ? 1.0 : 0.0;
  const double ratio = x / kSincHalf;
  return std::sin(kPi * x) / (kPi * x) * besselI0(kBeta * std::sqrt(1.0 - ratio * ratio)) / besselI0(kBeta);
}

} // namespace

SincTable::SincTable() {
  rows_.resize((kPhases + 1) * kernels::kSincTaps);
  for (int p = 0; p <= kPhases; ++p)
    for (int j = -kSincHalf; j < kSincHalf; ++j)
      rows_[static_cast<std::size_t>(p) * kernels::kSincTaps + static_cast<std::size_t>(j + kSincHalf)] =
          static_cast<float>(windowedSinc(j + static_cast<double>(p) / kPhases));
  fine_.resize(static_cast<std::size_t>(kSincHalf) * kFinePhases + 2);
  for (std::size_t i = 0; i < fine_.size(); ++i)
    fine_[i] = windowedSinc(static_cast<double>(i) / kFinePhases);
}

const SincTable& SincTable::instance() {
  static const SincTable table;
  return table;
}

void SincTable::rows(double fraction, const float** low, const float** high, float* weight) const {
  const double position = fraction * kPhases;
  const int row = std::clamp(static_cast<int>(position), 0, kPhases - 1);
  *low = rows_.data() + static_cast<std::size_t>(row) * kernels::kSincTaps;
  *high = *low + kernels::kSincTaps;
  *weight = static_cast<float>(position - row);
}

double SincTable::value(double x) const {
  const double position = std::abs(x) * kFinePhases;
  if (position >= static_cast<double>(kSincHalf) * kFinePhases)
    return 0.0;
  const auto index = static_cast<std::size_t>(position);
  const double weight = position - static_cast<double>(index);
  return fine_[index] + weight * (fine_[index + 1] - fine_[index]);
}

const float* slopeCoefficients() {
  static const auto made = [] {
    constexpr double kSlopeBeta = 5.0;
    constexpr std::size_t kHalf = kernels::kSlopeHalf;
    std::array<float, 2 * kHalf + 1> c{};
    for (std::size_t k = 1; k <= kHalf; ++k) {
      const double x = static_cast<double>(k);
      const double ratio = x / static_cast<double>(kHalf + 1);
      const double window = besselI0(kSlopeBeta * std::sqrt(1.0 - ratio * ratio)) / besselI0(kSlopeBeta);
      c[kHalf - k] = static_cast<float>((k % 2 == 1 ? 1.0 : -1.0) / x * window);
      c[kHalf + k] = -c[kHalf - k];
    }
    return c;
  }();
  return made.data();
}

bool bandsMeet(const BandKey& key) {
  return std::abs(key.shiftHz) < 0.6 * (key.txBandHz + key.rxBandHz);
}

namespace {

std::shared_ptr<const BandFilter> design(const BandKey& key) {
  const SincTable& sinc = SincTable::instance();
  auto filter = std::make_shared<BandFilter>();
  // In units of transmitted samples: each low-pass h(x) = band sinc(band x), band relative to the TX rate.
  const double txBand = key.txBandHz / key.txRateHz;
  const double rxBand = key.rxBandHz / key.txRateHz;
  const double shift = key.shiftHz / key.txRateHz;
  // One of the two filters alone does where the other is flat over all that passes.
  const bool rxAlone = std::abs(shift) + 0.6 * rxBand <= 0.4 * txBand;
  const bool txAlone = std::abs(shift) + 0.6 * txBand <= 0.4 * rxBand;
  const double txHalf = kSincHalf / txBand;
  const double rxHalf = kSincHalf / rxBand;
  const double halfLength = rxAlone ? rxHalf : txAlone ? txHalf : txHalf + rxHalf;
  filter->half = static_cast<int>(std::ceil(halfLength)) + 1;
  filter->rowLength = (2 * static_cast<std::size_t>(filter->half) + 7) / 8 * 8;
  filter->re.assign((BandFilter::kPhases + 1) * filter->rowLength, 0.0f);
  filter->im.assign(filter->re.size(), 0.0f);

  const auto lowPass = [&](double band, double x) { return band * sinc.value(band * x); };
  // Both responses are band-limited, so a sum at twice the highest frequency of their product is their
  // convolution.
  const double step = 1.0 / (2.0 * (0.6 * txBand + 0.6 * rxBand + std::abs(shift)));
  const bool txShorter = txHalf < rxHalf;
  const double shorterHalf = txShorter ? txHalf : rxHalf;
  const int steps = static_cast<int>(std::floor(shorterHalf / step));

  for (int p = 0; p <= BandFilter::kPhases; ++p) {
    for (int m = 0; m < 2 * filter->half; ++m) {
      const double x = filter->half - 1 - m + static_cast<double>(p) / BandFilter::kPhases;
      double re = 0.0;
      double im = 0.0;
      if (rxAlone) {
        re = lowPass(rxBand, x) * std::cos(-2.0 * kPi * shift * x);
        im = lowPass(rxBand, x) * std::sin(-2.0 * kPi * shift * x);
      } else if (txAlone) {
        re = lowPass(txBand, x);
      } else if (std::abs(x) <= halfLength) {
        for (int k = -steps; k <= steps; ++k) {
          const double u = k * step; // along the shorter response
          const double txTime = txShorter ? u : x - u;
          const double rxTime = x - txTime;
          const double product = lowPass(txBand, txTime) * lowPass(rxBand, rxTime) * step;
          re += product * std::cos(-2.0 * kPi * shift * rxTime);
          im += product * std::sin(-2.0 * kPi * shift * rxTime);
        }
      }
      const std::size_t at = static_cast<std::size_t>(p) * filter->rowLength + static_cast<std::size_t>(m);
      filter->re[at] = static_cast<float>(re);
      filter->im[at] = static_cast<float>(im);
    }
  }
  return filter;
}

} // namespace

std::shared_ptr<const BandFilter> bandFilter(const BandKey& key) {
  static std::mutex mutex;
  static std::list<std::pair<BandKey, std::shared_ptr<const BandFilter>>> kept;
  const std::lock_guard<std::mutex> lock(mutex);
  for (auto it = kept.begin(); it != kept.end(); ++it) {
    if (it->first == key) {
      kept.splice(kept.begin(), kept, it);
      return it->second;
    }
  }
  kept.emplace_front(key, design(key));
  if (kept.size() > 64)
    kept.pop_back();
  return kept.front().second;
}

} // namespace otabench::medium
