/** The package: built offline with the Electron at hand, its fuses read back, and a run on twins in it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describeDesktop, findElectron, repository, useDisplay } from './launch';

const BUILD_LIMIT_MS = 240_000;
const RUN_LIMIT_MS = 180_000;

describeDesktop('desktop package', function () {
  this.timeout(BUILD_LIMIT_MS + RUN_LIMIT_MS);
  const folder = path.join(repository, 'build/tests/package');
  const executable = path.join(folder, 'linux-unpacked/otabench');

  before(function () {
    const electron = findElectron();
    if (process.platform !== 'linux' || typeof electron === 'string') return this.skip();
    const { distFolder } = electron;
    const version = readFileSync(path.join(distFolder, 'version'), 'utf8').trim();
    const { status, stdout, stderr } = spawnSync(
      path.join(repository, 'node_modules/.bin/electron-builder'),
      [
        '--linux',
        'dir',
        `-c.electronDist=${distFolder}`,
        `-c.electronVersion=${version}`,
        `-c.directories.output=${folder}`,
      ],
      { cwd: repository, encoding: 'utf8', timeout: BUILD_LIMIT_MS },
    );
    assert.equal(status, 0, stdout + stderr);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('has its fuses set', () => {
    const { stdout } = spawnSync(
      path.join(repository, 'node_modules/.bin/electron-fuses'),
      ['read', '--app', executable],
      { encoding: 'utf8' },
    );
    for (const [fuse, state] of [
      ['OnlyLoadAppFromAsar', 'Enabled'],
      ['EnableNodeOptionsEnvironmentVariable', 'Disabled'],
      ['EnableNodeCliInspectArguments', 'Disabled'],
    ] as const)
      assert.match(stdout, new RegExp(`${fuse} is ${state}`));
  });

  it('completes a run on twins and shows it', async () => {
    const home = mkdtempSync(path.join(os.tmpdir(), 'otabench-package-'));
    try {
      const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
      const { status, stdout, stderr } = spawnSync(
        executable,
        [...root, '--disable-gpu', '--smoke-run', '--experiment=experiments/smoke.yml'],
        {
          cwd: home,
          encoding: 'utf8',
          timeout: RUN_LIMIT_MS,
          env: { ...process.env, HOME: home, DISPLAY: await useDisplay() },
        },
      );
      assert.match(stdout, /^smoke-run done: 2 points shown/m, stdout + stderr);
      assert.equal(status, 0);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
});
