/**
 * Initial values. Each function overwrites a tensor in place (it is not recorded) and returns it.
 * Fans are those of a weight of shape [outputs, inputs, ...kernel]: fan-in = inputs * kernel size,
 * fan-out = outputs * kernel size.
 */
import { noGrad } from '../autograd/mode.js';
import { TensorError } from '../errors.js';
import { qr } from '../linalg/qr.js';
import { mul } from '../ops/elementwise/arithmetic.js';
import { lt } from '../ops/elementwise/compare.js';
import { where } from '../ops/elementwise/ternary.js';
import { scatter } from '../ops/indexing/scatter.js';
import { argsort } from '../ops/indexing/sort.js';
import { checkFloating, checkTensor, copyInto } from '../ops/operand.js';
import {
  checkGenerator,
  checkProbability,
  drawTruncated,
  type Generator,
  type RandomOptions,
  normal as randomNormal,
  uniform as randomUniform,
} from '../ops/random/random.js';
import { diagonal } from '../ops/shape/diagonal.js';
import { narrow } from '../ops/shape/parts.js';
import { reshape, transpose } from '../ops/shape/shape.js';
import { fillWith } from '../tensor/creation.js';
import { checkNumber, checkOptions, describe, formatShape, numel } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';

/**
 * Every element `value`.
 * @throws TensorError ERR_ARGUMENT unless it is a number
 * @example
 * ```ts
 * const layer = new nn.Linear(2, 1);
 * nn.init.constant(layer.weight, 0.5);
 * layer.weight; // => [[0.5, 0.5]]
 * ```
 */
export function constant<T extends Tensor>(target: T, value: number): T {
  checkTensor('constant', target);
  if (typeof value !== 'number') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[constant] the value must be a number, not ${describe(value)}`,
    );
  }
  fillWith(target, value);
  return target;
}

/**
 * Every element 0.
 * @example
 * ```ts
 * const layer = new nn.Linear(1, 2);
 * nn.init.zeros(layer.bias);
 * layer.bias; // => [0, 0]
 * ```
 */
export function zeros<T extends Tensor>(target: T): T {
  checkTensor('zeros', target);
  fillWith(target, 0);
  return target;
}

/**
 * Every element 1.
 * @example
 * ```ts
 * const layer = new nn.Linear(1, 2);
 * nn.init.ones(layer.bias);
 * layer.bias; // => [1, 1]
 * ```
 */
export function ones<T extends Tensor>(target: T): T {
  checkTensor('ones', target);
  fillWith(target, 1);
  return target;
}

/** @throws TensorError ERR_SHAPE unless it is a matrix */
function checkMatrix(operation: string, target: Tensor): [rows: number, cols: number] {
  if (target.ndim !== 2) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] takes a matrix, not shape ${formatShape(target.shape)}`,
    );
  }
  return target.shape as [number, number];
}

/**
 * The identity matrix: a linear layer passes on as many inputs as it can.
 * @param target two dimensions
 * @throws TensorError ERR_SHAPE for other dimensions
 * @example
 * ```ts
 * const layer = new nn.Linear(3, 2);
 * nn.init.eye(layer.weight);
 * layer.weight; // => [[1, 0, 0], [0, 1, 0]]
 * ```
 */
export function eye<T extends Tensor>(target: T): T {
  checkTensor('eye', target);
  checkMatrix('eye', target);
  fillWith(target, 0);
  fillWith(diagonal(target.detach()), 1);
  return target;
}

/** Options of {@link dirac}. */
export interface DiracOptions {
  /** How many groups the convolution has, each of which gets an identity. Default 1. */
  groups?: number;
}

/**
 * The identity as a convolution with padding: of each group output channel i has a 1 at the centre of its
 * kernel for input channel i, as far as there are both, and 0 elsewhere.
 * @param target shape [outputs, inputs, ...kernel] with 1 to 3 dimensions of the kernel
 * @throws TensorError ERR_SHAPE for other dimensions, ERR_ARGUMENT for groups that don't divide the outputs
 * @example
 * ```ts
 * nn.init.dirac(zeros([2, 2, 3])); // => [[[0, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, 1, 0]]]
 * ```
 */
