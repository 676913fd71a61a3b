/** Cuts data sets into parts: at random, into training and test sets, into folds; and puts them to scale. */
import { TensorError } from '../errors.js';
import { add, div, mul, sub } from '../ops/elementwise/arithmetic.js';
import { where } from '../ops/elementwise/ternary.js';
import { indexSelect } from '../ops/indexing/gather.js';
import { checkFloating } from '../ops/operand.js';
import { stdMean } from '../ops/reduction/statistics.js';
import { fromTypedArray } from '../tensor/data.js';
import { checkOptions, describe, formatShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { Random } from './random.js';

/** Options of {@link randomSplit}. */
export interface SplitOptions {
  /** Chooses the random order. A whole number, 32 bits count. Default 0. */
  seed?: number;
}

/** Options of {@link trainTestSplit}. */
export interface TrainTestSplitOptions extends SplitOptions {
  /** The test set's part of the rows, in (0, 1), or how many rows it has. Default 0.25. */
  testSize?: number;
  /** Whether the rows come in a random order. Default true; otherwise the test set is the end of the data. */
  shuffle?: boolean;
}

/** Options of {@link kFold}. */
export interface KFoldOptions extends SplitOptions {
  /** How many folds. Default 5. */
  folds?: number;
  /** Whether the rows come in a random order. Default true; otherwise folds are stretches of the data. */
  shuffle?: boolean;
}

/** One way to leave out a fold: int32 indices of rows, as `indexSelect` takes them. */
export interface Fold {
  /** The rows of all other folds. */
  train: Tensor;
  /** The rows of this fold. */
  validation: Tensor;
}

/** The tensors of a data set, in a list or alone; parts of it have the same form. */
export type DataTensors = Tensor | readonly Tensor[];

/** A part of a data set in the form in which that came. */
export type PartOf<T extends DataTensors> = T extends Tensor
  ? Tensor
  : { -readonly [K in keyof T]: Tensor };

/** The two sets that {@link trainTestSplit} makes. */
export interface TrainTestParts<T extends DataTensors> {
  /** What to learn from. */
  train: PartOf<T>;
  /** What to test with. */
  test: PartOf<T>;
}

/**
 * Rows in a random order, cut into parts, as PyTorch's `random_split` does: each row is in one of them.
 * A seed gives the same parts on every machine. Parts are copies.
 * @param data a tensor of shape `[count, ...]`, or several, of which matching rows stay together
 * @param lengths numbers of rows that add up to all, or fractions that add up to 1 (rounded down; rows
 *   that are left go to the first parts, one each)
 * @throws TensorError ERR_ARGUMENT for lengths that don't add up and unknown options, ERR_SHAPE when
 *   the counts differ or there is no first dimension
 * @example
 * ```ts
 * const x = arange(10);
 * const [train, validation, test] = randomSplit(x, [0.6, 0.2, 0.2], { seed: 1 });
 * [train, validation, test].map((part) => part.numel); // => [6, 2, 2]
 * randomSplit(x, [5, 4]); // throws ERR_ARGUMENT
 * ```
 */
export function randomSplit<const T extends DataTensors>(
  data: T,
  lengths: readonly number[],
  options: SplitOptions = {},
): PartOf<T>[] {
  checkOptions('randomSplit', options, ['seed']);
  const tensors = tensorsOf('randomSplit', data);
  const count = rowCount('randomSplit', tensors);
  const sizes = partSizes(lengths, count);
  const order = orderOf('randomSplit', count, true, options.seed);
  let from = 0;
  return sizes.map((size) => {
    const part = order.subarray(from, from + size);
    from += size;
    return take(data, tensors, part);
  });
}

/**
 * A training and a test set, as scikit-learn's `train_test_split` makes them: each row is in one of the
 * two. A seed gives the same sets on every machine. They are copies.
 * @param data a tensor of shape `[count, ...]`, or several, of which matching rows stay together
 * @throws TensorError ERR_ARGUMENT for unknown options and a size that leaves one of the sets empty,
 *   ERR_SHAPE when the counts differ or there is no first dimension
 * @example
 * ```ts
 * const { train, test } = trainTestSplit([ones([8, 2]), arange(8)], { testSize: 0.25 });
 * train.map(({ shape }) => shape); // => [[6, 2], [6]]
 * test.map(({ shape }) => shape); // => [[2, 2], [2]]
 * ```
 */
export function trainTestSplit<const T extends DataTensors>(
  data: T,
  options: TrainTestSplitOptions = {},
): TrainTestParts<T> {
  checkOptions('trainTestSplit', options, ['testSize', 'shuffle', 'seed']);
  const { testSize = 0.25, shuffle = true, seed } = options;
  const tensors = tensorsOf('trainTestSplit', data);
  const count = rowCount('trainTestSplit', tensors);
  // Rounded up, as in scikit-learn.
  const isFraction = typeof testSize === 'number' && testSize > 0 && testSize < 1;
  const size = isFraction ? Math.ceil(testSize * count) : testSize;
  if (!Number.isSafeInteger(size) || size < 1 || size >= count) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[trainTestSplit] testSize ${describe(testSize)} of ${count} rows doesn't leave some for both ` +
        'sets; it is a fraction below 1, or a number of rows',
    );
  }
  const order = orderOf('trainTestSplit', count, shuffle, seed);
  return {
    train: take(data, tensors, order.subarray(0, count - size)),
    test: take(data, tensors, order.subarray(count - size)),
  };
}

