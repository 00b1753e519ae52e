#pragma once

#include <complex>
#include <cstdint>
#include <limits>
#include <optional>

#include "otabench/phy/header.hpp"
#include "otabench/phy/receiver.hpp"
#include "otabench/phy/span.hpp"

namespace otabench::phy {

/**
 * What of a burst's token error came from where. All are mean squared errors over the tokens' mean power.
 *
 * By substitution the error is a sum of one error per cause. Causes are correlated (a clipped training spoils
 * the channel estimate in the direction of the payload's distortion), so their powers need not add up: a part
 * is the power of its cause's error and half of every term that it has in common with another's (Shapley's
 * value of the game "power of the summed errors"). A part below zero says that its cause took away of the
 * others' error.
 */
struct ErrorBudget {
  double measured = 0; // what the tokens lost, in all
  /** Additive noise, with the shrinkage by which the best linear estimate answers it (1 / (1 + SNR)), and
   * with the norms' noise where they are sent. */
  double noise = 0;
  double nonlinearity = 0; // clipping, amplifier, converters: their noise, and the gain that they take
  double phase = 0;        // CFO and phase: error of the tracked common phase, and what turns within a symbol
  double channel = 0;      // channel and noise estimate against the best for the channel as it was
  double interference = 0; // other signals
  double unexplained = 0;  // measured minus all of the above; may be negative
  /** By substitution: sum of the causes' own powers. It differs from `measured` by their correlations. */
  double ownPowers = 0;
  double explained() const { return noise + nonlinearity + phase + channel + interference; }
};

/**
 * One stretch of received samples with a whole burst in it, in versions that differ in one cause each, of
 * equal length and the same first index. Optional ones may be empty.
 */
struct BudgetWindows {
  std::int64_t firstSample = 0;
  Span<const std::complex<float>> received;  // as captured
  Span<const std::complex<float>> noiseFree; // without noise and interferers
  /** Optional: noiseFree with everything linear (nothing clipped, ideal amplifier and converters). Without
   * it, what turns within a symbol is told from distortion by its smoothness over the symbol (6 of 104
   * dimensions: 6 % of the distortion are then counted as phase, 9 % of fast phase noise as distortion). */
  Span<const std::complex<float>> linear;
  /** Optional: received without interferers. Without it they count as noise. */
  Span<const std::complex<float>> quiet;
};

/**
 * By substitution, where the air can say what it did: the receiver's own estimates are replaced by the truth,
 * and each cause by its absence. `unexplained` is what the sum of the causes' errors misses of the
 * receiver's.
 *
 * @param sent    [tokens, dimension] as sent; the ideal waveform is rebuilt from it
 * @param header  user, sequence, tokens, dimension, transport as sent
 * @return nothing when the receiver does not receive the burst from `received`
 * @throws PhyError when sizes do not match
 */
std::optional<ErrorBudget> errorBudget(Span<const float> sent, const BurstHeader& header,
                                       const BudgetWindows& windows, const ReceiverConfig& config = {});

/**
 * On hardware, from what the bench knows: the tokens that it sent. Noise is what the training's noise lets
 * expect, nonlinearity what clip-and-filter did; phase is what one more phase per OFDM symbol, channel what
 * one more factor per carrier would have gained (needs 4 symbols a carrier and no DFT spreading, else 0).
 * Amplifier, converters, interference and noise that came after the training are `unexplained`.
 *
 * @param clipEvmDb  TransmitReport::clipEvmDb; NaN: none
 * @throws PhyError when the burst has no tokens or sizes do not match
 */
ErrorBudget errorBudget(Span<const float> sent, const ReceivedBurst& burst,
                        double clipEvmDb = std::numeric_limits<double>::quiet_NaN());

} // namespace otabench::phy
