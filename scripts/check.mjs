// Types, lint, formatting, import rules, C++ formatting. Runs all of them, then fails if one failed.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(path.join(path.dirname(fileURLToPath(import.meta.url)), '..'));
const git = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'native'], {
  encoding: 'utf8',
});
const cpp = git.stdout.split('\n').filter((file) => /\.(cpp|hpp|h)$/.test(file));
const bin = (name) => path.join('node_modules', '.bin', name);

const steps = [
  ['types', bin('tsc'), ['--noEmit', '-p', '.']],
  ['eslint', bin('eslint'), ['--max-warnings', '0', '.']],
  ['prettier', bin('prettier'), ['--check', '--log-level', 'warn', '.']],
  [
    'imports',
    bin('depcruise'),
    ['--config', '.dependency-cruiser.cjs', 'app', 'drivers', 'models/runtime', 'calibration', 'test'],
  ],
  ['clang-format', 'clang-format', ['--dry-run', '-Werror', ...cpp]],
];
const failed = [];
for (const [name, command, args] of steps) {
  const result = spawnSync(command, args, { stdio: 'inherit' });
  if (result.error) console.error(`${name}: ${result.error.message}`);
  console.log(`${result.status === 0 ? 'ok    ' : 'FAILED'} ${name}`);
  if (result.status !== 0) failed.push(name);
}
process.exit(failed.length === 0 ? 0 : 1);
