/** The addon otabench.node: its shape (see native/addon/src/addon.cpp) and where it is found. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '../../app/config/paths';
import type { TwinAir, TwinPath } from './air';
import type {
  AdaptedFormat,
  BurstTransport,
  DigitalFormat,
  Direction,
  EffectiveSnrDb,
  ErrorBudget,
  McsThreshold,
  Modulation,
  OutgoingBurst,
  RadioCapabilities,
  ReceivedBurst,
  ReceiverOptions,
  SentBurst,
  SnrEstimate,
  Spectrum,
  StreamEvent,
  Subband,
  SubbandUser,
  TransmitterOptions,
} from './contract';
import { RadioError } from './errors';

export interface NativeBatch {
  readonly bursts: readonly ReceivedBurst[];
  readonly events: readonly StreamEvent[];
  readonly epoch: number;
  readonly processedUntilNs: number;
  /** In all, since the stream started. */
  readonly droppedBursts: number;
  readonly running: boolean;
}

export interface NativeReceiver {
  mark(afterEpoch: number, timeNs: number): void;
  setSubbands(users: readonly SubbandUser[]): void;
  epoch(): number;
  watch(on: boolean): void;
  takeSpectrum(): Spectrum | null;
  stop(): Promise<void>;
}

export interface NativeTransmitter {
  send(burst: OutgoingBurst): Promise<SentBurst>;
  flush(timeoutMs: number): Promise<number>;
  stop(): Promise<void>;
}

export interface NativeDevice {
  readonly driver: string;
  readonly serial: string;
  readonly hardware: string;
  readonly information: Readonly<Record<string, string>>;
  readonly mayTransmit: boolean;
  readonly capabilities: RadioCapabilities;
  setCenterFrequencyHz(direction: Direction, hz: number): Promise<number>;
  setSampleRateHz(direction: Direction, hz: number): Promise<number>;
  setBandwidthHz(direction: Direction, hz: number): Promise<number>;
  setGainDb(direction: Direction, db: number): Promise<number>;
  setGainElementDb(direction: Direction, element: string, db: number): Promise<number>;
  setAntenna(direction: Direction, name: string): Promise<string>;
  centerFrequencyHz(direction: Direction): Promise<number>;
  sampleRateHz(direction: Direction): Promise<number>;
  bandwidthHz(direction: Direction): Promise<number>;
  gainDb(direction: Direction): Promise<number>;
  antenna(direction: Direction): Promise<string>;
  hardwareTimeNs(): Promise<number | null>;
  readSensor(name: string): Promise<string>;
  startReceiver(options: ReceiverOptions, onBatch: (batch: NativeBatch) => void): Promise<NativeReceiver>;
  startTransmitter(
    options: TransmitterOptions,
    onEvents: (events: readonly StreamEvent[]) => void,
  ): Promise<NativeTransmitter>;
  silence(): Promise<void>;
  close(): Promise<void>;
}

/** The air as the medium takes it. */
export interface AirSetup extends TwinAir {
  /** Whole, 0 to 2^53 - 1. */
  readonly seed: number;
}

/** Which payload of which link the medium shall judge. */
export interface TruthQuery {
  readonly from: string;
  readonly to: string;
  /** Transmitter's hardware time of the first payload symbol's cyclic prefix. */
  readonly payloadStartNs: number;
  readonly sampleRateHz: number;
  readonly fftSize: number;
  readonly cpLength: number;
  readonly symbolCount: number;
  readonly carriers: Int16Array;
}

/** Which draw of the fading a trial meets, and from which time of it on, s. Trials of one realisation meet one channel. */
export interface ChannelMoment {
  readonly realisation: string;
  readonly startS: number;
}

