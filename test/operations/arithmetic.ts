/** Arithmetic, elementwise. */

import * as tilegrad from 'tilegrad';
import { dtypes, hostile, lengths, numbers, withGradients } from './bits.js';
import * as gradients from './gradients.js';
import { bools, type Misuse, numberBinary, numberUnary } from './misuse.js';
import type { Family } from './operation.js';

const unaryNames = ['abs', 'neg', 'sign', 'square'] as const;
const binaryNames = ['add', 'sub', 'mul', 'div', 'maximum', 'minimum'] as const;

const noBools: Misuse = [() => tilegrad.sub(bools, bools), 'ERR_DTYPE', 'use a logical operation'];

export const arithmetic: Family = {
  title: 'Arithmetic',
  operations: {
    abs: { misuse: numberUnary(tilegrad.abs), gradients: gradients.unary(tilegrad.abs) },
    neg: { misuse: numberUnary(tilegrad.neg), gradients: gradients.unary(tilegrad.neg) },
    sign: { misuse: numberUnary(tilegrad.sign), gradients: gradients.unary(tilegrad.sign) },
    square: { misuse: numberUnary(tilegrad.square), gradients: gradients.unary(tilegrad.square) },
    add: { misuse: numberBinary(tilegrad.add), gradients: gradients.binary(tilegrad.add) },
    sub: {
      misuse: [...numberBinary(tilegrad.sub), noBools],
      gradients: gradients.binary(tilegrad.sub),
    },
    mul: { misuse: numberBinary(tilegrad.mul), gradients: gradients.binary(tilegrad.mul) },
    div: { misuse: numberBinary(tilegrad.div), gradients: gradients.binary(tilegrad.div, 20) },
    maximum: {
      misuse: numberBinary(tilegrad.maximum),
      gradients: gradients.binary((a, b) => tilegrad.maximum(a, tilegrad.add(b, 0.05))),
    },
    minimum: {
      misuse: numberBinary(tilegrad.minimum),
      gradients: gradients.binary((a, b) => tilegrad.minimum(a, tilegrad.add(b, 0.05))),
    },
  },
  bits(add) {
    for (const dtype of dtypes) {
      for (const op of unaryNames) {
        add(`${op} ${dtype}`, () => [
          ...lengths.flatMap((n) => withGradients((x) => x[op](), hostile(n, dtype))),
          ...withGradients((x) => x.transpose()[op](), numbers([31, 67], dtype)),
        ]);
      }
      for (const op of binaryNames) {
        add(`${op} ${dtype}`, () => [
          ...lengths.flatMap((n) =>
            withGradients((a, b) => a[op](b), hostile(n, dtype), numbers([n], dtype, 3)),
          ),
          ...withGradients((a, b) => a[op](b), numbers([301, 1], dtype), numbers([203], dtype, 3)),
          ...withGradients((a, b) => a[op](b), numbers([1003], dtype), numbers([], dtype, 3)),
          ...withGradients(
            (a, b) => a.transpose()[op](b),
            numbers([67, 31], dtype),
            numbers([31, 67], dtype, 3),
          ),
        ]);
      }
    }
  },
};
