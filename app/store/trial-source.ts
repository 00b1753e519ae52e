/** The trials of a run as an SQL table: trials.parquet where it holds what trials.jsonl holds, else made anew from it. */
import { existsSync, statSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { InvalidInputError } from '../config/violations';
import { runFiles } from './layout';
import { literal, readLines, sha256, TRIAL_COLUMNS, trialsMetadata, writeTrialsParquet } from './parquet';
import { isBeingWritten } from './run-writer';

export class TrialSources {
  /** Size and time of both files when the one was last found to be a copy of the other, by folder. */
  private readonly verified = new Map<string, string>();

  constructor(private readonly connection: DuckDBConnection) {}

  /**
   * A table expression: one row a trial (the first where an id occurs twice), no soundings, no spoilt attempts. While
   * somebody writes the run it reads the lines, of which a torn last one counts as none.
   * @throws InvalidInputError when the run has no trials.jsonl
   */
  async of(folder: string): Promise<string> {
    const files = runFiles(folder);
    if (!existsSync(files.trials)) throw new InvalidInputError([`${folder}: no trials.jsonl; allowed a run folder`]);
    const isCopy = (await this.isFresh(folder)) || (await this.rebuilt(folder));
    const all = isCopy
      ? `(SELECT * FROM read_parquet(${literal(files.trialsParquet)}, file_row_number = true))`
      : `(SELECT *, row_number() OVER () AS file_row_number FROM ${readLines(files.trials, TRIAL_COLUMNS)})`;
    return `(SELECT * FROM ${all} WHERE kind = 'trial' QUALIFY row_number() OVER (PARTITION BY id ORDER BY file_row_number) = 1)`;
  }

  private async isFresh(folder: string): Promise<boolean> {
    const files = runFiles(folder);
    if (!existsSync(files.trialsParquet)) return false;
    const marks = marksOf(folder);
    if (this.verified.get(folder) === marks) return true;
    try {
      const result = await this.connection.runAndReadAll(
        `SELECT decode(key) AS name, decode(value) AS text FROM parquet_kv_metadata(${literal(files.trialsParquet)})`,
      );
      const kept = new Map(result.getRowObjectsJS().map(({ name, text }) => [name, text]));
      for (const [name, text] of Object.entries(trialsMetadata(await sha256(files.trials))))
        if (kept.get(name) !== text) return false;
    } catch {
      // A copy that cannot be read is made anew.
      return false;
    }
    this.verified.set(folder, marks);
    return true;
  }

  /** False where it is not ours to write: the lines are read then. */
  private async rebuilt(folder: string): Promise<boolean> {
    if (isBeingWritten(folder)) return false;
    try {
      await writeTrialsParquet(this.connection, folder);
    } catch {
      return false;
    }
    this.verified.set(folder, marksOf(folder));
    return true;
  }
}

function marksOf(folder: string): string {
  const files = runFiles(folder);
  return [files.trials, files.trialsParquet]
    .map((file) => statSync(file, { throwIfNoEntry: false }))
    .map((stat) => `${stat?.size} ${stat?.mtimeMs}`)
    .join(' ');
}
