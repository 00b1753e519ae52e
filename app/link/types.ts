/** What a trial asks of the link and what comes back. Plain data: it crosses process borders. */
import type { BurstTransport as TransportOptions, StreamEvent as RadioEvent } from '../../drivers/radio/contract';

export type { RadioEvent, TransportOptions };

/** Row-major token matrix, shape [tokens, dimension], float32. */
export interface TokenMatrix {
  readonly data: Float32Array;
  readonly tokens: number;
  readonly dimension: number;
}

export interface BurstRequest {
  /** Role of the transmitting radio, which is also the user's name ("text", "visual", "audio"). */
  readonly user: string;
  /** 0 to 4095; seeds the burst's permutation and scramble. */
  readonly sequence: number;
  readonly tokens: TokenMatrix;
  /** Transmit gain to set before this burst, dB (overall; the driver distributes it). */
  readonly txGainDb: number;
  /** Silence before this burst, from the end of the previous one (or the trial's start), seconds. */
  readonly leadS: number;
  /** Absent: the defaults of the waveform. */
  readonly transport?: TransportOptions | undefined;
}

export interface TrialRequest {
  /** Unique in the run; with the run's seed it determines noise and fading on twins. */
  readonly trialId: string;
  /** Sent one after another, in this order. */
  readonly bursts: readonly BurstRequest[];
}

/** Four estimators of mean Es/N0 over the loaded payload carriers, dB; null where one cannot be had. */
export interface SnrEstimates {
  readonly preambleDb: number | null;
  readonly emptyCarriersDb: number | null;
  readonly pilotEvmDb: number | null;
  /** From the known payload: only for a burst whose tokens this bench sent itself. */
  readonly genieDb: number | null;
}

/** Predicted standard deviations of the estimators, dB. */
export interface SnrDeviations {
  readonly preambleDb: number | null;
  readonly emptyCarriersDb: number | null;
  readonly pilotEvmDb: number | null;
}

export interface BurstMeasurement {
  readonly snrDb: number;
  /** Predicted standard deviation of snrDb, dB. */
  readonly snrSdDb: number | null;
  /** Where the noise of snrDb comes from: data-aided-and-pilots, pilot-evm, repeated-preamble, none. */
  readonly bestEstimator: string;
  /** Signal over noise and distortion within the payload, by its pilots, dB. */
  readonly sndrDb: number | null;
  readonly estimates: SnrEstimates;
  readonly deviations: SnrDeviations;
  readonly cfoHz: number;
  /** Relative sample-clock offset as inferred, ppm. */
  readonly clockOffsetPpm: number;
  /** Arrival of the first preamble sample in the receiver's hardware clock, ns. */
  readonly arrivalNs: number;
  /** Index of each loaded payload carrier, -26 to 26. */
  readonly carriers: Int16Array;
  /** Channel per loaded payload carrier, interleaved re, im; relative to full scale. */
  readonly channel: Float32Array;
  /** Es/N0 per loaded payload carrier, dB. */
  readonly carrierSnrDb: Float32Array;
  /** Noise variance per carrier, relative to full scale squared, linear. */
  readonly noiseVariance: number;
  /** Equalised payload symbols (unit mean power, still permuted), interleaved re, im; decimated for the eye to at most 512 symbols. */
  readonly constellation: Float32Array;
}

/** Ground truth of the medium for one burst. Twins only; nothing in the link reads it. */
export interface BurstTruth {
  readonly snrDb: number;
  readonly cfoHz: number;
}

export interface BurstResult {
  readonly user: string;
  readonly sequence: number;
  readonly detected: boolean;
  readonly headerOk: boolean;
  /** Same shape as sent; null when the burst was lost. */
  readonly received: TokenMatrix | null;
  readonly measurement: BurstMeasurement | null;
  readonly truth: BurstTruth | null;
  readonly txGainDb: { readonly requested: number; readonly actual: number };
  /** Peak-to-average power ratio of the transmitted burst, dB, and the fraction of its samples clipped at full scale. */
  readonly paprDb: number;
  /** Power over its mean that 10 %, 1 % and 0.1 % of the burst's samples exceed, dB. */
  readonly ccdfDb: readonly number[];
  readonly clippedFraction: number;
  /** Error that clip-and-filter leaves on the payload over its power, dB; null without it, -200 where nothing was clipped. */
  readonly clipEvmDb: number | null;
  readonly airTimeS: number;
}

export interface TrialResult {
  readonly trialId: string;
  readonly bursts: readonly BurstResult[];
  readonly events: readonly RadioEvent[];
  /** False when a radio event happened during the trial: the measurement must not count. */
  readonly valid: boolean;
}

