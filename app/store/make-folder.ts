/** Makes a run's folder, or says in one line why it cannot be made. */
import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { InvalidInputError } from '../config/violations';

/**
 * Like `mkdir -p`, one level at a time: Node's own recursive form never returns where a file system refuses new folders
 * with ENOENT (/proc).
 *
 * @param field what the message calls it, for instance "--out"
 * @throws InvalidInputError when the folder cannot be made or written
 */
export function makeFolder(folder: string, field: string): void {
  const missing: string[] = [];
  let present = path.resolve(folder);
  while (!existsSync(present)) {
    missing.unshift(present);
    present = path.dirname(present);
  }
  try {
    if (!statSync(present).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    accessSync(present, constants.W_OK | constants.X_OK);
    for (present of missing) mkdirSync(present);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new InvalidInputError([
      `${field}: ${folder} cannot be made (${code} at ${present}); allowed a folder that can be written`,
    ]);
  }
}
