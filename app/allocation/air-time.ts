/**
 * How long bursts are on the air: whole OFDM symbols, preamble, header and guards, at the sub-band's own rate
 * (docs/link.md, docs/fdma.md, docs/digital.md). What the radio process measures as `airTimeS`.
 */
import { GRID_BINS } from '../units/subbands';

/** Of the burst of docs/link.md; samples at the burst's own rate. */
export interface BurstNumerology {
  /** Silence before and behind. */
  readonly guardSamples: number;
  readonly preambleSamples: number;
  readonly headerSymbols: number;
  readonly symbolSamples: number;
  /** Payload symbols of an OFDM symbol. */
  readonly dataCarriers: number;
  readonly mostPayloadSymbols: number;
}

export const BURST: BurstNumerology = {
  guardSamples: 64,
  preambleSamples: 544,
  headerSymbols: 12,
  symbolSamples: 80,
  dataCarriers: 48,
  mostPayloadSymbols: 2048,
};

/** Everything but the payload, samples at the burst's own rate. */
export function overheadSamples(burst: BurstNumerology = BURST): number {
  return 2 * burst.guardSamples + burst.preambleSamples + burst.headerSymbols * burst.symbolSamples;
}

/** With normalisation `token` each token's norm takes so many payload symbols. */
const NORM_SYMBOLS = 2;

/** Complex payload symbols of an analog burst of [tokens, dimension]. */
export function analogSymbols(tokens: number, dimension: number, normalisation: 'burst' | 'token' = 'burst'): number {
  return Math.ceil((tokens * dimension) / 2) + (normalisation === 'token' ? NORM_SYMBOLS * tokens : 0);
}

/** OFDM symbols for so many payload symbols. */
export function ofdmSymbols(symbols: number, burst: BurstNumerology = BURST): number {
  return Math.ceil(symbols / burst.dataCarriers);
}

/** Whole burst, s. @param size of the sub-band; 2048: the full band */
export function burstAirTimeS(
  payloadOfdmSymbols: number,
  size: number,
  sampleRateHz = 5e6,
  burst: BurstNumerology = BURST,
): number {
  return ((overheadSamples(burst) + burst.symbolSamples * payloadOfdmSymbols) * GRID_BINS) / (size * sampleRateHz);
}

export interface ScheduledBurst {
  readonly airTimeS: number;
  /** Silence before it: from the one before, or from the common start where all send at once. */
  readonly leadS: number;
}

/**
 * From the first burst's first sample to the last one's last: a trial's `airTimeS`.
 * @param atOnce each in its own sub-band; else one after another
 */
export function scheduleAirTimeS(bursts: readonly ScheduledBurst[], atOnce: boolean): number {
  const first = bursts[0];
  if (first === undefined) return 0;
  if (!atOnce) return bursts.reduce((sum, { airTimeS, leadS }) => sum + airTimeS + leadS, 0) - first.leadS;
  const starts = bursts.map(({ leadS }) => leadS);
  return Math.max(...bursts.map(({ airTimeS, leadS }) => leadS + airTimeS)) - Math.min(...starts);
}
