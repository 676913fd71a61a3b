/** Differences, covariances, quantiles, histograms, distances. */
import * as tilegrad from 'tilegrad';
import { ones, type Tensor, tensor, zeros } from 'tilegrad';
import { dtypes, hostile, numbers, withGradients } from './bits.js';
import { type Case, one } from './gradients.js';
import {
  bools,
  bytes,
  dims,
  half,
  type Misuse,
  noHalf,
  notFinite,
  optionsOf,
  tensorArguments,
  wrong,
  x,
} from './misuse.js';
import type { Family, Operation } from './operation.js';

const every = { takesIntegers: true };
const double = ones([2, 3], { dtype: 'float64' });
const v2 = ones([2]);
const v3 = ones([3]);

type Area = typeof tilegrad.trapezoid;
const area = (name: string, call: Area): Operation => ({
  misuse: [
    ...tensorArguments((t) => call(t), every),
    noHalf((t) => call(t)),
    ...optionsOf(name, (options) => call(x, options)),
    ...dims((dim) => call(x, { dim })),
    ...notFinite.map((dx): Misuse => [() => call(x, { dx: wrong(dx) }), 'ERR_ARGUMENT']),
    ...[null, 5, 'text', [1, 2, 3]].map(
      (at): Misuse => [() => call(x, { x: wrong(at) }), 'ERR_ARGUMENT'],
    ),
    [() => call(x, { x, dx: 1 }), 'ERR_ARGUMENT', 'takes x or dx, not both'],
    [() => call(x, { x: v2 }), 'ERR_SHAPE'],
    [() => call(x, { x: half }), 'ERR_DTYPE', "convert with to('float32')"],
    [() => call(ones([])), 'ERR_INDEX'],
  ],
  gradients: [
    one((y) => call(y!), [4]),
    one((y) => call(y!, { dim: 0, dx: 0.5 }), [3, 2]),
    one((y, at) => call(y!, { x: at! }), [2, 4], [4]),
    one((y, at) => call(y!, { x: at! }), [2, 4], [2, 4]),
    one((y, at) => call(y!, { x: at!, dim: 0 }), [3, 2], [3]),
  ],
});

type Quantile = typeof tilegrad.quantile;
const ofQuantiles = (name: string, call: Quantile): Operation => ({
  misuse: [
    ...tensorArguments((t) => call(t, 0.5)),
    ...optionsOf(name, (options) => call(x, 0.5, options)),
    ...dims((dim) => call(x, 0.5, { dim })),
    ...[undefined, null, -0.1, 1.1, Number.NaN, 'text', [0.5, 2], {}, [[0.5]]].map(
      (q): Misuse => [() => call(x, wrong(q)), 'ERR_ARGUMENT'],
    ),
    [() => call(x, tensor([0.5, 7])), 'ERR_ARGUMENT'],
    [() => call(x, tensor([[0.5]])), 'ERR_SHAPE'],
    [() => call(x, tensor(0.5, { dtype: 'float64' })), 'ERR_DTYPE'],
    [() => call(x, 0.5, { interpolation: wrong('cubic') }), 'ERR_ARGUMENT', 'is one of linear'],
    [() => call(zeros([0]), 0.5), 'ERR_SHAPE'],
    [() => call(zeros([2, 0]), 0.5, { dim: 1 }), 'ERR_SHAPE'],
  ],
  gradients: [
    one((t) => call(t!, 0.4), [2, 3]),
    one((t) => call(t!, [0.1, 0.8], { dim: 0 }), [4, 3]),
    one((t) => call(t!, 0.3, { dim: -1, keepDim: true, interpolation: 'midpoint' }), [2, 4]),
    one((t) => call(t!, 0.3, { dim: 1, interpolation: 'nearest' }), [2, 4]),
    one((t) => call(t!, 0.5), []),
  ],
});

