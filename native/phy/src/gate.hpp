#pragma once

#include <array>

#include "fft.hpp"
#include "waveform.hpp"

namespace otabench::phy {

inline constexpr int kGateWindow = kShortSamples;
inline constexpr int kGateHop = 64;

/**
 * First stage of the search. The short training is 12 spectral lines, 16 bins apart in a 256-point spectrum,
 * moved by the CFO. For every shift of -8..7 bins about the centre the line powers are summed and compared
 * with the mean power per bin: coherent over 256 samples, non-coherent over lines, so it needs no CFO,
 * channel or level. (At Es/N0 = -5 dB the 16-lag autocorrelation lies only 1.5 sigma above a threshold that
 * noise passes once in 1,000.)
 */
class Gate {
public:
  /** Farthest centre of the search either way, bins of sample rate / 256: beyond it lines would wrap. */
  static constexpr int kFarthestCentre = 20;

  /** @param centre          middle of the search, bins, within +-kFarthestCentre
   * @param noiseBandwidth  share of the band that noise fills: its density is that much above the mean bin's
   */
  explicit Gate(int centre = 0, double noiseBandwidth = 1)
      : fft_(kGateWindow, Fft::Direction::Forward), centre_(centre),
        noiseBandwidth_(static_cast<float>(noiseBandwidth)) {}

  struct Reading {
    float level = 0; // line power over its threshold; > 1 opens the gate
    float bins = 0;  // CFO in bins of sample rate / 256, to about half a bin
  };
  /** @param samples  [kGateWindow] */
  Reading read(const Cf* samples);

private:
  Fft fft_;
  int centre_;
  float noiseBandwidth_;
};

} // namespace otabench::phy
