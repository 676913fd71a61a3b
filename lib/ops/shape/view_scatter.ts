/** Copies of a tensor with new elements in a part of it: the views' counterparts that write. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { zeros } from '../../tensor/creation.js';
import {
  checkOptions,
  describe,
  formatShape,
  normalizeDim,
  sameShape,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { checkTensor, copyInto, copyOf, to } from '../operand.js';
import { checkPlane, type DiagonalOptions, diagonalOf } from './diagonal.js';
import { selectFor } from './parts.js';
import { slice } from './shape.js';
import type { View } from './view.js';

/** x with the elements of `source` where `view` shows them. */
function scattered(operation: string, x: Tensor, source: Tensor, view: View): Tensor {
  checkTensor(operation, source);
  const y = copyOf(x);
  const part = view(y);
  if (!sameShape(part.shape, source.shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] the part has shape ${formatShape(part.shape)}, the source ` +
        formatShape(source.shape),
    );
  }
  const given = to(source, x.dtype);
  copyInto(part, given);
  if (recording(x, given)) {
    const others = (g: Tensor) =>
      scattered(operation, g, zeros(source.shape, { dtype: g.dtype }), view);
    attach(y, operation, [x, given], [others, view]);
  }
  return y;
}

/**
 * A copy of x whose part `select(x, dim, index)` is `source`. Gradients flow to both.
 * @param source the shape of the part; it is converted to x's dtype
 * @throws TensorError ERR_SHAPE for another shape, ERR_INDEX for a dimension or index that isn't there,
 * ERR_ARGUMENT
 * @example
 * ```ts
 * selectScatter(zeros([2, 2]), tensor([1, 2]), 0, 1); // => [[0, 0], [1, 2]]
 * ```
 */
export function selectScatter(x: Tensor, source: Tensor, dim: number, index: number): Tensor {
  checkTensor('selectScatter', x);
  return scattered('selectScatter', x, source, (places) =>
    selectFor('selectScatter', places, dim, index),
  );
}

/** Options of {@link sliceScatter}. */
export interface SliceScatterOptions {
  /** The dimension that is cut. Default 0. */
  dim?: number;
  /** The first index; below 0 counted from the end. Default 0. */
  start?: number;
  /** The index behind the last one; below 0 counted from the end. Default all. */
  end?: number;
  /** The distance between indices, above 0. Default 1. */
  step?: number;
}

/**
 * A copy of x with `source` at indices start, start + step... of a dimension. Gradients flow to both.
 * @param source the shape of the part; it is converted to x's dtype
 * @throws TensorError ERR_SHAPE for another shape, ERR_INDEX for a dimension that isn't there,
 * ERR_ARGUMENT for unknown options, bounds that are no whole numbers and a step below 1
 * @example
 * ```ts
 * sliceScatter(zeros([4]), tensor([1, 2]), { step: 2 }); // => [1, 0, 2, 0]
 * ```
 */
export function sliceScatter(x: Tensor, source: Tensor, options: SliceScatterOptions = {}): Tensor {
  checkTensor('sliceScatter', x);
  checkOptions('sliceScatter', options, ['dim', 'start', 'end', 'step']);
  const { start = 0, end = null, step = 1 } = options;
  const dim = normalizeDim('sliceScatter', options.dim ?? 0, x.ndim);
  for (const bound of [start, end ?? 0, step]) {
    if (!Number.isSafeInteger(bound)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[sliceScatter] start, end and step are whole numbers, not ${describe(bound)}`,
      );
    }
  }
  if (step < 1) {
    throw new TensorError('ERR_ARGUMENT', `[sliceScatter] a step is above 0, not ${step}`);
  }
  const ranges = [...new Array<null>(dim).fill(null), [start, end, step] as const];
  return scattered('sliceScatter', x, source, (places) => slice(places, ranges));
}

/**
 * A copy of x whose `diagonal(x, options)` is `source`. Gradients flow to both.
 * @param source the shape of the diagonal; it is converted to x's dtype
 * @throws TensorError ERR_SHAPE for another shape, and as diagonal
 * @example
 * ```ts
 * diagonalScatter(zeros([2, 2]), tensor([1, 2])); // => [[1, 0], [0, 2]]
 * ```
 */
export function diagonalScatter(x: Tensor, source: Tensor, options: DiagonalOptions = {}): Tensor {
  checkTensor('diagonalScatter', x);
  return scattered('diagonalScatter', x, source, (places) => {
    const plane = checkPlane('diagonalScatter', options, x.ndim, [0, 1]);
    return diagonalOf('diagonalScatter', places, plane);
  });
}

const methods = { selectScatter, sliceScatter, diagonalScatter };
defineMethods(methods);

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** A copy with another part at an index of a dimension: see the function `selectScatter`. */
    selectScatter(source: Tensor, dim: number, index: number): Tensor;
    /** A copy with other elements along part of a dimension: see the function `sliceScatter`. */
    sliceScatter(source: Tensor, options?: SliceScatterOptions): Tensor;
    /** A copy with another diagonal: see the function `diagonalScatter`. */
    diagonalScatter(source: Tensor, options?: DiagonalOptions): Tensor;
  }
}
