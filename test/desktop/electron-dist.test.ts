import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describeDesktop, findElectron, repository } from './launch';

const files = ['electron-dist', 'electron-dist.mjs', 'electron-dist-default-app.cjs'];

describeDesktop('electron-dist', () => {
  it('prints a folder with an Electron at once when there is one', () => {
    const startedMs = Date.now();
    const { stdout, status } = spawnSync(path.join(repository, 'scripts/electron-dist'), { encoding: 'utf8' });
    assert.equal(status, 0);
    assert.ok(existsSync(path.join(stdout.trim(), 'version')));
    assert.ok(Date.now() - startedMs < 2_000);
  });
});

describe('electron-dist without any source', function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-electron-'));
    mkdirSync(path.join(folder, 'scripts'));
    for (const file of files) copyFileSync(path.join(repository, 'scripts', file), path.join(folder, 'scripts', file));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('takes the folder that ELECTRON_OVERRIDE_DIST_PATH names', function () {
    const electron = findElectron();
    if (typeof electron === 'string') this.skip();
    const env = { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: electron.distFolder };
    const { stdout } = spawnSync(path.join(folder, 'scripts/electron-dist'), { encoding: 'utf8', env });
    assert.equal(stdout.trim(), electron.distFolder);
  });

  it('fails with one line that names both reasons', () => {
    const { ELECTRON_OVERRIDE_DIST_PATH: _none, ...environment } = process.env;
    const env = { ...environment, npm_config_registry: 'http://127.0.0.1:9', npm_config_fetch_retries: '0' };
    const result = spawnSync(path.join(folder, 'scripts/electron-dist'), { encoding: 'utf8', env });
    assert.equal(result.status, 1);
    assert.equal(result.stdout, '');
    assert.match(result.stderr, /^electron-dist: no Electron: official binary: .+; substitute: .+\n$/);
  });
});
