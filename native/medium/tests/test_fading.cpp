// Fading against theory: envelopes, Doppler, delay profiles; block fading, and what gains may depend on.
#include "air.hpp"
#include "check.hpp"

#include <algorithm>
#include <functional>

using namespace air;

namespace {

constexpr double kSlowRateHz = 0.2e6;

MediumConfig fadingRadios(const Fading& fading) {
  MediumConfig config = threeRadios();
  config.paths.pop_back();
  config.paths[0].fading = fading;
  return config;
}

Fading rayleigh(FadingKind kind, double dopplerHz = 0.0) {
  Fading fading;
  fading.kind = kind;
  fading.dopplerHz = dopplerHz;
  return fading;
}

/// Complex gains of the link's taps at this instant.
std::vector<std::complex<double>> gainsNow() {
  std::vector<std::complex<double>> gains;
  for (const Tap& tap : Medium::instance().linkTruth("TWIN-B", "TWIN-A").taps)
    gains.push_back(std::polar(std::pow(10.0, tap.powerDb / 20.0), tap.phaseRad));
  return gains;
}

/// First tap's gain at the start of each of count trials.
std::vector<std::complex<double>> drawTrials(std::size_t count) {
  std::vector<std::complex<double>> drawn;
  for (std::size_t i = 0; i < count; ++i) {
    Medium::instance().beginTrial("trial " + std::to_string(i));
    drawn.push_back(gainsNow()[0]);
  }
  return drawn;
}

/// Greatest distance between the distribution of the values and a cumulative one.
double kolmogorov(std::vector<double> values, const std::function<double(double)>& cumulative) {
  std::sort(values.begin(), values.end());
  const auto count = static_cast<double>(values.size());
  double greatest = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i)
    greatest = std::max({greatest, std::abs(cumulative(values[i]) - static_cast<double>(i) / count),
                         std::abs(cumulative(values[i]) - static_cast<double>(i + 1) / count)});
  return greatest;
}

/// P(|g|^2 <= x) of a Rice channel of mean power 1: a Poisson mixture of gamma distributions.
double riceCumulative(double x, double k) {
  const double y = (1.0 + k) * x;
  double weight = std::exp(-k);
  double tail = std::exp(-y); // Poisson(y) up to n
  double term = tail;
  double sum = 0.0;
  for (int n = 0; n < 200; ++n) {
    sum += weight * (1.0 - tail);
    weight *= k / (n + 1);
    term *= y / (n + 1);
    tail += term;
  }
  return sum;
}

} // namespace

TEST("block fading: Rayleigh and Rice envelopes over trials") {
  for (const FadingKind kind : {FadingKind::Block, FadingKind::Continuous}) {
    for (const double k : {0.0, 1.0, 5.0}) {
      Fading fading = rayleigh(kind, 10.0);
      if (k > 0.0)
        fading.ricianKDb = db(k);
      Medium::instance().configure(fadingRadios(fading));
      const std::size_t count = 10000;
      std::vector<double> powers;
      std::complex<double> mean = 0.0;
      double power = 0.0;
      for (const std::complex<double>& gain : drawTrials(count)) {
        powers.push_back(std::norm(gain));
        power += std::norm(gain) / static_cast<double>(count);
        mean += gain / static_cast<double>(count);
      }
      CHECK_NEAR(power, 1.0, 0.04);
      CHECK(std::abs(mean) < 0.04); // the line of sight has a random phase
      CHECK(kolmogorov(powers, [k](double x) { return riceCumulative(x, k); }) <
            1.63 / std::sqrt(10000.0) + 0.004);
    }
  }
}

TEST("continuous fading: the autocorrelation is J0(2 pi fD tau), with 0.7 fD of a line of sight") {
  const double dopplerHz = 100.0;
  const double k = 2.0;
  for (const bool sight : {false, true}) {
    Fading fading = rayleigh(FadingKind::Continuous, dopplerHz);
    if (sight)
      fading.ricianKDb = db(k);
    Medium& medium = Medium::instance();
    medium.configure(fadingRadios(fading));
    const std::vector<double> lagsMs = {0.0, 1.0, 2.0, 3.0, 3.827, 5.0, 7.0, 8.786, 12.0};
    std::vector<std::complex<double>> sums(lagsMs.size());
    const std::size_t trials = 4000;
    for (std::size_t i = 0; i < trials; ++i) {
      medium.beginTrial("trial " + std::to_string(i));
      const std::complex<double> first = gainsNow()[0];
      for (std::size_t n = 0; n < lagsMs.size(); ++n) {
        medium.grantUntilNs(std::llround(lagsMs[n] * 1e6));
        sums[n] += gainsNow()[0] * std::conj(first) / static_cast<double>(trials);
      }
    }
    for (std::size_t n = 0; n < lagsMs.size(); ++n) {
      const double tau = lagsMs[n] * 1e-3;
      const double scattered = std::cyl_bessel_j(0.0, 2.0 * kPi * dopplerHz * tau);
      const std::complex<double> expected =
          sight ? scattered / (1.0 + k) + std::polar(k / (1.0 + k), 2.0 * kPi * 0.7 * dopplerHz * tau)
                : scattered;
      CHECK_NEAR(std::abs(sums[n] - expected), 0.0, 0.07);
    }
  }
}

