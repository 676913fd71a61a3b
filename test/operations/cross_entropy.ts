/** Losses of classes: cross entropy and the negative log-likelihood. */

import * as tilegrad from 'tilegrad';
import { nn, ones, softmax, type Tensor, tensor } from 'tilegrad';
import { type Add, dtypes, type Float, numbers, withGradients } from './bits.js';
import { type Case, one } from './gradients.js';
import { kinds, leaf, type Misuse, optionsOf, tensorArguments, wrong, x } from './misuse.js';
import type { Family } from './operation.js';

type Loss = typeof tilegrad.crossEntropy;

const classes = (shape: number[], count: number): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  const list = Array.from({ length: size }, (_, i) => (7 * i + 3) % count);
  return tensor(list, { dtype: 'int32' }).reshape(shape);
};

/** What every reduction, weight and ignored target does wrong in both functions. */
const options = (name: string, call: (options: never) => unknown): Misuse[] => [
  ...optionsOf(name, call),
  ...[null, 'average', 1, 'toString'].map(
    (reduction): Misuse => [
      () => call(wrong({ reduction })),
      'ERR_ARGUMENT',
      `[${name}] reduction`,
    ],
  ),
  ...[null, 0.5, '1', Number.NaN].map(
    (ignoreIndex): Misuse => [
      () => call(wrong({ ignoreIndex })),
      'ERR_ARGUMENT',
      `[${name}] ignoreIndex`,
    ],
  ),
  [() => call(wrong({ weight: [1, 2, 3] })), 'ERR_ARGUMENT'],
  [() => call(wrong({ weight: ones([3], { dtype: 'int32' }) })), 'ERR_DTYPE'],
  [() => call(wrong({ weight: leaf })), 'ERR_ARGUMENT', 'detach'],
];

const smoothing = (name: string, call: (options: never) => unknown): Misuse[] =>
  [-0.1, 1.1, null, '0.1', Number.NaN].map(
    (labelSmoothing): Misuse => [
      () => call(wrong({ labelSmoothing })),
      'ERR_ARGUMENT',
      `[${name}] labelSmoothing`,
    ],
  );

const misuse = (name: string, call: Loss): Misuse[] => [
  ...tensorArguments((t) => call(t, [0, 0])),
  ...options(name, (o) => call(x, [0, 0], o)),
  ...[undefined, null, 5, 'text', {}, ['0', '1'], [0.5, 0], [[0], [1]], [Number.NaN, 0]].map(
    (targets): Misuse => [() => call(x, wrong(targets)), 'ERR_ARGUMENT'],
  ),
  ...[
    [0, 3],
    [-1, 0],
    [0, 2 ** 32],
  ].map((targets): Misuse => [() => call(x, targets), 'ERR_INDEX']),
  [() => call(x, [0, -100], { ignoreIndex: 1 }), 'ERR_INDEX'],
  [() => call(x, [0]), 'ERR_SHAPE'],
  [() => call(x, ones([2, 1], { dtype: 'int32' })), 'ERR_SHAPE'],
  [() => call(ones([3]), [0]), 'ERR_SHAPE'],
  [() => call(ones([]), 0), 'ERR_SHAPE'],
  [() => call(ones([3]), 3), 'ERR_INDEX'],
  [() => call(ones([2, 3, 4]), [0, 1]), 'ERR_SHAPE'],
  [() => call(x, [0, 0], { weight: ones([2]) }), 'ERR_SHAPE'],
  [() => call(x, [0, 0], { weight: ones([3, 1]) }), 'ERR_SHAPE'],
  [() => call(x, [0, 0], { weight: ones([3], { dtype: 'float64' }) }), 'ERR_DTYPE'],
  [() => call(x, ones([2])), 'ERR_DTYPE'],
  [() => call(x, new Float32Array(2)), 'ERR_DTYPE'],
  [() => call(x, ones([2, 3], { dtype: 'float64' })), 'ERR_DTYPE'],
];

const reductions = ['mean', 'sum', 'none'] as const;

/** float64 factors of classes. */
const weightOf = (count: number): Tensor =>
  tensor(
    Array.from({ length: count }, (_, i) => 0.5 + (i % 3)),
    { dtype: 'float64' },
  );

const gradientsOf = (call: Loss): Case[] =>
  reductions.flatMap((reduction): Case[] => [
    one((x) => call(x, classes([3], 4), { reduction }), [3, 4]),
    one((x) => call(x, classes([2], 35), { reduction, weight: weightOf(35) }), [2, 35]),
    one((x) => call(x, classes([2, 3], 4), { reduction, ignoreIndex: 3 }), [2, 4, 3]),
    one((x) => call(x, classes([2, 2, 2], 3), { reduction, weight: weightOf(3) }), [2, 3, 2, 2]),
    one((x) => call(x, 1, { reduction }), [3]),
    one((x) => call(x, [1, 1]).mul(3), [2, 2]),
  ]);

