/**
 * Stop-everything, two ways at once: the host is told to end its run, which silences its radios first of all; and where
 * the radio process is still there shortly after, because the host hangs, it is told itself (SIGTERM: it disables
 * transmission, turns the radios down and ends).
 */
import type { HostEvent } from '../ipc/host-messages';

/** For the host to do it in good order. With what the radio process needs it must stay well below 200 ms. */
const HOST_LIMIT_MS = 100;

export class StopEverything {
  private radioPids: readonly number[] = [];

  /** @param terminate sends SIGTERM; a process that is gone is no error. */
  constructor(
    private readonly stopRun: () => void,
    private readonly terminate: (pid: number) => void,
  ) {}

  hostSaid(event: HostEvent): void {
    if (event.type === 'run-started') this.radioPids = event.radioPids;
    // Radios are closed once nothing is to be sent any more, and the number may soon be another's.
    else if (event.type === 'run-finished') this.radioPids = [];
    else if (event.type === 'progress' && event.phase === 'references') this.radioPids = [];
  }

  /** Its radio process ends by itself. */
  hostEnded(): void {
    this.radioPids = [];
  }

  stop(): void {
    const pids = this.radioPids;
    this.stopRun();
    if (pids.length === 0) return;
    setTimeout(() => {
      if (this.radioPids === pids) pids.forEach(this.terminate);
    }, HOST_LIMIT_MS);
  }
}

/** SIGTERM to a process that may be gone. */
export function terminateProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // Gone already, which is what was wanted.
  }
}
