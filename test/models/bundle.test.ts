import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { Bundle, idealAwgnChannel, TokenError, type QuestionTokens, type TokenMatrix } from '../../models/runtime';
import { BUNDLE_FOLDER, seededRandom } from './bundle-copy';

const LENGTHS = { visual: 16, audio: 16 };

function overChannel(sent: QuestionTokens, snrDb: number, random: () => number): QuestionTokens {
  return {
    text: idealAwgnChannel(sent.text, snrDb, random),
    visual: idealAwgnChannel(sent.visual, snrDb, random),
    audio: idealAwgnChannel(sent.audio, snrDb, random),
  };
}

describe('bundle digit-avqa', () => {
  let bundle: Bundle;
  before(async () => {
    bundle = await Bundle.load(BUNDLE_FOLDER);
  });
  after(() => bundle.close());

  const received = async (indices: readonly number[]): Promise<{ question: number; received: QuestionTokens }[]> =>
    (await bundle.encode(indices, LENGTHS)).map((sent, row) => ({ question: indices[row] ?? -1, received: sent }));
  const first = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

  it('holds at least 1,000 questions of all families over 250 scenes, four or more a scene', () => {
    assert.equal(bundle.name, 'digit-avqa');
    assert.ok(bundle.questions.length >= 1000);
    const perScene = new Map<number, number>();
    for (const { scene } of bundle.questions) perScene.set(scene, (perScene.get(scene) ?? 0) + 1);
    assert.ok(perScene.size >= 250);
    assert.ok(Math.min(...perScene.values()) >= 4);
    assert.deepEqual(new Set(bundle.questions.map(({ family }) => family)), new Set(bundle.manifest.families));
    bundle.questions.forEach(({ index, words }, row) => assert.ok(index === row && words.length <= 9));
  });

  it('is small, flat and has the hash of its manifest', () => {
    const sizes = readdirSync(BUNDLE_FOLDER).map((file) => ({
      file,
      bytes: statSync(path.join(BUNDLE_FOLDER, file)).size,
    }));
    for (const { file, bytes } of sizes) assert.ok(bytes < 5.5e6, file);
    const model = sizes.filter(({ file }) => /\.(onnx|f32)$/.test(file)).reduce((sum, { bytes }) => sum + bytes, 0);
    assert.ok(model < 10e6, `${model} bytes`);
    const text = readFileSync(path.join(BUNDLE_FOLDER, 'manifest.json'));
    assert.equal(bundle.hash, createHash('sha256').update(text).digest('hex'));
    const listed = bundle.manifest.files.map(({ file }) => file);
    assert.deepEqual([...listed, 'manifest.json'].sort(), sizes.map(({ file }) => file).sort());
  });

  it('was trained in full and reaches 80 % at 20 dB with 16 tokens', () => {
    assert.equal(bundle.manifest.preset, 'full');
    const row = bundle.manifest.offlineAccuracy?.rows.find(({ tokens, snrDb }) => tokens === 16 && snrDb === 20);
    assert.ok(row && row.accuracy >= 0.8 && row.questions >= 1000, JSON.stringify(row));
  });

  it('gives pictures and sounds as raw input', () => {
    const { pixels, width, height } = bundle.sceneImage(3);
    assert.deepEqual([width, height, pixels.length], [56, 56, 3136]);
    assert.ok(Math.max(...pixels) > 200);
    const { samples, sampleRateHz } = bundle.sceneAudio(3);
    assert.deepEqual([sampleRateHz, samples.length], [8000, 16384]);
    const peak = samples.reduce((largest, sample) => Math.max(largest, Math.abs(sample)), 0);
    assert.ok(peak > 0.1 && peak <= 1, `peak ${peak}`);
    assert.throws(() => bundle.sceneImage(250), TokenError);
    assert.throws(() => bundle.sceneAudio(-1), TokenError);
  });

  it('encodes to the shapes that the users send, at every allowed length', async () => {
    for (const user of ['visual', 'audio'] as const)
      assert.deepEqual(bundle.allowedTokenLengths(user), first(65).slice(2));
    for (const tokens of bundle.allowedTokenLengths('visual')) {
      const [sent] = await bundle.encode([7], { visual: tokens, audio: 66 - tokens });
      assert.ok(sent);
      const words = bundle.questions[7]?.words.length;
      assert.deepEqual([sent.visual.tokens, sent.visual.dimension, sent.visual.data.length], [tokens, 16, tokens * 16]);
      assert.deepEqual([sent.audio.tokens, sent.audio.dimension], [66 - tokens, 16]);
      assert.deepEqual([sent.text.tokens, sent.text.dimension], [words, 128]);
      const [answer] = await bundle.answer([{ question: 7, received: sent }]);
      assert.ok(answer && Number.isFinite(answer.logProbability) && answer.logProbability <= 0);
    }
  });

  it('refuses token lengths and questions that it does not have', async () => {
    await assert.rejects(bundle.encode([0], { visual: 1, audio: 16 }), /visual tokens is 1, allowed: 2\.\.64/);
    await assert.rejects(bundle.encode([0], { visual: 16, audio: 65 }), /audio tokens is 65/);
    await assert.rejects(bundle.encode([0], { visual: 2.5, audio: 16 }), TokenError);
    await assert.rejects(bundle.encode([bundle.questions.length], LENGTHS), /question is 1250/);
    assert.throws(() => bundle.blindPrior([]), TokenError);
  });

  it('refuses tokens of a wrong shape or that are not finite', async () => {
    const [sent] = await bundle.encode([0], LENGTHS);
    assert.ok(sent);
    const refuse = (change: Partial<QuestionTokens>, message: RegExp): Promise<void> =>
      assert.rejects(bundle.answer([{ question: 0, received: { ...sent, ...change } }]), (error: unknown) => {
        assert.ok(error instanceof TokenError && message.test(error.message), String(error));
        return true;
      });
    const matrix = (tokens: number, dimension: number): TokenMatrix => ({
      data: new Float32Array(tokens * dimension),
      tokens,
      dimension,
    });
    await refuse({ visual: matrix(16, 17) }, /question 0, visual: dimension is 17, allowed: 16/);
    await refuse({ audio: matrix(65, 16) }, /audio: tokens is 65, allowed: 2\.\.64/);
    await refuse({ text: matrix(sent.text.tokens + 1, 128) }, /text: tokens is/);
    await refuse({ visual: { ...matrix(16, 16), data: new Float32Array(255) } }, /data has 255 values, allowed: 256/);
    for (const value of [NaN, Infinity, -Infinity]) {
      const bad = matrix(16, 16);
      bad.data[5] = value;
      await refuse({ audio: bad }, /audio: data\[5\] is .*allowed: finite values/);
    }
  });

  it('answers alike in a batch, one by one, in another order and between other lengths', async () => {
    const indices = first(150);
    const batch = await received(indices);
    const together = await bundle.answer(batch);
    const [longer] = await bundle.encode([0], { visual: 32, audio: 16 });
    assert.ok(longer);
    const mixed = await bundle.answer([{ question: 0, received: longer }, ...[...batch].reverse()]);
    for (const index of [0, 1, 63, 64, 149]) {
      const [alone] = await bundle.answer(batch.slice(index, index + 1));
      for (const other of [alone, mixed[150 - index]]) {
        assert.equal(other?.word, together[index]?.word);
        const gap = Math.abs((other?.logProbability ?? NaN) - (together[index]?.logProbability ?? NaN));
        assert.ok(gap < 1e-4, `question ${index}: ${gap}`);
      }
    }
  });

  it('repeats itself bit by bit, in this bundle and in one loaded again', async () => {
    const indices = [3, 700, 41, 42];
    const random = (): (() => number) => seededRandom(4);
    const noisy = async (source: Bundle): Promise<unknown> => {
      const uniform = random();
      const sent = await source.encode(indices, { visual: 24, audio: 12 });
      const arrived = sent.map((tokens) => overChannel(tokens, 5, uniform));
      return source.answer(arrived.map((tokens, row) => ({ question: indices[row] ?? -1, received: tokens })));
    };
    const once = await noisy(bundle);
    assert.deepEqual(await noisy(bundle), once);
    const again = await Bundle.load(BUNDLE_FOLDER);
    assert.deepEqual(await noisy(again), once);
    await again.close();
  });

  it('serves callers at the same time as it serves them in turn', async () => {
    const groups = [first(20), first(20).map((index) => index + 10), first(20).map((index) => index + 600)];
    const other = await Bundle.load(BUNDLE_FOLDER);
    const atOnce = await Promise.all(groups.map((group) => other.encode(group, LENGTHS)));
    for (const [row, group] of groups.entries()) {
      const inTurn = await bundle.encode(group, LENGTHS);
      atOnce[row]?.forEach((sent, index) => {
        const expected = inTurn[index]?.visual.data ?? [];
        sent.visual.data.forEach((value, at) => assert.ok(Math.abs(value - (expected[at] ?? NaN)) < 1e-4));
      });
    }
    await other.close();
  });

  it('hands out memory of its own', async () => {
    const [one, two] = await bundle.encode([0, 1], LENGTHS);
    assert.ok(one && two);
    assert.equal(bundle.questions[0]?.scene, bundle.questions[1]?.scene);
    const before = [...two.visual.data];
    one.visual.data.fill(99);
    one.text.data.fill(99);
    assert.deepEqual([...two.visual.data], before);
    const [fresh] = await bundle.encode([0], LENGTHS);
    assert.deepEqual([...(fresh?.visual.data ?? [])], before);
  });

  it('answers noise-free as accurately as the manifest says', async () => {
    const answers = await bundle.answer(await received(first(bundle.questions.length)));
    const accuracy = answers.filter(({ correct }) => correct).length / answers.length;
    const stated = bundle.manifest.offlineAccuracy?.noiseFree.find(({ tokens }) => tokens === 16);
    assert.ok(stated && stated.questions === answers.length);
    assert.ok(Math.abs(accuracy - stated.accuracy) < 0.003, `${accuracy} against ${stated.accuracy}`);
    answers.forEach(({ word, correct }, index) => assert.equal(correct, word === bundle.questions[index]?.answer));
  });

  it('answers at 0 dB as accurately as the manifest says', async () => {
    const random = seededRandom(11);
    const batch = (await received(first(bundle.questions.length))).map(({ question, received: sent }) => ({
      question,
      received: overChannel(sent, 0, random),
    }));
    const answers = await bundle.answer(batch);
    const accuracy = answers.filter(({ correct }) => correct).length / answers.length;
    const stated = bundle.manifest.offlineAccuracy?.rows.find(({ tokens, snrDb }) => tokens === 16 && snrDb === 0);
    assert.ok(stated);
    // Four standard errors of two binomial shares.
    const margin = 4 * Math.sqrt(stated.accuracy * (1 - stated.accuracy) * (1 / answers.length + 1 / stated.questions));
    assert.ok(Math.abs(accuracy - stated.accuracy) < margin, `${accuracy} against ${stated.accuracy} +- ${margin}`);
  });

  it('needs the users: lost bursts cost accuracy, and all lost leaves about the blind prior', async () => {
    const indices = first(600);
    const batch = await received(indices);
    const lose = (matrix: TokenMatrix): TokenMatrix => ({ ...matrix, data: new Float32Array(matrix.data.length) });
    const share = async (change: (sent: QuestionTokens) => QuestionTokens): Promise<number> => {
      const answers = await bundle.answer(
        batch.map(({ question, received: sent }) => ({ question, received: change(sent) })),
      );
      return answers.filter(({ correct }) => correct).length / answers.length;
    };
    const all = await share((sent) => sent);
    const withoutVisual = await share((sent) => ({ ...sent, visual: lose(sent.visual) }));
    const withoutAudio = await share((sent) => ({ ...sent, audio: lose(sent.audio) }));
    const textOnly = await share((sent) => ({ ...sent, visual: lose(sent.visual), audio: lose(sent.audio) }));
    assert.ok(withoutVisual < all - 0.1 && withoutAudio < all - 0.1, `${all} ${withoutVisual} ${withoutAudio}`);
    const prior = bundle.blindPrior(indices);
    assert.ok(Math.abs(textOnly - prior) < 0.08, `${textOnly} against the prior ${prior}`);
  });

  it('states the blind prior of its own questions', () => {
    const everything = bundle.questions.map(({ index }) => index);
    assert.ok(Math.abs(bundle.blindPrior(everything) - (bundle.manifest.blindPrior?.overall.accuracy ?? NaN)) < 1e-4);
    for (const [family, { accuracy, questions }] of Object.entries(bundle.manifest.blindPrior?.perFamily ?? {})) {
      const indices = bundle.questions.filter((each) => each.family === family).map(({ index }) => index);
      assert.equal(indices.length, questions);
      assert.ok(Math.abs(bundle.blindPrior(indices) - accuracy) < 1e-4, family);
    }
    assert.equal(bundle.blindPrior([5, 5, 5]), bundle.blindPrior([5]));
  });

  it('answers alike in any batch size and on several threads, and refuses other numbers', async () => {
    const batch = await received(first(20));
    const expected = await bundle.answer(batch);
    for (const options of [{ answerBatch: 1 }, { answerBatch: 7, threads: 2 }]) {
      const other = await Bundle.load(BUNDLE_FOLDER, options);
      await other.warmUp(LENGTHS);
      (await other.answer(batch)).forEach(({ word, logProbability }, index) => {
        assert.equal(word, expected[index]?.word);
        assert.ok(Math.abs(logProbability - (expected[index]?.logProbability ?? NaN)) < 1e-4);
      });
      await other.close();
    }
    await assert.rejects(
      Bundle.load(BUNDLE_FOLDER, { answerBatch: 0 }),
      /answerBatch is 0, allowed: integers 1\.\.1024/,
    );
    await assert.rejects(Bundle.load(BUNDLE_FOLDER, { threads: 1.5 }), /threads is 1\.5, allowed: integers 1\.\.256/);
  });

  it('refuses work after it is closed', async () => {
    const other = await Bundle.load(BUNDLE_FOLDER, { threads: 2 });
    const [sent] = await other.encode([0], LENGTHS);
    assert.ok(sent);
    await other.close();
    await other.close();
    await assert.rejects(other.encode([0], LENGTHS), /is closed/);
    await assert.rejects(other.answer([{ question: 0, received: sent }]), /is closed/);
  });
});
