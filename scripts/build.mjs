// Transpiles every TypeScript file to dist/ (CommonJS, one file to one file) and bundles the renderer and the preload.
// Types are checked by `npm run check`; this step only has to be fast.
import { build } from 'esbuild';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);

function* typescriptFiles(folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && !entry.name.startsWith('.')) yield* typescriptFiles(file);
    } else if (/\.ts$/.test(entry.name) && !/\.d\.ts$/.test(entry.name)) yield file;
  }
}

// The page's modules (.ts) go to dist one by one as well: tests read them there.
const bundled = (file) => file.startsWith('app/preload/');
const sources = ['app', 'drivers', 'models/runtime', 'calibration', 'test'].flatMap((folder) => [
  ...typescriptFiles(folder),
]);

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: sources.filter((file) => !bundled(file)),
  outdir: 'dist',
  outbase: '.',
  format: 'cjs',
  platform: 'node',
  target: 'node18',
  sourcemap: true,
  logLevel: 'warning',
});
// A sandboxed preload may require nothing but electron, and a page has no require: both are bundled.
if (existsSync('app/preload/preload.ts'))
  await build({
    entryPoints: ['app/preload/preload.ts'],
    outfile: 'dist/app/preload/preload.js',
    bundle: true,
    external: ['electron'],
    minify: true,
    format: 'cjs',
    platform: 'node',
    target: 'node18',
    sourcemap: true,
    logLevel: 'warning',
  });
if (existsSync('app/renderer/renderer.tsx')) {
  await build({
    entryPoints: ['app/renderer/renderer.tsx'],
    outfile: 'dist/app/renderer/renderer.js',
    bundle: true,
    format: 'iife',
    platform: 'browser',
    target: 'chrome114',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    minify: true,
    sourcemap: true,
    logLevel: 'warning',
  });
  cpSync('app/renderer/index.html', 'dist/app/renderer/index.html');
  // One style sheet of all: style.css, which holds what the others build on, then a file for each view.
  const sheets = readdirSync('app/renderer').filter((file) => file.endsWith('.css') && file !== 'style.css');
  const rules = ['style.css', ...sheets].map((file) => readFileSync(path.join('app/renderer', file), 'utf8'));
  writeFileSync('dist/app/renderer/style.css', rules.join('\n'));
}
