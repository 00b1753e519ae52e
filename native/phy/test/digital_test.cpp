/** The digital mapping through transmitter, air and receiver. */
#include <algorithm>
#include <cmath>

#include "fec_check.hpp"
#include "otabench/phy/fec/digital.hpp"
#include "otabench/phy/genie.hpp"
#include "scene.hpp"
#include "shared_band.hpp"

using namespace scene;
using fec::Modulation;

namespace {

constexpr Modulation kAll[] = {Modulation::Qpsk, Modulation::Qam16, Modulation::Qam64, Modulation::Qam256};

BurstHeader digital(int tokens, int dimension, int bitsPerValue, Modulation modulation, int ofdmSymbols,
                    int sequence = 0, int user = 0) {
  BurstHeader h = header(tokens, dimension, sequence, user);
  h.mapping = Mapping::Digital;
  h.digital = {bitsPerValue, modulation, ofdmSymbols};
  return h;
}

std::vector<float> asQuantised(const std::vector<float>& tokens, const BurstHeader& h) {
  const fec::TokenFormat format{h.tokens, h.dimension, h.digital.bitsPerValue};
  fec::Bits bits;
  std::vector<float> back;
  fec::quantiseTokens(tokens, format, bits);
  fec::dequantiseTokens(bits, format, back);
  return back;
}

/** At unknown time, CFO and phase, from one burst after the other. */
Heard transmit(const Sent& sent, double snrDb, bool threeTaps, std::uint64_t seed) {
  air::Path path;
  if (threeTaps)
    path.taps = air::threeTaps(seed);
  path.cfoHz = kLargestCfoHz * (2 * air::uniform(seed, 1) - 1);
  path.phase = 2 * kPi * air::uniform(seed, 2);
  std::vector<air::Cf> stream(sent.samples.size() + 1500);
  air::arrive(stream, sent.samples, 100 + 900 * air::uniform(seed, 3), path);
  addNoise(stream, snrDb, air::hash(seed), path.taps);
  return listen(stream);
}

void refuses(const BurstHeader& h, const char* field) {
  CHECK_THROWS_PHY(packHeader(h), field);
  CHECK_THROWS_PHY(makeBurst(h, 1), field);
}

} // namespace

TEST_CASE(signalled, "digital: every format is signalled in the header, its length follows") {
  for (const Modulation m : kAll)
    for (int q = 2; q <= 8; ++q)
      for (const int ofdmSymbols : {25, 100, 2047, 2048}) {
        BurstHeader h = digital(31, 17, q, m, ofdmSymbols, 5, 3);
        if (q * 31 * 17 > 20 * 48 && ofdmSymbols == 25)
          continue;
        h.transport.dftSpreading = q % 2 == 0;
        h.transport.permutation = q % 3 == 0;
        const auto back = unpackHeader(packHeader(h));
        CHECK(back.has_value() && headerFault(*back, kMaxPayloadOfdmSymbols) == nullptr);
        CHECK(back->mapping == Mapping::Digital && back->digital.modulation == m);
        CHECK(back->digital.bitsPerValue == q && back->digital.payloadOfdmSymbols == ofdmSymbols);
        CHECK(back->transport.phaseScramble && back->transport.normalisation == PowerNormalisation::Burst);
        CHECK(back->transport.dftSpreading == h.transport.dftSpreading);
        CHECK(back->transport.permutation == h.transport.permutation);
        CHECK_EQUAL(back->scale, 1.0);
        CHECK_EQUAL(payloadOfdmSymbolCount(*back), ofdmSymbols);
        CHECK_EQUAL(burstSampleCount(*back), 2 * 64 + 544 + 960 + 80 * ofdmSymbols);
      }
}

TEST_CASE(refusals, "digital: formats that cannot be sent are refused by name, or found in a header") {
  const BurstHeader good = digital(16, 16, 4, Modulation::Qpsk, 30);
  packHeader(good);
  BurstHeader h = good;
  h.digital.bitsPerValue = 9;
  refuses(h, "digital.bitsPerValue");
  CHECK(headerFault(h, 2048) != nullptr);
  h = good;
  h.digital.payloadOfdmSymbols = 13; // 624 channel uses for 1,208 bits
  refuses(h, "digital.payloadOfdmSymbols");
  CHECK(headerFault(h, 2048) != nullptr);
  h.digital.payloadOfdmSymbols = 2049;
  refuses(h, "digital.payloadOfdmSymbols");
  CHECK(headerFault(good, 29) != nullptr);
  h = good;
  h.transport.normalisation = PowerNormalisation::Token;
  refuses(h, "transport.normalisation");
  h = good;
  h.transport.phaseScramble = false;
  refuses(h, "transport.phaseScramble");
  BurstTransmitter small({kGuardSamples, 20});
  std::vector<air::Cf> samples;
  const auto tokens = air::gaussianTokens(256, 1);
  CHECK_THROWS_PHY(small.modulate(Span<const float>(tokens), good, -12, samples),
                   "digital.payloadOfdmSymbols");
  auto bad = tokens;
  bad[7] = NAN;
  BurstTransmitter transmitter;
  CHECK_THROWS_PHY(transmitter.modulate(Span<const float>(bad), good, -12, samples), "tokens[7]");
  const std::vector<float> zeros(256); // are numbers like others
  transmitter.modulate(Span<const float>(zeros), good, -12, samples);
  const Heard heard = listen(samples);
  CHECK(heard.count(BurstOutcome::Ok) == 1 && heard.bursts[0].tokens == zeros);
}

