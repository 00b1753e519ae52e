// driver=twin through the public SoapySDR API: identity and settings.
#include "twin_bench.hpp"

#include <SoapySDR/Modules.hpp>

#include <algorithm>

using namespace twinbench;
using air::Medium;

TEST("the module is found, has a version, and enumerates the medium's radios") {
  Medium::instance().configure(air::threeRadios());
  const auto found = SoapySDR::Device::enumerate("driver=twin");
  CHECK_EQUAL(found.size(), std::size_t{3});
  CHECK(found.size() == 3 && found[1].at("serial") == "TWIN-B" && found[1].at("driver") == "twin");
  CHECK_EQUAL(SoapySDR::Device::enumerate("driver=twin,serial=TWIN-C").size(), std::size_t{1});
  CHECK_EQUAL(SoapySDR::Device::enumerate("driver=twin,serial=TWIN-D").size(), std::size_t{0});
  std::string version;
  for (const std::string& path : SoapySDR::listModules())
    if (path.find("libtwinSupport.so") != std::string::npos)
      version = SoapySDR::getModuleVersion(path);
  CHECK(version == "0.1.0");
}

TEST("unknown serials and a second opening are refused in one line; the same arguments share one device") {
  Medium::instance().configure(air::threeRadios());
  CHECK_THROWS(std::exception, make("TWIN-NOBODY"), "TWIN-NOBODY", "TWIN-A");
  SoapySDR::Device* first = make("TWIN-A");
  CHECK(make("TWIN-A") == first); // SoapySDR counts references
  const auto other = Medium::instance().isOpen("TWIN-A");
  CHECK(other);
  CHECK_THROWS(std::exception, Medium::instance().open("TWIN-A"), "already open");
  SoapySDR::Device::unmake(first);
  CHECK(Medium::instance().isOpen("TWIN-A"));
  SoapySDR::Device::unmake(first);
  CHECK(!Medium::instance().isOpen("TWIN-A"));
}

TEST("identity") {
  Pair pair(air::threeRadios());
  CHECK(pair.rx->getDriverKey() == "twin");
  CHECK(!pair.rx->getHardwareKey().empty());
  CHECK(pair.rx->getHardwareInfo().at("serial") == "TWIN-A");
  CHECK(pair.rx->getHardwareInfo().at("simulated") == "true");
  CHECK_EQUAL(pair.rx->getNumChannels(SOAPY_SDR_RX), std::size_t{1});
  CHECK_EQUAL(pair.rx->getNumChannels(SOAPY_SDR_TX), std::size_t{1});
  CHECK(pair.rx->getFullDuplex(SOAPY_SDR_RX, 0));
  CHECK(!pair.rx->getChannelInfo(SOAPY_SDR_RX, 0).empty());
  CHECK_THROWS(std::exception, pair.rx->getChannelInfo(SOAPY_SDR_RX, 1), "channel", "1");
  CHECK(pair.rx->getFrontendMapping(SOAPY_SDR_RX) == "A:A");
  CHECK_THROWS(std::exception, pair.rx->setFrontendMapping(SOAPY_SDR_RX, "B:B"), "B:B", "A:A");
  double fullScale = 0.0;
  CHECK(pair.rx->getNativeStreamFormat(SOAPY_SDR_RX, 0, fullScale) == SOAPY_SDR_CF32);
  CHECK_NEAR(fullScale, 1.0, 0.0);
  CHECK_EQUAL(pair.rx->getStreamFormats(SOAPY_SDR_TX, 0).size(), std::size_t{3});
  CHECK_EQUAL(pair.rx->getStreamArgsInfo(SOAPY_SDR_TX, 0).size(), std::size_t{1});
}

