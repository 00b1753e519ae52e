/** The receiver's parts on their own: codec, decoder, smoother, tracker, permutation. */
#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "air.hpp"
#include "check.hpp"
#include "convolutional.hpp"
#include "delay_smoother.hpp"
#include "edge_ringing.hpp"
#include "phase_tracker.hpp"
#include "waveform.hpp"

using namespace otabench::phy;

namespace {
constexpr double kPi = 3.14159265358979323846;

BurstHeader exampleHeader() {
  BurstHeader h;
  h.user = 9;
  h.sequence = 2817;
  h.tokens = 640;
  h.dimension = 511;
  h.scale = 0.37;
  return h;
}
} // namespace

TEST_CASE(headerFields, "header: every field survives packing, the scale to 0.1 %") {
  const BurstHeader h = exampleHeader();
  const auto back = unpackHeader(packHeader(h));
  CHECK(back.has_value());
  if (!back)
    return;
  CHECK_EQUAL(back->user, h.user);
  CHECK_EQUAL(back->sequence, h.sequence);
  CHECK_EQUAL(back->tokens, h.tokens);
  CHECK_EQUAL(back->dimension, h.dimension);
  CHECK(back->mapping == Mapping::Analog);
  for (double scale = 2e-7; scale < 1e7; scale *= 1.37)
    CHECK_RANGE(decodeScale(encodeScale(scale)) / scale, 0.999, 1.001);
}

TEST_CASE(headerCrc, "header: any one or two flipped bits are noticed") {
  const HeaderBits bits = packHeader(exampleHeader());
  int accepted = 0;
  for (int i = 0; i < kHeaderBits; ++i)
    for (int j = i; j < kHeaderBits; ++j) {
      HeaderBits bad = bits;
      bad[i] ^= 1U;
      if (j != i)
        bad[j] ^= 1U;
      if (unpackHeader(bad))
        ++accepted;
    }
  CHECK_EQUAL(accepted, 0);
}

TEST_CASE(headerRefusals, "header: fields out of range are refused by name") {
  const auto refused = [](void (*spoil)(BurstHeader&), const char* field) {
    BurstHeader h = exampleHeader();
    spoil(h);
    try {
      packHeader(h);
      check::fail(__FILE__, __LINE__, std::string("accepted a bad ") + field);
    } catch (const PhyError& e) {
      CHECK(e.field() == field);
      CHECK(std::string(e.what()).find('\n') == std::string::npos);
    }
  };
  refused([](BurstHeader& h) { h.user = 16; }, "user");
  refused([](BurstHeader& h) { h.user = -1; }, "user");
  refused([](BurstHeader& h) { h.sequence = 4096; }, "sequence");
  refused([](BurstHeader& h) { h.tokens = 0; }, "tokens");
  refused([](BurstHeader& h) { h.dimension = 1024; }, "dimension");
  refused([](BurstHeader& h) { h.mapping = static_cast<Mapping>(3); }, "mapping");
  refused([](BurstHeader& h) { h.scale = 0; }, "scale");
  refused([](BurstHeader& h) { h.scale = NAN; }, "scale");
  refused([](BurstHeader& h) { h.scale = 1e9; }, "scale");
}

TEST_CASE(viterbi, "code: decodes noise-free, and with every fifth coded bit inverted") {
  const HeaderBits bits = packHeader(exampleHeader());
  const CodedBits coded = convolutionalEncode(bits);
  CodedLlrs llrs{};
  for (int i = 0; i < kHeaderCodedBits; ++i)
    llrs[i] = coded[i] == 0 ? 1.0F : -1.0F;
  CHECK(viterbiDecode(llrs) == bits);
  for (int i = 0; i < kHeaderCodedBits; i += 5)
    llrs[i] = -llrs[i];
  CHECK(viterbiDecode(llrs) == bits);
}

TEST_CASE(permutation, "scramble: a permutation, the same for the same sequence, another for another") {
  std::vector<std::uint32_t> a, b, c;
  burstScramble(5, 5000, a);
  burstScramble(5, 5000, b);
  burstScramble(6, 5000, c);
  CHECK(a == b);
  std::vector<int> seen(5000, 0), turns(4, 0);
  int same = 0, still = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ++seen[positionOf(a[i])];
    ++turns[turnsOf(a[i])];
    same += a[i] == c[i] ? 1 : 0;
    still += positionOf(a[i]) == i ? 1 : 0;
  }
  CHECK(std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; }));
  for (const int n : turns)
    CHECK_RANGE(n, 1100, 1400);
  CHECK_RANGE(same, 0, 10);
  CHECK_RANGE(still, 0, 10);
}

TEST_CASE(eigen, "smoother: eigenvectors reproduce the matrix") {
  constexpr std::size_t n = 12;
  std::vector<std::vector<double>> m(n, std::vector<double>(n)), vectors;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j)
      m[i][j] = m[j][i] = air::uniform(3, i * n + j) - 0.5;
  auto work = m;
  std::vector<double> values;
  symmetricEigen(work, values, vectors);
  double worst = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::size_t d = 0; d < n; ++d)
        sum += values[d] * vectors[d][i] * vectors[d][j];
      worst = std::max(worst, std::fabs(sum - m[i][j]));
    }
  CHECK_RANGE(worst, 0, 1e-10);
}

