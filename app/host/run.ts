/** One run from an experiment file to its folder and report. The CLI and the desktop's host both call this. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { PointSummary, RunDocument, StopDocument, TrialRecord } from '../config/run-documents';
import { InvalidInputError } from '../config/violations';
import { runPlan } from '../experiment/engine';
import { NO_PREVIOUS_WORK, RunFailedError, RunStoppedError, type PreviousWork } from '../experiment/engine-types';
import { loadExperiment, type ArmExperiment } from '../experiment/file';
import type { BundleFacts, TaskModel } from '../experiment/model';
import { armContent, benchSetup, isSimulated, makePlan, placesOf, type Plan } from '../experiment/plan';
import { scheduleOf, subbandsOf } from '../experiment/partition';
import { ROLES, USERS } from '../experiment/schema';
import type { Bench, BenchLauncher, BenchRadio, BenchSetup, RadioDetails, RadioHealth } from '../link/types';
import { writeReport } from '../report/report';
import { newRunFolder, runFiles } from '../store/layout';
import { closedLoopSummary } from '../store/closed-loop';
import { writeParquet } from '../store/parquet';
import { digitalPoints } from '../store/digital';
import { compareArms, PointTable, type ArmPoints } from '../store/points';
import { sharedBandUsers, trialAirTimes } from '../store/shared-band';
import { findUnfinishedRun, readRun, type RunContents } from '../store/run-reader';
import { RunWriter } from '../store/run-writer';
import { pointKey } from '../units/place';
import { Decider } from './decider';
import { PauseGate } from './pause-gate';
import { ProgressMeter, type RunProgress } from './progress';
import { gitState, nativeBuildId, versions } from './provenance';

export interface LoadedModel {
  readonly model: TaskModel;
  readonly facts: BundleFacts;
  close(): Promise<void>;
}

/** The implementations that a run works with. */
export interface HostParts {
  readonly launcher: BenchLauncher;
  /** @throws Error, one line, when the folder holds no bundle that can be used */
  loadModel(folder: string, testSet: string | null): Promise<LoadedModel>;
  /** Radios that drivers know of, none of them opened; one line for each driver that could not be asked. */
  findRadios(): Promise<{
    readonly radios: readonly { readonly driver: string; readonly serial: string; readonly label: string }[];
    readonly failures: readonly string[];
  }>;
  /** Opens the radio for a moment; nothing transmits. @throws Error, one line, where it cannot be opened */
  inspectRadio(radio: {
    readonly driver: string;
    readonly serial: string;
  }): Promise<{ readonly details: RadioDetails; readonly health: RadioHealth }>;
}

export interface RunRequest {
  readonly file: string;
  /** What the file shall hold, where an editor has not saved it yet. */
  readonly written?: string | null;
  /** Run folder; null for a new one (or, with `resume`, the newest unfinished one) in the file's output folder. */
  readonly out: string | null;
  readonly resume: boolean;
  /** Resumes also what another native build began: the rest of the run may then differ in bits. */
  readonly otherBuild?: boolean;
}

export interface RunStarted {
  readonly folder: string;
  readonly name: string;
  readonly trialsTotal: number;
  readonly trialsDone: number;
  readonly radios: readonly {
    role: string;
    serial: string;
    driver: string;
    centerFrequencyHz: number;
    sampleRateHz: number;
  }[];
  readonly simulated: boolean;
  /** The processes that have the radios. */
  readonly radioPids: readonly number[];
}

export interface RunObserver {
  /** Before `started`; one for each different air. */
  benchOpened?(bench: Bench): void;
  started?(run: RunStarted): void;
  /** At most ten times a second. */
  progress?(progress: RunProgress): void;
  /** A point as it stands: at most twice a second while it grows, and when it is complete. */
  point?(point: PointSummary, complete: boolean): void;
}

export interface RunEnd {
  readonly folder: string;
  readonly name: string;
  readonly simulated: boolean;
  readonly stop: StopDocument;
  /** Null when the report could not be made; `reportError` then says why. */
  readonly reportFile: string | null;
  readonly reportError: string | null;
}

const PROGRESS_INTERVAL_MS = 100;
const POINT_INTERVAL_MS = 500;

/**
 * @throws InvalidInputError for input that cannot be used: nothing was done then
 * @throws RunFailedError when no run folder could even be begun
 */
