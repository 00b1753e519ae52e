/** Users at once, each in its own sub-band of one capture; and one radio that plays them all in turn. */
import assert from 'node:assert/strict';
import {
  RadioProcessLauncher,
  type Bench,
  type BenchSetup,
  type BurstRequest,
  type LinkError,
  type SoundedSubband,
  type TrialRequest,
} from '../../app/link';
import { dbToPowerRatio } from '../../app/units/db';
import { mean, randomTokens, SNR_MINUS_GAIN_DB, trial, twinSetup, USERS } from './twin-setup';

/** Three users of 16.15 grid carriers with 2 and more between them, as placeSubbands gives them. */
const BANDS = [
  { centerBin: -589, size: 624, guardBins: 64 },
  { centerBin: 0, size: 624, guardBins: 64 },
  { centerBin: 589, size: 624, guardBins: 64 },
];
const CARRIER_HZ = (78_125 * 624) / 2048;
/** A burst's power in a third of the band. */
const NARROW_DB = 10 * Math.log10(2048 / 624);
const GAIN_DB = Math.round(4 * (20 - SNR_MINUS_GAIN_DB)) / 4;

function atOnce(
  number: number,
  soundedCfoHz: readonly (number | null)[],
  change: (burst: BurstRequest, index: number) => Partial<BurstRequest> = () => ({}),
): TrialRequest {
  const { trialId, bursts } = trial(number, GAIN_DB);
  return {
    trialId,
    atOnce: true,
    bursts: bursts.map((burst, index): BurstRequest => {
      const subband = { ...BANDS[index], soundedCfoHz: soundedCfoHz[index] } as SoundedSubband;
      const own = { ...burst, leadS: 100e-6 + 37e-6 * ((number * (index + 1)) % 7), subband };
      return { ...own, ...change(own, index) };
    }),
  };
}

