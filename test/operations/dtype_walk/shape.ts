import { type Difference, isHalf, isWhole } from './difference.js';
import { storage, unfit } from './reasons.js';

export const differences: readonly Difference[] = [
  {
    reason: 'tensors may have different dtypes, which meet where they become one',
    kind: 'computes',
    functions: ['meshgrid', 'cartesianProd'],
  },
  {
    reason: storage,
    kind: 'refuses',
    functions: ['vander'],
    when: ({ results }) => results.some(isHalf),
  },
  {
    reason:
      'a vector without elements takes a row, which PyTorch forgets in the gradients of the next',
    kind: 'values',
    functions: ['blockDiag'],
    when: ({ dtypes }) => dtypes.length === 4 && dtypes[0] === 'float32',
  },
  {
    reason: 'bools are only moved, which PyTorch does in the modes constant and circular',
    kind: 'computes',
    functions: ['pad'],
    when: ({ dtypes }) => dtypes[0] === 'bool',
  },
  {
    reason: unfit,
    kind: 'refuses',
    functions: ['pad'],
    when: ({ dtypes: [dtype = ''], args }) => {
      const { value = 0 } = args[2] as { value?: number };
      return dtype === 'bool' ? ![0, 1].includes(value) : value < 0 && isWhole(dtype);
    },
  },
];
