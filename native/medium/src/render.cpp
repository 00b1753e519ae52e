#include "render.hpp"

#include "noise.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace otabench::medium {
namespace {

using kernels::kBlock;
constexpr auto kBlockTicks = static_cast<std::int64_t>(kBlock);
constexpr double kPi = 3.14159265358979323846;
constexpr std::int64_t kSliceBlocks = 64;
// Relative clock drift within a block (in samples) below which one filter serves all of it: -80 dB at 0.4 of
// the rate.
constexpr double kStillSamples = 4e-5;

struct ScaledTap {
  double delaySamples;         ///< in source samples
  std::size_t index;           ///< in the channel's taps
  float re, im;                ///< at a block's start
  float endRe, endIm;          ///< at its end
  std::complex<double> steady; ///< without fading
};

void setGain(ScaledTap& tap, std::complex<double> gain) {
  const std::complex<double> value = tap.steady * gain;
  tap.re = tap.endRe = static_cast<float>(value.real());
  tap.im = tap.endIm = static_cast<float>(value.imag());
}

std::vector<ScaledTap> scaledTaps(const SourceJob& source, const SourceGeometry& geometry) {
  std::vector<ScaledTap> taps;
  const double rate = geometry.sourceRateHz * geometry.sourceClockFactor;
  const double commonPhase = source.channel->taps.front().phaseRad;
  for (const Tap& tap : source.channel->taps) {
    const double amplitude = geometry.amplitude * dbToAmplitude(tap.powerDb);
    const double phase = tap.phaseRad - commonPhase;
    const std::complex<double> steady(amplitude * std::cos(phase), amplitude * std::sin(phase));
    const auto re = static_cast<float>(steady.real());
    const auto im = static_cast<float>(steady.imag());
    taps.push_back({tap.delayS * rate, taps.size(), re, im, re, im, steady});
  }
  if (!source.channel->fading.empty() && !source.channel->moves) {
    TapGains gains;
    source.channel->exactGains(0.0, gains);
    for (ScaledTap& tap : taps)
      setGain(tap, gains[tap.index]);
  }
  std::stable_sort(taps.begin(), taps.end(),
                   [](const ScaledTap& a, const ScaledTap& b) { return a.delaySamples < b.delaySamples; });
  return taps;
}

/// Moving gains at the start and the end of some blocks.
void fadeTaps(std::vector<ScaledTap>& taps, const SourceJob& source, const SourceGeometry& geometry,
              std::int64_t block, std::int64_t blockCount, GainTable& table) {
  const double startNs = geometry.originNs + static_cast<double>(block * kBlockTicks) * geometry.outputStepNs;
  const double endNs = startNs + static_cast<double>(blockCount * kBlockTicks) * geometry.outputStepNs;
  const TapGains& atStart = table.at(source.channel, startNs);
  for (ScaledTap& tap : taps)
    setGain(tap, atStart[tap.index]);
  const TapGains& atEnd = table.at(source.channel, endNs);
  for (ScaledTap& tap : taps) {
    const std::complex<double> value = tap.steady * atEnd[tap.index];
    tap.endRe = static_cast<float>(value.real());
    tap.endIm = static_cast<float>(value.imag());
  }
}

// Zeros behind a window: long filters make their outputs in groups.
constexpr std::int64_t kWindowSlack = 2 * static_cast<std::int64_t>(kernels::kSpreadOutputs);

/// Transmitted samples [first, first + count) of one rate in scratch memory, zeros where nothing was sent.
struct Window {
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::vector<std::pair<std::int64_t, std::int64_t>> covered; ///< [begin, end) of what was sent

