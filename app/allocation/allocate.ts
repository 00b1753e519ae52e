/** One problem, one method, one answer. Pure: the same input gives the same answer. */
import { closestWord, InvalidInputError } from '../config/violations';
import { seededRandom } from '../units/random';
import { alternate, alternateByPrices, type Alternation } from './alternating';
import { analogLatencyS, analogLoss, analogSnrDb, surfaceLoss, type AnalogPoint } from './analog';
import {
  analogAlternating,
  analogBandwidthOnly,
  analogEqual,
  analogFixedLength,
  analogPowerOnly,
  analogRandom,
  analogSearch,
  type Effort,
} from './analog-search';
import {
  bandwidthOnly,
  equal,
  fixedLength,
  grid,
  GRID_USERS,
  powerOnly,
  random,
  SUM_RATE_FLOOR,
  sumRate,
} from './baselines';
import { PROVED, solveExactly } from './exact';
import { powerCapsW, type AllocationProblem, type AnalogProblem, type DigitalProblem } from './problem';
import { objectiveOf, rateBitPerS, rateTerms, scaleProblem, type Point, type ScaledProblem } from './scaled';

export const DIGITAL_METHODS = [
  'exact',
  'alternating',
  'alternating-prices',
  'equal',
  'random',
  'fixed-length',
  'bandwidth-only',
  'power-only',
  'sum-rate',
  'grid',
] as const;
export const ANALOG_METHODS = [
  'analog-search',
  'alternating',
  'equal',
  'random',
  'fixed-length',
  'bandwidth-only',
  'power-only',
] as const;
export const METHODS = [...new Set([...DIGITAL_METHODS, ...ANALOG_METHODS])];

export interface AllocateOptions {
  /** Default: `exact`, for analog transport `analog-search`. */
  readonly method?: string;
  /** For `random` and the searches of analog transport. */
  readonly seed?: number;
  /** Of those searches; default `full`. */
  readonly effort?: Effort;
}

export interface UserAllocation {
  readonly id: string;
  readonly bandwidthHz: number;
  readonly powerW: number;
  /** 0 in outage. */
  readonly tokenLength: number;
  /** Bits (analog: symbols, times one) a second. */
  readonly rateBitPerS: number | null;
  /** Without overhead; null in outage. */
  readonly latencyS: number | null;
  readonly loss: number;
  /** Where p and B put it; dB, null at no power. */
  readonly snrDb: number | null;
  /** No rate to speak of with all the bandwidth and power (analog: an SNR below the surface's lowest). */
  readonly outage: boolean;
}

export interface Allocation {
  readonly method: string;
  readonly objective: number;
  /** With overhead. */
  readonly latencyS: number;
  /** Sum over users (analog: with their interactions), not weighted. */
  readonly loss: number;
  readonly iterations: number;
  /** At most so far above the optimum, relative to the objective; null where nothing is known. */
  readonly gap: number | null;
  /** What the gap is measured against; "multi-start" is no bound: the median start above the best. */
  readonly gapAgainst: 'bound' | 'multi-start' | null;
  readonly users: readonly UserAllocation[];
  /** Constraints that hold the objective back: bandwidth, power, cap:ID, min-length:ID, max-length:ID. */
  readonly binding: readonly string[];
  /** The user that finishes last. */
  readonly slowestUser: string;
  /** Objective after every step, for methods that iterate towards their end. */
  readonly history?: Alternation['history'];
  /** Parts of the model that the paper does not give. */
  readonly assumed: readonly string[];
}

/** @throws InvalidInputError with one line: an unknown method, or one that cannot do this problem */
export function allocate(problem: AllocationProblem, options: AllocateOptions = {}): Allocation {
  const methods: readonly string[] = problem.transport === 'analog' ? ANALOG_METHODS : DIGITAL_METHODS;
  const method = options.method ?? methods[0]!;
  if (!methods.includes(method)) {
    const known = (METHODS as readonly string[]).includes(method);
    const meant = known ? null : closestWord(method, methods);
    const why = known ? `not for ${problem.transport} transport; ` : meant === null ? '' : `did you mean "${meant}"? `;
    throw new InvalidInputError([`method: value "${method}"; ${why}allowed ${methods.join(', ')}`]);
  }
  const seed = options.seed ?? 1;
  return problem.transport === 'analog'
    ? allocateAnalog(problem, method as (typeof ANALOG_METHODS)[number], seed, options.effort ?? 'full')
    : allocateDigital(problem, method as (typeof DIGITAL_METHODS)[number], seed);
}

interface Solved {
  readonly point: Point;
  readonly iterations: number;
  readonly bound?: number;
  readonly history?: Alternation['history'];
}

