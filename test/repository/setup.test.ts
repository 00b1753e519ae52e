import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.join(__dirname, '..', '..', '..');

/** Runs a copy of scripts/setup where the named commands are replaced by shell scripts. */
function runSetup(options: readonly string[], shims: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(path.join(tmpdir(), 'otabench-setup-'));
  try {
    cpSync(path.join(root, 'scripts', 'setup'), path.join(folder, 'scripts', 'setup'));
    cpSync(path.join(root, 'scripts', 'apt'), path.join(folder, 'scripts', 'apt'), { recursive: true });
    const bin = path.join(folder, 'bin');
    mkdirSync(bin);
    for (const [name, body] of Object.entries(shims)) {
      writeFileSync(path.join(bin, name), `#!/bin/sh\n${body}\n`);
      chmodSync(path.join(bin, name), 0o755);
    }
    return spawnSync('bash', [path.join(folder, 'scripts', 'setup'), ...options], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('scripts/setup', () => {
  // Everything is installed but libfftw3-dev (the package asked for is the last argument).
  const dpkgWithoutFftw = 'for last; do :; done; case "$last" in libfftw3-dev*) ;; *) printf installed ;; esac';

  it('without root names the exact line to run for what is missing, and fails', () => {
    const result = runSetup([], { id: 'echo 1000', 'dpkg-query': dpkgWithoutFftw });
    assert.equal(result.status, 1);
    assert.match(result.stderr, /run: {2}sudo apt-get install -y --no-install-recommends libfftw3-dev$/m);
  });

  it('takes a library under its 64-bit time_t name', () => {
    const shim = 'for last; do :; done; case "$last" in libasound2|libfftw3-dev*) ;; *) printf installed ;; esac';
    const result = runSetup(['--desktop'], { id: 'echo 1000', 'dpkg-query': shim });
    assert.match(result.stderr, /libfftw3-dev/);
    assert.doesNotMatch(result.stderr, /libasound2/);
  });

  it('stops when apt-get fails', () => {
    const result = runSetup([], { id: 'echo 0', 'dpkg-query': dpkgWithoutFftw, 'apt-get': 'exit 100' });
    assert.equal(result.status, 1);
    assert.match(result.stderr, /apt-get update failed/);
  });

  it('refuses an unknown option and an old Node', () => {
    const unknown = runSetup(['--destkop'], {});
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /unknown option --destkop; allowed: --desktop/);
    const old = runSetup([], { node: 'if [ "$1" = --version ]; then echo v18.20.0; else exit 1; fi' });
    assert.equal(old.status, 1);
    assert.match(old.stderr, /Node v18\.20\.0; allowed: 20\.19 or newer/);
  });
});

describe('package-lock.json', () => {
  it('names no registry', () => {
    assert.doesNotMatch(readFileSync(path.join(root, 'package-lock.json'), 'utf8'), /"resolved"/);
  });
});
