// Runs every test (ctest, ctest under AddressSanitizer, mocha) and ends with one line: N passed, N failed, N skipped.
// Usage: node scripts/test.mjs [--native | --mocha] [mocha options]
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(path.join(path.dirname(fileURLToPath(import.meta.url)), '..'));
const args = process.argv.slice(2);
const only = args.find((arg) => arg === '--native' || arg === '--mocha');
const mochaArgs = args.filter((arg) => arg !== only);
const total = { passed: 0, failed: 0, skipped: 0 };

/** Runs a command, shows its output as it comes and returns it with the exit code. */
function run(title, command, commandArgs, env = {}) {
  console.log(`\n== ${title}`);
  return new Promise((resolve) => {
    const child = spawn(command, commandArgs, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      process.stdout.write(chunk);
    });
    child.on('error', (error) => resolve({ code: 1, output: String(error) }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** Adds what a runner counted; a runner that failed without counting a failure counts as one. */
function count({ code, output }, passed, failed, skipped) {
  const last = (pattern) => Number([...output.matchAll(pattern)].at(-1)?.[1] ?? 0);
  const failures = last(failed);
  total.passed += last(passed);
  total.failed += failures === 0 && code !== 0 ? 1 : failures;
  total.skipped += last(skipped);
}

async function ctest(title, buildFolder) {
  const result = await run(title, 'ctest', ['--test-dir', buildFolder, '--output-on-failure', '--no-tests=error']);
  const summary = /(\d+) tests failed out of (\d+)/.exec(result.output);
  const failed = summary ? Number(summary[1]) : 1;
  total.failed += failed === 0 && result.code !== 0 ? 1 : failed;
  const skipped = [...result.output.matchAll(/\*\*\*Skipped/g)].length;
  total.skipped += skipped;
  total.passed += summary ? Number(summary[2]) - failed - skipped : 0;
}

if (only !== '--mocha') {
  await ctest('native tests', 'build/native');
  if (!existsSync('build/sanitize/build.ninja')) {
    const configured = spawnSync(
      'cmake',
      ['-S', 'native', '-B', 'build/sanitize', '-G', 'Ninja', '-DOTABENCH_SANITIZE=ON', '-DOTABENCH_ADDON=OFF'],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    if (configured.status !== 0) console.error('the AddressSanitizer build could not be configured');
  }
  const built = await run('building with AddressSanitizer', 'ninja', ['-C', 'build/sanitize', '--quiet']);
  if (built.code !== 0) total.failed += 1;
  else await ctest('native tests under AddressSanitizer', 'build/sanitize');
}
if (only !== '--native') {
  const result = await run('mocha', process.execPath, [
    '--enable-source-maps',
    'node_modules/mocha/bin/mocha.js',
    '--exit',
    // Mocha colours its output where CI is set, terminal or not; the counts are read from it.
    '--no-color',
    '--timeout',
    '120000',
    'dist/test/**/*.test.js',
    ...mochaArgs,
  ]);
  count(result, /^\s*(\d+) passing/gm, /^\s*(\d+) failing/gm, /^\s*(\d+) pending/gm);
}
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
