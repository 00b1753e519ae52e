/**
 * From sounding bursts to channels: each user's gain over noise across the band, and what one number stands for a part of
 * it. Powers are W at the transmitter; SNR is Es/N0.
 */
import { InvalidInputError } from '../config/violations';
import { dbToPowerRatio, powerRatioToDb } from '../units/db';
import { BINS_PER_CARRIER, bandwidthHzOf, GRID_BINS, GRID_CARRIERS, type BandPlace } from '../units/subbands';

/** A power of a transmitter at one of its gains; another gain's follows dB by dB. */
export interface PowerScale {
  readonly gainDb: number;
  readonly powerW: number;
}

export function powerAtGainW({ gainDb, powerW }: PowerScale, atDb: number): number {
  return powerW * dbToPowerRatio(atDb - gainDb);
}

export function gainAtPowerDb({ gainDb, powerW }: PowerScale, atW: number): number {
  return gainDb + powerRatioToDb(atW / powerW);
}

/** What a receiver measured of one burst; app/link's BurstMeasurement and a run folder's CSI record have these fields. */
export interface SoundedBurst {
  readonly user: string;
  /** Transmit gain that the radio had, dB. */
  readonly txGainDb: number;
  /** Loaded carriers, -26 to 26; in a sub-band its own, narrower ones. */
  readonly carriers: ArrayLike<number>;
  /** Es/N0 of each, dB. */
  readonly carrierSnrDb: ArrayLike<number>;
  /** Hz; in a sub-band what is left after the user's own correction. */
  readonly cfoHz: number;
  /** Null or absent: the full band. */
  readonly subband?: (BandPlace & { readonly soundedCfoHz?: number | null }) | null;
}

/** One user's channel over the whole band. */
export interface UserChannel {
  readonly user: string;
  /** `measured`, or `simulated:MODEL`. */
  readonly source: string;
  /** Bursts that it is the mean of. */
  readonly bursts: number;
  /** Mean carrier offset against the base, Hz; null where it is not measured. */
  readonly cfoHz: number | null;
  /** Width of a cell: one grid carrier, Hz. Cells lie side by side about the capture's centre. */
  readonly cellHz: number;
  /** g / N0 of each cell, Hz/W: a power p over a band B has an SNR of p / B times it. */
  readonly gainOverNoise: Float64Array;
  /** Standard deviation of one burst's cell about the mean, dB: noise, fading and drift; null with one burst. */
  readonly spreadDb: number | null;
}

const CELLS = GRID_CARRIERS;
const CENTRE_CELL = (CELLS - 1) / 2;
/** Narrower sub-bands than a cell do not exist; a burst's cells are filled from its own carriers. */
const OWN_CARRIERS = GRID_BINS / BINS_PER_CARRIER;

/** Gain over noise of each cell as one burst shows it, Hz/W; NaN in cells where it has no carrier. */
function cellsOf(burst: SoundedBurst, scale: PowerScale, sampleRateHz: number): Float64Array {
  const { carriers, carrierSnrDb, user, txGainDb, subband } = burst;
  if (carriers.length === 0 || carriers.length !== carrierSnrDb.length)
    throw new InvalidInputError([
      `bursts.carrierSnrDb: ${carrierSnrDb.length} numbers of ${user} for ${carriers.length} carriers; allowed one for each carrier`,
    ]);
  const powerW = powerAtGainW(scale, txGainDb);
  if (!(powerW > 0 && Number.isFinite(powerW)))
    throw new InvalidInputError([
      `bursts.txGainDb: value ${txGainDb} of ${user}, ${powerW} W; allowed a gain of the radio`,
    ]);
  const size = subband?.size ?? GRID_BINS;
  const centre = (subband?.centerBin ?? 0) / BINS_PER_CARRIER;
  const perSnr = bandwidthHzOf(size, sampleRateHz) / powerW;
  const sums = new Float64Array(CELLS);
  const counts = new Float64Array(CELLS);
  for (let i = 0; i < carriers.length; i++) {
    const snrDb = carrierSnrDb[i]!;
    if (Number.isNaN(snrDb) || snrDb === Infinity)
      throw new InvalidInputError([
        `bursts.carrierSnrDb: value ${snrDb} of ${user}, carrier ${carriers[i]}; allowed a number in dB`,
      ]);
    const place = centre + (carriers[i]! * size) / (OWN_CARRIERS * BINS_PER_CARRIER);
    const cell = Math.round(place) + CENTRE_CELL;
    if (!(cell >= 0 && cell < CELLS))
      throw new InvalidInputError([
        `bursts.carriers: value ${carriers[i]} of ${user}; allowed carriers within the band, -26 to 26`,
      ]);
    sums[cell] = sums[cell]! + dbToPowerRatio(snrDb) * perSnr;
    counts[cell] = counts[cell]! + 1;
  }
  return sums.map((sum, cell) => sum / counts[cell]!);
}

