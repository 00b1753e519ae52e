import assert from 'node:assert/strict';
import { poolingMatrix, TokenError } from '../../models/runtime';
import { pool } from '../../models/runtime/pooling';
import { seededRandom } from './bundle-copy';

describe('sliding-window pooling', () => {
  it('has rows that sum to 1 and uses every input, for any length up to the number of inputs', () => {
    for (const inputs of [1, 7, 64])
      for (let outputs = 1; outputs <= inputs; outputs++) {
        const matrix = poolingMatrix(outputs, inputs);
        assert.equal(matrix.length, outputs * inputs);
        const used = new Set<number>();
        for (let row = 0; row < outputs; row++) {
          const weights = matrix.subarray(row * inputs, (row + 1) * inputs);
          const sum = weights.reduce((total, weight) => total + weight, 0);
          assert.ok(Math.abs(sum - 1) < 1e-6, `row ${row} of ${outputs}x${inputs} sums to ${sum}`);
          weights.forEach((weight, input) => weight > 0 && used.add(input));
        }
        assert.equal(used.size, inputs, `${outputs}x${inputs}`);
      }
  });

  it('is the identity at full length, the mean at length 1 and overlaps where lengths do not divide', () => {
    assert.deepEqual([...poolingMatrix(3, 3)], [1, 0, 0, 0, 1, 0, 0, 0, 1]);
    assert.deepEqual([...poolingMatrix(1, 4)], [0.25, 0.25, 0.25, 0.25]);
    assert.deepEqual([...poolingMatrix(2, 3)], [0.5, 0.5, 0, 0, 0.5, 0.5]);
  });

  it('equals the matrix product', () => {
    const random = seededRandom(1);
    const data = Float32Array.from({ length: 64 * 5 }, () => random() - 0.5);
    for (const outputs of [2, 5, 16, 48, 64]) {
      const matrix = poolingMatrix(outputs, 64);
      const pooled = pool({ data, tokens: 64, dimension: 5 }, outputs);
      assert.equal(pooled.tokens, outputs);
      for (let row = 0; row < outputs; row++)
        for (let column = 0; column < 5; column++) {
          let sum = 0;
          for (let input = 0; input < 64; input++)
            sum += (matrix[row * 64 + input] ?? 0) * (data[input * 5 + column] ?? 0);
          assert.ok(Math.abs(sum - (pooled.data[row * 5 + column] ?? NaN)) < 1e-6);
        }
    }
  });

  it('refuses lengths that are not integers from 1 to the number of inputs', () => {
    for (const outputs of [0, -1, 65, 2.5, NaN]) assert.throws(() => poolingMatrix(outputs, 64), TokenError);
    assert.throws(() => poolingMatrix(1, 0), /inputs is 0/);
  });
});
