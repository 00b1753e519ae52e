import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { repositoryRoot } from '../../app/config/paths';
import { SECTION_NAMES } from '../../app/experiment/schema';
import { summarisePlan } from '../../app/host/plan-summary';
import { HostService } from '../../app/host/service';
import { hostEventSchema, type FormField, type HostEvent, type PlanChecked } from '../../app/ipc/host-messages';
import { readRun } from '../../app/store/run-reader';
import { GOOD_FILE, HandLauncher, handParts, writeExperiment, type HandFaults } from './hand-bench';

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-host-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Keeps what it is told, and refuses what the contract does not know. */
class Listener {
  readonly events: HostEvent[] = [];
  private waiting: { readonly test: (event: HostEvent) => boolean; readonly resolve: (event: HostEvent) => void }[] =
    [];

  post(event: unknown): void {
    const parsed = hostEventSchema.parse(event);
    this.events.push(parsed);
    this.waiting = this.waiting.filter(({ test, resolve }) => {
      if (!test(parsed)) return true;
      resolve(parsed);
      return false;
    });
  }

  until<Type extends HostEvent['type']>(type: Type): Promise<Extract<HostEvent, { type: Type }>> {
    const known = this.events.find((event) => event.type === type);
    if (known !== undefined) return Promise.resolve(known as Extract<HostEvent, { type: Type }>);
    return new Promise((resolve) => {
      this.waiting.push({
        test: (event) => event.type === type,
        resolve: resolve as (event: HostEvent) => void,
      });
    });
  }

  all<Type extends HostEvent['type']>(type: Type): Extract<HostEvent, { type: Type }>[] {
    return this.events.filter((event) => event.type === type) as Extract<HostEvent, { type: Type }>[];
  }
}

function service(faults: HandFaults = {}): {
  host: HostService;
  control: Listener;
  launcher: HandLauncher;
  exits: number[];
  file: string;
} {
  const control = new Listener();
  const exits: number[] = [];
  const launcher = new HandLauncher(faults);
  const parts = handParts(launcher);
  const host = new HostService(
    '1.2.3',
    control,
    () => Promise.resolve(parts),
    (code) => exits.push(code),
  );
  const text = GOOD_FILE.replace('output:\n', `output:\n  folder: ${path.join(folder, 'runs')}\n`);
  return { host, control, launcher, exits, file: writeExperiment(folder, text) };
}

describe('the host behind its channel', () => {
  it('runs an experiment and tells of it as agreed', async () => {
    const { host, control, exits, file } = service();
    assert.equal((await control.until('ready')).version, '1.2.3');
    host.obey({ type: 'start-run', experimentFile: file });
    const started = await control.until('run-started');
    assert.equal(started.trialsTotal, 300);
    assert.equal(started.simulated, true);
    assert.equal(started.radios.length, 4);
    const finished = await control.until('run-finished');
    assert.equal(finished.outcome, 'done', finished.message ?? '');
    assert.equal(finished.run, started.run);
    assert.ok(finished.reportFile !== null && existsSync(finished.reportFile));
    const complete = control.all('point').filter((event) => event.complete);
    assert.deepEqual(
      complete.map(({ point }) => point.requestedSnrDb),
      [0, 10, 20],
    );
    assert.ok(complete.every(({ point }) => point.awgnAccuracy !== null && point.questions === 100));
    // Before its reference is there, every point was shown with all of its trials.
    for (const { point } of complete)
      assert.ok(
        control
          .all('point')
          .some(
            (shown) =>
              !shown.complete && shown.point.requestedSnrDb === point.requestedSnrDb && shown.point.questions === 100,
          ),
      );
    const progress = control.all('progress');
    assert.equal(progress.at(-1)?.trialsDone, 300);
    await control.until('heartbeat');
    await host.shutdown();
    assert.deepEqual(exits, [0]);
  });

  it('refuses commands that it does not know, and a second run', async () => {
    const { host, control, file } = service({ trialMs: 5 });
    host.obey({ type: 'start-run' });
    host.obey('nonsense');
    assert.equal(control.all('error').length, 2);
    assert.match(control.all('error')[0]?.message ?? '', /command refused: experimentFile/);
    host.obey({ type: 'start-run', experimentFile: file });
    await control.until('run-started');
    host.obey({ type: 'start-run', experimentFile: file });
    assert.match(control.all('error')[2]?.message ?? '', /a run goes on/);
    host.obey({ type: 'stop-run' });
    const finished = await control.until('run-finished');
    assert.equal(finished.outcome, 'stopped');
    await host.shutdown();
  });

  it('finds radios, and none while a run has them', async () => {
    const { host, control, file } = service({ trialMs: 5 });
    host.obey({ type: 'find-radios' });
    const { radios, failures } = await control.until('radios-found');
    assert.deepEqual(radios, [{ driver: 'twin', serial: 'TWIN-BASE', label: 'by hand' }]);
    assert.deepEqual(failures, ['uhd: none']);
    host.obey({ type: 'start-run', experimentFile: file });
    host.obey({ type: 'find-radios' });
    assert.match((await control.until('error')).message, /find-radios: a run has the radios/);
    await host.shutdown();
    assert.equal(control.all('radios-found').length, 1);
  });

  it('tells every violation of a bad file as an error', async () => {
    const { host, control } = service();
    const bad = writeExperiment(folder, GOOD_FILE.replace('seed: 7', 'seed: no').replace('[0, 10, 20]', '[]'));
    host.obey({ type: 'start-run', experimentFile: bad });
    await control.until('error');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(control.all('error').length, 2);
    assert.equal(control.all('run-started').length, 0);
    await host.shutdown();
  });

  it('shows a window that comes late what it missed', async () => {
    const { host, control, file } = service();
    host.obey({ type: 'start-run', experimentFile: file });
    await control.until('run-finished');
    const window = new Listener();
    host.attach(window);
    assert.deepEqual(
      window.events.map(({ type }) => type).filter((type) => type !== 'progress'),
      ['ready', 'run-started', 'point', 'point', 'point', 'run-finished'],
    );
    assert.ok(window.all('point').every(({ complete }) => complete));
    await host.shutdown();
  });

  it('ends its run before it ends', async () => {
    const { host, control, exits, file } = service({ trialMs: 5 });
    host.obey({ type: 'start-run', experimentFile: file });
    const { run } = await control.until('run-started');
    await host.shutdown();
    assert.deepEqual(exits, [0]);
    assert.equal(control.all('run-finished')[0]?.outcome, 'stopped');
    assert.equal(readRun(path.join(folder, 'runs', run)).stop?.outcome, 'stopped');
  });
});

