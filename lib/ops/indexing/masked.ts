/** Choosing elements by a condition: masks, and where elements are not 0. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { type Operand, rows, runGeometry } from '../../native/commands.js';
import { uninitialized, zeros } from '../../tensor/creation.js';
import {
  broadcastShapes,
  checkFlag,
  checkOptions,
  describe,
  numel,
  type Shape,
  sameShape,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { computeTernary, defineMethods, stretched } from '../elementwise/elementwise.js';
import { checkTensor, contiguous, isNumber, scalar } from '../operand.js';
import { holds, isInteger } from '../promotion.js';
import { expand } from '../reduction/reduce.js';
import { placed, reshape } from '../shape/shape.js';
import { checkSameDType } from './indices.js';

/** An operand without strides of the geometry. */
const plain = ({ array, offset }: Tensor): Operand => ({ array, offset, strides: [] });

/** The native side wants every dimension to move an operand: where none does, x is copied. */
function moving(x: Tensor): Tensor {
  const moves = x.strides.every((stride, d) => stride !== 0 || x.shape[d] === 1);
  return moves ? x : contiguous(x.detach());
}

/** How many elements of a moving tensor are not 0. */
function countSelected(x: Tensor): number {
  if (x.numel === 0) return 0;
  const count = uninitialized([], 'float64');
  runGeometry(rows.countSelected, x.shape, [x, plain(count)]);
  return count.item();
}

/** Options of {@link nonzero}. */
export interface NonzeroOptions {
  /** Whether to give a list with the coordinates of each dimension, as `index` takes them. Default false. */
  asTuple?: boolean;
}

/**
 * The coordinates of the elements that are not 0 (NaN isn't), one row for each, in row-major order:
 * shape [count, x.ndim], int32 (PyTorch has int64). With `asTuple` a list of x.ndim tensors of shape
 * [count]; of a scalar, as in PyTorch, that of a vector of one element.
 * @param x any shape and dtype
 * @throws TensorError ERR_ARGUMENT for anything but a tensor, and for other options
 * @example
 * ```ts
 * nonzero(tensor([[0, 5], [7, 0]])); // => [[0, 1], [1, 0]]
 * nonzero(tensor([0, 5, 7]), { asTuple: true })[0]; // => [1, 2]
 * ```
 */
export function nonzero(x: Tensor, options: NonzeroOptions & { asTuple: true }): Tensor[];
export function nonzero(x: Tensor, options?: NonzeroOptions & { asTuple?: false }): Tensor;
export function nonzero(x: Tensor, options: NonzeroOptions = {}): Tensor | Tensor[] {
  checkTensor('nonzero', x);
  checkOptions('nonzero', options, ['asTuple']);
  const { asTuple = false } = options;
  checkFlag('nonzero', 'asTuple', asTuple);
  if (!asTuple) return coordinates(x);
  const all = coordinates(x.ndim === 0 ? reshape(x.detach(), [1]) : x);
  return Array.from({ length: Math.max(1, x.ndim) }, (_, d) => all.slice([null, d]));
}

/**
 * The coordinates of the elements that are not 0, one row for each: the same as `nonzero`, by the name
 * that NumPy and PyTorch have for it.
 * @throws TensorError ERR_ARGUMENT for anything but a tensor
 * @example
 * ```ts
 * argwhere(tensor([0, 5, 7])); // => [[1], [2]]
 * ```
 */
export function argwhere(x: Tensor): Tensor {
  checkTensor('argwhere', x);
  return coordinates(x);
}

function coordinates(x: Tensor): Tensor {
  const source = moving(x);
  const y = uninitialized([countSelected(source), x.ndim], 'int32');
  if (y.shape[0] !== 0) runGeometry(rows.nonzero, source.shape, [source, plain(y)], [...y.shape]);
  return y;
}

