/**
 * What a radio is to otabench: capabilities, setters that answer with what was achieved, streams of token bursts,
 * typed events. Implemented over SoapySDR (soapy-device.ts); test/radio/contract.ts holds any implementation to it.
 */

export type Direction = 'rx' | 'tx';

/** What was asked of a radio and what it says it did. Same unit as the setter's. */
export interface Achieved {
  readonly requested: number;
  readonly actual: number;
}

export interface Range {
  readonly min: number;
  readonly max: number;
  /** 0 where the driver names none. */
  readonly step: number;
}

/** One direction of a radio's first channel. */
export interface ChannelCapabilities {
  /** 0 where the radio lacks this direction. */
  readonly channels: number;
  readonly fullDuplex: boolean;
  readonly antennas: readonly string[];
  /** Of the overall gain, dB. */
  readonly gainRangeDb: Range;
  readonly gainElementsDb: readonly (Range & { readonly name: string })[];
  readonly frequencyRangesHz: readonly Range[];
  readonly sampleRateRangesHz: readonly Range[];
  readonly bandwidthRangesHz: readonly Range[];
  readonly formats: readonly string[];
  readonly nativeFormat: string;
  readonly nativeFullScale: number;
}

export interface RadioCapabilities {
  readonly rx: ChannelCapabilities;
  readonly tx: ChannelCapabilities;
  /** Whether bursts can be timed and arrive with a time. False for HackRF. */
  readonly hardwareTime: boolean;
  readonly clockSources: readonly string[];
  readonly timeSources: readonly string[];
  /** Of the device; of its first channel as "rx:NAME" and "tx:NAME". */
  readonly sensors: readonly string[];
}

/**
 * A fault of a stream. A measurement during which one happened (corrupt-header aside) must not count. `refused-burst`:
 * no burst can be made of such tokens (NaN, all zero), and none was sent.
 */
export interface StreamEvent {
  readonly kind:
    | 'overflow'
    | 'underflow'
    | 'late'
    | 'time-gap'
    | 'dropped-burst'
    | 'corrupt-header'
    | 'refused-burst'
    | 'stream-error'
    | 'device-lost';
  readonly direction: Direction;
  readonly serial: string;
  readonly hardwareTimeNs: number | null;
  /** How often in a row; missing samples for a time gap. */
  readonly count: number;
  readonly detail: string;
}

/** Mean Es/N0 over the loaded payload carriers by one estimator, dB; nulls where it could not be formed. */
export interface SnrEstimate {
  readonly snrDb: number | null;
  /** Predicted standard deviation. */
  readonly sdDb: number | null;
  /** 95 % interval; not symmetric when few symbols tell the noise. */
  readonly lowDb: number | null;
  readonly highDb: number | null;
}

/** The receiver's estimators side by side (docs/link.md). */
export interface SnrEstimates {
  /** The best-informed one, whose value is snrDb. */
  readonly best: SnrEstimate;
  /** Signal over noise and distortion of the payload, by its pilots. */
  readonly sndr: SnrEstimate;
  readonly preamble: SnrEstimate;
  readonly emptyCarriers: SnrEstimate;
  readonly pilotEvm: SnrEstimate;
  /** From long training and decoded header. */
  readonly dataAided: SnrEstimate;
}

/** What of a burst's token error came from where (docs/link.md): squared errors over the tokens' power, linear. */
export interface ErrorBudget {
  readonly measured: number;
  readonly noise: number;
  readonly nonlinearity: number;
  readonly phase: number;
  readonly channel: number;
  readonly interference: number;
  /** Measured minus all of the above; may be negative. */
  readonly unexplained: number;
}

/** Where a user is in a capture that it shares (docs/fdma.md): bins are 1/2048 of the sample rate. */
export interface Subband {
  /** Of the sub-band's centre, from the capture's. */
  readonly centerBin: number;
  /** The user's sample rate over the capture's, in 2048ths. */
  readonly size: number;
  /** Bins on either side that no other user may occupy. */
  readonly guardBins: number;
}

