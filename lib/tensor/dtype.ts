import { TensorError } from '../errors.js';

/** Element types and the typed arrays that hold them. A bool is a byte, 0 or 1; bfloat16 are bits. */
export interface DTypeArrays {
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
  int8: Int8Array;
  uint8: Uint8Array;
  bool: Uint8Array;
  bfloat16: Uint16Array;
}

/** The name of an element type. */
export type DType = keyof DTypeArrays;
/** A typed array that elements can lie in. */
export type TypedArray = DTypeArrays[DType];

interface DTypeInfo {
  /** Makes the typed array; without a length it runs to the end of the buffer. */
  readonly Array:
    | Float32ArrayConstructor
    | Float64ArrayConstructor
    | Int32ArrayConstructor
    | Int8ArrayConstructor
    | Uint8ArrayConstructor
    | Uint16ArrayConstructor;
  readonly bytes: number;
  /** Whether tensors of it can have gradients. */
  readonly floating: boolean;
  /** Whether mathematics computes in it: integers have only arithmetic, bfloat16 is for storage and matrix products. */
  readonly arithmetic: boolean;
}

export const dtypes: Readonly<Record<DType, DTypeInfo>> = {
  float32: { Array: Float32Array, bytes: 4, floating: true, arithmetic: true },
  float64: { Array: Float64Array, bytes: 8, floating: true, arithmetic: true },
  int32: { Array: Int32Array, bytes: 4, floating: false, arithmetic: false },
  int8: { Array: Int8Array, bytes: 1, floating: false, arithmetic: false },
  uint8: { Array: Uint8Array, bytes: 1, floating: false, arithmetic: false },
  bool: { Array: Uint8Array, bytes: 1, floating: false, arithmetic: false },
  bfloat16: { Array: Uint16Array, bytes: 2, floating: true, arithmetic: false },
};

/** The numbers that integers can hold: floats outside become the nearer end, as in `to`. */
export const integerRanges: Partial<Record<DType, readonly [low: number, high: number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int8: [-128, 127],
  uint8: [0, 255],
};

/**
 * The dtype whose elements a typed array holds (uint8 for a Uint8Array or Buffer), or null. A
 * Uint16Array gives null: whether it holds numbers or the bits of bfloat16 can't be seen.
 */
export function dtypeOf(array: unknown): Exclude<DType, 'bool' | 'bfloat16'> | null {
  if (array instanceof Float32Array) return 'float32';
  if (array instanceof Float64Array) return 'float64';
  if (array instanceof Int32Array) return 'int32';
  if (array instanceof Int8Array) return 'int8';
  if (array instanceof Uint8Array) return 'uint8';
  return null;
}

/** @throws TensorError ERR_DTYPE unless `dtype` is one of ours */
export function checkDType(operation: string, dtype: unknown): asserts dtype is DType {
  if (typeof dtype !== 'string' || !Object.hasOwn(dtypes, dtype)) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] unknown dtype ${String(dtype)}; known are ${Object.keys(dtypes).join(', ')}`,
    );
  }
}
