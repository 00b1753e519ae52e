/** The report of a run: report/index.html, one file with everything in it, and the pictures beside it. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { PointSummary } from '../config/run-documents';
import { writeWhole } from '../store/files';
import { runFiles } from '../store/layout';
import { readCsi } from '../store/parquet';
import { digitalPoints } from '../store/digital';
import { armsOf, compareArms, familyAccuracies, PointTable } from '../store/points';
import { readRun, type RunContents } from '../store/run-reader';
import { prepareCharts, toPng, type Picture } from './chart-canvas';
import { ccdfChart, equalSndrChart, errorBudgetChart, readingGapChart, tokenErrorChart } from './burst-charts';
import {
  burstGroups,
  ccdfCurves,
  meanBudgets,
  readingGaps,
  tokenErrorPoints,
  type ArmGaps,
  type BurstGroup,
} from './burst-groups';
import { accuracyChart, carrierSnrChart, channelChart, constellationChart } from './charts';
import { carrierSnrCurves, channelCurves } from './csi-curves';
import { closedLoopPictures } from './closed-loop-section';
import { lostBlocksChart } from './digital-section';
import { reportPage } from './page';
import { placeOf } from '../units/place';

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
  const arms = armsOf(run.document);
  const groups = burstGroups(run.trials, arms, run.document.users);
  const gaps = arms.length > 1 ? readingGaps(groups) : [];
  const pictures = await drawPictures(run, points, groups, gaps);
  for (const { name, png } of pictures) await writeWhole(path.join(target, `${name}.png`), png);
  const { trialsPerPoint, families } = run.document.plan;
  const byFamily = familyAccuracies(run.trials, run.references, { arms, trialsPerPoint, families });
  const file = path.join(target, 'index.html');
  await writeWhole(
    file,
    reportPage(run, { points, comparisons: compareArms(run.trials, arms), families: byFamily, gaps }, pictures),
  );
  return file;
}

/** The result table of a run as it stands. */
export function runPoints(run: RunContents): PointSummary[] {
  const { users, plan } = run.document;
  const table = new PointTable({
    arms: armsOf(run.document),
    users,
    trialsPerPoint: plan.trialsPerPoint,
    blindAccuracy: plan.blindAccuracy,
  });
  for (const trial of run.trials) table.addTrial(trial);
  for (const reference of run.references) table.addReference(reference);
  return table.summaries();
}

async function drawPictures(
  run: RunContents,
  points: readonly PointSummary[],
  groups: readonly BurstGroup[],
  gaps: readonly ArmGaps[],
): Promise<Picture[]> {
  await prepareCharts();
  const { users, simulated } = run.document;
  const note = simulated ? ' (simulated twins)' : '';
  const arms = armsOf(run.document);
  const inPanel = simulated ? ', twins' : '';
  const armNames = arms.map(({ name }) => name);
  const pictures: Picture[] = [
    ...closedLoopPictures(run, armNames, inPanel),
    {
      name: 'accuracy',
      caption: 'Accuracy against measured SNR. Bars: 95 % Wilson intervals.',
      png: toPng(accuracyChart(points, note)),
    },
  ];
  const digital = digitalPoints(run.trials);
  if (digital.some(({ requestedSnrDb }) => requestedSnrDb !== null))
    pictures.push({
      name: 'lost-blocks',
      caption:
        'Code blocks of the digital transport that were lost, all users together: below its threshold a format loses everything. Bars: 95 % Wilson intervals.',
      png: toPng(lostBlocksChart(digital, armNames, note)),
    });
  if (arms.length > 1 && points.some(({ sndrDb }) => sndrDb !== null))
    pictures.push({
      name: 'equal-sndr',
      caption:
        'What the arms make of the same SNDR (signal over noise and distortion of the payload, by its pilots, mean of all users). Bars: 95 % intervals.',
      png: toPng(equalSndrChart(points, inPanel)),
    });
  if (gaps.length > 0)
    pictures.push({
      name: 'reading-gap',
      caption:
        'Does an SNR reading predict quality? Squared error of the tokens over 1 / (1 + SNR), with the SNR as read from the preamble (which clipping hardly touches), from all training, from the pilots in the payload, and from the known payload (genie). At 0 dB a reading tells the truth; arms that lie apart in one reading differ in quality where it says that they are alike. Bars: 95 % intervals.',
      png: toPng(readingGapChart(gaps, inPanel)),
    });
  const errors = tokenErrorPoints(groups);
  if (errors.length > 0)
    pictures.push({
      name: 'token-error',
      caption:
        'Squared error of the received tokens over their power, mean of the bursts with its 95 % interval (bars). Rings: what a perfect linear receiver leaves on the channel as it was measured.',
      png: toPng(tokenErrorChart(errors, note)),
    });
  const budgets = meanBudgets(groups);
  if (budgets.length > 0)
    pictures.push({
      name: 'error-budget',
      caption: `What of the token error came from where, mean of ${Math.min(...budgets.map(({ bursts }) => bursts))} or more bursts a bar. ${
        simulated
          ? 'By substitution: the simulated air tells what each cause did.'
          : 'From what the receiver and the sent tokens say.'
      } Unexplained is what the parts leave or exceed.`,
      png: toPng(errorBudgetChart(budgets, inPanel)),
    });
  const ccdf = ccdfCurves(groups);
  if (ccdf.length > 0)
    pictures.push({
      name: 'ccdf',
      caption:
        'Power that 10 %, 1 % and 0.1 % of the samples of a burst exceed, before clipping at full scale: mean of the bursts, bars one standard deviation to either side.',
      png: toPng(ccdfChart(ccdf, note)),
    });
  if (run.views.length > 0)
    pictures.push({
      name: 'constellation',
      caption:
        'Equalised payload symbols of a few bursts. The analog mapping sends tokens as they are, so no grid of points is to be expected: a cloud of about unit power, which the LMMSE equaliser draws inward where SNR is low. The digital mapping sends QAM.',
      png: toPng(constellationChart(run.views, users, simulated ? ', twins' : '')),
    });
  const csi = await readCsi(run.folder);
  if (csi.length > 0) {
    const placeOfTrial = new Map(run.trials.map((trial) => [trial.id, placeOf(trial)]));
    pictures.push(
      {
        name: 'channel',
        caption: 'Estimated channel of every user over the carriers, against the mean of its burst.',
        png: toPng(channelChart(channelCurves(csi, users), note)),
      },
      {
        name: 'carrier-snr',
        caption: 'SNR of each carrier as the receiver measured it, by user and point.',
        png: toPng(carrierSnrChart(carrierSnrCurves(csi, users, placeOfTrial), simulated ? ', twins' : '')),
      },
    );
  }
  return pictures;
}
