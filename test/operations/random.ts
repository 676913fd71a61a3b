/** Random tensors, dropout, choices. */
import * as tilegrad from 'tilegrad';
import {
  alphaDropout,
  bernoulli,
  dropout,
  exponential,
  featureAlphaDropout,
  featureDropout,
  Generator,
  multinomial,
  nn,
  normal,
  ones,
  poisson,
  rand,
  randint,
  randintLike,
  randLike,
  randn,
  randnLike,
  randperm,
  type Tensor,
  tensor,
  truncatedNormal,
  uniform,
  zeros,
} from 'tilegrad';
import { dtypes, lengths, MANY, numbers, withGradients } from './bits.js';
import { type Case, one } from './gradients.js';
import {
  integers,
  type Misuse,
  optionsOf,
  random,
  shapes,
  tensorArguments,
  wrong,
  x,
} from './misuse.js';
import type { Family, Operation } from './operation.js';

const notProbabilities: unknown[] = [null, -0.1, 1.1, Number.NaN, '0.5'];
const notNumbers: unknown[] = [null, '1', Number.NaN, Infinity, [1]];

const withoutGradient = (misuse: readonly Misuse[]): Operation => ({ misuse, gradients: 'none' });
const argument = (calls: readonly (() => unknown)[]): Misuse[] =>
  calls.map((call): Misuse => [call, 'ERR_ARGUMENT']);

/** Of a function that takes a shape last, before its options. */
const drawn = (
  name: string,
  call: (shape: never, options?: never) => Tensor,
  numbersOf: readonly ((value: never) => unknown)[],
): Operation =>
  withoutGradient([
    ...random(name, call),
    ...numbersOf.flatMap((with_) => argument(notNumbers.map((value) => () => with_(wrong(value))))),
  ]);

/** Of a function that takes the shape of a tensor. */
const like = (
  name: string,
  call: (other: never, options?: never) => Tensor,
  other: { takesIntegers?: boolean } = {},
): Operation =>
  withoutGradient([
    ...tensorArguments((t) => call(t), other),
    ...optionsOf(name, (options) => call(wrong(x), options)),
    [() => call(wrong(x), wrong({ dtype: 'int16' })), 'ERR_DTYPE'],
    [() => call(wrong(x), wrong({ generator: 5 })), 'ERR_ARGUMENT'],
  ]);

type Drop = (x: Tensor, p?: number, options?: tilegrad.DropoutOptions) => Tensor;

const dropping = (name: string, drop: Drop, cases: Case[]): Operation => ({
  misuse: [
    ...tensorArguments((t) => drop(t)),
    ...argument([...notProbabilities, x].map((p) => () => drop(x, wrong(p)))),
    ...optionsOf(name, (options) => drop(x, 0.5, options)),
    [() => drop(x, 0.5, { generator: wrong(5) }), 'ERR_ARGUMENT'],
  ],
  // The same numbers every time.
  gradients: [
    one((x) => drop(x, 0.5, { generator: new Generator(1) }), [4, 5]),
    one((x) => drop(x, 0.5, { generator: new Generator(1) }), [2, 3, 4]),
    one((x) => drop(x.expand([3, 2, 4]), 0.5, { generator: new Generator(1) }), [2, 1]),
    one((x) => drop(x, 0), [3, 1]),
    one((x) => drop(x, 1), [3, 1]),
    one((x) => drop(x, 0.5, { generator: new Generator(1) }), [0, 2]),
    ...cases,
  ],
});

const layer = (
  name: string,
  Layer: new (p?: number, options?: nn.DropoutLayerOptions) => nn.Module,
): Misuse[] => [
  ...argument(notProbabilities.map((p) => () => new Layer(wrong(p)))),
  ...optionsOf(name, (options) => new Layer(0.5, options)),
  [() => new Layer(0.5, { generator: wrong(5) }), 'ERR_ARGUMENT'],
];

