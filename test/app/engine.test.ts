import assert from 'node:assert/strict';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TrialRecord } from '../../app/config/run-documents';
import { RunFailedError } from '../../app/experiment/engine-types';
import { runExperiment, type RunEnd, type RunObserver } from '../../app/host/run';
import { readCsi } from '../../app/store/parquet';
import { readRun } from '../../app/store/run-reader';
import { GOOD_FILE, handModel, HandLauncher, handParts, writeExperiment, type HandFaults } from './hand-bench';

let folder = '';
let runs = 0;
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-engine-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const newOut = (): string => path.join(folder, `run${++runs}`);

interface Options {
  readonly text?: string;
  readonly faults?: HandFaults;
  readonly out?: string;
  readonly resume?: boolean;
  readonly otherBuild?: boolean;
  readonly observer?: RunObserver;
  readonly signal?: AbortSignal;
}

async function run(options: Options = {}): Promise<{ end: RunEnd; launcher: HandLauncher }> {
  const launcher = new HandLauncher(options.faults);
  const file = writeExperiment(folder, options.text ?? GOOD_FILE);
  const end = await runExperiment(
    { file, out: options.out ?? newOut(), resume: options.resume ?? false, otherBuild: options.otherBuild ?? false },
    handParts(launcher),
    options.observer ?? {},
    options.signal ?? new AbortController().signal,
  );
  return { end, launcher };
}

/** trials.jsonl without what clocks say. */
function linesOf(runFolder: string): string[] {
  return readFileSync(path.join(runFolder, 'trials.jsonl'), 'utf8')
    .replaceAll(/,"wallMs":\d+/g, '')
    .split('\n');
}

/** Like deepEqual, but names the first line that differs instead of showing all. */
function sameLines(actual: readonly string[], expected: readonly string[], what = ''): void {
  const at = expected.findIndex((line, i) => line !== actual[i]);
  if (at !== -1) assert.equal(actual[at], expected[at], `${what} line ${at + 1}`);
  assert.equal(actual.length, expected.length, what);
}

const AT_ONCE = GOOD_FILE.replace('sweep:', 'schedule: fdma\npartition: { text: 17, visual: 17, audio: 15 }\nsweep:');

describe('the engine with users at once', () => {
  it('sounds them in turn first, then sends all at once with the CFO that was found', async () => {
    const { end, launcher } = await run({ text: AT_ONCE });
    assert.equal(end.stop.outcome, 'done', end.stop.message ?? '');
    const requests = launcher.benches[0]?.requests ?? [];
    const search = requests.filter(({ trialId }) => trialId.includes('/search'));
    assert.ok(search.length > 0 && search.every(({ atOnce }) => atOnce !== true));
    const others = requests.filter(({ trialId }) => !trialId.includes('/search'));
    assert.ok(others.every(({ atOnce, bursts }) => atOnce === true && bursts.every(({ subband }) => subband)));
    for (const { subband } of others[0]?.bursts ?? []) {
      const cfoHz = subband?.soundedCfoHz ?? Number.NaN;
      assert.ok(cfoHz >= 1000 && cfoHz < 1001, `${cfoHz}`);
    }
    const { document, trials, stop } = readRun(end.folder);
    assert.equal(document.plan.arms[0]?.schedule, 'fdma');
    assert.deepEqual(Object.keys(document.plan.arms[0]?.subbands ?? {}), ['text', 'visual', 'audio']);
    assert.ok(trials.every(({ airTimeS, bursts }) => airTimeS === 0.0015 && bursts.every(({ subband }) => subband)));
    // The bench by hand leaves 1000 Hz, which its users take out for nothing.
    const [text] = stop?.sharedBand ?? [];
    assert.ok(
      text !== undefined && Math.abs((text.residualCfoRms ?? 0) - 1000 / (text.carriers * (78_125 / 53))) < 1e-3,
    );
  });

  it('measures leakage with each user alone, in the noise of all at once', async () => {
    const { end, launcher } = await run({ text: AT_ONCE });
    const requests = (launcher.benches[0]?.requests ?? []).filter(({ trialId }) => trialId.includes('/leakage/'));
    assert.equal(requests.length, 16 * 4);
    const first = requests.filter(({ trialId }) => trialId.endsWith('/b1'));
    assert.deepEqual(
      first.map(({ bursts }) => bursts.map(({ user }) => user).join(' ')),
      ['text visual audio', 'text', 'visual', 'audio'],
    );
    for (const { bursts } of first.slice(1)) {
      const [alone] = bursts;
      assert.deepEqual(
        alone,
        first[0]?.bursts.find(({ user }) => user === alone?.user),
      );
    }
    assert.ok(readRun(end.folder).stop?.sharedBand.every(({ leakageBursts }) => leakageBursts === 16));
  });

  it('notes a user that vanished as absent, and goes on with the others', async () => {
    const { end } = await run({ text: AT_ONCE, faults: { vanishes: 'visual' } });
    assert.equal(end.stop.outcome, 'done', end.stop.message ?? '');
    for (const { valid, correct, bursts } of readRun(end.folder).trials) {
      assert.ok(valid && correct !== null);
      assert.deepEqual(
        bursts.map(({ outcome }) => outcome),
        ['ok', 'absent', 'ok'],
      );
    }
  });

  it('does not start with a user that no sounding heard', async () => {
    const { end } = await run({ text: AT_ONCE, faults: { offsetsDb: { audio: -200 } } });
    assert.equal(end.stop.outcome, 'failed');
    assert.match(end.stop.message ?? '', /^radios.audio: no burst of TWIN-AUDIO was heard/);
  });
});

