/** Arms with the digital mapping: by hand through the engine, and over the twins, in turn and at once. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../../app/config/paths';
import type { TaskModel } from '../../app/experiment/model';
import { runExperiment } from '../../app/host/run';
import { readRun, type RunContents } from '../../app/store/run-reader';
import { GOOD_FILE, HandLauncher, handModel, handParts, writeExperiment, type HandFaults } from './hand-bench';

const CLI = path.join(repositoryRoot(), 'dist', 'app', 'cli', 'main.js');

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-digital-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const ARMS = `arms:
  - name: plain
  - name: adapted
    transport:
      mapping: digital
      digital: { channelUsesOf: plain, targetPer: 0.05, marginDb: 1 }
`;

async function byHand(
  name: string,
  faults: HandFaults = {},
): Promise<{ run: RunContents; launcher: HandLauncher; told: Parameters<TaskModel['answer']>[0][number][] }> {
  const text = `${GOOD_FILE.replace('trialsPerPoint: 100', 'trialsPerPoint: 20').replace('awgnDraws: 3', 'awgnDraws: 0')}${ARMS}`;
  const own = path.join(folder, name);
  const launcher = new HandLauncher(faults);
  const told: Parameters<TaskModel['answer']>[0][number][] = [];
  const model = handModel();
  const spy: TaskModel = { ...model, answer: (batch) => (told.push(...batch), model.answer(batch)) };
  const request = { file: writeExperiment(own, text), out: path.join(own, 'run'), resume: false };
  const end = await runExperiment(request, handParts(launcher, spy), {}, new AbortController().signal);
  assert.equal(end.stop.outcome, 'done', end.stop.message ?? '');
  return { run: readRun(end.folder), launcher, told };
}

describe('a digital arm', () => {
  it('is sounded as it is, and sends what its point’s sounding bears, in the other arm’s channel uses', async () => {
    const { run, launcher } = await byHand('adapted');
    const requests = launcher.benches.flatMap((bench) => bench.requests);
    for (const { trialId, bursts, effectiveSnr } of requests) {
      const sounding = trialId.includes('/sounding/');
      const digital = trialId.startsWith('adapted/');
      assert.equal(effectiveSnr === true, sounding && digital, trialId);
      for (const burst of bursts) assert.equal(burst.digital !== undefined, digital && !sounding, trialId);
    }
    for (const point of [0, 10, 20]) {
      const own = requests.filter(({ trialId }) => trialId.startsWith(`adapted/${point}dB/`));
      assert.equal(own.length, 20);
      for (const { digital } of own.flatMap(({ bursts }) => bursts)) {
        assert.ok(digital !== undefined);
        assert.ok(Math.abs((digital.effectiveSnrDb?.qpsk ?? 99) - point) < 0.6, `${digital.effectiveSnrDb?.qpsk}`);
        const { bitsPerValue, modulation, payloadOfdmSymbols, targetPer, marginDb } = digital;
        assert.deepEqual([bitsPerValue, modulation, payloadOfdmSymbols, targetPer, marginDb], [null, null, 1, 0.05, 1]);
      }
    }
    const rows = run.stop?.digital ?? [];
    assert.equal(rows.length, 9);
    for (const { arm, requestedSnrDb, formats, bursts, meetsTarget, codeBlocks, codeBlocksLost } of rows) {
      assert.deepEqual([arm, bursts, codeBlocks, codeBlocksLost], ['adapted', 20, 20, 0]);
      assert.deepEqual(formats, [{ format: '3 bit, 16qam', bursts: 20 }]);
      assert.equal(meetsTarget, (requestedSnrDb ?? 0) >= 10 ? 1 : 0);
    }
    assert.match(readFileSync(path.join(run.folder, 'report', 'index.html'), 'utf8'), /Digital transport/);
  });

  it('tells the model which tokens are not there, those of a wrong length too, and serves the others', async () => {
    const { run, told } = await byHand('erased', { erases: 'visual', mismatches: 'audio' });
    assert.equal(told.length, 120);
    const digital = told.filter(({ erased }) => erased !== undefined);
    assert.equal(digital.length, 60);
    for (const { erased, received } of digital) {
      assert.deepEqual(Object.keys(erased ?? {}), ['visual', 'audio']);
      assert.deepEqual(Array.from(erased?.visual ?? []), [1, 0, 0, 0]);
      assert.deepEqual(Array.from(erased?.audio ?? []), [1, 1, 1, 1]);
      assert.ok(received.audio.data.every((value) => value === 0) && received.text.data.some((value) => value !== 0));
    }
    const bursts = run.trials.filter(({ arm }) => arm === 'adapted').flatMap((trial) => trial.bursts);
    for (const { user, outcome, digital: one } of bursts) {
      assert.equal(outcome, user === 'audio' ? 'payload-mismatch' : 'ok');
      assert.equal(one?.erasedTokens, { text: 0, visual: 1, audio: 4 }[user]);
    }
    assert.ok(run.trials.every(({ valid }) => valid));
    const audio = run.stop?.digital.find(({ user }) => user === 'audio');
    assert.deepEqual([audio?.codeBlocksLost, audio?.erasedTokens, audio?.tokens], [20, 80, 80]);
  });
});

describe('experiments/analog-vs-digital.yml over the twins', () => {
  const write = (name: string, change: (text: string) => string): string => {
    const file = path.join(folder, `${name}.yml`);
    const text = readFileSync(path.join(repositoryRoot(), 'experiments', 'analog-vs-digital.yml'), 'utf8')
      .replace(/bundle: .*/, `bundle: ${path.join(repositoryRoot(), 'models', 'bundles', 'digit-avqa')}`)
      .replace(/trialsPerPoint: .*/, 'trialsPerPoint: 24');
    writeFileSync(file, change(text));
    return file;
  };
  const otabench = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [CLI, ...args], { cwd: folder })).stdout;

  it('says formats and channel uses before, and shows the cliff: all tokens erased below it, none above', async () => {
    const file = write('cliff', (text) => text.replace(/snrDb: .*/, 'snrDb: [6, 20]'));
    const plan = await otabench('check', file);
    assert.match(plan, /^mapping {3}digital: digital: 2 bits per value, 64qam$/m);
    assert.match(
      plan,
      /^uses {6}digital-4-tokens: .*as analog, equal channel uses and energy in sum, divided by shares/m,
    );
    assert.doesNotMatch(plan, /UNEQUAL/);
    const out = path.join(folder, 'cliff');
    await otabench('run', file, '--out', out);
    const { trials, stop } = readRun(out);
    const uses = (arm: string): number[] =>
      trials
        .filter((trial) => trial.arm === arm)
        .map(({ bursts }) => bursts.reduce((sum, { channelUses }) => sum + (channelUses ?? 0), 0));
    for (const arm of ['digital', 'digital-adapted', 'digital-4-tokens']) assert.deepEqual(uses(arm), uses('analog'));
    for (const arm of ['digital', 'digital-adapted'])
      for (const { requestedSnrDb, erasedTokens, tokens } of (stop?.digital ?? []).filter((one) => one.arm === arm)) {
        if (requestedSnrDb === 6) assert.equal(erasedTokens, tokens, arm);
        else assert.ok(erasedTokens <= 0.1 * tokens, `${arm}: ${erasedTokens} of ${tokens}`);
      }
    const accuracy = (arm: string, snrDb: number): number =>
      stop?.points.find((point) => point.arm === arm && point.requestedSnrDb === snrDb)?.accuracy ?? -1;
    assert.ok(accuracy('analog', 6) > accuracy('digital', 6) + 0.3);
    assert.ok(accuracy('digital', 20) > 0.7);
  });

  it('goes over sub-bands of one capture', async () => {
    const file = write('bands', (text) =>
      text.replace(/snrDb: .*/, 'snrDb: [20]').replace('users:\n', 'schedule: fdma\n\nusers:\n'),
    );
    const out = path.join(folder, 'bands');
    await otabench('run', file, '--out', out);
    const { trials, stop } = readRun(out);
    const digital = trials.filter(({ arm }) => arm === 'digital-adapted').flatMap(({ bursts }) => bursts);
    assert.equal(digital.length, 72);
    assert.ok(digital.every(({ subband, outcome }) => subband !== null && outcome === 'ok'));
    const lost = digital.reduce((sum, burst) => sum + (burst.digital?.codeBlocksLost ?? 0), 0);
    assert.ok(lost <= 7, `${lost} of 72 blocks lost`);
    assert.equal(stop?.sharedBand.length, 12);
  });
});
