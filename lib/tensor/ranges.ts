/** Numbers in equal steps. */
import { TensorError } from '../errors.js';
import { rows, runGeometry, runRow } from '../native/commands.js';
import {
  checkTensorOptions,
  finish,
  OPTION_NAMES,
  type TensorOptions,
  uninitialized,
} from './creation.js';
import { dtypes } from './dtype.js';
import { recycle } from './memory.js';
import { checkCount, checkNumber, describe } from './shape.js';
import type { Tensor } from './tensor.js';

/** The numbers behind the first one, two at most, and the options behind these. */
function rangeArguments(rest: readonly unknown[]): [numbers: readonly unknown[], options: unknown] {
  const given = rest.findIndex((value) => typeof value === 'object' && value !== null);
  const at = given < 0 ? 2 : Math.min(given, 2);
  return [rest.slice(0, at), rest[at] === undefined ? {} : rest[at]];
}

/**
 * The numbers start, start + step, ... below `end` (above it for a negative step), computed as
 * start + i * step. `arange(n)` counts from 0. Default dtype float32.
 * @throws TensorError ERR_ARGUMENT for anything but numbers, a step of 0 or one that leads away from
 * `end`; ERR_DTYPE for bool
 * @example
 * ```ts
 * arange(3); // => [0, 1, 2]
 * arange(1, 2, 0.25); // => [1, 1.25, 1.5, 1.75]
 * arange(3, { dtype: 'int32' }); // => [0, 1, 2]
 * arange(0, 1, -1); // throws ERR_ARGUMENT
 * ```
 */
export function arange(end: number, options?: TensorOptions): Tensor;
export function arange(start: number, end: number, options?: TensorOptions): Tensor;
export function arange(start: number, end?: number, step?: number, options?: TensorOptions): Tensor;
export function arange(first: number, ...rest: readonly unknown[]): Tensor {
  const [[second, third = 1], given] = rangeArguments(rest);
  const options = given as TensorOptions;
  const step = third as number;
  checkRangeOptions('arange', options);
  const [from, to] = second === undefined ? [0, first] : [first, second as number];
  const numbers = [from, to, step].every((n) => typeof n === 'number');
  const count = numbers ? Math.ceil((to - from) / step) : Number.NaN;
  if (!Number.isSafeInteger(count) || (to - from) / step < 0) {
    const text = `no steps of ${describe(step)} lead from ${describe(from)} to ${describe(to)}`;
    throw new TensorError('ERR_ARGUMENT', `[arange] ${text}`);
  }
  const result = uninitialized([count], exactType(options));
  runSteps(result, count, from, to, step);
  return converted('arange', result, options);
}

/** The dtype to compute in, which is then rounded no second time. */
const exactType = ({ dtype = 'float32' }: TensorOptions): 'float32' | 'float64' =>
  dtype === 'float32' ? 'float32' : 'float64';

/** Elements start, start + step... up to number `rising`, and ..., end - step, end from there. */
function runSteps(y: Tensor, rising: number, start: number, end: number, step: number): void {
  runRow(rows.steps, [y.array], [y.offset], [y.numel, rising, start, end, step]);
}

/**
 * linspace, computed in float64 and rounded once: from both ends to the middle, so that both are exact and
 * the values symmetric.
 */
function steps(
  operation: string,
  start: number,
  end: number,
  count: number,
  dtype: 'float32' | 'float64',
): Tensor {
  checkNumber(operation, 'start', start);
  checkNumber(operation, 'end', end);
  checkCount(operation, 'the number of steps', count, 0);
  const result = uninitialized([count], dtype);
  const step = count > 1 ? (end - start) / (count - 1) : 0;
  runSteps(result, count > 1 ? Math.floor(count / 2) : 1, start, end, step);
  return result;
}

/** The numbers in the dtype of the options, integers cut towards zero as by `to`. */
function converted(operation: string, numbers: Tensor, options: TensorOptions): Tensor {
  const { dtype = 'float32' } = options;
  if (dtype === numbers.dtype) return finish(operation, numbers, options);
  const result = uninitialized(numbers.shape, dtype);
  runGeometry(rows.cast, numbers.shape, [numbers, result]);
  recycle(numbers.storage);
  return finish(operation, result, options);
}

/** @throws TensorError ERR_DTYPE for bool, in which there are no steps */
function checkRangeOptions(operation: string, options: TensorOptions, own: string[] = []): void {
  checkTensorOptions(operation, options, [...OPTION_NAMES, ...own]);
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
  const numbers = steps('linspace', start, end, count, exactType(options));
  return converted('linspace', numbers, options);
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
  const powers = steps('logspace', start, end, count, 'float64');
  const bases = { array: Float64Array.of(base), offset: 0, strides: [0] };
  runGeometry(rows.pow, powers.shape, [bases, powers, powers]);
  return converted('logspace', powers, options);
}