TEST("gains: elements, ranges and steps, clamped and read back") {
  Pair pair(air::threeRadios());
  CHECK(pair.tx->listGains(SOAPY_SDR_TX, 0) == std::vector<std::string>{"PGA"});
  const SoapySDR::Range tx = pair.tx->getGainRange(SOAPY_SDR_TX, 0, "PGA");
  CHECK_NEAR(tx.maximum(), 89.75, 0.0);
  CHECK_NEAR(tx.step(), 0.25, 0.0);
  const SoapySDR::Range rx = pair.tx->getGainRange(SOAPY_SDR_RX, 0);
  CHECK_NEAR(rx.maximum(), 76.0, 0.0);
  CHECK_NEAR(rx.step(), 1.0, 0.0);
  pair.tx->setGain(SOAPY_SDR_TX, 0, "PGA", 33.37);
  CHECK_NEAR(pair.tx->getGain(SOAPY_SDR_TX, 0), 33.25, 1e-9);
  pair.tx->setGain(SOAPY_SDR_TX, 0, 200.0);
  CHECK_NEAR(pair.tx->getGain(SOAPY_SDR_TX, 0, "PGA"), 89.75, 1e-9);
  pair.tx->setGain(SOAPY_SDR_RX, 0, 17.4);
  CHECK_NEAR(pair.tx->getGain(SOAPY_SDR_RX, 0), 17.0, 1e-9);
  CHECK_THROWS(std::exception, pair.tx->setGain(SOAPY_SDR_TX, 0, "LNA", 1.0), "LNA", "PGA");
  CHECK(!pair.tx->hasGainMode(SOAPY_SDR_RX, 0));
}

TEST("tuning: RF and BB components, offset, ranges") {
  Pair pair(air::threeRadios());
  SoapySDR::Device* device = pair.rx;
  device->setFrequency(SOAPY_SDR_RX, 0, 2.4e9);
  CHECK_NEAR(device->getFrequency(SOAPY_SDR_RX, 0), 2.4e9, 0.0);
  CHECK_NEAR(device->getFrequency(SOAPY_SDR_RX, 0, "RF"), 2.4e9, 0.0);
  device->setFrequency(SOAPY_SDR_RX, 0, 2.4e9, {{"OFFSET", "1e6"}});
  CHECK_NEAR(device->getFrequency(SOAPY_SDR_RX, 0), 2.4e9, 1e-3);
  CHECK_NEAR(device->getFrequency(SOAPY_SDR_RX, 0, "RF"), 2.401e9, 0.0);
  CHECK_NEAR(device->getFrequency(SOAPY_SDR_RX, 0, "BB"), -1e6, 1e-3);
  device->setFrequency(SOAPY_SDR_RX, 0, "BB", 0.5e6);
  CHECK_NEAR(device->getFrequency(SOAPY_SDR_RX, 0), 2.4015e9, 1e-3);
  device->setFrequency(SOAPY_SDR_RX, 0, "BB", 50e6); // beyond half the rate
  CHECK_NEAR(device->getFrequency(SOAPY_SDR_RX, 0, "BB"), 2.5e6, 1e-3);
  device->setFrequency(SOAPY_SDR_RX, 0, 1e6);
  CHECK_NEAR(device->getFrequency(SOAPY_SDR_RX, 0), 70e6, 0.0);
  device->setFrequency(SOAPY_SDR_TX, 0, 7e9);
  CHECK_NEAR(device->getFrequency(SOAPY_SDR_TX, 0), 6e9, 0.0);
  CHECK_NEAR(device->getFrequencyRange(SOAPY_SDR_TX, 0).front().minimum(), 70e6, 0.0);
  CHECK_NEAR(device->getFrequencyRange(SOAPY_SDR_TX, 0, "BB").front().maximum(), 2.5e6, 0.0);
  CHECK_THROWS(std::exception, device->setFrequency(SOAPY_SDR_RX, 0, "IF", 1.0), "IF", "RF, BB");
  CHECK_THROWS(std::exception, device->setFrequency(SOAPY_SDR_RX, 0, 1e9, {{"OFFSET", "lots"}}), "OFFSET",
               "lots");
}

