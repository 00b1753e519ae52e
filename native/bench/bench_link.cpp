/**
 * Link benchmark: speed per core beside liquid-dsp in the same run, and what the link reaches in simulation.
 * `bench_link [--json] [--noise SAMPLES]`; the last line of --json is {"bench":"link","rows":[...]}.
 */
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "air.hpp"
#include "fdma_figures.hpp"
#include "fec_figures.hpp"
#include "link_figures.hpp"
#include "liquid_peer.hpp"
#include "otabench/phy/receiver.hpp"
#include "otabench/phy/transmitter.hpp"
#include "rows.hpp"
#include "timing.hpp"

namespace {

using namespace otabench::phy;
using bench::Row;
using Samples = std::vector<std::complex<float>>;

constexpr int kRepeats = 9;
constexpr std::size_t kStream = 1 << 20; // samples a measurement

/** MS/s of thread CPU time of several bodies, each returning the samples it processed; medians, interleaved.
 */
std::vector<double> rates(const std::vector<std::function<std::size_t()>>& bodies) {
  std::vector<std::vector<double>> measured(bodies.size());
  for (int repeat = -1; repeat < kRepeats; ++repeat)
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      const double begin = bench::threadCpuS();
      const std::size_t samples = bodies[i]();
      const double rate = static_cast<double>(samples) / (bench::threadCpuS() - begin) * 1e-6;
      if (repeat >= 0)
        measured[i].push_back(rate);
    }
  std::vector<double> result;
  for (const auto& m : measured)
    result.push_back(bench::median(m));
  return result;
}

/** Bursts of one user, back to back, at 20 dB, about kStream samples. */
Samples burstStream(int tokens, int dimension, int& bursts) {
  BurstTransmitter transmitter;
  Samples stream, burst;
  BurstHeader header;
  header.tokens = tokens;
  header.dimension = dimension;
  for (bursts = 0; stream.size() < kStream; ++bursts) {
    header.sequence = bursts % 4096;
    const auto values = air::gaussianTokens(tokens * dimension, static_cast<std::uint64_t>(bursts));
    transmitter.modulate(Span<const float>(values), header, kDefaultRmsDbfs, burst);
    stream.insert(stream.end(), burst.begin(), burst.end());
  }
  air::Noise noise(1);
  noise.add(stream.data(), stream.size(), air::noiseSigma(20, kDefaultRmsDbfs, {{0, 1}}));
  return stream;
}

void measureReceiver(std::vector<Row>& rows, bench::LiquidPeer& liquid) {
  std::fprintf(stderr, "receiver and noise speed\n");
  int shortCount = 0, longCount = 0;
  const Samples shortBursts = burstStream(16, 16, shortCount), longBursts = burstStream(64, 256, longCount);
  Samples liquidFrames, noise(kStream);
  std::int64_t liquidCount = 0;
  for (; liquidFrames.size() < kStream; ++liquidCount)
    liquid.transmit(liquidFrames);
  air::Noise generator(2);
  generator.write(noise.data(), noise.size(), 0.05);
  // The same 20 dB over the same occupied band.
  double power = 0;
  for (const auto& s : liquidFrames)
    power += static_cast<double>(std::norm(s)) / static_cast<double>(liquidFrames.size());
  generator.add(liquidFrames.data(), liquidFrames.size(), std::sqrt(power / 100));

  std::int64_t received = 0, expected = 0;
  std::int64_t liquidExpected = 0;
  liquid.takeValid();
  const auto ours = [&](const Samples& stream, int count) {
    return [&received, &expected, &stream, count] {
      BurstReceiver receiver({},
                             [&](ReceivedBurst&& b) { received += b.outcome == BurstOutcome::Ok ? 1 : 0; });
      receiver.push(stream.data(), stream.size(), 0);
      receiver.flush();
      expected += count;
      return stream.size();
    };
  };
  BurstReceiver noiseReceiver({}, [](ReceivedBurst&&) {});
  std::int64_t noiseAt = 0;
  std::int64_t liquidValid = 0;
  const auto r = rates({ours(shortBursts, shortCount), ours(longBursts, longCount),
                        [&] {
                          liquid.receive(liquidFrames);
                          liquidExpected += liquidCount;
                          return liquidFrames.size();
                        },
                        [&] {
                          noiseReceiver.push(noise.data(), noise.size(), noiseAt);
                          noiseAt += static_cast<std::int64_t>(noise.size());
                          return noise.size();
                        },
                        [&] {
                          liquidValid += liquid.takeValid();
                          liquid.receive(noise);
                          return noise.size();
                        }});
  std::fprintf(stderr, "  bursts received %lld of %lld, liquid frames %lld of %lld\n",
               static_cast<long long>(received), static_cast<long long>(expected),
               static_cast<long long>(liquidValid), static_cast<long long>(liquidExpected));
  const char* peer = "liquid-dsp ofdmflexframesync";
  rows.push_back({"receiver, back to back, L=16 D=16", r[0], "MS/s per core", 60, true, peer, r[2]});
  rows.push_back({"receiver, back to back, L=64 D=256", r[1], "MS/s per core", 60, true, peer, r[2]});
  rows.push_back({"receiver, noise only", r[3], "MS/s per core", 120, true, peer, r[4]});
  rows.push_back({"bursts lost in the speed runs",
                  static_cast<double>(expected - received),
                  "bursts",
                  0,
                  false,
                  "",
                  {}});
}

