// Oscillators, branches, amplifier, converters, settling and interferers against theory.
#include "air.hpp"
#include "check.hpp"

using namespace air;

namespace {

MediumConfig quiet() {
  MediumConfig config = threeRadios();
  config.paths.pop_back();
  return config;
}

Signal toneThrough(const MediumConfig& config, double cycles, double amplitude, std::size_t count) {
  Bench bench(config);
  bench.rx->activateRx();
  sendAt(*bench.tx, 0, tone(count + 200, cycles, amplitude));
  return receive(*bench.rx, count);
}

} // namespace

TEST("phase noise: the variance grows as 2 pi linewidth t, of both radios together") {
  MediumConfig config = quiet();
  config.radios[0].impairments.phaseNoiseLinewidthHz = 300.0;
  config.radios[1].impairments.phaseNoiseLinewidthHz = 700.0;
  Bench bench(config);
  const std::vector<std::size_t> lags = {1, 5, 40, 300, 2000};
  std::vector<double> variance(lags.size());
  std::vector<double> fromStart(1);
  const int trials = 60;
  for (int trial = 0; trial < trials; ++trial) {
    bench.rx->deactivateRx();
    Medium::instance().beginTrial("phase " + std::to_string(trial));
    bench.rx->activateRx();
    sendAt(*bench.tx, 0, tone(20200, 0.0, 0.9));
    const Signal heard = receive(*bench.rx, 20000);
    for (std::size_t l = 0; l < lags.size(); ++l) {
      double sum = 0.0;
      std::size_t n = 0;
      for (std::size_t i = 100; i + lags[l] < heard.size(); i += 50, ++n) {
        const double turn =
            std::arg(std::complex<double>(heard[i + lags[l]]) * std::conj(std::complex<double>(heard[i])));
        sum += turn * turn;
      }
      variance[l] += sum / static_cast<double>(n) / trials;
    }
    fromStart[0] += std::pow(std::arg(std::complex<double>(heard[100])), 2) / trials;
  }
  for (std::size_t l = 0; l < lags.size(); ++l) {
    const double expected = 2.0 * kPi * 1000.0 * static_cast<double>(lags[l]) / kRateHz;
    CHECK_NEAR(variance[l] / expected, 1.0, l < 3 ? 0.06 : 0.2);
  }
  CHECK_NEAR(fromStart[0] / (2.0 * kPi * 1000.0 * 100.0 / kRateHz), 1.0, 0.6);
}

