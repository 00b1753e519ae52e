#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "otabench/phy/span.hpp"
#include "subband_filter.hpp"

namespace otabench::phy {

/**
 * One capture into its sub-bands, each at its own sample rate: one forward transform of the capture for all,
 * then per sub-band its bins times the filter and an inverse transform of its size. Blocks lie at fixed
 * indices, so the results do not depend on how the samples were cut into pushes. A full-band "sub-band" gets
 * the samples as they are.
 */
class SubbandChanneliser {
public:
  /** Sub-band `band` got `count` samples; samples[0] has the index `first`, which is the capture's index
   * times size / 2048. */
  using Sink =
      std::function<void(std::size_t band, const Cf* samples, std::size_t count, std::int64_t first)>;

  SubbandChanneliser(const std::vector<Subband>& bands, Sink sink, double stopbandDb = kReceiveStopbandDb);

  /** The next samples, all finite; samples[0] follows the last one of the push before (any index after
   * construction, flush and reset). */
  void push(const Cf* samples, std::size_t count, std::int64_t firstSampleIndex);
  /** Ends the stream: the sub-bands' samples up to its end come out, as if zeros followed. */
  void flush();
  void reset() { started_ = false; }
  /** Variance of a sub-band's samples in white noise over that in as many samples of its passband. */
  double noiseBandwidth(std::size_t band) const { return channels_[band].filter.noiseBandwidth; }
  bool started() const { return started_; }
  std::int64_t end() const { return end_; } // index expected next

private:
  struct Channel {
    Subband band;
    SubbandFilter filter;
    std::unique_ptr<Fft> inverse; // none for the full band
  };
  void take(const Cf* samples, std::size_t count);
  void process();
  void deliver(std::size_t channel, const Cf* samples, int count);

  std::vector<Channel> channels_;
  Sink sink_;
  Fft forward_;
  std::vector<Cf> input_; // [kGridBins], the block's samples
  std::size_t filled_ = 0;
  std::int64_t block_ = 0;
  std::int64_t end_ = 0;
  bool started_ = false;
};

/** Mean power on the sub-band's loaded carriers of FFT windows all over the samples; noise of variance v per
 * sub-band sample reads v. */
double carrierPower(Span<const Cf> samples, const Subband& band, double stopbandDb = kReceiveStopbandDb);

} // namespace otabench::phy
