// What the medium knows, all under MediumState::mutex unless it says otherwise.
#pragma once

#include "interference.hpp"
#include "otabench/medium/medium.hpp"
#include "render.hpp"
#include "timeline.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace otabench::medium {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kFreeRxBufferSamples = 131072;
constexpr double kRealtimeRxBufferNs = 0.5e9;
constexpr double kRealtimeTxQueueNs = 0.25e9;
constexpr std::int64_t kFreeTxQueueSamples = 16 * 1024 * 1024;
constexpr double kRealtimeTxLatencyNs = 1e6; // between writing an untimed burst and its first sample
constexpr std::int64_t kKeptTxSamples = 4 * 1024 * 1024; // per transmitter, for truth
constexpr std::size_t kMaxSegments = 16384;
constexpr std::size_t kMaxEvents = 1024;

/// A run of transmitted samples without a gap.
struct Segment {
  double rateHz = 0.0;          ///< nominal
  std::int64_t startTick = 0;   ///< in the transmitter's samples since the trial began
  std::int64_t length = 0;      ///< samples written
  std::int64_t droppedHead = 0; ///< of them, no longer kept; whole chunks
  std::deque<std::shared_ptr<Chunk>> chunks;
  bool open = true;

  std::int64_t endTick() const { return startTick + length; }
};

struct ChannelSettings {
  Timeline frequencyHz{100e6};
  Timeline gainDb{0.0};
  double bandwidthHz = 56e6;
  double sampleRateHz = 1e6;
  std::vector<Span> settling; ///< true time
};

struct RxStream {
  bool active = false;
  std::int64_t position = 0;             ///< next sample to hand out
  std::optional<std::int64_t> remaining; ///< of a finite capture
  bool timeErrorPending = false;
  std::int64_t invalidFrom = 0; ///< first samples after activation
  std::int64_t invalidUntil = 0;
  std::uint64_t activation = 0; ///< changes whenever a read in flight becomes void
};

/// The end of a burst that is to be acknowledged.
struct DueAck {
  std::int64_t endTick = 0;
  double rateHz = 0.0;
};

struct TxStream {
  bool active = false;
  bool burstOpen = false; ///< the writer has not ended its burst
  bool swallow = false;   ///< the rest of that burst is dropped
  std::deque<Segment> segments;
  std::deque<DueAck> acks;
  std::int64_t keptSamples = 0;
  double forgottenUntilNs = -1e18; ///< samples sent before are no longer kept
};

struct PendingPps {
  double edgeTrueNs = 0.0;
  double offsetNs = 0.0;
};

struct RadioState {
  RadioProfile profile;
  double clockFactor = 1.0; ///< 1 + ppm 1e-6
  std::size_t index = 0;

  bool isOpen = false;
  std::uint64_t openId = 0; ///< of the handle that holds it
  int callsInside = 0;

  ChannelSettings rxSettings;
  ChannelSettings txSettings;
  RxStream rx;
  TxStream tx;
  std::uint64_t noiseKey = 0;
  OscillatorNoise oscillator;
  double hardwareOffsetNs = 0.0;
  std::optional<PendingPps> pendingPps;
  std::deque<Event> rxEvents;
  std::deque<Event> txEvents;
  RadioCounters counters;

  std::condition_variable rxChanged;
  std::condition_variable txChanged;
  std::condition_variable eventChanged;
  std::condition_variable left; ///< callsInside fell to 0

  std::mutex readMutex; ///< held over a whole read, taken before MediumState::mutex; guards cache
  RenderCache cache;

  ChannelSettings& settings(Direction direction) {
    return direction == Direction::Rx ? rxSettings : txSettings;
  }

  double effectiveRate(double rateHz) const { return rateHz * clockFactor; }
  double trueNsOfTick(std::int64_t tick, double rateHz) const {
    return static_cast<double>(tick) * 1e9 / effectiveRate(rateHz);
  }
  /// Samples with a time before trueNs.
  std::int64_t ticksBefore(double trueNs, double rateHz) const;
  double localNs(double trueNs) const { return trueNs * clockFactor + hardwareOffsetNs; }
  double trueNsOfHardware(double hardwareNs) const { return (hardwareNs - hardwareOffsetNs) / clockFactor; }
  std::int64_t hardwareNsOfTick(std::int64_t tick, double rateHz) const;
  std::int64_t tickOfHardwareNs(std::int64_t hardwareNs, double rateHz) const;
};

