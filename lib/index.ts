/** tilegrad's public interface. */
import './tensor/format.js';

export { backward, type BackwardOptions } from './autograd/backward.js';
export { gradcheck, type GradcheckOptions } from './autograd/gradcheck.js';
export { enableGrad, isGradEnabled, noGrad } from './autograd/mode.js';
export { TensorError, type TensorErrorCode } from './errors.js';
export {
  type EpilogueActivation,
  getNumThreads,
  setNumThreads,
  setSimdLevel,
  simdLevel,
  simdLevels,
} from './native/commands.js';
export * as nn from './nn/index.js';
export {
  abs,
  add,
  div,
  erf,
  exp,
  gelu,
  log,
  log1p,
  maximum,
  minimum,
  mul,
  neg,
  reciprocal,
  relu,
  sigmoid,
  sign,
  softplus,
  sqrt,
  square,
  sub,
  tanh,
} from './ops/elementwise.js';
export { binaryCrossEntropyWithLogits, crossEntropy, mseLoss } from './ops/loss.js';
export { linear, type LinearOptions, matmul } from './ops/matmul.js';
export { clone, contiguous, type TensorLike, to } from './ops/operand.js';
export {
  dropout,
  type DropoutOptions,
  Generator,
  manualSeed,
  rand,
  randn,
  type RandomOptions,
} from './ops/random.js';
export { amax, amin, argmax, expand, max, mean, min, type ReduceOptions, sum } from './ops/reduce.js';
export {
  flatten,
  permute,
  reshape,
  slice,
  type SliceSpec,
  squeeze,
  transpose,
  unsqueeze,
} from './ops/shape.js';
export { logSoftmax, softmax } from './ops/softmax.js';
export * as optim from './optim/index.js';
export {
  arange,
  empty,
  eye,
  fromTypedArray,
  full,
  ones,
  onesLike,
  tensor,
  type TensorOptions,
  zeros,
  zerosLike,
} from './tensor/creation.js';
export type { DType, TypedArray } from './tensor/dtype.js';
export type { Shape } from './tensor/shape.js';
export { type NestedArray, Tensor } from './tensor/tensor.js';
