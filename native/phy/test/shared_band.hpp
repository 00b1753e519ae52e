#pragma once

#include <cmath>
#include <vector>

#include "air.hpp"
#include "otabench/phy/subband_receiver.hpp"
#include "otabench/phy/subband_transmitter.hpp"

/** Several users in one capture, each with its own radio. */
namespace shared_band {

using namespace otabench::phy;

inline constexpr double kNoiseSigma = 0.01;

/** One user's radio and air. */
struct Member {
  SubbandUser user;
  double snrDb = 20; // Es/N0 over the user's carriers, for noise of kNoiseSigma
  double cfoHz = 0;  // its carrier minus the base station's; the sounded part is taken out by the user
  std::vector<air::Tap> taps = {{0, 1}};
  double phase = 0;
};

/** Amplitude that puts a burst sent at rmsDbfs at Es/N0 snrDb. */
inline double amplitude(const Member& m, double rmsDbfs = kDefaultRmsDbfs) {
  const double carrierPower = std::pow(10, rmsDbfs / 10) * kCarriers / kLoadedCarriers;
  const double noise = kNoiseSigma * kNoiseSigma * m.user.band.rateRatio();
  return std::sqrt(std::pow(10, m.snrDb / 10) * noise / carrierPower);
}

/** Adds a burst (as SubbandTransmitter makes it) at `start`; the radio's clock is off as its carrier is. */
inline void arrive(std::vector<air::Cf>& capture, const Member& m, const std::vector<air::Cf>& burst,
                   double start) {
  air::Path path;
  path.taps = m.taps;
  path.cfoHz = m.cfoHz;
  path.phase = m.phase;
  for (air::Tap& tap : path.taps)
    tap.gain *= amplitude(m);
  air::arrive(capture, burst, start, path);
}

/** Es/N0 of every data carrier of the user, linear: the taps' response included. */
inline std::vector<double> carrierSnrs(const Member& m) {
  std::vector<double> snrs;
  for (const int k : loadedCarriers()) {
    if (isPilotCarrier(k))
      continue;
    const double frequency = carrierOffsetHz(m.user.band, k, kDefaultSampleRateHz) / kDefaultSampleRateHz;
    air::Cd h = 0;
    for (const air::Tap& tap : m.taps)
      h += tap.gain * std::polar(1.0, -2 * 3.14159265358979323846 * frequency * tap.delaySamples);
    snrs.push_back(std::pow(10, m.snrDb / 10) * std::norm(h));
  }
  return snrs;
}
/** Mean Es/N0, dB. */
inline double trueSnrDb(const Member& m) {
  double sum = 0;
  for (const double snr : carrierSnrs(m))
    sum += snr / kDataCarriers;
  return 10 * std::log10(sum);
}
/** Taps at 0/2/5 samples as air::threeTaps, of unit mean power over the user's carriers. */
inline void setThreeTaps(Member& m, std::uint64_t seed) {
  m.taps = air::threeTaps(seed);
  const double gain = std::pow(10, (m.snrDb - trueSnrDb(m)) / 20);
  for (air::Tap& tap : m.taps)
    tap.gain *= gain;
}
/** E |x - LMMSE(x)|^2 for the true channel. */
inline double boundMse(const Member& m) {
  double sum = 0;
  for (const double snr : carrierSnrs(m))
    sum += 1 / (1 + snr) / kDataCarriers;
  return sum;
}

struct Burst {
  BurstHeader header;
  std::vector<float> tokens;
  std::vector<air::Cf> samples;
};
inline Burst makeBurst(const SubbandUser& user, int tokens, int dimension, int sequence, std::uint64_t seed) {
  Burst b;
  b.header.user = user.user;
  b.header.sequence = sequence;
  b.header.tokens = tokens;
  b.header.dimension = dimension;
  b.tokens = air::gaussianTokens(tokens * dimension, seed);
  SubbandTransmitter(user).modulate(Span<const float>(b.tokens), b.header, Drive(), b.samples);
  return b;
}

/** Users 0, 1, ... with the CFO of `ppm` parts per million each, of which a sounding knew all but the
 * residual. */
inline Member member(int user, const Subband& band, double snrDb, double ppm, double residualHz) {
  Member m;
  m.user.user = user;
  m.user.band = band;
  m.snrDb = snrDb;
  m.cfoHz = ppm * 1e-6 * kDefaultCenterFrequencyHz;
  m.user.soundedCfoHz = m.cfoHz - residualHz;
  return m;
}

/** One per cent of a grid carrier. */
inline constexpr double kResidualHz = 0.01 * kDefaultSampleRateHz / kCarriers;

inline std::vector<SubbandUser> usersOf(const std::vector<Member>& members) {
  std::vector<SubbandUser> users;
  for (const Member& m : members)
    users.push_back(m.user);
  return users;
}

inline std::vector<SubbandBurst> listen(const std::vector<air::Cf>& capture,
                                        const std::vector<SubbandUser>& users) {
  std::vector<SubbandBurst> heard;
  SubbandReceiver receiver({}, users, [&](SubbandBurst&& b) { heard.push_back(std::move(b)); });
  receiver.push(capture.data(), capture.size(), 0);
  receiver.flush();
  return heard;
}

} // namespace shared_band
