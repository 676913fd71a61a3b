/** Elementwise mathematics: powers, logarithms, circular functions, rounding. */

import * as tilegrad from 'tilegrad';
import { type Tensor, tensor } from 'tilegrad';
import { cached, dtypes, type Float, hostile, lengths, numbers, withGradients } from './bits.js';
import { binary as binaryGradients, type Fn, unary as unaryGradients } from './gradients.js';
import {
  bools,
  floatBinary,
  floatUnary,
  half,
  integers,
  numberBinary,
  unary,
  wrong,
} from './misuse.js';
import type { Family, Operation } from './operation.js';

type Unary = (x: Tensor) => Tensor;
type Binary = (a: tilegrad.TensorLike, b: tilegrad.TensorLike) => Tensor;

/** Inputs of gradcheck are brought to where the function is smooth and not steep. */
const unaryRow = (fn: Unary, domain: Unary = (x) => x, around = 0): Operation => ({
  misuse: unary(fn),
  gradients: unaryGradients((x) => fn(domain(x)), around),
});

const binaryRow = (fn: Binary, ...more: Fn[]): Operation => ({
  misuse: numberBinary(fn),
  gradients: more.flatMap((call) => binaryGradients(call)),
});

/** Whole division, which integers have too, but not by zero. */
function division(name: string, fn: Binary): Operation {
  return {
    misuse: [
      ...numberBinary(fn),
      [() => fn(bools, bools), 'ERR_DTYPE', 'use a logical operation'],
      [() => fn(integers, 0), 'ERR_ARGUMENT', `[${name}] division by zero`],
      [() => fn(integers, bools.logicalNot()), 'ERR_ARGUMENT', `[${name}] division by zero`],
    ],
    gradients: binaryGradients((a, b) => fn(uneven(a!), b!)),
  };
}

const positive: Unary = (x) => x.square().add(0.5);
/** In (-0.9, 0.9). */
const inside: Unary = (x) => x.mul(0.2).tanh().mul(0.9);
const small: Unary = (x) => x.mul(0.3);
/** Inputs are multiples of 0.1: none of these is near a whole number. */
const between = 0.05;
/** So that no quotient of two inputs is near a whole number: both steps have few factors. */
const uneven: Unary = (x) => x.mul(1.0371).add(0.013);

