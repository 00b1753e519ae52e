import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseOptions } from '../../app/main/options';
import { ReportRegister } from '../../app/main/reports';

describe('desktop command line', () => {
  it('runs first-light by itself unless told otherwise', () => {
    assert.deepEqual(parseOptions(['/repository'], false), {
      autorun: true,
      smokeRun: false,
      experimentFile: 'experiments/first-light.yml',
      hostFile: null,
    });
    assert.equal(parseOptions(['--no-autorun'], false).autorun, false);
  });

  it('always runs in a smoke run', () => {
    const options = parseOptions(['--smoke-run', '--no-autorun', '--experiment=experiments/smoke.yml'], true);
    assert.equal(options.autorun, true);
    assert.equal(options.smokeRun, true);
    assert.equal(options.experimentFile, 'experiments/smoke.yml');
  });

  it('leaves switches of Chromium alone and names a flag without value', () => {
    assert.doesNotThrow(() => parseOptions(['--no-sandbox', '--user-data-dir=/tmp/x', '--inspect=0'], false));
    assert.throws(() => parseOptions(['--experiment='], false), /--experiment: needs a value/);
    assert.throws(() => parseOptions(['--experiment'], false), /--experiment: needs a value/);
  });

  it('takes no other host in a package', () => {
    assert.equal(parseOptions(['--host-file=h.js'], false).hostFile, 'h.js');
    assert.throws(() => parseOptions(['--host-file=h.js'], true), /not in a packaged application/);
  });
});

describe('report register', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-reports-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('gives out what was announced and is there', () => {
    const register = new ReportRegister();
    const file = path.join(folder, 'report.html');
    writeFileSync(file, '<!doctype html>');
    register.announce('run-1', file);
    assert.equal(register.find('run-1'), file);
  });

  it('refuses an unknown run, another kind of file, and a missing one', () => {
    const register = new ReportRegister();
    register.announce('script', path.join(folder, 'report.sh'));
    register.announce('gone', path.join(folder, 'report.html'));
    assert.throws(() => register.find('run-1'), /announced no report/);
    assert.throws(() => register.find('script'), /not an HTML report/);
    assert.throws(() => register.find('gone'), /not there any more/);
  });
});
