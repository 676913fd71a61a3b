export { GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh } from './activation.js';
export { Buffer } from './buffer.js';
export { Dropout, type DropoutLayerOptions } from './dropout.js';
export { Embedding, type EmbeddingLayerOptions } from './embedding.js';
export * as init from './init.js';
export { Linear, type LinearLayerOptions } from './linear.js';
export { type LoadStateDictOptions, Module, type StateDict } from './module.js';
export { Parameter } from './parameter.js';
export {
  QuantizedLinear,
  type QuantizedLinearOptions,
  quantizeDynamic,
} from './quantized.js';
export { Sequential } from './sequential.js';
