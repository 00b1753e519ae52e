import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { allocate, checkProblem, DIGITAL_METHODS, readProblem, type DigitalProblem } from '../../app/allocation';
import { InvalidInputError } from '../../app/config/violations';
import { repositoryRoot } from '../../app/config/paths';
import { seededRandom } from '../../app/units/random';
import { randomProblem } from '../../app/allocation/random-problem';

/** The problem file of docs/allocation.md. */
const GOOD = {
  bandwidthHz: 2e6,
  powerW: 0.2,
  powerCapW: null,
  noisePsdWPerHz: 4e-21,
  weight: 0.5,
  latency: 'max',
  latencyRefS: 1,
  lossRef: 1,
  overheadS: 0,
  users: [
    {
      id: 'visual',
      powerGain: 1e-9,
      bitsPerToken: 4096,
      loss: { a: 1.2, b: 0.05, c: 0.3 },
      lengths: [4, 8, 16, 32, 64],
      powerCapW: null,
    },
    {
      id: 'audio',
      powerGain: 1e-13,
      bitsPerToken: 4096,
      loss: { a: 1, b: 0.1, c: 0.2 },
      lengths: { min: 1, max: 128 },
      powerCapW: 0.15,
    },
  ],
};

type Path = readonly (string | number)[];
function changed(at: Path, value: unknown): unknown {
  const copy = structuredClone(GOOD) as unknown;
  let part = copy as Record<string | number, unknown>;
  for (const key of at.slice(0, -1)) part = part[key] as Record<string | number, unknown>;
  if (value === undefined) delete part[at[at.length - 1]!];
  else part[at[at.length - 1]!] = value;
  return copy;
}

function linesOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof InvalidInputError) return error.lines;
    throw error;
  }
  return [];
}