  bool hears(std::int64_t begin, std::int64_t end) const {
    return std::any_of(covered.begin(), covered.end(),
                       [&](const auto& span) { return span.first < end && begin < span.second; });
  }
};

Window gather(const SourceJob& source, double rateHz, std::int64_t first, std::int64_t count,
              RenderCache& cache) {
  Window window{first, count, {}};
  for (const SegmentView& segment : source.segments) {
    const std::int64_t begin = std::max(segment.startTick + segment.skipTicks, first);
    const std::int64_t end = std::min(segment.endTick, first + count);
    if (segment.rateHz == rateHz && begin < end)
      window.covered.emplace_back(begin, end);
  }
  if (window.covered.empty())
    return window;
  // Only what nothing is copied over is zeroed.
  const auto zero = [&cache, first](std::int64_t begin, std::int64_t end) {
    std::fill(cache.windowRe.begin() + (begin - first), cache.windowRe.begin() + (end - first), 0.0f);
    std::fill(cache.windowIm.begin() + (begin - first), cache.windowIm.begin() + (end - first), 0.0f);
  };
  if (cache.windowRe.size() < static_cast<std::size_t>(count + kWindowSlack)) {
    cache.windowRe.resize(static_cast<std::size_t>(count + kWindowSlack));
    cache.windowIm.resize(cache.windowRe.size());
  }
  std::int64_t filled = first;
  for (const auto& [begin, end] : window.covered) {
    zero(filled, begin);
    filled = end;
  }
  zero(filled, first + count + kWindowSlack);
  for (const SegmentView& segment : source.segments) {
    if (segment.rateHz != rateHz)
      continue;
    std::int64_t at = std::max(segment.startTick + segment.skipTicks, first);
    const std::int64_t end = std::min(segment.endTick, first + count);
    while (at < end) {
      const std::int64_t within = at - segment.startTick;
      const Plane& chunk = *segment.chunks[static_cast<std::size_t>(within / Chunk::kSamples)];
      const std::int64_t offset = within % Chunk::kSamples;
      const std::int64_t length = std::min(Chunk::kSamples - offset, end - at);
      const std::size_t bytes = static_cast<std::size_t>(length) * sizeof(float);
      std::memcpy(cache.windowRe.data() + (at - first), chunk.re + offset, bytes);
      std::memcpy(cache.windowIm.data() + (at - first), chunk.im + offset, bytes);
      at += length;
    }
  }
  const double stepNs = 1e9 / (rateHz * source.clockFactor);
  for (const Span& span : source.silent) {
    const auto tick = [&](double ns) {
      return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(ns / stepNs - 1e-6)) - first, 0,
                                      count);
    };
    const std::int64_t begin = tick(span.fromNs);
    const std::int64_t end = std::max(begin, tick(span.untilNs));
    std::fill(cache.windowRe.begin() + begin, cache.windowRe.begin() + end, 0.0f);
    std::fill(cache.windowIm.begin() + begin, cache.windowIm.begin() + end, 0.0f);
  }
  if (source.oscillator.isOn())
    for (const auto& [begin, end] : window.covered)
      cache.txPhase.rotate(source.oscillator, begin, stepNs, 1.0, static_cast<std::size_t>(end - begin),
                           cache.windowRe.data() + (begin - first), cache.windowIm.data() + (begin - first));
  return window;
}

/// Coefficients of one FIR by lag.
struct Response {
  std::vector<float> re, im;
  std::vector<float> products; ///< as firSpread takes them

  void clear(std::size_t lags) {
    re.assign(lags, 0.0f);
    im.assign(lags, 0.0f);
  }
  void finish(bool isReal) {
    const std::size_t lags = re.size();
    products.resize(isReal ? lags : 3 * lags);
    for (std::size_t k = 0; k < lags; ++k) {
      products[k] = re[k];
      if (isReal)
        continue;
      products[lags + k] = im[k] - re[k];
      products[2 * lags + k] = re[k] + im[k];
    }
  }
};

/// Taps whose filters overlap share one FIR.
struct Cluster {
  std::size_t firstTap = 0;
  std::size_t endTap = 0;
  std::int64_t firstLag = 0;
  bool isReal = true;
  Response start, end; ///< end: of moving taps
  Response held;       ///< between the two
};

std::vector<Cluster> clusters(const std::vector<ScaledTap>& taps, bool fades) {
  std::vector<Cluster> all;
  for (std::size_t i = 0; i < taps.size(); ++i) {
    if (i == 0 || taps[i].delaySamples - taps[i - 1].delaySamples > 2.0 * kSincHalf) {
      all.emplace_back();
      all.back().firstTap = i;
    }
    all.back().endTap = i + 1;
    all.back().isReal = all.back().isReal && !fades && taps[i].im == 0.0f;
  }
  return all;
}

void addTap(const ScaledTap& tap, bool atEnd, double offset, std::int64_t firstLag, Response& response) {
  const double position = offset - tap.delaySamples;
  const double whole = std::floor(position);
  const float* low = nullptr;
  const float* high = nullptr;
  float weight = 0.0f;
  SincTable::instance().rows(position - whole, &low, &high, &weight);
  const std::int64_t at = -kSincHalf - static_cast<std::int64_t>(whole) - firstLag;
  kernels::best().addTap(low, high, weight, atEnd ? tap.endRe : tap.re, atEnd ? tap.endIm : tap.im,
                         response.re.data() + at, response.im.data() + at);
}

/// Coefficients for source positions (whole + offset) at the start, (whole + offset + drift) at the end.
void buildCluster(Cluster& cluster, const std::vector<ScaledTap>& taps, double offset, double drift,
                  bool moves) {
  const double least = offset + std::min(0.0, drift) - taps[cluster.endTap - 1].delaySamples;
  const double most = offset + std::max(0.0, drift) - taps[cluster.firstTap].delaySamples;
  cluster.firstLag = -kSincHalf - static_cast<std::int64_t>(std::floor(most));
  const std::int64_t lastLag = kSincHalf - 1 - static_cast<std::int64_t>(std::floor(least));
  const auto lags = static_cast<std::size_t>(lastLag - cluster.firstLag + 1);
  Response& start = cluster.start;
  start.clear(lags);
  if (moves)
    cluster.end.clear(lags);
  for (std::size_t i = cluster.firstTap; i < cluster.endTap; ++i) {
    addTap(taps[i], false, offset, cluster.firstLag, start);
    if (moves)
      addTap(taps[i], true, offset + drift, cluster.firstLag, cluster.end);
  }
  if (moves) {
    start.finish(cluster.isReal);
    cluster.end.finish(cluster.isReal);
    return;
  }
  // Whole-sample delays leave single coefficients: drop the zeros around them.
  const auto isZero = [&](std::size_t k) { return start.re[k] == 0.0f && start.im[k] == 0.0f; };
  std::size_t begin = 0;
  std::size_t end = lags;
  while (end > begin && isZero(end - 1))
    --end;
  while (begin < end && isZero(begin))
    ++begin;
  const auto trim = [&](std::vector<float>& c) {
    c = std::vector<float>(c.begin() + begin, c.begin() + end);
  };
  trim(start.re);
  trim(start.im);
  start.finish(cluster.isReal);
  cluster.firstLag += static_cast<std::int64_t>(begin);
}