TEST("delay profiles: mean powers, delays and rms spread of TR 38.901") {
  struct Row {
    DelayProfile profile;
    std::size_t taps;
    double lastDelay; ///< over the spread
    double spread;
  };
  for (const Row& row : {Row{DelayProfile::TdlA, 23, 9.6586, 1.0}, Row{DelayProfile::TdlB, 23, 4.7834, 1.0},
                         Row{DelayProfile::TdlC, 24, 8.6523, 1.0}, Row{DelayProfile::TdlD, 13, 12.525, 1.0},
                         Row{DelayProfile::TdlE, 14, 20.6519, 1.0}}) {
    Fading fading = rayleigh(FadingKind::Block);
    fading.profile = row.profile;
    fading.delaySpreadS = 300e-9;
    Medium& medium = Medium::instance();
    medium.configure(fadingRadios(fading));
    const std::size_t trials = 4000;
    std::vector<double> mean(row.taps);
    std::vector<double> delays(row.taps);
    for (std::size_t i = 0; i < trials; ++i) {
      medium.beginTrial("trial " + std::to_string(i));
      const std::vector<Tap> taps = medium.linkTruth("TWIN-B", "TWIN-A").taps;
      CHECK_EQUAL(taps.size(), row.taps);
      for (std::size_t m = 0; m < row.taps; ++m) {
        mean[m] += std::pow(10.0, taps[m].powerDb / 10.0) / static_cast<double>(trials);
        delays[m] = taps[m].delayS / 300e-9;
      }
    }
    double total = 0.0, first = 0.0, second = 0.0;
    for (std::size_t m = 0; m < row.taps; ++m) {
      total += mean[m];
      first += mean[m] * delays[m];
      second += mean[m] * delays[m] * delays[m];
    }
    CHECK_NEAR(total, 1.0, 0.03);
    CHECK_NEAR(std::sqrt(second / total - first * first / total / total), row.spread, 0.06);
    CHECK_NEAR(*std::max_element(delays.begin(), delays.end()), row.lastDelay, 0.02);
  }
}

TEST("TDL-A powers tap by tap; TDL-D with another K factor") {
  Fading fading = rayleigh(FadingKind::Block);
  fading.profile = DelayProfile::TdlA;
  fading.delaySpreadS = 100e-9;
  Medium& medium = Medium::instance();
  medium.configure(fadingRadios(fading));
  const double tableDb[] = {-13.4, 0.0, -2.2, -4.0, -6.0, -8.2, -9.9, -10.5, -7.5, -15.9, -6.6, -16.7};
  const std::size_t trials = 20000;
  std::vector<double> mean(12);
  for (std::size_t i = 0; i < trials; ++i) {
    medium.beginTrial("trial " + std::to_string(i));
    const std::vector<Tap> taps = medium.linkTruth("TWIN-B", "TWIN-A").taps;
    for (std::size_t m = 0; m < mean.size(); ++m)
      mean[m] += std::pow(10.0, taps[m].powerDb / 10.0) / static_cast<double>(trials);
  }
  for (std::size_t m = 0; m < mean.size(); ++m) // sd of a mean 0.03 dB
    CHECK_NEAR(db(mean[m] / mean[1]), tableDb[m], 0.2);

  fading.profile = DelayProfile::TdlD;
  fading.ricianKDb = 6.0;
  medium.configure(fadingRadios(fading));
  double power = 0.0, fourth = 0.0, first = 0.0, second = 0.0, total = 0.0;
  for (std::size_t i = 0; i < trials; ++i) {
    medium.beginTrial("trial " + std::to_string(i));
    const std::vector<Tap> taps = medium.linkTruth("TWIN-B", "TWIN-A").taps;
    const double p = std::pow(10.0, taps[0].powerDb / 10.0);
    power += p / trials;
    fourth += p * p / trials;
    for (const Tap& tap : taps) {
      const double each = std::pow(10.0, tap.powerDb / 10.0) / trials;
      total += each;
      first += each * tap.delayS / 100e-9;
      second += each * tap.delayS * tap.delayS / 1e-14;
    }
  }
  const double ratio = 2.0 - fourth / (power * power); // (K / (K + 1))^2
  CHECK_NEAR(db(std::sqrt(ratio) / (1.0 - std::sqrt(ratio))), 6.0, 0.3);
  CHECK_NEAR(total, 1.0, 0.02);
  CHECK_NEAR(std::sqrt(second / total - first * first / total / total), 1.0, 0.02);
}

