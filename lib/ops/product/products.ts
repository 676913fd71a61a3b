/** Products of vectors, matrices and tensors by name; all stand on `matmul` and `einsum`. */
import { recording } from '../../autograd/tape.js';
import { composed } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import { rows, runGeometry } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import {
  checkOptions,
  contiguousStrides,
  describe,
  formatShape,
  MAX_RANK,
  normalizeDim,
  numel,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { mul } from '../elementwise/arithmetic.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { checkTensor, clone } from '../operand.js';
import { isFloating, promote } from '../promotion.js';
import { expand } from '../reduction/reduce.js';
import { permute, reshape, unsqueeze } from '../shape/shape.js';
import { einsum } from './einsum.js';
import { matmul } from './matmul.js';
import { checkProduct, inFloat32 } from './matmul_bf16.js';

const KINDS = ['a scalar', 'a vector', 'a matrix', 'a batch of matrices'];

/** @throws TensorError ERR_SHAPE unless it has so many dimensions */
export function checkRank(operation: string, name: string, x: Tensor, rank: number): void {
  if (x.ndim !== rank) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] ${name} is ${KINDS[rank]}, not of shape ${formatShape(x.shape)}`,
    );
  }
}

/** @throws TensorError ERR_SHAPE unless the inner dimensions are the same */
export function checkInner(operation: string, a: Tensor, b: Tensor): void {
  const inner = a.shape.at(-1);
  const other = b.shape.at(b.ndim === 1 ? -1 : -2);
  const isBatch = a.ndim === 3 && b.ndim === 3;
  if (inner !== other || (isBatch && a.shape[0] !== b.shape[0])) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] shapes ${formatShape(a.shape)} and ${formatShape(b.shape)} do not fit`,
    );
  }
}

/** The matrix product of operands with these numbers of dimensions. */
function ranked(operation: string, a: Tensor, b: Tensor, left: number, right: number): Tensor {
  checkProduct(operation, a);
  checkProduct(operation, b);
  checkRank(operation, 'the first operand', a, left);
  checkRank(operation, 'the second operand', b, right);
  checkInner(operation, a, b);
  return matmul(a, b);
}

/**
 * The dot product of two vectors: sum(a * b), without broadcasting, with the bits of multiplying and summing
 * (of bfloat16 as a matrix product).
 * @param a shape [n]; of the dtypes that matmul takes
 * @param b shape [n]
 * @returns a scalar
 * @throws TensorError ERR_SHAPE unless they are vectors of one length, ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * dot(tensor([1, 2]), tensor([3, 4])); // => 11
 * ```
 */
export function dot(a: Tensor, b: Tensor): Tensor {
  return ranked('dot', a, b, 1, 1);
}

/**
 * The product of a matrix and a vector.
 * @param matrix shape [m, n]
 * @param vector shape [n]
 * @returns shape [m]
 * @throws TensorError ERR_SHAPE when they don't fit, ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * mv(tensor([[1, 2], [3, 4]]), tensor([1, 1])); // => [3, 7]
 * ```
 */
export function mv(matrix: Tensor, vector: Tensor): Tensor {
  return ranked('mv', matrix, vector, 2, 1);
}

/**
 * The product of two matrices; `matmul` without its rules for other ranks.
 * @param left shape [m, k]
 * @param right shape [k, n]
 * @returns shape [m, n]
 * @throws TensorError ERR_SHAPE when they don't fit, ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * mm(tensor([[1, 2]]), tensor([[3], [4]])); // => [[11]]
 * ```
 */
export function mm(left: Tensor, right: Tensor): Tensor {
  return ranked('mm', left, right, 2, 2);
}

/**
 * The products of pairs of matrices, without broadcasting.
 * @param left shape [b, m, k]
 * @param right shape [b, k, n]
 * @returns shape [b, m, n]
 * @throws TensorError ERR_SHAPE when they don't fit, ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * bmm(tensor([[[1, 2]], [[3, 4]]]), tensor([[[1], [1]], [[1], [1]]])); // => [[[3]], [[7]]]
 * ```
 */
export function bmm(left: Tensor, right: Tensor): Tensor {
  return ranked('bmm', left, right, 3, 3);
}

