#include "otabench/phy/error_budget.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "carrier_math.hpp"
#include "cholesky.hpp"
#include "demodulator.hpp"
#include "otabench/phy/transmitter.hpp"
#include "transport.hpp"

namespace otabench::phy {

namespace {

using Grid = std::vector<CarrierVector>; // [header and payload symbols][carriers]

/** Samples around a window that a receiver may look at. */
constexpr std::size_t kMargin = 1024;
constexpr int kFitPasses = 6;
/** The preamble as training, in symbols on all carriers: four long repeats, three blocks of the short one. */
constexpr int kPreambleSymbols = kLongRepeats + 3;
/** A moving channel is 2 polynomials in time and one more per so many symbols: enough for the 0.03 rad a
 * symbol that the receiver follows. */
constexpr std::size_t kSymbolsPerShape = 16, kMostShapes = 16;
/** What a fixed channel must leave over what a moving one leaves, degrees of freedom counted. Of 43 symbols
 * the ratio scatters by 0.02. */
constexpr double kMotion = 1.1;
/** Smooth functions over a symbol in which phase that turns within it is sought. */
constexpr int kTurnShapes = 6;
/** Far from full scale, so that nothing of the ideal waveform is clipped. */
constexpr double kIdealDbfs = -40;
/** Envelope over the mean that (nearly) no burst reaches. */
constexpr double kNoPeakDb = 20;
constexpr int kFewestPerCarrier = 4;

void requireSize(const char* field, std::size_t actual, std::size_t expected, const char* what) {
  if (actual != expected)
    throw PhyError(field, std::to_string(actual) + " values", std::to_string(expected) + ", " + what);
}

void requireAnalog(const BurstHeader& header) {
  if (header.mapping != Mapping::Analog)
    throw PhyError("header.mapping", toString(header.mapping), "analog (numbers err by their steps)");
}

double powerOf(Span<const float> values) {
  double sum = 0;
  for (const float v : values)
    sum += static_cast<double>(v) * v;
  return sum;
}

/** A window with zeros around it. */
struct Padded {
  std::vector<Cf> samples;
  std::int64_t first = 0;
  Padded(Span<const Cf> window, std::int64_t firstSample)
      : samples(window.size() + 2 * kMargin), first(firstSample - static_cast<std::int64_t>(kMargin)) {
    std::copy(window.begin(), window.end(), samples.begin() + kMargin);
  }
  StreamView view() const { return {samples.data(), first}; }
};

std::optional<ReceivedBurst> receiveOne(const Padded& window, const BurstHeader& header,
                                        const ReceiverConfig& config) {
  std::optional<ReceivedBurst> found;
  BurstReceiver receiver(config, [&](ReceivedBurst&& b) {
    if (!found && b.outcome == BurstOutcome::Ok && b.header.sequence == header.sequence &&
        b.header.user == header.user && b.header.tokens == header.tokens &&
        b.header.dimension == header.dimension)
      found = std::move(b);
  });
  receiver.push(window.samples.data(), window.samples.size(), window.first);
  receiver.flush();
  return found;
}

/** Carriers of header and payload as they would be sent without clipping. */
Grid idealSymbols(Span<const float> sent, const BurstHeader& header) {
  BurstTransmitter transmitter;
  std::vector<Cf> samples;
  Drive drive;
  drive.rmsDbfs = kIdealDbfs;
  if (header.transport.clipped) // for the header's bit; no peak is that high
    drive.papr = {PaprMethod::ClipAndFilter, kNoPeakDb, 1};
  const TransmitReport report = transmitter.modulate(sent, header, drive, samples);
  Fft fft(kCarriers, Fft::Direction::Forward);
  const auto gain = static_cast<float>(std::sqrt(static_cast<double>(kLoadedCarriers)) / kCarriers /
                                       std::pow(10.0, kIdealDbfs / 20));
  Grid grid(kHeaderSymbols + static_cast<std::size_t>(report.payloadOfdmSymbols));
  const Cf* at = samples.data() + report.payloadStartSample - kHeaderSamples + kCyclicPrefix;
  for (CarrierVector& carriers : grid) {
    std::copy_n(at, kCarriers, fft.in());
    fft.run();
    for (int k = 0; k < kLoadedCarriers; ++k)
      carriers[k] = fft.out()[waveform().bin[k]] * gain;
    at += kSymbolSamples;
  }
  return grid;
}

/** The channel as it was: y = channel(m) turn(m) x + rest, turn of modulus 1. */
struct Fit {
  Grid channels; // one, or when it moves one per symbol
  std::vector<Cf> turns;
  bool moves() const { return channels.size() > 1; }
  const CarrierVector& at(std::size_t m) const { return channels[moves() ? m : 0]; }
};

void fitTurns(Fit& fit, const Grid& sent, const Grid& received) {
  for (std::size_t m = 0; m < sent.size(); ++m) {
    const Cd z = Cd(matched(fit.at(m).data(), sent[m].data(), received[m].data()));
    fit.turns[m] = std::abs(z) > 0 ? Cf(z / std::abs(z)) : Cf(1, 0);
  }
}

void fitChannel(Fit& fit, const Grid& sent, const Grid& received) {
  CarrierVector sum{};
  std::array<double, kLoadedCarriers> power{};
  for (std::size_t m = 0; m < sent.size(); ++m) {
    accumulate(sum.data(), received[m].data(), sent[m].data(), std::conj(fit.turns[m]));
    for (int k = 0; k < kLoadedCarriers; ++k)
      power[k] += static_cast<double>(std::norm(sent[m][k]));
  }
  for (int k = 0; k < kLoadedCarriers; ++k)
    fit.channels[0][k] = sum[k] * static_cast<float>(1 / std::max(power[k], 1e-12));
}

/** Legendre polynomials 0..count-1 over the symbols, [count][symbols]. */
std::vector<std::vector<double>> legendre(std::size_t count, std::size_t symbols) {
  std::vector<std::vector<double>> p(count, std::vector<double>(symbols, 1));
  for (std::size_t m = 0; m < symbols; ++m) {
    const double x = (2 * static_cast<double>(m) + 1) / static_cast<double>(symbols) - 1;
    for (std::size_t q = 1; q < count; ++q) {
      const auto n = static_cast<double>(q);
      p[q][m] = ((2 * n - 1) * x * p[q - 1][m] - (q > 1 ? (n - 1) * p[q - 2][m] : 0)) / n;
    }
  }
  return p;
}

/** Each carrier's channel as polynomials in time, by least squares. */
void fitMotion(Fit& fit, const std::vector<std::vector<double>>& shapes, const Grid& sent,
               const Grid& received) {
  const std::size_t count = shapes.size(), symbols = sent.size();
  std::vector<double> l(count * count);
  std::vector<Cd> c(count);
  for (int k = 0; k < kLoadedCarriers; ++k) {
    std::fill(l.begin(), l.end(), 0);
    std::fill(c.begin(), c.end(), Cd(0, 0));
    for (std::size_t m = 0; m < symbols; ++m) {
      const double power = static_cast<double>(std::norm(sent[m][k]));
      const Cd product = Cd(received[m][k] * std::conj(sent[m][k] * fit.turns[m]));
      for (std::size_t q = 0; q < count; ++q) {
        c[q] += shapes[q][m] * product;
        for (std::size_t r = 0; r <= q; ++r)
          l[q * count + r] += shapes[q][m] * shapes[r][m] * power;
      }
    }
    choleskyFactor(l, count);
    choleskySolve(l, count, c.data());
    for (std::size_t m = 0; m < symbols; ++m) {
      Cd sum = 0;
      for (std::size_t q = 0; q < count; ++q)
        sum += c[q] * shapes[q][m];
      fit.channels[m][k] = Cf(sum);
    }
  }
}

double restOf(const Fit& fit, const Grid& sent, const Grid& received) {
  double rest = 0;
  for (std::size_t m = 0; m < sent.size(); ++m)
    for (int k = 0; k < kLoadedCarriers; ++k)
      rest += static_cast<double>(std::norm(received[m][k] - fit.at(m)[k] * fit.turns[m] * sent[m][k]));
  return rest;
}

/**
 * From header and payload: a clipped training would have its distortion in it, which the receiver's estimate
 * has too.
 * @param training  noise-free channel in the long training, to begin with
 */
Fit fitLink(const CarrierVector& training, const Grid& sent, const Grid& received) {
  const std::size_t symbols = sent.size();
  Fit fit;
  fit.channels = {training};
  fit.turns.resize(symbols);
  fitTurns(fit, sent, received);
  for (int pass = 0; pass < kFitPasses; ++pass) {
    fitChannel(fit, sent, received);
    fitTurns(fit, sent, received);
  }
  const std::size_t count = std::min(2 + symbols / kSymbolsPerShape, kMostShapes);
  const auto shapes = legendre(count, symbols);
  Fit moving = fit;
  moving.channels.resize(symbols);
  for (int pass = 0; pass < kFitPasses; ++pass) {
    fitMotion(moving, shapes, sent, received);
    fitTurns(moving, sent, received);
  }
  const double free = static_cast<double>(symbols - count) / static_cast<double>(symbols - 1);
  return restOf(fit, sent, received) * free > kMotion * restOf(moving, sent, received) ? moving : fit;
}

/** <a, b> / <a, a>. */
Cd regression(const CarrierVector& a, const CarrierVector& b) {
  Cd inner = 0;
  double power = 0;
  for (int k = 0; k < kLoadedCarriers; ++k) {
    inner += std::conj(Cd(a[k])) * Cd(b[k]);
    power += static_cast<double>(std::norm(a[k]));
  }
  return inner / std::max(power, 1e-30);
}

/** The part of `rest` that is the wanted symbol turned within the symbol, slowly. */
class TurnWithin {
public:
  TurnWithin() : inverse_(kCarriers, Fft::Direction::Inverse), forward_(kCarriers, Fft::Direction::Forward) {}

