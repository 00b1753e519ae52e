#pragma once

#include "otabench/phy/receiver.hpp"

namespace otabench::phy {

/**
 * An SNR with the interval that its degrees of freedom predict; nothing (NaN) without power or noise.
 *
 * @param power, noise   linear, of the same unit
 * @param noiseFreedom   complex degrees of freedom of the noise
 * @param observations   known symbols in the power
 */
SnrEstimate snrEstimate(double power, double noise, double noiseFreedom, double observations);

} // namespace otabench::phy
