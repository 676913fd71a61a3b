/** Pooling, padding and upsampling over three spatial dimensions; channels dealt out anew. */
import * as tilegrad from 'tilegrad';
import { nn, ones, type Tensor } from 'tilegrad';
import { dtypes, hostile, numbers, withGradients } from './bits.js';
import { one } from './gradients.js';
import { type Misuse, notFinite, optionsOf, tensorArguments, wrong, x } from './misuse.js';
import type { Family } from './operation.js';

const volume = ones([1, 2, 4, 3, 5]);
type Pool = (t: Tensor, size: never, options?: never) => Tensor;

const notSizes: unknown[] = [0, -1, 1.5, '2', null, undefined, [], [1, 2], [1, 0, 1], {}];
const notOutputs: unknown[] = [0, -1, 1.5, '2', undefined, [], [1, 2], [1, 0, 1], {}];
const notPairs: unknown[] = [0, -1, 1.5, '2', null, undefined, [], [1], [1, 0], {}];
const argument = (calls: readonly (() => unknown)[], message = ''): Misuse[] =>
  calls.map((call): Misuse => [call, 'ERR_ARGUMENT', message]);

/** Wrong windows of a function or a layer. */
const windows = (
  name: string,
  make: (kernelSize: never, options?: never) => unknown,
  extra: readonly string[],
): Misuse[] => [
  ...argument(notSizes.map((size) => () => make(wrong(size)))),
  ...optionsOf(name, (options) => make(wrong(2), options)),
  ...['stride', ...extra].flatMap((key) =>
    argument([-1, 'yes', 0.5].map((value) => () => make(wrong(2), wrong({ [key]: value })))),
  ),
  ...argument([() => make(wrong(2), wrong({ ceilMode: 1 }))], 'ceilMode'),
];

const pooling = (name: string, call: Pool, extra: readonly string[]): Misuse[] => [
  ...tensorArguments((t) => call(t, wrong(2))),
  ...windows(name, (size, options) => call(volume, size, options), extra),
  [() => call(ones([1, 4, 4]), wrong(2)), 'ERR_SHAPE', 'D, H, W'],
  [() => call(ones([2, 0, 4, 4]), wrong(2)), 'ERR_SHAPE'],
  [() => call(volume, wrong(20)), 'ERR_SHAPE'],
];

const adaptive = (name: string, call: Pool, options: readonly Misuse[] = []): Misuse[] => [
  ...tensorArguments((t) => call(t, wrong(2))),
  ...argument(
    notOutputs.map((size) => () => call(volume, wrong(size))),
    `[${name}] outputSize`,
  ),
  ...options,
  [() => call(ones([1, 4, 4]), wrong(2)), 'ERR_SHAPE'],
];

const { adaptiveAvgPool3d, adaptiveMaxPool3d, avgPool3d, channelShuffle } = tilegrad;
const { col2im, im2col, lpPool3d, maxPool3d, maxUnpool3d } = tilegrad;

const few = ones([1, 2, 1, 1, 2]);
const places = few.to('int32');

const pads = (name: string, make: (padding: never) => nn.Module): Misuse[] => [
  ...argument(
    [null, 'text', 0.5, [1, 2], [1, 1, 1, 1, 1, 0.5]].map((padding) => () => make(wrong(padding))),
    `[${name}] padding`,
  ),
  [() => make(wrong(1)).forward(ones([4, 4])), 'ERR_SHAPE', `[${name}] takes [N, C, D, H, W]`],
  [() => make(wrong(1)).forward(wrong(5)), 'ERR_ARGUMENT'],
];

const upsampling = (name: string, make: (options: never) => unknown): Misuse[] => [
  ...optionsOf(name, make),
  ...argument(
    [{}, { size: 2, scaleFactor: 2 }, { size: 0 }, { scaleFactor: 'text' }, { mode: 'area' }].map(
      (options) => () => make(wrong(options)),
    ),
    `[${name}]`,
  ),
];

const PADDED = ['padding', 'dilation'];
const MEANS = ['padding', 'countIncludePad'];

const image = ones([1, 2, 4, 5]);
const columns = ones([1, 8, 12]);

/** Wrong sizes and options of patches. */
const patches = (name: string, make: (size: never, options?: never) => unknown): Misuse[] => [
  ...argument(
    notPairs.map((size) => () => make(wrong(size))),
    `[${name}] kernelSize`,
  ),
  ...optionsOf(name, (options) => make(wrong(2), options)),
  ...['dilation', 'padding', 'stride'].flatMap((key) =>
    argument(
      [-1, 0.5, '1', null, [1]].map((value) => () => make(wrong(2), wrong({ [key]: value }))),
      `[${name}] ${key}`,
    ),
  ),
];