  CarrierVector of(const CarrierVector& wanted, const CarrierVector& rest) {
    const auto s = toTime(wanted), r = toTime(rest);
    // Real combinations of j s(n) cos(pi q (n + 1/2) / 64), made orthogonal one after the other.
    std::array<std::array<Cd, kCarriers>, kTurnShapes> basis;
    std::array<Cd, kCarriers> part{};
    for (int q = 0; q < kTurnShapes; ++q) {
      for (int n = 0; n < kCarriers; ++n)
        basis[q][n] = Cd(0, 1) * s[n] * std::cos(kTwoPi / 2 * (q + 1) * (placeOf(n) + 0.5) / kCarriers);
      for (int p = 0; p < q; ++p) {
        const double along = inner(basis[p], basis[q]);
        for (int n = 0; n < kCarriers; ++n)
          basis[q][n] -= along * basis[p][n];
      }
      const double length = std::sqrt(std::max(inner(basis[q], basis[q]), 1e-60));
      for (Cd& v : basis[q])
        v /= length;
      const double along = inner(basis[q], r);
      for (int n = 0; n < kCarriers; ++n)
        part[n] += along * basis[q][n];
    }
    for (int n = 0; n < kCarriers; ++n)
      forward_.in()[n] = Cf(part[n]);
    forward_.run();
    CarrierVector result;
    for (int k = 0; k < kLoadedCarriers; ++k)
      result[k] = forward_.out()[waveform().bin[k]] / static_cast<float>(kCarriers);
    return result;
  }

private:
  /** Carriers' delays count from the middle of the prefix: the symbol's place of sample n. */
  static int placeOf(int n) { return (n + kCyclicPrefix / 2) % kCarriers; }
  static double inner(const std::array<Cd, kCarriers>& a, const std::array<Cd, kCarriers>& b) {
    double sum = 0;
    for (int n = 0; n < kCarriers; ++n)
      sum += (std::conj(a[n]) * b[n]).real();
    return sum;
  }
  std::array<Cd, kCarriers> toTime(const CarrierVector& carriers) {
    std::fill_n(inverse_.in(), kCarriers, Cf(0, 0));
    for (int k = 0; k < kLoadedCarriers; ++k)
      inverse_.in()[waveform().bin[k]] = carriers[k];
    inverse_.run();
    std::array<Cd, kCarriers> time;
    std::copy_n(inverse_.out(), kCarriers, time.begin());
    return time;
  }
  Fft inverse_, forward_;
};

CarrierVector equaliserFor(const CarrierVector& channel, Cd gain, double noiseVariance) {
  CarrierVector weight;
  for (int k = 0; k < kLoadedCarriers; ++k) {
    const Cd h = Cd(channel[k]) * gain;
    weight[k] = Cf(std::conj(h) / (std::norm(h) + noiseVariance));
  }
  return weight;
}

/** Mean power of errors on the payload's symbols that carry tokens, over the tokens' power. */
class TokenError {
public:
  TokenError(Span<const float> sent, BurstHeader header) : header_(header), sentPower_(powerOf(sent)) {
    symbols_ = static_cast<std::size_t>(tokenSymbolCount(header));
    header_.scale = std::sqrt(sentPower_ / static_cast<double>(symbols_));
    burstMoves(header.sequence, header.transport, static_cast<int>(payloadSymbolCount(header)), moves_);
    norms_.assign(static_cast<std::size_t>(header.tokens), 1.0);
    if (header.transport.normalisation == PowerNormalisation::Token)
      norms_ = tokenNorms(sent, header_);
  }

