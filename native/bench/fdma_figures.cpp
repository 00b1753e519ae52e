#include "fdma_figures.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "carrier_math.hpp"
#include "rows.hpp"
#include "shared_band.hpp"
#include "subband_channeliser.hpp"
#include "timing.hpp"

namespace {

using namespace shared_band;
using air::Cd;
using bench::Row;
using Samples = std::vector<air::Cf>;

constexpr double kNearFarDb = 20;
constexpr std::size_t kWindow = 1 << 17; // samples of the capture a leakage is measured over
constexpr int kTrials = 4;

double toDb(double power) {
  return 10 * std::log10(power);
}

/** Bursts of one user one after the other over the whole capture, from a random time on. */
void fill(Samples& capture, const Member& m, double stopbandDb, std::uint64_t seed) {
  BurstTransmitter inner;
  SubbandSynthesiser synthesiser(m.user.band, stopbandDb);
  Samples own, wide, burst;
  BurstHeader header;
  header.user = m.user.user;
  header.tokens = 32;
  header.dimension = 64;
  for (std::uint64_t i = 0; static_cast<double>(wide.size()) < 1.1 * kWindow; ++i) {
    header.sequence = static_cast<int>(i);
    const auto tokens = air::gaussianTokens(32 * 64, seed + i);
    inner.modulate(Span<const float>(tokens), header, kDefaultRmsDbfs, own);
    synthesiser.synthesise(own, burst);
    wide.insert(wide.end(), burst.begin(), burst.end());
  }
  Member residual = m;
  residual.cfoHz -= m.user.soundedCfoHz.value_or(0);
  arrive(capture, residual, wide, -0.1 * kWindow * air::uniform(seed, 1));
}

std::vector<Subband> bandsOf(const std::vector<int>& widths, int guardCarriers) {
  std::vector<Subband> bands;
  int first = -kHighestCarrier;
  for (const int width : widths) {
    bands.push_back(subbandOfCarriers(first, width, guardCarriers * kBinsPerGridCarrier));
    first += width + guardCarriers;
  }
  return bands;
}

struct Stopbands {
  double transmitDb = kTransmitStopbandDb, receiveDb = kReceiveStopbandDb;
};

/** Leakage into the worst-off user over its own power, dB: the others kNearFarDb stronger, all with a random
 * time, a residual CFO of +-1 % of a grid carrier and +-20 ppm of clock. */
double leakageDb(const std::vector<Subband>& bands, const Stopbands& stop = {}) {
  double worst = -300;
  for (std::size_t victim = 0; victim < bands.size(); ++victim) {
    double leaked = 0, wanted = 0;
    for (std::uint64_t t = 0; t < kTrials; ++t) {
      Samples alone(kWindow), others(kWindow);
      for (std::size_t i = 0; i < bands.size(); ++i) {
        const double sign = (t + i) % 2 == 0 ? 1 : -1;
        // Equal powers in all: narrower bands are denser.
        Member m = member(static_cast<int>(i), bands[i], 0, 20 * sign, sign * kResidualHz);
        m.snrDb = 30 + (i == victim ? 0 : kNearFarDb) + toDb(1 / bands[i].rateRatio());
        fill(i == victim ? alone : others, m, stop.transmitDb, 1000 * t + 10 * victim + i);
      }
      wanted += carrierPower(Span<const air::Cf>(alone), bands[victim], stop.receiveDb);
      leaked += carrierPower(Span<const air::Cf>(others), bands[victim], stop.receiveDb);
    }
    worst = std::max(worst, toDb(leaked / wanted));
  }
  return worst;
}

/** The same for carriers of one common grid, without filters and without common symbol timing. */
double gridLeakageDb(const std::vector<int>& widths, int guardCarriers, double nearFarDb) {
  constexpr int kSymbols = 1500;
  std::vector<int> first;
  int next = -kHighestCarrier;
  for (const int width : widths) {
    first.push_back(next);
    next += width + guardCarriers;
  }
  Fft inverse(kCarriers, Fft::Direction::Inverse), forward(kCarriers, Fft::Direction::Forward);
  // Symbols of equal power per user, in time.
  const auto stream = [&](std::size_t user, std::uint64_t seed) {
    Samples values(static_cast<std::size_t>(kSymbols) * static_cast<std::size_t>(widths[user])), out;
    air::Noise(seed).write(values.data(), values.size(), 1 / std::sqrt(widths[user]));
    const Cf* value = values.data();
    for (int m = 0; m < kSymbols; ++m) {
      std::fill_n(inverse.in(), kCarriers, Cf(0, 0));
      for (int k = first[user]; k < first[user] + widths[user]; ++k)
        inverse.in()[(k + kCarriers) % kCarriers] = *value++;
      inverse.run();
      out.insert(out.end(), inverse.out() + kCarriers - kCyclicPrefix, inverse.out() + kCarriers);
      out.insert(out.end(), inverse.out(), inverse.out() + kCarriers);
    }
    return out;
  };
  double worst = -300;
  for (std::size_t victim = 0; victim < widths.size(); ++victim) {
    double wanted = 0, leaked = 0;
    Samples others(static_cast<std::size_t>(kSymbols) * kSymbolSamples);
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (i == victim)
        continue;
      const Samples s = stream(i, 10 * victim + i);
      const auto late = static_cast<std::size_t>(kSymbolSamples * air::uniform(victim, i));
      const double step = kTwoPi * 0.01 / kCarriers * (i % 2 == 0 ? 1 : -1);
      for (std::size_t n = late; n < s.size(); ++n)
        others[n] += s[n - late] * unit(step * static_cast<double>(n));
    }
    const Samples own = stream(victim, 99);
    for (int m = 1; m < kSymbols; ++m) {
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(m) * kSymbolSamples + kCyclicPrefix - 6;
      for (const Samples* s : {&own, const_cast<const Samples*>(&others)}) {
        std::copy_n(s->begin() + at, kCarriers, forward.in());
        forward.run();
        for (int k = first[victim]; k < first[victim] + widths[victim]; ++k)
          (s == &own ? wanted : leaked) +=
              static_cast<double>(std::norm(forward.out()[(k + kCarriers) % kCarriers]));
      }
    }
    worst = std::max(worst, toDb(leaked / wanted) + nearFarDb);
  }
  return worst;
}

