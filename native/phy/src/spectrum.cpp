#include "otabench/phy/spectrum.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "fft.hpp"
#include "otabench/phy/errors.hpp"

namespace otabench::phy {

struct SpectrumMeter::Impl {
  explicit Impl(double rate) : sampleRateHz(rate), fft(kSize, Fft::Direction::Forward) {
    for (int i = 0; i < kSize; ++i) {
      const double w = 0.5 - 0.5 * std::cos(2 * M_PI * i / kSize);
      window[static_cast<std::size_t>(i)] = static_cast<float>(w);
      windowPower += w * w;
    }
  }

  void clear() {
    sum.fill(0);
    peak.fill(0);
    segments = samplesLeftOut = 0;
  }

  void transform() {
    fft.run();
    const std::complex<float>* out = fft.out();
    for (std::size_t i = 0; i < kSize; ++i) {
      const float power = std::norm(out[i]);
      sum[i] += static_cast<double>(power);
      peak[i] = std::max(peak[i], power);
    }
    ++segments;
  }

  std::vector<float> density(const std::array<double, kSize>& powers, double scale) const {
    std::vector<float> ascending(kSize);
    for (std::size_t i = 0; i < kSize; ++i) {
      const double power = powers[(i + kSize / 2) % kSize] * scale / (sampleRateHz * windowPower);
      // Not-a-number (a broken radio's samples) is shown as empty.
      ascending[i] = power > 0 && std::isfinite(power)
                         ? std::max(kFloorDb, static_cast<float>(10 * std::log10(power)))
                         : kFloorDb;
    }
    return ascending;
  }

  double sampleRateHz;
  Fft fft;
  std::array<float, kSize> window{};
  double windowPower = 0;
  std::size_t filled = 0;
  std::array<double, kSize> sum{};
  std::array<float, kSize> peak{};
  std::int64_t segments = 0;
  std::int64_t samplesLeftOut = 0;
};

SpectrumMeter::SpectrumMeter(double sampleRateHz) {
  if (!(sampleRateHz > 0) || !std::isfinite(sampleRateHz))
    throw PhyError("sampleRateHz", std::to_string(sampleRateHz), "above 0");
  impl_ = std::make_unique<Impl>(sampleRateHz);
}
SpectrumMeter::~SpectrumMeter() = default;
SpectrumMeter::SpectrumMeter(SpectrumMeter&&) noexcept = default;
SpectrumMeter& SpectrumMeter::operator=(SpectrumMeter&&) noexcept = default;

void SpectrumMeter::push(const std::complex<float>* samples, std::size_t count) {
  Impl& self = *impl_;
  while (count > 0) {
    if (self.filled == 0 && self.segments >= kMostSegments) {
      self.samplesLeftOut += static_cast<std::int64_t>(count);
      return;
    }
    const std::size_t taken = std::min(count, kSize - self.filled);
    std::complex<float>* in = self.fft.in() + self.filled;
    const float* window = self.window.data() + self.filled;
    for (std::size_t i = 0; i < taken; ++i)
      in[i] = samples[i] * window[i];
    samples += taken;
    count -= taken;
    self.filled += taken;
    if (self.filled == kSize) {
      self.filled = 0;
      self.transform();
    }
  }
}

void SpectrumMeter::cut() {
  impl_->filled = 0;
}

std::optional<Spectrum> SpectrumMeter::take() {
  Impl& self = *impl_;
  if (self.segments == 0)
    return std::nullopt;
  Spectrum spectrum;
  std::array<double, kSize> peak{};
  std::copy(self.peak.begin(), self.peak.end(), peak.begin());
  spectrum.meanDbfsPerHz = self.density(self.sum, 1.0 / static_cast<double>(self.segments));
  spectrum.peakDbfsPerHz = self.density(peak, 1);
  spectrum.segments = self.segments;
  spectrum.segmentsLeftOut = self.samplesLeftOut / kSize;
  self.clear();
  return spectrum;
}

} // namespace otabench::phy
