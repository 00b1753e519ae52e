/**
 * The solutions that take one root: with mu the price of all the bandwidth over the price of all the power, every
 * user's spectral efficiency y = ln(1 + SNR), nat/s/Hz, follows from
 *
 *     e^y (y - 1) + 1 = mu s        (the cheapest mix of bandwidth and power for one nat)
 *
 * so one nat takes bandwidth 1/y and power (e^y - 1)/(s y), and costs e^y / (s (mu + 1)) of T. Rates are homogeneous of
 * degree one in bandwidth and power; with B' = T B and p' = T p the max form is jointly convex in T, B', p' and L, and
 * the point at which both budgets are used up is its global optimum. Only for problems without caps.
 */
import type { Point, ScaledProblem, Shares } from './scaled';

/** y > 0 of e^y (y - 1) + 1 = v, for v > 0. In closed form 1 + W0((v - 1)/e); Newton on the logarithm is steadier near v = 0. */
export function spectralEfficiency(v: number): number {
  const logV = Math.log(v);
  const root = Math.sqrt(2 * v);
  let y = v < 2 ? root / (1 + root / 3) : logV - Math.log1p(0.8 * Math.max(0, logV - 1));
  if (!(y > 0.3) && v >= 2) y = 1.2;
  for (let i = 0; i < 30; i++) {
    const f = priceCurve(y);
    const step = ((Math.log(f) - logV) * f) / (y * Math.exp(y));
    y = Math.max(y - step, 0.1 * y);
    if (Math.abs(step) <= 1e-9 * y) break;
  }
  return y;
}

/** e^y (y - 1) + 1, without cancellation near 0. */
export function priceCurve(y: number): number {
  if (y < 0.02) {
    const series = 1 / 30 + y * (1 / 144 + y * (1 / 840 + y / 5760));
    return y * y * (1 / 2 + y * (1 / 3 + y * (1 / 8 + y * series)));
  }
  return y * Math.exp(y) - Math.expm1(y);
}

/** Bandwidth and power that the users ask for at a price, and by how much that changes with ln(mu). */
interface Demand {
  bandwidth: number;
  power: number;
  bandwidthSlope: number;
  powerSlope: number;
}

/**
 * Works on one problem; keeps each user's y of the last price, in place of allocating.
 * `length` is what the last call of a method left there.
 */
export class PriceRoot {
  readonly length: Float64Array;
  private readonly efficiency: Float64Array;
  private readonly demand: Demand = { bandwidth: 0, power: 0, bandwidthSlope: 0, powerSlope: 0 };

  constructor(private readonly scaled: ScaledProblem) {
    this.length = new Float64Array(scaled.count);
    this.efficiency = new Float64Array(scaled.count);
  }

  /** The global optimum of the max form over bandwidth, power and continuous lengths within [minLength, maxLength]. */
  maxForm(minLength = this.scaled.minLength, maxLength = this.scaled.maxLength): Point {
    const { scaled, length, demand } = this;
    const { count, tokenS, lossWeight, lossDecay, latencyWeight, snr } = scaled;
    this.find((mu) => {
      clear(demand);
      for (let m = 0; m < count; m++) {
        const s = snr[m]!;
        const y = this.efficiencyAt(m, mu);
        const grown = Math.exp(y);
        const slope = (mu * s) / (y * grown);
        const k = tokenS[m]!;
        const b = lossDecay[m]!;
        // Price of a token against what it saves: A b exp(-b L) = w k e^y / (s (mu + 1)).
        const wanted = Math.log((lossWeight[m]! * b * s * (mu + 1)) / (latencyWeight * k * grown)) / b;
        const min = minLength[m]!;
        const max = maxLength[m]!;
        let lengthSlope = 0;
        if (wanted > min && wanted < max) {
          length[m] = wanted;
          lengthSlope = (mu / (mu + 1) - slope) / b;
        } else length[m] = wanted >= max ? max : min;
        addDemand(demand, k * length[m]!, k * lengthSlope, y, slope, Math.expm1(y) / s, mu);
      }
    });
    return { ...this.shares(length), length: length.slice() };
  }

