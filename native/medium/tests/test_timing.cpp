// Time to the sample: timed bursts, delays, late bursts, timed and finite receives, hardware time.
#include "air.hpp"
#include "check.hpp"

using namespace air;

namespace {

constexpr double kQuiet = 1e-4; // amplitude well above the noise of the quiet bench, far below any signal

std::size_t firstAbove(const Signal& signal, double amplitude) {
  for (std::size_t i = 0; i < signal.size(); ++i)
    if (std::abs(signal[i]) > amplitude)
      return i;
  return signal.size();
}

} // namespace

TEST("a burst timed at sample n arrives at sample n, unchanged") {
  for (const std::int64_t start : {std::int64_t{0}, std::int64_t{1}, std::int64_t{777}, std::int64_t{9001}}) {
    Bench bench(threeRadios());
    bench.rx->activateRx();
    const Signal sent = randomSignal(500, 0.5, 3);
    CHECK_EQUAL(sendAt(*bench.tx, start, sent).sampleCount, sent.size());
    const Signal heard = receive(*bench.rx, 10000);
    CHECK_EQUAL(heard.size(), std::size_t{10000});
    CHECK_EQUAL(firstAbove(heard, kQuiet), static_cast<std::size_t>(start));
    double worst = 0.0;
    for (std::size_t i = 0; i < heard.size(); ++i) {
      const std::int64_t k = static_cast<std::int64_t>(i) - start;
      const Sample expected = k >= 0 && k < 500 ? sent[static_cast<std::size_t>(k)] : Sample{};
      worst = std::max(worst, static_cast<double>(std::abs(heard[i] - expected)));
    }
    CHECK(worst < 1e-5);
  }
}

TEST("the same at rates that are no whole number of ns, and both radios equally wrong") {
  for (const double rateHz : {0.2e6, 1e6, 15.36e6, 30.72e6, 61.44e6}) {
    MediumConfig config = threeRadios();
    for (RadioProfile& radio : config.radios)
      radio.clockErrorPpm = 13.0;
    Bench bench(config, rateHz, rateHz);
    bench.rx->activateRx();
    const Signal sent = randomSignal(64, 0.5, 4);
    sendAt(*bench.tx, 12345, sent, true, rateHz);
    const Signal heard = receive(*bench.rx, 13000, 4096, rateHz);
    CHECK_EQUAL(firstAbove(heard, kQuiet * 10), std::size_t{12345});
    CHECK(std::abs(heard[12345] - sent[0]) < 1e-3f);
  }
}

TEST("whole-sample delays shift, a fractional delay delays a tone's phase by it") {
  MediumConfig config = threeRadios();
  config.paths[0].taps[0].delayS = 3 / kRateHz;
  {
    Bench bench(config);
    bench.rx->activateRx();
    sendAt(*bench.tx, 100, randomSignal(64, 0.5, 5));
    CHECK_EQUAL(firstAbove(receive(*bench.rx, 1000), kQuiet), std::size_t{103});
  }
  for (const double delay : {0.1, 0.25, 0.5, 3.7}) {
    config.paths[0].taps[0].delayS = delay / kRateHz;
    for (const double frequency : {-0.39, -0.1, 0.0, 0.2, 0.39}) {
      Bench bench(config);
      bench.rx->activateRx();
      sendAt(*bench.tx, 0, tone(4000, frequency, 0.5));
      const Signal heard = receive(*bench.rx, 4000);
      const std::complex<double> seen = correlate(heard, frequency, 200, 3800);
      const std::complex<double> expected = std::polar(0.5, -2.0 * kPi * frequency * delay);
      CHECK(db(std::norm(seen - expected) / 0.25) < -60.0);
      // What is not the tone: images of the interpolation.
      double rest = 0.0;
      for (std::size_t i = 200; i < 3800; ++i)
        rest += std::norm(std::complex<double>(heard[i]) -
                          seen * std::polar(1.0, 2.0 * kPi * frequency * static_cast<double>(i)));
      CHECK(db(rest / 3600.0 / 0.25) < -60.0);
    }
  }
}