describe('a pause', () => {
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  async function untilPaused(control: Listener): Promise<void> {
    while (control.all('progress').at(-1)?.pause !== 'paused') await pause(10);
  }

  it('hands out no trial and says so; stopped in it nothing more is sent, and the run is resumed where it was', async () => {
    const { host, control, launcher, file } = service({ trialMs: 2 });
    const sent = (): number => launcher.benches[0]?.requests.length ?? 0;
    host.obey({ type: 'start-run', experimentFile: file });
    await control.until('point');
    host.obey({ type: 'pause-run' });
    await untilPaused(control);
    const before = sent();
    assert.ok(before > 0 && before < 300);
    await pause(200);
    assert.equal(sent(), before, 'a trial was handed out in the pause');
    assert.equal(control.all('progress').at(-1)?.transmitting, false);
    host.obey({ type: 'continue-run' });
    while (sent() === before) await pause(10);

    host.obey({ type: 'pause-run' });
    await untilPaused(control);
    const atStop = sent();
    host.obey({ type: 'stop-run' });
    const { run, outcome } = await control.until('run-finished');
    assert.equal(outcome, 'stopped');
    assert.equal(sent(), atStop, 'a trial was sent after the stop');
    host.obey({ type: 'start-run', experimentFile: file, resume: true });
    while (control.all('run-finished').length < 2) await pause(20);
    const [, second] = control.all('run-finished');
    assert.deepEqual([second?.run, second?.outcome], [run, 'done']);
    const { trials } = readRun(path.join(folder, 'runs', run));
    assert.equal(trials.length, 300);
    assert.equal(new Set(trials.map(({ id }) => id)).size, 300, 'no trial was recorded twice');
    await host.shutdown();
  });
});