export async function runExperiment(
  request: RunRequest,
  parts: HostParts,
  observer: RunObserver,
  signal: AbortSignal,
  pause = new PauseGate(),
): Promise<RunEnd> {
  const startedAt = new Date();
  let loaded: LoadedModel | null = null;
  try {
    const { experiment, bundle } = await loadExperiment(
      request.file,
      async (folder, testSet) => {
        loaded = await parts.loadModel(folder, testSet);
        return loaded.facts;
      },
      request.written,
    );
    const plan = makePlan(experiment, bundle);
    refuseRealRadios(plan, request.file);
    const { model } = loaded as unknown as LoadedModel;
    const place = findPlace(request, plan, startedAt);
    if (place.before?.stop?.outcome === 'done') return await finishedEarlier(place.before, place.before.stop);
    return await new RunSession(plan, model, place, observer, signal, pause, startedAt).run(parts.launcher);
  } finally {
    await (loaded as LoadedModel | null)?.close();
  }
}

/** Until the safety layer is there, nothing but twins may radiate. */
function refuseRealRadios(plan: Plan, file: string): void {
  const { radios } = plan.experiment;
  const lines = ROLES.filter((role) => radios[role].driver !== 'twin').map(
    (role) =>
      `${file}: radios.${role}.driver: value "${radios[role].driver}"; allowed twin (transmitting on real radios waits for the safety layer)`,
  );
  if (lines.length > 0) throw new InvalidInputError(lines);
}

interface Place {
  readonly folder: string;
  /** What is resumed; null for a new run. */
  readonly before: RunContents | null;
}

function findPlace(request: RunRequest, plan: Plan, startedAt: Date): Place {
  const parent = path.resolve(plan.experiment.output.folder);
  if (!request.resume) {
    if (request.out === null) return { folder: newRunFolder(parent, plan.experiment.name, startedAt), before: null };
    const folder = path.resolve(request.out);
    if (existsSync(folder) && readdirSync(folder).length > 0)
      throw new InvalidInputError([`--out: ${request.out} is not empty; allowed a new or empty folder, or --resume`]);
    return { folder, before: null };
  }
  const folder = request.out === null ? findUnfinishedRun(parent, plan.hash) : path.resolve(request.out);
  if (folder === null)
    throw new InvalidInputError([
      `--resume: no unfinished run of this plan in ${parent}; allowed a folder named by --out`,
    ]);
  const before = readRun(folder);
  if (before.document.planHash !== plan.hash)
    throw new InvalidInputError([
      `--resume: ${folder} holds a run of another plan or bundle; allowed the same experiment file and bundle`,
    ]);
  const build = nativeBuildId();
  if (before.document.nativeBuild !== null && before.document.nativeBuild !== build && request.otherBuild !== true)
    throw new InvalidInputError([
      `--resume: ${folder} was begun by native build ${before.document.nativeBuild.slice(0, 12)}, this is ${build?.slice(0, 12) ?? 'none'}; ` +
        'allowed the same build, or --other-build to go on with bits that may differ',
    ]);
  return { folder, before };
}

async function finishedEarlier(before: RunContents, stop: StopDocument): Promise<RunEnd> {
  const report = await tryReport(before.folder);
  return { folder: before.folder, name: before.document.name, simulated: before.document.simulated, stop, ...report };
}

async function tryReport(folder: string): Promise<{ reportFile: string | null; reportError: string | null }> {
  try {
    return { reportFile: await writeReport(folder), reportError: null };
  } catch (error) {
    return { reportFile: null, reportError: (error as Error).message };
  }
}

/** What is in a folder, as the engine asks for it. */
function previousWork(before: RunContents | null): PreviousWork {
  if (before === null) return NO_PREVIOUS_WORK;
  return {
    trials: new Map(before.trials.map((trial) => [trial.id, trial])),
    soundings: new Map(before.soundings.map((sounding) => [sounding.id, sounding])),
    allocations: new Map(before.allocations.map((one) => [one.id, one])),
    references: new Map(before.references.map((item) => [pointKey(item.arm, item), item])),
  };
}

/** Undefined where an SNR is swept. */
function budgetsOf(arm: ArmExperiment): { bandwidthHz: number; powerDb: number }[] | undefined {
  const budgets = placesOf(arm).flatMap(({ bandwidthHz, powerDb }) =>
    bandwidthHz === undefined || powerDb === undefined ? [] : [{ bandwidthHz, powerDb }],
  );
  return budgets.length > 0 ? budgets : undefined;
}

function armPoints({ experiment }: Plan): ArmPoints[] {
  return experiment.arms.map((arm) => ({ name: arm.arm, points: placesOf(arm) }));
}

class RunSession {
  private readonly previous: PreviousWork;
  private readonly meter: ProgressMeter;
  private readonly table: PointTable;
  private readonly lastPointMs = new Map<string, number>();
  private lastProgressMs = 0;
  /** Of a closed loop. */
  private decider: Decider | null = null;
  /** Of this session, where there are arms to compare. */
  private readonly answered: TrialRecord[] = [];
  /** Asked before any radio is open: it holds the thread, and a silent host means danger to a radio process. */
  private readonly origin = { nativeBuild: nativeBuildId(), versions: versions(), git: gitState() };

