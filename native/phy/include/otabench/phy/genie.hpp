#pragma once

#include "otabench/phy/errors.hpp"
#include "otabench/phy/header.hpp"
#include "otabench/phy/receiver.hpp"
#include "otabench/phy/span.hpp"

namespace otabench::phy {

/**
 * SNR of a received burst whose tokens are known, since this bench sent them: mean Es/N0 over the data
 * carriers, dB.
 *
 * For every data carrier k the received symbols are fitted to the sent ones, r = a x + e; |a|^2 / var(e) is
 * free of whatever weight the equaliser gave the carrier. One over a sample variance with m - 1 degrees of
 * freedom is too large by (m - 1)/(m - 2) in the mean, and |a|^2 by var(e)/sum|x|^2; both are taken out.
 * With DFT spreading every symbol lies on all carriers: the fit is over the whole burst, and what comes out
 * is the SNR after despreading, below the carriers' mean where they differ. With PowerNormalisation::Token
 * the norms' errors count as noise. Where carriers have fewer than 4 symbols, neighbours are fitted together,
 * which is right as far as the channel is the same on them; bursts under about 16 symbols as a whole.
 *
 * @param sent      [tokens, dimension], row-major
 * @param received  the same shape, as the receiver gives it (the channel contract; any scale)
 * @param header    sequence, tokens, dimension, transport as sent
 * The interval counts the noise of every fit by its share of the mean.
 *
 * @return NaN when nothing can be said (too few symbols, no resemblance at all)
 * @throws PhyError when a size does not match the header
 */
SnrEstimate genieSnr(Span<const float> sent, Span<const float> received, const BurstHeader& header);

/** The value of genieSnr alone, dB. */
double genieSnrDb(Span<const float> sent, Span<const float> received, const BurstHeader& header);

} // namespace otabench::phy
