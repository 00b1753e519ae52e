/** The final table, as text. */
import type { PointSummary } from '../config/run-documents';
import { formatDecibels, formatPercent, formatPoints } from '../units/format';

/** Columns as wide as their widest cell; figures to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '));
}

/** One row a point. `true` stands only where twins know it, and is marked. */
export function resultTable(points: readonly PointSummary[], simulated: boolean): string[] {
  const head = [
    [
      'SNR dB',
      'measured dB',
      ...(simulated ? ['true* dB'] : []),
      'bursts',
      '',
      '',
      'accuracy',
      '',
      '',
      'AWGN',
      'difference',
      'blind',
    ],
    [
      'asked',
      '',
      ...(simulated ? [''] : []),
      'sent',
      'found',
      'header ok',
      '%',
      '95 % interval',
      'n',
      '%',
      'points',
      '%',
    ],
  ];
  const percent = (fraction: number | null): string => formatPercent(fraction).replace(' %', '');
  const rows = points.map((point) => [
    String(point.requestedSnrDb),
    `${formatDecibels(point.measuredSnrDb)} +- ${formatDecibels(point.measuredSnrSdDb)}`,
    ...(simulated ? [formatDecibels(point.trueSnrDb)] : []),
    String(point.burstsSent),
    String(point.burstsDetected),
    String(point.headersOk),
    percent(point.accuracy),
    `[${percent(point.accuracyLow)}, ${percent(point.accuracyHigh)}]`,
    String(point.questions),
    percent(point.awgnAccuracy),
    formatPoints(point.difference),
    percent(point.blindAccuracy),
  ]);
  const lines = columns([...head, ...rows]);
  if (simulated) lines.push('* true: ground truth of the simulated medium; nothing in the link reads it');
  return lines;
}
