// Small benches of radios for the tests, and measurements on samples.
#pragma once

#include "otabench/medium/medium.hpp"

#include <atomic>
#include <chrono>
#include <cmath>
#include <complex>
#include <cstdio>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace air {

using namespace otabench::medium;
constexpr double kPi = 3.14159265358979323846;
constexpr double kRateHz = 5e6;
constexpr double kCarrierHz = 2.45e9;
using Signal = std::vector<Sample>;

/// TWIN-A hears of TWIN-B and TWIN-C, free pace, all at 0 ppm. With the quiet receiver thermal noise is 129
/// dB below full scale at 0 dB gain and 5 MS/s.
inline MediumConfig threeRadios() {
  MediumConfig config;
  config.pace = Pace::Free;
  config.seed = 7;
  for (const char* serial : {"TWIN-A", "TWIN-B", "TWIN-C"}) {
    RadioProfile radio;
    radio.serial = serial;
    radio.noiseFigureDb = 8.0;
    radio.rxFullScaleDbm = 30.0;
    radio.maxOutputPowerDbm = 30.0;
    config.radios.push_back(radio);
  }
  for (const char* from : {"TWIN-B", "TWIN-C"}) {
    PathProfile path;
    path.from = from;
    path.to = "TWIN-A";
    path.pathLossDb = 0.0; // at full TX gain and no RX gain a transmitted sample arrives as it is
    config.paths.push_back(path);
  }
  return config;
}

struct Bench {
  std::shared_ptr<Radio> rx, tx, other;

  explicit Bench(const MediumConfig& config, double rxRateHz = kRateHz, double txRateHz = kRateHz) {
    Medium& medium = Medium::instance();
    medium.configure(config);
    rx = medium.open("TWIN-A");
    tx = medium.open("TWIN-B");
    other = medium.open("TWIN-C");
    for (const auto& radio : {rx, tx, other}) {
      radio->setSampleRateHz(Direction::Rx, rxRateHz);
      radio->setSampleRateHz(Direction::Tx, txRateHz);
      radio->setFrequencyHz(Direction::Rx, kCarrierHz);
      radio->setFrequencyHz(Direction::Tx, kCarrierHz);
      radio->setGainDb(Direction::Tx, 89.75);
      radio->setGainDb(Direction::Rx, 0.0);
    }
    tx->activateTx();
    other->activateTx();
    medium.beginTrial("trial");
  }
};

inline std::int64_t nsOf(std::int64_t sample, double rateHz = kRateHz) {
  return std::llround(static_cast<double>(sample) * 1e9 / rateHz);
}

inline WriteResult sendAt(Radio& radio, std::int64_t sample, const Signal& signal, bool end = true,
                          double rateHz = kRateHz) {
  WriteOptions options;
  options.startNs = nsOf(sample, rateHz);
  options.endOfBurst = end;
  return radio.write(signal.data(), signal.size(), options, 100000);
}

/// Grants time for count samples and reads them, chunk at a time.
inline Signal receive(Radio& radio, std::size_t count, std::size_t chunk = 4096, double rateHz = kRateHz) {
  // A clock may run slow by 100 ppm; a sample more does no harm.
  Medium::instance().grantUntilNs(nsOf(static_cast<std::int64_t>(count) + 1, rateHz) +
                                  nsOf(count, rateHz) / 5000);
  Signal signal(count);
  std::size_t have = 0;
  while (have < count) {
    const ReadResult result = radio.read(signal.data() + have, std::min(chunk, count - have), 0);
    if (result.status != StreamStatus::Ok)
      break;
    have += result.sampleCount;
  }
  signal.resize(have);
  return signal;
}

inline double power(const Signal& signal, std::size_t from, std::size_t to) {
  double sum = 0.0;
  for (std::size_t i = from; i < to; ++i)
    sum += std::norm(std::complex<double>(signal[i]));
  return sum / static_cast<double>(to - from);
}

inline double db(double powerRatio) {
  return 10.0 * std::log10(powerRatio);
}

inline Signal tone(std::size_t count, double cyclesPerSample, double amplitude = 1.0) {
  Signal signal(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double phase = 2.0 * kPi * std::fmod(cyclesPerSample * static_cast<double>(i), 1.0);
    signal[i] = Sample(std::polar(amplitude, phase));
  }
  return signal;
}

/// Pseudo-random samples of mean power `meanPower`, band-limited to +-band of the rate (1: white QPSK-like).
inline Signal randomSignal(std::size_t count, double meanPower, std::uint64_t seed) {
  Signal signal(count);
  std::uint64_t state = seed * 2654435761u + 88172645463325252ULL;
  const auto amplitude = static_cast<float>(std::sqrt(meanPower / 2.0));
  for (Sample& sample : signal) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    sample = {(state & 1) != 0 ? amplitude : -amplitude, (state & 2) != 0 ? amplitude : -amplitude};
  }
  return signal;
}

/// Complex amplitude of a tone in signal[from, to).
inline std::complex<double> correlate(const Signal& signal, double cyclesPerSample, std::size_t from,
                                      std::size_t to) {
  std::complex<double> sum = 0.0;
  for (std::size_t i = from; i < to; ++i)
    sum += std::complex<double>(signal[i]) *
           std::polar(1.0, -2.0 * kPi * std::fmod(cyclesPerSample * static_cast<double>(i), 1.0));
  return sum / static_cast<double>(to - from);
}

/// Frequency of a strong tone near a guess, in cycles per sample, from the phase between two halves.
inline double toneFrequency(const Signal& signal, double guess, std::size_t from, std::size_t to) {
  double frequency = guess;
  for (std::size_t span = 64; span <= to - from; span *= 2) {
    const std::size_t half = span / 2;
    const std::complex<double> a = correlate(signal, frequency, from, from + half);
    const std::complex<double> b = correlate(signal, frequency, from + half, from + span);
    frequency += std::arg(b * std::conj(a)) / (2.0 * kPi * static_cast<double>(half));
  }
  return frequency;
}

/// A thread that announces itself just before a blocking call, so that others can wait until it sleeps in
/// there.
struct Blocked {
  std::atomic<int> thread{0};

  void aboutToBlock() { thread = static_cast<int>(gettid()); }

  void untilAsleep() const {
    char state = 'R';
    while (state != 'S') {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (thread == 0)
        continue;
      const std::string path = "/proc/self/task/" + std::to_string(thread.load()) + "/stat";
      std::FILE* file = std::fopen(path.c_str(), "r");
      if (file == nullptr || std::fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 'R';
      if (file != nullptr)
        std::fclose(file);
    }
  }
};

} // namespace air
