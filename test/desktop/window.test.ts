import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describeDesktop, isAlive, launch, repository, type Launched, type LaunchOptions } from './launch';

/** app/renderer/held-key.ts, which is bundled into the page. */
const HOLD_MS = 400;

interface AxeViolation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

describeDesktop('desktop window on a fake host', function () {
  this.timeout(90_000);
  let desktop: Launched | null = null;

  async function open(options: LaunchOptions): Promise<Launched> {
    desktop = await launch(options);
    await desktop.resize(1280, 720);
    return desktop;
  }
  afterEach(async () => {
    const open = desktop;
    desktop = null;
    if (open && open.exitCode() === null) await open.close();
  });

  it('waits for the user, offers a bench of twins at the first start, and presets', async () => {
    const { page, hostLog, screenshot } = await open({ scenario: 'steady', args: ['--no-autorun'] });
    await page.getByText('Host ready').waitFor();
    await page.getByRole('button', { name: /on the twins/ }).waitFor();
    await screenshot('first-start-1280-light');
    await page.locator('#view-experiment').click();
    await page.getByText('No experiment is open').waitFor();
    await page.getByRole('button', { name: 'first-light' }).waitFor();
    await page.locator('#pane-run').click();
    await page.getByText('No results yet').waitFor();
    assert.equal(await page.locator('#start').isEnabled(), true);
    assert.equal(await page.locator('#stop').isEnabled(), false);
    assert.equal(await page.locator('#simulated').isVisible(), false);
    await screenshot('empty-1280-light');
    assert.deepEqual(hostLog(), ['started', 'attach-window']);
  });

  it('runs by itself and draws table and chart as points come in', async () => {
    const { page, app, hostLog, screenshot, resize } = await open({ scenario: 'steady', colorScheme: 'dark' });
    const rows = page.locator('#results tbody tr[data-point]');
    await page.getByText('First light: running').waitFor();
    await rows.first().waitFor();
    assert.ok((await rows.count()) < 5, 'rows come one by one');
    await page.getByText('TRANSMITTING, simulated air').waitFor();
    await page.getByText('SIMULATED RADIOS (twins)').waitFor();
    await rows.nth(2).waitFor();
    await screenshot('running-1280-dark');

    await page.getByText('First light: done').waitFor();
    assert.equal(await rows.count(), 5);
    const cells = await rows.first().locator('th, td').allTextContents();
    assert.deepEqual(cells, [
      '0.0', '0.08 ± 0.21', '0.02', '4 500', '4 496', '4 496', '55.8', '53.3–58.3', '1 500', '56.4', '43.4',
    ]); // prettier-ignore
    assert.equal(await page.getByText('Transmitter off').isVisible(), true);
    assert.match((await page.locator('#chart').getAttribute('aria-label')) ?? '', /20\.1 dB: 84\.9 %/);
    assert.ok((await countDrawnColors(desktop)) > 3, 'the chart has ink');
    await screenshot('done-1280-dark');
    await resize(1920, 1080);
    await pause(300);
    await screenshot('done-1920-dark');
    assert.deepEqual(hostLog(), ['started', 'attach-window', 'start-run']);

    const opened = await openReport(app, page);
    assert.match(opened, /fake-\d+-1\.html$/);
  });

  it('starts with the button, stops with the button', async () => {
    const { page, screenshot } = await open({ scenario: 'slow', args: ['--no-autorun'] });
    await page.getByText('Host ready').waitFor();
    await page.locator('#start').focus();
    await page.keyboard.press('Enter');
    await page.getByText('First light: running').waitFor();
    await page.locator('#results tbody tr[data-point]').first().waitFor();
    await screenshot('running-1280-light');
    await page.locator('#pause').click();
    await page.getByText('First light: paused').waitFor();
    await page.getByText('Transmitter silent, paused').waitFor();
    await screenshot('paused-1280-light');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('First light: running').waitFor();
    await page.locator('#stop').click();
    await page.getByText('First light: stopped').waitFor();
    assert.equal(await page.locator('#start').isEnabled(), true);
    assert.equal(await page.locator('#resume').isEnabled(), true, 'what was stopped can be resumed');
    await page.getByText('Transmitter off').waitFor();
  });

  it('stops everything by the button, and by Escape when it is held, not when it is tapped', async () => {
    const { page, hostLog } = await open({ scenario: 'slow', args: ['--no-autorun'] });
    const stops = (): number => hostLog().filter((line) => line === 'stop-run').length;
    await page.getByText('Host ready').waitFor();
    await page.locator('#stop-everything').click();
    await until(() => stops() === 1);
    await page.locator('#start').click();
    await page.getByText('First light: running').waitFor();
    await page.keyboard.press('Escape');
    await pause(HOLD_MS + 200);
    assert.equal(stops(), 1);
    await page.keyboard.down('Escape');
    await until(() => stops() === 2);
    await page.keyboard.up('Escape');
    await page.getByText('First light: stopped').waitFor();
  });

  it('keeps "Stop everything" in sight at every size, and needs no sideways scrolling', async () => {
    const { page, resize } = await open({ scenario: 'slow' });
    await page.getByText('TRANSMITTING, simulated air').waitFor();
    for (const [width, height] of [
      [960, 600],
      [1280, 720],
      [1920, 1080],
    ] as const) {
      await resize(width, height);
      await pause(300);
      const box = await page.locator('#stop-everything').boundingBox();
      assert.ok(box && box.x >= 0 && box.x + box.width <= width && box.y + box.height <= height, `${width} wide`);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${width} wide`);
    }
  });

  for (const colorScheme of ['light', 'dark'] as const)
    it(`has no accessibility faults that axe finds, ${colorScheme}`, async () => {
      const { page, screenshot, resize } = await open({ scenario: 'arms', colorScheme });
      await page.getByText('First light: done').waitFor();
      await page.evaluate(readFileSync(path.join(repository, 'node_modules/axe-core/axe.min.js'), 'utf8'));
      for (const view of ['experiment', 'bench', 'results', 'log']) {
        await page.locator(`#view-${view}`).click();
        if (view === 'bench') await page.locator('#find-radios').click();
        await page.locator(`#view-${view}[aria-current=page]`).waitFor();
        await pause(200);
        const faults = await page.evaluate(async () => {
          const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } };
          const { violations } = await axe.run();
          return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
        });
        assert.deepEqual(faults, [], view);
        for (const [width, height] of [
          [1280, 720],
          [1920, 1080],
          [960, 600],
        ] as const) {
          await resize(width, height);
          await pause(200);
          await screenshot(`${view}-${width}-${colorScheme}`);
        }
      }
    });

  it('finds radios on the bench, starts from there, and keeps a log that can be filtered', async () => {
    const { page, screenshot } = await open({ scenario: 'steady', args: ['--no-autorun'] });
    await page.getByText('Host ready').waitFor();
    await page.getByText('Not searched yet').waitFor();
    await screenshot('bench-empty-1280-light');
    await page.locator('#find-radios').click();
    await page.getByText('TWIN-VISUAL').waitFor();
    assert.equal(await page.locator('#radio-table tbody tr').count(), 4);
    await page.getByText('uhd: no module of this driver is installed').waitFor();
    await page.locator('#start').click();
    await page.getByText('First light: done').waitFor();
    await page.locator('#view-bench').click();
    await page.locator('#radio-table tbody tr', { hasText: /TWIN-VISUAL\s*visual/ }).waitFor();
    await screenshot('bench-1280-light');
    await page.locator('#view-log').click();
    await page.locator('#log tbody tr[data-kind=point]').nth(4).waitFor();
    assert.equal(await page.locator('#log tbody tr[data-kind=point]').count(), 5);
    await screenshot('log-1280-light');
    await page.locator('#log-kind').selectOption('run');
    assert.match(
      (await page.locator('#log tbody').textContent()) ?? '',
      /fake-.* done after 12\.3 s.*started: 7500 trials/,
    );
    await page.locator('#log-words').fill('no such words');
    await page.getByText('No entry is of this kind').waitFor();
  });

  it('says that the transmitter is silent while answers are computed', async () => {
    const { page } = await open({ scenario: 'answering' });
    await page.getByText('Transmitter silent, answering').waitFor();
    await page.getByText('computing the AWGN references').waitFor();
    assert.equal(await page.getByText('TRANSMITTING').count(), 0);
  });

  it('refuses malformed messages, says so, and goes on', async () => {
    const { page, screenshot } = await open({ scenario: 'malformed' });
    await page.getByText('First light: done').waitFor();
    const notice = page.locator('.notice[data-key=refused]');
    assert.match((await notice.textContent()) ?? '', /not of the agreed form; it was refused .*\(3 times\)/);
    assert.equal(await page.locator('#results tbody tr[data-point]').count(), 5);
    assert.equal((await page.locator('#results').textContent())?.includes('8300'), false);
    await screenshot('refused-1280-light');
    await notice.getByRole('button', { name: /Dismiss/ }).click();
    await notice.waitFor({ state: 'detached' });
  });

  it('shows every violation of an experiment file that the host refuses', async () => {
    const { page, screenshot } = await open({ scenario: 'refused' });
    await page.getByText('sweep.snrDb: 47 is outside -5 to 35').waitFor();
    await page.getByText('users: radar is unknown').waitFor();
    await screenshot('violations-1280-light');
    assert.equal(await page.locator('#start').isEnabled(), true);
  });

  it('shows a failed run', async () => {
    const { page, screenshot } = await open({ scenario: 'fail', colorScheme: 'dark' });
    await page.getByText('First light: failed').waitFor();
    await page.getByText('Run failed: radio process ended').waitFor();
    await page.getByText('Transmitter off').waitFor();
    await screenshot('failed-1280-dark');
  });

  it('survives a crash of the host in mid-run: says so, restarts the host, resumes nothing', async () => {
    const { page, hostLog, screenshot } = await open({ scenario: 'crash' });
    await page.getByText('First light: lost with the host').waitFor();
    await page.getByText('ended unexpectedly (exit code 9). It has been restarted. Nothing was resumed').waitFor();
    await page.getByText('Host ready').waitFor();
    await page.getByText('Transmitter off').waitFor();
    await screenshot('crashed-1280-light');
    await pause(1_500);
    assert.equal(hostLog().filter((line) => line === 'start-run').length, 1);
    assert.deepEqual(hostLog().slice(-2), ['started', 'attach-window']);
    assert.ok((await page.locator('#results tbody tr[data-point]').count()) > 0, 'what was measured stays in sight');
    // The restarted host is usable.
    await page.locator('#start').click();
    await page.getByText('First light: running').waitFor();
  });

  it('leaves a host off that crashes again and again, and offers the restart', async () => {
    const { page, hostLog, screenshot } = await open({ scenario: 'steady', env: { OTABENCH_FAKE_START: 'crash' } });
    await page.getByText('Host off').waitFor();
    assert.equal(hostLog().filter((line) => line === 'started').length, 4);
    assert.equal(await page.locator('#start').isEnabled(), false);
    await screenshot('off-1280-light');
    await page.getByRole('button', { name: 'Restart host' }).click();
    await page.getByText('Host off').waitFor({ state: 'detached' });
    await page.getByText('Host off').waitFor();
    assert.equal(hostLog().filter((line) => line === 'started').length, 8);
  });

  it('reports a hanging host and ends it when the window is closed', async () => {
    const { page, screenshot, close, exitCode } = await open({ scenario: 'hang', colorScheme: 'dark' });
    await page.getByText('Host silent').waitFor();
    await page.getByText('The host process has not answered for').waitFor();
    await page.getByText('Transmitter not known').waitFor();
    await screenshot('silent-1280-dark');
    const hostPid = Number(/process (\d+)/.exec((await page.locator('#host').getAttribute('title')) ?? '')?.[1]);
    const closedAtMs = Date.now();
    await close();
    assert.ok(Date.now() - closedAtMs < 15_000);
    assert.equal(isAlive(hostPid), false);
    assert.equal(exitCode(), 0);
  });

  it('brings the page back when its process crashes, with the run as it stands', async () => {
    const { page, app, hostLog } = await open({ scenario: 'slow' });
    await page.locator('#results tbody tr[data-point]').first().waitFor();
    await app.evaluate(({ BrowserWindow }) => {
      BrowserWindow.getAllWindows()[0]?.webContents.forcefullyCrashRenderer();
    });
    let name = '';
    for (let attempt = 0; attempt < 100 && name !== 'First light: running'; attempt += 1) {
      await pause(100);
      name = await shownInPage(app, '#run-name').catch(() => '');
    }
    assert.equal(name, 'First light: running');
    assert.match(await shownInPage(app, '#results tbody'), /pooled L=16/);
    assert.deepEqual(hostLog(), ['started', 'attach-window', 'start-run', 'attach-window']);
  });

  it('asks what becomes of the run when the window is closed, leaves it running, and finds it again', async () => {
    const { page, app, hostLog, answer, visible, exitCode } = await open({ scenario: 'slow' });
    await page.locator('#results tbody tr[data-point]').first().waitFor();
    const before = await page.locator('#progress').getAttribute('value');

    // Thought better of it.
    assert.match(await answer('Cancel'), /First light is still running.*simulated air.*0\.5 s.*resumed/s);
    assert.equal(await visible(), true);
    await answer('Leave it running');
    await until(async () => !(await visible()));
    await until(async () => (await page.locator('#progress').getAttribute('value')) !== before);
    assert.equal(hostLog().includes('shutdown'), false);

    // A second start of the application brings it back.
    await app.evaluate(({ app: application }) => application.emit('second-instance'));
    await until(visible);
    await page.getByText('First light: running').waitFor();
    assert.ok((await page.locator('#results tbody tr[data-point]').count()) > 0);
    assert.equal(hostLog().filter((line) => line === 'start-run').length, 1);
    await answer('Stop it and quit');
    await until(() => exitCode() !== null);
    assert.equal(hostLog().at(-1), 'shutdown');
  });

  it('asks the host to shut down when the window is closed in mid-run', async () => {
    const { page, close, hostLog } = await open({ scenario: 'slow' });
    await page.getByText('First light: running').waitFor();
    assert.equal(hostLog().includes('shutdown'), false);
    const closedAtMs = Date.now();
    const log = await close();
    assert.equal(log.at(-1), 'shutdown');
    // Far below the 8 s after which the host would have been killed: it obeyed.
    assert.ok(Date.now() - closedAtMs < 6_000);
  });
});

