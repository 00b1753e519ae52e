/** `--smoke-run`: does the whole application work here? Host, run, window; one line; exit code. */
import type { HostState } from '../ipc/desktop-messages';
import type { HostEvent } from '../ipc/host-messages';

const START_LIMIT_MS = 120_000;
/** The window draws after the host has told of the last point. */
const DRAW_LIMIT_MS = 5_000;
const DRAW_POLL_MS = 100;

export class SmokeRun {
  private ended = false;
  private readonly startLimit: ReturnType<typeof setTimeout>;

  constructor(
    private readonly countShownRows: () => Promise<number>,
    private readonly exit: (exitCode: number) => void,
  ) {
    this.startLimit = setTimeout(() => {
      this.end(false, `no run started within ${START_LIMIT_MS / 1000} s`);
    }, START_LIMIT_MS);
  }

  hostChanged(state: HostState): void {
    if (state.phase === 'ended' || state.phase === 'failed') this.end(false, state.message ?? 'the host ended');
  }

  hostSaid(event: HostEvent): void {
    if (event.type === 'run-started') clearTimeout(this.startLimit);
    else if (event.type === 'error') this.end(false, event.message);
    else if (event.type === 'run-finished') {
      if (event.outcome === 'done') void this.finish(event.wallS, event.reportFile);
      else this.end(false, event.message ?? `the run was ${event.outcome}`);
    }
  }

  private async finish(wallS: number, reportFile: string | null): Promise<void> {
    const limitMs = Date.now() + DRAW_LIMIT_MS;
    let rows = 0;
    while (rows === 0 && Date.now() < limitMs) {
      rows = await this.countShownRows();
      if (rows === 0) await new Promise((resolve) => setTimeout(resolve, DRAW_POLL_MS));
    }
    if (rows === 0) this.end(false, 'the run is done, but the window shows no result');
    else this.end(true, `${rows} points shown, run ${wallS.toFixed(1)} s, report ${reportFile ?? 'none'}`);
  }

  private end(done: boolean, text: string): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.startLimit);
    console.log(`smoke-run ${done ? 'done' : 'failed'}: ${text}`);
    this.exit(done ? 0 : 1);
  }
}
