import assert from 'node:assert/strict';
import {
  bandOf,
  channelDistanceDb,
  CHANNEL_MODELS,
  effectiveGain,
  GAIN_AVERAGES,
  gainAtPowerDb,
  powerAtGainW,
  simulatedChannels,
  userChannels,
  type SoundedBurst,
  type UserChannel,
} from '../../app/allocation';
import { InvalidInputError } from '../../app/config/violations';
import { dbToPowerRatio, powerRatioToDb } from '../../app/units/db';
import { bandwidthHzOf } from '../../app/units/subbands';

const CARRIERS = Array.from({ length: 53 }, (_, i) => i - 26).filter((k) => k !== 0);
const POWER = { visual: { gainDb: 50, powerW: 0.01 } };
const RATE_HZ = 5e6;

/** A burst over the channel g(f) / N0, Hz/W, as a receiver without noise in its estimate would measure it. */
function burst(gain: (hz: number) => number, more: Partial<SoundedBurst> = {}): SoundedBurst {
  const { subband = null, txGainDb = 50 } = more;
  const size = subband?.size ?? 2048;
  const psd = powerAtGainW(POWER.visual, txGainDb) / bandwidthHzOf(size, RATE_HZ);
  const centreHz = ((subband?.centerBin ?? 0) * RATE_HZ) / 2048;
  return {
    user: 'visual',
    txGainDb,
    carriers: CARRIERS,
    carrierSnrDb: CARRIERS.map((k) => powerRatioToDb(psd * gain(centreHz + (k * RATE_HZ * size) / 2048 / 64))),
    cfoHz: 100,
    ...more,
  };
}
const slope = (hz: number): number => 1e9 * dbToPowerRatio((6 * hz) / 2e6);
const channelOf = (bursts: SoundedBurst[]): UserChannel => userChannels(bursts, POWER).get('visual')!;
const errorOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof InvalidInputError) return error.lines.join('\n');
    throw error;
  }
  return '';
};

describe('channels from soundings', () => {
  it('are the gain over noise at each carrier, DC between its neighbours', () => {
    const { gainOverNoise, cellHz, bursts, cfoHz, spreadDb, source } = channelOf([burst(slope)]);
    assert.equal(gainOverNoise.length, 53);
    gainOverNoise.forEach((gain, cell) => {
      const expected = slope((cell - 26) * cellHz);
      assert.ok(Math.abs(gain / expected - 1) < (cell === 26 ? 0.01 : 1e-9), `cell ${cell}`);
    });
    assert.deepEqual([bursts, cfoHz, spreadDb, source], [1, 100, null, 'measured']);
  });

  it('do not depend on the gain that was set, nor on the sub-band that was used', () => {
    const whole = channelOf([burst(slope)]);
    assert.ok(channelDistanceDb(whole, channelOf([burst(slope, { txGainDb: 31 })])) < 1e-9);
    const places = [-424, 424].map((centerBin) => ({ centerBin, size: 1008, soundedCfoHz: 250 }));
    const parts = channelOf(places.map((subband) => burst(slope, { subband })));
    assert.ok(channelDistanceDb(whole, parts) < 0.05);
    // What the user took out of its carrier itself belongs to its offset.
    assert.equal(parts.cfoHz, 350);
  });

  it('average powers over bursts, and tell how far bursts lie apart', () => {
    const { gainOverNoise, spreadDb } = channelOf([burst(() => 1e9), burst(() => 3e9)]);
    assert.ok(Math.abs(gainOverNoise[3]! / 2e9 - 1) < 1e-9);
    assert.ok(Math.abs(spreadDb! - powerRatioToDb(3) / Math.SQRT2) < 1e-6);
  });

  it('lack a user of whom nothing was heard', () => {
    assert.equal(userChannels([burst(slope)], POWER).has('audio'), false);
  });

  for (const [what, faulty, message] of [
    ['an SNR that is no number', { carrierSnrDb: CARRIERS.map(() => NaN) }, /carrierSnrDb: value NaN of visual/],
    ['an infinite SNR', { carrierSnrDb: CARRIERS.map(() => Infinity) }, /carrierSnrDb: value Infinity/],
    ['too few SNRs', { carrierSnrDb: [1, 2] }, /carrierSnrDb: 2 numbers of visual for 52 carriers/],
    ['no carriers', { carriers: [], carrierSnrDb: [] }, /carrierSnrDb: 0 numbers of visual for 0 carriers/],
    [
      'a carrier outside the band',
      { carriers: CARRIERS.map((k) => k + 20) },
      /carriers: value .*allowed carriers within/,
    ],
    ['a gain that is no number', { txGainDb: NaN }, /txGainDb: value NaN of visual/],
    ['a user without a power', { user: 'audio' }, /power: nothing for "audio"/],
  ] as [string, Partial<SoundedBurst>, RegExp][])
    it(`refuse ${what}`, () => {
      assert.match(
        errorOf(() => userChannels([{ ...burst(slope), ...faulty }], POWER)),
        message,
      );
    });

  it('powers and gains go there and back', () => {
    assert.ok(Math.abs(powerAtGainW(POWER.visual, 60) - 0.1) < 1e-12);
    assert.ok(Math.abs(gainAtPowerDb(POWER.visual, 0.1) - 60) < 1e-9);
  });
});

