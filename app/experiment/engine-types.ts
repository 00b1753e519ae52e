/** What the engine is given and what it tells. */
import type {
  AllocationRecord,
  CsiRecord,
  LineRecord,
  ReferenceRecord,
  SoundingRecord,
  TrialRecord,
  ViewRecord,
} from '../config/run-documents';
import type { AllocateOptions, BenchTerms, Decision, UserChannel } from '../allocation';
import type { Bench } from '../link/types';
import type { TaskModel } from './model';
import type { Plan } from './plan';

/** Where facts go. A record's promise resolves when it is safe on the disk, and with it the CSI and views given before. */
export interface RunRecorder {
  record(line: LineRecord): Promise<void>;
  csi(records: readonly CsiRecord[]): void;
  views(records: readonly ViewRecord[]): void;
  reference(record: ReferenceRecord): Promise<void>;
}

export type Decide = (
  terms: BenchTerms,
  channels: ReadonlyMap<string, UserChannel>,
  options: AllocateOptions,
) => Promise<Decision>;

/** What an earlier session of the same run left on the disk. */
export interface PreviousWork {
  readonly trials: ReadonlyMap<string, TrialRecord>;
  readonly soundings: ReadonlyMap<string, SoundingRecord>;
  /** Of closed loops, by id. */
  readonly allocations: ReadonlyMap<string, AllocationRecord>;
  /** By `arm/SNR`. */
  readonly references: ReadonlyMap<string, ReferenceRecord>;
}

export const NO_PREVIOUS_WORK: PreviousWork = {
  trials: new Map(),
  soundings: new Map(),
  allocations: new Map(),
  references: new Map(),
};

/** Called as things happen; must not throw. */
export interface EngineObserver {
  soundingStarted?(): void;
  /** Transmit gain of every user at one point, dB. */
  gainsFound?(arm: string, requestedSnrDb: number, gainsDb: Readonly<Record<string, number>>): void;
  trialsStarted?(): void;
  /** A trial that this session made and that is on the disk. */
  trialRecorded?(record: TrialRecord): void;
  trialsFinished?(): void;
  /** So many answers of an AWGN reference were computed. */
  referenceAnswered?(answers: number): void;
  referenceRecorded?(record: ReferenceRecord): void;
}

export interface EngineParts {
  readonly plan: Plan;
  /** One for each arm, open; arms on the same air share one. The engine closes them. */
  readonly benches: readonly Bench[];
  readonly model: TaskModel;
  readonly recorder: RunRecorder;
  readonly previous: PreviousWork;
  readonly observer: EngineObserver;
  /** app/allocation's `decide`, which computes for up to a second, where that holds nobody up. Needed by closed loops. */
  readonly decide?: Decide;
  /** Aborting stops the run cleanly. */
  readonly signal: AbortSignal;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The run cannot go on; the message is one line for the user. */
export class RunFailedError extends Error {
  override readonly name = 'RunFailedError';
}

/** The run was told to stop. */
export class RunStoppedError extends Error {
  override readonly name = 'RunStoppedError';
  constructor() {
    super('stopped');
  }
}
