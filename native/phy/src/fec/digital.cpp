#include "otabench/phy/fec/digital.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "../random.hpp"
#include "check_count.hpp"

namespace otabench::phy::fec {

namespace {

constexpr int kFieldBits = 10;

int payloadBits(const TokenFormat& tokens) {
  return kDescriptorBits + static_cast<int>(tokens.bits());
}

std::uint32_t descriptorOf(const TokenFormat& t) {
  return static_cast<std::uint32_t>(
      ((t.tokens << kFieldBits | t.dimension) << 3 | (t.bitsPerValue - kMinBitsPerValue)) << 1);
}

/** Whiten what is sent, so that no content makes a tone or an all-zero block. */
void scramblingBits(std::uint64_t seed, std::size_t count, Bits& bits) {
  bits.resize(count);
  for (std::size_t i = 0; i < count; i += 64) {
    const std::uint64_t word = splitMix64(splitMix64(seed) + i / 64);
    for (std::size_t b = i; b < std::min(i + 64, count); ++b)
      bits[b] = static_cast<std::uint8_t>((word >> (b - i)) & 1U);
  }
}

} // namespace

const char* toString(DigitalFault fault) {
  return fault == DigitalFault::WrongLength    ? "wrong length"
         : fault == DigitalFault::Inconsistent ? "inconsistent"
                                               : "none";
}

int leastChannelUses(const TokenFormat& tokens, Modulation modulation) {
  checkFormat(tokens);
  const int payload = payloadBits(tokens);
  const Segmentation s = segment(payload, selectBaseGraph(payload, kMaxCodeRate));
  // Blocks share the symbols, and each must have enough.
  const double perBlock = std::ceil(s.blockBits / (kMaxCodeRate * bitsPerSymbol(modulation)));
  return s.blockCount * static_cast<int>(perBlock);
}

DigitalPlan planDigital(const DigitalFormat& format) {
  const int least = leastChannelUses(format.tokens, format.modulation);
  if (format.channelUses < least)
    throw PhyError("channelUses", std::to_string(format.channelUses),
                   "at least " + std::to_string(least) + " for these tokens with " +
                       toString(format.modulation));
  const int depth = bitsPerSymbol(format.modulation), payload = payloadBits(format.tokens);
  DigitalPlan plan;
  plan.codeRate = payload / (static_cast<double>(format.channelUses) * depth);
  plan.segmentation = segment(payload, selectBaseGraph(payload, plan.codeRate));
  const Segmentation& s = plan.segmentation;
  for (int b = 0; b < s.blockCount; ++b)
    plan.blocks.push_back(
        {s.code, s.fillerBits, matchedBits(format.channelUses, depth, s.blockCount, b), depth});
  return plan;
}

void encodeDigital(Span<const float> tokens, const DigitalFormat& format, std::uint64_t seed,
                   std::vector<std::complex<float>>& symbols) {
  const DigitalPlan plan = planDigital(format);
  Bits numbers, payload, coded, matched, all;
  quantiseTokens(tokens, format.tokens, numbers);
  const std::uint32_t descriptor = descriptorOf(format.tokens);
  for (int b = kDescriptorBits - 1; b >= 0; --b)
    payload.push_back(static_cast<std::uint8_t>((descriptor >> b) & 1U));
  payload.insert(payload.end(), numbers.begin(), numbers.end());

  const std::vector<Bits> blocks = makeBlocks(plan.segmentation, payload);
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    ldpcEncode(plan.segmentation.code, blocks[b], coded);
    rateMatch(plan.blocks[b], coded, matched);
    all.insert(all.end(), matched.begin(), matched.end());
  }
  Bits scrambling;
  scramblingBits(seed, all.size(), scrambling);
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] ^= scrambling[i];
  modulate(format.modulation, all, symbols);
}

DigitalDecoder::DigitalDecoder(int maxIterations, Isa isa) : ldpc_(maxIterations, isa) {}

DigitalTokens DigitalDecoder::decode(Span<const std::complex<float>> symbols, Span<const float> variance,
                                     const DigitalFormat& format, std::uint64_t seed) {
  const DigitalPlan plan = planDigital(format);
  checkCount("symbols", symbols.size(), static_cast<std::size_t>(format.channelUses));
  demap(format.modulation, symbols, variance, llrs_);
  scramblingBits(seed, llrs_.size(), scrambling_);
  for (std::size_t i = 0; i < llrs_.size(); ++i)
    llrs_[i] = scrambling_[i] != 0 ? -llrs_[i] : llrs_[i];

  const Segmentation& s = plan.segmentation;
  DigitalTokens result;
  result.blocks = s.blockCount;
  payload_.clear();
  std::vector<std::uint8_t> lost(s.blockCount, 0);
  const float* next = llrs_.data();
  for (int b = 0; b < s.blockCount; ++b) {
    const RateMatching& matching = plan.blocks[b];
    rateRecover(matching, {next, static_cast<std::size_t>(matching.bits)}, buffer_);
    next += matching.bits;
    const LdpcDecoder::Result decoded = ldpc_.decode(matching, buffer_, plan.blockCrc(), block_);
    result.iterations += decoded.iterations;
    lost[b] = decoded.ok ? 0 : 1;
    result.blocksLost += lost[b];
    payload_.insert(payload_.end(), block_.begin(), block_.begin() + s.blockPayload());
  }

  std::uint32_t descriptor = 0;
  for (int b = 0; b < kDescriptorBits; ++b)
    descriptor = 2 * descriptor + payload_[b];
  const auto transportBits = static_cast<std::size_t>(s.payloadBits + crcLength(s.transportCrc));
  if (lost[0] == 0 && descriptor != descriptorOf(format.tokens))
    result.fault = DigitalFault::WrongLength;
  else if (result.blocksLost == 0 && !crcHolds(s.transportCrc, {payload_.data(), transportBits}))
    result.fault = DigitalFault::Inconsistent;

  const TokenFormat& t = format.tokens;
  dequantiseTokens({payload_.data() + kDescriptorBits, static_cast<std::size_t>(t.bits())}, t, result.tokens);
  result.erased.assign(t.tokens, result.fault == DigitalFault::None ? 0 : 1);
  for (int l = 0; l < t.tokens; ++l) {
    const std::int64_t first = kDescriptorBits + l * t.bitsPerToken(), last = first + t.bitsPerToken() - 1;
    for (std::int64_t b = first / s.blockPayload(); b <= last / s.blockPayload(); ++b)
      result.erased[l] |= lost[b];
    if (result.erased[l] != 0)
      std::fill_n(result.tokens.begin() + static_cast<std::ptrdiff_t>(l) * t.dimension, t.dimension, 0.0F);
  }
  return result;
}

} // namespace otabench::phy::fec
