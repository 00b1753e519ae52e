// The truth that reports print, against what a receiver with perfect knowledge measures.
#include "air.hpp"
#include "check.hpp"

using namespace air;

namespace {

constexpr std::size_t kFft = 64;
constexpr std::size_t kCp = 16;
constexpr std::size_t kSymbols = 400;

std::vector<int> loadedCarriers() {
  std::vector<int> carriers;
  for (int k = -26; k <= 26; ++k)
    if (k != 0 && k != 7 && k != -7 && k != 21 && k != -21)
      carriers.push_back(k);
  return carriers;
}

/// OFDM symbols with QPSK on the carriers, mean Es per carrier such that the sample power is `meanPower`.
Signal ofdm(const std::vector<int>& carriers, double meanPower, std::vector<std::complex<double>>* values) {
  const Signal bits = randomSignal(kSymbols * carriers.size(), 1.0, 77);
  const double scale =
      std::sqrt(meanPower * static_cast<double>(kFft) / static_cast<double>(carriers.size()));
  Signal signal;
  std::size_t at = 0;
  for (std::size_t s = 0; s < kSymbols; ++s) {
    std::vector<std::complex<double>> time(kFft);
    for (const int carrier : carriers) {
      const std::complex<double> value = scale * std::complex<double>(bits[at++]);
      values->push_back(value);
      for (std::size_t n = 0; n < kFft; ++n)
        time[n] +=
            value * std::polar(1.0 / std::sqrt(static_cast<double>(kFft)),
                               2.0 * kPi * carrier * static_cast<double>(n) / static_cast<double>(kFft));
    }
    for (std::size_t n = 0; n < kCp; ++n)
      signal.push_back(Sample(time[kFft - kCp + n]));
    for (std::size_t n = 0; n < kFft; ++n)
      signal.push_back(Sample(time[n]));
  }
  return signal;
}

std::complex<double> bin(const Sample* symbol, int carrier, double cfoCycles, double startPhaseCycles) {
  std::complex<double> sum = 0.0;
  for (std::size_t n = 0; n < kFft; ++n) {
    const double cycles = -carrier * static_cast<double>(n) / static_cast<double>(kFft) -
                          (startPhaseCycles + cfoCycles * static_cast<double>(n));
    sum += std::complex<double>(symbol[n]) * std::polar(1.0, 2.0 * kPi * cycles);
  }
  return sum / std::sqrt(static_cast<double>(kFft));
}

struct Measured {
  double snrDb;
  BurstTruth truth;
};

/// Sends OFDM, measures Es/N0 with the transmitted values known and the channel fitted over all symbols.
Measured measure(MediumConfig config, double txGainDb) {
  Bench bench(config);
  Medium& medium = Medium::instance();
  bench.tx->setGainDb(Direction::Tx, txGainDb);
  bench.rx->activateRx();
  const std::vector<int> carriers = loadedCarriers();
  std::vector<std::complex<double>> values;
  const Signal sent = ofdm(carriers, 0.05, &values);
  const std::int64_t start = 1000;
  sendAt(*bench.tx, start, sent);
  const Signal heard = receive(*bench.rx, 1000 + sent.size() + 200);
  BurstQuery query;
  query.from = "TWIN-B";
  query.to = "TWIN-A";
  query.payloadStartNs = nsOf(start);
  query.sampleRateHz = kRateHz;
  query.fftSize = kFft;
  query.cpLength = kCp;
  query.symbolCount = kSymbols;
  query.carriers = carriers;
  Measured result{0.0, medium.burstTruth(query)};

  const double cfoCycles = result.truth.cfoHz / kRateHz;
  std::vector<std::complex<double>> received;
  for (std::size_t s = 0; s < kSymbols; ++s) {
    const std::size_t at = static_cast<std::size_t>(start) + s * (kFft + kCp) + kCp;
    for (const int carrier : carriers)
      received.push_back(bin(heard.data() + at, carrier, cfoCycles, cfoCycles * static_cast<double>(at)));
  }
  double signalPower = 0.0;
  double noisePower = 0.0;
  for (std::size_t c = 0; c < carriers.size(); ++c) {
    std::complex<double> cross = 0.0;
    double energy = 0.0;
    for (std::size_t s = 0; s < kSymbols; ++s) {
      const std::size_t i = s * carriers.size() + c;
      cross += received[i] * std::conj(values[i]);
      energy += std::norm(values[i]);
    }
    const std::complex<double> channel = cross / energy;
    double noise = 0.0;
    for (std::size_t s = 0; s < kSymbols; ++s) {
      const std::size_t i = s * carriers.size() + c;
      noise += std::norm(received[i] - channel * values[i]);
    }
    noisePower += noise / (kSymbols - 1);
    // What is fitted holds 1/kSymbols of the noise.
    signalPower += std::norm(channel) * energy / kSymbols - noise / (kSymbols - 1) / kSymbols;
  }
  result.snrDb = db(signalPower / noisePower);
  return result;
}

MediumConfig budget() {
  MediumConfig config = threeRadios();
  for (RadioProfile& radio : config.radios) {
    radio.maxOutputPowerDbm = 10.0;
    radio.rxFullScaleDbm = -40.0;
  }
  for (PathProfile& path : config.paths)
    path.pathLossDb = 60.0;
  return config;
}

} // namespace

