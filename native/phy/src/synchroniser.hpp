#pragma once

#include <array>
#include <vector>

#include "fft.hpp"
#include "waveform.hpp"

namespace otabench::phy {

/**
 * Second stage of the search: CFO from the short training (maximum of its folded periodogram), then
 * cross-correlation with the whole long training.
 */
class Synchroniser {
public:
  static constexpr int kFftSize = 512;
  static constexpr int kLags = kFftSize - kLongSamples + 1;
  /** The long training is sought from this offset behind the start of the gate's best window. */
  static constexpr int kFirstLag = kShortSamples - kLags / 2;
  /** Samples needed from the start of the gate's best window. */
  static constexpr int kSpan = kFirstLag + kFftSize;

  Synchroniser();

  struct Result {
    bool found = false;
    int longStart = 0; // first sample of the long training's prefix, from the window's start (strongest path)
    double metric = 0; // |r|^2 / (energy of template x energy of samples), 0..1
    double cfo = 0;    // rad/sample
  };
  /**
   * @param samples  [kSpan], from the start of the gate's best window
   * @param bins     the gate's CFO reading
   */
  Result search(const Cf* samples, float bins);

private:
  Fft forward_;
  Fft inverse_;
  std::array<Cf, kFftSize> conjTemplate_;
  std::array<Cf, kFftSize> rotation_;
};

} // namespace otabench::phy
