/**
 * The default: the global optimum of the max form with continuous lengths by one root (or the barrier method where
 * caps bind); everything else by branch and bound on the lengths, with the dual prices of `shares.ts` as the bound.
 */
import { alternate } from './alternating';
import { cappedLengths } from './interior-point';
import { nearestLength, startLengths } from './length-step';
import { PriceRoot } from './price-root';
import { lossAt, objectiveOf, type Point, type ScaledProblem } from './scaled';
import { bestShares, cheapestLength, pay, pricesOf, withinCaps, type Prices } from './shares';

export interface Optimum {
  readonly point: Point;
  /** Roots taken, or nodes of the search. */
  readonly iterations: number;
  /** Nothing is below this. */
  readonly bound: number;
}

/** A gap (relative) below this is rounding, and counts as proved. */
export const PROVED = 1e-9;
const MAX_NODES = 2000;
/** Work (nodes times users) that a search may take; larger problems get fewer nodes and end with their gap. */
const MAX_NODE_USERS = 20_000;
/** The same where caps make every node dear. */
const MAX_CAPPED_NODE_USERS = 4000;
/** Up to so many users, the neighbours of the rounded lengths are tried one by one before the search. */
const NEIGHBOUR_USERS = 30;

export function solveExactly(scaled: ScaledProblem): Optimum {
  if (scaled.form === 'max' && scaled.choices.every((list) => list === null)) {
    const point = continuousMax(scaled, scaled.minLength, scaled.maxLength);
    // Prices at the solution bound it from below: what is left is the solver's own error.
    return { point, iterations: 1, bound: boundAt(scaled, point).bound };
  }
  return new Search(scaled).run();
}

/** Global optimum over lengths in [min, max], whatever the lists say. */
function continuousMax(scaled: ScaledProblem, min: Float64Array, max: Float64Array): Point {
  if (scaled.latencyWeight === 0) return { ...bestShares(scaled, max), length: max.slice() };
  if (scaled.hasBudget) {
    const point = new PriceRoot(scaled).maxForm(min, max);
    if (withinCaps(scaled, point)) return point;
  }
  const length = cappedLengths(scaled, min, max);
  return { ...bestShares(scaled, length), length };
}

/** Lower bound from the prices at a point whose shares are the best for its lengths. */
function boundAt(scaled: ScaledProblem, point: Point): { prices: Prices; bound: number } {
  const prices = pricesOf(scaled, point, point.length);
  return { prices, bound: boundFrom(scaled, prices, wholeProblem(scaled)) };
}

/** Lengths that a part of the search may use: bounds, within which the lists still apply. */
interface Part {
  readonly min: Float64Array;
  readonly max: Float64Array;
}

function wholeProblem(scaled: ScaledProblem): Part {
  return { min: scaled.minLength, max: scaled.maxLength };
}

function boundFrom(scaled: ScaledProblem, prices: Prices, part: Part): number {
  let bound = scaled.constant - prices.charge;
  for (let m = 0; m < scaled.count; m++) bound += pay(scaled, prices, m, cheapest(scaled, prices, part, m));
  return bound;
}

function cheapest(scaled: ScaledProblem, prices: Prices, { min, max }: Part, m: number): number {
  return cheapestLength(scaled, prices, m, min[m]!, max[m]!, scaled.choices[m]!);
}

interface Node extends Part {
  readonly bound: number;
}

class Search {
  private best: Point | null = null;
  private bestValue = Infinity;
  private nodes = 0;
  private readonly scratch: Prices;

  constructor(private readonly scaled: ScaledProblem) {
    this.scratch = { price: new Float64Array(scaled.count), charge: 0 };
  }

