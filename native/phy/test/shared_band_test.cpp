/** Several users at once: one capture in, every user's bursts out. */
#include <algorithm>
#include <cmath>
#include <cstring>

#include "check.hpp"
#include "scene.hpp"
#include "shared_band.hpp"

using namespace shared_band;
using air::Cf;

namespace {

constexpr double kPi = 3.14159265358979323846;

std::vector<Member> three(double snrDb) {
  return {member(3, subbandOfCarriers(-26, 17), snrDb, 18, kResidualHz),
          member(7, subbandOfCarriers(-7, 17), snrDb, -20, -kResidualHz),
          member(1, subbandOfCarriers(12, 15), snrDb, 7, kResidualHz)};
}

const SubbandBurst* okOf(const std::vector<SubbandBurst>& heard, int user) {
  const SubbandBurst* found = nullptr;
  for (const SubbandBurst& b : heard)
    if (b.user == user && b.outcome == SubbandOutcome::Heard && b.burst.outcome == BurstOutcome::Ok)
      found = &b;
  return found;
}

void addNoise(std::vector<Cf>& capture, std::uint64_t seed) {
  air::Noise(seed).add(capture.data(), capture.size(), kNoiseSigma);
}

double errorDb(const Burst& sent, const SubbandBurst& heard) {
  return 10 * std::log10(air::tokenMse(sent.tokens, heard.burst.tokens));
}

} // namespace

TEST_CASE(atOnce, "three users at once, own times, CFO, clocks, powers: all are heard as if alone") {
  auto members = three(15);
  members[0].snrDb = 35; // 20 dB over the others
  for (std::uint64_t t = 0; t < 4; ++t) {
    std::vector<Cf> capture(60000);
    std::vector<Burst> sent;
    std::vector<double> starts;
    for (std::size_t i = 0; i < members.size(); ++i) {
      Member& m = members[i];
      setThreeTaps(m, 10 * t + i);
      m.phase = 2 * kPi * air::uniform(5, 10 * t + i);
      sent.push_back(makeBurst(m.user, 32, 64, static_cast<int>(t), 100 * t + i));
      starts.push_back(1500 * air::uniform(6, 10 * t + i));
      arrive(capture, m, sent.back().samples, starts.back());
    }
    addNoise(capture, t);
    const auto heard = listen(capture, usersOf(members));
    CHECK_EQUAL(heard.size(), members.size());
    for (std::size_t i = 0; i < members.size(); ++i) {
      const SubbandBurst* b = okOf(heard, members[i].user.user);
      CHECK(b != nullptr);
      if (b == nullptr)
        continue;
      CHECK_EQUAL(b->burst.header.sequence, static_cast<int>(t));
      CHECK_RANGE(b->burst.snrDb - trueSnrDb(members[i]), i == 0 ? -1.3 : -0.6, 0.6);
      CHECK_RANGE(errorDb(sent[i], *b) - 10 * std::log10(boundMse(members[i])), -0.6, i == 0 ? 1.0 : 0.6);
      CHECK_RANGE(b->burst.cfoHz - (members[i].cfoHz - *members[i].user.soundedCfoHz), -60, 60);
      CHECK_RANGE(b->burst.clockOffsetPpm - members[i].cfoHz / kDefaultCenterFrequencyHz * 1e6, -0.05, 0.05);
      CHECK(std::isnan(b->burst.snrEmptyCarriers.snrDb));
      const double ratio = members[i].user.band.rateRatio();
      const double at = static_cast<double>(b->burst.startSample) + b->burst.startFraction;
      CHECK_RANGE(at - (starts[i] + kGuardSamples / ratio), -1, 6);
      CHECK_RANGE(static_cast<double>(b->burst.endSample) - starts[i] -
                      static_cast<double>(sent[i].samples.size()) + kGuardSamples / ratio,
                  -10 / ratio, 10);
    }
  }
}

TEST_CASE(fullBand, "the full band: transmitter and receiver give BurstReceiver's bits") {
  SubbandUser whole;
  whole.user = 2;
  const Burst burst = makeBurst(whole, 16, 16, 9, 1);
  const scene::Sent plain = scene::makeBurst(burst.header, 1);
  CHECK(burst.samples == plain.samples);
  std::vector<Cf> capture(8000);
  std::copy(plain.samples.begin(), plain.samples.end(), capture.begin() + 1234);
  scene::addNoise(capture, 10, 3);
  const auto heard = listen(capture, {whole});
  const auto reference = scene::listen(capture);
  CHECK(heard.size() == 1 && reference.bursts.size() == 1);
  if (heard.size() == 1 && reference.bursts.size() == 1)
    CHECK(scene::sameBits(heard[0].burst, reference.bursts[0]));
}