/// The blocks that one filter serves, aligned, so that it never depends on how samples were asked for.
struct FilterPlan {
  std::int64_t blocks = 1; ///< a power of two
  bool shifts = false;     ///< clocks drift: shifted along the slope of what comes out
  bool holds = false;      ///< moving taps, so slow that each block keeps the gains of its middle
  bool blends = false;     ///< moving taps: outputs of two filters are blended over a block
};

FilterPlan planOf(const SourceGeometry& geometry, const Channel& channel) {
  constexpr std::int64_t kMostBlocks = 64;
  // Samples from end to end of what one filter serves: (0.0206 0.4 pi)^2 / 2 is -69 dB
  // (at its ends, for what is at 0.4 of the rate).
  constexpr double kDriftSamples = 0.0206;
  // Radians of the greatest Doppler shift in a block; steps between blocks are sawteeth of rms turn /
  // sqrt(24): -70 dB. In all blocks of one pair of filters: turn^2 / 8 is -82 dB.
  constexpr double kHeldTurn = 1.5e-3;
  constexpr double kLinearTurn = 0.025;
  const double drift = static_cast<double>(kBlock) * std::abs(geometry.ratio - 1.0);
  const double turn =
      2.0 * kPi * channel.dopplerHz * static_cast<double>(kBlock) * geometry.outputStepNs * 1e-9;
  FilterPlan plan;
  plan.holds = channel.moves && turn <= kHeldTurn;
  plan.blends = channel.moves && !plan.holds;
  if (plan.blends)
    return plan;
  plan.shifts = drift > kStillSamples;
  const double mostDrift = plan.shifts ? kDriftSamples : kStillSamples;
  while (plan.blocks < kMostBlocks && 2.0 * static_cast<double>(plan.blocks) * drift <= mostDrift &&
         2.0 * static_cast<double>(plan.blocks) * turn <= kLinearTurn)
    plan.blocks *= 2;
  return plan;
}

bool isSameRate(const SourceGeometry& g) {
  return g.sourceRateHz == g.outputRateHz && g.sourceBandHz >= 0.8 * g.sourceRateHz &&
         g.outputBandHz >= 0.8 * g.outputRateHz && std::abs(g.shiftHz) <= 0.05 * g.outputRateHz;
}

/// Equal nominal rates and nearly equal carriers: one FIR per cluster. As clocks drift apart, its output is
/// shifted along its slope.
class SameRate {
public:
  SameRate(const SourceJob& source, const SourceGeometry& geometry, std::vector<ScaledTap>& taps,
           RenderCache& cache, GainTable& gains)
      : source_(source), geometry_(geometry), taps_(taps),
        groups_(clusters(taps, !source.channel->fading.empty())), plan_(planOf(geometry, *source.channel)),
        cache_(cache), gains_(gains) {}

  void contribute(const Window& window, std::int64_t firstBlock, std::int64_t blockCount,
                  const BlockSink& sink) {
    isSpread_ = false;
    const std::int64_t end = firstBlock + blockCount;
    for (std::int64_t block = firstBlock; block < end;) {
      const std::int64_t frame = block / plan_.blocks;
      const std::int64_t next = std::min(end, (frame + 1) * plan_.blocks);
      addRun(window, frame, block, next, sink);
      block = next;
    }
  }

private:
  static constexpr std::int64_t kHalo = static_cast<std::int64_t>(kernels::kSlopeHalf);
  static constexpr std::int64_t kPad = 16; ///< before a run's first sample, at least kHalo

  double positionOf(std::int64_t block) const {
    return geometry_.startPosition + static_cast<double>(block * kBlockTicks) * geometry_.ratio;
  }

