/** The Live and the Bench view in one window, on made-up views and radios. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describeDesktop, launch, repository, type Launched } from './launch';

const SIZES = [
  [1280, 720],
  [1920, 1080],
  [960, 600],
] as const;
const THEMES = ['light', 'dark'] as const;
const CANVASES = ['spectrum', 'waterfall', 'before', 'after', 'channel', 'carrierSnr', 'estimators', 'budget'];

interface AxeViolation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

describeDesktop('live and bench views', function () {
  this.timeout(90_000);
  let desktop: Launched;
  before(async () => {
    desktop = await launch({ scenario: 'long', args: ['--no-autorun'] });
    await desktop.resize(1280, 720);
    await desktop.page.evaluate(readFileSync(path.join(repository, 'node_modules/axe-core/axe.min.js'), 'utf8'));
  });
  after(async () => {
    await desktop.close();
  });

  const viewsShown = async (): Promise<number> =>
    Number((await desktop.page.locator('#live-latency').getAttribute('data-views')) ?? 0);
  const watches = (): number => desktop.hostLog().filter((line) => line === 'watch-live').length;

  async function look(name: string, sizes: readonly (readonly [number, number])[] = SIZES): Promise<void> {
    const { page, resize, screenshot } = desktop;
    for (const colorScheme of THEMES) {
      await page.emulateMedia({ colorScheme });
      await pause(300);
      const faults = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } };
        const { violations } = await axe.run();
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
      });
      assert.deepEqual(faults, [], `${name}, ${colorScheme}`);
      for (const [width, height] of sizes) {
        await resize(width, height);
        await pause(250);
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${name} ${width} wide`);
        await screenshot(`${name}-${width}-${colorScheme}`);
      }
      await resize(1280, 720);
    }
    await page.emulateMedia({ colorScheme: 'light' });
  }

  it('say what is missing before a run', async () => {
    const { page } = desktop;
    await page.locator('#view-live').click();
    await page.getByText('Nothing is on the air').waitFor();
    await look('live-empty', SIZES.slice(0, 1));
    await page.locator('#view-bench').click();
    await page.getByText('Not searched yet').waitFor();
    await look('bench-empty', SIZES.slice(0, 1));
  });

  it('every picture has ink, and every user its figures', async () => {
    const { page } = desktop;
    await page.locator('#start').click();
    await page.getByText('First light: running').waitFor();
    await page.locator('#view-live').click();
    await page.locator('#live-table tbody tr').nth(2).waitFor();
    await page.waitForFunction(
      () => Number(document.querySelector<HTMLElement>('#live-latency')?.dataset['views']) > 15,
    );
    assert.deepEqual(await colors(), [], 'pictures without ink');
    const cells = await page.locator('#live-table tr[data-user=visual] td').allTextContents();
    assert.equal(cells.length, 11);
    for (const text of cells) assert.match(text, /\d/, cells.join(' | '));
    assert.match((await page.locator('#live-estimators').getAttribute('aria-label')) ?? '', /of text.*genie \d/);
    await look('live');
  });

  /** Canvases with fewer than three colours. */
  async function colors(): Promise<string[]> {
    return desktop.page.evaluate((names) => {
      const count = (canvas: HTMLCanvasElement): number => {
        const { width, height } = canvas;
        const pixels = canvas.getContext('2d')?.getImageData(0, 0, width, height).data ?? new Uint8ClampedArray();
        return new Set(new Uint32Array(pixels.buffer)).size;
      };
      return names.filter((name) => {
        const canvas = document.getElementById(`live-${name}`);
        return !(canvas instanceof HTMLCanvasElement) || count(canvas) < 3;
      });
    }, CANVASES);
  }

  it('shows another user by the keyboard', async () => {
    const { page } = desktop;
    await page.locator('#live-table input').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('heading', { name: 'After the equaliser: visual' }).waitFor();
  });

  it('asks for no views while they are held, hidden behind another view, or not there', async () => {
    const { page } = desktop;
    await page.locator('#live-hold').click();
    await page.getByText('Held: the pictures stand still').waitFor();
    await pause(300);
    const held = await viewsShown();
    await pause(400);
    assert.equal(await viewsShown(), held);
    await page.locator('#live-hold').click();
    await page.waitForFunction(
      (before) => Number(document.querySelector<HTMLElement>('#live-latency')?.dataset['views']) > before,
      held,
    );
    const asked = watches();
    await page.locator('#view-log').click();
    for (let attempt = 0; attempt < 100 && watches() === asked; attempt++) await pause(20);
    assert.equal(watches(), asked + 1);
  });

  it('tells radio events in the log', async () => {
    const { page } = desktop;
    await page.locator('#log-kind').selectOption('radio');
    assert.match(
      (await page.locator('#log tbody').textContent()) ?? '',
      /TWIN-BASE rx: overflow at 1\.250000 s of its clock/,
    );
    await page.locator('#log-kind').selectOption('all');
  });

  it('health lights say it in words, and a radio tells what it can do', async () => {
    const { page } = desktop;
    await page.locator('#view-bench').click();
    const light = (serial: string, name: string): ReturnType<typeof page.locator> =>
      page.locator(`#radio-table tr[data-serial=${serial}] [data-light=${name}]`);
    assert.deepEqual(
      [
        await light('TWIN-BASE', 'Overflow').textContent(),
        await light('TWIN-BASE', 'Overflow').getAttribute('data-level'),
      ],
      ['2 ×', 'warning'],
    );
    assert.equal(await light('TWIN-TEXT', 'Overflow').textContent(), 'none');
    assert.equal(await light('TWIN-AUDIO', 'Reference').textContent(), 'not locked: ref_locked');
    assert.equal(await light('TWIN-AUDIO', 'Reference').getAttribute('data-level'), 'bad');
    assert.equal(await light('TWIN-VISUAL', 'Temperature').textContent(), '79 °C');
    assert.match(
      (await page.locator('#radio-table tr[data-serial=TWIN-TEXT]').textContent()) ?? '',
      /text.*twin \(simulated\)/,
    );
    await page.getByRole('button', { name: 'TWIN-AUDIO' }).click();
    await page.getByRole('heading', { name: 'TWIN-AUDIO' }).waitFor();
    assert.match((await page.locator('#capabilities').textContent()) ?? '', /Frequency, MHz\s*70 to 6000/);
    assert.equal(await page.locator('#inspect-radio').isDisabled(), true, 'a run has the radios');
    await page.getByText('text, visual, audio at 2450 MHz, 5 MHz wide, simulated.').waitFor();
    await look('bench');
    await page.locator('#stop').click();
    await page.getByText('First light: stopped').waitFor();
    await page.locator('#inspect-radio').click();
    for (let attempt = 0; attempt < 100 && !desktop.hostLog().includes('inspect-radio'); attempt++) await pause(20);
    assert.ok(desktop.hostLog().includes('inspect-radio'));
  });
});
