/** Several tensors as one: each is copied to its part of the result, and its gradient is that part. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { fillWith, uninitialized } from '../../tensor/creation.js';
import {
  checkShape,
  describe,
  formatShape,
  normalizeDim,
  type Shape,
  sameShape,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkTensor, copyInTurns, copyInto, to } from '../operand.js';
import { resultType } from '../promotion.js';
import { placeOf, rangeOf } from './parts.js';
import { atleast1d, atleast2d, atleast3d } from './shape.js';
import type { View } from './view.js';

/** @throws TensorError ERR_ARGUMENT unless it is a list of tensors, at least one */
export function checkTensors(operation: string, tensors: unknown): asserts tensors is Tensor[] {
  if (!Array.isArray(tensors) || tensors.length === 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] takes a list of at least one tensor, not ${describe(tensors)}`,
    );
  }
  for (const t of tensors) checkTensor(operation, t);
}

/**
 * A tensor made of others, each at the part that its view shows. Where the parts don't cover it, it is
 * filled with a value.
 */
export function assemble(
  operation: string,
  tensors: readonly Tensor[],
  shape: Shape,
  views: readonly View[],
  fill: number | null = null,
): Tensor {
  const y = uninitialized(shape, resultType(tensors));
  if (fill !== null) fillWith(y, fill);
  const parts = views.map((view) => view(y));
  if (!copyInTurns(parts, tensors)) {
    // Converted while they are copied.
    for (const [i, t] of tensors.entries()) copyInto(parts[i] as Tensor, t);
  }
  if (tensors.some((t) => recording(t))) {
    const rules = tensors.map((t, i) => (g: Tensor) => to((views[i] as View)(g), t.dtype));
    attach(y, operation, tensors, rules);
  }
  return y;
}

/**
 * Tensors one after the other along a dimension; their other sizes are the same. Different dtypes meet as
 * in arithmetic. Tensors of shape [0] are left out, whatever the rank of the others, as in PyTorch.
 * @throws TensorError ERR_ARGUMENT for anything but a list of tensors, ERR_SHAPE for scalars and sizes
 * that don't fit, ERR_INDEX for a dimension that they don't have
 * @example
 * ```ts
 * concat([tensor([[1, 2]]), tensor([[3, 4]])]); // => [[1, 2], [3, 4]]
 * concat([tensor([[1, 2]]), tensor([[3, 4]])], 1); // => [[1, 2, 3, 4]]
 * ```
 */
export function concat(tensors: readonly Tensor[], dim = 0): Tensor {
  return joined('concat', tensors, dim);
}

function joined(operation: string, tensors: readonly Tensor[], dim: number): Tensor {
  checkTensors(operation, tensors);
  const isNothing = (t: Tensor) => t.ndim === 1 && t.shape[0] === 0;
  const model = tensors.find((t) => !isNothing(t)) ?? (tensors[0] as Tensor);
  if (model.ndim === 0) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] a scalar has no dimension to join along; stack makes one`,
    );
  }
  const at = normalizeDim(operation, dim, model.ndim);
  let length = 0;
  const views = tensors.map((t): View => {
    if (isNothing(t)) {
      // Its part of the result has its own shape, so that it gets a gradient of nothing.
      return (whole) => whole.strided([0], [1], whole.offset);
    }
    if (t.ndim !== model.ndim || t.shape.some((n, d) => d !== at && n !== model.shape[d])) {
      throw new TensorError(
        'ERR_SHAPE',
        `[${operation}] shapes ${formatShape(model.shape)} and ${formatShape(t.shape)} do not fit ` +
          `along dimension ${at}: all other sizes must be the same`,
      );
    }
    const size = t.shape[at] as number;
    const start = length;
    length += size;
    return (whole) => rangeOf(operation, whole, at, start, size);
  });
  return assemble(operation, tensors, model.shape.with(at, length), views);
}

