export { GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh } from './activation.js';
export { Buffer } from './buffer.js';
export { Dropout, type DropoutLayerOptions } from './dropout.js';
export * as init from './init.js';
export { Linear, type LinearLayerOptions } from './linear.js';
export { CrossEntropyLoss, NLLLoss } from './loss.js';
export { type LoadStateDictOptions, Module, type StateDict } from './module.js';
export {
  BatchNorm1d,
  BatchNorm2d,
  type BatchNormLayerOptions,
  GroupNorm,
  type GroupNormOptions,
  InstanceNorm1d,
  InstanceNorm2d,
  LayerNorm,
  type LayerNormOptions,
  RMSNorm,
  type RMSNormOptions,
} from './norm.js';
export { Parameter } from './parameter.js';
export {
  QuantizedLinear,
  type QuantizedLinearOptions,
  quantizeDynamic,
} from './quantized.js';
export { Sequential } from './sequential.js';
