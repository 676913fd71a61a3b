/** Single elements: between numbers and what lies in a storage's array. */
import { fromBfloat16, toBfloat16 } from './bfloat16.js';
import type { DType, StoredArray } from './dtype.js';
import { fromFloat16, toFloat16 } from './float16.js';

/** The ends of int64. */
const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

/** A number as an int64, as `to` converts floats: towards zero, to the nearer end, NaN to 0. */
export function toInt64(value: number | bigint): bigint {
  let whole: bigint;
  if (typeof value === 'bigint') whole = value;
  else if (Number.isNaN(value)) return 0n;
  else if (!Number.isFinite(value)) return value > 0 ? MOST : LEAST;
  else whole = BigInt(Math.trunc(value));
  return whole > MOST ? MOST : whole < LEAST ? LEAST : whole;
}

/** Puts a number into an array that holds elements of the dtype. Integers wrap around. */
export function setElement(array: StoredArray, at: number, value: number | bigint, dtype: DType) {
  const elements = array as { [index: number]: number | bigint };
  if (dtype === 'int64') elements[at] = BigInt(value);
  else if (dtype === 'bfloat16') elements[at] = toBfloat16(Number(value));
  else if (dtype === 'float16') elements[at] = toFloat16(Number(value));
  else if (typeof value === 'number') elements[at] = value;
  else if (dtype === 'float32' || dtype === 'float64') elements[at] = Number(value);
  // 32 bits are all that the other integers look at.
  else elements[at] = Number(BigInt.asIntN(32, value));
}

/** An element of the dtype: a bigint of int64, a number of all others. */
export function getElement(array: StoredArray, at: number, dtype: DType): number | bigint {
  const value = array[at] as number | bigint;
  if (dtype === 'bfloat16') return fromBfloat16(value as number);
  return dtype === 'float16' ? fromFloat16(value as number) : value;
}
