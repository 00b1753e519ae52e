/** Model calls one at a time, the most urgent first: the model works on the host's only thread. */

export const LANE_PRIORITY = { encode: 0, answer: 1, reference: 2 } as const;

interface Job {
  readonly priority: number;
  readonly start: () => Promise<void>;
  readonly refuse: (reason: Error) => void;
}

export class ModelLane {
  private readonly jobs: Job[] = [];
  private busy = false;
  private refusal: Error | null = null;

  /**
   * Runs `work` once everything more urgent, and everything as urgent that came before, is done.
   * @throws the reason given to `stop`, when the lane is stopped first
   */
  run<T>(priority: number, work: () => Promise<T>): Promise<T> {
    if (this.refusal !== null) return Promise.reject(this.refusal);
    return new Promise<T>((resolve, reject) => {
      const job: Job = { priority, start: () => work().then(resolve, reject), refuse: reject };
      const after = this.jobs.findIndex((other) => other.priority > priority);
      this.jobs.splice(after === -1 ? this.jobs.length : after, 0, job);
      void this.drain();
    });
  }

  /** Refuses what waits and what will come; a call that runs ends by itself. */
  stop(reason: Error): void {
    this.refusal ??= reason;
    for (const job of this.jobs.splice(0)) job.refuse(this.refusal);
  }

  private async drain(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    for (let job = this.jobs.shift(); job !== undefined; job = this.jobs.shift()) {
      await job.start();
      // Results from the radio process must not wait behind a full lane.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.busy = false;
  }
}
