#include "channel.hpp"

#include "noise.hpp"

#include <algorithm>
#include <cmath>

namespace otabench::medium {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kGridPerCycle = 24.0; // instants per cycle of the greatest Doppler shift
constexpr double kSightDoppler = 0.7;  // TR 38.901, 7.7.2: the line of sight's shift over the greatest

struct ProfileRow {
  double delay; ///< over the rms delay spread
  double powerDb;
};

// 3GPP TR 38.901, tables 7.7.2-1 to -5. The first row of TDL-D and TDL-E is the line of sight, the second the
// scattered part of the same tap.
const ProfileRow kTdlA[] = {
    {0.0, -13.4},    {0.3819, 0.0},   {0.4025, -2.2},  {0.5868, -4.0},  {0.461, -6.0},  {0.5375, -8.2},
    {0.6708, -9.9},  {0.575, -10.5},  {0.7618, -7.5},  {1.5375, -15.9}, {1.8978, -6.6}, {2.2242, -16.7},
    {2.1718, -12.4}, {2.4942, -15.2}, {2.5119, -10.8}, {3.0582, -11.3}, {4.081, -12.7}, {4.4579, -16.2},
    {4.5695, -18.3}, {4.7966, -18.9}, {5.0066, -16.6}, {5.3043, -19.9}, {9.6586, -29.7}};
const ProfileRow kTdlB[] = {{0.0, 0.0},      {0.1072, -2.2}, {0.2155, -4.0},  {0.2095, -3.2}, {0.287, -9.8},
                            {0.2986, -1.2},  {0.3752, -3.4}, {0.5055, -5.2},  {0.3681, -7.6}, {0.3697, -3.0},
                            {0.57, -8.9},    {0.5283, -9.0}, {1.1021, -4.8},  {1.2756, -5.7}, {1.5474, -7.5},
                            {1.7842, -1.9},  {2.0169, -7.6}, {2.8294, -12.2}, {3.0219, -9.8}, {3.6187, -11.4},
                            {4.1067, -14.9}, {4.279, -9.2},  {4.7834, -11.3}};
const ProfileRow kTdlC[] = {
    {0.0, -4.4},     {0.2099, -1.2},  {0.2219, -3.5},  {0.2329, -5.2},  {0.2176, -2.5},  {0.6366, 0.0},
    {0.6448, -2.2},  {0.656, -3.9},   {0.6584, -7.4},  {0.7935, -7.1},  {0.8213, -10.7}, {0.9336, -11.1},
    {1.2285, -5.1},  {1.3083, -6.8},  {2.1704, -8.7},  {2.7105, -13.2}, {4.2589, -13.9}, {4.6003, -13.9},
    {5.4902, -15.8}, {5.6077, -17.1}, {6.3065, -16.0}, {6.6374, -15.7}, {7.0427, -21.6}, {8.6523, -22.8}};
const ProfileRow kTdlD[] = {{0.0, -0.2},    {0.0, -13.5},   {0.035, -18.8}, {0.612, -21.0}, {1.363, -22.8},
                            {1.405, -17.9}, {1.804, -20.1}, {2.596, -21.9}, {1.775, -22.9}, {4.042, -27.8},
                            {7.937, -23.6}, {9.424, -24.8}, {9.708, -30.0}, {12.525, -27.7}};
const ProfileRow kTdlE[] = {{0.0, -0.03},    {0.0, -22.03},    {0.5133, -15.8}, {0.544, -18.1},
                            {0.563, -19.8},  {0.544, -22.9},   {0.7112, -22.4}, {1.9092, -18.6},
                            {1.9293, -20.8}, {1.9589, -22.6},  {2.6426, -22.3}, {3.7136, -25.6},
                            {5.4524, -20.2}, {12.0034, -29.8}, {20.6519, -29.2}};

std::vector<ProfileRow> rowsOf(DelayProfile profile) {
  const auto all = [](const auto& rows) { return std::vector<ProfileRow>(std::begin(rows), std::end(rows)); };
  switch (profile) {
  case DelayProfile::TdlA:
    return all(kTdlA);
  case DelayProfile::TdlB:
    return all(kTdlB);
  case DelayProfile::TdlC:
    return all(kTdlC);
  case DelayProfile::TdlD:
    return all(kTdlD);
  case DelayProfile::TdlE:
    return all(kTdlE);
  case DelayProfile::Taps:
    break;
  }
  return {};
}

double linear(double powerDb) {
  return std::pow(10.0, powerDb / 10.0);
}

/// K factor asked for (TR 38.901, 7.7.6): scattered powers move against the line of sight, delays are
/// normalised to an rms spread of 1 again.
void scaleRicianK(std::vector<ProfileRow>& rows, double wantedKDb) {
  const double presentKDb = rows[0].powerDb - rows[1].powerDb;
  for (std::size_t i = 1; i < rows.size(); ++i)
    rows[i].powerDb += presentKDb - wantedKDb;
  double total = 0.0, mean = 0.0, square = 0.0;
  for (const ProfileRow& row : rows) {
    total += linear(row.powerDb);
    mean += linear(row.powerDb) * row.delay;
    square += linear(row.powerDb) * row.delay * row.delay;
  }
  mean /= total;
  const double spread = std::sqrt(square / total - mean * mean);
  for (ProfileRow& row : rows)
    row.delay /= spread;
}

/// Taps of mean power and, apart, the share of line of sight of the first (none: 0).
std::vector<Tap> tapsOf(const PathProfile& path, double* sightShare) {
  const Fading& fading = path.fading;
  if (fading.profile == DelayProfile::Taps) {
    if (fading.ricianKDb)
      *sightShare = linear(*fading.ricianKDb) / (1.0 + linear(*fading.ricianKDb));
    return path.taps;
  }
  std::vector<ProfileRow> rows = rowsOf(fading.profile);
  const bool hasSight = fading.profile == DelayProfile::TdlD || fading.profile == DelayProfile::TdlE;
  if (hasSight && fading.ricianKDb)
    scaleRicianK(rows, *fading.ricianKDb);
  if (hasSight) {
    const double sight = linear(rows[0].powerDb);
    const double first = sight + linear(rows[1].powerDb);
    *sightShare = sight / first;
    rows[1].powerDb = 10.0 * std::log10(first);
    rows.erase(rows.begin());
  }
  double total = 0.0;
  for (const ProfileRow& row : rows)
    total += linear(row.powerDb);
  std::vector<Tap> taps;
  const Tap& base = path.taps.front(); // its delay, power and phase shift the whole profile
  for (const ProfileRow& row : rows)
    taps.push_back({base.delayS + row.delay * fading.delaySpreadS,
                    base.powerDb + row.powerDb - 10.0 * std::log10(total), base.phaseRad});
  return taps;
}

/// Phase that a wave has reached after startS, cycles apart.
double advanced(double phase, double hz, double startS) {
  const double cycles = hz * startS;
  return phase + 2.0 * kPi * (cycles - std::floor(cycles));
}

TapFading drawFading(RandomWords& words, const Fading& fading, double sightShare, double startS) {
  TapFading tap;
  const bool moves = fading.kind == FadingKind::Continuous;
  tap.sightAmplitude = std::sqrt(sightShare);
  tap.sightHz = moves ? kSightDoppler * fading.dopplerHz : 0.0;
  tap.sightPhase = advanced(2.0 * kPi * words.uniform(), tap.sightHz, startS);
  tap.scatterAmplitude = std::sqrt(1.0 - sightShare);
  if (moves) {
    // Waves from all around, one at random in each sector: the mean over trials is Clarke's spectrum exactly.
    for (std::size_t n = 0; n < TapFading::kWaves; ++n) {
      const double angle =
          2.0 * kPi * (static_cast<double>(n) + words.uniform()) / static_cast<double>(TapFading::kWaves);
      tap.waveHz[n] = fading.dopplerHz * std::cos(angle);
      tap.wavePhase[n] = advanced(2.0 * kPi * words.uniform(), tap.waveHz[n], startS);
    }
  } else {
    tap.drawn = words.gaussian();
  }
  return tap;
}

} // namespace

