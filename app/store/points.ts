/** The result table: one row for every arm and swept SNR, from what a run has recorded so far. */
import type { ArmComparison, BurstRecord, PointSummary, ReferenceRecord, TrialRecord } from '../config/run-documents';
import { dbToPowerRatio, powerRatioToDb } from '../units/db';
import { placeOf, pointKey, type PointPlace } from '../units/place';
import { mcNemarExact, mean, meanHalfWidth, sampleDeviation, wilsonInterval } from '../units/statistics';

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

/** An arm and its points, in the plan's order. */
export interface ArmPoints {
  readonly name: string;
  readonly points: readonly PointPlace[];
}

/** An arm as run.json has it. */
interface PlannedArm {
  readonly name: string;
  readonly snrDb: readonly number[];
  readonly budgets?: readonly { readonly bandwidthHz: number; readonly powerDb: number }[] | undefined;
}

/** The arms of a run; runs of earlier versions had one. */
export function armsOf({
  arm,
  plan,
}: {
  readonly arm: string;
  readonly plan: { readonly arms: readonly PlannedArm[]; readonly snrDb: readonly number[] };
}): readonly ArmPoints[] {
  const arms: readonly PlannedArm[] = plan.arms.length > 0 ? plan.arms : [{ name: arm, snrDb: plan.snrDb }];
  return arms.map(({ name, snrDb, budgets = [] }) => ({
    name,
    points: [
      ...snrDb.map((requestedSnrDb) => ({ requestedSnrDb })),
      ...budgets.map((budget) => ({ requestedSnrDb: null, ...budget })),
    ],
  }));
}

/** Mean of the bursts' errors as powers, with its 95 % interval, dB. */
export function meanErrorDb(errorsDb: readonly number[]): { meanDb: number; lowDb: number; highDb: number } | null {
  const errors = errorsDb.map(dbToPowerRatio);
  const centre = mean(errors);
  if (centre === null || centre <= 0) return null;
  const half = meanHalfWidth(errors) ?? 0;
  // A lower end at or below 0 has no dB: the mean then stands for it.
  const low = centre - half > 0 ? centre - half : centre;
  return { meanDb: powerRatioToDb(centre), lowDb: powerRatioToDb(low), highDb: powerRatioToDb(centre + half) };
}

function tokenErrors(
  received: readonly BurstRecord[],
): Pick<PointSummary, 'tokenErrorDb' | 'tokenErrorLowDb' | 'tokenErrorHighDb'> {
  const error = meanErrorDb(numbers(received, (burst) => burst.tokenErrorDb));
  return {
    tokenErrorDb: error?.meanDb ?? null,
    tokenErrorLowDb: error?.lowDb ?? null,
    tokenErrorHighDb: error?.highDb ?? null,
  };
}

export class PointTable {
  private readonly points = new Map<string, Accumulated>();

  constructor(
    private readonly plan: {
      readonly arms: readonly ArmPoints[];
      readonly trialsPerPoint: number;
      readonly users: readonly string[];
      readonly blindAccuracy: number | null;
    },
  ) {}

  addTrial(trial: TrialRecord): void {
    this.at(trial.arm, trial).trials.push(trial);
  }

  addReference(reference: ReferenceRecord): void {
    this.at(reference.arm, reference).reference = reference;
  }

  /** Every point of the plan, also those with nothing yet. */
  summaries(): PointSummary[] {
    return this.plan.arms.flatMap(({ name, points }) => points.map((place) => this.summary(name, place)));
  }

  /** Whether all trials of the point are in; its reference may not be. */
  trialsComplete(arm: string, place: PointPlace): boolean {
    return this.at(arm, place).trials.length >= this.plan.trialsPerPoint;
  }

