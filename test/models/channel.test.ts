import assert from 'node:assert/strict';
import { idealAwgnChannel, TokenError, type TokenMatrix } from '../../models/runtime';
import { seededRandom } from './bundle-copy';

function gaussianTokens(tokens: number, dimension: number, level: number, random: () => number): TokenMatrix {
  const data = Float32Array.from(
    { length: tokens * dimension },
    () => level * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
  return { data, tokens, dimension };
}

function energy(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}

describe('ideal AWGN channel', () => {
  for (const snrDb of [-10, 0, 10, 20])
    it(`has a relative error of 1 / (1 + SNR), a gain of SNR / (1 + SNR) at ${snrDb} dB`, () => {
      const random = seededRandom(7);
      const sent = gaussianTokens(512, 64, 3.5, random);
      const received = idealAwgnChannel(sent, snrDb, random);
      const snr = 10 ** (snrDb / 10);
      const power = energy(sent.data);
      let error = 0;
      let correlation = 0;
      sent.data.forEach((value, index) => {
        const arrived = received.data[index] ?? NaN;
        error += (arrived - value) ** 2;
        correlation += arrived * value;
      });
      // LMMSE: mean square error 1 / (1 + g) of the signal, bias g / (1 + g); 32,768 values are within 3 %.
      assert.ok(Math.abs((error / power) * (1 + snr) - 1) < 0.03, `error ${error / power}`);
      assert.ok(Math.abs(correlation / power - snr / (1 + snr)) < 0.03 * Math.sqrt(1 / (1 + snr)) + 0.003);
    });

  it('sets the noise by the power of the whole burst, not by each token', () => {
    const data = new Float32Array(2 * 4096);
    data.fill(1, 0, 4096);
    const received = idealAwgnChannel({ data, tokens: 2, dimension: 4096 }, 10, seededRandom(3));
    const quiet = energy(received.data.subarray(4096)) / 4096;
    // Mean |s|^2 is 1 for a complex symbol: half of (1 + 1) and half of 0. Noise per real: (10/11)^2 / 20.
    assert.ok(Math.abs(quiet / ((10 / 11) ** 2 / 20) - 1) < 0.1, `noise power ${quiet}`);
  });

  it('sets the noise by the power of each token where power is one over each token', () => {
    const [dimension, snrDb] = [4095, 10];
    const data = new Float32Array(3 * dimension);
    data.fill(3, 0, dimension).fill(0.5, dimension, 2 * dimension);
    const received = idealAwgnChannel({ data, tokens: 3, dimension }, snrDb, seededRandom(3), 'token');
    const gain = 10 / 11;
    for (const [row, level] of [3, 0.5].entries()) {
      const token = received.data.subarray(row * dimension, (row + 1) * dimension);
      const noise = energy(token.map((value) => value / gain - level)) / dimension;
      // Two reals of the token make a symbol of power 2 level^2: noise per real is level^2 / g.
      assert.ok(Math.abs(noise / (level ** 2 / 10) - 1) < 0.1, `${level}: ${noise}`);
    }
    assert.ok(received.data.subarray(2 * dimension).every((value) => value === 0));
  });

  it('keeps odd counts, zeros, noise-free bursts and the input as they are', () => {
    const odd = Float32Array.from([1, 2, 3]);
    const received = idealAwgnChannel({ data: odd, tokens: 3, dimension: 1 }, 200, seededRandom(1));
    assert.equal(received.data.length, 3);
    received.data.forEach((value, index) => assert.ok(Math.abs(value - (odd[index] ?? NaN)) < 1e-5));
    assert.deepEqual([...odd], [1, 2, 3]);
    const silent = idealAwgnChannel({ data: new Float32Array(8), tokens: 2, dimension: 4 }, 0, seededRandom(1));
    assert.ok(silent.data.every((value) => value === 0));
    const clean = idealAwgnChannel({ data: odd, tokens: 3, dimension: 1 }, Infinity, seededRandom(1));
    assert.deepEqual([...clean.data], [1, 2, 3]);
  });

  it('repeats with the same random numbers and refuses NaN', () => {
    const sent = gaussianTokens(4, 16, 1, seededRandom(5));
    const once = idealAwgnChannel(sent, 5, seededRandom(9)).data;
    assert.deepEqual(once, idealAwgnChannel(sent, 5, seededRandom(9)).data);
    assert.notDeepEqual(once, idealAwgnChannel(sent, 5, seededRandom(10)).data);
    assert.throws(() => idealAwgnChannel(sent, NaN, seededRandom(1)), TokenError);
  });
});