TEST("true SNR is what a receiver with perfect knowledge measures, -5 to 35 dB") {
  for (const double txGainDb : {47.5, 60.0, 70.0, 80.0, 87.5}) {
    const Measured result = measure(budget(), txGainDb);
    // Noise of 19,200 carriers: sd of the measured SNR 0.03 to 0.06 dB.
    CHECK_NEAR(result.snrDb, result.truth.trueSnrDb, 0.15);
    const double sampleSnrDb = 10.0 - (89.75 - txGainDb) - 60.0 + db(0.05) - (-173.97519 + db(5e6) + 8.0);
    CHECK_NEAR(result.truth.trueSnrDb, sampleSnrDb + db(64.0 / 48.0), 0.1);
    CHECK_NEAR(result.truth.rxPayloadStartSample, 1000.0, 1e-6);
  }
}

TEST("the same over taps and with carrier offset; per carrier as the channel says") {
  MediumConfig config = budget();
  config.paths[0].taps = {{0.0, 0.0, 0.0}, {2.0 / kRateHz, -3.0, 1.0}, {5.0 / kRateHz, -6.0, -2.0}};
  config.radios[1].clockErrorPpm = 1.0; // 2,450 Hz; drift over the burst: 0.03 samples
  const Measured result = measure(config, 65.0);
  CHECK_NEAR(result.truth.cfoHz, 2450.0, 1e-3);
  CHECK_NEAR(result.snrDb, result.truth.trueSnrDb, 0.2);
  const std::vector<int> carriers = loadedCarriers();
  const double flatDb = measure(budget(), 65.0).truth.trueSnrDb;
  for (const std::size_t c : {std::size_t{0}, std::size_t{10}, std::size_t{30}, std::size_t{47}}) {
    std::complex<double> response = 0.0;
    for (const Tap& tap : config.paths[0].taps)
      response += std::polar(std::pow(10.0, tap.powerDb / 20.0),
                             tap.phaseRad - 2.0 * kPi * carriers[c] / 64.0 * tap.delayS * kRateHz);
    CHECK_NEAR(result.truth.carrierSnrDb[c], flatDb + db(std::norm(response)), 0.02);
  }
}

TEST("a receiver at another rate has the same noise per carrier") {
  Bench bench(budget(), 10e6, kRateHz);
  std::vector<std::complex<double>> values;
  const Signal sent = ofdm(loadedCarriers(), 0.05, &values);
  sendAt(*bench.tx, 500, sent);
  BurstQuery query{"TWIN-B", "TWIN-A", nsOf(500), kRateHz, kFft, kCp, kSymbols, loadedCarriers()};
  const BurstTruth wide = Medium::instance().burstTruth(query);
  bench.rx->setSampleRateHz(Direction::Rx, kRateHz);
  const BurstTruth same = Medium::instance().burstTruth(query);
  CHECK_NEAR(wide.trueSnrDb, same.trueSnrDb, 0.02);
  CHECK_NEAR(wide.noisePowerDbfs - same.noisePowerDbfs, db(2.0), 1e-6);
}

