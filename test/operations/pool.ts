/** Pooling, interpolation, padding layers and shapes as layers. */

import * as tilegrad from 'tilegrad';
import { nn, ones, type Tensor } from 'tilegrad';
import { dtypes, hostile, numbers, withGradients } from './bits.js';
import { type Case, one } from './gradients.js';
import { type Misuse, notFinite, optionsOf, tensorArguments, wrong, x } from './misuse.js';
import type { Family, Operation } from './operation.js';

type Names =
  | 'maxPool1d'
  | 'maxPool2d'
  | 'avgPool1d'
  | 'avgPool2d'
  | 'adaptiveMaxPool1d'
  | 'adaptiveMaxPool2d'
  | 'adaptiveAvgPool1d'
  | 'adaptiveAvgPool2d'
  | 'lpPool1d'
  | 'lpPool2d'
  | 'maxUnpool1d'
  | 'maxUnpool2d'
  | 'pixelShuffle'
  | 'pixelUnshuffle';

/** The functions whose tables are made by their names. */
const functions = {
  maxPool1d: tilegrad.maxPool1d,
  maxPool2d: tilegrad.maxPool2d,
  avgPool1d: tilegrad.avgPool1d,
  avgPool2d: tilegrad.avgPool2d,
  adaptiveMaxPool1d: tilegrad.adaptiveMaxPool1d,
  adaptiveMaxPool2d: tilegrad.adaptiveMaxPool2d,
  adaptiveAvgPool1d: tilegrad.adaptiveAvgPool1d,
  adaptiveAvgPool2d: tilegrad.adaptiveAvgPool2d,
  lpPool1d: tilegrad.lpPool1d,
  lpPool2d: tilegrad.lpPool2d,
  maxUnpool1d: tilegrad.maxUnpool1d,
  maxUnpool2d: tilegrad.maxUnpool2d,
  pixelShuffle: tilegrad.pixelShuffle,
  pixelUnshuffle: tilegrad.pixelUnshuffle,
} as unknown as Readonly<Record<Names, (t: Tensor, ...rest: unknown[]) => Tensor>>;

const plane = ones([1, 2, 6, 7]);
const line = ones([1, 2, 9]);

type Pool = (x: Tensor, kernelSize: never, options?: never) => Tensor;

const notSizes: unknown[] = [0, -1, 1.5, '2', null, undefined, [], [1, 2, 3], [1, 0], {}];
const argument = (calls: readonly (() => unknown)[], message?: string): Misuse[] =>
  calls.map((call): Misuse => (message ? [call, 'ERR_ARGUMENT', message] : [call, 'ERR_ARGUMENT']));

/** Wrong windows of a function or a layer: `make` makes the call with a kernel and options. */
const windows = (
  name: string,
  make: (kernelSize: never, options?: never) => unknown,
  ...extra: string[]
): Misuse[] => [
  ...argument(notSizes.map((size) => () => make(wrong(size)))),
  ...optionsOf(name, (options) => make(wrong(2), options)),
  ...argument(
    notSizes.slice(0, 4).map((stride) => () => make(wrong(2), wrong({ stride }))),
    'stride',
  ),
  ...argument([() => make(wrong(2), wrong({ ceilMode: 1 }))], 'ceilMode'),
  ...extra.flatMap((option) =>
    argument(
      [-1, 'yes', 0.5, null].map((value) => () => make(wrong(2), wrong({ [option]: value }))),
      option === 'divisorOverride' ? '' : option,
    ).filter((_, i) => !(option === 'divisorOverride' && (i === 0 || i === 3))),
  ),
];

/** Wrong inputs and windows of a function over planes or lines. */
const pooling = (name: string, rank: number, call: Pool, ...extra: string[]): Misuse[] => {
  const input = rank === 1 ? line : plane;
  return [
    ...tensorArguments((t) => call(t, wrong(2))),
    ...windows(name, (size, options) => call(input, size, options), ...extra),
    [() => call(ones([4]), wrong(2)), 'ERR_SHAPE'],
    [() => call(ones([1, 1, 1, 4, 4]), wrong(2)), 'ERR_SHAPE'],
    [() => call(ones(rank === 1 ? [2, 0] : [2, 0, 4]), wrong(2)), 'ERR_SHAPE'],
    [() => call(input, wrong(20)), 'ERR_SHAPE'],
  ];
};

const WITH_PADDING = ['padding', 'countIncludePad'];

