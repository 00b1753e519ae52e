#pragma once

#include <complex>
#include <cstdint>
#include <vector>

#include "otabench/phy/errors.hpp"
#include "otabench/phy/fec/ldpc.hpp"
#include "otabench/phy/fec/modulation.hpp"
#include "otabench/phy/fec/quantiser.hpp"
#include "otabench/phy/span.hpp"

/**
 * Tokens to symbols and back: numbers, bits, transport block, LDPC blocks, symbols for exactly so many
 * channel uses. Both sides know the format; everything else follows from it.
 */
namespace otabench::phy::fec {

struct DigitalFormat {
  TokenFormat tokens;
  Modulation modulation = Modulation::Qpsk;
  int channelUses = 0; // complex symbols, any number that leaves a code rate up to kMaxCodeRate
};

/** Payload and CRCs over coded bits. 38.214 (5.1.3) stops at 0.95, where some of the shortest blocks of base
 * graph 2 fail even without noise. */
inline constexpr double kMaxCodeRate = 0.92;

/** Tokens 10, dimension 10, bits per value minus two 3, one zero: ahead of the tokens, so that a block that
 * was decoded under a wrong header is found out. */
inline constexpr int kDescriptorBits = 24;

/** How a format travels. */
struct DigitalPlan {
  Segmentation segmentation;
  std::vector<RateMatching> blocks;
  double codeRate = 0; // payload bits (descriptor and tokens) over coded bits

  Crc blockCrc() const { return blocks.size() > 1 ? Crc::Crc24B : segmentation.transportCrc; }
};

/** @throws PhyError for fields out of range, or too few channel uses for the bits */
DigitalPlan planDigital(const DigitalFormat& format);

/** Fewest channel uses that carry such tokens. */
int leastChannelUses(const TokenFormat& tokens, Modulation modulation);

/**
 * @param tokens   [tokens, dimension], row-major, finite
 * @param seed     of the scrambling bits; the receiver needs the same (the burst's sequence number)
 * @param symbols  replaced by [channelUses], unit mean power
 * @throws PhyError as planDigital and quantiseTokens
 */
void encodeDigital(Span<const float> tokens, const DigitalFormat& format, std::uint64_t seed,
                   std::vector<std::complex<float>>& symbols);

/** What is wrong beyond lost blocks. */
enum class DigitalFault : std::uint8_t {
  None,
  WrongLength,  // parity holds, but the block says that it is of another format: nothing of it is used
  Inconsistent, // every block's parity holds, the transport block's does not: nothing of it is used
};
const char* toString(DigitalFault fault);

struct DigitalTokens {
  DigitalFault fault = DigitalFault::None;
  /** [tokens, dimension]; zeros where erased. */
  std::vector<float> tokens;
  /** [tokens] 1: a bit of it was in a block that was lost. */
  std::vector<std::uint8_t> erased;
  int blocks = 0;
  int blocksLost = 0;
  int iterations = 0; // of all blocks
};

/** Not thread-safe; one per thread. */
class DigitalDecoder {
public:
  /** @throws PhyError as LdpcDecoder */
  explicit DigitalDecoder(int maxIterations = kDefaultIterations, Isa isa = supportedIsas().back());

  /**
   * @param symbols   [channelUses] y = x + n, finite, x of unit mean power; not shrunk by LMMSE
   * @param variance  [channelUses] of each symbol's complex noise, > 0
   * @throws PhyError as planDigital, or for counts that do not match
   */
  DigitalTokens decode(Span<const std::complex<float>> symbols, Span<const float> variance,
                       const DigitalFormat& format, std::uint64_t seed);

private:
  LdpcDecoder ldpc_;
  std::vector<float> llrs_, buffer_;
  Bits scrambling_, block_, payload_;
};

} // namespace otabench::phy::fec
