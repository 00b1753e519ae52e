import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { describeDesktop, fakeHostFile, repository, useDisplay } from './launch';

interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `npm start` without the setup before it. */
async function startDesktop(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    DISPLAY: await useDisplay(),
    OTABENCH_FAKE_REPORTS: '/tmp',
    ...env,
  };
  if (environment.DISPLAY === '') delete environment.DISPLAY;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(repository, 'scripts/start-desktop.mjs'), ...args], {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('error', reject);
    child.once('close', (exitCode) => {
      resolve({ exitCode, stdout, stderr });
    });
  });
}

describeDesktop('desktop smoke run', function () {
  this.timeout(90_000);
  const fake = [`--host-file=${fakeHostFile}`, '--smoke-run'];

  it('exits 0 with one line when the run is done and the window shows it', async () => {
    const { exitCode, stdout } = await startDesktop([...fake, '--experiment=steady.yml']);
    assert.match(stdout, /^smoke-run done: 5 points shown, run 12\.3 s, report \/tmp\/fake-\d+-1\.html$/m);
    assert.equal(exitCode, 0);
  });

  it('exits 1 with the reason when the run fails', async () => {
    const { exitCode, stdout } = await startDesktop([...fake, '--experiment=fail.yml']);
    assert.match(stdout, /^smoke-run failed: radio process ended/m);
    assert.equal(exitCode, 1);
  });

  it('exits 1 when the host crashes', async () => {
    const { exitCode, stdout } = await startDesktop([...fake, '--experiment=crash.yml']);
    assert.match(stdout, /^smoke-run failed: .*exit code 9/m);
    assert.equal(exitCode, 1);
  });

  it('exits 2 with one line for a command line it cannot use', async () => {
    const { exitCode, stderr } = await startDesktop([...fake, '--experiment=']);
    assert.match(stderr, /^otabench: --experiment: needs a value/m);
    assert.equal(exitCode, 2);
  });

  it('says what to do where there is no display', async function () {
    if (process.platform !== 'linux') this.skip();
    const { exitCode, stderr } = await startDesktop(fake, { DISPLAY: '', WAYLAND_DISPLAY: '', OTABENCH_XVFB: '' });
    assert.match(stderr, /^start-desktop: no display here; .*OTABENCH_XVFB=1/);
    assert.equal(stderr.trim().split('\n').length, 1);
    assert.equal(exitCode, 1);
  });
});
