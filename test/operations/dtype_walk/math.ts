import { type Difference, isHalf } from './difference.js';

export const differences: readonly Difference[] = [
  {
    reason: 'floats of 16 bits are for storage and matrix products',
    kind: 'refuses',
    functions: ['add', 'sub', 'mul', 'div'],
    when: ({ results }) => results.some(isHalf),
  },
  {
    reason: 'there is no int16: uint8 and int8 meet at int32',
    kind: 'dtype',
    functions: ['add', 'sub', 'mul'],
    when: ({ results }) => results.includes('int16'),
  },
  {
    reason: 'a bool beside a number is 0 or 1, as in add',
    kind: 'computes',
    functions: ['sub'],
    when: ({ dtypes, args }) => dtypes.some((d) => d !== 'bool') || typeof args[1] === 'number',
  },
];