/** Control face of the simulated air (native/medium/include/otabench/medium/medium.hpp). */
export interface NativeMedium {
  configure(air: AirSetup): void;
  serials(): string[];
  setPath(path: TwinPath): void;
  /**
   * Returns the trial's number.
   * @param channel absent: fading is the trial's own
   */
  beginTrial(trialId: string, channel?: ChannelMoment): number;
  grantUntilNs(timeNs: number): void;
  endTrial(): void;
  currentTimeNs(): number;
  /** Drops all transmission; returns the number of samples dropped. */
  silence(): number;
  linkTruth(
    from: string,
    to: string,
  ): { gainDb: number; taps: TwinPath['taps']; cfoHz: number; clockOffsetPpm: number; noisePowerDbfs: number };
  burstTruth(query: TruthQuery): { snrDb: number; cfoHz: number; clockOffsetPpm: number };
}

export interface BurstLayout {
  /** Guards included. */
  readonly samples: number;
  readonly preambleStartSample: number;
  readonly payloadStartSample: number;
  readonly payloadOfdmSymbols: number;
}

export type ErrorBudgetQuery = {
  readonly sent: Float32Array;
  /** 0 to 15. */
  readonly user: number;
  readonly sequence: number;
  readonly tokens: number;
  readonly dimension: number;
  readonly transport?: BurstTransport;
} & (
  | {
      readonly air: {
        readonly from: string;
        readonly to: string;
        /** Of a window with the whole burst in it, in the receiver's samples since the trial began. */
        readonly firstSample: number;
        readonly sampleCount: number;
        /** The waveform was clipped before the air got it (full scale, clip-and-filter). */
        readonly clippedAtSource: boolean;
        readonly sampleRateHz: number;
        readonly centerFrequencyHz: number;
        readonly cfoPriorHz: number;
      };
    }
  | {
      readonly heard: {
        readonly data: Float32Array;
        readonly channel: Float32Array;
        readonly noiseVariance: number;
        readonly signalPower: number;
        readonly dataAidedDb: number;
        readonly clipEvmDb: number | null;
      };
    }
);

/** Tokens and the format in which they travel. */
export interface DigitalTokens extends DigitalFormat {
  readonly tokens: number;
  readonly dimension: number;
}

export interface DigitalPlan {
  readonly channelUses: number;
  /** Fewest that carry such tokens with this modulation. */
  readonly leastChannelUses: number;
  /** Descriptor and tokens, without CRCs. */
  readonly payloadBits: number;
  readonly codeRate: number;
  readonly codeBlocks: number;
}

export interface AdaptationQuery {
  readonly tokens: number;
  readonly dimension: number;
  readonly payloadOfdmSymbols: number;
  /** Null: to be chosen. */
  readonly bitsPerValue: number | null;
  readonly modulation: Modulation | null;
  /** Of an earlier burst over the same channel. */
  readonly effectiveSnrDb: EffectiveSnrDb;
  /** Of a burst; it is lost with any of its code blocks. Above 0, below 1. */
  readonly targetPer: number;
  /** Kept, for a channel that may have changed, dB. */
  readonly marginDb: number;
}

export interface WatchdogState {
  readonly state: 'disarmed' | 'armed' | 'tripped';
  readonly reason: string;
}

