#pragma once

#include <cstdint>
#include <vector>

#include "air.hpp"

/** What the link achieves, by simulation over `air`. */
namespace bench {

struct LinkPoint {
  int bursts = 0;
  int detected = 0;
  int headersOk = 0;
  double mseGapDb = 0;  // token MSE over the bound for the true channel
  double snrBiasDb = 0; // best-informed estimate minus truth
  double snrSdDb = 0;
  double cfoRms = 0;    // rad/sample
  double snrCrlbDb = 0; // least sd of an SNR estimate from the known symbols that the receiver uses
  double cfoCrlb = 0;   // least rms of a CFO estimate from them, rad/sample
};

/** Bursts of [tokens, dimension] at unknown times with random CFO (+-40 ppm of 2.45 GHz, clock offset tied)
 * and phase.
 * @param matrices  what is sent, [tokens, dimension] each, in turn; none: Gaussian ones of unit variance */
LinkPoint measureLink(double snrDb, int bursts, int tokens, int dimension, bool threeTaps, std::uint64_t seed,
                      const std::vector<std::vector<float>>& matrices = {});

/**
 * Cramer-Rao bounds for the known symbols that the receiver uses. SNR in dB, from the N of long training,
 * header and payload pilots: 4.34 sqrt((1 + 2 / snr) / N). CFO in rad/sample with unknown phase, from these
 * and three blocks of the short training: one over the root of sum 2 snr N_i ((t_i - mean)^2 + 64^2 / 12),
 * over symbols of N_i carriers centred at sample t_i.
 */
double snrCrlbDb(double snrDb, int tokens, int dimension);
double cfoCrlb(double snrDb, int tokens, int dimension);

/** Detections in noise alone. */
std::int64_t falseAlarms(std::int64_t samples, std::uint64_t seed);

} // namespace bench
