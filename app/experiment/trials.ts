/** One trial on the bench: its request, its attempts, its lines. */
import { Slots } from './slots';
import type { SpoiltRecord, TrialRecord } from '../config/run-documents';
import type {
  Bench,
  BurstRequest,
  DigitalRequest,
  EffectiveSnrDb,
  Subband,
  TokenMatrix,
  TrialRequest,
  TrialResult,
} from '../link/types';
import { seededRandom } from '../units/random';
import { RunFailedError, type EngineParts } from './engine-types';
import type { ArmExperiment } from './file';
import type { ErasedTokens, UserTokens } from './model';
import type { ByUser } from './mapping';
import { subbandsOf } from './partition';
import { transportOptions, type PlannedTrial } from './plan';
import { eventRecords } from './records';
import { USERS, type UserName } from './schema';

/** How often a trial that a radio event spoilt is tried in all. */
export const MAX_ATTEMPTS = 4;

/** So many trials in a row spoilt on every attempt say that the bench does not work. */
const MAX_SPOILT_IN_A_ROW = 10;

/** Sequence numbers seed a burst's permutation and scramble. */
const SEQUENCES = 4096;

export type Gains = Readonly<Record<UserName, number>>;

/** What sounding found for a point. */
export interface PointSetting {
  /** Transmit gain of each user, dB. */
  readonly gainsDb: Gains;
  /** With FDMA each user's carrier minus the base's, Hz, by its last sounding; null: users send in turn. */
  readonly cfosHz: Readonly<Record<UserName, number>> | null;
  /** Allocated, in place of the experiment's; users without one are silent. */
  readonly subbands?: Readonly<Partial<Record<UserName, Subband>>>;
  /** Twins: the channel that this trial meets. */
  readonly channel?: TrialRequest['channel'];
  /** Of an arm whose mapping is digital; null: analog, or not sounded yet. */
  readonly effectiveSnrDb?: ByUser<EffectiveSnrDb> | null;
}

/** How a trial is to be sent. */
export interface Sending {
  readonly users: ArmExperiment['users'];
  readonly setting: PointSetting;
  /** What its record says besides. */
  readonly facts?: (
    result: TrialResult,
    sent: UserTokens,
  ) => Pick<TrialRecord, 'allocation' | 'latencyS' | 'predictedLatencyS'>;
}

/** Trials whose bursts are back. */
export interface SentBlock {
  readonly todo: readonly PlannedTrial[];
  /** Of them, those that no earlier session recorded. */
  readonly missing: ReadonlySet<PlannedTrial>;
  readonly sendings: readonly Sending[];
  readonly sent: readonly UserTokens[];
  readonly attempted: readonly AttemptedTrial[];
}

export interface RequestOptions {
  readonly errorBudget?: boolean;
  /** The others are muted; what this user sends, and when, is the same as with them. */
  readonly only?: UserName | undefined;
  /** Each user's; absent: the analog mapping. */
  readonly digital?: ByUser<DigitalRequest> | undefined;
  readonly effectiveSnr?: boolean;
}

/**
 * @param trialId names the noise too
 * @param serial any integer; bursts of neighbouring trials get different sequence numbers
 */
export function trialRequest(
  experiment: ArmExperiment,
  trialId: string,
  serial: number,
  tokens: UserTokens,
  { gainsDb, cfosHz, subbands: allocated, channel }: PointSetting,
  { errorBudget = false, only, digital, effectiveSnr = false }: RequestOptions = {},
): TrialRequest {
  const random = seededRandom(experiment.seed, `${trialId}/lead`);
  const transport = transportOptions(experiment);
  const subbands: PointSetting['subbands'] | null = cfosHz === null ? null : (allocated ?? subbandsOf(experiment));
  const bursts = USERS.map((user, position): BurstRequest => ({
    user,
    sequence: (serial * USERS.length + position) % SEQUENCES,
    tokens: tokens[user],
    txGainDb: gainsDb[user],
    // The receiver is never told when a burst comes.
    leadS: experiment.link.leadS + random() * experiment.link.leadJitterS,
    transport,
    ...(digital !== undefined && { digital: digital[user] }),
    ...(subbands?.[user] && cfosHz !== null && { subband: { ...subbands[user], soundedCfoHz: cfosHz[user] } }),
  }));
  return {
    trialId,
    bursts: bursts.filter(
      ({ user, subband }) => (only === undefined || user === only) && (subbands === null || subband !== undefined),
    ),
    errorBudget,
    ...(channel !== undefined && { channel }),
    ...(effectiveSnr && { effectiveSnr }),
    ...(subbands !== null && { atOnce: true }),
  };
}

