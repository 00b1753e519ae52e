// Inner loops, compiled once per instruction set and chosen at run time. All work on whole blocks of fixed
// size, so that a sample's bits never depend on how it was asked for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace otabench::medium::kernels {

constexpr std::size_t kBlock = 128;        // outputs of one call of fir, crossfade, rotateAdd, finish
constexpr std::size_t kSlopeHalf = 8;      // outputs that slope needs on each side of a block
constexpr std::size_t kSpread = 4;         // planes of spread samples: plane p holds x[4 j + p]
constexpr std::size_t kSpreadOutputs = 64; // outputs of firSpread and slope come in multiples of this
constexpr std::size_t kNoiseBlock = 1024;  // samples that share one seed
constexpr std::size_t kNoiseLanes = 32;    // 16 generators for the radius, 16 for the angle
constexpr std::size_t kSincTaps = 24;      // coefficients of the interpolator for one fractional delay

struct NoiseSeed {
  alignas(64) std::uint32_t word[4][kNoiseLanes]; // xoshiro128++ states; must not be all zero in a lane
};

struct Table {
  const char* name;
  /// Fills re and im [kNoiseBlock] with circular Gaussian noise, E|z|^2 = 1 (Box-Muller on xoshiro128++).
  void (*noise)(const NoiseSeed& seed, float* re, float* im);
  /// Splits interleaved I, Q [2 count] and clips to +-1. @return samples clipped (NaN becomes 0 and counts).
  std::size_t (*splitAndClip)(const float* iq, std::size_t count, float* re, float* im);
  /// c += a (low + weight (high - low)), kSincTaps coefficients.
  void (*addTap)(const float* low, const float* high, float weight, float aRe, float aIm, float* cRe,
                 float* cIm);
  /// y[i] = sum over k < lagCount of c[k] x[i - k], i < outputs (a multiple of 16).
  void (*firComplex)(const float* xRe, const float* xIm, const float* cRe, const float* cIm,
                     std::size_t lagCount, std::size_t outputs, float* yRe, float* yIm);
  void (*firReal)(const float* xRe, const float* xIm, const float* c, std::size_t lagCount,
                  std::size_t outputs, float* yRe, float* yIm);
  /// Real parts, imaginary parts and, if wanted, their sums to planes [3][kSpread][stride]; count a multiple
  /// of 64.
  void (*spread)(const float* xRe, const float* xIm, std::size_t count, bool withSums, float* planes,
                 std::size_t stride);
  /// y[t] = sum over k of h[k] x[at + t - k] from spread samples, t < outputs. h = c + j d as c, d - c, c + d
  /// [3][lagCount] (three multiplications for a complex one), or c alone [lagCount]; lagCount at least 3.
  void (*firSpread)(const float* planes, std::size_t stride, std::size_t at, const float* c,
                    std::size_t lagCount, bool isReal, std::size_t outputs, float* yRe, float* yIm);
  /// z[t] = y[t] + step (first + t) y'[t], the derivative from y spread in planes, where t is sample at + t -
  /// kSlopeHalf. outputs a multiple of kBlock. @param c the differentiator, 2 kSlopeHalf + 1 lags
  void (*slope)(const float* planes, std::size_t stride, std::size_t at, const float* c, const float* yRe,
                const float* yIm, float first, float step, std::size_t outputs, float* zRe, float* zIm);
  /// y += (i / kBlock) (z - y).
  void (*crossfade)(float* yRe, float* yIm, const float* zRe, const float* zIm);
  /// sum += y phase table[i].
  void (*rotateAdd)(const float* yRe, const float* yIm, const float* tableRe, const float* tableIm,
                    float phaseRe, float phaseIm, float* sumRe, float* sumIm);
  /// phase[i] = sign times the table at (first + i) ticksPerSample - start, i < kBlock, linear between its
  /// entries [length]; of no meaning where that is outside of the table.
  void (*phases)(const double* table, std::size_t length, std::int64_t first, double ticksPerSample,
                 double start, float sign, float* phase);
  /// (re, im)[i] times exp(j phase[i]), i < kBlock; |phase| up to 1e4.
  void (*turn)(const float* phase, float* re, float* im);
  /// iq[2 kBlock] = clip(s + sigma n). @return greatest |component| before clipping.
  float (*finish)(const float* sRe, const float* sIm, const float* nRe, const float* nIm, float sigma,
                  float* iq);
  /// y = sum over k < count of c[k] x[k], complex by complex; count a multiple of 8.
  void (*dot)(const float* xRe, const float* xIm, const float* cRe, const float* cIm, std::size_t count,
              float* yRe, float* yIm);
};

extern const Table kBaseline;
extern const Table kAvx2;
extern const Table kAvx512;

/// The best table for this processor. OTABENCH_MEDIUM_ISA=baseline|avx2|avx512 forces one that it can run.
const Table& best();

} // namespace otabench::medium::kernels
