#include "otabench/phy/fec/digital.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "fec_check.hpp"

using namespace otabench::phy;
using namespace otabench::phy::fec;
using Cf = std::complex<float>;

namespace {

constexpr Modulation kAll[] = {Modulation::Qpsk, Modulation::Qam16, Modulation::Qam64, Modulation::Qam256};

std::vector<float> gaussian(std::size_t count, std::mt19937_64& rng, float sd = 1) {
  std::normal_distribution<float> normal(0, sd);
  std::vector<float> values(count);
  for (float& v : values)
    v = normal(rng);
  return values;
}

void addNoise(std::vector<Cf>& symbols, double variance, std::mt19937_64& rng) {
  const std::vector<float> noise =
      gaussian(2 * symbols.size(), rng, static_cast<float>(std::sqrt(variance / 2)));
  for (std::size_t i = 0; i < symbols.size(); ++i)
    symbols[i] += Cf(noise[2 * i], noise[2 * i + 1]);
}

std::vector<float> flat(std::size_t count, double variance) {
  return std::vector<float>(count, static_cast<float>(variance));
}

double meanSquare(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return sum / static_cast<double>(a.size());
}

} // namespace

TEST_CASE(constellations, "modulation: points and labels of 38.211") {
  // 1/sqrt(10) {(1 - 2 b0)[2 - (1 - 2 b2)] + j (1 - 2 b1)[2 - (1 - 2 b3)]} and so on, by hand.
  std::vector<Cf> symbols;
  const auto is = [&](Modulation m, const Bits& bits, double re, double im, double norm) {
    modulate(m, bits, symbols);
    CHECK_RANGE(std::abs(symbols.at(0) - Cf(static_cast<float>(re / norm), static_cast<float>(im / norm))), 0,
                1e-6);
  };
  is(Modulation::Qpsk, {0, 1}, 1, -1, std::sqrt(2.0));
  is(Modulation::Qam16, {0, 0, 0, 0}, 1, 1, std::sqrt(10.0));
  is(Modulation::Qam16, {1, 0, 1, 1}, -3, 3, std::sqrt(10.0));
  is(Modulation::Qam64, {0, 0, 0, 0, 0, 0}, 3, 3, std::sqrt(42.0));
  is(Modulation::Qam64, {0, 1, 0, 1, 1, 0}, 1, -5, std::sqrt(42.0));
  is(Modulation::Qam256, {0, 0, 0, 0, 0, 0, 0, 0}, 5, 5, std::sqrt(170.0));
  is(Modulation::Qam256, {1, 0, 1, 0, 1, 1, 1, 0}, -15, 3, std::sqrt(170.0));

  for (const Modulation m : kAll) {
    const std::vector<float>& amplitude = axisAmplitudes(m);
    double power = 0;
    std::vector<std::pair<float, unsigned>> sorted;
    for (std::size_t label = 0; label < amplitude.size(); ++label) {
      power += 2 * std::pow(amplitude[label], 2) / static_cast<double>(amplitude.size());
      sorted.emplace_back(amplitude[label], static_cast<unsigned>(label));
    }
    CHECK_RANGE(power, 1 - 1e-6, 1 + 1e-6);
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 1; i < sorted.size(); ++i) // Gray: neighbours differ in one bit
      CHECK_EQUAL(__builtin_popcount(sorted[i].second ^ sorted[i - 1].second), 1);
  }
  CHECK_THROWS_PHY(modulate(Modulation::Qam64, Bits(7), symbols), "bits");
}

TEST_CASE(llrs, "modulation: LLRs are the exact ones") {
  std::mt19937_64 rng(1);
  // SNR at which each modulation would be used with rate 1/2.
  const double esN0Db[] = {0.5, 5.5, 9.5, 13.5};
  for (const Modulation m : kAll) {
    const int depth = bitsPerSymbol(m);
    const double variance = std::pow(10.0, -esN0Db[static_cast<int>(m)] / 10);
    const Bits bits = randomBits(static_cast<std::size_t>(depth) * 20000, rng);
    std::vector<Cf> symbols;
    modulate(m, bits, symbols);
    addNoise(symbols, variance, rng);
    std::vector<float> llrs;
    demap(m, symbols, flat(symbols.size(), variance), llrs);
    double greatest = 0;
    const std::vector<float>& amplitude = axisAmplitudes(m);
    for (std::size_t i = 0; i < llrs.size(); ++i) {
      const Cf y = symbols[i / depth];
      const double axis = i % 2 == 0 ? y.real() : y.imag();
      const int place = static_cast<int>(i % depth) / 2;
      double sum[2] = {0, 0};
      for (std::size_t label = 0; label < amplitude.size(); ++label)
        sum[(label >> (depth / 2 - 1 - place)) & 1U] +=
            std::exp(-std::pow(axis - amplitude[label], 2) / variance);
      const double llr = std::log(sum[0] / sum[1]);
      greatest = std::max(greatest, std::fabs(llr - llrs[i]));
    }
    CHECK_RANGE(greatest, 0, 1e-3);
  }
  std::vector<float> none;
  CHECK_THROWS_PHY(demap(Modulation::Qpsk, std::vector<Cf>(3), flat(2, 1), none), "noise variances");
}

