/** What the model terms say of users whose sub-band, power and token length are given. */
import { dbToPowerRatio, powerRatioToDb } from '../units/db';
import { bandwidthHzOf, type BandPlace } from '../units/subbands';
import { analogSymbols, BURST, burstAirTimeS, ofdmSymbols, overheadSamples, scheduleAirTimeS } from './air-time';
import { analogLoss, surfaceLoss } from './analog';
import { interactionsOf, lossOf, outageSnrDbOf, type BenchTerms, type BenchUser } from './bench-terms';
import { bandOf, effectiveGain, type UserChannel } from './channel';
import { bitsPerToken, chooseMcs, DESCRIPTOR_BITS, digitalSymbols, mostRobust, type McsChoice } from './mcs';

/** What a user is to do. */
export interface UserSetting {
  readonly id: string;
  readonly place: BandPlace;
  readonly powerW: number;
  readonly tokenLength: number;
}

export interface UserPrediction {
  readonly id: string;
  /** Es/N0 of the flat channel that stands for the user's carriers (terms.gainAverage), dB; what the loss term uses. */
  readonly effectiveSnrDb: number;
  /** Mean Es/N0 over the carriers, dB: what the receiver measures as `snrDb`. */
  readonly meanSnrDb: number;
  /** False below the SNR at which bursts get lost; it then has the loss of a user that is not served. */
  readonly heard: boolean;
  /** Burst on the air. */
  readonly latencyS: number;
  /** Payload at Shannon's rate, without overhead. */
  readonly shannonLatencyS: number;
  readonly loss: number;
  /** Digital transport with the link's table; the most robust of it where none holds. */
  readonly mcs: McsChoice | null;
  readonly payloadOfdmSymbols: number;
}

export interface Prediction {
  readonly objective: number;
  readonly latencyS: number;
  readonly loss: number;
}

export interface BenchPrediction {
  readonly users: readonly UserPrediction[];
  /** Bursts as they are sent. */
  readonly engineering: Prediction;
  /** The paper's inferred model: payload alone, at Shannon's rate; analog one symbol per second and Hz. */
  readonly shannon: Prediction;
  /** rms error of the loss term at points that its fit did not see; null where it is not known. */
  readonly lossErrorRms: number | null;
  /** The same in the objective. */
  readonly objectiveErrorRms: number | null;
}

/** Error of Gaussian values through the quantiser, dB, by bits per value (docs/digital.md). */
const QUANTISER_ERROR_DB: Readonly<Record<number, number>> = {
  2: -9.2,
  3: -14.2,
  4: -19.3,
  5: -24.9,
  6: -30.1,
  7: -36.0,
  8: -41.6,
};

/** SNR at which analog tokens would have the quantiser's error, 1 / (1 + SNR), dB. */
export function quantiserSnrDb(bitsPerValue: number): number {
  const errorDb = QUANTISER_ERROR_DB[bitsPerValue];
  return errorDb === undefined ? Infinity : powerRatioToDb(dbToPowerRatio(-errorDb) - 1);
}

/** Loss of one user. @param snrDb of its carriers; digital tokens that are heard have the quantiser's error whatever it is */
export function lossTerm(bench: BenchTerms, user: BenchUser, tokenLength: number, snrDb: number): number {
  const loss = lossOf(bench, user);
  if (loss === null) return 0;
  if (!(snrDb >= outageSnrDbOf(bench))) return outageLoss(bench, user);
  if (!('form' in loss)) return loss.a * Math.exp(-loss.b * tokenLength) + loss.c;
  return surfaceLoss(loss, tokenLength, bench.transport === 'analog' ? snrDb : quantiserSnrDb(user.bitsPerValue ?? 8));
}

/** Loss of a user that is not served: no tokens, or what the surface has at its lowest SNR. */
export function outageLoss(bench: BenchTerms, user: BenchUser): number {
  const loss = lossOf(bench, user);
  if (loss === null) return 0;
  return 'form' in loss ? surfaceLoss(loss, 0, -Infinity) : loss.a + loss.c;
}