TEST_CASE(determinism, "however the capture is cut into pushes: the same bits") {
  const auto members = three(12);
  std::vector<Cf> capture(70000);
  for (std::size_t i = 0; i < members.size(); ++i)
    arrive(capture, members[i], makeBurst(members[i].user, 16, 40, 1, i).samples,
           3000 + 700.3 * static_cast<double>(i));
  addNoise(capture, 4);
  for (std::size_t n = 20000; n < 20100; ++n)
    capture[n] = {1.5F, 0};
  capture[30000] = {NAN, 0};
  const auto run = [&](std::uint64_t seed) {
    std::vector<SubbandBurst> heard;
    SubbandReceiver receiver({}, usersOf(members), [&](SubbandBurst&& b) { heard.push_back(std::move(b)); });
    for (const Member& m : members)
      receiver.expect(m.user.user, 60000);
    for (std::size_t at = 0, i = 0; at < capture.size(); ++i) {
      const std::size_t n =
          std::min(capture.size() - at,
                   seed == 0 ? capture.size() : 1 + static_cast<std::size_t>(3000 * air::uniform(seed, i)));
      receiver.push(capture.data() + at, n, 12345 + static_cast<std::int64_t>(at));
      at += n;
    }
    receiver.flush();
    CHECK_EQUAL(receiver.counters().saturatedSamples, 100);
    CHECK_EQUAL(receiver.counters().nonFiniteSamples, 1);
    return heard;
  };
  const auto whole = run(0);
  CHECK(whole.size() >= 3);
  for (std::uint64_t seed = 1; seed < 5; ++seed) {
    const auto cut = run(seed);
    CHECK_EQUAL(cut.size(), whole.size());
    for (std::size_t i = 0; i < std::min(cut.size(), whole.size()); ++i)
      CHECK(cut[i].user == whole[i].user && cut[i].outcome == whole[i].outcome &&
            cut[i].burst.saturatedSamples == whole[i].burst.saturatedSamples &&
            scene::sameBits(cut[i].burst, whole[i].burst));
  }
}

TEST_CASE(vanished, "a user that never sends is Absent, one that stops is PayloadLost, the third is served") {
  const auto members = three(15);
  std::vector<Cf> capture(90000);
  const Burst lost = makeBurst(members[0].user, 32, 128, 1, 1),
              good = makeBurst(members[2].user, 32, 64, 2, 2);
  std::vector<Cf> cut = lost.samples;
  std::fill(cut.begin() + static_cast<std::ptrdiff_t>(cut.size() / 2), cut.end(), Cf(0, 0));
  arrive(capture, members[0], cut, 500);
  arrive(capture, members[2], good.samples, 900);
  addNoise(capture, 5);
  std::vector<SubbandBurst> heard;
  SubbandReceiver receiver({}, usersOf(members), [&](SubbandBurst&& b) { heard.push_back(std::move(b)); });
  for (const Member& m : members)
    receiver.expect(m.user.user, 60000);
  receiver.push(capture.data(), capture.size(), 0);
  CHECK_EQUAL(heard.size(), 3U); // all of them before the flush
  receiver.flush();
  CHECK_EQUAL(heard.size(), 3U);
  for (const SubbandBurst& b : heard) {
    if (b.user == 7) {
      CHECK(b.outcome == SubbandOutcome::Absent);
      CHECK_EQUAL(b.expectedBySample, 60000);
    } else {
      CHECK(b.outcome == SubbandOutcome::Heard);
      CHECK(b.burst.outcome == (b.user == 3 ? BurstOutcome::PayloadLost : BurstOutcome::Ok));
    }
  }
  const SubbandBurst* b = okOf(heard, 1);
  CHECK(b != nullptr && errorDb(good, *b) < -14);
  CHECK_EQUAL(receiver.counters(1).headersOk, 1);
  CHECK_EQUAL(receiver.counters(7).detections, 0);
}

