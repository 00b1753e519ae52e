/** What must end in a typed outcome and never in wrong tokens. */
#include <algorithm>
#include <cmath>
#include <limits>

#include "check.hpp"
#include "scene.hpp"

using namespace scene;

namespace {

void append(std::vector<air::Cf>& stream, const std::vector<air::Cf>& samples, std::size_t from = 0,
            std::size_t to = std::numeric_limits<std::size_t>::max()) {
  stream.insert(stream.end(), samples.begin() + static_cast<std::ptrdiff_t>(from),
                samples.begin() + static_cast<std::ptrdiff_t>(std::min(to, samples.size())));
}

void silence(std::vector<air::Cf>& stream, std::size_t samples) {
  stream.resize(stream.size() + samples);
}

constexpr std::size_t kPayloadStart = kGuardSamples + kPreambleSamples + kHeaderSamples;

bool isIntact(const ReceivedBurst& b, const Sent& sent, double largestMse) {
  return b.outcome == BurstOutcome::Ok && b.headerOk && b.header.sequence == sent.header.sequence &&
         air::tokenMse(sent.tokens, b.tokens) < largestMse;
}

} // namespace

TEST_CASE(backToBack, "bursts back to back are all received, in order") {
  std::vector<air::Cf> stream;
  std::vector<Sent> sent;
  for (int i = 0; i < 40; ++i) {
    sent.push_back(makeBurst(header(1 + i % 20, 16 + i, i), static_cast<std::uint64_t>(i)));
    append(stream, sent.back().samples);
  }
  addNoise(stream, 15, 3);
  const auto heard = listen(stream, [](int i) { return 1 + i * 131 % 997; });
  CHECK_EQUAL(heard.bursts.size(), sent.size());
  for (std::size_t i = 0; i < std::min(heard.bursts.size(), sent.size()); ++i)
    CHECK(isIntact(heard.bursts[i], sent[i], 0.1));
}

TEST_CASE(determinism, "the result does not depend on how the stream is cut") {
  std::vector<air::Cf> stream;
  for (int i = 0; i < 6; ++i) {
    const Sent s = makeBurst(header(16, 16 + i, i), static_cast<std::uint64_t>(i));
    append(stream, s.samples, 0, i == 3 ? kPayloadStart + 100 : s.samples.size()); // one is cut short
    silence(stream, static_cast<std::size_t>(311 * i));
  }
  addNoise(stream, 5, 3);
  const auto whole = listen(stream);
  CHECK(whole.bursts.size() >= 6);
  const auto single = listen(stream, [](int) { return 1; });
  const auto odd = listen(stream, [](int i) { return 1 + i * 37 % 501; });
  for (const Heard* other : {&single, &odd}) {
    CHECK_EQUAL(other->bursts.size(), whole.bursts.size());
    for (std::size_t i = 0; i < std::min(other->bursts.size(), whole.bursts.size()); ++i)
      CHECK(sameBits(other->bursts[i], whole.bursts[i]));
    CHECK_EQUAL(other->counters.gateOpenings, whole.counters.gateOpenings);
  }
}

TEST_CASE(promptness, "the sink is called with the burst's last payload sample") {
  const Sent sent = makeBurst(header(16, 16, 1), 1);
  std::vector<air::Cf> stream(500);
  append(stream, sent.samples);
  addNoise(stream, 15, 3);
  int calls = 0;
  BurstReceiver receiver({}, [&](ReceivedBurst&& b) { calls += b.outcome == BurstOutcome::Ok ? 1 : 0; });
  const std::size_t last = stream.size() - kGuardSamples;
  receiver.push(stream.data(), last - 80, 0);
  CHECK(receiver.busy());
  CHECK_EQUAL(calls, 0);
  receiver.push(stream.data() + last - 80, 80, static_cast<std::int64_t>(last - 80));
  CHECK_EQUAL(calls, 1);
  CHECK(!receiver.busy());
}

