#include <algorithm>
#include <string>

#include "base_graph.hpp"
#include "check_count.hpp"

namespace otabench::phy::fec {

namespace {

/** sum [Z] += block turned left by `shift`: sum[m] ^= block[(m + shift) mod Z]. */
void addTurned(const std::uint8_t* block, int shift, int z, std::uint8_t* sum) {
  for (int m = 0; m < z - shift; ++m)
    sum[m] ^= block[m + shift];
  for (int m = z - shift; m < z; ++m)
    sum[m] ^= block[m + shift - z];
}

} // namespace

void ldpcEncode(const LdpcCode& code, Span<const std::uint8_t> info, Bits& coded) {
  const int z = code.liftingSize, first = code.infoColumns();
  const std::vector<Circulant> all = circulants(code);
  checkCount("info bits", info.size(), code.infoBits());

  Bits word(static_cast<std::size_t>(code.columns()) * z, 0);
  std::copy(info.begin(), info.end(), word.begin());
  const auto column = [&](int c) { return word.data() + static_cast<std::size_t>(c) * z; };

  // What the information adds to the core rows.
  Bits sums(static_cast<std::size_t>(kCoreRows) * z, 0);
  const auto sum = [&](int row) { return sums.data() + static_cast<std::size_t>(row) * z; };
  std::vector<Circulant> open; // core entries of parity columns
  for (const Circulant& c : all)
    if (c.row < kCoreRows && c.column < first)
      addTurned(column(c.column), c.shift, z, sum(c.row));
    else if (c.row < kCoreRows)
      open.push_back(c);

  // The first parity column stands in three core rows, twice with the same shift; the others cancel in pairs
  // when the rows are added.
  std::vector<int> shifts;
  for (const Circulant& c : open)
    if (c.column == first) {
      const auto twin = std::find(shifts.begin(), shifts.end(), c.shift);
      if (twin == shifts.end())
        shifts.push_back(c.shift);
      else
        shifts.erase(twin);
    }
  Bits total(z, 0);
  for (int row = 0; row < kCoreRows; ++row)
    addTurned(sum(row), 0, z, total.data());
  addTurned(total.data(), (z - shifts.at(0)) % z, z, column(first));

  // Each solved column is moved to the known side; some row then has one unknown left.
  const auto settle = [&](int solved) {
    for (const Circulant& c : open)
      if (c.column == solved)
        addTurned(column(solved), c.shift, z, sum(c.row));
    open.erase(std::remove_if(open.begin(), open.end(), [&](auto& c) { return c.column == solved; }),
               open.end());
  };
  settle(first);
  while (!open.empty()) {
    const auto next = std::find_if(open.begin(), open.end(), [&](const Circulant& c) {
      return std::count_if(open.begin(), open.end(), [&](auto& other) { return other.row == c.row; }) == 1;
    });
    const Circulant solved = *next;
    addTurned(sum(solved.row), (z - solved.shift) % z, z, column(solved.column));
    settle(solved.column);
  }

  // Every further row has one parity column of its own, unturned.
  for (const Circulant& c : all)
    if (c.row >= kCoreRows && c.column < first + kCoreRows)
      addTurned(column(c.column), c.shift, z, column(first + c.row));
  coded.assign(word.begin() + 2 * z, word.end());
}

} // namespace otabench::phy::fec
