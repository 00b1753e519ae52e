import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
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