TEST_CASE(corruptHeader, "a corrupt header is an event, not tokens; the next burst is received") {
  const Sent bad = makeBurst(header(16, 16, 1), 1), good = makeBurst(header(16, 16, 2), 2);
  std::vector<air::Cf> stream(400);
  append(stream, bad.samples);
  air::Noise garbage(99);
  garbage.write(stream.data() + 400 + kGuardSamples + kPreambleSamples, kHeaderSamples, 0.25);
  append(stream, good.samples);
  addNoise(stream, 20, 3);
  const auto heard = listen(stream);
  CHECK_EQUAL(heard.bursts.size(), 2U);
  CHECK_EQUAL(heard.counters.headersCorrupt, 1);
  CHECK_EQUAL(heard.count(BurstOutcome::HeaderCorrupt), 1);
  for (const auto& b : heard.bursts)
    if (b.outcome == BurstOutcome::HeaderCorrupt) {
      CHECK(!b.headerOk && b.tokens.empty() && b.constellation.empty());
      CHECK_EQUAL(b.startSample, 400 + kGuardSamples);
    }
  CHECK(!heard.bursts.empty() && isIntact(heard.bursts.back(), good, 0.05));
}

TEST_CASE(partlyCorrupt, "no damage to the header ever yields wrong tokens") {
  const Sent sent = makeBurst(header(16, 16, 9), 1);
  int events = 0;
  const int trials = 200 / kSlowdown;
  for (int t = 0; t < trials; ++t) {
    std::vector<air::Cf> stream(300);
    append(stream, sent.samples);
    silence(stream, 300);
    air::Noise garbage(static_cast<std::uint64_t>(t));
    const std::size_t from = 300 + kGuardSamples + kPreambleSamples + static_cast<std::size_t>(t % 6) * 80;
    garbage.write(stream.data() + from,
                  static_cast<std::size_t>(kHeaderSamples) - static_cast<std::size_t>(t % 6) * 80, 0.2);
    addNoise(stream, 10, static_cast<std::uint64_t>(t));
    for (const auto& b : listen(stream).bursts) {
      if (b.outcome == BurstOutcome::Ok)
        CHECK(isIntact(b, sent, 0.3));
      else
        CHECK(b.tokens.empty());
      ++events;
    }
  }
  CHECK_EQUAL(events, trials);
}

TEST_CASE(collision,
          "two bursts that collide: an event or a flagged burst, and never a better SNR than there was") {
  for (int t = 0; t < 40 / kSlowdown; ++t) {
    const Sent first = makeBurst(header(64, 64, 1), 1), second = makeBurst(header(64, 64, 2), 2);
    std::vector<air::Cf> stream(300);
    append(stream, first.samples);
    silence(stream, 5000);
    const std::size_t at =
        300 + static_cast<std::size_t>(4500 * air::uniform(3, static_cast<std::uint64_t>(t)));
    for (std::size_t n = 0; n < second.samples.size(); ++n)
      stream[at + n] += second.samples[n] * air::Cf(0.6F, 0.8F);
    addNoise(stream, 20, static_cast<std::uint64_t>(t));
    for (const auto& b : listen(stream).bursts) {
      if (b.outcome != BurstOutcome::Ok) {
        CHECK(b.tokens.empty());
        continue;
      }
      const Sent& sent = b.header.sequence == 1 ? first : second;
      const double mse = air::tokenMse(sent.tokens, b.tokens);
      // 2x: the overlap is uneven over the burst, LMMSE with one noise variance is not quite its match.
      CHECK_RANGE(mse, 0, 2.0 / (1 + std::pow(10, b.snrDb / 10)) + 0.005);
      // An interferer under the whole burst is noise; one that comes later shows.
      if (mse > 0.05 && at > 300 + kPayloadStart)
        CHECK(b.disturbed);
    }
  }
}

TEST_CASE(lyingLength,
          "a header that claims more than was sent ends as PayloadLost, and what follows is received") {
  // Preamble and header of a long burst before the payload of a short one.
  const Sent claim = makeBurst(header(200, 200, 5), 1), body = makeBurst(header(16, 16, 5), 2),
             next = makeBurst(header(16, 16, 6), 3);
  for (const double snrDb : {5.0, 20.0}) {
    std::vector<air::Cf> stream(400);
    append(stream, claim.samples, 0, kPayloadStart);
    append(stream, body.samples, kPayloadStart);
    silence(stream, 3000);
    append(stream, next.samples);
    silence(stream, 40000);
    addNoise(stream, snrDb, 3);
    const auto heard = listen(stream);
    CHECK_EQUAL(heard.bursts.size(), 2U);
    CHECK_EQUAL(heard.count(BurstOutcome::PayloadLost), 1);
    CHECK_EQUAL(heard.counters.payloadsLost, 1);
    for (const auto& b : heard.bursts)
      if (b.outcome == BurstOutcome::PayloadLost)
        CHECK(b.headerOk && b.header.tokens == 200 && b.tokens.empty());
    CHECK(!heard.bursts.empty() && isIntact(heard.bursts.back(), next, 0.4));
  }
}

