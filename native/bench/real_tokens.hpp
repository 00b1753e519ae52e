#pragma once

#include <string>
#include <vector>

namespace bench {

/** What a user of a trained bundle sends: token matrices of one shape, row-major. */
struct RealTokens {
  int tokens = 0, dimension = 0;
  std::vector<std::vector<float>> matrices;
};

/**
 * Reads one tensor [matrices, tokens, dimension] of a bundle's reference file (models/bundles: manifest.json,
 * reference.f32), which the bundle's own encoder made from its test samples.
 * @throws std::runtime_error one line: file, tensor, what is wrong
 */
RealTokens readRealTokens(const std::string& bundle, const std::string& tensor);

} // namespace bench
