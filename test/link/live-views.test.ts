/** What a radio process tells those who look on. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { inspectRadio, RadioProcessLauncher, type Bench, type Health, type LiveView } from '../../app/link';
import { VIEW_INTERVAL_MS, type LiveBurst } from '../../app/ipc/live-messages';
import { powerRatioToDb } from '../../app/units/db';
import { SNR_MINUS_GAIN_DB, trial, twinSetup, USERS } from './twin-setup';

const numbers = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

interface Seen {
  readonly bench: Bench;
  readonly views: LiveView[];
  readonly healths: Health[];
}

async function withObserved<T>(setup: ReturnType<typeof twinSetup>, use: (seen: Seen) => Promise<T>): Promise<T> {
  const bench = await new RadioProcessLauncher().open(setup);
  const seen: Seen = { bench, views: [], healths: [] };
  bench.observe?.({ view: (view) => seen.views.push(view), health: (health) => seen.healths.push(health) });
  try {
    return await use(seen);
  } finally {
    await bench.close();
  }
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 400 && !condition(); attempt++) await pause(25);
  assert.ok(condition(), what);
}

const SNR_DB = 20;
const GAIN_DB = SNR_DB - SNR_MINUS_GAIN_DB;

/** |correlation| of two lists of complex symbols, interleaved re, im, within one OFDM symbol. */
function correlation(a: Float32Array, b: Float32Array): number {
  let [re, im, powerA, powerB] = [0, 0, 0, 0];
  for (let i = 0; i < 96; i += 2) {
    const [ar = 0, ai = 0, br = 0, bi = 0] = [a[i], a[i + 1], b[i], b[i + 1]];
    re += ar * br + ai * bi;
    im += ai * br - ar * bi;
    powerA += ar * ar + ai * ai;
    powerB += br * br + bi * bi;
  }
  return Math.hypot(re, im) / Math.sqrt(powerA * powerB);
}

describe('live views', () => {
  it('come while watched, change no result, and stop', async () => {
    const plain = await withObserved(twinSetup(), async ({ bench, views }) => {
      const results = await Promise.all(numbers(1, 6).map((id) => bench.runTrial(trial(id, GAIN_DB))));
      await pause(4 * VIEW_INTERVAL_MS);
      assert.deepEqual(views, [], 'nobody watches');
      return results;
    });
    await withObserved(twinSetup(), async ({ bench, views }) => {
      bench.watch?.({ views: true, sensors: false });
      const results = await Promise.all(numbers(1, 6).map((id) => bench.runTrial(trial(id, GAIN_DB))));
      assert.deepEqual(results, plain);
      const sent = (): number =>
        views.flatMap(({ users }) => users).reduce((sum, { burstsSent }) => sum + burstsSent, 0);
      await until('every burst is counted', () => sent() === 18);
      await until('a spectrum', () => views.some(({ spectrum }) => spectrum !== null));
      bench.watch?.({ views: false, sensors: false });
      await bench.runTrial(trial(7, GAIN_DB));
      const before = views.length;
      await bench.runTrial(trial(8, GAIN_DB));
      await pause(4 * VIEW_INTERVAL_MS);
      assert.equal(views.length, before);
    });
  });

  it('show the burst as it came, before and after the equaliser, and the spectrum at its level', async () => {
    const flat = twinSetup();
    const taps = [
      { delayS: 0, powerDb: 0, phaseRad: 0 },
      { delayS: 0.8e-6, powerDb: -2, phaseRad: 2 },
    ];
    const burstsOf = async (setup: typeof flat): Promise<{ bursts: LiveBurst[]; views: LiveView[] }> =>
      withObserved(setup, async ({ bench, views }) => {
        bench.watch?.({ views: true, sensors: false });
        await bench.runTrial(trial(1, GAIN_DB));
        await until('a burst of each user', () => views.some(({ users }) => users.length === 3));
        const bursts = views.flatMap(({ users }) => users).flatMap(({ burst }) => (burst === null ? [] : [burst]));
        return { bursts, views };
      });
    const { bursts, views } = await burstsOf(flat);
    assert.equal(bursts.length, USERS.length);
    for (const burst of bursts) {
      assert.equal(burst.trialId, 'trial 1');
      assert.equal(burst.unequalised.length, burst.equalised.length);
      for (const symbols of [burst.unequalised, burst.equalised])
        assert.ok(Math.abs(symbols.reduce((sum, x) => sum + x * x, 0) / (symbols.length / 2) - 1) < 0.01);
      assert.ok(correlation(burst.unequalised, burst.equalised) > 0.995, 'a flat channel only turns');
      for (const snrDb of Object.values(burst.estimatesDb)) assert.ok(Math.abs((snrDb ?? NaN) - SNR_DB) < 2);
      assert.ok(Math.abs((burst.trueSnrDb ?? NaN) - SNR_DB) < 1);
    }
    const selective = (await burstsOf(twinSetup({ taps }))).bursts[0] as LiveBurst;
    assert.ok(correlation(selective.unequalised, selective.equalised) < 0.9, 'two taps do more');

    const spectrum = views.find(({ spectrum }) => spectrum !== null)?.spectrum;
    assert.ok(spectrum !== undefined && spectrum !== null);
    assert.equal(spectrum.centerFrequencyHz, 2.45e9);
    const bins = [...spectrum.peakDbfsPerHz];
    // Loaded carriers lie within 26.5 of 64, edges beyond 30: signal against noise there.
    const level = (from: number, to: number): number => {
      const own = bins.filter(
        (_, i) => Math.abs(i / bins.length - 0.5) >= from && Math.abs(i / bins.length - 0.5) < to,
      );
      return powerRatioToDb(own.reduce((sum, db) => sum + 10 ** (db / 10), 0) / own.length);
    };
    const gapDb = level(0.02, 0.38) - level(0.48, 0.5);
    assert.ok(Math.abs(gapDb - SNR_DB) < 6, `the band stands ${gapDb} dB over its edges`);
  });

  it('tell sensors and what the radios are', async () => {
    await withObserved(twinSetup(), async ({ bench, healths }) => {
      assert.deepEqual(
        bench.details?.map(({ serial }) => serial),
        ['TWIN-BASE', 'TWIN-TEXT', 'TWIN-VISUAL', 'TWIN-AUDIO'],
      );
      assert.ok(bench.details.every(({ simulated, mayTransmit }) => simulated && mayTransmit));
      bench.watch?.({ views: false, sensors: true });
      await until('sensors', () => healths.length > 0);
      const { radios, events } = healths[0] as Health;
      assert.deepEqual(events, []);
      assert.equal(radios.length, 4);
      for (const { sensors, faults } of radios) {
        assert.deepEqual(faults, {});
        const values = new Map(sensors?.map(({ name, value }) => [name, value]));
        assert.equal(values.get('ref_locked'), 'true');
        assert.equal(values.get('rx:temp'), '25.0');
      }
    });
  });

  it('a radio is inspected without a bench', async () => {
    const { details, health } = await inspectRadio({ driver: 'twin', serial: 'TWIN-BASE' });
    assert.equal(details.serial, 'TWIN-BASE');
    assert.ok(details.capabilities.rx.gainRangeDb.max > details.capabilities.rx.gainRangeDb.min);
    assert.ok(health.sensors?.some(({ name }) => name === 'tx:lo_locked'));
    await assert.rejects(inspectRadio({ driver: 'twin', serial: 'NO-SUCH-RADIO' }), /NO-SUCH-RADIO/);
  });
});
