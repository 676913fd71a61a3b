/** tilegrad's public interface. */
import './tensor/format.js';

export { type BackwardOptions, backward } from './autograd/backward.js';
export { type GradcheckOptions, gradcheck } from './autograd/gradcheck.js';
export { enableGrad, isGradEnabled, noGrad } from './autograd/mode.js';
export { type Batch, type Batches, type BatchOptions, batches } from './data/batches.js';
export { type IdxArray, type IdxData, parseIdx, readIdx, readIdxSync } from './data/idx.js';
export {
  loadMnist,
  loadMnistSync,
  type Mnist,
  type MnistOptions,
  type MnistSplit,
} from './data/mnist.js';
export { TensorError, type TensorErrorCode } from './errors.js';
export {
  type AbortOptions,
  type Checkpoint,
  loadSafetensors,
  loadSafetensorsSync,
  type NamedTensors,
  type SaveOptions,
  saveSafetensors,
  saveSafetensorsSync,
} from './io/checkpoint.js';
export {
  getNumThreads,
  setNumThreads,
  setSimdLevel,
  simdLevel,
  simdLevels,
} from './native/commands.js';
export * as nn from './nn/index.js';
export {
  type GeluOptions,
  gelu,
  type LeakyReluOptions,
  leakyRelu,
  relu,
  sigmoid,
  silu,
  softplus,
  tanh,
} from './ops/activation.js';
export {
  abs,
  add,
  div,
  maximum,
  minimum,
  mul,
  neg,
  reciprocal,
  sign,
  sqrt,
  square,
  sub,
} from './ops/arithmetic.js';
export { type BatchNormOptions, batchNorm } from './ops/batch_norm.js';
export {
  type CrossEntropyOptions,
  crossEntropy,
  type LossReduction,
  type NllLossOptions,
  nllLoss,
  type Targets,
} from './ops/cross_entropy.js';
export { type EpilogueActivation, type MatmulPlan, setWeightPacking } from './ops/gemm.js';
export {
  type Float32MatmulPrecision,
  getFloat32MatmulPrecision,
  setFloat32MatmulPrecision,
} from './ops/gemm_bf16.js';
export {
  type ChannelOptions,
  dequantize,
  int8Matmul,
  type QuantizedTensor,
  quantizePerChannel,
} from './ops/int8.js';
export { type LinearOptions, linear } from './ops/linear.js';
export { binaryCrossEntropyWithLogits, mseLoss } from './ops/loss.js';
export { erf, exp, log, log1p } from './ops/math.js';
export { type AddmmOptions, addmm, baddbmm, matmul, matmulPlan } from './ops/matmul.js';
export type { MatmulOptions } from './ops/matmul_bf16.js';
export {
  groupNorm,
  instanceNorm,
  layerNorm,
  type NormOptions,
  type RmsNormOptions,
  rmsNorm,
} from './ops/norm.js';
export { clone, contiguous, type TensorLike, to } from './ops/operand.js';
export {
  type DropoutOptions,
  dropout,
  Generator,
  manualSeed,
  type RandomOptions,
  rand,
  randn,
} from './ops/random.js';
export {
  amax,
  amin,
  argmax,
  expand,
  max,
  mean,
  min,
  type ReduceOptions,
  sum,
} from './ops/reduce.js';
export {
  flatten,
  permute,
  reshape,
  type SliceSpec,
  slice,
  squeeze,
  transpose,
  unsqueeze,
} from './ops/shape.js';
export { logSoftmax, softmax, softmin } from './ops/softmax.js';
export * as optim from './optim/index.js';
export {
  arange,
  empty,
  eye,
  fromTypedArray,
  full,
  ones,
  onesLike,
  type TensorOptions,
  tensor,
  zeros,
  zerosLike,
} from './tensor/creation.js';
export type { DType, TypedArray } from './tensor/dtype.js';
export type { Shape } from './tensor/shape.js';
export { type NestedArray, Tensor } from './tensor/tensor.js';
