/** Matrix products, and the linear layer's product with bias and activation in one pass. */
import { attach, recording } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { activations, type EpilogueActivation, rows, runRow } from '../native/commands.js';
import { uninitialized } from '../tensor/creation.js';
import {
  broadcastShapes,
  broadcastStrides,
  checkOptions,
  contiguousStrides,
  formatShape,
  numel,
} from '../tensor/shape.js';
import type { GradRule } from '../tensor/tensor.js';
import { Tensor } from '../tensor/tensor.js';
import { activationBackward } from './elementwise.js';
import { checkFloating, contiguous, promote } from './operand.js';
import { sum, sumTo } from './reduce.js';
import { reshape, squeeze, transpose, unsqueeze } from './shape.js';

/** One run of the `gemm` row: batches and matrices by strides, C row-major. */
function gemm(
  a: Tensor,
  b: Tensor,
  c: Tensor,
  batch: number,
  strides: readonly [a: number, b: number, c: number],
  offsets: readonly [a: number, b: number, c: number],
  bias: Tensor | null,
  activation: EpilogueActivation,
): void {
  const [m, k] = a.shape.slice(-2) as [number, number];
  const n = b.shape.at(-1) as number;
  const [aRow, aCol] = a.strides.slice(-2) as [number, number];
  const [bRow, bCol] = b.strides.slice(-2) as [number, number];
  runRow(
    rows.gemm,
    [a.array, b.array, bias === null ? null : bias.array, c.array],
    [a.offset + offsets[0], b.offset + offsets[1], bias === null ? 0 : bias.offset, c.offset + offsets[2]],
    [
      batch, m, n, k,
      strides[0], aRow, aCol, strides[1], bRow, bCol, strides[2], n,
      activations.indexOf(activation), 0,
    ],
  );
}

/**
 * The left operand of A B as the native side takes it: a dimension that no operand moves along is
 * refused, so A is copied when the inner one is stretched in both.
 */
function movable(a: Tensor, b: Tensor): Tensor {
  return a.strides.at(-1) === 0 && b.strides.at(-2) === 0 ? contiguous(a) : a;
}

/** A B for matrices in the last two dimensions, the ones before broadcast. Not recorded. */
function compute(left: Tensor, b: Tensor, batchShape: readonly number[]): Tensor {
  const a = movable(left, b);
  const m = a.shape.at(-2) as number;
  const n = b.shape.at(-1) as number;
  const c = uninitialized([...batchShape, m, n], a.dtype);
  const aBatch = broadcastStrides(a.shape.slice(0, -2), a.strides.slice(0, -2), batchShape);
  const bBatch = broadcastStrides(b.shape.slice(0, -2), b.strides.slice(0, -2), batchShape);
  const cBatch = contiguousStrides(c.shape).slice(0, -2);
  if (c.numel === 0) return c;
  // The innermost batch dimension is the native side's; this walks the others.
  const inner = batchShape.length - 1;
  const walk = (dim: number, aAt: number, bAt: number, cAt: number): void => {
    if (dim >= inner) {
      const batch = inner < 0 ? 1 : (batchShape[inner] as number);
      const strides = [aBatch[inner] ?? 0, bBatch[inner] ?? 0, cBatch[inner] ?? 0] as const;
      gemm(a, b, c, batch, strides, [aAt, bAt, cAt], null, 'none');
      return;
    }
    for (let i = 0; i < (batchShape[dim] as number); i++) {
      walk(
        dim + 1,
        aAt + i * (aBatch[dim] as number),
        bAt + i * (bBatch[dim] as number),
        cAt + i * (cBatch[dim] as number),
      );
    }
  };
  walk(0, 0, 0, 0);
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
  const batchShape = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
  const y = compute(a, b, batchShape);
  if (recording(a, b)) {
    attach(y, 'matmul', [a, b], [
      (g) => sumTo(matmul(g, transpose(b)), a.shape),
      (g) => sumTo(matmul(transpose(a), g), b.shape),
    ]);
  }
  return y;
}

export interface LinearOptions {
  /** Applied to the result while it is still in registers. Default none. */
  activation?: EpilogueActivation;
}

/**
 * activation(x W^T + bias), in one pass over the result.
 * @param x shape [..., inputs]
 * @param weight shape [outputs, inputs], as in PyTorch
 * @param bias shape [outputs], or null
 * @returns shape [..., outputs]
 * @throws TensorError ERR_SHAPE when they don't fit, ERR_DTYPE when their dtypes differ
 */
export function linear(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: LinearOptions = {},
): Tensor {
  checkFloating('linear', x);
  checkFloating('linear', weight);
  checkOptions('linear', options, ['activation']);
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
  const y = uninitialized([input.shape[0] as number, outputs], x.dtype);
  if (y.numel > 0) {
    const dense = bias === null ? null : contiguous(bias);
    const right = transposed(weight);
    gemm(movable(input, right), right, y, 1, [0, 0, 0], [0, 0, 0], dense, activation);
  }
  if (recording(input, weight, bias ?? undefined)) {
    const rules: GradRule[] = [
      (g) => matmul(g, weight),
      // Computed as [inputs, outputs] and seen transposed: the layout that the weight is stored in.
      (g) => transpose(matmul(transpose(input), g)),
      (g) => sum(g, { dim: 0 }),
    ];
    const inputs = bias === null ? [input, weight] : [input, weight, bias];
    if (activation === 'none') attach(y, 'linear', inputs, rules);
    else {
      // The product before the activation is nowhere in memory: a node without values of its own
      // stands for it, so that the three rules share one gradient.
      const product = attach(y.viewAs(y.shape, y.strides, y.offset), 'linear', inputs, rules);
      attach(y, activation, [product], [(g) => activationBackward[activation](g, y)]);
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
    checkFloating('linear', bias);
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
    matmul(other: Tensor): Tensor;
  }
}

Tensor.prototype.matmul = function (this: Tensor, other) {
  return matmul(this, other);
};
