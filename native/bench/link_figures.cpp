#include "link_figures.hpp"

#include <cmath>

namespace bench {

using namespace otabench::phy;

namespace {
constexpr double kPi = 3.14159265358979323846;
constexpr double kRmsDbfs = -12;
constexpr double kLargestCfoHz = 98e3;
} // namespace

namespace {

struct KnownSymbol {
  double time;  // centre, samples
  int carriers; // energy over that of one loaded carrier
};

/** From the long training's start: three blocks of the short training (if wanted), long training, header,
 * payload pilots. */
std::vector<KnownSymbol> knownSymbols(int tokens, int dimension, bool withShort) {
  constexpr int kShortBlocks = 3;
  std::vector<KnownSymbol> known;
  if (withShort)
    for (int b = 1; b <= kShortBlocks; ++b)
      known.push_back({0.5 * kCarriers - b * kCarriers - kLongPrefix, kLoadedCarriers});
  double at = 0;
  for (int r = 0; r < kLongRepeats; ++r, at += kCarriers)
    known.push_back({at + kCarriers / 2, kLoadedCarriers});
  const std::int64_t payload = payloadOfdmSymbolCount(tokens, dimension);
  for (std::int64_t m = 0; m < kHeaderSymbols + payload; ++m, at += kSymbolSamples)
    known.push_back(
        {at + kCyclicPrefix + kCarriers / 2, m < kHeaderSymbols ? kLoadedCarriers : kPilotCarriers});
  return known;
}

} // namespace

double snrCrlbDb(double snrDb, int tokens, int dimension) {
  double count = 0;
  for (const KnownSymbol& s : knownSymbols(tokens, dimension, false))
    count += s.carriers;
  return 10 / std::log(10.0) * std::sqrt((1 + 2 / std::pow(10, snrDb / 10)) / count);
}

double cfoCrlb(double snrDb, int tokens, int dimension) {
  const auto known = knownSymbols(tokens, dimension, true);
  double count = 0, mean = 0, information = 0;
  for (const KnownSymbol& s : known) {
    count += s.carriers;
    mean += s.carriers * s.time;
  }
  mean /= count;
  for (const KnownSymbol& s : known)
    information += s.carriers * ((s.time - mean) * (s.time - mean) + kCarriers * kCarriers / 12.0);
  return 1 / std::sqrt(2 * std::pow(10, snrDb / 10) * information);
}

LinkPoint measureLink(double snrDb, int bursts, int tokens, int dimension, bool threeTaps, std::uint64_t seed,
                      const std::vector<std::vector<float>>& matrices) {
  LinkPoint point;
  point.snrCrlbDb = snrCrlbDb(snrDb, tokens, dimension);
  point.cfoCrlb = cfoCrlb(snrDb, tokens, dimension);
  point.bursts = bursts;
  BurstTransmitter transmitter;
  double mse = 0, bound = 0, bias = 0, square = 0, cfo = 0;
  for (int t = 0; t < bursts; ++t) {
    const auto trial = static_cast<std::uint64_t>(t);
    BurstHeader header;
    header.user = t % 16;
    header.sequence = t % 4096;
    header.tokens = tokens;
    header.dimension = dimension;
    const auto sent = matrices.empty() ? air::gaussianTokens(tokens * dimension, air::hash(seed) + trial)
                                       : matrices[static_cast<std::size_t>(t) % matrices.size()];
    std::vector<air::Cf> burst;
    transmitter.modulate(Span<const float>(sent), header, kRmsDbfs, burst);
    air::Path path;
    if (threeTaps)
      path.taps = air::threeTaps(seed + trial);
    path.cfoHz = kLargestCfoHz * (2 * air::uniform(seed + 1, trial) - 1);
    path.phase = 2 * kPi * air::uniform(seed + 2, trial);
    std::vector<air::Cf> samples(burst.size() + 1600);
    air::arrive(samples, burst, 400 + 600 * air::uniform(seed + 3, trial), path);
    air::Noise noise(air::hash(seed * 4096 + trial));
    noise.add(samples.data(), samples.size(), air::noiseSigma(snrDb, kRmsDbfs, path.taps));
    BurstReceiver receiver({}, [&](ReceivedBurst&& b) {
      if (b.outcome != BurstOutcome::Ok || b.header.sequence != header.sequence ||
          b.header.user != header.user)
        return;
      ++point.headersOk;
      mse += air::tokenMse(sent, b.tokens);
      bound += air::boundMse(snrDb, path.taps);
      bias += b.snrDb - snrDb;
      square += (b.snrDb - snrDb) * (b.snrDb - snrDb);
      const double error = 2 * kPi * (b.cfoHz - path.cfoHz) / kDefaultSampleRateHz;
      cfo += error * error;
    });
    receiver.push(samples.data(), samples.size(), 0);
    receiver.flush();
    if (receiver.counters().detections > 0)
      ++point.detected;
  }
  const double n = point.headersOk;
  point.mseGapDb = 10 * std::log10(mse / bound);
  point.snrBiasDb = bias / n;
  point.snrSdDb = std::sqrt(square / n - point.snrBiasDb * point.snrBiasDb);
  point.cfoRms = std::sqrt(cfo / n);
  return point;
}

std::int64_t falseAlarms(std::int64_t samples, std::uint64_t seed) {
  constexpr std::int64_t kBlock = 1 << 16;
  std::vector<air::Cf> block(kBlock);
  air::Noise noise(seed);
  BurstReceiver receiver({}, [](ReceivedBurst&&) {});
  for (std::int64_t at = 0; at < samples; at += kBlock) {
    noise.write(block.data(), block.size(), 0.1);
    receiver.push(block.data(), block.size(), at);
  }
  receiver.flush();
  return receiver.counters().detections;
}

} // namespace bench