TEST("bursts in pieces and bursts back to back arrive without a gap") {
  Bench bench(threeRadios());
  bench.rx->activateRx();
  const Signal sent = randomSignal(3000, 0.5, 6);
  WriteOptions first;
  first.startNs = nsOf(50);
  bench.tx->write(sent.data(), 1000, first, 1000);
  bench.tx->write(sent.data() + 1000, 500, {}, 1000);
  WriteOptions end;
  end.endOfBurst = true;
  bench.tx->write(sent.data() + 1500, 500, end, 1000);
  sendAt(*bench.tx, 2050, Signal(sent.begin() + 2000, sent.end()));
  const Signal heard = receive(*bench.rx, 4000);
  double worst = 0.0;
  for (std::size_t i = 0; i < 3000; ++i)
    worst = std::max(worst, static_cast<double>(std::abs(heard[50 + i] - sent[i])));
  CHECK(worst < 1e-5);
  CHECK(std::abs(heard[3050]) < kQuiet);
  CHECK_EQUAL(bench.tx->counters().burstAcks, std::uint64_t{2});
}

TEST("acks carry the time of the burst's end and come only when it is past") {
  Bench bench(threeRadios());
  sendAt(*bench.tx, 100, randomSignal(400, 0.5, 7));
  Medium::instance().grantUntilNs(nsOf(499));
  CHECK(!bench.tx->waitEvent(Direction::Tx, 0));
  Medium::instance().grantUntilNs(nsOf(500));
  const auto event = bench.tx->waitEvent(Direction::Tx, 0);
  CHECK(event && event->kind == EventKind::BurstAck);
  CHECK_EQUAL(event ? event->timeNs : -1, nsOf(500));
}

TEST("a burst in the past is late, swallowed to its end and reported") {
  Bench bench(threeRadios());
  bench.rx->activateRx();
  CHECK_EQUAL(receive(*bench.rx, 1000).size(), std::size_t{1000});
  const Signal sent = randomSignal(200, 0.5, 8);
  CHECK_EQUAL(sendAt(*bench.tx, 500, sent, false).sampleCount, sent.size());
  WriteOptions end;
  end.endOfBurst = true;
  CHECK_EQUAL(bench.tx->write(sent.data(), sent.size(), end, 0).sampleCount, sent.size());
  const auto event = bench.tx->waitEvent(Direction::Tx, 0);
  CHECK(event && event->kind == EventKind::Late);
  CHECK_EQUAL(event ? event->timeNs : -1, nsOf(500));
  CHECK(!bench.tx->waitEvent(Direction::Tx, 0)); // no ack for what was not sent
  CHECK_EQUAL(bench.tx->counters().lateBursts, std::uint64_t{1});
  CHECK_EQUAL(bench.tx->counters().txDroppedSamples, std::uint64_t{400});
  // Two bursts at one time: the second is late as well.
  sendAt(*bench.tx, 3000, sent);
  sendAt(*bench.tx, 3100, sent);
  CHECK_EQUAL(bench.tx->counters().lateBursts, std::uint64_t{2});
  Medium::instance().grantUntilNs(nsOf(5000));
  Signal heard(4000);
  std::size_t have = 0;
  while (have < 3000) {
    const ReadResult result = bench.rx->read(heard.data() + have, heard.size() - have, 0);
    if (result.status != StreamStatus::Ok)
      break;
    have += result.sampleCount;
  }
  CHECK(have >= 3000);
  CHECK(power(heard, 0, 1900) < 1e-9);
  CHECK_NEAR(power(heard, 2000, 2190), 0.5, 1e-3);
  CHECK(power(heard, 2210, 2990) < 1e-9);
}

