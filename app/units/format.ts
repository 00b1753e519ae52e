/** Numbers as people read them. A figure that is not there is an en dash. */

const NONE = '–';

/** 0 to 1 as percent, one decimal: "83.4 %". */
export function formatPercent(fraction: number | null): string {
  return fraction === null ? NONE : `${(100 * fraction).toFixed(1)} %`;
}

/** "12.03". */
export function formatDecibels(valueDb: number | null, digits = 2): string {
  // A value that rounds to zero has no sign.
  return valueDb === null ? NONE : (Math.round(valueDb * 10 ** digits) / 10 ** digits + 0).toFixed(digits);
}

/** Frequency error as a share of the carrier spacing, two decimals: "0.12 %". */
export function formatShare(share: number | null): string {
  return share === null ? NONE : `${(100 * share).toFixed(2)} %`;
}

/** Percentage points with their sign: "+0.4". */
export function formatPoints(fraction: number | null): string {
  if (fraction === null) return NONE;
  const points = Math.round(1000 * fraction) / 10 + 0;
  return `${points > 0 ? '+' : ''}${points.toFixed(1)}`;
}

/** "0.034", or "< 0.001". */
export function formatPValue(value: number): string {
  return value < 0.001 ? '< 0.001' : value.toFixed(3);
}

/** "48 s", "3 min 05 s", "2 h 10 min". */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}
