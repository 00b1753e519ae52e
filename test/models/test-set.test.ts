import { createCanvas } from '@napi-rs/canvas';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { repositoryRoot } from '../../app/config/paths';
import { Bundle, TestSetError } from '../../models/runtime';
import { readPicture, scalePicture } from '../../models/runtime/test-set/picture';
import { resample } from '../../models/runtime/test-set/resample';
import { readWav } from '../../models/runtime/test-set/wav';
import { BUNDLE_FOLDER } from './bundle-copy';

interface WavOptions {
  readonly rateHz: number;
  readonly bits?: number;
  readonly float?: boolean;
  readonly channels?: number;
  readonly extensible?: boolean;
}

/** A WAV file of samples in [-1, 1], the same in every channel. */
function wav(samples: ArrayLike<number>, options: WavOptions): Buffer {
  const { rateHz, bits = 16, float = false, channels = 1, extensible = false } = options;
  const width = bits / 8;
  const format = Buffer.alloc(extensible ? 40 : 16);
  const code = float ? 3 : 1;
  format.writeUInt16LE(extensible ? 0xfffe : code, 0);
  format.writeUInt16LE(channels, 2);
  format.writeUInt32LE(rateHz, 4);
  format.writeUInt32LE(rateHz * width * channels, 8);
  format.writeUInt16LE(width * channels, 12);
  format.writeUInt16LE(bits, 14);
  if (extensible) format.writeUInt16LE(code, 24);
  const data = Buffer.alloc(samples.length * width * channels);
  for (let index = 0; index < samples.length; index++)
    for (let channel = 0; channel < channels; channel++) {
      const at = (index * channels + channel) * width;
      const value = samples[index] ?? 0;
      if (float) {
        if (bits === 32) data.writeFloatLE(value, at);
        else data.writeDoubleLE(value, at);
      } else if (bits === 8) data.writeUInt8(Math.min(255, Math.round(value * 128) + 128), at);
      else {
        const full = 2 ** (bits - 1);
        data.writeIntLE(Math.max(-full, Math.min(full - 1, Math.round(value * full))), at, width);
      }
    }
  const chunk = (id: string, body: Buffer): Buffer => {
    const head = Buffer.alloc(8);
    head.write(id, 'latin1');
    head.writeUInt32LE(body.length, 4);
    return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
  };
  // A chunk that readers do not know stands before the data, of an odd length.
  const body = Buffer.concat([
    Buffer.from('WAVE'),
    chunk('fmt ', format),
    chunk('LIST', Buffer.from('odd')),
    chunk('data', data),
  ]);
  return chunk('RIFF', body);
}

function png(pixels: Uint8Array, width: number, height: number): Buffer {
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  pixels.forEach((level, index) => image.data.set([level, level, level, 255], 4 * index));
  context.putImageData(image, 0, 0);
  return canvas.toBuffer('image/png');
}

const tone = (frequencyHz: number, rateHz: number, length: number): Float32Array =>
  Float32Array.from({ length }, (_, index) => 0.5 * Math.sin((2 * Math.PI * frequencyHz * index) / rateHz));

