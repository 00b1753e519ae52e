#include "otabench/phy/subband_receiver.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "admission.hpp"
#include "subband_channeliser.hpp"

namespace otabench::phy {

namespace {

/** No sample of a sub-band counts as saturated: that is judged in the capture. */
constexpr float kNeverSaturated = 1e5F;
constexpr std::int64_t kLongestBurst =
    kPreambleSamples + kHeaderSamples + static_cast<std::int64_t>(kMaxPayloadOfdmSymbols) * kSymbolSamples;

/** Saturated samples by block of the capture, for as long as a burst may last. */
class SaturationLog {
public:
  void add(std::int64_t block, std::int64_t count) {
    if (count == 0)
      return;
    if (blocks_.empty() || blocks_.back().first != block)
      blocks_.emplace_back(block, 0);
    blocks_.back().second += count;
    constexpr std::int64_t kKept = 2 * kLongestBurst * kGridBins / kSmallestSubband / kBlockSamples;
    while (blocks_.front().first < block - kKept)
      blocks_.pop_front();
  }
  std::int64_t within(std::int64_t firstBlock, std::int64_t lastBlock) const {
    std::int64_t sum = 0;
    for (const auto& [block, count] : blocks_)
      if (block >= firstBlock && block <= lastBlock)
        sum += count;
    return sum;
  }
  void clear() { blocks_.clear(); }

private:
  std::deque<std::pair<std::int64_t, std::int64_t>> blocks_;
};

} // namespace

const char* toString(SubbandOutcome outcome) {
  switch (outcome) {
  case SubbandOutcome::Heard:
    return "heard";
  case SubbandOutcome::Foreign:
    return "foreign";
  case SubbandOutcome::Absent:
    return "absent";
  }
  return "unknown";
}

struct SubbandReceiver::Impl {
  struct User {
    SubbandUser user;
    std::unique_ptr<BurstReceiver> receiver;
    std::optional<std::int64_t> expectedBy;
  };

  Impl(const ReceiverConfig& capture, const std::vector<SubbandUser>& wanted, Sink s)
      : config(capture), sink(std::move(s)),
        channeliser(bandsOf(wanted), [this](std::size_t i, const Cf* samples, std::size_t count,
                                            std::int64_t first) { take(i, samples, count, first); }) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      ReceiverConfig own = capture;
      own.sampleRateHz *= wanted[i].band.rateRatio();
      own.saturationLevel = kNeverSaturated;
      own.removedCfoHz = wanted[i].soundedCfoHz.value_or(0);
      if (wanted[i].soundedCfoHz)
        own.cfoPriorHz = 0; // the user took it out itself
      own.noiseBandwidth = channeliser.noiseBandwidth(i);
      User user;
      user.user = wanted[i];
      user.receiver =
          std::make_unique<BurstReceiver>(own, [this, i](ReceivedBurst&& b) { report(i, std::move(b)); });
      users.push_back(std::move(user));
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  ReceiverConfig config;
  Sink sink;
  SubbandChanneliser channeliser;
  std::vector<User> users;
  CaptureCounters counters;
  SaturationLog saturation;
  std::vector<Cf> admitted = std::vector<Cf>(kBlockSamples);

  static std::vector<Subband> bandsOf(const std::vector<SubbandUser>& users) {
    std::vector<Subband> bands;
    for (const SubbandUser& u : users)
      bands.push_back(u.band);
    return bands;
  }

  User& find(int number) {
    const auto found =
        std::find_if(users.begin(), users.end(), [&](const User& u) { return u.user.user == number; });
    if (found == users.end())
      throw PhyError("user", std::to_string(number), "a user with a sub-band");
    return *found;
  }

  void take(std::size_t i, const Cf* samples, std::size_t count, std::int64_t first) {
    User& u = users[i];
    u.receiver->push(samples, count, first);
    const double seen =
        static_cast<double>(first + static_cast<std::int64_t>(count)) / u.user.band.rateRatio();
    // A burst that is still being received is not absent yet: its end decides.
    if (u.expectedBy && seen > static_cast<double>(*u.expectedBy) && !u.receiver->busy())
      reportAbsent(u);
  }

  void reportAbsent(User& u) {
    SubbandBurst absent;
    absent.user = u.user.user;
    absent.outcome = SubbandOutcome::Absent;
    absent.expectedBySample = *u.expectedBy;
    u.expectedBy.reset();
    sink(std::move(absent));
  }