TEST_CASE(absentAtEnd, "what is expected and cut off by the end of the stream: Truncated, Absent") {
  const auto members = three(15);
  const Burst burst = makeBurst(members[0].user, 32, 64, 1, 1);
  std::vector<Cf> capture(burst.samples.size() * 3 / 4);
  arrive(capture, members[0], burst.samples, 100);
  addNoise(capture, 6);
  std::vector<SubbandBurst> heard;
  SubbandReceiver receiver({}, usersOf(members), [&](SubbandBurst&& b) { heard.push_back(std::move(b)); });
  receiver.expect(3, 1 << 20);
  receiver.expect(7, 1 << 20);
  receiver.push(capture.data(), capture.size(), 0);
  CHECK(receiver.busy());
  CHECK(heard.empty());
  // A gap ends the stream for everyone.
  receiver.push(capture.data(), 100, 1 << 20);
  CHECK_EQUAL(receiver.counters().discontinuities, 1);
  CHECK_EQUAL(heard.size(), 2U);
  for (const SubbandBurst& b : heard)
    CHECK(b.user == 3 ? b.burst.outcome == BurstOutcome::Truncated : b.outcome == SubbandOutcome::Absent);
}

TEST_CASE(foreign, "a burst of another user in this user's sub-band is Foreign") {
  auto members = three(15);
  SubbandUser impostor = members[1].user;
  impostor.user = 12;
  std::vector<Cf> capture(40000);
  arrive(capture, members[1], makeBurst(impostor, 16, 16, 1, 1).samples, 200);
  addNoise(capture, 7);
  const auto heard = listen(capture, usersOf(members));
  CHECK_EQUAL(heard.size(), 1U);
  if (heard.size() == 1) {
    CHECK_EQUAL(heard[0].user, 7);
    CHECK(heard[0].outcome == SubbandOutcome::Foreign);
    CHECK_EQUAL(heard[0].burst.header.user, 12);
  }
}

TEST_CASE(phaseNoise,
          "four carriers over an oscillator of 1 Hz linewidth: its phase is followed at their pace") {
  const Member m = member(0, subbandOfCarriers(-2, 4), 60, 0, 0);
  double error = 0;
  constexpr int kBursts = 5;
  for (std::uint64_t t = 0; t < kBursts; ++t) {
    const Burst burst = makeBurst(m.user, 32, 64, 0, t);
    std::vector<Cf> capture(burst.samples.size() + 6000), steps(capture.size());
    arrive(capture, m, burst.samples, 1000);
    // Only the real part is used: twice the variance of a step.
    air::Noise(t).write(steps.data(), steps.size(), std::sqrt(2 * 2 * kPi * 1.0 / kDefaultSampleRateHz));
    double phase = 0;
    for (std::size_t n = 0; n < capture.size(); ++n) {
      phase += static_cast<double>(steps[n].real());
      capture[n] *= Cf(std::polar(1.0, phase));
    }
    addNoise(capture, t + 100);
    const auto heard = listen(capture, {m.user});
    const SubbandBurst* b = okOf(heard, 0);
    CHECK(b != nullptr);
    error += b != nullptr ? air::tokenMse(burst.tokens, b->burst.tokens) / kBursts : 1;
  }
  // As fast as the full band's it would be -27 dB.
  CHECK_RANGE(10 * std::log10(error), -60, -31);
}

TEST_CASE(ownClock,
          "a long burst of a user that took out 20 ppm of CFO: its clock is followed by the sounding") {
  for (const double ppm : {-20.0, 20.0}) {
    const Member m = member(0, subbandOfCarriers(-26, 17), 25, ppm, kResidualHz);
    const Burst burst = makeBurst(m.user, 64, 256, 0, 1);
    std::vector<Cf> capture(burst.samples.size() + 6000);
    arrive(capture, m, burst.samples, 1000.4);
    addNoise(capture, 1);
    const auto heard = listen(capture, {m.user});
    const SubbandBurst* b = okOf(heard, 0);
    CHECK(b != nullptr);
    if (b != nullptr)
      CHECK_RANGE(errorDb(burst, *b), -26, -24);
  }
}

