/**
 * The table of all runs. What run.json and stop.json say is kept in `.results-index.json` in the runs folder, by size
 * and time of the files that it came from: a cache that is made anew where it is missing or does not fit, never the truth.
 */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { pointSummarySchema, runDocumentSchema, stopDocumentSchema } from '../config/run-documents';
import { InvalidInputError } from '../config/violations';
import { runSummarySchema, type RunSummary } from '../ipc/results-messages';
import { writeWhole } from './files';
import { runFiles, type RunFiles } from './layout';
import { comparePlaces } from '../units/place';
import { armsOf } from './points';
import { readNotes } from './run-notes';
import { readJson } from './run-reader';
import { isBeingWritten } from './run-writer';

export const INDEX_FILE = '.results-index.json';

/** Of a plan, all but the questions: thousands of numbers that the table does not show. */
const documentSchema = runDocumentSchema
  .pick({ format: true, name: true, arm: true, startedAt: true, seed: true, simulated: true, git: true, bundle: true })
  .extend({ plan: runDocumentSchema.shape.plan.omit({ questions: true }) });
const stopSchema = stopDocumentSchema
  .pick({ format: true, outcome: true, message: true, wallS: true, trialsDone: true, trialsTotal: true })
  .extend({
    points: z.array(
      pointSummarySchema.pick({
        arm: true,
        requestedSnrDb: true,
        bandwidthHz: true,
        powerDb: true,
        questions: true,
        accuracy: true,
        accuracyLow: true,
        accuracyHigh: true,
        blindAccuracy: true,
      }),
    ),
  });

const entrySchema = z.object({ key: z.string(), summary: runSummarySchema });
const indexSchema = z.object({ format: z.literal(1), runs: z.record(z.string(), entrySchema) });
type Entry = z.infer<typeof entrySchema>;

/** Files that any run folder has one of. */
const MARKS = ['run', 'trials', 'stop', 'lock', 'notes'] as const satisfies readonly (keyof RunFiles)[];
/** Without one of these, a folder is no run. */
const NEEDED = ['run', 'trials', 'stop', 'lock'] as const satisfies readonly (keyof RunFiles)[];

export class RunIndex {
  private entries: Map<string, Entry> | null = null;

  /** @param parent the runs folder; it may be missing */
  constructor(readonly parent: string) {}

  /** Every run, in no order. Looks at the folders each time; reads only what has changed. */
  async summaries(): Promise<RunSummary[]> {
    const before = this.known();
    const after = new Map<string, Entry>();
    for (const run of folderNames(this.parent)) {
      const entry = entryOf(this.parent, run, before.get(run));
      if (entry !== null) after.set(run, entry);
    }
    const changed = after.size !== before.size || [...after].some(([run, entry]) => before.get(run) !== entry);
    this.entries = after;
    if (changed) await this.save(after);
    return [...after.values()].map(({ summary }) => withWriter(this.parent, summary));
  }

  /** @throws InvalidInputError when there is no such run */
  summary(run: string): RunSummary {
    const entry = folderExists(path.join(this.parent, run)) ? entryOf(this.parent, run, this.known().get(run)) : null;
    if (entry === null) throw new InvalidInputError([`run: ${run} is not in ${this.parent}; allowed a run of it`]);
    return withWriter(this.parent, entry.summary);
  }

  private known(): Map<string, Entry> {
    return (this.entries ??= this.load());
  }

  private load(): Map<string, Entry> {
    try {
      const text = readFileSync(path.join(this.parent, INDEX_FILE), 'utf8');
      return new Map(Object.entries(indexSchema.parse(JSON.parse(text)).runs));
    } catch {
      return new Map();
    }
  }

  private async save(entries: ReadonlyMap<string, Entry>): Promise<void> {
    const content = JSON.stringify({ format: 1, runs: Object.fromEntries(entries) });
    // Where nothing may be written the table is only slower.
    await writeWhole(path.join(this.parent, INDEX_FILE), content).catch(() => undefined);
  }
}

