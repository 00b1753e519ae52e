#include "otabench/phy/subband.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace otabench::phy {

namespace {

constexpr double kHalfBandBins = 0.5 * kGridCarriers * kBinsPerGridCarrier;
/** Edges are sums of eighths of a bin; this is rounding. */
constexpr double kRounding = 1e-6;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

double low(const Subband& b) {
  return b.centerBin - b.halfWidthBins();
}
double high(const Subband& b) {
  return b.centerBin + b.halfWidthBins();
}

std::string inCarriers(const Subband& b) {
  return number(low(b) / kBinsPerGridCarrier) + ".." + number(high(b) / kBinsPerGridCarrier);
}

std::string field(std::size_t i, const char* name) {
  return "users[" + std::to_string(i) + "]." + name;
}

void checkOne(std::size_t i, const SubbandUser& u, std::size_t users, std::vector<SubbandError>& faults) {
  const Subband& b = u.band;
  if (u.user < 0 || u.user > kMaxUser)
    faults.emplace_back(SubbandFault::BadUser, field(i, "user"), std::to_string(u.user),
                        "0.." + std::to_string(kMaxUser));
  const bool sized = isSubbandSize(b.size);
  if (!sized)
    faults.emplace_back(SubbandFault::BadSize, field(i, "band.size"), std::to_string(b.size),
                        std::to_string(kSmallestSubband) + ".." + std::to_string(kGridBins) +
                            " in steps of " + std::to_string(kSubbandSizeStep) + ", above " +
                            std::to_string(kFineSubbandSize) + " without prime factors above 13");
  if (b.guardBins < kLeastGuardBins || b.guardBins > kGridBins / 2)
    faults.emplace_back(SubbandFault::BadGuard, field(i, "band.guardBins"), std::to_string(b.guardBins),
                        std::to_string(kLeastGuardBins) + ".." + std::to_string(kGridBins / 2));
  if (sized && (low(b) < -kHalfBandBins - kRounding || high(b) > kHalfBandBins + kRounding))
    faults.emplace_back(SubbandFault::OutOfBand, field(i, "band"), "carriers " + inCarriers(b),
                        "carriers -26.5..26.5");
  // The full band's own user corrects what it hears; only where others are near must it be known before.
  if (users > 1 && !u.soundedCfoHz)
    faults.emplace_back(SubbandFault::NoSounding, field(i, "soundedCfoHz"), "missing",
                        "the CFO of a sounding, Hz");
  if (u.soundedCfoHz && !std::isfinite(*u.soundedCfoHz))
    faults.emplace_back(SubbandFault::NoSounding, field(i, "soundedCfoHz"), number(*u.soundedCfoHz),
                        "a finite number of Hz");
}

void checkPair(std::size_t i, std::size_t j, const std::vector<SubbandUser>& users,
               std::vector<SubbandError>& faults) {
  const Subband &a = users[i].band, &b = users[j].band;
  const std::string pair = "users[" + std::to_string(i) + "], users[" + std::to_string(j) + "]";
  if (users[i].user == users[j].user)
    faults.emplace_back(SubbandFault::DuplicateUser, pair + ".user", std::to_string(users[i].user),
                        "each user once");
  const double gap = std::max(low(b) - high(a), low(a) - high(b));
  const int guard = std::max(a.guardBins, b.guardBins);
  if (gap < -kRounding)
    faults.emplace_back(SubbandFault::Overlap, pair + ".band",
                        "carriers " + inCarriers(a) + " and " + inCarriers(b),
                        "sub-bands that do not overlap");
  else if (gap < guard - kRounding)
    faults.emplace_back(SubbandFault::NoGuard, pair + ".band",
                        number(gap / kBinsPerGridCarrier) + " grid carriers apart",
                        ">= " + number(static_cast<double>(guard) / kBinsPerGridCarrier));
}

} // namespace

const char* toString(SubbandFault fault) {
  switch (fault) {
  case SubbandFault::NoUsers:
    return "no-users";
  case SubbandFault::BadUser:
    return "bad-user";
  case SubbandFault::DuplicateUser:
    return "duplicate-user";
  case SubbandFault::BadSize:
    return "bad-size";
  case SubbandFault::BadGuard:
    return "bad-guard";
  case SubbandFault::OutOfBand:
    return "out-of-band";
  case SubbandFault::Overlap:
    return "overlap";
  case SubbandFault::NoGuard:
    return "no-guard";
  case SubbandFault::NoSounding:
    return "no-sounding";
  }
  return "unknown";
}

bool isSubbandSize(int size) {
  if (size < kSmallestSubband || size > kGridBins || size % kSubbandSizeStep != 0)
    return false;
  if (size <= kFineSubbandSize)
    return true;
  for (const int prime : {2, 3, 5, 7, 11, 13})
    while (size % prime == 0)
      size /= prime;
  return size == 1;
}

int subbandSizeFor(double widthCarriers) {
  if (!(widthCarriers > 0))
    return 0;
  const double steps =
      std::min<double>(widthCarriers, kGridCarriers) * kGridBins / kGridCarriers / kSubbandSizeStep;
  for (int size = static_cast<int>(steps + kRounding) * kSubbandSizeStep; size >= kSmallestSubband;
       size -= kSubbandSizeStep)
    if (isSubbandSize(size))
      return size;
  return 0;
}

