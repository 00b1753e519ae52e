/**
 * The closed loop: sound, allocate, send with what was decided, answer, and again after so many trials or when the channel
 * has moved. All arms share the soundings and meet the same channel, question by question.
 */
import { decide, predict, type Decision, type UserChannel } from '../allocation';
import type { AllocationRecord, SoundingRecord, TrialRecord } from '../config/run-documents';
import { InvalidInputError } from '../config/violations';
import type { Bench, BenchRadio, BurstResult } from '../link/types';
import { placeOf, type PointPlace } from '../units/place';
import { RunFailedError, type EngineParts } from './engine-types';
import type { ArmExperiment } from './file';
import {
  benchTerms,
  channelOf,
  channelsOf,
  channelsOfBursts,
  channelRecords,
  idOf,
  powerScales,
  rounded3,
  simulatedFor,
  soundedSnrDb,
  strippedDecision,
} from './loop-terms';
import type { UserTokens } from './model';
import { isSimulated, type PlannedTrial } from './plan';
import { burstRecord, eventRecords } from './records';
import { USERS, type UserName } from './schema';
import { Slots } from './slots';
import { trialRequest, type PointSetting, type Sending, type SentBlock, type TrialRunner } from './trials';

/** What the loop needs of the engine. */
export interface LoopEngine {
  readonly parts: EngineParts;
  /** Rejects when the run must end. */
  readonly ended: Promise<never>;
  /** Of earlier sessions and this one, by id. */
  readonly records: ReadonlyMap<string, TrialRecord>;
  checkGoesOn(): void;
  runnerOf(arm: number): TrialRunner;
  tokensOf(experiment: Pick<ArmExperiment, 'users'>, question: number): Promise<UserTokens>;
  sendBlock(block: readonly PlannedTrial[], how: (trial: PlannedTrial) => Sending): Promise<SentBlock | null>;
  answerBlock(sent: SentBlock, turn: Promise<unknown>): Promise<{ synced: Promise<unknown> }>;
  track(work: Promise<unknown>): Promise<void>;
}

/** Groups of questions between "sent" and "on the disk". */
const GROUPS_IN_FLIGHT = 3;
/** Bursts heard of a user below which its channel is not trusted. */
const LEAST_HEARD = 1;

type Allocation = NonNullable<ArmExperiment['allocation']>;

/** One sounding and what came of it. */
interface Epoch {
  readonly number: number;
  readonly records: readonly AllocationRecord[];
  readonly sendings: readonly ((trial: PlannedTrial) => Sending)[];
}

export async function runClosedLoop(engine: LoopEngine): Promise<void> {
  await new ClosedLoop(engine).run();
}

/** When in which draw of the fading a question is asked; undefined on real radios, whose air is what it is. */
function momentOf(experiment: ArmExperiment, question: number): PointSetting['channel'] {
  if (!isSimulated(experiment)) return undefined;
  const { blockTrials, trialIntervalS } = experiment.air?.channel ?? { blockTrials: 1_000_000, trialIntervalS: 0 };
  return {
    realisation: `channel/${Math.floor(question / blockTrials)}`,
    startS: (question % blockTrials) * trialIntervalS,
  };
}

class ClosedLoop {
  private readonly arms: readonly (ArmExperiment & { readonly allocation: Allocation })[];
  private readonly radios: readonly BenchRadio[];
  private readonly slots = new Slots(GROUPS_IN_FLIGHT);
  private lastTurn: Promise<unknown> = Promise.resolve();
  private readonly written: Promise<unknown>[] = [];

  constructor(private readonly engine: LoopEngine) {
    this.arms = engine.parts.plan.experiment.arms as typeof this.arms;
    this.radios = (engine.parts.benches[0] as Bench).radios;
  }

  async run(): Promise<void> {
    for (const trials of this.engine.parts.plan.points) await this.runPoint(trials);
    await Promise.all(this.written);
  }

