#include "front_end.hpp"
#include "kernels.hpp"
#include "state.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <new>

namespace otabench::medium {

namespace {

constexpr std::size_t kStock = 64; // chunks, 4 MB

struct ChunkStock {
  std::mutex mutex;
  std::vector<void*> chunks;

  ChunkStock() { chunks.reserve(kStock); }
};

ChunkStock& chunkStock() {
  static ChunkStock* const stock =
      new ChunkStock; // never destroyed: chunks may be freed while the process ends
  return *stock;
}

} // namespace

void* Chunk::operator new(std::size_t bytes) {
  ChunkStock& stock = chunkStock();
  {
    const std::lock_guard<std::mutex> lock(stock.mutex);
    if (!stock.chunks.empty()) {
      void* const chunk = stock.chunks.back();
      stock.chunks.pop_back();
      return chunk;
    }
  }
  return ::operator new(bytes, std::align_val_t(alignof(Chunk)));
}

void Chunk::operator delete(void* chunk) noexcept {
  ChunkStock& stock = chunkStock();
  {
    const std::lock_guard<std::mutex> lock(stock.mutex);
    if (stock.chunks.size() < kStock) {
      stock.chunks.push_back(chunk);
      return;
    }
  }
  ::operator delete(chunk, std::align_val_t(alignof(Chunk)));
}

namespace {

bool isOpenFor(const RadioState& radio, std::uint64_t openId) {
  return radio.isOpen && radio.openId == openId;
}

bool hasOpenSegment(const RadioState& radio) {
  return !radio.tx.segments.empty() && radio.tx.segments.back().open;
}

double lastEndNs(const RadioState& radio) {
  if (radio.tx.segments.empty())
    return 0.0;
  const Segment& last = radio.tx.segments.back();
  return radio.trueNsOfTick(last.endTick(), last.rateHz);
}

void beginSegment(RadioState& radio, std::int64_t startTick) {
  Segment segment;
  segment.rateHz = radio.txSettings.sampleRateHz;
  segment.startTick = startTick;
  radio.tx.segments.push_back(std::move(segment));
}

/// Starts the burst that a timed write asks for. @return false if it is late: then it is swallowed.
bool beginTimed(MediumState& medium, RadioState& radio, std::int64_t startNs) {
  const double rateHz = radio.txSettings.sampleRateHz;
  const std::int64_t tick = radio.tickOfHardwareNs(startNs, rateHz);
  radio.tx.swallow = false;
  if (hasOpenSegment(radio)) {
    if (radio.tx.segments.back().endTick() == tick)
      return true; // goes on without a gap
    endBurst(medium, radio, false);
  }
  radio.tx.burstOpen = true;
  const double startTrueNs = radio.trueNsOfTick(tick, rateHz);
  const double slackNs = 1e-3; // less than any sample, more than rounding
  const bool inThePast =
      medium.presentNs > 0.0 && startTrueNs < medium.presentNs + medium.marginNs(radio, rateHz);
  if (tick < 0 || inThePast || startTrueNs + slackNs < lastEndNs(radio)) {
    radio.tx.swallow = true;
    ++radio.counters.lateBursts;
    medium.pushEvent(radio, Direction::Tx, EventKind::Late, startNs);
    return false;
  }
  beginSegment(radio, tick);
  return true;
}

void beginUntimed(const MediumState& medium, RadioState& radio) {
  const double rateHz = radio.txSettings.sampleRateHz;
  double startNs = 0.0;
  if (medium.presentNs > 0.0 || medium.realtime())
    startNs =
        medium.presentNs + medium.marginNs(radio, rateHz) + (medium.realtime() ? kRealtimeTxLatencyNs : 0.0);
  radio.tx.burstOpen = true;
  beginSegment(radio, radio.ticksBefore(std::max(startNs, lastEndNs(radio)), rateHz));
}

/// Keeps what was written apart from what is sent, from this chunk's first sample on.
void keepClean(Chunk& chunk, std::int64_t offset, const Sample* samples, std::int64_t length) {
  if (!chunk.clean) {
    chunk.clean = std::shared_ptr<Plane>(new Plane);
    std::copy(chunk.re, chunk.re + offset, chunk.clean->re);
    std::copy(chunk.im, chunk.im + offset, chunk.clean->im);
  }
  for (std::int64_t i = 0; i < length; ++i) {
    const float re = samples[i].real();
    const float im = samples[i].imag();
    chunk.clean->re[offset + i] = std::isfinite(re) ? re : 0.0f;
    chunk.clean->im[offset + i] = std::isfinite(im) ? im : 0.0f;
  }
}

void append(RadioState& radio, const Sample* samples, std::int64_t count) {
  Segment& segment = radio.tx.segments.back();
  while (count > 0) {
    const std::int64_t within = segment.length - segment.droppedHead;
    const std::int64_t offset = within % Chunk::kSamples;
    if (offset == 0 && within / Chunk::kSamples == static_cast<std::int64_t>(segment.chunks.size()))
      segment.chunks.push_back(std::shared_ptr<Chunk>(new Chunk)); // not zeroed: readers stay below length
    Chunk& chunk = *segment.chunks.back();
    const std::int64_t length = std::min(count, Chunk::kSamples - offset);
    const std::size_t clipped =
        kernels::best().splitAndClip(reinterpret_cast<const float*>(samples),
                                     static_cast<std::size_t>(length), chunk.re + offset, chunk.im + offset);
    radio.counters.txClippedSamples += clipped;
    const bool distorts = distortsTransmit(radio.profile.impairments);
    if (clipped > 0 || distorts || chunk.clean)
      keepClean(chunk, offset, samples, length);
    if (distorts)
      transmitFrontEnd(radio.profile.impairments, static_cast<std::size_t>(length), chunk.re + offset,
                       chunk.im + offset);
    segment.length += length;
    radio.tx.keptSamples += length;
    samples += length;
    count -= length;
  }
}

/// Samples that the queue takes now, and the true time at which it has drained a sixteenth.
std::int64_t queueSpace(const MediumState& medium, const RadioState& radio, double* roomNs) {
  const double rateHz = radio.tx.segments.back().rateHz;
  const std::int64_t limit =
      medium.realtime() ? std::max<std::int64_t>(4096, std::llround(kRealtimeTxQueueNs * rateHz / 1e9))
                        : kFreeTxQueueSamples;
  const auto queuedOf = [&](const Segment& segment) {
    const std::int64_t ahead = segment.endTick() - radio.ticksBefore(medium.presentNs, segment.rateHz);
    return std::clamp<std::int64_t>(ahead, 0, segment.length);
  };
  std::int64_t queued = 0;
  auto oldest = radio.tx.segments.end();
  while (oldest != radio.tx.segments.begin() &&
         (queuedOf(*std::prev(oldest)) > 0 || oldest == radio.tx.segments.end()))
    queued += queuedOf(*--oldest);
  std::int64_t toDrain = queued - limit + limit / 16;
  *roomNs = medium.presentNs;
  for (; oldest != radio.tx.segments.end() && toDrain > 0; ++oldest) {
    const std::int64_t part = std::min(toDrain, queuedOf(*oldest));
    *roomNs = radio.trueNsOfTick(oldest->endTick() - queuedOf(*oldest) + part, oldest->rateHz);
    toDrain -= part;
  }
  return std::max<std::int64_t>(0, limit - queued);
}

} // namespace

void endBurst(MediumState& medium, RadioState& radio, bool wantsAck) {
  if (hasOpenSegment(radio)) {
    radio.tx.segments.back().open = false;
    if (wantsAck)
      radio.tx.acks.push_back({radio.tx.segments.back().endTick(), radio.tx.segments.back().rateHz});
  } else if (wantsAck && radio.tx.burstOpen && !radio.tx.swallow) {
    // The burst starved and nothing more came: its end is already past.
    ++radio.counters.burstAcks;
    medium.pushEvent(radio, Direction::Tx, EventKind::BurstAck,
                     std::llround(radio.localNs(medium.presentNs)));
  }
  radio.tx.burstOpen = false;
  radio.tx.swallow = false;
}

WriteResult writeSamples(MediumState& medium, RadioState& radio, std::uint64_t openId, const Sample* samples,
                         std::size_t count, const WriteOptions& options, std::int64_t timeoutUs) {
  const Clock::time_point deadline = deadlineAfter(timeoutUs);
  std::unique_lock<std::mutex> lock(medium.mutex);
  if (!isOpenFor(radio, openId))
    return {StreamStatus::Closed, 0};
  const CallInside inside(lock, radio);
  if (!radio.tx.active)
    return {StreamStatus::Inactive, 0};
  medium.advance();
  const std::uint64_t trial = medium.trialNumber;
  const std::uint64_t wakeCount = medium.wakeCount;
  const auto total = static_cast<std::int64_t>(count);
  std::int64_t taken = 0;
  if (options.startNs)
    beginTimed(medium, radio, *options.startNs);
  while (true) {
    if (radio.tx.swallow || medium.trialNumber != trial) {
      radio.counters.txDroppedSamples += static_cast<std::uint64_t>(total - taken);
      taken = total;
      break;
    }
    if (taken == total)
      break;
    if (!hasOpenSegment(radio))
      beginUntimed(medium, radio);
    double roomNs = 0.0;
    const std::int64_t space = queueSpace(medium, radio, &roomNs);
    if (space > 0) {
      const std::int64_t length = std::min(space, total - taken);
      append(radio, samples + taken, length);
      taken += length;
      continue;
    }
    if (Clock::now() >= deadline || medium.wakeCount != wakeCount)
      return {taken > 0 ? StreamStatus::Ok : StreamStatus::Timeout, static_cast<std::size_t>(taken)};
    radio.txChanged.wait_until(lock,
                               medium.realtime() ? std::min(deadline, medium.wallTime(roomNs)) : deadline);
    if (!isOpenFor(radio, openId))
      return {StreamStatus::Closed, static_cast<std::size_t>(taken)};
    if (!radio.tx.active)
      return {StreamStatus::Inactive, static_cast<std::size_t>(taken)};
    medium.advance();
  }
  if (options.endOfBurst)
    endBurst(medium, radio, true);
  medium.pruneKept(radio);
  medium.advance();
  radio.eventChanged.notify_all(); // a waiter must learn of the new instant of an ack or an underflow
  return {StreamStatus::Ok, static_cast<std::size_t>(taken)};
}

} // namespace otabench::medium
