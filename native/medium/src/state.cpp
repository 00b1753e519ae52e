#include "state.hpp"

#include "noise.hpp"

#include <algorithm>
#include <cmath>

namespace otabench::medium {
namespace {

// A boundary that is meant to fall on a sample must not be missed by rounding.
constexpr double kTickSlack = 1e-6;

/// What the profile says that a trial's start is for streams that are active already.
void settleFromStart(RadioState& radio) {
  const Settling& settling = radio.profile.settling;
  const auto from0 = [](ChannelSettings& settings, double lengthS) {
    if (lengthS > 0.0)
      settings.settling.push_back({0.0, lengthS * 1e9});
  };
  if (settling.trialStart == TrialStart::Retuned) {
    from0(radio.rxSettings, settling.retuneS);
    from0(radio.txSettings, settling.retuneS);
  }
  if (settling.trialStart != TrialStart::Activated)
    return;
  if (radio.rx.active) {
    radio.rx.invalidUntil = settling.invalidRxSamples;
    from0(radio.rxSettings, settling.activateS);
  }
  if (radio.tx.active)
    from0(radio.txSettings, settling.activateS);
}

} // namespace

std::int64_t RadioState::ticksBefore(double trueNs, double rateHz) const {
  return std::max<std::int64_t>(
      0, static_cast<std::int64_t>(std::ceil(trueNs * effectiveRate(rateHz) / 1e9 - kTickSlack)));
}

std::int64_t RadioState::hardwareNsOfTick(std::int64_t tick, double rateHz) const {
  return std::llround(static_cast<double>(tick) * 1e9 / rateHz + hardwareOffsetNs);
}

std::int64_t RadioState::tickOfHardwareNs(std::int64_t hardwareNs, double rateHz) const {
  // Bounded, since a caller may give any number.
  const double ticks = (static_cast<double>(hardwareNs) - hardwareOffsetNs) * rateHz / 1e9;
  return std::llround(std::clamp(ticks, -1e15, 1e15));
}

Clock::time_point deadlineAfter(std::int64_t timeoutUs) {
  constexpr std::int64_t kDayUs = 86'400'000'000;
  return Clock::now() + std::chrono::microseconds(std::clamp<std::int64_t>(timeoutUs, 0, kDayUs));
}

std::shared_ptr<RadioState> MediumState::find(const std::string& serial) const {
  for (const auto& radio : radios)
    if (radio->profile.serial == serial)
      return radio;
  return nullptr;
}

void MediumState::restart(const std::string& id, std::uint64_t number, const ChannelMoment& channelMoment) {
  trialId = id;
  moment = channelMoment;
  trialNumber = number;
  trialEnded = false;
  grantedNs = 0.0;
  presentNs = 0.0;
  origin = Clock::now();
  for (const PathProfile& path : config.paths)
    setChannel(path);
  interferers.clear();
  for (std::size_t i = 0; i < config.interferers.size(); ++i)
    interferers.emplace_back(config.interferers[i],
                             derivedKey(noiseKey(config.seed, trialId, "interferer"), i));
  for (const auto& radio : radios) {
    radio->noiseKey = noiseKey(config.seed, trialId, radio->profile.serial);
    const Impairments& impairments = radio->profile.impairments;
    radio->oscillator = {
        derivedKey(radio->noiseKey, 1), impairments.phaseNoiseLinewidthHz,
        impairments.phaseNoiseLoopBandwidthHz,
        impairments.phaseNoiseFloorDbcHz ? std::pow(10.0, *impairments.phaseNoiseFloorDbcHz / 10.0) : 0.0};
    radio->hardwareOffsetNs = 0.0;
    radio->pendingPps.reset();
    radio->rxEvents.clear();
    radio->txEvents.clear();
    for (ChannelSettings* settings : {&radio->rxSettings, &radio->txSettings}) {
      settings->frequencyHz.restart();
      settings->gainDb.restart();
      settings->settling.clear();
    }
    radio->rx.position = 0;
    radio->rx.invalidFrom = radio->rx.invalidUntil = 0;
    settleFromStart(*radio);
    radio->rx.timeErrorPending = false;
    radio->tx.segments.clear();
    radio->tx.acks.clear();
    radio->tx.keptSamples = 0;
    radio->tx.forgottenUntilNs = -1e18;
    radio->tx.swallow = radio->tx.burstOpen;
  }
  wakeAll();
}

Clock::time_point MediumState::wallTime(double trueNs) const {
  return origin + std::chrono::nanoseconds(std::llround(std::ceil(std::clamp(trueNs, 0.0, 9e17))));
}

double MediumState::marginNs(const RadioState& transmitter, double rateHz) const {
  const double txBandHz = std::min(rateHz, transmitter.txSettings.bandwidthHz);
  double rxBandHz = txBandHz;
  for (const auto& radio : radios)
    if (radio->rx.active)
      rxBandHz = std::min({rxBandHz, radio->rxSettings.sampleRateHz, radio->rxSettings.bandwidthHz});
  return (kSincHalf + 2) * (1e9 / txBandHz + 1e9 / rxBandHz);
}

double MediumState::horizonNs() const {
  double horizon = trialEnded ? presentNs : grantedNs;
  for (const auto& radio : radios) {
    if (!radio->tx.segments.empty() && radio->tx.segments.back().open) {
      const Segment& burst = radio->tx.segments.back();
      horizon = std::min(horizon,
                         radio->trueNsOfTick(burst.endTick(), burst.rateHz) - marginNs(*radio, burst.rateHz));
    }
    if (radio->rx.active)
      horizon = std::min(horizon, radio->trueNsOfTick(radio->rx.position + kFreeRxBufferSamples,
                                                      radio->rxSettings.sampleRateHz));
  }
  return horizon;
}

double MediumState::advance() {
  const double next =
      realtime() ? static_cast<double>(
                       std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - origin).count())
                 : horizonNs();
  const bool moved = next > presentNs;
  presentNs = std::max(presentNs, next);
  for (const auto& radio : radios)
    settle(*radio);
  if (moved && !realtime()) // realtime waiters know their instant
    wakeAll();
  return presentNs;
}

