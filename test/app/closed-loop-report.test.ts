import assert from 'node:assert/strict';
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import {
  allocationRecordSchema,
  stopDocumentSchema,
  type AllocationRecord,
  type ClosedLoopPoint,
  type ClosedLoopSummary,
} from '../../app/config/run-documents';
import { makeRuns } from '../../app/host/made-runs';
import { budgetGroups, descents } from '../../app/report/closed-loop-charts';
import { armColour } from '../../app/report/chart-style';
import { writeReport } from '../../app/report/report';
import { readRun } from '../../app/store/run-reader';

const ARMS = ['swift', 'alternating'];
const POWERS_DB = [-3, 3];

function allocation(arm: string, powerDb: number, epoch: number, steps: readonly number[]): AllocationRecord {
  const predicted = { objective: 0.4, latencyS: 1.3e-3, loss: 0.2 };
  return allocationRecordSchema.parse({
    kind: 'allocation',
    id: `${arm}/${powerDb}/${epoch}`,
    arm,
    requestedSnrDb: null,
    bandwidthHz: 4e6,
    powerDb,
    epoch,
    fromQuestion: 0,
    reason: 'start',
    csi: 'measured',
    realisation: null,
    channelTimeS: 0,
    channels: [],
    decision: {
      method: arm === 'swift' ? 'analog-search' : arm,
      users: [],
      predicted: { engineering: predicted, shannon: predicted },
      allocation: {
        objective: 0.4,
        iterations: steps.length / 2,
        gap: null,
        ...(steps.length === 0
          ? {}
          : {
              history: steps.flatMap((afterShares, i) =>
                i % 2 === 0 ? [{ afterShares, afterLengths: steps[i + 1] }] : [],
              ),
            }),
      },
    },
    soundedSnrDb: {},
    wallMs: 0,
  });
}

function point(arm: string, powerDb: number, objective: number): ClosedLoopPoint {
  const around = (mean: number): ClosedLoopPoint['objective'] => ({ mean, low: 0.9 * mean, high: 1.1 * mean });
  return {
    arm,
    requestedSnrDb: null,
    bandwidthHz: 4e6,
    powerDb,
    method: arm === 'swift' ? 'analog-search' : arm,
    csi: 'measured',
    trials: 287,
    objective: around(objective),
    latencyS: around(1.357e-3),
    loss: around(0.219),
    accuracy: around(0.913),
    predicted: { objective: objective + 0.0123, latencyS: 1.4127e-3, loss: 0.241 },
    shannonLatencyS: 0.2875e-3,
    latencyErrorMean: 1e-4,
    latencyErrorMost: 1.3e-4,
    snrErrorMeanDb: -0.42,
    snrErrorRmsDb: 1.07,
    outages: 13,
  };
}

const LOOP: ClosedLoopSummary = {
  blockTrials: 41,
  points: POWERS_DB.flatMap((powerDb) => ARMS.map((arm, i) => point(arm, powerDb, 0.4375 + 0.1 * i))),
  comparisons: [
    ...POWERS_DB.map((powerDb) => ({ bandwidthHz: 4e6, powerDb, blocks: 7, pValue: 0.0312, mean: 0.0875 })),
    { blocks: 14, pValue: 0.0002, mean: 0.0915 },
  ].map(({ mean, ...one }) => ({
    firstArm: 'swift',
    secondArm: 'alternating',
    ...one,
    objectiveDifference: { mean, low: -0.0125, high: 0.1875 },
  })),
};

