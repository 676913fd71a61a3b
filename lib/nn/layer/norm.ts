/** Normalisations as modules, with PyTorch's names of parameters and buffers. */
import { TensorError } from '../../errors.js';
import { batchNorm, checkMomentum } from '../../ops/normalization/batch_norm.js';
import { groupNorm, instanceNorm, layerNorm, rmsNorm } from '../../ops/normalization/norm.js';
import { checkTensor } from '../../ops/operand.js';
import {
  checkResponse,
  type LocalResponseNormOptions,
  localResponseNorm,
} from '../../ops/window/avg_pool.js';
import { ones, zeros } from '../../tensor/creation.js';
import type { DType } from '../../tensor/dtype.js';
import {
  checkFlag,
  checkNumber,
  checkOptions,
  checkShape,
  formatShape,
  type Shape,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Buffer } from '../module/buffer.js';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { formatFields } from '../module/repr.js';
import { checkDType, checkSize } from './checks.js';

/** Options of {@link LayerNorm}. */
export interface LayerNormOptions {
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /** Whether there is a weight (ones at first) and a bias (zeros). Default true. */
  elementwiseAffine?: boolean;
  /** Whether there is a bias beside the weight. Default true. */
  bias?: boolean;
  /** float32 (default) or float64. */
  dtype?: DType;
}

/** Options of {@link RMSNorm}. */
export interface RMSNormOptions {
  /** Added to the mean of squares. Default the dtype's machine epsilon. */
  eps?: number | null;
  /** Whether there is a weight (ones at first). Default true. */
  elementwiseAffine?: boolean;
  /** float32 (default) or float64. */
  dtype?: DType;
}

/** Options of {@link GroupNorm}. */
export interface GroupNormOptions {
  /** Added to the variance. Default 1e-5. */
  eps?: number;
  /** Whether there is a weight (ones at first) and a bias (zeros) for each channel. Default true. */
  affine?: boolean;
  /** float32 (default) or float64. */
  dtype?: DType;
}

/** Options of {@link BatchNorm1d}, {@link BatchNorm2d} and {@link BatchNorm3d}. */
export interface BatchNormLayerOptions extends GroupNormOptions {
  /** The share of a batch in the running statistics; null averages over all batches. Default 0.1. */
  momentum?: number | null;
  /** Whether running statistics are kept; without them evaluation uses the batch's. Default true. */
  trackRunningStats?: boolean;
}

function checkEps(operation: string, eps: number = 1e-5): number {
  return checkNumber(operation, 'eps', eps, 0);
}

function checkNormalized(operation: string, shape: number | Shape): number[] {
  const checked = checkShape(operation, typeof shape === 'number' ? [shape] : shape);
  if (checked.length === 0) {
    throw new TensorError('ERR_SHAPE', `[${operation}] normalizedShape has no dimensions`);
  }
  return checked;
}

/**
 * Layer normalisation over the last dimensions: see the function `layerNorm`.
 * @example
 * ```ts
 * new nn.LayerNorm(2, { eps: 0 }).forward(tensor([[1, 3]])); // => [[-1, 1]]
 * ```
 */
export class LayerNorm extends Module {
  /** Sizes of the last dimensions, which are normalised together. */
  readonly normalizedShape: readonly number[];
  /** Added to the variance, or to the mean of the squares. */
  readonly eps: number;
  /** Shape `normalizedShape`, ones at first, or null. */
  readonly weight: Parameter | null;
  /** Shape `normalizedShape`, zeros at first, or null. */
  readonly bias: Parameter | null;

  /** @throws TensorError ERR_SHAPE, ERR_DTYPE, and ERR_ARGUMENT for unknown options and wrong values */
  constructor(normalizedShape: number | Shape, options: LayerNormOptions = {}) {
    super();
    checkOptions('LayerNorm', options, ['eps', 'elementwiseAffine', 'bias', 'dtype']);
    const shape = checkNormalized('LayerNorm', normalizedShape);
    const dtype = checkDType('LayerNorm', options.dtype);
    const affine = checkFlag('LayerNorm', 'elementwiseAffine', options.elementwiseAffine, true);
    const biased = checkFlag('LayerNorm', 'bias', options.bias, true);
    this.normalizedShape = shape;
    this.eps = checkEps('LayerNorm', options.eps);
    this.weight = affine ? new Parameter(ones(shape, { dtype })) : null;
    this.bias = affine && biased ? new Parameter(zeros(shape, { dtype })) : null;
  }

