// Simulated air for any number of radios in one process (libotamedium.so).
//
// Two faces. `Medium` is the control face: configuration, trials, granted time, ground truth; the Node addon
// and tests use it. `Radio` is the stream face: what one radio does; the SoapySDR module driver=twin uses it.
// All users in a process link the same shared object and so share the one instance.
//
// Units are in the names. Time: "true time" is the medium's own (ns since the trial began); "hardware time"
// is what one radio counts with its own clock error, plus the offset that setHardwareTimeNs gave it. Threads:
// every member function may be called from any thread; per radio at most one thread reads, one writes and one
// waits for events of each direction at a time.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#define OTABENCH_MEDIUM_API __attribute__((visibility("default")))

namespace otabench::medium {

using Sample = std::complex<float>; // full scale is +-1 in each of I and Q

enum class Pace {
  Free,    // time advances only as far as grantUntilNs, open bursts and active receivers allow
  Realtime // time follows the wall clock
};

/// A direct converter's two branches. gainDb is I over Q; either at 0 is an ideal converter. A tone at +f
/// leaves an image at -f, |(1 - g e^(j phase)) / (1 + g e^(j phase))|^2 of its power, g linear.
struct IqImbalance {
  double gainDb = 0.0;   ///< -6 to 6
  double phaseDeg = 0.0; ///< -30 to 30
};

/// Rapp's memoryless amplifier: out = in / (1 + (|in| / saturation)^(2 smoothness))^(1 / (2 smoothness)),
/// phase kept, on the transmitter's own samples.
struct RappAmplifier {
  double smoothness = 2.0;   ///< p, 0.5 to 20
  double saturationDb = 3.0; ///< saturated amplitude over that of full scale (1), -40 to 40
};

/// What a converter or oscillator does that an ideal one does not. Each is off by default.
struct Impairments {
  double phaseNoiseLinewidthHz = 0.0; ///< Wiener phase of the one oscillator: variance 2 pi linewidth t (the
                                      ///< 3 dB width of a Lorentzian line), zero at a trial's start; 0 to 1e6
  double phaseNoiseLoopBandwidthHz = 0.0; ///< 0: free-running; 10 to 1e6: a first-order loop holds what is
                                          ///< slower: density linewidth / (2 pi (f^2 + bandwidth^2)) 1/Hz,
                                          ///< variance linewidth / (2 bandwidth), steady from the start
  std::optional<double> phaseNoiseFloorDbcHz; ///< flat L(f) over the sampled band, -200 to -60; variance
                                              ///< 10^(L/10) times the sample rate; TX and RX apart
  IqImbalance txIq;
  IqImbalance rxIq;
  std::optional<double> loLeakageDbfs; ///< transmitter's carrier within bursts, -150 to 0
  std::optional<double> dcOffsetDbfs;  ///< receiver's, after its gain, at phase 45 degrees, -150 to 0
  std::optional<RappAmplifier> amplifier;
  int dacBits = 0; ///< 0: ideal; 2 to 16: 2^bits - 1 levels from -1 to 1 in I and in Q
  int adcBits = 0; ///< the same
};

/// What a trial's time 0 is for a radio whose streams are active already.
enum class TrialStart {
  Settled,   ///< long after its activation: samples are good from the first
  Activated, ///< the instant of its activation
  Retuned    ///< a change of frequency in both directions
};

/// What a radio needs until its samples are good.
struct Settling {
  double activateS = 0.0;            ///< after activateRx, activateTx; 0 to 1
  double retuneS = 0.0;              ///< after a change of frequency in that direction; 0 to 1
  std::int64_t invalidRxSamples = 0; ///< first samples after activateRx are of no meaning; 0 to 16 M
  TrialStart trialStart = TrialStart::Activated;
};

/// One radio. Ranges are checked by configure.
struct RadioProfile {
  std::string serial;         ///< "TWIN-" and 1 to 32 of A-Z, 0-9, '-'; unique
  double clockErrorPpm = 0.0; ///< of the one oscillator behind both carriers and sample clocks; -100 to 100
  double noiseFigureDb = 8.0; ///< 0 to 60
  double maxOutputPowerDbm = 10.0; ///< of a tone of amplitude 1 at the greatest TX gain; -100 to 60
  double rxFullScaleDbm = 0.0;     ///< input power of a tone of amplitude 1 at 0 dB RX gain; -100 to 60
  Impairments impairments = {};
  Settling settling = {};
};

/// One propagation path. Amplitude 10^(powerDb/20), phase as given (the carrier's turn over the delay is part
/// of phaseRad, not added to it).
struct Tap {
  double delayS = 0.0;   ///< 0 to 1e-3
  double powerDb = 0.0;  ///< -200 to 100
  double phaseRad = 0.0; ///< finite
};

enum class FadingKind {
  None,      ///< the path's taps as given
  Block,     ///< drawn anew for every trial, constant within it
  Continuous ///< Doppler spectrum of Clarke and Jakes, within a trial; every trial another realisation
};

/// Which taps fade. The tapped delay lines are those of 3GPP TR 38.901, tables 7.7.2-1 to -5, normalised to a
/// total mean power of 1.
enum class DelayProfile { Taps, TdlA, TdlB, TdlC, TdlD, TdlE };

/// Random gains, a pure function of (seed, trial id, from, to, tap, time). Taps fade independently, each with
/// its mean power: Rayleigh, or Rice where there is a line of sight.
struct Fading {
  FadingKind kind = FadingKind::None;
  DelayProfile profile =
      DelayProfile::Taps;    ///< other than Taps: instead of the path's taps, which must be one
  double delaySpreadS = 0.0; ///< rms, of the TDL profiles; 0 to 40e-6
  double dopplerHz =
      0.0; ///< greatest (speed / wavelength), Continuous; 0 to 2000; the line of sight has 0.7 of it
  /// Taps: of the first tap (none: Rayleigh). TDL-D, -E: instead of the table's (13.3, 22 dB), delays
  /// normalised again. -40 to 60; not of TDL-A to -C.
  std::optional<double> ricianKDb;
};

/// What one radio hears of another. Pairs without a path hear nothing of each other; from == to is a radio's
/// leakage into itself. Taps are used as given, not normalised: the gain at a frequency is
/// -pathLossDb + 20 log10 |sum of taps|.
/// Which draw of the fading a trial meets, and from which time of it on.
struct ChannelMoment {
  std::string realisation; ///< names the draw, with the seed
  double startS = 0.0;     ///< a trial's time 0 in continuous fading
};

struct PathProfile {
  std::string from;
  std::string to;
  double pathLossDb = 60.0;        ///< -100 to 300
  std::vector<Tap> taps = {Tap{}}; ///< 1 to 256
  Fading fading = {};
};

/// A signal from outside the bench.
struct Interferer {
  double frequencyHz = 0.0;         ///< carrier or centre, true Hz; 0 to 10e9
  double powerDbm = -60.0;          ///< while on, at the input of every receiver that hears it; -200 to 60
  double bandwidthHz = 0.0;         ///< 0: a tone; 200e3 to 61.44e6: Gaussian noise, flat over 0.8 of it
  double startS = 0.0;              ///< of the first time on, since the trial began; 0 to 1e6
  double onS = 0.0;                 ///< 0: on for ever; else 1e-6 to 1e6
  double periodS = 0.0;             ///< 0: on once; else greater than onS, to 1e6
  std::vector<std::string> serials; ///< receivers that hear it; none: all
};

struct MediumConfig {
  Pace pace = Pace::Realtime;
  std::uint64_t seed = 1;
  std::vector<RadioProfile> radios;    ///< 1 to 64
  std::vector<PathProfile> paths;      ///< each pair at most once
  std::vector<Interferer> interferers; ///< at most 16
};

/// Four radios (TWIN-BASE, TWIN-TEXT, TWIN-VISUAL, TWIN-AUDIO; 0, +2, -2, +1 ppm), 60 dB between every two,
/// realtime. What a process gets that never calls configure. OTABENCH_TWINS, a comma-separated list of
/// serials, replaces the radios (all 0 ppm).
OTABENCH_MEDIUM_API MediumConfig defaultConfig();

/// Ground truth of a link at the present tuning and gains. For tests and for columns marked as truth.
struct LinkTruth {
  double gainDb = 0.0; ///< received dBFS minus transmitted dBFS, path loss and both gains in, taps not
  double receivedFullScaleDbm =
      0.0; ///< at the receiver's input, for a transmitted tone of amplitude 1, taps not
  std::vector<Tap> taps;
  double cfoHz = 0.0;          ///< transmitter's carrier minus receiver's, in true Hz
  double clockOffsetPpm = 0.0; ///< transmitter's sample clock against the receiver's: ((1+et)/(1+er) - 1) 1e6
  double noisePowerDbm = 0.0;  ///< kTB at 290 K plus noise figure, B the receiver's sample rate
  double noisePowerDbfs = 0.0; ///< the same in |sample|^2; a tone of amplitude 1 is 0 dBFS
  double fullScaleSampleSnrDb = 0.0; ///< sample power over noise for a transmitted waveform of mean power 1,
                                     ///< all taps' powers added
};

/// Which OFDM symbols of which link to judge.
struct BurstQuery {
  std::string from;
  std::string to;
  std::int64_t payloadStartNs = 0; ///< transmitter's hardware time of the first symbol's cyclic prefix
  double sampleRateHz = 0.0;       ///< nominal rate that the burst was transmitted at
  std::size_t fftSize = 0;         ///< 2 to 65536
  std::size_t cpLength = 0;        ///< samples
  std::size_t symbolCount = 0;     ///< at least 1
  std::vector<int> carriers;       ///< loaded carriers, -fftSize/2 to fftSize/2-1
};

struct BurstTruth {
  double trueSnrDb =
      0.0; ///< mean Es/N0 over the carriers and symbols: noise-free received energy over noise variance,
           ///< thermal and of both converters' rounding; distortion and fading are part of the signal
  double trueSndrDb = 0.0; ///< the same with the transmitter's distortion (clipping, front end, phase noise)
                           ///< as noise: what is not the written waveform through the channel, times one
                           ///< complex factor for the burst
  std::vector<double> carrierSnrDb; ///< mean Es/N0 of each carrier of the query, in its order
  double cfoHz = 0.0;               ///< as in LinkTruth, at the time of the payload
  double clockOffsetPpm = 0.0;      ///< as in LinkTruth
  double receivedPowerDbfs = 0.0;   ///< mean power of the noise-free received payload samples
  double noisePowerDbfs = 0.0;      ///< in the receiver's sample rate, rounding of its converter in
  double rxPayloadStartSample =
      0.0; ///< payload's first sample through the earliest tap, in receiver samples of this trial
};

/// A window of what a receiver got, in its samples since the trial began, at its present rate.
struct PartsQuery {
  std::string from;
  std::string to;
  std::int64_t firstSample = 0; ///< at least 0
  std::size_t sampleCount = 0;  ///< 1 to 1,048,576
};

/// The received samples taken apart; each [sampleCount]. At an ideal receiver that does not clip,
/// received = distorted + others + interference + noise.
struct ReceivedParts {
  std::vector<Sample> clean;     ///< the waveform as written, before clipping: gains, path loss, delay of the
                                 ///< earliest tap, carrier offset; no taps
  std::vector<Sample> faded;     ///< the same through the taps as they fade
  std::vector<Sample> distorted; ///< what the transmitter really sent, through the same, with the phase noise
                                 ///< of both radios
  std::vector<Sample> others;    ///< all other transmitters
  std::vector<Sample> interference; ///< all interferers
  std::vector<Sample> noise;        ///< thermal
  std::vector<Sample> received; ///< as read returned it: settling, branches, offset, converter, clipping in
};

/// The received samples in versions that differ in one cause each; each [sampleCount]. What
/// otabench::phy::BudgetWindows asks for: received - quiet is interference, quiet - noiseFree noise (and what
/// it makes of the converter's rounding), noiseFree - linear distortion.
struct BudgetParts {
  std::vector<Sample> received;  ///< as read returned it
  std::vector<Sample> quiet;     ///< the same without interferers and without any other transmitter
  std::vector<Sample> noiseFree; ///< quiet without thermal noise
  std::vector<Sample>
      linear; ///< noiseFree with everything linear: nothing clipped, ideal branches, amplifier
              ///< and converters; the phase noise of both radios, carrier offset and fading in
};

struct RadioCounters {
  std::uint64_t overflows = 0;    ///< reader too slow (realtime)
  std::uint64_t underflows = 0;   ///< open burst starved (realtime)
  std::uint64_t lateBursts = 0;   ///< timed burst in the past; not sent
  std::uint64_t lateReceives = 0; ///< timed activation in the past
  std::uint64_t burstAcks = 0;
  std::uint64_t txClippedSamples = 0;
  std::uint64_t rxClippedSamples = 0;
  std::uint64_t txDroppedSamples =
      0; ///< written into a burst that a trial's end, silence or lateness had dropped
};

enum class Direction { Rx, Tx };

enum class StreamStatus {
  Ok,
  Timeout,   ///< nothing within the time allowed, or woken by endTrial
  Overflow,  ///< samples were lost before the next read; reported once per loss
  TimeError, ///< timed start in the past
  Inactive,  ///< stream not active, or its finite capture is complete
  Closed     ///< radio closed
};

struct ReadResult {
  StreamStatus status = StreamStatus::Ok;
  std::size_t sampleCount = 0;
  std::int64_t timeNs = 0;       ///< hardware time of the first sample
  std::int64_t firstSample = 0;  ///< its index since the trial began, at the present RX rate
  bool endOfBurst = false;       ///< last of a finite capture
  std::uint64_t trialNumber = 0; ///< all samples of one read belong to this trial (counts beginTrial calls)
};

struct WriteOptions {
  std::optional<std::int64_t> startNs; ///< hardware time of the first sample; begins a burst
  bool endOfBurst = false;             ///< closes the burst behind the last of these samples
};

struct WriteResult {
  StreamStatus status = StreamStatus::Ok;
  std::size_t sampleCount = 0; ///< taken, perhaps fewer than offered; endOfBurst counts only when all are
};

enum class EventKind { BurstAck, Underflow, Late, Overflow };

struct Event {
  EventKind kind = EventKind::BurstAck;
  std::int64_t timeNs = 0; ///< hardware time: end of burst, starvation, requested start, first lost sample
  std::uint64_t trialNumber = 0;
};

struct Range {
  double minimum;
  double maximum;
  double step; ///< 0: continuous
};

/// What the radios can do, as a USRP B200 does.
struct Limits {
  Range txGainDb{0.0, 89.75, 0.25};
  Range rxGainDb{0.0, 76.0, 1.0};
  Range frequencyHz{70e6, 6e9, 0.0};
  Range sampleRateHz{0.2e6, 61.44e6, 0.0};
  Range bandwidthHz{0.2e6, 56e6, 0.0};
};
OTABENCH_MEDIUM_API const Limits& limits();

class Timeline;
struct ChannelSettings;
struct RadioState;
struct MediumState;

/// Stream face of one radio; closing happens in the destructor and wakes every thread inside.
/// Setters clamp to limits() and return what was achieved. With commandTimeNs (hardware time) they act then,
/// else at the present true time; samples already in the air or in a receiver's buffer keep what held at
/// their time.
class OTABENCH_MEDIUM_API Radio {
public:
  ~Radio();
  Radio(const Radio&) = delete;
  Radio& operator=(const Radio&) = delete;

