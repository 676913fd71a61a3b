/** Matrix products. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { uninitialized } from '../../tensor/creation.js';
import { type DType, infoOf } from '../../tensor/dtype.js';
import {
  broadcastShapes,
  broadcastStrides,
  checkNumber,
  checkOptions,
  formatShape,
  sameShape,
} from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { add, mul } from '../elementwise/arithmetic.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { checkFloating, contiguous, copyInto, to } from '../operand.js';
import { isInteger } from '../promotion.js';
import { expand, sumTo } from '../reduction/reduce.js';
import { squeeze, transpose, unsqueeze } from '../shape/shape.js';
import { dotProduct } from './dot.js';
import { colsOf, gemm, type MatmulPlan, planOf, rowsOf, type Walk } from './gemm.js';
import { multiply } from './gemm_bf16.js';
import {
  checkProduct,
  inFloat32,
  type MatmulOptions,
  promoteProduct,
  resultDtype,
} from './matmul_bf16.js';
import { checkWhole, integerProduct } from './matmul_integer.js';

/**
 * The left operand of A B as the native side takes it: a dimension that no operand moves along is
 * refused, so A is copied when the inner one is stretched in both.
 */
export function movable(a: Tensor, b: Tensor): Tensor {
  const stretched = a.strides[a.ndim - 1] === 0 && b.strides[b.ndim - 2] === 0;
  return stretched ? contiguous(a) : a;
}

/** C = A B, for every matrix of the walk, or for the operands' first ones. */
type Multiply = (a: Tensor, b: Tensor, c: Tensor, walk: Walk | null) => void;

/** In the operands' own precision. */
const multiplyExactly: Multiply = (a, b, c, walk) => gemm(a, b, c, walk, 1, 0);

/**
 * A B for matrices in the last two dimensions, the ones before broadcast. Not recorded.
 * @param dtype the result's
 */
export function compute(
  left: Tensor,
  right: Tensor,
  dtype: DType,
  by: Multiply = multiply,
): Tensor {
  const a = movable(left, right);
  if (a.ndim > 2 || right.ndim > 2) return computeBatched(a, right, dtype, by);
  const c = uninitialized([rowsOf(a), colsOf(right)], dtype);
  if (c.numel > 0) by(a, right, c, null);
  return c;
}

function computeBatched(a: Tensor, b: Tensor, dtype: DType, by: Multiply): Tensor {
  const batchOf = ({ shape }: Tensor) => shape.slice(0, -2);
  const batchShape = broadcastShapes('matmul', batchOf(a), batchOf(b));
  const c = uninitialized([...batchShape, rowsOf(a), colsOf(b)], dtype);
  if (c.numel === 0) return c;
  const stepsOf = (t: Tensor) => broadcastStrides(batchOf(t), t.strides.slice(0, -2), batchShape);
  const steps = [stepsOf(a), stepsOf(b), c.strides] as const;
  // The innermost batch dimension is the native side's; this walks the others.
  const inner = batchShape.length - 1;
  const walk = (dim: number, aAt: number, bAt: number, cAt: number): void => {
    const step = (k: 0 | 1 | 2) => steps[k][dim] as number;
    const count = batchShape[dim] as number;
    if (dim === inner) {
      const through = {
        count,
        steps: [step(0), step(1), step(2)],
        starts: [aAt, bAt, cAt],
      } as const;
      by(a, b, c, through);
      return;
    }
    for (let i = 0; i < count; i++)
      walk(dim + 1, aAt + i * step(0), bAt + i * step(1), cAt + i * step(2));
  };
  walk(0, a.offset, b.offset, c.offset);
  return c;
}

/** Stands for options that weren't given, which need no check. */
const none: MatmulOptions = Object.freeze({});

/**
 * The matrix product, by PyTorch's rules: matrices in the last two dimensions, the dimensions before
 * broadcast; a vector on the left is a row and one on the right a column, and its dimension is
 * dropped from the result (two vectors give their dot product). Every element of a matrix is one
 * chain of fused multiply-adds over the inner dimension; a dot product is summed like `sum`. Views are
 * read where they are.
 *
 * Two bfloat16 tensors are multiplied exactly and summed in float32, which is rounded to bfloat16 at
 * the end (unless `outDtype` is `float32`). Before that rounding an element is within
 * k 2^-23 * sum |a| |b| of the exact product; denormal operands count as zeros. Integers give their own
 * dtype and wrap around.
 * @throws TensorError ERR_SHAPE when the inner dimensions differ or an operand is a scalar,
 * ERR_DTYPE for bools and float16 and for an `outDtype` that doesn't go with the operands,
 * ERR_ARGUMENT for unknown options
 * @example
 * ```ts
 * matmul(tensor([[1, 2], [3, 4]]), tensor([[1], [10]])); // => [[21], [43]]
 * matmul(tensor([1, 2]), tensor([3, 4])); // => 11
 * matmul(ones([2, 3]), ones([2, 3])); // throws ERR_SHAPE
 * ```
 */
