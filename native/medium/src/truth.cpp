// Ground truth. Nothing in the link may read it.
#include "render.hpp"
#include "state.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <stdexcept>

namespace otabench::medium {
namespace {

constexpr double kPi = 3.14159265358979323846;
using Complex = std::complex<double>;

struct Link {
  std::shared_ptr<RadioState> from;
  std::shared_ptr<RadioState> to;
  std::shared_ptr<const Channel> channel;
};

/// The lock is held. @throws std::invalid_argument
Link findLink(const MediumState& state, const std::string& from, const std::string& to) {
  Link link{state.find(from), state.find(to), nullptr};
  if (!link.from)
    throw std::invalid_argument("from: \"" + from + "\" is not a radio of this medium");
  if (!link.to)
    throw std::invalid_argument("to: \"" + to + "\" is not a radio of this medium");
  const auto channel = state.channels.find({link.from->index, link.to->index});
  if (channel == state.channels.end())
    throw std::invalid_argument("from, to: " + from + " has no path to " + to);
  link.channel = channel->second;
  return link;
}

double powerDb(double linear) {
  return 10.0 * std::log10(std::max(linear, 1e-300));
}

/// With the gains of one true time of the receiver.
std::vector<Tap> tapsAt(const Channel& channel, double receivedNs) {
  std::vector<Tap> taps = channel.taps;
  if (channel.fading.empty())
    return taps;
  TapGains gains;
  channel.exactGains(receivedNs, gains);
  for (std::size_t i = 0; i < taps.size(); ++i) {
    taps[i].powerDb += powerDb(std::norm(gains[i]));
    taps[i].phaseRad += std::arg(gains[i]);
  }
  return taps;
}

/// What holds on a link at one true time of the receiver.
LinkTruth truthAt(const Link& link, double sentNs, double receivedNs) {
  const RadioState& from = *link.from;
  const RadioState& to = *link.to;
  const double fullScale = fullScaleDbm(to.profile.rxFullScaleDbm, to.rxSettings.gainDb.at(receivedNs));
  LinkTruth truth;
  truth.taps = tapsAt(*link.channel, receivedNs);
  truth.receivedFullScaleDbm =
      transmittedDbm(from.profile.maxOutputPowerDbm, from.txSettings.gainDb.at(sentNs)) -
      link.channel->pathLossDb;
  truth.gainDb = truth.receivedFullScaleDbm - fullScale;
  truth.cfoHz = from.txSettings.frequencyHz.at(sentNs) * from.clockFactor -
                to.rxSettings.frequencyHz.at(receivedNs) * to.clockFactor;
  truth.clockOffsetPpm = (from.clockFactor / to.clockFactor - 1.0) * 1e6;
  truth.noisePowerDbm = noiseDbm(to.profile.noiseFigureDb, to.effectiveRate(to.rxSettings.sampleRateHz));
  truth.noisePowerDbfs = truth.noisePowerDbm - fullScale;
  double tapPower = 0.0;
  for (const Tap& tap : truth.taps)
    tapPower += dbToPower(tap.powerDb);
  truth.fullScaleSampleSnrDb = truth.gainDb + powerDb(tapPower) - truth.noisePowerDbfs;
  return truth;
}

void requireQuery(bool good, const std::string& field, const std::string& value, const std::string& allowed) {
  if (!good)
    throw std::invalid_argument(field + ": " + value + " is not allowed; allowed: " + allowed);
}

void validate(const BurstQuery& query) {
  requireQuery(query.sampleRateHz >= limits().sampleRateHz.minimum &&
                   query.sampleRateHz <= limits().sampleRateHz.maximum,
               "sampleRateHz", std::to_string(query.sampleRateHz), "200000 to 61440000 Hz");
  requireQuery(query.fftSize >= 2 && query.fftSize <= 65536, "fftSize", std::to_string(query.fftSize),
               "2 to 65536");
  requireQuery(query.cpLength <= 65536, "cpLength", std::to_string(query.cpLength), "0 to 65536");
  requireQuery(query.symbolCount >= 1 && query.symbolCount * (query.fftSize + query.cpLength) <= 16'777'216,
               "symbolCount", std::to_string(query.symbolCount),
               "at least 1, at most 16777216 samples in all");
  requireQuery(!query.carriers.empty(), "carriers", "none", "at least one");
  const int half = static_cast<int>(query.fftSize / 2);
  for (const int carrier : query.carriers)
    requireQuery(carrier >= -half && carrier < static_cast<int>(query.fftSize) - half, "carriers",
                 std::to_string(carrier),
                 std::to_string(-half) + " to " + std::to_string(static_cast<int>(query.fftSize) - half - 1));
}

/// The listed carriers of all symbols, transform normalised by 1/sqrt(fftSize); [symbols][carriers].
std::vector<Complex> carrierValues(const std::vector<std::complex<float>>& samples, const BurstQuery& query,
                                   const std::vector<Complex>& turn) {
  std::vector<Complex> values;
  values.reserve(query.symbolCount * query.carriers.size());
  const auto size = static_cast<std::int64_t>(query.fftSize);
  const double norm = 1.0 / std::sqrt(static_cast<double>(query.fftSize));
  for (std::size_t s = 0; s < query.symbolCount; ++s) {
    const std::complex<float>* symbol =
        samples.data() + s * (query.fftSize + query.cpLength) + query.cpLength;
    for (const int carrier : query.carriers) {
      const auto step = static_cast<std::size_t>((carrier % size + size) % size);
      double re = 0.0;
      double im = 0.0;
      std::size_t at = 0;
      for (std::size_t n = 0; n < query.fftSize; ++n) {
        const double x = symbol[n].real();
        const double y = symbol[n].imag();
        re += x * turn[at].real() - y * turn[at].imag();
        im += x * turn[at].imag() + y * turn[at].real();
        at += step;
        if (at >= query.fftSize)
          at -= query.fftSize;
      }
      values.emplace_back(re * norm, im * norm);
    }
  }
  return values;
}

/// What one source brings to count outputs of a grid that begins at output 0.
std::vector<std::complex<float>> contribution(const SourceJob& source, const SourceGeometry& geometry,
                                              std::int64_t count) {
  const std::int64_t blocks = (count + 127) / 128;
  std::vector<std::complex<float>> samples(static_cast<std::size_t>(blocks) * 128);
  RenderCache cache;
  GainTable gains;
  contribute(source, geometry, 0, blocks, cache, gains,
             [&](std::int64_t block, const float* re, const float* im) {
               for (std::size_t i = 0; i < 128; ++i)
                 samples[static_cast<std::size_t>(block) * 128 + i] = {re[i], im[i]};
             });
  samples.resize(static_cast<std::size_t>(count));
  return samples;
}

bool sendsAsWritten(const SourceJob& sent, const SourceJob& clean) {
  if (sent.oscillator.isOn() || !sent.silent.empty() || sent.segments.size() != clean.segments.size())
    return false;
  for (std::size_t i = 0; i < sent.segments.size(); ++i)
    if (sent.segments[i].chunks != clean.segments[i].chunks)
      return false;
  return true;
}

/// Energy of `sent` that is not `clean` times one factor, over the energy that is; 0 for no energy at all.
struct Distortion {
  double cleanEnergy = 0.0;
  double restEnergy = 0.0;
};
Distortion distortionOf(const std::vector<Complex>& sent, const std::vector<Complex>& clean) {
  Complex cross = 0.0;
  double energy = 0.0;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    cross += sent[i] * std::conj(clean[i]);
    energy += std::norm(clean[i]);
  }
  const Complex factor = energy > 0.0 ? cross / energy : Complex(0.0);
  Distortion distortion;
  distortion.cleanEnergy = std::norm(factor) * energy;
  for (std::size_t i = 0; i < sent.size(); ++i)
    distortion.restEnergy += std::norm(sent[i] - factor * clean[i]);
  return distortion;
}

/// |response|^2 of the taps, gains and path loss at a baseband frequency.
double responsePower(const std::vector<Tap>& taps, double amplitude, double frequencyHz) {
  Complex response = 0.0;
  for (const Tap& tap : taps)
    response += std::polar(dbToAmplitude(tap.powerDb), tap.phaseRad - 2.0 * kPi * frequencyHz * tap.delayS);
  return std::norm(response) * amplitude * amplitude;
}

} // namespace

