/** Analog transport is not convex: pattern searches from seeded starts, and the baselines beside them. */
import type { UniformRandom } from '../units/random';
import type { Alternation } from './alternating';
import { analogLatencyS, analogObjective, analogSnrDb, surfaceLoss, symbolsOf, type AnalogPoint } from './analog';
import { powerCapsW, type AnalogProblem } from './problem';

/** How far a search goes. `quick` for answers that are rounded anyway: within some 1e-6 of `full`. */
export type Effort = 'full' | 'quick';
const EFFORT = {
  full: { starts: 12, hops: 4, least: 1e-9 },
  quick: { starts: 4, hops: 2, least: 1e-4 },
} as const;
const MAX_SWEEPS = 400;
/** Width of a hop, in steps of a list and logarithms. */
const HOP = 2;

/** What a search leaves as it is. */
interface Held {
  readonly length?: Float64Array;
  readonly powerW?: Float64Array;
  readonly bandwidthHz?: Float64Array;
}

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
  /** Where each part begins; absent where it is held or follows from the others. */
  private readonly lengthAt: number | null;
  private readonly powerAt: number | null;
  private readonly bandwidthAt: number | null;
  private readonly usedAt: number | null;

  constructor(
    private readonly problem: AnalogProblem,
    private readonly held: Held = {},
  ) {
    this.users = problem.users.length;
    this.caps = powerCapsW(problem);
    let at = 0;
    const part = (isFree: boolean, size = this.users): number | null => {
      if (!isFree) return null;
      at += size;
      return at - size;
    };
    this.lengthAt = part(held.length === undefined);
    this.powerAt = part(held.powerW === undefined);
    this.bandwidthAt = part(held.bandwidthHz === undefined && problem.latency === 'sum');
    this.usedAt = part(held.bandwidthHz === undefined, 1);
    this.count = at;
    this.steps = new Float64Array(this.count).fill(1);
    if (this.lengthAt !== null) problem.users.forEach(({ lengths }, m) => (this.steps[m] = 'min' in lengths ? 0.5 : 1));
  }

  start(uniform: UniformRandom | null): Float64Array {
    const x = new Float64Array(this.count);
    for (let i = 0; i < this.count; i++) {
      const at = uniform === null ? 0.5 : uniform();
      if (this.lengthAt !== null && i < this.users) {
        const lengths = this.problem.users[i]!.lengths;
        x[i] =
          'min' in lengths
            ? Math.log(lengths.min) + at * Math.log(lengths.max / lengths.min)
            : Math.floor(at * lengths.length);
      } else x[i] = i === this.usedAt ? (uniform === null ? -10 : -6 * at) : 4 * (at - 0.5);
    }
    return x;
  }

  point(x: Float64Array): AnalogPoint {
    const { users, problem, held } = this;
    const { lengthAt, powerAt, bandwidthAt, usedAt } = this;
    const length =
      lengthAt === null
        ? held.length!
        : Float64Array.from({ length: users }, (_, m) => {
            const lengths = problem.users[m]!.lengths;
            if ('min' in lengths) return Math.min(Math.max(Math.exp(x[m]!), lengths.min), lengths.max);
            return lengths[Math.min(Math.max(Math.round(x[m]!), 0), lengths.length - 1)]!;
          });
    const powerW =
      powerAt === null
        ? held.powerW!
        : divided(problem.powerW ?? Infinity, x.subarray(powerAt, powerAt + users)).map((own, m) =>
            Math.min(own, this.caps[m]!),
          );
    if (usedAt === null) return { length, powerW, bandwidthHz: held.bandwidthHz! };
    const used = problem.bandwidthHz / (1 + Math.exp(x[usedAt]!));
    const bandwidthHz =
      bandwidthAt !== null
        ? divided(used, x.subarray(bandwidthAt, bandwidthAt + users))
        : divided(
            used,
            length.map((l, m) => Math.log(symbolsOf(problem.users[m]!, l))),
          );
    return { length, powerW, bandwidthHz };
  }

  /** Of the first coordinates, so many are lengths. */
  get lengthCount(): number {
    return this.lengthAt === null ? 0 : this.users;
  }

  /** Whether a coordinate counts positions in a list. */
  isListed(i: number): boolean {
    return this.lengthAt !== null && i < this.users && !('min' in this.problem.users[i]!.lengths);
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
function descend(
  problem: AnalogProblem,
  coordinates: Coordinates,
  x: Float64Array,
  least: number,
): { value: number; sweeps: number } {
  const steps = coordinates.steps.slice();
  let jointStep = 0.5;
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
    // All lengths together: in the max form no single one gains by leaving the others behind.
    const joint = coordinates.lengthCount;
    for (const direction of joint > 1 ? [1, -1] : []) {
      const before = x.slice(0, joint);
      for (let i = 0; i < joint; i++) {
        const step = coordinates.isListed(i) ? 1 : jointStep;
        x[i] = Math.max(x[i]! + direction * step, coordinates.isListed(i) ? 0 : -60);
      }
      const next = analogObjective(problem, coordinates.point(x));
      if (next < value) {
        value = next;
        listMoved = true;
        jointStep = Math.min(jointStep * 1.6, 4);
        break;
      }
      x.set(before);
      jointStep /= Math.SQRT2;
    }
    if (largest < least && !listMoved) return { value, sweeps: sweep };
  }
  return { value, sweeps: MAX_SWEEPS };
}