TEST("queries that cannot be answered say why") {
  Bench bench(budget());
  std::vector<std::complex<double>> values;
  const Signal sent = ofdm(loadedCarriers(), 0.05, &values);
  sendAt(*bench.tx, 500, sent);
  const BurstQuery good{"TWIN-B", "TWIN-A", nsOf(500), kRateHz, kFft, kCp, kSymbols, loadedCarriers()};
  const auto query = [&](const std::function<void(BurstQuery&)>& spoil) {
    BurstQuery bad = good;
    spoil(bad);
    Medium::instance().burstTruth(bad);
  };
  CHECK_THROWS(std::invalid_argument, query([](BurstQuery& q) { q.from = "TWIN-Q"; }), "from", "TWIN-Q");
  CHECK_THROWS(std::invalid_argument, query([](BurstQuery& q) { q.to = "TWIN-B"; }), "no path");
  CHECK_THROWS(std::invalid_argument, query([](BurstQuery& q) { q.carriers = {40}; }), "carriers", "40",
               "-32 to 31");
  CHECK_THROWS(std::invalid_argument, query([](BurstQuery& q) { q.symbolCount = 0; }), "symbolCount");
  CHECK_THROWS(std::invalid_argument, query([](BurstQuery& q) { q.sampleRateHz = std::nan(""); }),
               "sampleRateHz");
  CHECK_THROWS(std::runtime_error, query([](BurstQuery& q) { q.payloadStartNs += 1000; }), "not transmitted");
  CHECK_THROWS(std::runtime_error, query([](BurstQuery& q) { q.sampleRateHz = 10e6; }), "not transmitted");
  Medium::instance().burstTruth(good);
  Medium::instance().beginTrial("next");
  CHECK_THROWS(std::runtime_error, Medium::instance().burstTruth(good), "not transmitted");
  CHECK_THROWS(std::invalid_argument, Medium::instance().linkTruth("TWIN-A", "TWIN-B"), "no path");
}

TEST("rounding of the receiver's and the transmitter's converter counts as noise") {
  for (const bool atTransmitter : {true, false}) {
    MediumConfig config = budget();
    (atTransmitter ? config.radios[1].impairments.dacBits : config.radios[0].impairments.adcBits) = 6;
    config.paths[0].taps = {{0.0, 0.0, 0.0}, {2.0 / kRateHz, -3.0, 1.0}};
    const Measured result = measure(config, 87.5);
    const Measured ideal = [&] {
      MediumConfig without = config;
      without.radios[0].impairments = without.radios[1].impairments = {};
      return measure(without, 87.5);
    }();
    CHECK(result.truth.trueSnrDb < ideal.truth.trueSnrDb - 1.0);
    CHECK_NEAR(result.snrDb, result.truth.trueSnrDb, 0.3);
    CHECK_NEAR(ideal.truth.trueSndrDb, ideal.truth.trueSnrDb, 1e-9);
  }
}

TEST("true SNDR: an amplifier's distortion counts, in the SNR it does not") {
  MediumConfig config = budget();
  config.radios[1].impairments.amplifier = RappAmplifier{2.0, -12.0};
  const Measured result = measure(config, 87.5);
  CHECK(result.truth.trueSnrDb > result.truth.trueSndrDb + 10.0);
  // The receiver of this test fits each carrier and finds the rest to be noise.
  CHECK_NEAR(result.snrDb, result.truth.trueSndrDb, 0.2);
}

TEST("parts: they add up to what was read; clean and faded are what theory says") {
  MediumConfig config = budget();
  config.paths[0].taps = {{0.0, 0.0, 0.5}, {2.0 / kRateHz, -3.0, 1.0}};
  config.radios[1].impairments.amplifier = RappAmplifier{2.0, -6.0};
  config.radios[0].impairments.phaseNoiseLinewidthHz = 500.0;
  config.interferers.push_back({kCarrierHz + 1e6, -90.0, 0.0, 0.0, 0.0, 0.0, {}});
  Bench bench(config);
  bench.rx->activateRx();
  const Signal sent = randomSignal(20000, 0.5, 3);
  bench.tx->setGainDb(Direction::Tx, 89.75);
  bench.other->setGainDb(Direction::Tx, 80.0);
  sendAt(*bench.tx, 1000, sent);
  sendAt(*bench.other, 3000, randomSignal(5000, 0.3, 4));
  const Signal heard = receive(*bench.rx, 22000);
  Medium& medium = Medium::instance();
  const ReceivedParts parts = medium.receivedParts({"TWIN-B", "TWIN-A", 500, 10000});
  const double amplitude = std::pow(10.0, medium.linkTruth("TWIN-B", "TWIN-A").gainDb / 20.0);
  double worst = 0.0, worstClean = 0.0, worstFaded = 0.0;
  for (std::size_t i = 0; i < 10000; ++i) {
    CHECK(parts.received[i] == heard[500 + i]);
    worst = std::max(
        worst, static_cast<double>(std::abs(parts.distorted[i] + parts.others[i] + parts.interference[i] +
                                            parts.noise[i] - parts.received[i])));
    if (i < 600)
      continue;
    const std::complex<double> clean = amplitude * std::complex<double>(sent[i - 500]);
    const std::complex<double> echo = amplitude * std::complex<double>(sent[i - 502]);
    worstClean = std::max(worstClean, std::abs(std::complex<double>(parts.clean[i]) - clean));
    worstFaded =
        std::max(worstFaded, std::abs(std::complex<double>(parts.faded[i]) - std::polar(1.0, 0.5) * clean -
                                      std::polar(std::pow(10.0, -3.0 / 20.0), 1.0) * echo));
  }
  CHECK(worst < 1e-5);
  CHECK(worstClean < 1e-5);
  CHECK(worstFaded < 1e-5);
  CHECK(power(parts.distorted, 600, 10000) < power(parts.faded, 600, 10000));
  CHECK_NEAR(db(power(parts.interference, 0, 10000)), -90.0 + 40.0, 0.1);
  CHECK(power(parts.others, 0, 2000) == 0.0 && power(parts.others, 3000, 7000) > 0.0);
  CHECK_THROWS(std::runtime_error, medium.receivedParts({"TWIN-B", "TWIN-A", 20000, 100000}), "past");
  CHECK_THROWS(std::invalid_argument, medium.receivedParts({"TWIN-B", "TWIN-A", 0, 0}), "sampleCount");
}

