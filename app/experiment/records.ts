/** Trial results as lines of the run folder: rounded to what they mean, so that lines stay small. */
import type { BurstRecord, CsiRecord, ErrorBudgetRecord, EventRecord, ViewRecord } from '../config/run-documents';
import type { BurstResult, EffectiveSnrDb, ErrorBudget, RadioEvent } from '../link/types';
import { powerRatioToDb } from '../units/db';
import { placeOf, type PointPlace } from '../units/place';

/** To a power of ten; null stays null, and so does what is not finite. */
function rounded(value: number | null | undefined, digits: number): number | null {
  if (value === null || value === undefined || !Number.isFinite(value)) return null;
  const factor = 10 ** digits;
  // + 0 turns -0 into 0.
  return Math.round(value * factor) / factor + 0;
}

/** To significant digits, for values of unknown magnitude. */
function significant(value: number, digits: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(digits)) : 0;
}

/** A squared error, linear, in dB; null where there is none to show. */
function errorDb(error: number | null): number | null {
  return error === null ? null : rounded(powerRatioToDb(error), 3);
}

function budgetRecord(budget: ErrorBudget | null): ErrorBudgetRecord | null {
  if (budget === null) return null;
  const { measured, noise, nonlinearity, phase, channel, interference, unexplained } = budget;
  return {
    measured: significant(measured, 5),
    noise: significant(noise, 5),
    nonlinearity: significant(nonlinearity, 5),
    phase: significant(phase, 5),
    channel: significant(channel, 5),
    interference: significant(interference, 5),
    unexplained: significant(unexplained, 5),
  };
}

function digitalRecord(digital: BurstResult['digital']): BurstRecord['digital'] {
  if (digital === null) return null;
  const { erased, codeRate, effectiveSnrDb, requiredSnrDb, ...rest } = digital;
  return {
    ...rest,
    codeRate: significant(codeRate, 4),
    effectiveSnrDb: rounded(effectiveSnrDb, 3),
    requiredSnrDb: rounded(requiredSnrDb, 3) ?? 0,
    erasedTokens: erased.reduce((sum, flag) => sum + flag, 0),
  };
}

function effectiveRecord(effective: EffectiveSnrDb | null): BurstRecord['effectiveSnrDb'] {
  if (effective === null) return null;
  const of = (modulation: keyof EffectiveSnrDb): number => rounded(effective[modulation], 3) ?? 0;
  return { qpsk: of('qpsk'), '16qam': of('16qam'), '64qam': of('64qam'), '256qam': of('256qam') };
}

