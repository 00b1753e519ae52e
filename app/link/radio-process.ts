/** The host's side of one radio process: messages both ways, heartbeats, and its end. */
import { fork } from 'node:child_process';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { MessagePipe } from '../ipc/message-pipe';
import {
  describeIssues,
  HEARTBEAT_MS,
  MESSAGE_PIPE_FD,
  radioReplySchema,
  type RadioCommand,
  type RadioReply,
} from '../ipc/radio-messages';
import { isLinkErrorCode, LinkError } from './errors';
import type { BenchObserver } from './types';

/** A child process as this side needs it. */
export interface SpawnedProcess {
  readonly pid: number | undefined;
  /** In order. Resolves when the message is on its way to the process; false when the process is gone. */
  send(message: unknown): Promise<boolean>;
  /** Overtakes everything that `send` holds back. Small messages only; lost when the process is gone. */
  sendUrgent(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Once; `how` says in a few words how it ended. */
  onExit(listener: (how: string) => void): void;
  /** At once, whatever the process is doing (SIGKILL). */
  kill(): void;
  /** The last lines that it (or a vendor's library in it) wrote to stdout or stderr. */
  lastOutput(): string;
}

/** Starts dist/app/radio/main.js. `modulePath` is absolute. */
export type SpawnRadioProcess = (modulePath: string) => SpawnedProcess;

type Question = Exclude<RadioCommand, { type: 'heartbeat' | 'halt' | 'watch' }>;
type QuestionBody = Question extends infer Q ? (Q extends { id: number } ? Omit<Q, 'id'> : never) : never;
type Answer = Exclude<RadioReply, { type: 'started' | 'stopped' | 'log' | 'refused' | 'view' | 'health' }>;

interface Pending {
  readonly type: string;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: LinkError) => void;
  readonly limitMs: number;
  timer: NodeJS.Timeout | null;
}

export interface RadioProcessListener {
  /** A vendor's log line of level warning or worse. */
  log?(level: string, line: string): void;
}

const OUTPUT_LIMIT = 4000;

export class RadioProcess {
  private readonly child: SpawnedProcess;
  private readonly pending = new Map<number, Pending>();
  private readonly heartbeat: NodeJS.Timeout;
  private readonly endListeners: ((reason: string, expected: boolean) => void)[] = [];
  private nextId = 1;
  /** Takes views and what happens to the radios. */
  observer: BenchObserver | null = null;
  private stopReason: string | null = null;
  private closing = false;
  private endReason: string | null = null;

