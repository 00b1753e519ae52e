/** RadioDevice over SoapySDR, by way of the addon. */
import type {
  Achieved,
  BurstReceiver,
  BurstTransmitter,
  Direction,
  OutgoingBurst,
  RadioDevice,
  ReceivedBurst,
  ReceiverOptions,
  Reception,
  SentBurst,
  Spectrum,
  StreamEvent,
  SubbandUser,
  TransmitterOptions,
} from './contract';
import { RadioError, radioCall } from './errors';
import { loadNative, type NativeBatch, type NativeDevice, type NativeReceiver, type NativeTransmitter } from './native';

/** Bursts and events that wait for somebody to collect them; the oldest beyond it are dropped, and that is an event. */
const MOST_WAITING_BURSTS = 1024;
const MOST_WAITING_EVENTS = 256;

export interface FoundRadio {
  readonly driver: string;
  readonly serial: string;
  readonly label: string;
  readonly args: Readonly<Record<string, string>>;
}

/**
 * Radios of one driver, as SoapySDR finds them. Nothing is opened.
 * @throws RadioError native-missing, out-of-range (no driver named), driver-failed
 */
export async function findRadios(driver: string): Promise<FoundRadio[]> {
  const found = await radioCall(() => loadNative().enumerate(driver));
  return found.map((args) => ({
    driver: args['driver'] ?? driver,
    serial: args['serial'] ?? '',
    label: args['label'] ?? args['product'] ?? args['driver'] ?? driver,
    args,
  }));
}

/**
 * Opens a radio and makes sure that it is the one asked for.
 * @throws RadioError native-missing, not-found, wrong-device, driver-failed
 */
export async function openRadio(
  args: { driver: string; serial?: string } & Record<string, string>,
): Promise<RadioDevice> {
  const native = await radioCall(() => loadNative().openDevice(args));
  return new SoapyDevice(native);
}

class SoapyDevice implements RadioDevice {
  readonly driver: string;
  readonly serial: string;
  readonly hardware: string;
  readonly information: Readonly<Record<string, string>>;
  readonly simulated: boolean;
  readonly mayTransmit: boolean;
  readonly capabilities: NativeDevice['capabilities'];
  private closing: Promise<void> | null = null;

  constructor(private readonly native: NativeDevice) {
    this.driver = native.driver;
    this.serial = native.serial;
    this.hardware = native.hardware;
    this.information = native.information;
    this.simulated = native.driver === 'twin';
    this.mayTransmit = native.mayTransmit;
    this.capabilities = native.capabilities;
  }

  async setCenterFrequencyHz(direction: Direction, requestedHz: number): Promise<Achieved> {
    return this.achieve(requestedHz, () => this.native.setCenterFrequencyHz(direction, requestedHz));
  }

  async setSampleRateHz(direction: Direction, requestedHz: number): Promise<Achieved> {
    return this.achieve(requestedHz, () => this.native.setSampleRateHz(direction, requestedHz));
  }

  async setBandwidthHz(direction: Direction, requestedHz: number): Promise<Achieved> {
    return this.achieve(requestedHz, () => this.native.setBandwidthHz(direction, requestedHz));
  }

  async setGainDb(direction: Direction, requestedDb: number): Promise<Achieved> {
    return this.achieve(requestedDb, () => this.native.setGainDb(direction, requestedDb));
  }

  async centerFrequencyHz(direction: Direction): Promise<number> {
    return this.call(() => this.native.centerFrequencyHz(direction));
  }

  async sampleRateHz(direction: Direction): Promise<number> {
    return this.call(() => this.native.sampleRateHz(direction));
  }

  async gainDb(direction: Direction): Promise<number> {
    return this.call(() => this.native.gainDb(direction));
  }

  async hardwareTimeNs(): Promise<number | null> {
    return this.call(() => this.native.hardwareTimeNs());
  }

  async readSensor(name: string): Promise<string> {
    return this.call(() => this.native.readSensor(name));
  }

  async startReceiver(options: ReceiverOptions): Promise<BurstReceiver> {
    const receiver = new SoapyReceiver(this.serial);
    receiver.attach(await this.call(() => this.native.startReceiver(options, (batch) => receiver.take(batch))));
    return receiver;
  }

  async startTransmitter(options: TransmitterOptions): Promise<BurstTransmitter> {
    // The addon refuses it as well; this side answers without touching the radio.
    if (!this.mayTransmit) throw transmitRefusal(this.driver);
    const events: StreamEvent[] = [];
    const native = await this.call(() =>
      this.native.startTransmitter(options, (batch) => {
        events.push(...batch);
        events.splice(0, Math.max(0, events.length - MOST_WAITING_EVENTS));
      }),
    );
    return new SoapyTransmitter(native, events);
  }

  async silence(): Promise<void> {
    return this.call(() => this.native.silence());
  }

  async close(): Promise<void> {
    this.closing ??= radioCall(() => this.native.close());
    return this.closing;
  }

  private async achieve(requested: number, set: () => Promise<number>): Promise<Achieved> {
    return { requested, actual: await this.call(set) };
  }

  private async call<T>(call: () => Promise<T>): Promise<T> {
    if (this.closing !== null) throw new RadioError('closed', `radio ${this.serial} is closed`);
    return radioCall(call);
  }
}

