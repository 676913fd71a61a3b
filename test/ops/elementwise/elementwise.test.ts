import type { Tensor } from 'tilegrad';
import { describe, it } from 'vitest';
import {
  type Bound,
  epsilon,
  exact,
  expectGolden,
  Fixture,
  type FloatType,
  type Golden,
  type GoldenCase,
  gradients,
  largest,
  type StoredCase,
  smallestNormal,
  toTensor,
} from '../../golden.js';

/** What an activation is told, by name; none of the others. */
type Options = Record<string, unknown>;

const fixture = new Fixture<{ cases: StoredCase<Options>[] }>('elementwise');

/** What an error is relative to, from the input x, the expected value and the output gradient. */
type Scale = (x: number, expected: number, g: number) => number;

const toExpected: Scale = (_, expected) => Math.abs(expected);

/**
 * How far an operation may be from PyTorch, in units of eps times a scale; 0 units means the same
 * bits, for what IEEE 754 defines.
 */
interface Row {
  units: number;
  scale: Scale;
  gradUnits: number;
  gradScale: Scale;
  /** Inputs where this library means to differ: their elements are left out. */
  differs: (x: number) => boolean;
  /** The same for the gradient, where that needs more. */
  gradDiffers: (x: number) => boolean;
}

// Both sides are off by 1 or 2 units in the last place (a unit is up to eps of the value).
const kVectorMath = 4;

function row(overrides: Partial<Row> = {}): Row {
  return {
    units: kVectorMath,
    scale: toExpected,
    gradUnits: kVectorMath,
    gradScale: toExpected,
    differs: () => false,
    gradDiffers: () => false,
    ...overrides,
  };
}

const ieee = { units: 0 };

const rows: Record<string, Row> = {
  neg: row({ ...ieee, gradUnits: 0 }),
  abs: row({ ...ieee, gradUnits: 1 }),
  sign: row({ ...ieee, gradUnits: 0 }),
  square: row(ieee),
  sqrt: row(ieee),
  reciprocal: row(ieee),
  exp: row(),
  log: row(),
  log1p: row(),
  // 1 - y^2 and y (1 - y) cancel where y is near 1, so an error of y counts by itself.
  tanh: row({ gradScale: (_, __, g) => Math.abs(g) }),
  sigmoid: row({ gradScale: (_, __, g) => Math.abs(g) }),
  // Above 20 PyTorch takes x for log(1 + e^x) and 1 for the derivative; both are off by e^-x.
  softplus: row({
    scale: (x, e) => Math.abs(e) + (x > 20 ? Math.exp(-x) / epsilon.float64 : 0),
    gradScale: (x, e) => Math.abs(e) + (x > 20 ? Math.exp(-x) / epsilon.float64 : 0),
  }),
  // PyTorch's erf is 1 - e^(-x^2) p(x), exact to eps of 1 and not of small results.
  erf: row({
    scale: () => 1,
    // The rounding of x^2 goes through the exponential as a relative error of x^2 eps.
    gradScale: (x, e) => Math.abs(e) * (1 + Math.min(x * x, 1e3)),
  }),
  relu: row({ units: 1, gradUnits: 1 }),
  // PyTorch's x (1 + erf(x / sqrt(2))) / 2 is exact to eps of x, and its gradient to eps of g.
  gelu: row({
    scale: (x) => Math.abs(x),
    gradScale: (x, _, g) => Math.abs(g) * (1 + Math.min(Math.abs(x), 10)),
    // PyTorch's float32 overflows on the way for the largest numbers and infinity.
    differs: (x) => Math.abs(x) > 1e38,
  }),
  // As with gelu. In its derivative PyTorch has 0 * infinity where x^3 or x^2 overflows.
  'gelu tanh': row({
    scale: (x) => Math.abs(x),
    gradScale: (x, _, g) => Math.abs(g) * (1 + Math.min(Math.abs(x), 10)),
    gradDiffers: (x) => Number.isFinite(x) && Math.abs(x) > 1e38,
  }),
  // s (1 + x (1 - s)) cancels below 0, and PyTorch's 1 - s is exact to eps of 1.
  silu: row({ gradScale: (x, _, g) => Math.abs(g) * (1 + Math.min(Math.abs(x), 40)) }),
  leakyRelu: row({ ...ieee, gradUnits: 0 }),
  add: row(ieee),
  sub: row(ieee),
  mul: row(ieee),
  // Three roundings, not always in the same places.
  div: row({ ...ieee, gradUnits: 2 * kVectorMath }),
  maximum: row({ units: 1, gradUnits: 1 }),
  minimum: row({ units: 1, gradUnits: 1 }),
};