/** Of all kinds of windows: beside each other, overlapping, over the edge, apart. */
const poolCases = (rank: number, call: Pool, dilated: boolean): Case[] => {
  const shapes =
    rank === 1
      ? [[1, 2, 9]]
      : [
          [2, 1, 5, 6],
          [2, 5, 6],
        ];
  const options: [number, object][] = [
    [2, {}],
    [3, { stride: 1, padding: 1 }],
    [3, { stride: 2, padding: 1, ceilMode: true }],
    [2, { stride: 3 }],
    ...(dilated ? ([[2, { dilation: 2, stride: 1 }]] as [number, object][]) : []),
  ];
  return options.flatMap(([size, rest]) =>
    shapes.map((shape) => one((t) => call(t, wrong(size), wrong(rest)), shape)),
  );
};

const pool = (name: 'maxPool1d' | 'maxPool2d' | 'avgPool1d' | 'avgPool2d'): Operation => {
  const call: Pool = (t, size, options) => functions[name](t, size, options);
  const rank = name.endsWith('1d') ? 1 : 2;
  const isMax = name.startsWith('max');
  const extra = isMax ? ['padding', 'dilation', 'returnIndices'] : WITH_PADDING;
  if (name === 'avgPool2d') extra.push('divisorOverride');
  return {
    misuse: [
      ...pooling(name, rank, call, ...extra),
      ...argument([() => call(plane, wrong(3), wrong({ padding: 2 }))], rank === 2 ? 'half' : ''),
    ].filter((row) => rank === 2 || !`${row[0]}`.includes('padding: 2')),
    gradients: poolCases(rank, call, isMax),
  };
};

type Adaptive =
  | 'adaptiveAvgPool1d'
  | 'adaptiveAvgPool2d'
  | 'adaptiveMaxPool1d'
  | 'adaptiveMaxPool2d';

const notOutputs: unknown[] = [0, -1, 1.5, '2', undefined, [], [1, 2, 3], [1, 0], {}];

const adaptive = (name: Adaptive): Operation => {
  const call = (t: Tensor, size: never, options?: never): Tensor =>
    functions[name](t, size, options);
  const rank = name.endsWith('1d') ? 1 : 2;
  const input = rank === 1 ? line : plane;
  return {
    misuse: [
      ...tensorArguments((t) => call(t, wrong(2))),
      ...argument(notOutputs.map((size) => () => call(input, wrong(size)))),
      ...(name.includes('Max') ? optionsOf(name, (options) => call(input, wrong(2), options)) : []),
      [() => call(ones([4]), wrong(2)), 'ERR_SHAPE'],
      [() => call(ones([1, 1, 1, 4, 4]), wrong(2)), 'ERR_SHAPE'],
    ],
    gradients: (rank === 1 ? [1, 3, 4, 9, 11] : [1, [2, 4], [5, null], [6, 8]]).map((size) =>
      one((t) => call(t, wrong(size)), rank === 1 ? [1, 2, 9] : [1, 2, 5, 6]),
    ),
  };
};

type Lp = 'lpPool1d' | 'lpPool2d';

const lp = (name: Lp): Operation => {
  const rank = name === 'lpPool1d' ? 1 : 2;
  const input = rank === 1 ? line : plane;
  return {
    misuse: [
      ...pooling(name, rank, (t, size, options) => functions[name](t, 2, size, options)),
      ...argument([0, ...notFinite].map((p) => () => functions[name](input, wrong(p), 2))),
    ],
    gradients: [
      one((t) => functions[name](t, 2, 2, { stride: 1 }), rank === 1 ? [1, 2, 5] : [1, 3, 4]),
    ],
  };
};

const places = ones([1, 2, 2, 2], { dtype: 'int32' });
const few = ones([1, 2, 2, 2]);

type Unpool = 'maxUnpool1d' | 'maxUnpool2d';