TEST("a received tone has the gain that the truth names: constant in a block, moving with Doppler") {
  for (const FadingKind kind : {FadingKind::Block, FadingKind::Continuous}) {
    Bench bench(fadingRadios(rayleigh(kind, 200.0)));
    Medium& medium = Medium::instance();
    medium.beginTrial("one");
    bench.rx->activateRx();
    sendAt(*bench.tx, 0, tone(60000, 0.0, 0.5));
    std::vector<std::complex<double>> truths;
    Signal heard;
    for (std::size_t part = 0; part < 5; ++part) {
      const Signal more = [&] {
        Signal signal(10000);
        medium.grantUntilNs(nsOf(10000 * static_cast<std::int64_t>(part + 1)));
        truths.push_back(gainsNow()[0]); // of sample 10000 (part + 1)
        std::size_t have = 0;
        while (have < signal.size())
          have += bench.rx->read(signal.data() + have, signal.size() - have, 0).sampleCount;
        return signal;
      }();
      heard.insert(heard.end(), more.begin(), more.end());
    }
    for (std::size_t part = 0; part < 4; ++part) {
      const std::complex<double> gain =
          correlate(heard, 0.0, 10000 * (part + 1) - 8, 10000 * (part + 1) + 8) / 0.5;
      CHECK_NEAR(std::abs(gain - truths[part]), 0.0, 2e-3);
      if (kind == FadingKind::Block)
        CHECK_NEAR(std::abs(truths[part] - truths[0]), 0.0, 1e-12);
    }
    if (kind == FadingKind::Continuous)
      CHECK(std::abs(truths[3] - truths[0]) > 0.05);
  }
}

TEST("gains depend on seed, trial and link alone: not on the order of trials, nor on read sizes") {
  const auto listen = [](const std::vector<std::string>& trials, std::size_t chunk, std::uint64_t seed) {
    Fading fading = rayleigh(FadingKind::Continuous, 500.0);
    fading.profile = DelayProfile::TdlC;
    fading.delaySpreadS = 200e-9;
    MediumConfig config = fadingRadios(fading);
    config.seed = seed;
    config.radios[0].impairments.phaseNoiseLinewidthHz = 100.0;
    config.radios[1].impairments.phaseNoiseLinewidthHz = 200.0;
    config.radios[0].impairments.adcBits = 8;
    config.interferers.push_back({kCarrierHz + 0.7e6, -20.0, 1e6, 0.5e-3, 0.2e-3, 0.9e-3, {}});
    config.interferers.push_back({kCarrierHz - 0.9e6, -30.0, 0.0, 0.0, 0.0, 0.0, {}});
    Bench bench(config);
    Signal heard;
    for (const std::string& trial : trials) {
      bench.rx->deactivateRx();
      Medium::instance().beginTrial(trial);
      bench.rx->activateRx();
      sendAt(*bench.tx, 100, randomSignal(20000, 0.2, 5));
      heard = receive(*bench.rx, 15000, chunk);
    }
    return heard;
  };
  const Signal once = listen({"x"}, 4096, 7);
  CHECK_EQUAL(once.size(), std::size_t{15000});
  CHECK(once == listen({"y", "z", "x"}, 4096, 7));
  CHECK(once == listen({"x"}, 777, 7));
  CHECK(once == listen({"x"}, 65536, 7));
  CHECK(once != listen({"y"}, 4096, 7));
  CHECK(once != listen({"x"}, 4096, 8));
}

TEST("read sizes do not change the bits, whatever the clocks and however fast the gains move") {
  // Each pair takes another way through the interpolator: one filter for many blocks, shifted, held, blended.
  for (const double dopplerHz : {0.0, 5.0, 500.0}) {
    for (const double ppm : {0.0, 0.1, 2.0, 30.0}) {
      const auto listen = [&](std::size_t chunk) {
        MediumConfig config = fadingRadios(rayleigh(FadingKind::Continuous, dopplerHz));
        config.paths[0].fading.profile = DelayProfile::TdlC;
        config.paths[0].fading.delaySpreadS = 200e-9;
        if (dopplerHz == 0.0)
          config.paths[0].fading.kind = FadingKind::Block;
        config.radios[1].clockErrorPpm = ppm;
        Bench bench(config);
        bench.rx->activateRx();
        sendAt(*bench.tx, 100, randomSignal(20000, 0.2, 5));
        return receive(*bench.rx, 15000, chunk);
      };
      const Signal once = listen(4096);
      CHECK(power(once, 1000, 15000) > 0.0);
      for (const std::size_t chunk : {std::size_t{1}, std::size_t{777}, std::size_t{65536}})
        CHECK(once == listen(chunk));
    }
  }
}

