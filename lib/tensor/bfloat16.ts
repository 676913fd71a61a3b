/**
 * bfloat16 numbers by their bits: the upper half of a float32 (sign, 8 exponent bits, 7 fraction
 * bits). Tensors hold them in a Uint16Array.
 */
const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** Bit 6 of the fraction: set in a NaN that is quiet. */
const QUIET = 0x40;

const INFINITY_BITS = 0x7f800000;

/** The number that the bits stand for, exactly. */
export function fromBfloat16(pattern: number): number {
  bits[0] = pattern << 16;
  return single[0] as number;
}

/**
 * The bits of a number: rounded to float32 and then to bfloat16, each to nearest with ties to even,
 * as PyTorch converts. Too large becomes infinity, NaN stays NaN.
 */
export function toBfloat16(value: number): number {
  single[0] = value;
  const pattern = bits[0] as number;
  if ((pattern & 0x7fffffff) > INFINITY_BITS) return (pattern >>> 16) | QUIET;
  // Adds just under half a unit of the place that stays, and the rest when that place is odd.
  return (pattern + 0x7fff + ((pattern >>> 16) & 1)) >>> 16;
}
