/**
 * Rounds of allocation and bands: the gains of a band decide the shares, the shares decide the bands, until both stay.
 */
import { dbToPowerRatio, powerRatioToDb } from '../units/db';
import { bandwidthHzOf, SMALLEST_SIZE } from '../units/subbands';
import { allocate, type AllocateOptions, type Allocation } from './allocate';
import { bandsInOrder, chooseBands, windowBinsOf } from './bands';
import { benchProblem, lossFactor, solverRate, withoutOverhead, type SolverRate } from './bench-problem';
import {
  checkBudgets,
  guardBinsOf,
  interactionsOf,
  outageSnrDbOf,
  type BenchTerms,
  type BenchUser,
} from './bench-terms';
import { bandOf, EffectiveGains, effectiveGain, powerAtGainW, type Band, type UserChannel } from './channel';
import { lossTerm, outageLoss, predict, type BenchPrediction, type UserSetting } from './predict';
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

export interface Served {
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

export interface Candidate {
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

export function rateOf(bench: BenchTerms): number {
  return bench.sampleRateHz ?? 5e6;
}

function windowOf(bench: BenchTerms): { bins: number; band: Band } {
  const bins = windowBinsOf(bench.bandwidthHz, rateOf(bench));
  const halfHz = (bins * rateOf(bench)) / 2048 / 2;
  return { bins, band: { lowHz: -halfHz, highHz: halfHz } };
}

/** Whether the smallest sub-band in its best place, with all the power, has the SNR that a burst needs. */
export function isReachable(bench: BenchTerms, user: BenchUser, channel: UserChannel): boolean {
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

export function bestCandidate(bench: BenchTerms, served: readonly Served[], options: AllocateOptions): Candidate {
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
  // Products of losses are not convex: where they are taken as they stand, both with and without them.
  const coupled = bench.transport === 'digital' && interactionsOf(bench).length > 0 ? [false, true] : [false];
  const ends = first
    .slice(0, FINALISTS)
    .flatMap((candidate) => coupled.map((withLosses) => settle(bench, served, candidate, withLosses, solver, options)));
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

/** For what bands, power densities and losses of the others the next round holds. */
interface Start {
  readonly bands: readonly Band[];
  readonly psds: readonly number[];
  readonly losses: readonly number[];
}

/**
 * Analog problems have the interactions of the users served; those with silent users, and with digital transport all, are
 * taken with the others' losses as they are.
 */
function factorOf(bench: BenchTerms, served: readonly Served[], m: number, losses: readonly number[]): number {
  return lossFactor(bench, served[m]!.user.id, (other) => {
    const at = served.findIndex(({ user }) => user.id === other);
    if (at >= 0) return bench.transport === 'analog' ? 0 : losses[at]!;
    const silent = bench.users.find(({ id }) => id === other);
    return silent === undefined ? 0 : outageLoss(bench, silent);
  });
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
    losses: served.map(() => 0),
  };
}

/** Allocation for the gains of the bands, and bands for that allocation. */
function nextRound(
  bench: BenchTerms,
  served: readonly Served[],
  { bands, psds, losses }: Start,
  { problem: terms, rate }: Solver,
  options: AllocateOptions,
  rounds = 1,
): Candidate {
  const gains = served.map(({ channel }, m) => effectiveGain(channel, bands[m]!, bench.terms.gainAverage, psds[m]!));
  const { problem, overheadTokens } = terms.at(
    gains.map((gainOverNoise, m) => ({
      gainOverNoise,
      snr: gainOverNoise * psds[m]!,
      lossFactor: factorOf(bench, served, m, losses),
    })),
  );
  const allocation = withoutOverhead(allocate(problem, { effort: 'quick', ...options }), overheadTokens);
  return { problem, allocation, gains, ...roundToRadios(bench, served, allocation, rate), rounds };
}

/** Round after round until the gains stay; the best is kept, by what is predicted of it once rounded. */
function settle(
  bench: BenchTerms,
  served: readonly Served[],
  from: Candidate,
  withLosses: boolean,
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
      losses: present.prediction.users.map(({ loss }) => (withLosses ? loss : 0)),
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
