#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "otabench/phy/errors.hpp"
#include "otabench/phy/fec/crc.hpp"
#include "otabench/phy/span.hpp"

/** 5G NR's LDPC code: 3GPP TS 38.212, 5.2.2 (segmentation), 5.3.2 (coding), 5.4.2 (rate matching). */
namespace otabench::phy::fec {

enum class BaseGraph : std::uint8_t { One = 1, Two = 2 };

/** The 51 lifting sizes of table 5.3.2-1, ascending, 2..384. */
const std::vector<int>& liftingSizes();

/** One lifted code. */
struct LdpcCode {
  BaseGraph graph = BaseGraph::One;
  int liftingSize = 2;

  int infoColumns() const { return graph == BaseGraph::One ? 22 : 10; }
  int columns() const { return graph == BaseGraph::One ? 68 : 52; }
  int rows() const { return columns() - infoColumns(); }
  /** K, fillers included. */
  int infoBits() const { return infoColumns() * liftingSize; }
  /** N: without the first 2 Z bits, which are never sent. */
  int codedBits() const { return (columns() - 2) * liftingSize; }
};

/**
 * Parity bits of one block.
 * @param info   [K], fillers as zeros
 * @param coded  replaced by d [N]: info bits from 2 Z on, then parity
 * @throws PhyError for a lifting size that is not in the table, or a wrong count
 */
void ldpcEncode(const LdpcCode& code, Span<const std::uint8_t> info, Bits& coded);

/** 38.212, 7.2.2. @param payloadBits  without CRC; @param codeRate  payload bits over coded bits */
BaseGraph selectBaseGraph(int payloadBits, double codeRate);

/** How a transport block is cut into code blocks of one size. */
struct Segmentation {
  LdpcCode code;
  Crc transportCrc = Crc::Crc16;
  int payloadBits = 0; // A
  int blockCount = 1;  // C; with more than one block each has a CRC-24B of its own
  int blockBits = 0;   // K', its CRC included
  int fillerBits = 0;  // K - K'
  int paddingBits = 0; // zeros behind the transport CRC that make the blocks equal (38.214 avoids the need)
  int blockPayload() const { return blockBits - (blockCount > 1 ? 24 : 0); }
};

/** @throws PhyError for payloadBits < 1 or above 2^24 */
Segmentation segment(int payloadBits, BaseGraph graph);

/** Blocks [C][K], fillers as zeros, from [A] bits: transport CRC, cutting, block CRCs.
 * @throws PhyError for a wrong count */
std::vector<Bits> makeBlocks(const Segmentation& segmentation, Span<const std::uint8_t> payload);

/** What the circular buffer of one block gives to `bits` coded bits, redundancy version 0. */
struct RateMatching {
  LdpcCode code;
  int fillerBits = 0;    // left out
  int bits = 0;          // E, a multiple of bitsPerSymbol
  int bitsPerSymbol = 2; // Q_m: depth of the bit interleaver

  /** Base-graph rows that E bits reach: the decoder needs no others. */
  int activeRows() const;
};

/** 5.4.2.1: bits of block `index` of `blockCount` when they share `channelUses` symbols: as equal as whole
 * symbols allow, the first ones shorter. */
int matchedBits(int channelUses, int bitsPerSymbol, int blockCount, int index);

/** 5.4.2: d [N] to f [E]. @throws PhyError for counts that do not match */
void rateMatch(const RateMatching& matching, Span<const std::uint8_t> coded, Bits& matched);

/** The reverse: LLRs f [E] to d [N], repetitions added, what was not sent 0, fillers left at 0. */
void rateRecover(const RateMatching& matching, Span<const float> llrs, std::vector<float>& coded);

/** Instruction set of the decoder's loops. All give the same bits. */
enum class Isa : std::uint8_t { Baseline, Avx2, Avx512 };
const char* toString(Isa isa);
/** Those that this processor runs, the best last. */
std::vector<Isa> supportedIsas();

inline constexpr int kDefaultIterations = 20;

/**
 * Layered min-sum decoder with 8-bit messages. Not thread-safe; one per thread. Schedules are kept per code.
 */
class LdpcDecoder {
public:
  /** @throws PhyError for iterations out of 1..200 or an instruction set that this processor lacks */
  explicit LdpcDecoder(int maxIterations = kDefaultIterations, Isa isa = supportedIsas().back());
  ~LdpcDecoder();
  LdpcDecoder(LdpcDecoder&&) noexcept;
  LdpcDecoder& operator=(LdpcDecoder&&) noexcept;

  struct Result {
    bool ok = false;    // the CRC holds
    int iterations = 0; // begun
  };

  /**
   * Decodes one block.
   * @param matching  which rows are needed, how many fillers there are
   * @param llrs      d [N], ln P(0)/P(1) (scale matters: 8-bit messages), finite; 0 where nothing was sent
   * @param crc       parity at the end of the K' bits; stops the iterations
   * @param bits      replaced by the K' decided bits, CRC included
   * @throws PhyError for a wrong count
   */
  Result decode(const RateMatching& matching, Span<const float> llrs, Crc crc, Bits& bits);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace otabench::phy::fec