TEST("phase noise: a loop bounds it inside, a floor is flat: the spectrum is what theory says") {
  constexpr std::size_t kLength = 8192;
  struct Case {
    double linewidthHz, loopHz, floorDbcHz;
  };
  for (const Case& one : {Case{200.0, 20e3, -200.0}, Case{200.0, 20e3, -105.0}, Case{0.0, 0.0, -110.0}}) {
    MediumConfig config = quiet();
    for (const std::size_t radio : {0, 1}) {
      Impairments& impairments = config.radios[radio].impairments;
      impairments.phaseNoiseLinewidthHz = one.linewidthHz;
      impairments.phaseNoiseLoopBandwidthHz = one.loopHz;
      if (one.floorDbcHz > -200.0)
        impairments.phaseNoiseFloorDbcHz = one.floorDbcHz;
    }
    Bench bench(config);
    const std::vector<std::size_t> bins = {6, 33, 100, 410, 1640, 3200}; // 3.7 kHz to 1.95 MHz
    std::vector<double> density(bins.size());
    double variance = 0.0, atStart = 0.0;
    const int trials = 100;
    constexpr std::size_t kSegments = 3, kNeighbours = 5;
    for (int trial = 0; trial < trials; ++trial) {
      bench.rx->deactivateRx();
      Medium::instance().beginTrial("loop " + std::to_string(trial));
      bench.rx->activateRx();
      sendAt(*bench.tx, 0, tone(100 + kSegments * kLength + 200, 0.0, 0.9));
      const Signal heard = receive(*bench.rx, 100 + kSegments * kLength);
      Signal phase(heard.size());
      for (std::size_t i = 0; i < heard.size(); ++i)
        phase[i] = std::arg(heard[i]);
      variance += power(phase, 100, phase.size()) / trials;
      atStart += power(phase, 100, 101) / trials;
      for (std::size_t segment = 0; segment < kSegments; ++segment) {
        Signal windowed(kLength);
        double energy = 0.0;
        for (std::size_t i = 0; i < kLength; ++i) {
          const double w = 0.5 - 0.5 * std::cos(2.0 * kPi * static_cast<double>(i) / kLength);
          energy += w * w;
          windowed[i] = phase[100 + segment * kLength + i] * static_cast<float>(w);
        }
        for (std::size_t b = 0; b < bins.size(); ++b)
          for (std::size_t near = 0; near < kNeighbours; ++near) {
            const double cycles = static_cast<double>(bins[b] + near - kNeighbours / 2) / kLength;
            // correlate is a mean.
            const double sum = std::norm(correlate(windowed, cycles, 0, kLength)) * kLength * kLength;
            density[b] += sum / (energy * kRateHz) / (trials * kSegments * kNeighbours);
          }
      }
    }
    const double floor = one.floorDbcHz > -200.0 ? std::pow(10.0, one.floorDbcHz / 10.0) : 0.0;
    const double steady = one.linewidthHz > 0.0 ? one.linewidthHz / (2.0 * one.loopHz) : 0.0;
    for (std::size_t b = 0; b < bins.size(); ++b) {
      const double hz = static_cast<double>(bins[b]) * kRateHz / kLength;
      // linewidth / (2 pi (f^2 + loop^2)) with what folds back at this rate (an AR(1) spectrum).
      const double decay = std::exp(-2.0 * kPi * one.loopHz / kRateHz);
      const double turn = std::cos(2.0 * kPi * hz / kRateHz);
      const double skirt = one.linewidthHz == 0.0 ? 0.0
                                                  : steady * (1.0 - decay * decay) / kRateHz /
                                                        (1.0 - 2.0 * decay * turn + decay * decay);
      CHECK_NEAR(db(density[b] / (2.0 * (skirt + floor))), 0.0, 0.5);
    }
    CHECK_NEAR(variance / (2.0 * (steady + floor * kRateHz)), 1.0, 0.08);
    CHECK_NEAR(atStart / (2.0 * (steady + floor * kRateHz)), 1.0, 0.7);
  }
}

TEST("phase noise with a loop and a floor: the same bits whatever read sizes do") {
  MediumConfig config = quiet();
  for (const std::size_t radio : {0, 1}) {
    config.radios[radio].impairments.phaseNoiseLinewidthHz = 100.0;
    config.radios[radio].impairments.phaseNoiseLoopBandwidthHz = 1e4;
    config.radios[radio].impairments.phaseNoiseFloorDbcHz = -110.0;
  }
  Bench bench(config);
  std::vector<Signal> heard;
  for (const std::size_t chunk : {65536, 333}) {
    bench.rx->deactivateRx();
    Medium::instance().beginTrial("bits");
    bench.rx->activateRx();
    sendAt(*bench.tx, 77, tone(20000, 0.1, 0.5));
    heard.push_back(receive(*bench.rx, 15000, chunk));
  }
  CHECK(heard[0] == heard[1]);
}

TEST("IQ imbalance leaves the image that theory names, at either end") {
  for (const bool atTransmitter : {true, false}) {
    MediumConfig config = quiet();
    (atTransmitter ? config.radios[1].impairments.txIq : config.radios[0].impairments.rxIq) = {0.5, 3.0};
    const Signal heard = toneThrough(config, 0.125, 0.5, 16000);
    const std::complex<double> turned = std::polar(std::pow(10.0, 0.5 / 20.0), 3.0 * kPi / 180.0);
    const double expectedDb = db(std::norm(1.0 - turned) / std::norm(1.0 + turned));
    const double wanted = std::norm(correlate(heard, 0.125, 800, 16000));
    CHECK_NEAR(db(std::norm(correlate(heard, -0.125, 800, 16000)) / wanted), expectedDb, 0.05);
    CHECK_NEAR(power(heard, 800, 16000), 0.25, 0.25 * 1e-3);
  }
}

TEST("carrier leakage and DC offset stand where they belong") {
  MediumConfig config = quiet();
  config.radios[0].impairments.dcOffsetDbfs = -30.0;
  config.radios[1].impairments.loLeakageDbfs = -35.0;
  Bench bench(config);
  bench.tx->setFrequencyHz(Direction::Tx, kCarrierHz + 0.1 * 0.25 * kRateHz);
  bench.rx->activateRx();
  sendAt(*bench.tx, 4000, tone(20000, 0.2, 0.4));
  const Signal heard = receive(*bench.rx, 20000);
  CHECK_NEAR(db(std::norm(correlate(heard, 0.0, 0, 2000))), -30.0, 0.02);
  CHECK(std::norm(correlate(heard, 0.025, 0, 2000)) < 1e-6); // no leakage where nothing is sent
  CHECK_NEAR(db(std::norm(correlate(heard, 0.0, 6000, 20000))), -30.0, 0.1);
  CHECK_NEAR(db(std::norm(correlate(heard, 0.025, 6000, 20000))), -35.0, 0.1);
}

