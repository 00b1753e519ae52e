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
  std::shared_ptr<const PathProfile> path;
};

/// The lock is held. @throws std::invalid_argument
Link findLink(const MediumState& state, const std::string& from, const std::string& to) {
  Link link{state.find(from), state.find(to), nullptr};
  if (!link.from)
    throw std::invalid_argument("from: \"" + from + "\" is not a radio of this medium");
  if (!link.to)
    throw std::invalid_argument("to: \"" + to + "\" is not a radio of this medium");
  const auto path = state.paths.find({link.from->index, link.to->index});
  if (path == state.paths.end())
    throw std::invalid_argument("from, to: " + from + " has no path to " + to);
  link.path = path->second;
  return link;
}

double powerDb(double linear) {
  return 10.0 * std::log10(std::max(linear, 1e-300));
}

/// What holds on a link at one true time of the receiver.
LinkTruth truthAt(const Link& link, double sentNs, double receivedNs) {
  const RadioState& from = *link.from;
  const RadioState& to = *link.to;
  const double fullScale = fullScaleDbm(to.profile.rxFullScaleDbm, to.rxSettings.gainDb.at(receivedNs));
  LinkTruth truth;
  truth.taps = link.path->taps;
  truth.receivedFullScaleDbm =
      transmittedDbm(from.profile.maxOutputPowerDbm, from.txSettings.gainDb.at(sentNs)) -
      link.path->pathLossDb;
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

/// Energies of the listed carriers of one symbol, transform normalised by 1/sqrt(fftSize).
void addCarrierEnergies(const std::complex<float>* symbol, const BurstQuery& query,
                        const std::vector<Complex>& turn, std::vector<double>& energy) {
  for (std::size_t c = 0; c < query.carriers.size(); ++c) {
    const auto size = static_cast<std::int64_t>(query.fftSize);
    const auto step = static_cast<std::size_t>((query.carriers[c] % size + size) % size);
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
    energy[c] += (re * re + im * im) / static_cast<double>(query.fftSize);
  }
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
    double leastDelayS = link.path->taps.front().delayS;
    for (const Tap& tap : link.path->taps)
      leastDelayS = std::min(leastDelayS, tap.delayS);
    const double receivedNs = sentNs + leastDelayS * 1e9;
    truth = truthAt(link, sentNs + 1e-3, receivedNs + 1e-3);
    // Everything that the payload's samples can depend on; a burst may be surrounded by silence.
    const double reachNs = 1e6 + 64.0 * 1e9 / query.sampleRateHz + 64.0 * 1e9 / to.rxSettings.sampleRateHz;
    source = state_->source(from, link.path, sentNs - reachNs,
                            from.trueNsOfTick(startTick + sampleCount, query.sampleRateHz) + reachNs);
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
    noisePerBin = dbToPower(truth.noisePowerDbfs) * query.sampleRateHz * from.clockFactor /
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
  const std::int64_t blocks = (sampleCount + 127) / 128;
  std::vector<std::complex<float>> received(static_cast<std::size_t>(blocks) * 128);
  RenderCache cache;
  contribute(source, geometry, 0, blocks, cache, [&](std::int64_t block, const float* re, const float* im) {
    for (std::size_t i = 0; i < 128; ++i)
      received[static_cast<std::size_t>(block) * 128 + i] = {re[i], im[i]};
  });
  received.resize(static_cast<std::size_t>(sampleCount));

  std::vector<Complex> turn(query.fftSize);
  for (std::size_t n = 0; n < query.fftSize; ++n)
    turn[n] = std::polar(1.0, -2.0 * kPi * static_cast<double>(n) / static_cast<double>(query.fftSize));
  std::vector<double> energy(query.carriers.size(), 0.0);
  for (std::size_t symbol = 0; symbol < query.symbolCount; ++symbol)
    addCarrierEnergies(received.data() + symbol * (query.fftSize + query.cpLength) + query.cpLength, query,
                       turn, energy);
  double total = 0.0;
  for (const double e : energy) {
    const double mean = e / static_cast<double>(query.symbolCount);
    total += mean;
    result.carrierSnrDb.push_back(powerDb(mean / noisePerBin));
  }
  result.trueSnrDb = powerDb(total / static_cast<double>(energy.size()) / noisePerBin);
  double power = 0.0;
  for (const std::complex<float>& sample : received)
    power += std::norm(Complex(sample));
  result.receivedPowerDbfs = powerDb(power / static_cast<double>(sampleCount));
  result.noisePowerDbfs = truth.noisePowerDbfs;
  result.cfoHz = truth.cfoHz;
  result.clockOffsetPpm = truth.clockOffsetPpm;
  return result;
}

} // namespace otabench::medium
