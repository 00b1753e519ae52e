#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace otabench::phy {

/** Spectrum of a stretch of the capture. Bins ascend in frequency from -rate/2; DC is bin size/2. */
struct Spectrum {
  /** Mean and largest power spectral density of the segments, relative to |sample|^2 = 1, dB per Hz. */
  std::vector<float> meanDbfsPerHz;
  std::vector<float> peakDbfsPerHz;
  std::int64_t segments = 0;
  /** Segments that came when enough were in already: they are in neither curve. */
  std::int64_t segmentsLeftOut = 0;
};

/**
 * Averaged periodogram of a stream (Bartlett's with a Hann window, no overlap): segments of `size` samples
 * that lie side by side. A segment over a discontinuity is dropped. Not thread-safe.
 */
class SpectrumMeter {
public:
  static constexpr int kSize = 512;
  /** Most segments of one spectrum: bounds the work between two calls of `take`. */
  static constexpr std::int64_t kMostSegments = 1024;
  /** Of an empty bin. */
  static constexpr float kFloorDb = -300;

  /** @throws PhyError for a rate <= 0 */
  explicit SpectrumMeter(double sampleRateHz);
  ~SpectrumMeter();
  SpectrumMeter(SpectrumMeter&&) noexcept;
  SpectrumMeter& operator=(SpectrumMeter&&) noexcept;

  void push(const std::complex<float>* samples, std::size_t count);
  /** What follows does not join what came before. */
  void cut();
  /** Of the segments since the last call; empty when there were none. */
  std::optional<Spectrum> take();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace otabench::phy