describe('the allocation problem', () => {
  it('reads the documented file, with its defaults', () => {
    const problem = checkProblem(GOOD) as DigitalProblem;
    assert.equal(problem.transport, 'digital');
    assert.equal(problem.rateModel.preset, 'shannon');
    const bare = structuredClone(GOOD) as Record<string, unknown>;
    for (const key of ['powerCapW', 'latency', 'latencyRefS', 'lossRef', 'overheadS']) delete bare[key];
    assert.deepEqual(checkProblem(bare), problem);
  });

  const refused: [string, Path, unknown, RegExp][] = [
    ['a bandwidth of 0', ['bandwidthHz'], 0, /bandwidthHz: value 0; allowed a number from 1e-40 to 1e40 Hz/],
    ['a bandwidth that is no number', ['bandwidthHz'], NaN, /bandwidthHz: value "NaN"; allowed a number/],
    ['an infinite bandwidth', ['bandwidthHz'], Infinity, /bandwidthHz: value "Infinity"; allowed a number/],
    ['a negative budget', ['powerW'], -1, /powerW: value -1; allowed a number from 1e-40 to 1e40 W, or null/],
    ['a budget of 0', ['powerW'], 0, /powerW: value 0; allowed/],
    ['neither a budget nor a cap', ['powerW'], null, /users\[0\].powerCapW: value null; allowed a cap in W/],
    ['no noise', ['noisePsdWPerHz'], 0, /noisePsdWPerHz: value 0; allowed/],
    ['a missing noise', ['noisePsdWPerHz'], undefined, /noisePsdWPerHz: missing; allowed/],
    ['a weight above 1', ['weight'], 1.5, /weight: value 1.5; allowed a number from 0 to 1/],
    ['a weight that is no number', ['weight'], 'half', /weight: value "half"; allowed a number from 0 to 1/],
    ['an unknown form', ['latency'], 'mean', /latency: value "mean"; allowed max, sum/],
    ['a reference of 0', ['latencyRefS'], 0, /latencyRefS: value 0; allowed/],
    ['a negative overhead', ['overheadS'], -1, /overheadS: value -1; allowed a number from 0/],
    ['an unknown field', ['bandwith'], 1, /bandwith: unknown field; did you mean "bandwidthHz"\?|bandwith: unknown/],
    ['an unknown transport', ['transport'], 'smoke', /transport: value "smoke"; allowed digital, analog/],
    ['no users', ['users'], [], /users: value \[\]; allowed a list of 1 to 10000 users/],
    ['users that are no list', ['users'], 3, /users: value 3; allowed a list of 1 to 10000 users/],
    ['a negative gain', ['users', 0, 'powerGain'], -1e-9, /users\[0\].powerGain: value -1e-9; allowed/],
    ['a gain that is no number', ['users', 0, 'powerGain'], NaN, /users\[0\].powerGain: value "NaN"; allowed/],
    ['the same id twice', ['users', 1, 'id'], 'visual', /users\[1\].id: value "visual"; allowed an id that no other/],
    ['tokens of no bits', ['users', 0, 'bitsPerToken'], 0, /users\[0\].bitsPerToken: value 0; allowed/],
    ['a loss that rises', ['users', 0, 'loss', 'a'], -1, /users\[0\].loss.a: value -1; allowed a number from 0/],
    ['a loss without b', ['users', 0, 'loss', 'b'], undefined, /users\[0\].loss.b: missing; allowed/],
    ['a cap of 0', ['users', 0, 'powerCapW'], 0, /users\[0\].powerCapW: value 0; allowed/],
    ['no lengths', ['users', 0, 'lengths'], [], /users\[0\].lengths: value \[\]; allowed a list of 1 to 1000/],
    ['a length of 0', ['users', 0, 'lengths'], [0, 4], /users\[0\].lengths\[0\]: value 0; allowed an integer from 1/],
    ['half a token', ['users', 0, 'lengths'], [2.5], /users\[0\].lengths\[0\]: value 2.5; allowed an integer from 1/],
    ['a length twice', ['users', 0, 'lengths'], [4, 4], /users\[0\].lengths: value \[4,4\]; allowed .* different/],
    [
      'lengths upside down',
      ['users', 1, 'lengths'],
      { min: 5, max: 4 },
      /users\[1\].lengths: .*allowed min not above max/,
    ],
    ['a length without max', ['users', 1, 'lengths'], { min: 5 }, /users\[1\].lengths.max: missing; allowed/],
    ['lengths of another kind', ['users', 1, 'lengths'], 'all', /users\[1\].lengths: value "all"; allowed a list/],
    ['a surface in a digital problem', ['users', 0, 'surface'], {}, /users\[0\].surface: unknown field/],
    [
      'an unknown rate',
      ['rateModel'],
      { preset: 'turbo' },
      /rateModel.preset: value "turbo"; allowed shannon, shannon-gap/,
    ],
  ];
  for (const [what, at, value, message] of refused)
    it(`refuses ${what} in one line`, () => {
      const lines = linesOf(() => checkProblem(changed(at, value)));
      assert.ok(
        lines.some((line) => message.test(line)),
        lines.join('\n') || 'taken',
      );
      for (const line of lines) assert.ok(!line.includes('\n') && /allowed/.test(line), line);
    });

  it('refuses text that is no problem, with its line', () => {
    assert.match(
      linesOf(() => readProblem('p.json', '{"weight": 1,\n"weight": 2}')).join(),
      /p.json:2: .*same key twice/,
    );
    assert.match(linesOf(() => readProblem('p.json', '[1, 2]')).join(), /p.json:1: .*allowed a mapping/);
    assert.match(linesOf(() => readProblem('p.json', '')).join(), /p.json:1: .*allowed a mapping/);
    assert.match(linesOf(() => readProblem('p.json', '{"weight": ')).join(), /p.json:1: not valid/);
  });

  it('refuses unknown methods, and exact for analog transport by its name', () => {
    const problem = checkProblem(GOOD);
    assert.match(linesOf(() => allocate(problem, { method: 'exat' })).join(), /"exat"; did you mean "exact"\?/);
    assert.match(linesOf(() => allocate(problem, { method: 'analog-search' })).join(), /not for digital transport/);
    const many = randomProblem(1, 7);
    assert.match(linesOf(() => allocate(many, { method: 'grid' })).join(), /for 7 users; allowed at most 6 users/);
  });
});

