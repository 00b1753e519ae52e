/** Radio processes: their ends, expected and not, and what they refuse. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import {
  forkRadioProcess,
  LinkError,
  listRadios,
  RadioProcessLauncher,
  silenceRadios,
  type BenchSetup,
  type SpawnedProcess,
  type SpawnRadioProcess,
} from '../../app/link';
import { HEARTBEAT_MS, MOST_QUEUED_TRIALS } from '../../app/ipc/radio-messages';
import { randomTokens, trial, twinSetup } from './twin-setup';

const module_ = path.join(__dirname, '../../app/radio/main.js');

function linkError(code: string, message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof LinkError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.ok(!/[\r\n]/.test(error.message));
    return true;
  };
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean, limitMs: number): Promise<void> {
  const started = Date.now();
  while (!condition()) {
    assert.ok(Date.now() - started < limitMs, `not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Real radio processes whose handles the test sees. */
function spawnWatched(): { spawn: SpawnRadioProcess; children: SpawnedProcess[] } {
  const children: SpawnedProcess[] = [];
  return {
    children,
    spawn: (file) => {
      const child = forkRadioProcess(file);
      children.push(child);
      return child;
    },
  };
}

/** A radio process driven by hand, message by message. */
class RawProcess {
  readonly child = forkRadioProcess(module_);
  readonly replies: { type: string; id?: number | null; code?: string; message?: string; reason?: string }[] = [];
  private heartbeat = setInterval(() => this.child.sendUrgent({ type: 'heartbeat' }), HEARTBEAT_MS);
  readonly ended: Promise<string>;

  constructor() {
    this.child.onMessage((message) => this.replies.push(message as never));
    this.ended = new Promise((resolve) => {
      this.child.onExit((how) => {
        clearInterval(this.heartbeat);
        resolve(how);
      });
    });
  }

  send(message: unknown): void {
    void this.child.send(message);
  }

  fallSilent(): void {
    clearInterval(this.heartbeat);
  }

  async reply(id: number | null, limitMs = 20_000): Promise<RawProcess['replies'][number]> {
    await until(() => this.replies.some((reply) => reply.id === id), limitMs);
    return this.replies.find((reply) => reply.id === id) as RawProcess['replies'][number];
  }

  async end(): Promise<void> {
    this.child.kill();
    await this.ended;
  }
}