describe('the report of a closed loop', () => {
  let folder = '';
  let plain = '';
  let loop = '';
  const page = (run: string): string => readFileSync(path.join(run, 'report', 'index.html'), 'utf8');
  const picture = (run: string, name: string): string => path.join(run, 'report', `${name}.png`);

  /** Discs in an arm's colour: squares of 7 pixels that it fills, which bars and lines are too thin for, each once. */
  async function dots(name: string, arm: number): Promise<number> {
    const image = await loadImage(readFileSync(picture(loop, name)));
    const { width, height } = image;
    const context = createCanvas(width, height).getContext('2d');
    context.drawImage(image, 0, 0);
    const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => parseInt(armColour(arm).slice(at, at + 2), 16));
    const colour = (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
    const offsets = Array.from({ length: 49 }, (_, i) => Math.floor(i / 7) * width + (i % 7));
    const found: number[] = [];
    pixels.forEach((pixel, at) => {
      if (pixel !== colour || offsets.some((offset) => pixels[at + offset] !== colour)) return;
      const near = (other: number): boolean =>
        Math.abs((at % width) - (other % width)) < 20 && Math.floor(at / width) - Math.floor(other / width) < 20;
      if (!found.some(near)) found.push(at);
    });
    return found.length;
  }

  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-loop-report-'));
    const [name = ''] = await makeRuns(folder, { runs: 1, trials: 20, distinct: 1, bundleFolder: folder });
    plain = path.join(folder, name);
    loop = path.join(folder, 'loop');
    cpSync(plain, loop, { recursive: true });
    await writeReport(plain);
    const { document } = readRun(plain);
    const arms = ['over-the-air', ...ARMS].map((arm) => ({
      name: arm,
      snrDb: arm === 'over-the-air' ? document.plan.snrDb : [],
    }));
    writeFileSync(path.join(loop, 'run.json'), JSON.stringify({ ...document, plan: { ...document.plan, arms } }));
    for (const powerDb of POWERS_DB)
      for (const record of [
        allocation('swift', powerDb, 0, []),
        allocation('alternating', powerDb, 0, [0.5, 0.45, 0.44, 0.44]),
        allocation('alternating', powerDb, 1, [0.6, 0.5]),
      ])
        appendFileSync(path.join(loop, 'trials.jsonl'), `${JSON.stringify(record)}\n`);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('has no section and no pictures without allocations', () => {
    assert.ok(!page(plain).includes('Closed loop'));
    for (const name of ['loop-budgets', 'loop-predicted', 'loop-convergence'])
      assert.ok(!existsSync(picture(plain, name)), name);
  });

  it('counts the allocations of a run that goes on, and draws how they converged', async () => {
    rmSync(path.join(loop, 'stop.json'));
    await writeReport(loop);
    assert.match(page(loop), /6 allocations so far/);
    assert.ok(existsSync(picture(loop, 'loop-convergence')) && !existsSync(picture(loop, 'loop-budgets')));
  });

  it('shows figures with intervals, predictions and comparisons, and says that they are simulated', async () => {
    const stop = stopDocumentSchema.parse(JSON.parse(readFileSync(path.join(plain, 'stop.json'), 'utf8')));
    writeFileSync(path.join(loop, 'stop.json'), JSON.stringify({ ...stop, closedLoop: LOOP }));
    await writeReport(loop);
    const html = page(loop);
    const section = html.slice(html.indexOf('<h2>Closed loop (on simulated twins)</h2>'), html.indexOf('<figure>'));
    for (const cell of [
      'swift (analog-search)',
      '4 MHz, -3 dB',
      '287',
      '0.438 [0.394, 0.481]',
      '0.450',
      '1.357 [1.221, 1.493]',
      '1.413',
      '0.287',
      '0.013',
      '0.219 [0.197, 0.241]',
      '0.241',
      '91.3 [82.2, 100.4]',
      '-0.42',
      '1.07',
      '13',
    ])
      assert.ok(section.includes(`<td>${cell}</td>`), cell);
    assert.match(section, /6 allocations\./);
    assert.match(section, /blocks of 41 questions/);
    const [pair] = /<td>alternating − swift<\/td>[^]*?<\/tr>/.exec(section) ?? [''];
    const words = pair.replaceAll(/<[^>]*>|\s+/g, ' ').replaceAll(/ +/g, ' ');
    const each = '+0.087 [-0.013, +0.188] p 0.031, 7 blocks';
    assert.equal(words.trim(), `alternating − swift +0.091 [-0.013, +0.188] p &lt; 0.001, 14 blocks ${each} ${each}`);
    assert.match(html, /<th>All budgets<\/th>\s*<th>4 MHz, -3 dB<\/th>\s*<th>4 MHz, 3 dB<\/th>/);
  });

  it('has pictures that are not blank, on the page and beside it', async () => {
    for (const name of ['loop-budgets', 'loop-predicted', 'loop-convergence']) {
      const bytes = readFileSync(picture(loop, name));
      const image = await loadImage(bytes);
      assert.ok(image.width >= 1200 && image.height >= 800, `${name} ${image.width} x ${image.height}`);
      assert.ok(page(loop).includes(bytes.toString('base64')), name);
      assert.ok(bytes.length > 20_000, `${name} ${bytes.length}`);
    }
  });

  it('has a dot for every arm and budget', async () => {
    // Four panels, in each two budgets and the legend; three panels, in the first at least one dot, and three legends.
    assert.deepEqual([await dots('loop-budgets', 1), await dots('loop-budgets', 2)], [12, 12]);
    for (const arm of [1, 2]) assert.ok((await dots('loop-predicted', arm)) >= 4);
  });

  it('takes histories of what alternated alone', () => {
    assert.deepEqual(
      descents(readRun(loop).allocations).map(({ arm, place, objectives }) => [arm, place, ...objectives]),
      [
        ['alternating', '4 MHz, -3 dB', 0.5, 0.45, 0.44, 0.44],
        ['alternating', '4 MHz, -3 dB', 0.6, 0.5],
        ['alternating', '4 MHz, 3 dB', 0.5, 0.45, 0.44, 0.44],
        ['alternating', '4 MHz, 3 dB', 0.6, 0.5],
      ],
    );
  });

  it('has across what is swept', () => {
    const at = (bandwidthHz: number, powerDb: number): ClosedLoopPoint => ({
      ...point('swift', powerDb, 1),
      bandwidthHz,
    });
    const across = (points: ClosedLoopPoint[]): string[] =>
      budgetGroups(points).map((one) => `${one.across} at ${one.fixed}: ${one.points.length}`);
    assert.deepEqual(across([at(2e6, 0)]), ['arm at 2 MHz, 0 dB: 1']);
    assert.deepEqual(across([at(2e6, 0), at(4e6, 0)]), ['bandwidthHz at 0 dB: 2']);
    assert.deepEqual(across([at(2e6, 0), at(4e6, 0), at(2e6, 3), at(4e6, 3)]), [
      'powerDb at 2 MHz: 2',
      'powerDb at 4 MHz: 2',
    ]);
  });
});
