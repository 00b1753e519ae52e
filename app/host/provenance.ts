/** What a result comes from: versions and commit. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { nativeFolder } from '../../drivers/radio';
import { repositoryRoot } from '../config/paths';

function packageVersion(folder: string): string | null {
  try {
    const text = readFileSync(path.join(folder, 'package.json'), 'utf8');
    return (JSON.parse(text) as { version?: string }).version ?? null;
  } catch {
    return null;
  }
}

export function otabenchVersion(): string {
  return packageVersion(repositoryRoot()) ?? 'unknown';
}

/** Versions of all that computes a result. */
export function versions(): Record<string, string> {
  const result: Record<string, string> = { otabench: otabenchVersion(), node: process.versions.node };
  for (const name of ['onnxruntime-node', '@duckdb/node-api', 'chart.js']) {
    const version = packageVersion(path.join(repositoryRoot(), 'node_modules', name));
    if (version !== null) result[name] = version;
  }
  return result;
}

/** What computes the bits of a run on twins: the addon (radio, PHY), the medium, the twins' module. */
const NATIVE_FILES = ['otabench.node', 'libotamedium.so', path.join('SoapySDR', 'modules')];

/** sha256 over the native libraries, hex: results are the same bits only within one build. Null where there are none. */
export function nativeBuildId(folder = nativeFolder()): string | null {
  const hash = createHash('sha256');
  let found = false;
  for (const name of NATIVE_FILES) {
    const place = path.join(folder, name);
    if (!existsSync(place)) continue;
    const files = statSync(place).isDirectory()
      ? readdirSync(place)
          .sort()
          .map((file) => path.join(place, file))
      : [place];
    for (const file of files) {
      hash.update(`${path.basename(file)}\n`).update(readFileSync(file));
      found = true;
    }
  }
  return found ? hash.digest('hex') : null;
}

/** Nulls where the code does not lie in a git checkout. */
export function gitState(): { commit: string | null; modified: boolean | null } {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: repositoryRoot(), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return { commit: git('rev-parse', 'HEAD'), modified: git('status', '--porcelain') !== '' };
  } catch {
    return { commit: null, modified: null };
  }
}
