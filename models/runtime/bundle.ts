import { Tensor } from 'onnxruntime-node';
import { readBundleFiles, type BundleFiles } from './bundle-files';
import { TokenError } from './errors';
import { Graph } from './graphs';
import type { BundleManifest } from './manifest';
import { pool } from './pooling';
import { readSamples, readTables } from './samples';
import type { Question, SampleQuestion, Samples, Tables } from './samples';
import { readTestSet, type TestSet } from './test-set/test-set';
import { checkTokenMatrix, type QuestionTokens, type TokenLengths, type TokenMatrix, type UserName } from './tokens';

/** Scenes that one encoder call takes. */
const ENCODE_BATCH_SCENES = 32;
const ANSWER_BATCH = { usual: 64, most: 1024 } as const;
const MOST_THREADS = 256;

type PooledUser = Exclude<UserName, 'text'>;
type SceneTokens = Readonly<Record<PooledUser, TokenMatrix>>;
type Received = {
  readonly question: number;
  readonly received: QuestionTokens;
  /** By user: [tokens] 1 where a token was not received, whatever `received` has there. */
  readonly erased?: Readonly<Partial<Record<UserName, Uint8Array>>>;
};

/** What the base station answered. */
export interface Answer {
  /** Most likely word of the whole vocabulary. */
  readonly word: string;
  readonly correct: boolean;
  /** Natural logarithm of the probability of the right answer. */
  readonly logProbability: number;
}

export interface BundleOptions {
  /** CPU threads of each graph, default 1. */
  readonly threads?: number;
  /** Questions that one call of the answer model takes, default 64. */
  readonly answerBatch?: number;
  /** List (.csv or .json) of a user's own pictures, sounds and questions, in place of the bundle's test samples. */
  readonly testSet?: string | undefined;
}

/** A trained model with its test samples: encodes what users send and answers from what arrived. */
export class Bundle {
  readonly name: string;
  /** What an experiment file's task.name must say. */
  readonly task: string;
  readonly manifest: BundleManifest;
  /** sha256 of manifest.json. */
  readonly hash: string;
  /** sha256 over the user's own test set; null with the bundle's samples. */
  readonly testSetHash: string | null;
  readonly questions: readonly Question[];
  /** Projected but not yet pooled tokens per scene; pooling is linear and its rows sum to 1, so the order is free. */
  private readonly scenes = new Map<number, Promise<SceneTokens>>();
  private readonly positions = new Map<string, Tensor>();
  private closed = false;

  private constructor(
    files: BundleFiles,
    private readonly samples: Samples,
    testSet: TestSet | null,
    private readonly answerBatch: number,
    private readonly tables: Tables,
    private readonly graphs: { readonly visual: Graph; readonly audio: Graph; readonly answer: Graph },
  ) {
    this.manifest = files.manifest;
    this.name = files.manifest.name;
    this.task = files.manifest.task ?? files.manifest.name;
    this.hash = files.hash;
    this.testSetHash = testSet?.hash ?? null;
    this.questions = samples.questions;
  }

  /**
   * Loads a bundle folder after verifying size and hash of every file, the manifest's schema, and all shapes.
   * @throws BundleError naming file, field, what was found and what is allowed; TestSetError about options.testSet;
   * TokenError for an option out of its range
   */
  static async load(directory: string, options: BundleOptions = {}): Promise<Bundle> {
    const threads = integer('threads', options.threads ?? 1, MOST_THREADS);
    const answerBatch = integer('answerBatch', options.answerBatch ?? ANSWER_BATCH.usual, ANSWER_BATCH.most);
    const files = await readBundleFiles(directory);
    const tables = readTables(files);
    const own = readSamples(files);
    const { manifest } = files;
    const testSet = options.testSet ? await readTestSet(options.testSet, { manifest, questions: own.questions }) : null;
    const loaded: Graph[] = [];
    try {
      for (const name of ['visualEncoder', 'audioEncoder', 'answerModel'] as const)
        loaded.push(await Graph.load(files, name, threads));
    } catch (error) {
      await Promise.all(loaded.map((graph) => graph.release()));
      throw error;
    }
    const [visual, audio, answer] = loaded as [Graph, Graph, Graph];
    return new Bundle(files, testSet ?? own, testSet, answerBatch, tables, { visual, audio, answer });
  }

  /** Token lengths that a user may be pooled to, ascending. */
  allowedTokenLengths(user: PooledUser): readonly number[] {
    return this.manifest.users[user].allowedTokens;
  }

