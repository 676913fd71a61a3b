/** Numbers in equal steps between two ends. (arange, which has a step instead, is in creation.ts.) */
import { TensorError } from '../errors.js';
import { rows, runGeometry } from '../native/commands.js';
import { checkTensorOptions, finish, type TensorOptions, uninitialized } from './creation.js';
import { dtypes } from './dtype.js';
import { checkNumber, describe } from './shape.js';
import type { Tensor } from './tensor.js';

/** linspace in float64, which is rounded to the result's dtype once. */
function steps(operation: string, start: number, end: number, count: number): Tensor {
  checkNumber(operation, 'start', start);
  checkNumber(operation, 'end', end);
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] the number of steps is a whole number >= 0, not ${describe(count)}`,
    );
  }
  const result = uninitialized([count], 'float64');
  const { data } = result;
  const step = count > 1 ? (end - start) / (count - 1) : 0;
  const half = Math.floor(count / 2);
  // From both ends to the middle, so that both are exact and the values symmetric.
  for (let i = 0; i < half; i++) {
    data[i] = start + step * i;
    data[count - 1 - i] = end - step * i;
  }
  if (count === 1) data[0] = start;
  else if (count % 2 === 1) data[half] = end - step * half;
  return result;
}

/** The numbers in the dtype of the options, integers cut towards zero as by `to`. */
function converted(operation: string, numbers: Tensor, options: TensorOptions): Tensor {
  const { dtype = 'float32' } = options;
  const result = dtype === 'float64' ? numbers : uninitialized(numbers.shape, dtype);
  if (result !== numbers) {
    runGeometry(dtype === 'bool' ? rows.castBool : rows.cast, numbers.shape, [numbers, result]);
  }
  return finish(operation, result, options);
}

/** @throws TensorError ERR_DTYPE for bool, in which there are no steps */
function checkRangeOptions(operation: string, options: TensorOptions, own: string[] = []): void {
  checkTensorOptions(operation, options, ['dtype', 'requiresGrad', ...own]);
  if (options.dtype === 'bool') {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] makes numbers: ${Object.keys(dtypes)
        .filter((name) => name !== 'bool')
        .join(', ')}`,
    );
  }
}

/**
 * `count` numbers in equal steps from `start` to `end`, both included: start + i s in the first half,
 * end - (count - 1 - i) s in the second, s = (end - start) / (count - 1). Computed in float64 and rounded
 * once; integers are cut towards zero. One number alone is `start`. Default dtype float32.
 * @throws TensorError ERR_ARGUMENT unless the ends are finite numbers and the count a whole one >= 0,
 * and for unknown options; ERR_DTYPE for bool
 * @example
 * ```ts
 * linspace(0, 1, 5); // => [0, 0.25, 0.5, 0.75, 1]
 * ```
 */
export function linspace(
  start: number,
  end: number,
  count: number,
  options: TensorOptions = {},
): Tensor {
  checkRangeOptions('linspace', options);
  return converted('linspace', steps('linspace', start, end, count), options);
}

export interface LogspaceOptions extends TensorOptions {
  /** What is raised to the powers. Default 10. */
  base?: number;
}

/**
 * `count` powers of a base with exponents in equal steps from `start` to `end`, both included:
 * base^linspace(start, end, count). Computed in float64 and rounded once; integers are cut towards zero.
 * Default dtype float32.
 * @throws TensorError ERR_ARGUMENT unless the ends and the base are finite numbers and the count a whole
 * one >= 0, and for unknown options; ERR_DTYPE for bool
 * @example
 * ```ts
 * logspace(0, 3, 4); // => [1, 10, 100, 1000]
 * logspace(0, 3, 4, { base: 2 }); // => [1, 2, 4, 8]
 * ```
 */
export function logspace(
  start: number,
  end: number,
  count: number,
  options: LogspaceOptions = {},
): Tensor {
  checkRangeOptions('logspace', options, ['base']);
  const { base = 10 } = options;
  checkNumber('logspace', 'base', base);
  const powers = steps('logspace', start, end, count);
  const bases = { array: Float64Array.of(base), offset: 0, strides: [0] };
  runGeometry(rows.pow, powers.shape, [bases, powers, powers]);
  return converted('logspace', powers, options);
}
