#include "waveform.hpp"

#include <cmath>

#include "convolutional.hpp"
#include "random.hpp"
#include "simd.hpp"

namespace otabench::phy {

namespace {

// IEEE 802.11-2020, 17.3.3: long training on -26..-1, 1..26 (PAPR 3.2 dB).
constexpr int kLong[kLoadedCarriers] = {1,  1,  -1, -1, 1, 1, -1, 1,  -1, 1,  1,  1,  1, 1,  1, -1, -1, 1,
                                        1,  -1, 1,  -1, 1, 1, 1,  1,  1,  -1, -1, 1,  1, -1, 1, -1, 1,  -1,
                                        -1, -1, -1, -1, 1, 1, -1, -1, 1,  -1, 1,  -1, 1, 1,  1, 1};
// The same, 17.3.3: short training on -24, -20 .. -4, 4 .. 24, times (1+j)/sqrt 2.
constexpr int kShort[12] = {1, -1, 1, -1, -1, 1, -1, -1, 1, 1, 1, 1};

constexpr double kPi = 3.14159265358979323846;

/** Time-domain sample n of carriers with unit mean sample power. */
Cd synthesise(const CarrierVector& values, int n) {
  Cd sum = 0;
  for (int i = 0; i < kLoadedCarriers; ++i)
    sum += Cd(values[i]) * std::polar(1.0, 2 * kPi * loadedCarriers()[i] * n / kCarriers);
  return sum / std::sqrt(static_cast<double>(kLoadedCarriers));
}

Waveform build() {
  Waveform w{};
  const auto carriers = loadedCarriers();
  int pilots = 0, data = 0, empty = 0;
  for (int i = 0; i < kLoadedCarriers; ++i) {
    w.bin[i] = (carriers[i] + kCarriers) % kCarriers;
    if (isPilotCarrier(carriers[i]))
      w.pilot[pilots++] = i;
    else
      w.data[data++] = i;
    w.longTraining[i] = static_cast<float>(kLong[i]);
    w.shortTraining[i] = 0;
  }
  for (int bin = kHighestCarrier + 1; bin < kCarriers - kHighestCarrier; ++bin)
    w.emptyBin[empty++] = bin;
  const auto amplitude = static_cast<float>(std::sqrt(kLoadedCarriers / 12.0 / 2.0));
  for (int i = 0, line = 0; i < kLoadedCarriers; ++i)
    if (carriers[i] % 4 == 0) {
      const float v = amplitude * static_cast<float>(kShort[line++]);
      w.shortTraining[i] = {v, v};
    }
  for (int n = 0; n < kShortSamples; ++n)
    w.preamble[n] = Cf(synthesise(w.shortTraining, n));
  for (int n = 0; n < kLongSamples; ++n)
    w.preamble[kShortSamples + n] = Cf(synthesise(w.longTraining, n - kLongPrefix));

  for (int slot = 0; slot < static_cast<int>(w.headerBit.size()); ++slot) {
    // 115 is coprime to the 312 coded bits; a bit's repetitions lie 3 symbols and 12 carriers apart.
    w.headerBit[slot] = static_cast<std::uint16_t>(slot * 115 % kHeaderCodedBits);
    w.headerAmplitude[slot] = (splitMix64(0x11EAD00000000ULL + slot) >> 63) != 0 ? 0.70710678F : -0.70710678F;
  }
  for (std::size_t m = 0; m < w.pilotSign.size(); ++m)
    for (int p = 0; p < kPilotCarriers; ++p)
      w.pilotSign[m][p] = (splitMix64(0x9110700000000ULL + m * kPilotCarriers + p) >> 63) != 0 ? 1.0F : -1.0F;
  return w;
}

OTAPHY_CLONES void hashCounters(std::uint64_t seed, std::uint64_t* out, int count) {
  for (int i = 0; i < count; ++i)
    out[i] = splitMix64(seed + static_cast<std::uint64_t>(i));
}

OTAPHY_CLONES void doubleRotation(float* t, int count, double re, double im, double byRe, double byIm) {
  t[0] = static_cast<float>(re);
  t[1] = static_cast<float>(im);
  for (int have = 1; have < count; have *= 2) {
    const int more = count - have < have ? count - have : have;
    const auto c = static_cast<float>(byRe), s = static_cast<float>(byIm);
    float* next = t + 2 * have;
    for (int n = 0; n < more; ++n) {
      next[2 * n] = t[2 * n] * c - t[2 * n + 1] * s;
      next[2 * n + 1] = t[2 * n] * s + t[2 * n + 1] * c;
    }
    const double square = byRe * byRe - byIm * byIm;
    byIm = 2 * byRe * byIm;
    byRe = square;
  }
}

} // namespace

const Waveform& waveform() {
  static const Waveform instance = build();
  return instance;
}

Cf fillerSymbol(int sequence, std::int64_t position) {
  const std::uint64_t bits =
      splitMix64((static_cast<std::uint64_t>(sequence) << 40) + 0xF111E5000000ULL + position);
  constexpr float a = 0.70710678F;
  return {(bits >> 63) != 0 ? a : -a, ((bits >> 62) & 1) != 0 ? a : -a};
}

void burstScramble(int sequence, int count, std::vector<std::uint32_t>& moves) {
  moves.resize(static_cast<std::size_t>(count));
  std::uint32_t* m = moves.data();
  const std::uint64_t seed = splitMix64(0x5EEDULL + static_cast<std::uint64_t>(sequence)) & ~0xFFFFFFULL;
  constexpr int kBlock = 512;
  std::uint64_t random[kBlock];
  for (int block = 0; block < count; block += kBlock) {
    const int n = count - block < kBlock ? count - block : kBlock;
    hashCounters(seed + static_cast<std::uint64_t>(block), random, n);
    for (int j = 0; j < n; ++j) {
      // Inside-out Fisher-Yates; the high 32 bits choose, the low 2 turn.
      const auto i = static_cast<std::uint32_t>(block + j);
      const auto pick = static_cast<std::uint32_t>(((random[j] >> 32) * (i + 1ULL)) >> 32);
      m[i] = m[pick];
      m[pick] = i | static_cast<std::uint32_t>(random[j] << 30);
    }
  }
}

void fillRotation(Cf* table, int count, double phase, double step) {
  const Cd first = std::polar(1.0, phase), by = std::polar(1.0, step);
  doubleRotation(reinterpret_cast<float*>(table), count, first.real(), first.imag(), by.real(), by.imag());
}

} // namespace otabench::phy
