#pragma once

#include <cstddef>
#include <vector>

#include "otabench/phy/numerology.hpp"

namespace otabench::phy {

/**
 * Common phase over a burst: a Kalman filter with the state (phase, frequency) and a Rauch-Tung-Striebel
 * smoother behind it. Without process noise that is the least-squares line through all phases; the little
 * that it has lets the line bend with oscillator phase noise, and `adapt` gives it what the observations ask
 * for. Times are samples, phases radians.
 */
class PhaseTracker {
public:
  /** @param sampleRateHz  the oscillator's phase noise is one per second, so slower samples have more of it
   */
  explicit PhaseTracker(double sampleRateHz = kDefaultSampleRateHz)
      : leastNoise_(kPhaseNoise * kDefaultSampleRateHz / sampleRateHz), noisePerSample_(leastNoise_) {}

  /** For another burst: the least process noise. */
  void reset() { noisePerSample_ = leastNoise_; }

  /** Starts at `time` with phase 0 +- and frequency `frequency` +- (variances rad^2, (rad/sample)^2). */
  void start(double time, double phaseVariance, double frequency, double frequencyVariance);

  /** Phase expected at `time` (not before the last one). Must be followed by `observe`. */
  double predict(double time);

  /** @param residual  observed minus predicted phase, -pi..pi;  @param variance  of the observation, rad^2 */
  void observe(double residual, double variance);

  /**
   * When the observations stray further from their predictions than the variances allow, goes through them
   * again with more process noise, up to 16 mrad^2 a symbol at 5 MS/s (160 Hz of linewidth), and keeps the
   * likeliest until the next reset. Observations that are noisier than was said (interference, clipping)
   * stray without a memory: that larger variances are not as likely is what more process noise must show.
   */
  void adapt();

  /** Process noise now assumed, rad^2 a sample. */
  double noisePerSample() const { return noisePerSample_; }

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
    double observed, variance;
  };
  Gaussian advanced(double interval) const;
  void update(Step& step, double residual, double variance);
  double filterAgain(double noisePerSample, double varianceFactor);
  std::vector<Step> steps_;
  Gaussian state_{}, begin_{};
  double time_ = 0;
  double leastNoise_, noisePerSample_;
  double strayed_ = 0; // sum of squared residuals over their variances: one each where all is as assumed
};

} // namespace otabench::phy
