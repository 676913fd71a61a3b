/** Where the library differs from PyTorch on purpose, as data: one file for each part of the walk. */

import type { TensorErrorCode } from 'tilegrad';

/** What a difference is told of a run. */
export interface Walked {
  /** The dtypes of the samples. */
  readonly dtypes: readonly string[];
  /** PyTorch's dtypes of the results, none where it refuses or gives no tensors. */
  readonly results: readonly string[];
  /** The arguments as the fixture has them, '$0' for the first sample. */
  readonly args: readonly unknown[];
}

export interface Difference {
  /** Why it is right as it is. */
  readonly reason: string;
  /**
   * What the library does: it `refuses` what PyTorch computes; it `computes` what PyTorch refuses; its
   * results are of another `dtype`; their `values` differ.
   */
  readonly kind: 'refuses' | 'computes' | 'dtype' | 'values';
  /** The functions that do, each in every such run (`computes`: of those that PyTorch refuses). */
  readonly functions: readonly string[];
  /** Of the error, where it refuses. Default ERR_DTYPE. */
  readonly code?: TensorErrorCode;
  /** Which runs. Default: all. */
  readonly when?: (run: Walked) => boolean;
}

export const isHalf = (dtype: string): boolean => dtype === 'bfloat16' || dtype === 'float16';
/** Whether operands of these dtypes meet at a float of 16 bits. */
export const meetAtHalf = (dtypes: readonly string[]): boolean => {
  const floats = dtypes.filter((d) => !isWhole(d));
  return floats.length > 0 && floats.every((d) => isHalf(d) && d === floats[0]);
};
export const isWhole = (dtype: string): boolean => !/float/.test(dtype);
