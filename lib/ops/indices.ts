/** Indices as arguments. */
import { TensorError } from '../errors.js';
import { tensor } from '../tensor/creation.js';
import { dtypeOf, dtypes, type TypedArray } from '../tensor/dtype.js';
import { describe, MAX_RANK } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { checkTensor, to } from './operand.js';

/** Whole numbers, nested as deep as the tensor that they make has dimensions. */
export type NestedIndices = number | readonly NestedIndices[];

/** What operations take for indices: a tensor of int32 (or of bytes), or whole numbers. */
export type IndexLike = Tensor | NestedIndices | TypedArray;

/** Whether there is nothing but whole numbers; deeper than a tensor nobody looks. */
function areWhole(indices: unknown, depth = 0): boolean {
  if (!Array.isArray(indices)) return Number.isInteger(indices);
  return depth < MAX_RANK && indices.every((item) => areWhole(item, depth + 1));
}

/** The ends of int32: what lies beyond stays outside every dimension. */
function clamped(indices: NestedIndices): NestedIndices {
  if (typeof indices === 'number') return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, indices));
  return indices.map(clamped);
}

/**
 * Indices as an int32 tensor.
 * @throws TensorError ERR_DTYPE for tensors that don't hold integers, ERR_ARGUMENT for anything but
 * tensors and whole numbers, ERR_SHAPE for ragged arrays
 */
export function indexTensor(operation: string, indices: unknown): Tensor {
  let given: Tensor;
  if (indices instanceof Tensor) given = indices;
  else if (dtypeOf(indices) !== null) given = tensor(indices as TypedArray);
  else if ((Array.isArray(indices) || typeof indices === 'number') && areWhole(indices)) {
    given = tensor(clamped(indices as NestedIndices) as number[], { dtype: 'int32' });
  } else {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] indices are an int32 tensor or whole numbers, not ${describe(indices)}`,
    );
  }
  if (dtypes[given.dtype].floating || given.dtype === 'bool') {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] indices are integers (int32), not ${given.dtype}; convert with to('int32')`,
    );
  }
  return to(given, 'int32');
}

/** @throws TensorError unless it is a tensor of numbers that add up: neither bool nor bfloat16 */
export function checkNumeric(operation: string, value: unknown): asserts value is Tensor {
  checkTensor(operation, value);
  if (value.dtype === 'bool' || value.dtype === 'bfloat16') {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] takes float32, float64 and integers, not ${value.dtype}; ` +
        "convert with to('float32')",
    );
  }
}

/** @throws TensorError ERR_DTYPE unless both have one dtype */
export function checkSameDType(operation: string, a: Tensor, b: Tensor): void {
  if (a.dtype !== b.dtype) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] the input is ${a.dtype}, the source ${b.dtype}; convert one with to(...)`,
    );
  }
}
