#include "fading_figures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "air.hpp"

namespace bench {

using namespace otabench::phy;
namespace medium = otabench::medium;

namespace {

constexpr double kRmsDbfs = -12;
constexpr double kSpeedOfLight = 299792458.0;
constexpr const char* kReceiver = "TWIN-RX";
/** Of the transmitters against the receiver. */
constexpr std::array<double, 5> kClocksPpm{-35, -17, 0, 12, 30};
constexpr std::int64_t kStart = 700;  // of the burst's first guard, samples
constexpr int kStretch = 19;          // OFDM symbols over which the channel stands still for the bound
constexpr int kProbes = 4;            // symbols of a stretch that it is taken from
constexpr std::size_t kWindowAt = 10; // FFT's first sample within a symbol: past the longest delay
constexpr double kTwoPi = 6.283185307179586;

std::string serialOf(std::size_t transmitter) {
  return "TWIN-TX" + std::to_string(transmitter);
}

std::int64_t nsOf(std::int64_t sample) {
  return std::llround(static_cast<double>(sample) * 1e9 / kDefaultSampleRateHz);
}

medium::PathProfile pathOf(std::size_t transmitter, const FadingCase& fading, double pathLossDb) {
  medium::PathProfile path;
  path.from = serialOf(transmitter);
  path.to = kReceiver;
  path.pathLossDb = pathLossDb;
  path.fading.kind = medium::FadingKind::Continuous;
  path.fading.profile = fading.profile;
  path.fading.delaySpreadS = fading.delaySpreadS;
  path.fading.dopplerHz = fading.speedKmh / 3.6 / kSpeedOfLight * kDefaultCenterFrequencyHz;
  return path;
}

/** One receiver and a transmitter per clock, all at full transmit gain. */
class Air {
public:
  Air(const FadingCase& fading, double snrDb, std::uint64_t seed) {
    medium::MediumConfig config;
    config.pace = medium::Pace::Free;
    config.seed = seed;
    config.radios.push_back(radio(kReceiver, 0));
    for (std::size_t t = 0; t < kClocksPpm.size(); ++t) {
      config.radios.push_back(radio(serialOf(t), kClocksPpm[t]));
      config.paths.push_back(pathOf(t, fading, 0));
    }
    auto& air = medium::Medium::instance();
    air.configure(config);
    receiver = open(kReceiver);
    for (std::size_t t = 0; t < kClocksPpm.size(); ++t) {
      transmitters.push_back(open(serialOf(t)));
      transmitters[t]->activateTx();
      // Without path loss a sample arrives as it is, up to gainDb; carriers have 64/52 of the samples' power.
      const medium::LinkTruth truth = air.linkTruth(serialOf(t), kReceiver);
      const double carrierDbfs =
          kRmsDbfs + truth.gainDb + 10 * std::log10(static_cast<double>(kCarriers) / kLoadedCarriers);
      air.setPath(pathOf(t, fading, carrierDbfs - truth.noisePowerDbfs - snrDb));
    }
  }

