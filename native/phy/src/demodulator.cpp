#include "demodulator.hpp"

#include <algorithm>
#include <cmath>

#include "carrier_math.hpp"
#include "edge_ringing.hpp"
#include "simd.hpp"

namespace otabench::phy {

namespace {

/** Sum of log-likelihood ratios "no pilots" against "pilots" at which the payload counts as lost. */
constexpr double kLossThreshold = 20;
constexpr int kHeaderRetries = 4;
/** Symbols over which the pilots' channel is followed for that test when they are strong: long enough that
 * pilots that vanished are missed well before the estimate has gone too. */
constexpr double kFollowSymbols = 24;
/** SNR, linear, at which it is followed half as fast. */
constexpr double kFollowSnr = 3;
/** SNR, linear, above which the header's four pilots a symbol are phase reference enough. */
constexpr double kGoodPilots = 20;
/** A header symbol whose error is this many times the noise is disturbed. */
constexpr double kDisturbance = 3;
/** Standard deviations by which the payload's noise must exceed the training's to count as interference. */
constexpr double kSignificance = 5;
/** The same where the header was hit already: less is needed to believe that the payload differs. */
constexpr double kSignificanceDisturbed = 2.5;
/** Share of the pilots' excess over the noise that a moving channel may leave: else it is something else. */
constexpr double kUnexplained = 0.25;
/** Power of a receiver's DC offset over that of its estimate's error, from which on it is taken out: in noise
 * passed by one burst in 10^6 or fewer. */
constexpr double kOffsetThreshold = 30;
/** Signal over noise, linear, above which what symbols leave of each other at their edges is parted from the
 * noise: 25 dB, where it is 0.3 % of it. */
constexpr double kEdgesCount = 300;
/** Least share of a symbol that LMMSE is taken to leave, and to take away. */
constexpr double kFaint = 1e-6;
/** Errors this far below the signal (linear) are the model's, not interference. */
constexpr double kModelError = 1e-4;

/**
 * A ratio of two mean powers of complex Gaussians (n1 over n2 of them) as a standard normal deviate: F with 2
 * n1 and 2 n2 degrees by Paulson's cube root (Ann. Math. Stat. 13, 1942). A short burst has 12 pilots, whose
 * power is far from normal: five of its standard deviations are passed once in 10^4 bursts, this deviate once
 * in 10^6.
 */
double ratioDeviate(double ratio, double n1, double n2) {
  const double a = 1 / (9 * n1), b = 1 / (9 * n2), root = std::cbrt(ratio);
  return ((1 - b) * root - (1 - a)) / std::sqrt(b * root * root + a);
}

// CFO error variance after the search, (rad/sample)^2: 2e-3 covers Es/N0 = -5 dB.
constexpr double kSearchCfoVariance = 4e-6;

/** For so many blocks of the short training and symbols on all carriers; an eigenproblem, solved once. */
template <int shortBlocks, int fullSymbols> const DelaySmoother& smootherFor() {
  static const DelaySmoother smoother = [] {
    std::array<double, kLoadedCarriers> weights{};
    for (int k = 0; k < kLoadedCarriers; ++k)
      weights[k] = fullSymbols + shortBlocks * static_cast<double>(std::norm(waveform().shortTraining[k]));
    return DelaySmoother(weights);
  }();
  return smoother;
}

/** @param carriers  [52]: the data carriers, which are what lies between the pilots, go to `out` [48] */
Cf* withoutPilots(const Cf* carriers, Cf* out) {
  int from = 0;
  for (const int pilot : waveform().pilot) {
    out = std::copy(carriers + from, carriers + pilot, out);
    from = pilot + 1;
  }
  return std::copy(carriers + from, carriers + kLoadedCarriers, out);
}

/** llr[s] = sum of value x amplitude over the slots s, s + 312, ..., which hold the same coded bit. */
OTAPHY_CLONES void foldSlots(const float* values, const float* amplitudes, float* sums) {
  for (int from = 0; from < kHeaderSlots; from += kHeaderCodedBits) {
    const int count = std::min(kHeaderCodedBits, kHeaderSlots - from);
    for (int s = 0; s < count; ++s)
      sums[s] += values[from + s] * amplitudes[from + s];
  }
}

} // namespace

BurstDemodulator::BurstDemodulator(const ReceiverConfig& config)
    : config_(config), fft_(kCarriers, Fft::Direction::Forward),
      preambleSmoother_(smootherFor<kShortBlocks, kLongRepeats>()),
      fullSmoother_(smootherFor<kShortBlocks, kLongRepeats + kHeaderSymbols>()),
      tracker_(config.sampleRateHz) {
  known_.resize(kKnown);
  sent_.resize(kKnown);
  ones_.resize(kKnown);
  knownTurns_.resize(kKnown);
  for (int i = 0; i < kShortBlocks; ++i) {
    sent_[i] = waveform().shortTraining;
    knownTime_.push_back(-kLongCentre - kLongPrefix - kCarriers * (kShortBlocks - i) + kCarriers / 2);
  }
  for (int r = 0; r < kLongRepeats; ++r) {
    sent_[kShortBlocks + r] = waveform().longTraining;
    knownTime_.push_back(-kLongCentre + kCarriers * r + kCarriers / 2);
  }
  for (int m = 0; m < kHeaderSymbols; ++m)
    knownTime_.push_back(static_cast<double>(symbolOffset(m)) + kCarriers / 2);
}

void BurstDemodulator::begin(std::int64_t longStart, double cfo, double metric) {
  longStart_ = longStart;
  reference_ = longStart + kLongPrefix + kLongCentre;
  metric_ = metric;
  cfo_ = cfo;
  const double cfoHz = cfo / kTwoPi * config_.sampleRateHz;
  // A transmitter whose clock is fast by e sends a sample in 1 / (1 + e) receiver samples.
  stretch_ = config_.centerFrequencyHz > 0
                 ? 1 / (1 + (cfoHz + config_.removedCfoHz) / config_.centerFrequencyHz) - 1
                 : 0;
  fillRotation(rotation_.data(), kCarriers, 0, -cfo);
  for (Cf& c : rotation_)
    c *= 0.125F; // 1 / sqrt(64): noise variance per carrier = per sample
  tracker_.reset();
  hasOffset_ = false;
  estimated_ = false;
  headerOk_ = false;
  disturbed_ = false;
  smoother_ = &preambleSmoother_;
  ofdmSymbols_ = 0;
  trackedFrequency_ = 0;
  emptyPower_ = 0;
  emptyCount_ = 0;
  lossScore_ = 0;
  lossBegin_ = 0;
  lostSymbol_ = -1;
  pilotResidual_ = pilotFreedom_ = 0;
  phaseDrift_ = 0;
  channelMoved_ = false;
  payloadGain_ = 1;
  best_ = SnrEstimator::RepeatedPreamble;
  trainingEmptyPower_ = 0;
  trainingEmptyCount_ = 0;
}

BurstDemodulator::Window BurstDemodulator::window(std::int64_t offset) const {
  const double drift = static_cast<double>(offset) * stretch_;
  const double whole = std::nearbyint(drift);
  return {reference_ + offset - kWindowLead + static_cast<std::int64_t>(whole), drift - whole};
}

std::int64_t BurstDemodulator::symbolEnd(int m) const {
  return window(symbolOffset(kHeaderSymbols + m)).start + kCarriers;
}

/**
 * A zero-IF receiver's DC offset, which a CFO moves onto carriers. Sums over a period of the short training
 * are S_r = 16 d + A exp(j 16 w r) and noise, whatever the channel; d by least squares. The first period is
 * left out: paths are still arriving.
 */
void BurstDemodulator::estimateOffset(const StreamView& stream) {
  constexpr int kSums = kShortRepeats - 1;
  const Cf* from = stream.at(longStart_ - kShortSamples + kShortPeriod);
  Cd sums[kSums], turns[kSums], total = 0, turnTotal = 0, inner = 0;
  const Cd step = std::polar(1.0, kShortPeriod * cfo_);
  Cd turn = 1;
  for (int r = 0; r < kSums; ++r, turn *= step) {
    Cf sum = 0;
    for (int n = 0; n < kShortPeriod; ++n)
      sum += from[r * kShortPeriod + n];
    sums[r] = Cd(sum);
    turns[r] = turn;
    total += sums[r];
    turnTotal += turn;
    inner += sums[r] * std::conj(turn);
  }
  const double free = kSums - std::norm(turnTotal) / kSums; // energy of ones that is not A's
  if (!(free > 1e-3))
    return;
  const Cd constant = (total - turnTotal * inner / static_cast<double>(kSums)) / free;
  const Cd periodic = (inner - constant * std::conj(turnTotal)) / static_cast<double>(kSums);
  double rest = 0;
  for (int r = 0; r < kSums; ++r)
    rest += std::norm(sums[r] - constant - periodic * turns[r]);
  if (!(std::norm(constant) * free * (kSums - 2) > kOffsetThreshold * rest))
    return;
  const Cf offset = Cf(constant / static_cast<double>(kShortPeriod));
  std::copy(rotation_.begin(), rotation_.end(), fft_.in());
  fft_.run();
  for (int i = 0; i < kCarriers; ++i)
    offsetBins_[i] = fft_.out()[i] * offset;
  hasOffset_ = true;
}

void BurstDemodulator::extract(const StreamView& stream, std::int64_t offset, Cf* carriers, bool countEmpty) {
  const Window w = window(offset);
  multiply(fft_.in(), stream.at(w.start), rotation_.data(), kCarriers);
  fft_.run();
  // One ramp holds the rotation up to this window, the clock's fraction of a sample and the delay window's
  // middle.
  const double step = kTwoPi * (kCentre + w.late) / kCarriers;
  const double phase = -cfo_ * static_cast<double>(w.start - reference_) - step * kHighestCarrier;
  Cf ramp[kLoadedCarriers + 1];
  fillRotation(ramp, kLoadedCarriers + 1, phase, step);
  Cf* bins = fft_.out();
  if (hasOffset_)
    for (int i = 0; i < kCarriers; ++i)
      bins[i] -= offsetBins_[i];
  multiply(carriers, bins + kCarriers - kHighestCarrier, ramp, kHighestCarrier);
  multiply(carriers + kHighestCarrier, bins + 1, ramp + kHighestCarrier + 1, kHighestCarrier);
  if (!countEmpty)
    return;
  float power = 0;
  for (const int bin : waveform().emptyBin)
    power += std::norm(bins[bin]);
  emptyPower_ += static_cast<double>(power);
  emptyCount_ += static_cast<std::int64_t>(waveform().emptyBin.size());
}

/** Weighted mean of Y X* / |X|^2. */
SplitVector BurstDemodulator::combine(Known which) const {
  struct Scales {
    std::array<float, kSplitCarriers> of[3]{};
    Scales() {
      for (int k = 0; k < kLoadedCarriers; ++k) {
        const float brief = kShortBlocks * std::norm(waveform().shortTraining[k]);
        of[0][k] = 1.0F / kLongRepeats;
        of[1][k] = 1 / (brief + kLongRepeats);
        of[2][k] = 1 / (brief + kLongRepeats + kHeaderSymbols);
      }
    }
  };
  static const Scales scales;
  const int first = which == Known::LongTraining ? kShortBlocks : 0;
  const int last = which == Known::All ? kKnown : kTraining;
  SplitVector sum;
  combineAll(&ones_[first], &knownTurns_[first], last - first, scales.of[static_cast<int>(which)].data(),
             sum);
  return sum;
}

void BurstDemodulator::smoothPhases() {
  tracker_.smooth(phases_, frequencies_);
  for (std::size_t i = 0; i < phases_.size() && i < kKnown; ++i)
    knownTurns_[i] = unit(phases_[i]);
}

void BurstDemodulator::setChannel(const SplitVector& channel) {
  splitChannel_ = channel;
  join(channel, channel_);
}

/** Of known symbols first..last-1 on all carriers, which have unit power (not the short training's). */
double BurstDemodulator::sumOfResiduals(int first, int last, const SplitVector& channel) const {
  double each[kKnown], sum = 0;
  residualAll(channel, &ones_[first], &knownTurns_[first], last - first, each);
  for (int i = 0; i < last - first; ++i)
    sum += each[i];
  return sum;
}

/** Tracks the phase over the first `count` known symbols with all their carriers, and smooths it. */
void BurstDemodulator::trackKnown(int count, const SplitVector& channel, double noiseVariance) {
  double fullPower = 0, shortPower = 0;
  for (int k = 0; k < kLoadedCarriers; ++k) {
    const auto power = static_cast<double>(channel.re[k] * channel.re[k] + channel.im[k] * channel.im[k]);
    fullPower += power;
    shortPower += power * static_cast<double>(std::norm(waveform().shortTraining[k]));
  }
  Cf matches[kKnown];
  matchedAll(channel, ones_.data(), count, matches);
  tracker_.start(knownTime_[0], 1.0, 0, kSearchCfoVariance);
  for (int i = 0; i < count; ++i) {
    const double predicted = tracker_.predict(knownTime_[i]);
    const double power = std::max(i < kShortBlocks ? shortPower : fullPower, 1e-30);
    tracker_.observe(wrap(static_cast<double>(std::arg(matches[i])) - predicted),
                     noiseVariance / (2 * power));
  }
  tracker_.adapt();
  smoothPhases();
}

void BurstDemodulator::estimatePreamble() {
  // First pass: the long repeats as they are. Their differences give the noise.
  std::fill(knownTurns_.begin(), knownTurns_.end(), Cf(1, 0));
  const auto repeatedNoise = [&](SplitVector& mean) {
    mean = combine(Known::LongTraining);
    return sumOfResiduals(kShortBlocks, kTraining, mean) / ((kLongRepeats - 1) * kLoadedCarriers);
  };
  const auto powerOf = [](const SplitVector& v) {
    double sum = 0;
    for (int k = 0; k < kLoadedCarriers; ++k)
      sum += static_cast<double>(v.re[k] * v.re[k] + v.im[k] * v.im[k]);
    return sum / kLoadedCarriers;
  };
  SplitVector mean;
  noiseVariance_ = std::max(repeatedNoise(mean), 1e-20);
  trackKnown(kTraining, mean, noiseVariance_);
  // Second pass: residual CFO removed, short training joined.
  noiseVariance_ = std::max(repeatedNoise(mean), 1e-20);
  repeatedNoise_ = noiseVariance_;
  repeatedPower_ = 0;
  for (const int k : waveform().data)
    repeatedPower_ += static_cast<double>(mean.re[k] * mean.re[k] + mean.im[k] * mean.im[k]) / kDataCarriers;
  repeatedPower_ -= noiseVariance_ / kLongRepeats;
  const double power = std::max(powerOf(mean) - noiseVariance_ / kLongRepeats, 1e-3 * noiseVariance_);
  const auto estimate = preambleSmoother_.smooth(combine(Known::Training), noiseVariance_, power);
  setChannel(estimate.channel);
  rawPower_ = estimate.rawPower;
  // Once more with the better channel; this leaves the tracker ready for the header.
  trackKnown(kTraining, splitChannel_, noiseVariance_);
  trackedFrequency_ = frequencies_.back();
}

HeaderBits BurstDemodulator::decodeBits() const {
  const Waveform& w = waveform();
  Cf matchedFilter[kLoadedCarriers], slots[kHeaderSlots / 2];
  const auto gain = static_cast<float>(1.0 / noiseVariance_);
  for (int k = 0; k < kLoadedCarriers; ++k)
    matchedFilter[k] = std::conj(channel_[k]) * gain;
  Cf* next = slots;
  for (int m = 0; m < kHeaderSymbols; ++m) {
    Cf v[kLoadedCarriers];
    multiplyTurned(v, known_[kTraining + m].data(), matchedFilter, std::conj(knownTurns_[kTraining + m]));
    next = withoutPilots(v, next);
  }
  float sums[kHeaderCodedBits] = {};
  foldSlots(reinterpret_cast<const float*>(slots), w.headerAmplitude.data(), sums);
  CodedLlrs llrs;
  for (int s = 0; s < kHeaderCodedBits; ++s)
    llrs[w.headerBit[s]] = sums[s];
  return viterbiDecode(llrs);
}

void BurstDemodulator::placeHeader(const HeaderBits& bits) {
  const Waveform& w = waveform();
  const CodedBits coded = convolutionalEncode(bits);
  float signs[kHeaderCodedBits], values[kHeaderSlots];
  for (int s = 0; s < kHeaderCodedBits; ++s)
    signs[s] = static_cast<float>(1 - 2 * coded[w.headerBit[s]]);
  for (int from = 0; from < kHeaderSlots; from += kHeaderCodedBits)
    for (int s = 0; s < std::min(kHeaderCodedBits, kHeaderSlots - from); ++s)
      values[from + s] = w.headerAmplitude[from + s] * signs[s];
  const Cf* next = reinterpret_cast<const Cf*>(values);
  for (int m = 0; m < kHeaderSymbols; ++m) {
    CarrierVector& x = sent_[kTraining + m];
    int from = 0;
    for (int p = 0; p < kPilotCarriers; ++p) {
      const int pilot = w.pilot[p];
      std::copy_n(next, pilot - from, x.begin() + from);
      next += pilot - from;
      x[pilot] = w.pilotSign[m][p];
      from = pilot + 1;
    }
    std::copy_n(next, kLoadedCarriers - from, x.begin() + from);
    next += kLoadedCarriers - from;
    matchedOnes(known_[kTraining + m], x, ones_[kTraining + m]);
  }
}

BurstDemodulator::HeaderResult BurstDemodulator::decodeHeader(const StreamView& stream) {
  const Waveform& w = waveform();
  estimateOffset(stream);
  for (int i = 0; i < kTraining; ++i)
    extract(stream, static_cast<std::int64_t>(knownTime_[i]) - kCarriers / 2, known_[i].data(),
            i >= kShortBlocks);
  for (int i = 0; i < kTraining; ++i)
    matchedOnes(known_[i], sent_[i], ones_[i]);
  trainingEmptyPower_ = emptyPower_;
  trainingEmptyCount_ = emptyCount_;
  for (int m = 0; m < kHeaderSymbols; ++m)
    extract(stream, symbolOffset(m), known_[kTraining + m].data(), true);
  estimatePreamble();
  estimated_ = true;

  double pilotPower = 0;
  for (const int k : w.pilot)
    pilotPower += static_cast<double>(std::norm(channel_[k]));
  for (int m = 0; m < kHeaderSymbols; ++m) {
    const double predicted = tracker_.predict(knownTime_[kTraining + m]);
    Cd z = 0;
    for (int p = 0; p < kPilotCarriers; ++p)
      z += Cd(std::conj(channel_[w.pilot[p]]) * known_[kTraining + m][w.pilot[p]] * w.pilotSign[m][p]);
    tracker_.observe(std::arg(z * std::polar(1.0, -predicted)),
                     noiseVariance_ / (2 * std::max(pilotPower, 1e-30)));
  }
  tracker_.adapt();
  smoothPhases();
  HeaderBits bits = decodeBits();
  auto header = unpackHeader(bits);
  for (int retry = 0; retry < kHeaderRetries && !header; ++retry) {
    // Most symbols of a wrong decision are right: as training they give a better channel for another attempt.
    placeHeader(bits);
    trackKnown(kKnown, splitChannel_, noiseVariance_);
    const double power =
        std::max(rawPower_ - noiseVariance_ * preambleSmoother_.dataNoiseGain(), 1e-3 * noiseVariance_);
    setChannel(fullSmoother_.smooth(combine(Known::All), noiseVariance_, power).channel);
    const HeaderBits again = decodeBits();
    if (again == bits)
      break;
    bits = again;
    header = unpackHeader(bits);
  }
  if (!header)
    return HeaderResult::Corrupt;
  header_ = *header;
  if (headerFault(header_, config_.maxPayloadOfdmSymbols) != nullptr)
    return HeaderResult::Implausible;
  headerOk_ = true;
  best_ = SnrEstimator::DataAided;
  placeHeader(packHeader(header_));
  estimateFromHeader();
  ofdmSymbols_ = static_cast<int>(payloadOfdmSymbolCount(header_));
  payload_.resize(static_cast<std::size_t>(ofdmSymbols_));
  return HeaderResult::Ok;
}

/** Whether a header symbol deviates from its decoded content by more than noise and estimation errors
 * explain. */
bool BurstDemodulator::headerDisturbed() const {
  // Random-walk phase strays by a sixth of its variance over the window about its mean.
  const double turning = tracker_.noisePerSample() * kCarriers / 6;
  const double expected =
      kLoadedCarriers * (noiseVariance_ + (kModelError + turning) * std::max(rawPower_, 0.0));
  double each[kHeaderSymbols];
  residualAll(splitChannel_, &ones_[kTraining], &knownTurns_[kTraining], kHeaderSymbols, each);
  return *std::max_element(each, each + kHeaderSymbols) > kDisturbance * expected;
}

/** The decoded header is training: 16 full symbols instead of 4. Where it was disturbed, the preamble's 4
 * must do. */
void BurstDemodulator::estimateFromHeader() {
  const bool deviates = headerDisturbed();
  disturbed_ = deviates && !header_.transport.clipped;
  payloadNoise_ = 0;
  if (header_.transport.clipped)
    payloadNoise_ = sumOfResiduals(kTraining, kKnown, splitChannel_) / (kHeaderSymbols * kLoadedCarriers);
  if (deviates) {
    tracked_ = kTraining;
    trackKnown(kTraining, splitChannel_, noiseVariance_);
    knownFreedom_ = (kLongRepeats - 1) * kLoadedCarriers;
    knownResidual_ = repeatedNoise_ * knownFreedom_;
    smoother_ = &preambleSmoother_;
  } else {
    tracked_ = kKnown;
    // At low SNR the header's pilots alone give too rough a phase to combine 16 symbols.
    if (rawPower_ < kGoodPilots * noiseVariance_)
      trackKnown(kKnown, splitChannel_, noiseVariance_);
    const double power =
        std::max(rawPower_ - noiseVariance_ * preambleSmoother_.dataNoiseGain(), 1e-3 * noiseVariance_);
    const auto estimate = fullSmoother_.smooth(combine(Known::All), noiseVariance_, power);
    setChannel(estimate.channel);
    rawPower_ = estimate.rawPower;
    trackKnown(kKnown, splitChannel_, noiseVariance_);
    knownResidual_ = sumOfResiduals(kShortBlocks, kKnown, splitChannel_);
    constexpr double kObservations = (kLongRepeats + kHeaderSymbols) * kLoadedCarriers;
    knownFreedom_ = kObservations * (1 - fullSmoother_.noiseGain()) - 1; // 1: two real phase parameters
    if (rawPower_ > kEdgesCount * noiseVariance_)
      removeRinging();
    noiseVariance_ = std::max(knownResidual_ / knownFreedom_, 1e-20);
    smoother_ = &fullSmoother_;
  }
  payloadNoise_ = std::max(payloadNoise_, noiseVariance_);
  trackedFrequency_ = frequencies_.back();
  pilotPower_ = 0;
  for (int p = 0; p < kPilotCarriers; ++p) {
    pilotChannel_[p] = channel_[waveform().pilot[p]];
    pilotPower_ += static_cast<double>(std::norm(pilotChannel_[p]));
  }
  const double snr = pilotPower_ / (kPilotCarriers * payloadNoise_);
  pilotFollow_ = static_cast<float>(snr / (snr + kFollowSnr) / kFollowSymbols);
}

/** From the known symbols' residual. */
void BurstDemodulator::removeRinging() {
  static const EdgeRinging ringing(kCentre);
  std::array<CarrierVector, EdgeRinging::kSymbols> residuals;
  for (int m = 0; m < EdgeRinging::kSymbols; ++m) {
    const CarrierVector& y = known_[kTraining + m];
    const CarrierVector& x = sent_[kTraining + m];
    const Cf back = std::conj(knownTurns_[kTraining + m]);
    for (int k = 0; k < kLoadedCarriers; ++k)
      residuals[m][k] = y[k] * back - channel_[k] * x[k];
  }
  const double explained = ringing.explained(&sent_[kTraining - 1], residuals);
  knownResidual_ -= std::min(explained, 0.999 * knownResidual_); // rounding, where nothing else is left
  knownFreedom_ -= EdgeRinging::kFreedom;
}

bool BurstDemodulator::takeSymbol(const StreamView& stream, int m) {
  const Waveform& w = waveform();
  CarrierVector& y = payload_[static_cast<std::size_t>(m)];
  const std::int64_t offset = symbolOffset(kHeaderSymbols + m);
  extract(stream, offset, y.data(), true);
  const auto& signs = w.pilotSign[static_cast<std::size_t>(kHeaderSymbols + m)];
  const double predicted = tracker_.predict(static_cast<double>(offset) + kCarriers / 2);
  Cf z = 0;
  for (int p = 0; p < kPilotCarriers; ++p)
    z += std::conj(channel_[w.pilot[p]]) * y[w.pilot[p]] * signs[p];
  const Cd turned = Cd(z) * std::polar(1.0, -predicted);
  tracker_.observe(std::arg(turned), payloadNoise_ / (2 * std::max(pilotPower_, 1e-30)));
  // Page's test: |y|^2 - |y - h x|^2 over the noise has mean -+ SNR with and without pilots.
  if (lossScore_ <= 0)
    lossBegin_ = m;
  const Cf back = unit(-predicted);
  float score = 0;
  for (int p = 0; p < kPilotCarriers; ++p) {
    const Cf seen = y[w.pilot[p]] * signs[p] * back;
    Cf& h = pilotChannel_[p];
    score += std::norm(h) - 2 * (std::conj(h) * seen).real();
    h += pilotFollow_ * (seen - h);
  }
  lossScore_ = std::max(0.0, lossScore_) + static_cast<double>(score) / payloadNoise_;
  if (!(lossScore_ > kLossThreshold))
    return true;
  lostSymbol_ = lossBegin_;
  return false;
}

CarrierVector BurstDemodulator::channelAt(int m) const {
  if (!channelMoved_)
    return channel_;
  CarrierVector channel;
  channelTracker_.channelAt(m, channel);
  return channel;
}

CarrierVector BurstDemodulator::equaliserAt(int m) const {
  CarrierVector weight = channelAt(m);
  const auto noise = static_cast<float>(noiseVariance_);
  for (Cf& h : weight)
    h = std::conj(h) / (std::norm(h) + noise);
  return weight;
}

/** Payload symbols in transmitted order: LMMSE, despread. */
void BurstDemodulator::equalise(std::vector<Cf>& symbols) {
  CarrierVector weight = equaliserAt(0);
  symbols.resize(static_cast<std::size_t>(ofdmSymbols_) * kDataCarriers);
  Cf* out = symbols.data();
  for (int m = 0; m < ofdmSymbols_; ++m, out += kDataCarriers) {
    if (channelMoved_)
      weight = equaliserAt(m);
    Cf equalised[kLoadedCarriers];
    multiplyTurned(equalised, payload_[m].data(), weight.data(), turns_[m]);
    withoutPilots(equalised, out);
    // The DFT is unitary and the symbols white: the inverse of the carriers' LMMSE is the symbols' LMMSE.
    if (header_.transport.dftSpreading)
      spreader_.despread(out);
  }
  symbols.resize(static_cast<std::size_t>(payloadSymbolCount(header_)));
}

/** Undoes order, turns and scale (or norms). */
void BurstDemodulator::unmap(const std::vector<Cf>& payload, std::vector<float>& tokens) {
  burstMoves(header_.sequence, header_.transport, static_cast<int>(payload.size()), moves_);
  const auto symbols = static_cast<std::size_t>(tokenSymbolCount(header_));
  tokens.resize(2 * symbols);
  const auto scale = static_cast<float>(header_.scale);
  const Cf back[4] = {{scale, 0}, {0, -scale}, {-scale, 0}, {0, scale}}; // quarter turns undone
  for (std::size_t k = 0; k < symbols; ++k) {
    const Cf s = payload[positionOf(moves_[k])] * back[turnsOf(moves_[k])];
    tokens[2 * k] = s.real();
    tokens[2 * k + 1] = s.imag();
  }
  tokens.resize(static_cast<std::size_t>(header_.tokens) * static_cast<std::size_t>(header_.dimension));
  if (header_.transport.normalisation == PowerNormalisation::Token)
    restoreNorms(payload, tokens);
}

class BurstDemodulator::Shares {
public:
  explicit Shares(const BurstDemodulator& demodulator) : demodulator_(demodulator) {}

