// What a twin is and how it is set: identity, antennas, gains, tuning, rates, clocks, sensors, settings.
#include "twin_device.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

namespace otabench::twins {

using medium::Direction;
using medium::limits;
using medium::Medium;

namespace {

Direction toDirection(int direction) {
  return direction == SOAPY_SDR_RX ? Direction::Rx : Direction::Tx;
}

SoapySDR::Range toRange(const medium::Range& range) {
  return SoapySDR::Range(range.minimum, range.maximum, range.step);
}

[[noreturn]] void refuse(const std::string& field, const std::string& value, const std::string& allowed) {
  throw std::invalid_argument("twin: " + field + ": \"" + value + "\" is not allowed; allowed: " + allowed);
}

void requireChannel(size_t channel) {
  if (channel != 0)
    refuse("channel", std::to_string(channel), "0");
}

void requireOneOf(const std::string& field, const std::string& value,
                  const std::vector<std::string>& allowed) {
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end())
    return;
  std::string list;
  for (const std::string& each : allowed)
    list += (list.empty() ? "" : ", ") + each;
  refuse(field, value, list);
}

SoapySDR::ArgInfo info(const std::string& key, SoapySDR::ArgInfo::Type type, const std::string& value,
                       const std::string& name, const std::string& description,
                       const std::string& units = "") {
  SoapySDR::ArgInfo arg;
  arg.key = key;
  arg.type = type;
  arg.value = value;
  arg.name = name;
  arg.description = description;
  arg.units = units;
  return arg;
}

SoapySDR::ArgInfo digitalGainInfo() {
  SoapySDR::ArgInfo arg = info("digital_gain_db", SoapySDR::ArgInfo::FLOAT, "0", "Digital gain",
                               "Scales the samples between host and converter", "dB");
  arg.range = SoapySDR::Range(-60.0, 0.0);
  return arg;
}

double parseNumber(const std::string& field, const std::string& text, double minimum, double maximum) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0' || !(value >= minimum && value <= maximum))
    refuse(field, text, std::to_string(minimum) + " to " + std::to_string(maximum));
  return value;
}

} // namespace

TwinDevice::TwinDevice(const std::string& serial) : radio_(Medium::instance().open(serial)) {
  chain(SOAPY_SDR_TX).antenna = "TX/RX";
  chain(SOAPY_SDR_RX).antenna = "RX2";
  for (const int direction : {SOAPY_SDR_TX, SOAPY_SDR_RX})
    chain(direction).rfHz = radio_->frequencyHz(toDirection(direction));
}

std::string TwinDevice::getDriverKey() const {
  return "twin";
}
std::string TwinDevice::getHardwareKey() const {
  return "otabench twin";
}

SoapySDR::Kwargs TwinDevice::getHardwareInfo() const {
  return {{"serial", radio_->serial()},
          {"simulated", "true"},
          {"modelled_after", "USRP B200"},
          {"origin", "libotamedium, simulated air inside this process"}};
}

void TwinDevice::setFrontendMapping(int, const std::string& mapping) {
  if (!mapping.empty())
    requireOneOf("frontend mapping", mapping, {"A:A"});
}
std::string TwinDevice::getFrontendMapping(int) const {
  return "A:A";
}
size_t TwinDevice::getNumChannels(int direction) const {
  return direction == SOAPY_SDR_RX || direction == SOAPY_SDR_TX ? 1 : 0;
}
SoapySDR::Kwargs TwinDevice::getChannelInfo(int direction, size_t channel) const {
  requireChannel(channel);
  return {{"frontend", "A:A"},
          {"name", direction == SOAPY_SDR_RX ? "FE-RX1" : "FE-TX1"},
          {"serial", radio_->serial()}};
}
bool TwinDevice::getFullDuplex(int, size_t channel) const {
  requireChannel(channel);
  return true;
}

std::vector<std::string> TwinDevice::listAntennas(int direction, size_t) const {
  if (direction == SOAPY_SDR_TX)
    return {"TX/RX"};
  return {"TX/RX", "RX2"};
}
void TwinDevice::setAntenna(int direction, size_t channel, const std::string& name) {
  requireChannel(channel);
  requireOneOf("antenna", name, listAntennas(direction, channel));
  const std::lock_guard<std::mutex> lock(mutex_);
  chain(direction).antenna = name;
}
std::string TwinDevice::getAntenna(int direction, size_t channel) const {
  requireChannel(channel);
  const std::lock_guard<std::mutex> lock(mutex_);
  return chain(direction).antenna;
}

