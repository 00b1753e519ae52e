#include "fec_figures.hpp"

#include <cmath>
#include <cstdio>
#include <functional>
#include <optional>
#include <random>
#include <string>

#include "air.hpp"
#include "otabench/phy/fec/capacity.hpp"
#include "otabench/phy/fec/digital.hpp"
#include "otabench/phy/fec/mcs.hpp"
#include "otabench/phy/receiver.hpp"
#include "otabench/phy/transmitter.hpp"
#include "timing.hpp"

namespace {

using namespace otabench::phy;
using bench::Row;
using Samples = std::vector<air::Cf>;

constexpr double kPi = 3.14159265358979323846;
constexpr double kLargestCfoHz = 98e3; // 40 ppm of 2.45 GHz
constexpr double kPer = 0.01;

// 24 + 8 (9 + 62 * 4) = 2,080 bits.
constexpr fec::TokenFormat kTokens = {8, 62, 4};
constexpr int kPayloadBits = 2080;

/** Whole OFDM symbols, so near the named rate. */
struct Format {
  const char* name;
  fec::Modulation modulation;
  int ofdmSymbols;
  fec::TokenFormat tokens = kTokens;

  /** Descriptor, then for every token its step and values; docs/digital.md. */
  int payloadBits() const {
    return fec::kDescriptorBits + tokens.tokens * static_cast<int>(tokens.bitsPerToken());
  }
  int channelUses() const { return kDataCarriers * ofdmSymbols; }
  double rate() const {
    return static_cast<double>(payloadBits()) / (channelUses() * fec::bitsPerSymbol(modulation));
  }
  double boundDb() const {
    return fec::normalApproximationSnrDb(modulation, payloadBits(), channelUses(), kPer);
  }
  BurstHeader header(int sequence) const {
    BurstHeader h;
    h.sequence = sequence % (kMaxSequence + 1);
    h.tokens = tokens.tokens;
    h.dimension = tokens.dimension;
    h.mapping = Mapping::Digital;
    h.digital = {tokens.bitsPerValue, modulation, ofdmSymbols};
    return h;
  }
};

constexpr Format kHalfQpsk = {"rate 1/2 QPSK", fec::Modulation::Qpsk, 43};
constexpr Format kThreeQuarterQpsk = {"rate 3/4 QPSK", fec::Modulation::Qpsk, 29};
constexpr Format kHalf16 = {"rate 1/2 16-QAM", fec::Modulation::Qam16, 22};
constexpr Format kHalf64 = {"rate 1/2 64-QAM", fec::Modulation::Qam64, 14};

std::vector<float> tokensOf(const fec::TokenFormat& format, int trial) {
  return air::gaussianTokens(format.tokens * format.dimension, static_cast<std::uint64_t>(trial));
}

std::vector<float> quantised(const fec::TokenFormat& format, const std::vector<float>& tokens) {
  fec::Bits bits;
  std::vector<float> back;
  fec::quantiseTokens(tokens, format, bits);
  fec::dequantiseTokens(bits, format, back);
  return back;
}

/** One burst at unknown time, CFO, clock and phase: whether exactly its quantised tokens came out. */
bool delivered(const Format& format, double snrDb, bool threeTaps, int trial) {
  const auto seed = static_cast<std::uint64_t>(trial);
  const BurstHeader header = format.header(trial);
  const std::vector<float> tokens = tokensOf(format.tokens, trial);
  Samples burst;
  BurstTransmitter().modulate(Span<const float>(tokens), header, kDefaultRmsDbfs, burst);
  air::Path path;
  if (threeTaps)
    path.taps = air::threeTaps(air::hash(seed + 1));
  path.cfoHz = kLargestCfoHz * (2 * air::uniform(seed, 1) - 1);
  path.phase = 2 * kPi * air::uniform(seed, 2);
  Samples samples(burst.size() + 1200);
  air::arrive(samples, burst, 200 + 600 * air::uniform(seed, 3), path);
  air::Noise(air::hash(seed))
      .add(samples.data(), samples.size(), air::noiseSigma(snrDb, kDefaultRmsDbfs, path.taps));
  bool whole = false;
  BurstReceiver receiver({}, [&](ReceivedBurst&& b) {
    whole |= b.outcome == BurstOutcome::Ok && b.codeBlocksLost == 0 && b.header.sequence == header.sequence &&
             b.tokens == quantised(format.tokens, tokens);
  });
  receiver.push(samples.data(), samples.size(), 0);
  receiver.flush();
  return whole;
}

/** The same bursts and noise at every SNR: bisection to 0.05 dB, then the logarithm of the error rate
 * between. */
double thresholdDb(const Format& format, bool threeTaps, int bursts, double lowDb, double highDb) {
  // Half a burst more: the estimate of a rate that may have seen no error.
  const auto per = [&](double snrDb) {
    int lost = 0;
    for (int t = 0; t < bursts; ++t)
      lost += delivered(format, snrDb, threeTaps, t) ? 0 : 1;
    return (lost + 0.5) / (bursts + 1);
  };
  double low = lowDb, high = highDb, perLow = per(low), perHigh = per(high);
  if (perLow <= kPer || perHigh > kPer) {
    std::fprintf(stderr, "  not between %.1f and %.1f dB: error rates %.3g and %.3g\n", low, high, perLow,
                 perHigh);
    return NAN;
  }
  while (high - low > 0.05) {
    const double middle = (low + high) / 2, at = per(middle);
    (at > kPer ? low : high) = middle;
    (at > kPer ? perLow : perHigh) = at;
  }
  const double part = std::log(perLow / kPer) / std::log(perLow / perHigh);
  return low + part * (high - low);
}

double halfQpskDb(int bursts) {
  return thresholdDb(kHalfQpsk, false, bursts, 0.5, 3.5);
}

/** MS/s of thread CPU time: bursts back to back, decoding included. */
void measureReceiver(std::vector<Row>& rows, double snrDb) {
  constexpr std::size_t kStream = 1 << 20;
  Samples stream, burst;
  BurstTransmitter transmitter;
  int bursts = 0;
  for (; stream.size() < kStream; ++bursts) {
    transmitter.modulate(Span<const float>(tokensOf(kTokens, bursts)), kHalfQpsk.header(bursts),
                         kDefaultRmsDbfs, burst);
    stream.insert(stream.end(), burst.begin(), burst.end());
  }
  air::Noise(1).add(stream.data(), stream.size(), air::noiseSigma(snrDb, kDefaultRmsDbfs, {{0, 1}}));
  int whole = 0;
  double iterations = 0;
  std::vector<double> rates;
  for (int repeat = -1; repeat < 9; ++repeat) {
    whole = 0;
    iterations = 0;
    const double begin = bench::threadCpuS();
    BurstReceiver receiver({}, [&](ReceivedBurst&& b) {
      whole += b.outcome == BurstOutcome::Ok && b.codeBlocksLost == 0 ? 1 : 0;
      iterations += b.decoderIterations;
    });
    receiver.push(stream.data(), stream.size(), 0);
    receiver.flush();
    if (repeat >= 0)
      rates.push_back(static_cast<double>(stream.size()) / (bench::threadCpuS() - begin) * 1e-6);
  }
  std::fprintf(stderr, "  %d of %d bursts whole, %.1f iterations each\n", whole, bursts, iterations / bursts);
  rows.push_back({"receiver, rate 1/2 QPSK, decoding included, PER 0.01 + 1 dB", bench::median(rates),
                  "MS/s per core", 30, true, "liquid-dsp v27 soft, own build with libfec", 13.8});
}

/** Information bits (without CRC) per second of thread CPU time, from LLRs to checked bits. */
void measureDecoder(std::vector<Row>& rows, fec::Isa isa, int payloadBits, double rate, double snrDb,
                    std::optional<double> goal) {
  const fec::Segmentation s = fec::segment(payloadBits, fec::selectBaseGraph(payloadBits, rate));
  const int coded = 2 * static_cast<int>(std::lround(payloadBits / rate / 2));
  const fec::RateMatching matching = {s.code, s.fillerBits, coded, 2};
  const double variance = std::pow(10.0, -snrDb / 10);
  std::mt19937_64 rng(5);
  constexpr int kBlocks = 64;
  std::vector<std::vector<float>> received(kBlocks);
  for (auto& mother : received) {
    fec::Bits payload(payloadBits), codeword, matched;
    for (auto& bit : payload)
      bit = static_cast<std::uint8_t>(rng() & 1U);
    fec::ldpcEncode(s.code, fec::makeBlocks(s, payload)[0], codeword);
    fec::rateMatch(matching, codeword, matched);
    Samples symbols;
    fec::modulate(fec::Modulation::Qpsk, matched, symbols);
    air::Noise(rng()).add(symbols.data(), symbols.size(), std::sqrt(variance));
    std::vector<float> llrs;
    fec::demap(fec::Modulation::Qpsk, symbols,
               std::vector<float>(symbols.size(), static_cast<float>(variance)), llrs);
    fec::rateRecover(matching, llrs, mother);
  }
  fec::LdpcDecoder decoder(fec::kDefaultIterations, isa);
  fec::Bits bits;
  std::vector<double> rates;
  int lost = 0, iterations = 0;
  for (int repeat = -1; repeat < 9; ++repeat) {
    lost = iterations = 0;
    int blocks = 0;
    const double begin = bench::threadCpuS();
    for (; blocks < 8 * kBlocks; ++blocks) {
      const auto result = decoder.decode(matching, received[blocks % kBlocks], s.transportCrc, bits);
      lost += result.ok ? 0 : 1;
      iterations += result.iterations;
    }
    if (repeat >= 0)
      rates.push_back(static_cast<double>(blocks) * payloadBits / (bench::threadCpuS() - begin) * 1e-6);
  }
  std::fprintf(stderr, "  %s, %d bits: %d of %d blocks lost, %.1f iterations each\n", fec::toString(isa),
               payloadBits, lost, 8 * kBlocks, iterations / (8.0 * kBlocks));
  char name[128];
  std::snprintf(name, sizeof name, "LDPC decoder alone, rate %.2g, %d bits, %.2f dB, %s", rate, payloadBits,
                snrDb, fec::toString(isa));
  rows.push_back({name, bench::median(rates), "Mbit/s per core", goal, true,
                  isa == fec::Isa::Avx512 ? "published, AVX-512"
                  : isa == fec::Isa::Avx2 ? "published, AVX2"
                                          : "",
                  isa == fec::Isa::Avx512 ? std::optional<double>(223)
                  : isa == fec::Isa::Avx2 ? std::optional<double>(130)
                                          : std::nullopt});
}

} // namespace