  const std::string& serial() const;

  double setFrequencyHz(Direction direction, double requestedHz,
                        std::optional<std::int64_t> commandTimeNs = {});
  double setGainDb(Direction direction, double requestedDb, std::optional<std::int64_t> commandTimeNs = {});
  /// Signals outside +-bandwidth/2 are filtered (noise is not: it stays white over the sample rate).
  double setBandwidthHz(Direction direction, double requestedHz);
  /// @throws std::logic_error while a burst is open (TX).
  double setSampleRateHz(Direction direction, double requestedHz);
  double frequencyHz(Direction direction) const;
  double gainDb(Direction direction) const;
  double bandwidthHz(Direction direction) const;
  double sampleRateHz(Direction direction) const;

  std::int64_t hardwareTimeNs() const;
  void setHardwareTimeNs(std::int64_t timeNs);
  /// Hardware time at the last pulse (true whole seconds of the trial), and setting it at the next.
  std::int64_t hardwareTimeAtLastPpsNs() const;
  void setHardwareTimeAtNextPpsNs(std::int64_t timeNs);

  /// @param sampleCount 0 for a continuous stream, else a finite capture.
  /// In the past, read returns TimeError once and the stream is inactive.
  void activateRx(std::optional<std::int64_t> startNs = {}, std::size_t sampleCount = 0);
  void deactivateRx();
  bool rxActive() const;
  /// Free pace: blocks until at least one sample is due, then returns as many as are due, count at most.
  /// Realtime: blocks until count are due, or returns what is due at the timeout. At most 65,536 samples a
  /// call.
  ReadResult read(Sample* samples, std::size_t count, std::int64_t timeoutUs);