  constructor(
    private readonly plan: Plan,
    private readonly model: TaskModel,
    private readonly place: Place,
    private readonly observer: RunObserver,
    private readonly signal: AbortSignal,
    pause: PauseGate,
    private readonly startedAt: Date,
  ) {
    const stop = (): void => pause.end(new RunStoppedError());
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    this.previous = previousWork(place.before);
    const { experiment } = plan;
    const arms = armPoints(plan);
    const points = arms.reduce((sum, arm) => sum + arm.points.length, 0);
    const referencesLeft = points - this.previous.references.size;
    this.meter = new ProgressMeter(
      plan.trials.length,
      this.previous.trials.size,
      referencesLeft * experiment.questions.trialsPerPoint * experiment.questions.awgnDraws,
      Date.now,
      pause,
    );
    this.table = new PointTable({
      arms,
      trialsPerPoint: experiment.questions.trialsPerPoint,
      users: USERS,
      blindAccuracy: model.blindPrior(plan.questions),
    });
    for (const trial of this.previous.trials.values()) this.table.addTrial(trial);
    for (const reference of this.previous.references.values()) this.table.addReference(reference);
  }

  async run(launcher: BenchLauncher): Promise<RunEnd> {
    const { folder, before } = this.place;
    if (this.plan.experiment.allocation !== undefined) this.decider = new Decider();
    await this.decider?.ready;
    const benches = await this.openBenches(launcher);
    const { radios } = benches[0] as Bench;
    let writer: RunWriter;
    try {
      writer =
        before === null ? await RunWriter.create(folder, this.runDocument(radios)) : await RunWriter.resume(folder);
    } catch (error) {
      await Promise.all([...new Set(benches)].map((bench) => bench.close()));
      throw error;
    }
    this.observer.started?.({
      folder,
      name: this.plan.experiment.name,
      trialsTotal: this.plan.trials.length,
      trialsDone: this.previous.trials.size,
      radios: radios.map(({ role, serial, driver, centerFrequencyHz, sampleRateHz }) => ({
        role,
        serial,
        driver,
        centerFrequencyHz: centerFrequencyHz.actual,
        sampleRateHz: sampleRateHz.actual,
      })),
      simulated: isSimulated(this.plan.experiment),
      radioPids: [...new Set(benches)].flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    });
    const failure = await this.work(benches, writer);
    return this.finish(writer, failure);
  }

  /** One for each arm. A medium is set up once, so every different air gets a radio process of its own. */
  private async openBenches(launcher: BenchLauncher): Promise<Bench[]> {
    const open = new Map<string, Bench>();
    try {
      const benches: Bench[] = [];
      for (const arm of this.plan.experiment.arms) {
        const setup = benchSetup(arm);
        const key = JSON.stringify(setup);
        const bench = open.get(key) ?? (await this.openBench(launcher, setup));
        open.set(key, bench);
        benches.push(bench);
      }
      return benches;
    } catch (error) {
      await Promise.all([...open.values()].map((bench) => bench.close().catch(() => undefined)));
      throw new RunFailedError(`the radios could not be opened: ${(error as Error).message}`);
    }
  }

  private async openBench(launcher: BenchLauncher, setup: BenchSetup): Promise<Bench> {
    const bench = await launcher.open(setup);
    this.observer.benchOpened?.(bench);
    return this.meter.watchAir(bench);
  }

  /** Null when all went well. */
  private async work(benches: readonly Bench[], writer: RunWriter): Promise<Error | null> {
    const heartbeat = setInterval(() => this.tellProgress(), PROGRESS_INTERVAL_MS);
    try {
      await runPlan({
        plan: this.plan,
        benches,
        model: this.model,
        recorder: writer,
        previous: this.previous,
        signal: this.signal,
        now: Date.now,
        ...(this.decider !== null && { decide: this.decider.decide }),
        observer: {
          trialsStarted: () => this.meter.trialsStarted(),
          trialRecorded: (record) => {
            this.meter.trialDone();
            this.table.addTrial(record);
            if (this.plan.experiment.arms.length > 1) this.answered.push(record);
            this.tellProgress();
            this.tellPoint(record);
          },
          trialsFinished: () => this.meter.trialsFinished(),
          referenceAnswered: (answers) => this.meter.referenceAnswered(answers),
          referenceRecorded: (record) => {
            this.table.addReference(record);
            this.observer.point?.(this.table.summary(record.arm, record), true);
          },
        },
      });
      return null;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      clearInterval(heartbeat);
      await this.decider?.close();
      this.lastProgressMs = 0;
      this.tellProgress();
    }
  }

