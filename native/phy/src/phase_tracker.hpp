#pragma once

#include <cstddef>
#include <vector>

namespace otabench::phy {

/**
 * Common phase over a burst: a Kalman filter with the state (phase, frequency) and a Rauch-Tung-Striebel
 * smoother behind it. Without process noise that is the least-squares line through all phases; the little
 * that it has lets the line bend with oscillator phase noise. Times are samples, phases radians.
 */
class PhaseTracker {
public:
  /** Starts at `time` with phase 0 +- and frequency `frequency` +- (variances rad^2, (rad/sample)^2). */
  void start(double time, double phaseVariance, double frequency, double frequencyVariance);

  /** Phase expected at `time` (not before the last one). Must be followed by `observe`. */
  double predict(double time);

  /** @param residual  observed minus predicted phase, -pi..pi;  @param variance  of the observation, rad^2 */
  void observe(double residual, double variance);

  /** phases[i], frequencies[i] of the i-th observation, given all of them. */
  void smooth(std::vector<double>& phases, std::vector<double>& frequencies) const;

private:
  struct Gaussian {
    double phase, frequency;
    double pp, pf, ff; // covariance
  };
  struct Step {
    Gaussian predicted, filtered;
    double interval;
  };
  std::vector<Step> steps_;
  Gaussian state_{};
  double time_ = 0;
};

} // namespace otabench::phy
