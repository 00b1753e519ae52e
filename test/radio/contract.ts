/** What every RadioDevice must do. Run against twins and, where OTABENCH_TEST_RADIO names one, against hardware. */
import assert from 'node:assert/strict';
import { RadioError, type BurstReceiver, type RadioDevice } from '../../drivers/radio';

export function radioError(code: string, message?: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof RadioError, String(error));
    assert.equal(error.code, code, error.message);
    if (message) assert.match(error.message, message);
    assert.ok(!/[\r\n]/.test(error.message));
    return true;
  };
}

const RATE_HZ = 5e6;
const FREQUENCY_HZ = 2.45e9;

/**
 * Declares the suite. Nothing in it transmits.
 * @param open opens the radio anew; its clock must run by itself
 */
export function describeRadioContract(title: string, expectedSerial: string, open: () => Promise<RadioDevice>): void {
  describe(title, () => {
    let radio: RadioDevice;
    beforeEach(async () => {
      radio = await open();
    });
    afterEach(() => radio.close());

    it('is the one that was asked for, and says what it can do', () => {
      assert.equal(radio.serial, expectedSerial);
      assert.notEqual(radio.driver, '');
      assert.notEqual(radio.hardware, '');
      const { rx, tx } = radio.capabilities;
      assert.ok(rx.channels + tx.channels > 0);
      for (const channel of [rx, tx])
        if (channel.channels > 0) {
          assert.ok(channel.gainRangeDb.max >= channel.gainRangeDb.min);
          assert.ok(channel.formats.length > 0);
          assert.ok(channel.sampleRateRangesHz.some(({ min, max }) => min <= RATE_HZ && max >= RATE_HZ));
          assert.ok(channel.frequencyRangesHz.some(({ min, max }) => min <= FREQUENCY_HZ && max >= FREQUENCY_HZ));
        }
    });

    it('does the default rate and frequency, and its setters answer with what was achieved', async () => {
      const rate = await radio.setSampleRateHz('rx', RATE_HZ);
      assert.equal(rate.requested, RATE_HZ);
      assert.ok(Math.abs(rate.actual / RATE_HZ - 1) < 1e-7);
      assert.equal(await radio.sampleRateHz('rx'), rate.actual);
      const frequency = await radio.setCenterFrequencyHz('rx', FREQUENCY_HZ);
      assert.ok(Math.abs(frequency.actual - frequency.requested) < 1000);
      assert.equal(await radio.centerFrequencyHz('rx'), frequency.actual);
    });

    it('clamps a gain beyond its range and says so', async () => {
      const { max, min } = radio.capabilities.rx.gainRangeDb;
      const high = await radio.setGainDb('rx', max + 100);
      assert.deepEqual(high, { requested: max + 100, actual: await radio.gainDb('rx') });
      assert.ok(high.actual <= max);
      const low = await radio.setGainDb('rx', min);
      assert.ok(low.actual <= high.actual);
    });

    it('runs its setters one after another, however many are asked for at once', async () => {
      const { min } = radio.capabilities.rx.gainRangeDb;
      await Promise.all(Array.from({ length: 50 }, () => radio.setGainDb('rx', min)));
      assert.equal(await radio.gainDb('rx'), (await radio.setGainDb('rx', min)).actual);
    });

    it('has hardware time that goes on, or says that it has none', async () => {
      const first = await radio.hardwareTimeNs();
      assert.equal(first !== null, radio.capabilities.hardwareTime);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const second = await radio.hardwareTimeNs();
      if (first !== null && second !== null) assert.ok(second > first);
    });

    it('receives, tells how far it has got, and stops', async () => {
      const receiver = await startReceiver(radio);
      const { epoch, processedUntilNs } = await receiver.collect({ afterEpoch: 0, timeNs: 0, timeoutMs: 10_000 });
      assert.equal(epoch, 1);
      const laterNs = processedUntilNs + 50e6;
      const later = await receiver.collect({ afterEpoch: 0, timeNs: laterNs, timeoutMs: 10_000 });
      assert.ok(later.processedUntilNs >= laterNs);
      await assert.rejects(receiver.collect({ afterEpoch: 1, timeNs: 0, timeoutMs: 50 }), radioError('timed-out'));
      const waiting = assert.rejects(
        receiver.collect({ afterEpoch: 1, timeNs: 0, timeoutMs: 10_000 }),
        radioError('closed'),
      );
      await assert.rejects(receiver.collect({ afterEpoch: 1, timeNs: 0, timeoutMs: 1 }), radioError('queue-full'));
      await receiver.stop();
      await waiting;
      await receiver.stop();
      await assert.rejects(receiver.collect({ afterEpoch: 0, timeNs: 0, timeoutMs: 1000 }), radioError('closed'));
    });

    it('can be started again after it was stopped', async () => {
      for (let round = 0; round < 3; round++) {
        const receiver = await startReceiver(radio);
        await receiver.collect({ afterEpoch: 0, timeNs: 0, timeoutMs: 10_000 });
        await receiver.stop();
      }
    });

    it('can be closed in mid-stream; who waits is told, and every later call says that it is closed', async () => {
      const receiver = await startReceiver(radio);
      await receiver.collect({ afterEpoch: 0, timeNs: 0, timeoutMs: 10_000 });
      const waiting = assert.rejects(
        receiver.collect({ afterEpoch: 0, timeNs: 1e15, timeoutMs: 10_000 }),
        radioError('closed', /receive stream has ended/),
      );
      await Promise.all([radio.close(), radio.close()]);
      await waiting;
      await assert.rejects(radio.gainDb('rx'), radioError('closed'));
      await assert.rejects(startReceiver(radio), radioError('closed'));
      await receiver.stop();
    });

    it('turns its transmit gain down when it is silenced', async function () {
      if (radio.capabilities.tx.channels === 0) return this.skip();
      await radio.silence();
      assert.equal(await radio.gainDb('tx'), radio.capabilities.tx.gainRangeDb.min);
    });

    it('does not transmit unless its driver may and the watchdog allows it', async function () {
      if (radio.capabilities.tx.channels === 0) return this.skip();
      if (!radio.mayTransmit) {
        await assert.rejects(radio.startTransmitter({ sampleRateHz: RATE_HZ }), radioError('transmit-refused'));
        return;
      }
      assert.equal(radio.driver, 'twin');
      const transmitter = await radio.startTransmitter({ sampleRateHz: RATE_HZ });
      const burst = {
        data: new Float32Array(64).fill(1),
        tokens: 1,
        dimension: 64,
        user: 0,
        sequence: 0,
        startNs: null,
      };
      await assert.rejects(transmitter.send(burst), radioError('transmit-disabled', /watchdog/));
    });
  });
}

async function startReceiver(radio: RadioDevice): Promise<BurstReceiver> {
  await radio.setSampleRateHz('rx', RATE_HZ);
  return radio.startReceiver({ sampleRateHz: RATE_HZ, centerFrequencyHz: FREQUENCY_HZ });
}
