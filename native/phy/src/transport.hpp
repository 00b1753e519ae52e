#pragma once

#include <cstdint>
#include <vector>

#include "fft.hpp"
#include "otabench/phy/fec/digital.hpp"
#include "otabench/phy/header.hpp"
#include "otabench/phy/span.hpp"
#include "waveform.hpp"

/** The parts of the transport that TransportOptions choose, and what the digital mapping takes from a header.
 */
namespace otabench::phy {

/** burstScramble as the options want it: order, turns, both or neither. */
void burstMoves(int sequence, const TransportOptions& options, int count, std::vector<std::uint32_t>& moves);

/** Format of a digital burst. Each user and burst has scrambling bits of its own. */
fec::DigitalFormat digitalFormat(const BurstHeader& header);
std::uint64_t digitalSeed(const BurstHeader& header);

/** 48-point DFT over the data carriers of one OFDM symbol, unitary, in place. */
class DftSpreader {
public:
  DftSpreader()
      : forward_(kDataCarriers, Fft::Direction::Forward), inverse_(kDataCarriers, Fft::Direction::Inverse) {}
  void spread(Cf* symbols) { run(forward_, symbols); }
  void despread(Cf* symbols) { run(inverse_, symbols); }

private:
  static void run(Fft& fft, Cf* symbols);
  Fft forward_, inverse_;
};

/**
 * Norms travel as analog symbols: u = ln(norm / scale) / kNormSpread, limited to +-kNormLimit, on I and Q of
 * kNormSymbols payload symbols, each (1 + j) u / sqrt 2. Their noise makes a token's error larger by
 * kNormSpread^2 / (2 kNormSymbols) = 2.8 % (0.12 dB) of its noise, whatever the SNR; nothing breaks down.
 */
inline constexpr double kNormSpread = 1.0 / 3;
inline constexpr double kNormLimit = 4.5; // +-13 dB; tokens beyond are sent with more or less than unit power

/** Norm of each token over `scale` as it is sent (limited); [tokens, dimension]. */
std::vector<double> tokenNorms(Span<const float> tokens, const BurstHeader& header);

/** Tokens at unit power, padded to an even count, then the norm symbols: what the payload's symbols carry. */
void levelTokens(Span<const float> tokens, const BurstHeader& header, std::vector<float>& levelled);

/** A norm symbol as received: LMMSE value and its weight |H|^2 / (|H|^2 + noise). */
struct ReceivedNorm {
  Cf value;
  double weight;
};

/**
 * Norms over `scale` from kNormSymbols received symbols each: best linear estimates, then drawn to their mean
 * as the noise and their own spread demand (empirical Bayes).
 */
std::vector<double> estimateNorms(const std::vector<ReceivedNorm>& symbols);

} // namespace otabench::phy
