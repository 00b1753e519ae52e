// Body of kernels_<isa>.cpp. No standard templates in here: they would be emitted with this file's
// instruction set and might be picked by the linker for everyone.
#include "kernels.hpp"

namespace otabench::medium::kernels {
namespace {

using Floats = float __attribute__((vector_size(64)));
using Ints = std::int32_t __attribute__((vector_size(64)));
using Words = std::uint32_t __attribute__((vector_size(64)));
constexpr std::size_t kLanes = 16;

#define OTABENCH_INLINE inline __attribute__((always_inline))

OTABENCH_INLINE Floats select(Ints mask, Floats yes, Floats no) {
  return (Floats)(((Ints)yes & mask) | ((Ints)no & ~mask));
}

struct Generator {
  Words s0, s1, s2, s3;
};

// xoshiro128++ (Blackman and Vigna), one generator per lane.
OTABENCH_INLINE Words next(Generator& g) {
  const Words sum = g.s0 + g.s3;
  const Words result = ((sum << 7) | (sum >> 25)) + g.s0;
  const Words shifted = g.s1 << 9;
  g.s2 ^= g.s0;
  g.s3 ^= g.s1;
  g.s1 ^= g.s2;
  g.s0 ^= g.s3;
  g.s2 ^= shifted;
  g.s3 = (g.s3 << 11) | (g.s3 >> 21);
  return result;
}

// Natural logarithm of u in (0, 1], polynomial of Cephes logf (relative error below 2e-7).
OTABENCH_INLINE Floats naturalLog(Floats u) {
  const Ints bits = (Ints)u;
  Ints exponent = (bits >> 23) - 126;
  Floats m = (Floats)((bits & 0x007fffff) | 0x3f000000); // [0.5, 1)
  const Ints small = m < 0.70710678f;
  exponent += small; // a true comparison is -1
  m = select(small, m + m, m) - 1.0f;
  const Floats z = m * m;
  Floats p = 7.0376836292e-2f * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  const Floats e = __builtin_convertvector(exponent, Floats);
  const Floats tail = p * m * z - 2.12194440e-4f * e - 0.5f * z;
  return m + tail + 0.693359375f * e;
}

void noise(const NoiseSeed& seed, float* re, float* im) {
  Generator radius;
  Generator angle;
  __builtin_memcpy(&radius.s0, &seed.word[0][0], 64);
  __builtin_memcpy(&radius.s1, &seed.word[1][0], 64);
  __builtin_memcpy(&radius.s2, &seed.word[2][0], 64);
  __builtin_memcpy(&radius.s3, &seed.word[3][0], 64);
  __builtin_memcpy(&angle.s0, &seed.word[0][kLanes], 64);
  __builtin_memcpy(&angle.s1, &seed.word[1][kLanes], 64);
  __builtin_memcpy(&angle.s2, &seed.word[2][kLanes], 64);
  __builtin_memcpy(&angle.s3, &seed.word[3][kLanes], 64);
  for (std::size_t i = 0; i < kNoiseBlock; i += kLanes) {
    // 31 bits plus a half: never 0, small values keep their precision, so the tail reaches 6.6 sigma.
    const Ints high = (Ints)(next(radius) >> 1);
    const Floats u = (__builtin_convertvector(high, Floats) + 0.5f) * 4.656612873e-10f;
    const Floats r2 = -naturalLog(u);
    alignas(64) float squared[kLanes];
    __builtin_memcpy(squared, &r2, 64);
    for (std::size_t k = 0; k < kLanes; ++k) // rounding may leave a tiny negative where u is 1
      squared[k] = __builtin_sqrtf(squared[k] > 0.0f ? squared[k] : 0.0f);
    Floats r;
    __builtin_memcpy(&r, squared, 64);

    // Top two bits choose the quadrant, the other thirty an angle in +-pi/4.
    const Words w = next(angle);
    const Words quadrant = w >> 30;
    const Floats t = __builtin_convertvector((Ints)(w << 2), Floats) * 3.657341890e-10f; // (pi/2) / 2^32
    const Floats z = t * t;
    Floats s = (-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f;
    s = s * z * t + t;
    Floats c = (2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f;
    c = c * z * z - 0.5f * z + 1.0f;
    const Ints odd = -(Ints)(quadrant & 1);
    const Ints negateRe = (Ints)(((quadrant + 1) & 2) << 30);
    const Ints negateIm = (Ints)((quadrant & 2) << 30);
    const Floats x = r * (Floats)((Ints)select(odd, s, c) ^ negateRe);
    const Floats y = r * (Floats)((Ints)select(odd, c, s) ^ negateIm);
    __builtin_memcpy(re + i, &x, 64);
    __builtin_memcpy(im + i, &y, 64);
  }
}

OTABENCH_INLINE float clip(float value) {
  const float low = value < -1.0f ? -1.0f : value;
  return low > 1.0f ? 1.0f : low;
}

std::size_t splitAndClip(const float* iq, std::size_t count, float* re, float* im) {
  std::size_t clipped = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float x = iq[2 * i];
    const float y = iq[2 * i + 1];
    // A NaN fails every comparison, so it counts here and is made 0.
    const bool inside = x >= -1.0f && x <= 1.0f && y >= -1.0f && y <= 1.0f;
    clipped += inside ? 0 : 1;
    re[i] = x == x ? clip(x) : 0.0f;
    im[i] = y == y ? clip(y) : 0.0f;
  }
  return clipped;
}

void addTap(const float* low, const float* high, float weight, float aRe, float aIm, float* cRe, float* cIm) {
  for (std::size_t k = 0; k < kSincTaps; ++k) {
    const float h = low[k] + weight * (high[k] - low[k]);
    cRe[k] += aRe * h;
    cIm[k] += aIm * h;
  }
}

// Filters use the processor's own vector width: wider ones would be lowered through memory. Eight
// accumulators hide the latency of the multiply-adds.
#if defined(__AVX512F__)
constexpr std::size_t kNative = 16;
#elif defined(__AVX__)
constexpr std::size_t kNative = 8;
#else
constexpr std::size_t kNative = 4;
#endif
using Vector = float __attribute__((vector_size(kNative * sizeof(float))));
constexpr std::size_t kUnroll = 4;
constexpr std::size_t kStrip = kUnroll * kNative;
static_assert(kBlock % kStrip == 0, "strips must fill a block");

OTABENCH_INLINE Vector load(const float* from) {
  Vector v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
OTABENCH_INLINE void store(float* to, Vector v) {
  __builtin_memcpy(to, &v, sizeof v);
}

void firComplex(const float* xRe, const float* xIm, const float* cRe, const float* cIm, std::size_t lagCount,
                std::size_t outputs, float* yRe, float* yIm) {
  std::size_t i = 0;
  for (; i + kStrip <= outputs; i += kStrip) {
    Vector a0 = {}, a1 = {}, a2 = {}, a3 = {};
    Vector b0 = {}, b1 = {}, b2 = {}, b3 = {};
    for (std::size_t k = 0; k < lagCount; ++k) {
      const float* re = xRe + i - k;
      const float* im = xIm + i - k;
      const Vector r0 = load(re), r1 = load(re + kNative), r2 = load(re + 2 * kNative),
                   r3 = load(re + 3 * kNative);
      const Vector m0 = load(im), m1 = load(im + kNative), m2 = load(im + 2 * kNative),
                   m3 = load(im + 3 * kNative);
      const float p = cRe[k];
      const float q = cIm[k];
      a0 += p * r0;
      a1 += p * r1;
      a2 += p * r2;
      a3 += p * r3;
      b0 += p * m0;
      b1 += p * m1;
      b2 += p * m2;
      b3 += p * m3;
      a0 -= q * m0;
      a1 -= q * m1;
      a2 -= q * m2;
      a3 -= q * m3;
      b0 += q * r0;
      b1 += q * r1;
      b2 += q * r2;
      b3 += q * r3;
    }
    store(yRe + i, a0);
    store(yRe + i + kNative, a1);
    store(yRe + i + 2 * kNative, a2);
    store(yRe + i + 3 * kNative, a3);
    store(yIm + i, b0);
    store(yIm + i + kNative, b1);
    store(yIm + i + 2 * kNative, b2);
    store(yIm + i + 3 * kNative, b3);
  }
  for (; i < outputs; i += kNative) {
    Vector a = {};
    Vector b = {};
    Vector c = {};
    Vector d = {};
    for (std::size_t k = 0; k < lagCount; ++k) {
      const Vector re = load(xRe + i - k);
      const Vector im = load(xIm + i - k);
      a += cRe[k] * re;
      b += cRe[k] * im;
      c += cIm[k] * im;
      d += cIm[k] * re;
    }
    store(yRe + i, a - c);
    store(yIm + i, b + d);
  }
}

OTABENCH_INLINE void firPlane(const float* x, const float* c, std::size_t lagCount, std::size_t outputs,
                              float* y) {
  std::size_t i = 0;
  for (; i + kStrip <= outputs; i += kStrip) {
    Vector a0 = {}, a1 = {}, a2 = {}, a3 = {};
    for (std::size_t k = 0; k < lagCount; ++k) {
      const float* at = x + i - k;
      const float p = c[k];
      a0 += p * load(at);
      a1 += p * load(at + kNative);
      a2 += p * load(at + 2 * kNative);
      a3 += p * load(at + 3 * kNative);
    }
    store(y + i, a0);
    store(y + i + kNative, a1);
    store(y + i + 2 * kNative, a2);
    store(y + i + 3 * kNative, a3);
  }
  for (; i < outputs; i += kNative) {
    Vector a = {};
    for (std::size_t k = 0; k < lagCount; ++k)
      a += c[k] * load(x + i - k);
    store(y + i, a);
  }
}

OTABENCH_INLINE void shiftPlane(const float* y, const float* slope, float drift, float* z) {
  for (std::size_t i = 0; i < kBlock; i += kNative) {
    const float* at = y + i + kSlopeHalf;
    Vector derivative = {};
    for (std::size_t k = 1; k <= kSlopeHalf; ++k)
      derivative += slope[k - 1] * (load(at + k) - load(at - k));
    Vector along;
    for (std::size_t j = 0; j < kNative; ++j)
      along[j] =
          drift *
          (static_cast<float>(static_cast<std::int32_t>(i + j)) * (1.0f / static_cast<float>(kBlock)) - 0.5f);
    store(z + i, load(at) + along * derivative);
  }
}

void shift(const float* yRe, const float* yIm, const float* slope, float drift, float* zRe, float* zIm) {
  shiftPlane(yRe, slope, drift, zRe);
  shiftPlane(yIm, slope, drift, zIm);
}

void firReal(const float* xRe, const float* xIm, const float* c, std::size_t lagCount, std::size_t outputs,
             float* yRe, float* yIm) {
  firPlane(xRe, c, lagCount, outputs, yRe);
  firPlane(xIm, c, lagCount, outputs, yIm);
}

void crossfade(float* yRe, float* yIm, const float* zRe, const float* zIm) {
  for (std::size_t i = 0; i < kBlock; ++i) {
    const float weight =
        static_cast<float>(static_cast<std::int32_t>(i)) * (1.0f / static_cast<float>(kBlock));
    yRe[i] += weight * (zRe[i] - yRe[i]);
    yIm[i] += weight * (zIm[i] - yIm[i]);
  }
}

void rotateAdd(const float* yRe, const float* yIm, const float* tableRe, const float* tableIm, float phaseRe,
               float phaseIm, float* sumRe, float* sumIm) {
  for (std::size_t i = 0; i < kBlock; ++i) {
    const float c = phaseRe * tableRe[i] - phaseIm * tableIm[i];
    const float s = phaseRe * tableIm[i] + phaseIm * tableRe[i];
    sumRe[i] += yRe[i] * c - yIm[i] * s;
    sumIm[i] += yRe[i] * s + yIm[i] * c;
  }
}

float finish(const float* sRe, const float* sIm, const float* nRe, const float* nIm, float sigma, float* iq) {
  alignas(64) float lane[kLanes] = {};
  for (std::size_t i = 0; i < kBlock; i += kLanes) {
    for (std::size_t k = 0; k < kLanes; ++k) {
      const float x = sRe[i + k] + sigma * nRe[i + k];
      const float y = sIm[i + k] + sigma * nIm[i + k];
      const float ax = __builtin_fabsf(x);
      const float ay = __builtin_fabsf(y);
      const float a = ax > ay ? ax : ay;
      lane[k] = a > lane[k] ? a : lane[k];
      iq[2 * (i + k)] = clip(x);
      iq[2 * (i + k) + 1] = clip(y);
    }
  }
  float greatest = 0.0f;
  for (std::size_t k = 0; k < kLanes; ++k)
    greatest = lane[k] > greatest ? lane[k] : greatest;
  return greatest;
}

void dot(const float* xRe, const float* xIm, const float* cRe, const float* cIm, std::size_t count,
         float* yRe, float* yIm) {
  constexpr std::size_t kWide = 8;
  float re[kWide] = {};
  float im[kWide] = {};
  for (std::size_t k = 0; k < count; k += kWide) {
    for (std::size_t j = 0; j < kWide; ++j) {
      const float r = xRe[k + j];
      const float m = xIm[k + j];
      re[j] += cRe[k + j] * r - cIm[k + j] * m;
      im[j] += cRe[k + j] * m + cIm[k + j] * r;
    }
  }
  float sumRe = 0.0f;
  float sumIm = 0.0f;
  for (std::size_t j = 0; j < kWide; ++j) {
    sumRe += re[j];
    sumIm += im[j];
  }
  *yRe = sumRe;
  *yIm = sumIm;
}

} // namespace

const Table OTABENCH_KERNELS = {OTABENCH_KERNELS_NAME,
                                noise,
                                splitAndClip,
                                addTap,
                                firComplex,
                                firReal,
                                shift,
                                crossfade,
                                rotateAdd,
                                finish,
                                dot};

} // namespace otabench::medium::kernels
