#include "phase_tracker.hpp"

namespace otabench::phy {

void PhaseTracker::start(double time, double phaseVariance, double frequency, double frequencyVariance) {
  steps_.clear();
  time_ = time;
  state_ = {0, frequency, phaseVariance, 0, frequencyVariance};
}

double PhaseTracker::predict(double time) {
  const double dt = time - time_;
  Step step{};
  step.interval = dt;
  step.predicted = {state_.phase + state_.frequency * dt, state_.frequency,
                    state_.pp + 2 * dt * state_.pf + dt * dt * state_.ff +
                        (dt > 0 ? dt : -dt) * noisePerSample_,
                    state_.pf + dt * state_.ff, state_.ff};
  time_ = time;
  steps_.push_back(step);
  return step.predicted.phase;
}

void PhaseTracker::observe(double residual, double variance) {
  Step& step = steps_.back();
  const Gaussian& p = step.predicted;
  const double total = p.pp + variance;
  const double gainPhase = p.pp / total, gainFrequency = p.pf / total;
  step.filtered = {p.phase + gainPhase * residual, p.frequency + gainFrequency * residual,
                   p.pp * variance / total, p.pf * variance / total, p.ff - gainFrequency * p.pf};
  state_ = step.filtered;
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
