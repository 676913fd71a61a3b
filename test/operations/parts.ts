/** Views of parts of a tensor, and tensors cut into parts. */
import * as tilegrad from 'tilegrad';
import { ones, type Tensor, tensor } from 'tilegrad';
import { dtypes, numbers, withGradients } from './bits.js';
import { type Case, one } from './gradients.js';
import { dims, type Misuse, optionsOf, shapes, wrong, x } from './misuse.js';
import type { Family } from './operation.js';
import { ofAnyType } from './shape.js';

/** What is no whole number. */
const fractions: unknown[] = ['text', '1', 0.5, Number.NaN, Infinity, {}, x];

const outside = (call: (i: never) => unknown): Misuse[] =>
  [2, -3, undefined, null, ...fractions].map((i): Misuse => [() => call(wrong(i)), 'ERR_INDEX']);

const sections = (call: (n: never) => unknown): Misuse[] =>
  [undefined, null, 0, -1, ...fractions, [0.5], ['1']].map(
    (n): Misuse => [() => call(wrong(n)), 'ERR_ARGUMENT'],
  );

/** Parts that are used differently, one of them not at all. */
const uneven = (parts: readonly Tensor[]): Tensor =>
  parts
    .filter((_, i) => i !== 1)
    .map((part, i) => part.mul(i + 1).sum())
    .reduce((a, b) => a.add(b));

const parts = (call: (x: Tensor) => readonly Tensor[], shape: number[]): Case[] => [
  one((x) => uneven(call(x!)), shape),
  // Of the result of an operation, which is used elsewhere too.
  one((x) => {
    const y = x!.mul(2);
    return uneven(call(y)).add(y.square().sum());
  }, shape),
];

