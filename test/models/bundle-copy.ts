import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { repositoryRoot } from '../../app/config/paths';
import type { BundleManifest } from '../../models/runtime';

/** The committed bundle. */
export const BUNDLE_FOLDER = path.join(repositoryRoot(), 'models', 'bundles', 'digit-avqa');

/** A copy of the committed bundle that a test may damage. */
export class BundleCopy {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-bundle-'));

  constructor() {
    cpSync(BUNDLE_FOLDER, this.folder, { recursive: true });
  }

  path(file: string): string {
    return path.join(this.folder, file);
  }

  manifest(): BundleManifest {
    return JSON.parse(readFileSync(this.path('manifest.json'), 'utf8')) as BundleManifest;
  }

  /** Writes the manifest back after `change`; hashes are left as they are. */
  editManifest(change: (manifest: Record<string, unknown> & BundleManifest) => void): void {
    const manifest = this.manifest() as Record<string, unknown> & BundleManifest;
    change(manifest);
    writeFileSync(this.path('manifest.json'), JSON.stringify(manifest));
  }

  /** Replaces a file and lists its new size and hash, as a wrong export would. */
  replace(file: string, contents: Buffer): void {
    writeFileSync(this.path(file), contents);
    this.editManifest((manifest) => {
      const listed = manifest.files.find((entry) => entry.file === file);
      if (!listed) throw new Error(`${file} is not listed`);
      listed.bytes = contents.length;
      listed.sha256 = createHash('sha256').update(contents).digest('hex');
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Repeatable uniform numbers in [0, 1) (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
