/**
 * Keeps the host process alive and its failures visible: heartbeat watch, capped restarts, clean shutdown. It knows
 * nothing of Electron (the launcher is handed in), so its rules are tested without one.
 *
 * A restarted host is idle. Nothing here starts a run, so transmission never resumes by itself.
 */
import type { HostState } from '../ipc/desktop-messages';
import { describeRefusal } from '../ipc/desktop-messages';
import { hostEventSchema, type HostCommand, type HostEvent } from '../ipc/host-messages';

/** One started host process. */
export interface HostProcess<Port> {
  readonly pid: number | undefined;
  post(command: HostCommand, ports?: Port[]): void;
  kill(): void;
}

export interface HostProcessListener {
  onSpawn(): void;
  onMessage(message: unknown): void;
  onExit(code: number | null): void;
}

export type HostLauncher<Port> = (listener: HostProcessListener) => HostProcess<Port>;

export interface SupervisorTimes {
  readonly checkEveryMs: number;
  /** Not heard for so long: reported. */
  readonly silentAfterMs: number;
  /** Not heard for so long: killed. */
  readonly killAfterMs: number;
  /** The same two before the first `ready`: loading models and native libraries takes its time. */
  readonly startSilentAfterMs: number;
  readonly startKillAfterMs: number;
  readonly restartDelayMs: number;
  /** At most `maxRestarts` automatic restarts in `restartWindowMs`. */
  readonly restartWindowMs: number;
  readonly maxRestarts: number;
  /** From the shutdown command to the kill. */
  readonly shutdownLimitMs: number;
}

export const defaultTimes: SupervisorTimes = {
  checkEveryMs: 250,
  silentAfterMs: 2_000,
  killAfterMs: 15_000,
  startSilentAfterMs: 15_000,
  startKillAfterMs: 60_000,
  restartDelayMs: 500,
  restartWindowMs: 60_000,
  maxRestarts: 3,
  shutdownLimitMs: 8_000,
};

export interface SupervisorCallbacks {
  onState(state: HostState): void;
  /** A checked message of the control channel. */
  onEvent(event: HostEvent): void;
  onRefused(reason: string): void;
  /** The process has been spawned and takes messages: the place to attach a window. */
  onSpawn(): void;
}

export class HostSupervisor<Port> {
  private process: HostProcess<Port> | null = null;
  private phase: HostState['phase'] = 'starting';
  private message: string | null = null;
  private heardAtMs = 0;
  private busyUntilMs = 0;
  private wasReady = false;
  private restartTimesMs: number[] = [];
  private watch: ReturnType<typeof setInterval> | null = null;
  private lastCheckMs = 0;
  private restartTimer: ReturnType<typeof setTimeout> | null = null;
  private killReason: string | null = null;
  private ending: Promise<void> | null = null;
  private resolveEnding: (() => void) | null = null;

  constructor(
    private readonly launch: HostLauncher<Port>,
    private readonly callbacks: SupervisorCallbacks,
    private readonly times: SupervisorTimes = defaultTimes,
    private readonly nowMs: () => number = Date.now,
  ) {}

  get state(): HostState {
    return {
      phase: this.phase,
      pid: this.process?.pid ?? null,
      message: this.message,
      restarts: this.restartTimesMs.length,
    };
  }

  start(): void {
    if (this.process || this.ending) return;
    this.wasReady = false;
    this.killReason = null;
    this.busyUntilMs = 0;
    this.heardAtMs = this.nowMs();
    this.lastCheckMs = this.heardAtMs;
    // Late events of a process that has been replaced must not speak for its successor.
    let current = true;
    this.process = this.launch({
      onSpawn: () => {
        if (!current) return;
        this.setPhase('starting', null); // said again: now there is a process id
        this.callbacks.onSpawn();
      },
      onMessage: (message) => {
        if (current) this.receive(message);
      },
      onExit: (code) => {
        if (!current) return;
        current = false;
        this.exited(code);
      },
    });
    this.watch ??= setInterval(() => {
      this.check();
    }, this.times.checkEveryMs);
    this.setPhase('starting', null);
  }

  /** Started again by the user: the count of automatic restarts begins anew. */
  restart(): void {
    if (this.process || this.ending) return;
    this.cancelRestart();
    this.restartTimesMs = [];
    this.start();
  }

