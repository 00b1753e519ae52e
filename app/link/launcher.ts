/** Opens benches in radio processes of their own, and looks after the transmitters when such a process dies. */
import type { FoundRadio } from '../../drivers/radio';
import type { RadioHealth } from '../ipc/live-messages';
import { MOST_QUEUED_TRIALS } from '../ipc/radio-messages';
import { LinkError } from './errors';
import { forkRadioProcess, RadioProcess, type RadioProcessListener, type SpawnRadioProcess } from './radio-process';
import { checkSetup } from './setup-checks';
import type {
  Bench,
  BenchLauncher,
  BenchObserver,
  BenchRadio,
  BenchSetup,
  RadioDetails,
  RadioRole,
  TrialRequest,
  TrialResult,
} from './types';

/** How long a radio process may take before it counts as hung. Generous: USB radios load firmware when opened. */
const LIMITS_MS = { open: 60_000, trial: 30_000, close: 5_000, list: 30_000, silence: 60_000 };

export interface LauncherOptions {
  readonly spawn?: SpawnRadioProcess;
  readonly listener?: RadioProcessListener;
  readonly limitsMs?: Partial<typeof LIMITS_MS>;
}

type Options = Required<LauncherOptions> & { readonly limitsMs: typeof LIMITS_MS };

function withDefaults({ spawn = forkRadioProcess, listener = {}, limitsMs = {} }: LauncherOptions): Options {
  return { spawn, listener, limitsMs: { ...LIMITS_MS, ...limitsMs } };
}

/** Implements BenchLauncher with one radio process for each bench. */
export class RadioProcessLauncher implements BenchLauncher {
  private readonly options: Options;

  constructor(options: LauncherOptions = {}) {
    this.options = withDefaults(options);
  }

  /** @throws LinkError bad-setup, mixed-drivers, transmit-refused, not-found, wrong-device, process-lost and others */
  async open(setup: BenchSetup): Promise<Bench> {
    checkSetup(setup);
    const { spawn, listener, limitsMs } = this.options;
    const radioProcess = new RadioProcess(spawn, listener);
    try {
      const { radios, details, mcs } = await radioProcess.ask({ type: 'open', setup }, 'opened', limitsMs.open);
      return new ProcessBench(radioProcess, radios, details as RadioDetails[], mcs, setup, this.options);
    } catch (error) {
      await radioProcess.close(limitsMs.close);
      throw error;
    }
  }
}

class ProcessBench implements Bench {
  private readonly lostListeners: ((reason: string) => void)[] = [];
  private lostReason: string | null = null;
  private closed: Promise<void> | null = null;

  constructor(
    private readonly radioProcess: RadioProcess,
    readonly radios: readonly BenchRadio[],
    readonly details: readonly RadioDetails[],
    readonly mcs: Bench['mcs'],
    private readonly setup: BenchSetup,
    private readonly options: Options,
  ) {
    radioProcess.onEnd((reason, expected) => {
      if (!expected) void this.lost(reason);
    });
  }

  get pid(): number | undefined {
    return this.radioProcess.pid;
  }

  async runTrial(request: TrialRequest): Promise<TrialResult> {
    if (this.closed !== null) throw new LinkError('closed', 'the bench is closed');
    // Refused here rather than there: a message that is not sent cannot fill the pipe.
    if (this.radioProcess.pendingCount >= MOST_QUEUED_TRIALS)
      throw new LinkError('queue-full', `trial: ${MOST_QUEUED_TRIALS} are queued already`);
    const { result } = await this.radioProcess.ask(
      { type: 'trial', request },
      'trial-done',
      this.options.limitsMs.trial,
    );
    return result;
  }

  async close(): Promise<void> {
    this.closed ??= this.radioProcess.close(this.options.limitsMs.close);
    return this.closed;
  }

  observe(observer: BenchObserver): void {
    this.radioProcess.observer = observer;
  }

  watch(wanted: { readonly views: boolean; readonly sensors: boolean }): void {
    if (this.closed === null && this.lostReason === null) this.radioProcess.watch(wanted);
  }

  onLost(listener: (reason: string) => void): void {
    if (this.lostReason !== null) listener(this.lostReason);
    else this.lostListeners.push(listener);
  }

  /**
   * The process died without being asked to. Twins are gone with it. Real radios may go on transmitting what they were
   * last told, so a fresh process turns them down; it does not resume anything.
   */
  private async lost(reason: string): Promise<void> {
    const failures = this.setup.air === null ? await this.silenceRadios() : [];
    this.lostReason =
      failures.length === 0 ? reason : `${reason}; transmit could not be turned off: ${failures.join('; ')}`;
    for (const listener of this.lostListeners.splice(0)) listener(this.lostReason);
  }

  private async silenceRadios(): Promise<readonly string[]> {
    try {
      return await silenceRadios(this.setup.roles, this.options);
    } catch (error) {
      return [LinkError.from(error).message];
    }
  }
}

/**
 * Reopens radios in a fresh process, by serial, turns their transmit gain to its minimum and closes them.
 * @returns one line for each radio where that failed
 * @throws LinkError process-lost
 */
export async function silenceRadios(
  radios: readonly RadioRole[],
  options: LauncherOptions = {},
): Promise<readonly string[]> {
  const { spawn, listener, limitsMs } = withDefaults(options);
  const radioProcess = new RadioProcess(spawn, listener);
  try {
    const { failures } = await radioProcess.ask({ type: 'silence', radios }, 'silenced', limitsMs.silence);
    return failures;
  } finally {
    await radioProcess.close(limitsMs.close);
  }
}

export type ListedRadio = Pick<FoundRadio, 'driver' | 'serial' | 'label'>;

/**
 * Radios of the named drivers, found in a radio process, so that a vendor's module that crashes takes no host with it.
 * @returns the radios, and one line for each driver that could not be searched
 * @throws LinkError process-lost, timed-out
 */
export async function listRadios(
  drivers: readonly string[],
  options: LauncherOptions = {},
): Promise<{ radios: readonly ListedRadio[]; failures: readonly string[] }> {
  const { spawn, listener, limitsMs } = withDefaults(options);
  const radioProcess = new RadioProcess(spawn, listener);
  try {
    const { radios, failures } = await radioProcess.ask({ type: 'list', drivers }, 'listed', limitsMs.list);
    return { radios, failures };
  } finally {
    await radioProcess.close(limitsMs.close);
  }
}

/**
 * Opens a radio in a radio process of its own, reads what it is, can do and how it is, and closes it. Nothing transmits.
 * @throws LinkError not-found, wrong-device, process-lost, timed-out
 */
export async function inspectRadio(
  radio: { readonly driver: string; readonly serial: string },
  options: LauncherOptions = {},
): Promise<{ details: RadioDetails; health: RadioHealth }> {
  const { spawn, listener, limitsMs } = withDefaults(options);
  const radioProcess = new RadioProcess(spawn, listener);
  try {
    const { details, health } = await radioProcess.ask({ type: 'inspect', radio }, 'inspected', limitsMs.open);
    return { details: details as RadioDetails, health: health as RadioHealth };
  } finally {
    await radioProcess.close(limitsMs.close);
  }
}
