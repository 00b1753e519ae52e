// Power, noise, carriers, clocks, taps, bands and clipping against theory.
#include "air.hpp"
#include "check.hpp"

#include <algorithm>

using namespace air;

namespace {

/// A usual budget: 10 dBm at full gain, 60 dB path, 0 dBm full scale at 0 dB gain.
MediumConfig usualRadios() {
  MediumConfig config = threeRadios();
  for (RadioProfile& radio : config.radios) {
    radio.maxOutputPowerDbm = 10.0;
    radio.rxFullScaleDbm = 0.0;
  }
  for (PathProfile& path : config.paths)
    path.pathLossDb = 60.0;
  return config;
}

constexpr double kThermalDbmPerHz = -173.97519; // 10 log10(1.380649e-23 x 290 x 1000)

} // namespace

TEST("received power follows the dBm budget within 0.05 dB") {
  for (const double txGainDb : {89.75, 60.0, 45.25}) {
    for (const double rxGainDb : {0.0, 30.0, 50.0}) {
      Bench bench(usualRadios());
      CHECK_NEAR(bench.tx->setGainDb(Direction::Tx, txGainDb), txGainDb, 1e-9);
      CHECK_NEAR(bench.rx->setGainDb(Direction::Rx, rxGainDb), rxGainDb, 1e-9);
      bench.rx->activateRx();
      sendAt(*bench.tx, 0, tone(100000, 0.11, 0.7));
      const Signal heard = receive(*bench.rx, 100000);
      const double expectedDb = 20.0 * std::log10(0.7) + (10.0 - (89.75 - txGainDb)) - 60.0 + rxGainDb;
      CHECK_NEAR(db(std::norm(correlate(heard, 0.11, 0, 100000))), expectedDb, 0.05);
      const LinkTruth truth = Medium::instance().linkTruth("TWIN-B", "TWIN-A");
      CHECK_NEAR(truth.gainDb + 20.0 * std::log10(0.7), expectedDb, 1e-9);
    }
  }
}

TEST("gains clamp, go in steps and read back") {
  Bench bench(threeRadios());
  CHECK_NEAR(bench.tx->setGainDb(Direction::Tx, 1000.0), 89.75, 1e-12);
  CHECK_NEAR(bench.tx->setGainDb(Direction::Tx, -3.0), 0.0, 1e-12);
  CHECK_NEAR(bench.tx->setGainDb(Direction::Tx, 10.13), 10.25, 1e-12);
  CHECK_NEAR(bench.rx->setGainDb(Direction::Rx, 17.4), 17.0, 1e-12);
  CHECK_NEAR(bench.rx->gainDb(Direction::Rx), 17.0, 1e-12);
  CHECK_NEAR(bench.rx->setFrequencyHz(Direction::Rx, 1.0), 70e6, 1e-12);
  CHECK_NEAR(bench.rx->setSampleRateHz(Direction::Rx, 1e9), 61.44e6, 1e-12);
}

TEST("noise has the power of kTB and noise figure, is white, Gaussian and circular") {
  for (const double rateHz : {5e6, 20e6}) {
    Bench bench(usualRadios(), rateHz, rateHz);
    bench.rx->setGainDb(Direction::Rx, 70.0);
    bench.rx->activateRx();
    const std::size_t count = 1 << 20;
    const Signal noise = receive(*bench.rx, count, 4096, rateHz);
    CHECK_EQUAL(noise.size(), count);
    const double expectedDbfs = kThermalDbmPerHz + 10.0 * std::log10(rateHz) + 8.0 + 70.0;
    CHECK_NEAR(db(power(noise, 0, count)), expectedDbfs, 0.02);
    CHECK_NEAR(Medium::instance().linkTruth("TWIN-B", "TWIN-A").noisePowerDbfs, expectedDbfs, 1e-3);

    const double variance = power(noise, 0, count);
    const double limit = 5.0 / std::sqrt(static_cast<double>(count));
    for (const std::size_t lag : {1, 2, 3, 8, 16, 64, 128, 1023, 1024, 1025, 4096}) {
      std::complex<double> sum = 0.0;
      for (std::size_t i = lag; i < count; ++i)
        sum += std::complex<double>(noise[i]) * std::conj(std::complex<double>(noise[i - lag]));
      CHECK(std::abs(sum) / variance / static_cast<double>(count) < limit);
    }
    std::complex<double> mean = 0.0;
    std::complex<double> squares = 0.0;
    double fourth = 0.0;
    std::size_t beyond3 = 0;
    std::size_t beyond4 = 0;
    for (const Sample& sample : noise) {
      const std::complex<double> z(sample);
      mean += z;
      squares += z * z;
      fourth += std::norm(z) * std::norm(z);
      const double re = std::abs(z.real()) / std::sqrt(variance / 2.0);
      beyond3 += re > 3.0 ? 1 : 0;
      beyond4 += re > 4.0 ? 1 : 0;
    }
    const auto n = static_cast<double>(count);
    CHECK(std::abs(mean) / n / std::sqrt(variance) < limit);
    CHECK(std::abs(squares) / n / variance < limit);
    CHECK_NEAR(fourth / n / (variance * variance), 2.0, 0.03); // complex Gaussian
    CHECK_NEAR(static_cast<double>(beyond3) / n, 2.6998e-3, 3e-4);
    CHECK_NEAR(static_cast<double>(beyond4) / n, 6.334e-5, 4e-5);
  }
}

