/** experiments/fading.yml over the twins at a tiny size: it runs, repeats itself, and says what the air was. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../../app/config/paths';
import type { TrialRecord } from '../../app/config/run-documents';
import { readRun } from '../../app/store/run-reader';

const CLI = path.join(repositoryRoot(), 'dist', 'app', 'cli', 'main.js');

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-fading-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function runTiny(name: string): Promise<string> {
  const file = path.join(folder, 'tiny.yml');
  const text = readFileSync(path.join(repositoryRoot(), 'experiments', 'fading.yml'), 'utf8')
    .replace(/bundle: .*/, `bundle: ${path.join(repositoryRoot(), 'models', 'bundles', 'digit-avqa')}`)
    .replace(/snrDb: .*/, 'snrDb: [12]')
    .replace(/trialsPerPoint: .*/, 'trialsPerPoint: 24')
    .replace(/awgnDraws: .*/, 'awgnDraws: 1')
    .replace(/burstsPerRound: .*/, 'burstsPerRound: 16');
  writeFileSync(file, text);
  const out = path.join(folder, name);
  await promisify(execFile)(process.execPath, [CLI, 'run', file, '--out', out], { cwd: folder });
  return out;
}

function lines(run: string): string[] {
  return readFileSync(path.join(run, 'trials.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{"kind":"spoilt"'))
    .map((line) => line.replace(/,"attempts":\d+,"wallMs":\d+/, ''));
}

describe('a run over fading paths', () => {
  it('ends, repeats its bits, and holds its impairments', async () => {
    const [first, second] = [await runTiny('first'), await runTiny('second')];
    assert.ok(lines(first).join('\n') === lines(second).join('\n'), 'two runs of one plan differ');

    const { document, stop } = readRun(first);
    assert.equal(stop?.outcome, 'done');
    const { air, transport } = document.experiment as {
      air: { radios: Record<string, object>; paths: { fading: object }[]; interferers: object[] };
      transport: object;
    };
    assert.deepEqual(air.paths[0]?.fading, {
      kind: 'continuous',
      profile: 'tdl-a',
      delaySpreadS: 1e-7,
      dopplerHz: 6.8,
      ricianKDb: null,
    });
    const base = air.radios['TWIN-BASE'] as Record<string, unknown>;
    assert.equal(base['adcBits'], 12);
    assert.equal(base['dcOffsetDbfs'], -80);
    assert.equal(base['loLeakageDbfs'], null);
    assert.deepEqual(air.interferers, []);
    assert.ok('papr' in transport);

    const trials = lines(first)
      .map((line) => JSON.parse(line) as TrialRecord)
      .filter(({ kind }) => kind === 'trial');
    assert.equal(trials.length, 24);
    const truths = trials.flatMap(({ bursts }) => bursts.flatMap((burst) => burst.trueSnrDb ?? []));
    assert.ok(Math.max(...truths) - Math.min(...truths) > 6, 'the paths do not fade');
    for (const { bursts } of trials)
      for (const burst of bursts.filter(({ headerOk }) => headerOk)) {
        assert.equal(burst.ccdfDb.length, 3);
        assert.ok(burst.snrSdDb !== null && burst.bestEstimator !== null && burst.sndrDb !== null);
        assert.ok(burst.dataAidedSnrDb !== null && burst.disturbed !== null && burst.limitedFraction === 0);
        assert.ok(burst.snrLowDb !== null && burst.snrHighDb !== null && burst.snrDb !== null);
        assert.ok(burst.snrLowDb < burst.snrDb && burst.snrDb < burst.snrHighDb);
        assert.ok(burst.tokenErrorDb !== null && burst.boundErrorDb !== null);
      }
  });
});
