// Devices, stream threads and the watchdog, on twins and on SoapySDR's null driver.
#include "check.hpp"

#include "otabench/medium/medium.hpp"
#include "otabench/radio/receiver.hpp"
#include "otabench/radio/transmitter.hpp"

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <future>
#include <thread>

using namespace otabench::radio;
using namespace std::chrono_literals;
namespace medium = otabench::medium;
namespace phy = otabench::phy;

namespace {

constexpr double kRateHz = 5e6;

// 60 dB apart, the user's clock 2 ppm off, about 25 dB of SNR.
void configure(medium::Pace pace) {
  medium::MediumConfig config;
  config.pace = pace;
  config.seed = 5;
  medium::RadioProfile base;
  base.serial = "TWIN-BASE";
  medium::RadioProfile user;
  user.serial = "TWIN-USER";
  user.clockErrorPpm = 2;
  config.radios = {base, user};
  medium::PathProfile path;
  path.from = user.serial;
  path.to = base.serial;
  config.paths = {path};
  medium::Medium::instance().configure(config);
}

TransmitRequest burst(int sequence, std::optional<std::int64_t> start_ns, int tokens = 16,
                      int dimension = 64) {
  TransmitRequest request;
  request.header.user = 3;
  request.header.sequence = sequence;
  request.header.tokens = tokens;
  request.header.dimension = dimension;
  request.start_ns = start_ns;
  for (int i = 0; i < tokens * dimension; ++i)
    request.tokens.push_back(static_cast<float>((i * 7919 + sequence) % 101) - 50.0f);
  return request;
}

using Outcome = std::variant<SentBurst, RadioError>;

std::future<Outcome> send(Transmitter& transmitter, TransmitRequest request) {
  auto promise = std::make_shared<std::promise<Outcome>>();
  request.on_handed = [promise](Outcome&& outcome) { promise->set_value(std::move(outcome)); };
  std::future<Outcome> future = promise->get_future();
  transmitter.send(std::move(request));
  return future;
}

ErrorCode code_of(const Outcome& outcome) {
  const auto* error = std::get_if<RadioError>(&outcome);
  CHECK(error != nullptr);
  return error != nullptr ? error->code() : ErrorCode::driver_failed;
}

// A base that receives and a user that may transmit.
struct Bench {
  std::shared_ptr<Watchdog> watchdog = std::make_shared<Watchdog>();
  std::shared_ptr<Device> base, user;
  std::shared_ptr<Receiver> receiver;
  std::shared_ptr<Transmitter> transmitter;
  std::mutex mutex;
  std::condition_variable ready;
  std::atomic<int> calls{0};
  std::atomic<bool> block{false};

  explicit Bench(medium::Pace pace, ReceiverOptions options = {}) {
    configure(pace);
    base = Device::open({{"driver", "twin"}, {"serial", "TWIN-BASE"}}, watchdog);
    user = Device::open({{"driver", "twin"}, {"serial", "TWIN-USER"}}, watchdog);
    base->set_sample_rate_hz(Direction::rx, kRateHz);
    base->set_center_frequency_hz(Direction::rx, 2.45e9);
    base->set_gain_db(Direction::rx, 20);
    user->set_sample_rate_hz(Direction::tx, kRateHz);
    user->set_center_frequency_hz(Direction::tx, 2.45e9);
    user->set_gain_db(Direction::tx, 75);
    receiver = Receiver::start(base, options, [this] {
      while (block)
        std::this_thread::sleep_for(1ms);
      ++calls;
      std::lock_guard<std::mutex> lock(mutex);
      ready.notify_all();
    });
    transmitter = Transmitter::start(user, {}, [] {});
    watchdog->arm();
  }
  ~Bench() {
    block = false;
    base->close();
    user->close();
  }

