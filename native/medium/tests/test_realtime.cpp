// Pace realtime: the wall clock, overflow, underflow, back-pressure, closing in mid-stream.
#include "air.hpp"
#include "check.hpp"

#include <chrono>
#include <thread>

using namespace air;
using std::chrono::milliseconds;

namespace {

MediumConfig realtimeRadios() {
  MediumConfig config = threeRadios();
  config.pace = Pace::Realtime;
  return config;
}

double secondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

} // namespace

TEST("time follows the wall clock, and reads come at their time") {
  Bench bench(realtimeRadios(), 1e6, 1e6);
  const auto begin = std::chrono::steady_clock::now();
  bench.rx->activateRx();
  Signal heard(4096);
  std::int64_t next = -1;
  std::size_t total = 0;
  while (total < 200'000) {
    const ReadResult result = bench.rx->read(heard.data(), heard.size(), 1'000'000);
    if (result.status != StreamStatus::Ok)
      break;
    CHECK(next < 0 || result.firstSample == next);
    next = result.firstSample + static_cast<std::int64_t>(result.sampleCount);
    total += result.sampleCount;
  }
  const double seconds = secondsSince(begin);
  CHECK(total >= 200'000);
  CHECK(seconds > 0.195 && seconds < 10.0);
  CHECK_EQUAL(bench.rx->counters().overflows, std::uint64_t{0});
}

TEST("a slow reader overflows once, and time shows the gap") {
  Bench bench(realtimeRadios());
  bench.rx->activateRx();
  Signal heard(4096);
  const ReadResult before = bench.rx->read(heard.data(), heard.size(), 1'000'000);
  std::this_thread::sleep_for(milliseconds(650));
  ReadResult result = bench.rx->read(heard.data(), heard.size(), 1'000'000);
  CHECK(result.status == StreamStatus::Overflow);
  result = bench.rx->read(heard.data(), heard.size(), 1'000'000);
  CHECK(result.status == StreamStatus::Ok);
  CHECK(result.timeNs > before.timeNs + 500'000'000);
  CHECK_EQUAL(bench.rx->counters().overflows, std::uint64_t{1});
  const auto event = bench.rx->waitEvent(Direction::Rx, 0);
  CHECK(event && event->kind == EventKind::Overflow);
  CHECK_EQUAL(event ? event->timeNs : -1,
              nsOf(before.firstSample + static_cast<std::int64_t>(before.sampleCount)));
}

TEST("a starved burst underflows, at the time of its last sample; the stream goes on") {
  Bench bench(realtimeRadios());
  const Signal sent = randomSignal(5000, 0.5, 1);
  CHECK_EQUAL(bench.tx->write(sent.data(), sent.size(), {}, 100000).sampleCount, sent.size());
  const auto begin = std::chrono::steady_clock::now();
  auto event = bench.tx->waitEvent(Direction::Tx, 5'000'000);
  CHECK(event && event->kind == EventKind::Underflow);
  CHECK(secondsSince(begin) < 2.0); // woken by the instant, not by the timeout
  CHECK(event && event->timeNs <= bench.tx->hardwareTimeNs() + 100'000);
  WriteOptions end;
  end.endOfBurst = true;
  bench.tx->write(sent.data(), sent.size(), end, 100000);
  event = bench.tx->waitEvent(Direction::Tx, 5'000'000);
  CHECK(event && event->kind == EventKind::BurstAck);
  CHECK_EQUAL(bench.tx->counters().underflows, std::uint64_t{1});
}

TEST("a timed burst goes out at its time and is acknowledged; one in the past is late") {
  Bench bench(realtimeRadios());
  const Signal sent = randomSignal(1000, 0.5, 1);
  const std::int64_t startNs = bench.tx->hardwareTimeNs() + 400'000'000;
  bench.rx->activateRx(startNs - 1000, 2000);
  WriteOptions options;
  options.startNs = startNs;
  options.endOfBurst = true;
  bench.tx->write(sent.data(), sent.size(), options, 100000);
  auto event = bench.tx->waitEvent(Direction::Tx, 5'000'000);
  CHECK(event && event->kind == EventKind::BurstAck);
  CHECK_NEAR(static_cast<double>(event ? event->timeNs - startNs : -1), 200'000.0, 200.0);
  Signal heard(2000);
  const ReadResult result = bench.rx->read(heard.data(), heard.size(), 5'000'000);
  CHECK_EQUAL(result.sampleCount, std::size_t{2000});
  CHECK(power(heard, 0, 4) < 1e-9);
  CHECK_NEAR(power(heard, 6, 1000), 0.5, 1e-3);
  options.startNs = startNs;
  bench.tx->write(sent.data(), sent.size(), options, 100000);
  event = bench.tx->waitEvent(Direction::Tx, 0);
  CHECK(event && event->kind == EventKind::Late);
  CHECK_EQUAL(event ? event->timeNs : -1, startNs);
}

TEST("continuous transmission is held back by the queue, not by a spinning loop") {
  Bench bench(realtimeRadios(), 2e6, 2e6);
  const Signal block = randomSignal(8192, 0.5, 1);
  const auto begin = std::chrono::steady_clock::now();
  std::size_t taken = 0;
  while (taken < 1'500'000) { // 0.75 s, of which the queue takes a quarter at once
    const WriteResult result = bench.tx->write(block.data(), block.size(), {}, 1'000'000);
    if (result.status != StreamStatus::Ok)
      break;
    taken += result.sampleCount;
  }
  const double seconds = secondsSince(begin);
  CHECK(taken >= 1'500'000);
  CHECK(seconds > 0.4 && seconds < 10.0);
  CHECK_EQUAL(bench.tx->counters().underflows, std::uint64_t{0});
}

TEST("closing while others read, write and wait wakes them at once") {
  for (int repeat = 0; repeat < 10; ++repeat) {
    for (const Pace pace : {Pace::Free, Pace::Realtime}) {
      MediumConfig config = threeRadios();
      config.pace = pace;
      Bench bench(config);
      bench.rx->activateRx();
      StreamStatus readStatus = StreamStatus::Ok;
      StreamStatus writeStatus = StreamStatus::Ok;
      std::shared_ptr<Radio> rx = bench.rx;
      std::shared_ptr<Radio> tx = bench.tx;
      const auto begin = std::chrono::steady_clock::now();
      std::thread reader([&] {
        Signal heard(8192);
        do
          readStatus = rx->read(heard.data(), heard.size(), 10'000'000).status;
        while (readStatus == StreamStatus::Ok || readStatus == StreamStatus::Overflow);
      });
      std::thread writer([&] {
        const Signal block(1 << 20);
        do
          writeStatus = tx->write(block.data(), block.size(), {}, 10'000'000).status;
        while (writeStatus == StreamStatus::Ok);
      });
      std::thread waiter([&] {
        while (bench.other->waitEvent(Direction::Tx, 10'000'000))
          continue;
      });
      std::this_thread::sleep_for(milliseconds(repeat * 2));
      bench.rx->close();
      bench.tx->close();
      bench.other->close();
      reader.join();
      writer.join();
      waiter.join();
      CHECK(readStatus == StreamStatus::Closed);
      CHECK(writeStatus == StreamStatus::Closed);
      CHECK(secondsSince(begin) < 8.0);
    }
  }
}

TEST("a radio that is destroyed waits for the threads inside") {
  for (int repeat = 0; repeat < 20; ++repeat) {
    Medium::instance().configure(threeRadios()); // free pace, nothing granted: both calls block
    std::shared_ptr<Radio> radio = Medium::instance().open("TWIN-A");
    Radio* const raw = radio.get();
    raw->activateRx();
    Blocked reading, waiting;
    StreamStatus status = StreamStatus::Ok;
    bool gotEvent = true;
    const auto begin = std::chrono::steady_clock::now();
    std::thread reader([&] {
      Signal heard(8192);
      reading.aboutToBlock();
      status = raw->read(heard.data(), heard.size(), 20'000'000).status;
    });
    std::thread waiter([&] {
      waiting.aboutToBlock();
      gotEvent = raw->waitEvent(Direction::Tx, 20'000'000).has_value();
    });
    reading.untilAsleep();
    waiting.untilAsleep();
    radio.reset();
    reader.join();
    waiter.join();
    CHECK(status == StreamStatus::Closed);
    CHECK(!gotEvent);
    CHECK(secondsSince(begin) < 10.0);
    CHECK(!Medium::instance().isOpen("TWIN-A"));
  }
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
