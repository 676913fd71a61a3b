/** Values and gradients of linear algebra against PyTorch's. */
import { exp, eye, linalg, sign, type Tensor } from 'tilegrad';
import { describe, it } from 'vitest';
import {
  epsilon,
  expectGolden,
  Fixture,
  type Golden,
  gradients,
  largest,
  type StoredCase,
  toTensor,
} from '../golden.js';

const fixture = new Fixture<{ cases: StoredCase<never>[] }>('linalg');

const definite = (a: Tensor) =>
  a.matmul(a.mT).add(eye(a.shape.at(-1) as number, { dtype: a.dtype }));
const symmetric = (a: Tensor) => a.add(a.mT).mul(0.5);
const last = (a: Tensor, from: number, to: number) =>
  a.slice([...a.shape.slice(1).map(() => null), [from, to]]);

/** With the signs that make R's diagonal positive. */
function positiveQr(a: Tensor): { q: Tensor; r: Tensor } {
  const { q, r } = linalg.qr(a);
  const k = q.shape.at(-1) as number;
  const one = eye(k, { dtype: a.dtype });
  const signs = sign(last(r, 0, k).detach().mul(one).sum({ dim: -1 }));
  return { q: q.mul(signs.unsqueeze(-2)), r: r.mul(signs.unsqueeze(-1)) };
}

const projector = (v: Tensor) => last(v, 0, 2).matmul(last(v, 0, 2).mT);

const functions: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
  det: linalg.det,
  slogdet: (a) => linalg.slogdet(a).logabsdet,
  inv: linalg.inv,
  luL: (a) => linalg.lu(a).l,
  luU: (a) => linalg.lu(a).u,
  cholesky: (a) => linalg.cholesky(definite(a)),
  choleskyUpper: (a) => linalg.cholesky(definite(a), { upper: true }),
  choleskyInverse: (a) => linalg.choleskyInverse(linalg.cholesky(definite(a))),
  eigvalsh: (a) => linalg.eigvalsh(symmetric(a)),
  eighPower: (a) => {
    const { eigenvalues: w, eigenvectors: v } = linalg.eigh(symmetric(a));
    return v.mul(exp(w.div(4)).unsqueeze(-2)).matmul(v.mT);
  },
  matrixPower3: (a) => linalg.matrixPower(a, 3),
  'matrixPower-2': (a) => linalg.matrixPower(a, -2),
  matrixExp: linalg.matrixExp,
  cond1: (a) => linalg.cond(a, { p: 1 }),
  condfro: (a) => linalg.cond(a, { p: 'fro' }),
  qrQ: (a) => positiveQr(a).q,
  qrR: (a) => positiveQr(a).r,
  svdvals: linalg.svdvals,
  svdPower: (a) => {
    const { u, s, vh } = linalg.svd(a, { fullMatrices: false });
    return u.mul(s.sqrt().unsqueeze(-2)).matmul(vh);
  },
  svdU: (a) => projector(linalg.svd(a, { fullMatrices: false }).u),
  svdVh: (a) => projector(linalg.svd(a, { fullMatrices: false }).vh.mT),
  pinv: (a) => linalg.pinv(a),
  cond2: (a) => linalg.cond(a),
  'cond-2': (a) => linalg.cond(a, { p: -2 }),
  norm: (a) => linalg.norm(a),
  vectorNorm3: (a) => linalg.vectorNorm(a, { ord: 3, dim: -1 }),
  'vectorNorm0.5': (a) => linalg.vectorNorm(a, { ord: 0.5, dim: 0, keepDim: true }),
  'vectorNorm-inf': (a) => linalg.vectorNorm(a, { ord: -Infinity }),
  ...Object.fromEntries(
    (['fro', 'nuc', 1, -1, 2, -2, Infinity, -Infinity] as const).map((ord) => [
      `matrixNorm${String(ord).replace('Infinity', 'inf')}`,
      (a: Tensor) => linalg.matrixNorm(a, { ord }),
    ]),
  ),
  solve: linalg.solve,
  solveTriangular: (a, b) => linalg.solveTriangular(a, b, { upper: false }),
  solveTriangularUpper: (a, b) => linalg.solveTriangular(a, b, { upper: true }),
  choleskySolve: (a, b) => linalg.choleskySolve(b, a),
  luSolve: (a, b) => linalg.luSolve(linalg.luFactor(a), b),
  householderProduct: linalg.householderProduct,
  lstsq: (a, b) => linalg.lstsq(a, b).solution,
  'lstsq gelsd': (a, b) => linalg.lstsq(a, b, { driver: 'gelsd' }).solution,
};

/**
 * Both libraries' roundings in some tens of operations on each element, grown by the matrices'
 * condition: below 10 for all of the fixture.
 */
const kSteps = 60;
const kGrowth = 10;

describe('golden linear algebra', () => {
  for (const [index, stored] of fixture.content.cases.entries()) {
    const c = fixture.case(stored);
    // With what other options it is the same, too: names that begin with the operation's.
    const names = Object.keys(functions).filter((name) => name.split(' ')[0] === c.op);
    it.each(names)(`${index}: %s [${c.inputs[0]!.shape}] ${c.dtype}`, (name) => {
      const inputs = c.inputs.map((x) => toTensor(x, c.dtype, true));
      const [a, b] = inputs as [Tensor, Tensor];
      const y = (functions[name] as (a: Tensor, b: Tensor) => Tensor)(a, b);
      const eps = epsilon[c.dtype];
      const bound = (expected: Golden, growth: number) => {
        const limit = kSteps * growth * eps * Math.max(0.1, largest(expected));
        return () => limit;
      };
      expectGolden(y, c.output, bound(c.output, 1), 'output');
      for (const [i, grad] of gradients(y, c.gradOutput, c.dtype, inputs).entries()) {
        const expected = c.gradInputs[i] as Golden;
        expectGolden(grad, expected, bound(expected, kGrowth), `gradient of input ${i}`);
      }
    });
  }
});
