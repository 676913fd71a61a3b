/** The initializers of nn.init: wrong calls. What they compute is tested in test/nn/init.test.ts. */
import { nn, type Tensor, zeros } from 'tilegrad';
import { type Misuse, optionsOf, tensorArguments, wrong, x } from './misuse.js';

/** What the wrong calls were to fill; still zeros afterwards. */
export const weight = zeros([2, 2]);

/** Random initializers: the target, two numbers and a generator. */
const distribution = (
  fill: (target: Tensor, a?: number, b?: number, g?: never) => Tensor,
): Misuse[] => [
  ...tensorArguments(fill),
  ...[null, 'text', Number.NaN, Infinity, -Infinity, x].flatMap((value): Misuse[] => [
    [() => fill(weight, wrong(value)), 'ERR_ARGUMENT'],
    [() => fill(weight, 0, wrong(value)), 'ERR_ARGUMENT'],
  ]),
  [() => fill(weight, 0, 1, wrong(5)), 'ERR_ARGUMENT'],
];

const scaled = (name: string, fill: (target: Tensor, options?: object) => Tensor): Misuse[] => [
  ...tensorArguments(fill),
  ...optionsOf(name, (options) => fill(weight, options)),
  [() => fill(zeros([2])), 'ERR_SHAPE'],
];

const kaiming = (name: string, fill: (target: Tensor, options?: object) => Tensor): Misuse[] => [
  ...scaled(name, fill),
  [() => fill(weight, { mode: 'fanBoth' }), 'ERR_ARGUMENT'],
  [() => fill(weight, { nonlinearity: 'gelu' }), 'ERR_ARGUMENT', 'gelu'],
  [() => fill(weight, { slope: '1' }), 'ERR_ARGUMENT', 'slope'],
];

/** Wrong calls of nn.init. */
export const initializers: Record<string, Misuse[]> = {
  constant: [
    ...tensorArguments((t) => nn.init.constant(t, 1), { takesIntegers: true }),
    ...[undefined, null, '1', x].map(
      (value): Misuse => [() => nn.init.constant(weight, wrong(value)), 'ERR_ARGUMENT'],
    ),
  ],
  zeros: tensorArguments(nn.init.zeros, { takesIntegers: true }),
  ones: tensorArguments(nn.init.ones, { takesIntegers: true }),
  eye: [
    ...tensorArguments(nn.init.eye, { takesIntegers: true }),
    ...[[], [2], [2, 2, 2]].map((shape): Misuse => [() => nn.init.eye(zeros(shape)), 'ERR_SHAPE']),
  ],
  dirac: [
    ...tensorArguments((t) => nn.init.dirac(t), { takesIntegers: true }),
    ...optionsOf('dirac', (options) => nn.init.dirac(zeros([2, 2, 2]), options)),
    ...[[], [2, 2], [1, 1, 1, 1, 1, 1]].map(
      (shape): Misuse => [() => nn.init.dirac(zeros(shape)), 'ERR_SHAPE'],
    ),
    ...[0, -1, 0.5, 3, null, '1', Number.NaN].map(
      (groups): Misuse => [
        () => nn.init.dirac(zeros([4, 2, 2]), { groups: wrong(groups) }),
        'ERR_ARGUMENT',
        '[dirac] groups',
      ],
    ),
  ],
  orthogonal: [
    ...scaled('orthogonal', nn.init.orthogonal),
    [() => nn.init.orthogonal(weight, { gain: wrong('1') }), 'ERR_ARGUMENT'],
    [() => nn.init.orthogonal(weight, { generator: wrong(5) }), 'ERR_ARGUMENT'],
  ],
  sparse: [
    ...tensorArguments((t) => nn.init.sparse(t, 0.5)),
    ...optionsOf('sparse', (options) => nn.init.sparse(weight, 0.5, options)),
    ...[undefined, null, '0.5', -0.1, 1.1, Number.NaN].map(
      (share): Misuse => [() => nn.init.sparse(weight, wrong(share)), 'ERR_ARGUMENT'],
    ),
    [() => nn.init.sparse(zeros([2]), 0.5), 'ERR_SHAPE'],
    [() => nn.init.sparse(weight, 0.5, { std: -1 }), 'ERR_ARGUMENT'],
    [() => nn.init.sparse(weight, 0.5, { generator: wrong(5) }), 'ERR_ARGUMENT'],
  ],
  uniform: distribution(nn.init.uniform),
  normal: [...distribution(nn.init.normal), [() => nn.init.normal(weight, 0, -1), 'ERR_ARGUMENT']],
  truncNormal: [
    ...tensorArguments(nn.init.truncNormal),
    ...optionsOf('truncNormal', (options) => nn.init.truncNormal(weight, options)),
    ...[{ mean: wrong('0') }, { std: 0 }, { a: 1, b: 1 }, { generator: wrong(5) }].map(
      (options): Misuse => [() => nn.init.truncNormal(weight, options), 'ERR_ARGUMENT'],
    ),
  ],
  xavierUniform: [
    ...scaled('xavierUniform', nn.init.xavierUniform),
    [() => nn.init.xavierUniform(weight, { gain: wrong('1') }), 'ERR_ARGUMENT'],
  ],
  xavierNormal: [
    ...scaled('xavierNormal', nn.init.xavierNormal),
    [() => nn.init.xavierNormal(weight, { gain: -1 }), 'ERR_ARGUMENT'],
  ],
  kaimingUniform: kaiming('kaimingUniform', nn.init.kaimingUniform),
  kaimingNormal: kaiming('kaimingNormal', nn.init.kaimingNormal),
  calculateGain: [
    ...[undefined, null, 5, 'gelu', 'toString'].map(
      (name): Misuse => [() => nn.init.calculateGain(wrong(name)), 'ERR_ARGUMENT'],
    ),
    [() => nn.init.calculateGain('leakyRelu', wrong('1')), 'ERR_ARGUMENT'],
  ],
};