TEST("carriers: a tone arrives at its frequency plus the difference of the carriers really tuned") {
  MediumConfig config = threeRadios();
  config.radios[0].clockErrorPpm = -7.0;
  config.radios[1].clockErrorPpm = 13.0;
  Bench bench(config);
  bench.tx->setFrequencyHz(Direction::Tx, kCarrierHz + 40e3);
  bench.rx->activateRx();
  sendAt(*bench.tx, 0, tone(200000, 0.05, 0.5));
  const Signal heard = receive(*bench.rx, 180000);
  const LinkTruth truth = Medium::instance().linkTruth("TWIN-B", "TWIN-A");
  const double expectedCfoHz = (kCarrierHz + 40e3) * (1 + 13e-6) - kCarrierHz * (1 - 7e-6);
  CHECK_NEAR(truth.cfoHz, expectedCfoHz, 1e-3);
  CHECK_NEAR(truth.clockOffsetPpm, 20.0, 1e-3);
  // The transmitter's 0.05 of its own rate, shifted, counted by the receiver's clock.
  const double expected = (0.05 * kRateHz * (1 + 13e-6) + expectedCfoHz) / (kRateHz * (1 - 7e-6));
  CHECK_NEAR(toneFrequency(heard, expected + 1e-4, 1000, 170000) * kRateHz, expected * kRateHz, 0.05);
}

TEST("clocks: the waveform drifts by the clock offset, cleanly") {
  for (const double ppm : {0.2, 2.0, -10.0, 40.0, -40.0, 100.0}) {
    MediumConfig config = threeRadios();
    config.radios[1].clockErrorPpm = ppm;
    Bench bench(config);
    // The same true carrier: only the clocks differ.
    bench.tx->setFrequencyHz(Direction::Tx, kCarrierHz / (1 + ppm * 1e-6));
    bench.rx->activateRx();
    const double frequency = 0.37;
    const std::size_t count = 300000;
    sendAt(*bench.tx, 0, tone(count + 1000, frequency, 0.5));
    const Signal heard = receive(*bench.rx, count - 1000);
    // Ideal: the transmitter's tone at its position of sample i, i (1 + ppm).
    double error = 0.0;
    std::size_t compared = 0;
    for (std::size_t i = 1000; i + 1000 < heard.size(); i += 7) {
      const double position = static_cast<double>(i) * (1 + ppm * 1e-6);
      const auto ideal = std::polar(0.5, 2.0 * kPi * std::fmod(frequency * position, 1.0));
      error += std::norm(std::complex<double>(heard[i]) - ideal);
      ++compared;
    }
    CHECK(compared > 30000);
    CHECK(db(error / static_cast<double>(compared) / 0.25) < -60.0);
  }
}

