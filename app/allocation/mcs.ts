/**
 * Rate of the link's own modulation and coding, from its measured thresholds, and the bits that a digital burst carries
 * (docs/digital.md).
 */
import { InvalidInputError } from '../config/violations';
import { dbToPowerRatio } from '../units/db';

/** One measured point: at this SNR (Es/N0, AWGN) one burst in a hundred is lost. app/link's McsThreshold has these fields. */
export interface McsEntry {
  readonly modulation: string;
  readonly codeRate: number;
  /** Payload bits a channel use: code rate times the modulation's bits. */
  readonly bitsPerChannelUse: number;
  readonly snrDb: number;
}

const SNR_RANGE_DB = { low: -5, high: 30 } as const;

/** @throws InvalidInputError for a table that is empty or holds what cannot be */
export function checkMcsTable(table: readonly McsEntry[]): void {
  if (table.length === 0) throw new InvalidInputError(['mcsTable: empty; allowed at least one measured point']);
  table.forEach((entry, i) => {
    const fault = (field: keyof McsEntry, allowed: string): void => {
      throw new InvalidInputError([`mcsTable[${i}].${field}: value ${entry[field]}; allowed ${allowed}`]);
    };
    if (!(entry.bitsPerChannelUse > 0 && entry.bitsPerChannelUse <= 16))
      fault('bitsPerChannelUse', 'a number above 0, at most 16');
    if (!(entry.codeRate > 0 && entry.codeRate <= 1)) fault('codeRate', 'a number above 0, at most 1');
    if (!(Math.abs(entry.snrDb) <= 100)) fault('snrDb', 'a number from -100 to 100 dB');
  });
}

export interface McsChoice {
  readonly modulation: string;
  readonly codeRate: number;
  /** Payload bits a channel use. */
  readonly bitsPerChannelUse: number;
}

/**
 * The modulation that carries most at an SNR. Rate matching makes any code rate, so between two measured thresholds of a
 * modulation the code rate is linear in dB; above the highest it stays.
 * @returns null below every threshold
 */
export function chooseMcs(table: readonly McsEntry[], snrDb: number): McsChoice | null {
  let best: McsChoice | null = null;
  for (const modulation of new Set(table.map((entry) => entry.modulation))) {
    const own = table.filter((entry) => entry.modulation === modulation).sort((a, b) => a.snrDb - b.snrDb);
    const at = own.filter((entry) => entry.snrDb <= snrDb).length;
    const below = own[at - 1];
    if (below === undefined) continue;
    const above = own[at];
    const codeRate =
      above === undefined
        ? below.codeRate
        : below.codeRate + ((above.codeRate - below.codeRate) * (snrDb - below.snrDb)) / (above.snrDb - below.snrDb);
    const bitsPerChannelUse = (codeRate * below.bitsPerChannelUse) / below.codeRate;
    if (bitsPerChannelUse > (best?.bitsPerChannelUse ?? 0)) best = { modulation, codeRate, bitsPerChannelUse };
  }
  return best;
}

/** The one with the lowest threshold. */
export function mostRobust(table: readonly McsEntry[]): McsChoice {
  const { modulation, codeRate, bitsPerChannelUse } = table.reduce((a, b) => (b.snrDb < a.snrDb ? b : a));
  return { modulation, codeRate, bitsPerChannelUse };
}

export interface RateFit {
  /** Share of Shannon's rate at an SNR that is `snrGapDb` lower. */
  readonly efficiency: number;
  readonly snrGapDb: number;
  /** rms of the fit over the rate, relative, from the lowest threshold to 3 dB above the highest. */
  readonly rmsError: number;
}

/**
 * efficiency log2(1 + SNR / gap) next to the table, in relative squares: the concave rate that `exact` can use in place
 * of one with steps. Efficiency from 0 to 1, gap from 0 to 30 dB.
 * @throws InvalidInputError as checkMcsTable
 */
export function fitRate(table: readonly McsEntry[]): RateFit {
  checkMcsTable(table);
  const thresholds = table.map((entry) => entry.snrDb);
  const low = Math.max(Math.min(...thresholds), SNR_RANGE_DB.low);
  const high = Math.max(Math.min(Math.max(...thresholds) + 3, SNR_RANGE_DB.high), low);
  const points = Array.from({ length: 141 }, (_, i) => low + ((high - low) * i) / 140).map((snrDb) => ({
    snr: dbToPowerRatio(snrDb),
    rate: chooseMcs(table, snrDb)?.bitsPerChannelUse ?? 0,
  }));
  const used = points.filter(({ rate }) => rate > 0);
  const at = (snrGapDb: number): RateFit => {
    const gap = dbToPowerRatio(snrGapDb);
    const shapes = used.map(({ snr, rate }) => Math.log2(1 + snr / gap) / rate);
    const sum = shapes.reduce((total, shape) => total + shape, 0);
    const squares = shapes.reduce((total, shape) => total + shape * shape, 0);
    const efficiency = Math.min(1, sum / squares);
    const error = shapes.reduce((total, shape) => total + (efficiency * shape - 1) ** 2, 0);
    return { efficiency, snrGapDb, rmsError: Math.sqrt(error / shapes.length) };
  };
  // A scan, and one finer about its best.
  let best = at(0);
  for (let step = 1; step <= 60; step++) best = better(best, at(step / 2));
  const centre = best.snrGapDb;
  for (let step = -50; step <= 50; step++) best = better(best, at(Math.min(Math.max(centre + step / 100, 0), 30)));
  return best;
}

function better(a: RateFit, b: RateFit): RateFit {
  return b.rmsError < a.rmsError ? b : a;
}

/** A burst's descriptor, and the coded step of a token. */
export const DESCRIPTOR_BITS = 24;
const STEP_BITS = 9;
/** Highest code rate with the CRCs counted; what CRCs add to a short and to a long transport block, and to each code block. */
const MAX_CODE_RATE = 0.92;
const SHORT_BLOCK_BITS = 3824;
const CRC_BITS = { short: 16, long: 24 } as const;
const CODE_BLOCK_BITS = 8448;
/** Payload with which the thresholds were measured. */
const TABLE_BITS = 2080;

/** Bits of a token of so many values. */
export function bitsPerToken(dimension: number, bitsPerValue: number): number {
  return STEP_BITS + dimension * bitsPerValue;
}

/** Payload symbols (channel uses) that carry a digital burst of [tokens, dimension] at a modulation and code rate. */
export function digitalSymbols(
  tokens: number,
  dimension: number,
  bitsPerValue: number,
  { bitsPerChannelUse, codeRate }: McsChoice,
): number {
  const payload = DESCRIPTOR_BITS + tokens * bitsPerToken(dimension, bitsPerValue);
  const crc = payload > SHORT_BLOCK_BITS ? CRC_BITS.long : CRC_BITS.short;
  const blocks = payload + crc <= CODE_BLOCK_BITS ? 1 : Math.ceil((payload + crc) / (CODE_BLOCK_BITS - CRC_BITS.long));
  const coded = payload + crc + (blocks > 1 ? blocks * CRC_BITS.long : 0);
  const depth = bitsPerChannelUse / codeRate;
  // The table's rates are those of 2,080 bits without their CRC; a short block's is a good part of what it carries.
  const withCrc = coded / (1 + CRC_BITS.short / TABLE_BITS);
  return Math.max(
    Math.ceil(Math.max(payload, withCrc) / bitsPerChannelUse),
    blocks * Math.ceil(coded / blocks / (MAX_CODE_RATE * depth)),
  );
}
