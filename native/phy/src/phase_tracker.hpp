#pragma once

#include <cstddef>
#include <vector>

#include "otabench/phy/numerology.hpp"

namespace otabench::phy {

/**
 * Common phase over a burst: a Kalman filter with the state (phase, frequency) and a Rauch-Tung-Striebel
 * smoother behind it. Without process noise that is the least-squares line through all phases; the little
 * that it has lets the line bend with oscillator phase noise. Times are samples, phases radians.
 */
class PhaseTracker {
public:
  /** @param sampleRateHz  the oscillator's phase noise is one per second, so slower samples have more of it
   */
  explicit PhaseTracker(double sampleRateHz = kDefaultSampleRateHz)
      : noisePerSample_(kPhaseNoise * kDefaultSampleRateHz / sampleRateHz) {}

  /** Starts at `time` with phase 0 +- and frequency `frequency` +- (variances rad^2, (rad/sample)^2). */
  void start(double time, double phaseVariance, double frequency, double frequencyVariance);

  /** Phase expected at `time` (not before the last one). Must be followed by `observe`. */
  double predict(double time);

  /** @param residual  observed minus predicted phase, -pi..pi;  @param variance  of the observation, rad^2 */
  void observe(double residual, double variance);

  /** phases[i], frequencies[i] of the i-th observation, given all of them. */
  void smooth(std::vector<double>& phases, std::vector<double>& frequencies) const;

private:
  /** Random-walk phase noise per sample at 5 MS/s, rad^2: 2e-6 a symbol, 0.06 rad over the longest burst. */
  static constexpr double kPhaseNoise = 2e-6 / 80;
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
  double noisePerSample_;
};

} // namespace otabench::phy