describe('a radio process that ends', () => {
  it('ends when it is closed, twice is as good as once, and nobody is told that it was lost', async () => {
    const { spawn: watched, children } = spawnWatched();
    const bench = await new RadioProcessLauncher({ spawn: watched }).open(twinSetup());
    let lost = 0;
    bench.onLost(() => lost++);
    const pending = bench.runTrial(trial(1, 82)).catch((error: unknown) => error);
    await Promise.all([bench.close(), bench.close()]);
    await bench.close();
    assert.ok(!alive(children[0]?.pid ?? 0));
    await pending;
    await assert.rejects(bench.runTrial(trial(2, 82)), linkError('closed', /closed/));
    assert.equal(lost, 0);
  });

  it('rejects what is pending and tells once when it is killed (kill -9)', async () => {
    const { spawn: watched, children } = spawnWatched();
    const bench = await new RadioProcessLauncher({ spawn: watched }).open(twinSetup({ pace: 'realtime' }));
    const reasons: string[] = [];
    bench.onLost((reason) => reasons.push(reason));
    const pending = [1, 2, 3].map((number) =>
      bench.runTrial({
        ...trial(number, 82),
        bursts: trial(number, 82).bursts.map((burst) => ({ ...burst, leadS: 0.5 })),
      }),
    );
    setTimeout(() => process.kill(children[0]?.pid ?? 0, 'SIGKILL'), 100);
    await Promise.all(pending.map((one) => assert.rejects(one, linkError('process-lost', /SIGKILL/))));
    await until(() => reasons.length > 0, 5000);
    await assert.rejects(bench.runTrial(trial(4, 82)), linkError('process-lost', /ended/));
    await bench.close();
    assert.equal(reasons.length, 1);
    assert.match(reasons[0] ?? '', /^the radio process ended \(SIGKILL\)[^\n]*$/);
    assert.equal(children.length, 1, 'twins vanish with their process: nobody reopens them');
    const late: string[] = [];
    bench.onLost((reason) => late.push(reason));
    assert.deepEqual(late, reasons);
  });

  it('stops transmitting and ends by itself when its host falls silent', async () => {
    const raw = new RawProcess();
    try {
      raw.send({ type: 'open', id: 1, setup: twinSetup({ pace: 'realtime' }) });
      assert.equal((await raw.reply(1)).type, 'opened');
      // Under way for longer than the host lives.
      raw.send({
        type: 'trial',
        id: 2,
        request: { ...trial(1, 82), bursts: trial(1, 82).bursts.map((b) => ({ ...b, leadS: 5 })) },
      });
      raw.fallSilent();
      const silentSince = Date.now();
      const how = await raw.ended;
      assert.ok(Date.now() - silentSince < 5000, 'within seconds');
      assert.match(how, /^exit status/, 'by itself');
      assert.match(raw.replies.find(({ type }) => type === 'stopped')?.reason ?? '', /silent|not fed for 500 ms/);
    } finally {
      await raw.end();
    }
  });

  it('ends when its host is killed (kill -9)', async () => {
    const script = `
      const { RadioProcessLauncher, forkRadioProcess } = require(${JSON.stringify(path.join(__dirname, '../../app/link'))});
      const { twinSetup } = require(${JSON.stringify(path.join(__dirname, 'twin-setup'))});
      let pid;
      new RadioProcessLauncher({ spawn: (file) => { const child = forkRadioProcess(file); pid = child.pid; return child; } })
        .open(twinSetup()).then(() => console.log(pid));`;
    const host = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(host.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    assert.ok(alive(pid));
    host.kill('SIGKILL');
    await until(() => !alive(pid), 5000);
  });

  it('is killed when it hangs, and what is pending rejects', async () => {
    let killed = 0;
    const hanging: SpawnRadioProcess = () => {
      let exit: (how: string) => void = () => undefined;
      return {
        pid: 1,
        send: () => Promise.resolve(true),
        sendUrgent: () => undefined,
        onMessage: () => undefined,
        onExit: (listener) => (exit = listener),
        kill: () => {
          killed++;
          exit('SIGKILL');
        },
        lastOutput: () => 'a vendor says something\nand hangs\n',
      };
    };
    await assert.rejects(
      new RadioProcessLauncher({ spawn: hanging, limitsMs: { open: 200, close: 200 } }).open(twinSetup()),
      linkError('process-lost', /SIGKILL.*did not answer "open" within 0\.2 s and was killed.*and hangs/),
    );
    assert.equal(killed, 1);
  });

  it('is followed, for real radios, by a fresh one that turns their transmitters down, and by no other', async () => {
    const spoken: { type: string; radios?: readonly { serial: string }[] }[][] = [];
    const exits: ((how: string) => void)[] = [];
    // What a process with real radios would answer; this bench may not transmit on real ones yet.
    const pretending: SpawnRadioProcess = () => {
      const heard: (typeof spoken)[number] = [];
      spoken.push(heard);
      let answer: (message: unknown) => void = () => undefined;
      let exit: (how: string) => void = () => undefined;
      return {
        pid: 1,
        send: (message) => {
          const { type, id, radios } = message as { type: string; id: number; radios?: readonly { serial: string }[] };
          heard.push({ type, ...(radios ? { radios } : {}) });
          if (type === 'open') queueMicrotask(() => answer({ type: 'opened', id, radios: [], details: [], mcs: [] }));
          if (type === 'silence') queueMicrotask(() => answer({ type: 'silenced', id, failures: [] }));
          if (type === 'close') queueMicrotask(() => exit('exit status 0'));
          return Promise.resolve(true);
        },
        sendUrgent: () => undefined,
        onMessage: (listener) => (answer = listener),
        onExit: (listener) => {
          exit = listener;
          exits.push(listener);
        },
        kill: () => exit('SIGKILL'),
        lastOutput: () => '',
      };
    };
    const setup: BenchSetup = { ...twinSetup(), air: null, roles: [{ role: 'base', driver: 'hackrf', serial: 'abc' }] };
    const bench = await new RadioProcessLauncher({ spawn: pretending }).open(setup);
    const lost = new Promise<string>((resolve) => bench.onLost(resolve));
    exits[0]?.('SIGSEGV');
    assert.match(await lost, /SIGSEGV/);
    assert.deepEqual(
      spoken.map((heard) => heard.map(({ type }) => type)),
      [['open'], ['silence', 'close']],
    );
    assert.deepEqual(spoken[1]?.[0]?.radios, setup.roles);
  });
});

describe('what a bench refuses', () => {
  const refusals: [string, (setup: BenchSetup) => BenchSetup, string, RegExp][] = [
    [
      'twins beside real radios',
      (s) => ({ ...s, roles: s.roles.map((r) => (r.role === 'text' ? { ...r, driver: 'uhd', serial: '1' } : r)) }),
      'mixed-drivers',
      /roles\.driver: twins beside text: uhd; allowed all twin or all real/,
    ],
    [
      'transmitting on another driver than twin',
      (s) => ({ ...s, air: null, roles: s.roles.map((r) => ({ ...r, driver: 'null', serial: `N-${r.role}` })) }),
      'transmit-refused',
      /transmitting with driver null is refused/,
    ],
    [
      'an unknown serial',
      (s) => ({ ...s, roles: s.roles.map((r) => (r.role === 'audio' ? { ...r, serial: 'TWIN-NOBODY' } : r)) }),
      'not-found',
      /TWIN-NOBODY/,
    ],
    [
      'two radios for one role',
      (s) => ({ ...s, roles: [...s.roles, { role: 'text', driver: 'twin', serial: 'TWIN-X' }] }),
      'bad-setup',
      /roles\.role: "text" twice/,
    ],
    [
      'one radio for two roles',
      (s) => ({ ...s, roles: s.roles.map((r) => ({ ...r, serial: 'TWIN-TEXT' })) }),
      'bad-setup',
      /roles\.serial: .* twice/,
    ],
    ['a bench without a base', (s) => ({ ...s, roles: s.roles.slice(1) }), 'bad-setup', /roles: 0 times "base"/],
    ['twins without air', (s) => ({ ...s, air: null }), 'bad-setup', /air: missing/],
    [
      'a twin without its prefix',
      (s) => ({ ...s, roles: s.roles.map((r) => ({ ...r, serial: `${r.role}` })) }),
      'bad-setup',
      /serial that starts with TWIN-/,
    ],
    [
      'a sample rate that the radio does not do',
      (s) => ({ ...s, sampleRateHz: 100e6 }),
      'out-of-range',
      /sampleRateHz: asked for 100000000, radio TWIN-BASE does 61440000/,
    ],
    [
      'an air that cannot be',
      (s) => ({ ...s, air: s.air && { ...s.air, radios: s.air.radios.map((r) => ({ ...r, clockErrorPpm: 5000 })) } }),
      'out-of-range',
      /clockErrorPpm|clock error/,
    ],
  ];
  for (const [what, change, code, message] of refusals)
    it(what, () => assert.rejects(new RadioProcessLauncher().open(change(twinSetup())), linkError(code, message)));

  it('more trials than it queues', async () => {
    const bench = await new RadioProcessLauncher().open(twinSetup());
    try {
      const outcomes = await Promise.allSettled(
        Array.from({ length: MOST_QUEUED_TRIALS + 3 }, (_, number) => bench.runTrial(trial(number, 82, 1))),
      );
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
      assert.equal(refused.length, 3);
      for (const { reason } of refused) linkError('queue-full', /are queued already/)(reason);
    } finally {
      await bench.close();
    }
  });
});

describe('messages that are not what they should be', () => {
  let raw: RawProcess;
  before(() => {
    raw = new RawProcess();
  });
  after(() => raw.end());

  const tokens = randomTokens('malformed');
  const burst = { user: 'text', sequence: 1, tokens, txGainDb: 1, leadS: 0 };
  const malformed: [string, Record<string, unknown>, RegExp][] = [
    ['no such type', { type: 'dance' }, /type/],
    ['a setup without roles', { type: 'open', setup: { ...twinSetup(), roles: undefined } }, /setup\.roles/],
    [
      'tokens of the wrong size',
      { type: 'trial', request: { trialId: 'x', bursts: [{ ...burst, tokens: { ...tokens, dimension: 63 } }] } },
      /request\.bursts\.0\.tokens\.data: length must be tokens x dimension/,
    ],
    [
      'tokens of the wrong kind',
      {
        type: 'trial',
        request: { trialId: 'x', bursts: [{ ...burst, tokens: { ...tokens, data: new Float64Array(1024) } }] },
      },
      /tokens\.data: must be a Float32Array/,
    ],
    [
      'a gain that is no number',
      { type: 'trial', request: { trialId: 'x', bursts: [{ ...burst, txGainDb: Number.NaN }] } },
      /request\.bursts\.0\.txGainDb/,
    ],
    [
      'a sequence out of range',
      { type: 'trial', request: { trialId: 'x', bursts: [{ ...burst, sequence: 4096 }] } },
      /request\.bursts\.0\.sequence/,
    ],
    ['a trial of nothing', { type: 'trial', request: { trialId: 'x', bursts: [] } }, /request\.bursts/],
  ];
  for (const [index, [what, message, expected]] of malformed.entries())
    it(`refuses ${what} in one line`, async () => {
      raw.send({ ...message, id: 100 + index });
      const reply = await raw.reply(100 + index);
      assert.equal(reply.type, 'refused');
      assert.equal(reply.code, 'malformed-message');
      assert.match(reply.message ?? '', expected);
      assert.ok(!/[\r\n]/.test(reply.message ?? '\n'));
    });

  it('refuses what has no number', async () => {
    raw.send('good day');
    assert.equal((await raw.reply(null)).code, 'malformed-message');
  });

  it('refuses a trial before the radios are open, and more trials than its queue holds', async () => {
    raw.send({ type: 'trial', id: 200, request: { trialId: 'x', bursts: [burst] } });
    assert.equal((await raw.reply(200)).code, 'closed');
    raw.send({ type: 'open', id: 201, setup: twinSetup() });
    assert.equal((await raw.reply(201)).type, 'opened');
    raw.send({ type: 'open', id: 202, setup: twinSetup() });
    assert.equal((await raw.reply(202)).code, 'bad-setup');
    for (let id = 1000; id < 1000 + 2 * MOST_QUEUED_TRIALS; id++)
      raw.send({ type: 'trial', id, request: { trialId: `t${id}`, bursts: [burst] } });
    await raw.reply(1000 + 2 * MOST_QUEUED_TRIALS - 1);
    await until(() => raw.replies.filter(({ id }) => (id ?? 0) >= 1000).length === 2 * MOST_QUEUED_TRIALS, 30_000);
    const codes = new Set(raw.replies.filter(({ id }) => (id ?? 0) >= 1000).map(({ type, code }) => code ?? type));
    assert.ok(codes.has('trial-done'));
    assert.ok([...codes].every((code) => code === 'trial-done' || code === 'queue-full'));
  });

  it('kills a radio process that talks nonsense', async () => {
    const talking: SpawnRadioProcess = (file) => {
      const child = forkRadioProcess(file);
      return {
        ...child,
        onMessage: (listener) =>
          child.onMessage((message) =>
            listener((message as { type: string }).type === 'trial-done' ? { type: 'trial-done', id: 'one' } : message),
          ),
      };
    };
    const bench = await new RadioProcessLauncher({ spawn: talking }).open(twinSetup());
    await assert.rejects(bench.runTrial(trial(1, 82)), linkError('process-lost', /malformed message/));
    await bench.close();
  });
});

describe('a radio process as a servant', () => {
  it('lists radios by driver and says which driver has none', async () => {
    const { radios, failures } = await listRadios(['twin', 'no-such-driver']);
    assert.deepEqual(failures, []);
    assert.deepEqual(radios.map(({ serial }) => serial).sort(), [
      'TWIN-AUDIO',
      'TWIN-BASE',
      'TWIN-TEXT',
      'TWIN-VISUAL',
    ]);
    assert.ok(radios.every(({ driver }) => driver === 'twin'));
  });

  it('turns transmitters down, and says of which it could not', async () => {
    const failures = await silenceRadios([
      { role: 'text', driver: 'twin', serial: 'TWIN-TEXT' },
      { role: 'audio', driver: 'twin', serial: 'TWIN-NOBODY' },
    ]);
    assert.equal(failures.length, 1);
    assert.match(failures[0] ?? '', /^audio \(twin TWIN-NOBODY\): /);
  });
});
