/** Linear algebra: wrong calls and bits; test/linalg checks gradients of all of `linalg`. */

import * as tilegrad from 'tilegrad';
import { eye, linalg, ones, type Tensor, tensor, zeros } from 'tilegrad';
import { dtypes, numbers, withGradients } from './bits.js';
import { type Case, one } from './gradients.js';
import {
  bools,
  half,
  integers,
  kinds,
  type Misuse,
  notFinite,
  optionsOf,
  wrong,
  x,
} from './misuse.js';
import type { Family } from './operation.js';

const square = eye(2);
const double = eye(2, { dtype: 'float64' });
const vector = ones([2]);
const singular = zeros([3, 2, 2]);
singular.data.set([1, 0, 0, 1, 1, 2, 2, 4]);

/** Everything that holds no matrices of floats. */
const matrices = (call: (a: Tensor) => unknown, name?: string, takesIntegers = false): Misuse[] => {
  const message = name === undefined ? ([] as const) : ([`[${name}]`] as const);
  return [
    ...kinds.map((value): Misuse => [() => call(wrong(value)), 'ERR_ARGUMENT', ...message]),
    ...(takesIntegers ? [] : [[() => call(integers), 'ERR_DTYPE', ...message] satisfies Misuse]),
    [() => call(bools), 'ERR_DTYPE', ...message],
    [() => call(half), 'ERR_DTYPE', "convert with to('float32')"],
    [() => call(tensor(1)), 'ERR_SHAPE', ...message],
    [() => call(ones([3])), 'ERR_SHAPE', ...message],
  ];
};

const squares = (call: (a: Tensor) => unknown, name?: string, takesIntegers = false): Misuse[] => {
  const message = name === undefined ? ([] as const) : ([`[${name}]`] as const);
  return [
    ...matrices(call, name, takesIntegers),
    [() => call(x), 'ERR_SHAPE', 'takes square matrices, not [2, 3]: 2 != 3'],
    [() => call(ones([2, 3, 2])), 'ERR_SHAPE', ...message],
  ];
};

/** The second operand beside a square matrix of 2 rows. */
const sides = (call: (b: Tensor) => unknown): Misuse[] => [
  ...kinds.map((value): Misuse => [() => call(wrong(value)), 'ERR_ARGUMENT']),
  [() => call(double), 'ERR_DTYPE'],
  [() => call(integers), 'ERR_DTYPE'],
  [() => call(ones([3, 2])), 'ERR_SHAPE'],
];

const flags = (call: (value: never) => unknown): Misuse[] =>
  [0, 'true', null, {}].map((value): Misuse => [() => call(wrong(value)), 'ERR_ARGUMENT']);

const inverse: Misuse[] = [
  ...squares(tilegrad.inverse, 'inv'),
  [() => tilegrad.inverse(singular), 'ERR_ARGUMENT', '[inv] matrix [1] of the batch is singular'],
  [() => tilegrad.inverse(zeros([2, 2])), 'ERR_ARGUMENT', '[inv] the matrix is singular: U[0, 0]'],
];

const matrixPower: Misuse[] = [
  ...squares((a) => tilegrad.matrixPower(a, 2), 'matrixPower', true),
  [() => tilegrad.matrixPower(integers, -1), 'ERR_DTYPE'],
  ...[undefined, null, 0.5, '2', Number.NaN, Infinity, x].map(
    (n): Misuse => [() => tilegrad.matrixPower(square, wrong(n)), 'ERR_ARGUMENT'],
  ),
  [() => tilegrad.matrixPower(zeros([2, 2]), -1), 'ERR_ARGUMENT', 'is singular'],
];

