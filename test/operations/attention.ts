/** Attention and what is made of it: layers of transformers, positions. */
import { Generator, nn, ones, scaledDotProductAttention, type Tensor, tensor } from 'tilegrad';
import { dtypes, numbers, withGradients } from './bits.js';
import { one } from './gradients.js';
import { dtypesOf, type Misuse, notFinite, optionsOf, tensorArguments, wrong } from './misuse.js';
import type { Family } from './operation.js';

const name = 'scaledDotProductAttention';
const q = ones([2, 3, 4]);
const k = ones([2, 5, 4]);
const v = ones([2, 5, 2]);
const double = ones([2, 5, 4], { dtype: 'float64' });

const causal = (a: Tensor, b: Tensor, c: Tensor) =>
  scaledDotProductAttention(a, b, c, { isCausal: true });
const allowed = tensor([
  [true, false],
  [false, false],
  [true, true],
]);

/** Values that are no whole number >= 1. */
const counts = (call: (value: never) => unknown): Misuse[] =>
  [0, -1, 0.5, '3', null, Number.NaN, {}].map(
    (value): Misuse => [() => call(wrong(value)), 'ERR_ARGUMENT'],
  );

const switches = (call: (options: never) => unknown, ...names: string[]): Misuse[] =>
  names.flatMap((option) =>
    [0, 1, 'true', null].map(
      (value): Misuse => [
        () => call(wrong({ [option]: value })),
        'ERR_ARGUMENT',
        `${option} is true or false`,
      ],
    ),
  );

const probabilities = (option: string, call: (options: never) => unknown): Misuse[] =>
  [-0.1, 1.1, '0.5', null, Number.NaN].map(
    (p): Misuse => [() => call(wrong({ [option]: p })), 'ERR_ARGUMENT', 'a probability'],
  );

const call = (options: never) => scaledDotProductAttention(q, k, v, options);
const mha = new nn.MultiheadAttention(4, 2);
const x = ones([3, 1, 4]);
const layerOptions = { dimFeedforward: 4 };
const encoder = new nn.TransformerEncoderLayer(4, 2, layerOptions);
const decoder = new nn.TransformerDecoderLayer(4, 2, layerOptions);
const both = { ...layerOptions, numEncoderLayers: 1, numDecoderLayers: 1 };

type LayerKind = new (dModel: number, nhead: number, options?: never) => unknown;

const layerMisuse = (name: string, Layer: LayerKind): Misuse[] => [
  ...counts((size) => new Layer(size, 2)),
  ...counts((heads) => new Layer(4, heads)),
  ...counts((dimFeedforward) => new Layer(4, 2, wrong({ dimFeedforward })))
    // null is refused as well, by the layer that gets it
    .slice(0, 4),
  [() => new Layer(4, 3), 'ERR_ARGUMENT', 'do not divide'],
  ...optionsOf(name, (options) => new Layer(4, 2, options)),
  ...switches((options) => new Layer(4, 2, options), 'batchFirst', 'normFirst', 'bias'),
  ...probabilities('dropout', (options) => new Layer(4, 2, options)).slice(0, 3),
  ...dtypesOf((options) => new Layer(4, 2, options)),
  [() => new Layer(4, 2, wrong({ activation: 'sine' })), 'ERR_ARGUMENT', 'relu, gelu'],
  [() => new Layer(4, 2, wrong({ generator: 3 })), 'ERR_ARGUMENT'],
];

type PositionalKind = new (dModel: number, options?: never) => nn.Module;

const positionalMisuse = (name: string, Layer: PositionalKind): Misuse[] => [
  ...counts((size) => new Layer(size)),
  ...[0, -1, 0.5, '3'].map(
    (maxLen): Misuse => [() => new Layer(4, wrong({ maxLen })), 'ERR_ARGUMENT'],
  ),
  ...optionsOf(name, (options) => new Layer(4, options)),
  ...switches((options) => new Layer(4, options), 'batchFirst'),
  ...dtypesOf((options) => new Layer(4, options)),
  ...tensorArguments((t) => new Layer(4).forward(t)),
  [() => new Layer(4).forward(ones([2, 3])), 'ERR_SHAPE'],
  [() => new Layer(4).forward(ones([4])), 'ERR_SHAPE'],
  [() => new Layer(4, wrong({ maxLen: 2 })).forward(ones([3, 4])), 'ERR_SHAPE', 'maxLen'],
];

