/** From continuous bandwidths, powers and lengths to what sub-bands, gains and pooling windows allow. */
import { InvalidInputError } from '../config/violations';
import { bandwidthHzOf, SIZES, SMALLEST_SIZE } from '../units/subbands';
import { binsTaken } from './bands';
import { gainAtPowerDb, powerAtGainW, type PowerScale } from './channel';

/**
 * Sizes next to the wanted bandwidths that fit side by side: each the largest that is not wider, at least the smallest;
 * too much is taken from whoever has most over its wish, what is left goes to whoever lacks most of it.
 *
 * @param windowBins for all of them with their guards
 * @throws InvalidInputError when even the smallest do not fit
 */
export function roundSizes(
  bandwidthsHz: readonly number[],
  guardBins: number,
  windowBins: number,
  sampleRateHz: number,
): number[] {
  const wanted = bandwidthsHz.map((hz) => hz / bandwidthHzOf(1, sampleRateHz));
  const sizes = wanted.map((size) =>
    SIZES.reduce((found, one) => (one <= size * (1 + 1e-9) ? one : found), SMALLEST_SIZE),
  );
  const step = (size: number, by: 1 | -1): number | undefined => SIZES[SIZES.indexOf(size) + by];
  const fits = (list: readonly number[]): boolean => binsTaken(list, guardBins) <= windowBins;
  while (!fits(sizes)) {
    const from = mostOf(sizes, (size, m) => (size > SMALLEST_SIZE ? size / wanted[m]! : -1));
    if (from === null)
      throw new InvalidInputError([
        `bandwidthHz: ${sizes.length} sub-bands of ${SMALLEST_SIZE}/2048 with their guards do not fit; allowed at least ${Math.ceil((binsTaken(sizes, guardBins) * sampleRateHz) / 2048)} Hz`,
      ]);
    sizes[from] = step(sizes[from]!, -1)!;
  }
  for (;;) {
    const to = mostOf(sizes, (size, m) => {
      const next = step(size, 1);
      if (next === undefined || wanted[m]! / size <= 1 + 1e-9 || next - wanted[m]! > wanted[m]! - size) return -1;
      return fits(sizes.map((one, i) => (i === m ? next : one))) ? wanted[m]! / size : -1;
    });
    if (to === null) return sizes;
    sizes[to] = step(sizes[to]!, 1)!;
  }
}

export interface GainUser {
  readonly power: PowerScale;
  readonly gainRangeDb: { readonly min: number; readonly max: number; readonly step: number };
}

/**
 * Gains next to the wanted powers whose powers add up to the budget at most: each the highest step that is not above its
 * wish, then one step more where the budget has it, for whoever lost most.
 *
 * @param budgetW null: none
 * @throws InvalidInputError when the lowest gains are above the budget
 */
export function roundGainsDb(powersW: readonly number[], users: readonly GainUser[], budgetW: number | null): number[] {
  const wanted = powersW.map((powerW, m) => gainAtPowerDb(users[m]!.power, powerW));
  const gains = wanted.map((gainDb, m) => {
    const { min, max, step } = users[m]!.gainRangeDb;
    if (!(gainDb > min)) return min;
    if (gainDb >= max) return max;
    return step > 0 ? min + step * Math.floor((gainDb - min) / step + 1e-9) : gainDb;
  });
  const totalW = (list: readonly number[]): number =>
    list.reduce((sum, gainDb, m) => sum + powerAtGainW(users[m]!.power, gainDb), 0);
  const within = (list: readonly number[]): boolean => budgetW === null || totalW(list) <= budgetW * (1 + 1e-9);
  // Users held up by their lowest gain take from the others.
  while (!within(gains)) {
    const from = mostOf(gains, (gainDb, m) => (gainDb > users[m]!.gainRangeDb.min ? 1000 + gainDb - wanted[m]! : -1));
    if (from === null)
      throw new InvalidInputError([
        `powerW: value ${budgetW}; allowed from ${totalW(gains).toPrecision(4)} W, what the users send at their lowest gains`,
      ]);
    const { min, step } = users[from]!.gainRangeDb;
    const lower = step > 0 ? gains[from]! - step : gains[from]! - 0.01;
    gains[from] = Math.max(min, lower);
  }
  const raised = new Set<number>();
  for (;;) {
    const to = mostOf(gains, (gainDb, m) => {
      const { max, step } = users[m]!.gainRangeDb;
      const missingDb = wanted[m]! - gainDb;
      if (raised.has(m) || step === 0 || missingDb <= 1e-9 || gainDb + step > max + 1e-9) return -1;
      return within(gains.map((one, i) => (i === m ? gainDb + step : one))) ? missingDb : -1;
    });
    if (to === null) return gains;
    gains[to] = gains[to]! + users[to]!.gainRangeDb.step;
    raised.add(to);
  }
}

/** The length of the list that is nearest, as a ratio. */
export function roundLength(length: number, lengths: readonly number[]): number {
  const distance = (one: number): number => Math.abs(Math.log(one / Math.max(length, 1e-9)));
  return lengths.reduce((best, one) => (distance(one) < distance(best) ? one : best));
}

/** Index of the largest value; null where none is above 0. */
function mostOf(items: readonly number[], value: (item: number, index: number) => number): number | null {
  let found: number | null = null;
  let most = 0;
  items.forEach((item, m) => {
    const own = value(item, m);
    if (own > most) [found, most] = [m, own];
  });
  return found;
}