void measureTransmitter(std::vector<Row>& rows, bench::LiquidPeer& liquid) {
  std::fprintf(stderr, "transmitter speed\n");
  BurstTransmitter transmitter;
  Samples burst;
  const auto ours = [&](int tokens, int dimension) {
    const auto values = air::gaussianTokens(tokens * dimension, 3);
    return [&transmitter, &burst, values, tokens, dimension] {
      BurstHeader header;
      header.tokens = tokens;
      header.dimension = dimension;
      std::size_t samples = 0;
      while (samples < kStream) {
        header.sequence = (header.sequence + 1) & kMaxSequence;
        transmitter.modulate(Span<const float>(values), header, kDefaultRmsDbfs, burst);
        samples += burst.size();
      }
      return samples;
    };
  };
  Samples frames;
  const auto r = rates({ours(16, 16), ours(64, 256), [&] {
                          std::size_t samples = 0;
                          while (samples < kStream) {
                            frames.clear();
                            liquid.transmit(frames);
                            samples += frames.size();
                          }
                          return samples;
                        }});
  const char* peer = "liquid-dsp ofdmflexframegen";
  rows.push_back({"transmitter, L=16 D=16", r[0], "MS/s per core", 120, true, peer, r[2]});
  rows.push_back({"transmitter, L=64 D=256", r[1], "MS/s per core", 120, true, peer, r[2]});
}

void measureQuality(std::vector<Row>& rows, std::int64_t noiseSamples) {
  for (const bool taps : {false, true})
    for (const double snrDb : {0.0, -5.0}) {
      std::fprintf(stderr, "headers at %.0f dB%s\n", snrDb, taps ? ", three taps" : "");
      const auto p = bench::measureLink(snrDb, 600, 16, 16, taps, 11);
      const std::string where =
          std::string(snrDb < 0 ? "-5 dB" : "0 dB") + (taps ? ", taps 0/2/5" : ", AWGN");
      std::optional<double> peer;
      if (snrDb == 0 && !taps)
        peer = 0.13;
      rows.push_back({"detection and valid header at " + where, static_cast<double>(p.headersOk) / p.bursts,
                      "share", 0.99, true, peer ? "liquid-dsp header (link-limits)" : "", peer});
    }
  double gap[2] = {-99, -99}, bias[2] = {0, 0};
  for (const bool taps : {false, true})
    for (const double snrDb : {0.0, 5.0, 10.0, 15.0, 20.0, 25.0}) {
      std::fprintf(stderr, "embedding error at %.0f dB%s\n", snrDb, taps ? ", three taps" : "");
      const auto p = bench::measureLink(snrDb, taps ? 40 : 60, 64, 64, taps, 12);
      gap[taps ? 1 : 0] = std::max(gap[taps ? 1 : 0], p.mseGapDb);
      bias[taps ? 1 : 0] = std::max(bias[taps ? 1 : 0], std::fabs(p.snrBiasDb));
      if (!taps && (snrDb == 0 || snrDb == 10))
        rows.push_back({std::string("CFO rms at ") + (snrDb == 0 ? "0 dB" : "10 dB"), p.cfoRms, "rad/sample",
                        snrDb == 0 ? 1.8e-3 : 5.7e-4, false, "liquid-dsp (link-limits)",
                        snrDb == 0 ? 3.3e-3 : 9e-4});
    }
  rows.push_back({"embedding MSE over 1/(1+SNR), worst of 0..25 dB, AWGN", gap[0], "dB", 0.3, false, "", {}});
  rows.push_back(
      {"embedding MSE over the bound, worst of 0..25 dB, taps 0/2/5", gap[1], "dB", 0.6, false, "", {}});
  rows.push_back({"SNR estimate bias, worst of 0..25 dB, AWGN", bias[0], "dB", 0.2, false, "", {}});
  rows.push_back({"SNR estimate bias, worst of 0..25 dB, taps 0/2/5", bias[1], "dB", 0.2, false, "", {}});
  std::fprintf(stderr, "false alarms in %lld noise samples\n", static_cast<long long>(noiseSamples));
  rows.push_back({"false alarms in " + std::to_string(noiseSamples) + " noise samples",
                  static_cast<double>(bench::falseAlarms(noiseSamples, 13)),
                  "bursts",
                  0,
                  false,
                  "",
                  {}});
}

} // namespace

int main(int argc, char** argv) {
  bool json = false;
  std::int64_t noiseSamples = 200'000'000;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      json = true;
    } else if (std::strcmp(argv[i], "--noise") == 0 && i + 1 < argc && std::atoll(argv[i + 1]) > 0) {
      noiseSamples = std::atoll(argv[++i]);
    } else {
      std::fprintf(stderr, "argument is %s; allowed: --json, --noise SAMPLES (> 0)\n", argv[i]);
      return 2;
    }
  }
  std::vector<Row> rows;
  {
    bench::LiquidPeer liquid;
    measureReceiver(rows, liquid);
    measureTransmitter(rows, liquid);
  }
  bench::addFdmaSpeed(rows);
  bench::addFecSpeed(rows);
  measureQuality(rows, noiseSamples);
  bench::print("link", rows, json);
  return 0;
}