type Chosen = (x: Tensor, options?: object) => unknown;
const chosen = (name: string, call: Chosen): Misuse[] => [
  ...tensorArguments((t) => call(t), every),
  noHalf((t) => call(t)),
  ...optionsOf(name, (options) => call(x, options)),
  ...dims((dim) => call(x, { dim })),
  [() => call(zeros([2, 0]), { dim: 1 }), 'ERR_SHAPE'],
];
const values = (result: unknown): Tensor => (result as tilegrad.ValuesAndIndices).values;
const middle = (name: 'median' | 'nanmedian', call: Chosen): Operation => ({
  misuse: [
    ...chosen(name, call),
    [() => call(bools), 'ERR_DTYPE', "convert with to('float32')"],
    [() => call(x, {}), 'ERR_ARGUMENT', `[${name}] the options need a dim`],
    [() => call(zeros([0], { dtype: 'int32' })), 'ERR_SHAPE'],
  ],
  gradients: [
    one((t) => t![name](), [2, 3]),
    one((t) => t![name](), []),
    one((t) => t![name]({ dim: 0 }).values, [4, 3]),
    one((t) => t![name]({ dim: -1, keepDim: true }).values, [2, 2, 3]),
    one((t) => t![name]({ dim: 0 }).values, []),
  ],
});

/** Two operands of vectors. */
const pair = (call: (a: Tensor, b: Tensor) => unknown, good: Tensor, others = {}): Misuse[] => [
  ...tensorArguments((a) => call(a, good), others),
  ...tensorArguments((b) => call(good, b), others),
];
const orders = (call: (p: never) => unknown): Misuse[] =>
  ['2', Number.NaN, null, x].map((p): Misuse => [() => call(wrong(p)), 'ERR_ARGUMENT']);

/** The factor keeps the two differences of a pair from being equal, where p = Infinity has a kink. */
const distances = (p: number): Case =>
  one((a, b) => tilegrad.cdist(a!.mul(1.0371).add(9), b!, { p }), [3, 2], [2, 2]);

