#include "otabench/radio/receiver.hpp"

#include "soapy_call.hpp"

#include <SoapySDR/Device.hpp>
#include <SoapySDR/Errors.hpp>
#include <SoapySDR/Formats.hpp>
#include <SoapySDR/Time.hpp>
#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace otabench::radio {
namespace {

// Longest that a read may keep the thread from seeing that it shall stop.
constexpr long kReadTimeoutUs = 50000;
// A stream that answers with nothing but errors this often in a row is taken for lost.
constexpr int kMostErrorsInARow = 50;
constexpr std::int64_t kClockRoundingSamples = 1;
constexpr std::size_t kMostKeptPartitions = 8;

} // namespace

phy::ReceiverConfig Receiver::phy_config() const {
  phy::ReceiverConfig config;
  config.sampleRateHz = options_.sample_rate_hz;
  config.centerFrequencyHz = options_.center_frequency_hz;
  config.cfoPriorHz = options_.cfo_prior_hz;
  config.wantsUnequalised = watched_;
  return config;
}

std::shared_ptr<Receiver> Receiver::start(std::shared_ptr<Device> device, const ReceiverOptions& options,
                                          std::function<void()> on_ready) {
  if (device->capabilities().rx.channels == 0)
    throw RadioError(ErrorCode::unsupported, "radio " + device->serial() + " has no receive channel");
  std::shared_ptr<Receiver> receiver(new Receiver(std::move(device), options, std::move(on_ready)));
  receiver->device_->adopt(receiver);
  return receiver;
}

Receiver::Receiver(std::shared_ptr<Device> device, const ReceiverOptions& options,
                   std::function<void()> on_ready)
    : device_(std::move(device)), options_(options), on_ready_(std::move(on_ready)),
      phy_(phy_config(), [this](phy::ReceivedBurst&& burst) { on_burst(std::move(burst), std::nullopt); }),
      block_(options.block_samples), spectrum_(options.sample_rate_hz) {
  soapy_call("start receiving on " + device_->serial(), [&] {
    SoapySDR::Device& soapy = device_->soapy();
    stream_ = soapy.setupStream(SOAPY_SDR_RX, SOAPY_SDR_CF32);
    if (stream_ == nullptr)
      throw RadioError(ErrorCode::unsupported, "radio " + device_->serial() + " cannot stream CF32");
    const int code = soapy.activateStream(stream_);
    if (code != 0) {
      soapy.closeStream(stream_);
      throw RadioError(ErrorCode::driver_failed,
                       std::string("activate receive stream: ") + SoapySDR::errToStr(code));
    }
  });
  thread_ = std::thread([this] { run(); });
}

Receiver::~Receiver() {
  stop();
}

void Receiver::stop() {
  stopping_ = true;
  std::lock_guard<std::mutex> lock(stop_mutex_);
  if (thread_.joinable())
    thread_.join();
}

std::int64_t Receiver::to_ns(double sample) const {
  return static_cast<std::int64_t>(std::llround(sample * (1e9 / options_.sample_rate_hz)));
}

void Receiver::watch(bool on) {
  std::lock_guard<std::mutex> lock(spectrum_mutex_);
  spectrum_.cut();
  spectrum_.take();
  watched_->store(on);
}

std::optional<phy::Spectrum> Receiver::take_spectrum() {
  std::lock_guard<std::mutex> lock(spectrum_mutex_);
  return spectrum_.take();
}

void Receiver::cut_spectrum() {
  std::lock_guard<std::mutex> lock(spectrum_mutex_);
  spectrum_.cut();
}

ReceiverBatch Receiver::take() {
  std::lock_guard<std::mutex> lock(mutex_);
  ReceiverBatch batch;
  batch.bursts = std::exchange(bursts_, {});
  batch.events = events_.take();
  batch.epoch = epoch_;
  batch.processed_until_ns = processed_until_ns_;
  batch.dropped_bursts = dropped_bursts_;
  batch.running = running_;
  if (mark_reached_locked())
    mark_.reset();
  return batch;
}

std::uint64_t Receiver::epoch() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return epoch_;
}

bool Receiver::mark_reached_locked() const {
  return mark_ && (!running_ || (epoch_ > mark_->after_epoch && processed_until_ns_ >= mark_->time_ns));
}

void Receiver::mark(std::uint64_t after_epoch, std::int64_t time_ns) {
  bool reached = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    mark_ = Mark{after_epoch, time_ns};
    reached = mark_reached_locked();
  }
  if (reached)
    on_ready_();
}

void Receiver::set_subbands(std::vector<phy::SubbandUser> users) {
  if (!users.empty())
    phy::requireSubbands(users);
  std::lock_guard<std::mutex> lock(mutex_);
  wanted_subbands_ = std::move(users);
}

// Stream thread, between blocks.
void Receiver::switch_subbands() {
  std::optional<std::vector<phy::SubbandUser>> wanted;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    wanted.swap(wanted_subbands_);
  }
  if (!wanted)
    return;
  subbands_active_ = !wanted->empty();
  if (!subbands_active_) {
    phy_.reset();
    return;
  }
  auto kept = std::find_if(shared_.begin(), shared_.end(),
                           [&](const Shared& shared) { return shared.users == *wanted; });
  if (kept == shared_.end()) {
    if (shared_.size() == kMostKeptPartitions)
      shared_.pop_back();
    auto receiver =
        std::make_unique<phy::SubbandReceiver>(phy_config(), *wanted, [this](phy::SubbandBurst&& heard) {
          // What was expected and did not come is known to
          // whoever expected it.
          if (heard.outcome != phy::SubbandOutcome::Absent)
            on_burst(std::move(heard.burst), heard.user);
        });
    shared_.push_back({std::move(*wanted), std::move(receiver)});
    kept = std::prev(shared_.end());
  }
  std::rotate(shared_.begin(), kept, std::next(kept));
  shared_.front().receiver->reset();
}

