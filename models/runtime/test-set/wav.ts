import { TestSetError } from '../errors';

const FORMATS = 'PCM of 8, 16, 24 or 32 bits, or float of 32 or 64 bits';
const RATE_HZ = { min: 1000, max: 768_000 };
/** Programs that write to a pipe do not know the length; they put one of the largest there. */
const UNKNOWN_LENGTH = 0x7ffff000;

/** Samples in [-1, 1] of one channel, the mean of all channels. */
export interface Sound {
  readonly samples: Float32Array;
  readonly sampleRateHz: number;
}

interface Format {
  readonly code: number;
  readonly channels: number;
  readonly sampleRateHz: number;
  readonly bits: number;
}

/**
 * Reads a RIFF WAVE file: linear PCM or IEEE float, any number of channels, any rate (also WAVE_FORMAT_EXTENSIBLE).
 * @param file the name that messages show
 * @throws TestSetError
 */
export function readWav(bytes: Buffer, file: string): Sound {
  if (bytes.length < 12 || bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WAVE')
    throw new TestSetError(file, 'contents', 'no RIFF WAVE file', 'a WAV file');
  let format: Format | null = null;
  for (let at = 12; at + 8 <= bytes.length;) {
    const id = bytes.toString('latin1', at, at + 4);
    const length = bytes.readUInt32LE(at + 4);
    const start = at + 8;
    if (id === 'fmt ') format = readFormat(bytes, start, length, file);
    else if (id === 'data') {
      if (format === null) throw new TestSetError(file, 'contents', 'data before its format', 'a WAV file');
      const there = bytes.length - start;
      if (length > there && length < UNKNOWN_LENGTH)
        throw new TestSetError(file, 'data', `truncated: ${there} bytes`, `${length} bytes, as its header says`);
      return { samples: mix(bytes.subarray(start, start + Math.min(length, there)), format, file), ...rateOf(format) };
    }
    // Chunks begin at even places.
    at = start + length + (length % 2);
  }
  throw new TestSetError(file, 'contents', format === null ? 'without a format' : 'without data', 'a whole WAV file');
}

function rateOf({ sampleRateHz }: Format): { sampleRateHz: number } {
  return { sampleRateHz };
}

function readFormat(bytes: Buffer, start: number, length: number, file: string): Format {
  if (length < 16 || start + length > bytes.length)
    throw new TestSetError(file, 'format', `truncated: ${bytes.length - start} bytes`, 'a whole WAV file');
  const tag = bytes.readUInt16LE(start);
  // WAVE_FORMAT_EXTENSIBLE: the code is the first two bytes of the sub-format.
  const code = tag === 0xfffe && length >= 26 ? bytes.readUInt16LE(start + 24) : tag;
  const channels = bytes.readUInt16LE(start + 2);
  const sampleRateHz = bytes.readUInt32LE(start + 4);
  const bits = bytes.readUInt16LE(start + 14);
  const known = (code === 1 && [8, 16, 24, 32].includes(bits)) || (code === 3 && [32, 64].includes(bits));
  if (!known) throw new TestSetError(file, 'format', `code ${code} of ${bits} bits`, FORMATS);
  if (channels < 1) throw new TestSetError(file, 'channels', String(channels), 'at least 1');
  if (sampleRateHz < RATE_HZ.min || sampleRateHz > RATE_HZ.max)
    throw new TestSetError(file, 'sample rate', `${sampleRateHz} Hz`, `${RATE_HZ.min} to ${RATE_HZ.max} Hz`);
  return { code, channels, sampleRateHz, bits };
}

function mix(data: Buffer, { code, channels, bits }: Format, file: string): Float32Array {
  const width = bits / 8;
  const frames = Math.floor(data.length / (width * channels));
  if (frames === 0) throw new TestSetError(file, 'data', 'empty', 'at least one sample');
  const valueAt = (at: number): number => {
    if (code === 3) return bits === 32 ? data.readFloatLE(at) : data.readDoubleLE(at);
    // 8 bits are unsigned around 128, all others signed.
    return bits === 8 ? (data.readUInt8(at) - 128) / 128 : data.readIntLE(at, width) / 2 ** (bits - 1);
  };
  return Float32Array.from({ length: frames }, (_, frame) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += valueAt((frame * channels + channel) * width);
    if (!Number.isFinite(sum)) throw new TestSetError(file, `sample ${frame}`, String(sum), 'finite values');
    return sum / channels;
  });
}
