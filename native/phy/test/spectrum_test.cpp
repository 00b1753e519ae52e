/** The averaged periodogram: levels, bin order, bounds. */
#include "otabench/phy/spectrum.hpp"

#include <cmath>
#include <complex>
#include <limits>
#include <random>
#include <vector>

#include "fec_check.hpp"

using namespace otabench::phy;

namespace {
constexpr double kRateHz = 5e6;
constexpr int kSize = SpectrumMeter::kSize;

std::vector<std::complex<float>> tone(double frequencyHz, double amplitude, std::size_t count) {
  std::vector<std::complex<float>> samples(count);
  for (std::size_t i = 0; i < count; ++i)
    samples[i] =
        std::complex<float>(std::polar(amplitude, 2 * M_PI * frequencyHz * static_cast<double>(i) / kRateHz));
  return samples;
}
} // namespace

TEST_CASE(density, "spectrum: white noise of power P has the density P / rate in every bin") {
  std::mt19937_64 random(3);
  std::normal_distribution<float> gaussian(0, std::sqrt(0.5f * 1e-3f));
  std::vector<std::complex<float>> samples(kSize * 1000);
  for (auto& s : samples)
    s = {gaussian(random), gaussian(random)};
  SpectrumMeter meter(kRateHz);
  meter.push(samples.data(), samples.size());
  const auto spectrum = meter.take();
  CHECK(spectrum.has_value());
  if (!spectrum)
    return;
  CHECK_EQUAL(spectrum->segments, std::int64_t{1000});
  const double expectedDb = -30 - 10 * std::log10(kRateHz);
  double mean = 0;
  for (const float db : spectrum->meanDbfsPerHz) {
    CHECK_RANGE(static_cast<double>(db), expectedDb - 1, expectedDb + 1);
    mean += static_cast<double>(db) / kSize;
  }
  CHECK_RANGE(mean, expectedDb - 0.05, expectedDb + 0.05);
  // The largest of 1,000 exponential values is about ln 1000 + 0.58 = 8.7 dB above their mean.
  for (std::size_t i = 0; i < kSize; ++i)
    CHECK_RANGE(static_cast<double>(spectrum->peakDbfsPerHz[i]), expectedDb + 6, expectedDb + 13);
}

TEST_CASE(order, "spectrum: bins ascend from -rate/2, and a full-scale tone's lines add up to its power") {
  for (const double frequencyHz : {-2.5e6, -1e6, 0.0, 1.25e6}) {
    const auto samples = tone(frequencyHz, 1, 8 * kSize);
    SpectrumMeter meter(kRateHz);
    meter.push(samples.data(), samples.size());
    const auto spectrum = meter.take();
    CHECK(spectrum.has_value());
    if (!spectrum)
      return;
    const auto bin = static_cast<std::size_t>(std::llround(frequencyHz / kRateHz * kSize)) + kSize / 2;
    double power = 0;
    std::size_t largest = 0;
    for (std::size_t i = 0; i < kSize; ++i) {
      power += std::pow(10, static_cast<double>(spectrum->meanDbfsPerHz[i]) / 10) * kRateHz / kSize;
      if (spectrum->meanDbfsPerHz[i] > spectrum->meanDbfsPerHz[largest])
        largest = i;
    }
    CHECK_RANGE(std::abs(static_cast<double>(largest) - static_cast<double>(bin)), -0.1, 1.1);
    CHECK_RANGE(10 * std::log10(power), -0.01, 0.01);
  }
}

TEST_CASE(pushes,
          "spectrum: does not depend on how samples are cut into pushes; a cut drops what was begun") {
  const auto samples = tone(3.3e5, 0.5, 10 * kSize);
  SpectrumMeter whole(kRateHz), pieces(kRateHz);
  whole.push(samples.data(), samples.size());
  for (std::size_t at = 0, step = 1; at < samples.size(); at += step, step = step % 700 + 37)
    pieces.push(samples.data() + at, std::min(step, samples.size() - at));
  const auto a = whole.take(), b = pieces.take();
  CHECK(a && b && a->meanDbfsPerHz == b->meanDbfsPerHz && a->segments == b->segments);
  CHECK(!whole.take().has_value());

  SpectrumMeter meter(kRateHz);
  meter.push(samples.data(), kSize - 1);
  meter.cut();
  meter.push(samples.data(), kSize - 1);
  CHECK(!meter.take().has_value());
}

TEST_CASE(bounds, "spectrum: the work between two looks is bounded; silence and rubbish give the floor") {
  SpectrumMeter meter(kRateHz);
  const std::vector<std::complex<float>> silence(static_cast<std::size_t>(kSize) * 1500);
  meter.push(silence.data(), silence.size());
  auto spectrum = meter.take();
  CHECK(spectrum.has_value());
  if (!spectrum)
    return;
  CHECK_EQUAL(spectrum->segments, SpectrumMeter::kMostSegments);
  CHECK_EQUAL(spectrum->segmentsLeftOut, 1500 - SpectrumMeter::kMostSegments);
  for (const float db : spectrum->meanDbfsPerHz)
    CHECK_EQUAL(db, SpectrumMeter::kFloorDb);

  std::vector<std::complex<float>> rubbish(kSize, {std::numeric_limits<float>::quiet_NaN(), 0});
  meter.push(rubbish.data(), rubbish.size());
  spectrum = meter.take();
  CHECK(spectrum.has_value());
  if (!spectrum)
    return;
  for (std::size_t i = 0; i < kSize; ++i)
    CHECK(std::isfinite(spectrum->meanDbfsPerHz[i]) && std::isfinite(spectrum->peakDbfsPerHz[i]));
  CHECK_THROWS_PHY(SpectrumMeter(0), "sampleRateHz");
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
