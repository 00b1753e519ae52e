/**
 * The bench's terms as a problem that `allocate` solves: one gain for each user, a smooth rate, and the overhead of a
 * burst as symbols (analog) or as tokens more (digital).
 */
import { dbToPowerRatio } from '../units/db';
import type { Allocation } from './allocate';
import { interactionsOf, lossOf, outageSnrDbOf, type BenchTerms, type BenchUser, type LossFit } from './bench-terms';
import { powerAtGainW } from './channel';
import { fitExponential } from './loss-fit';
import { bitsPerToken, DESCRIPTOR_BITS, fitRate, type RateFit } from './mcs';
import { OVERHEAD_SYMBOLS, outageLoss, quantiserSnrDb, WAVEFORM_EFFICIENCY } from './predict';
import { checkProblem, type AllocationProblem, type DigitalProblem, type LossSurface } from './problem';
import { surfaceLoss } from './analog';

/** Where nobody knows the noise: gains are over noise, so any value does. kT at 290 K. */
const NOISE_PSD_W_PER_HZ = 4e-21;

type DigitalUser = DigitalProblem['users'][number];

const STEEPEST = 600;

/** The rate that the solver uses, in bit/s per Hz of a sub-band: efficiency log2(1 + SNR / gap). */
export interface SolverRate extends RateFit {
  readonly described: string;
}

export function solverRate({ transport, terms, mcsTable }: BenchTerms): SolverRate {
  const waveform = terms.latency === 'engineering' ? WAVEFORM_EFFICIENCY : 1;
  if (transport === 'analog' || terms.rate === 'shannon' || !mcsTable)
    return { efficiency: waveform, snrGapDb: 0, rmsError: 0, described: "Shannon's" };
  const fit = fitRate(mcsTable);
  return {
    ...fit,
    efficiency: fit.efficiency * waveform,
    described: `the link's thresholds as ${fit.efficiency.toFixed(3)} log2(1 + SNR / ${fit.snrGapDb.toFixed(2)} dB), off by ${(100 * fit.rmsError).toFixed(1)} % rms`,
  };
}

export interface BenchProblem {
  readonly problem: AllocationProblem;
  /** Tokens that stand for the overhead of each user, in the problem's lengths. */
  readonly overheadTokens: readonly number[];
}

/** What stands for a user's carriers where it is to send. */
export interface UserGain {
  /** g / N0, Hz/W. */
  readonly gainOverNoise: number;
  /** At which the user's overhead is turned into tokens (digital). */
  readonly snr: number;
  /** By how much interactions with the others' losses as they are raise or lower what the user's own counts; 1 without. */
  readonly lossFactor: number;
}

/** 1 + coefficient times the other's loss, over the interactions of a user with those that `lossOf` knows; not below 0. */
export function lossFactor(bench: BenchTerms, user: string, lossOfOther: (id: string) => number): number {
  let factor = 1;
  for (const { users, coefficient } of interactionsOf(bench))
    if (users.includes(user)) factor += coefficient * lossOfOther(users[0] === user ? users[1] : users[0]);
  return Math.max(factor, 0);
}

/**
 * The problem but for the gains, which the bands decide: `at` puts them in.
 * @param bandwidthHz what the sub-bands have, guards taken off
 * @throws InvalidInputError
 */
export function benchProblem(
  bench: BenchTerms,
  users: readonly BenchUser[],
  bandwidthHz: number,
  rate: SolverRate,
): { at(gains: readonly UserGain[]): BenchProblem } {
  const { transport, terms, weight, latency, latencyRefS, lossRef, powerW } = bench;
  const engineering = terms.latency === 'engineering';
  const norms = bench.normalisation === 'token' ? 2 : 0;
  const bits = ({ dimension, bitsPerValue = 0 }: BenchUser): number =>
    engineering ? bitsPerToken(dimension, bitsPerValue) : dimension * bitsPerValue;
  const base = checkProblem({
    transport,
    bandwidthHz,
    powerW,
    noisePsdWPerHz: NOISE_PSD_W_PER_HZ,
    weight,
    latency,
    latencyRefS,
    lossRef,
    ...(transport === 'analog' && {
      interactions: interactionsOf(bench).filter(({ users: both }) =>
        both.every((id) => users.some((user) => user.id === id)),
      ),
    }),
    ...(transport === 'digital' && {
      rateModel: { preset: 'shannon', efficiency: rate.efficiency, snrGapDb: rate.snrGapDb },
    }),
    users: users.map((user) => ({
      id: user.id,
      powerGain: 0,
      powerCapW: powerAtGainW(user.power, user.gainRangeDb.max),
      lengths: [...user.lengths],
      ...(transport === 'digital'
        ? { bitsPerToken: bits(user), loss: exponentialOf(bench, user) }
        : {
            symbolsPerToken: (user.dimension / 2 + norms) / (engineering ? WAVEFORM_EFFICIENCY : 1),
            overheadSymbols: engineering ? OVERHEAD_SYMBOLS : 0,
            surface: surfaceOf(bench, user),
          }),
    })),
  });
  const powerGain = ({ gainOverNoise }: UserGain): number => gainOverNoise * NOISE_PSD_W_PER_HZ;
  if (base.transport === 'analog')
    return {
      at: (gains) => ({
        problem: {
          ...base,
          users: base.users.map((user, m) => ({
            ...user,
            powerGain: powerGain(gains[m]!),
            surface: scaled(user.surface, gains[m]!.lossFactor),
          })),
        },
        overheadTokens: users.map(() => 0),
      }),
    };
  const gap = dbToPowerRatio(rate.snrGapDb);
  return {
    at: (gains) => {
      const overheadTokens = base.users.map(({ bitsPerToken: tokenBits }, m) =>
        engineering
          ? (OVERHEAD_SYMBOLS * rate.efficiency * Math.log2(1 + gains[m]!.snr / gap) + DESCRIPTOR_BITS) / tokenBits
          : 0,
      );
      const shifted = base.users.map((user, m) => withTokensMore(user, overheadTokens[m]!, gains[m]!.lossFactor));
      return {
        problem: { ...base, users: shifted.map((user, m) => ({ ...user, powerGain: powerGain(gains[m]!) })) },
        overheadTokens,
      };
    },
  };
}