describe('a check while one types', () => {
  function editing(faults: HandFaults = {}) {
    const bench = service(faults);
    const window = new Listener();
    bench.host.attach(window);
    const text = readFileSync(bench.file, 'utf8');
    const check = (number: number, changed: string): void =>
      bench.host.obey({ type: 'check-plan', check: number, experimentFile: bench.file, text: changed });
    return { ...bench, window, text, check };
  }
  const checked = async (window: Listener, number: number): Promise<PlanChecked> => {
    for (;;) {
      const found = window.all('plan-checked').find((event) => event.check === number);
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };

  it('says what the text, not the file, would do, in the words of otabench check', async () => {
    const { host, window, control, launcher, text, check, file } = editing();
    check(1, text.replace('[0, 10, 20]', '[0, 20]'));
    const { summary, violations, unfinished } = await checked(window, 1);
    assert.deepEqual(violations, []);
    assert.equal(summary?.trials, 200);
    assert.equal(summary?.transmitters[0]?.maxPowerDbm, 10);
    assert.equal(unfinished, null);
    writeFileSync(file, text.replace('[0, 10, 20]', '[0, 20]'));
    assert.deepEqual(summary?.lines, await summarisePlan(file, handParts(launcher)));
    assert.equal(control.all('plan-checked').length, 0, 'told to who asked, not to main');
    await host.shutdown();
  });

  it('lists violations with their lines, and does the newest of those that wait', async () => {
    const { host, window, text, check } = editing();
    check(1, text);
    check(2, text.replace('seed: 7', 'seed: 8'));
    check(3, text.replace('seed: 7', 'seed: no').replace('[0, 10, 20]', '[0, 99]'));
    const { summary, violations } = await checked(window, 3);
    assert.equal(summary, null);
    assert.deepEqual(
      violations.map(({ field }) => field),
      ['seed', 'sweep.snrDb[1]'],
    );
    for (const { line, field } of violations)
      assert.match(text.split('\n')[line - 1] ?? '', new RegExp(field.includes('snr') ? 'snrDb' : field));
    const answered = window.all('plan-checked').map((event) => event.check);
    assert.deepEqual(answered, [3], 'what was overtaken is not answered');
    await host.shutdown();
  });

  it('loads no bundle while a run goes on, still checks the fields, and offers to resume what was stopped', async () => {
    const { host, window, control, text, check, file } = editing({ trialMs: 5 });
    host.obey({ type: 'start-run', experimentFile: file, text });
    await control.until('point');
    check(1, text);
    assert.match((await checked(window, 1)).deferred ?? '', /A run has the machine/);
    check(2, text.replace('seed: 7', 'seed: no'));
    assert.deepEqual(
      (await checked(window, 2)).violations.map(({ field }) => field),
      ['seed'],
    );
    host.obey({ type: 'stop-run' });
    const { run } = await control.until('run-finished');
    check(3, text);
    const { unfinished } = await checked(window, 3);
    assert.equal(unfinished?.run, run);
    assert.ok((unfinished?.trialsDone ?? 0) > 0);
    check(4, text.replace('seed: 7', 'seed: 8'));
    assert.equal((await checked(window, 4)).unfinished, null, 'another plan');
    await host.shutdown();
  });

  it('describes the form: every section of the schema, its limits, units and defaults', async () => {
    const { host, window } = editing();
    host.obey({ type: 'describe-form' });
    const { sections } = await window.until('form-described');
    assert.deepEqual(
      sections.map(({ key }) => key),
      SECTION_NAMES,
    );
    const at = (...keys: string[]): FormField | undefined =>
      keys.reduce<FormField | undefined>((field, key) => field?.fields.find((inner) => inner.key === key), {
        fields: sections,
      } as unknown as FormField);
    const rxGain = at('link', 'rxGainDb');
    assert.deepEqual(
      [rxGain?.kind, rxGain?.min, rxGain?.max, rxGain?.unit, rxGain?.required],
      ['number', 0, 120, 'dB', true],
    );
    assert.equal(rxGain?.allowed, 'a number from 0 to 120 dB');
    assert.deepEqual(
      [at('questions', 'trialsPerPoint')?.kind, at('questions', 'awgnDraws')?.byDefault],
      ['integer', '8'],
    );
    assert.deepEqual(at('radios', 'base', 'driver')?.choices.slice(0, 2), ['twin', 'uhd']);
    assert.equal(
      at('air', 'radios')?.fields[0]?.fields.find(({ key }) => key === 'phaseNoiseFloorDbcHz')?.nullable,
      true,
    );
    assert.equal(at('sweep', 'snrDb')?.kind, 'list');
    await host.shutdown();
  });
});

describe('the host process', () => {
  const entry = path.join(repositoryRoot(), 'dist', 'app', 'host', 'main.js');

  function start(): { child: ChildProcess; said: Listener; ended: Promise<number | null> } {
    const child = fork(entry, [], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const said = new Listener();
    child.on('message', (message) => said.post(message));
    return { child, said, ended: new Promise((resolve) => child.on('exit', (code) => resolve(code))) };
  }

  it('says that it is ready, beats, and ends when told to', async () => {
    const { child, said, ended } = start();
    assert.equal((await said.until('ready')).pid, child.pid);
    await said.until('heartbeat');
    child.send({ type: 'shutdown' });
    assert.equal(await ended, 0);
  });

  it('ends when whoever started it is gone', async () => {
    const { child, said, ended } = start();
    await said.until('ready');
    child.disconnect();
    assert.equal(await ended, 0);
  });

  it('is refused by hand', async () => {
    const { spawnSync } = await import('node:child_process');
    const { status, stderr } = spawnSync(process.execPath, [entry], { encoding: 'utf8' });
    assert.equal(status, 2);
    assert.match(stderr, /allowed: scripts\/otabench for a terminal/);
  });
});