TEST("drift shows in timing: a late burst arrives earlier by the offset") {
  MediumConfig config = threeRadios();
  config.radios[1].clockErrorPpm = 100.0;
  Bench bench(config);
  bench.rx->activateRx();
  bench.tx->setFrequencyHz(Direction::Tx, kCarrierHz / (1 + 100e-6));
  const Signal sent = randomSignal(400, 0.5, 9);
  sendAt(*bench.tx, 1'000'000, sent); // 100 samples early in the receiver's count
  const Signal heard = receive(*bench.rx, 1'001'000, 65536);
  double best = 0.0;
  std::size_t bestAt = 0;
  for (std::size_t at = 999'800; at < 1'000'100; ++at) {
    std::complex<double> sum = 0.0;
    for (std::size_t i = 0; i < sent.size(); ++i)
      sum += std::complex<double>(heard[at + i]) * std::conj(std::complex<double>(sent[i]));
    if (std::abs(sum) > best) {
      best = std::abs(sum);
      bestAt = at;
    }
  }
  CHECK_EQUAL(bestAt, std::size_t{999'900});
}

TEST("taps: several, near and far apart, give the frequency response they stand for") {
  MediumConfig config = threeRadios();
  config.paths[0].taps = {{0.0, 0.0, 0.3},
                          {1.3 / kRateHz, -3.0, 2.0},
                          {5.0 / kRateHz, -9.0, -1.0},
                          {240.6 / kRateHz, -12.0, 0.7}};
  const auto response = [&](double frequency) {
    std::complex<double> sum = 0.0;
    for (const Tap& tap : config.paths[0].taps)
      sum += std::polar(std::pow(10.0, tap.powerDb / 20.0),
                        tap.phaseRad - 2.0 * kPi * frequency * tap.delayS * kRateHz);
    return sum;
  };
  for (const double ppm : {0.0, 25.0}) {
    config.radios[0].clockErrorPpm = ppm;
    config.radios[1].clockErrorPpm = ppm;
    for (const double frequency : {-0.4, -0.21, 0.0, 0.013, 0.33}) {
      Bench bench(config);
      bench.rx->activateRx();
      sendAt(*bench.tx, 0, tone(6000, frequency, 0.2));
      const Signal heard = receive(*bench.rx, 6000);
      const std::complex<double> seen = correlate(heard, frequency, 300, 5300) / 0.2;
      std::complex<double> expected = 0.0;
      for (const Tap& tap : config.paths[0].taps)
        expected +=
            std::polar(std::pow(10.0, tap.powerDb / 20.0),
                       tap.phaseRad - 2.0 * kPi * frequency * tap.delayS * kRateHz * (1 + ppm * 1e-6));
      CHECK(std::abs(seen - expected) < 2e-3);
      if (ppm == 0.0)
        CHECK(std::abs(expected - response(frequency)) < 1e-9);
    }
  }
}

TEST("two transmitters add, a radio does not hear itself unless told so") {
  Bench bench(threeRadios());
  bench.rx->activateRx();
  bench.rx->activateTx();
  sendAt(*bench.tx, 0, tone(4000, 0.1, 0.3));
  sendAt(*bench.other, 0, tone(4000, -0.2, 0.4));
  sendAt(*bench.rx, 0, tone(4000, 0.3, 0.5));
  const Signal heard = receive(*bench.rx, 4000);
  CHECK_NEAR(std::abs(correlate(heard, 0.1, 0, 4000)), 0.3, 1e-4);
  CHECK_NEAR(std::abs(correlate(heard, -0.2, 0, 4000)), 0.4, 1e-4);
  CHECK_NEAR(std::abs(correlate(heard, 0.3, 0, 4000)), 0.0, 1e-4);
  Medium::instance().setPath({"TWIN-A", "TWIN-A", 0.0, {Tap{}}});
  Medium::instance().beginTrial("leaky");
  sendAt(*bench.rx, 0, tone(4000, 0.3, 0.5));
  CHECK_NEAR(std::abs(correlate(receive(*bench.rx, 4000), 0.3, 0, 4000)), 0.5, 1e-4);
}

TEST("a transmitter tuned elsewhere is heard only in the overlap, without aliases") {
  // 2 MHz above: of tones at -1.9, 0 and +1.9 MHz only the lowest falls into +-2.5 MHz, at +0.1 MHz; 0 lands
  // at 2 MHz (edge of the clean band), +1.9 MHz at 3.9 MHz: outside.
  const auto levelDb = [](double shiftHz, double toneHz) {
    Bench bench(threeRadios());
    bench.tx->setFrequencyHz(Direction::Tx, kCarrierHz + shiftHz);
    bench.rx->activateRx();
    sendAt(*bench.tx, 0, tone(20000, toneHz / kRateHz, 0.5));
    const Signal heard = receive(*bench.rx, 20000);
    const double total = db(power(heard, 1000, 19000) / 0.25);
    if (std::abs(toneHz + shiftHz) < 2.0e6) {
      const double there = db(std::norm(correlate(heard, (toneHz + shiftHz) / kRateHz, 1000, 19000)) / 0.25);
      CHECK_NEAR(there, total, 0.01); // and nothing else
    }
    return total;
  };
  CHECK_NEAR(levelDb(2e6, -1.9e6), 0.0, 0.02);
  CHECK_NEAR(levelDb(-2e6, 1.0e6), 0.0, 0.02);
  CHECK(levelDb(2e6, 1.9e6) < -60.0);
  CHECK(levelDb(-2e6, -1.5e6) < -60.0);
  CHECK(levelDb(4.5e6, 0.0) < -60.0);
  CHECK(levelDb(50e6, 0.0) < -100.0);
}

TEST("different sample rates: a tone keeps its frequency and level, images and aliases stay out") {
  struct Case {
    double txRateHz, rxRateHz, toneHz, expectedDb;
  };
  for (const Case& each :
       {Case{5e6, 20e6, 1.7e6, 0.0}, Case{20e6, 5e6, -1.9e6, 0.0}, Case{20e6, 5e6, 4.1e6, -60.0},
        Case{5e6, 7.68e6, 1.9e6, 0.0}, Case{61.44e6, 1e6, 0.35e6, 0.0}, Case{1e6, 5e6, -0.4e6, 0.0},
        Case{61.44e6, 1e6, 3.3e6, -60.0}}) {
    Bench bench(threeRadios(), each.rxRateHz, each.txRateHz);
    bench.rx->activateRx();
    const auto sentCount = static_cast<std::size_t>(each.txRateHz * 4e-3);
    const auto count = static_cast<std::size_t>(each.rxRateHz * 3.5e-3);
    sendAt(*bench.tx, 0, tone(sentCount, each.toneHz / each.txRateHz, 0.5), true, each.txRateHz);
    const Signal heard = receive(*bench.rx, count, 4096, each.rxRateHz);
    CHECK_EQUAL(heard.size(), count);
    const double total = db(power(heard, count / 10, count) / 0.25);
    if (each.expectedDb < -1.0) {
      CHECK(total < each.expectedDb);
      continue;
    }
    const std::complex<double> seen = correlate(heard, each.toneHz / each.rxRateHz, count / 10, count) / 0.5;
    CHECK_NEAR(db(std::norm(seen)), 0.0, 0.02);
    CHECK(std::abs(std::arg(seen)) < 2e-3); // and its phase: no delay from the filters
    double rest = 0.0;
    for (std::size_t i = count / 10; i < count; ++i)
      rest += std::norm(
          std::complex<double>(heard[i]) -
          0.5 * seen * std::polar(1.0, 2.0 * kPi * each.toneHz / each.rxRateHz * static_cast<double>(i)));
    CHECK(db(rest / static_cast<double>(count) / 0.25) < -58.0);
  }
}

TEST("bandwidth filters the signal") {
  Bench bench(threeRadios());
  CHECK_NEAR(bench.rx->setBandwidthHz(Direction::Rx, 2e6), 2e6, 1e-9);
  bench.rx->activateRx();
  Signal sent = tone(8000, 0.1, 0.3); // 0.5 MHz
  const Signal high = tone(8000, 0.38, 0.3);
  std::transform(sent.begin(), sent.end(), high.begin(), sent.begin(),
                 [](Sample a, Sample b) { return a + b; });
  sendAt(*bench.tx, 0, sent);
  const Signal heard = receive(*bench.rx, 8000);
  CHECK_NEAR(std::abs(correlate(heard, 0.1, 500, 7500)), 0.3, 1e-3);
  CHECK(std::abs(correlate(heard, 0.38, 500, 7500)) < 3e-4);
}

TEST("converters clip at full scale, and what they clipped is counted") {
  Bench bench(threeRadios());
  bench.rx->setGainDb(Direction::Rx, 10.0);
  bench.rx->activateRx();
  Signal sent(1000, Sample(0.5f, -0.1f));
  sent[7] = Sample(1.5f, 0.0f);
  sent[8] = Sample(NAN, 0.2f);
  sendAt(*bench.tx, 0, sent);
  const Signal heard = receive(*bench.rx, 1000);
  CHECK_EQUAL(bench.tx->counters().txClippedSamples, std::uint64_t{2});
  CHECK_EQUAL(bench.rx->counters().rxClippedSamples, std::uint64_t{999});
  CHECK_NEAR(heard[0].real(), 1.0, 1e-6);
  CHECK_NEAR(heard[0].imag(), -0.1 * std::sqrt(10.0), 1e-4);
  CHECK_NEAR(heard[8].real(), 0.0, 1e-4);
  const bool inside = std::all_of(heard.begin(), heard.end(), [](Sample s) {
    return std::abs(s.real()) <= 1.0f && std::abs(s.imag()) <= 1.0f;
  });
  CHECK(inside);
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