export function dirac<T extends Tensor>(target: T, options: DiracOptions = {}): T {
  checkTensor('dirac', target);
  checkOptions('dirac', options, ['groups']);
  const { groups = 1 } = options;
  if (target.ndim < 3 || target.ndim > 5) {
    throw new TensorError(
      'ERR_SHAPE',
      `[dirac] takes a convolution's weight, of 3 to 5 dimensions, not ${formatShape(target.shape)}`,
    );
  }
  const [outputs, inputs, ...kernel] = target.shape as [number, number, ...number[]];
  if (!Number.isSafeInteger(groups) || groups < 1 || outputs % groups !== 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[dirac] groups is a whole number that divides the ${outputs} outputs, not ${describe(groups)}`,
    );
  }
  fillWith(target, 0);
  if (target.numel === 0) return target;
  const [alongOutputs, alongInputs, ...steps] = target.strides as [number, number, ...number[]];
  const centre = steps.reduce((sum, step, d) => sum + step * ((kernel[d] as number) >> 1), 0);
  const each = outputs / groups;
  const ofGroup = each * alongOutputs;
  const ones = target.strided(
    [groups, Math.min(each, inputs)],
    [ofGroup, alongOutputs + alongInputs],
    target.offset + centre,
  );
  fillWith(ones, 1);
  return target;
}

/** A generator and a target's dtype as options of a function that makes a tensor. */
function drawing(target: Tensor, generator: Generator | undefined): RandomOptions {
  return { dtype: target.dtype, ...(generator && { generator }) };
}

/**
 * Uniform on [low, high).
 * @throws TensorError ERR_ARGUMENT unless the bounds are finite numbers with low <= high
 * @example
 * ```ts
 * const layer = new nn.Linear(4, 2);
 * nn.init.uniform(layer.weight, -0.1, 0.1);
 * layer.weight.abs().le(0.1).all(); // => true
 * ```
 */
export function uniform<T extends Tensor>(target: T, low = 0, high = 1, generator?: Generator): T {
  checkFloating('uniform', target);
  checkGenerator('uniform', generator);
  const values = randomUniform(low, high, target.shape, drawing(target, generator));
  noGrad(() => copyInto(target, values));
  return target;
}

/**
 * Normal with the given mean and standard deviation.
 * @example
 * ```ts
 * const layer = new nn.Linear(4, 2);
 * nn.init.normal(layer.weight, 0, 0.02);
 * ```
 */
export function normal<T extends Tensor>(target: T, mean = 0, std = 1, generator?: Generator): T {
  checkFloating('normal', target);
  checkNumber('normal', 'mean', mean);
  checkNumber('normal', 'std', std, 0);
  checkGenerator('normal', generator);
  const values = randomNormal(mean, std, target.shape, drawing(target, generator));
  noGrad(() => copyInto(target, values));
  return target;
}

/** Options of {@link truncNormal}. */
export interface TruncNormalOptions {
  /** Of the distribution before it is cut. Default 0. */
  mean?: number;
  /** Of the distribution before it is cut. Default 1. */
  std?: number;
  /** Lower bound. Default -2. */
  a?: number;
  /** Upper bound. Default 2. */
  b?: number;
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

/**
 * Normal, cut to [a, b] (the values themselves, not multiples of `std`): see `truncatedNormal`.
 * @example
 * ```ts
 * const layer = new nn.Linear(4, 2);
 * nn.init.truncNormal(layer.weight, { std: 0.02 });
 * ```
 */
export function truncNormal<T extends Tensor>(target: T, options: TruncNormalOptions = {}): T {
  checkFloating('truncNormal', target);
  checkOptions('truncNormal', options, ['mean', 'std', 'a', 'b', 'generator']);
  const values = drawTruncated('truncNormal', target.shape, { ...options, dtype: target.dtype });
  noGrad(() => copyInto(target, values));
  return target;
}

function fans(operation: string, target: Tensor): { fanIn: number; fanOut: number } {
  checkFloating(operation, target);
  if (target.ndim < 2) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] a weight has at least 2 dimensions, not ${formatShape(target.shape)}`,
    );
  }
  const [outputs, inputs, ...kernel] = target.shape as [number, number, ...number[]];
  return { fanIn: inputs * numel(kernel), fanOut: outputs * numel(kernel) };
}

