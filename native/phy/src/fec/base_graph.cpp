#include "base_graph.hpp"

#include <algorithm>
#include <string>

namespace otabench::phy::fec {

namespace {

constexpr int kSets = 8;
struct BaseEntry {
  std::uint8_t row, column;
  std::uint16_t shift[kSets];
};

#include "base_graph_tables.inl"

/** Table 5.3.2-1: set i holds these times powers of two, up to 384. */
constexpr int kSetBases[kSets] = {2, 3, 5, 7, 9, 11, 13, 15};
constexpr int kMaxLiftingSize = 384;

int setOf(int liftingSize) {
  for (int set = 0; set < kSets; ++set)
    for (int z = kSetBases[set]; z <= kMaxLiftingSize; z *= 2)
      if (z == liftingSize)
        return set;
  throw PhyError("liftingSize", std::to_string(liftingSize),
                 "2, 3, 5, 7, 9, 11, 13 or 15 times a power of two, up to 384");
}

} // namespace

const std::vector<int>& liftingSizes() {
  static const std::vector<int> sizes = [] {
    std::vector<int> all;
    for (const int base : kSetBases)
      for (int z = base; z <= kMaxLiftingSize; z *= 2)
        all.push_back(z);
    std::sort(all.begin(), all.end());
    return all;
  }();
  return sizes;
}

std::vector<Circulant> circulants(const LdpcCode& code) {
  const int set = setOf(code.liftingSize);
  const auto lift = [&](const auto& table) {
    std::vector<Circulant> all;
    for (const BaseEntry& e : table)
      all.push_back({e.row, e.column, e.shift[set] % code.liftingSize});
    return all;
  };
  return code.graph == BaseGraph::One ? lift(kBaseGraph1) : lift(kBaseGraph2);
}

} // namespace otabench::phy::fec