TEST("the amplifier follows Rapp's curve") {
  for (const double p : {1.0, 2.0, 8.0}) {
    MediumConfig config = quiet();
    config.radios[1].impairments.amplifier = RappAmplifier{p, -3.0};
    const double saturation = std::pow(10.0, -3.0 / 20.0);
    for (const double amplitude : {0.05, 0.3, 0.7, 1.0}) {
      const Signal heard = toneThrough(config, 0.125, amplitude, 4000);
      const double expected = amplitude / std::pow(1.0 + std::pow(amplitude / saturation, 2.0 * p), 0.5 / p);
      CHECK_NEAR(std::abs(correlate(heard, 0.125, 800, 4000)) / expected, 1.0, 1e-3);
    }
  }
}

TEST("converters: the noise floor is 6.02 b + 1.76 dB below a full sine") {
  for (const bool atTransmitter : {true, false}) {
    for (const int bits : {6, 8, 12}) {
      MediumConfig config = quiet();
      (atTransmitter ? config.radios[1].impairments.dacBits : config.radios[0].impairments.adcBits) = bits;
      const double cycles = 0.1234567;
      const Signal heard = toneThrough(config, cycles, 1.0, 64000);
      const std::complex<double> amplitude = correlate(heard, cycles, 800, 64000);
      const double signal = std::norm(amplitude);
      const double rest = power(heard, 800, 64000) - signal;
      CHECK_NEAR(db(signal / rest), 6.02 * bits + 1.76, bits == 6 ? 0.4 : 0.25);
    }
  }
}

TEST("a converter clips at full scale and counts it; nothing sent is nothing") {
  MediumConfig config = quiet();
  config.radios[0].impairments.adcBits = 8;
  Bench bench(config);
  bench.rx->setGainDb(Direction::Rx, 6.0);
  bench.rx->activateRx();
  sendAt(*bench.tx, 2000, tone(4000, 0.125, 1.0));
  const Signal heard = receive(*bench.rx, 5000);
  float greatest = 0.0f;
  for (const Sample& sample : heard)
    greatest = std::max({greatest, std::abs(sample.real()), std::abs(sample.imag())});
  CHECK_EQUAL(greatest, 1.0f);
  CHECK(bench.rx->counters().rxClippedSamples > 1000);
  CHECK_NEAR(power(heard, 0, 1500), 0.0, 1e-12); // thermal noise is far below one step
}

TEST("interferers: power, place, times and who hears them") {
  MediumConfig config = quiet();
  for (RadioProfile& radio : config.radios)
    radio.rxFullScaleDbm = 0.0;
  config.interferers.push_back({kCarrierHz + 0.5e6, -20.0, 0.0, 1e-3, 0.0, 0.0, {"TWIN-A"}});
  config.interferers.push_back({kCarrierHz - 1.0e6, -30.0, 1e6, 2e-3, 1e-3, 3e-3, {}});
  config.interferers.push_back({kCarrierHz + 40e6, 20.0, 1e6, 0.0, 0.0, 0.0, {}}); // far out of band
  Bench bench(config);
  bench.rx->activateRx();
  bench.tx->activateRx();
  const std::size_t count = 40000; // 8 ms
  const Signal heard = receive(*bench.rx, count);
  CHECK(power(heard, 0, 4900) < 1e-9);
  CHECK_NEAR(db(std::norm(correlate(heard, 0.1, 5100, 9900))), -20.0, 0.05);
  CHECK_NEAR(db(power(heard, 5100, 9900)), -20.0, 0.05);
  const double tonePower = 0.01;
  CHECK_NEAR(db(power(heard, 10100, 14900) - tonePower), -30.0, 0.8); // 1,000 independent samples
  CHECK_NEAR(db(power(heard, 15100, 24900)), -20.0, 0.05);
  CHECK_NEAR(db(power(heard, 25100, 29900) - tonePower), -30.0, 0.8);
  // Its place: a quarter of its power each side of its centre, hardly any beyond 0.6 of its band.
  Signal other(count);
  std::size_t have = 0;
  while (have < count)
    have += bench.tx->read(other.data() + have, count - have, 0).sampleCount;
  CHECK(power(other, 5100, 9900) < 1e-9); // TWIN-B does not hear the tone
  CHECK_NEAR(db(power(other, 10100, 14900)), -30.0, 0.8);
  double inside = 0.0;
  double outside = 0.0;
  for (int bin = -250; bin < 250; ++bin) {
    const double cycles = bin / 500.0;
    double sum = 0.0;
    for (std::size_t at = 10100; at + 500 < 14900; at += 500)
      sum += std::norm(correlate(other, cycles, at, at + 500));
    (std::abs(cycles + 0.2) < 0.13 ? inside : outside) += sum;
  }
  CHECK(outside < 0.01 * inside);
}

