/** What constellations carry: against Monte Carlo over their own symbols, and published limits. */
#include "otabench/phy/fec/capacity.hpp"

#include <cmath>
#include <complex>

#include "fec_check.hpp"

using namespace otabench::phy;
using namespace otabench::phy::fec;
using Cf = std::complex<float>;

namespace {

constexpr Modulation kAll[] = {Modulation::Qpsk, Modulation::Qam16, Modulation::Qam64, Modulation::Qam256};

/** All symbols, indexed by label (first bit highest). */
std::vector<Cf> constellation(Modulation m) {
  const int depth = bitsPerSymbol(m);
  Bits bits;
  for (int label = 0; label < 1 << depth; ++label)
    for (int b = depth - 1; b >= 0; --b)
      bits.push_back(static_cast<std::uint8_t>((label >> b) & 1));
  std::vector<Cf> symbols;
  modulate(m, bits, symbols);
  return symbols;
}

/** The definitions, over random symbols and noise. */
Information monteCarlo(Modulation m, double snrDb, int trials) {
  const std::vector<Cf> points = constellation(m);
  const int depth = bitsPerSymbol(m);
  const double variance = std::pow(10.0, -snrDb / 10);
  std::mt19937_64 rng(static_cast<std::uint64_t>(1000 + snrDb));
  std::normal_distribution<double> normal(0, std::sqrt(variance / 2));
  Information sum;
  double square = 0;
  std::vector<double> likelihood(points.size());
  for (int t = 0; t < trials; ++t) {
    const std::size_t sent = rng() % points.size();
    const std::complex<double> y =
        std::complex<double>(points[sent]) + std::complex<double>(normal(rng), normal(rng));
    double all = 0;
    for (std::size_t i = 0; i < points.size(); ++i)
      all += likelihood[i] = std::exp(-std::norm(y - std::complex<double>(points[i])) / variance);
    const double density = std::log2(likelihood[sent] * static_cast<double>(points.size()) / all);
    sum.capacity += density / trials;
    square += density * density / trials;
    for (int b = 0; b < depth; ++b) {
      double agreeing = 0;
      for (std::size_t i = 0; i < points.size(); ++i)
        agreeing += ((i ^ sent) >> b & 1U) == 0 ? likelihood[i] : 0;
      sum.bitwise += std::log2(2 * agreeing / all) / trials;
    }
  }
  sum.dispersion = square - sum.capacity * sum.capacity;
  return sum;
}

} // namespace

TEST_CASE(definitions, "capacity: information, dispersion and bitwise information are those of the symbols") {
  const double snrsDb[] = {0.25, 6.3, 11.75, 18.1}; // off the table's grid
  for (const Modulation m : kAll)
    for (const double offsetDb : {-3.0, 0.0, 3.0}) {
      const double snrDb = snrsDb[static_cast<int>(m)] + offsetDb;
      constexpr int kTrials = 20000;
      const Information measured = monteCarlo(m, snrDb, kTrials), table = informationAt(m, snrDb);
      const double four = 4 * std::sqrt(table.dispersion / kTrials);
      CHECK_RANGE(table.capacity - measured.capacity, -four, four);
      CHECK_RANGE(table.bitwise - measured.bitwise, -1.3 * four, 1.3 * four);
      CHECK_RANGE(table.dispersion / measured.dispersion, 0.92, 1.08);
    }
}

