#include "noise.hpp"

#include <cmath>

namespace otabench::medium {
namespace {

// splitmix64 (Steele, Lea, Flood): a bijection that turns counters into independent-looking words.
std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;

// Length goes in first, so that ("ab", "c") and ("a", "bc") differ.
std::uint64_t absorb(std::uint64_t state, const std::string& text) {
  state = mix(state + kGolden + text.size());
  for (const char c : text)
    state = mix((state ^ static_cast<unsigned char>(c)) + kGolden);
  return state;
}

} // namespace

std::uint64_t noiseKey(std::uint64_t seed, const std::string& trialId, const std::string& serial) {
  return absorb(absorb(mix(seed + kGolden), trialId), serial);
}

std::uint64_t linkKey(std::uint64_t seed, const std::string& trialId, const std::string& from,
                      const std::string& to, std::size_t tap) {
  return derivedKey(absorb(absorb(absorb(mix(seed + kGolden), trialId), from), to), tap + 1);
}

std::uint64_t derivedKey(std::uint64_t key, std::uint64_t purpose) {
  return mix(key ^ mix(purpose * kGolden + 1));
}

double gaussianAt(std::uint64_t key, std::uint64_t a, std::uint64_t b) {
  RandomWords words(derivedKey(derivedKey(key, a), b));
  return std::sqrt(2.0) * words.gaussian().real();
}

double RandomWords::uniform() {
  state_ += kGolden;
  return static_cast<double>(mix(state_) >> 11) * 0x1p-53;
}

std::complex<double> RandomWords::gaussian() {
  const double radius = std::sqrt(-std::log(1.0 - uniform()));
  return std::polar(radius, 2.0 * 3.14159265358979323846 * uniform());
}

kernels::NoiseSeed noiseSeed(std::uint64_t key, std::int64_t block) {
  kernels::NoiseSeed seed;
  std::uint64_t counter = mix(key ^ mix(static_cast<std::uint64_t>(block) + kGolden));
  for (auto& words : seed.word) {
    for (std::size_t lane = 0; lane < kernels::kNoiseLanes; lane += 2) {
      counter += kGolden;
      const std::uint64_t value = mix(counter);
      words[lane] = static_cast<std::uint32_t>(value);
      words[lane + 1] = static_cast<std::uint32_t>(value >> 32);
    }
  }
  for (std::size_t lane = 0; lane < kernels::kNoiseLanes; ++lane)
    if ((seed.word[0][lane] | seed.word[1][lane] | seed.word[2][lane] | seed.word[3][lane]) == 0)
      seed.word[0][lane] = 1; // xoshiro would stay at zero
  return seed;
}

} // namespace otabench::medium