TEST("rates, bandwidths, antennas, clocks") {
  Pair pair(air::threeRadios());
  SoapySDR::Device* device = pair.rx;
  device->setSampleRate(SOAPY_SDR_RX, 0, 1.0);
  CHECK_NEAR(device->getSampleRate(SOAPY_SDR_RX, 0), 0.2e6, 0.0);
  device->setSampleRate(SOAPY_SDR_RX, 0, 1e9);
  CHECK_NEAR(device->getSampleRate(SOAPY_SDR_RX, 0), 61.44e6, 0.0);
  device->setSampleRate(SOAPY_SDR_RX, 0, 5e6);
  CHECK_NEAR(device->getMasterClockRate(), 40e6, 0.0);
  device->setBandwidth(SOAPY_SDR_RX, 0, 99e6);
  CHECK_NEAR(device->getBandwidth(SOAPY_SDR_RX, 0), 56e6, 0.0);
  CHECK(device->listAntennas(SOAPY_SDR_RX, 0).size() == 2);
  device->setAntenna(SOAPY_SDR_RX, 0, "TX/RX");
  CHECK(device->getAntenna(SOAPY_SDR_RX, 0) == "TX/RX");
  CHECK_THROWS(std::exception, device->setAntenna(SOAPY_SDR_TX, 0, "RX2"), "RX2", "TX/RX");
  CHECK(device->getClockSource() == "internal");
  CHECK_THROWS(std::exception, device->setClockSource("external"), "external", "internal");
  CHECK(device->getTimeSource() == "internal");
}

TEST("sensors and settings have their descriptions; unknown keys and bad values are refused") {
  Pair pair(air::threeRadios());
  SoapySDR::Device* device = pair.rx;
  for (const std::string& key : device->listSensors()) {
    CHECK(device->getSensorInfo(key).key == key);
    CHECK(!device->readSensor(key).empty());
  }
  for (const std::string& key : device->listSensors(SOAPY_SDR_RX, 0))
    CHECK(!device->readSensor(SOAPY_SDR_RX, 0, key).empty());
  CHECK_THROWS(std::exception, device->readSensor("gps_locked"), "gps_locked");
  CHECK(device->readSetting("pace") == "free");
  CHECK_THROWS(std::exception, device->writeSetting("pace", "realtime"), "pace");
  const auto settings = device->getSettingInfo(SOAPY_SDR_TX, 0);
  CHECK(settings.size() == 1 && settings[0].units == "dB" && settings[0].type == SoapySDR::ArgInfo::FLOAT);
  CHECK(settings.size() == 1 && settings[0].range.minimum() == -60.0);
  device->writeSetting(SOAPY_SDR_TX, 0, "digital_gain_db", "-6.5");
  CHECK_NEAR(std::stod(device->readSetting(SOAPY_SDR_TX, 0, "digital_gain_db")), -6.5, 1e-9);
  CHECK_THROWS(std::exception, device->writeSetting(SOAPY_SDR_TX, 0, "digital_gain_db", "3"),
               "digital_gain_db", "3");
  CHECK_THROWS(std::exception, device->writeSetting(SOAPY_SDR_TX, 0, "digital_gain_db", "loud"), "loud");
}

TEST("hardware time: now, PPS and CMD") {
  Pair pair(air::threeRadios());
  Medium& medium = Medium::instance();
  CHECK(pair.rx->hasHardwareTime(""));
  CHECK(pair.rx->hasHardwareTime("PPS"));
  CHECK(pair.rx->hasHardwareTime("CMD"));
  CHECK(!pair.rx->hasHardwareTime("GPS"));
  medium.grantUntilNs(1'500'000'000);
  CHECK_EQUAL(pair.rx->getHardwareTime(), 1'500'000'000LL);
  CHECK_EQUAL(pair.rx->getHardwareTime("PPS"), 1'000'000'000LL);
  pair.rx->setHardwareTime(9'000'000'000, "PPS");
  CHECK_EQUAL(pair.rx->getHardwareTime(), 1'500'000'000LL);
  medium.grantUntilNs(2'250'000'000);
  CHECK_EQUAL(pair.rx->getHardwareTime(), 9'250'000'000LL);
  pair.rx->setHardwareTime(0);
  CHECK_EQUAL(pair.rx->getHardwareTime(), 0LL);
  CHECK_THROWS(std::exception, pair.rx->getHardwareTime("GPS"), "GPS");
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
