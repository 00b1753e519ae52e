import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { closestWord } from '../../../app/config/violations';
import { TestSetError } from '../errors';
import type { BundleManifest } from '../manifest';
import type { SampleQuestion, Samples } from '../samples';
import { readCsv } from './csv';
import { readPicture, scalePicture } from './picture';
import { resample } from './resample';
import { readWav } from './wav';

const COLUMNS = ['picture', 'sound', 'question', 'answer', 'family'] as const;
const value = z.string().trim().min(1);
const entrySchema = z.strictObject({
  picture: value,
  sound: value,
  question: value,
  answer: value,
  family: z.string().trim().optional(),
});
type Entry = z.infer<typeof entrySchema>;

/** Family of questions that name none. */
const OWN_FAMILY = 'own';

/** Samples that stand in for a bundle's own. */
export interface TestSet extends Samples {
  /** sha256 over the list of questions and all pictures and sounds in its order. */
  readonly hash: string;
}

/** What a test set must fit. */
export interface TestSetTarget {
  readonly manifest: BundleManifest;
  /** The bundle's own questions: what the question-only predictor says to each text. */
  readonly questions: readonly SampleQuestion[];
}

/**
 * Reads a user's own test set: a CSV or JSON list of picture, sound, question, answer and (optional) family; files are
 * relative to the list. Pictures are turned grey and scaled, sounds mixed to one channel, resampled and followed by
 * silence, to what the bundle's encoders take. Rows with the same picture and sound share a scene.
 * @throws TestSetError naming file and field
 */
export async function readTestSet(list: string, target: TestSetTarget): Promise<TestSet> {
  const hash = createHash('sha256');
  const files = new FileReader(path.dirname(list), hash);
  const shown = path.basename(list);
  const text = (await files.read(shown)).toString('utf8');
  const rows = parseList(text, shown);
  if (rows.length === 0) throw new TestSetError(shown, 'contents', 'without a question', 'at least one question');
  const scenes = new Map<string, number>();
  const pictures: Uint8Array[] = [];
  const waveforms: Float32Array[] = [];
  const prior = blindAnswers(rows, target);
  const questions: SampleQuestion[] = [];
  for (const [index, { where, entry }] of rows.entries()) {
    const words = readWords(entry.question, target.manifest, shown, `${where} question`);
    const answer = entry.answer.toLowerCase();
    const key = JSON.stringify([entry.picture, entry.sound]);
    let scene = scenes.get(key);
    if (scene === undefined) {
      scene = scenes.size;
      scenes.set(key, scene);
      pictures.push(await fitPicture(await files.read(entry.picture), entry.picture, target.manifest));
      waveforms.push(fitSound(await files.read(entry.sound), entry.sound, target.manifest));
    }
    questions.push({
      index,
      scene,
      family: entry.family === undefined || entry.family === '' ? OWN_FAMILY : entry.family,
      words,
      answer,
      blindAnswer: prior(words.join(' ')),
      wordIndices: words.map((word) => target.manifest.vocabulary.indexOf(word)),
      answerIndex: lookUp(answer, target.manifest, shown, `${where} answer`),
    });
  }
  return {
    questions,
    scenes: scenes.size,
    picture: (scene) => pictures[scene] as Uint8Array,
    waveform: (scene) => waveforms[scene] as Float32Array,
    hash: hash.digest('hex'),
  };
}

/** Reads files relative to a folder and adds them to a hash. */
class FileReader {
  constructor(
    private readonly folder: string,
    private readonly hash: ReturnType<typeof createHash>,
  ) {}

  async read(file: string): Promise<Buffer> {
    try {
      const bytes = await readFile(path.resolve(this.folder, file));
      this.hash.update(`${file}\0${bytes.length}\0`).update(bytes);
      return bytes;
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? 'unreadable';
      throw new TestSetError(file, 'contents', code === 'ENOENT' ? 'missing' : code, 'a readable file', { cause });
    }
  }
}

interface Row {
  /** Place in the list, for messages. */
  readonly where: string;
  readonly entry: Entry;
}

