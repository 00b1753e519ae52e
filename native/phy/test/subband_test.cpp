/** Sub-bands: partition, filters, channeliser and its counterpart. */
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "check.hpp"
#include "scene.hpp"
#include "subband_channeliser.hpp"

using namespace scene;

namespace {

using air::Cd;
using air::Cf;

SubbandUser userIn(int user, const Subband& band) {
  SubbandUser u;
  u.user = user;
  u.band = band;
  u.soundedCfoHz = 0;
  return u;
}

bool hasFault(const std::vector<SubbandUser>& users, SubbandFault fault) {
  const auto faults = subbandFaults(users);
  return std::any_of(faults.begin(), faults.end(), [&](const SubbandError& e) { return e.fault() == fault; });
}

std::vector<Cf> channelOf(const std::vector<Cf>& capture, const Subband& band, std::int64_t first = 0) {
  std::vector<Cf> own;
  SubbandChanneliser channeliser({band}, [&](std::size_t, const Cf* s, std::size_t n, std::int64_t) {
    own.insert(own.end(), s, s + n);
  });
  channeliser.push(capture.data(), capture.size(), first);
  channeliser.flush();
  return own;
}

std::vector<Cf> noise(std::size_t count, std::uint64_t seed) {
  std::vector<Cf> samples(count);
  air::Noise(seed).write(samples.data(), count, 1.0);
  return samples;
}

double power(const std::vector<Cf>& samples) {
  double sum = 0;
  for (const Cf& s : samples)
    sum += static_cast<double>(std::norm(s));
  return sum / static_cast<double>(samples.size());
}

} // namespace

TEST_CASE(partition, "partition: three users of 17, 17 and 15 carriers fit with two guard carriers each") {
  const std::vector<SubbandUser> users = {userIn(0, subbandOfCarriers(-26, 17)),
                                          userIn(1, subbandOfCarriers(-7, 17)),
                                          userIn(2, subbandOfCarriers(12, 15))};
  CHECK(subbandFaults(users).empty());
  CHECK_RANGE(users[0].band.widthCarriers(), 16.7, 17);
  CHECK(isSubbandSize(152) && isSubbandSize(504) && isSubbandSize(648) && isSubbandSize(2048));
  CHECK(!isSubbandSize(144) && !isSubbandSize(500) && !isSubbandSize(656) && !isSubbandSize(2056));
  CHECK_EQUAL(subbandSizeFor(3.9), 0);
  CHECK_EQUAL(subbandSizeFor(NAN), 0);
  CHECK_RANGE(carrierOffsetHz(users[1].band, 0, 5e6), 78125 - 1, 78125 + 1);
  // Carrier 26 of the lowest user lies within its last grid carrier, -10.
  CHECK_RANGE(carrierOffsetHz(users[0].band, 26, 5e6) / 78125, -10, -9.5);
}

TEST_CASE(partitionFaults, "partition: everything that cannot be used is named") {
  const Subband a = subbandOfCarriers(-26, 17), b = subbandOfCarriers(-7, 17), c = subbandOfCarriers(12, 15);
  const auto with = [&](void (*spoil)(std::vector<SubbandUser>&), SubbandFault fault) {
    std::vector<SubbandUser> users = {userIn(0, a), userIn(1, b), userIn(2, c)};
    spoil(users);
    if (!hasFault(users, fault))
      check::fail(__FILE__, __LINE__, std::string("no fault ") + toString(fault));
    try {
      requireSubbands(users);
      check::fail(__FILE__, __LINE__, std::string("accepted ") + toString(fault));
    } catch (const SubbandError& e) {
      CHECK(std::string(e.what()).find('\n') == std::string::npos);
      CHECK(!e.allowed().empty() && !e.field().empty());
    }
  };
  using Users = std::vector<SubbandUser>;
  with([](Users& u) { u.clear(); }, SubbandFault::NoUsers);
  with([](Users& u) { u[1].user = 16; }, SubbandFault::BadUser);
  with([](Users& u) { u[1].user = 0; }, SubbandFault::DuplicateUser);
  with([](Users& u) { u[1].band.size = 144; }, SubbandFault::BadSize);
  with([](Users& u) { u[1].band.size = 300; }, SubbandFault::BadSize);
  with([](Users& u) { u[1].band.size = 656; }, SubbandFault::BadSize);
  with([](Users& u) { u[1].band.guardBins = 31; }, SubbandFault::BadGuard);
  with([](Users& u) { u[0].band.centerBin -= 20; }, SubbandFault::OutOfBand);
  with([](Users& u) { u[1].band = u[0].band; }, SubbandFault::Overlap);
  with([](Users& u) { u[1].band.centerBin -= 100; }, SubbandFault::Overlap);
  with([](Users& u) { u[1].band.centerBin -= 33; }, SubbandFault::NoGuard);
  with([](Users& u) { u[1].band.guardBins = 100; }, SubbandFault::NoGuard);
  with([](Users& u) { u[2].soundedCfoHz.reset(); }, SubbandFault::NoSounding);
  with([](Users& u) { u[2].soundedCfoHz = NAN; }, SubbandFault::NoSounding);
  // The whole band alone needs neither sounding nor guard.
  SubbandUser whole;
  CHECK(subbandFaults({whole}).empty());
}

