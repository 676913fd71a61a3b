/** The dot product of two vectors. */
import { attach, recording } from '../../autograd/tape.js';
import { rows, runRow } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import type { Tensor } from '../../tensor/tensor.js';
import { mul } from '../elementwise/arithmetic.js';

/**
 * sum(a * b) in one pass, with the bits of multiplying and summing.
 * @param a shape [n], float32 or float64
 * @param b the same shape and dtype
 * @returns a scalar
 */
export function dotProduct(a: Tensor, b: Tensor): Tensor {
  const y = uninitialized([], a.dtype);
  const steps = [a.numel, a.strides[0] as number, b.strides[0] as number];
  runRow(rows.dot, [a.array, b.array, y.array], [a.offset, b.offset, y.offset], steps);
  if (recording(a, b)) attach(y, 'dot', [a, b], [(g) => mul(b, g), (g) => mul(a, g)]);
  return y;
}
