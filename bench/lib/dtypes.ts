/**
 * The element types of matrix products: a new one gets a line here, arrays in python_peer.py (and
 * onnx.ts, where ONNX has the product), a peak in peak.ts, and its cases in bench/gemm/cases.ts.
 */
export interface ElementType {
  /** The numbers of lib/inputs.ts as numbers that this type has. */
  from(values: Float32Array): Float32Array | Float64Array;
  /** Half the distance from 1 to the next number of the type that sums are kept in. */
  unitRoundoff: number;
  /** The same of the result's type, where that is another one. */
  resultRoundoff?: number;
}

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** To the nearest bfloat16, the upper half of a float32, ties to even. */
function toBfloat16(value: number): number {
  float[0] = value;
  const word = bits[0]!;
  bits[0] = (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000;
  return float[0];
}

export const dtypes = {
  float32: { from: (values) => values, unitRoundoff: 2 ** -24 },
  float64: { from: (values) => Float64Array.from(values), unitRoundoff: 2 ** -53 },
  bfloat16: {
    from: (values) => values.map(toBfloat16),
    unitRoundoff: 2 ** -24,
    resultRoundoff: 2 ** -9,
  },
  // Integers of -127 to 127, whose sums are exact in int32.
  int8: { from: (values) => values.map((x) => Math.trunc(x * 128)), unitRoundoff: 0 },
} as const satisfies Record<string, ElementType>;

export type GemmDType = keyof typeof dtypes;
