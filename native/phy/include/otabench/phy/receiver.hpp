#pragma once

#include <array>
#include <atomic>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "otabench/phy/errors.hpp"
#include "otabench/phy/header.hpp"
#include "otabench/phy/numerology.hpp"

namespace otabench::phy {

struct ReceiverConfig {
  double sampleRateHz = kDefaultSampleRateHz;
  /** Carrier and sample clock hang on one oscillator, so CFO / this gives the clock offset. 0: do not
   * compensate. */
  double centerFrequencyHz = kDefaultCenterFrequencyHz;
  /** CFO about which bursts are sought, +-1/34 of the sample rate (146 kHz at 5 MS/s) around it: for two
   * oscillators whose offset is known roughly. At most 5/64 of the sample rate either way (390.625 kHz at 5
   * MS/s). */
  double cfoPriorHz = 0;
  /** CFO that the transmitter took out of its burst, Hz: its clock still has it. */
  double removedCfoHz = 0;
  /** Share of the samples' band that white noise fills, above 0. Below 1, behind a sub-band's filter, the
   * search's thresholds are raised for it, and snrEmptyCarriers, which needs noise on the edges, is NaN. */
  double noiseBandwidth = 1;
  /** A header that claims more is answered by HeaderImplausible. */
  int maxPayloadOfdmSymbols = kMaxPayloadOfdmSymbols;
  /** |I| or |Q| at or above this counts as saturated. */
  float saturationLevel = 0.999f;
  /** While it says true, bursts carry `unequalised`. Null: never. Any thread may set it. */
  std::shared_ptr<const std::atomic<bool>> wantsUnequalised;
};

/** How a detection ended. Tokens exist for Ok alone. */
enum class BurstOutcome : std::uint8_t {
  Ok,
  HeaderCorrupt,     // the CRC failed
  HeaderImplausible, // the CRC held, but zero tokens, an unknown mapping or a length over the limit
  PayloadLost,       // pilots vanished before the claimed end: lying header, cut transmission or collision
  Truncated,         // the stream ended (flush, reset, discontinuity) before the claimed end
  PayloadMismatch    // digital: parity holds, but the blocks are of another length or of different bursts
};
const char* toString(BurstOutcome outcome);

/** An SNR (mean Es/N0 over the loaded payload carriers) by one estimator. NaN when it could not be formed. */
struct SnrEstimate {
  double snrDb = std::numeric_limits<double>::quiet_NaN();
  double sdDb = std::numeric_limits<double>::quiet_NaN(); // predicted standard deviation
  /** 95 % confidence interval; not symmetric when few symbols tell the noise. */
  double lowDb = std::numeric_limits<double>::quiet_NaN();
  double highDb = std::numeric_limits<double>::quiet_NaN();
};

/** Where the noise of an SNR comes from. */
enum class SnrEstimator : std::uint8_t {
  None,               // no channel estimate at all
  RepeatedPreamble,   // four long training symbols against their mean
  EmptyCarriers,      // the unused edge carriers
  PilotEvm,           // payload pilots against the channel estimate
  DataAided,          // long training and decoded header against the channel estimate
  DataAidedAndPilots, // both
};
const char* toString(SnrEstimator estimator);

/** One detection. Per-carrier arrays follow `carriers`, powers are linear relative to |sample|^2 = 1 per
 * carrier. */
struct ReceivedBurst {
  BurstOutcome outcome = BurstOutcome::HeaderCorrupt;
  bool headerOk = false; // the CRC held and the fields can be followed

  // Timing, in the stream's sample index: where the preamble's first sample lies (strongest path).
  std::int64_t startSample = 0;
  double startFraction = 0;   // startSample + startFraction is the fractional estimate, in [-0.5, 0.5)
  std::int64_t endSample = 0; // one past the last sample used
  double detectionMetric = 0; // normalised correlation with the whole preamble, 0..1

  double cfoHz = 0;          // transmitter's carrier minus receiver's
  double clockOffsetPpm = 0; // transmitter's clock minus receiver's, from cfoHz / centerFrequencyHz
  /** Header symbols or payload pilots deviate by more than the training's noise explains: interference,
   * collision. The tokens are as good as snrDb says, but the measurement is suspect. */
  bool disturbed = false;
  double phaseDriftRad = 0; // rms of the tracked common phase around the straight line, payload

  BurstHeader header; // valid when headerOk

