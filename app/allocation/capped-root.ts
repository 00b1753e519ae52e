/**
 * Bandwidth and power for given lengths where users have power caps of their own. A capped user's spectral efficiency
 * does not follow from the price ratio mu any more but from its cap; two nested roots remain: the scale (the time, or
 * the price of bandwidth) at which the bandwidth is used up, and mu at which the power is. Both are monotone.
 */
import { priceCurve, spectralEfficiency } from './price-root';
import type { ScaledProblem, Shares } from './scaled';

/** The least latency, max or sum, for given lengths. */
export function cappedShares(scaled: ScaledProblem, lengths: Float64Array): Shares {
  return new CappedRoot(scaled, lengths).solve();
}

class CappedRoot {
  private readonly nats: Float64Array;
  private readonly bandwidth: Float64Array;
  private readonly power: Float64Array;
  /** y that the users would have at mu, were it not for their caps. */
  private readonly wanted: Float64Array;
  private logScale: number;

  constructor(
    private readonly scaled: ScaledProblem,
    lengths: Float64Array,
  ) {
    const { count, snr, cap } = scaled;
    this.nats = lengths.map((length, m) => length * scaled.tokenS[m]!);
    this.bandwidth = new Float64Array(count);
    this.power = new Float64Array(count);
    this.wanted = new Float64Array(count).fill(Infinity);
    // Equal shares give a first time, and its price.
    let timeS = 0;
    for (let m = 0; m < count; m++) {
      const rate = Math.log1p(snr[m]! * Math.min(cap[m]!, 1 / count) * count) / count;
      timeS = scaled.form === 'max' ? Math.max(timeS, this.nats[m]! / rate) : timeS + this.nats[m]! / rate;
    }
    this.logScale = Math.log(timeS);
  }

  solve(): Shares {
    const { scaled, bandwidth, power } = this;
    if (!scaled.hasBudget) this.fillBandwidth();
    else {
      const start = scaled.snr.reduce((sum, s) => sum + Math.log(priceCurve(Math.log1p(s)) / s), 0) / scaled.count;
      rootOf((logMu) => {
        const mu = Math.exp(logMu);
        for (let m = 0; m < scaled.count; m++) this.wanted[m] = spectralEfficiency(mu * scaled.snr[m]!);
        this.fillBandwidth();
        return -Math.log(total(power));
      }, start);
    }
    const used = total(bandwidth);
    const spent = scaled.hasBudget ? Math.max(total(power), 1) : 1;
    return { bandwidth: bandwidth.map((share) => share / used), power: power.map((share) => share / spent) };
  }

  /** Finds the scale at which all bandwidth is used. In the max form it is the time, in the sum form 1 over the price. */
  private fillBandwidth(): void {
    const { scaled } = this;
    // The sum form wants a rising number for a falling sum as well; both fall in ln(scale).
    const sign = scaled.form === 'max' ? 1 : -1;
    this.logScale =
      sign *
      rootOf((x) => {
        const scale = Math.exp(sign * x);
        for (let m = 0; m < scaled.count; m++)
          if (scaled.form === 'max') this.placeMax(m, this.nats[m]! / scale);
          else this.placeSum(m, 1 / scale);
        return Math.log(total(this.bandwidth));
      }, sign * this.logScale);
  }

  /** The user's shares for a rate: y = rate / beta, not above what its cap allows. */
  private placeMax(m: number, rate: number): void {
    const s = this.scaled.snr[m]!;
    const y = Math.min(this.wanted[m]!, efficiencyAtCap((s * this.scaled.cap[m]!) / rate));
    this.bandwidth[m] = rate / y;
    this.power[m] = y === 0 ? Infinity : Math.min((rate / y) * (Math.expm1(y) / s), this.scaled.cap[m]!);
  }

