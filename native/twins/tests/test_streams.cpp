// driver=twin through the public SoapySDR API: streams.
#include "twin_bench.hpp"

#include <chrono>
#include <thread>

using namespace twinbench;
using air::Medium;
using air::nsOf;
using air::Sample;
using air::Signal;

namespace {

int write(SoapySDR::Device* device, SoapySDR::Stream* stream, const void* samples, std::size_t count,
          int flags, long long timeNs, long timeoutUs = 100000) {
  const void* buffs[] = {samples};
  return device->writeStream(stream, buffs, count, flags, timeNs, timeoutUs);
}

struct Read {
  int result;
  int flags;
  long long timeNs;
};

Read read(SoapySDR::Device* device, SoapySDR::Stream* stream, void* samples, std::size_t count,
          long timeoutUs = 0) {
  void* buffs[] = {samples};
  Read got{0, 0, -1};
  got.result = device->readStream(stream, buffs, count, got.flags, got.timeNs, timeoutUs);
  return got;
}

Read status(SoapySDR::Device* device, SoapySDR::Stream* stream, long timeoutUs = 0) {
  std::size_t mask = 0;
  Read got{0, 0, -1};
  got.result = device->readStreamStatus(stream, mask, got.flags, got.timeNs, timeoutUs);
  if (got.result != SOAPY_SDR_TIMEOUT && got.result != SOAPY_SDR_NOT_SUPPORTED)
    CHECK_EQUAL(mask, std::size_t{1});
  return got;
}

} // namespace

TEST("a timed burst crosses to the sample and is acknowledged; a late one is reported") {
  Pair pair(air::threeRadios());
  SoapySDR::Stream* rx = pair.rx->setupStream(SOAPY_SDR_RX, SOAPY_SDR_CF32);
  SoapySDR::Stream* tx = pair.tx->setupStream(SOAPY_SDR_TX, SOAPY_SDR_CF32);
  CHECK(pair.rx->getStreamMTU(rx) > 0);
  CHECK_EQUAL(pair.rx->activateStream(rx), 0);
  CHECK_EQUAL(pair.tx->activateStream(tx), 0);
  const Signal sent = air::randomSignal(300, 0.5, 1);
  const int flags = SOAPY_SDR_HAS_TIME | SOAPY_SDR_END_BURST;
  CHECK_EQUAL(write(pair.tx, tx, sent.data(), sent.size(), flags, nsOf(2000)), 300);
  Medium::instance().grantUntilNs(nsOf(4000));
  Signal heard(8000);
  const Read got = read(pair.rx, rx, heard.data(), heard.size());
  CHECK_EQUAL(got.result, 4000);
  CHECK((got.flags & SOAPY_SDR_HAS_TIME) != 0);
  CHECK_EQUAL(got.timeNs, 0LL);
  double worst = 0.0;
  for (std::size_t i = 0; i < sent.size(); ++i)
    worst = std::max(worst, static_cast<double>(std::abs(heard[2000 + i] - sent[i])));
  CHECK(worst < 1e-5);
  CHECK(std::abs(heard[1999]) < 1e-4f && std::abs(heard[2300]) < 1e-4f);
  Read event = status(pair.tx, tx);
  CHECK_EQUAL(event.result, 0);
  CHECK_EQUAL(event.flags, SOAPY_SDR_HAS_TIME | SOAPY_SDR_END_BURST);
  CHECK_EQUAL(event.timeNs, static_cast<long long>(nsOf(2300)));
  CHECK_EQUAL(status(pair.tx, tx).result, SOAPY_SDR_TIMEOUT);
  CHECK_EQUAL(write(pair.tx, tx, sent.data(), sent.size(), flags, nsOf(1000)), 300);
  event = status(pair.tx, tx);
  CHECK_EQUAL(event.result, SOAPY_SDR_TIME_ERROR);
  CHECK_EQUAL(event.timeNs, static_cast<long long>(nsOf(1000)));
  pair.rx->closeStream(rx);
  pair.tx->closeStream(tx);
}

