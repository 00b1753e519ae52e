#include "otabench/phy/subband_transmitter.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "carrier_math.hpp"
#include "drive.hpp"
#include "subband_filter.hpp"

namespace otabench::phy {

namespace {

/** Within the sub-band's own rate: far from full scale, which counts after the filter alone. */
constexpr double kInnerDbfs = -40;

} // namespace

struct SubbandTransmitter::Impl {
  Impl(const SubbandUser& u, double rate, const TransmitterConfig& c)
      : user(u), sampleRateHz(rate), config(c), inner(c), synthesiser(u.band) {}

  SubbandUser user;
  double sampleRateHz;
  TransmitterConfig config;
  BurstTransmitter inner;
  SubbandSynthesiser synthesiser;
  DriveMeter meter;
  std::vector<Cf> own;

  std::int64_t wideIndex(std::int64_t ownIndex) const {
    return std::llround(static_cast<double>(ownIndex) / user.band.rateRatio());
  }

  /** Takes the sounded CFO out. */
  void turnBack(std::vector<Cf>& samples) const {
    const double cyclesPerSample = -user.soundedCfoHz.value_or(0) / sampleRateHz;
    if (cyclesPerSample == 0)
      return;
    constexpr std::size_t kBlock = 1024;
    Cf rotation[kBlock];
    for (std::size_t at = 0; at < samples.size(); at += kBlock) {
      const std::size_t n = std::min(kBlock, samples.size() - at);
      const double cycles = cyclesPerSample * static_cast<double>(at);
      fillRotation(rotation, static_cast<int>(n), kTwoPi * (cycles - std::floor(cycles)),
                   kTwoPi * cyclesPerSample);
      multiply(samples.data() + at, samples.data() + at, rotation, static_cast<int>(n));
    }
  }

  /** Powers and clipping of what is sent, in place of what `report` says. */
  void measure(std::vector<Cf>& samples, std::int64_t end, TransmitReport& report) {
    report.clippedSamples = 0;
    meter.finish(samples.data() + report.preambleStartSample,
                 static_cast<std::size_t>(end - report.preambleStartSample), report);
  }

  TransmitReport modulateFull(Span<const float> tokens, const BurstHeader& header, const Drive& drive,
                              std::vector<Cf>& samples) {
    TransmitReport report = inner.modulate(tokens, header, drive, samples);
    if (user.soundedCfoHz.value_or(0) == 0)
      return report;
    // Turned, what was limited in I and Q may lie beyond full scale again.
    turnBack(samples);
    measure(samples, report.sampleCount - report.preambleStartSample, report);
    return report;
  }

  TransmitReport modulateNarrow(Span<const float> tokens, const BurstHeader& header, const Drive& drive,
                                std::vector<Cf>& samples) {
    requireDrive(drive);
    Drive innerDrive = drive;
    innerDrive.rmsDbfs = kInnerDbfs;
    TransmitReport report = inner.modulate(tokens, header, innerDrive, own);
    const auto gain = static_cast<float>(std::pow(10.0, (drive.rmsDbfs - kInnerDbfs) / 20));
    for (Cf& s : own)
      s *= gain;
    synthesiser.synthesise(own, samples);
    turnBack(samples);
    report.payloadStartSample = wideIndex(report.payloadStartSample);
    const std::int64_t end = wideIndex(report.sampleCount - report.preambleStartSample);
    report.preambleStartSample = wideIndex(report.preambleStartSample);
    report.sampleCount = static_cast<std::int64_t>(samples.size());
    measure(samples, end, report);
    return report;
  }
};

SubbandTransmitter::SubbandTransmitter(const SubbandUser& user, double sampleRateHz,
                                       const TransmitterConfig& config) {
  requireSubbands({user});
  if (!(sampleRateHz > 0) || !std::isfinite(sampleRateHz))
    throw PhyError("sampleRateHz", std::to_string(sampleRateHz), "> 0");
  impl_ = std::make_unique<Impl>(user, sampleRateHz, config);
}

SubbandTransmitter::~SubbandTransmitter() = default;
SubbandTransmitter::SubbandTransmitter(SubbandTransmitter&&) noexcept = default;
SubbandTransmitter& SubbandTransmitter::operator=(SubbandTransmitter&&) noexcept = default;

TransmitReport SubbandTransmitter::modulate(Span<const float> tokens, const BurstHeader& header,
                                            const Drive& drive, std::vector<std::complex<float>>& samples) {
  const SubbandUser& user = impl_->user;
  if (header.user != user.user)
    throw PhyError("header.user", std::to_string(header.user),
                   std::to_string(user.user) + ", the sub-band's user");
  return user.band.full() ? impl_->modulateFull(tokens, header, drive, samples)
                          : impl_->modulateNarrow(tokens, header, drive, samples);
}

} // namespace otabench::phy
