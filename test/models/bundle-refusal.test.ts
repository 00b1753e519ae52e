import assert from 'node:assert/strict';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { Bundle, BundleError } from '../../models/runtime';
import { BundleCopy } from './bundle-copy';

describe('refused bundles', () => {
  let copy: BundleCopy;
  beforeEach(() => {
    copy = new BundleCopy();
  });
  afterEach(() => copy.remove());

  /** Loading fails with a one-line BundleError about this file and field. */
  async function refuses(file: string, field: RegExp, message: RegExp): Promise<void> {
    await assert.rejects(Bundle.load(copy.folder), (error: unknown) => {
      assert.ok(error instanceof BundleError, String(error));
      assert.equal(error.file, file);
      assert.match(error.field, field);
      assert.match(error.message, message);
      assert.ok(!error.message.includes('\n') && error.message.startsWith(`${file}: `), error.message);
      return true;
    });
  }

  it('one changed byte', async () => {
    const bytes = readFileSync(copy.path('answer-model.onnx'));
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(copy.path('answer-model.onnx'), bytes);
    await refuses('answer-model.onnx', /^sha256$/, /allowed: [0-9a-f]{64}$/);
  });

  it('a missing file', async () => {
    rmSync(copy.path('word-embedding.f32'));
    await refuses('word-embedding.f32', /^contents$/, /missing/);
  });

  it('a missing folder', async () => {
    rmSync(copy.folder, { recursive: true });
    await refuses('manifest.json', /^contents$/, /missing/);
  });

  it('a truncated file', async () => {
    truncateSync(copy.path('sounds.mulaw.gz'), 1000);
    await refuses('sounds.mulaw.gz', /^bytes$/, /is 1000, allowed: \d+$/);
  });

  it('a newer schema version, before any other complaint', async () => {
    copy.editManifest((manifest) => {
      Object.assign(manifest, { schemaVersion: 2, graphs: 'of another kind' });
    });
    await refuses('manifest.json', /^schemaVersion$/, /is 2, allowed: 1 .*newer/);
  });

  it('a manifest that is not JSON or lacks a field', async () => {
    copy.editManifest((manifest) => {
      delete (manifest as Partial<typeof manifest>).vocabulary;
    });
    await refuses('manifest.json', /^vocabulary$/, /missing/);
    writeFileSync(copy.path('manifest.json'), '{ "schemaVersion": 1');
    await refuses('manifest.json', /root/, /JSON/);
  });

  it('a file name that leaves the folder', async () => {
    copy.editManifest((manifest) => {
      manifest.graphs.answerModel.file = '../answer-model.onnx';
    });
    await refuses('manifest.json', /^graphs\.answerModel\.file$/, /\.\.\/answer-model\.onnx/);
  });

  it('a file that is used but not listed with a hash', async () => {
    copy.editManifest((manifest) => {
      manifest.files = manifest.files.filter(({ file }) => file !== 'questions.json');
    });
    await refuses('manifest.json', /^files$/, /without questions\.json/);
  });

  it('a manifest that declares another shape than its graph has', async () => {
    copy.editManifest((manifest) => {
      manifest.users.visual.dimension = 32;
      manifest.tables.visualProjectionWeight.shape = [32, 64];
    });
    await refuses('visual-projection-weight.f32', /^bytes$/, /by its shape/);
  });

  it('a table of another shape than its user needs', async () => {
    copy.editManifest((manifest) => {
      manifest.tables.wordEmbedding.shape = [7, 128];
    });
    await refuses('manifest.json', /^tables\.wordEmbedding\.shape$/, /is \[7, 128\], allowed: \[\d+, 128\]/);
  });

  it('a graph of another shape than the manifest says, though its hash is right', async () => {
    copy.replace('answer-model.onnx', readFileSync(copy.path('visual-encoder.onnx')));
    await refuses('answer-model.onnx', /^input visual$/, /missing, allowed: \[batch, visual_tokens, 16\]/);
  });

  it('a graph that onnxruntime cannot read', async () => {
    copy.replace('audio-encoder.onnx', Buffer.from('not a graph'));
    await refuses('audio-encoder.onnx', /^graph$/, /allowed: a graph that onnxruntime loads/);
  });

  it('a table with a value that is not finite', async () => {
    const table = readFileSync(copy.path('word-embedding.f32'));
    table.writeFloatLE(NaN, 40);
    copy.replace('word-embedding.f32', table);
    await refuses('word-embedding.f32', /^value 10$/, /is NaN/);
  });

  it('samples of another size, or that are not gzip', async () => {
    copy.replace('pictures.u8.gz', gzipSync(Buffer.alloc(10)));
    await refuses('pictures.u8.gz', /^decompressed bytes$/, /is 10, allowed: \d+/);
    copy.replace('pictures.u8.gz', Buffer.from('no gzip'));
    await refuses('pictures.u8.gz', /^contents$/, /gzip of/);
  });

  it('a question with a word outside the vocabulary', async () => {
    const questions = JSON.parse(readFileSync(copy.path('questions.json'), 'utf8')) as { words: string }[];
    Object.assign(questions[3] ?? {}, { words: 'what colour is it' });
    copy.replace('questions.json', Buffer.from(JSON.stringify(questions)));
    await refuses('questions.json', /^3\.words$/, /is colour/);
  });
});