export interface AnalogResult {
  readonly point: AnalogPoint;
  readonly iterations: number;
  /** By how much the median start ended above the best, relative: how well the search agrees with itself, no bound. */
  readonly gap: number;
}

/** The best of seeded starts (the first is the middle of everything), and of hops from it: surfaces have kinks, which hold searches up. */
export function analogSearch(
  problem: AnalogProblem,
  uniform: UniformRandom,
  effort: Effort = 'full',
  held: Held = {},
): AnalogResult {
  const { starts, hops, least } = EFFORT[effort];
  const coordinates = new Coordinates(problem, held);
  const ends: number[] = [];
  let best: Float64Array | null = null;
  let iterations = 0;
  for (let i = 0; i < starts; i++) {
    const x = coordinates.start(i === 0 ? null : uniform);
    const { value, sweeps } = descend(problem, coordinates, x, least);
    iterations += sweeps;
    if (best === null || value < Math.min(...ends)) best = x;
    ends.push(value);
  }
  ends.sort((a, b) => a - b);
  let value = ends[0]!;
  for (let i = 0; i < hops; i++) {
    const x = best!.map((at) => at + HOP * (uniform() - 0.5));
    const end = descend(problem, coordinates, x, least);
    iterations += end.sweeps;
    if (end.value < value) [value, best] = [end.value, x];
  }
  const median = (ends[starts / 2 - 1]! + ends[starts / 2]!) / 2;
  return {
    point: coordinates.point(best!),
    iterations,
    gap: (median - value) / Math.max(Math.abs(value), Number.MIN_VALUE),
  };
}

function equalShares(problem: AnalogProblem): Required<Omit<Held, 'length'>> {
  const users = problem.users.length;
  return {
    bandwidthHz: new Float64Array(users).fill(problem.bandwidthHz / users),
    powerW: Float64Array.from(powerCapsW(problem), (cap) => Math.min(cap, (problem.powerW ?? Infinity) / users)),
  };
}

/** The middle (geometric) of each user's lengths. */
function middleLengths(problem: AnalogProblem): Float64Array {
  return Float64Array.from(problem.users, ({ lengths }) => {
    if ('min' in lengths) return Math.sqrt(lengths.min * lengths.max);
    const middle = Math.log(lengths[0]! * lengths[lengths.length - 1]!) / 2;
    const distance = (length: number): number => Math.abs(Math.log(length) - middle);
    return lengths.reduce((best, length) => (distance(length) < distance(best) ? length : best));
  });
}

const LADDER = 129;

/** Lengths that are tried where all are allowed. */
function lengthsOf(lengths: AnalogProblem['users'][number]['lengths']): readonly number[] {
  if (!('min' in lengths)) return lengths;
  const { min, max } = lengths;
  return Array.from({ length: LADDER }, (_, i) => min * (max / min) ** (i / (LADDER - 1)));
}

/**
 * The best lengths for given bandwidths and powers (continuous ones: the best of 129 steps). Max form: for every time at
 * which some user may finish, each takes the length of least loss that is done by then. Then one user after the other,
 * for losses that are more than a sum.
 */
