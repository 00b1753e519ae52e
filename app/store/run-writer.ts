/** The one writer of a run folder. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import type {
  CsiRecord,
  LineRecord,
  ReferenceRecord,
  RunDocument,
  StopDocument,
  ViewRecord,
} from '../config/run-documents';
import { InvalidInputError } from '../config/violations';
import { syncFolder, writeWhole } from './files';
import { makeFolder } from './make-folder';
import { LineLog } from './line-log';
import { runFiles } from './layout';

/** A commit takes at most so many trials, or waits at most so long for them. */
export const COMMIT_TRIALS = 64;
export const COMMIT_WAIT_MS = 50;

interface Waiting {
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export class RunWriter {
  private waiting: Waiting[] = [];
  private csiLines: string[] = [];
  private viewLines: string[] = [];
  private timer: NodeJS.Timeout | null = null;
  /** The commit that is under way; commits follow one another. */
  private committing: Promise<void> = Promise.resolve();
  private closed = false;

  private constructor(
    readonly folder: string,
    private readonly trials: LineLog,
    private readonly references: LineLog,
    private readonly csiLog: LineLog,
    private readonly viewLog: LineLog,
  ) {}

  /**
   * Makes a new run folder.
   * @throws InvalidInputError when a run is there already
   */
  static async create(folder: string, document: RunDocument): Promise<RunWriter> {
    const files = runFiles(folder);
    if (existsSync(files.run) || existsSync(files.trials))
      throw new InvalidInputError([
        `--out: ${folder} holds a run already; allowed a new folder, or --resume to continue it`,
      ]);
    makeFolder(folder, 'run folder (--out, output.folder)');
    takeLock(folder);
    await writeWhole(files.run, `${JSON.stringify(document, null, 2)}\n`);
    return RunWriter.open(folder);
  }

  /**
   * Continues a run folder: torn last lines are cut, and the earlier session's stop document is kept aside.
   * @throws InvalidInputError when another process writes it
   */
  static async resume(folder: string): Promise<RunWriter> {
    const files = runFiles(folder);
    takeLock(folder);
    if (existsSync(files.stop)) {
      let number = 1;
      while (existsSync(path.join(folder, `stop.${number}.json`))) number++;
      await rename(files.stop, path.join(folder, `stop.${number}.json`));
    }
    return RunWriter.open(folder);
  }

  private static async open(folder: string): Promise<RunWriter> {
    const files = runFiles(folder);
    const logs = await Promise.all(
      [files.trials, files.references, files.csiLines, files.views].map((file) => LineLog.open(file)),
    );
    await syncFolder(folder);
    const [trials, references, csi, views] = logs as [LineLog, LineLog, LineLog, LineLog];
    return new RunWriter(folder, trials, references, csi, views);
  }

  /** Resolves when the line, and all CSI and views given before it, are on the disk. */
  record(line: LineRecord): Promise<void> {
    if (this.closed) return Promise.reject(new Error('the run folder is closed'));
    return new Promise((resolve, reject) => {
      this.waiting.push({ line: JSON.stringify(line), resolve, reject });
      if (this.waiting.length >= COMMIT_TRIALS) this.commitSoon(0);
      else this.commitSoon(COMMIT_WAIT_MS);
    });
  }

  csi(records: readonly CsiRecord[]): void {
    for (const record of records) this.csiLines.push(JSON.stringify(record));
  }

  views(records: readonly ViewRecord[]): void {
    for (const record of records) this.viewLines.push(JSON.stringify(record));
  }

  async reference(record: ReferenceRecord): Promise<void> {
    await this.references.append([JSON.stringify(record)]);
  }

  /** Commits what waits and closes the growing files; the folder stays locked. Safe to call twice. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    while (this.waiting.length > 0) this.startCommit();
    await this.committing;
    await Promise.all([this.trials, this.references, this.csiLog, this.viewLog].map((log) => log.close()));
  }

  /** Writes stop.json and gives up the lock; after `close`. */
  async finish(document: StopDocument): Promise<void> {
    await writeWhole(runFiles(this.folder).stop, `${JSON.stringify(document, null, 2)}\n`);
    rmSync(runFiles(this.folder).lock, { force: true });
  }

  private commitSoon(waitMs: number): void {
    if (waitMs === 0) {
      if (this.timer !== null) clearTimeout(this.timer);
      this.timer = null;
      this.startCommit();
    } else this.timer ??= setTimeout(() => this.commitSoon(0), waitMs);
  }

  private startCommit(): void {
    const batch = this.waiting.splice(0, COMMIT_TRIALS);
    const csi = this.csiLines.splice(0);
    const views = this.viewLines.splice(0);
    this.committing = this.committing.then(async () => {
      try {
        // CSI first: a trial that counts as done never lacks it.
        await Promise.all([this.csiLog.append(csi), this.viewLog.append(views)]);
        await this.trials.append(batch.map(({ line }) => line));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    });
  }
}

/** Start time of a process in clock ticks since boot, where the system tells; sets a reused pid apart. */
function processStart(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether a process that is there has the folder open as its writer. */
export function isBeingWritten(folder: string): boolean {
  try {
    const owner = JSON.parse(readFileSync(runFiles(folder).lock, 'utf8')) as { pid: number; start: string | null };
    return isAlive(owner.pid) && processStart(owner.pid) === owner.start;
  } catch {
    return false;
  }
}

/** Readers need no lock; this keeps a second writer out. A writer that was killed does not count. */
function takeLock(folder: string): void {
  const file = runFiles(folder).lock;
  try {
    const owner = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; start: string | null };
    if (owner.pid !== process.pid && isAlive(owner.pid) && processStart(owner.pid) === owner.start)
      throw new InvalidInputError([
        `--out: process ${owner.pid} is writing ${folder}; allowed a run that nobody writes`,
      ]);
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
  }
  writeFileSync(file, JSON.stringify({ pid: process.pid, start: processStart(process.pid) }));
}
