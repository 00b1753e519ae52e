#include "otabench/phy/fec/modulation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>

#include "../simd.hpp"
#include "check_count.hpp"

namespace otabench::phy::fec {

namespace {

/** Symbols that are worked on together. */
constexpr int kRun = 64;

/**
 * Amplitude of an axis' bits b0 b1 ...: (1 - 2 b0)(2^(m-1) - (1 - 2 b1)(2^(m-2) - ...(1 - 2 b_last))), over
 * the root of the mean symbol power.
 */
std::vector<float> amplitudes(int bits) {
  std::vector<float> all(std::size_t{1} << bits);
  double power = 0;
  for (std::size_t label = 0; label < all.size(); ++label) {
    double value = 0;
    for (int b = bits - 1; b >= 0; --b) { // innermost first
      const double sign = ((label >> (bits - 1 - b)) & 1U) != 0 ? -1 : 1;
      value = sign * (std::ldexp(1.0, bits - 1 - b) - value);
    }
    all[label] = static_cast<float>(value);
    power += 2 * value * value / static_cast<double>(all.size());
  }
  for (float& a : all)
    a = static_cast<float>(a / std::sqrt(power));
  return all;
}

/** exp(x) for -80 <= x <= 0 within 1e-5: 2^n by the exponent's bits, the rest by its series. */
inline __attribute__((always_inline)) float exponential(float x) {
  const float t = x * 1.44269504F;
  const int n = static_cast<int>(t - 0.5F); // towards zero: the nearest integer
  const float f = (t - static_cast<float>(n)) * 0.69314718F;
  const float series = 1 + f * (1 + f * (0.5F + f * (1.0F / 6 + f * (1.0F / 24 + f * (1.0F / 120)))));
  const std::int32_t bits = (n + 127) * (1 << 23);
  float power;
  std::memcpy(&power, &bits, sizeof power);
  return power * series;
}

/** ln x for normal x > 0 within 1e-5: exponent, and a series in (m - 1) / (m + 1). */
inline __attribute__((always_inline)) float logarithm(float x) {
  std::int32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  const std::int32_t exponent = (bits - 0x3f3504f3) >> 23; // mantissa in sqrt(1/2)..sqrt 2
  bits -= exponent * (1 << 23);
  float mantissa;
  std::memcpy(&mantissa, &bits, sizeof mantissa);
  const float r = (mantissa - 1) / (mantissa + 1), r2 = r * r;
  return static_cast<float>(exponent) * 0.69314718F +
         2 * r * (1 + r2 * (1.0F / 3 + r2 * (1.0F / 5 + r2 * (1.0F / 7))));
}

/** Likelihoods below exp(-this) of the best amplitude's count as that: LLRs reach no further. */
constexpr float kFarthest = 80;

/**
 * LLRs of one axis for kRun values: ln of the likelihoods' sums over the amplitudes of either bit value.
 * @param llrs  [kBits][kRun]
 */
template <int kBits>
inline __attribute__((always_inline)) void axisLlrs(const float* y, const float* perVariance,
                                                    const float* amplitude, float* llrs) {
  constexpr int kLabels = 1 << kBits;
  for (int i = 0; i < kRun; ++i) {
    float exponent[kLabels], best = -1e30F;
#pragma GCC unroll 16
    for (int label = 0; label < kLabels; ++label) {
      const float off = y[i] - amplitude[label];
      exponent[label] = -off * off * perVariance[i];
      best = exponent[label] > best ? exponent[label] : best;
    }
    float sum[kBits][2] = {};
#pragma GCC unroll 16
    for (int label = 0; label < kLabels; ++label) {
      const float below = exponent[label] - best;
      const float likelihood = exponential(below > -kFarthest ? below : -kFarthest);
#pragma GCC unroll 4
      for (int b = 0; b < kBits; ++b)
        sum[b][(label >> (kBits - 1 - b)) & 1] += likelihood;
    }
#pragma GCC unroll 4
    for (int b = 0; b < kBits; ++b)
      llrs[b * kRun + i] = logarithm(sum[b][0]) - logarithm(sum[b][1]);
  }
}

OTAPHY_CLONES void qpskLlrs(const float* y, const float* perVariance, const float* amplitude, float* llrs) {
  const float slope = 4 * amplitude[0];
  for (int i = 0; i < kRun; ++i)
    llrs[i] = slope * y[i] * perVariance[i];
}
OTAPHY_CLONES void qam16Llrs(const float* y, const float* perVariance, const float* amplitude, float* llrs) {
  axisLlrs<2>(y, perVariance, amplitude, llrs);
}
OTAPHY_CLONES void qam64Llrs(const float* y, const float* perVariance, const float* amplitude, float* llrs) {
  axisLlrs<3>(y, perVariance, amplitude, llrs);
}
OTAPHY_CLONES void qam256Llrs(const float* y, const float* perVariance, const float* amplitude, float* llrs) {
  axisLlrs<4>(y, perVariance, amplitude, llrs);
}

constexpr void (*kAxisLlrs[kModulations])(const float*, const float*, const float*,
                                          float*) = {qpskLlrs, qam16Llrs, qam64Llrs, qam256Llrs};

} // namespace

const char* toString(Modulation modulation) {
  constexpr const char* kNames[kModulations] = {"qpsk", "16qam", "64qam", "256qam"};
  return kNames[static_cast<int>(modulation)];
}

const std::vector<float>& axisAmplitudes(Modulation modulation) {
  static const std::array<std::vector<float>, kModulations> all = {amplitudes(1), amplitudes(2),
                                                                   amplitudes(3), amplitudes(4)};
  return all[static_cast<std::size_t>(modulation)];
}

void modulate(Modulation modulation, Span<const std::uint8_t> bits,
              std::vector<std::complex<float>>& symbols) {
  const auto depth = static_cast<std::size_t>(bitsPerSymbol(modulation));
  if (bits.size() % depth != 0)
    throw PhyError("number of bits", std::to_string(bits.size()), "multiples of " + std::to_string(depth));
  const std::vector<float>& amplitude = axisAmplitudes(modulation);
  symbols.resize(bits.size() / depth);
  for (std::size_t s = 0; s < symbols.size(); ++s) {
    unsigned i = 0, q = 0;
    for (std::size_t b = s * depth; b < (s + 1) * depth; b += 2) {
      i = 2 * i + bits[b];
      q = 2 * q + bits[b + 1];
    }
    symbols[s] = {amplitude[i], amplitude[q]};
  }
}

void demap(Modulation modulation, Span<const std::complex<float>> symbols, Span<const float> variance,
           std::vector<float>& llrs) {
  checkCount("noise variances", variance.size(), symbols.size());
  const int axisBits = bitsPerSymbol(modulation) / 2;
  const float* amplitude = axisAmplitudes(modulation).data();
  const auto axis = kAxisLlrs[static_cast<int>(modulation)];
  llrs.resize(symbols.size() * axisBits * 2);
  alignas(64) float y[2][kRun] = {}, perVariance[kRun] = {}, out[4 * kRun];
  for (std::size_t first = 0; first < symbols.size(); first += kRun) {
    const int count = static_cast<int>(std::min<std::size_t>(kRun, symbols.size() - first));
    for (int i = 0; i < count; ++i) {
      y[0][i] = symbols[first + i].real();
      y[1][i] = symbols[first + i].imag();
      perVariance[i] = 1 / variance[first + i]; // half the variance in each axis, half the squared distance
    }
    for (int side = 0; side < 2; ++side) {
      axis(y[side], perVariance, amplitude, out);
      float* target = llrs.data() + first * axisBits * 2 + side;
      for (int i = 0; i < count; ++i)
        for (int b = 0; b < axisBits; ++b)
          target[2 * (i * axisBits + b)] = out[b * kRun + i];
    }
  }
}

} // namespace otabench::phy::fec
