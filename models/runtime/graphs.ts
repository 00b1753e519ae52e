import { InferenceSession, type Tensor } from 'onnxruntime-node';
import type { BundleFiles } from './bundle-files';
import { BundleError } from './errors';
import { MANIFEST_FILE, type BundleManifest } from './manifest';

type GraphName = keyof BundleManifest['graphs'];
type Size = number | string;
type Shapes = Readonly<Record<string, readonly Size[]>>;

/** Shapes that the runtime feeds and reads; a name stands for a size that is free. */
export function expectedShapes(manifest: BundleManifest): Record<GraphName, { inputs: Shapes; outputs: Shapes }> {
  const { users, samples, vocabulary } = manifest;
  const [, height, width] = samples.pictures.shape;
  const [, clipSamples] = samples.sounds.shape;
  const model = users.text.dimension;
  const features = (user: 'visual' | 'audio'): Shapes => ({
    features: ['batch', users[user].patches, users[user].featureDimension],
  });
  return {
    visualEncoder: { inputs: { pixels: ['batch', height, width] }, outputs: features('visual') },
    audioEncoder: { inputs: { waveform: ['batch', clipSamples] }, outputs: features('audio') },
    answerModel: {
      inputs: {
        visual: ['batch', 'visual_tokens', users.visual.dimension],
        visual_positions: ['visual_tokens', model],
        audio: ['batch', 'audio_tokens', users.audio.dimension],
        audio_positions: ['audio_tokens', model],
        text: ['batch', 'text_tokens', model],
        text_length: ['batch'],
      },
      outputs: { logits: ['batch', vocabulary.length] },
    },
  };
}

/** A free size matches any name, a fixed size only itself. */
function fits(expected: readonly Size[], found: readonly Size[]): boolean {
  return (
    expected.length === found.length &&
    expected.every((size, axis) => (typeof size === 'number' ? size === found[axis] : typeof found[axis] === 'string'))
  );
}

function checkShapes(
  file: string,
  field: string,
  expected: Shapes,
  found: readonly { readonly name: string; readonly shape: readonly Size[] }[],
): void {
  for (const [name, shape] of Object.entries(expected)) {
    const match = found.find((tensor) => tensor.name === name);
    const allowed = `[${shape.join(', ')}]`;
    if (!match) throw new BundleError(file, `${field} ${name}`, 'missing', allowed);
    if (!fits(shape, match.shape))
      throw new BundleError(file, `${field} ${name}`, `[${match.shape.join(', ')}]`, allowed);
  }
  for (const { name } of found)
    if (!(name in expected))
      throw new BundleError(file, `${field} ${name}`, 'present', Object.keys(expected).join(', '));
}

/** One ONNX graph of a bundle. */
export class Graph {
  private constructor(private readonly session: InferenceSession) {}

  /**
   * Loads a graph from verified bytes and holds its shapes, and the manifest's, against what the runtime expects.
   * @throws BundleError
   */
  static async load(files: BundleFiles, name: GraphName, threads: number): Promise<Graph> {
    const declared = files.manifest.graphs[name];
    const expected = expectedShapes(files.manifest)[name];
    checkShapes(MANIFEST_FILE, `graphs.${name}.inputs`, expected.inputs, declared.inputs);
    checkShapes(MANIFEST_FILE, `graphs.${name}.outputs`, expected.outputs, declared.outputs);
    let session: InferenceSession;
    try {
      session = await InferenceSession.create(files.bytes(declared.file), {
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
        logSeverityLevel: 3,
      });
    } catch (cause) {
      if (cause instanceof BundleError) throw cause;
      const found = cause instanceof Error ? cause.message : 'unreadable';
      throw new BundleError(declared.file, 'graph', found, 'a graph that onnxruntime loads', { cause });
    }
    const tensors = (values: InferenceSession['inputMetadata']): { name: string; shape: readonly Size[] }[] =>
      values.map((value) => ({ name: value.name, shape: value.isTensor ? value.shape : [] }));
    try {
      checkShapes(declared.file, 'input', expected.inputs, tensors(session.inputMetadata));
      checkShapes(declared.file, 'output', expected.outputs, tensors(session.outputMetadata));
    } catch (error) {
      await session.release();
      throw error;
    }
    return new Graph(session);
  }

  /** Values of one float32 output, row-major. */
  async run(feeds: Readonly<Record<string, Tensor>>, output: string): Promise<Float32Array> {
    const results = await this.session.run(feeds, [output]);
    const data = results[output]?.data;
    if (!(data instanceof Float32Array)) throw new Error(`output ${output} is not float32`);
    return data;
  }

  release(): Promise<void> {
    return this.session.release();
  }
}
