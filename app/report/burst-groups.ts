/** Bursts of a run by arm, point and user, and what their pictures need of them. */
import type { BurstRecord, ErrorBudgetRecord, TrialRecord } from '../config/run-documents';
import { meanErrorDb, type ArmPoints } from '../store/points';
import { dbToPowerRatio, powerRatioToDb } from '../units/db';
import { mean, sampleDeviation } from '../units/statistics';

export interface BurstGroup {
  readonly arm: string;
  readonly requestedSnrDb: number;
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
  for (const { arm, requestedSnrDb, valid, bursts } of trials) {
    if (!valid) continue;
    for (const burst of bursts) {
      if (!burst.headerOk) continue;
      const key = `${arm}/${requestedSnrDb}/${burst.user}`;
      const list = lists.get(key);
      if (list === undefined) lists.set(key, [burst]);
      else list.push(burst);
    }
  }
  return arms.flatMap(({ name, snrDb }) =>
    snrDb.flatMap((requestedSnrDb) =>
      users.flatMap((user) => {
        const bursts = lists.get(`${name}/${requestedSnrDb}/${user}`);
        return bursts === undefined ? [] : [{ arm: name, requestedSnrDb, user, bursts }];
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

/** Parts of the error budget in the order of the picture. */
export const BUDGET_PARTS = ['noise', 'interference', 'nonlinearity', 'phase', 'channel', 'unexplained'] as const;

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
