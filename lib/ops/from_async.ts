/** Tensors from data that arrives bit by bit. */
import { TensorError } from '../errors.js';
import { checkTensorOptions, finish, type TensorOptions } from '../tensor/creation.js';
import { tensor } from '../tensor/data.js';
import type { TypedArray } from '../tensor/dtype.js';
import { describe } from '../tensor/shape.js';
import { type NestedArray, Tensor } from '../tensor/tensor.js';
import { to } from './operand.js';
import { stack } from './shape/join.js';

/** What arrives: numbers, or rows as arrays, typed arrays or tensors. */
export type AsyncItem = NestedArray | readonly number[] | TypedArray | Tensor;

/**
 * A tensor of all that an asynchronous (or ordinary) iterable gives: of numbers a vector, of rows (arrays,
 * typed arrays or tensors of one shape) a tensor with one more dimension in front. Gradients flow to
 * tensors. Default dtype that of the first row as `tensor` makes it, for numbers float32.
 * @throws TensorError ERR_ARGUMENT (as a rejected promise, like all others) for anything but an iterable
 * of these, ERR_SHAPE for rows of different shapes, ERR_DTYPE; and whatever the iterable throws
 * @example
 * ```ts
 * await fromAsync((async function* () { yield [1, 2]; yield [3, 4]; })()); // => [[1, 2], [3, 4]]
 * ```
 */
export async function fromAsync(
  source: AsyncIterable<AsyncItem> | Iterable<AsyncItem | PromiseLike<AsyncItem>>,
  options: TensorOptions = {},
): Promise<Tensor> {
  checkTensorOptions('fromAsync', options);
  const isIterable =
    typeof source === 'object' &&
    source !== null &&
    (Symbol.asyncIterator in source || Symbol.iterator in source);
  if (!isIterable) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[fromAsync] takes an iterable of numbers or rows, not ${describe(source)}`,
    );
  }
  const { dtype } = options;
  const rows: Tensor[] = [];
  const numbers: (number | boolean)[] = [];
  for await (const item of source) {
    const isNumber = typeof item === 'number' || typeof item === 'boolean';
    if (isNumber) numbers.push(item);
    else rows.push(item instanceof Tensor ? item : tensor(item as NestedArray, { dtype }));
    if (rows.length > 0 && numbers.length > 0) {
      throw new TensorError('ERR_SHAPE', '[fromAsync] numbers and rows in one tensor');
    }
  }
  if (rows.length === 0) return tensor(numbers, options);
  const whole = stack(rows);
  return finish('fromAsync', dtype === undefined ? whole : to(whole, dtype), options);
}
