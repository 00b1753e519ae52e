import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describeDesktop, isAlive, launch, repository, type Launched } from './launch';

/** All there is: models, twins, engine, run folder, report, window. */
describeDesktop('desktop on the real host', function () {
  this.timeout(240_000);
  const RUN_LIMIT_MS = 180_000;
  let desktop: Launched | null = null;

  afterEach(async () => {
    const open = desktop;
    desktop = null;
    if (open && open.exitCode() === null) await open.close();
  });

  async function openRun(experiment: string): Promise<Launched> {
    desktop = await launch({ scenario: null, args: [`--experiment=experiments/${experiment}.yml`] });
    await desktop.resize(1280, 720);
    await desktop.page.locator('#run-name', { hasText: 'running' }).waitFor({ timeout: 60_000 });
    return desktop;
  }

  it('runs the smoke experiment on twins, draws it, and offers its report', async () => {
    const { page, screenshot, workFolder } = await openRun('smoke');
    await page.getByText('SIMULATED RADIOS (twins)').waitFor();
    await page.locator('#results tbody tr[data-point]').first().waitFor({ timeout: RUN_LIMIT_MS });
    await screenshot('real-running-1280-light');
    await page.locator('#run-name', { hasText: 'done' }).waitFor({ timeout: RUN_LIMIT_MS });
    const rows = page.locator('#results tbody tr[data-point]');
    assert.ok((await rows.count()) > 0);
    for (const row of await rows.all()) {
      const cells = await row.locator('th, td').allTextContents();
      const [requestedDb, measuredDb, trueDb] = cells
        .slice(0, 3)
        .map((text) => Number.parseFloat(text.replace('−', '-')));
      assert.ok(Math.abs((measuredDb ?? NaN) - (trueDb ?? NaN)) < 1, `measured against true in ${cells.join(' | ')}`);
      assert.ok(
        Math.abs((measuredDb ?? NaN) - (requestedDb ?? NaN)) < 3,
        `measured against requested in ${cells.join(' | ')}`,
      );
      for (const text of cells.slice(6)) assert.match(text, /\d/, `a figure is missing in ${cells.join(' | ')}`);
    }
    assert.equal(await page.locator('.notice').count(), 0);
    assert.equal(await page.locator('#open-report').isEnabled(), true);
    await screenshot('real-done-1280-light');
    const [run] = readdirSync(path.join(workFolder, 'runs'));
    assert.ok(run !== undefined && existsSync(path.join(workFolder, 'runs', run, 'stop.json')));
  });

  it('brings a run of thousands of trials to its end, every trial in the table', async () => {
    const TRIALS = 2000;
    const file = path.join(repository, 'build/tests/long-run.yml');
    mkdirSync(path.dirname(file), { recursive: true });
    const smoke = readFileSync(path.join(repository, 'experiments/smoke.yml'), 'utf8');
    const longer = smoke
      .replace('bundle: ../', `bundle: ${repository}/`)
      .replace('snrDb: [0, 20]', 'snrDb: [20]')
      .replace('trialsPerPoint: 96', `trialsPerPoint: ${TRIALS}`)
      .replace('awgnDraws: 2', 'awgnDraws: 1');
    writeFileSync(file, longer);
    desktop = await launch({ scenario: null, args: [`--experiment=${file}`] });
    const { page, workFolder } = desktop;
    await page.locator('#run-name', { hasText: /: (done|stopped|failed|lost)/ }).waitFor({ timeout: RUN_LIMIT_MS });
    assert.deepEqual(await page.locator('.notice').allTextContents(), []);
    const cells = await page.locator('#results tbody tr[data-point]').locator('th, td').allTextContents();
    assert.equal(cells[3], '6 000', 'three bursts a trial');
    assert.equal(cells[8], '2 000');
    const [run = ''] = readdirSync(path.join(workFolder, 'runs'));
    const trials = readFileSync(path.join(workFolder, 'runs', run, 'trials.jsonl'), 'utf8').match(/"kind":"trial"/g);
    assert.equal(trials?.length, TRIALS);
  });

  it('stop everything in mid-run: no radio process is left, and the run says that it was stopped', async () => {
    const { page, workFolder } = await openRun('first-light');
    await page.getByText('TRANSMITTING, simulated air').waitFor();
    const title = (await page.locator('#host').getAttribute('title')) ?? '';
    const radioPids = childrenOf(Number(/process (\d+)/.exec(title)?.[1]));
    assert.ok(radioPids.length > 0);
    await page.keyboard.down('Escape');
    await page.getByText('Transmitter off').waitFor();
    assert.deepEqual(radioPids.filter(isAlive), []);
    await page.locator('#run-name', { hasText: 'stopped' }).waitFor();
    await page.getByText('Host ready').waitFor();
    const [run = ''] = readdirSync(path.join(workFolder, 'runs'));
    const stop = readFileSync(path.join(workFolder, 'runs', run, 'stop.json'), 'utf8');
    assert.equal((JSON.parse(stop) as { outcome: unknown }).outcome, 'stopped');
  });

  it('host killed in mid-run: window says so, host is restarted, nothing resumes by itself, the user can resume', async () => {
    const { page, workFolder } = await openRun('first-light');
    await page.locator('#results tbody tr[data-point]').first().waitFor({ timeout: RUN_LIMIT_MS });
    const title = (await page.locator('#host').getAttribute('title')) ?? '';
    const hostPid = Number(/process (\d+)/.exec(title)?.[1]);
    const radioPids = childrenOf(hostPid);
    assert.ok(radioPids.length > 0, 'the host has a radio process');
    process.kill(hostPid, 'SIGKILL');
    await page.locator('#run-name', { hasText: 'lost with the host' }).waitFor();
    await page.getByText('Nothing was resumed').waitFor();
    await page.getByText('Host ready').waitFor();
    await pause(2_000);
    // The watchdog of 500 ms has ended it: nothing transmits any more.
    assert.deepEqual(radioPids.filter(isAlive), []);
    await page.getByText('Transmitter off').waitFor();
    const runs = readdirSync(path.join(workFolder, 'runs'));
    assert.equal(runs.length, 1);
    const folder = path.join(workFolder, 'runs', runs[0] ?? '');
    assert.equal(existsSync(path.join(folder, 'stop.json')), false);
    JSON.parse(readFileSync(path.join(folder, 'run.json'), 'utf8'));

    const done = readFileSync(path.join(folder, 'trials.jsonl'), 'utf8').match(/"kind":"trial"/g)?.length ?? 0;
    await page.locator('#resume').click();
    await page.locator('#run-name', { hasText: 'running' }).waitFor({ timeout: RUN_LIMIT_MS });
    const trials = async (): Promise<number> =>
      Number(((await page.locator('.figures dd').first().textContent()) ?? '').split(' of ')[0]?.replace(/\D/g, ''));
    while ((await trials()) <= done) await pause(100);
    assert.deepEqual(readdirSync(path.join(workFolder, 'runs')), runs, 'the same run folder');
  });

  it('window closed in mid-run: the run is stopped and its folder closed', async () => {
    const { page, workFolder, close } = await openRun('first-light');
    await page.locator('#results tbody tr[data-point]').first().waitFor({ timeout: RUN_LIMIT_MS });
    let outcome: unknown = null;
    await close(() => {
      const [run] = readdirSync(path.join(workFolder, 'runs'));
      const stop = readFileSync(path.join(workFolder, 'runs', run ?? '', 'stop.json'), 'utf8');
      outcome = (JSON.parse(stop) as { outcome: unknown }).outcome;
    });
    assert.equal(outcome, 'stopped');
  });
});

function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  return stdout.split('\n').filter(Boolean).map(Number);
}