/**
 * All products of an element of one vector and one of another: y[i, j] = a[i] b[j].
 * @param a shape [m]; of any dtype but float16
 * @param b shape [n]
 * @returns shape [m, n], of the dtype at which they meet
 * @throws TensorError ERR_SHAPE unless they are vectors, ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * outer(tensor([1, 2]), tensor([3, 4])); // => [[3, 4], [6, 8]]
 * ```
 */
export function outer(a: Tensor, b: Tensor): Tensor {
  checkTensor('outer', a);
  checkTensor('outer', b);
  checkRank('outer', 'the first operand', a, 1);
  checkRank('outer', 'the second operand', b, 1);
  return inFloat32([a, b] as const, (both) => {
    const [x, y] = promote('outer', ...both);
    return mul(unsqueeze(x, 1), unsqueeze(y, 0));
  });
}

/** Rows of fewer elements cost more to begin than to multiply: four vectors. */
const SHORT_ROW = 64;

type Sizes = readonly number[];

/** Operands with dimensions of their own before the last `common` ones: [m0, 1, ...] and [1, n0, ...]. */
function crossed(x: Tensor, y: Tensor, common: number): [Tensor, Tensor] {
  const own = x.ndim - common;
  const spread = (t: Tensor, pair: (size: number) => number[]) =>
    reshape(t, [...t.shape.slice(0, own).flatMap(pair), ...t.shape.slice(own)]);
  return [spread(x, (size) => [size, 1]), spread(y, (size) => [1, size])];
}

/** Operands of sizes m and n with the rows of the result written out: each element n times, and all m times. */
function asRows(x: Tensor, y: Tensor, m: Sizes, n: Sizes): [Tensor, Tensor] {
  const [columns, width] = [m.at(-1) as number, n.at(-1) as number];
  const [above, below] = [m.slice(0, -1), n.slice(0, -1)];
  const left = expand(unsqueeze(x, -1), [...m, width]);
  const right = expand(unsqueeze(y, -2), [...below, columns, width]);
  return [reshape(left, [...above, columns * width]), reshape(right, [...below, columns * width])];
}

/**
 * The same product of floats that record nothing, by three calls: of 16 x 16 the views that record would
 * cost as much as the product.
 */
function productOfRows(x: Tensor, y: Tensor, m: Sizes, n: Sizes): Tensor {
  const last = m.length - 1;
  const [columns, width] = [m[last] as number, n[last] as number];
  // Dimensions before the last one: of each operand, and in turns.
  const [rowsOfX, rowsOfY, stepsOfX, stepsOfY]: number[][] = [[], [], [], []];
  const [result, shape]: number[][] = [[], []];
  for (let d = 0; d < last; d++) {
    rowsOfX.push(m[d] as number);
    rowsOfY.push(n[d] as number);
    stepsOfX.push(x.strides[d] as number);
    stepsOfY.push(y.strides[d] as number);
    result.push((m[d] as number) * (n[d] as number));
    shape.push(m[d] as number, n[d] as number);
  }
  rowsOfX.push(columns, width);
  rowsOfY.push(columns, width);
  stepsOfX.push(x.strides[last] as number, 0);
  stepsOfY.push(0, y.strides[last] as number);
  result.push(columns * width);
  shape.push(columns * width);
  const left = clone(x.strided(rowsOfX, stepsOfX, x.offset));
  const right = clone(y.strided(rowsOfY, stepsOfY, y.offset));
  const z = uninitialized(result, x.dtype);
  if (z.numel === 0) return z;
  const [ofLeft, ofRight]: number[][] = [[], []];
  for (let d = 0; d < last; d++) {
    ofLeft.push(left.strides[d] as number, 0);
    ofRight.push(0, right.strides[d] as number);
  }
  ofLeft.push(1);
  ofRight.push(1);
  runGeometry(rows.mul, shape, [
    { array: left.array, offset: left.offset, strides: ofLeft },
    { array: right.array, offset: right.offset, strides: ofRight },
    { array: z.array, offset: z.offset, strides: contiguousStrides(shape) },
  ]);
  return z;
}

