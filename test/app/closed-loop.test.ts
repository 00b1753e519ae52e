/** The closed loop: on a bench by hand for what it does and when, once on real twins for what comes of it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../../app/config/paths';
import type { AllocationRecord } from '../../app/config/run-documents';
import { InvalidInputError } from '../../app/config/violations';
import { loadExperiment } from '../../app/experiment/file';
import { runExperiment, type RunEnd } from '../../app/host/run';
import type { TrialRequest } from '../../app/link/types';
import { readRun, type RunContents } from '../../app/store/run-reader';
import {
  GOOD_FILE,
  HAND_FACTS,
  HAND_FACTS_WITH_SURFACE,
  handModel,
  HandLauncher,
  handParts,
  writeExperiment,
  type HandFaults,
} from './hand-bench';

const CLI = path.join(repositoryRoot(), 'dist', 'app', 'cli', 'main.js');
const FULL_BAND_HZ = 4_140_625;

let folder = '';
let runs = 0;
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-loop-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const newOut = (): string => path.join(folder, `run${++runs}`);

/** Two arms, 40 questions; a draw of the channel for 20 of them, sounded again after 15. */
const LOOP_FILE = GOOD_FILE.replace('  snrDb: [0, 10, 20]', '  powerDb: [0]')
  .replace('trialsPerPoint: 100', 'trialsPerPoint: 40')
  .replace('awgnDraws: 3', 'awgnDraws: 0')
  .replace('air:\n', 'air:\n  channel: { blockTrials: 20, trialIntervalS: 0.001 }\n')
  .replace(
    'users:\n',
    `schedule: fdma
allocation:
  weight: 0.5
  latencyRefS: 0.002
  referenceGainDb: 65
  resound: { everyTrials: 15, checkTrials: 5, movedDb: 6 }
sounding: { burstsPerRound: 2 }
arms:
  - { name: equal, allocation: { method: equal } }
  - { name: random, allocation: { method: random } }
users:
`,
  );

interface Options {
  readonly text?: string;
  readonly faults?: HandFaults;
  readonly out?: string;
  readonly resume?: boolean;
}

interface HandRun {
  readonly end: RunEnd;
  readonly requests: readonly TrialRequest[];
  readonly contents: RunContents;
}

async function run({ text = LOOP_FILE, faults, out = newOut(), resume = false }: Options = {}): Promise<HandRun> {
  const launcher = new HandLauncher({ spreads: true, ...faults });
  const parts = handParts(launcher, handModel(), HAND_FACTS_WITH_SURFACE);
  const file = writeExperiment(folder, text);
  const end = await runExperiment({ file, out, resume }, parts, {}, new AbortController().signal);
  return { end, requests: launcher.benches[0]?.requests ?? [], contents: readRun(end.folder) };
}

async function done(options: Options = {}): Promise<HandRun> {
  const ended = await run(options);
  assert.equal(ended.end.stop.outcome, 'done', ended.end.stop.message ?? '');
  return ended;
}

const isTrial = ({ trialId }: TrialRequest): boolean => !trialId.startsWith('sounding/');

/** "reason@question" of one arm's decisions. */
function decisionsOf({ contents }: HandRun, arm = 'equal'): string[] {
  return contents.allocations
    .filter((one) => one.arm === arm)
    .map(({ epoch, reason, fromQuestion }, i) => {
      assert.equal(epoch, i);
      return `${reason}@${fromQuestion}`;
    });
}

function userOf({ decision }: AllocationRecord, user: string): AllocationRecord['decision']['users'][number] {
  const found = decision.users.find(({ id }) => id === user);
  assert.ok(found !== undefined, user);
  return found;
}

/** What a line says, clocks apart. Decisions and answers are written side by side, so lines are compared kind by kind. */
function linesByKind(runFolder: string): Record<string, string[]> {
  const lines = readFileSync(path.join(runFolder, 'trials.jsonl'), 'utf8').split('\n').filter(Boolean);
  const of = (kind: string): string[] =>
    lines.filter((line) => line.startsWith(`{"kind":"${kind}"`)).map((line) => line.replace(/,"wallMs":\d+/g, ''));
  return { trial: of('trial'), allocation: of('allocation'), sounding: of('sounding').sort() };
}

