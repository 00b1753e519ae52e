#include "transport.hpp"

#include <algorithm>
#include <cmath>

namespace otabench::phy {

namespace {

constexpr float kHalfPower = 0.70710678F;
/** Below this weight a symbol says nothing. */
constexpr double kFaint = 1e-9;

} // namespace

void burstMoves(int sequence, const TransportOptions& options, int count, std::vector<std::uint32_t>& moves) {
  burstScramble(sequence, count, moves);
  if (options.permutation && options.phaseScramble)
    return;
  for (int i = 0; i < count; ++i) {
    const std::uint32_t position = options.permutation ? positionOf(moves[i]) : static_cast<std::uint32_t>(i);
    moves[i] = position | (options.phaseScramble ? turnsOf(moves[i]) << 30 : 0);
  }
}

fec::DigitalFormat digitalFormat(const BurstHeader& header) {
  return {{header.tokens, header.dimension, header.digital.bitsPerValue},
          header.digital.modulation,
          static_cast<int>(tokenSymbolCount(header))};
}

std::uint64_t digitalSeed(const BurstHeader& header) {
  return static_cast<std::uint64_t>(header.user) * (kMaxSequence + 1) +
         static_cast<std::uint64_t>(header.sequence);
}

void DftSpreader::run(Fft& fft, Cf* symbols) {
  std::copy_n(symbols, kDataCarriers, fft.in());
  fft.run();
  const float gain = 1 / std::sqrt(static_cast<float>(kDataCarriers));
  for (int d = 0; d < kDataCarriers; ++d)
    symbols[d] = fft.out()[d] * gain;
}

std::vector<double> tokenNorms(Span<const float> tokens, const BurstHeader& header) {
  const auto dimension = static_cast<std::size_t>(header.dimension);
  std::vector<double> norms(static_cast<std::size_t>(header.tokens));
  for (std::size_t l = 0; l < norms.size(); ++l) {
    double energy = 0;
    for (std::size_t i = l * dimension; i < (l + 1) * dimension; ++i)
      energy += static_cast<double>(tokens[i]) * tokens[i];
    // Two reals a complex symbol; a token of zeros lies at the lower limit.
    const double ratio = std::sqrt(2 * energy / static_cast<double>(dimension)) / header.scale;
    const double u = ratio > 0 ? std::log(ratio) / kNormSpread : -kNormLimit;
    norms[l] = std::exp(kNormSpread * std::clamp(u, -kNormLimit, kNormLimit));
  }
  return norms;
}

void levelTokens(Span<const float> tokens, const BurstHeader& header, std::vector<float>& levelled) {
  const auto dimension = static_cast<std::size_t>(header.dimension);
  const std::vector<double> norms = tokenNorms(tokens, header);
  levelled.assign(2 * static_cast<std::size_t>(payloadSymbolCount(header)), 0.0F);
  for (std::size_t l = 0; l < norms.size(); ++l) {
    const auto gain = static_cast<float>(1 / (norms[l] * header.scale));
    for (std::size_t i = l * dimension; i < (l + 1) * dimension; ++i)
      levelled[i] = tokens[i] * gain;
  }
  float* next = levelled.data() + 2 * tokenSymbolCount(header);
  for (const double norm : norms)
    next = std::fill_n(next, 2 * kNormSymbols, static_cast<float>(std::log(norm) / kNormSpread) * kHalfPower);
}

std::vector<double> estimateNorms(const std::vector<ReceivedNorm>& symbols) {
  // r = w x + e with var e = w (1 - w), so r / w is x with the noise (1 - w) / w, half of it in I and in Q.
  struct Estimate {
    double value, variance;
  };
  std::vector<Estimate> estimates(symbols.size() / kNormSymbols);
  double mean = 0, meanVariance = 0;
  for (std::size_t l = 0; l < estimates.size(); ++l) {
    double sum = 0, precision = 0;
    for (std::size_t i = l * kNormSymbols; i < (l + 1) * kNormSymbols; ++i) {
      const double weight = std::clamp(symbols[i].weight, kFaint, 1 - kFaint);
      const double perNoise = weight / (1 - weight);
      // I and Q both hold u / sqrt 2.
      sum += perNoise * static_cast<double>(symbols[i].value.real() + symbols[i].value.imag()) /
             (weight * std::sqrt(2.0));
      precision += perNoise;
    }
    estimates[l] = {sum / precision, 1 / (2 * precision)};
    mean += estimates[l].value / static_cast<double>(estimates.size());
    meanVariance += estimates[l].variance / static_cast<double>(estimates.size());
  }
  double spread = 0;
  for (const Estimate& e : estimates)
    spread += (e.value - mean) * (e.value - mean);
  if (estimates.size() > 1)
    spread = std::max(spread / static_cast<double>(estimates.size() - 1) - meanVariance, 0.0);
  std::vector<double> norms;
  for (const Estimate& e : estimates) {
    const double share = estimates.size() > 1 ? spread / (spread + e.variance) : 1;
    const double u = std::clamp(mean + share * (e.value - mean), -kNormLimit, kNormLimit);
    norms.push_back(std::exp(kNormSpread * u));
  }
  return norms;
}

} // namespace otabench::phy
