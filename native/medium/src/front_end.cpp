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

struct Converter {
  float levels = 0.0f; ///< on each side of 0; 0: ideal

  explicit Converter(int bits)
      : levels(bits == 0 ? 0.0f : static_cast<float>((std::int64_t{1} << (bits - 1)) - 1)) {}
  float operator()(float value) const {
    const float clipped = std::min(1.0f, std::max(-1.0f, value));
    return levels == 0.0f ? clipped : std::nearbyint(clipped * levels) / levels;
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

} // namespace

void PhaseTable::fill(const OscillatorNoise& noise, std::int64_t block) {
  if (block == block_ && noise.key == key_ && noise.linewidthHz == linewidthHz_)
    return;
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
  key_ = noise.key;
  linewidthHz_ = noise.linewidthHz;
  block_ = block;
}

double PhaseTable::phaseAt(const OscillatorNoise& noise, double trueNs) {
  const double position = std::max(0.0, trueNs) / kTickNs;
  const double whole = std::floor(position);
  const auto tick = static_cast<std::int64_t>(whole);
  fill(noise, tick / kTicks);
  const auto at = static_cast<std::size_t>(tick % kTicks);
  return phase_[at] + (position - whole) * (phase_[at + 1] - phase_[at]);
}

void PhaseTable::rotate(const OscillatorNoise& noise, double startNs, double stepNs, double sign,
                        std::size_t count, float* re, float* im) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto phase = static_cast<float>(sign * phaseAt(noise, startNs + static_cast<double>(i) * stepNs));
    const float c = std::cos(phase);
    const float s = std::sin(phase);
    const float x = re[i];
    re[i] = x * c - im[i] * s;
    im[i] = x * s + im[i] * c;
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
  for (std::size_t i = 0; i < count; ++i) {
    const std::complex<float> x(dac(re[i]), dac(im[i]));
    const std::complex<float> y = branches.direct * x + branches.image * std::conj(x) + leakage;
    re[i] = y.real();
    im[i] = y.imag();
  }
  if (!impairments.amplifier)
    return;
  const double saturation = std::pow(10.0, impairments.amplifier->saturationDb / 20.0);
  const double p = impairments.amplifier->smoothness;
  for (std::size_t i = 0; i < count; ++i) {
    const double power =
        (static_cast<double>(re[i]) * re[i] + static_cast<double>(im[i]) * im[i]) / (saturation * saturation);
    const auto gain = static_cast<float>(p == 2.0 ? 1.0 / std::sqrt(std::sqrt(1.0 + power * power))
                                                  : std::pow(1.0 + std::pow(power, p), -0.5 / p));
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
  float greatest = 0.0f;
  for (std::size_t i = 0; i < kernels::kBlock; ++i) {
    const std::complex<float> x(sRe[i] + sigma * nRe[i], sIm[i] + sigma * nIm[i]);
    const std::complex<float> y = branches.direct * x + branches.image * std::conj(x);
    const float a = y.real() + offset;
    const float b = y.imag() + offset;
    greatest = std::max(greatest, std::max(std::abs(a), std::abs(b)));
    iq[2 * i] = adc(a);
    iq[2 * i + 1] = adc(b);
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
