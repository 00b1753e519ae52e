/** What carries messages between host and radio process: cut anywhere, never starving, never hoarding. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { forkRadioProcess, type SpawnedProcess } from '../../app/link';
import { FrameReader, frameOf, MessagePipe, MOST_MESSAGE_BYTES } from '../../app/ipc/message-pipe';

const echoModule = path.join(__dirname, 'echo-process.js');
const ignore = { message: () => undefined, malformed: () => undefined };

/** Both ends of a socket. */
async function socketPair(): Promise<{ ends: [net.Socket, net.Socket]; close: () => void }> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-pipe-'));
  const server = net.createServer({ pauseOnConnect: true }).listen(path.join(folder, 'socket'));
  await once(server, 'listening');
  const near = net.connect(path.join(folder, 'socket'));
  const [far] = (await once(server, 'connection')) as [net.Socket];
  return {
    ends: [near, far],
    close: () => {
      for (const end of [near, far]) end.destroy();
      server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

describe('frames', () => {
  const messages = [{ n: 1, data: Float32Array.of(1.5, -2), gone: undefined }, 'two', { n: 3, of: [1, 2, 3] }];
  const stream = Buffer.concat(messages.map(frameOf));

  it('come out whole wherever the stream is cut in two, in the length too', () => {
    const whole = new FrameReader().push(stream).map(String);
    assert.equal(whole.length, 3);
    for (let cut = 0; cut <= stream.length; cut++) {
      const reader = new FrameReader();
      const frames = [...reader.push(stream.subarray(0, cut)), ...reader.push(stream.subarray(cut))];
      assert.deepEqual(frames.map(String), whole, `cut after ${cut} bytes`);
    }
  });

  it('come out whole byte by byte', () => {
    const reader = new FrameReader();
    const frames = [...stream].flatMap((byte) => reader.push(Buffer.of(byte)));
    assert.equal(frames.length, 3);
  });

  it('over the limit are refused on both sides', () => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(MOST_MESSAGE_BYTES + 1);
    assert.throws(() => new FrameReader().push(length), /a message of 67108865 bytes; allowed 67108864/);
    assert.throws(() => frameOf(new Uint8Array(MOST_MESSAGE_BYTES)), /bytes; allowed 67108864/);
  });
});

describe('a message pipe', () => {
  let pair: Awaited<ReturnType<typeof socketPair>>;
  beforeEach(async () => {
    pair = await socketPair();
  });
  afterEach(() => pair.close());

  it('keeps typed arrays, undefined and order', async () => {
    const [near, far] = pair.ends;
    const got: unknown[] = [];
    const all = new Promise<void>((resolve) => {
      new MessagePipe(far, { ...ignore, message: (message) => void (got.push(message) === 2 && resolve()) });
    });
    far.resume();
    const sender = new MessagePipe(near, ignore);
    const sent = [{ data: Float32Array.of(1, Number.NaN), of: undefined }, { data: Int16Array.of(-3) }];
    assert.deepEqual(await Promise.all(sent.map((message) => sender.send(message))), [true, true]);
    await all;
    assert.deepEqual(got, sent);
  });

  it('holds messages, not bytes, while nobody reads, and delivers all of them later', async () => {
    const [near, far] = pair.ends;
    const COUNT = 400;
    const BYTES = 20_000;
    const numbers: number[] = [];
    const all = new Promise<void>((resolve) => {
      new MessagePipe(far, {
        ...ignore,
        message: (message) => void (numbers.push((message as { number: number }).number) === COUNT && resolve()),
      });
    });
    far.pause();
    const sender = new MessagePipe(near, ignore);
    let taken = 0;
    const sends = Array.from({ length: COUNT }, async (_, number) => {
      await sender.send({ number, data: new Uint8Array(BYTES) });
      taken++;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(taken < COUNT / 2, `${taken} of ${COUNT} taken by a pipe that nobody reads`);
    assert.ok(near.writableLength <= near.writableHighWaterMark + 2 * BYTES, `${near.writableLength} bytes held`);
    far.resume();
    await all;
    await Promise.all(sends);
    assert.deepEqual(
      numbers,
      Array.from({ length: COUNT }, (_, number) => number),
    );
  });

  it('answers false to what can no longer be read, and rejects what cannot be sent', async () => {
    const [near, far] = pair.ends;
    const sender = new MessagePipe(near, ignore);
    await assert.rejects(
      sender.send(() => undefined),
      /could not be cloned/,
    );
    const stuck = Array.from({ length: 100 }, () => sender.send(new Uint8Array(20_000)));
    far.destroy();
    const outcomes = await Promise.all(stuck);
    assert.equal(outcomes.at(-1), false);
    assert.equal(await sender.send('late'), false);
  });

  it('says what is not of the protocol and reads no further', async () => {
    const [near, far] = pair.ends;
    const got: unknown[] = [];
    const reason = new Promise<string>((resolve) => {
      new MessagePipe(far, { message: (message) => got.push(message), malformed: resolve });
    });
    far.resume();
    const rubbish = Buffer.from('\x04\0\0\0\xff\xff\xff\xff', 'latin1');
    near.write(Buffer.concat([frameOf('good'), rubbish, frameOf('after')]));
    assert.match(await reason, /deserialize|clone|version/i);
    assert.deepEqual(got, ['good']);
  });
});

describe('the channel of a radio process', () => {
  let child: SpawnedProcess;
  beforeEach(() => {
    child = forkRadioProcess(echoModule);
  });
  afterEach(() => child.kill());

  it('lets a heartbeat overtake payload that is still to be sent', async () => {
    const PAYLOADS = 48;
    const answer = new Promise<{ payloadsBefore: number }>((resolve) => {
      child.onMessage((message) => resolve(message as { payloadsBefore: number }));
    });
    for (let number = 0; number < PAYLOADS; number++)
      void child.send({ type: 'payload', data: new Uint8Array(2 ** 20) });
    child.sendUrgent({ type: 'heartbeat' });
    const { payloadsBefore } = await answer;
    assert.ok(payloadsBefore < PAYLOADS, `the heartbeat came after all ${payloadsBefore}`);
  });

  it('carries messages of many sizes both ways at once, all of them, in order', async () => {
    const COUNT = 3000;
    const numbers: number[] = [];
    const all = new Promise<void>((resolve) => {
      child.onMessage((message) => void (numbers.push((message as { number: number }).number) === COUNT && resolve()));
    });
    for (let number = 0; number < COUNT; number++)
      void child.send({ type: 'echo', number, data: new Uint8Array((number * 37) % 5000) });
    await all;
    assert.ok(numbers.every((number, index) => number === index));
  });
});
