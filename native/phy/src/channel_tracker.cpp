#include "channel_tracker.hpp"

#include <algorithm>
#include <cmath>

#include "carrier_math.hpp"
#include "cholesky.hpp"
#include "simd.hpp"

namespace otabench::phy {

namespace {

constexpr int kFewestSymbols = 8;
/** Of the pilots' linear and quadratic course over time, in noise Gamma(8): passed by one burst in 1,300. */
constexpr double kChangeThreshold = 20;
/** Logarithm of the likelihood that a change must add. */
constexpr double kWorthwhile = 4;
/** Fastest change, radians a symbol: 300 Hz of Doppler at 5 MS/s. What is faster is noise, clipping or a
 * collision, and must stay visible as such. */
constexpr double kFastest = 0.03;
/** The change's delay spread beside the present channel's, whose taps may be in a fade, and at least,
 * samples.
 */
constexpr double kSpreadMargin = 1.3;
constexpr double kLeastSpread = 0.4;
constexpr int kSpreadLag = 8; // carriers

/** channel = base + sum of weights[p] change[p]. */
OTAPHY_CLONES void addChange(const CarrierVector& base,
                             const std::array<CarrierVector, kPilotCarriers>& weights,
                             const PilotVector& change, CarrierVector& channel) {
  for (int k = 0; k < kLoadedCarriers; ++k)
    channel[k] = base[k] + weights[0][k] * change[0] + weights[1][k] * change[1] + weights[2][k] * change[2] +
                 weights[3][k] * change[3];
}

} // namespace

/**
 * Posterior of the change D(t) = H(t) - H(training) at the blocks. With H a process of power P and
 * correlation r, cov D(t), D(t') = P (r(t - t') - r(t) - r(t') + 1); the training's error is common to all
 * blocks.
 */
ChannelTracker::Fit ChannelTracker::fit(double changeRate, double power, const Training& training,
                                        double noiseVariance) const {
  const std::size_t n = time_.size();
  const auto correlation = [&](double t) { return std::exp(-0.25 * changeRate * changeRate * t * t); };
  std::vector<double> prior(n * n), l(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      const double p =
          power * (correlation(time_[i] - time_[j]) - correlation(time_[i]) - correlation(time_[j]) + 1);
      prior[i * n + j] = prior[j * n + i] = p;
      l[i * n + j] = l[j * n + i] = p + training.errorVariance + (i == j ? noiseVariance / count_[i] : 0);
    }
  choleskyFactor(l, n);
  Fit f;
  for (std::size_t i = 0; i < n; ++i)
    f.logLikelihood -= 2 * kPilotCarriers * std::log(l[i * n + i]);
  f.change.assign(n, PilotVector{});
  std::vector<Cd> x(n);
  for (std::size_t p = 0; p < kPilotCarriers; ++p) {
    for (std::size_t i = 0; i < n; ++i)
      x[i] = Cd(deviation_[i][p]);
    choleskySolve(l, n, x.data());
    for (std::size_t i = 0; i < n; ++i) {
      f.logLikelihood -= (std::conj(Cd(deviation_[i][p])) * x[i]).real();
      Cd sum = 0;
      for (std::size_t j = 0; j < n; ++j)
        sum += prior[i * n + j] * x[j];
      f.change[i][p] = Cf(sum);
    }
  }
  return f;
}

/** Whether the pilots' course in time is more than noise; a first guess of u, radians a symbol. */
bool ChannelTracker::changed(double noiseVariance, double errorVariance, double& changeRate,
                             double power) const {
  // Linear and quadratic courses from the training on. The training's error, common to all blocks, is what
  // they must not be mistaken for: its part is added to their noise.
  double linear2 = 0, quadratic2 = 0, cross = 0, linear1 = 0, quadratic1 = 0;
  for (std::size_t i = 0; i < time_.size(); ++i) {
    const double t = time_[i] / time_.back();
    linear2 += count_[i] * t * t;
    cross += count_[i] * t * t * t;
    linear1 += count_[i] * t;
  }
  const double along = cross / linear2;
  for (std::size_t i = 0; i < time_.size(); ++i) {
    const double t = time_[i] / time_.back(), q = t * t - along * t;
    quadratic2 += count_[i] * q * q;
    quadratic1 += count_[i] * q;
  }
  double statistic = 0, slope2 = 0;
  for (std::size_t p = 0; p < kPilotCarriers; ++p) {
    Cd linear = 0, quadratic = 0;
    for (std::size_t i = 0; i < time_.size(); ++i) {
      const double t = time_[i] / time_.back();
      linear += count_[i] * t * Cd(deviation_[i][p]);
      quadratic += count_[i] * (t * t - along * t) * Cd(deviation_[i][p]);
    }
    statistic +=
        std::norm(linear) / (noiseVariance * linear2 + errorVariance * linear1 * linear1) +
        std::norm(quadratic) / (noiseVariance * quadratic2 + errorVariance * quadratic1 * quadratic1);
    slope2 += std::norm(linear / linear2) / kPilotCarriers;
  }
  // E |D(t)|^2 = P u^2 t^2 / 2 for small u t.
  changeRate =
      std::min(std::max(std::sqrt(2 * slope2 / std::max(power, 1e-30)), 0.02) / time_.back(), kFastest);
  return statistic > kChangeThreshold;
}

/** Delays: Gaussian around the channel's mean with its spread, from its correlation over the carriers. */
void ChannelTracker::interpolator(const CarrierVector& channel) {
  const auto carriers = loadedCarriers();
  const auto lagSum = [&](int lag) {
    Cd sum = 0;
    int count = 0;
    for (int k = 0; k + lag < kLoadedCarriers; ++k)
      if (carriers[k + lag] - carriers[k] == lag) {
        sum += std::conj(Cd(channel[k])) * Cd(channel[k + lag]);
        ++count;
      }
    return sum / static_cast<double>(count);
  };
  const double mean = -std::arg(lagSum(1)) * kCarriers / kTwoPi;
  const double share = std::min(std::abs(lagSum(kSpreadLag)) / std::max(lagSum(0).real(), 1e-30), 0.999);
  const double scale = kTwoPi / kCarriers;
  const double spread = std::max(
      kLeastSpread, kSpreadMargin * std::sqrt(-2 * std::log(std::max(share, 1e-3))) / (kSpreadLag * scale));
  const auto correlation = [&](int lag) {
    const double x = scale * lag * spread;
    return std::polar(std::exp(-0.5 * x * x), -scale * lag * mean);
  };
  // C_kp C_pp^-1; the mean delay's ramp is taken out, so that the matrix is real.
  std::vector<double> l(kPilotCarriers * kPilotCarriers);
  for (int p = 0; p < kPilotCarriers; ++p)
    for (int q = 0; q < kPilotCarriers; ++q)
      l[p * kPilotCarriers + q] =
          std::abs(correlation(carriers[waveform().pilot[p]] - carriers[waveform().pilot[q]])) +
          (p == q ? 1e-3 : 0);
  choleskyFactor(l, kPilotCarriers);
  for (int k = 0; k < kLoadedCarriers; ++k) {
    double x[kPilotCarriers];
    for (int p = 0; p < kPilotCarriers; ++p)
      x[p] = std::abs(correlation(carriers[k] - carriers[waveform().pilot[p]]));
    choleskySolve(l, kPilotCarriers, x);
    for (int p = 0; p < kPilotCarriers; ++p)
      weights_[p][k] =
          Cf(std::polar(1.0, -scale * (carriers[k] - carriers[waveform().pilot[p]]) * mean) * x[p]);
  }
}

bool ChannelTracker::track(const std::vector<PilotVector>& pilots, const Training& training,
                           double noiseVariance) {
  const int symbols = static_cast<int>(pilots.size());
  if (symbols < kFewestSymbols)
    return false;
  blockLength_ = (symbols + kMostBlocks - 1) / kMostBlocks;
  time_.clear();
  count_.clear();
  deviation_.clear();
  for (int first = 0; first < symbols; first += blockLength_) {
    const int count = std::min(blockLength_, symbols - first);
    PilotVector sum{};
    for (int m = first; m < first + count; ++m)
      for (std::size_t p = 0; p < kPilotCarriers; ++p)
        sum[p] += pilots[static_cast<std::size_t>(m)][p];
    for (std::size_t p = 0; p < kPilotCarriers; ++p)
      sum[p] = sum[p] / static_cast<float>(count) -
               (*training.channel)[static_cast<std::size_t>(waveform().pilot[p])];
    deviation_.push_back(sum);
    time_.push_back(training.age + first + 0.5 * (count - 1));
    count_.push_back(count);
  }
  double power = 0, changeRate = 0;
  for (const Cf& h : *training.channel)
    power += static_cast<double>(std::norm(h)) / kLoadedCarriers;
  if (!changed(noiseVariance, training.errorVariance, changeRate, power))
    return false;
  const Fit none = fit(0, power, training, noiseVariance);
  Fit best = fit(changeRate, power, training, noiseVariance);
  double rate = changeRate;
  for (const double factorOf : {2.0, 0.5})
    for (double next = changeRate * factorOf; next <= kFastest; next *= factorOf) {
      Fit other = fit(next, power, training, noiseVariance);
      if (other.logLikelihood <= best.logLikelihood)
        break;
      best = std::move(other);
      rate = next;
    }
  if (best.logLikelihood < none.logLikelihood + kWorthwhile)
    return false;
  channel_ = *training.channel;
  change_ = std::move(best.change);
  interpolator(channel_);
  // Courses with a variance above the noise's: about 1 + u T of them, as the process has that bandwidth.
  freedom_ = kPilotCarriers * std::min(1 + rate * time_.back(), static_cast<double>(time_.size()));
  return true;
}

void ChannelTracker::channelAt(int m, CarrierVector& channel) const {
  // Linear between the blocks' centres.
  const double place = (m - 0.5 * (blockLength_ - 1)) / blockLength_;
  const auto last = static_cast<int>(change_.size()) - 1;
  const int below = std::clamp(static_cast<int>(std::floor(place)), 0, std::max(last - 1, 0));
  const int above = std::min(below + 1, last);
  const auto fraction = static_cast<float>(std::clamp(place - below, -0.5, 1.5));
  PilotVector change;
  for (std::size_t p = 0; p < kPilotCarriers; ++p)
    change[p] = change_[static_cast<std::size_t>(below)][p] +
                fraction * (change_[static_cast<std::size_t>(above)][p] -
                            change_[static_cast<std::size_t>(below)][p]);
  addChange(channel_, weights_, change, channel);
}

} // namespace otabench::phy
