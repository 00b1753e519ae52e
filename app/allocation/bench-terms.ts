/**
 * What the bench asks of an allocation: users at once, each in a contiguous sub-band, with the radios' gains, and by which
 * named model terms latency, rate, gain and loss are predicted.
 */
import { InvalidInputError } from '../config/violations';
import { SMALLEST_SIZE } from '../units/subbands';
import type { Interactions } from './analog';
import { binsTaken, windowBinsOf } from './bands';
import { GAIN_AVERAGES, powerAtGainW, type GainAverage, type PowerScale } from './channel';
import { checkMcsTable, type McsEntry } from './mcs';
import type { LossSurface } from './problem';

/** What one term may be; none of them is in the paper. */
export const TERM_CHOICES = {
  /** Digital transport: Shannon's, or a fit to the link's measured thresholds (and the thresholds themselves in predictions). */
  rate: ['shannon', 'mcs-table'],
  /** Payload alone at Shannon's rate (analog: one symbol per second and Hz), or the burst as it is sent. */
  latency: ['shannon', 'engineering'],
  gainAverage: GAIN_AVERAGES,
  /** a exp(-b L) + c whatever the SNR, or the measured surface. */
  loss: ['exponential', 'surface'],
  /** Side by side in the users' order, or wherever in the window each is best. */
  bands: ['in-order', 'chosen'],
} as const;

export interface ModelTerms {
  readonly rate: (typeof TERM_CHOICES.rate)[number];
  readonly latency: (typeof TERM_CHOICES.latency)[number];
  readonly gainAverage: GainAverage;
  readonly loss: (typeof TERM_CHOICES.loss)[number];
  readonly bands: (typeof TERM_CHOICES.bands)[number];
}

