#include "otabench/phy/receiver.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "admission.hpp"
#include "demodulator.hpp"
#include "gate.hpp"
#include "synchroniser.hpp"

namespace otabench::phy {

namespace {

/** Samples kept behind the search position: a burst may begin up to half a search range before the gate's
 * window. */
constexpr std::int64_t kHistory = 512;
/** Input is taken in pieces of this size, so that the buffer stays in the cache. */
constexpr std::size_t kPiece = 8192;
constexpr std::size_t kCompactAbove = 32768;
/** The gate's best window is settled when this many hops brought no better one. */
constexpr int kSettledHops = 3;
constexpr int kAroundBest = 2;

} // namespace

const char* toString(BurstOutcome outcome) {
  switch (outcome) {
  case BurstOutcome::Ok:
    return "ok";
  case BurstOutcome::HeaderCorrupt:
    return "header-corrupt";
  case BurstOutcome::HeaderImplausible:
    return "header-implausible";
  case BurstOutcome::PayloadLost:
    return "payload-lost";
  case BurstOutcome::Truncated:
    return "truncated";
  case BurstOutcome::PayloadMismatch:
    return "payload-mismatch";
  }
  return "unknown";
}

/** Consecutive samples; grows without clearing, drops from the front. */
class SampleBuffer {
public:
  std::size_t size() const { return count_; }
  const Cf* data() const { return storage_.get(); }
  Cf* grow(std::size_t more) {
    if (count_ + more > capacity_) {
      capacity_ = 2 * (count_ + more);
      std::unique_ptr<Cf[]> larger(new Cf[capacity_]);
      std::copy_n(storage_.get(), count_, larger.get());
      storage_ = std::move(larger);
    }
    count_ += more;
    return storage_.get() + count_ - more;
  }
  void drop(std::size_t fewer) {
    std::copy(storage_.get() + fewer, storage_.get() + count_, storage_.get());
    count_ -= fewer;
  }
  void clear() { count_ = 0; }

private:
  std::unique_ptr<Cf[]> storage_;
  std::size_t count_ = 0, capacity_ = 0;
};

struct BurstReceiver::Impl {
  enum class Mode { Search, Synchronise, Header, Payload };

  Impl(const ReceiverConfig& c, Sink s)
      : config(c), sink(std::move(s)),
        gate(static_cast<int>(std::lround(c.cfoPriorHz * kGateWindow / c.sampleRateHz)), c.noiseBandwidth),
        synchroniser(c.noiseBandwidth), demodulator(c) {}

  ReceiverConfig config;
  Sink sink;
  Gate gate;
  Synchroniser synchroniser;
  BurstDemodulator demodulator;
  ReceiverCounters counters;

  SampleBuffer buffer;
  std::int64_t first = 0; // index of buffer[0]
  bool started = false;
  Mode mode = Mode::Search;
  std::int64_t nextWindow = 0; // start of the gate's next window
  bool gateOpen = false;
  Gate::Reading best;
  std::int64_t bestWindow = 0;
  std::array<float, 2 * kSettledHops + 1> levels{}; // of the last windows
  int hopsSinceBest = 0;
  std::int64_t longStart = 0;
  double detectionMetric = 0;
  /** A preamble that begins before this index must fit better than this one, whose header failed. */
  std::int64_t shadowUntil = 0;
  double shadowMetric = 0;
  int nextSymbol = 0;

  std::int64_t end() const { return first + static_cast<std::int64_t>(buffer.size()); }
  const Cf* at(std::int64_t index) const { return buffer.data() + (index - first); }
  StreamView view() const { return {buffer.data(), first}; }

  void start(std::int64_t index) {
    started = true;
    first = index - kHistory;
    buffer.clear();
    std::fill_n(buffer.grow(static_cast<std::size_t>(kHistory)), kHistory, Cf(0, 0));
    shadowUntil = index;
    shadowMetric = 0;
    search(index);
  }

  void stop() {
    started = false;
    buffer.clear();
    mode = Mode::Search;
    gateOpen = false;
  }

  void search(std::int64_t from) {
    mode = Mode::Search;
    gateOpen = false;
    levels.fill(0);
    nextWindow = from;
  }

  void append(const Cf* samples, std::size_t count) {
    const Admission a = admit(samples, buffer.grow(count), count, config.saturationLevel);
    counters.samples += static_cast<std::int64_t>(count);
    counters.saturatedSamples += a.saturated;
    counters.nonFiniteSamples += a.bad;
  }

