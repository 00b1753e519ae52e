import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { BurstRecord, TrialRecord } from '../../app/config/run-documents';
import { runProgram } from '../../app/cli/program';
import { loadExperiment } from '../../app/experiment/file';
import { ModelLane } from '../../app/experiment/lane';
import { makePlan } from '../../app/experiment/plan';
import { awgnReference } from '../../app/experiment/reference';
import { USERS } from '../../app/experiment/schema';
import { evaluate } from '../../app/host/evaluation';
import { idealAwgnChannel } from '../../models/runtime';
import {
  HAND_FACTS,
  HAND_QUESTIONS,
  HandLauncher,
  handModel,
  handParts,
  writeExperiment,
  GOOD_FILE,
} from './hand-bench';

describe('offline evaluation', () => {
  const request = {
    lengths: { visual: 4, audio: 4 },
    snrDb: { text: 10, visual: 10, audio: 10 },
    draws: 3,
    seed: 7,
    normalisation: 'burst' as const,
    arm: 'over-the-air',
  };

  it('is what the reference of a run says whose bursts were measured at exactly that SNR', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-evaluation-'));
    const text = GOOD_FILE.replace('trialsPerPoint: 100', `trialsPerPoint: ${HAND_QUESTIONS}`);
    const { experiment } = await loadExperiment(writeExperiment(folder, text), () => Promise.resolve(HAND_FACTS));
    rmSync(folder, { recursive: true });
    const plan = makePlan(experiment, HAND_FACTS);
    const model = handModel();
    const trials = plan.trials.filter(({ requestedSnrDb }) => requestedSnrDb === 10);
    const bursts = USERS.map((user) => ({ user, headerOk: true, snrDb: 10 }) as BurstRecord);
    const records = new Map(trials.map(({ id }) => [id, { id, valid: true, bursts } as TrialRecord]));
    const reference = await awgnReference(
      {
        plan,
        model,
        lane: new ModelLane(1),
        tokensOf: async ({ question }) => {
          const [sent] = await model.encode([question], request.lengths);
          if (!sent) throw new Error('nothing encoded');
          return sent;
        },
        answered: () => undefined,
      },
      trials,
      records,
    );
    const row = await evaluate(model, request);
    const right = reference.correctPerDraw.reduce((sum, each) => sum + each, 0);
    assert.ok(right > 0 && right < 3 * HAND_QUESTIONS, `${right}`);
    assert.equal(Math.round(row.accuracy * 3 * HAND_QUESTIONS), right);
    assert.ok(row.low < row.accuracy && row.accuracy < row.high);
    assert.equal(row.blindAccuracy, 0.25);
    assert.deepEqual(
      row.families.map(({ family, questions }) => [family, questions]),
      [
        ['count', HAND_QUESTIONS / 2],
        ['where', HAND_QUESTIONS / 2],
      ],
    );
  });

  it('has no noise at infinite SNR, and all questions then come right', async () => {
    const row = await evaluate(
      { ...handModel(), awgn: idealAwgnChannel },
      {
        ...request,
        snrDb: { text: Infinity, visual: Infinity, audio: Infinity },
      },
    );
    assert.deepEqual([row.accuracy, row.draws], [1, 1]);
    assert.ok(Math.abs(row.lossNats) < 1e-9);
  });

  it('gives each user its own SNR and length, from a file of settings, and says which line is wrong', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-settings-'));
    const file = path.join(folder, 'settings.json');
    const setting = { visualTokens: 4, audioTokens: 2, visualSnrDb: -20, audioSnrDb: 20, textSnrDb: null };
    const run = async (text: string): Promise<{ code: number; out: string; err: string }> => {
      writeFileSync(file, text);
      const streams = [process.stdout, process.stderr] as const;
      const writes = streams.map((stream) => stream.write.bind(stream));
      const found = ['', ''];
      streams.forEach((stream, i) => {
        stream.write = (line: string | Uint8Array): boolean => (found[i] += String(line)) !== '';
      });
      try {
        const parts = { version: '0', hostParts: () => Promise.resolve(handParts(new HandLauncher())) };
        const code = await runProgram(['evaluate', 'x', '--settings', file, '--json'], parts);
        return { code, out: found[0]!, err: found[1]! };
      } finally {
        streams.forEach((stream, i) => (stream.write = writes[i]!));
      }
    };
    try {
      const { code, out, err } = await run(JSON.stringify([{ ...setting, heldOut: true }, setting]));
      assert.equal(code, 0, err);
      const { rows } = JSON.parse(out) as { rows: Record<string, unknown>[] };
      assert.equal(rows.length, 2);
      for (const [name, value] of Object.entries(setting)) assert.equal(rows[0]![name], value, name);
      assert.deepEqual([rows[0]!.heldOut, rows[1]!.heldOut, rows[0]!.lossNats], [true, undefined, rows[1]!.lossNats]);
      const bad = await run(JSON.stringify([setting, { ...setting, audioSnrDb: 'loud', visualTokens: 0 }], null, 1));
      assert.equal(bad.code, 2);
      assert.match(bad.err, /settings\.json:\d+: \[1\]\.audioSnrDb: value "loud"; allowed a number from -40 to 60 dB/);
      assert.match(bad.err, /settings\.json:\d+: \[1\]\.visualTokens: value 0; allowed an integer from 1 to 4096/);
      assert.match((await run('[]')).err, /allowed a list of 1 to 10000 settings/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses options that cannot be, every one in a line', async () => {
    const lines: string[] = [];
    const write = process.stderr.write.bind(process.stderr);
    process.stderr.write = (line: string | Uint8Array): boolean => lines.push(String(line)) > 0;
    let code: number;
    try {
      const args = 'evaluate x --snr 0,loud --tokens 0 --draws 1.5 --power whole --seed 3'.split(' ');
      code = await runProgram(args, { version: '0', hostParts: () => Promise.resolve(handParts(new HandLauncher())) });
    } finally {
      process.stderr.write = write;
    }
    assert.equal(code, 2);
    assert.deepEqual(lines, [
      'evaluate --snr: value "loud"; allowed numbers from -40 to 60 dB, or none\n',
      'evaluate --tokens: value "0"; allowed an integer from 1 to 4096\n',
      'evaluate --draws: value "1.5"; allowed an integer from 1 to 1000\n',
      'evaluate --power: value "whole"; allowed burst, token\n',
    ]);
  });
});