  /**
   * Accuracy of the question-only predictor on exactly these questions (repeats count): per question text it says the
   * majority answer of the training questions.
   * @throws TokenError for no questions or an unknown index
   */
  blindPrior(indices: readonly number[]): number {
    if (indices.length === 0) throw new TokenError('indices is empty, allowed: at least one question');
    let right = 0;
    for (const index of indices) {
      const question = this.question(index);
      if (question.blindAnswer === question.answer) right++;
    }
    return right / indices.length;
  }

  /**
   * What the three users send for each question: word embeddings [words, 128], pooled and projected visual and audio
   * features [L, 16]. Encoder outputs are kept per scene.
   * @throws TokenError for an unknown question or a token length that is not allowed
   */
  async encode(indices: readonly number[], lengths: TokenLengths): Promise<QuestionTokens[]> {
    this.checkOpen();
    for (const user of ['visual', 'audio'] as const)
      if (!this.allowedTokenLengths(user).includes(lengths[user]))
        throw new TokenError(`${user} tokens is ${lengths[user]}, allowed: ${ranges(this.allowedTokenLengths(user))}`);
    const questions = indices.map((index) => this.question(index));
    const scenes = await this.sceneTokens([...new Set(questions.map((question) => question.scene))]);
    const pooled = new Map<number, Omit<QuestionTokens, 'text'>>();
    for (const [scene, tokens] of scenes)
      pooled.set(scene, { visual: pool(tokens.visual, lengths.visual), audio: pool(tokens.audio, lengths.audio) });
    return questions.map((question) => {
      const shared = pooled.get(question.scene);
      if (!shared) throw new Error(`scene ${question.scene} was not encoded`);
      // Copies: two questions about one scene must not share memory that a channel may write to.
      const copy = (matrix: TokenMatrix): TokenMatrix => ({ ...matrix, data: matrix.data.slice() });
      return { text: this.embed(question), visual: copy(shared.visual), audio: copy(shared.audio) };
    });
  }

  /**
   * Answers from received tokens, in the order of `batch`. Questions of alike token lengths are answered together.
   * A burst that was lost is given as an all-zero matrix of the shape that was sent; single tokens that were lost, as
   * `erased`. Both are zeros to the model: the best guess of a receiver that knows nothing of a token, as LMMSE's at no SNR.
   * @throws TokenError for an unknown question, a wrong shape or length, or a value that is not finite
   */
  async answer(batch: readonly Received[]): Promise<Answer[]> {
    this.checkOpen();
    const groups = new Map<string, { row: number; question: SampleQuestion; received: QuestionTokens }[]>();
    batch.forEach(({ question: index, received: given, erased }, row) => {
      const question = this.question(index);
      this.checkReceived(question, given);
      const received = withoutErased(`question ${index}`, given, erased);
      const key = `${received.visual.tokens} ${received.audio.tokens}`;
      const group = groups.get(key) ?? [];
      group.push({ row, question, received });
      groups.set(key, group);
    });
    const answers = new Array<Answer>(batch.length);
    for (const group of groups.values()) {
      // Alike word counts together: less padding.
      group.sort((a, b) => a.question.words.length - b.question.words.length || a.row - b.row);
      for (let start = 0; start < group.length; start += this.answerBatch) {
        const part = group.slice(start, start + this.answerBatch);
        const logits = await this.logits(part);
        const width = this.manifest.vocabulary.length;
        part.forEach(({ row, question }, index) => {
          answers[row] = this.read(question, logits.subarray(index * width, (index + 1) * width));
        });
      }
    }
    return answers;
  }

  /**
   * Runs every graph once on the first question, at these lengths: memory is laid out and code is warm before anything
   * is timed.
   */
  async warmUp(lengths: TokenLengths): Promise<void> {
    const [sent] = await this.encode([0], lengths);
    if (sent !== undefined) await this.answer([{ question: 0, received: sent }]);
  }

  /** Picture of a scene, row-major grey levels. @throws TokenError for an unknown scene */
  sceneImage(scene: number): { pixels: Uint8Array; width: number; height: number } {
    this.checkScene(scene);
    const [, height, width] = this.manifest.samples.pictures.shape;
    return { pixels: this.samples.picture(scene).slice(), width, height };
  }

