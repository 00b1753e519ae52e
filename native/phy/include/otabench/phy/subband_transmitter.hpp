#pragma once

#include <complex>
#include <memory>
#include <vector>

#include "otabench/phy/subband.hpp"
#include "otabench/phy/transmitter.hpp"

namespace otabench::phy {

/**
 * Tokens to samples of a shared capture: the burst of BurstTransmitter at the sub-band's sample rate, brought
 * to the capture's, filtered, shifted, and turned back by the sounded CFO. With the full band it is
 * BurstTransmitter's burst, bit for bit (but for the CFO). One per thread.
 */
class SubbandTransmitter {
public:
  /** @param sampleRateHz  of the capture and of the radio
   * @throws SubbandError for a sub-band that nobody could use; PhyError for a rate <= 0 or a bad config */
  SubbandTransmitter(const SubbandUser& user, double sampleRateHz = kDefaultSampleRateHz,
                     const TransmitterConfig& config = {});
  ~SubbandTransmitter();
  SubbandTransmitter(SubbandTransmitter&&) noexcept;
  SubbandTransmitter& operator=(SubbandTransmitter&&) noexcept;

  /**
   * As BurstTransmitter::modulate; guards are counted in the sub-band's samples, so they are 2048 / size
   * times as long.
   * @param header  its user must be the sub-band's
   * @return positions in the capture's samples, the nearest; powers, peaks and clipping of `samples`
   * @throws PhyError also for another user's header
   */
  TransmitReport modulate(Span<const float> tokens, const BurstHeader& header, const Drive& drive,
                          std::vector<std::complex<float>>& samples);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace otabench::phy
