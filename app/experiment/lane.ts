/** Model calls, the most urgent first, and no more at a time than there is room for. */

export const LANE_PRIORITY = { encode: 0, answer: 1, reference: 2 } as const;

interface Job {
  readonly priority: number;
  readonly start: () => Promise<void>;
  readonly refuse: (reason: Error) => void;
}

export class ModelLane {
  private readonly jobs: Job[] = [];
  private running = 0;
  private refusal: Error | null = null;

  /** @param room calls at a time */
  constructor(private room = 1) {}

  /** Lets more calls run at a time. */
  widen(room: number): void {
    this.room = Math.max(this.room, room);
    this.startJobs();
  }

  /**
   * Runs `work` once there is room, after everything more urgent, and everything as urgent that came before.
   * @throws the reason given to `stop`, when the lane is stopped first
   */
  run<T>(priority: number, work: () => Promise<T>): Promise<T> {
    if (this.refusal !== null) return Promise.reject(this.refusal);
    return new Promise<T>((resolve, reject) => {
      const job: Job = { priority, start: () => work().then(resolve, reject), refuse: reject };
      const after = this.jobs.findIndex((other) => other.priority > priority);
      this.jobs.splice(after === -1 ? this.jobs.length : after, 0, job);
      this.startJobs();
    });
  }

  /** Refuses what waits and what will come; a call that runs ends by itself. */
  stop(reason: Error): void {
    this.refusal ??= reason;
    for (const job of this.jobs.splice(0)) job.refuse(this.refusal);
  }

  private startJobs(): void {
    while (this.running < this.room) {
      const job = this.jobs.shift();
      if (job === undefined) return;
      this.running++;
      void job.start().then(() => {
        this.running--;
        this.startJobs();
      });
    }
  }
}