void Receiver::on_burst(phy::ReceivedBurst&& burst, std::optional<int> subband_user) {
  const double arrival_ns =
      (static_cast<double>(burst.startSample) + burst.startFraction) * (1e9 / options_.sample_rate_hz);
  const bool corrupt = burst.outcome == phy::BurstOutcome::HeaderCorrupt ||
                       burst.outcome == phy::BurstOutcome::HeaderImplausible;
  if (corrupt)
    report(EventKind::corrupt_header, std::llround(arrival_ns), 1, phy::toString(burst.outcome));
  bool dropped = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    dropped = bursts_.size() >= options_.result_limit;
    if (dropped)
      ++dropped_bursts_;
    else
      bursts_.push_back({std::move(burst), subband_user, epoch_, arrival_ns});
  }
  if (dropped)
    report(EventKind::dropped_burst, std::llround(arrival_ns), 1, "results were not taken in time");
  news_ = true;
}

void Receiver::report(EventKind kind, std::optional<std::int64_t> time_ns, std::uint64_t count,
                      const std::string& detail) {
  std::lock_guard<std::mutex> lock(mutex_);
  events_.add({kind, Direction::rx, device_->serial(), time_ns, count, one_line(detail)});
  news_ = true;
}

void Receiver::reset_search() {
  if (subbands_active_)
    shared_.front().receiver->reset();
  else
    phy_.reset();
}

bool Receiver::take_block(int count, int flags, long long time_ns) {
  switch_subbands();
  std::int64_t first_sample = next_sample_;
  if ((flags & SOAPY_SDR_HAS_TIME) != 0)
    first_sample = SoapySDR::timeNsToTicks(time_ns, options_.sample_rate_hz);
  // A clock whose ticks do not fall on samples, told in whole nanoseconds, wavers by one when rounded to
  // samples.
  if (started_ && std::abs(first_sample - next_sample_) <= kClockRoundingSamples)
    first_sample = next_sample_;
  const bool restart = !started_ || first_sample < next_sample_;
  if (restart) {
    reset_search();
    std::lock_guard<std::mutex> lock(mutex_);
    ++epoch_;
    processed_until_ns_ = 0;
  } else if (first_sample > next_sample_) {
    // The receiver sees the jump in the index and starts its search anew behind it.
    report(EventKind::time_gap, to_ns(static_cast<double>(next_sample_)),
           static_cast<std::uint64_t>(first_sample - next_sample_), "samples missing");
  }
  if (*watched_) {
    if (!started_ || first_sample != next_sample_)
      cut_spectrum();
    std::lock_guard<std::mutex> lock(spectrum_mutex_);
    spectrum_.push(block_.data(), static_cast<std::size_t>(count));
  }
  started_ = true;
  if (subbands_active_)
    shared_.front().receiver->push(block_.data(), static_cast<std::size_t>(count), first_sample);
  else
    phy_.push(block_.data(), static_cast<std::size_t>(count), first_sample);
  next_sample_ = first_sample + count;

  std::lock_guard<std::mutex> lock(mutex_);
  processed_until_ns_ = to_ns(static_cast<double>(next_sample_));
  // Somebody who waits for a mark gets everything at once then; without one, news go out as they come.
  const bool tell = mark_ ? mark_reached_locked() : news_;
  if (tell)
    news_ = false;
  return tell;
}

// Returns whether the stream goes on.
bool Receiver::handle_error(int code, long long time_ns, bool has_time) {
  const std::optional<std::int64_t> when = has_time ? std::optional<std::int64_t>(time_ns) : std::nullopt;
  if (code == SOAPY_SDR_OVERFLOW) {
    report(EventKind::overflow, when, 1, "the radio dropped samples that nobody read in time");
    errors_in_a_row_ = 0;
    // Without hardware time the loss leaves no gap in the index by which the search would know of it.
    if (!device_->capabilities().hardware_time) {
      reset_search();
      cut_spectrum();
    }
    return true;
  }
  if (++errors_in_a_row_ >= kMostErrorsInARow) {
    report(EventKind::device_lost, when, 1,
           std::to_string(kMostErrorsInARow) + " errors in a row, the last " + SoapySDR::errToStr(code));
    return false;
  }
  report(EventKind::stream_error, when, 1, SoapySDR::errToStr(code));
  // An error that comes back at once must not become a busy loop.
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return true;
}

void Receiver::run() {
  bool going = true;
  try {
    SoapySDR::Device& soapy = device_->soapy();
    while (going && !stopping_) {
      void* buffers[] = {block_.data()};
      int flags = 0;
      long long time_ns = 0;
      const int count = soapy.readStream(stream_, buffers, block_.size(), flags, time_ns, kReadTimeoutUs);
      if (count > 0) {
        errors_in_a_row_ = 0;
        if (take_block(count, flags, time_ns))
          on_ready_();
      } else if (count < 0 && count != SOAPY_SDR_TIMEOUT) {
        going = handle_error(count, time_ns, (flags & SOAPY_SDR_HAS_TIME) != 0);
        on_ready_();
      }
    }
  } catch (const std::exception& error) {
    report(EventKind::device_lost, std::nullopt, 1, error.what());
  }
  try {
    SoapySDR::Device& soapy = device_->soapy();
    soapy.deactivateStream(stream_);
    soapy.closeStream(stream_);
  } catch (const std::exception& error) {
    report(EventKind::stream_error, std::nullopt, 1, error.what());
  }
  {
    std::lock_guard<std::mutex> lock(mutex_);
    running_ = false;
  }
  on_ready_();
}

} // namespace otabench::radio