TEST_CASE(placing, "placing: any widths that fit are placed with their guards, DC in a gap where it can be") {
  int placed = 0, refused = 0;
  for (std::uint64_t t = 0; t < 3000; ++t) {
    const auto n = static_cast<std::size_t>(1 + 5 * air::uniform(1, t));
    std::vector<double> widths(n);
    double sum = 2.0 * static_cast<double>(n - 1);
    for (std::size_t i = 0; i < n; ++i) {
      widths[i] = 4 + 40.0 / static_cast<double>(n) * air::uniform(2, 8 * t + i);
      sum += widths[i];
    }
    std::vector<Subband> bands;
    try {
      bands = placeSubbands(widths);
    } catch (const SubbandError& e) {
      ++refused;
      CHECK(e.fault() == SubbandFault::OutOfBand);
      CHECK_RANGE(sum, 52.8, 200);
      continue;
    }
    ++placed;
    std::vector<SubbandUser> users;
    for (std::size_t i = 0; i < n; ++i) {
      users.push_back(userIn(static_cast<int>(i), bands[i]));
      CHECK_RANGE(widths[i] - bands[i].widthCarriers(), -1e-9, widths[i] < 13.2 ? 0.2071 : 0.06 * widths[i]);
      CHECK(i == 0 || bands[i].centerBin > bands[i - 1].centerBin);
    }
    for (const SubbandError& e : subbandFaults(users))
      check::fail(__FILE__, __LINE__, e.what());
  }
  CHECK(placed > 2000 && refused > 0);
  // 10 + 10: DC in the gap. 11 + 40: no room for that. 9 + 21 + 9: the middle one around DC.
  for (const Subband& b : placeSubbands({10, 10}))
    CHECK(!carrierAtDc(b).has_value());
  CHECK(carrierAtDc(placeSubbands({11, 40})[1]).has_value());
  for (const Subband& b : placeSubbands({9, 21, 9}))
    CHECK(!carrierAtDc(b).has_value());
  CHECK(placeSubbands({53})[0].full());
}

TEST_CASE(reference, "channeliser: equals shift, FIR and decimation, to the stopband") {
  Subband odd = subbandOfCarriers(-12, 30);
  odd.centerBin += 37; // off the grid's carriers: the shift's phase differs from block to block
  for (const Subband& band : {subbandOfCarriers(-26, 17), subbandOfCarriers(9, 6), odd}) {
    const SubbandFilter filter = designFilter(band, kReceiveStopbandDb);
    const int half = filter.taps / 2;
    // Taps again, from the response: its inverse transform (the stopband beyond reach is 60 dB down).
    std::vector<double> taps(static_cast<std::size_t>(half) + 1);
    for (int n = 0; n <= half; ++n)
      for (int k = -filter.reach; k <= filter.reach; ++k)
        taps[n] += static_cast<double>(filter.response[k + filter.reach]) *
                   std::cos(2 * kPi * k * n / kGridBins) / kGridBins;
    const std::int64_t first = 123457;
    const auto capture = noise(9000, 5);
    std::vector<Cf> own;
    std::int64_t ownFirst = 0;
    SubbandChanneliser channeliser({band}, [&](std::size_t, const Cf* s, std::size_t n, std::int64_t at) {
      if (own.empty())
        ownFirst = at;
      own.insert(own.end(), s, s + n);
    });
    channeliser.push(capture.data(), capture.size(), first);
    channeliser.flush();
    double error = 0, reference = 0;
    int compared = 0;
    for (std::size_t u = 0; u < own.size(); ++u) {
      // Where own and capture instants coincide.
      const std::int64_t index = ownFirst + static_cast<std::int64_t>(u);
      if (index * kGridBins % band.size != 0)
        continue;
      const std::int64_t centre = index * kGridBins / band.size;
      if (centre - first < half || centre - first >= static_cast<std::int64_t>(capture.size()) - half)
        continue;
      Cd sum = 0;
      for (int n = -half; n <= half; ++n) {
        const std::int64_t at = centre + n;
        const double turn = -2 * kPi * static_cast<double>(band.centerBin * (at % kGridBins)) / kGridBins;
        sum += Cd(capture[static_cast<std::size_t>(at - first)]) * std::polar(taps[std::abs(n)], turn);
      }
      error += std::norm(Cd(own[u]) - sum);
      reference += std::norm(sum);
      ++compared;
    }
    CHECK(compared > 20);
    CHECK_RANGE(10 * std::log10(error / reference), -300, -55);
    // White noise stays white in the passband: its power falls as the bandwidth.
    CHECK_RANGE(power(own) * static_cast<double>(own.size()) / 9000 / band.rateRatio() / band.rateRatio(),
                0.78, 1.05);
  }
}

