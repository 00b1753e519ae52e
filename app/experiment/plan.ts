/** The plan: a pure function of the experiment file and the bundle. */
import { createHash } from 'node:crypto';
import type { BenchSetup, TransportOptions } from '../link/types';
import { pointName, type PointPlace } from '../units/place';
import { seededRandom, shuffled } from '../units/random';
import type { ArmExperiment, Experiment } from './file';
import { payloadOfdmSymbols, type ByUser, type Shape } from './mapping';
import { subbandsOf } from './partition';
import type { BundleFacts } from './model';
import { ROLES, USERS } from './schema';

/** Samples per second of the burst's numerology; see docs/architecture.md. */
export const SAMPLE_RATE_HZ = 5e6;

/** Trials that are encoded, sent and answered together. */
export const BLOCK_TRIALS = 64;

export interface PlannedTrial extends PointPlace {
  /** `arm/SNRdB/qQUESTION/rREPEAT`: unique in the run, equal in every run of the plan. */
  readonly id: string;
  /** Place of its arm in the experiment, from 0. */
  readonly arm: number;
  /** Number in the plan, from 0: point by point, arm by arm, question by question. */
  readonly index: number;
  readonly question: number;
  readonly repeat: number;
}

export interface Plan {
  readonly experiment: Experiment;
  readonly bundle: BundleFacts;
  /** sha256 over what determines the results, hex. */
  readonly hash: string;
  /** Question of each trial of a point, the same at every point so that points are paired. */
  readonly questions: readonly number[];
  readonly repeats: readonly number[];
  /** In the order in which they are sent: point by point, and there each question by every arm in turn. */
  readonly trials: readonly PlannedTrial[];
  /** The trials of each point of the sweep, all arms'. */
  readonly points: readonly (readonly PlannedTrial[])[];
}

export function makePlan(experiment: Experiment, bundle: BundleFacts): Plan {
  const { trialsPerPoint } = experiment.questions;
  const distinct = Math.min(experiment.questions.distinct ?? bundle.questions, bundle.questions, trialsPerPoint);
  const all = Array.from({ length: bundle.questions }, (_, index) => index);
  const order = shuffled(all, seededRandom(experiment.seed, 'question order')).slice(0, distinct);
  const questions = Array.from({ length: trialsPerPoint }, (_, k) => order[k % distinct] as number);
  const repeats = Array.from({ length: trialsPerPoint }, (_, k) => Math.floor(k / distinct));
  const { arms } = experiment;
  const places = arms.map(placesOf);
  const most = Math.max(...places.map(({ length }) => length));
  let before = 0;
  const points = Array.from({ length: most }, (_, point) => {
    const present = arms.flatMap((view, arm) => {
      const place = places[arm]?.[point];
      return place === undefined ? [] : [{ arm, name: view.arm, place }];
    });
    const first = before;
    before += present.length * trialsPerPoint;
    return questions.flatMap((question, k) =>
      present.map(({ arm, name, place }, i): PlannedTrial => {
        const repeat = repeats[k] as number;
        const id = trialId(name, place, question, repeat);
        return { id, arm, index: first + i * trialsPerPoint + k, ...place, question, repeat };
      }),
    );
  });
  return { experiment, bundle, hash: planHash(experiment, bundle), questions, repeats, trials: points.flat(), points };
}

/** The places of an arm's sweep. */
export function placesOf({ sweep, allocation }: Pick<ArmExperiment, 'sweep' | 'allocation'>): PointPlace[] {
  if (allocation !== undefined) {
    const { bandwidthHz, powerDb } = allocation;
    const at = (budget: object): PointPlace => ({ requestedSnrDb: null, bandwidthHz, powerDb, ...budget });
    return sweep.bandwidthHz === undefined
      ? (sweep.powerDb ?? []).map((swept) => at({ powerDb: swept }))
      : sweep.bandwidthHz.map((swept) => at({ bandwidthHz: swept }));
  }
  return sweep.snrDb.map((requestedSnrDb) => ({ requestedSnrDb }));
}

