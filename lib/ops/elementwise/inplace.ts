/**
 * Changing tensors in place. None of these functions is recorded: what was recorded before may need
 * the old elements, and views of them would get wrong gradients. So while gradients are recorded they
 * refuse tensors that have some and work on all others; inside `noGrad` they work on every tensor, as
 * an update of parameters must. (PyTorch records changes of results; here a change that gradients
 * should flow through is written as `y = y.add(...)`.) Every change raises the storage's version, by
 * which copies and saved tensors know that they are stale.
 */
import { isGradEnabled, noGrad } from '../../autograd/mode.js';
import { needsGrad } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { rows, runBinaryContiguous, runUnaryContiguous } from '../../native/commands.js';
import { fillWith } from '../../tensor/creation.js';
import { dtypes } from '../../tensor/dtype.js';
import { recycle } from '../../tensor/memory.js';
import { checkNumber, checkOptions, describe, formatShape, sameShape } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { checkTensor, copyInto, isNumber, scalar, type TensorLike, to } from '../operand.js';
import { checkOperand, holds, kindOf } from '../promotion.js';
import { type Generator, normal, uniform } from '../random/random.js';
import { expand } from '../reduction/reduce.js';
import { add, div, mul, sub } from './arithmetic.js';
import { defineMethods } from './elementwise.js';
import { type ClampOptions, clamp } from './ternary.js';

/**
 * Runs a change of x, which is not recorded, and returns x.
 * @throws TensorError ERR_STATE while gradients of x or the operands are recorded, and when one
 * element of memory is several elements of x
 */
export function changing<T extends Tensor>(
  operation: string,
  x: T,
  operands: readonly TensorLike[],
  change: () => void,
): T {
  if (isGradEnabled()) checkNotRecorded(operation, x, operands);
  if (x.strides.some((stride, d) => stride === 0 && (x.shape[d] as number) > 1)) {
    throw new TensorError(
      'ERR_STATE',
      `[${operation}] elements of this stretched tensor (strides ${formatShape(x.strides)}) share ` +
        'memory; change a clone() of it',
    );
  }
  noGrad(change);
  x.storage.version++;
  return x;
}

function checkNotRecorded(operation: string, x: Tensor, operands: readonly TensorLike[]): void {
  if (x.leafRequiresGrad) {
    throw new TensorError(
      'ERR_STATE',
      `[${operation}] changes a leaf that requires gradients in place; wrap it in noGrad(() => ...)`,
    );
  }
  if (x.node !== null) {
    throw new TensorError(
      'ERR_STATE',
      `[${operation}] changes a result of ${x.node.name} in place, whose gradient would be wrong; ` +
        `use the operation that makes a new tensor, detach(), or noGrad(() => ...)`,
    );
  }
  if (operands.some((operand) => operand instanceof Tensor && needsGrad(operand))) {
    throw new TensorError(
      'ERR_STATE',
      `[${operation}] would lose the gradient of its operand: changes in place are not recorded; ` +
        `use the operation that makes a new tensor, detach() the operand, or noGrad(() => ...)`,
    );
  }
}

