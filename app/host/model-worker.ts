/**
 * A thread that holds one bundle: the model computes for tens of milliseconds at a time, and the host must go on
 * telling the radio process that it lives. Spoken to by bundle-model.ts alone.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Bundle, TestSetError } from '../../models/runtime';
import type { BundleFacts, ModelAnswer, ModelQuestion, ReceivedQuestion, UserTokens } from '../experiment/model';

export type ModelCall =
  | {
      readonly call: 'encode';
      readonly indices: readonly number[];
      readonly lengths: { visual: number; audio: number };
    }
  | { readonly call: 'answer'; readonly batch: readonly ReceivedQuestion[] }
  | { readonly call: 'blindAnswers' }
  | { readonly call: 'close' };

export interface ModelResults {
  readonly encode: readonly UserTokens[];
  readonly answer: readonly ModelAnswer[];
  /** By question: whether the prior that knows the question alone answers it rightly. */
  readonly blindAnswers: readonly boolean[];
  readonly close: null;
}

export type WorkerRequest = ModelCall & { readonly id: number };

export type WorkerReply =
  | { readonly type: 'ready'; readonly facts: BundleFacts; readonly questions: readonly ModelQuestion[] }
  | { readonly type: 'refused'; readonly what: 'bundle' | 'testSet'; readonly message: string }
  | { readonly type: 'done'; readonly id: number; readonly result: ModelResults[ModelCall['call']] }
  | { readonly type: 'failed'; readonly id: number; readonly message: string };

async function perform(bundle: Bundle, request: ModelCall): Promise<ModelResults[ModelCall['call']]> {
  switch (request.call) {
    case 'encode':
      return bundle.encode(request.indices, request.lengths);
    case 'answer':
      return bundle.answer(request.batch);
    case 'blindAnswers':
      return bundle.questions.map(({ index }) => bundle.blindPrior([index]) === 1);
    case 'close':
      await bundle.close();
      return null;
  }
}

/** Without the measurements themselves. */
function surfaceOf({ manifest: { surface } }: Bundle): NonNullable<BundleFacts['surface']> | null {
  if (surface === undefined) return null;
  const { users, interactions = [], rmsError } = surface;
  const { visual, audio, text } = users;
  return { users: { visual, audio, ...(text && { text }) }, interactions, rmsError };
}

/** What a thread is started with. */
export interface WorkerStart {
  readonly folder: string;
  /** A user's own test set; null for the bundle's samples. */
  readonly testSet: string | null;
}

async function serve(port: NonNullable<typeof parentPort>, { folder, testSet }: WorkerStart): Promise<void> {
  const reply = (message: WorkerReply): void => port.postMessage(message);
  let bundle: Bundle;
  try {
    bundle = await Bundle.load(folder, { testSet: testSet ?? undefined });
  } catch (error) {
    reply({
      type: 'refused',
      what: error instanceof TestSetError ? 'testSet' : 'bundle',
      message: (error as Error).message,
    });
    return;
  }
  reply({
    type: 'ready',
    facts: {
      name: bundle.name,
      hash: bundle.hash,
      testSet: testSet === null ? null : { file: testSet, hash: bundle.testSetHash as string },
      task: bundle.task,
      questions: bundle.questions.length,
      dimensions: {
        text: bundle.manifest.users.text.dimension,
        visual: bundle.manifest.users.visual.dimension,
        audio: bundle.manifest.users.audio.dimension,
      },
      textTokens: [...new Set(bundle.questions.map(({ words }) => words.length))].sort((a, b) => a - b),
      tokenLengths: { visual: bundle.allowedTokenLengths('visual'), audio: bundle.allowedTokenLengths('audio') },
      surface: surfaceOf(bundle),
    },
    questions: bundle.questions.map(({ index, family, words, answer }) => ({ index, family, words, answer })),
  });
  port.on('message', (request: WorkerRequest) => {
    perform(bundle, request).then(
      (result) => {
        reply({ type: 'done', id: request.id, result });
        if (request.call === 'close') port.close();
      },
      (error: unknown) => reply({ type: 'failed', id: request.id, message: (error as Error).message }),
    );
  });
}

if (parentPort !== null) void serve(parentPort, workerData as WorkerStart);
