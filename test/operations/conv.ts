/** Convolutions and transposed ones. */
import * as tilegrad from 'tilegrad';
import { nn, ones, type Tensor } from 'tilegrad';
import { dtypes, numbers, withGradients } from './bits.js';
import { one } from './gradients.js';
import { dtypesOf, integers, type Misuse, optionsOf, tensorArguments, wrong } from './misuse.js';
import type { Family, Operation } from './operation.js';

type Conv = (x: Tensor, w: Tensor, b?: Tensor | null, options?: never) => Tensor;
type Shape = readonly number[];

/** No whole numbers of at least `least`, nor lists of `rank` of them. */
const perAxis = (call: (value: never) => unknown, least: number, rank: number): Misuse[] =>
  [least - 1, 0.5, Number.NaN, Infinity, '1', {}, [], [0.5], new Array(rank + 1).fill(1)].map(
    (value): Misuse => [() => call(wrong(value)), 'ERR_ARGUMENT'],
  );

/** Wrong operands and options of a function over `rank` axes; the operands given fit each other. */
function misuse(name: string, call: Conv, xs: Shape, ws: Shape, outputs: number): Misuse[] {
  const rank = ws.length - 2;
  const [x, w] = [ones(xs), ones(ws)];
  const double = ones(ws, { dtype: 'float64' });
  const option = (key: string) => (value: never) => call(x, w, null, wrong({ [key]: value }));
  return [
    ...tensorArguments((t) => call(t, w)),
    ...tensorArguments((t) => call(x, t)),
    ...[5, 'text', true, [1], {}].map(
      (bias): Misuse => [() => call(x, w, wrong(bias)), 'ERR_ARGUMENT'],
    ),
    [() => call(x, w, integers), 'ERR_DTYPE'],
    ...optionsOf(name, (options) => call(x, w, null, options)),
    [() => call(x, double), 'ERR_DTYPE'],
    [() => call(x, w, ones([outputs], { dtype: 'float64' })), 'ERR_DTYPE'],
    [() => call(x, w, ones([outputs + 1])), 'ERR_SHAPE'],
    [() => call(x, w, ones([outputs, 1])), 'ERR_SHAPE'],
    [() => call(ones([...xs, 1, 1]), w), 'ERR_SHAPE'],
    [() => call(ones(xs.slice(2)), w), 'ERR_SHAPE'],
    [() => call(x, ones(ws.slice(1))), 'ERR_SHAPE'],
    [() => call(x, ones(ws.with(-1, 0))), 'ERR_SHAPE', 'is empty'],
    [() => call(ones(xs.with(1, (xs[1] as number) + 1)), w), 'ERR_SHAPE'],
    [() => call(x, w, null, wrong({ groups: 7 })), 'ERR_SHAPE'],
    ...perAxis(option('stride'), 1, rank),
    ...perAxis(option('dilation'), 1, rank),
    ...perAxis(option('padding'), 0, rank),
    ...[0, -1, 0.5, '1', [1]].map(
      (groups): Misuse => [() => option('groups')(wrong(groups)), 'ERR_ARGUMENT'],
    ),
  ];
}

/** Of those that aren't transposed. */
const forward = (name: string, call: Conv, xs: Shape, ws: Shape): Misuse[] => [
  ...misuse(name, call, xs, ws, ws[0] as number),
  [() => call(ones(xs), ones(ws), null, wrong({ padding: 'full' })), 'ERR_ARGUMENT'],
  [() => call(ones(xs), ones(ws), null, wrong({ padding: 'same', stride: 2 })), 'ERR_ARGUMENT'],
  [() => call(ones(xs), ones(ws.with(-1, 9))), 'ERR_SHAPE', 'does not fit'],
  [() => call(ones(xs), ones(ws), null, wrong({ dilation: 99 })), 'ERR_SHAPE', 'does not fit'],
  // So many zeros that the patches would be gigabytes.
  [
    () => call(ones(xs), ones(ws), null, wrong({ padding: 1e9, dilation: 1e9, stride: 1e9 })),
    'ERR_ARGUMENT',
    `[${name}] padding and dilation reach too far beyond the image`,
  ],
];

/** Of those that are. */
const transposed = (name: string, call: Conv, xs: Shape, ws: Shape): Misuse[] => [
  ...misuse(name, call, xs, ws, ws[1] as number),
  ...perAxis(
    (outputPadding) => call(ones(xs), ones(ws), null, wrong({ outputPadding })),
    0,
    ws.length - 2,
  ),
  [() => call(ones(xs), ones(ws), null, wrong({ outputPadding: 1 })), 'ERR_ARGUMENT', 'less than'],
  [() => call(ones(xs), ones(ws), null, wrong({ padding: 5 })), 'ERR_SHAPE', 'leaves nothing'],
  [() => call(ones(xs.with(-1, 0)), ones(ws)), 'ERR_SHAPE', 'leaves nothing'],
];

