/**
 * Analog transport: tokens go out as symbols, so a user's latency is symbols over bandwidth, and noise that gets through
 * costs loss instead of rate.
 */
import { powerRatioToDb } from '../units/db';
import type { AnalogProblem, AnalogUser, LossSurface } from './problem';

/** Products of two users' losses. */
export type Interactions = AnalogProblem['interactions'];

/**
 * Loss of one user at a token length and an SNR.
 *
 * `exponential`: a exp(-b L) + c with coefficients at the listed SNRs, linear in dB between. `table`: bilinear in dB
 * and log2 L between the listed points. Beyond the ends the value at the end holds.
 *
 * @param snrDb Es/N0
 */
export function surfaceLoss(surface: LossSurface, length: number, snrDb: number): number {
  const [i, share] = position(surface.snrDb, snrDb);
  const between = (values: readonly number[]): number =>
    values[i]! + (share === 0 ? 0 : share * (values[i + 1]! - values[i]!));
  if (surface.form === 'exponential')
    return between(surface.a) * Math.exp(-between(surface.b) * length) + between(surface.c);
  const row = (values: readonly number[]): number => {
    const [j, along] = position(surface.lengths, length, Math.log2);
    return values[j]! + (along === 0 ? 0 : along * (values[j + 1]! - values[j]!));
  };
  const low = row(surface.loss[i]!);
  return share === 0 ? low : low + share * (row(surface.loss[i + 1]!) - low);
}

/** Index of the point at or below, and how far on to the next, 0 to 1. */
function position(axis: readonly number[], at: number, warp: (x: number) => number = (x) => x): [number, number] {
  const last = axis.length - 1;
  if (!(at > axis[0]!)) return [0, 0];
  if (at >= axis[last]!) return [last, 0];
  let i = 0;
  while (axis[i + 1]! <= at) i++;
  const from = warp(axis[i]!);
  return [i, (warp(at) - from) / (warp(axis[i + 1]!) - from)];
}

export interface AnalogPoint {
  readonly bandwidthHz: Float64Array;
  readonly powerW: Float64Array;
  readonly length: Float64Array;
}

export function analogSnrDb(problem: AnalogProblem, user: AnalogUser, bandwidthHz: number, powerW: number): number {
  return powerRatioToDb((powerW * user.powerGain) / (problem.noisePsdWPerHz * bandwidthHz));
}

/** One complex symbol per second and Hz. */
export function analogLatencyS(user: AnalogUser, length: number, bandwidthHz: number): number {
  return symbolsOf(user, length) / bandwidthHz;
}

/** Of a burst, its overhead included. */
export function symbolsOf({ symbolsPerToken, overheadSymbols }: AnalogUser, length: number): number {
  return length * symbolsPerToken + overheadSymbols;
}

/** Loss of all users: the sum of theirs, and for each interaction its coefficient times the product of both. */
export function analogLoss(
  { users, interactions }: { readonly users: readonly { readonly id: string }[]; readonly interactions: Interactions },
  losses: ArrayLike<number>,
): number {
  let sum = 0;
  for (let m = 0; m < losses.length; m++) sum += losses[m]!;
  const lossOf = (user: string): number => losses[users.findIndex(({ id }) => id === user)]!;
  for (const { users: both, coefficient } of interactions) sum += coefficient * lossOf(both[0]) * lossOf(both[1]);
  return sum;
}

export function analogObjective(problem: AnalogProblem, point: AnalogPoint): number {
  const { weight, latencyRefS, lossRef } = problem;
  let timeS = 0;
  const losses = problem.users.map((user, m) => {
    const one = analogLatencyS(user, point.length[m]!, point.bandwidthHz[m]!);
    timeS = problem.latency === 'max' ? Math.max(timeS, one) : timeS + one;
    return surfaceLoss(
      user.surface,
      point.length[m]!,
      analogSnrDb(problem, user, point.bandwidthHz[m]!, point.powerW[m]!),
    );
  });
  const loss = analogLoss(problem, losses);
  return (weight * (timeS + problem.overheadS)) / latencyRefS + ((1 - weight) * loss) / lossRef;
}
