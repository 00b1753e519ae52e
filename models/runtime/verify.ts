import { readdir } from 'node:fs/promises';
import { Bundle } from './bundle';
import { BundleError } from './errors';
import { MANIFEST_FILE, type BundleManifest } from './manifest';

/** What a bundle may weigh besides its test samples, bytes. */
export const BUNDLE_LIMIT_BYTES = 10_000_000;

/** What was found in a bundle's folder. */
export interface BundleReport {
  readonly folder: string;
  /** Null when not even the manifest could be read. */
  readonly facts: {
    readonly name: string;
    readonly task: string;
    readonly schemaVersion: number;
    readonly preset: string;
    /** sha256 of manifest.json. */
    readonly hash: string;
    readonly questions: number;
    readonly scenes: number;
    readonly tokenLengths: Readonly<Record<'visual' | 'audio', readonly number[]>>;
    /** Of networks, tables and all else but pictures, sounds and questions. */
    readonly modelBytes: number;
    readonly sampleBytes: number;
    readonly licences: BundleManifest['licences'];
    readonly surface: boolean;
  } | null;
  /** One line for each thing that is wrong: file, field, what is there, what is allowed. Empty: the bundle is good. */
  readonly problems: readonly string[];
}

/**
 * Loads a bundle as a run would, and then holds it against what a bundle that is passed on must keep to: its size, no
 * file that the manifest does not list, a licence for pictures, sounds and questions. Never rejects for a bad bundle.
 */
export async function verifyBundle(folder: string): Promise<BundleReport> {
  let bundle: Bundle;
  try {
    bundle = await Bundle.load(folder);
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    return { folder, facts: null, problems: [error.message] };
  }
  await bundle.close();
  const { manifest } = bundle;
  const { samples } = manifest;
  const sampleFiles = new Set([samples.questionFile, samples.pictures.file, samples.sounds.file]);
  const weigh = (isSample: boolean): number =>
    manifest.files.reduce((sum, { file, bytes }) => sum + (sampleFiles.has(file) === isSample ? bytes : 0), 0);
  const modelBytes = weigh(false);
  return {
    folder,
    facts: {
      name: bundle.name,
      task: bundle.task,
      schemaVersion: manifest.schemaVersion,
      preset: manifest.preset,
      hash: bundle.hash,
      questions: bundle.questions.length,
      scenes: samples.scenes,
      tokenLengths: { visual: manifest.users.visual.allowedTokens, audio: manifest.users.audio.allowedTokens },
      modelBytes,
      sampleBytes: weigh(true),
      licences: manifest.licences,
      surface: manifest.surface !== undefined,
    },
    problems: [...sizeProblem(modelBytes), ...(await strayFiles(folder, manifest)), ...licenceProblems(manifest)],
  };
}

function sizeProblem(modelBytes: number): string[] {
  if (modelBytes <= BUNDLE_LIMIT_BYTES) return [];
  return [problem('files', `${modelBytes} bytes besides test samples`, `at most ${BUNDLE_LIMIT_BYTES}`)];
}

async function strayFiles(folder: string, manifest: BundleManifest): Promise<string[]> {
  const listed = new Set([MANIFEST_FILE, ...manifest.files.map(({ file }) => file)]);
  const found = (await readdir(folder)).sort().filter((file) => !listed.has(file));
  return found.map((file) => problem('files', `without ${file}, which is in the folder`, 'a folder of listed files'));
}

function licenceProblems({ licences }: BundleManifest): string[] {
  return ['pictures', 'sounds', 'questions']
    .filter((what) => !licences.some((entry) => entry.what.includes(what)))
    .map((what) => problem('licences', `without one whose "what" names ${what}`, 'a licence of all data'));
}

function problem(field: string, found: string, allowed: string): string {
  return new BundleError(MANIFEST_FILE, field, found, allowed).message;
}