/** @throws TensorError ERR_SHAPE unless the operand broadcasts to x */
function checkFits(operation: string, x: Tensor, operand: Tensor): void {
  const { shape } = operand;
  const lead = x.ndim - shape.length;
  if (lead < 0 || shape.some((n, d) => n !== 1 && n !== x.shape[lead + d])) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] an operand of shape ${formatShape(shape)} does not broadcast to ` +
        `${formatShape(x.shape)}, the shape of what is changed`,
    );
  }
}

/**
 * Overwrites x, in place, with the elements of a source, which broadcasts to x and is converted to its
 * dtype (see `to`). Returns x.
 * @throws TensorError ERR_SHAPE when the source doesn't broadcast; ERR_STATE while gradients of x or
 * the source are recorded (use noGrad) and when elements of x share memory (after expand);
 * ERR_ARGUMENT
 * @example
 * ```ts
 * copy_(zeros([2, 2]), tensor([1, 2])); // => [[1, 2], [1, 2]]
 * ```
 */
export function copy_<T extends Tensor>(x: T, source: Tensor): T {
  checkTensor('copy_', x);
  checkTensor('copy_', source);
  checkFits('copy_', x, source);
  return changing('copy_', x, [source], () => {
    // From its own memory, elements would change before they are read.
    const apart = source.storage === x.storage ? source.clone() : source;
    copyInto(x, expand(apart, x.shape));
    if (apart !== source) recycle(apart.storage);
  });
}

/**
 * Overwrites every element of x with a number, in place. Returns x.
 * @throws TensorError ERR_ARGUMENT for a number that x's dtype can't hold, ERR_STATE as `copy_`
 * @example
 * ```ts
 * fill_(zeros([3]), 7); // => [7, 7, 7]
 * ```
 */
export function fill_<T extends Tensor>(x: T, value: number | boolean): T {
  checkTensor('fill_', x);
  const number = typeof value === 'boolean' ? Number(value) : value;
  if (!isNumber(number) || (x.dtype !== 'bool' && !holds(x.dtype, number))) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[fill_] the value is a number that ${x.dtype} can hold, not ${describe(value)}`,
    );
  }
  return changing('fill_', x, [], () => fillWith(x, number));
}

/**
 * Overwrites every element of x with 0, in place. Returns x.
 * @throws TensorError ERR_STATE as `copy_`
 * @example
 * ```ts
 * zero_(ones([2])); // => [0, 0]
 * ```
 */
export function zero_<T extends Tensor>(x: T): T {
  checkTensor('zero_', x);
  return changing('zero_', x, [], () => fillWith(x, 0));
}

type Arithmetic = 'add' | 'sub' | 'mul' | 'div';
const functions = { add, sub, mul, div } as const;

/** x = f(x, other). Directly where both lie contiguous in one dtype, otherwise by a copy. */
function arithmetic<T extends Tensor>(row: Arithmetic, x: T, other: TensorLike): T {
  const operation = `${row}_`;
  checkTensor(operation, x);
  checkOperand(operation, other);
  if (other instanceof Tensor) checkFits(operation, x, other);
  return changing(operation, x, [other], () => {
    if (dtypes[x.dtype].arithmetic && x.isContiguous) {
      const y = isNumber(other) ? scalar(other, x.dtype) : other;
      // An element that is read after it was changed would be another one.
      const apart = y.storage !== x.storage || (y.offset === x.offset && y.ndim === x.ndim);
      const whole = y.isContiguous && sameShape(y.shape, x.shape);
      if (y.dtype === x.dtype && apart && (whole || y.ndim === 0)) {
        runBinaryContiguous(rows[row], x, 1, y, y.ndim === 0 ? 0 : 1, x, x.numel);
        return;
      }
    }
    const result = functions[row](x, other);
    checkCanHold(operation, x, result);
    copyInto(x, to(result, x.dtype));
  });
}

/** @throws TensorError ERR_DTYPE for a result of a stronger kind: floating for integers, numbers for bools */
function checkCanHold(operation: string, x: Tensor, result: Tensor): void {
  if (kindOf(result.dtype) <= kindOf(x.dtype)) return;
  throw new TensorError(
    'ERR_DTYPE',
    `[${operation}] the result is ${result.dtype}, which ${x.dtype} can't hold; convert x first`,
  );
}

/** Options of {@link add_} and {@link sub_}. */
export interface AlphaOptions {
  /** A factor of the other operand. Default 1. */
  alpha?: number;
}

function scaled(operation: string, other: TensorLike, options: AlphaOptions): TensorLike {
  checkOptions(operation, options, ['alpha']);
  const alpha = checkNumber(operation, 'alpha', options.alpha ?? 1);
  if (alpha === 1) return other;
  checkOperand(operation, other);
  return isNumber(other) ? Number(other) * alpha : noGradProduct(operation, other, alpha);
}