TEST("timed and finite captures; a start in the past") {
  Pair pair(air::threeRadios());
  SoapySDR::Stream* rx = pair.rx->setupStream(SOAPY_SDR_RX, SOAPY_SDR_CF32);
  CHECK_EQUAL(pair.rx->activateStream(rx, SOAPY_SDR_HAS_TIME | SOAPY_SDR_END_BURST, nsOf(1000), 250), 0);
  Medium::instance().grantUntilNs(nsOf(5000));
  Signal heard(1000);
  Read got = read(pair.rx, rx, heard.data(), heard.size());
  CHECK_EQUAL(got.result, 250);
  CHECK_EQUAL(got.timeNs, static_cast<long long>(nsOf(1000)));
  CHECK((got.flags & SOAPY_SDR_END_BURST) != 0);
  CHECK_EQUAL(read(pair.rx, rx, heard.data(), heard.size()).result, SOAPY_SDR_TIMEOUT);
  CHECK_EQUAL(pair.rx->activateStream(rx, SOAPY_SDR_HAS_TIME, nsOf(10)), 0);
  CHECK_EQUAL(read(pair.rx, rx, heard.data(), heard.size()).result, SOAPY_SDR_TIME_ERROR);
  CHECK_EQUAL(read(pair.rx, rx, heard.data(), heard.size()).result, SOAPY_SDR_TIMEOUT);
  pair.rx->closeStream(rx);
}

TEST("CS16 and CS8 scale to their full scale both ways; fullscale scales CF32") {
  Pair pair(air::threeRadios());
  for (const std::string format : {SOAPY_SDR_CS16, SOAPY_SDR_CS8}) {
    Medium::instance().beginTrial(format);
    SoapySDR::Stream* rx = pair.rx->setupStream(SOAPY_SDR_RX, format);
    SoapySDR::Stream* tx = pair.tx->setupStream(SOAPY_SDR_TX, format);
    pair.rx->activateStream(rx);
    pair.tx->activateStream(tx);
    const int full = format == SOAPY_SDR_CS16 ? 32767 : 127;
    std::vector<std::int16_t> wide(2 * 20000), wideHeard(2 * 20000);
    std::vector<std::int8_t> narrow(2 * 20000), narrowHeard(2 * 20000);
    for (std::size_t i = 0; i < wide.size(); ++i) {
      const int value = static_cast<int>(i * 7919 % static_cast<std::size_t>(2 * full + 1)) - full;
      wide[i] = static_cast<std::int16_t>(value);
      narrow[i] = static_cast<std::int8_t>(std::clamp(value, -127, 127));
    }
    const bool isWide = format == SOAPY_SDR_CS16;
    std::size_t sent = 0;
    while (sent < 20000) { // writes may be partial; the end goes with the last
      const void* at = isWide ? static_cast<const void*>(wide.data() + 2 * sent) : narrow.data() + 2 * sent;
      const int flags = SOAPY_SDR_END_BURST | (sent == 0 ? SOAPY_SDR_HAS_TIME : 0);
      const int taken = write(pair.tx, tx, at, 20000 - sent, flags, 0);
      CHECK(taken > 0);
      if (taken <= 0)
        break;
      sent += static_cast<std::size_t>(taken);
    }
    Medium::instance().grantUntilNs(nsOf(20000));
    std::size_t have = 0;
    while (have < 20000) {
      void* at = isWide ? static_cast<void*>(wideHeard.data() + 2 * have) : narrowHeard.data() + 2 * have;
      const Read got = read(pair.rx, rx, at, 20000 - have);
      if (got.result <= 0)
        break;
      have += static_cast<std::size_t>(got.result);
    }
    CHECK_EQUAL(have, std::size_t{20000});
    CHECK(isWide ? wideHeard == wide : narrowHeard == narrow);
    CHECK_EQUAL(status(pair.tx, tx).result, 0); // one burst, one ack
    CHECK_EQUAL(status(pair.tx, tx).result, SOAPY_SDR_TIMEOUT);
    pair.rx->closeStream(rx);
    pair.tx->closeStream(tx);
  }
  Medium::instance().beginTrial("scale");
  pair.tx->writeSetting(SOAPY_SDR_TX, 0, "digital_gain_db", "-6.0206");
  SoapySDR::Stream* rx = pair.rx->setupStream(SOAPY_SDR_RX, SOAPY_SDR_CF32, {0}, {{"fullscale", "2048"}});
  SoapySDR::Stream* tx = pair.tx->setupStream(SOAPY_SDR_TX, SOAPY_SDR_CF32);
  pair.rx->activateStream(rx);
  pair.tx->activateStream(tx);
  const Signal constant(100, Sample(0.5f, 0.0f));
  write(pair.tx, tx, constant.data(), 100, SOAPY_SDR_HAS_TIME | SOAPY_SDR_END_BURST, 0);
  Medium::instance().grantUntilNs(nsOf(100));
  Signal heard(100);
  CHECK_EQUAL(read(pair.rx, rx, heard.data(), 100).result, 100);
  CHECK_NEAR(heard[50].real(), 512.0, 0.1);
}

