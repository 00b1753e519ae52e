// Trials: repeatability, the horizon of free pace, nothing left over from the trial before.
#include "air.hpp"
#include "check.hpp"

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

using namespace air;

namespace {

bool sameBits(const Signal& a, const Signal& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Sample)) == 0;
}

/// An awkward bench: both clocks off, multipath, noise at -40 dBFS, two transmitters.
MediumConfig noisyRadios() {
  MediumConfig config = threeRadios();
  for (RadioProfile& radio : config.radios)
    radio.rxFullScaleDbm = -60.0;
  for (PathProfile& path : config.paths)
    path.pathLossDb = 95.0;
  config.radios[1].clockErrorPpm = 11.0;
  config.radios[2].clockErrorPpm = -8.0;
  config.paths[0].taps = {{0.0, 0.0, 0.0}, {0.7e-6, -6.0, 1.0}};
  return config;
}

Signal trial(Bench& bench, const std::string& id, std::size_t chunk = 4096) {
  Medium::instance().beginTrial(id);
  sendAt(*bench.tx, 1000, randomSignal(5000, 0.1, 1));
  sendAt(*bench.other, 4000, randomSignal(5000, 0.1, 2));
  return receive(*bench.rx, 20000, chunk);
}

} // namespace

TEST("same seed and trial: same bits, twice, in another order, with other read sizes") {
  Bench bench(noisyRadios());
  bench.rx->activateRx();
  const Signal first = trial(bench, "one");
  const Signal second = trial(bench, "two");
  CHECK_EQUAL(first.size(), std::size_t{20000});
  CHECK(!sameBits(first, second));
  CHECK(sameBits(trial(bench, "two"), second));
  CHECK(sameBits(trial(bench, "one"), first));
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{127}, std::size_t{129},
                                  std::size_t{1000}, std::size_t{65536}})
    CHECK(sameBits(trial(bench, "one", chunk), first));
}

TEST("the same from a fresh bench; another seed or receiver gives other noise") {
  Signal first, again, otherSeed;
  {
    Bench bench(noisyRadios());
    bench.rx->activateRx();
    first = trial(bench, "one");
  }
  {
    Bench bench(noisyRadios());
    bench.rx->activateRx();
    trial(bench, "zero");
    again = trial(bench, "one");
  }
  {
    MediumConfig config = noisyRadios();
    config.seed = 8;
    Bench bench(config);
    bench.rx->activateRx();
    otherSeed = trial(bench, "one");
  }
  CHECK(sameBits(first, again));
  CHECK(!sameBits(first, otherSeed));
  Bench bench(noisyRadios());
  bench.rx->activateRx();
  bench.other->activateRx();
  Medium::instance().beginTrial("noise");
  Medium::instance().grantUntilNs(nsOf(2048));
  Signal a(2048), c(2048);
  CHECK_EQUAL(bench.rx->read(a.data(), a.size(), 0).sampleCount, a.size());
  CHECK_EQUAL(bench.other->read(c.data(), c.size(), 0).sampleCount, c.size());
  std::complex<double> sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += std::complex<double>(a[i]) * std::conj(std::complex<double>(c[i]));
  CHECK(std::abs(sum) / 2048.0 < 5.0 / std::sqrt(2048.0) * std::sqrt(power(a, 0, 2048) * power(c, 0, 2048)));
}

TEST("threads do not change the bits: writer, reader and engine at once") {
  Bench bench(noisyRadios());
  bench.rx->activateRx();
  const Signal reference = trial(bench, "threads");
  const Signal sent = randomSignal(5000, 0.1, 1);
  for (int repeat = 0; repeat < 20; ++repeat) {
    Medium& medium = Medium::instance();
    medium.beginTrial("threads");
    sendAt(*bench.other, 4000, randomSignal(5000, 0.1, 2));
    // The burst is begun before time is granted, its samples follow while the receiver already pulls.
    sendAt(*bench.tx, 1000, Signal(sent.begin(), sent.begin() + 10), false);
    medium.grantUntilNs(nsOf(20001));
    std::thread writer([&] {
      for (std::size_t at = 10; at < sent.size(); at += 499) {
        const std::size_t count = std::min<std::size_t>(499, sent.size() - at);
        WriteOptions options;
        options.endOfBurst = at + count == sent.size();
        bench.tx->write(sent.data() + at, count, options, 1'000'000);
        if (repeat % 2 == 0)
          std::this_thread::yield();
      }
    });
    Signal heard(20000);
    std::size_t have = 0;
    while (have < heard.size()) {
      const ReadResult result = bench.rx->read(heard.data() + have, heard.size() - have, 2'000'000);
      if (result.status != StreamStatus::Ok)
        break;
      have += result.sampleCount;
    }
    writer.join();
    CHECK_EQUAL(have, heard.size());
    CHECK(sameBits(heard, reference));
  }
}