Subband subbandOfCarriers(int first, int count, int guardBins) {
  if (first < -kHighestCarrier || first > kHighestCarrier)
    throw SubbandError(SubbandFault::OutOfBand, "first", std::to_string(first), "-26..26");
  if (subbandSizeFor(count) == 0)
    throw SubbandError(SubbandFault::BadSize, "count", std::to_string(count), ">= 4");
  if (first + count - 1 > kHighestCarrier)
    throw SubbandError(SubbandFault::OutOfBand, "first + count - 1", std::to_string(first + count - 1),
                       "<= 26");
  Subband band;
  band.size = subbandSizeFor(count);
  band.centerBin = kBinsPerGridCarrier / 2 * (2 * first + count - 1);
  band.guardBins = guardBins;
  return band;
}

std::vector<SubbandError> subbandFaults(const std::vector<SubbandUser>& users) {
  std::vector<SubbandError> faults;
  if (users.empty())
    faults.emplace_back(SubbandFault::NoUsers, "users", "empty", "at least one user");
  for (std::size_t i = 0; i < users.size(); ++i)
    checkOne(i, users[i], users.size(), faults);
  for (std::size_t i = 0; i < users.size(); ++i)
    for (std::size_t j = i + 1; j < users.size(); ++j)
      checkPair(i, j, users, faults);
  return faults;
}

void requireSubbands(const std::vector<SubbandUser>& users) {
  const std::vector<SubbandError> faults = subbandFaults(users);
  if (!faults.empty())
    throw faults.front();
}

std::vector<Subband> placeSubbands(const std::vector<double>& widthCarriers, int guardBins) {
  if (widthCarriers.empty())
    throw SubbandError(SubbandFault::NoUsers, "widthCarriers", "empty", "at least one user");
  if (guardBins < kLeastGuardBins || guardBins > kGridBins / 2)
    throw SubbandError(SubbandFault::BadGuard, "guardBins", std::to_string(guardBins),
                       std::to_string(kLeastGuardBins) + ".." + std::to_string(kGridBins / 2));
  const std::size_t n = widthCarriers.size();
  std::vector<Subband> bands(n);
  double used = guardBins * static_cast<double>(n - 1);
  for (std::size_t i = 0; i < n; ++i) {
    const double width = widthCarriers[i];
    bands[i].size = subbandSizeFor(width);
    if (bands[i].size == 0 || width > kGridCarriers)
      throw SubbandError(SubbandFault::BadSize, "widthCarriers[" + std::to_string(i) + "]", number(width),
                         "4..53 grid carriers");
    bands[i].guardBins = guardBins;
    used += 2 * bands[i].halfWidthBins();
  }
  const double spare = 2 * kHalfBandBins - used;
  if (spare < -kRounding)
    throw SubbandError(SubbandFault::OutOfBand, "widthCarriers",
                       number(used / kBinsPerGridCarrier) + " grid carriers with their guards", "53 in all");
  // Low edges without the spare; user i may move up by any share of it that the one below does not exceed.
  std::vector<double> base(n), moved(n);
  double at = -kHalfBandBins;
  for (std::size_t i = 0; i < n; ++i) {
    base[i] = at + bands[i].halfWidthBins();
    at += 2 * bands[i].halfWidthBins() + guardBins;
    moved[i] = n > 1 ? spare * static_cast<double>(i) / static_cast<double>(n - 1) : spare / 2;
  }
  std::size_t below = 0; // users that lie below DC however the spare is spent
  while (below < n && base[below] + bands[below].halfWidthBins() < 0)
    ++below;
  if (below == n || (below > 0 && base[below] + spare - bands[below].halfWidthBins() > 0)) {
    for (std::size_t i = 0; i < n; ++i)
      moved[i] = i < below ? 0 : spare;
  } else if (base[below] <= 0 && base[below] + spare >= 0) {
    for (std::size_t i = 0; i < n; ++i)
      moved[i] = i < below ? 0 : i == below ? -base[below] : spare;
  }
  // Centres are whole bins. Upwards what guards and the lower edge ask for, then downwards the same.
  double limit = -kHalfBandBins;
  for (std::size_t i = 0; i < n; ++i) {
    const double half = bands[i].halfWidthBins();
    bands[i].centerBin = std::max(static_cast<int>(std::lround(base[i] + moved[i])),
                                  static_cast<int>(std::ceil(limit + half - kRounding)));
    limit = high(bands[i]) + guardBins;
  }
  limit = kHalfBandBins;
  for (std::size_t i = n; i-- > 0;) {
    const double half = bands[i].halfWidthBins();
    bands[i].centerBin = std::min(bands[i].centerBin, static_cast<int>(std::floor(limit - half + kRounding)));
    limit = low(bands[i]) - guardBins;
  }
  if (low(bands.front()) < -kHalfBandBins - kRounding)
    throw SubbandError(SubbandFault::OutOfBand, "widthCarriers",
                       number(used / kBinsPerGridCarrier) + " grid carriers with their guards",
                       "53 in all, each sub-band's centre on a whole bin");
  return bands;
}

std::optional<int> carrierAtDc(const Subband& band) {
  if (std::abs(band.centerBin) > band.halfWidthBins())
    return std::nullopt;
  const auto carrier =
      static_cast<int>(std::lround(-static_cast<double>(band.centerBin) * kCarriers / band.size));
  return carrier == 0 ? std::nullopt : std::optional<int>(carrier);
}

std::int64_t subbandBurstSampleCount(const BurstHeader& header, const Subband& band, int guardSamples) {
  const std::int64_t own = burstSampleCount(header, guardSamples);
  return (own * kGridBins + band.size - 1) / band.size;
}

} // namespace otabench::phy