export function matmul(left: Tensor, right: Tensor, options: MatmulOptions = none): Tensor {
  if (options === none && areMatrices(left, right)) return product(left, right, left.dtype);
  if (options !== none) checkOptions('matmul', options, ['outDtype']);
  const [a, b] = promoteProduct('matmul', left, right);
  const dtype = resultDtype('matmul', a.dtype, options);
  if (a.ndim === 0 || b.ndim === 0) {
    throw new TensorError('ERR_SHAPE', '[matmul] a scalar has no inner dimension; use mul');
  }
  const inner = a.shape[a.ndim - 1] as number;
  const other = b.shape[Math.max(0, b.ndim - 2)] as number;
  if (inner !== other) {
    throw new TensorError(
      'ERR_SHAPE',
      `[matmul] shapes ${formatShape(a.shape)} and ${formatShape(b.shape)} do not fit: ${inner} != ${other}`,
    );
  }
  if (a.ndim === 1 && b.ndim === 1 && infoOf(a.dtype).arithmetic) return dotProduct(a, b);
  if (a.ndim === 1) return squeeze(matmul(unsqueeze(a, 0), b, options), b.ndim === 1 ? -1 : -2);
  if (b.ndim === 1) return squeeze(matmul(a, unsqueeze(b, 1), options), -1);
  return isInteger(dtype) ? productOfIntegers(a, b) : product(a, b, dtype);
}

/**
 * Whether these are two matrices of one floating dtype that fit, as most operands are. `matmul` asks
 * this before everything else: what it asks otherwise, operand by operand, takes 60 ns, a fifth of the
 * product of 8 x 8 x 8.
 */
function areMatrices(a: Tensor, b: Tensor): boolean {
  if (!(a instanceof Tensor && b instanceof Tensor)) return false;
  const { shape } = a;
  const other = b.shape;
  if (shape.length !== 2 || other.length !== 2 || shape[1] !== other[0]) return false;
  const { dtype } = a;
  return dtype === b.dtype && (dtype === 'float32' || dtype === 'float64');
}

function productOfIntegers(a: Tensor, b: Tensor): Tensor {
  return integerProduct(a, b, (x, y) => compute(x, y, 'float64'));
}

/** A B for matrices in the last two dimensions; its gradients are products of the same kind. */
export function product(a: Tensor, b: Tensor, dtype: DType, by: Multiply = multiply): Tensor {
  const y = compute(a, b, dtype, by);
  if (recording(a, b)) {
    attach(
      y,
      'matmul',
      [a, b],
      [
        (g) => operandGradient(a, g, transpose(b), g, by),
        (g) => operandGradient(b, transpose(a), g, g, by),
      ],
    );
  }
  return y;
}

/**
 * The gradient of an operand: a product, summed over the batch dimensions that the operand was
 * stretched along. bfloat16 is summed before it is rounded.
 */
function operandGradient(
  operand: Tensor,
  left: Tensor,
  right: Tensor,
  g: Tensor,
  by: Multiply,
): Tensor {
  const stretched = !sameShape(operand.shape.slice(0, -2), g.shape.slice(0, -2));
  const dtype = stretched && operand.dtype === 'bfloat16' ? 'float32' : operand.dtype;
  return to(sumTo(product(left, right, dtype, by), operand.shape), operand.dtype);
}

/** Options of {@link addmm} and {@link baddbmm}. */
export interface AddmmOptions {
  /** Factor of the input; at 0 the input's values are not read. Default 1. */
  beta?: number;
  /** Factor of the product; it is applied to `left` before multiplying. Default 1. */
  alpha?: number;
}

/**
 * beta * input + alpha * (left @ right) for matrices, of floats in one pass. Integers wrap around; of
 * bfloat16 everything is computed in float32 and rounded once at the end.
 * @param input broadcast to [m, n]
 * @param left shape [m, k]
 * @param right shape [k, n]
 * @returns shape [m, n]
 * @throws TensorError ERR_SHAPE when they don't fit, ERR_DTYPE unless all have one dtype, but float16
 * and bool, ERR_ARGUMENT for factors that aren't finite numbers, of integers whole ones
 * @example
 * ```ts
 * addmm(tensor([1, 1]), tensor([[1, 2]]), eye(2), { beta: 10 }); // => [[11, 12]]
 * ```
 */
export function addmm(
  input: Tensor,
  left: Tensor,
  right: Tensor,
  options: AddmmOptions = {},
): Tensor {
  return addProduct('addmm', 2, input, left, right, options);
}