  run(): Optimum {
    const { scaled } = this;
    if (scaled.form === 'sum') this.startSum();
    else this.startRounding();
    const open: Node[] = [{ ...wholeProblem(scaled), bound: -Infinity }];
    const limit = Math.max(
      20,
      Math.min(MAX_NODES, Math.floor((scaled.hasCaps ? MAX_CAPPED_NODE_USERS : MAX_NODE_USERS) / scaled.count)),
    );
    let bound = -Infinity;
    while (open.length > 0 && this.nodes < limit) {
      let least = 0;
      open.forEach((node, i) => {
        if (node.bound < open[least]!.bound) least = i;
      });
      const node = open.splice(least, 1)[0]!;
      if (this.closed(node.bound)) {
        open.length = 0;
        break;
      }
      open.push(...this.explore(node));
    }
    bound = open.reduce((min, node) => Math.min(min, node.bound), this.bestValue);
    return { point: this.best as Point, iterations: this.nodes, bound };
  }

  private closed(bound: number): boolean {
    return bound >= this.bestValue - 1e-11 * Math.abs(this.bestValue);
  }

  /** Keeps the point of these lengths if it is the best so far. */
  private offer(length: Float64Array): Point {
    const point = { ...bestShares(this.scaled, length), length };
    const value = objectiveOf(this.scaled, point);
    if (value < this.bestValue || this.best === null) [this.best, this.bestValue] = [point, value];
    return point;
  }

  /** Bounds a part; parts of it that may still hold something better come back. */
  private explore(node: Node): Node[] {
    this.nodes++;
    const { scaled } = this;
    const part: Part = node;
    let { bound } = node;
    let branch: { m: number; low: number; high: number } | null = null;
    if (scaled.form === 'max' && scaled.hasBudget && !scaled.hasCaps && scaled.latencyWeight > 0) {
      // The best bound that prices can give, and the lengths on both sides of it.
      const priced = (m: number, natPrice: number): Prices => {
        const price = this.scratch.price;
        price[m] = scaled.latencyWeight * scaled.tokenS[m]! * natPrice;
        return this.scratch;
      };
      const root = new PriceRoot(scaled);
      const { mu, below, above } = root.maxDiscrete((m, natPrice) => cheapest(scaled, priced(m, natPrice), part, m));
      bound = Math.max(bound, boundFrom(scaled, root.pricesAt(mu), part));
      for (const length of [below, above]) this.offer(length);
      let widest = 0;
      for (let m = 0; m < scaled.count; m++) {
        const difference = Math.abs(below[m]! - above[m]!) * this.scratch.price[m]!;
        if (difference > widest) {
          widest = difference;
          branch = { m, low: Math.min(below[m]!, above[m]!), high: Math.max(below[m]!, above[m]!) };
        }
      }
      if (branch === null) {
        const same = this.offer(below);
        bound = Math.max(bound, boundFrom(scaled, pricesOf(scaled, same, below), part));
      }
    }
    if (scaled.form === 'max' && scaled.hasCaps && scaled.latencyWeight > 0) {
      // Where caps bind, the prices of the continuous optimum; divided is what lies farthest from a straight line
      // between two lengths of its list.
      const relaxed = continuousMax(scaled, part.min, part.max);
      const prices = pricesOf(scaled, relaxed, relaxed.length);
      bound = Math.max(bound, boundFrom(scaled, prices, part));
      this.offer(relaxed.length.map((length, m) => this.nearestWithin(part, m, length)));
      this.offer(relaxed.length.map((_, m) => cheapest(scaled, prices, part, m)));
      let farthest = 0;
      relaxed.length.forEach((length, m) => {
        const list = scaled.choices[m]!;
        const at = list?.findIndex((choice) => choice > length) ?? 0;
        if (list === null || at < 1 || list[at - 1] === length) return;
        const [low, high] = [list[at - 1]!, list[at]!];
        const share = (length - low) / (high - low);
        const chord = (1 - share) * lossAt(scaled, m, low) + share * lossAt(scaled, m, high);
        const distance = chord - lossAt(scaled, m, length);
        if (distance > farthest) {
          farthest = distance;
          branch = { m, low, high };
        }
      });
    }
    if (branch === null) {
      for (const start of this.candidates(part)) {
        const point = this.offer(start);
        const prices = pricesOf(scaled, point, point.length);
        const here = boundFrom(scaled, prices, part);
        const last = branch === null;
        if (here > bound || last) {
          bound = Math.max(bound, here);
          // The gap is the sum of what each user pays more than it need: the greatest of them is divided.
          let most = 0;
          for (let m = 0; m < scaled.count; m++) {
            const length = cheapest(scaled, prices, part, m);
            const regret = pay(scaled, prices, m, point.length[m]!) - pay(scaled, prices, m, length);
            if (regret > most && length !== point.length[m]!) {
              most = regret;
              branch = { m, low: Math.min(length, point.length[m]!), high: Math.max(length, point.length[m]!) };
            }
          }
        }
      }
    }
    if (this.closed(bound) || branch === null) return [];
    return this.divide(part, bound, branch);
  }