/** Error of noise-free tokens that came through both filters, over their power, dB. */
double filterErrorDb(const Subband& band, const Stopbands& stop = {}) {
  double error = 0;
  constexpr int kBursts = 3;
  for (int t = 0; t < kBursts; ++t) {
    BurstHeader header;
    header.tokens = 32;
    header.dimension = 64;
    const auto tokens = air::gaussianTokens(32 * 64, static_cast<std::uint64_t>(t));
    Samples own, wide, back;
    BurstTransmitter().modulate(Span<const float>(tokens), header, kDefaultRmsDbfs, own);
    SubbandSynthesiser(band, stop.transmitDb).synthesise(own, wide);
    wide.resize(wide.size() + 4 * kGridBins);
    SubbandChanneliser channeliser(
        {band},
        [&](std::size_t, const Cf* s, std::size_t n, std::int64_t) { back.insert(back.end(), s, s + n); },
        stop.receiveDb);
    channeliser.push(wide.data(), wide.size(), 0);
    BurstReceiver receiver({},
                           [&](ReceivedBurst&& b) { error += air::tokenMse(tokens, b.tokens) / kBursts; });
    receiver.push(back.data(), back.size(), 0);
    receiver.flush();
  }
  return toDb(error);
}

/** The same for K carriers of one common grid behind filters of the same kind: EVM, dB. */
double gridFilterErrorDb(int carriers, int guardCarriers) {
  constexpr int kSymbols = 300;
  // A filter for that width; nothing else of this sub-band is used.
  Subband band;
  band.size = carriers * kGridBins / kGridCarriers;
  band.guardBins = guardCarriers * kBinsPerGridCarrier;
  const auto tapsOf = [&](double stopbandDb) {
    const SubbandFilter filter = designFilter(band, stopbandDb);
    std::vector<float> taps;
    for (int n = -(filter.taps / 2); n <= filter.taps / 2; ++n) {
      double sum = 0;
      for (int k = -filter.reach; k <= filter.reach; ++k)
        sum += static_cast<double>(filter.response[k + filter.reach]) * std::cos(kTwoPi * k * n / kGridBins);
      taps.push_back(static_cast<float>(sum / kGridBins));
    }
    return taps;
  };
  const auto filtered = [](const Samples& in, const std::vector<float>& taps) {
    Samples out(in.size());
    const auto half = static_cast<std::ptrdiff_t>(taps.size() / 2);
    for (std::ptrdiff_t n = 0; n < static_cast<std::ptrdiff_t>(in.size()); ++n)
      for (std::ptrdiff_t t = -half; t <= half; ++t)
        if (n + t >= 0 && n + t < static_cast<std::ptrdiff_t>(in.size()))
          out[n] += in[n + t] * taps[t + half];
    return out;
  };
  // Odd counts of carriers around zero keep the filter real.
  const int reach = carriers / 2;
  std::vector<int> used;
  for (int k = -reach; k <= reach; ++k)
    if (static_cast<int>(used.size()) < carriers)
      used.push_back(k);
  Fft inverse(kCarriers, Fft::Direction::Inverse), forward(kCarriers, Fft::Direction::Forward);
  Samples sent(static_cast<std::size_t>(kSymbols) * used.size()), stream;
  air::Noise(1).write(sent.data(), sent.size(), 1);
  const air::Cf* next = sent.data();
  for (int m = 0; m < kSymbols; ++m) {
    std::fill_n(inverse.in(), kCarriers, air::Cf(0, 0));
    for (const int k : used)
      inverse.in()[(k + kCarriers) % kCarriers] = *next++;
    inverse.run();
    stream.insert(stream.end(), inverse.out() + kCarriers - kCyclicPrefix, inverse.out() + kCarriers);
    stream.insert(stream.end(), inverse.out(), inverse.out() + kCarriers);
  }
  const Samples received =
      filtered(filtered(stream, tapsOf(kTransmitStopbandDb)), tapsOf(kReceiveStopbandDb));
  constexpr int kLead = 6, kEdge = 8; // window before the symbol's start; symbols left out at either end
  double error = 0, power = 0;
  for (std::size_t i = 0; i < used.size(); ++i) {
    Cd cross = 0;
    double sentPower = 0, receivedPower = 0;
    for (int m = kEdge; m < kSymbols - kEdge; ++m) {
      std::copy_n(received.begin() + static_cast<std::ptrdiff_t>(m) * kSymbolSamples + kCyclicPrefix - kLead,
                  kCarriers, forward.in());
      forward.run();
      const Cd y = Cd(forward.out()[(used[i] + kCarriers) % kCarriers]);
      const Cd x = Cd(sent[static_cast<std::size_t>(m) * used.size() + i]);
      cross += std::conj(x) * y;
      sentPower += std::norm(x);
      receivedPower += std::norm(y);
    }
    error += receivedPower - std::norm(cross) / sentPower;
    power += std::norm(cross) / sentPower;
  }
  return toDb(error / power);
}

