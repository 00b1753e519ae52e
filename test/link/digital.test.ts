/** Bursts of the digital mapping through the radio process: formats, erasures, adaptation, sub-bands, bad input. */
import assert from 'node:assert/strict';
import { loadNative, type ReceivedBurst } from '../../drivers/radio';
import {
  LinkError,
  RadioProcessLauncher,
  type Bench,
  type BurstResult,
  type DigitalRequest,
  type EffectiveSnrDb,
  type SoundedSubband,
  type TrialRequest,
} from '../../app/link';
import { burstResult, type PlannedBurst } from '../../app/link/results';
import { mean, randomTokens, relativeError, SNR_MINUS_GAIN_DB, trial, twinSetup, USERS } from './twin-setup';

const FIXED: DigitalRequest = {
  bitsPerValue: 4,
  modulation: '16qam',
  payloadOfdmSymbols: 30,
  effectiveSnrDb: null,
  targetPer: 0.01,
  marginDb: 0,
};

function gainFor(snrDb: number): number {
  return Math.round(4 * (snrDb - SNR_MINUS_GAIN_DB)) / 4;
}

function digitalTrial(
  number: number,
  snrDb: number,
  digital: (index: number) => DigitalRequest = () => FIXED,
): TrialRequest {
  const request = trial(number, gainFor(snrDb));
  return { ...request, bursts: request.bursts.map((burst, index) => ({ ...burst, digital: digital(index) })) };
}

function refusal(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof LinkError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.ok(!error.message.includes('\n'));
    return true;
  };
}