export const numerics: Family = {
  title: 'Numbers and precision',
  operations: {
    diff: {
      misuse: [
        ...tensorArguments((t) => tilegrad.diff(t), every),
        noHalf((t) => tilegrad.diff(t)),
        ...optionsOf('diff', (options) => tilegrad.diff(x, options)),
        ...dims((dim) => tilegrad.diff(x, { dim })),
        ...[-1, 0.5, 'text', null].map(
          (n): Misuse => [() => tilegrad.diff(x, { n: wrong(n) }), 'ERR_ARGUMENT'],
        ),
        ...[null, 5, 'text', [1]].map(
          (t): Misuse => [() => tilegrad.diff(x, { prepend: wrong(t) }), 'ERR_ARGUMENT'],
        ),
        [() => tilegrad.diff(x, { append: ones([3, 1]) }), 'ERR_SHAPE'],
        [() => tilegrad.diff(x, { append: v3 }), 'ERR_SHAPE'],
        [() => tilegrad.diff(x, { append: half }), 'ERR_DTYPE', "convert with to('float32')"],
        [() => tilegrad.diff(ones([])), 'ERR_SHAPE'],
      ],
      gradients: [
        one((t) => tilegrad.diff(t!), [4]),
        one((t) => tilegrad.diff(t!, { dim: 0, n: 2 }), [4, 2]),
        one((t, a, b) => tilegrad.diff(t!, { prepend: a!, append: b! }), [2, 3], [2, 1], [2, 2]),
        one((t) => tilegrad.diff(t!, { n: 5 }), [2, 3]),
      ],
    },
    trapezoid: area('trapezoid', tilegrad.trapezoid),
    cumulativeTrapezoid: area('cumulativeTrapezoid', tilegrad.cumulativeTrapezoid),
    cov: {
      misuse: [
        ...tensorArguments((t) => tilegrad.cov(t), every),
        noHalf((t) => tilegrad.cov(t)),
        [() => tilegrad.cov(bools), 'ERR_DTYPE', '[cov] does not take bool'],
        ...optionsOf('cov', (options) => tilegrad.cov(x, options)),
        ...[0.5, 'text', null, Number.NaN].map(
          (correction): Misuse => [
            () => tilegrad.cov(x, { correction: wrong(correction) }),
            'ERR_ARGUMENT',
          ],
        ),
        ...(['fweights', 'aweights'] as const).flatMap((name): Misuse[] => {
          const dtype = name === 'fweights' ? 'int32' : 'float32';
          return [
            [() => tilegrad.cov(x, { [name]: wrong([1, 1, 1]) }), 'ERR_ARGUMENT'],
            [() => tilegrad.cov(x, { [name]: ones([2], { dtype }) }), 'ERR_SHAPE'],
            [() => tilegrad.cov(x, { [name]: ones([1, 3], { dtype }) }), 'ERR_SHAPE'],
            [() => tilegrad.cov(x, { [name]: tensor([1, -1, 1], { dtype }) }), 'ERR_ARGUMENT'],
          ];
        }),
        [() => tilegrad.cov(x, { fweights: v3 }), 'ERR_DTYPE'],
        [() => tilegrad.cov(x, { aweights: ones([3], { dtype: 'int32' }) }), 'ERR_DTYPE'],
        [() => tilegrad.cov(ones([1, 2, 3])), 'ERR_SHAPE'],
      ],
      gradients: [
        one((t) => tilegrad.cov(t!), [2, 4]),
        one((t) => tilegrad.cov(t!, { correction: 0 }), [5]),
        one(
          (t) => tilegrad.cov(t!, { fweights: tensor([1, 2, 1, 3], { dtype: 'int32' }) }),
          [2, 4],
        ),
      ],
    },
    corrcoef: {
      misuse: [
        ...tensorArguments((t) => tilegrad.corrcoef(t), every),
        noHalf((t) => tilegrad.corrcoef(t)),
        [() => tilegrad.corrcoef(bools), 'ERR_DTYPE', '[corrcoef] does not take bool'],
        [() => tilegrad.corrcoef(ones([1, 2, 3])), 'ERR_SHAPE'],
      ],
      // The diagonal is at the bounds of the clamp, where central differences see half of a kink.
      gradients: [one((t) => tilegrad.corrcoef(t!).slice([0, 1]), [2, 4])],
    },
    quantile: ofQuantiles('quantile', tilegrad.quantile),
    nanquantile: ofQuantiles('nanquantile', tilegrad.nanquantile),
    median: middle('median', tilegrad.median as Chosen),
    nanmedian: middle('nanmedian', tilegrad.nanmedian as Chosen),
    mode: {
      misuse: chosen('mode', tilegrad.mode),
      gradients: [
        one((t) => values(tilegrad.mode(t!)), [2, 3]),
        one((t) => values(tilegrad.mode(t!, { dim: 0, keepDim: true })), [3, 2]),
        one((t) => values(tilegrad.mode(t!)), []),
      ],
    },
    histc: {
      misuse: [
        ...tensorArguments((t) => tilegrad.histc(t)),
        ...optionsOf('histc', (options) => tilegrad.histc(x, options)),
        ...[0, -1, 0.5, 'text', null, 2 ** 31].map(
          (bins): Misuse => [() => tilegrad.histc(x, { bins: wrong(bins) }), 'ERR_ARGUMENT'],
        ),
        [() => tilegrad.histc(x, { min: 2, max: 1 }), 'ERR_ARGUMENT'],
        [() => tilegrad.histc(x, { max: Infinity }), 'ERR_ARGUMENT'],
        [() => tilegrad.histc(x, { min: wrong('0') }), 'ERR_ARGUMENT'],
        [() => tilegrad.histc(tensor([1, Number.NaN])), 'ERR_ARGUMENT', 'not finite'],
      ],
      gradients: 'none',
    },
    histogram: {
      misuse: [
        ...tensorArguments((t) => tilegrad.histogram(t, 2)),
        ...optionsOf('histogram', (options) => tilegrad.histogram(x, 2, options)),
        ...[0, -1, 0.5, undefined, null, {}, 'text', [2, 1], [0, Number.NaN], 2 ** 31].map(
          (bins): Misuse => [() => tilegrad.histogram(x, wrong(bins)), 'ERR_ARGUMENT'],
        ),
        ...[[1], [1, 0], [0, Infinity], 'text', null, ['0', '1']].map(
          (range): Misuse => [
            () => tilegrad.histogram(x, 2, { range: wrong(range) }),
            'ERR_ARGUMENT',
          ],
        ),
        [() => tilegrad.histogram(x, [0, 1], { range: [0, 1] }), 'ERR_ARGUMENT', 'for a number'],
        [() => tilegrad.histogram(x, [1]), 'ERR_SHAPE'],
        [() => tilegrad.histogram(x, x), 'ERR_SHAPE'],
        [() => tilegrad.histogram(x, tensor([0, 1], { dtype: 'float64' })), 'ERR_DTYPE'],
        [() => tilegrad.histogram(x, tensor([0, 1], { dtype: 'int32' })), 'ERR_DTYPE'],
        [() => tilegrad.histogram(x, 2, { weight: v3 }), 'ERR_SHAPE'],
        [() => tilegrad.histogram(x, 2, { weight: double }), 'ERR_DTYPE'],
        [() => tilegrad.histogram(x, 2, { weight: bytes }), 'ERR_DTYPE'],
        [() => tilegrad.histogram(x, 2, { weight: wrong(5) }), 'ERR_ARGUMENT'],
        [() => tilegrad.histogram(x, 2, { density: wrong(1) }), 'ERR_ARGUMENT'],
        [() => tilegrad.histogram(tensor([1, Infinity]), 2), 'ERR_ARGUMENT', 'not finite'],
      ],
      gradients: 'none',
    },
    cdist: {
      misuse: [
        ...pair(tilegrad.cdist, x),
        ...optionsOf('cdist', (options) => tilegrad.cdist(x, x, options)),
        ...orders((p) => tilegrad.cdist(x, x, { p })),
        [() => tilegrad.cdist(x, x, { p: -1 }), 'ERR_ARGUMENT'],
        [() => tilegrad.cdist(x, x, { computeMode: wrong('matmul') }), 'ERR_ARGUMENT'],
        [() => tilegrad.cdist(x, v3), 'ERR_SHAPE'],
        [() => tilegrad.cdist(x, ones([3, 2])), 'ERR_SHAPE'],
        [() => tilegrad.cdist(ones([2, 2, 3]), ones([3, 2, 3])), 'ERR_SHAPE'],
      ],
      gradients: [
        ...[0.5, 1, 2, 3, Infinity].map(distances),
        one((a, b) => tilegrad.cdist(a!, b!.add(9)), [2, 1, 2, 3], [3, 1, 3]),
        one(
          (a, b) => tilegrad.cdist(a!, b!.add(9), { computeMode: 'useMmForEuclidDist' }),
          [3, 2],
          [2, 2],
        ),
        one((a, b) => tilegrad.cdist(a!, b!), [2, 0], [3, 0]),
      ],
    },
    pairwiseDistance: {
      misuse: [
        ...pair(tilegrad.pairwiseDistance, x, every),
        noHalf((t) => tilegrad.pairwiseDistance(t, t)),
        ...optionsOf('pairwiseDistance', (options) => tilegrad.pairwiseDistance(x, x, options)),
        ...orders((p) => tilegrad.pairwiseDistance(x, x, { p })),
        ...notFinite.map(
          (eps): Misuse => [
            () => tilegrad.pairwiseDistance(x, x, { eps: wrong(eps) }),
            'ERR_ARGUMENT',
          ],
        ),
        [() => tilegrad.pairwiseDistance(x, v2), 'ERR_SHAPE'],
      ],
      gradients: [
        one((a, b) => tilegrad.pairwiseDistance(a!, b!.add(9)), [2, 3], [3]),
        one((a, b) => tilegrad.pairwiseDistance(a!, b!.add(9), { p: 3, keepDim: true }), [3], [3]),
      ],
    },
    cosineSimilarity: {
      misuse: [
        ...pair(tilegrad.cosineSimilarity, x, every),
        noHalf((t) => tilegrad.cosineSimilarity(t, t)),
        [() => tilegrad.cosineSimilarity(bools, bools), 'ERR_DTYPE', 'takes float32'],
        ...optionsOf('cosineSimilarity', (options) => tilegrad.cosineSimilarity(x, x, options)),
        ...dims((dim) => tilegrad.cosineSimilarity(x, x, { dim })),
        ...[...notFinite, -1].map(
          (eps): Misuse => [
            () => tilegrad.cosineSimilarity(x, x, { eps: wrong(eps) }),
            'ERR_ARGUMENT',
          ],
        ),
        [() => tilegrad.cosineSimilarity(x, v2), 'ERR_SHAPE'],
      ],
      gradients: [
        one((a, b) => tilegrad.cosineSimilarity(a!, b!), [2, 3], [2, 3]),
        one((a, b) => tilegrad.cosineSimilarity(a!, b!, { dim: 0 }), [2, 3], [3]),
      ],
    },
    normalize: {
      misuse: [
        ...tensorArguments((t) => tilegrad.normalize(t)),
        ...optionsOf('normalize', (options) => tilegrad.normalize(x, options)),
        ...orders((p) => tilegrad.normalize(x, { p })),
        ...dims((dim) => tilegrad.normalize(x, { dim })),
        ...[...notFinite, -1].map(
          (eps): Misuse => [() => tilegrad.normalize(x, { eps: wrong(eps) }), 'ERR_ARGUMENT'],
        ),
        [() => tilegrad.normalize(v3), 'ERR_INDEX'],
        [() => tilegrad.normalize(x, { dim: [1, 1] }), 'ERR_ARGUMENT'],
      ],
      gradients: [
        one((t) => tilegrad.normalize(t!), [2, 3]),
        one((t) => tilegrad.normalize(t!, { dim: [0, 1], p: 3 }), [2, 3]),
      ],
    },
    renorm: {
      misuse: [
        ...tensorArguments((t) => tilegrad.renorm(t, { dim: 0, maxNorm: 1 })),
        ...optionsOf('renorm', (options) => tilegrad.renorm(x, options)),
        ...dims((dim) => tilegrad.renorm(x, { dim, maxNorm: 1 })),
        ...[undefined, -1, ...notFinite].map(
          (maxNorm): Misuse => [
            () => tilegrad.renorm(x, { dim: 0, maxNorm: wrong(maxNorm) }),
            'ERR_ARGUMENT',
          ],
        ),
        ...[0, -1, '2', Number.NaN].map(
          (p): Misuse => [
            () => tilegrad.renorm(x, { dim: 0, maxNorm: 1, p: wrong(p) }),
            'ERR_ARGUMENT',
          ],
        ),
        [() => tilegrad.renorm(v3, { dim: 0, maxNorm: 1 }), 'ERR_SHAPE'],
      ],
      gradients: [one((t) => tilegrad.renorm(t!, { dim: 0, maxNorm: 3 }), [3, 2])],
    },
    cross: {
      misuse: [
        ...pair(tilegrad.cross, x, { takesWhole: true }),
        ...optionsOf('cross', (options) => tilegrad.cross(x, x, options)),
        ...dims((dim) => tilegrad.cross(x, x, { dim })),
        [() => tilegrad.cross(x, v3), 'ERR_SHAPE'],
        [() => tilegrad.cross(v2, v2), 'ERR_SHAPE'],
        [() => tilegrad.cross(x, ones([3, 3])), 'ERR_SHAPE', ''],
      ],
      gradients: [
        one((a, b) => tilegrad.cross(a!, b!), [3], [3]),
        one((a, b) => tilegrad.cross(a!, b!, { dim: 0 }), [3, 2], [3, 1]),
      ],
    },
  },
  bits(add) {
    for (const dtype of dtypes) {
      add(`quantiles and medians ${dtype}`, () => [
        ...withGradients((t) => t.quantile([0.1, 0.5], { dim: 1 }), numbers([31, 67], dtype)),
        ...withGradients((t) => t.median({ dim: 0 }).values, numbers([31, 67], dtype)),
        hostile(1003, dtype).nanquantile(0.3),
        numbers([1003], dtype).histc({ bins: 20 }),
        numbers([1003], dtype).histogram(20).hist,
      ]);
      add(`distances ${dtype}`, () => [
        ...withGradients(
          (a, b) => tilegrad.cdist(a, b),
          numbers([37, 9], dtype),
          numbers([11, 9], dtype, 3),
        ),
        ...withGradients(
          (a, b) => tilegrad.cdist(a, b, { p: 1 }),
          numbers([7, 9], dtype),
          numbers([11, 9], dtype, 3),
        ),
        ...withGradients((t) => t.corrcoef(), numbers([9, 67], dtype)),
        ...withGradients((t) => t.diff({ n: 2, dim: 0 }), numbers([31, 67], dtype)),
      ]);
    }
  },
};