export function bestAnalogLengths(
  problem: AnalogProblem,
  bandwidthHz: Float64Array,
  powerW: Float64Array,
): Float64Array {
  const { weight, latencyRefS, lossRef } = problem;
  const options = problem.users.map((user, m) => {
    const snrDb = analogSnrDb(problem, user, bandwidthHz[m]!, powerW[m]!);
    return lengthsOf(user.lengths).map((length) => ({
      length,
      timeS: analogLatencyS(user, length, bandwidthHz[m]!),
      loss: surfaceLoss(user.surface, length, snrDb),
    }));
  });
  const least = <T>(items: readonly T[], value: (item: T) => number): T =>
    items.reduce((best, item) => (value(item) < value(best) ? item : best));
  const point = (length: Float64Array): AnalogPoint => ({ bandwidthHz, powerW, length });
  let best: Float64Array;
  if (problem.latency === 'sum')
    best = Float64Array.from(
      options,
      (own) => least(own, ({ timeS, loss }) => (weight * timeS) / latencyRefS + ((1 - weight) * loss) / lossRef).length,
    );
  else {
    const earliest = Math.max(...options.map((own) => Math.min(...own.map(({ timeS }) => timeS))));
    const times = options.flatMap((own) => own.map(({ timeS }) => timeS)).filter((timeS) => timeS >= earliest);
    const byTime = times.map((limitS) =>
      Float64Array.from(
        options,
        (own) =>
          least(
            own.filter(({ timeS }) => timeS <= limitS),
            ({ loss }) => loss,
          ).length,
      ),
    );
    best = least(byTime, (length) => analogObjective(problem, point(length)));
  }
  let value = analogObjective(problem, point(best));
  for (let changed = true; changed;) {
    changed = false;
    for (const [m, own] of options.entries())
      for (const { length } of own) {
        const before = best[m]!;
        best[m] = length;
        const next = analogObjective(problem, point(best));
        if (next < value - 1e-15 * Math.abs(value)) {
          value = next;
          changed = true;
        } else best[m] = before;
      }
  }
  return best;
}

/** Equal bandwidth and power, and the best lengths for them. */
export function analogEqual(problem: AnalogProblem): AnalogPoint {
  const shares = equalShares(problem);
  return { ...shares, length: bestAnalogLengths(problem, shares.bandwidthHz, shares.powerW) };
}

export function analogRandom(problem: AnalogProblem, uniform: UniformRandom): AnalogPoint {
  const coordinates = new Coordinates(problem);
  return coordinates.point(coordinates.start(uniform));
}

/** Bandwidth and power searched for lengths in the middle of the range. */
export function analogFixedLength(problem: AnalogProblem, uniform: UniformRandom, effort: Effort): AnalogResult {
  return analogSearch(problem, uniform, effort, { length: middleLengths(problem) });
}

/** Equal power (or the cap); bandwidth and lengths searched. */
export function analogBandwidthOnly(problem: AnalogProblem, uniform: UniformRandom, effort: Effort): AnalogResult {
  return analogSearch(problem, uniform, effort, { powerW: equalShares(problem).powerW });
}

/** Equal bandwidth; power and lengths searched. */
export function analogPowerOnly(problem: AnalogProblem, uniform: UniformRandom, effort: Effort): AnalogResult {
  return analogSearch(problem, uniform, effort, { bandwidthHz: equalShares(problem).bandwidthHz });
}

const MAX_ALTERNATIONS = 30;
const SETTLED = 1e-9;

/** The paper's scheme on this problem: bandwidth and power for fixed lengths, then lengths for fixed bandwidth and power. */
export function analogAlternating(
  problem: AnalogProblem,
  uniform: UniformRandom,
  effort: Effort,
): { readonly point: AnalogPoint } & Pick<Alternation, 'iterations' | 'history'> {
  const history: { afterShares: number; afterLengths: number }[] = [];
  let length = middleLengths(problem);
  let best: AnalogPoint | null = null;
  let value = Infinity;
  while (history.length < MAX_ALTERNATIONS) {
    const found = analogSearch(problem, uniform, effort, { length }).point;
    // The search starts anew in every round and may end worse.
    const shares: AnalogPoint = best !== null && analogObjective(problem, found) > value ? best : found;
    const afterShares = analogObjective(problem, { ...shares, length });
    const chosen = bestAnalogLengths(problem, shares.bandwidthHz, shares.powerW);
    const afterChosen = analogObjective(problem, { ...shares, length: chosen });
    if (afterChosen <= afterShares) length = chosen;
    const afterLengths = Math.min(afterChosen, afterShares);
    history.push({ afterShares, afterLengths });
    best = { ...shares, length };
    const gain = value - afterLengths;
    value = afterLengths;
    if (!(gain > SETTLED * Math.abs(value))) break;
  }
  return { point: best!, iterations: history.length, history };
}
