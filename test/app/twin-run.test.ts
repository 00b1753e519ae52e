/** The whole way: experiments/smoke.yml over the twins, the radio process, and the committed bundle. */
import assert from 'node:assert/strict';
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { repositoryRoot } from '../../app/config/paths';
import { hostEventSchema, type HostEvent } from '../../app/ipc/host-messages';
import { readRun } from '../../app/store/run-reader';

const CLI = path.join(repositoryRoot(), 'dist', 'app', 'cli', 'main.js');
const SMOKE = path.join(repositoryRoot(), 'experiments', 'smoke.yml');

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-twins-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(...args: string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, ['--enable-source-maps', CLI, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  return { child, ended: new Promise((resolve) => child.on('close', (code) => resolve({ code, ...output }))) };
}

async function trialsOnDisk(runFolder: string, count: number): Promise<void> {
  const log = path.join(runFolder, 'trials.jsonl');
  for (let i = 0; i < 1200; i++) {
    if (existsSync(log) && readFileSync(log, 'utf8').split('"kind":"trial"').length > count) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${count} trials were not reached`);
}

/** trials.jsonl without what clocks say, and without attempts that a busy machine spoilt. */
function bits(runFolder: string): string {
  return readFileSync(path.join(runFolder, 'trials.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('{"kind":"spoilt"'))
    .join('\n')
    .replaceAll(/,"attempts":\d+,"wallMs":\d+/g, '');
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

describe('a run over the twins', () => {
  const whole = (): string => path.join(folder, 'whole');

  it('measures SNR as the medium knows it, and accuracy as over AWGN', async () => {
    const { code, stdout, stderr } = await start('run', SMOKE, '--out', whole(), '--json').ended;
    assert.equal(code, 0, stderr);
    const { stop, document } = readRun(whole());
    assert.equal(document.simulated, true);
    assert.equal(stop?.outcome, 'done');
    for (const point of stop.points) {
      assert.ok(Math.abs((point.measuredSnrDb ?? 99) - (point.requestedSnrDb ?? 0)) < 0.5, `${point.measuredSnrDb}`);
      assert.ok(Math.abs(point.snrErrorDb ?? 99) < 0.5, `${point.snrErrorDb}`);
      assert.equal(point.burstsSent, 3 * point.questions);
      assert.ok(point.headersOk >= 0.99 * point.burstsSent, `${point.headersOk} of ${point.burstsSent}`);
      // Few questions: within the paired interval, and never far off.
      assert.ok(Math.abs(point.difference ?? 99) < 0.1, `${point.difference}`);
      for (const user of point.users)
        for (const estimate of [user.preambleSnrDb, user.emptyCarriersSnrDb, user.pilotEvmSnrDb, user.genieSnrDb])
          assert.ok(
            estimate !== null && Math.abs(estimate - (point.requestedSnrDb ?? 0)) < 3,
            `${user.user} ${estimate}`,
          );
    }
    assert.match(stdout.trim().split('\n').at(-1) ?? '', /^\{"run":/);
  });

  it('gives the same bits a second time, killed in the middle and resumed', async () => {
    const out = path.join(folder, 'killed');
    const first = start('run', SMOKE, '--out', out);
    await trialsOnDisk(out, 40);
    first.child.kill('SIGKILL');
    await first.ended;
    const left = readRun(out);
    assert.equal(left.stop, null);
    assert.equal((await start('report', out).ended).code, 0);
    const resumed = await start('run', SMOKE, '--out', out, '--resume').ended;
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.ok(bits(out) === bits(whole()), 'a resumed run differs from one that was never interrupted');
    assert.equal(
      readFileSync(path.join(out, 'references.jsonl'), 'utf8'),
      readFileSync(path.join(whole(), 'references.jsonl'), 'utf8'),
    );
  });

  it('takes its radio process with it when it is killed', async () => {
    const out = path.join(folder, 'orphan');
    const { child, ended } = start('run', SMOKE, '--out', out);
    await trialsOnDisk(out, 1);
    const [radioProcess] = childrenOf(child.pid as number);
    assert.ok(radioProcess !== undefined);
    child.kill('SIGKILL');
    await ended;
    for (let i = 0; i < 100 && existsSync(`/proc/${radioProcess}`); i++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(!existsSync(`/proc/${radioProcess}`), 'the radio process outlived its host by 5 s');
  });

  it('fails when its radio process is killed, and leaves a folder that resumes', async () => {
    const out = path.join(folder, 'radio-killed');
    const { child, ended } = start('run', SMOKE, '--out', out);
    await trialsOnDisk(out, 20);
    const [radioProcess] = childrenOf(child.pid as number);
    assert.ok(radioProcess !== undefined);
    process.kill(radioProcess, 'SIGKILL');
    const { code, stderr } = await ended;
    assert.equal(code, 1);
    assert.match(stderr, /otabench: the run failed: the radio process ended/);
    assert.equal(readRun(out).stop?.outcome, 'failed');
    assert.ok(existsSync(path.join(out, 'report', 'index.html')));
    assert.equal((await start('run', SMOKE, '--out', out, '--resume').ended).code, 0);
    assert.ok(bits(out) === bits(whole()));
  });

  it('is refused with a bundle of which a bit is wrong', async () => {
    const copy = path.join(folder, 'bundle');
    cpSync(path.join(repositoryRoot(), 'models', 'bundles', 'digit-avqa'), copy, { recursive: true });
    const model = path.join(copy, 'answer-model.onnx');
    const bytes = readFileSync(model);
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    writeFileSync(model, bytes);
    const file = path.join(folder, 'wrong-bundle.yml');
    writeFileSync(file, readFileSync(SMOKE, 'utf8').replace(/bundle: .*/, 'bundle: bundle'));
    const { code, stderr } = await start('run', file, '--out', path.join(folder, 'refused')).ended;
    assert.equal(code, 2);
    assert.match(stderr, /wrong-bundle.yml:\d+: task.bundle: value "bundle"; allowed .*answer-model.onnx: sha256 is/);
    assert.equal(stderr.trim().split('\n').length, 1);
    assert.ok(!existsSync(path.join(folder, 'refused')));
  });

  it('runs in the host process of the desktop', async () => {
    const host = fork(path.join(repositoryRoot(), 'dist', 'app', 'host', 'main.js'), [], { cwd: folder });
    const events: HostEvent[] = [];
    const finished = new Promise<void>((resolve, reject) => {
      host.on('message', (message) => {
        const event = hostEventSchema.parse(message);
        events.push(event);
        if (event.type === 'error') reject(new Error(event.message));
        if (event.type === 'run-finished') resolve();
      });
    });
    host.send({ type: 'start-run', experimentFile: SMOKE });
    await finished;
    host.send({ type: 'shutdown' });
    const end = events.find((event) => event.type === 'run-finished');
    assert.equal(end?.outcome, 'done', end?.message ?? '');
    assert.ok(end.reportFile?.startsWith(path.join(folder, 'runs')));
    const expected = readRun(whole()).stop?.points.map(({ accuracy, awgnAccuracy }) => [accuracy, awgnAccuracy]);
    const points = events.flatMap((event) => (event.type === 'point' && event.complete ? [event.point] : []));
    assert.deepEqual(
      points.map(({ accuracy, awgnAccuracy }) => [accuracy, awgnAccuracy]),
      expected,
    );
  });
});
