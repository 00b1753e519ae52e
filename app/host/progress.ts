/** How far a run is, how fast, and how long it will take. */

export interface RunProgress {
  readonly phase: 'sounding' | 'trials' | 'references';
  readonly trialsDone: number;
  readonly trialsTotal: number;
  /** Questions answered over the air by second, of this session. */
  readonly questionsPerSecond: number;
  /** Null before there is anything to tell it from. */
  readonly remainingS: number | null;
}

/** Cost of one answer of an AWGN reference against one trial over the air, before it is known better. */
const REFERENCE_COST = 0.12;

export class ProgressMeter {
  private phase: RunProgress['phase'] = 'sounding';
  private startedMs: number | null = null;
  private endedMs: number | null = null;
  private trialsHere = 0;
  private referenceAnswersHere = 0;

  /**
   * @param trialsBefore trials that earlier sessions did
   * @param referenceAnswersLeft answers of AWGN references that this session has to compute
   */
  constructor(
    private readonly trialsTotal: number,
    private readonly trialsBefore: number,
    private readonly referenceAnswersLeft: number,
    private readonly now: () => number,
  ) {}

  trialsStarted(): void {
    this.phase = 'trials';
    this.startedMs = this.now();
  }

  trialDone(): void {
    this.trialsHere++;
    this.endedMs = this.now();
  }

  trialsFinished(): void {
    this.phase = 'references';
  }

  referenceAnswered(answers: number): void {
    this.referenceAnswersHere += answers;
  }

  /** From the first trial sent to the last one recorded. */
  questionsPerSecond(): number {
    if (this.startedMs === null || this.endedMs === null || this.endedMs <= this.startedMs) return 0;
    return this.trialsHere / ((this.endedMs - this.startedMs) / 1000);
  }

  progress(): RunProgress {
    return {
      phase: this.phase,
      trialsDone: this.trialsBefore + this.trialsHere,
      trialsTotal: this.trialsTotal,
      questionsPerSecond: this.questionsPerSecond(),
      remainingS: this.remainingS(),
    };
  }

  private remainingS(): number | null {
    if (this.startedMs === null) return null;
    const elapsedS = (this.now() - this.startedMs) / 1000;
    const done = this.trialsHere + REFERENCE_COST * this.referenceAnswersHere;
    const total = this.trialsTotal - this.trialsBefore + REFERENCE_COST * this.referenceAnswersLeft;
    if (done <= 0 || elapsedS < 0.5) return null;
    return Math.max(0, (elapsedS * (total - done)) / done);
  }
}