/** The page as main sees it: Playwright loses a page whose process has crashed. */
async function shownInPage(app: Launched['app'], selector: string): Promise<string> {
  return app.evaluate(async ({ BrowserWindow }, wanted) => {
    const script = `document.querySelector(${JSON.stringify(wanted)})?.textContent ?? ''`;
    const contents = BrowserWindow.getAllWindows()[0]?.webContents;
    return String(await contents?.executeJavaScript(script));
  }, selector);
}

/** Distinct colours in the chart's own picture. */
async function countDrawnColors(desktop: Launched | null): Promise<number> {
  if (!desktop) return 0;
  return desktop.page.locator('#chart').evaluate((canvas) => {
    if (!(canvas instanceof HTMLCanvasElement)) return 0;
    const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    const colors = new Set<number>();
    for (let at = 0; at + 3 < pixels.length; at += 4)
      if (pixels[at + 3] === 255)
        colors.add(((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0));
    return colors.size;
  });
}

/** Presses "Open report" and tells which file main would have opened. */
async function openReport(app: Launched['app'], page: Launched['page']): Promise<string> {
  await app.evaluate(({ shell }) => {
    shell.openPath = (file) => {
      Object.assign(globalThis, { openedReport: file });
      return Promise.resolve('');
    };
  });
  await page.locator('#open-report').click();
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const opened = await app.evaluate(() => (globalThis as { openedReport?: string }).openedReport);
    if (opened) return opened;
    await pause(100);
  }
  throw new Error('no report was opened');
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 400 && !(await condition()); attempt++) await pause(50);
  assert.ok(await condition());
}
