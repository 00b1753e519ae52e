#pragma once

#include <complex>
#include <vector>

#include "fft.hpp"
#include "otabench/phy/subband.hpp"
#include "waveform.hpp"

namespace otabench::phy {

/**
 * Filters of sub-bands: linear-phase FIRs (Kaiser window), flat over the 53 carriers, with their transition
 * in the guard. They run as fast convolution (overlap-save) together with the change of rate and the shift in
 * frequency: block j makes the capture's samples [1536 j, 1536 (j + 1)) from those 256 before and after.
 */
inline constexpr int kFilterReach = kGridBins / 8;                 // taps -256..256 at most
inline constexpr int kBlockSamples = kGridBins - 2 * kFilterReach; // of the capture, made by a block
/** Stopbands. OFDM's own sidelobes help the transmitter's; the receiver's must hold strong neighbours out. */
inline constexpr double kTransmitStopbandDb = 45;
inline constexpr double kReceiveStopbandDb = 60;

struct SubbandFilter {
  int taps = 1; // odd
  /** Sum of the squared response over `size`: share of the sub-band's rate that white noise fills. */
  double noiseBandwidth = 1;
  int reach = 0;               // bins from the centre to the stopband's edge
  std::vector<float> response; // [2 reach + 1], bins -reach..reach of the capture's transform; zero phase
};
SubbandFilter designFilter(const Subband& band, double stopbandDb);

/** Samples of the sub-band that a block makes (count), and that lie before them in it (lead). */
constexpr int subbandBlockSamples(const Subband& band) {
  return band.size / 8 * 6;
}
constexpr int subbandBlockLead(const Subband& band) {
  return band.size / 8;
}
/** exp(j 2 pi centerBin (1536 block - 256) / 2048): the shift in frequency keeps its phase over blocks. */
Cf blockTurn(const Subband& band, std::int64_t block);

/** A whole burst from the sub-band's sample rate to the capture's. Sample 0 stays sample 0. */
class SubbandSynthesiser {
public:
  explicit SubbandSynthesiser(const Subband& band, double stopbandDb = kTransmitStopbandDb);
  /** @param wide  replaced by ceil(count 2048 / size) samples */
  void synthesise(const std::vector<Cf>& own, std::vector<Cf>& wide);

private:
  Subband band_;
  SubbandFilter filter_;
  Fft forward_, inverse_;
};

} // namespace otabench::phy
