/** Reading and writing at indices, masks, sorting. */
import * as tilegrad from 'tilegrad';
import { Generator, nn, ones, rand, type Tensor, tensor, zeros } from 'tilegrad';
import { dtypes, hostile, MANY, numbers, withGradients } from './bits.js';
import { one } from './gradients.js';
import {
  bytes,
  dims,
  half,
  integers,
  kinds,
  learned,
  type Misuse,
  notFinite,
  optionsOf,
  tensorArguments,
  wrong,
  x,
} from './misuse.js';
import type { Family } from './operation.js';

const mask = zeros([2, 3], { dtype: 'bool' });
const double = ones([2, 3], { dtype: 'float64' });
const bools = tensor([
  [true, false, true],
  [false, false, true],
]);

/** Everything that is no index. */
const indices = (call: (index: never) => unknown): Misuse[] => [
  ...[undefined, null, 'text', true, {}, () => x, [0.5], ['0'], [null], [Number.NaN]].map(
    (index): Misuse => [() => call(wrong(index)), 'ERR_ARGUMENT'],
  ),
  ...[x, half, mask, new Float32Array(2)].map(
    (index): Misuse => [() => call(wrong(index)), 'ERR_DTYPE', 'indices are integers'],
  ),
  [() => call(wrong([[0], [0, 1]])), 'ERR_SHAPE', '[tensor] nested arrays'],
];

/** Indices outside a dimension of 2: the first one is named. */
const outside = (call: (at: number) => unknown): Misuse[] => [
  [() => call(2), 'ERR_INDEX', 'index 2 is outside a dimension of size 2'],
  [() => call(-1), 'ERR_INDEX', 'index -1 is outside a dimension of size 2; negative'],
  [() => call(2 ** 40), 'ERR_INDEX', `index ${2 ** 31 - 1} is outside`],
];

const every = { takesIntegers: true };

/** Not bfloat16; and not a bool beside a source of floats. */
const numeric = (call: (value: never) => unknown): Misuse[] => [
  ...tensorArguments(call, every),
  [() => call(wrong(half)), 'ERR_DTYPE', "convert with to('float32')"],
  [() => call(wrong(mask)), 'ERR_DTYPE'],
];

/** An operation with an index for each element, and a source. */
const elements = (
  call: (x: Tensor, dim: number, index: never, src: Tensor) => Tensor,
  takesBooleans = false,
): Misuse[] => {
  const at = (i: number) => wrong([[0, i, 0]]);
  return [
    ...dims((dim) => call(x, dim, at(0), x)),
    ...indices((index) => call(x, 0, index, x)),
    ...outside((i) => call(x, 0, at(i), x)),
    ...tensorArguments((src) => call(x, 0, at(0), src), {
      takesNumbers: true,
      takesBooleans,
      ...every,
    }),
    [() => call(x, 0, wrong([0, 1]), x), 'ERR_SHAPE', 'an index of shape [2] does not fit [2, 3]'],
    [() => call(x, 0, wrong([[0, 0, 0, 0]]), ones([1, 4])), 'ERR_SHAPE'],
    [() => call(x, 0, wrong([[0, 0, 0]]), ones([1, 2])), 'ERR_SHAPE', 'does not fit [1, 2]'],
    [() => call(x, 0, at(0), double), 'ERR_DTYPE', 'the input is float32, the source float64'],
    [() => call(zeros([0, 3]), 0, at(1), ones([1, 3])), 'ERR_INDEX', 'index 0 is outside'],
  ];
};

const flags = (name: string, call: (options: never) => unknown): Misuse[] =>
  [null, 1, 'yes', {}].map(
    (value): Misuse => [() => call(wrong({ [name]: value })), 'ERR_ARGUMENT'],
  );

const masks = (name: string, call: (mask: never) => unknown): Misuse[] => [
  ...tensorArguments(call, every),
  ...[x, integers, half].map(
    (value): Misuse => [() => call(wrong(value)), 'ERR_DTYPE', `[${name}] the mask is a bool`],
  ),
  [() => call(wrong(zeros([4], { dtype: 'bool' }))), 'ERR_SHAPE'],
];

const { gather, indexSelect, scatter, scatterAdd, scatterReduce } = tilegrad;
const some = [
  [2, 0, 1],
  [0, 0, 1],
];

