/** How tensors lie in memory, for rows of the table that take three dimensions. */
import { isContiguous, numel } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';

/** Sizes before, of and after a dimension. */
export function aroundDim(x: Tensor, at: number): [outer: number, size: number, inner: number] {
  const { shape } = x;
  return [numel(shape.slice(0, at)), shape[at] as number, numel(shape.slice(at + 1))];
}

/**
 * The step between the elements of x's first `at` dimensions, walked as one, when the others lie
 * row-major without gaps; null when x doesn't lie like that.
 */
export function outerStep(x: Tensor, at: number): number | null {
  const inner = x.shape.slice(at);
  if (!isContiguous(inner, x.strides.slice(at))) return null;
  let step: number | null = null;
  let next = 0;
  for (let d = at - 1; d >= 0; d--) {
    const size = x.shape[d] as number;
    const stride = x.strides[d] as number;
    if (size === 1) continue;
    if (step === null) step = stride;
    else if (stride !== next) return null;
    next = stride * size;
  }
  return step ?? numel(inner);
}