  void activateTx();
  /// Ends an open burst where its written samples end; queued bursts still go out.
  void deactivateTx();
  bool txActive() const;
  /// Continues the open burst, or begins one: at startNs, or without it as soon as possible. Blocks while the
  /// queue is full (realtime 0.25 s, free 16 M samples ahead of the present). A late burst is swallowed up to
  /// its end and reported as an event, as UHD does.
  WriteResult write(const Sample* samples, std::size_t count, const WriteOptions& options,
                    std::int64_t timeoutUs);

  /// @return nothing when no event came within the timeout (or endTrial or closing woke the caller).
  std::optional<Event> waitEvent(Direction direction, std::int64_t timeoutUs);

  RadioCounters counters() const;

  /// Wakes all threads inside, drops what is queued; every later stream call returns Closed.
  void close();

private:
  friend class Medium;
  Radio(std::shared_ptr<MediumState> medium, std::shared_ptr<RadioState> state);
  double setTimeline(Timeline ChannelSettings::*member, const Range& range, Direction direction,
                     double requested, std::optional<std::int64_t> commandTimeNs);
  std::shared_ptr<MediumState> medium_;
  std::shared_ptr<RadioState> state_;
  std::uint64_t openId_;
};

class OTABENCH_MEDIUM_API Medium {
public:
  /// The one instance of this process, configured with defaultConfig() until configure is called.
  static Medium& instance();