void Channel::exactGains(double trueNs, TapGains& gains) const {
  gains.resize(taps.size());
  const double t = trueNs * 1e-9;
  const auto turn = [t](double hz, double phase) {
    const double cycles = hz * t;
    return 2.0 * kPi * (cycles - std::floor(cycles)) + phase;
  };
  for (std::size_t i = 0; i < fading.size(); ++i) {
    const TapFading& tap = fading[i];
    std::complex<double> scattered = tap.drawn;
    if (moves) {
      double re = 0.0, im = 0.0;
      for (std::size_t n = 0; n < TapFading::kWaves; ++n) {
        const double phase = turn(tap.waveHz[n], tap.wavePhase[n]);
        re += std::cos(phase);
        im += std::sin(phase);
      }
      scattered = std::complex<double>(re, im) / std::sqrt(static_cast<double>(TapFading::kWaves));
    }
    gains[i] = tap.scatterAmplitude * scattered;
    if (tap.sightAmplitude > 0.0)
      gains[i] += std::polar(tap.sightAmplitude, turn(tap.sightHz, tap.sightPhase));
  }
}

std::shared_ptr<const Channel> makeChannel(const PathProfile& path, std::uint64_t seed,
                                           const ChannelMoment& moment) {
  auto channel = std::make_shared<Channel>();
  channel->pathLossDb = path.pathLossDb;
  double sightShare = 0.0;
  channel->taps = tapsOf(path, &sightShare);
  channel->leastDelayS = channel->greatestDelayS = channel->taps.front().delayS;
  for (const Tap& tap : channel->taps) {
    channel->leastDelayS = std::min(channel->leastDelayS, tap.delayS);
    channel->greatestDelayS = std::max(channel->greatestDelayS, tap.delayS);
  }
  const Fading& fading = path.fading;
  if (fading.kind == FadingKind::None)
    return channel;
  channel->moves = fading.kind == FadingKind::Continuous;
  channel->dopplerHz = channel->moves ? fading.dopplerHz : 0.0;
  channel->gridNs = 1e9 / (kGridPerCycle * std::max(fading.dopplerHz, 1e-3));
  for (std::size_t i = 0; i < channel->taps.size(); ++i) {
    RandomWords words(linkKey(seed, moment.realisation, path.from, path.to, i));
    channel->fading.push_back(drawFading(words, fading, i == 0 ? sightShare : 0.0, moment.startS));
  }
  return channel;
}

