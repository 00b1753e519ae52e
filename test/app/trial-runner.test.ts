import assert from 'node:assert/strict';
import { TrialRunner } from '../../app/experiment/trials';
import type { Bench, TrialResult } from '../../app/link/types';

describe('trials on their way to the radio process', () => {
  it('are few at a time, in order, and one that fails holds up nobody', async () => {
    let open = 0;
    let most = 0;
    const order: string[] = [];
    const runTrial = async ({ trialId }: { trialId: string }): Promise<TrialResult> => {
      order.push(trialId);
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 1));
      open--;
      if (trialId === '7') throw new Error('lost');
      return { trialId, bursts: [], events: [], airTimeS: 0, valid: true };
    };
    const bench: Bench = { radios: [], mcs: [], runTrial, close: () => Promise.resolve(), onLost: () => undefined };
    const runner = new TrialRunner(bench, {
      now: () => 0,
      recorder: {
        record: () => Promise.resolve(),
        reference: () => Promise.resolve(),
        csi: () => undefined,
        views: () => undefined,
      },
    });
    const ids = Array.from({ length: 100 }, (_, i) => String(i));
    const outcomes = await Promise.allSettled(ids.map(async (trialId) => runner.run({ trialId, bursts: [] })));
    assert.deepEqual(order, ids);
    assert.equal(most, 12);
    assert.deepEqual(
      outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : [])),
      [7],
    );
  });
});