  /// Blocks [from, to) of one frame.
  void addRun(const Window& window, std::int64_t frame, std::int64_t from, std::int64_t to,
              const BlockSink& sink) {
    const std::int64_t firstBlock = frame * plan_.blocks;
    const double drift =
        static_cast<double>(plan_.blocks * kBlockTicks) * (geometry_.ratio - 1.0); // over the frame
    const double position = positionOf(firstBlock) + (plan_.blends ? 0.0 : 0.5 * drift);
    const double whole = std::floor(position);
    const double offset = position - whole;
    const std::int64_t reference = static_cast<std::int64_t>(whole) + (from - firstBlock) * kBlockTicks;
    const std::int64_t count = (to - from) * kBlockTicks;
    const auto reach = static_cast<std::int64_t>(std::ceil(taps_.back().delaySamples)) + kSincHalf + 10;
    const auto nearest = static_cast<std::int64_t>(std::floor(taps_.front().delaySamples)) - kSincHalf - 10;
    if (!window.hears(reference - reach, reference + count - nearest))
      return;
    build(frame, offset, drift);
    const auto length = static_cast<std::size_t>(kPad + count + kPad + kWindowSlack);
    for (auto* buffer : {&cache_.runRe, &cache_.runIm, &cache_.partRe, &cache_.partIm})
      if (buffer->size() < length)
        buffer->resize(length);
    const std::int64_t at = reference - window.first;
    if (plan_.holds)
      filterHeld(window, at, from - firstBlock, to - firstBlock);
    else
      filter(window, at, plan_.shifts ? -kHalo : 0, count + (plan_.shifts ? kHalo : 0), &Cluster::start);
    if (plan_.blends)
      blend(window, at);
    const float* re = cache_.runRe.data() + kPad;
    const float* im = cache_.runIm.data() + kPad;
    if (plan_.shifts) {
      shift(count, static_cast<double>((from - firstBlock) * kBlockTicks) -
                       0.5 * static_cast<double>(plan_.blocks * kBlockTicks));
      re = cache_.partRe.data();
      im = cache_.partIm.data();
    }
    for (std::int64_t block = from; block < to; ++block)
      sink(block, re + (block - from) * kBlockTicks, im + (block - from) * kBlockTicks);
  }

  void build(std::int64_t frame, double offset, double drift) {
    const bool moves = source_.channel->moves;
    if (!moves && offset == builtOffset_)
      return;
    if (moves && frame == builtFrame_)
      return;
    if (moves)
      fadeTaps(taps_, source_, geometry_, frame * plan_.blocks, plan_.blocks, gains_);
    for (Cluster& group : groups_)
      buildCluster(group, taps_, offset, plan_.blends ? drift : 0.0, moves);
    builtOffset_ = offset;
    builtFrame_ = frame;
  }

  /// Outputs [from, to) of a run, and what it takes to fill a group, to runRe, runIm. @param at of output 0
  void filter(const Window& window, std::int64_t at, std::int64_t from, std::int64_t to,
              Response Cluster::*which) {
    bool isFirst = true;
    for (const Cluster& group : groups_) {
      const Response& response = group.*which;
      float* const re = (isFirst ? cache_.runRe : cache_.partRe).data() + kPad + from;
      float* const im = (isFirst ? cache_.runIm : cache_.partIm).data() + kPad + from;
      apply(window, response, group.isReal, at + from - group.firstLag, static_cast<std::size_t>(to - from),
            re, im);
      if (!isFirst) {
        for (std::int64_t i = kPad + from; i < kPad + to; ++i) {
          cache_.runRe[static_cast<std::size_t>(i)] += cache_.partRe[static_cast<std::size_t>(i)];
          cache_.runIm[static_cast<std::size_t>(i)] += cache_.partIm[static_cast<std::size_t>(i)];
        }
      }
      isFirst = false;
    }
  }

  void apply(const Window& window, const Response& response, bool isReal, std::int64_t at,
             std::size_t outputs, float* re, float* im) {
    constexpr std::size_t kShort = 8;
    const std::size_t lags = response.re.size();
    if (lags < kShort) {
      const std::size_t rounded = (outputs + 15) / 16 * 16;
      const float* xRe = cache_.windowRe.data() + at;
      const float* xIm = cache_.windowIm.data() + at;
      if (isReal)
        kernels::best().firReal(xRe, xIm, response.re.data(), lags, rounded, re, im);
      else
        kernels::best().firComplex(xRe, xIm, response.re.data(), response.im.data(), lags, rounded, re, im);
      return;
    }
    if (!isSpread_) {
      constexpr auto kGroup = static_cast<std::int64_t>(kernels::kSpreadOutputs);
      const std::int64_t count = (window.count + kGroup) / kGroup * kGroup;
      stride_ = static_cast<std::size_t>((count + kWindowSlack) / 4);
      const std::size_t size = 3 * kernels::kSpread * stride_;
      if (cache_.windowPlanes.size() < size)
        cache_.windowPlanes.resize(size);
      kernels::best().spread(cache_.windowRe.data(), cache_.windowIm.data(), static_cast<std::size_t>(count),
                             true, cache_.windowPlanes.data(), stride_);
      isSpread_ = true;
    }
    const std::size_t rounded =
        (outputs + kernels::kSpreadOutputs - 1) / kernels::kSpreadOutputs * kernels::kSpreadOutputs;
    kernels::best().firSpread(cache_.windowPlanes.data(), stride_, static_cast<std::size_t>(at),
                              response.products.data(), lags, isReal, rounded, re, im);
  }

