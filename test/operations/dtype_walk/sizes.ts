import { type Difference, isWhole } from './difference.js';
import { indices, ofPlaces, withIndices } from './reasons.js';

export const differences: readonly Difference[] = [
  ofPlaces,
  {
    reason: indices,
    kind: 'dtype',
    functions: [...withIndices],
    when: ({ results }) => results.length > 1,
  },
  {
    reason: 'truth values have no sign, square or order: neg and abs refuse them too',
    kind: 'refuses',
    functions: ['sign', 'square'],
    when: ({ dtypes }) => dtypes[0] === 'bool',
  },
  {
    reason: "activations are of floats; PyTorch's kernels of some take integers by chance",
    kind: 'refuses',
    functions: ['relu6', 'hardtanh', 'softsign', 'tanhshrink'],
    when: ({ dtypes }) => dtypes.every(isWhole),
  },
];
