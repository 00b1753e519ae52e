/** Lengths for given bandwidth and power: the other half of the paper's alternation. */
import { lossAt, normalisedRate, type ScaledProblem, type Shares } from './scaled';

/**
 * The best lengths when bandwidth and power stay as they are: closed form in the sum form, one root (continuous) or a
 * walk through the times at which a length becomes affordable (discrete) in the max form.
 */
export function bestLengths(scaled: ScaledProblem, shares: Shares): Float64Array {
  const tokenTimeS = Float64Array.from(scaled.tokenS, (k, m) => k / normalisedRate(scaled, shares, m));
  if (scaled.form === 'sum') return Float64Array.from(tokenTimeS, (time, m) => bestAlone(scaled, m, time));
  return scaled.choices.some((list) => list !== null)
    ? bestAmongTimes(scaled, tokenTimeS)
    : bestCommonTime(scaled, tokenTimeS);
}

/** Least latencyWeight time L + A exp(-b L). */
function bestAlone(scaled: ScaledProblem, m: number, tokenTimeS: number): number {
  const price = scaled.latencyWeight * tokenTimeS;
  const list = scaled.choices[m]!;
  if (list === null) {
    const b = scaled.lossDecay[m]!;
    const wanted = Math.log((scaled.lossWeight[m]! * b) / price) / b;
    return wanted > scaled.minLength[m]! ? Math.min(wanted, scaled.maxLength[m]!) : scaled.minLength[m]!;
  }
  let best = list[0]!;
  for (const length of list)
    if (price * length + lossAt(scaled, m, length) < price * best + lossAt(scaled, m, best)) best = length;
  return best;
}

/** Every user as long as a common time allows. */
function bestCommonTime(scaled: ScaledProblem, tokenTimeS: Float64Array): Float64Array {
  const { count, minLength, maxLength, lossWeight, lossDecay, latencyWeight } = scaled;
  let low = 0;
  let high = 0;
  for (let m = 0; m < count; m++) {
    low = Math.max(low, minLength[m]! * tokenTimeS[m]!);
    high = Math.max(high, maxLength[m]! * tokenTimeS[m]!);
  }
  const slope = (timeS: number): number => {
    let sum = latencyWeight;
    for (let m = 0; m < count; m++) {
      const length = timeS / tokenTimeS[m]!;
      if (length < maxLength[m]!)
        sum -= (lossWeight[m]! * lossDecay[m]! * Math.exp(-lossDecay[m]! * length)) / tokenTimeS[m]!;
    }
    return sum;
  };
  let timeS = low;
  if (slope(low) < 0) {
    for (let i = 0; i < 100 && high - low > 1e-15 * high; i++) {
      timeS = (low + high) / 2;
      if (slope(timeS) < 0) low = timeS;
      else high = timeS;
    }
    timeS = high;
  }
  return Float64Array.from(tokenTimeS, (time, m) => Math.min(Math.max(timeS / time, minLength[m]!), maxLength[m]!));
}

function bestAmongTimes(scaled: ScaledProblem, tokenTimeS: Float64Array): Float64Array {
  const { count, choices, minLength, maxLength, latencyWeight } = scaled;
  // A continuous length among discrete ones would need a root between every two times; it stays at steps of 1/64.
  const listOf = (m: number): readonly number[] =>
    choices[m] ??
    Array.from({ length: 65 }, (_, i) => minLength[m]! + ((maxLength[m]! - minLength[m]!) * i) / 64).filter(
      (length, i, all) => i === 0 || length > all[i - 1]!,
    );
  const lists = Array.from({ length: count }, (_, m) => listOf(m));
  const start = Math.max(...lists.map((list, m) => list[0]! * tokenTimeS[m]!));
  const steps: { timeS: number; m: number; length: number }[] = [];
  const lengths = new Float64Array(count);
  let loss = 0;
  lists.forEach((list, m) => {
    for (const length of list) {
      const timeS = length * tokenTimeS[m]!;
      if (timeS <= start) lengths[m] = length;
      else steps.push({ timeS, m, length });
    }
    loss += lossAt(scaled, m, lengths[m]!);
  });
  let best = lengths.slice();
  let bestValue = latencyWeight * start + loss;
  for (const { timeS, m, length } of steps.sort((a, b) => a.timeS - b.timeS)) {
    loss += lossAt(scaled, m, length) - lossAt(scaled, m, lengths[m]!);
    lengths[m] = length;
    if (latencyWeight * timeS + loss < bestValue) {
      bestValue = latencyWeight * timeS + loss;
      best = lengths.slice();
    }
  }
  return best;
}

/** The length nearest to `wanted` that user m may have. */
export function nearestLength(scaled: ScaledProblem, m: number, wanted: number): number {
  const list = scaled.choices[m]!;
  if (list === null) return Math.min(Math.max(wanted, scaled.minLength[m]!), scaled.maxLength[m]!);
  let best = list[0]!;
  for (const length of list) if (Math.abs(length - wanted) < Math.abs(best - wanted)) best = length;
  return best;
}

/** Where methods start that need lengths to start from: the middle of each user's range on a ratio scale. */
export function startLengths(scaled: ScaledProblem): Float64Array {
  return Float64Array.from({ length: scaled.count }, (_, m) =>
    nearestLength(scaled, m, Math.sqrt(scaled.minLength[m]! * scaled.maxLength[m]!)),
  );
}
