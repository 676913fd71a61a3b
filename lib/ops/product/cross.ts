/** Cross products of vectors of three elements. */
import { attach, recording } from '../../autograd/tape.js';
import { composed } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import { rows, runGeometry } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import { infoOf } from '../../tensor/dtype.js';
import { broadcastShapes, checkOptions, formatShape, normalizeDim } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { mul, sub } from '../elementwise/arithmetic.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { indexSelect } from '../indexing/gather.js';
import { checkNumbers, promote } from '../promotion.js';
import { expand, sumTo } from '../reduction/reduce.js';

/** Options of {@link cross}. */
export interface CrossOptions {
  /** The dimension of the vectors, after broadcasting. Default the last. */
  dim?: number;
}

/**
 * The cross product of vectors of three elements, with broadcasting (`torch.linalg.cross`):
 * [a1 b2 - a2 b1, a2 b0 - a0 b2, a0 b1 - a1 b0].
 * @param a float32, float64 or integers, size 3 along the dimension
 * @param b the same, as many dimensions
 * @throws TensorError ERR_SHAPE unless both have size 3 there and broadcast, ERR_INDEX for a dimension
 * that isn't there, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * cross(tensor([1, 0, 0]), tensor([0, 1, 0])); // => [0, 0, 1]
 * ```
 */
export function cross(a: Tensor, b: Tensor, options: CrossOptions = {}): Tensor {
  checkNumbers('cross', a);
  checkNumbers('cross', b);
  const [x, y] = promote('cross', a, b);
  checkOptions('cross', options, ['dim']);
  const dim = normalizeDim(
    'cross',
    options.dim === undefined ? -1 : options.dim,
    Math.max(x.ndim, y.ndim),
  );
  if (x.ndim !== y.ndim || x.shape[dim] !== 3 || y.shape[dim] !== 3) {
    throw new TensorError(
      'ERR_SHAPE',
      `[cross] shapes ${formatShape(x.shape)} and ${formatShape(y.shape)} do not both have size 3 ` +
        `along dimension ${dim}`,
    );
  }
  if (infoOf(x.dtype).floating) return crossed(x, y, dim);
  const [next, last] = [
    [1, 2, 0],
    [2, 0, 1],
  ] as const;
  const turned = (t: Tensor, places: readonly number[]) => indexSelect(t, dim, places);
  return composed(() =>
    sub(mul(turned(x, next), turned(y, last)), mul(turned(x, last), turned(y, next))),
  );
}

/** Cross products of floats. The derivative by a, times g, is b x g, and that by b is g x a. */
function crossed(a: Tensor, b: Tensor, dim: number): Tensor {
  const shape = broadcastShapes('cross', a.shape, b.shape);
  const y = uninitialized(shape, a.dtype);
  const order = [...shape.keys()].filter((d) => d !== dim).concat(dim);
  const operands = [expand(a.detach(), shape), expand(b.detach(), shape), y].map((t) => ({
    ...{ array: t.array, offset: t.offset },
    strides: order.map((d) => t.strides[d] as number),
  }));
  runGeometry(
    rows.cross,
    order.map((d) => shape[d] as number),
    operands,
  );
  if (recording(a, b)) {
    attach(
      y,
      'cross',
      [a, b],
      [(g) => sumTo(crossed(b, g, dim), a.shape), (g) => sumTo(crossed(g, a, dim), b.shape)],
    );
  }
  return y;
}

defineMethods({ cross });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** The cross product of vectors of three elements: see the function `cross`. */
    cross(other: Tensor, options?: CrossOptions): Tensor;
  }
}
