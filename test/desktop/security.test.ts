import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { describeDesktop, launch, type Launched } from './launch';

describeDesktop('desktop security settings', function () {
  this.timeout(90_000);
  let desktop: Launched;

  before(async () => {
    desktop = await launch({ scenario: 'steady', args: ['--no-autorun'] });
    await desktop.page.getByText('Host ready').waitFor();
  });
  after(async () => {
    await desktop.close();
  });

  it('isolates and sandboxes the page', async () => {
    const preferences = await desktop.app.evaluate(({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents;
      // Not in the typed API, but the only place that tells what is in force.
      return (contents as unknown as { getLastWebPreferences(): Record<string, unknown> }).getLastWebPreferences();
    });
    assert.equal(preferences['contextIsolation'], true);
    assert.equal(preferences['sandbox'], true);
    assert.equal(preferences['nodeIntegration'], false);
    assert.equal(preferences['webviewTag'], false);
  });

  it('gives the page no Node and a few functions', async () => {
    const seen = await desktop.page.evaluate(() => ({
      node: ['require', 'process', 'module', 'Buffer', 'global'].filter((name) => name in globalThis),
      api: Object.keys((globalThis as unknown as { otabench: object }).otabench).sort(),
    }));
    assert.deepEqual(seen.node, []);
    assert.deepEqual(seen.api, [
      'checkPlan',
      'continueRun',
      'describeForm',
      'exportResults',
      'findRadios',
      'inspectRadio',
      'listPresets',
      'liveDrawn',
      'onUpdate',
      'openExperiment',
      'openPreset',
      'openProblem',
      'openReport',
      'openRunReport',
      'pauseRun',
      'queryResults',
      'ready',
      'restartHost',
      'saveExperiment',
      'setEdited',
      'startRun',
      'stopEverything',
      'stopRun',
      'watchLive',
    ]);
  });

  it('runs no inline script, no eval, no remote request', async () => {
    const outcome = await desktop.page.evaluate(async () => {
      const refused = async (action: () => unknown): Promise<boolean> => {
        try {
          await action();
          return false;
        } catch {
          return true;
        }
      };
      const page = globalThis as unknown as { inlineRan?: boolean };
      const inlineRefused = await refused(() => {
        const script = document.createElement('script');
        script.textContent = 'globalThis.inlineRan = true';
        document.head.append(script);
      });
      return {
        inline: inlineRefused || page.inlineRan !== true,
        markup: await refused(() => {
          document.body.insertAdjacentHTML('beforeend', '<b>markup</b>');
        }),
        // Later, as the page itself would: what the debugger evaluates right now is exempt from the policy.
        evaluation: await refused(async () => {
          await new Promise((resolve) => setTimeout(resolve, 10));
          // eslint-disable-next-line @typescript-eslint/no-implied-eval
          return new Function('return 1');
        }),
        remote: await refused(() => fetch('https://example.com/')),
        file: await refused(() => fetch('file:///etc/passwd')),
      };
    });
    assert.deepEqual(outcome, { inline: true, markup: true, evaluation: true, remote: true, file: true });
  });

  it('denies permissions', async () => {
    const answers = await desktop.page.evaluate(async () => ({
      notification: await Notification.requestPermission(),
      camera: await navigator.mediaDevices.getUserMedia({ video: true }).then(
        () => 'granted',
        (error: unknown) => (error as DOMException).name,
      ),
    }));
    assert.equal(answers.notification, 'denied');
    assert.ok(['NotAllowedError', 'NotFoundError'].includes(answers.camera), answers.camera);
  });

  it('refuses what the page asks in another form than agreed', async () => {
    const refusals = await desktop.page.evaluate(async () => {
      const api = (globalThis as unknown as { otabench: Record<string, (value?: unknown) => unknown> }).otabench;
      const messages: string[] = [];
      for (const [name, value] of [
        ['startRun', 42],
        ['startRun', { experimentFile: '' }],
        ['startRun', { experimentFile: 'a.yml', text: 7 }],
        ['checkPlan', { check: 0.5, experimentFile: 'a.yml', text: '' }],
        ['saveExperiment', { file: '/etc/passwd' }],
        ['setEdited', 'yes'],
        ['openPreset', '../../../etc/passwd'],
        ['openReport', { run: 'x' }],
        ['openReport', '../../etc/passwd'],
        ['openRunReport', '../../etc/passwd'],
        ['queryResults', { kind: 'run', run: '../../etc' }],
        ['queryResults', { kind: 'list', limit: 1e9 }],
        ['exportResults', { what: 'chart', chart: 'accuracy', runs: ['a'], format: 'exe' }],
        ['exportResults', { what: 'trials', run: '../a', format: 'csv' }],
      ] as const) {
        try {
          await api[name]?.(value);
          messages.push(`${name} was obeyed`);
        } catch (error) {
          messages.push((error as Error).message);
        }
      }
      return messages;
    });
    assert.equal(refusals.length, 14);
    for (const message of refusals) assert.doesNotMatch(message, /was obeyed/);
    assert.match(refusals[6] ?? '', /preset: value .*; allowed .*first-light\.yml/);
    assert.match(refusals[8] ?? '', /announced no report/);
    assert.equal(desktop.hostLog().includes('start-run'), false);
  });

  it('refuses a command that does not come from the preload of this window', async () => {
    const message = await desktop.app.evaluate(async ({ BrowserWindow }) => {
      const stranger = new BrowserWindow({
        show: false,
        webPreferences: { sandbox: false, contextIsolation: false, nodeIntegration: true },
      });
      await stranger.loadURL('otabench://app/index.html');
      const outcome: unknown = await stranger.webContents.executeJavaScript(
        "require('electron').ipcRenderer.invoke('otabench:command', { type: 'restart-host' }).then(() => 'obeyed', String)",
      );
      stranger.destroy();
      return String(outcome);
    });
    assert.match(message, /not the application window/);
  });

  it('denies navigation and new windows', async () => {
    const { page, app } = desktop;
    const before = page.url();
    assert.equal(before, 'otabench://app/index.html');
    const opened = await page.evaluate(() => {
      location.href = 'https://example.com/';
      location.assign('file:///etc/passwd');
      return window.open('https://example.com/') !== null;
    });
    assert.equal(opened, false);
    await pause(500);
    // Asked in main: Playwright itself goes on waiting for a navigation that has been denied.
    const shown = await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.getURL());
    assert.equal(shown, before);
    assert.equal(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length), 1);
    assert.equal(await page.evaluate(() => document.getElementById('host-text')?.textContent), 'Host ready');
  });
});