/**
 * Folds for cross validation: each row is left out, to validate with, in one of them. Folds differ by
 * one row at most, the first ones being larger, as with scikit-learn's `KFold`.
 * @param count how many rows the data has
 * @throws TensorError ERR_ARGUMENT for unknown options, and unless 2 <= folds <= count
 * @example
 * ```ts
 * const folds = kFold(5, { folds: 2, shuffle: false });
 * folds.map(({ validation }) => validation.toArray()); // => [[0, 1, 2], [3, 4]]
 * folds[0].train; // => [3, 4]
 * ```
 */
export function kFold(count: number, options: KFoldOptions = {}): Fold[] {
  checkOptions('kFold', options, ['folds', 'shuffle', 'seed']);
  const { folds = 5, shuffle = true, seed } = options;
  if (!Number.isSafeInteger(count) || count < 2) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[kFold] expected a number of rows >= 2, not ${describe(count)}`,
    );
  }
  if (!Number.isSafeInteger(folds) || folds < 2 || folds > count) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[kFold] folds must be a whole number from 2 to the ${count} rows, not ${describe(folds)}`,
    );
  }
  const order = Int32Array.from(orderOf('kFold', count, shuffle, seed));
  const larger = count % folds;
  const start = (fold: number): number => fold * Math.floor(count / folds) + Math.min(fold, larger);
  return Array.from({ length: folds }, (_, fold) => {
    const [from, to] = [start(fold), start(fold + 1)];
    const train = new Int32Array(count - (to - from));
    train.set(order.subarray(0, from));
    train.set(order.subarray(to), from);
    return {
      train: fromTypedArray(train, [train.length]),
      validation: fromTypedArray(order.slice(from, to), [to - from]),
    };
  });
}

/**
 * Brings each feature to mean 0 and standard deviation 1 (the population form, as scikit-learn's
 * `StandardScaler`): statistics of the training set serve every other set too. A feature that never
 * changes is only moved.
 * @example
 * ```ts
 * const scaler = new StandardScaler(tensor([[1, 10], [3, 10]]));
 * scaler.transform(tensor([[2, 10], [5, 11]])); // => [[0, 0], [3, 1]]
 * scaler.inverseTransform(tensor([[0, 0]])); // => [[2, 10]]
 * ```
 */
export class StandardScaler {
  /** Of each feature. */
  readonly mean: Tensor;
  /** Of each feature; 1 for those that never change. */
  readonly std: Tensor;

