import { type Difference, isHalf, isWhole } from './difference.js';
import { indices, storage } from './reasons.js';

const sized = ['1d', '2d', '3d'];
const of = (...names: string[]): string[] =>
  names.flatMap((name) => sized.map((size) => `${name}${size}`));

const products = of('conv', 'convTranspose');
const means = of('avgPool', 'lpPool');
const maxima = of('maxPool', 'adaptiveMaxPool');
const moves = ['interpolate', 'im2col', 'col2im'];
const norms = ['layerNorm', 'rmsNorm', 'groupNorm', 'instanceNorm', 'batchNorm'];

export const differences: readonly Difference[] = [
  {
    reason: storage,
    kind: 'refuses',
    functions: [
      ...[...products, ...maxima, ...of('adaptiveAvgPool', 'maxUnpool'), ...moves, ...norms],
      ...['avgPool1d', 'avgPool2d', 'lpPool1d', 'lpPool2d', 'scaledDotProductAttention'],
    ],
    when: ({ results }) => results.some(isHalf),
  },
  {
    reason: 'layers are of float32 and float64; PyTorch has some for some integers',
    kind: 'refuses',
    functions: [...products, ...means, ...of('maxPool'), ...moves, 'localResponseNorm'],
    when: ({ dtypes: [dtype = ''] }) => isWhole(dtype),
  },
  {
    reason: indices,
    kind: 'dtype',
    functions: maxima,
    when: ({ dtypes: [dtype = ''], results }) => results.length === 2 && /float(32|64)/.test(dtype),
  },
];
