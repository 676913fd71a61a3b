/** The elements in another order along a dimension. All of these are copies, as in PyTorch. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { rows, runGeometry } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import { describe, formatShape, normalizeDim } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { checkTensor, clone, copyInto } from '../operand.js';
import { rangeOf } from './parts.js';
import { dimList, reshape, transpose } from './shape.js';

/**
 * The elements in reverse order along one or several dimensions, as a copy.
 * @throws TensorError ERR_INDEX for a dimension that x doesn't have, ERR_ARGUMENT for one named twice
 * @example
 * ```ts
 * flip(tensor([[1, 2], [3, 4]]), 0); // => [[3, 4], [1, 2]]
 * flip(tensor([[1, 2], [3, 4]]), [0, 1]); // => [[4, 3], [2, 1]]
 * ```
 */
export function flip(x: Tensor, dims: number | readonly number[]): Tensor {
  checkTensor('flip', x);
  const listed = dimList('flip', dims, x.ndim);
  return flipped('flip', x, x.ndim === 0 ? [] : listed);
}

function flipped(operation: string, x: Tensor, dims: readonly number[]): Tensor {
  const y = uninitialized(x.shape, x.dtype);
  // Read from the last element backwards.
  const strides = x.strides.slice();
  let { offset } = x;
  for (const d of dims) {
    if (y.numel > 0) offset += ((x.shape[d] as number) - 1) * (x.strides[d] as number);
    strides[d] = -(x.strides[d] as number);
  }
  runGeometry(rows.cast, x.shape, [{ array: x.array, offset, strides }, y]);
  if (recording(x)) attach(y, operation, [x], [(g) => flipped(operation, g, dims)]);
  return y;
}

function checkRank(operation: string, x: Tensor, rank: number): void {
  checkTensor(operation, x);
  if (x.ndim < rank) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] takes at least ${rank} dimensions, not shape ${formatShape(x.shape)}`,
    );
  }
}

/**
 * The columns (dimension 1) in reverse order, as a copy.
 * @throws TensorError ERR_SHAPE for less than two dimensions
 * @example
 * ```ts
 * fliplr(tensor([[1, 2], [3, 4]])); // => [[2, 1], [4, 3]]
 * ```
 */
export function fliplr(x: Tensor): Tensor {
  checkRank('fliplr', x, 2);
  return flipped('fliplr', x, [1]);
}

/**
 * The rows (dimension 0) in reverse order, as a copy.
 * @throws TensorError ERR_SHAPE for a scalar
 * @example
 * ```ts
 * flipud(tensor([[1, 2], [3, 4]])); // => [[3, 4], [1, 2]]
 * ```
 */
export function flipud(x: Tensor): Tensor {
  checkRank('flipud', x, 1);
  return flipped('flipud', x, [0]);
}

/**
 * A plane of two dimensions turned k times by 90 degrees, from the first towards the second; negative k
 * turn it back.
 * @param dims two different dimensions, default the first two
 * @throws TensorError ERR_ARGUMENT unless k is a whole number and dims are two different ones, ERR_INDEX
 * @example
 * ```ts
 * rot90(tensor([[1, 2], [3, 4]])); // => [[2, 4], [1, 3]]
 * ```
 */
export function rot90(x: Tensor, k = 1, dims: readonly number[] = [0, 1]): Tensor {
  checkTensor('rot90', x);
  if (!Number.isSafeInteger(k)) {
    throw new TensorError('ERR_ARGUMENT', `[rot90] k is a whole number, not ${describe(k)}`);
  }
  if (!Array.isArray(dims) || dims.length !== 2) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[rot90] a plane has two dimensions, not ${describe(dims)}`,
    );
  }
  const [a, b] = dimList('rot90', dims, x.ndim) as [number, number];
  const turns = ((k % 4) + 4) % 4;
  if (turns === 0) return clone(x);
  if (turns === 2) return flipped('rot90', x, [a, b]);
  return transpose(flipped('rot90', x, [turns === 1 ? b : a]), a, b);
}

/**
 * The elements moved along dimensions by a number of places, those that leave at one end coming in at
 * the other, as a copy. Without dimensions the tensor is rolled as one row and keeps its shape.
 * @throws TensorError ERR_ARGUMENT for shifts that aren't whole numbers, or not one for each dimension;
 * ERR_INDEX
 * @example
 * ```ts
 * roll(arange(5), 2); // => [3, 4, 0, 1, 2]
 * roll(tensor([[1, 2], [3, 4]]), [1, 1], [0, 1]); // => [[4, 3], [2, 1]]
 * ```
 */
export function roll(
  x: Tensor,
  shifts: number | readonly number[],
  dims?: number | readonly number[],
): Tensor {
  checkTensor('roll', x);
  const moves = Array.isArray(shifts) ? (shifts as readonly number[]) : [shifts as number];
  if (!moves.every(Number.isSafeInteger)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[roll] shifts are whole numbers, not ${describe(shifts)}`,
    );
  }
  if (dims === undefined) {
    if (moves.length !== 1) {
      throw new TensorError('ERR_ARGUMENT', '[roll] several shifts need a dimension each');
    }
    return reshape(rolled(reshape(x, [x.numel]), moves, [0]), x.shape);
  }
  const named = Array.isArray(dims) ? (dims as readonly number[]) : [dims];
  const along = named.map((d) => normalizeDim('roll', d, x.ndim));
  if (along.length !== moves.length || along.length === 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[roll] ${moves.length} shifts for ${along.length} dimensions`,
    );
  }
  return rolled(x, moves, along);
}

function rolled(x: Tensor, shifts: readonly number[], dims: readonly number[]): Tensor {
  let y = x.detach();
  dims.forEach((d, i) => {
    const size = x.shape[d] as number;
    const from = y;
    y = uninitialized(x.shape, x.dtype);
    if (size === 0) return;
    const shift = (((shifts[i] as number) % size) + size) % size;
    const range = (t: Tensor, start: number, length: number) =>
      rangeOf('roll', t, d, start, length);
    copyInto(range(y, 0, shift), range(from, size - shift, shift));
    copyInto(range(y, shift, size - shift), range(from, 0, size - shift));
  });
  if (recording(x)) {
    const back = shifts.map((n) => -n);
    attach(y, 'roll', [x], [(g) => rolled(g, back, dims)]);
  }
  return y;
}

defineMethods({ flip, fliplr, flipud, rot90, roll });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** The elements in reverse order along dimensions, as a copy. */
    flip(dims: number | readonly number[]): Tensor;
    /** The columns in reverse order, as a copy. */
    fliplr(): Tensor;
    /** The rows in reverse order, as a copy. */
    flipud(): Tensor;
    /** A plane turned by 90 degrees, k times: see the function `rot90`. */
    rot90(k?: number, dims?: readonly number[]): Tensor;
    /** The elements moved along dimensions: see the function `roll`. */
    roll(shifts: number | readonly number[], dims?: number | readonly number[]): Tensor;
  }
}
