/** Bursts through the air: found anywhere, with CFO, clock offset and taps, with the error that theory
 * allows. */
#include <algorithm>
#include <cmath>

#include "check.hpp"
#include "demodulator.hpp"
#include "scene.hpp"

using namespace scene;

namespace {

struct Statistics {
  int bursts = 0, ok = 0, extra = 0;
  double mse = 0, bound = 0;
  double bias = 0, square = 0;
  double cfoSquare = 0, timingWorst = 0, ppmWorst = 0;
  double gapDb() const { return 10 * std::log10(mse / bound); }
  double snrBiasDb() const { return bias / ok; }
  double snrSdDb() const { return std::sqrt(square / ok - snrBiasDb() * snrBiasDb()); }
  double cfoRms() const { return std::sqrt(cfoSquare / ok); }
};

Statistics run(double snrDb, int bursts, int tokens, int dimension, double largestCfoHz, bool threeTaps,
               std::uint64_t seed) {
  Statistics s;
  s.bursts = std::max(bursts / kSlowdown, 3);
  for (int t = 0; t < s.bursts; ++t) {
    const auto trial = static_cast<std::uint64_t>(t);
    const Sent sent = makeBurst(header(tokens, dimension, t * 7 % 4096, t % 16), seed * 1000 + trial);
    air::Path path;
    if (threeTaps)
      path.taps = air::threeTaps(seed * 1000 + trial);
    path.cfoHz = largestCfoHz * (2 * air::uniform(seed, 2 * trial) - 1);
    path.phase = 2 * kPi * air::uniform(seed, 2 * trial + 1);
    const double start = 100 + 900 * air::uniform(seed + 1, trial);
    std::vector<air::Cf> stream(sent.samples.size() + 1500);
    air::arrive(stream, sent.samples, start, path);
    addNoise(stream, snrDb, air::hash(seed * 1000 + trial), path.taps);
    const auto heard = listen(stream);
    for (const ReceivedBurst& b : heard.bursts) {
      if (b.outcome != BurstOutcome::Ok || b.header.sequence != sent.header.sequence ||
          b.header.user != sent.header.user || b.header.tokens != tokens || b.header.dimension != dimension) {
        ++s.extra;
        continue;
      }
      ++s.ok;
      s.mse += air::tokenMse(sent.tokens, b.tokens);
      s.bound += air::boundMse(snrDb, path.taps);
      s.bias += b.snrDb - snrDb;
      s.square += (b.snrDb - snrDb) * (b.snrDb - snrDb);
      const double cfoError = 2 * kPi * (b.cfoHz - path.cfoHz) / kDefaultSampleRateHz;
      s.cfoSquare += cfoError * cfoError;
      const double timing = static_cast<double>(b.startSample) + b.startFraction - (start + kGuardSamples);
      s.timingWorst = std::max(s.timingWorst, std::fabs(timing));
      s.ppmWorst =
          std::max(s.ppmWorst, std::fabs(b.clockOffsetPpm - path.cfoHz / path.centerFrequencyHz * 1e6));
    }
  }
  std::printf("  %5.1f dB: %d of %d, error over bound %+.3f dB, SNR %+.3f (sd %.3f) dB, CFO rms %.1e "
              "rad/sample, timing %.3f\n",
              snrDb, s.ok, s.bursts, s.gapDb(), s.snrBiasDb(), s.snrSdDb(), s.cfoRms(), s.timingWorst);
  return s;
}

} // namespace

