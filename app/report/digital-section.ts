/** The digital mapping in a report: formats, lost blocks and erased tokens, and the cliff as a picture. */
import type { Canvas } from '@napi-rs/canvas';
import type { DigitalPoint } from '../config/run-documents';
import { lostBlocks } from '../store/digital';
import { formatDecibels, formatPercent } from '../units/format';
import { pointName } from '../units/place';
import { drawChart } from './chart-canvas';
import { armColour, evenRange, intervalBars, title } from './chart-style';
import { html, table, type Html } from './html';

const MOST_FORMATS = 3;

/** Nothing where every arm is analog. */
export function digitalSection(points: readonly DigitalPoint[], where: string): Html {
  if (points.length === 0) return html``;
  const head = [
    'Arm, user',
    'Point',
    'Formats (bursts)',
    'Code rate',
    'Channel uses',
    'Effective SNR (dB)',
    'Needed (dB)',
    'Within target',
    'Blocks lost',
    'Tokens erased',
    'Iterations a block',
  ];
  const rows = points.map((one) => [
    `${one.arm}, ${one.user}`,
    pointName(one),
    formatsText(one),
    one.codeRate.toFixed(2),
    one.channelUses.toFixed(0),
    formatDecibels(one.effectiveSnrDb),
    formatDecibels(one.requiredSnrDb),
    formatPercent(one.meetsTarget),
    `${one.codeBlocksLost} of ${one.codeBlocks}`,
    `${one.erasedTokens} of ${one.tokens}`,
    one.iterationsPerBlock.toFixed(1),
  ]);
  return html`<h2>Digital transport${where}</h2>
    <div class="wide">${table(head, rows)}</div>
    <p class="note">
      Effective SNR: of the point's sounding, a flat channel with as much information for the modulation; needed: for
      the target packet error rate, mean over the bursts, whose texts differ in length; within target: bursts whose
      format reaches it (else the most robust one that fits was sent). A lost block erases every token with a bit in it:
      zeros that the receiver is told of. A lost burst loses all its blocks.
    </p>`;
}

function formatsText({ formats }: DigitalPoint): string {
  const shown = formats.slice(0, MOST_FORMATS).map(({ format, bursts }) => `${format} (${bursts})`);
  return [...shown, ...(formats.length > MOST_FORMATS ? [`${formats.length - MOST_FORMATS} more`] : [])].join('; ');
}

/** @param arms in the report's order, for their colours */
export function lostBlocksChart(points: readonly DigitalPoint[], arms: readonly string[], note: string): Canvas {
  const shown = lostBlocks(points).filter(({ requestedSnrDb }) => requestedSnrDb !== null);
  const x = ({ requestedSnrDb }: { requestedSnrDb: number | null }): number => requestedSnrDb ?? 0;
  return drawChart(860, 440, {
    type: 'scatter',
    data: {
      datasets: [...new Set(shown.map(({ arm }) => arm))].map((arm) => ({
        label: `${arm} (95 % interval)`,
        data: shown.filter((one) => one.arm === arm).map((one) => ({ x: x(one), y: 100 * one.share })),
        showLine: true,
        borderColor: armColour(arms.indexOf(arm)),
        backgroundColor: armColour(arms.indexOf(arm)),
        pointRadius: 4,
        borderWidth: 2,
      })),
    },
    options: {
      layout: { padding: 12 },
      plugins: {
        title: title(`Code blocks lost${note}`),
        legend: {
          position: 'bottom',
          labels: { usePointStyle: true, pointStyle: 'line', pointStyleWidth: 40, padding: 16 },
        },
      },
      scales: {
        x: {
          ...evenRange(shown.map(x)),
          ticks: { stepSize: 2 },
          title: { display: true, text: 'requested Es/N0 (dB)' },
        },
        y: { min: 0, max: 100, title: { display: true, text: 'blocks of all users (%)' } },
      },
    },
    plugins: [
      intervalBars(
        shown.map((one) => ({
          at: x(one),
          low: 100 * one.low,
          high: 100 * one.high,
          colour: armColour(arms.indexOf(one.arm)),
        })),
        'y',
      ),
    ],
  });
}
