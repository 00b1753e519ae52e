/** A closed loop's figures, as text. */
import type { ClosedLoopSummary } from '../config/run-documents';
import { pointName } from '../units/place';
import { columns } from './table';

export function closedLoopTable({ points, comparisons }: ClosedLoopSummary): string[] {
  const both = ({ mean, low, high }: { mean: number; low: number; high: number }, scale = 1, digits = 3): string =>
    `${(mean * scale).toFixed(digits)} [${(low * scale).toFixed(digits)}, ${(high * scale).toFixed(digits)}]`;
  const head = [
    'arm',
    'budgets',
    'objective',
    'predicted',
    'latency ms',
    'predicted',
    'loss',
    'predicted',
    'accuracy %',
    'most latency error %',
    'SNR error dB',
  ];
  const rows = points.map((point) => [
    point.arm,
    pointName(point),
    both(point.objective),
    point.predicted.objective.toFixed(3),
    both(point.latencyS, 1e3),
    (point.predicted.latencyS * 1e3).toFixed(3),
    both(point.loss),
    point.predicted.loss.toFixed(3),
    both(point.accuracy, 100, 1),
    (100 * point.latencyErrorMost).toFixed(2),
    `${point.snrErrorMeanDb?.toFixed(2) ?? '-'} (rms ${point.snrErrorRmsDb?.toFixed(2) ?? '-'})`,
  ]);
  return [
    ...columns([head, ...rows]),
    ...comparisons.map(
      (one) =>
        `${one.secondArm} minus ${one.firstArm}, ${one.bandwidthHz === undefined ? 'all budgets' : pointName({ ...one, requestedSnrDb: null })}: ` +
        `objective ${both(one.objectiveDifference, 1, 4)} over ${one.blocks} blocks, p ${one.pValue.toFixed(4)}`,
    ),
  ];
}
