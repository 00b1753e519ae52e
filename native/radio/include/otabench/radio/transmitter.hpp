// The transmitting stream thread: token bursts into samples of one radio.
#pragma once

#include "otabench/phy/subband_transmitter.hpp"
#include "otabench/phy/transmitter.hpp"
#include "otabench/radio/bounded_queue.hpp"
#include "otabench/radio/device.hpp"
#include "otabench/radio/stream.hpp"

#include <atomic>
#include <complex>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace SoapySDR {
class Stream;
}

namespace otabench::radio {

// HackRF's buffers leave only when full: a shorter burst is padded with zeros to this many samples.
constexpr std::size_t kUntimedBurstSamples = 131072;

struct TransmitterOptions {
  double sample_rate_hz = phy::kDefaultSampleRateHz;
  double rms_dbfs = phy::kDefaultRmsDbfs;
  std::size_t queue_limit = 64;
};

struct SentBurst {
  phy::TransmitReport report;
  // Hardware time of the first and past the last sample, guards included; empty for a radio without hardware
  // time.
  std::optional<std::int64_t> start_ns;
  std::optional<std::int64_t> end_ns;
  // Samples handed to the radio, padding included.
  std::int64_t samples_written = 0;
};

// Everything of a burst: [header.tokens, header.dimension] row-major, and when its first sample shall leave.
struct TransmitRequest {
  std::vector<float> tokens;
  phy::BurstHeader header;
  // Empty: at the stream's level, without PAPR control.
  std::optional<phy::Drive> drive;
  // Empty: the full band. Its user must be the header's.
  std::optional<phy::SubbandUser> subband;
  // Hardware time; empty: as soon as possible. Must be empty for a radio without hardware time.
  std::optional<std::int64_t> start_ns;
  // Called on the stream's thread when all samples are with the radio, or with an error.
  std::function<void(std::variant<SentBurst, RadioError>&&)> on_handed;
};

// Transmits only while the device's watchdog allows it. When the watchdog trips: queued bursts are refused,
// the stream is deactivated; after the watchdog was armed again, new bursts go out.
class Transmitter final : public Stream {
public:
  // `on_event` is called on the stream's thread whenever take_events() has something new; it must not block.
  // @throws RadioError transmit_refused, unsupported, driver_failed
  static std::shared_ptr<Transmitter> start(std::shared_ptr<Device> device, const TransmitterOptions& options,
                                            std::function<void()> on_event);
  ~Transmitter() override;

  // @throws RadioError queue_full, closed, transmit_disabled
  void send(TransmitRequest&& request);
  // Calls back, on the stream's thread, when the radio has acknowledged (or called late) every burst sent
  // before, or after `timeout`; with the number that it has not, which are forgotten.
  // @throws RadioError queue_full, closed
  void flush(std::chrono::milliseconds timeout, std::function<void(std::size_t)> on_done);

  std::vector<Event> take_events();
  void stop() override;

private:
  struct FlushRequest {
    std::chrono::milliseconds timeout;
    std::function<void(std::size_t)> on_done;
  };
  using Item = std::variant<TransmitRequest, FlushRequest>;

  Transmitter(std::shared_ptr<Device> device, const TransmitterOptions& options,
              std::function<void()> on_event);
  void push(Item&& item);
  void run();
  void handle(TransmitRequest& request);
  void handle(FlushRequest& request);
  SentBurst transmit(TransmitRequest& request);
  phy::SubbandTransmitter& subband_transmitter(const phy::SubbandUser& user);
  void write_all(const TransmitRequest& request);
  void require_transmission();
  void activate();
  void deactivate();
  void refuse_queued(const RadioError& error);
  // Reads one status message; false when none came in time.
  bool read_status(long timeout_us);
  void report(EventKind kind, std::optional<std::int64_t> time_ns, const std::string& detail);

  const std::shared_ptr<Device> device_;
  const TransmitterOptions options_;
  const std::function<void()> on_event_;
  SoapySDR::Stream* stream_ = nullptr;
  phy::BurstTransmitter phy_;
  // Of the sub-bands last used, most recent first.
  std::vector<std::pair<phy::SubbandUser, phy::SubbandTransmitter>> subbands_;
  BoundedQueue<Item> queue_;
  std::vector<std::complex<float>> samples_;
  bool active_ = false;
  bool acknowledges_ = true;
  std::size_t unacknowledged_ = 0;

  std::mutex events_mutex_;
  EventLog events_;

  std::atomic<bool> stopping_{false};
  std::atomic<bool> tripped_{false};
  std::atomic<bool> lost_{false};
  std::uint64_t trip_listener_ = 0;
  std::mutex stop_mutex_;
  std::thread thread_;
};

} // namespace otabench::radio
