#include "otabench/radio/device.hpp"

#include "otabench/radio/log.hpp"
#include "soapy_call.hpp"

#include <SoapySDR/Device.hpp>
#include <SoapySDR/Formats.hpp>
#include <SoapySDR/Version.hpp>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

namespace otabench::radio {
namespace {

constexpr std::size_t kChannel = 0;

// Sensors of the channel's directions, as device.hpp names them.
const std::pair<std::string, int> kChannelSensors[] = {{"rx:", SOAPY_SDR_RX}, {"tx:", SOAPY_SDR_TX}};

// make, unmake and enumerate are not safe against each other in every vendor's module.
std::mutex& factory_mutex() {
  static std::mutex mutex;
  return mutex;
}

Range to_range(const SoapySDR::Range& range) {
  return {range.minimum(), range.maximum(), range.step()};
}

std::vector<Range> to_ranges(const SoapySDR::RangeList& list) {
  std::vector<Range> ranges;
  for (const SoapySDR::Range& range : list)
    ranges.push_back(to_range(range));
  return ranges;
}

ChannelCapabilities read_channel(SoapySDR::Device& soapy, int direction) {
  ChannelCapabilities channel;
  channel.channels = soapy.getNumChannels(direction);
  if (channel.channels == 0)
    return channel;
  channel.full_duplex = soapy.getFullDuplex(direction, kChannel);
  channel.antennas = soapy.listAntennas(direction, kChannel);
  channel.gain_range_db = to_range(soapy.getGainRange(direction, kChannel));
  for (const std::string& name : soapy.listGains(direction, kChannel))
    channel.gain_elements.push_back({name, to_range(soapy.getGainRange(direction, kChannel, name))});
  channel.frequency_ranges_hz = to_ranges(soapy.getFrequencyRange(direction, kChannel));
  channel.sample_rate_ranges_hz = to_ranges(soapy.getSampleRateRange(direction, kChannel));
  channel.bandwidth_ranges_hz = to_ranges(soapy.getBandwidthRange(direction, kChannel));
  channel.formats = soapy.getStreamFormats(direction, kChannel);
  channel.native_format = soapy.getNativeStreamFormat(direction, kChannel, channel.native_full_scale);
  return channel;
}

// Serials compare without case and without the leading zeros that HackRF tools add or drop.
std::string comparable_serial(const std::string& serial) {
  std::string text;
  for (const char character : serial)
    text.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(character))));
  const std::size_t first = text.find_first_not_of('0');
  return first == std::string::npos ? text : text.substr(first);
}

// Vendors name it differently: "serial" (twin, HackRF), "mboard_serial" (UHD).
std::string serial_in(const Arguments& information) {
  for (const char* key : {"serial", "mboard_serial", "mb0_serial", "Serial"}) {
    const auto found = information.find(key);
    if (found != information.end())
      return found->second;
  }
  return {};
}

std::string describe(const Arguments& arguments) {
  std::string text;
  for (const auto& entry : arguments)
    text += (text.empty() ? "" : ",") + entry.first + "=" + entry.second;
  return text;
}

} // namespace

void add_plugin_folder(const std::string& folder) {
  std::lock_guard<std::mutex> lock(factory_mutex());
  const char* present = std::getenv("SOAPY_SDR_PLUGIN_PATH");
  const std::string paths = present == nullptr ? "" : present;
  if ((":" + paths + ":").find(":" + folder + ":") != std::string::npos)
    return;
  const std::string extended = paths.empty() ? folder : folder + ":" + paths;
  ::setenv("SOAPY_SDR_PLUGIN_PATH", extended.c_str(), 1);
}

std::vector<Arguments> enumerate(const std::string& driver) {
  if (driver.empty())
    throw RadioError(ErrorCode::out_of_range,
                     "driver: must be named; radios are never searched for over all drivers");
  capture_log();
  std::lock_guard<std::mutex> lock(factory_mutex());
  return soapy_call("enumerate driver=" + driver, [&] {
    SoapySDR::Kwargs filter;
    filter["driver"] = driver;
    std::vector<Arguments> found;
    for (const SoapySDR::Kwargs& entry : SoapySDR::Device::enumerate(filter))
      found.push_back(entry);
    return found;
  });
}

