#pragma once

#include <cstddef>
#include <cstdint>

#include "waveform.hpp"

namespace otabench::phy {

struct Admission {
  std::int64_t saturated = 0, bad = 0;
};

/** Copies samples into a receiver: counts saturated ones (|I| or |Q| at or above `saturation`) and replaces
 * unusable ones (NaN, infinite, beyond any receiver's scale) by zero. */
Admission admit(const Cf* in, Cf* out, std::size_t count, float saturation);

} // namespace otabench::phy
