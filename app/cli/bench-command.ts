/** `otabench bench`: runs a native benchmark and passes on what it says. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '../config/paths';
import { closestWord, InvalidInputError } from '../config/violations';

/** Benchmarks that there are; each is build/native/bin/bench_NAME. */
export const BENCHES = ['link', 'quality', 'medium'] as const;

/**
 * The benchmark ends its stdout with the contract's JSON line (`{"bench", "rows"}`); without `json` it is told not to.
 * @returns the exit code
 */
export async function benchCommand(name: string, json: boolean): Promise<number> {
  if (!(BENCHES as readonly string[]).includes(name)) {
    const meant = closestWord(name, BENCHES);
    const hint = meant === null ? '' : `did you mean "${meant}"? `;
    throw new InvalidInputError([`bench NAME: value "${name}"; ${hint}allowed ${BENCHES.join(', ')}`]);
  }
  const program = path.join(repositoryRoot(), 'build', 'native', 'bin', `bench_${name}`);
  if (!existsSync(program))
    throw new InvalidInputError([`bench ${name}: ${program} is not built; allowed after scripts/setup`]);
  const child = spawn(program, json ? ['--json'] : [], { stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code === 0 ? 0 : 1));
  });
}
