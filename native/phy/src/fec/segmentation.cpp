#include <algorithm>
#include <string>

#include "check_count.hpp"
#include "otabench/phy/fec/ldpc.hpp"

namespace otabench::phy::fec {

namespace {

constexpr int kMaxPayloadBits = 1 << 24;
constexpr int kLongPayload = 3824; // from here on the transport block has 24 parity bits

int largestBlock(BaseGraph graph) {
  return graph == BaseGraph::One ? 8448 : 3840;
}

/** Information columns in use: short blocks of base graph 2 leave the last ones to fillers. */
int usedColumns(BaseGraph graph, int bits) {
  if (graph == BaseGraph::One)
    return 22;
  return bits > 640 ? 10 : bits > 560 ? 9 : bits > 192 ? 8 : 6;
}

} // namespace

BaseGraph selectBaseGraph(int payloadBits, double codeRate) {
  const bool two =
      payloadBits <= 292 || (payloadBits <= kLongPayload && codeRate <= 0.67) || codeRate <= 0.25;
  return two ? BaseGraph::Two : BaseGraph::One;
}

Segmentation segment(int payloadBits, BaseGraph graph) {
  if (payloadBits < 1 || payloadBits > kMaxPayloadBits)
    throw PhyError("payloadBits", std::to_string(payloadBits), "1.." + std::to_string(kMaxPayloadBits));
  Segmentation s;
  s.payloadBits = payloadBits;
  s.transportCrc = payloadBits > kLongPayload ? Crc::Crc24A : Crc::Crc16;
  const int total = payloadBits + crcLength(s.transportCrc), largest = largestBlock(graph);
  if (total > largest) {
    const int blockCrc = crcLength(Crc::Crc24B);
    s.blockCount = (total + largest - blockCrc - 1) / (largest - blockCrc);
    const int share = (total + s.blockCount - 1) / s.blockCount;
    s.paddingBits = share * s.blockCount - total;
    s.blockBits = share + blockCrc;
  } else {
    s.blockBits = total;
  }
  s.code.graph = graph;
  const int columns = usedColumns(graph, total);
  s.code.liftingSize = *std::find_if(liftingSizes().begin(), liftingSizes().end(),
                                     [&](int z) { return z * columns >= s.blockBits; });
  s.fillerBits = s.code.infoBits() - s.blockBits;
  return s;
}

std::vector<Bits> makeBlocks(const Segmentation& s, Span<const std::uint8_t> payload) {
  checkCount("payload bits", payload.size(), s.payloadBits);
  Bits all(payload.begin(), payload.end());
  appendCrc(s.transportCrc, all);
  all.insert(all.end(), s.paddingBits, 0);
  std::vector<Bits> blocks(s.blockCount);
  for (int b = 0; b < s.blockCount; ++b) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(b) * s.blockPayload();
    blocks[b].assign(begin, begin + s.blockPayload());
    if (s.blockCount > 1)
      appendCrc(Crc::Crc24B, blocks[b]);
    blocks[b].resize(s.code.infoBits(), 0);
  }
  return blocks;
}

} // namespace otabench::phy::fec
