/** Finds the transmit gains that give each point's SNR, by measuring: the medium is never told an SNR. */
import {
  achievableGainDb,
  gainForSnrDb,
  reaches,
  snrOverGainDb,
  type GainRange,
  type Sounding,
} from '../../calibration/records/transmit-gain';
import type { BurstRecord, SoundingRecord } from '../config/run-documents';
import type { BenchRadio, EffectiveSnrDb } from '../link/types';
import { dbToPowerRatio, powerRatioToDb } from '../units/db';
import { mean } from '../units/statistics';
import { RunFailedError } from './engine-types';
import type { ArmExperiment } from './file';
import { LINK_RANGE_DB, USERS, type UserName } from './schema';
import { scheduleOf, subbandsOf } from './partition';
import { isDigital } from './mapping';
import type { Gains, PointSetting } from './trials';

/** Runs one round: `bursts` sounding trials with this setting. Ids end in `/bNUMBER`. */
export type SoundRound = (
  idPrefix: string,
  requestedSnrDb: number | null,
  setting: PointSetting,
  bursts: number,
) => Promise<readonly SoundingRecord[]>;

type SweepBy = ArmExperiment['sweep']['by'];

/** Where the estimators are trusted to say by how much to move. */
const TRUSTED_DB = { min: 3, max: 27 } as const;
const SEARCH_TARGET_DB = 15;
/** Beside distortion no more than this is asked for: the rest is distortion's. */
const MOST_SNR_DB = 35;
/** Gain is raised by so much while nothing is heard. */
const SEARCH_STEP_DB = 12;
const MAX_SEARCH_ROUNDS = 12;
const MAX_VERIFY_ROUNDS = 4;
/** A point that stays further off than this after all corrections fails the run. */
const MAX_FINAL_ERROR_DB = 1.5;

/**
 * Measured SNR of one user over a round, and how many of its bursts came through. Where SNDR is swept, `snrDb` is the
 * repeated preamble's, which sees noise alone and so follows the gain, and `distortion` is what the payload has besides:
 * 1/SNDR - 1/SNR, linear.
 */
function heard(
  records: readonly SoundingRecord[],
  user: UserName,
  by: SweepBy,
): { snrDb: number | null; fraction: number; distortion: number; cfoHz: number | null } {
  const bursts = records
    .filter((record) => record.valid)
    .flatMap((record) => record.bursts.filter((b) => b.user === user));
  const read = (value: (burst: BurstRecord) => number | null): number[] =>
    bursts.flatMap((burst) => {
      const one = burst.headerOk ? value(burst) : null;
      return one === null ? [] : [one];
    });
  const snrs = read((burst) => (by === 'sndr' ? burst.preambleSnrDb : burst.snrDb));
  const snrDb = mean(snrs);
  const sndrDb = by === 'sndr' ? mean(read((burst) => burst.sndrDb)) : null;
  const distortion = snrDb === null || sndrDb === null ? 0 : dbToPowerRatio(-sndrDb) - dbToPowerRatio(-snrDb);
  const cfoHz = mean(read((burst) => burst.cfoHz));
  return { snrDb, fraction: bursts.length === 0 ? 0 : snrs.length / bursts.length, distortion, cfoHz };
}

function byUser<T>(value: (user: UserName) => T): Record<UserName, T> {
  return { text: value('text'), visual: value('visual'), audio: value('audio') };
}

/**
 * Gains of every user at every point of the sweep, by requested SNR, and with FDMA each user's CFO.
 *
 * A first search finds a gain at which each user is heard well; from there SNR follows gain dB by dB. Each point is then
 * verified and corrected with the mean of all that was measured at it. With FDMA the search is made in turn over the full
 * band: it brings the CFO without which nobody may send beside others. Points are verified with all users at once.
 *
 * @throws RunFailedError when a user is not heard at all, or a point needs gains that a radio does not have
 */
export async function findGains(
  experiment: ArmExperiment,
  radios: readonly BenchRadio[],
  soundRound: SoundRound,
): Promise<Map<number, PointSetting>> {
  const ranges = byUser((user) => gainRange(radios, user));
  const found = await search(experiment, ranges, soundRound);
  const subbands = subbandsOf(experiment);
  const offsetsDb =
    subbands === null ? found.offsetsDb : byUser((user) => found.offsetsDb[user] + narrowDb(subbands[user]));
  let cfosHz = subbands === null ? null : found.cfosHz;
  const points = experiment.sweep.snrDb;
  refuseUnreachable(experiment, ranges, offsetsDb, points);
  const settings = new Map<number, PointSetting>();
  for (const requestedSnrDb of points) {
    const setting = await verify(experiment, ranges, offsetsDb, cfosHz, requestedSnrDb, soundRound);
    settings.set(requestedSnrDb, setting);
    ({ cfosHz } = setting);
  }
  return settings;
}

