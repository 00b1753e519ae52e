#include "otabench/phy/fec/ldpc.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "fec_check.hpp"
#include "fec_reference.hpp"

using namespace otabench::phy;
using namespace otabench::phy::fec;

namespace {

/** A segment of one block, its rate matching for QPSK and a coded random payload. */
struct OneBlock {
  Segmentation segmentation;
  RateMatching matching;
  Bits block, coded, matched;

  OneBlock(int payloadBits, int matchedBits, std::mt19937_64& rng, BaseGraph graph = BaseGraph::Two)
      : segmentation(segment(payloadBits, graph)), matching{segmentation.code, segmentation.fillerBits,
                                                            matchedBits, 2} {
    block = makeBlocks(segmentation, randomBits(payloadBits, rng)).at(0);
    ldpcEncode(segmentation.code, block, coded);
    rateMatch(matching, coded, matched);
    block.resize(segmentation.blockBits);
  }

  /** LLRs of the buffer [N] after QPSK over white noise. */
  std::vector<float> received(double esN0Db, std::mt19937_64& rng) const {
    std::normal_distribution<double> normal;
    const double variance = std::pow(10.0, -esN0Db / 10) / 2; // of I and of Q; amplitude sqrt(1/2)
    std::vector<float> llrs(matched.size()), buffer;
    for (std::size_t i = 0; i < llrs.size(); ++i) {
      const double y = (matched[i] != 0 ? -1 : 1) * std::sqrt(0.5) + std::sqrt(variance) * normal(rng);
      llrs[i] = static_cast<float>(2 * std::sqrt(0.5) * y / variance);
    }
    rateRecover(matching, llrs, buffer);
    return buffer;
  }
};

} // namespace

TEST_CASE(crcValues, "CRC: check values of the catalogue of parametrised CRC algorithms") {
  Bits bits;
  for (const char c : std::string("123456789"))
    for (int i = 7; i >= 0; --i)
      bits.push_back(static_cast<std::uint8_t>((c >> i) & 1));
  CHECK_EQUAL(crcOf(Crc::Crc24A, bits), 0xCDE703U);
  CHECK_EQUAL(crcOf(Crc::Crc24B, bits), 0x23EF52U);
  CHECK_EQUAL(crcOf(Crc::Crc16, bits), 0x31C3U);
}

TEST_CASE(crcLengths, "CRC: any length; one flipped bit shows") {
  std::mt19937_64 rng(1);
  for (const Crc crc : {Crc::Crc24A, Crc::Crc24B, Crc::Crc16})
    for (int length = 1; length < 40; ++length) {
      Bits bits = randomBits(length, rng);
      appendCrc(crc, bits);
      CHECK(crcHolds(crc, bits));
      bits[rng() % bits.size()] ^= 1U;
      CHECK(!crcHolds(crc, bits));
    }
  CHECK(!crcHolds(Crc::Crc24A, Bits(23, 0)));
}

TEST_CASE(shape, "LDPC: base graphs have the standard's shape") {
  CHECK_EQUAL(liftingSizes().size(), std::size_t{51});
  for (const auto& [graph, entries, degrees] :
       {std::tuple{BaseGraph::One, std::size_t{316}, std::vector<int>{19, 19, 19, 19, 3, 8, 9}},
        std::tuple{BaseGraph::Two, std::size_t{197}, std::vector<int>{8, 10, 8, 10, 4, 6, 6}}}) {
    const LdpcCode code{graph, 384};
    const std::vector<Circulant> all = circulants(code);
    CHECK_EQUAL(all.size(), entries);
    for (std::size_t row = 0; row < degrees.size(); ++row)
      CHECK_EQUAL(
          std::count_if(all.begin(), all.end(), [&](auto& c) { return c.row == static_cast<int>(row); }),
          degrees[row]);
    for (const Circulant& c : all)
      if (c.column >= code.infoColumns() + kCoreRows)
        CHECK(c.column == code.infoColumns() + c.row && c.shift == 0);
  }
  CHECK_THROWS_PHY((circulants({BaseGraph::One, 17})), "liftingSize");
}

