/** What PyTorch has outside of torch.linalg too: functions of the top level, and methods of Tensor. */
import { defineMethods } from '../ops/elementwise.js';
import { type CholeskyOptions, cholesky, choleskyInverse, choleskySolve } from './cholesky.js';
import { det, inv, logdet, type SignAndLogarithm, slogdet } from './lu.js';
import { pinv } from './pinv.js';
import { matrixExp, matrixPower, trace } from './powers.js';

export {
  choleskyInverse,
  choleskySolve,
  det,
  inv as inverse,
  logdet,
  matrixExp,
  matrixPower,
  pinv as pinverse,
  slogdet,
  trace,
};

declare module '../tensor/tensor.js' {
  interface Tensor {
    /** The Cholesky factors of symmetric positive definite matrices: `linalg.cholesky`. */
    cholesky(options?: CholeskyOptions): Tensor;
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
    pinverse(): Tensor;
    /** Signs and logarithms of determinants. */
    slogdet(): SignAndLogarithm;
    /** The sum of a matrix's diagonal. */
    trace(): Tensor;
  }
}

defineMethods({
  cholesky,
  det,
  inverse: inv,
  logdet,
  matrixExp,
  matrixPower,
  pinverse: pinv,
  slogdet,
  trace,
});
