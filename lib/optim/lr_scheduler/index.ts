export {
  ChainedScheduler,
  SequentialLR,
  WarmupLR,
  type WarmupLROptions,
} from './containers.js';
export {
  CosineAnnealingLR,
  type CosineAnnealingLROptions,
  CosineAnnealingWarmRestarts,
  type CosineAnnealingWarmRestartsOptions,
} from './cosine.js';
export { CyclicLR, type CyclicLROptions } from './cyclic.js';
export {
  ConstantLR,
  type ConstantLROptions,
  ExponentialLR,
  type GammaOptions,
  LinearLR,
  type LinearLROptions,
  MultiStepLR,
  PolynomialLR,
  type PolynomialLROptions,
  StepLR,
} from './factors.js';
export { LambdaLR, type LrLambda, MultiplicativeLR } from './lambda.js';
export type { MomentumCycleOptions } from './momentum.js';
export { OneCycleLR, type OneCycleLROptions } from './one_cycle.js';
export { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from './plateau.js';
export { LRScheduler } from './scheduler.js';
export type { SchedulerState } from './state.js';
export { SWALR, type SWALROptions } from './swa.js';