/** A lost burst as the model gets it. */
export function lostMatrix(shape: TokenMatrix): TokenMatrix {
  return { data: new Float32Array(shape.tokens * shape.dimension), tokens: shape.tokens, dimension: shape.dimension };
}

/** What the model is handed for a trial: received tokens, zeros for lost ones, and which those are. */
export function receivedTokens(
  result: TrialResult,
  sent: UserTokens,
): { readonly received: UserTokens; readonly erased?: ErasedTokens } {
  const received: Partial<Record<UserName, TokenMatrix>> = {};
  const erased: Partial<Record<UserName, Uint8Array>> = {};
  for (const user of USERS) {
    const burst = result.bursts.find((one) => one.user === user);
    const shape = sent[user];
    const matrix = burst?.received ?? null;
    // A header that passed its check sum by chance could announce another shape.
    if (matrix === null || matrix.tokens !== shape.tokens || matrix.dimension !== shape.dimension) {
      received[user] = lostMatrix(shape);
      erased[user] = new Uint8Array(shape.tokens).fill(1);
      continue;
    }
    received[user] = matrix;
    const flags = burst?.digital?.erased;
    if (flags !== undefined && flags.includes(1)) erased[user] = flags;
  }
  return { received: received as UserTokens, ...(Object.keys(erased).length > 0 && { erased }) };
}

export interface AttemptedTrial {
  readonly result: TrialResult;
  readonly attempts: number;
}

/** Trials with the radio process at a time: depth of the pipeline, enough to keep it busy while the host does other work. */
const MOST_WITH_RADIO = 12;

/** Runs trials and repeats the spoilt ones under the same id: the same noise, without the event. */
export class TrialRunner {
  private spoiltInARow = 0;
  private readonly withRadio = new Slots(MOST_WITH_RADIO);

  constructor(
    private readonly bench: Bench,
    private readonly parts: Pick<EngineParts, 'recorder' | 'now'>,
  ) {}

  /** @throws RunFailedError when trial after trial is spoilt; LinkError when the radio process is gone */
  async run(request: TrialRequest): Promise<AttemptedTrial> {
    for (let attempt = 1; ; attempt++) {
      const result = await this.send(request);
      if (result.valid) {
        this.spoiltInARow = 0;
        return { result, attempts: attempt };
      }
      if (attempt === MAX_ATTEMPTS) {
        this.spoiltInARow++;
        if (this.spoiltInARow >= MAX_SPOILT_IN_A_ROW) throw new RunFailedError(this.spoiltMessage(result));
        return { result, attempts: attempt };
      }
      const spoilt: SpoiltRecord = {
        kind: 'spoilt',
        id: request.trialId,
        attempt,
        events: eventRecords(result.events),
        wallMs: this.parts.now(),
      };
      await this.parts.recorder.record(spoilt);
    }
  }

  private async send(request: TrialRequest): Promise<TrialResult> {
    await this.withRadio.take();
    try {
      return await this.bench.runTrial(request);
    } finally {
      this.withRadio.give();
    }
  }

  private spoiltMessage(result: TrialResult): string {
    const event = result.events[0];
    const cause = event === undefined ? 'no event named' : `${event.kind} (${event.direction}) on ${event.serial}`;
    return `${MAX_SPOILT_IN_A_ROW} trials in a row were spoilt by radio events on each of ${MAX_ATTEMPTS} attempts; the last: ${cause}`;
  }
}
