/** Gradients of views of parts: zeros with what has arrived at the places that the part shows. */
import { addTo, mayGrow, takeGrowing } from '../../autograd/engine.js';
import { attach, recording } from '../../autograd/tape.js';
import { fillWith, uninitialized } from '../../tensor/creation.js';
import type { Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { copyInto } from '../operand.js';

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

/**
 * The gradient of x, of which `view` gave a part, from that of the part. Where gradients of its other
 * parts have arrived, this one is added to them in place: the parts of a split, the steps of a sequence
 * or the elements that a loop reads cost no sum over all of x each.
 */
export function viewGradient(operation: string, g: Tensor, x: Tensor, view: View): Tensor {
  if (recording(g)) return embed(operation, g, x.shape, view);
  const before = takeGrowing(x);
  if (before !== null) {
    const part = view(before);
    addTo(part, part, g);
    return before;
  }
  const whole = embed(operation, g, x.shape, view);
  mayGrow(x, whole);
  return whole;
}
