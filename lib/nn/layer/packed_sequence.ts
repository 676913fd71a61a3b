/**
 * Sequences of different lengths as one tensor, as in torch.nn.utils.rnn: padded to the longest, or
 * packed step by step without what fills up.
 */
import { TensorError } from '../../errors.js';
import { indexSelect } from '../../ops/indexing/gather.js';
import { indexCopy } from '../../ops/indexing/index_fill.js';
import { checkTensor } from '../../ops/operand.js';
import { assemble, checkTensors } from '../../ops/shape/join.js';
import { placeOf, rangeOf } from '../../ops/shape/parts.js';
import { reshape } from '../../ops/shape/shape.js';
import { full } from '../../tensor/creation.js';
import type { TypedArray } from '../../tensor/dtype.js';
import { checkFlag, checkOptions, describe, formatShape } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';

/** Lengths of sequences: whole numbers, or a vector of them. */
export type Lengths = readonly number[] | TypedArray | Tensor;

/**
 * Sequences of a batch, step by step: first the first elements of all of them, then the second ones of
 * those that have one, and so on. The longest comes first; if the user's order was another one, the
 * indices say how. Made by `packPaddedSequence` and `packSequence`, and taken and given by the recurrent
 * layers.
 * @example
 * ```ts
 * const packed = nn.utils.rnn.packSequence([tensor([1, 2, 3]), tensor([4])]);
 * packed.data; // => [1, 4, 2, 3]
 * packed.batchSizes; // => [2, 1, 1]
 * ```
 */
export class PackedSequence {
  /**
   * @throws TensorError ERR_ARGUMENT for batch sizes that grow, ERR_SHAPE when they don't add up to the
   * rows of `data`
   */
  constructor(
    /** Shape [sum of the lengths, ...]. */
    readonly data: Tensor,
    /** How many sequences have a first element, a second one... */
    readonly batchSizes: readonly number[],
    /** The user's places of the sequences, the longest first; null when that is their order anyway. */
    readonly sortedIndices: readonly number[] | null = null,
    /** The inverse: where each of the user's sequences stands. */
    readonly unsortedIndices: readonly number[] | null = inverseOf(sortedIndices),
  ) {
    checkTensor('PackedSequence', data);
    const isDescending =
      Array.isArray(batchSizes) &&
      batchSizes.length > 0 &&
      batchSizes.every((size: unknown, i) => {
        const before = i === 0 ? Infinity : (batchSizes[i - 1] as number);
        return Number.isSafeInteger(size) && (size as number) > 0 && (size as number) <= before;
      });
    if (!isDescending) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[PackedSequence] batch sizes are whole numbers >= 1 that never grow, not ${describe(batchSizes)}`,
      );
    }
    const total = batchSizes.reduce((a, b) => a + b, 0);
    if (data.ndim === 0 || data.shape[0] !== total) {
      throw new TensorError(
        'ERR_SHAPE',
        `[PackedSequence] data ${formatShape(data.shape)} must have the ${total} rows of the batch sizes`,
      );
    }
    for (const indices of [sortedIndices, unsortedIndices]) {
      if (indices === null || isOrder(indices, batchSizes[0] as number)) continue;
      throw new TensorError(
        'ERR_ARGUMENT',
        `[PackedSequence] an order of ${batchSizes[0]} sequences has each of their numbers once, not ${describe(indices)}`,
      );
    }
  }
}

/** Whether these are the numbers below `count`, each of them once. */
function isOrder(indices: unknown, count: number): boolean {
  if (!Array.isArray(indices) || indices.length !== count) return false;
  const seen = new Set(indices);
  return seen.size === count && indices.every((i) => Number.isInteger(i) && i >= 0 && i < count);
}

function inverseOf(order: readonly number[] | null): number[] | null {
  if (!Array.isArray(order)) return null;
  const inverse = new Array<number>(order.length).fill(-1);
  order.forEach((from, to) => {
    inverse[from] = to;
  });
  return inverse;
}

/** Options of {@link packPaddedSequence}. */
export interface PackPaddedOptions {
  /** Whether the input is [batch, steps, ...] instead of [steps, batch, ...]. Default false. */
  batchFirst?: boolean;
  /** Whether the lengths have to descend; otherwise the sequences are sorted. Default true. */
  enforceSorted?: boolean;
}

/** Options of {@link padPackedSequence}. */
export interface PadPackedOptions {
  /** Whether the result is [batch, steps, ...] instead of [steps, batch, ...]. Default false. */
  batchFirst?: boolean;
  /** What fills up short sequences. Default 0. */
  paddingValue?: number;
  /** The steps of the result, at least those of the longest sequence, which is the default. */
  totalLength?: number;
}

/** Options of {@link padSequence}. */
export interface PadSequenceOptions {
  /** Whether the result is [batch, steps, ...] instead of [steps, batch, ...]. Default false. */
  batchFirst?: boolean;
  /** What fills up short sequences. Default 0. */
  paddingValue?: number;
  /** On which side of a sequence that is. Default `right`. */
  paddingSide?: 'left' | 'right';
}

/** What fills up: also an infinity or NaN. */
function checkPadding(name: string, value: unknown): number {
  if (typeof value !== 'number') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] paddingValue is a number, not ${describe(value)}`,
    );
  }
  return value;
}