  /// Blocks [from, to) of a frame, each with the gains of its middle. What the slope needs beyond them comes
  /// from the block that is there, at a frame's ends from its last.
  void filterHeld(const Window& window, std::int64_t at, std::int64_t from, std::int64_t to) {
    const auto one = [&](std::int64_t block, std::int64_t begin, std::int64_t end) {
      const auto weight =
          static_cast<float>((static_cast<double>(block) + 0.5) / static_cast<double>(plan_.blocks));
      for (Cluster& group : groups_) {
        const std::vector<float>& a = group.start.products;
        const std::vector<float>& b = group.end.products;
        group.held.re.resize(group.start.re.size());
        group.held.products.resize(a.size());
        for (std::size_t k = 0; k < a.size(); ++k)
          group.held.products[k] = a[k] + weight * (b[k] - a[k]);
      }
      filter(window, at, begin, end, &Cluster::held);
    };
    const std::int64_t halo = plan_.shifts ? kHalo : 0;
    const std::int64_t count = (to - from) * kBlockTicks;
    if (halo > 0 && from > 0)
      one(from - 1, -halo, 0);
    for (std::int64_t block = from; block < to; ++block) {
      const std::int64_t begin = (block - from) * kBlockTicks;
      const bool isFirst = block == 0;
      const bool isLast = block + 1 == plan_.blocks;
      one(block, begin - (isFirst ? halo : 0), begin + kBlockTicks + (isLast ? halo : 0));
    }
    if (halo > 0 && to < plan_.blocks)
      one(to, count, count + halo);
  }

  /// From what runRe, runIm hold to the taps at the block's end.
  void blend(const Window& window, std::int64_t at) {
    alignas(64) float re[kBlock], im[kBlock];
    std::copy_n(cache_.runRe.data() + kPad, kBlock, re);
    std::copy_n(cache_.runIm.data() + kPad, kBlock, im);
    filter(window, at, 0, kBlockTicks, &Cluster::end);
    kernels::best().crossfade(re, im, cache_.runRe.data() + kPad, cache_.runIm.data() + kPad);
    std::copy_n(re, kBlock, cache_.runRe.data() + kPad);
    std::copy_n(im, kBlock, cache_.runIm.data() + kPad);
  }

  /// runRe, runIm to partRe, partIm. @param first samples from the frame's middle to output 0
  void shift(std::int64_t count, double first) {
    constexpr auto kGroup = static_cast<std::int64_t>(kernels::kSpreadOutputs);
    const std::int64_t spread = (kPad + count + kPad + kGroup - 1) / kGroup * kGroup;
    const auto stride = static_cast<std::size_t>((spread + kWindowSlack) / 4);
    if (cache_.runPlanes.size() < 3 * kernels::kSpread * stride)
      cache_.runPlanes.resize(3 * kernels::kSpread * stride);
    kernels::best().spread(cache_.runRe.data(), cache_.runIm.data(), static_cast<std::size_t>(spread), false,
                           cache_.runPlanes.data(), stride);
    kernels::best().slope(cache_.runPlanes.data(), stride, static_cast<std::size_t>(kPad + kHalo),
                          slopeCoefficients(), cache_.runRe.data() + kPad, cache_.runIm.data() + kPad,
                          static_cast<float>(first), static_cast<float>(geometry_.ratio - 1.0),
                          static_cast<std::size_t>(count), cache_.partRe.data(), cache_.partIm.data());
  }

  const SourceJob& source_;
  const SourceGeometry& geometry_;
  std::vector<ScaledTap>& taps_;
  std::vector<Cluster> groups_;
  FilterPlan plan_;
  RenderCache& cache_;
  GainTable& gains_;
  bool isSpread_ = false; ///< the window is in windowPlanes
  std::size_t stride_ = 0;
  double builtOffset_ = -1.0;
  std::int64_t builtFrame_ = -1;
};

/// Any rates, carriers and bandwidths: one blended row of the band filter per output and tap.
void contributeAnyRate(const SourceJob& source, const SourceGeometry& geometry, std::vector<ScaledTap>& taps,
                       const BandFilter& filter, const Window& window, std::int64_t firstBlock,
                       std::int64_t blockCount, const RenderCache& cache, GainTable& gains,
                       const BlockSink& sink) {
  alignas(64) float yRe[kBlock], yIm[kBlock];
  const auto rowLength = static_cast<std::int64_t>(filter.rowLength);
  for (std::int64_t block = firstBlock; block < firstBlock + blockCount; ++block) {
    const double begin = geometry.startPosition + static_cast<double>(block * kBlockTicks) * geometry.ratio;
    const double end = begin + static_cast<double>(kBlock) * geometry.ratio;
    if (!window.hears(
            static_cast<std::int64_t>(std::floor(begin - taps.back().delaySamples)) - filter.half - 2,
            static_cast<std::int64_t>(std::ceil(end - taps.front().delaySamples)) + filter.half + 2))
      continue;
    if (source.channel->moves)
      fadeTaps(taps, source, geometry, block, 1, gains);
    for (std::size_t i = 0; i < kBlock; ++i) {
      const double position =
          geometry.startPosition +
          static_cast<double>(block * kBlockTicks + static_cast<std::int64_t>(i)) * geometry.ratio;
      const float along = static_cast<float>(i) * (1.0f / static_cast<float>(kBlock));
      float sumRe = 0.0f;
      float sumIm = 0.0f;
      for (const ScaledTap& tap : taps) {
        const double p = position - tap.delaySamples;
        const double whole = std::floor(p);
        const double phase = (p - whole) * BandFilter::kPhases;
        const auto row = static_cast<std::int64_t>(phase);
        const auto weight = static_cast<float>(phase - static_cast<double>(row));
        const std::int64_t at = static_cast<std::int64_t>(whole) - (filter.half - 1) - window.first;
        float lowRe, lowIm, highRe, highIm;
        const float* xRe = cache.windowRe.data() + at;
        const float* xIm = cache.windowIm.data() + at;
        const float* cRe = filter.re.data() + row * rowLength;
        const float* cIm = filter.im.data() + row * rowLength;
        kernels::best().dot(xRe, xIm, cRe, cIm, filter.rowLength, &lowRe, &lowIm);
        kernels::best().dot(xRe, xIm, cRe + rowLength, cIm + rowLength, filter.rowLength, &highRe, &highIm);
        const float re = lowRe + weight * (highRe - lowRe);
        const float im = lowIm + weight * (highIm - lowIm);
        const float aRe = tap.re + along * (tap.endRe - tap.re);
        const float aIm = tap.im + along * (tap.endIm - tap.im);
        sumRe += aRe * re - aIm * im;
        sumIm += aRe * im + aIm * re;
      }
      yRe[i] = sumRe;
      yIm[i] = sumIm;
    }
    sink(block, yRe, yIm);
  }
}

} // namespace

