/**
 * Checks a plan while it is being written: the same code as `otabench check`, on the editor's text. One check at a time;
 * of those that wait the newest alone is done.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { MANIFEST_NAME } from '../config/bundle-folders';
import { InvalidInputError } from '../config/violations';
import { InspectionDeferred, type UserTokens } from '../experiment/model';
import type { PlanChecked } from '../ipc/host-messages';
import { runFiles } from '../store/layout';
import { findUnfinishedRun } from '../store/run-reader';
import { planSummary, type PlanSummary } from './plan-summary';
import type { HostParts, LoadedModel } from './run';

export interface PlanCheckRequest {
  readonly check: number;
  readonly experimentFile: string;
  readonly text: string;
}

/** A bundle is kept loaded for so long after it was last asked. */
const KEPT_MS = 20_000;
/** Runs among which an unfinished one is looked for at every check. */
const RUNS_LOOKED_AT = 30;
const DEFERRED = 'A run has the machine: the bundle is looked into when it has ended.';

export class PlanChecker {
  private waiting: PlanCheckRequest | null = null;
  private working = false;
  private readonly bundles: BundleCache;

  /**
   * @param runGoesOn true while nothing heavy may be started
   * @param answer takes each result
   */
  constructor(
    loadParts: () => Promise<Pick<HostParts, 'loadModel'>>,
    private readonly runGoesOn: () => boolean,
    private readonly answer: (event: PlanChecked) => void,
  ) {
    this.bundles = new BundleCache(loadParts, runGoesOn);
  }

  check(request: PlanCheckRequest): void {
    this.waiting = request;
    if (!this.working) void this.work();
  }

  /** A run begins, or the process ends: what a check has loaded is freed. */
  release(): Promise<void> {
    return this.bundles.release();
  }

  private async work(): Promise<void> {
    this.working = true;
    while (this.waiting !== null) {
      const request: PlanCheckRequest = this.waiting;
      this.waiting = null;
      const event = await this.checkOne(request);
      // An answer to what has been overtaken is of no use.
      if (this.waiting === null) this.answer(event);
    }
    this.working = false;
  }

  private async checkOne({ check, experimentFile, text }: PlanCheckRequest): Promise<PlanChecked> {
    const nothing = {
      type: 'plan-checked',
      check,
      summary: null,
      violations: [],
      deferred: null,
      unfinished: null,
    } as const;
    const file = path.resolve(experimentFile);
    try {
      const summary = await planSummary(file, this.bundles, text);
      const { planHash, outputFolder, lines, transmitters, ...rest } = summary;
      return {
        ...nothing,
        violations: [],
        summary: { ...rest, lines: [...lines], transmitters: [...transmitters] },
        unfinished: this.runGoesOn() ? null : unfinishedRun({ planHash, outputFolder }),
      };
    } catch (error) {
      if (error instanceof InspectionDeferred) return { ...nothing, violations: [], deferred: DEFERRED };
      if (!(error instanceof InvalidInputError))
        return { ...nothing, violations: [{ line: 1, field: '', detail: (error as Error).message }] };
      const violations = error.violations.map(({ line, field, detail }) => ({ line, field, detail }));
      return { ...nothing, violations, deferred: violations.length === 0 ? DEFERRED : null };
    }
  }
}

function unfinishedRun({
  planHash,
  outputFolder,
}: Pick<PlanSummary, 'planHash' | 'outputFolder'>): PlanChecked['unfinished'] {
  const folder = findUnfinishedRun(outputFolder, planHash, RUNS_LOOKED_AT);
  if (folder === null) return null;
  const { stop } = runFiles(folder);
  const trialsDone = existsSync(stop)
    ? (JSON.parse(readFileSync(stop, 'utf8')) as { trialsDone?: number }).trialsDone
    : null;
  return { run: path.basename(folder), trialsDone: trialsDone ?? null };
}

/** When a file was changed last; null where there is none. */
const changedMs = (file: string): number | null => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? null;

/** What checks ask of a bundle, kept between them: a bundle takes seconds to load, an answer none. */
class BundleCache implements Pick<HostParts, 'loadModel'> {
  private readonly known = new Map<
    string,
    Omit<LoadedModel, 'close'> & { readonly encoded: Map<string, readonly UserTokens[]> }
  >();
  private loaded: { readonly key: string; readonly model: Promise<LoadedModel> } | null = null;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly loadParts: () => Promise<Pick<HostParts, 'loadModel'>>,
    private readonly runGoesOn: () => boolean,
  ) {}

  readonly loadModel = async (folder: string, testSet: string | null): Promise<LoadedModel> => {
    const changed = [path.join(folder, MANIFEST_NAME), ...(testSet === null ? [] : [testSet])].map(changedMs);
    const key = JSON.stringify([folder, testSet, changed]);
    let known = this.known.get(key);
    if (known === undefined) {
      const { facts, model } = await this.load(key, folder, testSet);
      known = { facts, model, encoded: new Map() };
      this.known.set(key, known);
    }
    const { facts, model, encoded } = known;
    return {
      facts,
      model: {
        // Questions and priors are there as long as anybody holds them; only tokens need the bundle itself.
        ...model,
        encode: async (indices, lengths) => {
          const wanted = JSON.stringify([indices, lengths]);
          const tokens =
            encoded.get(wanted) ?? (await (await this.load(key, folder, testSet)).model.encode(indices, lengths));
          encoded.set(wanted, tokens);
          return tokens;
        },
      },
      close: () => Promise.resolve(),
    };
  };

  async release(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const { loaded } = this;
    this.loaded = null;
    await loaded?.model.then((model) => model.close()).catch(() => undefined);
  }

  /** @throws InspectionDeferred while a run goes on */
  private async load(key: string, folder: string, testSet: string | null): Promise<LoadedModel> {
    if (this.runGoesOn()) throw new InspectionDeferred(DEFERRED);
    if (this.loaded?.key !== key) {
      await this.release();
      this.loaded = { key, model: this.loadParts().then((parts) => parts.loadModel(folder, testSet)) };
    }
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.release(), KEPT_MS);
    this.timer.unref();
    try {
      return await this.loaded.model;
    } catch (error) {
      this.loaded = null;
      throw error;
    }
  }
}
