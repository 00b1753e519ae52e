/** `otabench check`: what a file would do, before anything moves. */
import path from 'node:path';
import { loadExperiment, type ArmExperiment } from '../experiment/file';
import { estimateTrialAirTimeS, isSimulated, makePlan, SAMPLE_RATE_HZ } from '../experiment/plan';
import { edgesCarriers, scheduleOf, subbandsOf, widthCarriers } from '../experiment/partition';
import { LINK_RANGE_DB, USERS } from '../experiment/schema';
import { formatDuration } from '../units/format';
import { describeMappings } from './mapping-summary';
import type { HostParts, LoadedModel } from './run';

/** Of two cores in free pace, for the estimate; a run shows its own rates. */
const ASSUMED_TRIALS_PER_S = 150;
const ASSUMED_REFERENCE_ANSWERS_PER_S = 1000;

/** Error budgets of a trial of three bursts of 16 x 16 tokens, seconds of processor time. */
const BUDGET_S = 1.5e-3;

/** Sounding trials of a point and of the first search, about. */
const SOUNDING_ROUNDS = { perPoint: 2, search: 3 } as const;

function describeSchedule(experiment: ArmExperiment): string {
  const subbands = subbandsOf(experiment);
  if (subbands === null)
    return scheduleOf(experiment) === 'turns'
      ? 'turns: users one after another, each from its own radio'
      : 'one-transmitter: one radio plays all users in turn, with one gain';
  const places = USERS.map((user) => {
    const { low, high } = edgesCarriers(subbands[user]);
    return `${user} ${widthCarriers(subbands[user]).toFixed(1)} (${low.toFixed(1)} to ${high.toFixed(1)})`;
  });
  return `fdma: users at once; grid carriers ${places.join(', ')}`;
}

export interface PlanSummary {
  /** A headline, then lines of `topic     text`. */
  readonly lines: readonly string[];
  readonly name: string;
  readonly simulated: boolean;
  readonly trials: number;
  readonly points: number;
  /** Estimates, s. */
  readonly durationS: number;
  readonly airTimeS: number;
  readonly transmitters: readonly {
    readonly user: string;
    readonly driver: string;
    readonly serial: string;
    /** dBm; null where nothing limits it that the plan knows of. */
    readonly maxPowerDbm: number | null;
  }[];
  readonly planHash: string;
  /** Absolute. */
  readonly outputFolder: string;
}

/** @throws InvalidInputError with every violation */
export async function summarisePlan(file: string, parts: Pick<HostParts, 'loadModel'>): Promise<readonly string[]> {
  return (await planSummary(file, parts)).lines;
}

/**
 * @param written what the file shall hold, where an editor has not saved it yet
 * @throws InvalidInputError with every violation
 */
export async function planSummary(
  file: string,
  parts: Pick<HostParts, 'loadModel'>,
  written: string | null = null,
): Promise<PlanSummary> {
  let loaded: LoadedModel | null = null;
  try {
    const { experiment, bundle } = await loadExperiment(
      file,
      async (folder, testSet) => {
        loaded = await parts.loadModel(folder, testSet);
        return loaded.facts;
      },
      written,
    );
    const plan = makePlan(experiment, bundle);
    const { model } = loaded as unknown as LoadedModel;
    const { users, sweep, questions, sounding, link, radios, air } = experiment;
    const lengths = { visual: users.visual.tokens, audio: users.audio.tokens };
    const [first] = await model.encode([plan.questions[0] as number], lengths);
    if (first === undefined) throw new Error('the bundle encoded nothing');
    const airTimeS = estimateTrialAirTimeS(experiment, experiment.arms, first);
    const { arms } = experiment;
    const points = arms.reduce((sum, arm) => sum + arm.sweep.snrDb.length, 0);
    const every = experiment.output.errorBudgetEveryNthTrial;
    const soundings =
      sounding.burstsPerRound * (SOUNDING_ROUNDS.search * arms.length + SOUNDING_ROUNDS.perPoint * points);
    const trials = plan.trials.length + soundings;
    const distinct = new Set(plan.questions).size;
    const realtime = air === undefined || air.pace === 'realtime';
    const trialsS = Math.max(realtime ? trials * airTimeS : 0, trials / ASSUMED_TRIALS_PER_S);
    const referencesS = (plan.trials.length * questions.awgnDraws) / ASSUMED_REFERENCE_ANSWERS_PER_S;
    const simulated = isSimulated(experiment);
    const frequencyMHz = (link.centerFrequencyHz / 1e6).toFixed(3);
    const lines = [
      `${experiment.name}: usable${simulated ? ', on simulated twins' : ''}`,
      `task      ${experiment.task.name}, bundle ${bundle.name} (sha256 ${bundle.hash.slice(0, 12)}), ${bundle.questions} questions${bundle.testSet ? ` of ${bundle.testSet.file} (sha256 ${bundle.testSet.hash.slice(0, 12)})` : ''}`,
      `users     ${USERS.map((user) => `${user} ${first[user].tokens} x ${first[user].dimension}`).join(', ')} (tokens x dimension; text as long as its question)`,
      `sweep     ${sweep.snrDb.join(', ')} dB (Es/N0) by transmit gain, link range ${LINK_RANGE_DB.min} to ${LINK_RANGE_DB.max} dB`,
      `trials    ${plan.trials.length} (${points} points x ${questions.trialsPerPoint}, ${distinct} different questions), about ${soundings} sounding trials; seed ${experiment.seed}`,
      ...(arms.length > 1
        ? [`arms      ${arms.map(({ arm, sweep: own }) => `${arm} (${own.snrDb.join(', ')} dB)`).join('; ')}`]
        : []),
      ...describeMappings(plan, model, bundle),
      ...arms.map((arm) => `schedule  ${arms.length > 1 ? `${arm.arm}: ` : ''}${describeSchedule(arm)}`),
      every === 0
        ? 'budget    no error budgets'
        : `budget    error budgets of every ${every}. trial, about ${formatDuration((plan.trials.length / every) * BUDGET_S)} of the radio process`,
      `reference ${questions.awgnDraws} AWGN draws of every trial`,
      `air time  about ${(airTimeS * 1e3).toFixed(2)} ms a trial, ${formatDuration(trials * airTimeS)} in all`,
      `duration  about ${formatDuration(trialsS + referencesS)} on two cores`,
      ...USERS.map((user) => {
        const { driver, serial } = radios[user];
        const twin = air?.radios[serial];
        const power = twin === undefined ? '' : `, at most ${twin.maxOutputPowerDbm} dBm`;
        const loss = air?.paths.find((path) => path.from === serial && path.to === radios.base.serial)?.pathLossDb;
        return `radiates  ${user}: ${driver} ${serial} at ${frequencyMHz} MHz, ${SAMPLE_RATE_HZ / 1e6} MS/s${power}${loss === undefined ? '' : `, ${loss} dB to the base`}${simulated ? ' (simulated, nothing leaves this machine)' : ''}`;
      }),
      `receives  base: ${radios.base.driver} ${radios.base.serial}, gain ${link.rxGainDb} dB`,
    ];
    return {
      lines,
      name: experiment.name,
      simulated,
      trials: plan.trials.length,
      points,
      durationS: trialsS + referencesS,
      airTimeS: trials * airTimeS,
      transmitters: USERS.map((user) => ({
        user,
        ...radios[user],
        maxPowerDbm: air?.radios[radios[user].serial]?.maxOutputPowerDbm ?? null,
      })),
      planHash: plan.hash,
      outputFolder: path.resolve(experiment.output.folder),
    };
  } finally {
    await (loaded as LoadedModel | null)?.close();
  }
}
