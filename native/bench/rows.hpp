#pragma once

#include <optional>
#include <string>
#include <vector>

namespace bench {

/** One measured figure beside its goal and, where there is one, a peer's. */
struct Row {
  std::string figure;
  double value = 0;
  std::string unit;
  std::optional<double> goal; // none: nobody set one
  bool atLeast = false;       // goal is a floor, not a ceiling
  std::string peer;
  std::optional<double> peerValue;
  /** None without a goal. */
  std::optional<bool> met() const;
};

/** A table, or one line {"bench":name,"rows":[...]}. */
void print(const char* name, const std::vector<Row>& rows, bool json);

} // namespace bench
