/** Tensors with more places around them. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { type Operand, rows, runGeometry, runRow } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import { isHalf } from '../../tensor/dtype.js';
import { recycle } from '../../tensor/memory.js';
import { checkOptions, describe, formatShape, type Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { checkTensor, constant, copyInto, copyOf, to } from '../operand.js';
import { holds } from '../promotion.js';
import { assemble } from './join.js';
import { rangeOf } from './parts.js';

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
  return continued(cropped, sides, mode);
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
  const y = padded(x, sides, shape, 'constant', value);
  if (y === null) return assemble('pad', [x], shape, [view], value);
  if (recording(x)) attach(y, 'pad', [x], [view]);
  return y;
}

/** In the order of `Mode` in native/ops/shape/pad.cpp. */
const modes: readonly PadMode[] = ['constant', 'reflect', 'replicate', 'circular'];

/** As many dimensions as the native side pads in one pass. */
const MOST_PADDED = 3;

/** A dimension's size, and its places with those before it. */
type Padded = readonly [size: number, padded: number, before: number];

/**
 * What {@link padded} pads: dimensions behind one another that aren't padded are one. Those at the end
 * are a part of the last one that is, where its new places hold a constant.
 */
function paddedDims(x: Tensor, sides: Sides, shape: Shape, mode: PadMode): Padded[] {
  let [end, inner] = [x.ndim, 1];
  if (mode === 'constant') {
    while (end > 0 && x.shape[end - 1] === shape[end - 1]) inner *= x.shape[--end] as number;
  }
  const dims: Padded[] = [];
  for (let d = 0; d < end; d++) {
    const [size, all] = [x.shape[d] as number, shape[d] as number];
    const before = Math.max(0, (sides[d] as readonly [number, number])[0]);
    const last = dims.at(-1);
    if (last !== undefined && size === all && last[0] === last[1]) {
      dims[dims.length - 1] = [last[0] * size, last[1] * size, 0];
    } else dims.push([size, all, before]);
  }
  const [size, all, before] = dims.pop() ?? [1, 1, 0];
  return [...dims, [size * inner, all * inner, before * inner]];
}

/** Contiguous elements with places around them, or null where that takes more than one pass. */
function padded(
  x: Tensor,
  sides: Sides,
  shape: Shape,
  mode: PadMode,
  value: number,
): Tensor | null {
  if (!x.isContiguous || x.numel === 0) return null;
  const dims = paddedDims(x, sides, shape, mode);
  const [first] = dims;
  const outer = first !== undefined && first[0] === first[1] ? (dims.shift() as Padded)[0] : 1;
  if (dims.length > MOST_PADDED) return null;
  while (dims.length < MOST_PADDED) dims.unshift([1, 1, 0]);
  const y = uninitialized(shape, x.dtype);
  const fill = mode === 'constant' ? constant(value, x.dtype) : null;
  const at = [x.offset, fill === null ? 0 : fill.offset, y.offset];
  const numbers = [outer];
  for (const k of [0, 1, 2] as const) for (const dim of dims) numbers.push(dim[k]);
  numbers.push(modes.indexOf(mode));
  runRow(rows.pad, [x.array, fill === null ? null : fill.array, y.array], at, numbers);
  return y;
}

/** A part of a tensor that may be read backwards, as only a loop over memory can. */
interface Part extends Operand {
  readonly strides: readonly number[];
}

/** A side of a dimension and the elements that it repeats: as many of these, or one for all. */
interface Side {
  readonly side: Part;
  readonly source: Part;
  readonly shape: Shape;
}

