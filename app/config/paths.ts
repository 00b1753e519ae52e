import { existsSync } from 'node:fs';
import path from 'node:path';

/** The folder that holds package.json, from wherever the code runs (dist/ or a package). */
export function repositoryRoot(): string {
  let folder = __dirname;
  for (;;) {
    if (existsSync(path.join(folder, 'package.json'))) return folder;
    const parent = path.dirname(folder);
    if (parent === folder) throw new Error(`no package.json above ${__dirname}`);
    folder = parent;
  }
}
