#include "drive.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "simd.hpp"

namespace otabench::phy {

namespace {

struct PowerFacts {
  float peak = 0;      // max |x|^2
  float component = 0; // max |I|, |Q|
  double mean = 0;     // mean |x|^2
};

OTAPHY_CLONES PowerFacts measurePower(const Cf* samples, std::size_t count) {
  float peak[kLanes] = {}, component[kLanes] = {};
  double total = 0;
  const float* x = reinterpret_cast<const float*>(samples);
  std::size_t i = 0;
  while (i < count) {
    // Float sums over short stretches, double across them.
    const std::size_t stop = std::min(count, i + 1024);
    float lanes[kLanes] = {};
    for (; i + kLanes <= stop; i += kLanes)
      for (int j = 0; j < kLanes; ++j) {
        const float re = x[2 * (i + j)], im = x[2 * (i + j) + 1];
        const float p = re * re + im * im;
        const float a = std::fabs(re), b = std::fabs(im);
        const float larger = a > b ? a : b;
        lanes[j] += p;
        peak[j] = p > peak[j] ? p : peak[j];
        component[j] = larger > component[j] ? larger : component[j];
      }
    for (; i < stop; ++i) {
      const float p = std::norm(samples[i]);
      lanes[0] += p;
      peak[0] = std::max(peak[0], p);
      component[0] = std::max({component[0], std::fabs(samples[i].real()), std::fabs(samples[i].imag())});
    }
    total += static_cast<double>(sumLanes(lanes));
  }
  PowerFacts facts;
  facts.peak = *std::max_element(peak, peak + kLanes);
  facts.component = *std::max_element(component, component + kLanes);
  facts.mean = count > 0 ? total / static_cast<double>(count) : 0;
  return facts;
}

/** Limits I and Q to +-1. @return samples that were beyond */
std::int64_t limitToFullScale(Cf* samples, std::size_t count) {
  std::int64_t clipped = 0;
  for (std::size_t n = 0; n < count; ++n) {
    const Cf limited = {std::clamp(samples[n].real(), -1.0F, 1.0F),
                        std::clamp(samples[n].imag(), -1.0F, 1.0F)};
    clipped += limited != samples[n] ? 1 : 0;
    samples[n] = limited;
  }
  return clipped;
}

} // namespace

OTAPHY_CLONES void PowerHistogram::binsOf(const Cf* samples, std::size_t count, float toUnit,
                                          std::int32_t* bins) {
  const float* x = reinterpret_cast<const float*>(samples);
  constexpr std::int32_t kFirst = (127 + kLowestExponent) << kKeptBits;
  for (std::size_t i = 0; i < count; ++i) {
    const float power = (x[2 * i] * x[2 * i] + x[2 * i + 1] * x[2 * i + 1]) * toUnit;
    std::int32_t bits = 0;
    std::memcpy(&bits, &power, sizeof bits);
    const std::int32_t bin = (bits >> (kMantissaBits - kKeptBits)) - kFirst;
    bins[i] = bin < 0 ? 0 : bin >= kBins ? kBins - 1 : bin;
  }
}

std::array<double, kCcdfShares.size()> PowerHistogram::exceededDb(const Cf* samples, std::size_t count,
                                                                  double mean) {
  fill(samples, count, static_cast<float>(1 / std::max(mean, 1e-30)));
  std::array<double, kCcdfShares.size()> result;
  result.fill(10 * std::log10(lowerEdge(0)));
  double above = 0;
  std::size_t next = kCcdfShares.size(); // the smallest share comes first
  for (int bin = kBins - 1; bin >= 0 && next > 0; --bin) {
    double here = 0;
    for (const auto& table : counts_)
      here += table[bin];
    for (; next > 0 && here > 0; --next) {
      const double wanted = kCcdfShares[next - 1] * static_cast<double>(count);
      if (above + here < wanted)
        break;
      const double share = 1 - (wanted - above) / here;
      result[next - 1] = 10 * std::log10(lowerEdge(bin) + (lowerEdge(bin + 1) - lowerEdge(bin)) * share);
    }
    above += here;
  }
  return result;
}

void PowerHistogram::fill(const Cf* samples, std::size_t count, float toUnit) {
  for (auto& table : counts_)
    table.fill(0);
  std::int32_t bins[kBlock];
  for (std::size_t from = 0; from < count; from += kBlock) {
    const std::size_t n = std::min(kBlock, count - from);
    binsOf(samples + from, n, toUnit, bins);
    std::size_t i = 0;
    for (; i + kTables <= n; i += kTables)
      for (std::size_t t = 0; t < kTables; ++t)
        ++counts_[t][bins[i + t]];
    for (; i < n; ++i)
      ++counts_[0][bins[i]];
  }
}

double PowerHistogram::lowerEdge(int bin) {
  return std::ldexp(1 + (bin % (1 << kKeptBits)) / static_cast<double>(1 << kKeptBits),
                    bin / (1 << kKeptBits) + kLowestExponent);
}

void requireDrive(const Drive& drive) {
  if (!(drive.rmsDbfs >= -60 && drive.rmsDbfs <= 0))
    throw PhyError("rmsDbfs", std::to_string(drive.rmsDbfs), "-60..0");
  if (drive.papr.method == PaprMethod::None)
    return;
  if (!(drive.papr.targetDb >= 3.5 && drive.papr.targetDb <= 20))
    throw PhyError("papr.targetDb", std::to_string(drive.papr.targetDb), "3.5..20");
  if (drive.papr.iterations < 1 || drive.papr.iterations > 32)
    throw PhyError("papr.iterations", std::to_string(drive.papr.iterations), "1..32");
}

void DriveMeter::finish(Cf* samples, std::size_t active, TransmitReport& report) {
  const PowerFacts facts = measurePower(samples, active);
  report.paprDb = 10 * std::log10(facts.peak / facts.mean);
  report.rmsDbfs = 10 * std::log10(facts.mean);
  report.ccdfDb = histogram_.exceededDb(samples, active, facts.mean);
  for (double& level : report.ccdfDb)
    level = std::min(level, report.paprDb);
  if (facts.component > 1.0F)
    report.clippedSamples = limitToFullScale(samples, active);
  report.clippedFraction = static_cast<double>(report.clippedSamples) / static_cast<double>(active);
}

} // namespace otabench::phy
