/** The thread that allocates. Spoken to by decider.ts alone. */
import { parentPort } from 'node:worker_threads';
import { decide, type AllocateOptions, type BenchTerms, type Decision, type UserChannel } from '../allocation';

export interface DeciderRequest {
  readonly id: number;
  readonly terms: BenchTerms;
  readonly channels: ReadonlyMap<string, UserChannel>;
  readonly options: AllocateOptions;
}

export type DeciderReply =
  | { readonly id: number; readonly decision: Decision }
  | { readonly id: number; readonly failure: string; readonly name: string };

parentPort?.on('message', ({ id, terms, channels, options }: DeciderRequest) => {
  let reply: DeciderReply;
  try {
    reply = { id, decision: decide(terms, channels, options) };
  } catch (error) {
    reply = { id, failure: (error as Error).message, name: (error as Error).name };
  }
  parentPort?.postMessage(reply);
});
