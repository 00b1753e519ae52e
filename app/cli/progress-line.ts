/** The progress line on stderr: one line that is redrawn on a terminal, now and then a plain line elsewhere. */
import type { RunProgress } from '../host/progress';
import { formatDuration } from '../units/format';

const TERMINAL_INTERVAL_MS = 250;
const PLAIN_INTERVAL_MS = 5000;

export class ProgressLine {
  private lastMs = 0;
  private shown = false;
  private lastPhase: RunProgress['phase'] | null = null;
  private newest: RunProgress | null = null;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  show(progress: RunProgress): void {
    const nowMs = Date.now();
    const terminal = this.stream.isTTY;
    const interval = terminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
    this.newest = progress;
    if (nowMs - this.lastMs < interval && progress.phase === this.lastPhase) return;
    this.lastMs = nowMs;
    this.lastPhase = progress.phase;
    const text = describe(progress);
    if (terminal) {
      this.stream.write(`\r\u001b[K${text}`);
      this.shown = true;
    } else this.stream.write(`${text}\n`);
  }

  /** Leaves the line as the run left it, so that what follows starts on its own. */
  end(): void {
    const last = this.newest === null ? '' : counted(this.newest);
    if (this.shown) this.stream.write(`\r\u001b[K${last}\n`);
    else if (this.newest !== null) this.stream.write(`${last}\n`);
    this.newest = null;
    this.shown = false;
  }
}

function counted({ trialsDone, trialsTotal }: RunProgress): string {
  const share = trialsTotal === 0 ? 100 : Math.floor((100 * trialsDone) / trialsTotal);
  return `${trialsDone} of ${trialsTotal} trials (${share} %)`;
}

function describe(progress: RunProgress): string {
  const { phase, questionsPerSecond, remainingS } = progress;
  const left = remainingS === null ? '' : `, about ${formatDuration(remainingS)} left`;
  if (phase === 'sounding') return `${counted(progress)}, sounding: finding the gains`;
  if (phase === 'references') return `${counted(progress)}, computing the AWGN references${left}`;
  const rate = questionsPerSecond > 0 ? `, ${questionsPerSecond.toFixed(0)} questions a second` : '';
  return `${counted(progress)}${rate}${left}`;
}
