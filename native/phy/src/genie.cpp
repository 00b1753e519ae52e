#include "otabench/phy/genie.hpp"

#include "snr_estimate.hpp"
#include "transport.hpp"
#include "waveform.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace otabench::phy {
namespace {

constexpr int kFewestPerCarrier = 4;
/** The same of a group of neighbouring carriers, where single ones have too few. */
constexpr int kFewestPerGroup = 6;
constexpr int kFewestInAll = 8;

// Sums of one least-squares fit r = a x + e.
struct Fit {
  int count = 0;
  double sentPower = 0;
  double receivedPower = 0;
  Cd cross = 0;

  void add(Cd x, Cd r) {
    ++count;
    sentPower += std::norm(x);
    receivedPower += std::norm(r);
    cross += std::conj(x) * r;
  }

  void add(const Fit& other) {
    count += other.count;
    sentPower += other.sentPower;
    receivedPower += other.receivedPower;
    cross += other.cross;
  }

  // Es/N0, linear, for symbols of mean power `symbolPower`; unbiased. NaN when there is no noise to see.
  double snr(double symbolPower) const {
    if (count < 3 || sentPower <= 0)
      return std::numeric_limits<double>::quiet_NaN();
    const double residual = receivedPower - std::norm(cross) / sentPower;
    const double variance = residual / (count - 1);
    if (!(variance > 0))
      return std::numeric_limits<double>::quiet_NaN();
    const double gain = std::norm(cross) / (sentPower * sentPower);
    return symbolPower * (gain / variance * (count - 2.0) / (count - 1.0) - 1.0 / sentPower);
  }
};

// A mean of independent fits, and what they tell of its noise.
struct Mean {
  double snr = 0;
  double variance = 0; // of the mean, the noise's share alone

  // One over a sample variance of n - 1 complex degrees of freedom has the relative variance 1 / (n - 3).
  void add(double part, int count) {
    snr += part;
    variance += part * part / std::max(count - 3, 1);
  }
  double freedom() const { return snr * snr / variance; }
};

void requireSize(const char* field, std::size_t actual, std::size_t expected) {
  if (actual != expected)
    throw PhyError(field, std::to_string(actual) + " values",
                   std::to_string(expected) + ", tokens x dimension");
}

/**
 * Mean SNR over the carriers from as small groups of neighbours as have enough symbols. Fitted as a whole,
 * a burst in selective fading reads the harmonic mean that LMMSE's error is, 2 to 4 dB below.
 */
Mean carrierMean(const std::array<Fit, kDataCarriers>& byCarrier, const Fit& whole, double symbolPower) {
  for (int size = 1; size <= kDataCarriers / 2; ++size) {
    Mean mean;
    bool enough = true;
    for (int first = 0; first < kDataCarriers && enough; first += size) {
      Fit group;
      const int end = std::min(first + size, kDataCarriers);
      for (int k = first; k < end; ++k)
        group.add(byCarrier[k]);
      enough = group.count >= (size == 1 ? kFewestPerCarrier : kFewestPerGroup);
      mean.add(group.snr(symbolPower) * (end - first) / kDataCarriers, group.count);
    }
    if (enough)
      return mean;
  }
  Mean mean;
  mean.add(whole.snr(symbolPower), whole.count);
  return mean;
}

/** Norms as sent, over the tokens' rms. */
std::vector<double> sentNorms(Span<const float> sent, BurstHeader header) {
  double energy = 0;
  for (const float v : sent)
    energy += static_cast<double>(v) * v;
  header.scale = std::sqrt(energy / static_cast<double>(tokenSymbolCount(header)));
  return header.scale > 0 ? tokenNorms(sent, header)
                          : std::vector<double>(static_cast<std::size_t>(header.tokens), 1.0);
}

} // namespace

SnrEstimate genieSnr(Span<const float> sent, Span<const float> received, const BurstHeader& header) {
  const auto values = static_cast<std::size_t>(header.tokens) * static_cast<std::size_t>(header.dimension);
  requireSize("sent", sent.size(), values);
  requireSize("received", received.size(), values);
  if (header.mapping != Mapping::Analog)
    return {}; // numbers err by their steps, not by the air
  const int count = static_cast<int>(tokenSymbolCount(header));

  std::vector<std::uint32_t> moves;
  burstMoves(header.sequence, header.transport, static_cast<int>(payloadSymbolCount(header)), moves);
  const bool levelled = header.transport.normalisation == PowerNormalisation::Token;
  const std::vector<double> norms = levelled ? sentNorms(sent, header) : std::vector<double>();
  const auto dimension = static_cast<std::size_t>(header.dimension);
  const auto symbolAt = [&](Span<const float> from, std::size_t k) {
    const auto real = [&](std::size_t i) {
      return i >= from.size() ? 0.0 : static_cast<double>(from[i]) / (levelled ? norms[i / dimension] : 1);
    };
    return Cd(real(2 * k), real(2 * k + 1));
  };

  Fit whole;
  std::array<Fit, kDataCarriers> byCarrier{};
  for (int i = 0; i < count; ++i) {
    const Cd x = symbolAt(sent, static_cast<std::size_t>(i));
    const Cd r = symbolAt(received, static_cast<std::size_t>(i));
    whole.add(x, r);
    byCarrier[positionOf(moves[static_cast<std::size_t>(i)]) % kDataCarriers].add(x, r);
  }
  if (count < kFewestInAll)
    return {};
  const double symbolPower = whole.sentPower / whole.count;

  Mean mean;
  if (header.transport.dftSpreading)
    mean.add(whole.snr(symbolPower), whole.count);
  else
    mean = carrierMean(byCarrier, whole, symbolPower);
  return mean.snr > 0 ? snrEstimate(mean.snr, 1, mean.freedom(), count) : SnrEstimate{};
}

double genieSnrDb(Span<const float> sent, Span<const float> received, const BurstHeader& header) {
  return genieSnr(sent, received, header).snrDb;
}

} // namespace otabench::phy
