import { Tensor } from 'onnxruntime-node';
import { readBundleFiles, readFloat32 } from './bundle-files';
import { BundleError } from './errors';
import { Graph } from './graphs';
import { MANIFEST_FILE } from './manifest';
import { pool } from './pooling';
import { readSamples, readTables } from './samples';

/** Largest absolute differences between this runtime and what the trainer computed. */
export interface Parity {
  readonly logits: number;
  readonly features: number;
}

const product = (shape: readonly number[]): number => shape.reduce((total, size) => total * size, 1);

/**
 * Runs the bundle's reference inputs through its graphs.
 * @returns null for a bundle that ships no reference
 * @throws BundleError for a bundle that cannot be loaded, or a reference that lacks a tensor
 */
export async function measureParity(folder: string): Promise<Parity | null> {
  const files = await readBundleFiles(folder);
  const { reference, users, samples: shapes } = files.manifest;
  if (reference === undefined) return null;
  const tables = readTables(files);
  const samples = readSamples(files);
  const total = reference.tensors.reduce((sum, { shape }) => sum + product(shape), 0);
  const values = readFloat32(files, reference.file, total);
  const stored = (name: string): { data: Float32Array; shape: readonly number[] } => {
    const tensor = reference.tensors.find((each) => each.name === name);
    if (tensor === undefined)
      throw new BundleError(MANIFEST_FILE, 'reference.tensors', `without ${name}`, 'all of them');
    return { data: values.subarray(tensor.offset, tensor.offset + product(tensor.shape)), shape: tensor.shape };
  };
  const tensor = (name: string): Tensor => {
    const { data, shape } = stored(name);
    return new Tensor('float32', data, shape);
  };
  const distance = (found: Float32Array, name: string): number =>
    stored(name).data.reduce((largest, value, index) => {
      const gap = Math.abs(value - (found[index] ?? NaN));
      return gap <= largest ? largest : gap;
    }, 0);
  const run = async (name: keyof typeof files.manifest.graphs, feeds: Record<string, Tensor>, output: string) => {
    const graph = await Graph.load(files, name, 1);
    try {
      return await graph.run(feeds, output);
    } finally {
      await graph.release();
    }
  };
  const scenes = stored('visualFeatures').shape[0] ?? 0;
  const stack = (of: (scene: number) => ArrayLike<number>, shape: readonly number[]): Tensor =>
    new Tensor(
      'float32',
      Float32Array.from(Array.from({ length: scenes }, (_, scene) => Array.from(of(scene))).flat()),
      [scenes, ...shape],
    );
  const seen = stack((scene) => samples.picture(scene), shapes.pictures.shape.slice(1));
  const heard = stack((scene) => samples.waveform(scene), shapes.sounds.shape.slice(1));
  const features = Math.max(
    distance(await run('visualEncoder', { pixels: seen }, 'features'), 'visualFeatures'),
    distance(await run('audioEncoder', { waveform: heard }, 'features'), 'audioFeatures'),
  );
  const positions = (user: 'visual' | 'audio', tokens: number): Tensor => {
    const { dimension } = users.text;
    const table = { data: tables[`${user}Positions`], tokens: users[user].patches, dimension };
    return new Tensor('float32', pool(table, tokens).data, [tokens, dimension]);
  };
  const counts = samples.questions.slice(0, reference.questions).map(({ words }) => BigInt(words.length));
  let logits = 0;
  for (const { name, visualTokens, audioTokens } of reference.sets) {
    const feeds = {
      visual: tensor(`${name}.visual`),
      visual_positions: positions('visual', visualTokens),
      audio: tensor(`${name}.audio`),
      audio_positions: positions('audio', audioTokens),
      text: tensor(`${name}.text`),
      text_length: new Tensor('int64', BigInt64Array.from(counts), [counts.length]),
    };
    logits = Math.max(logits, distance(await run('answerModel', feeds, 'logits'), `${name}.logits`));
  }
  return { logits, features };
}
