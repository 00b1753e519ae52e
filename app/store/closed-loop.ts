/** What a closed loop came to: objective, latency and loss as measured and as predicted, and arms against each other. */
import type {
  AllocationRecord,
  ClosedLoopComparison,
  ClosedLoopPoint,
  ClosedLoopSummary,
  TrialRecord,
} from '../config/run-documents';
import { placeOf, pointKey } from '../units/place';
import { seededRandom } from '../units/random';
import { mean, sampleDeviation } from '../units/statistics';

/** How an arm weighs latency against loss, as its section `allocation` says. */
export interface ObjectiveTerms {
  readonly arm: string;
  readonly weight: number;
  readonly latencyRefS: number;
  readonly lossRef: number;
}

interface Measured {
  readonly latencyS: number;
  readonly loss: number;
  readonly objective: number;
  readonly record: TrialRecord;
}

const SIGN_FLIPS = 10_000;
const Z_95 = 1.959963984540054;

/** 97.5 % point of Student's t (Cornish and Fisher's expansion; within 0.5 % from 4 degrees of freedom on). */
function tQuantile(degrees: number): number {
  const z = Z_95;
  return (
    z +
    (z ** 3 + z) / (4 * degrees) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3)
  );
}

function interval(values: readonly number[]): { mean: number; low: number; high: number } {
  const centre = mean(values) ?? NaN;
  const deviation = sampleDeviation(values);
  const half = deviation === null ? Infinity : (tQuantile(values.length - 1) * deviation) / Math.sqrt(values.length);
  return Number.isFinite(half)
    ? { mean: centre, low: centre - half, high: centre + half }
    : { mean: centre, low: centre, high: centre };
}

/** Two-sided p-value of a mean of 0 when each block's sign is a coin's (Fisher's randomisation test, sampled). */
function signFlipP(values: readonly number[]): number {
  const random = seededRandom(1, 'sign flips');
  const observed = Math.abs(values.reduce((sum, value) => sum + value, 0));
  let asFar = 1;
  for (let i = 0; i < SIGN_FLIPS; i++) {
    const sum = values.reduce((total, value) => total + (random() < 0.5 ? value : -value), 0);
    if (Math.abs(sum) >= observed * (1 - 1e-12)) asFar++;
  }
  return asFar / (SIGN_FLIPS + 1);
}

/**
 * Null without allocations. Objective of a trial: weight x air time of its longest burst / latencyRefS + (1 - weight) x
 * -ln p of the right answer / lossRef. Intervals are Student's over blocks of `blockTrials` questions, which met one channel.
 */
