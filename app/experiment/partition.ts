/**
 * Who sends when and where: the schedule, and with FDMA each user's sub-band. The same rules as native/phy's
 * (subband.hpp, docs/fdma.md), which the radio process applies again: a host loads no native code to check a file.
 */
import type { YamlFile } from '../config/yaml-file';
import type { Subband } from '../link/types';
import {
  BINS_PER_CARRIER,
  carriersOf,
  GRID_BINS,
  GRID_CARRIERS,
  HALF_BAND_BINS,
  SMALLEST_SIZE,
  sizeForCarriers,
} from '../units/subbands';
import { USERS, type Sections, type UserName } from './schema';

export type Schedule = 'turns' | 'fdma' | 'one-transmitter';
export type Subbands = Readonly<Record<UserName, Subband>>;
type Partition = Exclude<NonNullable<Sections['partition']>, 'equal'>;

const HIGHEST_CARRIER = 26;
const DEFAULT_GUARD_CARRIERS = 2;
const ROUNDING = 1e-6;

/** As the file says; else one transmitter where all users name one radio, and turns where each has its own. */
export function scheduleOf({ schedule, radios }: Pick<Sections, 'schedule' | 'radios'>): Schedule {
  return schedule ?? (new Set(USERS.map((user) => radios[user].serial)).size === 1 ? 'one-transmitter' : 'turns');
}

/** Each user's sub-band; null where users do not send at once. */
export function subbandsOf(experiment: Pick<Sections, 'schedule' | 'radios' | 'partition'>): Subbands | null {
  if (scheduleOf(experiment) !== 'fdma') return null;
  const faults: Fault[] = [];
  return readPartition(experiment.partition ?? 'equal', faults);
}

/** Occupied band, grid carriers. */
export function widthCarriers({ size }: Subband): number {
  return carriersOf(size);
}

/** Lowest and highest edge of the occupied band, grid carriers from the capture's centre. */
export function edgesCarriers(band: Subband): { low: number; high: number } {
  const center = band.centerBin / BINS_PER_CARRIER;
  return { low: center - widthCarriers(band) / 2, high: center + widthCarriers(band) / 2 };
}

interface Fault {
  readonly field: readonly (string | number)[];
  /** What is allowed, beside the value that the file has; or all of it. */
  readonly allowed?: string;
  readonly detail?: string;
}

export function checkPartition(yaml: YamlFile, partition: NonNullable<Sections['partition']>): void {
  const faults: Fault[] = [];
  readPartition(partition, faults);
  for (const { field, allowed, detail } of faults)
    if (detail !== undefined) yaml.add(['partition', ...field], detail);
    else yaml.refuse(['partition', ...field], allowed ?? '');
}

/** Null when `faults` got any. */
function readPartition(partition: NonNullable<Sections['partition']>, faults: Fault[]): Subbands | null {
  const guardCarriers = partition === 'equal' ? DEFAULT_GUARD_CARRIERS : partition.guardCarriers;
  const guardBins = Math.round(guardCarriers * BINS_PER_CARRIER);
  if (partition === 'equal') {
    const each = (GRID_CARRIERS - (USERS.length - 1) * guardCarriers) / USERS.length;
    return placed(
      USERS.map(() => each),
      guardBins,
      faults,
    );
  }
  const widths = USERS.flatMap((user) => {
    const share = partition[user];
    return typeof share === 'number' ? [share] : [];
  });
  if (widths.length > 0 && widths.length < USERS.length) {
    faults.push({
      field: [],
      detail: 'widths beside places; allowed a width for every user, or first and count for every user',
    });
    return null;
  }
  const bands = widths.length > 0 ? placed(widths, guardBins, faults) : atPlaces(partition, guardBins, faults);
  if (bands === null) return null;
  checkPairs(bands, guardBins, faults);
  return faults.length > 0 ? null : bands;
}

function atPlaces(partition: Partition, guardBins: number, faults: Fault[]): Subbands | null {
  const bands = USERS.flatMap((user): Subband[] => {
    const share = partition[user];
    if (typeof share === 'number') return [];
    const { first, count } = share;
    const size = sizeForCarriers(count);
    if (size === 0 || count > GRID_CARRIERS) {
      faults.push({ field: [user, 'count'], allowed: `${LEAST_CARRIERS} to ${GRID_CARRIERS} grid carriers` });
      return [];
    }
    if (first < -HIGHEST_CARRIER || first + count - 1 > HIGHEST_CARRIER) {
      const allowed = `${-HIGHEST_CARRIER} to ${HIGHEST_CARRIER - count + 1}, so that all ${count} grid carriers are within -26 to 26`;
      faults.push({ field: [user, 'first'], allowed });
      return [];
    }
    return [{ centerBin: (BINS_PER_CARRIER / 2) * (2 * first + count - 1), size, guardBins }];
  });
  return bands.length < USERS.length ? null : byUser(bands);
}

