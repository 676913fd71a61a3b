/** Matrix products, and the linear layer's product with bias and activation in one pass. */
import { attach, recording } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { activations, type EpilogueActivation, runRow } from '../native/commands.js';
import { uninitialized } from '../tensor/creation.js';
import type { DType } from '../tensor/dtype.js';
import {
  broadcastShapes,
  broadcastStrides,
  formatShape,
  numel,
  sameShape,
} from '../tensor/shape.js';
import type { GradRule } from '../tensor/tensor.js';
import { Tensor } from '../tensor/tensor.js';
import {
  beforeActivation,
  biasGradient,
  checkProduct,
  type MatmulOptions,
  noMatmulOptions,
  productBias,
  productRow,
  promoteProduct,
  resultDtype,
} from './matmul_bf16.js';
import { contiguous, to } from './operand.js';
import { sumTo } from './reduce.js';
import { reshape, squeeze, transpose, unsqueeze } from './shape.js';

/** The part of the last two dimensions of an operand: sizes and steps of one matrix. */
interface Matrices {
  readonly tensor: Tensor;
  readonly rows: number;
  readonly cols: number;
  readonly rowStep: number;
  readonly colStep: number;
}

function matricesOf(tensor: Tensor): Matrices {
  const { shape, strides, ndim } = tensor;
  return {
    tensor,
    rows: shape[ndim - 2] as number,
    cols: shape[ndim - 1] as number,
    rowStep: strides[ndim - 2] as number,
    colStep: strides[ndim - 1] as number,
  };
}

/** How a batch walks through the operands: how many matrices, and steps and first elements. */
interface Walk {
  readonly count: number;
  readonly steps: readonly [a: number, b: number, c: number];
  readonly starts: readonly [a: number, b: number, c: number];
}

/** One run of the `gemm` row or, for bfloat16, `gemmBf16`; C is row-major. */
function gemm(
  a: Matrices,
  b: Matrices,
  c: Tensor,
  walk: Walk,
  bias: Tensor | null,
  activation: EpilogueActivation,
): void {
  const [aStep, bStep, cStep] = walk.steps;
  const [aStart, bStart, cStart] = walk.starts;
  runRow(
    productRow(a.tensor.dtype, b.tensor.dtype, a.rows),
    [a.tensor.array, b.tensor.array, bias === null ? null : bias.array, c.array],
    [aStart, bStart, bias === null ? 0 : bias.offset, cStart],
    [
      walk.count,
      a.rows,
      b.cols,
      a.cols,
      aStep,
      a.rowStep,
      a.colStep,
      bStep,
      b.rowStep,
      b.colStep,
      cStep,
      b.cols,
      activations.indexOf(activation),
      0,
    ],
  );
}

/** The walk of a single product. */
function single(a: Tensor, b: Tensor, c: Tensor): Walk {
  return { count: 1, steps: [0, 0, 0], starts: [a.offset, b.offset, c.offset] };
}

/**
 * The left operand of A B as the native side takes it: a dimension that no operand moves along is
 * refused, so A is copied when the inner one is stretched in both.
 */
function movable(a: Tensor, b: Tensor): Tensor {
  const stretched = a.strides[a.ndim - 1] === 0 && b.strides[b.ndim - 2] === 0;
  return stretched ? contiguous(a) : a;
}

/** A B for matrices in the last two dimensions, the ones before broadcast. Not recorded. */
function compute(left: Tensor, right: Tensor, dtype: DType): Tensor {
  const a = matricesOf(movable(left, right));
  const b = matricesOf(right);
  if (left.ndim === 2 && right.ndim === 2) {
    const c = uninitialized([a.rows, b.cols], dtype);
    if (c.numel > 0) gemm(a, b, c, single(a.tensor, right, c), null, 'none');
    return c;
  }
  return computeBatched(a, b, dtype);
}

