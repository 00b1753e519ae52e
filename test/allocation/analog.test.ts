import assert from 'node:assert/strict';
import {
  allocate,
  ANALOG_METHODS,
  checkProblem,
  surfaceLoss,
  type AnalogProblem,
  type LossSurface,
} from '../../app/allocation';
import { InvalidInputError } from '../../app/config/violations';
import { seededRandom } from '../../app/units/random';

const EXPONENTIAL: Extract<LossSurface, { form: 'exponential' }> = {
  form: 'exponential',
  snrDb: [-5, 5, 20],
  a: [1, 1.2, 1.4],
  b: [0.05, 0.1, 0.15],
  c: [1.2, 0.6, 0.2],
};
const TABLE: LossSurface = {
  form: 'table',
  snrDb: [0, 10],
  lengths: [2, 8, 32],
  loss: [
    [2, 1.5, 1.2],
    [1.5, 0.8, 0.4],
  ],
};

function analogProblem(seed: number, users: number, more: Record<string, unknown> = {}): AnalogProblem {
  const uniform = seededRandom(seed, 'analog');
  return checkProblem({
    transport: 'analog',
    bandwidthHz: 1e6,
    powerW: 0.1,
    noisePsdWPerHz: 4e-21,
    weight: 0.5,
    latencyRefS: 1e-3,
    lossRef: users,
    users: Array.from({ length: users }, (_, i) => ({
      id: `user-${i}`,
      powerGain: 1e-13 * 10 ** (2 * uniform()),
      symbolsPerToken: 8,
      surface: i % 2 === 0 ? EXPONENTIAL : TABLE,
      lengths: i % 2 === 0 ? { min: 1, max: 64 } : [2, 4, 8, 16, 32],
    })),
    ...more,
  }) as AnalogProblem;
}

describe('the loss surface', () => {
  it('is the listed value at the listed points, and held beyond the ends', () => {
    for (const [snrDb, i] of [
      [-5, 0],
      [5, 1],
      [20, 2],
      [-80, 0],
      [60, 2],
      [-Infinity, 0],
    ] as const) {
      const { a, b, c } = EXPONENTIAL;
      assert.equal(surfaceLoss(EXPONENTIAL, 7, snrDb), a[i]! * Math.exp(-b[i]! * 7) + c[i]!);
    }
    assert.equal(surfaceLoss(TABLE, 8, 10), 0.8);
    assert.equal(surfaceLoss(TABLE, 1, -9), 2);
    assert.equal(surfaceLoss(TABLE, 99, 99), 0.4);
  });

  it('is linear in dB, and in log2 of the length', () => {
    assert.ok(Math.abs(surfaceLoss(TABLE, 4, 0) - 1.75) < 1e-12);
    assert.ok(Math.abs(surfaceLoss(TABLE, 4, 5) - (1.75 + 1.15) / 2) < 1e-12);
    const middle = surfaceLoss(EXPONENTIAL, 10, 0);
    assert.ok(Math.abs(middle - (1.1 * Math.exp(-0.75) + 0.9)) < 1e-12);
  });

  const refused: [string, object, RegExp][] = [
    ['an unknown form', { ...TABLE, form: 'spline' }, /surface.form: value "spline"; allowed exponential, table/],
    ['SNRs that do not rise', { ...TABLE, snrDb: [10, 0] }, /surface.snrDb: .*allowed a rising list/],
    ['a missing row', { ...TABLE, loss: [[1, 2, 3]] }, /surface.loss: .*allowed one row for each of 2 snrDb/],
    ['a short row', { ...TABLE, loss: [[1], [1, 2, 3]] }, /surface.loss\[0\]: .*one number for each of 3 lengths/],
    ['a missing coefficient', { ...EXPONENTIAL, b: [0.1] }, /surface.b: .*one number for each of 3 snrDb/],
    ['a negative decay', { ...EXPONENTIAL, b: [0.1, -1, 0.1] }, /surface.b\[1\]: value -1; allowed a number from 0/],
    ['a surface without a form', { snrDb: [0] }, /surface.form: missing; allowed exponential, table/],
  ];
  for (const [what, surface, message] of refused)
    it(`is refused with ${what}`, () => {
      const problem = structuredClone(analogProblem(1, 1)) as unknown as { users: { surface: object }[] };
      problem.users[0]!.surface = surface;
      assert.throws(
        () => checkProblem(problem),
        (error: unknown) => error instanceof InvalidInputError && error.lines.some((line) => message.test(line)),
      );
    });
});

