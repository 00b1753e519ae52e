/** experiments/smoke.yml over twins that settle at every trial's start: too short a lead loses bursts, and the run says so. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../../app/config/paths';
import type { PointSummary } from '../../app/config/run-documents';
import { readRun } from '../../app/store/run-reader';

const CLI = path.join(repositoryRoot(), 'dist', 'app', 'cli', 'main.js');

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-settling-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** The transmitter of text settles for 0.3 ms; text is the first burst of a trial. */
async function run(name: string, leadS: number): Promise<PointSummary> {
  const file = path.join(folder, `${name}.yml`);
  const text = readFileSync(path.join(repositoryRoot(), 'experiments', 'smoke.yml'), 'utf8')
    .replace(/bundle: .*/, `bundle: ${path.join(repositoryRoot(), 'models', 'bundles', 'digit-avqa')}`)
    .replace(/rxGainDb: .*/, `$&\n  leadS: ${leadS}\n  leadJitterS: 1e-3`)
    .replace(/TWIN-TEXT: \{/, '$& activateSettleS: 3e-4,')
    .replace(/snrDb: .*/, 'snrDb: [20]')
    .replace(/trialsPerPoint: .*/, 'trialsPerPoint: 48')
    .replace(/awgnDraws: .*/, 'awgnDraws: 1')
    .replace(/^output:/m, 'sounding:\n  burstsPerRound: 32\noutput:');
  writeFileSync(file, text);
  const out = path.join(folder, name);
  await promisify(execFile)(process.execPath, [CLI, 'run', file, '--out', out], { cwd: folder });
  const [point] = readRun(out).stop?.points ?? [];
  assert.ok(point !== undefined);
  assert.equal(point.burstsSent, 3 * 48);
  return point;
}

describe('a run over radios that settle', () => {
  it('loses bursts that begin too early, and counts them', async () => {
    const point = await run('short', 1e-4);
    // A fifth of the leads of 0.1 to 1.1 ms are too short, some by less than what a preamble can spare.
    assert.ok(point.headersOk <= 144 - 4 && point.headersOk >= 144 - 16, `${point.headersOk}`);
  });

  it('loses none with a lead longer than its radios need', async () => {
    const point = await run('long', 3.1e-4);
    assert.equal(point.headersOk, point.burstsSent);
  });
});