TEST_CASE(everyFormat,
          "digital: exactly the quantised tokens, every modulation and option, AWGN and three taps") {
  // Rate 1/2 and 3/4, several dB above what they need.
  const double snrDb[] = {6, 12, 18, 24};
  int trial = 0;
  for (const Modulation m : kAll)
    for (const bool taps : {false, true})
      for (const bool spread : {false, true}) {
        if (kSlowdown > 1 && (trial + static_cast<int>(m)) % 3 != 0) {
          ++trial;
          continue;
        }
        const int depth = fec::bitsPerSymbol(m);
        const int bits = 24 + 20 * (9 + 5 * 40); // 4,204
        const double rate = trial % 2 == 0 ? 0.5 : 0.7;
        BurstHeader h =
            digital(20, 40, 5, m, static_cast<int>(std::ceil(bits / rate / depth / 48)), trial, 2);
        h.transport.dftSpreading = spread;
        h.transport.permutation = trial % 4 != 3;
        const Sent sent = makeBurst(h, 50 + trial);
        CHECK_EQUAL(sent.report.sampleCount, burstSampleCount(h));
        CHECK_EQUAL(sent.report.payloadSymbols, 48 * h.digital.payloadOfdmSymbols);
        CHECK_RANGE(sent.report.rmsDbfs, kRmsDbfs - 0.3, kRmsDbfs + 0.3);
        const Heard heard = transmit(sent, snrDb[static_cast<int>(m)] + (taps ? 8 : 0), taps, 60 + trial);
        CHECK_EQUAL(heard.count(BurstOutcome::Ok), 1);
        ++trial;
        if (heard.count(BurstOutcome::Ok) != 1)
          continue;
        const ReceivedBurst& b = heard.bursts[0];
        CHECK_EQUAL(b.codeBlocksLost, 0);
        CHECK(b.tokens == asQuantised(sent.tokens, h));
        CHECK_EQUAL(std::count(b.erased.begin(), b.erased.end(), 0), 20);
        CHECK_EQUAL(static_cast<int>(b.constellation.size()), 48 * h.digital.payloadOfdmSymbols);
        CHECK(b.codeBlocks >= 1 && b.decoderIterations >= b.codeBlocks);
        CHECK(std::isnan(genieSnrDb(Span<const float>(sent.tokens), Span<const float>(b.tokens), h)));
      }
}

TEST_CASE(nearBound, "digital: QPSK at rate 1/2, 2,088 bits, everything estimated, gets through at 2.5 dB") {
  // The bound is 0.55 dB for a PER of 0.01.
  const int bursts = kSlowdown > 1 ? 10 : 100;
  int lost = 0;
  for (int t = 0; t < bursts; ++t) {
    const BurstHeader h = digital(16, 30, 4, Modulation::Qpsk, 44, t);
    const Sent sent = makeBurst(h, t);
    const Heard heard = transmit(sent, 2.5, false, 900 + t);
    lost += heard.count(BurstOutcome::Ok) == 1 && heard.bursts[0].codeBlocksLost == 0 ? 0 : 1;
  }
  CHECK_RANGE(lost, 0, kSlowdown > 1 ? 1 : 3);
}

TEST_CASE(erasures,
          "digital: too little SNR gives erased tokens, not wrong ones, and the next burst is heard") {
  const BurstHeader h = digital(32, 128, 4, Modulation::Qam16, 100, 9); // 16,664 bits, rate 0.87: two blocks
  const Sent weak = makeBurst(h, 1), analog = makeBurst(header(16, 16, 10), 2);
  std::vector<air::Cf> stream = weak.samples;
  stream.insert(stream.end(), analog.samples.begin(), analog.samples.end());
  addNoise(stream, 5, 3);
  const Heard heard = listen(stream);
  CHECK_EQUAL(heard.count(BurstOutcome::Ok), 2);
  if (heard.count(BurstOutcome::Ok) != 2)
    return;
  const ReceivedBurst& b = heard.bursts[0];
  CHECK_EQUAL(b.codeBlocks, 2);
  CHECK_EQUAL(b.codeBlocksLost, 2);
  CHECK_EQUAL(std::count(b.erased.begin(), b.erased.end(), 1), 32);
  CHECK_EQUAL(std::count(b.tokens.begin(), b.tokens.end(), 0.0F), 32 * 128);
  CHECK(heard.bursts[1].header.mapping == Mapping::Analog && heard.bursts[1].erased.empty());
  CHECK(!heard.bursts[1].tokens.empty());
}