  std::shared_ptr<medium::Radio> receiver;
  std::vector<std::shared_ptr<medium::Radio>> transmitters;

private:
  static medium::RadioProfile radio(const std::string& serial, double ppm) {
    medium::RadioProfile profile;
    profile.serial = serial;
    profile.clockErrorPpm = ppm;
    profile.maxOutputPowerDbm = 10;
    return profile;
  }
  static std::shared_ptr<medium::Radio> open(const std::string& serial) {
    auto opened = medium::Medium::instance().open(serial);
    for (const auto direction : {medium::Direction::Rx, medium::Direction::Tx}) {
      opened->setSampleRateHz(direction, kDefaultSampleRateHz);
      opened->setFrequencyHz(direction, kDefaultCenterFrequencyHz);
    }
    opened->setGainDb(medium::Direction::Tx, medium::limits().txGainDb.maximum);
    opened->setGainDb(medium::Direction::Rx, 40);
    return opened;
  }
};

/** LMMSE's error for the channel as it was, and the mean SNR, linear. */
struct Truth {
  double bound = 0, snr = 0;
};

using Samples = std::vector<medium::Sample>;

/** Data carriers of the OFDM symbol whose FFT starts at samples[at]; `turn` rad/sample is taken out. */
std::array<air::Cd, kDataCarriers> carriersOf(const Samples& samples, std::size_t at, double turn) {
  std::array<air::Cd, kCarriers> input, turns;
  for (std::size_t n = 0; n < kCarriers; ++n) {
    input[n] = air::Cd(samples[at + n]) * std::polar(1.0, -turn * static_cast<double>(n));
    turns[n] = std::polar(1.0, -kTwoPi * static_cast<double>(n) / kCarriers);
  }
  std::array<air::Cd, kDataCarriers> values{};
  std::size_t d = 0;
  for (const int carrier : loadedCarriers()) {
    if (isPilotCarrier(carrier))
      continue;
    for (std::size_t n = 0; n < kCarriers; ++n)
      values[d] += input[n] * turns[static_cast<std::size_t>(carrier + kCarriers) * n % kCarriers];
    ++d;
  }
  return values;
}

/**
 * |H|^2 of each data carrier by least squares between what arrives with and without the taps, over a few
 * symbols of each stretch. (The energy received on a carrier would bring the tokens' own fluctuation into the
 * bound, 0.2 dB of it.)
 */
Truth truthOf(std::size_t transmitter, int symbols) {
  auto& air = medium::Medium::instance();
  const medium::LinkTruth link = air.linkTruth(serialOf(transmitter), kReceiver);
  medium::PartsQuery query;
  query.from = serialOf(transmitter);
  query.to = kReceiver;
  query.firstSample = kStart + kGuardSamples + kPreambleSamples + kHeaderSamples;
  query.sampleCount = static_cast<std::size_t>(symbols) * kSymbolSamples;
  const medium::ReceivedParts parts = air.receivedParts(query);
  const double turn = kTwoPi * link.cfoHz / kDefaultSampleRateHz;
  const double unfaded = std::pow(10, (kRmsDbfs + link.gainDb - link.noisePowerDbfs) / 10) *
                         static_cast<double>(kCarriers) / kLoadedCarriers;
  Truth truth;
  for (int first = 0; first < symbols; first += kStretch) {
    const int count = std::min(kStretch, symbols - first);
    std::array<air::Cd, kDataCarriers> cross{};
    std::array<double, kDataCarriers> power{};
    for (int probe = 0; probe < kProbes; ++probe) {
      const int m = first + count * (2 * probe + 1) / (2 * kProbes);
      const std::size_t at = static_cast<std::size_t>(m) * kSymbolSamples + kWindowAt;
      const auto sent = carriersOf(parts.clean, at, turn), received = carriersOf(parts.faded, at, turn);
      for (std::size_t d = 0; d < kDataCarriers; ++d) {
        cross[d] += received[d] * std::conj(sent[d]);
        power[d] += std::norm(sent[d]);
      }
    }
    const double weight = static_cast<double>(count) / symbols / kDataCarriers;
    for (std::size_t d = 0; d < kDataCarriers; ++d) {
      const double snr = unfaded * std::norm(cross[d] / power[d]);
      truth.bound += weight / (1 + snr);
      truth.snr += weight * snr;
    }
  }
  return truth;
}

/** A burst and what was captured of it. */
struct Captured {
  std::size_t from; // transmitter
  BurstHeader header;
  std::vector<float> sent;
  std::vector<air::Cf> samples;
};

Captured capture(const Air& radios, const FadingCase& fading, int trial, std::uint64_t seed) {
  auto& air = medium::Medium::instance();
  Captured c;
  c.from = static_cast<std::size_t>(trial) % kClocksPpm.size();
  c.header.sequence = trial % 4096;
  c.header.tokens = fading.tokens;
  c.header.dimension = fading.dimension;
  c.sent = air::gaussianTokens(fading.tokens * fading.dimension,
                               air::hash(seed) + static_cast<std::uint64_t>(trial));
  BurstTransmitter transmitter;
  std::vector<air::Cf> burst;
  transmitter.modulate(Span<const float>(c.sent), c.header, kRmsDbfs, burst);
  air.beginTrial(std::to_string(trial));
  radios.receiver->activateRx();
  medium::WriteOptions options;
  options.startNs = nsOf(kStart);
  options.endOfBurst = true;
  radios.transmitters[c.from]->write(burst.data(), burst.size(), options, 100000);
  c.samples.resize(burst.size() + 2 * kStart);
  air.grantUntilNs(nsOf(static_cast<std::int64_t>(c.samples.size()) + 8));
  std::size_t have = 0;
  while (have < c.samples.size()) {
    const auto result = radios.receiver->read(c.samples.data() + have,
                                              std::min<std::size_t>(c.samples.size() - have, 65536), 0);
    if (result.status != medium::StreamStatus::Ok)
      break;
    have += result.sampleCount;
  }
  c.samples.resize(have);
  radios.receiver->deactivateRx();
  return c;
}

} // namespace

FadingPoint measureFading(const FadingCase& fading, double snrDb, int bursts, std::uint64_t seed) {
  const Air radios(fading, snrDb, seed);
  FadingPoint point;
  point.bursts = bursts;
  double mse = 0, bound = 0, bias = 0;
  for (int t = 0; t < bursts; ++t) {
    const Captured c = capture(radios, fading, t, seed);
    const Truth truth = truthOf(c.from, static_cast<int>(payloadOfdmSymbolCount(c.header)));
    double error = 1; // of a burst that is lost
    BurstReceiver receiver({}, [&](ReceivedBurst&& b) {
      if (b.outcome != BurstOutcome::Ok || b.header.sequence != c.header.sequence)
        return;
      ++point.received;
      error = air::tokenMse(c.sent, b.tokens);
      bias += b.snrDb - 10 * std::log10(truth.snr);
    });
    receiver.push(c.samples.data(), c.samples.size(), 0);
    receiver.flush();
    mse += error;
    bound += truth.bound;
  }
  point.mseGapDb = 10 * std::log10(mse / bound);
  point.snrBiasDb = bias / point.received;
  return point;
}

std::vector<ErrorBudget> fadingBudgets(const FadingCase& fading, double snrDb, int bursts,
                                       std::uint64_t seed) {
  const Air radios(fading, snrDb, seed);
  std::vector<ErrorBudget> budgets;
  for (int t = 0; t < bursts; ++t) {
    const Captured c = capture(radios, fading, t, seed);
    medium::PartsQuery query;
    query.from = serialOf(c.from);
    query.to = kReceiver;
    query.sampleCount = c.samples.size();
    const medium::BudgetParts parts = medium::Medium::instance().budgetParts(query);
    BudgetWindows windows;
    windows.received = Span<const air::Cf>(parts.received);
    windows.quiet = Span<const air::Cf>(parts.quiet);
    windows.noiseFree = Span<const air::Cf>(parts.noiseFree);
    windows.linear = Span<const air::Cf>(parts.linear);
    if (const auto budget = errorBudget(Span<const float>(c.sent), c.header, windows))
      budgets.push_back(*budget);
  }
  return budgets;
}

} // namespace bench
