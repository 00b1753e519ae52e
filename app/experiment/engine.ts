/**
 * The engine: sounding, then every trial of the plan, then the AWGN references, several trials in flight.
 * It knows radios and models only by their contracts; see docs/architecture.md.
 */
import {
  leakageSoundingId,
  type ReferenceRecord,
  type SoundingRecord,
  type TrialRecord,
} from '../config/run-documents';
import { RunFailedError, RunStoppedError, type EngineParts } from './engine-types';
import type { Bench } from '../link/types';
import { placeOf, pointKey } from '../units/place';
import { runClosedLoop, type LoopEngine } from './closed-loop';
import type { ArmExperiment } from './file';
import { LANE_PRIORITY, ModelLane } from './lane';
import { digitalRequests, isDigital } from './mapping';
import type { ModelAnswer, UserTokens } from './model';
import { BLOCK_TRIALS, isSimulated, type PlannedTrial } from './plan';
import { burstRecord, csiRecords, eventRecords, roundedLogProbability, viewRecords } from './records';
import { awgnReference } from './reference';
import { USERS } from './schema';
import { Slots } from './slots';
import { findGains } from './sounding';
import {
  receivedTokens,
  trialRequest,
  TrialRunner,
  type AttemptedTrial,
  type PointSetting,
  type RequestOptions,
  type Sending,
  type SentBlock,
} from './trials';

/** Blocks between "sent to the radio process" and "on the disk": enough to keep both sides busy. */
const BLOCKS_IN_FLIGHT = 3;

/** Of each point, so many trials with CSI also keep their constellation. */
const VIEWS_PER_POINT = 4;

/** Of all users at once, and so many of each alone. */
const LEAKAGE_BURSTS = 16;

/** Longest wait for the bench to close when a run ends. */
const CLOSE_LIMIT_MS = 5000;

/**
 * Runs what the plan holds and earlier sessions have not done. Closes the bench in every case.
 *
 * @throws RunStoppedError when the signal aborted it; RunFailedError (one line) when it cannot go on
 */
export async function runPlan(parts: EngineParts): Promise<void> {
  const engine = new Engine(parts);
  try {
    await engine.run();
  } finally {
    await engine.close();
  }
}

/** 0: never. */
function isNth(index: number, every: number): boolean {
  return every > 0 && index % every === 0;
}

function tokensKey({ visual, audio }: ArmExperiment['users'], question: number): string {
  return `${visual.tokens} ${audio.tokens} ${question}`;
}

class Engine implements LoopEngine {
  private readonly lane = new ModelLane();
  /** One for each bench. */
  private readonly runners = new Map<Bench, TrialRunner>();
  /** By token lengths and question. */
  private readonly encoded = new Map<string, Promise<UserTokens>>();
  readonly records = new Map<string, TrialRecord>();
  /** Rejects once, when the run must end early. */
  readonly ended: Promise<never>;
  private end: (reason: Error) => void = () => undefined;
  private endReason: Error | null = null;
  /** Work that goes on in the background; none of it may be left when the run returns. */
  private readonly background = new Set<Promise<void>>();
  private viewsLeft = new Map<string, number>();

  constructor(readonly parts: EngineParts) {
    for (const bench of new Set(parts.benches)) {
      this.runners.set(bench, new TrialRunner(bench, parts));
      bench.onLost((reason) => this.end(new RunFailedError(reason)));
    }
    this.ended = new Promise<never>((_, reject) => {
      this.end = (reason) => {
        if (this.endReason !== null) return;
        this.endReason = reason;
        this.lane.stop(reason);
        reject(reason);
      };
    });
    this.ended.catch(() => undefined);
    const stop = (): void => this.end(new RunStoppedError());
    if (parts.signal.aborted) stop();
    else parts.signal.addEventListener('abort', stop, { once: true });
  }

  async run(): Promise<void> {
    await Promise.race([this.ended, this.work()]);
  }

