#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "otabench/phy/transmitter.hpp"
#include "waveform.hpp"

/** What driving a burst does to its samples, and what of it is reported. */
namespace otabench::phy {

/** @throws PhyError naming the field that is out of range */
void requireDrive(const Drive& drive);

/** Distribution of |x|^2 over its mean, 16 bins an octave, from -18 to 21 dB. */
class PowerHistogram {
public:
  /** Powers over the mean that the shares of samples exceed, dB; straight lines within a bin. */
  std::array<double, kCcdfShares.size()> exceededDb(const Cf* samples, std::size_t count, double mean);

private:
  // The leading bits of a float: exponent and four of the mantissa.
  static constexpr int kMantissaBits = 23, kKeptBits = 4, kLowestExponent = -6, kOctaves = 13;
  static constexpr int kBins = kOctaves << kKeptBits;
  static constexpr std::size_t kTables = 4; // no increment waits for the one before it
  static constexpr std::size_t kBlock = 512;

  void fill(const Cf* samples, std::size_t count, float toUnit);
  static void binsOf(const Cf* samples, std::size_t count, float toUnit, std::int32_t* bins);
  static double lowerEdge(int bin);

  std::array<std::array<std::uint32_t, kBins>, kTables> counts_{};
};

/** Measures a burst and limits it to full scale. */
class DriveMeter {
public:
  /** Fills powers and clipping of the report; I and Q beyond +-1 are limited.
   * @param active  samples of the burst without its guards */
  void finish(Cf* samples, std::size_t active, TransmitReport& report);

private:
  PowerHistogram histogram_;
};

} // namespace otabench::phy
