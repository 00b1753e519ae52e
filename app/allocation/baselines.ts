/**
 * What the optimizer is held against. The paper does not define its baselines; these definitions are assumed. All but
 * `random` and `fixed-length` choose the lengths as well as their bandwidth and power allow.
 */
import type { UniformRandom } from '../units/random';
import { alternate, type Alternation } from './alternating';
import { bestLengths, startLengths } from './length-step';
import { objectiveOf, type Point, type ScaledProblem, type Shares } from './scaled';
import { bestShares } from './shares';

/** Equal bandwidth; equal power, or a user's cap where that is less. */
function equalShares({ count, cap }: ScaledProblem): Shares {
  return {
    bandwidth: new Float64Array(count).fill(1 / count),
    power: cap.map((share) => Math.min(share, 1 / count)),
  };
}

function withBestLengths(scaled: ScaledProblem, shares: Shares): Point {
  return { ...shares, length: bestLengths(scaled, shares) };
}

export function equal(scaled: ScaledProblem): Point {
  return withBestLengths(scaled, equalShares(scaled));
}

/** Shares uniform over all ways to divide (power then cut to the caps), lengths uniform over those allowed. */
export function random(scaled: ScaledProblem, uniform: UniformRandom): Point {
  const divided = (): Float64Array => {
    const parts = Float64Array.from({ length: scaled.count }, () => -Math.log(1 - uniform()) + 1e-12);
    const sum = parts.reduce((a, b) => a + b, 0);
    return parts.map((part) => part / sum);
  };
  const bandwidth = divided();
  const power = divided().map((share, m) => Math.min(share, scaled.cap[m]!));
  const length = Float64Array.from({ length: scaled.count }, (_, m) => {
    const list = scaled.choices[m]!;
    const at = uniform();
    return list === null
      ? scaled.minLength[m]! + at * (scaled.maxLength[m]! - scaled.minLength[m]!)
      : list[Math.floor(at * list.length)]!;
  });
  return { bandwidth, power, length };
}

/** Bandwidth and power optimal for lengths in the middle of the range. */
export function fixedLength(scaled: ScaledProblem): Point {
  const length = startLengths(scaled);
  return { ...bestShares(scaled, length), length };
}

/** Equal power; bandwidth and lengths alternate. */
export function bandwidthOnly(scaled: ScaledProblem): Alternation {
  const { power } = equalShares(scaled);
  // Every user held to its share by a cap, and no budget: power is then what it is.
  const unit = power.reduce((a, b) => a + b, 0);
  const held: ScaledProblem = {
    ...scaled,
    hasBudget: false,
    hasCaps: true,
    cap: power.map((share) => share / unit),
    snr: scaled.snr.map((s) => s * unit),
  };
  return alternate(scaled, startLengths(scaled), (lengths) => ({
    bandwidth: bestShares(held, lengths).bandwidth,
    power,
  }));
}

/** Equal bandwidth; power and lengths alternate. */
export function powerOnly(scaled: ScaledProblem): Alternation {
  const { bandwidth } = equalShares(scaled);
  return alternate(scaled, startLengths(scaled), (lengths) => ({ bandwidth, power: powerFor(scaled, lengths) }));
}

/** The best power at equal bandwidth. */
function powerFor(scaled: ScaledProblem, lengths: Float64Array): Float64Array {
  const { count, cap, snr, tokenS, form } = scaled;
  const beta = 1 / count;
  const nats = Float64Array.from(lengths, (length, m) => length * tokenS[m]!);
  const sum = (power: Float64Array): number => power.reduce((a, b) => a + b, 0);
  if (!scaled.hasBudget) return cap.slice();
  if (form === 'max') {
    // The time at which the power that all users need is all there is; a user at its cap sets the least time.
    const powerAt = (timeS: number): Float64Array =>
      nats.map((n, m) => (beta / snr[m]!) * Math.expm1(n / (beta * timeS)));
    let low = 0;
    let high = 0;
    for (let m = 0; m < count; m++) {
      low = Math.max(low, nats[m]! / (beta * Math.log1p((snr[m]! * Math.min(cap[m]!, 1)) / beta)));
      high = Math.max(high, nats[m]! / (beta * Math.log1p((snr[m]! * Math.min(cap[m]!, 1 / count)) / beta)));
    }
    const timeS = halve(low, high, (t) => sum(powerAt(t)) > 1);
    return powerAt(timeS).map((p, m) => Math.min(p, cap[m]!));
  }
  // d(n / r)/d rho = -price, each user for itself; the price at which they take all.
  const powerAt = (logPrice: number): Float64Array => {
    const price = Math.exp(logPrice);
    return nats.map((n, m) =>
      Math.exp(
        halve(-700, Math.log(Math.min(cap[m]!, 1)), (logRho) => {
          const x = (snr[m]! * Math.exp(logRho)) / beta;
          return (n * snr[m]!) / ((1 + x) * (beta * Math.log1p(x)) ** 2) > price;
        }),
      ),
    );
  };
  const power = powerAt(halve(-400, 400, (logPrice) => sum(powerAt(logPrice)) > 1));
  const total = sum(power);
  return power.map((p) => p / Math.max(total, 1));
}

