/** Setups and trials of twins for tests of the link. */
import type { BenchSetup, TokenMatrix, TrialRequest, TwinAir } from '../../app/link/types';
import { seededRandom } from '../../app/units/random';

export const USERS = ['text', 'visual', 'audio'] as const;
/** SNR minus transmit gain of a user of twinSetup, dB, by the budget: 10 dBm - 89.75 - 70 dB + 12 dB + 99 dBm. */
export const SNR_MINUS_GAIN_DB = -61.86;

export function serialOf(user: string): string {
  return `TWIN-${user.toUpperCase()}`;
}

export function twinSetup(
  changes: { pace?: 'free' | 'realtime'; seed?: number; taps?: TwinAir['paths'][number]['taps'] } = {},
): BenchSetup {
  const taps = changes.taps ?? [{ delayS: 0, powerDb: 0, phaseRad: 0.3 }];
  const radio = { noiseFigureDb: 8, maxOutputPowerDbm: 10 };
  return {
    seed: changes.seed ?? 7,
    centerFrequencyHz: 2.45e9,
    sampleRateHz: 5e6,
    rxGainDb: 30,
    roles: ['base', ...USERS].map((role) => ({ role, driver: 'twin', serial: serialOf(role) })),
    air: {
      pace: changes.pace ?? 'free',
      radios: [
        { serial: serialOf('base'), clockErrorPpm: 0.5, ...radio },
        ...USERS.map((user, index) => ({ serial: serialOf(user), clockErrorPpm: [-3, 2, 4][index] ?? 0, ...radio })),
      ],
      paths: USERS.map((user) => ({ from: serialOf(user), to: serialOf('base'), pathLossDb: 70, taps })),
    },
  };
}

export function randomTokens(name: string, tokens = 16, dimension = 64): TokenMatrix {
  const random = seededRandom(1, name);
  const gaussian = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return { data: Float32Array.from({ length: tokens * dimension }, gaussian), tokens, dimension };
}

/** One burst of each user, at this transmit gain. */
export function trial(number: number, txGainDb: number, tokens = 16): TrialRequest {
  return {
    trialId: `trial ${number}`,
    bursts: USERS.map((user, index) => ({
      user,
      sequence: (number * USERS.length + index) % 4096,
      tokens: randomTokens(`${number} ${user}`, tokens),
      txGainDb,
      leadS: 60e-6 + 10e-6 * index,
    })),
  };
}

/** Mean |r - x|^2 over mean |x|^2. */
export function relativeError(sent: TokenMatrix, received: TokenMatrix): number {
  let error = 0;
  let power = 0;
  sent.data.forEach((x, index) => {
    error += ((received.data[index] ?? 0) - x) ** 2;
    power += x ** 2;
  });
  return error / power;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
