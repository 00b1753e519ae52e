#include "render.hpp"
#include "state.hpp"

#include <algorithm>
#include <cmath>

namespace otabench::medium {
namespace {

constexpr std::int64_t kMaxRead = 65536;

bool isOpenFor(const RadioState& radio, std::uint64_t openId) {
  return radio.isOpen && radio.openId == openId;
}

/// Skips what a too slow reader lost (realtime). @return true if something was.
bool overflowed(MediumState& medium, RadioState& radio) {
  const double rateHz = radio.rxSettings.sampleRateHz;
  if (!medium.realtime() ||
      medium.presentNs - radio.trueNsOfTick(radio.rx.position, rateHz) <= kRealtimeRxBufferNs)
    return false;
  const std::int64_t lostAt = radio.rx.position;
  const std::int64_t resumeAt = radio.ticksBefore(medium.presentNs, rateHz);
  if (radio.rx.remaining) // a finite capture lasts its time, lost samples count
    radio.rx.remaining = std::max<std::int64_t>(0, *radio.rx.remaining - (resumeAt - lostAt));
  if (radio.rx.remaining && *radio.rx.remaining == 0)
    radio.rx.active = false;
  radio.rx.position = resumeAt;
  ++radio.counters.overflows;
  medium.pushEvent(radio, Direction::Rx, EventKind::Overflow, radio.hardwareNsOfTick(lostAt, rateHz));
  return true;
}

} // namespace

ReadResult readSamples(MediumState& medium, RadioState& radio, std::uint64_t openId, Sample* samples,
                       std::size_t count, std::int64_t timeoutUs) {
  const Clock::time_point deadline = deadlineAfter(timeoutUs);
  const std::lock_guard<std::mutex> oneReader(radio.readMutex);
  std::unique_lock<std::mutex> lock(medium.mutex);
  ReadResult result;
  const auto ends = [&result](StreamStatus status) {
    result.status = status;
    return result;
  };
  if (!isOpenFor(radio, openId))
    return ends(StreamStatus::Closed);
  const CallInside inside(lock, radio);
  const std::uint64_t wakeCount = medium.wakeCount;
  const std::int64_t wanted =
      std::min(static_cast<std::int64_t>(std::min<std::size_t>(count, kMaxRead)), kMaxRead);
  if (wanted == 0)
    return result;
  while (true) {
    if (!isOpenFor(radio, openId))
      return ends(StreamStatus::Closed);
    medium.advance();
    if (radio.rx.timeErrorPending) {
      radio.rx.timeErrorPending = false;
      return ends(StreamStatus::TimeError);
    }
    const bool expired = Clock::now() >= deadline || medium.wakeCount != wakeCount;
    Clock::time_point wakeAt = deadline;
    if (radio.rx.active) {
      if (overflowed(medium, radio)) {
        result.trialNumber = medium.trialNumber;
        result.timeNs = radio.hardwareNsOfTick(radio.rx.position, radio.rxSettings.sampleRateHz);
        return ends(StreamStatus::Overflow);
      }
      const double rateHz = radio.rxSettings.sampleRateHz;
      const std::int64_t most = std::min(wanted, radio.rx.remaining.value_or(wanted));
      const std::int64_t due =
          std::min(most, radio.ticksBefore(medium.presentNs, rateHz) - radio.rx.position);
      // In realtime a full buffer is worth waiting for; in free pace waiting might hold time itself.
      if (due == most || (due > 0 && (expired || !medium.realtime()))) {
        const std::int64_t first = radio.rx.position;
        const std::uint64_t trial = medium.trialNumber;
        const std::uint64_t activation = radio.rx.activation;
        const RenderJob job = medium.job(radio, first, due);
        lock.unlock();
        const std::uint64_t clipped = render(job, radio.cache, samples);
        lock.lock();
        // Position moves only now, so that free time could not run past; a new trial, a new activation or a
        // change of rate makes the samples void.
        if (!isOpenFor(radio, openId) || medium.trialNumber != trial || radio.rx.activation != activation)
          continue;
        radio.counters.rxClippedSamples += clipped;
        radio.rx.position += due;
        if (radio.rx.remaining) {
          *radio.rx.remaining -= due;
          if (*radio.rx.remaining == 0) {
            radio.rx.active = false;
            result.endOfBurst = true;
          }
        }
        result.sampleCount = static_cast<std::size_t>(due);
        result.firstSample = first;
        result.timeNs = radio.hardwareNsOfTick(first, rateHz);
        result.trialNumber = trial;
        medium.advance();
        return ends(StreamStatus::Ok);
      }
      if (medium.realtime())
        wakeAt = std::min(deadline, medium.wallTime(radio.trueNsOfTick(radio.rx.position + most, rateHz)));
    }
    if (expired)
      return ends(radio.rx.active ? StreamStatus::Timeout : StreamStatus::Inactive);
    radio.rxChanged.wait_until(lock, wakeAt);
  }
}

} // namespace otabench::medium
