import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findBundle } from '../../app/config/bundle-folders';
import { repositoryRoot } from '../../app/config/paths';
import { Bundle, BUNDLE_LIMIT_BYTES, type LossSurface } from '../../models/runtime';
import { BUNDLE_FOLDER, BundleCopy } from './bundle-copy';

const CLI = path.join(repositoryRoot(), 'dist', 'app', 'cli', 'main.js');

interface Listed {
  readonly folder: string;
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly name?: string;
  readonly modelBytes?: number;
}

describe('otabench bundles', () => {
  let own = '';
  let copy: BundleCopy;
  beforeEach(() => {
    own = mkdtempSync(path.join(os.tmpdir(), 'otabench-own-'));
    copy = new BundleCopy();
  });
  afterEach(() => {
    copy.remove();
    rmSync(own, { recursive: true, force: true });
  });

  function bundles(...args: string[]): { code: number | null; stdout: string; stderr: string } {
    const env = { ...process.env, OTABENCH_BUNDLES: own };
    const child = spawnSync(process.execPath, [CLI, 'bundles', ...args], { encoding: 'utf8', cwd: own, env });
    return { code: child.status, stdout: child.stdout, stderr: child.stderr };
  }
  function listed(...args: string[]): { code: number | null; found: readonly Listed[]; stderr: string } {
    const { code, stdout, stderr } = bundles('--json', ...args);
    return { code, found: (JSON.parse(stdout) as { bundles: Listed[] }).bundles, stderr };
  }

  it("lists the committed bundle and the user's own, and takes a name for a folder", () => {
    cpSync(BUNDLE_FOLDER, path.join(own, 'mine'), { recursive: true });
    mkdirSync(path.join(own, '.mine.123.tmp'));
    const { code, found } = listed();
    assert.equal(code, 0);
    assert.deepEqual(
      found.map(({ folder, ok }) => [folder, ok]),
      [
        [path.join(own, 'mine'), true],
        [BUNDLE_FOLDER, true],
      ],
    );
    assert.ok((found[0]?.modelBytes ?? Infinity) < BUNDLE_LIMIT_BYTES);
    assert.equal(listed('mine').found.length, 1);
    const text = bundles('digit-avqa').stdout;
    assert.match(text, /^digit-avqa: good\n/);
    assert.match(text, /licence {3}pictures: CC-BY-SA-3\.0/);
    // What a run does with task.bundle: a path beside the file before a name.
    assert.equal(findBundle('mine', '/nowhere', [own]), path.join(own, 'mine'));
    assert.equal(findBundle('mine', own, ['/nowhere']), path.join(own, 'mine'));
    assert.equal(findBundle('../mine', path.join(own, 'x'), []), path.join(own, 'mine'));
  });

  it('names what is wrong with a bundle, one line each, and exits with 1', () => {
    const bad = new Map<string, { line: RegExp; damage: (folder: string) => void }>([
      ['empty', { line: /manifest\.json: contents is missing, allowed: a readable file$/, damage: () => undefined }],
      [
        'newer',
        {
          line: /manifest\.json: schemaVersion is 7, allowed: 1 \(the bundle is newer than this program\)$/,
          damage: (folder) => writeFileSync(path.join(folder, 'manifest.json'), '{"schemaVersion": 7}'),
        },
      ],
      [
        'torn',
        {
          line: /manifest\.json: \(root\) is .*, allowed: JSON$/,
          damage: (folder) =>
            writeFileSync(
              path.join(folder, 'manifest.json'),
              readFileSync(path.join(BUNDLE_FOLDER, 'manifest.json')).subarray(0, 5000),
            ),
        },
      ],
    ]);
    for (const [name, { damage }] of bad) {
      mkdirSync(path.join(own, name));
      damage(path.join(own, name));
    }
    const { code, found, stderr } = listed();
    assert.equal(code, 1);
    const lines = stderr.trim().split('\n');
    assert.equal(lines.length, bad.size);
    for (const [name, { line }] of bad) {
      const entry = found.find(({ folder }) => folder === path.join(own, name));
      assert.equal(entry?.ok, false);
      assert.equal(entry.problems.length, 1);
      assert.match(entry.problems[0] ?? '', line);
      assert.ok(lines.includes(`otabench: ${entry.folder}: ${entry.problems[0]}`));
    }
    assert.equal(found.find(({ name }) => name === 'digit-avqa')?.ok, true);
  });

  it('finds stray files, missing licences and a bundle beyond the limit', () => {
    writeFileSync(copy.path('answer-model.onnx.tmp'), '');
    copy.editManifest((manifest) => {
      manifest.licences = manifest.licences.filter(({ what }) => what !== 'sounds');
      manifest.reference = undefined;
    });
    copy.replace('reference.f32', Buffer.alloc(BUNDLE_LIMIT_BYTES));
    const { code, found } = listed(copy.folder);
    assert.equal(code, 1);
    assert.match(
      found[0]?.problems.join('\n') ?? '',
      /^manifest\.json: files is \d{8} bytes besides test samples, allowed: at most 10000000\nmanifest\.json: files is without answer-model\.onnx\.tmp.*\nmanifest\.json: licences is without one whose "what" names sounds.*$/,
    );
  });

  it('refuses a name that is no bundle with exit code 2', () => {
    const { code, stderr } = bundles('digit-avqb');
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^bundles BUNDLE: value "digit-avqb"; allowed a folder with manifest\.json, or a name in [^\n]+\n$/,
    );
  });

  it('loads a manifest without what training adds, and refuses lengths beyond the patches', async () => {
    copy.editManifest((manifest) => {
      for (const field of ['offlineAccuracy', 'blindPrior', 'training', 'reference', 'seeds', 'preset'])
        delete manifest[field];
      manifest.task = 'my-task';
    });
    const bundle = await Bundle.load(copy.folder);
    assert.equal(bundle.task, 'my-task');
    await bundle.close();
    copy.editManifest((manifest) => {
      manifest.users.audio.allowedTokens.push(65);
    });
    await assert.rejects(
      Bundle.load(copy.folder),
      /users\.audio\.allowedTokens\.63 is 65, allowed: integers from 1 to 64/,
    );
  });

  it('reads a loss surface as allocation takes it, and refuses one whose sizes do not fit', async () => {
    const surface: LossSurface = {
      unit: 'nats',
      users: {
        visual: {
          loss: { a: 0.6, b: 0.2, c: 0.1 },
          lossSnrDb: 10,
          surface: { form: 'exponential', snrDb: [-5, 20], a: [1, 0.5], b: [0.1, 0.2], c: [0.8, 0.1] },
        },
        audio: {
          loss: { a: 0.4, b: 0.3, c: 0.15 },
          lossSnrDb: 10,
          surface: {
            form: 'table',
            snrDb: [0, 10],
            lengths: [2, 16, 64],
            loss: [
              [2, 1.5, 1.2],
              [1.5, 0.8, 0.4],
            ],
          },
        },
      },
      rmsError: { loss: 0.05, surface: 0.01 },
      points: [
        {
          visualTokens: 16,
          audioTokens: 16,
          visualSnrDb: 10,
          audioSnrDb: 10,
          textSnrDb: 10,
          loss: 0.3,
          accuracy: 0.9,
          questions: 500,
          heldOut: false,
        },
      ],
    };
    copy.editManifest((manifest) => {
      manifest.surface = surface;
    });
    const bundle = await Bundle.load(copy.folder);
    assert.deepEqual(bundle.manifest.surface, surface);
    await bundle.close();
    for (const [change, message] of [
      [(users) => (users.audio.loss.b = -0.3), /surface\.users\.audio\.loss\.b is -0\.3, allowed: /],
      [
        (users) => (users.visual.surface.snrDb = [20, -5]),
        /visual\.surface\.snrDb is \[20,-5\], allowed: rising numbers$/,
      ],
      [
        (users) => (users.visual.surface.snrDb = [0]),
        /visual\.surface\.a is \[1,0\.5\], allowed: one number for each of 1 snrDb$/,
      ],
      [
        (users) => (users.audio.surface.snrDb = [0, 1, 2]),
        /audio\.surface\.loss is .*, allowed: 3 rows \(snrDb\) of 3 numbers/,
      ],
    ] as [(users: LossSurface['users']) => void, RegExp][]) {
      const changed = structuredClone(surface);
      change(changed.users);
      copy.editManifest((manifest) => {
        manifest.surface = changed;
      });
      await assert.rejects(Bundle.load(copy.folder), message);
    }
  });
});
