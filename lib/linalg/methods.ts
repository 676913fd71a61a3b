/** What PyTorch has outside of torch.linalg too: functions of the top level, and methods of Tensor. */
import { defineMethods } from '../ops/elementwise/elementwise.js';
import type { Tensor } from '../tensor/tensor.js';
import { type CholeskyOptions, cholesky, choleskyInverse, choleskySolve } from './cholesky.js';
import { det, logdet, type SignAndLogarithm, slogdet } from './determinant.js';
import { inv } from './lu.js';
import { pinv, type ToleranceOptions } from './pinv.js';
import { matrixExp, matrixPower, trace } from './powers.js';

export { choleskyInverse, choleskySolve, det, logdet, matrixExp, matrixPower, slogdet, trace };

/**
 * The inverses of square matrices: PyTorch's other name of `linalg.inv`.
 * @param a shape [..., n, n], float32 or float64; the result has its shape and dtype
 * @throws TensorError as `linalg.inv`
 * @example
 * ```ts
 * inverse(tensor([[2, 0], [0, 4]])); // => [[0.5, 0], [0, 0.25]]
 * ```
 */
export function inverse(a: Tensor): Tensor {
  return inv(a);
}

/**
 * The pseudoinverses of matrices of any shape: PyTorch's other name of `linalg.pinv`.
 * @param a shape [..., m, n], float32 or float64; the result has shape [..., n, m]
 * @throws TensorError as `linalg.pinv`
 * @example
 * ```ts
 * pinverse(tensor([[2, 0], [0, 4], [0, 0]])); // => [[0.5, 0, 0], [0, 0.25, 0]]
 * ```
 */
export function pinverse(a: Tensor, options?: ToleranceOptions): Tensor {
  return pinv(a, options);
}

declare module '../tensor/tensor.js' {
  interface Tensor {
    /** The Cholesky factors of symmetric positive definite matrices: `linalg.cholesky`. */
    cholesky(options?: CholeskyOptions): Tensor;
    /** The inverses of matrices by their Cholesky factors, which these are. */
    choleskyInverse(options?: CholeskyOptions): Tensor;
    /** Solutions of equations with these right sides, by Cholesky factors. */
    choleskySolve(factor: Tensor, options?: CholeskyOptions): Tensor;
    /** The determinants of square matrices. */
    det(): Tensor;
    /** The inverses of square matrices: `linalg.inv`. */
    inverse(): Tensor;
    /** The logarithms of determinants. */
    logdet(): Tensor;
    /** The exponentials of square matrices. */
    matrixExp(): Tensor;
    /** A whole power of square matrices. */
    matrixPower(n: number): Tensor;
    /** The pseudoinverses of matrices: `linalg.pinv`. */
    pinverse(options?: ToleranceOptions): Tensor;
    /** Signs and logarithms of determinants. */
    slogdet(): SignAndLogarithm;
    /** The sum of a matrix's diagonal. */
    trace(): Tensor;
  }
}

defineMethods({
  cholesky,
  choleskyInverse,
  choleskySolve,
  det,
  inverse,
  logdet,
  matrixExp,
  matrixPower,
  pinverse,
  slogdet,
  trace,
});