  void compact() {
    const std::int64_t needed = mode == Mode::Search && !gateOpen ? nextWindow
                                : mode == Mode::Search || mode == Mode::Synchronise
                                    ? bestWindow
                                    : std::min(longStart - kShortSamples, demodulator.headerBegin());
    const std::int64_t dead = needed - kHistory - first;
    if (dead < static_cast<std::int64_t>(kCompactAbove) ||
        2 * dead < static_cast<std::int64_t>(buffer.size()))
      return;
    buffer.drop(static_cast<std::size_t>(dead));
    first += dead;
  }

  /** Goes as far as the samples reach. */
  void advance() {
    while (mode == Mode::Search        ? stepSearch()
           : mode == Mode::Synchronise ? stepSynchronise()
           : mode == Mode::Header      ? stepHeader()
                                       : stepPayload()) {
    }
  }

  bool stepSearch() {
    const std::int64_t last = end() - kGateWindow;
    for (; nextWindow <= last; nextWindow += kGateHop) {
      const Gate::Reading reading = gate.read(at(nextWindow));
      std::copy(levels.begin() + 1, levels.end(), levels.begin());
      levels.back() = reading.level;
      if (reading.level > 1 && (!gateOpen || reading.level > best.level)) {
        if (!gateOpen)
          ++counters.gateOpenings;
        gateOpen = true;
        best = reading;
        bestWindow = nextWindow;
        hopsSinceBest = 0;
      } else if (gateOpen && ++hopsSinceBest >= kSettledHops) {
        nextWindow += kGateHop;
        bestWindow += windowShift();
        mode = Mode::Synchronise;
        return true;
      }
    }
    return false;
  }

  /** Levels fall off evenly on both sides of the true position: centre of gravity around the best window. */
  std::int64_t windowShift() const {
    const float floor = 0.5F * best.level;
    float weight = 0, moment = 0;
    for (int hop = -kAroundBest; hop <= kAroundBest; ++hop) {
      const float w =
          std::max(0.0F, levels[static_cast<std::size_t>(levels.size() - 1 - kSettledHops + hop)] - floor);
      weight += w;
      moment += w * static_cast<float>(hop);
    }
    return static_cast<std::int64_t>(std::lround(moment / weight * kGateHop));
  }

  bool stepSynchronise() {
    if (bestWindow + Synchroniser::kAfter > end())
      return false;
    const auto result = synchroniser.search(at(bestWindow), best.bins);
    const std::int64_t preambleStart = bestWindow + result.longStart - kShortSamples;
    if (!result.found || (preambleStart < shadowUntil && result.metric <= shadowMetric)) {
      search(nextWindow);
      return true;
    }
    ++counters.detections;
    longStart = bestWindow + result.longStart;
    detectionMetric = result.metric;
    demodulator.begin(longStart, result.cfo, result.metric);
    mode = Mode::Header;
    return true;
  }

  bool stepHeader() {
    if (demodulator.headerEnd() > end())
      return false;
    const auto result = demodulator.decodeHeader(view());
    if (result == BurstDemodulator::HeaderResult::Ok) {
      ++counters.headersOk;
      nextSymbol = 0;
      mode = Mode::Payload;
      return true;
    }
    const bool corrupt = result == BurstDemodulator::HeaderResult::Corrupt;
    ++(corrupt ? counters.headersCorrupt : counters.headersImplausible);
    // If this was an early shadow of a burst, that burst begins behind the gate's window and fits better.
    shadowUntil = longStart + kLongSamples;
    shadowMetric = detectionMetric;
    search(std::min(nextWindow, shadowUntil));
    report(corrupt ? BurstOutcome::HeaderCorrupt : BurstOutcome::HeaderImplausible);
    return true;
  }

  bool stepPayload() {
    for (; nextSymbol < demodulator.payloadOfdmSymbols(); ++nextSymbol) {
      if (demodulator.symbolEnd(nextSymbol) > end())
        return false;
      if (demodulator.takeSymbol(view(), nextSymbol))
        continue;
      ++counters.payloadsLost;
      // Another burst may have begun where the pilots vanished.
      const std::int64_t resume = demodulator.symbolEnd(demodulator.lostSymbol() - 2);
      search(std::max(resume, longStart + kLongSamples));
      report(BurstOutcome::PayloadLost);
      return true;
    }
    ReceivedBurst burst;
    demodulator.finish(burst);
    if (burst.outcome == BurstOutcome::PayloadMismatch)
      ++counters.payloadsMismatched;
    search(burst.endSample);
    emit(std::move(burst));
    return true;
  }

