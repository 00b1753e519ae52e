/** The report of a run: report/index.html, one file with everything in it, and the pictures beside it. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { PointSummary } from '../config/run-documents';
import { writeWhole } from '../store/files';
import { runFiles } from '../store/layout';
import { readCsi } from '../store/parquet';
import { familyAccuracies, PointTable } from '../store/points';
import { readRun, type RunContents } from '../store/run-reader';
import { prepareCharts, toPng } from './chart-canvas';
import { accuracyChart, carrierSnrChart, channelChart, constellationChart } from './charts';
import { carrierSnrCurves, channelCurves } from './csi-curves';
import { reportPage, type Picture } from './page';

/**
 * (Re)builds the report, of a run that goes on, was killed, or ended.
 * @returns path of index.html
 * @throws InvalidInputError when the folder holds no readable run
 */
export async function writeReport(folder: string): Promise<string> {
  const run = readRun(folder);
  const points = runPoints(run);
  const target = runFiles(folder).report;
  mkdirSync(target, { recursive: true });
  const pictures = await drawPictures(run, points);
  for (const { name, png } of pictures) await writeWhole(path.join(target, `${name}.png`), png);
  const { snrDb, trialsPerPoint, families } = run.document.plan;
  const byFamily = familyAccuracies(run.trials, run.references, { snrDb, trialsPerPoint, families });
  const file = path.join(target, 'index.html');
  await writeWhole(file, reportPage(run, points, byFamily, pictures));
  return file;
}

/** The result table of a run as it stands. */
export function runPoints(run: RunContents): PointSummary[] {
  const { arm, users, plan } = run.document;
  const table = new PointTable({
    arm,
    users,
    snrDb: plan.snrDb,
    trialsPerPoint: plan.trialsPerPoint,
    blindAccuracy: plan.blindAccuracy,
  });
  for (const trial of run.trials) table.addTrial(trial);
  for (const reference of run.references) table.addReference(reference);
  return table.summaries();
}

async function drawPictures(run: RunContents, points: readonly PointSummary[]): Promise<Picture[]> {
  await prepareCharts();
  const { users, simulated } = run.document;
  const note = simulated ? ' (simulated twins)' : '';
  const pictures: Picture[] = [
    {
      name: 'accuracy',
      caption: 'Accuracy against measured SNR. Bars: 95 % Wilson intervals.',
      png: toPng(accuracyChart(points, note)),
    },
  ];
  if (run.views.length > 0)
    pictures.push({
      name: 'constellation',
      caption:
        'Equalised payload symbols of a few bursts. Tokens are sent as analog values, so no grid of points is to be expected: a cloud of about unit power, which the LMMSE equaliser draws inward where SNR is low.',
      png: toPng(constellationChart(run.views, users, simulated ? ', twins' : '')),
    });
  const csi = await readCsi(run.folder);
  if (csi.length > 0) {
    const snrOfTrial = new Map(run.trials.map((trial) => [trial.id, trial.requestedSnrDb]));
    pictures.push(
      {
        name: 'channel',
        caption: 'Estimated channel of every user over the carriers, against the mean of its burst.',
        png: toPng(channelChart(channelCurves(csi, users), note)),
      },
      {
        name: 'carrier-snr',
        caption: 'SNR of each carrier as the receiver measured it, by user and requested SNR.',
        png: toPng(carrierSnrChart(carrierSnrCurves(csi, users, snrOfTrial), simulated ? ', twins' : '')),
      },
    );
  }
  return pictures;
}
