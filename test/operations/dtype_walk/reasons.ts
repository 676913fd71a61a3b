/** Reasons that several parts of the walk give. */
export const storage = 'floats of 16 bits are for storage and matrix products';
export const indices = 'indices and counts are int32';
export const unfit = 'a number that the dtype cannot hold is refused, where PyTorch cuts it';
export const whole = 'a factor of integers is whole, of bools 1; PyTorch cuts others';

/** Functions that give values and where they were. */
export const withIndices: readonly string[] = [
  ...['cummax', 'cummin', 'kthvalue', 'max', 'median', 'min', 'mode', 'nanmedian', 'sort', 'topk'],
];
