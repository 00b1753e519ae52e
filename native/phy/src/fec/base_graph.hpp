#pragma once

#include <cstdint>
#include <vector>

#include "otabench/phy/fec/ldpc.hpp"

namespace otabench::phy::fec {

/** Rows 0..3: the parity columns next to the information are in these alone. Each further row has a column of
 * its own. */
inline constexpr int kCoreRows = 4;

/** Check m of the row's circulant meets variable (m + shift) mod Z of the column's. */
struct Circulant {
  int row;
  int column;
  int shift;
};

/** Ordered by row, then column. @throws PhyError for a lifting size that is not in the table */
std::vector<Circulant> circulants(const LdpcCode& code);

} // namespace otabench::phy::fec