namespace bench {

void addFecThresholds(std::vector<Row>& rows, int bursts) {
  const auto label = [&](const Format& format, const char* air) {
    char text[128];
    std::snprintf(text, sizeof text, "PER 0.01, %s (%.3f), 2,080 bits, %s, %d bursts per SNR", format.name,
                  format.rate(), air, bursts);
    return std::string(text);
  };
  std::fprintf(stderr, "PER 0.01, %s\n", kHalfQpsk.name);
  rows.push_back({label(kHalfQpsk, "AWGN"), halfQpskDb(bursts), "dB Es/N0", 2.5, false,
                  "liquid-dsp v27 soft, own build with libfec", 6.5});
  std::fprintf(stderr, "PER 0.01, %s, three taps\n", kHalfQpsk.name);
  rows.push_back({label(kHalfQpsk, "taps 0/2/5, CFO"), thresholdDb(kHalfQpsk, true, bursts, 0.5, 6.5),
                  "dB Es/N0", 4.5, false, "liquid-dsp v27 soft, own build with libfec", 11});
  const struct {
    Format format;
    double lowDb, highDb;
  } others[] = {{kThreeQuarterQpsk, 3.5, 7.5}, {kHalf16, 5, 9}, {kHalf64, 9, 13}};
  for (const auto& o : others) {
    std::fprintf(stderr, "PER 0.01, %s\n", o.format.name);
    const double bound = o.format.boundDb();
    rows.push_back({label(o.format, "AWGN"), thresholdDb(o.format, false, bursts, o.lowDb, o.highDb),
                    "dB Es/N0", bound + 2, false, "normal approximation", bound});
  }
}

void printFecTable(int bursts) {
  for (int m = 0; m < fec::kModulations; ++m)
    for (const double rate : {0.2, 0.35, 0.5, 0.65, 0.8, 0.9}) {
      Format format = {"", static_cast<fec::Modulation>(m), 0};
      format.ofdmSymbols = static_cast<int>(
          std::ceil(kPayloadBits / rate / fec::bitsPerSymbol(format.modulation) / kDataCarriers - 0.05));
      const double bound = format.boundDb(), threshold = thresholdDb(format, false, bursts, bound, bound + 5);
      std::printf("%s, rate %.3f: %.2f dB, %.2f above the bound\n", fec::toString(format.modulation),
                  format.rate(), threshold, threshold - bound);
      std::fflush(stdout);
    }
}

void printShortBlocks(int bursts) {
  const fec::TokenFormat sizes[] = {{1, 12, 4}, {1, 24, 4}, {1, 56, 4}, {2, 60, 4}, {4, 60, 4}, {8, 62, 4}};
  for (int m = 0; m < fec::kModulations; ++m)
    for (const auto& tokens : sizes)
      for (const double rate : {0.3, 0.5, 0.8}) {
        Format format = {"", static_cast<fec::Modulation>(m), 0, tokens};
        const double bitsPerSymbol = fec::bitsPerSymbol(format.modulation) * kDataCarriers;
        format.ofdmSymbols = static_cast<int>(std::ceil(format.payloadBits() / rate / bitsPerSymbol - 0.05));
        if (fec::leastChannelUses(tokens, format.modulation) > format.channelUses())
          continue;
        const double required = fec::requiredSnrDb({tokens, format.modulation, format.channelUses()}, kPer);
        const double threshold = thresholdDb(format, false, bursts, required - 3, required + 4);
        std::printf("%s, %d bits, rate %.3f: %.2f dB, %.2f above the requirement\n",
                    fec::toString(format.modulation), format.payloadBits(), format.rate(), threshold,
                    threshold - required);
        std::fflush(stdout);
      }
}

void addFecSpeed(std::vector<Row>& rows) {
  std::fprintf(stderr, "digital: receiver and decoder speed\n");
  const double snrDb = halfQpskDb(200) + 1;
  measureReceiver(rows, snrDb);
  for (const fec::Isa isa : fec::supportedIsas())
    for (const int bits : {kPayloadBits, 8424})
      measureDecoder(rows, isa, bits, 0.5, snrDb,
                     isa == fec::Isa::Avx2 ? std::optional<double>(100) : std::nullopt);
}

} // namespace bench
