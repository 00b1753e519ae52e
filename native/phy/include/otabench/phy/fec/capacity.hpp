#pragma once

#include "otabench/phy/fec/modulation.hpp"
#include "otabench/phy/span.hpp"

/** What a constellation can carry over white Gaussian noise; SNR is Es/N0. */
namespace otabench::phy::fec {

/** Of one channel use with equally likely symbols. */
struct Information {
  double capacity = 0;   // bit: mutual information of symbol and channel output
  double dispersion = 0; // bit^2: variance of the information density
  double bitwise = 0;    // bit: the same when a decoder sees each bit's LLR alone (BICM, Gray labels)
};

/** Between -30 and 60 dB, beyond as there, NaN for NaN; from a table in steps of 0.5 dB, within 1e-3. */
Information informationAt(Modulation modulation, double snrDb);

/**
 * SNR at which the best code of `channelUses` symbols carries `bits` with the packet error rate `per`:
 * bits = n C - sqrt(n V) Q^-1(per) + log2(n) / 2 (Polyanskiy, Poor, Verdu, IEEE Trans. IT 56(5), 2010).
 * @throws PhyError for a rate that the constellation does not carry, or per out of 0..1 (both excluded)
 */
double normalApproximationSnrDb(Modulation modulation, double bits, double channelUses, double per);

/**
 * The SNR of a flat channel with the mean bitwise information of these (MIESM).
 * @throws PhyError for none or NaN
 */
double effectiveSnrDb(Modulation modulation, Span<const float> snrDb);

} // namespace otabench::phy::fec
