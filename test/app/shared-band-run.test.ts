/** experiments/fdma.yml over the twins at a tiny size, killed and resumed; and one radio that plays all users. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../../app/config/paths';
import { readRun } from '../../app/store/run-reader';

const CLI = path.join(repositoryRoot(), 'dist', 'app', 'cli', 'main.js');

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-fdma-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, change: (text: string) => string): string {
  const file = path.join(folder, `${name}.yml`);
  const text = readFileSync(path.join(repositoryRoot(), 'experiments', 'fdma.yml'), 'utf8')
    .replace(/bundle: .*/, `bundle: ${path.join(repositoryRoot(), 'models', 'bundles', 'digit-avqa')}`)
    .replace(/snrDb: .*/, 'snrDb: [8]')
    .replace(/trialsPerPoint: .*/, 'trialsPerPoint: 80')
    .replace(/burstsPerRound: .*/, 'burstsPerRound: 16');
  writeFileSync(file, change(text));
  return file;
}

async function otabench(...args: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [CLI, ...args], { cwd: folder })).stdout;
}

/** trials.jsonl without what clocks say, and without attempts that a busy machine spoilt. */
function bits(run: string): string {
  return readFileSync(path.join(run, 'trials.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('{"kind":"spoilt"'))
    .join('\n')
    .replaceAll(/,"attempts":\d+,"wallMs":\d+/g, '');
}

describe('a run with users at once', () => {
  const out = (): string => path.join(folder, 'whole');

  it('ends, with all users served at the SNR that was asked for, and says how it was done', async () => {
    const file = write('fdma', (text) => text);
    assert.match(await otabench('check', file), /^schedule {2}fdma: fdma: users at once; grid carriers text 16.1 /m);
    const table = await otabench('run', file, '--out', out());
    assert.match(table, /^fdma, visual: 16.1 grid carriers, residual CFO at most [\d.]+ % of a carrier, leakage /m);
    assert.match(table, /^air time of a trial: in-turn [\d.]+ ms, fdma [\d.]+ ms$/m);
    const { document, stop, trials } = readRun(out());
    assert.deepEqual(
      document.plan.arms.map(({ name, schedule }) => [name, schedule]),
      [
        ['in-turn', 'turns'],
        ['fdma', 'fdma'],
      ],
    );
    const inTurn = stop?.points.find(({ arm }) => arm === 'in-turn');
    const atOnce = stop?.points.find(({ arm }) => arm === 'fdma');
    assert.ok(inTurn !== undefined && atOnce !== undefined && atOnce.headersOk === 240);
    for (const user of atOnce.users) {
      assert.ok(Math.abs((user.measuredSnrDb ?? 99) - 8) < 0.4, `${user.user}: ${user.measuredSnrDb} dB`);
      assert.ok(
        Math.abs((user.trueSnrDb ?? 99) - (user.measuredSnrDb ?? 0)) < 0.3,
        `${user.user}: ${user.trueSnrDb} dB`,
      );
    }
    assert.equal(stop?.sharedBand.length, 3);
    for (const { residualCfoMost, leakageHighDb, bursts } of stop?.sharedBand ?? []) {
      assert.equal(bursts, 80);
      assert.ok(residualCfoMost !== null && residualCfoMost < 0.01, `${residualCfoMost}`);
      assert.ok(leakageHighDb === null || leakageHighDb < -30, `${leakageHighDb}`);
    }
    const spans = trials.filter(({ arm }) => arm === 'fdma').map(({ airTimeS, bursts }) => [airTimeS, bursts] as const);
    for (const [airTimeS, bursts] of spans) {
      const longestS = Math.max(...bursts.map((burst) => burst.airTimeS));
      assert.ok(airTimeS !== null && airTimeS >= longestS - 1e-6 && airTimeS < longestS + 250e-6);
    }
    const html = readFileSync(path.join(out(), 'report', 'index.html'), 'utf8');
    assert.match(html, /Users at once/);
  });

  it('killed in the middle and resumed, gives the same bits', async () => {
    const file = path.join(folder, 'fdma.yml');
    const killed = path.join(folder, 'killed');
    const child = spawn(process.execPath, [CLI, 'run', file, '--out', killed], { cwd: folder, stdio: 'ignore' });
    const ended = new Promise((resolve) => child.on('close', resolve));
    const log = path.join(killed, 'trials.jsonl');
    for (let i = 0; i < 2400; i++) {
      if (existsSync(log) && readFileSync(log, 'utf8').split('"kind":"trial"').length > 40) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    child.kill('SIGKILL');
    await ended;
    assert.equal(readRun(killed).stop, null);
    await otabench('run', file, '--out', killed, '--resume');
    assert.ok(bits(killed) === bits(out()), 'a resumed run differs from one that was never interrupted');
  });

  it('may have one radio that plays all users in turn', async () => {
    const file = write('one', (text) =>
      text
        .replace(/arms:[^]*?\n\n/, '')
        .replaceAll(/(visual|audio): \{ driver: twin, serial: .* \}/g, '$1: { driver: twin, serial: TWIN-TEXT }'),
    );
    assert.match(await otabench('check', file), /^schedule {2}one-transmitter: one radio plays all users/m);
    const run = path.join(folder, 'one');
    await otabench('run', file, '--out', run);
    const { document, stop } = readRun(run);
    assert.equal(document.plan.arms[0]?.schedule, 'one-transmitter');
    assert.deepEqual([...new Set(document.radios.map(({ serial }) => serial))], ['TWIN-BASE', 'TWIN-TEXT']);
    const [point] = stop?.points ?? [];
    assert.ok(point !== undefined && point.headersOk === 240);
    for (const user of point.users) assert.ok(Math.abs((user.measuredSnrDb ?? 99) - 8) < 0.4, `${user.measuredSnrDb}`);
  });
});