  /** The least max latency for given lengths. */
  maxFixed(lengths: Float64Array): Shares {
    const { scaled, demand } = this;
    const { count, tokenS, snr } = scaled;
    this.find((mu) => {
      clear(demand);
      for (let m = 0; m < count; m++) {
        const s = snr[m]!;
        const y = this.efficiencyAt(m, mu);
        const slope = (mu * s) / (y * Math.exp(y));
        addDemand(demand, tokenS[m]! * lengths[m]!, 0, y, slope, Math.expm1(y) / s, mu);
      }
    });
    return this.shares(lengths);
  }

  /**
   * The least sum of latencies for given lengths: the same y, and bandwidth proportional to sqrt(c s e^-y) / y with
   * c = L k, which is sqrt(c (y - 1 + e^-y)) / y up to a factor common to all users.
   */
  sumFixed(lengths: Float64Array): Shares {
    const { scaled, demand } = this;
    const { count, tokenS, snr } = scaled;
    this.find((mu) => {
      clear(demand);
      for (let m = 0; m < count; m++) {
        const s = snr[m]!;
        const y = this.efficiencyAt(m, mu);
        const slope = (mu * s) / (y * Math.exp(y));
        const bandwidth = Math.sqrt(tokenS[m]! * lengths[m]! * s) * (Math.exp(-y / 2) / y);
        const bandwidthSlope = -bandwidth * slope * (0.5 + 1 / y);
        const perBandwidth = Math.expm1(y) / s;
        demand.bandwidth += bandwidth;
        demand.power += bandwidth * perBandwidth;
        demand.bandwidthSlope += bandwidthSlope;
        demand.powerSlope += bandwidthSlope * perBandwidth + (bandwidth * Math.exp(y) * slope) / s;
      }
    });
    return this.normalised((m) => {
      const y = this.efficiency[m]!;
      return Math.sqrt(tokenS[m]! * lengths[m]! * snr[m]!) * (Math.exp(-y / 2) / y);
    });
  }

  /**
   * Discrete lengths of the max form: `choose` gives each user's best length at a price of one nat (in units of T).
   * Lengths jump, so the root is closed in on by halving. `below` and `above` are the lengths on either side of it;
   * where they differ nothing discrete uses up both budgets.
   */
  maxDiscrete(choose: (m: number, natPrice: number) => number): {
    mu: number;
    below: Float64Array;
    above: Float64Array;
  } {
    const { scaled } = this;
    const { count, tokenS, snr } = scaled;
    const lengthsAt = (logMu: number): { lengths: Float64Array; excess: number } => {
      const mu = Math.exp(logMu);
      const lengths = new Float64Array(count);
      let excess = 0;
      for (let m = 0; m < count; m++) {
        const y = this.efficiencyAt(m, mu);
        lengths[m] = choose(m, Math.exp(y) / (snr[m]! * (mu + 1)));
        excess += ((tokenS[m]! * lengths[m]!) / y) * (1 - Math.expm1(y) / snr[m]!);
      }
      return { lengths, excess };
    };
    let [low, high] = this.bracket();
    let below = lengthsAt(low).lengths;
    let above = lengthsAt(high).lengths;
    for (let i = 0; i < 60 && high - low > 1e-13 * Math.max(1, Math.abs(low)); i++) {
      const middle = (low + high) / 2;
      const { lengths, excess } = lengthsAt(middle);
      if (excess > 0) [low, below] = [middle, lengths];
      else [high, above] = [middle, lengths];
      // With the same lengths on both sides the rest is a matter of bandwidth and power alone.
      if (i > 12 && below.every((length, m) => length === above[m])) break;
    }
    return { mu: Math.exp((low + high) / 2), below, above };
  }