std::optional<std::int64_t> TwinDevice::commandTime() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (commandTimeNs_ == 0)
    return std::nullopt;
  return commandTimeNs_;
}

std::vector<std::string> TwinDevice::listGains(int, size_t) const {
  return {"PGA"};
}
void TwinDevice::setGain(int direction, size_t channel, double value) {
  requireChannel(channel);
  radio_->setGainDb(toDirection(direction), value, commandTime());
}
void TwinDevice::setGain(int direction, size_t channel, const std::string& name, double value) {
  requireOneOf("gain element", name, listGains(direction, channel));
  setGain(direction, channel, value);
}
double TwinDevice::getGain(int direction, size_t channel) const {
  requireChannel(channel);
  return radio_->gainDb(toDirection(direction));
}
double TwinDevice::getGain(int direction, size_t channel, const std::string& name) const {
  requireOneOf("gain element", name, listGains(direction, channel));
  return getGain(direction, channel);
}
SoapySDR::Range TwinDevice::getGainRange(int direction, size_t channel) const {
  requireChannel(channel);
  return toRange(direction == SOAPY_SDR_RX ? limits().rxGainDb : limits().txGainDb);
}
SoapySDR::Range TwinDevice::getGainRange(int direction, size_t channel, const std::string& name) const {
  requireOneOf("gain element", name, listGains(direction, channel));
  return getGainRange(direction, channel);
}

void TwinDevice::tune(int direction, double rfHz, double basebandHz) {
  const medium::Range& range = limits().frequencyHz;
  const double half = 0.5 * radio_->sampleRateHz(toDirection(direction));
  const double rf = std::clamp(rfHz, range.minimum, range.maximum);
  const double baseband = std::clamp(basebandHz, -half, half);
  const double achieved = radio_->setFrequencyHz(toDirection(direction), rf + baseband, commandTime());
  const std::lock_guard<std::mutex> lock(mutex_);
  chain(direction).rfHz = rf;
  chain(direction).basebandHz = achieved - rf;
}

void TwinDevice::setFrequency(int direction, size_t channel, double frequency, const SoapySDR::Kwargs& args) {
  requireChannel(channel);
  const auto number = [&args](const char* key, double otherwise) {
    const auto found = args.find(key);
    return found == args.end() || found->second == "DEFAULT" ? otherwise
                                                             : parseNumber(key, found->second, -1e12, 1e12);
  };
  const auto ignored = [&args](const char* key) {
    const auto found = args.find(key);
    return found != args.end() && found->second == "IGNORE";
  };
  const double oldRf = getFrequency(direction, channel, "RF");
  const double oldBaseband = getFrequency(direction, channel, "BB");
  const medium::Range& range = limits().frequencyHz;
  const double wantedRf = ignored("RF") ? oldRf : number("RF", frequency + number("OFFSET", 0.0));
  const double rf = std::clamp(wantedRf, range.minimum, range.maximum);
  // A request out of range is clamped as a whole: the baseband does not make up for it.
  const double rest = std::clamp(frequency, range.minimum, range.maximum) - rf;
  tune(direction, rf, ignored("BB") ? oldBaseband : number("BB", rest));
}
void TwinDevice::setFrequency(int direction, size_t channel, const std::string& name, double frequency,
                              const SoapySDR::Kwargs&) {
  requireChannel(channel);
  requireOneOf("frequency component", name, listFrequencies(direction, channel));
  if (name == "RF")
    tune(direction, frequency, getFrequency(direction, channel, "BB"));
  else
    tune(direction, getFrequency(direction, channel, "RF"), frequency);
}
double TwinDevice::getFrequency(int direction, size_t channel) const {
  requireChannel(channel);
  return radio_->frequencyHz(toDirection(direction));
}
double TwinDevice::getFrequency(int direction, size_t channel, const std::string& name) const {
  requireChannel(channel);
  requireOneOf("frequency component", name, listFrequencies(direction, channel));
  const std::lock_guard<std::mutex> lock(mutex_);
  return name == "RF" ? chain(direction).rfHz : chain(direction).basebandHz;
}
std::vector<std::string> TwinDevice::listFrequencies(int, size_t) const {
  return {"RF", "BB"};
}
SoapySDR::RangeList TwinDevice::getFrequencyRange(int, size_t channel) const {
  requireChannel(channel);
  return {toRange(limits().frequencyHz)};
}
SoapySDR::RangeList TwinDevice::getFrequencyRange(int direction, size_t channel,
                                                  const std::string& name) const {
  requireOneOf("frequency component", name, listFrequencies(direction, channel));
  if (name == "RF")
    return getFrequencyRange(direction, channel);
  const double half = 0.5 * radio_->sampleRateHz(toDirection(direction));
  return {SoapySDR::Range(-half, half)};
}
SoapySDR::ArgInfoList TwinDevice::getFrequencyArgsInfo(int direction, size_t channel) const {
  const SoapySDR::Range baseband = getFrequencyRange(direction, channel, "BB").front();
  SoapySDR::ArgInfo offset = info("OFFSET", SoapySDR::ArgInfo::FLOAT, "0", "LO offset",
                                  "Moves RF off the wanted frequency; BB makes up for it", "Hz");
  offset.range = baseband;
  SoapySDR::ArgInfo rf = info("RF", SoapySDR::ArgInfo::STRING, "DEFAULT", "RF",
                              "A frequency, or IGNORE to leave RF as it is", "Hz");
  rf.options = {"DEFAULT", "IGNORE"};
  SoapySDR::ArgInfo bb = info("BB", SoapySDR::ArgInfo::STRING, "DEFAULT", "BB",
                              "A frequency, or IGNORE to leave BB as it is", "Hz");
  bb.options = {"DEFAULT", "IGNORE"};
  return {offset, rf, bb};
}