TEST_CASE(varianceCounts, "modulation: a symbol's LLRs follow its own noise variance") {
  std::vector<float> mixed, even;
  for (const Modulation m : kAll) {
    const std::vector<Cf> symbols(130, Cf(0.4F, -0.3F));
    std::vector<float> variance = flat(symbols.size(), 0.5);
    variance[129] = 0.125F;
    demap(m, symbols, variance, mixed);
    demap(m, symbols, flat(symbols.size(), 0.125), even);
    const int depth = bitsPerSymbol(m);
    CHECK(std::equal(mixed.end() - depth, mixed.end(), even.end() - depth));
    CHECK(!std::equal(mixed.begin(), mixed.begin() + depth, even.begin()));
  }
}

TEST_CASE(steps, "quantiser: the step has the least error for Gaussian tokens") {
  // Mean squared error of a uniform mid-rise quantiser for N(0, 1), by integration.
  const auto error = [](int q, double step) {
    constexpr double kFine = 2e-4;
    double sum = 0;
    const double half = std::ldexp(1.0, q - 1);
    for (double x = kFine / 2; x < 8; x += kFine) {
      const double level = std::min(std::floor(x / step), half - 1);
      sum += 2 * kFine * std::exp(-x * x / 2) / std::sqrt(2 * M_PI) * std::pow(x - (level + 0.5) * step, 2);
    }
    return sum;
  };
  const double published[] = {0.1188, 0.03744, 0.01154, 0.003495}; // Max 1960, 4 to 32 levels
  std::mt19937_64 rng(2);
  for (int q = kMinBitsPerValue; q <= kMaxBitsPerValue; ++q) {
    const double step = gaussianStep(q), least = error(q, step);
    CHECK(error(q, step * 1.03) > least && error(q, step * 0.97) > least);
    if (q <= 5)
      CHECK_RANGE(least / published[q - 2], 0.995, 1.005);
    const TokenFormat format{20, 1000, q};
    const std::vector<float> tokens = gaussian(20000, rng, 37.0F);
    Bits bits;
    std::vector<float> back;
    quantiseTokens(tokens, format, bits);
    CHECK_EQUAL(static_cast<std::int64_t>(bits.size()), format.bits());
    dequantiseTokens(bits, format, back);
    const double measured = meanSquare(tokens, back) / (37.0 * 37.0);
    std::printf("  %d bits: %.2f dB, Gaussian optimum %.2f dB\n", q, 10 * std::log10(measured),
                10 * std::log10(least));
    CHECK_RANGE(measured / least, 0.7, 1.05);
  }
  CHECK_THROWS_PHY(gaussianStep(1), "bitsPerValue");
}

TEST_CASE(odd, "quantiser: zeros, outliers, tiny and huge tokens, bad input") {
  std::mt19937_64 rng(3);
  std::vector<float> tokens = gaussian(4 * 64, rng), back;
  std::fill_n(tokens.begin(), 64, 0.0F);
  for (int d = 0; d < 64; ++d) {
    tokens[64 + d] *= 1e-5F;
    tokens[128 + d] *= 1e6F;
  }
  tokens[3 * 64 + 5] = 12; // one dimension 20 dB above the others
  const TokenFormat format{4, 64, 6};
  Bits bits;
  quantiseTokens(tokens, format, bits);
  dequantiseTokens(bits, format, back);
  for (int l = 0; l < 4; ++l) {
    double error = 0, power = 0;
    for (int d = 0; d < 64; ++d) {
      error += std::pow(static_cast<double>(tokens[l * 64 + d]) - back[l * 64 + d], 2);
      power += std::pow(static_cast<double>(tokens[l * 64 + d]), 2);
    }
    CHECK(error <= 0.01 * power);
  }
  const auto bad = [&](float value, const char* field) {
    std::vector<float> copy = tokens;
    copy[200] = value;
    CHECK_THROWS_PHY(quantiseTokens(copy, format, bits), field);
  };
  bad(std::numeric_limits<float>::quiet_NaN(), "tokens");
  bad(std::numeric_limits<float>::infinity(), "tokens");
  bad(1e12F, "token value");
  CHECK_THROWS_PHY(quantiseTokens(tokens, {4, 63, 6}, bits), "token values");
  CHECK_THROWS_PHY(quantiseTokens(tokens, {4, 64, 9}, bits), "bitsPerValue");
  CHECK_THROWS_PHY(quantiseTokens(tokens, {0, 64, 4}, bits), "tokens");
  CHECK_THROWS_PHY(dequantiseTokens(Bits(9), format, back), "token bits");
}

