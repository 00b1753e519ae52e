/** The error budget over a channel that moves: its parts add up, and the motion is the channel's. */
#include <cmath>

#include "check.hpp"
#include "fading_figures.hpp"

using otabench::phy::ErrorBudget;

namespace {

struct Mean {
  ErrorBudget budget;
  int bursts = 0;
};

/** @param worst  share of the error that the parts of a single burst may miss */
Mean meanBudget(const char* name, const bench::FadingCase& fading, double snrDb, int bursts, double worst) {
  Mean mean;
  ErrorBudget& sum = mean.budget;
  double furthest = 0;
  for (const ErrorBudget& b : bench::fadingBudgets(fading, snrDb, bursts, 31)) {
    ++mean.bursts;
    sum.measured += b.measured;
    sum.noise += b.noise;
    sum.nonlinearity += b.nonlinearity;
    sum.phase += b.phase;
    sum.channel += b.channel;
    sum.interference += b.interference;
    furthest = std::max(furthest, std::fabs(b.explained() / b.measured - 1));
    CHECK_RANGE(b.explained() / b.measured, 1 - worst, 1 + worst);
  }
  const auto percent = [&](double part) { return 100 * part / sum.measured; };
  std::printf(
      "  %-30s %2d bursts, %6.1f dB = noise %5.1f + nonlinear %5.1f + phase %5.1f + channel %5.1f %%, "
      "sum %5.1f %%, furthest burst %.1f %%\n",
      name, mean.bursts, 10 * std::log10(sum.measured / mean.bursts), percent(sum.noise),
      percent(sum.nonlinearity), percent(sum.phase), percent(sum.channel), percent(sum.explained()),
      100 * furthest);
  return mean;
}

} // namespace

TEST_CASE(still, "TDL-A 100 ns at 3 km/h: parts add up within 10 %, most of it noise") {
  bench::FadingCase fading;
  for (const double snrDb : {5.0, 15.0, 25.0}) {
    const Mean m = meanBudget("3 km/h, L=64 D=64", fading, snrDb, 12, 0.1);
    CHECK_RANGE(m.bursts, 9, 12);
  }
  fading.dimension = 256;
  for (const double snrDb : {15.0, 25.0})
    meanBudget("3 km/h, L=64 D=256", fading, snrDb, 12, 0.1);
}

TEST_CASE(moving, "TDL-A 100 ns at 30 km/h: parts add up within 10 %, the motion counts as channel") {
  bench::FadingCase fading;
  fading.dimension = 256;
  fading.speedKmh = 30;
  for (const double snrDb : {15.0, 25.0}) {
    const Mean m = meanBudget("30 km/h, L=64 D=256", fading, snrDb, 12, 0.1);
    if (snrDb > 20)
      CHECK(m.budget.channel > 5 * m.budget.phase);
  }
}

int main(int argc, char** argv) {
  return check::run(argc, argv);
}