std::map<std::string, std::string> soapy_versions() {
  return {{"library", SoapySDR::getLibVersion()},
          {"api", SoapySDR::getAPIVersion()},
          {"abi", SoapySDR::getABIVersion()}};
}

bool driver_may_transmit(const std::string& driver) {
  return driver == "twin";
}

std::shared_ptr<Device> Device::open(const Arguments& arguments, std::shared_ptr<Watchdog> watchdog) {
  const auto driver = arguments.find("driver");
  if (driver == arguments.end() || driver->second.empty())
    throw RadioError(ErrorCode::out_of_range, "driver: must be named");
  capture_log();
  std::shared_ptr<Device> device(new Device);
  device->watchdog_ = std::move(watchdog);
  {
    std::lock_guard<std::mutex> lock(factory_mutex());
    try {
      device->soapy_ = SoapySDR::Device::make(arguments);
    } catch (const std::exception& error) {
      throw RadioError(ErrorCode::not_found, "no radio for " + describe(arguments) + ": " + error.what());
    }
    if (device->soapy_ == nullptr)
      throw RadioError(ErrorCode::not_found, "no radio for " + describe(arguments));
  }
  // From here on ~Device unmakes.
  device->read_description(arguments);
  device->trip_listener_ = device->watchdog_->on_trip([raw = device.get()](const std::string&) {
    raw->post([raw] {
      try {
        raw->silence();
      } catch (const std::exception&) {
        // The streams are stopped all the same; a radio that does not answer is the supervisor's affair.
      }
    });
  });
  const auto asked = arguments.find("serial");
  if (asked != arguments.end() && comparable_serial(asked->second) != comparable_serial(device->serial_))
    throw RadioError(ErrorCode::wrong_device,
                     "serial: asked for " + asked->second + ", opened " +
                         (device->serial_.empty() ? "a radio without one" : device->serial_));
  return device;
}

void Device::read_description(const Arguments& arguments) {
  soapy_call("describe " + describe(arguments), [&] {
    hardware_ = soapy_->getHardwareKey();
    information_ = soapy_->getHardwareInfo();
    serial_ = serial_in(information_);
    // What the caller asked for and what the opened device says of itself must both be allowed to transmit.
    driver_ = arguments.at("driver");
    may_transmit_ = driver_may_transmit(driver_) && driver_may_transmit(soapy_->getDriverKey());
    capabilities_.rx = read_channel(*soapy_, SOAPY_SDR_RX);
    capabilities_.tx = read_channel(*soapy_, SOAPY_SDR_TX);
    capabilities_.hardware_time = soapy_->hasHardwareTime();
    capabilities_.clock_sources = soapy_->listClockSources();
    capabilities_.time_sources = soapy_->listTimeSources();
    capabilities_.sensors = soapy_->listSensors();
    for (const auto& [prefix, direction] : kChannelSensors)
      if (soapy_->getNumChannels(direction) > 0)
        for (const std::string& name : soapy_->listSensors(direction, kChannel))
          capabilities_.sensors.push_back(prefix + name);
  });
}

Device::~Device() {
  close();
}

void Device::require_transmit_permission() const {
  if (!may_transmit_)
    throw RadioError(ErrorCode::transmit_refused,
                     "transmitting with driver " + driver_ +
                         " is refused until the safety layer lands; only driver twin may");
}

SoapySDR::Device& Device::soapy() const {
  std::lock_guard<std::mutex> lock(soapy_mutex_);
  if (soapy_ == nullptr)
    throw RadioError(ErrorCode::closed, "radio " + serial_ + " is closed");
  return *soapy_;
}

bool Device::closed() const {
  std::lock_guard<std::mutex> lock(soapy_mutex_);
  return soapy_ == nullptr;
}

void Device::adopt(const std::shared_ptr<Stream>& stream) {
  std::lock_guard<std::mutex> lock(streams_mutex_);
  streams_.push_back(stream);
}