function sameLines(actual: string, expected: string, what = ''): void {
  const [found, wanted] = [linesByKind(actual), linesByKind(expected)];
  for (const kind of Object.keys(wanted)) {
    const [a, b] = [found[kind] ?? [], wanted[kind] ?? []];
    assert.ok(b.length > 0, kind);
    const at = b.findIndex((line, i) => line !== a[i]);
    if (at !== -1) assert.equal(a[at], b[at], `${what} ${kind} ${at + 1}`);
    assert.equal(a.length, b.length, `${what} ${kind}`);
  }
}

/** A copy of a run as a crash would have left it. */
function cut(runFolder: string, kept: number, torn = ''): string {
  const out = newOut();
  cpSync(runFolder, out, { recursive: true });
  rmSync(path.join(out, 'stop.json'));
  const lines = readFileSync(path.join(out, 'trials.jsonl'), 'utf8').split('\n').slice(0, kept);
  writeFileSync(path.join(out, 'trials.jsonl'), lines.map((line) => `${line}\n`).join('') + torn);
  truncateSync(path.join(out, 'references.jsonl'));
  return out;
}

interface BadFile {
  readonly what: string;
  readonly replace: string | RegExp;
  readonly by: string;
  /** What stands on the line that is named. */
  readonly at: string;
  readonly says: string;
}

const FULL = `from 1000000 to ${FULL_BAND_HZ} Hz`;
const BAD_FILES: readonly BadFile[] = [
  {
    what: 'an SNR besides',
    replace: 'powerDb: [0]',
    by: 'powerDb: [0]\n  snrDb: [5]',
    at: 'snrDb:',
    says: 'sweep.snrDb: value [5]; allowed nothing beside allocation, which sets the powers: bandwidthHz or powerDb',
  },
  {
    what: 'no budget',
    replace: '  powerDb: [0]\n',
    by: '  by: snr\n',
    at: 'sweep:',
    says: 'sweep: no budget; allowed bandwidthHz or powerDb beside allocation',
  },
  {
    what: 'both budgets',
    replace: 'powerDb: [0]',
    by: 'powerDb: [0]\n  bandwidthHz: [2e6]',
    at: 'sweep:',
    says: 'sweep: both budgets; allowed one of bandwidthHz and powerDb',
  },
  {
    what: 'a sweep by SNDR',
    replace: 'powerDb: [0]',
    by: 'powerDb: [0]\n  by: sndr',
    at: 'by: sndr',
    says: 'sweep.by: value "sndr"; allowed snr beside allocation',
  },
  {
    what: 'users in turn',
    replace: 'schedule: fdma',
    by: 'schedule: turns',
    at: 'schedule:',
    says: 'schedule: value "turns"; allowed fdma beside allocation, which divides the band among users at once',
  },
  {
    what: 'a partition',
    replace: 'schedule: fdma',
    by: 'schedule: fdma\npartition: equal',
    at: 'partition:',
    says: 'partition: beside allocation, which decides the sub-bands; allowed nothing: leave the section out',
  },
  {
    what: 'AWGN references',
    replace: 'awgnDraws: 0',
    by: 'awgnDraws: 2',
    at: 'awgnDraws:',
    says: 'questions.awgnDraws: value 2; allowed 0 beside allocation: SNR and token lengths differ from trial to trial',
  },
  {
    what: 'the digital mapping',
    replace: 'schedule: fdma',
    by: 'transport: { mapping: digital }\nschedule: fdma',
    at: 'transport:',
    says: 'transport.mapping: value "digital"; allowed analog beside allocation, which decides for analog bursts alone',
  },
  {
    what: 'a method of digital transport',
    replace: 'weight: 0.5',
    by: 'method: exact',
    at: 'method: exact',
    says: 'allocation.method: value "exact"; allowed analog-search, ',
  },
  {
    what: 'a method that there is not',
    replace: 'weight: 0.5',
    by: 'method: best',
    at: 'method: best',
    says: 'allocation.method: value "best"; allowed exact, alternating, ',
  },
  {
    what: 'a field that there is not',
    replace: 'weight: 0.5',
    by: 'wait: 0.5',
    at: 'wait:',
    says: 'allocation.wait: unknown field; ',
  },
  {
    what: 'a weight above 1',
    replace: 'weight: 0.5',
    by: 'weight: 2',
    at: 'weight: 2',
    says: 'allocation.weight: value 2; allowed a number from 0 to 1',
  },
  {
    what: 'no reference gain',
    replace: '  referenceGainDb: 65\n',
    by: '',
    at: 'allocation:',
    says: 'allocation.referenceGainDb: missing; allowed a number from 0 to 120 dB',
  },
  {
    what: 'a band without room for all users',
    replace: 'weight: 0.5',
    by: 'bandwidthHz: 1e6',
    at: 'bandwidthHz:',
    says: 'allocation.bandwidthHz: value 1000000; allowed from 1235352 Hz for 3 users with guards of 2 grid carriers',
  },
  {
    what: 'a swept band without room for all users',
    replace: 'powerDb: [0]',
    by: 'bandwidthHz: [2e6, 1.2e6]',
    at: 'bandwidthHz:',
    says: 'sweep.bandwidthHz[1]: value 1200000; allowed from 1235352 Hz for 3 users with guards of 2 grid carriers',
  },
  {
    what: 'more band than the capture has',
    replace: 'powerDb: [0]',
    by: 'bandwidthHz: [5e6]',
    at: 'bandwidthHz:',
    says: `sweep.bandwidthHz[0]: value 5000000; allowed a list of 1 to 50 different numbers ${FULL}`,
  },
  {
    what: 'a token length that the bundle does not have',
    replace: 'weight: 0.5',
    by: 'lengths: { visual: [2, 5] }',
    at: 'lengths:',
    says: 'allocation.lengths.visual[1]: value 5; allowed 2, 4, 16 (bundle by-hand)',
  },
];