TEST("samples beyond full scale: clean is what was written, the SNDR knows that they were clipped") {
  Bench bench(budget());
  bench.rx->activateRx();
  std::vector<std::complex<double>> values;
  Signal sent = ofdm(loadedCarriers(), 0.8, &values);
  sendAt(*bench.tx, 500, sent);
  CHECK(bench.tx->counters().txClippedSamples > 100);
  receive(*bench.rx, 40000);
  const BurstQuery query{"TWIN-B", "TWIN-A", nsOf(500), kRateHz, kFft, kCp, kSymbols, loadedCarriers()};
  const BurstTruth truth = Medium::instance().burstTruth(query);
  CHECK(truth.trueSndrDb < truth.trueSnrDb - 3.0);
  const ReceivedParts parts = Medium::instance().receivedParts({"TWIN-B", "TWIN-A", 0, 30000});
  const double amplitude = std::pow(10.0, Medium::instance().linkTruth("TWIN-B", "TWIN-A").gainDb / 20.0);
  double worst = 0.0;
  for (std::size_t i = 500; i < 30000; ++i)
    worst = std::max(worst, std::abs(std::complex<double>(parts.clean[i]) -
                                     amplitude * std::complex<double>(sent[i - 500])));
  CHECK(worst < 1e-5);
}

namespace {

/// Two bursts, the second radio's over a part of the first's.
struct Heard {
  Signal samples;
  BudgetParts parts;
};
Heard hearParts(const MediumConfig& config, double otherGainDb, double meanPower = 0.3) {
  Bench bench(config);
  bench.rx->activateRx();
  bench.other->setGainDb(Direction::Tx, otherGainDb);
  sendAt(*bench.tx, 1000, randomSignal(9000, meanPower, 3));
  if (otherGainDb > 0.0)
    sendAt(*bench.other, 3000, randomSignal(3000, 0.3, 4));
  Heard heard{receive(*bench.rx, 12000, 777), {}};
  heard.parts = Medium::instance().budgetParts({"TWIN-B", "TWIN-A", 500, 10000});
  return heard;
}

double differencePower(const Signal& a, const Signal& b, std::size_t from, std::size_t to) {
  double sum = 0.0;
  for (std::size_t i = from; i < to; ++i)
    sum += std::norm(std::complex<double>(a[i]) - std::complex<double>(b[i]));
  return sum / static_cast<double>(to - from);
}

void checkReceived(const Heard& heard) {
  CHECK(std::equal(heard.parts.received.begin(), heard.parts.received.end(), heard.samples.begin() + 500));
}

} // namespace

TEST("budget parts at ideal radios: received bit for bit, quiet is received, linear is noise-free") {
  MediumConfig config = budget();
  config.radios[1].clockErrorPpm = 2.0;
  config.radios[0].impairments.phaseNoiseLinewidthHz = 300.0; // linear too
  config.radios[1].impairments.phaseNoiseLinewidthHz = 100.0;
  config.paths[0].taps = {{0.0, 0.0, 0.5}, {2.3 / kRateHz, -3.0, 1.0}};
  config.paths[0].fading.kind = FadingKind::Continuous;
  config.paths[0].fading.dopplerHz = 100.0;
  const Heard heard = hearParts(config, 0.0);
  checkReceived(heard);
  CHECK(heard.parts.quiet == heard.parts.received);
  CHECK(heard.parts.linear == heard.parts.noiseFree);
  const double noiseDbfs = Medium::instance().linkTruth("TWIN-B", "TWIN-A").noisePowerDbfs;
  CHECK_NEAR(db(differencePower(heard.parts.quiet, heard.parts.noiseFree, 0, 10000)), noiseDbfs, 0.2);
  CHECK(power(heard.parts.linear, 600, 9000) > 1e-3);
}