TEST_CASE(encodes, "LDPC: every lifting size of both graphs encodes to words of the code") {
  std::mt19937_64 rng(2);
  for (const BaseGraph graph : {BaseGraph::One, BaseGraph::Two})
    for (const int z : liftingSizes()) {
      const LdpcCode code{graph, z};
      Bits word = randomBits(code.infoBits(), rng), coded;
      ldpcEncode(code, word, coded);
      CHECK_EQUAL(static_cast<int>(coded.size()), code.codedBits());
      CHECK(std::equal(word.begin() + 2 * z, word.end(), coded.begin()));
      word.resize(2 * z);
      word.insert(word.end(), coded.begin(), coded.end());
      CHECK_EQUAL(reference::failedChecks(code, word), 0);
      word[rng() % word.size()] ^= 1U;
      CHECK(reference::failedChecks(code, word) > 0);
    }
  Bits coded;
  CHECK_THROWS_PHY(ldpcEncode({BaseGraph::Two, 6}, Bits(59), coded), "info bits");
}

TEST_CASE(segments, "LDPC: segmentation as 38.212 has it") {
  CHECK(selectBaseGraph(292, 0.9) == BaseGraph::Two);
  CHECK(selectBaseGraph(293, 0.9) == BaseGraph::One);
  CHECK(selectBaseGraph(3824, 0.67) == BaseGraph::Two);
  CHECK(selectBaseGraph(3825, 0.67) == BaseGraph::One);
  CHECK(selectBaseGraph(50000, 0.25) == BaseGraph::Two);

  const Segmentation one = segment(2080, BaseGraph::Two); // 2096 bits in 10 columns
  CHECK_EQUAL(one.blockCount, 1);
  CHECK_EQUAL(one.code.liftingSize, 224);
  CHECK_EQUAL(one.fillerBits, 144);
  const Segmentation few = segment(40, BaseGraph::Two); // 56 bits in 6 columns of 10
  CHECK_EQUAL(few.code.liftingSize, 10);
  CHECK_EQUAL(few.fillerBits, 44);
  CHECK_EQUAL(segment(8424, BaseGraph::One).blockCount, 1);
  CHECK_EQUAL(segment(8425, BaseGraph::One).blockCount, 2);
  CHECK_EQUAL(segment(3816, BaseGraph::Two).blockCount, 1);
  CHECK_EQUAL(segment(3825, BaseGraph::Two).blockCount, 2); // 24 parity bits from 3825 on
  CHECK_THROWS_PHY(segment(0, BaseGraph::Two), "payloadBits");

  std::mt19937_64 rng(3);
  for (const int count : {8425, 16830, 30001}) {
    const Segmentation many = segment(count, BaseGraph::One);
    const Bits payload = randomBits(count, rng);
    Bits joined;
    for (const Bits& block : makeBlocks(many, payload)) {
      CHECK_EQUAL(static_cast<int>(block.size()), many.code.infoBits());
      CHECK(crcHolds(Crc::Crc24B, {block.data(), static_cast<std::size_t>(many.blockBits)}));
      joined.insert(joined.end(), block.begin(), block.begin() + many.blockPayload());
    }
    joined.resize(count + 24);
    CHECK(crcHolds(Crc::Crc24A, joined));
    CHECK(std::equal(payload.begin(), payload.end(), joined.begin()));
  }
}

TEST_CASE(shares, "LDPC: blocks share the channel uses") {
  for (const int uses : {7, 100, 1001})
    for (int blocks = 1; blocks <= 7; ++blocks) {
      int sum = 0;
      for (int b = 0; b < blocks; ++b) {
        const int bits = matchedBits(uses, 6, blocks, b);
        CHECK(bits % 6 == 0 && std::abs(bits / 6 - uses / blocks) <= 1);
        sum += bits;
      }
      CHECK_EQUAL(sum, 6 * uses);
    }
}

