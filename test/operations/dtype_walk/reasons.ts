import type { Difference } from './difference.js';

/** Reasons that several parts of the walk give. */
export const storage = 'floats of 16 bits are for storage and matrix products';
export const indices = 'indices and counts are int32';
export const unfit = 'a number that the dtype cannot hold is refused, where PyTorch cuts it';
export const whole = 'a factor of integers is whole, of bools 1; PyTorch cuts others';

/** Functions that give values and where they were. */
export const withIndices: readonly string[] = [
  ...['cummax', 'cummin', 'kthvalue', 'max', 'median', 'min', 'mode', 'nanmedian', 'sort', 'topk'],
];

/** Functions whose result is an index or a count. */
export const ofPlaces: Difference = {
  reason: indices,
  kind: 'dtype',
  functions: [
    ...['argmax', 'argmin', 'argsort', 'bincount', 'bucketize', 'countNonzero', 'searchsorted'],
  ],
  when: ({ results }) => results[0] === 'int64',
};
