/** Norms of vectors and matrices, and condition numbers. */
import { TensorError } from '../errors.js';
import { where } from '../ops/elementwise/ternary.js';
import { checkDims, checkFloating } from '../ops/operand.js';
import { amax, amin, type DimOptions } from '../ops/reduction/extremum.js';
import { sum } from '../ops/reduction/reduce.js';
import { norm as elementNorm } from '../ops/reduction/statistics.js';
import { permute, reshape } from '../ops/shape/shape.js';
import { checkOptions, describe, formatShape, normalizeDim } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { invEx } from './lu.js';
import { batchOf, checkMatrices, checkSquare } from './parts.js';
import { singularValues } from './svd.js';

/** `fro`: the root of the sum of squares; `nuc`: the sum of the singular values. */
export type MatrixOrd = 'fro' | 'nuc' | number;

/** Options of {@link vectorNorm}. */
export interface VectorNormOptions {
  /** Any number, Infinity and -Infinity too. Default 2. */
  ord?: number;
  /** Dimensions to take it over. Default all. */
  dim?: number | readonly number[];
  /** Whether they stay, with size 1. Default false. */
  keepDim?: boolean;
}

/** Options of {@link matrixNorm}. */
export interface MatrixNormOptions {
  /** `fro`, `nuc`, 1, -1, 2, -2, Infinity or -Infinity. Default `fro`. */
  ord?: MatrixOrd;
  /** The dimensions of rows and of columns. Default the last two. */
  dim?: readonly number[];
  /** Whether they stay, with size 1. Default false. */
  keepDim?: boolean;
}

/** Options of {@link norm}. */
export interface LinalgNormOptions {
  /** A vector's or a matrix's order. Default the root of the sum of squares. */
  ord?: MatrixOrd;
  /** One dimension for norms of vectors, two for those of matrices. */
  dim?: number | readonly number[];
  /** Whether they stay, with size 1. Default false. */
  keepDim?: boolean;
}

const known = ['ord', 'dim', 'keepDim'];

function vectorNormOf(operation: string, x: Tensor, options: VectorNormOptions): Tensor {
  const { ord = 2, dim, keepDim = false } = options;
  if (typeof ord !== 'number' || Number.isNaN(ord)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] the order of a vector's norm is a number, not ${describe(ord)}`,
    );
  }
  const dims = dim === undefined ? {} : { dim: checkDims(operation, dim, x.ndim) };
  return elementNorm(x, { p: ord, keepDim, ...dims });
}

/**
 * Norms of vectors: (sum |x|^ord)^(1/ord), the largest or smallest |x| for Infinity and -Infinity, the
 * number of elements that aren't 0 for 0.
 * @param x any shape, float32 or float64
 * @throws TensorError ERR_ARGUMENT unless the order is a number, ERR_INDEX for a dimension that isn't
 * there, ERR_DTYPE, ERR_SHAPE for an infinite order of nothing
 * @example
 * ```ts
 * linalg.vectorNorm(tensor([3, 4])); // => 5
 * ```
 */
export function vectorNorm(x: Tensor, options: VectorNormOptions = {}): Tensor {
  checkFloating('vectorNorm', x);
  checkOptions('vectorNorm', options, known);
  return vectorNormOf('vectorNorm', x, options);
}

/** The largest of sizes along the last dimension; 0 of none, as in PyTorch. */
function largest(sizes: Tensor): Tensor {
  return sizes.shape.at(-1) === 0 ? sum(sizes, LAST) : amax(sizes, LAST);
}

const LAST: DimOptions = { dim: -1 };

/** Norms of the matrices in the last two dimensions, which are dropped. */
function plainMatrixNorm(operation: string, x: Tensor, ord: MatrixOrd): Tensor {
  switch (ord) {
    case 'fro':
      return elementNorm(x, { dim: [-2, -1] });
    case 'nuc':
      return sum(singularValues(operation, x), { dim: -1 });
    case 2:
      return largest(singularValues(operation, x));
    case -2:
      return amin(singularValues(operation, x), { dim: -1 });
    case 1:
      return largest(sum(x.abs(), { dim: -2 }));
    case -1:
      return amin(sum(x.abs(), { dim: -2 }), { dim: -1 });
    case Infinity:
      return largest(sum(x.abs(), LAST));
    case -Infinity:
      return amin(sum(x.abs(), { dim: -1 }), { dim: -1 });
    default:
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${operation}] the order of a matrix's norm is fro, nuc, 1, -1, 2, -2, Infinity or -Infinity, not ${describe(ord)}`,
      );
  }
}