describe('digital bursts through the radio process', () => {
  let bench: Bench;
  before(async () => {
    bench = await new RadioProcessLauncher().open(twinSetup());
  });
  after(() => bench.close());

  it('bring tokens back with the quantiser’s error alone, and say how', async () => {
    const request = digitalTrial(1, 20);
    const { bursts, valid } = await bench.runTrial(request);
    assert.ok(valid);
    bursts.forEach(({ outcome, digital, received, tokenError, boundError, measurement, errorBudget }, index) => {
      assert.equal(outcome, 'ok');
      assert.ok(digital !== null && received !== null && tokenError !== null);
      // 64 Gaussian values a token with 4 bits each: -19.3 dB (docs/digital.md).
      assert.ok(tokenError > 0.008 && tokenError < 0.016, `${tokenError}`);
      const sent = request.bursts[index]?.tokens ?? randomTokens('');
      assert.ok(Math.abs(relativeError(sent, received) - tokenError) < 1e-6);
      const { bitsPerValue, modulation, payloadOfdmSymbols, codeBlocks, codeBlocksLost, erased, codeRate } = digital;
      assert.deepEqual([bitsPerValue, modulation, payloadOfdmSymbols], [4, '16qam', 30]);
      assert.deepEqual([codeBlocks, codeBlocksLost, Array.from(erased)], [1, 0, Array.from({ length: 16 }, () => 0)]);
      assert.ok(Math.abs(codeRate - (24 + 16 * (9 + 64 * 4)) / (30 * 48 * 4)) < 1e-9);
      assert.ok(digital.decoderIterations >= 1);
      assert.ok(digital.requiredSnrDb > 6 && digital.requiredSnrDb < 12 && digital.meetsTarget === null);
      assert.ok(boundError === null && errorBudget === null && measurement?.genie === null);
    });
    assert.deepEqual(await bench.runTrial(request), { ...(await bench.runTrial(request)) });
  });

  it('erase what a lost block carried, and no more: zeros, and flags that say so', async () => {
    // Several blocks a burst, at an SNR where some are lost.
    const format = { ...FIXED, bitsPerValue: 8, modulation: '64qam', payloadOfdmSymbols: 110 } as const;
    const requests = Array.from({ length: 25 }, (_, n) => {
      const request = digitalTrial(100 + n, 13.7, () => format);
      return {
        ...request,
        bursts: request.bursts.map((b, i) => ({ ...b, tokens: randomTokens(`${n} ${i}`, 64, 40) })),
      };
    });
    const results = await Promise.all(requests.map((request) => bench.runTrial(request)));
    const bursts = results.flatMap((result) => result.bursts);
    assert.ok(bursts.every(({ digital }) => digital?.codeBlocks === 3));
    const partly = bursts.filter(({ digital }) => [1, 2].includes(digital?.codeBlocksLost ?? 0));
    assert.ok(partly.length > 5, `${partly.length} of ${bursts.length} lost a part`);
    results.forEach((result, n) =>
      result.bursts.forEach(({ digital, received, tokenError }, i) => {
        if (digital === null || received === null) return;
        const sent = requests[n]?.bursts[i]?.tokens.data as Float32Array;
        const erased = Array.from(digital.erased);
        assert.equal(erased.includes(1), digital.codeBlocksLost > 0);
        erased.forEach((flag, token) => {
          const values = received.data.subarray(token * 40, (token + 1) * 40);
          if (flag === 1) assert.ok(values.every((value) => value === 0));
          else values.forEach((value, k) => assert.ok(Math.abs(value - (sent[token * 40 + k] ?? 0)) < 0.1));
        });
        const share = erased.filter((flag) => flag === 1).length / erased.length;
        assert.ok(Math.abs((tokenError ?? 0) - share) < 0.15);
      }),
    );
  });

  it('are adapted to what a sounding measured, and then come through', async () => {
    const soundings = await Promise.all(
      [1, 2, 3, 4].map((n) => bench.runTrial({ ...trial(200 + n, gainFor(9)), effectiveSnr: true })),
    );
    const effective = USERS.map((_, index): EffectiveSnrDb => {
      const all = soundings.map(({ bursts }) => bursts[index]?.measurement?.effectiveSnrDb as EffectiveSnrDb);
      const of = (key: keyof EffectiveSnrDb): number => mean(all.map((one) => one[key]));
      return { qpsk: of('qpsk'), '16qam': of('16qam'), '64qam': of('64qam'), '256qam': of('256qam') };
    });
    assert.ok(Math.abs((effective[0]?.qpsk ?? 0) - 9) < 0.6, `${effective[0]?.qpsk} dB`);
    const free = (index: number): DigitalRequest => ({
      ...FIXED,
      bitsPerValue: null,
      modulation: null,
      effectiveSnrDb: effective[index] as EffectiveSnrDb,
    });
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) => bench.runTrial(digitalTrial(300 + n, 9, free))),
    );
    const bursts = results.flatMap((result) => result.bursts);
    for (const { digital } of bursts) {
      assert.ok(digital !== null && digital.meetsTarget === true);
      assert.ok(digital.bitsPerValue >= 3 && digital.requiredSnrDb <= (digital.effectiveSnrDb ?? -9));
    }
    assert.ok(bursts.filter(({ digital }) => digital?.codeBlocksLost !== 0).length <= 4);
    // Where nothing gets through, the most robust format is sent all the same, and says so.
    const starved = (index: number): DigitalRequest => ({ ...free(index), payloadOfdmSymbols: 12 });
    const hopeless = await bench.runTrial(digitalTrial(330, 9, starved));
    for (const { digital } of hopeless.bursts)
      assert.deepEqual([digital?.meetsTarget, digital?.bitsPerValue], [false, 2]);
  });

  it('go over sub-bands of one capture, and one that vanishes costs the others nothing', async () => {
    const soundings = await bench.runTrial(trial(400, gainFor(25)));
    const bands = [-589, 0, 589].map((centerBin, index): SoundedSubband => {
      const soundedCfoHz = soundings.bursts[index]?.measurement?.cfoHz ?? null;
      return { centerBin, size: 624, guardBins: 64, soundedCfoHz };
    });
    const request = digitalTrial(401, 20);
    const atOnce = (gone: number): TrialRequest => ({
      ...request,
      atOnce: true,
      bursts: request.bursts.map((burst, index) => ({
        ...burst,
        subband: bands[index],
        leadS: 100e-6 + 40e-6 * index,
        ...(index === gone && { txGainDb: 0 }),
      })),
    });
    const all = await bench.runTrial(atOnce(-1));
    for (const { outcome, digital, tokenError } of all.bursts) {
      assert.deepEqual([outcome, digital?.codeBlocksLost], ['ok', 0]);
      assert.ok((tokenError ?? 1) < 0.016);
    }
    const { bursts, valid } = await bench.runTrial(atOnce(1));
    assert.ok(valid);
    assert.deepEqual(
      bursts.map(({ outcome, digital }) => [outcome, digital?.codeBlocksLost, digital?.erased.includes(1)]),
      [
        ['ok', 0, false],
        ['absent', 1, true],
        ['ok', 0, false],
      ],
    );
  });

  for (const [what, mapping] of [
    ['analog', undefined],
    ['digital', FIXED],
  ] as const)
    it(`of NaN are refused (${what}), with an event that names the user, and the others are served`, async () => {
      const request = trial(500, gainFor(20));
      const bursts = request.bursts.map((burst, index) => ({
        ...burst,
        ...(mapping !== undefined && { digital: mapping }),
        ...(index === 1 && { tokens: { ...burst.tokens, data: new Float32Array(16 * 64).fill(NaN) } }),
      }));
      const result = await bench.runTrial({ ...request, bursts });
      assert.equal(result.valid, false);
      assert.deepEqual(
        result.events.map(({ kind, direction, serial }) => [kind, direction, serial]),
        [['refused-burst', 'tx', 'TWIN-VISUAL']],
      );
      assert.match(result.events[0]?.detail ?? '', /^visual: tokens.*nan/i);
      assert.deepEqual(
        result.bursts.map(({ outcome, received }) => [outcome, received !== null]),
        [
          ['ok', true],
          ['refused', false],
          ['ok', true],
        ],
      );
      const next = await bench.runTrial(digitalTrial(501, 20));
      assert.ok(next.valid && next.bursts.every(({ outcome }) => outcome === 'ok'));
    });

  it('are refused where the format does not fit, or there is nothing to choose it by', async () => {
    const few = (): DigitalRequest => ({ ...FIXED, payloadOfdmSymbols: 10 });
    const none = (): DigitalRequest => ({ ...FIXED, modulation: null });
    const tiny = (): DigitalRequest => ({
      ...none(),
      payloadOfdmSymbols: 2,
      effectiveSnrDb: { qpsk: 30, '16qam': 30, '64qam': 30, '256qam': 30 },
    });
    await assert.rejects(
      bench.runTrial(digitalTrial(600, 20, few)),
      refusal('out-of-range', /bursts\.digital: of text: channelUses is 480; allowed: at least \d+/),
    );
    await assert.rejects(
      bench.runTrial(digitalTrial(601, 20, none)),
      refusal('no-sounding', /bursts\.digital\.effectiveSnrDb: missing for text/),
    );
    await assert.rejects(
      bench.runTrial(digitalTrial(602, 20, tiny)),
      refusal('out-of-range', /payloadOfdmSymbols: 2 for text; allowed as many as 16 x 64 values need/),
    );
    const changed = { ...FIXED, bitsPerValue: 9 } as DigitalRequest;
    await assert.rejects(
      bench.runTrial(digitalTrial(603, 20, () => changed)),
      refusal('malformed-message', /bursts\.0\.digital\.bitsPerValue/),
    );
    const next = await bench.runTrial(digitalTrial(604, 20));
    assert.ok(next.bursts.every(({ outcome }) => outcome === 'ok'));
  });
});