TEST("free pace: no grant, no samples; an open burst holds time at its written end") {
  Bench bench(threeRadios());
  Medium& medium = Medium::instance();
  bench.rx->activateRx();
  Signal heard(10000);
  CHECK(bench.rx->read(heard.data(), heard.size(), 20000).status == StreamStatus::Timeout);
  CHECK_EQUAL(medium.currentTimeNs(), std::int64_t{0});
  sendAt(*bench.tx, 0, randomSignal(1000, 0.5, 1), false);
  medium.grantUntilNs(nsOf(5000));
  ReadResult result = bench.rx->read(heard.data(), heard.size(), 0);
  CHECK(result.status == StreamStatus::Ok);
  // Time stops a filter's length before the end of what is written.
  CHECK(result.sampleCount > 900 && result.sampleCount < 1000);
  CHECK(bench.rx->read(heard.data(), heard.size(), 0).status == StreamStatus::Timeout);
  WriteOptions end;
  end.endOfBurst = true;
  bench.tx->write(nullptr, 0, end, 0);
  result = bench.rx->read(heard.data(), heard.size(), 0);
  CHECK_EQUAL(result.firstSample + static_cast<std::int64_t>(result.sampleCount), std::int64_t{5000});
  CHECK(bench.rx->read(heard.data(), heard.size(), 0).status == StreamStatus::Timeout);
  CHECK_EQUAL(medium.currentTimeNs(), nsOf(5000));
}

TEST("free pace: a receiver that is not read holds time at its buffer") {
  Bench bench(threeRadios());
  Medium& medium = Medium::instance();
  bench.rx->activateRx();
  bench.other->activateRx();
  medium.grantUntilNs(nsOf(1'000'000));
  const std::int64_t heldNs = medium.currentTimeNs();
  CHECK(heldNs < nsOf(1'000'000) && heldNs > 0);
  Signal heard(65536);
  while (bench.rx->read(heard.data(), heard.size(), 0).status == StreamStatus::Ok) {
  }
  CHECK_EQUAL(medium.currentTimeNs(), heldNs);
  bench.other->deactivateRx();
  std::size_t more = 0;
  while (true) {
    const ReadResult result = bench.rx->read(heard.data(), heard.size(), 0);
    if (result.status != StreamStatus::Ok)
      break;
    more += result.sampleCount;
  }
  CHECK_EQUAL(medium.currentTimeNs(), nsOf(1'000'000));
  CHECK(more > 0);
}

TEST("a blocked reader goes on in the next trial at sample 0, and endTrial wakes it") {
  Bench bench(threeRadios());
  Medium& medium = Medium::instance();
  bench.rx->activateRx();
  medium.grantUntilNs(nsOf(1000));
  Signal heard(1000);
  CHECK_EQUAL(bench.rx->read(heard.data(), heard.size(), 0).sampleCount, std::size_t{1000});
  heard.resize(500);
  ReadResult result;
  Blocked reading;
  std::thread reader([&] {
    reading.aboutToBlock();
    result = bench.rx->read(heard.data(), heard.size(), 20'000'000);
  });
  reading.untilAsleep();
  const std::uint64_t number = medium.beginTrial("next");
  medium.grantUntilNs(nsOf(500));
  reader.join();
  CHECK(result.status == StreamStatus::Ok);
  CHECK_EQUAL(result.trialNumber, number);
  CHECK_EQUAL(result.firstSample, std::int64_t{0});
  CHECK_EQUAL(result.sampleCount, std::size_t{500});

  const auto begin = std::chrono::steady_clock::now();
  Blocked readingAgain, waitingToo;
  std::thread blocked([&] {
    readingAgain.aboutToBlock();
    result = bench.rx->read(heard.data(), heard.size(), 20'000'000);
  });
  bool gotEvent = true;
  std::thread waiting([&] {
    waitingToo.aboutToBlock();
    gotEvent = bench.tx->waitEvent(Direction::Tx, 20'000'000).has_value();
  });
  readingAgain.untilAsleep();
  waitingToo.untilAsleep();
  medium.endTrial();
  blocked.join();
  waiting.join();
  CHECK(!gotEvent);
  CHECK(result.status == StreamStatus::Timeout);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
  medium.grantUntilNs(nsOf(5000)); // the trial is over
  CHECK(bench.rx->read(heard.data(), heard.size(), 0).status == StreamStatus::Timeout);
}