export const attentions: Family = {
  title: 'Attention',
  operations: {
    scaledDotProductAttention: {
      misuse: [
        ...tensorArguments((t) => scaledDotProductAttention(t, k, v)),
        ...tensorArguments((t) => scaledDotProductAttention(q, t, v)),
        ...tensorArguments((t) => scaledDotProductAttention(q, k, t)),
        ...optionsOf(name, call),
        ...probabilities('dropoutP', call),
        ...[...notFinite, '1'].map(
          (scale): Misuse => [() => call(wrong({ scale })), 'ERR_ARGUMENT', 'scale'],
        ),
        ...switches(call, 'isCausal', 'enableGqa'),
        [() => scaledDotProductAttention(ones([4]), k, v), 'ERR_SHAPE'],
        [() => scaledDotProductAttention(ones([2, 3, 3]), k, v), 'ERR_SHAPE', 'last dimension'],
        [
          () => scaledDotProductAttention(q, k, ones([2, 4, 2])),
          'ERR_SHAPE',
          '5 keys and 4 values',
        ],
        [() => scaledDotProductAttention(ones([3, 3, 4]), k, v), 'ERR_SHAPE'],
        [() => scaledDotProductAttention(q, double, v), 'ERR_DTYPE'],
        [() => call(wrong({ attnMask: 5 })), 'ERR_ARGUMENT'],
        [() => call(wrong({ attnMask: ones([4, 5]) })), 'ERR_SHAPE', 'attnMask'],
        [() => call(wrong({ attnMask: ones([1, 2, 3, 5]) })), 'ERR_SHAPE', 'attnMask'],
        [() => call(wrong({ attnMask: ones([3, 5], { dtype: 'float64' }) })), 'ERR_DTYPE'],
        [() => call(wrong({ attnMask: ones([3, 5], { dtype: 'uint8' }) })), 'ERR_DTYPE'],
        [() => call(wrong({ generator: 3 })), 'ERR_ARGUMENT'],
        [
          () =>
            scaledDotProductAttention(ones([3, 4]), ones([5, 4]), ones([5, 2]), {
              enableGqa: true,
            }),
          'ERR_SHAPE',
        ],
        [
          () => scaledDotProductAttention(ones([3, 3, 4]), k, v, { enableGqa: true }),
          'ERR_SHAPE',
          'multiple',
        ],
      ],
      gradients: [
        one(
          (a, b, c) => scaledDotProductAttention(a!, b!, c!, { scale: 0.3 }),
          [2, 3, 2],
          [2, 4, 2],
          [2, 4, 3],
        ),
        one((a, b, c) => causal(a!.mul(0.2), b!.mul(0.2), c!), [3, 2], [4, 2], [4, 1]),
        one((a) => causal(a.mul(0.1), a.mul(0.1), a), [1, 2, 3, 2]),
        one(
          (a, b, c) => scaledDotProductAttention(a!.mul(0.1), b!, c!, { attnMask: allowed }),
          [3, 2],
          [2, 2],
          [2, 2],
        ),
        one(
          (a, m) => scaledDotProductAttention(a!.mul(0.1), a!, a!, { attnMask: m!.mul(0.1) }),
          [2, 3, 2],
          [3, 3],
        ),
        one(
          (a, b) => scaledDotProductAttention(a!.mul(0.1), b!.mul(0.1), b!, { enableGqa: true }),
          [2, 3, 2],
          [1, 4, 2],
        ),
        one((a, b) => scaledDotProductAttention(a!, b!, b!), [2, 3], [0, 3]),
      ],
    },
  },
  modules: {
    MultiheadAttention: [
      ...counts((size) => new nn.MultiheadAttention(size, 2)),
      ...counts((heads) => new nn.MultiheadAttention(4, heads)),
      [() => new nn.MultiheadAttention(4, 3), 'ERR_ARGUMENT', 'do not divide'],
      ...optionsOf('MultiheadAttention', (options) => new nn.MultiheadAttention(4, 2, options)),
      ...switches(
        (options) => new nn.MultiheadAttention(4, 2, options),
        ...['bias', 'addBiasKv', 'addZeroAttn', 'batchFirst'],
      ),
      ...probabilities('dropout', (options) => new nn.MultiheadAttention(4, 2, options)),
      ...dtypesOf((options) => new nn.MultiheadAttention(4, 2, options)),
      ...tensorArguments((t) => mha.forward(t, x, x)),
      ...tensorArguments((t) => mha.forward(x, x, t)),
      ...optionsOf('MultiheadAttention', (options) => mha.forward(x, x, x, options)),
      ...switches(
        (options) => mha.forward(x, x, x, options),
        ...['needWeights', 'averageAttnWeights', 'isCausal'],
      ),
      [() => mha.forward(ones([3, 1, 5]), x, x), 'ERR_SHAPE', 'the query'],
      [() => mha.forward(x, ones([3, 4]), x), 'ERR_SHAPE', 'the key'],
      [() => mha.forward(x, ones([3, 2, 4]), x), 'ERR_SHAPE'],
      [() => mha.forward(x, ones([5, 1, 4]), x), 'ERR_SHAPE'],
      [() => mha.forward(x, x, x, { attnMask: ones([3, 4]) }), 'ERR_SHAPE', 'attnMask'],
      [() => mha.forward(x, x, x, { keyPaddingMask: ones([3]) }), 'ERR_SHAPE', 'keyPaddingMask'],
      [() => mha.forward(x, x, x, { attnMask: ones([3, 3], { dtype: 'int32' }) }), 'ERR_DTYPE'],
    ],
    TransformerEncoderLayer: [
      ...layerMisuse('TransformerEncoderLayer', nn.TransformerEncoderLayer as LayerKind),
      ...optionsOf('TransformerEncoderLayer', (options) => encoder.forward(x, options)),
      [() => encoder.forward(ones([3, 1, 5])), 'ERR_SHAPE', '[MultiheadAttention]'],
    ],
    TransformerDecoderLayer: [
      ...layerMisuse('TransformerDecoderLayer', nn.TransformerDecoderLayer as LayerKind),
      ...optionsOf('TransformerDecoderLayer', (options) => decoder.forward(x, x, options)),
      [() => decoder.forward(x, ones([3, 2, 4])), 'ERR_SHAPE', '[MultiheadAttention]'],
    ],
    TransformerEncoder: [
      ...counts((n) => new nn.TransformerEncoder(encoder, n)),
      [() => new nn.TransformerEncoder(wrong(decoder), 1), 'ERR_ARGUMENT'],
      [() => new nn.TransformerEncoder(encoder, 1, wrong(5)), 'ERR_ARGUMENT', 'not a module'],
      ...optionsOf('TransformerEncoder', (options) =>
        new nn.TransformerEncoder(encoder, 1).forward(x, options),
      ),
    ],
    TransformerDecoder: [
      ...counts((n) => new nn.TransformerDecoder(decoder, n)),
      [() => new nn.TransformerDecoder(wrong(encoder), 1), 'ERR_ARGUMENT'],
      [() => new nn.TransformerDecoder(decoder, 1, wrong(5)), 'ERR_ARGUMENT', 'not a module'],
      ...optionsOf('TransformerDecoder', (options) =>
        new nn.TransformerDecoder(decoder, 1).forward(x, x, options),
      ),
    ],
    Transformer: [
      ...optionsOf('Transformer', (options) => new nn.Transformer(4, 2, options)),
      ...counts((n) => new nn.Transformer(4, 2, { ...both, numEncoderLayers: n })),
      [
        () => new nn.Transformer(4, 2, both).forward(x, ones([3, 1, 5])),
        'ERR_SHAPE',
        '[Transformer]',
      ],
      ...optionsOf('Transformer', (options) =>
        new nn.Transformer(4, 2, both).forward(x, x, options),
      ),
    ],
    generateSquareSubsequentMask: [
      ...counts((n) => nn.generateSquareSubsequentMask(n)),
      ...optionsOf('generateSquareSubsequentMask', (options) =>
        nn.generateSquareSubsequentMask(2, options),
      ),
      ...dtypesOf((options) => nn.generateSquareSubsequentMask(2, options)),
    ],
    SinusoidalPositionalEncoding: positionalMisuse(
      'SinusoidalPositionalEncoding',
      nn.SinusoidalPositionalEncoding as PositionalKind,
    ),
    LearnedPositionalEmbedding: positionalMisuse(
      'LearnedPositionalEmbedding',
      nn.LearnedPositionalEmbedding as PositionalKind,
    ),
    RotaryEmbedding: [
      ...counts((size) => new nn.RotaryEmbedding(size)),
      [() => new nn.RotaryEmbedding(3), 'ERR_ARGUMENT', 'even'],
      ...optionsOf('RotaryEmbedding', (options) => new nn.RotaryEmbedding(4, options)),
      ...switches((options) => new nn.RotaryEmbedding(4, options), 'interleaved'),
      ...dtypesOf((options) => new nn.RotaryEmbedding(4, options)),
      [() => new nn.RotaryEmbedding(4, { base: 0 }), 'ERR_ARGUMENT', 'base'],
      ...tensorArguments((t) => new nn.RotaryEmbedding(4).forward(t)),
      ...optionsOf('RotaryEmbedding', (options) => new nn.RotaryEmbedding(4).forward(x, options)),
      ...[-1, 0.5, Number.NaN, '1'].map(
        (offset): Misuse => [
          () => new nn.RotaryEmbedding(4).forward(x, wrong({ offset })),
          'ERR_ARGUMENT',
          'offset',
        ],
      ),
      [() => new nn.RotaryEmbedding(4).forward(ones([3, 5])), 'ERR_SHAPE'],
    ],
  },
  bits(add) {
    for (const dtype of dtypes) {
      add(`attention ${dtype}`, () => {
        const of = (shape: number[], seed: number) => numbers(shape, dtype, seed);
        const mask = of([1, 70, 90], 4);
        const generator = new Generator(3);
        return [
          // More pairs than threads, and pairs whose products the threads share.
          ...withGradients(
            causal,
            of([9, 2, 67, 19], 1),
            of([9, 2, 67, 19], 2),
            of([9, 2, 67, 33], 3),
          ),
          ...withGradients(
            (a, b, c) =>
              scaledDotProductAttention(a!, b!, c!, { attnMask: mask, dropoutP: 0.3, generator }),
            of([3, 70, 40], 1),
            of([3, 90, 40], 2),
            of([3, 90, 24], 3),
          ),
          ...withGradients(causal, of([300, 32], 1), of([300, 32], 2), of([300, 32], 3)),
        ];
      });
    }
  },
};