function rms(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

describe("a user's own test set", () => {
  let folder = '';
  let bundle: Bundle;
  before(async () => {
    bundle = await Bundle.load(BUNDLE_FOLDER);
  });
  after(() => bundle.close());
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-test-set-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const write = (file: string, contents: string | Buffer): string => {
    writeFileSync(path.join(folder, file), contents);
    return path.join(folder, file);
  };
  /** The bundle's first scenes as files, and a list of their questions. */
  function ownScenes(scenes: number, sound: (samples: Float32Array) => Buffer): string {
    for (let scene = 0; scene < scenes; scene++) {
      const { pixels, width, height } = bundle.sceneImage(scene);
      write(`${scene}.png`, png(pixels, width, height));
      write(`${scene}.wav`, sound(bundle.sceneAudio(scene).samples));
    }
    const rows = bundle.questions
      .filter(({ scene }) => scene < scenes)
      .map(({ scene, words, answer, family }) => [`${scene}.png`, `${scene}.wav`, words.join(' '), answer, family]);
    return write(
      'questions.csv',
      ['picture,sound,question,answer,family', ...rows.map((row) => row.map((each) => `"${each}"`).join(','))].join(
        '\r\n',
      ),
    );
  }

  it('sends the same tokens as the bundle for the same pictures and sounds', async () => {
    const list = ownScenes(3, (samples) => wav(samples, { rateHz: 8000, bits: 32, float: true }));
    const own = await Bundle.load(BUNDLE_FOLDER, { testSet: list });
    assert.equal(own.questions.length, 15);
    assert.equal(own.hash, bundle.hash);
    assert.match(own.testSetHash ?? '', /^[0-9a-f]{64}$/);
    const indices = own.questions.map(({ index }) => index);
    assert.equal(own.blindPrior(indices), bundle.blindPrior(indices));
    const lengths = { visual: 16, audio: 16 };
    const [ours, theirs] = [await own.encode(indices, lengths), await bundle.encode(indices, lengths)];
    ours.forEach((sent, index) => {
      for (const user of ['text', 'visual', 'audio'] as const)
        sent[user].data.forEach((value, at) =>
          assert.ok(Math.abs(value - (theirs[index]?.[user].data[at] ?? NaN)) < 1e-4, `${index} ${user}`),
        );
    });
    assert.throws(() => own.sceneImage(3), /scene is 3, allowed: 0\.\.2/);
    await own.close();
  });

  it('answers as well from sounds of another rate, depth and channel count', async () => {
    const accuracy = async (source: Bundle): Promise<number> => {
      const sent = await source.encode(
        Array.from({ length: 100 }, (_, index) => index),
        { visual: 16, audio: 16 },
      );
      const answers = await source.answer(sent.map((received, question) => ({ question, received })));
      return answers.filter(({ correct }) => correct).length;
    };
    const list = ownScenes(20, (samples) =>
      wav(resample(samples, 8000, 44100), { rateHz: 44100, bits: 24, channels: 2, extensible: true }),
    );
    const own = await Bundle.load(BUNDLE_FOLDER, { testSet: list });
    const [ours, theirs] = [await accuracy(own), await accuracy(bundle)];
    assert.ok(theirs > 80 && Math.abs(ours - theirs) <= 2, `${ours} of 100 against ${theirs}`);
    await own.close();
  });

  it('takes JSON, capital letters and question marks, and a family or none', async () => {
    ownScenes(1, (samples) => wav(samples, { rateHz: 8000 }));
    const entry = { picture: '0.png', sound: '0.wav', question: 'What digit is at the top left?', answer: 'Seven' };
    const list = write('list.json', JSON.stringify([entry, { ...entry, family: 'place' }]));
    const own = await Bundle.load(BUNDLE_FOLDER, { testSet: list });
    assert.deepEqual(
      own.questions.map(({ words, answer, family, scene }) => [words.join(' '), answer, family, scene]),
      [
        ['what digit is at the top left', 'seven', 'own', 0],
        ['what digit is at the top left', 'seven', 'place', 0],
      ],
    );
    await own.close();
  });

  it('is refused with one line that names file, field, value and what is allowed', async () => {
    ownScenes(1, (samples) => wav(samples, { rateHz: 8000 }));
    const head = 'picture,sound,question,answer\n';
    const good = '0.png,0.wav,what digit is spoken first,one\n';
    write('long.wav', wav(new Float32Array(30000), { rateHz: 8000 }));
    write('cut.wav', readFileSync(path.join(folder, '0.wav')).subarray(0, 20000));
    const adpcm = wav([0], { rateHz: 8000 });
    adpcm.writeUInt16LE(2, 20);
    write('adpcm.wav', adpcm);
    write('slow.wav', wav([0], { rateHz: 10 }));
    write('none.wav', wav([], { rateHz: 8000 }));
    write('nan.wav', wav([0, NaN], { rateHz: 8000, bits: 32, float: true }));
    write('text.wav', 'hello there, this is no sound');
    write('text.png', 'hello');
    write('cut.ppm', Buffer.from('P6\n# comment\n4 4\n255\nabc'));
    const cases: [string, string, RegExp][] = [
      ['a.csv', '', /^a\.csv: contents is empty, allowed: a header line and rows$/],
      ['a.csv', head, /^a\.csv: contents is without a question, allowed: at least one question$/],
      ['a.csv', `${head}${good}0.png,0.wav,what digit is spoken first\n`, /^a\.csv: line 3 is 3 values, allowed: 4/],
      ['a.csv', `${head}0.png,0.wav,"what digit`, /^a\.csv: line 2 is .*, allowed: CSV/],
      [
        'a.csv',
        `${head}0.png,0.wav,what digit is spoken fist,one`,
        /line 2 question is "fist", allowed: .*did you mean "first"/,
      ],
      [
        'a.csv',
        `${head}0.png,0.wav,what digit is spoken first,eleven`,
        /^a\.csv: line 2 answer is "eleven", allowed: words of bundle/,
      ],
      [
        'a.csv',
        `${head}0.png,0.wav,is ${'a '.repeat(9)},one`,
        /^a\.csv: line 2 question is 10 words, allowed: 1 to 9 words$/,
      ],
      ['a.csv', `${head}0.png,,what digit is spoken first,one`, /^a\.csv: line 2 sound is "", allowed: a text$/],
      [
        'a.csv',
        `picture,sound,question,answer,colour\n0.png,0.wav,is,one,red`,
        /^a\.csv: line 2 is with colour, allowed: picture, /,
      ],
      ['a.csv', good.replace('0.wav', '0.png') + good, /^a\.csv: line 2 picture is missing, allowed: a text$/],
      ['a.txt', head + good, /^a\.txt: name is \.txt, allowed: a \.csv or \.json file$/],
      ['a.json', '{"picture": 1}', /^a\.json: contents is object, allowed: a list of questions$/],
      ['a.json', '[{"picture": 1}]', /^a\.json: entry 0 picture is 1, allowed: a text$/],
      ['a.json', '[', /^a\.json: contents is .*, allowed: JSON$/],
      ...(
        [
          ['missing.png', 'picture', /^missing\.png: contents is missing, allowed: a readable file$/],
          [
            'text.png',
            'picture',
            /^text\.png: contents is no picture that can be read, allowed: PNG, JPEG, PGM or PPM/,
          ],
          ['cut.ppm', 'picture', /^cut\.ppm: pixels is truncated: 3 bytes, allowed: 48 bytes$/],
          ['long.wav', 'sound', /^long\.wav: length is 3\.750 s, allowed: at most 2\.048 s$/],
          ['cut.wav', 'sound', /^cut\.wav: data is truncated: \d+ bytes, allowed: 32768 bytes/],
          ['adpcm.wav', 'sound', /^adpcm\.wav: format is code 2 of 16 bits, allowed: PCM of 8, 16/],
          ['slow.wav', 'sound', /^slow\.wav: sample rate is 10 Hz, allowed: 1000 to 768000 Hz$/],
          ['none.wav', 'sound', /^none\.wav: data is empty, allowed: at least one sample$/],
          ['nan.wav', 'sound', /^nan\.wav: sample 1 is NaN, allowed: finite values$/],
          ['text.wav', 'sound', /^text\.wav: contents is no RIFF WAVE file, allowed: a WAV file$/],
        ] as const
      ).map(([file, kind, message]): [string, string, RegExp] => [
        'a.csv',
        head + good.replace(kind === 'picture' ? '0.png' : '0.wav', file),
        message,
      ]),
    ];
    for (const [file, contents, message] of cases) {
      const list = write(file, contents);
      await assert.rejects(Bundle.load(BUNDLE_FOLDER, { testSet: list }), (error: unknown) => {
        assert.ok(error instanceof TestSetError, String(error));
        assert.match(error.message, message);
        assert.ok(!error.message.includes('\n'));
        return true;
      });
    }
  });

  it('is run over the twins by task.testSet, and a bad one is named there', () => {
    const list = ownScenes(4, (samples) => wav(resample(samples, 8000, 16000), { rateHz: 16000 }));
    const smoke = readFileSync(path.join(repositoryRoot(), 'experiments', 'smoke.yml'), 'utf8')
      .replace(/bundle: .*/, 'bundle: digit-avqa\n  testSet: questions.csv')
      .replace(/snrDb: .*/, 'snrDb: [20]')
      .replace(/trialsPerPoint: .*/, 'trialsPerPoint: 20');
    const file = write('own.yml', smoke);
    const cli = (...args: string[]): { code: number | null; stdout: string; stderr: string } => {
      const main = path.join(repositoryRoot(), 'dist', 'app', 'cli', 'main.js');
      const child = spawnSync(process.execPath, [main, ...args], { cwd: folder, encoding: 'utf8' });
      return { code: child.status, stdout: child.stdout, stderr: child.stderr };
    };
    assert.match(cli('check', file).stdout, /20 questions of .*questions\.csv \(sha256 [0-9a-f]{12}\)/);
    const { code, stdout, stderr } = cli('run', file, '--out', 'run', '--json');
    assert.equal(code, 0, stderr);
    const { points } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
      points: { accuracy: number; questions: number }[];
    };
    assert.equal(points[0]?.questions, 20);
    assert.ok((points[0]?.accuracy ?? 0) > 0.6, `${points[0]?.accuracy}`);
    const document = JSON.parse(readFileSync(path.join(folder, 'run', 'run.json'), 'utf8')) as {
      bundle: { testSet: { file: string } };
    };
    assert.equal(document.bundle.testSet.file, list);
    assert.match(readFileSync(path.join(folder, 'run', 'report', 'index.html'), 'utf8'), /Own test set/);
    truncateSync(path.join(folder, '2.wav'), 1000);
    const refused = cli('check', file);
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /^.*own\.yml:\d+: task\.testSet: value "questions\.csv"; allowed a test set that can be used \(2\.wav: data is truncated[^\n]*\n$/,
    );
  });
});

