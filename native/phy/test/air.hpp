#pragma once

#include <complex>
#include <cstdint>
#include <vector>

#include "otabench/phy/receiver.hpp"
#include "otabench/phy/transmitter.hpp"

/** A small air for the tests and the benchmark, independent of the PHY's own sources. */
namespace air {

using Cf = std::complex<float>;
using Cd = std::complex<double>;

/** Complex Gaussian noise of unit variance, from tables: 16-bit radius, 12-bit angle; a pure function of
 * (seed, index). */
class Noise {
public:
  explicit Noise(std::uint64_t seed) : seed_(seed) {}
  /** Adds `sigma` times noise (or writes it) to count samples; continues where the last call stopped. */
  void add(Cf* samples, std::size_t count, double sigma);
  void write(Cf* samples, std::size_t count, double sigma);

private:
  std::uint64_t seed_;
  std::uint64_t index_ = 0;
};

struct Tap {
  double delaySamples = 0;
  Cd gain = 1;
};

struct Path {
  std::vector<Tap> taps = {{0, 1}};
  double cfoHz = 0;
  double centerFrequencyHz = otabench::phy::kDefaultCenterFrequencyHz; // ties the clock offset to the CFO
  double sampleRateHz = otabench::phy::kDefaultSampleRateHz;
  double phase = 0;
};

/** Taps at 0/2/5 samples with 0/-8/-14 dB, unit total power, random phases. */
std::vector<Tap> threeTaps(std::uint64_t seed);

/**
 * Adds the burst to `out`, its sample 0 arriving at index `start` (fractions allowed), with CFO, tied clock
 * offset and taps (windowed-sinc interpolation, errors below -90 dB).
 */
void arrive(std::vector<Cf>& out, const std::vector<Cf>& burst, double start, const Path& path);

/** |frequency response|^2 of the taps on each loaded carrier. */
std::vector<double> carrierPowers(const std::vector<Tap>& taps);

/** Noise standard deviation that puts the mean Es/N0 over the data carriers at snrDb for a burst sent at
 * rmsDbfs. */
double noiseSigma(double snrDb, double rmsDbfs, const std::vector<Tap>& taps);

/** E |x - LMMSE(x)|^2 for the true channel: mean over data carriers of 1 / (1 + SNR_k). */
double boundMse(double snrDb, const std::vector<Tap>& taps);

/** Unit-variance Gaussian tokens. */
std::vector<float> gaussianTokens(int count, std::uint64_t seed);

/** Mean squared error of complex symbols over their mean power. */
double tokenMse(const std::vector<float>& sent, const std::vector<float>& received);

std::uint64_t hash(std::uint64_t value);
/** Uniform in [0, 1) from (seed, index). */
double uniform(std::uint64_t seed, std::uint64_t index);

} // namespace air
