// Interpolation filters: a sampled waveform between its samples, and through both radios' band limits.
#pragma once

#include "kernels.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace otabench::medium {

constexpr int kSincHalf = static_cast<int>(kernels::kSincTaps) / 2; // samples each side

/// Kaiser-windowed sinc of the full sampling band. Zero at every integer but 0, where it is 1, so a
/// whole-sample delay is exact. Passband +-0.4 of the rate, images below -70 dB beyond +-0.6.
class SincTable {
public:
  static const SincTable& instance();

  /// Coefficients of one fractional delay: row[j + 12] = h(j + fraction), j = -12..11, to be blended as
  /// low + weight (high - low). @param fraction [0, 1)
  void rows(double fraction, const float** low, const float** high, float* weight) const;

  /// h(x), x in samples; 0 beyond +-12.
  double value(double x) const;

private:
  SincTable();
  std::vector<float> rows_; // [phases + 1][24]
  std::vector<double> fine_;
};

/// Differentiator of 2 kSlopeHalf + 1 lags, y'(i) = sum of c[k] y[i + kSlopeHalf - k]: the derivative of a
/// Kaiser-windowed sinc, within 0.5 % up to 0.4 of the rate.
const float* slopeCoefficients();

/// Complex band-pass from transmitted samples to the receiver's band: the transmitter's reconstruction filter
/// times the receiver's, which sits at -shiftHz in the transmitter's baseband.
struct BandFilter {
  static constexpr int kPhases = 128;
  int half = 0;              ///< transmitted samples each side
  std::size_t rowLength = 0; ///< 2 half, rounded up to a multiple of 8 (padded with zeros)
  std::vector<float> re, im; ///< [kPhases + 1][rowLength], row p: g(half - 1 - m + p / kPhases)
};

struct BandKey {
  double txRateHz;
  double txBandHz; ///< min(rate, analog bandwidth)
  double rxBandHz;
  double shiftHz; ///< transmitter's nominal carrier minus receiver's
  bool operator==(const BandKey& other) const {
    return txRateHz == other.txRateHz && txBandHz == other.txBandHz && rxBandHz == other.rxBandHz &&
           shiftHz == other.shiftHz;
  }
};

/// False where the bands, skirts included, do not meet.
bool bandsMeet(const BandKey& key);

/// Designed once and kept (the last 64).
std::shared_ptr<const BandFilter> bandFilter(const BandKey& key);

} // namespace otabench::medium
