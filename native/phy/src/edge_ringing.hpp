#pragma once

#include <array>

#include "waveform.hpp"

namespace otabench::phy {

/**
 * What symbols leave of each other in the header when delays are fractions of a sample. Such a delay's
 * impulse response rings, alternating in sign, past the cyclic prefix's slack: at both ends of an FFT window
 * some of it reaches into the neighbouring symbol instead of this one's cyclic continuation. On the link's
 * carriers that is 50 dB below the signal in the mean over the fractions (0 at whole samples), 44 dB at the
 * outermost carriers.
 *
 * Header symbols and their neighbours are known, so each end is a linear model: the difference between
 * neighbour and continuation, weighted by an alternating tail. A tail (-1)^l exp(-s |l|) parts into a factor
 * of the sample in the window and one of the sample beyond it, hence one number per symbol, tail and end.
 * Two tails an end span 1 / l with and without a resampler's window.
 */
class EdgeRinging {
public:
  /** Complex coefficients that `explained` fits. */
  static constexpr int kFreedom = 4;
  /** @param centre  delay from the FFT's start that has no phase, samples */
  explicit EdgeRinging(double centre);

  /** Symbols with a known neighbour on either side. */
  static constexpr int kSymbols = kHeaderSymbols - 1;
  /**
   * @param sent       [13] what long training and header symbols sent, in their order
   * @param residuals  [11] received minus expected carriers of the first header symbols, phase turned back
   * @return energy of the residuals that least squares puts down to ringing
   */
  double explained(const CarrierVector* sent, const std::array<CarrierVector, kSymbols>& residuals) const;

private:
  struct Term {
    CarrierVector shape;     // on the window's carriers
    CarrierVector neighbour; // its sample beyond the edge, from the neighbour's carriers
    CarrierVector own;       // the same of the cyclic continuation
    int step;                // -1: ringing of the symbol before, 1: behind
  };
  std::array<Term, kFreedom> terms_;
  std::array<std::array<Cd, kFreedom>, kFreedom> shapes_; // their inner products
};

} // namespace otabench::phy