function checkLengths(
  name: string,
  lengths: unknown,
  batch: number,
  steps: number,
  least = 1,
): number[] {
  const list: unknown =
    lengths instanceof Tensor && lengths.ndim === 1
      ? lengths.toArray()
      : ArrayBuffer.isView(lengths)
        ? Array.from(lengths as unknown as ArrayLike<unknown>)
        : lengths;
  const fits =
    Array.isArray(list) &&
    list.every((length) => Number.isInteger(length) && length >= least && length <= steps);
  if (!fits) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] lengths are whole numbers from ${least} to the ${steps} steps of the input, not ${describe(lengths)}`,
    );
  }
  if (list.length !== batch) {
    throw new TensorError('ERR_SHAPE', `[${name}] ${list.length} lengths for ${batch} sequences`);
  }
  return list as number[];
}

/** For each number of steps how many sequences are longer. */
function batchSizesOf(sortedLengths: readonly number[]): number[] {
  const sizes: number[] = [];
  let size = sortedLengths.length;
  for (let step = 0; step < (sortedLengths[0] as number); step++) {
    while ((sortedLengths[size - 1] as number) <= step) size--;
    sizes.push(size);
  }
  return sizes;
}

/** Places in a padded tensor, rows of which are steps times sequences, of what is packed in order. */
function placesOf(
  batchSizes: readonly number[],
  order: readonly number[] | null,
  place: (step: number, sequence: number) => number,
): Int32Array {
  const places = new Int32Array(batchSizes.reduce((a, b) => a + b, 0));
  let at = 0;
  batchSizes.forEach((size, step) => {
    for (let i = 0; i < size; i++)
      places[at++] = place(step, order === null ? i : (order[i] as number));
  });
  return places;
}

/**
 * Packs sequences that were padded to one length.
 * @param input shape [steps, batch, ...], or with `batchFirst` [batch, steps, ...]
 * @param lengths of the sequences, at least 1 each; descending unless `enforceSorted` is false
 * @throws TensorError ERR_SHAPE, ERR_ARGUMENT for lengths that aren't possible or not sorted and for
 * unknown options
 * @example
 * ```ts
 * const padded = tensor([[1, 2, 3], [4, 0, 0]]);
 * const packed = nn.utils.rnn.packPaddedSequence(padded, [3, 1], { batchFirst: true });
 * packed.data; // => [1, 4, 2, 3]
 * ```
 */
export function packPaddedSequence(
  input: Tensor,
  lengths: Lengths,
  options: PackPaddedOptions = {},
): PackedSequence {
  checkOptions('packPaddedSequence', options, ['batchFirst', 'enforceSorted']);
  return packed('packPaddedSequence', input, lengths, options);
}

function packed(
  name: string,
  input: Tensor,
  lengths: Lengths,
  options: PackPaddedOptions,
): PackedSequence {
  checkTensor(name, input);
  const batchFirst = checkFlag(name, 'batchFirst', options.batchFirst ?? false);
  const enforceSorted = checkFlag(name, 'enforceSorted', options.enforceSorted ?? true);
  if (input.ndim < 2 || input.shape[0] === 0 || input.shape[1] === 0) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${name}] takes at least one sequence of at least one step, not ${formatShape(input.shape)}`,
    );
  }
  const [outer, inner] = input.shape as readonly [number, number];
  const [steps, batch] = batchFirst ? [inner, outer] : [outer, inner];
  const list = checkLengths(name, lengths, batch, steps);
  const isSorted = list.every((length, i) => i === 0 || length <= (list[i - 1] as number));
  if (enforceSorted && !isSorted) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] the lengths ${describe(list)} do not descend; enforceSorted: false sorts the sequences`,
    );
  }
  const order = enforceSorted ? null : list.map((_, i) => i);
  order?.sort((a, b) => (list[b] as number) - (list[a] as number) || a - b);
  const sorted = order === null ? list : order.map((i) => list[i] as number);
  const batchSizes = batchSizesOf(sorted);
  const places = placesOf(batchSizes, order, (step, sequence) =>
    batchFirst ? sequence * steps + step : step * batch + sequence,
  );
  const flat = reshape(input, [outer * inner, ...input.shape.slice(2)]);
  return new PackedSequence(indexSelect(flat, 0, places), batchSizes, order);
}

/**
 * The inverse: the sequences padded to one length, in the user's order, and their lengths.
 * @throws TensorError ERR_ARGUMENT for anything but a PackedSequence, for a `totalLength` below the
 * longest one's and for unknown options
 * @example
 * ```ts
 * const packed = nn.utils.rnn.packSequence([tensor([1, 2, 3]), tensor([4])]);
 * const [padded, lengths] = nn.utils.rnn.padPackedSequence(packed, { batchFirst: true });
 * padded; // => [[1, 2, 3], [4, 0, 0]]
 * lengths; // => [3, 1]
 * ```
 */
export function padPackedSequence(
  sequence: PackedSequence,
  options: PadPackedOptions = {},
): [padded: Tensor, lengths: number[]] {
  const name = 'padPackedSequence';
  checkPacked(name, sequence);
  checkOptions(name, options, ['batchFirst', 'paddingValue', 'totalLength']);
  const batchFirst = checkFlag(name, 'batchFirst', options.batchFirst ?? false);
  const paddingValue = checkPadding(name, options.paddingValue ?? 0);
  const { data, batchSizes, sortedIndices } = sequence;
  const longest = batchSizes.length;
  const steps = options.totalLength ?? longest;
  if (!Number.isSafeInteger(steps) || steps < longest) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] totalLength is a whole number of at least ${longest} steps, not ${describe(steps)}`,
    );
  }
  const batch = batchSizes[0] as number;
  const [outer, inner] = batchFirst ? [batch, steps] : [steps, batch];
  const places = placesOf(batchSizes, sortedIndices, (step, i) =>
    batchFirst ? i * steps + step : step * batch + i,
  );
  const rest = data.shape.slice(1);
  const padding = full([outer * inner, ...rest], paddingValue, { dtype: data.dtype });
  const padded = reshape(indexCopy(padding, 0, places, data), [outer, inner, ...rest]);
  const lengths = new Array<number>(batch);
  for (let i = 0; i < batch; i++) {
    lengths[sortedIndices?.[i] ?? i] = batchSizes.filter((size) => size > i).length;
  }
  return [padded, lengths];
}

