/** Indices as arguments. */
import { TensorError } from '../../errors.js';
import { tensor } from '../../tensor/data.js';
import { dtypeOf, dtypes, isHalf, type TypedArray } from '../../tensor/dtype.js';
import { describe, MAX_RANK } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { computeBinary } from '../elementwise/elementwise.js';
import { checkTensor, isNumber, scalar, to } from '../operand.js';

/** Whole numbers, nested as deep as the tensor that they make has dimensions. */
export type NestedIndices = number | bigint | readonly NestedIndices[];

/** What operations take for indices: a tensor of integers (int32 is taken as it is), or whole numbers. */
export type IndexLike = Tensor | NestedIndices | TypedArray | BigInt64Array;

/** Whether there is nothing but whole numbers; deeper than a tensor nobody looks. */
function areWhole(indices: unknown, depth = 0): boolean {
  if (!Array.isArray(indices)) return typeof indices === 'bigint' || Number.isInteger(indices);
  return depth < MAX_RANK && indices.every((item) => areWhole(item, depth + 1));
}

/** The ends of int32: what lies beyond stays outside every dimension. */
const LEAST = -(2 ** 31);
export const MOST = 2 ** 31 - 1;

function clamped(indices: NestedIndices): NestedIndices {
  if (isNumber(indices)) return Math.max(LEAST, Math.min(MOST, Number(indices)));
  return indices.map(clamped);
}

/** Integers as int32; those that it can't hold become its nearer end. */
export function toInt32(x: Tensor): Tensor {
  if (x.dtype !== 'int64') return to(x, 'int32');
  const raised = computeBinary('maximum', x, scalar(LEAST, 'int64'));
  return to(computeBinary('minimum', raised, scalar(MOST, 'int64')), 'int32');
}

/**
 * Indices as an int32 tensor.
 * @throws TensorError ERR_DTYPE for tensors that don't hold integers, ERR_ARGUMENT for anything but
 * tensors and whole numbers, ERR_SHAPE for ragged arrays
 */
export function indexTensor(operation: string, indices: unknown): Tensor {
  let given: Tensor;
  if (indices instanceof Tensor) given = indices;
  else if (dtypeOf(indices) !== null) given = tensor(indices as TypedArray | BigInt64Array);
  else if ((Array.isArray(indices) || isNumber(indices)) && areWhole(indices)) {
    given = tensor(clamped(indices as NestedIndices) as number[], { dtype: 'int32' });
  } else {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] indices are an int32 or int64 tensor or whole numbers, not ${describe(indices)}`,
    );
  }
  if (dtypes[given.dtype].floating || given.dtype === 'bool') {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] indices are integers (int32 or int64), not ${given.dtype}; convert with to('int32')`,
    );
  }
  return toInt32(given);
}

/** @throws TensorError unless it is a tensor of elements that add up: not of 16-bit floats */
export function checkNumeric(operation: string, value: unknown): asserts value is Tensor {
  checkTensor(operation, value);
  if (isHalf(value.dtype)) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] takes float32, float64, integers and bools, not ${value.dtype}; ` +
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