TEST("no read mixes two trials, whenever they change") {
  MediumConfig config = threeRadios();
  for (int i = 1; i < 60; ++i) // inaudible, but rendering takes its time
    config.paths[0].taps.push_back({2.0 * i / kRateHz, -200.0, 1.0});
  Bench bench(config);
  Medium& medium = Medium::instance();
  bench.rx->activateRx();
  std::atomic<bool> stop{false};
  std::atomic<int> reads{0};
  bool mixed = false;
  bool gap = false;
  std::thread reader([&] {
    Signal heard(65536);
    std::uint64_t trial = 0;
    std::int64_t next = 0;
    while (!stop) {
      const ReadResult result = bench.rx->read(heard.data(), heard.size(), 1000);
      if (result.status != StreamStatus::Ok)
        continue;
      ++reads;
      // Trial n sends a constant of amplitude n mod 7 + 1 tenths from its first sample on.
      const auto expected = 0.1f * static_cast<float>(result.trialNumber % 7 + 1);
      for (std::size_t i = 0; i < result.sampleCount && result.firstSample < 65536; ++i)
        mixed = mixed || std::abs(heard[i].real() - expected) > 1e-3f;
      // Every trial is seen from its sample 0 on.
      gap = gap || result.firstSample != (result.trialNumber == trial ? next : 0);
      trial = result.trialNumber;
      next = result.firstSample + static_cast<std::int64_t>(result.sampleCount);
    }
  });
  for (int i = 0; i < 400; ++i) {
    const std::uint64_t number = medium.beginTrial("t" + std::to_string(i));
    sendAt(*bench.tx, 0, Signal(65536, Sample(0.1f * static_cast<float>(number % 7 + 1), 0.0f)));
    medium.grantUntilNs(nsOf(2 * 65536)); // a reader that skipped some would go on behind them
    // The next trial begins at any moment of a read, which takes a millisecond or so.
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(i * 37 % 4000);
    while (std::chrono::steady_clock::now() < until)
      std::this_thread::yield();
  }
  stop = true;
  reader.join();
  CHECK(!mixed);
  CHECK(!gap);
  CHECK(reads > 0);
}

TEST("the rest of an old trial's burst does not leak into the new trial") {
  Bench bench(threeRadios());
  Medium& medium = Medium::instance();
  bench.rx->activateRx();
  const Signal sent = randomSignal(1000, 0.5, 1);
  sendAt(*bench.tx, 0, sent, false);
  medium.beginTrial("next");
  WriteOptions end;
  end.endOfBurst = true;
  CHECK_EQUAL(bench.tx->write(sent.data(), sent.size(), {}, 0).sampleCount, sent.size());
  CHECK_EQUAL(bench.tx->write(sent.data(), sent.size(), end, 0).sampleCount, sent.size());
  CHECK(power(receive(*bench.rx, 3000), 0, 3000) < 1e-9);
  CHECK(!bench.tx->waitEvent(Direction::Tx, 0));
  medium.beginTrial("after");
  sendAt(*bench.tx, 0, sent);
  CHECK_NEAR(power(receive(*bench.rx, 1000), 0, 1000), 0.5, 1e-3);
}

TEST("silence drops what is queued on all transmitters, and nothing resumes by itself") {
  Bench bench(threeRadios());
  Medium& medium = Medium::instance();
  bench.rx->activateRx();
  sendAt(*bench.tx, 0, randomSignal(3000, 0.5, 1));
  sendAt(*bench.other, 2000, randomSignal(1000, 0.5, 2), false);
  medium.grantUntilNs(nsOf(1000));
  Signal heard(5000);
  CHECK_EQUAL(bench.rx->read(heard.data(), heard.size(), 0).sampleCount, std::size_t{1000});
  CHECK_EQUAL(medium.silence(), std::uint64_t{3000});
  const Signal more = randomSignal(1000, 0.5, 3);
  bench.other->write(more.data(), more.size(), {}, 0); // goes on with its burst: swallowed
  medium.grantUntilNs(nsOf(6000));
  std::size_t have = 0;
  while (have < heard.size()) {
    const ReadResult result = bench.rx->read(heard.data() + have, heard.size() - have, 0);
    if (result.status != StreamStatus::Ok)
      break;
    have += result.sampleCount;
  }
  CHECK(have >= 4900);
  CHECK(power(heard, 20, have) < 1e-9);
  CHECK_EQUAL(bench.tx->counters().burstAcks, std::uint64_t{0});
}

TEST("a full queue blocks the writer until time passes") {
  Bench bench(threeRadios(), 61.44e6, 61.44e6);
  const Signal block(1 << 20);
  std::size_t taken = 0;
  WriteResult result;
  for (int i = 0; i < 20; ++i) {
    result = bench.tx->write(block.data(), block.size(), {}, 0);
    if (result.status != StreamStatus::Ok)
      break;
    taken += result.sampleCount;
  }
  CHECK(result.status == StreamStatus::Timeout);
  CHECK_EQUAL(taken, std::size_t{16} << 20);
  Medium::instance().grantUntilNs(10'000'000);
  CHECK(bench.tx->write(block.data(), block.size(), {}, 0).sampleCount > 600'000);
}

TEST("changing the rate of an active receiver keeps the instant") {
  Bench bench(threeRadios());
  bench.rx->activateRx();
  receive(*bench.rx, 5000); // 1 ms
  CHECK_NEAR(bench.rx->setSampleRateHz(Direction::Rx, 10e6), 10e6, 1e-9);
  Medium::instance().grantUntilNs(2'000'000);
  Signal heard(100);
  const ReadResult result = bench.rx->read(heard.data(), heard.size(), 0);
  CHECK_NEAR(static_cast<double>(result.timeNs), 1'000'000.0, 200.0);
  CHECK_NEAR(static_cast<double>(result.firstSample), 10'000.0, 2.0);
  sendAt(*bench.tx, 90'000, Signal(100), false);
  CHECK_THROWS(std::logic_error, bench.tx->setSampleRateHz(Direction::Tx, 1e6), "sampleRateHz", "burst");
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
