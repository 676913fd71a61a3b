/** What the tables of checked gradients are made of: see operation.ts. */
import type * as tilegrad from 'tilegrad';
import { type Tensor, zeros } from 'tilegrad';

export type Layout = 'contiguous' | 'transposed' | 'every second';
export const layouts: Layout[] = ['contiguous', 'transposed', 'every second'];

/**
 * A float64 leaf. Its values are all different, in steps of at least 0.1 (far above the checker's
 * step), so that maxima have no ties, and none is near `around`, where they lie on both sides.
 */
export function input(shape: readonly number[], layout: Layout = 'contiguous', around = 0): Tensor {
  const memory = {
    contiguous: [...shape],
    transposed: [...shape].reverse(),
    'every second': [...shape],
  };
  const stored = memory[layout];
  const last = stored.length - 1;
  if (layout === 'every second' && last >= 0) stored[last] = 2 * (stored[last] as number);
  const whole = zeros(stored, { dtype: 'float64' });
  const { data } = whole;
  for (let i = 0; i < data.length; i++) {
    // 7 and 31 have no common divisor: i -> 7 i mod 31 repeats after 31 elements only.
    const step = ((7 * i) % 31) + 1 + 31 * Math.floor(i / 31);
    data[i] = around + 0.1 * step * (i % 2 === 0 ? 1 : -1);
  }
  let x = whole;
  if (layout === 'transposed') x = whole.permute(shape.map((_, d) => shape.length - 1 - d));
  if (layout === 'every second' && last >= 0) {
    x = whole.slice([...shape.slice(1).map(() => null), [0, null, 2]]);
  }
  x.requiresGrad = true;
  return x;
}

export type Fn = (...inputs: Tensor[]) => Tensor;

/** A call with the shapes of its inputs; all layouts of them are tried. */
export interface Case {
  fn: Fn;
  shapes: readonly (readonly number[])[];
  /** What the inputs' values lie around. Default 0. */
  around?: number;
}

/** More than one block of 16 values, a scalar, and nothing. */
export const unaryShapes = [[2, 3], [3, 2, 4], [19], [], [0, 3]];

export const unary = (fn: Fn, around = 0): Case[] =>
  unaryShapes.map((shape) => ({ fn, shapes: [shape], around }));

/** Same shapes, every kind of broadcasting, scalars and nothing. */
export const binaryShapes = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3]],
  [
    [2, 1],
    [1, 3],
  ],
  [[3], [2, 2, 3]],
  [[], [2, 3]],
  [[2, 3], []],
  [[], []],
  [[0, 3], [3]],
  [[1], [0]],
];

export const binary = (fn: Fn, around = 0): Case[] =>
  binaryShapes.map((shapes) => ({ fn, shapes, around }));

export const one = (fn: Fn, ...shapes: number[][]): Case => ({ fn, shapes });

export const reductions = (fn: (x: Tensor, options?: tilegrad.ReduceOptions) => Tensor): Case[] => [
  one((x) => fn(x), [2, 3]),
  one((x) => fn(x), []),
  one((x) => fn(x, { dim: 0 }), [3, 4]),
  one((x) => fn(x, { dim: -1, keepDim: true }), [3, 4]),
  one((x) => fn(x, { dim: [0, 2] }), [2, 3, 4]),
  one((x) => fn(x, { dim: 0 }), [3, 0]),
  // A stretched dimension is reduced, and one is kept. (Last: it makes ties for amax and amin.)
  one((x) => fn(x.expand([3, 2, 2]), { dim: [1] }), [2, 1]),
];