void Device::close() {
  watchdog_->forget(trip_listener_);
  // First the jobs that are queued: one of them may be starting a stream.
  control_.finish();
  std::vector<std::weak_ptr<Stream>> streams;
  {
    std::lock_guard<std::mutex> lock(streams_mutex_);
    streams.swap(streams_);
  }
  for (const std::weak_ptr<Stream>& entry : streams)
    if (const std::shared_ptr<Stream> stream = entry.lock())
      stream->stop();
  SoapySDR::Device* soapy = nullptr;
  {
    std::lock_guard<std::mutex> lock(soapy_mutex_);
    std::swap(soapy, soapy_);
  }
  if (soapy == nullptr)
    return;
  std::lock_guard<std::mutex> lock(factory_mutex());
  try {
    SoapySDR::Device::unmake(soapy);
  } catch (const std::exception&) {
    // It is gone either way, and whoever closes can do nothing about it.
  }
}

double Device::set_center_frequency_hz(Direction direction, double frequency_hz) {
  return soapy_call("set center frequency", [&] {
    soapy().setFrequency(soapy_direction(direction), kChannel, frequency_hz);
    return soapy().getFrequency(soapy_direction(direction), kChannel);
  });
}

double Device::center_frequency_hz(Direction direction) {
  return soapy_call("get center frequency",
                    [&] { return soapy().getFrequency(soapy_direction(direction), kChannel); });
}

double Device::set_sample_rate_hz(Direction direction, double rate_hz) {
  return soapy_call("set sample rate", [&] {
    soapy().setSampleRate(soapy_direction(direction), kChannel, rate_hz);
    return soapy().getSampleRate(soapy_direction(direction), kChannel);
  });
}

double Device::sample_rate_hz(Direction direction) {
  return soapy_call("get sample rate",
                    [&] { return soapy().getSampleRate(soapy_direction(direction), kChannel); });
}

double Device::set_bandwidth_hz(Direction direction, double bandwidth_hz) {
  return soapy_call("set bandwidth", [&] {
    soapy().setBandwidth(soapy_direction(direction), kChannel, bandwidth_hz);
    return soapy().getBandwidth(soapy_direction(direction), kChannel);
  });
}

double Device::bandwidth_hz(Direction direction) {
  return soapy_call("get bandwidth",
                    [&] { return soapy().getBandwidth(soapy_direction(direction), kChannel); });
}

double Device::set_gain_db(Direction direction, double gain_db) {
  return soapy_call("set gain", [&] {
    soapy().setGain(soapy_direction(direction), kChannel, gain_db);
    return soapy().getGain(soapy_direction(direction), kChannel);
  });
}

double Device::gain_db(Direction direction) {
  return soapy_call("get gain", [&] { return soapy().getGain(soapy_direction(direction), kChannel); });
}

double Device::set_gain_element_db(Direction direction, const std::string& element, double gain_db) {
  return soapy_call("set gain " + element, [&] {
    soapy().setGain(soapy_direction(direction), kChannel, element, gain_db);
    return soapy().getGain(soapy_direction(direction), kChannel, element);
  });
}

std::string Device::set_antenna(Direction direction, const std::string& antenna) {
  return soapy_call("set antenna", [&] {
    soapy().setAntenna(soapy_direction(direction), kChannel, antenna);
    return soapy().getAntenna(soapy_direction(direction), kChannel);
  });
}

std::string Device::antenna(Direction direction) {
  return soapy_call("get antenna", [&] { return soapy().getAntenna(soapy_direction(direction), kChannel); });
}

std::optional<std::int64_t> Device::hardware_time_ns() {
  if (!capabilities_.hardware_time)
    return std::nullopt;
  return soapy_call("get hardware time",
                    [&] { return static_cast<std::int64_t>(soapy().getHardwareTime()); });
}

std::string Device::read_sensor(const std::string& name) {
  return soapy_call("read sensor " + name, [&] {
    for (const auto& [prefix, direction] : kChannelSensors)
      if (name.rfind(prefix, 0) == 0)
        return soapy().readSensor(direction, kChannel, name.substr(prefix.size()));
    return soapy().readSensor(name);
  });
}

void Device::silence() {
  if (capabilities_.tx.channels == 0)
    return;
  soapy_call("turn transmit gain down", [&] {
    // Every element on its own as well: how an overall gain is distributed differs per driver.
    soapy().setGain(SOAPY_SDR_TX, kChannel, capabilities_.tx.gain_range_db.min);
    for (const GainElement& element : capabilities_.tx.gain_elements)
      soapy().setGain(SOAPY_SDR_TX, kChannel, element.name, element.range_db.min);
  });
}

} // namespace otabench::radio
