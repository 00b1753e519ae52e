/** Bursts of a run by arm, point and user, and what their pictures need of them. */
import type { BurstRecord, ErrorBudgetRecord, TrialRecord } from '../config/run-documents';
import { meanErrorDb, type ArmPoints } from '../store/points';
import { BUDGET_PARTS } from '../units/error-budget';
import { dbToPowerRatio, powerRatioToDb } from '../units/db';
import { placeOf, pointKey, type PointPlace } from '../units/place';
import { mean, meanHalfWidth, sampleDeviation } from '../units/statistics';

export interface BurstGroup extends PointPlace {
  readonly arm: string;
  readonly user: string;
  /** Received, of valid trials; never empty. */
  readonly bursts: readonly BurstRecord[];
}

/** In the plan's order, users within a point. */
export function burstGroups(
  trials: readonly TrialRecord[],
  arms: readonly ArmPoints[],
  users: readonly string[],
): BurstGroup[] {
  const lists = new Map<string, BurstRecord[]>();
  for (const trial of trials) {
    if (!trial.valid) continue;
    for (const burst of trial.bursts) {
      if (!burst.headerOk) continue;
      const key = `${pointKey(trial.arm, trial)}/${burst.user}`;
      const list = lists.get(key);
      if (list === undefined) lists.set(key, [burst]);
      else list.push(burst);
    }
  }
  return arms.flatMap(({ name, points }) =>
    points.flatMap((place) =>
      users.flatMap((user) => {
        const bursts = lists.get(`${pointKey(name, place)}/${user}`);
        return bursts === undefined ? [] : [{ arm: name, ...place, user, bursts }];
      }),
    ),
  );
}