LinkTruth Medium::linkTruth(const std::string& from, const std::string& to) const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  const double presentNs = state_->advance();
  return truthAt(findLink(*state_, from, to), presentNs, presentNs);
}

BurstTruth Medium::burstTruth(const BurstQuery& query) const {
  validate(query);
  SourceJob source;
  SourceJob clean;
  double dacPower = 0.0;
  double adcPower = 0.0;
  SourceGeometry geometry;
  LinkTruth truth;
  BurstTruth result;
  std::int64_t startTick = 0;
  double firstDelaySamples = 0.0;
  double noisePerBin = 0.0;
  const auto sampleCount = static_cast<std::int64_t>(query.symbolCount * (query.fftSize + query.cpLength));
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->advance();
    const Link link = findLink(*state_, query.from, query.to);
    const RadioState& from = *link.from;
    const RadioState& to = *link.to;
    startTick = from.tickOfHardwareNs(query.payloadStartNs, query.sampleRateHz);
    const double sentNs = from.trueNsOfTick(startTick, query.sampleRateHz);
    const double leastDelayS = link.channel->leastDelayS;
    const double receivedNs = sentNs + leastDelayS * 1e9;
    truth = truthAt(link, sentNs + 1e-3, receivedNs + 1e-3);
    // Everything that the payload's samples can depend on; a burst may be surrounded by silence.
    const double reachNs = 1e6 + 64.0 * 1e9 / query.sampleRateHz + 64.0 * 1e9 / to.rxSettings.sampleRateHz;
    source = state_->source(from, link.channel, sentNs - reachNs,
                            from.trueNsOfTick(startTick + sampleCount, query.sampleRateHz) + reachNs);
    clean = state_->source(from, link.channel, sentNs - reachNs,
                           from.trueNsOfTick(startTick + sampleCount, query.sampleRateHz) + reachNs, true);
    dacPower = quantisationPower(from.profile.impairments.dacBits);
    adcPower = quantisationPower(to.profile.impairments.adcBits);
    geometry.originNs = receivedNs;
    geometry.outputStepNs = 1e9 / from.effectiveRate(query.sampleRateHz);
    bool covered = false;
    for (const SegmentView& segment : source.segments)
      covered = covered || (segment.rateHz == query.sampleRateHz && segment.startTick <= startTick &&
                            segment.endTick >= startTick + sampleCount);
    if (!covered)
      throw std::runtime_error("payloadStartNs: " + std::to_string(query.payloadStartNs) + " for " +
                               std::to_string(sampleCount) + " samples of " + query.from +
                               ": not transmitted at this rate in this trial, or no longer kept");
    firstDelaySamples = leastDelayS * from.effectiveRate(query.sampleRateHz);
    geometry.sourceRateHz = query.sampleRateHz;
    geometry.sourceClockFactor = from.clockFactor;
    geometry.amplitude = dbToAmplitude(truth.gainDb);
    geometry.sourceBandHz = std::min(query.sampleRateHz, from.txSettings.bandwidthHz);
    geometry.outputBandHz = std::min(to.rxSettings.sampleRateHz, to.rxSettings.bandwidthHz);
    geometry.shiftHz = from.txSettings.frequencyHz.at(sentNs) - to.rxSettings.frequencyHz.at(receivedNs);
    // The receiver's noise density, in the bandwidth of the query's transform.
    noisePerBin = (dbToPower(truth.noisePowerDbfs) + adcPower) * query.sampleRateHz * from.clockFactor /
                  to.effectiveRate(to.rxSettings.sampleRateHz);
    result.rxPayloadStartSample = receivedNs * to.effectiveRate(to.rxSettings.sampleRateHz) / 1e9;
  }
  // The transmitter's own sample grid, seen through the earliest tap: clock offset and CFO are gone, windows
  // aligned. Equal rates at both ends keep the filter that the receiver would have used.
  const bool outputAsWide = geometry.outputBandHz >= 0.8 * query.sampleRateHz;
  geometry.outputRateHz = query.sampleRateHz;
  if (outputAsWide)
    geometry.outputBandHz = std::max(geometry.outputBandHz, query.sampleRateHz);
  geometry.ratio = 1.0;
  geometry.startPosition = static_cast<double>(startTick) + firstDelaySamples;
  const std::vector<std::complex<float>> received = contribution(source, geometry, sampleCount);

  std::vector<Complex> turn(query.fftSize);
  for (std::size_t n = 0; n < query.fftSize; ++n)
    turn[n] = std::polar(1.0, -2.0 * kPi * static_cast<double>(n) / static_cast<double>(query.fftSize));
  const std::vector<Complex> values = carrierValues(received, query, turn);
  const std::size_t carrierCount = query.carriers.size();
  const auto symbols = static_cast<double>(query.symbolCount);
  std::vector<double> energy(carrierCount, 0.0);
  for (std::size_t i = 0; i < values.size(); ++i)
    energy[i % carrierCount] += std::norm(values[i]);
  double total = 0.0;
  double totalNoise = 0.0;
  const double carrierHz = query.sampleRateHz * source.clockFactor / static_cast<double>(query.fftSize);
  const std::vector<Tap> middleTaps = tapsAt(
      *source.channel, geometry.originNs + 0.5 * static_cast<double>(sampleCount) * geometry.outputStepNs);
  for (std::size_t c = 0; c < carrierCount; ++c) {
    const double mean = energy[c] / symbols;
    double noise = noisePerBin;
    if (dacPower > 0.0) // rounding errors of the transmitter go through the channel
      noise += dacPower * responsePower(middleTaps, geometry.amplitude, query.carriers[c] * carrierHz);
    total += mean;
    totalNoise += noise;
    result.carrierSnrDb.push_back(powerDb(mean / noise));
  }
  result.trueSnrDb = powerDb(total / totalNoise);
  result.trueSndrDb = result.trueSnrDb;
  if (!sendsAsWritten(source, clean)) {
    const Distortion distortion =
        distortionOf(values, carrierValues(contribution(clean, geometry, sampleCount), query, turn));
    // The converter's rounding is in what was sent already.
    const double noise = noisePerBin * static_cast<double>(carrierCount) * symbols;
    result.trueSndrDb = powerDb(distortion.cleanEnergy / (noise + distortion.restEnergy));
  }
  double power = 0.0;
  for (const std::complex<float>& sample : received)
    power += std::norm(Complex(sample));
  result.receivedPowerDbfs = powerDb(power / static_cast<double>(sampleCount));
  result.noisePowerDbfs = powerDb(dbToPower(truth.noisePowerDbfs) + adcPower);
  result.cfoHz = truth.cfoHz;
  result.clockOffsetPpm = truth.clockOffsetPpm;
  return result;
}

