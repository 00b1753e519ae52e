/** The Results view's thread as the host sees it: begun with the first question, begun anew when it has failed. */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ResultsAnswers, ResultsCall, ResultsWorkerReply } from './results-worker';

interface Pending {
  readonly resolve: (result: ResultsAnswers[ResultsCall['call']]) => void;
  readonly reject: (reason: Error) => void;
}

export class ResultsThread {
  private worker: Worker | null = null;
  private readonly pending = new Map<number, Pending>();
  private nextId = 1;

  /** @param parent the runs folder */
  constructor(private readonly parent: string) {}

  /** @throws Error, one line, when it cannot be answered */
  ask<Name extends ResultsCall['call']>(call: Extract<ResultsCall, { call: Name }>): Promise<ResultsAnswers[Name]> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve: resolve as Pending['resolve'], reject });
      const worker = (this.worker ??= this.begin());
      // What waits for an answer keeps the process alive; an idle thread does not.
      worker.ref();
      worker.postMessage({ ...call, id });
    });
  }

  async close(): Promise<void> {
    await this.worker?.terminate();
  }

  private begin(): Worker {
    const worker = new Worker(path.join(__dirname, 'results-worker.js'), { workerData: { parent: this.parent } });
    worker.on('message', (reply: ResultsWorkerReply) => {
      const pending = this.pending.get(reply.id);
      this.pending.delete(reply.id);
      if (this.pending.size === 0) worker.unref();
      if ('failure' in reply) pending?.reject(new Error(reply.failure));
      else pending?.resolve(reply.result);
    });
    const end = (reason: string): void => {
      if (this.worker !== worker) return;
      this.worker = null;
      for (const { reject } of this.pending.values()) reject(new Error(reason));
      this.pending.clear();
    };
    worker.on('error', (error) => end(`the thread that reads runs failed: ${error.message}`));
    worker.on('exit', () => end('the thread that reads runs has ended'));
    return worker;
  }
}
