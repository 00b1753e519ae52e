/**
 * Which part of the band each user gets: contiguous sub-bands of given sizes, in any order, anywhere the guards allow.
 * For given sizes, powers and lengths the best places are found, not searched for.
 */
import { InvalidInputError } from '../config/violations';
import { BINS_PER_CARRIER, carriersOf, GRID_BINS, HALF_BAND_BINS } from '../units/subbands';

/** The grid is left for whole bins, so that a sub-band's edges never leave its slot. */
export function slotBins(size: number): number {
  return 2 * Math.ceil((carriersOf(size) * BINS_PER_CARRIER) / 2 - 1e-9);
}

/** Bins that sub-bands side by side take with the guards between them; they fit where it is at most the window. */
export function binsTaken(sizes: readonly number[], guardBins: number): number {
  return sizes.reduce((sum, size) => sum + slotBins(size), 0) + guardBins * Math.max(0, sizes.length - 1);
}

/** The whole band, bins. */
export const BAND_BINS = 2 * HALF_BAND_BINS;

/** The largest window about the capture's centre that is no wider, in whole bins to each side. */
export function windowBinsOf(bandwidthHz: number, sampleRateHz: number): number {
  const half = Math.floor((bandwidthHz * GRID_BINS) / sampleRateHz / 2 + 1e-9);
  return 2 * Math.min(half, HALF_BAND_BINS);
}

export interface BandUser {
  readonly size: number;
  /** What it costs to have the sub-band centred on a bin; finite. */
  costAt(centerBin: number): number;
}

/** More users than have room with their guards. */
const MOST_USERS = 10;

/**
 * Centres (bins) of the users' sub-bands with the least sum, or the least maximum, of costs: over all orders and all whole
 * bins, by dynamic programming over (set of users placed, bin where they end).
 *
 * @param windowBins they lie within so many bins about the capture's centre; even
 * @throws InvalidInputError when they do not fit
 */
export function chooseBands(
  users: readonly BandUser[],
  guardBins: number,
  windowBins = BAND_BINS,
  combine: 'sum' | 'max' = 'sum',
): { centers: number[]; cost: number } {
  const count = users.length;
  const slots = users.map(({ size }) => slotBins(size));
  requireRoom(
    users.map(({ size }) => size),
    guardBins,
    windowBins,
  );
  if (count > MOST_USERS) throw new InvalidInputError([`bands: ${count} users at once; allowed at most ${MOST_USERS}`]);
  // Slots grow by a guard at their upper end, and so does the band: then neighbours touch.
  const ends = windowBins + guardBins;
  const low = -windowBins / 2;
  const costs = users.map((user, m) => {
    const last = windowBins - slots[m]!;
    return Float64Array.from({ length: last + 1 }, (_, start) => user.costAt(start + low + slots[m]! / 2));
  });
  const sets = 2 ** count;
  const best = new Float64Array(sets * (ends + 1)).fill(Infinity);
  /** The user that ends a set's placement exactly at a bin; -1: nobody ends there, look one bin lower. */
  const lastUser = new Int8Array(sets * (ends + 1)).fill(-1);
  best.fill(0, 0, ends + 1);
  for (let set = 1; set < sets; set++)
    for (let end = 1; end <= ends; end++) {
      const at = set * (ends + 1) + end;
      best[at] = best[at - 1]!;
      for (let m = 0; m < count; m++) {
        const start = end - slots[m]! - guardBins;
        if (start < 0 || (set & (1 << m)) === 0) continue;
        const before = best[(set ^ (1 << m)) * (ends + 1) + start]!;
        const own = costs[m]![start]!;
        const cost = combine === 'sum' ? before + own : Math.max(before, own);
        if (cost < best[at]) {
          best[at] = cost;
          lastUser[at] = m;
        }
      }
    }
  const centers = new Array<number>(count).fill(0);
  let set = sets - 1;
  for (let end = ends; set !== 0;) {
    const m = lastUser[set * (ends + 1) + end]!;
    if (m < 0) {
      end--;
      continue;
    }
    end -= slots[m]! + guardBins;
    centers[m] = end + low + slots[m]! / 2;
    set ^= 1 << m;
  }
  return { centers, cost: best[sets * (ends + 1) - 1]! };
}

/** @throws InvalidInputError when the sub-bands do not fit into the window */
function requireRoom(sizes: readonly number[], guardBins: number, windowBins: number): void {
  const taken = binsTaken(sizes, guardBins);
  if (taken > windowBins)
    throw new InvalidInputError([
      `bands: ${(taken / BINS_PER_CARRIER).toFixed(1)} grid carriers with their guards; allowed ${(windowBins / BINS_PER_CARRIER).toFixed(1)} in all`,
    ]);
}

/** Side by side in the given order, the spare shared among the gaps: centres in whole bins. */
export function bandsInOrder(sizes: readonly number[], guardBins: number, windowBins = BAND_BINS): number[] {
  requireRoom(sizes, guardBins, windowBins);
  const spare = windowBins - binsTaken(sizes, guardBins);
  const gaps = sizes.length + 1;
  let at = -windowBins / 2;
  return sizes.map((size, i) => {
    const gap = Math.floor((spare * (i + 1)) / gaps) - Math.floor((spare * i) / gaps);
    const center = at + gap + slotBins(size) / 2;
    at += gap + slotBins(size) + guardBins;
    return center;
  });
}
