/** scipy's SLSQP beside our own solver: the judge of the tests and the peer of the benchmark. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import type { DigitalProblem } from '../allocation';
import { repositoryRoot } from '../config/paths';

export interface Judgement {
  readonly objective: number | null;
  readonly success: boolean;
  readonly seconds: number;
}

/** What is missing where `pythonWithScipy` finds none. */
export const NO_SCIPY =
  'scipy, the independent judge, is not here; allowed a python3 with scipy (Debian, Ubuntu: apt-get install python3-scipy)';

/** A Python that has scipy; null where there is none. */
export function pythonWithScipy(): string | null {
  for (const python of ['python3', '/usr/bin/python3'])
    if (spawnSync(python, ['-c', 'import scipy.optimize'], { stdio: 'ignore' }).status === 0) return python;
  return null;
}

/**
 * The best of `starts` ends of scaled SLSQP for each problem (continuous lengths), projected to feasibility.
 * @returns null when it takes longer than `limitS`
 */
export function judge(
  python: string,
  problems: readonly DigitalProblem[],
  starts: number,
  limitS = 300,
): Judgement[] | null {
  const script = path.join(repositoryRoot(), 'test', 'allocation', 'scipy_judge.py');
  const ended = spawnSync(python, [script], {
    input: JSON.stringify({ problems, starts }),
    encoding: 'utf8',
    maxBuffer: 1e8,
    timeout: 1000 * limitS,
    env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' },
  });
  if ((ended.error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT') return null;
  if (ended.status !== 0) throw new Error(`the judge ended with ${ended.status}: ${ended.stderr}`);
  return (JSON.parse(ended.stdout) as { results: Judgement[] }).results;
}
