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
} from './native/settings.js';
export * as nn from './nn/index.js';
export {
  type CheckpointOptions,
  checkpoint,
  checkpointSequential,
  type Layer,
  type Step,
} from './ops/checkpoint.js';
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
  celu,
  type EluOptions,
  elu,
  type GeluOptions,
  gelu,
  type LeakyReluOptions,
  leakyRelu,
  logsigmoid,
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
} from './ops/elementwise/activation.js';
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
} from './ops/elementwise/arithmetic.js';
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
} from './ops/elementwise/compare.js';
export { digamma, lgamma, mvlgamma, polygamma } from './ops/elementwise/gamma.js';
export { glu } from './ops/elementwise/glu.js';
export { acosh, asinh, atanh } from './ops/elementwise/hyperbolic.js';
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
} from './ops/elementwise/inplace.js';
export {
  bitwiseAnd,
  bitwiseLeftShift,
  bitwiseNot,
  bitwiseOr,
  bitwiseRightShift,
  bitwiseXor,
} from './ops/elementwise/integer.js';
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
} from './ops/elementwise/math.js';
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
} from './ops/elementwise/numbers.js';
export {
  type HardtanhOptions,
  hardshrink,
  hardsigmoid,
  hardswish,
  hardtanh,
  prelu,
  type RreluOptions,
  relu6,
  rrelu,
  type ShrinkOptions,
  softshrink,
  threshold,
} from './ops/elementwise/piecewise.js';
export {
  ceil,
  floor,
  floorDivide,
  fmod,
  frac,
  remainder,
  round,
  trunc,
} from './ops/elementwise/rounding.js';
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
} from './ops/elementwise/special.js';
export {
  addcdiv,
  addcmul,
  type ClampOptions,
  clamp,
  clip,
  lerp,
  type ValueOptions,
  where,
} from './ops/elementwise/ternary.js';
export {
  acos,
  asin,
  atan,
  atan2,
  cos,
  cosh,
  sin,
  sinh,
  tan,
} from './ops/elementwise/trigonometry.js';
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
export {
  type BincountOptions,
  bincount,
  type EmbeddingOptions,
  embedding,
  oneHot,
} from './ops/indexing/embedding.js';
export {
  gather,
  indexSelect,
  type TakeAlongDimOptions,
  take,
  takeAlongDim,
} from './ops/indexing/gather.js';
export { indexCopy, indexFill, put } from './ops/indexing/index_fill.js';
export {
  type Assignable,
  type IndexPutOptions,
  indexPut,
  indexPut_,
  set,
} from './ops/indexing/index_put.js';
export { type IndexSpec, index, type NestedMask } from './ops/indexing/indexing.js';
export type { IndexLike, NestedIndices } from './ops/indexing/indices.js';
export {
  argwhere,
  maskedFill,
  maskedScatter,
  maskedSelect,
  type NonzeroOptions,
  nonzero,
} from './ops/indexing/masked.js';
export {
  type IndexAddOptions,
  indexAdd,
  type ScatterReduceOptions,
  type ScatterReduction,
  scatter,
  scatterAdd,
  scatterReduce,
} from './ops/indexing/scatter.js';
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
} from './ops/indexing/search.js';
export { at, type RangeText, type SliceSpec, slice } from './ops/indexing/slice.js';
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
} from './ops/indexing/sort.js';
export type { Targets } from './ops/loss/classes.js';
export {
  type CrossEntropyOptions,
  crossEntropy,
  type NllLossOptions,
  nllLoss,
} from './ops/loss/cross_entropy.js';
export { type CtcLossOptions, ctcLoss, type Lengths } from './ops/loss/ctc.js';
export type { LossOptions, LossReduction } from './ops/loss/loss.js';
export {
  type BinaryCrossEntropyOptions,
  type BinaryCrossEntropyWithLogitsOptions,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  type SigmoidFocalLossOptions,
  sigmoidFocalLoss,
} from './ops/loss/loss_binary.js';
export {
  type GaussianNllLossOptions,
  gaussianNllLoss,
  type KlDivLossOptions,
  klDivLoss,
  type PoissonNllLossOptions,
  poissonNllLoss,
} from './ops/loss/loss_distribution.js';
export {
  type HingeLossOptions,
  hingeEmbeddingLoss,
  hingeLoss,
  type MarginLossOptions,
  type MultiLabelSoftMarginLossOptions,
  type MultiMarginLossOptions,
  multilabelMarginLoss,
  multilabelSoftMarginLoss,
  multiMarginLoss,
  softMarginLoss,
} from './ops/loss/loss_margin.js';
export {
  cosineEmbeddingLoss,
  marginRankingLoss,
  type TripletMarginLossOptions,
  type TripletMarginWithDistanceLossOptions,
  tripletMarginLoss,
  tripletMarginWithDistanceLoss,
} from './ops/loss/loss_ranking.js';
export {
  type HuberLossOptions,
  huberLoss,
  l1Loss,
  mseLoss,
  type SmoothL1LossOptions,
  smoothL1Loss,
} from './ops/loss/loss_regression.js';
export { type BatchNormOptions, batchNorm } from './ops/normalization/batch_norm.js';
export {
  groupNorm,
  instanceNorm,
  layerNorm,
  type NormalizationOptions,
  type RmsNormOptions,
  rmsNorm,
} from './ops/normalization/norm.js';
export { logSoftmax, softmax, softmin } from './ops/normalization/softmax.js';
export { type CloneOptions, clone, contiguous, type TensorLike, to } from './ops/operand.js';
export { addbmm, addmv, addr } from './ops/product/added.js';
export { bilinear } from './ops/product/bilinear.js';
export { chainMatmul, multiDot } from './ops/product/chain.js';
export { type CrossOptions, cross } from './ops/product/cross.js';
export {
  type CdistMode,
  type CdistOptions,
  type CosineSimilarityOptions,
  cdist,
  cosineSimilarity,
  type NormalizeOptions,
  normalize,
  type PairwiseDistanceOptions,
  pairwiseDistance,
  type RenormOptions,
  renorm,
} from './ops/product/distance.js';
export { einsum, einsumPath } from './ops/product/einsum.js';
export type { EinsumOptions } from './ops/product/einsum_equation.js';
export type { EinsumPath, EinsumPathInfo, EinsumStrategy } from './ops/product/einsum_path.js';
export { type EpilogueActivation, type MatmulPlan, setWeightPacking } from './ops/product/gemm.js';
export {
  type Float32MatmulPrecision,
  getFloat32MatmulPrecision,
  setFloat32MatmulPrecision,
} from './ops/product/gemm_bf16.js';
export {
  type ChannelOptions,
  dequantize,
  int8Matmul,
  type QuantizedTensor,
  quantizePerChannel,
} from './ops/product/int8.js';
export { type LinearOptions, linear } from './ops/product/linear.js';
export { type AddmmOptions, addmm, baddbmm, matmul, matmulPlan } from './ops/product/matmul.js';
export type { MatmulOptions } from './ops/product/matmul_bf16.js';
export {
  bmm,
  dot,
  inner,
  kron,
  mm,
  mv,
  outer,
  type TensordotOptions,
  tensordot,
} from './ops/product/products.js';
export {
  alphaDropout,
  type DropoutOptions,
  dropout,
  featureAlphaDropout,
  featureDropout,
} from './ops/random/dropout.js';
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
} from './ops/random/random.js';
export {
  type MultinomialOptions,
  multinomial,
  type PoissonOptions,
  poisson,
  type RandintOptions,
  randint,
  randintLike,
  randperm,
} from './ops/random/sampling.js';
export { type CovOptions, corrcoef, cov } from './ops/reduction/correlation.js';
export { all, any, countNonzero } from './ops/reduction/count.js';
export {
  cumulativeTrapezoid,
  type DiffOptions,
  diff,
  type TrapezoidOptions,
  trapezoid,
} from './ops/reduction/difference.js';
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
} from './ops/reduction/extremum.js';
export {
  type HistcOptions,
  type Histogram,
  type HistogramOptions,
  histc,
  histogram,
} from './ops/reduction/histogram.js';
export { prod } from './ops/reduction/prod.js';
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
} from './ops/reduction/quantile.js';
export { expand, mean, nanmean, nansum, sum } from './ops/reduction/reduce.js';
export type { ReduceOptions } from './ops/reduction/reduction.js';
export { cummax, cummin, cumprod, cumsum, logcumsumexp } from './ops/reduction/scan.js';
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
} from './ops/reduction/statistics.js';
export { type AttentionOptions, scaledDotProductAttention } from './ops/sequence/attention.js';
export { asStrided } from './ops/shape/as_strided.js';
export { movedim, swapaxes, t } from './ops/shape/axes.js';
export {
  type DiagonalOptions,
  diag,
  diagEmbed,
  diagflat,
  diagonal,
} from './ops/shape/diagonal.js';
export { flip, fliplr, flipud, roll, rot90 } from './ops/shape/flip.js';
export {
  type CombinationsOptions,
  cartesianProd,
  combinations,
  type MeshgridOptions,
  meshgrid,
  type VanderOptions,
  vander,
} from './ops/shape/grid.js';
export { blockDiag, concat, dstack, hstack, stack, vstack } from './ops/shape/join.js';
export { type PadMode, type PadOptions, pad } from './ops/shape/pad.js';
export { narrow, select, unfold } from './ops/shape/parts.js';
export {
  broadcastTensors,
  broadcastTo,
  expandAs,
  type RepeatInterleaveOptions,
  repeat,
  repeatInterleave,
  tile,
} from './ops/shape/repeat.js';
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
} from './ops/shape/shape.js';
export { chunk, dsplit, hsplit, split, tensorSplit, unbind, vsplit } from './ops/shape/split.js';
export { tril, trilIndices, triu, triuIndices } from './ops/shape/triangle.js';
export {
  diagonalScatter,
  type SliceScatterOptions,
  selectScatter,
  sliceScatter,
} from './ops/shape/view_scatter.js';
export {
  fromMessage,
  type MessageOptions,
  shareMemory,
  type TensorMessage,
  toMessage,
} from './ops/share.js';
export { canCast, promoteTypes, resultType } from './ops/types.js';
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
} from './ops/window/avg_pool.js';
export { type ConvOptions, conv1d, conv2d, conv3d, type PerAxis } from './ops/window/conv.js';
export {
  type ConvTransposeOptions,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
} from './ops/window/conv_transpose.js';
export {
  channelShuffle,
  type InterpolateMode,
  type InterpolateOptions,
  interpolate,
  pixelShuffle,
  pixelUnshuffle,
} from './ops/window/interpolate.js';
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
} from './ops/window/max_pool.js';
export { col2im, im2col, type PatchOptions } from './ops/window/patches.js';
export {
  adaptiveAvgPool3d,
  adaptiveMaxPool3d,
  avgPool3d,
  lpPool3d,
  maxPool3d,
  maxUnpool3d,
} from './ops/window/pool3d.js';
export type { Sizes, WindowOptions } from './ops/window/windows.js';
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
