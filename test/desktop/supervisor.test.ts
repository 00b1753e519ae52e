import assert from 'node:assert/strict';
import type { HostState } from '../../app/ipc/desktop-messages';
import type { HostCommand, HostEvent } from '../../app/ipc/host-messages';
import { HostSupervisor, type HostProcessListener, type SupervisorTimes } from '../../app/main/host-supervisor';

const times: SupervisorTimes = {
  checkEveryMs: 5,
  silentAfterMs: 100,
  killAfterMs: 1_500,
  startSilentAfterMs: 3_000,
  startKillAfterMs: 5_000,
  restartDelayMs: 5,
  restartWindowMs: 60_000,
  maxRestarts: 3,
  shutdownLimitMs: 80,
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for what must come; how long that takes on a busy machine is not the point. */
async function until(condition: () => boolean): Promise<void> {
  const limitMs = Date.now() + 10_000;
  while (!condition()) {
    assert.ok(Date.now() < limitMs, `never came true: ${condition.toString()}`);
    await pause(2);
  }
}

/** A host process in name only: a test speaks for it. */
class Bench {
  readonly states: HostState[] = [];
  readonly events: HostEvent[] = [];
  readonly refusals: string[] = [];
  readonly commands: HostCommand[] = [];
  launches = 0;
  kills = 0;
  /** Like SIGKILL: the process is gone at once. */
  private listener: HostProcessListener | null = null;

  readonly supervisor = new HostSupervisor<never>(
    (listener) => {
      this.launches += 1;
      this.listener = listener;
      const pid = 1000 + this.launches;
      return {
        pid,
        post: (command) => this.commands.push(command),
        kill: () => {
          this.kills += 1;
          this.exit(137);
        },
      };
    },
    {
      onState: (state) => this.states.push(state),
      onEvent: (event) => this.events.push(event),
      onRefused: (reason) => this.refusals.push(reason),
      onSpawn: () => undefined,
    },
    times,
  );

  start(): void {
    this.supervisor.start();
    this.say({ type: 'ready', version: 'test', pid: 1 });
  }

  say(message: unknown): void {
    this.listener?.onMessage(message);
  }

  heartbeat(): void {
    this.say({ type: 'heartbeat', sentAtMs: 0 });
  }

  exit(code: number): void {
    this.listener?.onExit(code);
  }

  get phase(): HostState['phase'] {
    return this.supervisor.state.phase;
  }
}

describe('host supervisor', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(async () => {
    await bench.supervisor.shutdown();
  });

  async function crashUntilLeftOff(): Promise<void> {
    for (let launch = 1; launch <= 1 + times.maxRestarts; launch += 1) {
      await until(() => bench.launches === launch);
      bench.exit(9);
    }
  }

  it('is ready once the host says so', () => {
    bench.supervisor.start();
    assert.equal(bench.phase, 'starting');
    bench.say({ type: 'ready', version: 'test', pid: 1 });
    assert.equal(bench.phase, 'ready');
    assert.equal(bench.supervisor.state.pid, 1001);
  });

  it('reports a silent host and takes it back when it is heard again', async () => {
    bench.start();
    await until(() => bench.phase === 'silent');
    assert.match(bench.supervisor.state.message ?? '', /has not answered/);
    bench.heartbeat();
    assert.equal(bench.phase, 'ready');
    assert.equal(bench.supervisor.state.message, null);
    assert.equal(bench.kills, 0);
  });

  it('kills a host that stays silent, starts another and starts no run', async () => {
    bench.start();
    await until(() => bench.launches === 2);
    assert.equal(bench.kills, 1);
    const ended = bench.states.find((state) => state.phase === 'ended');
    assert.match(ended?.message ?? '', /did not answer for .* and was ended/);
    assert.deepEqual(bench.commands, []);
  });

  it('waits longer for a host that said it would be busy', async () => {
    bench.start();
    bench.say({ type: 'busy', what: 'loading models', expectedS: 0.5 });
    const busyAtMs = Date.now();
    bench.heartbeat();
    assert.equal(bench.phase, 'busy');
    await until(() => bench.phase === 'silent');
    assert.ok(Date.now() - busyAtMs >= 500);
  });

  it('restarts a crashed host three times within the minute, then leaves it off', async () => {
    bench.start();
    await crashUntilLeftOff();
    assert.equal(bench.phase, 'failed');
    assert.equal(bench.launches, 4);
    assert.match(bench.supervisor.state.message ?? '', /exit code 9/);
    await pause(50);
    assert.equal(bench.launches, 4);
  });

  it('starts a host that was left off when the user asks, with a new count', async () => {
    bench.start();
    await crashUntilLeftOff();
    bench.supervisor.restart();
    bench.say({ type: 'ready', version: 'test', pid: 1 });
    assert.equal(bench.phase, 'ready');
    assert.equal(bench.supervisor.state.restarts, 0);
  });

  it('refuses malformed messages, names the field, and passes nothing on', () => {
    bench.start();
    bench.say({ type: 'progress', run: 'r', trialsDone: -1, trialsTotal: 3, questionsPerSecond: 1, remainingS: null });
    bench.say('ready');
    bench.say(null);
    assert.equal(bench.refusals.length, 3);
    assert.match(bench.refusals[0] ?? '', /phase/);
    assert.deepEqual(
      bench.events.map((event) => event.type),
      ['ready'],
    );
  });

  it('shuts down with a command, and with a kill where the command is not obeyed', async () => {
    bench.start();
    const ending = bench.supervisor.shutdown();
    assert.deepEqual(bench.commands, [{ type: 'shutdown' }]);
    assert.equal(bench.phase, 'stopping');
    await ending;
    assert.equal(bench.kills, 1);
    assert.equal(bench.launches, 1);
  });

  it('needs no kill when the host obeys the shutdown command', async () => {
    bench.start();
    const ending = bench.supervisor.shutdown();
    bench.exit(0);
    await ending;
    assert.equal(bench.kills, 0);
    bench.supervisor.restart();
    assert.equal(bench.launches, 1);
  });

  it('forgets a planned restart when it is shut down meanwhile', async () => {
    bench.start();
    bench.exit(9);
    await bench.supervisor.shutdown();
    await pause(30);
    assert.equal(bench.launches, 1);
  });
});