TEST_CASE(overLimit, "a header over the receiver's limit ends as HeaderImplausible at once") {
  const Sent sent = makeBurst(header(200, 200, 5), 1), next = makeBurst(header(16, 16, 6), 3);
  std::vector<air::Cf> stream(400);
  append(stream, sent.samples);
  append(stream, next.samples);
  addNoise(stream, 15, 3);
  ReceiverConfig config;
  config.maxPayloadOfdmSymbols = 10;
  const auto heard = listen(stream, config);
  CHECK_EQUAL(heard.count(BurstOutcome::HeaderImplausible), 1);
  CHECK_EQUAL(heard.counters.headersImplausible, 1);
  CHECK_EQUAL(heard.count(BurstOutcome::Ok), 1);
  CHECK(!heard.bursts.empty() && isIntact(heard.bursts.back(), next, 0.1));
}

TEST_CASE(truncated, "a burst cut off, with another behind it: PayloadLost, then the other") {
  const Sent cut = makeBurst(header(64, 64, 1), 1), next = makeBurst(header(16, 16, 2), 2);
  for (std::size_t at : {kPayloadStart + 200, kPayloadStart + 1333, cut.samples.size() - 1000}) {
    std::vector<air::Cf> stream(300);
    append(stream, cut.samples, 0, at);
    append(stream, next.samples);
    silence(stream, 4000);
    addNoise(stream, 15, at);
    const auto heard = listen(stream);
    CHECK_EQUAL(heard.bursts.size(), 2U);
    CHECK_EQUAL(heard.count(BurstOutcome::PayloadLost), 1);
    CHECK(!heard.bursts.empty() && isIntact(heard.bursts.back(), next, 0.1));
  }
}

TEST_CASE(streamEnds, "a stream that ends, or jumps, within a burst gives Truncated") {
  const Sent sent = makeBurst(header(64, 64, 1), 1), next = makeBurst(header(16, 16, 2), 2);
  std::vector<air::Cf> head(300), tail(200);
  append(head, sent.samples, 0, kPayloadStart + 1000);
  append(tail, next.samples);
  addNoise(head, 15, 1);
  addNoise(tail, 15, 2);
  const auto ended = listen(head);
  CHECK_EQUAL(ended.bursts.size(), 1U);
  CHECK_EQUAL(ended.count(BurstOutcome::Truncated), 1);
  CHECK(!ended.bursts.empty() && ended.bursts[0].headerOk && ended.bursts[0].tokens.empty());

  Heard heard;
  BurstReceiver receiver({}, [&](ReceivedBurst&& b) { heard.bursts.push_back(std::move(b)); });
  receiver.push(head.data(), head.size(), 1000);
  receiver.push(tail.data(), tail.size(), 1000000);
  receiver.flush();
  CHECK_EQUAL(receiver.counters().discontinuities, 1);
  CHECK_EQUAL(receiver.counters().truncated, 1);
  CHECK_EQUAL(heard.bursts.size(), 2U);
  CHECK(!heard.bursts.empty() && isIntact(heard.bursts.back(), next, 0.1));
  if (heard.bursts.size() == 2)
    CHECK_EQUAL(heard.bursts[1].startSample, 1000000 + 200 + kGuardSamples);

  // Within the header, and within the preamble.
  for (const std::size_t length : {kGuardSamples + kPreambleSamples + 300, kGuardSamples + 300}) {
    std::vector<air::Cf> part(300);
    append(part, sent.samples, 0, length);
    addNoise(part, 15, 1);
    for (const auto& b : listen(part).bursts)
      CHECK(b.outcome == BurstOutcome::Truncated && !b.headerOk && b.tokens.empty());
  }
}

