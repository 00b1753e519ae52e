/** A radio process's answers to its host: opens the bench, runs queued trials, ends when the host falls silent. */
import { findRadios, loadNative, openRadio, type Native } from '../../drivers/radio';
import {
  describeIssues,
  HEARTBEAT_MS,
  HOST_SILENCE_MS,
  MOST_QUEUED_TRIALS,
  radioCommandSchema,
  type RadioCommand,
  type RadioReply,
} from '../ipc/radio-messages';
import { LinkError } from '../link/errors';
import { openBench, type OpenBench } from '../link/radio-bench';
import { TrialRunner } from '../link/trial-runner';
import type { HostChannel } from './channel';
import { detailsOf, Lookout, readSensors } from './lookout';

type CommandOf<Type extends RadioCommand['type']> = Extract<RadioCommand, { type: Type }>;

/** A radio process that has not ended this long after it decided to is hung in a vendor's call. */
const LONGEST_STOP_MS = 2000;

export class RadioServer {
  private bench: OpenBench | null = null;
  private runner: TrialRunner | null = null;
  private lookout: Lookout | null = null;
  private readonly trials: CommandOf<'trial'>[] = [];
  private running = false;
  /** Commands other than trials run one after another. */
  private commands: Promise<void> = Promise.resolve();
  private lastSignMs = performance.now();
  private stopping = false;

  constructor(private readonly channel: HostChannel) {}

  start(): void {
    this.channel.onMessage((message) => this.take(message));
    this.channel.onDisconnect(() => void this.stop('the host is gone', 0));
    setInterval(() => this.watchHost(), HEARTBEAT_MS);
    this.reply({ type: 'started', pid: process.pid, transmitWatchdogMs: HOST_SILENCE_MS });
  }

