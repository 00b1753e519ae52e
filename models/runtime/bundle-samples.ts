import { readBundleFiles } from './bundle-files';
import { TokenError } from './errors';
import { readSamples } from './samples';
import { readTestSet } from './test-set/test-set';

/** A question in words, and what the question-only predictor says. */
export interface SampleText {
  readonly scene: number;
  readonly words: string;
  readonly blindAnswer: string;
}

/** What the questions of a bundle are about, to look at and listen to. */
export interface BundleSamples {
  /** sha256 of manifest.json. */
  readonly hash: string;
  /** Of the user's own test set; null with the bundle's samples. */
  readonly testSetHash: string | null;
  /** Null for a question that there is not. */
  question(index: number): SampleText | null;
  /** Row-major grey levels. @throws TokenError for an unknown scene */
  picture(scene: number): { readonly pixels: Uint8Array; readonly width: number; readonly height: number };
  /** Samples in [-1, 1]. @throws TokenError for an unknown scene */
  sound(scene: number): { readonly samples: Float32Array; readonly sampleRateHz: number };
}

/**
 * Reads the samples of a bundle folder, or a user's own test set for it, and loads no graph.
 * @throws BundleError, TestSetError as Bundle.load
 */
export async function readBundleSamples(directory: string, testSetFile: string | null): Promise<BundleSamples> {
  const files = await readBundleFiles(directory);
  const own = readSamples(files);
  const testSet =
    testSetFile === null
      ? null
      : await readTestSet(testSetFile, { manifest: files.manifest, questions: own.questions });
  const samples = testSet ?? own;
  const { pictures, sounds } = files.manifest.samples;
  const checked = (scene: number): number => {
    if (!Number.isInteger(scene) || scene < 0 || scene >= samples.scenes)
      throw new TokenError(`scene is ${scene}, allowed: 0..${samples.scenes - 1}`);
    return scene;
  };
  return {
    hash: files.hash,
    testSetHash: testSet?.hash ?? null,
    question(index) {
      const question = samples.questions[index];
      if (question === undefined) return null;
      return { scene: question.scene, words: question.words.join(' '), blindAnswer: question.blindAnswer };
    },
    picture: (scene) => ({
      pixels: samples.picture(checked(scene)).slice(),
      width: pictures.shape[2],
      height: pictures.shape[1],
    }),
    sound: (scene) => ({ samples: samples.waveform(checked(scene)).slice(), sampleRateHz: sounds.sampleRateHz }),
  };
}