async function violations(text: string, facts = HAND_FACTS_WITH_SURFACE): Promise<string[]> {
  try {
    await loadExperiment(writeExperiment(folder, text), () => Promise.resolve(facts));
    return [];
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return error.lines.map((line) => line.replace(`${folder}/`, ''));
  }
}

/** Without arms, so that a fault of a section is told once. */
const ONE_ARM = LOOP_FILE.replace(/arms:\n.*\n.*\n/, '');

describe('the section allocation', () => {
  it('reads', async () => {
    assert.deepEqual(await violations(LOOP_FILE), []);
    assert.deepEqual(await violations(ONE_ARM), []);
  });

  for (const { what, replace, by, at, says } of BAD_FILES)
    it(`is refused in one line: ${what}`, async () => {
      const text = ONE_ARM.replace(replace, by);
      const line = text.split('\n').findIndex((one) => one.includes(at)) + 1;
      const lines = await violations(text);
      assert.equal(lines.length, 1, lines.join('\n'));
      assert.ok(lines[0]?.startsWith(`experiment.yml:${line}: ${says}`), lines[0]);
    });

  it('needs a bundle with a loss surface', async () => {
    const lines = await violations(ONE_ARM, HAND_FACTS);
    assert.match(
      lines.join('\n'),
      /^experiment.yml:\d+: task.bundle: value "bundle"; allowed a bundle with a measured/,
    );
  });

  it('is what budgets and a shared channel belong to', async () => {
    const text = ONE_ARM.replace(/allocation:\n(?: {2}.*\n)+/, '').replace(
      'powerDb: [0]',
      'snrDb: [0]\n  powerDb: [0]',
    );
    assert.deepEqual(
      (await violations(text)).map((line) => line.replace(/^\S+ /, '').replace(/;.*/, '')),
      ['air.channel: belongs to allocation', 'sweep.powerDb: belongs to allocation'],
    );
  });

  it('says what real radios send', async () => {
    const real = ONE_ARM.replaceAll('driver: twin, serial: TWIN-', 'driver: uhd, serial: SDR-').replace(
      /air:\n(?: .*\n)+/,
      '',
    );
    const lines = await violations(real.replace('weight: 0.5', 'csi: simulated'));
    assert.equal(lines.length, 2, lines.join('\n'));
    assert.match(lines[0] ?? '', /: allocation.referencePowerDbm: missing; allowed the power that real radios send at/);
    assert.match(lines[1] ?? '', /: allocation.simulated.pathLossDb: missing; allowed text, visual and audio, dB/);
  });

  it('is shared by all arms where they share the soundings', async () => {
    const second = async (changes: string): Promise<string> =>
      (await violations(LOOP_FILE.replace('{ name: random, allocation: { method: random } }', changes))).join('\n');
    const at = /^experiment.yml:\d+: arms\[1\]/.source;
    assert.match(
      await second('{ name: b, allocation: { resound: { everyTrials: 9 } } }'),
      new RegExp(`${at}.allocation: another resound than the first arm's; allowed one for all arms[^\n]*$`),
    );
    assert.match(
      await second('{ name: b, allocation: { referenceGainDb: 60 } }'),
      new RegExp(`${at}.allocation: another referenceGainDb[^\n]*$`),
    );
    assert.match(await second('{ name: b, sweep: { powerDb: [3] } }'), new RegExp(`${at}.sweep: another[^\n]*$`));
    assert.match(
      await second('{ name: b, air: { radios: { TWIN-TEXT: { noiseFigureDb: 9 } } } }'),
      new RegExp(`${at}.air: another than the first arm's[^\n]*$`),
    );
  });
});