  /// Replaces everything; starts trial "" (number 0) at time 0.
  /// @throws std::invalid_argument one line: field, value, allowed range.
  /// @throws std::logic_error while a radio is open.
  void configure(const MediumConfig& config);
  MediumConfig config() const;
  std::vector<std::string> serials() const;

  /// Replaces or adds one path, from now on; call between trials, or results depend on when.
  /// @throws std::invalid_argument as configure.
  void setPath(const PathProfile& path);

  /// Opens a radio for streaming. @throws std::invalid_argument unknown serial; std::runtime_error already
  /// open.
  std::shared_ptr<Radio> open(const std::string& serial);
  bool isOpen(const std::string& serial) const;

  /// Starts from a reset medium: every hardware clock (and its offset) at 0, nothing queued, phases zero, no
  /// grant. Settings stay. Active receivers go on with sample 0; a burst that was being written is swallowed
  /// up to its end. Noise is from here on a pure function of (seed, trialId, receiving serial, block of 1024
  /// samples). Write bursts first, then grant: what is written after its time is late.
  /// @return the trial's number.
  std::uint64_t beginTrial(const std::string& trialId);

  /// The same, and fading is that of the moment: trials that name one realisation meet one channel, each at
  /// its own time of it. Noise and oscillators stay the trial's.
  /// @throws std::invalid_argument a start beyond 1e6 s.
  std::uint64_t beginTrial(const std::string& trialId, const ChannelMoment& moment);