const tolerance = (name: string, call: (a: Tensor, options?: object) => unknown): Misuse[] => [
  ...matrices(call),
  ...optionsOf(name, (options) => call(square, options)),
  ...flags((hermitian) => call(square, { hermitian })),
  ...[...notFinite, -1].flatMap((value): Misuse[] => [
    [() => call(square, { rtol: value }), 'ERR_ARGUMENT'],
    [() => call(square, { atol: value }), 'ERR_ARGUMENT'],
  ]),
  [() => call(x, { hermitian: true }), 'ERR_SHAPE'],
];

const choleskySolve: Misuse[] = [
  ...matrices((b) => tilegrad.choleskySolve(b, square)),
  ...squares((l) => tilegrad.choleskySolve(square, l)),
  ...optionsOf('choleskySolve', (options) => tilegrad.choleskySolve(square, square, options)),
  ...flags((upper) => tilegrad.choleskySolve(square, square, { upper })),
  [() => tilegrad.choleskySolve(ones([3, 1]), square), 'ERR_SHAPE'],
  [() => tilegrad.choleskySolve(double, square), 'ERR_DTYPE'],
  [() => tilegrad.choleskySolve(ones([2, 2, 1]), ones([3, 2, 2])), 'ERR_SHAPE'],
];

const choleskyInverse: Misuse[] = [
  ...squares((l) => tilegrad.choleskyInverse(l)),
  ...optionsOf('choleskyInverse', (options) => tilegrad.choleskyInverse(square, options)),
  ...flags((upper) => tilegrad.choleskyInverse(square, { upper })),
];

const orders = (name: string, call: (ord: never) => unknown): Misuse[] =>
  [3, 0, 'max', null, {}, Number.NaN].map(
    (ord): Misuse => [() => call(wrong(ord)), 'ERR_ARGUMENT', `[${name}]`],
  );

const normOptions = (name: string, call: (t: Tensor, options?: object) => unknown): Misuse[] => [
  ...kinds.map((value): Misuse => [() => call(wrong(value)), 'ERR_ARGUMENT']),
  [() => call(integers), 'ERR_DTYPE'],
  ...optionsOf(name, (options) => call(x, options)),
];

/** Square matrices that are far from singular, whatever `input` gives. */
const regular = (t: Tensor): Tensor => t.mul(0.1).add(eye(3, { dtype: 'float64' }).mul(5));

/** The functions' gradients; test/linalg has more shapes, and second derivatives. */
const cases = (fn: (t: Tensor) => Tensor): Case[] => [
  one((t) => fn(regular(t)), [3, 3]),
  one((t) => fn(regular(t)), [2, 3, 3]),
  one((t) => fn(regular(t)), [0, 3, 3]),
];

const { slogdet } = tilegrad;

