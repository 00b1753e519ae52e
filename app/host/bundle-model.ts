/** models/runtime as the engine wants it: bundles in threads of their own. */
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { idealAwgnChannel } from '../../models/runtime';
import { TestSetRefused, type BundleFacts, type ModelQuestion } from '../experiment/model';
import type { ModelCall, ModelResults, WorkerReply, WorkerStart } from './model-worker';
import type { LoadedModel } from './run';

/** The radio process needs a core of its own while trials go on; references then use what there is. */
const MOST_THREADS = 4;

interface Pending {
  readonly resolve: (result: ModelResults[ModelCall['call']]) => void;
  readonly reject: (reason: Error) => void;
}

class ModelThread {
  private readonly worker: Worker;
  private readonly pending = new Map<number, Pending>();
  private nextId = 1;
  private ended: Error | null = null;
  /** Settles when the bundle is loaded, or refused. */
  readonly ready: Promise<{ facts: BundleFacts; questions: readonly ModelQuestion[] }>;

  constructor(start: WorkerStart) {
    this.worker = new Worker(path.join(__dirname, 'model-worker.js'), { workerData: start });
    this.ready = new Promise((resolve, reject) => {
      this.worker.on('message', (reply: WorkerReply) => {
        if (reply.type === 'ready') resolve(reply);
        else if (reply.type === 'refused')
          reject(reply.what === 'testSet' ? new TestSetRefused(reply.message) : new Error(reply.message));
        else this.settle(reply);
      });
      const end = (reason: Error): void => {
        this.ended ??= reason;
        reject(this.ended);
        for (const { reject: refuse } of this.pending.values()) refuse(this.ended);
        this.pending.clear();
      };
      this.worker.on('error', (error) => end(new Error(`the model's thread failed: ${error.message}`)));
      this.worker.on('exit', () => end(new Error("the model's thread has ended")));
    });
    this.ready.catch(() => undefined);
  }

  get load(): number {
    return this.pending.size;
  }

  ask<Name extends ModelCall['call']>(call: Extract<ModelCall, { call: Name }>): Promise<ModelResults[Name]> {
    if (this.ended !== null) return Promise.reject(this.ended);
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve: resolve as Pending['resolve'], reject });
      this.worker.postMessage({ ...call, id });
    });
  }

  /** Frees the bundle and waits for the thread's end. Never rejects. */
  async close(): Promise<void> {
    if (this.ended !== null) return;
    const exited = new Promise<void>((resolve) => this.worker.once('exit', () => resolve()));
    await this.ask({ call: 'close' }).catch(() => this.worker.terminate());
    await exited;
  }

  private settle(reply: Exclude<WorkerReply, { type: 'ready' | 'refused' }>): void {
    const pending = this.pending.get(reply.id);
    this.pending.delete(reply.id);
    if (reply.type === 'done') pending?.resolve(reply.result);
    else pending?.reject(new Error(reply.message));
  }
}

/**
 * Loads a bundle into as many threads as can work at a time.
 * @param testSet list of a user's own test set; null for the bundle's samples
 * @throws Error, one line, when the folder holds no bundle that can be used; TestSetRefused when it is the test set
 */
export async function loadBundleModel(folder: string, testSet: string | null): Promise<LoadedModel> {
  const count = Math.max(1, Math.min(MOST_THREADS, os.availableParallelism()));
  const threads = Array.from({ length: count }, () => new ModelThread({ folder, testSet }));
  const close = async (): Promise<void> => {
    await Promise.all(threads.map((thread) => thread.close()));
  };
  const idlest = (): ModelThread => threads.reduce((best, thread) => (thread.load < best.load ? thread : best));
  try {
    const [first] = await Promise.all(threads.map((thread) => thread.ready));
    const { facts, questions } = first as Awaited<ModelThread['ready']>;
    const blind = await (threads[0] as ModelThread).ask({ call: 'blindAnswers' });
    return {
      facts,
      model: {
        name: facts.name,
        hash: facts.hash,
        questions,
        parallelCalls: count,
        blindPrior: (indices) => indices.filter((index) => blind[index] === true).length / indices.length,
        // One thread keeps the encoders' results of each scene; two would compute them twice.
        encode: (indices, lengths) => (threads[0] as ModelThread).ask({ call: 'encode', indices, lengths }),
        answer: (batch) => idlest().ask({ call: 'answer', batch }),
        awgn: idealAwgnChannel,
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
