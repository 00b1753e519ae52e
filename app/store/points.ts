/** The result table: one row for every arm and swept SNR, from what a run has recorded so far. */
import type { PointSummary, ReferenceRecord, TrialRecord } from '../config/run-documents';
import { mean, meanHalfWidth, sampleDeviation, wilsonInterval } from '../units/statistics';

interface Accumulated {
  readonly trials: TrialRecord[];
  reference: ReferenceRecord | null;
}

/** Bursts' numbers of one kind, nulls left out. */
function numbers<T>(items: readonly T[], value: (item: T) => number | null): number[] {
  return items.flatMap((item) => {
    const one = value(item);
    return one === null ? [] : [one];
  });
}

export class PointTable {
  private readonly points = new Map<string, Accumulated>();

  constructor(
    private readonly plan: {
      readonly arm: string;
      readonly snrDb: readonly number[];
      readonly trialsPerPoint: number;
      readonly users: readonly string[];
      readonly blindAccuracy: number | null;
    },
  ) {}

  addTrial(trial: TrialRecord): void {
    this.at(trial.requestedSnrDb).trials.push(trial);
  }

  addReference(reference: ReferenceRecord): void {
    this.at(reference.requestedSnrDb).reference = reference;
  }

  /** Every point of the plan, also those with nothing yet. */
  summaries(): PointSummary[] {
    return this.plan.snrDb.map((requestedSnrDb) => this.summary(requestedSnrDb));
  }

  /** Whether all trials of the point are in; its reference may not be. */
  trialsComplete(requestedSnrDb: number): boolean {
    return this.at(requestedSnrDb).trials.length >= this.plan.trialsPerPoint;
  }

  summary(requestedSnrDb: number): PointSummary {
    const { trials, reference } = this.at(requestedSnrDb);
    const counted = trials.filter((trial) => trial.valid);
    const bursts = counted.flatMap((trial) => trial.bursts);
    const correct = counted.filter((trial) => trial.correct === true).length;
    const interval = counted.length > 0 ? wilsonInterval(correct, counted.length) : null;
    // What a burst with a corrupt header measured may be of something else.
    const received = bursts.filter((burst) => burst.headerOk);
    const snrs = numbers(received, (burst) => burst.snrDb);
    const errors = numbers(received, ({ snrDb, trueSnrDb }) =>
      snrDb === null || trueSnrDb === null ? null : snrDb - trueSnrDb,
    );
    const differences = this.differences(counted, reference);
    const draws = reference?.correctPerDraw.length ?? 0;
    const referenced = reference === null ? 0 : [...reference.correctPerTrial].filter((digit) => digit !== '-').length;
    return {
      arm: this.plan.arm,
      requestedSnrDb,
      measuredSnrDb: mean(snrs),
      measuredSnrSdDb: sampleDeviation(snrs),
      trueSnrDb: mean(numbers(received, (burst) => burst.trueSnrDb)),
      snrErrorDb: mean(errors),
      burstsSent: bursts.length,
      burstsDetected: bursts.filter((burst) => burst.detected).length,
      headersOk: bursts.filter((burst) => burst.headerOk).length,
      questions: counted.length,
      spoilt: trials.length - counted.length,
      accuracy: counted.length > 0 ? correct / counted.length : null,
      accuracyLow: interval?.low ?? null,
      accuracyHigh: interval?.high ?? null,
      awgnAccuracy:
        reference === null || draws === 0 || referenced === 0
          ? null
          : reference.correctPerDraw.reduce((sum, count) => sum + count, 0) / draws / referenced,
      difference: mean(differences),
      differenceHalfWidth: meanHalfWidth(differences),
      blindAccuracy: this.plan.blindAccuracy,
      users: this.plan.users.map((user) => {
        const own = bursts.filter((burst) => burst.user === user);
        const heard = own.filter((burst) => burst.headerOk);
        const ownSnrs = numbers(heard, (burst) => burst.snrDb);
        return {
          user,
          measuredSnrDb: mean(ownSnrs),
          measuredSnrSdDb: sampleDeviation(ownSnrs),
          trueSnrDb: mean(numbers(heard, (burst) => burst.trueSnrDb)),
          preambleSnrDb: mean(numbers(heard, (burst) => burst.preambleSnrDb)),
          emptyCarriersSnrDb: mean(numbers(heard, (burst) => burst.emptyCarriersSnrDb)),
          pilotEvmSnrDb: mean(numbers(heard, (burst) => burst.pilotEvmSnrDb)),
          genieSnrDb: mean(numbers(heard, (burst) => burst.genieSnrDb)),
          txGainDb: mean(own.map((burst) => burst.txGainDb)),
          burstsSent: own.length,
          headersOk: own.filter((burst) => burst.headerOk).length,
        };
      }),
    };
  }

  /** Every trial over the air minus the mean of the same trial over AWGN: 1, 0 or between. */
  private differences(counted: readonly TrialRecord[], reference: ReferenceRecord | null): number[] {
    const draws = reference?.correctPerDraw.length ?? 0;
    if (reference === null || draws === 0) return [];
    return numbers(counted, (trial) => {
      const digit = reference.correctPerTrial[trial.index % this.plan.trialsPerPoint];
      if (digit === undefined || digit === '-') return null;
      return (trial.correct === true ? 1 : 0) - parseInt(digit, 36) / draws;
    });
  }

  private at(requestedSnrDb: number): Accumulated {
    let point = this.points.get(String(requestedSnrDb));
    if (point === undefined) {
      point = { trials: [], reference: null };
      this.points.set(String(requestedSnrDb), point);
    }
    return point;
  }
}

export interface FamilyAccuracy {
  readonly requestedSnrDb: number;
  readonly family: string;
  readonly questions: number;
  readonly accuracy: number;
  readonly accuracyLow: number;
  readonly accuracyHigh: number;
  readonly awgnAccuracy: number | null;
  readonly blindAccuracy: number | null;
}

/** Accuracy of every question family at every point. */
export function familyAccuracies(
  trials: readonly TrialRecord[],
  references: readonly ReferenceRecord[],
  plan: {
    readonly snrDb: readonly number[];
    readonly trialsPerPoint: number;
    readonly families: readonly { family: string; blindAccuracy: number }[];
  },
): FamilyAccuracy[] {
  return plan.snrDb.flatMap((requestedSnrDb) =>
    plan.families.flatMap(({ family, blindAccuracy }) => {
      const own = trials.filter((t) => t.valid && t.requestedSnrDb === requestedSnrDb && t.family === family);
      if (own.length === 0) return [];
      const correct = own.filter((trial) => trial.correct === true).length;
      const { low, high } = wilsonInterval(correct, own.length);
      const reference = references.find((candidate) => candidate.requestedSnrDb === requestedSnrDb);
      const draws = reference?.correctPerDraw.length ?? 0;
      const awgn =
        reference === undefined || draws === 0
          ? []
          : numbers(own, (trial) => {
              const digit = reference.correctPerTrial[trial.index % plan.trialsPerPoint];
              return digit === undefined || digit === '-' ? null : parseInt(digit, 36) / draws;
            });
      return [
        {
          requestedSnrDb,
          family,
          questions: own.length,
          accuracy: correct / own.length,
          accuracyLow: low,
          accuracyHigh: high,
          awgnAccuracy: mean(awgn),
          blindAccuracy,
        },
      ];
    }),
  );
}
