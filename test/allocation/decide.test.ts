import assert from 'node:assert/strict';
import {
  allocate,
  ANALOG_METHODS,
  decide,
  DEFAULT_TERMS,
  DIGITAL_METHODS,
  predict,
  simulatedChannels,
  type BenchTerms,
  type Decision,
  type LossFit,
  type McsEntry,
  type UserChannel,
  type UserSetting,
} from '../../app/allocation';
import { binsTaken, windowBinsOf } from '../../app/allocation/bands';
import { InvalidInputError } from '../../app/config/violations';
import { loadNative } from '../../drivers/radio';

const TABLE: McsEntry[] = (
  [
    ['qpsk', 2, 0.199, -3.28],
    ['qpsk', 2, 0.492, 1.32],
    ['qpsk', 2, 0.867, 6.25],
    ['16qam', 4, 0.349, 4.09],
    ['16qam', 4, 0.637, 8.81],
    ['16qam', 4, 0.903, 13.59],
    ['64qam', 6, 0.602, 13.04],
    ['64qam', 6, 0.903, 19.32],
    ['256qam', 8, 0.903, 25.06],
  ] as const
).map(([modulation, bits, codeRate, snrDb]) => ({ modulation, codeRate, snrDb, bitsPerChannelUse: bits * codeRate }));
const LENGTHS = Array.from({ length: 63 }, (_, i) => i + 2);
const USERS = [
  { id: 'text', dimension: 128, lengths: [7], share: 0.5 },
  { id: 'visual', dimension: 16, lengths: LENGTHS, share: 1 },
  { id: 'audio', dimension: 16, lengths: LENGTHS, share: 1.3 },
] as const;

function benchTerms(more: Partial<BenchTerms> = {}): BenchTerms {
  return {
    bandwidthHz: 3e6,
    guardCarriers: 2,
    powerW: 1,
    weight: 0.5,
    latency: 'max',
    latencyRefS: 5e-3,
    lossRef: 3,
    transport: 'analog',
    terms: DEFAULT_TERMS,
    mcsTable: TABLE,
    fitErrorRms: { loss: 0.06, surface: 0.03 },
    users: USERS.map(({ id, dimension, lengths, share }) => ({
      id,
      dimension,
      lengths,
      bitsPerValue: 6,
      loss: { a: share, b: 0.1, c: 0.3 * share },
      surface: {
        form: 'exponential' as const,
        snrDb: [-5, 5, 15, 25],
        a: [1.2, 1, 0.9, 0.85].map((a) => a * share),
        b: [0.05, 0.08, 0.1, 0.11],
        c: [0.9, 0.5, 0.3, 0.25].map((c) => c * share),
      },
      power: { gainDb: 40, powerW: 1 },
      gainRangeDb: { min: 0, max: 60, step: 0.25 },
    })),
    ...more,
  };
}
function channels(seed: number, lossDb: readonly number[] = [118, 118, 118]): Map<string, UserChannel> {
  const users = USERS.map(({ id }, m) => ({ user: id, pathLossDb: lossDb[m]! }));
  return simulatedChannels({ model: 'rayleigh-selective', seed, users, shadowingDb: 0 });
}
const objectiveOf = (decision: Decision): number => decision.predicted.engineering.objective;
const linesOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof InvalidInputError) return error.lines.join('\n');
    throw error;
  }
  return '';
};

