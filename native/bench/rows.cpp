#include "rows.hpp"

#include <cmath>
#include <cstdio>

namespace bench {

namespace {

void printTable(const std::vector<Row>& rows) {
  std::printf("%-66s %12s %-14s %10s %10s %6s  %s\n", "figure", "value", "unit", "goal", "peer", "ratio",
              "met");
  for (const Row& r : rows) {
    char goal[32] = "", peer[32] = "", ratio[32] = "";
    if (r.goal)
      std::snprintf(goal, sizeof goal, "%s%9.4g", r.atLeast ? ">=" : "<=", *r.goal);
    if (r.peerValue) {
      std::snprintf(peer, sizeof peer, "%.4g", *r.peerValue);
      std::snprintf(ratio, sizeof ratio, "%.2f", r.value / *r.peerValue);
    }
    std::printf("%-66s %12.4g %-14s %11s %10s %6s  %s\n", r.figure.c_str(), r.value, r.unit.c_str(), goal,
                peer, ratio, r.goal ? *r.met() ? "yes" : "NO" : "");
  }
}

void printJson(const char* name, const std::vector<Row>& rows) {
  std::string line = std::string(R"({"bench":")") + name + R"(","rows":[)";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& r = rows[i];
    char text[512], value[32] = "null", goal[32] = "null", peerValue[32] = "null";
    if (r.goal)
      std::snprintf(goal, sizeof goal, "%.6g", *r.goal);
    if (std::isfinite(r.value))
      std::snprintf(value, sizeof value, "%.6g", r.value);
    if (r.peerValue)
      std::snprintf(peerValue, sizeof peerValue, "%.6g", *r.peerValue);
    const std::string peer = r.peer.empty() ? "null" : '"' + r.peer + '"';
    std::snprintf(text, sizeof text,
                  R"(%s{"figure":"%s","value":%s,"unit":"%s","goal":%s,"peer":%s,"peerValue":%s,"met":%s})",
                  i > 0 ? "," : "", r.figure.c_str(), value, r.unit.c_str(), goal, peer.c_str(), peerValue,
                  r.goal ? *r.met() ? "true" : "false" : "null");
    line += text;
  }
  std::printf("%s]}\n", line.c_str());
}

} // namespace

std::optional<bool> Row::met() const {
  if (!goal)
    return std::nullopt;
  return std::isfinite(value) && (atLeast ? value >= *goal : value <= *goal);
}

void print(const char* name, const std::vector<Row>& rows, bool json) {
  if (json)
    printJson(name, rows);
  else
    printTable(rows);
}

} // namespace bench