TEST_CASE(matches, "LDPC: rate matching for any number of bits, and back") {
  std::mt19937_64 rng(4);
  const Segmentation s = segment(200, BaseGraph::Two);
  Bits coded, matched;
  ldpcEncode(s.code, makeBlocks(s, randomBits(200, rng)).at(0), coded);
  const int sent = s.code.codedBits() - s.fillerBits;
  for (const int depth : {1, 2, 4, 6, 8})
    for (const int symbols : {1, 37, 150, sent / depth, sent / depth + 3, 3 * sent / depth}) {
      const RateMatching m{s.code, s.fillerBits, symbols * depth, depth};
      rateMatch(m, coded, matched);
      std::vector<float> llrs(matched.size()), back;
      for (std::size_t i = 0; i < llrs.size(); ++i)
        llrs[i] = matched[i] != 0 ? -1.0F : 1.0F;
      rateRecover(m, llrs, back);
      const int fillerEnd = s.code.infoBits() - 2 * s.code.liftingSize;
      int total = 0;
      for (int i = 0; i < s.code.codedBits(); ++i) {
        const int copies = static_cast<int>(std::fabs(back[i]));
        total += copies;
        CHECK(copies == 0 || (back[i] < 0) == (coded[i] != 0));
        if (i >= fillerEnd - s.fillerBits && i < fillerEnd)
          CHECK_EQUAL(copies, 0);
      }
      CHECK_EQUAL(total, m.bits);
    }
  // The interleaver: the first bits of the buffer are the first bit of every symbol.
  const RateMatching m{s.code, s.fillerBits, 40, 4};
  rateMatch(m, coded, matched);
  for (int i = 0; i < 10; ++i)
    CHECK_EQUAL(static_cast<int>(matched[4 * i]), static_cast<int>(coded[i]));
  CHECK_THROWS_PHY(rateMatch({s.code, s.fillerBits, 41, 4}, coded, matched), "matched bits");
  CHECK_THROWS_PHY(rateMatch({s.code, s.fillerBits, 40, 4}, Bits(3), matched), "coded bits");
}

TEST_CASE(rows, "LDPC: only the rows that the rate reaches") {
  const Segmentation s = segment(8424, BaseGraph::One);
  CHECK_EQUAL((RateMatching{s.code, 0, 16848, 2}.activeRows()), 24);
  CHECK_EQUAL((RateMatching{s.code, 0, 9000, 2}.activeRows()), 4);
  CHECK_EQUAL((RateMatching{s.code, 0, 60000, 2}.activeRows()), 46);
}

TEST_CASE(decodesAll,
          "LDPC: decodes every lifting size of both graphs on every instruction set, with the same bits") {
  std::mt19937_64 rng(5);
  std::vector<LdpcDecoder> decoders;
  for (const Isa isa : supportedIsas())
    decoders.emplace_back(kDefaultIterations, isa);
  for (const BaseGraph graph : {BaseGraph::One, BaseGraph::Two})
    for (const int z : liftingSizes()) {
      const LdpcCode code{graph, z};
      const int fillers = z > 8 ? static_cast<int>(rng() % (2 * z)) : 0;
      const int blockBits = code.infoBits() - fillers;
      Bits block = randomBits(blockBits - 16, rng), coded, matched;
      appendCrc(Crc::Crc16, block);
      Bits info = block;
      info.resize(code.infoBits(), 0);
      ldpcEncode(code, info, coded);
      const RateMatching m{code, fillers, 2 * (blockBits + 8), 2}; // rate 1/2
      rateMatch(m, coded, matched);
      std::normal_distribution<float> noise(2.5F, 2.2F); // QPSK at about 1 dB: neither sure nor hopeless
      std::vector<float> llrs(matched.size()), buffer;
      for (std::size_t i = 0; i < llrs.size(); ++i)
        llrs[i] = (matched[i] != 0 ? -1.0F : 1.0F) * noise(rng);
      rateRecover(m, llrs, buffer);
      Bits first, bits;
      const LdpcDecoder::Result expected = decoders[0].decode(m, buffer, Crc::Crc16, first);
      if (expected.ok && z > 8)
        CHECK(first == block);
      for (LdpcDecoder& decoder : decoders) {
        const LdpcDecoder::Result result = decoder.decode(m, buffer, Crc::Crc16, bits);
        CHECK(result.ok == expected.ok && result.iterations == expected.iterations && bits == first);
      }
      // Without noise nothing may fail.
      for (std::size_t i = 0; i < llrs.size(); ++i)
        llrs[i] = matched[i] != 0 ? -6.0F : 6.0F;
      rateRecover(m, llrs, buffer);
      for (LdpcDecoder& decoder : decoders) {
        CHECK(decoder.decode(m, buffer, Crc::Crc16, bits).ok);
        CHECK(bits == block);
      }
    }
}

