import assert from 'node:assert/strict';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { loadImage } from '@napi-rs/canvas';
import { runExperiment } from '../../app/host/run';
import { ResultsService } from '../../app/host/results-service';
import { ResultsThread } from '../../app/host/results-thread';
import type { ListQuery, PointKey, ReplyTo, ResultsQuery, ResultsReply } from '../../app/ipc/results-messages';
import { resultsQuerySchema, resultsReplySchema } from '../../app/ipc/results-messages';
import { readRun } from '../../app/store/run-reader';
import { INDEX_FILE } from '../../app/store/run-index';
import { GOOD_FILE, HandLauncher, handParts, writeExperiment, type HandFaults } from './hand-bench';

let folder = '';
let runs = '';
let results: ResultsService;

async function record(name: string, faults: HandFaults = {}, text = GOOD_FILE): Promise<void> {
  const request = { file: writeExperiment(folder, text), out: path.join(runs, name), resume: false };
  await runExperiment(request, handParts(new HandLauncher(faults)), {}, new AbortController().signal);
}

before(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-results-'));
  runs = path.join(folder, 'runs');
  mkdirSync(runs);
  await record('first', { lostShare: 0.02, spoiltAttempts: (id) => (id.includes('/q5/') ? 9 : 0) });
  await record('second', { lostShare: 0.4 });
  // What a power cut leaves: no stop document, no copies, a torn last line.
  cpSync(path.join(runs, 'first'), path.join(runs, 'killed'), { recursive: true });
  for (const file of ['stop.json', 'trials.parquet', 'report'])
    rmSync(path.join(runs, 'killed', file), { recursive: true });
  appendFileSync(path.join(runs, 'killed', 'trials.jsonl'), '{"kind":"trial","id":"torn');
  for (const [name, file, text] of [
    ['half-written', 'run.json', '{"format":1,"name":"half'],
    ['of-the-future', 'run.json', '{"format":2}'],
    ['only-a-lock', 'writer.json', '{"pid":1,"start":null}'],
    ['no-run', 'readme.txt', 'not a run'],
  ] as const) {
    mkdirSync(path.join(runs, name));
    writeFileSync(path.join(runs, name, file), text);
  }
  cpSync(path.join(runs, 'first'), path.join(runs, 'bad-stop'), { recursive: true });
  writeFileSync(path.join(runs, 'bad-stop', 'stop.json'), '{"format":1,"outcome":"splendid"}');
  results = await ResultsService.open(runs);
});
after(() => rmSync(folder, { recursive: true, force: true }));

const LIST: ListQuery = {
  kind: 'list',
  words: '',
  tag: null,
  state: null,
  order: 'name',
  descending: false,
  offset: 0,
  limit: 100,
};

/** As the channel has it: what is asked and what is answered parses. */
async function ask<Kind extends ResultsQuery['kind']>(
  query: Extract<ResultsQuery, { kind: Kind }>,
  service = results,
): Promise<ReplyTo<Kind>> {
  const reply: ResultsReply = resultsReplySchema.parse(await service.answer(resultsQuerySchema.parse(query)));
  if (reply.kind === 'error') throw new Error(reply.message);
  return reply as ReplyTo<Kind>;
}

const at = (run: string, requestedSnrDb: number): PointKey => ({
  run,
  arm: 'over-the-air',
  requestedSnrDb,
  bandwidthHz: null,
  powerDb: null,
});

