#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "otabench/phy/receiver.hpp"
#include "otabench/phy/span.hpp"
#include "otabench/phy/subband.hpp"

namespace otabench::phy {

enum class SubbandOutcome : std::uint8_t {
  Heard,   // `burst.outcome` says how it ended
  Foreign, // a valid header of another user in this user's sub-band
  Absent   // expected, and no burst of the user with a valid header came
};
const char* toString(SubbandOutcome outcome);

/** What came, or did not come, in one user's sub-band. */
struct SubbandBurst {
  int user = 0; // whose sub-band
  SubbandOutcome outcome = SubbandOutcome::Heard;
  /** Sample indices and saturatedSamples are the capture's; saturation is counted to the next 1536 samples.
   * Carriers are the sub-band's own (carrierOffsetHz); powers are those of the sub-band's samples. cfoHz is
   * what is left after the user's own correction, clockOffsetPpm the whole. Nothing of it when Absent. */
  ReceivedBurst burst;
  std::int64_t expectedBySample = 0; // Absent: as given to `expect`
};

/** Of the capture. Each user's own: SubbandReceiver::counters. */
struct CaptureCounters {
  std::int64_t samples = 0;
  std::int64_t saturatedSamples = 0;
  std::int64_t nonFiniteSamples = 0; // replaced by zero
  std::int64_t discontinuities = 0;
};

/**
 * One capture to the bursts of all its users. Each sub-band has its own filter, search, synchronisation and
 * clock; nothing is shared but the samples, so a user that is absent, corrupt or too strong for itself costs
 * the others nothing. Not thread-safe. The results depend on the samples and their indices alone, never on
 * how they were cut into pushes. They come up to 1,800 samples later than a full-band receiver's.
 */
class SubbandReceiver {
public:
  using Sink = std::function<void(SubbandBurst&&)>;

  /**
   * @param capture  of the whole capture; removedCfoHz, noiseBandwidth and, of sounded users, cfoPriorHz are
   * set for each user here
   * @throws SubbandError for a partition that cannot be used (two users in one sub-band, no guard, no
   * sounding, ...); PhyError for a bad configuration or an empty sink
   */
  SubbandReceiver(const ReceiverConfig& capture, const std::vector<SubbandUser>& users, Sink sink);
  ~SubbandReceiver();
  SubbandReceiver(SubbandReceiver&&) noexcept;
  SubbandReceiver& operator=(SubbandReceiver&&) noexcept;

  /** As BurstReceiver::push: a jump of the index is a discontinuity, for every user. */
  void push(const std::complex<float>* samples, std::size_t count, std::int64_t firstSampleIndex);
  /** Ends the stream: what is in progress ends as Truncated, what is expected and did not come as Absent. */
  void flush();
  /** Forgets everything but the counters, silently; what is expected too. */
  void reset();

  /**
   * Says that a burst of `user` is to have ended by sample `bySample`. When the capture is through up to
   * there, and no burst of the user with a valid header ended since the last call, the sink gets Absent.
   * Each user has one expectation at a time.
   * @throws PhyError for a user without a sub-band
   */
  void expect(int user, std::int64_t bySample);

  const CaptureCounters& counters() const;
  /** In the sub-band's samples. @throws PhyError for a user without a sub-band */
  const ReceiverCounters& counters(int user) const;
  /** True while a burst of any user was detected and not ended. */
  bool busy() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/**
 * Mean power on a sub-band's loaded carriers, as its receiver's FFT sees it, over a stretch of the capture;
 * linear, in the units of ReceivedBurst::signalPower. Leakage is this with the user silent and the others on,
 * less the same with the others muted (noise), over the user's signalPower.
 * @throws PhyError for a bad sub-band or fewer samples than four of its OFDM symbols
 */
double subbandCarrierPower(Span<const std::complex<float>> samples, const Subband& band);

} // namespace otabench::phy
