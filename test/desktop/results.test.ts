import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeRuns } from '../../app/host/made-runs';
import { describeDesktop, launch, repository, type Launched } from './launch';

interface AxeViolation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** One window for all: every step leaves it as the next one finds it. */
describeDesktop('the Results view on the real host', function () {
  this.timeout(120_000);
  let desktop: Launched;
  let runs = '';

  before(async () => {
    desktop = await launch({ scenario: null, args: ['--no-autorun'] });
    runs = path.join(desktop.workFolder, 'runs');
    await desktop.resize(1280, 720);
    await desktop.page.getByText('Host ready').waitFor();
    await desktop.page.evaluate(readFileSync(path.join(repository, 'node_modules/axe-core/axe.min.js'), 'utf8'));
  });
  after(() => desktop.close());

  /** Screenshots of what is shown, in both themes and at three sizes; axe in both themes. */
  async function inspect(name: string): Promise<void> {
    const { page, resize, screenshot } = desktop;
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      const faults = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } };
        const { violations } = await axe.run();
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
      });
      assert.deepEqual(faults, [], `${name}, ${colorScheme}`);
      const sizes = [
        [1920, 1080],
        [960, 600],
        [1280, 720],
      ] as const;
      for (const [width, height] of colorScheme === 'light' ? sizes : sizes.slice(2)) {
        await resize(width, height);
        // The chart follows a frame later. What would need sideways scrolling never gets there.
        await page.waitForFunction(
          (wide) => window.innerWidth === wide && document.documentElement.scrollWidth <= wide,
          width,
        );
        await screenshot(`results-${name}-${width}-${colorScheme}`);
      }
    }
  }

  it('says where runs will be, as long as there are none', async () => {
    const { page } = desktop;
    await page.locator('#view-results').click();
    await page.getByText(`No run yet in ${runs}`).waitFor();
    await inspect('empty');
  });

  it('shows the runs, and at once the chart of the newest', async () => {
    const { page } = desktop;
    mkdirSync(runs);
    await makeRuns(runs, {
      runs: 12,
      trials: 500,
      distinct: 3,
      bundleFolder: path.join(repository, 'models/bundles/digit-avqa'),
    });
    mkdirSync(path.join(runs, 'half-written'));
    writeFileSync(path.join(runs, 'half-written', 'run.json'), '{"format":1');
    await page.locator('#refresh-runs').click();
    await page.locator('#runs tbody tr').nth(12).waitFor();
    await page.locator('#figures tbody tr').nth(4).waitFor();
    const broken = page.locator('#runs tr[data-state=unreadable]');
    assert.match((await broken.textContent()) ?? '', /half-written.*run\.json.*unreadable/);
    const newest = page.locator('#runs tr[data-state=done]').first();
    assert.match((await newest.textContent()) ?? '', /made-up-1.*simulated.*500.*\(\d.*n = 100, blind 31\.0, 20 dB/);
    assert.match((await page.locator('#results-chart').getAttribute('aria-label')) ?? '', /1 series, 5 points/);
    await inspect('runs');
  });

  it('lays runs over one another, and compares two of them pair by pair', async () => {
    const { page } = desktop;
    await page.locator('#runs tbody input:not(:disabled):not(:checked)').first().click();
    await page.locator('#figures tbody tr').nth(9).waitFor();
    await page.locator('#chart-fit').check();
    await page.locator('#chart-kind').selectOption('loss');
    await page.getByText('Loss against token length (simulated twins)').waitFor();
    await page.locator('#chart-kind').selectOption('accuracy');
    await page.locator('#pane-compare').click();
    await page.locator('#comparison tbody tr').nth(4).waitFor();
    assert.match((await page.locator('#comparison tbody tr').first().textContent()) ?? '', /0 dB.*±.*100/);
    await inspect('compare');
  });

  it('finds a run by its words, and keeps its tags and note', async () => {
    const { page } = desktop;
    await page.locator('#run-words').fill('made-up-7');
    await page.waitForFunction(() => document.querySelectorAll('#runs tbody tr').length === 1);
    await page.locator('#runs button.link').click();
    await page.locator('#pane-run').click();
    await page.locator('#run-tags').fill('night good');
    await page.locator('#run-note').fill('Antenna moved at three.');
    await page.locator('#save-notes').click();
    await page.locator('#runs .badge.tag', { hasText: 'night' }).waitFor();
    const run = (await page.locator('#runs tbody tr').getAttribute('data-run')) ?? '';
    const kept = JSON.parse(readFileSync(path.join(runs, run, 'notes.json'), 'utf8')) as unknown;
    assert.deepEqual(kept, { format: 1, tags: ['good', 'night'], note: 'Antenna moved at three.' });
    await page.locator('#run-words').fill('');
    await page.locator('#run-tag').selectOption('night');
    await page.waitForFunction(() => document.querySelectorAll('#runs tbody tr').length === 1);
    await inspect('run');
    await page.locator('#run-tag').selectOption('');
  });

  it('goes from a dot of the chart to its trials, and to picture, sound, question and bursts of one', async () => {
    const { page } = desktop;
    await page.locator('#pane-chart').click();
    await page.waitForFunction(() => document.querySelectorAll('#figures tbody tr').length === 5);
    await page.locator('.pane[aria-busy=false]').waitFor();
    const dot = await page.evaluate(() => {
      const canvas = document.querySelector('#results-chart') as HTMLCanvasElement;
      const { left, top } = canvas.getBoundingClientRect();
      const image = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height);
      const ratio = canvas.width / canvas.clientWidth;
      const colour = getComputedStyle(document.documentElement).getPropertyValue('--series-1').trim();
      const wanted = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
      // Inside a dot: its colour all around. From below: the lowest accuracy, where there are wrong answers.
      const is = (x: number, y: number): boolean =>
        wanted.every((value, channel) => image?.data[4 * (y * canvas.width + x) + channel] === value);
      for (let y = canvas.height - 5; y >= 4; y--)
        for (let x = 4; x < canvas.width - 4; x++)
          if (is(x, y) && is(x - 3, y) && is(x + 3, y) && is(x, y - 3) && is(x, y + 3))
            return { x: left + x / ratio, y: top + y / ratio };
      return null;
    });
    assert.ok(dot, 'a dot is drawn');
    await page.mouse.click(dot.x, dot.y);
    await page.locator('#trials tbody tr').nth(99).waitFor();
    await page.locator('#trial-answers').selectOption('wrong');
    await page.waitForFunction(() => !document.querySelector('#trials [data-verdict=right]'));
    await page.locator('#trials tbody button').first().click();
    await page.locator('#bursts').waitFor();
    assert.match((await page.locator('#trial-question').textContent()) ?? '', /\w+ \w+.*\?$/);
    assert.match((await page.locator('#trial-answer').textContent()) ?? '', /two wrong/);
    const shades = await page.evaluate(() => {
      const canvas = document.querySelector('#trial-picture') as HTMLCanvasElement;
      return new Set(canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data).size;
    });
    assert.ok(shades > 20, 'the picture has shades of grey');
    await page.locator('#play-sound').click();
    await page.locator('#play-sound', { hasText: 'Stop sound' }).waitFor();
    await page.locator('#play-sound', { hasText: 'Play sound' }).waitFor();
    await inspect('trial');
  });

  it('writes exports where the user says, and nowhere when the user says nothing', async () => {
    const { page, app, workFolder } = desktop;
    await page.locator('#back-to-runs').click();
    await page.locator('#pane-chart').click();
    await page.locator('#figures tbody tr').first().waitFor();
    const choose = (file: string): Promise<void> =>
      app.evaluate(({ dialog }, filePath) => {
        dialog.showSaveDialog = () => Promise.resolve({ canceled: filePath === '', filePath });
      }, file);
    await choose('');
    await page.locator('.exports button', { hasText: 'PNG' }).click();
    for (const [format, start] of [
      ['PNG', '\x89PNG'],
      ['SVG', '<?xml'],
      ['CSV', 'series,'],
      ['Parquet', 'PAR1'],
    ] as const) {
      const file = path.join(workFolder, `chart.${format.toLowerCase()}`);
      await choose(file);
      await page.locator('.exports button', { hasText: format }).click();
      await page.locator('.panes .done', { hasText: `Written: ${file}` }).waitFor();
      assert.equal(readFileSync(file, 'latin1').slice(0, start.length), start);
    }
    await choose(path.join(workFolder, 'absent', 'chart.svg'));
    await page.locator('.exports button', { hasText: 'SVG' }).click();
    await page.locator('.notice', { hasText: 'absent' }).waitFor();
    await page.getByRole('button', { name: /^Dismiss/ }).click();
    assert.equal(existsSync(path.join(workFolder, 'absent')), false);
  });

  it('makes and opens the report of a run that has none', async () => {
    const { page, app } = desktop;
    await app.evaluate(({ shell }) => {
      shell.openPath = (file) => {
        (globalThis as { openedReport?: string }).openedReport = file;
        return Promise.resolve('');
      };
    });
    await page.locator('#pane-run').click();
    await page.locator('#open-run-report').click();
    await page.locator('.panes .done', { hasText: 'being made' }).waitFor();
    await page.locator('.panes .done', { hasText: /^$/ }).waitFor({ state: 'attached' });
    const opened = await app.evaluate(() => (globalThis as { openedReport?: string }).openedReport);
    assert.match(opened ?? '', /made-up-\d\/report\/index\.html$/);
    assert.equal(existsSync(opened ?? ''), true);
  });

  it('says when the runs cannot be read any more, and keeps what it knew', async () => {
    const { page } = desktop;
    rmSync(runs, { recursive: true });
    writeFileSync(runs, 'not a folder');
    await page.locator('#refresh-runs').click();
    await page.getByText('The runs could not be read').waitFor();
    assert.ok((await page.locator('#runs tbody tr').count()) > 1);
    await inspect('error');
  });
});
