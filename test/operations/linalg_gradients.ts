/** Calls of linear algebra whose gradients, and their gradients, are compared with central differences. */
import { eye, linalg, matmul, stack, type Tensor, trace, zeros } from 'tilegrad';

export type Fn = (...inputs: Tensor[]) => Tensor;

/** A float64 leaf without symmetries, its diagonal far from 0, singular values apart. */
export function matrix(shape: readonly number[], seed = 1): Tensor {
  const t = zeros(shape, { dtype: 'float64' });
  const { data } = t;
  const n = shape.at(-1) as number;
  const m = shape.at(-2) ?? 1;
  for (let k = 0; k < data.length; k++) {
    const [i, j] = [Math.floor(k / n) % m, k % n];
    data[k] = Math.sin(1.7 * k + seed) + (i === j ? 3 + i : 0) + 0.3 * Math.floor(k / (m * n));
  }
  t.requiresGrad = true;
  return t;
}

/** The symmetric positive definite matrix of a square one. */
export const definite = (x: Tensor): Tensor =>
  x.matmul(x.mT).add(eye(x.shape.at(-1) as number, { dtype: 'float64' }));

const symmetric = (x: Tensor): Tensor => x.add(x.mT).mul(0.5);

const square = [
  [3, 3],
  [2, 3, 3],
  [1, 1],
];
const any = [
  [3, 3],
  [4, 2],
  [2, 4],
  [2, 3, 2],
];

const each = (shapes: number[][], fn: Fn): [Fn, number[][]][] => shapes.map((s) => [fn, [s]]);
const withSides = (fn: Fn): [Fn, number[][]][] => [
  [
    fn,
    [
      [3, 3],
      [3, 2],
    ],
  ],
  [
    fn,
    [
      [2, 3, 3],
      [3, 1],
    ],
  ],
  [
    fn,
    [
      [3, 3],
      [2, 3, 2],
    ],
  ],
];

