/**
 * The grid on which users share a capture, and the sizes that a sub-band may have: the rules of native/phy (subband.hpp,
 * docs/fdma.md), for whoever plans without loading native code.
 */

/** The capture's sample rate in bins. */
export const GRID_BINS = 2048;
export const BINS_PER_CARRIER = 32;
/** Occupied by the full band, DC among them. */
export const GRID_CARRIERS = 53;
/** Edge of the occupied band, bins from the capture's centre. */
export const HALF_BAND_BINS = 0.5 * GRID_CARRIERS * BINS_PER_CARRIER;
export const SMALLEST_SIZE = 152;
const SIZE_STEP = 8;
const FINE_SIZE = 512;
const ROUNDING = 1e-6;

/** Where a user sends: centre in bins of 1/2048 of the sample rate, and its own sample rate in the same unit. */
export interface BandPlace {
  readonly centerBin: number;
  readonly size: number;
}

export function isSize(size: number): boolean {
  if (size < SMALLEST_SIZE || size > GRID_BINS || size % SIZE_STEP !== 0) return false;
  if (size <= FINE_SIZE) return true;
  let rest = size;
  for (const prime of [2, 3, 5, 7, 11, 13]) while (rest % prime === 0) rest /= prime;
  return rest === 1;
}

/** All of them, rising. */
export const SIZES: readonly number[] = Array.from(
  { length: GRID_BINS / SIZE_STEP },
  (_, i) => (i + 1) * SIZE_STEP,
).filter(isSize);

/** The largest size that is no wider than so many grid carriers; 0: none. */
export function sizeForCarriers(width: number): number {
  if (!(width > 0)) return 0;
  const most = (Math.min(width, GRID_CARRIERS) * GRID_BINS) / GRID_CARRIERS + ROUNDING;
  return SIZES.reduce((largest, size) => (size <= most ? size : largest), 0);
}

/** Occupied band of a size, grid carriers. */
export function carriersOf(size: number): number {
  return (GRID_CARRIERS * size) / GRID_BINS;
}

/** Occupied band of a size, Hz. */
export function bandwidthHzOf(size: number, sampleRateHz: number): number {
  return (carriersOf(size) * BINS_PER_CARRIER * sampleRateHz) / GRID_BINS;
}
