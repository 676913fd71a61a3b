/** Reductions that ask which elements are 0. NaN isn't, -0 is. */
import type { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { checkTensor } from '../operand.js';
import { compute, plan, type ReduceOptions } from './reduction.js';

/**
 * Whether all elements over dimensions are other than 0, as bool; true of nothing. Of any dtype.
 * @example
 * ```ts
 * all(tensor([true, false])); // => false
 * all(tensor([[1, 2], [0, 3]]), { dim: 1 }); // => [true, false]
 * ```
 */
export function all(x: Tensor, options?: ReduceOptions): Tensor {
  checkTensor('all', x);
  return compute('all', x, plan('all', x, options), 'bool', 1);
}

/**
 * Whether any element over dimensions is other than 0, as bool; false of nothing. Of any dtype.
 * @example
 * ```ts
 * any(tensor([[0, 0], [0, 3]]), { dim: 1 }); // => [false, true]
 * ```
 */
export function any(x: Tensor, options?: ReduceOptions): Tensor {
  checkTensor('any', x);
  return compute('any', x, plan('any', x, options), 'bool', 0);
}

/**
 * How many elements over dimensions are other than 0, as int32 (PyTorch has int64). Of any dtype.
 * @example
 * ```ts
 * countNonzero(tensor([0, 3, 0, 4])); // => 2
 * ```
 */
export function countNonzero(x: Tensor, options?: ReduceOptions): Tensor {
  checkTensor('countNonzero', x);
  return compute('countNonzero', x, plan('countNonzero', x, options), 'int32', 0);
}

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** Whether all elements are other than 0, over all dimensions or the given ones. */
    all(options?: ReduceOptions): Tensor;
    /** Whether any element is other than 0, over all dimensions or the given ones. */
    any(options?: ReduceOptions): Tensor;
    /** How many elements are other than 0, over all dimensions or the given ones. */
    countNonzero(options?: ReduceOptions): Tensor;
  }
}

defineMethods({ all, any, countNonzero });