/** What the radio process would take: partition, gains, budgets. */
function assertSendable(bench: BenchTerms, decision: Decision): void {
  const native = loadNative();
  const sending = decision.users.filter(({ outage }) => !outage);
  const bands = sending.map(({ subband }, user) => ({ ...subband!, user, soundedCfoHz: 0 }));
  assert.deepEqual(native.subbandFaults(bands), [], decision.method);
  const guardBins = 32 * bench.guardCarriers;
  const sizes = sending.map(({ subband }) => subband!.size);
  assert.ok(binsTaken(sizes, guardBins) <= windowBinsOf(bench.bandwidthHz, 5e6));
  for (const { size, centerBin } of bands) {
    const edgeHz = ((Math.abs(centerBin) + (53 * size) / 128) * 5e6) / 2048;
    assert.ok(edgeHz <= bench.bandwidthHz / 2 + 2500, `${decision.method}: ${edgeHz} Hz`);
  }
  const powerW = sending.reduce((sum, user) => sum + user.powerW, 0);
  assert.ok(powerW <= (bench.powerW ?? Infinity) * (1 + 1e-9), `${decision.method}: ${powerW} W`);
  for (const user of sending) {
    const own = bench.users.find(({ id }) => id === user.id)!;
    const { min, max, step } = own.gainRangeDb;
    assert.ok(user.txGainDb! >= min && user.txGainDb! <= max);
    assert.ok(Math.abs((user.txGainDb! - min) / step - Math.round((user.txGainDb! - min) / step)) < 1e-6);
    assert.ok(own.lengths.includes(user.tokenLength), `${user.id}: ${user.tokenLength}`);
  }
  // It goes into a run folder as it is.
  assert.deepEqual(JSON.parse(JSON.stringify(decision)), decision);
}

