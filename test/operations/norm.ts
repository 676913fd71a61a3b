/** Normalisation: layer, RMS, group, instance and batch. */

import * as tilegrad from 'tilegrad';
import { nn, ones, type Tensor, zeros } from 'tilegrad';
import { type Add, dtypes, type Float, hostile, numbers, withGradients } from './bits.js';
import { type Case, one } from './gradients.js';
import {
  dtypesOf,
  half,
  type Misuse,
  notFinite,
  optionsOf,
  tensorArguments,
  wrong,
  x,
} from './misuse.js';
import type { Family } from './operation.js';

const image = ones([2, 4, 3]);
const double = ones([3], { dtype: 'float64' });

type Norm = (x: Tensor, options?: never) => Tensor;

/** Wrong inputs, options, eps, and weights of `size` values. */
function misuse(name: string, input: Tensor, call: Norm, affine: readonly string[]): Misuse[] {
  const size = name === 'layerNorm' || name === 'rmsNorm' ? 3 : (input.shape[1] as number);
  return [
    ...tensorArguments((t) => call(t)),
    ...optionsOf(name, (options) => call(input, options)),
    ...[...notFinite, -1].map(
      (eps): Misuse => [() => call(input, wrong({ eps })), 'ERR_ARGUMENT', `[${name}] eps`],
    ),
    ...affine.flatMap((key): Misuse[] => [
      [() => call(input, wrong({ [key]: 5 })), 'ERR_ARGUMENT'],
      [() => call(input, wrong({ [key]: ones([size + 1]) })), 'ERR_SHAPE'],
      [() => call(input, wrong({ [key]: ones([size, 1]) })), 'ERR_SHAPE'],
      [() => call(input, wrong({ [key]: ones([size], { dtype: 'float64' }) })), 'ERR_DTYPE'],
      [() => call(input, wrong({ [key]: half.reshape([6]).slice([[0, size]]) })), 'ERR_DTYPE'],
    ]),
  ];
}

const normalizedShapes = (call: (shape: never) => unknown): Misuse[] => [
  ...[undefined, null, 'text', {}, [], -1, [-1], 0.5, [0.5], ['1'], [[1]], [Number.NaN]].map(
    (shape): Misuse => [() => call(wrong(shape)), 'ERR_SHAPE'],
  ),
];

/** Calls with all, some and no weights. */
const affineCases = (
  fn: (x: Tensor, weight?: Tensor, bias?: Tensor) => Tensor,
  shape: number[],
  weights: number[],
): Case[] => [
  one((x) => fn(x), shape),
  one((x, weight) => fn(x!, weight), shape, weights),
  one((x, weight, bias) => fn(x!, weight, bias), shape, weights, weights),
];

const layerNorm = (shape: number[]) => (x: Tensor, weight?: Tensor, bias?: Tensor) =>
  tilegrad.layerNorm(x, shape, { weight: weight ?? null, bias: bias ?? null });
const rmsNorm = (shape: number[]) => (x: Tensor, weight?: Tensor) =>
  tilegrad.rmsNorm(x, shape, { weight: weight ?? null });
const groupNorm = (groups: number) => (x: Tensor, weight?: Tensor, bias?: Tensor) =>
  tilegrad.groupNorm(x, groups, { weight: weight ?? null, bias: bias ?? null });
const instanceNorm = (x: Tensor, weight?: Tensor, bias?: Tensor) =>
  tilegrad.instanceNorm(x, { weight: weight ?? null, bias: bias ?? null });

/** Running statistics that no call changes for the next. */
function batchNorm(training: boolean) {
  return (x: Tensor, weight?: Tensor, bias?: Tensor) => {
    const { dtype } = x;
    const [, channels] = x.shape as [number, number];
    return tilegrad.batchNorm(x, {
      ...{ weight: weight ?? null, bias: bias ?? null, training },
      runningMean: zeros([channels], { dtype }).add(0.3),
      runningVar: ones([channels], { dtype }).mul(2),
    });
  };
}