function solve(scaled: ScaledProblem, method: (typeof DIGITAL_METHODS)[number], seed: number): Solved {
  switch (method) {
    case 'exact':
      return solveExactly(scaled);
    case 'alternating':
      return alternate(scaled);
    case 'alternating-prices':
      return alternateByPrices(scaled);
    case 'equal':
      return { point: equal(scaled), iterations: 1 };
    case 'random':
      return { point: random(scaled, seededRandom(seed, 'allocation/random')), iterations: 1 };
    case 'fixed-length':
      return { point: fixedLength(scaled), iterations: 1 };
    case 'bandwidth-only':
      return bandwidthOnly(scaled);
    case 'power-only':
      return powerOnly(scaled);
    case 'sum-rate':
      return { point: sumRate(scaled), iterations: 1 };
    case 'grid':
      if (scaled.count > GRID_USERS)
        throw new InvalidInputError([
          `method: value "grid"; for ${scaled.count} users; allowed at most ${GRID_USERS} users`,
        ]);
      return grid(scaled);
  }
}

function allocateDigital(problem: DigitalProblem, method: (typeof DIGITAL_METHODS)[number], seed: number): Allocation {
  const scaled = scaleProblem(problem);
  if (scaled.count === 0)
    throw new InvalidInputError([
      `users: all ${problem.users.length} in outage; allowed at least one whose rate with all bandwidth and power is ${problem.outageRateBitPerS} bit/s`,
    ]);
  const solved = solve(scaled, method, seed);
  const { point } = solved;
  const { snrGap } = rateTerms(problem);

  const positions = new Map(scaled.served.map((at, m) => [at, m]));
  const capsW = powerCapsW(problem);
  const { bandwidth, power } = inWhole(problem, scaled, point, capsW);
  const users = problem.users.map((user, i): UserAllocation => {
    const m = positions.get(i);
    if (m === undefined)
      return {
        id: user.id,
        bandwidthHz: 0,
        powerW: 0,
        tokenLength: 0,
        rateBitPerS: 0,
        latencyS: null,
        loss: user.loss.a + user.loss.c,
        snrDb: null,
        outage: true,
      };
    const bandwidthHz = bandwidth[m]!;
    const powerW = power[m]!;
    const tokenLength = point.length[m]!;
    const rate = rateBitPerS(problem, user.powerGain, bandwidthHz, powerW);
    return {
      id: user.id,
      bandwidthHz,
      powerW,
      tokenLength,
      rateBitPerS: rate,
      latencyS: (tokenLength * user.bitsPerToken) / rate,
      loss: user.loss.a * Math.exp(-user.loss.b * tokenLength) + user.loss.c,
      snrDb: 10 * Math.log10((powerW * user.powerGain) / (problem.noisePsdWPerHz * bandwidthHz)),
      outage: false,
    };
  });
  const total = totals(problem, users);
  const value = objectiveOf(scaled, point);
  const gap =
    solved.bound === undefined
      ? null
      : Math.max(0, (value - solved.bound) / Math.max(Math.abs(value), Number.MIN_VALUE));
  return {
    method,
    ...total,
    iterations: solved.iterations,
    gap: gap === null ? null : gap < PROVED ? 0 : gap,
    gapAgainst: gap === null ? null : 'bound',
    users,
    binding: binding(problem, users),
    ...(solved.history === undefined ? {} : { history: solved.history }),
    assumed: [
      `rate ${problem.rateModel.preset}: efficiency ${rateTerms(problem).efficiency}, SNR gap ${(10 * Math.log10(snrGap)).toFixed(2)} dB`,
      'loss a exp(-b L) + c, summed over users',
      `outage below ${problem.outageRateBitPerS} bit/s`,
      ...(method === 'sum-rate' ? [`sum-rate: floor ${SUM_RATE_FLOOR} of an equal share`] : []),
      ...assumedMethod(method),
    ],
  };
}

const METHODS_WITH_ASSUMED_DEFINITION: ReadonlySet<string> = new Set([
  'equal',
  'random',
  'fixed-length',
  'bandwidth-only',
  'power-only',
  'sum-rate',
  'grid',
]);

function assumedMethod(method: string): string[] {
  return METHODS_WITH_ASSUMED_DEFINITION.has(method) ? [`definition of the baseline ${method}`] : [];
}

/** Hz and W whose sums are not above the budgets, whatever rounding did. */
function inWhole(
  problem: DigitalProblem,
  scaled: ScaledProblem,
  point: Point,
  capsW: readonly number[],
): { bandwidth: number[]; power: number[] } {
  const bandwidth = Array.from(point.bandwidth, (share) => share * problem.bandwidthHz);
  const power = Array.from(point.power, (share, m) => Math.min(share * scaled.powerUnitW, capsW[scaled.served[m]!]!));
  return { bandwidth: notAbove(bandwidth, problem.bandwidthHz), power: notAbove(power, problem.powerW ?? Infinity) };
}

function notAbove(parts: number[], total: number): number[] {
  const sum = parts.reduce((a, b) => a + b, 0);
  return sum > total ? parts.map((part) => part * (total / sum)) : parts;
}