function byUser(bands: readonly Subband[]): Subbands {
  const [text, visual, audio] = bands as [Subband, Subband, Subband];
  return { text, visual, audio };
}

function checkPairs(bands: Subbands, guardBins: number, faults: Fault[]): void {
  USERS.forEach((user, i) => {
    for (const other of USERS.slice(0, i)) {
      const [a, b] = [edgesCarriers(bands[other]), edgesCarriers(bands[user])];
      const gap = Math.max(b.low - a.high, a.low - b.high);
      const places = `${inCarriers(b)} beside ${inCarriers(a)} of ${other}`;
      if (gap < -ROUNDING)
        faults.push({ field: [user], detail: `${places}; allowed a sub-band that no other user has` });
      else if (gap < guardBins / BINS_PER_CARRIER - ROUNDING)
        faults.push({
          field: [user],
          detail: `${places}, ${gap.toFixed(1)} apart; allowed at least ${guardBins / BINS_PER_CARRIER} grid carriers (guardCarriers)`,
        });
    }
  });
}

function inCarriers({ low, high }: { low: number; high: number }): string {
  return `carriers ${low.toFixed(1)} to ${high.toFixed(1)}`;
}

/** Smallest whole number of carriers that a user may have. */
const LEAST_CARRIERS = Math.ceil((SMALLEST_SIZE * GRID_CARRIERS) / GRID_BINS);

/** phy::placeSubbands: side by side in the users' order, the spare where it brings DC into a gap or onto a centre. */
function placed(widths: readonly number[], guardBins: number, faults: Fault[]): Subbands | null {
  const sizes = widths.map((width, i) => {
    const size = width > GRID_CARRIERS ? 0 : sizeForCarriers(width);
    if (size === 0)
      faults.push({
        field: [USERS[i] as string],
        allowed: `a width of ${LEAST_CARRIERS} to ${GRID_CARRIERS} grid carriers`,
      });
    return size;
  });
  if (faults.length > 0) return null;
  const halves = sizes.map((size) => (0.5 * GRID_CARRIERS * size) / 64);
  const used = guardBins * (sizes.length - 1) + halves.reduce((sum, half) => sum + 2 * half, 0);
  const spare = 2 * HALF_BAND_BINS - used;
  const tooWide = (): null => {
    const wide = (used / BINS_PER_CARRIER).toFixed(1);
    faults.push({ field: [], detail: `${wide} grid carriers with their guards; allowed ${GRID_CARRIERS} in all` });
    return null;
  };
  if (spare < -ROUNDING) return tooWide();
  let at = -HALF_BAND_BINS;
  const base = halves.map((half) => {
    const center = at + half;
    at += 2 * half + guardBins;
    return center;
  });
  let moved = base.map((_, i) => (spare * i) / Math.max(1, base.length - 1));
  let below = 0;
  while (below < base.length && (base[below] as number) + (halves[below] as number) < 0) below++;
  const [center, half] = [base[below], halves[below]];
  if (center === undefined || half === undefined || (below > 0 && center + spare - half > 0))
    moved = base.map((_, i) => (i < below ? 0 : spare));
  else if (center <= 0 && center + spare >= 0)
    moved = base.map((_, i) => (i < below ? 0 : i === below ? -center : spare));
  const centers: number[] = [];
  let limit = -HALF_BAND_BINS;
  base.forEach((one, i) => {
    const own = halves[i] as number;
    const wanted = awayFromZero(one + (moved[i] as number));
    centers.push(Math.max(wanted, Math.ceil(limit + own - ROUNDING)));
    limit = (centers[i] as number) + own + guardBins;
  });
  limit = HALF_BAND_BINS;
  for (let i = base.length - 1; i >= 0; i--) {
    const own = halves[i] as number;
    centers[i] = Math.min(centers[i] as number, Math.floor(limit - own + ROUNDING));
    limit = (centers[i] as number) - own - guardBins;
  }
  if ((centers[0] as number) - (halves[0] as number) < -HALF_BAND_BINS - ROUNDING) return tooWide();
  return byUser(sizes.map((size, i) => ({ centerBin: (centers[i] as number) + 0, size, guardBins })));
}

/** Halves as C++'s lround has them. */
function awayFromZero(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value));
}
