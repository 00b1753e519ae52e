// Every bad value is refused in one line that names the field, the value and what is allowed.
#include "air.hpp"
#include "check.hpp"

#include <limits>

using namespace air;

namespace {

void refuse(const std::function<void(MediumConfig&)>& spoil, std::vector<std::string> parts) {
  MediumConfig config = threeRadios();
  spoil(config);
  check::throws<std::invalid_argument>([&] { Medium::instance().configure(config); }, parts, __FILE__,
                                       __LINE__);
}

} // namespace

TEST("bad radios are refused") {
  refuse([](MediumConfig& c) { c.radios.clear(); }, {"radios", "0 radios", "1 to 64"});
  refuse([](MediumConfig& c) { c.radios[1].serial = "B210"; }, {"radios[1].serial", "B210", "TWIN-"});
  refuse([](MediumConfig& c) { c.radios[1].serial = "TWIN-"; }, {"radios[1].serial"});
  refuse([](MediumConfig& c) { c.radios[1].serial = "TWIN-a b"; }, {"radios[1].serial", "TWIN-a b"});
  refuse([](MediumConfig& c) { c.radios[1].serial = "TWIN-A"; }, {"radios[1].serial", "TWIN-A", "once"});
  refuse([](MediumConfig& c) { c.radios[0].clockErrorPpm = 100.5; },
         {"radios[0].clockErrorPpm", "100.5", "-100 to 100"});
  refuse([](MediumConfig& c) { c.radios[0].clockErrorPpm = std::nan(""); },
         {"radios[0].clockErrorPpm", "nan"});
  refuse([](MediumConfig& c) { c.radios[2].noiseFigureDb = -1; },
         {"radios[2].noiseFigureDb", "-1", "0 to 60 dB"});
  refuse([](MediumConfig& c) { c.radios[2].maxOutputPowerDbm = 61; }, {"maxOutputPowerDbm", "61", "dBm"});
  refuse([](MediumConfig& c) { c.radios[2].rxFullScaleDbm = -101; }, {"rxFullScaleDbm", "-101", "dBm"});
  refuse([](MediumConfig& c) { c.pace = static_cast<Pace>(5); }, {"pace", "5", "Free or Realtime"});
}

TEST("bad paths are refused") {
  refuse([](MediumConfig& c) { c.paths[0].from = "TWIN-X"; }, {"paths[0].from", "TWIN-X", "TWIN-A"});
  refuse([](MediumConfig& c) { c.paths[0].to = ""; }, {"paths[0].to", "\"\""});
  refuse([](MediumConfig& c) { c.paths[1] = c.paths[0]; }, {"paths[1]", "TWIN-B to TWIN-A", "once"});
  refuse([](MediumConfig& c) { c.paths[0].pathLossDb = 301; },
         {"paths[0].pathLossDb", "301", "-100 to 300 dB"});
  refuse([](MediumConfig& c) { c.paths[0].taps.clear(); }, {"paths[0].taps", "0 taps", "1 to 256"});
  refuse([](MediumConfig& c) { c.paths[0].taps[0].delayS = -1e-9; },
         {"paths[0].taps[0].delayS", "0 to 0.001 s"});
  refuse([](MediumConfig& c) { c.paths[0].taps[0].delayS = 2e-3; }, {"paths[0].taps[0].delayS", "0.002"});
  refuse([](MediumConfig& c) { c.paths[0].taps[0].powerDb = 200; },
         {"paths[0].taps[0].powerDb", "200", "dB"});
  refuse([](MediumConfig& c) { c.paths[0].taps[0].phaseRad = std::numeric_limits<double>::infinity(); },
         {"paths[0].taps[0].phaseRad", "inf", "rad"});
  Medium::instance().configure(threeRadios());
  CHECK_THROWS(std::invalid_argument, Medium::instance().setPath({"TWIN-A", "TWIN-Z", 0.0, {Tap{}}}),
               "path.to", "TWIN-Z");
}

TEST("a refused configuration changes nothing") {
  Medium::instance().configure(threeRadios());
  refuse([](MediumConfig& c) { c.radios.resize(1); }, {"paths[0].from"});
  CHECK_EQUAL(Medium::instance().serials().size(), std::size_t{3});
}

TEST("radios open once, by a known serial, and hold the configuration while open") {
  Medium& medium = Medium::instance();
  medium.configure(threeRadios());
  CHECK_THROWS(std::invalid_argument, medium.open("TWIN-NOBODY"), "TWIN-NOBODY", "TWIN-A");
  auto radio = medium.open("TWIN-A");
  CHECK(medium.isOpen("TWIN-A"));
  CHECK_THROWS(std::runtime_error, medium.open("TWIN-A"), "TWIN-A", "already open");
  CHECK_THROWS(std::logic_error, medium.configure(threeRadios()), "TWIN-A", "open");
  radio.reset();
  CHECK(!medium.isOpen("TWIN-A"));
  radio = medium.open("TWIN-A");
  medium.beginTrial("x");
  radio->close();
  Sample sample;
  radio->activateRx();
  CHECK(radio->read(&sample, 1, 0).status == StreamStatus::Closed);
  CHECK(radio->write(&sample, 1, {}, 0).status == StreamStatus::Closed);
  auto again = medium.open("TWIN-A"); // the closed handle must not disturb the new one
  again->activateRx();
  radio->deactivateRx();
  radio.reset();
  CHECK(again->rxActive());
}

