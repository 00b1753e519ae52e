#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

/** The waveform's fixed numbers (docs/architecture.md, "Numerology" and "Burst"). */
namespace otabench::phy {

inline constexpr double kDefaultSampleRateHz = 5e6;
inline constexpr double kDefaultCenterFrequencyHz = 2.45e9;

inline constexpr int kCarriers = 64;     // FFT size, 78.125 kHz a carrier at 5 MS/s
inline constexpr int kCyclicPrefix = 16; // samples
inline constexpr int kSymbolSamples = kCarriers + kCyclicPrefix;
inline constexpr int kHighestCarrier = 26; // loaded: -26..-1 and 1..26
inline constexpr int kLoadedCarriers = 2 * kHighestCarrier;
inline constexpr int kPilotCarriers = 4; // -21, -7, 7, 21
inline constexpr int kDataCarriers = kLoadedCarriers - kPilotCarriers;

inline constexpr int kShortPeriod = 16; // samples: CFO unambiguous to +-1/32 of the sample rate
inline constexpr int kShortRepeats = 16;
inline constexpr int kShortSamples = kShortPeriod * kShortRepeats;
inline constexpr int kLongPrefix = 32;
inline constexpr int kLongRepeats = 4;
inline constexpr int kLongSamples = kLongPrefix + kLongRepeats * kCarriers;
inline constexpr int kPreambleSamples = kShortSamples + kLongSamples;
inline constexpr int kHeaderSymbols = 12;
inline constexpr int kHeaderSamples = kHeaderSymbols * kSymbolSamples;
inline constexpr int kGuardSamples = 64; // before and after the burst, at least

/** Most OFDM payload symbols that a burst may have: 2048 x 48 complex symbols, 0.033 s at 5 MS/s. */
inline constexpr int kMaxPayloadOfdmSymbols = 2048;

/** Loaded carriers in ascending order: -26..-1, 1..26. Every per-carrier array of this library has this
 * order. */
constexpr std::array<int, kLoadedCarriers> loadedCarriers() {
  std::array<int, kLoadedCarriers> carriers{};
  for (int i = 0; i < kHighestCarrier; ++i) {
    carriers[static_cast<std::size_t>(i)] = i - kHighestCarrier;
    carriers[static_cast<std::size_t>(i + kHighestCarrier)] = i + 1;
  }
  return carriers;
}

constexpr bool isPilotCarrier(int carrier) {
  return carrier == 7 || carrier == -7 || carrier == 21 || carrier == -21;
}

/** Complex payload symbols of a [tokens, dimension] matrix: two reals each, an odd count padded by one zero.
 */
constexpr std::int64_t payloadSymbolCount(int tokens, int dimension) {
  return (static_cast<std::int64_t>(tokens) * dimension + 1) / 2;
}

/** OFDM symbols that carry them. */
constexpr std::int64_t payloadOfdmSymbolCount(int tokens, int dimension) {
  return (payloadSymbolCount(tokens, dimension) + kDataCarriers - 1) / kDataCarriers;
}

/** Samples of a whole burst, both guards included. */
constexpr std::int64_t burstSampleCount(int tokens, int dimension, int guardSamples = kGuardSamples) {
  return 2 * static_cast<std::int64_t>(guardSamples) + kPreambleSamples + kHeaderSamples +
         payloadOfdmSymbolCount(tokens, dimension) * kSymbolSamples;
}

} // namespace otabench::phy