describe('the table of runs', () => {
  it('has every run, whole or not, and says what is wrong with those that are not', async () => {
    const { rows, runs: count } = await ask(LIST);
    assert.equal(count, 7);
    const said = new Map(rows.map(({ run, state, message }) => [run, `${state}: ${message}`]));
    assert.equal(said.get('first'), 'done: null');
    assert.match(said.get('killed') ?? '', /^unfinished: no stop\.json/);
    assert.match(said.get('half-written') ?? '', /^unreadable: run\.json: .*JSON/);
    assert.match(said.get('of-the-future') ?? '', /^unreadable: run\.json:1: format/);
    assert.match(said.get('only-a-lock') ?? '', /^unreadable: .*no run\.json/);
    assert.match(said.get('bad-stop') ?? '', /^unreadable: stop\.json:1: outcome/);
    assert.equal(said.has('no-run'), false);
  });

  it('carries accuracy with count, interval and blind prior, as stop.json has it', async () => {
    const { rows } = await ask({ ...LIST, words: 'first' });
    const stop = readRun(path.join(runs, 'first')).stop;
    const point = stop?.points.at(-1);
    const row = rows.find(({ run }) => run === 'first');
    assert.deepEqual(row?.top, {
      arm: 'over-the-air',
      requestedSnrDb: 20,
      bandwidthHz: null,
      powerDb: null,
      accuracy: point?.accuracy,
      low: point?.accuracyLow,
      high: point?.accuracyHigh,
      questions: point?.questions,
      blind: point?.blindAccuracy,
    });
    assert.equal(row?.trialsDone, 300);
    assert.equal(row?.simulated, true);
    assert.deepEqual(row?.snrDb, { min: 0, max: 20 });
  });

  it('counts what a killed run has, without the torn line', async () => {
    const { rows } = await ask({ ...LIST, state: 'unfinished' });
    assert.deepEqual(
      rows.map(({ run, trialsDone, trialsTotal }) => [run, trialsDone, trialsTotal]),
      [['killed', 300, 300]],
    );
  });

  it('filters, orders and pages', async () => {
    const names = async (query: Partial<ListQuery>): Promise<string[]> =>
      (await ask({ ...LIST, ...query })).rows.map(({ run }) => run);
    assert.deepEqual(await names({ words: 'HAND nothing' }), []);
    assert.deepEqual(await names({ state: 'done', order: 'started', descending: true }), ['second', 'first']);
    assert.deepEqual(await names({ state: 'done', order: 'accuracy' }), ['second', 'first']);
    assert.deepEqual(await names({ state: 'done', offset: 1, limit: 1, order: 'started' }), ['second']);
    assert.equal((await ask({ ...LIST, state: 'done', limit: 1 })).matching, 2);
  });

  it('is remembered by size and time of the files, read anew when they change, and rebuilt when the cache is spoilt', async () => {
    const file = path.join(runs, INDEX_FILE);
    const kept = JSON.parse(readFileSync(file, 'utf8')) as { runs: Record<string, { summary: { name: string } }> };
    (kept.runs['first'] as { summary: { name: string } }).summary.name = 'from the cache';
    writeFileSync(file, JSON.stringify(kept));
    const nameIn = async (): Promise<string | null | undefined> =>
      (await ask(LIST, await ResultsService.open(runs))).rows.find(({ run }) => run === 'first')?.name;
    assert.equal(await nameIn(), 'from the cache');
    utimesSync(path.join(runs, 'first', 'run.json'), 1, 1);
    assert.equal(await nameIn(), readRun(path.join(runs, 'first')).document.name);
    writeFileSync(file, '{"format":1,"runs":{"first":');
    assert.equal((await ask(LIST, await ResultsService.open(runs))).runs, 7);
  });

  it('is empty where there is no folder', async () => {
    const nowhere = await ResultsService.open(path.join(folder, 'nowhere'));
    assert.deepEqual((await ask(LIST, nowhere)).rows, []);
    assert.equal(existsSync(path.join(folder, 'nowhere')), false);
  });
});