const unpool = (name: Unpool): Operation => {
  const rank = name === 'maxUnpool1d' ? 1 : 2;
  const values = rank === 1 ? few.reshape([1, 4, 2]) : few;
  const index = rank === 1 ? places.reshape([1, 4, 2]) : places;
  const call: Pool = (t, size, options) => functions[name](t, index, size, options);
  return {
    misuse: [
      ...tensorArguments((t) => call(t, wrong(2))),
      [() => functions[name](values, wrong({}), 2), 'ERR_ARGUMENT'],
      [() => functions[name](values, values, 2), 'ERR_DTYPE'],
      ...argument(notSizes.map((size) => () => call(values, wrong(size)))),
      ...optionsOf(name, (options) => call(values, wrong(2), options)),
      ...argument([
        () => call(values, wrong(2), wrong({ outputSize: [0, 0] })),
        () => call(values, wrong(2), wrong({ outputSize: 'text' })),
      ]),
      [() => functions[name](values, index.slice([null, [0, 1]]), 2), 'ERR_SHAPE'],
      [() => call(values, wrong(2), wrong({ outputSize: [9, 9].slice(0, rank) })), 'ERR_SHAPE'],
      [() => functions[name](values, index.mul(16), 2), 'ERR_INDEX'],
    ],
    gradients: [
      one(
        (t) => {
          const { indices } = (rank === 1 ? tilegrad.maxPool1d : tilegrad.maxPool2d)(t, 2, {
            returnIndices: true,
          });
          const part = t.slice(rank === 1 ? [null, [0, 2]] : [null, [0, 2], [0, 3]]);
          return functions[name](part, indices, 2);
        },
        rank === 1 ? [3, 4] : [2, 4, 6],
      ),
    ],
  };
};

const interpolation: Operation = {
  misuse: [
    ...tensorArguments((t) => tilegrad.interpolate(t, { size: 2 })),
    ...optionsOf('interpolate', (options) => tilegrad.interpolate(plane, options)),
    ...interpolations((options) => tilegrad.interpolate(plane, options)),
    [() => tilegrad.interpolate(x, { size: 2 }), 'ERR_SHAPE'],
    [() => tilegrad.interpolate(plane, { size: 2, mode: 'linear' }), 'ERR_SHAPE'],
    [() => tilegrad.interpolate(line, { size: 2, mode: 'bicubic' }), 'ERR_SHAPE'],
    [() => tilegrad.interpolate(plane, { scaleFactor: 0.1 }), 'ERR_SHAPE'],
    ...argument([
      () => tilegrad.interpolate(plane, { size: [2] }),
      () => tilegrad.interpolate(line, { scaleFactor: [2, 2] }),
    ]),
  ],
  gradients: [
    one((t) => tilegrad.interpolate(t, { size: 7 }), [1, 2, 3]),
    one((t) => tilegrad.interpolate(t, { size: 2 }), [1, 1, 5, 4]),
    one((t) => tilegrad.interpolate(t, { scaleFactor: 2, mode: 'linear' }), [1, 2, 3]),
    one((t) => tilegrad.interpolate(t, { size: [5, 2], mode: 'bilinear' }), [1, 1, 3, 4]),
    one(
      (t) => tilegrad.interpolate(t, { size: [2, 5], mode: 'bicubic', alignCorners: true }),
      [1, 1, 3, 4],
    ),
    one((t) => tilegrad.interpolate(t, { size: [2, 3], mode: 'area' }), [1, 1, 3, 4]),
    one((t) => tilegrad.interpolate(t, { size: 3, mode: 'trilinear' }), [1, 1, 2, 2, 2]),
  ],
};

/** Wrong options of the function and the layer. */
function interpolations(call: (options: never) => unknown): Misuse[] {
  return argument(
    [
      {},
      { size: 2, scaleFactor: 2 },
      { size: 0 },
      { size: 'text' },
      { size: [2, 0] },
      { scaleFactor: 0 },
      { scaleFactor: 'text' },
      { scaleFactor: [2, Number.NaN] },
      { size: 2, mode: 'cubic' },
      { size: 2, mode: 'toString' },
      { size: 2, alignCorners: true },
      { size: 2, mode: 'bilinear', alignCorners: 1 },
      { size: 2, recomputeScaleFactor: true },
    ].map((options) => () => call(wrong(options))),
  );
}

const shuffle = (name: 'pixelShuffle' | 'pixelUnshuffle', shape: number[]): Operation => ({
  misuse: [
    ...tensorArguments((t) => functions[name](t, 2), { takesIntegers: true, takesHalf: true }),
    ...argument(
      [0, -1, 1.5, '2', null].map((factor) => () => functions[name](plane, wrong(factor))),
    ),
    [() => functions[name](x, 2), 'ERR_SHAPE'],
    [() => functions[name](plane, 4), 'ERR_SHAPE'],
  ],
  gradients: [one((t) => functions[name](t, 2), shape)],
});