  constructor(
    spawn: SpawnRadioProcess,
    private readonly listener: RadioProcessListener = {},
  ) {
    this.child = spawn(radioProcessModule());
    this.child.onMessage((message) => this.take(message));
    this.child.onExit((how) => this.end(how));
    const beat = (): void => this.child.sendUrgent({ type: 'heartbeat' } satisfies RadioCommand);
    this.heartbeat = setInterval(beat, HEARTBEAT_MS);
    // While starting, too: the process counts the host's silence from its first moment.
    beat();
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get ended(): boolean {
    return this.endReason !== null;
  }

  /** Called once, when the process has ended; `expected` after close(). */
  onEnd(listener: (reason: string, expected: boolean) => void): void {
    if (this.endReason !== null) listener(this.endReason, this.closing);
    else this.endListeners.push(listener);
  }

  /**
   * Asks and waits for the answer. A process that does not answer within `limitMs` hangs in a vendor's call: it is
   * killed, and everything that is pending rejects.
   * @throws LinkError process-lost, timed-out, malformed-message, and what the process refuses with
   */
  async ask<Type extends Answer['type']>(
    question: QuestionBody,
    answerType: Type,
    limitMs: number,
  ): Promise<Extract<Answer, { type: Type }>> {
    if (this.endReason !== null) throw new LinkError('process-lost', this.endReason);
    const id = this.nextId++;
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.pending.set(id, { type: question.type, resolve, reject, limitMs, timer: null });
      this.watchOldest();
      // A process that is gone settles everything with its end.
      this.child.send({ ...question, id } satisfies RadioCommand).catch((error: unknown) => {
        this.settle(id)?.reject(new LinkError('malformed-message', `${question.type}: ${(error as Error).message}`));
      });
    });
    if (answer.type !== answerType)
      throw new LinkError('malformed-message', `the radio process answered ${question.type} with ${answer.type}`);
    return answer as Extract<Answer, { type: Type }>;
  }

  /** What is wanted of what goes to the observer. */
  watch({ views, sensors }: { readonly views: boolean; readonly sensors: boolean }): void {
    void this.child.send({ type: 'watch', views, sensors } satisfies RadioCommand);
  }

  /** Questions that are not answered yet. */
  get pendingCount(): number {
    return this.pending.size;
  }

  /** Closes the radios and ends the process, by force where it does not end by itself. Never rejects. */
  async close(limitMs: number): Promise<void> {
    if (this.endReason !== null) return;
    this.closing = true;
    const ended = new Promise<void>((resolve) => this.onEnd(() => resolve()));
    // Closing waits its turn behind trials and settling radios; silence does not.
    this.child.sendUrgent({ type: 'halt' } satisfies RadioCommand);
    this.ask({ type: 'close' }, 'closed', limitMs).catch(() => undefined);
    const timer = setTimeout(() => this.child.kill(), limitMs);
    await ended;
    clearTimeout(timer);
  }

  /** Ends the process at once; its supervisor sees an unexpected end. */
  kill(reason: string): void {
    this.stopReason ??= reason;
    this.child.kill();
  }

  /** Answers come in order, so the time runs for the oldest question alone. */
  private watchOldest(): void {
    for (const [, oldest] of this.pending) {
      oldest.timer ??= setTimeout(() => {
        this.kill(`it did not answer "${oldest.type}" within ${oldest.limitMs / 1000} s and was killed`);
      }, oldest.limitMs);
      return;
    }
  }

  private take(message: unknown): void {
    const parsed = radioReplySchema.safeParse(message);
    if (!parsed.success) {
      this.kill(`it sent a malformed message (${describeIssues(parsed.error)}) and was killed`);
      return;
    }
    const reply = parsed.data;
    switch (reply.type) {
      case 'started':
        return;
      case 'log':
        this.listener.log?.(reply.level, reply.line);
        return;
      case 'view':
        this.observer?.view(reply.view);
        return;
      case 'health':
        this.observer?.health(reply.health);
        return;
      case 'stopped':
        this.stopReason ??= reply.reason;
        return;
      case 'refused': {
        const error = new LinkError(isLinkErrorCode(reply.code) ? reply.code : 'failed', reply.message);
        if (reply.id === null) this.kill(`it could not read a message: ${reply.message}`);
        else this.settle(reply.id)?.reject(error);
        return;
      }
      default:
        this.settle(reply.id)?.resolve(reply);
    }
  }

  private settle(id: number): Pending | undefined {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    if (pending?.timer) clearTimeout(pending.timer);
    this.watchOldest();
    return pending;
  }

  private end(how: string): void {
    if (this.endReason !== null) return;
    clearInterval(this.heartbeat);
    const output = this.child.lastOutput().trim().split('\n').at(-1) ?? '';
    const details = [this.stopReason, output === '' ? null : `its last words: ${output}`].filter(
      (part) => part !== null,
    );
    const reason = `the radio process ended (${how})${details.length > 0 ? `: ${details.join('; ')}` : ''}`;
    this.endReason = reason.replace(/\s+/g, ' ');
    const pending = [...this.pending.values()];
    this.pending.clear();
    for (const { reject, timer } of pending) {
      if (timer) clearTimeout(timer);
      reject(new LinkError('process-lost', this.endReason));
    }
    for (const listener of this.endListeners.splice(0)) listener(this.endReason, this.closing);
  }
}

/** dist/app/radio/main.js, beside this file's dist/app/link. */
export function radioProcessModule(): string {
  return path.join(__dirname, '..', 'radio', 'main.js');
}

/** The launcher of hosts that are plain Node processes. */
export const forkRadioProcess: SpawnRadioProcess = (modulePath) => {
  const child = fork(modulePath, [], {
    // A debugger's or a test runner's arguments are for the host alone.
    execArgv: process.execArgv.filter((argument) => argument.startsWith('--max-old-space-size')),
    // Vendors' libraries write to stdout and stderr as they like; neither may reach the host's own output.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
  });
  let deliver: (message: unknown) => void = () => undefined;
  const pipe = new MessagePipe(child.stdio[MESSAGE_PIPE_FD] as Duplex, {
    message: (message) => deliver(message),
    // Refused by whoever listens, like any message that does not parse.
    malformed: (reason) => deliver(reason),
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(-OUTPUT_LIMIT);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return {
    pid: child.pid,
    send: (message) => pipe.send(message),
    sendUrgent: (message) => {
      if (child.connected) child.send(message as object, () => undefined);
    },
    onMessage: (listener) => (deliver = listener),
    onExit: (listener) => {
      child.once('error', (error) => listener(error.message));
      child.once('close', (code, signal) => listener(signal ?? `exit status ${code}`));
    },
    kill: () => child.kill('SIGKILL'),
    lastOutput: () => output,
  };
};
