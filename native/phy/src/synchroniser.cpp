#include "synchroniser.hpp"

#include <algorithm>
#include <cmath>

#include "carrier_math.hpp"
#include "simd.hpp"

namespace otabench::phy {

namespace {

constexpr int kRepeatLags = kShortRepeats - 1;

constexpr int kBlocks = 8; // four of the short training, four of the long one
constexpr int kJudged = kBlocks * kCarriers;
// In noise metric x 512 is Exp(1) per lag and CFO: exp(-28) = 7e-13. A burst at Es/N0 = -5 dB lies at 105.
constexpr double kThreshold = 28.0 / kJudged;
/**
 * Both trainings must be there: a window half a preamble early puts the short training where the long one is
 * sought. One carrier off, its 12 lines fit 12 of the 52, which at high SNR is above kThreshold. In noise
 * each half is Exp(1) in these units, so 8 lets one in 3,000 pass; a burst at Es/N0 = -5 dB lies at 50 and
 * more.
 */
constexpr double kHalfThreshold = 8.0 / (kJudged / 2);
/** One repeat off, at most six of the eight blocks fit: metric <= (6/8)^2. */
constexpr double kBeyondDoubt = 0.6;
/** CFO corrections tried on the long repeats, rad per 64 samples, and the range and grid of the judge's. */
constexpr double kCoarseTurn = 0.5;
constexpr double kFineRange = 0.8;
constexpr int kFineSteps = 33;
constexpr double kFineStep = 2 * kFineRange / (kFineSteps - 1);

/** First sample of the judge's block b, from the start of the long training's prefix. */
constexpr int blockOffset(int b) {
  return b < kBlocks / 2 ? b * kCarriers - kShortSamples : kLongPrefix + (b - kBlocks / 2) * kCarriers;
}

/** Rotations of the judge's blocks for its CFO grid and one step beyond either end. */
struct JudgeGrid {
  Cd turn[kFineSteps + 2][kBlocks];
};

const JudgeGrid& judgeGrid() {
  static const JudgeGrid grid = [] {
    JudgeGrid g;
    for (int i = 0; i < kFineSteps + 2; ++i)
      for (int b = 0; b < kBlocks; ++b)
        g.turn[i][b] = std::polar(1.0, -((i - 1) * kFineStep - kFineRange) * blockOffset(b) / kCarriers);
    return g;
  }();
  return grid;
}

/** sum conj(a) b over count samples. */
OTAPHY_CLONES Cf correlate(const Cf* a, const Cf* b, int count) {
  float re[kLanes] = {}, im[kLanes] = {};
  const float* x = reinterpret_cast<const float*>(a);
  const float* y = reinterpret_cast<const float*>(b);
  for (int n = 0; n < count; n += kLanes)
    for (int j = 0; j < kLanes; ++j) {
      const float xr = x[2 * (n + j)], xi = x[2 * (n + j) + 1], yr = y[2 * (n + j)], yi = y[2 * (n + j) + 1];
      re[j] += xr * yr + xi * yi;
      im[j] += xr * yi - xi * yr;
    }
  return {sumLanes(re), sumLanes(im)};
}

constexpr double kBin = kTwoPi / kShortSamples;
/** The gate is right to half a bin: the periodogram's grid of eighth bins. */
constexpr int kGridPoints = 17;
constexpr int kGridLanes = 24; // whole vectors

struct PeriodogramGrid {
  alignas(64) float cosine[kRepeatLags][kGridLanes]{}, sine[kRepeatLags][kGridLanes]{};
  PeriodogramGrid() {
    for (int m = 0; m < kRepeatLags; ++m)
      for (int i = 0; i < kGridPoints; ++i) {
        const double angle = kShortPeriod * (m + 1) * (i - kGridPoints / 2) * kBin / 8;
        cosine[m][i] = static_cast<float>(std::cos(angle));
        sine[m][i] = static_cast<float>(std::sin(angle));
      }
  }
};

OTAPHY_CLONES void gridValues(const PeriodogramGrid& grid, const Cf* lags, float* values) {
  for (int m = 0; m < kRepeatLags; ++m)
    for (int i = 0; i < kGridLanes; ++i)
      values[i] += lags[m].real() * grid.cosine[m][i] + lags[m].imag() * grid.sine[m][i];
}

/** CFO that maximises the periodogram of the 16-fold repetition: Re sum_m R(16 m) exp(-j 16 m w), m = 1..15.
 */
double periodogramPeak(const Cf* samples, double start) {
  static const PeriodogramGrid grid;
  Cd r[kRepeatLags];
  Cf lags[kRepeatLags];
  const Cd startStep = std::polar(1.0, -kShortPeriod * start);
  Cd turn = startStep;
  for (int m = 1; m <= kRepeatLags; ++m, turn *= startStep) {
    r[m - 1] = Cd(correlate(samples, samples + m * kShortPeriod, kShortSamples - m * kShortPeriod)) * turn;
    lags[m - 1] = Cf(r[m - 1]);
  }
  float values[kGridLanes] = {};
  gridValues(grid, lags, values);
  double best =
      static_cast<double>(std::max_element(values, values + kGridPoints) - values - kGridPoints / 2) * kBin /
      8;
  // Newton's iterations from within a sixteenth of a bin.
  for (int iteration = 0; iteration < 3; ++iteration) {
    double slope = 0, curvature = 0;
    const Cd step = std::polar(1.0, -kShortPeriod * best);
    turn = step;
    for (int m = 1; m <= kRepeatLags; ++m, turn *= step) {
      const Cd v = r[m - 1] * turn;
      slope += m * v.imag();
      curvature -= m * m * v.real();
    }
    if (!(curvature < 0))
      break;
    best += std::clamp(-slope / (curvature * kShortPeriod), -kBin / 8, kBin / 8);
  }
  return start + best;
}

/** Lag with the most power in the four repeats, which are combined with -, no and + correction of the CFO. */
OTAPHY_CLONES void combineRepeats(const Cf* correlation, Cf turn, float* power) {
  const Cf turn2 = turn * turn, turn3 = turn2 * turn;
  const Cf* c = correlation + kLongPrefix;
  for (int lag = 0; lag < Synchroniser::kLags; ++lag) {
    const Cf sum =
        c[lag] + c[lag + kCarriers] * turn + c[lag + 2 * kCarriers] * turn2 + c[lag + 3 * kCarriers] * turn3;
    const float p = sum.real() * sum.real() + sum.imag() * sum.imag();
    power[lag] = p > power[lag] ? p : power[lag];
  }
}

int strongestLag(const Cf* correlation) {
  float power[Synchroniser::kLags] = {};
  for (const double turn : {-kCoarseTurn, 0.0, kCoarseTurn})
    combineRepeats(correlation, Cf(std::polar(1.0, turn)), power);
  return static_cast<int>(std::max_element(power, power + Synchroniser::kLags) - power);
}

} // namespace

Synchroniser::Synchroniser(double noiseBandwidth)
    : noiseBandwidth_(noiseBandwidth), forward_(kFftSize, Fft::Direction::Forward),
      inverse_(kFftSize, Fft::Direction::Inverse) {
  std::copy_n(waveform().preamble.begin() + kShortSamples + kLongPrefix, kCarriers, forward_.in());
  forward_.run();
  for (int i = 0; i < kFftSize; ++i)
    conjTemplate_[i] = std::conj(forward_.out()[i]);
}

Synchroniser::Result Synchroniser::judge(int lag) const {
  const Waveform& w = waveform();
  const JudgeGrid& grid = judgeGrid();
  const Cf* longStart = derotated_.data() + kBefore + lag;
  Cd blocks[kBlocks];
  for (int b = 0; b < kBlocks; ++b)
    blocks[b] = Cd(
        correlate(w.preamble.data() + kShortSamples + blockOffset(b), longStart + blockOffset(b), kCarriers));
  double values[kFineSteps + 2];
  for (int i = 0; i < kFineSteps + 2; ++i) {
    Cd sum = 0;
    for (int b = 0; b < kBlocks; ++b)
      sum += blocks[b] * grid.turn[i][b];
    values[i] = std::norm(sum);
  }
  const double* best = std::max_element(values + 1, values + 1 + kFineSteps);
  double turn = static_cast<double>(best - values - 1) * kFineStep - kFineRange;
  const double curvature = best[-1] - 2 * best[0] + best[1];
  if (curvature < 0)
    turn += std::clamp(0.5 * (best[-1] - best[1]) / curvature, -1.0, 1.0) * kFineStep;
  const double shortEnergy = static_cast<double>(
      correlate(longStart - kShortSamples, longStart - kShortSamples, kShortSamples).real());
  const double longEnergy = static_cast<double>(
      correlate(longStart + kLongPrefix, longStart + kLongPrefix, kLongRepeats * kCarriers).real());
  const int bestStep = static_cast<int>(best - values);
  const auto half = [&](int firstBlock, double energy) {
    Cd sum = 0;
    for (int b = firstBlock; b < firstBlock + kBlocks / 2; ++b)
      sum += blocks[b] * grid.turn[bestStep][b];
    return energy > 0 ? std::norm(sum) / (energy * (kJudged / 2)) : 0.0;
  };
  Result result;
  result.longStart = lag;
  result.cfo = turn / kCarriers;
  if (shortEnergy > 0 && longEnergy > 0) {
    result.metric = *best / ((shortEnergy + longEnergy) * kJudged);
    result.weakerHalf = std::min(half(0, shortEnergy), half(kBlocks / 2, longEnergy));
  }
  return result;
}

Synchroniser::Result Synchroniser::search(const Cf* samples, float bins) {
  const double cfo = periodogramPeak(samples, kTwoPi * static_cast<double>(bins) / kShortSamples);
  fillRotation(rotation_.data(), kBefore + kAfter, 0, -cfo);
  multiply(derotated_.data(), samples - kBefore, rotation_.data(), kBefore + kAfter);
  const Cf* segment = derotated_.data() + kBefore + kFirstLag;
  std::copy_n(segment, kFftSize, forward_.in());
  forward_.run();
  multiply(inverse_.in(), forward_.out(), conjTemplate_.data(), kFftSize);
  inverse_.run();
  const int bestLag = strongestLag(inverse_.out());
  Result best = judge(kFirstLag + bestLag);
  for (const int lag : {bestLag - kCarriers, bestLag + kCarriers}) {
    if (best.metric > kBeyondDoubt)
      break;
    if (lag < -kCarriers || lag >= kLags + kCarriers)
      continue;
    const Result candidate = judge(kFirstLag + lag);
    if (candidate.metric > best.metric)
      best = candidate;
  }
  best.cfo += cfo;
  best.found =
      best.metric * noiseBandwidth_ > kThreshold && best.weakerHalf * noiseBandwidth_ > kHalfThreshold;
  return best;
}

} // namespace otabench::phy
