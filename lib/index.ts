/** tilegrad's public interface. */
export { detectAnomaly, isAnomalyEnabled, setDetectAnomaly } from './autograd/anomaly.js';
export { type BackwardOptions, backward } from './autograd/backward.js';
export {
  type CustomFunction,
  customFunction,
  type FunctionContext,
} from './autograd/custom.js';
export { type GradOptions, grad } from './autograd/grad.js';
export { type GradcheckOptions, gradcheck } from './autograd/gradcheck.js';
export { gradgradcheck } from './autograd/gradgradcheck.js';
export type { HookHandle } from './autograd/hooks.js';
export {
  enableGrad,
  inferenceMode,
  isGradEnabled,
  isInferenceModeEnabled,
  noGrad,
  setGradEnabled,
} from './autograd/mode.js';
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
export {
  type DataTensors,
  type Fold,
  type KFoldOptions,
  kFold,
  type PartOf,
  randomSplit,
  type SplitOptions,
  StandardScaler,
  type TrainTestParts,
  type TrainTestSplitOptions,
  trainTestSplit,
} from './data/split.js';
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
export * as linalg from './linalg/index.js';
export {
  choleskyInverse,
  choleskySolve,
  det,
  inverse,
  logdet,
  matrixExp,
  matrixPower,
  pinverse,
  slogdet,
  trace,
} from './linalg/methods.js';
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
export { asStrided } from './ops/as_strided.js';
export { type AttentionOptions, scaledDotProductAttention } from './ops/attention.js';
export {
  type AvgPool1dOptions,
  type AvgPool2dOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  avgPool1d,
  avgPool2d,
  type LocalResponseNormOptions,
  type LpPoolOptions,
  localResponseNorm,
  lpPool1d,
  lpPool2d,
} from './ops/avg_pool.js';
export { movedim, swapaxes, t } from './ops/axes.js';
export { type BatchNormOptions, batchNorm } from './ops/batch_norm.js';
export { bilinear } from './ops/bilinear.js';
export { chainMatmul, multiDot } from './ops/chain.js';
export {
  type CheckpointOptions,
  checkpoint,
  checkpointSequential,
  type Layer,
  type Step,
} from './ops/checkpoint.js';
export type { Targets } from './ops/classes.js';
export {
  type AssertCloseOptions,
  allClose,
  assertClose,
  type Closeness,
  type ClosenessOptions,
  closeness,
  type Difference,
  equal,
} from './ops/close.js';
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
export { type ConvOptions, conv1d, conv2d, conv3d, type PerAxis } from './ops/conv.js';
export {
  type ConvTransposeOptions,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
} from './ops/conv_transpose.js';
export { type CovOptions, corrcoef, cov } from './ops/correlation.js';
export { all, any, countNonzero } from './ops/count.js';
export {
  type CrossEntropyOptions,
  crossEntropy,
  type NllLossOptions,
  nllLoss,
} from './ops/cross_entropy.js';
export { type CtcLossOptions, ctcLoss, type Lengths } from './ops/ctc.js';
export {
  type DiagonalOptions,
  diag,
  diagEmbed,
  diagflat,
  diagonal,
} from './ops/diagonal.js';
export {
  cumulativeTrapezoid,
  type DiffOptions,
  diff,
  type TrapezoidOptions,
  trapezoid,
} from './ops/difference.js';
export {
  type CdistMode,
  type CdistOptions,
  type CosineSimilarityOptions,
  type CrossOptions,
  cdist,
  cosineSimilarity,
  cross,
  type NormalizeOptions,
  normalize,
  type PairwiseDistanceOptions,
  pairwiseDistance,
  type RenormOptions,
  renorm,
} from './ops/distance.js';
export {
  alphaDropout,
  type DropoutOptions,
  dropout,
  featureAlphaDropout,
  featureDropout,
} from './ops/dropout.js';
export { einsum, einsumPath } from './ops/einsum.js';
export type { EinsumOptions } from './ops/einsum_equation.js';
export type { EinsumPath, EinsumPathInfo, EinsumStrategy } from './ops/einsum_path.js';
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
export { flip, fliplr, flipud, roll, rot90 } from './ops/flip.js';
export { type AsyncItem, fromAsync } from './ops/from_async.js';
export {
  type Alike,
  type FunctionalOptions,
  type FunctionOf,
  hessian,
  hvp,
  type Jacobian,
  jacobian,
  jvp,
  type Tensors,
  vhp,
  vjp,
} from './ops/functional.js';
export { digamma, lgamma, mvlgamma, polygamma } from './ops/gamma.js';
export { gather, indexSelect, type TakeAlongDimOptions, take, takeAlongDim } from './ops/gather.js';
export { type EpilogueActivation, type MatmulPlan, setWeightPacking } from './ops/gemm.js';
export {
  type Float32MatmulPrecision,
  getFloat32MatmulPrecision,
  setFloat32MatmulPrecision,
} from './ops/gemm_bf16.js';
export { glu } from './ops/glu.js';
export {
  type CombinationsOptions,
  cartesianProd,
  combinations,
  type MeshgridOptions,
  meshgrid,
  type VanderOptions,
  vander,
} from './ops/grid.js';
export {
  type HistcOptions,
  type Histogram,
  type HistogramOptions,
  histc,
  histogram,
} from './ops/histogram.js';
export { acosh, asinh, atanh } from './ops/hyperbolic.js';
export { indexCopy, indexFill, put } from './ops/index_fill.js';
export {
  type Assignable,
  type IndexPutOptions,
  indexPut,
  indexPut_,
  set,
} from './ops/index_put.js';
export { type IndexSpec, index, type NestedMask } from './ops/indexing.js';
export type { IndexLike, NestedIndices } from './ops/indices.js';
export {
  type AlphaOptions,
  add_,
  clamp_,
  copy_,
  div_,
  fill_,
  type InPlaceRandomOptions,
  mul_,
  normal_,
  sub_,
  uniform_,
  zero_,
} from './ops/inplace.js';
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
export {
  channelShuffle,
  type InterpolateMode,
  type InterpolateOptions,
  interpolate,
  pixelShuffle,
  pixelUnshuffle,
} from './ops/interpolate.js';
export { blockDiag, concat, dstack, hstack, stack, vstack } from './ops/join.js';
export { type LinearOptions, linear } from './ops/linear.js';
export type { LossOptions, LossReduction } from './ops/loss.js';
export {
  type BinaryCrossEntropyOptions,
  type BinaryCrossEntropyWithLogitsOptions,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  type SigmoidFocalLossOptions,
  sigmoidFocalLoss,
} from './ops/loss_binary.js';
export {
  type GaussianNllLossOptions,
  gaussianNllLoss,
  type KlDivLossOptions,
  klDivLoss,
  type PoissonNllLossOptions,
  poissonNllLoss,
} from './ops/loss_distribution.js';
export {
  type HingeLossOptions,
  hingeEmbeddingLoss,
  hingeLoss,
  type MarginLossOptions,
  type MultiLabelSoftMarginLossOptions,
  type MultiMarginLossOptions,
  multiLabelMarginLoss,
  multiLabelSoftMarginLoss,
  multiMarginLoss,
  softMarginLoss,
} from './ops/loss_margin.js';
export {
  cosineEmbeddingLoss,
  marginRankingLoss,
  type TripletMarginLossOptions,
  type TripletMarginWithDistanceLossOptions,
  tripletMarginLoss,
  tripletMarginWithDistanceLoss,
} from './ops/loss_ranking.js';
export {
  type HuberLossOptions,
  huberLoss,
  l1Loss,
  mseLoss,
  type SmoothL1LossOptions,
  smoothL1Loss,
} from './ops/loss_regression.js';
export {
  argwhere,
  maskedFill,
  maskedScatter,
  maskedSelect,
  type NonzeroOptions,
  nonzero,
} from './ops/masked.js';
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
  type AdaptiveMaxPoolMethod,
  type AdaptiveMaxPoolOptions,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  type MaxPoolMethod,
  type MaxPoolOptions,
  type MaxUnpoolOptions,
  maxPool1d,
  maxPool2d,
  maxUnpool1d,
  maxUnpool2d,
  type OutputSize,
  type WithIndices,
} from './ops/max_pool.js';
export {
  groupNorm,
  instanceNorm,
  layerNorm,
  type NormalizationOptions,
  type RmsNormOptions,
  rmsNorm,
} from './ops/norm.js';
export {
  copysign,
  deg2rad,
  floatPower,
  fmax,
  fmin,
  gcd,
  lcm,
  nextafter,
  positive,
  rad2deg,
  signbit,
} from './ops/numbers.js';
export { type CloneOptions, clone, contiguous, type TensorLike, to } from './ops/operand.js';
export { type PadMode, type PadOptions, pad } from './ops/pad.js';
export { narrow, select, unfold } from './ops/parts.js';
export { col2im, im2col, type PatchOptions } from './ops/patches.js';
export {
  type HardTanhOptions,
  hardSigmoid,
  hardSwish,
  hardshrink,
  hardTanh,
  prelu,
  type RreluOptions,
  relu6,
  rrelu,
  type ShrinkOptions,
  softshrink,
  threshold,
} from './ops/piecewise.js';
export {
  adaptiveAvgPool3d,
  adaptiveMaxPool3d,
  avgPool3d,
  lpPool3d,
  maxPool3d,
  maxUnpool3d,
} from './ops/pool3d.js';
export { prod } from './ops/prod.js';
export {
  addbmm,
  addmv,
  addr,
  bmm,
  dot,
  inner,
  kron,
  mm,
  mv,
  outer,
  type TensordotOptions,
  tensordot,
} from './ops/products.js';
export {
  type Interpolation,
  type MedianOptions,
  type ModeOptions,
  median,
  mode,
  nanmedian,
  nanquantile,
  type QuantileOptions,
  quantile,
} from './ops/quantile.js';
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
  broadcastTensors,
  broadcastTo,
  expandAs,
  type RepeatInterleaveOptions,
  repeat,
  repeatInterleave,
  tile,
} from './ops/repeat.js';
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
  type BucketizeOptions,
  bucketize,
  type IsinOptions,
  isin,
  type KthvalueOptions,
  kthvalue,
  msort,
  type SearchsortedOptions,
  searchsorted,
  type UniqueConsecutiveOptions,
  uniqueConsecutive,
} from './ops/search.js';
export {
  atleast1d,
  atleast2d,
  atleast3d,
  flatten,
  permute,
  ravel,
  reshape,
  squeeze,
  transpose,
  unflatten,
  unsqueeze,
  view,
  viewAs,
} from './ops/shape.js';
export {
  fromMessage,
  type MessageOptions,
  shareMemory,
  type TensorMessage,
  toMessage,
} from './ops/share.js';
export { at, type RangeText, type SliceSpec, slice } from './ops/slice.js';
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
  erfinv,
  heaviside,
  type LogitOptions,
  logaddexp,
  logaddexp2,
  logit,
  type NanToNumOptions,
  nanToNum,
  sinc,
  xlogy,
} from './ops/special.js';
export { chunk, dsplit, hsplit, split, tensorSplit, unbind, vsplit } from './ops/split.js';
export {
  logsumexp,
  type NormOptions,
  norm,
  type StdMean,
  std,
  stdMean,
  type VarianceOptions,
  type VarMean,
  variance,
  varMean,
} from './ops/statistics.js';
export {
  addcdiv,
  addcmul,
  type ClampOptions,
  clamp,
  clip,
  lerp,
  type ValueOptions,
  where,
} from './ops/ternary.js';
export { tril, trilIndices, triu, triuIndices } from './ops/triangle.js';
export { acos, asin, atan, atan2, cos, cosh, sin, sinh, tan } from './ops/trigonometry.js';
export { canCast, promoteTypes, resultType } from './ops/types.js';
export {
  diagonalScatter,
  type SliceScatterOptions,
  selectScatter,
  sliceScatter,
} from './ops/view_scatter.js';
export type { Sizes, WindowOptions } from './ops/windows.js';
export * as optim from './optim/index.js';
export { type FromBufferOptions, fromBuffer } from './tensor/buffers.js';
export {
  empty,
  emptyLike,
  eye,
  full,
  fullLike,
  ones,
  onesLike,
  type TensorOptions,
  zeros,
  zerosLike,
} from './tensor/creation.js';
export { type DataOptions, fromTypedArray, tensor } from './tensor/data.js';
export type { DType, DTypeArrays, StoredArray, TypedArray } from './tensor/dtype.js';
export { type PrintOptions, setPrintOptions } from './tensor/format.js';
export { type FloatInfo, finfo, type IntegerInfo, iinfo } from './tensor/limits.js';
export { emptyCache, type MemoryInfo, memory } from './tensor/memory.js';
export { arange, type LogspaceOptions, linspace, logspace } from './tensor/ranges.js';
export type { Shape } from './tensor/shape.js';
export { type GradHook, type NestedArray, Tensor } from './tensor/tensor.js';
