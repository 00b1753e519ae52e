import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { BundleError } from './errors';
import { MANIFEST_FILE, parseManifest, type BundleManifest } from './manifest';

/** A manifest and every file that it lists, read once and verified. */
export interface BundleFiles {
  readonly manifest: BundleManifest;
  /** sha256 of manifest.json, which holds the hashes of all other files. */
  readonly hash: string;
  /** Contents of a listed file. @throws BundleError for a file that the manifest does not list */
  bytes(file: string): Buffer;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function read(directory: string, file: string): Promise<Buffer> {
  try {
    return await readFile(path.join(directory, file));
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    throw new BundleError(file, 'contents', code === 'ENOENT' ? 'missing' : code, 'a readable file', { cause });
  }
}

/**
 * Reads a bundle folder. Graphs and tables are later made from these bytes, not read again, so that what was verified
 * is what is used.
 * @throws BundleError for a bad manifest, or a file that is missing or has another size or hash than the manifest says
 */
export async function readBundleFiles(directory: string): Promise<BundleFiles> {
  const text = await read(directory, MANIFEST_FILE);
  const manifest = parseManifest(text.toString('utf8'));
  const contents = new Map<string, Buffer>();
  for (const listed of manifest.files) {
    const bytes = await read(directory, listed.file);
    if (bytes.length !== listed.bytes)
      throw new BundleError(listed.file, 'bytes', String(bytes.length), String(listed.bytes));
    const found = sha256(bytes);
    if (found !== listed.sha256) throw new BundleError(listed.file, 'sha256', found, listed.sha256);
    contents.set(listed.file, bytes);
  }
  return {
    manifest,
    hash: sha256(text),
    bytes(file) {
      const bytes = contents.get(file);
      if (!bytes) throw new BundleError(MANIFEST_FILE, 'files', `without ${file}`, 'every file that the manifest uses');
      return bytes;
    },
  };
}

/** Values of a raw little-endian float32 file. @throws BundleError when it does not hold `count` finite values */
export function readFloat32(files: BundleFiles, file: string, count: number): Float32Array {
  const bytes = files.bytes(file);
  if (bytes.length !== count * 4)
    throw new BundleError(file, 'bytes', String(bytes.length), `${count * 4} by its shape`);
  const values = new Float32Array(count);
  for (let index = 0; index < count; index++) {
    const value = bytes.readFloatLE(index * 4);
    if (!Number.isFinite(value)) throw new BundleError(file, `value ${index}`, String(value), 'finite values');
    values[index] = value;
  }
  return values;
}

/** Decompressed bytes of a gzip file. @throws BundleError when it does not hold `count` bytes */
export function readGzip(files: BundleFiles, file: string, count: number): Uint8Array {
  let bytes: Buffer;
  try {
    bytes = gunzipSync(files.bytes(file), { maxOutputLength: count + 1 });
  } catch (cause) {
    if (cause instanceof BundleError) throw cause;
    const found = cause instanceof Error ? cause.message : 'corrupt';
    throw new BundleError(file, 'contents', found, `gzip of ${count} bytes`, { cause });
  }
  if (bytes.length !== count) throw new BundleError(file, 'decompressed bytes', String(bytes.length), String(count));
  return bytes;
}