/** A user of a shared capture. */
export interface SubbandUser extends Subband {
  /** 0 to 15, as its bursts' headers say. */
  readonly user: number;
  /** Carrier of the user minus that of the base by its last sounding: what it takes out itself before it sends. */
  readonly soundedCfoHz: number | null;
}

/** Of the digital mapping: 2, 4, 6 and 8 bits a channel use. */
export type Modulation = 'qpsk' | '16qam' | '64qam' | '256qam';

/** How tokens travel as numbers behind forward error correction (docs/digital.md). */
export interface DigitalFormat {
  /** 2 to 8. */
  readonly bitsPerValue: number;
  readonly modulation: Modulation;
  /** The payload's length, all of which the code fills: 48 channel uses each. */
  readonly payloadOfdmSymbols: number;
}

/** What the decoder made of a burst. */
export interface DigitalReception extends DigitalFormat {
  /** [tokens] 1: a code block that carried a part of the token was lost, its values are 0. Empty where there are no tokens. */
  readonly erased: Uint8Array;
  readonly codeBlocks: number;
  readonly codeBlocksLost: number;
  /** Of all blocks together. */
  readonly decoderIterations: number;
}

/** Where the receiver, with everything estimated, loses one burst in a hundred: 2,080 bits, AWGN (docs/digital.md). */
export interface McsThreshold {
  readonly modulation: Modulation;
  /** Payload bits over coded bits. */
  readonly codeRate: number;
  /** Es/N0. */
  readonly snrDb: number;
  /** Above the normal approximation for as many channel uses. */
  readonly gapDb: number;
  /** Payload bits a complex channel use. */
  readonly bitsPerChannelUse: number;
}

/** Per modulation, the SNR of a flat channel with the carriers' mean bitwise information, dB. */
export type EffectiveSnrDb = Readonly<Record<Modulation, number>>;

/** A format that link adaptation chose. */
export interface AdaptedFormat extends DigitalFormat {
  /** Of the carriers, for its modulation. */
  readonly effectiveSnrDb: number;
  /** For the target PER. */
  readonly requiredSnrDb: number;
  /** False: no format reaches the target PER, and this is the most robust one that fits. */
  readonly meetsTarget: boolean;
}

/** One detection of the receiver. SNRs are mean Es/N0 over the loaded payload carriers, dB. */
export interface ReceivedBurst {
  readonly outcome: string;
  /** The check sum held; user, sequence, tokens, dimension and scale are meaningless otherwise. */
  readonly headerOk: boolean;
  /** In whose sub-band it was found; null with the full band. */
  readonly subbandUser: number | null;
  readonly epoch: number;
  /** First preamble sample in the radio's hardware clock, ns. */
  readonly arrivalNs: number;
  readonly cfoHz: number | null;
  readonly clockOffsetPpm: number | null;
  /** 0 to 15. */
  readonly user: number;
  /** 0 to 4095. */
  readonly sequence: number;
  readonly tokens: number;
  readonly dimension: number;
  readonly scale: number;
  /** [tokens, dimension], row-major; null where the payload was lost. */
  readonly data: Float32Array | null;
  /** Null for the analog mapping, and without a valid header. */
  readonly digital: DigitalReception | null;
  readonly snrDb: number | null;
  /** Where the noise of snrDb comes from: data-aided-and-pilots, data-aided, pilot-evm, repeated-preamble, none. */
  readonly bestEstimator: string;
  /** Header or payload deviate by more than the training's noise explains. */
  readonly disturbed: boolean;
  /** rms of the tracked common phase around the straight line, payload. */
  readonly phaseDriftRad: number | null;
  /** Of the burst's samples, at the receiver's converter. */
  readonly saturatedSamples: number;
  readonly estimates: SnrEstimates;
  /** Per carrier, linear, relative to full scale squared. */
  readonly noiseVariance: number | null;
  /** Mean |channel|^2 without the noise's share, linear. */
  readonly signalPower: number | null;
  /** Per loaded carrier, interleaved re, im, relative to full scale. */
  readonly channel: Float32Array;
  /** Per loaded carrier, dB. */
  readonly carrierSnrDb: Float32Array;
  /** Equalised payload symbols, interleaved re, im; at most 512 symbols. */
  readonly constellation: Float32Array;
  /**
   * The same symbols before the equaliser (timing and CFO taken out; with DFT spreading the carriers of the same
   * places), at unit mean power. Empty unless the receiver is watched.
   */
  readonly unequalised: Float32Array;
}

