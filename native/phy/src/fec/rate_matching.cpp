#include <algorithm>
#include <string>

#include "base_graph.hpp"
#include "check_count.hpp"

namespace otabench::phy::fec {

namespace {

void check(const RateMatching& m) {
  if (m.bitsPerSymbol < 1 || m.bitsPerSymbol > 8)
    throw PhyError("bitsPerSymbol", std::to_string(m.bitsPerSymbol), "1..8");
  if (m.bits < m.bitsPerSymbol || m.bits % m.bitsPerSymbol != 0)
    throw PhyError("matched bits", std::to_string(m.bits),
                   "multiples of " + std::to_string(m.bitsPerSymbol) + " above 0");
  if (m.fillerBits < 0 || m.fillerBits >= m.code.infoBits() - 2 * m.code.liftingSize)
    throw PhyError("fillerBits", std::to_string(m.fillerBits), "0.. less than the bits that are sent");
}

/** Calls run(buffer position, position in e, count) over the circular buffer, fillers left out. */
template <typename Run> void walk(const RateMatching& m, Run run) {
  const int end = m.code.codedBits(), fillerEnd = m.code.infoBits() - 2 * m.code.liftingSize,
            fillerBegin = fillerEnd - m.fillerBits;
  for (int done = 0; done < m.bits;)
    for (const auto& [from, to] : {std::pair{0, fillerBegin}, std::pair{fillerEnd, end}}) {
      const int count = std::min(to - from, m.bits - done);
      run(from, done, count);
      done += count;
    }
}

} // namespace

int RateMatching::activeRows() const {
  const int z = code.liftingSize;
  const int reached = std::min(bits + fillerBits, code.codedBits());
  const int columns = 2 + (reached + z - 1) / z;
  return std::clamp(columns - code.infoColumns(), kCoreRows, code.rows());
}

int matchedBits(int channelUses, int bitsPerSymbol, int blockCount, int index) {
  const int longer = channelUses % blockCount;
  return bitsPerSymbol * (channelUses / blockCount + (index >= blockCount - longer ? 1 : 0));
}

void rateMatch(const RateMatching& m, Span<const std::uint8_t> coded, Bits& matched) {
  check(m);
  checkCount("coded bits", coded.size(), m.code.codedBits());
  matched.resize(m.bits);
  const int depth = m.bitsPerSymbol, columns = m.bits / depth;
  int row = 0, column = 0;
  walk(m, [&](int from, int, int count) {
    for (int i = 0; i < count; ++i) {
      matched[static_cast<std::size_t>(column) * depth + row] = coded[from + i];
      if (++column == columns) {
        column = 0;
        ++row;
      }
    }
  });
}

void rateRecover(const RateMatching& m, Span<const float> llrs, std::vector<float>& coded) {
  check(m);
  checkCount("LLRs", llrs.size(), m.bits);
  coded.assign(m.code.codedBits(), 0.0F);
  const int depth = m.bitsPerSymbol, columns = m.bits / depth;
  walk(m, [&](int from, int done, int count) {
    while (count > 0) {
      const int row = done / columns, column = done % columns, run = std::min(count, columns - column);
      const float* source = llrs.data + static_cast<std::size_t>(column) * depth + row;
      for (int i = 0; i < run; ++i)
        coded[from + i] += source[static_cast<std::size_t>(i) * depth];
      from += run;
      done += run;
      count -= run;
    }
  });
}

} // namespace otabench::phy::fec
