#include "state.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace otabench::medium {
namespace {

double achieved(const Range& range, double requested) {
  // A request that is no number leaves the least harmful setting.
  const double clamped =
      std::isnan(requested) ? range.minimum : std::clamp(requested, range.minimum, range.maximum);
  if (range.step == 0.0)
    return clamped;
  return range.minimum + std::round((clamped - range.minimum) / range.step) * range.step;
}

} // namespace

Radio::Radio(std::shared_ptr<MediumState> medium, std::shared_ptr<RadioState> state)
    : medium_(std::move(medium)), state_(std::move(state)), openId_(state_->openId) {}

Radio::~Radio() {
  close();
  std::unique_lock<std::mutex> lock(medium_->mutex);
  state_->left.wait(lock, [this] { return state_->callsInside == 0; });
}

const std::string& Radio::serial() const {
  return state_->profile.serial;
}

void Radio::close() {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  RadioState& radio = *state_;
  if (!radio.isOpen || radio.openId != openId_)
    return;
  medium_->advance();
  medium_->dropQueued(radio);
  radio.tx.active = false;
  radio.tx.burstOpen = false;
  radio.tx.swallow = false;
  radio.rx.active = false;
  radio.rx.timeErrorPending = false;
  ++radio.rx.activation;
  radio.rxEvents.clear();
  radio.txEvents.clear();
  radio.isOpen = false;
  medium_->advance(); // others may go on without this one
  medium_->wakeAll();
}

double Radio::setTimeline(Timeline ChannelSettings::*member, const Range& range, Direction direction,
                          double requested, std::optional<std::int64_t> commandTimeNs) {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  const double value = achieved(range, requested);
  double atNs = medium_->advance();
  if (commandTimeNs)
    atNs = std::max(atNs, state_->trueNsOfHardware(static_cast<double>(*commandTimeNs)));
  medium_->pruneSettings();
  ChannelSettings& settings = state_->settings(direction);
  const double settleNs = state_->profile.settling.retuneS * 1e9;
  if (member == &ChannelSettings::frequencyHz && settleNs > 0.0 && settings.frequencyHz.at(atNs) != value)
    settings.settling.push_back({atNs, atNs + settleNs});
  (settings.*member).set(atNs, value);
  return value;
}

double Radio::setFrequencyHz(Direction direction, double requestedHz,
                             std::optional<std::int64_t> commandTimeNs) {
  return setTimeline(&ChannelSettings::frequencyHz, limits().frequencyHz, direction, requestedHz,
                     commandTimeNs);
}

double Radio::setGainDb(Direction direction, double requestedDb, std::optional<std::int64_t> commandTimeNs) {
  const Range& range = direction == Direction::Rx ? limits().rxGainDb : limits().txGainDb;
  return setTimeline(&ChannelSettings::gainDb, range, direction, requestedDb, commandTimeNs);
}

double Radio::setBandwidthHz(Direction direction, double requestedHz) {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  return state_->settings(direction).bandwidthHz = achieved(limits().bandwidthHz, requestedHz);
}

double Radio::setSampleRateHz(Direction direction, double requestedHz) {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  RadioState& radio = *state_;
  const double rateHz = achieved(limits().sampleRateHz, requestedHz);
  medium_->advance();
  if (direction == Direction::Tx) {
    if (!radio.tx.segments.empty() && radio.tx.segments.back().open)
      throw std::logic_error("sampleRateHz: a burst is being transmitted; end it first");
    radio.txSettings.sampleRateHz = rateHz;
    return rateHz;
  }
  if (rateHz != radio.rxSettings.sampleRateHz) {
    // The same instant, counted in the new samples.
    const double positionNs = radio.trueNsOfTick(radio.rx.position, radio.rxSettings.sampleRateHz);
    radio.rxSettings.sampleRateHz = rateHz;
    radio.rx.position = radio.ticksBefore(positionNs, rateHz);
    ++radio.rx.activation;
  }
  return rateHz;
}

double Radio::frequencyHz(Direction direction) const {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  return state_->settings(direction).frequencyHz.latest();
}

double Radio::gainDb(Direction direction) const {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  return state_->settings(direction).gainDb.latest();
}

double Radio::bandwidthHz(Direction direction) const {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  return state_->settings(direction).bandwidthHz;
}

double Radio::sampleRateHz(Direction direction) const {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  return state_->settings(direction).sampleRateHz;
}

std::int64_t Radio::hardwareTimeNs() const {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  return std::llround(state_->localNs(medium_->advance()));
}

void Radio::setHardwareTimeNs(std::int64_t timeNs) {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  const double presentNs = medium_->advance();
  state_->pendingPps.reset();
  state_->hardwareOffsetNs = static_cast<double>(timeNs) - presentNs * state_->clockFactor;
}

std::int64_t Radio::hardwareTimeAtLastPpsNs() const {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  return std::llround(state_->localNs(std::floor(medium_->advance() / 1e9) * 1e9));
}

