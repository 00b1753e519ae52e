#include "config.hpp"
#include "state.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace otabench::medium {
namespace {

constexpr double kMostChannelS = 1e6;

/// Puts a configuration in place of what is there. The lock is held and no radio is open.
void install(MediumState& state, const MediumConfig& config) {
  state.config = config;
  state.radios.clear();
  state.channels.clear();
  for (const RadioProfile& profile : config.radios) {
    auto radio = std::make_shared<RadioState>();
    radio->profile = profile;
    radio->clockFactor = 1.0 + profile.clockErrorPpm * 1e-6;
    radio->index = state.radios.size();
    state.radios.push_back(std::move(radio));
  }
  state.restart("", 0, {});
}

} // namespace

Medium::Medium() : state_(std::make_shared<MediumState>()) {
  install(*state_, defaultConfig());
}

Medium& Medium::instance() {
  // Never destroyed: modules may still hold radios while the process ends.
  static Medium* const medium = new Medium;
  return *medium;
}

void Medium::configure(const MediumConfig& config) {
  validate(config);
  const std::lock_guard<std::mutex> lock(state_->mutex);
  for (const auto& radio : state_->radios)
    if (radio->isOpen)
      throw std::logic_error("radio " + radio->profile.serial +
                             " is open; close it before configuring the medium");
  install(*state_, config);
}

MediumConfig Medium::config() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->config;
}

std::vector<std::string> Medium::serials() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  std::vector<std::string> serials;
  for (const auto& radio : state_->radios)
    serials.push_back(radio->profile.serial);
  return serials;
}

void Medium::setPath(const PathProfile& path) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  validate(state_->config, path);
  state_->setChannel(path);
  auto& paths = state_->config.paths;
  const auto old = std::find_if(paths.begin(), paths.end(), [&](const PathProfile& other) {
    return other.from == path.from && other.to == path.to;
  });
  if (old == paths.end())
    paths.push_back(path);
  else
    *old = path;
}

std::shared_ptr<Radio> Medium::open(const std::string& serial) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  const std::shared_ptr<RadioState> radio = state_->find(serial);
  if (!radio) {
    std::string known;
    for (const auto& other : state_->radios)
      known += " " + other->profile.serial;
    throw std::invalid_argument("serial: \"" + serial + "\" is not a twin of this medium; allowed:" + known);
  }
  if (radio->isOpen)
    throw std::runtime_error("twin " + serial + " is already open");
  radio->isOpen = true;
  ++radio->openId;
  // As a radio comes up: own defaults, nothing kept of the last user. Clock and time go on.
  radio->rxSettings = ChannelSettings{};
  radio->txSettings = ChannelSettings{};
  radio->counters = RadioCounters{};
  return std::shared_ptr<Radio>(new Radio(state_, radio));
}

bool Medium::isOpen(const std::string& serial) const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  const std::shared_ptr<RadioState> radio = state_->find(serial);
  return radio && radio->isOpen;
}

std::uint64_t Medium::beginTrial(const std::string& trialId) {
  return beginTrial(trialId, {trialId, 0.0});
}

std::uint64_t Medium::beginTrial(const std::string& trialId, const ChannelMoment& moment) {
  if (!std::isfinite(moment.startS) || std::abs(moment.startS) > kMostChannelS)
    throw std::invalid_argument("channel.startS: " + std::to_string(moment.startS) +
                                "; allowed a number from -1e6 to 1e6 s");
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->restart(trialId, state_->trialNumber + 1, moment);
  return state_->trialNumber;
}

void Medium::grantUntilNs(std::int64_t trueNs) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  if (state_->trialEnded)
    return;
  state_->grantedNs = std::max(state_->grantedNs, static_cast<double>(trueNs));
  state_->advance();
}

void Medium::endTrial() {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->advance();
  state_->trialEnded = true;
  ++state_->wakeCount;
  state_->wakeAll();
}

std::int64_t Medium::currentTimeNs() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return static_cast<std::int64_t>(state_->advance());
}

std::uint64_t Medium::silence() {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->advance();
  std::uint64_t dropped = 0;
  for (const auto& radio : state_->radios)
    dropped += state_->dropQueued(*radio);
  state_->advance();
  state_->wakeAll();
  return dropped;
}

} // namespace otabench::medium
