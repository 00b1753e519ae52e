import { TokenError } from './errors';
import type { TokenMatrix } from './tokens';

/** Over what the power is one: the whole burst (one scale) or each token (a scale each). */
export type Normalisation = 'burst' | 'token';

/**
 * The ideal AWGN channel that bundles are trained on. Consecutive pairs of reals make complex symbols s (an odd count
 * is padded with one 0); scale = sqrt(mean |s|^2) over the burst reaches the receiver exactly; x = s / scale;
 * r = g / (1 + g) (x + n), n ~ CN(0, 1/g), which is LMMSE-equalised output, biased towards zero as a receiver gives it.
 * With `token` each token has its own scale, two reals of it a symbol, and so its own noise.
 * @param tokens row-major [tokens, dimension]
 * @param snrDb Es/N0 per complex symbol, dB
 * @param random uniform in [0, 1); two calls per complex symbol
 * @returns scale * r, in the shape of `tokens`; a burst of zeros stays zero
 * @throws TokenError when `snrDb` is NaN; +Infinity is the noise-free channel
 */
export function idealAwgnChannel(
  tokens: TokenMatrix,
  snrDb: number,
  random: () => number,
  normalisation: Normalisation = 'burst',
): TokenMatrix {
  if (Number.isNaN(snrDb)) throw new TokenError('snrDb is NaN, allowed: numbers');
  const { data, dimension } = tokens;
  const inverseSnr = 10 ** (-snrDb / 10);
  const gain = 1 / (1 + inverseSnr);
  const scales = normalisation === 'token' ? tokenScales(tokens) : null;
  const burstScale = rootMeanSquare(data, Math.ceil(data.length / 2));
  // CN(0, 1/g) has variance 1 / (2 g) in each real dimension.
  const deviation = (index: number): number =>
    (scales === null ? burstScale : (scales[Math.floor(index / dimension)] ?? 0)) * Math.sqrt(inverseSnr / 2);
  const received = new Float32Array(data.length);
  for (let index = 0; index < data.length; index += 2) {
    // Box-Muller; 1 - random() keeps the logarithm finite.
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    received[index] = gain * ((data[index] ?? 0) + deviation(index) * radius * Math.cos(angle));
    if (index + 1 < data.length)
      received[index + 1] = gain * ((data[index + 1] ?? 0) + deviation(index + 1) * radius * Math.sin(angle));
  }
  return { data: received, tokens: tokens.tokens, dimension };
}

function rootMeanSquare(values: Float32Array, symbols: number): number {
  let energy = 0;
  for (const value of values) energy += value * value;
  return symbols > 0 ? Math.sqrt(energy / symbols) : 0;
}

function tokenScales({ data, tokens, dimension }: TokenMatrix): number[] {
  return Array.from({ length: tokens }, (_, row) =>
    rootMeanSquare(data.subarray(row * dimension, (row + 1) * dimension), dimension / 2),
  );
}
