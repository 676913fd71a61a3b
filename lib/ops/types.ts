/** Questions about dtypes: where two meet, and which conversions lose no kind of number. */
import { checkDType, type DType } from '../tensor/dtype.js';
import type { TensorLike } from './operand.js';
import {
  checkOperand,
  kindOf,
  promoteTypes as promoted,
  resultType as typeOf,
} from './promotion.js';

/**
 * The dtype at which elements of two dtypes meet, as in arithmetic of tensors with dimensions: the
 * stronger one of bool, uint8 and int8, int32, int64, bfloat16 and float16, float32, float64. Two
 * different ones of the same strength meet at int32 (uint8 and int8, which PyTorch takes to int16) and
 * at float32 (bfloat16 and float16).
 * @throws TensorError ERR_DTYPE for an unknown dtype
 * @example
 * ```ts
 * promoteTypes('int64', 'float16'); // => 'float16'
 * promoteTypes('bfloat16', 'float16'); // => 'float32'
 * ```
 */
export function promoteTypes(a: DType, b: DType): DType {
  checkDType('promoteTypes', a);
  checkDType('promoteTypes', b);
  return promoted(a, b);
}

/**
 * The dtype of a result of two operands: tensors with dimensions decide first; a tensor without, and
 * behind it a number, counts only if its kind (bool, integer, floating) is a stronger one. Whole
 * numbers and bigints are int64, other numbers float32. Two numbers make float32, as in `tensor(1)`
 * (PyTorch's are int64), two bigints int64. One difference from PyTorch: a bfloat16 or float16 tensor
 * and a floating tensor without dimensions meet as if both had dimensions.
 * @throws TensorError ERR_ARGUMENT for anything but tensors, numbers and bigints
 * @example
 * ```ts
 * resultType(tensor([1n]), 2.5); // => 'float32'
 * resultType(tensor([true]), 1); // => 'int64'
 * resultType(ones([2], { dtype: 'int8' }), ones([], { dtype: 'int64' })); // => 'int8'
 * ```
 */
export function resultType(a: TensorLike, b: TensorLike): DType {
  checkOperand('resultType', a);
  checkOperand('resultType', b);
  return typeOf([a, b]);
}

/**
 * Whether a conversion keeps the kind of numbers: from bool to integers to floats, not back. It may
 * still lose digits or wrap around, as from int64 to int8.
 * @throws TensorError ERR_DTYPE for an unknown dtype
 * @example
 * ```ts
 * canCast('int64', 'float16'); // => true
 * canCast('float16', 'int64'); // => false
 * ```
 */
export function canCast(from: DType, to: DType): boolean {
  checkDType('canCast', from);
  checkDType('canCast', to);
  return kindOf(from) <= kindOf(to);
}
