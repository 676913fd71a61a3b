import { TensorError } from '../errors.js';
import { describe } from './shape.js';

/**
 * Element types and the typed arrays that hold them. A bool is a byte, 0 or 1; bfloat16 and float16 are
 * bits (of float16 a `Float16Array` where Node has it, which this version of TypeScript's library may
 * not know: it is made of the same 16 bits).
 */
export interface DTypeArrays {
  /** Numbers of 32 bits. */
  float32: Float32Array;
  /** Numbers of 64 bits. */
  float64: Float64Array;
  /** Whole numbers from -2^31 to 2^31 - 1. */
  int32: Int32Array;
  /** Whole numbers from -2^63 to 2^63 - 1, as bigints. */
  int64: BigInt64Array;
  /** Whole numbers from -128 to 127. */
  int8: Int8Array;
  /** Whole numbers from 0 to 255. */
  uint8: Uint8Array;
  /** 0 and 1. */
  bool: Uint8Array;
  /** The bits of bfloat16 numbers. */
  bfloat16: Uint16Array;
  /** The bits of float16 numbers, or a `Float16Array`. */
  float16: Uint16Array;
}

/** The name of an element type. */
export type DType = keyof DTypeArrays;

/** The arrays of numbers: of all dtypes but int64, whose elements are bigints. */
export type TypedArray = DTypeArrays[Exclude<DType, 'int64'>];

/** What storages lie in: by an Int16Array the native side tells float16 from bfloat16. */
export type StoredArray = TypedArray | BigInt64Array | Int16Array;

/** What is known of a dtype. */
export interface DTypeInfo {
  /** Its place in this table. */
  readonly index: number;
  /** Makes the typed array; without a length it runs to the end of the buffer. */
  readonly Array:
    | Float32ArrayConstructor
    | Float64ArrayConstructor
    | Int32ArrayConstructor
    | BigInt64ArrayConstructor
    | Int16ArrayConstructor
    | Int8ArrayConstructor
    | Uint8ArrayConstructor
    | Uint16ArrayConstructor;
  readonly bytes: number;
  /** Whether tensors of it can have gradients. */
  readonly floating: boolean;
  /** Whether mathematics computes in it: integers have only arithmetic, floats of 16 bits none. */
  readonly arithmetic: boolean;
}

export const dtypes: Readonly<Record<DType, DTypeInfo>> = {
  float32: { index: 0, Array: Float32Array, bytes: 4, floating: true, arithmetic: true },
  float64: { index: 1, Array: Float64Array, bytes: 8, floating: true, arithmetic: true },
  int32: { index: 2, Array: Int32Array, bytes: 4, floating: false, arithmetic: false },
  int64: { index: 3, Array: BigInt64Array, bytes: 8, floating: false, arithmetic: false },
  int8: { index: 4, Array: Int8Array, bytes: 1, floating: false, arithmetic: false },
  uint8: { index: 5, Array: Uint8Array, bytes: 1, floating: false, arithmetic: false },
  bool: { index: 6, Array: Uint8Array, bytes: 1, floating: false, arithmetic: false },
  bfloat16: { index: 7, Array: Uint16Array, bytes: 2, floating: true, arithmetic: false },
  float16: { index: 8, Array: Int16Array, bytes: 2, floating: true, arithmetic: false },
};

const { float32, float64, int32, int64, int8, uint8, bool, bfloat16, float16 } = dtypes;

/**
 * `dtypes[dtype]` for code that runs in every operation: V8 takes 20 ns to look up a name that differs
 * from call to call, and next to nothing to compare it with known ones.
 */
export function infoOf(dtype: DType): DTypeInfo {
  switch (dtype) {
    case 'float32':
      return float32;
    case 'float64':
      return float64;
    case 'int32':
      return int32;
    case 'int64':
      return int64;
    case 'int8':
      return int8;
    case 'uint8':
      return uint8;
    case 'bool':
      return bool;
    case 'bfloat16':
      return bfloat16;
    case 'float16':
      return float16;
  }
}

/** Whether it is a float of 16 bits: for storage, and bfloat16 for matrix products. */
export const isHalf = (dtype: DType): boolean => dtype === 'bfloat16' || dtype === 'float16';

/**
 * The numbers that integers can hold: floats outside become the nearer end, as in `to`. The upper end
 * of int64 is not a number; this is the largest one below.
 */
export const integerRanges: Partial<Record<DType, readonly [low: number, high: number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 63), 2 ** 63 - 1024],
  int8: [-128, 127],
  uint8: [0, 255],
};

/** An array of float16 numbers over part of a buffer. */
type HalfConstructor = new (buffer: ArrayBufferLike, offset: number, length: number) => Uint16Array;

/** Node's array of float16 numbers, where it has one; typed as the array of 16 bits that it isn't. */
export function float16Array(): HalfConstructor | undefined {
  return (globalThis as { Float16Array?: HalfConstructor }).Float16Array;
}

/** Whether it is one of Node's own arrays of float16 numbers. */
function isFloat16Array(array: unknown): array is Uint16Array {
  const Half = float16Array();
  return Half !== undefined && array instanceof Half;
}

/**
 * The dtype whose elements a typed array holds (uint8 for a Uint8Array or Buffer), or null. A
 * Uint16Array gives null: whether it holds numbers or the bits of bfloat16 or float16 can't be seen.
 */
export function dtypeOf(array: unknown): Exclude<DType, 'bool' | 'bfloat16'> | null {
  if (array instanceof Float32Array) return 'float32';
  if (array instanceof Float64Array) return 'float64';
  if (array instanceof Int32Array) return 'int32';
  if (array instanceof BigInt64Array) return 'int64';
  if (array instanceof Int8Array) return 'int8';
  if (array instanceof Uint8Array) return 'uint8';
  if (isFloat16Array(array)) return 'float16';
  return null;
}

/** Whether a value is the name of a dtype. */
const isDType = (value: unknown): value is DType =>
  typeof value === 'string' && Object.hasOwn(dtypes, value);

/** Whether a value is the name of a dtype that the kernels compute in: float32 or float64. */
export const isArithmetic = (value: unknown): value is DType =>
  isDType(value) && dtypes[value].arithmetic;

/** @throws TensorError ERR_DTYPE unless `dtype` is one of ours */
export function checkDType(operation: string, dtype: unknown): asserts dtype is DType {
  if (!isDType(dtype)) {
    const name = typeof dtype === 'string' ? dtype : describe(dtype);
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] unknown dtype ${name}; known are ${Object.keys(dtypes).join(', ')}`,
    );
  }
}
