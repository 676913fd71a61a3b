import { type Difference, isHalf } from './difference.js';
import { storage } from './reasons.js';

export const differences: readonly Difference[] = [
  {
    reason: storage,
    kind: 'refuses',
    functions: [
      ...['matrixPower', 'linalg.matrixPower', 'matrixExp', 'linalg.matrixExp', 'trace'],
      ...['linalg.vectorNorm', 'linalg.matrixNorm', 'linalg.norm'],
    ],
    when: ({ dtypes }) => dtypes.some(isHalf),
  },
  {
    reason: 'bools have no products, also in the first power, which takes none',
    kind: 'refuses',
    functions: ['matrixPower', 'linalg.matrixPower'],
    when: ({ dtypes }) => dtypes[0] === 'bool',
  },
];
