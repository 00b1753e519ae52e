/** A file of lines that grows: appended, synced, and cut back to its last whole line when it is opened again. */
import { open, type FileHandle } from 'node:fs/promises';

const NEWLINE = 10;
const TAIL_BYTES = 64 * 1024;

export class LineLog {
  private constructor(private readonly handle: FileHandle) {}

  /** Opens or makes the file; what a crash left after the last newline is cut off. */
  static async open(file: string): Promise<LineLog> {
    const handle = await open(file, 'a+');
    await handle.truncate(await wholeLength(handle));
    return new LineLog(handle);
  }

  /** Appends lines (without their newlines) and returns when they are on the disk. */
  async append(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    await this.handle.appendFile(`${lines.join('\n')}\n`);
    await this.handle.datasync();
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** Bytes up to and with the last newline. */
async function wholeLength(handle: FileHandle): Promise<number> {
  const { size } = await handle.stat();
  const buffer = Buffer.alloc(TAIL_BYTES);
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - TAIL_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, end - start, start);
    const at = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (at !== -1) return start + at + 1;
    end = start;
  }
  return 0;
}
