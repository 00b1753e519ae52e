#pragma once

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
/** sum |y - h x turn|^2 over the loaded carriers. */
float residual(const Cf* channel, const Cf* sent, const Cf* received, Cf turn);
/** sum += y conj(x) turn over the loaded carriers. */
void accumulate(Cf* sum, const Cf* received, const Cf* sent, Cf turn);

/** Into -pi..pi. */
inline double wrap(double phase) {
  return phase - kTwoPi * std::nearbyint(phase / kTwoPi);
}

inline Cf unit(double phase) {
  return {static_cast<float>(std::cos(phase)), static_cast<float>(std::sin(phase))};
}

} // namespace otabench::phy
