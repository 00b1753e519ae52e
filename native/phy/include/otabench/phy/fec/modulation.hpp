#pragma once

#include <complex>
#include <cstdint>
#include <vector>

#include "otabench/phy/errors.hpp"
#include "otabench/phy/fec/crc.hpp"
#include "otabench/phy/span.hpp"

/** QAM with Gray labels: 3GPP TS 38.211, 5.1.3 to 5.1.6. */
namespace otabench::phy::fec {

enum class Modulation : std::uint8_t { Qpsk, Qam16, Qam64, Qam256 };
inline constexpr int kModulations = 4;

const char* toString(Modulation modulation);
/** Q_m: 2, 4, 6, 8. */
constexpr int bitsPerSymbol(Modulation modulation) {
  return 2 * (static_cast<int>(modulation) + 1);
}

/** Amplitudes of one axis at unit mean symbol power, indexed by the axis' bits, the first (sign) highest. The
 * symbol's even bits are I, its odd ones Q. */
const std::vector<float>& axisAmplitudes(Modulation modulation);

/** Bits [n Q_m] to symbols [n] of unit mean power. @throws PhyError for a count that is no multiple of Q_m */
void modulate(Modulation modulation, Span<const std::uint8_t> bits,
              std::vector<std::complex<float>>& symbols);

/**
 * LLRs ln P(0)/P(1), exact within 1e-4 up to +-80 and no further (QPSK: exact).
 * @param symbols   y = x + n [n], finite (equalised and unbiased: what LMMSE shrank is scaled back)
 * @param variance  of each symbol's complex noise [n], > 0
 * @param llrs      [n Q_m], the order of `modulate`'s bits
 * @throws PhyError for counts that do not match
 */
void demap(Modulation modulation, Span<const std::complex<float>> symbols, Span<const float> variance,
           std::vector<float>& llrs);

} // namespace otabench::phy::fec