describe('tags and notes', () => {
  it('are kept beside the run, whose own files stay as they were', async () => {
    const read = (): string[] =>
      ['run.json', 'trials.jsonl', 'stop.json'].map((name) => readFileSync(path.join(runs, 'second', name), 'utf8'));
    const before = read();
    const { summary } = await ask({
      kind: 'annotate',
      run: 'second',
      tags: ['night', 'bad', 'night'],
      note: 'Lossy air.',
    });
    assert.deepEqual([summary.tags, summary.note], [['bad', 'night'], 'Lossy air.']);
    assert.deepEqual(read(), before);
    assert.deepEqual(
      (await ask({ ...LIST, tag: 'night' })).rows.map(({ run }) => run),
      ['second'],
    );
    assert.deepEqual(
      (await ask({ ...LIST, words: 'lossy' })).rows.map(({ run }) => run),
      ['second'],
    );
    assert.deepEqual((await ask(LIST)).tags, [
      { tag: 'bad', runs: 1 },
      { tag: 'night', runs: 1 },
    ]);
    assert.deepEqual(
      readdirSync(path.join(runs, 'second')).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });

  it('that cannot be read are said, and kept aside when written', async () => {
    writeFileSync(path.join(runs, 'second', 'notes.json'), '{"tags":');
    const row = (await ask(LIST)).rows.find(({ run }) => run === 'second');
    assert.equal(row?.state, 'done');
    assert.match(row?.message ?? '', /notes\.json/);
    await ask({ kind: 'annotate', run: 'second', tags: [], note: '' });
    assert.equal(readFileSync(path.join(runs, 'second', 'notes.unreadable.json'), 'utf8'), '{"tags":');
  });

  it('are refused for what is no run of the folder', async () => {
    for (const run of ['../first', '..', 'a/b', ''])
      assert.throws(() => resultsQuerySchema.parse({ kind: 'run', run }));
    await assert.rejects(ask({ kind: 'annotate', run: 'no-run', tags: [], note: '' }), /no-run is not in/);
    assert.deepEqual(readdirSync(path.join(runs, 'no-run')), ['readme.txt']);
  });
});

describe('charts', () => {
  it('hold what stop.json holds, computed from the trials', async () => {
    const { model } = await ask({ kind: 'chart', chart: 'accuracy', fit: false, runs: ['first'] });
    const points = readRun(path.join(runs, 'first')).stop?.points ?? [];
    const [measured, awgn, blind] = model.series;
    assert.equal(model.source, 'simulated');
    assert.deepEqual(
      measured?.dots.map(({ count }) => count),
      points.map(({ questions }) => questions),
    );
    points.forEach((point, index) => {
      const dot = measured?.dots[index];
      for (const [found, expected] of [
        [dot?.x, point.measuredSnrDb],
        [dot?.y, 100 * (point.accuracy ?? NaN)],
        [dot?.low, 100 * (point.accuracyLow ?? NaN)],
        [dot?.high, 100 * (point.accuracyHigh ?? NaN)],
        [awgn?.dots[index]?.y, 100 * (point.awgnAccuracy ?? NaN)],
        [blind?.dots[0]?.y, 100 * (point.blindAccuracy ?? NaN)],
      ] as const)
        assert.ok(Math.abs((found ?? NaN) - (expected ?? NaN)) < 1e-9, `${found} against ${expected}`);
    });
  });

  it('of a killed run are those of the run that was not, and its copy of the trials is made again', async () => {
    const dots = async (run: string): Promise<unknown> =>
      (await ask({ kind: 'chart', chart: 'accuracy', fit: false, runs: [run] })).model.series[0]?.dots.map(
        ({ x, y }) => [x, y],
      );
    assert.deepEqual(await dots('killed'), await dots('first'));
    assert.ok(existsSync(path.join(runs, 'killed', 'trials.parquet')));
  });

  it('never come from a copy that does not fit its lines', async () => {
    cpSync(path.join(runs, 'first'), path.join(runs, 'stale'), { recursive: true });
    const lines = path.join(runs, 'stale', 'trials.jsonl');
    writeFileSync(lines, readFileSync(lines, 'utf8').replaceAll('"correct":true', '"correct":false'));
    const { model } = await ask({ kind: 'chart', chart: 'accuracy', fit: false, runs: ['stale'] });
    assert.deepEqual([...new Set(model.series[0]?.dots.map(({ y }) => y))], [0]);
    rmSync(path.join(runs, 'stale'), { recursive: true });
  });

  it('overlay runs, and a run that cannot be read hides no other', async () => {
    const { model } = await ask({
      kind: 'chart',
      chart: 'accuracy',
      fit: false,
      runs: ['first', 'half-written', 'second'],
    });
    const measured = model.series.filter(({ kind }) => kind === 'measured');
    assert.deepEqual(
      measured.map(({ run, colour }) => [run, colour]),
      [
        ['first', 0],
        ['second', 1],
      ],
    );
    assert.match(model.missing.join(), /half-written: .*run\.json/);
  });

  it('of the loss: cross-entropy against the pooled tokens that were sent', async () => {
    const { model } = await ask({ kind: 'chart', chart: 'loss', fit: false, runs: ['first'] });
    const { trials } = readRun(path.join(runs, 'first'));
    assert.deepEqual(
      model.series.map(({ label }) => label),
      ['0 dB', '10 dB', '20 dB'],
    );
    const own = trials.filter(({ valid, requestedSnrDb }) => valid && requestedSnrDb === 10);
    const [first] = own;
    const mean = own.reduce((sum, { logProbability }) => sum - (logProbability ?? NaN), 0) / own.length;
    const dot = model.series[1]?.dots[0];
    assert.ok(Math.abs((dot?.y ?? NaN) - mean) < 1e-9);
    assert.equal(dot?.count, own.length);
    const tokens = first?.bursts.filter(({ user }) => user !== 'text').reduce((sum, burst) => sum + burst.tokens, 0);
    assert.equal(dot?.x, tokens);
  });
});

describe('comparing runs', () => {
  it('pairs the questions and counts what only one got right', async () => {
    const { rows, problems } = await ask({ kind: 'compare', first: 'first', second: 'second' });
    assert.deepEqual(problems, []);
    assert.equal(rows.length, 3);
    const answers = (run: string): Map<string, boolean | null> =>
      new Map(
        readRun(path.join(runs, run))
          .trials.filter(({ valid, requestedSnrDb }) => valid && requestedSnrDb === 20)
          .map(({ id, correct }) => [id, correct]),
      );
    const [first, second] = [answers('first'), answers('second')];
    const both = [...first].filter(([id]) => second.has(id));
    const row = rows.find(({ requestedSnrDb }) => requestedSnrDb === 20);
    assert.equal(row?.questions, both.length);
    assert.equal(row?.onlyFirstCorrect, both.filter(([id, correct]) => correct && !second.get(id)).length);
    assert.equal(row?.onlySecondCorrect, both.filter(([id, correct]) => !correct && second.get(id)).length);
    assert.ok((row?.difference ?? 0) < 0 && (row?.pValue ?? 1) < 0.05, JSON.stringify(row));
  });

  it('is refused for runs of other questions, and for one arm alone', async () => {
    cpSync(path.join(runs, 'first'), path.join(runs, 'other'), { recursive: true });
    const file = path.join(runs, 'other', 'run.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('ab'.repeat(32), 'cd'.repeat(32)));
    assert.match((await ask({ kind: 'compare', first: 'first', second: 'other' })).problems.join(), /other questions/);
    rmSync(path.join(runs, 'other'), { recursive: true });
    assert.match((await ask({ kind: 'compare', first: 'first', second: 'first' })).problems.join(), /one arm/);
  });
});

describe('the trials of a point', () => {
  const TRIALS = { kind: 'trials', answers: 'all', family: null, order: 'index', offset: 0, limit: 200 } as const;

  it('are the lines of the run, filtered and ordered', async () => {
    const point = at('first', 10);
    const all = await ask({ ...TRIALS, point });
    const lines = readRun(path.join(runs, 'first')).trials.filter(({ requestedSnrDb }) => requestedSnrDb === 10);
    assert.deepEqual(
      all.rows.map(({ id }) => id),
      lines.map(({ id }) => id),
    );
    assert.equal(all.invalid, lines.filter(({ valid }) => !valid).length);
    assert.ok(all.invalid > 0);
    const wrong = await ask({ ...TRIALS, point, answers: 'wrong', order: 'least-probable' });
    assert.equal(wrong.matching, lines.filter(({ valid, correct }) => valid && correct === false).length);
    const probabilities = wrong.rows.map(({ probability }) => probability ?? NaN);
    assert.deepEqual(
      probabilities,
      [...probabilities].sort((a, b) => a - b),
    );
    const [family = ''] = all.families;
    const own = await ask({ ...TRIALS, point, family, limit: 3 });
    assert.equal(own.rows.length, 3);
    assert.ok(own.rows.every((row) => row.family === family));
  });

  it('open one by one: bursts, symbols, channel, and why there is no picture', async () => {
    const line = readRun(path.join(runs, 'first')).trials.find(
      ({ valid, bursts }) => valid && bursts.every((b) => b.headerOk),
    );
    const reply = await ask({ kind: 'trial', run: 'first', id: line?.id ?? '' });
    assert.deepEqual(
      reply.bursts.map(({ user, snrDb }) => [user, snrDb]),
      line?.bursts.map(({ user, snrDb }) => [user, snrDb]),
    );
    assert.match(reply.sampleProblem ?? '', /bundle/);
    assert.equal(reply.symbols.users.length, 3);
    const withChannel = readRun(path.join(runs, 'first')).trials[0]?.id ?? '';
    const { channel } = await ask({ kind: 'trial', run: 'first', id: withChannel });
    assert.deepEqual([...new Set(channel.map(({ carriers }) => carriers.length))], [48]);
    await assert.rejects(ask({ kind: 'trial', run: 'first', id: "x' OR true --" }), /no trial/);
  });
});

describe('the thread that reads runs', () => {
  let thread: ResultsThread;
  before(() => {
    thread = new ResultsThread(runs);
  });
  after(() => thread.close());

  it('answers, and exports pictures and tables', async () => {
    const chart = { what: 'chart' as const, chart: 'accuracy' as const, fit: false, runs: ['first', 'second'] };
    const file = (name: string): string => path.join(folder, name);
    for (const format of ['png', 'svg', 'csv', 'parquet'] as const)
      await thread.ask({ call: 'export', request: { ...chart, format }, file: file(`chart.${format}`) });
    const picture = await loadImage(readFileSync(file('chart.png')));
    assert.equal(picture.width, 1800);
    const svg = readFileSync(file('chart.svg'), 'utf8');
    assert.match(svg, /^<\?xml/);
    assert.ok((svg.match(/<path/g) ?? []).length > 50, 'the chart is drawn');
    const { model } = await ask({ kind: 'chart', chart: 'accuracy', fit: false, runs: ['first', 'second'] });
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    for (const format of ['csv', 'parquet'] as const) {
      await thread.ask({
        call: 'export',
        request: { what: 'trials', run: 'first', format },
        file: file(`trials.${format}`),
      });
      const rows = await connection.runAndReadAll(
        `SELECT series, y, low95, questions FROM '${file(`chart.${format}`)}'`,
      );
      const dots = model.series.flatMap(({ label, dots: own }) =>
        own.map(({ y, low, count }) => [label, y, low, count]),
      );
      assert.deepEqual(
        rows
          .getRowsJson()
          .map((row) =>
            row.map((cell) =>
              typeof cell === 'string' && cell !== '' && !Number.isNaN(Number(cell)) ? Number(cell) : cell,
            ),
          ),
        dots,
      );
      const counted = await connection.runAndReadAll(`SELECT count(*)::INTEGER FROM '${file(`trials.${format}`)}'`);
      assert.deepEqual(counted.getRowsJson(), [[300]]);
    }
    connection.closeSync();
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.includes('.tmp')),
      [],
    );
  });

  it('leaves nothing behind where it cannot write, and says why', async () => {
    const chart = { what: 'chart' as const, chart: 'loss' as const, fit: false, runs: ['first'] };
    for (const format of ['svg', 'parquet'] as const)
      await assert.rejects(
        thread.ask({ call: 'export', request: { ...chart, format }, file: path.join(folder, 'absent', `x.${format}`) }),
        /absent/,
      );
    assert.equal(existsSync(path.join(folder, 'absent')), false);
  });

  it('makes the report of a run that has none', async () => {
    const file = await thread.ask({ call: 'report', run: 'killed' });
    assert.ok(readFileSync(file, 'utf8').includes('All figures on this page come from simulated twins'));
  });
});
