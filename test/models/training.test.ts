/** What training does when something goes wrong; the training itself is scripts/train. Needs PyTorch (scripts/setup --training). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { repositoryRoot } from '../../app/config/paths';

const PYTHON = '/usr/bin/python3';
const TRAINING = path.join(repositoryRoot(), 'models', 'training');

describe('training that goes wrong', () => {
  let folder = '';
  before(function () {
    this.timeout(60_000);
    if (spawnSync(PYTHON, ['-c', 'import torch, onnx, scipy']).status !== 0) this.skip();
    folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-training-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function python(code: string): { code: number | null; stdout: string; stderr: string } {
    const child = spawnSync(PYTHON, ['-c', code, folder], {
      encoding: 'utf8',
      env: { ...process.env, PYTHONPATH: TRAINING, PYTHONDONTWRITEBYTECODE: '1' },
    });
    return { code: child.status, stdout: child.stdout, stderr: child.stderr };
  }

  it('stops at a loss or a gradient that is not finite, says where, and keeps the parameters', () => {
    for (const [loss, message] of [
      ['weight.sum() * float("nan")', 'stage 2: loss is nan at step 3 of 10; allowed: finite\n'],
      // The root of 0 has an infinite slope though its value is finite.
      ['(weight * 0).sum().sqrt()', 'stage 2: gradient norm is nan at step 3 of 10; allowed: finite\n'],
    ] as const) {
      const { code, stdout, stderr } = python(`
import atexit, torch
from digit_avqa.optimise import Schedule
weight = torch.nn.Parameter(torch.ones(3))
schedule = Schedule("stage 2", [weight], 10, 0.1)
for step in range(2):
    schedule.apply(step, weight.square().sum())
before = weight.detach().clone()
atexit.register(lambda: print(bool((weight == before).all()), flush=True))
schedule.apply(2, ${loss})
`);
      assert.equal(code, 1);
      assert.equal(stderr, message);
      assert.equal(stdout.trim().split('\n').at(-1), 'True');
    }
  });

  it('leaves the bundle that was there, and nothing half written, when the disk is full', () => {
    const { code, stderr } = python(`
import errno, os, sys
from pathlib import Path
from digit_avqa.cache import whole_folder
out = Path(sys.argv[1]) / "bundle"
with whole_folder(out) as folder:
    (folder / "a").write_text("first")
with whole_folder(out) as folder:
    (folder / "a").write_text("half")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
`);
    assert.equal(code, 1);
    assert.match(stderr, /^\S+bundle: could not be written: No space left on device; what was there is as it was\n$/);
    assert.deepEqual(readdirSync(folder), ['bundle']);
    assert.equal(readFileSync(path.join(folder, 'bundle', 'a'), 'utf8'), 'first');
  });

  it('keeps no half result of a step, and takes up finished ones after a kill', () => {
    const run = (work: string): { code: number | null; stdout: string; stderr: string } =>
      python(`
import os, signal, sys
from pathlib import Path
from digit_avqa.cache import Steps
steps = Steps(Path(sys.argv[1]) / "cache")
class Full:
    def __reduce__(self):
        raise OSError(28, "No space left on device")
def kill():
    os.kill(os.getpid(), signal.SIGKILL)
first = steps.run("first", lambda: print("first works", flush=True) or 7, {}, [], [])
print(steps.run("second", lambda: ${work}, {}, [], ["first"]))
`);
    assert.match(run('kill()').stdout, /first works/);
    const full = run('Full()');
    assert.equal(full.code, 1);
    assert.match(full.stderr, /^second: its result could not be kept in \S+cache: No space left on device\n$/);
    const files = readdirSync(path.join(folder, 'cache'));
    assert.ok(files.length === 1 && /^first-.*\.pickle$/.test(files[0] ?? ''), files.join());
    const { stdout } = run('first + 1');
    assert.ok(!stdout.includes('first works') && stdout.trim().endsWith('8'), stdout);
  });
});
