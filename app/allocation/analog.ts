/**
 * Analog transport: tokens go out as symbols, so a user's latency is symbols over bandwidth, and noise that gets through
 * costs loss instead of rate. Not convex: searched from seeded starts.
 */
import type { UniformRandom } from '../units/random';
import { powerRatioToDb } from '../units/db';
import { powerCapsW, type AnalogProblem, type AnalogUser, type LossSurface } from './problem';

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

function symbolsOf({ symbolsPerToken, overheadSymbols }: AnalogUser, length: number): number {
  return length * symbolsPerToken + overheadSymbols;
}

/** Loss of all users: the sum of theirs, and for each interaction its coefficient times the product of both. */
export function analogLoss(problem: AnalogProblem, losses: ArrayLike<number>): number {
  let sum = 0;
  for (let m = 0; m < losses.length; m++) sum += losses[m]!;
  if (problem.interactions.length === 0) return sum;
  const at = new Map(problem.users.map(({ id }, m) => [id, m]));
  for (const { users, coefficient } of problem.interactions)
    sum += coefficient * losses[at.get(users[0])!]! * losses[at.get(users[1])!]!;
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

const STARTS = 12;
const MAX_SWEEPS = 400;

/**
 * Unknowns without constraints: for each user a position in its lengths, a logarithm of its share of power, and (sum
 * form) of bandwidth; and one for bandwidth that is left unused, since a narrower band has less noise. In the max form
 * users that finish early would do better with less bandwidth, so bandwidth is proportional to symbols.
 */
class Coordinates {
  readonly count: number;
  readonly steps: Float64Array;
  private readonly users: number;
  private readonly caps: readonly number[];

  constructor(private readonly problem: AnalogProblem) {
    this.users = problem.users.length;
    this.caps = powerCapsW(problem);
    const withBandwidth = problem.latency === 'sum';
    this.count = this.users * (withBandwidth ? 3 : 2) + 1;
    this.steps = new Float64Array(this.count).fill(1);
    for (let m = 0; m < this.users; m++) {
      const lengths = problem.users[m]!.lengths;
      this.steps[m] = 'min' in lengths ? 0.5 : 1;
    }
  }

  start(uniform: UniformRandom | null): Float64Array {
    const x = new Float64Array(this.count);
    for (let i = 0; i < this.count; i++) {
      const at = uniform === null ? 0.5 : uniform();
      if (i < this.users) {
        const lengths = this.problem.users[i]!.lengths;
        x[i] = 'min' in lengths ? lengths.min * (lengths.max / lengths.min) ** at : Math.floor(at * lengths.length);
        if ('min' in lengths) x[i] = Math.log(x[i]!);
      } else x[i] = i === this.count - 1 ? (uniform === null ? -10 : -6 * at) : 4 * (at - 0.5);
    }
    return x;
  }

  point(x: Float64Array): AnalogPoint {
    const { users, problem } = this;
    const length = Float64Array.from({ length: users }, (_, m) => {
      const lengths = problem.users[m]!.lengths;
      if ('min' in lengths) return Math.min(Math.max(Math.exp(x[m]!), lengths.min), lengths.max);
      return lengths[Math.min(Math.max(Math.round(x[m]!), 0), lengths.length - 1)]!;
    });
    const powerW = divided(problem.powerW ?? Infinity, x.subarray(users, 2 * users)).map((powerW, m) =>
      Math.min(powerW, this.caps[m]!),
    );
    const used = problem.bandwidthHz / (1 + Math.exp(x[this.count - 1]!));
    const bandwidthHz =
      problem.latency === 'sum'
        ? divided(used, x.subarray(2 * users, 3 * users))
        : divided(
            used,
            length.map((l, m) => Math.log(symbolsOf(problem.users[m]!, l))),
          );
    return { length, powerW, bandwidthHz };
  }

  /** Whether a coordinate counts positions in a list. */
  isListed(i: number): boolean {
    return i < this.users && !('min' in this.problem.users[i]!.lengths);
  }
}

/** `total` in parts proportional to the exponentials; an infinite total gives infinite parts. */
function divided(total: number, logs: Float64Array): Float64Array {
  const top = logs.reduce((a, b) => Math.max(a, b), -Infinity);
  const parts = logs.map((log) => Math.exp(log - top));
  const sum = parts.reduce((a, b) => a + b, 0);
  return parts.map((part) => (total * part) / sum);
}

/** Pattern search: one coordinate after the other, steps that grow where they help and shrink where they do not. */
function descend(problem: AnalogProblem, coordinates: Coordinates, x: Float64Array): { value: number; sweeps: number } {
  const steps = coordinates.steps.slice();
  let value = analogObjective(problem, coordinates.point(x));
  for (let sweep = 1; sweep <= MAX_SWEEPS; sweep++) {
    let largest = 0;
    let listMoved = false;
    for (let i = 0; i < x.length; i++) {
      const from = x[i]!;
      let moved = false;
      for (const step of [steps[i]!, -steps[i]!]) {
        x[i] = Math.min(Math.max(from + step, -60), 60);
        if (coordinates.isListed(i)) x[i] = Math.max(from + step, 0);
        const next = analogObjective(problem, coordinates.point(x));
        if (next < value) {
          value = next;
          moved = true;
          break;
        }
        x[i] = from;
      }
      if (coordinates.isListed(i)) listMoved ||= moved;
      else {
        steps[i] = moved ? Math.min(steps[i]! * 1.6, 4) : steps[i]! / 2;
        largest = Math.max(largest, steps[i]!);
      }
    }
    if (largest < 1e-9 && !listMoved) return { value, sweeps: sweep };
  }
  return { value, sweeps: MAX_SWEEPS };
}

export interface AnalogResult {
  readonly point: AnalogPoint;
  readonly iterations: number;
  /** By how much the median start ended above the best, relative: how well the search agrees with itself, no bound. */
  readonly gap: number;
}

/** The best of seeded starts (the first is the middle of everything). */
export function analogSearch(problem: AnalogProblem, uniform: UniformRandom): AnalogResult {
  const coordinates = new Coordinates(problem);
  const ends: number[] = [];
  let best: Float64Array | null = null;
  let iterations = 0;
  for (let i = 0; i < STARTS; i++) {
    const x = coordinates.start(i === 0 ? null : uniform);
    const { value, sweeps } = descend(problem, coordinates, x);
    iterations += sweeps;
    if (best === null || value < Math.min(...ends)) best = x;
    ends.push(value);
  }
  ends.sort((a, b) => a - b);
  const median = (ends[STARTS / 2 - 1]! + ends[STARTS / 2]!) / 2;
  return {
    point: coordinates.point(best!),
    iterations,
    gap: (median - ends[0]!) / Math.max(Math.abs(ends[0]!), Number.MIN_VALUE),
  };
}

/** Equal bandwidth and power, lengths chosen one after the other until none changes. */
export function analogEqual(problem: AnalogProblem): AnalogPoint {
  const users = problem.users.length;
  const caps = powerCapsW(problem);
  const point = {
    bandwidthHz: new Float64Array(users).fill(problem.bandwidthHz / users),
    powerW: Float64Array.from(caps, (cap) => Math.min(cap, (problem.powerW ?? Infinity) / users)),
    length: Float64Array.from(problem.users, ({ lengths }) => ('min' in lengths ? lengths.min : lengths[0]!)),
  };
  let value = analogObjective(problem, point);
  for (let changed = true; changed;) {
    changed = false;
    problem.users.forEach(({ lengths }, m) => {
      for (const length of 'min' in lengths ? ladder(lengths.min, lengths.max) : lengths) {
        const before = point.length[m]!;
        point.length[m] = length;
        const next = analogObjective(problem, point);
        if (next < value) {
          value = next;
          changed = true;
        } else point.length[m] = before;
      }
    });
  }
  return point;
}

function ladder(min: number, max: number): number[] {
  return Array.from({ length: 65 }, (_, i) => min * (max / min) ** (i / 64));
}

export function analogRandom(problem: AnalogProblem, uniform: UniformRandom): AnalogPoint {
  const coordinates = new Coordinates(problem);
  return coordinates.point(coordinates.start(uniform));
}
