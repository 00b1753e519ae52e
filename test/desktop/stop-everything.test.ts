/** Stop-everything without Electron: who is told, and when a process is told itself. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { HostEvent } from '../../app/ipc/host-messages';
import { StopEverything } from '../../app/main/stop-everything';

const started: HostEvent = {
  type: 'run-started',
  run: 'r',
  name: 'n',
  trialsTotal: 1,
  radios: [],
  simulated: true,
  radioPids: [4711],
};
const finished: HostEvent = {
  type: 'run-finished',
  run: 'r',
  outcome: 'stopped',
  message: null,
  reportFile: null,
  wallS: 1,
};

describe('stop everything', () => {
  let told: string[];
  let stop: StopEverything;
  beforeEach(() => {
    told = [];
    stop = new StopEverything(
      () => told.push('stop-run'),
      (pid) => told.push(`SIGTERM ${pid}`),
    );
  });

  it('tells the host at once, and the radio process where the host does nothing', async () => {
    stop.hostSaid(started);
    stop.stop();
    assert.deepEqual(told, ['stop-run']);
    await pause(150);
    assert.deepEqual(told, ['stop-run', 'SIGTERM 4711']);
  });

  it('leaves a process alone that the host has ended meanwhile', async () => {
    stop.hostSaid(started);
    stop.stop();
    stop.hostSaid(finished);
    await pause(150);
    assert.deepEqual(told, ['stop-run']);
  });

  const progress = {
    run: 'r',
    pause: 'no',
    trialsDone: 1,
    trialsTotal: 1,
    questionsPerSecond: 1,
    remainingS: null,
  } as const;
  for (const [what, end] of [
    [
      'a run without radios left',
      () => stop.hostSaid({ type: 'progress', phase: 'references', transmitting: false, ...progress }),
    ],
    ['a finished run', () => stop.hostSaid(finished)],
    ['a host that is gone', () => stop.hostEnded()],
  ] as const)
    it(`knows no process after ${what}: the number may be another's`, async () => {
      stop.hostSaid(started);
      end();
      stop.stop();
      await pause(150);
      assert.deepEqual(told, ['stop-run']);
    });
});
