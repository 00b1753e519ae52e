// One SoapySDR device: opened by arguments, its serial verified, every setter answering with what was
// achieved.
#pragma once

#include "otabench/radio/control_thread.hpp"
#include "otabench/radio/error.hpp"
#include "otabench/radio/event.hpp"
#include "otabench/radio/stream.hpp"
#include "otabench/radio/watchdog.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace SoapySDR {
class Device;
}

namespace otabench::radio {

using Arguments = std::map<std::string, std::string>;

struct Range {
  double min = 0;
  double max = 0;
  double step = 0; // 0 where the driver names none
};

struct GainElement {
  std::string name;
  Range range_db;
};

// What one direction of channel 0 can do. Frequencies, rates and bandwidths in Hz, gains in dB.
struct ChannelCapabilities {
  std::size_t channels = 0;
  bool full_duplex = false;
  std::vector<std::string> antennas;
  Range gain_range_db;
  std::vector<GainElement> gain_elements;
  std::vector<Range> frequency_ranges_hz;
  std::vector<Range> sample_rate_ranges_hz;
  std::vector<Range> bandwidth_ranges_hz;
  std::vector<std::string> formats;
  std::string native_format;
  double native_full_scale = 0;
};

struct Capabilities {
  ChannelCapabilities rx;
  ChannelCapabilities tx;
  bool hardware_time = false;
  std::vector<std::string> clock_sources;
  std::vector<std::string> time_sources;
  // Of the device; of its first channel as "rx:NAME" and "tx:NAME".
  std::vector<std::string> sensors;
};

// Adds a folder to SOAPY_SDR_PLUGIN_PATH for this process. Must precede the first enumerate or open: SoapySDR
// looks there once. From C++ because a Node worker's process.env does not reach the process's environment.
void add_plugin_folder(const std::string& folder);

// Devices of one driver. Never unqualified: that would wake every vendor's module (0.6 s, avahi's
// complaints).
// @throws RadioError out_of_range for an empty driver, driver_failed
std::vector<Arguments> enumerate(const std::string& driver);

// Versions of SoapySDR: library, API, ABI.
std::map<std::string, std::string> soapy_versions();

// The only drivers that may transmit until the safety layer lands.
bool driver_may_transmit(const std::string& driver);

// Setters and getters belong on the device's control thread: post() them there.
class Device : public std::enable_shared_from_this<Device> {
public:
  // Opens; making and unmaking are serialised over the process. `arguments` must name "driver"; where they
  // name "serial" the opened device must answer to it.
  // @throws RadioError not_found, wrong_device, driver_failed
  static std::shared_ptr<Device> open(const Arguments& arguments, std::shared_ptr<Watchdog> watchdog);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const std::string& driver() const { return driver_; }
  const std::string& hardware() const { return hardware_; }
  // As the device answers, not as asked for; empty where it has none.
  const std::string& serial() const { return serial_; }
  const Arguments& information() const { return information_; }
  const Capabilities& capabilities() const { return capabilities_; }
  const std::shared_ptr<Watchdog>& watchdog() const { return watchdog_; }

  // @throws RadioError transmit_refused unless the device may transmit
  void require_transmit_permission() const;

  // Each returns what was achieved, read back from the device.
  double set_center_frequency_hz(Direction direction, double frequency_hz);
  double center_frequency_hz(Direction direction);
  double set_sample_rate_hz(Direction direction, double rate_hz);
  double sample_rate_hz(Direction direction);
  double set_bandwidth_hz(Direction direction, double bandwidth_hz);
  double bandwidth_hz(Direction direction);
  double set_gain_db(Direction direction, double gain_db);
  double gain_db(Direction direction);
  double set_gain_element_db(Direction direction, const std::string& element, double gain_db);
  std::string set_antenna(Direction direction, const std::string& antenna);
  std::string antenna(Direction direction);
  // Nanoseconds of the radio's own clock; empty where it has none.
  std::optional<std::int64_t> hardware_time_ns();
  std::string read_sensor(const std::string& name);

  // Transmit gain to its minimum. Allowed on every driver. Happens by itself when the watchdog trips.
  void silence();

  // Runs a job on the control thread, after those posted before. False: the queue is full or the device is
  // closed.
  bool post(std::function<void()> job) { return control_.post(std::move(job)); }

  // Takes part in the device's life: its streams are stopped before it is unmade.
  void adopt(const std::shared_ptr<Stream>& stream);

  // Stops the streams, finishes the control thread, unmakes. Not from the control thread. Safe to call twice.
  void close();
  bool closed() const;

  // The SoapySDR device, for the stream threads. @throws RadioError closed
  SoapySDR::Device& soapy() const;

private:
  Device() = default;
  void read_description(const Arguments& arguments);

  SoapySDR::Device* soapy_ = nullptr;
  mutable std::mutex soapy_mutex_;
  std::string driver_;
  std::string hardware_;
  std::string serial_;
  Arguments information_;
  Capabilities capabilities_;
  std::shared_ptr<Watchdog> watchdog_;
  bool may_transmit_ = false;
  std::mutex streams_mutex_;
  std::vector<std::weak_ptr<Stream>> streams_;
  std::uint64_t trip_listener_ = 0;
  ControlThread control_;
};

} // namespace otabench::radio
