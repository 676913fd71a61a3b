import { TensorError } from '../errors.js';

/** Element types and the typed arrays that hold them. A bool is a byte, 0 or 1. */
export interface DTypeArrays {
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
  int8: Int8Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

export type DType = keyof DTypeArrays;
export type TypedArray = DTypeArrays[DType];

interface DTypeInfo {
  /** Makes the typed array; without a length it runs to the end of the buffer. */
  readonly Array:
    | Float32ArrayConstructor
    | Float64ArrayConstructor
    | Int32ArrayConstructor
    | Int8ArrayConstructor
    | Uint8ArrayConstructor;
  readonly bytes: number;
  readonly floating: boolean;
}

export const dtypes: Readonly<Record<DType, DTypeInfo>> = {
  float32: { Array: Float32Array, bytes: 4, floating: true },
  float64: { Array: Float64Array, bytes: 8, floating: true },
  int32: { Array: Int32Array, bytes: 4, floating: false },
  int8: { Array: Int8Array, bytes: 1, floating: false },
  uint8: { Array: Uint8Array, bytes: 1, floating: false },
  bool: { Array: Uint8Array, bytes: 1, floating: false },
};

/** The dtype whose elements a typed array holds (uint8 for a Uint8Array or Buffer), or null. */
export function dtypeOf(array: unknown): Exclude<DType, 'bool'> | null {
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
