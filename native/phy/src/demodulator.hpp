#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "channel_tracker.hpp"
#include "convolutional.hpp"
#include "delay_smoother.hpp"
#include "fft.hpp"
#include "otabench/phy/receiver.hpp"
#include "phase_tracker.hpp"
#include "transport.hpp"
#include "waveform.hpp"

namespace otabench::phy {

/** A stretch of the stream: samples[0] has the index `first`. */
struct StreamView {
  const Cf* samples;
  std::int64_t first;
  const Cf* at(std::int64_t index) const { return samples + (index - first); }
};

struct DelayGrid;

/**
 * One burst from its synchronisation to its tokens. Samples are handed in as they become available: the whole
 * preamble and header at once, then payload symbol by symbol, then `finish`.
 *
 * Per-carrier values are kept with delays counted from the middle of the delay window (see DelaySmoother):
 * the FFT starts kWindowLead samples before the useful part of the strongest path, so paths may lie -6..10
 * samples around it.
 */
class BurstDemodulator {
public:
  explicit BurstDemodulator(const ReceiverConfig& config);

  /** @param longStart  index of the long training's prefix;  @param cfo  rad/sample, to within 0.004 */
  void begin(std::int64_t longStart, double cfo, double metric);

  /** Samples before this index are needed by `decodeHeader`; from headerBegin() on. */
  std::int64_t headerBegin() const {
    return reference_ - kLongCentre - kShortBlocks * kCarriers - kWindowLead - 1;
  }
  std::int64_t headerEnd() const { return symbolEnd(-1); }
  enum class HeaderResult { Ok, Corrupt, Implausible };
  HeaderResult decodeHeader(const StreamView& stream);

  int payloadOfdmSymbols() const { return ofdmSymbols_; }
  /** One past the last sample that payload symbol m needs (-1: the last header symbol). */
  std::int64_t symbolEnd(int m) const;
  /** Takes payload symbols in order. False when the pilots have vanished: the payload is lost from
   * lostSymbol() on. */
  bool takeSymbol(const StreamView& stream, int m);
  int lostSymbol() const { return lostSymbol_; }

  /** Equalises and fills everything of an Ok burst. */
  void finish(ReceivedBurst& burst);
  /** What is known without a payload: timing, CFO, and with a valid header channel and SNR. */
  void describe(ReceivedBurst& burst) const;

  // For the error budget, after `finish`.
  const std::vector<Cf>& turns() const { return turns_; } // exp(-j phase) of each payload symbol
  /** The channel as it was over the training, and as the equaliser took it at payload symbol m. */
  const CarrierVector& channel() const { return channel_; }
  CarrierVector channelAt(int m) const;
  /** Whether the header was training too. */
  bool usesHeader() const { return smoother_ == &fullSmoother_; }
  double noiseVariance() const { return noiseVariance_; }
  /** The channel is followed over the payload. */
  bool channelMoves() const { return channelMoved_; }
  double phaseNoisePerSample() const { return tracker_.noisePerSample(); }
  /** A stream's payload symbol m (from -kHeaderSymbols on: the header's), or repeat r of its long training,
   * taken as this burst's were. */
  void symbolCarriers(const StreamView& stream, int m, CarrierVector& carriers) {
    extract(stream, symbolOffset(kHeaderSymbols + m), carriers.data(), false);
  }
  void trainingCarriers(const StreamView& stream, int r, CarrierVector& carriers) {
    extract(stream, static_cast<std::int64_t>(knownTime_[kShortBlocks + r]) - kCarriers / 2, carriers.data(),
            false);
  }

private:
  /** What LMMSE leaves of a payload symbol: its carrier's weight, or when spread the mean of all. */
  class Shares;
  static constexpr int kWindowLead = 6;
  static constexpr double kCentre =
      kCyclicPrefix / 2.0; // middle of the delay window, from the FFT's first sample
  static constexpr int kLongCentre =
      kLongRepeats * kCarriers / 2; // from the first repeat's start to reference_
  static constexpr int kShortBlocks = 3;
  static constexpr int kTraining = kShortBlocks + kLongRepeats;
  static constexpr int kKnown = kTraining + kHeaderSymbols;