TEST("budget parts: interferers and other transmitters are in received alone") {
  MediumConfig config = budget();
  config.interferers.push_back({kCarrierHz + 1e6, -80.0, 0.0, 1e-3, 0.0, 0.0, {}}); // from sample 5000 on
  const Heard heard = hearParts(config, 89.75);
  const Heard alone = hearParts(budget(), 0.0);
  checkReceived(heard);
  CHECK(heard.parts.quiet == alone.parts.received);
  CHECK(heard.parts.noiseFree == alone.parts.noiseFree);
  const auto interference = [&](std::size_t from, std::size_t to) {
    return differencePower(heard.parts.received, heard.parts.quiet, from, to);
  };
  CHECK_EQUAL(interference(0, 2400), 0.0);
  CHECK_NEAR(db(interference(2600, 4400)), 10.0 - 60.0 + 40.0 + db(0.3), 0.1);
  CHECK_NEAR(db(interference(6000, 10000)), -80.0 + 40.0, 0.1);
}

TEST("budget parts: clipping, amplifier, branches, offset and converters are between linear and noise-free") {
  const auto distorted = [](const std::function<void(MediumConfig&)>& spoil, double meanPower) {
    MediumConfig config = budget();
    spoil(config);
    const Heard heard = hearParts(config, 0.0, meanPower);
    const Heard ideal = hearParts(budget(), 0.0, 0.3);
    checkReceived(heard);
    CHECK(heard.parts.quiet == heard.parts.received);
    for (std::size_t i = 600; i < 9000; ++i) // the waveform as written, whatever became of it
      CHECK_NEAR(std::abs(heard.parts.linear[i] -
                          ideal.parts.linear[i] * static_cast<float>(std::sqrt(meanPower / 0.3))),
                 0.0, 1e-6);
    return db(differencePower(heard.parts.noiseFree, heard.parts.linear, 600, 9000) /
              power(heard.parts.linear, 600, 9000));
  };
  // I and Q of +-sqrt(2) clipped to 1: what is lost is (sqrt(2) - 1)^2 of 2.
  CHECK_NEAR(distorted([](MediumConfig&) {}, 4.0), 20.0 * std::log10(1.0 - 1.0 / std::sqrt(2.0)), 0.01);
  CHECK_NEAR(distorted(
                 [](MediumConfig& c) {
                   c.radios[1].impairments.amplifier = RappAmplifier{2.0, 0.0};
                 },
                 0.3),
             20.0 * std::log10(1.0 - std::pow(1.0 + 0.3 * 0.3, -0.25)), 0.05);
  CHECK_NEAR(distorted([](MediumConfig& c) { c.radios[0].impairments.dcOffsetDbfs = -30.0; }, 0.3),
             -30.0 - (10.0 - 60.0 + 40.0 + db(0.3)), 0.3);
  // 5 degrees turn the signal by half of that and leave an image as strong as what the turn takes.
  const double imageDb = 20.0 * std::log10(std::sin(2.5 * kPi / 180.0)) + db(2.0);
  CHECK_NEAR(distorted(
                 [](MediumConfig& c) {
                   c.radios[0].impairments.rxIq = {0.0, 5.0};
                 },
                 0.3),
             imageDb, 0.1);
  CHECK_NEAR(distorted(
                 [](MediumConfig& c) {
                   c.radios[1].impairments.txIq = {0.0, 5.0};
                 },
                 0.3),
             imageDb, 0.1);
  CHECK(distorted([](MediumConfig& c) { c.radios[0].impairments.adcBits = 6; }, 0.3) > -40.0);
}

TEST("budget parts: what is not past or not known says so") {
  Bench bench(budget());
  bench.rx->activateRx();
  receive(*bench.rx, 1000);
  const Medium& medium = Medium::instance();
  CHECK_THROWS(std::runtime_error, medium.budgetParts({"TWIN-B", "TWIN-A", 500, 10000}), "past");
  CHECK_THROWS(std::invalid_argument, medium.budgetParts({"TWIN-Q", "TWIN-A", 0, 100}), "TWIN-Q");
  CHECK_THROWS(std::invalid_argument, medium.budgetParts({"TWIN-B", "TWIN-A", -1, 100}), "firstSample");
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
