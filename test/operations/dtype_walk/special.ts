import type { Difference } from './difference.js';
import { indices, withIndices } from './reasons.js';

export const differences: readonly Difference[] = [
  {
    reason: indices,
    kind: 'dtype',
    functions: ['argmax', 'argmin', 'argsort', 'bucketize', 'countNonzero', 'searchsorted'],
  },
  {
    reason: indices,
    kind: 'dtype',
    functions: [
      ...withIndices,
      'unique',
      'uniqueConsecutive',
      'maxPool1d',
      'maxPool2d',
      'maxPool3d',
      'adaptiveMaxPool1d',
      'adaptiveMaxPool2d',
      'adaptiveMaxPool3d',
    ],
    when: ({ results }) => results.length > 1,
  },
  {
    reason: 'NaN stays NaN; in PyTorch none of its comparisons holds, as if there were no loss',
    kind: 'values',
    functions: ['multiMarginLoss'],
  },
  {
    reason:
      'NaN in, NaN out, as for eigenvalues; PyTorch says that its iteration does not converge',
    kind: 'computes',
    functions: ['linalg.svdvals', 'linalg.pinv'],
  },
];
