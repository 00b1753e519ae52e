/** The experiment editor on the real host: form, text and check; files; a run that is stopped and resumed. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { describeDesktop, launch, repository, type Launched } from './launch';

/** A bundle is loaded for the first check, on two busy cores. */
const CHECK_LIMIT_MS = 90_000;

interface AxeViolation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

describeDesktop('experiment editor on the real host', function () {
  this.timeout(240_000);
  let desktop: Launched;
  let page: Page;

  before(async () => {
    desktop = await launch({ scenario: null, args: ['--no-autorun', '--experiment=experiments/smoke.yml'] });
    page = desktop.page;
    await desktop.resize(1280, 720);
    await page.locator('#view-experiment').click();
    await verdict('good');
  });
  after(async () => {
    await desktop.close();
  });

  const verdict = (wanted: 'good' | 'bad'): Promise<void> =>
    page.locator(`#verdict[data-verdict=${wanted}]`).waitFor({ timeout: CHECK_LIMIT_MS });
  const field = (at: string): Locator => page.locator(`[data-path="${at}"] :is(input, select)`);
  const code = (): Locator => page.locator('#code-editor .cm-content');
  /** Into the text, where a line says this: the rest of that line is typed anew. */
  async function retype(line: string, rest: string): Promise<void> {
    await code().getByText(line).first().click();
    await page.keyboard.press('End');
    await page.keyboard.press('Shift+Home');
    await page.keyboard.type(rest);
  }
  /** What the dialogs of main answer next. */
  const answerDialogs = (file: string, response: number): Promise<void> =>
    desktop.app.evaluate(
      ({ dialog }, { chosen, button }) => {
        dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath: chosen });
        dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [chosen] });
        dialog.showMessageBox = () => Promise.resolve({ response: button, checkboxChecked: false });
      },
      { chosen: file, button: response },
    );

  it('says what the plan would do: duration, transmit power, trials', async () => {
    const figures = (await page.locator('.check-figures').textContent()) ?? '';
    assert.match(figures, /Duration, about\d.*Trials\d.*Transmit power, simulatedat most 10 dBm/);
    assert.match((await page.locator('#start').textContent()) ?? '', /^Start smoke$/);
  });

  it('writes a field of the form into the text, comments kept, and checks it', async () => {
    const shipped = readFileSync(path.join(repository, 'experiments/smoke.yml'), 'utf8');
    const [first = ''] = shipped.split('\n');
    await field('questions.trialsPerPoint').fill('4000');
    await field('seed').fill('7e6'); // a line that is in sight: the editor draws no others
    await code().getByText('seed: 7e6').waitFor();
    await page.getByText('edited, not saved').waitFor();
    await verdict('good');
    await page.locator('.check-figures').getByText('8 000').waitFor();
    assert.ok(((await code().textContent()) ?? '').startsWith(first), 'the comment stays');
  });

  it('marks what is wrong in the form, in the text and by its line, while one types', async () => {
    await retype('seed: 7e6', 'seed: many');
    await verdict('bad');
    await page.locator('#violations li', { hasText: /line 4seed: value "many"; allowed an integer/ }).waitFor();
    assert.equal(await field('seed').inputValue(), 'many');
    assert.equal(await field('seed').getAttribute('aria-invalid'), 'true');
    assert.equal(await page.locator('#start').isEnabled(), true, 'the host has the last word');
    await page.locator('#code-editor .cm-lint-marker-error').first().waitFor();
    await desktop.screenshot('editor-violation-1280-light');
    await page.locator('#violations button').first().click();
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'code-editor', 'it leads to the line');
    await field('seed').fill('7');
    await verdict('good');
  });

  it('saves a preset under another name, and asks before it drops what is not saved', async () => {
    const mine = path.join(desktop.workFolder, 'mine.yml');
    await answerDialogs(mine, 1);
    await page.locator('#save').click();
    await page.locator('#file-name', { hasText: 'mine.yml' }).waitFor();
    await page.getByText('edited, not saved').waitFor({ state: 'detached' });
    const saved = readFileSync(mine, 'utf8');
    assert.match(saved, /trialsPerPoint: 4000/);
    assert.match(saved, /^#/, 'with its comments');
    await verdict('good'); // its bundle's path was written anew
    await field('seed').fill('77');
    await page.getByText('edited, not saved').waitFor();
    await page.locator('#presets').selectOption('first-light.yml'); // answered: cancel
    await page.locator('#file-name', { hasText: 'mine.yml' }).waitFor();
    assert.equal(await field('seed').inputValue(), '77');
    await page.locator('#save').click();
    await page.getByText('edited, not saved').waitFor({ state: 'detached' });
    assert.match(readFileSync(mine, 'utf8'), /seed: 77/);
  });

  it('starts, pauses, continues and stops the run, and resumes it where it was', async () => {
    const answered = async (): Promise<number> =>
      Number(((await page.locator('.figures dd').first().textContent()) ?? '').split(' of ')[0]?.replace(/\D/g, ''));
    await page.locator('#start').click();
    await page.locator('#run-name', { hasText: 'running' }).waitFor({ timeout: CHECK_LIMIT_MS });
    await page.locator('#results tbody tr[data-point]').first().waitFor({ timeout: CHECK_LIMIT_MS });
    await page.locator('#pause').click();
    await page.locator('#run-name', { hasText: ': paused' }).waitFor();
    await page.getByText('Transmitter silent, paused').waitFor();
    const atPause = await answered();
    await page.waitForTimeout(1_000);
    // The model still answers what was received before.
    const later = await answered();
    assert.ok(later - atPause <= 3 * 64, `${later - atPause} trials in a pause`);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.locator('#run-name', { hasText: 'running' }).waitFor();
    await page.locator('#stop').click();
    await page.locator('#run-name', { hasText: 'stopped' }).waitFor({ timeout: CHECK_LIMIT_MS });
    // Offered by the check too, which knows it by its plan.
    await page.locator('#pane-plan').click();
    await page.locator('#resume-unfinished').waitFor({ timeout: CHECK_LIMIT_MS });
    await desktop.screenshot('editor-unfinished-1280-light');
    await page.locator('#resume').click();
    await page.locator('#run-name', { hasText: 'running' }).waitFor({ timeout: CHECK_LIMIT_MS });
    assert.ok((await answered()) > 0, 'it begins with what was done');
    await page.locator('#stop').click();
    await page.locator('#run-name', { hasText: 'stopped' }).waitFor({ timeout: CHECK_LIMIT_MS });
    assert.equal(readdirSync(path.join(desktop.workFolder, 'runs')).length, 1, 'the same run folder');
  });

  it('opens a file of the user, and says where it is no YAML', async () => {
    const broken = path.join(desktop.workFolder, 'broken.yml');
    writeFileSync(broken, 'name: [broken\nseed: 1\n');
    await answerDialogs(broken, 0);
    await page.locator('#pane-plan').click();
    await page.locator('#open-file').click();
    await verdict('bad');
    await page.getByText('The text is not valid YAML.').waitFor();
    await page.locator('#violations li', { hasText: /line \d+not valid YAML/ }).waitFor();
    await page.locator('#presets').selectOption('first-light.yml');
    await verdict('good');
  });

  for (const colorScheme of ['light', 'dark'] as const)
    it(`has no accessibility faults that axe finds, ${colorScheme}`, async () => {
      await page.emulateMedia({ colorScheme });
      await page.evaluate(readFileSync(path.join(repository, 'node_modules/axe-core/axe.min.js'), 'utf8'));
      const faults = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } };
        const { violations } = await axe.run();
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
      });
      assert.deepEqual(faults, []);
      for (const [width, height] of [
        [1280, 720],
        [1920, 1080],
        [960, 600],
      ] as const) {
        await desktop.resize(width, height);
        await page.waitForTimeout(200);
        await desktop.screenshot(`editor-${width}-${colorScheme}`);
      }
      await desktop.resize(1280, 720);
    });
});
