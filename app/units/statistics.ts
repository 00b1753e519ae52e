/** The few statistics that results carry. All pure. */

/** Half-width of the central 95 % of a standard normal variable. */
const Z_95 = 1.959963984540054;

/** Arithmetic mean; null for an empty list. */
export function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Standard deviation of a sample (divisor n - 1), in the values' own unit; null below two values. */
export function sampleDeviation(values: readonly number[]): number | null {
  const centre = mean(values);
  if (centre === null || values.length < 2) return null;
  let squares = 0;
  for (const value of values) squares += (value - centre) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

/**
 * 95 % Wilson score interval of a proportion (Wilson 1927), as fractions.
 *
 * @param successes 0 to `trials`
 * @param trials positive
 * @throws RangeError when the counts cannot be
 */
export function wilsonInterval(successes: number, trials: number): { low: number; high: number } {
  if (!(trials > 0) || successes < 0 || successes > trials)
    throw new RangeError(`${successes} of ${trials} is no proportion`);
  const fraction = successes / trials;
  const z2n = (Z_95 * Z_95) / trials;
  const centre = (fraction + z2n / 2) / (1 + z2n);
  const half = (Z_95 / (1 + z2n)) * Math.sqrt((fraction * (1 - fraction)) / trials + z2n / (4 * trials));
  // At 0 and at n the bounds are exactly 0 and 1; rounding must not push them a hair inside.
  return {
    low: successes === 0 ? 0 : Math.max(0, centre - half),
    high: successes === trials ? 1 : Math.min(1, centre + half),
  };
}

/** Half-width of the 95 % normal interval of a mean; null below two values. */
export function meanHalfWidth(values: readonly number[]): number | null {
  const deviation = sampleDeviation(values);
  return deviation === null ? null : (Z_95 * deviation) / Math.sqrt(values.length);
}

/**
 * Exact two-sided p-value of McNemar's test: how probable discordant pairs as uneven as these are when neither side is
 * better (McNemar 1947; the binomial form).
 *
 * @param onlyFirst pairs that only the first got right; `onlySecond` likewise; whole, not negative
 */
export function mcNemarExact(onlyFirst: number, onlySecond: number): number {
  const total = onlyFirst + onlySecond;
  if (total === 0) return 1;
  // Logarithms: 2^-total is 0 from 1,075 pairs on.
  let logChoose = -total * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= Math.min(onlyFirst, onlySecond); k++) {
    tail += Math.exp(logChoose);
    logChoose += Math.log(total - k) - Math.log(k + 1);
  }
  return Math.min(1, 2 * tail);
}
