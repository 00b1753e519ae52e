/** Pictures, sounds and questions of the bundles that runs used. No network is loaded for them. */
import { readBundleSamples, type BundleSamples } from '../../models/runtime';
import type { RunDocument } from '../config/run-documents';
import { findBundle } from '../config/bundle-folders';

export interface ShelvedSamples {
  /** Null where they are not at hand; `problem` then says why. */
  readonly samples: BundleSamples | null;
  readonly problem: string | null;
}

/** Bundles whose samples stay in memory (some 20 MB each). */
const KEPT = 2;

export class SampleShelf {
  private readonly known = new Map<string, Promise<ShelvedSamples>>();

  /** Never rejects. */
  of({ bundle }: Pick<RunDocument, 'bundle'>): Promise<ShelvedSamples> {
    const key = `${bundle.hash} ${bundle.testSet?.hash ?? ''}`;
    const found = this.known.get(key) ?? load(bundle);
    // Newest last; what failed is tried again another time.
    this.known.delete(key);
    this.known.set(key, found);
    for (const old of [...this.known.keys()].slice(0, -KEPT)) this.known.delete(old);
    void found.then(({ samples }) => {
      if (samples === null) this.known.delete(key);
    });
    return found;
  }
}

async function load(bundle: RunDocument['bundle']): Promise<ShelvedSamples> {
  const refuse = (problem: string): ShelvedSamples => ({ samples: null, problem });
  const reasons: string[] = [];
  // Where the run had it, and where a bundle of this name lies today.
  for (const folder of new Set([findBundle(bundle.folder, ''), findBundle(bundle.name, '')]))
    try {
      const samples = await readBundleSamples(folder, bundle.testSet?.file ?? null);
      if (samples.hash !== bundle.hash)
        reasons.push(`${folder} is another version of bundle ${bundle.name} than the run's`);
      else if (samples.testSetHash !== (bundle.testSet?.hash ?? null))
        reasons.push(`${bundle.testSet?.file ?? 'the test set'} has changed since the run`);
      else return { samples, problem: null };
    } catch (error) {
      reasons.push(`bundle ${bundle.name} in ${folder}: ${(error as Error).message}`);
    }
  return refuse(reasons[0] ?? `no bundle ${bundle.name}`);
}
