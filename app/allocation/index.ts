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
export { surfaceLoss } from './analog';
export {
  checkProblem,
  readProblem,
  type AllocationProblem,
  type AnalogProblem,
  type DigitalProblem,
  type LossSurface,
} from './problem';