export interface Native {
  versions(): { soapySdr: { library: string; api: string; abi: string }; nodeApi: number };
  /** Before the first enumerate or open. */
  addPluginFolder(folder: string): void;
  driverMayTransmit(driver: string): boolean;
  enumerate(driver: string): Promise<Record<string, string>[]>;
  openDevice(args: Record<string, string>): Promise<NativeDevice>;
  armWatchdog(): void;
  feedWatchdog(): void;
  tripWatchdog(reason: string): void;
  watchdogState(): WatchdogState;
  setLogListener(listener: ((level: string, line: string) => void) | null): void;
  setTripListener(listener: ((reason: string) => void) | null): void;
  /** In the capture's samples. */
  burstLayout(burst: {
    tokens: number;
    dimension: number;
    transport?: BurstTransport;
    digital?: DigitalFormat;
    subband?: SubbandUser;
  }): BurstLayout;
  /** What is wrong with a partition; nothing when it can be used. */
  subbandFaults(users: readonly SubbandUser[]): { fault: string; message: string }[];
  /** Sub-bands of these widths (grid carriers) side by side. @throws TypeError when they do not fit */
  placeSubbands(widthCarriers: readonly number[], guardBins: number): Subband[];
  /**
   * SNR (mean Es/N0) of a burst that this bench sent itself, from sent and received tokens; nulls where the burst is too
   * short or one of them is degenerate.
   */
  genieSnr(burst: {
    sent: Float32Array;
    received: Float32Array;
    sequence: number;
    tokens: number;
    dimension: number;
    transport?: BurstTransport;
  }): SnrEstimate;
  /**
   * What of a burst's token error came from where: by substitution with the medium's truth (`air`; before the next
   * trial begins), or from what the receiver said (`heard`). Null when the receiver does not find the burst again.
   */
  errorBudget(burst: ErrorBudgetQuery): ErrorBudget | null;
  /** Measured SNR that each modulation and rate needs: modulations ascending, rates ascending within each. */
  mcsThresholds(): McsThreshold[];
  /** How a format travels. @throws TypeError for fields out of range, or too few channel uses for the bits */
  digitalPlan(format: DigitalTokens): DigitalPlan;
  /** @param carrierSnrDb as ReceivedBurst has it. @throws TypeError for none or NaN */
  effectiveSnrDb(carrierSnrDb: Float32Array): EffectiveSnrDb;
  /** SNR of a flat channel at which a burst of this format is lost with probability `per`. @throws TypeError */
  requiredSnrDb(format: DigitalTokens, per: number): number;
  /** The format with the most bits per value that the channel bears; null where none fits. @throws TypeError */
  adaptFormat(query: AdaptationQuery): AdaptedFormat | null;
  readonly numerology: {
    readonly fftSize: number;
    readonly cpLength: number;
    readonly mostPayloadOfdmSymbols: number;
    /** Loaded carriers, pilots among them: what per-carrier arrays follow. */
    readonly carriers: Int16Array;
    /** Those that carry tokens: what SNR means are over. */
    readonly dataCarriers: Int16Array;
  };
  readonly medium: NativeMedium;
}

/** The folder of otabench.node and libotamedium.so. OTABENCH_NATIVE_DIR overrides it. */
export function nativeFolder(): string {
  const override = process.env['OTABENCH_NATIVE_DIR'];
  if (override !== undefined && override !== '') return path.resolve(override);
  // In a packaged application, libraries lie beside the archive, not in it.
  const root = repositoryRoot().replace(/app\.asar$/, 'app.asar.unpacked');
  return path.join(root, 'build', 'native', 'lib');
}

let loaded: Native | null = null;

/**
 * Loads the addon, once, and shows SoapySDR where the twins' module lies.
 * @throws RadioError native-missing
 */
export function loadNative(): Native {
  if (loaded !== null) return loaded;
  const folder = nativeFolder();
  const file = path.join(folder, 'otabench.node');
  if (!existsSync(file)) throw new RadioError('native-missing', `${file} is missing: run scripts/setup`);
  let native: Native;
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- an addon cannot be imported otherwise
    native = require(file) as Native;
  } catch (error) {
    throw new RadioError('native-missing', `${file} cannot be loaded: ${(error as Error).message}: run scripts/setup`);
  }
  native.addPluginFolder(twinPluginFolder());
  loaded = native;
  return native;
}

/** Where SoapySDR finds driver=twin. A folder of its own: SoapySDR opens every file in it. */
export function twinPluginFolder(): string {
  return path.join(nativeFolder(), 'SoapySDR', 'modules');
}

/** What other programs (SoapySDRUtil, GNU Radio) need in their environment to see the twins. */
export function twinEnvironment(): Record<string, string> {
  return { SOAPY_SDR_PLUGIN_PATH: twinPluginFolder() };
}