double dbToAmplitude(double db) {
  return std::pow(10.0, db / 20.0);
}
double dbToPower(double db) {
  return std::pow(10.0, db / 10.0);
}

double transmittedDbm(double maxOutputPowerDbm, double gainDb) {
  return maxOutputPowerDbm - (limits().txGainDb.maximum - gainDb);
}

double fullScaleDbm(double rxFullScaleDbm, double gainDb) {
  return rxFullScaleDbm - gainDb;
}

double noiseDbm(double noiseFigureDb, double bandwidthHz) {
  constexpr double kBoltzmann = 1.380649e-23; // J/K
  return 10.0 * std::log10(kBoltzmann * 290.0 * 1000.0 * bandwidthHz) + noiseFigureDb;
}

void contribute(const SourceJob& source, const SourceGeometry& geometry, std::int64_t firstBlock,
                std::int64_t blockCount, RenderCache& cache, GainTable& gains, const BlockSink& sink) {
  std::vector<ScaledTap> taps = scaledTaps(source, geometry);
  const bool sameRate = isSameRate(geometry);
  std::shared_ptr<const BandFilter> filter;
  int half = kSincHalf;
  if (!sameRate) {
    const BandKey key{geometry.sourceRateHz, geometry.sourceBandHz, geometry.outputBandHz, geometry.shiftHz};
    if (!bandsMeet(key))
      return;
    filter = bandFilter(key);
    half = filter->half;
  }
  SameRate same(source, geometry, taps, cache, gains);
  const double perBlock = static_cast<double>(kBlock) * geometry.ratio;
  const auto slice = static_cast<std::int64_t>(std::clamp(16384.0 / perBlock, 1.0, 128.0));
  for (std::int64_t block = firstBlock; block < firstBlock + blockCount; block += slice) {
    const std::int64_t blocks = std::min(slice, firstBlock + blockCount - block);
    const double begin = geometry.startPosition + static_cast<double>(block) * perBlock;
    const double end = begin + static_cast<double>(blocks) * perBlock;
    const auto low = static_cast<std::int64_t>(std::floor(begin - taps.back().delaySamples)) - half - 32;
    const auto high = static_cast<std::int64_t>(std::ceil(end - taps.front().delaySamples)) + half + 48;
    const Window window = gather(source, geometry.sourceRateHz, low, high - low, cache);
    if (window.covered.empty())
      continue;
    if (sameRate)
      same.contribute(window, block, blocks, sink);
    else
      contributeAnyRate(source, geometry, taps, *filter, window, block, blocks, cache, gains, sink);
  }
}