function numbers(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

describe('users at once in one capture', () => {
  let bench: Bench;
  let cfosHz: number[];

  before(async () => {
    bench = await new RadioProcessLauncher().open(twinSetup());
    const soundings = await Promise.all(numbers(0, 8).map((number) => bench.runTrial(trial(number, GAIN_DB))));
    cfosHz = USERS.map((_, index) =>
      mean(soundings.map(({ bursts }) => bursts[index]?.measurement?.cfoHz ?? Number.NaN)),
    );
  });
  after(() => bench.close());

  it('are all served, at the SNR of their narrower band, with less than 1 % of a carrier of CFO left', async () => {
    const results = await Promise.all(numbers(100, 30).map((number) => bench.runTrial(atOnce(number, cfosHz))));
    for (const [index, user] of USERS.entries()) {
      const bursts = results.map((result) => result.bursts[index]);
      assert.ok(bursts.every((burst) => burst?.outcome === 'ok' && burst.received !== null));
      const truthDb = mean(bursts.map((burst) => burst?.truth?.snrDb ?? Number.NaN));
      assert.ok(Math.abs(truthDb - 20 - NARROW_DB) < 0.4, `${user}: true SNR ${truthDb} dB`);
      const measuredDb = mean(bursts.map((burst) => burst?.measurement?.snrDb ?? Number.NaN));
      assert.ok(Math.abs(measuredDb - truthDb) < 0.4, `${user}: measured ${measuredDb}, true ${truthDb} dB`);
      const error = mean(bursts.map((burst) => burst?.tokenError ?? Number.NaN));
      assert.ok(error * dbToPowerRatio(truthDb) < 1.15, `${user}: error ${error} at ${truthDb} dB`);
      for (const burst of bursts) {
        assert.ok(Math.abs(burst?.measurement?.cfoHz ?? Infinity) < 0.01 * CARRIER_HZ);
        assert.ok(Math.abs((burst?.truth?.cfoHz ?? Infinity) - (burst?.measurement?.cfoHz ?? 0)) < 30);
      }
    }
    // All at once: little longer than the longest burst.
    for (const { airTimeS, bursts } of results)
      assert.ok(airTimeS < Math.max(...bursts.map((burst) => burst.airTimeS)) + 300e-6);
  });

  it('give the same bits again, whatever was sent in between', async () => {
    const first = await bench.runTrial(atOnce(200, cfosHz));
    const inTurn = await bench.runTrial(trial(201, GAIN_DB));
    const again = await bench.runTrial(atOnce(200, cfosHz));
    assert.ok(inTurn.bursts.every(({ outcome, subband }) => outcome === 'ok' && subband === null));
    assert.deepEqual(again, first);
    const inTurnAgain = await bench.runTrial(trial(201, GAIN_DB));
    assert.deepEqual(inTurnAgain, inTurn);
  });

  it('lose one that vanishes, and the others are served', async () => {
    const request = atOnce(300, cfosHz, (_, index) => (index === 1 ? { txGainDb: 0 } : {}));
    const { bursts, valid } = await bench.runTrial(request);
    assert.ok(valid);
    assert.deepEqual(
      bursts.map(({ outcome, detected, received }) => [outcome, detected, received !== null]),
      [
        ['ok', true, true],
        ['absent', false, false],
        ['ok', true, true],
      ],
    );
  });

  const refused = async (request: TrialRequest, code: string, message: RegExp): Promise<void> => {
    await assert.rejects(bench.runTrial(request), (error: LinkError) => {
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
    const { bursts } = await bench.runTrial(atOnce(401, cfosHz));
    assert.ok(bursts.every(({ outcome }) => outcome === 'ok'));
  };

  it('may not send without a sounding', async () => {
    await refused(
      atOnce(400, [cfosHz[0] as number, null, cfosHz[2] as number]),
      'no-sounding',
      /soundedCfoHz: missing for visual/,
    );
  });

  it('may not share a sub-band, nor come closer than the guard', async () => {
    const at = (centerBin: number) =>
      atOnce(400, cfosHz, ({ subband }, index) =>
        index === 1 ? { subband: { ...(subband as SoundedSubband), centerBin } } : {},
      );
    await refused(at(-500), 'bad-partition', /do not overlap/);
    await refused(at(-40), 'bad-partition', /grid carriers apart/);
  });

  it('need a sub-band each, and in turn may have none', async () => {
    await refused(
      { ...trial(400, GAIN_DB), atOnce: true },
      'bad-partition',
      /subband: missing for text; allowed its own/,
    );
    await refused({ ...atOnce(400, cfosHz), atOnce: false }, 'bad-partition', /subband: of text, in turn/);
  });
});

describe('one radio that plays all users in turn', () => {
  const setup = (): BenchSetup => {
    const { roles, air, ...rest } = twinSetup();
    return {
      ...rest,
      air,
      roles: roles.map((role) => (role.role === 'base' ? role : { ...role, serial: 'TWIN-TEXT' })),
    };
  };
  let bench: Bench;
  before(async () => {
    bench = await new RadioProcessLauncher().open(setup());
  });
  after(() => bench.close());

  it('sends the bursts of all of them', async () => {
    const request = trial(1, GAIN_DB);
    const { bursts, valid } = await bench.runTrial(request);
    assert.ok(valid);
    assert.deepEqual(
      bursts.map(({ user, outcome, sequence }) => [user, outcome, sequence]),
      request.bursts.map(({ user, sequence }) => [user, 'ok', sequence]),
    );
  });

  it('has one gain within a trial, and cannot send two bursts at once', async () => {
    const request = trial(2, GAIN_DB);
    const [first, ...others] = request.bursts as [BurstRequest, ...BurstRequest[]];
    await assert.rejects(
      bench.runTrial({ ...request, bursts: [{ ...first, txGainDb: GAIN_DB - 3 }, ...others] }),
      (error: LinkError) => error.code === 'out-of-range' && /two gains/.test(error.message),
    );
    await assert.rejects(
      bench.runTrial(atOnce(3, [0, 0, 0])),
      (error: LinkError) => error.code === 'out-of-range' && /sends already/.test(error.message),
    );
    const lone = { tokens: randomTokens('lone'), sequence: 5, user: 'audio', txGainDb: GAIN_DB, leadS: 1e-4 };
    assert.equal((await bench.runTrial({ trialId: 'lone', bursts: [lone] })).bursts[0]?.outcome, 'ok');
  });

  it('may not be the base as well', async () => {
    const { roles, ...rest } = setup();
    await assert.rejects(
      new RadioProcessLauncher().open({
        ...rest,
        roles: roles.map((role) => (role.role === 'audio' ? { ...role, serial: 'TWIN-BASE' } : role)),
      }),
      (error: LinkError) => error.code === 'bad-setup' && /radio of its own for base/.test(error.message),
    );
  });
});
