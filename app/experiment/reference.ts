/** The AWGN reference: the same questions, each user's tokens over an ideal channel at that user's measured SNR. */
import type { ReferenceRecord, TrialRecord } from '../config/run-documents';
import type { TokenMatrix } from '../link/types';
import { placeOf } from '../units/place';
import { seededRandom } from '../units/random';
import { mean } from '../units/statistics';
import { LANE_PRIORITY, type ModelLane } from './lane';
import type { ArmExperiment } from './file';
import type { TaskModel, UserTokens } from './model';
import { BLOCK_TRIALS, type Plan, type PlannedTrial } from './plan';
import { USERS, type UserName } from './schema';
import { lostMatrix } from './trials';

export interface ReferenceParts {
  readonly plan: Plan;
  readonly model: TaskModel;
  readonly lane: ModelLane;
  /** Encoded tokens of a trial's question, at its arm's lengths. */
  readonly tokensOf: (trial: PlannedTrial) => Promise<UserTokens>;
  /** Told after every block. */
  readonly answered: (answers: number) => void;
}

/** Mean measured SNR of each user over the point's received bursts, dB; null where there is none. */
export function meanSnrDb(records: readonly TrialRecord[]): Record<UserName, number | null> {
  const of = (user: UserName): number | null =>
    mean(
      records.flatMap((record) =>
        record.bursts.flatMap((burst) =>
          burst.user === user && burst.headerOk && burst.snrDb !== null ? [burst.snrDb] : [],
        ),
      ),
    );
  return { text: of('text'), visual: of('visual'), audio: of('audio') };
}

/**
 * @param trials one arm's trials of the point, in the plan's order
 * @param records what was recorded of them, by id
 */
export async function awgnReference(
  parts: ReferenceParts,
  trials: readonly PlannedTrial[],
  records: ReadonlyMap<string, TrialRecord>,
): Promise<ReferenceRecord> {
  const { plan, model, lane } = parts;
  const { seed, questions } = plan.experiment;
  const first = trials[0] as PlannedTrial;
  const { arm } = plan.experiment.arms[first.arm] as ArmExperiment;
  const counted = trials.filter((trial) => records.get(trial.id)?.valid === true);
  const snrDb = meanSnrDb(counted.map((trial) => records.get(trial.id) as TrialRecord));
  const correctOf = new Map<string, number>();
  const correctPerDraw = new Array<number>(questions.awgnDraws).fill(0);
  const block = async (draw: number, from: number): Promise<void> => {
    const part = counted.slice(from, from + BLOCK_TRIALS);
    const sent = await Promise.all(part.map((trial) => parts.tokensOf(trial)));
    const answers = await lane.run(LANE_PRIORITY.reference, () =>
      model.answer(
        part.map((trial, i) => ({
          question: trial.question,
          received: overAwgn(model, sent[i] as UserTokens, snrDb, seed, awgnLabel(trial.id, draw)),
        })),
      ),
    );
    parts.answered(part.length);
    answers.forEach(({ correct }, i) => {
      if (!correct) return;
      const { id } = part[i] as PlannedTrial;
      correctOf.set(id, (correctOf.get(id) ?? 0) + 1);
      correctPerDraw[draw] = (correctPerDraw[draw] ?? 0) + 1;
    });
  };
  const blocks: Promise<void>[] = [];
  for (let draw = 0; draw < questions.awgnDraws; draw++)
    for (let from = 0; from < counted.length; from += BLOCK_TRIALS) blocks.push(block(draw, from));
  await Promise.all(blocks);
  return {
    arm,
    ...placeOf(first),
    snrDb,
    correctPerDraw,
    correctPerTrial: trials
      .map(({ id }) => (records.get(id)?.valid === true ? (correctOf.get(id) ?? 0).toString(36) : '-'))
      .join(''),
  };
}

/** Names the noise of one draw of a trial. */
export function awgnLabel(trialId: string, draw: number): string {
  return `${trialId}/awgn/${draw}`;
}

/**
 * All users' tokens over the ideal channel at their SNR (dB; Infinity: noise-free; null: lost). The noise depends on
 * seed and label alone.
 */
export function overAwgn(
  model: Pick<TaskModel, 'awgn'>,
  sent: UserTokens,
  snrDb: Record<UserName, number | null>,
  seed: number,
  label: string,
  normalisation: 'burst' | 'token' = 'burst',
): UserTokens {
  const random = seededRandom(seed, label);
  const matrix = (user: UserName): TokenMatrix => {
    const level = snrDb[user];
    return level === null ? lostMatrix(sent[user]) : model.awgn(sent[user], level, random, normalisation);
  };
  // One generator serves all users, so their order is fixed here.
  const [text, visual, audio] = USERS.map(matrix) as [TokenMatrix, TokenMatrix, TokenMatrix];
  return { text, visual, audio };
}
