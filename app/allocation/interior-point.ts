/**
 * Lengths of the max form where users have power caps of their own: no single price decides then. A barrier method on the convex problem of price-root.ts (B' = T B, p' = T p), with Newton steps that take
 * O(users): every user has a block of its own, and only T and the two budgets tie the blocks together.
 */
import { priceCurve } from './price-root';
import { lossAt, type ScaledProblem } from './scaled';

/** Barrier terms over barrier weight: what the end is at most above the optimum, relative. */
const GAP = 1e-11;
const GROWTH = 12;
const MAX_NEWTON_STEPS = 60;

/** The lengths of the global optimum of the max form, within [minLength, maxLength]; where the two meet they are fixed. */
export function cappedLengths(scaled: ScaledProblem, minLength: Float64Array, maxLength: Float64Array): Float64Array {
  return new Barrier(scaled, minLength, maxLength).solve();
}

/** Unknowns [T, then T times bandwidth, T times power, and length of each user]. */
class Barrier {
  private readonly free: boolean[];
  private readonly timeUnitS: number;
  private readonly nats: Float64Array;
  private readonly objectiveUnit: number;
  private x: Float64Array;
  private readonly terms: number;

  constructor(
    private readonly scaled: ScaledProblem,
    private readonly min: Float64Array,
    private readonly max: Float64Array,
  ) {
    const { count, cap, snr, tokenS, hasBudget } = scaled;
    this.free = Array.from({ length: count }, (_, m) => max[m]! - min[m]! > 1e-9 * max[m]!);
    const freeCount = this.free.filter(Boolean).length;
    const capCount = cap.filter((value) => value < Infinity).length;
    this.terms = 3 * count + 2 * freeCount + capCount + (hasBudget ? 2 : 1);

    // Strictly inside: 0.9 of an equal share, lengths in the middle, and 1.5 times the time that this needs.
    this.x = new Float64Array(1 + 3 * count);
    let needed = 0;
    const start = (m: number): [number, number, number] => [
      0.9 / count,
      0.9 * Math.min(cap[m]!, 1 / count),
      this.free[m] ? (min[m]! + max[m]!) / 2 : max[m]!,
    ];
    for (let m = 0; m < count; m++) {
      const [beta, rho, length] = start(m);
      needed = Math.max(needed, (length * tokenS[m]!) / (beta * Math.log1p((snr[m]! * rho) / beta)));
    }
    this.timeUnitS = needed;
    this.nats = tokenS.map((k) => k / this.timeUnitS);
    const time = 1.5;
    this.x[0] = time;
    for (let m = 0; m < count; m++) {
      const [beta, rho, length] = start(m);
      this.x.set([beta * time, rho * time, length], 1 + 3 * m);
    }
    let unit = scaled.latencyWeight * needed;
    for (let m = 0; m < count; m++) if (this.free[m]) unit += lossAt(scaled, m, min[m]!);
    this.objectiveUnit = unit;
  }

  solve(): Float64Array {
    for (let weight = this.terms; ; weight *= GROWTH) {
      this.centre(weight);
      if (this.terms / weight < GAP) break;
    }
    return this.lengths();
  }

  private centre(weight: number): void {
    for (let i = 0; i < MAX_NEWTON_STEPS; i++) {
      const step = this.newtonStep(weight);
      if (step === null || !(step.decrement > 1e-10)) return;
      const before = this.slacks(this.x);
      const from = this.value(weight, this.x, before);
      let next = this.x;
      let value = from;
      for (let size = 1; size > 1e-12; size /= 2) {
        const tried = this.moved(step.direction, size);
        const after = this.slacks(tried);
        // A step right up to a bound would take many to come back from.
        if (after.some((slack, j) => !(slack > 0.1 * before[j]!))) continue;
        const here = this.value(weight, tried, after);
        // Shorter as long as that is lower: a full step that gains next to nothing may go on for ever.
        if (here < value) [next, value] = [tried, here];
        else if (value < from) break;
        if (step.decrement < 0.1) break;
      }
      // Where rounding hides any further descent, the centre is reached.
      if (!(value < from)) return;
      this.x = next;
    }
  }

  private moved(direction: Float64Array, size: number): Float64Array {
    return this.x.map((value, i) => value + size * direction[i]!);
  }