  /** Sound of a scene, samples in [-1, 1]. @throws TokenError for an unknown scene */
  sceneAudio(scene: number): { samples: Float32Array; sampleRateHz: number } {
    this.checkScene(scene);
    return { samples: this.samples.waveform(scene).slice(), sampleRateHz: this.manifest.samples.sounds.sampleRateHz };
  }

  /** Frees the graphs; later calls of encode and answer are refused. Closing twice is fine. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await Promise.allSettled(this.scenes.values());
    await Promise.all(Object.values(this.graphs).map((graph) => graph.release()));
  }

  private checkOpen(): void {
    if (this.closed) throw new Error(`bundle ${this.name} is closed`);
  }

  private question(index: number): SampleQuestion {
    const question = this.samples.questions[index];
    if (!question) throw new TokenError(`question is ${index}, allowed: 0..${this.samples.questions.length - 1}`);
    return question;
  }

  private checkScene(scene: number): void {
    const { scenes } = this.samples;
    if (!Number.isInteger(scene) || scene < 0 || scene >= scenes)
      throw new TokenError(`scene is ${scene}, allowed: 0..${scenes - 1}`);
  }

  private checkReceived(question: SampleQuestion, received: QuestionTokens): void {
    const { users } = this.manifest;
    const what = (user: UserName): string => `question ${question.index}, ${user}`;
    checkTokenMatrix(what('text'), received.text, question.words.length, users.text.dimension);
    for (const user of ['visual', 'audio'] as const) {
      const allowed = this.allowedTokenLengths(user);
      if (!allowed.includes(received[user].tokens))
        throw new TokenError(`${what(user)}: tokens is ${received[user].tokens}, allowed: ${ranges(allowed)}`);
      checkTokenMatrix(what(user), received[user], received[user].tokens, users[user].dimension);
    }
  }

  private embed(question: SampleQuestion): TokenMatrix {
    const { dimension } = this.manifest.users.text;
    const data = new Float32Array(question.wordIndices.length * dimension);
    question.wordIndices.forEach((word, row) =>
      data.set(this.tables.wordEmbedding.subarray(word * dimension, (word + 1) * dimension), row * dimension),
    );
    return { data, tokens: question.wordIndices.length, dimension };
  }

  /** Projected features of scenes; a scene that is being encoded for another caller is waited for. */
  private async sceneTokens(scenes: readonly number[]): Promise<Map<number, SceneTokens>> {
    const missing = scenes.filter((scene) => !this.scenes.has(scene));
    for (let start = 0; start < missing.length; start += ENCODE_BATCH_SCENES) {
      const part = missing.slice(start, start + ENCODE_BATCH_SCENES);
      const encoded = this.encodeScenes(part);
      part.forEach((scene, row) => {
        const tokens = encoded.then((all) => all[row] as SceneTokens);
        // A failed scene is tried again by the next caller; this caller sees the failure below.
        tokens.catch(() => this.scenes.delete(scene));
        this.scenes.set(scene, tokens);
      });
      // One batch at a time: the graphs already use all their threads.
      await encoded;
    }
    const found = new Map<number, SceneTokens>();
    for (const scene of scenes) found.set(scene, await (this.scenes.get(scene) as Promise<SceneTokens>));
    return found;
  }

  private async encodeScenes(scenes: readonly number[]): Promise<SceneTokens[]> {
    const [, height, width] = this.manifest.samples.pictures.shape;
    const [, clipSamples] = this.manifest.samples.sounds.shape;
    const pixels = new Float32Array(scenes.length * height * width);
    const waveform = new Float32Array(scenes.length * clipSamples);
    scenes.forEach((scene, row) => {
      // The graph takes grey levels 0..255 as float32 and scales them itself.
      pixels.set(this.samples.picture(scene), row * height * width);
      waveform.set(this.samples.waveform(scene), row * clipSamples);
    });
    const seen = await this.graphs.visual.run(
      { pixels: new Tensor('float32', pixels, [scenes.length, height, width]) },
      'features',
    );
    const heard = await this.graphs.audio.run(
      { waveform: new Tensor('float32', waveform, [scenes.length, clipSamples]) },
      'features',
    );
    return scenes.map((_, row) => ({
      visual: this.project('visual', seen, row),
      audio: this.project('audio', heard, row),
    }));
  }

