/** Matrix products. */
import { attach, recording } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { uninitialized } from '../tensor/creation.js';
import {
  broadcastShapes,
  broadcastStrides,
  checkNumber,
  checkOptions,
  formatShape,
} from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { mul } from './elementwise.js';
import { gemm, type MatmulPlan, type Matrices, matricesOf, planOf, single } from './gemm.js';
import { checkFloating, contiguous, copyInto, promote } from './operand.js';
import { expand, sumTo } from './reduce.js';
import { squeeze, transpose, unsqueeze } from './shape.js';

/**
 * The left operand of A B as the native side takes it: a dimension that no operand moves along is
 * refused, so A is copied when the inner one is stretched in both.
 */
export function movable(a: Tensor, b: Tensor): Tensor {
  const stretched = a.strides[a.ndim - 1] === 0 && b.strides[b.ndim - 2] === 0;
  return stretched ? contiguous(a) : a;
}

/** A B for matrices in the last two dimensions, the ones before broadcast. Not recorded. */
function compute(left: Tensor, right: Tensor): Tensor {
  const a = matricesOf(movable(left, right));
  const b = matricesOf(right);
  if (left.ndim === 2 && right.ndim === 2) {
    const c = uninitialized([a.rows, b.cols], left.dtype);
    if (c.numel > 0) gemm(a, b, c, single(a.tensor, right, c), 1, 0);
    return c;
  }
  return computeBatched(a, b);
}

function computeBatched(a: Matrices, b: Matrices): Tensor {
  const batchOf = ({ tensor }: Matrices) => tensor.shape.slice(0, -2);
  const batchShape = broadcastShapes('matmul', batchOf(a), batchOf(b));
  const c = uninitialized([...batchShape, a.rows, b.cols], a.tensor.dtype);
  if (c.numel === 0) return c;
  const stepsOf = (m: Matrices) =>
    broadcastStrides(batchOf(m), m.tensor.strides.slice(0, -2), batchShape);
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
      gemm(a, b, c, through, 1, 0);
      return;
    }
    for (let i = 0; i < count; i++)
      walk(dim + 1, aAt + i * step(0), bAt + i * step(1), cAt + i * step(2));
  };
  walk(0, a.tensor.offset, b.tensor.offset, c.offset);
  return c;
}

/**
 * The matrix product, by PyTorch's rules: matrices in the last two dimensions, the dimensions before
 * broadcast; a vector on the left is a row and one on the right a column, and its dimension is
 * dropped from the result (two vectors give their dot product). Every element of the result is one
 * chain of fused multiply-adds over the inner dimension. Views are read where they are.
 * @throws TensorError ERR_SHAPE when the inner dimensions differ or an operand is a scalar
 */
export function matmul(left: Tensor, right: Tensor): Tensor {
  const [a, b] = promote('matmul', left, right);
  if (a.ndim === 0 || b.ndim === 0) {
    throw new TensorError('ERR_SHAPE', '[matmul] a scalar has no inner dimension; use mul');
  }
  const inner = a.shape.at(-1) as number;
  const other = b.shape.at(b.ndim === 1 ? -1 : -2) as number;
  if (inner !== other) {
    throw new TensorError(
      'ERR_SHAPE',
      `[matmul] shapes ${formatShape(a.shape)} and ${formatShape(b.shape)} do not fit: ${inner} != ${other}`,
    );
  }
  if (a.ndim === 1) return squeeze(matmul(unsqueeze(a, 0), b), b.ndim === 1 ? -1 : -2);
  if (b.ndim === 1) return squeeze(matmul(a, unsqueeze(b, 1)), -1);
  const y = compute(a, b);
  if (recording(a, b)) {
    attach(
      y,
      'matmul',
      [a, b],
      [
        (g) => sumTo(matmul(g, transpose(b)), a.shape),
        (g) => sumTo(matmul(transpose(a), g), b.shape),
      ],
    );
  }
  return y;
}

export interface AddmmOptions {
  /** Factor of the input; at 0 the input's values are not read. Default 1. */
  beta?: number;
  /** Factor of the product; it is applied to `left` before multiplying. Default 1. */
  alpha?: number;
}

/**
 * beta * input + alpha * (left @ right) for matrices, in one pass.
 * @param input broadcast to [m, n]
 * @param left shape [m, k]
 * @param right shape [k, n]
 * @returns shape [m, n]
 * @throws TensorError ERR_SHAPE when they don't fit, ERR_DTYPE unless all have one floating dtype,
 * ERR_ARGUMENT for factors that aren't finite numbers
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
  for (const t of [input, left, right]) checkFloating(name, t);
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
  const y = uninitialized(shape, left.dtype);
  if (y.numel > 0) {
    if (beta !== 0) copyInto(y, start);
    const a = matricesOf(movable(left, right));
    const b = matricesOf(right);
    const step = (t: Tensor) => (rank === 3 ? (t.strides[0] as number) : 0);
    const count = rank === 3 ? (shape[0] as number) : 1;
    const steps = [step(a.tensor), step(right), step(y)] as const;
    const starts = [a.tensor.offset, right.offset, y.offset] as const;
    gemm(a, b, y, { count, steps, starts }, alpha, beta);
  }
  if (recording(start, left, right)) {
    const scaled = (g: Tensor, factor: number) => (factor === 1 ? g : mul(g, factor));
    attach(
      y,
      name,
      [start, left, right],
      [
        (g) => scaled(g, beta),
        (g) => scaled(matmul(g, transpose(right)), alpha),
        (g) => scaled(matmul(transpose(left), g), alpha),
      ],
    );
  }
  return y;
}

/**
 * How `matmul(left, right)` would be computed for matrices of these shapes, strides and dtype at the
 * SIMD level and number of threads in use. No choice changes the result.
 * @param left shape [m, k]
 * @param right shape [k, n]
 * @throws TensorError ERR_SHAPE unless they are matrices that fit, ERR_DTYPE unless they have one
 * floating dtype
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
  return planOf(matricesOf(left), matricesOf(right));
}

declare module '../tensor/tensor.js' {
  interface Tensor {
    /** The matrix product with another tensor: see the function `matmul`. */
    matmul(other: Tensor): Tensor;
  }
}

Tensor.prototype.matmul = function (this: Tensor, other) {
  return matmul(this, other);
};
