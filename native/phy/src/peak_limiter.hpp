#pragma once

#include <vector>

#include "fft.hpp"
#include "waveform.hpp"

namespace otabench::phy {

/**
 * Clip and filter, repeated (Armstrong, Electronics Letters 38(5), 2002): the envelope is limited at four
 * times the sample rate, and what falls on carriers that are not loaded is removed. What clipping takes from
 * the wanted part (Bussgang) is given back by one gain, so that the receiver's channel estimate fits.
 */
class PeakLimiter {
public:
  PeakLimiter() : inverse_(kSize, Fft::Direction::Inverse), forward_(kSize, Fft::Direction::Forward) {}

  struct Result {
    double limitedFraction = 0; // of the envelope's samples before the first pass
    double evmDb = 0;           // of the symbols from firstJudged on
  };
  /**
   * @param symbols      [n] carriers of OFDM symbols, changed in place
   * @param firstJudged  symbols before it do not count for evmDb
   * @param target       peak over mean power, linear
   */
  Result limit(std::vector<CarrierVector>& symbols, int firstJudged, double target, int iterations);

private:
  static constexpr int kSize = 4 * kCarriers;
  /** @return samples beyond the limit */
  int limitSymbol(CarrierVector& symbol, float limit);
  Fft inverse_, forward_;
  std::vector<CarrierVector> wanted_;
};

} // namespace otabench::phy
