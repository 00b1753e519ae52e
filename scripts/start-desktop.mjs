// Starts the desktop on whatever Electron can be had. What follows on the command line goes to the application:
//   node scripts/start-desktop.mjs [--autorun] [--smoke-run] [--experiment=FILE]
// With OTABENCH_XVFB=1 and no display it brings a virtual one along (tests, headless machines).
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');

function fail(message) {
  console.error(`start-desktop: ${message}`);
  process.exit(1);
}

if (!existsSync(path.join(root, 'dist/app/main/main.js'))) fail('the application is not built; run: npm run build');
const dist = spawnSync(process.execPath, [path.join(root, 'scripts/electron-dist.mjs')], {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
});
if (dist.status !== 0) process.exit(1);
const distFolder = dist.stdout.trim();
const executables = { win32: 'electron.exe', darwin: 'Electron.app/Contents/MacOS/Electron' };
const executable = path.join(distFolder, executables[process.platform] ?? 'electron');

const switches = [];
// Chromium's own sandbox refuses to work as root.
if (process.getuid?.() === 0) switches.push('--no-sandbox');
else if (process.platform === 'linux') warnOfDeniedNamespaces();

/** Ubuntu since 23.10 denies unprivileged user namespaces, which the sandbox needs unless its helper is setuid root. */
function warnOfDeniedNamespaces() {
  const restricted = ['/proc/sys/kernel/apparmor_restrict_unprivileged_userns', '1'];
  const switchedOff = ['/proc/sys/kernel/unprivileged_userns_clone', '0'];
  const denied = [restricted, switchedOff].some(
    ([file, value]) => existsSync(file) && readFileSync(file, 'utf8').trim() === value,
  );
  const helper = path.join(distFolder, 'chrome-sandbox');
  if (!denied || !existsSync(helper)) return;
  const { uid, mode } = statSync(helper);
  if (uid === 0 && (mode & 0o4000) !== 0) return;
  console.error(
    `start-desktop: this system may deny Chromium's sandbox; if no window opens, run: sudo chown root:root '${helper}' && sudo chmod 4755 '${helper}'`,
  );
}
let command = executable;
let before = [];
const needsDisplay = process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY;
if (needsDisplay) {
  if (process.env.OTABENCH_XVFB !== '1')
    fail(
      'no display here; run it in a desktop session, or with OTABENCH_XVFB=1 on a virtual one, or: npm run experiment',
    );
  if (spawnSync('sh', ['-c', 'command -v xvfb-run']).status !== 0)
    fail('OTABENCH_XVFB=1 needs xvfb-run; install it: apt-get install -y xvfb xauth');
  switches.push('--disable-gpu');
  command = 'xvfb-run';
  before = ['-a', '-s', '-screen 0 1920x1200x24', executable];
}
const child = spawn(command, [...before, ...switches, root, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: distFolder },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => fail(error.message));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
