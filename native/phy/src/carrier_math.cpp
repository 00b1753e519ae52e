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

OTAPHY_CLONES void accumulate(Cf* sum, const Cf* received, const Cf* sent, Cf turn) {
  for (int k = 0; k < kLoadedCarriers; ++k)
    sum[k] += received[k] * std::conj(sent[k]) * turn;
}

void split(const CarrierVector& values, SplitVector& out) {
  for (int k = 0; k < kLoadedCarriers; ++k) {
    out.re[k] = values[k].real();
    out.im[k] = values[k].imag();
  }
}

void join(const SplitVector& values, CarrierVector& out) {
  for (int k = 0; k < kLoadedCarriers; ++k)
    out[k] = {values.re[k], values.im[k]};
}

OTAPHY_CLONES void matchedOnes(const CarrierVector& received, const CarrierVector& sent, SplitVector& out) {
  const float* y = reinterpret_cast<const float*>(received.data());
  const float* x = reinterpret_cast<const float*>(sent.data());
  for (int k = 0; k < kLoadedCarriers; ++k) {
    out.re[k] = y[2 * k] * x[2 * k] + y[2 * k + 1] * x[2 * k + 1];
    out.im[k] = y[2 * k + 1] * x[2 * k] - y[2 * k] * x[2 * k + 1];
  }
}

OTAPHY_CLONES void matchedAll(const SplitVector& channel, const SplitVector* z, int count, Cf* out) {
  for (int i = 0; i < count; ++i) {
    float re[kLanes] = {}, im[kLanes] = {};
    const float *zr = z[i].re.data(), *zi = z[i].im.data();
    for (int k = 0; k < kSplitCarriers; k += kLanes)
      for (int j = 0; j < kLanes; ++j) {
        const float hr = channel.re[k + j], hi = channel.im[k + j];
        re[j] += hr * zr[k + j] + hi * zi[k + j];
        im[j] += hr * zi[k + j] - hi * zr[k + j];
      }
    out[i] = {sumLanes(re), sumLanes(im)};
  }
}

OTAPHY_CLONES void residualAll(const SplitVector& channel, const SplitVector* z, const Cf* turns, int count,
                               double* out) {
  for (int i = 0; i < count; ++i) {
    float lanes[kLanes] = {};
    const float *zr = z[i].re.data(), *zi = z[i].im.data();
    const float tr = turns[i].real(), ti = turns[i].imag();
    for (int k = 0; k < kSplitCarriers; k += kLanes)
      for (int j = 0; j < kLanes; ++j) {
        const float hr = channel.re[k + j], hi = channel.im[k + j];
        const float er = zr[k + j] - (hr * tr - hi * ti), ei = zi[k + j] - (hr * ti + hi * tr);
        lanes[j] += er * er + ei * ei;
      }
    out[i] = static_cast<double>(sumLanes(lanes));
  }
}

OTAPHY_CLONES void combineAll(const SplitVector* z, const Cf* turns, int count, const float* scale,
                              SplitVector& out) {
  float re[kSplitCarriers] = {}, im[kSplitCarriers] = {};
  for (int i = 0; i < count; ++i) {
    const float *zr = z[i].re.data(), *zi = z[i].im.data();
    const float tr = turns[i].real(), ti = turns[i].imag();
    for (int k = 0; k < kSplitCarriers; ++k) {
      re[k] += zr[k] * tr + zi[k] * ti;
      im[k] += zi[k] * tr - zr[k] * ti;
    }
  }
  for (int k = 0; k < kSplitCarriers; ++k) {
    out.re[k] = re[k] * scale[k];
    out.im[k] = im[k] * scale[k];
  }
}

} // namespace otabench::phy
