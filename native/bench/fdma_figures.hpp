#pragma once

#include <cstdint>
#include <vector>

#include "rows.hpp"

/** What several users of one capture reach (docs/fdma.md), by simulation over `air`. */
namespace bench {

/** Leakage between users and the error that the sub-bands' filters leave; some seconds. */
void addFdmaLeakage(std::vector<Row>& rows);
/** Receiver for three users, channeliser, transmitter. */
void addFdmaSpeed(std::vector<Row>& rows);
/** Headers at -5 dB, embedding error and SNR of users of 17 and 4 carriers while the others send. */
void addFdmaUsers(std::vector<Row>& rows, int bursts);
void addFdmaFalseAlarms(std::vector<Row>& rows, std::int64_t noiseSamples);
/** Filters, leakage, phase noise and DC by width and guard, as text: what docs/fdma.md has. */
void printFdmaTables();

} // namespace bench
