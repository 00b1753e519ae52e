/** Real Electron for tests: where it is, a virtual display where there is none, start and end of the application. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';

export const repository = path.resolve(__dirname, '../../..');
export const fakeHostFile = path.join(repository, 'dist/test/desktop/fake-host.js');
const screenshotFolder = path.join(repository, 'build/screenshots');
/** Two busy cores start Electron slowly. */
const LAUNCH_LIMIT_MS = 60_000;

export interface ElectronAtHand {
  readonly executable: string;
  readonly distFolder: string;
}

let atHand: ElectronAtHand | string | null = null;

/** Electron, or the reason why there is none here. */
export function findElectron(): ElectronAtHand | string {
  atHand ??= lookForElectron();
  return atHand;
}

function lookForElectron(): ElectronAtHand | string {
  const dist = spawnSync(path.join(repository, 'scripts/electron-dist'), { encoding: 'utf8' });
  if (dist.status !== 0) return dist.stderr.trim().split('\n').at(-1) ?? 'no Electron';
  const hasDisplay = process.platform !== 'linux' || process.env['DISPLAY'] !== undefined;
  if (!hasDisplay && spawnSync('sh', ['-c', 'command -v Xvfb']).status !== 0) return 'no display and no Xvfb';
  const distFolder = dist.stdout.trim();
  return { executable: path.join(distFolder, 'electron'), distFolder };
}

/** A suite that needs Electron; where there is none its tests are pending and the title says why. */
export function describeDesktop(title: string, suite: (this: Mocha.Suite) => void): void {
  const electron = findElectron();
  if (typeof electron === 'string') describe.skip(`${title} (skipped: ${electron})`, suite);
  else describe(title, suite);
}

let display: Promise<string> | null = null;

/** The display of this machine, or one virtual display for the whole test process. */
export function useDisplay(): Promise<string> {
  display ??= process.env['DISPLAY'] ? Promise.resolve(process.env['DISPLAY']) : startVirtualDisplay();
  return display;
}

function startVirtualDisplay(): Promise<string> {
  return new Promise((resolve, reject) => {
    const server = spawn('Xvfb', ['-displayfd', '1', '-screen', '0', '2600x1500x24', '-nolisten', 'tcp'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    server.stdout.once('data', (number: Buffer) => {
      resolve(`:${number.toString().trim()}`);
    });
    server.once('error', reject);
    server.once('exit', (code) => {
      reject(new Error(`Xvfb ended with exit code ${code}`));
    });
    process.once('exit', () => server.kill());
    server.unref();
  });
}

export interface LaunchOptions {
  /** What the fake host does; null: the real host. */
  readonly scenario: string | null;
  /** A run starts by itself, unless `--no-autorun` is among them. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly colorScheme?: 'light' | 'dark';
}

export interface Launched {
  readonly app: ElectronApplication;
  readonly page: Page;
  /** Lines that the fake host wrote: `started` and the commands it got. */
  readonly hostLog: () => string[];
  /** Null while the application is there. */
  readonly exitCode: () => number | null;
  readonly resize: (width: number, height: number) => Promise<void>;
  readonly screenshot: (name: string) => Promise<void>;
  /**
   * Closes the window and answers the question that comes with this button.
   * @returns what was asked
   */
  readonly answer: (button: string) => Promise<string>;
  /** The window is there to be seen. */
  readonly visible: () => Promise<boolean>;
  /** Where the host puts run folders; removed by `close`. */
  readonly workFolder: string;
  /**
   * Closes the window as a user does and waits until the application is gone. Returns the last host log.
   * @param inspect called before the work folder is removed.
   */
  readonly close: (inspect?: () => void) => Promise<string[]>;
}

export async function launch(options: LaunchOptions): Promise<Launched> {
  const electron = findElectron();
  if (typeof electron === 'string') throw new Error(electron);
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'otabench-desktop-'));
  const logFile = path.join(scratch, 'host.log');
  const { ELECTRON_RUN_AS_NODE: _unwanted, ...environment } = process.env;
  const app = await _electron.launch({
    executablePath: electron.executable,
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      `--user-data-dir=${path.join(scratch, 'profile')}`,
      repository,
      ...(options.scenario === null ? [] : [`--host-file=${fakeHostFile}`, `--experiment=${options.scenario}.yml`]),
      ...(options.args?.includes('--no-autorun') ? [] : ['--autorun']),
      ...(options.args ?? []).filter((argument) => argument !== '--no-autorun'),
    ],
    cwd: scratch,
    env: {
      ...(environment as Record<string, string>),
      DISPLAY: await useDisplay(),
      OTABENCH_FAKE_LOG: logFile,
      OTABENCH_FAKE_REPORTS: scratch,
      ...options.env,
    },
    colorScheme: options.colorScheme ?? 'light',
    timeout: LAUNCH_LIMIT_MS,
  });
  const child = app.process(); // cannot be asked for once the application has ended
  const page = await app.firstWindow();
  const ended = new Promise<void>((resolve) => app.once('close', () => resolve()));
  return {
    app,
    page,
    exitCode: () => child.exitCode,
    hostLog: () => readLines(logFile),
    resize: (width, height) =>
      app.evaluate(
        ({ BrowserWindow }, size) => {
          BrowserWindow.getAllWindows()[0]?.setContentSize(size.width, size.height);
        },
        { width, height },
      ),
    screenshot: async (name) => {
      mkdirSync(screenshotFolder, { recursive: true });
      await page.screenshot({ path: path.join(screenshotFolder, `${name}.png`) });
    },
    workFolder: scratch,
    answer: async (button) => {
      const asked = await app.evaluate(({ BrowserWindow, dialog }, wanted) => {
        return new Promise<string>((resolve, reject) => {
          dialog.showMessageBox = (...given: unknown[]) => {
            const { message, detail, buttons } = given.at(-1) as { message: string; detail: string; buttons: string[] };
            const response = buttons.indexOf(wanted);
            if (response < 0) reject(new Error(`no button ${wanted} among ${buttons.join(', ')}`));
            resolve(`${message} ${detail}`);
            // After the answer to this call is out, else the call itself fails when the application ends.
            return new Promise((settle) => setTimeout(() => settle({ response, checkboxChecked: false }), 100));
          };
          BrowserWindow.getAllWindows()[0]?.close();
        });
      }, button);
      // While it is being answered, the window asks nothing else.
      await pause(250);
      return asked;
    },
    visible: () => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible() === true),
    close: async (inspect) => {
      await app.evaluate(({ BrowserWindow, dialog }) => {
        // Whatever is asked: the run may be stopped (1), the changes discarded (0).
        dialog.showMessageBox = ((...asked: unknown[]) =>
          Promise.resolve({
            response: (asked.at(-1) as { buttons: string[] }).buttons.length === 3 ? 1 : 0,
          })) as typeof dialog.showMessageBox;
        // After the answer to this call is out, else the call itself fails when the application ends.
        setTimeout(() => BrowserWindow.getAllWindows()[0]?.close(), 0);
      });
      await ended;
      const log = readLines(logFile);
      try {
        inspect?.();
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
      return log;
    },
  };
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

/** A process that has ended but was not reaped (containers whose first process reaps nothing) does not count. */
export function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z');
}
