import { type Difference, isHalf, isWhole } from './difference.js';
import { storage } from './reasons.js';

const ofElements = ['l1Loss', 'smoothL1Loss', 'poissonNllLoss', 'hingeEmbeddingLoss'];
const ofSeveral = [
  ...['marginRankingLoss', 'cosineEmbeddingLoss'],
  ...['tripletMarginLoss', 'tripletMarginWithDistanceLoss'],
];
const ofFloats = [
  ...['mseLoss', 'huberLoss', 'klDivLoss', 'softMarginLoss', 'gaussianNllLoss'],
  ...['binaryCrossEntropy', 'binaryCrossEntropyWithLogits', 'multilabelSoftMarginLoss'],
  ...['crossEntropy', 'nllLoss'],
];

export const differences: readonly Difference[] = [
  {
    reason: storage,
    kind: 'refuses',
    functions: [...ofElements, ...ofSeveral, ...ofFloats],
    when: ({ results }) => results.some(isHalf),
  },
  {
    reason: 'losses are of float32 and float64: integers have no gradients',
    kind: 'refuses',
    functions: [...ofElements, ...ofSeveral],
    when: ({ dtypes: [dtype = ''] }) => isWhole(dtype),
  },
  {
    reason: 'all integers are taken for classes',
    kind: 'computes',
    functions: ['crossEntropy', 'nllLoss'],
    when: ({ dtypes: [dtype = ''] }) => dtype === 'float32',
  },
];
