/** Offline evaluation: the questions of a bundle over the ideal channel, with the code that makes a run's reference. */
import { awgnLabel, overAwgn } from '../experiment/reference';
import type { TaskModel, UserTokens } from '../experiment/model';
import { BLOCK_TRIALS, trialId } from '../experiment/plan';
import { USERS, type UserName } from '../experiment/schema';
import { wilsonInterval } from '../units/statistics';

export interface EvaluationRequest {
  readonly lengths: { readonly visual: number; readonly audio: number };
  /** Es/N0 of each user, dB; Infinity: noise-free. */
  readonly snrDb: Readonly<Record<UserName, number>>;
  /** Noise draws of every question. */
  readonly draws: number;
  readonly seed: number;
  readonly normalisation: 'burst' | 'token';
  /**
   * Arm whose noise it is: the same as in a run of that arm and seed at this SNR. Settings with the same text SNR share
   * their noise.
   */
  readonly arm: string;
}

export interface EvaluationRow {
  readonly snrDb: Readonly<Record<UserName, number>>;
  readonly visualTokens: number;
  readonly audioTokens: number;
  readonly accuracy: number;
  /** 95 % interval over the questions; draws do not narrow it. */
  readonly low: number;
  readonly high: number;
  /** Mean cross-entropy of the right answer, nats. */
  readonly lossNats: number;
  readonly blindAccuracy: number;
  readonly questions: number;
  readonly draws: number;
  readonly families: readonly { family: string; accuracy: number; blindAccuracy: number; questions: number }[];
}

/** @throws TokenError for token lengths that the bundle does not allow */
export async function evaluate(model: TaskModel, request: EvaluationRequest): Promise<EvaluationRow> {
  const { lengths, snrDb, seed, normalisation, arm } = request;
  // Without noise every draw is the same.
  const draws = USERS.every((user) => snrDb[user] === Infinity) ? 1 : request.draws;
  const indices = model.questions.map(({ index }) => index);
  const rightOf = new Float64Array(indices.length);
  let loss = 0;
  for (let from = 0; from < indices.length; from += BLOCK_TRIALS) {
    const part = indices.slice(from, from + BLOCK_TRIALS);
    const sent = await model.encode(part, lengths);
    for (let draw = 0; draw < draws; draw++) {
      const answers = await model.answer(
        part.map((question, i) => {
          const label = awgnLabel(trialId(arm, { requestedSnrDb: snrDb.text }, question, 0), draw);
          return { question, received: overAwgn(model, sent[i] as UserTokens, snrDb, seed, label, normalisation) };
        }),
      );
      answers.forEach(({ correct, logProbability }, i) => {
        if (correct) rightOf[from + i] = (rightOf[from + i] ?? 0) + 1;
        loss -= logProbability / draws;
      });
    }
  }
  const right = (of: readonly number[]): number => of.reduce((sum, index) => sum + (rightOf[index] ?? 0), 0) / draws;
  const families = [...new Set(model.questions.map(({ family }) => family))].map((family) => {
    const own = model.questions.filter((question) => question.family === family).map(({ index }) => index);
    return {
      family,
      accuracy: right(own) / own.length,
      blindAccuracy: model.blindPrior(own),
      questions: own.length,
    };
  });
  return {
    snrDb,
    visualTokens: lengths.visual,
    audioTokens: lengths.audio,
    accuracy: right(indices) / indices.length,
    ...wilsonInterval(right(indices), indices.length),
    lossNats: loss / indices.length,
    blindAccuracy: model.blindPrior(indices),
    questions: indices.length,
    draws,
    families,
  };
}