const statistics = { runningMean: zeros([4]), runningVar: ones([4]) };

function bits(add: Add, dtype: Float): void {
  // Rows and channels as lanes, spans as lanes; more than a block; threads that share rows.
  for (const shape of [
    [1003, 37],
    [3, 10_001],
    [7, 5],
  ]) {
    const size = [shape[1] as number];
    const weights = [numbers(size, dtype, 3), numbers(size, dtype, 4)] as const;
    add(`layer, RMS and batch norm ${shape.join('x')} ${dtype}`, () => [
      ...withGradients(layerNorm(size) as never, numbers(shape, dtype), ...weights),
      ...withGradients(rmsNorm(size) as never, numbers(shape, dtype), weights[0]),
      ...withGradients(batchNorm(true) as never, numbers(shape, dtype), ...weights),
      ...withGradients(batchNorm(false) as never, numbers(shape, dtype), ...weights),
    ]);
  }
  for (const shape of [
    [5, 12, 67],
    [37, 4, 3, 300],
  ]) {
    const size = [shape[1] as number];
    const weights = [numbers(size, dtype, 3), numbers(size, dtype, 4)] as const;
    add(`group and batch norm ${shape.join('x')} ${dtype}`, () => [
      ...withGradients(groupNorm(2) as never, numbers(shape, dtype), ...weights),
      ...withGradients(instanceNorm as never, numbers(shape, dtype), ...weights),
      ...withGradients(batchNorm(true) as never, numbers(shape, dtype), ...weights),
      ...withGradients(batchNorm(false) as never, numbers(shape, dtype), ...weights),
    ]);
  }
  add(`norms of special values and running statistics ${dtype}`, () => {
    const layer = new nn.BatchNorm1d(37, { dtype, momentum: null });
    for (const seed of [1, 2, 3]) layer.forward(numbers([301, 37], dtype, seed));
    return [
      hostile(1003, dtype).reshape([17, 59]).layerNorm(59),
      hostile(1003, dtype).reshape([17, 59]).rmsNorm(59),
      ...['running_mean', 'running_var'].map((name) => layer.stateDict()[name] as Tensor),
    ];
  });
}

const eps = (name: string, make: (options: never) => unknown): Misuse[] => [
  ...optionsOf(name, make),
  ...dtypesOf(make),
  ...[...notFinite, -1].map(
    (value): Misuse => [() => make(wrong({ eps: value })), 'ERR_ARGUMENT', `[${name}] eps`],
  ),
];

const switches = (make: (options: never) => unknown, ...names: string[]): Misuse[] =>
  names.flatMap((name) =>
    [0, 'yes', null].map(
      (value): Misuse => [() => make(wrong({ [name]: value })), 'ERR_ARGUMENT', name],
    ),
  );

const features = (make: (size: never) => unknown): Misuse[] =>
  [0, -1, 1.5, Number.NaN, '3', null, undefined, [3]].map(
    (size): Misuse => [() => make(wrong(size)), 'ERR_ARGUMENT'],
  );

const momenta = (make: (options: never) => unknown): Misuse[] =>
  [-0.1, 1.1, Number.NaN, '0.1', true].map(
    (momentum): Misuse => [() => make(wrong({ momentum })), 'ERR_ARGUMENT', 'momentum'],
  );

type Layer = { forward(x: Tensor): Tensor };

/** Inputs of other shapes than a layer's of four channels. */
const layerInputs = (layer: Layer, ...wrongShapes: number[][]): Misuse[] => [
  ...tensorArguments((t) => layer.forward(t), { takesIntegers: true }),
  ...wrongShapes.map((shape): Misuse => [() => layer.forward(ones(shape)), 'ERR_SHAPE']),
];

const batchNormLayer = (
  name: 'BatchNorm1d' | 'BatchNorm2d' | 'BatchNorm3d',
  ...wrongShapes: number[][]
): Misuse[] => {
  const make = (options: never) => new nn[name](4, options);
  return [
    ...features((size) => new nn[name](size)),
    ...eps(name, make),
    ...switches(make, 'affine', 'trackRunningStats'),
    ...momenta(make),
    ...layerInputs(new nn[name](4), ...wrongShapes),
  ];
};

