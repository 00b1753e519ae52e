#pragma once

#include <random>

#include "check.hpp"
#include "otabench/phy/errors.hpp"
#include "otabench/phy/fec/crc.hpp"

/** The call must throw PhyError about `field`, in one line. */
#define CHECK_THROWS_PHY(call, expected)                                                                     \
  do {                                                                                                       \
    try {                                                                                                    \
      (void)(call);                                                                                          \
      check::fail(__FILE__, __LINE__, #call " throws nothing");                                              \
    } catch (const otabench::phy::PhyError& e) {                                                             \
      if (e.field().find(expected) == std::string::npos || std::string(e.what()).find('\n') < 1000)          \
        check::fail(__FILE__, __LINE__, std::string(#call " throws: ") + e.what());                          \
    }                                                                                                        \
  } while (false)

inline otabench::phy::fec::Bits randomBits(std::size_t count, std::mt19937_64& rng) {
  otabench::phy::fec::Bits bits(count);
  for (std::uint8_t& b : bits)
    b = static_cast<std::uint8_t>(rng() & 1U);
  return bits;
}