export const math: Family = {
  title: 'Mathematics',
  operations: {
    sqrt: { misuse: unary(tilegrad.sqrt), gradients: unaryGradients(tilegrad.sqrt, 20) },
    reciprocal: {
      misuse: unary(tilegrad.reciprocal),
      gradients: unaryGradients(tilegrad.reciprocal, 20),
    },
    exp: unaryRow(tilegrad.exp, (x) => x.mul(0.1)),
    log: unaryRow(tilegrad.log, undefined, 20),
    log1p: unaryRow(tilegrad.log1p, undefined, 20),
    erf: unaryRow(tilegrad.erf),
    rsqrt: unaryRow(tilegrad.rsqrt, positive),
    exp2: unaryRow(tilegrad.exp2, small),
    expm1: unaryRow(tilegrad.expm1, small),
    log2: unaryRow(tilegrad.log2, positive),
    log10: unaryRow(tilegrad.log10, positive),
    sin: unaryRow(tilegrad.sin),
    cos: unaryRow(tilegrad.cos),
    tan: unaryRow(tilegrad.tan, inside),
    asin: unaryRow(tilegrad.asin, inside),
    acos: unaryRow(tilegrad.acos, inside),
    atan: unaryRow(tilegrad.atan),
    sinh: unaryRow(tilegrad.sinh, small),
    cosh: unaryRow(tilegrad.cosh, small),
    erfc: unaryRow(tilegrad.erfc, small),
    floor: unaryRow(tilegrad.floor, undefined, between),
    ceil: unaryRow(tilegrad.ceil, undefined, between),
    round: unaryRow(tilegrad.round, undefined, between),
    trunc: unaryRow(tilegrad.trunc, undefined, between),
    frac: { ...unaryRow(tilegrad.frac, undefined, between), misuse: floatUnary(tilegrad.frac) },
    pow: {
      misuse: [
        ...numberBinary(tilegrad.pow),
        [() => tilegrad.pow(bools, bools), 'ERR_DTYPE', '[pow] does not take bool'],
        [() => tilegrad.pow(integers, -1), 'ERR_ARGUMENT', 'int32 has no power -1'],
        // Numbers that are computed another way.
        ...[2, 0.5, 1, 3, -1].flatMap((exponent) => unary((x) => tilegrad.pow(x, exponent))),
        [() => tilegrad.pow(2, half), 'ERR_DTYPE'],
        [() => tilegrad.pow(2, wrong('2')), 'ERR_ARGUMENT'],
      ],
      gradients: [
        ...binaryGradients((a, b) => tilegrad.pow(positive(small(a!)), small(b!))),
        ...[-2, -1, -0.5, 0, 0.5, 1, 2, 3, 0.7].flatMap((exponent) =>
          unaryGradients((x) => tilegrad.pow(positive(small(x!)), exponent)),
        ),
        ...[2, 3, 0.5].flatMap((base) => unaryGradients((x) => tilegrad.pow(base, small(x!)))),
      ],
    },
    hypot: {
      misuse: floatBinary(tilegrad.hypot),
      gradients: binaryGradients((a, b) => tilegrad.hypot(a!, b!)),
    },
    atan2: binaryRow(tilegrad.atan2, (a, b) => tilegrad.atan2(a!, b!)),
    fmod: {
      misuse: [
        ...numberBinary(tilegrad.fmod),
        [() => tilegrad.fmod(bools, bools), 'ERR_DTYPE', '[fmod] does not take bool'],
        [() => tilegrad.fmod(integers, 0), 'ERR_ARGUMENT', '[fmod] division by zero'],
      ],
      gradients: binaryGradients((a, b) => tilegrad.fmod(uneven(a!), b!)),
    },
    remainder: division('remainder', tilegrad.remainder),
    floorDivide: division('floorDivide', tilegrad.floorDivide),
  },
  bits(add) {
    const unaries = [
      ...(['rsqrt', 'exp2', 'expm1', 'log2', 'log10', 'sin', 'cos', 'tan', 'asin'] as const),
      ...(['acos', 'atan', 'sinh', 'cosh', 'erfc', 'floor', 'ceil', 'round', 'trunc'] as const),
    ];
    const binaries = ['pow', 'hypot', 'atan2', 'fmod', 'remainder', 'floorDivide'] as const;
    // Enough of float32 for three threads where an operation is heavy.
    const sizes = [1, 33, 10_007];
    for (const dtype of dtypes) {
      for (const op of ['exp', 'log', 'log1p', 'erf'] as const) {
        add(`${op} ${dtype}`, () => [
          ...lengths.flatMap((n) => withGradients((x) => x[op](), hostile(n, dtype))),
          ...withGradients((x) => x.transpose()[op](), numbers([31, 67], dtype)),
        ]);
      }
      for (const op of unaries) {
        add(`${op} ${dtype}`, () => [
          ...sizes.flatMap((n) => withGradients((x) => x[op](), hostile(n, dtype))),
          ...withGradients((x) => x.transpose()[op](), numbers([31, 67], dtype)),
        ]);
      }
      for (const op of binaries) {
        add(`${op} ${dtype}`, () => [
          ...sizes.flatMap((n) =>
            withGradients((a, b) => a[op](b), hostile(n, dtype), numbers([n], dtype, 3)),
          ),
          ...withGradients((a, b) => a[op](b), numbers([31, 1], dtype), numbers([203], dtype, 3)),
          ...withGradients(
            (a, b) => a.transpose()[op](b),
            numbers([67, 31], dtype),
            numbers([31, 67], dtype, 3),
          ),
        ]);
      }
      add(`powers of whole and large exponents ${dtype}`, () => [
        numbers([1003], dtype).pow(whole(1003, dtype)),
        hostile(1003, dtype)
          .abs()
          .pow(numbers([1003], dtype, 3).mul(30)),
      ]);
    }
  },
};

/** -8, -7, ... 8, again and again. */
function whole(length: number, dtype: Float): Tensor {
  return cached(`whole ${length} ${dtype}`, () =>
    tensor(
      Array.from({ length }, (_, i) => (i % 17) - 8),
      { dtype },
    ),
  );
}