  /** Y = X W^T + b for one scene: features [patches, 64] -> tokens [patches, 16]. */
  private project(user: PooledUser, features: Float32Array, row: number): TokenMatrix {
    const { patches, featureDimension, dimension } = this.manifest.users[user];
    const weight = this.tables[`${user}ProjectionWeight`];
    const bias = this.tables[`${user}ProjectionBias`];
    const data = new Float32Array(patches * dimension);
    for (let patch = 0; patch < patches; patch++) {
      const from = (row * patches + patch) * featureDimension;
      for (let column = 0; column < dimension; column++) {
        let sum = bias[column] ?? 0;
        for (let feature = 0; feature < featureDimension; feature++)
          sum += (features[from + feature] ?? 0) * (weight[column * featureDimension + feature] ?? 0);
        data[patch * dimension + column] = sum;
      }
    }
    return { data, tokens: patches, dimension };
  }

  /** Position table of a user pooled like its tokens, [L, 128]. */
  private pooledPositions(user: PooledUser, tokens: number): Tensor {
    const key = `${user} ${tokens}`;
    const known = this.positions.get(key);
    if (known) return known;
    const { dimension } = this.manifest.users.text;
    const table = { data: this.tables[`${user}Positions`], tokens: this.manifest.users[user].patches, dimension };
    const tensor = new Tensor('float32', pool(table, tokens).data, [tokens, dimension]);
    this.positions.set(key, tensor);
    return tensor;
  }

  /** Logits [B, vocabulary] of questions with alike visual and audio lengths; texts are padded at the end. */
  private logits(
    part: readonly { readonly question: SampleQuestion; readonly received: QuestionTokens }[],
  ): Promise<Float32Array> {
    const words = Math.max(...part.map(({ question }) => question.words.length));
    const stack = (user: UserName, tokens: number): Tensor => {
      const { dimension } = this.manifest.users[user];
      const data = new Float32Array(part.length * tokens * dimension);
      part.forEach(({ received }, row) => data.set(received[user].data, row * tokens * dimension));
      return new Tensor('float32', data, [part.length, tokens, dimension]);
    };
    const first = part[0]?.received;
    if (!first) throw new Error('no questions to answer');
    const lengths = BigInt64Array.from(part, ({ question }) => BigInt(question.words.length));
    return this.graphs.answer.run(
      {
        visual: stack('visual', first.visual.tokens),
        visual_positions: this.pooledPositions('visual', first.visual.tokens),
        audio: stack('audio', first.audio.tokens),
        audio_positions: this.pooledPositions('audio', first.audio.tokens),
        text: stack('text', words),
        text_length: new Tensor('int64', lengths, [part.length]),
      },
      'logits',
    );
  }

  private read(question: SampleQuestion, logits: Float32Array): Answer {
    let best = 0;
    for (let word = 1; word < logits.length; word++) if ((logits[word] ?? 0) > (logits[best] ?? 0)) best = word;
    const peak = logits[best] ?? 0;
    let sum = 0;
    for (const logit of logits) sum += Math.exp(logit - peak);
    return {
      word: this.manifest.vocabulary[best] ?? '',
      correct: best === question.answerIndex,
      logProbability: (logits[question.answerIndex] ?? 0) - peak - Math.log(sum),
    };
  }
}

/** @throws TokenError for flags that do not follow the tokens */
function withoutErased(question: string, received: QuestionTokens, erased: Received['erased']): QuestionTokens {
  if (erased === undefined) return received;
  const kept: Partial<Record<UserName, TokenMatrix>> = {};
  for (const [user, flags] of Object.entries(erased) as [UserName, Uint8Array][]) {
    const { data, tokens, dimension } = received[user];
    if (flags.length !== tokens)
      throw new TokenError(`${question}, ${user}: erased has ${flags.length} flags, allowed: ${tokens}, one a token`);
    const zeroed = data.slice();
    flags.forEach((flag, token) => {
      if (flag !== 0) zeroed.fill(0, token * dimension, (token + 1) * dimension);
    });
    kept[user] = { data: zeroed, tokens, dimension };
  }
  return { ...received, ...kept };
}

function integer(name: string, value: number, most: number): number {
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new TokenError(`${name} is ${value}, allowed: integers 1..${most}`);
  return value;
}

/** Ascending integers as `2..64` or `2..8, 16`. */
function ranges(values: readonly number[]): string {
  const shown: string[] = [];
  for (let index = 0; index < values.length; index++) {
    const start = values[index] as number;
    while (values[index + 1] === (values[index] as number) + 1) index++;
    const end = values[index] as number;
    shown.push(start === end ? String(start) : `${start}..${end}`);
  }
  return shown.join(', ');
}
