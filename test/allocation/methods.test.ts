import assert from 'node:assert/strict';
import { allocate, DIGITAL_METHODS, type Allocation, type DigitalProblem } from '../../app/allocation';
import { studyMethods, type StudyRow } from '../../app/allocation/study';
import { randomProblem, type RandomKind } from '../../app/allocation/random-problem';

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

/** What an answer must hold whatever the method: within every limit to 1e-9, and its figures follow from its shares. */
function assertFeasible(problem: DigitalProblem, answer: Allocation): void {
  const tolerance = 1 + 1e-9;
  const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
  const { users } = answer;
  const label = `${answer.method} of ${users.length} users`;
  assert.ok(sum(users.map((u) => u.bandwidthHz)) <= problem.bandwidthHz * tolerance, `${label}: bandwidth`);
  if (problem.powerW !== null)
    assert.ok(sum(users.map((u) => u.powerW)) <= problem.powerW * tolerance, `${label}: power`);
  const times: number[] = [];
  let loss = 0;
  problem.users.forEach((given, i) => {
    const user = users[i]!;
    assert.equal(user.id, given.id);
    const capW = given.powerCapW ?? problem.powerCapW ?? Infinity;
    assert.ok(user.powerW > 0 && user.powerW <= capW * tolerance, `${label}: power of ${given.id}`);
    assert.ok(user.bandwidthHz > 0, `${label}: bandwidth of ${given.id}`);
    if (Array.isArray(given.lengths)) assert.ok((given.lengths as number[]).includes(user.tokenLength), label);
    else {
      const { min, max } = given.lengths as { min: number; max: number };
      assert.ok(user.tokenLength >= min && user.tokenLength <= max, `${label}: length ${user.tokenLength}`);
    }
    const snr = (user.powerW * given.powerGain) / (problem.noisePsdWPerHz * user.bandwidthHz);
    const rate = (user.bandwidthHz * Math.log1p(snr)) / Math.LN2;
    assert.ok(Math.abs((user.rateBitPerS ?? 0) / rate - 1) < 1e-9, `${label}: rate`);
    times.push((user.tokenLength * given.bitsPerToken) / rate);
    loss += given.loss.a * Math.exp(-given.loss.b * user.tokenLength) + given.loss.c;
  });
  const latencyS = (problem.latency === 'max' ? Math.max(...times) : sum(times)) + problem.overheadS;
  const objective = (problem.weight * latencyS) / problem.latencyRefS + ((1 - problem.weight) * loss) / problem.lossRef;
  assert.ok(Math.abs(answer.latencyS / latencyS - 1) < 1e-9, `${label}: latency`);
  assert.ok(Math.abs(answer.loss / loss - 1) < 1e-9, `${label}: loss`);
  assert.ok(Math.abs(answer.objective / objective - 1) < 1e-9, `${label}: objective`);
}

const KINDS: RandomKind[] = (['max', 'sum'] as const).flatMap((latency) =>
  (['budget', 'caps', 'both'] as const).flatMap((power) => [
    { latency, power },
    { latency, power, listed: 5 },
  ]),
);

