/** tilegrad's public interface. */
import './tensor/format.js';

export { type BackwardOptions, backward } from './autograd/backward.js';
export { type GradOptions, grad } from './autograd/grad.js';
export { type GradcheckOptions, gradcheck } from './autograd/gradcheck.js';
export { enableGrad, isGradEnabled, noGrad } from './autograd/mode.js';
export { keep, tidy } from './autograd/tidy.js';
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
  celu,
  type EluOptions,
  elu,
  type GeluOptions,
  gelu,
  type LeakyReluOptions,
  leakyRelu,
  logSigmoid,
  mish,
  relu,
  type SoftplusOptions,
  selu,
  sigmoid,
  silu,
  softplus,
  softsign,
  tanh,
  tanhshrink,
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
  rsqrt,
  sign,
  sqrt,
  square,
  sub,
} from './ops/arithmetic.js';
export { type BatchNormOptions, batchNorm } from './ops/batch_norm.js';
export {
  eq,
  ge,
  gt,
  type IscloseOptions,
  isclose,
  isfinite,
  isinf,
  isnan,
  le,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  lt,
  ne,
} from './ops/compare.js';
export { all, any, countNonzero } from './ops/count.js';
export {
  type CrossEntropyOptions,
  crossEntropy,
  type LossReduction,
  type NllLossOptions,
  nllLoss,
  type Targets,
} from './ops/cross_entropy.js';
export { alphaDropout, type DropoutOptions, dropout, featureDropout } from './ops/dropout.js';
export {
  type BincountOptions,
  bincount,
  type EmbeddingOptions,
  embedding,
  oneHot,
} from './ops/embedding.js';
export {
  amax,
  amin,
  aminmax,
  argmax,
  argmin,
  type DimOptions,
  max,
  min,
  type ValuesAndIndices,
} from './ops/extremum.js';
export { gather, indexSelect, type TakeAlongDimOptions, take, takeAlongDim } from './ops/gather.js';
export { type EpilogueActivation, type MatmulPlan, setWeightPacking } from './ops/gemm.js';
export {
  type Float32MatmulPrecision,
  getFloat32MatmulPrecision,
  setFloat32MatmulPrecision,
} from './ops/gemm_bf16.js';
export { glu } from './ops/glu.js';
export type { IndexLike, NestedIndices } from './ops/indices.js';
export {
  type ChannelOptions,
  dequantize,
  int8Matmul,
  type QuantizedTensor,
  quantizePerChannel,
} from './ops/int8.js';
export {
  bitwiseAnd,
  bitwiseLeftShift,
  bitwiseNot,
  bitwiseOr,
  bitwiseRightShift,
  bitwiseXor,
} from './ops/integer.js';
export { type LinearOptions, linear } from './ops/linear.js';
export {
  binaryCrossEntropyWithLogits,
  mseLoss,
} from './ops/loss.js';
export { maskedFill, maskedScatter, maskedSelect, nonzero } from './ops/masked.js';
export {
  erf,
  erfc,
  exp,
  exp2,
  expm1,
  hypot,
  log,
  log1p,
  log2,
  log10,
  pow,
} from './ops/math.js';
export { type AddmmOptions, addmm, baddbmm, matmul, matmulPlan } from './ops/matmul.js';
export type { MatmulOptions } from './ops/matmul_bf16.js';
export {
  groupNorm,
  instanceNorm,
  layerNorm,
  type NormalizationOptions,
  type RmsNormOptions,
  rmsNorm,
} from './ops/norm.js';
export { type CloneOptions, clone, contiguous, type TensorLike, to } from './ops/operand.js';
export {
  type HardTanhOptions,
  hardSigmoid,
  hardSwish,
  hardshrink,
  hardTanh,
  prelu,
  relu6,
  type ShrinkOptions,
  softshrink,
  threshold,
} from './ops/piecewise.js';
export { prod } from './ops/prod.js';
export {
  bernoulli,
  exponential,
  Generator,
  manualSeed,
  normal,
  type RandomOptions,
  rand,
  randLike,
  randn,
  randnLike,
  type TruncatedNormalOptions,
  truncatedNormal,
  uniform,
} from './ops/random.js';
export { expand, mean, nanmean, nansum, sum } from './ops/reduce.js';
export type { ReduceOptions } from './ops/reduction.js';
export {
  ceil,
  floor,
  floorDivide,
  fmod,
  frac,
  remainder,
  round,
  trunc,
} from './ops/rounding.js';
export {
  type MultinomialOptions,
  multinomial,
  type PoissonOptions,
  poisson,
  type RandintOptions,
  randint,
  randintLike,
  randperm,
} from './ops/sampling.js';
export { cummax, cummin, cumprod, cumsum, logcumsumexp } from './ops/scan.js';

export {
  type IndexAddOptions,
  indexAdd,
  type ScatterReduceOptions,
  type ScatterReduction,
  scatter,
  scatterAdd,
  scatterReduce,
} from './ops/scatter.js';
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
export {
  fromMessage,
  type MessageOptions,
  shareMemory,
  type TensorMessage,
  toMessage,
} from './ops/share.js';
export { logSoftmax, softmax, softmin } from './ops/softmax.js';
export {
  argsort,
  type Sorted,
  type SortOptions,
  sort,
  type TopkOptions,
  topk,
  type Unique,
  type UniqueOptions,
  unique,
} from './ops/sort.js';
export {
  logsumexp,
  type NormOptions,
  norm,
  std,
  stdMean,
  type VarianceOptions,
  variance,
  varMean,
} from './ops/statistics.js';
export {
  addcdiv,
  addcmul,
  type ClampOptions,
  clamp,
  lerp,
  type ValueOptions,
  where,
} from './ops/ternary.js';
export { acos, asin, atan, atan2, cos, cosh, sin, sinh, tan } from './ops/trigonometry.js';
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
export { emptyCache, type MemoryInfo, memory } from './tensor/memory.js';
export type { Shape } from './tensor/shape.js';
export { type NestedArray, Tensor } from './tensor/tensor.js';
