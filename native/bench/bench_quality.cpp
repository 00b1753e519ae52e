/**
 * Quality benchmark: what the link reaches in simulation beside what theory allows, every figure with the
 * number of bursts behind it. `bench_quality [--json] [--bursts N] [--noise SAMPLES] [--part NAME]`; the last
 * line of
 * --json is
 * {"bench":"quality","rows":[...]}. The full count is --bursts 10000 --noise 1000000000.
 */
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "fading_figures.hpp"
#include "fdma_figures.hpp"
#include "fec_figures.hpp"
#include "link_figures.hpp"
#include "real_tokens.hpp"
#include "rows.hpp"

namespace {

using bench::LinkPoint;
using bench::Row;

constexpr int kDefaultBursts = 200;
constexpr std::int64_t kDefaultNoise = 100'000'000;
constexpr int kTokens = 64, kDimension = 64;
/** Headers are many times quicker than bursts of 64 x 64, and a share of 0.99 needs many. */
constexpr int kHeadersPerBurst = 10;

std::string decibels(double db) {
  char text[16];
  std::snprintf(text, sizeof text, "%.0f dB", db);
  return text;
}

void measureHeaders(std::vector<Row>& rows, int bursts) {
  for (const bool taps : {false, true}) {
    std::fprintf(stderr, "headers at -5 dB%s\n", taps ? ", three taps" : "");
    const LinkPoint p = bench::measureLink(-5, bursts, 16, 16, taps, 21);
    rows.push_back({"detection and valid header at -5 dB, " + std::string(taps ? "taps 0/2/5" : "AWGN") +
                        ", " + std::to_string(p.headersOk) + " of " + std::to_string(p.bursts),
                    static_cast<double>(p.headersOk) / p.bursts,
                    "share",
                    0.99,
                    true,
                    "",
                    {}});
  }
}

void measureFalseAlarms(std::vector<Row>& rows, std::int64_t samples) {
  std::fprintf(stderr, "false alarms in %lld noise samples\n", static_cast<long long>(samples));
  rows.push_back({"false alarms in " + std::to_string(samples) + " noise samples",
                  static_cast<double>(bench::falseAlarms(samples, 23)),
                  "bursts",
                  0,
                  false,
                  "",
                  {}});
}

/** SNR, CFO and embeddings from the same bursts. */
void measureEstimates(std::vector<Row>& rows, int bursts) {
  std::vector<Row> snr, cfo, embedding;
  for (const bool taps : {false, true})
    for (int snrDb = -5; snrDb <= 35; snrDb += 5) {
      std::fprintf(stderr, "estimates at %d dB%s\n", snrDb, taps ? ", three taps" : "");
      const LinkPoint p = bench::measureLink(snrDb, bursts, kTokens, kDimension, taps, 25);
      const std::string where = " at " + decibels(snrDb) + (taps ? ", taps 0/2/5" : ", AWGN");
      const std::string counted = where + ", " + std::to_string(p.headersOk) + " bursts";
      snr.push_back({"SNR bias" + counted, std::fabs(p.snrBiasDb), "dB", 0.2, false, "", {}});
      snr.push_back({"SNR sd" + counted, p.snrSdDb, "dB", 1.25 * p.snrCrlbDb, false,
                     "Cramer-Rao bound of the known symbols", p.snrCrlbDb});
      if (!taps && snrDb >= 0 && snrDb <= 30)
        cfo.push_back({"CFO rms" + counted, p.cfoRms, "rad/sample", 1.5 * p.cfoCrlb, false,
                       "Cramer-Rao bound of the known symbols", p.cfoCrlb});
      if (snrDb >= 0 && snrDb <= 25)
        embedding.push_back({"embedding MSE over the bound, Gaussian tokens" + counted,
                             p.mseGapDb,
                             "dB",
                             taps ? 0.6 : 0.3,
                             false,
                             "",
                             {}});
    }
  const bench::RealTokens real = bench::readRealTokens(OTABENCH_BUNDLE, "v64a5.visual");
  for (int snrDb = 0; snrDb <= 25; snrDb += 5) {
    std::fprintf(stderr, "real tokens at %d dB\n", snrDb);
    const LinkPoint p =
        bench::measureLink(snrDb, bursts, real.tokens, real.dimension, false, 27, real.matrices);
    embedding.push_back({"embedding MSE over the bound, tokens of the bundle's visual encoder at " +
                             decibels(snrDb) + ", AWGN, " + std::to_string(p.headersOk) + " bursts",
                         p.mseGapDb,
                         "dB",
                         0.3,
                         false,
                         "",
                         {}});
  }
  for (const auto* part : {&snr, &cfo, &embedding})
    rows.insert(rows.end(), part->begin(), part->end());
}

/** Embeddings over TR 38.901's TDL-A, through libotamedium. */
void measureFadingLink(std::vector<Row>& rows, int bursts) {
  const auto add = [&](const bench::FadingCase& fading, const char* what, int snrDb,
                       std::optional<double> goal) {
    std::fprintf(stderr, "%s at %d dB\n", what, snrDb);
    const bench::FadingPoint p = bench::measureFading(fading, snrDb, bursts, 29);
    rows.push_back({std::string("embedding MSE over the bound, ") + what + " at " + decibels(snrDb) + ", " +
                        std::to_string(p.received) + " of " + std::to_string(p.bursts) + " bursts",
                    p.mseGapDb,
                    "dB",
                    goal,
                    false,
                    "",
                    {}});
  };
  bench::FadingCase fading;
  for (int snrDb = 0; snrDb <= 25; snrDb += 5)
    add(fading, "TDL-A 100 ns, 3 km/h, L=64 D=64", snrDb, 0.6);
  fading.dimension = 256;
  for (const int snrDb : {10, 20, 25})
    add(fading, "TDL-A 100 ns, 3 km/h, L=64 D=256", snrDb, 0.6);
  fading.speedKmh = 30;
  for (const int snrDb : {10, 20, 25})
    add(fading, "TDL-A 100 ns, 30 km/h, L=64 D=256", snrDb, std::nullopt);
}

bool isPart(const std::string& name) {
  return name == "headers" || name == "noise" || name == "estimates" || name == "fading" || name == "fdma" ||
         name == "fec";
}

} // namespace