/** The same loss for so many tokens more: a exp(-b L) = a exp(b o) exp(-b (L + o)). */
function withTokensMore(user: DigitalUser, more: number, factor: number): DigitalUser {
  const listed = user.lengths as readonly number[];
  const [a, c] = [factor * user.loss.a, factor * user.loss.c];
  // A steeper fall is over within the first token, and would leave the range of numbers.
  const b = Math.min(user.loss.b, STEEPEST / (more + listed[listed.length - 1]!));
  return { ...user, lengths: listed.map((length) => length + more), loss: { a: a * Math.exp(b * more), b, c } };
}

/** Over which the loss of the lowest SNR at which bursts are heard becomes that of a user that is not served, dB. */
const CLIFF_DB = 0.5;

/** The user's loss over length and SNR, with the cliff where bursts get lost. */
function surfaceOf(bench: BenchTerms, user: BenchUser): LossSurface {
  const loss = lossOf(bench, user) ?? { a: 0, b: 0, c: 0 };
  const limitDb = outageSnrDbOf(bench);
  const lost = outageLoss(bench, user);
  const own: LossSurface =
    'form' in loss ? loss : { form: 'exponential', snrDb: [limitDb], a: [loss.a], b: [loss.b], c: [loss.c] };
  const above = own.snrDb.filter((snrDb) => snrDb > limitDb);
  const from = own.snrDb.length - above.length;
  const snrDb = [limitDb - CLIFF_DB, limitDb, ...above];
  if (own.form === 'table') {
    const atLimit = own.lengths.map((length) => surfaceLoss(own, length, limitDb));
    return { ...own, snrDb, loss: [own.lengths.map(() => lost), atLimit, ...own.loss.slice(from)] };
  }
  const at = (values: readonly number[]): number => interpolated(own.snrDb, values, limitDb);
  const { a, b, c } = own;
  return {
    form: 'exponential',
    snrDb,
    a: [0, at(a), ...a.slice(from)],
    b: [at(b), at(b), ...b.slice(from)],
    c: [lost, at(c), ...c.slice(from)],
  };
}

function scaled(surface: LossSurface, factor: number): LossSurface {
  if (factor === 1) return surface;
  const times = (values: readonly number[]): number[] => values.map((value) => factor * value);
  if (surface.form === 'table') return { ...surface, loss: surface.loss.map(times) };
  return { ...surface, a: times(surface.a), c: times(surface.c) };
}

/** Linear between the points of a rising axis, held beyond its ends. */
function interpolated(axis: readonly number[], values: readonly number[], at: number): number {
  const above = axis.findIndex((one) => one > at);
  if (above < 0) return values[values.length - 1]!;
  if (above === 0) return values[0]!;
  const share = (at - axis[above - 1]!) / (axis[above]! - axis[above - 1]!);
  return values[above - 1]! + share * (values[above]! - values[above - 1]!);
}

/** The user's loss over its lengths as a exp(-b L) + c: digital tokens have the quantiser's error whatever the SNR. */
function exponentialOf(bench: BenchTerms, user: BenchUser): LossFit {
  const loss = lossOf(bench, user) ?? { a: 0, b: 0, c: 0 };
  if (!('form' in loss)) return loss;
  const snrDb = quantiserSnrDb(user.bitsPerValue ?? 8);
  if (loss.form === 'exponential') {
    const at = (values: readonly number[]): number => interpolated(loss.snrDb, values, snrDb);
    return { a: at(loss.a), b: at(loss.b), c: at(loss.c) };
  }
  const { a, b, c } = fitExponential(
    user.lengths,
    user.lengths.map((length) => surfaceLoss(loss, length, snrDb)),
  );
  return { a, b, c };
}

/** The answer in the bench's own token lengths. */
export function withoutOverhead(allocation: Allocation, overheadTokens: readonly number[]): Allocation {
  return {
    ...allocation,
    users: allocation.users.map((user, m) => ({
      ...user,
      tokenLength: user.outage ? 0 : Math.round(user.tokenLength - overheadTokens[m]!),
    })),
  };
}
