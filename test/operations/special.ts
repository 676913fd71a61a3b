/** Special functions and simple facts about numbers. */
import * as tilegrad from 'tilegrad';
import { ones, type Tensor } from 'tilegrad';
import { dtypes, hostile, numbers, withGradients } from './bits.js';
import { binary as binaryGradients, type Fn, one, unary as unaryGradients } from './gradients.js';
import {
  bools,
  floatBinary,
  half,
  integerBinary,
  integers,
  type Misuse,
  numberBinary,
  optionsOf,
  tensorArguments,
  unary,
  wrong,
  x,
} from './misuse.js';
import type { Family, Operation } from './operation.js';

type Binary = (a: tilegrad.TensorLike, b: tilegrad.TensorLike) => Tensor;

const row = (fn: (x: Tensor) => Tensor, domain: (x: Tensor) => Tensor = (t) => t): Operation => ({
  misuse: unary(fn),
  gradients: unaryGradients((t) => fn(domain(t))),
});
const binaryRow = (
  fn: Binary,
  call: Fn = (a, b) => fn(a!, b!),
  misuse = numberBinary(fn),
): Operation => ({
  misuse,
  gradients: binaryGradients(call),
});
const ofNumbers = (fn: Binary): Operation => ({
  misuse: numberBinary(fn),
  gradients: binaryGradients((a, b) => fn(a!, uneven(b!))),
});

/** In (-0.9, 0.9). */
const inside = (t: Tensor): Tensor => t.mul(0.2).tanh().mul(0.9);
const positive = (t: Tensor): Tensor => t.square().add(0.5);
/** So that the operands don't tie. */
const uneven = (t: Tensor): Tensor => t.mul(1.0371).add(0.013);

/** Of any dtype but bfloat16. */
const any = (call: (t: Tensor) => unknown): Misuse[] => [
  ...tensorArguments(call, { takesIntegers: true }),
  [() => call(half), 'ERR_DTYPE', "convert with to('float32')"],
];

export const specialFunctions: Family = {
  title: 'Special functions',
  operations: {
    erfinv: row(tilegrad.erfinv, inside),
    sinc: row(tilegrad.sinc),
    logit: {
      misuse: [
        ...unary(tilegrad.logit),
        ...optionsOf('logit', (options) => tilegrad.logit(x, options)),
        ...[-0.1, 0.6, Number.NaN, 'text', null, x].map(
          (eps): Misuse => [() => tilegrad.logit(x, { eps: wrong(eps) }), 'ERR_ARGUMENT'],
        ),
      ],
      gradients: [
        ...unaryGradients((t) => tilegrad.logit(inside(t!).mul(0.5).add(0.5))),
        one((t) => tilegrad.logit(inside(t!).mul(0.5).add(0.5), { eps: 0.2 }), [2, 3]),
      ],
    },
    xlogy: binaryRow(tilegrad.xlogy, (a, b) => tilegrad.xlogy(a!, positive(b!.mul(0.3)))),
    logaddexp: binaryRow(tilegrad.logaddexp, undefined, floatBinary(tilegrad.logaddexp)),
    logaddexp2: binaryRow(tilegrad.logaddexp2, undefined, floatBinary(tilegrad.logaddexp2)),
    nanToNum: {
      misuse: [
        ...any(tilegrad.nanToNum),
        ...optionsOf('nanToNum', (options) => tilegrad.nanToNum(x, options)),
        ...['nan', 'posinf', 'neginf'].flatMap((name) =>
          ['text', null, x].map(
            (value): Misuse => [() => tilegrad.nanToNum(x, { [name]: value }), 'ERR_ARGUMENT'],
          ),
        ),
      ],
      gradients: unaryGradients((t) => tilegrad.nanToNum(t!)),
    },
    heaviside: {
      misuse: numberBinary(tilegrad.heaviside),
      gradients: 'none',
    },
    copysign: binaryRow(tilegrad.copysign),
    // A step is too small for differences: its gradient is the walk's.
    nextafter: { misuse: floatBinary(tilegrad.nextafter), gradients: 'none' },
    signbit: { misuse: any(tilegrad.signbit), gradients: 'none' },
    fmax: ofNumbers(tilegrad.fmax),
    fmin: ofNumbers(tilegrad.fmin),
    deg2rad: {
      misuse: any(tilegrad.deg2rad),
      gradients: unaryGradients((t) => tilegrad.deg2rad(t!)),
    },
    rad2deg: {
      misuse: any(tilegrad.rad2deg),
      gradients: unaryGradients((t) => tilegrad.rad2deg(t!)),
    },
    positive: {
      misuse: [
        ...tensorArguments(tilegrad.positive, { takesIntegers: true }),
        [() => tilegrad.positive(bools), 'ERR_DTYPE'],
      ],
      gradients: unaryGradients((t) => tilegrad.positive(t!)),
    },
    floatPower: {
      misuse: [
        ...tensorArguments((a) => tilegrad.floatPower(a, x), {
          takesNumbers: true,
          takesIntegers: true,
        }),
        ...tensorArguments((b) => tilegrad.floatPower(x, b), {
          takesNumbers: true,
          takesIntegers: true,
        }),
        [() => tilegrad.floatPower(1, 2), 'ERR_ARGUMENT'],
        [() => tilegrad.floatPower(x, ones([2, 2])), 'ERR_SHAPE'],
      ],
      gradients: binaryGradients((a, b) => tilegrad.floatPower(positive(a!.mul(0.3)), b!.mul(0.3))),
    },
    gcd: { misuse: integerBinary(tilegrad.gcd, false), gradients: 'none' },
    lcm: {
      misuse: [
        ...integerBinary(tilegrad.lcm, false),
        [() => tilegrad.lcm(integers, 1.5), 'ERR_DTYPE', "convert with to('int32')"],
      ],
      gradients: 'none',
    },
  },
  bits(add) {
    const sizes = [1, 33, 10_007];
    for (const dtype of dtypes) {
      add(`logit nanToNum frac ${dtype}`, () => [
        ...withGradients((t) => t.sigmoid().logit(), hostile(1003, dtype)),
        ...withGradients((t) => t.logit({ eps: 0.1 }), hostile(1003, dtype)),
        ...withGradients((t) => t.nanToNum(), hostile(1003, dtype)),
        hostile(1003, dtype).frac(),
      ]);
      add(`erfinv ${dtype}`, () => [
        ...sizes.flatMap((n) => withGradients((t) => t.erfinv(), hostile(n, dtype))),
        ...withGradients((t) => t.transpose().tanh().erfinv(), numbers([31, 67], dtype)),
      ]);
      for (const op of ['copysign', 'nextafter'] as const) {
        add(`${op} ${dtype}`, () => [
          ...sizes.map((n) => hostile(n, dtype)[op](numbers([n], dtype, 3))),
          numbers([31, 1], dtype)[op](numbers([203], dtype, 3)),
        ]);
      }
      for (const op of ['logaddexp', 'xlogy'] as const) {
        add(`${op} ${dtype}`, () =>
          withGradients((a, b) => a[op](b), hostile(1003, dtype), numbers([1003], dtype, 3)),
        );
      }
    }
  },
};