  /** What must stay positive, one after the other; all bounds of the problem are among them. */
  private slacks(x: Float64Array): Float64Array {
    const { count, cap, snr, hasBudget } = this.scaled;
    const slacks = new Float64Array(this.terms);
    const time = x[0]!;
    let bandwidthLeft = time;
    let powerLeft = time;
    let at = 0;
    for (let m = 0; m < count; m++) {
      const beta = x[1 + 3 * m]!;
      const rho = x[2 + 3 * m]!;
      const length = x[3 + 3 * m]!;
      // With these two the barrier is that of the exponential cone, for which Newton's method converges fast.
      slacks[at++] = beta;
      slacks[at++] = beta + snr[m]! * rho;
      slacks[at++] = beta * Math.log1p((snr[m]! * rho) / beta) - this.nats[m]! * length;
      if (this.free[m]) {
        slacks[at++] = length - this.min[m]!;
        slacks[at++] = this.max[m]! - length;
      }
      if (cap[m]! < Infinity) slacks[at++] = time * cap[m]! - rho;
      bandwidthLeft -= beta;
      powerLeft -= rho;
    }
    slacks[at++] = bandwidthLeft;
    if (hasBudget) slacks[at++] = powerLeft;
    return slacks;
  }

  /** The barrier function of a point inside, given its slacks. */
  private value(weight: number, x: Float64Array, slacks: Float64Array): number {
    const { scaled } = this;
    let objective = scaled.latencyWeight * this.timeUnitS * x[0]!;
    for (let m = 0; m < scaled.count; m++) if (this.free[m]) objective += lossAt(scaled, m, x[3 + 3 * m]!);
    return (weight / this.objectiveUnit) * objective - slacks.reduce((sum, slack) => sum + Math.log(slack), 0);
  }

  /** Newton's direction and its decrement squared; null where the system cannot be solved any more. */
  private newtonStep(weight: number): { direction: Float64Array; decrement: number } | null {
    const { count, cap, snr, hasBudget, latencyWeight, lossDecay } = this.scaled;
    const { x } = this;
    const scale = weight / this.objectiveUnit;
    const time = x[0]!;
    let bandwidthLeft = time;
    let powerLeft = time;
    for (let m = 0; m < count; m++) {
      bandwidthLeft -= x[1 + 3 * m]!;
      powerLeft -= x[2 + 3 * m]!;
    }
    const u = 1 / bandwidthLeft;
    const v = hasBudget ? 1 / powerLeft : 0;
    let gradientT = scale * latencyWeight * this.timeUnitS - u - v;
    let hessianT = 0;
    // Rows of the small system in (dT, z1, z2), z1 = u^2 (sum dB - dT), z2 = v^2 (sum dp - dT).
    let [sBB, sBP, sPP, sTB, sTP, sTT, qB, qP, qT] = [0, 0, 0, 0, 0, 0, 0, 0, 0];
    const solved = new Float64Array(12 * count);
    const gradient = new Float64Array(3 * count);
    const h = new Float64Array(9);
    for (let m = 0; m < count; m++) {
      const beta = x[1 + 3 * m]!;
      const rho = x[2 + 3 * m]!;
      const length = x[3 + 3 * m]!;
      const s = snr[m]!;
      const ratio = (s * rho) / beta;
      const y = Math.log1p(ratio);
      const rate = beta * y;
      const rateB = priceCurve(y) / (1 + ratio);
      const rateP = s / (1 + ratio);
      // The rate's second derivative is -curve (ratio, -s)(ratio, -s)^T.
      const curve = 1 / (beta * (1 + ratio) * (1 + ratio));
      h.fill(0);
      const both = 1 / (beta + s * rho);
      let gB = u - 1 / beta - both;
      let gP = v - s * both;
      let gL = 0;
      h[0] = 1 / (beta * beta) + both * both;
      h[1] = s * both * both;
      h[4] = s * s * both * both;
      const k = this.nats[m]!;
      const slack = 1 / (rate - k * length);
      gB -= slack * rateB;
      gP -= slack * rateP;
      h[0] += slack * slack * rateB * rateB + slack * curve * ratio * ratio;
      h[1] += slack * slack * rateB * rateP - slack * curve * ratio * s;
      h[4] += slack * slack * rateP * rateP + slack * curve * s * s;
      if (this.free[m]) {
        const above = 1 / (length - this.min[m]!);
        const below = 1 / (this.max[m]! - length);
        const loss = scale * lossAt(this.scaled, m, length);
        gL = slack * k + below - above - lossDecay[m]! * loss;
        h[2] = -slack * slack * rateB * k;
        h[5] = -slack * slack * rateP * k;
        h[8] = slack * slack * k * k + above * above + below * below + lossDecay[m]! ** 2 * loss;
      } else h[8] = 1;
      let tP = 0;
      if (cap[m]! < Infinity) {
        const left = 1 / (time * cap[m]! - rho);
        gP += left;
        h[4] = h[4] + left * left;
        tP = -cap[m]! * left * left;
        gradientT -= cap[m]! * left;
        hessianT += cap[m]! * cap[m]! * left * left;
      }
      // Columns: the gradient, bandwidth's unit vector, power's, and the coupling to T.
      const columns = solve3(h, gB, gP, gL, tP);
      if (columns === null) return null;
      solved.set(columns, 12 * m);
      gradient.set([gB, gP, gL], 3 * m);
      // With e_B, e_P and a = (0, tP, 0) on the left.
      sBB += columns[3]!;
      sBP += columns[6]!;
      sPP += columns[7]!;
      sTB += columns[9]!;
      sTP += columns[10]!;
      sTT += tP * columns[10]!;
      qB += columns[0]!;
      qP += columns[1]!;
      qT += tP * columns[1]!;
    }
    // d_m = -H^-1 (g + a dT + e_B z1 + e_P z2), put into the rows of T, z1 and z2.
    const small = [
      [hessianT - sTT, -1 - sTB, hasBudget ? -1 - sTP : 0],
      [-1 - sTB, -sBB - 1 / (u * u), hasBudget ? -sBP : 0],
      hasBudget ? [-1 - sTP, -sBP, -sPP - 1 / (v * v)] : [0, 0, 1],
    ];
    const answer = gauss3(small, [qT - gradientT, qB, hasBudget ? qP : 0]);
    if (answer === null) return null;
    const [dT, z1, z2] = answer;
    const direction = new Float64Array(x.length);
    direction[0] = dT;
    let decrement = -gradientT * dT;
    for (let i = 0; i < 3 * count; i++) {
      const at = 12 * Math.floor(i / 3) + (i % 3);
      const d = -(solved[at]! + solved[at + 9]! * dT + solved[at + 3]! * z1 + solved[at + 6]! * z2);
      direction[1 + i] = i % 3 === 2 && !this.free[Math.floor(i / 3)] ? 0 : d;
      decrement -= gradient[i]! * direction[1 + i]!;
    }
    return direction.every(Number.isFinite) ? { direction, decrement } : null;
  }