TEST_CASE(leakage, "leakage: the others, 20 dB stronger, are 50 dB below the user on its carriers") {
  auto members = three(30);
  for (std::size_t victim = 0; victim < members.size(); ++victim) {
    std::vector<Cf> alone(60000), others(60000);
    for (std::size_t i = 0; i < members.size(); ++i) {
      Member m = members[i];
      m.snrDb += i == victim ? 0 : 20;
      const Burst b = makeBurst(m.user, 32, 128, 1, i);
      arrive(i == victim ? alone : others, m, b.samples, 777.7 * static_cast<double>(i) + 100);
    }
    const Subband& band = members[victim].user.band;
    const auto at = [](const std::vector<Cf>& v) { return Span<const Cf>(v.data() + 4000, 14000); };
    const double own = subbandCarrierPower(at(alone), band), leaked = subbandCarrierPower(at(others), band);
    std::printf("  user %d: %.1f dB\n", members[victim].user.user, 10 * std::log10(leaked / own));
    CHECK_RANGE(10 * std::log10(leaked / own), -120, -50);
    // 30 dB over noise of kNoiseSigma in the sub-band.
    CHECK_RANGE(10 * std::log10(own / (kNoiseSigma * kNoiseSigma * band.rateRatio())), 28.5, 30.5);
    std::vector<Cf> quiet(60000);
    addNoise(quiet, victim);
    CHECK_RANGE(subbandCarrierPower(at(quiet), band) / (kNoiseSigma * kNoiseSigma * band.rateRatio()), 0.9,
                1.1);
  }
}

TEST_CASE(refusals, "bad input is refused by name") {
  const auto refused = [](const char* field, const auto& body) {
    try {
      body();
      check::fail(__FILE__, __LINE__, std::string("accepted a bad ") + field);
    } catch (const PhyError& e) {
      if (e.field().find(field) == std::string::npos)
        check::fail(__FILE__, __LINE__, std::string(field) + ": " + e.what());
    }
  };
  const auto users = usersOf(three(10));
  const auto sink = [](SubbandBurst&&) {};
  auto twice = users;
  twice[1].band = twice[0].band;
  refused("band", [&] { SubbandReceiver({}, twice, sink); });
  auto unsounded = users;
  unsounded[1].soundedCfoHz.reset();
  refused("soundedCfoHz", [&] { SubbandReceiver({}, unsounded, sink); });
  refused("users", [&] { SubbandReceiver({}, {}, sink); });
  refused("sink", [&] { SubbandReceiver({}, users, nullptr); });
  ReceiverConfig config;
  config.sampleRateHz = 0;
  refused("sampleRateHz", [&] { SubbandReceiver(config, users, sink); });
  refused("sampleRateHz", [&] { SubbandTransmitter(users[0], NAN); });
  const std::vector<Cf> few(100);
  refused("samples", [&] { subbandCarrierPower(Span<const Cf>(few), users[0].band); });
  SubbandReceiver receiver({}, users, sink);
  refused("user", [&] { receiver.expect(9, 1000); });
  refused("user", [&] { receiver.counters(9); });
  SubbandTransmitter transmitter(users[0]);
  const auto tokens = air::gaussianTokens(16, 1);
  BurstHeader header;
  header.tokens = header.dimension = 4;
  header.user = 5;
  std::vector<Cf> samples;
  refused("header.user", [&] { transmitter.modulate(Span<const float>(tokens), header, Drive(), samples); });
  header.user = users[0].user;
  Drive drive;
  drive.rmsDbfs = 1;
  refused("rmsDbfs", [&] { transmitter.modulate(Span<const float>(tokens), header, drive, samples); });
}

TEST_CASE(report, "the transmit report is of the capture's samples") {
  const auto members = three(15);
  for (const double rmsDbfs : {-12.0, -3.0}) {
    const auto tokens = air::gaussianTokens(64 * 64, 3);
    BurstHeader header;
    header.user = members[1].user.user;
    header.tokens = header.dimension = 64;
    Drive drive;
    drive.rmsDbfs = rmsDbfs;
    std::vector<Cf> samples;
    const TransmitReport r =
        SubbandTransmitter(members[1].user).modulate(Span<const float>(tokens), header, drive, samples);
    CHECK_EQUAL(r.sampleCount, static_cast<std::int64_t>(samples.size()));
    CHECK_EQUAL(r.sampleCount, subbandBurstSampleCount(header, members[1].user.band));
    CHECK_RANGE(r.rmsDbfs - rmsDbfs, -0.2, 0.2);
    CHECK_RANGE(r.paprDb, 8, 13);
    double largest = 0;
    for (const Cf& s : samples)
      largest = std::max(
          {largest, std::fabs(static_cast<double>(s.real())), std::fabs(static_cast<double>(s.imag()))});
    CHECK_RANGE(largest, 0.2, 1.0);
    CHECK(rmsDbfs < -10 ? r.clippedSamples == 0 : r.clippedSamples > 0);
    // The payload begins where it says: before it no data symbol's energy, after the guard there is.
    CHECK_EQUAL(r.preambleStartSample, std::llround(kGuardSamples / members[1].user.band.rateRatio()));
  }
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