export interface LossFit {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

export interface BenchUser {
  readonly id: string;
  readonly dimension: number;
  /** Token lengths that the pooling windows allow; one where nothing is pooled. */
  readonly lengths: readonly number[];
  /** Digital transport: 2 to 8. */
  readonly bitsPerValue?: number;
  /** Null or absent: no fit; the term `exponential` then counts no loss of this user. */
  readonly loss?: LossFit | null;
  readonly surface?: LossSurface | null;
  readonly power: PowerScale;
  readonly gainRangeDb: { readonly min: number; readonly max: number; readonly step: number };
}

export interface BenchTerms {
  /** Window about the capture's centre in which all sub-bands and the guards between them lie. */
  readonly bandwidthHz: number;
  readonly guardCarriers: number;
  /** Of all users together; null: each may use what its radio has. */
  readonly powerW: number | null;
  /** Of latency, 0 to 1. */
  readonly weight: number;
  readonly latency: 'max' | 'sum';
  readonly latencyRefS: number;
  readonly lossRef: number;
  readonly transport: 'analog' | 'digital';
  readonly normalisation?: 'burst' | 'token';
  readonly terms: ModelTerms;
  /** Needed where terms.rate is `mcs-table`. */
  readonly mcsTable?: readonly McsEntry[] | null;
  /** Products of two users' losses (a bundle's surface.interactions); counted where terms.loss is `surface`. */
  readonly interactions?: Interactions;
  /** rms error of the two forms of loss at points that their fits did not see (a bundle's surface.rmsError). */
  readonly fitErrorRms?: { readonly loss: number; readonly surface: number } | null;
  /** Kept above a modulation's threshold, for channels that move and shorter blocks, dB; default 0. */
  readonly mcsMarginDb?: number;
  /** Below it no burst is heard: the user is in outage. Default -5, where headers end. */
  readonly outageSnrDb?: number;
  readonly sampleRateHz?: number;
  readonly users: readonly BenchUser[];
}

export const DEFAULT_TERMS: ModelTerms = {
  rate: 'mcs-table',
  latency: 'engineering',
  gainAverage: 'capacity',
  loss: 'surface',
  bands: 'chosen',
};

const BITS_PER_VALUE = { min: 2, max: 8 } as const;

/** @throws InvalidInputError with a line for every fault */
export function checkBenchTerms(bench: BenchTerms): void {
  const faults: string[] = [];
  const refuse = (field: string, value: unknown, allowed: string): void => {
    const shown = typeof value === 'number' ? String(value) : JSON.stringify(value);
    faults.push(`${field}: value ${shown}; allowed ${allowed}`);
  };
  const number = (field: string, value: number, min: number, max: number, unit = ''): void => {
    if (!(value >= min && value <= max)) refuse(field, value, `a number from ${min} to ${max}${unit}`);
  };
  const positive = (field: string, value: number): void => {
    if (!(value > 0 && Number.isFinite(value))) refuse(field, value, 'a number above 0');
  };
  const { users, terms } = bench;
  positive('bandwidthHz', bench.bandwidthHz);
  number('guardCarriers', bench.guardCarriers, 1, 32, ' grid carriers');
  if (bench.powerW !== null) positive('powerW', bench.powerW);
  number('weight', bench.weight, 0, 1);
  positive('latencyRefS', bench.latencyRefS);
  positive('lossRef', bench.lossRef);
  for (const key of Object.keys(TERM_CHOICES) as (keyof ModelTerms)[]) {
    const choices: readonly string[] = TERM_CHOICES[key];
    if (!choices.includes(terms[key])) refuse(`terms.${key}`, terms[key], choices.join(', '));
  }
  if (bench.transport === 'digital' && terms.rate === 'mcs-table') {
    if (!bench.mcsTable)
      faults.push('mcsTable: missing; allowed the link\'s thresholds where terms.rate is "mcs-table"');
    else checkMcsTable(bench.mcsTable);
  }
  if (users.length === 0) refuse('users', [], 'at least one user');
  if (new Set(users.map(({ id }) => id)).size < users.length)
    refuse(
      'users',
      users.map(({ id }) => id),
      'different ids',
    );
  const known = users.map(({ id }) => id);
  (bench.interactions ?? []).forEach(({ users: both, coefficient }, i) => {
    if (both[0] === both[1] || !both.every((id) => known.includes(id)))
      refuse(`interactions[${i}].users`, both, 'two different ids of users');
    if (!Number.isFinite(coefficient)) refuse(`interactions[${i}].coefficient`, coefficient, 'a number');
  });
  if (bench.mcsMarginDb !== undefined) number('mcsMarginDb', bench.mcsMarginDb, 0, 20, ' dB');
  users.forEach((user, i) => {
    const at = `users[${i}]`;
    if (!(Number.isInteger(user.dimension) && user.dimension >= 1))
      refuse(`${at}.dimension`, user.dimension, 'an integer from 1');
    if (user.lengths.length === 0 || user.lengths.some((length) => !(Number.isInteger(length) && length >= 1)))
      refuse(`${at}.lengths`, user.lengths, 'a list of at least one integer from 1');
    if (bench.transport === 'digital') {
      const { min, max } = BITS_PER_VALUE;
      if (!(Number.isInteger(user.bitsPerValue) && (user.bitsPerValue ?? 0) >= min && (user.bitsPerValue ?? 0) <= max))
        refuse(`${at}.bitsPerValue`, user.bitsPerValue ?? null, `an integer from ${min} to ${max}`);
    }
    const { min, max, step } = user.gainRangeDb;
    if (!(min <= max && step >= 0 && Number.isFinite(min) && Number.isFinite(max)))
      refuse(`${at}.gainRangeDb`, user.gainRangeDb, 'min not above max, step from 0, dB');
    positive(`${at}.power.powerW`, user.power.powerW);
    if (!Number.isFinite(user.power.gainDb)) refuse(`${at}.power.gainDb`, user.power.gainDb, 'a number in dB');
  });
  if (users.length > 0 && users.every((user) => lossOf(bench, user) === null))
    faults.push(`users: no ${terms.loss} loss of any; allowed a measured loss of at least one (terms.loss)`);
  if (faults.length > 0) throw new InvalidInputError(faults);
}

/** Products of losses that the loss term counts. */
export function interactionsOf({ terms, interactions = [] }: BenchTerms): Interactions {
  return terms.loss === 'surface' ? interactions : [];
}

/** What the loss term uses of a user; null: nothing of it is counted. */
export function lossOf({ terms }: BenchTerms, user: BenchUser): LossFit | LossSurface | null {
  return (terms.loss === 'surface' ? user.surface : user.loss) ?? null;
}

const DEFAULT_OUTAGE_SNR_DB = -5;

/** Below it a burst is lost, dB: the header's limit, or the lowest threshold of the link's modulations. */
export function outageSnrDbOf({ outageSnrDb, transport, terms, mcsTable, mcsMarginDb = 0 }: BenchTerms): number {
  const heard = outageSnrDb ?? DEFAULT_OUTAGE_SNR_DB;
  if (transport === 'analog' || terms.rate !== 'mcs-table' || !mcsTable) return heard;
  return Math.max(heard, Math.min(...mcsTable.map((entry) => entry.snrDb)) + mcsMarginDb);
}

/**
 * Whether the users fit at all: the smallest sub-bands with their guards into the window, the lowest gains into the budget.
 * @throws InvalidInputError
 */
export function checkBudgets(bench: BenchTerms, users: readonly BenchUser[]): void {
  const { bandwidthHz, guardCarriers, powerW, sampleRateHz = 5e6 } = bench;
  const least = binsTaken(
    users.map(() => SMALLEST_SIZE),
    guardBinsOf(guardCarriers),
  );
  if (least > windowBinsOf(bandwidthHz, sampleRateHz))
    throw new InvalidInputError([
      `bandwidthHz: value ${bandwidthHz}; allowed from ${Math.ceil((least * sampleRateHz) / 2048)} Hz for ${users.length} users with guards of ${guardCarriers} grid carriers`,
    ]);
  const leastW = users.reduce((sum, user) => sum + powerAtGainW(user.power, user.gainRangeDb.min), 0);
  if (powerW !== null && leastW > powerW * (1 + 1e-9))
    throw new InvalidInputError([
      `powerW: value ${powerW}; allowed from ${leastW.toPrecision(4)} W, what the users send at their lowest gains`,
    ]);
}

export function guardBinsOf(guardCarriers: number): number {
  return Math.round(guardCarriers * 32);
}