/** The product without a history; a factor that has one is refused first. */
function noGradProduct(operation: string, other: Tensor, alpha: number): Tensor {
  if (isGradEnabled()) checkNotRecorded(operation, other.detach(), [other]);
  return noGrad(() => mul(other, alpha));
}

/**
 * x += alpha * other, in place; returns x. The result has x's dtype; operands meet as in `add`.
 * @throws TensorError ERR_SHAPE when other doesn't broadcast to x, ERR_DTYPE when the result is
 * floating and x isn't, or a number and x is bool, ERR_STATE as `copy_`, ERR_ARGUMENT
 * @example
 * ```ts
 * add_(tensor([1, 2]), 10); // => [11, 12]
 * add_(tensor([1, 2]), tensor([1, 1]), { alpha: -2 }); // => [-1, 0]
 * ```
 */
export function add_<T extends Tensor>(x: T, other: TensorLike, options: AlphaOptions = {}): T {
  checkTensor('add_', x);
  return arithmetic('add', x, scaled('add_', other, options));
}

/**
 * x -= alpha * other, in place; returns x.
 * @throws TensorError as `add_`
 * @example
 * ```ts
 * sub_(tensor([1, 2]), 1); // => [0, 1]
 * ```
 */
export function sub_<T extends Tensor>(x: T, other: TensorLike, options: AlphaOptions = {}): T {
  checkTensor('sub_', x);
  return arithmetic('sub', x, scaled('sub_', other, options));
}

/**
 * x *= other, in place; returns x.
 * @throws TensorError as `add_`
 * @example
 * ```ts
 * mul_(tensor([1, 2]), 3); // => [3, 6]
 * ```
 */
export function mul_<T extends Tensor>(x: T, other: TensorLike): T {
  return arithmetic('mul', x, other);
}

/**
 * x /= other, in place; returns x. Of floating tensors only, as a quotient is one.
 * @throws TensorError as `add_`
 * @example
 * ```ts
 * div_(tensor([1, 2]), 2); // => [0.5, 1]
 * div_(tensor([1, 2], { dtype: 'int32' }), 2); // throws ERR_DTYPE
 * ```
 */
export function div_<T extends Tensor>(x: T, other: TensorLike): T {
  return arithmetic('div', x, other);
}

/**
 * Cuts x's elements to [min, max], in place; returns x. See `clamp`.
 * @throws TensorError as `clamp`; ERR_SHAPE when bounds don't broadcast to x, ERR_DTYPE as `add_`,
 * ERR_STATE as `copy_`
 * @example
 * ```ts
 * clamp_(tensor([-2, 0, 2]), { min: -1, max: 1 }); // => [-1, 0, 1]
 * ```
 */
export function clamp_<T extends Tensor>(x: T, options: ClampOptions): T {
  checkTensor('clamp_', x);
  const bounds = [options?.min, options?.max].filter((bound) => bound instanceof Tensor);
  for (const bound of bounds) checkFits('clamp_', x, bound);
  return changing('clamp_', x, bounds, () => {
    const ends = isRowOf(x) ? numberEnds(options) : null;
    if (ends !== null) {
      runUnaryContiguous(rows.hardtanh, x, x, x.numel, ends);
      return;
    }
    const result = clamp(x, options);
    checkCanHold('clamp_', x, result);
    copyInto(x, to(result, x.dtype));
    if (result.storage !== x.storage) recycle(result.storage);
  });
}

/** Whether elementwise rows of floats can run over x where it lies. */
function isRowOf(x: Tensor): boolean {
  return (x.dtype === 'float32' || x.dtype === 'float64') && x.isContiguous;
}

