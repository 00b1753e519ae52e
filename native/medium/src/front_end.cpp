#include "front_end.hpp"

#include "noise.hpp"

#include <algorithm>
#include <cmath>
#include <complex>

namespace otabench::medium {
namespace {

constexpr double kPi = 3.14159265358979323846;

/// Brownian motion at whole numbers, W(0) = 0, unit variance a step: increments over octaves, then midpoints
/// (Levy), so that any instant is found without those before it.
double brownianAt(std::uint64_t key, std::int64_t instant) {
  if (instant <= 0)
    return 0.0;
  std::int64_t low = 1;
  double atLow = gaussianAt(key, 0, 0);
  std::uint64_t octave = 1;
  double atHigh = atLow + gaussianAt(key, 0, octave);
  while (2 * low <= instant) {
    low *= 2;
    atLow = atHigh;
    ++octave;
    atHigh = atLow + std::sqrt(static_cast<double>(low)) * gaussianAt(key, 0, octave);
  }
  std::int64_t high = 2 * low;
  while (instant != low) {
    const std::int64_t middle = (low + high) / 2;
    const double atMiddle =
        0.5 * (atLow + atHigh) +
        0.5 * std::sqrt(static_cast<double>(high - low)) *
            gaussianAt(key, static_cast<std::uint64_t>(high - low), static_cast<std::uint64_t>(middle));
    if (instant < middle) {
      high = middle;
      atHigh = atMiddle;
    } else {
      low = middle;
      atLow = atMiddle;
    }
  }
  return atLow;
}

/// Ornstein-Uhlenbeck process at whole numbers, mean 0, steady variance 1, covariance exp(-fall |lag|). Its
/// value far ahead, and between two known ones, is Gaussian with a mean and a variance in closed form, so
/// that any instant is found without those before it, as above.
double boundedAt(std::uint64_t key, double fall, std::int64_t instant) {
  const double origin = gaussianAt(key, 1, 0);
  if (instant <= 0)
    return origin;
  const auto ahead = [fall](double from, std::int64_t steps, double gaussian) {
    const double decay = std::exp(-fall * static_cast<double>(steps));
    return decay * from + std::sqrt(-std::expm1(-2.0 * fall * static_cast<double>(steps))) * gaussian;
  };
  std::int64_t low = 1;
  double atLow = ahead(origin, 1, gaussianAt(key, 0, 0));
  std::uint64_t octave = 1;
  double atHigh = ahead(atLow, 1, gaussianAt(key, 0, octave));
  while (2 * low <= instant) {
    low *= 2;
    atLow = atHigh;
    ++octave;
    atHigh = ahead(atLow, low, gaussianAt(key, 0, octave));
  }
  std::int64_t high = 2 * low;
  while (instant != low) {
    const std::int64_t middle = (low + high) / 2;
    const double x = fall * static_cast<double>(middle - low);
    // Given both ends, 2 x apart: mean (low + high) / (2 cosh x), variance tanh x.
    const double atMiddle = (atLow + atHigh) * 0.5 / std::cosh(std::min(x, 700.0)) +
                            std::sqrt(std::tanh(x)) * gaussianAt(key, static_cast<std::uint64_t>(high - low),
                                                                 static_cast<std::uint64_t>(middle));
    if (instant < middle) {
      high = middle;
      atHigh = atMiddle;
    } else {
      low = middle;
      atLow = atMiddle;
    }
  }
  return atLow;
}

float clipped(float value) {
  return std::min(1.0f, std::max(-1.0f, value));
}

struct Converter {
  float levels = 0.0f; ///< on each side of 0; 0: ideal

