#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <vector>

#include "otabench/phy/errors.hpp"
#include "otabench/phy/header.hpp"
#include "otabench/phy/numerology.hpp"
#include "otabench/phy/span.hpp"

namespace otabench::phy {

/** Default transmit power: Gaussian peaks stay 5.6 sigma below full scale in I and Q. */
inline constexpr double kDefaultRmsDbfs = -12.0;

struct TransmitterConfig {
  int guardSamples = kGuardSamples; // zeros before and after, >= 64
  int maxPayloadOfdmSymbols = kMaxPayloadOfdmSymbols;
};

/** Facts about one modulated burst. */
struct TransmitReport {
  double paprDb = 0;          // peak |x|^2 over mean |x|^2 of the burst without guards, before clipping
  double clippedFraction = 0; // samples with I or Q beyond +-1, over the burst without guards
  std::int64_t clippedSamples = 0;
  double rmsDbfs = 0;              // achieved mean |x|^2 without guards; 0 dBFS is |x|^2 = 1
  double scale = 0;                // as coded in the header
  std::int64_t payloadSymbols = 0; // complex symbols that carry tokens
  std::int64_t payloadOfdmSymbols = 0;
  std::int64_t preambleStartSample = 0; // relative to the first returned sample
  std::int64_t payloadStartSample = 0;
  std::int64_t sampleCount = 0; // guards included
};

/** Tokens to samples. One per thread; calls do not depend on each other. */
class BurstTransmitter {
public:
  /** @throws PhyError for a guard below 64 samples or a limit out of 1..kMaxPayloadOfdmSymbols. */
  explicit BurstTransmitter(const TransmitterConfig& config = {});
  ~BurstTransmitter();
  BurstTransmitter(BurstTransmitter&&) noexcept;
  BurstTransmitter& operator=(BurstTransmitter&&) noexcept;

  /**
   * Modulates one burst.
   * @param tokens   [header.tokens, header.dimension], row-major, finite, not all zero
   * @param header   user, sequence, tokens, dimension, mapping; its scale is ignored and measured
   * @param rmsDbfs  mean |x|^2 over preamble, header and payload, dB relative to |x|^2 = 1; -60..0
   * @param samples  replaced by the burst, guards included; |I|, |Q| <= 1
   * @throws PhyError for a count that is not tokens x dimension, non-finite or all-zero tokens, fields or
   * sizes out of range, rmsDbfs out of range
   */
  TransmitReport modulate(Span<const float> tokens, const BurstHeader& header, double rmsDbfs,
                          std::vector<std::complex<float>>& samples);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace otabench::phy