  /** The error's tokens, [tokens, dimension]. */
  std::vector<float> tokens(const Grid& error) {
    std::vector<Cf> payload;
    for (const CarrierVector& carriers : error) {
      for (const int k : waveform().data)
        payload.push_back(carriers[k]);
      if (header_.transport.dftSpreading)
        spreader_.despread(payload.data() + payload.size() - kDataCarriers);
    }
    std::vector<float> result(2 * symbols_);
    const Cf back[4] = {{1, 0}, {0, -1}, {-1, 0}, {0, 1}};
    for (std::size_t k = 0; k < symbols_; ++k) {
      const Cf e = payload[positionOf(moves_[k])] * back[turnsOf(moves_[k])];
      result[2 * k] = e.real();
      result[2 * k + 1] = e.imag();
    }
    const auto dimension = static_cast<std::size_t>(header_.dimension);
    result.resize(norms_.size() * dimension);
    for (std::size_t i = 0; i < result.size(); ++i)
      result[i] *= static_cast<float>(header_.scale * norms_[i / dimension]);
    return result;
  }
  /** Inner product of two errors over the tokens' power. */
  double share(const std::vector<float>& a, const std::vector<float>& b) const {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
      sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum / sentPower_;
  }

private:
  BurstHeader header_;
  double sentPower_ = 0;
  std::size_t symbols_ = 0;
  std::vector<std::uint32_t> moves_;
  std::vector<double> norms_;
  DftSpreader spreader_;
};

/** Header and payload as received in each version of the window. */
struct Versions {
  Grid received, quiet, noiseFree, linear;
};

/** Errors by cause that add up to the equalised payload minus what was sent, [payload symbols][carriers]. */
struct Causes {
  Grid noise, nonlinearity, phase, channel, interference;
  explicit Causes(std::size_t n) : noise(n), nonlinearity(n), phase(n), channel(n), interference(n) {}
};

/** Mean over the payload's data carriers. */
double dataPower(const Grid& grid) {
  double sum = 0;
  for (std::size_t m = kHeaderSymbols; m < grid.size(); ++m)
    for (const int k : waveform().data)
      sum += static_cast<double>(std::norm(grid[m][k]));
  return sum / (static_cast<double>(grid.size() - kHeaderSymbols) * kDataCarriers);
}

Grid difference(const Grid& a, const Grid& b) {
  Grid d(a.size());
  for (std::size_t m = 0; m < a.size(); ++m)
    for (int k = 0; k < kLoadedCarriers; ++k)
      d[m][k] = a[m][k] - b[m][k];
  return d;
}

/** <a, b> / <a, a> over symbols [first, last). */
Cd commonFactor(const Grid& a, const Grid& b, std::size_t first, std::size_t last) {
  Cd inner = 0;
  double power = 0;
  for (std::size_t m = first; m < last; ++m)
    for (int k = 0; k < kLoadedCarriers; ++k) {
      inner += std::conj(Cd(a[m][k])) * Cd(b[m][k]);
      power += static_cast<double>(std::norm(a[m][k]));
    }
  return inner / std::max(power, 1e-30);
}

/**
 * @param training   noise-free channel in the long training
 * @param hasLinear  v.linear is without distortion
 */
Causes separate(const BurstDemodulator& d, const Grid& sent, const Versions& v, const CarrierVector& training,
                bool hasLinear) {
  const std::size_t all = sent.size(), symbols = all - kHeaderSymbols;
  // The channel as it was. A common turn of channel and phases is the phases'.
  Fit fit = fitLink(training, sent, v.linear);
  const auto commonTurn = [&d](const CarrierVector& channel) {
    const Cd common = regression(d.channel(), channel);
    return std::abs(common) > 0 ? Cf(common / std::abs(common)) : Cf(1, 0);
  };
  for (std::size_t m = 0; m < all; ++m)
    fit.turns[m] *= commonTurn(fit.at(m));
  // Gains that distortion takes (Bussgang): the training's is part of the channel, what it takes from the
  // payload beyond that is distortion's. Without v.linear the fit took them in. (What moves has no gain to
  // compare.)
  double gain = hasLinear ? std::abs(commonFactor(v.linear, v.noiseFree, kHeaderSymbols, all)) : 1;
  float shown = 1; // fit to channel, v.linear to undistorted
  if (!fit.moves()) {
    const double beyond = std::max(gain * std::abs(regression(training, fit.at(0))), 1e-6);
    shown = static_cast<float>(gain / beyond);
    gain = beyond;
  }
  for (CarrierVector& channel : fit.channels) {
    const Cf back = std::conj(commonTurn(channel)) * shown;
    for (Cf& h : channel)
      h *= back;
  }
  const auto gainF = static_cast<float>(gain);

  const Grid noise = difference(v.quiet, v.noiseFree), interference = difference(v.received, v.quiet);
  Grid distortion(all), turning(all), wanted(all);
  TurnWithin turnWithin;
  for (std::size_t m = 0; m < all; ++m) {
    CarrierVector rest;
    for (int k = 0; k < kLoadedCarriers; ++k) {
      wanted[m][k] = gainF * fit.at(m)[k] * fit.turns[m] * sent[m][k];
      rest[k] = v.noiseFree[m][k] - wanted[m][k];
    }
    if (hasLinear)
      for (int k = 0; k < kLoadedCarriers; ++k)
        turning[m][k] = gainF * shown * v.linear[m][k] - wanted[m][k];
    else
      turning[m] = turnWithin.of(wanted[m], rest);
    for (int k = 0; k < kLoadedCarriers; ++k)
      distortion[m][k] = rest[k] - turning[m][k];
  }

  const double disturbance =
      dataPower(noise) + dataPower(interference) + dataPower(distortion) + dataPower(turning);
  CarrierVector best = equaliserFor(fit.at(0), gain, disturbance);
  // Of that gain the receiver's channel shows all (tracked over the payload), what the header lost, which is
  // most of its training, or nothing (from the preamble alone).
  const double header = gain * commonFactor(wanted, v.noiseFree, 0, kHeaderSymbols).real();
  const double shownGain =
      d.channelMoves() ? gain
      : d.usesHeader() ? (kPreambleSymbols + kHeaderSymbols * header) / (kPreambleSymbols + kHeaderSymbols)
                       : 1;
  const Cd missingGain = gain / shownGain;
  Causes causes(symbols);
  for (std::size_t p = 0; p < symbols; ++p) {
    const std::size_t m = p + kHeaderSymbols;
    if (fit.moves())
      best = equaliserFor(fit.at(m), gain, disturbance);
    // The common turn of a tracked channel is phase.
    CarrierVector channel = d.channelAt(static_cast<int>(p));
    const Cf back = std::conj(fit.turns[m]), unturn = std::conj(commonTurn(channel));
    const Cf tracked = d.turns()[p] * unturn;
    for (Cf& h : channel)
      h *= unturn;
    const CarrierVector used = equaliserFor(channel, 1, d.noiseVariance());
    // As the receiver would have it, had its training shown the gain.
    const CarrierVector corrected = equaliserFor(channel, missingGain, d.noiseVariance());
    for (int k = 0; k < kLoadedCarriers; ++k) {
      const Cf y = v.received[m][k], turned = best[k] * back;
      causes.noise[p][k] = turned * noise[m][k] + (best[k] * gainF * fit.at(m)[k] - Cf(1, 0)) * sent[m][k];
      causes.interference[p][k] = turned * interference[m][k];
      causes.nonlinearity[p][k] = turned * distortion[m][k] + (used[k] - corrected[k]) * tracked * y;
      causes.phase[p][k] = best[k] * (tracked - back) * y + turned * turning[m][k];
      causes.channel[p][k] = (corrected[k] - best[k]) * tracked * y;
    }
  }
  return causes;
}

} // namespace

std::optional<ErrorBudget> errorBudget(Span<const float> sent, const BurstHeader& header,
                                       const BudgetWindows& windows, const ReceiverConfig& config) {
  requireAnalog(header);
  const auto values = static_cast<std::size_t>(header.tokens) * static_cast<std::size_t>(header.dimension);
  requireSize("sent", sent.size(), values, "tokens x dimension");
  const std::size_t count = windows.received.size();
  requireSize("noiseFree", windows.noiseFree.size(), count, "as received");
  if (windows.linear.size() > 0)
    requireSize("linear", windows.linear.size(), count, "as received");
  if (windows.quiet.size() > 0)
    requireSize("quiet", windows.quiet.size(), count, "as received");

  const Padded received(windows.received, windows.firstSample),
      noiseFree(windows.noiseFree, windows.firstSample);
  const auto located = receiveOne(received, header, config);
  if (!located)
    return std::nullopt;
  BurstDemodulator demodulator(config);
  demodulator.begin(located->startSample + kShortSamples, located->cfoHz / config.sampleRateHz * kTwoPi,
                    located->detectionMetric);
  if (demodulator.decodeHeader(received.view()) != BurstDemodulator::HeaderResult::Ok)
    return std::nullopt;
  const int symbols = demodulator.payloadOfdmSymbols();
  for (int m = 0; m < symbols; ++m)
    if (!demodulator.takeSymbol(received.view(), m))
      return std::nullopt;
  ReceivedBurst burst;
  demodulator.finish(burst);

  const Grid ideal = idealSymbols(sent, located->header);
  const auto take = [&](const StreamView& view) {
    Grid grid(ideal.size());
    for (std::size_t m = 0; m < grid.size(); ++m)
      demodulator.symbolCarriers(view, static_cast<int>(m) - kHeaderSymbols, grid[m]);
    return grid;
  };
  const bool hasLinear = windows.linear.size() > 0;
  Versions versions;
  versions.received = take(received.view());
  versions.noiseFree = take(noiseFree.view());
  versions.linear = hasLinear ? take(Padded(windows.linear, windows.firstSample).view()) : versions.noiseFree;
  versions.quiet =
      windows.quiet.size() > 0 ? take(Padded(windows.quiet, windows.firstSample).view()) : versions.received;
  CarrierVector training{};
  for (int r = 0; r < kLongRepeats; ++r) {
    CarrierVector carriers;
    demodulator.trainingCarriers(noiseFree.view(), r, carriers);
    accumulate(training.data(), carriers.data(), waveform().longTraining.data(), Cf(1.0F / kLongRepeats, 0));
  }

  const Causes causes = separate(demodulator, ideal, versions, training, hasLinear);
  TokenError judge(sent, header);
  ErrorBudget budget;
  std::vector<float> error(burst.tokens.size());
  for (std::size_t i = 0; i < error.size(); ++i)
    error[i] = burst.tokens[i] - sent[i];
  budget.measured = judge.share(error, error);
  const std::vector<float> nonlinearity = judge.tokens(causes.nonlinearity),
                           phase = judge.tokens(causes.phase), channel = judge.tokens(causes.channel),
                           interference = judge.tokens(causes.interference);
  std::vector<float> noise = judge.tokens(causes.noise);
  if (header.transport.normalisation == PowerNormalisation::Token)
    for (std::size_t i = 0; i < noise.size(); ++i) // what remains is the norms'
      noise[i] = error[i] - nonlinearity[i] - phase[i] - channel[i] - interference[i];
  // Own power and half of what it has in common with each other cause: Shapley's value, which adds up.
  const auto partOf = [&](const std::vector<float>& part) {
    budget.ownPowers += judge.share(part, part);
    return judge.share(part, error);
  };
  budget.noise = partOf(noise);
  budget.nonlinearity = partOf(nonlinearity);
  budget.phase = partOf(phase);
  budget.channel = partOf(channel);
  budget.interference = partOf(interference);
  budget.unexplained = budget.measured - budget.explained();
  return budget;
}

ErrorBudget errorBudget(Span<const float> sent, const ReceivedBurst& burst, double clipEvmDb) {
  const BurstHeader& header = burst.header;
  requireAnalog(header);
  const auto values = static_cast<std::size_t>(header.tokens) * static_cast<std::size_t>(header.dimension);
  requireSize("burst.tokens", burst.tokens.size(), values, "tokens x dimension (an Ok burst)");
  requireSize("sent", sent.size(), values, "tokens x dimension");
  const double sentPower = powerOf(sent);
  const auto symbols = static_cast<std::size_t>(tokenSymbolCount(header));

  std::vector<std::uint32_t> moves;
  burstMoves(header.sequence, header.transport, static_cast<int>(payloadSymbolCount(header)), moves);
  const auto symbolAt = [](Span<const float> from, std::size_t k) {
    return Cd(from[2 * k], 2 * k + 1 < from.size() ? from[2 * k + 1] : 0.0F);
  };
  struct Sums {
    Cd cross = 0;
    double power = 0, error = 0;
    int count = 0;
    void add(Cd x, Cd r) {
      cross += std::conj(x) * r;
      power += std::norm(x);
      error += std::norm(r - x);
      ++count;
    }
  };
  std::vector<Sums> bySymbol(static_cast<std::size_t>(payloadOfdmSymbolCount(header)));
  std::array<Sums, kDataCarriers> byCarrier;
  Sums all;
  for (std::size_t k = 0; k < symbols; ++k) {
    const Cd x = symbolAt(sent, k), r = symbolAt(Span<const float>(burst.tokens), k);
    const std::uint32_t position = positionOf(moves[k]);
    bySymbol[position / kDataCarriers].add(x, r);
    byCarrier[position % kDataCarriers].add(x, r);
    all.add(x, r);
  }

  ErrorBudget budget;
  budget.measured = all.error / std::max(sentPower, 1e-30);
  // Noise as the training had it, through the equaliser that was used.
  const double trainingNoise = burst.signalPower / std::pow(10.0, burst.snrDataAided.snrDb / 10);
  const double distortion = std::isfinite(clipEvmDb) ? std::pow(10.0, clipEvmDb / 10) : 0;
  std::array<double, kDataCarriers> left;
  for (int d = 0; d < kDataCarriers; ++d) {
    const double h2 = std::max(static_cast<double>(std::norm(burst.channel[waveform().data[d]])), 1e-30);
    left[d] = h2 / (h2 + burst.noiseVariance);
    budget.noise += ((1 - left[d]) * (1 - left[d]) + left[d] * left[d] * trainingNoise / h2) / kDataCarriers;
    budget.nonlinearity += left[d] * left[d] * distortion / kDataCarriers;
  }
  // What a phase per OFDM symbol would gain, less what it gains in noise: half of one symbol's error each.
  const double perSymbol = all.error / static_cast<double>(symbols);
  double phaseGain = 0;
  for (const Sums& s : bySymbol)
    if (s.count > 1)
      phaseGain += 2 * (std::abs(s.cross) - s.cross.real()) - perSymbol / 2;
  budget.phase = std::max(phaseGain / sentPower, 0.0);
  const auto fewest = std::min_element(byCarrier.begin(), byCarrier.end(),
                                       [](const Sums& a, const Sums& b) { return a.count < b.count; });
  if (!header.transport.dftSpreading && fewest->count >= kFewestPerCarrier) {
    double channelGain = 0;
    for (int d = 0; d < kDataCarriers; ++d) {
      const Sums& s = byCarrier[d];
      channelGain += std::norm(s.cross / s.power - left[d]) * s.power - perSymbol;
    }
    budget.channel =
        std::max(channelGain / sentPower - budget.phase / static_cast<double>(bySymbol.size()), 0.0);
  }
  budget.unexplained = budget.measured - budget.explained();
  return budget;
}

} // namespace otabench::phy
