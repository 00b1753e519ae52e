#include "otabench/phy/fec/capacity.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace otabench::phy::fec {

namespace {

constexpr double kLowestDb = -30, kStepDb = 0.5;
constexpr int kPoints = 181;

/** One axis of the constellation, the other being the same; the Gaussian integral by the trapezoidal rule. */
Information integrate(Modulation modulation, double snrDb) {
  const std::vector<float>& amplitude = axisAmplitudes(modulation);
  const int bits = bitsPerSymbol(modulation) / 2;
  const auto labels = static_cast<int>(amplitude.size());
  const double variance = std::pow(10.0, -snrDb / 10) / 2; // of the axis
  constexpr int kNodes = 97;
  constexpr double kSpan = 6.0; // standard deviations to either side
  Information axis;
  double square = 0;
  for (int node = 0; node < kNodes; ++node) {
    const double z = kSpan * (2.0 * node / (kNodes - 1) - 1);
    const double weight = 2 * kSpan / (kNodes - 1) * std::exp(-z * z / 2) / std::sqrt(2 * M_PI) / labels;
    for (int sent = 0; sent < labels; ++sent) {
      const double y = static_cast<double>(amplitude[sent]) + z * std::sqrt(variance);
      double all = 0;
      std::array<double, 4> agreeing{};
      for (int label = 0; label < labels; ++label) {
        const double off = y - static_cast<double>(amplitude[label]);
        const double likelihood = std::exp(z * z / 2 - off * off / (2 * variance)); // over the sent one's
        all += likelihood;
        for (int b = 0; b < bits; ++b)
          if ((((label ^ sent) >> b) & 1) == 0)
            agreeing[b] += likelihood;
      }
      const double density = bits - std::log2(all);
      axis.capacity += weight * density;
      square += weight * density * density;
      for (int b = 0; b < bits; ++b)
        axis.bitwise += weight * (1 + std::log2(agreeing[b] / all));
    }
  }
  axis.dispersion = std::max(square - axis.capacity * axis.capacity, 0.0);
  return {2 * std::max(axis.capacity, 0.0), 2 * axis.dispersion, 2 * std::max(axis.bitwise, 0.0)};
}

const std::array<Information, kPoints>& tableOf(Modulation modulation) {
  using Table = std::array<Information, kPoints>;
  static const std::array<Table, kModulations> tables = [] {
    std::array<Table, kModulations> all{};
    for (int m = 0; m < kModulations; ++m)
      for (int i = 0; i < kPoints; ++i)
        all[m][i] = integrate(static_cast<Modulation>(m), kLowestDb + i * kStepDb);
    return all;
  }();
  return tables[static_cast<std::size_t>(modulation)];
}

/** Quantile of the normal distribution's upper tail, Q(x) = p, by bisection. */
double upperQuantile(double p) {
  double low = -40, high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(middle / std::sqrt(2.0)) > p ? low : high) = middle;
  }
  return low;
}

/** The least SNR at which an increasing function reaches `goal`. */
template <typename F> double invert(F increasing, double goal) {
  double low = kLowestDb, high = kLowestDb + (kPoints - 1) * kStepDb;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (increasing(middle) < goal ? low : high) = middle;
  }
  return high;
}

} // namespace

Information informationAt(Modulation modulation, double snrDb) {
  if (std::isnan(snrDb))
    return {snrDb, snrDb, snrDb};
  const auto& table = tableOf(modulation);
  const double at = std::clamp((snrDb - kLowestDb) / kStepDb, 0.0, kPoints - 1.0);
  // Cubic through four neighbours (Catmull-Rom).
  const int i = std::min(static_cast<int>(at), kPoints - 2);
  const double t = at - i;
  const Information &a = table[std::max(i - 1, 0)], &b = table[i], &c = table[i + 1],
                    &d = table[std::min(i + 2, kPoints - 1)];
  const auto between = [&](double Information::*field) {
    const double p = a.*field, q = b.*field, r = c.*field, s = d.*field;
    return q + 0.5 * t * (r - p + t * (2 * p - 5 * q + 4 * r - s + t * (3 * (q - r) + s - p)));
  };
  return {between(&Information::capacity), std::max(between(&Information::dispersion), 0.0),
          between(&Information::bitwise)};
}

double normalApproximationSnrDb(Modulation modulation, double bits, double channelUses, double per) {
  if (!(per > 0 && per < 1))
    throw PhyError("per", std::to_string(per), "0..1, both excluded");
  const double rate = bits / channelUses;
  if (!(rate > 0 && rate < bitsPerSymbol(modulation) && channelUses >= 1))
    throw PhyError("bits per channel use", std::to_string(rate),
                   std::string("above 0 and below ") + std::to_string(bitsPerSymbol(modulation)) + " with " +
                       toString(modulation));
  const double quantile = upperQuantile(per);
  return invert(
      [&](double snrDb) {
        const Information i = informationAt(modulation, snrDb);
        return i.capacity - std::sqrt(i.dispersion / channelUses) * quantile +
               std::log2(channelUses) / (2 * channelUses);
      },
      rate);
}

double effectiveSnrDb(Modulation modulation, Span<const float> snrDb) {
  if (snrDb.size() == 0)
    throw PhyError("number of SNRs", "0", "at least 1");
  double sum = 0;
  // Where all bits get through the information no longer tells the SNR: never beyond the carriers' own.
  double lowest = kLowestDb + (kPoints - 1) * kStepDb, highest = kLowestDb;
  for (const float snr : snrDb) {
    if (std::isnan(snr))
      throw PhyError("snrDb", "NaN", "numbers");
    const auto db = static_cast<double>(snr);
    sum += informationAt(modulation, db).bitwise;
    lowest = std::min(lowest, db);
    highest = std::max(highest, db);
  }
  const double effective = invert([&](double db) { return informationAt(modulation, db).bitwise; },
                                  sum / static_cast<double>(snrDb.size()));
  return std::clamp(effective, lowest, highest);
}

} // namespace otabench::phy::fec