/** What the weak ones of several users reach while the others send too. */
struct UserPoint {
  int bursts = 0, detected = 0, headersOk = 0;
  double mse = 0, bound = 0, bias = 0;
  double gapDb() const { return toDb(mse / bound); }
  double share() const { return static_cast<double>(headersOk) / bursts; }
  double biasDb() const { return bias / headersOk; }
};

/** @param others  the others send too, kNearFarDb stronger */
UserPoint measureUser(const std::vector<Subband>& bands, std::size_t watched, double snrDb, int bursts,
                      int tokens, int dimension, bool threeTaps, bool others, std::uint64_t seed) {
  UserPoint point;
  point.bursts = bursts;
  for (int t = 0; t < bursts; ++t) {
    const std::uint64_t trial = air::hash(seed) + 16 * static_cast<std::uint64_t>(t);
    std::vector<Member> members;
    Burst wanted;
    Samples capture;
    for (std::size_t n = 0; n < bands.size(); ++n) {
      const std::size_t i = (watched + n) % bands.size(); // the watched one first: its burst sets the length
      const double ppm = 40 * (air::uniform(trial, 7 * i) - 0.5);
      const double residual = kResidualHz * (2 * air::uniform(trial, 7 * i + 1) - 1);
      Member m = member(static_cast<int>(i), bands[i], snrDb + (n > 0 ? kNearFarDb : 0), ppm, residual);
      if (threeTaps)
        setThreeTaps(m, trial + i);
      m.phase = kTwoPi * air::uniform(trial, 7 * i + 2);
      members.push_back(m);
      if (n > 0 && !others)
        continue;
      const Burst b = makeBurst(m.user, tokens, dimension, t % 4096, trial + i);
      if (n == 0) {
        wanted = b;
        capture.resize(b.samples.size() + 6000);
      }
      double at = 500 + 2000 * air::uniform(trial, 7 * i + 3);
      // Users of wider bands repeat their bursts for as long as the watched one sends.
      for (; n == 0 || at < static_cast<double>(capture.size());
           at += static_cast<double>(b.samples.size())) {
        arrive(capture, m, b.samples, at);
        if (n == 0)
          break;
      }
    }
    air::Noise noise(trial + 9);
    noise.add(capture.data(), capture.size(), kNoiseSigma);
    SubbandReceiver receiver({}, usersOf(members), [&](SubbandBurst&& b) {
      if (b.user != static_cast<int>(watched) || b.burst.outcome != BurstOutcome::Ok ||
          b.burst.header.sequence != t % 4096)
        return;
      ++point.headersOk;
      point.mse += air::tokenMse(wanted.tokens, b.burst.tokens);
      point.bound += boundMse(members[0]);
      point.bias += b.burst.snrDb - trueSnrDb(members[0]);
    });
    receiver.push(capture.data(), capture.size(), 0);
    receiver.flush();
    point.detected += receiver.counters(static_cast<int>(watched)).detections > 0 ? 1 : 0;
  }
  return point;
}

