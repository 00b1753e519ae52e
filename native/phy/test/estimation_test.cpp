/** SNR by every estimator: unbiased, its interval as wide as it must be, the best one named. */
#include <algorithm>
#include <cmath>
#include <cstring>

#include "check.hpp"
#include "scene.hpp"

using namespace scene;

namespace {

struct Estimator {
  const char* name;
  SnrEstimate ReceivedBurst::*member;
};
constexpr Estimator kEstimators[] = {{"repeated preamble", &ReceivedBurst::snrRepeatedPreamble},
                                     {"empty carriers", &ReceivedBurst::snrEmptyCarriers},
                                     {"pilot EVM", &ReceivedBurst::snrPilotEvm},
                                     {"data-aided", &ReceivedBurst::snrDataAided},
                                     {"best", &ReceivedBurst::snrBest}};

/** A burst at a fraction of a sample, with CFO and noise. */
Heard receive(const Sent& sent, double snrDb, std::uint64_t seed) {
  air::Path path;
  path.cfoHz = kLargestCfoHz * (2 * air::uniform(seed, 1) - 1);
  path.phase = 2 * kPi * air::uniform(seed, 2);
  std::vector<air::Cf> stream(sent.samples.size() + 1500);
  air::arrive(stream, sent.samples, 100 + 900 * air::uniform(seed, 3), path);
  addNoise(stream, snrDb, air::hash(seed));
  return listen(stream);
}

} // namespace

TEST_CASE(intervals, "95 % intervals hold the truth, also those of 12 pilots; bias below 0.35 dB to 35 dB") {
  const int bursts = kSlowdown > 1 ? 20 : 200;
  for (const int tokens : {16, 64})
    for (const double snrDb : {0.0, 15.0, 30.0, 35.0}) {
      double mean[5] = {};
      int inside[5] = {}, heardOk = 0;
      for (int t = 0; t < bursts; ++t) {
        const Sent sent = makeBurst(header(tokens, tokens, t), static_cast<std::uint64_t>(t));
        const auto heard = receive(sent, snrDb, static_cast<std::uint64_t>(t) + 500);
        if (heard.count(BurstOutcome::Ok) != 1)
          continue;
        ++heardOk;
        const ReceivedBurst& b = heard.bursts[0];
        CHECK(b.bestEstimator == SnrEstimator::DataAidedAndPilots);
        CHECK(b.snrBest.snrDb == b.snrDb && b.sndr.snrDb == b.snrPilotEvm.snrDb);
        for (int i = 0; i < 5; ++i) {
          const SnrEstimate& e = b.*kEstimators[i].member;
          CHECK(e.lowDb < e.snrDb && e.snrDb < e.highDb);
          mean[i] += e.snrDb - snrDb;
          inside[i] += e.lowDb <= snrDb && snrDb <= e.highDb ? 1 : 0;
        }
      }
      CHECK_EQUAL(heardOk, bursts);
      std::printf("  L = D = %d, %2.0f dB:", tokens, snrDb);
      for (int i = 0; i < 5; ++i) {
        std::printf("  %s %+.2f dB %.0f %%", kEstimators[i].name, mean[i] / heardOk,
                    100.0 * inside[i] / heardOk);
        CHECK_RANGE(mean[i] / heardOk, kSlowdown > 1 ? -0.8 : -0.35, kSlowdown > 1 ? 0.8 : 0.35);
        CHECK_RANGE(static_cast<double>(inside[i]) / heardOk,
                    kSlowdown > 1 ? 0.7
                    : snrDb > 32  ? 0.75
                                  : 0.89,
                    1);
      }
      std::printf("\n");
    }
}

TEST_CASE(edges, "what a delay of half a sample leaves of neighbouring symbols is not counted as noise") {
  // Counted as noise it would read 47 dB.
  for (const bool taps : {false, true}) {
    double ratio = 0;
    const int bursts = 20;
    for (int t = 0; t < bursts; ++t) {
      const Sent sent = makeBurst(header(16, 16, t), static_cast<std::uint64_t>(t));
      air::Path path;
      if (taps)
        path.taps = air::threeTaps(static_cast<std::uint64_t>(t));
      std::vector<air::Cf> stream(sent.samples.size() + 1000);
      air::arrive(stream, sent.samples, 400.5, path);
      addNoise(stream, 70, air::hash(static_cast<std::uint64_t>(t)), path.taps);
      const auto heard = listen(stream);
      CHECK_EQUAL(heard.count(BurstOutcome::Ok), 1);
      if (heard.count(BurstOutcome::Ok) == 1)
        ratio += std::pow(10, -heard.bursts[0].snrDataAided.snrDb / 10) / bursts;
    }
    std::printf("  %s: %.1f dB\n", taps ? "three taps" : "one path", -10 * std::log10(ratio));
    CHECK_RANGE(-10 * std::log10(ratio), 53, 70);
  }
}

TEST_CASE(named, "the best estimator is named: pilots under interference, the preamble without a header") {
  const Sent sent = makeBurst(header(64, 64, 1), 1);
  std::vector<air::Cf> stream(sent.samples.size() + 800);
  std::copy(sent.samples.begin(), sent.samples.end(), stream.begin() + 400);
  addNoise(stream, 25, 3);
  // Interference over the second half of the payload only.
  std::vector<air::Cf> loud = stream;
  air::Noise noise(9);
  const std::size_t from = stream.size() / 2;
  noise.add(loud.data() + from, loud.size() - from, 0.06);
  auto heard = listen(loud);
  CHECK_EQUAL(heard.count(BurstOutcome::Ok), 1);
  if (heard.count(BurstOutcome::Ok) == 1) {
    const ReceivedBurst& b = heard.bursts[0];
    CHECK(b.disturbed && b.bestEstimator == SnrEstimator::PilotEvm);
    CHECK(b.sndr.highDb < b.snrDataAided.lowDb);
    CHECK(std::strcmp(toString(b.bestEstimator), "pilot-evm") == 0);
  }
  std::vector<air::Cf> noHeader = stream;
  std::fill_n(noHeader.begin() + 400 + kGuardSamples + kPreambleSamples, kHeaderSamples, air::Cf(0, 0));
  heard = listen(noHeader);
  CHECK_EQUAL(heard.count(BurstOutcome::HeaderCorrupt), 1);
  if (!heard.bursts.empty()) {
    const ReceivedBurst& b = heard.bursts[0];
    CHECK(b.bestEstimator == SnrEstimator::RepeatedPreamble);
    CHECK(b.snrDb == b.snrRepeatedPreamble.snrDb && std::isnan(b.sndr.snrDb));
    CHECK_RANGE(b.snrDb, 23, 27);
  }
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
