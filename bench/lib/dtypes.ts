/**
 * The element types of matrix products: a new one gets a line here, arrays in python_peer.py (and
 * onnx.ts, where ONNX has the product), a peak in peak.ts, and its cases in bench/gemm/cases.ts.
 */
export interface ElementType {
  /** The numbers of lib/inputs.ts as elements of this type. */
  from(values: Float32Array): Float32Array | Float64Array;
  /** Half the distance from 1 to the next number of the type that sums are kept in. */
  unitRoundoff: number;
}

export const dtypes = {
  float32: { from: (values) => values, unitRoundoff: 2 ** -24 },
  float64: { from: (values) => Float64Array.from(values), unitRoundoff: 2 ** -53 },
} as const satisfies Record<string, ElementType>;

export type GemmDType = keyof typeof dtypes;