function matrixNormOf(operation: string, x: Tensor, options: MatrixNormOptions): Tensor {
  checkMatrices(operation, x);
  const { ord = 'fro', dim = [-2, -1], keepDim = false } = options;
  const dims = Array.isArray(dim) ? dim.map((d) => normalizeDim(operation, d, x.ndim)) : [];
  const [row, column] = dims as [number, number];
  if (dims.length !== 2 || row === column) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] dim names two dimensions for a matrix, not ${describe(dim)}`,
    );
  }
  const others = x.shape.map((_, d) => d).filter((d) => d !== row && d !== column);
  const y = plainMatrixNorm(operation, permute(x, [...others, row, column]), ord);
  return keepDim
    ? reshape(
        y,
        x.shape.map((size, d) => (dims.includes(d) ? 1 : size)),
      )
    : y;
}

/**
 * Norms of matrices: `fro` the root of the sum of squares, `nuc` the sum of the singular values, 2 and
 * -2 the largest and smallest of these, 1 and -1 the largest and smallest sum of a column's |x|,
 * Infinity and -Infinity of a row's.
 * @param x shape [..., m, n], float32 or float64
 * @throws TensorError ERR_ARGUMENT for other orders and unless `dim` names two dimensions, ERR_SHAPE
 * without two dimensions, ERR_DTYPE, ERR_INDEX for a dimension that isn't there
 * @example
 * ```ts
 * linalg.matrixNorm(tensor([[1, 2], [3, 4]]), { ord: 1 }); // => 6
 * ```
 */
export function matrixNorm(x: Tensor, options: MatrixNormOptions = {}): Tensor {
  checkFloating('matrixNorm', x);
  checkOptions('matrixNorm', options, known);
  return matrixNormOf('matrixNorm', x, options);
}

/**
 * A norm of vectors or matrices, by PyTorch's rules: without `ord` the root of the sum of squares over
 * all dimensions or the given ones; with it that of vectors for one dimension, of matrices for two.
 * (The function `norm` outside of `linalg` takes every tensor for a vector.)
 * @param x float32 or float64; with `ord` and without `dim` a vector or a matrix
 * @throws TensorError as vectorNorm and matrixNorm
 * @example
 * ```ts
 * linalg.norm(tensor([[3, 0], [0, -4]]), { ord: 'nuc' }); // => 7
 * ```
 */
export function norm(x: Tensor, options: LinalgNormOptions = {}): Tensor {
  checkFloating('norm', x);
  checkOptions('norm', options, known);
  const { ord, dim, keepDim = false } = options;
  const at = dim === undefined ? {} : { dim };
  if (ord === undefined) return vectorNormOf('norm', x, { ...at, keepDim });
  const count = dim === undefined ? x.ndim : Array.isArray(dim) ? dim.length : 1;
  if (count !== 1 && count !== 2) {
    throw new TensorError(
      'ERR_SHAPE',
      `[norm] with ord it is a vector's or a matrix's, not of shape ${formatShape(x.shape)}; give dim`,
    );
  }
  if (count === 1) {
    const p = typeof ord === 'number' ? ord : (ord as never);
    return vectorNormOf('norm', x, { ord: p, ...at, keepDim });
  }
  return matrixNormOf('norm', x, { ord, keepDim, ...(Array.isArray(dim) && { dim }) });
}

/** Options of {@link cond}. */
export interface CondOptions {
  /** The order of the norm. Default 2. */
  p?: MatrixOrd;
}

/**
 * Condition numbers |A| |inv(A)|: how much relative errors of B may grow in A X = B. Infinity of
 * singular matrices, 0 of those without elements. For p = 2 and -2 the ratio of the largest and smallest singular values, of
 * matrices of any shape.
 * @param a shape [..., m, n]; square unless p is 2 or -2
 * @param options p: an order of `matrixNorm`
 * @returns shape [...]
 * @throws TensorError ERR_SHAPE, ERR_DTYPE, ERR_ARGUMENT for other orders
 * @example
 * ```ts
 * linalg.cond(tensor([[1, 0], [0, 4]])); // => 4
 * ```
 */
export function cond(a: Tensor, options: CondOptions = {}): Tensor {
  checkMatrices('cond', a);
  checkOptions('cond', options, ['p']);
  const { p = 2 } = options;
  if (a.shape.at(-1) === 0 || a.shape.at(-2) === 0) return sum(a, { dim: [-2, -1] });
  if (p === 2 || p === -2) {
    const s = singularValues('cond', a);
    const [high, low] = [amax(s, { dim: -1 }), amin(s, { dim: -1 })];
    return p === 2 ? high.div(low) : low.div(high);
  }
  checkSquare('cond', a);
  const own = plainMatrixNorm('cond', a, p);
  const { inverse, info } = invEx(a);
  const regular = reshape(info.eq(0), batchOf(a));
  // Values of singular matrices mean nothing, and nuc and the like must not see NaN.
  const finite = where(regular.reshape([...batchOf(a), 1, 1]), inverse, 0);
  return where(regular, own.mul(plainMatrixNorm('cond', finite, p)), Infinity);
}
