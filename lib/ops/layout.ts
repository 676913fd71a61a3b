/** How tensors lie in memory, for rows of the table that take three dimensions. */
import type { Tensor } from '../tensor/tensor.js';

/** Sizes before, of and after a dimension. */
export function aroundDim(x: Tensor, at: number): [outer: number, size: number, inner: number] {
  const { shape } = x;
  let outer = 1;
  let inner = 1;
  for (let d = 0; d < at; d++) outer *= shape[d] as number;
  for (let d = at + 1; d < shape.length; d++) inner *= shape[d] as number;
  return [outer, shape[at] as number, inner];
}

/**
 * The step between the elements of x's first `at` dimensions, walked as one, when the others lie
 * row-major without gaps; null when x doesn't lie like that.
 */
export function outerStep(x: Tensor, at: number): number | null {
  const { shape, strides } = x;
  let span = 1;
  for (let d = shape.length - 1; d >= at; d--) span *= shape[d] as number;
  let expected = 1;
  for (let d = shape.length - 1; d >= at && span > 0; d--) {
    const size = shape[d] as number;
    if (size !== 1 && strides[d] !== expected) return null;
    expected *= size;
  }
  let step: number | null = null;
  let next = 0;
  for (let d = at - 1; d >= 0; d--) {
    const size = shape[d] as number;
    const stride = strides[d] as number;
    if (size === 1) continue;
    if (step === null) step = stride;
    else if (stride !== next) return null;
    next = stride * size;
  }
  return step ?? span;
}
