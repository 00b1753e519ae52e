// From transmitted samples to one receiver's samples. Works on a snapshot, without any lock.
#pragma once

#include "channel.hpp"
#include "filters.hpp"
#include "front_end.hpp"
#include "otabench/medium/medium.hpp"
#include "timeline.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace otabench::medium {

/// Storage of transmitted samples. The writer only ever writes behind what a segment's length has published.
struct Plane {
  static constexpr std::int64_t kSamples = 8192;
  alignas(64) float re[kSamples];
  alignas(64) float im[kSamples];
};
struct Chunk : Plane {
  std::shared_ptr<Plane> clean; ///< as written, where that differs from what was sent; under the lock

  // A small stock of freed ones: blocks of this size go back to the system and come as fresh pages else.
  static void* operator new(std::size_t bytes);
  static void operator delete(void* chunk) noexcept;
};

/// The part of a segment that a render may touch.
struct SegmentView {
  double rateHz = 0.0;
  std::int64_t startTick = 0; ///< of the first chunk's first sample
  std::int64_t skipTicks = 0; ///< of them, the first that are not part of it
  std::int64_t endTick = 0;   ///< of the written samples
  std::vector<std::shared_ptr<const Plane>> chunks;
};

/// A stretch of true time, [fromNs, untilNs).
struct Span {
  double fromNs = 0.0;
  double untilNs = 0.0;
};

/// One transmitter as one receiver hears it.
struct SourceJob {
  std::size_t radioIndex = SIZE_MAX; ///< SIZE_MAX: an interferer
  bool isOfQuery = false;            ///< for receivedParts
  std::shared_ptr<const Channel> channel;
  OscillatorNoise oscillator;
  std::vector<Span> silent; ///< settling: nothing is sent
  double clockFactor = 1.0;
  double maxOutputPowerDbm = 0.0;
  Timeline frequencyHz;
  Timeline gainDb;
  double bandwidthHz = 0.0;
  std::vector<SegmentView> segments; ///< in time order, not overlapping
};

struct RenderJob {
  double rateHz = 0.0; ///< nominal
  double clockFactor = 1.0;
  double noiseFigureDb = 0.0;
  double rxFullScaleDbm = 0.0;
  Timeline frequencyHz;
  Timeline gainDb;
  double bandwidthHz = 0.0;
  std::uint64_t noiseKey = 0;
  Impairments impairments;
  OscillatorNoise oscillator;
  std::vector<Span> settling;    ///< nothing is heard but a decaying offset
  std::int64_t invalidFrom = 0;  ///< first of the samples of no meaning
  std::int64_t invalidUntil = 0; ///< the sample after the last of them
  bool withNoise = true;
  bool withFrontEnd = true; ///< branches, offset, converter; without it nothing clips
  std::int64_t first = 0;   ///< receiver's sample index in the trial
  std::int64_t count = 0;
  std::vector<SourceJob> sources;
};

/// exp(j 2 pi cycles i), i < 128.
struct Rotation {
  double cyclesPerSample = 0.0;
  alignas(64) std::array<float, kernels::kBlock> re, im;
};

/// Scratch memory of one receiver.
struct RenderCache {
  std::vector<float> windowRe, windowIm;
  std::vector<float> windowPlanes;   ///< the window spread for long filters
  std::vector<float> runRe, runIm;   ///< filtered samples of one run of blocks
  std::vector<float> partRe, partIm; ///< of a further cluster, or shifted along the slope
  std::vector<float> runPlanes;      ///< filtered samples spread for their slope
  std::vector<float> sumRe, sumIm;
  std::vector<Rotation> rotations; ///< by source
  std::vector<GainTable> gains;    ///< by source
  PhaseTable txPhase, rxPhase;
  std::uint64_t noiseKey = 0;
  std::int64_t noiseBlock = -1;
  alignas(64) std::array<float, kernels::kNoiseBlock> noiseRe{}, noiseIm{};
};

/// Fills samples[0..count). @return samples clipped at full scale.
std::uint64_t render(const RenderJob& job, RenderCache& cache, Sample* samples);

/// What one output sample sees of a source: positions in the source's samples, scale, filter.
struct SourceGeometry {
  double sourceRateHz = 0.0; ///< nominal rate of the segments used; others are ignored
  double sourceClockFactor = 1.0;
  double outputRateHz = 0.0;  ///< nominal
  double ratio = 1.0;         ///< source samples per output sample
  double startPosition = 0.0; ///< source position of output sample 0, before the taps' delays
  double amplitude = 1.0;     ///< linear, received full scale per transmitted full scale
  double sourceBandHz = 0.0;  ///< min(rate, analog bandwidth)
  double outputBandHz = 0.0;
  double shiftHz = 0.0;  ///< nominal carrier difference
  double originNs = 0.0; ///< true time of output sample 0, for fading
  double outputStepNs = 0.0;
};

using BlockSink = std::function<void(std::int64_t block, const float* re, const float* im)>;

/// Noise-free contribution, not rotated and without the first tap's phase, of output samples
/// [128 firstBlock, 128 (firstBlock + blockCount)); calls sink for each block of 128 that hears anything.
void contribute(const SourceJob& source, const SourceGeometry& geometry, std::int64_t firstBlock,
                std::int64_t blockCount, RenderCache& cache, GainTable& gains, const BlockSink& sink);

/// Transmitted power in dBm of a tone of amplitude 1.
double transmittedDbm(double maxOutputPowerDbm, double gainDb);
/// Input power in dBm that a tone of amplitude 1 stands for.
double fullScaleDbm(double rxFullScaleDbm, double gainDb);
/// kTB at 290 K and noise figure, in dBm.
double noiseDbm(double noiseFigureDb, double bandwidthHz);

double dbToAmplitude(double db);
double dbToPower(double db);

} // namespace otabench::medium
