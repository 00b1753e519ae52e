/** What a trial asks of the link and what comes back. Plain data: it crosses process borders. */
import type { TwinAir } from '../../drivers/radio/air';
import type {
  BurstTransport as TransportOptions,
  DigitalFormat,
  EffectiveSnrDb,
  ErrorBudget,
  McsThreshold,
  Modulation,
  SnrEstimate,
  SnrEstimates,
  StreamEvent as RadioEvent,
  Subband,
} from '../../drivers/radio/contract';

import type { Health, LiveView, RadioDetails } from '../ipc/live-messages';

export type { Health, LiveView, RadioDetails, RadioHealth } from '../ipc/live-messages';
export type {
  DigitalFormat,
  EffectiveSnrDb,
  ErrorBudget,
  McsThreshold,
  Modulation,
  RadioEvent,
  SnrEstimate,
  SnrEstimates,
  Subband,
  TransportOptions,
  TwinAir,
};

/** Row-major token matrix, shape [tokens, dimension], float32. */
export interface TokenMatrix {
  readonly data: Float32Array;
  readonly tokens: number;
  readonly dimension: number;
}

/** A user's sub-band, and the CFO that it takes out before it sends: its carrier minus the base's by its last sounding. */
export interface SoundedSubband extends Subband {
  /** Hz; null: never sounded, and so refused. */
  readonly soundedCfoHz: number | null;
}

/** How a burst travels as numbers (docs/digital.md). What is null is chosen by link adaptation. */
export interface DigitalRequest {
  /** 2 to 8. */
  readonly bitsPerValue: number | null;
  readonly modulation: Modulation | null;
  /** The payload's length, all of which the code fills: 48 channel uses each. */
  readonly payloadOfdmSymbols: number;
  /** By soundings over the same channel, dB; may be null where nothing is to be chosen. */
  readonly effectiveSnrDb: EffectiveSnrDb | null;
  /** Of a burst, which is lost with any of its code blocks; above 0, below 1. */
  readonly targetPer: number;
  /** Kept above what the target needs, dB. */
  readonly marginDb: number;
}

export interface BurstRequest {
  /** Role of the transmitting radio, which is also the user's name ("text", "visual", "audio"). */
  readonly user: string;
  /** 0 to 4095; seeds the burst's permutation and scramble. */
  readonly sequence: number;
  readonly tokens: TokenMatrix;
  /** Transmit gain to set before this burst, dB (overall; the driver distributes it). */
  readonly txGainDb: number;
  /** Silence before this burst, from the end of the previous one (or the trial's start, and all at once), seconds. */
  readonly leadS: number;
  /** Absent: the defaults of the waveform. */
  readonly transport?: TransportOptions | undefined;
  /** Absent: the analog mapping. */
  readonly digital?: DigitalRequest | undefined;
  /** Where it is sent in a trial that is sent all at once; absent: the full band. */
  readonly subband?: SoundedSubband | undefined;
}

export interface TrialRequest {
  /** With the run's seed it determines noise and fading on twins. */
  readonly trialId: string;
  /** Sent one after another, in this order. */
  readonly bursts: readonly BurstRequest[];
  /** All at the same time instead, each from its own radio and in its own sub-band, received in one capture. */
  readonly atOnce?: boolean | undefined;
  /** Twins: which draw of the fading, and from which time of it on, s. Absent: a draw of the trial's own, from 0. */
  readonly channel?: { readonly realisation: string; readonly startS: number } | undefined;
  /** Whether each burst's error budget is wanted; it takes some milliseconds of the radio process. Absent: no. */
  readonly errorBudget?: boolean | undefined;
  /** Whether each burst's effective SNR is wanted, for link adaptation. Absent: no. */
  readonly effectiveSnr?: boolean | undefined;
}

