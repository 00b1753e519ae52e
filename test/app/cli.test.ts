import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { repositoryRoot } from '../../app/config/paths';
import { readRun } from '../../app/store/run-reader';
import { GOOD_FILE, writeExperiment, type HandFaults } from './hand-bench';

/** The real command line, over the bench written by hand. */
const HAND_CLI = path.join(__dirname, 'hand-cli.js');

let folder = '';
let file = '';
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-cli-'));
  file = writeExperiment(folder);
});
after(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function cli(args: readonly string[], faults: HandFaults = {}): Ended {
  const child = spawnSync(process.execPath, ['--enable-source-maps', HAND_CLI, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, HAND_FAULTS: JSON.stringify(faults) },
  });
  return { code: child.status, stdout: child.stdout, stderr: child.stderr };
}

function start(args: readonly string[], faults: HandFaults): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, ['--enable-source-maps', HAND_CLI, ...args], {
    cwd: folder,
    env: { ...process.env, HAND_FAULTS: JSON.stringify(faults) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...output })));
  return { child, ended };
}

/** Waits until so many trials are on the disk. */
async function trialsOnDisk(runFolder: string, count: number): Promise<void> {
  const log = path.join(runFolder, 'trials.jsonl');
  for (let i = 0; i < 600; i++) {
    if (existsSync(log) && readFileSync(log, 'utf8').split('"kind":"trial"').length > count) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${count} trials were not reached`);
}

const withoutClock = (runFolder: string): string =>
  readFileSync(path.join(runFolder, 'trials.jsonl'), 'utf8').replaceAll(/,"wallMs":\d+/g, '');

describe('otabench on the command line', () => {
  it('run --json ends with the contract, and exits with 0', () => {
    const out = path.join(folder, 'json');
    const { code, stdout, stderr } = cli(['run', file, '--out', out, '--json']);
    assert.equal(code, 0, stderr);
    const last = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
    assert.equal(last['run'], out);
    assert.equal(typeof last['wallS'], 'number');
    assert.equal(typeof last['questionsPerSecond'], 'number');
    const points = last['points'] as Record<string, unknown>[];
    assert.equal(points.length, 3);
    const keys =
      'arm requestedSnrDb measuredSnrDb trueSnrDb burstsSent burstsDetected headersOk questions accuracy accuracyLow accuracyHigh awgnAccuracy blindAccuracy';
    for (const key of keys.split(' ')) assert.ok(key in (points[0] ?? {}), key);
    assert.match(stdout, /on simulated twins/);
    assert.match(stdout, /true\*/);
    assert.match(stderr, /run folder .*json on simulated twins/);
    assert.ok(existsSync(path.join(out, 'report', 'index.html')));
  });

  it('lists every violation on its own line and exits with 2', () => {
    const bad = path.join(folder, 'bad.yml');
    writeFileSync(bad, GOOD_FILE.replace('seed: 7', 'seed: -7').replace('[0, 10, 20]', '[0, 99]'));
    for (const command of ['run', 'check']) {
      const { code, stdout, stderr } = cli([command, bad]);
      assert.equal(code, 2);
      assert.equal(stdout, '');
      const lines = stderr.trim().split('\n');
      assert.equal(lines.length, 2, stderr);
      assert.match(lines[0] ?? '', /bad.yml:2: seed: value -7; allowed an integer from 0 to 4294967295$/);
      assert.match(lines[1] ?? '', /bad.yml:\d+: sweep.snrDb\[1\]: value 99; allowed a number from -5 to 35 dB/);
    }
    assert.ok(!existsSync(path.join(folder, 'runs')));
  });

  const unusable: [string, string[], RegExp][] = [
    ['an unknown command', ['rnu'], /unknown command 'rnu'/],
    ['an unknown option', ['run', 'x.yml', '--jsno'], /unknown option '--jsno'/],
    ['a missing argument', ['run'], /missing required argument 'file'/],
    ['no file', ['run', 'nowhere.yml'], /nowhere.yml:1: cannot be read \(ENOENT\); allowed a readable YAML file/],
    ['a folder that is no run', ['report', '.'], /no run.json; allowed a run folder/],
    ['an export without a format', ['export', '.'], /required option '--format <format>'/],
    ['an export to something else', ['export', '.', '--format', 'xls'], /allowed csv, parquet/],
    ['an unknown driver', ['radios', '--driver', 'rtlsdr'], /allowed twin, uhd, hackrf/],
    ['an unknown benchmark', ['bench', 'lnk'], /did you mean "link"\? allowed link, quality, medium/],
    ['no command', [], /command: missing; allowed run, check/],
    ['a folder below a file', ['run', 'experiment.yml', '--out', 'experiment.yml/x'], /run folder .*ENOTDIR/],
    [
      'a folder that no one can make',
      ['run', 'experiment.yml', '--out', '/proc/otabench/x'],
      /allowed a folder that can be written/,
    ],
    ['a resume without a run', ['run', 'experiment.yml', '--resume'], /--resume: no unfinished run of this plan/],
  ];
  for (const [what, args, message] of unusable)
    it(`exits with 2 and one line for ${what}`, () => {
      const { code, stderr } = cli(args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    });

  it('refuses real radios until the safety layer is there', () => {
    const real = path.join(folder, 'real.yml');
    const text = GOOD_FILE.replaceAll(/driver: twin, serial: TWIN-(\w+)/g, 'driver: hackrf, serial: HRF-$1');
    writeFileSync(real, text.replace(/air:\n(?: .*\n)+/, ''));
    assert.equal(cli(['check', real]).code, 0);
    const { code, stderr } = cli(['run', real]);
    assert.equal(code, 2);
    assert.equal(stderr.trim().split('\n').length, 4);
    assert.match(
      stderr,
      /radios.text.driver: value "hackrf"; allowed twin \(transmitting on real radios waits for the safety layer\)/,
    );
  });

  it('check says what would happen, and does nothing', () => {
    const { code, stdout } = cli(['check', file]);
    assert.equal(code, 0);
    for (const part of [
      /300 \(3 points x 100, 40 different questions\)/,
      /air time/,
      /radiates {2}text: twin TWIN-TEXT at 2450.000 MHz/,
    ])
      assert.match(stdout, part);
    assert.ok(!existsSync(path.join(folder, 'runs')));
  });

  it('exits with 1 when the run fails, and says why in one line', () => {
    const { code, stderr } = cli(['run', file, '--out', path.join(folder, 'failing')], { offsetsDb: { text: -500 } });
    assert.equal(code, 1);
    assert.match(stderr, /otabench: the run failed: radios.text: no burst of TWIN-TEXT was heard/);
    assert.equal(readRun(path.join(folder, 'failing')).stop?.outcome, 'failed');
  });

  it('exits with 1 when the radio process is lost in mid-run, with a readable folder', () => {
    const out = path.join(folder, 'lost');
    const { code, stderr } = cli(['run', file, '--out', out], { dieAfterTrials: 200 });
    assert.equal(code, 1);
    assert.match(stderr, /the run failed: the radio process ended/);
    const { trials, stop } = readRun(out);
    assert.equal(stop?.outcome, 'failed');
    assert.equal(stop.trialsDone, trials.length);
    assert.equal(cli(['report', out]).code, 0);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    it(`stops cleanly on ${signal}`, async () => {
      const out = path.join(folder, signal);
      const { child, ended } = start(['run', file, '--out', out], { trialMs: 20 });
      await trialsOnDisk(out, 10);
      child.kill(signal);
      const { code, stderr } = await ended;
      assert.equal(code, 1);
      assert.match(stderr, /otabench: stopped after \d+ of 300 trials; continue with --resume --out/);
      assert.equal(readRun(out).stop?.outcome, 'stopped');
      assert.ok(existsSync(path.join(out, 'trials.parquet')));
    });

  it('leaves a readable run folder when it is killed, which report and --resume take', async () => {
    const out = path.join(folder, 'killed');
    const { child, ended } = start(['run', file, '--out', out], { trialMs: 20 });
    await trialsOnDisk(out, 70);
    child.kill('SIGKILL');
    await ended;
    const left = readRun(out);
    assert.equal(left.stop, null);
    assert.ok(left.trials.length >= 64 && left.trials.length < 300);
    // A run that was killed is reported as far as it came.
    const report = cli(['report', out]);
    assert.equal(report.code, 0, report.stderr);
    assert.match(readFileSync(report.stdout.trim(), 'utf8'), new RegExp(`${left.trials.length} of 300 trials so far`));
    const resumed = cli(['run', file, '--out', out, '--resume']);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.match(resumed.stderr, new RegExp(`${left.trials.length} of 300 trials done before`));
    const whole = path.join(folder, 'unbroken');
    assert.equal(cli(['run', file, '--out', whole]).code, 0);
    assert.ok(withoutClock(out) === withoutClock(whole), 'a resumed run differs from one that was never interrupted');
  });

  it('report and export rebuild what is asked', () => {
    const out = path.join(folder, 'json');
    rmSync(path.join(out, 'report'), { recursive: true });
    const report = cli(['report', out]);
    assert.equal(report.stdout.trim(), path.join(out, 'report', 'index.html'));
    assert.ok(existsSync(report.stdout.trim()));
    const exported = cli(['export', out, '--format', 'csv']);
    assert.equal(exported.code, 0, exported.stderr);
    for (const name of exported.stdout.trim().split('\n')) assert.ok(existsSync(name), name);
  });

  it('has a launcher that says what to do when it is not built', () => {
    const copy = path.join(folder, 'scripts', 'otabench');
    spawnSync('mkdir', ['-p', path.dirname(copy)]);
    spawnSync('cp', [path.join(repositoryRoot(), 'scripts', 'otabench'), copy]);
    const missing = spawnSync(copy, ['--version'], { encoding: 'utf8' });
    assert.equal(missing.status, 2);
    assert.match(missing.stderr, /dist\/app\/cli\/main.js is missing; run scripts\/setup first/);
    const real = spawnSync(path.join(repositoryRoot(), 'scripts', 'otabench'), ['--version'], { encoding: 'utf8' });
    assert.equal(real.status, 0);
    assert.match(real.stdout, /^\d+\.\d+\.\d+\n$/);
  });

  it('prints the environment for the twins in a form that a shell takes', () => {
    const { code, stdout } = cli(['twin-env']);
    assert.equal(code, 0);
    assert.match(stdout, /^export SOAPY_SDR_PLUGIN_PATH='[^']+'\n/);
  });
});