/** @throws TensorError unless it is a tensor of bools */
function checkMask(operation: string, mask: unknown): asserts mask is Tensor {
  checkTensor(operation, mask);
  if (mask.dtype !== 'bool') {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] the mask is a bool tensor, not ${mask.dtype}; convert with to('bool')`,
    );
  }
}

/**
 * x as it looks beside a mask.
 * @throws TensorError ERR_SHAPE when their shapes don't fit
 */
function besideMask(operation: string, x: Tensor, mask: Tensor): Tensor {
  const shape = broadcastShapes(operation, x.shape, mask.shape);
  return sameShape(shape, x.shape) ? x : expand(x, shape);
}

/**
 * The elements where the mask is true, in row-major order, in one dimension. x and mask are
 * broadcast to each other.
 * @param x any dtype
 * @param mask bool
 * @throws TensorError ERR_SHAPE when the shapes don't fit, ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * maskedSelect(tensor([1, 2, 3]), tensor([true, false, true])); // => [1, 3]
 * ```
 */
export function maskedSelect(x: Tensor, mask: Tensor): Tensor {
  checkTensor('maskedSelect', x);
  checkMask('maskedSelect', mask);
  const shape = broadcastShapes('maskedSelect', x.shape, mask.shape);
  const [source, chosen] = [expand(x, shape), moving(expand(mask, shape))];
  const y = selected(source, chosen);
  if (recording(source)) {
    attach(y, 'maskedSelect', [source], [(g) => spread(g, chosen)]);
  }
  return y;
}

/** The elements where a moving mask of x's shape is true, without recording. */
function selected(x: Tensor, mask: Tensor): Tensor {
  const y = uninitialized([countSelected(mask)], x.dtype);
  if (y.numel > 0) runGeometry(rows.maskedSelect, x.shape, [x, mask, plain(y)], [y.numel]);
  return y;
}

/** Zeros with the elements of `source`, in order, where a mask is true: a selection's gradient. */
function spread(source: Tensor, mask: Tensor): Tensor {
  const nothing = zeros(mask.shape, { dtype: source.dtype });
  const y = scattered(nothing, mask, contiguous(source.detach()));
  if (recording(source)) attach(y, 'maskedSelect', [source], [(g) => maskedSelect(g, mask)]);
  return y;
}

/** x with the elements of a contiguous source, in order, where the mask is true. */
function scattered(x: Tensor, mask: Tensor, source: Tensor): Tensor {
  const y = uninitialized(x.shape, x.dtype);
  const operands = [x, stretched(mask, x.shape), y, plain(source)];
  runGeometry(rows.maskedScatter, x.shape, operands, [source.numel]);
  return y;
}

/** x with one number where the mask is true, without recording. */
function filled(x: Tensor, mask: Tensor, value: number | bigint): Tensor {
  // A row's number is a double: all 64 bits go as an element.
  if (typeof value === 'bigint') {
    const choices = [expand(mask, x.shape), scalar(value, x.dtype), x.detach()] as const;
    return computeTernary('where', choices, x.dtype, null);
  }
  const y = uninitialized(x.shape, x.dtype);
  runGeometry(rows.maskedFill, x.shape, [x, stretched(mask, x.shape), y], [value]);
  return y;
}

/** Without its fraction. */
const whole = (value: number | bigint): number | bigint =>
  typeof value === 'bigint' ? value : Math.trunc(value);

/** What an element of x's dtype can be. */
function checkValue(x: Tensor, value: unknown): number | bigint {
  if (!isNumber(value) && typeof value !== 'boolean') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[maskedFill] the value is a number, not ${describe(value)}`,
    );
  }
  if (x.dtype === 'bool') return Number(Number(value) !== 0);
  const number = typeof value === 'boolean' ? Number(value) : value;
  if (isInteger(x.dtype) && !holds(x.dtype, whole(number))) {
    throw new TensorError('ERR_ARGUMENT', `[maskedFill] ${x.dtype} can't hold ${number}`);
  }
  return x.dtype === 'int64' ? BigInt(whole(number)) : Number(number);
}

/**
 * A copy of x with one number where the mask is true. x and mask are broadcast to each other. The
 * gradient is 0 where the mask is true.
 * @param x any shape and dtype
 * @param mask bool
 * @param value a number (or bigint or boolean) that x's dtype can hold; integers drop its fraction
 * @throws TensorError ERR_SHAPE when the shapes don't fit, ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * maskedFill(tensor([1, 2, 3]), tensor([true, false, true]), 0); // => [0, 2, 0]
 * ```
 */
export function maskedFill(x: Tensor, mask: Tensor, value: number | bigint | boolean): Tensor {
  checkTensor('maskedFill', x);
  checkMask('maskedFill', mask);
  const source = besideMask('maskedFill', x, mask);
  const y = filled(source, mask, checkValue(x, value));
  if (recording(source)) attach(y, 'maskedFill', [source], [(g) => maskedFill(g, mask, 0)]);
  return y;
}

/**
 * A copy of x with the elements of `source`, in row-major order, where the mask is true. x and mask are
 * broadcast to each other.
 * @param x any shape and dtype
 * @param mask bool
 * @param source x's dtype, at least as many elements as the mask has true ones
 * @throws TensorError ERR_SHAPE when the shapes don't fit or the source is too small,
 * ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * maskedScatter(zeros([3]), tensor([true, false, true]), tensor([7, 8])); // => [7, 0, 8]
 * ```
 */
export function maskedScatter(x: Tensor, mask: Tensor, source: Tensor): Tensor {
  checkTensor('maskedScatter', x);
  checkMask('maskedScatter', mask);
  checkTensor('maskedScatter', source);
  checkSameDType('maskedScatter', x, source);
  const start = besideMask('maskedScatter', x, mask);
  const chosen = moving(expand(mask, start.shape));
  const count = countSelected(chosen);
  if (count > source.numel) {
    throw new TensorError(
      'ERR_SHAPE',
      `[maskedScatter] the mask has ${count} true elements, the source only ${source.numel}`,
    );
  }
  const y = scattered(start, chosen, contiguous(source.detach()));
  if (recording(start, source)) {
    attach(
      y,
      'maskedScatter',
      [start, source],
      [(g) => maskedFill(g, chosen, 0), (g) => padded(maskedSelect(g, chosen), source.shape)],
    );
  }
  return y;
}

/** A row of elements as the first ones of a shape, the rest 0. */
function padded(x: Tensor, shape: Shape): Tensor {
  return reshape(placed(x, [numel(shape)], [[0, x.numel]]), shape);
}

defineMethods({ nonzero, argwhere, maskedSelect, maskedFill, maskedScatter });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** The coordinates of the elements that are not 0: see the function `nonzero`. */
    nonzero(options: NonzeroOptions & { asTuple: true }): Tensor[];
    /** The same in one tensor, a row for each. */
    nonzero(options?: NonzeroOptions & { asTuple?: false }): Tensor;
    /** The coordinates of the elements that are not 0, one row for each. */
    argwhere(): Tensor;
    /** The elements where a mask is true, in one dimension. */
    maskedSelect(mask: Tensor): Tensor;
    /** A copy with one number where a mask is true. */
    maskedFill(mask: Tensor, value: number | bigint | boolean): Tensor;
    /** A copy with a source's elements where a mask is true. */
    maskedScatter(mask: Tensor, source: Tensor): Tensor;
  }
}