export function burstRecord(burst: BurstResult, shape: { tokens: number; dimension: number }): BurstRecord {
  const { measurement, truth } = burst;
  const { best, sndr, preamble, emptyCarriers, pilotEvm, dataAided } = measurement?.estimates ?? {};
  const genie = measurement?.genie;
  return {
    user: burst.user,
    sequence: burst.sequence,
    tokens: shape.tokens,
    dimension: shape.dimension,
    detected: burst.detected,
    headerOk: burst.headerOk,
    outcome: burst.outcome,
    subband: burst.subband === null ? null : { ...burst.subband, soundedCfoHz: rounded(burst.subband.soundedCfoHz, 1) },
    channelUses: burst.channelUses,
    digital: digitalRecord(burst.digital),
    effectiveSnrDb: effectiveRecord(measurement?.effectiveSnrDb ?? null),
    snrDb: rounded(measurement?.snrDb, 3),
    snrSdDb: rounded(best?.sdDb, 3),
    snrLowDb: rounded(best?.lowDb, 2),
    snrHighDb: rounded(best?.highDb, 2),
    bestEstimator: measurement?.bestEstimator ?? null,
    sndrDb: rounded(sndr?.snrDb, 3),
    sndrLowDb: rounded(sndr?.lowDb, 2),
    sndrHighDb: rounded(sndr?.highDb, 2),
    preambleSnrDb: rounded(preamble?.snrDb, 3),
    emptyCarriersSnrDb: rounded(emptyCarriers?.snrDb, 3),
    pilotEvmSnrDb: rounded(pilotEvm?.snrDb, 3),
    dataAidedSnrDb: rounded(dataAided?.snrDb, 3),
    genieSnrDb: rounded(genie?.snrDb, 3),
    preambleSdDb: rounded(preamble?.sdDb, 3),
    preambleLowDb: rounded(preamble?.lowDb, 2),
    preambleHighDb: rounded(preamble?.highDb, 2),
    emptyCarriersSdDb: rounded(emptyCarriers?.sdDb, 3),
    emptyCarriersLowDb: rounded(emptyCarriers?.lowDb, 2),
    emptyCarriersHighDb: rounded(emptyCarriers?.highDb, 2),
    pilotEvmSdDb: rounded(pilotEvm?.sdDb, 3),
    pilotEvmLowDb: rounded(pilotEvm?.lowDb, 2),
    pilotEvmHighDb: rounded(pilotEvm?.highDb, 2),
    dataAidedSdDb: rounded(dataAided?.sdDb, 3),
    dataAidedLowDb: rounded(dataAided?.lowDb, 2),
    dataAidedHighDb: rounded(dataAided?.highDb, 2),
    genieSdDb: rounded(genie?.sdDb, 3),
    genieLowDb: rounded(genie?.lowDb, 2),
    genieHighDb: rounded(genie?.highDb, 2),
    disturbed: measurement?.disturbed ?? null,
    tokenErrorDb: errorDb(burst.tokenError),
    boundErrorDb: errorDb(burst.boundError),
    errorBudget: budgetRecord(burst.errorBudget),
    phaseDriftRad: rounded(measurement?.phaseDriftRad, 4),
    saturatedSamples: measurement?.saturatedSamples ?? null,
    trueSnrDb: rounded(truth?.snrDb, 3),
    cfoHz: rounded(measurement?.cfoHz, 1),
    trueCfoHz: rounded(truth?.cfoHz, 1),
    clockOffsetPpm: rounded(measurement?.clockOffsetPpm, 3),
    arrivalNs: rounded(measurement?.arrivalNs, 0),
    requestedTxGainDb: burst.txGainDb.requested,
    txGainDb: rounded(burst.txGainDb.actual, 3) ?? 0,
    paprDb: rounded(burst.paprDb, 2) ?? 0,
    ccdfDb: burst.ccdfDb.map((value) => rounded(value, 2) ?? 0),
    clippedFraction: significant(burst.clippedFraction, 4),
    limitedFraction: significant(burst.limitedFraction, 4),
    clipEvmDb: rounded(burst.clipEvmDb, 2),
    airTimeS: rounded(burst.airTimeS, 7) ?? 0,
  };
}

export function eventRecords(events: readonly RadioEvent[]): EventRecord[] {
  return events.map(({ kind, direction, serial, hardwareTimeNs, count, detail }) => ({
    kind,
    direction,
    serial,
    hardwareTimeNs,
    count,
    detail,
  }));
}

/** One record for every burst that was received. */
export function csiRecords(trial: string, bursts: readonly BurstResult[]): CsiRecord[] {
  return bursts.flatMap(({ user, measurement }) => {
    if (measurement === null) return [];
    const re: number[] = [];
    const im: number[] = [];
    for (let i = 0; i < measurement.carriers.length; i++) {
      re.push(significant(measurement.channel[2 * i] ?? 0, 5));
      im.push(significant(measurement.channel[2 * i + 1] ?? 0, 5));
    }
    return [
      {
        trial,
        user,
        cfoHz: rounded(measurement.cfoHz, 1) ?? 0,
        clockOffsetPpm: rounded(measurement.clockOffsetPpm, 3),
        arrivalNs: rounded(measurement.arrivalNs, 0),
        noiseVariance: significant(measurement.noiseVariance, 5),
        burstSnrDb: rounded(measurement.snrDb, 3),
        burstSnrLowDb: rounded(measurement.estimates.best.lowDb, 2),
        burstSnrHighDb: rounded(measurement.estimates.best.highDb, 2),
        bestEstimator: measurement.bestEstimator,
        disturbed: measurement.disturbed,
        carriers: Array.from(measurement.carriers),
        re,
        im,
        snrDb: Array.from(measurement.carrierSnrDb, (value) => rounded(value, 2) ?? -99),
      },
    ];
  });
}

export function viewRecords(
  trial: PointPlace & { readonly id: string },
  arm: string,
  bursts: readonly BurstResult[],
): ViewRecord[] {
  return bursts.flatMap(({ user, measurement }) =>
    measurement === null
      ? []
      : [
          {
            arm,
            ...placeOf(trial),
            trial: trial.id,
            user,
            constellation: Array.from(measurement.constellation, (value) => rounded(value, 3) ?? 0),
          },
        ],
  );
}

/** logProbability as it is stored: beyond four decimals, batch and threads speak. */
export function roundedLogProbability(value: number): number {
  return rounded(value, 4) ?? 0;
}
