/** The row of `otabench bench quality` that no native benchmark has: task accuracy by FDMA against users in turn. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { repositoryRoot } from '../config/paths';
import { runExperiment, type HostParts } from '../host/run';
import type { BenchRow } from '../host/models-bench';
import { ProgressLine } from './progress-line';

const EXPERIMENT = path.join('experiments', 'fdma.yml');
const GOAL_POINTS = 1.5;

/**
 * Runs experiments/fdma.yml in a folder of its own: 1,500 paired questions at each SNR.
 *
 * @returns a row for each SNR: the distance of the two accuracies in points, and McNemar's p in the figure's name
 * @throws Error when the run does not come to its end
 */
export async function sharedBandAccuracyRows(parts: HostParts): Promise<BenchRow[]> {
  const parent = mkdtempSync(path.join(os.tmpdir(), 'otabench-bench-quality-'));
  const line = new ProgressLine(process.stderr);
  try {
    const { stop } = await runExperiment(
      {
        file: path.join(repositoryRoot(), EXPERIMENT),
        out: path.join(parent, 'run'),
        resume: false,
        otherBuild: false,
      },
      parts,
      { started: () => undefined, progress: (progress) => line.show(progress) },
      new AbortController().signal,
    );
    line.end();
    if (stop.outcome !== 'done') throw new Error(`bench quality: ${EXPERIMENT}: ${stop.message ?? stop.outcome}`);
    return stop.comparisons.map(({ firstSnrDb, questions, difference, differenceHalfWidth, pValue }) => {
      const points = Math.abs(100 * difference);
      const halfWidth = differenceHalfWidth === null ? '' : ` +- ${(100 * differenceHalfWidth).toFixed(1)}`;
      return {
        figure: `3 users at once against in turn, ${questions} paired questions, ${firstSnrDb ?? NaN} dB (${(100 * difference).toFixed(1)}${halfWidth}, p ${pValue.toFixed(2)})`,
        value: points,
        unit: 'points',
        goal: GOAL_POINTS,
        peer: null,
        peerValue: null,
        met: points <= GOAL_POINTS,
      };
    });
  } finally {
    line.end();
    rmSync(parent, { recursive: true, force: true });
  }
}