void TwinDevice::setSampleRate(int direction, size_t channel, double rate) {
  requireChannel(channel);
  const double achieved = radio_->setSampleRateHz(toDirection(direction), rate);
  // As automatic master clock selection does: the greatest multiple by a power of two that the chip allows.
  double masterHz = achieved;
  while (2.0 * masterHz <= limits().sampleRateHz.maximum)
    masterHz *= 2.0;
  const std::lock_guard<std::mutex> lock(mutex_);
  masterClockHz_ = masterHz;
}
double TwinDevice::getSampleRate(int direction, size_t channel) const {
  requireChannel(channel);
  return radio_->sampleRateHz(toDirection(direction));
}
std::vector<double> TwinDevice::listSampleRates(int, size_t) const {
  return {0.2e6, 0.25e6, 0.5e6, 1e6,  2e6,     4e6,  5e6,  8e6,
          10e6,  16e6,   20e6,  25e6, 30.72e6, 40e6, 50e6, 61.44e6};
}
SoapySDR::RangeList TwinDevice::getSampleRateRange(int, size_t channel) const {
  requireChannel(channel);
  return {toRange(limits().sampleRateHz)};
}
void TwinDevice::setBandwidth(int direction, size_t channel, double bandwidth) {
  requireChannel(channel);
  radio_->setBandwidthHz(toDirection(direction), bandwidth);
}
double TwinDevice::getBandwidth(int direction, size_t channel) const {
  requireChannel(channel);
  return radio_->bandwidthHz(toDirection(direction));
}
std::vector<double> TwinDevice::listBandwidths(int, size_t) const {
  return {0.2e6, 1e6, 5e6, 10e6, 20e6, 40e6, 56e6};
}
SoapySDR::RangeList TwinDevice::getBandwidthRange(int, size_t channel) const {
  requireChannel(channel);
  return {toRange(limits().bandwidthHz)};
}

void TwinDevice::setMasterClockRate(double rate) {
  const std::lock_guard<std::mutex> lock(mutex_);
  masterClockHz_ = std::clamp(std::isnan(rate) ? 32e6 : rate, 5e6, 61.44e6);
}
double TwinDevice::getMasterClockRate() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return masterClockHz_;
}
SoapySDR::RangeList TwinDevice::getMasterClockRates() const {
  return {SoapySDR::Range(5e6, 61.44e6)};
}