function present(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

export interface TokenErrorPoint {
  readonly group: BurstGroup;
  /** Mean measured SNR, dB. */
  readonly snrDb: number;
  /** Mean squared error over power, dB, with its 95 % interval. */
  readonly errorDb: number;
  readonly lowDb: number;
  readonly highDb: number;
  /** What a perfect linear receiver leaves on the channel as measured. */
  readonly boundDb: number | null;
}

export function tokenErrorPoints(groups: readonly BurstGroup[]): TokenErrorPoint[] {
  return groups.flatMap((group) => {
    const error = meanErrorDb(present(group.bursts.map((burst) => burst.tokenErrorDb)));
    const snrDb = mean(present(group.bursts.map((burst) => burst.snrDb)));
    const bound = mean(present(group.bursts.map((burst) => burst.boundErrorDb)).map(dbToPowerRatio));
    if (error === null || snrDb === null) return [];
    const boundDb = bound === null ? null : powerRatioToDb(bound);
    return [{ group, snrDb, errorDb: error.meanDb, lowDb: error.lowDb, highDb: error.highDb, boundDb }];
  });
}

export { BUDGET_PARTS };

export interface MeanBudget {
  readonly group: BurstGroup;
  readonly bursts: number;
  /** Mean measured error, dB. */
  readonly errorDb: number;
  /** Of the measured error, 0 to 1. */
  readonly shares: Readonly<Record<(typeof BUDGET_PARTS)[number], number>>;
}

/** Means of powers over the bursts that have a budget. */
export function meanBudgets(groups: readonly BurstGroup[]): MeanBudget[] {
  return groups.flatMap((group) => {
    const budgets = group.bursts.flatMap(({ errorBudget }) => (errorBudget === null ? [] : [errorBudget]));
    const meanOf = (part: keyof ErrorBudgetRecord): number => mean(budgets.map((budget) => budget[part])) ?? 0;
    const measured = meanOf('measured');
    if (measured <= 0) return [];
    const share = (part: (typeof BUDGET_PARTS)[number]): number => meanOf(part) / measured;
    return [
      {
        group,
        bursts: budgets.length,
        errorDb: powerRatioToDb(measured),
        shares: {
          noise: share('noise'),
          interference: share('interference'),
          nonlinearity: share('nonlinearity'),
          phase: share('phase'),
          channel: share('channel'),
          unexplained: share('unexplained'),
        },
      },
    ];
  });
}

/** Shares of samples at which a burst's CCDF is recorded. */
export const CCDF_SHARES = [0.1, 0.01, 0.001] as const;

export interface CcdfCurve {
  readonly label: string;
  /** Mean over the bursts and their standard deviation, dB over the mean power. */
  readonly points: readonly { readonly share: number; readonly meanDb: number; readonly sdDb: number }[];
}

/** One curve a user, or where arms differ one an arm. */
export function ccdfCurves(groups: readonly BurstGroup[]): CcdfCurve[] {
  const byArm = new Set(groups.map(({ arm }) => arm)).size > 1;
  const lists = new Map<string, BurstRecord[]>();
  for (const { arm, user, bursts } of groups) {
    const label = byArm ? arm : user;
    lists.set(label, [...(lists.get(label) ?? []), ...bursts]);
  }
  return [...lists].flatMap(([label, bursts]) => {
    const points = CCDF_SHARES.flatMap((share, index) => {
      const values = bursts.flatMap(({ ccdfDb }) => ccdfDb[index] ?? []);
      const meanDb = mean(values);
      return meanDb === null ? [] : [{ share, meanDb, sdDb: sampleDeviation(values) ?? 0 }];
    });
    return points.length > 0 ? [{ label, points }] : [];
  });
}

/** What reads the SNR of a burst, from what sees least of the payload to what sees all of it. */
export const READINGS = [
  { name: 'preamble', field: 'preambleSnrDb' },
  { name: 'training and header', field: 'dataAidedSnrDb' },
  { name: 'payload pilots', field: 'pilotEvmSnrDb' },
  { name: 'genie', field: 'genieSnrDb' },
] as const satisfies readonly { name: string; field: keyof BurstRecord }[];

export interface ReadingGap {
  readonly reading: (typeof READINGS)[number]['name'];
  /** From the mean noise-to-signal ratio of the bursts, dB. */
  readonly snrDb: number;
  /** Token error over 1 / (1 + SNR) of this reading, dB, and half its 95 % interval. */
  readonly gapDb: number;
  readonly halfWidthDb: number;
}

export interface ArmGaps extends PointPlace {
  readonly arm: string;
  readonly bursts: number;
  readonly errorDb: number;
  readonly gaps: readonly ReadingGap[];
}

/**
 * By how much tokens came out worse than each SNR reading promises, of every arm and point, all users together.
 *
 * The intervals take error and reading as independent (delta method). Where they rise together, as with the genie, the
 * true interval is narrower.
 */
export function readingGaps(groups: readonly BurstGroup[]): ArmGaps[] {
  const points = new Map<string, BurstGroup[]>();
  for (const group of groups) {
    const key = pointKey(group.arm, group);
    points.set(key, [...(points.get(key) ?? []), group]);
  }
  return [...points.values()].flatMap((own) => {
    const [first] = own as [BurstGroup, ...BurstGroup[]];
    // No SNR promises the error of numbers: their steps and lost blocks make it.
    const bursts = own
      .flatMap((group) => group.bursts)
      .filter(({ tokenErrorDb, digital }) => tokenErrorDb !== null && digital === null);
    const errors = bursts.map(({ tokenErrorDb }) => dbToPowerRatio(tokenErrorDb ?? 0));
    const error = mean(errors);
    if (error === null || error <= 0) return [];
    const gaps = READINGS.flatMap(({ name, field }): ReadingGap[] => {
      // A mean of dB would be biased: few pilots make a skewed logarithm, but an unbiased noise.
      const ratios = present(bursts.map((burst) => burst[field])).map((snrDb) => dbToPowerRatio(-snrDb));
      const ratio = mean(ratios);
      if (ratio === null || ratio <= 0) return [];
      const promised = ratio / (1 + ratio);
      const relative = Math.hypot(
        (meanHalfWidth(errors) ?? 0) / error,
        (meanHalfWidth(ratios) ?? 0) / (ratio * (1 + ratio)),
      );
      const gapDb = powerRatioToDb(error / promised);
      return [{ reading: name, snrDb: -powerRatioToDb(ratio), gapDb, halfWidthDb: powerRatioToDb(1 + relative) }];
    });
    return [{ arm: first.arm, ...placeOf(first), bursts: bursts.length, errorDb: powerRatioToDb(error), gaps }];
  });
}