/** @throws TensorError ERR_ARGUMENT unless it is a packed sequence */
function checkPacked(name: string, sequence: unknown): asserts sequence is PackedSequence {
  if (sequence instanceof PackedSequence) return;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${name}] expected a PackedSequence, not ${describe(sequence)}`,
  );
}

/**
 * The sequences of a padded tensor, each of its own length: views of it.
 * @param padded shape [steps, batch, ...], or with `batchFirst` [batch, steps, ...]
 * @param lengths of the sequences
 * @throws TensorError ERR_SHAPE, ERR_ARGUMENT for lengths that aren't possible and unknown options
 * @example
 * ```ts
 * const padded = tensor([[1, 2, 3], [4, 0, 0]]);
 * nn.utils.rnn.unpadSequence(padded, [3, 1], { batchFirst: true })[1]; // => [4]
 * ```
 */
export function unpadSequence(
  padded: Tensor,
  lengths: Lengths,
  options: Pick<PackPaddedOptions, 'batchFirst'> = {},
): Tensor[] {
  const name = 'unpadSequence';
  checkTensor(name, padded);
  checkOptions(name, options, ['batchFirst']);
  const batchFirst = checkFlag(name, 'batchFirst', options.batchFirst ?? false);
  if (padded.ndim < 2) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${name}] takes sequences side by side, not ${formatShape(padded.shape)}`,
    );
  }
  const [batchDim, stepsDim] = batchFirst ? [0, 1] : [1, 0];
  const [batch, steps] = [padded.shape[batchDim] as number, padded.shape[stepsDim] as number];
  return checkLengths(name, lengths, batch, steps, 0).map((length, i) =>
    rangeOf(name, placeOf(name, padded, batchDim, i), 0, 0, length),
  );
}