function computeBatched(a: Matrices, b: Matrices, dtype: DType): Tensor {
  const batchOf = ({ tensor }: Matrices) => tensor.shape.slice(0, -2);
  const batchShape = broadcastShapes('matmul', batchOf(a), batchOf(b));
  const c = uninitialized([...batchShape, a.rows, b.cols], dtype);
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
      gemm(a, b, c, through, null, 'none');
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
 *
 * Two bfloat16 tensors are multiplied exactly and summed in float32, which is rounded to bfloat16 at
 * the end (unless `outDtype` is `float32`). Before that rounding an element is within
 * k 2^-23 * sum |a| |b| of the exact product; denormal operands count as zeros.
 * @throws TensorError ERR_SHAPE when the inner dimensions differ or an operand is a scalar,
 * ERR_DTYPE for operands that aren't floating and for an `outDtype` that doesn't go with them
 */
export function matmul(
  left: Tensor,
  right: Tensor,
  options: MatmulOptions = noMatmulOptions,
): Tensor {
  const [a, b] = promoteProduct('matmul', left, right);
  const dtype = resultDtype('matmul', a.dtype, options);
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
  if (a.ndim === 1) return squeeze(matmul(unsqueeze(a, 0), b, options), b.ndim === 1 ? -1 : -2);
  if (b.ndim === 1) return squeeze(matmul(a, unsqueeze(b, 1), options), -1);
  const y = compute(a, b, dtype);
  if (recording(a, b)) {
    attach(
      y,
      'matmul',
      [a, b],
      [
        (g) => operandGradient(a, g, transpose(b), g),
        (g) => operandGradient(b, transpose(a), g, g),
      ],
    );
  }
  return y;
}

/**
 * The gradient of an operand: a product, summed over the batch dimensions that the operand was
 * stretched along. bfloat16 is summed before it is rounded.
 */
function operandGradient(operand: Tensor, left: Tensor, right: Tensor, g: Tensor): Tensor {
  const stretched = !sameShape(operand.shape.slice(0, -2), g.shape.slice(0, -2));
  const dtype = stretched && operand.dtype === 'bfloat16' ? 'float32' : operand.dtype;
  return to(sumTo(compute(left, right, dtype), operand.shape), operand.dtype);
}

export interface LinearOptions extends MatmulOptions {
  /** Applied to the result while it is still in registers. Default none. */
  activation?: EpilogueActivation;
}

/**
 * activation(x W^T + bias), in one pass over the result.
 * @param x shape [..., inputs]
 * @param weight shape [outputs, inputs], as in PyTorch
 * @param bias shape [outputs], or null
 * @returns shape [..., outputs]. Of bfloat16 (all three then) everything is computed in float32, as
 * by `matmul`, and rounded once at the end, unless `outDtype` is `float32`.
 * @throws TensorError ERR_SHAPE when they don't fit, ERR_DTYPE when their dtypes differ or `outDtype`
 * doesn't go with them
 */
export function linear(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: LinearOptions = noMatmulOptions,
): Tensor {
  checkProduct('linear', x);
  checkProduct('linear', weight);
  const dtype = resultDtype('linear', x.dtype, options);
  const activation = options.activation ?? 'none';
  if (!activations.includes(activation)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[linear] unknown activation ${String(activation)}; known are ${activations.join(', ')}`,
    );
  }
  checkLinear(x, weight, bias);
  const [outputs, inputs] = weight.shape as readonly [number, number];
  const input = x.ndim === 2 ? x : reshape(x, [numel(x.shape.slice(0, -1)), inputs]);
  const y = uninitialized([input.shape[0] as number, outputs], dtype);
  if (y.numel > 0) {
    const dense = bias === null ? null : contiguous(productBias(bias));
    const wT = transposed(weight);
    const from = movable(input, wT);
    gemm(matricesOf(from), matricesOf(wT), y, single(from, wT, y), dense, activation);
  }
  if (recording(input, weight, bias ?? undefined)) {
    const rules: GradRule[] = [
      (g) => compute(g, weight, input.dtype),
      // Computed as [inputs, outputs] and seen transposed: the layout that the weight is stored in.
      (g) => transpose(compute(transpose(input), g, weight.dtype)),
      (g) => biasGradient(g, weight.dtype),
    ];
    const inputs = bias === null ? [input, weight] : [input, weight, bias];
    if (activation === 'none') attach(y, 'linear', inputs, rules);
    else {
      // The product before the activation is nowhere in memory: a node without values of its own
      // stands for it, so that the three rules share one gradient.
      const product = attach(y.viewAs(y.shape, y.strides, y.offset), 'linear', inputs, rules);
      attach(y, activation, [product], [(g) => beforeActivation(activation, g, y)]);
    }
  }
  return x.ndim === 2 ? y : reshape(y, [...x.shape.slice(0, -1), outputs]);
}

/** W^T as a view without history: the rules above speak of W itself. */
function transposed(weight: Tensor): Tensor {
  const [outputs, inputs] = weight.shape as readonly [number, number];
  const [outer, inner] = weight.strides as readonly [number, number];
  return weight.viewAs([inputs, outputs], [inner, outer], weight.offset);
}

function checkLinear(x: Tensor, weight: Tensor, bias: Tensor | null): void {
  if (weight.ndim !== 2 || x.ndim === 0 || x.shape.at(-1) !== weight.shape[1]) {
    throw new TensorError(
      'ERR_SHAPE',
      `[linear] input ${formatShape(x.shape)} and weight ${formatShape(weight.shape)} do not fit: ` +
        `${x.shape.at(-1)} != ${weight.shape[1]}`,
    );
  }
  if (bias !== null) {
    checkProduct('linear', bias);
    if (bias.ndim !== 1 || bias.shape[0] !== weight.shape[0]) {
      throw new TensorError(
        'ERR_SHAPE',
        `[linear] bias ${formatShape(bias.shape)} and weight ${formatShape(weight.shape)} do not fit`,
      );
    }
  }
  if (x.dtype !== weight.dtype || (bias !== null && bias.dtype !== weight.dtype)) {
    throw new TensorError(
      'ERR_DTYPE',
      `[linear] input is ${x.dtype}, weight ${weight.dtype}${bias === null ? '' : `, bias ${bias.dtype}`}`,
    );
  }
}

declare module '../tensor/tensor.js' {
  interface Tensor {
    /** The matrix product with another tensor: see the function `matmul`. */
    matmul(other: Tensor, options?: MatmulOptions): Tensor;
  }
}

Tensor.prototype.matmul = function (this: Tensor, other, options) {
  return matmul(this, other, options);
};