void Radio::setHardwareTimeAtNextPpsNs(std::int64_t timeNs) {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  const double edgeNs = (std::floor(medium_->advance() / 1e9) + 1.0) * 1e9;
  state_->pendingPps = PendingPps{edgeNs, static_cast<double>(timeNs) - edgeNs * state_->clockFactor};
}

void Radio::activateRx(std::optional<std::int64_t> startNs, std::size_t sampleCount) {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  RadioState& radio = *state_;
  if (!radio.isOpen || radio.openId != openId_)
    return;
  const double presentNs = medium_->advance();
  const double rateHz = radio.rxSettings.sampleRateHz;
  ++radio.rx.activation;
  radio.rx.timeErrorPending = false;
  radio.rx.active = true;
  radio.rx.position = radio.ticksBefore(presentNs, rateHz);
  radio.rx.remaining.reset();
  if (sampleCount > 0)
    radio.rx.remaining = static_cast<std::int64_t>(std::min<std::size_t>(sampleCount, INT64_MAX / 2));
  if (startNs) {
    const std::int64_t tick = radio.tickOfHardwareNs(*startNs, rateHz);
    if (tick < radio.rx.position) {
      radio.rx.active = false;
      radio.rx.timeErrorPending = true;
      ++radio.counters.lateReceives;
    } else {
      radio.rx.position = tick;
    }
  }
  radio.rx.invalidFrom = radio.rx.position;
  radio.rx.invalidUntil = radio.rx.position + radio.profile.settling.invalidRxSamples;
  if (radio.profile.settling.activateS > 0.0 && radio.rx.active) {
    const double fromNs = radio.trueNsOfTick(radio.rx.position, rateHz);
    radio.rxSettings.settling.push_back({fromNs, fromNs + radio.profile.settling.activateS * 1e9});
  }
  radio.rxChanged.notify_all();
}

void Radio::deactivateRx() {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  if (!state_->isOpen || state_->openId != openId_)
    return;
  ++state_->rx.activation;
  state_->rx.active = false;
  state_->rx.timeErrorPending = false;
  medium_->advance();
  state_->rxChanged.notify_all();
}

bool Radio::rxActive() const {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  return state_->isOpen && state_->openId == openId_ && state_->rx.active;
}

ReadResult Radio::read(Sample* samples, std::size_t count, std::int64_t timeoutUs) {
  const auto medium = medium_; // both outlive the call whatever happens to this handle
  const auto state = state_;
  return readSamples(*medium, *state, openId_, samples, count, timeoutUs);
}

void Radio::activateTx() {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  if (!state_->isOpen || state_->openId != openId_)
    return;
  const double settleNs = state_->profile.settling.activateS * 1e9;
  if (!state_->tx.active && settleNs > 0.0) {
    const double presentNs = medium_->advance();
    state_->txSettings.settling.push_back({presentNs, presentNs + settleNs});
  }
  state_->tx.active = true;
  state_->txChanged.notify_all();
}

void Radio::deactivateTx() {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  if (!state_->isOpen || state_->openId != openId_)
    return;
  endBurst(*medium_, *state_, false);
  state_->tx.active = false;
  medium_->advance();
  state_->txChanged.notify_all();
}

bool Radio::txActive() const {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  return state_->isOpen && state_->openId == openId_ && state_->tx.active;
}

WriteResult Radio::write(const Sample* samples, std::size_t count, const WriteOptions& options,
                         std::int64_t timeoutUs) {
  const auto medium = medium_;
  const auto state = state_;
  return writeSamples(*medium, *state, openId_, samples, count, options, timeoutUs);
}

std::optional<Event> Radio::waitEvent(Direction direction, std::int64_t timeoutUs) {
  const auto medium = medium_;
  const auto state = state_;
  const Clock::time_point deadline = deadlineAfter(timeoutUs);
  std::unique_lock<std::mutex> lock(medium->mutex);
  if (!state->isOpen || state->openId != openId_)
    return std::nullopt;
  const CallInside inside(lock, *state);
  const std::uint64_t openId = openId_;
  const std::uint64_t wakeCount = medium->wakeCount;
  while (state->isOpen && state->openId == openId) {
    medium->advance();
    std::deque<Event>& events = direction == Direction::Rx ? state->rxEvents : state->txEvents;
    if (!events.empty()) {
      const Event event = events.front();
      events.pop_front();
      return event;
    }
    if (Clock::now() >= deadline || medium->wakeCount != wakeCount)
      break;
    Clock::time_point wakeAt = deadline;
    if (medium->realtime())
      if (const std::optional<double> dueNs = medium->nextEventNs(*state))
        wakeAt = std::min(deadline, medium->wallTime(*dueNs));
    state->eventChanged.wait_until(lock, wakeAt);
  }
  return std::nullopt;
}

RadioCounters Radio::counters() const {
  const std::lock_guard<std::mutex> lock(medium_->mutex);
  return state_->counters;
}

} // namespace otabench::medium
