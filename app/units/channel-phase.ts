/** The phase of a channel over its carriers, as an eye can read it. */

/** Least-squares line through (x, y): slope and mean. Zero slope where all x are equal. */
function line(
  x: readonly number[],
  y: readonly number[],
): { readonly slope: number; readonly at: (x: number) => number } {
  const meanX = x.reduce((sum, value) => sum + value, 0) / x.length;
  const meanY = y.reduce((sum, value) => sum + value, 0) / y.length;
  const spread = x.reduce((sum, value) => sum + (value - meanX) ** 2, 0);
  const slope = spread > 0 ? x.reduce((sum, value, i) => sum + (value - meanX) * ((y[i] ?? 0) - meanY), 0) / spread : 0;
  return { slope, at: (value) => meanY + slope * (value - meanX) };
}

/**
 * Unwrapped phase without its straight part, which is a delay and a constant.
 * @param channel interleaved re, im; one pair for each entry of `carriers`
 * @param carriers ascending indices of the carriers
 * @returns degrees by carrier, and the delay that was taken out, seconds (positive: later than the timing estimate)
 */
export function bentPhase(
  channel: Float32Array,
  carriers: Int16Array,
  carrierSpacingHz: number,
): { readonly phaseDeg: number[]; readonly delayS: number } {
  const phases: number[] = [];
  let turns = 0;
  for (let i = 0; i < carriers.length; i++) {
    const wrapped = Math.atan2(channel[2 * i + 1] ?? 0, channel[2 * i] ?? 0);
    const before = phases[i - 1];
    if (before !== undefined) turns -= Math.round((wrapped + turns - before) / (2 * Math.PI)) * 2 * Math.PI;
    phases.push(wrapped + turns);
  }
  if (phases.length === 0) return { phaseDeg: [], delayS: 0 };
  const index = [...carriers];
  const { slope, at } = line(index, phases);
  return {
    phaseDeg: phases.map((phase, i) => ((phase - at(index[i] ?? 0)) * 180) / Math.PI),
    delayS: -slope / (2 * Math.PI * carrierSpacingHz),
  };
}