  struct Window {
    std::int64_t start;
    double late; // exact position minus start
  };
  Window window(std::int64_t offset) const;
  void estimateOffset(const StreamView& stream);
  void extract(const StreamView& stream, std::int64_t offset, Cf* carriers, bool countEmpty);
  enum class Known { LongTraining, Training, All };
  SplitVector combine(Known which) const;
  void trackKnown(int count, const SplitVector& channel, double noiseVariance);
  void smoothPhases();
  void setChannel(const SplitVector& channel);
  double sumOfResiduals(int first, int last, const SplitVector& channel) const;
  HeaderBits decodeBits() const;
  void estimatePreamble();
  void placeHeader(const HeaderBits& bits);
  bool headerDisturbed() const;
  void estimateFromHeader();
  void removeRinging();
  void trackChannel();
  void equalise(std::vector<Cf>& symbols);
  using TimingRamp = std::array<Cf, 2 * kHighestCarrier + 1>;
  TimingRamp timingRamp(const ReceivedBurst& burst) const;
  void copyUnequalised(ReceivedBurst& burst) const;
  CarrierVector equaliserAt(int m) const;
  void unmap(const std::vector<Cf>& payload, std::vector<float>& tokens);
  void decodePayload(const std::vector<Cf>& payload, ReceivedBurst& burst);
  void restoreNorms(const std::vector<Cf>& payload, std::vector<float>& tokens) const;
  static const DelayGrid& delayGrid();
  void fillTiming(ReceivedBurst& burst) const;
  void fillSnr(ReceivedBurst& burst) const;
  static std::int64_t symbolOffset(int m) {
    return kLongCentre + kCyclicPrefix + static_cast<std::int64_t>(m) * kSymbolSamples;
  }

  ReceiverConfig config_;
  Fft fft_;
  const DelaySmoother& preambleSmoother_;
  const DelaySmoother& fullSmoother_;
  PhaseTracker tracker_;

  std::int64_t longStart_ = 0;
  std::int64_t reference_ = 0; // index of the long training's middle: phase zero, clock offset zero
  double metric_ = 0;
  double cfo_ = 0;     // rad/sample removed before the FFT
  double stretch_ = 0; // receiver samples per transmitter sample, minus 1
  std::array<Cf, kCarriers> rotation_{};

  bool hasOffset_ = false;                 // the receiver has a DC offset
  std::array<Cf, kCarriers> offsetBins_{}; // what it leaves in the FFT

  std::vector<CarrierVector> known_; // received values of known symbols: short blocks, long repeats, header
  std::vector<SplitVector> ones_;    // the same as if ones had been sent: received times conj(sent)
  std::vector<CarrierVector> sent_;  // what was sent there
  std::vector<double> knownTime_;    // centre of each, from reference_
  std::vector<double> phases_, frequencies_;
  std::vector<Cf> knownTurns_; // exp(j phase) of each known symbol
  CarrierVector channel_{};
  SplitVector splitChannel_; // the same
  double noiseVariance_ = 0;
  double rawPower_ = 0;
  double trackedFrequency_ = 0; // on top of cfo_
  bool estimated_ = false;      // channel and noise belong to this burst
  bool headerOk_ = false;
  bool disturbed_ = false;
  int tracked_ = 0;                         // known symbols before the payload's in the tracker
  const DelaySmoother* smoother_ = nullptr; // the one that made channel_
  BurstHeader header_;

  int ofdmSymbols_ = 0;
  std::vector<CarrierVector> payload_;
  double pilotPower_ = 0;   // sum |H|^2 over the pilots
  double payloadNoise_ = 0; // expected on payload pilots: clipped bursts have more than in the preamble
  double lossScore_ = 0;
  int lossBegin_ = 0;
  int lostSymbol_ = -1;
  double emptyPower_ = 0;
  std::int64_t emptyCount_ = 0;
  double trainingEmptyPower_ = 0; // of it, in the long training
  std::int64_t trainingEmptyCount_ = 0;
  double knownResidual_ = 0, knownFreedom_ = 0;
  double pilotResidual_ = 0, pilotFreedom_ = 0;
  double repeatedNoise_ = 0, repeatedPower_ = 0;
  double phaseDrift_ = 0;
  std::vector<std::uint32_t> moves_;
  std::vector<Cf> turns_;
  PilotVector pilotChannel_{}; // follows the channel slowly, for the test of vanished pilots alone
  float pilotFollow_ = 0;
  ChannelTracker channelTracker_;
  bool channelMoved_ = false; // channelTracker_ holds this burst's
  double payloadGain_ = 1;    // mean |H|^2 over the payload over the training's
  std::vector<PilotVector> pilots_;
  DftSpreader spreader_;
  fec::DigitalDecoder digital_;
  std::vector<Cf> coded_; // digital symbols in the code's order, x + n: without LMMSE's shrinkage
  std::vector<float> codedVariance_, shares_;
  SnrEstimator best_ = SnrEstimator::RepeatedPreamble;
};

} // namespace otabench::phy