/** What a narrower band brings: the same power on narrower carriers, dB. */
function narrowDb({ size }: { size: number }): number {
  return powerRatioToDb(2048 / size);
}

function gainRange(radios: readonly BenchRadio[], user: UserName): GainRange {
  const radio = radios.find((candidate) => candidate.role === user);
  if (radio === undefined) throw new RunFailedError(`radios.${user}: the radio process opened no radio for this role`);
  return radio.txGainRangeDb;
}

/** With one radio for all users, one gain for all: that of the first user that still needs another. */
function sameGain(experiment: ArmExperiment, gainsDb: Record<UserName, number>, user: UserName): void {
  if (scheduleOf(experiment) === 'one-transmitter') for (const other of USERS) gainsDb[other] = gainsDb[user];
}

/** SNR minus transmit gain of each user, dB, and its carrier minus the base's, Hz. */
async function search(
  experiment: ArmExperiment,
  ranges: Record<UserName, GainRange>,
  soundRound: SoundRound,
): Promise<{ offsetsDb: Record<UserName, number>; cfosHz: Record<UserName, number> }> {
  const cfosHz: Partial<Record<UserName, number>> = {};
  const gainsDb = byUser((user) => achievableGainDb((ranges[user].min + ranges[user].max) / 2, ranges[user]));
  const offsetsDb: Partial<Record<UserName, number>> = {};
  for (let round = 1; round <= MAX_SEARCH_ROUNDS; round++) {
    const bursts = experiment.sounding.burstsPerRound;
    const records = await soundRound(
      `${experiment.arm}/sounding/search${round}`,
      null,
      { gainsDb: { ...gainsDb }, cfosHz: null },
      bursts,
    );
    for (const user of USERS) {
      if (offsetsDb[user] !== undefined) continue;
      const { snrDb, fraction, cfoHz } = heard(records, user, experiment.sweep.by);
      if (cfoHz !== null) cfosHz[user] = cfoHz;
      const range = ranges[user];
      if (snrDb !== null && fraction >= 0.5) {
        const next = gainForSnrDb(SEARCH_TARGET_DB, snrDb - gainsDb[user], range);
        // At the end of the range there is nowhere better to go.
        if ((snrDb >= TRUSTED_DB.min && snrDb <= TRUSTED_DB.max) || next === gainsDb[user])
          offsetsDb[user] = snrDb - gainsDb[user];
        else gainsDb[user] = next;
      } else if (gainsDb[user] >= range.max) {
        throw new RunFailedError(
          `radios.${user}: no burst of ${serialOf(experiment, user)} was heard up to its highest transmit gain of ` +
            `${range.max} dB; allowed a path (pathLossDb, attenuators, rxGainDb) on which it is`,
        );
      } else gainsDb[user] = achievableGainDb(gainsDb[user] + SEARCH_STEP_DB, range);
    }
    const pending = USERS.find((user) => offsetsDb[user] === undefined);
    if (pending === undefined) break;
    sameGain(experiment, gainsDb, pending);
  }
  for (const user of USERS)
    if (offsetsDb[user] === undefined)
      throw new RunFailedError(`radios.${user}: no steady SNR was found in ${MAX_SEARCH_ROUNDS} sounding rounds`);
  for (const user of USERS)
    if (cfosHz[user] === undefined)
      throw new RunFailedError(
        `radios.${user}: no CFO of ${serialOf(experiment, user)} from ${MAX_SEARCH_ROUNDS} sounding rounds; allowed a sounding of every user before it sends`,
      );
  return { offsetsDb: offsetsDb as Record<UserName, number>, cfosHz: cfosHz as Record<UserName, number> };
}

function serialOf(experiment: ArmExperiment, user: UserName): string {
  return experiment.radios[user].serial;
}

/** All points and users that are out of reach, in one line. */
function refuseUnreachable(
  experiment: ArmExperiment,
  ranges: Record<UserName, GainRange>,
  offsetsDb: Record<UserName, number>,
  points: readonly number[],
): void {
  const faults = USERS.flatMap((user) => {
    const { min, max } = ranges[user];
    const lost = points.filter((point) => !reaches(point, offsetsDb[user], ranges[user]));
    if (lost.length === 0) return [];
    const low = Math.max(LINK_RANGE_DB.min, min + offsetsDb[user]).toFixed(1);
    const high = Math.min(LINK_RANGE_DB.max, max + offsetsDb[user]).toFixed(1);
    return [
      `${lost.join(', ')} dB for ${user} (${serialOf(experiment, user)}), whose transmit gains of ${min} to ${max} dB give ${low} to ${high} dB`,
    ];
  });
  if (faults.length > 0)
    throw new RunFailedError(
      `sweep.snrDb: out of reach of the radios' gains: ${faults.join('; ')}; change the points or the path losses`,
    );
}