TEST("timed and finite receives start and end on their sample; in the past they fail once") {
  Bench bench(threeRadios());
  sendAt(*bench.tx, 0, tone(5000, 0.1));
  bench.rx->activateRx(nsOf(1234), 500);
  Medium::instance().grantUntilNs(nsOf(5000));
  Signal heard(1000);
  ReadResult result = bench.rx->read(heard.data(), heard.size(), 0);
  CHECK_EQUAL(result.sampleCount, std::size_t{500});
  CHECK_EQUAL(result.firstSample, std::int64_t{1234});
  CHECK_EQUAL(result.timeNs, nsOf(1234));
  CHECK(result.endOfBurst);
  CHECK(std::abs(heard[0] - Sample(std::polar(1.0, 2.0 * kPi * 123.4))) < 1e-3f);
  CHECK(!bench.rx->rxActive());
  CHECK(bench.rx->read(heard.data(), heard.size(), 0).status == StreamStatus::Inactive);
  bench.rx->activateRx(nsOf(10));
  CHECK(bench.rx->read(heard.data(), heard.size(), 0).status == StreamStatus::TimeError);
  CHECK(bench.rx->read(heard.data(), heard.size(), 0).status == StreamStatus::Inactive);
  CHECK_EQUAL(bench.rx->counters().lateReceives, std::uint64_t{1});
}

TEST("hardware time runs with the radio's own error, can be set, and at the next pulse") {
  MediumConfig config = threeRadios();
  config.radios[0].clockErrorPpm = 50.0;
  Bench bench(config);
  Medium& medium = Medium::instance();
  medium.grantUntilNs(1'000'000'000);
  CHECK_EQUAL(medium.currentTimeNs(), std::int64_t{1'000'000'000});
  CHECK_NEAR(static_cast<double>(bench.rx->hardwareTimeNs()), 1'000'050'000.0, 1.0);
  CHECK_EQUAL(bench.tx->hardwareTimeNs(), std::int64_t{1'000'000'000});
  bench.tx->setHardwareTimeNs(5);
  CHECK_EQUAL(bench.tx->hardwareTimeNs(), std::int64_t{5});
  bench.tx->setHardwareTimeAtNextPpsNs(7'000'000'000);
  medium.grantUntilNs(1'900'000'000);
  CHECK_EQUAL(bench.tx->hardwareTimeNs(), std::int64_t{900'000'005});
  medium.grantUntilNs(2'100'000'000);
  CHECK_EQUAL(bench.tx->hardwareTimeNs(), std::int64_t{7'100'000'000});
  CHECK_EQUAL(bench.tx->hardwareTimeAtLastPpsNs(), std::int64_t{7'000'000'000});
  // Timed bursts are in hardware time: true 3 s is 8 s here.
  bench.rx->activateRx(std::llround(2'999'999'800 * 1.00005), 100);
  Medium::instance().setPath({"TWIN-B", "TWIN-A", 0.0, {Tap{}}});
  WriteOptions options;
  options.startNs = 8'000'000'000;
  options.endOfBurst = true;
  const Signal sent = tone(64, 0.0);
  bench.tx->write(sent.data(), sent.size(), options, 0);
  medium.grantUntilNs(3'100'000'000);
  const auto ack = bench.tx->waitEvent(Direction::Tx, 0);
  CHECK(ack && ack->kind == EventKind::BurstAck);
  CHECK_EQUAL(ack ? ack->timeNs : -1, std::int64_t{8'000'000'000} + nsOf(64));
  medium.beginTrial("next");
  CHECK_EQUAL(bench.tx->hardwareTimeNs(), std::int64_t{0});
}

TEST("timed commands act at their time, untimed ones at the present") {
  Bench bench(threeRadios());
  bench.rx->activateRx();
  bench.tx->setGainDb(Direction::Tx, 69.75, nsOf(2000));
  bench.rx->setGainDb(Direction::Rx, 10.0, nsOf(3000));
  sendAt(*bench.tx, 0, tone(6000, 0.0, 0.5));
  const Signal heard = receive(*bench.rx, 6000);
  CHECK_NEAR(std::abs(heard[1999]), 0.5, 1e-4);
  CHECK_NEAR(std::abs(heard[2000]), 0.05, 1e-4);
  CHECK_NEAR(std::abs(heard[2999]), 0.05, 1e-4);
  CHECK_NEAR(std::abs(heard[3000]), 0.05 * std::sqrt(10.0), 1e-4);
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
