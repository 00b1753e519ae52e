/**
 * What looking costs a run: processor time of a radio process and its host over the same trials, nobody looking and
 * somebody looking at 20 views a second, in turn. `node dist/test/long/watched-bench.js` after `scripts/setup --tests`.
 */
import { readFileSync } from 'node:fs';
import { RadioProcessLauncher, type Bench } from '../../app/link';
import { SNR_MINUS_GAIN_DB, trial, twinSetup } from '../link/twin-setup';

const TRIALS = 1500;
const ROUNDS = 7;
const WITH_RADIO = 12;
const TICKS_PER_S = 100;

/** User and system time of a process, seconds. */
function cpuS(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

interface Cost {
  readonly radioUs: number;
  readonly hostUs: number;
  readonly trialsPerS: number;
}

/** Of one trial. */
async function cost(bench: Bench, first: number): Promise<Cost> {
  const pid = bench.pid as number;
  const before = { radio: cpuS(pid), host: process.cpuUsage(), atMs: performance.now() };
  for (let done = 0; done < TRIALS; done += WITH_RADIO)
    await Promise.all(
      Array.from({ length: WITH_RADIO }, (_, i) => bench.runTrial(trial(first + done + i, 20 - SNR_MINUS_GAIN_DB))),
    );
  const host = process.cpuUsage(before.host);
  return {
    radioUs: ((cpuS(pid) - before.radio) * 1e6) / TRIALS,
    hostUs: (host.user + host.system) / TRIALS,
    trialsPerS: TRIALS / ((performance.now() - before.atMs) / 1000),
  };
}

async function main(): Promise<void> {
  const bench = await new RadioProcessLauncher().open(twinSetup());
  let views = 0;
  bench.observe?.({ view: () => views++, health: () => undefined });
  await cost(bench, 0);
  const costs: Record<'alone' | 'watched', Cost[]> = { alone: [], watched: [] };
  for (let round = 0; round < ROUNDS; round++)
    for (const mode of ['alone', 'watched'] as const) {
      bench.watch?.({ views: mode === 'watched', sensors: mode === 'watched' });
      costs[mode].push(await cost(bench, 10_000 * (round + 1)));
    }
  await bench.close();
  console.log(`${ROUNDS} rounds of ${TRIALS} trials of 3 bursts each; medians; ${views} views`);
  for (const mode of ['alone', 'watched'] as const) {
    const of = (field: keyof Cost): string => median(costs[mode].map((one) => one[field])).toFixed(0);
    console.log(
      `${mode.padEnd(8)} radio process ${of('radioUs')} us a trial, host ${of('hostUs')} us, ${of('trialsPerS')} trials/s`,
    );
  }
}

void main();