void MediumState::settle(RadioState& radio) {
  if (radio.pendingPps && presentNs >= radio.pendingPps->edgeTrueNs) {
    radio.hardwareOffsetNs = radio.pendingPps->offsetNs;
    radio.pendingPps.reset();
  }
  if (realtime() && !radio.tx.segments.empty() && radio.tx.segments.back().open) {
    Segment& burst = radio.tx.segments.back();
    if (presentNs + marginNs(radio, burst.rateHz) > radio.trueNsOfTick(burst.endTick(), burst.rateHz)) {
      burst.open = false;
      ++radio.counters.underflows;
      pushEvent(radio, Direction::Tx, EventKind::Underflow,
                radio.hardwareNsOfTick(burst.endTick(), burst.rateHz));
    }
  }
  while (!radio.tx.acks.empty()) {
    const DueAck ack = radio.tx.acks.front();
    if (presentNs < radio.trueNsOfTick(ack.endTick, ack.rateHz))
      break;
    radio.tx.acks.pop_front();
    ++radio.counters.burstAcks;
    pushEvent(radio, Direction::Tx, EventKind::BurstAck, radio.hardwareNsOfTick(ack.endTick, ack.rateHz));
  }
}

std::optional<double> MediumState::nextEventNs(const RadioState& radio) const {
  std::optional<double> next;
  if (!radio.tx.acks.empty())
    next = radio.trueNsOfTick(radio.tx.acks.front().endTick, radio.tx.acks.front().rateHz);
  if (!radio.tx.segments.empty() && radio.tx.segments.back().open) {
    const Segment& burst = radio.tx.segments.back();
    const double starvesNs =
        radio.trueNsOfTick(burst.endTick(), burst.rateHz) - marginNs(radio, burst.rateHz) + 1.0;
    next = std::min(starvesNs, next.value_or(starvesNs));
  }
  return next;
}

void MediumState::pushEvent(RadioState& radio, Direction direction, EventKind kind, std::int64_t timeNs) {
  std::deque<Event>& events = direction == Direction::Rx ? radio.rxEvents : radio.txEvents;
  if (events.size() >= kMaxEvents)
    events.pop_front();
  events.push_back({kind, timeNs, trialNumber});
  radio.eventChanged.notify_all();
}

void MediumState::wakeAll() {
  for (const auto& radio : radios) {
    radio->rxChanged.notify_all();
    radio->txChanged.notify_all();
    radio->eventChanged.notify_all();
  }
}

