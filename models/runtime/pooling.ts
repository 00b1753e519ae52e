import { TokenError } from './errors';
import type { TokenMatrix } from './tokens';

/** Window of output row `row`: inputs [start, end). Neighbouring windows overlap where `outputs` does not divide. */
function window(row: number, outputs: number, inputs: number): { start: number; end: number } {
  return { start: Math.floor((row * inputs) / outputs), end: Math.ceil(((row + 1) * inputs) / outputs) };
}

/**
 * Sliding-window average, float32 row-major [outputs, inputs]; every row sums to 1. Window i spans
 * floor(i n / L) .. ceil((i + 1) n / L), as adaptive average pooling does, so any output length fits any input length.
 * @throws TokenError unless 1 <= outputs <= inputs, both integers.
 */
export function poolingMatrix(outputs: number, inputs: number): Float32Array {
  if (!Number.isInteger(inputs) || inputs < 1) throw new TokenError(`inputs is ${inputs}, allowed: integers from 1`);
  if (!Number.isInteger(outputs) || outputs < 1 || outputs > inputs)
    throw new TokenError(`outputs is ${outputs}, allowed: integers 1..${inputs}`);
  const matrix = new Float32Array(outputs * inputs);
  for (let row = 0; row < outputs; row++) {
    const { start, end } = window(row, outputs, inputs);
    matrix.fill(1 / (end - start), row * inputs + start, row * inputs + end);
  }
  return matrix;
}

/** Product of `poolingMatrix(outputs, matrix.tokens)` and `matrix`, without the zeros. */
export function pool(matrix: TokenMatrix, outputs: number): TokenMatrix {
  const { tokens: inputs, dimension, data } = matrix;
  const pooled = new Float32Array(outputs * dimension);
  for (let row = 0; row < outputs; row++) {
    const { start, end } = window(row, outputs, inputs);
    for (let column = 0; column < dimension; column++) {
      let sum = 0;
      for (let input = start; input < end; input++) sum += data[input * dimension + column] ?? 0;
      pooled[row * dimension + column] = sum / (end - start);
    }
  }
  return { data: pooled, tokens: outputs, dimension };
}