  // Takes batches until the epoch after `after` has been processed until `time_ns`, or 10 s are over.
  ReceiverBatch wait_until(std::uint64_t after, std::int64_t time_ns) {
    ReceiverBatch all;
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    receiver->mark(after, time_ns);
    while (std::chrono::steady_clock::now() < deadline) {
      watchdog->feed();
      ReceiverBatch batch = receiver->take();
      for (TimedBurst& each : batch.bursts)
        all.bursts.push_back(std::move(each));
      for (Event& each : batch.events)
        all.events.push_back(std::move(each));
      all.epoch = batch.epoch;
      all.processed_until_ns = batch.processed_until_ns;
      all.dropped_bursts = batch.dropped_bursts;
      if (batch.epoch > after && batch.processed_until_ns >= time_ns)
        return all;
      std::unique_lock<std::mutex> lock(mutex);
      ready.wait_for(lock, 20ms);
    }
    CHECK(!"the receiver did not get there");
    return all;
  }
};

const Event* find(const std::vector<Event>& events, EventKind kind) {
  for (const Event& event : events)
    if (event.kind == kind)
      return &event;
  return nullptr;
}

} // namespace

TEST("a watchdog must be armed, fed, and armed again after it tripped") {
  Watchdog watchdog(100ms);
  std::atomic<int> trips{0};
  watchdog.on_trip([&](const std::string&) { ++trips; });
  CHECK(!watchdog.transmit_allowed());
  watchdog.feed();
  CHECK(!watchdog.transmit_allowed());
  watchdog.arm();
  CHECK(watchdog.transmit_allowed());
  std::this_thread::sleep_for(400ms);
  CHECK(!watchdog.transmit_allowed());
  CHECK_EQUAL(trips.load(), 1);
  CHECK(std::string(watchdog.state()) == "tripped");
  watchdog.feed();
  CHECK(!watchdog.transmit_allowed());
  watchdog.arm();
  CHECK(watchdog.transmit_allowed());
  watchdog.trip("by hand");
  CHECK(!watchdog.transmit_allowed());
  CHECK_EQUAL(trips.load(), 2);
  CHECK(watchdog.reason() == "by hand");
}

TEST("a bounded queue refuses, keeps order, and drains when closed") {
  BoundedQueue<int> queue(2);
  CHECK(queue.try_push(1));
  CHECK(queue.try_push(2));
  CHECK(!queue.try_push(3));
  CHECK_EQUAL(*queue.pop(1ms), 1);
  CHECK(queue.try_push(4));
  queue.close();
  CHECK(!queue.try_push(5));
  CHECK_EQUAL(*queue.pop(1ms), 2);
  CHECK_EQUAL(*queue.pop(1ms), 4);
  CHECK(!queue.pop(1ms).has_value());
}

TEST("transmitting on any driver but twin is refused, and radios are never searched for over all drivers") {
  const auto watchdog = std::make_shared<Watchdog>();
  watchdog->arm();
  const std::shared_ptr<Device> null = Device::open({{"driver", "null"}}, watchdog);
  CHECK_THROWS(RadioError, Transmitter::start(null, {}, [] {}), "transmitting with driver null is refused");
  CHECK_THROWS(RadioError, Receiver::start(null, {}, [] {}), "no receive channel");
  CHECK_THROWS(RadioError, enumerate(""), "driver");
  CHECK_THROWS(RadioError, Device::open({{"serial", "TWIN-BASE"}}, watchdog), "driver");
}

TEST("a radio is opened by serial, verified, and closed twice") {
  configure(medium::Pace::Free);
  const auto watchdog = std::make_shared<Watchdog>();
  CHECK_THROWS(RadioError, Device::open({{"driver", "twin"}, {"serial", "TWIN-NOBODY"}}, watchdog),
               "TWIN-NOBODY");
  CHECK_THROWS(RadioError, Device::open({{"driver", "null"}, {"serial", "X"}}, watchdog),
               "serial: asked for X");
  const std::shared_ptr<Device> device =
      Device::open({{"driver", "twin"}, {"serial", "TWIN-BASE"}}, watchdog);
  CHECK_EQUAL(device->set_gain_db(Direction::rx, 1000), 76.0);
  device->close();
  device->close();
  CHECK_THROWS(RadioError, device->gain_db(Direction::rx), "closed");
}

