#pragma once

#include <cstdint>
#include <vector>

#include "otabench/phy/span.hpp"

/** Forward error correction of the digital transport. Bits lie one a byte, 0 or 1; blocks start with the bit
 * that the standard calls a_0. */
namespace otabench::phy::fec {

using Bits = std::vector<std::uint8_t>;

/** 3GPP TS 38.212, 5.1: generator polynomials. */
enum class Crc : std::uint8_t { Crc24A, Crc24B, Crc16 };

int crcLength(Crc crc);

/** Remainder of the bits, the first parity bit highest. All shifts start at zero. */
std::uint32_t crcOf(Crc crc, Span<const std::uint8_t> bits);

void appendCrc(Crc crc, Bits& bits);

/** Whether the last crcLength bits are the parity of those before. False for fewer bits than that. */
bool crcHolds(Crc crc, Span<const std::uint8_t> bits);

} // namespace otabench::phy::fec