  /** @returns false when there is no process to take it. */
  post(command: HostCommand, ports?: Port[]): boolean {
    if (!this.process) return false;
    this.process.post(command, ports);
    return true;
  }

  /** Asks the host to end, waits, kills. Resolves when it is gone; nothing is restarted afterwards. */
  shutdown(): Promise<void> {
    if (this.ending) return this.ending;
    this.cancelRestart();
    this.ending = new Promise((resolve) => {
      this.resolveEnding = resolve;
    });
    if (!this.process) {
      this.finishEnding();
      return this.ending;
    }
    this.setPhase('stopping', null);
    this.process.post({ type: 'shutdown' });
    const limit = setTimeout(() => this.process?.kill(), this.times.shutdownLimitMs);
    return this.ending.finally(() => {
      clearTimeout(limit);
    });
  }

  private receive(message: unknown): void {
    const parsed = hostEventSchema.safeParse(message);
    if (!parsed.success) {
      // It is alive, but what it says cannot be used: heard, reported, dropped.
      this.heardAtMs = this.nowMs();
      this.callbacks.onRefused(describeRefusal(parsed.error));
      return;
    }
    const event = parsed.data;
    this.heardAtMs = this.nowMs();
    if (event.type === 'busy') this.busyUntilMs = this.heardAtMs + event.expectedS * 1000;
    // A heartbeat in between may be followed by the next silence; any other event says that the work is done.
    else if (event.type !== 'heartbeat') this.busyUntilMs = 0;
    if (event.type === 'ready') this.wasReady = true;
    if (this.wasReady && this.phase !== 'stopping') {
      if (event.type === 'busy') this.setPhase('busy', event.what);
      else if (this.heardAtMs >= this.busyUntilMs) this.setPhase('ready', null);
    }
    this.callbacks.onEvent(event);
  }

  private check(): void {
    const now = this.nowMs();
    const pauseMs = now - this.lastCheckMs - this.times.checkEveryMs;
    this.lastCheckMs = now;
    // This process itself did not run (suspended laptop, debugger): its deafness is not the host's silence.
    if (pauseMs > this.times.checkEveryMs) this.heardAtMs += pauseMs;
    if (!this.process || this.phase === 'stopping') return;
    const silentMs = now - Math.max(this.heardAtMs, this.busyUntilMs);
    const silentAfterMs = this.wasReady ? this.times.silentAfterMs : this.times.startSilentAfterMs;
    const killAfterMs = this.wasReady ? this.times.killAfterMs : this.times.startKillAfterMs;
    if (silentMs >= killAfterMs) {
      if (this.killReason !== null) return;
      this.killReason = `did not answer for ${Math.round(silentMs / 1000)} s and was ended`;
      this.process.kill();
    } else if (silentMs >= silentAfterMs) {
      this.setPhase('silent', `The host process has not answered for more than ${silentAfterMs / 1000} s.`);
    }
  }

  private exited(code: number | null): void {
    this.process = null;
    if (this.ending) {
      this.finishEnding();
      return;
    }
    const how = this.killReason ?? `ended unexpectedly (${code === null ? 'no exit code' : `exit code ${code}`})`;
    const now = this.nowMs();
    this.restartTimesMs = this.restartTimesMs.filter((atMs) => now - atMs < this.times.restartWindowMs);
    if (this.restartTimesMs.length >= this.times.maxRestarts) {
      this.setPhase('failed', `The host process ${how}.`);
      return;
    }
    this.restartTimesMs.push(now);
    this.setPhase('ended', `The host process ${how}.`);
    this.restartTimer = setTimeout(() => {
      this.restartTimer = null;
      this.start();
    }, this.times.restartDelayMs);
  }

  private setPhase(phase: HostState['phase'], message: string | null = this.message): void {
    if (phase === this.phase && message === this.message && phase !== 'starting') return;
    this.phase = phase;
    this.message = message;
    this.callbacks.onState(this.state);
  }

  private cancelRestart(): void {
    if (this.restartTimer) clearTimeout(this.restartTimer);
    this.restartTimer = null;
  }

  private finishEnding(): void {
    if (this.watch) clearInterval(this.watch);
    this.watch = null;
    this.resolveEnding?.();
  }
}
