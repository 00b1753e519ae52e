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
  constexpr std::size_t kPart = 4096; // counted in 32 bits, as wide as the samples
  for (std::size_t begin = 0; begin < count; begin += kPart) {
    const std::size_t end = begin + kPart < count ? begin + kPart : count;
    std::int32_t outside = 0;
    for (std::size_t i = begin; i < end; ++i) {
      const float x = iq[2 * i];
      const float y = iq[2 * i + 1];
      // A NaN fails every comparison, so it counts here and is made 0.
      const float ax = __builtin_fabsf(x);
      const float ay = __builtin_fabsf(y);
      outside += (ax <= 1.0f ? 0 : 1) | (ay <= 1.0f ? 0 : 1);
      re[i] = x == x ? clip(x) : 0.0f;
      im[i] = y == y ? clip(y) : 0.0f;
    }
    clipped += static_cast<std::size_t>(outside);
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

void firReal(const float* xRe, const float* xIm, const float* c, std::size_t lagCount, std::size_t outputs,
             float* yRe, float* yIm) {
  firPlane(xRe, c, lagCount, outputs, yRe);
  firPlane(xIm, c, lagCount, outputs, yIm);
}

// Long filters work on spread samples, plane p holding x[4 j + p]: a lane then serves one output in four, and
// a loaded vector serves the four outputs of every lane instead of one. Plain loads at every lag would be the
// bottleneck, since nearly all of them straddle two cache lines.
OTABENCH_INLINE void spreadOne(const float* __restrict x, std::size_t count, float* __restrict planes,
                               std::size_t stride) {
  float* __restrict p0 = planes;
  float* __restrict p1 = planes + stride;
  float* __restrict p2 = planes + 2 * stride;
  float* __restrict p3 = planes + 3 * stride;
  for (std::size_t j = 0; j < count / kSpread; ++j) {
    p0[j] = x[kSpread * j];
    p1[j] = x[kSpread * j + 1];
    p2[j] = x[kSpread * j + 2];
    p3[j] = x[kSpread * j + 3];
  }
}

void spread(const float* xRe, const float* xIm, std::size_t count, bool withSums, float* planes,
            std::size_t stride) {
  float* const im = planes + kSpread * stride;
  spreadOne(xRe, count, planes, stride);
  spreadOne(xIm, count, im, stride);
  if (!withSums)
    return;
  float* const sum = im + kSpread * stride;
  for (std::size_t p = 0; p < kSpread; ++p)
    for (std::size_t j = 0; j < count / kSpread; ++j)
      sum[p * stride + j] = planes[p * stride + j] + im[p * stride + j];
}

constexpr std::size_t kGroup = kSpread * kNative; // outputs of one vector of each of four accumulators
#if defined(__AVX512F__)
constexpr std::size_t kGroups = 4;
#else
constexpr std::size_t kGroups = 2;
#endif
static_assert(kSpreadOutputs % kGroup == 0 && kBlock % (2 * kGroup) == 0, "outputs must fill groups");

/// out[i][j] = sum over k of c[k] x[at + 4 j + i - k], for Groups vectors of j; lagCount at least 3.
template <std::size_t Groups>
OTABENCH_INLINE void firGroups(const float* planes, std::size_t stride, std::size_t at, const float* c,
                               std::size_t lagCount, float* out) {
  Vector a0[Groups] = {}, a1[Groups] = {}, a2[Groups] = {}, a3[Groups] = {};
  const auto from = [&](std::size_t s) { return planes + (s % kSpread) * stride + s / kSpread; };
  const auto add = [](Vector* a, float p, const float* x) {
    for (std::size_t g = 0; g < Groups; ++g)
      a[g] += p * load(x + g * kNative);
  };
  add(a3, c[0], from(at + 3));
  add(a2, c[0], from(at + 2));
  add(a3, c[1], from(at + 2));
  add(a1, c[0], from(at + 1));
  add(a2, c[1], from(at + 1));
  add(a3, c[2], from(at + 1));
  std::size_t k = 0;
  for (; k + 3 < lagCount; ++k) {
    const float* x = from(at - k);
    const float p0 = c[k], p1 = c[k + 1], p2 = c[k + 2], p3 = c[k + 3];
    for (std::size_t g = 0; g < Groups; ++g) {
      const Vector v = load(x + g * kNative);
      a0[g] += p0 * v;
      a1[g] += p1 * v;
      a2[g] += p2 * v;
      a3[g] += p3 * v;
    }
  }
  add(a0, c[k], from(at - k));
  add(a1, c[k + 1], from(at - k));
  add(a2, c[k + 2], from(at - k));
  add(a0, c[k + 1], from(at - k - 1));
  add(a1, c[k + 2], from(at - k - 1));
  add(a0, c[k + 2], from(at - k - 2));
  for (std::size_t g = 0; g < Groups; ++g) {
    store(out + g * kNative, a0[g]);
    store(out + (Groups + g) * kNative, a1[g]);
    store(out + (2 * Groups + g) * kNative, a2[g]);
    store(out + (3 * Groups + g) * kNative, a3[g]);
  }
}

/// (a + j b) (c + j d) with three products: k1 = c (a + b), k2 = (d - c) a, k3 = (c + d) b.
template <std::size_t Groups>
OTABENCH_INLINE void firSpreadPart(const float* planes, std::size_t stride, std::size_t at, const float* c,
                                   std::size_t lagCount, bool isReal, float* __restrict yRe,
                                   float* __restrict yIm) {
  constexpr std::size_t kLength = Groups * kNative;
  alignas(64) float one[kSpread * kLength], two[kSpread * kLength], three[kSpread * kLength];
  const float* const im = planes + kSpread * stride;
  if (isReal) {
    firGroups<Groups>(planes, stride, at, c, lagCount, one);
    firGroups<Groups>(im, stride, at, c, lagCount, two);
    for (std::size_t j = 0; j < kLength; ++j) {
      for (std::size_t i = 0; i < kSpread; ++i) {
        yRe[kSpread * j + i] = one[i * kLength + j];
        yIm[kSpread * j + i] = two[i * kLength + j];
      }
    }
    return;
  }
  firGroups<Groups>(im + kSpread * stride, stride, at, c, lagCount, one);
  firGroups<Groups>(planes, stride, at, c + lagCount, lagCount, two);
  firGroups<Groups>(im, stride, at, c + 2 * lagCount, lagCount, three);
  for (std::size_t j = 0; j < kLength; ++j) {
    for (std::size_t i = 0; i < kSpread; ++i) {
      yRe[kSpread * j + i] = one[i * kLength + j] - three[i * kLength + j];
      yIm[kSpread * j + i] = one[i * kLength + j] + two[i * kLength + j];
    }
  }
}

void firSpread(const float* planes, std::size_t stride, std::size_t at, const float* c, std::size_t lagCount,
               bool isReal, std::size_t outputs, float* yRe, float* yIm) {
  std::size_t t = 0;
  for (; t + kGroups * kGroup <= outputs; t += kGroups * kGroup)
    firSpreadPart<kGroups>(planes, stride, at + t, c, lagCount, isReal, yRe + t, yIm + t);
  for (; t + 2 * kGroup <= outputs; t += 2 * kGroup)
    firSpreadPart<2>(planes, stride, at + t, c, lagCount, isReal, yRe + t, yIm + t);
  for (; t < outputs; t += kGroup)
    firSpreadPart<1>(planes, stride, at + t, c, lagCount, isReal, yRe + t, yIm + t);
}

template <std::size_t Groups>
OTABENCH_INLINE void slopePart(const float* planes, std::size_t stride, std::size_t at, const float* c,
                               const float* __restrict y, float first, float step, float* __restrict z) {
  constexpr std::size_t kLength = Groups * kNative;
  alignas(64) float d[kSpread * kLength];
  firGroups<Groups>(planes, stride, at, c, 2 * kSlopeHalf + 1, d);
  for (std::size_t j = 0; j < kLength; ++j)
    for (std::size_t i = 0; i < kSpread; ++i)
      z[kSpread * j + i] = y[kSpread * j + i] +
                           step * (first + static_cast<float>(static_cast<std::int32_t>(kSpread * j + i))) *
                               d[i * kLength + j];
}

void slope(const float* planes, std::size_t stride, std::size_t at, const float* c, const float* yRe,
           const float* yIm, float first, float step, std::size_t outputs, float* zRe, float* zIm) {
  const float* const im = planes + kSpread * stride;
  std::size_t t = 0;
  for (; t < outputs; t += 2 * kGroup) {
    const float begin = first + static_cast<float>(static_cast<std::int32_t>(t));
    slopePart<2>(planes, stride, at + t, c, yRe + t, begin, step, zRe + t);
    slopePart<2>(im, stride, at + t, c, yIm + t, begin, step, zIm + t);
  }
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

void phases(const double* table, std::size_t length, std::int64_t first, double ticksPerSample, double start,
            float sign, float* phase) {
  const auto last = static_cast<std::int32_t>(length) - 1;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const double at = static_cast<double>(first + static_cast<std::int64_t>(i)) * ticksPerSample - start;
    const double low = at > 0.0 ? at : 0.0;
    const auto found = static_cast<std::int32_t>(low < last ? low : last);
    const std::int32_t index = found < last ? found : last - 1;
    const double weight = at - static_cast<double>(index);
    phase[i] = sign * static_cast<float>(table[index] + weight * (table[index + 1] - table[index]));
  }
}

void turn(const float* phase, float* re, float* im) {
  for (std::size_t i = 0; i < kBlock; ++i) {
    // Nearest multiple of pi/2 by the rounding of an addition, the rest in +-pi/4.
    const float q = (phase[i] * 0.636619772f + 12582912.0f) - 12582912.0f;
    const auto quadrant = static_cast<std::int32_t>(q);
    const float t = (phase[i] - q * 1.5703125f) - q * 4.83826794897e-4f;
    const float z = t * t;
    float s = (-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f;
    s = s * z * t + t;
    float c = (2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f;
    c = c * z * z - 0.5f * z + 1.0f;
    const bool odd = (quadrant & 1) != 0;
    const float cosine = ((quadrant + 1) & 2) != 0 ? -(odd ? s : c) : (odd ? s : c);
    const float sine = (quadrant & 2) != 0 ? -(odd ? c : s) : (odd ? c : s);
    const float x = re[i];
    const float y = im[i];
    re[i] = x * cosine - y * sine;
    im[i] = x * sine + y * cosine;
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
                                spread,
                                firSpread,
                                slope,
                                crossfade,
                                rotateAdd,
                                phases,
                                turn,
                                finish,
                                dot};

} // namespace otabench::medium::kernels
