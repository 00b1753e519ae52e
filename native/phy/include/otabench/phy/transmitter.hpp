#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <limits>
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

enum class PaprMethod : std::uint8_t { None, ClipAndFilter };

/** Peaks of header and payload (the preamble has few). Back-off is Drive::rmsDbfs. */
struct PaprControl {
  PaprMethod method = PaprMethod::None;
  /** ClipAndFilter: envelope limit over the mean, at four times the sample rate; 3.5..20 dB. */
  double targetDb = 6;
  int iterations = 8; // 1..32; filtering lets peaks grow again
};

/** How a burst is driven; nothing of it changes what the receiver must do. */
struct Drive {
  double rmsDbfs = kDefaultRmsDbfs; // mean |x|^2 over preamble, header and payload; -60..0
  PaprControl papr;
};

/** Shares of samples for which TransmitReport::ccdfDb is given. */
inline constexpr std::array<double, 3> kCcdfShares = {0.1, 0.01, 0.001};

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

  std::int64_t normSymbols = 0; // complex symbols that carry norms (PowerNormalisation::Token)
  /** |x|^2 over its mean that 10 %, 1 %, 0.1 % of the samples exceed, dB; as paprDb. */
  std::array<double, kCcdfShares.size()> ccdfDb{};
  /** ClipAndFilter: share of the envelope (at four times the sample rate) beyond the target before it. */
  double limitedFraction = 0;
  /** ClipAndFilter: error that it leaves on the payload's carriers over their power (EVM), dB; after a common
   * gain is taken out, which the transmitter corrects. -200: nothing was clipped. NaN without it. */
  double clipEvmDb = std::numeric_limits<double>::quiet_NaN();
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

  /** The same with PAPR control. header.transport says how tokens travel; its `clipped` is set here.
   * @throws PhyError also for a target or a number of iterations out of range */
  TransmitReport modulate(Span<const float> tokens, const BurstHeader& header, const Drive& drive,
                          std::vector<std::complex<float>>& samples);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace otabench::phy