/** What a twin does that an ideal radio does not (docs/medium.md). Absent: nothing of it. */
export interface TwinImpairments {
  /** Width of the oscillator's line, Hz. */
  readonly phaseNoiseLinewidthHz: number;
  readonly txIqGainDb: number;
  readonly txIqPhaseDeg: number;
  readonly rxIqGainDb: number;
  readonly rxIqPhaseDeg: number;
  /** Transmitter's carrier within bursts; null: none. */
  readonly loLeakageDbfs: number | null;
  readonly dcOffsetDbfs: number | null;
  /** Rapp's amplifier: saturated amplitude over full scale, dB; null: a linear one. */
  readonly amplifierSaturationDb: number | null;
  readonly amplifierSmoothness: number;
  /** 0: ideal. */
  readonly dacBits: number;
  readonly adcBits: number;
  readonly activateSettleS: number;
  readonly retuneSettleS: number;
  readonly invalidRxSamples: number;
}

export interface TwinFading {
  readonly kind: 'none' | 'block' | 'continuous';
  /** The path's own taps, or a tapped delay line of 3GPP TR 38.901. */
  readonly profile: 'taps' | 'tdl-a' | 'tdl-b' | 'tdl-c' | 'tdl-d' | 'tdl-e';
  /** rms delay spread of the tapped delay line. */
  readonly delaySpreadS: number;
  readonly dopplerHz: number;
  readonly ricianKDb: number | null;
}

/** A signal from outside the bench. */
export interface TwinInterferer {
  readonly frequencyHz: number;
  readonly powerDbm: number;
  /** 0: a tone. */
  readonly bandwidthHz: number;
  readonly startS: number;
  /** 0: for ever. */
  readonly onS: number;
  /** 0: once. */
  readonly periodS: number;
  /** Receivers that hear it; none: all. */
  readonly serials: readonly string[];
}

/** One simulated radio. Gains are overall, in dB; a twin's transmit gain spans 0 to 89.75 dB in steps of 0.25. */
export interface TwinRadio extends Partial<TwinImpairments> {
  readonly serial: string;
  /** Ties carrier and sample clock, ppm. */
  readonly clockErrorPpm: number;
  readonly noiseFigureDb: number;
  /** Output of a full-scale tone at the highest transmit gain, dBm. */
  readonly maxOutputPowerDbm: number;
}

export interface TwinPath {
  readonly from: string;
  readonly to: string;
  /** Path loss with all fixed attenuators, dB. */
  readonly pathLossDb: number;
  readonly taps: readonly { readonly delayS: number; readonly powerDb: number; readonly phaseRad: number }[];
  readonly fading?: TwinFading;
}

export interface TwinAir {
  readonly pace: 'free' | 'realtime';
  readonly radios: readonly TwinRadio[];
  readonly paths: readonly TwinPath[];
  readonly interferers?: readonly TwinInterferer[];
}

export interface RadioRole {
  /** "base" receives; every other role is a user that transmits. */
  readonly role: string;
  readonly driver: string;
  readonly serial: string;
}

/** Everything a radio process needs before it opens a radio. */
export interface BenchSetup {
  readonly seed: number;
  readonly centerFrequencyHz: number;
  readonly sampleRateHz: number;
  readonly rxGainDb: number;
  readonly roles: readonly RadioRole[];
  /** Present if and only if every role's driver is "twin". */
  readonly air: TwinAir | null;
}

export interface BenchRadio {
  readonly role: string;
  readonly driver: string;
  readonly serial: string;
  readonly hardware: string;
  readonly simulated: boolean;
  readonly centerFrequencyHz: { readonly requested: number; readonly actual: number };
  readonly sampleRateHz: { readonly requested: number; readonly actual: number };
  readonly txGainRangeDb: { readonly min: number; readonly max: number; readonly step: number };
}

/** The bench as the engine sees it. Implemented by the client of a radio process (app/radio) and, in tests, by hand. */
export interface Bench {
  readonly radios: readonly BenchRadio[];
  /** Trials may be queued; they run in order. Rejects with LinkError when the radio process is gone. */
  runTrial(request: TrialRequest): Promise<TrialResult>;
  /** Silences every transmitter, closes the radios, ends the process. Safe to call twice. */
  close(): Promise<void>;
  /** Called once when the radio process ends on its own; the reason is one line. */
  onLost(listener: (reason: string) => void): void;
}

export interface BenchLauncher {
  open(setup: BenchSetup): Promise<Bench>;
}