describe('the gain that stands for a band', () => {
  const band = { lowHz: -1e6, highHz: 1e6 };

  it('is the gain itself where all carriers have it, whatever the average', () => {
    const flat = channelOf([burst(() => 4e8)]);
    for (const average of GAIN_AVERAGES)
      for (const psd of [1e-12, 1e-9, 1e-6])
        assert.ok(Math.abs(effectiveGain(flat, band, average, psd) / 4e8 - 1) < 1e-6, `${average} ${psd}`);
  });

  it('is what its definition says, by summing carriers', () => {
    const channel = channelOf([burst(slope)]);
    const psd = 3e-9;
    const whole = { lowHz: -26.5 * channel.cellHz, highHz: 26.5 * channel.cellHz };
    const snrs = [...channel.gainOverNoise].map((gain) => gain * psd);
    const mean = (f: (snr: number) => number): number => snrs.reduce((sum, snr) => sum + f(snr), 0) / 53;
    const expected = {
      arithmetic: mean((x) => x),
      harmonic: 1 / mean((x) => 1 / x),
      capacity: 2 ** mean((x) => Math.log2(1 + x)) - 1,
      mmse: 1 / mean((x) => 1 / (1 + x)) - 1,
    };
    for (const average of GAIN_AVERAGES)
      assert.ok(Math.abs((effectiveGain(channel, whole, average, psd) * psd) / expected[average] - 1) < 1e-9, average);
    assert.ok(expected.arithmetic > expected.capacity && expected.capacity > expected.mmse);
    assert.ok(expected.mmse > expected.harmonic);
  });

  it('takes parts of carriers at its edges', () => {
    const channel = channelOf([burst(slope)]);
    const one = bandOf({ centerBin: 100, size: 400 }, RATE_HZ);
    const step = channel.cellHz / 200;
    let [sum, count] = [0, 0];
    for (let hz = one.lowHz + step / 2; hz < one.highHz; hz += step, count++)
      sum += channel.gainOverNoise[Math.round(hz / channel.cellHz) + 26]!;
    assert.ok(Math.abs(effectiveGain(channel, one, 'arithmetic', 1) / (sum / count) - 1) < 1e-3);
  });
});

describe('simulated channels', () => {
  const users = [
    { user: 'visual', pathLossDb: 120 },
    { user: 'audio', distanceM: 500 },
  ];

  it('have the mean that path loss and noise figure give', () => {
    const { gainOverNoise, source } = simulatedChannels({ model: 'path-loss', seed: 1, users }).get('visual')!;
    // -174 dBm/Hz, 6 dB noise figure, 120 dB.
    const expectedDb = -120 - 6 + 203.975;
    for (const gain of gainOverNoise) assert.ok(Math.abs(powerRatioToDb(gain) - expectedDb) < 0.01);
    assert.equal(source, 'simulated:path-loss');
  });

  for (const model of CHANNEL_MODELS)
    it(`${model}: follow the seed, and have the mean over seeds`, () => {
      const draw = (seed: number): UserChannel =>
        simulatedChannels({ model, seed, users, shadowingDb: 0 }).get('visual')!;
      assert.deepEqual(draw(1), draw(1));
      const mean = Array.from({ length: 400 }, (_, seed) => draw(seed).gainOverNoise)
        .map((gains) => gains.reduce((a, b) => a + b, 0) / 53)
        .reduce((a, b) => a + b / 400, 0);
      assert.ok(Math.abs(powerRatioToDb(mean) - 77.975) < 0.7, `${powerRatioToDb(mean)}`);
      if (model !== 'path-loss') assert.ok(channelDistanceDb(draw(1), draw(2)) > 0.5);
      const { gainOverNoise } = draw(1);
      const range = powerRatioToDb(Math.max(...gainOverNoise) / Math.min(...gainOverNoise));
      assert.ok(model === 'rayleigh-selective' ? range > 3 : range < 1e-9, `${range} dB`);
    });

  it('shadowing is log-normal about the mean', () => {
    const dBs = Array.from({ length: 500 }, (_, seed) =>
      powerRatioToDb(
        simulatedChannels({ model: 'path-loss', seed, users, shadowingDb: 6 }).get('audio')!.gainOverNoise[0]!,
      ),
    );
    const mean = dBs.reduce((a, b) => a + b) / 500;
    const sd = Math.sqrt(dBs.reduce((a, b) => a + (b - mean) ** 2, 0) / 499);
    assert.ok(Math.abs(sd - 6) < 0.6, `${sd}`);
  });

  it('refuse what cannot be', () => {
    const refuse = (more: object): string =>
      errorOf(() => simulatedChannels({ model: 'path-loss', seed: 1, users, ...more }));
    assert.match(
      refuse({ model: 'rice' }),
      /model: value "rice"; allowed path-loss, rayleigh-flat, rayleigh-selective/,
    );
    assert.match(refuse({ users: [{ user: 'x' }] }), /users\[0\]: "x"; allowed either pathLossDb or distanceM/);
    assert.match(refuse({ users: [{ user: 'x', distanceM: -1 }] }), /users\[0\].distanceM: value -1; allowed/);
    assert.match(refuse({ noiseFigureDb: NaN }), /noiseFigureDb: value NaN; allowed a number from 0 to 60 dB/);
  });
});
