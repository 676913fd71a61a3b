export {
  CELU,
  ELU,
  GELU,
  GLU,
  LogSigmoid,
  LogSoftmax,
  Mish,
  SELU,
  Sigmoid,
  SiLU,
  Softmax,
  Softplus,
  Softsign,
  Tanh,
  Tanhshrink,
} from './activation.js';
export { Bilinear, type BilinearLayerOptions } from './bilinear.js';
export { Buffer, type BufferOptions } from './buffer.js';
export type { Named } from './collection.js';
export {
  type Layer,
  ModuleDict,
  ModuleList,
  ParameterDict,
  ParameterList,
  Sequential,
} from './container.js';
export { AlphaDropout, Dropout, Dropout2d, type DropoutLayerOptions } from './dropout.js';
export { Embedding, type EmbeddingLayerOptions } from './embedding.js';
export type {
  BackwardHook,
  BackwardPreHook,
  ForwardHook,
  ForwardPreHook,
  ModuleGradients,
} from './hooks.js';
export * as init from './init.js';
export { Lambda } from './lambda.js';
export { Linear, type LinearLayerOptions } from './linear.js';
export { CrossEntropyLoss, NLLLoss } from './loss.js';
export { type AnyModule, Module } from './module.js';
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
  Hardshrink,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  LeakyReLU,
  PReLU,
  type PReLUOptions,
  ReLU,
  ReLU6,
  Softshrink,
  Threshold,
} from './piecewise.js';
export {
  QuantizedLinear,
  type QuantizedLinearOptions,
  quantizeDynamic,
} from './quantized.js';
export type { LoadedKeys, LoadStateDictOptions, StateDict } from './state.js';
export {
  Summary,
  type SummaryInput,
  type SummaryOptions,
  type SummaryRow,
  summary,
} from './summary.js';
export type { CountOptions } from './tree.js';
export * as utils from './utils.js';
