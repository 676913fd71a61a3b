/** Linear algebra: the names of torch.linalg. */

export {
  type CholeskyOptions,
  cholesky,
  choleskyInverse,
  choleskySolve,
} from './cholesky.js';
export { det, logdet, type SignAndLogarithm, slogdet } from './determinant.js';
export { type Eigh, type EighOptions, eigh, eigvalsh } from './eigh.js';
export { type Lstsq, type LstsqDriver, type LstsqOptions, lstsq } from './lstsq.js';
export {
  inv,
  type Lu,
  type LuFactors,
  lu,
  luFactor,
  luSolve,
  type SolveOptions,
  solve,
} from './lu.js';
export {
  type CondOptions,
  cond,
  type LinalgNormOptions,
  type MatrixNormOptions,
  type MatrixOrd,
  matrixNorm,
  norm,
  type VectorNormOptions,
  vectorNorm,
} from './norms.js';
export {
  matrixRank,
  pinv,
  type ToleranceOptions,
} from './pinv.js';
export { matrixExp, matrixPower } from './powers.js';
export { householderProduct, type Qr, type QrMode, type QrOptions, qr } from './qr.js';
export { type Svd, type SvdOptions, svd, svdvals } from './svd.js';
export { type SolveTriangularOptions, solveTriangular } from './triangular.js';
