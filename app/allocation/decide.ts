/**
 * From channels to what the radios are to do: allocate, choose the bands, round, and say what comes of it. Pure: the same
 * input gives the same decision.
 */
import { InvalidInputError } from '../config/violations';
import { bandwidthHzOf, type BandPlace } from '../units/subbands';
import type { AllocateOptions, Allocation } from './allocate';
import { analogLoss } from './analog';
import { solverRate } from './bench-problem';
import { checkBenchTerms, guardBinsOf, interactionsOf, outageSnrDbOf, type BenchTerms } from './bench-terms';
import type { UserChannel } from './channel';
import { lossTerm, outageLoss, type BenchPrediction, type UserPrediction } from './predict';
import type { AllocationProblem } from './problem';
import { bestCandidate, isReachable, rateOf, type Candidate, type Served } from './rounds';

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
  return decision(bench, channels, bestCandidate(bench, served, options), options);
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
  const before = objectiveBefore(bench, allocation);
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

/** Of the allocation's continuous shares, by the loss term itself. */
function objectiveBefore(bench: BenchTerms, allocation: Allocation): number {
  const { weight, latencyRefS, lossRef, transport } = bench;
  const losses = bench.users.map((user) => {
    const own = allocation.users.find(({ id }) => id === user.id);
    if (own === undefined || own.outage) return outageLoss(bench, user);
    return lossTerm(bench, user, own.tokenLength, transport === 'analog' ? (own.snrDb ?? -Infinity) : Infinity);
  });
  const loss = analogLoss({ users: bench.users, interactions: interactionsOf(bench) }, losses);
  return (weight * allocation.latencyS) / latencyRefS + ((1 - weight) * loss) / lossRef;
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
