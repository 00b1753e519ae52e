#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "otabench/phy/errors.hpp"
#include "otabench/phy/header.hpp"
#include "otabench/phy/numerology.hpp"

/**
 * FDMA: several users at once in one capture, each in its own sub-band (docs/fdma.md).
 *
 * A user's burst is the burst of the full band at a lower sample rate: 52 loaded carriers of 64, all of them
 * narrower by the sub-band's share. Widths are counted in grid carriers, the 78.125 kHz of the full band; a
 * user of K grid carriers has carriers K/53 as wide and bursts 53/K as long.
 */
namespace otabench::phy {

/** Bins of the capture's transform: centres and sizes of sub-bands are multiples of sampleRate / 2048. */
inline constexpr int kGridBins = 2048;
inline constexpr int kBinsPerGridCarrier = kGridBins / kCarriers;
/** Grid carriers that a full-band burst occupies, DC included: -26..26. */
inline constexpr int kGridCarriers = 2 * kHighestCarrier + 1;
/** Sizes are multiples of this: 8/2048 of the sample rate, 0.207 grid carriers of occupied band. */
inline constexpr int kSubbandSizeStep = 8;
/** Above this (13.25 grid carriers) a size must have no prime factor above 13, or its transform would cost
 * more than everything else together: steps of 0.5 to 6 %. */
inline constexpr int kFineSubbandSize = 512;
/** Smallest sub-band: 3.93 grid carriers, 307 kHz at 5 MS/s. Below it phase noise turns within a symbol. */
inline constexpr int kSmallestSubband = 152;
/** Empty bins between neighbours: at least one grid carrier; two unless said otherwise. */
inline constexpr int kLeastGuardBins = kBinsPerGridCarrier;
inline constexpr int kDefaultGuardBins = 2 * kBinsPerGridCarrier;

/** Where a user is in the capture. The default is the full band. */
struct Subband {
  int centerBin = 0;    // of kGridBins, from the capture's centre frequency
  int size = kGridBins; // the user's sample rate over the capture's, in 2048ths
  /** Bins on either side that no other user may occupy: room for the filters' transition. */
  int guardBins = kDefaultGuardBins;

  double rateRatio() const { return static_cast<double>(size) / kGridBins; }
  /** Occupied band: 53 of the user's 64 carriers, in bins. */
  double halfWidthBins() const { return 0.5 * kGridCarriers * size / kCarriers; }
  double widthCarriers() const { return 2 * halfWidthBins() / kBinsPerGridCarrier; }
  bool full() const { return size == kGridBins; }
  bool operator==(const Subband& other) const {
    return centerBin == other.centerBin && size == other.size && guardBins == other.guardBins;
  }
};

/** Whether a sub-band may have this size. */
bool isSubbandSize(int size);
/** The largest size whose occupied band is no wider than so many grid carriers; 0 when there is none. */
int subbandSizeFor(double widthCarriers);

/** `count` grid carriers from `first` (-26..26) on, DC counted. All 53 of them are the full band.
 * @throws PhyError when they are not all within -26..26 or fewer than 4 */
Subband subbandOfCarriers(int first, int count, int guardBins = kDefaultGuardBins);

/** Offset of carrier `carrier` (-32..31) of the sub-band's own burst from the capture's centre, Hz. */
constexpr double carrierOffsetHz(const Subband& band, int carrier, double sampleRateHz) {
  return (band.centerBin + static_cast<double>(carrier) * band.size / kCarriers) * sampleRateHz / kGridBins;
}

/** One user of a shared capture. */
struct SubbandUser {
  int user = 0; // 0..15, as its bursts' headers say
  Subband band;
  /** The user's carrier minus the base station's by its last sounding, Hz. The user takes it out before it
   * sends; its sample clock keeps the offset, which the receiver must know. */
  std::optional<double> soundedCfoHz;
  bool operator==(const SubbandUser& other) const {
    return user == other.user && band == other.band && soundedCfoHz == other.soundedCfoHz;
  }
};

enum class SubbandFault : std::uint8_t {
  NoUsers,
  BadUser,       // number out of range
  DuplicateUser, // one user twice
  BadSize,       // below the minimum, above the full band or not one of the sizes (isSubbandSize)
  BadGuard,
  OutOfBand, // reaches beyond grid carriers -26..26
  Overlap,   // two users in one sub-band
  NoGuard,   // neighbours closer than the guard of one of them
  NoSounding
};
const char* toString(SubbandFault fault);

/** A partition that cannot be used. `what()` is one line: field, value, what is allowed. */
class SubbandError : public PhyError {
public:
  SubbandError(SubbandFault fault, std::string field, std::string value, std::string allowed)
      : PhyError(std::move(field), std::move(value), std::move(allowed)), fault_(fault) {}
  SubbandFault fault() const { return fault_; }

private:
  SubbandFault fault_;
};

/** Everything that is wrong with a partition, in the users' order; empty when it can be used. */
std::vector<SubbandError> subbandFaults(const std::vector<SubbandUser>& users);
/** @throws SubbandError, the first of subbandFaults */
void requireSubbands(const std::vector<SubbandUser>& users);

/**
 * Places sub-bands of the wanted widths side by side, in the order given, lowest frequency first. Widths are
 * rounded down to the next size. Spare spectrum goes where it brings the capture's DC into a gap, else
 * where it centres a user on DC (its own carrier 0 is empty), else evenly between the users.
 *
 * @param widthCarriers  grid carriers of each user; one user alone may have all 53
 * @throws SubbandError for a width below the minimum, or when widths and guards do not fit
 */
std::vector<Subband> placeSubbands(const std::vector<double>& widthCarriers,
                                   int guardBins = kDefaultGuardBins);

/** The user's own carrier (-26..26) nearest to the capture's DC, where a zero-IF receiver's spike falls;
 * nothing when DC is outside of the sub-band or on the empty carrier 0. */
std::optional<int> carrierAtDc(const Subband& band);

/** Samples of the capture that a burst takes, guards included. */
std::int64_t subbandBurstSampleCount(const BurstHeader& header, const Subband& band,
                                     int guardSamples = kGuardSamples);

} // namespace otabench::phy