describe('a digital burst whose blocks pass their CRC with a wrong length', () => {
  it('is a lost burst that says payload-mismatch: no tokens, all erased', () => {
    const native = loadNative();
    const tokens = randomTokens('mismatch', 4, 8);
    const format = { bitsPerValue: 4, modulation: 'qpsk', payloadOfdmSymbols: 5 } as const;
    const planned = {
      request: { user: 'text', sequence: 1, tokens, txGainDb: 50, leadS: 0 },
      radio: { user: 'text', number: 0, gain: { achieved: { requested: 50, actual: 50 } } },
      layout: native.burstLayout({ tokens: 4, dimension: 8, digital: format }),
      format: { ...format, codeRate: 0.4, codeBlocks: 1, effectiveSnrDb: null, requiredSnrDb: 1, meetsTarget: null },
      startNs: 0,
    } as unknown as PlannedBurst;
    const found = {
      outcome: 'payload-mismatch',
      headerOk: true,
      user: 0,
      data: null,
      snrDb: null,
      digital: { ...format, erased: new Uint8Array(0), codeBlocks: 1, codeBlocksLost: 0, decoderIterations: 3 },
    } as unknown as ReceivedBurst;
    const options = { sampleRateHz: 5e6, effectiveSnr: false };
    const sent = { paprDb: 9, ccdfDb: [], clippedFraction: 0, limitedFraction: 0, clipEvmDb: null };
    const result: BurstResult = burstResult(planned, sent as never, found, null, null, options, native);
    assert.deepEqual([result.outcome, result.headerOk, result.received], ['payload-mismatch', true, null]);
    assert.deepEqual(Array.from(result.digital?.erased ?? []), [1, 1, 1, 1]);
    assert.deepEqual([result.digital?.codeBlocksLost, result.digital?.decoderIterations], [1, 3]);
  });
});