export const gathers: Family = {
  title: 'Gathering and scattering',
  operations: {
    indexSelect: {
      misuse: [
        ...tensorArguments((t) => indexSelect(t, 0, [0]), every),
        ...dims((dim) => indexSelect(x, dim, [0])),
        ...indices((index) => indexSelect(x, 0, index)),
        ...outside((i) => indexSelect(x, 0, [0, i])),
        [() => indexSelect(x, 0, [[0]]), 'ERR_SHAPE', 'gather takes an index for each element'],
        [() => indexSelect(zeros([0]), 0, [0]), 'ERR_INDEX'],
        [() => indexSelect(tensor(1), 1, [0]), 'ERR_INDEX'],
      ],
      gradients: [
        one((x) => indexSelect(x, 0, [2, 0, 2, 2]), [3, 4]),
        one((x) => indexSelect(x, -1, [3, 1]), [3, 4]),
        one((x) => indexSelect(x, 1, [0, 1, 1]), [2, 3, 4]),
        one((x) => indexSelect(x, 1, []), [2, 3]),
        one((x) => indexSelect(x, 0, [0]), []),
        one((x) => indexSelect(x.expand([3, 2]), 0, [1, 1, 2]), [1, 2]),
      ],
    },
    gather: {
      misuse: [
        ...tensorArguments((t) => gather(t, 0, [[0]]), every),
        ...dims((dim) => gather(x, dim, [[0]])),
        ...indices((index) => gather(x, 0, index)),
        ...outside((i) => gather(x, 0, [[0, i]])),
        [() => gather(x, 0, [0]), 'ERR_SHAPE', 'an index of shape [1] does not fit [2, 3]'],
        [() => gather(x, 0, [[0, 0, 0, 0]]), 'ERR_SHAPE', 'along dimension 0 it may be'],
        [() => gather(zeros([0, 2]), 0, [[0]]), 'ERR_INDEX'],
      ],
      gradients: [
        one((x) => gather(x, 0, some), [3, 4]),
        one((x) => gather(x, 1, some), [2, 3]),
        one((x) => gather(x, 1, [some]), [2, 3, 4]),
        one((x) => gather(x, 0, [[]]), [2, 3]),
        one((x) => gather(x, 0, 0), []),
        one((x) => gather(x.expand([3, 3]), 1, some), [1, 3]),
        one((x) => gather(x.transpose(), 0, some), [3, 3]),
      ],
    },
    takeAlongDim: {
      misuse: [
        ...tensorArguments((t) => tilegrad.takeAlongDim(t, [0]), every),
        ...dims((dim) => tilegrad.takeAlongDim(x, [[0]], { dim })),
        ...indices((index) => tilegrad.takeAlongDim(x, index)),
        ...outside((i) => tilegrad.takeAlongDim(x, [[i]], { dim: 0 })),
        ...optionsOf('takeAlongDim', (options) => tilegrad.takeAlongDim(x, [0], options)),
        [() => tilegrad.takeAlongDim(x, [6]), 'ERR_INDEX', 'outside a dimension of size 6'],
        [() => tilegrad.takeAlongDim(x, [0], { dim: 0 }), 'ERR_SHAPE'],
        [() => tilegrad.takeAlongDim(x, [[0, 0]], { dim: 0 }), 'ERR_SHAPE'],
      ],
      gradients: [
        one((x) => tilegrad.takeAlongDim(x, [5, 0, 5]), [2, 3]),
        one((x) => tilegrad.takeAlongDim(x, [[1], [0], [1]], { dim: 0 }), [2, 3]),
        one((x) => tilegrad.takeAlongDim(x, some, { dim: 1 }), [1, 3]),
      ],
    },
    take: {
      misuse: [
        ...tensorArguments((t) => tilegrad.take(t, [0]), every),
        ...indices((index) => tilegrad.take(x, index)),
        [() => tilegrad.take(x, [0, 6]), 'ERR_INDEX', 'index 6 is outside dimension 0 of size 6'],
        [() => tilegrad.take(x, -7), 'ERR_INDEX'],
      ],
      gradients: [one((x) => tilegrad.take(x, some), [2, 3]), one((x) => tilegrad.take(x, 1), [2])],
    },
    embedding: {
      misuse: [
        ...tensorArguments((t) => tilegrad.embedding(t, [0]), every),
        ...indices((index) => tilegrad.embedding(x, index)),
        ...outside((i) => tilegrad.embedding(x, [[0], [i]])),
        ...optionsOf('embedding', (options) => tilegrad.embedding(x, [0], options)),
        ...[2, -3, 0.5, '0', null].map(
          (paddingIdx): Misuse => [
            () => tilegrad.embedding(x, [0], { paddingIdx: wrong(paddingIdx) }),
            'ERR_INDEX',
          ],
        ),
        [() => tilegrad.embedding(ones([3]), [0]), 'ERR_SHAPE'],
        [() => tilegrad.embedding(x, wrong([[[[[[[[0]]]]]]]])), 'ERR_SHAPE', 'at most 7'],
        [() => tilegrad.embedding(zeros([0, 2]), [0]), 'ERR_INDEX'],
      ],
      gradients: [
        one((w) => tilegrad.embedding(w, some), [3, 4]),
        one((w) => tilegrad.embedding(w, 2), [3, 4]),
        one((w) => tilegrad.embedding(w, []), [3, 4]),
        one((w) => tilegrad.embedding(w, [[1], [1]]).sum(), [2, 3]),
      ],
    },
    oneHot: {
      misuse: [
        ...indices((index) => tilegrad.oneHot(index)),
        ...outside((i) => tilegrad.oneHot([1, i], 2)),
        ...[null, 'text', 1.5, -2, 2 ** 31].map(
          (n): Misuse => [() => tilegrad.oneHot([0], wrong(n)), 'ERR_ARGUMENT'],
        ),
        [() => tilegrad.oneHot([]), 'ERR_ARGUMENT', 'say how many classes'],
        [() => tilegrad.oneHot([-1]), 'ERR_INDEX', 'index -1 is outside'],
        [() => tilegrad.oneHot([0], 0), 'ERR_INDEX'],
        [() => tilegrad.oneHot(wrong([[[[[[[[0]]]]]]]])), 'ERR_SHAPE', 'at most 7'],
      ],
      gradients: 'none',
    },
    bincount: {
      misuse: [
        ...indices((index) => tilegrad.bincount(index)),
        ...optionsOf('bincount', (options) => tilegrad.bincount([0], options)),
        ...tensorArguments((weights) => tilegrad.bincount([0], { weights }), every).slice(1),
        ...[null, 'text', 1.5, -1].map(
          (n): Misuse => [() => tilegrad.bincount([0], { minlength: wrong(n) }), 'ERR_ARGUMENT'],
        ),
        [() => tilegrad.bincount([2, -1]), 'ERR_INDEX', 'index -1 is outside'],
        [() => tilegrad.bincount([0], { weights: half }), 'ERR_DTYPE'],
        [() => tilegrad.bincount([[0]]), 'ERR_SHAPE'],
        [() => tilegrad.bincount([0], { weights: ones([2]) }), 'ERR_SHAPE'],
      ],
      gradients: 'none',
    },
    scatter: {
      misuse: [
        ...tensorArguments((t) => scatter(t, 0, [[0]], 1), every),
        ...elements(scatter, true),
        ...dims((dim) => scatter(x, dim, [[0]], 1)),
        ...outside((i) => scatter(x, 0, [[i]], 1)),
      ],
      gradients: [
        one((x, src) => scatter(x, 0, [[2, 0, 1]], src), [3, 3], [1, 3]),
        one((x, src) => scatter(x, 1, [[3], [1]], src), [2, 4], [2, 4]),
        one((x) => scatter(x, 1, [[3], [1]], 7), [2, 4]),
        one((x, src) => scatter(x, 0, 0, src), [], []),
        one((x) => scatter(x, 0, 0, 7), []),
      ],
    },
    scatterAdd: {
      misuse: [
        ...numeric((t) => scatterAdd(t, 0, [[0]], x)),
        ...elements(scatterAdd),
        [() => scatterAdd(x, 0, [[0]], wrong(5)), 'ERR_ARGUMENT'],
      ],
      gradients: [
        one((x, src) => scatterAdd(x, 0, some, src), [3, 3], [2, 3]),
        one((x, src) => scatterAdd(x, 1, some, src), [2, 4], [3, 3]),
        one((x, src) => scatterAdd(x, 0, [[]], src), [2, 4], [3, 3]),
        one((x, src) => scatterAdd(x, 0, 0, src), [], []),
      ],
    },
    scatterReduce: {
      misuse: [
        ...numeric((t) => scatterReduce(t, 0, [[0]], x, 'sum')),
        ...elements((t, dim, index, src) => scatterReduce(t, dim, index, src, 'amax')),
        ...optionsOf('scatterReduce', (options) => scatterReduce(x, 0, [[0]], x, 'mean', options)),
        ...flags('includeSelf', (options) => scatterReduce(x, 0, [[0]], x, 'mean', options)),
        ...[undefined, null, 'max', 'toString', 5].map(
          (reduce): Misuse => [
            () => scatterReduce(x, 0, [[0]], x, wrong(reduce)),
            'ERR_ARGUMENT',
            'reduce is sum, mean, amax, amin or prod',
          ],
        ),
      ],
      gradients: (['sum', 'mean', 'amax', 'amin', 'prod'] as const).flatMap((reduce) =>
        [true, false].flatMap((includeSelf) => [
          // Inputs repeat their values: apart, so that extrema have no ties.
          one(
            (x, src) => scatterReduce(x, 0, some, src.mul(1.03).add(0.01), reduce, { includeSelf }),
            [3, 3],
            [2, 3],
          ),
          one(
            (x, src) => scatterReduce(x, 1, some, src.mul(1.03).add(0.01), reduce, { includeSelf }),
            [2, 4],
            [3, 3],
          ),
          one((x, src) => scatterReduce(x, 0, 0, src.add(0.01), reduce, { includeSelf }), [], []),
        ]),
      ),
    },
    indexAdd: {
      misuse: [
        ...numeric((t) => tilegrad.indexAdd(t, 0, [0], ones([1, 3]))),
        ...dims((dim) => tilegrad.indexAdd(x, dim, [0, 1], x)),
        ...indices((index) => tilegrad.indexAdd(x, 0, index, x)),
        ...outside((i) => tilegrad.indexAdd(x, 0, [0, i], x)),
        ...tensorArguments((t) => tilegrad.indexAdd(x, 0, [0, 1], t), every),
        ...optionsOf('indexAdd', (options) => tilegrad.indexAdd(x, 0, [0, 1], x, options)),
        ...notFinite.map(
          (alpha): Misuse => [
            () => tilegrad.indexAdd(x, 0, [0, 1], x, { alpha: wrong(alpha) }),
            'ERR_ARGUMENT',
          ],
        ),
        [() => tilegrad.indexAdd(x, 0, [0], x), 'ERR_SHAPE'],
        [() => tilegrad.indexAdd(x, 0, [[0, 1]], x), 'ERR_SHAPE'],
        [() => tilegrad.indexAdd(x, 0, [0, 1], double), 'ERR_DTYPE'],
        [() => tilegrad.indexAdd(integers, 0, [0, 1], integers, { alpha: 0.5 }), 'ERR_ARGUMENT'],
        [() => tilegrad.indexAdd(bools, 0, [0, 1], bools, { alpha: 2 }), 'ERR_DTYPE'],
      ],
      gradients: [
        one((x, s) => tilegrad.indexAdd(x, 0, [2, 0, 2], s), [3, 2], [3, 2]),
        one((x, s) => tilegrad.indexAdd(x, -1, [1, 1], s, { alpha: -1.5 }), [3, 2], [3, 2]),
        one((x, s) => tilegrad.indexAdd(x, 0, [0], s), [], []),
      ],
    },
    sort: {
      misuse: [
        ...tensorArguments((t) => tilegrad.sort(t), { ...every, takesHalf: true }),
        ...optionsOf('sort', (options) => tilegrad.sort(x, options)),
        ...dims((dim) => tilegrad.sort(x, { dim })),
        ...flags('descending', (options) => tilegrad.sort(x, options)),
        ...flags('stable', (options) => tilegrad.sort(x, options)),
        [() => tilegrad.sort(tensor(1), { dim: 1 }), 'ERR_INDEX'],
      ],
      gradients: [
        one((x) => tilegrad.sort(x).values, [3, 4]),
        one((x) => tilegrad.sort(x, { dim: 0, descending: true }).values, [3, 4]),
        one((x) => tilegrad.sort(x, { dim: 1 }).values, [2, 5, 2]),
        one((x) => tilegrad.sort(x).values, []),
        one((x) => tilegrad.sort(x).values, [3, 0]),
      ],
    },
    argsort: {
      misuse: [
        ...tensorArguments((t) => tilegrad.argsort(t), { ...every, takesHalf: true }),
        ...optionsOf('argsort', (options) => tilegrad.argsort(x, options)),
        ...dims((dim) => tilegrad.argsort(x, { dim })),
        ...flags('descending', (options) => tilegrad.argsort(x, options)),
      ],
      gradients: 'none',
    },
    topk: {
      misuse: [
        ...tensorArguments((t) => tilegrad.topk(t, 1), { ...every, takesHalf: true }),
        ...optionsOf('topk', (options) => tilegrad.topk(x, 1, options)),
        ...dims((dim) => tilegrad.topk(x, 1, { dim })),
        ...flags('largest', (options) => tilegrad.topk(x, 1, options)),
        ...flags('sorted', (options) => tilegrad.topk(x, 1, options)),
        ...[undefined, null, -1, 4, 1.5, '1', Number.NaN].map(
          (k): Misuse => [() => tilegrad.topk(x, wrong(k)), 'ERR_ARGUMENT', 'size 3'],
        ),
        [() => tilegrad.topk(tensor(1), 2), 'ERR_ARGUMENT'],
      ],
      gradients: [
        one((x) => tilegrad.topk(x, 2).values, [3, 4]),
        one((x) => tilegrad.topk(x, 3, { dim: 0, largest: false }).values, [5, 3]),
        one((x) => tilegrad.topk(x, 0).values, [3, 4]),
        one((x) => tilegrad.topk(x, 1).values, []),
      ],
    },
    unique: {
      misuse: [
        ...tensorArguments((t) => tilegrad.unique(t), { ...every, takesHalf: true }),
        ...optionsOf('unique', (options) => tilegrad.unique(x, options)),
        ...flags('sorted', (options) => tilegrad.unique(x, options)),
        ...flags('returnInverse', (options) => tilegrad.unique(x, options)),
        ...flags('returnCounts', (options) => tilegrad.unique(x, options)),
        ...dims((dim) => tilegrad.unique(x, { dim })),
        [() => tilegrad.unique(tensor(1), { dim: 0 }), 'ERR_INDEX'],
        [() => tilegrad.unique(ones([3, 0]), { dim: 0 }), 'ERR_SHAPE', 'have no elements'],
      ],
      gradients: 'none',
    },
    nonzero: {
      misuse: tensorArguments((t) => tilegrad.nonzero(t), { ...every, takesHalf: true }),
      gradients: 'none',
    },
    maskedSelect: {
      misuse: [
        ...tensorArguments((t) => tilegrad.maskedSelect(t, mask), every),
        ...masks('maskedSelect', (m) => tilegrad.maskedSelect(x, m)),
      ],
      gradients: [
        one((x) => tilegrad.maskedSelect(x, bools), [2, 3]),
        one((x) => tilegrad.maskedSelect(x, bools), [3]),
        one((x) => tilegrad.maskedSelect(x, tensor([true, false, true])), [2, 3]),
        one((x) => tilegrad.maskedSelect(x, tensor(true)), []),
      ],
    },
    maskedFill: {
      misuse: [
        ...tensorArguments((t) => tilegrad.maskedFill(t, mask, 0), every),
        ...masks('maskedFill', (m) => tilegrad.maskedFill(x, m, 0)),
        ...[undefined, null, '0', [0], x].map(
          (value): Misuse => [() => tilegrad.maskedFill(x, mask, wrong(value)), 'ERR_ARGUMENT'],
        ),
        [() => tilegrad.maskedFill(bytes, mask, 128), 'ERR_ARGUMENT', "int8 can't hold 128"],
        [() => tilegrad.maskedFill(integers, mask, Number.NaN), 'ERR_ARGUMENT'],
        [
          () => tilegrad.maskedFill(ones([4]), bools, 0),
          'ERR_SHAPE',
          'shapes [4] and [2, 3] do not fit',
        ],
      ],
      gradients: [
        one((x) => tilegrad.maskedFill(x, bools, -1), [2, 3]),
        one((x) => tilegrad.maskedFill(x, tensor([true, false, true]), 2), [2, 3]),
        one((x) => tilegrad.maskedFill(x, tensor(false), 2), []),
      ],
    },
    maskedScatter: {
      misuse: [
        ...tensorArguments((t) => tilegrad.maskedScatter(t, mask, x), every),
        ...tensorArguments((t) => tilegrad.maskedScatter(x, mask, t), every),
        ...masks('maskedScatter', (m) => tilegrad.maskedScatter(x, m, x)),
        [() => tilegrad.maskedScatter(x, mask, double), 'ERR_DTYPE'],
        [
          () => tilegrad.maskedScatter(x, bools, ones([2])),
          'ERR_SHAPE',
          'the mask has 3 true elements, the source only 2',
        ],
      ],
      gradients: [
        one((x, s) => tilegrad.maskedScatter(x, bools, s), [2, 3], [3]),
        one((x, s) => tilegrad.maskedScatter(x, bools, s), [2, 3], [2, 3]),
        one((x, s) => tilegrad.maskedScatter(x, tensor(true), s), [], [2]),
      ],
    },
  },
  modules: {
    Embedding: [
      ...learned('Embedding', [1, 1], ([a, b], options) => new nn.Embedding(a!, b!, options)),
      ...[1, -2, 0.5, '0', null].map(
        (paddingIdx): Misuse => [
          () => new nn.Embedding(1, 1, { paddingIdx: wrong(paddingIdx) }),
          'ERR_INDEX',
        ],
      ),
      ...kinds
        .slice(0, 2)
        .map(
          (index): Misuse => [
            () => new nn.Embedding(2, 1).forward(wrong(index)),
            'ERR_ARGUMENT',
            '[embedding]',
          ],
        ),
      [() => new nn.Embedding(2, 1).forward([2]), 'ERR_INDEX', '[embedding] index 2 is outside'],
    ],
  },
  bits(add) {
    /** Indices below n, some of them much more often than others. */
    const places = (shape: readonly number[], n: number, seed = 5): Tensor =>
      rand(shape, { generator: new Generator(seed) })
        .square()
        .mul(n)
        .to('int32');
    for (const dtype of dtypes) {
      add(`gather and scatter ${dtype}`, () => {
        const [table, grid, many] = [
          numbers([301, 67], dtype),
          numbers([1003, 37], dtype),
          numbers([MANY], dtype),
        ];
        return [
          // The places of few rows are shared between threads, then columns, then lines.
          ...withGradients((w) => tilegrad.embedding(w, places([5003], 301)), table),
          ...withGradients((w) => w.indexSelect(0, places([203], 11)), numbers([11, 1003], dtype)),
          ...withGradients((x) => x.gather(1, places([1003, 67], 37)), grid),
          ...withGradients((x) => x.take(places([MANY], 1003)), numbers([1003], dtype)),
          ...(['sum', 'mean', 'amax', 'amin', 'prod'] as const).flatMap((reduce) =>
            withGradients(
              (x, src) => x.scatterReduce(0, places([MANY], 1003), src, reduce),
              numbers([1003], dtype, 3),
              many,
            ),
          ),
          tilegrad.zeros([1003], { dtype }).scatter(0, places([MANY], 1003), many),
        ];
      });
      add(`sort and topk ${dtype}`, () =>
        [1, 7, 33, 1003, MANY].flatMap((n) => {
          const x = hostile(n, dtype);
          const { values, indices } = x.sort({ descending: true });
          const top = x.topk(Math.ceil(n / 9));
          const { values: different, counts } = x.unique({ returnCounts: true });
          return [x.sort().values, values, indices, top.values, top.indices, different, counts];
        }),
      );
      add(`masks ${dtype}`, () => {
        const x = numbers([301, 503], dtype);
        const chosen = places([301, 503], 3).to('bool');
        return [
          ...withGradients((t) => t.maskedSelect(chosen), x),
          ...withGradients((t) => t.maskedFill(chosen, 3), x),
          ...withGradients((t, s) => t.maskedScatter(chosen, s), x, numbers([151_403], dtype, 3)),
          chosen.nonzero(),
        ];
      });
    }
  },
};