/** MS/s of capture per second of thread CPU time, bursts of all users back to back at 20 dB. */
void measureSpeed(std::vector<Row>& rows, const std::vector<Subband>& bands, int tokens, int dimension,
                  const std::string& what, double goal) {
  constexpr std::size_t kStream = 1 << 20;
  constexpr int kRepeats = 9;
  Samples capture(kStream);
  std::vector<SubbandUser> users;
  std::int64_t expected = 0, received = 0;
  for (std::size_t i = 0; i < bands.size(); ++i) {
    const Member m = member(static_cast<int>(i), bands[i], 20, 0, 0);
    users.push_back(m.user);
    const auto gain = static_cast<float>(amplitude(m));
    std::size_t at = 0;
    for (int sequence = 0;; ++sequence) {
      Burst b = makeBurst(m.user, tokens, dimension, sequence % 4096, static_cast<std::uint64_t>(sequence));
      if (at + b.samples.size() > capture.size())
        break;
      for (std::size_t n = 0; n < b.samples.size(); ++n)
        capture[at + n] += b.samples[n] * gain;
      at += b.samples.size();
      ++expected;
    }
  }
  air::Noise(3).add(capture.data(), capture.size(), kNoiseSigma);
  std::vector<double> all, channeliser;
  for (int repeat = -1; repeat < kRepeats; ++repeat) {
    received = 0;
    SubbandReceiver receiver(
        {}, users, [&](SubbandBurst&& b) { received += b.burst.outcome == BurstOutcome::Ok ? 1 : 0; });
    double begin = bench::threadCpuS();
    receiver.push(capture.data(), capture.size(), 0);
    receiver.flush();
    const double whole = bench::threadCpuS() - begin;
    std::int64_t made = 0;
    SubbandChanneliser alone(bands, [&](std::size_t, const Cf*, std::size_t n, std::int64_t) {
      made += static_cast<std::int64_t>(n);
    });
    begin = bench::threadCpuS();
    alone.push(capture.data(), capture.size(), 0);
    const double part = bench::threadCpuS() - begin;
    if (repeat < 0)
      continue;
    all.push_back(kStream / whole * 1e-6);
    channeliser.push_back(kStream / part * 1e-6);
  }
  rows.push_back({"receiver, 3 users from one capture, " + what,
                  bench::median(all),
                  "MS/s per core",
                  goal,
                  true,
                  "",
                  {}});
  rows.push_back({"channeliser alone, 3 users, " + what,
                  bench::median(channeliser),
                  "MS/s per core",
                  goal,
                  true,
                  "",
                  {}});
  rows.push_back({"bursts lost in the speed run, " + what,
                  static_cast<double>(expected - received),
                  "bursts",
                  0,
                  false,
                  "",
                  {}});
}

