/** What users that send at once do to each other, and what the schedule costs in time; from a run's records. */
import {
  leakageSoundingId,
  type BurstRecord,
  type SharedBandUser,
  type SoundingRecord,
  type TrialAirTime,
  type TrialRecord,
} from '../config/run-documents';
import { dbToPowerRatio, powerRatioToDb } from '../units/db';
import { mean, meanHalfWidth } from '../units/statistics';

const GRID_BINS = 2048;
const GRID_CARRIERS = 53;
const GRID_CARRIER_HZ = 78_125;
/** SNRs of the records are rounded to this; a smaller leakage cannot be told from none. */
const SNR_STEP_DB = 0.001;

/** One row for every user of every arm with FDMA, in the order in which they first sent. */
export function sharedBandUsers(
  trials: readonly TrialRecord[],
  soundings: readonly SoundingRecord[],
): SharedBandUser[] {
  const groups = new Map<string, { arm: string; bursts: BurstRecord[] }>();
  for (const { arm, valid, bursts } of trials)
    for (const burst of bursts) {
      if (!valid || burst.subband === null) continue;
      const key = `${arm} ${burst.user}`;
      const group = groups.get(key) ?? { arm, bursts: [] };
      group.bursts.push(burst);
      groups.set(key, group);
    }
  const byId = new Map(soundings.map((sounding) => [sounding.id, sounding]));
  return [...groups.values()].map(({ arm, bursts }) => {
    const [first] = bursts as [BurstRecord];
    const { size } = first.subband as NonNullable<BurstRecord['subband']>;
    const received = bursts.filter(({ headerOk, cfoHz }) => headerOk && cfoHz !== null);
    const residuals = received.map(({ cfoHz }) => Math.abs(cfoHz ?? 0) / ((GRID_CARRIER_HZ * size) / GRID_BINS));
    const power = mean(residuals.map((share) => share ** 2));
    return {
      arm,
      user: first.user,
      carriers: (GRID_CARRIERS * size) / GRID_BINS,
      bursts: received.length,
      residualCfoRms: power === null ? null : Math.sqrt(power),
      residualCfoMost: residuals.length === 0 ? null : residuals.reduce((most, one) => Math.max(most, one), 0),
      burstAirTimeS: mean(bursts.map(({ airTimeS }) => airTimeS)),
      ...leakage(byId, arm, first.user),
    };
  });
}

/** Noise over signal with the others on, minus that with the others muted. */
function leakage(
  soundings: ReadonlyMap<string, SoundingRecord>,
  arm: string,
  user: string,
): Pick<SharedBandUser, 'leakageDb' | 'leakageHighDb' | 'leakageBursts'> {
  const noise = (id: string): number | null => {
    const sounding = soundings.get(id);
    const burst = sounding?.valid === true ? sounding.bursts.find((one) => one.user === user) : undefined;
    return burst?.headerOk === true && burst.snrDb !== null ? dbToPowerRatio(-burst.snrDb) : null;
  };
  const differences: number[] = [];
  let resolution = 0;
  for (let number = 1; soundings.has(leakageSoundingId(arm, number)); number++) {
    const id = leakageSoundingId(arm, number);
    const [on, muted] = [noise(id), noise(`${id}/${user}`)];
    if (on === null || muted === null) continue;
    differences.push(on - muted);
    resolution = Math.max(resolution, on * (dbToPowerRatio(SNR_STEP_DB) - 1));
  }
  const centre = mean(differences);
  // No power is below zero, whatever the noise made of the difference.
  const high = centre === null ? null : Math.max(0, centre) + Math.max(meanHalfWidth(differences) ?? 0, resolution);
  return {
    leakageDb: centre !== null && centre > 0 ? powerRatioToDb(centre) : null,
    leakageHighDb: high !== null && high > 0 ? powerRatioToDb(high) : null,
    leakageBursts: differences.length,
  };
}

/** Of every arm; runs of earlier versions did not record it. */
export function trialAirTimes(trials: readonly TrialRecord[]): TrialAirTime[] {
  const arms = new Map<string, number[]>();
  for (const { arm, valid, airTimeS } of trials)
    if (valid && airTimeS !== null) {
      const own = arms.get(arm) ?? [];
      own.push(airTimeS);
      arms.set(arm, own);
    }
  return [...arms.entries()].map(([arm, times]) => ({ arm, airTimeS: mean(times) as number }));
}
