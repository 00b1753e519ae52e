/** How far a run is, how fast, how long it will take, and whether it is on the air. */
import type { Bench } from '../link/types';
import { PauseGate } from './pause-gate';

export interface RunProgress {
  readonly phase: 'sounding' | 'trials' | 'references';
  /** Trials were with the radios at some time since the last look. */
  readonly transmitting: boolean;
  /** `pausing`: no trial is handed out any more, but some are with the radios still. `paused`: none is. */
  readonly pause: 'no' | 'pausing' | 'paused';
  readonly trialsDone: number;
  readonly trialsTotal: number;
  /** Questions answered over the air by second, of this session. */
  readonly questionsPerSecond: number;
  /** Null before there is anything to tell it from. */
  readonly remainingS: number | null;
}

/** Seconds for one answer of an AWGN reference, until the run shows its own. */
const ASSUMED_ANSWER_S = 1e-3;

export class ProgressMeter {
  private phase: RunProgress['phase'] = 'sounding';
  private startedMs: number | null = null;
  private endedMs: number | null = null;
  private trialsHere = 0;
  private referenceAnswersHere = 0;
  /** When the trials were done, and the answers of references computed beside them until then. */
  private referencesMs: number | null = null;
  private answersBefore = 0;
  private trialsWithRadios = 0;
  private transmitted = false;

  /**
   * @param trialsBefore trials that earlier sessions did
   * @param referenceAnswersLeft answers of AWGN references that this session has to compute
   */
  constructor(
    private readonly trialsTotal: number,
    private readonly trialsBefore: number,
    private readonly referenceAnswersLeft: number,
    private readonly now: () => number,
    private readonly gate = new PauseGate(),
  ) {}

  /** The same bench behind the gate; what is said of transmitting follows its trials, not the plan. */
  watchAir(bench: Bench): Bench {
    return {
      radios: bench.radios,
      mcs: bench.mcs,
      pid: bench.pid,
      runTrial: async (request) => {
        await this.gate.pass();
        this.trialsWithRadios++;
        this.transmitted = true;
        try {
          return await bench.runTrial(request);
        } finally {
          this.trialsWithRadios--;
        }
      },
      close: () => bench.close(),
      onLost: (listener) => bench.onLost(listener),
    };
  }

  trialsStarted(): void {
    this.phase = 'trials';
    this.startedMs = this.workedMs();
  }

  trialDone(): void {
    this.trialsHere++;
    this.endedMs = this.workedMs();
  }

  trialsFinished(): void {
    this.phase = 'references';
    this.referencesMs = this.workedMs();
    this.answersBefore = this.referenceAnswersHere;
  }

  referenceAnswered(answers: number): void {
    this.referenceAnswersHere += answers;
  }

  get trialsDone(): number {
    return this.trialsBefore + this.trialsHere;
  }

  /** From the first trial sent to the last one recorded. */
  questionsPerSecond(): number {
    if (this.startedMs === null || this.endedMs === null || this.endedMs <= this.startedMs) return 0;
    return this.trialsHere / ((this.endedMs - this.startedMs) / 1000);
  }

  /** A look: what has transmitted before it does not count for the next one. */
  progress(): RunProgress {
    const transmitting = this.transmitted;
    this.transmitted = this.trialsWithRadios > 0;
    return {
      phase: this.phase,
      transmitting,
      pause: !this.gate.isShut ? 'no' : this.trialsWithRadios > 0 ? 'pausing' : 'paused',
      trialsDone: this.trialsDone,
      trialsTotal: this.trialsTotal,
      questionsPerSecond: this.questionsPerSecond(),
      remainingS: this.remainingS(),
    };
  }

  /** Without pauses. */
  private workedMs(): number {
    const nowMs = this.now();
    return nowMs - this.gate.shutMs(nowMs);
  }

  private remainingS(): number | null {
    const rate = this.questionsPerSecond();
    if (this.startedMs === null || rate === 0) return null;
    const trialsS = (this.trialsTotal - this.trialsBefore - this.trialsHere) / rate;
    return trialsS + (this.referenceAnswersLeft - this.referenceAnswersHere) * this.answerS();
  }

  private answerS(): number {
    const answers = this.referenceAnswersHere - this.answersBefore;
    if (this.referencesMs === null || answers === 0) return ASSUMED_ANSWER_S;
    return (this.workedMs() - this.referencesMs) / 1000 / answers;
  }
}