const ranges = (call: (low: never, high: never, options?: never) => unknown): Misuse[] => [
  ...argument(
    [null, '1', 0.5, Number.NaN, Infinity, 2 ** 31 + 1, 2 ** 53].flatMap((value) => [
      () => call(wrong(value), wrong(2 ** 31)),
      () => call(wrong(0), wrong(value)),
    ]),
  ),
  ...argument([() => call(wrong(3), wrong(3)), () => call(wrong(3), wrong(2))]),
  [() => call(wrong(0), wrong(2), wrong({ generator: 5 })), 'ERR_ARGUMENT'],
  [() => call(wrong(0), wrong(2), wrong({ dtype: 'int16' })), 'ERR_DTYPE'],
  [() => call(wrong(0), wrong(257), wrong({ dtype: 'uint8' })), 'ERR_ARGUMENT', 'uint8'],
  [() => call(wrong(-129), wrong(0), wrong({ dtype: 'int8' })), 'ERR_ARGUMENT', 'int8'],
  [() => call(wrong(0), wrong(3), wrong({ dtype: 'bool' })), 'ERR_ARGUMENT', 'bool'],
  [
    () => call(wrong(0), wrong(2 ** 24 + 2), wrong({ dtype: 'float32' })),
    'ERR_ARGUMENT',
    'float32',
  ],
];

