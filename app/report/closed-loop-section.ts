/** The closed loop in a report: figures of every arm and budget, arms against each other, and its pictures. */
import type { ClosedLoopComparison, ClosedLoopPoint, ClosedLoopSummary } from '../config/run-documents';
import type { RunContents } from '../store/run-reader';
import { formatDecibels, formatPValue } from '../units/format';
import { pointKey, pointName, type PointPlace } from '../units/place';
import { toPng, type Picture } from './chart-canvas';
import { budgetGroups, budgetsChart, convergenceChart, descents, placesOf, predictedChart } from './closed-loop-charts';
import { html, table, type Html } from './html';

type Interval = ClosedLoopPoint['objective'];

/** Nothing without allocations. */
export function closedLoopSection({ allocations, stop }: RunContents, where: string): Html {
  if (allocations.length === 0) return html``;
  const loop = stop?.closedLoop ?? null;
  if (loop === null)
    return html`<h2>Closed loop${where}</h2>
      <p>${allocations.length} allocations so far; the loop's figures come when the run ends.</p>`;
  const blocks = loop.blockTrials;
  return html`<h2>Closed loop${where}</h2>
    <div class="wide">${pointTable(loop.points)}</div>
    <p class="note">
      ${allocations.length} allocations. Objective of a trial: weight × air time of its longest burst over its reference
      + (1 − weight) × loss over its reference; loss: −ln p of the right answer. Means with 95 % intervals (Student's,
      over blocks of ${blocks} questions that met one draw of the channel). Predicted: by the decisions, symbols rounded
      and preamble and header counted; Shannon: payload alone. Latency error: of a trial's own prediction against its
      air time, at most. SNR error: measured − predicted. Outages: trials in which a user was told not to send.
    </p>
    ${comparisonTable(loop)}`;
}

function withInterval({ mean, low, high }: Interval, scale = 1, digits = 3): string {
  const text = (value: number): string => (scale * value).toFixed(digits);
  return low === high ? text(mean) : `${text(mean)} [${text(low)}, ${text(high)}]`;
}

function armName({ arm, method, csi }: ClosedLoopPoint): string {
  const remarks = [...(method === arm ? [] : [method]), ...(csi === 'measured' ? [] : ['simulated CSI'])];
  return remarks.length === 0 ? arm : `${arm} (${remarks.join(', ')})`;
}

function pointTable(points: readonly ClosedLoopPoint[]): Html {
  const head = [
    'Arm',
    'Budgets',
    'Trials',
    'Objective',
    'Predicted',
    'Latency (ms)',
    'Predicted',
    'Shannon',
    'Latency error (%)',
    'Loss',
    'Predicted',
    'Accuracy (%)',
    'SNR error (dB)',
    'Rms (dB)',
    'Outages',
  ];
  const rows = points.map((point) => [
    armName(point),
    pointName(point),
    String(point.trials),
    withInterval(point.objective),
    point.predicted.objective.toFixed(3),
    withInterval(point.latencyS, 1e3),
    (1e3 * point.predicted.latencyS).toFixed(3),
    (1e3 * point.shannonLatencyS).toFixed(3),
    (100 * point.latencyErrorMost).toFixed(3),
    withInterval(point.loss),
    point.predicted.loss.toFixed(3),
    withInterval(point.accuracy, 100, 1),
    formatDecibels(point.snrErrorMeanDb),
    formatDecibels(point.snrErrorRmsDb),
    String(point.outages),
  ]);
  return table(head, rows);
}

/** A row for every two arms, a column for all budgets together and for each. */
function comparisonTable({ points, comparisons }: ClosedLoopSummary): Html {
  if (comparisons.length === 0) return html``;
  const keyOf = (one: ClosedLoopComparison): string =>
    one.bandwidthHz === undefined ? 'all' : pointKey('', { ...one, requestedSnrDb: null });
  const columns: [string, string][] = [
    ['all', 'All budgets'],
    ...placesOf(points).map((place: PointPlace): [string, string] => [pointKey('', place), pointName(place)]),
  ];
  const shown = columns.filter(([key]) => comparisons.some((one) => keyOf(one) === key));
  const pairs = new Map(comparisons.map((one) => [JSON.stringify([one.firstArm, one.secondArm]), one]));
  const cell = (pair: ClosedLoopComparison, key: string): Html => {
    const one = comparisons.find(
      (other) => other.firstArm === pair.firstArm && other.secondArm === pair.secondArm && keyOf(other) === key,
    );
    if (one === undefined) return html`<td>–</td>`;
    const { mean, low, high } = one.objectiveDifference;
    return html`<td>
      ${signed(mean)}<br /><small>${low === high ? '' : `[${signed(low)}, ${signed(high)}]`}</small><br />
      <small>p ${formatPValue(one.pValue)}, ${one.blocks} blocks</small>
    </td>`;
  };
  return html`<h3>Objectives of the arms on the same questions: second − first</h3>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th>Arms</th>
            ${shown.map(([, name]) => html`<th>${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${[...pairs.values()].map(
            (pair) =>
              html`<tr>
                <td>${pair.secondArm} − ${pair.firstArm}</td>
                ${shown.map(([key]) => cell(pair, key))}
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
    <p class="note">
      Below zero the second arm is better. Paired, with 95 % intervals over blocks; p by Fisher's randomisation test
      over blocks, two-sided, not corrected for the ${comparisons.length} comparisons.
    </p>`;
}

function signed(value: number): string {
  const text = value.toFixed(3);
  return Number(text) > 0 ? `+${text}` : text;
}

/**
 * Needs `prepareCharts`. Nothing without allocations.
 * @param arms in the report's order, for their colours
 */
export function closedLoopPictures(run: RunContents, arms: readonly string[], note: string): Picture[] {
  const points = run.stop?.closedLoop?.points ?? [];
  const groups = budgetGroups(points);
  const pictures = groups.map((group, index): Picture => {
    const counts = [...new Set(group.points.map(({ trials }) => trials))].sort((a, b) => a - b);
    const blocks = run.stop?.closedLoop?.blockTrials ?? 1;
    return {
      name: groups.length > 1 ? `loop-budgets-${index + 1}` : 'loop-budgets',
      caption:
        `Closed loop at ${group.fixed}${group.across === 'arm' ? '' : ', arms side by side at each budget, lines through the budgets themselves'}. ` +
        `Bars: 95 % intervals over blocks of ${blocks} questions; ${counts.join(' to ')} questions a dot. Axes need not begin at zero.`,
      png: toPng(budgetsChart(group, arms, note)),
    };
  });
  if (points.length > 0)
    pictures.push({
      name: 'loop-predicted',
      caption:
        'What the decisions predicted against what was measured, a dot for every arm and budget. On the dashed line the model was right; above it the air was worse. Bars: 95 % intervals of the measured.',
      png: toPng(predictedChart(points, arms, note)),
    });
  const falling = descents(run.allocations);
  if (falling.length > 0)
    pictures.push({
      name: 'loop-convergence',
      caption:
        'The alternation from half step to half step: objective of the continuous problem that a decision solved last, before rounding to sub-bands and gain steps. Thin: single decisions; thick: their mean, in which one that has ended stays where it ended.',
      png: toPng(convergenceChart(falling, note)),
    });
  return pictures;
}