/** The bound of a row for the elements of one tensor; x and g are those of the same index. */
function bound(units: number, scale: Scale, dtype: FloatType, x?: Golden, g?: Golden): Bound {
  if (units === 0) return exact;
  return (i, expected) => {
    const size = scale(x?.data[i] ?? 0, expected, g?.data[i] ?? 0);
    // Below the smallest normal number precision ends, and PyTorch's vector code gives 0 at times.
    return units * (epsilon[dtype] * size + smallestNormal[dtype]);
  };
}

/** The largest gradient of an operand before broadcasting is undone, from (largest g, a, b). */
const largestTerm: Record<string, (g: number, a: Golden, b: Golden) => [number, number]> = {
  add: (g) => [g, g],
  sub: (g) => [g, g],
  mul: (g, a, b) => [g * largest(b), g * largest(a)],
  div: (g, a, b) => {
    const smallest = Math.min(...b.data.map(Math.abs));
    return [g / smallest, (g * largest(a)) / smallest ** 2];
  },
  maximum: (g) => [g, g],
  minimum: (g) => [g, g],
};

/**
 * The bound of a gradient that is a sum over the broadcast dimensions: every term and every
 * addition brings an error relative to the largest term.
 */
function summedBound(c: GoldenCase<Options>, operand: 0 | 1, gradUnits: number): Bound {
  const [a, b] = c.inputs as [Golden, Golden];
  const terms = c.output.data.length / c.inputs[operand]!.data.length;
  const term = largestTerm[c.op]!(largest(c.gradOutput), a, b)[operand];
  const limit = (terms + gradUnits) * terms * epsilon[c.dtype] * term;
  return () => limit;
}

/** Calls the method of that name. */
function run(op: string, [first, ...others]: readonly unknown[]): Tensor {
  const methods = first as Record<string, (...others: unknown[]) => Tensor>;
  return methods[op]!(...others);
}

describe('golden unary operations', () => {
  for (const stored of fixture.content.cases.filter((s) => s.inputs.length === 1)) {
    const c = fixture.case(stored);
    const options = c.options ?? {};
    const name = [c.op, ...Object.values(options)].join(' ');
    it(`${name} ${c.dtype}`, () => {
      const known = rows[name] ?? rows[c.op]!;
      const { units, scale, gradUnits, gradScale, differs, gradDiffers } = known;
      const from = c.inputs[0]!;
      const skip = (i: number): boolean => differs(from.data[i]!);
      const x = toTensor(from, c.dtype, true);
      const y = run(c.op, [x, ...(c.options ? [options] : [])]);
      expectGolden(y, c.output, bound(units, scale, c.dtype, from), 'output', skip);
      const [grad] = gradients(y, c.gradOutput, c.dtype, [x]);
      const limit = bound(gradUnits, gradScale, c.dtype, from, c.gradOutput);
      expectGolden(
        grad!,
        c.gradInputs[0]!,
        limit,
        'gradient',
        (i) => skip(i) || gradDiffers(from.data[i]!),
      );
    });
  }
});

describe('golden binary operations', () => {
  for (const stored of fixture.content.cases.filter((s) => s.inputs.length === 2)) {
    const c: GoldenCase<Options> = fixture.case(stored);
    it(`${c.op} ${c.inputs.map((x) => `[${x.shape}]`).join(' ')} ${c.dtype}`, () => {
      const { units, scale, gradUnits, gradScale } = rows[c.op]!;
      const inputs = c.inputs.map((x) => toTensor(x, c.dtype, true));
      const y = run(c.op, inputs);
      expectGolden(y, c.output, bound(units, scale, c.dtype), 'output');
      const grads = gradients(y, c.gradOutput, c.dtype, inputs);
      for (const operand of [0, 1] as const) {
        const summed = c.inputs[operand]!.data.length < c.output.data.length;
        const limit = summed
          ? summedBound(c, operand, gradUnits)
          : bound(gradUnits, gradScale, c.dtype);
        expectGolden(
          grads[operand]!,
          c.gradInputs[operand]!,
          limit,
          `gradient of operand ${operand}`,
        );
      }
    });
  }
});
