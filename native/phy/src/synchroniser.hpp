#pragma once

#include <array>
#include <vector>

#include "fft.hpp"
#include "waveform.hpp"

namespace otabench::phy {

/**
 * Second stage of the search. CFO from the short training (maximum of its folded periodogram); correlation
 * with one long training symbol, its four repeats combined for three CFO corrections; the best lag and its
 * neighbours one repeat away are then judged by the whole preamble: eight blocks of 64 known samples,
 * coherent at the best residual CFO.
 */
class Synchroniser {
public:
  static constexpr int kFftSize = 512;
  static constexpr int kReach = 112;
  static constexpr int kLags = 2 * kReach + 1;
  /** The long training is sought from this offset behind the start of the gate's window. */
  static constexpr int kFirstLag = kShortSamples - kReach;
  /** Samples needed before and after the start of the gate's window. */
  static constexpr int kBefore = kReach + kCarriers;
  static constexpr int kAfter = kFirstLag + kLags + kCarriers + kLongSamples;

  /** @param noiseBandwidth  share of the band that noise fills: with less, noise fits the preamble better */
  explicit Synchroniser(double noiseBandwidth = 1);

  struct Result {
    bool found = false;
    int longStart = 0; // first sample of the long training's prefix, from the window's start (strongest path)
    double metric = 0; // |correlation with the preamble|^2 / (energies of both), 0..1
    double weakerHalf = 0; // the same of the short and of the long training alone, the lesser of the two
    double cfo = 0;        // rad/sample
  };
  /**
   * @param samples  start of the gate's window; kBefore samples before and kAfter behind it are read
   * @param bins     the gate's CFO reading
   */
  Result search(const Cf* samples, float bins);

private:
  double noiseBandwidth_;
  Result judge(int lag) const;

  Fft forward_;
  Fft inverse_;
  std::array<Cf, kFftSize> conjTemplate_;
  std::array<Cf, kBefore + kAfter> rotation_;
  std::array<Cf, kBefore + kAfter> derotated_;
};

} // namespace otabench::phy