export const volumes: Family = {
  title: 'Volumes',
  operations: {
    maxPool3d: {
      misuse: pooling('maxPool3d', maxPool3d as Pool, [...PADDED, 'returnIndices']),
      gradients: [
        one((t) => maxPool3d(t!, 2), [1, 2, 2, 3]),
        one((t) => maxPool3d(t!, 2, { stride: 1, padding: 1, ceilMode: true }), [1, 1, 2, 2, 3]),
      ],
    },
    avgPool3d: {
      misuse: [
        ...pooling('avgPool3d', avgPool3d, MEANS),
        ...argument([() => avgPool3d(volume, 2, { divisorOverride: 0 })], 'divisorOverride'),
      ],
      gradients: [
        one((t) => avgPool3d(t!, 2, { stride: 1, padding: 1 }), [1, 2, 2, 3]),
        one((t) => avgPool3d(t!, 2, { padding: 1, countIncludePad: false }), [1, 1, 2, 2, 3]),
      ],
    },
    adaptiveMaxPool3d: {
      misuse: adaptive(
        'adaptiveMaxPool3d',
        adaptiveMaxPool3d as Pool,
        optionsOf('adaptiveMaxPool3d', (options) => adaptiveMaxPool3d(volume, 2, options)),
      ),
      gradients: [one((t) => adaptiveMaxPool3d(t!, [2, 1, 2]), [1, 3, 2, 3])],
    },
    adaptiveAvgPool3d: {
      misuse: adaptive('adaptiveAvgPool3d', adaptiveAvgPool3d),
      gradients: [one((t) => adaptiveAvgPool3d(t!, [2, null, 2]), [1, 3, 2, 3])],
    },
    lpPool3d: {
      misuse: [
        ...pooling('lpPool3d', (t, size, options) => lpPool3d(t, 2, size, options), []),
        ...argument([0, ...notFinite].map((p) => () => lpPool3d(volume, wrong(p), 2))),
      ],
      gradients: [one((t) => lpPool3d(t!, 2, 2, { stride: 1 }), [1, 2, 2, 3])],
    },
    maxUnpool3d: {
      misuse: [
        ...tensorArguments((t) => maxUnpool3d(t, places, 2)),
        [() => maxUnpool3d(few, wrong({}), 2), 'ERR_ARGUMENT'],
        [() => maxUnpool3d(few, few, 2), 'ERR_DTYPE'],
        ...argument(notSizes.map((size) => () => maxUnpool3d(few, places, wrong(size)))),
        ...optionsOf('maxUnpool3d', (options) => maxUnpool3d(few, places, 2, options)),
        [() => maxUnpool3d(few, places.slice([null, [0, 1]]), 2), 'ERR_SHAPE'],
        [() => maxUnpool3d(few, places, 2, { outputSize: [9, 9, 9] }), 'ERR_SHAPE'],
        [() => maxUnpool3d(few, places.mul(16), 2), 'ERR_INDEX'],
      ],
      gradients: [
        one(
          (t) => {
            const index = tilegrad.arange(4).mul(3).to('int32').reshape([1, 1, 2, 2]);
            return maxUnpool3d(t!, index, [2, 2, 2]);
          },
          [1, 1, 2, 2],
        ),
      ],
    },
    im2col: {
      misuse: [
        ...tensorArguments((t) => im2col(t, 2)),
        ...patches('im2col', (size, options) => im2col(image, size, options)),
        [() => im2col(ones([4, 4]), 2), 'ERR_SHAPE'],
        [() => im2col(image, 6), 'ERR_SHAPE', 'does not fit'],
      ],
      gradients: [
        one((t) => im2col(t!, 2, { stride: [1, 2], padding: 1 }), [1, 2, 3, 4]),
        one((t) => im2col(t!, [2, 1], { dilation: 2 }), [2, 3, 4]),
      ],
    },
    col2im: {
      misuse: [
        ...tensorArguments((t) => col2im(t, [4, 5], 2)),
        ...patches('col2im', (size, options) => col2im(columns, [4, 5], size, options)),
        ...argument(
          notPairs.map((size) => () => col2im(columns, wrong(size), 2)),
          'outputSize',
        ),
        [() => col2im(columns, [4, 4], 2), 'ERR_SHAPE'],
        [() => col2im(ones([1, 7, 12]), [4, 5], 2), 'ERR_SHAPE'],
        [() => col2im(ones([12]), [4, 5], 2), 'ERR_SHAPE'],
        [() => col2im(columns, [1, 5], 2), 'ERR_SHAPE', 'does not fit'],
      ],
      gradients: [
        one((t) => col2im(t!, [3, 4], 2, { padding: 1, stride: [2, 3] }), [1, 4, 4]),
        one((t) => col2im(t!, [3, 3], 2), [8, 4]),
      ],
    },
    channelShuffle: {
      misuse: [
        ...tensorArguments((t) => channelShuffle(t, 1), { takesIntegers: true, takesHalf: true }),
        ...argument([0, -1, 1.5, '2', null].map((n) => () => channelShuffle(x, wrong(n)))),
        [() => channelShuffle(ones([2, 3]), 2), 'ERR_SHAPE'],
        [() => channelShuffle(ones([4]), 2), 'ERR_SHAPE'],
      ],
      gradients: [one((t) => channelShuffle(t!, 2), [2, 4, 3])],
    },
  },
  modules: {
    MaxPool3d: windows('MaxPool3d', (size, options) => new nn.MaxPool3d(size, options), PADDED),
    AvgPool3d: windows('AvgPool3d', (size, options) => new nn.AvgPool3d(size, options), MEANS),
    LPPool3d: [
      ...windows('LPPool3d', (size, options) => new nn.LPPool3d(2, size, options), []),
      ...argument([0, ...notFinite].map((p) => () => new nn.LPPool3d(wrong(p), 2))),
    ],
    MaxUnpool3d: [
      ...argument(notSizes.map((size) => () => new nn.MaxUnpool3d(wrong(size)))),
      ...optionsOf('MaxUnpool3d', (options) => new nn.MaxUnpool3d(2, options)),
    ],
    AdaptiveMaxPool3d: argument(
      notOutputs.map((size) => () => new nn.AdaptiveMaxPool3d(wrong(size))),
      '[AdaptiveMaxPool3d]',
    ),
    AdaptiveAvgPool3d: argument(
      notOutputs.map((size) => () => new nn.AdaptiveAvgPool3d(wrong(size))),
      '[AdaptiveAvgPool3d]',
    ),
    Unfold: patches('Unfold', (size, options) => new nn.Unfold(size, options)),
    Fold: [
      ...patches('Fold', (size, options) => new nn.Fold([4, 5], size, options)),
      ...argument(
        notPairs.map((size) => () => new nn.Fold(wrong(size), 2)),
        '[Fold] outputSize',
      ),
    ],
    ConstantPad3d: [
      ...pads('ConstantPad3d', (padding) => new nn.ConstantPad3d(padding, 0)),
      ...argument(notFinite.map((value) => () => new nn.ConstantPad3d(1, wrong(value)))),
    ],
    ZeroPad3d: pads('ZeroPad3d', (padding) => new nn.ZeroPad3d(padding)),
    ReflectionPad3d: pads('ReflectionPad3d', (padding) => new nn.ReflectionPad3d(padding)),
    ReplicationPad3d: pads('ReplicationPad3d', (padding) => new nn.ReplicationPad3d(padding)),
    CircularPad3d: pads('CircularPad3d', (padding) => new nn.CircularPad3d(padding)),
    ChannelShuffle: argument(
      [0, 1.5, '2', null].map((groups) => () => new nn.ChannelShuffle(wrong(groups))),
    ),
    UpsamplingNearest2d: upsampling(
      'UpsamplingNearest2d',
      (options) => new nn.UpsamplingNearest2d(options),
    ),
    UpsamplingBilinear2d: upsampling(
      'UpsamplingBilinear2d',
      (options) => new nn.UpsamplingBilinear2d(options),
    ),
  },
  bits(add) {
    for (const dtype of dtypes) {
      add(`pooling of volumes ${dtype}`, () => {
        const t = numbers([2, 3, 5, 9, 19], dtype);
        return [
          ...withGradients((v) => avgPool3d(v!, 3, { stride: 2, padding: 1 }), t),
          ...withGradients((v) => maxPool3d(v!, 2), hostile(5130, dtype).reshape(t.shape)),
          ...withGradients((v) => adaptiveAvgPool3d(v!, [2, 4, 5]), t),
        ];
      });
      add(`patches ${dtype}`, () =>
        withGradients(
          (v) => im2col(v!, 3, { padding: 1, stride: 2 }),
          numbers([2, 5, 9, 33], dtype),
        ),
      );
    }
  },
};
