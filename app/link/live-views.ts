/** What happened since the last look, decimated for an eye: the newest burst of each user, and counts. */
import type { ReceivedBurst } from '../../drivers/radio';
import type { LiveBurst, LiveUser } from '../ipc/live-messages';
import { GRID_BINS } from './results';
import type { BurstResult, TrialResult } from './types';

interface UserViews {
  burstsSent: number;
  burstsReceived: number;
  burst: LiveBurst | null;
  errorBudget: LiveUser['errorBudget'];
}

const nothing = (): UserViews => ({ burstsSent: 0, burstsReceived: 0, burst: null, errorBudget: null });

export class LiveViews {
  private readonly users: Map<string, UserViews>;
  private changed = false;

  /** @param users in the order in which they shall be shown */
  constructor(
    users: readonly string[],
    private readonly carrierSpacingHz: number,
  ) {
    this.users = new Map(users.map((user) => [user, nothing()]));
  }

  /** @param found what the receiver said of each burst of the trial; null for a lost one */
  take({ trialId, bursts }: TrialResult, found: readonly (ReceivedBurst | null)[]): void {
    bursts.forEach((burst, index) => {
      const views = this.users.get(burst.user);
      if (views === undefined) return;
      this.changed = true;
      views.burstsSent++;
      if (burst.headerOk) views.burstsReceived++;
      if (burst.errorBudget !== null) views.errorBudget = { trialId, parts: { ...burst.errorBudget } };
      views.burst = this.liveBurst(trialId, burst, found[index] ?? null) ?? views.burst;
    });
  }

  /** Since the last call; null where nothing happened. */
  make(): LiveUser[] | null {
    if (!this.changed) return null;
    this.changed = false;
    return [...this.users].map(([user, views]) => {
      this.users.set(user, nothing());
      return { user, ...views };
    });
  }

  /** Null for a burst that has no payload to show. */
  private liveBurst(trialId: string, burst: BurstResult, found: ReceivedBurst | null): LiveBurst | null {
    const { measurement, sequence, paprDb, ccdfDb, txGainDb, truth } = burst;
    if (!burst.headerOk || measurement === null || found === null) return null;
    const { estimates, genie, carriers, channel, carrierSnrDb } = measurement;
    return {
      trialId,
      sequence,
      snrDb: measurement.snrDb,
      bestEstimator: measurement.bestEstimator,
      estimatesDb: {
        preamble: estimates.preamble.snrDb,
        emptyCarriers: estimates.emptyCarriers.snrDb,
        pilotEvm: estimates.pilotEvm.snrDb,
        genie: genie?.snrDb ?? null,
      },
      trueSnrDb: truth?.snrDb ?? null,
      cfoHz: measurement.cfoHz,
      disturbed: measurement.disturbed,
      saturatedSamples: measurement.saturatedSamples,
      carriers,
      carrierSpacingHz: (this.carrierSpacingHz * (burst.subband?.size ?? GRID_BINS)) / GRID_BINS,
      channel,
      carrierSnrDb,
      unequalised: found.unequalised,
      equalised: measurement.constellation,
      paprDb,
      ccdfDb: [...ccdfDb],
      txGainDb: txGainDb.actual,
    };
  }
}
