/**
 * float16 numbers by their bits: IEEE 754 binary16 (sign, 5 exponent bits, 10 fraction bits). Conversions
 * as in native/base/float16.h.
 */
const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

const INFINITY_BITS = 0x7f800000;
/** 65520, halfway between the largest float16 and the next power of 2. */
const OVERFLOW_BITS = 0x477ff000;
/** 2^-14, the smallest normal float16. */
const SMALLEST_NORMAL_BITS = 0x38800000;
/** The difference of the exponents' biases, 127 - 15, in place. */
const BIAS_BITS = 112 << 23;

/** The number that the bits stand for, exactly. */
export function fromFloat16(pattern: number): number {
  const sign = (pattern & 0x8000) === 0 ? 1 : -1;
  const exponent = (pattern >> 10) & 31;
  const fraction = pattern & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/**
 * The bits of a number: rounded to float32 and then to float16, each to nearest with ties to even, as
 * PyTorch converts. From 65520 on it becomes infinity, NaN stays NaN.
 */
export function toFloat16(value: number): number {
  single[0] = value;
  const pattern = bits[0] as number;
  const sign = (pattern >>> 16) & 0x8000;
  const magnitude = pattern & 0x7fffffff;
  if (magnitude > INFINITY_BITS) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
  if (magnitude >= OVERFLOW_BITS) return sign | 0x7c00;
  if (magnitude < SMALLEST_NORMAL_BITS) {
    // The last place of 0.5 is float16's smallest number: the addition rounds to a multiple of it.
    single[0] = Math.abs(single[0] as number) + 0.5;
    return sign | ((bits[0] as number) - 0x3f000000);
  }
  // Adds just under half a unit of the place that stays, and the rest when that place is odd.
  return sign | ((magnitude - BIAS_BITS + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}