namespace {

const Rotation& rotation(RenderCache& cache, std::size_t index, double cyclesPerSample) {
  if (cache.rotations.size() <= index)
    cache.rotations.resize(index + 1);
  Rotation& table = cache.rotations[index];
  if (table.cyclesPerSample != cyclesPerSample || table.re[0] != 1.0f) {
    table.cyclesPerSample = cyclesPerSample;
    for (std::size_t i = 0; i < kBlock; ++i) {
      const double angle = 2.0 * kPi * cyclesPerSample * static_cast<double>(i);
      table.re[i] = static_cast<float>(std::cos(angle));
      table.im[i] = static_cast<float>(std::sin(angle));
    }
  }
  return table;
}

/// Adds one source to the sums of blocks [firstBlock, firstBlock + blockCount), with what holds at trueNs.
void addSource(const RenderJob& job, std::size_t index, double trueNs, std::int64_t firstBlock,
               std::int64_t blockCount, RenderCache& cache) {
  const SourceJob& source = job.sources[index];
  const double sentNs = trueNs - source.channel->leastDelayS * 1e9;
  const double txHz = source.frequencyHz.at(sentNs);
  const double rxHz = job.frequencyHz.at(trueNs);
  const double cfoHz = txHz * source.clockFactor - rxHz * job.clockFactor;
  const double rateHz = job.rateHz * job.clockFactor;
  const double cyclesPerSample = cfoHz / rateHz;
  const Rotation& table = rotation(cache, index, cyclesPerSample);

  if (cache.gains.size() <= index)
    cache.gains.resize(index + 1);

  SourceGeometry geometry;
  geometry.sourceClockFactor = source.clockFactor;
  geometry.outputRateHz = job.rateHz;
  geometry.outputStepNs = 1e9 / rateHz;
  geometry.amplitude =
      dbToAmplitude(transmittedDbm(source.maxOutputPowerDbm, source.gainDb.at(sentNs)) -
                    source.channel->pathLossDb - fullScaleDbm(job.rxFullScaleDbm, job.gainDb.at(trueNs)));
  geometry.outputBandHz = std::min(job.rateHz, job.bandwidthHz);
  geometry.shiftHz = txHz - rxHz;
  const double commonPhase = std::remainder(source.channel->taps.front().phaseRad, 2.0 * kPi);

  std::vector<double> rates;
  for (const SegmentView& segment : source.segments)
    if (std::find(rates.begin(), rates.end(), segment.rateHz) == rates.end())
      rates.push_back(segment.rateHz);
  for (const double sourceRateHz : rates) {
    geometry.sourceRateHz = sourceRateHz;
    geometry.sourceBandHz = std::min(sourceRateHz, source.bandwidthHz);
    geometry.ratio = (sourceRateHz / job.rateHz) * (source.clockFactor / job.clockFactor);
    contribute(source, geometry, firstBlock, blockCount, cache, cache.gains[index],
               [&](std::int64_t block, const float* re, const float* im) {
                 const double cycles = cyclesPerSample * static_cast<double>(block * kBlockTicks);
                 const auto phase =
                     static_cast<float>(2.0 * kPi * (cycles - std::floor(cycles)) + commonPhase);
                 const auto at = static_cast<std::size_t>((block - firstBlock) * kBlockTicks);
                 kernels::best().rotateAdd(re, im, table.re.data(), table.im.data(), std::cos(phase),
                                           std::sin(phase), cache.sumRe.data() + at, cache.sumIm.data() + at);
               });
  }
}

void prepareNoise(const RenderJob& job, std::int64_t block, RenderCache& cache) {
  if (cache.noiseBlock == block && cache.noiseKey == job.noiseKey)
    return;
  kernels::best().noise(noiseSeed(job.noiseKey, block), cache.noiseRe.data(), cache.noiseIm.data());
  cache.noiseBlock = block;
  cache.noiseKey = job.noiseKey;
}

std::uint64_t countClipped(const Sample* samples, std::int64_t count) {
  std::uint64_t clipped = 0;
  for (std::int64_t i = 0; i < count; ++i)
    if (std::abs(samples[i].real()) >= 1.0f || std::abs(samples[i].imag()) >= 1.0f)
      ++clipped;
  return clipped;
}

const Span* spanAt(const std::vector<Span>& spans, double trueNs) {
  for (const Span& span : spans)
    if (trueNs >= span.fromNs && trueNs < span.untilNs)
      return &span;
  return nullptr;
}

/// What a settling receiver shows: an offset that starts at half of full scale and falls to 1 % of it.
void addTransient(const Span& span, std::int64_t firstTick, double stepNs, RenderCache& cache) {
  const double fall = 4.6 / (span.untilNs - span.fromNs);
  for (std::size_t i = 0; i < cache.sumRe.size(); ++i) {
    const double trueNs = (static_cast<double>(firstTick) + static_cast<double>(i)) * stepNs;
    const auto offset = static_cast<float>(0.5 * std::exp(-fall * std::max(0.0, trueNs - span.fromNs)));
    cache.sumRe[i] += offset;
    cache.sumIm[i] -= offset;
  }
}

void interleave(const float* sRe, const float* sIm, const float* nRe, const float* nIm, float sigma,
                float* iq) {
  for (std::size_t i = 0; i < kBlock; ++i) {
    iq[2 * i] = sRe[i] + (sigma > 0.0f ? sigma * nRe[i] : 0.0f);
    iq[2 * i + 1] = sIm[i] + (sigma > 0.0f ? sigma * nIm[i] : 0.0f);
  }
}

/// Samples of no meaning, as a stale buffer holds: uniform over half of full scale, of key and index alone.
void fillInvalid(const RenderJob& job, Sample* samples) {
  const std::int64_t begin = std::max(job.invalidFrom, job.first);
  const std::int64_t end = std::min(job.invalidUntil, job.first + job.count);
  for (std::int64_t tick = begin; tick < end; ++tick) {
    RandomWords words(derivedKey(job.noiseKey, static_cast<std::uint64_t>(tick)));
    const auto re = static_cast<float>(words.uniform() - 0.5);
    samples[tick - job.first] = {re, static_cast<float>(words.uniform() - 0.5)};
  }
}

/// Samples [begin, end), over which no setting changes.
std::uint64_t renderPiece(const RenderJob& job, std::int64_t begin, std::int64_t end, RenderCache& cache,
                          Sample* samples) {
  const double rateHz = job.rateHz * job.clockFactor;
  const double trueNs = static_cast<double>(begin) * 1e9 / rateHz + 1e-3; // past the change that cut here
  const double noiseDbfs =
      noiseDbm(job.noiseFigureDb, rateHz) - fullScaleDbm(job.rxFullScaleDbm, job.gainDb.at(trueNs));
  const auto sigma = job.withNoise ? static_cast<float>(dbToAmplitude(noiseDbfs)) : 0.0f;
  const Span* const settling = spanAt(job.settling, trueNs);
  const bool frontEnd = job.withFrontEnd && distortsReceive(job.impairments);
  std::uint64_t clipped = 0;
  const std::int64_t lastBlock = (end + kBlockTicks - 1) / kBlockTicks;
  for (std::int64_t first = begin / kBlockTicks; first < lastBlock; first += kSliceBlocks) {
    const std::int64_t blocks = std::min(kSliceBlocks, lastBlock - first);
    cache.sumRe.assign(static_cast<std::size_t>(blocks * kBlockTicks), 0.0f);
    cache.sumIm.assign(static_cast<std::size_t>(blocks * kBlockTicks), 0.0f);
    if (settling != nullptr && job.withFrontEnd)
      addTransient(*settling, first * kBlockTicks, 1e9 / rateHz, cache);
    if (settling == nullptr)
      for (std::size_t i = 0; i < job.sources.size(); ++i)
        addSource(job, i, trueNs, first, blocks, cache);
    if (job.oscillator.isOn())
      cache.rxPhase.rotate(job.oscillator, first * kBlockTicks, 1e9 / rateHz, -1.0, cache.sumRe.size(),
                           cache.sumRe.data(), cache.sumIm.data());
    for (std::int64_t block = first; block < first + blocks; ++block) {
      constexpr auto kPerNoise = static_cast<std::int64_t>(kernels::kNoiseBlock / kBlock);
      if (sigma > 0.0f)
        prepareNoise(job, block / kPerNoise, cache);
      const auto noiseAt = static_cast<std::size_t>(block % kPerNoise) * kBlock;
      const auto sumAt = static_cast<std::size_t>((block - first) * kBlockTicks);
      const std::int64_t from = std::max(begin, block * kBlockTicks);
      const std::int64_t to = std::min(end, (block + 1) * kBlockTicks);
      Sample* const out = samples + (from - begin);
      const bool isWhole = to - from == kBlockTicks;
      alignas(64) float part[2 * kBlock];
      float* const iq = isWhole ? reinterpret_cast<float*>(out) : part;
      const float* const sRe = cache.sumRe.data() + sumAt;
      const float* const sIm = cache.sumIm.data() + sumAt;
      const float* const nRe = cache.noiseRe.data() + noiseAt;
      const float* const nIm = cache.noiseIm.data() + noiseAt;
      float greatest = 0.0f;
      if (frontEnd)
        greatest = receiveFrontEnd(job.impairments, sRe, sIm, nRe, nIm, sigma, iq);
      else if (job.withFrontEnd)
        greatest = kernels::best().finish(sRe, sIm, nRe, nIm, sigma, iq);
      else
        interleave(sRe, sIm, nRe, nIm, sigma, iq);
      if (!isWhole)
        std::memcpy(static_cast<void*>(out), part + 2 * (from - block * kBlockTicks),
                    static_cast<std::size_t>(to - from) * sizeof(Sample));
      if (greatest > 1.0f)
        clipped += countClipped(out, to - from);
    }
  }
  return clipped;
}

} // namespace

