/** The gamma function's relatives, inverse hyperbolic functions, views written into copies, limits. */
import * as tilegrad from 'tilegrad';
import { ones, type Tensor } from 'tilegrad';
import { hostile, numbers, withGradients } from './bits.js';
import { one, unary as unaryGradients } from './gradients.js';
import { dims, type Misuse, optionsOf, tensorArguments, unary, wrong, x } from './misuse.js';
import type { Family, Operation } from './operation.js';

const above = (t: Tensor): Tensor => t.square().add(0.3);
const inside = (t: Tensor): Tensor => t.mul(0.2).tanh().mul(0.9);

const row = (fn: (x: Tensor) => Tensor, domain: (x: Tensor) => Tensor): Operation => ({
  misuse: unary(fn),
  gradients: unaryGradients((t) => fn(domain(t))),
});

const wholes = (call: (n: never) => unknown): Misuse[] =>
  [-1, 0.5, '1', null, undefined, Number.NaN, x].map(
    (n): Misuse => [() => call(wrong(n)), 'ERR_ARGUMENT'],
  );

/** What the three functions that write a part refuse. */
const scatters = (call: (t: Tensor, source: Tensor) => unknown, good: Tensor): Misuse[] => [
  ...tensorArguments((t) => call(t, good), { takesIntegers: true }),
  ...tensorArguments((t) => call(x, t), { takesIntegers: true }),
  [() => call(x, ones([7])), 'ERR_SHAPE', 'the part has shape'],
];

const v2 = ones([2]);

export const gammaFunctions: Family = {
  title: 'Gamma functions',
  operations: {
    lgamma: {
      misuse: unary(tilegrad.lgamma),
      gradients: [
        ...unaryGradients((t) => tilegrad.lgamma(above(t))),
        // Below 0, between the poles.
        one((t) => tilegrad.lgamma(t!.mul(0.1).sub(1.5)), [2, 3]),
      ],
    },
    digamma: row(tilegrad.digamma, above),
    polygamma: {
      misuse: [
        ...unary((t) => tilegrad.polygamma(1, t)),
        ...wholes((n) => tilegrad.polygamma(n, x)),
        [() => tilegrad.polygamma(101, x), 'ERR_ARGUMENT'],
      ],
      gradients: [
        one((t) => tilegrad.polygamma(0, above(t!)), [2, 3]),
        one((t) => tilegrad.polygamma(1, above(t!)), [2, 3]),
        one((t) => tilegrad.polygamma(3, above(t!)), [4]),
        one((t) => tilegrad.polygamma(2, t!.mul(0.1).sub(1.5)), [2, 3]),
      ],
    },
    mvlgamma: {
      misuse: [
        ...unary((t) => tilegrad.mvlgamma(t, 2)),
        ...wholes((p) => tilegrad.mvlgamma(x, p)),
        [() => tilegrad.mvlgamma(x, 0), 'ERR_ARGUMENT'],
      ],
      gradients: [one((t) => tilegrad.mvlgamma(above(t!).add(1), 3), [2, 3])],
    },
    asinh: row(tilegrad.asinh, (t) => t),
    acosh: row(tilegrad.acosh, (t) => above(t).add(1)),
    atanh: row(tilegrad.atanh, inside),
    selectScatter: {
      misuse: [
        ...scatters((t, source) => tilegrad.selectScatter(t, source, 1, 0), v2),
        ...dims((dim) => tilegrad.selectScatter(x, v2, dim, 0)),
        [() => tilegrad.selectScatter(x, v2, 1, 3), 'ERR_INDEX'],
      ],
      gradients: [one((t, s) => tilegrad.selectScatter(t!, s!, 1, -2), [2, 3], [2])],
    },
    sliceScatter: {
      misuse: [
        ...scatters((t, source) => tilegrad.sliceScatter(t, source, { end: 1 }), ones([1, 3])),
        ...optionsOf('sliceScatter', (options) => tilegrad.sliceScatter(x, x, options)),
        ...dims((dim) => tilegrad.sliceScatter(x, x, { dim })).filter((_, i) => i !== 4),
        ...['start', 'end', 'step'].flatMap((name) =>
          [0.5, '1', Number.NaN].map(
            (value): Misuse => [
              () => tilegrad.sliceScatter(x, x, { [name]: value }),
              'ERR_ARGUMENT',
            ],
          ),
        ),
        [() => tilegrad.sliceScatter(x, x, { step: 0 }), 'ERR_ARGUMENT', 'above 0'],
        [() => tilegrad.sliceScatter(ones([]), ones([])), 'ERR_INDEX'],
      ],
      gradients: [
        one((t, s) => tilegrad.sliceScatter(t!, s!, { dim: 1, start: 1, step: 2 }), [2, 4], [2, 2]),
        one((t, s) => tilegrad.sliceScatter(t!, s!, { start: 2 }), [2, 2], [0, 2]),
      ],
    },
    diagonalScatter: {
      misuse: [
        ...scatters((t, source) => tilegrad.diagonalScatter(t, source), v2),
        ...optionsOf('diagonalScatter', (options) => tilegrad.diagonalScatter(x, v2, options)),
        [() => tilegrad.diagonalScatter(v2, v2), 'ERR_INDEX'],
      ],
      gradients: [
        one((t, s) => tilegrad.diagonalScatter(t!, s!), [2, 3], [2]),
        one((t, s) => tilegrad.diagonalScatter(t!, s!, { offset: -1 }), [3, 2, 2], [2, 2]),
      ],
    },
    finfo: {
      misuse: ['int32', 'bool', 'float', null, undefined, 5].map(
        (dtype): Misuse => [() => tilegrad.finfo(wrong(dtype)), 'ERR_DTYPE', '[finfo]'],
      ),
      gradients: 'none',
    },
    iinfo: {
      misuse: ['float32', 'bool', 'int', null, undefined, 5].map(
        (dtype): Misuse => [() => tilegrad.iinfo(wrong(dtype)), 'ERR_DTYPE', '[iinfo]'],
      ),
      gradients: 'none',
    },
  },
  bits(add) {
    add('trigamma float32 float64', () => [
      ...withGradients((t) => tilegrad.polygamma(1, t), hostile(203, 'float32')),
      tilegrad.polygamma(1, numbers([31, 5], 'float64')),
    ]);
    for (const op of ['lgamma', 'digamma', 'asinh', 'acosh', 'atanh'] as const) {
      add(`${op} float32 float64`, () => [
        ...withGradients((t) => t[op](), hostile(203, 'float32')),
        ...withGradients((t) => t[op](), numbers([31, 5], 'float64')),
      ]);
    }
  },
};