function totals(
  problem: AllocationProblem,
  users: readonly UserAllocation[],
): { objective: number; latencyS: number; loss: number; slowestUser: string } {
  let timeS = 0;
  let slowest = -Infinity;
  let slowestUser = users[0]!.id;
  for (const user of users) {
    const one = user.latencyS ?? 0;
    timeS = problem.latency === 'max' ? Math.max(timeS, one) : timeS + one;
    if (user.latencyS !== null && one > slowest) [slowest, slowestUser] = [one, user.id];
  }
  const losses = users.map((user) => user.loss);
  const loss = problem.transport === 'analog' ? analogLoss(problem, losses) : losses.reduce((a, b) => a + b, 0);
  const latencyS = timeS + problem.overheadS;
  const objective = (problem.weight * latencyS) / problem.latencyRefS + ((1 - problem.weight) * loss) / problem.lossRef;
  return { objective, latencyS, loss, slowestUser };
}

/** Constraints that the answer lies on, to a millionth. */
function binding(problem: AllocationProblem, users: readonly UserAllocation[]): string[] {
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const reaches = (value: number, limit: number): boolean => value >= limit * (1 - 1e-6);
  const found: string[] = [];
  if (reaches(sum(users.map((user) => user.bandwidthHz)), problem.bandwidthHz)) found.push('bandwidth');
  if (problem.powerW !== null && reaches(sum(users.map((user) => user.powerW)), problem.powerW)) found.push('power');
  const caps = powerCapsW(problem);
  users.forEach((user, i) => {
    if (!user.outage && reaches(user.powerW, caps[i]!)) found.push(`cap:${user.id}`);
  });
  problem.users.forEach(({ lengths }, i) => {
    const user = users[i]!;
    if (user.tokenLength === 0) return;
    const [min, max] = 'min' in lengths ? [lengths.min, lengths.max] : [lengths[0]!, lengths[lengths.length - 1]!];
    if (user.tokenLength <= min) found.push(`min-length:${user.id}`);
    if (user.tokenLength >= max) found.push(`max-length:${user.id}`);
  });
  return found;
}

interface FoundAnalog {
  readonly point: AnalogPoint;
  readonly iterations: number;
  readonly gap?: number;
  readonly history?: Alternation['history'];
}

function findAnalog(
  problem: AnalogProblem,
  method: (typeof ANALOG_METHODS)[number],
  seed: number,
  effort: Effort,
): FoundAnalog {
  const uniform = seededRandom(seed, `allocation/${method}`);
  switch (method) {
    case 'analog-search':
      return analogSearch(problem, uniform, effort);
    case 'alternating':
      return analogAlternating(problem, uniform, effort);
    case 'equal':
      return { point: analogEqual(problem), iterations: 1 };
    case 'random':
      return { point: analogRandom(problem, uniform), iterations: 1 };
    case 'fixed-length':
      return withoutGap(analogFixedLength(problem, uniform, effort));
    case 'bandwidth-only':
      return withoutGap(analogBandwidthOnly(problem, uniform, effort));
    case 'power-only':
      return withoutGap(analogPowerOnly(problem, uniform, effort));
  }
}

/** A search that leaves something out says nothing of the whole problem. */
function withoutGap({ point, iterations }: FoundAnalog): FoundAnalog {
  return { point, iterations };
}

function allocateAnalog(
  problem: AnalogProblem,
  method: (typeof ANALOG_METHODS)[number],
  seed: number,
  effort: Effort,
): Allocation {
  const found = findAnalog(problem, method, seed, effort);
  const { point } = found;
  const bandwidth = notAbove([...point.bandwidthHz], problem.bandwidthHz);
  const power = notAbove([...point.powerW], problem.powerW ?? Infinity);
  const users = problem.users.map((user, m): UserAllocation => {
    const bandwidthHz = bandwidth[m]!;
    const powerW = power[m]!;
    const tokenLength = point.length[m]!;
    const snrDb = analogSnrDb(problem, user, bandwidthHz, powerW);
    return {
      id: user.id,
      bandwidthHz,
      powerW,
      tokenLength,
      rateBitPerS: null,
      latencyS: analogLatencyS(user, tokenLength, bandwidthHz),
      loss: surfaceLoss(user.surface, tokenLength, snrDb),
      snrDb: Number.isFinite(snrDb) ? snrDb : null,
      outage: !(snrDb >= user.surface.snrDb[0]!),
    };
  });
  const gapAgainst = found.gap === undefined ? null : 'multi-start';
  return {
    method,
    ...totals(problem, users),
    iterations: found.iterations,
    gap: found.gap ?? null,
    gapAgainst,
    users,
    binding: binding(problem, users),
    ...(found.history === undefined ? {} : { history: found.history }),
    assumed: [
      'one complex symbol per second and Hz',
      problem.interactions.length === 0
        ? 'losses of the users add up'
        : 'losses of the users, and products of two of them, add up',
      'SNR p g / (N0 B)',
      ...assumedMethod(method),
    ],
  };
}
