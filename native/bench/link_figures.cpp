#include "link_figures.hpp"

#include <cmath>

namespace bench {

using namespace otabench::phy;

namespace {
constexpr double kPi = 3.14159265358979323846;
constexpr double kRmsDbfs = -12;
constexpr double kLargestCfoHz = 98e3;
} // namespace

LinkPoint measureLink(double snrDb, int bursts, int tokens, int dimension, bool threeTaps,
                      std::uint64_t seed) {
  LinkPoint point;
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
    const auto sent = air::gaussianTokens(tokens * dimension, air::hash(seed) + trial);
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
