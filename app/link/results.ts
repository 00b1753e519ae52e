/** From what a receiver found to what a trial answers. */
import type { BurstLayout, Native, ReceivedBurst, SentBurst, SubbandUser } from '../../drivers/radio';
import { dbToPowerRatio } from '../units/db';
import { digitalResult, type ChosenFormat } from './digital';
import type { UserRadio } from './radio-bench';
import type {
  BurstMeasurement,
  BurstRequest,
  BurstResult,
  BurstTruth,
  DigitalFormat,
  ErrorBudget,
  TransportOptions,
} from './types';

/** A burst on its way. Times are hardware times of the transmitting radio; null without hardware time. */
export interface PlannedBurst {
  readonly request: BurstRequest;
  readonly radio: UserRadio;
  readonly layout: BurstLayout;
  /** Null: the analog mapping. */
  readonly format: ChosenFormat | null;
  readonly startNs: number | null;
}

/** The user of a shared capture as the addon takes it; left out with the full band. */
export function subbandOf(request: BurstRequest, radio: UserRadio): { subband?: SubbandUser } {
  return request.subband === undefined ? {} : { subband: { ...request.subband, user: radio.number } };
}

/** What the addon takes: the field is left out, never undefined. */
export function transportOf({ transport }: BurstRequest): { transport?: TransportOptions } {
  return transport === undefined ? {} : { transport };
}

/** The mapping as the addon takes it; left out for the analog one. */
export function digitalOf(format: ChosenFormat | null): { digital?: DigitalFormat } {
  if (format === null) return {};
  const { bitsPerValue, modulation, payloadOfdmSymbols } = format;
  return { digital: { bitsPerValue, modulation, payloadOfdmSymbols } };
}

const NS = 1e9;
/** A detection without a readable header belongs to the burst that was due this close to it (full band). */
const ARRIVAL_TOLERANCE_NS = 100_000;
/** Of the capture's transform: a sub-band's size over it is its share of the sample rate. */
export const GRID_BINS = 2048;

/**
 * Which detection belongs to which planned burst: by user, sequence and size where the header was read; where it was
 * not, by the time at which it came. A user's sub-band holds no other user's burst.
 * @returns one entry for each planned burst; null for a burst that was not detected
 */
export function attribute(
  planned: readonly PlannedBurst[],
  bursts: readonly ReceivedBurst[],
  sampleRateHz: number,
): (ReceivedBurst | null)[] {
  const left = new Set(bursts);
  const found = planned.map(({ request, radio }): ReceivedBurst | null => {
    for (const burst of left) {
      const same =
        burst.headerOk &&
        inOwnBand(burst, request, radio) &&
        burst.user === radio.number &&
        burst.sequence === request.sequence &&
        burst.tokens === request.tokens.tokens &&
        burst.dimension === request.tokens.dimension;
      if (!same) continue;
      left.delete(burst);
      return burst;
    }
    return null;
  });
  return found.map((burst, index) => {
    const { startNs, layout, request, radio } = planned[index] as PlannedBurst;
    if (burst !== null || startNs === null) return burst;
    const dueNs = startNs + (layout.preambleStartSample * NS) / sampleRateHz;
    const toleranceNs = (ARRIVAL_TOLERANCE_NS * GRID_BINS) / (request.subband?.size ?? GRID_BINS);
    for (const candidate of left) {
      const foreign = request.subband !== undefined && candidate.user !== radio.number;
      if (!inOwnBand(candidate, request, radio) || (candidate.headerOk && !foreign)) continue;
      if (Math.abs(candidate.arrivalNs - dueNs) > toleranceNs) continue;
      left.delete(candidate);
      return candidate;
    }
    return null;
  });
}

function inOwnBand(burst: ReceivedBurst, { subband }: BurstRequest, radio: UserRadio): boolean {
  return burst.subbandUser === (subband === undefined ? null : radio.number);
}

/**
 * @param sent null: no burst could be made of the tokens
 * @param found null: the burst was lost
 */