TEST("the default bench has the four twins, and OTABENCH_TWINS names others") {
  unsetenv("OTABENCH_TWINS");
  MediumConfig config = defaultConfig();
  CHECK(config.pace == Pace::Realtime);
  CHECK_EQUAL(config.radios.size(), std::size_t{4});
  CHECK(config.radios[0].serial == "TWIN-BASE" && config.radios[3].serial == "TWIN-AUDIO");
  CHECK_EQUAL(config.paths.size(), std::size_t{12});
  setenv("OTABENCH_TWINS", "TWIN-ONE,TWIN-TWO", 1);
  config = defaultConfig();
  CHECK_EQUAL(config.radios.size(), std::size_t{2});
  CHECK_EQUAL(config.paths.size(), std::size_t{2});
  setenv("OTABENCH_TWINS", "TWIN-ONE,usrp", 1);
  CHECK_THROWS(std::invalid_argument, defaultConfig(), "OTABENCH_TWINS", "usrp");
  unsetenv("OTABENCH_TWINS");
}

TEST("impairments, fading, settling and interferers outside their ranges are refused by name") {
  const auto refuse = [](const std::function<void(MediumConfig&)>& spoil) {
    MediumConfig config = threeRadios();
    spoil(config);
    Medium::instance().configure(config);
  };
  const auto radio = [&](const std::function<void(RadioProfile&)>& spoil) {
    refuse([&](MediumConfig& config) { spoil(config.radios[1]); });
  };
  const auto fading = [&](const std::function<void(PathProfile&)>& spoil) {
    refuse([&](MediumConfig& config) { spoil(config.paths[0]); });
  };
  const auto interferer = [&](const std::function<void(Interferer&)>& spoil) {
    refuse([&](MediumConfig& config) {
      config.interferers.push_back({2.45e9, -60.0, 0.0, 0.0, 0.0, 0.0, {}});
      spoil(config.interferers[0]);
    });
  };
  CHECK_THROWS(std::invalid_argument, radio([](RadioProfile& r) { r.impairments.dacBits = 1; }),
               "radios[1].impairments.dacBits", "1", "2 to 16");
  CHECK_THROWS(std::invalid_argument, radio([](RadioProfile& r) { r.impairments.adcBits = 17; }), "adcBits",
               "17");
  CHECK_THROWS(std::invalid_argument, radio([](RadioProfile& r) { r.impairments.rxIq.gainDb = 7.0; }),
               "rxIq.gainDb", "7", "-6 to 6 dB");
  CHECK_THROWS(std::invalid_argument, radio([](RadioProfile& r) { r.impairments.txIq.phaseDeg = 31.0; }),
               "txIq.phaseDeg", "31");
  CHECK_THROWS(std::invalid_argument,
               radio([](RadioProfile& r) { r.impairments.phaseNoiseLinewidthHz = -1.0; }),
               "phaseNoiseLinewidthHz", "-1");
  CHECK_THROWS(std::invalid_argument,
               radio([](RadioProfile& r) { r.impairments.phaseNoiseLoopBandwidthHz = 9.0; }),
               "phaseNoiseLoopBandwidthHz", "9", "10 to 1000000 Hz");
  CHECK_THROWS(std::invalid_argument,
               radio([](RadioProfile& r) { r.impairments.phaseNoiseFloorDbcHz = -59.0; }),
               "phaseNoiseFloorDbcHz", "-59", "-200 to -60 dBc/Hz");
  CHECK_THROWS(std::invalid_argument, radio([](RadioProfile& r) { r.impairments.loLeakageDbfs = 1.0; }),
               "loLeakageDbfs");
  CHECK_THROWS(std::invalid_argument,
               radio([](RadioProfile& r) { r.impairments.dcOffsetDbfs = std::nan(""); }), "dcOffsetDbfs",
               "nan");
  CHECK_THROWS(std::invalid_argument, radio([](RadioProfile& r) {
                 r.impairments.amplifier = RappAmplifier{0.0, 0.0};
               }),
               "amplifier.smoothness", "0.5 to 20");
  CHECK_THROWS(std::invalid_argument, radio([](RadioProfile& r) { r.settling.retuneS = 2.0; }),
               "settling.retuneS");
  CHECK_THROWS(std::invalid_argument, radio([](RadioProfile& r) { r.settling.invalidRxSamples = -1; }),
               "invalidRxSamples");
  CHECK_THROWS(std::invalid_argument, fading([](PathProfile& p) { p.fading.profile = DelayProfile::TdlA; }),
               "paths[0].fading.profile", "Taps");
  CHECK_THROWS(std::invalid_argument, fading([](PathProfile& p) { p.fading.dopplerHz = 2001.0; }),
               "dopplerHz", "2001");
  CHECK_THROWS(std::invalid_argument, fading([](PathProfile& p) {
                 p.fading.kind = FadingKind::Block;
                 p.fading.profile = DelayProfile::TdlB;
                 p.fading.ricianKDb = 3.0;
               }),
               "ricianKDb", "TDL-A to TDL-C");
  CHECK_THROWS(std::invalid_argument, fading([](PathProfile& p) {
                 p.fading.kind = FadingKind::Block;
                 p.fading.profile = DelayProfile::TdlE;
                 p.fading.delaySpreadS = 40e-6;
                 p.taps[0].delayS = 0.5e-3;
               }),
               "delaySpreadS", "0.001 s");
  CHECK_THROWS(std::invalid_argument, interferer([](Interferer& i) { i.bandwidthHz = 1.0; }),
               "interferers[0].bandwidthHz", "200000");
  CHECK_THROWS(std::invalid_argument, interferer([](Interferer& i) { i.periodS = 1.0; }), "periodS", "onS");
  CHECK_THROWS(std::invalid_argument, interferer([](Interferer& i) { i.serials = {"TWIN-Q"}; }), "serials",
               "TWIN-Q");
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