describe('allocation of problems at the edge', function () {
  this.timeout(120_000);

  it('tells a user in a deep fade that it is in outage, and serves the others as if it were not there', () => {
    for (const powerGain of [0, 1e-30])
      for (const latency of ['max', 'sum'] as const)
        for (const method of DIGITAL_METHODS) {
          const problem = randomProblem(2, 3, { latency });
          const faded = { ...problem.users[1]!, powerGain };
          const users = [problem.users[0]!, faded, problem.users[2]!];
          const answer = allocate({ ...problem, users }, { method });
          const others = allocate({ ...problem, users: [users[0]!, users[2]!] }, { method });
          assert.deepEqual(
            answer.users.map((user) => user.outage),
            [false, true, false],
          );
          const { bandwidthHz, powerW, tokenLength, rateBitPerS, latencyS, loss } = answer.users[1]!;
          assert.deepEqual([bandwidthHz, powerW, tokenLength, rateBitPerS, latencyS], [0, 0, 0, 0, null]);
          // No token arrives: the fit at length 0.
          assert.equal(loss, faded.loss.a + faded.loss.c);
          // Methods that iterate stop at a share of the objective, which the lost user's loss is a part of.
          const tolerance = method === 'exact' ? 1e-9 : 1e-4;
          [answer.users[0]!, answer.users[2]!].forEach((user, i) => {
            for (const key of ['bandwidthHz', 'powerW', 'tokenLength', 'latencyS'] as const)
              assert.ok(Math.abs(user[key]! / others.users[i]![key]! - 1) < tolerance, `${method}: ${key}`);
          });
        }
  });

  it('refuses a problem with all users in outage', () => {
    const problem = randomProblem(2, 2);
    const users = problem.users.map((user) => ({ ...user, powerGain: 0 }));
    assert.match(linesOf(() => allocate({ ...problem, users })).join(), /users: all 2 in outage; allowed at least one/);
  });

  it('takes a cap that is out of reach as none, and one that leaves no rate as outage', () => {
    const problem = randomProblem(6, 4);
    const { objective } = allocate(problem);
    assert.equal(allocate({ ...problem, powerCapW: problem.powerW! * 10 }).objective, objective);
    const users = problem.users.map((user, i) => (i === 2 ? { ...user, powerCapW: 1e-38 } : user));
    assert.equal(allocate({ ...problem, users }).users[2]!.outage, true);
    // Caps that together stay below the budget: the budget is not what binds.
    const low = { ...problem, powerCapW: problem.powerW! / 40 };
    assert.ok(!allocate(low).binding.includes('power'));
    assert.ok(Math.abs(allocate(low).objective / allocate({ ...low, powerW: null }).objective - 1) < 1e-12);
  });

  it('takes a loss that does not depend on the length: the shortest will do', () => {
    const problem = randomProblem(7, 3);
    for (const flat of [{ a: 0 }, { b: 0 }]) {
      const users = problem.users.map((user) => ({ ...user, loss: { ...user.loss, ...flat } }));
      for (const method of ['exact', 'alternating-prices'])
        for (const { tokenLength } of allocate({ ...problem, users }, { method }).users)
          assert.ok(tokenLength >= 1 && tokenLength < 1 + 1e-12, `${method}: ${tokenLength}`);
    }
  });

  it('a cheaper rate model costs: gap and efficiency', () => {
    const problem = randomProblem(8, 3);
    const worse = { ...problem, rateModel: { preset: 'shannon-gap' as const } };
    assert.ok(allocate(worse).objective > allocate(problem).objective);
    // Half the efficiency is twice the bits.
    const half = { ...problem, rateModel: { preset: 'shannon' as const, efficiency: 0.5 } };
    const twice = { ...problem, users: problem.users.map((u) => ({ ...u, bitsPerToken: 2 * u.bitsPerToken })) };
    assert.ok(Math.abs(allocate(half).objective / allocate(twice).objective - 1) < 1e-12);
    assert.ok(allocate(worse).assumed.some((line) => /shannon-gap: efficiency 0.8, SNR gap 3.00 dB/.test(line)));
  });

  it('property: any mixture of extremes is refused in lines, or answered in finite numbers', () => {
    const uniform = seededRandom(11, 'extremes');
    const oneOf = <T>(values: readonly T[]): T => values[Math.floor(uniform() * values.length)]!;
    const numbers = [0, -1, 1, 1e-39, 1e39, NaN, Infinity, 1e-9, 1e6, 0.5, null, 'x', undefined, 1e-300];
    let answered = 0;
    let turnedDown = 0;
    for (let i = 0; i < 3000; i++) {
      const problem = structuredClone(GOOD) as unknown as Record<string, unknown>;
      const users = problem['users'] as Record<string, unknown>[];
      const count = 1 + Math.floor(uniform() * 3);
      for (let k = 0; k < count; k++) {
        const at = uniform();
        if (at < 0.5)
          problem[
            oneOf([
              'bandwidthHz',
              'powerW',
              'powerCapW',
              'noisePsdWPerHz',
              'weight',
              'latencyRefS',
              'lossRef',
              'overheadS',
              'latency',
            ])
          ] = oneOf(numbers);
        else if (at < 0.8) oneOf(users)[oneOf(['powerGain', 'bitsPerToken', 'powerCapW', 'id'])] = oneOf(numbers);
        else if (at < 0.9) (oneOf(users)['loss'] as Record<string, unknown>)[oneOf(['a', 'b', 'c'])] = oneOf(numbers);
        else
          oneOf(users)['lengths'] = oneOf([
            [],
            [1],
            [-4],
            [3.3],
            { min: 0, max: 1 },
            { min: 1e-3, max: 65536 },
            [65536],
          ]);
      }
      const method = oneOf(DIGITAL_METHODS);
      const lines = linesOf(() => {
        const answer = allocate(checkProblem(problem), { method });
        answered++;
        const text = JSON.stringify(problem);
        for (const value of [answer.objective, answer.latencyS, answer.loss])
          assert.ok(Number.isFinite(value), `${method}: ${text}`);
        for (const user of answer.users)
          for (const value of [user.bandwidthHz, user.powerW, user.tokenLength, user.rateBitPerS])
            assert.ok(Number.isFinite(value) && (value as number) >= 0, `${method}: ${text}: ${JSON.stringify(user)}`);
      });
      if (lines.length > 0) turnedDown++;
      for (const line of lines) assert.match(line, /allowed/);
    }
    assert.ok(answered > 300 && turnedDown > 300, `${answered} answered, ${turnedDown} turned down`);
  });
});

