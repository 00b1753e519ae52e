// The receiving stream thread: samples of one radio into token bursts.
#pragma once

#include "otabench/phy/receiver.hpp"
#include "otabench/phy/spectrum.hpp"
#include "otabench/phy/subband_receiver.hpp"
#include "otabench/radio/device.hpp"
#include "otabench/radio/stream.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace SoapySDR {
class Stream;
}

namespace otabench::radio {

struct ReceiverOptions {
  double sample_rate_hz = phy::kDefaultSampleRateHz;
  double center_frequency_hz = phy::kDefaultCenterFrequencyHz;
  // Centre of the CFO search, phy::ReceiverConfig::cfoPriorHz.
  double cfo_prior_hz = 0;
  std::size_t block_samples = 8192;
  // Most results that wait for their reader; more are dropped and counted.
  std::size_t result_limit = 256;
};

struct TimedBurst {
  phy::ReceivedBurst burst;
  // Whose sub-band it came in; empty with the full band.
  std::optional<int> subband_user;
  std::uint64_t epoch = 0;
  // First preamble sample in the radio's hardware clock.
  double arrival_ns = 0;
};

// What happened since the last take(). All samples of `epoch` before `processed_until_ns` have been through
// the receiver, and everything they held is in this or an earlier batch.
struct ReceiverBatch {
  std::vector<TimedBurst> bursts;
  std::vector<Event> events;
  std::uint64_t epoch = 0;
  std::int64_t processed_until_ns = 0;
  std::uint64_t dropped_bursts = 0;
  bool running = false;
};

// The radio's clock may start over (a twin's new trial starts at 0): each start opens a new epoch, counted
// from 1. A start is not an event, a jump forward is (time_gap). Either makes the burst search begin anew.
class Receiver final : public Stream {
public:
  // `on_ready` is called on the stream's thread whenever take() has something new; it must not block.
  // @throws RadioError unsupported, driver_failed; phy::PhyError for unusable options
  static std::shared_ptr<Receiver> start(std::shared_ptr<Device> device, const ReceiverOptions& options,
                                         std::function<void()> on_ready);
  ~Receiver() override;

  // From the next samples on: these users side by side, each in its sub-band; none: the full band. The search
  // begins anew.
  // @throws phy::SubbandError for a partition that cannot be used
  void set_subbands(std::vector<phy::SubbandUser> users);

  // For eyes alone, and off at first: while on, the capture's spectrum is measured and bursts carry what came
  // before their equaliser. Tokens and measurements do not depend on it.
  void watch(bool on);
  // Of the samples since the last call; empty where there were none, or nobody watches.
  std::optional<phy::Spectrum> take_spectrum();

  ReceiverBatch take();
  // Asks for on_ready as soon as an epoch later than `after_epoch` has been processed until `time_ns`.
  void mark(std::uint64_t after_epoch, std::int64_t time_ns);
  std::uint64_t epoch() const;
  void stop() override;

private:
  struct Mark {
    std::uint64_t after_epoch;
    std::int64_t time_ns;
  };

  Receiver(std::shared_ptr<Device> device, const ReceiverOptions& options, std::function<void()> on_ready);
  void run();
  bool take_block(int count, int flags, long long time_ns);
  bool handle_error(int code, long long time_ns, bool has_time);
  void on_burst(phy::ReceivedBurst&& burst, std::optional<int> subband_user);
  void switch_subbands();
  void reset_search();
  phy::ReceiverConfig phy_config() const;
  void cut_spectrum();
  void report(EventKind kind, std::optional<std::int64_t> time_ns, std::uint64_t count,
              const std::string& detail);
  bool mark_reached_locked() const;
  std::int64_t to_ns(double sample) const;

  const std::shared_ptr<Device> device_;
  const ReceiverOptions options_;
  const std::function<void()> on_ready_;
  SoapySDR::Stream* stream_ = nullptr;
  const std::shared_ptr<std::atomic<bool>> watched_ = std::make_shared<std::atomic<bool>>(false);
  phy::BurstReceiver phy_;
  // Receivers of the partitions last used, most recent first: filters and plans are dear to make.
  struct Shared {
    std::vector<phy::SubbandUser> users;
    std::unique_ptr<phy::SubbandReceiver> receiver;
  };
  std::vector<Shared> shared_;
  bool subbands_active_ = false;
  std::vector<std::complex<float>> block_;
  // The stream thread's own bookkeeping, in samples of the hardware clock.
  std::int64_t next_sample_ = 0;
  bool started_ = false;
  int errors_in_a_row_ = 0;
  bool news_ = false;

  mutable std::mutex mutex_;
  std::vector<TimedBurst> bursts_;
  EventLog events_;
  std::uint64_t epoch_ = 0;
  std::int64_t processed_until_ns_ = 0;
  std::uint64_t dropped_bursts_ = 0;
  std::optional<Mark> mark_;
  std::optional<std::vector<phy::SubbandUser>> wanted_subbands_;
  bool running_ = true;

  std::mutex spectrum_mutex_;
  phy::SpectrumMeter spectrum_;

  std::atomic<bool> stopping_{false};
  std::mutex stop_mutex_;
  std::thread thread_;
};

} // namespace otabench::radio
