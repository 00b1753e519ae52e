// Seeds: noise is a pure function of (seed, trial id, receiving serial, block of 1024 samples).
#pragma once

#include "kernels.hpp"

#include <complex>
#include <cstdint>
#include <string>

namespace otabench::medium {

/// Key of one receiver's noise in one trial.
std::uint64_t noiseKey(std::uint64_t seed, const std::string& trialId, const std::string& serial);

/// Key of one tap of one path in one trial.
std::uint64_t linkKey(std::uint64_t seed, const std::string& trialId, const std::string& from,
                      const std::string& to, std::size_t tap);
/// Key of another process of the same owner. @param purpose a small number that no other process has
std::uint64_t derivedKey(std::uint64_t key, std::uint64_t purpose);

/// Gaussian of variance 1, a pure function of key and counters.
double gaussianAt(std::uint64_t key, std::uint64_t a, std::uint64_t b);

/// A short sequence of random numbers from a key.
class RandomWords {
public:
  explicit RandomWords(std::uint64_t key) : state_(key) {}
  double uniform();                ///< [0, 1)
  std::complex<double> gaussian(); ///< circular, E|z|^2 = 1

private:
  std::uint64_t state_;
};

kernels::NoiseSeed noiseSeed(std::uint64_t key, std::int64_t block);

} // namespace otabench::medium
