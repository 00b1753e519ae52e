/** `otabench run`. */
import path from 'node:path';
import { runExperiment, type HostParts, type RunEnd } from '../host/run';
import { pointOf } from '../host/service';
import { formatDuration } from '../units/format';
import { ProgressLine } from './progress-line';
import { closedLoopTable } from './loop-table';
import { resultTable } from './table';

export interface RunOptions {
  readonly out?: string;
  readonly resume?: boolean;
  readonly otherBuild?: boolean;
  readonly json?: boolean;
}

/** @returns the exit code: 0 done, 1 stopped or failed */
export async function runCommand(file: string, options: RunOptions, parts: HostParts): Promise<number> {
  const abort = new AbortController();
  let signals = 0;
  const stop = (): void => {
    // The second time means it.
    if (++signals > 1) process.exit(1);
    abort.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const line = new ProgressLine(process.stderr);
  try {
    const end = await runExperiment(
      { file, out: options.out ?? null, resume: options.resume === true, otherBuild: options.otherBuild === true },
      parts,
      {
        started: ({ folder, simulated, trialsDone, trialsTotal }) => {
          const where = simulated ? ' on simulated twins' : '';
          const before = trialsDone > 0 ? `, ${trialsDone} of ${trialsTotal} trials done before` : '';
          process.stderr.write(`run folder ${folder}${where}${before}\n`);
        },
        progress: (progress) => line.show(progress),
      },
      abort.signal,
    );
    line.end();
    return tell(end, options);
  } finally {
    line.end();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

function tell(end: RunEnd, { json = false }: RunOptions): number {
  const { stop, folder } = end;
  const where = end.simulated ? ' on simulated twins' : '';
  const rate = `${stop.trialsDone} of ${stop.trialsTotal} trials in ${formatDuration(stop.wallS)}, ${stop.questionsPerSecond.toFixed(0)} questions a second`;
  const text = [
    `${end.name}${where}: ${rate}`,
    ...resultTable(stop.points, end.simulated, stop.comparisons, stop),
    ...(stop.closedLoop === null ? [] : closedLoopTable(stop.closedLoop)),
  ];
  text.push(`report ${end.reportFile ?? `not made: ${end.reportError ?? ''}`}`);
  process.stdout.write(`${text.join('\n')}\n`);
  if (stop.outcome === 'stopped')
    process.stderr.write(
      `otabench: ${stop.message ?? 'stopped'}; continue with --resume --out ${path.relative('', folder)}\n`,
    );
  if (stop.outcome === 'failed') process.stderr.write(`otabench: the run failed: ${stop.message ?? ''}\n`);
  if (json) {
    const points = stop.points.map((point) => ({
      ...pointOf(point),
      snrErrorDb: point.snrErrorDb,
      difference: point.difference,
      differenceHalfWidth: point.differenceHalfWidth,
      sndrDb: point.sndrDb,
      tokenErrorDb: point.tokenErrorDb,
    }));
    const { wallS, questionsPerSecond, outcome, comparisons } = stop;
    const result = { run: folder, wallS, questionsPerSecond, points, comparisons, outcome, simulated: end.simulated };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
  return stop.outcome === 'done' ? 0 : 1;
}
