import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readBundleFiles, readFloat32, type BundleFiles } from '../../models/runtime/bundle-files';
import { Graph } from '../../models/runtime/graphs';
import {
  Bundle,
  measureParity,
  type BundleManifest,
  type QuestionTokens,
  type TokenMatrix,
} from '../../models/runtime';
import { Tensor } from 'onnxruntime-node';
import { BUNDLE_FOLDER, BundleCopy } from './bundle-copy';

const TOLERANCE = 1e-4;

/** Largest absolute difference; lengths must agree. */
function distance(a: Float32Array, b: Float32Array): number {
  assert.equal(a.length, b.length);
  return a.reduce((largest, value, index) => Math.max(largest, Math.abs(value - (b[index] ?? NaN))), 0);
}

describe('parity with PyTorch', () => {
  let files: BundleFiles;
  let bundle: Bundle;
  let stated: NonNullable<BundleManifest['reference']>;
  let reference: (name: string) => { data: Float32Array; shape: readonly number[] };

  before(async () => {
    files = await readBundleFiles(BUNDLE_FOLDER);
    bundle = await Bundle.load(BUNDLE_FOLDER);
    assert.ok(files.manifest.reference);
    stated = files.manifest.reference;
    const { tensors, file } = stated;
    const product = (shape: readonly number[]): number => shape.reduce((total, size) => total * size, 1);
    const values = readFloat32(
      files,
      file,
      tensors.reduce((total, tensor) => total + product(tensor.shape), 0),
    );
    reference = (name) => {
      const tensor = tensors.find((each) => each.name === name);
      assert.ok(tensor, name);
      return { data: values.subarray(tensor.offset, tensor.offset + product(tensor.shape)), shape: tensor.shape };
    };
  });
  after(() => bundle.close());

  it('encodes pictures and sounds alike', async () => {
    const scenes = reference('visualFeatures').shape[0] ?? 0;
    assert.ok(scenes >= 2);
    const visual = await Graph.load(files, 'visualEncoder', 1);
    const audio = await Graph.load(files, 'audioEncoder', 1);
    const { width, height } = bundle.sceneImage(0);
    const pictures = new Float32Array(scenes * width * height);
    const clip = bundle.sceneAudio(0).samples.length;
    const sounds = new Float32Array(scenes * clip);
    for (let scene = 0; scene < scenes; scene++) {
      pictures.set(bundle.sceneImage(scene).pixels, scene * width * height);
      sounds.set(bundle.sceneAudio(scene).samples, scene * clip);
    }
    const seen = await visual.run({ pixels: new Tensor('float32', pictures, [scenes, height, width]) }, 'features');
    const heard = await audio.run({ waveform: new Tensor('float32', sounds, [scenes, clip]) }, 'features');
    assert.ok(distance(seen, reference('visualFeatures').data) < TOLERANCE);
    assert.ok(distance(heard, reference('audioFeatures').data) < TOLERANCE);
    await visual.release();
    await audio.release();
  });

  it('sends the tokens that PyTorch sends', async () => {
    for (const { name, visualTokens, audioTokens } of stated.sets) {
      const indices = Array.from({ length: stated.questions }, (_, index) => index);
      const sent = await bundle.encode(indices, { visual: visualTokens, audio: audioTokens });
      // Odd questions of the reference carry noise.
      for (const index of indices.filter((each) => each % 2 === 0))
        for (const user of ['visual', 'audio', 'text'] as const) {
          const { data, shape } = reference(`${name}.${user}`);
          const stride = (shape[1] ?? 0) * (shape[2] ?? 0);
          const expected = data.subarray(index * stride, index * stride + (sent[index]?.[user].data.length ?? 0));
          assert.ok(distance(sent[index]?.[user].data ?? new Float32Array(0), expected) < TOLERANCE, `${name} ${user}`);
        }
    }
  });

  it('answers with the log-probabilities of PyTorch, for clean and noisy tokens', async () => {
    const { sets, questions } = stated;
    for (const { name } of sets) {
      const matrix = (user: 'visual' | 'audio' | 'text', index: number, tokens?: number): TokenMatrix => {
        const { data, shape } = reference(`${name}.${user}`);
        const [, rows = 0, dimension = 0] = shape;
        const start = index * rows * dimension;
        const kept = tokens ?? rows;
        return { data: data.slice(start, start + kept * dimension), tokens: kept, dimension };
      };
      const batch = Array.from({ length: questions }, (_, index) => {
        const words = bundle.questions[index]?.words.length ?? 0;
        const received: QuestionTokens = {
          visual: matrix('visual', index),
          audio: matrix('audio', index),
          text: matrix('text', index, words),
        };
        return { question: index, received };
      });
      const answers = await bundle.answer(batch);
      const logits = reference(`${name}.logits`);
      const width = logits.shape[1] ?? 0;
      assert.equal(width, bundle.manifest.vocabulary.length);
      answers.forEach((answer, index) => {
        const row = logits.data.subarray(index * width, (index + 1) * width);
        const peak = Math.max(...row);
        const best = bundle.manifest.vocabulary[row.indexOf(peak)];
        const norm = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - peak), 0)) + peak;
        const right = bundle.manifest.vocabulary.indexOf(bundle.questions[index]?.answer ?? '');
        assert.equal(answer.word, best, `${name}, question ${index}`);
        assert.ok(Math.abs(answer.logProbability - ((row[right] ?? NaN) - norm)) < TOLERANCE, `${name} ${index}`);
      });
    }
  });

  it('computes the features and logits of PyTorch, as otabench bench models says', async () => {
    const parity = await measureParity(BUNDLE_FOLDER);
    assert.ok(parity && parity.logits < TOLERANCE && parity.features < TOLERANCE, JSON.stringify(parity));
    // A reference that is a little off is seen.
    const copy = new BundleCopy();
    const values = readFileSync(copy.path('reference.f32'));
    values.writeFloatLE(values.readFloatLE(values.length - 4) + 0.01, values.length - 4);
    copy.replace('reference.f32', values);
    const damaged = await measureParity(copy.folder);
    copy.remove();
    assert.ok(Math.abs((damaged?.logits ?? 0) - 0.01) < TOLERANCE, JSON.stringify(damaged));
  });
});
