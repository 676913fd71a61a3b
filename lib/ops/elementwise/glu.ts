/** The gated linear unit, with its gradient rule. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { rows, runRow } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import { formatShape, normalizeDim, numel } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloating, contiguous } from '../operand.js';
import { placed, slice } from '../shape/shape.js';
import { sigmoid } from './activation.js';
import { add, mul, neg } from './arithmetic.js';
import { computeBinary, defineMethods } from './elementwise.js';

/** The same gradient of operations that record: g s for the first half, g a s (1 - s) for the second. */
function recordedGluBackward(g: Tensor, x: Tensor, dim: number): Tensor {
  const size = x.shape[dim] as number;
  const half = (from: number, to: number) =>
    x.shape.map((_, d) => (d === dim ? ([from, to] as const) : null));
  const [first, second] = [half(0, size / 2), half(size / 2, size)];
  const gate = slice(x, second);
  const s = sigmoid(gate);
  const da = mul(g, s);
  const db = mul(mul(da, slice(x, first)), sigmoid(neg(gate)));
  return add(placed(da, x.shape, first), placed(db, x.shape, second));
}

/** Both halves of the gradient in one pass. */
function gluBackward(g: Tensor, x: Tensor, dim: number): Tensor {
  if (recording(g, x)) return recordedGluBackward(g, x, dim);
  const dx = uninitialized(x.shape, x.dtype);
  if (x.numel === 0) return dx;
  const from = contiguous(x);
  const gradient = contiguous(g);
  const count = numel(x.shape.slice(0, dim));
  const half = x.numel / count / 2;
  runRow(
    rows.gluBackward,
    [from.array, gradient.array, dx.array],
    [from.offset, gradient.offset, dx.offset],
    [count, half, 2 * half, half, 2 * half],
  );
  return dx;
}

/**
 * a * sigmoid(b), where a and b are the halves of x along `dim` (Dauphin, Fan, Auli & Grangier 2017).
 * @param x float32 or float64, of one dimension or more, of an even size along `dim`; the result has
 * half of it, and x's dtype
 * @param dim default the last
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for other dtypes, ERR_INDEX for a
 * dimension that x doesn't have, ERR_SHAPE for an odd size
 * @example
 * ```ts
 * glu(tensor([1, 2, 0, 0])); // => [0.5, 1]
 * ```
 */
export function glu(x: Tensor, dim = -1): Tensor {
  checkFloating('glu', x);
  const at = normalizeDim('glu', dim, x.ndim);
  const size = x.shape[at] as number;
  if (size % 2 !== 0) {
    throw new TensorError(
      'ERR_SHAPE',
      `[glu] dimension ${at} of ${formatShape(x.shape)} can't be halved: ${size} is odd`,
    );
  }
  const shape = x.shape.map((s, d) => (d === at ? size / 2 : s));
  const a = x.strided(shape, x.strides, x.offset);
  const b = x.strided(shape, x.strides, x.offset + (size / 2) * (x.strides[at] as number));
  const y = computeBinary('glu', a, b);
  if (recording(x)) attach(y, 'glu', [x], [(g) => gluBackward(g, x, at)]);
  return y;
}

defineMethods({ glu });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** a * sigmoid(b) for the halves a, b along a dimension: see the function `glu`. */
    glu(dim?: number): Tensor;
  }
}
