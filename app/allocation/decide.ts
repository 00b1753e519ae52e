/**
 * From channels to what the radios are to do: allocate, choose the bands, round, and say what comes of it. Pure: the same
 * input gives the same decision.
 */
import { InvalidInputError } from '../config/violations';
import { dbToPowerRatio, powerRatioToDb } from '../units/db';
import { bandwidthHzOf, SMALLEST_SIZE, type BandPlace } from '../units/subbands';
import { allocate, type AllocateOptions, type Allocation } from './allocate';
import { bandsInOrder, chooseBands, windowBinsOf } from './bands';
import {
  checkBenchTerms,
  checkBudgets,
  guardBinsOf,
  outageSnrDbOf,
  type BenchTerms,
  type BenchUser,
} from './bench-terms';
import { benchProblem, solverRate, withoutOverhead, type SolverRate } from './bench-problem';
import { bandOf, EffectiveGains, effectiveGain, powerAtGainW, type Band, type UserChannel } from './channel';
import { lossTerm, outageLoss, predict, type BenchPrediction, type UserPrediction, type UserSetting } from './predict';
import type { AllocationProblem } from './problem';
import { roundGainsDb, roundLength, roundSizes } from './rounding';

const MAX_ROUNDS = 6;
/** Of the starts, those that go on after the first round. */
const FINALISTS = 2;
/** Gains that move less than this end the rounds, relative. */
const SETTLED = 5e-3;
/** Orders of bands to begin with: all of them for so many users. */
const ALL_ORDERS_USERS = 4;
/** Of the norm that stands for the maximum when bands are chosen, so that users who are not last count too. */
const NORM = 8;

export interface DecidedUser {
  readonly id: string;
  /** Not even the smallest sub-band with all the power would be heard: it does not send. */
  readonly outage: boolean;
  /** False where it sends, but with so little that its burst is lost, by the predicted SNR. */
  readonly heard: boolean;
  /** Null in outage, like all that follows but the loss. */
  readonly subband: (BandPlace & { readonly guardBins: number }) | null;
  readonly txGainDb: number | null;
  readonly powerW: number;
  readonly bandwidthHz: number;
  readonly tokenLength: number;
  readonly effectiveSnrDb: number | null;
  readonly meanSnrDb: number | null;
  readonly latencyS: number | null;
  readonly loss: number;
  readonly payloadOfdmSymbols: number | null;
  readonly mcs: UserPrediction['mcs'];
}

export interface Decision {
  readonly method: string;
  /** Where the channels come from: `measured` or `simulated:MODEL`. */
  readonly csi: string;
  /** What `allocate` solved in the last round, and its answer: continuous shares, history and gap of that problem. */
  readonly problem: AllocationProblem;
  readonly allocation: Allocation;
  readonly users: readonly DecidedUser[];
  /** Of the users as decided, by both latency models. */
  readonly predicted: Omit<BenchPrediction, 'users'>;
  /** Objective before rounding (the allocation's) and after it, by the same terms. */
  readonly rounding: {
    readonly objectiveBefore: number;
    readonly objectiveAfter: number;
    readonly relative: number;
  };
  /** Rounds of allocation and bands until the gains settled, in the start that was best. */
  readonly rounds: number;
  readonly assumed: readonly string[];
}

interface Served {
  readonly user: BenchUser;
  readonly channel: UserChannel;
}

/** What is the same in all rounds. */
interface Solver {
  readonly rate: SolverRate;
  /** Of all sub-bands together. */
  readonly bandwidthHz: number;
  readonly problem: ReturnType<typeof benchProblem>;
}

interface Candidate {
  readonly problem: AllocationProblem;
  readonly allocation: Allocation;
  /** That the allocation was made for, Hz/W. */
  readonly gains: readonly number[];
  readonly settings: readonly UserSetting[];
  readonly gainsDb: readonly number[];
  readonly prediction: BenchPrediction;
  /** By the bench's latency term. */
  readonly objective: number;
  readonly rounds: number;
}

/**
 * Decides sub-bands, transmit gains and token lengths of the users that can be served.
 *
 * A user without a channel, or whose SNR stays below `outageSnrDb` with the smallest sub-band in its best place and all
 * the power, is in outage: the others share everything.
 *
 * @throws InvalidInputError for terms that cannot be, budgets that nobody can keep, or when all users are in outage
 */
