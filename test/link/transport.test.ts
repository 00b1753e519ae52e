/** Ways of transport through the whole link: what is reported, and that the defaults are what they were. */
import assert from 'node:assert/strict';
import {
  RadioProcessLauncher,
  type Bench,
  type BurstResult,
  type SnrEstimate,
  type TransportOptions,
} from '../../app/link';
import { mean, relativeError, SNR_MINUS_GAIN_DB, trial, twinSetup } from './twin-setup';

const DEFAULTS: TransportOptions = {
  normalisation: 'burst',
  permutation: true,
  scramble: true,
  dftSpreading: false,
  paprControl: 'none',
  paprTargetDb: 6,
  rmsDbfs: -12,
};
const TX_GAIN_DB = Math.round(4 * (20 - SNR_MINUS_GAIN_DB)) / 4;

describe('transport options', () => {
  let bench: Bench;
  before(async () => {
    bench = await new RadioProcessLauncher().open(twinSetup());
  });
  after(() => bench.close());

  async function send(
    changes: Partial<TransportOptions> | null,
    trials = 6,
  ): Promise<{ bursts: BurstResult[]; error: number }> {
    const errors: number[] = [];
    const bursts: BurstResult[] = [];
    for (let number = 0; number < trials; number++) {
      const plain = trial(number, TX_GAIN_DB);
      const transport = changes === null ? undefined : { ...DEFAULTS, ...changes };
      const request = { ...plain, bursts: plain.bursts.map((burst) => ({ ...burst, transport })) };
      const result = await bench.runTrial(request);
      assert.ok(result.valid);
      result.bursts.forEach((burst, index) => {
        assert.ok(burst.received !== null, `${burst.user} of trial ${number} was lost`);
        const sent = request.bursts[index]?.tokens;
        assert.ok(sent !== undefined);
        errors.push(relativeError(sent, burst.received));
        bursts.push(burst);
      });
    }
    return { bursts, error: mean(errors) };
  }

  it('are, at their defaults, what a burst without them is, bit by bit', async () => {
    const [plain, explicit] = [await send(null), await send({})];
    assert.deepEqual(explicit, plain);
  });

  for (const changes of [
    { normalisation: 'token' },
    { permutation: false },
    { scramble: false },
    { dftSpreading: true },
    { paprControl: 'clip-and-filter', paprTargetDb: 8 },
  ] as const)
    it(`bring tokens back with ${JSON.stringify(changes)}`, async () => {
      const { bursts, error } = await send(changes);
      assert.ok(error < 1.5 / 101, `relative error ${error}`);
      for (const { measurement } of bursts) assert.ok(Math.abs((measurement?.genie?.snrDb ?? 0) - 20) < 2.5);
    });

  it('report the peaks that clip and filter and DFT spreading leave', async () => {
    const papr = ({ bursts }: { bursts: BurstResult[] }): number => mean(bursts.map((burst) => burst.paprDb));
    const plain = await send({});
    const clipped = await send({ paprControl: 'clip-and-filter', paprTargetDb: 5 });
    assert.ok(papr(clipped) < papr(plain) - 2, `${papr(clipped)} against ${papr(plain)} dB`);
    for (const { ccdfDb, paprDb, clipEvmDb } of plain.bursts) {
      assert.equal(ccdfDb.length, 3);
      assert.ok([...ccdfDb, paprDb].every((value, index, all) => index === 0 || value >= (all[index - 1] as number)));
      assert.equal(clipEvmDb, null);
    }
    for (const { clipEvmDb, limitedFraction } of clipped.bursts) {
      assert.ok(clipEvmDb !== null && clipEvmDb < -10 && clipEvmDb > -40);
      assert.ok(limitedFraction > 0.01 && limitedFraction < 0.2, `${limitedFraction}`);
    }
    assert.ok(plain.bursts.every(({ limitedFraction }) => limitedFraction === 0));
  });

  it('report what clipping at full scale does', async () => {
    const { bursts } = await send({ rmsDbfs: -3 });
    assert.ok(bursts.every(({ clippedFraction }) => clippedFraction > 0.001));
  });

  it('name the best-informed estimate, with standard deviations', async () => {
    const { bursts } = await send({}, 1);
    for (const { measurement } of bursts) {
      assert.equal(measurement?.bestEstimator, 'data-aided-and-pilots');
      const { best, sndr } = measurement.estimates;
      const snrSdDb = best.sdDb;
      assert.ok(snrSdDb !== null && snrSdDb > 0.05 && snrSdDb < 0.5, `${snrSdDb}`);
      assert.equal(best.snrDb, measurement.snrDb);
      assert.ok(sndr.snrDb !== null && Math.abs(sndr.snrDb - 20) < 3);
      for (const { snrDb, sdDb, lowDb, highDb } of Object.values(measurement.estimates) as SnrEstimate[]) {
        assert.ok(snrDb !== null && sdDb !== null && lowDb !== null && highDb !== null);
        assert.ok(sdDb > snrSdDb - 0.01);
        assert.ok(lowDb < snrDb && snrDb < highDb && highDb - lowDb > 3 * sdDb && highDb - lowDb < 5 * sdDb);
      }
      assert.equal(measurement.disturbed, false);
      assert.equal(measurement.saturatedSamples, 0);
      assert.ok(measurement.phaseDriftRad !== null && measurement.phaseDriftRad < 0.1);
    }
  });
});