TEST_CASE(anyOffset, "a burst is found at any offset, however the stream is cut") {
  const int trials = 600 / kSlowdown;
  int found = 0;
  for (int t = 0; t < trials; ++t) {
    const auto trial = static_cast<std::uint64_t>(t);
    const Sent sent = makeBurst(header(4, 25, t), trial);
    const auto start = static_cast<std::int64_t>(3000 * air::uniform(41, trial));
    std::vector<air::Cf> stream(sent.samples.size() + 3300);
    std::copy(sent.samples.begin(), sent.samples.end(), stream.begin() + start);
    addNoise(stream, 12, air::hash(trial));
    const std::int64_t first = t % 3 == 0 ? 0 : static_cast<std::int64_t>(air::hash(trial) >> 20);
    const auto heard = listen(
        stream,
        [&](int i) {
          return 1 + static_cast<int>(air::uniform(trial + 50, static_cast<std::uint64_t>(i)) *
                                      (t % 2 == 0 ? 97 : 1500));
        },
        {}, first);
    if (heard.bursts.size() != 1 || heard.bursts[0].outcome != BurstOutcome::Ok)
      continue;
    const ReceivedBurst& b = heard.bursts[0];
    if (b.header.sequence == t && b.startSample == first + start + kGuardSamples &&
        air::tokenMse(sent.tokens, b.tokens) < 0.15)
      ++found;
  }
  CHECK_EQUAL(found, trials);
}

TEST_CASE(awgn, "AWGN without CFO: token error within 0.3 dB of 1/(1+SNR), SNR within 0.2 dB, -5..30 dB") {
  for (const double snrDb : {-5.0, 0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0}) {
    const auto s = run(snrDb, 60, 32, 32, 0, false, 100);
    CHECK(s.ok >= s.bursts - (snrDb < 0 ? 1 : 0) && s.extra == 0);
    CHECK_RANGE(s.gapDb(), -0.25, kSlowdown > 1 ? 0.5 : 0.3);
    CHECK_RANGE(s.snrBiasDb(), kSlowdown > 1 ? -0.4 : -0.2, kSlowdown > 1 ? 0.4 : 0.2);
  }
}

TEST_CASE(cfo, "CFO within +-40 ppm of 2.45 GHz, clock offset tied to it") {
  for (const double snrDb : {0.0, 10.0, 25.0}) {
    const auto s = run(snrDb, 60, 32, 32, kLargestCfoHz, false, 200);
    CHECK(s.ok == s.bursts && s.extra == 0);
    CHECK_RANGE(s.gapDb(), -0.25, kSlowdown > 1 ? 0.5 : 0.3);
    CHECK_RANGE(s.snrBiasDb(), kSlowdown > 1 ? -0.4 : -0.2, kSlowdown > 1 ? 0.4 : 0.2);
    // 1.5 x the Cramer-Rao bound of 160 samples at 0 and 10 dB.
    CHECK_RANGE(s.cfoRms(), 0, snrDb < 5 ? 1.8e-3 : 5.7e-4);
    CHECK_RANGE(s.ppmWorst, 0, 0.5);
    CHECK_RANGE(s.timingWorst, 0, 0.2);
  }
}

TEST_CASE(edges, "CFO at the very ends: +-98 kHz and +-120 kHz") {
  for (const double cfoHz : {-120e3, -98e3, 98e3, 120e3}) {
    const Sent sent = makeBurst(header(16, 16, 3), 9);
    std::vector<air::Cf> stream(sent.samples.size() + 1000);
    air::Path path;
    path.cfoHz = cfoHz;
    air::arrive(stream, sent.samples, 333.3, path);
    addNoise(stream, 10, 5);
    const auto heard = listen(stream);
    CHECK_EQUAL(heard.count(BurstOutcome::Ok), 1);
    if (!heard.bursts.empty())
      CHECK_RANGE(heard.bursts[0].cfoHz - cfoHz, -200, 200);
  }
}