/**
 * The sequences of a packed one, in the user's order.
 * @throws TensorError ERR_ARGUMENT for anything but a PackedSequence
 * @example
 * ```ts
 * const packed = nn.utils.rnn.packSequence([tensor([1, 2, 3]), tensor([4])]);
 * nn.utils.rnn.unpackSequence(packed)[0]; // => [1, 2, 3]
 * ```
 */
export function unpackSequence(sequence: PackedSequence): Tensor[] {
  checkPacked('unpackSequence', sequence);
  const [padded, lengths] = padPackedSequence(sequence, { batchFirst: true });
  return unpadSequence(padded, lengths, { batchFirst: true });
}

/**
 * Sequences [length, ...] side by side, short ones filled up.
 * @returns shape [longest, batch, ...], or with `batchFirst` [batch, longest, ...]; different dtypes meet as in
 * arithmetic
 * @throws TensorError ERR_ARGUMENT for anything but a list of tensors and for unknown options, ERR_SHAPE
 * for scalars and sizes other than the lengths that differ
 * @example
 * ```ts
 * const sequences = [tensor([1, 2, 3]), tensor([4])];
 * nn.utils.rnn.padSequence(sequences, { batchFirst: true }); // => [[1, 2, 3], [4, 0, 0]]
 * nn.utils.rnn.padSequence(sequences); // => [[1, 4], [2, 0], [3, 0]]
 * ```
 */
export function padSequence(
  sequences: readonly Tensor[],
  options: PadSequenceOptions = {},
): Tensor {
  const name = 'padSequence';
  const lengths = checkSequences(name, sequences);
  checkOptions(name, options, ['batchFirst', 'paddingValue', 'paddingSide']);
  const batchFirst = checkFlag(name, 'batchFirst', options.batchFirst ?? false);
  const paddingValue = checkPadding(name, options.paddingValue ?? 0);
  const { paddingSide = 'right' } = options;
  if (paddingSide !== 'left' && paddingSide !== 'right') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] paddingSide is left or right, not ${describe(paddingSide)}`,
    );
  }
  const steps = Math.max(...lengths);
  const rest = (sequences[0] as Tensor).shape.slice(1);
  const [batch, time] = batchFirst ? [0, 1] : [1, 0];
  const shape = batchFirst
    ? [sequences.length, steps, ...rest]
    : [steps, sequences.length, ...rest];
  const views = lengths.map((length, i) => (whole: Tensor) => {
    const start = paddingSide === 'left' ? steps - length : 0;
    const part = rangeOf(name, whole, time, start, length);
    return placeOf(name, part, batch, i);
  });
  return assemble(name, sequences, shape, views, paddingValue);
}

/** The lengths of sequences, whose other sizes have to be the same. */
function checkSequences(name: string, sequences: unknown): number[] {
  checkTensors(name, sequences);
  const rest = (sequences[0] as Tensor).shape.slice(1);
  return sequences.map((t) => {
    const fits = t.ndim === rest.length + 1 && rest.every((n, d) => n === t.shape[d + 1]);
    if (!fits) {
      throw new TensorError(
        'ERR_SHAPE',
        `[${name}] sequences have shape [length, ...] and differ in nothing but the length: ` +
          `${formatShape((sequences[0] as Tensor).shape)} and ${formatShape(t.shape)}`,
      );
    }
    return t.shape[0] as number;
  });
}

/**
 * Packs sequences of different lengths.
 * @param sequences shape [length, ...] each, lengths of at least 1, descending unless `enforceSorted` is
 * false
 * @throws TensorError as `padSequence` and `packPaddedSequence`
 * @example
 * ```ts
 * const sequences = [tensor([4]), tensor([1, 2, 3])];
 * nn.utils.rnn.packSequence(sequences, { enforceSorted: false }).data; // => [1, 4, 2, 3]
 * nn.utils.rnn.packSequence(sequences); // throws ERR_ARGUMENT
 * ```
 */
export function packSequence(
  sequences: readonly Tensor[],
  options: Pick<PackPaddedOptions, 'enforceSorted'> = {},
): PackedSequence {
  checkOptions('packSequence', options, ['enforceSorted']);
  const lengths = checkSequences('packSequence', sequences);
  return packed('packSequence', padSequence(sequences), lengths, options);
}
