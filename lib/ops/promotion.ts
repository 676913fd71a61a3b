/** Which dtype operands of different dtypes meet at: PyTorch's rules. */
import { TensorError } from '../errors.js';
import { type DType, infoOf, integerRanges, isHalf } from '../tensor/dtype.js';
import { Tensor } from '../tensor/tensor.js';
import {
  checkFloating,
  checkTensor,
  constant,
  isNumber,
  scalar,
  type TensorLike,
  to,
} from './operand.js';

/** Kinds of dtypes from weak to strong. */
const BOOL = 0;
const INTEGER = 1;
const FLOATING = 2;

/**
 * Dtypes from weak to strong: two meet at the stronger one. Different ones of one strength, uint8 and
 * int8 or the floats of 16 bits, meet at the next one (of uint8 and int8 PyTorch's is int16, which
 * isn't there: here it is int32).
 */
const TABLE: Readonly<Record<DType, { readonly kind: number; readonly strength: number }>> = {
  bool: { kind: BOOL, strength: 0 },
  uint8: { kind: INTEGER, strength: 1 },
  int8: { kind: INTEGER, strength: 1 },
  int32: { kind: INTEGER, strength: 2 },
  int64: { kind: INTEGER, strength: 3 },
  bfloat16: { kind: FLOATING, strength: 4 },
  float16: { kind: FLOATING, strength: 4 },
  float32: { kind: FLOATING, strength: 5 },
  float64: { kind: FLOATING, strength: 6 },
};

/** What a whole number and another one are where nothing else says it. */
const WHOLE = 'int64';
const REAL = 'float32';

export const kindOf = (dtype: DType): number => TABLE[dtype].kind;
export const isBool = (dtype: DType): boolean => dtype === 'bool';
export const isInteger = (dtype: DType): boolean => dtype !== 'bool' && !isFloating(dtype);
export const isFloating = (dtype: DType): boolean => infoOf(dtype).floating;

/** Whether an element of the dtype can be the number, up to a float's rounding. */
export function holds(dtype: DType, value: number | bigint): boolean {
  if (typeof value === 'bigint') {
    if (dtype === 'int64') return BigInt.asIntN(64, value) === value;
    return holds(dtype, Number(value));
  }
  const range = integerRanges[dtype];
  if (range === undefined) return isFloating(dtype) || value === 0 || value === 1;
  return Number.isInteger(value) && value >= range[0] && value <= range[1];
}

/** The dtype at which elements of both meet. */
export function promoteTypes(a: DType, b: DType): DType {
  if (a === b) return a;
  const difference = TABLE[a].strength - TABLE[b].strength;
  if (difference === 0) return isHalf(a) ? 'float32' : 'int32';
  return difference > 0 ? a : b;
}

/** What `weak` makes of a dtype: nothing, unless it is of a stronger kind. */
function yieldTo(dtype: DType, weak: DType): DType {
  return TABLE[weak].kind > TABLE[dtype].kind ? promoteTypes(dtype, weak) : dtype;
}

/**
 * The dtype of a result, as torch.result_type: tensors with dimensions decide first; a tensor without,
 * and behind it a number, counts only if its kind (bool, integer, floating) is a stronger one. So an
 * int8 tensor and 1 make int8, and with 1.5 float32. Whole numbers are integers, also when they were
 * written as 1.0; bool and a whole number make int64. (Only a tensor of 16-bit floats and a scalar
 * tensor meet as if both had dimensions: operations compute in float32.) Numbers alone make float32, as
 * in `tensor(1)`, bigints alone int64.
 */
export function resultType(operands: readonly TensorLike[]): DType {
  let dimensioned: DType | null = null;
  let zeroDim: DType | null = null;
  let number: DType | null = null;
  for (const operand of operands) {
    if (isNumber(operand)) {
      const whole = typeof operand === 'bigint' || Number.isInteger(operand);
      if (number !== REAL) number = whole ? WHOLE : REAL;
    } else if (operand.ndim > 0) {
      dimensioned = dimensioned === null ? operand.dtype : promoteTypes(dimensioned, operand.dtype);
    } else {
      zeroDim = zeroDim === null ? operand.dtype : promoteTypes(zeroDim, operand.dtype);
    }
  }
  let dtype = dimensioned ?? zeroDim;
  if (dtype === null) return operands.every((n) => typeof n === 'bigint') ? WHOLE : REAL;
  if (zeroDim !== null && dimensioned !== null) {
    dtype = isHalf(dtype) ? promoteTypes(dtype, zeroDim) : yieldTo(dtype, zeroDim);
  }
  return number === null ? dtype : yieldTo(dtype, number);
}

/** A tensor or a number as a tensor of that dtype. Numbers outside an integer's range wrap around. */
export function asType(operand: TensorLike, dtype: DType): Tensor {
  if (!isNumber(operand)) return to(operand, dtype);
  const isPlain = typeof operand === 'number' && infoOf(dtype).arithmetic;
  return isPlain ? constant(operand, dtype) : scalar(operand, dtype);
}

/** @throws TensorError ERR_DTYPE for floats of 16 bits, which are for storage and matrix products */
export function checkComputes(operation: string, dtype: DType): void {
  if (isHalf(dtype)) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] does not compute in ${dtype}; convert with to('float32')`,
    );
  }
}

/**
 * @throws TensorError ERR_ARGUMENT unless it is a tensor, a number or a bigint
 */
export function checkOperand(operation: string, value: unknown): asserts value is TensorLike {
  if (!isNumber(value)) checkTensor(operation, value);
}

/**
 * @throws TensorError ERR_DTYPE unless it is a tensor of integers, float32 or float64; ERR_ARGUMENT
 * unless it is a tensor
 */
export function checkNumbers(operation: string, value: unknown): asserts value is Tensor {
  checkTensor(operation, value);
  if (!isInteger(value.dtype)) checkFloating(operation, value);
}

/**
 * Both operands as tensors of one dtype.
 * @throws TensorError ERR_DTYPE when they meet at 16-bit floats, ERR_ARGUMENT for other values and for two
 * numbers
 */
export function promote(operation: string, a: TensorLike, b: TensorLike): [Tensor, Tensor] {
  if (a instanceof Tensor) {
    if (b instanceof Tensor) {
      if (a.dtype === b.dtype) {
        checkComputes(operation, a.dtype);
        return [a, b];
      }
    } else if (typeof b === 'number') {
      if (infoOf(a.dtype).arithmetic) return [a, constant(b, a.dtype)]; // the most frequent case
    } else if (typeof b !== 'bigint') {
      checkTensor(operation, b);
    }
  } else {
    checkOperand(operation, a);
    checkTensor(operation, b);
  }
  const dtype = resultType([a, b]);
  checkComputes(operation, dtype);
  return [asType(a, dtype), asType(b, dtype)];
}

/** As `promote`, but integers and bools meet at float32. */
export function promoteFloating(operation: string, a: TensorLike, b: TensorLike): [Tensor, Tensor] {
  const [x, y] = promote(operation, a, b);
  return isFloating(x.dtype) ? [x, y] : [to(x, 'float32'), to(y, 'float32')];
}
