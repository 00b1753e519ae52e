#include "otabench/phy/fec/crc.hpp"

#include <array>
#include <cstring>

namespace otabench::phy::fec {

namespace {

struct Polynomial {
  int length;
  std::uint32_t taps; // without the highest power
};

constexpr Polynomial kPolynomials[] = {{24, 0x864CFB}, {24, 0x800063}, {16, 0x1021}};

using Table = std::array<std::uint32_t, 256>;

/** Registers are kept at the top of 32 bits, whatever the length. */
constexpr Table makeTable(Polynomial p) {
  Table table{};
  const std::uint32_t taps = p.taps << (32 - p.length);
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte << 24;
    for (int bit = 0; bit < 8; ++bit)
      value = (value << 1) ^ ((value >> 31) != 0 ? taps : 0);
    table[byte] = value;
  }
  return table;
}

constexpr Table kTables[] = {makeTable(kPolynomials[0]), makeTable(kPolynomials[1]),
                             makeTable(kPolynomials[2])};

/** Eight bytes of 0 or 1 to one byte, the first bit highest: each lands at its place, none carries. */
std::uint32_t packed(const std::uint8_t* bits) {
  std::uint64_t eight = 0;
  for (int i = 0; i < 8; ++i)
    eight |= static_cast<std::uint64_t>(bits[i]) << (8 * i);
  return static_cast<std::uint32_t>((eight * 0x8040201008040201ULL) >> 56);
}

} // namespace

int crcLength(Crc crc) {
  return kPolynomials[static_cast<int>(crc)].length;
}

std::uint32_t crcOf(Crc crc, Span<const std::uint8_t> bits) {
  const Polynomial p = kPolynomials[static_cast<int>(crc)];
  const Table& table = kTables[static_cast<int>(crc)];
  std::uint32_t value = 0;
  std::size_t i = 0;
  for (; i + 8 <= bits.size(); i += 8)
    value = (value << 8) ^ table[(value >> 24) ^ packed(bits.data + i)];
  for (; i < bits.size(); ++i)
    value = (value << 1) ^ (((value >> 31) ^ bits[i]) != 0 ? p.taps << (32 - p.length) : 0);
  return value >> (32 - p.length);
}

void appendCrc(Crc crc, Bits& bits) {
  const std::uint32_t value = crcOf(crc, bits);
  for (int i = crcLength(crc) - 1; i >= 0; --i)
    bits.push_back(static_cast<std::uint8_t>((value >> i) & 1U));
}

bool crcHolds(Crc crc, Span<const std::uint8_t> bits) {
  return bits.size() >= static_cast<std::size_t>(crcLength(crc)) && crcOf(crc, bits) == 0;
}

} // namespace otabench::phy::fec
