/** The paper's alternating optimization, and a remedy for where it stalls. */
import { bestLengths, startLengths } from './length-step';
import { objectiveOf, type Point, type ScaledProblem, type Shares } from './scaled';
import { bestShares, cheapestLength, pricesOf } from './shares';

export interface Alternation {
  readonly point: Point;
  readonly iterations: number;
  /** The objective after every (bandwidth, power) step and every length step, from the start lengths on. */
  readonly history: readonly { readonly afterShares: number; readonly afterLengths: number }[];
}

/** A step that lowers the objective by less than this (relative) is the last. */
const TOLERANCE = 1e-9;
const MAX_ITERATIONS = 100;

/**
 * Convex (bandwidth, power) step, then length step, until nothing moves.
 *
 * On the max form this stalls: after the first step all users finish together, so rates are proportional to lengths;
 * the length step keeps lengths proportional to rates, and only their common scale still moves. Sum form: it ends at a
 * stationary point.
 *
 * @param sharesFor the (bandwidth, power) step; a baseline hands in one that leaves something out
 */
export function alternate(
  scaled: ScaledProblem,
  start = startLengths(scaled),
  sharesFor: (lengths: Float64Array) => Shares = (lengths) => bestShares(scaled, lengths),
): Alternation {
  let length = start;
  let best = Infinity;
  let point: Point | null = null;
  const history: { afterShares: number; afterLengths: number }[] = [];
  while (history.length < MAX_ITERATIONS) {
    const shares = sharesFor(length);
    const before: Point = { ...shares, length };
    const after: Point = { ...shares, length: bestLengths(scaled, shares) };
    const afterShares = objectiveOf(scaled, before);
    let afterLengths = objectiveOf(scaled, after);
    // The length step's own rounding must not undo the other step.
    const kept = afterLengths <= afterShares ? after : before;
    afterLengths = Math.min(afterLengths, afterShares);
    history.push({ afterShares, afterLengths });
    const gain = best - afterLengths;
    if (afterLengths < best || point === null) {
      best = afterLengths;
      point = kept;
    }
    length = kept.length;
    if (!(gain > TOLERANCE * Math.abs(best))) break;
  }
  return { point: point as Point, iterations: history.length, history };
}

/**
 * The remedy: the length step answers the price of a token that the (bandwidth, power) step leaves, not the rate it
 * gave. So a user whose tokens are dear shortens although all finish together. A line search makes every step a
 * descent; the least latency is convex in the lengths, so on the max form with continuous lengths it ends at the
 * optimum. In the sum form the price of a token is its time, and the method is `alternate` itself.
 */
export function alternateByPrices(scaled: ScaledProblem, start = startLengths(scaled)): Alternation {
  if (scaled.form === 'sum') return alternate(scaled, start);
  const first = alternate(scaled, start);
  let point = first.point;
  let shares = bestShares(scaled, point.length);
  let best = objectiveOf(scaled, { ...shares, length: point.length });
  const history = [...first.history];
  while (history.length < MAX_ITERATIONS) {
    const prices = pricesOf(scaled, shares, point.length);
    const from = point.length;
    const target = Float64Array.from(from, (_, m) =>
      cheapestLength(scaled, prices, m, scaled.minLength[m]!, scaled.maxLength[m]!, scaled.choices[m]!),
    );
    const discrete = scaled.choices.some((list) => list !== null);
    const tryAt = (size: number): { point: Point; value: number } => {
      const length = target.map((to, m) => from[m]! + size * (to - from[m]!));
      const tried = { ...bestShares(scaled, length), length };
      return { point: tried, value: objectiveOf(scaled, tried) };
    };
    let found = tryAt(1);
    // Halving, and on while halving still helps. Discrete lengths go all the way or not at all.
    for (let size = 0.5; !discrete && size > 1e-6; size /= 2) {
      const next = tryAt(size);
      if (next.value >= found.value && found.value < best) break;
      if (next.value < found.value) found = next;
    }
    const gain = best - found.value;
    if (found.value < best) {
      best = found.value;
      point = found.point;
      shares = found.point;
    }
    history.push({ afterShares: best, afterLengths: best });
    if (!(gain > TOLERANCE * Math.abs(best))) break;
  }
  return { point, iterations: history.length, history };
}