TEST_CASE(pushes, "channeliser: the same bits however the capture is cut") {
  const std::vector<Subband> bands = {subbandOfCarriers(-26, 17), subbandOfCarriers(-7, 17),
                                      subbandOfCarriers(12, 15)};
  const auto capture = noise(40000, 6);
  const auto run = [&](int seed) {
    std::vector<std::vector<Cf>> own(bands.size());
    std::vector<std::int64_t> next(bands.size());
    SubbandChanneliser channeliser(bands, [&](std::size_t b, const Cf* s, std::size_t n, std::int64_t first) {
      if (own[b].empty())
        next[b] = first;
      CHECK_EQUAL(first, next[b]); // without gaps
      next[b] += static_cast<std::int64_t>(n);
      own[b].insert(own[b].end(), s, s + n);
    });
    for (std::size_t at = 0, i = 0; at < capture.size(); ++i) {
      const auto n =
          std::min(capture.size() - at,
                   seed == 0 ? capture.size() : 1 + static_cast<std::size_t>(4000 * air::uniform(seed, i)));
      channeliser.push(capture.data() + at, n, 777 + static_cast<std::int64_t>(at));
      at += n;
    }
    channeliser.flush();
    return own;
  };
  const auto whole = run(0);
  CHECK(whole[0].size() > 10000);
  for (int seed = 1; seed < 6; ++seed) {
    const auto cut = run(seed);
    for (std::size_t b = 0; b < bands.size(); ++b)
      CHECK(cut[b].size() == whole[b].size() &&
            std::memcmp(cut[b].data(), whole[b].data(), whole[b].size() * sizeof(Cf)) == 0);
  }
}

TEST_CASE(wholeBand, "the full band passes unchanged, bit by bit, both ways") {
  const auto capture = noise(20000, 7);
  const auto own = channelOf(capture, Subband(), 0);
  CHECK(own.size() >= capture.size());
  CHECK(std::memcmp(own.data(), capture.data(), capture.size() * sizeof(Cf)) == 0);
  std::vector<Cf> wide;
  SubbandSynthesiser(Subband()).synthesise(capture, wide);
  CHECK(wide == capture);
}

TEST_CASE(thereAndBack,
          "a burst through both filters: tokens keep their values to -41 dB, in very wide sub-bands -38.5") {
  for (const int carriers : {4, 8, 17, 26, 40, 49}) {
    Subband band = subbandOfCarriers(-26, carriers);
    band.centerBin += 5;
    const Sent sent = makeBurst(header(32, 64), 3);
    std::vector<Cf> wide;
    SubbandSynthesiser(band).synthesise(sent.samples, wide);
    // The sub-band holds what was in it: the power per sample of the burst stays.
    const double loss = power(wide) / power(sent.samples);
    CHECK_RANGE(10 * std::log10(loss), -0.1, 0.1);
    const auto own = channelOf(wide, band);
    const auto heard = listen(own);
    CHECK_EQUAL(heard.count(BurstOutcome::Ok), 1);
    if (heard.bursts.empty())
      continue;
    const ReceivedBurst& b = heard.bursts[0];
    CHECK_EQUAL(b.startSample, kGuardSamples);
    const double errorDb = 10 * std::log10(air::tokenMse(sent.tokens, b.tokens));
    std::printf("  %2d carriers: token error %.1f dB\n", carriers, errorDb);
    CHECK_RANGE(errorDb, -80, carriers > 30 ? -38.5 : -41);
  }
}

TEST_CASE(where, "a sub-band's burst lies at its carriers, everything else 40 dB and more below") {
  const Subband band = subbandOfCarriers(5, 12);
  const Sent sent = makeBurst(header(64, 64), 4);
  std::vector<Cf> wide;
  SubbandSynthesiser(band).synthesise(sent.samples, wide);
  // Power per grid carrier, from windowed spectra.
  Fft fft(kCarriers, Fft::Direction::Forward);
  std::vector<double> spectrum(kCarriers);
  for (std::size_t at = 0; at + kCarriers <= wide.size(); at += 32) {
    for (int n = 0; n < kCarriers; ++n)
      fft.in()[n] = wide[at + static_cast<std::size_t>(n)] *
                    static_cast<float>(0.5 - 0.5 * std::cos(2 * kPi * (n + 0.5) / kCarriers));
    fft.run();
    for (int k = 0; k < kCarriers; ++k)
      spectrum[k] += static_cast<double>(std::norm(fft.out()[k]));
  }
  double inside = 0, outside = 0;
  for (int k = -32; k < 32; ++k) {
    const double p = spectrum[(k + kCarriers) % kCarriers];
    if (k >= 5 && k <= 16)
      inside += p / 12;
    if (k < 5 - 4 || k > 16 + 4)
      outside = std::max(outside, p);
  }
  CHECK_RANGE(10 * std::log10(outside / inside), -200, -40);
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
