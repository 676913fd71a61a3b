/** Gradients of views of parts: zeros with what has arrived at the places that the part shows. */
import { addTo } from '../autograd/engine.js';
import { attach, recording } from '../autograd/tape.js';
import { fillWith, uninitialized } from '../tensor/creation.js';
import type { Shape } from '../tensor/shape.js';
import type { GradNode, Tensor } from '../tensor/tensor.js';
import { copyInto } from './operand.js';

/** Shows a part of a tensor, each of its places at most once. */
export type View = (whole: Tensor) => Tensor;

/** Zeros of a shape with the elements of x in the part that `view` shows: the view's adjoint. */
export function embed(operation: string, x: Tensor, shape: Shape, view: View): Tensor {
  const whole = uninitialized(shape, x.dtype);
  fillWith(whole, 0);
  copyInto(view(whole), x);
  if (recording(x)) attach(whole, operation, [x], [view]);
  return whole;
}

/** Sums that `viewGradient` made and nobody else has seen, and for whom. */
const sums = new WeakMap<Tensor, GradNode>();

/**
 * The gradient of x, of which `view` gave a part, from that of the part. Where x is the result of an
 * operation and gradients of its other parts have arrived, this one is added to them in place: the
 * parts of a split or the steps of a sequence cost no sum over all of x each.
 */
export function viewGradient(operation: string, g: Tensor, x: Tensor, view: View): Tensor {
  const { node } = x;
  if (node === null || recording(g)) return embed(operation, g, x.shape, view);
  const { pending } = node;
  if (pending !== null && sums.get(pending) === node) {
    const part = view(pending);
    addTo(part, part, g);
    node.pending = null; // it arrives again, as this function's result
    return pending;
  }
  const whole = embed(operation, g, x.shape, view);
  sums.set(whole, node);
  return whole;
}

/** x, or a node of its own for a leaf, where the gradients of several parts come together. */
export function sourceOfParts(operation: string, x: Tensor): Tensor {
  if (x.node !== null || !recording(x)) return x;
  return attach(x.strided(x.shape, x.strides, x.offset), operation, [x], [(g) => g]);
}