  /** Of payload place p, in transmitted order. */
  double at(std::uint32_t p) {
    weigh(static_cast<int>(p / kDataCarriers));
    return demodulator_.header_.transport.dftSpreading ? mean_ : left_[p % kDataCarriers];
  }

private:
  void weigh(int m) {
    if (m == symbol_ || (symbol_ >= 0 && !demodulator_.channelMoved_))
      return;
    symbol_ = m;
    mean_ = 0;
    const CarrierVector channel = demodulator_.channelAt(m), weight = demodulator_.equaliserAt(m);
    for (int d = 0; d < kDataCarriers; ++d) {
      const int k = waveform().data[d];
      left_[d] = static_cast<double>((weight[k] * channel[k]).real());
      mean_ += left_[d] / kDataCarriers;
    }
  }

  const BurstDemodulator& demodulator_;
  std::array<double, kDataCarriers> left_{};
  double mean_ = 0;
  int symbol_ = -1;
};

void BurstDemodulator::restoreNorms(const std::vector<Cf>& payload, std::vector<float>& tokens) const {
  Shares shares(*this);
  const Cf back[4] = {{1, 0}, {0, -1}, {-1, 0}, {0, 1}};
  std::vector<ReceivedNorm> received;
  for (std::size_t k = payload.size() - static_cast<std::size_t>(normSymbolCount(header_));
       k < payload.size(); ++k) {
    const std::uint32_t position = positionOf(moves_[k]);
    received.push_back({payload[position] * back[turnsOf(moves_[k])], shares.at(position)});
  }
  const std::vector<double> norms = estimateNorms(received);
  const auto dimension = static_cast<std::size_t>(header_.dimension);
  for (std::size_t l = 0; l < norms.size(); ++l)
    for (std::size_t i = l * dimension; i < (l + 1) * dimension; ++i)
      tokens[i] *= static_cast<float>(norms[l]);
}

/** Digital: symbols as the code wants them, x + n with a noise variance each, and what it makes of them. */
void BurstDemodulator::decodePayload(const std::vector<Cf>& payload, ReceivedBurst& burst) {
  burstMoves(header_.sequence, header_.transport, static_cast<int>(payload.size()), moves_);
  // In transmitted order, since shares may change from symbol to symbol.
  Shares shares(*this);
  shares_.resize(payload.size());
  for (std::size_t p = 0; p < payload.size(); ++p)
    shares_[p] = static_cast<float>(std::clamp(shares.at(static_cast<std::uint32_t>(p)), kFaint, 1 - kFaint));
  // LMMSE leaves w x + e with var e = w (1 - w).
  const Cf back[4] = {{1, 0}, {0, -1}, {-1, 0}, {0, 1}};
  coded_.resize(payload.size());
  codedVariance_.resize(payload.size());
  for (std::size_t k = 0; k < payload.size(); ++k) {
    const std::uint32_t position = positionOf(moves_[k]);
    const float share = shares_[position];
    coded_[k] = payload[position] * back[turnsOf(moves_[k])] / share;
    codedVariance_[k] = (1 - share) / share;
  }
  fec::DigitalTokens got =
      digital_.decode(coded_, codedVariance_, digitalFormat(header_), digitalSeed(header_));
  burst.codeBlocks = got.blocks;
  burst.codeBlocksLost = got.blocksLost;
  burst.decoderIterations = got.iterations;
  if (got.fault != fec::DigitalFault::None) {
    burst.outcome = BurstOutcome::PayloadMismatch;
    return;
  }
  burst.tokens = std::move(got.tokens);
  burst.erased = std::move(got.erased);
}

/** The channel over the payload, and the pilots' residual against it. */
void BurstDemodulator::trackChannel() {
  // Centre of the known symbols that made the channel.
  const bool withHeader = smoother_ == &fullSmoother_;
  const double centre =
      withHeader ? (kHeaderSymbols * (kLongCentre + 0.5 * kHeaderSamples)) / (kHeaderSymbols + kLongRepeats)
                 : 0.0;
  const double firstPayload = static_cast<double>(symbolOffset(kHeaderSymbols)) + kCarriers / 2;
  ChannelTracker::Training training;
  training.channel = &channel_;
  training.age = (firstPayload - centre) / kSymbolSamples;
  training.errorVariance = smoother_->noiseGain() * noiseVariance_;
  const double observations = static_cast<double>(kPilotCarriers) * ofdmSymbols_;
  const auto sumOfPilotResiduals = [&] {
    CarrierVector channel = channel_;
    double sum = 0;
    for (int m = 0; m < ofdmSymbols_; ++m) {
      if (channelMoved_)
        channelTracker_.channelAt(m, channel);
      for (int p = 0; p < kPilotCarriers; ++p)
        sum += static_cast<double>(std::norm(pilots_[m][p] - channel[waveform().pilot[p]]));
    }
    return sum;
  };
  pilotResidual_ = sumOfPilotResiduals();
  pilotFreedom_ = observations * (1 + smoother_->noiseGain());
  channelMoved_ = channelTracker_.track(pilots_, training, payloadNoise_);
  if (!channelMoved_)
    return;
  const double residual = sumOfPilotResiduals(), freedom = observations - channelTracker_.freedom();
  const double excess = pilotResidual_ / pilotFreedom_ - payloadNoise_;
  channelMoved_ = residual / freedom - payloadNoise_ <
                  kUnexplained * excess + 2 * payloadNoise_ / std::sqrt(observations);
  if (!channelMoved_)
    return;
  pilotResidual_ = residual;
  pilotFreedom_ = freedom;
  double power = 0;
  for (int m = 0; m < ofdmSymbols_; ++m)
    power += sumOfPowers(channelAt(m).data(), kLoadedCarriers) / ofdmSymbols_;
  payloadGain_ = power / sumOfPowers(channel_.data(), kLoadedCarriers);
}

void BurstDemodulator::finish(ReceivedBurst& burst) {
  const Waveform& w = waveform();
  tracker_.adapt();
  tracker_.smooth(phases_, frequencies_);
  trackedFrequency_ = frequencies_.back();
  const double* phases = phases_.data() + tracked_;

  // Pilots add to the noise estimate before it is used.
  double meanPhase = 0, slope = 0, time2 = 0;
  turns_.resize(static_cast<std::size_t>(ofdmSymbols_));
  pilots_.resize(static_cast<std::size_t>(ofdmSymbols_));
  for (int m = 0; m < ofdmSymbols_; ++m) {
    const Cf turn = unit(phases[m]);
    turns_[m] = std::conj(turn);
    const auto& signs = w.pilotSign[static_cast<std::size_t>(kHeaderSymbols + m)];
    for (int p = 0; p < kPilotCarriers; ++p)
      pilots_[m][p] = payload_[m][w.pilot[p]] * signs[p] * turns_[m];
    const double t = m - 0.5 * (ofdmSymbols_ - 1);
    meanPhase += phases[m] / ofdmSymbols_;
    slope += phases[m] * t;
    time2 += t * t;
  }
  slope = time2 > 0 ? slope / time2 : 0;
  double drift = 0;
  for (int m = 0; m < ofdmSymbols_; ++m) {
    const double e = phases[m] - meanPhase - slope * (m - 0.5 * (ofdmSymbols_ - 1));
    drift += e * e / ofdmSymbols_;
  }
  phaseDrift_ = std::sqrt(drift);
  trackChannel();
  // Noise that differs between training and payload is interference: then the payload's own counts.
  const double known = knownResidual_ / knownFreedom_, observed = pilotResidual_ / pilotFreedom_;
  const double excess = std::max(observed - kModelError * std::max(rawPower_, 0.0), 0.0);
  if (excess > 1.5 * known && ratioDeviate(excess / known, pilotFreedom_, knownFreedom_) >
                                  (disturbed_ ? kSignificanceDisturbed : kSignificance)) {
    disturbed_ = disturbed_ || !header_.transport.clipped;
    noiseVariance_ = observed;
    best_ = SnrEstimator::PilotEvm;
  } else {
    noiseVariance_ = std::max((knownResidual_ + pilotResidual_) / (knownFreedom_ + pilotFreedom_), 1e-20);
    best_ = SnrEstimator::DataAidedAndPilots;
  }

  burst.outcome = BurstOutcome::Ok;
  equalise(burst.constellation);
  if (header_.mapping == Mapping::Digital)
    decodePayload(burst.constellation, burst);
  else
    unmap(burst.constellation, burst.tokens);
  const std::size_t symbols = burst.constellation.size();
  const double power = sumOfPowers(burst.constellation.data(), symbols);
  const auto toUnit =
      static_cast<float>(1 / std::sqrt(std::max(power / static_cast<double>(symbols), 1e-30)));
  for (Cf& c : burst.constellation)
    c *= toUnit;
  burst.payloadSymbols = tokenSymbolCount(header_);
  burst.normSymbols = normSymbolCount(header_);
  describe(burst);
  if (config_.wantsUnequalised && config_.wantsUnequalised->load(std::memory_order_relaxed))
    copyUnequalised(burst);
}

} // namespace otabench::phy
