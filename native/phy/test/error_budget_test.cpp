/** The error budget against an air that knows what it did: every cause alone, and all of them together. */
#include <algorithm>
#include <cmath>

#include "check.hpp"
#include "otabench/phy/error_budget.hpp"
#include "scene.hpp"

using namespace scene;

namespace {

struct Harm {
  double snrDb = 60;
  double clipDbfs = -12;       // drive level: from -8 dBFS on samples hit full scale
  double clipTargetDb = 0;     // clip and filter, 0: none
  double linewidthHz = 0;      // Wiener phase
  double driftHz = 0;          // CFO at the end less at the beginning
  double interferenceDb = -99; // of the signal, over the second half of the burst
  bool taps = false;
};

struct Windows {
  std::vector<air::Cf> received, noiseFree, linear, quiet;
  BudgetWindows all(bool linearToo) const {
    BudgetWindows w;
    w.firstSample = 1000;
    w.received = Span<const air::Cf>(received);
    w.noiseFree = Span<const air::Cf>(noiseFree);
    w.quiet = Span<const air::Cf>(quiet);
    if (linearToo)
      w.linear = Span<const air::Cf>(linear);
    return w;
  }
};

struct Trial {
  Sent sent;
  Windows windows;
};

Trial make(const BurstHeader& h, const Harm& harm, std::uint64_t seed) {
  Trial trial;
  Sent& sent = trial.sent;
  sent.header = h;
  sent.tokens = air::gaussianTokens(h.tokens * h.dimension, seed);
  BurstTransmitter transmitter;
  Drive drive;
  std::vector<air::Cf> ideal;
  drive.rmsDbfs = -40;
  if (harm.clipTargetDb > 0) { // the same header, with its bit, and nothing clipped
    drive.papr.method = PaprMethod::ClipAndFilter;
    drive.papr.targetDb = 20;
  }
  transmitter.modulate(Span<const float>(sent.tokens), h, drive, ideal);
  for (auto& x : ideal)
    x *= static_cast<float>(std::pow(10, (harm.clipDbfs + 40) / 20));
  drive.rmsDbfs = harm.clipDbfs;
  if (harm.clipTargetDb > 0)
    drive.papr.targetDb = harm.clipTargetDb;
  sent.report = transmitter.modulate(Span<const float>(sent.tokens), h, drive, sent.samples);
  air::Path path;
  if (harm.taps)
    path.taps = air::threeTaps(seed);
  path.cfoHz = kLargestCfoHz * (2 * air::uniform(seed, 1) - 1);
  path.phase = 2 * kPi * air::uniform(seed, 2);
  const double start = 200 + 300 * air::uniform(seed, 3);
  Windows& w = trial.windows;
  w.noiseFree.resize(sent.samples.size() + 900);
  w.linear = w.noiseFree;
  air::arrive(w.noiseFree, sent.samples, start, path);
  air::arrive(w.linear, ideal, start, path);
  const auto steps = air::gaussianTokens(static_cast<int>(w.linear.size()), seed + 5);
  double wander = 0;
  const double step = std::sqrt(2 * kPi * harm.linewidthHz / kDefaultSampleRateHz);
  const double length = static_cast<double>(w.linear.size());
  for (std::size_t n = 0; n < w.linear.size(); ++n) {
    wander += step * static_cast<double>(steps[n]);
    const double t = static_cast<double>(n);
    const air::Cf turn(std::polar(1.0, wander + kPi * harm.driftHz * t * t / length / kDefaultSampleRateHz));
    w.noiseFree[n] *= turn;
    w.linear[n] *= turn;
  }
  w.quiet = w.noiseFree;
  air::Noise noise(air::hash(seed));
  noise.add(w.quiet.data(), w.quiet.size(), air::noiseSigma(harm.snrDb, harm.clipDbfs, path.taps));
  w.received = w.quiet;
  const double amplitude = std::pow(10, (harm.clipDbfs + harm.interferenceDb) / 20);
  air::Noise other(air::hash(seed + 9));
  const std::size_t half = w.received.size() / 2;
  other.add(w.received.data() + half, w.received.size() - half, amplitude);
  return trial;
}

/** @param apart  how far a burst's causes' own powers may be from what they make together: far in a short
 * burst of which a sample or two is clipped */
ErrorBudget mean(const Harm& harm, bool linearToo, const BurstHeader& h = header(64, 64, 3),
                 double apart = 0.1) {
  const int bursts = kSlowdown > 1 ? 2 : 8;
  ErrorBudget sum;
  for (int t = 0; t < bursts; ++t) {
    const Trial trial = make(h, harm, 40 + static_cast<std::uint64_t>(t));
    const auto b = errorBudget(Span<const float>(trial.sent.tokens), h, trial.windows.all(linearToo));
    CHECK(b.has_value());
    if (!b)
      continue;
    CHECK_RANGE(b->explained() / b->measured, 0.99, 1.01);         // by construction
    CHECK_RANGE(b->ownPowers / b->measured, 1 - apart, 1 + apart); // because the causes are well parted
    sum.ownPowers += b->ownPowers / bursts;
    sum.measured += b->measured / bursts;
    sum.noise += b->noise / bursts;
    sum.nonlinearity += b->nonlinearity / bursts;
    sum.phase += b->phase / bursts;
    sum.channel += b->channel / bursts;
    sum.interference += b->interference / bursts;
    sum.unexplained += b->unexplained / bursts;
  }
  return sum;
}

void print(const char* name, const ErrorBudget& b) {
  const auto percent = [&](double part) { return 100 * part / b.measured; };
  std::printf(
      "  %-34s %6.1f dB = noise %5.1f + nonlinear %5.1f + phase %5.1f + channel %5.1f + interference %5.1f "
      "+ unexplained %+5.1f %%; own powers %5.1f %%\n",
      name, 10 * std::log10(b.measured), percent(b.noise), percent(b.nonlinearity), percent(b.phase),
      percent(b.channel), percent(b.interference), percent(b.unexplained), percent(b.ownPowers));
}

} // namespace