TEST_CASE(prior, "a CFO prior moves the search: 250 kHz and more, which nothing is heard of without it") {
  for (const double cfoHz : {250e3, -250e3, 500e3}) {
    const Sent sent = makeBurst(header(16, 16, 3), 9);
    std::vector<air::Cf> stream(sent.samples.size() + 1000);
    air::Path path;
    path.cfoHz = cfoHz;
    air::arrive(stream, sent.samples, 333.3, path);
    addNoise(stream, 10, 5);
    CHECK_EQUAL(listen(stream).count(BurstOutcome::Ok), 0);
    ReceiverConfig config;
    for (const double error : {-110e3, 0.0, 110e3}) {
      config.cfoPriorHz = std::fabs(cfoHz) > 260e3 ? std::copysign(390e3, cfoHz) : cfoHz + error;
      const auto heard = listen(stream, config);
      CHECK_EQUAL(heard.count(BurstOutcome::Ok), 1);
      if (heard.bursts.empty())
        continue;
      CHECK_RANGE(heard.bursts[0].cfoHz - cfoHz, -200, 200);
      CHECK_RANGE(heard.bursts[0].snrDb, 9, 11);
      CHECK_RANGE(air::tokenMse(sent.tokens, heard.bursts[0].tokens), 0, 0.12);
    }
  }
}

TEST_CASE(taps, "three taps at 0/2/5 samples with CFO: within 0.6 dB of the bound for the true channel") {
  for (const double snrDb : {0.0, 10.0, 20.0, 25.0}) {
    const auto s = run(snrDb, 60, 32, 32, kLargestCfoHz, true, 300);
    CHECK(s.ok == s.bursts && s.extra == 0);
    CHECK_RANGE(s.gapDb(), -0.25, 0.6);
    CHECK_RANGE(s.snrBiasDb(), kSlowdown > 1 ? -0.4 : -0.2, kSlowdown > 1 ? 0.4 : 0.2);
  }
}

TEST_CASE(channel, "the channel per carrier is the taps' response") {
  const Sent sent = makeBurst(header(16, 16), 1);
  air::Path path;
  path.taps = air::threeTaps(5);
  std::vector<air::Cf> stream(sent.samples.size() + 1000);
  air::arrive(stream, sent.samples, 300, path);
  addNoise(stream, 25, 5, path.taps);
  const auto heard = listen(stream);
  CHECK_EQUAL(heard.count(BurstOutcome::Ok), 1);
  if (heard.bursts.empty())
    return;
  const ReceivedBurst& b = heard.bursts[0];
  const double amplitude = std::sqrt(std::pow(10, kRmsDbfs / 10) * kCarriers / kLoadedCarriers);
  air::Cd inner = 0;
  double ours = 0, truth = 0;
  for (int k = 0; k < kLoadedCarriers; ++k) {
    air::Cd h = 0;
    for (const auto& tap : path.taps)
      h += tap.gain * std::polar(amplitude, -2 * kPi * b.carriers[k] * tap.delaySamples / kCarriers);
    // startSample may be one sample off the first tap: compare with the estimated fraction put back.
    h *= std::polar(1.0, 2 * kPi * b.carriers[k] * static_cast<double>(b.startSample - 300 - kGuardSamples) /
                             kCarriers);
    inner += std::conj(h) * air::Cd(b.channel[k]);
    ours += std::norm(air::Cd(b.channel[k]));
    truth += std::norm(h);
  }
  CHECK_RANGE(std::norm(inner) / (ours * truth), 0.999, 1.0001);
  CHECK_RANGE(ours / truth, 0.97, 1.03);
}

TEST_CASE(longBurst, "a long burst (24,000 samples) at +-40 ppm: the clock offset is followed") {
  for (const double snrDb : {0.0, 20.0}) {
    const auto s = run(snrDb, 12, 110, 256, kLargestCfoHz, true, 400);
    CHECK(s.ok == s.bursts && s.extra == 0);
    CHECK_RANGE(s.gapDb(), -0.2, 0.4);
  }
}