TEST_CASE(shape, "capacity: rises with the SNR up to the bits of a symbol; bitwise never above it") {
  for (const Modulation m : kAll) {
    Information last;
    for (double snrDb = -30; snrDb <= 60; snrDb += 0.1) {
      const Information i = informationAt(m, snrDb);
      CHECK(i.capacity >= last.capacity - 1e-6 && i.bitwise >= last.bitwise - 1e-6);
      CHECK(i.bitwise <= i.capacity + 1e-6 && i.capacity <= bitsPerSymbol(m) + 1e-6);
      CHECK(i.capacity <= std::log2(1 + std::pow(10.0, snrDb / 10)) + 1e-3);
      if (m == Modulation::Qpsk)
        CHECK_RANGE(i.capacity - i.bitwise, -1e-6, 1e-6);
      last = i;
    }
    CHECK_RANGE(last.capacity, bitsPerSymbol(m) - 1e-6, bitsPerSymbol(m) + 1e-6);
    CHECK_EQUAL(informationAt(m, 99).capacity, informationAt(m, 60).capacity);
    CHECK_EQUAL(informationAt(m, -99).capacity, informationAt(m, -30).capacity);
  }
  // Capacities in every textbook's plot.
  CHECK_RANGE(informationAt(Modulation::Qpsk, 5).capacity, 1.71, 1.73);
  CHECK_RANGE(informationAt(Modulation::Qam16, 10).capacity, 3.15, 3.17);
  CHECK_RANGE(informationAt(Modulation::Qam64, 20).capacity, 5.79, 5.81);
}

TEST_CASE(finiteLength, "capacity: normal approximation for 2,080 bits") {
  const struct {
    Modulation modulation;
    double rate, tenthDb, hundredthDb;
  } published[] = {{Modulation::Qpsk, 0.5, 0.38, 0.55},
                   {Modulation::Qpsk, 0.75, 3.59, 3.77},
                   {Modulation::Qam16, 0.5, 5.34, 5.53},
                   {Modulation::Qam64, 0.5, 9.23, 9.44}};
  for (const auto& p : published) {
    const double uses = 2080 / p.rate / bitsPerSymbol(p.modulation);
    CHECK_RANGE(normalApproximationSnrDb(p.modulation, 2080, uses, 0.1), p.tenthDb - 0.02, p.tenthDb + 0.02);
    CHECK_RANGE(normalApproximationSnrDb(p.modulation, 2080, uses, 0.01), p.hundredthDb - 0.02,
                p.hundredthDb + 0.02);
  }
  // Long blocks come down to the capacity, 0.19 dB.
  CHECK_RANGE(normalApproximationSnrDb(Modulation::Qpsk, 1e8, 1e8, 0.01), 0.18, 0.20);
  CHECK_THROWS_PHY(normalApproximationSnrDb(Modulation::Qpsk, 100, 50, 0.1), "bits per channel use");
  CHECK_THROWS_PHY(normalApproximationSnrDb(Modulation::Qpsk, 0, 50, 0.1), "bits per channel use");
  CHECK_THROWS_PHY(normalApproximationSnrDb(Modulation::Qpsk, 50, 50, 0), "per");
  CHECK_THROWS_PHY(normalApproximationSnrDb(Modulation::Qpsk, 50, 50, NAN), "per");
}

TEST_CASE(effective, "capacity: effective SNR of carriers") {
  for (const Modulation m : kAll) {
    const std::vector<float> even(48, 7.3F), uneven = {0, 10}, faded = {-40, 12, 12, 12};
    CHECK_RANGE(effectiveSnrDb(m, even), 7.29, 7.31);
    CHECK_RANGE(effectiveSnrDb(m, uneven), 1, 9);
    const double mean = (informationAt(m, 0).bitwise + informationAt(m, 10).bitwise) / 2;
    CHECK_RANGE(informationAt(m, effectiveSnrDb(m, uneven)).bitwise - mean, -1e-6, 1e-6);
    // A carrier that is lost costs a quarter of the information.
    const double lost = informationAt(m, effectiveSnrDb(m, faded)).bitwise / informationAt(m, 12).bitwise;
    CHECK_RANGE(lost, 0.75, 0.76);
  }
  // Where everything gets through the information is flat.
  for (const float snrDb : {23.25F, 35.5F, 59.0F})
    CHECK_RANGE(effectiveSnrDb(Modulation::Qpsk, std::vector<float>{snrDb, snrDb - 1}), snrDb - 1.01,
                snrDb + 0.01);
  CHECK_THROWS_PHY(effectiveSnrDb(Modulation::Qpsk, std::vector<float>()), "number of SNRs");
  CHECK_THROWS_PHY(effectiveSnrDb(Modulation::Qpsk, std::vector<float>{3, NAN}), "snrDb");
  CHECK(std::isnan(informationAt(Modulation::Qpsk, NAN).capacity));
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