describe('the closed loop', () => {
  let plain: HandRun;
  before(async () => {
    plain = await done();
  });

  it('sounds, decides, and sends what was decided', () => {
    const { requests, contents } = plain;
    const { trials, allocations, soundings } = contents;
    assert.equal(trials.length, 80);
    // Two bursts of each user, in turn, at the reference gain, before every decision.
    assert.deepEqual(soundings.map(({ id }) => id.replace(/.*\/e/, 'e')).sort(), [
      'e0/r1/b1',
      'e0/r1/b2',
      'e1/r1/b1',
      'e1/r1/b2',
      'e2/r1/b1',
      'e2/r1/b2',
    ]);
    for (const request of requests.filter((one) => !isTrial(one))) {
      assert.ok(request.atOnce !== true);
      assert.deepEqual(
        request.bursts.map(({ user, txGainDb, subband }) => [user, txGainDb, subband]),
        ['text', 'visual', 'audio'].map((user) => [user, 65, undefined]),
      );
    }
    const byId = new Map(allocations.map((one) => [one.id, one]));
    assert.equal(byId.size, 3 * 2);
    const sizes = new Set<string>();
    for (const request of requests.filter(isTrial)) {
      assert.equal(request.atOnce, true);
      const trial = trials.find(({ id }) => id === request.trialId);
      const record = byId.get(trial?.allocation ?? '');
      assert.ok(trial !== undefined && record !== undefined && record.arm === trial.arm);
      assert.deepEqual(
        request.bursts.map(({ user }) => user),
        ['text', 'visual', 'audio'],
      );
      for (const { user, subband, txGainDb, tokens } of request.bursts) {
        const decided = userOf(record, user);
        const { soundedCfoHz, ...place } = subband ?? {};
        assert.deepEqual(place, decided.subband);
        assert.equal(soundedCfoHz, record.channels.find((channel) => channel.user === user)?.cfoHz);
        assert.equal(txGainDb, decided.txGainDb);
        // A question's words are as many as they are.
        if (user !== 'text') assert.equal(tokens.tokens, decided.tokenLength);
        sizes.add(`${user} ${subband?.size} ${tokens.tokens}`);
      }
      // 0 dB: together as much as text's radio sends at the reference gain.
      const total = request.bursts.reduce((sum, { txGainDb }) => sum + 10 ** ((txGainDb - 65) / 10), 0);
      assert.ok(total > 0.8 && total < 1.1, `${total}`);
    }
    assert.ok(sizes.size > 6, 'both methods did the same');
  });

  it('gives every arm the same channel, question by question', () => {
    const { requests, contents } = plain;
    const order = contents.trials.filter(({ arm }) => arm === 'equal').map(({ question }) => question);
    const of = new Map(requests.map(({ trialId, channel }) => [trialId, channel]));
    for (const { id, arm, question, repeat } of contents.trials) {
      const k = order.indexOf(question);
      assert.equal(repeat, 0);
      assert.deepEqual(
        of.get(id),
        { realisation: `channel/${k < 20 ? 0 : 1}`, startS: (k % 20) * 0.001 },
        `${arm} ${k}`,
      );
    }
    for (const { realisation, channelTimeS, fromQuestion } of contents.allocations) {
      assert.equal(realisation, `channel/${fromQuestion < 20 ? 0 : 1}`);
      assert.equal(channelTimeS, (fromQuestion % 20) * 0.001);
    }
  });

  it('sounds again every so many questions', () => {
    const ended = plain;
    for (const arm of ['equal', 'random'])
      assert.deepEqual(decisionsOf(ended, arm), ['start@0', 'every@15', 'every@30']);
    const sent = ended.contents.trials.filter(({ arm }) => arm === 'equal');
    sent.forEach(({ allocation }, k) => assert.match(allocation ?? '', new RegExp(`/e${Math.floor(k / 15)}$`)));
  });

  it('sounds again when a user is heard otherwise than sounded, and at no single lost burst', async () => {
    const text = LOOP_FILE.replace('blockTrials: 20', 'blockTrials: 40').replace('everyTrials: 15', 'everyTrials: 40');
    const from = (firstS: number, lastS: number): HandFaults => ({
      fadingDb: (user, channel) =>
        user === 'audio' && (channel?.startS ?? 0) > firstS && (channel?.startS ?? 0) < lastS ? -12 : 0,
    });
    // From the group of questions 10 to 14 on.
    const moved = await done({ text, faults: from(0.0095, 1) });
    assert.deepEqual(decisionsOf(moved), ['start@0', 'moved@15']);
    assert.deepEqual(decisionsOf(moved, 'random'), ['start@0', 'moved@15']);
    const [before, after] = moved.contents.allocations.filter(({ arm }) => arm === 'equal');
    const gain = (record: AllocationRecord | undefined): number => {
      const cells = record?.channels.find(({ user }) => user === 'audio')?.gainOverNoise ?? [];
      return 10 * Math.log10(cells.reduce((sum, one) => sum + one, 0) / cells.length);
    };
    assert.ok(Math.abs(gain(after) - gain(before) + 12) < 1, `${gain(before)}, ${gain(after)}`);
    assert.deepEqual(decisionsOf(await done({ text, faults: from(0.0095, 0.0115) })), ['start@0']);
    assert.deepEqual(
      decisionsOf(await done({ text: text.replace('movedDb: 6', 'movedDb: 20'), faults: from(0.0095, 1) })),
      ['start@0'],
    );
  });

  // Of -200 dB no burst is heard at all; of -85 dB at the highest gain alone, which the budget does not pay.
  for (const [offsetDb, rounds] of [
    [-200, 0],
    [-85, 1],
  ] as const)
    it(`serves the others when a user ${rounds === 0 ? 'is not heard' : 'cannot be reached'}`, async () => {
      const { requests, contents } = await done({ faults: { offsetsDb: { audio: offsetDb } } });
      const again = contents.soundings.filter(({ id }) => id.includes('/r2/'));
      assert.equal(again.length, 3 * 2);
      assert.ok(again.every(({ bursts }) => bursts.every(({ requestedTxGainDb }) => requestedTxGainDb === 89.75)));
      for (const record of contents.allocations) {
        assert.equal(record.channels.filter(({ user }) => user === 'audio').length, rounds);
        const { outage, heard, subband, txGainDb, powerW } = userOf(record, 'audio');
        assert.deepEqual([outage, heard, subband, txGainDb, powerW], [true, false, null, null, 0]);
        for (const user of ['text', 'visual']) assert.equal(userOf(record, user).outage, false);
      }
      assert.equal(contents.trials.length, 80);
      for (const { bursts } of requests.filter(isTrial))
        assert.deepEqual(
          bursts.map(({ user }) => user),
          ['text', 'visual'],
        );
      for (const { correct, bursts } of contents.trials) {
        assert.notEqual(correct, null);
        assert.ok(bursts.every(({ headerOk }) => headerOk));
      }
      assert.ok(contents.stop?.closedLoop?.points.every(({ outages }) => outages === 40));
    });

  it('ends in one line when nobody is heard', async () => {
    const { end, requests } = await run({ faults: { offsetsDb: { text: -200, visual: -200, audio: -200 } } });
    assert.equal(end.stop.outcome, 'failed');
    assert.match(
      end.stop.message ?? '',
      /^allocation of equal at \S+: users: all 3 in outage; allowed at least one [^\n]+$/,
    );
    assert.ok(!requests.some(isTrial));
  });

  it('resumes from any cut to the same records', async () => {
    const faults: HandFaults = {
      fadingDb: (user, channel) => (user === 'audio' && channel?.startS === 0.016 ? -12 : 0),
    };
    const text = LOOP_FILE.replace('checkTrials: 5, movedDb: 6', 'checkTrials: 1, movedDb: 6');
    const whole = await done({ text, faults });
    assert.deepEqual(decisionsOf(whole), ['start@0', 'every@15', 'moved@17', 'every@32', 'moved@37']);
    const lines = readFileSync(path.join(whole.end.folder, 'trials.jsonl'), 'utf8').split('\n');
    const at = (pattern: RegExp): number => lines.findIndex((line) => pattern.test(line)) + 1;
    const cuts: readonly (readonly [string, number, string])[] = [
      ['in the first sounding', 1, ''],
      ['between the decisions of two arms', at(/^{"kind":"allocation","id":"equal\/\S+\/e1"/), '{"kind":"alloc'],
      [
        'after the decision that movement brought',
        at(/^{"kind":"allocation","id":"random\/\S+\/e2"/),
        '{"kind":"trial","id":"',
      ],
    ];
    for (const [what, kept, torn] of cuts) {
      const out = cut(whole.end.folder, kept, torn);
      const resumed = await done({ text, faults, out, resume: true });
      sameLines(out, whole.end.folder, what);
      assert.deepEqual(resumed.end.stop.closedLoop, whole.end.stop.closedLoop, what);
    }
  });

  it('sets measured beside predicted, and arms against each other', async () => {
    const { end, contents } = await done({ text: LOOP_FILE.replace('powerDb: [0]', 'powerDb: [0, 6]') });
    const { closedLoop } = end.stop;
    assert.ok(closedLoop !== null && closedLoop.blockTrials === 20);
    assert.deepEqual(
      closedLoop.points.map(({ arm, powerDb, method, csi, trials }) => [arm, powerDb, method, csi, trials]),
      [0, 6].flatMap((powerDb) => ['equal', 'random'].map((arm) => [arm, powerDb, arm, 'measured', 40])),
    );
    const objective = (arm: string, powerDb: number): number => {
      const own = contents.trials.filter((one) => one.arm === arm && one.powerDb === powerDb);
      const each = own.map(
        ({ latencyS, logProbability }) => (0.5 * (latencyS ?? NaN)) / 0.002 - 0.5 * (logProbability ?? NaN),
      );
      return each.reduce((sum, one) => sum + one, 0) / own.length;
    };
    for (const { arm, powerDb, objective: measured, predicted } of closedLoop.points) {
      assert.ok(Math.abs(measured.mean - objective(arm, powerDb ?? NaN)) < 1e-12);
      assert.ok(measured.low < measured.mean && measured.mean < measured.high);
      assert.ok(Object.values(predicted).every((one) => Number.isFinite(one) && one > 0));
    }
    assert.deepEqual(
      closedLoop.comparisons.map(({ firstArm, secondArm, powerDb, blocks }) => [firstArm, secondArm, powerDb, blocks]),
      [
        ['equal', 'random', 0, 2],
        ['equal', 'random', 6, 2],
        ['equal', 'random', undefined, 4],
      ],
    );
    for (const { powerDb, objectiveDifference, pValue } of closedLoop.comparisons) {
      if (powerDb !== undefined)
        assert.ok(
          Math.abs(objectiveDifference.mean - objective('random', powerDb) + objective('equal', powerDb)) < 1e-12,
        );
      assert.ok(pValue > 0 && pValue <= 1);
    }
  });
});

describe('the closed loop on twins', () => {
  /** experiments/closed-loop.yml, small. */
  function write(): string {
    const file = path.join(folder, 'closed-loop.yml');
    const text = readFileSync(path.join(repositoryRoot(), 'experiments', 'closed-loop.yml'), 'utf8')
      .replace(/bundle: .*/, `bundle: ${path.join(repositoryRoot(), 'models', 'bundles', 'digit-avqa')}`)
      .replace(
        /arms:\n(?: {2}.*\n)+/,
        (arms) =>
          arms.replace(/ {2}- \{ name: (random|fixed|alternating).*\n/g, '') +
          '  - { name: equal-again, allocation: { method: equal } }\n',
      )
      .replace('blockTrials: 30', 'blockTrials: 20')
      .replace('everyTrials: 30', 'everyTrials: 20')
      .replace('trialsPerPoint: 300', 'trialsPerPoint: 60');
    writeFileSync(file, text);
    return file;
  }
  const otabench = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [CLI, ...args], { cwd: folder })).stdout;

  it('predicts what is measured, pairs the arms, and resumes to the same records', async () => {
    const [file, out] = [write(), newOut()];
    await otabench('run', file, '--out', out);
    const { stop, trials, allocations } = readRun(out);
    assert.ok(stop?.closedLoop);
    const { points, comparisons } = stop.closedLoop;
    assert.deepEqual(
      points.map(({ method }) => method),
      ['analog-search', 'equal', 'equal'],
    );
    for (const point of points) {
      assert.equal(point.trials, 60);
      assert.ok(point.latencyErrorMost < 0.02, `${point.arm}: ${point.latencyErrorMost}`);
      assert.ok((point.snrErrorRmsDb ?? 99) < 1.5, `${point.arm}: ${point.snrErrorRmsDb} dB`);
      assert.ok(Math.abs(point.objective.mean / point.predicted.objective - 1) < 0.25, `${point.arm}`);
    }
    const pairs = comparisons.map(({ firstArm, secondArm, blocks }) => `${firstArm} ${secondArm} ${blocks}`);
    assert.deepEqual(pairs, ['analog-search equal 3', 'analog-search equal-again 3', 'equal equal-again 3']);
    // One method twice: the same decisions, and the same channel in every trial, which differs from draw to draw.
    const snrs = (arm: string): number[] =>
      trials.filter((one) => one.arm === arm).flatMap(({ bursts }) => bursts.map(({ trueSnrDb }) => trueSnrDb ?? NaN));
    const [first, second] = [snrs('equal'), snrs('equal-again')];
    assert.equal(first.length, 180);
    const apartDb = Math.sqrt(first.reduce((sum, snrDb, i) => sum + (snrDb - (second[i] ?? NaN)) ** 2, 0) / 180);
    assert.ok(apartDb < 0.5, `${apartDb} dB`);
    const decided = (arm: string): unknown[] =>
      allocations.filter((one) => one.arm === arm).map(({ channels, decision }) => [channels, decision.users]);
    assert.equal(decided('equal').length, 3);
    assert.deepEqual(decided('equal-again'), decided('equal'));
    assert.ok([0, 1, 2].some((user) => Math.abs((first[user] ?? 0) - (first[60 + user] ?? 0)) > 1));

    const kept = readFileSync(path.join(out, 'trials.jsonl'), 'utf8').split('\n').length / 2;
    const resumed = cut(out, Math.floor(kept), '{"kind":"trial');
    await otabench('run', file, '--out', resumed, '--resume');
    sameLines(resumed, out);
  });
});