  /** @param trials of all arms, question by question */
  private async runPoint(trials: readonly PlannedTrial[]): Promise<void> {
    const count = this.arms.length;
    const questions = trials.length / count;
    const { everyTrials, checkTrials, movedDb } = this.first.allocation.resound;
    let reason: AllocationRecord['reason'] = 'start';
    for (let number = 0, at = 0; at < questions; number++) {
      const epoch = await this.begin(trials[at * count] as PlannedTrial, number, at, reason);
      const end = Math.min(at + everyTrials, questions);
      reason = 'every';
      while (at < end) {
        const upTo = Math.min(at + checkTrials, end);
        const group = trials.slice(at * count, upTo * count);
        const from = at;
        at = upTo;
        const snrs = await this.send(group, from, epoch);
        if (movedDb !== null && at < end && this.hasMoved(epoch, snrs, movedDb)) {
          reason = 'moved';
          break;
        }
      }
    }
  }

  private get first(): ArmExperiment & { readonly allocation: Allocation } {
    return this.arms[0] as ArmExperiment & { readonly allocation: Allocation };
  }

  /**
   * Sends a group and lets its answers come behind.
   * @returns measured SNR by arm and user, dB, rounded as in the records, so that a resumed run decides alike
   */
  private async send(group: readonly PlannedTrial[], from: number, epoch: Epoch): Promise<Map<string, number[]>> {
    const { engine } = this;
    await Promise.race([this.slots.take(), engine.ended]);
    let block: SentBlock | null;
    try {
      block = await engine.sendBlock(group, (trial) => {
        const sending = (epoch.sendings[trial.arm] as (one: PlannedTrial) => Sending)(trial);
        const k = from + Math.floor(group.indexOf(trial) / this.arms.length);
        return { ...sending, setting: { ...sending.setting, ...channelOf(momentOf(this.first, k)) } };
      });
    } catch (error) {
      this.slots.give();
      throw error;
    }
    const snrs = new Map<string, number[]>();
    const note = (arm: number, user: string, snrDb: number | null | undefined): void => {
      const key = `${arm} ${user}`;
      const list = snrs.get(key) ?? [];
      // A burst that is lost counts as one that is far too weak.
      list.push(snrDb === null || snrDb === undefined ? -Infinity : rounded3(snrDb));
      snrs.set(key, list);
    };
    for (const trial of group) {
      const i = block?.todo.indexOf(trial) ?? -1;
      const result = i < 0 ? undefined : block?.attempted[i]?.result;
      const record = engine.records.get(trial.id);
      if (result !== undefined)
        for (const burst of result.bursts)
          note(trial.arm, burst.user, burst.headerOk ? burst.measurement?.snrDb : null);
      else for (const burst of record?.bursts ?? []) note(trial.arm, burst.user, burst.headerOk ? burst.snrDb : null);
    }
    if (block === null) this.slots.give();
    else {
      const answered = engine.answerBlock(block, this.lastTurn);
      this.lastTurn = answered;
      this.written.push(engine.track(answered.then(({ synced }) => synced).finally(() => this.slots.give())));
    }
    return snrs;
  }

  /** Whether a user is heard by more than so much otherwise than its sounding says, in the mean of a group. */
  private hasMoved(epoch: Epoch, snrs: ReadonlyMap<string, readonly number[]>, movedDb: number): boolean {
    return epoch.records.some(({ soundedSnrDb: sounded, decision }, arm) =>
      decision.users.some(({ id, heard }) => {
        const expected = sounded[id] ?? null;
        const measured = [...(snrs.get(`${arm} ${id}`) ?? [])].sort((a, b) => a - b);
        if (!heard || expected === null || measured.length === 0) return false;
        // The median: one lost burst is no channel that has moved.
        return Math.abs((measured[Math.floor((measured.length - 1) / 2)] as number) - expected) > movedDb;
      }),
    );
  }