TEST_CASE(moving,
          "two paths whose Doppler differs: the channel is followed over the payload, and no burst is lost") {
  // 60 Hz apart at 5 MS/s: over 3 ms the paths turn against each other by more than a radian.
  double mse = 0, bound = 0;
  constexpr int bursts = 20; // fewer scatter by more than the margin
  constexpr double kSnrDb = 20, kDopplerHz = 60;
  for (int t = 0; t < bursts; ++t) {
    const auto trial = static_cast<std::uint64_t>(t);
    const Sent sent = makeBurst(header(64, 256, t), trial);
    std::vector<air::Cf> stream(sent.samples.size() + 1000);
    air::Path direct, other;
    direct.taps = {{0, std::sqrt(0.7)}};
    direct.cfoHz = 30e3;
    other = direct;
    other.taps = {{1.5, std::polar(std::sqrt(0.3), 2 * kPi * air::uniform(71, trial))}};
    other.cfoHz += kDopplerHz;
    air::arrive(stream, sent.samples, 300.3, direct);
    air::arrive(stream, sent.samples, 300.3, other);
    addNoise(stream, kSnrDb, trial);
    const auto heard = listen(stream);
    CHECK_EQUAL(heard.count(BurstOutcome::Ok), 1);
    if (heard.bursts.empty() || heard.bursts[0].outcome != BurstOutcome::Ok)
      continue;
    mse += air::tokenMse(sent.tokens, heard.bursts[0].tokens);
    for (std::int64_t m = 0; m < 171; ++m) {
      auto taps = direct.taps;
      taps.push_back(other.taps[0]);
      taps[1].gain *= std::polar(
          1.0, 2 * kPi * kDopplerHz *
                   static_cast<double>(300 + kGuardSamples + kPreambleSamples + kHeaderSamples + 80 * m) /
                   5e6);
      double power = 0;
      for (const double p : air::carrierPowers(taps))
        power += p / kLoadedCarriers;
      bound += air::boundMse(kSnrDb + 10 * std::log10(power), taps) / 171;
    }
  }
  std::printf("  error over bound %+.2f dB\n", 10 * std::log10(mse / bound));
  CHECK_RANGE(10 * std::log10(mse / bound), -0.1, 0.6);
}

TEST_CASE(
    still,
    "a channel that stands still is not taken for one that moves, nor noise for a restless oscillator") {
  int bursts = 0, moved = 0, restless = 0;
  for (const double snrDb : {0.0, 15.0, 30.0})
    for (const bool taps : {false, true})
      for (int t = 0; t < 200 / kSlowdown; ++t) {
        const auto trial = static_cast<std::uint64_t>(t);
        const Sent sent = makeBurst(header(32, 64, t), trial);
        air::Path path;
        if (taps)
          path.taps = air::threeTaps(trial);
        path.cfoHz = kLargestCfoHz * (2 * air::uniform(81, trial) - 1);
        std::vector<air::Cf> stream(sent.samples.size() + 1000);
        const double start = 300 + air::uniform(82, trial);
        air::arrive(stream, sent.samples, start, path);
        addNoise(stream, snrDb, air::hash(trial), path.taps);
        BurstDemodulator demodulator({});
        const StreamView view{stream.data(), 0};
        demodulator.begin(std::llround(start) + kGuardSamples + kShortSamples, 2 * kPi * path.cfoHz / 5e6, 1);
        if (demodulator.decodeHeader(view) != BurstDemodulator::HeaderResult::Ok)
          continue;
        for (int m = 0; m < demodulator.payloadOfdmSymbols(); ++m)
          demodulator.takeSymbol(view, m);
        ReceivedBurst burst;
        demodulator.finish(burst);
        ++bursts;
        moved += demodulator.channelMoves() ? 1 : 0;
        restless += demodulator.phaseNoisePerSample() > PhaseTracker().noisePerSample() ? 1 : 0;
      }
  std::printf("  %d bursts: %d moving channels, %d restless oscillators\n", bursts, moved, restless);
  CHECK(bursts >= 1190 / kSlowdown);
  CHECK_RANGE(static_cast<double>(moved) / bursts, 0, 0.002);
  CHECK_RANGE(static_cast<double>(restless) / bursts, 0, 0.005);
}

