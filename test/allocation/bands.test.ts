import assert from 'node:assert/strict';
import { bandsInOrder, chooseBands } from '../../app/allocation';
import { slotBins } from '../../app/allocation/bands';
import { InvalidInputError } from '../../app/config/violations';
import { seededRandom } from '../../app/units/random';
import { carriersOf, isSize, SIZES, sizeForCarriers } from '../../app/units/subbands';

const GUARD_BINS = 64;

/** Any two sub-bands a guard apart, all within the window. */
function assertPlaced(centers: readonly number[], sizes: readonly number[], windowBins: number): void {
  const edges = centers.map((center, m) => ({
    low: center - carriersOf(sizes[m]!) * 16,
    high: center + carriersOf(sizes[m]!) * 16,
  }));
  edges.sort((a, b) => a.low - b.low);
  edges.forEach(({ low, high }, i) => {
    assert.ok(low >= -windowBins / 2 - 1e-9 && high <= windowBins / 2 + 1e-9, `${low} to ${high}`);
    if (i > 0) assert.ok(low - edges[i - 1]!.high >= GUARD_BINS - 1e-9);
  });
  centers.forEach((center) => assert.ok(Number.isInteger(center)));
}

describe('choosing bands', () => {
  /** All orders, all starts on a grid of 16 bins. */
  function bruteForce(
    slots: number[],
    costs: ((start: number) => number)[],
    combine: 'sum' | 'max',
    window: number,
  ): number {
    let best = Infinity;
    const walk = (left: number[], from: number, sofar: number): void => {
      if (left.length === 0) best = Math.min(best, sofar);
      for (const m of left)
        for (let start = from; start + slots[m]! <= window; start++) {
          const own = costs[m]!(start);
          walk(
            left.filter((one) => one !== m),
            start + slots[m]! + GUARD_BINS,
            combine === 'sum' ? sofar + own : Math.max(sofar, own),
          );
        }
    };
    walk([...slots.keys()], 0, 0);
    return best;
  }

  for (const combine of ['sum', 'max'] as const)
    it(`finds the least ${combine} over all orders and places`, () => {
      for (let seed = 0; seed < 6; seed++) {
        const uniform = seededRandom(seed, 'bands');
        const sizes = [152, 176, 200].slice(0, 2 + (seed % 2));
        const slots = sizes.map(slotBins);
        const window = slots.reduce((a, b) => a + b) + GUARD_BINS * (sizes.length - 1) + 40;
        const tables = sizes.map(() => Float64Array.from({ length: window }, () => uniform()));
        const users = sizes.map((size, m) => ({
          size,
          costAt: (center: number): number => tables[m]![center + window / 2 - slots[m]! / 2]!,
        }));
        const { centers, cost } = chooseBands(users, GUARD_BINS, window, combine);
        assertPlaced(centers, sizes, window);
        const own = users.map((user, m) => user.costAt(centers[m]!));
        assert.ok(Math.abs(cost - (combine === 'sum' ? own.reduce((a, b) => a + b) : Math.max(...own))) < 1e-12);
        const brute = bruteForce(
          slots,
          tables.map((table) => (start: number) => table[start]!),
          combine,
          window,
        );
        assert.ok(Math.abs(cost - brute) < 1e-12, `seed ${seed}: ${cost}, ${brute}`);
      }
    });

  it('fills the whole band, and refuses what does not fit', () => {
    const users = [624, 624, 624].map((size) => ({ size, costAt: () => 1 }));
    assertPlaced(chooseBands(users, GUARD_BINS).centers, [624, 624, 624], 1696);
    assert.throws(
      () => chooseBands([...users, { size: 152, costAt: () => 1 }], GUARD_BINS),
      (error: InvalidInputError) =>
        /bands: 58.\d grid carriers with their guards; allowed 53.0 in all/.test(error.lines[0]!),
    );
  });

  it('in order: the users as given, the spare shared among the gaps', () => {
    const sizes = [152, 400, 304];
    const centers = bandsInOrder(sizes, GUARD_BINS, 1200);
    assertPlaced(centers, sizes, 1200);
    assert.deepEqual(
      [...centers].sort((a, b) => a - b),
      centers,
    );
    assert.throws(() => bandsInOrder(sizes, GUARD_BINS, 600), InvalidInputError);
  });

  it('knows the sizes', () => {
    assert.equal(SIZES[0], 152);
    assert.equal(SIZES[SIZES.length - 1], 2048);
    for (const size of SIZES) {
      assert.ok(isSize(size));
      assert.equal(sizeForCarriers(carriersOf(size)), size);
    }
    assert.equal(sizeForCarriers(3.9), 0);
  });
});
