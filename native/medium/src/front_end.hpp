// What is not ideal in a radio: oscillator phase, branches, amplifier, converters.
#pragma once

#include "kernels.hpp"
#include "otabench/medium/medium.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace otabench::medium {

/// Wiener phase of one oscillator in one trial, a pure function of (key, time).
struct OscillatorNoise {
  std::uint64_t key = 0;
  double linewidthHz = 0.0; ///< 0: none
};

/// Phases of one oscillator around one time. Scratch memory of one renderer.
class PhaseTable {
public:
  static constexpr double kTickNs = 50.0; ///< linear between ticks
  static constexpr std::int64_t kTicks = kernels::kNoiseBlock;

  /// Multiplies count samples by exp(j sign phase); sample i is at (first + i) stepNs (true time, not before
  /// 0).
  void rotate(const OscillatorNoise& noise, std::int64_t first, double stepNs, double sign, std::size_t count,
              float* re, float* im);

private:
  void fill(const OscillatorNoise& noise, std::int64_t block);
  std::uint64_t key_ = 0;
  double linewidthHz_ = 0.0;
  std::int64_t block_ = -1;
  std::array<double, kTicks + 1> phase_{};
};

/// True where a transmitter changes the samples written to it (clipping apart).
bool distortsTransmit(const Impairments& impairments);
/// DAC, branches, carrier leakage, amplifier, in place.
void transmitFrontEnd(const Impairments& impairments, std::size_t count, float* re, float* im);

/// True where a receiver needs receiveFrontEnd.
bool distortsReceive(const Impairments& impairments);
/// kBlock samples: branches of s + sigma n, offset, ADC, clipping. @return greatest |component| before
/// clipping.
float receiveFrontEnd(const Impairments& impairments, const float* sRe, const float* sIm, const float* nRe,
                      const float* nIm, float sigma, float* iq);

/// Power of a converter's rounding error, uniform in I and in Q; 0 for an ideal one.
double quantisationPower(int bits);

} // namespace otabench::medium