/**
 * The same for batches: beta * input + alpha * (left @ right) for each pair of matrices.
 * @param input broadcast to [b, m, n]
 * @param left shape [b, m, k]
 * @param right shape [b, k, n]
 * @returns shape [b, m, n]
 * @throws TensorError as addmm
 * @example
 * ```ts
 * baddbmm(zeros([1, 1, 2]), ones([1, 1, 3]), ones([1, 3, 2])); // => [[[3, 3]]]
 * ```
 */
export function baddbmm(
  input: Tensor,
  left: Tensor,
  right: Tensor,
  options: AddmmOptions = {},
): Tensor {
  return addProduct('baddbmm', 3, input, left, right, options);
}

function addProduct(
  name: string,
  rank: 2 | 3,
  input: Tensor,
  left: Tensor,
  right: Tensor,
  options: AddmmOptions,
): Tensor {
  checkOptions(name, options, ['beta', 'alpha']);
  const beta = checkNumber(name, 'beta', options.beta ?? 1);
  const alpha = checkNumber(name, 'alpha', options.alpha ?? 1);
  for (const t of [input, left, right]) checkProduct(name, t);
  if ([input, left, right].every(({ dtype }) => dtype === 'bfloat16')) {
    return inFloat32([input, left, right], ([i, l, r]) => addProduct(name, rank, i, l, r, options));
  }
  checkWhole(name, 'beta', left.dtype, beta);
  checkWhole(name, 'alpha', left.dtype, alpha);
  if (left.dtype !== right.dtype || input.dtype !== left.dtype) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${name}] input is ${input.dtype}, left ${left.dtype}, right ${right.dtype}`,
    );
  }
  const fits =
    left.ndim === rank &&
    right.ndim === rank &&
    left.shape.at(-1) === right.shape.at(-2) &&
    (rank === 2 || left.shape[0] === right.shape[0]);
  if (!fits) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${name}] shapes ${formatShape(left.shape)} and ${formatShape(right.shape)} do not fit`,
    );
  }
  const shape = [...left.shape.slice(0, -1), right.shape.at(-1) as number];
  const start = expand(input, shape);
  if (isInteger(left.dtype)) {
    return add(mul(start, beta), mul(productOfIntegers(left, right), alpha));
  }
  const y = uninitialized(shape, left.dtype);
  if (y.numel > 0) {
    if (beta !== 0) copyInto(y, start);
    const a = movable(left, right);
    const step = (t: Tensor) => (rank === 3 ? (t.strides[0] as number) : 0);
    const count = rank === 3 ? (shape[0] as number) : 1;
    const steps = [step(a), step(right), step(y)] as const;
    const starts = [a.offset, right.offset, y.offset] as const;
    gemm(a, right, y, { count, steps, starts }, alpha, beta);
  }
  if (recording(start, left, right)) {
    const scaled = (g: Tensor, factor: number) => (factor === 1 ? g : mul(g, factor));
    attach(
      y,
      name,
      [start, left, right],
      [
        (g) => scaled(g, beta),
        (g) => scaled(product(g, transpose(right), g.dtype, multiplyExactly), alpha),
        (g) => scaled(product(transpose(left), g, g.dtype, multiplyExactly), alpha),
      ],
    );
  }
  return y;
}

/**
 * How `matmul(left, right)` would be computed for matrices of these shapes, strides and dtype at the
 * SIMD level and number of threads in use, at the precision `highest`. No choice changes the result.
 * @param left shape [m, k]
 * @param right shape [k, n]
 * @throws TensorError ERR_SHAPE unless they are matrices that fit, ERR_DTYPE unless they have one
 * floating dtype
 * @example
 * ```ts
 * matmulPlan(ones([1, 64]), ones([64, 64])).path; // => 'vector'
 * matmulPlan(ones([64, 64]), ones([64, 64])).narrowColumns; // => 0
 * ```
 */
export function matmulPlan(left: Tensor, right: Tensor): MatmulPlan {
  checkFloating('matmulPlan', left);
  checkFloating('matmulPlan', right);
  if (left.dtype !== right.dtype)
    throw new TensorError('ERR_DTYPE', `[matmulPlan] left is ${left.dtype}, right ${right.dtype}`);
  if (left.ndim !== 2 || right.ndim !== 2 || left.shape[1] !== right.shape[0]) {
    throw new TensorError(
      'ERR_SHAPE',
      `[matmulPlan] shapes ${formatShape(left.shape)} and ${formatShape(right.shape)} are not matrices that fit`,
    );
  }
  return planOf(left, right);
}

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** The matrix product with another tensor: see the function `matmul`. */
    matmul(other: Tensor, options?: MatmulOptions): Tensor;
    /** beta * this + alpha * (left @ right) for matrices: see the function `addmm`. */
    addmm(left: Tensor, right: Tensor, options?: AddmmOptions): Tensor;
    /** The same for batches of matrices: see the function `baddbmm`. */
    baddbmm(left: Tensor, right: Tensor, options?: AddmmOptions): Tensor;
  }
}

defineMethods({ matmul, addmm, baddbmm });