/** @param tokenLength in place of the setting's, where a question has its own */
export function predictUser(
  bench: BenchTerms,
  user: BenchUser,
  channel: UserChannel,
  { place, powerW, tokenLength }: Omit<UserSetting, 'id'>,
): UserPrediction {
  const { transport, terms, sampleRateHz = 5e6, normalisation = 'burst' } = bench;
  const bandwidthHz = bandwidthHzOf(place.size, sampleRateHz);
  const psd = powerW / bandwidthHz;
  const band = bandOf(place, sampleRateHz);
  const snr = psd * effectiveGain(channel, band, terms.gainAverage, psd);
  const effectiveSnrDb = powerRatioToDb(snr);
  const meanSnrDb = powerRatioToDb(psd * effectiveGain(channel, band, 'arithmetic', psd));
  const values = tokenLength * user.dimension;
  const digital = transport === 'digital';
  const bits = user.bitsPerValue ?? 0;
  const table = digital && terms.rate === 'mcs-table' ? (bench.mcsTable ?? null) : null;
  const capacity = Math.log2(1 + snr);
  const mcs =
    table === null ? null : (chooseMcs(table, effectiveSnrDb - (bench.mcsMarginDb ?? 0)) ?? mostRobust(table));
  const payload = ofdmSymbols(
    !digital
      ? analogSymbols(tokenLength, user.dimension, normalisation)
      : mcs !== null
        ? digitalSymbols(tokenLength, user.dimension, bits, mcs)
        : Math.ceil((DESCRIPTOR_BITS + tokenLength * bitsPerToken(user.dimension, bits)) / capacity),
  );
  return {
    id: user.id,
    effectiveSnrDb,
    meanSnrDb,
    heard: effectiveSnrDb >= outageSnrDbOf(bench),
    latencyS: burstAirTimeS(payload, place.size, sampleRateHz),
    shannonLatencyS: (digital ? (values * bits) / capacity : values / 2) / bandwidthHz,
    loss: lossTerm(bench, user, tokenLength, effectiveSnrDb),
    mcs,
    payloadOfdmSymbols: payload,
  };
}

export interface PredictOptions {
  /** Token lengths of one trial, by user, where they are not the setting's. */
  readonly lengths?: Readonly<Record<string, number>>;
  /** Silence before each user's burst, s, by user; absent: all start together. */
  readonly leadsS?: Readonly<Record<string, number>>;
}

/**
 * @param settings of the users that send; the others are in outage
 * @throws RangeError for a setting of a user that the bench or the channels do not have
 */
export function predict(
  bench: BenchTerms,
  channels: ReadonlyMap<string, UserChannel>,
  settings: readonly UserSetting[],
  { lengths = {}, leadsS = {} }: PredictOptions = {},
): BenchPrediction {
  const users = settings.map((setting) => {
    const user = bench.users.find(({ id }) => id === setting.id);
    const channel = channels.get(setting.id);
    if (user === undefined || channel === undefined) throw new RangeError(`no user or no channel "${setting.id}"`);
    return predictUser(bench, user, channel, { ...setting, tokenLength: lengths[setting.id] ?? setting.tokenLength });
  });
  const losses = bench.users.map((user) => users.find(({ id }) => id === user.id)?.loss ?? outageLoss(bench, user));
  const loss = analogLoss({ users: bench.users, interactions: interactionsOf(bench) }, losses);
  const { weight, latencyRefS, lossRef } = bench;
  const objective = (latencyS: number): Prediction => ({
    objective: (weight * latencyS) / latencyRefS + ((1 - weight) * loss) / lossRef,
    latencyS,
    loss,
  });
  const together = (times: readonly number[]): number =>
    bench.latency === 'max' ? Math.max(0, ...times) : times.reduce((sum, time) => sum + time, 0);
  const engineeringS =
    bench.latency === 'max'
      ? scheduleAirTimeS(
          users.map(({ id, latencyS }) => ({ airTimeS: latencyS, leadS: leadsS[id] ?? 0 })),
          true,
        )
      : together(users.map(({ latencyS }) => latencyS));
  const errors = bench.fitErrorRms ?? null;
  const lossErrorRms = errors === null ? null : bench.terms.loss === 'surface' ? errors.surface : errors.loss;
  return {
    users,
    engineering: objective(engineeringS),
    shannon: objective(together(users.map(({ shannonLatencyS }) => shannonLatencyS))),
    lossErrorRms,
    objectiveErrorRms: lossErrorRms === null ? null : ((1 - weight) * lossErrorRms) / lossRef,
  };
}

/** Complex symbols per second and Hz that the waveform carries: pilots, cyclic prefix and empty carriers taken off. */
export const WAVEFORM_EFFICIENCY = (BURST.dataCarriers / BURST.symbolSamples) * (64 / 53);

/** What a burst has besides its payload, as symbols per second and Hz; half an OFDM symbol is what rounding up adds in the mean. */
export const OVERHEAD_SYMBOLS = (overheadSamples() + BURST.symbolSamples / 2) * (53 / 64);
