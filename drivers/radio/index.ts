export * from './contract';
export * from './errors';
export { loadNative, nativeFolder, twinEnvironment, twinPluginFolder } from './native';
export type { AirPath, AirSetup, BurstLayout, Native, NativeMedium, Tap, TruthQuery, WatchdogState } from './native';
export { findRadios, openRadio, transmitRefusal, type FoundRadio } from './soapy-device';
