import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { loadImage } from '@napi-rs/canvas';
import type { SpoiltRecord } from '../../app/config/run-documents';
import { runExperiment, type RunEnd } from '../../app/host/run';
import { writeReport } from '../../app/report/report';
import { LineLog } from '../../app/store/line-log';
import { exportTables, readCsi } from '../../app/store/parquet';
import { readRun } from '../../app/store/run-reader';
import { COMMIT_TRIALS, COMMIT_WAIT_MS, RunWriter } from '../../app/store/run-writer';
import { HandLauncher, handParts, writeExperiment, type HandFaults } from './hand-bench';

let folder = '';
let whole: RunEnd;
before(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-store-'));
  whole = await run('whole', { spoiltAttempts: (id) => (id.includes('/q5/') ? 1 : 0), lostShare: 0.02 });
});
after(() => rmSync(folder, { recursive: true, force: true }));

function run(name: string, faults: HandFaults = {}): Promise<RunEnd> {
  const file = writeExperiment(folder);
  const request = { file, out: path.join(folder, name), resume: false };
  return runExperiment(request, handParts(new HandLauncher(faults)), {}, new AbortController().signal);
}

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll(sql)).getRowObjectsJson();
  connection.closeSync();
  return rows;
}

describe('a line log', () => {
  it('cuts what a crash tore, and goes on after it', async () => {
    const file = path.join(folder, 'torn.jsonl');
    for (const [content, kept] of [
      ['', ''],
      ['{"a":1}\n', '{"a":1}\n'],
      ['{"a":1}\n{"a":2', '{"a":1}\n'],
      ['{"a":', ''],
      [`{"a":1}\n${'x'.repeat(200_000)}`, '{"a":1}\n'],
    ] as const) {
      writeFileSync(file, content);
      const log = await LineLog.open(file);
      await log.append(['{"b":1}', '{"b":2}']);
      await log.close();
      assert.equal(readFileSync(file, 'utf8'), `${kept}{"b":1}\n{"b":2}\n`);
    }
  });
});

describe('the writer of a run folder', () => {
  const spoilt = (id: string): SpoiltRecord => ({ kind: 'spoilt', id, attempt: 1, events: [], wallMs: 0 });

  it('commits in groups, and says a line is safe when it is', async () => {
    const out = path.join(folder, 'commits');
    const writer = await RunWriter.create(out, readRun(whole.folder).document);
    const count = (): number => readFileSync(path.join(out, 'trials.jsonl'), 'utf8').split('\n').length - 1;
    const first = writer.record(spoilt('one'));
    assert.equal(count(), 0);
    const startMs = performance.now();
    await first;
    assert.ok(performance.now() - startMs >= COMMIT_WAIT_MS - 10, 'a lone line waits for company');
    assert.equal(count(), 1);
    await Promise.all(Array.from({ length: COMMIT_TRIALS }, (_, i) => writer.record(spoilt(`n${i}`))));
    assert.equal(count(), 1 + COMMIT_TRIALS);
    const last = writer.record(spoilt('last'));
    await writer.close();
    await last;
    assert.equal(count(), 2 + COMMIT_TRIALS);
    await assert.rejects(writer.record(spoilt('late')), /closed/);
  });

  it('never takes a folder that holds a run', async () => {
    const { document } = readRun(whole.folder);
    await assert.rejects(RunWriter.create(whole.folder, document), /holds a run already/);
  });
});

