/** The digital mapping's formats as the addon tells them. */
import assert from 'node:assert/strict';
import { loadNative, RadioError, type AdaptationQuery, type EffectiveSnrDb } from '../../drivers/radio';

const MODULATIONS = ['qpsk', '16qam', '64qam', '256qam'] as const;

function flat(snrDb: number): EffectiveSnrDb {
  return { qpsk: snrDb, '16qam': snrDb, '64qam': snrDb, '256qam': snrDb };
}

function query(changes: Partial<AdaptationQuery>): AdaptationQuery {
  const free = { bitsPerValue: null, modulation: null, targetPer: 0.01, marginDb: 0 };
  return { tokens: 8, dimension: 62, payloadOfdmSymbols: 43, effectiveSnrDb: flat(10), ...free, ...changes };
}

function refusal(message: RegExp): (error: unknown) => boolean {
  return (error) => {
    const { code, message: said } = RadioError.from(error);
    return code === 'out-of-range' && message.test(said) && !said.includes('\n');
  };
}

describe('the digital mapping in the addon', () => {
  const native = loadNative();

  it('has measured thresholds: six rates a modulation, rising, with the bits that a channel use carries', () => {
    const table = native.mcsThresholds();
    assert.deepEqual(
      MODULATIONS.map((modulation) => table.filter((row) => row.modulation === modulation).length),
      [6, 6, 6, 6],
    );
    table.forEach(({ modulation, codeRate, snrDb, bitsPerChannelUse }, i) => {
      assert.ok(Math.abs(bitsPerChannelUse - codeRate * 2 * (MODULATIONS.indexOf(modulation) + 1)) < 1e-12);
      const before = table[i - 1];
      if (before?.modulation === modulation) assert.ok(before.codeRate < codeRate && before.snrDb < snrDb);
    });
  });

  it('says how a format travels, and refuses one that does not fit', () => {
    const format = { tokens: 8, dimension: 62, bitsPerValue: 4, modulation: 'qpsk', payloadOfdmSymbols: 43 } as const;
    const plan = native.digitalPlan(format);
    assert.equal(plan.channelUses, 43 * 48);
    assert.equal(plan.payloadBits, 24 + 8 * (9 + 62 * 4));
    assert.equal(plan.codeBlocks, 1);
    assert.ok(Math.abs(plan.codeRate - plan.payloadBits / (2 * plan.channelUses)) < 1e-12);
    assert.ok(plan.leastChannelUses > 1100 && plan.leastChannelUses < plan.channelUses);
    for (const [change, message] of [
      [{ payloadOfdmSymbols: 20 }, /channelUses.*960.*at least \d+ for these tokens with qpsk/],
      [{ bitsPerValue: 9 }, /bitsPerValue is 9; allowed: 2 to 8/],
      [{ modulation: 'bpsk' as 'qpsk' }, /modulation is bpsk; allowed: qpsk, 16qam, 64qam, 256qam/],
    ] as const)
      assert.throws(() => native.digitalPlan({ ...format, ...change }), refusal(message));
    assert.ok(native.requiredSnrDb(format, 0.01) > 1.2 && native.requiredSnrDb(format, 0.01) < 1.7);
    assert.throws(() => native.requiredSnrDb(format, 1), refusal(/per/));
  });

  it('adapts: more SNR never carries less, what is fixed stays, and no PER in reach leaves the most robust', () => {
    let bits = 0;
    for (let snrDb = -12; snrDb <= 40; snrDb++) {
      const adapted = native.adaptFormat(query({ effectiveSnrDb: flat(snrDb) }));
      assert.ok(adapted !== null && adapted.bitsPerValue >= bits);
      bits = adapted.bitsPerValue;
      assert.equal(adapted.effectiveSnrDb, snrDb);
      assert.equal(adapted.meetsTarget, adapted.requiredSnrDb <= snrDb);
      const { requiredSnrDb, effectiveSnrDb: _, meetsTarget: __, ...format } = adapted;
      assert.equal(native.requiredSnrDb({ tokens: 8, dimension: 62, ...format }, 0.01), requiredSnrDb);
      const fixed = native.adaptFormat(query({ effectiveSnrDb: flat(snrDb), bitsPerValue: 5, modulation: '64qam' }));
      assert.deepEqual([fixed?.bitsPerValue, fixed?.modulation], [5, '64qam']);
    }
    assert.equal(bits, 8);
    assert.equal(native.adaptFormat(query({ payloadOfdmSymbols: 1 })), null);
    const careful = native.adaptFormat(query({ marginDb: 3 }));
    assert.ok(careful !== null && careful.effectiveSnrDb - careful.requiredSnrDb >= 3);
  });

  it('gives carriers of one SNR that SNR, and a notch less than the mean', () => {
    for (const value of Object.values(native.effectiveSnrDb(new Float32Array(52).fill(7))))
      assert.ok(Math.abs(value - 7) < 0.02);
    const notched = Float32Array.from({ length: 52 }, (_, i) => (i < 13 ? -10 : 7));
    for (const value of Object.values(native.effectiveSnrDb(notched))) assert.ok(value < 5.9 && value > 2);
    assert.throws(() => native.effectiveSnrDb(new Float32Array(2).fill(NaN)), refusal(/snrDb/));
    assert.throws(() => native.effectiveSnrDb([7] as never), refusal(/Float32Array/));
  });
});
