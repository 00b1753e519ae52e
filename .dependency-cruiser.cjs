// The import table of docs/architecture.md. A folder that is not named may import only itself and npm packages.
const layers = {
  'app/units': [],
  'app/config': ['app/units'],
  drivers: ['app/units', 'app/config'],
  'models/runtime': ['app/units', 'app/config'],
  'calibration/records': ['app/units'],
  'app/allocation': ['app/units', 'app/config'],
  'app/ipc': ['app/units', 'app/link/types'],
  'app/link': ['drivers', 'app/ipc', 'app/units', 'app/config'],
  'app/radio': ['app/link', 'drivers', 'app/ipc', 'app/units', 'app/config'],
  'app/experiment': [
    'calibration/records',
    'models/runtime',
    'drivers',
    'app/allocation',
    'app/link',
    'app/ipc',
    'app/units',
    'app/config',
    'app/store',
  ],
  'app/store': ['app/units', 'app/config', 'app/ipc', 'app/link/types'],
  'app/report': ['app/units', 'app/config', 'app/store', 'app/ipc'],
  'app/host': ['app/(allocation|experiment|store|report|link|ipc|units|config)', 'drivers', 'models/runtime'],
  'app/cli': ['app/(host|allocation|experiment|store|report|link|ipc|units|config)', 'drivers', 'models/runtime'],
  'app/main': ['app/ipc', 'app/units'],
  'app/preload': ['app/ipc', 'app/units'],
  'app/renderer': ['app/ipc', 'app/units'],
};
const allowedOf = (folder, allowed) => [folder, ...allowed].map((name) => `^${name}(/|\\.|$)`).join('|');

module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^electron$|\\.node$' } },
    ...Object.entries(layers).map(([folder, allowed]) => ({
      name: `layer-${folder.replace('/', '-')}`,
      severity: 'error',
      from: { path: `^${folder}/` },
      to: { path: '^(app|drivers|models|calibration|test)/', pathNot: allowedOf(folder, allowed) },
    })),
    {
      // Implementations are put together in the composition roots alone; the engine sees types.
      name: 'experiment-sees-types-of-models',
      severity: 'error',
      from: { path: '^app/experiment/' },
      to: { path: '^(models|drivers)/', dependencyTypesNot: ['type-only'] },
    },
    { name: 'nothing-imports-tests', severity: 'error', from: { pathNot: '^test/' }, to: { path: '^test/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|build)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
  },
};