export const randomness: Family = {
  title: 'Random numbers',
  operations: {
    rand: drawn('rand', rand, []),
    randn: drawn('randn', randn, []),
    randLike: like('randLike', randLike),
    randnLike: like('randnLike', randnLike),
    uniform: drawn('uniform', (shape, options) => uniform(0, 1, shape, options), [
      (low) => uniform(low, 1, [2]),
      (high) => uniform(0, high, [2]),
      () => uniform(1, 0, [2]),
    ]),
    normal: withoutGradient([
      ...drawn('normal', (shape, options) => normal(0, 1, shape, options), [
        (mean) => normal(mean, 1, [2]),
        (std) => normal(0, std, [2]),
        () => normal(0, -1, [2]),
        () => normal(x, -1),
        (mean) => normal(mean, x),
        (std) => normal(x, std),
      ]).misuse,
      [() => normal(integers, integers), 'ERR_DTYPE'],
      [() => normal(x, ones([2, 2])), 'ERR_SHAPE'],
      [() => normal(0, tensor([1, -1])), 'ERR_ARGUMENT'],
      [() => normal(0, tensor([1, Number.NaN])), 'ERR_ARGUMENT'],
      ...optionsOf('normal', (options) => normal(x, 1, options)).slice(0, 1),
      [() => normal(x, 1, wrong({ dtype: 'float64' })), 'ERR_ARGUMENT'],
      [() => normal(x, 1, { generator: wrong(5) }), 'ERR_ARGUMENT'],
    ]),
    exponential: drawn('exponential', (shape, options) => exponential(1, shape, options), [
      (rate) => exponential(rate, [2]),
      () => exponential(0, [2]),
      () => exponential(-1, [2]),
    ]),
    truncatedNormal: drawn('truncatedNormal', truncatedNormal, [
      (mean) => truncatedNormal([2], { mean }),
      (std) => truncatedNormal([2], { std }),
      () => truncatedNormal([2], { std: 0 }),
      () => truncatedNormal([2], { a: 2 }),
      () => truncatedNormal([2], { a: 1, b: 0 }),
      () => truncatedNormal([2], { a: Number.NaN }),
      () => truncatedNormal([2], { b: wrong('1') }),
    ]),
    bernoulli: withoutGradient([
      ...random('bernoulli', (shape, options) => bernoulli(0.5, shape, options)),
      ...argument(
        [-0.1, 1.1, Number.NaN].flatMap((p) => [
          () => bernoulli(p, [2]),
          () => bernoulli(tensor([0.5, p])),
        ]),
      ),
      ...tensorArguments((p) => bernoulli(p, wrong({})), { takesNumbers: true }),
      [() => bernoulli(x, { generator: wrong(5) }), 'ERR_ARGUMENT'],
      [() => bernoulli(x, wrong({ dtype: 'float64' })), 'ERR_ARGUMENT'],
    ]),
    randint: withoutGradient([
      ...shapes((shape) => randint(0, 2, shape)),
      ...optionsOf('randint', (options) => randint(0, 2, [2], options)),
      [() => randint(0, 2, [2], { requiresGrad: true }), 'ERR_DTYPE'],
      ...ranges((low, high, options) => randint(low, high, [2], options)),
    ]),
    randintLike: withoutGradient([
      ...tensorArguments((t) => randintLike(t, 0, 2), { takesIntegers: true }),
      ...optionsOf('randintLike', (options) => randintLike(x, 0, 2, options)),
      [() => randintLike(integers, 0, 2, { requiresGrad: true }), 'ERR_DTYPE'],
      ...ranges((low, high, options) => randintLike(integers, low, high, options)),
    ]),
    randperm: withoutGradient([
      ...argument(
        [undefined, null, -1, 0.5, '3', Number.NaN, 2 ** 31 + 1, [3]].map(
          (n) => () => randperm(wrong(n)),
        ),
      ),
      ...optionsOf('randperm', (options) => randperm(3, options)),
      [() => randperm(3, { requiresGrad: true }), 'ERR_DTYPE'],
      [() => randperm(3, { dtype: wrong('int16') }), 'ERR_DTYPE'],
      [() => randperm(300, { dtype: 'uint8' }), 'ERR_ARGUMENT'],
      [() => randperm(3, { generator: wrong(5) }), 'ERR_ARGUMENT'],
    ]),
    multinomial: withoutGradient([
      ...tensorArguments((t) => multinomial(t, 1)),
      ...optionsOf('multinomial', (options) => multinomial(x, 1, options)),
      [() => multinomial(x, 1, { generator: wrong(5) }), 'ERR_ARGUMENT'],
      ...argument(
        [null, 0, -1, 0.5, '1', Number.NaN, 4].map((count) => () => multinomial(x, wrong(count))),
      ),
      ...[ones([]), ones([2, 3, 4]), zeros([2, 0]), zeros([0])].map(
        (weights): Misuse => [() => multinomial(weights, 1), 'ERR_SHAPE'],
      ),
      ...[
        [1, -1],
        [1, Number.NaN],
        [1, Infinity],
        [0, 0],
      ].flatMap((weights) => [
        ...argument([
          () => multinomial(tensor(weights), 1),
          () => multinomial(tensor([[1, 1], weights]), 1, { replacement: true }),
        ]),
      ]),
      ...argument([() => multinomial(tensor([1, 0, 1]), 3)]),
    ]),
    poisson: withoutGradient([
      ...tensorArguments((rates) => poisson(rates)),
      ...optionsOf('poisson', (options) => poisson(x, options)),
      [() => poisson(x, { generator: wrong(5) }), 'ERR_ARGUMENT'],
      ...argument([-1, Number.NaN, Infinity].map((rate) => () => poisson(tensor([1, rate])))),
    ]),
    manualSeed: withoutGradient(
      argument(
        [undefined, null, -1, 0.5, 2 ** 53, '1'].map((seed) => () => {
          tilegrad.manualSeed(wrong(seed));
        }),
      ),
    ),
    Generator: withoutGradient(
      [null, -1, 0.5, 2 ** 53, '1'].flatMap((seed): Misuse[] => [
        [() => new Generator(wrong(seed)), 'ERR_ARGUMENT'],
        [() => new Generator(1).seed(wrong(seed)), 'ERR_ARGUMENT', '[seed]'],
      ]),
    ),
    dropout: dropping('dropout', dropout, [
      one((x) => dropout(x, 0.5, { generator: new Generator(1) }), []),
    ]),
    alphaDropout: dropping('alphaDropout', alphaDropout, [
      one((x) => alphaDropout(x, 0.5, { generator: new Generator(1) }), []),
    ]),
    featureDropout: (() => {
      const { misuse, gradients } = dropping('featureDropout', featureDropout, []);
      return { misuse: [...misuse, [() => featureDropout(ones([3])), 'ERR_SHAPE']], gradients };
    })(),
    featureAlphaDropout: (() => {
      const { misuse, gradients } = dropping('featureAlphaDropout', featureAlphaDropout, []);
      return {
        misuse: [...misuse, [() => featureAlphaDropout(ones([3])), 'ERR_SHAPE']],
        gradients,
      };
    })(),
  },
  modules: {
    Dropout: layer('Dropout', nn.Dropout),
    Dropout1d: layer('Dropout1d', nn.Dropout1d),
    Dropout2d: layer('Dropout2d', nn.Dropout2d),
    Dropout3d: layer('Dropout3d', nn.Dropout3d),
    FeatureAlphaDropout: layer('FeatureAlphaDropout', nn.FeatureAlphaDropout),
    AlphaDropout: layer('AlphaDropout', nn.AlphaDropout),
  },
  bits(add) {
    for (const dtype of dtypes) {
      add(`random ${dtype}`, () => {
        const generator = new Generator(2 ** 40 + 7);
        const drawn = lengths.flatMap((n) => [
          rand([n], { dtype, generator }),
          randn([n], { dtype, generator }),
          dropout(numbers([n], dtype), 0.3, { generator }),
        ]);
        return [...drawn, tensor(Array.from(generator.state), { dtype: 'float64' })];
      });
      add(`distributions ${dtype}`, () => {
        const generator = new Generator(11);
        return [
          ...lengths.flatMap((n) => [
            uniform(-3, 5, [n], { dtype, generator }),
            normal(1, 2.5, [n], { dtype, generator }),
            exponential(0.3, [n], { dtype, generator }),
            truncatedNormal([n], { mean: 0.5, std: 2, a: -1, b: 7, dtype, generator }),
            bernoulli(0.3, [n], { dtype, generator }),
          ]),
          truncatedNormal([1003], { a: 4, b: Infinity, dtype, generator }),
          bernoulli(rand([203, 301], { dtype, generator }).transpose(), { generator }),
          normal(numbers([301, 1], dtype), rand([203], { dtype, generator }), { generator }),
        ];
      });
      add(`dropout of all kinds ${dtype}`, () => {
        const generator = new Generator(12);
        return [
          ...withGradients((x) => dropout(x, 0.3, { generator }), numbers([MANY], dtype)),
          ...withGradients(
            (x) => dropout(x.transpose(), 0.3, { generator }),
            numbers([203, 301], dtype),
          ),
          ...withGradients((x) => alphaDropout(x, 0.2, { generator }), numbers([1003], dtype)),
          ...withGradients(
            (x) => featureDropout(x, 0.4, { generator }),
            numbers([9, 17, 5], dtype),
          ),
        ];
      });
      add(`poisson ${dtype}`, () => {
        const generator = new Generator(15);
        const rates = rand([67, 301], { dtype, generator }).mul(40);
        return [
          poisson(rates, { generator }),
          poisson(rates.transpose().mul(1000), { generator }),
          poisson(tensor([0, 0.01, 9.99, 10, 1e6, 2 ** 20, 1e9, 1e15], { dtype }), { generator }),
        ];
      });
      add(`multinomial ${dtype}`, () => {
        const generator = new Generator(13);
        const weights = rand([70, 301], { dtype, generator });
        return [
          multinomial(weights, 10, { generator }),
          multinomial(weights, 301, { generator }),
          multinomial(weights, 1003, { replacement: true, generator }),
        ];
      });
    }
    add('random whole numbers', () => {
      const generator = new Generator(14);
      return [
        ...lengths.flatMap((n) => [
          randint(-5, 100, [n], { generator }),
          randint(-(2 ** 31), 2 ** 31, [n], { generator }),
          randperm(n, { generator }),
        ]),
        randint(0, 256, [1003], { dtype: 'uint8', generator }),
      ];
    });
  },
};