describe('analog-search', function () {
  this.timeout(120_000);

  /** Written again from the definition. */
  function objectiveOf(problem: AnalogProblem, B: number[], p: number[], L: number[]): number {
    const times = problem.users.map((user, m) => (L[m]! * user.symbolsPerToken) / B[m]!);
    const losses = problem.users.map((user, m) => {
      const snr = (p[m]! * user.powerGain) / (problem.noisePsdWPerHz * B[m]!);
      return surfaceLoss(user.surface, L[m]!, 10 * Math.log10(snr));
    });
    let loss = losses.reduce((a, b) => a + b);
    for (const { users, coefficient } of problem.interactions)
      loss +=
        coefficient *
        losses[problem.users.findIndex(({ id }) => id === users[0])]! *
        losses[problem.users.findIndex(({ id }) => id === users[1])]!;
    const T = problem.latency === 'max' ? Math.max(...times) : times.reduce((a, b) => a + b, 0);
    return (
      (problem.weight * (T + problem.overheadS)) / problem.latencyRefS + ((1 - problem.weight) * loss) / problem.lossRef
    );
  }

  for (const latency of ['max', 'sum'] as const)
    it(`is within its limits, not above a fine grid or its baselines, and the same twice: ${latency}`, () => {
      for (let seed = 0; seed < 4; seed++) {
        const interactions = seed < 2 ? [] : [{ users: ['user-1', 'user-0'], coefficient: -0.3 }];
        const problem = analogProblem(seed, 2, { latency, powerCapW: seed % 2 === 0 ? null : 0.06, interactions });
        const answer = allocate(problem);
        assert.equal(answer.method, 'analog-search');
        assert.equal(answer.gapAgainst, 'multi-start');
        assert.ok(answer.gap !== null && answer.gap >= 0);
        const B = answer.users.map((user) => user.bandwidthHz);
        const p = answer.users.map((user) => user.powerW);
        const L = answer.users.map((user) => user.tokenLength);
        assert.ok(B[0]! + B[1]! <= problem.bandwidthHz * (1 + 1e-9));
        assert.ok(p[0]! + p[1]! <= problem.powerW! * (1 + 1e-9));
        if (seed % 2 === 1) assert.ok(Math.max(...p) <= 0.06);
        assert.ok(Math.abs(answer.objective / objectiveOf(problem, B, p, L) - 1) < 1e-9);
        assert.deepEqual(allocate(problem), answer);
        for (const method of ['equal', 'random'])
          assert.ok(allocate(problem, { method }).objective >= answer.objective - 1e-9, method);
        let grid = Infinity;
        for (let i = 1; i < 40; i++)
          for (let used = 2; used <= 10; used += 2)
            for (let j = 1; j < 40; j++)
              for (const first of [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64])
                for (const second of [2, 4, 8, 16, 32]) {
                  const cap = problem.powerCapW ?? Infinity;
                  const share = (problem.bandwidthHz * used) / 10;
                  const powers = [(0.1 * j) / 40, 0.1 - (0.1 * j) / 40].map((x) => Math.min(x, cap));
                  const bands = [(share * i) / 40, share - (share * i) / 40];
                  grid = Math.min(grid, objectiveOf(problem, bands, powers, [first, second]));
                }
        assert.ok(answer.objective <= grid * (1 + 1e-6), `seed ${seed}: ${answer.objective}, grid ${grid}`);
      }
    });

  it('refuses interactions of users that are not there, and of a user with itself', () => {
    for (const users of [
      ['user-0', 'user-7'],
      ['user-1', 'user-1'],
    ])
      assert.throws(
        () => analogProblem(1, 2, { interactions: [{ users, coefficient: 1 }] }),
        (error: unknown) =>
          error instanceof InvalidInputError &&
          error.lines.some((line) => /interactions\[0\]\.users: .*allowed two different ids of users/.test(line)),
      );
  });

  it('has baselines that keep the limits and are not better, and an alternation that descends', () => {
    for (const latency of ['max', 'sum'] as const)
      for (let seed = 0; seed < 2; seed++) {
        const problem = analogProblem(seed, 3, { latency, powerCapW: seed % 2 === 0 ? null : 0.05 });
        const best = allocate(problem).objective;
        for (const method of ANALOG_METHODS) {
          const { users, objective, history, binding } = allocate(problem, { method });
          const label = `${latency}, seed ${seed}, ${method}`;
          const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
          const B = users.map((user) => user.bandwidthHz);
          const p = users.map((user) => user.powerW);
          assert.ok(sum(B) <= problem.bandwidthHz * (1 + 1e-9) && sum(p) <= problem.powerW! * (1 + 1e-9), label);
          assert.ok(Math.max(...p) <= (problem.powerCapW ?? Infinity), label);
          assert.ok(objective >= best * (1 - 3e-4), `${label}: ${objective} below ${best}`);
          const L = users.map((user) => user.tokenLength);
          assert.ok(Math.abs(objective / objectiveOf(problem, B, p, L) - 1) < 1e-9, label);
          if (method === 'power-only' || method === 'equal') assert.deepEqual(new Set(B).size, 1, label);
          if (method === 'bandwidth-only' || method === 'equal') assert.deepEqual(new Set(p).size, 1, label);
          if (method === 'fixed-length') assert.deepEqual(L, [8, 8, 8], label);
          assert.equal(history !== undefined, method === 'alternating', label);
          const steps = (history ?? []).flatMap(({ afterShares, afterLengths }) => [afterShares, afterLengths]);
          steps.forEach((value, i) => assert.ok(i === 0 || value <= steps[i - 1]! * (1 + 1e-9), label));
          if (method !== 'random') assert.ok(binding.length > 0, label);
        }
      }
  });

  it('quick ends within 0.1 % of full', () => {
    for (let seed = 0; seed < 3; seed++) {
      const problem = analogProblem(seed, 3);
      const full = allocate(problem).objective;
      assert.ok(allocate(problem, { effort: 'quick' }).objective <= full * (1 + 1e-3), `seed ${seed}`);
    }
  });

  it('marks a user whose SNR lies below its surface, and refuses exact by name', () => {
    const problem = analogProblem(1, 3);
    problem.users[1]!.powerGain = 0;
    const answer = allocate(problem);
    assert.deepEqual(
      answer.users.map((user) => user.outage),
      [false, true, false],
    );
    assert.equal(answer.users[1]!.snrDb, null);
    assert.ok(Number.isFinite(answer.objective));
    assert.throws(
      () => allocate(problem, { method: 'exact' }),
      /method: value "exact"; not for analog transport; allowed analog-search/,
    );
  });
});