// Only what is simulated: the radio's own oscillator, with its own error.
std::vector<std::string> TwinDevice::listClockSources() const {
  return {"internal"};
}
void TwinDevice::setClockSource(const std::string& source) {
  requireOneOf("clock source", source, listClockSources());
}
std::string TwinDevice::getClockSource() const {
  return "internal";
}
std::vector<std::string> TwinDevice::listTimeSources() const {
  return {"internal"};
}
void TwinDevice::setTimeSource(const std::string& source) {
  requireOneOf("time source", source, listTimeSources());
}
std::string TwinDevice::getTimeSource() const {
  return "internal";
}

bool TwinDevice::hasHardwareTime(const std::string& what) const {
  return what.empty() || what == "PPS" || what == "CMD";
}
long long TwinDevice::getHardwareTime(const std::string& what) const {
  requireOneOf("hardware time", what, {"", "PPS", "CMD"});
  if (what == "PPS")
    return radio_->hardwareTimeAtLastPpsNs();
  if (what == "CMD")
    return commandTime().value_or(0);
  return radio_->hardwareTimeNs();
}
void TwinDevice::setHardwareTime(long long timeNs, const std::string& what) {
  requireOneOf("hardware time", what, {"", "PPS", "CMD"});
  if (what == "CMD")
    setCommandTime(timeNs, "");
  else if (what == "PPS")
    radio_->setHardwareTimeAtNextPpsNs(timeNs);
  else
    radio_->setHardwareTimeNs(timeNs);
}
void TwinDevice::setCommandTime(long long timeNs, const std::string&) {
  const std::lock_guard<std::mutex> lock(mutex_);
  commandTimeNs_ = timeNs;
}

std::vector<std::string> TwinDevice::listSensors() const {
  return {"ref_locked"};
}
SoapySDR::ArgInfo TwinDevice::getSensorInfo(const std::string& key) const {
  requireOneOf("sensor", key, listSensors());
  return info(key, SoapySDR::ArgInfo::BOOL, "true", "Reference locked", "The simulated oscillator always is");
}
std::string TwinDevice::readSensor(const std::string& key) const {
  requireOneOf("sensor", key, listSensors());
  return "true";
}
std::vector<std::string> TwinDevice::listSensors(int, size_t) const {
  return {"lo_locked", "temp"};
}
SoapySDR::ArgInfo TwinDevice::getSensorInfo(int direction, size_t channel, const std::string& key) const {
  requireOneOf("sensor", key, listSensors(direction, channel));
  if (key == "temp")
    return info(key, SoapySDR::ArgInfo::FLOAT, "25.0", "Temperature", "Simulated: constant", "C");
  return info(key, SoapySDR::ArgInfo::BOOL, "true", "LO locked", "The simulated synthesiser always is");
}
std::string TwinDevice::readSensor(int direction, size_t channel, const std::string& key) const {
  return getSensorInfo(direction, channel, key).value;
}

SoapySDR::ArgInfoList TwinDevice::getSettingInfo() const {
  SoapySDR::ArgInfo pace = info(
      "pace", SoapySDR::ArgInfo::STRING, "realtime", "Pace of the medium",
      "Read only here; the process that embeds the medium chooses it: wall clock, or as the readers allow");
  pace.options = {"realtime", "free"};
  return {pace};
}
void TwinDevice::writeSetting(const std::string& key, const std::string& value) {
  if (key == "pace")
    refuse("setting pace", value, "reading it only");
  refuse("setting", key, "pace (read only)");
}
std::string TwinDevice::readSetting(const std::string& key) const {
  requireOneOf("setting", key, {"pace"});
  return Medium::instance().config().pace == medium::Pace::Free ? "free" : "realtime";
}
SoapySDR::ArgInfoList TwinDevice::getSettingInfo(int, size_t channel) const {
  requireChannel(channel);
  return {digitalGainInfo()};
}
void TwinDevice::writeSetting(int direction, size_t channel, const std::string& key,
                              const std::string& value) {
  requireChannel(channel);
  requireOneOf("setting", key, {"digital_gain_db"});
  const double gainDb = parseNumber("setting digital_gain_db", value, -60.0, 0.0);
  const std::lock_guard<std::mutex> lock(mutex_);
  chain(direction).digitalGainDb = gainDb;
}
std::string TwinDevice::readSetting(int direction, size_t channel, const std::string& key) const {
  requireChannel(channel);
  requireOneOf("setting", key, {"digital_gain_db"});
  const std::lock_guard<std::mutex> lock(mutex_);
  return SoapySDR::SettingToString(chain(direction).digitalGainDb);
}

} // namespace otabench::twins
