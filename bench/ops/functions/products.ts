/** Products, distances and linear algebra. */
import * as t from 'tilegrad';
import { forward, graded, inFloat64, of, square, trained, vector, whole } from './row.js';

const small = of(64, 64);
const batch = of(16, 32, 32);
const points = of(128, 32);

export const products = {
  addbmm: graded((a, b, c) => t.addbmm(a, b, c), 'torch.addbmm(a, b, c)', of(32, 32), batch, batch),
  addmm: graded((a, b, c) => t.addmm(a, b, c), 'torch.addmm(a, b, c)', small, small, small),
  addmv: graded((a, b, c) => t.addmv(a, b, c), 'torch.addmv(a, b, c)', of(256), square, of(256)),
  addr: graded((a, b, c) => t.addr(a, b, c), 'torch.addr(a, b, c)', square, of(256), of(256)),
  baddbmm: graded((a, b, c) => t.baddbmm(a, b, c), 'torch.baddbmm(a, b, c)', batch, batch, batch),
  bilinear: trained(
    (a, b, c) => t.bilinear(a, b, c),
    'F.bilinear(a, b, c)',
    of(32, 32),
    of(32, 32),
    of(32, 32, 32),
  ),
  bmm: graded((a, b) => t.bmm(a, b), 'torch.bmm(a, b)', batch, batch),
  chainMatmul: forward(
    (a, b, c) => t.chainMatmul(a, b, c),
    'torch.linalg.multi_dot([a, b, c])',
    small,
    small,
    small,
  ),
  cross: graded(
    (a, b) => t.cross(a, b, { dim: 1 }),
    'torch.linalg.cross(a, b, dim=1)',
    of(16384, 3),
    of(16384, 3),
  ),
  dot: graded((a, b) => t.dot(a, b), 'torch.dot(a, b)', vector, vector),
  inner: graded((a, b) => t.inner(a, b), 'torch.inner(a, b)', small, small),
  int8Matmul: forward(
    (a, b) => t.int8Matmul(a, b),
    'torch._int_mm(a, b)',
    whole('int8', 128, 128),
    whole('int8', 128, 128),
  ),
  kron: graded((a, b) => t.kron(a, b), 'torch.kron(a, b)', of(16, 16), of(16, 16)),
  linear: trained((a, b, c) => t.linear(a, b, c), 'F.linear(a, b, c)', small, small, of(64)),
  matmul: graded((a, b) => t.matmul(a, b), 'a @ b', small, small),
  mm: graded((a, b) => t.mm(a, b), 'torch.mm(a, b)', small, small),
  multiDot: graded(
    (a, b, c) => t.multiDot([a, b, c]),
    'torch.linalg.multi_dot([a, b, c])',
    small,
    small,
    small,
  ),
  mv: graded((a, b) => t.mv(a, b), 'torch.mv(a, b)', square, of(256)),
  outer: graded((a, b) => t.outer(a, b), 'torch.outer(a, b)', of(256), of(256)),
  scaledDotProductAttention: trained(
    (a, b, c) => t.scaledDotProductAttention(a, b, c),
    'F.scaled_dot_product_attention(a, b, c)',
    of(2, 4, 64, 32),
    of(2, 4, 64, 32),
    of(2, 4, 64, 32),
  ),
  tensordot: graded(
    (a, b) => t.tensordot(a, b, { dims: 1 }),
    'torch.tensordot(a, b, 1)',
    small,
    small,
  ),
};

export const distances = {
  cdist: graded((a, b) => t.cdist(a, b), 'torch.cdist(a, b)', points, points),
  'cdist 1': graded((a, b) => t.cdist(a, b, { p: 1 }), 'torch.cdist(a, b, 1.)', points, points),
  cosineSimilarity: graded(
    (a, b) => t.cosineSimilarity(a, b),
    'F.cosine_similarity(a, b)',
    square,
    square,
  ),
  normalize: graded((a) => t.normalize(a), 'F.normalize(a)', square),
  pairwiseDistance: graded(
    (a, b) => t.pairwiseDistance(a, b),
    'F.pairwise_distance(a, b)',
    square,
    square,
  ),
  renorm: graded(
    (a) => t.renorm(a, { p: 2, dim: 0, maxNorm: 5 }),
    'torch.renorm(a, 2, 0, 5)',
    square,
  ),
};

// 64 on the diagonal, and factors of magnitude 1 beside it: far from singular.
const regular = { shape: [64, 64], diagonal: 64 };
const definite = { ...regular, symmetric: true };
const right = of(64, 4);

export const linearAlgebra = {
  choleskyInverse: inFloat64(
    forward((a) => t.choleskyInverse(a), 'torch.cholesky_inverse(a)', regular),
  ),
  choleskySolve: inFloat64(
    forward((a, b) => t.choleskySolve(b, a), 'torch.cholesky_solve(b, a)', regular, right),
  ),
  det: inFloat64(graded((a) => t.det(a), 'torch.det(a)', regular)),
  inverse: inFloat64(graded((a) => t.inverse(a), 'torch.inverse(a)', regular)),
  logdet: inFloat64(graded((a) => t.logdet(a), 'torch.logdet(a)', regular)),
  matrixExp: inFloat64(forward((a) => t.matrixExp(a), 'torch.matrix_exp(a)', small)),
  matrixPower: inFloat64(
    forward((a) => t.matrixPower(a, 5), 'torch.linalg.matrix_power(a, 5)', small),
  ),
  pinverse: inFloat64(forward((a) => t.pinverse(a), 'torch.pinverse(a)', regular)),
  slogdet: inFloat64(
    forward((a) => Object.values(t.slogdet(a)), 'torch.linalg.slogdet(a)[0]', regular),
  ),
  'linalg.eigvalsh': inFloat64(
    forward((a) => t.linalg.eigvalsh(a), 'torch.linalg.eigvalsh(a)', definite),
  ),
  'linalg.eigh': inFloat64(
    forward((a) => Object.values(t.linalg.eigh(a)), 'torch.linalg.eigh(a)[0]', definite),
  ),
  'linalg.lstsq': inFloat64(
    forward((a, b) => t.linalg.lstsq(a, b).solution, 'torch.linalg.lstsq(a, b)[0]', regular, right),
  ),
  'linalg.luFactor': inFloat64(
    forward((a) => Object.values(t.linalg.luFactor(a)), 'torch.linalg.lu_factor(a)[0]', regular),
  ),
  'linalg.qr': inFloat64(
    forward((a) => [t.linalg.qr(a).r.abs()], 'torch.linalg.qr(a)[1].abs()', regular),
  ),
  'linalg.solveTriangular': inFloat64(
    graded(
      (a, b) => t.linalg.solveTriangular(a, b, { upper: true }),
      'torch.linalg.solve_triangular(a, b, upper=True)',
      regular,
      right,
    ),
  ),
  'linalg.svd': inFloat64(
    forward(
      (a) => {
        const { u, s, vh } = t.linalg.svd(a);
        return [s, u, vh];
      },
      'torch.linalg.svd(a)[1]',
      small,
    ),
  ),
  'linalg.svdvals': inFloat64(
    forward((a) => t.linalg.svdvals(a), 'torch.linalg.svdvals(a)', small),
  ),
};
