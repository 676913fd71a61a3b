/** Indices of several dimensions, searching. */
import * as tilegrad from 'tilegrad';
import { Generator, ones, rand, type Tensor, tensor, zeros } from 'tilegrad';
import { dtypes, hostile, MANY, numbers, withGradients } from './bits.js';
import { type Case, one } from './gradients.js';
import { changes } from './in_place.js';
import { every, flags, inPlace, numeric } from './indexing_parts.js';
import {
  dims,
  half,
  integers,
  leaf,
  type Misuse,
  optionsOf,
  tensorArguments,
  wrong,
  x,
} from './misuse.js';
import type { Family } from './operation.js';

const { index, indexPut } = tilegrad;
/** Everything that is no list of indices of a matrix of shape [2, 3]. */
const specs = (call: (specs: never) => unknown): Misuse[] => [
  ...[undefined, null, 5, {}, () => x].map(
    (list): Misuse => [() => call(wrong(list)), 'ERR_ARGUMENT'],
  ),
  ...[
    [0, 0, 0],
    ['0'],
    ['...', '...'],
    [{}],
    [undefined],
    [[0.5]],
    [['0']],
    ['::0'],
    ['1:2:3:4'],
  ].map((list): Misuse => [() => call(wrong(list)), 'ERR_ARGUMENT']),
  ...[[2], [-3], [0.5], [null, 3], [[0, 2]], [null, [[-4]]], [[0], [3]]].map(
    (list): Misuse => [() => call(wrong(list)), 'ERR_INDEX'],
  ),
  ...[
    [[true]],
    [[[true, false]]],
    [[true, true, true], 0],
    [
      [0, 1],
      [0, 1, 2],
    ],
  ].map((list): Misuse => [() => call(wrong(list)), 'ERR_SHAPE']),
  [() => call(wrong([[0, [1]]])), 'ERR_SHAPE', '[tensor]'],
  [() => call(wrong([[[true], [true, false]]])), 'ERR_SHAPE', '[tensor]'],
  [() => call(wrong(new Array(8).fill('newaxis'))), 'ERR_SHAPE', 'at most 8'],
  ...[x, half, new Float32Array(1)].map(
    (list): Misuse => [() => call(wrong([list])), 'ERR_DTYPE', 'indices are integers'],
  ),
];

const mask = tensor([
  [true, false, true],
  [false, false, true],
]);

/** Indices that name elements never, once and several times; with reading and writing. */
const reading: Case[] = [
  one((x) => index(x, [[2, 0, 2]]), [3, 4]),
  one(
    (x) =>
      index(x, [
        [2, 0, 2],
        [1, 1, 1],
      ]),
    [3, 4],
  ),
  one((x) => index(x, [[[0], [1]], '1:', [0, 2, 2]]), [2, 3, 4]),
  one((x) => index(x, [[1, 1], 0, '::-1']), [2, 3, 4]),
  one((x) => index(x, ['::-2', 'newaxis', [0, 0]]), [3, 2]),
  one((x) => index(x, [mask]), [2, 3]),
  one((x) => index(x, [mask.slice([0]), [[0], [1]]]), [3, 2]),
  one((x) => index(x, [true]), []),
  one((x) => index(x, [[]]), [3, 2]),
  one((x) => index(x, [1, '...', 'newaxis']), [2, 3]),
  one(
    (x) =>
      index(x.expand([3, 2]), [
        [0, 2],
        [1, 1],
      ]),
    [1, 2],
  ),
  // Not linear, so that there is something to differentiate twice.
  one(
    (x) =>
      index(x.mul(x), [
        [0, 0, 2],
        [1, 1, 0],
      ]),
    [3, 2],
  ),
];
const writing: Case[] = [false, true].flatMap((accumulate) => [
  one((x, v) => indexPut(x, [[2, 0]], v, { accumulate }), [3, 4], [2, 4]),
  one(
    (x, v) =>
      indexPut(
        x,
        [
          [2, 0],
          [1, 3],
        ],
        v,
        { accumulate },
      ),
    [3, 4],
    [2],
  ),
  one((x, v) => indexPut(x, [[[0], [1]], '1:', [0, 2]], v, { accumulate }), [2, 3, 4], [2]),
  one((x, v) => indexPut(x, [null, '::-2'], v, { accumulate }), [2, 3], [2, 1]),
  one((x, v) => indexPut(x, [mask], v, { accumulate }), [2, 3], []),
  one((x, v) => indexPut(x, ['...'], v, { accumulate }), [], []),
  one((x, v) => indexPut(x.mul(x), [[1, 0]], v.mul(v), { accumulate }), [3], [2]),
]);