  /// Free pace: lets time advance to trueNs (never back). Ignored in realtime pace.
  void grantUntilNs(std::int64_t trueNs);

  /// Wakes every blocked reader, writer and event waiter once; they return Timeout or nothing. Free pace: no
  /// time passes until the next beginTrial and grant.
  void endTrial();

  std::int64_t currentTimeNs() const;

  /// Stops all transmission at once: everything queued is dropped, open bursts are swallowed up to their end.
  /// @return samples dropped.
  std::uint64_t silence();

  /// @throws std::invalid_argument unknown serial, or no path between the two.
  LinkTruth linkTruth(const std::string& from, const std::string& to) const;
  /// Of a burst of the present trial (kept for at least 4 M samples per transmitter).
  /// @throws std::invalid_argument bad query; std::runtime_error the samples asked for were not transmitted
  /// or are no longer kept.
  BurstTruth burstTruth(const BurstQuery& query) const;
  /// Renders a window of the present trial once more, part by part. Exact for what a receiver has read
  /// already, as long as samples are kept and gains and carriers have not been changed since.
  /// @throws std::invalid_argument bad query; std::runtime_error the window is not past, or no longer kept.
  ReceivedParts receivedParts(const PartsQuery& query) const;
  /// The same window for an error budget of the bursts of query.from. Throws as receivedParts.
  BudgetParts budgetParts(const PartsQuery& query) const;

private:
  Medium();
  std::shared_ptr<MediumState> state_;
};

} // namespace otabench::medium
