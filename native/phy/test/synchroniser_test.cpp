/** The second stage of the search, asked from windows that do not fit. */
#include <cmath>
#include <complex>
#include <cstdlib>
#include <random>
#include <vector>

#include "check.hpp"
#include "synchroniser.hpp"

using namespace otabench::phy;

namespace {

constexpr int kTrueStart = 2000; // of the preamble
constexpr int kNoiseSamples = 4096;

/** A preamble and QPSK-like payload behind it, at this Es/N0 above the noise and CFO in gate bins. */
std::vector<Cf> scene(double snrDb, double cfoBins, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  const auto sigma = static_cast<float>(std::sqrt(0.5 * std::pow(10.0, -snrDb / 10)));
  std::vector<Cf> samples(kNoiseSamples);
  for (int n = 0; n < kNoiseSamples; ++n) {
    Cf signal = 0;
    if (n >= kTrueStart + kPreambleSamples)
      signal = Cf(normal(generator), normal(generator)) * std::sqrt(0.5F);
    else if (n >= kTrueStart)
      signal = waveform().preamble[static_cast<std::size_t>(n - kTrueStart)];
    const auto turn = static_cast<float>(2 * 3.14159265358979323846 * cfoBins * n / kShortSamples);
    samples[static_cast<std::size_t>(n)] =
        signal * std::polar(1.0F, turn) + sigma * Cf(normal(generator), normal(generator));
  }
  return samples;
}

} // namespace

// Noise opens the gate on 1.4 % of windows. Those that begin more than 400 samples before a burst are settled
// before its comb shows, and their search still reaches into it.
TEST_CASE(displaced,
          "synchroniser: from a window before the burst its training is not taken for another one") {
  Synchroniser synchroniser;
  int wrong = 0;
  unsigned seed = 1;
  for (const double snrDb : {0.0, 15.0, 35.0})
    for (int window = -640; window <= -400; window += 4) {
      const std::vector<Cf> samples = scene(snrDb, 1.7, ++seed);
      for (float bins = -8; bins <= 7.5F; bins += 0.5F)
        if (synchroniser.search(samples.data() + kTrueStart + window, bins).found)
          ++wrong;
    }
  CHECK_EQUAL(wrong, 0);
}

TEST_CASE(fitting, "synchroniser: every window within its reach finds a burst at -5 dB") {
  Synchroniser synchroniser;
  int missed = 0;
  unsigned seed = 1000;
  for (int repeat = 0; repeat < 4; ++repeat)
    for (int window = -96; window <= 96; window += 4) {
      const std::vector<Cf> samples = scene(-5.0, -3.2, ++seed);
      const auto result = synchroniser.search(samples.data() + kTrueStart + window, -3.0F);
      if (!result.found || std::abs(window + result.longStart - kShortSamples) > 1)
        ++missed;
    }
  CHECK_EQUAL(missed, 0);
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
