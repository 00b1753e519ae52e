#include "delay_smoother.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "simd.hpp"

namespace otabench::phy {

namespace {

constexpr double kPi = 3.14159265358979323846;
/** Directions weaker than this share of the strongest are dropped: -50 dB, below any link's noise. */
constexpr double kNegligible = 1e-5;

/** [dimensions] = matrix [carriers][dimensions] times the observed carriers. */
OTAPHY_CLONES void project(const SplitVector& observed,
                           const std::array<float, DelaySmoother::kMaxDimensions>* matrix, float* re,
                           float* im) {
  constexpr int N = DelaySmoother::kMaxDimensions;
  float a[N] = {}, b[N] = {};
  for (int k = 0; k < kLoadedCarriers; ++k)
    for (int d = 0; d < N; ++d) {
      a[d] += matrix[k][d] * observed.re[k];
      b[d] += matrix[k][d] * observed.im[k];
    }
  std::copy_n(a, N, re);
  std::copy_n(b, N, im);
}

/** out = sum over d of coefficient d times row d. */
OTAPHY_CLONES void sumRows(const std::array<float, kSplitCarriers>* rows, const float* re, const float* im,
                           int dimensions, SplitVector& out) {
  // Named as vectors: GCC keeps arrays of lanes in memory here.
  typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float))));
  for (int block = 0; block < kSplitCarriers; block += kLanes) {
    Lanes a = {}, b = {};
    for (int d = 0; d < dimensions; ++d) {
      Lanes row;
      std::memcpy(&row, &rows[d][block], sizeof row);
      a += re[d] * row;
      b += im[d] * row;
    }
    std::memcpy(&out.re[block], &a, sizeof a);
    std::memcpy(&out.im[block], &b, sizeof b);
  }
}

} // namespace

void symmetricEigen(std::vector<std::vector<double>>& a, std::vector<double>& values,
                    std::vector<std::vector<double>>& vectors) {
  const std::size_t n = a.size();
  vectors.assign(n, std::vector<double>(n, 0));
  for (std::size_t i = 0; i < n; ++i)
    vectors[i][i] = 1;
  for (int sweep = 0; sweep < 30; ++sweep) {
    double off = 0, diagonal = 0;
    for (std::size_t p = 0; p < n; ++p) {
      diagonal += a[p][p] * a[p][p];
      for (std::size_t q = p + 1; q < n; ++q)
        off += a[p][q] * a[p][q];
    }
    if (off <= 1e-24 * diagonal)
      break;
    for (std::size_t p = 0; p < n; ++p)
      for (std::size_t q = p + 1; q < n; ++q) {
        if (a[p][q] == 0)
          continue;
        const double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const double t = (theta >= 0 ? 1.0 : -1.0) / (std::fabs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1), s = t * c;
        for (std::size_t k = 0; k < n; ++k) {
          const double kp = a[k][p], kq = a[k][q];
          a[k][p] = c * kp - s * kq;
          a[k][q] = s * kp + c * kq;
        }
        for (std::size_t k = 0; k < n; ++k) {
          const double pk = a[p][k], qk = a[q][k];
          a[p][k] = c * pk - s * qk;
          a[q][k] = s * pk + c * qk;
          const double vp = vectors[p][k], vq = vectors[q][k];
          vectors[p][k] = c * vp - s * vq;
          vectors[q][k] = s * vp + c * vq;
        }
      }
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return a[i][i] > a[j][j]; });
  std::vector<std::vector<double>> sorted;
  values.clear();
  for (const std::size_t i : order) {
    values.push_back(a[i][i]);
    sorted.push_back(vectors[i]);
  }
  vectors = std::move(sorted);
}

DelaySmoother::DelaySmoother(const std::array<double, kLoadedCarriers>& weights) {
  const auto carriers = loadedCarriers();
  constexpr std::size_t n = kLoadedCarriers;
  std::vector<std::vector<double>> covariance(n, std::vector<double>(n, 1)), whitened = covariance, vectors;
  std::vector<double> values;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < n; ++k) {
      const double x = kPi * (carriers[i] - carriers[k]) * kCyclicPrefix / kCarriers;
      covariance[i][k] = i == k ? 1.0 : std::sin(x) / x;
      whitened[i][k] = std::sqrt(weights[i]) * covariance[i][k] * std::sqrt(weights[k]);
    }
  // With W the weights and W^1/2 C W^1/2 = P S P': estimate = C W^1/2 P (S + noise/power)^-1 P' W^1/2
  // observed.
  symmetricEigen(whitened, values, vectors);
  for (int d = 0; d < kMaxDimensions && values[d] > kNegligible * values[0]; ++d) {
    strength_[d] = static_cast<float>(values[d]);
    for (std::size_t k = 0; k < n; ++k) {
      analysis_[k][d] = static_cast<float>(vectors[d][k] * std::sqrt(weights[k]));
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i)
        sum += covariance[k][i] * std::sqrt(weights[i]) * vectors[d][i];
      synthesis_[d][k] = static_cast<float>(sum / values[d]);
      noiseGain_ += sum * sum / (values[d] * values[d]) / kLoadedCarriers;
      if (!isPilotCarrier(carriers[k]))
        dataNoiseGain_ += sum * sum / (values[d] * values[d]) / kDataCarriers;
    }
    dimensions_ = d + 1;
  }
}

DelaySmoother::Estimate DelaySmoother::smooth(const SplitVector& observed, double noiseVariance,
                                              double channelPower) const {
  Estimate estimate;
  SplitVector unshrunk;
  const double ratio = noiseVariance / std::max(channelPower, 1e-30);
  alignas(64) float re[kMaxDimensions], im[kMaxDimensions];
  project(observed, analysis_.data(), re, im);
  sumRows(synthesis_.data(), re, im, dimensions_, unshrunk);
  for (int d = 0; d < dimensions_; ++d) {
    const auto shrink = static_cast<float>(strength_[d] / (strength_[d] + ratio));
    re[d] *= shrink;
    im[d] *= shrink;
  }
  sumRows(synthesis_.data(), re, im, dimensions_, estimate.channel);
  double power = 0;
  for (const int k : waveform().data)
    power += static_cast<double>(unshrunk.re[k] * unshrunk.re[k] + unshrunk.im[k] * unshrunk.im[k]);
  estimate.rawPower = power / kDataCarriers;
  return estimate;
}

} // namespace otabench::phy
