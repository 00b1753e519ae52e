#pragma once

#include <array>
#include <vector>

#include "waveform.hpp"

namespace otabench::phy {

/** Payload pilots of one OFDM symbol over what was sent, common phase removed. */
using PilotVector = std::array<Cf, kPilotCarriers>;

/**
 * How the channel changes over a payload (Doppler), from its pilots alone. In time each pilot's channel is a
 * Gaussian process with the correlation exp(-(u t)^2 / 4), which is Clarke's J0(u t) up to its fourth order;
 * u is the likeliest of a few. Over the carriers the change is interpolated by LMMSE for a delay spread
 * measured on the burst's own channel. A change that the noise explains is taken for none.
 */
class ChannelTracker {
public:
  struct Training {
    const CarrierVector* channel; // as it was `age` before the first payload symbol
    double age;                   // OFDM symbols, > 0
    double errorVariance;         // of the channel
  };
  /** @return whether the channel changed: then `change` and `freedom` tell */
  bool track(const std::vector<PilotVector>& pilots, const Training& training, double noiseVariance);

  /** The channel at payload symbol m (of the last `track`, which returned true). */
  void channelAt(int m, CarrierVector& channel) const;
  /** Complex parameters that the pilots have spent on it. */
  double freedom() const { return freedom_; }

private:
  static constexpr int kMostBlocks = 32;
  struct Fit {
    double logLikelihood = 0;
    double freedom = 0;
    std::vector<PilotVector> change; // of each block
  };
  Fit fit(double changeRate, double power, const Training& training, double noiseVariance) const;
  bool changed(double noiseVariance, double errorVariance, double& changeRate, double power) const;
  void interpolator(const CarrierVector& channel);

  std::vector<double> time_, count_;   // centre of each block from the training, symbols in it
  std::vector<PilotVector> deviation_; // mean of each block, minus the training's channel
  CarrierVector channel_{};
  int blockLength_ = 1;
  double freedom_ = 0;
  std::vector<PilotVector> change_;
  std::array<CarrierVector, kPilotCarriers> weights_{}; // change of a carrier from the pilots'
};

} // namespace otabench::phy
