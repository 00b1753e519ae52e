// Body of ldpc_kernels_<isa>.cpp. No standard templates in here: they would be emitted with this file's
// instruction set and might be picked by the linker for everyone.
#include "ldpc_kernels.hpp"

#if defined(__AVX2__) || defined(__SSE2__)
#include <immintrin.h>
#endif

namespace otabench::phy::fec {
namespace {

#define OTABENCH_INLINE inline __attribute__((always_inline))
#define OTABENCH_LAMBDA __attribute__((always_inline))

// Instrumented and unrolled for each number of edges, this file takes minutes to compile.
#if defined(__SANITIZE_ADDRESS__)
#define OTABENCH_UNROLL
#else
#define OTABENCH_UNROLL _Pragma("GCC unroll 20")
#endif

#if defined(__AVX512BW__)

using Native = __m512i;
OTABENCH_INLINE Native load(const std::int8_t* p) { return _mm512_loadu_si512(p); }
OTABENCH_INLINE void store(std::int8_t* p, Native v) { _mm512_storeu_si512(p, v); }
OTABENCH_INLINE Native zero() { return _mm512_setzero_si512(); }
OTABENCH_INLINE Native all(char v) { return _mm512_set1_epi8(v); }
OTABENCH_INLINE Native addSaturated(Native a, Native b) { return _mm512_adds_epi8(a, b); }
OTABENCH_INLINE Native subSaturated(Native a, Native b) { return _mm512_subs_epi8(a, b); }
OTABENCH_INLINE Native subUnsigned(Native a, Native b) { return _mm512_subs_epu8(a, b); }
OTABENCH_INLINE Native magnitude(Native v) { return _mm512_abs_epi8(v); }
OTABENCH_INLINE Native least(Native a, Native b) { return _mm512_min_epu8(a, b); }
OTABENCH_INLINE Native most(Native a, Native b) { return _mm512_max_epu8(a, b); }
OTABENCH_INLINE Native exclusive(Native a, Native b) { return _mm512_xor_si512(a, b); }
OTABENCH_INLINE Native either(Native a, Native b) { return _mm512_or_si512(a, b); }
OTABENCH_INLINE Native ifEqual(Native a, Native b, Native yes, Native no) {
  return _mm512_mask_blend_epi8(_mm512_cmpeq_epi8_mask(a, b), no, yes);
}
OTABENCH_INLINE Native withSign(Native v, Native sign) {
  return _mm512_mask_sub_epi8(v, _mm512_movepi8_mask(sign), zero(), v);
}
OTABENCH_INLINE bool anyNegative(Native v) { return _mm512_movepi8_mask(v) != 0; }

#elif defined(__AVX2__)

using Native = __m256i;
OTABENCH_INLINE Native load(const std::int8_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
OTABENCH_INLINE void store(std::int8_t* p, Native v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
}
OTABENCH_INLINE Native zero() { return _mm256_setzero_si256(); }
OTABENCH_INLINE Native all(char v) { return _mm256_set1_epi8(v); }
OTABENCH_INLINE Native addSaturated(Native a, Native b) { return _mm256_adds_epi8(a, b); }
OTABENCH_INLINE Native subSaturated(Native a, Native b) { return _mm256_subs_epi8(a, b); }
OTABENCH_INLINE Native subUnsigned(Native a, Native b) { return _mm256_subs_epu8(a, b); }
OTABENCH_INLINE Native magnitude(Native v) { return _mm256_abs_epi8(v); }
OTABENCH_INLINE Native least(Native a, Native b) { return _mm256_min_epu8(a, b); }
OTABENCH_INLINE Native most(Native a, Native b) { return _mm256_max_epu8(a, b); }
OTABENCH_INLINE Native exclusive(Native a, Native b) { return _mm256_xor_si256(a, b); }
OTABENCH_INLINE Native either(Native a, Native b) { return _mm256_or_si256(a, b); }
OTABENCH_INLINE Native ifEqual(Native a, Native b, Native yes, Native no) {
  return _mm256_blendv_epi8(no, yes, _mm256_cmpeq_epi8(a, b));
}
OTABENCH_INLINE Native withSign(Native v, Native sign) { return _mm256_sign_epi8(v, either(sign, all(1))); }
OTABENCH_INLINE bool anyNegative(Native v) { return _mm256_movemask_epi8(v) != 0; }

#elif defined(__SSE2__)

using Native = __m128i;
OTABENCH_INLINE Native load(const std::int8_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
OTABENCH_INLINE void store(std::int8_t* p, Native v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }
OTABENCH_INLINE Native zero() { return _mm_setzero_si128(); }
OTABENCH_INLINE Native all(char v) { return _mm_set1_epi8(v); }
OTABENCH_INLINE Native addSaturated(Native a, Native b) { return _mm_adds_epi8(a, b); }
OTABENCH_INLINE Native subSaturated(Native a, Native b) { return _mm_subs_epi8(a, b); }
OTABENCH_INLINE Native subUnsigned(Native a, Native b) { return _mm_subs_epu8(a, b); }
OTABENCH_INLINE Native least(Native a, Native b) { return _mm_min_epu8(a, b); }
OTABENCH_INLINE Native most(Native a, Native b) { return _mm_max_epu8(a, b); }
OTABENCH_INLINE Native exclusive(Native a, Native b) { return _mm_xor_si128(a, b); }
OTABENCH_INLINE Native either(Native a, Native b) { return _mm_or_si128(a, b); }
OTABENCH_INLINE Native both(Native a, Native b) { return _mm_and_si128(a, b); }
OTABENCH_INLINE Native ifEqual(Native a, Native b, Native yes, Native no) {
  const Native mask = _mm_cmpeq_epi8(a, b);
  return either(both(mask, yes), _mm_andnot_si128(mask, no));
}
OTABENCH_INLINE Native withSign(Native v, Native sign) {
  const Native mask = _mm_cmpgt_epi8(zero(), sign);
  return _mm_sub_epi8(exclusive(v, mask), mask);
}
OTABENCH_INLINE Native magnitude(Native v) { return withSign(v, v); }
OTABENCH_INLINE bool anyNegative(Native v) { return _mm_movemask_epi8(v) != 0; }

#else // plain C++

struct Native {
  std::int8_t b[16];
};
template <typename F> OTABENCH_INLINE Native each(F f) {
  Native r;
  for (int i = 0; i < 16; ++i)
    r.b[i] = static_cast<std::int8_t>(f(i));
  return r;
}
OTABENCH_INLINE int clip(int v) { return v > 127 ? 127 : v < -128 ? -128 : v; }
OTABENCH_INLINE int byteOf(std::int8_t v) { return static_cast<std::uint8_t>(v); }
OTABENCH_INLINE Native load(const std::int8_t* p) {
  return each([&](int i) { return p[i]; });
}
OTABENCH_INLINE void store(std::int8_t* p, Native v) {
  for (int i = 0; i < 16; ++i)
    p[i] = v.b[i];
}
OTABENCH_INLINE Native all(char v) {
  return each([&](int) { return v; });
}
OTABENCH_INLINE Native zero() { return all(0); }
OTABENCH_INLINE Native addSaturated(Native a, Native b) {
  return each([&](int i) { return clip(a.b[i] + b.b[i]); });
}
OTABENCH_INLINE Native subSaturated(Native a, Native b) {
  return each([&](int i) { return clip(a.b[i] - b.b[i]); });
}
OTABENCH_INLINE Native subUnsigned(Native a, Native b) {
  return each([&](int i) { return byteOf(a.b[i]) > byteOf(b.b[i]) ? byteOf(a.b[i]) - byteOf(b.b[i]) : 0; });
}
OTABENCH_INLINE Native magnitude(Native v) {
  return each([&](int i) { return v.b[i] < 0 ? -v.b[i] : v.b[i]; });
}
OTABENCH_INLINE Native least(Native a, Native b) {
  return each([&](int i) { return byteOf(a.b[i]) < byteOf(b.b[i]) ? a.b[i] : b.b[i]; });
}
OTABENCH_INLINE Native most(Native a, Native b) {
  return each([&](int i) { return byteOf(a.b[i]) > byteOf(b.b[i]) ? a.b[i] : b.b[i]; });
}
OTABENCH_INLINE Native exclusive(Native a, Native b) {
  return each([&](int i) { return a.b[i] ^ b.b[i]; });
}
OTABENCH_INLINE Native either(Native a, Native b) {
  return each([&](int i) { return a.b[i] | b.b[i]; });
}
OTABENCH_INLINE Native both(Native a, Native b) {
  return each([&](int i) { return a.b[i] & b.b[i]; });
}
OTABENCH_INLINE Native ifEqual(Native a, Native b, Native yes, Native no) {
  return each([&](int i) { return a.b[i] == b.b[i] ? yes.b[i] : no.b[i]; });
}
OTABENCH_INLINE Native withSign(Native v, Native sign) {
  return each([&](int i) { return sign.b[i] < 0 ? -v.b[i] : v.b[i]; });
}
OTABENCH_INLINE bool anyNegative(Native v) {
  bool any = false;
  for (int i = 0; i < 16; ++i)
    any |= v.b[i] < 0;
  return any;
}

#endif

/// 64 bytes whatever the instruction set, so that addresses are worked out once for as many.
struct Bytes {
  static constexpr int kParts = kWidestVector / sizeof(Native);
  Native part[kParts];
};

template <typename F> OTABENCH_INLINE Bytes parts(F f) {
  Bytes r;
#pragma GCC unroll 4
  for (int i = 0; i < Bytes::kParts; ++i)
    r.part[i] = f(i);
  return r;
}
OTABENCH_INLINE Bytes addSaturated(Bytes a, Bytes b) {
  return parts([&](int i) OTABENCH_LAMBDA { return addSaturated(a.part[i], b.part[i]); });
}
OTABENCH_INLINE Bytes subSaturated(Bytes a, Bytes b) {
  return parts([&](int i) OTABENCH_LAMBDA { return subSaturated(a.part[i], b.part[i]); });
}
OTABENCH_INLINE Bytes magnitude(Bytes a) {
  return parts([&](int i) OTABENCH_LAMBDA { return magnitude(a.part[i]); });
}
OTABENCH_INLINE Bytes least(Bytes a, Bytes b) {
  return parts([&](int i) OTABENCH_LAMBDA { return least(a.part[i], b.part[i]); });
}
OTABENCH_INLINE Bytes most(Bytes a, Bytes b) {
  return parts([&](int i) OTABENCH_LAMBDA { return most(a.part[i], b.part[i]); });
}
OTABENCH_INLINE Bytes exclusive(Bytes a, Bytes b) {
  return parts([&](int i) OTABENCH_LAMBDA { return exclusive(a.part[i], b.part[i]); });
}
OTABENCH_INLINE Bytes either(Bytes a, Bytes b) {
  return parts([&](int i) OTABENCH_LAMBDA { return either(a.part[i], b.part[i]); });
}
OTABENCH_INLINE Bytes ifEqual(Bytes a, Bytes b, Bytes yes, Bytes no) {
  return parts([&](int i) OTABENCH_LAMBDA { return ifEqual(a.part[i], b.part[i], yes.part[i], no.part[i]); });
}
OTABENCH_INLINE Bytes withSign(Bytes v, Bytes sign) {
  return parts([&](int i) OTABENCH_LAMBDA { return withSign(v.part[i], sign.part[i]); });
}
OTABENCH_INLINE Bytes load64(const std::int8_t* p) {
  constexpr int kStep = sizeof(Native);
  return parts([&](int i) OTABENCH_LAMBDA { return load(p + i * kStep); });
}
OTABENCH_INLINE void store64(std::int8_t* p, Bytes v) {
#pragma GCC unroll 4
  for (int i = 0; i < Bytes::kParts; ++i)
    store(p + i * static_cast<int>(sizeof(Native)), v.part[i]);
}
OTABENCH_INLINE Bytes all64(char v) {
  return parts([&](int) OTABENCH_LAMBDA { return all(v); });
}
OTABENCH_INLINE bool anyNegative(Bytes v) {
  bool any = false;
  for (int i = 0; i < Bytes::kParts; ++i)
    any |= anyNegative(v.part[i]);
  return any;
}

constexpr int kWidth = kWidestVector;

/// Offset min-sum, limited.
OTABENCH_INLINE Bytes weaken(Bytes v) {
  return parts([&](int i) OTABENCH_LAMBDA {
    return least(subUnsigned(v.part[i], all(kOffset)), all(kGreatestMessage));
  });
}

/// One layer. With a fixed number of edges loops unroll and what fits stays in registers; 0: any number.
/// Core rows have no parity column of their own, and theirs are the checks that tell whether to stop.
template <int kDegree, bool kCore> bool runLayer(const LdpcLayer& layer, LdpcState& state) {
  constexpr int kRoom = kDegree > 0 ? kDegree : kMaxDegree;
  const int degree = kDegree > 0 ? kDegree : layer.degree, z = state.liftingSize;
  const std::int8_t* from[kRoom];
  std::int8_t* to[kRoom];
  int turn[kRoom];
  for (int e = 0; e < degree; ++e) {
    const int column = layer.edges[e].column;
    std::int8_t* pair = state.buffers + 2 * state.stride * column;
    const int held = state.current[column];
    from[e] = pair + (held != 0 ? state.stride : 0);
    to[e] = pair + (held != 0 ? 0 : state.stride);
    turn[e] = layer.edges[e].turn;
    state.current[column] = static_cast<std::uint8_t>(held ^ 1);
  }
  std::int8_t* message = state.messages + layer.messages;
  const std::int8_t* own = kCore ? nullptr : state.own + state.ownStride * layer.own;

  Bytes failed = all64(0);
  for (int at = 0; at < z; at += kWidth, message += degree * kWidth) {
    Bytes extrinsic[kRoom];
    Bytes sign = all64(0), parity = all64(0), first = all64(-1), second = all64(-1);
    if (!kCore) {
      sign = load64(own + at);
      first = magnitude(sign);
    }
OTABENCH_UNROLL
    for (int e = 0; e < degree; ++e) {
      int offset = turn[e] + at;
      offset -= offset >= z ? z : 0;
      const Bytes posterior = load64(from[e] + offset);
      const Bytes v = subSaturated(posterior, load64(message + e * kWidth));
      const Bytes m = magnitude(v);
      extrinsic[e] = v;
      if (kCore)
        parity = exclusive(parity, posterior);
      sign = exclusive(sign, v);
      second = least(second, most(first, m));
      first = least(first, m);
    }
    if (kCore && at + kWidth > z) { // lanes beyond Z hold nothing
      std::int8_t lanes[kWidth];
      store64(lanes, parity);
      for (int i = z - at; i < kWidth; ++i)
        lanes[i] = 0;
      parity = load64(lanes);
    }
    if (kCore)
      failed = either(failed, parity);
    const Bytes weakFirst = weaken(first), weakSecond = weaken(second);
OTABENCH_UNROLL
    for (int e = 0; e < degree; ++e) {
      const Bytes v = extrinsic[e];
      const Bytes r = withSign(ifEqual(magnitude(v), first, weakSecond, weakFirst), exclusive(sign, v));
      store64(message + e * kWidth, r);
      store64(to[e] + at, addSaturated(v, r));
    }
  }
  for (int e = 0; e < degree; ++e)
    store64(to[e] + z, load64(to[e]));
  return kCore && anyNegative(failed);
}

bool runLayer(const LdpcLayer& layer, LdpcState& state) {
#if defined(__SANITIZE_ADDRESS__)
  return layer.own < 0 ? runLayer<0, true>(layer, state) : runLayer<0, false>(layer, state);
#else
#define OTABENCH_DEGREE(n, core)                                                                             \
  case n:                                                                                                    \
    return runLayer<n, core>(layer, state);
  if (layer.own < 0)
    switch (layer.degree) { // 8, 10 or 19, less the columns that are all filler
      OTABENCH_DEGREE(2, true)
      OTABENCH_DEGREE(3, true)
      OTABENCH_DEGREE(4, true)
      OTABENCH_DEGREE(5, true)
      OTABENCH_DEGREE(6, true)
      OTABENCH_DEGREE(7, true)
      OTABENCH_DEGREE(8, true)
      OTABENCH_DEGREE(9, true)
      OTABENCH_DEGREE(10, true)
      OTABENCH_DEGREE(11, true)
      OTABENCH_DEGREE(12, true)
      OTABENCH_DEGREE(13, true)
      OTABENCH_DEGREE(14, true)
      OTABENCH_DEGREE(15, true)
      OTABENCH_DEGREE(16, true)
      OTABENCH_DEGREE(17, true)
      OTABENCH_DEGREE(18, true)
      OTABENCH_DEGREE(19, true)
    }
  else
    switch (layer.degree) {
      OTABENCH_DEGREE(1, false)
      OTABENCH_DEGREE(2, false)
      OTABENCH_DEGREE(3, false)
      OTABENCH_DEGREE(4, false)
      OTABENCH_DEGREE(5, false)
      OTABENCH_DEGREE(6, false)
      OTABENCH_DEGREE(7, false)
      OTABENCH_DEGREE(8, false)
      OTABENCH_DEGREE(9, false)
      OTABENCH_DEGREE(10, false)
    }
#undef OTABENCH_DEGREE
  return false; // no base graph has such a row
#endif
}

bool runLayers(const LdpcLayer* layers, int count, LdpcState& state) {
  bool failed = false;
  for (int i = 0; i < count; ++i)
    failed |= runLayer(layers[i], state);
  return failed;
}

} // namespace

const LdpcKernel OTABENCH_KERNEL = {runLayers};

} // namespace otabench::phy::fec