  /** The user's answer to a price of bandwidth: least nats / rate + price beta + (price / mu) rho, rho within the cap. */
  private placeSum(m: number, price: number): void {
    const s = this.scaled.snr[m]!;
    const cap = this.scaled.cap[m]!;
    const y = this.wanted[m]!;
    if (y < Infinity) {
      // price / mu = price s / (e^y (y - 1) + 1)
      const beta = Math.sqrt((this.nats[m]! * Math.exp(-y) * priceCurve(y)) / price) / y;
      const rho = (beta * Math.expm1(y)) / s;
      if (rho <= cap) {
        this.bandwidth[m] = beta;
        this.power[m] = rho;
        return;
      }
    }
    // At the cap: nats (dr/d beta) / r^2 = price with beta = s cap / (e^y - 1), rising in y.
    const target = Math.log((price * (s * cap) ** 2) / this.nats[m]!);
    const logY = rootOf(
      (x) => {
        const at = Math.exp(x);
        const grown = Math.expm1(at);
        return target - (Math.log(priceCurve(at)) - at + 2 * Math.log(grown / at));
      },
      Math.log(y < Infinity ? y : 1),
    );
    this.bandwidth[m] = (s * cap) / Math.expm1(Math.exp(logY));
    this.power[m] = cap;
  }
}

/** y of (e^y - 1) / y = q; 0 where q is 1 or less: no bandwidth is enough. */
function efficiencyAtCap(q: number): number {
  if (!(q > 1)) return 0;
  if (q === Infinity) return Infinity;
  const logQ = Math.log(q);
  let y = logQ < 1 ? 2 * logQ : logQ + Math.log(logQ + 1);
  for (let i = 0; i < 50; i++) {
    // ln((e^y - 1) / y) is convex and rises: Newton comes down on it from above.
    const f = logOfMean(y) - logQ;
    const slope = y < 1e-4 ? 0.5 + y / 12 : 1 + 1 / Math.expm1(y) - 1 / y;
    const step = f / slope;
    y = Math.max(y - step, y / 10);
    if (Math.abs(step) < 1e-15 * y) break;
  }
  return y;
}

/** ln((e^y - 1) / y), without cancellation near 0. */
function logOfMean(y: number): number {
  return y < 1e-3 ? y / 2 + (y * y) / 24 - y ** 4 / 2880 : y > 30 ? y - Math.log(y) : Math.log(Math.expm1(y) / y);
}

/**
 * Root of a falling function, bracketed from a first guess and closed in on by the Illinois rule (Dowell and Jarratt
 * 1971), by halving where the function is infinite or the rule is slow. The last call of `f` is at the root.
 */
function rootOf(f: (x: number) => number, guess: number): number {
  let low = guess;
  let fLow = f(guess);
  if (fLow === 0) return guess;
  let high = guess;
  let fHigh = fLow;
  let width = 0.5;
  if (fLow > 0)
    do {
      [low, fLow] = [high, fHigh];
      high += width;
      fHigh = f(high);
      width *= 2;
    } while (fHigh > 0 && width < 4000);
  else
    do {
      [high, fHigh] = [low, fLow];
      low -= width;
      fLow = f(low);
      width *= 2;
    } while (fLow < 0 && width < 4000);
  let x = low;
  let side = 0;
  for (let i = 0; i < 200; i++) {
    const secant = high - (fHigh * (high - low)) / (fHigh - fLow);
    x = Number.isFinite(secant) && secant > low && secant < high && i % 8 !== 7 ? secant : (low + high) / 2;
    const at = f(x);
    if (Math.abs(at) < 1e-13 || high - low < 4e-16 * Math.max(1, Math.abs(x))) break;
    if (at > 0) {
      low = x;
      fLow = at;
      if (side === 1) fHigh /= 2;
      side = 1;
    } else {
      high = x;
      fHigh = at;
      if (side === -1) fLow /= 2;
      side = -1;
    }
  }
  return x;
}

function total(parts: Float64Array): number {
  let sum = 0;
  for (const part of parts) sum += part;
  return sum;
}