  forward(x: Tensor): Tensor {
    const { weight, bias, eps } = this;
    return layerNorm(x, this.normalizedShape, { weight, bias, eps });
  }

  override extraRepr(): string {
    const { normalizedShape, eps, weight } = this;
    return formatFields({ normalizedShape, eps, elementwiseAffine: weight !== null });
  }
}

/**
 * RMS normalisation over the last dimensions: see the function `rmsNorm`.
 * @example
 * ```ts
 * new nn.RMSNorm(2, { eps: 0 }).forward(tensor([[3, 4]])); // => [[0.848528, 1.131371]]
 * ```
 */
export class RMSNorm extends Module {
  /** Sizes of the last dimensions, which are normalised together. */
  readonly normalizedShape: readonly number[];
  /** Added to the variance, or to the mean of the squares. */
  readonly eps: number | null;
  /** Shape `normalizedShape`, ones at first, or null. */
  readonly weight: Parameter | null;

  /** @throws TensorError ERR_SHAPE, ERR_DTYPE, and ERR_ARGUMENT for unknown options and wrong values */
  constructor(normalizedShape: number | Shape, options: RMSNormOptions = {}) {
    super();
    checkOptions('RMSNorm', options, ['eps', 'elementwiseAffine', 'dtype']);
    const shape = checkNormalized('RMSNorm', normalizedShape);
    const dtype = checkDType('RMSNorm', options.dtype);
    const affine = checkFlag('RMSNorm', 'elementwiseAffine', options.elementwiseAffine, true);
    const { eps = null } = options;
    this.normalizedShape = shape;
    this.eps = eps === null ? null : checkEps('RMSNorm', eps);
    this.weight = affine ? new Parameter(ones(shape, { dtype })) : null;
  }

  forward(x: Tensor): Tensor {
    const { weight, eps } = this;
    return rmsNorm(x, this.normalizedShape, { weight, eps });
  }

  override extraRepr(): string {
    const { normalizedShape, eps, weight } = this;
    return formatFields({ normalizedShape, eps, elementwiseAffine: weight !== null });
  }
}

/**
 * Group normalisation: see the function `groupNorm`.
 * @example
 * ```ts
 * new nn.GroupNorm(2, 4, { eps: 0 }).forward(tensor([[1, 3, 10, 30]])); // => [[-1, 1, -1, 1]]
 * ```
 */
export class GroupNorm extends Module {
  /** Added to the variance, or to the mean of the squares. */
  readonly eps: number;
  /** Shape [numChannels], ones at first, or null. */
  readonly weight: Parameter | null;
  /** Shape [numChannels], zeros at first, or null. */
  readonly bias: Parameter | null;

  /** @throws TensorError ERR_ARGUMENT for sizes that don't fit, unknown options, wrong values; ERR_DTYPE */
  constructor(
    /** How many groups the channels are in. */
    readonly numGroups: number,
    /** Sizes of the second dimension. */
    readonly numChannels: number,
    options: GroupNormOptions = {},
  ) {
    super();
    checkOptions('GroupNorm', options, ['eps', 'affine', 'dtype']);
    checkSize('GroupNorm', numGroups);
    checkSize('GroupNorm', numChannels);
    if (numChannels % numGroups !== 0) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[GroupNorm] ${numGroups} groups do not divide ${numChannels} channels`,
      );
    }
    const dtype = checkDType('GroupNorm', options.dtype);
    const affine = checkFlag('GroupNorm', 'affine', options.affine, true);
    this.eps = checkEps('GroupNorm', options.eps);
    this.weight = affine ? new Parameter(ones([numChannels], { dtype })) : null;
    this.bias = affine ? new Parameter(zeros([numChannels], { dtype })) : null;
  }

  forward(x: Tensor): Tensor {
    const { weight, bias, eps } = this;
    return groupNorm(x, this.numGroups, { weight, bias, eps });
  }

  override extraRepr(): string {
    const { numGroups, numChannels, eps, weight } = this;
    return formatFields({ numGroups, numChannels, eps, affine: weight !== null });
  }
}

/** What the layers that know their number of dimensions check. */
function checkInput(layer: Module, x: Tensor, ranks: readonly number[], channels: number): void {
  const { name } = layer.constructor;
  checkTensor(name, x);
  if (!ranks.includes(x.ndim) || x.shape[1] !== channels) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${name}] input ${formatShape(x.shape)} must have ${ranks.join(' or ')} dimensions, the second of size ${channels}`,
    );
  }
}