export const indexings: Family = {
  title: 'Indexing',
  operations: {
    slice: {
      misuse: [
        ...tensorArguments((t) => tilegrad.slice(t, []), { takesIntegers: true }),
        ...[undefined, null, 5, 'text', {}, [0, 0, 0], ['0'], [[0, 1, 0]], [{}]].map(
          (specs): Misuse => [() => tilegrad.slice(x, wrong(specs)), 'ERR_ARGUMENT'],
        ),
        [() => tilegrad.slice(x, [2]), 'ERR_INDEX'],
        [() => tilegrad.slice(x, [Number.NaN]), 'ERR_INDEX'],
      ],
      gradients: [
        one((x) => tilegrad.slice(x, [[0, null, 2], -1]), [5, 3]),
        one((x) => tilegrad.slice(x, [1, 2]), [2, 3]),
        one((x) => tilegrad.slice(x, [[2, 1]]), [3]),
      ],
    },
    at: {
      misuse: [
        ...tensorArguments((t) => tilegrad.at(t), every),
        ...[2, -3, 0.5, Number.NaN].map((i): Misuse => [() => tilegrad.at(x, i), 'ERR_INDEX']),
        ...[null, '0', [0], {}, undefined].map(
          (i): Misuse => [() => tilegrad.at(x, wrong(i)), 'ERR_ARGUMENT'],
        ),
        [() => tilegrad.at(x, 0, 3), 'ERR_INDEX', 'index 3 is outside dimension 1 of size 3'],
        [() => tilegrad.at(x, 0, 0, 0), 'ERR_ARGUMENT', '3 indices'],
      ],
      gradients: [
        one((x) => tilegrad.at(x, -1), [2, 3]),
        one((x) => tilegrad.at(x, 1, 0), [2, 3, 2]),
        one((x) => tilegrad.at(x, 0), [2]),
        one((x) => tilegrad.at(x.mul(x), 1), [2, 3]),
      ],
    },
    index: {
      misuse: [...tensorArguments((t) => index(t, []), every), ...specs((list) => index(x, list))],
      gradients: reading,
    },
    indexPut: {
      misuse: [
        ...tensorArguments((t) => indexPut(t, [], 1), every),
        ...specs((list) => indexPut(x, list, 1)),
        ...tensorArguments((t) => indexPut(x, [0], t), numeric),
        ...optionsOf('indexPut', (options) => indexPut(x, [0], 1, options)),
        ...flags('accumulate', (options) => indexPut(x, [0], 1, options)),
        [() => indexPut(x, [0], ones([2])), 'ERR_SHAPE', '[indexPut] shapes [3] and [2]'],
        [() => indexPut(x, [0], ones([2, 3])), 'ERR_SHAPE', 'do not broadcast to [3]'],
        [() => indexPut(x, [0], integers.at(0)), 'ERR_DTYPE'],
        [() => indexPut(integers, [0], 0.5), 'ERR_ARGUMENT', "int32 can't hold 0.5"],
        [() => indexPut(half, [0], 1, { accumulate: true }), 'ERR_DTYPE'],
      ],
      gradients: writing,
    },
    indexPut_: {
      misuse: [
        ...inPlace((t) => tilegrad.indexPut_(t, [0], 1)),
        ...specs((list) => tilegrad.indexPut_(zeros([2, 3]), list, 1)),
        ...optionsOf('indexPut_', (options) => tilegrad.indexPut_(zeros([2]), [0], 1, options)),
        ...flags('accumulate', (options) => tilegrad.indexPut_(zeros([2]), [0], 1, options)),
        [() => tilegrad.indexPut_(zeros([2]), [null], ones([3])), 'ERR_SHAPE'],
        [() => tilegrad.indexPut_(zeros([2]), [null], leaf), 'ERR_STATE'],
      ],
      gradients: 'none',
    },
    set: {
      misuse: [
        ...inPlace((t) => tilegrad.set(t, 0, 1)),
        ...[undefined, null, 'text', {}, () => x].map(
          (value): Misuse => [() => tilegrad.set(zeros([2]), 0, wrong(value)), 'ERR_ARGUMENT'],
        ),
        [() => tilegrad.set(zeros([2]), 2, 1), 'ERR_INDEX'],
        [() => tilegrad.set(zeros([2]), null, [1, 2, 3]), 'ERR_SHAPE'],
        [() => tilegrad.set(zeros([2]), null, [1, [2]]), 'ERR_SHAPE', '[tensor]'],
        [() => tilegrad.set(zeros([2]), null, leaf), 'ERR_STATE', 'lose the gradient'],
      ],
      gradients: 'none',
    },
    indexCopy: {
      misuse: [
        ...tensorArguments((t) => tilegrad.indexCopy(t, 0, [0], ones([1, 3])), every),
        ...tensorArguments((t) => tilegrad.indexCopy(x, 0, [0], t), every),
        ...dims((dim) => tilegrad.indexCopy(x, dim, [0, 1], x)),
        [() => tilegrad.indexCopy(x, 0, [0, 2], x), 'ERR_INDEX', 'index 2 is outside'],
        [() => tilegrad.indexCopy(x, 0, [0, -1], x), 'ERR_INDEX', 'index -1 is outside'],
        [() => tilegrad.indexCopy(x, 0, [[0, 1]], x), 'ERR_SHAPE'],
        [() => tilegrad.indexCopy(x, 0, [0], x), 'ERR_SHAPE', 'a source of shape [2, 3] for 1'],
        [() => tilegrad.indexCopy(x, 0, [0, 1], integers), 'ERR_DTYPE'],
        [() => tilegrad.indexCopy(x, 0, wrong([0.5, 1]), x), 'ERR_ARGUMENT'],
      ],
      gradients: [
        one((x, s) => tilegrad.indexCopy(x, 0, [2, 0], s), [3, 2], [2, 2]),
        one((x, s) => tilegrad.indexCopy(x, -1, [1], s), [3, 2], [3, 1]),
        one((x, s) => tilegrad.indexCopy(x.mul(x), 0, [0], s), [], []),
      ],
    },
    indexFill: {
      misuse: [
        ...tensorArguments((t) => tilegrad.indexFill(t, 0, [0], 1), every),
        ...tensorArguments((t) => tilegrad.indexFill(x, 0, [0], t), numeric),
        ...dims((dim) => tilegrad.indexFill(x, dim, [0], 1)),
        [() => tilegrad.indexFill(x, 0, [2], 1), 'ERR_INDEX'],
        [() => tilegrad.indexFill(x, 0, [[0]], 1), 'ERR_SHAPE'],
        [() => tilegrad.indexFill(x, 0, [0], ones([3])), 'ERR_SHAPE', 'the value has no dimension'],
        [() => tilegrad.indexFill(integers, 0, [0], 0.5), 'ERR_ARGUMENT'],
      ],
      gradients: [
        one((x, v) => tilegrad.indexFill(x, 0, [2, 0], v), [3, 2], []),
        one((x) => tilegrad.indexFill(x, 1, [1], 5), [3, 2]),
        one((x, v) => tilegrad.indexFill(x.mul(x), 0, [0], v.mul(v)), [], []),
      ],
    },
    put: {
      misuse: [
        ...tensorArguments((t) => tilegrad.put(t, [0], ones([1])), every),
        ...tensorArguments((t) => tilegrad.put(x, [0], t), every),
        ...optionsOf('put', (options) => tilegrad.put(x, [0], ones([1]), options)),
        ...flags('accumulate', (options) => tilegrad.put(x, [0], ones([1]), options)),
        [() => tilegrad.put(x, [6], ones([1])), 'ERR_INDEX', 'index 6 is outside'],
        [() => tilegrad.put(x, [0, 1], ones([1])), 'ERR_SHAPE', '2 indices for 1 elements'],
        [() => tilegrad.put(x, [0], integers.at(0, 0)), 'ERR_DTYPE'],
        [() => tilegrad.put(x, wrong([0.5]), ones([1])), 'ERR_ARGUMENT'],
      ],
      gradients: [
        one((x, s) => tilegrad.put(x, [[5, 0]], s), [2, 3], [2, 1]),
        one((x, s) => tilegrad.put(x, [-1, -1], s, { accumulate: true }), [2, 3], [2]),
      ],
    },
    argwhere: {
      misuse: tensorArguments((t) => tilegrad.argwhere(t), { ...every, takesHalf: true }),
      gradients: 'none',
    },
    searchsorted: {
      misuse: [
        ...tensorArguments((t) => tilegrad.searchsorted(t, 1), every),
        ...tensorArguments((t) => tilegrad.searchsorted(ones([2]), t), numeric),
        ...optionsOf('searchsorted', (options) => tilegrad.searchsorted(ones([2]), 1, options)),
        ...flags('right', (options) => tilegrad.searchsorted(ones([2]), 1, options)),
        [() => tilegrad.searchsorted(x, 1), 'ERR_SHAPE', 'values of shape a number'],
        [() => tilegrad.searchsorted(x, ones([3, 2])), 'ERR_SHAPE'],
        [() => tilegrad.searchsorted(tensor(1), 1), 'ERR_SHAPE'],
        [() => tilegrad.searchsorted(ones([2]), 1, { sorter: [0] }), 'ERR_SHAPE', 'a sorter'],
        [() => tilegrad.searchsorted(ones([2]), 1, { sorter: [0, 2] }), 'ERR_INDEX', 'index 2'],
      ],
      gradients: 'none',
    },
    bucketize: {
      misuse: [
        ...tensorArguments((t) => tilegrad.bucketize(t, ones([2])), numeric),
        ...tensorArguments((t) => tilegrad.bucketize(x, t), every),
        ...optionsOf('bucketize', (options) => tilegrad.bucketize(x, ones([2]), options)),
        ...flags('right', (options) => tilegrad.bucketize(x, ones([2]), options)),
        [() => tilegrad.bucketize(x, x), 'ERR_SHAPE', 'boundaries have one dimension'],
      ],
      gradients: 'none',
    },
    isin: {
      misuse: [
        ...tensorArguments((t) => tilegrad.isin(t, x), numeric),
        ...tensorArguments((t) => tilegrad.isin(x, t), numeric),
        ...optionsOf('isin', (options) => tilegrad.isin(x, x, options)),
        ...flags('invert', (options) => tilegrad.isin(x, x, options)),
        [() => tilegrad.isin(1, 2), 'ERR_ARGUMENT'],
      ],
      gradients: 'none',
    },
    msort: {
      misuse: tensorArguments((t) => tilegrad.msort(t), { ...every, takesHalf: true }),
      gradients: [one(tilegrad.msort, [4, 2]), one(tilegrad.msort, [])],
    },
    kthvalue: {
      misuse: [
        ...tensorArguments((t) => tilegrad.kthvalue(t, 1), { ...every, takesHalf: true }),
        ...optionsOf('kthvalue', (options) => tilegrad.kthvalue(x, 1, options)),
        ...flags('keepDim', (options) => tilegrad.kthvalue(x, 1, options)),
        ...dims((dim) => tilegrad.kthvalue(x, 1, { dim })),
        ...[undefined, null, 0, 4, 1.5, '1'].map(
          (k): Misuse => [() => tilegrad.kthvalue(x, wrong(k)), 'ERR_ARGUMENT'],
        ),
        [() => tilegrad.kthvalue(zeros([0]), 1), 'ERR_ARGUMENT', "the dimension's size 0"],
      ],
      gradients: [
        one((x) => tilegrad.kthvalue(x, 2).values, [3, 4]),
        one((x) => tilegrad.kthvalue(x, 3, { dim: 0, keepDim: true }).values, [3, 4]),
        one((x) => tilegrad.kthvalue(x, 1).values, []),
      ],
    },
    uniqueConsecutive: {
      misuse: [
        ...tensorArguments((t) => tilegrad.uniqueConsecutive(t), { ...every, takesHalf: true }),
        ...optionsOf('uniqueConsecutive', (options) => tilegrad.uniqueConsecutive(x, options)),
        ...flags('returnInverse', (options) => tilegrad.uniqueConsecutive(x, options)),
        ...flags('returnCounts', (options) => tilegrad.uniqueConsecutive(x, options)),
      ],
      gradients: 'none',
    },
    ...changes,
  },
  bits(add) {
    const places = (count: number, n: number, seed: number): Tensor =>
      rand([count], { generator: new Generator(seed) })
        .mul(n)
        .to('int32');
    for (const dtype of dtypes) {
      add(`indices of several dimensions ${dtype}`, () => {
        const lists = [places(5003, 301, 3), places(5003, 67, 4)];
        const table = numbers([301, 67], dtype);
        return [
          ...withGradients((x) => index(x, lists), table),
          ...withGradients((x) => index(x, [null, places(203, 67, 5)]), table),
          ...withGradients(
            (x, v) => indexPut(x, lists, v, { accumulate: true }),
            table,
            numbers([5003], dtype, 3),
          ),
        ];
      });
      add(`searching ${dtype}`, () => {
        const sorted = hostile(1003, dtype).sort().values;
        const points = hostile(MANY, dtype);
        return [
          tilegrad.searchsorted(sorted, points),
          tilegrad.searchsorted(sorted, points, { right: true }),
          tilegrad.isin(points, sorted),
        ];
      });
    }
  },
};
