/** All parameters of an optimizer as one vector, and the arithmetic of such vectors. */
import { rows, runTernaryContiguous } from '../native/commands.js';
import { abs } from '../ops/elementwise/arithmetic.js';
import { copyInto, scalar } from '../ops/operand.js';
import { dot } from '../ops/product/products.js';
import { amax } from '../ops/reduction/extremum.js';
import { sum } from '../ops/reduction/reduce.js';
import { fillWith, uninitialized } from '../tensor/creation.js';
import type { DType } from '../tensor/dtype.js';
import { keepStorage, recycleAfter } from '../tensor/memory.js';
import { Tensor } from '../tensor/tensor.js';

/** A vector of the parameters' dtype that belongs to the optimizer: no scope takes it back. */
export function flatVector(length: number, dtype: DType): Tensor {
  const made = uninitialized([length], dtype);
  keepStorage(made.storage);
  return made;
}

/** Calls fn with each tensor and the part of the vector that stands for it. */
function overParts(
  tensors: readonly Tensor[],
  flat: Tensor,
  fn: (t: Tensor, part: Tensor) => void,
): void {
  let at = flat.offset;
  for (const t of tensors) {
    fn(t, new Tensor(flat.storage, t.shape, undefined, at));
    at += t.numel;
  }
}

/** Writes the parameters' elements into a vector, in order. */
export function gather(flat: Tensor, parameters: readonly Tensor[]): void {
  overParts(parameters, flat, (parameter, part) => copyInto(part, parameter));
}

/** Writes a vector's elements into the parameters. */
export function scatter(parameters: readonly Tensor[], flat: Tensor): void {
  overParts(parameters, flat, (parameter, part) => copyInto(parameter, part));
}

/** Writes the parameters' gradients into a vector; a missing one is 0. */
export function gatherGradients(flat: Tensor, parameters: readonly Tensor[]): void {
  overParts(parameters, flat, (parameter, part) => {
    const gradient = parameter.accumulatedGrad;
    if (gradient === null) fillWith(part, 0);
    else copyInto(part, gradient);
  });
}

/** into = x + alpha y, in one pass; `into` may be x. */
export function addScaled(into: Tensor, x: Tensor, alpha: number, y: Tensor): void {
  const one = scalar(1, x.dtype);
  runTernaryContiguous(rows.addcmul, [x, y, one], [1, 1, 0], into, into.numel, alpha);
  into.storage.version++;
}

/** into = alpha x, in one pass; `into` may be x. */
export function scale(into: Tensor, alpha: number, x: Tensor): void {
  const zero = scalar(0, x.dtype);
  const one = scalar(1, x.dtype);
  runTernaryContiguous(rows.addcmul, [zero, x, one], [0, 1, 0], into, into.numel, alpha);
  into.storage.version++;
}

export const dotOf = (a: Tensor, b: Tensor): number => recycleAfter(() => Number(dot(a, b).item()));

export const largestOf = (x: Tensor): number =>
  x.numel === 0 ? 0 : recycleAfter(() => Number(amax(abs(x)).item()));

export const absoluteSumOf = (x: Tensor): number => recycleAfter(() => Number(sum(abs(x)).item()));