  explicit Converter(int bits)
      : levels(bits == 0 ? 0.0f : static_cast<float>((std::int64_t{1} << (bits - 1)) - 1)) {}
  /// Clipped and rounded to nearest, ties to even: an addition rounds as rint does, and runs on vectors.
  float rounded(float value) const {
    constexpr float kWhole = 12582912.0f; // 1.5 2^23: sums with less than 2^22 beside it are whole
    return ((clipped(value) * levels + kWhole) - kWhole) / levels;
  }
};

/// y = direct x + image conj(x): I scaled by g at phase +phase/2, Q by 1/1 at -phase/2, mean power kept.
struct Branches {
  std::complex<float> direct{1.0f, 0.0f};
  std::complex<float> image{0.0f, 0.0f};

  explicit Branches(const IqImbalance& iq) {
    if (iq.gainDb == 0.0 && iq.phaseDeg == 0.0)
      return;
    const double g = std::pow(10.0, iq.gainDb / 20.0);
    const std::complex<double> turned = std::polar(g, iq.phaseDeg * kPi / 180.0);
    std::complex<double> a = 0.5 * (1.0 + turned);
    std::complex<double> b = 0.5 * (turned - 1.0);
    const double norm = 1.0 / std::sqrt(std::norm(a) + std::norm(b));
    direct = std::complex<float>(a * norm);
    image = std::complex<float>(b * norm);
  }
};

/// The same on I and Q apart.
struct BranchMatrix {
  float reOfRe, reOfIm, imOfRe, imOfIm;

  explicit BranchMatrix(const Branches& branches)
      : reOfRe(branches.direct.real() + branches.image.real()),
        reOfIm(branches.image.imag() - branches.direct.imag()),
        imOfRe(branches.direct.imag() + branches.image.imag()),
        imOfIm(branches.direct.real() - branches.image.real()) {}
};

} // namespace

void PhaseTable::fill(const OscillatorNoise& noise, std::int64_t block) {
  if (block == block_ && noise.key == key_ && noise.linewidthHz == linewidthHz_ &&
      noise.loopBandwidthHz == loopBandwidthHz_)
    return;
  if (noise.linewidthHz == 0.0)
    phase_.fill(0.0);
  else if (noise.loopBandwidthHz > 0.0)
    fillLocked(noise, block);
  else
    fillFree(noise, block);
  key_ = noise.key;
  linewidthHz_ = noise.linewidthHz;
  loopBandwidthHz_ = noise.loopBandwidthHz;
  block_ = block;
}

void PhaseTable::fillLocked(const OscillatorNoise& noise, std::int64_t block) {
  const double fall = 2.0 * kPi * noise.loopBandwidthHz * kTickNs * 1e-9; // a tick
  const double sigma = std::sqrt(noise.linewidthHz / (2.0 * noise.loopBandwidthHz));
  const double blockFall = fall * static_cast<double>(kTicks);
  const double begin = boundedAt(noise.key, blockFall, block);
  const double end = boundedAt(noise.key, blockFall, block + 1);
  alignas(64) std::array<float, kernels::kNoiseBlock> re, im;
  kernels::best().noise(noiseSeed(noise.key, block), re.data(), im.data());
  const double decay = std::exp(-fall);
  const double fresh = std::sqrt(-2.0 * std::expm1(-2.0 * fall)); // re has variance 1/2
  double value = begin;
  phase_[0] = begin;
  for (std::size_t i = 0; i < re.size(); ++i) {
    value = decay * value + fresh * static_cast<double>(re[i]);
    phase_[i + 1] = value;
  }
  // A bridge: what was run freely is moved by its correlation with its end, to arrive at the other.
  const double miss = (end - value) / -std::expm1(-2.0 * blockFall);
  for (std::size_t i = 0; i < phase_.size(); ++i) {
    const double x = fall * static_cast<double>(i);
    phase_[i] = sigma * (phase_[i] - miss * std::exp(x - blockFall) * std::expm1(-2.0 * x));
  }
}

void PhaseTable::addFloor(const OscillatorNoise& noise, std::int64_t first, double stepNs, double sign,
                          std::size_t count, float* phase) {
  const std::uint64_t key = derivedKey(noise.key, sign > 0.0 ? 1 : 2);
  const auto scale = static_cast<float>(std::sqrt(2.0 * noise.floorPerHz * 1e9 / stepNs)); // variance 1/2
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t at = first + static_cast<std::int64_t>(i);
    if (at / kTicks != floorBlock_ || key != floorKey_) {
      floorBlock_ = at / kTicks;
      floorKey_ = key;
      kernels::best().noise(noiseSeed(key, floorBlock_), floor_.data(), unused_.data());
    }
    phase[i] += scale * floor_[static_cast<std::size_t>(at % kTicks)];
  }
}

