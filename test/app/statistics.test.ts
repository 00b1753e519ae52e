import assert from 'node:assert/strict';
import { seededRandom, shuffled } from '../../app/units/random';
import { mcNemarExact, mean, meanHalfWidth, sampleDeviation, wilsonInterval } from '../../app/units/statistics';
import { formatDuration, formatPoints } from '../../app/units/format';

describe('statistics', () => {
  // Wilson score intervals without continuity correction, worked out from the formula by hand.
  const known: [number, number, number, number][] = [
    [5, 10, 0.2365931, 0.7634069],
    [1, 10, 0.01787621, 0.40415],
    [85, 100, 0.7671645, 0.9069402],
    [1260, 1500, 0.8205824, 0.8576806],
  ];
  for (const [successes, trials, low, high] of known)
    it(`gives the Wilson interval of ${successes} of ${trials}`, () => {
      const interval = wilsonInterval(successes, trials);
      assert.ok(Math.abs(interval.low - low) < 1e-5, `${interval.low}`);
      assert.ok(Math.abs(interval.high - high) < 1e-5, `${interval.high}`);
    });

  it('keeps the interval at the ends exact and inside 0 to 1', () => {
    assert.equal(wilsonInterval(0, 20).low, 0);
    assert.equal(wilsonInterval(20, 20).high, 1);
    // z^2 / (n + z^2)
    assert.ok(Math.abs(wilsonInterval(0, 20).high - 3.8414588 / 23.8414588) < 1e-6);
    assert.throws(() => wilsonInterval(3, 0), RangeError);
    assert.throws(() => wilsonInterval(4, 3), RangeError);
  });

  it("gives McNemar's exact test", () => {
    // Binomial tails by hand: 2 (1 + 10) / 2^10, and half of 2^n where the sides are even.
    assert.ok(Math.abs(mcNemarExact(1, 9) - 22 / 1024) < 1e-15);
    assert.equal(mcNemarExact(9, 1), mcNemarExact(1, 9));
    assert.equal(mcNemarExact(0, 0), 1);
    assert.equal(mcNemarExact(5, 5), 1);
    assert.equal(mcNemarExact(0, 5), 2 / 32);
    // Beyond 2^-1074 no underflow: 3 sigma apart with 10,000 pairs.
    assert.ok(Math.abs(mcNemarExact(4850, 5150) - 0.0028) < 2e-4, `${mcNemarExact(4850, 5150)}`);
  });

  it('gives means and deviations, and nothing of nothing', () => {
    assert.equal(mean([1, 2, 6]), 3);
    assert.equal(sampleDeviation([2, 4]), Math.SQRT2);
    assert.equal(mean([]), null);
    assert.equal(sampleDeviation([1]), null);
    assert.ok(Math.abs((meanHalfWidth([2, 4]) ?? 0) - 1.959964) < 1e-6);
  });
});

describe('seeded random numbers', () => {
  it('depend on seed and label alone', () => {
    const draw = (seed: number, label: string): number[] => Array.from({ length: 5 }, seededRandom(seed, label));
    assert.deepEqual(draw(1, 'a'), draw(1, 'a'));
    assert.notDeepEqual(draw(1, 'a'), draw(2, 'a'));
    assert.notDeepEqual(draw(1, 'a'), draw(1, 'b'));
  });

  it('are uniform', () => {
    const values = Array.from({ length: 20000 }, seededRandom(3, 'uniform'));
    assert.ok(values.every((value) => value >= 0 && value < 1));
    assert.ok(Math.abs((mean(values) ?? 0) - 0.5) < 0.01);
    assert.ok(Math.abs((sampleDeviation(values) ?? 0) - Math.sqrt(1 / 12)) < 0.01);
  });

  it('shuffle without losing anything', () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    const mixed = shuffled(items, seededRandom(4, 'mix'));
    assert.notDeepEqual(mixed, items);
    assert.deepEqual(
      [...mixed].sort((a, b) => a - b),
      items,
    );
  });
});

describe('figures as people read them', () => {
  it('show durations and signed points', () => {
    assert.equal(formatDuration(47.6), '48 s');
    assert.equal(formatDuration(185), '3 min 05 s');
    assert.equal(formatDuration(7800), '2 h 10 min');
    assert.equal(formatPoints(0.0041), '+0.4');
    assert.equal(formatPoints(-0.0001), '0.0');
  });
});