/** Averaged periodogram of what a receiver took in. Bins ascend in frequency from -rate/2; DC is bin length/2. */
export interface Spectrum {
  /** Mean and largest density of the segments, relative to |sample|² = 1, dB per Hz. */
  readonly meanDbfsPerHz: Float32Array;
  readonly peakDbfsPerHz: Float32Array;
  readonly segments: number;
  /** Segments beyond the bound: in neither curve. */
  readonly segmentsLeftOut: number;
}

export interface ReceiverOptions {
  readonly sampleRateHz: number;
  readonly centerFrequencyHz: number;
  /** Carrier offset around which bursts are sought, Hz, -390,625 to 390,625 (5/64 of the sample rate). Absent: 0. */
  readonly cfoPriorHz?: number;
  /** Most samples taken from the radio at once. */
  readonly blockSamples?: number;
  /** Most results that wait in native code; more are dropped and counted. */
  readonly resultLimit?: number;
}

/** What a receiver has heard since it was last asked. */
export interface Reception {
  readonly bursts: readonly ReceivedBurst[];
  readonly events: readonly StreamEvent[];
  readonly epoch: number;
  readonly processedUntilNs: number;
}

/** A running receive stream that finds token bursts. */
export interface BurstReceiver {
  /** How often the radio's clock has started from 0 while this stream ran. */
  readonly epoch: number;
  /**
   * From the next samples on: these users at once, each in its sub-band; none: the full band.
   * @throws RadioError out-of-range for a partition that cannot be used
   */
  setSubbands(users: readonly SubbandUser[]): void;
  /**
   * Waits until all samples before `timeNs` of an epoch later than `afterEpoch` have been searched, then gives what was
   * found in that epoch, and every event, since the last call. One call at a time.
   * @throws RadioError timed-out, closed (also when the stream ends meanwhile)
   */
  collect(until: { afterEpoch: number; timeNs: number; timeoutMs: number }): Promise<Reception>;
  /** Everything that is there, without waiting. */
  drain(): Reception;
  /** For eyes alone, off at first: spectra are measured and bursts carry `unequalised`. Changes no measurement. */
  watch(on: boolean): void;
  /** Of the samples since the last call; null where there were none, or nobody watches. */
  takeSpectrum(): Spectrum | null;
  stop(): Promise<void>;
}

export interface TransmitterOptions {
  readonly sampleRateHz: number;
  /** Mean power of a burst, dB relative to full scale. */
  readonly rmsDbfs?: number;
  readonly queueLimit?: number;
}

/** How tokens travel within the analog mapping, and how a burst is driven (docs/link.md). */
export interface BurstTransport {
  /** One scale for all tokens of a burst, or every token at unit power with its norm beside it. */
  readonly normalisation: 'burst' | 'token';
  /** Payload symbols in an order drawn from the sequence number. */
  readonly permutation: boolean;
  /** Each payload symbol turned by a multiple of 90 degrees drawn from the sequence number. */
  readonly scramble: boolean;
  readonly dftSpreading: boolean;
  readonly paprControl: 'none' | 'clip-and-filter';
  /** Envelope limit of clip-and-filter over the mean, dB; 3.5 to 20. */
  readonly paprTargetDb: number;
  /** Mean power of a burst, dB relative to full scale; -60 to 0. Back-off from clipping. */
  readonly rmsDbfs: number;
}