const responses = (name: string, call: (size: never, options?: never) => unknown): Misuse[] => [
  ...argument([0, -1, 1.5, '2', null].map((size) => () => call(wrong(size)))),
  ...optionsOf(name, (options) => call(wrong(2), options)),
  ...['alpha', 'beta', 'k'].flatMap((key) =>
    argument(
      notFinite.map((value) => () => call(wrong(2), wrong({ [key]: value }))),
      key,
    ),
  ),
];

type Layers = Readonly<Record<string, readonly Misuse[]>>;

/** The class of a name, whatever its arguments. */
const make = (name: string, ...values: unknown[]): { forward(...inputs: Tensor[]): Tensor } =>
  new (nn as unknown as Record<string, new (...values: unknown[]) => nn.Module>)[name]!(...values);

const both = (name: string, row: (full: string, rank: number) => readonly Misuse[]): Layers => ({
  [`${name}1d`]: row(`${name}1d`, 1),
  [`${name}2d`]: row(`${name}2d`, 2),
});

const layers: Layers = {
  ...both('MaxPool', (name) =>
    windows(name, (size, options) => make(name, size, options), 'padding', 'dilation'),
  ),
  ...both('MaxUnpool', (name) => [
    ...argument(notSizes.map((size) => () => make(name, size))),
    ...optionsOf(name, (options) => make(name, 2, options)),
  ]),
  ...both('AvgPool', (name) =>
    windows(name, (size, options) => make(name, size, options), ...WITH_PADDING),
  ),
  ...both('AdaptiveMaxPool', (name) =>
    argument(notOutputs.map((size) => () => make(name, wrong(size)))),
  ),
  ...both('AdaptiveAvgPool', (name) =>
    argument(notOutputs.map((size) => () => make(name, wrong(size)))),
  ),
  ...both('LPPool', (name) => [
    ...windows(name, (size, options) => make(name, 2, size, options)),
    ...argument([0, ...notFinite].map((p) => () => make(name, p, 2))),
  ]),
  ...both('ConstantPad', (name, rank) => [
    ...pads(name, rank, 0),
    ...argument(notFinite.map((value) => () => make(name, 1, value))),
  ]),
  ...both('ZeroPad', (name, rank) => pads(name, rank)),
  ...both('ReflectionPad', (name, rank) => pads(name, rank)),
  ...both('ReplicationPad', (name, rank) => pads(name, rank)),
  ...both('CircularPad', (name, rank) => pads(name, rank)),
  Upsample: [
    ...optionsOf('Upsample', (options) => new nn.Upsample(options)),
    ...interpolations((options) => new nn.Upsample(options)),
  ],
  PixelShuffle: argument([0, 1.5, '2', null].map((r) => () => new nn.PixelShuffle(wrong(r)))),
  PixelUnshuffle: argument([0, 1.5, '2', null].map((r) => () => new nn.PixelUnshuffle(wrong(r)))),
  LocalResponseNorm: responses(
    'LocalResponseNorm',
    (size, options) => new nn.LocalResponseNorm(size, options),
  ),
  Flatten: [
    ...[0.5, '1', null].flatMap((dim): Misuse[] => [
      [() => new nn.Flatten(wrong(dim)), 'ERR_INDEX'],
      [() => new nn.Flatten(1, wrong(dim)), 'ERR_INDEX'],
    ]),
    [() => new nn.Flatten(4).forward(x), 'ERR_INDEX', '[flatten]'],
    ...tensorArguments((t) => new nn.Flatten().forward(t), {
      takesIntegers: true,
      takesHalf: true,
    }).map(([call, code]): Misuse => [call, code, '[flatten]']),
  ],
  Unflatten: [
    ...[0.5, '1', null, undefined].map((dim): Misuse => {
      return [() => new nn.Unflatten(wrong(dim), [2]), 'ERR_INDEX'];
    }),
    ...[undefined, null, 'text', [-1, -1], [0.5], ['1']].map((sizes): Misuse => {
      return [() => new nn.Unflatten(1, wrong(sizes)), 'ERR_SHAPE'];
    }),
    [() => new nn.Unflatten(1, [2, 2]).forward(x), 'ERR_SHAPE', '[unflatten]'],
  ],
  Identity: tensorArguments((t) => new nn.Identity().forward(t), {
    takesIntegers: true,
    takesHalf: true,
  }),
  CosineSimilarity: [
    ...optionsOf('CosineSimilarity', (options) => new nn.CosineSimilarity(options)),
    [() => new nn.CosineSimilarity({ dim: 0.5 }), 'ERR_INDEX'],
    ...argument([...notFinite, -1].map((eps) => () => make('CosineSimilarity', { eps }))),
  ],
  PairwiseDistance: [
    ...optionsOf('PairwiseDistance', (options) => new nn.PairwiseDistance(options)),
    ...argument(
      [{ p: 'text' }, { p: Number.NaN }, { eps: Infinity }, { keepDim: 1 }].map(
        (options) => () => make('PairwiseDistance', options),
      ),
    ),
  ],
};

