/** Who gets how much bandwidth and power, and how many tokens. Pure functions; docs/allocation.md. */
export {
  allocate,
  ANALOG_METHODS,
  DIGITAL_METHODS,
  METHODS,
  type AllocateOptions,
  type Allocation,
  type UserAllocation,
} from './allocate';
export { BURST, burstAirTimeS, ofdmSymbols, overheadSamples, scheduleAirTimeS, type ScheduledBurst } from './air-time';
export { bandsInOrder, binsTaken, chooseBands, windowBinsOf } from './bands';
export {
  DEFAULT_TERMS,
  TERM_CHOICES,
  type BenchTerms,
  type BenchUser,
  type LossFit,
  type ModelTerms,
} from './bench-terms';
export {
  bandOf,
  channelDistanceDb,
  effectiveGain,
  GAIN_AVERAGES,
  gainAtPowerDb,
  powerAtGainW,
  userChannels,
  type GainAverage,
  type PowerScale,
  type SoundedBurst,
  type UserChannel,
} from './channel';
export { decide, type DecidedUser, type Decision } from './decide';
export { fitExponential, type ExponentialFit } from './loss-fit';
export { chooseMcs, fitRate, type McsChoice, type McsEntry, type RateFit } from './mcs';
export { predict, type BenchPrediction, type Prediction, type UserPrediction, type UserSetting } from './predict';
export { CHANNEL_MODELS, simulatedChannels, type ChannelModel, type SimulatedChannels } from './simulated-channel';
export { surfaceLoss } from './analog';
export {
  checkProblem,
  readProblem,
  type AllocationProblem,
  type AnalogProblem,
  type DigitalProblem,
  type LossSurface,
} from './problem';