describe('allocation methods', function () {
  this.timeout(300_000);

  for (const kind of KINDS)
    it(`keep every limit, and none is below the bound of exact: ${JSON.stringify(kind)}`, () => {
      for (let seed = 0; seed < 8; seed++) {
        const problem = randomProblem(seed, 1 + (seed % 6), kind);
        const best = allocate(problem);
        assertFeasible(problem, best);
        assert.ok(best.gap !== null && best.gap < 0.02, `gap ${best.gap}`);
        for (const method of DIGITAL_METHODS) {
          if (method === 'grid' && problem.users.length > 3) continue;
          const answer = allocate(problem, { method });
          assert.equal(answer.method, method);
          assertFeasible(problem, answer);
          assert.ok(
            answer.objective >= best.objective * (1 - best.gap - 1e-9),
            `${method}: ${answer.objective} below ${best.objective}, seed ${seed}`,
          );
        }
      }
    });

  it('exact is no function of the order of users or of the units', () => {
    for (let seed = 0; seed < 20; seed++) {
      const problem = randomProblem(seed, 5);
      const turned = { ...problem, users: [...problem.users].reverse() };
      // In mHz and uW the same system: rates, and so latencies, keep their value when bits are rescaled with them.
      const small: DigitalProblem = {
        ...problem,
        bandwidthHz: problem.bandwidthHz * 1e-9,
        powerW: problem.powerW! * 1e-12,
        noisePsdWPerHz: problem.noisePsdWPerHz * 1e-3,
        outageRateBitPerS: 1e-9,
        users: problem.users.map((user) => ({ ...user, bitsPerToken: user.bitsPerToken * 1e-9 })),
      };
      const { objective } = allocate(problem);
      assert.ok(Math.abs(allocate(turned).objective / objective - 1) < 1e-12);
      assert.ok(Math.abs(allocate(small).objective / objective - 1) < 1e-12);
    }
  });

  it('alternating stalls on the max form, the remedy does not; sum form: 100 problems of the study', () => {
    const { rows, proved, problems } = studyMethods(100, { methods: ['alternating', 'alternating-prices', 'equal'] });
    assert.deepEqual([proved, problems], [200, 200]);
    const row = (form: string, method: string): StudyRow =>
      rows.find((one) => one.form === form && one.method === method)!;
    for (const { median: middle, p95, most } of rows) assert.ok(middle >= 0 && p95 >= middle && most >= p95);
    // docs/allocation.md has the distribution of 1,000; here only that the stall is there and the remedy is one.
    assert.ok(row('max', 'alternating').median > 0.005 && row('max', 'alternating').most > 0.05);
    assert.ok(row('max', 'alternating-prices').median < 1e-6 && row('max', 'alternating-prices').most < 1e-2);
    assert.ok(row('sum', 'alternating').median < 1e-6 && row('sum', 'equal').median > 0.01);
  });

  it('alternating is a descent: 1,000 problems of 3 to 20 users, none below exact', () => {
    const above: number[] = [];
    for (let seed = 0; seed < 1000; seed++) {
      const problem = randomProblem(seed, 3 + (seed % 18));
      const best = allocate(problem);
      assert.equal(best.gap, 0, `seed ${seed}`);
      const { objective, history = [] } = allocate(problem, { method: 'alternating' });
      above.push(objective / best.objective - 1);
      const steps = history.flatMap(({ afterShares, afterLengths }) => [afterShares, afterLengths]);
      steps.forEach((value, i) => assert.ok(i === 0 || value <= steps[i - 1]! * (1 + 1e-9), `seed ${seed}, step ${i}`));
    }
    assert.ok(Math.min(...above) >= -1e-9);
    assert.ok(median(above) > 0.005, `median ${median(above)}`);
  });

  it('where it stalls, rates are proportional to lengths, and users that began alike stay alike', () => {
    const problem = randomProblem(3, 4);
    const { users, history = [] } = allocate(problem, { method: 'alternating' });
    assert.ok(history.length <= 3, `${history.length}`);
    const inside = users.filter((user) => user.tokenLength > 1 && user.tokenLength < 128);
    assert.ok(inside.length >= 2);
    for (const user of inside) assert.ok(Math.abs(user.tokenLength / inside[0]!.tokenLength - 1) < 1e-6);
    const lengths = allocate(problem).users.map((user) => user.tokenLength);
    assert.ok(Math.max(...lengths) / Math.min(...lengths) > 1.5, lengths.join(' '));
  });

  it('alternating moves users apart on the sum form: 300 problems against the best known', () => {
    const above: number[] = [];
    for (let seed = 0; seed < 300; seed++) {
      const problem = randomProblem(seed, 3 + (seed % 18), { latency: 'sum' });
      const best = allocate(problem);
      assert.ok(best.gap !== null && best.gap < 1e-3, `seed ${seed}: gap ${best.gap}`);
      above.push(allocate(problem, { method: 'alternating' }).objective / best.objective - 1);
    }
    assert.ok(Math.min(...above) >= -1e-9);
    assert.ok(median(above) < 1e-6, `median ${median(above)}`);
  });

  /** The least objective over all lists of lengths, each with `exact` for those lengths alone. */
  function bruteForce(problem: DigitalProblem): number {
    let best = Infinity;
    const chosen: number[] = [];
    const walk = (m: number): void => {
      if (m === problem.users.length) {
        const fixed = { ...problem, users: problem.users.map((user, i) => ({ ...user, lengths: [chosen[i]!] })) };
        best = Math.min(best, allocate(fixed, { method: 'fixed-length' }).objective);
        return;
      }
      for (const length of problem.users[m]!.lengths as number[]) {
        chosen[m] = length;
        walk(m + 1);
      }
    };
    walk(0);
    return best;
  }

  for (const latency of ['max', 'sum'] as const)
    for (const power of ['budget', 'both'] as const)
      it(`exact with lists of lengths equals brute force for up to 4 users: ${latency}, ${power}`, () => {
        for (let seed = 0; seed < (power === 'budget' ? 24 : 8); seed++) {
          const problem = randomProblem(seed, 1 + (seed % 4), { latency, power, listed: power === 'budget' ? 6 : 4 });
          const answer = allocate(problem);
          const brute = bruteForce(problem);
          assert.ok(Math.abs(answer.objective / brute - 1) < 1e-10, `seed ${seed}: ${answer.objective}, ${brute}`);
          assert.equal(answer.gap, 0, `seed ${seed}`);
        }
      });

  it('a gap is 0 only where it is proved: more users, lists, both forms', () => {
    for (const latency of ['max', 'sum'] as const)
      for (const users of [20, 100]) {
        const answer = allocate(randomProblem(9, users, { latency, listed: 7 }));
        const relaxed = allocate(randomProblem(9, users, { latency }));
        assert.ok(answer.gap !== null && answer.gap < 1e-3, `${latency}, ${users} users: ${answer.gap}`);
        // The lists lie within the continuous range.
        assert.ok(relaxed.objective * (1 - (relaxed.gap ?? 0)) <= answer.objective * (1 + 1e-9));
      }
  });

  it('is the same twice, and `random` follows its seed', () => {
    const problem = randomProblem(4, 6, { listed: 6 });
    for (const method of DIGITAL_METHODS)
      assert.deepEqual(allocate(problem, { method }), allocate(problem, { method }), method);
    const seeded = (seed: number): number => allocate(problem, { method: 'random', seed }).objective;
    assert.notEqual(seeded(1), seeded(2));
  });

  it('takes the ends of the weight', () => {
    for (const latency of ['max', 'sum'] as const)
      for (const listed of [undefined, 5]) {
        const problem = randomProblem(5, 4, { latency, ...(listed === undefined ? {} : { listed }) });
        const ends = (weight: number): number[] =>
          allocate({ ...problem, weight }).users.map((user) => user.tokenLength);
        const [min, max] = listed === undefined ? [1, 128] : [2, 32];
        assert.deepEqual(ends(1), [min, min, min, min]);
        assert.deepEqual(ends(0), [max, max, max, max]);
        assertFeasible({ ...problem, weight: 0 }, allocate({ ...problem, weight: 0 }));
      }
  });

  it('names what binds', () => {
    const problem = randomProblem(1, 3);
    assert.deepEqual(
      allocate(problem).binding.filter((name) => !name.includes('length')),
      ['bandwidth', 'power'],
    );
    const capped = { ...problem, powerW: null, powerCapW: 0.01 };
    assert.deepEqual(
      allocate(capped).binding.filter((name) => !name.includes('length')),
      ['bandwidth', 'cap:user-0', 'cap:user-1', 'cap:user-2'],
    );
    const lists = randomProblem(1, 3, { listed: 1 });
    assert.ok(allocate(lists).binding.includes('min-length:user-0'));
  });

  it('serves gains that are 1e8 apart, and 1,000 users', () => {
    for (let seed = 0; seed < 10; seed++)
      for (const power of ['budget', 'caps', 'both'] as const) {
        const problem = { ...randomProblem(seed, 12, { power, gainRatio: 1e8 }), outageRateBitPerS: 1e-6 };
        const answer = allocate(problem);
        assertFeasible(problem, answer);
        assert.ok(answer.gap! < 1e-6, `seed ${seed}, ${power}: ${answer.gap}`);
      }
    const many = randomProblem(1, 1000);
    assertFeasible(many, allocate(many));
    assert.equal(allocate(many).gap, 0);
  });
});