TEST("bursts arrive with their tokens; every trial is an epoch") {
  Bench bench(medium::Pace::Free);
  medium::Medium& air = medium::Medium::instance();
  for (std::uint64_t trial = 0; trial < 3; ++trial) {
    air.beginTrial("trial " + std::to_string(trial));
    std::future<Outcome> first = send(*bench.transmitter, burst(1, 100000));
    std::future<Outcome> second = send(*bench.transmitter, burst(2, 1000000));
    const Outcome outcome = second.get();
    const auto* sent = std::get_if<SentBurst>(&outcome);
    CHECK(sent != nullptr && std::holds_alternative<SentBurst>(first.get()));
    const std::int64_t until_ns = *sent->end_ns + 200000;
    air.grantUntilNs(until_ns);
    const ReceiverBatch batch = bench.wait_until(trial, until_ns - 10000);
    CHECK_EQUAL(batch.epoch, trial + 1);
    CHECK_EQUAL(batch.bursts.size(), 2U);
    CHECK(batch.events.empty());
    for (std::size_t i = 0; i < batch.bursts.size(); ++i) {
      const TimedBurst& got = batch.bursts[i];
      CHECK(got.burst.outcome == phy::BurstOutcome::Ok);
      CHECK_EQUAL(got.burst.header.sequence, static_cast<int>(i) + 1);
      CHECK_EQUAL(got.burst.header.user, 3);
      CHECK_NEAR(got.arrival_ns, (i == 0 ? 100000 : 1000000) + 64 * 200, 400);
      CHECK_NEAR(got.burst.tokens[0], burst(static_cast<int>(i) + 1, {}).tokens[0], 15);
    }
    std::promise<std::size_t> flushed;
    bench.transmitter->flush(1000ms, [&](std::size_t missing) { flushed.set_value(missing); });
    CHECK_EQUAL(flushed.get_future().get(), 0U);
  }
}

TEST("a late burst is an event and is settled") {
  Bench bench(medium::Pace::Free);
  medium::Medium& air = medium::Medium::instance();
  air.beginTrial("late");
  air.grantUntilNs(2000000);
  bench.wait_until(0, 1900000);
  CHECK(std::holds_alternative<SentBurst>(send(*bench.transmitter, burst(1, 100000)).get()));
  std::promise<std::size_t> flushed;
  bench.transmitter->flush(2000ms, [&](std::size_t missing) { flushed.set_value(missing); });
  CHECK_EQUAL(flushed.get_future().get(), 0U);
  const std::vector<Event> events = bench.transmitter->take_events();
  const Event* late = find(events, EventKind::late);
  CHECK(late != nullptr);
  CHECK(late == nullptr || (late->direction == Direction::tx && late->serial == "TWIN-USER"));
}

TEST("results that nobody takes are dropped and counted") {
  ReceiverOptions options;
  options.result_limit = 1;
  Bench bench(medium::Pace::Free, options);
  medium::Medium& air = medium::Medium::instance();
  air.beginTrial("drops");
  for (int i = 0; i < 3; ++i)
    CHECK(std::holds_alternative<SentBurst>(send(*bench.transmitter, burst(i, 100000 + i * 1000000)).get()));
  bench.receiver->mark(0, 4000000);
  air.grantUntilNs(4200000);
  for (int i = 0; i < 1000 && bench.calls == 0; ++i)
    std::this_thread::sleep_for(10ms);
  const ReceiverBatch batch = bench.receiver->take();
  CHECK_EQUAL(batch.bursts.size(), 1U);
  CHECK_EQUAL(batch.dropped_bursts, 2U);
  const Event* dropped = find(batch.events, EventKind::dropped_burst);
  CHECK(dropped != nullptr && dropped->count == 2);
}

