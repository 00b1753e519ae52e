// Received samples per second of thread CPU time. One thread writes, grants and reads, so that nothing is
// left out. Prints one line a row, or with --json {"bench", "rows": [{"figure", "value", "unit", "goal",
// "peer", "peerValue", "met"}]}. Any other word: only rows whose name it is in, for profiles.
#include "otabench/medium/medium.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace {

using namespace otabench::medium;

constexpr double kRateHz = 20e6;
constexpr std::size_t kReadSamples = 8192;

double threadSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Scene {
  const char* figure;
  std::size_t transmitters;
  std::size_t taps;
  double clockErrorPpm;
  double goalMsps; ///< 0: none
  bool fades = false;
  bool impaired = false;
};

MediumConfig configOf(const Scene& scene) {
  MediumConfig config;
  config.pace = Pace::Free;
  config.seed = 1;
  for (std::size_t i = 0; i <= scene.transmitters; ++i) {
    RadioProfile radio;
    radio.serial = i == 0 ? "TWIN-RX" : "TWIN-TX" + std::to_string(i);
    radio.clockErrorPpm = i == 0 ? 0.0 : scene.clockErrorPpm * (i % 2 == 0 ? 1.0 : -1.0);
    if (scene.impaired) {
      radio.impairments.phaseNoiseLinewidthHz = 100.0;
      radio.impairments.txIq = radio.impairments.rxIq = {0.2, 1.0};
      radio.impairments.amplifier = RappAmplifier{};
      radio.impairments.dacBits = radio.impairments.adcBits = 12;
    }
    config.radios.push_back(radio);
    if (i == 0)
      continue;
    PathProfile path;
    path.from = radio.serial;
    path.to = "TWIN-RX";
    path.taps.clear();
    for (std::size_t t = 0; t < scene.taps; ++t) { // 16 taps over 0.8 us, between samples
      const auto k = static_cast<double>(t);
      path.taps.push_back({k * 50e-9 * (scene.taps > 1 ? 1.0037 : 1.0), -k, k * 0.7});
    }
    if (scene.fades) {
      path.taps = {Tap{}};
      path.fading.kind = FadingKind::Continuous;
      path.fading.profile = DelayProfile::TdlA;
      path.fading.delaySpreadS = 100e-9;
      path.fading.dopplerHz = 7.0; // 3 km/h at 2.45 GHz
    }
    config.paths.push_back(path);
  }
  return config;
}

/// @return million received samples per second of this thread's CPU time.
double measureMsps(const Scene& scene, double seconds) {
  Medium& medium = Medium::instance();
  medium.configure(configOf(scene));
  const std::shared_ptr<Radio> rx = medium.open("TWIN-RX");
  rx->setSampleRateHz(Direction::Rx, kRateHz);
  rx->setGainDb(Direction::Rx, 40.0);
  std::vector<std::shared_ptr<Radio>> transmitters;
  for (std::size_t i = 1; i <= scene.transmitters; ++i) {
    transmitters.push_back(medium.open("TWIN-TX" + std::to_string(i)));
    transmitters.back()->setSampleRateHz(Direction::Tx, kRateHz);
    transmitters.back()->setGainDb(Direction::Tx, 60.0);
    transmitters.back()->activateTx();
  }
  rx->activateRx();
  medium.beginTrial("bench");
  std::vector<Sample> sent(kReadSamples), heard(kReadSamples);
  for (std::size_t i = 0; i < sent.size(); ++i)
    sent[i] = Sample(0.3f * std::cos(static_cast<float>(i)), 0.3f * std::sin(static_cast<float>(i * i % 97)));
  // What a transmitter keeps for truth is filled first, so that its memory is not counted as it is taken.
  constexpr std::size_t kWarmUp = 5'000'000;
  std::size_t received = 0;
  std::size_t written = 0;
  double begin = threadSeconds();
  double spent = 0.0;
  bool isWarm = false;
  while (!isWarm || (spent = threadSeconds() - begin) < seconds) {
    if (!isWarm && written >= kWarmUp) {
      isWarm = true;
      received = 0;
      begin = threadSeconds();
    }
    for (const auto& transmitter : transmitters)
      transmitter->write(sent.data(), sent.size(), {}, 0);
    written += sent.size();
    medium.grantUntilNs(std::llround(static_cast<double>(written) * 1e9 / kRateHz));
    while (true) {
      const ReadResult result = rx->read(heard.data(), heard.size(), 0);
      if (result.status != StreamStatus::Ok)
        break;
      received += result.sampleCount;
    }
  }
  return static_cast<double>(received) / spent / 1e6;
}

} // namespace

int main(int argc, char** argv) {
  bool json = false;
  const char* wanted = "";
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0)
      json = true;
    else
      wanted = argv[i];
  }
  const Scene scenes[] = {
      {"noise alone", 0, 1, 0.0, 150.0},
      {"1 transmitter, 1 tap, equal clocks", 1, 1, 0.0, 0.0},
      {"1 transmitter, 1 tap, clocks 2 ppm apart", 1, 1, 2.0, 0.0},
      {"2 transmitters, 16 taps, equal clocks", 2, 16, 0.0, 80.0},
      {"2 transmitters, 16 taps, clocks 10 ppm apart", 2, 16, 10.0, 80.0},
      {"3 transmitters, 16 taps, clocks 10 ppm apart", 3, 16, 10.0, 0.0},
      {"2 transmitters, TDL-A 100 ns, 7 Hz, 10 ppm", 2, 1, 10.0, 0.0, true},
      {"1 transmitter, TDL-A 100 ns, 7 Hz", 1, 1, 0.0, 0.0, true},
      {"1 transmitter, 1 tap, all impairments", 1, 1, 0.0, 0.0, false, true},
  };
  std::string rows;
  for (const Scene& scene : scenes) {
    if (std::strstr(scene.figure, wanted) == nullptr)
      continue;
    std::vector<double> runs;
    for (int repeat = 0; repeat < 3; ++repeat)
      runs.push_back(measureMsps(scene, 0.4));
    std::sort(runs.begin(), runs.end());
    const double value = runs[1];
    if (!json)
      std::printf("%-46s %8.1f MS/s per core%s\n", scene.figure, value,
                  scene.goalMsps == 0.0     ? ""
                  : value >= scene.goalMsps ? "  (goal met)"
                                            : "  (goal missed)");
    char row[256];
    std::snprintf(
        row, sizeof row,
        "%s{\"figure\":\"medium: %s\",\"value\":%.1f,\"unit\":\"MS/s per core\",\"goal\":%s,\"peer\":null,"
        "\"peerValue\":null,\"met\":%s}",
        rows.empty() ? "" : ",", scene.figure, value,
        scene.goalMsps == 0.0 ? "null" : std::to_string(scene.goalMsps).c_str(),
        scene.goalMsps == 0.0 ? "null" : (value >= scene.goalMsps ? "true" : "false"));
    rows += row;
  }
  if (json)
    std::printf("{\"bench\":\"medium\",\"rows\":[%s]}\n", rows.c_str());
  return 0;
}