/** Where a condition that holds below and not above changes; the side where it does not hold. */
function halve(low: number, high: number, holds: (x: number) => boolean): number {
  for (let i = 0; i < 100 && high - low > 1e-15 * Math.max(Math.abs(low), Math.abs(high)); i++) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return high;
}

/** Share of an equal split that `sum-rate` leaves everyone: without it all would go to the strongest user. */
export const SUM_RATE_FLOOR = 0.1;

/** Shares that maximise the sum of rates, with a floor for everyone; then lengths. */
export function sumRate(scaled: ScaledProblem): Point {
  const { count, cap, snr } = scaled;
  const floor = SUM_RATE_FLOOR / count;
  let { bandwidth, power } = equalShares(scaled);
  let last = -Infinity;
  for (let i = 0; i < 500; i++) {
    // Bandwidth at given power: the same SNR for all above the floor. Power at given bandwidth: water-filling.
    const bandwidthAt = (logX: number): Float64Array =>
      power.map((rho, m) => Math.max(floor, (snr[m]! * rho) / Math.exp(logX)));
    bandwidth = filled(bandwidthAt(halve(-400, 400, (logX) => total(bandwidthAt(logX)) > 1)));
    const current = bandwidth;
    const powerAt = (logLevel: number): Float64Array =>
      current.map((beta, m) => Math.min(Math.max(beta * (Math.exp(-logLevel) - 1 / snr[m]!), floor, 0), cap[m]!));
    power = scaled.hasBudget ? powerAt(halve(-400, 400, (logLevel) => total(powerAt(logLevel)) > 1)) : cap.slice();
    let rate = 0;
    for (let m = 0; m < count; m++) rate += bandwidth[m]! * Math.log1p((snr[m]! * power[m]!) / bandwidth[m]!);
    if (rate - last <= 1e-10 * rate) break;
    last = rate;
  }
  const powerSum = total(power);
  return withBestLengths(scaled, { bandwidth, power: power.map((p) => p / Math.max(powerSum, 1)) });
}

function total(parts: Float64Array): number {
  return parts.reduce((a, b) => a + b, 0);
}

function filled(parts: Float64Array): Float64Array {
  const sum = total(parts);
  return parts.map((part) => part / sum);
}

/** Most users of `grid`. */
export const GRID_USERS = 6;
/** Points of the grid, at most. */
const GRID_POINTS = 40_000;

/** Every way to divide bandwidth and power in equal steps, as fine as so many points allow, each with its best lengths. */
export function grid(scaled: ScaledProblem): { point: Point; iterations: number } {
  const { count, cap } = scaled;
  let steps = count;
  while (steps < 64 && waysToDivide(steps + 1, count) ** 2 <= GRID_POINTS) steps++;
  const divisions = [...divide(steps, count)].map((parts) => Float64Array.from(parts, (part) => part / steps));
  let best: Point = equal(scaled);
  let bestValue = objectiveOf(scaled, best);
  for (const bandwidth of divisions)
    for (const wanted of divisions) {
      const power = wanted.map((share, m) => Math.min(share, cap[m]!));
      const point = withBestLengths(scaled, { bandwidth, power });
      const value = objectiveOf(scaled, point);
      if (value < bestValue) [best, bestValue] = [point, value];
    }
  return { point: best, iterations: divisions.length ** 2 };
}

function waysToDivide(steps: number, users: number): number {
  let ways = 1;
  for (let i = 1; i < users; i++) ways = (ways * (steps - i)) / i;
  return ways;
}

/** All lists of `users` positive integers that add up to `steps`. */
function* divide(steps: number, users: number): Generator<number[]> {
  if (users === 1) {
    yield [steps];
    return;
  }
  for (let first = 1; first <= steps - users + 1; first++)
    for (const rest of divide(steps - first, users - 1)) yield [first, ...rest];
}