TEST_CASE(smoother, "smoother: fractional delays pass to -40 dB, white noise is cut to 18/52") {
  std::array<double, kLoadedCarriers> weights{};
  weights.fill(16);
  const DelaySmoother s(weights);
  CHECK_RANGE(s.dimensions(), 13, 22);
  double worst = 0;
  for (double delay = -7.5; delay <= 7.5; delay += 0.31) {
    CarrierVector h;
    for (int k = 0; k < kLoadedCarriers; ++k)
      h[k] = Cf(std::polar(1.0, -2 * kPi * loadedCarriers()[k] * delay / kCarriers));
    SplitVector observed;
    split(h, observed);
    const auto e = s.smooth(observed, 1e-6, 1.0);
    CarrierVector estimated;
    join(e.channel, estimated);
    double error = 0;
    for (int k = 0; k < kLoadedCarriers; ++k)
      error += static_cast<double>(std::norm(estimated[k] - h[k])) / kLoadedCarriers;
    worst = std::max(worst, error);
  }
  CHECK_RANGE(worst, 0, 1e-4);
  air::Noise noise(4);
  double power = 0;
  constexpr int kTrials = 400;
  for (int t = 0; t < kTrials; ++t) {
    CarrierVector n{};
    noise.write(n.data(), n.size(), 1.0);
    SplitVector observed;
    split(n, observed);
    power += s.smooth(observed, 16e-3, 1.0).rawPower / kTrials;
  }
  // noise variance 1 in an average of 16 observations: 16 of one observation.
  CHECK_RANGE(power / (16 * s.dataNoiseGain()), 0.95, 1.05);
  CHECK_RANGE(power, 0.2, 18.0 / 52 * 1.1);
}

TEST_CASE(tracker, "tracker: a line in noise is found with least-squares accuracy") {
  double phaseSquare = 0, frequencySquare = 0;
  constexpr int kTrials = 300, kPoints = 100;
  constexpr double kVariance = 0.05;
  for (int t = 0; t < kTrials; ++t) {
    air::Noise noise(static_cast<std::uint64_t>(t));
    PhaseTracker tracker;
    const double frequency = 1e-3 * (air::uniform(8, t) - 0.5), phase = air::uniform(9, t);
    tracker.start(0, 1, 0, 4e-6);
    for (int i = 0; i < kPoints; ++i) {
      air::Cf n;
      noise.write(&n, 1, std::sqrt(2 * kVariance));
      const double time = 80.0 * i;
      const double predicted = tracker.predict(time);
      tracker.observe(phase + frequency * time + static_cast<double>(n.real()) - predicted, kVariance);
    }
    std::vector<double> phases, frequencies;
    tracker.smooth(phases, frequencies);
    const double e = phases[kPoints / 2] - phase - frequency * 80.0 * (kPoints / 2),
                 f = frequencies[0] - frequency;
    phaseSquare += e * e / kTrials;
    frequencySquare += f * f / kTrials;
  }
  // Least squares: phase variance v/n in the middle, slope variance 12 v / n^3 per step^2. Process noise
  // costs a little.
  CHECK_RANGE(phaseSquare / (kVariance / kPoints), 0.7, 2.0);
  CHECK_RANGE(frequencySquare * 80 * 80 / (12 * kVariance / (kPoints * kPoints * kPoints)), 0.7, 1.6);
}

TEST_CASE(ringing,
          "edge ringing takes its degrees of freedom of noise and no more, and all of its own shape") {
  const EdgeRinging ringing(8);
  std::array<CarrierVector, EdgeRinging::kSymbols + 2> sent;
  sent[0] = waveform().longTraining;
  for (std::size_t m = 1; m < sent.size(); ++m)
    for (int k = 0; k < kLoadedCarriers; ++k)
      sent[m][k] =
          Cf(std::polar(1.0, kPi / 2 * std::floor(4 * air::uniform(m, static_cast<std::uint64_t>(k)))));
  constexpr int kTrials = 500;
  double explained = 0;
  air::Noise noise(5);
  std::array<CarrierVector, EdgeRinging::kSymbols> residuals;
  for (int t = 0; t < kTrials; ++t) {
    for (auto& carriers : residuals)
      noise.write(carriers.data(), carriers.size(), 1);
    explained += ringing.explained(sent.data(), residuals) / kTrials;
  }
  CHECK_RANGE(explained, 0.9 * EdgeRinging::kFreedom, 1.1 * EdgeRinging::kFreedom);

  // A sinc's tail behind the window, straight in time: 7 samples and more from what the strongest path sends.
  constexpr int kLead = 6, kTail = 40;
  const auto at = [](const CarrierVector& carriers, int n) {
    Cd sum = 0;
    for (int k = 0; k < kLoadedCarriers; ++k)
      sum += Cd(carriers[k]) * std::polar(1.0, 2 * kPi * loadedCarriers()[k] * n / kCarriers);
    return sum;
  };
  double energy = 0;
  for (int m = 0; m < EdgeRinging::kSymbols; ++m) {
    residuals[m].fill(Cf(0, 0));
    for (int n = -kLead; n < kCarriers - kLead; ++n) {
      Cd error = 0;
      for (int b = 0; b < kTail; ++b) { // sample 64 + b
        const int l = n - kCarriers - b;
        error += (l % 2 == 0 ? 1.0 : -1.0) / l * (at(sent[m + 2], b - kCyclicPrefix) - at(sent[m + 1], b));
      }
      for (int k = 0; k < kLoadedCarriers; ++k)
        residuals[m][k] +=
            Cf(error * std::polar(1.0, -2 * kPi * loadedCarriers()[k] * (n + kLead - 8) / kCarriers));
    }
    for (const Cf& r : residuals[m])
      energy += static_cast<double>(std::norm(r));
  }
  CHECK_RANGE(ringing.explained(sent.data(), residuals) / energy, 0.99, 1.0001);
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
