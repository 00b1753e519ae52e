/** app/allocation's `decide` in a thread of its own: it computes for up to a second, and the host must go on telling the radio process that it lives. */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Decide } from '../experiment/engine-types';
import type { DeciderReply } from './decider-worker';

export class Decider {
  private readonly worker: Worker;
  private readonly pending = new Map<number, { resolve: (reply: DeciderReply) => void; reject: (e: Error) => void }>();
  private nextId = 1;

  /** Resolves when the thread has its code: to be awaited before any radio is open. */
  readonly ready: Promise<void>;

  constructor() {
    this.worker = this.start();
    this.ready = new Promise((resolve, reject) => {
      this.worker.once('online', () => resolve());
      this.worker.once('error', reject);
    });
  }

  readonly decide: Decide = async (terms, channels, options) => {
    const id = this.nextId++;
    const reply = await new Promise<DeciderReply>((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.worker.postMessage({ id, terms, channels, options });
    });
    if ('decision' in reply) return reply.decision;
    const error = new Error(reply.failure);
    error.name = reply.name;
    throw error;
  };

  /** Never rejects. */
  async close(): Promise<void> {
    await this.worker.terminate();
  }

  private start(): Worker {
    const worker = new Worker(path.join(__dirname, 'decider-worker.js'));
    worker.on('message', (reply: DeciderReply) => {
      this.pending.get(reply.id)?.resolve(reply);
      this.pending.delete(reply.id);
    });
    const end = (reason: Error): void => {
      for (const { reject } of this.pending.values()) reject(reason);
      this.pending.clear();
    };
    worker.on('error', (error) => end(new Error(`the allocation's thread failed: ${error.message}`)));
    worker.on('exit', () => end(new Error("the allocation's thread has ended")));
    return worker;
  }
}