const TapGains& GainTable::at(const std::shared_ptr<const Channel>& channel, double trueNs) {
  const double position = trueNs / channel->gridNs;
  const double whole = std::floor(position);
  const auto index = static_cast<std::int64_t>(whole);
  if (channel_ != channel || !filled_ || index != index_) {
    std::size_t kept = 0;
    if (channel_ == channel && filled_ && index > index_ && index - index_ < 4) {
      const auto step = static_cast<std::size_t>(index - index_);
      std::rotate(grid_.begin(), grid_.begin() + static_cast<std::ptrdiff_t>(step), grid_.end());
      kept = 4 - step;
    }
    for (std::size_t k = kept; k < 4; ++k)
      channel->exactGains((whole - 1.0 + static_cast<double>(k)) * channel->gridNs, grid_[k]);
    channel_ = channel;
    index_ = index;
    filled_ = true;
  }
  const double x = position - whole; // Lagrange through -1, 0, 1, 2
  const double a = -x * (x - 1.0) * (x - 2.0) / 6.0;
  const double b = (x + 1.0) * (x - 1.0) * (x - 2.0) / 2.0;
  const double c = -(x + 1.0) * x * (x - 2.0) / 2.0;
  const double d = (x + 1.0) * x * (x - 1.0) / 6.0;
  gains_.resize(channel->taps.size());
  for (std::size_t i = 0; i < gains_.size(); ++i)
    gains_[i] = a * grid_[0][i] + b * grid_[1][i] + c * grid_[2][i] + d * grid_[3][i];
  return gains_;
}

} // namespace otabench::medium