std::uint64_t MediumState::dropQueued(RadioState& radio) {
  std::uint64_t dropped = 0;
  while (!radio.tx.segments.empty()) {
    Segment& segment = radio.tx.segments.back();
    const std::int64_t sent = std::clamp<std::int64_t>(
        radio.ticksBefore(presentNs, segment.rateHz) - segment.startTick, 0, segment.length);
    if (sent == segment.length && !segment.open)
      break;
    // A written sample that a receiver may be rendering stays in its chunk; only the length shrinks.
    dropped += static_cast<std::uint64_t>(segment.length - sent);
    radio.tx.keptSamples -= segment.length - sent;
    segment.length = sent;
    segment.open = false;
    if (sent > segment.droppedHead)
      break;
    radio.tx.keptSamples -= sent - segment.droppedHead;
    radio.tx.segments.pop_back();
  }
  while (!radio.tx.acks.empty() &&
         radio.trueNsOfTick(radio.tx.acks.back().endTick, radio.tx.acks.back().rateHz) > presentNs)
    radio.tx.acks.pop_back();
  radio.tx.swallow = radio.tx.burstOpen;
  radio.counters.txDroppedSamples += dropped;
  return dropped;
}

double MediumState::neededFromNs() const {
  double neededNs = presentNs;
  for (const auto& radio : radios)
    if (radio->rx.active)
      neededNs = std::min(neededNs, radio->trueNsOfTick(radio->rx.position, radio->rxSettings.sampleRateHz));
  return neededNs - 2e6; // the longest delay of a path, and filters
}

void MediumState::pruneSettings() {
  const double neededNs = neededFromNs();
  for (const auto& radio : radios) {
    for (ChannelSettings* settings : {&radio->rxSettings, &radio->txSettings}) {
      settings->frequencyHz.prune(neededNs);
      settings->gainDb.prune(neededNs);
      auto& spans = settings->settling;
      spans.erase(std::remove_if(spans.begin(), spans.end(),
                                 [neededNs](const Span& span) { return span.untilNs < neededNs; }),
                  spans.end());
    }
  }
}

void MediumState::pruneKept(RadioState& radio) {
  const double neededNs = neededFromNs();
  std::deque<Segment>& segments = radio.tx.segments;
  while (!segments.empty() && (radio.tx.keptSamples > kKeptTxSamples || segments.size() > kMaxSegments)) {
    Segment& oldest = segments.front();
    const std::int64_t needed = radio.ticksBefore(neededNs, oldest.rateHz) - 64;
    if (!oldest.open && oldest.endTick() <= needed) {
      radio.tx.keptSamples -= oldest.length - oldest.droppedHead;
      radio.tx.forgottenUntilNs = radio.trueNsOfTick(oldest.endTick(), oldest.rateHz);
      segments.pop_front();
      continue;
    }
    if (oldest.startTick + oldest.droppedHead + Chunk::kSamples > std::min(needed, oldest.endTick()))
      break;
    oldest.chunks.pop_front();
    oldest.droppedHead += Chunk::kSamples;
    radio.tx.forgottenUntilNs = radio.trueNsOfTick(oldest.startTick + oldest.droppedHead, oldest.rateHz);
    radio.tx.keptSamples -= Chunk::kSamples;
  }
}

void MediumState::setChannel(const PathProfile& path) {
  channels[{find(path.from)->index, find(path.to)->index}] = makeChannel(path, config.seed, moment);
}