TEST_CASE(alone, "one cause at a time is found to be the cause, with and without the linear window") {
  for (const bool linearToo : {true, false}) {
    for (const bool taps : {false, true})
      for (const double snrDb : {0.0, 10.0, 25.0}) {
        Harm harm;
        harm.snrDb = snrDb;
        harm.taps = taps;
        const ErrorBudget b = mean(harm, linearToo);
        print(taps ? "noise, three taps" : "noise", b);
        CHECK_RANGE(b.noise / b.measured, 0.93, 1.03);
        CHECK_RANGE(b.channel / b.measured, 0.003, 0.06);
      }
    Harm hard;
    hard.clipDbfs = -4;
    ErrorBudget b = mean(hard, linearToo);
    print("hard clipping", b);
    CHECK_RANGE(b.nonlinearity / b.measured, 0.8, 1.1);
    Harm soft;
    soft.clipTargetDb = 5;
    b = mean(soft, linearToo);
    print("clip and filter", b);
    CHECK_RANGE(b.nonlinearity / b.measured, 0.85, 1.1);
    Harm turning;
    turning.linewidthHz = 30;
    turning.snrDb = 45;
    b = mean(turning, linearToo);
    print("phase noise", b);
    // What is left of it turns within symbols: only `linear` tells it from distortion.
    CHECK_RANGE(b.phase / b.measured, linearToo ? 0.85 : 0.65, 1.1);
    Harm drifting;
    drifting.driftHz = 2000;
    b = mean(drifting, linearToo);
    print("drifting CFO", b);
    CHECK_RANGE(b.phase / b.measured, linearToo ? 0.75 : 0.6, 1.1);
    Harm disturbed;
    disturbed.interferenceDb = -15;
    disturbed.snrDb = 30;
    b = mean(disturbed, linearToo);
    print("interference", b);
    CHECK_RANGE(b.interference / b.measured, 0.8, 1.05);
  }
}

TEST_CASE(together, "all causes at once: parts add up within 10 %, each about what it is alone") {
  Harm noise, clip, turn, all;
  noise.snrDb = all.snrDb = 18;
  clip.clipDbfs = all.clipDbfs = -5;
  turn.linewidthHz = all.linewidthHz = 30;
  turn.snrDb = 18;
  turn.driftHz = all.driftHz = 150;
  all.interferenceDb = -22;
  for (const bool linearToo : {true, false}) {
    const ErrorBudget b = mean(all, linearToo);
    print(linearToo ? "all" : "all, without linear window", b);
    CHECK_RANGE(b.explained() / b.measured, 0.93, 1.07);
    CHECK_RANGE(b.noise / mean(noise, linearToo).measured, 0.8, 1.2);
    CHECK_RANGE(b.nonlinearity / mean(clip, linearToo).measured, 0.75, 1.25);
    CHECK_RANGE(b.phase / mean(turn, linearToo).phase, 0.75, 1.4);
  }
}

