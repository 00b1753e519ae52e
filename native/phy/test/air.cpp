#include "air.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace air {

namespace {

constexpr double kPi = 3.14159265358979323846;

struct NoiseTables {
  std::vector<float> radius = std::vector<float>(65536);
  std::vector<Cf> turn = std::vector<Cf>(4096);
  NoiseTables() {
    double power = 0;
    for (int i = 0; i < 65536; ++i)
      power -= std::log((i + 0.5) / 65536) / 65536;
    for (int i = 0; i < 65536; ++i)
      radius[i] = static_cast<float>(std::sqrt(-std::log((i + 0.5) / 65536) / power));
    for (int i = 0; i < 4096; ++i)
      turn[i] = Cf(std::polar(1.0, 2 * kPi * (i + 0.5) / 4096));
  }
};

const NoiseTables& tables() {
  static const NoiseTables instance;
  return instance;
}

/** Kaiser-windowed sinc (beta 9), 48 taps. */
class Interpolator {
public:
  static constexpr int kHalf = 24;
  static constexpr int kSteps = 4096;
  Interpolator() : table_(static_cast<std::size_t>(kHalf) * 2 * (kSteps + 1)) {
    for (int s = 0; s <= kSteps; ++s)
      for (int i = 0; i < 2 * kHalf; ++i) {
        const double t = i - (kHalf - 1) - static_cast<double>(s) / kSteps;
        const double x = t / kHalf;
        const double window = std::fabs(x) < 1 ? std::cyl_bessel_i(0.0, 9.0 * std::sqrt(1 - x * x)) /
                                                     std::cyl_bessel_i(0.0, 9.0)
                                               : 0;
        const double sinc = std::fabs(t) < 1e-12 ? 1 : std::sin(kPi * t) / (kPi * t);
        table_[static_cast<std::size_t>(s) * 2 * kHalf + i] = static_cast<float>(sinc * window);
      }
  }
  Cf at(const std::vector<Cf>& x, double position) const {
    const auto whole = static_cast<std::int64_t>(std::floor(position));
    const float* taps =
        &table_[static_cast<std::size_t>((position - static_cast<double>(whole)) * kSteps + 0.5) * 2 * kHalf];
    const auto size = static_cast<std::int64_t>(x.size());
    const std::int64_t begin = whole - (kHalf - 1);
    Cf sum = 0;
    const auto low = static_cast<int>(std::max<std::int64_t>(0, -begin));
    const auto high = static_cast<int>(std::min<std::int64_t>(2 * kHalf, size - begin));
    for (int i = low; i < high; ++i)
      sum += x[static_cast<std::size_t>(begin + i)] * taps[i];
    return sum;
  }

private:
  std::vector<float> table_;
};

} // namespace

std::uint64_t hash(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31);
}

double uniform(std::uint64_t seed, std::uint64_t index) {
  return static_cast<double>(hash(hash(seed) + index) >> 11) * 0x1p-53;
}

void Noise::add(Cf* samples, std::size_t count, double sigma) {
  const NoiseTables& t = tables();
  const auto s = static_cast<float>(sigma);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t h = hash(seed_ * 0xD1342543DE82EF95ULL + index_++);
    samples[i] += t.turn[(h >> 32) & 4095] * (s * t.radius[h >> 48]);
  }
}

void Noise::write(Cf* samples, std::size_t count, double sigma) {
  std::fill(samples, samples + count, Cf(0, 0));
  add(samples, count, sigma);
}

std::vector<Tap> threeTaps(std::uint64_t seed) {
  std::vector<Tap> taps = {{0, 1.0}, {2, std::pow(10, -0.4)}, {5, std::pow(10, -0.7)}};
  double power = 0;
  for (const Tap& t : taps)
    power += std::norm(t.gain);
  for (std::size_t i = 0; i < taps.size(); ++i)
    taps[i].gain *= std::polar(1 / std::sqrt(power), 2 * kPi * uniform(seed, i));
  return taps;
}