export function burstResult(
  { request, radio, layout, format }: PlannedBurst,
  sent: SentBurst | null,
  found: ReceivedBurst | null,
  truth: BurstTruth | null,
  errorBudget: ErrorBudget | null,
  { sampleRateHz, effectiveSnr }: { sampleRateHz: number; effectiveSnr: boolean },
  native: Native,
): BurstResult {
  const { tokens, dimension } = request.tokens;
  const foreign = found?.headerOk === true && found.user !== radio.number;
  const headerOk = found?.headerOk === true && !foreign;
  const data = headerOk ? found.data : null;
  return {
    user: request.user,
    sequence: request.sequence,
    detected: found !== null,
    headerOk,
    outcome: sent === null ? 'refused' : found === null ? 'absent' : foreign ? 'foreign' : found.outcome,
    channelUses: layout.payloadOfdmSymbols * native.numerology.dataCarriers.length,
    subband: request.subband ?? null,
    digital: digitalResult(format, headerOk ? found : null, tokens),
    received: data === null ? null : { data, tokens, dimension },
    tokenError: data === null ? null : relativeError(request.tokens.data, data),
    errorBudget,
    boundError: found === null || data === null || format !== null ? null : boundError(found.carrierSnrDb, native),
    measurement: found === null || foreign ? null : measurement(found, request, effectiveSnr, native),
    truth,
    txGainDb: { requested: radio.gain.achieved.requested, actual: radio.gain.achieved.actual },
    paprDb: sent?.paprDb ?? 0,
    ccdfDb: sent?.ccdfDb ?? [],
    clippedFraction: sent?.clippedFraction ?? 0,
    limitedFraction: sent?.limitedFraction ?? 0,
    clipEvmDb: sent?.clipEvmDb ?? null,
    airTimeS: sent === null ? 0 : layout.samples / sampleRateHz,
  };
}

/** Squared error over the power of what was sent, linear. */
function relativeError(sent: Float32Array, received: Float32Array): number {
  let error = 0;
  let power = 0;
  for (let i = 0; i < sent.length; i++) {
    const x = sent[i] ?? 0;
    error += ((received[i] ?? 0) - x) ** 2;
    power += x * x;
  }
  return error / power;
}

/** Mean of 1 / (1 + SNR) over the carriers that carry tokens: the error of LMMSE on the channel as it was measured. */
function boundError(carrierSnrDb: Float32Array, { numerology }: Native): number {
  const { carriers, dataCarriers } = numerology;
  let sum = 0;
  for (const carrier of dataCarriers) sum += 1 / (1 + dbToPowerRatio(carrierSnrDb[carriers.indexOf(carrier)] ?? 0));
  return sum / dataCarriers.length;
}

/** Null where the receiver could not form an SNR. */
function measurement(
  burst: ReceivedBurst,
  request: BurstRequest,
  effectiveSnr: boolean,
  native: Native,
): BurstMeasurement | null {
  const { snrDb, cfoHz, clockOffsetPpm, noiseVariance, data } = burst;
  if (snrDb === null || cfoHz === null || clockOffsetPpm === null || noiseVariance === null) return null;
  const genie =
    data === null || !burst.headerOk || burst.digital !== null
      ? null
      : native.genieSnr({
          sent: request.tokens.data,
          received: data,
          sequence: request.sequence,
          tokens: request.tokens.tokens,
          dimension: request.tokens.dimension,
          ...transportOf(request),
        });
  return {
    snrDb,
    bestEstimator: burst.bestEstimator,
    estimates: burst.estimates,
    genie,
    disturbed: burst.disturbed,
    phaseDriftRad: burst.phaseDriftRad,
    saturatedSamples: burst.saturatedSamples,
    cfoHz,
    clockOffsetPpm,
    arrivalNs: burst.arrivalNs,
    carriers: native.numerology.carriers,
    channel: burst.channel,
    carrierSnrDb: burst.carrierSnrDb,
    effectiveSnrDb: effectiveSnr && burst.headerOk ? native.effectiveSnrDb(burst.carrierSnrDb) : null,
    noiseVariance,
    constellation: burst.constellation,
  };
}