const instanceNormLayer = (
  name: 'InstanceNorm1d' | 'InstanceNorm2d' | 'InstanceNorm3d',
  ...wrongShapes: number[][]
): Misuse[] => {
  const make = (options: never) => new nn[name](4, options);
  return [
    ...features((size) => new nn[name](size)),
    ...eps(name, make),
    ...switches(make, 'affine'),
    ...layerInputs(new nn[name](4), ...wrongShapes),
  ];
};

export const norms: Family = {
  title: 'Normalization',
  operations: {
    layerNorm: {
      misuse: [
        ...misuse('layerNorm', x, (t, options) => tilegrad.layerNorm(t, 3, options), [
          'weight',
          'bias',
        ]),
        ...normalizedShapes((shape) => tilegrad.layerNorm(x, shape)),
        [() => tilegrad.layerNorm(x, 2), 'ERR_SHAPE'],
        [() => tilegrad.layerNorm(x, [3, 2]), 'ERR_SHAPE'],
        [() => tilegrad.layerNorm(x, [1, 2, 3]), 'ERR_SHAPE'],
        [() => tilegrad.layerNorm(x, 3, { weight: double }), 'ERR_DTYPE'],
      ],
      gradients: [
        ...affineCases(layerNorm([4]), [3, 4], [4]),
        ...affineCases(layerNorm([2, 4]), [3, 2, 4], [2, 4]),
        ...affineCases(layerNorm([4]), [4], [4]),
        ...affineCases(layerNorm([3]), [0, 3], [3]),
        one((x) => layerNorm([0])(x), [3, 0]),
        one((x) => layerNorm([2])(x.expand([3, 2])), [1, 2]),
      ],
    },
    rmsNorm: {
      misuse: [
        ...misuse('rmsNorm', x, (t, options) => tilegrad.rmsNorm(t, 3, options), ['weight']),
        ...normalizedShapes((shape) => tilegrad.rmsNorm(x, shape)),
        [() => tilegrad.rmsNorm(x, 2), 'ERR_SHAPE'],
      ],
      gradients: [
        ...affineCases(rmsNorm([4]), [3, 4], [4]).slice(0, 2),
        ...affineCases(rmsNorm([2, 4]), [3, 2, 4], [2, 4]).slice(0, 2),
        ...affineCases(rmsNorm([3]), [0, 3], [3]).slice(0, 2),
      ],
    },
    groupNorm: {
      misuse: [
        ...misuse('groupNorm', image, (t, options) => tilegrad.groupNorm(t, 2, options), [
          'weight',
          'bias',
        ]),
        ...[0, 3, -2, 0.5, '2', null, undefined].map(
          (groups): Misuse => [() => tilegrad.groupNorm(image, wrong(groups)), 'ERR_ARGUMENT'],
        ),
        [() => tilegrad.groupNorm(ones([4]), 2), 'ERR_SHAPE'],
      ],
      gradients: [
        ...affineCases(groupNorm(2), [2, 4, 3], [4]),
        ...affineCases(groupNorm(2), [3, 4], [4]),
        ...affineCases(groupNorm(1), [1, 2, 2, 2], [2]),
        ...affineCases(groupNorm(2), [0, 4, 3], [4]),
      ],
    },
    instanceNorm: {
      misuse: [
        ...misuse('instanceNorm', image, (t, options) => tilegrad.instanceNorm(t, options), [
          'weight',
          'bias',
        ]),
        [() => tilegrad.instanceNorm(ones([2, 4])), 'ERR_SHAPE'],
        [() => tilegrad.instanceNorm(ones([2, 4, 1])), 'ERR_SHAPE'],
      ],
      gradients: affineCases(instanceNorm, [2, 3, 4], [3]),
    },
    batchNorm: {
      misuse: [
        ...misuse('batchNorm', image, (t, options) => tilegrad.batchNorm(t, options), [
          ...['weight', 'bias', 'runningMean', 'runningVar'],
        ]),
        ...momenta((options) => tilegrad.batchNorm(image, options)),
        ...[0, 'yes', null].map(
          (training): Misuse => [
            () => tilegrad.batchNorm(image, { training: wrong(training) }),
            'ERR_ARGUMENT',
          ],
        ),
        [() => tilegrad.batchNorm(image), 'ERR_ARGUMENT', 'evaluation needs'],
        [() => tilegrad.batchNorm(image, { runningMean: zeros([4]) }), 'ERR_ARGUMENT'],
        [
          () => tilegrad.batchNorm(image, { ...statistics, training: true, momentum: null }),
          'ERR_ARGUMENT',
          'numBatchesTracked',
        ],
        [
          () => tilegrad.batchNorm(image, { ...statistics, numBatchesTracked: ones([]) }),
          'ERR_DTYPE',
        ],
        [
          () =>
            tilegrad.batchNorm(image, {
              ...statistics,
              numBatchesTracked: ones([2], { dtype: 'int32' }),
            }),
          'ERR_SHAPE',
        ],
        [
          () =>
            tilegrad.batchNorm(image, {
              ...statistics,
              runningMean: zeros([1]).expand([4]),
              training: true,
            }),
          'ERR_STATE',
        ],
        [() => tilegrad.batchNorm(ones([4]), { training: true }), 'ERR_SHAPE'],
        [() => tilegrad.batchNorm(ones([1, 4]), { training: true }), 'ERR_SHAPE', 'more than one'],
      ],
      gradients: [
        ...affineCases(batchNorm(true), [5, 3], [3]),
        ...affineCases(batchNorm(true), [3, 2, 4], [2]),
        ...affineCases(batchNorm(false), [5, 3], [3]),
        ...affineCases(batchNorm(false), [2, 2, 3], [2]),
        ...affineCases(batchNorm(false), [0, 3], [3]),
      ],
    },
  },
  modules: {
    LayerNorm: [
      ...normalizedShapes((shape) => new nn.LayerNorm(shape)),
      ...eps('LayerNorm', (options) => new nn.LayerNorm(3, options)),
      ...switches((options) => new nn.LayerNorm(3, options), 'elementwiseAffine', 'bias'),
    ],
    RMSNorm: [
      ...normalizedShapes((shape) => new nn.RMSNorm(shape)),
      ...eps('RMSNorm', (options) => new nn.RMSNorm(3, options)),
      ...switches((options) => new nn.RMSNorm(3, options), 'elementwiseAffine'),
    ],
    GroupNorm: [
      ...features((groups) => new nn.GroupNorm(groups, 4)),
      ...features((channels) => new nn.GroupNorm(1, channels)),
      [() => new nn.GroupNorm(3, 4), 'ERR_ARGUMENT', 'do not divide'],
      ...eps('GroupNorm', (options) => new nn.GroupNorm(2, 4, options)),
      ...switches((options) => new nn.GroupNorm(2, 4, options), 'affine'),
    ],
    BatchNorm1d: batchNormLayer('BatchNorm1d', [4], [2, 3], [2, 4, 3, 3]),
    BatchNorm2d: batchNormLayer('BatchNorm2d', [2, 4], [2, 4, 3], [2, 3, 2, 2]),
    BatchNorm3d: batchNormLayer('BatchNorm3d', [2, 4], [2, 4, 3, 3], [2, 3, 2, 2, 2]),
    InstanceNorm1d: instanceNormLayer('InstanceNorm1d', [2, 4], [2, 3, 3], [2, 4, 3, 3]),
    InstanceNorm2d: instanceNormLayer('InstanceNorm2d', [2, 4, 3], [2, 3, 2, 2]),
    InstanceNorm3d: instanceNormLayer('InstanceNorm3d', [2, 4, 3, 3], [2, 3, 2, 2, 2]),
  },
  bits(add) {
    for (const dtype of dtypes) bits(add, dtype);
  },
};
