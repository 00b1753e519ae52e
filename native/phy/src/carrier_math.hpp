#pragma once

#include <array>
#include <cmath>

#include "waveform.hpp"

/** Loops over the 52 loaded carriers, chosen at run time for the processor. */
namespace otabench::phy {

inline constexpr double kTwoPi = 6.283185307179586;

/** out = a b. */
void multiply(Cf* out, const Cf* a, const Cf* b, int count);
/** out = a b turn over the loaded carriers. */
void multiplyTurned(Cf* out, const Cf* a, const Cf* b, Cf turn);
double sumOfPowers(const Cf* values, std::size_t count);
/** sum conj(h x) y over the loaded carriers. */
Cf matched(const Cf* channel, const Cf* sent, const Cf* received);
/** sum += y conj(x) turn over the loaded carriers. */
void accumulate(Cf* sum, const Cf* received, const Cf* sent, Cf turn);

/** Loaded carriers with real and imaginary parts apart, the rest zero: whole vectors in every loop. */
inline constexpr int kSplitCarriers = 64;
struct SplitVector {
  alignas(64) std::array<float, kSplitCarriers> re{}, im{};
};
void split(const CarrierVector& values, SplitVector& out);
void join(const SplitVector& values, CarrierVector& out);
/** out = y conj(x): what the carriers would have received of ones. */
void matchedOnes(const CarrierVector& received, const CarrierVector& sent, SplitVector& out);
/** out[i] = sum conj(h) z[i] over the carriers, for count symbols. */
void matchedAll(const SplitVector& channel, const SplitVector* z, int count, Cf* out);
/** out[i] = sum |z[i] - h turn[i]|^2 over the carriers, for count symbols. */
void residualAll(const SplitVector& channel, const SplitVector* z, const Cf* turns, int count, double* out);
/** out = scale sum over i of z[i] conj(turn[i]). */
void combineAll(const SplitVector* z, const Cf* turns, int count, const float* scale, SplitVector& out);

/** Into -pi..pi. */
inline double wrap(double phase) {
  return phase - kTwoPi * std::nearbyint(phase / kTwoPi);
}

inline Cf unit(double phase) {
  const auto p = static_cast<float>(wrap(phase));
  return {std::cos(p), std::sin(p)};
}

} // namespace otabench::phy