type Options = tilegrad.ConvOptions | tilegrad.ConvTransposeOptions;
const withBias =
  (fn: (x: Tensor, w: Tensor, b: Tensor | null, o: never) => Tensor, options: Options = {}) =>
  (x?: Tensor, w?: Tensor, b?: Tensor) =>
    fn(x!, w!, b ?? null, options as never);

const { conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d, convTranspose3d } = tilegrad;

/** Wrong arguments of a module's constructor, and inputs that don't fit. */
function layer(
  name: string,
  make: (i: never, o: never, k: never, options?: never) => nn.Module<[x: Tensor]>,
  rank: number,
): Misuse[] {
  const [two, three] = [wrong(2), wrong(3)];
  const given = (options: object) => make(two, two, three, wrong(options));
  /** Inputs are checked by the function. */
  const called = `[c${name.slice(1)}]`;
  return [
    ...[0, -1, 0.5, '2', null, undefined].flatMap((size): Misuse[] => [
      [() => make(wrong(size), two, three), 'ERR_ARGUMENT', `[${name}] inChannels`],
      [() => make(two, wrong(size), three), 'ERR_ARGUMENT', `[${name}] outChannels`],
      [() => make(two, two, wrong(size)), 'ERR_ARGUMENT', `[${name}] kernelSize`],
    ]),
    ...optionsOf(name, (options) => make(two, two, three, options)),
    ...dtypesOf((options) => make(two, two, three, options)),
    ...perAxis((stride) => given({ stride }), 1, rank),
    ...perAxis((dilation) => given({ dilation }), 1, rank),
    ...perAxis((padding) => given({ padding }), 0, rank),
    [() => given({ dtype: 'int32' }), 'ERR_DTYPE'],
    [() => given({ bias: 1 }), 'ERR_ARGUMENT'],
    [() => given({ groups: 3 }), 'ERR_ARGUMENT', 'do not divide'],
    [() => given({ generator: 5 }), 'ERR_ARGUMENT'],
    [() => given({}).forward(ones([1, 3, 5, 5, 5].slice(0, rank + 2))), 'ERR_SHAPE', called],
    [() => given({}).forward(wrong(5)), 'ERR_ARGUMENT', called],
  ];
}

const modes: Misuse[] = ['zero', 5, null].map((paddingMode) => [
  () => new nn.Conv2d(2, 2, 3, wrong({ paddingMode })),
  'ERR_ARGUMENT',
]);

/** Sizes that don't come out of 3 x 3 with a stride of 2, which gives 7 or 8. */
const outputSizes: Misuse[] = [
  ...optionsOf('ConvTranspose2d', (options) => {
    return new nn.ConvTranspose2d(1, 1, 3, { stride: 2 }).forward(ones([1, 3, 3]), options);
  }),
  ...[
    ...[5, 'text', null, [7], [7, 7, 7, 7], [7.5, 7], ['7', 7]].map(
      (outputSize) => [outputSize, 'ERR_ARGUMENT'] as const,
    ),
    ...[
      [6, 7],
      [7, 9],
      [1, 9, 7],
    ].map((outputSize) => [outputSize, 'ERR_SHAPE'] as const),
  ].map(
    ([outputSize, code]): Misuse => [
      () =>
        new nn.ConvTranspose2d(1, 1, 3, { stride: 2 }).forward(ones([1, 3, 3]), {
          outputSize: wrong(outputSize),
        }),
      code,
      '[ConvTranspose2d] outputSize',
    ],
  ),
];