describe('otabench allocate', function () {
  this.timeout(60_000);
  let folder = '';
  before(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-allocate-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  function cli(problem: unknown, ...args: string[]): { code: number | null; stdout: string; stderr: string } {
    const file = path.join(folder, 'problem.json');
    writeFileSync(file, JSON.stringify(problem));
    const main = path.join(repositoryRoot(), 'dist', 'app', 'cli', 'main.js');
    const ended = spawnSync(process.execPath, [main, 'allocate', file, ...args], { encoding: 'utf8' });
    return { code: ended.status, stdout: ended.stdout, stderr: ended.stderr };
  }

  it('answers with one line of JSON that has the contract keys', () => {
    const { code, stdout, stderr } = cli(GOOD, '--json');
    assert.equal(code, 0, stderr);
    assert.equal(stdout.trim().split('\n').length, 1);
    const answer = JSON.parse(stdout) as Record<string, unknown>;
    for (const key of ['method', 'objective', 'latencyS', 'loss', 'iterations', 'gap', 'users'])
      assert.ok(key in answer, key);
    const user = (answer['users'] as Record<string, unknown>[])[0]!;
    for (const key of ['id', 'bandwidthHz', 'powerW', 'tokenLength', 'rateBitPerS', 'latencyS'])
      assert.ok(key in user, key);
    assert.equal(answer['method'], 'exact');
    assert.equal(answer['gap'], 0);
  });

  it('prints a table with units, and what is assumed', () => {
    const { code, stdout } = cli(GOOD, '--method', 'alternating');
    assert.equal(code, 0);
    for (const part of [
      /^alternating: objective /,
      /kHz +mW +dB +kbit\/s +ms/,
      /visual/,
      /gap to the optimum not known/,
      /binding: /,
      /assumed \(not given by the paper\)/,
    ])
      assert.match(stdout, part);
  });

  it('exits with 2 and one line for each thing that is wrong', () => {
    const bad = changed(['weight'], 2) as Record<string, unknown>;
    bad['powerW'] = -1;
    const { code, stdout, stderr } = cli(bad);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.equal(stderr.trim().split('\n').length, 2, stderr);
    assert.equal(cli(GOOD, '--method', 'best').code, 2);
    assert.match(cli(GOOD, '--seed', '-1').stderr, /allowed an integer from 0/);
  });
});
