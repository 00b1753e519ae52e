/** Names in a run folder, and where new run folders go. */
import { existsSync } from 'node:fs';
import path from 'node:path';

export interface RunFiles {
  readonly run: string;
  readonly trials: string;
  readonly references: string;
  /** CSI as it comes; becomes csi.parquet when the run stops. */
  readonly csiLines: string;
  readonly views: string;
  readonly stop: string;
  readonly trialsParquet: string;
  readonly csiParquet: string;
  readonly lock: string;
  readonly report: string;
  /** Tags and a note of the user's; beside the run, never part of it. */
  readonly notes: string;
}

export function runFiles(folder: string): RunFiles {
  const at = (name: string): string => path.join(folder, name);
  return {
    run: at('run.json'),
    trials: at('trials.jsonl'),
    references: at('references.jsonl'),
    csiLines: at('csi.ndjson'),
    views: at('views.ndjson'),
    stop: at('stop.json'),
    trialsParquet: at('trials.parquet'),
    csiParquet: at('csi.parquet'),
    lock: at('writer.json'),
    report: at('report'),
    notes: at('notes.json'),
  };
}

/** `PARENT/2026-11-23-181500-NAME` in local time, with a number where that is taken. */
export function newRunFolder(parent: string, name: string, when: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}`;
  const time = `${two(when.getHours())}${two(when.getMinutes())}${two(when.getSeconds())}`;
  const first = path.resolve(parent, `${date}-${time}-${name}`);
  let folder = first;
  for (let number = 2; existsSync(folder); number++) folder = `${first}-${number}`;
  return folder;
}
