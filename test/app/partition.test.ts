/** The host's rules for partitions against the native ones, by which the radio process judges again. */
import assert from 'node:assert/strict';
import { subbandsOf } from '../../app/experiment/partition';
import type { Sections } from '../../app/experiment/schema';
import type { Subband } from '../../app/link/types';
import { seededRandom } from '../../app/units/random';
import { loadNative } from '../../drivers/radio';

const radio = (serial: string) => ({ driver: 'twin' as const, serial });
const radios = { base: radio('B'), text: radio('T'), visual: radio('V'), audio: radio('A') };

function host(partition: NonNullable<Sections['partition']>) {
  return subbandsOf({ schedule: 'fdma', radios, partition });
}

describe('a partition', () => {
  it('is placed as the native code places it, or refused as there', () => {
    const native = loadNative();
    const random = seededRandom(5, 'partitions');
    let fitted = 0;
    for (let i = 0; i < 2000; i++) {
      const [text, visual, audio] = Array.from({ length: 3 }, () => Math.round(10 * (3 + 22 * random())) / 10) as [
        number,
        number,
        number,
      ];
      const guardCarriers = 1 + Math.floor(4 * random());
      const placed = host({ guardCarriers, text, visual, audio });
      const place = () => native.placeSubbands([text, visual, audio], 32 * guardCarriers);
      if (placed === null) assert.throws(place, /allowed/, `${text} ${visual} ${audio}, guard ${guardCarriers}`);
      else {
        fitted++;
        assert.deepEqual([placed.text, placed.visual, placed.audio], place(), `${text} ${visual} ${audio}`);
      }
    }
    assert.ok(fitted > 300 && fitted < 1700, `${fitted} fitted`);
  });

  it('given by places is judged as there', () => {
    const native = loadNative();
    const random = seededRandom(6, 'places');
    let fitted = 0;
    const share = () => ({ first: -28 + Math.floor(45 * random()), count: 3 + Math.floor(14 * random()) });
    for (let i = 0; i < 3000; i++) {
      const partition = { guardCarriers: 1 + Math.floor(3 * random()), text: share(), visual: share(), audio: share() };
      const placed = host(partition);
      if (placed === null) continue;
      fitted++;
      const users = Object.values(placed).map((band, user) => ({ ...band, user, soundedCfoHz: 0 }));
      assert.deepEqual(native.subbandFaults(users), []);
      for (const user of ['text', 'visual', 'audio'] as const) {
        const { first, count } = partition[user];
        const band: Subband = placed[user];
        assert.equal(band.centerBin, 32 * (first + (count - 1) / 2));
        const width = (53 * band.size) / 2048;
        assert.ok(width <= count && width > 0.9 * count);
      }
    }
    assert.ok(fitted > 30, `${fitted} fitted`);
  });

  it('of equal shares gives every user the same', () => {
    const bands = Object.values(host('equal') ?? {});
    assert.deepEqual(
      bands.map(({ size, guardBins }) => [size, guardBins]),
      Array(3).fill([624, 64]),
    );
    assert.equal(bands[1]?.centerBin, 0);
  });
});