  void report(std::size_t i, ReceivedBurst&& burst) {
    User& u = users[i];
    SubbandBurst result;
    result.user = u.user.user;
    if (burst.headerOk) {
      if (burst.header.user == u.user.user)
        u.expectedBy.reset();
      else
        result.outcome = SubbandOutcome::Foreign;
    }
    if (!u.user.band.full()) {
      const double ratio = u.user.band.rateRatio();
      const double start = (static_cast<double>(burst.startSample) + burst.startFraction) / ratio;
      burst.startSample = std::llround(start);
      burst.startFraction = start - static_cast<double>(burst.startSample);
      burst.endSample = static_cast<std::int64_t>(std::ceil(static_cast<double>(burst.endSample) / ratio));
    }
    burst.saturatedSamples = saturation.within(blockOf(burst.startSample), blockOf(burst.endSample - 1));
    result.burst = std::move(burst);
    sink(std::move(result));
  }

  static std::int64_t blockOf(std::int64_t index) {
    return index / kBlockSamples - (index % kBlockSamples < 0 ? 1 : 0);
  }

  void end() {
    channeliser.flush();
    for (User& u : users) {
      u.receiver->flush();
      if (u.expectedBy)
        reportAbsent(u);
    }
    saturation.clear();
  }
};

SubbandReceiver::SubbandReceiver(const ReceiverConfig& capture, const std::vector<SubbandUser>& users,
                                 Sink sink) {
  requireSubbands(users);
  if (!sink)
    throw PhyError("sink", "empty", "a function");
  BurstReceiver(capture,
                [](ReceivedBurst&&) {}); // refuses what no receiver could use, by the capture's names
  impl_ = std::make_unique<Impl>(capture, users, std::move(sink));
}

SubbandReceiver::~SubbandReceiver() = default;
SubbandReceiver::SubbandReceiver(SubbandReceiver&&) noexcept = default;
SubbandReceiver& SubbandReceiver::operator=(SubbandReceiver&&) noexcept = default;

void SubbandReceiver::push(const std::complex<float>* samples, std::size_t count,
                           std::int64_t firstSampleIndex) {
  if (count == 0)
    return;
  Impl& s = *impl_;
  if (s.channeliser.started() && firstSampleIndex != s.channeliser.end()) {
    ++s.counters.discontinuities;
    s.end();
  }
  // In pieces that do not cross blocks of the capture.
  for (std::size_t done = 0; done < count;) {
    const std::int64_t index = firstSampleIndex + static_cast<std::int64_t>(done);
    const std::int64_t block = Impl::blockOf(index);
    const auto room = static_cast<std::size_t>((block + 1) * kBlockSamples - index);
    const std::size_t n = std::min(count - done, room);
    const Admission a = admit(samples + done, s.admitted.data(), n, s.config.saturationLevel);
    s.counters.samples += static_cast<std::int64_t>(n);
    s.counters.saturatedSamples += a.saturated;
    s.counters.nonFiniteSamples += a.bad;
    s.saturation.add(block, a.saturated);
    s.channeliser.push(s.admitted.data(), n, index);
    done += n;
  }
}

void SubbandReceiver::flush() {
  impl_->end();
}

void SubbandReceiver::reset() {
  impl_->channeliser.reset();
  impl_->saturation.clear();
  for (Impl::User& u : impl_->users) {
    u.receiver->reset();
    u.expectedBy.reset();
  }
}

void SubbandReceiver::expect(int user, std::int64_t bySample) {
  impl_->find(user).expectedBy = bySample;
}

const CaptureCounters& SubbandReceiver::counters() const {
  return impl_->counters;
}
const ReceiverCounters& SubbandReceiver::counters(int user) const {
  return impl_->find(user).receiver->counters();
}
bool SubbandReceiver::busy() const {
  return std::any_of(impl_->users.begin(), impl_->users.end(),
                     [](const Impl::User& u) { return u.receiver->busy(); });
}

double subbandCarrierPower(Span<const std::complex<float>> samples, const Subband& band) {
  SubbandUser user;
  user.band = band;
  requireSubbands({user});
  const double least = 4 * kSymbolSamples / band.rateRatio();
  if (static_cast<double>(samples.size()) < least)
    throw PhyError("samples", std::to_string(samples.size()), ">= " + std::to_string(std::lround(least)));
  return carrierPower(samples, band);
}

} // namespace otabench::phy
