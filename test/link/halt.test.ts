/** Stop-everything at the medium: what twins have on the air before a halt, and 200 ms after it. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { HEARTBEAT_MS } from '../../app/ipc/radio-messages';
import { forkRadioProcess } from '../../app/link';
import { randomTokens, trial, twinSetup } from './twin-setup';

/** By what time after stop-everything no transmitter may be heard any more. */
const SILENT_AFTER_MS = 200;
/** 32 ms on the air each. */
const LONG_TOKENS = randomTokens('halt', 1023, 190);
const BURSTS = 60;

interface Probed {
  readonly type: string;
  readonly id?: number | null;
  readonly onAirSamples: number;
  readonly watchdog: string;
}

describe('a halt', () => {
  const heard: Probed[] = [];
  let child: ReturnType<typeof forkRadioProcess>;
  let ended: string | null = null;
  let heartbeat: NodeJS.Timeout;
  before(() => {
    // Not while the file is loaded: without a heartbeat it would have ended long before its turn.
    child = forkRadioProcess(path.join(__dirname, 'probe-process.js'));
    child.onMessage((message) => heard.push(message as Probed));
    child.onExit((how) => (ended = how));
    heartbeat = setInterval(() => child.sendUrgent({ type: 'heartbeat' }), HEARTBEAT_MS);
  });
  after(() => {
    clearInterval(heartbeat);
    child.kill();
  });

  async function next(type: string): Promise<Probed> {
    for (;;) {
      const at = heard.findIndex((message) => message.type === type);
      if (at >= 0) return heard.splice(at, 1)[0] as Probed;
      assert.equal(ended, null, `the radio process ended; it said ${JSON.stringify(heard)}`);
      await pause(5);
    }
  }
  async function probe(): Promise<Probed> {
    child.sendUrgent({ type: 'probe' });
    return next('probed');
  }

  it(`takes twins off the air for good within ${SILENT_AFTER_MS} ms, past trials that are queued`, async () => {
    await child.send({ type: 'open', id: 1, setup: twinSetup({ pace: 'realtime' }) });
    await next('opened');
    const bursts = trial(1, 82).bursts.slice(0, 1);
    for (let id = 2; id < 5; id++)
      await child.send({
        type: 'trial',
        id,
        request: {
          trialId: `long ${id}`,
          bursts: Array.from({ length: BURSTS }, (_, index) => ({
            ...bursts[0],
            tokens: LONG_TOKENS,
            // Time to make them all, so that none is late on a busy machine.
            leadS: index === 0 ? 2 : 0,
          })),
        },
      });
    // On the air, and again: a probe takes what the medium holds, and the transmitter goes on.
    for (let times = 0; times < 2;) {
      const { onAirSamples, watchdog } = await probe();
      assert.equal(watchdog, 'armed');
      if (onAirSamples > 0) times++;
      // A probe is refused too, being no command: without an id.
      const over = heard.filter(({ type, id }) => type === 'trial-done' || (type === 'refused' && id !== null));
      assert.deepEqual(over, [], 'a trial ended with nothing on the air');
      await pause(5);
    }
    child.sendUrgent({ type: 'halt' });
    await pause(SILENT_AFTER_MS);
    await probe();
    for (let times = 0; times < 10; times++) {
      await pause(20);
      const { onAirSamples, watchdog } = await probe();
      assert.equal(watchdog, 'tripped');
      assert.equal(onAirSamples, 0);
    }
  });
});
