/** The addon: where it is found, what it refuses, several environments, and its dead-man's switch. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import {
  findRadios,
  loadNative,
  nativeFolder,
  openRadio,
  RadioError,
  twinEnvironment,
  type BurstReceiver,
  type BurstTransmitter,
  type OutgoingBurst,
  type RadioDevice,
} from '../../drivers/radio';
import { randomTokens, relativeError, twinSetup } from '../link/twin-setup';
import { radioError } from './contract';

const drivers = path.join(__dirname, '../../drivers/radio/index.js');

function burst(sequence: number, startNs: number | null, tokens = 16, dimension = 64): OutgoingBurst {
  const matrix = randomTokens(`${sequence}`, tokens, dimension);
  return { ...matrix, user: 2, sequence, startNs };
}

async function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describe('the addon', () => {
  it('says its versions', () => {
    const { soapySdr, nodeApi } = loadNative().versions();
    assert.match(soapySdr.library, /^0\.\d+/);
    assert.equal(nodeApi, 8);
  });

  it('is missed in one line that says what to do', async () => {
    const script = `require(${JSON.stringify(drivers)}).findRadios('twin').catch((e) => console.log(JSON.stringify([e.code, e.message])))`;
    const env = { ...process.env, OTABENCH_NATIVE_DIR: '/no/such/folder' };
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { env });
    const [code, message] = JSON.parse(stdout) as [string, string];
    assert.equal(code, 'native-missing');
    assert.equal(message, '/no/such/folder/otabench.node is missing: run scripts/setup');
  });

  it('tells other programs where the twins are', () => {
    const folder = twinEnvironment()['SOAPY_SDR_PLUGIN_PATH'];
    assert.ok(folder !== undefined && existsSync(folder));
  });

  it('finds twins by driver, and searches for nothing without one', async () => {
    const found = await findRadios('twin');
    assert.ok(found.some(({ serial }) => serial === 'TWIN-BASE'));
    assert.ok(found.every(({ driver, label }) => driver === 'twin' && label !== ''));
    await assert.rejects(findRadios(''), radioError('out-of-range', /driver/));
  });

  it('refuses a serial that is not there and a radio that answers to another', async () => {
    await assert.rejects(openRadio({ driver: 'twin', serial: 'TWIN-NOBODY' }), radioError('not-found', /TWIN-NOBODY/));
    await assert.rejects(openRadio({ driver: 'null', serial: 'X' }), radioError('wrong-device', /asked for X/));
    await assert.rejects(openRadio({ driver: '' }), radioError('out-of-range', /driver/));
  });

  it('refuses to transmit on any driver but twin, in the addon as well as before it', async () => {
    const native = await loadNative().openDevice({ driver: 'null' });
    try {
      assert.equal(native.mayTransmit, false);
      await assert.rejects(
        native.startTransmitter({ sampleRateHz: 5e6 }, () => undefined),
        (error: unknown) => {
          assert.equal(RadioError.from(error).code, 'transmit-refused');
          return true;
        },
      );
    } finally {
      await native.close();
    }
    const radio = await openRadio({ driver: 'null' });
    await assert.rejects(radio.startTransmitter({ sampleRateHz: 5e6 }), radioError('transmit-refused', /driver null/));
    await radio.close();
    assert.equal(loadNative().driverMayTransmit('twin'), true);
    for (const driver of ['hackrf', 'uhd', 'remote', 'null', 'TWIN', ''])
      assert.equal(loadNative().driverMayTransmit(driver), false);
  });

  it('refuses arguments in one line with the field', () => {
    const native = loadNative();
    const { air } = twinSetup();
    assert.ok(air !== null);
    assert.throws(
      () => native.medium.configure({ ...air, seed: 1, radios: air.radios.map((r) => ({ ...r, noiseFigureDb: -1 })) }),
      (error: unknown) => {
        assert.equal(RadioError.from(error).code, 'out-of-range');
        assert.match((error as Error).message, /^[^\n]*noiseFigureDb[^\n]*$/);
        return true;
      },
    );
    assert.throws(() => native.burstLayout({ tokens: 0, dimension: 64 }), /tokens is 0; allowed: 1 to 1023/);
  });

  it('loads in a worker thread, again in another, and beside itself in this one', async () => {
    const script = `
      const { parentPort } = require('node:worker_threads');
      const { findRadios, openRadio } = require(${JSON.stringify(drivers)});
      (async () => {
        const found = await findRadios('twin');
        const radio = await openRadio({ driver: 'twin', serial: 'TWIN-AUDIO' });
        await radio.setSampleRateHz('rx', 5e6);
        const receiver = await radio.startReceiver({ sampleRateHz: 5e6, centerFrequencyHz: 2.45e9 });
        // Left open on purpose: the environment's end must close it, or the next worker cannot open it.
        parentPort.postMessage(found.length);
      })().catch((error) => parentPort.postMessage(error.message));`;
    for (let round = 0; round < 3; round++) {
      const worker = new Worker(script, { eval: true });
      const answer = await new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
      assert.equal(answer, 4);
      await worker.terminate();
    }
    const file = path.join(nativeFolder(), 'otabench.node');
    const again = { exports: {} } as NodeJS.Module;
    process.dlopen(again, file);
    const second = again.exports as ReturnType<typeof loadNative>;
    assert.notEqual(second, loadNative());
    assert.deepEqual(second.versions(), loadNative().versions());
    // State is one for each load: arming one arms nothing else.
    second.armWatchdog();
    assert.equal(second.watchdogState().state, 'armed');
    assert.notEqual(loadNative().watchdogState().state, 'armed');
    second.tripWatchdog('end of the test');
  });
});

describe('streams of a twin', () => {
  const native = loadNative();
  let base: RadioDevice;
  let user: RadioDevice;
  let receiver: BurstReceiver;
  let transmitter: BurstTransmitter;

  async function openBoth(pace: 'free' | 'realtime'): Promise<void> {
    const { air, seed } = twinSetup({ pace });
    assert.ok(air !== null);
    native.medium.configure({ ...air, seed });
    base = await openRadio({ driver: 'twin', serial: 'TWIN-BASE' });
    user = await openRadio({ driver: 'twin', serial: 'TWIN-TEXT' });
    await base.setSampleRateHz('rx', 5e6);
    await base.setCenterFrequencyHz('rx', 2.45e9);
    await base.setGainDb('rx', 30);
    await user.setSampleRateHz('tx', 5e6);
    await user.setCenterFrequencyHz('tx', 2.45e9);
    await user.setGainDb('tx', 82);
    receiver = await base.startReceiver({ sampleRateHz: 5e6, centerFrequencyHz: 2.45e9 });
    transmitter = await user.startTransmitter({ sampleRateHz: 5e6 });
  }

  afterEach(async () => {
    native.setTripListener(null);
    native.tripWatchdog('end of the test');
    await Promise.all([base.close(), user.close()]);
  });

  it('carry a burst from one to the other', async () => {
    await openBoth('free');
    native.armWatchdog();
    native.medium.beginTrial('one');
    const out = burst(5, 1e6);
    const sent = await transmitter.send(out);
    assert.equal(sent.startNs, 1e6);
    native.medium.grantUntilNs((sent.endNs ?? 0) + 1e6);
    const { bursts, events } = await receiver.collect({ afterEpoch: 0, timeNs: sent.endNs ?? 0, timeoutMs: 10_000 });
    assert.deepEqual(events, []);
    assert.equal(bursts.length, 1);
    const [got] = bursts;
    assert.ok(got?.headerOk && got.data !== null);
    assert.deepEqual([got.user, got.sequence, got.tokens, got.dimension], [2, 5, 16, 64]);
    assert.ok(relativeError(out, { data: got.data, tokens: 16, dimension: 64 }) < 0.02);
    assert.equal(await transmitter.flush(5000), 0);
  });

  it('report a late burst', async () => {
    await openBoth('free');
    native.armWatchdog();
    native.medium.beginTrial('late');
    native.medium.grantUntilNs(5e6);
    await receiver.collect({ afterEpoch: 0, timeNs: 4.9e6, timeoutMs: 10_000 });
    await transmitter.send(burst(1, 1e6));
    assert.equal(await transmitter.flush(5000), 0);
    const [late] = transmitter.drainEvents();
    assert.equal(late?.kind, 'late');
    assert.equal(late.direction, 'tx');
    assert.equal(late.serial, 'TWIN-TEXT');
  });

  it('refuse bursts that cannot be', async () => {
    await openBoth('free');
    native.armWatchdog();
    const good = burst(1, 1e6);
    for (const [change, message] of [
      [{ data: new Float32Array(3) }, /token/],
      [{ data: new Float32Array(1024).fill(Number.NaN) }, /token/],
      [{ data: new Float32Array(1024).fill(Number.NEGATIVE_INFINITY) }, /token/],
      [{ data: new Float32Array(1024) }, /tokens.*all zero/],
      [{ sequence: 4096 }, /sequence is 4096/],
      [{ user: 16 }, /user is 16/],
      [{ tokens: 1.5 }, /tokens is 1\.5/],
    ] as const)
      await assert.rejects(transmitter.send({ ...good, ...change }), radioError('out-of-range', message));
  });

  it('stop in the middle when the watchdog is not fed, and do not resume by themselves', async () => {
    await openBoth('realtime');
    const trips: string[] = [];
    native.setTripListener((reason) => trips.push(reason));
    const first = burst(0, 50e6, 1023, 190);
    const long = Array.from({ length: 60 }, (_, index) => ({ ...first, startNs: index === 0 ? first.startNs : null }));
    native.medium.beginTrial('silence');
    native.armWatchdog();
    const outcomes = await Promise.allSettled(long.map((one) => transmitter.send(one)));
    assert.ok(outcomes.some(({ status }) => status === 'fulfilled'));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    assert.ok(refused.length > 0);
    for (const { reason } of refused) radioError('transmit-disabled')(reason);
    for (let i = 0; i < 200 && (trips.length === 0 || (await user.gainDb('tx')) > 0); i++) await sleep(20);
    assert.deepEqual(trips, ['not fed for 500 ms']);
    assert.equal(await user.gainDb('tx'), 0);
    assert.equal(native.watchdogState().state, 'tripped');
    // A sign of life does not bring transmission back, arming does.
    native.feedWatchdog();
    await assert.rejects(transmitter.send(burst(1, null)), radioError('transmit-disabled', /tripped \(not fed/));
    native.armWatchdog();
    await transmitter.send(burst(1, null));
  });

  it('refuse more than their queue holds, and settle everything when the radio is closed', async () => {
    await openBoth('realtime');
    const first = burst(0, 300e6, 1023, 190);
    const long = Array.from({ length: 90 }, (_, index) => ({ ...first, startNs: index === 0 ? first.startNs : null }));
    native.medium.beginTrial('queue');
    native.armWatchdog();
    const outcomes = Promise.allSettled(long.map((one) => transmitter.send(one)));
    await user.close();
    const codes = new Set(
      (await outcomes).map((outcome) =>
        outcome.status === 'fulfilled' ? 'sent' : (outcome.reason as RadioError).code,
      ),
    );
    assert.ok(codes.has('queue-full'));
    assert.ok(codes.has('closed'));
  });
});