std::uint64_t render(const RenderJob& job, RenderCache& cache, Sample* samples) {
  const double rateHz = job.rateHz * job.clockFactor;
  const std::int64_t end = job.first + job.count;
  std::vector<std::int64_t> cuts{job.first, end};
  const double beginNs = static_cast<double>(job.first) * 1e9 / rateHz;
  const double endNs = static_cast<double>(end) * 1e9 / rateHz;
  const auto cutAfter = [&](double delayNs) {
    return [&cuts, &job, end, rateHz, delayNs](double trueNs) {
      const auto tick = static_cast<std::int64_t>(std::ceil((trueNs + delayNs) * rateHz / 1e9 - 1e-6));
      if (tick > job.first && tick < end)
        cuts.push_back(tick);
    };
  };
  job.frequencyHz.changes(beginNs, endNs, cutAfter(0.0));
  job.gainDb.changes(beginNs, endNs, cutAfter(0.0));
  for (const SourceJob& source : job.sources) {
    const double delayNs = source.channel->leastDelayS * 1e9;
    source.frequencyHz.changes(beginNs - delayNs, endNs - delayNs, cutAfter(delayNs));
    source.gainDb.changes(beginNs - delayNs, endNs - delayNs, cutAfter(delayNs));
  }
  for (const Span& span : job.settling) {
    cutAfter(0.0)(span.fromNs);
    cutAfter(0.0)(span.untilNs);
  }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::uint64_t clipped = 0;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i)
    clipped += renderPiece(job, cuts[i], cuts[i + 1], cache, samples + (cuts[i] - job.first));
  if (job.withFrontEnd && job.invalidUntil > job.first)
    fillInvalid(job, samples);
  return clipped;
}

} // namespace otabench::medium