const operations: Record<string, Operation> = {
  conv1d: {
    misuse: forward('conv1d', conv1d, [2, 2, 5], [3, 2, 2]),
    gradients: [
      one(withBias(conv1d), [2, 2, 4], [3, 2, 2], [3]),
      one(withBias(conv1d, { padding: 'same' }), [2, 4], [3, 2, 4]),
      one(withBias(conv1d), [0, 2, 4], [3, 2, 2], [3]),
    ],
  },
  conv2d: {
    misuse: forward('conv2d', conv2d, [1, 2, 4, 5], [3, 2, 2, 2]),
    gradients: [
      one(withBias(conv2d, { stride: 2, padding: 1 }), [1, 2, 3, 4], [2, 2, 2, 3], [2]),
      one(withBias(conv2d, { groups: 2, dilation: 2 }), [1, 2, 3, 3], [2, 1, 2, 2], [2]),
      one(withBias(conv2d), [1, 2, 2, 2], [3, 2, 1, 1], [3]),
    ],
  },
  conv3d: {
    misuse: forward('conv3d', conv3d, [1, 2, 3, 3, 4], [3, 2, 2, 2, 2]),
    gradients: [one(withBias(conv3d, { padding: 1 }), [1, 1, 1, 2, 2], [2, 1, 2, 2, 2], [2])],
  },
  convTranspose1d: {
    misuse: transposed('convTranspose1d', convTranspose1d, [2, 2, 3], [2, 3, 2]),
    gradients: [
      one(withBias(convTranspose1d), [2, 2, 3], [2, 3, 2], [3]),
      one(withBias(convTranspose1d, { stride: 3, outputPadding: 1 }), [2, 2], [2, 2, 2], [2]),
    ],
  },
  convTranspose2d: {
    misuse: transposed('convTranspose2d', convTranspose2d, [1, 2, 3, 3], [2, 3, 2, 2]),
    gradients: [
      one(
        withBias(convTranspose2d, { stride: 2, padding: 1, outputPadding: 1, groups: 2 }),
        ...[[1, 2, 2, 2], [2, 1, 3, 2], [2]],
      ),
    ],
  },
  convTranspose3d: {
    misuse: transposed('convTranspose3d', convTranspose3d, [1, 2, 2, 3, 3], [2, 3, 2, 2, 2]),
    gradients: [
      one(
        withBias(convTranspose3d, { stride: [1, 2, 2], padding: [0, 1, 0] }),
        ...[[1, 2, 2, 2, 1], [2, 2, 2, 3, 2], [2]],
      ),
    ],
  },
};

export const convolutions: Family = {
  title: 'Convolution',
  operations,
  modules: {
    Conv1d: layer('Conv1d', (i, o, k, options) => new nn.Conv1d(i, o, k, options), 1),
    Conv2d: [
      ...layer('Conv2d', (i, o, k, options) => new nn.Conv2d(i, o, k, options), 2),
      ...modes,
    ],
    Conv3d: layer('Conv3d', (i, o, k, options) => new nn.Conv3d(i, o, k, options), 3),
    ConvTranspose1d: layer(
      'ConvTranspose1d',
      (i, o, k, options) => new nn.ConvTranspose1d(i, o, k, options),
      1,
    ),
    ConvTranspose2d: [
      ...layer(
        'ConvTranspose2d',
        (i, o, k, options) => new nn.ConvTranspose2d(i, o, k, options),
        2,
      ),
      ...outputSizes,
    ],
    ConvTranspose3d: layer(
      'ConvTranspose3d',
      (i, o, k, options) => new nn.ConvTranspose3d(i, o, k, options),
      3,
    ),
  },
  bits(add) {
    for (const dtype of dtypes) {
      const n = (shape: number[], seed?: number) => numbers(shape, dtype, seed);
      add(`convolutions ${dtype}`, () => [
        ...withGradients(
          withBias(conv2d, { padding: 1 }),
          ...[n([5, 7, 9, 11]), n([17, 7, 3, 3], 3), n([17], 4)],
        ),
        ...withGradients(
          withBias(conv2d, { stride: 2, padding: 2, dilation: 2, groups: 2 }),
          ...[n([3, 4, 13, 12]), n([6, 2, 3, 2], 3), n([6], 4)],
        ),
        ...withGradients(
          withBias(conv2d, { padding: 1, groups: 5 }),
          ...[n([3, 5, 9, 37]), n([5, 1, 3, 3], 3), n([5], 4)],
        ),
        ...withGradients(withBias(conv1d), n([1, 40, 100]), n([35, 40, 15], 3), n([35], 4)),
        ...withGradients(withBias(conv2d), n([2, 21, 9, 13]), n([33, 21, 1, 1], 3), n([33], 4)),
        ...withGradients(
          withBias(convTranspose2d, { stride: 2, padding: 1, outputPadding: 1 }),
          ...[n([3, 9, 8, 7]), n([9, 5, 3, 4], 3), n([5], 4)],
        ),
      ]);
      // Enough for two threads.
      add(`depthwise convolution ${dtype}`, () =>
        withGradients(
          withBias(conv2d, { padding: 1, groups: 40 }),
          ...[n([3, 40, 20, 21]), n([40, 1, 3, 3], 3), n([40], 4)],
        ),
      );
    }
  },
};