TEST("settling: garbage first, then an offset that dies away, then the air") {
  MediumConfig config = quiet();
  config.radios[0].settling = {1e-3, 0.5e-3, 1000};
  Bench bench(config);
  bench.rx->activateRx();
  sendAt(*bench.tx, 0, tone(40000, 0.125, 0.5));
  const Signal heard = receive(*bench.rx, 20000);
  CHECK(power(heard, 0, 1000) > 0.1);
  CHECK(std::norm(correlate(heard, 0.125, 0, 5000)) < 1e-3);
  CHECK(power(heard, 1000, 1500) > 10.0 * power(heard, 4500, 5000));
  CHECK_NEAR(power(heard, 5000, 20000), 0.25, 1e-4);
  bench.rx->setFrequencyHz(Direction::Rx, kCarrierHz + 1000.0, nsOf(21000));
  Medium::instance().grantUntilNs(nsOf(31000));
  const Signal after = receive(*bench.rx, 10000);
  CHECK_EQUAL(after.size(), std::size_t{10000});
  CHECK_NEAR(power(after, 0, 990), 0.25, 1e-3);
  CHECK(std::norm(correlate(after, 0.125, 1000, 3500)) < 1e-3);
  CHECK_NEAR(power(after, 3500, 9900), 0.25, 1e-3);
}

TEST("settling: what the trial's start counts as for streams that are active already") {
  struct Case {
    TrialStart start;
    std::int64_t invalid;   // samples of no meaning
    std::int64_t unsettled; // samples until the air is heard
  };
  for (const Case& one : {Case{TrialStart::Settled, 0, 0}, Case{TrialStart::Activated, 1000, 5000},
                          Case{TrialStart::Retuned, 0, 2500}})
    for (const bool transmitter : {false, true}) {
      MediumConfig config = quiet();
      config.radios[transmitter ? 1 : 0].settling = {1e-3, 0.5e-3, 1000, one.start};
      Bench bench(config);
      bench.rx->activateRx();
      for (const char* trial : {"first", "second"}) {
        Medium::instance().beginTrial(trial);
        sendAt(*bench.tx, 0, tone(20000, 0.125, 0.5));
        const Signal heard = receive(*bench.rx, 15000);
        const auto unsettled = static_cast<std::size_t>(one.unsettled);
        CHECK_NEAR(power(heard, unsettled + 100, 15000), 0.25, 1e-3);
        if (unsettled > 0)
          CHECK(std::norm(correlate(heard, 0.125, 0, unsettled - 50)) < 1e-3);
        if (transmitter) // its own stale samples are nobody else's
          CHECK(unsettled == 0 || power(heard, 0, unsettled - 50) < 1e-6);
        else if (one.invalid > 0)
          CHECK(power(heard, 0, 1000) < 0.2 && power(heard, 0, 1000) > 0.14);
        else if (unsettled > 0)
          CHECK_NEAR(power(heard, 0, 50), 0.5, 0.05);
      }
    }
}

TEST("a settling transmitter is silent") {
  MediumConfig config = quiet();
  config.radios[1].settling.activateS = 1e-3;
  Bench bench(config);
  bench.tx->deactivateTx();
  bench.tx->activateTx();
  bench.rx->activateRx();
  sendAt(*bench.tx, 0, tone(20000, 0.125, 0.5));
  const Signal heard = receive(*bench.rx, 15000);
  CHECK(power(heard, 0, 4950) < 1e-6);
  CHECK_NEAR(power(heard, 5050, 15000), 0.25, 1e-4);
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
