/** The exponential that a measured loss comes nearest to. */
import type { LossFit } from './bench-terms';

export interface ExponentialFit extends LossFit {
  /** rms of the residuals, in the loss's unit. */
  readonly rmsError: number;
}

const DECAYS = { least: 1e-4, most: 10, steps: 400 } as const;

/**
 * a exp(-b L) + c by least squares, a and b from 0; one decay after the other, a and c in closed form.
 *
 * @param lengths token lengths, not empty
 * @param losses as many
 */
export function fitExponential(lengths: readonly number[], losses: readonly number[]): ExponentialFit {
  const count = lengths.length;
  const meanLoss = losses.reduce((sum, loss) => sum + loss, 0) / count;
  const flat = { a: 0, b: 0, c: meanLoss, rmsError: rms(losses.map((loss) => loss - meanLoss)) };
  const start = Math.min(...lengths);
  const at = (b: number): ExponentialFit => {
    const shape = lengths.map((length) => Math.exp(-b * (length - start)));
    const meanShape = shape.reduce((sum, s) => sum + s, 0) / count;
    let across = 0;
    let along = 0;
    shape.forEach((s, i) => {
      across += (s - meanShape) * (losses[i]! - meanLoss);
      along += (s - meanShape) ** 2;
    });
    const scale = along > 0 ? across / along : 0;
    if (!(scale > 0)) return flat;
    const c = meanLoss - scale * meanShape;
    const a = scale * Math.exp(b * start);
    return { a, b, c, rmsError: rms(shape.map((s, i) => losses[i]! - scale * s - c)) };
  };
  let best: ExponentialFit = flat;
  let [low, high] = [Math.log(DECAYS.least), Math.log(DECAYS.most)];
  // A scan, and one finer about its best.
  for (let round = 0; round < 2; round++) {
    const step = (high - low) / DECAYS.steps;
    let bestAt = low;
    for (let i = 0; i <= DECAYS.steps; i++) {
      const fit = at(Math.exp(low + i * step));
      if (fit.rmsError < best.rmsError) {
        best = fit;
        bestAt = low + i * step;
      }
    }
    if (best.b === 0) break;
    [low, high] = [bestAt - step, bestAt + step];
  }
  return best;
}

function rms(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
