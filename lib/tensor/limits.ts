/** What numbers of a dtype can be: ISO/IEC 60559 (IEEE 754) formats, and integers of two's complement. */
import { TensorError } from '../errors.js';
import { checkDType, type DType } from './dtype.js';

/** What {@link finfo} says of floats. */
export interface FloatInfo {
  /** Which dtype it is about. */
  readonly dtype: DType;
  /** How many bits a number takes. */
  readonly bits: number;
  /** The distance from 1 to the next larger number. */
  readonly eps: number;
  /** The largest finite number. */
  readonly max: number;
  /** The smallest finite number, -max. */
  readonly min: number;
  /** The smallest number above 0 with full precision. */
  readonly smallestNormal: number;
}

/** What {@link iinfo} says of integers. */
export interface IntegerInfo {
  /** Which dtype it is about. */
  readonly dtype: DType;
  /** How many bits a number takes. */
  readonly bits: number;
  /** The largest number. Of int64 as a bigint: no number is exactly 2^63 - 1. */
  readonly max: number | bigint;
  /** The smallest number. Of int64 as a bigint. */
  readonly min: number | bigint;
}

/** Bits in all, of the fraction, and the largest exponent. */
const FLOATS: Partial<Record<DType, readonly [bits: number, fraction: number, exponent: number]>> =
  {
    bfloat16: [16, 7, 127],
    float16: [16, 10, 15],
    float32: [32, 23, 127],
    float64: [64, 52, 1023],
  };

const INTEGERS: Partial<Record<DType, readonly [bits: number, signed: boolean]>> = {
  uint8: [8, false],
  int8: [8, true],
  int32: [32, true],
  int64: [64, true],
};

/**
 * The limits of a floating dtype, as torch.finfo.
 * @throws TensorError ERR_DTYPE for another or unknown dtype
 * @example
 * ```ts
 * finfo('float32').eps; // => 1.1920929e-7
 * finfo('float16').max; // => 65504
 * ```
 */
export function finfo(dtype: DType): FloatInfo {
  checkDType('finfo', dtype);
  const format = FLOATS[dtype];
  if (format === undefined) {
    throw new TensorError('ERR_DTYPE', `[finfo] takes floating dtypes, not ${dtype}; see iinfo`);
  }
  const [bits, fraction, exponent] = format;
  const max = (2 - 2 ** -fraction) * 2 ** exponent;
  return { dtype, bits, eps: 2 ** -fraction, max, min: -max, smallestNormal: 2 ** (1 - exponent) };
}

/**
 * The limits of an integer dtype, as torch.iinfo.
 * @throws TensorError ERR_DTYPE for another or unknown dtype
 * @example
 * ```ts
 * iinfo('uint8').max; // => 255
 * iinfo('int32').min; // => -2147483648
 * ```
 */
export function iinfo(dtype: DType): IntegerInfo {
  checkDType('iinfo', dtype);
  const format = INTEGERS[dtype];
  if (format === undefined) {
    throw new TensorError('ERR_DTYPE', `[iinfo] takes integer dtypes, not ${dtype}; see finfo`);
  }
  const [bits, signed] = format;
  if (bits === 64) return { dtype, bits, max: 2n ** 63n - 1n, min: -(2n ** 63n) };
  const range = signed ? bits - 1 : bits;
  return { dtype, bits, max: 2 ** range - 1, min: signed ? -(2 ** range) : 0 };
}
