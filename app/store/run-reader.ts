/** Reads a run folder, while it grows or after; never writes, never locks. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import {
  csiRecordSchema,
  lineSchema,
  referenceRecordSchema,
  runDocumentSchema,
  stopDocumentSchema,
  viewRecordSchema,
  type AllocationRecord,
  type CsiRecord,
  type ReferenceRecord,
  type RunDocument,
  type SoundingRecord,
  type SpoiltRecord,
  type StopDocument,
  type TrialRecord,
  type ViewRecord,
} from '../config/run-documents';
import { InvalidInputError } from '../config/violations';
import { runFiles } from './layout';

export interface RunContents {
  readonly folder: string;
  readonly document: RunDocument;
  /** In the order in which they were recorded. */
  readonly trials: readonly TrialRecord[];
  readonly soundings: readonly SoundingRecord[];
  readonly spoilt: readonly SpoiltRecord[];
  /** Of closed loops. */
  readonly allocations: readonly AllocationRecord[];
  readonly references: readonly ReferenceRecord[];
  readonly views: readonly ViewRecord[];
  /** Null while the run goes on, or when it was killed. */
  readonly stop: StopDocument | null;
}

/** @throws InvalidInputError when the folder holds no run that can be read */
export function readRun(folder: string): RunContents {
  const document = readRunDocument(folder);
  const files = runFiles(folder);
  const lines = readLines(files.trials, lineSchema);
  const trials = new Map<string, TrialRecord>();
  const soundings: SoundingRecord[] = [];
  const spoilt: SpoiltRecord[] = [];
  const allocations: AllocationRecord[] = [];
  for (const line of lines) {
    if (line.kind === 'trial') {
      if (!trials.has(line.id)) trials.set(line.id, line);
    } else if (line.kind === 'sounding') soundings.push(line);
    else if (line.kind === 'allocation') allocations.push(line);
    else spoilt.push(line);
  }
  return {
    folder,
    document,
    trials: [...trials.values()],
    soundings,
    spoilt,
    allocations,
    references: readLines(files.references, referenceRecordSchema),
    views: readLines(files.views, viewRecordSchema),
    stop: existsSync(files.stop) ? readJson(files.stop, stopDocumentSchema) : null,
  };
}

/** @throws InvalidInputError */
export function readRunDocument(folder: string): RunDocument {
  const file = runFiles(folder).run;
  if (!existsSync(file)) throw new InvalidInputError([`${folder}: no run.json; allowed a run folder`]);
  return readJson(file, runDocumentSchema);
}

/** CSI that no parquet file holds yet. */
export function readCsiLines(folder: string): CsiRecord[] {
  return readLines(runFiles(folder).csiLines, csiRecordSchema);
}

/** @throws InvalidInputError for a line that is no reference */
export function readReferences(folder: string): ReferenceRecord[] {
  return readLines(runFiles(folder).references, referenceRecordSchema);
}

/** @throws InvalidInputError for a line that is no view */
export function readViews(folder: string): ViewRecord[] {
  return readLines(runFiles(folder).views, viewRecordSchema);
}

/**
 * Newest run folder in `parent` with this plan that is not done; null when there is none.
 * @param most so many of the newest runs are looked at
 */
export function findUnfinishedRun(parent: string, planHash: string, most = Infinity): string | null {
  if (!existsSync(parent)) return null;
  const candidates = readdirSync(parent)
    .map((name) => path.join(parent, name))
    .filter((folder) => existsSync(runFiles(folder).run))
    .map((folder) => ({ folder, timeMs: statSync(runFiles(folder).run).mtimeMs }))
    .sort((a, b) => b.timeMs - a.timeMs)
    .slice(0, most);
  for (const { folder } of candidates) {
    try {
      if (readRunDocument(folder).planHash !== planHash) continue;
      const { stop } = runFiles(folder);
      if (!existsSync(stop) || readJson(stop, stopDocumentSchema).outcome !== 'done') return folder;
    } catch {
      // A folder that cannot be read is no candidate.
    }
  }
  return null;
}

/** @throws InvalidInputError naming file and field */
export function readJson<T>(file: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new InvalidInputError([`${file}: ${(error as Error).message}; allowed JSON`]);
  }
  return checked(file, 1, value, schema);
}

function checked<T>(file: string, line: number, value: unknown, schema: z.ZodType<T>): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new InvalidInputError([`${file}:${line}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unreadable'}`]);
}

/** Whole lines only: what follows the last newline was being written, or a crash tore it. */
function readLines<T>(file: string, schema: z.ZodType<T>): T[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  lines.pop();
  return lines.map((line, index) => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw new InvalidInputError([
        `${file}:${index + 1}: ${(error as Error).message}; allowed one JSON object a line`,
      ]);
    }
    return checked(file, index + 1, value, schema);
  });
}
