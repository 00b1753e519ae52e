// Becomes resources/default_app.asar of the substitute Electron (see electron-dist.mjs): what `electron [-r FILE] APP`
// starts before there is an application of its own. Playwright needs -r, npm scripts need APP; nothing more is here.
'use strict';
const { app } = require('electron');
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

function fail(message) {
  console.error(message);
  process.exit(1);
}

let appFolder = null;
const preloaded = [];
for (let index = 1; index < process.argv.length && appFolder === null; index += 1) {
  const argument = process.argv[index];
  if (argument === '--version' || argument === '-v') {
    console.log(`v${process.versions.electron}`);
    process.exit(0);
  } else if (argument === '--require' || argument === '-r') preloaded.push(process.argv[(index += 1)]);
  else if (argument.startsWith('--app=')) appFolder = argument.slice('--app='.length);
  else if (!argument.startsWith('-')) appFolder = argument;
}
if (appFolder === null) fail('usage: electron [-r FILE] APP_FOLDER [arguments of the application]');
if (preloaded.length > 0) Module._preloadModules(preloaded);

// The official default application sets it too; electron itself and libraries ask it "packaged or not?".
Object.defineProperty(process, 'defaultApp', { configurable: false, enumerable: true, value: true });
const target = path.resolve(appFolder);
const packageFile = path.join(target, 'package.json');
if (fs.existsSync(packageFile)) {
  const description = JSON.parse(fs.readFileSync(packageFile, 'utf8'));
  if (description.version) app.setVersion(description.version);
  const name = description.productName ?? description.name;
  if (name) {
    app.setName(name);
    app.setDesktopName?.(description.desktopName ?? `${name}.desktop`);
  }
}
let entry = null;
try {
  entry = Module._resolveFilename(target, null, true);
} catch (error) {
  fail(`electron: no application at ${target}: ${error.message}`);
}
app.setAppPath(fs.existsSync(packageFile) ? target : path.dirname(entry));
Module._load(target, Module, true);