/**
 * Batch normalisation, whose subclasses say how many dimensions inputs have: see the function `batchNorm`.
 * In training it normalises by the batch's statistics and blends them into the running ones.
 */
export abstract class BatchNorm extends Module {
  /** Added to the variance, or to the mean of the squares. */
  readonly eps: number;
  /** The share of a new batch in the running statistics; null for their plain average. */
  readonly momentum: number | null;
  /** Shape [numFeatures], ones at first, or null. */
  readonly weight: Parameter | null;
  /** Shape [numFeatures], zeros at first, or null. */
  readonly bias: Parameter | null;
  /** Zeros at first, or null; `running_mean` in a state. */
  readonly runningMean: Buffer | null;
  /** Ones at first, or null; `running_var` in a state. */
  readonly runningVar: Buffer | null;
  /** `num_batches_tracked` in a state. An int32; PyTorch's int64 is taken as well. */
  readonly numBatchesTracked: Buffer | null;
  /** How many dimensions inputs may have. */
  protected abstract readonly ranks: readonly number[];

  /** @throws TensorError ERR_ARGUMENT for sizes that don't fit, unknown options, wrong values; ERR_DTYPE */
  constructor(
    /** How many channels. */
    readonly numFeatures: number,
    options: BatchNormLayerOptions = {},
  ) {
    super();
    const { name } = new.target;
    checkOptions(name, options, ['eps', 'momentum', 'affine', 'trackRunningStats', 'dtype']);
    const shape = [checkSize(name, numFeatures)];
    const dtype = checkDType(name, options.dtype);
    const affine = checkFlag(name, 'affine', options.affine, true);
    const tracks = checkFlag(name, 'trackRunningStats', options.trackRunningStats, true);
    this.eps = checkEps(name, options.eps);
    this.momentum = options.momentum === undefined ? 0.1 : checkMomentum(name, options.momentum);
    this.weight = affine ? new Parameter(ones(shape, { dtype })) : null;
    this.bias = affine ? new Parameter(zeros(shape, { dtype })) : null;
    this.runningMean = tracks ? new Buffer(zeros(shape, { dtype })) : null;
    this.runningVar = tracks ? new Buffer(ones(shape, { dtype })) : null;
    this.numBatchesTracked = tracks ? new Buffer(zeros([], { dtype: 'int32' })) : null;
  }

  protected override memberName(property: string): string {
    return STATE_NAMES[property] ?? property;
  }

  forward(x: Tensor): Tensor {
    checkInput(this, x, this.ranks, this.numFeatures);
    const { weight, bias, eps, momentum, runningMean, runningVar, numBatchesTracked } = this;
    const training = this.training || runningMean === null;
    return batchNorm(x, {
      ...{ weight, bias, eps, momentum, runningMean, runningVar, numBatchesTracked },
      training,
    });
  }

  override extraRepr(): string {
    const { numFeatures, eps, momentum } = this;
    const trackRunningStats = this.runningMean !== null;
    const affine = this.weight !== null;
    return formatFields({ numFeatures, eps, momentum, affine, trackRunningStats });
  }
}

/** PyTorch's names of the buffers. */
const STATE_NAMES: Readonly<Record<string, string>> = {
  runningMean: 'running_mean',
  runningVar: 'running_var',
  numBatchesTracked: 'num_batches_tracked',
};

/**
 * Batch normalisation of inputs [N, C] or [N, C, L]: see the function `batchNorm`.
 * @example
 * ```ts
 * new nn.BatchNorm1d(2, { eps: 0 }).forward(tensor([[1, 10], [3, 30]])); // => [[-1, -1], [1, 1]]
 * ```
 */
export class BatchNorm1d extends BatchNorm {
  protected readonly ranks = [2, 3];
}

/**
 * Batch normalisation of inputs [N, C, H, W]: see the function `batchNorm`.
 * @example
 * ```ts
 * new nn.BatchNorm2d(3).forward(randn([2, 3, 4, 4])).shape; // => [2, 3, 4, 4]
 * ```
 */