function kronecker(a: Tensor, b: Tensor, rank: number): Tensor {
  const sizes = (t: Tensor): Sizes =>
    t.ndim === rank ? t.shape : [...new Array<number>(rank - t.ndim).fill(1), ...t.shape];
  const [m, n] = [sizes(a), sizes(b)];
  const [left, right] = promote('kron', a, b);
  const [x, y] = [reshape(left, m), reshape(right, n)];
  const isShort = rank > 1 && (n.at(-1) as number) < SHORT_ROW;
  if (isShort && isFloating(x.dtype) && !recording(x, y)) {
    return productOfRows(x.detach(), y.detach(), m, n);
  }
  const products = mul(...(isShort ? crossed(...asRows(x, y, m, n), 1) : crossed(x, y, 0)));
  return reshape(
    products,
    m.map((size, d) => size * (n[d] as number)),
  );
}

/**
 * The Kronecker product: y[i * n + j] = a[i] b[j] along every dimension, n being b's size there.
 * Dimensions of size 1 are put before those of the operand that has fewer.
 * @param a up to 4 dimensions; of any dtype but float16
 * @param b the same
 * @returns in each dimension the product of the sizes; of the dtype at which they meet
 * @throws TensorError ERR_SHAPE for more than 4 dimensions, ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * kron(tensor([1, 10]), tensor([1, 2, 3])); // => [1, 2, 3, 10, 20, 30]
 * ```
 */
export function kron(a: Tensor, b: Tensor): Tensor {
  checkTensor('kron', a);
  checkTensor('kron', b);
  const rank = Math.max(a.ndim, b.ndim);
  if (2 * rank > MAX_RANK) {
    throw new TensorError(
      'ERR_SHAPE',
      `[kron] takes up to ${MAX_RANK / 2} dimensions, not ${formatShape(a.shape)} and ` +
        formatShape(b.shape),
    );
  }
  return composed(() => inFloat32([a, b], ([x, y]) => kronecker(x, y, rank)));
}

/**
 * Products of vectors along the last dimension of both: y[..., ...] = sum_i a[..., i] b[..., i]; a
 * scalar multiplies every element.
 * @param a shape [..., n], of the dtypes that matmul takes; integers wrap around
 * @param b shape [..., n]
 * @returns a's dimensions but the last, then b's but the last
 * @throws TensorError ERR_SHAPE unless the last dimensions are the same, ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * inner(tensor([[1, 2], [3, 4]]), tensor([1, 1])); // => [3, 7]
 * ```
 */
export function inner(a: Tensor, b: Tensor): Tensor {
  checkProduct('inner', a);
  checkProduct('inner', b);
  if (a.ndim === 0 || b.ndim === 0) return inFloat32([a, b], ([x, y]) => mul(x, y));
  if (a.shape.at(-1) !== b.shape.at(-1)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[inner] the last dimensions of ${formatShape(a.shape)} and ${formatShape(b.shape)} differ`,
    );
  }
  // Without an equation to write and to read.
  if (a.ndim <= 2 && b.ndim === 2) return matmul(a, permute(b, [1, 0]));
  return contracted('inner', a, b, [a.ndim - 1], [b.ndim - 1]);
}

/** Sums over pairs of dimensions. */
function contracted(
  operation: string,
  a: Tensor,
  b: Tensor,
  left: readonly number[],
  right: readonly number[],
): Tensor {
  const rank = a.ndim + b.ndim - 2 * left.length;
  if (rank > MAX_RANK) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] the result has ${rank} dimensions, more than ${MAX_RANK}`,
    );
  }
  const count = left.length;
  const isPlain = left.every(
    (d, i) => d === a.ndim - count + i && i === right[i] && a.shape[d] === b.shape[i],
  );
  // As they lie, a matrix each: without an equation to write and to read.
  if (isPlain && a.isContiguous && b.isContiguous) {
    const [rest, others] = [a.shape.slice(0, a.ndim - count), b.shape.slice(count)];
    const inner = numel(b.shape.slice(0, count));
    const y = matmul(reshape(a, [numel(rest), inner]), reshape(b, [inner, numel(others)]));
    return reshape(y, [...rest, ...others]);
  }
  const letter = (n: number) => String.fromCharCode('a'.charCodeAt(0) + n);
  const first = a.shape.map((_, d) => letter(d));
  const second = b.shape.map((_, d) => letter(a.ndim + d));
  right.forEach((d, i) => {
    second[d] = first[left[i] as number] as string;
  });
  const free = [
    ...first.filter((_, d) => !left.includes(d)),
    ...second.filter((_, d) => !right.includes(d)),
  ];
  return einsum(`${first.join('')},${second.join('')}->${free.join('')}`, a, b);
}