describe('the engine with one transmitter', () => {
  it('sends every trial with one gain', async () => {
    const text = GOOD_FILE.replaceAll(/TWIN-(VISUAL|AUDIO)/g, 'TWIN-TEXT')
      .replaceAll(/^ {4}TWIN-TEXT: \{\}\n/gm, '')
      .replaceAll(/^ {4}- \{ from: TWIN-TEXT.*\n/gm, '')
      .replace('  paths:\n', '  paths:\n    - { from: TWIN-TEXT, to: TWIN-BASE, pathLossDb: 60 }\n');
    // Users that differ by what no single radio could.
    const { end, launcher } = await run({ text, faults: { offsetsDb: { text: -50, visual: -50.4, audio: -49.6 } } });
    assert.equal(end.stop.outcome, 'done', end.stop.message ?? '');
    assert.equal(readRun(end.folder).document.plan.arms[0]?.schedule, 'one-transmitter');
    for (const { bursts } of launcher.benches[0]?.requests ?? [])
      assert.equal(new Set(bursts.map(({ txGainDb }) => txGainDb)).size, 1);
  });
});

describe('the engine', () => {
  it('runs a plan: gains found by sounding, accuracy beside its AWGN reference', async () => {
    const { end, launcher } = await run({ faults: { offsetsDb: { text: -41.3, visual: -52.8, audio: -30.1 } } });
    assert.equal(end.stop.outcome, 'done', end.stop.message ?? '');
    assert.equal(end.stop.trialsDone, 300);
    for (const point of end.stop.points) {
      assert.equal(point.questions, 100);
      assert.equal(point.burstsSent, 300);
      assert.ok(Math.abs((point.measuredSnrDb ?? 99) - (point.requestedSnrDb ?? 0)) < 0.25, `${point.measuredSnrDb}`);
      assert.ok(Math.abs((point.trueSnrDb ?? 99) - (point.requestedSnrDb ?? 0)) < 0.25);
      assert.ok(Math.abs(point.snrErrorDb ?? 99) < 0.1);
      assert.ok(Math.abs(point.difference ?? 99) < 0.12, `${point.difference}`);
      assert.equal(point.blindAccuracy, 0.25);
      const difference = (point.accuracy ?? 0) - (point.awgnAccuracy ?? 0);
      assert.ok(Math.abs(difference - (point.difference ?? 99)) < 1e-9);
    }
    const [low, , high] = end.stop.points;
    assert.ok((low?.accuracy ?? 1) < (high?.accuracy ?? 0));
    assert.ok(launcher.benches[0]?.closed);
  });

  it('sets every user to the SNR of the point, whatever its path', async () => {
    const offsetsDb = { text: -41.3, visual: -52.8, audio: -20 };
    const { end } = await run({ faults: { offsetsDb } });
    for (const point of end.stop.points)
      for (const user of point.users) {
        assert.ok(
          Math.abs((user.trueSnrDb ?? 99) - (point.requestedSnrDb ?? 0)) < 0.3,
          `${user.user} ${user.trueSnrDb}`,
        );
        assert.equal((user.txGainDb ?? 0) % 0.25, 0);
      }
  });

  it('corrects gains where SNR does not follow them dB by dB', async () => {
    const { end } = await run({ faults: { slope: 0.95, offsetsDb: { text: -45, visual: -48, audio: -43 } } });
    assert.equal(end.stop.outcome, 'done', end.stop.message ?? '');
    for (const point of end.stop.points)
      assert.ok(Math.abs((point.measuredSnrDb ?? 99) - (point.requestedSnrDb ?? 0)) < 0.3, `${point.measuredSnrDb}`);
    const { soundings } = readRun(end.folder);
    assert.ok(soundings.some(({ requestedSnrDb }) => requestedSnrDb === null));
    for (const snrDb of [0, 10, 20]) assert.ok(soundings.some(({ requestedSnrDb }) => requestedSnrDb === snrDb));
  });

  it('finds a user that is not heard at the first gain', async () => {
    const { end } = await run({ faults: { offsetsDb: { text: -65, visual: -50, audio: -10 } } });
    assert.equal(end.stop.outcome, 'done', end.stop.message ?? '');
    for (const user of end.stop.points[1]?.users ?? []) assert.ok(Math.abs((user.trueSnrDb ?? 99) - 10) < 0.4);
  });

  it('fails with one line when points are out of reach of the gains', async () => {
    const { end } = await run({ faults: { offsetsDb: { text: -75, visual: 15, audio: -50 } } });
    assert.equal(end.stop.outcome, 'failed');
    assert.match(
      end.stop.message ?? '',
      /^sweep.snrDb: out of reach of the radios' gains: 20 dB for text \(TWIN-TEXT\), whose/,
    );
    assert.match(end.stop.message ?? '', /0, 10 dB for visual \(TWIN-VISUAL\)/);
    assert.ok(!(end.stop.message ?? '').includes('\n'));
    assert.equal(readRun(end.folder).trials.length, 0);
  });

  it('fails with one line when a user is not heard at all', async () => {
    const { end } = await run({ faults: { offsetsDb: { text: -500 } } });
    assert.equal(end.stop.outcome, 'failed');
    assert.match(
      end.stop.message ?? '',
      /^radios.text: no burst of TWIN-TEXT was heard up to its highest transmit gain of 89.75 dB/,
    );
  });

  it('answers from zeros where bursts are lost, and counts them', async () => {
    const { end } = await run({ faults: { lostShare: 0.3 } });
    assert.equal(end.stop.outcome, 'done', end.stop.message ?? '');
    const top = end.stop.points[2];
    assert.ok(top !== undefined);
    assert.equal(top.burstsSent, 300);
    assert.ok(top.burstsDetected > 180 && top.burstsDetected < 240, `${top.burstsDetected}`);
    assert.equal(top.questions, 100);
    // A lost user costs answers that its AWGN reference, which loses nothing, gets right.
    assert.ok((top.accuracy ?? 1) < (top.awgnAccuracy ?? 0) - 0.2);
    const { trials } = readRun(end.folder);
    const whole = trials.filter((t) => t.requestedSnrDb === 20 && t.bursts.every((burst) => burst.headerOk));
    assert.ok(whole.every((trial) => trial.correct === true));
  });

  describe('arms', () => {
    const ARMS = `arms:
  - name: plain
  - name: spread
    transport: { dftSpreading: true }
  - name: faulty
    air: { radios: { TWIN-TEXT: { dacBits: 4 } } }
    sweep: { snrDb: [0, 12] }
`;
    const text = `${GOOD_FILE.replace('trialsPerPoint: 100', 'trialsPerPoint: 30')}${ARMS}`;

    it('answer the same questions in turn, each with what it changes', async () => {
      const { end, launcher } = await run({ text });
      assert.equal(end.stop.outcome, 'done', end.stop.message ?? '');
      const { trials, soundings, document } = readRun(end.folder);
      assert.equal(trials.length, 30 * (3 + 3 + 2));
      assert.deepEqual(
        trials.slice(0, 6).map(({ arm, question }) => [arm, question]),
        [0, 0, 0, 3, 3, 3].map((k, i) => [['plain', 'spread', 'faulty'][i % 3], trials[k]?.question]),
      );
      assert.equal(new Set(trials.map(({ index }) => index)).size, trials.length);
      // The air of the third arm is its own, so it has a bench of its own.
      assert.equal(launcher.benches.length, 2);
      assert.ok(launcher.benches.every(({ closed }) => closed));
      const [shared, own] = launcher.benches;
      assert.ok(own?.requests.every(({ trialId }) => trialId.startsWith('faulty/')));
      assert.equal(own?.setup.air?.radios.find(({ serial }) => serial === 'TWIN-TEXT')?.dacBits, 4);
      for (const { trialId, bursts } of shared?.requests ?? [])
        assert.ok(
          bursts.every(({ transport }) => transport?.dftSpreading === trialId.startsWith('spread/')),
          trialId,
        );
      for (const arm of ['plain', 'spread', 'faulty']) assert.ok(soundings.some((sounding) => sounding.arm === arm));
      assert.deepEqual(
        end.stop.points.map(({ arm, requestedSnrDb, questions }) => [arm, requestedSnrDb, questions]),
        [
          ...['plain', 'spread'].flatMap((arm) => [0, 10, 20].map((snr) => [arm, snr, 30])),
          ['faulty', 0, 30],
          ['faulty', 12, 30],
        ],
      );
      assert.ok(end.stop.points.every(({ awgnAccuracy }) => awgnAccuracy !== null));
      assert.deepEqual(document.plan.arms[2], { name: 'faulty', snrDb: [0, 12], schedule: 'turns', subbands: null });
    });

    it('are compared question by question', async () => {
      const { end } = await run({ text });
      assert.equal(end.stop.comparisons.length, 3 + 3 + 1);
      const { trials } = readRun(end.folder);
      for (const one of end.stop.comparisons) {
        const correct = (arm: string, snr: number | null): number =>
          trials.filter((t) => t.arm === arm && t.requestedSnrDb === snr && t.correct === true).length;
        const [first, second] = [correct(one.firstArm, one.firstSnrDb), correct(one.secondArm, one.secondSnrDb)];
        assert.equal(one.questions, 30);
        assert.ok(Math.abs(one.difference - (second - first) / 30) < 1e-12);
        assert.equal(one.onlySecondCorrect - one.onlyFirstCorrect, second - first);
        assert.ok(one.pValue > 0 && one.pValue <= 1);
      }
      assert.ok(end.stop.comparisons.some(({ firstSnrDb, secondSnrDb }) => firstSnrDb === 10 && secondSnrDb === 12));
      assert.match(readFileSync(path.join(end.folder, 'report', 'index.html'), 'utf8'), /Arms on the same questions/);
    });

    it('resume to the same lines', async () => {
      const whole = (await run({ text })).end.folder;
      const out = newOut();
      const abort = new AbortController();
      await run({ text, out, signal: abort.signal, observer: { point: () => abort.abort() } });
      await run({ text, out, resume: true });
      sameLines(linesOf(out), linesOf(whole));
    });
  });

  it('asks for error budgets of every nth trial', async () => {
    const { end, launcher } = await run({ text: `${GOOD_FILE}  errorBudgetEveryNthTrial: 7\n` });
    const index = new Map(readRun(end.folder).trials.map((trial) => [trial.id, trial.index]));
    for (const { trialId, errorBudget } of launcher.benches[0]?.requests ?? [])
      assert.equal(errorBudget, (index.get(trialId) ?? 1) % 7 === 0, trialId);
  });

  it('resumes what another native build began only when told to', async () => {
    const abort = new AbortController();
    const out = newOut();
    const observer: RunObserver = { point: () => abort.abort() };
    await run({ out, observer, signal: abort.signal });
    const file = path.join(out, 'run.json');
    const document = JSON.parse(readFileSync(file, 'utf8')) as { nativeBuild: string };
    assert.match(document.nativeBuild, /^[0-9a-f]{64}$/);
    writeFileSync(file, JSON.stringify({ ...document, nativeBuild: 'f'.repeat(64) }));
    await assert.rejects(run({ out, resume: true }), /--resume: .* native build ffffffffffff, this is .*--other-build/);
    const { end } = await run({ out, resume: true, otherBuild: true });
    assert.equal(end.stop.outcome, 'done');
  });

  it('repeats spoilt trials under their id and logs them', async () => {
    const spoilt = (id: string): number => (id.includes('/q3/') ? 2 : 0);
    const [plain, events] = [await run(), await run({ faults: { spoiltAttempts: spoilt } })];
    assert.equal(events.end.stop.outcome, 'done');
    const contents = readRun(events.end.folder);
    const tried = contents.trials.filter((trial) => trial.question === 3);
    assert.ok(tried.length > 0);
    assert.ok(tried.every((trial) => trial.attempts === 3 && trial.valid));
    // Sounding and trials of question 3, two spoilt attempts each.
    assert.equal(contents.spoilt.length % 2, 0);
    assert.ok(contents.spoilt.length >= 2 * tried.length);
    assert.equal(contents.spoilt[0]?.events[0]?.kind, 'overflow');
    // The same noise without the event: the same results.
    const results = (runFolder: string): unknown[] =>
      readRun(runFolder).trials.map(({ id, correct, bursts }) => [id, correct, bursts]);
    const byId = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
    assert.deepEqual(results(events.end.folder).sort(byId), results(plain.end.folder).sort(byId));
  });

  it('leaves out trials that stay spoilt', async () => {
    const { end } = await run({ faults: { spoiltAttempts: (id) => (id.includes('/10dB/q3/') ? 99 : 0) } });
    assert.equal(end.stop.outcome, 'done');
    const point = end.stop.points[1];
    assert.ok((point?.spoilt ?? 0) >= 2);
    assert.equal((point?.questions ?? 0) + (point?.spoilt ?? 0), 100);
    assert.ok(point?.awgnAccuracy !== null);
  });

  it('gives up when trial after trial is spoilt', async () => {
    const { end } = await run({ faults: { spoiltAttempts: (id) => (id.includes('/20dB/q') ? 99 : 0) } });
    assert.equal(end.stop.outcome, 'failed');
    assert.match(end.stop.message ?? '', /10 trials in a row were spoilt .* overflow \(rx\) on TWIN-BASE/);
  });

  it('ends the run when the radio process is lost, and leaves a folder that resumes', async () => {
    const { end } = await run({ faults: { dieAfterTrials: 230 } });
    assert.equal(end.stop.outcome, 'failed');
    assert.match(end.stop.message ?? '', /^the radio process ended \(killed by signal SIGKILL\)/);
    const left = readRun(end.folder);
    assert.ok(left.trials.length > 0 && left.trials.length < 300);
    assert.ok(existsSync(path.join(end.folder, 'report', 'index.html')));
    const whole = await run();
    const resumed = await run({ out: end.folder, resume: true });
    assert.equal(resumed.end.stop.outcome, 'done');
    sameLines(linesOf(resumed.end.folder), linesOf(whole.end.folder));
  });

  it('fails when the radios cannot be opened, without a run folder', async () => {
    const out = newOut();
    const launcher = { open: () => Promise.reject(new Error('TWIN-BASE does not answer')) };
    await assert.rejects(
      runExperiment(
        { file: writeExperiment(folder), out, resume: false },
        handParts(launcher),
        {},
        new AbortController().signal,
      ),
      (error) => error instanceof RunFailedError && /TWIN-BASE does not answer/.test(error.message),
    );
    assert.ok(!existsSync(out));
  });

  it('keeps CSI of every Nth trial and views of the first of them', async () => {
    const { end } = await run();
    const users = new Set(readRun(end.folder).views.map(({ user }) => user));
    assert.deepEqual([...users].sort(), ['audio', 'text', 'visual']);
    const { trials, views } = readRun(end.folder);
    assert.equal(views.length, 3 * 3 * 4);
    assert.ok(views.every((view) => trials.some((trial) => trial.id === view.trial && trial.index % 5 === 0)));
  });

  it('gives the model full blocks', async () => {
    const sizes: number[] = [];
    const file = writeExperiment(folder, GOOD_FILE.replace('awgnDraws: 3', 'awgnDraws: 0'));
    const parts = handParts(
      new HandLauncher(),
      handModel((size) => sizes.push(size)),
    );
    await runExperiment({ file, out: newOut(), resume: false }, parts, {}, new AbortController().signal);
    assert.deepEqual(sizes, [64, 36, 64, 36, 64, 36]);
  });

  it('tells growing points and progress', async () => {
    const told: string[] = [];
    const shares: number[] = [];
    await run({
      observer: {
        started: ({ trialsTotal, simulated }) => told.push(`${trialsTotal} ${simulated}`),
        progress: ({ trialsDone }) => shares.push(trialsDone),
        point: (point, complete) => complete && told.push(`${point.requestedSnrDb} ${point.awgnAccuracy !== null}`),
      },
    });
    assert.deepEqual(told, ['300 true', '0 true', '10 true', '20 true']);
    assert.deepEqual(
      shares,
      [...shares].sort((a, b) => a - b),
    );
    assert.equal(shares.at(-1), 300);
  });
});

describe('stopping and resuming', () => {
  it('stops cleanly and resumes to the bits of an uninterrupted run', async () => {
    const whole = await run();
    const abort = new AbortController();
    const stopped = await run({
      faults: { trialMs: 2 },
      signal: abort.signal,
      observer: { point: (point) => point.requestedSnrDb === 10 && abort.abort() },
    });
    assert.equal(stopped.end.stop.outcome, 'stopped');
    const before = readRun(stopped.end.folder).trials.length;
    assert.ok(before >= 100 && before < 300, `${before}`);
    assert.ok(stopped.launcher.benches[0]?.closed);

    const resumed = await run({ out: stopped.end.folder, resume: true });
    assert.equal(resumed.end.stop.outcome, 'done');
    assert.equal(resumed.end.stop.resumed, true);
    const sounded = resumed.launcher.benches[0]?.requests.filter(({ trialId }) => trialId.includes('sounding'));
    assert.equal(sounded?.length, 0, 'gains are not sounded again');
    sameLines(linesOf(resumed.end.folder), linesOf(whole.end.folder));
    const strip = (runFolder: string): string => readFileSync(path.join(runFolder, 'references.jsonl'), 'utf8');
    assert.equal(strip(resumed.end.folder), strip(whole.end.folder));
    assert.deepEqual(resumed.end.stop.points, whole.end.stop.points);
    assert.deepEqual(await readCsi(resumed.end.folder), await readCsi(whole.end.folder));
    assert.ok(existsSync(path.join(resumed.end.folder, 'stop.1.json')));
  });

  it('resumes from any cut: in the sounding, in a block, in a line', async () => {
    const whole = await run();
    const lines = readFileSync(path.join(whole.end.folder, 'trials.jsonl'), 'utf8').split('\n');
    const before = readRun(whole.end.folder).soundings.length;
    for (const [kept, torn] of [
      [0, ''],
      [5, ''],
      [before + 1, '{"kind":"trial","id":"over-the-air/0dB/q1'],
      [before + 100, ''],
      [before + 149, '{'],
      [lines.length - 2, ''],
    ] as const) {
      const out = newOut();
      cpSync(whole.end.folder, out, { recursive: true });
      rmSync(path.join(out, 'stop.json'));
      writeFileSync(
        path.join(out, 'trials.jsonl'),
        lines
          .slice(0, kept)
          .map((line) => `${line}\n`)
          .join('') + torn,
      );
      truncateSync(path.join(out, 'references.jsonl'));
      assert.equal(readRun(out).trials.length, Math.max(0, kept - before), `${kept}`);
      const resumed = await run({ out, resume: true });
      assert.equal(resumed.end.stop.outcome, 'done', resumed.end.stop.message ?? '');
      sameLines(linesOf(out), linesOf(whole.end.folder), `${kept}`);
      assert.deepEqual(resumed.end.stop.points, whole.end.stop.points);
    }
  });

  it('records a synced trial once', async () => {
    const whole = await run();
    const out = newOut();
    cpSync(whole.end.folder, out, { recursive: true });
    rmSync(path.join(out, 'stop.json'));
    const lines = readFileSync(path.join(out, 'trials.jsonl'), 'utf8').split('\n');
    writeFileSync(path.join(out, 'trials.jsonl'), `${lines.slice(0, -20).join('\n')}\n`);
    const resumed = await run({ out, resume: true });
    const ids = readRun(out).trials.map((trial: TrialRecord) => trial.id);
    assert.equal(new Set(ids).size, ids.length);
    // Only the torn block is sent again, not what lies before it.
    assert.ok((resumed.launcher.benches[0]?.requests.length ?? 999) <= 64);
  });

  it('finds the newest unfinished run of the plan by itself', async () => {
    const output = path.join(folder, 'collection');
    const text = GOOD_FILE.replace('output:\n', `output:\n  folder: ${output}\n`);
    const abort = new AbortController();
    const stopAtFirst: RunObserver = { point: () => abort.abort() };
    const file = writeExperiment(folder, text);
    const first = await runExperiment(
      { file, out: null, resume: false },
      handParts(new HandLauncher({ trialMs: 2 })),
      stopAtFirst,
      abort.signal,
    );
    assert.equal(first.stop.outcome, 'stopped');
    assert.match(path.basename(first.folder), /^\d{4}-\d\d-\d\d-\d{6}-by-hand$/);
    const resumed = await runExperiment(
      { file, out: null, resume: true },
      handParts(new HandLauncher()),
      {},
      new AbortController().signal,
    );
    assert.equal(resumed.folder, first.folder);
    assert.equal(resumed.stop.outcome, 'done');
    await assert.rejects(
      runExperiment({ file, out: null, resume: true }, handParts(new HandLauncher()), {}, new AbortController().signal),
      /--resume: no unfinished run of this plan/,
    );
  });

  it('refuses another plan, a used folder, and a folder that is no run', async () => {
    const { end } = await run();
    await assert.rejects(
      run({ out: end.folder, resume: true, text: GOOD_FILE.replace('seed: 7', 'seed: 8') }),
      /another plan or bundle/,
    );
    await assert.rejects(run({ out: end.folder }), /is not empty; allowed a new or empty folder, or --resume/);
    await assert.rejects(run({ out: path.join(folder, 'bundle'), resume: true }), /no run.json; allowed a run folder/);
  });

  it('does nothing twice: a finished run is only shown again', async () => {
    const { end } = await run();
    const again = await run({ out: end.folder, resume: true });
    assert.equal(again.launcher.benches.length, 0);
    assert.deepEqual(again.end.stop, end.stop);
  });

  it('keeps a second writer out while the first lives', async () => {
    const { end } = await run();
    rmSync(path.join(end.folder, 'stop.json'));
    const start = readFileSync(`/proc/${process.ppid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19];
    writeFileSync(path.join(end.folder, 'writer.json'), JSON.stringify({ pid: process.ppid, start }));
    await assert.rejects(run({ out: end.folder, resume: true }), new RegExp(`process ${process.ppid} is writing`));
    writeFileSync(path.join(end.folder, 'writer.json'), JSON.stringify({ pid: process.ppid, start: '1' }));
    assert.equal((await run({ out: end.folder, resume: true })).end.stop.outcome, 'done');
  });

  it('says where a line of a run folder is broken', async () => {
    const { end } = await run();
    appendFileSync(path.join(end.folder, 'trials.jsonl'), '{"kind":"trial"}\n');
    const lines = readFileSync(path.join(end.folder, 'trials.jsonl'), 'utf8').split('\n').length - 1;
    assert.throws(() => readRun(end.folder), new RegExp(`trials.jsonl:${lines}: id: `));
  });
});
