#include "subband_channeliser.hpp"

#include <algorithm>
#include <utility>

#include "simd.hpp"

namespace otabench::phy {

namespace {

/** out[n] += in[n] weights[n] turn. */
OTAPHY_CLONES void weighOnto(Cf* out, const Cf* in, const float* weights, Cf turn, int count) {
  for (int n = 0; n < count; ++n)
    out[n] += in[n] * (turn * weights[n]);
}

std::int64_t floorDivide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

} // namespace

SubbandChanneliser::SubbandChanneliser(const std::vector<Subband>& bands, Sink sink, double stopbandDb)
    : sink_(std::move(sink)), forward_(kGridBins, Fft::Direction::Forward), input_(kGridBins) {
  for (const Subband& band : bands) {
    Channel channel;
    channel.band = band;
    if (!band.full()) {
      channel.filter = designFilter(band, stopbandDb);
      channel.inverse = std::make_unique<Fft>(band.size, Fft::Direction::Inverse);
    }
    channels_.push_back(std::move(channel));
  }
}

void SubbandChanneliser::push(const Cf* samples, std::size_t count, std::int64_t firstSampleIndex) {
  if (!started_) {
    started_ = true;
    block_ = floorDivide(firstSampleIndex, kBlockSamples);
    filled_ = static_cast<std::size_t>(firstSampleIndex - (block_ * kBlockSamples - kFilterReach));
    std::fill_n(input_.begin(), filled_, Cf(0, 0));
    end_ = firstSampleIndex;
  }
  end_ += static_cast<std::int64_t>(count);
  take(samples, count);
}

void SubbandChanneliser::take(const Cf* samples, std::size_t count) {
  while (count > 0) {
    const std::size_t n = std::min(count, input_.size() - filled_);
    std::copy_n(samples, n, input_.begin() + static_cast<std::ptrdiff_t>(filled_));
    filled_ += n;
    samples += n;
    count -= n;
    if (filled_ == input_.size())
      process();
  }
}

void SubbandChanneliser::flush() {
  if (!started_)
    return;
  const std::vector<Cf> zeros(input_.size(), Cf(0, 0));
  while (block_ * kBlockSamples < end_)
    take(zeros.data(), input_.size() - filled_);
  started_ = false;
}

/** Nothing beyond the capture's end. */
void SubbandChanneliser::deliver(std::size_t channel, const Cf* samples, int count) {
  const std::int64_t first = block_ * count;
  const std::int64_t limit = floorDivide(end_ * channels_[channel].band.size, kGridBins);
  const std::int64_t wanted = std::min<std::int64_t>(count, limit - first);
  if (wanted > 0)
    sink_(channel, samples, static_cast<std::size_t>(wanted), first);
}

void SubbandChanneliser::process() {
  bool transformed = false;
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    Channel& channel = channels_[c];
    if (!channel.inverse) {
      deliver(c, input_.data() + kFilterReach, kBlockSamples);
      continue;
    }
    if (!transformed) {
      std::copy(input_.begin(), input_.end(), forward_.in());
      forward_.run();
      transformed = true;
    }
    // The filter's bins, a run on the capture's circle, fall on the sub-band's circle of `size` bins: one run
    // after another, the transition's ends on top of each other.
    const int size = channel.band.size, reach = channel.filter.reach;
    const Cf turn = std::conj(blockTurn(channel.band, block_)) / static_cast<float>(kGridBins);
    Cf* out = channel.inverse->in();
    std::fill_n(out, size, Cf(0, 0));
    for (int k = -reach; k <= reach;) {
      const int from = (channel.band.centerBin + k + 2 * kGridBins) % kGridBins;
      const int to = ((k % size) + size) % size;
      const int n = std::min({reach + 1 - k, kGridBins - from, size - to});
      weighOnto(out + to, forward_.out() + from, channel.filter.response.data() + k + reach, turn, n);
      k += n;
    }
    channel.inverse->run();
    deliver(c, channel.inverse->out() + subbandBlockLead(channel.band), subbandBlockSamples(channel.band));
  }
  std::copy(input_.begin() + kBlockSamples, input_.end(), input_.begin());
  filled_ = 2 * kFilterReach;
  ++block_;
}

double carrierPower(Span<const Cf> samples, const Subband& band, double stopbandDb) {
  std::vector<Cf> own;
  SubbandChanneliser channeliser(
      {band}, [&](std::size_t, const Cf* s, std::size_t n, std::int64_t) { own.insert(own.end(), s, s + n); },
      stopbandDb);
  channeliser.push(samples.data, samples.size(), 0);
  channeliser.flush();
  // Windows overlap and drift against any symbols; the filter's tails at either end are left out.
  constexpr std::size_t kStep = 41, kEdge = kCarriers;
  Fft fft(kCarriers, Fft::Direction::Forward);
  double power = 0;
  std::size_t windows = 0;
  for (std::size_t at = kEdge; at + kCarriers + kEdge <= own.size(); at += kStep, ++windows) {
    std::copy_n(own.begin() + static_cast<std::ptrdiff_t>(at), kCarriers, fft.in());
    fft.run();
    for (const int bin : waveform().bin)
      power += static_cast<double>(std::norm(fft.out()[bin]));
  }
  return power / (static_cast<double>(windows) * kLoadedCarriers * kCarriers);
}

} // namespace otabench::phy
