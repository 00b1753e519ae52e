/** Bandwidth and power for given lengths, and what they cost a token: the part that every method shares. */
import { cappedShares } from './capped-root';
import { priceCurve, PriceRoot, spectralEfficiency } from './price-root';
import { lossAt, type ScaledProblem, type Shares } from './scaled';

/** The best bandwidth and power for these lengths, in either form: the least latency. */
export function bestShares(scaled: ScaledProblem, lengths: Float64Array): Shares {
  const root = new PriceRoot(scaled);
  const uncapped = scaled.form === 'max' ? root.maxFixed(lengths) : root.sumFixed(lengths);
  if (scaled.hasBudget && withinCaps(scaled, uncapped)) return uncapped;
  return cappedShares(scaled, lengths);
}

export function withinCaps({ cap }: ScaledProblem, { power }: Shares): boolean {
  return power.every((share, m) => share <= cap[m]!);
}

/**
 * What each user pays at the optimum of `bestShares`: a dual point, so that `pay` bounds every other choice.
 * In the max form `perToken` is the objective's derivative with respect to a length, and the objective is at least
 * sum_m perToken_m L_m + A_m exp(-b_m L_m) for any lengths and any shares (the latency is convex and homogeneous in
 * the lengths). In the sum form the least latency part is sum_m perRoot_m sqrt(L_m) - charge.
 */
export interface Prices {
  /** Max form: objective per token. Sum form: objective per square root of a token. */
  readonly price: Float64Array;
  /** Sum form: what the prices charge for all the bandwidth and power; 0 in the max form. */
  readonly charge: number;
}

/** @param shares optimal for `lengths` (`bestShares`) */
export function pricesOf(scaled: ScaledProblem, shares: Shares, lengths: Float64Array): Prices {
  const { count, snr, tokenS, cap, hasBudget, latencyWeight, form } = scaled;
  // Price of a user's power over the price of bandwidth: the ratio of its rate's two derivatives.
  const powerPrice = new Float64Array(count);
  let common = Infinity;
  let uncappedSum = 0;
  let uncappedCount = 0;
  for (let m = 0; m < count; m++) {
    const y = Math.log1p((snr[m]! * shares.power[m]!) / shares.bandwidth[m]!);
    powerPrice[m] = snr[m]! / priceCurve(y);
    common = Math.min(common, powerPrice[m]!);
    if (!(shares.power[m]! >= cap[m]! * (1 - 1e-6))) {
      uncappedSum += powerPrice[m]!;
      uncappedCount++;
    }
  }
  if (!hasBudget) common = 0;
  else if (uncappedCount > 0) common = uncappedSum / uncappedCount;
  // Any prices that are not negative make a bound; these make the best one.
  let total = 1 + common;
  for (let m = 0; m < count; m++) {
    const own = cap[m]! < Infinity ? Math.max(powerPrice[m]! - common, 0) : 0;
    powerPrice[m] = common + own;
    if (own > 0) total += own * cap[m]!;
  }
  const price = new Float64Array(count);
  for (let m = 0; m < count; m++) {
    const y = spectralEfficiency(snr[m]! / powerPrice[m]!);
    const perNat = (powerPrice[m]! * Math.exp(y)) / snr[m]!;
    const cost = latencyWeight * tokenS[m]! * perNat;
    price[m] = form === 'max' ? cost / total : 2 * Math.sqrt(cost);
  }
  if (form === 'max') return { price, charge: 0 };
  // The common scale of the prices that bounds best at these lengths.
  let paid = 0;
  for (let m = 0; m < count; m++) paid += price[m]! * Math.sqrt(lengths[m]!);
  const scale = paid / (2 * total);
  for (let m = 0; m < count; m++) price[m]! *= scale;
  return { price, charge: scale * scale * total };
}

/** What user m pays for a length, with its loss. */
export function pay(scaled: ScaledProblem, prices: Prices, m: number, length: number): number {
  return prices.price[m]! * (scaled.form === 'max' ? length : Math.sqrt(length)) + lossAt(scaled, m, length);
}

/** The length in [min, max], or of `choices`, for which user m pays least; the shortest of equals. */
export function cheapestLength(
  scaled: ScaledProblem,
  prices: Prices,
  m: number,
  min: number,
  max: number,
  choices: readonly number[] | null,
): number {
  let best = min;
  let bestPay = Infinity;
  const consider = (length: number): void => {
    const paid = pay(scaled, prices, m, length);
    if (paid < bestPay) [best, bestPay] = [length, paid];
  };
  if (choices !== null) {
    for (const length of choices) if (length >= min && length <= max) consider(length);
    return best;
  }
  consider(min);
  const price = prices.price[m]!;
  const saving = scaled.lossWeight[m]! * scaled.lossDecay[m]!;
  const b = scaled.lossDecay[m]!;
  if (saving > 0 && scaled.form === 'max') consider(Math.min(Math.max(Math.log(saving / price) / b, min), max));
  if (saving > 0 && scaled.form === 'sum') {
    // sqrt(L) exp(-b L) falls beyond 1/(2 b): the one place where what is paid can have a minimum inside.
    let low = Math.max(min, 1 / (2 * b));
    let high = max;
    const slope = (length: number): number => price / (2 * Math.sqrt(length)) - saving * Math.exp(-b * length);
    if (low < high && slope(low) < 0 && slope(high) > 0) {
      for (let i = 0; i < 80 && high - low > 1e-14 * high; i++) {
        const middle = (low + high) / 2;
        if (slope(middle) < 0) low = middle;
        else high = middle;
      }
      consider((low + high) / 2);
    }
  }
  consider(max);
  return best;
}