TEST_CASE(roundTrip, "digital: tokens come back as quantised, for any format and number of channel uses") {
  std::mt19937_64 rng(4);
  DigitalDecoder decoder;
  for (const Modulation m : kAll)
    for (const TokenFormat& t : {TokenFormat{1, 1, 2}, TokenFormat{16, 16, 4}, TokenFormat{5, 33, 3},
                                 TokenFormat{64, 256, 4}, TokenFormat{1, 1023, 8}, TokenFormat{40, 64, 8}})
      for (const int extra : {0, 1, 1000}) {
        const DigitalFormat format{t, m, leastChannelUses(t, m) + extra};
        const std::vector<float> tokens = gaussian(static_cast<std::size_t>(t.tokens) * t.dimension, rng);
        std::vector<Cf> symbols;
        encodeDigital(tokens, format, 77, symbols);
        CHECK_EQUAL(static_cast<int>(symbols.size()), format.channelUses);
        double power = 0;
        for (const Cf& s : symbols)
          power += std::norm(s) / static_cast<double>(symbols.size());
        if (symbols.size() > 500)
          CHECK_RANGE(power, 0.85, 1.15);
        const DigitalTokens got = decoder.decode(symbols, flat(symbols.size(), 1e-3), format, 77);
        CHECK(got.fault == DigitalFault::None && got.blocksLost == 0);
        if (got.blocksLost > 0)
          std::printf("  %d of %d blocks lost: [%d, %d] %d bits, %s, %d uses\n", got.blocksLost, got.blocks,
                      t.tokens, t.dimension, t.bitsPerValue, toString(m), format.channelUses);
        Bits bits;
        std::vector<float> expected;
        quantiseTokens(tokens, t, bits);
        dequantiseTokens(bits, t, expected);
        CHECK(got.tokens == expected);
        CHECK(std::count(got.erased.begin(), got.erased.end(), 0) == t.tokens);
      }
  const DigitalFormat tooSmall{
      {16, 16, 4}, Modulation::Qpsk, leastChannelUses({16, 16, 4}, Modulation::Qpsk) - 1};
  CHECK_THROWS_PHY(planDigital(tooSmall), "channelUses");
}

TEST_CASE(erasures, "digital: a lost block erases its tokens and no others") {
  std::mt19937_64 rng(5);
  const TokenFormat t{64, 256, 4}; // 66,136 bits: 8 blocks
  const DigitalFormat format{t, Modulation::Qpsk, 60000};
  const std::vector<float> tokens = gaussian(64 * 256, rng);
  std::vector<Cf> symbols;
  encodeDigital(tokens, format, 1, symbols);
  std::vector<float> variance = flat(symbols.size(), 0.2);
  addNoise(symbols, 0.2, rng);
  const DigitalPlan plan = planDigital(format);
  CHECK_EQUAL(plan.blocks.size(), std::size_t{8});
  const int begin = plan.blocks[0].bits / 2 + plan.blocks[1].bits / 2; // the third block is replaced by noise
  for (int i = begin; i < begin + plan.blocks[2].bits / 2; ++i)
    symbols[i] = 0;
  addNoise(symbols, 0.01, rng);
  DigitalDecoder decoder;
  const DigitalTokens got = decoder.decode(symbols, variance, format, 1);
  CHECK(got.fault == DigitalFault::None);
  CHECK_EQUAL(got.blocks, 8);
  CHECK_EQUAL(got.blocksLost, 1);
  const int share = plan.segmentation.blockPayload();
  for (int l = 0; l < 64; ++l) {
    const auto first = kDescriptorBits + l * t.bitsPerToken(), last = first + t.bitsPerToken() - 1;
    const bool hit = last >= 2 * share && first < 3 * share;
    CHECK_EQUAL(static_cast<int>(got.erased[l]), hit ? 1 : 0);
    double power = 0;
    for (int d = 0; d < 256; ++d)
      power += std::pow(got.tokens[l * 256 + d], 2) / 256;
    CHECK(hit ? power == 0 : power > 0.5);
  }
}