describe('a run folder', () => {
  it('has what docs/experiments.md lists, and nothing half written', () => {
    assert.deepEqual(readdirSync(whole.folder).sort(), [
      'csi.parquet',
      'references.jsonl',
      'report',
      'run.json',
      'stop.json',
      'trials.jsonl',
      'trials.parquet',
      'views.ndjson',
    ]);
    const { document } = readRun(whole.folder);
    assert.equal(document.seed, 7);
    assert.equal(document.simulated, true);
    assert.equal(document.radios.length, 4);
    assert.equal(document.bundle.hash, 'ab'.repeat(32));
    assert.match(document.git.commit ?? '', /^[0-9a-f]{40}$/);
    assert.ok(document.versions['node'] !== undefined);
    assert.equal(document.plan.questions.length, 100);
    assert.equal(
      document.plan.families.reduce((sum, { trials }) => sum + trials, 0),
      100,
    );
  });

  it('has as many rows in trials.parquet as lines, and the hash of those lines', async () => {
    const text = readFileSync(path.join(whole.folder, 'trials.jsonl'));
    const lines = text.toString().split('\n').length - 1;
    const file = path.join(whole.folder, 'trials.parquet');
    const [counted] = await query(`SELECT count(*) AS n, count(*) FILTER (kind = 'spoilt') AS spoilt FROM '${file}'`);
    assert.equal(Number(counted?.['n']), lines);
    assert.ok(Number(counted?.['spoilt']) > 0);
    const [metadata] = await query(
      `SELECT decode(value) AS hash FROM parquet_kv_metadata('${file}') WHERE decode(key) = 'trials_jsonl_sha256'`,
    );
    assert.equal(metadata?.['hash'], createHash('sha256').update(text).digest('hex'));
    const [accuracy] = await query(
      `SELECT avg(correct::INT) AS accuracy, avg(b.snrDb) AS snr FROM
        (SELECT correct, unnest(bursts) AS b FROM '${file}' WHERE kind = 'trial' AND requestedSnrDb = 10)`,
    );
    assert.ok(Math.abs(Number(accuracy?.['accuracy']) - (whole.stop.points[1]?.accuracy ?? 9)) < 1e-9);
    assert.ok(Math.abs(Number(accuracy?.['snr']) - (whole.stop.points[1]?.measuredSnrDb ?? 9)) < 1e-9);
  });

  it('has one row in csi.parquet for every carrier of every received burst of every fifth trial', async () => {
    const { trials } = readRun(whole.folder);
    const bursts = trials
      .filter(({ index }) => index % 5 === 0)
      .flatMap((trial) => trial.bursts.filter((b) => b.headerOk));
    const [row] = await query(
      `SELECT count(*) AS n, count(DISTINCT trial || "user") AS bursts, min(carrier) AS low, max(carrier) AS high
        FROM '${path.join(whole.folder, 'csi.parquet')}'`,
    );
    assert.equal(Number(row?.['bursts']), bursts.length);
    assert.equal(Number(row?.['n']) % bursts.length, 0);
    assert.equal(Number(row?.['low']), -26);
    assert.equal(Number(row?.['high']), 26);
    assert.equal((await readCsi(whole.folder)).length, Number(row?.['n']));
  });

  it('exports flat tables', async () => {
    for (const format of ['csv', 'parquet'] as const) {
      const files = await exportTables(whole.folder, format);
      assert.deepEqual(
        files.map((file) => path.basename(file)),
        [`trials.${format}`, `bursts.${format}`],
      );
      const [trials] = await query(`SELECT count(*) AS n FROM '${files[0]}' WHERE kind = 'trial'`);
      assert.equal(Number(trials?.['n']), 300);
      const [bursts] = await query(
        `SELECT count(*) AS n, count(DISTINCT "user") AS users FROM '${files[1]}' WHERE kind = 'trial'`,
      );
      assert.equal(Number(bursts?.['n']), 900);
      assert.equal(Number(bursts?.['users']), 3);
    }
    rmSync(path.join(whole.folder, 'export'), { recursive: true });
  });
});

describe('the report', () => {
  const page = (runFolder: string): string => readFileSync(path.join(runFolder, 'report', 'index.html'), 'utf8');

  it('is one file that refers to nothing outside', () => {
    const html = page(whole.folder);
    const references = [...html.matchAll(/(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]{1,40})/g)].map(
      (match) => match[1] ?? '',
    );
    assert.ok(references.length >= 4);
    for (const reference of references) assert.ok(reference.startsWith('data:image/png;base64,'), reference);
    assert.ok(!/<script|<link|https?:\/\/|@import/.test(html));
  });

  it('shows table, families, estimators, provenance, and says that twins are simulated', () => {
    const html = page(whole.folder);
    for (const part of ['simulated twins', 'True, of the twins', 'Blind prior', '95 % interval', 'count', 'where'])
      assert.ok(html.includes(part), part);
    for (const part of ['Empty carriers', 'Pilot EVM', 'Genie', 'ab'.repeat(32), 'TWIN-VISUAL', 'overflow'])
      assert.ok(html.includes(part), part);
    const accuracy = (100 * (whole.stop.points[2]?.accuracy ?? 0)).toFixed(1);
    assert.ok(html.includes(`<td>${accuracy} %</td>`));
  });

  it('has pictures that are PNG and not blank', async () => {
    for (const name of ['accuracy', 'constellation', 'channel', 'carrier-snr']) {
      const file = path.join(whole.folder, 'report', `${name}.png`);
      const bytes = readFileSync(file);
      assert.deepEqual([...bytes.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
      const image = await loadImage(bytes);
      assert.ok(image.width >= 600 && image.height >= 400, `${name} ${image.width} x ${image.height}`);
      assert.ok(bytes.length > 20_000, `${name} ${bytes.length}`);
      assert.ok(page(whole.folder).includes(bytes.toString('base64').slice(0, 200)));
    }
  });

  it('escapes what a file could bring in', async () => {
    const out = path.join(folder, 'escaped');
    const writer = await RunWriter.create(out, {
      ...readRun(whole.folder).document,
      name: '<script>alert(1)</script>',
    });
    await writer.close();
    await writeReport(out);
    assert.ok(!page(out).includes('<script>'));
    assert.ok(page(out).includes('&lt;script&gt;'));
  });

  it('can be made of a run that has only begun', async () => {
    const out = path.join(folder, 'begun');
    const writer = await RunWriter.create(out, readRun(whole.folder).document);
    await writer.close();
    assert.ok(existsSync(await writeReport(out)));
    assert.ok(page(out).includes('0 of 300 trials so far'));
  });
});