struct MediumState {
  mutable std::mutex mutex;
  MediumConfig config;
  std::vector<std::shared_ptr<RadioState>> radios;
  std::map<std::pair<std::size_t, std::size_t>, std::shared_ptr<const Channel>> channels; ///< (from, to)
  mutable std::vector<InterfererSource> interferers; ///< keep what they made

  std::string trialId;
  ChannelMoment moment;
  std::uint64_t trialNumber = 0;
  std::uint64_t wakeCount = 0; ///< endTrial calls; a blocked call leaves when it changes
  bool trialEnded = false;
  double grantedNs = 0.0;
  double presentNs = 0.0; ///< true time at the last look
  Clock::time_point origin = Clock::now();

  bool realtime() const { return config.pace == Pace::Realtime; }
  std::shared_ptr<RadioState> find(const std::string& serial) const; ///< nullptr if unknown

  void restart(const std::string& id, std::uint64_t number, const ChannelMoment& channelMoment);

  /// Moves time as far as it may go, settles what that made due (acks, underflows) and wakes who may go on.
  double advance();
  Clock::time_point wallTime(double trueNs) const;

  /// Length of the longest interpolation filter around a transmitted sample.
  double marginNs(const RadioState& transmitter, double rateHz) const;
  void pushEvent(RadioState& radio, Direction direction, EventKind kind, std::int64_t timeNs);
  void wakeAll();

  /// Drops what a radio has queued beyond the present. @return samples dropped.
  std::uint64_t dropQueued(RadioState& radio);
  /// Forgets samples beyond kKeptTxSamples that no receiver needs.
  void pruneKept(RadioState& radio);
  /// Forgets settings that held before anything that is still to be received.
  void pruneSettings();
  /// True time before which no receiver will ask again.
  double neededFromNs() const;
  /// True time at which the next ack or underflow of a radio is due if nothing more is written.
  std::optional<double> nextEventNs(const RadioState& radio) const;

  /// @param clean if given, this transmitter alone, as written
  RenderJob job(const RadioState& receiver, std::int64_t first, std::int64_t count,
                const RadioState* clean = nullptr) const;
  /// @param clean the samples as written, before clipping and what the transmitter's front end does
  SourceJob source(const RadioState& transmitter, std::shared_ptr<const Channel> channel, double beginNs,
                   double endNs, bool clean = false) const;
  void setChannel(const PathProfile& path);

private:
  double horizonNs() const;
  void settle(RadioState& radio);
};

/// Proof that a thread is inside a radio: Radio's destructor waits for it. Constructed and destroyed under
/// the lock.
class CallInside {
public:
  CallInside(std::unique_lock<std::mutex>& lock, RadioState& radio) : lock_(lock), radio_(radio) {
    ++radio_.callsInside;
  }
  ~CallInside() {
    if (!lock_.owns_lock())
      lock_.lock();
    if (--radio_.callsInside == 0)
      radio_.left.notify_all();
  }
  CallInside(const CallInside&) = delete;
  CallInside& operator=(const CallInside&) = delete;

private:
  std::unique_lock<std::mutex>& lock_;
  RadioState& radio_;
};

/// Latest wall time of a call that may take timeoutUs (negative counts as 0, greatest one day).
Clock::time_point deadlineAfter(std::int64_t timeoutUs);

ReadResult readSamples(MediumState& medium, RadioState& radio, std::uint64_t openId, Sample* samples,
                       std::size_t count, std::int64_t timeoutUs);
WriteResult writeSamples(MediumState& medium, RadioState& radio, std::uint64_t openId, const Sample* samples,
                         std::size_t count, const WriteOptions& options, std::int64_t timeoutUs);
/// Ends the open burst of a radio where its samples end.
void endBurst(MediumState& medium, RadioState& radio, bool wantsAck);

} // namespace otabench::medium
