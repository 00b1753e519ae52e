#include "carrier_math.hpp"

#include "simd.hpp"

namespace otabench::phy {

OTAPHY_CLONES void multiply(Cf* out, const Cf* a, const Cf* b, int count) {
  for (int n = 0; n < count; ++n)
    out[n] = a[n] * b[n];
}

OTAPHY_CLONES void multiplyTurned(Cf* out, const Cf* a, const Cf* b, Cf turn) {
  for (int n = 0; n < kLoadedCarriers; ++n)
    out[n] = a[n] * b[n] * turn;
}

OTAPHY_CLONES double sumOfPowers(const Cf* values, std::size_t count) {
  const float* v = reinterpret_cast<const float*>(values);
  double lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= 2 * count; i += kLanes)
    for (int j = 0; j < kLanes; ++j)
      lanes[j] += static_cast<double>(v[i + j]) * v[i + j];
  for (; i < 2 * count; ++i)
    lanes[0] += static_cast<double>(v[i]) * v[i];
  return sumLanes(lanes);
}

OTAPHY_CLONES Cf matched(const Cf* channel, const Cf* sent, const Cf* received) {
  const float* h = reinterpret_cast<const float*>(channel);
  const float* x = reinterpret_cast<const float*>(sent);
  const float* y = reinterpret_cast<const float*>(received);
  constexpr int kWhole = kLoadedCarriers / 4 * 4;
  static_assert(kWhole == kLoadedCarriers);
  float re[4] = {}, im[4] = {};
  for (int k = 0; k < kWhole; k += 4)
    for (int j = 0; j < 4; ++j) {
      const int i = 2 * (k + j);
      const float ar = h[i] * x[i] - h[i + 1] * x[i + 1], ai = h[i] * x[i + 1] + h[i + 1] * x[i];
      re[j] += ar * y[i] + ai * y[i + 1];
      im[j] += ar * y[i + 1] - ai * y[i];
    }
  return {(re[0] + re[1]) + (re[2] + re[3]), (im[0] + im[1]) + (im[2] + im[3])};
}

OTAPHY_CLONES float residual(const Cf* channel, const Cf* sent, const Cf* received, Cf turn) {
  float lanes[4] = {};
  for (int k = 0; k < kLoadedCarriers; k += 4)
    for (int j = 0; j < 4; ++j) {
      const Cf e = received[k + j] - channel[k + j] * sent[k + j] * turn;
      lanes[j] += e.real() * e.real() + e.imag() * e.imag();
    }
  return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

OTAPHY_CLONES void accumulate(Cf* sum, const Cf* received, const Cf* sent, Cf turn) {
  for (int k = 0; k < kLoadedCarriers; ++k)
    sum[k] += received[k] * std::conj(sent[k]) * turn;
}

} // namespace otabench::phy