export const partViews: Family = {
  title: 'Parts and windows',
  operations: {
    select: {
      misuse: [
        ...ofAnyType((t) => tilegrad.select(t, 0, 0)),
        ...dims((dim) => tilegrad.select(x, dim, 0)),
        ...outside((i) => tilegrad.select(x, 0, i)),
        [() => tilegrad.select(tensor(1), 0, 0), 'ERR_INDEX'],
      ],
      gradients: [
        one((x) => tilegrad.select(x, 0, -1), [3, 2]),
        one((x) => tilegrad.select(x, 1, 1), [2, 3, 2]),
        one((x) => tilegrad.select(x, 0, 1), [3]),
      ],
    },
    narrow: {
      misuse: [
        ...ofAnyType((t) => tilegrad.narrow(t, 0, 0, 1)),
        ...dims((dim) => tilegrad.narrow(x, dim, 0, 1)),
        ...outside((i) => tilegrad.narrow(x, 0, i, 1)),
        ...[-1, 3, undefined, null, ...fractions].map(
          (n): Misuse => [() => tilegrad.narrow(x, 0, 0, wrong(n)), 'ERR_INDEX'],
        ),
        [() => tilegrad.narrow(x, 0, 1, 2), 'ERR_INDEX'],
      ],
      gradients: [
        one((x) => tilegrad.narrow(x, 0, 1, 2), [4, 2]),
        one((x) => tilegrad.narrow(x, -1, -2, 1), [2, 3]),
        one((x) => tilegrad.narrow(x, 0, 3, 0), [3]),
      ],
    },
    unfold: {
      misuse: [
        ...ofAnyType((t) => tilegrad.unfold(t, 0, 1, 1)),
        ...dims((dim) => tilegrad.unfold(x, dim, 1, 1)),
        ...[-1, 3, undefined, null, ...fractions].map(
          (size): Misuse => [() => tilegrad.unfold(x, 0, wrong(size), 1), 'ERR_ARGUMENT'],
        ),
        ...[0, -1, null, ...fractions].map(
          (step): Misuse => [() => tilegrad.unfold(x, 0, 1, wrong(step)), 'ERR_ARGUMENT'],
        ),
        [() => tilegrad.unfold(ones([1, 1, 1, 1, 1, 1, 1, 1]), 0, 1, 1), 'ERR_SHAPE'],
      ],
      gradients: [
        one((x) => tilegrad.unfold(x, 0, 3), [7]),
        one((x) => tilegrad.unfold(x, 0, 5, 2), [8]),
        one((x) => tilegrad.unfold(x, 0, 5), [6, 2]),
        one((x) => tilegrad.unfold(x, 1, 2, 3), [2, 6]),
        one((x) => tilegrad.unfold(x, -2, 3, 2), [2, 7, 2]),
        one((x) => tilegrad.unfold(x, 0, 1), []),
        one((x) => x!.unfold(0, 2).unfold(1, 2), [4, 3]),
      ],
    },
    asStrided: {
      misuse: [
        ...ofAnyType((t) => tilegrad.asStrided(t, [1], [1])),
        ...shapes((shape) => tilegrad.asStrided(x, shape, [1])),
        ...[undefined, null, 5, 'text', [-1], [0.5], ['1']].map(
          (strides): Misuse => [() => tilegrad.asStrided(x, [1], wrong(strides)), 'ERR_ARGUMENT'],
        ),
        ...[null, 'text', -1, 0.5, {}].map(
          (offset): Misuse => [
            () => tilegrad.asStrided(x, [1], [1], wrong(offset)),
            'ERR_ARGUMENT',
          ],
        ),
        [() => tilegrad.asStrided(x, [1], []), 'ERR_SHAPE'],
        [() => tilegrad.asStrided(x, [7], [1]), 'ERR_INDEX', 'reaches element 6'],
        [() => tilegrad.asStrided(x, [2, 2], [3, 3]), 'ERR_INDEX'],
        [() => tilegrad.asStrided(x, [], [], 6), 'ERR_INDEX'],
        [() => tilegrad.asStrided(x, [2], [2 ** 52]), 'ERR_INDEX'],
      ],
      // Other layouts have other elements at these places: only what x itself shows has a gradient.
      gradients: [
        one((x) => tilegrad.asStrided(x!.clone(), [3, 2], [1, 2]), [5]),
        one((x) => tilegrad.asStrided(x!.clone(), [2, 2, 2], [2, 0, 1], 1), [2, 3]),
        one((x) => tilegrad.asStrided(x!.clone().transpose(), [4], [1]), [3, 2]),
        one((x) => tilegrad.asStrided(x!.clone().expand([2, 3]), [4], [0]), [1, 3]),
        one((x) => tilegrad.asStrided(x!.clone(), [0, 2], [1, 1], 99), [5]),
      ],
    },
    diagonal: {
      misuse: [
        ...ofAnyType((t) => tilegrad.diagonal(t)),
        ...optionsOf('diagonal', (options) => tilegrad.diagonal(x, options)),
        ...dims((dim1) => tilegrad.diagonal(x, { dim1 })).filter((_, i) => i !== 4),
        ...dims((dim2) => tilegrad.diagonal(x, { dim2 })).filter((_, i) => i !== 4),
        ...[null, ...fractions].map(
          (offset): Misuse => [
            () => tilegrad.diagonal(x, { offset: wrong(offset) }),
            'ERR_ARGUMENT',
          ],
        ),
        [() => tilegrad.diagonal(x, { dim1: 1, dim2: -1 }), 'ERR_ARGUMENT', 'twice'],
        [() => tilegrad.diagonal(ones([2])), 'ERR_INDEX'],
      ],
      gradients: [
        one((x) => tilegrad.diagonal(x), [3, 4]),
        one((x) => tilegrad.diagonal(x, { offset: -1 }), [3, 4]),
        one((x) => tilegrad.diagonal(x, { offset: 1, dim1: -1, dim2: 0 }), [3, 2, 4]),
        one((x) => tilegrad.diagonal(x, { offset: 5 }), [3, 4]),
      ],
    },
    split: {
      misuse: [
        ...ofAnyType((t) => tilegrad.split(t, 1)),
        ...sections((n) => tilegrad.split(x, n)),
        ...dims((dim) => tilegrad.split(x, 1, dim)),
        [() => tilegrad.split(x, [1, 2]), 'ERR_SHAPE', 'do not add up'],
        [() => tilegrad.split(x, [3, -1]), 'ERR_ARGUMENT'],
      ],
      gradients: [
        ...parts((x) => tilegrad.split(x, 2), [5, 2]),
        ...parts((x) => tilegrad.split(x, [1, 0, 3], -1), [2, 4]),
      ],
    },
    chunk: {
      misuse: [
        ...ofAnyType((t) => tilegrad.chunk(t, 1)),
        ...sections((n) => tilegrad.chunk(x, n)),
        ...dims((dim) => tilegrad.chunk(x, 1, dim)),
        [() => tilegrad.chunk(x, wrong([1])), 'ERR_ARGUMENT'],
      ],
      gradients: parts((x) => tilegrad.chunk(x, 3), [5, 2]),
    },
    tensorSplit: {
      misuse: [
        ...ofAnyType((t) => tilegrad.tensorSplit(t, 1)),
        ...sections((n) => tilegrad.tensorSplit(x, n)),
        ...dims((dim) => tilegrad.tensorSplit(x, 1, dim)),
      ],
      gradients: [
        ...parts((x) => tilegrad.tensorSplit(x, 3, 1), [2, 5]),
        ...parts((x) => tilegrad.tensorSplit(x, [1, -1]), [5]),
        ...parts((x) => tilegrad.tensorSplit(x, [3, 1]), [5]),
      ],
    },
    hsplit: {
      misuse: [
        ...ofAnyType((t) => tilegrad.hsplit(t, 1)),
        ...sections((n) => tilegrad.hsplit(x, n)),
        [() => tilegrad.hsplit(tensor(1), 1), 'ERR_SHAPE'],
        [() => tilegrad.hsplit(x, 2), 'ERR_SHAPE', 'does not divide into 2'],
      ],
      gradients: [
        ...parts((x) => tilegrad.hsplit(x, 2), [2, 4]),
        ...parts((x) => tilegrad.hsplit(x, [1]), [4]),
      ],
    },
    vsplit: {
      misuse: [
        ...ofAnyType((t) => tilegrad.vsplit(t, 1)),
        ...sections((n) => tilegrad.vsplit(x, n)),
        [() => tilegrad.vsplit(ones([2]), 1), 'ERR_SHAPE'],
        [() => tilegrad.vsplit(x, 3), 'ERR_SHAPE'],
      ],
      gradients: parts((x) => tilegrad.vsplit(x, 2), [4, 2]),
    },
    dsplit: {
      misuse: [
        ...ofAnyType((t) => tilegrad.dsplit(t, 1)),
        ...sections((n) => tilegrad.dsplit(ones([1, 2, 3]), n)),
        [() => tilegrad.dsplit(x, 1), 'ERR_SHAPE'],
        [() => tilegrad.dsplit(ones([1, 2, 3]), 2), 'ERR_SHAPE'],
      ],
      gradients: parts((x) => tilegrad.dsplit(x, 2), [2, 1, 4]),
    },
    unbind: {
      misuse: [
        ...ofAnyType((t) => tilegrad.unbind(t)),
        ...dims((dim) => tilegrad.unbind(x, dim)),
        [() => tilegrad.unbind(tensor(1)), 'ERR_INDEX'],
      ],
      gradients: [
        ...parts((x) => tilegrad.unbind(x), [4, 2]),
        ...parts((x) => tilegrad.unbind(x, 1), [2, 3, 2]),
      ],
    },
  },
  bits(add) {
    for (const dtype of dtypes) {
      add(`windows and parts ${dtype}`, () => [
        ...withGradients((x) => x.unfold(0, 7, 3), numbers([1003, 37], dtype)),
        ...withGradients((x) => x.unfold(1, 30), numbers([37, 67], dtype)),
        ...withGradients((x) => x.asStrided([67, 29, 5], [37, 1, 2]), numbers([67, 37], dtype)),
        ...withGradients((x) => x.diagonal({ offset: -3 }), numbers([203, 67], dtype)),
        ...withGradients(
          (x) => {
            const [a, b, c] = x.tensorSplit([100, 600]);
            return a!.sum().add(b!.mul(2).sum()).add(c!.square().sum());
          },
          numbers([1003, 37], dtype),
        ),
      ]);
    }
  },
};
