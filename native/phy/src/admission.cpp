#include "admission.hpp"

#include <algorithm>
#include <cmath>

#include "simd.hpp"

namespace otabench::phy {

namespace {

/** Beyond this a sample is no sample (and would overflow when squared). */
constexpr float kLargestSample = 1e6F;

/** Copies; true when every I and Q is below `limit` (which a NaN is not). */
OTAPHY_CLONES bool copyBelow(const float* in, float* out, std::size_t count, float limit) {
  int above[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int j = 0; j < kLanes; ++j) {
      const float v = in[i + j];
      out[i + j] = v;
      above[j] |= static_cast<int>(!(std::fabs(v) < limit));
    }
  for (; i < count; ++i) {
    out[i] = in[i];
    above[0] |= static_cast<int>(!(std::fabs(in[i]) < limit));
  }
  return sumLanes(above) == 0;
}

} // namespace

Admission admit(const Cf* in, Cf* out, std::size_t count, float saturation) {
  Admission result;
  constexpr std::size_t kBlock = 512;
  for (std::size_t from = 0; from < count; from += kBlock) {
    const std::size_t n = std::min(kBlock, count - from);
    if (copyBelow(reinterpret_cast<const float*>(in + from), reinterpret_cast<float*>(out + from), 2 * n,
                  std::min(saturation, kLargestSample)))
      continue;
    for (Cf* s = out + from; s != out + from + n; ++s) {
      const float a = std::fabs(s->real()), b = std::fabs(s->imag());
      if (a >= saturation || b >= saturation)
        ++result.saturated;
      if (a <= kLargestSample && b <= kLargestSample)
        continue;
      ++result.bad;
      *s = 0;
    }
  }
  return result;
}

} // namespace otabench::phy