  /** Ends the process: transmission first, then the radios. Exit status 0 when it was asked for or the host is gone. */
  async stop(reason: string, exitCode: number): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), LONGEST_STOP_MS).unref();
    this.tripWatchdog(reason);
    const error = new LinkError('closed', `the radio process is ending: ${reason}`);
    for (const { id } of this.trials.splice(0)) this.refuse(id, error);
    await this.bench?.close().catch(() => undefined);
    await Promise.race([
      this.channel.send({ type: 'stopped', reason } satisfies RadioReply),
      new Promise((resolve) => setTimeout(resolve, 200)),
    ]);
    process.exit(exitCode);
  }

  private tripWatchdog(reason: string): void {
    if (this.native === null) return;
    // What is done on purpose needs no second reason.
    this.native.setTripListener(null);
    // Twins' bursts that are queued in the medium go with it (native/addon).
    this.native.tripWatchdog(reason);
    this.native.medium.endTrial();
  }

  private native: Native | null = null;

  /** @throws RadioError native-missing */
  private load(): Native {
    if (this.native !== null) return this.native;
    const native = loadNative();
    native.setLogListener((level, line) => {
      if (['fatal', 'critical', 'error', 'warning'].includes(level))
        this.reply({ type: 'log', level, line: line.slice(0, 2000) });
    });
    native.setTripListener((reason) => void this.stop(`transmission was disabled: ${reason}`, 1));
    this.native = native;
    return native;
  }

  private watchHost(): void {
    if (performance.now() - this.lastSignMs <= HOST_SILENCE_MS) return;
    // A host that spoke while this process was not scheduled has its words in the pipe: read them before judging.
    setImmediate(() =>
      setImmediate(() => {
        const silentMs = performance.now() - this.lastSignMs;
        if (silentMs > HOST_SILENCE_MS) void this.stop(`the host was silent for ${Math.round(silentMs)} ms`, 0);
      }),
    );
  }

  private take(message: unknown): void {
    const parsed = radioCommandSchema.safeParse(message);
    if (!parsed.success) {
      const id = (message as { id?: unknown } | null)?.id;
      const known = typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 ? id : null;
      this.refuse(known, new LinkError('malformed-message', describeIssues(parsed.error)));
      return;
    }
    this.lastSignMs = performance.now();
    this.native?.feedWatchdog();
    const command = parsed.data;
    if (command.type === 'heartbeat') return;
    if (command.type === 'halt') return this.tripWatchdog('stopped by the host');
    if (command.type === 'watch') return this.lookout?.watch(command);
    if (this.stopping) this.refuse(command.id, new LinkError('closed', 'the radio process is ending'));
    else if (command.type === 'trial') this.queue(command);
    else this.commands = this.commands.then(() => this.execute(command));
  }

  private async execute(
    command: Exclude<RadioCommand, { type: 'heartbeat' | 'halt' | 'watch' | 'trial' }>,
  ): Promise<void> {
    try {
      switch (command.type) {
        case 'open':
          return await this.open(command);
        case 'list':
          return await this.list(command);
        case 'silence':
          return await this.silence(command);
        case 'inspect':
          return await this.inspect(command);
        case 'close':
          await this.close(command);
      }
    } catch (error) {
      this.refuse(command.id, error);
    }
  }

  private async open({ id, setup }: CommandOf<'open'>): Promise<void> {
    if (this.bench !== null) throw new LinkError('bad-setup', 'open: this process has its radios; allowed once');
    const native = this.load();
    this.bench = await openBench(setup, native);
    this.runner = new TrialRunner(this.bench, native);
    // The one place where transmission is enabled. It is never enabled again in this process.
    if (this.bench.users.size > 0) native.armWatchdog();
    this.lookout = new Lookout(this.bench, this.runner, native.numerology.fftSize, (reply) => this.channel.send(reply));
    this.reply({
      type: 'opened',
      id,
      radios: this.bench.radios,
      details: this.lookout.details,
      mcs: native.mcsThresholds(),
    });
  }

  private queue(command: CommandOf<'trial'>): void {
    if (this.runner === null) this.refuse(command.id, new LinkError('closed', 'trial: no radios are open'));
    else if (this.trials.length >= MOST_QUEUED_TRIALS)
      this.refuse(command.id, new LinkError('queue-full', `trial: ${MOST_QUEUED_TRIALS} are queued already`));
    else {
      this.trials.push(command);
      void this.runTrials(this.runner);
    }
  }

  private async runTrials(runner: TrialRunner): Promise<void> {
    if (this.running) return;
    this.running = true;
    for (let trial = this.trials.shift(); trial !== undefined; trial = this.trials.shift()) {
      try {
        const result = await runner.run(trial.request);
        this.lookout?.note(result.events);
        // The next trial waits until this one is out: a host that reads slowly sets the pace.
        await this.channel.send({ type: 'trial-done', id: trial.id, result } satisfies RadioReply);
      } catch (error) {
        this.refuse(trial.id, error);
      }
    }
    this.running = false;
  }

  private async close({ id }: CommandOf<'close'>): Promise<void> {
    this.tripWatchdog('the radios are being closed');
    this.lookout?.close();
    await this.bench?.close();
    await this.channel.send({ type: 'closed', id } satisfies RadioReply);
    await this.stop('closed by the host', 0);
  }

  private async list({ id, drivers }: CommandOf<'list'>): Promise<void> {
    this.load();
    const radios: { driver: string; serial: string; label: string }[] = [];
    const failures: string[] = [];
    for (const driver of drivers) {
      try {
        for (const { serial, label } of await findRadios(driver)) radios.push({ driver, serial, label });
      } catch (error) {
        failures.push(`${driver}: ${LinkError.from(error).message}`.slice(0, 2000));
      }
    }
    this.reply({ type: 'listed', id, radios, failures });
  }

  private async inspect({ id, radio }: CommandOf<'inspect'>): Promise<void> {
    this.load();
    const device = await openRadio({ ...radio });
    try {
      const { driver, serial } = device;
      const health = { driver, serial, faults: {}, sensors: await readSensors(device) };
      this.reply({ type: 'inspected', id, details: detailsOf(device), health });
    } finally {
      await device.close();
    }
  }

  private async silence({ id, radios }: CommandOf<'silence'>): Promise<void> {
    this.load();
    const failures: string[] = [];
    for (const { driver, serial, role } of radios) {
      try {
        const device = await openRadio({ driver, serial });
        try {
          await device.silence();
        } finally {
          await device.close();
        }
      } catch (error) {
        failures.push(`${role} (${driver} ${serial}): ${LinkError.from(error).message}`.slice(0, 2000));
      }
    }
    this.reply({ type: 'silenced', id, failures });
  }

  private refuse(id: number | null, thrown: unknown): void {
    const { code, message } = LinkError.from(thrown);
    this.reply({ type: 'refused', id, code, message: message.slice(0, 2000) });
  }

  private reply(reply: RadioReply): void {
    void this.channel.send(reply);
  }
}