export function closedLoopSummary(
  trials: readonly TrialRecord[],
  allocations: readonly AllocationRecord[],
  terms: readonly ObjectiveTerms[],
  blockTrials: number,
  trialsPerPoint: number,
): ClosedLoopSummary | null {
  if (allocations.length === 0) return null;
  const decided = new Map(allocations.map((record) => [record.id, record]));
  const points = new Map<string, Measured[]>();
  for (const record of trials) {
    const own = terms.find(({ arm }) => arm === record.arm);
    const { latencyS, logProbability } = record;
    if (own === undefined || !record.valid || latencyS === undefined || logProbability === null) continue;
    const loss = -logProbability;
    const objective = (own.weight * latencyS) / own.latencyRefS + ((1 - own.weight) * loss) / own.lossRef;
    const key = pointKey(record.arm, record);
    points.set(key, [...(points.get(key) ?? []), { latencyS, loss, objective, record }]);
  }
  const blockOf = ({ record }: Measured): number => Math.floor((record.index % trialsPerPoint) / blockTrials);
  const inBlocks = (own: readonly Measured[], value: (one: Measured) => number): number[] => {
    const blocks = new Map<number, number[]>();
    for (const one of own) blocks.set(blockOf(one), [...(blocks.get(blockOf(one)) ?? []), value(one)]);
    return [...blocks.values()].map((values) => mean(values) as number);
  };
  const summaries = [...points.values()].map((own): ClosedLoopPoint => {
    const [first] = own as [Measured];
    const records = own.flatMap(({ record }) => decided.get(record.allocation ?? '') ?? []);
    const predicted = (value: (record: AllocationRecord) => number): number => mean(records.map(value)) ?? NaN;
    const errors = own.map(({ record, latencyS }) => Math.abs((record.predictedLatencyS ?? NaN) / latencyS - 1));
    const snrErrors = own.flatMap(({ record }) => {
      const users = decided.get(record.allocation ?? '')?.decision.users ?? [];
      return record.bursts.flatMap(({ user, headerOk, snrDb }) => {
        const expected = users.find(({ id }) => id === user)?.meanSnrDb ?? null;
        return headerOk && snrDb !== null && expected !== null ? [snrDb - expected] : [];
      });
    });
    const [decision] = records.map((record) => record.decision);
    return {
      arm: first.record.arm,
      ...placeOf(first.record),
      method: decision?.method ?? '',
      csi: records[0]?.csi ?? 'measured',
      trials: own.length,
      objective: interval(inBlocks(own, ({ objective }) => objective)),
      latencyS: interval(inBlocks(own, ({ latencyS }) => latencyS)),
      loss: interval(inBlocks(own, ({ loss }) => loss)),
      accuracy: interval(inBlocks(own, ({ record }) => Number(record.correct === true))),
      predicted: {
        objective: predicted(({ decision: { predicted: p } }) => p.engineering.objective),
        latencyS: predicted(({ decision: { predicted: p } }) => p.engineering.latencyS),
        loss: predicted(({ decision: { predicted: p } }) => p.engineering.loss),
      },
      shannonLatencyS: predicted(({ decision: { predicted: p } }) => p.shannon.latencyS),
      latencyErrorMean: mean(errors) ?? NaN,
      latencyErrorMost: Math.max(...errors),
      snrErrorMeanDb: mean(snrErrors),
      snrErrorRmsDb: snrErrors.length === 0 ? null : Math.sqrt(mean(snrErrors.map((error) => error ** 2)) as number),
      outages: own.filter(({ record }) =>
        decided.get(record.allocation ?? '')?.decision.users.some(({ outage }) => outage),
      ).length,
    };
  });
  return { blockTrials, points: summaries, comparisons: comparisons(summaries, points, blockOf) };
}

/** Every two arms at each place, and over all places together. */
function comparisons(
  summaries: readonly ClosedLoopPoint[],
  points: ReadonlyMap<string, readonly Measured[]>,
  blockOf: (one: Measured) => number,
): ClosedLoopComparison[] {
  const arms = [...new Set(summaries.map(({ arm }) => arm))];
  const places = [...new Map(summaries.map((one) => [pointKey('', one), placeOf(one)])).values()];
  /** Second minus first, a block's mean each. */
  const blocks = (first: string, second: string, place: (typeof places)[number]): number[] => {
    const others = new Map(
      (points.get(pointKey(second, place)) ?? []).map((one) => [`${one.record.question}/${one.record.repeat}`, one]),
    );
    const byBlock = new Map<number, number[]>();
    for (const one of points.get(pointKey(first, place)) ?? []) {
      const other = others.get(`${one.record.question}/${one.record.repeat}`);
      if (other === undefined) continue;
      byBlock.set(blockOf(one), [...(byBlock.get(blockOf(one)) ?? []), other.objective - one.objective]);
    }
    return [...byBlock.values()].map((values) => mean(values) as number);
  };
  return arms.flatMap((first, i) =>
    arms.slice(i + 1).flatMap((second): ClosedLoopComparison[] => {
      const each = places.map((place) => ({ place, values: blocks(first, second, place) }));
      const pooled = each.flatMap(({ values }) => values);
      const one = (values: readonly number[]): Omit<ClosedLoopComparison, 'firstArm' | 'secondArm'> => ({
        blocks: values.length,
        objectiveDifference: interval(values),
        pValue: signFlipP(values),
      });
      return [
        ...each.flatMap(({ place, values }) =>
          values.length === 0
            ? []
            : [
                {
                  firstArm: first,
                  secondArm: second,
                  bandwidthHz: place.bandwidthHz,
                  powerDb: place.powerDb,
                  ...one(values),
                },
              ],
        ),
        ...(places.length > 1 && pooled.length > 0 ? [{ firstArm: first, secondArm: second, ...one(pooled) }] : []),
      ];
    }),
  );
}