void PhaseTable::fillFree(const OscillatorNoise& noise, std::int64_t block) {
  const double tickSigma = std::sqrt(2.0 * kPi * noise.linewidthHz * kTickNs * 1e-9);
  const double blockSigma = tickSigma * std::sqrt(static_cast<double>(kTicks));
  const double begin = blockSigma * brownianAt(noise.key, block);
  const double end = blockSigma * brownianAt(noise.key, block + 1);
  alignas(64) std::array<float, kernels::kNoiseBlock> re, im;
  kernels::best().noise(noiseSeed(noise.key, block), re.data(), im.data());
  double sum = 0.0;
  phase_[0] = 0.0;
  for (std::size_t i = 0; i < re.size(); ++i) {
    sum += std::sqrt(2.0) * tickSigma * static_cast<double>(re[i]);
    phase_[i + 1] = sum;
  }
  // A bridge between the ends: what was summed is tilted to arrive there.
  const double tilt = (end - begin - sum) / static_cast<double>(kTicks);
  const double wrapped = std::fmod(begin, 2.0 * kPi);
  for (std::size_t i = 0; i < phase_.size(); ++i)
    phase_[i] += wrapped + tilt * static_cast<double>(i);
}

void PhaseTable::rotate(const OscillatorNoise& noise, std::int64_t first, double stepNs, double sign,
                        std::size_t count, float* re, float* im) {
  constexpr std::size_t kBlock = kernels::kBlock;
  const double ticksPerSample = stepNs / kTickNs;
  const auto tableOf = [&](std::size_t i) {
    const double at = static_cast<double>(first + static_cast<std::int64_t>(i)) * ticksPerSample;
    return static_cast<std::int64_t>(std::floor(at)) / kTicks;
  };
  alignas(64) std::array<float, kBlock> phase, some, partRe, partIm;
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const std::size_t length = std::min(kBlock, count - begin);
    for (std::size_t from = 0; from < length;) {
      const std::int64_t table = tableOf(begin + from);
      std::size_t to = length;
      while (tableOf(begin + to - 1) != table)
        to = (from + to + 1) / 2 < to ? (from + to + 1) / 2 : to - 1;
      while (to < length && tableOf(begin + to) == table)
        ++to;
      fill(noise, table);
      kernels::best().phases(phase_.data(), phase_.size(), first + static_cast<std::int64_t>(begin),
                             ticksPerSample, static_cast<double>(table * kTicks), static_cast<float>(sign),
                             some.data());
      std::copy(some.begin() + from, some.begin() + to, phase.begin() + from);
      from = to;
    }
    if (noise.floorPerHz > 0.0)
      addFloor(noise, first + static_cast<std::int64_t>(begin), stepNs, sign, length, phase.data());
    if (length == kBlock) {
      kernels::best().turn(phase.data(), re + begin, im + begin);
      continue;
    }
    // A rest goes through the same loop: a shorter one might round otherwise.
    partRe.fill(0.0f);
    partIm.fill(0.0f);
    std::fill(phase.begin() + length, phase.end(), 0.0f);
    std::copy_n(re + begin, length, partRe.data());
    std::copy_n(im + begin, length, partIm.data());
    kernels::best().turn(phase.data(), partRe.data(), partIm.data());
    std::copy_n(partRe.data(), length, re + begin);
    std::copy_n(partIm.data(), length, im + begin);
  }
}

bool distortsTransmit(const Impairments& impairments) {
  return impairments.txIq.gainDb != 0.0 || impairments.txIq.phaseDeg != 0.0 || impairments.loLeakageDbfs ||
         impairments.amplifier || impairments.dacBits != 0;
}