export function decide(
  bench: BenchTerms,
  channels: ReadonlyMap<string, UserChannel>,
  options: AllocateOptions = {},
): Decision {
  checkBenchTerms(bench);
  const served = bench.users.flatMap((user): Served[] => {
    const channel = channels.get(user.id);
    return channel === undefined || !isReachable(bench, user, channel) ? [] : [{ user, channel }];
  });
  if (served.length === 0)
    throw new InvalidInputError([
      `users: all ${bench.users.length} in outage; allowed at least one with an SNR of ${outageSnrDbOf(bench).toFixed(1)} dB in the smallest sub-band with all the power`,
    ]);
  return decision(bench, channels, decideFor(bench, served, options), options);
}

function rateOf(bench: BenchTerms): number {
  return bench.sampleRateHz ?? 5e6;
}

function windowOf(bench: BenchTerms): { bins: number; band: Band } {
  const bins = windowBinsOf(bench.bandwidthHz, rateOf(bench));
  const halfHz = (bins * rateOf(bench)) / 2048 / 2;
  return { bins, band: { lowHz: -halfHz, highHz: halfHz } };
}

/** Whether the smallest sub-band in its best place, with all the power, has the SNR that a burst needs. */
function isReachable(bench: BenchTerms, user: BenchUser, channel: UserChannel): boolean {
  const mostW = Math.min(powerAtGainW(user.power, user.gainRangeDb.max), bench.powerW ?? Infinity);
  const narrowHz = bandwidthHzOf(SMALLEST_SIZE, rateOf(bench));
  const psd = mostW / narrowHz;
  const gains = new EffectiveGains(channel, bench.terms.gainAverage, psd);
  const { band } = windowOf(bench);
  let best = 0;
  for (let lowHz = band.lowHz; lowHz + narrowHz <= band.highHz + 1; lowHz += channel.cellHz / 4)
    best = Math.max(best, gains.of({ lowHz, highHz: lowHz + narrowHz }));
  return powerRatioToDb(psd * best) >= outageSnrDbOf(bench);
}

function decideFor(bench: BenchTerms, served: readonly Served[], options: AllocateOptions): Candidate {
  const users = served.map(({ user }) => user);
  checkBudgets(bench, users);
  const rate = solverRate(bench);
  const bins = windowOf(bench).bins - guardBinsOf(bench.guardCarriers) * (served.length - 1);
  const bandwidthHz = (bins * rateOf(bench)) / 2048;
  const solver: Solver = { rate, bandwidthHz, problem: benchProblem(bench, users, bandwidthHz, rate) };
  const first = startOrders(bench, served.length, options).map((order) =>
    nextRound(bench, served, startOf(bench, served, order, bandwidthHz), solver, options),
  );
  first.sort((a, b) => a.objective - b.objective);
  const ends = first.slice(0, FINALISTS).map((candidate) => settle(bench, served, candidate, solver, options));
  return ends.reduce((a, b) => (b.objective < a.objective ? b : a));
}

/** Orders of the users' first bands; with bands in order, or many users, only the users' own and the whole window. */
function startOrders(
  { terms }: BenchTerms,
  count: number,
  { method }: AllocateOptions,
): readonly (readonly number[] | null)[] {
  if (terms.bands === 'in-order' || count === 1 || count > ALL_ORDERS_USERS || method === 'grid') return [null];
  const orders: number[][] = [];
  const extend = (order: number[]): void => {
    if (order.length === count) orders.push(order);
    for (let m = 0; m < count; m++) if (!order.includes(m)) extend([...order, m]);
  };
  extend([]);
  return [null, ...orders];
}

/** For what bands and power densities the next round's gains hold. */
interface Start {
  readonly bands: readonly Band[];
  readonly psds: readonly number[];
}

/** @param order of equal bands; null: the gains of the whole window */
function startOf(
  bench: BenchTerms,
  served: readonly Served[],
  order: readonly number[] | null,
  bandwidthHz: number,
): Start {
  const window = windowOf(bench);
  const guardBins = guardBinsOf(bench.guardCarriers);
  const equalW = (bench.powerW ?? Infinity) / served.length;
  return {
    bands: order === null ? served.map(() => window.band) : equalBands(order, window.bins, guardBins, rateOf(bench)),
    psds: served.map(
      ({ user }) => Math.min(equalW, powerAtGainW(user.power, user.gainRangeDb.max)) / (bandwidthHz / served.length),
    ),
  };
}