function parseList(text: string, file: string): Row[] {
  if (path.extname(file).toLowerCase() === '.json') {
    let data: unknown;
    try {
      data = JSON.parse(text);
    } catch (cause) {
      throw new TestSetError(file, 'contents', (cause as Error).message, 'JSON', { cause });
    }
    if (!Array.isArray(data)) throw new TestSetError(file, 'contents', typeof data, 'a list of questions');
    return data.map((each, index) => ({ where: `entry ${index}`, entry: parseEntry(each, file, `entry ${index}`) }));
  }
  if (path.extname(file).toLowerCase() !== '.csv')
    throw new TestSetError(file, 'name', path.extname(file) || 'without an ending', 'a .csv or .json file');
  return readCsv(text, file).map(({ line, values }) => ({
    where: `line ${line}`,
    entry: parseEntry(values, file, `line ${line}`),
  }));
}

function parseEntry(data: unknown, file: string, where: string): Entry {
  const result = entrySchema.safeParse(data);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue?.code === 'unrecognized_keys')
    throw new TestSetError(file, where, `with ${issue.keys.join(', ')}`, COLUMNS.join(', '));
  const field = String(issue?.path[0] ?? '');
  const found = typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[field] : data;
  throw new TestSetError(file, `${where} ${field}`.trim(), JSON.stringify(found) ?? 'missing', 'a text');
}

/** Words as the vocabulary has them: lower case, without the marks that end a sentence. */
function plainWords(question: string): string[] {
  return question
    .toLowerCase()
    .replaceAll(/[?!.,]/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '');
}

function readWords(question: string, manifest: BundleManifest, file: string, field: string): string[] {
  const words = plainWords(question);
  const most = manifest.users.text.maximumTokens;
  if (words.length === 0 || words.length > most)
    throw new TestSetError(file, field, `${words.length} words`, `1 to ${most} words`);
  for (const word of words) lookUp(word, manifest, file, field);
  return words;
}

function lookUp(word: string, { vocabulary, name }: BundleManifest, file: string, field: string): number {
  const index = vocabulary.indexOf(word);
  if (index >= 0) return index;
  const meant = closestWord(word, vocabulary);
  const hint = meant === null ? '' : ` (did you mean "${meant}"?)`;
  throw new TestSetError(file, field, JSON.stringify(word), `words of bundle ${name}${hint}: ${vocabulary.join(' ')}`);
}

/**
 * What one who sees the question alone would say: to a text that the bundle's questions have, what the bundle says; to
 * another, the commonest answer in this test set, which flatters the guess.
 */
function blindAnswers(rows: readonly Row[], { questions }: TestSetTarget): (text: string) => string {
  const counts = new Map<string, Map<string, number>>();
  for (const { entry } of rows) {
    const text = plainWords(entry.question).join(' ');
    const answers = counts.get(text) ?? new Map<string, number>();
    const answer = entry.answer.toLowerCase();
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
    counts.set(text, answers);
  }
  const known = new Map(questions.map((question) => [question.words.join(' '), question.blindAnswer]));
  return (text) => {
    const own = [...(counts.get(text) ?? [])].reduce((best, each) => (each[1] > best[1] ? each : best), ['', 0]);
    return known.get(text) ?? own[0];
  };
}

async function fitPicture(bytes: Buffer, file: string, { samples }: BundleManifest): Promise<Uint8Array> {
  const [, height, width] = samples.pictures.shape;
  return scalePicture(await readPicture(bytes, file), width, height);
}

function fitSound(bytes: Buffer, file: string, { samples: { sounds } }: BundleManifest): Float32Array {
  const sound = readWav(bytes, file);
  const [, most] = sounds.shape;
  const lastsS = sound.samples.length / sound.sampleRateHz;
  const allowedS = most / sounds.sampleRateHz;
  // A rate that is no multiple leaves a fraction of a sample over.
  if (lastsS > allowedS + 1 / sounds.sampleRateHz)
    throw new TestSetError(file, 'length', `${lastsS.toFixed(3)} s`, `at most ${allowedS.toFixed(3)} s`);
  const waveform = new Float32Array(most);
  waveform.set(resample(sound.samples, sound.sampleRateHz, sounds.sampleRateHz).subarray(0, most));
  return waveform;
}
