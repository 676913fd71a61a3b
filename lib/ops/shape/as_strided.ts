/** Views by strides that the caller gives, checked against the memory. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { full } from '../../tensor/creation.js';
import { checkShape, describe, formatShape, numel, type Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { addedUp, gatherAt, perElement } from '../indexing/indexed.js';
import { checkTensor, contiguous } from '../operand.js';
import { pad } from './pad.js';
import { rangeOf } from './parts.js';
import { reshape } from './shape.js';

/**
 * Any elements of the tensor's storage as a view: y[i, j, ..] is the storage's element
 * offset + i strides[0] + j strides[1] + ... Elements may be shown several times; their gradients add
 * up. The gradient of elements that aren't x's own is dropped, as in PyTorch.
 * @param offset in elements from the storage's beginning; default where x begins
 * @throws TensorError ERR_SHAPE for strides of another number than dimensions, ERR_INDEX for a view that
 * reaches outside the storage, ERR_ARGUMENT for strides or an offset that aren't whole numbers >= 0
 * @example
 * ```ts
 * asStrided(arange(5), [3, 2], [1, 2]); // => [[0, 2], [1, 3], [2, 4]]
 * asStrided(arange(5), [3, 2], [2, 1]); // throws ERR_INDEX
 * ```
 */
export function asStrided(
  x: Tensor,
  shape: Shape,
  strides: readonly number[],
  offset?: number,
): Tensor {
  checkTensor('asStrided', x);
  const target = checkShape('asStrided', shape);
  const isStep = (n: unknown) => Number.isSafeInteger(n) && Number(n) >= 0;
  if (!Array.isArray(strides) || !strides.every(isStep)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[asStrided] strides are whole numbers >= 0, not ${describe(strides)}`,
    );
  }
  if (strides.length !== target.length) {
    throw new TensorError(
      'ERR_SHAPE',
      `[asStrided] ${strides.length} strides for shape ${formatShape(target)}`,
    );
  }
  if (offset !== undefined && !isStep(offset)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[asStrided] the offset is a whole number >= 0, not ${describe(offset)}`,
    );
  }
  const { storage } = x;
  const begin = offset ?? x.offset - storage.offset;
  const last = begin + target.reduce((sum, n, d) => sum + (n - 1) * (strides[d] as number), 0);
  if (numel(target) > 0 && last >= storage.length) {
    throw new TensorError(
      'ERR_INDEX',
      `[asStrided] shape ${formatShape(target)} with strides ${formatShape(strides)} from ${begin} on ` +
        `reaches element ${last}; the storage has ${storage.length}`,
    );
  }
  // An empty view has no first element; wherever it begins, it must not point outside.
  const first = storage.offset + (numel(target) > 0 ? begin : 0);
  const y = x.strided(target, [...strides], first);
  if (recording(x)) {
    attach(y, 'asStrided', [x], [(g) => addPlaces(g, positionsIn(x, y), x.shape)]);
  }
  return y;
}

/** The places in the array of a tensor's elements, in row-major order. */
function placesOf({ shape, strides, offset }: Tensor): Float64Array {
  let places = Float64Array.of(offset);
  shape.forEach((size, d) => {
    const next = new Float64Array(places.length * size);
    const stride = strides[d] as number;
    for (let i = 0; i < next.length; i++) {
      next[i] = (places[Math.floor(i / size)] as number) + (i % size) * stride;
    }
    places = next;
  });
  return places;
}

/**
 * Which element of x, in row-major order, each element of y is; x.numel where it is none. Where x shows
 * one place of memory several times, the last of them stands for all: they are one element further back.
 */
function positionsIn(x: Tensor, y: Tensor): Tensor {
  const { storage, numel } = x;
  const positions = full([storage.length], numel, { dtype: 'int32' });
  const { array, offset } = positions;
  const shift = offset - storage.offset;
  placesOf(x).forEach((place, i) => {
    array[place + shift] = i;
  });
  return contiguous(positions.strided(y.shape, y.strides, y.offset + shift)).reshape([y.numel]);
}

/** Zeros of a shape with the elements of g added at their positions. */
function addPlaces(g: Tensor, positions: Tensor, shape: Shape): Tensor {
  const n = numel(shape);
  const flat = contiguous(g.detach()).reshape([g.numel]);
  // One more element takes what belongs nowhere.
  const sums = addedUp('asStrided', [n + 1], g.dtype, perElement(0, positions), flat);
  const x = reshape(rangeOf('asStrided', sums, 0, 0, n), shape);
  if (recording(g)) {
    attach(x, 'asStrided', [g], [(gg) => takePlaces(gg, positions, g.shape)]);
  }
  return x;
}

/** The elements of x at positions, 0 for those that it doesn't have: the adjoint of `addPlaces`. */
function takePlaces(x: Tensor, positions: Tensor, shape: Shape): Tensor {
  const flat = pad(x.detach().reshape([x.numel]), [0, 1]);
  const y = reshape(gatherAt('asStrided', flat, perElement(0, positions)), shape);
  if (recording(x)) attach(y, 'asStrided', [x], [(g) => addPlaces(g, positions, x.shape)]);
  return y;
}

defineMethods({ asStrided });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** Any elements of the storage as a view: see the function `asStrided`. */
    asStrided(shape: Shape, strides: readonly number[], offset?: number): Tensor;
  }
}
