#include "otabench/phy/fec/quantiser.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "check_count.hpp"
#include "otabench/phy/header.hpp"

namespace otabench::phy::fec {

namespace {

constexpr int kSteps = 1 << kStepBits;
constexpr double kStepsPerNeper = 16;

double stepOf(int code) {
  return std::exp((code - kSteps / 2) / kStepsPerNeper);
}

float levelOf(float x, float perStep, float lowest) {
  const float level = std::floor(x * perStep);
  return level < lowest ? lowest : level > -lowest - 1 ? -lowest - 1 : level;
}

double squaredError(const float* x, int count, int code, float lowest) {
  const auto step = static_cast<float>(stepOf(code)), perStep = 1 / step;
  double sum = 0;
  for (int i = 0; i < count; ++i) {
    const double error = static_cast<double>(x[i]) - (levelOf(x[i], perStep, lowest) + 0.5F) * step;
    sum += error * error;
  }
  return sum;
}

/** 0 when sending zeros errs less than any step. */
int bestStep(const float* x, int count, int bitsPerValue, float lowest) {
  double energy = 0;
  float peak = 0;
  for (int i = 0; i < count; ++i) {
    energy += static_cast<double>(x[i]) * x[i];
    peak = std::max(peak, std::fabs(x[i]));
  }
  if (peak > stepOf(kSteps - 1) * -lowest)
    throw PhyError("token value", std::to_string(peak),
                   "up to " + std::to_string(stepOf(kSteps - 1) * -lowest) + " in magnitude");
  if (energy == 0)
    return 0;
  const double start = gaussianStep(bitsPerValue) * std::sqrt(energy / count);
  int code =
      std::clamp(static_cast<int>(std::lround(kStepsPerNeper * std::log(start))) + kSteps / 2, 1, kSteps - 1);
  double least = squaredError(x, count, code, lowest);
  for (const int direction : {1, -1})
    while (code + direction >= 1 && code + direction < kSteps) {
      const double error = squaredError(x, count, code + direction, lowest);
      if (!(error < least))
        break;
      least = error;
      code += direction;
    }
  return least < energy ? code : 0;
}

void put(unsigned value, int bits, std::uint8_t*& out) {
  for (int b = bits - 1; b >= 0; --b)
    *out++ = static_cast<std::uint8_t>((value >> b) & 1U);
}

int take(const std::uint8_t*& in, int bits) {
  int value = 0;
  for (int b = 0; b < bits; ++b)
    value = 2 * value + *in++;
  return value;
}

void checkRange(const char* field, int value, int low, int high) {
  if (value < low || value > high)
    throw PhyError(field, std::to_string(value), std::to_string(low) + ".." + std::to_string(high));
}

} // namespace

void checkFormat(const TokenFormat& format) {
  checkRange("tokens", format.tokens, 1, kMaxTokens);
  checkRange("dimension", format.dimension, 1, kMaxDimension);
  checkRange("bitsPerValue", format.bitsPerValue, kMinBitsPerValue, kMaxBitsPerValue);
}

double gaussianStep(int bitsPerValue) {
  constexpr double kOptimum[] = {0.9957, 0.5860, 0.3352, 0.1881, 0.1041, 0.0569, 0.0308};
  checkRange("bitsPerValue", bitsPerValue, kMinBitsPerValue, kMaxBitsPerValue);
  return kOptimum[bitsPerValue - kMinBitsPerValue];
}

void quantiseTokens(Span<const float> tokens, const TokenFormat& format, Bits& bits) {
  checkFormat(format);
  const int dimension = format.dimension, q = format.bitsPerValue;
  checkCount("token values", tokens.size(), static_cast<std::size_t>(format.tokens) * dimension);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (!std::isfinite(tokens[i]))
      throw PhyError("tokens", std::to_string(tokens[i]) + " at " + std::to_string(i), "finite numbers");
  bits.resize(static_cast<std::size_t>(format.bits()));
  std::uint8_t* out = bits.data();
  const auto lowest = static_cast<float>(-(1 << (q - 1)));
  for (int l = 0; l < format.tokens; ++l) {
    const float* x = tokens.data + static_cast<std::size_t>(l) * dimension;
    const int code = bestStep(x, dimension, q, lowest);
    put(static_cast<unsigned>(code), kStepBits, out);
    const float perStep = 1 / static_cast<float>(stepOf(code));
    for (int d = 0; d < dimension; ++d)
      put(code == 0 ? 0U : static_cast<unsigned>(levelOf(x[d], perStep, lowest) - lowest), q, out);
  }
}

void dequantiseTokens(Span<const std::uint8_t> bits, const TokenFormat& format, std::vector<float>& tokens) {
  checkFormat(format);
  checkCount("token bits", bits.size(), static_cast<std::size_t>(format.bits()));
  const int q = format.bitsPerValue;
  tokens.resize(static_cast<std::size_t>(format.tokens) * format.dimension);
  const std::uint8_t* in = bits.data;
  float* out = tokens.data();
  for (int l = 0; l < format.tokens; ++l) {
    const int code = take(in, kStepBits);
    const auto step = code == 0 ? 0.0F : static_cast<float>(stepOf(code));
    for (int d = 0; d < format.dimension; ++d)
      *out++ = (static_cast<float>(take(in, q) - (1 << (q - 1))) + 0.5F) * step;
  }
}

} // namespace otabench::phy::fec
