export { Adadelta, type AdadeltaOptions } from './adadelta.js';
export { Adagrad, type AdagradOptions } from './adagrad.js';
export { Adam, type AdamOptions, AdamW } from './adam.js';
export { Adamax, type AdamaxOptions } from './adamax.js';
export { ASGD, type ASGDOptions } from './asgd.js';
export {
  AveragedModel,
  type AveragedModelOptions,
  ExponentialMovingAverage,
  type ExponentialMovingAverageOptions,
  type Weighted,
} from './averaging.js';
export { ParameterGroup, type ParameterGroupOptions } from './group.js';
export { LBFGS, type LBFGSOptions } from './lbfgs.js';
export { Lion, type LionOptions } from './lion.js';
export * as lrScheduler from './lr_scheduler/index.js';
export { NAdam, type NAdamOptions } from './nadam.js';
export { Optimizer } from './optimizer.js';
export { RAdam, type RAdamOptions } from './radam.js';
export { RMSprop, type RMSpropOptions } from './rmsprop.js';
export { Rprop, type RpropOptions } from './rprop.js';
export { SGD, type SGDOptions } from './sgd.js';
export type { OptimizerState } from './state_dict.js';
