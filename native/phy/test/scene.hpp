#pragma once

#include <cmath>
#include <cstring>
#include <vector>

#include "air.hpp"

/** One burst in a stream, and what a receiver made of streams. */
namespace scene {

using namespace otabench::phy;

inline constexpr double kPi = 3.14159265358979323846;
inline constexpr double kRmsDbfs = kDefaultRmsDbfs;
/** 40 ppm of 2.45 GHz. */
inline constexpr double kLargestCfoHz = 98e3;

#if defined(__SANITIZE_ADDRESS__)
inline constexpr int kSlowdown = 8; // fewer trials where every access is checked
#else
inline constexpr int kSlowdown = 1;
#endif

inline BurstHeader header(int tokens, int dimension, int sequence = 0, int user = 0) {
  BurstHeader h;
  h.tokens = tokens;
  h.dimension = dimension;
  h.sequence = sequence;
  h.user = user;
  return h;
}

struct Sent {
  BurstHeader header;
  std::vector<float> tokens;
  std::vector<air::Cf> samples;
  TransmitReport report;
};

inline Sent makeBurst(const BurstHeader& h, std::uint64_t seed) {
  Sent s;
  s.header = h;
  s.tokens = air::gaussianTokens(h.tokens * h.dimension, seed);
  BurstTransmitter transmitter;
  s.report = transmitter.modulate(Span<const float>(s.tokens), h, kRmsDbfs, s.samples);
  return s;
}

inline void addNoise(std::vector<air::Cf>& stream, double snrDb, std::uint64_t seed,
                     const std::vector<air::Tap>& taps = {{0, 1}}) {
  air::Noise noise(seed);
  noise.add(stream.data(), stream.size(), air::noiseSigma(snrDb, kRmsDbfs, taps));
}

struct Heard {
  std::vector<ReceivedBurst> bursts;
  ReceiverCounters counters;
  int count(BurstOutcome outcome) const {
    int n = 0;
    for (const auto& b : bursts)
      n += b.outcome == outcome ? 1 : 0;
    return n;
  }
};

/** Feeds the stream in pieces whose sizes `piece(i)` says (0: all at once). */
template <typename Piece>
Heard listen(const std::vector<air::Cf>& stream, Piece piece, const ReceiverConfig& config = {},
             std::int64_t firstIndex = 0) {
  Heard heard;
  BurstReceiver receiver(config, [&](ReceivedBurst&& b) { heard.bursts.push_back(std::move(b)); });
  std::size_t at = 0;
  for (int i = 0; at < stream.size(); ++i) {
    const std::size_t wanted = static_cast<std::size_t>(piece(i));
    const std::size_t n = wanted == 0 ? stream.size() - at : std::min(wanted, stream.size() - at);
    receiver.push(stream.data() + at, n, firstIndex + static_cast<std::int64_t>(at));
    at += n;
  }
  receiver.flush();
  heard.counters = receiver.counters();
  return heard;
}

inline Heard listen(const std::vector<air::Cf>& stream, const ReceiverConfig& config = {},
                    std::int64_t firstIndex = 0) {
  return listen(
      stream, [](int) { return 0; }, config, firstIndex);
}

/** Every number of two bursts is the same, bit by bit. */
inline bool sameBits(const ReceivedBurst& a, const ReceivedBurst& b) {
  const auto same = [](const auto& x, const auto& y) {
    return x.size() == y.size() &&
           (x.size() == 0 || std::memcmp(x.data(), y.data(), x.size() * sizeof(x[0])) == 0);
  };
  const auto sameNumber = [](double x, double y) { return std::memcmp(&x, &y, sizeof x) == 0; };
  return a.outcome == b.outcome && a.startSample == b.startSample &&
         sameNumber(a.startFraction, b.startFraction) && a.endSample == b.endSample &&
         sameNumber(a.detectionMetric, b.detectionMetric) && sameNumber(a.cfoHz, b.cfoHz) &&
         sameNumber(a.snrDb, b.snrDb) && sameNumber(a.noiseVariance, b.noiseVariance) &&
         sameNumber(a.snrPilotEvm.snrDb, b.snrPilotEvm.snrDb) && same(a.tokens, b.tokens) &&
         same(a.constellation, b.constellation) && same(a.channel, b.channel) &&
         same(a.carrierSnrDb, b.carrierSnrDb);
}

} // namespace scene