describe('a decision', function () {
  this.timeout(120_000);

  for (const transport of ['analog', 'digital'] as const)
    it(`can be sent, whatever the method, terms and budgets: ${transport}`, () => {
      const methods = transport === 'analog' ? ANALOG_METHODS : DIGITAL_METHODS;
      for (const [seed, method] of methods.entries())
        for (const [k, more] of [
          {},
          { bandwidthHz: 1.3e6, powerW: 0.05 },
          { powerW: null, latency: 'sum' as const },
          { terms: { ...DEFAULT_TERMS, bands: 'in-order' as const, latency: 'shannon' as const } },
          { terms: { ...DEFAULT_TERMS, rate: 'shannon' as const, loss: 'exponential' as const } },
        ].entries()) {
          // Each method with some of them, each of them with some methods.
          if (transport === 'digital' && (seed + k) % 2 === 1) continue;
          const bench = benchTerms({ transport, ...more });
          const decision = decide(bench, channels(seed), { method });
          assertSendable(bench, decision);
          if (k === 0) assert.deepEqual(decide(bench, channels(seed), { method }), decision, method);
        }
    });

  it('says of itself what `predict` says, and with other lengths or leads what comes of them', () => {
    const bench = benchTerms();
    const decision = decide(bench, channels(2));
    const settings = decision.users.map(({ id, subband, powerW, tokenLength }): UserSetting => ({
      id,
      place: subband!,
      powerW,
      tokenLength,
    }));
    const { users, ...predicted } = predict(bench, channels(2), settings);
    assert.deepEqual(predicted, decision.predicted);
    assert.deepEqual(
      users.map(({ latencyS }) => latencyS),
      decision.users.map(({ latencyS }) => latencyS),
    );
    const long = predict(bench, channels(2), settings, { lengths: { text: 9 } });
    const own = users.find(({ id }) => id === 'text')!;
    const symbols = (tokens: number): number => Math.ceil((tokens * 64) / 48);
    const perSymbolS = (80 * 2048) / (settings[0]!.place.size * 5e6);
    assert.ok(Math.abs(long.users[0]!.latencyS - own.latencyS - (symbols(9) - symbols(7)) * perSymbolS) < 1e-12);
    const late = predict(bench, channels(2), settings, { leadsS: { text: 1e-4, visual: 1e-4, audio: 1.1e-3 } });
    assert.ok(late.engineering.latencyS >= users[2]!.latencyS + 1e-3 - 1e-12);
    assert.equal(predicted.lossErrorRms, 0.03);
    assert.ok(Math.abs(predicted.objectiveErrorRms! - (0.5 * 0.03) / 3) < 1e-12);
  });

  it('counts the interactions of losses, and is better for knowing them', () => {
    const interactions = [
      { users: ['visual', 'text'] as [string, string], coefficient: -0.4 },
      { users: ['audio', 'visual'] as [string, string], coefficient: -0.2 },
    ];
    for (const transport of ['analog', 'digital'] as const)
      for (const lossDb of [
        [118, 118, 118],
        [190, 118, 118],
      ]) {
        const bench = benchTerms({ transport, interactions });
        const informed = decide(bench, channels(4, lossDb));
        const [t, v, a] = informed.users.map(({ loss }) => loss) as [number, number, number];
        const expected = t + v + a - 0.4 * v * t - 0.2 * a * v;
        assert.ok(Math.abs(informed.predicted.engineering.loss - expected) < 1e-12);
        const blind = decide(benchTerms({ transport }), channels(4, lossDb));
        const settings = blind.users.flatMap(({ id, subband, powerW, tokenLength }): UserSetting[] =>
          subband === null ? [] : [{ id, place: subband, powerW, tokenLength }],
        );
        const judged = predict(bench, channels(4, lossDb), settings).engineering.objective;
        assert.ok(objectiveOf(informed) <= judged * (1 + 2e-3), `${transport}: ${objectiveOf(informed)}, ${judged}`);
      }
  });

  it('rounding costs little, and is told', () => {
    for (const transport of ['analog', 'digital'] as const)
      for (let seed = 0; seed < 3; seed++) {
        const { rounding } = decide(benchTerms({ transport }), channels(seed));
        assert.ok(Math.abs(rounding.relative) < 0.03, `${transport}, seed ${seed}: ${rounding.relative}`);
        assert.ok(Math.abs(rounding.objectiveAfter / rounding.objectiveBefore - 1 - rounding.relative) < 1e-12);
      }
  });

  it('bands that may be chosen are not worse than bands in order, and better on selective channels', () => {
    for (const transport of ['analog', 'digital'] as const) {
      const gains = Array.from({ length: transport === 'analog' ? 3 : 6 }, (_, seed) => {
        const bench = benchTerms({ transport });
        const inOrder = { ...bench, terms: { ...DEFAULT_TERMS, bands: 'in-order' as const } };
        return objectiveOf(decide(inOrder, channels(seed))) / objectiveOf(decide(bench, channels(seed))) - 1;
      });
      assert.ok(Math.min(...gains) > -0.01, `${transport}: ${gains.join(' ')}`);
      assert.ok(gains.reduce((a, b) => a + b) / gains.length > 0.01, `${transport}: ${gains.join(' ')}`);
    }
  });

  it('exact is not worse than the baselines, predicted after rounding', () => {
    for (let seed = 0; seed < 3; seed++) {
      const bench = benchTerms({ transport: 'digital' });
      const best = objectiveOf(decide(bench, channels(seed), { method: 'exact' }));
      for (const method of DIGITAL_METHODS.filter((one) => one !== 'grid')) {
        const other = objectiveOf(decide(bench, channels(seed), { method }));
        assert.ok(other > best * (1 - 0.01), `seed ${seed}, ${method}: ${other} below ${best}`);
      }
    }
  });

  it('a user in a deep fade is in outage, the others are served as if it were not there', () => {
    for (const transport of ['analog', 'digital'] as const) {
      const bench = benchTerms({ transport });
      const decision = decide(bench, channels(1, [118, 118, 190]));
      const audio = decision.users[2]!;
      assert.deepEqual(
        [audio.outage, audio.heard, audio.subband, audio.txGainDb, audio.tokenLength, audio.latencyS],
        [true, false, null, null, 0, null],
      );
      const alone = decide({ ...bench, users: bench.users.slice(0, 2) }, channels(1));
      assert.deepEqual(decision.users.slice(0, 2), alone.users);
      assert.ok(decision.predicted.engineering.loss > alone.predicted.engineering.loss + 1);
      assertSendable(bench, decision);
      // As one of whom no burst was heard.
      const heard = channels(1);
      heard.delete('audio');
      assert.deepEqual(decide(bench, heard).users[2], audio);
    }
  });

  it('all in outage is refused', () => {
    assert.match(
      linesOf(() => decide(benchTerms(), channels(1, [190, 190, 190]))),
      /^users: all 3 in outage; allowed at least one with an SNR of -5.0 dB in the smallest sub-band with all the power$/,
    );
  });

  const refused: [string, Partial<BenchTerms>, RegExp][] = [
    ['no bandwidth', { bandwidthHz: 0 }, /bandwidthHz: value 0; allowed a number above 0/],
    ['a bandwidth that is no number', { bandwidthHz: NaN }, /bandwidthHz: value NaN; allowed/],
    ['less than the smallest sub-bands', { bandwidthHz: 1e6 }, /bandwidthHz: value 1000000; allowed from \d+ Hz for 3/],
    ['a negative power', { powerW: -1 }, /powerW: value -1; allowed a number above 0/],
    ['a weight of 2', { weight: 2 }, /weight: value 2; allowed a number from 0 to 1/],
    ['no guard', { guardCarriers: 0 }, /guardCarriers: value 0; allowed a number from 1 to 32/],
    ['no users', { users: [] }, /users: value \[\]; allowed at least one user/],
    [
      'users of one name',
      { users: [benchTerms().users[0]!, benchTerms().users[0]!] },
      /users: .*allowed different ids/,
    ],
    ['no lengths', { users: [{ ...benchTerms().users[0]!, lengths: [] }] }, /users\[0\].lengths: value \[\]; allowed/],
    [
      'an unknown term',
      { terms: { ...DEFAULT_TERMS, rate: 'turbo' as 'shannon' } },
      /terms.rate: value "turbo"; allowed/,
    ],
    ['digital without the table', { transport: 'digital', mcsTable: null }, /mcsTable: missing; allowed/],
    ['an empty table', { transport: 'digital', mcsTable: [] }, /mcsTable: empty; allowed/],
    [
      'a threshold that is no number',
      { transport: 'digital', mcsTable: [{ ...TABLE[0]!, snrDb: NaN }] },
      /mcsTable\[0\].snrDb: value NaN; allowed/,
    ],
    [
      'digital without bits',
      { transport: 'digital', users: [{ ...benchTerms().users[0]!, bitsPerValue: 12 }] },
      /users\[0\].bitsPerValue: value 12; allowed an integer from 2 to 8/,
    ],
    [
      'an interaction of a user with itself',
      { interactions: [{ users: ['text', 'text'], coefficient: 1 }] },
      /interactions\[0\].users: .*allowed two different ids/,
    ],
    ['a negative margin', { mcsMarginDb: -1 }, /mcsMarginDb: value -1; allowed a number from 0 to 20 dB/],
    [
      'no loss at all',
      { users: benchTerms().users.map((user) => ({ ...user, surface: null })) },
      /users: no surface loss of any; allowed/,
    ],
    ['a loss that rises', { users: [withLoss({ a: -1, b: 1, c: 0 })], terms: exponential() }, /users\[0\].*a/],
  ];
  function withLoss(loss: LossFit): BenchTerms['users'][number] {
    return { ...benchTerms().users[0]!, loss };
  }
  function exponential(): BenchTerms['terms'] {
    return { ...DEFAULT_TERMS, loss: 'exponential' };
  }
  for (const [what, more, message] of refused)
    it(`refuses ${what}`, () => {
      assert.match(
        linesOf(() => decide(benchTerms(more), channels(1))),
        message,
      );
    });

  it('refuses a power below what the lowest gains send', () => {
    assert.match(
      linesOf(() => decide(benchTerms({ powerW: 2e-4 }), channels(1, [70, 70, 70]))),
      /^powerW: value 0.0002; allowed from 0.0003000 W, what the users send at their lowest gains$/,
    );
  });

  it('refuses a method that the transport does not have, as `allocate` does', () => {
    const bench = benchTerms();
    assert.match(
      linesOf(() => decide(bench, channels(1), { method: 'exact' })),
      /method: value "exact"; not for analog/,
    );
    assert.equal(allocate(decide(bench, channels(1)).problem).method, 'analog-search');
  });
});
