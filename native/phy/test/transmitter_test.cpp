/** The transmitter's promises: sizes, power, peaks, refusals. */
#include <algorithm>
#include <cmath>
#include <vector>

#include "air.hpp"
#include "check.hpp"

using namespace otabench::phy;

namespace {

BurstHeader header(int tokens, int dimension) {
  BurstHeader h;
  h.tokens = tokens;
  h.dimension = dimension;
  h.sequence = 77;
  return h;
}

TransmitReport send(const std::vector<float>& tokens, const BurstHeader& h, double rmsDbfs,
                    std::vector<air::Cf>& samples) {
  BurstTransmitter transmitter;
  return transmitter.modulate(Span<const float>(tokens), h, rmsDbfs, samples);
}

void refuses(const char* field, const std::vector<float>& tokens, const BurstHeader& h,
             double rmsDbfs = -12) {
  std::vector<air::Cf> samples;
  try {
    send(tokens, h, rmsDbfs, samples);
    check::fail(__FILE__, __LINE__, std::string("accepted a bad ") + field);
  } catch (const PhyError& e) {
    if (e.field() != field)
      check::fail(__FILE__, __LINE__, "blamed " + e.field() + " instead of " + field);
    CHECK(std::string(e.what()).find('\n') == std::string::npos && !e.allowed().empty());
  }
}

} // namespace

TEST_CASE(sizes, "sizes, guards and power are as reported") {
  for (const int tokens : {1, 3, 16, 64}) {
    const auto values = air::gaussianTokens(tokens * 33, 5);
    std::vector<air::Cf> samples;
    const auto report = send(values, header(tokens, 33), -12, samples);
    CHECK_EQUAL(report.sampleCount, burstSampleCount(tokens, 33));
    CHECK_EQUAL(static_cast<std::int64_t>(samples.size()), report.sampleCount);
    CHECK_EQUAL(report.payloadSymbols, (tokens * 33 + 1) / 2);
    CHECK_EQUAL(report.payloadStartSample, kGuardSamples + kPreambleSamples + kHeaderSamples);
    for (int n = 0; n < kGuardSamples; ++n)
      CHECK(samples[n] == air::Cf(0) && samples[samples.size() - 1 - n] == air::Cf(0));
    CHECK_RANGE(report.rmsDbfs, -12.35, -11.65);
    CHECK_EQUAL(report.clippedSamples, 0);
    CHECK_RANGE(report.paprDb, 5, 13);
  }
}

TEST_CASE(backOff, "at -12 dBFS nothing clips in 2 million samples; at -3 dBFS it is counted and limited") {
  std::int64_t clipped = 0, sent = 0;
  std::vector<air::Cf> samples;
  for (int i = 0; sent < 2000000; ++i) {
    BurstHeader h = header(64, 256);
    h.sequence = i;
    const auto report = send(air::gaussianTokens(64 * 256, i), h, kDefaultRmsDbfs, samples);
    clipped += report.clippedSamples;
    sent += report.sampleCount;
  }
  CHECK_EQUAL(clipped, 0);
  const auto report = send(air::gaussianTokens(64 * 256, 1), header(64, 256), -3, samples);
  CHECK(report.clippedSamples > 0);
  CHECK_RANGE(report.clippedFraction, 0.01, 0.3);
  for (const auto& s : samples)
    CHECK(std::fabs(s.real()) <= 1 && std::fabs(s.imag()) <= 1);
}

TEST_CASE(correlated,
          "strongly correlated tokens have the peaks of noise: the permutation and scramble work") {
  std::vector<float> tokens(64 * 256);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = 1.0F + 0.1F * std::sin(static_cast<float>(i % 256) * 0.1F);
  std::vector<air::Cf> samples;
  const auto report = send(tokens, header(64, 256), -12, samples);
  CHECK_RANGE(report.paprDb, 7, 13);
  CHECK_EQUAL(report.clippedSamples, 0);
}

TEST_CASE(refusals, "unusable input is refused by field") {
  const auto good = air::gaussianTokens(16 * 16, 1);
  auto bad = good;
  bad[7] = NAN;
  refuses("tokens[7]", bad, header(16, 16));
  bad[7] = -INFINITY;
  refuses("tokens[7]", bad, header(16, 16));
  refuses("tokens", std::vector<float>(256, 0.0F), header(16, 16));
  refuses("tokens.length", std::vector<float>(255, 1.0F), header(16, 16));
  refuses("tokens.length", {}, header(16, 16));
  refuses("tokens", {}, header(0, 16));
  refuses("dimension", good, header(1, 1024));
  refuses("tokens x dimension", std::vector<float>(1023 * 1023, 1.0F), header(1023, 1023));
  refuses("scale", std::vector<float>(256, 1e30F), header(16, 16));
  refuses("rmsDbfs", good, header(16, 16), 1);
  refuses("rmsDbfs", good, header(16, 16), NAN);
  TransmitterConfig config;
  config.guardSamples = 10;
  try {
    BurstTransmitter transmitter(config);
    CHECK(false);
  } catch (const PhyError& e) {
    CHECK(e.field() == "guardSamples");
  }
}

TEST_CASE(repeatable, "the same burst has the same bits, whatever was sent before") {
  BurstTransmitter transmitter;
  const auto tokens = air::gaussianTokens(16 * 16, 1), other = air::gaussianTokens(40 * 100, 2);
  std::vector<air::Cf> first, between, second;
  transmitter.modulate(Span<const float>(tokens), header(16, 16), -12, first);
  transmitter.modulate(Span<const float>(other), header(40, 100), -20, between);
  transmitter.modulate(Span<const float>(tokens), header(16, 16), -12, second);
  CHECK(first == second);
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