void arrive(std::vector<Cf>& out, const std::vector<Cf>& burst, double start, const Path& path) {
  static const Interpolator interpolator;
  const double ratio = path.centerFrequencyHz > 0 ? 1 + path.cfoHz / path.centerFrequencyHz : 1;
  double longest = 0;
  for (const Tap& t : path.taps)
    longest = std::max(longest, t.delaySamples);
  const auto from = std::max<std::int64_t>(0, static_cast<std::int64_t>(start) - Interpolator::kHalf);
  const auto to =
      std::min(static_cast<std::int64_t>(out.size()),
               static_cast<std::int64_t>(start + longest + static_cast<double>(burst.size()) / ratio) +
                   Interpolator::kHalf);
  for (std::int64_t n = from; n < to; ++n) {
    Cd sum = 0;
    for (const Tap& t : path.taps)
      sum += t.gain * Cd(interpolator.at(burst, (static_cast<double>(n) - start - t.delaySamples) * ratio));
    const double phase = path.phase + 2 * kPi * path.cfoHz / path.sampleRateHz * static_cast<double>(n);
    out[static_cast<std::size_t>(n)] += Cf(sum * std::polar(1.0, phase));
  }
}

std::vector<double> carrierPowers(const std::vector<Tap>& taps) {
  std::vector<double> powers;
  for (const int k : otabench::phy::loadedCarriers()) {
    Cd h = 0;
    for (const Tap& t : taps)
      h += t.gain * std::polar(1.0, -2 * kPi * k * t.delaySamples / otabench::phy::kCarriers);
    powers.push_back(std::norm(h));
  }
  return powers;
}

namespace {
double meanDataPower(const std::vector<double>& powers) {
  double sum = 0;
  for (std::size_t i = 0; i < powers.size(); ++i)
    if (!otabench::phy::isPilotCarrier(otabench::phy::loadedCarriers()[i]))
      sum += powers[i];
  return sum / otabench::phy::kDataCarriers;
}
} // namespace

double noiseSigma(double snrDb, double rmsDbfs, const std::vector<Tap>& taps) {
  const double carrierPower =
      std::pow(10, rmsDbfs / 10) * otabench::phy::kCarriers / otabench::phy::kLoadedCarriers;
  return std::sqrt(carrierPower * meanDataPower(carrierPowers(taps)) / std::pow(10, snrDb / 10));
}

double boundMse(double snrDb, const std::vector<Tap>& taps) {
  const auto powers = carrierPowers(taps);
  const double mean = meanDataPower(powers), snr = std::pow(10, snrDb / 10);
  double sum = 0;
  for (std::size_t i = 0; i < powers.size(); ++i)
    if (!otabench::phy::isPilotCarrier(otabench::phy::loadedCarriers()[i]))
      sum += 1 / (1 + snr * powers[i] / mean);
  return sum / otabench::phy::kDataCarriers;
}

std::vector<float> gaussianTokens(int count, std::uint64_t seed) {
  std::vector<Cf> values(static_cast<std::size_t>(count + 1) / 2);
  Noise noise(seed ^ 0x70CE25ULL);
  noise.write(values.data(), values.size(), std::sqrt(2.0));
  std::vector<float> tokens;
  for (const Cf& v : values) {
    tokens.push_back(v.real());
    tokens.push_back(v.imag());
  }
  tokens.resize(static_cast<std::size_t>(count));
  return tokens;
}

double tokenMse(const std::vector<float>& sent, const std::vector<float>& received) {
  if (sent.size() != received.size())
    return NAN;
  double error = 0, power = 0;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const double e = static_cast<double>(sent[i]) - static_cast<double>(received[i]);
    error += e * e;
    power += static_cast<double>(sent[i]) * sent[i];
  }
  return error / power;
}

} // namespace air