SourceJob MediumState::source(const RadioState& transmitter, std::shared_ptr<const Channel> channel,
                              double beginNs, double endNs, bool clean) const {
  SourceJob source;
  source.channel = std::move(channel);
  if (!clean) {
    source.oscillator = transmitter.oscillator;
    source.silent = transmitter.txSettings.settling;
  }
  source.clockFactor = transmitter.clockFactor;
  source.maxOutputPowerDbm = transmitter.profile.maxOutputPowerDbm;
  source.frequencyHz = transmitter.txSettings.frequencyHz;
  source.gainDb = transmitter.txSettings.gainDb;
  source.bandwidthHz = transmitter.txSettings.bandwidthHz;
  for (auto it = transmitter.tx.segments.rbegin(); it != transmitter.tx.segments.rend(); ++it) {
    const std::int64_t keptStart = it->startTick + it->droppedHead;
    if (it->length == it->droppedHead || transmitter.trueNsOfTick(keptStart, it->rateHz) > endNs)
      continue;
    if (transmitter.trueNsOfTick(it->endTick(), it->rateHz) < beginNs)
      break;
    const std::int64_t from =
        std::clamp(transmitter.ticksBefore(beginNs, it->rateHz), keptStart, it->endTick());
    const std::int64_t to =
        std::clamp(transmitter.ticksBefore(endNs, it->rateHz) + 1, keptStart, it->endTick());
    const std::int64_t firstChunk = (from - keptStart) / Chunk::kSamples;
    const std::int64_t endChunk = (to - keptStart + Chunk::kSamples - 1) / Chunk::kSamples;
    SegmentView view;
    view.rateHz = it->rateHz;
    view.startTick = keptStart + firstChunk * Chunk::kSamples;
    view.endTick = std::min(it->endTick(), keptStart + endChunk * Chunk::kSamples);
    for (std::int64_t i = firstChunk; i < endChunk; ++i) {
      const std::shared_ptr<Chunk>& chunk = it->chunks[static_cast<std::size_t>(i)];
      view.chunks.push_back(clean && chunk->clean ? chunk->clean : chunk);
    }
    if (view.startTick < view.endTick)
      source.segments.push_back(std::move(view));
  }
  std::reverse(source.segments.begin(), source.segments.end());
  return source;
}

RenderJob MediumState::job(const RadioState& receiver, std::int64_t first, std::int64_t count,
                           const RadioState* clean) const {
  RenderJob job;
  job.rateHz = receiver.rxSettings.sampleRateHz;
  job.clockFactor = receiver.clockFactor;
  job.noiseFigureDb = receiver.profile.noiseFigureDb;
  job.rxFullScaleDbm = receiver.profile.rxFullScaleDbm;
  job.frequencyHz = receiver.rxSettings.frequencyHz;
  job.gainDb = receiver.rxSettings.gainDb;
  job.bandwidthHz = receiver.rxSettings.bandwidthHz;
  job.noiseKey = receiver.noiseKey;
  job.impairments = receiver.profile.impairments;
  job.oscillator = receiver.oscillator;
  job.settling = receiver.rxSettings.settling;
  job.invalidFrom = receiver.rx.invalidFrom;
  job.invalidUntil = receiver.rx.invalidUntil;
  job.first = first;
  job.count = count;
  for (const auto& radio : radios) {
    const auto channel = channels.find({radio->index, receiver.index});
    if (channel == channels.end() || radio->tx.segments.empty() || (clean != nullptr && clean != radio.get()))
      continue;
    const double longestNs = channel->second->greatestDelayS * 1e9;
    const double txBandHz = std::min(radio->txSettings.sampleRateHz, radio->txSettings.bandwidthHz);
    const double rxBandHz = std::min(job.rateHz, job.bandwidthHz);
    // Whole blocks are rendered, and filters reach to both sides.
    const double reachNs = 130.0 * 1e9 / job.rateHz + (kSincHalf + 4) * (1e9 / txBandHz + 1e9 / rxBandHz);
    SourceJob one =
        source(*radio, channel->second, receiver.trueNsOfTick(first, job.rateHz) - longestNs - reachNs,
               receiver.trueNsOfTick(first + count, job.rateHz) + reachNs, clean != nullptr);
    one.radioIndex = radio->index;
    if (!one.segments.empty())
      job.sources.push_back(std::move(one));
  }
  for (InterfererSource& interferer : interferers) {
    if (clean != nullptr || !interferer.isHeardBy(receiver.profile.serial))
      continue;
    const double rxBandHz = std::min(job.rateHz, job.bandwidthHz);
    const double reachNs = 130.0 * 1e9 / job.rateHz + (kSincHalf + 4) * (1e9 / 200e3 + 1e9 / rxBandHz);
    SourceJob one = interferer.job(receiver.trueNsOfTick(first, job.rateHz) - reachNs,
                                   receiver.trueNsOfTick(first + count, job.rateHz) + reachNs);
    if (one.segments.empty())
      continue;
    job.sources.push_back(std::move(one));
  }
  return job;
}

} // namespace otabench::medium
