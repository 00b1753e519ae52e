/** What a result comes from: versions and commit. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
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
