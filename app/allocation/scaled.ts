/**
 * The digital problem in numbers near one: shares of bandwidth and power in place of Hz and W, and one SNR constant a
 * user in place of gains and 1e-20 W/Hz. Everything that solves works on this form; `answer.ts` goes back.
 */
import { dbToPowerRatio } from '../units/db';
import { powerCapsW, RATE_PRESETS, type DigitalProblem } from './problem';

/** Arrays hold one number for each served user. Users in outage are left out. */
export interface ScaledProblem {
  readonly form: 'max' | 'sum';
  readonly count: number;
  /** Position of each served user in the problem. */
  readonly served: readonly number[];
  /** What share 1 of power means, W: the budget, or the sum of the caps where that is not above it. */
  readonly powerUnitW: number;
  /** The shares of power add up to 1 at most; false where the caps alone see to it. */
  readonly hasBudget: boolean;
  /** Largest share of power; Infinity where the budget binds first. */
  readonly cap: Float64Array;
  readonly hasCaps: boolean;
  /** s: SNR at all the bandwidth and all the power. r / (B log2(e)) = beta ln(1 + s rho / beta), beta and rho shares. */
  readonly snr: Float64Array;
  /** k, s: time of one token at a normalised rate of 1. */
  readonly tokenS: Float64Array;
  /** Objective per second of latency. */
  readonly latencyWeight: number;
  /** A and b of the objective's part A exp(-b L); the constant is left out. */
  readonly lossWeight: Float64Array;
  readonly lossDecay: Float64Array;
  readonly minLength: Float64Array;
  readonly maxLength: Float64Array;
  /** Rising lists; null where every length between the bounds is allowed. */
  readonly choices: readonly (readonly number[] | null)[];
  /** What the objective holds besides: overhead, constants of the fits, users in outage. */
  readonly constant: number;
}

/** Shares of bandwidth and power, and token lengths, of the served users. */
export interface Shares {
  readonly bandwidth: Float64Array;
  readonly power: Float64Array;
}
export interface Point extends Shares {
  readonly length: Float64Array;
}

/** What the rate model makes of Shannon's formula: a share of it, at an SNR divided by the gap (linear). */
export function rateTerms(problem: DigitalProblem): { efficiency: number; snrGap: number } {
  const preset = RATE_PRESETS[problem.rateModel.preset];
  return {
    efficiency: problem.rateModel.efficiency ?? preset.efficiency,
    snrGap: dbToPowerRatio(problem.rateModel.snrGapDb ?? preset.snrGapDb),
  };
}

/**
 * r = efficiency B log2(1 + p g / (gap N0 B)), bit/s; the paper's formula is not public, this form is assumed.
 */
export function rateBitPerS(problem: DigitalProblem, powerGain: number, bandwidthHz: number, powerW: number): number {
  const { efficiency, snrGap } = rateTerms(problem);
  if (bandwidthHz === 0 || powerW === 0) return 0;
  const snr = (powerW * powerGain) / (snrGap * problem.noisePsdWPerHz * bandwidthHz);
  return efficiency * bandwidthHz * Math.log1p(snr) * Math.LOG2E;
}

/** Users whose rate with all the bandwidth and all the power is below `outageRateBitPerS`. */
export function usersInOutage(problem: DigitalProblem): boolean[] {
  const caps = powerCapsW(problem);
  return problem.users.map((user, i) => {
    const powerW = Math.min(caps[i]!, problem.powerW ?? Infinity);
    // Written so that a rate that is not a number counts as outage.
    return !(rateBitPerS(problem, user.powerGain, problem.bandwidthHz, powerW) >= problem.outageRateBitPerS);
  });
}

export function scaleProblem(problem: DigitalProblem): ScaledProblem {
  const outage = usersInOutage(problem);
  const served = problem.users.flatMap((_, i) => (outage[i] ? [] : [i]));
  const users = served.map((i) => problem.users[i]!);
  const allCaps = powerCapsW(problem);
  const capsW = served.map((i) => allCaps[i]!);
  const capSumW = capsW.reduce((sum, cap) => sum + cap, 0);
  const budgetW = problem.powerW ?? Infinity;
  const hasBudget = budgetW < capSumW;
  const powerUnitW = hasBudget ? budgetW : capSumW;
  const cap = Float64Array.from(capsW, (capW) => (hasBudget && capW >= budgetW ? Infinity : capW / powerUnitW));
  const { efficiency, snrGap } = rateTerms(problem);
  const { weight, latencyRefS, lossRef, bandwidthHz } = problem;
  const lossShare = (1 - weight) / lossRef;
  const lists = users.map(({ lengths }) => (Array.isArray(lengths) ? (lengths as readonly number[]) : null));
  const ranges = users.map(({ lengths }) =>
    'min' in lengths ? lengths : { min: lengths[0]!, max: lengths[lengths.length - 1]! },
  );
  let constant = (weight * problem.overheadS) / latencyRefS;
  problem.users.forEach(({ loss }, i) => (constant += lossShare * (loss.c + (outage[i] ? loss.a : 0))));
  return {
    form: problem.latency,
    count: users.length,
    served,
    powerUnitW,
    hasBudget,
    cap,
    hasCaps: cap.some((value) => value < Infinity),
    snr: Float64Array.from(users, (u) => (powerUnitW * u.powerGain) / (snrGap * problem.noisePsdWPerHz * bandwidthHz)),
    tokenS: Float64Array.from(users, (u) => (u.bitsPerToken * Math.LN2) / (efficiency * bandwidthHz)),
    latencyWeight: weight / latencyRefS,
    lossWeight: Float64Array.from(users, (u) => lossShare * u.loss.a),
    lossDecay: Float64Array.from(users, (u) => u.loss.b),
    minLength: Float64Array.from(ranges, (range) => range.min),
    maxLength: Float64Array.from(ranges, (range) => range.max),
    choices: lists,
    constant,
  };
}

/** Normalised rate of user m: beta ln(1 + s rho / beta). */
export function normalisedRate(scaled: ScaledProblem, shares: Shares, m: number): number {
  const beta = shares.bandwidth[m]!;
  const rho = shares.power[m]!;
  return beta > 0 && rho > 0 ? beta * Math.log1p((scaled.snr[m]! * rho) / beta) : 0;
}

/** Latency without overhead, s: of the slowest user, or the sum. */
export function latencyS(scaled: ScaledProblem, point: Point): number {
  let total = 0;
  for (let m = 0; m < scaled.count; m++) {
    const time = (point.length[m]! * scaled.tokenS[m]!) / normalisedRate(scaled, point, m);
    total = scaled.form === 'max' ? Math.max(total, time) : total + time;
  }
  return total;
}

/** The part of the objective that depends on the token lengths alone. */
export function lossPart(scaled: ScaledProblem, length: Float64Array): number {
  let sum = 0;
  for (let m = 0; m < scaled.count; m++) sum += lossAt(scaled, m, length[m]!);
  return sum;
}

/** A exp(-b L) of user m. */
export function lossAt(scaled: ScaledProblem, m: number, length: number): number {
  return scaled.lossWeight[m]! * Math.exp(-scaled.lossDecay[m]! * length);
}

/** The whole objective. */
export function objectiveOf(scaled: ScaledProblem, point: Point): number {
  return (
    (scaled.latencyWeight === 0 ? 0 : scaled.latencyWeight * latencyS(scaled, point)) +
    lossPart(scaled, point.length) +
    scaled.constant
  );
}