  void report(BurstOutcome outcome) {
    ReceivedBurst burst;
    demodulator.describe(burst);
    burst.outcome = outcome;
    emit(std::move(burst));
  }

  void emit(ReceivedBurst&& burst) {
    if (counters.saturatedSamples > 0) {
      const Cf* from = at(std::max(first, burst.startSample));
      const Cf* to = at(std::min(end(), burst.endSample));
      burst.saturatedSamples = std::count_if(from, to, [this](const Cf& s) {
        return std::fabs(s.real()) >= config.saturationLevel || std::fabs(s.imag()) >= config.saturationLevel;
      });
    }
    sink(std::move(burst));
  }

  void finishStream() {
    if (!started)
      return;
    for (advance();; advance()) {
      if (mode == Mode::Search && gateOpen) {
        mode = Mode::Synchronise;
      } else if (mode == Mode::Synchronise) {
        search(nextWindow); // the stream ends within its preamble
        if (nextWindow > end() - kGateWindow)
          break;
      } else if (mode == Mode::Header || mode == Mode::Payload) {
        ++counters.truncated;
        search(mode == Mode::Header ? longStart + kLongSamples : demodulator.headerEnd());
        report(BurstOutcome::Truncated);
      } else {
        break;
      }
    }
    stop();
  }
};

BurstReceiver::BurstReceiver(const ReceiverConfig& config, Sink sink) {
  if (!(config.sampleRateHz > 0) || !std::isfinite(config.sampleRateHz))
    throw PhyError("sampleRateHz", std::to_string(config.sampleRateHz), "> 0");
  if (!(config.centerFrequencyHz >= 0) || !std::isfinite(config.centerFrequencyHz))
    throw PhyError("centerFrequencyHz", std::to_string(config.centerFrequencyHz), ">= 0");
  const double farthestHz = config.sampleRateHz * Gate::kFarthestCentre / kGateWindow;
  if (!(std::fabs(config.cfoPriorHz) <= farthestHz))
    throw PhyError("cfoPriorHz", std::to_string(config.cfoPriorHz),
                   std::to_string(-farthestHz) + ".." + std::to_string(farthestHz));
  if (!(config.noiseBandwidth > 0 && config.noiseBandwidth <= 1))
    throw PhyError("noiseBandwidth", std::to_string(config.noiseBandwidth), "above 0, up to 1");
  if (!std::isfinite(config.removedCfoHz))
    throw PhyError("removedCfoHz", std::to_string(config.removedCfoHz), "a finite number");
  if (config.maxPayloadOfdmSymbols < 1 || config.maxPayloadOfdmSymbols > kMaxPayloadOfdmSymbols)
    throw PhyError("maxPayloadOfdmSymbols", std::to_string(config.maxPayloadOfdmSymbols),
                   "1.." + std::to_string(kMaxPayloadOfdmSymbols));
  if (!(config.saturationLevel > 0))
    throw PhyError("saturationLevel", std::to_string(config.saturationLevel), "> 0");
  if (!sink)
    throw PhyError("sink", "empty", "a function");
  impl_ = std::make_unique<Impl>(config, std::move(sink));
}

BurstReceiver::~BurstReceiver() = default;
BurstReceiver::BurstReceiver(BurstReceiver&&) noexcept = default;
BurstReceiver& BurstReceiver::operator=(BurstReceiver&&) noexcept = default;

void BurstReceiver::push(const std::complex<float>* samples, std::size_t count,
                         std::int64_t firstSampleIndex) {
  if (count == 0)
    return;
  Impl& s = *impl_;
  if (s.started && firstSampleIndex != s.end()) {
    ++s.counters.discontinuities;
    s.finishStream();
  }
  if (!s.started)
    s.start(firstSampleIndex);
  for (std::size_t done = 0; done < count; done += kPiece) {
    s.append(samples + done, std::min(kPiece, count - done));
    s.advance();
    s.compact();
  }
}

void BurstReceiver::flush() {
  impl_->finishStream();
}
void BurstReceiver::reset() {
  impl_->stop();
}
const ReceiverCounters& BurstReceiver::counters() const {
  return impl_->counters;
}
bool BurstReceiver::busy() const {
  return impl_->mode == Impl::Mode::Header || impl_->mode == Impl::Mode::Payload;
}

} // namespace otabench::phy