/**
 * Tensors of one shape along a new dimension. Different dtypes meet as in arithmetic.
 * @throws TensorError ERR_ARGUMENT for anything but a list of tensors, ERR_SHAPE for different shapes,
 * ERR_INDEX for a dimension that the result doesn't have
 * @example
 * ```ts
 * stack([tensor([1, 2]), tensor([3, 4])]); // => [[1, 2], [3, 4]]
 * stack([tensor([1, 2]), tensor([3, 4])], 1); // => [[1, 3], [2, 4]]
 * ```
 */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  checkTensors('stack', tensors);
  const { shape } = tensors[0] as Tensor;
  for (const t of tensors) {
    if (!sameShape(t.shape, shape)) {
      throw new TensorError(
        'ERR_SHAPE',
        `[stack] shapes ${formatShape(shape)} and ${formatShape(t.shape)} differ; concat joins along a dimension that is there`,
      );
    }
  }
  const at = normalizeDim('stack', dim, shape.length + 1);
  const target = checkShape('stack', [...shape.slice(0, at), tensors.length, ...shape.slice(at)]);
  const views = tensors.map(
    (_, i): View =>
      (whole) =>
        placeOf('stack', whole, at, i),
  );
  return assemble('stack', tensors, target, views);
}

/**
 * Tensors side by side: along dimension 1, or 0 when they are vectors or scalars.
 * @throws TensorError as `concat`
 * @example
 * ```ts
 * hstack([tensor([1, 2]), tensor([3])]); // => [1, 2, 3]
 * hstack([tensor([[1], [2]]), tensor([[3], [4]])]); // => [[1, 3], [2, 4]]
 * ```
 */
export function hstack(tensors: readonly Tensor[]): Tensor {
  checkTensors('hstack', tensors);
  const list = tensors.map(atleast1d);
  return joined('hstack', list, (list[0] as Tensor).ndim === 1 ? 0 : 1);
}

/**
 * Tensors one below the other, along dimension 0; vectors are rows.
 * @throws TensorError as `concat`
 * @example
 * ```ts
 * vstack([tensor([1, 2]), tensor([[3, 4]])]); // => [[1, 2], [3, 4]]
 * ```
 */
export function vstack(tensors: readonly Tensor[]): Tensor {
  checkTensors('vstack', tensors);
  return joined('vstack', tensors.map(atleast2d), 0);
}

/**
 * Tensors one behind the other, along dimension 2, after `atleast3d`.
 * @throws TensorError as `concat`
 * @example
 * ```ts
 * dstack([tensor([1, 2]), tensor([3, 4])]); // => [[[1, 3], [2, 4]]]
 * ```
 */
export function dstack(tensors: readonly Tensor[]): Tensor {
  checkTensors('dstack', tensors);
  return joined('dstack', tensors.map(atleast3d), 2);
}

/**
 * A matrix with the given matrices along its diagonal, zeros elsewhere. Vectors are rows, scalars 1 x 1.
 * @throws TensorError ERR_ARGUMENT for anything but a list of tensors, ERR_SHAPE for more than two
 * dimensions
 * @example
 * ```ts
 * blockDiag([tensor([[1, 2]]), tensor([[3], [4]])]); // => [[1, 2, 0], [0, 0, 3], [0, 0, 4]]
 * ```
 */
export function blockDiag(tensors: readonly Tensor[]): Tensor {
  checkTensors('blockDiag', tensors);
  let [rows, columns] = [0, 0];
  const list = tensors.map(atleast2d);
  const views = list.map((t): View => {
    if (t.ndim > 2) {
      throw new TensorError(
        'ERR_SHAPE',
        `[blockDiag] takes matrices, not shape ${formatShape(t.shape)}`,
      );
    }
    const [m, n] = t.shape as readonly [number, number];
    const [top, left] = [rows, columns];
    rows += m;
    columns += n;
    return (whole) => rangeOf('blockDiag', rangeOf('blockDiag', whole, 0, top, m), 1, left, n);
  });
  return assemble('blockDiag', list, [rows, columns], views, 0);
}