int main(int argc, char** argv) {
  bool json = false;
  std::string part;
  std::int64_t bursts = kDefaultBursts, noise = kDefaultNoise;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      json = true;
    } else if (std::strcmp(argv[i], "--bursts") == 0 && i + 1 < argc && std::atoll(argv[i + 1]) >= 10 &&
               std::atoll(argv[i + 1]) <= 1'000'000) {
      bursts = std::atoll(argv[++i]);
    } else if (std::strcmp(argv[i], "--noise") == 0 && i + 1 < argc && std::atoll(argv[i + 1]) > 0) {
      noise = std::atoll(argv[++i]);
    } else if (std::strcmp(argv[i], "--part") == 0 && i + 1 < argc && isPart(argv[i + 1])) {
      part = argv[++i];
    } else {
      std::fprintf(stderr,
                   "argument is %s; allowed: --json, --bursts N (10..1000000), --noise SAMPLES (> 0), --part "
                   "headers|noise|estimates|fading|fdma|fec\n",
                   argv[i]);
      return 2;
    }
  }
  std::vector<Row> rows;
  const auto wanted = [&part](const char* name) { return part.empty() || part == name; };
  if (wanted("headers"))
    measureHeaders(rows, static_cast<int>(bursts) * kHeadersPerBurst);
  if (wanted("noise"))
    measureFalseAlarms(rows, noise);
  if (wanted("estimates"))
    measureEstimates(rows, static_cast<int>(bursts));
  if (wanted("fading"))
    measureFadingLink(rows, static_cast<int>(bursts));
  if (wanted("fdma"))
    bench::addFdmaLeakage(rows);
  if (wanted("fec"))
    bench::addFecThresholds(rows, bench::kFecBursts);
  bench::print("quality", rows, json);
  return 0;
}
