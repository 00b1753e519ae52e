/** Where model bundles lie: the user's own folders, then the repository's. */
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { repositoryRoot } from './paths';

export const MANIFEST_NAME = 'manifest.json';

/**
 * Folders that hold bundles, one folder each, first come first: those of OTABENCH_BUNDLES (several are separated as in
 * PATH), or else `otabench/bundles` in XDG_DATA_HOME (default ~/.local/share); then the repository's models/bundles.
 */
export function bundleFolders(environment: NodeJS.ProcessEnv = process.env): readonly string[] {
  const named = (environment['OTABENCH_BUNDLES'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  const data = environment['XDG_DATA_HOME'] ?? '';
  const own = path.join(data === '' ? path.join(os.homedir(), '.local', 'share') : data, 'otabench', 'bundles');
  const all = [...(named.length > 0 ? named : [own]), path.join(repositoryRoot(), 'models', 'bundles')];
  return [...new Set(all.map((folder) => path.resolve(folder)))];
}

/**
 * The folder that `value` means: a path relative to `from`, or the name of a bundle in one of the bundle folders. The
 * path when it is neither; what reads it then says what is missing.
 */
export function findBundle(value: string, from: string, folders: readonly string[] = bundleFolders()): string {
  const relative = path.resolve(from, value);
  if (existsSync(path.join(relative, MANIFEST_NAME)) || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(value)) return relative;
  const found = folders
    .map((folder) => path.join(folder, value))
    .find((each) => existsSync(path.join(each, MANIFEST_NAME)));
  return found ?? relative;
}
