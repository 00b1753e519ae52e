/** docs/own-task.md is all that is used here: its script makes a bundle, its experiment file sends it over the twins. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { repositoryRoot } from '../../app/config/paths';

const PYTHON = '/usr/bin/python3';

function codeBlock(language: string): string {
  const text = readFileSync(path.join(repositoryRoot(), 'docs', 'own-task.md'), 'utf8');
  const blocks = [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))];
  assert.equal(blocks.length, 1, `${language} blocks of docs/own-task.md`);
  return blocks[0]?.[1] ?? '';
}

describe("one's own task, from its document alone", () => {
  let folder = '';
  before(function () {
    const { status } = spawnSync(PYTHON, ['-c', 'import numpy, onnx']);
    // Without python3-numpy and python3-onnx (scripts/setup --tests) there is nothing to make a bundle with.
    if (status !== 0) this.skip();
    folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-own-task-'));
    writeFileSync(path.join(folder, 'make_bundle.py'), codeBlock('python'));
    writeFileSync(path.join(folder, 'experiment.yml'), codeBlock('yaml'));
    const made = spawnSync(PYTHON, ['make_bundle.py', 'bright-loud'], { cwd: folder, encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function otabench(...args: string[]): { code: number | null; stdout: string; stderr: string; last: unknown } {
    const main = path.join(repositoryRoot(), 'dist', 'app', 'cli', 'main.js');
    const child = spawnSync(process.execPath, [main, ...args, '--json'], { cwd: folder, encoding: 'utf8' });
    const line = child.stdout.trim().split('\n').at(-1) ?? '';
    return {
      code: child.status,
      stdout: child.stdout,
      stderr: child.stderr,
      last: line === '' ? null : JSON.parse(line),
    };
  }

  it('makes a bundle that is good and leaves nothing beside it', () => {
    const { code, last, stderr } = otabench('bundles', './bright-loud');
    assert.equal(code, 0, stderr);
    const [found] = (last as { bundles: { task: string; questions: number }[] }).bundles;
    assert.deepEqual([found?.task, found?.questions], ['bright-loud', 40]);
    assert.deepEqual(readdirSync(folder).sort(), ['bright-loud', 'experiment.yml', 'make_bundle.py']);
  });

  it('answers everything without noise, and guesses where noise is all there is', () => {
    const { code, last, stderr } = otabench('evaluate', './bright-loud', '--snr', 'none,-30', '--draws', '20');
    assert.equal(code, 0, stderr);
    const [clean, buried] = (last as { rows: { accuracy: number; blindAccuracy: number }[] }).rows;
    assert.equal(clean?.accuracy, 1);
    assert.ok(clean.blindAccuracy < 0.6);
    assert.ok((buried?.accuracy ?? 1) < 0.65, `${buried?.accuracy}`);
  });

  it('goes over the air', () => {
    const { code, last, stderr } = otabench('run', 'experiment.yml', '--out', 'run');
    assert.equal(code, 0, stderr);
    const [point] = (last as { points: { accuracy: number; questions: number }[] }).points;
    assert.equal(point?.questions, 40);
    assert.ok(point.accuracy >= 0.95, `${point.accuracy}`);
  });

  it('gets a measured loss surface, and keeps its manifest when the points are bad', function () {
    // The fit needs python3-scipy (scripts/setup --tests).
    if (spawnSync(PYTHON, ['-c', 'import scipy']).status !== 0) this.skip();
    const surface = (...args: string[]): { code: number | null; text: string } => {
      const command = path.join(repositoryRoot(), 'scripts', 'surface');
      const child = spawnSync(command, ['bright-loud', ...args], { cwd: folder, encoding: 'utf8' });
      return { code: child.status, text: child.stdout + child.stderr };
    };
    assert.equal(surface('--design', 'settings.json').code, 0);
    const { stdout, stderr } = otabench('evaluate', './bright-loud', '--settings', 'settings.json', '--draws', '1');
    const points = JSON.parse(stdout || `"${stderr}"`) as { rows: { lossNats: number; visualSnrDb: number }[] };
    const bare = readFileSync(path.join(folder, 'bright-loud', 'manifest.json'), 'utf8');
    for (const [bad, message] of [
      [{ ...points, rows: points.rows.slice(0, 9) }, /rows: 9 to fit and 0 with heldOut; allowed at least 60 to fit/],
      [
        { ...points, rows: points.rows.map((row, i) => (i === 3 ? { ...row, lossNats: -1 } : row)) },
        /points\.json: rows\[3\]\.lossNats: value -1; allowed a number from 0 to 1000/,
      ],
      [{ points: [] }, /points\.json: rows: value null; allowed what `otabench evaluate/],
    ] as const) {
      writeFileSync(path.join(folder, 'points.json'), JSON.stringify(bad));
      const { code, text } = surface('--points', 'points.json');
      assert.deepEqual([code, text.trim().split('\n').length], [1, 1], text);
      assert.match(text, message);
    }
    assert.equal(readFileSync(path.join(folder, 'bright-loud', 'manifest.json'), 'utf8'), bare);
    writeFileSync(path.join(folder, 'points.json'), stdout);
    const { code, text } = surface('--points', 'points.json');
    assert.equal(code, 0, text);
    const { code: good, last } = otabench('bundles', './bright-loud');
    assert.deepEqual([good, (last as { bundles: { surface: boolean }[] }).bundles[0]?.surface], [0, true]);
    const [least, most] = [0, 1].map((end) =>
      Math[end === 0 ? 'min' : 'max'](...points.rows.map(({ lossNats }) => lossNats)),
    );
    assert.ok(least! < 0.3 && most! > 0.6, `losses from ${least} to ${most}`);
  });

  it('is refused where the experiment asks for what the bundle does not have', () => {
    const text = readFileSync(path.join(folder, 'experiment.yml'), 'utf8');
    writeFileSync(
      path.join(folder, 'wrong.yml'),
      text
        .replace('visual: { tokens: 16 }', 'visual: { tokens: 17 }')
        .replace('name: bright-loud,', 'name: digit-avqa,'),
    );
    const { code, stderr } = otabench('run', 'wrong.yml');
    assert.equal(code, 2);
    assert.match(
      stderr,
      /wrong\.yml:3: task\.name: value "digit-avqa"; allowed bright-loud, the task of bundle bright-loud/,
    );
    assert.match(stderr, /wrong\.yml:\d+: users\.visual\.tokens: value 17; allowed 1, 2, .*16 \(bundle bright-loud\)/);
  });
});
