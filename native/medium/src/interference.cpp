#include "interference.hpp"

#include "noise.hpp"

#include <algorithm>
#include <cmath>

namespace otabench::medium {
namespace {

constexpr double kToneRateHz = 1e6; // the edges of a tone that is switched are as wide as this band
constexpr std::size_t kKeptPlanes = 32;

/// Power that the interpolator leaves of white samples of power 1: the integral of its squared response.
double interpolatedPower() {
  constexpr int kSteps = 64;
  double sum = 0.0;
  for (int i = -kSincHalf * kSteps; i < kSincHalf * kSteps; ++i) {
    const double value = SincTable::instance().value(static_cast<double>(i) / kSteps);
    sum += value * value / kSteps;
  }
  return sum;
}

} // namespace

InterfererSource::InterfererSource(const Interferer& interferer, std::uint64_t key)
    : interferer_(interferer), key_(key),
      rateHz_(interferer.bandwidthHz == 0.0 ? kToneRateHz : interferer.bandwidthHz) {
  PathProfile path;
  path.pathLossDb = 0.0;
  channel_ = makeChannel(path, 0, {});
}

bool InterfererSource::isHeardBy(const std::string& serial) const {
  const auto& serials = interferer_.serials;
  return serials.empty() || std::find(serials.begin(), serials.end(), serial) != serials.end();
}

std::shared_ptr<const Plane> InterfererSource::plane(std::int64_t index) {
  for (auto it = kept_.begin(); it != kept_.end(); ++it) {
    if (it->first == index) {
      kept_.splice(kept_.begin(), kept_, it);
      return it->second;
    }
  }
  auto made = std::make_shared<Plane>();
  if (interferer_.bandwidthHz == 0.0) {
    std::fill(std::begin(made->re), std::end(made->re), 1.0f);
    std::fill(std::begin(made->im), std::end(made->im), 0.0f);
  } else {
    static const auto scale = static_cast<float>(1.0 / std::sqrt(interpolatedPower()));
    constexpr auto kPerPlane = Plane::kSamples / static_cast<std::int64_t>(kernels::kNoiseBlock);
    for (std::int64_t k = 0; k < kPerPlane; ++k)
      kernels::best().noise(noiseSeed(key_, index * kPerPlane + k), made->re + k * kernels::kNoiseBlock,
                            made->im + k * kernels::kNoiseBlock);
    for (std::int64_t i = 0; i < Plane::kSamples; ++i) {
      made->re[i] *= scale;
      made->im[i] *= scale;
    }
  }
  kept_.emplace_front(index, made);
  if (kept_.size() > kKeptPlanes)
    kept_.pop_back();
  return made;
}

SourceJob InterfererSource::job(double beginNs, double endNs) {
  SourceJob source;
  source.channel = channel_;
  source.maxOutputPowerDbm = interferer_.powerDbm;
  source.frequencyHz = Timeline(interferer_.frequencyHz);
  source.gainDb = Timeline(limits().txGainDb.maximum);
  source.bandwidthHz = rateHz_;
  const double startNs = interferer_.startS * 1e9;
  const double onNs = interferer_.onS * 1e9;
  const double periodNs = interferer_.periodS * 1e9;
  const double tickNs = 1e9 / rateHz_;
  const auto addOn = [&](double fromNs, double untilNs) {
    const auto from = static_cast<std::int64_t>(std::ceil(std::max({fromNs, beginNs, 0.0}) / tickNs - 1e-6));
    const auto until = static_cast<std::int64_t>(std::ceil(std::min(untilNs, endNs) / tickNs - 1e-6));
    if (from >= until)
      return;
    SegmentView view;
    view.rateHz = rateHz_;
    view.startTick = from / Plane::kSamples * Plane::kSamples;
    view.endTick = until;
    for (std::int64_t at = view.startTick; at < until; at += Plane::kSamples)
      view.chunks.push_back(plane(at / Plane::kSamples));
    view.skipTicks = from - view.startTick;
    source.segments.push_back(std::move(view));
  };
  if (onNs == 0.0) {
    addOn(startNs, endNs);
  } else if (periodNs == 0.0) {
    addOn(startNs, startNs + onNs);
  } else {
    const double firstPeriod = std::max(0.0, std::floor((beginNs - startNs) / periodNs));
    for (double k = firstPeriod; startNs + k * periodNs < endNs; k += 1.0)
      addOn(startNs + k * periodNs, startNs + k * periodNs + onNs);
  }
  return source;
}

} // namespace otabench::medium