/** The bounds that are numbers, with infinity for none; null where there is none or another kind. */
function numberEnds(options: ClampOptions): readonly [number, number] | null {
  checkOptions('clamp', options, ['min', 'max']);
  const { min = -Infinity, max = Infinity } = options;
  const bounded = min !== -Infinity || max !== Infinity;
  return bounded && isPlainNumber(min) && isPlainNumber(max) ? [min, max] : null;
}

const isPlainNumber = (bound: TensorLike): bound is number =>
  typeof bound === 'number' && !Number.isNaN(bound);

/** Options of {@link normal_} and {@link uniform_}. */
export interface InPlaceRandomOptions {
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

function drawn<T extends Tensor>(
  operation: string,
  x: T,
  options: InPlaceRandomOptions,
  draw: (options: object) => Tensor,
): T {
  checkTensor(operation, x);
  checkOptions(operation, options, ['generator']);
  if (x.dtype !== 'float32' && x.dtype !== 'float64') {
    throw new TensorError('ERR_DTYPE', `[${operation}] draws float32 or float64, not ${x.dtype}`);
  }
  return changing(operation, x, [], () => {
    const numbers = draw({ ...options, dtype: x.dtype });
    copyInto(x, numbers);
    recycle(numbers.storage);
  });
}

/**
 * Overwrites x with normal numbers, in place; returns x. The same as `normal` with x's shape.
 * @throws TensorError ERR_ARGUMENT unless mean and std are finite and std >= 0, ERR_DTYPE unless x is
 * float32 or float64, ERR_STATE as `copy_`
 * @example
 * ```ts
 * normal_(zeros([2]), 5, 0); // => [5, 5]
 * ```
 */
export function normal_<T extends Tensor>(
  x: T,
  mean = 0,
  std = 1,
  options: InPlaceRandomOptions = {},
): T {
  checkNumber('normal_', 'mean', mean);
  checkNumber('normal_', 'std', std, 0);
  return drawn('normal_', x, options, (own) => normal(mean, std, x.shape, own));
}

/**
 * Overwrites x with uniform numbers of [low, high), in place; returns x. The same as `uniform` with
 * x's shape.
 * @throws TensorError ERR_ARGUMENT unless the bounds are finite numbers with low <= high, ERR_DTYPE
 * unless x is float32 or float64, ERR_STATE as `copy_`
 * @example
 * ```ts
 * uniform_(zeros([2]), 3, 3); // => [3, 3]
 * ```
 */
export function uniform_<T extends Tensor>(
  x: T,
  low = 0,
  high = 1,
  options: InPlaceRandomOptions = {},
): T {
  checkNumber('uniform_', 'low', low);
  checkNumber('uniform_', 'high', high);
  if (low > high) {
    throw new TensorError('ERR_ARGUMENT', `[uniform_] low = ${low} is above high = ${high}`);
  }
  return drawn('uniform_', x, options, (own) => uniform(low, high, x.shape, own));
}

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** Overwrites the elements with a source's, in place: see the function `copy_`. */
    copy_(source: Tensor): this;
    /** Overwrites every element with a number, in place. */
    fill_(value: number | boolean): this;
    /** Overwrites every element with 0, in place. */
    zero_(): this;
    /** Adds in place: see the function `add_`. */
    add_(other: TensorLike, options?: AlphaOptions): this;
    /** Subtracts in place. */
    sub_(other: TensorLike, options?: AlphaOptions): this;
    /** Multiplies in place. */
    mul_(other: TensorLike): this;
    /** Divides in place. */
    div_(other: TensorLike): this;
    /** Cuts elements to a range, in place. */
    clamp_(options: ClampOptions): this;
    /** Overwrites the elements with normal numbers, in place: see the function `normal_`. */
    normal_(mean?: number, std?: number, options?: InPlaceRandomOptions): this;
    /** Overwrites the elements with uniform numbers, in place: see the function `uniform_`. */
    uniform_(low?: number, high?: number, options?: InPlaceRandomOptions): this;
  }
}

defineMethods({ copy_, fill_, zero_, add_, sub_, mul_, div_, clamp_, normal_, uniform_ });
