/**
 * How fast and how steady the Live view is: `npm run test:long` (an hour; `-- --minutes 10` for less).
 *
 * The window shows all Live charts at 20 views a second from the fake host. Printed every minute: views shown, from the
 * host's sending to the screen (median and 95 %), the busy share of the page's main thread (TaskDuration of the DevTools
 * protocol: processor time, whatever else the machine does), the page's heap after a collection, and the memory of page
 * and host. Ends with 1 where memory grows: the last third of the minutes against the third before it. Speed is printed
 * and not judged: it depends on what else the machine does.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findElectron, launch } from '../desktop/launch';

const MEGABYTE = 2 ** 20;
/** Growth from one third of the time to the next that is none: collections come when they like. */
const TOLERATED_SHARE = 0.05;
const TOLERATED_HEAP_MB = 2;

interface Minute {
  readonly minute: number;
  readonly viewsPerS: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly busyPercent: number;
  readonly heapMb: number;
  readonly pageMb: number;
  readonly hostMb: number;
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } });
  const minutes = Number(values.minutes);
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > 1440) {
    console.error(`--minutes: value ${values.minutes}; allowed whole numbers from 1 to 1440`);
    return 2;
  }
  const electron = findElectron();
  if (typeof electron === 'string') {
    console.error(`skipped: ${electron}`);
    return 0;
  }
  const desktop = await launch({ scenario: 'long' });
  const { page, app } = desktop;
  await desktop.resize(1280, 720);
  await page.getByText('First light: running').waitFor();
  await page.locator('#view-live').click();
  await page.locator('#live-table tbody tr').first().waitFor();
  const devTools = await page.context().newCDPSession(page);
  // Processor time of the thread: on a machine with other work wall time says nothing.
  await devTools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const measured = async (): Promise<{ tasksS: number; views: number; atMs: number }> => {
    const { metrics } = await devTools.send('Performance.getMetrics');
    const tasksS = metrics.find(({ name }) => name === 'TaskDuration')?.value ?? NaN;
    const views = Number(await page.locator('#live-latency').getAttribute('data-views'));
    return { tasksS, views, atMs: Date.now() };
  };
  const rows: Minute[] = [];
  console.log('minute  views/s  on screen after, ms (95 %)  main thread busy  heap MB  page MB  host MB');
  await pause(5_000);
  for (let minute = 1; minute <= minutes; minute++) {
    const before = await measured();
    await pause(60_000);
    const after = await measured();
    const seconds = (after.atMs - before.atMs) / 1000;
    await devTools.send('HeapProfiler.collectGarbage');
    const { usedSize } = await devTools.send('Runtime.getHeapUsage');
    const figures = page.locator('#live-latency');
    const memoryKb = await app.evaluate(({ app: application }) => {
      const of = (wanted: (type: string) => boolean): number =>
        application
          .getAppMetrics()
          .filter(({ type }) => wanted(type))
          .reduce((sum, { memory }) => sum + memory.workingSetSize, 0);
      return { page: of((type) => type === 'Tab'), host: of((type) => type === 'Utility') };
    });
    const row: Minute = {
      minute,
      viewsPerS: (after.views - before.views) / seconds,
      medianMs: Number(await figures.getAttribute('data-median-ms')),
      p95Ms: Number(await figures.getAttribute('data-p95-ms')),
      busyPercent: (100 * (after.tasksS - before.tasksS)) / seconds,
      heapMb: usedSize / MEGABYTE,
      pageMb: memoryKb.page / 1024,
      hostMb: memoryKb.host / 1024,
    };
    rows.push(row);
    const { viewsPerS, medianMs, p95Ms, busyPercent, heapMb, pageMb, hostMb } = row;
    console.log(
      `${String(minute).padStart(6)}  ${viewsPerS.toFixed(1).padStart(7)}  ${`${medianMs} (${p95Ms})`.padStart(26)}  ` +
        `${`${busyPercent.toFixed(1)} %`.padStart(16)}  ${heapMb.toFixed(1).padStart(7)}  ${pageMb.toFixed(0).padStart(7)}  ${hostMb.toFixed(0).padStart(7)}`,
    );
  }
  await desktop.close();
  return judge(rows);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function judge(rows: readonly Minute[]): number {
  const third = Math.floor(rows.length / 3);
  if (third === 0) return 0;
  let code = 0;
  for (const [field, toleratedMb] of [
    ['heapMb', TOLERATED_HEAP_MB],
    ['pageMb', 0],
    ['hostMb', 0],
  ] as const) {
    const of = (from: number, to: number): number => median(rows.slice(from, to).map((row) => row[field]));
    const [earlier, later] = [of(rows.length - 2 * third, rows.length - third), of(rows.length - third, rows.length)];
    const limit = earlier * (1 + TOLERATED_SHARE) + toleratedMb;
    const grows = later > limit;
    if (grows) code = 1;
    console.log(`${field}: ${earlier.toFixed(1)} then ${later.toFixed(1)}${grows ? ', grows' : ', flat'}`);
  }
  return code;
}

void main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