namespace {

/// A window of what a receiver got, to be rendered again.
struct Snapshot {
  RenderJob whole;   ///< as it was read
  RenderJob written; ///< the query's transmitter alone, as written: nothing clipped, no front end, no noise
  OscillatorNoise oscillator; ///< the transmitter's
  std::vector<Span> silent;   ///< the transmitter's settling
};

/// @throws std::invalid_argument bad query; std::runtime_error the window is not past, or no longer kept.
Snapshot snapshot(MediumState& state, const PartsQuery& query) {
  constexpr std::size_t kMostSamples = 1 << 20;
  requireQuery(query.firstSample >= 0, "firstSample", std::to_string(query.firstSample), "at least 0");
  requireQuery(query.sampleCount >= 1 && query.sampleCount <= kMostSamples, "sampleCount",
               std::to_string(query.sampleCount), "1 to 1048576");
  const auto count = static_cast<std::int64_t>(query.sampleCount);
  const std::lock_guard<std::mutex> lock(state.mutex);
  const double presentNs = state.advance();
  const Link link = findLink(state, query.from, query.to);
  const double rateHz = link.to->rxSettings.sampleRateHz;
  const double beginNs = link.to->trueNsOfTick(query.firstSample, rateHz);
  if (query.firstSample + count > link.to->ticksBefore(presentNs, rateHz))
    throw std::runtime_error("firstSample: " + std::to_string(query.firstSample) + " and " +
                             std::to_string(count) + " samples are not all past");
  for (const auto& radio : state.radios)
    if (radio->tx.forgottenUntilNs > beginNs - 2e6 &&
        state.channels.count({radio->index, link.to->index}) != 0)
      throw std::runtime_error("firstSample: what " + radio->profile.serial + " sent before sample " +
                               std::to_string(query.firstSample) + " is no longer kept");
  Snapshot shot;
  shot.whole = state.job(*link.to, query.firstSample, count);
  for (SourceJob& source : shot.whole.sources)
    source.isOfQuery = source.radioIndex == link.from->index;
  shot.written = state.job(*link.to, query.firstSample, count, link.from.get());
  shot.written.withNoise = false;
  shot.written.withFrontEnd = false;
  shot.oscillator = link.from->oscillator;
  shot.silent = link.from->txSettings.settling;
  return shot;
}

std::vector<Sample> rendered(const RenderJob& job, RenderCache& cache) {
  std::vector<Sample> samples(static_cast<std::size_t>(job.count));
  render(job, cache, samples.data());
  return samples;
}

template <typename Wanted> void keepSources(RenderJob& job, Wanted wanted) {
  auto& all = job.sources;
  all.erase(std::remove_if(all.begin(), all.end(), [&](const SourceJob& one) { return !wanted(one); }),
            all.end());
}

} // namespace

