/** What layers check of the numbers that they are made with. */
import { TensorError } from '../../errors.js';
import { type DType, isArithmetic } from '../../tensor/dtype.js';
import { checkFlag, describe } from '../../tensor/shape.js';

/** @throws TensorError ERR_ARGUMENT unless it is a whole number >= 1 */
export function checkSize(name: string, size: unknown): number {
  if (Number.isSafeInteger(size) && (size as number) >= 1) return size as number;
  throw new TensorError('ERR_ARGUMENT', `[${name}] ${describe(size)} is not a whole number >= 1`);
}

/**
 * Whether an input has the dimension shows when there is one.
 * @throws TensorError ERR_INDEX unless it is a whole number
 */
export function checkDim(name: string, dim: unknown): void {
  if (Number.isSafeInteger(dim)) return;
  throw new TensorError(
    'ERR_INDEX',
    `[${name}] a dimension is a whole number, not ${describe(dim)}`,
  );
}

/** @throws TensorError ERR_DTYPE unless it is float32 (also when left out) or float64 */
export function checkDType(name: string, dtype: DType = 'float32'): DType {
  if (isArithmetic(dtype)) return dtype;
  throw new TensorError('ERR_DTYPE', `[${name}] is float32 or float64, not ${describe(dtype)}`);
}

/** @throws TensorError ERR_ARGUMENT unless each of the options is true, false or left out */
export function checkFlags(
  name: string,
  options: Readonly<Record<string, unknown>>,
  flags: readonly string[],
): void {
  for (const flag of flags) checkFlag(name, flag, options[flag], false);
}