TEST("streams that cannot be are refused; one per direction") {
  Pair pair(air::threeRadios());
  CHECK_THROWS(std::exception, pair.rx->setupStream(SOAPY_SDR_RX, "CU8"), "CU8", "CF32");
  CHECK_THROWS(std::exception, pair.rx->setupStream(SOAPY_SDR_RX, SOAPY_SDR_CF32, {0, 1}), "channels");
  CHECK_THROWS(std::exception, pair.rx->setupStream(SOAPY_SDR_RX, SOAPY_SDR_CF32, {}, {{"fullscale", "0"}}),
               "fullscale");
  SoapySDR::Stream* rx = pair.rx->setupStream(SOAPY_SDR_RX, SOAPY_SDR_CF32);
  CHECK_THROWS(std::exception, pair.rx->setupStream(SOAPY_SDR_RX, SOAPY_SDR_CF32), "already has a stream");
  SoapySDR::Stream* tx = pair.rx->setupStream(SOAPY_SDR_TX, SOAPY_SDR_CF32);
  Signal samples(10);
  CHECK_EQUAL(write(pair.rx, rx, samples.data(), 10, 0, 0), SOAPY_SDR_STREAM_ERROR);
  CHECK_EQUAL(write(pair.rx, tx, samples.data(), 10, 0, 0), SOAPY_SDR_STREAM_ERROR); // not active
  CHECK_EQUAL(read(pair.rx, rx, samples.data(), 10).result, SOAPY_SDR_TIMEOUT);
  CHECK_EQUAL(pair.rx->activateStream(tx, SOAPY_SDR_HAS_TIME, 5), SOAPY_SDR_NOT_SUPPORTED);
  pair.rx->closeStream(rx);
  CHECK_EQUAL(read(pair.rx, rx, samples.data(), 10).result, SOAPY_SDR_STREAM_ERROR);
  pair.rx->closeStream(tx);
}

TEST("realtime: underflow through readStreamStatus, overflow through readStream") {
  air::MediumConfig config = air::threeRadios();
  config.pace = air::Pace::Realtime;
  Pair pair(config);
  SoapySDR::Stream* rx = pair.rx->setupStream(SOAPY_SDR_RX, SOAPY_SDR_CF32);
  SoapySDR::Stream* tx = pair.tx->setupStream(SOAPY_SDR_TX, SOAPY_SDR_CF32);
  pair.rx->activateStream(rx);
  pair.tx->activateStream(tx);
  const Signal sent = air::randomSignal(1000, 0.5, 1);
  CHECK_EQUAL(write(pair.tx, tx, sent.data(), sent.size(), 0, 0), 1000);
  CHECK_EQUAL(status(pair.tx, tx, 2'000'000).result, SOAPY_SDR_UNDERFLOW);
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
  Signal heard(1000);
  CHECK_EQUAL(read(pair.rx, rx, heard.data(), heard.size(), 100000).result, SOAPY_SDR_OVERFLOW);
  CHECK_EQUAL(read(pair.rx, rx, heard.data(), heard.size(), 1'000'000).result, 1000);
  CHECK_EQUAL(status(pair.rx, rx).result, SOAPY_SDR_NOT_SUPPORTED);
  pair.rx->closeStream(rx);
  pair.tx->closeStream(tx);
}

TEST("closing the stream and the device while another thread reads is safe and quick") {
  Medium::instance().configure(air::threeRadios());
  for (int repeat = 0; repeat < 20; ++repeat) {
    SoapySDR::Device* device = make("TWIN-A");
    SoapySDR::Stream* rx =
        device->setupStream(SOAPY_SDR_RX, repeat % 2 == 0 ? SOAPY_SDR_CF32 : SOAPY_SDR_CS16);
    SoapySDR::Stream* tx = device->setupStream(SOAPY_SDR_TX, SOAPY_SDR_CF32);
    device->activateStream(rx);
    device->activateStream(tx);
    const auto begin = std::chrono::steady_clock::now();
    int readResult = 0;
    int statusResult = 0;
    air::Blocked reading, waiting;
    std::thread reader([&] {
      Signal heard(4096);
      reading.aboutToBlock();
      readResult = read(device, rx, heard.data(), heard.size(), 20'000'000).result;
    });
    std::thread waiter([&] {
      waiting.aboutToBlock();
      statusResult = status(device, tx, 20'000'000).result;
    });
    reading.untilAsleep();
    waiting.untilAsleep();
    if (repeat % 3 == 0)
      device->closeStream(rx);
    SoapySDR::Device::unmake(device);
    reader.join();
    waiter.join();
    CHECK(readResult == SOAPY_SDR_STREAM_ERROR);
    CHECK(statusResult == SOAPY_SDR_TIMEOUT);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
    CHECK(!Medium::instance().isOpen("TWIN-A"));
  }
}