  /** [tokens, dimension] row-major: scale x LMMSE, un-permuted (the channel contract); digital: as quantised.
   * Empty unless Ok. */
  std::vector<float> tokens;
  /** Digital mapping: [tokens] 1 where a block that carried a part of the token was lost; its values are 0.
   * Empty for analog tokens. */
  std::vector<std::uint8_t> erased;
  int codeBlocks = 0;
  int codeBlocksLost = 0;
  int decoderIterations = 0; // of all blocks

  // The best-informed estimate: data-aided and pilots together (repeated preamble without a valid header).
  double snrDb = std::numeric_limits<double>::quiet_NaN();
  /** The same with its interval, and which one it is: DataAidedAndPilots; PilotEvm where the payload is
   * noisier than the training (interference, clipping); RepeatedPreamble without a valid header. */
  SnrEstimate snrBest;
  SnrEstimator bestEstimator = SnrEstimator::None;
  /** Signal over noise and distortion in the payload: pilot EVM. Below snrDataAided by more than both
   * intervals: the payload suffers from what the preamble does not (clipping, interference, Doppler). */
  SnrEstimate sndr;
  SnrEstimate snrRepeatedPreamble; // 4 long training symbols against their mean
  SnrEstimate snrEmptyCarriers;    // noise on the 11 unused edge carriers; assumes white noise
  SnrEstimate snrPilotEvm;         // payload pilots against the channel estimate
  SnrEstimate snrDataAided;        // long training and re-encoded header against the channel estimate
  double noiseVariance = 0;        // per carrier, linear
  double signalPower = 0;          // mean |channel|^2, linear, bias removed

  std::array<int, kLoadedCarriers> carriers = loadedCarriers();
  std::array<std::complex<float>, kLoadedCarriers> channel{};
  std::array<float, kLoadedCarriers> carrierSnrDb{};

  /** Payload symbols in transmitted order after LMMSE, brought to unit mean power. Empty unless Ok. */
  std::vector<std::complex<float>> constellation;
  /** The same places before the equaliser: timing and CFO are taken out, the channel and the common phase are
   * not; brought to unit mean power. With DFT spreading these are carriers and `constellation` is not. Empty
   * unless wanted. */
  std::vector<std::complex<float>> unequalised;
  std::int64_t payloadSymbols = 0; // that carry tokens
  std::int64_t normSymbols = 0;    // that carry norms
  std::int64_t payloadOfdmSymbols = 0;
  std::int64_t saturatedSamples = 0; // within the burst
};

struct ReceiverCounters {
  std::int64_t samples = 0;
  std::int64_t gateOpenings = 0; // first stage
  std::int64_t detections = 0;   // second stage
  std::int64_t headersOk = 0;
  std::int64_t headersCorrupt = 0;
  std::int64_t headersImplausible = 0;
  std::int64_t payloadsLost = 0;
  std::int64_t payloadsMismatched = 0;
  std::int64_t truncated = 0;
  std::int64_t discontinuities = 0;
  std::int64_t saturatedSamples = 0;
  std::int64_t nonFiniteSamples = 0; // replaced by zero
};

/**
 * Samples to bursts, from a continuous stream. Not thread-safe; one per stream.
 * The results depend on the samples and their indices alone, never on how they were cut into pushes.
 */
class BurstReceiver {
public:
  using Sink = std::function<void(ReceivedBurst&&)>;

  /** @throws PhyError for a rate <= 0, a negative centre frequency, a CFO prior or limit out of range or an
   * empty sink. */
  BurstReceiver(const ReceiverConfig& config, Sink sink);
  ~BurstReceiver();
  BurstReceiver(BurstReceiver&&) noexcept;
  BurstReceiver& operator=(BurstReceiver&&) noexcept;

  /**
   * Takes the next samples. The sink is called from here, at the latest with a burst's last payload sample.
   * @param firstSampleIndex  index of samples[0]; a jump against the expected index is a discontinuity: a
   * burst in progress ends as Truncated, and the search starts anew behind the gap
   */
  void push(const std::complex<float>* samples, std::size_t count, std::int64_t firstSampleIndex);

  /** Ends the stream: what is in progress ends as Truncated, and what the buffer still holds is searched. */
  void flush();

  /** Forgets everything but the counters, silently. */
  void reset();

  const ReceiverCounters& counters() const;
  /** True while a burst was detected and not ended: more samples are needed to finish it. */
  bool busy() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace otabench::phy
