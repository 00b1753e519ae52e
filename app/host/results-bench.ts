/** `otabench bench results`: how long the Results view waits for a store of many runs. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ListQuery, ResultsReply } from '../ipc/results-messages';
import { INDEX_FILE } from '../store/run-index';
import { runFiles } from '../store/layout';
import { armsOf, PointTable } from '../store/points';
import { readRun } from '../store/run-reader';
import { makeRuns } from './made-runs';
import type { BenchRow } from './models-bench';
import { ResultsThread } from './results-thread';

const RUNS = 1000;
const TRIALS = 10_000;
const DISTINCT = 12;
const GOAL_S = 2;

const LIST: ListQuery = {
  kind: 'list',
  words: '',
  tag: null,
  state: null,
  order: 'started',
  descending: true,
  offset: 0,
  limit: 100,
};

interface Time {
  readonly wallS: number;
  /** Of all threads. */
  readonly cpuS: number;
}

/** Files are in the page cache, as after a run that has just been written. */
async function timeOf(work: () => Promise<unknown>): Promise<Time> {
  const startMs = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wallS: (performance.now() - startMs) / 1e3, cpuS: (user + system) / 1e6 };
}

export async function benchResults(bundleFolder: string): Promise<BenchRow[]> {
  const parent = mkdtempSync(path.join(os.tmpdir(), 'otabench-bench-results-'));
  try {
    await makeRuns(parent, { runs: RUNS, trials: TRIALS, distinct: DISTINCT, bundleFolder });
    return await measure(parent);
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

async function measure(parent: string): Promise<BenchRow[]> {
  const names = readdirSync(parent).sort();
  const newest = names.at(-1) as string;
  const opened = async (thread: ResultsThread): Promise<void> => {
    whole(await thread.ask({ call: 'query', query: LIST }));
    whole(await thread.ask({ call: 'query', query: { kind: 'chart', chart: 'accuracy', fit: false, runs: [newest] } }));
  };
  const inThread = async (work: (thread: ResultsThread) => Promise<unknown>): Promise<Time> => {
    const thread = new ResultsThread(parent);
    const time = await timeOf(() => work(thread));
    await thread.close();
    return time;
  };
  const openFirst = await inThread(opened);
  const openAgain = await inThread(opened);
  const overlay = await inThread(async (thread) =>
    whole(
      await thread.ask({
        call: 'query',
        query: { kind: 'chart', chart: 'accuracy', fit: false, runs: names.slice(-DISTINCT) },
      }),
    ),
  );
  rmSync(path.join(parent, INDEX_FILE));
  const parse = await timeOf(() => {
    for (const name of names) {
      const files = runFiles(path.join(parent, name));
      for (const file of [files.run, files.stop]) JSON.parse(readFileSync(file, 'utf8'));
    }
    return Promise.resolve();
  });
  const lines = await timeOf(() => Promise.resolve(fromLines(path.join(parent, newest))));
  const store = `${RUNS} runs of ${TRIALS} trials`;
  const rows = (what: string, time: Time, peer: string, peerTime: Time, peers = 1): BenchRow[] =>
    (['wallS', 'cpuS'] as const).map((kind) => ({
      figure: `${what}, ${kind === 'wallS' ? 'wall clock' : 'CPU time of all threads'}`,
      value: time[kind],
      unit: 's',
      goal: GOAL_S,
      peer,
      peerValue: peers * peerTime[kind],
      met: time[kind] <= GOAL_S,
    }));
  return [
    ...rows(`table and a chart, no index yet, ${store}`, openFirst, 'parsing run.json and stop.json alone', parse),
    ...rows(`table and a chart, with index, ${store}`, openAgain, "the chart's figures from trials.jsonl", lines),
    ...rows(`chart of ${DISTINCT} runs of ${TRIALS} trials`, overlay, 'the same from trials.jsonl', lines, DISTINCT),
  ];
}

/** What the chart shows, without DuckDB. */
function fromLines(folder: string): void {
  const { document, trials } = readRun(folder);
  const table = new PointTable({
    arms: armsOf(document),
    users: document.users,
    trialsPerPoint: document.plan.trialsPerPoint,
    blindAccuracy: document.plan.blindAccuracy,
  });
  for (const trial of trials) table.addTrial(trial);
  table.summaries();
}

function whole(reply: ResultsReply): void {
  if (reply.kind === 'error') throw new Error(reply.message);
  if (reply.kind === 'list' && reply.runs !== RUNS) throw new Error(`${reply.runs} of ${RUNS} runs in the table`);
  if (reply.kind === 'chart' && reply.model.series.length === 0) throw new Error('a chart without series');
}