/** Allocation for the gains of the bands, and bands for that allocation. */
function nextRound(
  bench: BenchTerms,
  served: readonly Served[],
  { bands, psds }: Start,
  { problem: terms, rate }: Solver,
  options: AllocateOptions,
  rounds = 1,
): Candidate {
  const gains = served.map(({ channel }, m) => effectiveGain(channel, bands[m]!, bench.terms.gainAverage, psds[m]!));
  const { problem, overheadTokens } = terms.at(
    gains.map((gainOverNoise, m) => ({ gainOverNoise, snr: gainOverNoise * psds[m]! })),
  );
  const allocation = withoutOverhead(allocate(problem, options), overheadTokens);
  return { problem, allocation, gains, ...roundToRadios(bench, served, allocation, rate), rounds };
}

/** Round after round until the gains stay; the best is kept, by what is predicted of it once rounded. */
function settle(
  bench: BenchTerms,
  served: readonly Served[],
  from: Candidate,
  solver: Solver,
  options: AllocateOptions,
): Candidate {
  const sampleRateHz = rateOf(bench);
  let best = from;
  let present = from;
  for (let round = 2; round <= MAX_ROUNDS; round++) {
    const start: Start = {
      bands: present.settings.map(({ place }) => bandOf(place, sampleRateHz)),
      psds: present.settings.map(({ powerW, place }) => powerW / bandwidthHzOf(place.size, sampleRateHz)),
    };
    const next = nextRound(bench, served, start, solver, options, round);
    if (next.objective <= best.objective) best = next;
    const moved = next.gains.some((gain, m) => !(Math.abs(gain / present.gains[m]! - 1) < SETTLED));
    if (!moved) break;
    present = next;
  }
  return best;
}

function equalBands(order: readonly number[], windowBins: number, guardBins: number, sampleRateHz: number): Band[] {
  const widthBins = (windowBins - guardBins * (order.length - 1)) / order.length;
  return order.map((_, m) => {
    const low = -windowBins / 2 + order.indexOf(m) * (widthBins + guardBins);
    return { lowHz: (low * sampleRateHz) / 2048, highHz: ((low + widthBins) * sampleRateHz) / 2048 };
  });
}

type Rounded = Pick<Candidate, 'settings' | 'gainsDb' | 'prediction' | 'objective'>;

function roundToRadios(
  bench: BenchTerms,
  served: readonly Served[],
  allocation: Allocation,
  rate: SolverRate,
): Rounded {
  const sampleRateHz = rateOf(bench);
  const { bins } = windowOf(bench);
  const guardBins = guardBinsOf(bench.guardCarriers);
  const gainsDb = roundGainsDb(
    allocation.users.map((user) => user.powerW),
    served.map(({ user }) => user),
    bench.powerW,
  );
  const wishes = served.map(({ user }, m) => ({
    powerW: powerAtGainW(user.power, gainsDb[m]!),
    length: roundLength(allocation.users[m]!.tokenLength, user.lengths),
  }));
  const sizes = roundSizes(
    allocation.users.map((user) => user.bandwidthHz),
    guardBins,
    bins,
    sampleRateHz,
  );
  const centers =
    bench.terms.bands === 'in-order'
      ? bandsInOrder(sizes, guardBins, bins)
      : chooseBands(
          served.map(({ user, channel }, m) => ({
            size: sizes[m]!,
            costAt: placeCost(bench, user, channel, sizes[m]!, wishes[m]!, allocation, rate),
          })),
          guardBins,
          bins,
        ).centers;
  const settings = served.map(({ user }, m): UserSetting => ({
    id: user.id,
    place: { centerBin: centers[m]!, size: sizes[m]! },
    powerW: wishes[m]!.powerW,
    tokenLength: wishes[m]!.length,
  }));
  const channels = new Map(served.map(({ user, channel }) => [user.id, channel]));
  const prediction = predict(bench, channels, settings);
  const judged = bench.terms.latency === 'engineering' ? prediction.engineering : prediction.shannon;
  return { settings, gainsDb, prediction, objective: judged.objective };
}

