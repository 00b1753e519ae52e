#include "otabench/phy/header.hpp"

#include <cmath>
#include <string>

#include "otabench/phy/errors.hpp"
#include "otabench/phy/fec/digital.hpp"

namespace otabench::phy {

namespace {

constexpr double kScaleStep = 0.002;
constexpr int kScaleCodes = 1 << kScaleBits;
constexpr int kLengthBits = 11; // of a digital payload; the rest of the scale's bits say bits per value

void requireRange(const char* field, int value, int low, int high) {
  if (value < low || value > high)
    throw PhyError(field, std::to_string(value), std::to_string(low) + ".." + std::to_string(high));
}

/** CRC-16/CCITT-FALSE: x^16 + x^12 + x^5 + 1, start 0xFFFF, over bits. */
std::uint16_t crc16(const std::uint8_t* bits, int count) {
  unsigned crc = 0xFFFF;
  for (int i = 0; i < count; ++i) {
    const unsigned feedback = ((crc >> 15) ^ bits[i]) & 1U;
    crc = (crc << 1) & 0xFFFFU;
    if (feedback != 0)
      crc ^= 0x1021U;
  }
  return static_cast<std::uint16_t>(crc);
}

struct Writer {
  HeaderBits& bits;
  int at = 0;
  void put(std::uint32_t value, int width) {
    for (int i = width - 1; i >= 0; --i)
      bits[at++] = static_cast<std::uint8_t>((value >> i) & 1U);
  }
};

struct Reader {
  const HeaderBits& bits;
  int at = 0;
  std::uint32_t take(int width) {
    std::uint32_t value = 0;
    for (int i = 0; i < width; ++i)
      value = (value << 1) | bits[at++];
    return value;
  }
};

void requireDigital(const BurstHeader& header) {
  const DigitalOptions& d = header.digital;
  requireRange("digital.bitsPerValue", d.bitsPerValue, fec::kMinBitsPerValue, fec::kMaxBitsPerValue);
  requireRange("digital.modulation", static_cast<int>(d.modulation), 0, fec::kModulations - 1);
  requireRange("digital.payloadOfdmSymbols", d.payloadOfdmSymbols, 1, kMaxPayloadOfdmSymbols);
  const int least = fec::leastChannelUses({header.tokens, header.dimension, d.bitsPerValue}, d.modulation);
  if (tokenSymbolCount(header) < least)
    throw PhyError("digital.payloadOfdmSymbols", std::to_string(d.payloadOfdmSymbols),
                   "at least " + std::to_string((least + kDataCarriers - 1) / kDataCarriers) +
                       " for these tokens with " + toString(d.modulation));
  if (header.transport.normalisation != PowerNormalisation::Burst)
    throw PhyError("transport.normalisation", "token",
                   "burst with digital mapping (tokens have their own steps)");
  if (!header.transport.phaseScramble)
    throw PhyError("transport.phaseScramble", "false", "true with digital mapping");
}

} // namespace

const char* toString(Mapping mapping) {
  return mapping == Mapping::Digital ? "digital" : "analog";
}

std::uint32_t encodeScale(double scale) {
  const double code =
      std::isfinite(scale) && scale > 0 ? std::round(std::log(scale) / kScaleStep) + kScaleCodes / 2 : -1;
  if (!(code >= 0 && code < kScaleCodes))
    throw PhyError("scale", std::to_string(scale), "7.7e-8..1.3e7 (rms of the tokens' complex symbols)");
  return static_cast<std::uint32_t>(code);
}

double decodeScale(std::uint32_t code) {
  return std::exp((static_cast<double>(code) - kScaleCodes / 2) * kScaleStep);
}

HeaderBits packHeader(const BurstHeader& header) {
  requireRange("user", header.user, 0, kMaxUser);
  requireRange("sequence", header.sequence, 0, kMaxSequence);
  requireRange("tokens", header.tokens, 1, kMaxTokens);
  requireRange("dimension", header.dimension, 1, kMaxDimension);
  requireRange("mapping", static_cast<int>(header.mapping), 0, 1);
  const bool digital = header.mapping == Mapping::Digital;
  if (digital)
    requireDigital(header);
  HeaderBits bits{};
  Writer w{bits};
  w.put(static_cast<std::uint32_t>(header.user), 4);
  w.put(static_cast<std::uint32_t>(header.sequence), 12);
  w.put(static_cast<std::uint32_t>(header.tokens), 10);
  w.put(static_cast<std::uint32_t>(header.dimension), 10);
  const TransportOptions& t = header.transport;
  w.put(static_cast<std::uint32_t>(header.mapping), 1);
  const DigitalOptions& d = header.digital;
  const auto modulation = static_cast<std::uint32_t>(d.modulation);
  w.put(digital ? modulation >> 1 : t.normalisation == PowerNormalisation::Token ? 1 : 0, 1);
  w.put(t.dftSpreading ? 1 : 0, 1);
  if (digital) {
    w.put(static_cast<std::uint32_t>(d.bitsPerValue - fec::kMinBitsPerValue), kScaleBits - kLengthBits);
    w.put(static_cast<std::uint32_t>(d.payloadOfdmSymbols - 1), kLengthBits);
  } else {
    w.put(encodeScale(header.scale), kScaleBits);
  }
  w.put(t.permutation ? 0 : 1, 1);
  w.put(digital ? modulation & 1U : t.phaseScramble ? 0 : 1, 1);
  w.put(t.clipped ? 1 : 0, 1);
  w.put(crc16(bits.data(), kHeaderInfoBits), kHeaderCrcBits);
  return bits;
}

std::optional<BurstHeader> unpackHeader(const HeaderBits& bits) {
  Reader r{bits};
  BurstHeader header;
  header.user = static_cast<int>(r.take(4));
  header.sequence = static_cast<int>(r.take(12));
  header.tokens = static_cast<int>(r.take(10));
  header.dimension = static_cast<int>(r.take(10));
  header.mapping = static_cast<Mapping>(r.take(1));
  TransportOptions& t = header.transport;
  const bool tokenPower = r.take(1) != 0;
  t.dftSpreading = r.take(1) != 0;
  const std::uint32_t scale = r.take(kScaleBits);
  t.permutation = r.take(1) == 0;
  const bool noScramble = r.take(1) != 0;
  if (header.mapping == Mapping::Digital) {
    DigitalOptions& d = header.digital;
    d.modulation = static_cast<fec::Modulation>((tokenPower ? 2 : 0) + (noScramble ? 1 : 0));
    d.bitsPerValue = static_cast<int>(scale >> kLengthBits) + fec::kMinBitsPerValue;
    d.payloadOfdmSymbols = static_cast<int>(scale & ((1U << kLengthBits) - 1)) + 1;
  } else {
    t.normalisation = tokenPower ? PowerNormalisation::Token : PowerNormalisation::Burst;
    t.phaseScramble = !noScramble;
    header.scale = decodeScale(scale);
  }
  t.clipped = r.take(1) != 0;
  if (r.take(kHeaderCrcBits) != crc16(bits.data(), kHeaderInfoBits))
    return std::nullopt;
  return header;
}

const char* headerFault(const BurstHeader& header, int maxPayloadOfdmSymbols) {
  if (header.tokens < 1)
    return "tokens is 0";
  if (header.dimension < 1)
    return "dimension is 0";
  if (header.mapping == Mapping::Digital) {
    const DigitalOptions& d = header.digital;
    if (d.bitsPerValue > fec::kMaxBitsPerValue)
      return "bits per value are more than allowed";
    if (fec::leastChannelUses({header.tokens, header.dimension, d.bitsPerValue}, d.modulation) >
        tokenSymbolCount(header))
      return "tokens do not fit into the payload";
  }
  if (payloadOfdmSymbolCount(header) > maxPayloadOfdmSymbols)
    return "payload is longer than allowed";
  return nullptr;
}

} // namespace otabench::phy