  private async finish(writer: RunWriter, failure: Error | null): Promise<RunEnd> {
    const { folder } = this.place;
    let ended = failure;
    try {
      await writer.close();
      await writeParquet(folder);
    } catch (error) {
      ended ??= error as Error;
    }
    const done = this.meter.trialsDone;
    const total = this.plan.trials.length;
    const stopped = ended instanceof RunStoppedError;
    const kept = readRun(folder);
    const stop: StopDocument = {
      format: 1,
      outcome: ended === null ? 'done' : stopped ? 'stopped' : 'failed',
      message: ended === null ? null : stopped ? `stopped after ${done} of ${total} trials` : oneLine(ended.message),
      startedAt: this.startedAt.toISOString(),
      endedAt: new Date().toISOString(),
      wallS: (Date.now() - this.startedAt.getTime()) / 1000,
      questionsPerSecond: Math.round(this.meter.questionsPerSecond() * 10) / 10,
      resumed: this.place.before !== null,
      trialsDone: done,
      trialsTotal: total,
      points: this.table.summaries(),
      comparisons: compareArms([...this.previous.trials.values(), ...this.answered], armPoints(this.plan)),
      sharedBand: sharedBandUsers(kept.trials, kept.soundings),
      airTimes: trialAirTimes(kept.trials),
      closedLoop: closedLoopSummary(
        kept.trials,
        kept.allocations,
        this.plan.experiment.arms.flatMap(({ arm, allocation }) => (allocation ? [{ arm, ...allocation }] : [])),
        this.plan.experiment.air?.channel?.blockTrials ?? this.plan.experiment.allocation?.resound.everyTrials ?? 1,
        this.plan.experiment.questions.trialsPerPoint,
      ),
      digital: digitalPoints(kept.trials),
    };
    await writer.finish(stop);
    const { name } = this.plan.experiment;
    return { folder, name, simulated: isSimulated(this.plan.experiment), stop, ...(await tryReport(folder)) };
  }

  private tellProgress(): void {
    const nowMs = Date.now();
    if (nowMs - this.lastProgressMs < PROGRESS_INTERVAL_MS) return;
    this.lastProgressMs = nowMs;
    this.observer.progress?.(this.meter.progress());
  }

  private tellPoint(record: TrialRecord): void {
    const nowMs = Date.now();
    const { arm } = record;
    const key = pointKey(arm, record);
    // The last trial is always told: the references that complete the point may be long in coming.
    const due = nowMs - (this.lastPointMs.get(key) ?? 0) >= POINT_INTERVAL_MS;
    if (!due && !this.table.trialsComplete(arm, record)) return;
    this.lastPointMs.set(key, nowMs);
    this.observer.point?.(this.table.summary(arm, record), false);
  }

  private runDocument(radios: readonly BenchRadio[]): RunDocument {
    const { plan, model } = this;
    const { experiment } = plan;
    const families = new Map<string, number[]>();
    for (const question of plan.questions) {
      const family = model.questions[question]?.family ?? '';
      families.set(family, [...(families.get(family) ?? []), question]);
    }
    return {
      format: 1,
      name: experiment.name,
      arm: experiment.arm,
      startedAt: this.startedAt.toISOString(),
      seed: experiment.seed,
      simulated: isSimulated(experiment),
      planHash: plan.hash,
      ...this.origin,
      bundle: {
        name: plan.bundle.name,
        hash: plan.bundle.hash,
        folder: experiment.task.bundle,
        testSet: plan.bundle.testSet ?? null,
      },
      radios: radios.map((radio) => ({ ...radio })),
      users: [...USERS],
      experiment: { ...experiment, arms: experiment.arms.map(armContent) },
      plan: {
        snrDb: [...experiment.sweep.snrDb],
        arms: experiment.arms.map((arm) => ({
          name: arm.arm,
          snrDb: [...arm.sweep.snrDb],
          ...(budgetsOf(arm) && { budgets: budgetsOf(arm) }),
          schedule: scheduleOf(arm),
          subbands: subbandsOf(arm),
        })),
        trialsPerPoint: experiment.questions.trialsPerPoint,
        trialsTotal: plan.trials.length,
        awgnDraws: experiment.questions.awgnDraws,
        questions: [...plan.questions],
        blindAccuracy: model.blindPrior(plan.questions),
        families: [...families.entries()]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([family, own]) => ({ family, trials: own.length, blindAccuracy: model.blindPrior(own) })),
      },
    };
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ');
}

/** Files of a run that a reader may want first. */
export function reportFileOf(folder: string): string {
  return path.join(runFiles(folder).report, 'index.html');
}