TEST_CASE(resetInside, "reset forgets a burst silently") {
  const Sent sent = makeBurst(header(16, 16, 1), 1);
  int calls = 0;
  BurstReceiver receiver({}, [&](ReceivedBurst&&) { ++calls; });
  receiver.push(sent.samples.data(), sent.samples.size() - 200, 0);
  CHECK(receiver.busy());
  receiver.reset();
  CHECK(!receiver.busy());
  receiver.push(sent.samples.data(), sent.samples.size(), 5000);
  receiver.flush();
  CHECK_EQUAL(calls, 1);
  CHECK_EQUAL(receiver.counters().discontinuities, 0);
}

TEST_CASE(emptyPushes, "empty pushes and an empty capture do nothing") {
  int calls = 0;
  BurstReceiver receiver({}, [&](ReceivedBurst&&) { ++calls; });
  receiver.push(nullptr, 0, 0);
  receiver.flush();
  receiver.push(nullptr, 0, 12345);
  receiver.reset();
  receiver.flush();
  std::vector<air::Cf> zeros(20000);
  receiver.push(zeros.data(), zeros.size(), -500);
  receiver.push(nullptr, 0, 77);
  receiver.flush();
  CHECK_EQUAL(calls, 0);
  CHECK_EQUAL(receiver.counters().samples, 20000);
  CHECK_EQUAL(receiver.counters().gateOpenings, 0);
  CHECK_EQUAL(receiver.counters().discontinuities, 0);
}

TEST_CASE(saturated, "a saturated input is counted, and does not give a better SNR than it has") {
  const Sent sent = makeBurst(header(32, 64, 1), 1);
  std::vector<air::Cf> stream(300);
  append(stream, sent.samples);
  addNoise(stream, 30, 3);
  const auto clean = listen(stream);
  CHECK_EQUAL(clean.counters.saturatedSamples, 0);
  for (auto& s : stream)
    s = {std::clamp(s.real() * 8, -1.0F, 1.0F), std::clamp(s.imag() * 8, -1.0F, 1.0F)};
  const auto heard = listen(stream);
  CHECK(heard.counters.saturatedSamples > 500);
  CHECK(!heard.bursts.empty());
  for (const auto& b : heard.bursts) {
    CHECK(b.saturatedSamples > 500);
    CHECK_RANGE(b.snrDb, -5, 20);
  }
}

TEST_CASE(unusable, "samples that are no numbers count as lost, not as tokens") {
  const Sent sent = makeBurst(header(32, 64, 1), 1);
  std::vector<air::Cf> stream(300);
  append(stream, sent.samples);
  addNoise(stream, 20, 3);
  for (std::size_t n = 40; n < stream.size(); n += 500)
    stream[n] = {NAN, 0};
  stream[900] = {INFINITY, -INFINITY};
  stream[901] = {1e30F, 0};
  const auto heard = listen(stream);
  CHECK(heard.counters.nonFiniteSamples >= 8);
  CHECK_EQUAL(heard.count(BurstOutcome::Ok), 1);
  for (const auto& b : heard.bursts)
    for (const float v : b.tokens)
      CHECK(std::isfinite(v));
}

TEST_CASE(levels, "levels from -90 to +40 dB about full scale change nothing") {
  const Sent sent = makeBurst(header(16, 16, 1), 1);
  std::vector<air::Cf> stream(300);
  append(stream, sent.samples);
  addNoise(stream, 20, 3);
  for (const double db : {-90.0, -40.0, 40.0}) {
    auto scaled = stream;
    for (auto& s : scaled)
      s *= static_cast<float>(std::pow(10, db / 20));
    const auto heard = listen(scaled);
    CHECK(heard.bursts.size() == 1 && isIntact(heard.bursts[0], sent, 0.05));
    if (!heard.bursts.empty())
      CHECK_RANGE(heard.bursts[0].snrDb, 19, 21);
  }
}

TEST_CASE(noNoise, "no noise at all") {
  const Sent sent = makeBurst(header(16, 16, 1), 1);
  std::vector<air::Cf> stream(300);
  append(stream, sent.samples);
  silence(stream, 300);
  const auto heard = listen(stream);
  CHECK(heard.bursts.size() == 1 && isIntact(heard.bursts[0], sent, 1e-4));
}

