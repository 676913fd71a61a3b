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
  {
    reason:
      'residuals are there with every driver; LAPACK gives none with gelsy, and so does PyTorch',
    kind: 'values',
    functions: ['linalg.lstsq'],
    when: ({ args, dtypes }) => args.length === 2 && /float(32|64)/.test(dtypes[0] ?? ''),
  },
];