/** The sides of dimension d, within what lies around the first d dimensions and in the others alone. */
function sidesOf(y: Tensor, sides: Sides, d: number, mode: Exclude<PadMode, 'constant'>): Side[] {
  const bounds = sides.map(([before, after], k) => {
    const [first, size] = [Math.max(0, before), y.shape[k] as number];
    return k < d ? { start: 0, size } : { start: first, size: size - first - Math.max(0, after) };
  });
  const { start, size } = bounds[d] as { start: number; size: number };
  const stride = y.strides[d] as number;
  const origin = bounds.reduce((sum, b, k) => sum + b.start * (y.strides[k] as number), y.offset);
  const shape = bounds.map((b) => b.size);
  /** The part that begins at a place of dimension d, counted from the first element that isn't padding. */
  const part = (place: number, step: number): Part => ({
    array: y.array,
    offset: origin + place * stride,
    strides: y.strides.with(d, step * stride),
  });
  const after = Math.max(0, (sides[d] as readonly [number, number])[1]);
  // Where each side begins to repeat, and in which direction.
  const [low, high, step] = {
    reflect: [start, size - 2, -1],
    replicate: [0, size - 1, 0],
    circular: [size - start, 0, 1],
  }[mode] as [number, number, number];
  const made = [
    { side: part(size, 1), source: part(high, step), shape: shape.with(d, after) },
    { side: part(-start, 1), source: part(low, step), shape: shape.with(d, start) },
  ];
  return made.filter((side) => !side.shape.includes(0));
}

/** The same for any x, one dimension after the other: corners continue sides. */
function paddedInTurn(
  x: Tensor,
  sides: Sides,
  shape: Shape,
  mode: Exclude<PadMode, 'constant'>,
): Tensor {
  const y = uninitialized(shape, x.dtype);
  copyInto(centreOf(y, x.shape, sides), x);
  for (let d = 0; d < x.ndim; d++) {
    for (const { side, source, shape: own } of sidesOf(y, sides, d, mode)) {
      runGeometry(rows.cast, own, [source, side]);
    }
  }
  return y;
}

/** x continued from its own elements. */
function continued(x: Tensor, sides: Sides, mode: Exclude<PadMode, 'constant'>): Tensor {
  const shape = x.shape.map((n, d) => {
    const [before, after] = sides[d] as readonly [number, number];
    return n + Math.max(0, before) + Math.max(0, after);
  });
  const y = padded(x, sides, shape, mode, 0) ?? paddedInTurn(x, sides, shape, mode);
  if (recording(x)) attach(y, 'pad', [x], [(g) => folded(g, x.shape, sides, mode)]);
  return y;
}

/** The part of a padded tensor that lies inside. */
function centreOf(y: Tensor, shape: Shape, sides: Sides): Tensor {
  return sides.reduce((t, [before], d) => {
    const n = shape[d] as number;
    return n === t.shape[d] ? t : rangeOf('pad', t, d, Math.max(0, before), n);
  }, y);
}

/** The adjoint of `continued`: what lies outside is added to the elements that it repeats. */
function folded(g: Tensor, shape: Shape, sides: Sides, mode: Exclude<PadMode, 'constant'>): Tensor {
  if (isHalf(g.dtype)) return to(folded(to(g, 'float32'), shape, sides, mode), g.dtype);
  const sums = copyOf(g);
  for (let d = g.ndim - 1; d >= 0; d--) {
    for (const { side, source, shape: own } of sidesOf(sums, sides, d, mode)) {
      // Elements that one place is repeated for are added one after the other.
      const apart = source.strides[d] === 0 ? (own[d] as number) : 1;
      const part = own.with(d, (own[d] as number) / apart);
      for (let i = 0; i < apart; i++) {
        const added = { ...side, offset: side.offset + i * (side.strides[d] as number) };
        runGeometry(rows.add, part, [source, added, source]);
      }
    }
  }
  const x = copyOf(centreOf(sums, shape, sides));
  recycle(sums.storage);
  if (recording(g)) attach(x, 'pad', [g], [(h) => continued(h, sides, mode)]);
  return x;
}

defineMethods({ pad });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** This tensor with places around it: see the function `pad`. */
    pad(pads: readonly number[], options?: PadOptions): Tensor;
  }
}
