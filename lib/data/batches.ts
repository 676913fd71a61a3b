/** Mini-batches of a data set that lies in memory. */
import { TensorError } from '../errors.js';
import { contiguous } from '../ops/operand.js';
import { fromTypedArray } from '../tensor/data.js';
import { dtypes, type TypedArray } from '../tensor/dtype.js';
import { checkOptions, describe } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { Random } from './random.js';

/** Options of {@link batches}. */
export interface BatchOptions {
  /** Samples per batch. Default 1. */
  batchSize?: number;
  /** Whether the samples come in a random order. Default false: in the order of the data. */
  shuffle?: boolean;
  /** Chooses the random order, together with `epoch`. A whole number, 32 bits count. Default 0. */
  seed?: number;
  /** The pass over the data: each has its own random order. A whole number. Default 0. */
  epoch?: number;
  /** Whether to leave out the last batch when it is smaller than the others. Default false. */
  dropLast?: boolean;
}

/** One mini-batch: `x` has shape `[count, ...]`, `y` the matching rows. */
export interface Batch {
  /** Rows of the inputs. */
  x: Tensor;
  /** Rows of the targets, the same ones. */
  y: Tensor;
}

/** A sequence of batches, to be walked through with `for...of` as often as wanted. */
export interface Batches extends Iterable<Batch> {
  /** How many batches there are. */
  readonly length: number;
}

/**
 * Cuts samples and their targets into mini-batches along the first dimension. A seed and an epoch
 * give the same order on every machine (sfc32 and Fisher-Yates, in whole numbers).
 *
 * Every batch is a copy in memory of its own, so it may be kept or changed; what happens to `x` and
 * `y` later shows in the batches that come after.
 *
 *     for (let epoch = 0; epoch < 5; epoch++) {
 *       for (const batch of batches(x, y, { batchSize: 64, shuffle: true, epoch })) ...
 *     }
 *
 * @param x any dtype, shape `[count, ...]`
 * @param y any dtype, shape `[count, ...]`
 * @throws TensorError ERR_SHAPE when the counts differ or there is no first dimension, ERR_ARGUMENT
 *   for unknown or impossible options
 * @example
 * ```ts
 * const x = tensor([[1], [2], [3]]);
 * const y = tensor([1, 2, 3], { dtype: 'int32' });
 * [...batches(x, y, { batchSize: 2 })].map((batch) => batch.y.toArray()); // => [[1, 2], [3]]
 * ```
 */
export function batches(x: Tensor, y: Tensor, options: BatchOptions = {}): Batches {
  checkOptions('batches', options, ['batchSize', 'shuffle', 'seed', 'epoch', 'dropLast']);
  const { batchSize = 1, shuffle = false, seed = 0, epoch = 0, dropLast = false } = options;
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[batches] batchSize must be a whole number >= 1, not ${describe(batchSize)}`,
    );
  }
  checkWhole('seed', seed);
  checkWhole('epoch', epoch);
  const count = rowCount('x', x);
  if (rowCount('y', y) !== count) {
    throw new TensorError('ERR_SHAPE', `[batches] ${count} rows in x, but ${y.shape[0]} in y`);
  }
  const length = dropLast ? Math.floor(count / batchSize) : Math.ceil(count / batchSize);
  return {
    length,
    *[Symbol.iterator]() {
      const order = shuffle ? new Random(seed, epoch).permutation(count) : undefined;
      // Once per pass: a strided tensor isn't made contiguous again for every batch.
      const sources = { x: contiguous(x), y: contiguous(y) };
      for (let i = 0; i < length; i++) {
        const from = i * batchSize;
        const to = Math.min(from + batchSize, count);
        yield { x: takeRows(sources.x, order, from, to), y: takeRows(sources.y, order, from, to) };
      }
    },
  };
}

/** A copy of the rows `order[from]` to `order[to - 1]`, without an order of rows `from` to `to`. */
function takeRows(
  source: Tensor,
  order: Uint32Array | undefined,
  from: number,
  to: number,
): Tensor {
  const { elements, dtype } = source;
  const row = source.shape.slice(1).reduce((product, size) => product * size, 1);
  const data = elements as TypedArray; // whatever they are: they only move
  const taken = new dtypes[dtype].Array((to - from) * row) as TypedArray;
  if (order === undefined) {
    taken.set(data.subarray(from * row, to * row));
  } else if (row === 1) {
    for (let i = from; i < to; i++) taken[i - from] = data[order[i]!]!;
  } else {
    for (let i = from; i < to; i++) {
      const start = order[i]! * row;
      taken.set(data.subarray(start, start + row), (i - from) * row);
    }
  }
  return fromTypedArray(taken, [to - from, ...source.shape.slice(1)], { dtype });
}

function rowCount(name: string, tensor: unknown): number {
  if (!(tensor instanceof Tensor)) {
    throw new TensorError('ERR_ARGUMENT', `[batches] ${name} must be a tensor`);
  }
  const count = tensor.shape[0];
  if (count === undefined) {
    throw new TensorError('ERR_SHAPE', `[batches] ${name} is a scalar, it has no rows`);
  }
  return count;
}

function checkWhole(name: string, value: unknown): void {
  if (!Number.isSafeInteger(value)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[batches] ${name} must be a whole number, not ${describe(value)}`,
    );
  }
}
