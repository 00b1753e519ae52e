/** `otabench bench`: runs a native benchmark and passes on what it says; some are of this program. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { findBundle } from '../config/bundle-folders';
import { repositoryRoot } from '../config/paths';
import type { BenchRow } from '../host/models-bench';
import type { HostParts } from '../host/run';
import { closestWord, InvalidInputError } from '../config/violations';

/** Benchmarks that there are; all but `models`, `results`, `allocate` and `allocate-methods` are build/native/bin/bench_NAME. */
export const BENCHES = [
  'link',
  'quality',
  'medium',
  'fdma',
  'fec',
  'models',
  'allocate',
  'allocate-methods',
  'results',
] as const;

/**
 * The benchmark ends its stdout with the contract's JSON line (`{"bench", "rows"}`); without `json` it is told not to.
 * @returns the exit code
 */
export async function benchCommand(name: string, json: boolean, hostParts: () => Promise<HostParts>): Promise<number> {
  if (!(BENCHES as readonly string[]).includes(name)) {
    const meant = closestWord(name, BENCHES);
    const hint = meant === null ? '' : `did you mean "${meant}"? `;
    throw new InvalidInputError([`bench NAME: value "${name}"; ${hint}allowed ${BENCHES.join(', ')}`]);
  }
  if (name === 'models') {
    const { benchModels } = await import('../host/models-bench.js');
    return tellRows(name, await benchModels(findBundle('digit-avqa', '')), json);
  }
  if (name === 'results') {
    const { benchResults } = await import('../host/results-bench.js');
    return tellRows(name, await benchResults(findBundle('digit-avqa', '')), json);
  }
  if (name === 'allocate') {
    const { benchAllocate } = await import('./allocate-bench.js');
    benchAllocate(json);
    return 0;
  }
  if (name === 'allocate-methods') {
    const { benchAllocateMethods } = await import('./allocate-study.js');
    benchAllocateMethods(json);
    return 0;
  }
  const program = path.join(repositoryRoot(), 'build', 'native', 'bin', `bench_${name}`);
  if (!existsSync(program))
    throw new InvalidInputError([`bench ${name}: ${program} is not built; allowed after scripts/setup`]);
  if (name !== 'quality') return (await native(program, json, false)).code;
  const { code, rows } = await native(program, json, json);
  if (code !== 0) return code;
  const { sharedBandAccuracyRows } = await import('./quality-bench.js');
  return tellRows(name, [...rows, ...(await sharedBandAccuracyRows(await hostParts()))], json);
}

/** Runs a native benchmark; with `collect` its JSON line is read instead of shown. */
async function native(program: string, json: boolean, collect: boolean): Promise<{ code: number; rows: BenchRow[] }> {
  const child = spawn(program, json ? ['--json'] : [], { stdio: ['ignore', collect ? 'pipe' : 'inherit', 'inherit'] });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => resolve(exitCode === 0 ? 0 : 1));
  });
  if (!collect || code !== 0) return { code, rows: [] };
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  return { code, rows: (JSON.parse(line) as { rows: BenchRow[] }).rows };
}

/** The same table, or JSON line, that native benchmarks print. */
function tellRows(bench: string, rows: readonly BenchRow[], json: boolean): number {
  const shown = (value: number | null): string => (value === null ? '' : value.toPrecision(4));
  for (const { figure, value, unit, goal, peer, peerValue, met } of json ? [] : rows)
    process.stdout.write(
      `${figure.padEnd(56)} ${shown(value).padStart(10)} ${unit.padEnd(18)} goal ${goal}  ${met ? 'yes' : 'NO'}${peer === null ? '' : `  (${peer}: ${shown(peerValue)})`}\n`,
    );
  if (json) process.stdout.write(`${JSON.stringify({ bench, rows })}\n`);
  return 0;
}