describe('what a test set is made of', () => {
  it('WAV of every depth reads as the samples that were written', () => {
    const samples = tone(440, 22050, 500);
    for (const [bits, float, tolerance] of [
      [8, false, 1 / 127],
      [16, false, 1e-4],
      [24, false, 1e-6],
      [32, false, 1e-6],
      [32, true, 1e-6],
      [64, true, 1e-6],
    ] as const)
      for (const channels of [1, 3]) {
        const sound = readWav(wav(samples, { rateHz: 22050, bits, float, channels }), 'a.wav');
        assert.equal(sound.sampleRateHz, 22050);
        assert.equal(sound.samples.length, samples.length);
        samples.forEach((value, index) =>
          assert.ok(Math.abs(value - (sound.samples[index] ?? NaN)) <= tolerance, `${bits} ${float} ${channels}`),
        );
      }
    // A program that writes to a pipe cannot know the length.
    const piped = wav(samples, { rateHz: 8000 });
    piped.writeUInt32LE(0xffffffff, piped.length - samples.length * 2 - 4);
    assert.equal(readWav(piped, 'a.wav').samples.length, samples.length);
  });

  it('resampling keeps tones of the pass band in place, and removes those that would alias', () => {
    for (const fromHz of [11025, 16000, 22050, 44100, 48000, 96000]) {
      const length = fromHz / 2;
      for (const frequencyHz of [100, 1000, 3500]) {
        const found = resample(tone(frequencyHz, fromHz, length), fromHz, 8000);
        const expected = tone(frequencyHz, 8000, found.length);
        assert.equal(found.length, Math.ceil((length * 8000) / fromHz));
        const error = found.map((value, index) => value - (expected[index] ?? NaN)).subarray(200, -200);
        assert.ok(rms(error) < 1e-3 * rms(expected), `${fromHz} Hz, ${frequencyHz} Hz: ${rms(error)}`);
      }
      const alias = resample(tone(4500, fromHz, length), fromHz, 8000).subarray(200, -200);
      assert.ok(rms(alias) < 1e-3 * rms(tone(4500, fromHz, length)), `${fromHz} Hz: ${rms(alias)}`);
    }
    const upwards = resample(tone(1000, 8000, 4000), 8000, 44100).subarray(2000, -2000);
    const expected = tone(1000, 44100, 22050).subarray(2000, -2000);
    assert.ok(rms(upwards.map((value, index) => value - (expected[index] ?? NaN))) < 1e-3);
  });

  it('pictures read alike from PNG, PGM and PPM, 8 or 16 bits, and scale by area', async () => {
    const pixels = Uint8Array.from({ length: 48 }, (_, index) => (index * 37) % 256);
    const wide = Buffer.alloc(96);
    pixels.forEach((level, index) => wide.writeUInt16BE(level * 257, 2 * index));
    const colours = Buffer.from([...pixels].flatMap((level) => [level, level, level]));
    for (const bytes of [
      png(pixels, 8, 6),
      Buffer.concat([Buffer.from('P5\n# made by hand\n8 6\n255\n'), pixels]),
      Buffer.concat([Buffer.from('P5 8 6 65535\n'), wide]),
      Buffer.concat([Buffer.from('P6 8 6 255\n'), colours]),
    ]) {
      const picture = await readPicture(bytes, 'a');
      assert.deepEqual([picture.width, picture.height], [8, 6]);
      assert.deepEqual([...scalePicture(picture, 8, 6)], [...pixels]);
    }
    const large = Float32Array.from({ length: 80 * 60 }, (_, index) => (index % 80 < 40 ? 0 : 200));
    const small = scalePicture({ grey: large, width: 80, height: 60 }, 8, 6);
    assert.deepEqual([...small.subarray(0, 3)], [0, 0, 0]);
    assert.deepEqual([...small.subarray(5, 8)], [200, 200, 200]);
    assert.equal(
      [...small].reduce((sum, level) => sum + level, 0),
      8 * 6 * 100,
    );
    const red = createCanvas(2, 2);
    const context = red.getContext('2d');
    context.fillStyle = 'red';
    context.fillRect(0, 0, 1, 2);
    const { grey } = await readPicture(red.toBuffer('image/png'), 'red.png');
    assert.ok(Math.abs((grey[0] ?? 0) - 0.299 * 255) < 0.5 && grey[1] === 0, 'transparent is black');
  });
});