/** Why a radio of this driver may not transmit. */
export function transmitRefusal(driver: string): RadioError {
  return new RadioError(
    'transmit-refused',
    `transmitting with driver ${driver} is refused until the safety layer lands; only driver twin may`,
    'driver',
  );
}

interface Waiter {
  readonly afterEpoch: number;
  readonly timeNs: number;
  readonly resolve: (reception: Reception) => void;
  readonly reject: (error: RadioError) => void;
  readonly timer: NodeJS.Timeout;
}

class SoapyReceiver implements BurstReceiver {
  /** As of the last batch; the stream itself may be further. */
  private seenEpoch = 0;
  private processedUntilNs = 0;
  private running = true;
  private bursts: ReceivedBurst[] = [];
  private events: StreamEvent[] = [];
  private waiter: Waiter | null = null;
  private native: NativeReceiver | null = null;

  constructor(private readonly serial: string) {}

  get epoch(): number {
    if (!this.running || this.native === null) return this.seenEpoch;
    try {
      return this.native.epoch();
    } catch {
      return this.seenEpoch; // ended in this moment
    }
  }

  setSubbands(users: readonly SubbandUser[]): void {
    try {
      this.native?.setSubbands(users);
    } catch (error) {
      throw new RadioError('out-of-range', (error as Error).message);
    }
  }

  attach(native: NativeReceiver): void {
    this.native = native;
  }

  take(batch: NativeBatch): void {
    for (const burst of batch.bursts) this.bursts.push(burst);
    for (const event of batch.events) this.events.push(event);
    this.bound();
    this.seenEpoch = batch.epoch;
    this.processedUntilNs = batch.processedUntilNs;
    this.running = batch.running;
    this.settle();
  }

  async collect(until: { afterEpoch: number; timeNs: number; timeoutMs: number }): Promise<Reception> {
    if (this.waiter !== null) throw new RadioError('queue-full', `radio ${this.serial}: one collect at a time`);
    const { native } = this;
    if (native === null || !this.running)
      throw new RadioError('closed', `radio ${this.serial}: the receive stream is not running`);
    return new Promise<Reception>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiter = null;
        const { seenEpoch, processedUntilNs } = this;
        const waited = `waited ${until.timeoutMs} ms for ${until.timeNs} ns after epoch ${until.afterEpoch}`;
        const message = `radio ${this.serial}: ${waited}, last told ${processedUntilNs} ns of epoch ${seenEpoch}`;
        reject(new RadioError('timed-out', message));
      }, until.timeoutMs);
      this.waiter = { afterEpoch: until.afterEpoch, timeNs: until.timeNs, resolve, reject, timer };
      this.settle();
      if (this.waiter === null) return;
      try {
        native.mark(until.afterEpoch, until.timeNs);
      } catch (error) {
        this.refuse(RadioError.from(error));
      }
    });
  }

  drain(): Reception {
    const bursts = this.bursts.filter((burst) => burst.epoch === this.seenEpoch);
    const events = this.events;
    this.bursts = [];
    this.events = [];
    return { bursts, events, epoch: this.seenEpoch, processedUntilNs: this.processedUntilNs };
  }

  watch(on: boolean): void {
    if (this.running) this.native?.watch(on);
  }

  takeSpectrum(): Spectrum | null {
    try {
      return this.running ? (this.native?.takeSpectrum() ?? null) : null;
    } catch {
      return null; // ended in this moment
    }
  }

  async stop(): Promise<void> {
    await radioCall(() => this.native?.stop());
    this.running = false;
    this.settle();
  }

  private settle(): void {
    const { waiter } = this;
    if (waiter === null) return;
    if (this.seenEpoch > waiter.afterEpoch && this.processedUntilNs >= waiter.timeNs) {
      this.waiter = null;
      clearTimeout(waiter.timer);
      waiter.resolve(this.drain());
    } else if (!this.running) {
      const lost = this.events.find((event) => event.kind === 'device-lost');
      this.refuse(
        new RadioError('closed', `radio ${this.serial}: the receive stream has ended${lost ? `: ${lost.detail}` : ''}`),
      );
    }
  }

  private refuse(error: RadioError): void {
    const { waiter } = this;
    this.waiter = null;
    if (waiter === null) return;
    clearTimeout(waiter.timer);
    waiter.reject(error);
  }

  private bound(): void {
    const tooMany = this.bursts.length - MOST_WAITING_BURSTS;
    if (tooMany > 0) {
      this.bursts.splice(0, tooMany);
      this.events.push({
        kind: 'dropped-burst',
        direction: 'rx',
        serial: this.serial,
        hardwareTimeNs: null,
        count: tooMany,
        detail: 'nobody collected the results',
      });
    }
    this.events.splice(0, Math.max(0, this.events.length - MOST_WAITING_EVENTS));
  }
}

class SoapyTransmitter implements BurstTransmitter {
  constructor(
    private readonly native: NativeTransmitter,
    private readonly events: StreamEvent[],
  ) {}

  async send(burst: OutgoingBurst): Promise<SentBurst> {
    return radioCall(() => this.native.send(burst));
  }

  async flush(timeoutMs: number): Promise<number> {
    return radioCall(() => this.native.flush(timeoutMs));
  }

  drainEvents(): readonly StreamEvent[] {
    return this.events.splice(0);
  }

  async stop(): Promise<void> {
    return radioCall(() => this.native.stop());
  }
}
