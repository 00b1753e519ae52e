import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ExperimentFiles } from '../../app/main/experiment-files';
import { parseOptions } from '../../app/main/options';
import { ReportRegister } from '../../app/main/reports';

describe('desktop command line', () => {
  it('waits for the user unless told otherwise', () => {
    assert.deepEqual(parseOptions(['/repository'], false), {
      autorun: false,
      smokeRun: false,
      experimentFile: 'experiments/first-light.yml',
      hostFile: null,
    });
    assert.equal(parseOptions(['--autorun'], false).autorun, true);
  });

  it('always runs in a smoke run', () => {
    const options = parseOptions(['--smoke-run', '--experiment=experiments/smoke.yml'], true);
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

describe('experiment files', () => {
  let folder: string;
  let asked: string[];
  let answers: { open: string | null; save: string | null; confirm: boolean };
  let files: ExperimentFiles;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-files-'));
    for (const name of ['presets', 'own', 'bundle']) mkdirSync(path.join(folder, name));
    writeFileSync(
      path.join(folder, 'presets/look.yml'),
      '# A first look. And more.\ntask: { bundle: ../bundle } # here\n',
    );
    writeFileSync(path.join(folder, 'presets/notes.txt'), 'no experiment');
    asked = [];
    answers = { open: null, save: null, confirm: false };
    files = new ExperimentFiles(path.join(folder, 'presets'), path.join(folder, 'own'), {
      openFile: () => Promise.resolve(answers.open),
      saveFile: (suggested) => {
        asked.push(suggested);
        return Promise.resolve(answers.save);
      },
      confirm: (question) => {
        asked.push(question);
        return Promise.resolve(answers.confirm);
      },
    });
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('lists presets with what they are about, and opens no other file by name', async () => {
    assert.deepEqual(files.presets(), [{ name: 'look.yml', about: 'A first look.' }]);
    assert.equal((await files.openPreset('look.yml'))?.preset, true);
    await assert.rejects(files.openPreset('../own/x.yml'), /preset: value "..\/own\/x.yml"; allowed look.yml/);
  });

  it('saves a preset under another name only, where its relative paths mean the same', async () => {
    const preset = await files.openPreset('look.yml');
    answers.save = path.join(folder, 'own/mine');
    const saved = await files.save(preset?.text ?? '', false);
    assert.deepEqual(asked, [path.join(folder, 'own/look.yml')]);
    assert.equal(saved?.file, path.join(folder, 'own/mine.yml'));
    assert.equal(saved?.preset, false);
    assert.equal(saved?.text, '# A first look. And more.\ntask: { bundle: "../bundle" } # here\n');
    assert.deepEqual(readdirSync(path.join(folder, 'own')), ['mine.yml'], 'nothing half-written stays');
    answers.save = path.join(folder, 'presets/look.yml');
    await assert.rejects(files.save('x: 1', true), /belongs to the application/);
    // Once it has a name, nobody is asked.
    asked = [];
    assert.equal((await files.save('x: 2\n', false))?.file, path.join(folder, 'own/mine.yml'));
    assert.deepEqual(asked, []);
    assert.equal(readFileSync(path.join(folder, 'own/mine.yml'), 'utf8'), 'x: 2\n');
  });

  it('asks before what is not saved is lost, and before a file that changed meanwhile is overwritten', async () => {
    answers.open = path.join(folder, 'presets/look.yml');
    await files.open();
    files.edited = true;
    assert.equal(await files.openPreset('look.yml'), null);
    assert.equal(await files.open(), null);
    assert.deepEqual(asked, Array(2).fill('look.yml has changes that are not saved.'));
    answers = { ...answers, save: path.join(folder, 'own/a.yml'), confirm: true };
    assert.notEqual(await files.open(), null);
    await files.save('a: 1\n', true);
    utimesSync(answers.save ?? '', 1, 1);
    answers.confirm = false;
    asked = [];
    assert.equal(await files.save('a: 2\n', false), null);
    assert.deepEqual(asked, ['a.yml has changed on the disk.']);
    assert.equal(readFileSync(answers.save ?? '', 'utf8'), 'a: 1\n');
  });

  it('says in one line what cannot be read or written', async () => {
    answers.open = path.join(folder, 'none.yml');
    await assert.rejects(files.open(), /none\.yml: cannot be read \(ENOENT\)/);
    answers.save = path.join(folder, 'no-such/a.yml');
    await assert.rejects(files.save('a: 1', true), /a\.yml: cannot be written \(ENOENT\)/);
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
