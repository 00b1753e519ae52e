/** The pipe between host and radio process under the Electron at hand, whose Node may be older than the one of the tests. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describeDesktop, findElectron } from './launch';

const COUNT = 30_000;

/** Messages both ways at once; sizes such that the system's pipe is full most of the time and cuts messages anywhere. */
function flood(linkModule: string, echoModule: string, count: number): void {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- this runs in another process, as text
  const { forkRadioProcess } = require(linkModule) as typeof import('../../app/link');
  const child = forkRadioProcess(echoModule);
  let answered = 0;
  let answeredBefore = -1;
  child.onMessage(() => {
    answered++;
    if (answered < count) return;
    console.log(`${process.versions.node}: all answered`);
    child.kill();
    process.exit(0);
  });
  for (let number = 0; number < count; number++)
    void child.send({ type: 'echo', number, data: new Uint8Array(600 + ((number * 37) % 1900)) });
  setInterval(() => {
    if (answered === answeredBefore) {
      console.log(`${process.versions.node}: nothing any more after ${answered} of ${count}`);
      child.kill();
      process.exit(1);
    }
    answeredBefore = answered;
  }, 5000);
}

describeDesktop('the pipe to the radio process in Electron', function () {
  this.timeout(120_000);

  it(`carries ${COUNT} messages both ways at once without stopping`, () => {
    const electron = findElectron();
    if (typeof electron === 'string') throw new Error(electron);
    const script = `(${flood.toString()})(${JSON.stringify(path.join(__dirname, '../../app/link'))}, ${JSON.stringify(
      path.join(__dirname, '../link/echo-process.js'),
    )}, ${COUNT})`;
    const { stdout, stderr } = spawnSync(electron.executable, ['-e', script], {
      encoding: 'utf8',
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    });
    assert.match(stdout, /: all answered$/m, stdout + stderr);
  });
});