  /** Sounds, or takes from the folder what an earlier session sounded, and decides for every arm. */
  private async begin(
    trial: PlannedTrial,
    number: number,
    fromQuestion: number,
    reason: AllocationRecord['reason'],
  ): Promise<Epoch> {
    const { parts } = this.engine;
    const place = placeOf(trial);
    const ids = this.arms.map(({ arm }) => `${arm}/${idOf(place)}/e${number}`);
    const earlier = ids.map((id) => parts.previous.allocations.get(id));
    const known = earlier.find((record) => record !== undefined);
    const channels = known === undefined ? await this.sound(place, number, fromQuestion) : channelsOf(known.channels);
    const [tokens, lengths] = [await this.engine.tokensOf(this.first, trial.question), this.textLength()];
    const records: AllocationRecord[] = [];
    const sendings: Epoch['sendings'][number][] = [];
    for (const [index, experiment] of this.arms.entries()) {
      this.engine.checkGoesOn();
      const bench = benchTerms({
        experiment,
        place,
        radios: this.radios,
        surface: parts.plan.bundle.surface ?? null,
        tokenLengths: parts.plan.bundle.tokenLengths,
        dimensions: { text: tokens.text.dimension, visual: tokens.visual.dimension, audio: tokens.audio.dimension },
        textTokens: lengths,
      });
      const believed = experiment.allocation.csi === 'measured' ? channels : simulatedFor(experiment, number, channels);
      let record = earlier[index];
      if (record === undefined) {
        const decision = await this.decide(experiment, bench, believed, `${idOf(place)}/e${number}`);
        const moment = momentOf(this.first, fromQuestion);
        record = {
          kind: 'allocation',
          id: ids[index] as string,
          arm: experiment.arm,
          ...place,
          epoch: number,
          fromQuestion,
          reason,
          csi: experiment.allocation.csi,
          realisation: moment?.realisation ?? null,
          channelTimeS: moment?.startS ?? 0,
          channels: channelRecords(channels),
          decision: strippedDecision(decision),
          soundedSnrDb: soundedSnrDb(bench, channels, decision),
          wallMs: parts.now(),
        };
        await parts.recorder.record(record);
      }
      records.push(record);
      sendings.push(this.sendingOf(experiment, record, bench, believed, channels));
    }
    return { number, records, sendings };
  }

  /** Words of the plan's questions, as many as most have. */
  private textLength(): number {
    const { plan, model } = this.engine.parts;
    const counts = new Map<number, number>();
    for (const question of plan.questions) {
      const words = model.questions[question]?.words.length ?? 1;
      counts.set(words, (counts.get(words) ?? 0) + 1);
    }
    return [...counts].sort(([a, n], [b, m]) => m - n || a - b)[0]?.[0] ?? 1;
  }

  private async decide(
    { arm, seed, allocation }: ArmExperiment & { readonly allocation: Allocation },
    bench: ReturnType<typeof benchTerms>,
    channels: ReadonlyMap<string, UserChannel>,
    label: string,
  ): Promise<Decision> {
    const options = {
      ...(allocation.method !== undefined && { method: allocation.method }),
      // `random` draws anew at every sounding.
      seed: [...label].reduce((hash, one) => (Math.imul(hash, 31) + one.charCodeAt(0)) >>> 0, seed),
    };
    try {
      const { decide: given } = this.engine.parts;
      return given === undefined ? decide(bench, channels, options) : await given(bench, channels, options);
    } catch (error) {
      if (error instanceof InvalidInputError || (error as Error).name === 'InvalidInputError')
        throw new RunFailedError(`allocation of ${arm} at ${label}: ${(error as Error).message}`);
      throw error;
    }
  }