  private divide(part: Part, bound: number, { m, low, high }: { m: number; low: number; high: number }): Node[] {
    const list = this.scaled.choices[m]!;
    // Discrete: up to `low`, and from the next length on. Continuous: at the middle of the two.
    const lowEnd = list === null ? (low + high) / 2 : low;
    const highStart = list === null ? lowEnd : list.find((length) => length > low)!;
    const max = part.max.slice();
    max[m] = lowEnd;
    const min = part.min.slice();
    min[m] = highStart;
    return [
      { min: part.min, max, bound },
      { min, max: part.max, bound },
    ];
  }

  private nearestWithin({ min, max }: Part, m: number, wanted: number): number {
    const list = this.scaled.choices[m]!;
    const clipped = Math.min(Math.max(wanted, min[m]!), max[m]!);
    if (list === null) return clipped;
    let best = min[m]!;
    for (const length of list)
      if (length >= min[m]! && length <= max[m]! && Math.abs(length - clipped) < Math.abs(best - clipped))
        best = length;
    return best;
  }

  /** Lengths within a part whose prices should bound it well. */
  private candidates(part: Part): Float64Array[] {
    const { scaled } = this;
    const clipped = (lengths: Float64Array): Float64Array =>
      lengths.map((length, m) => this.nearestWithin(part, m, length));
    if (scaled.form === 'max') {
      const relaxed = continuousMax(scaled, part.min, part.max).length;
      return [clipped(relaxed), ...this.answers(clipped(relaxed), part, 3)];
    }
    const inside: ScaledProblem = {
      ...scaled,
      minLength: part.min,
      maxLength: part.max,
      choices: scaled.choices.map(
        (list, m) => list?.filter((length) => length >= part.min[m]! && length <= part.max[m]!) ?? null,
      ),
    };
    const first = alternate(inside, clipped((this.best as Point).length)).point.length;
    const second = this.answers(first, part, 1).map((length) => alternate(inside, length).point.length);
    return [first, ...second];
  }

  /** Every user's cheapest length at the prices of the one before, a few times over. */
  private answers(from: Float64Array, part: Part, times: number): Float64Array[] {
    const found: Float64Array[] = [];
    let last = from;
    for (let i = 0; i < times; i++) {
      const prices = pricesOf(this.scaled, bestShares(this.scaled, last), last);
      const next = last.map((_, m) => cheapest(this.scaled, prices, part, m));
      if (next.every((length, m) => length === last[m])) break;
      found.push(next);
      last = next;
    }
    return found;
  }

  /** Max form with lists: the continuous optimum rounded, then its neighbours. */
  private startRounding(): void {
    const { scaled } = this;
    const { length } = continuousMax(scaled, scaled.minLength, scaled.maxLength);
    this.offer(length.map((wanted, m) => nearestLength(scaled, m, wanted)));
    if (scaled.count > NEIGHBOUR_USERS) return;
    for (let improved = true; improved;) {
      const before = this.bestValue;
      for (let m = 0; m < scaled.count; m++) {
        const list = scaled.choices[m]!;
        if (list === null) continue;
        const at = list.indexOf((this.best as Point).length[m]!);
        for (const neighbour of [list[at - 1], list[at + 1]])
          if (neighbour !== undefined) this.offer((this.best as Point).length.map((l, i) => (i === m ? neighbour : l)));
      }
      improved = this.bestValue < before;
    }
  }

  /** Sum form: alternation from short, middle and long. */
  private startSum(): void {
    const { scaled } = this;
    for (const start of [startLengths(scaled), scaled.minLength, scaled.maxLength])
      this.offer(alternate(scaled, start).point.length);
  }
}
