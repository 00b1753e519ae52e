/**
 * Messages over a byte stream between two processes of one build: structured clone, so typed arrays stay typed arrays.
 *
 * Not Node's own channel with `serialization: 'advanced'`: in Node 18 (Electron 25) its receiver stops for good when a
 * read ends within the four bytes that say how long the next message is (nodejs/node issue 55834), which happens once the
 * pipe is full now and then. Here a message may be cut anywhere.
 */
import type { Duplex } from 'node:stream';
import { deserialize, serialize } from 'node:v8';

const LENGTH_BYTES = 4;
/** Far above any message; what claims more is not of this protocol. */
export const MOST_MESSAGE_BYTES = 64 * 2 ** 20;

/** Cuts a byte stream into frames, wherever its chunks begin and end. */
export class FrameReader {
  private readonly chunks: Buffer[] = [];
  private heldBytes = 0;
  private wantedBytes: number | null = null;

  /**
   * @returns the frames that this chunk completes
   * @throws RangeError for a frame over the limit
   */
  push(chunk: Buffer): Buffer[] {
    this.chunks.push(chunk);
    this.heldBytes += chunk.length;
    const frames: Buffer[] = [];
    for (;;) {
      if (this.wantedBytes === null) {
        if (this.heldBytes < LENGTH_BYTES) return frames;
        this.wantedBytes = this.take(LENGTH_BYTES).readUInt32LE();
        if (this.wantedBytes > MOST_MESSAGE_BYTES)
          throw new RangeError(`a message of ${this.wantedBytes} bytes; allowed ${MOST_MESSAGE_BYTES}`);
      }
      if (this.heldBytes < this.wantedBytes) return frames;
      frames.push(this.take(this.wantedBytes));
      this.wantedBytes = null;
    }
  }

  private take(bytes: number): Buffer {
    this.heldBytes -= bytes;
    const first = this.chunks[0] ?? Buffer.alloc(0);
    if (first.length >= bytes) {
      this.chunks[0] = first.subarray(bytes);
      return first.subarray(0, bytes);
    }
    const taken = Buffer.allocUnsafe(bytes);
    for (let filled = 0; filled < bytes;) {
      const chunk = this.chunks[0] as Buffer;
      const copied = chunk.copy(taken, filled);
      filled += copied;
      if (copied < chunk.length) this.chunks[0] = chunk.subarray(copied);
      else this.chunks.shift();
    }
    return taken;
  }
}

/** @throws RangeError when it is over the limit; Error (DataCloneError) for what cannot be cloned */
export function frameOf(message: unknown): Buffer {
  const body = serialize(message);
  if (body.length > MOST_MESSAGE_BYTES)
    throw new RangeError(`a message of ${body.length} bytes; allowed ${MOST_MESSAGE_BYTES}`);
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + body.length);
  frame.writeUInt32LE(body.length);
  body.copy(frame, LENGTH_BYTES);
  return frame;
}

export interface MessagePipeListener {
  message(message: unknown): void;
  /** What came is not of this protocol. Nothing is read after it. */
  malformed(reason: string): void;
}

/** One end of the stream. What is sent waits here, not in the stream, while the other side does not read. */
export class MessagePipe {
  private readonly waiting: { readonly message: unknown; readonly settle: (taken: boolean | Error) => void }[] = [];
  private full = false;
  private closed = false;

  constructor(
    private readonly stream: Duplex,
    listener: MessagePipeListener,
  ) {
    const reader = new FrameReader();
    stream.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.push(chunk)) listener.message(deserialize(frame));
      } catch (error) {
        stream.destroy();
        listener.malformed(error instanceof Error ? error.message : String(error));
      }
    });
    stream.on('drain', () => {
      this.full = false;
      this.write();
    });
    // The other process is gone; its end is told elsewhere.
    stream.on('error', () => undefined);
    stream.on('close', () => {
      this.closed = true;
      this.full = false;
      this.write();
    });
  }

  /**
   * Sends in order. Resolves when the system has taken the whole message: true; false when nobody can read it any more.
   * At most the stream's high-water mark and one message are ever held as bytes on this side.
   * @throws RangeError, DataCloneError for a message that cannot be sent
   */
  send(message: unknown): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const settle = (taken: boolean | Error): void => (typeof taken === 'boolean' ? resolve(taken) : reject(taken));
      this.waiting.push({ message, settle });
      this.write();
    });
  }

  private write(): void {
    while (!this.full && this.waiting.length > 0) {
      const { message, settle } = this.waiting.shift() as (typeof this.waiting)[number];
      if (this.closed) {
        settle(false);
        continue;
      }
      let frame: Buffer;
      try {
        frame = frameOf(message);
      } catch (error) {
        settle(error as Error);
        continue;
      }
      this.full = !this.stream.write(frame, (error) => settle(!error));
    }
  }
}
