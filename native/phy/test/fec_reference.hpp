#pragma once

#include <cmath>
#include <vector>

#include "fec/base_graph.hpp"

/** Slow and plain: what the library's decoder is judged by. */
namespace reference {

using namespace otabench::phy::fec;

/** Variables of every check of the whole lifted parity-check matrix, all rows. */
inline std::vector<std::vector<int>> parityChecks(const LdpcCode& code) {
  const int z = code.liftingSize;
  std::vector<std::vector<int>> checks(static_cast<std::size_t>(code.rows()) * z);
  for (const Circulant& c : circulants(code))
    for (int m = 0; m < z; ++m)
      checks[c.row * z + m].push_back(c.column * z + (m + c.shift) % z);
  return checks;
}

/** Checks of the word (all columns) that fail. */
inline int failedChecks(const LdpcCode& code, const Bits& word) {
  int failed = 0;
  for (const std::vector<int>& check : parityChecks(code)) {
    int sum = 0;
    for (const int v : check)
      sum ^= word[v];
    failed += sum;
  }
  return failed;
}

/**
 * Belief propagation (sum-product, flooding schedule) in double precision on the whole matrix.
 * @param llrs  of all columns, ln P(0)/P(1)
 * @return the decided word; empty when checks still fail after the iterations
 */
inline Bits beliefPropagation(const std::vector<std::vector<int>>& checks, const std::vector<double>& llrs,
                              int iterations) {
  std::vector<std::vector<double>> toVariable(checks.size());
  for (std::size_t c = 0; c < checks.size(); ++c)
    toVariable[c].assign(checks[c].size(), 0.0);
  std::vector<double> posterior = llrs;
  for (int i = 0; i < iterations; ++i) {
    std::vector<double> next = llrs;
    for (std::size_t c = 0; c < checks.size(); ++c) {
      const std::size_t degree = checks[c].size();
      std::vector<double> tanhs(degree);
      for (std::size_t e = 0; e < degree; ++e)
        tanhs[e] = std::tanh(0.5 * (posterior[checks[c][e]] - toVariable[c][e]));
      for (std::size_t e = 0; e < degree; ++e) {
        double product = 1;
        for (std::size_t other = 0; other < degree; ++other)
          product *= other == e ? 1.0 : tanhs[other];
        toVariable[c][e] = 2 * std::atanh(std::fmin(std::fmax(product, -1 + 1e-15), 1 - 1e-15));
        next[checks[c][e]] += toVariable[c][e];
      }
    }
    posterior = next;
    Bits word(posterior.size());
    for (std::size_t v = 0; v < word.size(); ++v)
      word[v] = posterior[v] < 0 ? 1 : 0;
    bool good = true;
    for (const std::vector<int>& check : checks) {
      int sum = 0;
      for (const int v : check)
        sum ^= word[v];
      good = good && sum == 0;
    }
    if (good)
      return word;
  }
  return {};
}

} // namespace reference
