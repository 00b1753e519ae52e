#include "otabench/radio/transmitter.hpp"

#include "soapy_call.hpp"

#include <SoapySDR/Device.hpp>
#include <SoapySDR/Errors.hpp>
#include <SoapySDR/Formats.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>

namespace otabench::radio {
namespace {

using Clock = std::chrono::steady_clock;

// Longest that one write may keep the thread from seeing the watchdog.
constexpr long kWriteTimeoutUs = 50000;
// A radio that takes no samples at all for this long while a burst waits has failed. Longer than any timed
// burst may lie ahead plus the queue of a radio in real time.
constexpr std::chrono::seconds kWriteStall(5);
constexpr std::size_t kMostKeptSubbands = 16;

} // namespace

std::shared_ptr<Transmitter> Transmitter::start(std::shared_ptr<Device> device,
                                                const TransmitterOptions& options,
                                                std::function<void()> on_event) {
  device->require_transmit_permission();
  if (device->capabilities().tx.channels == 0)
    throw RadioError(ErrorCode::unsupported, "radio " + device->serial() + " has no transmit channel");
  std::shared_ptr<Transmitter> transmitter(new Transmitter(std::move(device), options, std::move(on_event)));
  transmitter->device_->adopt(transmitter);
  return transmitter;
}

Transmitter::Transmitter(std::shared_ptr<Device> device, const TransmitterOptions& options,
                         std::function<void()> on_event)
    : device_(std::move(device)), options_(options), on_event_(std::move(on_event)),
      queue_(options.queue_limit) {
  soapy_call("start transmitting on " + device_->serial(), [&] {
    stream_ = device_->soapy().setupStream(SOAPY_SDR_TX, SOAPY_SDR_CF32);
    if (stream_ == nullptr)
      throw RadioError(ErrorCode::unsupported, "radio " + device_->serial() + " cannot stream CF32");
  });
  trip_listener_ = device_->watchdog()->on_trip([this](const std::string&) {
    tripped_ = true;
    queue_.wake();
  });
  thread_ = std::thread([this] { run(); });
}

Transmitter::~Transmitter() {
  stop();
}

void Transmitter::stop() {
  stopping_ = true;
  queue_.close();
  std::lock_guard<std::mutex> lock(stop_mutex_);
  if (!thread_.joinable())
    return;
  device_->watchdog()->forget(trip_listener_);
  thread_.join();
}

void Transmitter::push(Item&& item) {
  if (queue_.try_push(std::move(item)))
    return;
  if (queue_.closed())
    throw RadioError(ErrorCode::closed, "the transmit stream of radio " + device_->serial() + " is closed");
  throw RadioError(ErrorCode::queue_full, "the transmit queue of radio " + device_->serial() + " is full (" +
                                              std::to_string(options_.queue_limit) + " bursts)");
}

void Transmitter::send(TransmitRequest&& request) {
  require_transmission();
  if (request.start_ns && !device_->capabilities().hardware_time)
    throw RadioError(ErrorCode::unsupported, "startNs: radio " + device_->serial() +
                                                 " has no hardware time, so a burst cannot be timed");
  push(std::move(request));
}

void Transmitter::flush(std::chrono::milliseconds timeout, std::function<void(std::size_t)> on_done) {
  push(FlushRequest{timeout, std::move(on_done)});
}

std::vector<Event> Transmitter::take_events() {
  std::lock_guard<std::mutex> lock(events_mutex_);
  return events_.take();
}

void Transmitter::report(EventKind kind, std::optional<std::int64_t> time_ns, const std::string& detail) {
  {
    std::lock_guard<std::mutex> lock(events_mutex_);
    events_.add({kind, Direction::tx, device_->serial(), time_ns, 1, one_line(detail)});
  }
  on_event_();
}

void Transmitter::require_transmission() {
  const Watchdog& watchdog = *device_->watchdog();
  if (!watchdog.transmit_allowed()) {
    const std::string reason = watchdog.reason();
    throw RadioError(ErrorCode::transmit_disabled, "transmission is disabled: the watchdog is " +
                                                       std::string(watchdog.state()) +
                                                       (reason.empty() ? "" : " (" + reason + ")"));
  }
  if (lost_)
    throw RadioError(ErrorCode::driver_failed,
                     "the transmit stream of radio " + device_->serial() + " has failed");
}

void Transmitter::activate() {
  if (active_)
    return;
  const int code = device_->soapy().activateStream(stream_);
  if (code != 0)
    throw RadioError(ErrorCode::driver_failed,
                     std::string("activate transmit stream: ") + SoapySDR::errToStr(code));
  active_ = true;
}

void Transmitter::deactivate() {
  if (!active_)
    return;
  active_ = false;
  unacknowledged_ = 0;
  try {
    device_->soapy().deactivateStream(stream_);
  } catch (const std::exception& error) {
    report(EventKind::stream_error, std::nullopt, error.what());
  }
}

void Transmitter::write_all(const TransmitRequest& request) {
  SoapySDR::Device& soapy = device_->soapy();
  std::size_t written = 0;
  Clock::time_point last_progress = Clock::now();
  while (written < samples_.size()) {
    // Before every write, so that a tripped watchdog ends a long burst in its middle.
    require_transmission();
    if (stopping_)
      throw RadioError(ErrorCode::closed, "the transmit stream of radio " + device_->serial() + " is closed");
    const void* buffers[] = {samples_.data() + written};
    int flags = SOAPY_SDR_END_BURST;
    if (request.start_ns && written == 0)
      flags |= SOAPY_SDR_HAS_TIME;
    const int count = soapy.writeStream(stream_, buffers, samples_.size() - written, flags,
                                        request.start_ns.value_or(0), kWriteTimeoutUs);
    if (count > 0) {
      written += static_cast<std::size_t>(count);
      last_progress = Clock::now();
      continue;
    }
    if (count == SOAPY_SDR_UNDERFLOW) {
      report(EventKind::underflow, std::nullopt, "while writing");
    } else if (count == SOAPY_SDR_TIME_ERROR) {
      report(EventKind::late, request.start_ns, "while writing");
      throw RadioError(ErrorCode::driver_failed, "the burst was late");
    } else if (count != 0 && count != SOAPY_SDR_TIMEOUT) {
      report(EventKind::stream_error, std::nullopt, SoapySDR::errToStr(count));
      throw RadioError(ErrorCode::driver_failed, std::string("write: ") + SoapySDR::errToStr(count));
    }
    if (Clock::now() - last_progress > kWriteStall)
      throw RadioError(ErrorCode::timed_out, "radio " + device_->serial() + " takes no samples");
  }
}

phy::SubbandTransmitter& Transmitter::subband_transmitter(const phy::SubbandUser& user) {
  auto kept =
      std::find_if(subbands_.begin(), subbands_.end(), [&](const auto& one) { return one.first == user; });
  if (kept == subbands_.end()) {
    phy::SubbandTransmitter made(user, options_.sample_rate_hz);
    if (subbands_.size() == kMostKeptSubbands)
      subbands_.pop_back();
    subbands_.emplace_back(user, std::move(made));
    kept = std::prev(subbands_.end());
  }
  std::rotate(subbands_.begin(), kept, std::next(kept));
  return subbands_.front().second;
}

SentBurst Transmitter::transmit(TransmitRequest& request) {
  require_transmission();
  SentBurst sent;
  phy::Drive drive;
  drive.rmsDbfs = options_.rms_dbfs;
  drive = request.drive.value_or(drive);
  sent.report =
      request.subband
          ? subband_transmitter(*request.subband).modulate(request.tokens, request.header, drive, samples_)
          : phy_.modulate(request.tokens, request.header, drive, samples_);
  if (!device_->capabilities().hardware_time) {
    // Whole buffers of zeros behind the burst, or its tail stays in the host.
    const std::size_t buffers = (samples_.size() + kUntimedBurstSamples - 1) / kUntimedBurstSamples;
    samples_.resize(buffers * kUntimedBurstSamples);
  }
  activate();
  ++unacknowledged_;
  write_all(request);
  sent.samples_written = static_cast<std::int64_t>(samples_.size());
  if (request.start_ns) {
    sent.start_ns = request.start_ns;
    sent.end_ns = *request.start_ns +
                  static_cast<std::int64_t>(
                      std::llround(static_cast<double>(samples_.size()) * 1e9 / options_.sample_rate_hz));
  }
  return sent;
}

void Transmitter::handle(TransmitRequest& request) {
  try {
    request.on_handed(transmit(request));
  } catch (const RadioError& error) {
    // The burst may have been begun: deactivating ends it, so that the radio does not wait for its rest.
    deactivate();
    request.on_handed(error);
  } catch (const phy::PhyError& error) {
    request.on_handed(RadioError(ErrorCode::out_of_range, error.what()));
  } catch (const std::exception& error) {
    lost_ = true;
    report(EventKind::device_lost, std::nullopt, error.what());
    request.on_handed(RadioError(ErrorCode::driver_failed, error.what()));
  }
}

bool Transmitter::read_status(long timeout_us) {
  if (!active_ || !acknowledges_)
    return false;
  std::size_t channels = 0;
  int flags = 0;
  long long time_ns = 0;
  int code = 0;
  try {
    code = device_->soapy().readStreamStatus(stream_, channels, flags, time_ns, timeout_us);
  } catch (const std::exception& error) {
    lost_ = true;
    acknowledges_ = false;
    report(EventKind::device_lost, std::nullopt, error.what());
    return false;
  }
  const std::optional<std::int64_t> when =
      (flags & SOAPY_SDR_HAS_TIME) != 0 ? std::optional<std::int64_t>(time_ns) : std::nullopt;
  const auto settle_one = [this] { unacknowledged_ -= unacknowledged_ > 0 ? 1 : 0; };
  switch (code) {
  case SOAPY_SDR_TIMEOUT:
    return false;
  case SOAPY_SDR_NOT_SUPPORTED:
    acknowledges_ = false;
    unacknowledged_ = 0;
    return false;
  case SOAPY_SDR_TIME_ERROR:
    // A late burst is not sent, so no acknowledgement follows.
    settle_one();
    report(EventKind::late, when, "the burst's time had passed; it was not sent");
    return true;
  case SOAPY_SDR_UNDERFLOW:
    report(EventKind::underflow, when, "the radio ran out of samples within a burst");
    return true;
  case 0:
    if ((flags & SOAPY_SDR_END_BURST) != 0)
      settle_one();
    return true;
  default:
    report(EventKind::stream_error, when, SoapySDR::errToStr(code));
    return true;
  }
}

void Transmitter::handle(FlushRequest& request) {
  const Clock::time_point deadline = Clock::now() + request.timeout;
  while (unacknowledged_ > 0 && acknowledges_ && !stopping_ && !tripped_) {
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(deadline - Clock::now()).count();
    if (left <= 0)
      break;
    read_status(static_cast<long>(std::min<long long>(left, kWriteTimeoutUs)));
  }
  request.on_done(std::exchange(unacknowledged_, 0));
}

void Transmitter::refuse_queued(const RadioError& error) {
  for (Item& item : queue_.drain()) {
    if (auto* request = std::get_if<TransmitRequest>(&item))
      request->on_handed(error);
    else
      std::get<FlushRequest>(item).on_done(0);
  }
}

void Transmitter::run() {
  while (!stopping_) {
    std::optional<Item> item = queue_.pop(std::chrono::milliseconds(100));
    if (tripped_.exchange(false)) {
      deactivate();
      refuse_queued(RadioError(ErrorCode::transmit_disabled,
                               "transmission was disabled: " + device_->watchdog()->reason()));
    }
    if (item)
      std::visit([this](auto& request) { handle(request); }, *item);
    // Late and underflow must be told even when nobody flushes.
    while (!stopping_ && queue_.size() == 0 && read_status(0)) {
    }
  }
  refuse_queued(
      RadioError(ErrorCode::closed, "the transmit stream of radio " + device_->serial() + " is closed"));
  deactivate();
  try {
    device_->soapy().closeStream(stream_);
  } catch (const std::exception&) {
    // The device is going away with it.
  }
}

} // namespace otabench::radio