  /**
   * @param x float32 or float64, shape `[count, ...features]`
   * @throws TensorError ERR_SHAPE without rows, ERR_DTYPE
   */
  constructor(x: Tensor) {
    checkFloating('StandardScaler', x);
    if (rowCount('StandardScaler', [x]) === 0) {
      throw new TensorError('ERR_SHAPE', '[StandardScaler] there are no rows');
    }
    const { std, mean } = stdMean(x.detach(), { dim: 0, correction: 0 });
    this.mean = mean;
    this.std = where(std.eq(0), 1, std);
  }

  /**
   * (x - mean) / std
   * @throws TensorError ERR_SHAPE, ERR_DTYPE
   */
  transform(x: Tensor): Tensor {
    this.checkFeatures(x);
    return div(sub(x, this.mean), this.std);
  }

  /**
   * x std + mean
   * @throws TensorError ERR_SHAPE, ERR_DTYPE
   */
  inverseTransform(x: Tensor): Tensor {
    this.checkFeatures(x);
    return add(mul(x, this.std), this.mean);
  }

  private checkFeatures(x: Tensor): void {
    checkFloating('StandardScaler', x);
    const { shape } = this.mean;
    if (x.ndim !== shape.length + 1 || shape.some((size, d) => x.shape[d + 1] !== size)) {
      throw new TensorError(
        'ERR_SHAPE',
        `[StandardScaler] expected rows of shape ${formatShape(shape)}, not ${formatShape(x.shape)}`,
      );
    }
  }
}

function tensorsOf(operation: string, data: DataTensors): readonly Tensor[] {
  const tensors: readonly unknown[] = Array.isArray(data) ? data : [data];
  for (const tensor of tensors) {
    if (!(tensor instanceof Tensor)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${operation}] expected a tensor or a list of tensors, not ${describe(tensor)}`,
      );
    }
  }
  if (tensors.length === 0) {
    throw new TensorError('ERR_ARGUMENT', `[${operation}] the list of tensors is empty`);
  }
  return tensors as readonly Tensor[];
}

function rowCount(operation: string, tensors: readonly Tensor[]): number {
  const counts = tensors.map(({ shape }) => shape[0]);
  const [count] = counts;
  if (count === undefined || counts.some((other) => other !== count)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] expected tensors with equally many rows, not shapes ` +
        tensors.map(({ shape }) => formatShape(shape)).join(', '),
    );
  }
  return count;
}

/** How far the sum of fractions may be from 1. */
const FRACTION_ERROR = 1e-6;

function partSizes(lengths: readonly number[], count: number): number[] {
  const numbers = Array.isArray(lengths) && lengths.every((length) => typeof length === 'number');
  const given = numbers && lengths.length > 0 ? lengths : [Number.NaN];
  const sum = given.reduce((total, length) => total + length, 0);
  const valid = given.every((length) => length >= 0);
  if (valid && given.every(Number.isSafeInteger) && sum === count) return [...given];
  if (!valid || Math.abs(sum - 1) > FRACTION_ERROR) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[randomSplit] lengths must add up to the ${count} rows or to 1, not ${describe(lengths)}`,
    );
  }
  const sizes = given.map((fraction) => Math.floor(fraction * count));
  const left = count - sizes.reduce((total, size) => total + size, 0);
  for (let i = 0; i < left; i++) sizes[i % sizes.length]! += 1;
  return sizes;
}

function orderOf(operation: string, count: number, shuffle: boolean, seed = 0): Uint32Array {
  if (!Number.isSafeInteger(seed)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] seed must be a whole number, not ${describe(seed)}`,
    );
  }
  if (!shuffle) return Uint32Array.from({ length: count }, (_, i) => i);
  return new Random(seed).permutation(count);
}

function take<T extends DataTensors>(
  data: T,
  tensors: readonly Tensor[],
  rows: Uint32Array,
): PartOf<T> {
  const index = fromTypedArray(Int32Array.from(rows), [rows.length]);
  const parts = tensors.map((tensor) => indexSelect(tensor, 0, index));
  return (Array.isArray(data) ? parts : parts[0]) as PartOf<T>;
}