/** Options of {@link tensordot}. */
export interface TensordotOptions {
  /**
   * How many dimensions are summed over, the last ones of a and the first ones of b, in order; or the
   * dimensions of a and those of b. Default 2.
   */
  dims?: number | readonly [readonly number[], readonly number[]];
}

/** The dimensions that are summed over, of a and of b. */
function contractedDims(a: Tensor, b: Tensor, dims: unknown): [number[], number[]] {
  if (typeof dims === 'number') {
    if (!Number.isInteger(dims) || dims < 0 || dims > Math.min(a.ndim, b.ndim)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[tensordot] dims is a whole number from 0 to ${Math.min(a.ndim, b.ndim)}, the dimensions ` +
          `of the smaller operand, not ${dims}`,
      );
    }
    const count = Array.from({ length: dims }, (_, i) => i);
    return [count.map((i) => a.ndim - dims + i), count];
  }
  const isPair = Array.isArray(dims) && dims.length === 2 && dims.every(Array.isArray);
  if (!isPair || dims[0].length !== dims[1].length) {
    throw new TensorError(
      'ERR_ARGUMENT',
      '[tensordot] dims is a number, or two lists of as many dimensions of a as of b, not ' +
        describe(dims),
    );
  }
  const lists = [a, b].map((t, i) =>
    (dims[i] as unknown[]).map((d) => normalizeDim('tensordot', d, t.ndim)),
  ) as [number[], number[]];
  if (lists.some((list) => new Set(list).size < list.length)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[tensordot] a dimension is named twice: ${describe(dims)}`,
    );
  }
  return lists;
}

/**
 * The sum of products over pairs of dimensions of two tensors, as one matrix product. A dimension of
 * size 1 stretches.
 * @param a any shape, of the dtypes that matmul takes; integers wrap around
 * @param b the same
 * @returns the dimensions of a that are left, then those of b
 * @throws TensorError ERR_SHAPE when a pair of dimensions differs in size, ERR_ARGUMENT for `dims` that
 * are neither a number nor two lists of one length, ERR_INDEX for a dimension that isn't there, ERR_DTYPE
 * @example
 * ```ts
 * tensordot(tensor([[1, 2], [3, 4]]), tensor([[1, 0], [0, 1]])); // => 5
 * tensordot(tensor([1, 2]), tensor([3, 4]), { dims: 0 }); // => [[3, 4], [6, 8]]
 * ```
 */
export function tensordot(a: Tensor, b: Tensor, options: TensordotOptions = {}): Tensor {
  checkProduct('tensordot', a);
  checkProduct('tensordot', b);
  checkOptions('tensordot', options, ['dims']);
  const [left, right] = contractedDims(a, b, options.dims ?? 2);
  left.forEach((d, i) => {
    const [m, n] = [a.shape[d] as number, b.shape[right[i] as number] as number];
    if (m !== n && m !== 1 && n !== 1) {
      throw new TensorError(
        'ERR_SHAPE',
        `[tensordot] dimensions ${d} of ${formatShape(a.shape)} and ${right[i]} of ` +
          `${formatShape(b.shape)} differ`,
      );
    }
  });
  return contracted('tensordot', a, b, left, right);
}

const products = { dot, mv, mm, bmm, outer, kron, inner };
defineMethods({ ...products, tensordot });

type Products = { [K in keyof typeof products]: (other: Tensor) => Tensor };

declare module '../../tensor/tensor.js' {
  interface Tensor extends Products {
    /** Sums of products over pairs of dimensions: see the function `tensordot`. */
    tensordot(other: Tensor, options?: TensordotOptions): Tensor;
  }
}