/** A trial's name, from which its noise follows. */
export function trialId(arm: string, place: PointPlace, question: number, repeat: number): string {
  const at = place.requestedSnrDb === null ? pointName(place).replaceAll(/[ ,]+/g, '') : `${place.requestedSnrDb}dB`;
  return `${arm}/${at}/q${question}/r${repeat}`;
}

/** Of all that changes a result; where the files lie and what is kept of CSI does not. */
function planHash(experiment: Experiment, bundle: BundleFacts): string {
  const { seed, arm, task, radios, link, schedule, partition, transport, allocation, air } = experiment;
  const { users, sweep, questions, sounding } = experiment;
  const content = {
    seed,
    arm,
    task: task.name,
    radios,
    link,
    schedule,
    partition,
    transport,
    allocation,
    air,
    users,
    sweep,
    questions,
    sounding,
    bundle: bundle.hash,
    testSet: bundle.testSet?.hash,
    ...(experiment.arms.length > 1 ? { arms: experiment.arms.map(armContent) } : {}),
  };
  return createHash('sha256').update(canonicalJson(content)).digest('hex');
}

/** What an arm may change. */
export function armContent({
  arm,
  schedule,
  partition,
  transport,
  allocation,
  air,
  users,
  sweep,
}: ArmExperiment): Record<string, unknown> {
  return { name: arm, schedule, partition, transport, allocation, air, users, sweep };
}

/** JSON with sorted keys: the order of fields in the file does not matter. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

/** How every burst of the experiment is sent. */
export function transportOptions({ transport }: Pick<ArmExperiment, 'transport'>): TransportOptions {
  const { normalisation, permutation, scramble, dftSpreading, papr, rmsDbfs } = transport;
  const control = { paprControl: papr.control, paprTargetDb: papr.targetDb };
  return { normalisation, permutation, scramble, dftSpreading, ...control, rmsDbfs };
}

/** What the radio process is told. */
export function benchSetup(experiment: ArmExperiment): BenchSetup {
  const { air } = experiment;
  return {
    seed: experiment.seed,
    centerFrequencyHz: experiment.link.centerFrequencyHz,
    sampleRateHz: SAMPLE_RATE_HZ,
    rxGainDb: experiment.link.rxGainDb,
    cfoPriorHz: experiment.link.cfoPriorHz,
    roles: ROLES.map((role) => ({ role, ...experiment.radios[role] })),
    air: air
      ? {
          pace: air.pace,
          radios: Object.entries(air.radios).map(([serial, radio]) => ({ serial, ...radio })),
          paths: air.paths,
          interferers: air.interferers,
        }
      : null,
  };
}

export function isSimulated(experiment: ArmExperiment): boolean {
  return ROLES.every((role) => experiment.radios[role].driver === 'twin');
}

/** Burst length in samples without payload: guards 128, training 544, and about 12 coded header symbols of 80. */
const BURST_OVERHEAD_SAMPLES = 128 + 544 + 12 * 80;

/** About how long one trial's bursts and silences last on the air, seconds. */
export function estimateTrialAirTimeS(
  experiment: ArmExperiment,
  arms: readonly ArmExperiment[],
  shapes: ByUser<Shape>,
): number {
  const subbands = subbandsOf(experiment);
  const symbols = payloadOfdmSymbols(experiment, arms, shapes);
  const silenceS = experiment.link.leadS + experiment.link.leadJitterS / 2;
  const burstsS = USERS.map((user) => {
    const rate = SAMPLE_RATE_HZ * (subbands === null ? 1 : subbands[user].size / 2048);
    return silenceS + (BURST_OVERHEAD_SAMPLES + 80 * symbols[user]) / rate;
  });
  return subbands === null ? burstsS.reduce((sum, burstS) => sum + burstS, 0) : Math.max(...burstsS);
}
