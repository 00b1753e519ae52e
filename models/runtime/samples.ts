import { readFloat32, readGzip, type BundleFiles } from './bundle-files';
import { BundleError } from './errors';
import { MANIFEST_FILE, parseJson, parseWith, questionsSchema } from './manifest';
import { decodeMuLaw } from './mu-law';

/** A question about a scene, with a one-word answer. */
export interface Question {
  readonly index: number;
  readonly scene: number;
  readonly family: string;
  readonly words: readonly string[];
  readonly answer: string;
}

/** A question and what the question-only predictor would say. */
export interface SampleQuestion extends Question {
  readonly blindAnswer: string;
  readonly wordIndices: readonly number[];
  readonly answerIndex: number;
}

/** Test samples as raw input, in the encoders' shapes. */
export interface Samples {
  readonly questions: readonly SampleQuestion[];
  readonly scenes: number;
  /** Grey levels, uint8 [height, width]. */
  picture(scene: number): Uint8Array;
  /** float32 [samples] in [-1, 1]. */
  waveform(scene: number): Float32Array;
}

/** Reads pictures, sounds and questions. @throws BundleError naming file and field */
export function readSamples(files: BundleFiles): Samples {
  const { samples, vocabulary, families, users } = files.manifest;
  const { pictures, sounds } = samples;
  for (const [name, { shape }] of Object.entries({ pictures, sounds }))
    if (shape[0] !== samples.scenes)
      throw new BundleError(MANIFEST_FILE, `samples.${name}.shape.0`, String(shape[0]), `${samples.scenes} scenes`);
  const file = samples.questionFile;
  const listed = parseWith(questionsSchema, parseJson(files.bytes(file).toString('utf8'), file), file);
  if (listed.length !== samples.questions)
    throw new BundleError(file, 'questions', String(listed.length), String(samples.questions));
  const wordIndex = new Map(vocabulary.map((word, index) => [word, index]));
  const lookUp = (row: number, field: string, word: string): number => {
    const index = wordIndex.get(word);
    if (index === undefined) throw new BundleError(file, `${row}.${field}`, word, 'words of the vocabulary');
    return index;
  };
  const questions = listed.map((entry, index): SampleQuestion => {
    const words = entry.words.split(' ');
    if (entry.scene >= samples.scenes)
      throw new BundleError(file, `${index}.scene`, String(entry.scene), `0..${samples.scenes - 1}`);
    if (!families.includes(entry.family))
      throw new BundleError(file, `${index}.family`, entry.family, families.join(', '));
    if (words.length > users.text.maximumTokens)
      throw new BundleError(file, `${index}.words`, `${words.length} words`, `at most ${users.text.maximumTokens}`);
    lookUp(index, 'blindAnswer', entry.blindAnswer);
    return {
      index,
      scene: entry.scene,
      family: entry.family,
      words,
      answer: entry.answer,
      blindAnswer: entry.blindAnswer,
      wordIndices: words.map((word) => lookUp(index, 'words', word)),
      answerIndex: lookUp(index, 'answer', entry.answer),
    };
  });
  const pixels = pictures.shape[1] * pictures.shape[2];
  const clip = sounds.shape[1];
  const seen = readGzip(files, pictures.file, pictures.shape[0] * pixels);
  const heard = readGzip(files, sounds.file, sounds.shape[0] * clip);
  return {
    questions,
    scenes: samples.scenes,
    picture: (scene) => seen.subarray(scene * pixels, (scene + 1) * pixels),
    waveform: (scene) => decodeMuLaw(heard.subarray(scene * clip, (scene + 1) * clip)),
  };
}

/** Tables by name, row-major float32. */
export type Tables = Readonly<Record<keyof BundleFiles['manifest']['tables'], Float32Array>>;

/** Reads the raw tables. @throws BundleError when a shape is not what the manifest's users need */
export function readTables(files: BundleFiles): Tables {
  const { tables, users, vocabulary } = files.manifest;
  const model = users.text.dimension;
  const shapes: Record<keyof Tables, readonly number[]> = {
    wordEmbedding: [vocabulary.length, model],
    visualPositions: [users.visual.patches, model],
    audioPositions: [users.audio.patches, model],
    visualProjectionWeight: [users.visual.dimension, users.visual.featureDimension],
    visualProjectionBias: [users.visual.dimension],
    audioProjectionWeight: [users.audio.dimension, users.audio.featureDimension],
    audioProjectionBias: [users.audio.dimension],
  };
  const read = (name: keyof Tables): Float32Array => {
    const { file, shape } = tables[name];
    const needed = shapes[name];
    if (shape.length !== needed.length || shape.some((size, axis) => size !== needed[axis]))
      throw new BundleError(MANIFEST_FILE, `tables.${name}.shape`, `[${shape.join(', ')}]`, `[${needed.join(', ')}]`);
    return readFloat32(
      files,
      file,
      needed.reduce((product, each) => product * each, 1),
    );
  };
  return {
    wordEmbedding: read('wordEmbedding'),
    visualPositions: read('visualPositions'),
    audioPositions: read('audioPositions'),
    visualProjectionWeight: read('visualProjectionWeight'),
    visualProjectionBias: read('visualProjectionBias'),
    audioProjectionWeight: read('audioProjectionWeight'),
    audioProjectionBias: read('audioProjectionBias'),
  };
}