TEST("a receiver that is held up reports overflow and time gap") {
  Bench bench(medium::Pace::Realtime);
  medium::Medium::instance().beginTrial("overflow");
  bench.wait_until(0, 20000000);
  bench.block = true;
  bench.receiver->mark(0, 30000000);
  std::this_thread::sleep_for(2500ms);
  bench.watchdog->arm();
  bench.block = false;
  const std::uint64_t before = bench.receiver->epoch();
  const ReceiverBatch batch = bench.wait_until(before - 1, 3000000000);
  CHECK(find(batch.events, EventKind::overflow) != nullptr);
  const Event* gap = find(batch.events, EventKind::time_gap);
  CHECK(gap != nullptr && gap->count > 1000);
  CHECK_EQUAL(batch.epoch, before);
}

TEST("a watchdog that is not fed ends transmission in the middle, and it does not resume by itself") {
  Bench bench(medium::Pace::Realtime);
  // Two seconds of bursts on end; the radio takes a quarter of a second ahead.
  std::vector<TransmitRequest> requests;
  for (int i = 0; i < 60; ++i)
    requests.push_back(burst(i, i == 0 ? std::optional<std::int64_t>(50000000) : std::nullopt, 1023, 192));
  medium::Medium::instance().beginTrial("deadman");
  bench.watchdog->arm();
  std::vector<std::future<Outcome>> outcomes;
  for (TransmitRequest& request : requests)
    outcomes.push_back(send(*bench.transmitter, std::move(request)));
  int handed = 0, refused = 0;
  for (std::future<Outcome>& outcome : outcomes) {
    const Outcome got = outcome.get();
    if (std::holds_alternative<SentBurst>(got))
      ++handed;
    else if (code_of(got) == ErrorCode::transmit_disabled)
      ++refused;
  }
  CHECK(handed > 0);
  CHECK(refused > 0);
  CHECK_EQUAL(handed + refused, 60);
  bool silent = false;
  for (int i = 0; i < 200 && !silent; ++i) {
    silent = bench.user->gain_db(Direction::tx) == 0.0;
    std::this_thread::sleep_for(10ms);
  }
  CHECK(silent);
  bench.watchdog->feed();
  CHECK_THROWS(RadioError, send(*bench.transmitter, burst(1, std::nullopt)), "watchdog is tripped");
  bench.watchdog->arm();
  CHECK(std::holds_alternative<SentBurst>(send(*bench.transmitter, burst(1, std::nullopt)).get()));
}

TEST("a full transmit queue refuses") {
  Bench bench(medium::Pace::Realtime);
  std::vector<TransmitRequest> requests;
  for (int i = 0; i < 100; ++i)
    requests.push_back(burst(i, i == 0 ? std::optional<std::int64_t>(400000000) : std::nullopt, 1023, 192));
  medium::Medium::instance().beginTrial("queue");
  bench.watchdog->arm();
  // Ahead, so that the radio's queue fills and the stream's own behind it.
  bool full = false;
  std::vector<std::future<Outcome>> outcomes;
  try {
    for (TransmitRequest& request : requests)
      outcomes.push_back(send(*bench.transmitter, std::move(request)));
  } catch (const RadioError& error) {
    full = error.code() == ErrorCode::queue_full;
  }
  CHECK(full);
  bench.user->close();
  int closed = 0;
  for (std::future<Outcome>& outcome : outcomes) {
    const Outcome got = outcome.get();
    closed += std::holds_alternative<RadioError>(got) && code_of(got) == ErrorCode::closed;
  }
  CHECK(closed > 0);
}

TEST("a radio can be closed in mid-stream, and its streams say so") {
  Bench bench(medium::Pace::Realtime);
  medium::Medium::instance().beginTrial("closing");
  bench.wait_until(0, 5000000);
  bench.base->close();
  CHECK(!bench.receiver->take().running);
  bench.user->close();
  CHECK_THROWS(RadioError, send(*bench.transmitter, burst(1, std::nullopt)), "closed");
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
