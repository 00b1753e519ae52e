#include "gate.hpp"

#include <algorithm>
#include <cstring>

#include "simd.hpp"

namespace otabench::phy {

namespace {

constexpr int kShifts = 16; // -8..7 bins
constexpr int kLineSpacing = kGateWindow / kShortPeriod;

// In noise, line power over mean bin power is Gamma(12) for one shift and Gamma(24) for two neighbours (a CFO
// between two bins). With these thresholds 1.4 % of noise windows open; a burst at Es/N0 = -5 dB reads
// about 60.
constexpr float kOneShiftThreshold = 26.0F;
constexpr float kTwoShiftsThreshold = 41.0F;

/** power[i] = |bin i - 128|^2, DC in the middle. */
OTAPHY_CLONES void powerSpectrum(const Cf* bins, float* power) {
  const float* b = reinterpret_cast<const float*>(bins);
  for (int i = 0; i < kGateWindow / 2; ++i)
    power[i + kGateWindow / 2] = b[2 * i] * b[2 * i] + b[2 * i + 1] * b[2 * i + 1];
  b += kGateWindow;
  for (int i = 0; i < kGateWindow / 2; ++i)
    power[i] = b[2 * i] * b[2 * i] + b[2 * i + 1] * b[2 * i + 1];
}

OTAPHY_CLONES float fold(const float* power, int centre, float* lines) {
  static_assert(kShifts == kLanes);
  float lanes[kLanes] = {}, sums[kShifts] = {};
  for (int i = 0; i < kGateWindow; i += kLanes)
    for (int j = 0; j < kLanes; ++j)
      lanes[j] += power[i + j];
  const float* row = power + kGateWindow / 2 + centre - 6 * kLineSpacing - kShifts / 2;
  for (int l = 0; l < 6; ++l)
    for (int f = 0; f < kShifts; ++f)
      sums[f] += row[l * kLineSpacing + f];
  row += 7 * kLineSpacing; // there is no line at DC
  for (int l = 0; l < 6; ++l)
    for (int f = 0; f < kShifts; ++f)
      sums[f] += row[l * kLineSpacing + f];
  for (int f = 0; f < kShifts; ++f)
    lines[f] = sums[f];
  return sumLanes(lanes);
}

} // namespace

Gate::Reading Gate::read(const Cf* samples) {
  std::memcpy(static_cast<void*>(fft_.in()), samples, sizeof(Cf) * kGateWindow);
  fft_.run();
  float power[kGateWindow], lines[kShifts];
  powerSpectrum(fft_.out(), power);
  const float* dc = power + kGateWindow / 2;
  // A zero-IF receiver's DC spike must not lift the reference.
  const float mean =
      (fold(power, centre_, lines) - (dc[-1] + dc[0] + dc[1])) / static_cast<float>(kGateWindow - 3);
  Reading reading;
  if (!(mean > 0))
    return reading;
  float single = 0, pair = 0;
  for (int f = 0; f < kShifts; ++f)
    single = std::max(single, lines[f]);
  for (int f = 0; f + 1 < kShifts; ++f)
    pair = std::max(pair, lines[f] + lines[f + 1]);
  single /= kOneShiftThreshold;
  pair /= kTwoShiftsThreshold;
  reading.level = std::max(single, pair) / mean * noiseBandwidth_;
  if (reading.level <= 1)
    return reading;
  for (int f = 0; f < kShifts; ++f) {
    const auto bin = static_cast<float>(centre_ + f - kShifts / 2);
    if (single >= pair && lines[f] / kOneShiftThreshold == single)
      reading.bins = bin;
    if (single < pair && f + 1 < kShifts && (lines[f] + lines[f + 1]) / kTwoShiftsThreshold == pair)
      reading.bins = bin + 0.5F;
  }
  return reading;
}

} // namespace otabench::phy
