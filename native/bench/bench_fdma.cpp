/**
 * FDMA benchmark: leakage between users, error that the filters leave, what narrow users reach, speed.
 * `bench_fdma [--json] [--bursts N] [--noise SAMPLES] [--tables]`; the last line of --json is
 * {"bench":"fdma","rows":[...]}.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "fdma_figures.hpp"
#include "rows.hpp"

int main(int argc, char** argv) {
  bool json = false;
  int bursts = 300;
  std::int64_t noiseSamples = 50'000'000;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      json = true;
    } else if (std::strcmp(argv[i], "--tables") == 0) {
      bench::printFdmaTables();
      return 0;
    } else if (std::strcmp(argv[i], "--bursts") == 0 && i + 1 < argc && std::atoi(argv[i + 1]) > 0) {
      bursts = std::atoi(argv[++i]);
    } else if (std::strcmp(argv[i], "--noise") == 0 && i + 1 < argc && std::atoll(argv[i + 1]) > 0) {
      noiseSamples = std::atoll(argv[++i]);
    } else {
      std::fprintf(stderr,
                   "argument is %s; allowed: --json, --bursts N (> 0), --noise SAMPLES (> 0), --tables\n",
                   argv[i]);
      return 2;
    }
  }
  std::vector<bench::Row> rows;
  bench::addFdmaLeakage(rows);
  bench::addFdmaSpeed(rows);
  bench::addFdmaUsers(rows, bursts);
  bench::addFdmaFalseAlarms(rows, noiseSamples);
  bench::print("fdma", rows, json);
  return 0;
}