  async close(): Promise<void> {
    this.end(new RunStoppedError());
    await this.closeBenches();
    const limit = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_LIMIT_MS).unref());
    await Promise.race([Promise.allSettled(this.background), limit]);
  }

  private async closeBenches(): Promise<void> {
    const limit = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_LIMIT_MS).unref());
    const closed = [...this.runners.keys()].map((bench) => bench.close().catch(() => undefined));
    await Promise.race([Promise.all(closed), limit]);
  }

  private armOf(trial: PlannedTrial): ArmExperiment {
    return this.parts.plan.experiment.arms[trial.arm] as ArmExperiment;
  }

  runnerOf(arm: number): TrialRunner {
    return this.runners.get(this.parts.benches[arm] as Bench) as TrialRunner;
  }

  private async work(): Promise<void> {
    try {
      const { observer, plan } = this.parts;
      observer.soundingStarted?.();
      const loop = plan.experiment.allocation !== undefined;
      const gains = loop ? null : await this.findGains();
      this.checkGoesOn();
      observer.trialsStarted?.();
      if (gains === null) {
        await runClosedLoop(this);
        observer.trialsFinished?.();
        return;
      }
      const how = (trial: PlannedTrial): Sending => {
        const experiment = this.armOf(trial);
        const setting = gains.get(pointKey(experiment.arm, trial)) as PointSetting;
        return { users: experiment.users, setting };
      };
      const pointsDone: Promise<unknown>[] = [];
      let references = Promise.resolve();
      let lastTurn: Promise<unknown> = Promise.resolve();
      const slots = new Slots(BLOCKS_IN_FLIGHT);
      for (const trials of plan.points) {
        const blocks: Promise<void>[] = [];
        for (let from = 0; from < trials.length; from += BLOCK_TRIALS) {
          const block = trials.slice(from, from + BLOCK_TRIALS);
          await Promise.race([slots.take(), this.ended]);
          const answered = this.runBlock(block, how, lastTurn);
          lastTurn = answered;
          blocks.push(this.track(answered.then(({ synced }) => synced).finally(() => slots.give())));
        }
        const done = Promise.all(blocks);
        done.catch(() => undefined);
        pointsDone.push(done);
        // One point's reference after the other, so that the first is complete soon.
        for (const arm of plan.experiment.arms.keys()) {
          const own = trials.filter((trial) => trial.arm === arm);
          if (own.length > 0) references = this.track(Promise.all([done, references]).then(() => this.reference(own)));
        }
      }
      await Promise.all(pointsDone);
      observer.trialsFinished?.();
      // Nothing is sent any more: the radios go, and the model may have the whole machine.
      await this.closeBenches();
      this.lane.widen(this.parts.model.parallelCalls);
      await references;
    } catch (error) {
      // What was caused by an early end is not its reason.
      throw this.endReason ?? error;
    }
  }

  /** Gains of every arm at each of its points, by `pointKey`. */
  private async findGains(): Promise<Map<string, PointSetting>> {
    const gains = new Map<string, PointSetting>();
    for (const [arm, experiment] of this.parts.plan.experiment.arms.entries())
      for (const [requestedSnrDb, setting] of await this.findGainsOf(arm, experiment)) {
        gains.set(pointKey(experiment.arm, { requestedSnrDb }), setting);
        this.parts.observer.gainsFound?.(experiment.arm, requestedSnrDb, setting.gainsDb);
      }
    return gains;
  }

  private async findGainsOf(arm: number, experiment: ArmExperiment): Promise<Map<number, PointSetting>> {
    const { plan, benches, previous, recorder, now } = this.parts;
    const tokens = await this.tokensOf(experiment, plan.questions[0] as number);
    const runner = this.runnerOf(arm);
    let serial = 0;
    const sound = async (
      trialId: string,
      number: number,
      requestedSnrDb: number | null,
      setting: PointSetting,
      only?: RequestOptions['only'],
    ): Promise<SoundingRecord> => {
      // Analog in every arm: of known tokens, so that any SNR can be measured. A digital arm's formats follow from it.
      const effectiveSnr = isDigital(experiment);
      const request = trialRequest(experiment, trialId, number, tokens, setting, { only, effectiveSnr });
      const id = only === undefined ? trialId : `${trialId}/${only}`;
      const earlier = previous.soundings.get(id);
      if (earlier !== undefined) return earlier;
      const { result, attempts } = await runner.run(request);
      const record: SoundingRecord = {
        kind: 'sounding',
        id,
        arm: experiment.arm,
        requestedSnrDb,
        valid: result.valid,
        bursts: result.bursts.map((burst) => burstRecord(burst, tokens[burst.user as keyof UserTokens])),
        events: eventRecords(result.events),
        attempts,
        wallMs: now(),
      };
      await recorder.record(record);
      return record;
    };
    const settings = await findGains(
      experiment,
      (benches[arm] as Bench).radios,
      async (prefix, requestedSnrDb, setting, bursts) =>
        Promise.all(
          Array.from({ length: bursts }, async (_, number) =>
            sound(`${prefix}/b${number + 1}`, serial++, requestedSnrDb, setting),
          ),
        ),
    );
    await this.soundLeakage(experiment, settings, async (trialId, requestedSnrDb, setting, only) =>
      // Every user alone sends what it sends beside the others.
      sound(trialId, serial + Number(trialId.slice(trialId.lastIndexOf('b') + 1)), requestedSnrDb, setting, only),
    );
    return settings;
  }

  /**
   * With FDMA, what users do to each other: bursts of all at once, and on twins in the same noise those of each user
   * alone. At the highest point, where noise hides least. The records tell (app/store/shared-band.ts).
   */
  private async soundLeakage(
    experiment: ArmExperiment,
    settings: ReadonlyMap<number, PointSetting>,
    sound: (
      trialId: string,
      requestedSnrDb: number,
      setting: PointSetting,
      only: RequestOptions['only'],
    ) => Promise<SoundingRecord>,
  ): Promise<void> {
    const requestedSnrDb = Math.max(...experiment.sweep.snrDb);
    const setting = settings.get(requestedSnrDb);
    if (setting === undefined || setting.cfosHz === null) return;
    await Promise.all(
      Array.from({ length: LEAKAGE_BURSTS }, async (_, number) =>
        Promise.all(
          [undefined, ...USERS].map(async (only) =>
            sound(leakageSoundingId(experiment.arm, number + 1), requestedSnrDb, setting, only),
          ),
        ),
      ),
    );
  }

  /**
   * Sends, answers and records a block's trials that no earlier session did.
   *
   * @param turn blocks answer in the plan's order, so that the lines of a run are always in that order
   * @returns once all lines are given to the recorder; `synced` resolves when they are on the disk
   */
  private async runBlock(
    block: readonly PlannedTrial[],
    how: (trial: PlannedTrial) => Sending,
    turn: Promise<unknown>,
  ): Promise<{ synced: Promise<unknown> }> {
    const sent = await this.sendBlock(block, how);
    return sent === null ? { synced: Promise.resolve() } : this.answerBlock(sent, turn);
  }

  /** Null when an earlier session did all of it. */
  async sendBlock(block: readonly PlannedTrial[], how: (trial: PlannedTrial) => Sending): Promise<SentBlock | null> {
    const { plan, previous } = this.parts;
    const missing = new Set<PlannedTrial>();
    for (const trial of block) {
      const earlier = previous.trials.get(trial.id);
      if (earlier === undefined) missing.add(trial);
      else this.records.set(trial.id, earlier);
    }
    if (missing.size === 0) return null;
    // The last digits of an answer depend on its batch. A block that a crash tore is therefore sent whole again where
    // that costs nothing (twins), though only what is missing is recorded; on the air nothing is sent twice.
    const todo = isSimulated(plan.experiment) ? block : [...missing];
    const sendings = todo.map(how);
    const together = new Map<string, { users: ArmExperiment['users']; questions: number[] }>();
    todo.forEach(({ question }, i) => {
      const { users } = sendings[i] as Sending;
      const key = `${users.visual.tokens} ${users.audio.tokens}`;
      const group = together.get(key) ?? { users, questions: [] };
      group.questions.push(question);
      together.set(key, group);
    });
    for (const { users, questions } of together.values()) await this.encode({ users }, questions);
    const sent = await Promise.all(
      todo.map((trial, i) => this.tokensOf({ users: (sendings[i] as Sending).users }, trial.question)),
    );
    this.checkGoesOn();
    const { errorBudgetEveryNthTrial } = plan.experiment.output;
    const attempted = await Promise.all(
      todo.map((trial, i) => {
        const { setting } = sendings[i] as Sending;
        const errorBudget = isNth(trial.index, errorBudgetEveryNthTrial);
        const experiment = this.armOf(trial);
        const tokens = sent[i] as UserTokens;
        const digital = digitalRequests(experiment, plan.experiment.arms, tokens, setting.effectiveSnrDb ?? null);
        const request = trialRequest(experiment, trial.id, trial.index, tokens, setting, { errorBudget, digital });
        return this.runnerOf(trial.arm).run(request);
      }),
    );
    return { todo, missing, sendings, sent, attempted };
  }

  /** @param turn as `runBlock` has it */
  async answerBlock(
    { todo, missing, sendings, sent, attempted }: SentBlock,
    turn: Promise<unknown>,
  ): Promise<{ synced: Promise<unknown> }> {
    const { model } = this.parts;
    await turn;
    const valid = attempted.flatMap(({ result }, i) => (result.valid ? [i] : []));
    const answers = new Map<number, ModelAnswer>();
    if (valid.length > 0) {
      const batch = valid.map((i) => ({
        question: (todo[i] as PlannedTrial).question,
        ...receivedTokens((attempted[i] as AttemptedTrial).result, sent[i] as UserTokens),
      }));
      const given = await this.lane.run(LANE_PRIORITY.answer, () => model.answer(batch));
      given.forEach((answer, k) => answers.set(valid[k] as number, answer));
    }
    this.checkGoesOn();
    const synced = Promise.all(
      todo.map(async (trial, i) => {
        if (missing.has(trial))
          await this.recordTrial(
            trial,
            attempted[i] as AttemptedTrial,
            answers.get(i) ?? null,
            sent[i] as UserTokens,
            sendings[i] as Sending,
          );
      }),
    );
    synced.catch(() => undefined);
    return { synced };
  }

  private async recordTrial(
    trial: PlannedTrial,
    { result, attempts }: AttemptedTrial,
    answer: ModelAnswer | null,
    sent: UserTokens,
    { facts }: Sending,
  ): Promise<void> {
    const { plan, model, recorder, observer, now } = this.parts;
    const { output } = plan.experiment;
    const { arm } = this.armOf(trial);
    const question = model.questions[trial.question];
    const record: TrialRecord = {
      kind: 'trial',
      id: trial.id,
      arm,
      ...placeOf(trial),
      index: trial.index,
      question: trial.question,
      repeat: trial.repeat,
      family: question?.family ?? '',
      valid: result.valid,
      answer: answer?.word ?? null,
      expected: question?.answer ?? '',
      correct: answer?.correct ?? null,
      logProbability: answer === null ? null : roundedLogProbability(answer.logProbability),
      bursts: result.bursts.map((burst) => burstRecord(burst, sent[burst.user as keyof UserTokens])),
      events: eventRecords(result.events),
      airTimeS: result.airTimeS,
      ...facts?.(result, sent),
      attempts,
      wallMs: now(),
    };
    if (result.valid && isNth(trial.index, output.csiEveryNthTrial)) {
      recorder.csi(csiRecords(trial.id, result.bursts));
      const point = pointKey(arm, trial);
      const left = this.viewsLeft.get(point) ?? VIEWS_PER_POINT;
      if (left > 0) recorder.views(viewRecords(trial, arm, result.bursts));
      this.viewsLeft.set(point, left - 1);
    }
    await recorder.record(record);
    this.records.set(trial.id, record);
    observer.trialRecorded?.(record);
  }

  private async reference(trials: readonly PlannedTrial[]): Promise<void> {
    const { plan, model, previous, recorder, observer } = this.parts;
    const [first] = trials;
    if (first === undefined || plan.experiment.questions.awgnDraws === 0) return;
    if (previous.references.has(pointKey(this.armOf(first).arm, first))) return;
    const { lane } = this;
    const tokensOf = (trial: PlannedTrial): Promise<UserTokens> => this.tokensOf(this.armOf(trial), trial.question);
    const answered = (answers: number): void => observer.referenceAnswered?.(answers);
    const record: ReferenceRecord = await awgnReference(
      { plan, model, lane, tokensOf, answered },
      trials,
      this.records,
    );
    await recorder.reference(record);
    observer.referenceRecorded?.(record);
  }

  /** Encodes, in one call, those of the questions that are not encoded yet. */
  private async encode({ users }: Pick<ArmExperiment, 'users'>, questions: readonly number[]): Promise<void> {
    const missing = [...new Set(questions)].filter((question) => !this.encoded.has(tokensKey(users, question)));
    if (missing.length === 0) return;
    const lengths = { visual: users.visual.tokens, audio: users.audio.tokens };
    const all = this.lane.run(LANE_PRIORITY.encode, () => this.parts.model.encode(missing, lengths));
    missing.forEach((question, i) => {
      const one = all.then((tokens) => tokens[i] as UserTokens);
      one.catch(() => undefined);
      this.encoded.set(tokensKey(users, question), one);
    });
    await all;
  }

  async tokensOf(experiment: Pick<ArmExperiment, 'users'>, question: number): Promise<UserTokens> {
    const key = tokensKey(experiment.users, question);
    if (!this.encoded.has(key)) await this.encode(experiment, [question]);
    return this.encoded.get(key) as Promise<UserTokens>;
  }

  checkGoesOn(): void {
    if (this.endReason !== null) throw this.endReason;
  }

  /** Notes background work; its failure ends the run. */
  track(work: Promise<unknown>): Promise<void> {
    const noted: Promise<void> = work
      .then(() => undefined)
      .catch((error: unknown) => {
        this.end(error instanceof Error ? error : new Error(String(error)));
        throw error;
      })
      .finally(() => this.background.delete(noted));
    this.background.add(noted);
    noted.catch(() => undefined);
    return noted;
  }
}
