#pragma once

#include <array>
#include <vector>

#include "carrier_math.hpp"

namespace otabench::phy {

/**
 * Channel estimation over the 52 loaded carriers, denoised in the delay domain: linear MMSE for delays spread
 * evenly over a window of the cyclic prefix's length, whatever fraction of a sample they have (Edfors et al.,
 * IEEE Trans. Comm. 46(7), 1998; the basis is Slepian's, so nothing leaks as it would with whole-sample
 * taps). About 17 of 52 dimensions remain.
 *
 * Delays are counted from the window's middle, which makes the covariance real: C[k, k'] = sinc((k - k') 16 /
 * 64).
 */
class DelaySmoother {
public:
  static constexpr int kMaxDimensions = 32;

  /** @param weights  [52] number of unit-power observations that were averaged on each carrier, >= 0 */
  explicit DelaySmoother(const std::array<double, kLoadedCarriers>& weights);

  struct Estimate {
    SplitVector channel; // MMSE
    double rawPower = 0; // mean |H|^2 over the data carriers of the unshrunk estimate, noise included
  };
  /**
   * @param observed       [52] weighted mean of Y X* / |X|^2 on each carrier, delays counted from the
   * window's middle
   * @param noiseVariance  of one unit-power observation
   * @param channelPower   prior mean |H|^2
   */
  Estimate smooth(const SplitVector& observed, double noiseVariance, double channelPower) const;

  /** Noise power in the unshrunk estimate per unit of noise variance: mean over the data carriers, over all
   * carriers. */
  double dataNoiseGain() const { return dataNoiseGain_; }
  double noiseGain() const { return noiseGain_; }
  int dimensions() const { return dimensions_; }

private:
  int dimensions_ = 0;
  std::array<float, kMaxDimensions> strength_{}; // squared singular values
  std::array<std::array<float, kMaxDimensions>, kLoadedCarriers>
      analysis_{}; // coefficients = analysis x observed
  std::array<std::array<float, kSplitCarriers>, kMaxDimensions>
      synthesis_{}; // unshrunk estimate = coefficients x it
  double dataNoiseGain_ = 0;
  double noiseGain_ = 0;
};

/** Eigenvalues (descending) and eigenvectors (rows) of a real symmetric matrix, by cyclic Jacobi rotations.
 */
void symmetricEigen(std::vector<std::vector<double>>& matrix, std::vector<double>& values,
                    std::vector<std::vector<double>>& vectors);

} // namespace otabench::phy