TEST_CASE(transports, "with power per token, DFT spreading, and a short burst") {
  Harm harm;
  harm.snrDb = 15;
  harm.linewidthHz = 20;
  harm.clipTargetDb = 5;
  harm.taps = true;
  for (int bits = 0; bits < 4; ++bits) {
    BurstHeader h = header(64, 64, 11);
    h.transport.dftSpreading = (bits & 1) != 0;
    h.transport.normalisation = (bits & 2) != 0 ? PowerNormalisation::Token : PowerNormalisation::Burst;
    print(bits == 0   ? "plain"
          : bits == 1 ? "spread"
          : bits == 2 ? "per token"
                      : "spread, per token",
          mean(harm, true, h));
  }
  print("L = D = 16", mean(harm, true, header(16, 16, 5), 0.2));
}

TEST_CASE(clippedShort, "short bursts clipped hard: the clipped training is not taken for the channel") {
  for (const bool linearToo : {true, false})
    for (const double clipDbfs : {-4.0, 0.0})
      for (const double snrDb : {12.0, 60.0}) {
        Harm harm;
        harm.clipDbfs = clipDbfs;
        harm.snrDb = snrDb;
        for (const bool taps : {false, true}) {
          harm.taps = taps;
          const ErrorBudget b = mean(harm, linearToo, header(16, 16, 5), clipDbfs < 0 ? 0.7 : 0.25);
          print(clipDbfs < 0 ? "L = D = 16, full scale 4 dB over rms" : "L = D = 16, full scale at rms", b);
          CHECK_RANGE(b.ownPowers / b.measured, 0.9, 1.1);
          CHECK_RANGE(b.channel / b.measured, -0.02, 0.2);
          if (snrDb > 50)
            CHECK_RANGE(b.nonlinearity / b.measured, 0.6, 1.05);
          else
            CHECK_RANGE(b.noise / b.measured, 0.65, 1.0);
        }
      }
}

TEST_CASE(hardware, "on hardware: what the tokens tell, and the rest as unexplained") {
  const auto budget = [](const Harm& harm) {
    const Trial trial = make(header(64, 64, 3), harm, 60);
    const auto heard = listen(trial.windows.received);
    CHECK_EQUAL(heard.count(BurstOutcome::Ok), 1);
    if (heard.count(BurstOutcome::Ok) != 1)
      return ErrorBudget();
    return errorBudget(Span<const float>(trial.sent.tokens), heard.bursts[0], trial.sent.report.clipEvmDb);
  };
  Harm harm;
  harm.snrDb = 12;
  ErrorBudget b = budget(harm);
  print("noise", b);
  CHECK_RANGE(b.noise / b.measured, 0.85, 1.1);
  CHECK_RANGE(b.unexplained / b.measured, -0.1, 0.1);
  harm.snrDb = 40;
  harm.clipTargetDb = 5;
  b = budget(harm);
  print("clip and filter", b);
  CHECK_RANGE(b.nonlinearity / b.measured, 0.85, 1.1);
  harm.clipTargetDb = 0;
  harm.linewidthHz = 20;
  b = budget(harm);
  print("phase noise", b);
  // Followed symbol by symbol: the rest turns within symbols, which the training sees as noise.
  CHECK_RANGE(b.phase / b.measured, 0, 0.2);
  CHECK_RANGE(b.unexplained / b.measured, -0.1, 0.1);
  harm.linewidthHz = 0;
  harm.clipDbfs = -4;
  b = budget(harm);
  print("hard clipping (not known)", b);
  CHECK_RANGE(b.unexplained / b.measured, 0.5, 1.0);
}

TEST_CASE(refused, "sizes that do not match are refused; a window without the burst has no budget") {
  const Trial trial = make(header(8, 8, 3), {}, 1);
  const std::vector<air::Cf> silence(trial.windows.received.size());
  BudgetWindows w = trial.windows.all(false);
  w.received = Span<const air::Cf>(silence);
  CHECK(!errorBudget(Span<const float>(trial.sent.tokens), trial.sent.header, w));
  const auto refuses = [&](const BudgetWindows& windows, const BurstHeader& h, const char* field) {
    try {
      errorBudget(Span<const float>(trial.sent.tokens), h, windows);
      check::fail(__FILE__, __LINE__, std::string("accepted a bad ") + field);
    } catch (const PhyError& e) {
      CHECK(e.field() == field);
    }
  };
  refuses(trial.windows.all(false), header(8, 9, 3), "sent");
  w = trial.windows.all(false);
  w.noiseFree.count -= 1;
  refuses(w, trial.sent.header, "noiseFree");
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