export interface OutgoingBurst {
  /** [tokens, dimension], row-major. Copied. */
  readonly data: Float32Array;
  readonly tokens: number;
  readonly dimension: number;
  readonly user: number;
  readonly sequence: number;
  /** Without it: the defaults, at the stream's level. */
  readonly transport?: BurstTransport;
  /** Without it: the analog mapping. */
  readonly digital?: DigitalFormat;
  /** Without it: the full band. Its user is the burst's. */
  readonly subband?: SubbandUser;
  /** Hardware time of the first sample; null: as soon as possible, and the only way without hardware time. */
  readonly startNs: number | null;
}

/** A burst whose samples are all with the radio. */
export interface SentBurst {
  /** Before clipping at full scale, guards left out. */
  readonly paprDb: number;
  /** Power over its mean that 10 %, 1 % and 0.1 % of the samples exceed, dB. */
  readonly ccdfDb: readonly number[];
  readonly clippedFraction: number;
  /** Share of the envelope beyond the target before clip-and-filter; 0 without it. */
  readonly limitedFraction: number;
  /** Error that clip-and-filter leaves on the payload over its power, dB; null without it, -200 where nothing was clipped. */
  readonly clipEvmDb: number | null;
  readonly rmsDbfs: number;
  readonly scale: number;
  readonly payloadOfdmSymbols: number;
  readonly startNs: number | null;
  readonly endNs: number | null;
  readonly samplesWritten: number;
}

/** A transmit stream for token bursts; sends only while the watchdog allows. */
export interface BurstTransmitter {
  /**
   * Resolves when the radio has all samples (not when they are in the air).
   * @throws RadioError transmit-disabled, queue-full, out-of-range, unsupported, closed, driver-failed
   */
  send(burst: OutgoingBurst): Promise<SentBurst>;
  /** Waits for the radio's acknowledgements; gives the number of bursts that it has not acknowledged in time. */
  flush(timeoutMs: number): Promise<number>;
  /** Events since the last call. */
  drainEvents(): readonly StreamEvent[];
  stop(): Promise<void>;
}

export interface RadioDevice {
  readonly driver: string;
  /** As the opened device answers; empty where it has none. */
  readonly serial: string;
  readonly hardware: string;
  readonly information: Readonly<Record<string, string>>;
  readonly simulated: boolean;
  /** False until the safety layer lands, on every driver but "twin". */
  readonly mayTransmit: boolean;
  readonly capabilities: RadioCapabilities;

  setCenterFrequencyHz(direction: Direction, requestedHz: number): Promise<Achieved>;
  setSampleRateHz(direction: Direction, requestedHz: number): Promise<Achieved>;
  setBandwidthHz(direction: Direction, requestedHz: number): Promise<Achieved>;
  /** Overall gain; the driver distributes it. */
  setGainDb(direction: Direction, requestedDb: number): Promise<Achieved>;
  centerFrequencyHz(direction: Direction): Promise<number>;
  sampleRateHz(direction: Direction): Promise<number>;
  gainDb(direction: Direction): Promise<number>;
  /** Null for a radio without hardware time. */
  hardwareTimeNs(): Promise<number | null>;
  /** One of capabilities.sensors, as the driver says it. @throws RadioError driver-failed */
  readSensor(name: string): Promise<string>;

  startReceiver(options: ReceiverOptions): Promise<BurstReceiver>;
  /** @throws RadioError transmit-refused */
  startTransmitter(options: TransmitterOptions): Promise<BurstTransmitter>;
  /** Transmit gain to its minimum. Allowed on every driver. */
  silence(): Promise<void>;
  /** Stops the streams, then closes. Safe to call twice; every other call then fails with code closed. */
  close(): Promise<void>;
}
