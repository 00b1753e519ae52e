/** What a demodulated burst says about itself: timing, channel, SNR by every estimator. */
#include <algorithm>
#include <cmath>

#include "carrier_math.hpp"
#include "demodulator.hpp"
#include "snr_estimate.hpp"

namespace otabench::phy {

namespace {

constexpr int kDelaySteps = 11;
constexpr double kDelayStep = 0.25;
/** Signal over noise, linear, above which only the long training's empty carriers count: the edges of all
 * other symbols ring into them, 45 dB below the signal. The training repeats, so its windows have no edges.
 */
constexpr double kEdgesShow = 100;

} // namespace

const char* toString(SnrEstimator estimator) {
  switch (estimator) {
  case SnrEstimator::None:
    return "none";
  case SnrEstimator::RepeatedPreamble:
    return "repeated-preamble";
  case SnrEstimator::EmptyCarriers:
    return "empty-carriers";
  case SnrEstimator::PilotEvm:
    return "pilot-evm";
  case SnrEstimator::DataAided:
    return "data-aided";
  case SnrEstimator::DataAidedAndPilots:
    return "data-aided-and-pilots";
  }
  return "unknown";
}

/** Carrier responses of paths up to 1.25 samples from the integer timing. */
struct DelayGrid {
  CarrierVector ramp[kDelaySteps];
  CarrierVector ones;
};

const DelayGrid& BurstDemodulator::delayGrid() {
  static const DelayGrid grid = [] {
    DelayGrid g;
    g.ones.fill(Cf(1, 0));
    for (int i = 0; i < kDelaySteps; ++i)
      for (int k = 0; k < kLoadedCarriers; ++k) {
        const double delay = (i - kDelaySteps / 2) * kDelayStep - (kCentre - kWindowLead);
        g.ramp[i][k] = unit(-kTwoPi * loadedCarriers()[k] * delay / kCarriers);
      }
    return g;
  }();
  return grid;
}

void BurstDemodulator::fillTiming(ReceivedBurst& burst) const {
  // The strongest path's delay: maximum of the channel's response around the integer estimate.
  const DelayGrid& grid = delayGrid();
  double response[kDelaySteps];
  for (int i = 0; i < kDelaySteps; ++i)
    response[i] =
        static_cast<double>(std::norm(matched(grid.ramp[i].data(), grid.ones.data(), channel_.data())));
  const double* peak = std::max_element(response + 1, response + kDelaySteps - 1);
  double best = (static_cast<double>(peak - response) - kDelaySteps / 2) * kDelayStep;
  const double curvature = peak[-1] - 2 * peak[0] + peak[1];
  if (curvature < 0)
    best += std::clamp(0.5 * (peak[-1] - peak[1]) / curvature, -1.0, 1.0) * kDelayStep;
  const double whole = std::nearbyint(best);
  burst.startSample = longStart_ - kShortSamples + static_cast<std::int64_t>(whole);
  burst.startFraction = best - whole;
}

void BurstDemodulator::fillSnr(ReceivedBurst& burst) const {
  const double gain = smoother_->dataNoiseGain();
  constexpr double kRepeated = kLongRepeats * kLoadedCarriers;
  constexpr double kAll = kRepeated + kHeaderSymbols * kLoadedCarriers;
  burst.snrRepeatedPreamble =
      snrEstimate(repeatedPower_, repeatedNoise_, (kLongRepeats - 1) * kLoadedCarriers, kRepeated);
  burst.bestEstimator = best_;
  if (!headerOk_) {
    burst.snrBest = burst.snrRepeatedPreamble;
    burst.snrDb = burst.snrBest.snrDb;
    return;
  }
  const double known = knownResidual_ / knownFreedom_;
  burst.snrDataAided = snrEstimate(rawPower_ - gain * known, known, knownFreedom_, kAll);
  double empty = emptyPower_ / static_cast<double>(std::max<std::int64_t>(emptyCount_, 1));
  auto emptyFreedom = static_cast<double>(emptyCount_);
  if (rawPower_ > kEdgesShow * empty) {
    emptyFreedom = static_cast<double>(trainingEmptyCount_);
    empty = trainingEmptyPower_ / emptyFreedom;
  }
  if (config_.noiseBandwidth == 1)
    burst.snrEmptyCarriers = snrEstimate(rawPower_ - gain * empty, empty, emptyFreedom, kAll);
  if (pilotFreedom_ > 0) {
    const double pilot = pilotResidual_ / pilotFreedom_;
    burst.snrPilotEvm = snrEstimate(rawPower_ - gain * pilot, pilot, pilotFreedom_, kAll);
    burst.sndr = burst.snrPilotEvm;
  }
  const bool trainingCounts = best_ != SnrEstimator::PilotEvm;
  const double freedom =
      (trainingCounts ? knownFreedom_ : 0) + (best_ != SnrEstimator::DataAided ? pilotFreedom_ : 0);
  burst.snrBest =
      snrEstimate((rawPower_ - gain * noiseVariance_) * payloadGain_, noiseVariance_, freedom, kAll);
  burst.snrDb = burst.snrBest.snrDb;
}

/** Turns per-carrier values so that delays are seen from startSample; index: carrier + kHighestCarrier. */
BurstDemodulator::TimingRamp BurstDemodulator::timingRamp(const ReceivedBurst& burst) const {
  const double shift = static_cast<double>(burst.startSample - (longStart_ - kShortSamples));
  const double step = -kTwoPi * (kCentre - kWindowLead - shift) / kCarriers;
  TimingRamp ramp;
  fillRotation(ramp.data(), static_cast<int>(ramp.size()), -step * kHighestCarrier, step);
  return ramp;
}

void BurstDemodulator::copyUnequalised(ReceivedBurst& burst) const {
  const TimingRamp ramp = timingRamp(burst);
  std::vector<Cf>& symbols = burst.unequalised;
  symbols.reserve(static_cast<std::size_t>(ofdmSymbols_) * kDataCarriers);
  for (int m = 0; m < ofdmSymbols_; ++m)
    for (const int k : waveform().data)
      symbols.push_back(payload_[m][k] * ramp[burst.carriers[k] + kHighestCarrier]);
  symbols.resize(burst.constellation.size());
  const double power = sumOfPowers(symbols.data(), symbols.size()) / static_cast<double>(symbols.size());
  const auto toUnit = static_cast<float>(1 / std::sqrt(std::max(power, 1e-30)));
  for (Cf& c : symbols)
    c *= toUnit;
}

void BurstDemodulator::describe(ReceivedBurst& burst) const {
  burst.bestEstimator = SnrEstimator::None;
  burst.startSample = longStart_ - kShortSamples;
  burst.endSample = ofdmSymbols_ > 0 ? symbolEnd(ofdmSymbols_ - 1) : headerEnd();
  burst.headerOk = headerOk_;
  burst.detectionMetric = metric_;
  burst.cfoHz = (cfo_ + trackedFrequency_) / kTwoPi * config_.sampleRateHz;
  burst.clockOffsetPpm = config_.centerFrequencyHz > 0
                             ? (burst.cfoHz + config_.removedCfoHz) / config_.centerFrequencyHz * 1e6
                             : 0;
  if (!estimated_)
    return;
  fillTiming(burst);
  burst.noiseVariance = noiseVariance_;
  burst.phaseDriftRad = phaseDrift_;
  burst.disturbed = disturbed_;
  burst.payloadOfdmSymbols = ofdmSymbols_;
  burst.endSample = ofdmSymbols_ > 0 ? symbolEnd(ofdmSymbols_ - 1) : headerEnd();
  if (headerOk_)
    burst.header = header_;
  fillSnr(burst);
  const double gain = smoother_->dataNoiseGain();
  burst.signalPower = std::max(rawPower_ - gain * noiseVariance_, 0.0);
  const auto perNoise = static_cast<float>(1 / noiseVariance_);
  const TimingRamp ramp = timingRamp(burst);
  for (int k = 0; k < kLoadedCarriers; ++k) {
    burst.channel[k] = channel_[k] * ramp[burst.carriers[k] + kHighestCarrier];
    const float snr = std::norm(channel_[k]) * perNoise - static_cast<float>(gain);
    burst.carrierSnrDb[k] = 10 * std::log10(std::max(snr, 1e-3F));
  }
}

} // namespace otabench::phy