/**
 * Each user's channel: the mean of its bursts, cell by cell (powers, so that a phase or an arrival that differs from
 * burst to burst does no harm). Cells that nobody sounded, DC among them, lie on the line between their neighbours.
 *
 * @param power of each user, by its name
 * @returns no entry for a user of whom nothing was heard
 * @throws InvalidInputError for SNRs that are no numbers, carriers outside the band, users without a power scale
 */
export function userChannels(
  bursts: readonly SoundedBurst[],
  power: Readonly<Record<string, PowerScale>>,
  { sampleRateHz = 5e6 }: { readonly sampleRateHz?: number } = {},
): Map<string, UserChannel> {
  const users = new Map<string, SoundedBurst[]>();
  for (const burst of bursts) users.set(burst.user, [...(users.get(burst.user) ?? []), burst]);
  return new Map(
    [...users].map(([user, own]) => {
      const scale = power[user];
      if (scale === undefined)
        throw new InvalidInputError([`power: nothing for "${user}"; allowed a power and a gain of every user sounded`]);
      const cells = own.map((burst) => cellsOf(burst, scale, sampleRateHz));
      const cfoHz =
        own.reduce((sum, { cfoHz: one, subband }) => sum + one + (subband?.soundedCfoHz ?? 0), 0) / own.length;
      const channel: UserChannel = {
        user,
        source: 'measured',
        bursts: own.length,
        cfoHz,
        cellHz: sampleRateHz / OWN_CARRIERS,
        gainOverNoise: filled(meanOfCells(cells)),
        spreadDb: spreadDb(cells),
      };
      return [user, channel];
    }),
  );
}

function meanOfCells(bursts: readonly Float64Array[]): Float64Array {
  return Float64Array.from({ length: CELLS }, (_, cell) => {
    const seen = bursts.map((one) => one[cell]!).filter((value) => !Number.isNaN(value));
    return seen.reduce((sum, value) => sum + value, 0) / seen.length;
  });
}

/** NaN replaced by the line between the neighbours; beyond the outermost, by the outermost. */
function filled(cells: Float64Array): Float64Array {
  const known = [...cells.keys()].filter((cell) => !Number.isNaN(cells[cell]!));
  return cells.map((value, cell) => {
    if (!Number.isNaN(value)) return value;
    const right = known.find((one) => one > cell);
    const left = known.filter((one) => one < cell).pop();
    if (left === undefined || right === undefined) return cells[(left ?? right)!]!;
    return cells[left]! + ((cells[right]! - cells[left]!) * (cell - left)) / (right - left);
  });
}

function spreadDb(bursts: readonly Float64Array[]): number | null {
  if (bursts.length < 2) return null;
  let squares = 0;
  let freedom = 0;
  for (let cell = 0; cell < CELLS; cell++) {
    const seen = bursts.map((one) => powerRatioToDb(one[cell]!)).filter((value) => !Number.isNaN(value));
    const mean = seen.reduce((sum, value) => sum + value, 0) / seen.length;
    for (const value of seen) squares += (value - mean) ** 2;
    freedom += Math.max(0, seen.length - 1);
  }
  return freedom === 0 ? null : Math.sqrt(squares / freedom);
}

