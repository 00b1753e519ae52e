#pragma once

#include <array>
#include <optional>
#include <vector>

#include "otabench/phy/fec/digital.hpp"

/** Link adaptation: measured SNR to the format that carries most. SNR is Es/N0; no DFT spreading. */
namespace otabench::phy::fec {

/** Where the receiver, with everything estimated, loses one burst in a hundred: 2,080 bits, AWGN. */
struct McsThreshold {
  Modulation modulation;
  double codeRate;
  double snrDb;
  double gapDb; // above the normal approximation for as many channel uses
};

/** Measured (bench_fec --table): modulations ascending, rates ascending within each. */
const std::vector<McsThreshold>& mcsThresholds();

/**
 * SNR of a flat channel for the packet error rate `per` (a packet is lost with any of its blocks): the normal
 * approximation of a block and the gap measured at that modulation, linear between code rates. Not below -5
 * dB, where headers get lost.
 * @throws PhyError as planDigital, or per out of 0..1 (both excluded)
 */
double requiredSnrDb(const DigitalFormat& format, double per);

struct AdaptedFormat {
  DigitalFormat format;
  double effectiveSnrDb = 0; // of the carriers, for its modulation
  double requiredSnrDb = 0;
};

/** What is left to choose. */
struct FormatLimits {
  int minBitsPerValue = kMinBitsPerValue;
  int maxBitsPerValue = kMaxBitsPerValue;
  std::optional<Modulation> modulation; // none: any
};

/** Effective SNR of each modulation, dB (capacity.hpp). @throws PhyError for no carriers or NaN among them */
std::array<double, kModulations> effectiveSnrsDb(Span<const float> carrierSnrDb);

/**
 * The format with the most bits per value whose requirement the carriers meet; among modulations the one with
 * the largest margin. Nothing when even the fewest bits need more SNR or more channel uses.
 * @param effectiveDb  of each modulation, of an earlier burst over the same channel
 * @param marginDb     that is kept, for a channel that may have changed
 * @throws PhyError for counts, limits or per out of range
 */
std::optional<AdaptedFormat> adaptFormat(int tokens, int dimension, int channelUses,
                                         const std::array<double, kModulations>& effectiveDb, double per,
                                         double marginDb = 0, const FormatLimits& limits = {});

/** The same from the carriers' SNR, as ReceivedBurst::carrierSnrDb has it. */
std::optional<AdaptedFormat> adaptFormat(int tokens, int dimension, int channelUses,
                                         Span<const float> carrierSnrDb, double per, double marginDb = 0);

/** What is left where nothing reaches the PER: of the formats with the fewest bits per value that fit, the
 * one with the largest margin (below 0). Nothing where none fits. @throws PhyError as adaptFormat */
std::optional<AdaptedFormat> mostRobustFormat(int tokens, int dimension, int channelUses,
                                              const std::array<double, kModulations>& effectiveDb, double per,
                                              const FormatLimits& limits = {});

} // namespace otabench::phy::fec
