/**
 * What a radio process tells those who look on. Faults are told whenever they happen; views and sensors are made only
 * while somebody watches, and a view that cannot go out yet is never queued: the next one has more in it.
 */
import type { RadioDevice, StreamEvent } from '../../drivers/radio';
import {
  MOST_TOLD_EVENTS,
  SENSOR_INTERVAL_MS,
  VIEW_INTERVAL_MS,
  type RadioDetails,
  type RadioHealth,
} from '../ipc/live-messages';
import type { RadioReply } from '../ipc/radio-messages';
import { LiveViews } from '../link/live-views';
import type { OpenBench } from '../link/radio-bench';
import type { TrialRunner } from '../link/trial-runner';

/** Faults of a busy moment go out together. */
const FAULT_INTERVAL_MS = 200;
/** As much of a sensor's words as the message takes. */
const MOST_VALUE = 200;

export class Lookout {
  private readonly views: LiveViews;
  private readonly health: Map<RadioDevice, { faults: RadioHealth['faults']; sensors: RadioHealth['sensors'] }>;
  private untold: StreamEvent[] = [];
  private leftOut = 0;
  private timers: NodeJS.Timeout[] = [];
  private faultTimer: NodeJS.Timeout | null = null;
  private viewIsOut = true;
  private reading = false;

  constructor(
    private readonly bench: OpenBench,
    private readonly runner: TrialRunner,
    fftSize: number,
    private readonly send: (reply: RadioReply) => Promise<boolean>,
  ) {
    this.views = new LiveViews([...bench.users.keys()], bench.setup.sampleRateHz / fftSize);
    runner.idleWatcher = (events) => this.note(events);
    this.health = new Map(devicesOf(bench).map((device) => [device, { faults: {}, sensors: null }]));
  }

  get details(): RadioDetails[] {
    return [...this.health.keys()].map(detailsOf);
  }

  watch({ views, sensors }: { readonly views: boolean; readonly sensors: boolean }): void {
    for (const timer of this.timers.splice(0)) clearInterval(timer);
    this.bench.receiver.watch(views);
    this.runner.watcher = views ? (result, found) => this.views.take(result, found) : null;
    this.views.make(); // what is left of an earlier look
    if (views) this.timers.push(setInterval(() => this.tellView(), VIEW_INTERVAL_MS));
    if (!sensors) return;
    this.timers.push(setInterval(() => void this.tellSensors(), SENSOR_INTERVAL_MS));
    void this.tellSensors();
  }

  /** Events of a trial, counted and told. */
  note(events: readonly StreamEvent[]): void {
    if (events.length === 0) return;
    for (const event of events) {
      const own = [...this.health].find(([device]) => device.serial === event.serial)?.[1];
      if (own !== undefined) own.faults[event.kind] = (own.faults[event.kind] ?? 0) + 1;
      if (this.untold.length < MOST_TOLD_EVENTS) this.untold.push(event);
      else this.leftOut++;
    }
    this.faultTimer ??= setTimeout(() => this.tellHealth(), FAULT_INTERVAL_MS);
  }

  close(): void {
    for (const timer of this.timers.splice(0)) clearInterval(timer);
    if (this.faultTimer !== null) this.tellHealth();
  }

  private tellView(): void {
    if (!this.viewIsOut) return;
    const spectrum = this.bench.receiver.takeSpectrum();
    const users = this.views.make();
    if (spectrum === null && users === null) return;
    const { centerFrequencyHz, sampleRateHz } = this.bench.setup;
    const view = {
      spectrum: spectrum === null ? null : { centerFrequencyHz, sampleRateHz, ...spectrum },
      users: users ?? [],
    };
    this.viewIsOut = false;
    void this.send({ type: 'view', view }).finally(() => (this.viewIsOut = true));
  }

  private async tellSensors(): Promise<void> {
    // A driver that takes longer than the interval is not asked twice at once.
    if (this.reading) return;
    this.reading = true;
    for (const [device, own] of this.health) own.sensors = await readSensors(device);
    this.reading = false;
    this.tellHealth();
  }

  private tellHealth(): void {
    if (this.faultTimer !== null) clearTimeout(this.faultTimer);
    this.faultTimer = null;
    const radios = [...this.health].map(([{ driver, serial }, { faults, sensors }]) => ({
      driver,
      serial,
      faults: { ...faults },
      sensors,
    }));
    const health = { radios, events: this.untold.splice(0), eventsLeftOut: this.leftOut };
    this.leftOut = 0;
    void this.send({ type: 'health', health });
  }
}

function devicesOf({ base, users }: OpenBench): RadioDevice[] {
  return [...new Set([base, ...[...users.values()].map(({ device }) => device)])];
}

export function detailsOf(device: RadioDevice): RadioDetails {
  const { driver, serial, hardware, information, simulated, mayTransmit, capabilities } = device;
  // A copy of plain objects: what the contract gives as read-only the message has as its own.
  const copied = structuredClone(capabilities) as RadioDetails['capabilities'];
  return { driver, serial, hardware, information: { ...information }, simulated, mayTransmit, capabilities: copied };
}

/** One after another: each holds the radio's control thread. */
export async function readSensors(device: RadioDevice): Promise<NonNullable<RadioHealth['sensors']>> {
  const sensors: NonNullable<RadioHealth['sensors']> = [];
  for (const name of device.capabilities.sensors)
    sensors.push({
      name,
      value: await device.readSensor(name).then(
        (value) => value.slice(0, MOST_VALUE),
        () => null,
      ),
    });
  return sensors;
}
