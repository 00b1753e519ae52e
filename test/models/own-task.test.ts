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