async function verify(
  experiment: ArmExperiment,
  ranges: Record<UserName, GainRange>,
  firstOffsetsDb: Record<UserName, number>,
  firstCfosHz: PointSetting['cfosHz'],
  requestedSnrDb: number,
  soundRound: SoundRound,
): Promise<PointSetting> {
  const { burstsPerRound, toleranceDb } = experiment.sounding;
  // Users of one radio are one transmitter: what is heard of any of them is heard of it.
  const together = scheduleOf(experiment) === 'one-transmitter';
  const [allSoundings, allDistortions]: [Sounding[], number[]] = [[], []];
  const soundings = byUser((): Sounding[] => (together ? allSoundings : []));
  const distortions = byUser((): number[] => (together ? allDistortions : []));
  const firstOffset = (user: UserName): number =>
    together ? (mean(Object.values(firstOffsetsDb)) as number) : firstOffsetsDb[user];
  const offset = (user: UserName): number => snrOverGainDb(soundings[user]) ?? firstOffset(user);
  let cfosHz = firstCfosHz;
  /** What distortion leaves of an SNR, and the SNR that it takes to reach the point beside it; dB. */
  const distorted = (user: UserName, snrDb: number): number =>
    -powerRatioToDb(dbToPowerRatio(-snrDb) + (mean(distortions[user]) ?? 0));
  const needed = (user: UserName): number => {
    const noise = dbToPowerRatio(-requestedSnrDb) - (mean(distortions[user]) ?? 0);
    return noise > 0 ? Math.min(-powerRatioToDb(noise), MOST_SNR_DB) : MOST_SNR_DB;
  };
  let gainsDb: Gains = byUser((user) => gainForSnrDb(needed(user), offset(user), ranges[user]));
  let last: { records: readonly SoundingRecord[]; gainsDb: Gains } = { records: [], gainsDb };
  for (let round = 1; round <= MAX_VERIFY_ROUNDS; round++) {
    const id = `${experiment.arm}/sounding/${requestedSnrDb}dB/v${round}`;
    const records = await soundRound(id, requestedSnrDb, { gainsDb, cfosHz }, burstsPerRound);
    last = { records, gainsDb };
    const sounded = cfosHz;
    // What a burst still has is what the last sounding missed, or what the clocks did since.
    if (sounded !== null)
      cfosHz = byUser((user) => sounded[user] + (heard(records, user, experiment.sweep.by).cfoHz ?? 0));
    for (const user of USERS) {
      const { snrDb, distortion } = heard(records, user, experiment.sweep.by);
      // Nothing heard at the lowest points is possible; the first search then stands.
      if (snrDb === null) continue;
      soundings[user].push({ txGainDb: gainsDb[user], snrDb });
      distortions[user].push(distortion);
    }
    const corrected = byUser((user) => gainForSnrDb(needed(user), offset(user), ranges[user]));
    const close = USERS.every((user) => {
      const errorDb = Math.abs(distorted(user, gainsDb[user] + offset(user)) - requestedSnrDb);
      return errorDb <= Math.max(toleranceDb, ranges[user].step / 2) || corrected[user] === gainsDb[user];
    });
    if (close) break;
    gainsDb = corrected;
  }
  for (const user of USERS) {
    const reachedDb = distorted(user, gainsDb[user] + offset(user));
    if (Math.abs(reachedDb - requestedSnrDb) > MAX_FINAL_ERROR_DB)
      throw new RunFailedError(
        `sweep.snrDb: ${requestedSnrDb} dB is out of reach of ${user} (${serialOf(experiment, user)}): ` +
          `${reachedDb.toFixed(1)} dB at a transmit gain of ${gainsDb[user]} dB; change the point, the path loss or link.rxGainDb`,
      );
  }
  const effectiveSnrDb = isDigital(experiment)
    ? byUser((user) => effectiveSnr(last.records, user, gainsDb[user] - last.gainsDb[user]))
    : null;
  return { gainsDb, cfosHz, effectiveSnrDb };
}

/** Far below every format's need. */
const UNHEARD_DB = -30;

/**
 * Mean over a round's bursts in dB: of a channel that changes, less than that of its mean SNR.
 * @param gainDb by which the transmit gain has been raised since
 */
function effectiveSnr(records: readonly SoundingRecord[], user: UserName, gainDb: number): EffectiveSnrDb {
  const all = records.flatMap(({ valid, bursts }) =>
    valid ? bursts.flatMap((burst) => (burst.user === user ? (burst.effectiveSnrDb ?? []) : [])) : [],
  );
  const of = (modulation: keyof EffectiveSnrDb): number => {
    const level = mean(all.map((one) => one[modulation]));
    return level === null ? UNHEARD_DB : level + gainDb;
  };
  return { qpsk: of('qpsk'), '16qam': of('16qam'), '64qam': of('64qam'), '256qam': of('256qam') };
}
