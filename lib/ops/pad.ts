/** Tensors with more places around them. */
import { TensorError } from '../errors.js';
import { checkOptions, describe, formatShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { defineMethods } from './elementwise.js';
import { flip } from './flip.js';
import { assemble, concat } from './join.js';
import { checkTensor, clone } from './operand.js';
import { rangeOf } from './parts.js';
import { holds } from './promotion.js';
import { expand } from './reduce.js';

/** What the new places of {@link pad} hold. */
export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular';

/** Options of {@link pad}. */
export interface PadOptions {
  /**
   * What the new places hold: one value; the elements mirrored at the outermost one, which isn't
   * repeated; the outermost one; the elements from the other end. Default `constant`.
   */
  mode?: PadMode;
  /** Of `constant`: the value. Default 0. */
  value?: number | boolean;
}

/** The most places that a mode finds elements for, at one end of a dimension of that size. */
const reach: Readonly<Record<PadMode, (size: number) => number>> = {
  constant: () => Infinity,
  reflect: (size) => size - 1,
  replicate: (size) => (size > 0 ? Infinity : 0),
  circular: (size) => size,
};

/**
 * A tensor with places added before and after its elements.
 * @param pads how many, in PyTorch's order: before and after the last dimension, then those of the one
 * before it, and so on. Negative numbers take places away.
 * @throws TensorError ERR_ARGUMENT for pads that aren't pairs of whole numbers, an unknown mode or
 * option, a value that the dtype can't hold; ERR_SHAPE for more pairs than dimensions, and pads that
 * leave less than nothing or that a mode finds no elements for
 * @example
 * ```ts
 * pad(tensor([1, 2, 3]), [2, 1]); // => [0, 0, 1, 2, 3, 0]
 * pad(tensor([1, 2, 3]), [2, 1], { mode: 'reflect' }); // => [3, 2, 1, 2, 3, 2]
 * pad(tensor([[1, 2]]), [0, 0, 1, 0], { value: 7 }); // => [[7, 7], [1, 2]]
 * ```
 */
export function pad(x: Tensor, pads: readonly number[], options: PadOptions = {}): Tensor {
  checkTensor('pad', x);
  checkOptions('pad', options, ['mode', 'value']);
  const { mode = 'constant', value } = options;
  if (typeof mode !== 'string' || !Object.hasOwn(reach, mode)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[pad] the mode is ${Object.keys(reach).join(', ')}, not ${describe(mode)}`,
    );
  }
  const sides = checkPads(x, pads, mode);
  const cropped = crop(x, sides);
  if (mode === 'constant') return surrounded(cropped, sides, checkFill(x, value ?? 0));
  if (value !== undefined) {
    throw new TensorError('ERR_ARGUMENT', `[pad] value is for constant, not for ${mode}`);
  }
  const y = sides.reduce(
    (t, [before, after], d) => continued(t, d, Math.max(0, before), Math.max(0, after), mode),
    cropped,
  );
  return y === x ? clone(x) : y;
}

type Sides = readonly (readonly [before: number, after: number])[];

/** The places at both ends of each dimension, outermost first. */
function checkPads(x: Tensor, pads: unknown, mode: PadMode): Sides {
  if (!Array.isArray(pads) || pads.length % 2 !== 0 || !pads.every(Number.isSafeInteger)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[pad] pads are pairs of whole numbers, the last dimension's first, not ${describe(pads)}`,
    );
  }
  if (pads.length > 2 * x.ndim) {
    throw new TensorError(
      'ERR_SHAPE',
      `[pad] ${pads.length / 2} pairs for a tensor of shape ${formatShape(x.shape)}`,
    );
  }
  return x.shape.map((size, d) => {
    const at = 2 * (x.ndim - 1 - d);
    const [before = 0, after = 0] = [pads[at], pads[at + 1]];
    const least = Math.min(0, before) + Math.min(0, after);
    const most = Math.max(before, after);
    if (size + least < 0 || (most > 0 && most > reach[mode](size + least))) {
      throw new TensorError(
        'ERR_SHAPE',
        `[pad] ${mode} can't pad dimension ${d} of size ${size} with ${before} and ${after}`,
      );
    }
    return [before, after];
  });
}

function checkFill(x: Tensor, value: unknown): number {
  const isNumber = typeof value === 'number' || typeof value === 'boolean';
  if (!isNumber || !holds(x.dtype, Number(value))) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[pad] the value is a number that ${x.dtype} can hold, not ${describe(value)}`,
    );
  }
  return Number(value);
}

/** Without the places that negative pads take away. */
function crop(x: Tensor, sides: Sides): Tensor {
  return sides.reduce((t, [before, after], d) => {
    const first = Math.max(0, -before);
    const left = (t.shape[d] as number) - first - Math.max(0, -after);
    return left === t.shape[d] ? t : rangeOf('pad', t, d, first, left);
  }, x);
}

/** x with a value around it. */
function surrounded(x: Tensor, sides: Sides, value: number): Tensor {
  const first = sides.map(([before]) => Math.max(0, before));
  const shape = x.shape.map(
    (n, d) => n + (first[d] as number) + Math.max(0, (sides[d] as readonly [number, number])[1]),
  );
  const view = (whole: Tensor) =>
    x.shape.reduce((t, n, d) => {
      return n === t.shape[d] ? t : rangeOf('pad', t, d, first[d] as number, n);
    }, whole);
  return assemble('pad', [x], shape, [view], value);
}

/** x continued at both ends of a dimension, from its own elements. */
function continued(
  x: Tensor,
  dim: number,
  before: number,
  after: number,
  mode: Exclude<PadMode, 'constant'>,
): Tensor {
  if (before === 0 && after === 0) return x;
  const size = x.shape[dim] as number;
  const range = (start: number, length: number) => rangeOf('pad', x, dim, start, length);
  const repeated = (start: number, count: number) =>
    expand(range(start, 1), x.shape.with(dim, count));
  const pieces = {
    reflect: () => [flip(range(1, before), dim), flip(range(size - 1 - after, after), dim)],
    replicate: () => [repeated(0, before), repeated(size - 1, after)],
    circular: () => [range(size - before, before), range(0, after)],
  } as const;
  const [head, tail] = pieces[mode]() as [Tensor, Tensor];
  return concat([head, x, tail], dim);
}

defineMethods({ pad });

declare module '../tensor/tensor.js' {
  interface Tensor {
    /** This tensor with places around it: see the function `pad`. */
    pad(pads: readonly number[], options?: PadOptions): Tensor;
  }
}