/** How far two channels of a user are apart: rms over the cells, dB. */
export function channelDistanceDb(a: UserChannel, b: UserChannel): number {
  const squares = a.gainOverNoise.reduce(
    (sum, gain, cell) => sum + powerRatioToDb(gain / b.gainOverNoise[cell]!) ** 2,
    0,
  );
  return Math.sqrt(squares / a.gainOverNoise.length);
}

/**
 * What one number stands for the carriers of a band, at the SNR at which it is used:
 * - `arithmetic`: the mean gain, as if power could be moved between carriers; never below the others;
 * - `harmonic`: the mean of 1 / gain, inverted: the noise behind a zero-forcing equaliser;
 * - `capacity`: the flat channel of equal Gaussian mutual information, mean of log2(1 + SNR);
 * - `mmse`: the flat channel of equal LMMSE error, mean of 1 / (1 + SNR): what analog tokens see (docs/link.md).
 */
export const GAIN_AVERAGES = ['arithmetic', 'harmonic', 'capacity', 'mmse'] as const;
export type GainAverage = (typeof GAIN_AVERAGES)[number];

/** A band, Hz from the capture's centre. */
export interface Band {
  readonly lowHz: number;
  readonly highHz: number;
}

export function bandOf({ centerBin, size }: BandPlace, sampleRateHz: number): Band {
  const centreHz = (centerBin * sampleRateHz) / GRID_BINS;
  const halfHz = bandwidthHzOf(size, sampleRateHz) / 2;
  return { lowHz: centreHz - halfHz, highHz: centreHz + halfHz };
}

/**
 * Integrals of the averages' terms from the band's lower end, so that the effective gain of any part of it takes two
 * look-ups. Beyond the band its outermost cells hold.
 */
export class EffectiveGains {
  private readonly sums: Float64Array;
  private readonly cellHz: number;
  private readonly peak: number;

  /** @param psdWPerHz p / B at which the gain is used; of no effect on `arithmetic` and `harmonic` */
  constructor(
    channel: UserChannel,
    private readonly average: GainAverage,
    private readonly psdWPerHz: number,
  ) {
    const { gainOverNoise } = channel;
    this.cellHz = channel.cellHz;
    this.peak = gainOverNoise.reduce((a, b) => Math.max(a, b), 0);
    this.sums = new Float64Array(gainOverNoise.length + 1);
    gainOverNoise.forEach((gain, cell) => (this.sums[cell + 1] = this.sums[cell]! + this.term(gain)));
  }

  /** Hz/W, like `gainOverNoise`. */
  of({ lowHz, highHz }: Band): number {
    const cells = (highHz - lowHz) / this.cellHz;
    return this.gain((this.integral(highHz) - this.integral(lowHz)) / cells);
  }

  /** Of the best cell: no band has more. */
  get highest(): number {
    return this.peak;
  }

  private term(gain: number): number {
    const snr = gain * this.psdWPerHz;
    switch (this.average) {
      case 'arithmetic':
        return gain;
      case 'harmonic':
        // A cell without any gain must not make sums infinite.
        return 1 / Math.max(gain, this.peak * 1e-12, Number.MIN_VALUE);
      case 'capacity':
        return Math.log1p(snr);
      case 'mmse':
        // 1 - 1 / (1 + SNR), which keeps its digits at low SNR.
        return snr / (1 + snr);
    }
  }

  private gain(mean: number): number {
    switch (this.average) {
      case 'arithmetic':
        return mean;
      case 'harmonic':
        return 1 / mean;
      case 'capacity':
        return Math.expm1(mean) / this.psdWPerHz;
      case 'mmse':
        return mean / (1 - mean) / this.psdWPerHz;
    }
  }

  private integral(hz: number): number {
    const cells = this.sums.length - 1;
    const at = hz / this.cellHz + cells / 2;
    const cell = Math.min(Math.max(Math.floor(at), 0), cells - 1);
    return this.sums[cell]! + (at - cell) * (this.sums[cell + 1]! - this.sums[cell]!);
  }
}

/** Hz/W of one band. */
export function effectiveGain(channel: UserChannel, band: Band, average: GainAverage, psdWPerHz: number): number {
  return new EffectiveGains(channel, average, psdWPerHz).of(band);
}
