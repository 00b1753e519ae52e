/**
 * Channels by a model instead of a measurement: what an allocation from simulated CSI believes. No model here is in the
 * paper; each answer says by its name which one it is.
 */
import { InvalidInputError } from '../config/violations';
import { dbToPowerRatio } from '../units/db';
import { seededRandom, type UniformRandom } from '../units/random';
import { GRID_CARRIERS } from '../units/subbands';
import type { UserChannel } from './channel';

/**
 * `path-loss`: the mean alone. `rayleigh-flat`: one draw of a Rayleigh gain for the whole band. `rayleigh-selective`: taps
 * with an exponential power profile, so a gain for each carrier. The last two with log-normal shadowing.
 */
export const CHANNEL_MODELS = ['path-loss', 'rayleigh-flat', 'rayleigh-selective'] as const;
export type ChannelModel = (typeof CHANNEL_MODELS)[number];

export interface SimulatedUser {
  readonly user: string;
  /** Mean loss from transmitter to receiver, dB; or the distance that the path-loss law turns into it. */
  readonly pathLossDb?: number;
  readonly distanceM?: number;
}

export interface SimulatedChannels {
  readonly model: ChannelModel;
  readonly seed: number;
  readonly users: readonly SimulatedUser[];
  /** Of the receiver; default 6 dB over -174 dBm/Hz. */
  readonly noiseFigureDb?: number;
  /** Standard deviation, dB; default 6 (QoE-aware semantic VQA, GLOBECOM 2022), 0 for path-loss. */
  readonly shadowingDb?: number;
  /** rms, s; default 300 ns. */
  readonly delaySpreadS?: number;
  readonly sampleRateHz?: number;
}

/** kT at 290 K, W/Hz. */
export const THERMAL_NOISE_W_PER_HZ = 1.380649e-23 * 290;

/** 3GPP TR 36.814's macro cell, as the related work has it: 128.1 + 37.6 log10(d / km), dB. */
export function macroPathLossDb(distanceM: number): number {
  return 128.1 + 37.6 * Math.log10(distanceM / 1000);
}

/** Two independent standard normal numbers (Box and Muller). */
function normals(uniform: UniformRandom): [number, number] {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
  const angle = 2 * Math.PI * uniform();
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

const TAPS = 8;

/** Power gain of each cell, mean 1 over draws. */
function fading(model: ChannelModel, uniform: UniformRandom, delaySpreadS: number, cellHz: number): Float64Array {
  if (model === 'path-loss') return new Float64Array(GRID_CARRIERS).fill(1);
  if (model === 'rayleigh-flat') {
    const [re, im] = normals(uniform);
    return new Float64Array(GRID_CARRIERS).fill((re * re + im * im) / 2);
  }
  // Taps half a delay spread apart, powers falling as exp(-delay / spread).
  const taps = Array.from({ length: TAPS }, (_, k) => ({ delayS: (k * delaySpreadS) / 2, power: Math.exp(-k / 2) }));
  const whole = taps.reduce((sum, { power }) => sum + power, 0);
  const drawn = taps.map(({ delayS, power }) => {
    const [re, im] = normals(uniform);
    const amplitude = Math.sqrt(power / whole / 2);
    return { delayS, re: re * amplitude, im: im * amplitude };
  });
  return Float64Array.from({ length: GRID_CARRIERS }, (_, cell) => {
    const hz = (cell - (GRID_CARRIERS - 1) / 2) * cellHz;
    let [re, im] = [0, 0];
    for (const tap of drawn) {
      const [c, s] = [Math.cos(2 * Math.PI * hz * tap.delayS), -Math.sin(2 * Math.PI * hz * tap.delayS)];
      re += tap.re * c - tap.im * s;
      im += tap.re * s + tap.im * c;
    }
    return re * re + im * im;
  });
}

/**
 * Channels of all users by a model; the same seed gives the same draws, user by user.
 * @throws InvalidInputError for a user with neither or both of path loss and distance, or numbers out of range
 */
export function simulatedChannels(options: SimulatedChannels): Map<string, UserChannel> {
  const { model, seed, users, noiseFigureDb = 6, delaySpreadS = 300e-9, sampleRateHz = 5e6 } = options;
  const shadowingDb = options.shadowingDb ?? (model === 'path-loss' ? 0 : 6);
  check('noiseFigureDb', noiseFigureDb, 0, 60, 'dB');
  check('shadowingDb', shadowingDb, 0, 40, 'dB');
  check('delaySpreadS', delaySpreadS, 0, 1e-4, 's');
  if (!CHANNEL_MODELS.includes(model))
    throw new InvalidInputError([`model: value "${String(model)}"; allowed ${CHANNEL_MODELS.join(', ')}`]);
  const cellHz = sampleRateHz / 64;
  return new Map(
    users.map(({ user, pathLossDb, distanceM }, i) => {
      if ((pathLossDb === undefined) === (distanceM === undefined))
        throw new InvalidInputError([`users[${i}]: "${user}"; allowed either pathLossDb or distanceM`]);
      if (distanceM !== undefined) check(`users[${i}].distanceM`, distanceM, 0.01, 1e6, 'm');
      const lossDb = pathLossDb ?? macroPathLossDb(distanceM as number);
      check(`users[${i}].pathLossDb`, lossDb, -60, 400, 'dB');
      const uniform = seededRandom(seed, `channel/${model}/${user}`);
      const shadowDb = shadowingDb * normals(uniform)[0];
      const gain = dbToPowerRatio(-lossDb - shadowDb - noiseFigureDb) / THERMAL_NOISE_W_PER_HZ;
      const channel: UserChannel = {
        user,
        source: `simulated:${model}`,
        bursts: 0,
        cfoHz: null,
        cellHz,
        gainOverNoise: fading(model, uniform, delaySpreadS, cellHz).map((power) => power * gain),
        spreadDb: null,
      };
      return [user, channel];
    }),
  );
}

function check(field: string, value: number, min: number, max: number, unit: string): void {
  if (!(value >= min && value <= max))
    throw new InvalidInputError([`${field}: value ${value}; allowed a number from ${min} to ${max} ${unit}`]);
}