export interface BurstMeasurement {
  readonly snrDb: number;
  /** Where the noise of snrDb comes from: data-aided-and-pilots, data-aided, pilot-evm, repeated-preamble, none. */
  readonly bestEstimator: string;
  readonly estimates: SnrEstimates;
  /** From the known payload: only for a burst whose tokens this bench sent itself. */
  readonly genie: SnrEstimate | null;
  /** Header or payload deviate by more than the training's noise explains. */
  readonly disturbed: boolean;
  /** rms of the tracked common phase around the straight line, payload. */
  readonly phaseDriftRad: number | null;
  /** Samples of the burst at the receiver's full scale. */
  readonly saturatedSamples: number;
  /** In a sub-band what is left of it after the user's own correction. */
  readonly cfoHz: number;
  /** Relative sample-clock offset as inferred, ppm. */
  readonly clockOffsetPpm: number;
  /** Arrival of the first preamble sample in the receiver's hardware clock, ns. */
  readonly arrivalNs: number;
  /** Index of each loaded payload carrier, -26 to 26; in a sub-band its own, narrower ones. */
  readonly carriers: Int16Array;
  /** Channel per loaded payload carrier, interleaved re, im; relative to full scale. */
  readonly channel: Float32Array;
  /** Es/N0 per loaded payload carrier, dB. */
  readonly carrierSnrDb: Float32Array;
  /** Per modulation, from carrierSnrDb; null where it was not asked for. */
  readonly effectiveSnrDb: EffectiveSnrDb | null;
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

/** What became of a digital burst. */
export interface DigitalResult extends DigitalFormat {
  readonly codeRate: number;
  /** From what it was chosen, for its modulation; null where nothing was sounded. */
  readonly effectiveSnrDb: number | null;
  /** For the target PER. */
  readonly requiredSnrDb: number;
  /** Whether effective SNR less margin reached it; null where nothing was sounded. */
  readonly meetsTarget: boolean | null;
  readonly codeBlocks: number;
  /** All of them where the burst was lost. */
  readonly codeBlocksLost: number;
  /** Of all blocks together. */
  readonly decoderIterations: number;
  /** [tokens] 1: not received, its values are 0. */
  readonly erased: Uint8Array;
}

export interface BurstResult {
  readonly user: string;
  readonly sequence: number;
  readonly detected: boolean;
  readonly headerOk: boolean;
  /**
   * ok; or why there are no tokens: absent (nothing was found), header-corrupt, header-implausible, payload-lost,
   * truncated, payload-mismatch (digital: blocks of another length or burst), foreign (another user's burst came in this
   * user's sub-band), refused (no burst can be made of such tokens: none was sent).
   */
  readonly outcome: string;
  /** Complex symbols that carry the payload: 48 in each of its OFDM symbols. */
  readonly channelUses: number;
  /** As asked for; null: the full band. */
  readonly subband: SoundedSubband | null;
  /** Null for the analog mapping. */
  readonly digital: DigitalResult | null;
  /** Squared error of the received tokens over the power of the sent ones, linear; null when the burst was lost. */
  readonly tokenError: number | null;
  /** The least that a linear receiver can reach: mean of 1 / (1 + SNR) over the measured payload carriers, linear; analog alone. */
  readonly boundError: number | null;
  /** Null where none was asked for, or none could be had. */
  readonly errorBudget: ErrorBudget | null;
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
  /** Share of the envelope beyond the target before clip-and-filter; 0 without it. */
  readonly limitedFraction: number;
  /** Error that clip-and-filter leaves on the payload over its power, dB; null without it, -200 where nothing was clipped. */
  readonly clipEvmDb: number | null;
  readonly airTimeS: number;
}

export interface TrialResult {
  readonly trialId: string;
  readonly bursts: readonly BurstResult[];
  readonly events: readonly RadioEvent[];
  /** From the first sample of the first burst to the last one of the last, guards and silences between them included. */
  readonly airTimeS: number;
  /** False when a radio event happened during the trial: the measurement must not count. */
  readonly valid: boolean;
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
  /** Carrier offset of the transmitters against the base around which bursts are sought, Hz. Absent: 0. */
  readonly cfoPriorHz?: number | undefined;
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

/** Who looks at a bench. Nothing of a run depends on it. */
export interface BenchObserver {
  /** While watched; at most 20 a second, made of what happened since the one before. */
  view(view: LiveView): void;
  health(health: Health): void;
}

/** The bench as the engine sees it. Implemented by the client of a radio process (app/radio) and, in tests, by hand. */
export interface Bench {
  readonly radios: readonly BenchRadio[];
  /** SNR that each modulation and code rate of the digital mapping was measured to need (docs/digital.md). */
  readonly mcs: readonly McsThreshold[];
  /** The process that has the radios, for whoever must end it when this one cannot. Absent where there is none. */
  readonly pid?: number | undefined;
  /** Trials may be queued; they run in order. Rejects with LinkError when the radio process is gone. */
  runTrial(request: TrialRequest): Promise<TrialResult>;
  /** Silences every transmitter, closes the radios, ends the process. Safe to call twice. */
  close(): Promise<void>;
  /** Called once when the radio process ends on its own; the reason is one line. */
  onLost(listener: (reason: string) => void): void;
  /** What the radios are and can do. Absent where there are none. */
  readonly details?: readonly RadioDetails[];
  /** The newest observer takes the place of the one before. */
  observe?(observer: BenchObserver): void;
  /** What is wanted; nothing at first. */
  watch?(wanted: { readonly views: boolean; readonly sensors: boolean }): void;
}

export interface BenchLauncher {
  open(setup: BenchSetup): Promise<Bench>;
}