TEST_CASE(tone, "a strong continuous tone gives no burst, and one 10 dB below a burst does not hide it") {
  std::vector<air::Cf> stream(200000);
  for (std::size_t n = 0; n < stream.size(); ++n)
    stream[n] = air::Cf(std::polar(0.3, 0.3711 * static_cast<double>(n)));
  addNoise(stream, 10, 1);
  CHECK(listen(stream).bursts.empty());
  const Sent sent = makeBurst(header(16, 16, 1), 1);
  std::vector<air::Cf> mixed(300);
  append(mixed, sent.samples);
  for (std::size_t n = 0; n < mixed.size(); ++n)
    mixed[n] += air::Cf(std::polar(0.0794, 0.3711 * static_cast<double>(n)));
  addNoise(mixed, 20, 1);
  CHECK_EQUAL(listen(mixed).count(BurstOutcome::Ok), 1);
}

TEST_CASE(dcSpike, "a DC spike as strong as the burst does not hide it") {
  const Sent sent = makeBurst(header(16, 16, 1), 1);
  std::vector<air::Cf> stream(500);
  air::Path path;
  path.cfoHz = 37e3;
  stream.resize(stream.size() + sent.samples.size() + 500);
  air::arrive(stream, sent.samples, 444.4, path);
  addNoise(stream, 15, 1);
  for (auto& s : stream)
    s += air::Cf(0.25F, 0);
  CHECK(listen(stream).counters.detections >= 1);
}

TEST_CASE(dcOffset, "a DC offset 10 dB below the burst costs nothing, whatever the CFO moves it to") {
  for (const double cfoHz : {-110e3, -60e3, 0.0, 20e3, 78e3, 98e3}) {
    double mse[2] = {}, snr[2] = {};
    const int bursts = std::max(20 / kSlowdown, 3);
    for (int t = 0; t < bursts; ++t)
      for (const bool offset : {false, true}) {
        const Sent sent = makeBurst(header(32, 64, t), static_cast<std::uint64_t>(t));
        std::vector<air::Cf> stream(sent.samples.size() + 1000);
        air::Path path;
        path.cfoHz = cfoHz;
        air::arrive(stream, sent.samples, 444.4, path);
        addNoise(stream, 25, static_cast<std::uint64_t>(t) + 1);
        if (offset)
          for (auto& s : stream)
            s += air::Cf(0.08F, 0); // the burst has 0.25 rms
        const auto heard = listen(stream);
        CHECK_EQUAL(heard.count(BurstOutcome::Ok), 1);
        if (heard.bursts.empty())
          continue;
        mse[offset ? 1 : 0] += air::tokenMse(sent.tokens, heard.bursts[0].tokens) / bursts;
        snr[offset ? 1 : 0] += heard.bursts[0].snrDb / bursts;
      }
    std::printf("  %+.0f kHz: error %+.2f dB, SNR %+.2f dB\n", cfoHz / 1e3, 10 * std::log10(mse[1] / mse[0]),
                snr[1] - snr[0]);
    CHECK_RANGE(10 * std::log10(mse[1] / mse[0]), -0.1, 0.1);
    CHECK_RANGE(snr[1] - snr[0], -0.1, 0.1);
  }
}

TEST_CASE(badConfig, "an unusable configuration is refused by field") {
  const auto refuses = [](void (*spoil)(ReceiverConfig&), const char* field) {
    ReceiverConfig config;
    spoil(config);
    try {
      BurstReceiver receiver(config, [](ReceivedBurst&&) {});
      check::fail(__FILE__, __LINE__, std::string("accepted a bad ") + field);
    } catch (const PhyError& e) {
      CHECK(e.field() == field);
    }
  };
  refuses([](ReceiverConfig& c) { c.sampleRateHz = 0; }, "sampleRateHz");
  refuses([](ReceiverConfig& c) { c.centerFrequencyHz = NAN; }, "centerFrequencyHz");
  refuses([](ReceiverConfig& c) { c.cfoPriorHz = 400e3; }, "cfoPriorHz");
  refuses([](ReceiverConfig& c) { c.cfoPriorHz = NAN; }, "cfoPriorHz");
  refuses([](ReceiverConfig& c) { c.maxPayloadOfdmSymbols = 5000; }, "maxPayloadOfdmSymbols");
  refuses([](ReceiverConfig& c) { c.saturationLevel = 0; }, "saturationLevel");
  try {
    BurstReceiver receiver({}, nullptr);
    CHECK(false);
  } catch (const PhyError& e) {
    CHECK(e.field() == "sink");
  }
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
