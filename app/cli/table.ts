/** The final table, as text. */
import type { ArmComparison, PointSummary, StopDocument } from '../config/run-documents';
import { formatDecibels, formatPercent, formatPoints, formatShare } from '../units/format';
import { pointName } from '../units/place';

/** Columns as wide as their widest cell; figures to the right. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '));
}

/** One row a point. `true` stands only where twins know it, and is marked. */
export function resultTable(
  points: readonly PointSummary[],
  simulated: boolean,
  comparisons: readonly ArmComparison[] = [],
  { sharedBand, airTimes }: Pick<StopDocument, 'sharedBand' | 'airTimes'> = { sharedBand: [], airTimes: [] },
): string[] {
  const arms = new Set(points.map(({ arm }) => arm)).size > 1;
  const budgets = points.some(({ requestedSnrDb }) => requestedSnrDb === null);
  const head = [
    [
      ...(arms ? ['arm'] : []),
      budgets ? 'budgets' : 'SNR dB',
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
      ...(arms ? [''] : []),
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
    ...(arms ? [point.arm] : []),
    point.requestedSnrDb === null ? pointName(point) : String(point.requestedSnrDb),
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
  for (const one of comparisons)
    lines.push(
      `${one.secondArm} against ${one.firstArm} at ${pointName({ ...one, requestedSnrDb: one.firstSnrDb })}: ${formatPoints(one.difference)} +- ` +
        `${formatPoints(one.differenceHalfWidth).replace('+', '')} points on ${one.questions} questions, p ${one.pValue < 0.001 ? '< 0.001' : one.pValue.toFixed(3)} (McNemar)`,
    );
  for (const one of sharedBand)
    lines.push(
      `${one.arm}, ${one.user}: ${one.carriers.toFixed(1)} grid carriers, residual CFO at most ` +
        `${formatShare(one.residualCfoMost)} of a carrier, leakage ${formatDecibels(one.leakageDb)} dB ` +
        `(at most ${formatDecibels(one.leakageHighDb)} dB, 95 %, ${one.leakageBursts} bursts)`,
    );
  if (sharedBand.length > 0)
    lines.push(
      `air time of a trial: ${airTimes.map((one) => `${one.arm} ${(one.airTimeS * 1e3).toFixed(2)} ms`).join(', ')}`,
    );
  if (simulated) lines.push('* true: ground truth of the simulated medium; nothing in the link reads it');
  return lines;
}
