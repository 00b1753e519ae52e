/** Whole trials through a radio process: SoapySDR streams, the waveform, the simulated air. */
import assert from 'node:assert/strict';
import {
  LinkError,
  RadioProcessLauncher,
  type Bench,
  type TrialRequest,
  type TrialResult,
  type TwinAir,
} from '../../app/link';
import { dbToPowerRatio } from '../../app/units/db';
import { mean, randomTokens, relativeError, SNR_MINUS_GAIN_DB, trial, twinSetup, USERS } from './twin-setup';

const launcher = new RadioProcessLauncher();

async function withBench<T>(
  setup: Parameters<RadioProcessLauncher['open']>[0],
  use: (bench: Bench) => Promise<T>,
): Promise<T> {
  const bench = await launcher.open(setup);
  try {
    return await use(bench);
  } finally {
    await bench.close();
  }
}

function numbers(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

describe('a trial through the radio process', () => {
  let bench: Bench;
  before(async () => {
    bench = await launcher.open(twinSetup());
  });
  after(() => bench.close());

  it('says what was opened', () => {
    assert.deepEqual(
      bench.radios.map(({ role, driver, serial, simulated }) => ({ role, driver, serial, simulated })),
      ['base', ...USERS].map((role) => ({
        role,
        driver: 'twin',
        serial: `TWIN-${role.toUpperCase()}`,
        simulated: true,
      })),
    );
    const [, text] = bench.radios;
    assert.deepEqual(text?.txGainRangeDb, { min: 0, max: 89.75, step: 0.25 });
    assert.deepEqual(text.sampleRateHz, { requested: 5e6, actual: 5e6 });
    assert.equal(bench.mcs.length, 24);
    assert.deepEqual(bench.mcs[0]?.modulation, 'qpsk');
  });

  for (const snrDb of [0, 5, 10, 20])
    it(`brings tokens back with an error near 1/(1+snr) at ${snrDb} dB, and measures that SNR`, async () => {
      const requests = numbers(snrDb * 100, 40).map((number) =>
        trial(number, Math.round(4 * (snrDb - SNR_MINUS_GAIN_DB)) / 4),
      );
      const results = await Promise.all(requests.map((request) => bench.runTrial(request)));
      const bursts = results.flatMap((result, index) =>
        result.bursts.map((burst, user) => ({ burst, sent: (requests[index] as TrialRequest).bursts[user]?.tokens })),
      );
      assert.ok(results.every(({ valid, events }) => valid && events.length === 0));
      assert.ok(bursts.every(({ burst }) => burst.detected && burst.headerOk));
      const truths = bursts.map(({ burst }) => burst.truth?.snrDb ?? Number.NaN);
      assert.ok(Math.abs(mean(truths) - snrDb) < 0.3, `true SNR ${mean(truths)} dB`);

      const errors = bursts.map(({ burst, sent }) => {
        assert.ok(burst.received !== null && sent !== undefined);
        return relativeError(sent, burst.received);
      });
      const expected = mean(truths.map((truthDb) => 1 / (1 + dbToPowerRatio(truthDb))));
      assert.ok(Math.abs(mean(errors) / expected - 1) < 0.1, `error ${mean(errors)}, expected ${expected}`);

      const offsets = (value: (index: number) => number | null | undefined): number =>
        mean(bursts.map((_, index) => (value(index) ?? Number.NaN) - (truths[index] as number)));
      const measured = (index: number) => bursts[index]?.burst.measurement;
      assert.ok(Math.abs(offsets((index) => measured(index)?.snrDb)) < 0.5);
      for (const name of ['best', 'sndr', 'preamble', 'emptyCarriers', 'pilotEvm', 'dataAided'] as const)
        assert.ok(Math.abs(offsets((index) => measured(index)?.estimates[name].snrDb)) < 0.5, name);
      assert.ok(Math.abs(offsets((index) => measured(index)?.genie?.snrDb)) < 0.5, 'genie');
      bursts.forEach(({ burst }, index) => assert.equal(burst.tokenError, errors[index]));
      const bound = mean(bursts.map(({ burst }) => burst.boundError ?? Number.NaN));
      assert.ok(Math.abs(bound / expected - 1) < 0.06, `bound ${bound}, expected ${expected}`);
    });

  it('measures the channel of every carrier, the carrier offset and the arrival', async () => {
    const request = trial(9000, 82);
    const { bursts } = await bench.runTrial(request);
    let startNs = 0;
    for (const [index, { measurement, truth, airTimeS, paprDb, txGainDb }] of bursts.entries()) {
      assert.ok(measurement !== null && truth !== null);
      assert.equal(measurement.channel.length, 2 * measurement.carriers.length);
      assert.equal(measurement.carrierSnrDb.length, measurement.carriers.length);
      assert.ok(measurement.carriers.every((carrier) => carrier !== 0 && Math.abs(carrier) <= 26));
      assert.ok(measurement.constellation.length > 0 && measurement.constellation.length <= 1024);
      assert.ok(Math.abs(measurement.cfoHz - truth.cfoHz) < 100);
      startNs += (request.bursts[index]?.leadS ?? 0) * 1e9;
      assert.ok(Math.abs(measurement.arrivalNs - startNs - 64 * 200) < 400, `arrival ${measurement.arrivalNs}`);
      startNs += airTimeS * 1e9;
      assert.ok(paprDb > 5 && paprDb < 15);
      assert.deepEqual(txGainDb, { requested: 82, actual: 82 });
    }
  });

  it('hears clocks that are further off than it seeks, where it is told by how much', async () => {
    const setup = twinSetup();
    const air = setup.air as TwinAir;
    const far = {
      ...setup,
      air: {
        ...air,
        radios: air.radios.map((radio) => ({
          ...radio,
          clockErrorPpm: radio.clockErrorPpm + (radio.serial === 'TWIN-BASE' ? -60 : 60),
        })),
      },
    };
    for (const cfoPriorHz of [0, -294e3, 294e3])
      await withBench({ ...far, cfoPriorHz }, async (apart) => {
        const { bursts } = await apart.runTrial({ ...trial(1, 80), errorBudget: true });
        for (const { headerOk, measurement, truth, tokenError, errorBudget, user } of bursts) {
          assert.equal(headerOk, cfoPriorHz > 0, `${user} at a prior of ${cfoPriorHz} Hz`);
          if (cfoPriorHz <= 0) continue;
          assert.ok(measurement !== null && truth !== null && tokenError !== null && errorBudget !== null);
          assert.ok(truth.cfoHz > 280e3 && Math.abs(measurement.cfoHz - truth.cfoHz) < 200, `${measurement.cfoHz}`);
          assert.ok(tokenError < 1.2 / (1 + dbToPowerRatio(truth.snrDb)), `${user} ${tokenError}`);
        }
      });
  });

  it('answers with the gain that the radio has, not the one that was asked for', async () => {
    const { bursts } = await bench.runTrial(trial(9001, 70.1));
    assert.deepEqual(bursts[0]?.txGainDb, { requested: 70.1, actual: 70 });
  });

  it('gives a lost burst as lost', async () => {
    const { bursts, valid } = await bench.runTrial(trial(9002, 0));
    assert.ok(valid);
    for (const burst of bursts) {
      assert.equal(burst.detected, false);
      assert.equal(burst.headerOk, false);
      assert.equal(burst.received, null);
      assert.equal(burst.measurement, null);
    }
  });

  it('gives a burst whose header noise has spoilt as detected and unread, and calls the trial valid', async () => {
    // Low enough that some headers fail and high enough that some preambles are found.
    for (let number = 10_000; number < 11_000; number++) {
      const result = await bench.runTrial(trial(number, -10 - SNR_MINUS_GAIN_DB));
      const spoilt = result.bursts.find(({ detected, headerOk }) => detected && !headerOk);
      if (spoilt === undefined) continue;
      assert.equal(spoilt.received, null);
      assert.ok(result.events.some(({ kind, direction }) => kind === 'corrupt-header' && direction === 'rx'));
      assert.ok(result.valid);
      return;
    }
    assert.fail('no corrupt header in 1,000 trials');
  });

  it('carries one token and 64 alike', async () => {
    for (const tokens of [1, 64]) {
      const request = trial(9100 + tokens, 85, tokens);
      const { bursts } = await bench.runTrial(request);
      for (const [index, { received }] of bursts.entries()) {
        assert.ok(received !== null);
        assert.ok(relativeError(request.bursts[index]?.tokens ?? randomTokens(''), received) < 0.02);
      }
    }
  });

  const refused: [string, (request: TrialRequest) => TrialRequest, RegExp][] = [
    [
      'an unknown user',
      (r) => ({ ...r, bursts: r.bursts.map((b) => ({ ...b, user: 'nobody' })) }),
      /bursts\.user: "nobody"; allowed text, visual, audio/,
    ],
    [
      'all-zero tokens',
      (r) => ({
        ...r,
        bursts: r.bursts.map((b) => ({ ...b, tokens: { ...b.tokens, data: new Float32Array(16 * 64) } })),
      }),
      /token/,
    ],
    [
      'two gains of one user',
      (r) => ({ ...r, bursts: r.bursts.map((b, i) => ({ ...b, user: 'text', sequence: i, txGainDb: i })) }),
      /bursts\.txGainDb: two gains of text/,
    ],
    [
      'a burst longer than the link carries',
      (r) => ({ ...r, bursts: r.bursts.slice(0, 1).map((b) => ({ ...b, tokens: randomTokens('x', 400, 500) })) }),
      /bursts\.tokens: 400 x 500 needs \d+ symbols; allowed at most/,
    ],
  ];
  for (const [what, change, message] of refused)
    it(`refuses ${what}, and goes on`, async () => {
      await assert.rejects(bench.runTrial(change(trial(9200, 82))), (error: unknown) => {
        assert.ok(error instanceof LinkError);
        assert.equal(error.code, 'out-of-range');
        assert.match(error.message, message);
        assert.ok(!error.message.includes('\n'));
        return true;
      });
      const next = await bench.runTrial(trial(9201, 82));
      assert.ok(next.valid && next.bursts.every(({ headerOk }) => headerOk));
    });
});

describe('repeatability of trials', () => {
  const gainDb = 66;
  const ids = numbers(1, 12);
  const byId = (results: readonly TrialResult[]): Map<string, TrialResult> =>
    new Map(results.map((result) => [result.trialId, result]));
  let reference: Map<string, TrialResult>;

  before(async () => {
    reference = await withBench(twinSetup(), async (bench) =>
      byId(await Promise.all(ids.map((id) => bench.runTrial(trial(id, gainDb))))),
    );
  });

  it('gives the same bits with the same seed in another process', async () => {
    await withBench(twinSetup(), async (bench) => {
      assert.deepEqual(byId(await Promise.all(ids.map((id) => bench.runTrial(trial(id, gainDb))))), reference);
    });
  });

  it('gives the same bits in another order, one at a time, and between others', async () => {
    await withBench(twinSetup(), async (bench) => {
      const results: TrialResult[] = [];
      for (const id of [...ids].reverse()) {
        results.push(await bench.runTrial(trial(id, gainDb)));
        await bench.runTrial(trial(500 + id, 80, 4));
      }
      assert.deepEqual(byId(results), new Map([...reference].reverse()));
    });
  });

  it('gives other noise with another seed', async () => {
    const [first] = await withBench(twinSetup({ seed: 8 }), async (bench) => [await bench.runTrial(trial(1, gainDb))]);
    const before = reference.get('trial 1')?.bursts[0]?.received?.data;
    const now = first?.bursts[0]?.received?.data;
    assert.ok(before !== undefined && now !== undefined);
    assert.notDeepEqual(now, before);
  });
});

describe('other airs', () => {
  it('crosses a channel of three taps', async () => {
    const taps = [
      { delayS: 0, powerDb: 0, phaseRad: 0 },
      { delayS: 0.4e-6, powerDb: -4, phaseRad: 2 },
      { delayS: 1.1e-6, powerDb: -8, phaseRad: 4 },
    ];
    await withBench(twinSetup({ taps }), async (bench) => {
      const { bursts } = await bench.runTrial(trial(1, 82));
      for (const { headerOk, measurement, truth } of bursts) {
        assert.ok(headerOk && measurement !== null && truth !== null);
        assert.ok(Math.abs(measurement.snrDb - truth.snrDb) < 1);
        assert.ok(Math.max(...measurement.carrierSnrDb) - Math.min(...measurement.carrierSnrDb) > 3);
      }
    });
  });

  it('runs in real time', async () => {
    await withBench(twinSetup({ pace: 'realtime' }), async (bench) => {
      // A busy machine may overflow or be late; that has to show as such, and a good trial as good.
      const results = await Promise.all(numbers(1, 10).map((id) => bench.runTrial(trial(id, 80))));
      for (const { valid, bursts, events } of results)
        if (valid) assert.ok(bursts.every(({ headerOk }) => headerOk));
        else assert.ok(events.length > 0);
      assert.ok(results.some(({ valid }) => valid));
    });
  });
});
