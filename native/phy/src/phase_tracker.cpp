#include "phase_tracker.hpp"

#include <cmath>
#include <limits>

#include "carrier_math.hpp"

namespace otabench::phy {

namespace {
/** Standard deviations by which the residuals must exceed their variances before more noise is tried. */
constexpr double kSuspicious = 4;
/** Process noise tried, over the least, and variances, over those said. */
constexpr double kMoreNoise[] = {1, 16, 128, 1024, 8192}, kMoreVariance[] = {1, 3, 10, 30};
/** Logarithm of the likelihood that either must add. */
constexpr double kWorthwhile = 3;
} // namespace

void PhaseTracker::start(double time, double phaseVariance, double frequency, double frequencyVariance) {
  steps_.clear();
  time_ = time;
  state_ = begin_ = {0, frequency, phaseVariance, 0, frequencyVariance};
  strayed_ = 0;
}

PhaseTracker::Gaussian PhaseTracker::advanced(double interval) const {
  return {state_.phase + state_.frequency * interval, state_.frequency,
          state_.pp + 2 * interval * state_.pf + interval * interval * state_.ff +
              std::fabs(interval) * noisePerSample_,
          state_.pf + interval * state_.ff, state_.ff};
}

double PhaseTracker::predict(double time) {
  Step step{};
  step.interval = time - time_;
  step.predicted = advanced(step.interval);
  time_ = time;
  steps_.push_back(step);
  return step.predicted.phase;
}

void PhaseTracker::update(Step& step, double residual, double variance) {
  const Gaussian& p = step.predicted;
  const double total = p.pp + variance;
  const double gainPhase = p.pp / total, gainFrequency = p.pf / total;
  step.filtered = {p.phase + gainPhase * residual, p.frequency + gainFrequency * residual,
                   p.pp * variance / total, p.pf * variance / total, p.ff - gainFrequency * p.pf};
  state_ = step.filtered;
  strayed_ += residual * residual / total;
}

void PhaseTracker::observe(double residual, double variance) {
  Step& step = steps_.back();
  step.observed = step.predicted.phase + residual;
  step.variance = variance;
  update(step, residual, variance);
}

/** @return the observations' log-likelihood, less what is common to all */
double PhaseTracker::filterAgain(double noisePerSample, double varianceFactor) {
  noisePerSample_ = noisePerSample;
  state_ = begin_;
  strayed_ = 0;
  double spread = 0;
  for (Step& step : steps_) {
    step.predicted = advanced(step.interval);
    const double variance = step.variance * varianceFactor;
    spread += std::log(step.predicted.pp + variance);
    update(step, wrap(step.observed - step.predicted.phase), variance);
  }
  return -0.5 * (strayed_ + spread);
}

void PhaseTracker::adapt() {
  const auto count = static_cast<double>(steps_.size());
  if (noisePerSample_ == leastNoise_ && !(strayed_ > count + kSuspicious * std::sqrt(2 * count)))
    return;
  double best = 1, bestFactor = 1, likelihood = -std::numeric_limits<double>::infinity();
  for (const double more : kMoreNoise)
    for (const double factor : kMoreVariance) {
      const double other = filterAgain(leastNoise_ * more, factor) - (more > 1 ? kWorthwhile : 0) -
                           (factor > 1 ? kWorthwhile : 0);
      if (other > likelihood) {
        best = more;
        bestFactor = factor;
        likelihood = other;
      }
    }
  filterAgain(leastNoise_ * best, bestFactor);
}

void PhaseTracker::smooth(std::vector<double>& phases, std::vector<double>& frequencies) const {
  const std::size_t n = steps_.size();
  phases.resize(n);
  frequencies.resize(n);
  if (n == 0)
    return;
  phases[n - 1] = steps_[n - 1].filtered.phase;
  frequencies[n - 1] = steps_[n - 1].filtered.frequency;
  for (std::size_t i = n - 1; i-- > 0;) {
    const Gaussian& f = steps_[i].filtered;
    const Gaussian& p = steps_[i + 1].predicted;
    const double dt = steps_[i + 1].interval;
    // Gain = P_filtered F' P_predicted^-1
    const double det = p.pp * p.ff - p.pf * p.pf;
    const double a = f.pp + dt * f.pf, b = f.pf, c = f.pf + dt * f.ff, d = f.ff;
    const double g00 = (a * p.ff - b * p.pf) / det, g01 = (b * p.pp - a * p.pf) / det;
    const double g10 = (c * p.ff - d * p.pf) / det, g11 = (d * p.pp - c * p.pf) / det;
    const double dPhase = phases[i + 1] - p.phase, dFrequency = frequencies[i + 1] - p.frequency;
    phases[i] = f.phase + g00 * dPhase + g01 * dFrequency;
    frequencies[i] = f.frequency + g10 * dPhase + g11 * dFrequency;
  }
}

} // namespace otabench::phy
