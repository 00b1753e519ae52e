/** A receiver that really falls behind: what its radio process says, and what becomes of the trial. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { SpoiltRecord } from '../../app/config/run-documents';
import { TrialRunner, type AttemptedTrial } from '../../app/experiment/trials';
import { LinkError, RadioProcessLauncher, type Health } from '../../app/link';
import { SNR_MINUS_GAIN_DB, trial, twinSetup } from './twin-setup';

/** Each shorter than the silence that ends a radio process; together they put the receiver 0.5 s behind. */
const STOPPED_MS = 330;
const STOPS = 5;
/**
 * Between stops, by try. On an idle machine a receiver that goes on for long catches up; on a busy one a process that
 * goes on for too short a time may not hear its host: then it ends, as it must, and nothing is learnt.
 */
const GOING_MS = [30, 15, 8, 4, 2, 30, 15, 8, 4];

interface Outcome {
  readonly attempted: AttemptedTrial;
  readonly spoilt: readonly SpoiltRecord[];
  readonly healths: readonly Health[];
}

/** One trial of 2 s of air in real time, whose radio process is stopped again and again during its first attempt. */
async function trialWithStops(goingMs: number): Promise<Outcome> {
  const bench = await new RadioProcessLauncher().open(twinSetup({ pace: 'realtime' }));
  const spoilt: SpoiltRecord[] = [];
  const healths: Health[] = [];
  bench.observe?.({ view: () => undefined, health: (health) => healths.push(health) });
  try {
    const runner = new TrialRunner(bench, {
      now: Date.now,
      recorder: {
        record: (record) => {
          if (record.kind === 'spoilt') spoilt.push(record);
          return Promise.resolve();
        },
        reference: () => Promise.resolve(),
        csi: () => undefined,
        views: () => undefined,
      },
    });
    const { bursts, ...request } = trial(1, 20 - SNR_MINUS_GAIN_DB);
    const attempting = runner.run({ ...request, bursts: bursts.map((burst) => ({ ...burst, leadS: 0.65 })) });
    attempting.catch(() => undefined);
    await pause(100);
    for (let stop = 0; stop < STOPS; stop++) {
      process.kill(bench.pid as number, 'SIGSTOP');
      await pause(STOPPED_MS);
      process.kill(bench.pid as number, 'SIGCONT');
      await pause(goingMs);
    }
    const attempted = await attempting;
    await pause(300); // faults go out together, 0.2 s after the first
    return { attempted, spoilt, healths };
  } finally {
    await bench.close();
  }
}

describe('an overflow on its way from the receiver to the run', () => {
  it('spoils its trial, which is sent again under its id, and is counted and told', async function () {
    this.timeout(100_000);
    let outcome: Outcome | null = null;
    for (const goingMs of GOING_MS) {
      if (outcome?.attempted.result.valid && outcome.spoilt.length > 0) break;
      try {
        outcome = await trialWithStops(goingMs);
      } catch (error) {
        assert.ok(
          error instanceof LinkError && ['process-lost', 'transmit-disabled', 'closed'].includes(error.code),
          String(error),
        );
      }
    }
    assert.ok(outcome !== null, 'the radio process heard its host in none of the tries');
    const { attempted, spoilt, healths } = outcome;
    assert.ok(spoilt.length > 0, 'no attempt was spoilt');
    const [first] = spoilt;
    assert.equal(first?.id, 'trial 1');
    const overflow = first.events.find(({ kind }) => kind === 'overflow');
    assert.deepEqual([overflow?.serial, overflow?.direction], ['TWIN-BASE', 'rx']);
    assert.equal(attempted.attempts, spoilt.length + 1);
    assert.equal(attempted.result.trialId, 'trial 1');
    assert.ok(attempted.result.valid, 'the repeated trial counts');
    assert.ok(attempted.result.bursts.every(({ headerOk }) => headerOk));
    const base = healths.at(-1)?.radios.find(({ serial }) => serial === 'TWIN-BASE');
    assert.ok((base?.faults.overflow ?? 0) > 0);
    assert.ok(healths.some(({ events }) => events.some(({ kind }) => kind === 'overflow')));
  });
});