void measureTransmitter(std::vector<Row>& rows, const Subband& band) {
  SubbandUser user;
  user.band = band;
  user.soundedCfoHz = 12345;
  SubbandTransmitter transmitter(user);
  BurstHeader header;
  header.tokens = 64;
  header.dimension = 64;
  const auto tokens = air::gaussianTokens(64 * 64, 1);
  Samples samples;
  std::vector<double> rates;
  for (int repeat = -1; repeat < 9; ++repeat) {
    const double begin = bench::threadCpuS();
    std::size_t made = 0;
    while (made < 1 << 19) {
      transmitter.modulate(Span<const float>(tokens), header, Drive(), samples);
      made += samples.size();
    }
    if (repeat >= 0)
      rates.push_back(static_cast<double>(made) / (bench::threadCpuS() - begin) * 1e-6);
  }
  rows.push_back({"transmitter, 17 carriers, CFO taken out, L=64 D=64",
                  bench::median(rates),
                  "MS/s per core",
                  60,
                  true,
                  "",
                  {}});
}

/** Error of tokens sent at high SNR over oscillators with a random-walk phase, by width. */
double phaseNoiseErrorDb(int carriers, double linewidthHz) {
  const Subband band = subbandOfCarriers(-carriers / 2, carriers);
  double error = 0;
  int heard = 0;
  constexpr int kBursts = 6;
  for (std::uint64_t t = 0; t < kBursts; ++t) {
    Member m = member(0, band, 60, 0, 0);
    const Burst b = makeBurst(m.user, 32, 64, 0, t);
    Samples capture(b.samples.size() + 6000), steps(capture.size());
    arrive(capture, m, b.samples, 1000);
    air::Noise(t).write(steps.data(), steps.size(),
                        std::sqrt(2 * kTwoPi * linewidthHz / kDefaultSampleRateHz));
    double phase = 0;
    for (std::size_t n = 0; n < capture.size(); ++n) {
      phase += static_cast<double>(steps[n].real());
      capture[n] *= unit(phase);
    }
    air::Noise(t + 100).add(capture.data(), capture.size(), kNoiseSigma);
    for (const SubbandBurst& s : listen(capture, {m.user}))
      if (s.burst.outcome == BurstOutcome::Ok) {
        error += air::tokenMse(b.tokens, s.burst.tokens);
        ++heard;
      }
  }
  return heard > 0 ? toDb(error / heard) : NAN;
}

/** Error of tokens beside a constant offset of the capture (a zero-IF receiver's) that falls into the
 * sub-band. */
double dcErrorDb(double dcOverUserDb) {
  Subband band = subbandOfCarriers(-7, 17); // DC falls on its carrier -3
  Member m = member(0, band, 40, 0, 0);
  double error = 0;
  int heard = 0;
  constexpr int kBursts = 6;
  for (std::uint64_t t = 0; t < kBursts; ++t) {
    const Burst b = makeBurst(m.user, 32, 64, 0, t);
    Samples capture(b.samples.size() + 6000);
    arrive(capture, m, b.samples, 1000.3);
    const double rms = amplitude(m) * std::pow(10, kDefaultRmsDbfs / 20);
    for (air::Cf& s : capture)
      s += static_cast<float>(rms * std::pow(10, dcOverUserDb / 20));
    air::Noise(t).add(capture.data(), capture.size(), kNoiseSigma);
    for (const SubbandBurst& s : listen(capture, {m.user}))
      if (s.burst.outcome == BurstOutcome::Ok) {
        error += air::tokenMse(b.tokens, s.burst.tokens);
        ++heard;
      }
  }
  return heard > 0 ? toDb(error / heard) : NAN;
}

/** Detections of three users in noise alone. */
std::int64_t falseAlarms(const std::vector<Subband>& bands, std::int64_t samples) {
  std::vector<SubbandUser> users;
  for (std::size_t i = 0; i < bands.size(); ++i)
    users.push_back(member(static_cast<int>(i), bands[i], 0, 0, 0).user);
  SubbandReceiver receiver({}, users, [](SubbandBurst&&) {});
  Samples block(1 << 16);
  air::Noise noise(77);
  for (std::int64_t at = 0; at < samples; at += static_cast<std::int64_t>(block.size())) {
    noise.write(block.data(), block.size(), 0.1);
    receiver.push(block.data(), block.size(), at);
  }
  receiver.flush();
  std::int64_t detections = 0;
  for (const SubbandUser& u : users)
    detections += receiver.counters(u.user).detections;
  return detections;
}