TEST_CASE(faults, "digital: wrong length, mixed blocks, silence and noise give typed outcomes") {
  std::mt19937_64 rng(6);
  DigitalDecoder decoder;
  std::vector<Cf> symbols, other;
  // The same number of bits, so that all parity holds.
  const DigitalFormat sent{{2, 8, 4}, Modulation::Qpsk, 120}, claimed{{2, 4, 8}, Modulation::Qpsk, 120};
  encodeDigital(gaussian(16, rng), sent, 3, symbols);
  const DigitalTokens wrong = decoder.decode(symbols, flat(120, 0.01), claimed, 3);
  CHECK(wrong.fault == DigitalFault::WrongLength && wrong.blocksLost == 0);
  CHECK(wrong.erased == std::vector<std::uint8_t>({1, 1}));
  CHECK(std::all_of(wrong.tokens.begin(), wrong.tokens.end(), [](float v) { return v == 0; }));
  CHECK(decoder.decode(symbols, flat(120, 0.01), sent, 4).blocksLost == 1); // another burst's scrambling

  // Two bursts' blocks, each good in itself.
  const DigitalFormat large{{30, 128, 4}, Modulation::Qpsk, 20000};
  encodeDigital(gaussian(30 * 128, rng), large, 3, symbols);
  encodeDigital(gaussian(30 * 128, rng), large, 3, other);
  const int first = planDigital(large).blocks[0].bits / 2;
  std::copy(other.begin() + first, other.end(), symbols.begin() + first);
  const DigitalTokens mixed = decoder.decode(symbols, flat(20000, 0.01), large, 3);
  CHECK(mixed.blocks == 2 && mixed.blocksLost == 0 && mixed.fault == DigitalFault::Inconsistent);
  CHECK(std::count(mixed.erased.begin(), mixed.erased.end(), 1) == 30);

  for (const double variance : {0.0, 1.0}) { // nothing at all, nothing but noise
    std::vector<Cf> silent(20000);
    addNoise(silent, variance, rng);
    const DigitalTokens none = decoder.decode(silent, flat(20000, 1), large, 3);
    CHECK(none.fault == DigitalFault::None && none.blocksLost == 2);
    CHECK(std::count(none.erased.begin(), none.erased.end(), 1) == 30);
  }
  CHECK_THROWS_PHY(decoder.decode(std::vector<Cf>(7), flat(7, 1), large, 3), "symbols");
}

TEST_CASE(noisy, "digital: QPSK at rate 1/2 gets through at 2 dB") {
  std::mt19937_64 rng(7);
  DigitalDecoder decoder;
  int lost = 0;
  for (int i = 0; i < 40; ++i) {
    const DigitalFormat format{{16, 30, 4}, Modulation::Qpsk, 2088}; // 24 + 16 (9 + 120) = 2088 bits
    std::vector<Cf> symbols;
    encodeDigital(gaussian(480, rng), format, i, symbols);
    const double variance = std::pow(10.0, -0.2);
    addNoise(symbols, variance, rng);
    lost += decoder.decode(symbols, flat(symbols.size(), variance), format, i).blocksLost;
  }
  CHECK_EQUAL(lost, 0);
}

TEST_CASE(strong, "digital: far above the threshold, where LLRs saturate, no block is lost") {
  std::mt19937_64 rng(8);
  DigitalDecoder decoder;
  int lost = 0;
  for (int i = 0; i < 60; ++i)
    for (const Modulation m : {Modulation::Qam16, Modulation::Qam256}) {
      const TokenFormat t{20, 40, 5}; // 4,204 bits with the descriptor
      const DigitalFormat format{t, m, 8448 / bitsPerSymbol(m)};
      std::vector<Cf> symbols;
      encodeDigital(gaussian(800, rng), format, i, symbols);
      const double variance = std::pow(10.0, -(m == Modulation::Qam16 ? 1.2 : 2.4));
      addNoise(symbols, variance, rng);
      lost += decoder.decode(symbols, flat(symbols.size(), variance), format, i).blocksLost;
    }
  CHECK_EQUAL(lost, 0);
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
