/** Random problems, for tests and the benchmark. */
import { seededRandom } from '../units/random';
import { checkProblem, type DigitalProblem } from './problem';

export interface RandomKind {
  readonly latency?: 'max' | 'sum';
  /** Number of lengths of the list 2, 4, 8, ...; continuous where it is not given. */
  readonly listed?: number;
  readonly power?: 'budget' | 'caps' | 'both';
  /** Ratio of the strongest to the weakest gain. */
  readonly gainRatio?: number;
}

/** SNR at equal shares from about -10 to 30 dB, latencies and losses of one order. */
export function randomProblem(seed: number, users: number, kind: RandomKind = {}): DigitalProblem {
  const uniform = seededRandom(seed, `problem/${users}`);
  const between = (low: number, high: number): number => low + (high - low) * uniform();
  const ratio = (low: number, high: number): number => Math.exp(between(Math.log(low), Math.log(high)));
  const bandwidthHz = ratio(2e5, 2e7);
  const powerW = ratio(0.01, 1);
  const noisePsdWPerHz = 4e-21;
  const strongest = ((noisePsdWPerHz * bandwidthHz) / powerW) * ratio(10, 1000);
  const gainRatio = kind.gainRatio ?? 300;
  return checkProblem({
    bandwidthHz,
    powerW: kind.power === 'caps' ? null : powerW,
    noisePsdWPerHz,
    weight: between(0.1, 0.9),
    latency: kind.latency ?? 'max',
    latencyRefS: ((users * 3e5) / bandwidthHz) * ratio(0.3, 3),
    lossRef: users,
    overheadS: between(0, 0.001),
    users: Array.from({ length: users }, (_, i) => ({
      id: `user-${i}`,
      powerGain: strongest / ratio(1, gainRatio),
      bitsPerToken: ratio(500, 20000),
      loss: { a: between(0.3, 2), b: ratio(0.01, 0.3), c: between(0, 0.5) },
      lengths: kind.listed === undefined ? { min: 1, max: 128 } : [2, 4, 8, 16, 32, 64, 128].slice(0, kind.listed),
      powerCapW: (kind.power ?? 'budget') === 'budget' ? null : (powerW * between(0.3, 2)) / users,
    })),
  }) as DigitalProblem;
}