/** What it costs a user to have its sub-band at a place: loss with analog tokens, time with digital ones. */
function placeCost(
  bench: BenchTerms,
  user: BenchUser,
  channel: UserChannel,
  size: number,
  { powerW, length }: { readonly powerW: number; readonly length: number },
  allocation: Allocation,
  { efficiency, snrGapDb }: SolverRate,
): (centerBin: number) => number {
  const sampleRateHz = rateOf(bench);
  const bandwidthHz = bandwidthHzOf(size, sampleRateHz);
  const psd = powerW / bandwidthHz;
  const gains = new EffectiveGains(channel, bench.terms.gainAverage, psd);
  const snrAt = (centerBin: number): number => psd * gains.of(bandOf({ centerBin, size }, sampleRateHz));
  if (bench.transport === 'analog') return (bin) => lossTerm(bench, user, length, powerRatioToDb(snrAt(bin)));
  const gap = dbToPowerRatio(snrGapDb);
  const timeS = (length * user.dimension * (user.bitsPerValue ?? 0)) / (efficiency * bandwidthHz);
  const last = Math.max(allocation.latencyS, Number.MIN_VALUE);
  return (bin) => {
    const time = timeS / Math.log2(1 + snrAt(bin) / gap) / last;
    return Math.min(bench.latency === 'max' ? time ** NORM : time, 1e30);
  };
}

function decision(
  bench: BenchTerms,
  channels: ReadonlyMap<string, UserChannel>,
  { problem, allocation, settings, gainsDb, prediction, objective, rounds }: Candidate,
  { method }: AllocateOptions,
): Decision {
  const guardBins = guardBinsOf(bench.guardCarriers);
  const users = bench.users.map((user): DecidedUser => {
    const m = settings.findIndex(({ id }) => id === user.id);
    const setting = settings[m];
    const one = prediction.users[m];
    if (setting === undefined || one === undefined)
      return {
        id: user.id,
        outage: true,
        heard: false,
        subband: null,
        txGainDb: null,
        powerW: 0,
        bandwidthHz: 0,
        tokenLength: 0,
        effectiveSnrDb: null,
        meanSnrDb: null,
        latencyS: null,
        loss: outageLoss(bench, user),
        payloadOfdmSymbols: null,
        mcs: null,
      };
    return {
      id: user.id,
      outage: false,
      heard: one.heard,
      subband: { ...setting.place, guardBins },
      txGainDb: gainsDb[m]!,
      powerW: setting.powerW,
      bandwidthHz: bandwidthHzOf(setting.place.size, rateOf(bench)),
      tokenLength: setting.tokenLength,
      effectiveSnrDb: one.effectiveSnrDb,
      meanSnrDb: one.meanSnrDb,
      latencyS: one.latencyS,
      loss: one.loss,
      payloadOfdmSymbols: one.payloadOfdmSymbols,
      mcs: one.mcs,
    };
  });
  const { users: _, ...predicted } = prediction;
  const silentLoss = users.reduce((sum, user) => sum + (user.outage ? user.loss : 0), 0);
  const before = allocation.objective + ((1 - bench.weight) * silentLoss) / bench.lossRef;
  const sources = settings.map(({ id }) => channels.get(id)?.source ?? 'measured');
  return {
    method: method ?? allocation.method,
    csi: [...new Set(sources)].join(', '),
    problem,
    allocation,
    users,
    predicted,
    rounding: {
      objectiveBefore: before,
      objectiveAfter: objective,
      relative: (objective - before) / Math.max(Math.abs(before), Number.MIN_VALUE),
    },
    rounds,
    assumed: assumedTerms(bench),
  };
}

/** What the paper does not give, by name. */
function assumedTerms(bench: BenchTerms): string[] {
  const { terms, transport } = bench;
  return [
    transport === 'analog' ? 'latency: symbols over bandwidth' : `rate: ${solverRate(bench).described}`,
    `latency: ${terms.latency}`,
    `gain of a sub-band: ${terms.gainAverage} mean of its carriers`,
    `loss: ${terms.loss}, summed over users`,
    `bands: ${terms.bands}`,
    `outage below ${outageSnrDbOf(bench).toFixed(1)} dB`,
  ];
}