  /** What every user pays for a token at mu, whatever mu is: a bound on the max form (see `Prices` in shares.ts). */
  pricesAt(mu: number): { price: Float64Array; charge: number } {
    const { snr, tokenS, latencyWeight } = this.scaled;
    const price = snr.map(
      (s, m) => (latencyWeight * tokenS[m]! * Math.exp(spectralEfficiency(mu * s))) / (s * (mu + 1)),
    );
    return { price, charge: 0 };
  }

  private efficiencyAt(m: number, mu: number): number {
    return (this.efficiency[m] = spectralEfficiency(mu * this.scaled.snr[m]!));
  }

  /** Each user alone would use up both budgets at its own mu; the root lies between the least and the greatest. */
  private bracket(): [number, number] {
    let low = Infinity;
    let high = -Infinity;
    for (let m = 0; m < this.scaled.count; m++) {
      const s = this.scaled.snr[m]!;
      const logMu = Math.log(priceCurve(Math.log1p(s)) / s);
      low = Math.min(low, logMu);
      high = Math.max(high, logMu);
    }
    return [low, high];
  }

  /** Root of ln(bandwidth asked for / power asked for) over ln(mu), which falls: Newton, kept inside the bracket. */
  private find(ask: (mu: number) => void): void {
    let [low, high] = this.bracket();
    let logMu = (low + high) / 2;
    const { demand } = this;
    for (let i = 0; i < 100; i++) {
      ask(Math.exp(logMu));
      const f = Math.log(demand.bandwidth / demand.power);
      if (f > 0) low = Math.max(low, logMu);
      else high = Math.min(high, logMu);
      if (Math.abs(f) < 1e-13 || high - low < 1e-15 * Math.max(1, Math.abs(low))) break;
      const slope = demand.bandwidthSlope / demand.bandwidth - demand.powerSlope / demand.power;
      const next = logMu - f / slope;
      const last = logMu;
      logMu = next > low && next < high ? next : (low + high) / 2;
      if (logMu === last) break;
    }
  }

  /** Shares in which all users take the same time, from the efficiencies at hand. */
  private shares(lengths: Float64Array): Shares {
    return this.normalised((m) => (this.scaled.tokenS[m]! * lengths[m]!) / this.efficiency[m]!);
  }

  private normalised(bandwidthOf: (m: number) => number): Shares {
    const { count, snr } = this.scaled;
    const bandwidth = new Float64Array(count);
    const power = new Float64Array(count);
    let bandwidthSum = 0;
    let powerSum = 0;
    for (let m = 0; m < count; m++) {
      bandwidth[m] = bandwidthOf(m);
      power[m] = (bandwidth[m]! * Math.expm1(this.efficiency[m]!)) / snr[m]!;
      bandwidthSum += bandwidth[m]!;
      powerSum += power[m]!;
    }
    for (let m = 0; m < count; m++) {
      bandwidth[m]! /= bandwidthSum;
      power[m]! /= powerSum;
    }
    return { bandwidth, power };
  }
}

function clear(demand: Demand): void {
  demand.bandwidth = demand.power = demand.bandwidthSlope = demand.powerSlope = 0;
}

/** Adds a user of `nats` (and their slope) at efficiency y (and its slope), power per bandwidth x/s. */
function addDemand(
  demand: Demand,
  nats: number,
  natsSlope: number,
  y: number,
  slope: number,
  powerPerBandwidth: number,
  mu: number,
): void {
  const bandwidth = nats / y;
  const bandwidthSlope = natsSlope / y - (bandwidth * slope) / y;
  demand.bandwidth += bandwidth;
  demand.bandwidthSlope += bandwidthSlope;
  demand.power += bandwidth * powerPerBandwidth;
  // d/dy ((e^y - 1)/(s y)) = mu / y^2
  demand.powerSlope += (natsSlope * powerPerBandwidth) / y + (nats * mu * slope) / (y * y);
}