/** Three users with two guard carriers. */
constexpr int kGuard = 2;
const std::vector<int>& threeWidths() {
  static const std::vector<int> widths = {17, 17, 15};
  return widths;
}

} // namespace

namespace bench {

void printFdmaTables() {
  std::printf("filters' error, dB (taps at transmitter / receiver), by grid carriers and guard carriers\n");
  for (const int carriers : {4, 6, 8, 12, 17, 26, 35, 44, 49})
    for (const int guard : {1, 2, 3}) {
      const Subband band = subbandOfCarriers(-26, carriers, guard * kBinsPerGridCarrier);
      std::printf("%2d %d: %.1f (%d / %d)\n", carriers, guard, filterErrorDb(band),
                  designFilter(band, kTransmitStopbandDb).taps, designFilter(band, kReceiveStopbandDb).taps);
    }
  std::printf("carriers of one common grid behind such filters: EVM, dB, by carriers and guard carriers\n");
  for (const int carriers : {5, 9, 17, 27, 41})
    std::printf("%2d: %.1f %.1f %.1f\n", carriers, gridFilterErrorDb(carriers, 1),
                gridFilterErrorDb(carriers, 2), gridFilterErrorDb(carriers, 3));
  std::printf("leakage into the weakest of three, dB, others 20 dB stronger\n");
  for (const auto& widths : {std::vector<int>{17, 17, 15}, {8, 26, 13}, {4, 38, 6}})
    for (const int guard : {1, 2, 3}) {
      auto w = widths;
      w.back() -= guard == 3 ? 2 : 0;
      std::printf("%d/%d/%d, guard %d: %.1f\n", w[0], w[1], w[2], guard, leakageDb(bandsOf(w, guard)));
    }
  std::printf("17/17/15, guard 2, by stopbands (transmitter / receiver): leakage, filters' error\n");
  for (const double transmitDb : {30.0, 45.0, 60.0})
    for (const double receiveDb : {40.0, 60.0, 70.0})
      std::printf("%.0f / %.0f: %.1f, %.1f\n", transmitDb, receiveDb,
                  leakageDb(bandsOf({17, 17, 15}, 2), {transmitDb, receiveDb}),
                  filterErrorDb(bandsOf({17, 17, 15}, 2)[0], {transmitDb, receiveDb}));
  std::printf("phase noise: error, dB, by grid carriers and linewidth\n");
  for (const int carriers : {4, 8, 17, 53})
    for (const double linewidthHz : {1.0, 10.0, 30.0})
      std::printf("%2d, %.0f Hz: %.1f\n", carriers, linewidthHz, phaseNoiseErrorDb(carriers, linewidthHz));
  std::printf("DC within a sub-band of 17 carriers at 40 dB: error, dB, by DC over the user's power\n");
  for (const double dcDb : {-60.0, -40.0, -30.0, -20.0, -10.0})
    std::printf("%.0f dB: %.1f\n", dcDb, dcErrorDb(dcDb));
}

void addFdmaLeakage(std::vector<Row>& rows) {
  const std::vector<int>& widths = threeWidths();
  const auto bands = bandsOf(threeWidths(), kGuard);
  std::fprintf(stderr, "leakage\n");
  const double leakage = leakageDb(bands);
  rows.push_back({"leakage into a user, 2 guard carriers, others 20 dB stronger, over its own power", leakage,
                  "dB", -40, false, "common grid, no filters", gridLeakageDb(widths, 2, kNearFarDb)});
  rows.push_back({"leakage into a user, 2 guard carriers, over the others' power", leakage - kNearFarDb, "dB",
                  -60, false, "common grid, no filters, 1 guard carrier, equal powers",
                  gridLeakageDb(widths, 1, 0)});
  rows.push_back({"leakage into a user of 4, 38 and 5 carriers, others 20 dB stronger",
                  leakageDb(bandsOf({4, 38, 5}, 2)),
                  "dB",
                  -40,
                  false,
                  "",
                  {}});
  rows.push_back({"leakage into a user, 1 guard carrier, others 20 dB stronger",
                  leakageDb(bandsOf(widths, 1)),
                  "dB",
                  -40,
                  false,
                  "",
                  {}});
  double error = -300;
  for (const Subband& band : bands)
    error = std::max(error, filterErrorDb(band));
  rows.push_back({"error that the filters leave, 15..17 carriers", error, "dB", -40, false, "", {}});
  rows.push_back({"error that the filters leave, 49 carriers",
                  filterErrorDb(subbandOfCarriers(-26, 49)),
                  "dB",
                  -35,
                  false,
                  "",
                  {}});
}

void addFdmaSpeed(std::vector<Row>& rows) {
  const auto bands = bandsOf(threeWidths(), kGuard);
  std::fprintf(stderr, "speed, three users at once\n");
  measureSpeed(rows, bands, 16, 16, "L=16 D=16", 30);
  measureSpeed(rows, bands, 64, 64, "L=64 D=64", 30);
  measureTransmitter(rows, bands[0]);
}

void addFdmaUsers(std::vector<Row>& rows, int bursts) {
  const auto bands = bandsOf(threeWidths(), kGuard);
  std::fprintf(stderr, "headers at -5 dB\n");
  for (const bool taps : {false, true}) {
    const std::string where = taps ? ", taps 0/2/5" : ", AWGN";
    rows.push_back({"valid header at -5 dB, 17 carriers, others 20 dB stronger" + where,
                    measureUser(bands, 1, -5, bursts, 8, 8, taps, true, 1).share(),
                    "share",
                    0.99,
                    true,
                    "",
                    {}});
    rows.push_back({"valid header at -5 dB, 4 carriers, others 20 dB stronger" + where,
                    measureUser(bandsOf({4, 38, 5}, 2), 0, -5, bursts, 8, 8, taps, true, 2).share(),
                    "share",
                    0.99,
                    true,
                    "",
                    {}});
  }
  const int pointBursts = std::max(bursts / 10, 8);
  for (const bool narrow : {false, true}) {
    double gap[2] = {-99, -99}, bias = 0, cost = -99;
    for (const double snrDb : {0.0, 10.0, 20.0}) {
      std::fprintf(stderr, "embedding error at %.0f dB, %s\n", snrDb, narrow ? "4 carriers" : "17 carriers");
      const auto partition = narrow ? bandsOf({4, 38, 5}, 2) : bands;
      const std::size_t watched = narrow ? 0 : 1;
      for (const bool taps : {false, true}) {
        const auto p = measureUser(partition, watched, snrDb, pointBursts, 32, 32, taps, true, 3);
        gap[taps ? 1 : 0] = std::max(gap[taps ? 1 : 0], p.gapDb());
        bias = std::max(bias, std::fabs(p.biasDb()));
        const auto muted = measureUser(partition, watched, snrDb, pointBursts, 32, 32, taps, false, 3);
        cost = std::max(cost, toDb(p.mse / p.headersOk) - toDb(muted.mse / muted.headersOk));
      }
    }
    const std::string who = narrow ? ", 4 carriers" : ", 17 carriers";
    rows.push_back(
        {"embedding MSE over 1/(1+SNR), worst of 0..20 dB, AWGN" + who, gap[0], "dB", 0.3, false, "", {}});
    rows.push_back({"embedding MSE over the bound, worst of 0..20 dB, taps 0/2/5" + who,
                    gap[1],
                    "dB",
                    0.6,
                    false,
                    "",
                    {}});
    rows.push_back({"SNR bias, worst of 0..20 dB" + who, bias, "dB", 0.2, false, "", {}});
    rows.push_back({"others on against others muted: rise of the MSE, worst of 0..20 dB" + who,
                    cost,
                    "dB",
                    0.1,
                    false,
                    "",
                    {}});
  }
}

void addFdmaFalseAlarms(std::vector<Row>& rows, std::int64_t noiseSamples) {
  const auto bands = bandsOf(threeWidths(), kGuard);
  std::fprintf(stderr, "false alarms in %lld noise samples\n", static_cast<long long>(noiseSamples));
  rows.push_back({"false alarms of 3 users in " + std::to_string(noiseSamples) + " noise samples",
                  static_cast<double>(falseAlarms(bands, noiseSamples)),
                  "bursts",
                  0,
                  false,
                  "",
                  {}});
}

} // namespace bench