TEST_CASE(burstOfNoise,
          "digital: noise over a part of the burst loses the blocks there, without permutation") {
  BurstHeader h = digital(32, 128, 4, Modulation::Qpsk, 360, 9); // rate 0.48, two blocks of 180 symbols
  h.transport.permutation = false;
  const Sent sent = makeBurst(h, 1);
  std::vector<air::Cf> stream = sent.samples;
  addNoise(stream, 15, 3);
  const std::int64_t begin = sent.report.payloadStartSample + 230 * kSymbolSamples;
  air::Noise(5).add(stream.data() + begin, 80 * kSymbolSamples, std::pow(10.0, (kRmsDbfs + 6) / 20));
  const Heard heard = listen(stream);
  // The pilots drown for 80 symbols as well: a receiver may as well give the burst up.
  CHECK_EQUAL(heard.bursts.size(), std::size_t{1});
  if (heard.count(BurstOutcome::Ok) != 1)
    return;
  const ReceivedBurst& b = heard.bursts[0];
  CHECK(b.codeBlocks == 2 && b.codeBlocksLost <= 1);
}

TEST_CASE(mismatch, "digital: a payload that contradicts its header is an outcome of its own") {
  // Headers of two formats of the same number of bits; the second one's before the first one's payload.
  const Sent a = makeBurst(digital(2, 8, 4, Modulation::Qpsk, 3, 6), 1);
  const Sent b = makeBurst(digital(2, 4, 8, Modulation::Qpsk, 3, 6), 2);
  std::vector<air::Cf> stream = b.samples;
  std::copy(a.samples.begin() + a.report.payloadStartSample, a.samples.end(),
            stream.begin() + b.report.payloadStartSample);
  const Sent next = makeBurst(digital(2, 8, 4, Modulation::Qpsk, 3, 7), 3);
  stream.insert(stream.end(), next.samples.begin(), next.samples.end());
  addNoise(stream, 15, 3);
  const Heard heard = listen(stream);
  CHECK_EQUAL(heard.count(BurstOutcome::PayloadMismatch), 1);
  CHECK_EQUAL(heard.counters.payloadsMismatched, 1);
  CHECK_EQUAL(heard.count(BurstOutcome::Ok), 1);
  for (const ReceivedBurst& r : heard.bursts) {
    CHECK(r.tokens.empty() == (r.outcome == BurstOutcome::PayloadMismatch));
    CHECK_RANGE(r.snrDb, 13, 17);
  }
}

TEST_CASE(clipped, "digital: clip and filter, and any cut of the stream") {
  const BurstHeader h = digital(16, 30, 4, Modulation::Qpsk, 44, 3);
  Sent sent;
  sent.tokens = air::gaussianTokens(480, 5);
  Drive drive;
  drive.papr.method = PaprMethod::ClipAndFilter;
  drive.papr.targetDb = 4;
  BurstTransmitter transmitter;
  sent.report = transmitter.modulate(Span<const float>(sent.tokens), h, drive, sent.samples);
  std::vector<air::Cf> stream = sent.samples;
  addNoise(stream, 6, 1);
  const Heard whole = listen(stream), cut = listen(stream, [](int i) { return 100 + 37 * (i % 50); });
  CHECK(whole.count(BurstOutcome::Ok) == 1 && cut.count(BurstOutcome::Ok) == 1);
  if (whole.bursts.size() != 1 || cut.bursts.size() != 1)
    return;
  CHECK(sameBits(whole.bursts[0], cut.bursts[0]));
  CHECK(whole.bursts[0].tokens == asQuantised(sent.tokens, h));
}

TEST_CASE(shared, "digital: beside an analog user in a shared band") {
  using namespace shared_band;
  const std::vector<Member> members = {member(3, subbandOfCarriers(-26, 24), 12, 10, 0),
                                       member(7, subbandOfCarriers(2, 24), 12, -10, 0)};
  std::vector<air::Cf> capture(80000);
  const BurstHeader h = digital(16, 30, 4, Modulation::Qpsk, 44, 3, 3);
  const auto tokens = air::gaussianTokens(480, 5);
  std::vector<air::Cf> samples;
  SubbandTransmitter transmitter(members[0].user);
  transmitter.modulate(Span<const float>(tokens), h, Drive(), samples);
  arrive(capture, members[0], samples, 700.3);
  arrive(capture, members[1], shared_band::makeBurst(members[1].user, 32, 64, 3, 2).samples, 1500.7);
  air::Noise(7).add(capture.data(), capture.size(), kNoiseSigma);
  int heard = 0;
  for (const SubbandBurst& b : shared_band::listen(capture, usersOf(members)))
    if (b.outcome == SubbandOutcome::Heard && b.burst.outcome == BurstOutcome::Ok) {
      ++heard;
      CHECK((b.user == 3) == (b.burst.header.mapping == Mapping::Digital));
      if (b.user == 3)
        CHECK(b.burst.tokens == asQuantised(tokens, h));
    }
  CHECK_EQUAL(heard, 2);
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