export const linearAlgebra: Family = {
  title: 'Linear algebra',
  operations: {
    choleskyInverse: { misuse: choleskyInverse, gradients: cases(tilegrad.choleskyInverse) },
    choleskySolve: {
      misuse: choleskySolve,
      gradients: [one((b, l) => tilegrad.choleskySolve(b, regular(l)), [3, 2], [3, 3])],
    },
    det: { misuse: squares(tilegrad.det), gradients: cases(tilegrad.det) },
    inverse: { misuse: inverse, gradients: cases(tilegrad.inverse) },
    logdet: { misuse: squares(tilegrad.logdet), gradients: cases(tilegrad.logdet) },
    matrixExp: {
      misuse: squares(tilegrad.matrixExp),
      gradients: [one((t) => tilegrad.matrixExp(t.mul(0.1)), [3, 3])],
    },
    matrixPower: {
      misuse: matrixPower,
      gradients: [
        ...cases((t) => tilegrad.matrixPower(t, 3)),
        ...cases((t) => tilegrad.matrixPower(t, -1)),
      ],
    },
    pinverse: {
      misuse: tolerance('pinv', (a, options) => tilegrad.pinverse(a, options)).map(
        ([call, code, message = '[pinv]']): Misuse => [call, code, message],
      ),
      gradients: cases(tilegrad.pinverse),
    },
    slogdet: {
      misuse: squares(slogdet),
      gradients: cases((t) => slogdet(t).logabsdet),
    },
    trace: {
      misuse: [
        ...matrices(tilegrad.trace, 'trace', true),
        [() => tilegrad.trace(ones([2, 2, 2])), 'ERR_SHAPE', '[trace] takes a matrix'],
      ],
      gradients: [one(tilegrad.trace, [3, 3]), one(tilegrad.trace, [2, 4])],
    },
  },

  linalg: {
    cholesky: [
      ...squares(linalg.cholesky),
      ...optionsOf('cholesky', (options) => linalg.cholesky(square, options)),
      ...flags((upper) => linalg.cholesky(square, { upper })),
      [() => linalg.cholesky(singular), 'ERR_ARGUMENT', 'matrix [1] of the batch is not positive'],
      [() => linalg.cholesky(square.neg()), 'ERR_ARGUMENT', 'the pivot of row 0'],
      [() => linalg.cholesky(square.mul(Number.NaN)), 'ERR_ARGUMENT'],
    ],
    choleskyInverse,
    choleskySolve,
    cond: [
      ...matrices(linalg.cond),
      ...optionsOf('cond', (options) => linalg.cond(square, options)),
      ...orders('cond', (p) => linalg.cond(square, { p })),
      [() => linalg.cond(x, { p: 1 }), 'ERR_SHAPE'],
    ],
    det: squares(linalg.det),
    eigh: [
      ...squares(linalg.eigh),
      ...optionsOf('eigh', (options) => linalg.eigh(square, options)),
      ...['l', 1, null].map(
        (UPLO): Misuse => [() => linalg.eigh(square, { UPLO: wrong(UPLO) }), 'ERR_ARGUMENT'],
      ),
    ],
    eigvalsh: [
      ...squares(linalg.eigvalsh),
      ...optionsOf('eigvalsh', (options) => linalg.eigvalsh(square, options)),
      [() => linalg.eigvalsh(square, { UPLO: wrong('X') }), 'ERR_ARGUMENT'],
    ],
    householderProduct: [
      ...matrices((a) => linalg.householderProduct(a, vector)),
      ...kinds.map(
        (tau): Misuse => [() => linalg.householderProduct(square, wrong(tau)), 'ERR_ARGUMENT'],
      ),
      [() => linalg.householderProduct(square, ones([2], { dtype: 'float64' })), 'ERR_DTYPE'],
      [() => linalg.householderProduct(square, ones([3])), 'ERR_SHAPE'],
      [() => linalg.householderProduct(square, tensor(1)), 'ERR_SHAPE'],
      [() => linalg.householderProduct(square, ones([2, 2])), 'ERR_SHAPE'],
      [() => linalg.householderProduct(x, vector), 'ERR_SHAPE'],
    ],
    inv: inverse,
    logdet: squares(linalg.logdet),
    lstsq: [
      ...matrices((a) => linalg.lstsq(a, square)).slice(0, -1),
      ...sides((b) => linalg.lstsq(square, b)),
      ...optionsOf('lstsq', (options) => linalg.lstsq(square, square, options)),
      ...['gels', 'toString', 3, null].map(
        (driver): Misuse => [
          () => linalg.lstsq(square, square, { driver: wrong(driver) }),
          'ERR_ARGUMENT',
        ],
      ),
      ...notFinite.map(
        (rcond): Misuse => [
          () => linalg.lstsq(square, square, { rcond: wrong(rcond) }),
          'ERR_ARGUMENT',
        ],
      ),
    ],
    lu: matrices(linalg.lu),
    luFactor: matrices(linalg.luFactor),
    luSolve: (() => {
      const factors = linalg.luFactor(square);
      const pivots = (values: number[]) => tensor(values, { dtype: 'int32' });
      return [
        ...kinds.map((f): Misuse => [() => linalg.luSolve(wrong(f), square), 'ERR_ARGUMENT']),
        ...matrices((b) => linalg.luSolve(factors, b)),
        [() => linalg.luSolve({ ...factors, pivots: wrong([1, 2]) }, square), 'ERR_ARGUMENT'],
        [() => linalg.luSolve({ ...factors, pivots: vector }, square), 'ERR_DTYPE'],
        [() => linalg.luSolve({ ...factors, pivots: pivots([1]) }, square), 'ERR_SHAPE'],
        ...[
          [0, 1],
          [1, 3],
          [-1, 1],
        ].map(
          (values): Misuse => [
            () => linalg.luSolve({ ...factors, pivots: pivots(values) }, square),
            'ERR_INDEX',
            'an index is outside',
          ],
        ),
        [() => linalg.luSolve(factors, double), 'ERR_DTYPE'],
        [() => linalg.luSolve(factors, ones([3, 1])), 'ERR_SHAPE'],
        [() => linalg.luSolve(factors, ones([2, 2, 1])), 'ERR_SHAPE'],
      ];
    })(),
    matrixExp: squares(linalg.matrixExp),
    matrixNorm: [
      ...normOptions('matrixNorm', (t, options) => linalg.matrixNorm(t, options)),
      ...orders('matrixNorm', (ord) => linalg.matrixNorm(x, { ord })),
      [() => linalg.matrixNorm(vector), 'ERR_SHAPE'],
      [() => linalg.matrixNorm(x, { dim: [0] }), 'ERR_ARGUMENT'],
      [() => linalg.matrixNorm(x, { dim: wrong(0) }), 'ERR_ARGUMENT'],
      [() => linalg.matrixNorm(x, { dim: [0, -2] }), 'ERR_ARGUMENT'],
      [() => linalg.matrixNorm(x, { dim: [0, 2] }), 'ERR_INDEX'],
    ],
    matrixPower,
    matrixRank: tolerance('matrixRank', (a, options) => linalg.matrixRank(a, options)),
    norm: [
      ...normOptions('norm', (t, options) => linalg.norm(t, options)),
      ...orders('norm', (ord) => linalg.norm(x, { ord })),
      [() => linalg.norm(vector, { ord: 'fro' }), 'ERR_ARGUMENT'],
      [() => linalg.norm(ones([2, 2, 2]), { ord: 1 }), 'ERR_SHAPE'],
      [() => linalg.norm(x, { dim: 2 }), 'ERR_INDEX'],
    ],
    pinv: tolerance('pinv', (a, options) => linalg.pinv(a, options)),
    qr: [
      ...matrices(linalg.qr),
      ...optionsOf('qr', (options) => linalg.qr(square, options)),
      ...['full', 1, null].map(
        (mode): Misuse => [() => linalg.qr(square, { mode: wrong(mode) }), 'ERR_ARGUMENT'],
      ),
      [
        () => {
          const a = ones([3, 2], { requiresGrad: true });
          linalg.qr(a, { mode: 'complete' }).r.sum().backward();
        },
        'ERR_STATE',
      ],
    ],
    slogdet: squares(linalg.slogdet),
    solve: [
      ...squares((a) => linalg.solve(a, vector)),
      ...sides((b) => linalg.solve(square, b)),
      ...optionsOf('solve', (options) => linalg.solve(square, square, options)),
      ...flags((left) => linalg.solve(square, square, { left })),
      [() => linalg.solve(square, vector, { left: false }), 'ERR_SHAPE'],
      [() => linalg.solve(square, x, { left: false }), 'ERR_SHAPE'],
      [() => linalg.solve(singular, vector), 'ERR_ARGUMENT', '[solve] matrix [1] of the batch'],
      [() => linalg.solve(ones([2, 2, 2]), ones([3, 2, 1])), 'ERR_SHAPE'],
    ],
    solveTriangular: [
      ...squares((a) => linalg.solveTriangular(a, square, { upper: true })),
      ...sides((b) => linalg.solveTriangular(square, b, { upper: true })),
      ...optionsOf('solveTriangular', (options) => linalg.solveTriangular(square, square, options)),
      [() => linalg.solveTriangular(square, square, wrong({})), 'ERR_ARGUMENT', 'upper'],
      ...flags((upper) => linalg.solveTriangular(square, square, { upper })),
      ...flags((left) => linalg.solveTriangular(square, square, { upper: true, left })),
      ...flags((unitriangular) =>
        linalg.solveTriangular(square, square, { upper: true, unitriangular }),
      ),
      [() => linalg.solveTriangular(square, x, { upper: true, left: false }), 'ERR_SHAPE'],
      [() => linalg.solveTriangular(square, vector, { upper: true }), 'ERR_SHAPE'],
    ],
    svd: [
      ...matrices(linalg.svd),
      ...optionsOf('svd', (options) => linalg.svd(square, options)),
      ...flags((fullMatrices) => linalg.svd(square, { fullMatrices })),
      [
        () =>
          linalg
            .svd(ones([3, 2], { requiresGrad: true }))
            .u.sum()
            .backward(),
        'ERR_STATE',
        'use { fullMatrices: false }',
      ],
    ],
    svdvals: matrices(linalg.svdvals),
    vectorNorm: [
      ...normOptions('vectorNorm', (t, options) => linalg.vectorNorm(t, options)),
      ...['fro', null, {}, Number.NaN].map(
        (ord): Misuse => [() => linalg.vectorNorm(x, { ord: wrong(ord) }), 'ERR_ARGUMENT'],
      ),
      [() => linalg.vectorNorm(x, { dim: 2 }), 'ERR_INDEX'],
      [() => linalg.vectorNorm(x, { dim: [0, 5] }), 'ERR_INDEX'],
    ],
  },

  bits(add) {
    for (const dtype of dtypes) {
      const near = (t: Tensor): Tensor => t.add(eye(t.shape.at(-1) as number, { dtype }).mul(9));
      add(`linalg solve ${dtype}`, () => [
        ...withGradients(
          (a, b) => linalg.solve(near(a), b),
          numbers([131, 131], dtype),
          numbers([131, 19], dtype),
        ),
        ...withGradients((a) => linalg.inv(near(a)), numbers([12, 37, 37], dtype)),
        ...withGradients((a) => linalg.lu(a).u, numbers([67, 91], dtype)),
        linalg.luFactor(numbers([260, 130], dtype)).lu,
        linalg.slogdet(numbers([70, 70], dtype)).logabsdet,
      ]);
      add(`linalg cholesky ${dtype}`, () => {
        const definite = (a: Tensor) => near(a.matmul(a.mT));
        return [
          ...withGradients((a) => linalg.cholesky(definite(a)), numbers([131, 131], dtype)),
          linalg.cholesky(definite(numbers([12, 37, 37], dtype)), { upper: true }),
        ];
      });
      add(`linalg orthogonal ${dtype}`, () => {
        const { q, r } = linalg.qr(numbers([71, 37], dtype), { mode: 'complete' });
        const symmetric = numbers([3, 41, 41], dtype);
        const { eigenvalues, eigenvectors } = linalg.eigh(symmetric);
        const { u, s, vh } = linalg.svd(numbers([45, 31], dtype));
        return [
          ...[q, r, eigenvalues, eigenvectors, u, s, vh],
          ...withGradients((a) => linalg.qr(a).r, numbers([45, 31], dtype)),
          linalg.svdvals(numbers([2, 20, 61], dtype)),
          linalg.pinv(numbers([20, 31], dtype)),
          linalg.matrixExp(numbers([2, 17, 17], dtype)),
          linalg.lstsq(numbers([2, 40, 31], dtype), numbers([40, 3], dtype)).solution,
          linalg.lstsq(numbers([31, 40], dtype), numbers([31, 35], dtype)).solution,
        ];
      });
    }
  },
};