  summary(arm: string, place: PointPlace): PointSummary {
    const { trials, reference } = this.at(arm, place);
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
    const sndrs = numbers(received, (burst) => burst.sndrDb);
    const differences = this.differences(counted, reference);
    const draws = reference?.correctPerDraw.length ?? 0;
    const referenced = reference === null ? 0 : [...reference.correctPerTrial].filter((digit) => digit !== '-').length;
    return {
      arm,
      ...placeOf(place),
      measuredSnrDb: mean(snrs),
      measuredSnrSdDb: sampleDeviation(snrs),
      trueSnrDb: mean(numbers(received, (burst) => burst.trueSnrDb)),
      snrErrorDb: mean(errors),
      sndrDb: mean(sndrs),
      sndrHalfWidthDb: meanHalfWidth(sndrs),
      ...tokenErrors(received),
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

  private at(arm: string, place: PointPlace): Accumulated {
    const key = pointKey(arm, place);
    let point = this.points.get(key);
    if (point === undefined) {
      point = { trials: [], reference: null };
      this.points.set(key, point);
    }
    return point;
  }
}

/** Every two arms at each place of the sweep, over the questions that both answered. */
export function compareArms(trials: readonly TrialRecord[], arms: readonly ArmPoints[]): ArmComparison[] {
  const byPoint = new Map<string, Map<string, boolean>>();
  for (const trial of trials) {
    const { arm, question, repeat, valid, correct } = trial;
    if (!valid || correct === null) continue;
    const key = pointKey(arm, trial);
    const answers = byPoint.get(key) ?? new Map<string, boolean>();
    byPoint.set(key, answers.set(`${question}/${repeat}`, correct));
  }
  const compare = (first: ArmPoints, second: ArmPoints, place: number): ArmComparison[] => {
    const [firstPoint, secondPoint] = [first.points[place], second.points[place]];
    if (firstPoint === undefined || secondPoint === undefined) return [];
    const others = byPoint.get(pointKey(second.name, secondPoint));
    const differences: number[] = [];
    for (const [question, correct] of byPoint.get(pointKey(first.name, firstPoint)) ?? []) {
      const other = others?.get(question);
      if (other !== undefined) differences.push(Number(other) - Number(correct));
    }
    const difference = mean(differences);
    if (difference === null) return [];
    const [onlyFirst, onlySecond] = [-1, 1].map((sign) => differences.filter((d) => d === sign).length) as [
      number,
      number,
    ];
    return [
      {
        ...placeOf(firstPoint),
        firstArm: first.name,
        firstSnrDb: firstPoint.requestedSnrDb,
        secondArm: second.name,
        secondSnrDb: secondPoint.requestedSnrDb,
        questions: differences.length,
        onlyFirstCorrect: onlyFirst,
        onlySecondCorrect: onlySecond,
        difference,
        differenceHalfWidth: meanHalfWidth(differences),
        pValue: mcNemarExact(onlyFirst, onlySecond),
      },
    ];
  };
  const most = Math.max(0, ...arms.map(({ points }) => points.length));
  return Array.from({ length: most }, (_, place) =>
    arms.flatMap((first, i) => arms.slice(i + 1).flatMap((second) => compare(first, second, place))),
  ).flat();
}

export interface FamilyAccuracy {
  readonly arm: string;
  readonly place: PointPlace;
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
    readonly arms: readonly ArmPoints[];
    readonly trialsPerPoint: number;
    readonly families: readonly { family: string; blindAccuracy: number }[];
  },
): FamilyAccuracy[] {
  const points = plan.arms.flatMap(({ name, points: places }) => places.map((place) => ({ arm: name, place })));
  return points.flatMap(({ arm, place }) =>
    plan.families.flatMap(({ family, blindAccuracy }) => {
      const key = pointKey(arm, place);
      const own = trials.filter((t) => t.valid && t.family === family && pointKey(t.arm, t) === key);
      if (own.length === 0) return [];
      const correct = own.filter((trial) => trial.correct === true).length;
      const { low, high } = wilsonInterval(correct, own.length);
      const reference = references.find((one) => pointKey(one.arm, one) === key);
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
          arm,
          place,
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
