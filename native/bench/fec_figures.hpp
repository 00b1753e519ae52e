#pragma once

#include <vector>

#include "rows.hpp"

/** What the digital transport reaches (docs/digital.md): transmitter, `air`, receiver, everything estimated.
 */
namespace bench {

/** Bursts per SNR that leave about +-0.1 dB on a threshold. */
inline constexpr int kFecBursts = 400;

/** SNR (mean Es/N0 over data carriers) for a packet error rate of 0.01. @param bursts  per SNR */
void addFecThresholds(std::vector<Row>& rows, int bursts);
/** The same by modulation and rate, as text: the table of fec/mcs.cpp. */
void printFecTable(int bursts);

/** What short blocks need beyond fec::requiredSnrDb for PER 0.01, as text. */
void printShortBlocks(int bursts);
/** Receiver with decoding, back to back; decoder alone. */
void addFecSpeed(std::vector<Row>& rows);

} // namespace bench
