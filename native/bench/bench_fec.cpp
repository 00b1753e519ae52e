/**
 * Digital transport: SNR for a packet error rate of 0.01, speed of receiver and decoder.
 * `bench_fec [--json] [--bursts N] [--table | --short]`; the last line of --json is
 * {"bench":"fec","rows":[...]}.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "fec_figures.hpp"
#include "rows.hpp"

int main(int argc, char** argv) {
  bool json = false, table = false, shortBlocks = false;
  int bursts = bench::kFecBursts;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      json = true;
    } else if (std::strcmp(argv[i], "--table") == 0) {
      table = true;
    } else if (std::strcmp(argv[i], "--short") == 0) {
      shortBlocks = true;
    } else if (std::strcmp(argv[i], "--bursts") == 0 && i + 1 < argc && std::atoi(argv[i + 1]) >= 100) {
      bursts = std::atoi(argv[++i]);
    } else {
      std::fprintf(stderr, "argument is %s; allowed: --json, --bursts N (>= 100), --table, --short\n",
                   argv[i]);
      return 2;
    }
  }
  if (table) {
    bench::printFecTable(bursts);
    return 0;
  }
  if (shortBlocks) {
    bench::printShortBlocks(bursts);
    return 0;
  }
  std::vector<bench::Row> rows;
  bench::addFecThresholds(rows, bursts);
  bench::addFecSpeed(rows);
  bench::print("fec", rows, json);
  return 0;
}
