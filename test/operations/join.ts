/** Several tensors as one, more places around one, its elements in another order; triangles, diagonals. */
import * as tilegrad from 'tilegrad';
import { ones, type Tensor, tensor } from 'tilegrad';
import { dtypes, numbers, withGradients } from './bits.js';
import { type Case, one } from './gradients.js';
import { bytes, dims, type Misuse, optionsOf, tensorArguments, wrong, x } from './misuse.js';
import type { Family } from './operation.js';
import { lists, ofAnyType } from './shape.js';

const fractions: unknown[] = ['text', '1', 0.5, Number.NaN, Infinity, {}, x];
const wholes = (call: (n: never) => unknown): Misuse[] =>
  [null, ...fractions].map((n): Misuse => [() => call(wrong(n)), 'ERR_ARGUMENT']);

const stacked = (call: (tensors: readonly Tensor[]) => Tensor, ...shapes: number[][][]): Case[] =>
  shapes.map((inputs) => one((...tensors) => call(tensors as Tensor[]), ...inputs));

const modes = ['reflect', 'replicate', 'circular'] as const;

const triangle = (call: typeof tilegrad.tril) => ({
  misuse: [
    ...ofAnyType((t) => call(t)),
    ...wholes((n) => call(x, n)),
    [() => call(ones([3])), 'ERR_SHAPE'] satisfies Misuse,
  ],
  gradients: [
    one((x) => call(x!), [3, 4]),
    one((x) => call(x!, 1), [2, 4, 3]),
    one((x) => call(x!, -2), [4, 3]),
    one((x) => call(x!, 99), [4, 3]),
    one((x) => call(x!), [0, 3]),
  ],
});