ReceivedParts Medium::receivedParts(const PartsQuery& query) const {
  const Snapshot shot = snapshot(*state_, query);
  ReceivedParts parts;
  RenderCache cache;
  parts.received = rendered(shot.whole, cache);
  const auto only = [&](const auto& wanted) {
    RenderJob part = shot.whole;
    part.withFrontEnd = false;
    part.withNoise = false;
    keepSources(part, wanted);
    return rendered(part, cache);
  };
  parts.distorted = only([](const SourceJob& source) { return source.isOfQuery; });
  parts.others =
      only([](const SourceJob& source) { return !source.isOfQuery && source.radioIndex != SIZE_MAX; });
  parts.interference = only([](const SourceJob& source) { return source.radioIndex == SIZE_MAX; });
  RenderJob noise = shot.whole;
  noise.withFrontEnd = false;
  noise.sources.clear();
  parts.noise = rendered(noise, cache);
  RenderJob written = shot.written;
  written.oscillator = {};
  written.settling.clear();
  parts.faded = rendered(written, cache);
  for (SourceJob& source : written.sources) {
    auto direct = std::make_shared<Channel>();
    direct->pathLossDb = source.channel->pathLossDb;
    direct->leastDelayS = direct->greatestDelayS = source.channel->leastDelayS;
    direct->taps = {Tap{direct->leastDelayS, 0.0, 0.0}};
    source.channel = direct;
  }
  parts.clean = rendered(written, cache);
  return parts;
}

BudgetParts Medium::budgetParts(const PartsQuery& query) const {
  const Snapshot shot = snapshot(*state_, query);
  BudgetParts parts;
  RenderCache cache;
  parts.received = rendered(shot.whole, cache);
  RenderJob quiet = shot.whole;
  keepSources(quiet, [](const SourceJob& source) { return source.isOfQuery; });
  parts.quiet = rendered(quiet, cache);
  quiet.withNoise = false;
  parts.noiseFree = rendered(quiet, cache);
  RenderJob linear = shot.written;
  for (SourceJob& source : linear.sources) {
    source.oscillator = shot.oscillator;
    source.silent = shot.silent;
  }
  parts.linear = rendered(linear, cache);
  return parts;
}

} // namespace otabench::medium
