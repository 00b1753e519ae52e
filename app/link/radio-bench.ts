/** The radios of a bench, opened and tuned. Lives in a radio process. */
import {
  openRadio,
  type Achieved,
  type BurstReceiver,
  type BurstTransmitter,
  type Native,
  type RadioDevice,
} from '../../drivers/radio';
import { LinkError } from './errors';
import { BASE_ROLE, checkSetup } from './setup-checks';
import type { BenchRadio, BenchSetup } from './types';

/** One transmitting user. */
export interface UserRadio {
  readonly user: string;
  /** In the burst header, 0 to 15. */
  readonly number: number;
  readonly device: RadioDevice;
  readonly transmitter: BurstTransmitter;
  /** As last set; users of one radio share it. */
  readonly gain: { achieved: Achieved };
}

export interface OpenBench {
  readonly setup: BenchSetup;
  readonly radios: readonly BenchRadio[];
  readonly base: RadioDevice;
  readonly receiver: BurstReceiver;
  readonly users: ReadonlyMap<string, UserRadio>;
  close(): Promise<void>;
}

/** Rates that differ by more than this would shift carriers measurably. */
const MOST_RATE_ERROR = 1e-7;

/**
 * Opens every radio by serial, verifies and tunes it, starts the streams. Transmission is not enabled by this: the
 * watchdog must be armed. On failure everything opened so far is closed again.
 * @throws LinkError with the radio layer's codes, bad-setup, mixed-drivers
 */
export async function openBench(setup: BenchSetup, native: Native): Promise<OpenBench> {
  checkSetup(setup);
  const devices: RadioDevice[] = [];
  const close = async (): Promise<void> => {
    const failures = (await Promise.allSettled(devices.map((device) => device.close()))).filter(
      (outcome) => outcome.status === 'rejected',
    );
    if (failures[0]) throw LinkError.from(failures[0].reason);
  };
  try {
    if (setup.air !== null) native.medium.configure({ ...setup.air, seed: setup.seed });
    const radios: BenchRadio[] = [];
    const users = new Map<string, UserRadio>();
    let base: RadioDevice | null = null;
    for (const { role, driver, serial } of setup.roles) {
      const shared = [...users.values()].find(
        ({ device: other }) => other.driver === driver && other.serial === serial,
      );
      const device = shared?.device ?? (await openRadio({ driver, serial }));
      if (shared === undefined) devices.push(device);
      const direction = role === BASE_ROLE ? 'rx' : 'tx';
      if (device.capabilities[direction].channels === 0)
        throw new LinkError('unsupported', `roles.${role}: radio ${serial} has no ${direction} channel`);
      const rate = await device.setSampleRateHz(direction, setup.sampleRateHz);
      if (Math.abs(rate.actual / setup.sampleRateHz - 1) > MOST_RATE_ERROR)
        throw new LinkError(
          'out-of-range',
          `sampleRateHz: asked for ${setup.sampleRateHz}, radio ${serial} does ${rate.actual}`,
        );
      const frequency = await device.setCenterFrequencyHz(direction, setup.centerFrequencyHz);
      radios.push({
        role,
        driver: device.driver,
        serial: device.serial,
        hardware: device.hardware,
        simulated: device.simulated,
        centerFrequencyHz: frequency,
        sampleRateHz: rate,
        txGainRangeDb: device.capabilities.tx.gainRangeDb,
      });
      if (role === BASE_ROLE) {
        base = device;
        await device.setGainDb('rx', setup.rxGainDb);
      } else if (shared !== undefined) users.set(role, { ...shared, user: role, number: users.size });
      else {
        const achieved = await device.setGainDb('tx', device.capabilities.tx.gainRangeDb.min);
        const transmitter = await device.startTransmitter({ sampleRateHz: rate.actual });
        users.set(role, { user: role, number: users.size, device, transmitter, gain: { achieved } });
      }
    }
    if (base === null) throw new LinkError('bad-setup', `roles: no "${BASE_ROLE}"`);
    // Last, so that nothing is received (nor overflows) while the others are still being opened.
    const receiver = await base.startReceiver({
      sampleRateHz: setup.sampleRateHz,
      centerFrequencyHz: setup.centerFrequencyHz,
      cfoPriorHz: setup.cfoPriorHz ?? 0,
    });
    return { setup, radios, base, receiver, users, close };
  } catch (error) {
    await close().catch(() => undefined);
    throw LinkError.from(error);
  }
}
