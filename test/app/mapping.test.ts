/** The plan's rules for mappings: what the native code says of the same formats, and equal channel uses. */
import assert from 'node:assert/strict';
import { loadNative } from '../../drivers/radio';
import {
  analogOfdmSymbols,
  leastChannelUses,
  misfits,
  payloadOfdmSymbols,
  type ByUser,
} from '../../app/experiment/mapping';
import { MODULATIONS, sectionSchemas, type Sections } from '../../app/experiment/schema';

type Arm = Pick<Sections, 'arm' | 'transport' | 'users'>;

function armOf(arm: string, transport: Record<string, unknown>, tokens = 16): Arm {
  return {
    arm,
    transport: sectionSchemas.transport.parse(transport),
    users: { text: {}, visual: { tokens }, audio: { tokens } },
  };
}

const DIMENSIONS = { text: 128, visual: 16, audio: 16 };

function shapes(text: number, pooled: number): ByUser<{ tokens: number; dimension: number }> {
  return {
    text: { tokens: text, dimension: 128 },
    visual: { tokens: pooled, dimension: 16 },
    audio: { tokens: pooled, dimension: 16 },
  };
}

describe('mappings in a plan', () => {
  const native = loadNative();

  it('need as many channel uses as the native code says, whatever the shape', () => {
    const least: [number, number, number, (typeof MODULATIONS)[number]][] = [];
    for (const tokens of [1, 2, 3, 7, 16, 64, 200])
      for (const dimension of [1, 8, 16, 31, 128, 500])
        for (const bitsPerValue of [2, 3, 5, 8])
          for (const modulation of MODULATIONS) {
            const found = leastChannelUses({ tokens, dimension }, bitsPerValue, modulation);
            const symbols = Math.ceil(found / 48);
            if (symbols > native.numerology.mostPayloadOfdmSymbols) continue;
            const plan = native.digitalPlan({
              tokens,
              dimension,
              bitsPerValue,
              modulation,
              payloadOfdmSymbols: symbols,
            });
            if (plan.leastChannelUses !== found) least.push([tokens, dimension, bitsPerValue, modulation]);
          }
    assert.deepEqual(least, []);
  });

  it('take as many OFDM symbols in the analog one as the native code says', () => {
    for (const [tokens, dimension] of [
      [16, 16],
      [7, 128],
      [1, 1],
      [3, 33],
      [64, 16],
    ] as const)
      for (const normalisation of ['burst', 'token'] as const) {
        const rest = {
          permutation: true,
          scramble: true,
          dftSpreading: false,
          paprControl: 'none',
          paprTargetDb: 6,
          rmsDbfs: -12,
        } as const;
        const layout = native.burstLayout({ tokens, dimension, transport: { normalisation, ...rest } });
        assert.equal(analogOfdmSymbols({ tokens, dimension }, normalisation), layout.payloadOfdmSymbols);
      }
  });

  it('are equal in channel uses where an arm claims it, in sum where it divides them anew', () => {
    const analog = armOf('analog', {});
    const own = armOf('own', { mapping: 'digital' }, 4);
    const same = armOf('same', { mapping: 'digital', digital: { channelUsesOf: 'analog' } }, 4);
    const shares = { text: 12, visual: 1, audio: 1 };
    const shared = armOf('shared', { mapping: 'digital', digital: { channelUsesOf: 'analog', shares } }, 4);
    const arms = [analog, own, same, shared];
    const total = (symbols: ByUser<number>): number => symbols.text + symbols.visual + symbols.audio;
    for (let text = 3; text <= 9; text++) {
      const wanted = payloadOfdmSymbols(analog, arms, shapes(text, 16));
      assert.deepEqual(wanted, { text: Math.ceil((64 * text) / 48), visual: 3, audio: 3 });
      assert.deepEqual(payloadOfdmSymbols(own, arms, shapes(text, 4)), { ...wanted, visual: 1, audio: 1 });
      assert.deepEqual(payloadOfdmSymbols(same, arms, shapes(text, 4)), wanted);
      const divided = payloadOfdmSymbols(shared, arms, shapes(text, 4));
      assert.equal(total(divided), total(wanted));
      assert.ok(divided.text > wanted.text && divided.visual >= 1 && divided.audio >= 1);
    }
  });

  it('that do not fit are named, each user once', () => {
    const arm = armOf('d', { mapping: 'digital', digital: { bitsPerValue: 2, modulation: '16qam' } });
    const found = misfits(arm, [arm], DIMENSIONS, [3, 4, 9]);
    assert.deepEqual(
      found.map(({ user }) => user),
      ['text', 'visual', 'audio'],
    );
    assert.match(
      found[1]?.detail ?? '',
      /2 bits per value with 16qam need \d+ channel uses for 16 x 16 values of visual, and there are 144/,
    );
    assert.deepEqual(misfits(armOf('d', { mapping: 'digital' }), [], DIMENSIONS, [3, 4, 9]), []);
    assert.deepEqual(misfits(armOf('a', {}), [], DIMENSIONS, [3]), []);
  });
});