/** What stands behind a layer, for its gain. */
export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu';

/**
 * The factor by which a nonlinearity wants the standard deviation enlarged, with PyTorch's values.
 * @param slope of leakyRelu on the negative side; default 0.01
 * @example
 * ```ts
 * nn.init.calculateGain('relu'); // => 1.414214
 * ```
 */
export function calculateGain(nonlinearity: Nonlinearity, slope = 0.01): number {
  checkNumber('calculateGain', 'slope', slope);
  switch (nonlinearity) {
    case 'linear':
    case 'sigmoid':
      return 1;
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.SQRT2;
    case 'leakyRelu':
      return Math.sqrt(2 / (1 + slope * slope));
    case 'selu':
      return 3 / 4;
    default:
      throw new TensorError(
        'ERR_ARGUMENT',
        `[calculateGain] unknown nonlinearity ${describe(nonlinearity)}`,
      );
  }
}

/** Options of {@link xavierUniform} and {@link xavierNormal}. */
export interface XavierOptions {
  /** Default 1; see `calculateGain`. */
  gain?: number;
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

function xavierStd(operation: string, target: Tensor, options: XavierOptions): number {
  checkOptions(operation, options, ['gain', 'generator']);
  const { fanIn, fanOut } = fans(operation, target);
  return checkNumber(operation, 'gain', options.gain ?? 1, 0) * Math.sqrt(2 / (fanIn + fanOut));
}

/**
 * Uniform with standard deviation gain * sqrt(2 / (fan-in + fan-out)) (Glorot & Bengio 2010).
 * @example
 * ```ts
 * const layer = new nn.Linear(4, 2);
 * nn.init.xavierUniform(layer.weight);
 * layer.weight.abs().le(1).all(); // => true
 * ```
 */
export function xavierUniform<T extends Tensor>(target: T, options: XavierOptions = {}): T {
  const bound = Math.sqrt(3) * xavierStd('xavierUniform', target, options);
  return uniform(target, -bound, bound, options.generator);
}

/**
 * Normal with standard deviation gain * sqrt(2 / (fan-in + fan-out)) (Glorot & Bengio 2010).
 * @example
 * ```ts
 * const layer = new nn.Linear(4, 2);
 * nn.init.xavierNormal(layer.weight);
 * ```
 */
export function xavierNormal<T extends Tensor>(target: T, options: XavierOptions = {}): T {
  return normal(target, 0, xavierStd('xavierNormal', target, options), options.generator);
}

/** Options of {@link kaimingUniform} and {@link kaimingNormal}. */
export interface KaimingOptions {
  /** Which fan keeps its variance: in the forward pass (fanIn, default) or the backward pass. */
  mode?: 'fanIn' | 'fanOut';
  /** Default leakyRelu with slope 0, which is relu. */
  nonlinearity?: Nonlinearity;
  /** Slope of leakyRelu on the negative side. Default 0. */
  slope?: number;
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

function kaimingStd(operation: string, target: Tensor, options: KaimingOptions): number {
  checkOptions(operation, options, ['mode', 'nonlinearity', 'slope', 'generator']);
  const { mode = 'fanIn', nonlinearity = 'leakyRelu', slope = 0 } = options;
  if (mode !== 'fanIn' && mode !== 'fanOut') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] mode is fanIn or fanOut, not ${describe(mode)}`,
    );
  }
  return calculateGain(nonlinearity, slope) / Math.sqrt(fans(operation, target)[mode]);
}

/**
 * Uniform with standard deviation gain / sqrt(fan) (He et al. 2015).
 * @example
 * ```ts
 * const layer = new nn.Linear(4, 2);
 * nn.init.kaimingUniform(layer.weight, { nonlinearity: 'relu' });
 * ```
 */
export function kaimingUniform<T extends Tensor>(target: T, options: KaimingOptions = {}): T {
  const bound = Math.sqrt(3) * kaimingStd('kaimingUniform', target, options);
  return uniform(target, -bound, bound, options.generator);
}

/**
 * Normal with standard deviation gain / sqrt(fan) (He et al. 2015).
 * @example
 * ```ts
 * const layer = new nn.Linear(4, 2);
 * nn.init.kaimingNormal(layer.weight, { nonlinearity: 'relu' });
 * ```
 */
export function kaimingNormal<T extends Tensor>(target: T, options: KaimingOptions = {}): T {
  return normal(target, 0, kaimingStd('kaimingNormal', target, options), options.generator);
}

/** Options of {@link orthogonal}. */
export interface OrthogonalOptions {
  /** The factor of all values. Default 1; see `calculateGain`. */
  gain?: number;
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

/**
 * A random orthogonal matrix (Saxe, McClelland & Ganguli 2014), times the gain: the target as a matrix
 * [outputs, inputs * kernel size] has orthonormal rows, or columns if these are fewer. It is Q of the QR
 * factorisation of normal numbers, with the signs that make R's diagonal positive, so that all orthogonal
 * matrices are equally likely (Mezzadri 2007).
 * @param target at least 2 dimensions, float32 or float64
 * @throws TensorError ERR_SHAPE for fewer dimensions, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * const weight = nn.init.orthogonal(zeros([2, 3], { dtype: 'float64' }), { gain: 2 });
 * allClose(weight.matmul(weight.transpose()), eye(2, { dtype: 'float64' }).mul(4)); // => true
 * ```
 */
export function orthogonal<T extends Tensor>(target: T, options: OrthogonalOptions = {}): T {
  const { fanIn: cols } = fans('orthogonal', target);
  checkOptions('orthogonal', options, ['gain', 'generator']);
  const gain = checkNumber('orthogonal', 'gain', options.gain ?? 1);
  checkGenerator('orthogonal', options.generator);
  const rows = target.shape[0] as number;
  if (target.numel === 0) return target;
  noGrad(() => {
    const numbers = randomNormal(0, 1, [rows, cols], drawing(target, options.generator));
    const { q, r } = qr(rows < cols ? transpose(numbers) : numbers);
    const signs = where(lt(diagonal(r), 0), -1, 1).to(target.dtype);
    const columns = mul(q, mul(signs, gain));
    copyInto(target, reshape(rows < cols ? transpose(columns) : columns, target.shape));
  });
  return target;
}

/** Options of {@link sparse}. */
export interface SparseOptions {
  /** The standard deviation of what isn't 0. Default 0.01. */
  std?: number;
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

/**
 * Normal numbers with mean 0 of which in every column as many are set to 0 (Martens 2010):
 * ceil(sparsity * rows), in random places.
 * @param target a matrix, float32 or float64
 * @param sparsity the share of zeros in a column, 0 to 1
 * @throws TensorError ERR_SHAPE for other dimensions, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * nn.init.sparse(zeros([4, 3]), 0.5).eq(0).sum({ dim: 0 }); // => [2, 2, 2]
 * ```
 */
export function sparse<T extends Tensor>(
  target: T,
  sparsity: number,
  options: SparseOptions = {},
): T {
  checkFloating('sparse', target);
  const [rows, cols] = checkMatrix('sparse', target);
  checkProbability('sparse', sparsity);
  checkOptions('sparse', options, ['std', 'generator']);
  const { std = 0.01, generator } = options;
  checkGenerator('sparse', generator);
  normal(target, 0, checkNumber('sparse', 'std', std, 0), generator);
  const zeroed = Math.ceil(sparsity * rows);
  if (zeroed === 0 || cols === 0) return target;
  noGrad(() => {
    const drawn = randomUniform(0, 1, [rows, cols], drawing(target, generator));
    const places = narrow(argsort(drawn, { dim: 0 }), 0, 0, zeroed);
    copyInto(target, scatter(target, 0, places, 0));
  });
  return target;
}
