// What a path does to a waveform in one trial: its taps, and how they fade.
#pragma once

#include "otabench/medium/medium.hpp"

#include <array>
#include <complex>
#include <cstdint>
#include <memory>
#include <vector>

namespace otabench::medium {

/// Random gain of one tap, mean power 1: a line of sight and scattered waves.
struct TapFading {
  static constexpr std::size_t kWaves = 32;
  double sightAmplitude = 0.0;
  double sightHz = 0.0;
  double sightPhase = 0.0;
  double scatterAmplitude = 1.0;
  std::array<double, kWaves> waveHz{};
  std::array<double, kWaves> wavePhase{};
  std::complex<double> drawn; ///< scattered part where it does not move
};

using TapGains = std::vector<std::complex<double>>;

struct Channel {
  double pathLossDb = 0.0;
  std::vector<Tap> taps; ///< mean powers where they fade
  double leastDelayS = 0.0;
  double greatestDelayS = 0.0;
  std::vector<TapFading> fading; ///< none, or one of each tap
  bool moves = false;            ///< gains change within the trial
  double dopplerHz = 0.0;        ///< greatest, of moving gains
  double gridNs = 0.0;           ///< between the instants at which moving gains are computed exactly

  /// Gains to multiply the taps with, exact. trueNs: at the receiver.
  void exactGains(double trueNs, TapGains& gains) const;
};

/// Of (seed, the moment's realisation, from, to); the path must be valid.
std::shared_ptr<const Channel> makeChannel(const PathProfile& path, std::uint64_t seed,
                                           const ChannelMoment& moment);

/// Gains between grid instants (cubic; error below -75 dB). Scratch memory of one renderer.
class GainTable {
public:
  const TapGains& at(const std::shared_ptr<const Channel>& channel, double trueNs);

private:
  std::shared_ptr<const Channel> channel_;
  std::int64_t index_ = 0;
  bool filled_ = false;
  std::array<TapGains, 4> grid_; ///< instants index_ - 1 to index_ + 2
  TapGains gains_;
};

} // namespace otabench::medium
