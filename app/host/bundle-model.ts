/** models/runtime as the engine wants it. */
import { Bundle, idealAwgnChannel } from '../../models/runtime';
import type { LoadedModel } from './run';

/** The task that a bundle of schema version 1 answers; the manifest names none. */
const BUNDLE_TASK = 'digit-avqa';

/** @throws BundleError, one line */
export async function loadBundleModel(folder: string): Promise<LoadedModel> {
  const bundle = await Bundle.load(folder);
  return {
    facts: {
      name: bundle.name,
      hash: bundle.hash,
      task: BUNDLE_TASK,
      questions: bundle.questions.length,
      tokenLengths: { visual: bundle.allowedTokenLengths('visual'), audio: bundle.allowedTokenLengths('audio') },
    },
    model: {
      name: bundle.name,
      hash: bundle.hash,
      questions: bundle.questions,
      blindPrior: (indices) => bundle.blindPrior(indices),
      encode: (indices, lengths) => bundle.encode(indices, lengths),
      answer: (batch) => bundle.answer(batch),
      awgn: idealAwgnChannel,
    },
    close: () => bundle.close(),
  };
}