export const joins: Family = {
  title: 'Joining and splitting',
  operations: {
    concat: {
      misuse: [
        ...lists((list) => tilegrad.concat(list)),
        ...dims((dim) => tilegrad.concat([x, x], dim)),
        [() => tilegrad.concat([tensor(1)]), 'ERR_SHAPE', 'stack makes one'],
        [() => tilegrad.concat([x, ones([2, 2])]), 'ERR_SHAPE', '[2, 3] and [2, 2] do not fit'],
        [() => tilegrad.concat([x, ones([3])]), 'ERR_SHAPE'],
        [() => tilegrad.concat([x, ones([1, 0])]), 'ERR_SHAPE'],
      ],
      gradients: [
        ...stacked(
          (list) => tilegrad.concat(list),
          [[2], [3], [1]],
          [
            [2, 3],
            [1, 3],
          ],
          [[0], [2, 3]],
          [[2, 3]],
        ),
        one((a, b) => tilegrad.concat([a!, b!, a!], -1), [2, 3], [2, 1]),
      ],
    },
    stack: {
      misuse: [
        ...lists((list) => tilegrad.stack(list)),
        ...dims((dim) => tilegrad.stack([tensor([1])], dim)),
        [() => tilegrad.stack([x, ones([3, 2])]), 'ERR_SHAPE'],
        [() => tilegrad.stack([ones([1, 1, 1, 1, 1, 1, 1, 1])]), 'ERR_SHAPE'],
      ],
      gradients: [
        ...stacked((list) => tilegrad.stack(list), [[2], [2]], [[], []]),
        one((a, b) => tilegrad.stack([a!, b!], 1), [2, 3], [2, 3]),
        one((a, b) => tilegrad.stack([a!, b!, a!], -1), [2, 3], [2, 3]),
      ],
    },
    hstack: {
      misuse: [
        ...lists((list) => tilegrad.hstack(list)),
        [() => tilegrad.hstack([x, ones([3, 3])]), 'ERR_SHAPE'],
      ],
      gradients: stacked(
        tilegrad.hstack,
        [[2], [], [1]],
        [
          [2, 3],
          [2, 1],
        ],
      ),
    },
    vstack: {
      misuse: [
        ...lists((list) => tilegrad.vstack(list)),
        [() => tilegrad.vstack([x, ones([2])]), 'ERR_SHAPE'],
      ],
      gradients: stacked(tilegrad.vstack, [[3], [2, 3]], [[], []]),
    },
    dstack: {
      misuse: [
        ...lists((list) => tilegrad.dstack(list)),
        [() => tilegrad.dstack([x, ones([2])]), 'ERR_SHAPE'],
      ],
      gradients: stacked(
        tilegrad.dstack,
        [[3], [3]],
        [
          [2, 3],
          [2, 3],
        ],
      ),
    },
    blockDiag: {
      misuse: [
        ...lists((list) => tilegrad.blockDiag(list)),
        [() => tilegrad.blockDiag([ones([1, 1, 1])]), 'ERR_SHAPE'],
      ],
      gradients: stacked(
        tilegrad.blockDiag,
        [[2, 3], [2], []],
        [
          [0, 2],
          [1, 1],
        ],
      ),
    },
    pad: {
      misuse: [
        ...ofAnyType((t) => tilegrad.pad(t, [1, 1])),
        ...optionsOf('pad', (options) => tilegrad.pad(x, [1, 1], options)),
        ...[undefined, null, 5, 'text', [1], [0.5, 1], ['1', 1]].map(
          (pads): Misuse => [() => tilegrad.pad(x, wrong(pads)), 'ERR_ARGUMENT'],
        ),
        ...['zeros', 'toString', null, 5].map(
          (mode): Misuse => [() => tilegrad.pad(x, [1, 1], { mode: wrong(mode) }), 'ERR_ARGUMENT'],
        ),
        ...['1', [1], {}].map(
          (value): Misuse => [
            () => tilegrad.pad(x, [1, 1], { value: wrong(value) }),
            'ERR_ARGUMENT',
          ],
        ),
        [() => tilegrad.pad(bytes, [1, 1], { value: 128 }), 'ERR_ARGUMENT', 'int8 can hold'],
        [() => tilegrad.pad(x, [1, 1], { mode: 'reflect', value: 1 }), 'ERR_ARGUMENT'],
        [() => tilegrad.pad(x, [1, 1, 1, 1, 1, 1]), 'ERR_SHAPE', '3 pairs'],
        [() => tilegrad.pad(x, [-2, -2]), 'ERR_SHAPE'],
        [() => tilegrad.pad(x, [3, 0], { mode: 'reflect' }), 'ERR_SHAPE', 'size 3 with 3 and 0'],
        [() => tilegrad.pad(x, [4, 0], { mode: 'circular' }), 'ERR_SHAPE'],
        [() => tilegrad.pad(ones([0]), [1, 0], { mode: 'replicate' }), 'ERR_SHAPE'],
      ],
      gradients: [
        one((x) => tilegrad.pad(x!, [1, 2, 0, 1], { value: 3 }), [2, 3]),
        one((x) => tilegrad.pad(x!, [-1, 2]), [2, 3]),
        one((x) => tilegrad.pad(x!, [1, 1]), [0]),
        one((x) => tilegrad.pad(x!, []), [2]),
        ...modes.flatMap((mode) => [
          one((x) => tilegrad.pad(x!, [2, 1], { mode }), [3]),
          one((x) => tilegrad.pad(x!, [1, 2, 1, 0], { mode }), [2, 2, 3]),
          one((x) => tilegrad.pad(x!, [2, -1], { mode }), [2, 4]),
          one((x) => tilegrad.pad(x!, [0, 0], { mode }), [2, 4]),
        ]),
      ],
    },
    flip: {
      misuse: [
        ...ofAnyType((t) => tilegrad.flip(t, [])),
        ...dims((dim) => tilegrad.flip(x, dim)),
        ...dims((dim) => tilegrad.flip(x, [dim])),
        [() => tilegrad.flip(x, [1, -1]), 'ERR_ARGUMENT'],
      ],
      gradients: [
        one((x) => tilegrad.flip(x!, 0), [3, 2]),
        one((x) => tilegrad.flip(x!, [0, -1]), [2, 2, 3]),
        one((x) => tilegrad.flip(x!, []), [2]),
        one((x) => tilegrad.flip(x!, 0), [0, 2]),
      ],
    },
    fliplr: {
      misuse: [
        ...ofAnyType((t) => tilegrad.fliplr(t)),
        [() => tilegrad.fliplr(ones([2])), 'ERR_SHAPE'],
      ],
      gradients: [one((x) => tilegrad.fliplr(x!), [2, 3])],
    },
    flipud: {
      misuse: [
        ...ofAnyType((t) => tilegrad.flipud(t)),
        [() => tilegrad.flipud(tensor(1)), 'ERR_SHAPE'],
      ],
      gradients: [one((x) => tilegrad.flipud(x!), [2, 3])],
    },
    rot90: {
      misuse: [
        ...ofAnyType((t) => tilegrad.rot90(t)),
        ...wholes((k) => tilegrad.rot90(x, k)),
        ...dims((dim) => tilegrad.rot90(x, 1, [0, dim])),
        ...[null, 5, 'text', [0], [0, 1, 0], [0, 0]].map(
          (plane): Misuse => [() => tilegrad.rot90(x, 1, wrong(plane)), 'ERR_ARGUMENT'],
        ),
        [() => tilegrad.rot90(ones([2])), 'ERR_INDEX'],
      ],
      gradients: [0, 1, 2, 3, -1].map((k) => one((x) => tilegrad.rot90(x!, k, [1, 0]), [2, 3])),
    },
    roll: {
      misuse: [
        ...ofAnyType((t) => tilegrad.roll(t, 1)),
        ...wholes((n) => tilegrad.roll(x, n)),
        ...dims((dim) => tilegrad.roll(x, 1, dim)),
        [() => tilegrad.roll(x, wrong(undefined)), 'ERR_ARGUMENT'],
        [() => tilegrad.roll(x, [1, 2]), 'ERR_ARGUMENT', 'a dimension each'],
        [() => tilegrad.roll(x, [1, 2], 0), 'ERR_ARGUMENT', '2 shifts for 1'],
        [() => tilegrad.roll(x, [], []), 'ERR_ARGUMENT'],
      ],
      gradients: [
        one((x) => tilegrad.roll(x!, 2), [2, 3]),
        one((x) => tilegrad.roll(x!, [1, -2], [0, 1]), [2, 3]),
        one((x) => tilegrad.roll(x!, [1, 1], [0, 0]), [4]),
        one((x) => tilegrad.roll(x!, 0, 0), [2]),
        one((x) => tilegrad.roll(x!, 1, 0), [0, 2]),
      ],
    },
    tril: triangle(tilegrad.tril),
    triu: triangle(tilegrad.triu),
    diagEmbed: {
      misuse: [
        ...ofAnyType((t) => tilegrad.diagEmbed(t)),
        ...optionsOf('diagEmbed', (options) => tilegrad.diagEmbed(x, options)),
        ...wholes((offset) => tilegrad.diagEmbed(x, { offset })),
        [() => tilegrad.diagEmbed(x, { dim1: 3 }), 'ERR_INDEX'],
        [() => tilegrad.diagEmbed(x, { dim1: -1 }), 'ERR_ARGUMENT', 'twice'],
        [() => tilegrad.diagEmbed(tensor(1)), 'ERR_INDEX'],
        [() => tilegrad.diagEmbed(ones([1, 1, 1, 1, 1, 1, 1, 1])), 'ERR_SHAPE'],
      ],
      gradients: [
        one((x) => tilegrad.diagEmbed(x!), [2, 3]),
        one((x) => tilegrad.diagEmbed(x!, { offset: -2, dim1: 0, dim2: -1 }), [2, 3]),
        one((x) => tilegrad.diagEmbed(x!, { offset: 1, dim1: 2, dim2: 0 }), [2, 3]),
      ],
    },
    diag: {
      misuse: [
        ...ofAnyType((t) => tilegrad.diag(t)),
        ...wholes((offset) => tilegrad.diag(x, offset)),
        [() => tilegrad.diag(tensor(1)), 'ERR_SHAPE'],
        [() => tilegrad.diag(ones([1, 1, 1])), 'ERR_SHAPE'],
      ],
      gradients: [one((x) => tilegrad.diag(x!, -1), [3]), one((x) => tilegrad.diag(x!, 1), [3, 4])],
    },
    diagflat: {
      misuse: [
        ...ofAnyType((t) => tilegrad.diagflat(t)),
        ...wholes((offset) => tilegrad.diagflat(x, offset)),
      ],
      gradients: [
        one((x) => tilegrad.diagflat(x!, 1), [2, 3]),
        one((x) => tilegrad.diagflat(x!), []),
      ],
    },
    meshgrid: {
      misuse: [
        ...lists((list) => tilegrad.meshgrid(list)),
        ...optionsOf('meshgrid', (options) => tilegrad.meshgrid([ones([2])], options)),
        [() => tilegrad.meshgrid([ones([2])], { indexing: wrong('yx') }), 'ERR_ARGUMENT'],
        [() => tilegrad.meshgrid([x]), 'ERR_SHAPE'],
      ],
      gradients: (['ij', 'xy'] as const).map((indexing) =>
        one(
          (a, b, c) => {
            const [p, q, r] = tilegrad.meshgrid([a!, b!, c!], { indexing });
            return p!.mul(q!).mul(r!);
          },
          [2],
          [3],
          [],
        ),
      ),
    },
    cartesianProd: {
      misuse: [
        ...lists((list) => tilegrad.cartesianProd(list)),
        [() => tilegrad.cartesianProd([x]), 'ERR_SHAPE'],
        [() => tilegrad.cartesianProd([tensor(1)]), 'ERR_SHAPE'],
      ],
      gradients: stacked(tilegrad.cartesianProd, [[2], [3], [2]], [[3]]),
    },
    combinations: {
      misuse: [
        ...ofAnyType((t) => tilegrad.combinations(t)),
        ...wholes((r) => tilegrad.combinations(ones([3]), r)),
        ...optionsOf('combinations', (o) => tilegrad.combinations(ones([3]), 2, o)),
        [() => tilegrad.combinations(ones([3]), -1), 'ERR_ARGUMENT'],
        [() => tilegrad.combinations(x), 'ERR_SHAPE'],
      ],
      gradients: [
        one((x) => tilegrad.combinations(x!), [4]),
        one((x) => tilegrad.combinations(x!, 3, { withReplacement: true }), [3]),
        one((x) => tilegrad.combinations(x!, 0), [3]),
      ],
    },
    vander: {
      misuse: [
        ...tensorArguments((t) => tilegrad.vander(t), { takesIntegers: true }),
        [() => tilegrad.vander(x.to('bfloat16')), 'ERR_DTYPE'],
        ...optionsOf('vander', (options) => tilegrad.vander(x, options)),
        ...[null, -1, ...fractions].map(
          (n): Misuse => [() => tilegrad.vander(x, { n: wrong(n) }), 'ERR_ARGUMENT'],
        ),
        [() => tilegrad.vander(tensor(1)), 'ERR_SHAPE'],
      ],
      gradients: [
        one((x) => tilegrad.vander(x!), [3]),
        one((x) => tilegrad.vander(x!, { n: 4, increasing: true }), [2, 3]),
        one((x) => tilegrad.vander(x!, { n: 1 }), [2]),
        one((x) => tilegrad.vander(x!, { n: 0 }), [2]),
      ],
    },
  },
  bits(add) {
    for (const dtype of dtypes) {
      add(`joining and padding ${dtype}`, () => [
        ...withGradients(
          (a, b) => tilegrad.concat([a!, b!.transpose()], 1),
          numbers([67, 37], dtype),
          numbers([131, 67], dtype, 3),
        ),
        ...(['constant', ...modes] as const).flatMap((mode) =>
          withGradients((x) => x!.pad([3, 30, 2, 1], { mode }), numbers([37, 67], dtype)),
        ),
        ...withGradients((x) => x!.flip([0, 1]).roll([5, -3], [0, 1]), numbers([67, 37], dtype)),
        ...withGradients((x) => x!.tril(3), numbers([3, 67, 37], dtype)),
      ]);
    }
  },
};
