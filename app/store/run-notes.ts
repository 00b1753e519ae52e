/** Tags and notes: the user's words, kept beside a run in notes.json. What the run recorded stays as it is. */
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { writeWhole } from './files';
import { runFiles } from './layout';
import { readJson } from './run-reader';

const notesSchema = z.object({ format: z.literal(1), tags: z.array(z.string()), note: z.string() });

export interface RunNotes {
  readonly tags: readonly string[];
  readonly note: string;
}

/** @throws InvalidInputError when notes.json is there and cannot be read */
export function readNotes(folder: string): RunNotes {
  const file = runFiles(folder).notes;
  return existsSync(file) ? readJson(file, notesSchema) : { tags: [], note: '' };
}

/** What cannot be read is kept aside as notes.unreadable.json. */
export async function writeNotes(folder: string, { tags, note }: RunNotes): Promise<void> {
  const file = runFiles(folder).notes;
  try {
    readNotes(folder);
  } catch {
    await rename(file, path.join(folder, 'notes.unreadable.json'));
  }
  await writeWhole(file, `${JSON.stringify({ format: 1, tags: [...new Set(tags)].sort(), note }, null, 2)}\n`);
}