/** By function, with the variant behind its name: what is differentiated, and the shapes of its inputs. */
export const linalgGradients: Record<string, [Fn, number[][]][]> = {
  det: each(square, linalg.det),
  slogdet: each(square, (a) => linalg.slogdet(a).logabsdet),
  logdet: each(square, (a) => linalg.logdet(definite(a))),
  inv: each(square, linalg.inv),
  solve: [
    ...withSides((a, b) => linalg.solve(a, b)),
    [(a, b) => linalg.solve(a, b), [[3, 3], [3]]],
  ],
  'solve right': withSides((a, b) => linalg.solve(a, b.mT, { left: false })),
  luFactor: each(any, (a) => linalg.luFactor(a).lu),
  'lu l': each(any, (a) => linalg.lu(a).l),
  'lu u': each(any, (a) => linalg.lu(a).u),
  luSolve: [
    [
      (a, b) => linalg.luSolve(linalg.luFactor(a), b),
      [
        [3, 3],
        [3, 2],
      ],
    ],
    [
      (a, b) => linalg.luSolve(linalg.luFactor(a), b),
      [
        [2, 3, 3],
        [2, 3, 1],
      ],
    ],
  ],
  cholesky: each(square, (a) => linalg.cholesky(definite(a))),
  'cholesky upper': each(square, (a) => linalg.cholesky(definite(a), { upper: true })),
  choleskySolve: withSides((a, b) => linalg.choleskySolve(b, a)),
  'choleskySolve upper': withSides((a, b) => linalg.choleskySolve(b, a, { upper: true })),
  choleskyInverse: each(square, (a) => linalg.choleskyInverse(a)),
  solveTriangular: withSides((a, b) => linalg.solveTriangular(a, b, { upper: false })),
  'solveTriangular upper': withSides((a, b) => linalg.solveTriangular(a, b, { upper: true })),
  'solveTriangular unit': withSides((a, b) =>
    linalg.solveTriangular(a.mul(0.3), b, { upper: true, unitriangular: true }),
  ),
  'solveTriangular right': withSides((a, b) =>
    linalg.solveTriangular(a, b.mT, { upper: true, left: false }),
  ),
  'qr q': each(any, (a) => linalg.qr(a).q),
  'qr r': each(any, (a) => linalg.qr(a, { mode: 'r' }).r),
  'qr complete': each(
    [
      [3, 3],
      [2, 4],
    ],
    (a) => linalg.qr(a, { mode: 'complete' }).q,
  ),
  householderProduct: [
    [linalg.householderProduct, [[3, 2], [2]]],
    [
      linalg.householderProduct,
      [
        [2, 3, 3],
        [2, 2],
      ],
    ],
  ],
  'eigh values': each(square, (a) => linalg.eigh(symmetric(a)).eigenvalues),
  'eigh vectors': each(square, (a) => linalg.eigh(symmetric(a)).eigenvectors),
  eigvalsh: each(square, (a) => linalg.eigvalsh(symmetric(a), { UPLO: 'U' })),
  'svd values': each(any, (a) => linalg.svd(a).s),
  'svd u': each(any, (a) => linalg.svd(a, { fullMatrices: false }).u),
  'svd vh': each(any, (a) => linalg.svd(a, { fullMatrices: false }).vh),
  svdvals: each(any, linalg.svdvals),
  pinv: each([...any, [2, 2, 3]], (a) => linalg.pinv(a)),
  'pinv hermitian': each(square, (a) => linalg.pinv(symmetric(a), { hermitian: true })),
  lstsq: [
    [
      (a, b) => linalg.lstsq(a, b).solution,
      [
        [4, 2],
        [4, 2],
      ],
    ],
    [
      (a, b) => linalg.lstsq(a, b).solution,
      [
        [2, 3],
        [2, 1],
      ],
    ],
    [
      (a, b) => linalg.lstsq(a, b).solution,
      [
        [3, 3],
        [3, 2],
      ],
    ],
    // Batches, the right sides stretched; a row of matrices more.
    [
      (a, b) => linalg.lstsq(a, b).solution,
      [
        [2, 4, 3],
        [4, 2],
      ],
    ],
    [
      (a, b) => linalg.lstsq(a, b).solution,
      [
        [2, 3, 4],
        [3, 1],
      ],
    ],
    // Rank 2 whatever the factors are, alone and beside a matrix of rank 3.
    [
      (u, v, b) => linalg.lstsq(matmul(u, v), b, { rcond: 1e-8 }).solution,
      [
        [4, 2],
        [2, 3],
        [4, 2],
      ],
    ],
    [
      (u, v, a) => linalg.lstsq(stack([matmul(u, v), a]), a, { rcond: 1e-8 }).solution,
      [
        [4, 2],
        [2, 3],
        [4, 3],
      ],
    ],
    [
      (a, b) => linalg.lstsq(a, b, { driver: 'gelsd' }).solution,
      [
        [4, 2],
        [4, 2],
      ],
    ],
    [
      (a, b) => linalg.lstsq(a, b).residuals,
      [
        [4, 2],
        [4, 2],
      ],
    ],
  ],
  norm: each(any, (a) => linalg.norm(a)),
  'vectorNorm 3': each(any, (a) => linalg.vectorNorm(a, { ord: 3, dim: -1 })),
  ...Object.fromEntries(
    (['fro', 'nuc', 1, -1, 2, -2, Infinity, -Infinity] as const).map((ord) => [
      `matrixNorm ${ord}`,
      each(any, (a) => linalg.matrixNorm(a, { ord })),
    ]),
  ),
  cond: each(any, (a) => linalg.cond(a)),
  'cond 1': each(square, (a) => linalg.cond(a, { p: 1 })),
  'matrixPower 3': each(square, (a) => linalg.matrixPower(a, 3)),
  'matrixPower -2': each(square, (a) => linalg.matrixPower(a, -2)),
  // Of small values: differences of exp(5) have errors of 1e-7. The second ones are squared.
  matrixExp: each(square, (a) => linalg.matrixExp(a.mul(0.5))),
  'matrixExp negative': each(square, (a) => linalg.matrixExp(a.mul(-1.5)).mul(50)),
  trace: each(
    [
      [3, 3],
      [2, 4],
    ],
    trace,
  ),
};
