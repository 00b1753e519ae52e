#include "otabench/phy/fec/mcs.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "otabench/phy/fec/capacity.hpp"

namespace otabench::phy::fec {

namespace {

constexpr double kHeaderSnrDb = -5; // 99 % of headers are valid

double measuredGapDb(Modulation modulation, double codeRate) {
  const McsThreshold* below = nullptr;
  for (const McsThreshold& t : mcsThresholds()) {
    if (t.modulation != modulation)
      continue;
    if (t.codeRate >= codeRate) {
      if (below == nullptr)
        return t.gapDb;
      const double part = (codeRate - below->codeRate) / (t.codeRate - below->codeRate);
      return below->gapDb + part * (t.gapDb - below->gapDb);
    }
    below = &t;
  }
  return below->gapDb;
}

} // namespace

const std::vector<McsThreshold>& mcsThresholds() {
  static const std::vector<McsThreshold> table = {
      {Modulation::Qpsk, 0.199, -3.28, 1.34},   {Modulation::Qpsk, 0.349, -0.63, 1.00},
      {Modulation::Qpsk, 0.492, 1.32, 0.87},    {Modulation::Qpsk, 0.637, 3.10, 0.79},
      {Modulation::Qpsk, 0.774, 4.94, 0.84},    {Modulation::Qpsk, 0.867, 6.25, 0.71},
      {Modulation::Qam16, 0.197, 0.87, 1.84},   {Modulation::Qam16, 0.349, 4.09, 1.41},
      {Modulation::Qam16, 0.492, 6.48, 1.09},   {Modulation::Qam16, 0.637, 8.81, 0.95},
      {Modulation::Qam16, 0.774, 11.06, 0.92},  {Modulation::Qam16, 0.903, 13.59, 0.93},
      {Modulation::Qam64, 0.195, 3.61, 2.16},   {Modulation::Qam64, 0.344, 7.67, 1.94},
      {Modulation::Qam64, 0.481, 10.59, 1.55},  {Modulation::Qam64, 0.602, 13.04, 1.33},
      {Modulation::Qam64, 0.802, 16.99, 1.02},  {Modulation::Qam64, 0.903, 19.32, 0.99},
      {Modulation::Qam256, 0.193, 5.75, 2.37},  {Modulation::Qam256, 0.339, 10.48, 2.18},
      {Modulation::Qam256, 0.492, 14.86, 2.06}, {Modulation::Qam256, 0.602, 17.53, 1.74},
      {Modulation::Qam256, 0.774, 21.45, 1.12}, {Modulation::Qam256, 0.903, 25.06, 1.22},
  };
  return table;
}

double requiredSnrDb(const DigitalFormat& format, double per) {
  if (!(per > 0 && per < 1))
    throw PhyError("per", std::to_string(per), "0..1, both excluded");
  const DigitalPlan plan = planDigital(format);
  const int blocks = plan.segmentation.blockCount;
  const double blockPer = -std::expm1(std::log1p(-per) / blocks);
  // With its CRC, which is a good part of a short block.
  const double boundDb = normalApproximationSnrDb(format.modulation, plan.segmentation.blockBits,
                                                  static_cast<double>(format.channelUses) / blocks, blockPer);
  return std::max(boundDb + measuredGapDb(format.modulation, plan.codeRate), kHeaderSnrDb);
}

namespace {

void checkChoice(int channelUses, double per, const FormatLimits& limits) {
  if (channelUses < 1)
    throw PhyError("channelUses", std::to_string(channelUses), "at least 1");
  if (!(per > 0 && per < 1))
    throw PhyError("per", std::to_string(per), "0..1, both excluded");
  if (limits.minBitsPerValue < kMinBitsPerValue || limits.maxBitsPerValue > kMaxBitsPerValue ||
      limits.minBitsPerValue > limits.maxBitsPerValue)
    throw PhyError("bitsPerValue",
                   std::to_string(limits.minBitsPerValue) + ".." + std::to_string(limits.maxBitsPerValue),
                   std::to_string(kMinBitsPerValue) + ".." + std::to_string(kMaxBitsPerValue));
}

double margin(const AdaptedFormat& adapted) {
  return adapted.effectiveSnrDb - adapted.requiredSnrDb;
}

/** Of the modulations that are allowed and fit, the one with the largest margin. */
std::optional<AdaptedFormat> bestModulation(const TokenFormat& tokens, int channelUses,
                                            const std::array<double, kModulations>& effectiveDb, double per,
                                            const FormatLimits& limits) {
  std::optional<AdaptedFormat> best;
  for (int m = 0; m < kModulations; ++m) {
    const auto modulation = static_cast<Modulation>(m);
    if (limits.modulation.value_or(modulation) != modulation)
      continue;
    const DigitalFormat format = {tokens, modulation, channelUses};
    if (leastChannelUses(tokens, modulation) > channelUses)
      continue;
    const AdaptedFormat tried = {format, effectiveDb[m], requiredSnrDb(format, per)};
    if (!best || margin(tried) > margin(*best))
      best = tried;
  }
  return best;
}

} // namespace

std::array<double, kModulations> effectiveSnrsDb(Span<const float> carrierSnrDb) {
  std::array<double, kModulations> effectiveDb{};
  for (int m = 0; m < kModulations; ++m)
    effectiveDb[m] = effectiveSnrDb(static_cast<Modulation>(m), carrierSnrDb);
  return effectiveDb;
}

std::optional<AdaptedFormat> adaptFormat(int tokens, int dimension, int channelUses,
                                         const std::array<double, kModulations>& effectiveDb, double per,
                                         double marginDb, const FormatLimits& limits) {
  checkChoice(channelUses, per, limits);
  for (int q = limits.maxBitsPerValue; q >= limits.minBitsPerValue; --q) {
    const auto best = bestModulation({tokens, dimension, q}, channelUses, effectiveDb, per, limits);
    if (best && margin(*best) >= marginDb)
      return best;
  }
  return std::nullopt;
}

std::optional<AdaptedFormat> adaptFormat(int tokens, int dimension, int channelUses,
                                         Span<const float> carrierSnrDb, double per, double marginDb) {
  checkChoice(channelUses, per, {});
  return adaptFormat(tokens, dimension, channelUses, effectiveSnrsDb(carrierSnrDb), per, marginDb);
}

std::optional<AdaptedFormat> mostRobustFormat(int tokens, int dimension, int channelUses,
                                              const std::array<double, kModulations>& effectiveDb, double per,
                                              const FormatLimits& limits) {
  checkChoice(channelUses, per, limits);
  return bestModulation({tokens, dimension, limits.minBitsPerValue}, channelUses, effectiveDb, per, limits);
}

} // namespace otabench::phy::fec