const smooth: Case[] = reductions.flatMap((reduction): Case[] => {
  const settings = { reduction, labelSmoothing: 0.3 };
  return [
    one((x) => tilegrad.crossEntropy(x, classes([3], 4), settings), [3, 4]),
    one(
      (x) => tilegrad.crossEntropy(x, classes([2], 35), { ...settings, ignoreIndex: 3 }),
      [2, 35],
    ),
    one(
      (x) => tilegrad.crossEntropy(x, classes([2, 3], 4), { ...settings, weight: weightOf(4) }),
      [2, 4, 3],
    ),
  ];
});

/** Probabilities, through which gradients flow too. */
const soft: Case[] = reductions.flatMap((reduction): Case[] => [
  one((x, q) => tilegrad.crossEntropy(x, q!, { reduction }), [3, 4], [3, 4]),
  one(
    (x, q) => tilegrad.crossEntropy(x, q!, { reduction, labelSmoothing: 0.2 }),
    [2, 4, 3],
    [2, 4, 3],
  ),
  one((x, q) => tilegrad.crossEntropy(x, q!, { reduction, weight: weightOf(35) }), [35], [35]),
]);

function bits(add: Add, dtype: Float): void {
  // Short rows, long rows and columns; classes lie apart or together.
  for (const [shape, targets] of [
    [[1003, 10], [1003]],
    [[203, 300], [203]],
    [
      [3, 11, 401],
      [3, 401],
    ],
  ] as const) {
    const count = shape[1];
    const target = classes([...targets], count);
    const weight = numbers([count], dtype, 3).abs();
    const q = softmax(numbers(shape, dtype, 4), 1);
    add(`cross entropy ${shape.join('x')} ${dtype}`, () =>
      reductions.flatMap((reduction) => [
        ...withGradients(
          (x) => tilegrad.crossEntropy(x, target, { reduction, weight, ignoreIndex: 5 }),
          numbers(shape, dtype),
        ),
        ...withGradients(
          (x) => tilegrad.crossEntropy(x, target, { reduction, weight, labelSmoothing: 0.1 }),
          numbers(shape, dtype),
        ),
        ...withGradients(
          (x, p) => tilegrad.crossEntropy(x, p!, { reduction, labelSmoothing: 0.1 }),
          numbers(shape, dtype),
          q.detach(),
        ),
        ...withGradients(
          (x) => tilegrad.nllLoss(x, target, { reduction, weight }),
          numbers(shape, dtype),
        ),
      ]),
    );
  }
}

export const classLosses: Family = {
  title: 'Losses of classes',
  operations: {
    crossEntropy: {
      misuse: [
        ...misuse('crossEntropy', tilegrad.crossEntropy),
        ...smoothing('crossEntropy', (o) => tilegrad.crossEntropy(x, [0, 0], o)),
        [() => tilegrad.crossEntropy(x, ones([2, 3]), { ignoreIndex: 1 }), 'ERR_ARGUMENT'],
      ],
      gradients: [...gradientsOf(tilegrad.crossEntropy), ...smooth, ...soft],
    },
    nllLoss: {
      misuse: [
        ...misuse('nllLoss', tilegrad.nllLoss as Loss),
        [() => tilegrad.nllLoss(x, ones([2, 3])), 'ERR_DTYPE'],
        [
          () => tilegrad.nllLoss(x, [0, 0], wrong({ labelSmoothing: 0.1 })),
          'ERR_ARGUMENT',
          'unknown option "labelSmoothing"',
        ],
      ],
      gradients: gradientsOf(tilegrad.nllLoss as Loss),
    },
  },
  modules: {
    CrossEntropyLoss: [
      ...options('CrossEntropyLoss', (o) => new nn.CrossEntropyLoss(o)),
      ...smoothing('CrossEntropyLoss', (o) => new nn.CrossEntropyLoss(o)),
      ...kinds.map((t): Misuse => {
        const call = () => new nn.CrossEntropyLoss().forward(wrong(t), [0, 0]);
        return [call, 'ERR_ARGUMENT', '[crossEntropy]'];
      }),
    ],
    NLLLoss: [
      ...options('NLLLoss', (o) => new nn.NLLLoss(o)),
      ...kinds.map((t): Misuse => {
        const call = () => new nn.NLLLoss().forward(wrong(t), [0, 0]);
        return [call, 'ERR_ARGUMENT', '[nllLoss]'];
      }),
    ],
  },
  bits(add) {
    for (const dtype of dtypes) bits(add, dtype);
  },
};