void transmitFrontEnd(const Impairments& impairments, std::size_t count, float* re, float* im) {
  const Converter dac(impairments.dacBits);
  const Branches branches(impairments.txIq);
  const float leakage = impairments.loLeakageDbfs
                            ? static_cast<float>(std::pow(10.0, *impairments.loLeakageDbfs / 20.0))
                            : 0.0f;
  if (dac.levels != 0.0f)
    for (std::size_t i = 0; i < count; ++i) {
      re[i] = dac.rounded(re[i]);
      im[i] = dac.rounded(im[i]);
    }
  const BranchMatrix m(branches);
  for (std::size_t i = 0; i < count; ++i) {
    const float x = re[i];
    const float y = im[i];
    re[i] = m.reOfRe * x + m.reOfIm * y + leakage;
    im[i] = m.imOfRe * x + m.imOfIm * y;
  }
  if (!impairments.amplifier)
    return;
  const double saturation = std::pow(10.0, impairments.amplifier->saturationDb / 20.0);
  const double p = impairments.amplifier->smoothness;
  if (p == 2.0) {
    const auto scale = static_cast<float>(1.0 / (saturation * saturation));
    for (std::size_t i = 0; i < count; ++i) {
      const float power = (re[i] * re[i] + im[i] * im[i]) * scale;
      const float gain = 1.0f / std::sqrt(std::sqrt(1.0f + power * power));
      re[i] *= gain;
      im[i] *= gain;
    }
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const double power =
        (static_cast<double>(re[i]) * re[i] + static_cast<double>(im[i]) * im[i]) / (saturation * saturation);
    const auto gain = static_cast<float>(std::pow(1.0 + std::pow(power, p), -0.5 / p));
    re[i] *= gain;
    im[i] *= gain;
  }
}

bool distortsReceive(const Impairments& impairments) {
  return impairments.rxIq.gainDb != 0.0 || impairments.rxIq.phaseDeg != 0.0 || impairments.dcOffsetDbfs ||
         impairments.adcBits != 0;
}

float receiveFrontEnd(const Impairments& impairments, const float* sRe, const float* sIm, const float* nRe,
                      const float* nIm, float sigma, float* iq) {
  const Converter adc(impairments.adcBits);
  const Branches branches(impairments.rxIq);
  const float offset =
      impairments.dcOffsetDbfs
          ? static_cast<float>(std::pow(10.0, *impairments.dcOffsetDbfs / 20.0) / std::sqrt(2.0))
          : 0.0f;
  const BranchMatrix m(branches);
  constexpr std::size_t kBlock = kernels::kBlock;
  alignas(64) std::array<float, kBlock> a, b;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const float x = sRe[i] + sigma * nRe[i];
    const float y = sIm[i] + sigma * nIm[i];
    a[i] = m.reOfRe * x + m.reOfIm * y + offset;
    b[i] = m.imOfRe * x + m.imOfIm * y + offset;
  }
  float greatest = 0.0f;
  for (std::size_t i = 0; i < kBlock; ++i)
    greatest = std::max(greatest, std::max(std::abs(a[i]), std::abs(b[i])));
  if (adc.levels != 0.0f) {
    for (std::size_t i = 0; i < kBlock; ++i) {
      iq[2 * i] = adc.rounded(a[i]);
      iq[2 * i + 1] = adc.rounded(b[i]);
    }
  } else {
    for (std::size_t i = 0; i < kBlock; ++i) {
      iq[2 * i] = clipped(a[i]);
      iq[2 * i + 1] = clipped(b[i]);
    }
  }
  return greatest;
}

double quantisationPower(int bits) {
  if (bits == 0)
    return 0.0;
  const double step = 1.0 / static_cast<double>((std::int64_t{1} << (bits - 1)) - 1);
  return step * step / 6.0; // step^2 / 12 in I and in Q
}

} // namespace otabench::medium
