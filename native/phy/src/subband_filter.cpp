#include "subband_filter.hpp"

#include <algorithm>
#include <cmath>

#include "carrier_math.hpp"

namespace otabench::phy {

namespace {

/** Own carriers between the occupied band and its first image (64 - 2 x 26.5): no transition may be wider. */
constexpr double kImageGapCarriers = kCarriers - kGridCarriers;

/**
 * Share of the guard that the transition takes. The rest keeps what both filters let pass in part, at the
 * borders of OFDM symbols, off the neighbour: 1 leaves 41 dB, 7/8 49 dB, 3/4 61 dB (others 20 dB stronger,
 * two guard carriers); shorter transitions cost more of the own symbols than they bring.
 */
constexpr double kGuardShare = 0.75;

double besselI0(double x) {
  double sum = 1, term = 1;
  for (int k = 1; k < 60; ++k) {
    term *= x * x / (4.0 * k * k);
    sum += term;
  }
  return sum;
}

} // namespace

SubbandFilter designFilter(const Subband& band, double stopbandDb) {
  const double edge = band.halfWidthBins();
  const double transition = std::min(kGuardShare * band.guardBins, kImageGapCarriers * band.size / kCarriers);
  // Kaiser's formulas (Oppenheim and Schafer, Discrete-Time Signal Processing, 7.5.3).
  const double width = kTwoPi * transition / kGridBins;
  const double beta = stopbandDb > 50 ? 0.1102 * (stopbandDb - 8.7)
                                      : 0.5842 * std::pow(stopbandDb - 21, 0.4) + 0.07886 * (stopbandDb - 21);
  const int half =
      std::min(kFilterReach, static_cast<int>(std::ceil((stopbandDb - 8) / (2.285 * width) / 2)));
  std::vector<double> taps(static_cast<std::size_t>(half) + 1);
  const double cutoff = kTwoPi * (edge + transition / 2) / kGridBins;
  double sum = 0;
  for (int n = 0; n <= half; ++n) {
    const double x = static_cast<double>(n) / (half + 1);
    const double ideal = n == 0 ? cutoff : std::sin(cutoff * n) / n;
    taps[n] = ideal * besselI0(beta * std::sqrt(1 - x * x));
    sum += n == 0 ? taps[n] : 2 * taps[n];
  }
  SubbandFilter filter;
  filter.taps = 2 * half + 1;
  filter.reach = static_cast<int>(std::floor(edge + transition));
  double noise = 0;
  for (int k = -filter.reach; k <= filter.reach; ++k) {
    double response = taps[0];
    for (int n = 1; n <= half; ++n)
      response += 2 * taps[n] * std::cos(kTwoPi * k * n / kGridBins);
    filter.response.push_back(static_cast<float>(response / sum));
    noise += response * response / (sum * sum);
  }
  filter.noiseBandwidth = std::min(noise / band.size, 1.0);
  return filter;
}

Cf blockTurn(const Subband& band, std::int64_t block) {
  static_assert(kBlockSamples == 6 * kFilterReach && kGridBins == 8 * kFilterReach);
  constexpr float r = 0.70710678F;
  static const Cf eighths[8] = {{1, 0}, {r, r}, {0, 1}, {-r, r}, {-1, 0}, {-r, -r}, {0, -1}, {r, -r}};
  const std::int64_t turns = band.centerBin * ((6 * block - 1) % 8);
  return eighths[((turns % 8) + 8) % 8];
}

SubbandSynthesiser::SubbandSynthesiser(const Subband& band, double stopbandDb)
    : band_(band), filter_(designFilter(band, stopbandDb)), forward_(band.size, Fft::Direction::Forward),
      inverse_(kGridBins, Fft::Direction::Inverse) {}

void SubbandSynthesiser::synthesise(const std::vector<Cf>& own, std::vector<Cf>& wide) {
  if (band_.full()) {
    wide = own;
    return;
  }
  const auto count = static_cast<std::int64_t>(own.size());
  const std::int64_t wanted = (count * kGridBins + band_.size - 1) / band_.size;
  wide.resize(static_cast<std::size_t>(wanted));
  const int hop = subbandBlockSamples(band_), lead = subbandBlockLead(band_), size = band_.size;
  for (std::int64_t block = 0; block * kBlockSamples < wanted; ++block) {
    const std::int64_t begin = block * hop - lead;
    const std::int64_t from = std::clamp<std::int64_t>(-begin, 0, size);
    const std::int64_t to = std::clamp<std::int64_t>(count - begin, from, size);
    std::fill_n(forward_.in(), size, Cf(0, 0));
    std::copy(own.begin() + begin + from, own.begin() + begin + to, forward_.in() + from);
    forward_.run();
    std::fill_n(inverse_.in(), kGridBins, Cf(0, 0));
    const Cf turn = blockTurn(band_, block) / static_cast<float>(size);
    for (int k = -filter_.reach; k <= filter_.reach; ++k)
      inverse_.in()[(band_.centerBin + k + kGridBins) % kGridBins] =
          forward_.out()[((k % size) + size) % size] * filter_.response[k + filter_.reach] * turn;
    inverse_.run();
    const std::int64_t at = block * kBlockSamples;
    std::copy_n(inverse_.out() + kFilterReach, std::min<std::int64_t>(kBlockSamples, wanted - at),
                wide.begin() + at);
  }
}

} // namespace otabench::phy