TEST_CASE(nearBp, "LDPC: decodes what belief propagation in double precision does, for little more SNR") {
  std::mt19937_64 rng(6);
  LdpcDecoder decoder;
  for (const auto& [payload, matched, graph, esN0Db, marginDb] :
       {std::tuple{400, 840, BaseGraph::Two, 1.3, 0.25}, std::tuple{300, 1500, BaseGraph::Two, -3.9, 0.5},
        std::tuple{420, 560, BaseGraph::One, 4.6, 0.15}}) {
    int ours = 0, theirs = 0, both = 0;
    constexpr int kBlocks = 120;
    for (int b = 0; b < kBlocks; ++b) {
      const OneBlock sent(payload, matched, rng, graph);
      std::mt19937_64 sameNoise = rng;
      const std::vector<float> buffer = sent.received(esN0Db, rng);
      Bits bits;
      const bool ok =
          decoder.decode(sent.matching, sent.received(esN0Db + marginDb, sameNoise), Crc::Crc16, bits).ok;
      if (ok)
        CHECK(bits == sent.block);
      const LdpcCode& code = sent.segmentation.code;
      std::vector<std::vector<int>> checks = reference::parityChecks(code);
      checks.resize(static_cast<std::size_t>(sent.matching.activeRows()) * code.liftingSize);
      std::vector<double> llrs(static_cast<std::size_t>(code.columns()) * code.liftingSize, 0.0);
      std::copy(buffer.begin(), buffer.end(), llrs.begin() + 2 * code.liftingSize);
      std::fill(llrs.begin() + sent.segmentation.blockBits, llrs.begin() + code.infoBits(), 100.0);
      Bits word = reference::beliefPropagation(checks, llrs, 50);
      word.resize(std::min(word.size(), sent.block.size()));
      const bool reference = word == sent.block;
      ours += ok;
      theirs += reference;
      both += ok && reference;
    }
    std::printf("  %d bits in %d at %.1f dB: belief propagation decodes %d, this %d with %.2f dB more, both "
                "%d of %d\n",
                payload, matched, esN0Db, theirs, ours, marginDb, both, kBlocks);
    CHECK(theirs > kBlocks / 2 && theirs < kBlocks);
    CHECK(ours >= theirs);
  }
}

TEST_CASE(hopeless, "LDPC: noise alone, erasures and infinite certainty end without a false block") {
  std::mt19937_64 rng(7);
  std::normal_distribution<float> normal;
  LdpcDecoder decoder;
  const OneBlock sent(1000, 2000, rng);
  Bits bits;
  for (int i = 0; i < 50; ++i) {
    std::vector<float> noise(sent.segmentation.code.codedBits());
    for (float& v : noise)
      v = 3 * normal(rng);
    const LdpcDecoder::Result result = decoder.decode(sent.matching, noise, Crc::Crc16, bits);
    CHECK(!result.ok && result.iterations == kDefaultIterations);
  }
  std::vector<float> sure = sent.received(30, rng);
  for (float& v : sure)
    v *= 1e30F;
  CHECK(decoder.decode(sent.matching, sure, Crc::Crc16, bits).ok);
  CHECK(bits == sent.block);
  CHECK_THROWS_PHY(decoder.decode(sent.matching, std::vector<float>(5), Crc::Crc16, bits), "LLRs");
  CHECK_THROWS_PHY(LdpcDecoder(0), "maxIterations");
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