function folderNames(parent: string): string[] {
  try {
    return readdirSync(parent, { withFileTypes: true })
      .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith('.'))
      .map(({ name }) => name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function folderExists(folder: string): boolean {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** What was known, where the files are still those; null for a folder that is no run. */
function entryOf(parent: string, run: string, known: Entry | undefined): Entry | null {
  const files = runFiles(path.join(parent, run));
  const marks = MARKS.map((name) => fileMark(files[name]));
  if (!NEEDED.some((name) => marks[MARKS.indexOf(name)] !== '')) return null;
  const key = marks.join(' ');
  return known?.key === key ? known : { key, summary: summarise(parent, run) };
}

/** Size and time of a file; empty where there is none. */
function fileMark(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.size}:${stat.mtimeMs}`;
}

/** Whether somebody writes it can change with no file changing. */
function withWriter(parent: string, summary: RunSummary): RunSummary {
  if (summary.state !== 'unfinished') return summary;
  return isBeingWritten(path.join(parent, summary.run)) ? { ...summary, state: 'running', message: null } : summary;
}

const UNKNOWN = {
  name: null,
  startedAt: null,
  simulated: null,
  bundle: null,
  commit: null,
  seed: null,
  arms: [],
  snrDb: null,
  points: 0,
  trialsDone: null,
  trialsTotal: null,
  wallS: null,
  top: null,
} as const;

/** What cannot be read is said in the row; it hides no other run. */
function summarise(parent: string, run: string): RunSummary {
  const folder = path.join(parent, run);
  const problems: string[] = [];
  const attempt = <T>(read: () => T, otherwise: T): T => {
    try {
      return read();
    } catch (error) {
      problems.push(error instanceof InvalidInputError ? error.lines.join('; ') : (error as Error).message);
      return otherwise;
    }
  };
  const { tags, note } = attempt(() => readNotes(folder), { tags: [], note: '' });
  const own = { run, tags: [...tags], note };
  const said = (): string => problems.map((line) => line.replace(`${folder}/`, '')).join('; ');
  const facts = attempt(() => documentFacts(folder), null);
  if (facts === null) return { ...UNKNOWN, ...own, arms: [], state: 'unreadable', message: said() };
  const files = runFiles(folder);
  const stopped = fileMark(files.stop) !== '';
  const stop = stopped ? attempt(() => readJson(files.stop, stopSchema), null) : null;
  if (stop !== null) {
    const { outcome, message, wallS, trialsDone, trialsTotal, points } = stop;
    const top = topPoint(points);
    const words = [message, ...problems].filter((line) => line !== null).join('; ');
    return { ...facts, ...own, state: outcome, message: words || null, wallS, trialsDone, trialsTotal, top };
  }
  const trialsDone = attempt(() => countTrials(files.trials), null);
  if (stopped) return { ...facts, ...own, state: 'unreadable', message: said(), wallS: null, trialsDone, top: null };
  const message = ['no stop.json: it was killed, or the machine went down', ...problems].join('; ');
  return { ...facts, ...own, state: 'unfinished', message, wallS: null, trialsDone, top: null };
}

type DocumentFacts = Omit<RunSummary, 'run' | 'state' | 'message' | 'wallS' | 'trialsDone' | 'top' | 'tags' | 'note'>;

function documentFacts(folder: string): DocumentFacts {
  const file = runFiles(folder).run;
  if (!existsSync(file))
    throw new InvalidInputError(['no run.json: the run was never begun, or its folder was cut off']);
  const document = readJson(file, documentSchema);
  const arms = armsOf(document);
  const places = arms.flatMap(({ points }) => points);
  const snrDb = places.flatMap(({ requestedSnrDb }) => requestedSnrDb ?? []);
  return {
    name: document.name,
    startedAt: document.startedAt,
    simulated: document.simulated,
    bundle: document.bundle.name,
    commit: document.git.commit,
    seed: document.seed,
    arms: arms.map(({ name }) => name),
    snrDb: snrDb.length === 0 ? null : { min: Math.min(...snrDb), max: Math.max(...snrDb) },
    points: places.length,
    trialsTotal: document.plan.trialsTotal,
  };
}

function topPoint(points: z.infer<typeof stopSchema>['points']): RunSummary['top'] {
  const answered = points.filter(({ questions }) => questions > 0);
  const point = answered.reduce<(typeof answered)[number] | undefined>(
    (best, one) => (best === undefined || comparePlaces(one, best) > 0 ? one : best),
    undefined,
  );
  if (point === undefined) return null;
  const {
    arm,
    requestedSnrDb,
    bandwidthHz = null,
    powerDb = null,
    accuracy,
    accuracyLow: low,
    accuracyHigh: high,
    questions,
    blindAccuracy: blind,
  } = point;
  return accuracy === null || low === null || high === null
    ? null
    : { arm, requestedSnrDb, bandwidthHz, powerDb, accuracy, low, high, questions, blind };
}

const TRIAL_LINE = Buffer.from('{"kind":"trial"');
const NEWLINE = 10;
const CHUNK_BYTES = 4 * 2 ** 20;

/** Whole lines of trials in a file that may be growing. */
function countTrials(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const handle = size > 0 ? openSync(file, 'r') : null;
  if (handle === null) return 0;
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let count = 0;
    let kept = 0;
    /** The last mark found has no end of line behind it yet. */
    let open = false;
    for (;;) {
      const read = readSync(handle, buffer, kept, CHUNK_BYTES - kept, null);
      const chunk = buffer.subarray(0, kept + read);
      let last = -1;
      for (let at = chunk.indexOf(TRIAL_LINE); at !== -1; at = chunk.indexOf(TRIAL_LINE, at + TRIAL_LINE.length)) {
        count++;
        last = at;
      }
      if (read === 0) return open ? count - 1 : count;
      open = chunk.lastIndexOf(NEWLINE) < last || (last === -1 && open && !chunk.includes(NEWLINE));
      // A mark that lies across the border is found with the next chunk.
      kept = Math.min(TRIAL_LINE.length - 1, chunk.length);
      buffer.copyWithin(0, chunk.length - kept, chunk.length);
    }
  } finally {
    closeSync(handle);
  }
}