  /** The barrier keeps a hair's breadth from the bounds. */
  private lengths(): Float64Array {
    return this.max.map((max, m) => {
      const min = this.min[m]!;
      const inside = this.x[3 + 3 * m]!;
      const hair = 1e-8 * (max - min);
      return inside - min < hair ? min : max - inside < hair ? max : inside;
    });
  }
}

const columns3 = new Float64Array(12);

/**
 * H^-1 times four columns by Cholesky: (gB, gP, gL), (1, 0, 0), (0, 1, 0) and (0, t, 0), one after the other.
 * H symmetric, given by its upper half [00, 01, 02, -, 11, 12, -, -, 22]. The result is overwritten by the next call.
 */
function solve3(h: Float64Array, gB: number, gP: number, gL: number, t: number): Float64Array | null {
  // The third unknown first out: its pivot is the best conditioned.
  const p2 = h[8]!;
  const l02 = h[2]! / p2;
  const l12 = h[5]! / p2;
  const a00 = h[0]! - l02 * h[2]!;
  const a01 = h[1]! - l02 * h[5]!;
  const a11 = h[4]! - l12 * h[5]!;
  const l = a01 / a11;
  const p0 = a00 - l * a01;
  if (!(p2 > 0 && a11 > 0 && p0 > 0)) return null;
  const back = (at: number, r0: number, r1: number, r2: number): void => {
    const c0 = r0 - l02 * r2;
    const c1 = r1 - l12 * r2;
    const d0 = (c0 - l * c1) / p0;
    const d1 = c1 / a11 - l * d0;
    columns3[at] = d0;
    columns3[at + 1] = d1;
    columns3[at + 2] = r2 / p2 - l02 * d0 - l12 * d1;
  };
  back(0, gB, gP, gL);
  back(3, 1, 0, 0);
  back(6, 0, 1, 0);
  back(9, 0, t, 0);
  return columns3;
}

/** Gaussian elimination with partial pivoting. */
function gauss3(a: number[][], b: number[]): [number, number, number] | null {
  const order = [0, 1, 2];
  for (let i = 0; i < 3; i++) {
    let best = i;
    for (let r = i + 1; r < 3; r++) if (Math.abs(a[order[r]!]![i]!) > Math.abs(a[order[best]!]![i]!)) best = r;
    [order[i], order[best]] = [order[best]!, order[i]!];
    const pivot = a[order[i]!]!;
    if (!(Math.abs(pivot[i]!) > 0)) return null;
    for (let r = i + 1; r < 3; r++) {
      const row = a[order[r]!]!;
      const factor = row[i]! / pivot[i]!;
      for (let c = i; c < 3; c++) row[c]! -= factor * pivot[c]!;
      b[order[r]!]! -= factor * b[order[i]!]!;
    }
  }
  const out: [number, number, number] = [0, 0, 0];
  for (let i = 2; i >= 0; i--) {
    let value = b[order[i]!]!;
    for (let c = i + 1; c < 3; c++) value -= a[order[i]!]![c]! * out[c]!;
    out[i] = value / a[order[i]!]![i]!;
  }
  return out;
}
