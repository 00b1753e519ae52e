export type * from './air';
export * from './contract';
export * from './errors';
export { loadNative, nativeFolder, twinEnvironment, twinPluginFolder } from './native';
export type {
  AdaptationQuery,
  AirSetup,
  BurstLayout,
  DigitalPlan,
  DigitalTokens,
  Native,
  NativeMedium,
  TruthQuery,
  WatchdogState,
} from './native';
export { findRadios, openRadio, transmitRefusal, type FoundRadio } from './soapy-device';
