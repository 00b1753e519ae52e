import { strict as assert } from 'node:assert';
import { describe, it } from 'mocha';
import { readingGaps, type BurstGroup } from '../../app/report/burst-groups';
import { seededRandom } from '../../app/units/random';
import type { BurstRecord } from '../../app/config/run-documents';

/** Bursts whose tokens lost `errorDb`, read at `snrDb` by everyone but the preamble, which reads `preambleDb`. */
function bursts(count: number, errorDb: number, snrDb: number, preambleDb: number | null, spreadDb = 0): BurstRecord[] {
  const random = seededRandom(1, 'gaps');
  return Array.from({ length: count }, () => {
    const off = (): number => spreadDb * (2 * random() - 1);
    return {
      tokenErrorDb: errorDb + off(),
      preambleSnrDb: preambleDb,
      dataAidedSnrDb: snrDb,
      pilotEvmSnrDb: snrDb,
      genieSnrDb: snrDb,
      digital: null,
    } as unknown as BurstRecord;
  });
}

function group(arm: string, user: string, list: BurstRecord[]): BurstGroup {
  return { arm, requestedSnrDb: 10, user, bursts: list };
}

describe('gap between token error and SNR readings', () => {
  // 1 / (1 + 10^1) is -10.414 dB.
  const PROMISED_DB = -10 * Math.log10(11);

  it('is nil where tokens lost what the reading promised, and the difference where they lost more', () => {
    const [noise, clipped] = readingGaps([
      group('noise', 'text', bursts(10, PROMISED_DB, 10, 10)),
      group('clipping', 'text', bursts(10, PROMISED_DB + 2.5, 10, 10)),
    ]);
    assert.deepEqual(
      noise?.gaps.map(({ reading }) => reading),
      ['preamble', 'training and header', 'payload pilots', 'genie'],
    );
    for (const { gapDb, snrDb } of noise?.gaps ?? []) {
      assert.ok(Math.abs(gapDb) < 1e-9);
      assert.ok(Math.abs(snrDb - 10) < 1e-9);
    }
    for (const { gapDb } of clipped?.gaps ?? []) assert.ok(Math.abs(gapDb - 2.5) < 1e-9);
  });

  it('takes all users of a point together, arms and points apart', () => {
    const gaps = readingGaps([
      group('noise', 'text', bursts(3, -10, 10, 10)),
      group('noise', 'audio', bursts(5, -10, 10, 10)),
      { ...group('noise', 'audio', bursts(2, -5, 5, 5)), requestedSnrDb: 5 },
    ]);
    assert.deepEqual(
      gaps.map(({ arm, requestedSnrDb, bursts: count }) => [arm, requestedSnrDb, count]),
      [
        ['noise', 10, 8],
        ['noise', 5, 2],
      ],
    );
  });

  it('means noise, not decibels: a reading that scatters does not promise more', () => {
    // 7 and infinitely many dB make a mean noise of half of 7 dB's: 10 dB.
    const scattered = [...bursts(50, PROMISED_DB, 7, 10), ...bursts(50, PROMISED_DB, 300, 10)];
    const [one] = readingGaps([group('noise', 'text', scattered)]);
    const genie = one?.gaps.find(({ reading }) => reading === 'genie');
    assert.ok(Math.abs((genie?.snrDb ?? 0) - 10.01) < 0.01);
  });

  it('has an interval that narrows as the root of the bursts, and leaves out what nobody read', () => {
    const half = (count: number): number =>
      readingGaps([group('noise', 'text', bursts(count, -10, 10, null, 2))])[0]?.gaps[0]?.halfWidthDb ?? NaN;
    const ratio = half(100) / half(1600);
    assert.ok(ratio > 3.3 && ratio < 5, `ratio ${ratio}`);
    const [one] = readingGaps([group('noise', 'text', bursts(4, -10, 10, null))]);
    assert.ok(one?.gaps.every(({ reading }) => reading !== 'preamble'));
    const noTokens = bursts(4, -10, 10, 10).map((burst) => ({ ...burst, tokenErrorDb: null }));
    assert.deepEqual(readingGaps([group('noise', 'text', noTokens)]), []);
  });
});