export class BatchNorm2d extends BatchNorm {
  protected readonly ranks = [4];
}

/**
 * Batch normalisation of inputs [N, C, D, H, W]: see the function `batchNorm`.
 * @example
 * ```ts
 * new nn.BatchNorm3d(3).forward(randn([2, 3, 2, 4, 4])).shape; // => [2, 3, 2, 4, 4]
 * ```
 */
export class BatchNorm3d extends BatchNorm {
  protected readonly ranks = [5];
}

/** Instance normalisation, whose subclasses say how many dimensions inputs have. */
export abstract class InstanceNorm extends Module {
  /** Added to the variance, or to the mean of the squares. */
  readonly eps: number;
  /** Shape [numFeatures], ones at first, or null. */
  readonly weight: Parameter | null;
  /** Shape [numFeatures], zeros at first, or null. */
  readonly bias: Parameter | null;
  protected abstract readonly rank: number;

  /** @throws TensorError ERR_ARGUMENT for sizes that don't fit, unknown options, wrong values; ERR_DTYPE */
  constructor(
    /** How many channels. */
    readonly numFeatures: number,
    options: GroupNormOptions = {},
  ) {
    super();
    const { name } = new.target;
    checkOptions(name, options, ['eps', 'affine', 'dtype']);
    const shape = [checkSize(name, numFeatures)];
    const dtype = checkDType(name, options.dtype);
    const affine = checkFlag(name, 'affine', options.affine, false);
    this.eps = checkEps(name, options.eps);
    this.weight = affine ? new Parameter(ones(shape, { dtype })) : null;
    this.bias = affine ? new Parameter(zeros(shape, { dtype })) : null;
  }

  forward(x: Tensor): Tensor {
    checkInput(this, x, [this.rank], this.numFeatures);
    const { weight, bias, eps } = this;
    return instanceNorm(x, { weight, bias, eps });
  }

  override extraRepr(): string {
    const { numFeatures, eps, weight } = this;
    return formatFields({ numFeatures, eps, affine: weight !== null });
  }
}

/**
 * Instance normalisation of inputs [N, C, L]: see the function `instanceNorm`. As in PyTorch there are no
 * weight and bias unless `affine` is true.
 * @example
 * ```ts
 * new nn.InstanceNorm1d(2, { eps: 0 }).forward(tensor([[[1, 3], [10, 30]]])); // => [[[-1, 1], [-1, 1]]]
 * ```
 */
export class InstanceNorm1d extends InstanceNorm {
  protected readonly rank = 3;
}

/**
 * The same of inputs [N, C, H, W].
 * @example
 * ```ts
 * new nn.InstanceNorm2d(3).forward(randn([2, 3, 4, 4])).shape; // => [2, 3, 4, 4]
 * ```
 */
export class InstanceNorm2d extends InstanceNorm {
  protected readonly rank = 4;
}

/**
 * The same of inputs [N, C, D, H, W].
 * @example
 * ```ts
 * new nn.InstanceNorm3d(3).forward(randn([2, 3, 2, 4, 4])).shape; // => [2, 3, 2, 4, 4]
 * ```
 */
export class InstanceNorm3d extends InstanceNorm {
  protected readonly rank = 5;
}

/**
 * x divided by a power of the mean of the squares of neighbouring channels: see the function
 * `localResponseNorm`.
 * @example
 * ```ts
 * new nn.LocalResponseNorm(2).forward(ones([1, 4, 3, 3])).shape; // => [1, 4, 3, 3]
 * ```
 */
export class LocalResponseNorm extends Module {
  /** The factor of the mean of squares. */
  readonly alpha: number;
  /** The exponent. */
  readonly beta: number;
  /** What is added to the mean of squares. */
  readonly k: number;

  /** @throws TensorError ERR_ARGUMENT for a size below 1, unknown options and numbers that aren't finite */
  constructor(
    /** How many channels are neighbours. */
    readonly size: number,
    options: LocalResponseNormOptions = {},
  ) {
    super();
    const { alpha, beta, k } = checkResponse('LocalResponseNorm', size, options);
    this.alpha = alpha;
    this.beta = beta;
    this.k = k;
  }

  forward(x: Tensor): Tensor {
    const { alpha, beta, k } = this;
    return localResponseNorm(x, this.size, { alpha, beta, k });
  }
}
