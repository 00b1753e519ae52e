export * from './types';
export { LinkError, type LinkErrorCode } from './errors';
export {
  inspectRadio,
  listRadios,
  RadioProcessLauncher,
  silenceRadios,
  type LauncherOptions,
  type ListedRadio,
} from './launcher';
export {
  forkRadioProcess,
  type RadioProcessListener,
  type SpawnedProcess,
  type SpawnRadioProcess,
} from './radio-process';