TEST_CASE(
    restless,
    "phase noise of 30 and 100 Hz linewidth: no burst is lost, the phase is followed symbol by symbol") {
  for (const double linewidthHz : {30.0, 100.0})
    for (const double snrDb : {10.0, 20.0, 30.0}) {
      double mse = 0;
      const int bursts = std::max(40 / kSlowdown, 5);
      for (int t = 0; t < bursts; ++t) {
        const auto trial = static_cast<std::uint64_t>(t);
        const Sent sent = makeBurst(header(64, 64, t), trial);
        std::vector<air::Cf> stream(sent.samples.size() + 1000);
        air::Path path;
        path.cfoHz = kLargestCfoHz * (2 * air::uniform(91, trial) - 1);
        air::arrive(stream, sent.samples, 300.3, path);
        const auto steps = air::gaussianTokens(static_cast<int>(stream.size()), trial + 92);
        double phase = 0;
        for (std::size_t n = 0; n < stream.size(); ++n) {
          phase += std::sqrt(2 * kPi * linewidthHz / 5e6) * static_cast<double>(steps[n]);
          stream[n] *= air::Cf(std::polar(1.0, phase));
        }
        addNoise(stream, snrDb, air::hash(trial));
        const auto heard = listen(stream);
        CHECK_EQUAL(heard.count(BurstOutcome::Ok), 1);
        if (heard.count(BurstOutcome::Ok) == 1)
          mse += air::tokenMse(sent.tokens, heard.bursts[0].tokens) / bursts;
      }
      // What turns within a symbol stays: a sixth of the variance that the phase gathers over it.
      const double bound = 1 / (1 + std::pow(10, snrDb / 10)) + 2 * kPi * linewidthHz * kCarriers / 5e6 / 6;
      std::printf("  %3.0f Hz, %2.0f dB: error over bound %+.2f dB\n", linewidthHz, snrDb,
                  10 * std::log10(mse / bound));
      CHECK_RANGE(10 * std::log10(mse / bound), -0.2, 1.5);
    }
}

TEST_CASE(longest, "the longest burst allowed, 2048 payload symbols") {
  const auto s = run(15, kSlowdown > 1 ? 3 : 4, 192, 1023, kLargestCfoHz, false, 500);
  CHECK(s.ok == s.bursts && s.extra == 0);
  CHECK_RANGE(s.gapDb(), -0.2, 0.4);
}

TEST_CASE(weak, "at 0 dB every header is valid, at -5 dB 99 %") {
  const auto zero = run(0, 300, 16, 16, kLargestCfoHz, false, 600);
  CHECK(zero.ok == zero.bursts);
  const auto weak = run(-5, 600, 16, 16, kLargestCfoHz, false, 601);
  CHECK_RANGE(static_cast<double>(weak.ok) / weak.bursts, 0.993, 1);
}

TEST_CASE(estimators, "the SNR estimators agree with the truth, each within its own error") {
  const int bursts = 80 / std::min(kSlowdown, 4);
  for (const double snrDb : {0.0, 10.0, 20.0}) {
    double sums[4] = {};
    for (int t = 0; t < bursts; ++t) {
      const Sent sent = makeBurst(header(64, 64, t), static_cast<std::uint64_t>(t));
      std::vector<air::Cf> stream(sent.samples.size() + 800);
      std::copy(sent.samples.begin(), sent.samples.end(), stream.begin() + 400);
      addNoise(stream, snrDb, static_cast<std::uint64_t>(t) + 7000);
      const auto heard = listen(stream);
      CHECK_EQUAL(heard.count(BurstOutcome::Ok), 1);
      if (heard.bursts.empty())
        continue;
      const ReceivedBurst& b = heard.bursts[0];
      const SnrEstimate* all[4] = {&b.snrRepeatedPreamble, &b.snrEmptyCarriers, &b.snrPilotEvm,
                                   &b.snrDataAided};
      for (int i = 0; i < 4; ++i) {
        sums[i] += all[i]->snrDb / bursts;
        CHECK_RANGE(std::fabs(all[i]->snrDb - snrDb), 0, 5 * all[i]->sdDb + 0.1);
      }
    }
    for (const double mean : sums)
      CHECK_RANGE(mean - snrDb, -0.35, 0.35);
  }
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