  private sendingOf(
    experiment: ArmExperiment & { readonly allocation: Allocation },
    record: AllocationRecord,
    bench: ReturnType<typeof benchTerms>,
    believed: ReadonlyMap<string, UserChannel>,
    channels: ReadonlyMap<string, UserChannel>,
  ): (trial: PlannedTrial) => Sending {
    const { users } = record.decision;
    const of = (user: UserName): (typeof users)[number] =>
      users.find(({ id }) => id === user) as (typeof users)[number];
    const byUser = <T>(value: (user: UserName) => T): Record<UserName, T> => ({
      text: value('text'),
      visual: value('visual'),
      audio: value('audio'),
    });
    // A user in outage sends nothing; the model gets zeros in the shape of the shortest that it could have sent.
    const tokens = (user: 'visual' | 'audio'): { tokens: number } => ({
      tokens: of(user).tokenLength || Math.min(...(bench.users.find(({ id }) => id === user)?.lengths ?? [1])),
    });
    const subbands: { [K in UserName]?: NonNullable<(typeof users)[number]['subband']> } = {};
    for (const user of USERS) {
      const { subband } = of(user);
      if (subband !== null) subbands[user] = subband;
    }
    const setting: PointSetting = {
      gainsDb: byUser((user) => of(user).txGainDb ?? experiment.allocation.referenceGainDb),
      cfosHz: byUser((user) => channels.get(user)?.cfoHz ?? 0),
      subbands,
    };
    const settings = users.flatMap(({ id, subband, powerW, tokenLength }) =>
      subband === null ? [] : [{ id, place: subband, powerW, tokenLength }],
    );
    const predicted = new Map<number, number>();
    return () => ({
      users: { text: {}, visual: tokens('visual'), audio: tokens('audio') },
      setting,
      facts: (result, sent) => {
        const words = sent.text.tokens;
        const known = predicted.get(words);
        const latencyS = known ?? predict(bench, believed, settings, { lengths: { text: words } }).engineering.latencyS;
        predicted.set(words, latencyS);
        return {
          allocation: record.id,
          latencyS: Math.max(...result.bursts.map(({ airTimeS }) => airTimeS)),
          predictedLatencyS: latencyS,
        };
      },
    });
  }

  /** Users in turn over the full band at the reference gain, and what was not heard once more at its highest. */
  private async sound(place: PointPlace, number: number, question: number): Promise<Map<string, UserChannel>> {
    const { parts } = this.engine;
    const { burstsPerRound } = this.first.sounding;
    const [asked] = parts.plan.questions as [number];
    const tokens = await this.engine.tokensOf(this.first, asked);
    const heard: BurstResult[] = [];
    const missing = (): UserName[] =>
      USERS.filter((user) => heard.filter((burst) => burst.user === user).length < LEAST_HEARD);
    for (let round = 1; round <= 2 && missing().length > 0; round++) {
      const users = new Set(missing());
      const gain = (user: UserName): number => {
        const range = this.radios.find(({ role }) => role === user)?.txGainRangeDb;
        if (range === undefined)
          throw new RunFailedError(`radios.${user}: the radio process opened no radio for this role`);
        return round === 1
          ? Math.min(Math.max(this.first.allocation.referenceGainDb, range.min), range.max)
          : range.max;
      };
      const setting: PointSetting = {
        gainsDb: { text: gain('text'), visual: gain('visual'), audio: gain('audio') },
        cfosHz: null,
        ...channelOf(momentOf(this.first, question)),
      };
      const bursts = await Promise.all(
        Array.from({ length: burstsPerRound }, async (_, burst) =>
          this.soundOnce(
            `sounding/${idOf(place)}/e${number}/r${round}/b${burst + 1}`,
            // Of the place alone, so that a resumed run sends the same sequence numbers.
            (2 * number + round) * burstsPerRound + burst,
            place,
            setting,
            tokens,
          ),
        ),
      );
      heard.push(...bursts.flat().filter(({ user }) => users.has(user as UserName)));
    }
    return channelsOfBursts(heard, powerScales(this.first, this.radios));
  }

  private async soundOnce(
    id: string,
    serial: number,
    place: PointPlace,
    setting: PointSetting,
    tokens: UserTokens,
  ): Promise<readonly BurstResult[]> {
    const { parts } = this.engine;
    const request = trialRequest(this.first, id, serial, tokens, setting);
    const { result, attempts } = await this.engine.runnerOf(0).run(request);
    const record: SoundingRecord = {
      kind: 'sounding',
      id,
      arm: this.first.arm,
      ...place,
      valid: result.valid,
      bursts: result.bursts.map((burst) => burstRecord(burst, tokens[burst.user as UserName])),
      events: eventRecords(result.events),
      attempts,
      wallMs: parts.now(),
    };
    if (!parts.previous.soundings.has(id)) await parts.recorder.record(record);
    return result.valid ? result.bursts.filter(({ headerOk }) => headerOk) : [];
  }
}
