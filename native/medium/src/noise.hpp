// Seeds: noise is a pure function of (seed, trial id, receiving serial, block of 1024 samples).
#pragma once

#include "kernels.hpp"

#include <cstdint>
#include <string>

namespace otabench::medium {

/// Key of one receiver's noise in one trial.
std::uint64_t noiseKey(std::uint64_t seed, const std::string& trialId, const std::string& serial);

kernels::NoiseSeed noiseSeed(std::uint64_t key, std::int64_t block);

} // namespace otabench::medium