/** Wrong padding; the layers of constants take a value too. */
function pads(name: string, rank: number, ...value: number[]): Misuse[] {
  const size = 2 * rank;
  return [
    ...argument(
      [1.5, '1', null, undefined, [], [1], new Array(size).fill(0.5), {}].map(
        (padding) => () => make(name, padding, ...value),
      ),
    ),
    [() => make(name, 1, ...value).forward(ones([3])), 'ERR_SHAPE'],
    [() => make(name, 1, ...value).forward(wrong('text')), 'ERR_ARGUMENT'],
    [() => make(name, -9, ...value).forward(ones([1, 3, 3])), 'ERR_SHAPE', '[pad]'],
  ];
}

export const pools: Family = {
  title: 'Pooling and resizing',
  operations: {
    maxPool1d: pool('maxPool1d'),
    maxPool2d: pool('maxPool2d'),
    avgPool1d: pool('avgPool1d'),
    avgPool2d: pool('avgPool2d'),
    adaptiveMaxPool1d: adaptive('adaptiveMaxPool1d'),
    adaptiveMaxPool2d: adaptive('adaptiveMaxPool2d'),
    adaptiveAvgPool1d: adaptive('adaptiveAvgPool1d'),
    adaptiveAvgPool2d: adaptive('adaptiveAvgPool2d'),
    maxUnpool1d: unpool('maxUnpool1d'),
    maxUnpool2d: unpool('maxUnpool2d'),
    lpPool1d: lp('lpPool1d'),
    lpPool2d: lp('lpPool2d'),
    interpolate: interpolation,
    pixelShuffle: shuffle('pixelShuffle', [1, 8, 2, 3]),
    pixelUnshuffle: shuffle('pixelUnshuffle', [1, 2, 2, 4]),
    localResponseNorm: {
      misuse: [
        ...tensorArguments((t) => tilegrad.localResponseNorm(t, 2)),
        ...responses('localResponseNorm', (size, options) =>
          tilegrad.localResponseNorm(line, size, options),
        ),
        [() => tilegrad.localResponseNorm(x, 2), 'ERR_SHAPE'],
      ],
      gradients: [
        one((t) => tilegrad.localResponseNorm(t, 2, { alpha: 0.5 }), [2, 3, 2]),
        one((t) => tilegrad.localResponseNorm(t, 3, { alpha: 0.5, k: 2 }), [1, 4, 2, 2]),
      ],
    },
  },
  modules: layers,
  bits(add) {
    for (const dtype of dtypes) {
      add(`pooling ${dtype}`, () => [
        ...[11, 24, 37].flatMap((size) => [
          ...withGradients((t) => t.maxPool2d(2), numbers([40, 3, size, size], dtype)),
          ...withGradients(
            (t) => t.maxPool2d(3, { stride: 2, padding: 1 }),
            numbers([2, 3, size, size], dtype),
          ),
          ...withGradients(
            (t) => t.avgPool2d(3, { stride: 1, padding: 1 }),
            numbers([2, 3, size, size], dtype),
          ),
        ]),
        ...withGradients((t) => t.maxPool1d(3), numbers([7, 301], dtype)),
        ...withGradients((t) => t.avgPool2d([2, 3]), numbers([7, 31, 33], dtype)),
        ...withGradients((t) => t.adaptiveAvgPool2d([5, 7]), numbers([7, 31, 33], dtype)),
        hostile(1003, dtype).reshape([1, 17, 59]).maxPool2d([2, 3]),
        hostile(1003, dtype).reshape([1, 17, 59]).avgPool2d(2),
      ]);
      add(`interpolation ${dtype}`, () => [
        ...withGradients(
          (t) => t.interpolate({ size: [40, 33], mode: 'bilinear' }),
          numbers([9, 3, 19, 50], dtype),
        ),
        ...withGradients(
          (t) => t.interpolate({ scaleFactor: 2, mode: 'bicubic' }),
          numbers([1, 2, 9, 17], dtype),
        ),
        ...withGradients((t) => t.interpolate({ size: 77 }), numbers([3, 2, 33], dtype)),
      ]);
    }
  },
};
