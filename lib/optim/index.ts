export { Adam, type AdamOptions, AdamW } from './adam.js';
export { Optimizer, ParameterGroup, type ParameterGroupOptions } from './optimizer.js';
export { SGD, type SGDOptions } from './sgd.js';