TEST("gains held over a block are steps of -70 dB at most, without a jump where filters change") {
  Bench bench(fadingRadios(rayleigh(FadingKind::Continuous, 9.0))); // 9.3 Hz is the fastest that is held
  bench.rx->activateRx();
  sendAt(*bench.tx, 0, tone(210000, 0.0, 0.5));
  const Signal heard = receive(*bench.rx, 200000);
  double residue = 0.0, worst = 0.0;
  std::size_t windows = 0;
  constexpr std::size_t kWindow = 4096; // 0.05 rad: a parabola says all but 1e-5 of it
  for (std::size_t at = 1000; at + kWindow <= heard.size(); at += kWindow, ++windows) {
    std::complex<double> moments[3] = {};
    const auto legendre = [](std::size_t i, int order) {
      const double x = (static_cast<double>(i) + 0.5) / kWindow * 2.0 - 1.0;
      return order == 0 ? 1.0 : order == 1 ? std::sqrt(3.0) * x : std::sqrt(5.0) * 0.5 * (3.0 * x * x - 1.0);
    };
    for (std::size_t i = 0; i < kWindow; ++i)
      for (int order = 0; order < 3; ++order)
        moments[order] +=
            std::complex<double>(heard[at + i]) * legendre(i, order) / static_cast<double>(kWindow);
    for (std::size_t i = 0; i < kWindow; ++i) {
      std::complex<double> rest = heard[at + i];
      for (int order = 0; order < 3; ++order)
        rest -= moments[order] * legendre(i, order);
      residue += std::norm(rest) / kWindow;
      worst = std::max(worst, std::abs(rest));
    }
  }
  // A tone of 0.5 through a tap of mean power 1.
  const double residueDb = db(residue / static_cast<double>(windows) / 0.25);
  CHECK(residueDb < -67.0);
  CHECK(residueDb > -95.0); // they are held indeed
  CHECK(worst < 1e-3);
}

TEST("two links of one trial fade apart") {
  MediumConfig config = threeRadios();
  for (PathProfile& path : config.paths)
    path.fading = rayleigh(FadingKind::Block);
  Medium& medium = Medium::instance();
  medium.configure(config);
  std::complex<double> cross = 0.0;
  for (int i = 0; i < 4000; ++i) {
    medium.beginTrial(std::to_string(i));
    const Tap b = medium.linkTruth("TWIN-B", "TWIN-A").taps[0];
    const Tap c = medium.linkTruth("TWIN-C", "TWIN-A").taps[0];
    cross += std::polar(std::pow(10.0, (b.powerDb + c.powerDb) / 20.0), b.phaseRad - c.phaseRad) / 4000.0;
  }
  CHECK(std::abs(cross) < 0.06);
}

TEST("trials of one realisation meet one channel, each at its own time of it, in noise of their own") {
  for (const FadingKind kind : {FadingKind::Block, FadingKind::Continuous}) {
    Bench bench(fadingRadios(rayleigh(kind, 50.0)));
    Medium& medium = Medium::instance();
    const auto gainAt = [&](const std::string& trial, const ChannelMoment& moment, std::int64_t ns) {
      medium.beginTrial(trial, moment);
      if (ns > 0)
        medium.grantUntilNs(ns);
      return gainsNow()[0];
    };
    const std::complex<double> first = gainAt("a", {"one", 0.0}, 0);
    CHECK_NEAR(std::abs(gainAt("b", {"one", 0.0}, 0) - first), 0.0, 1e-12);
    CHECK(std::abs(gainAt("a", {"two", 0.0}, 0) - first) > 0.01);
    const std::complex<double> own = gainAt("a", {"a", 0.0}, 0);
    medium.beginTrial("a");
    CHECK_NEAR(std::abs(gainsNow()[0] - own), 0.0, 1e-12);
    // A later trial goes on where an earlier one would have come to.
    const std::complex<double> later = gainAt("a", {"one", 0.004}, 0);
    CHECK_NEAR(std::abs(gainAt("c", {"one", 0.0}, 4'000'000) - later), 0.0, 1e-3);
    CHECK((std::abs(later - first) > 0.05) == (kind == FadingKind::Continuous));
    // A path set within the trial meets the trial's moment too.
    medium.setPath(fadingRadios(rayleigh(kind, 50.0)).paths[0]);
    CHECK_NEAR(std::abs(gainsNow()[0] - later), 0.0, 1e-3);
  }
  for (const double startS : {2e6, std::nan("")})
    CHECK_THROWS(std::invalid_argument, Medium::instance().beginTrial("a", {"one", startS}), "startS",
                 "allowed");
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
