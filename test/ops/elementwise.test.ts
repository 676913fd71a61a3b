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
  type StoredCase,
  smallestNormal,
  toTensor,
} from '../golden.js';

const fixture = new Fixture<{ cases: StoredCase<never>[] }>('elementwise');

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
}

// Both sides are off by 1 or 2 units in the last place (a unit is up to eps of the value).
const kVectorMath = 4;

function row(overrides: Partial<Row> = {}): Row {
  return {
    units: kVectorMath,
    scale: toExpected,
    gradUnits: kVectorMath,
    gradScale: toExpected,
    ...overrides,
  };
}

const ieee = { units: 0 };

const rows: Record<string, Row> = {
  neg: row({ ...ieee, gradUnits: 0 }),
  abs: row({ ...ieee, gradUnits: 1 }),
  sign: row({ units: 1, gradUnits: 1 }),
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
  }),
  add: row({ ...ieee, gradUnits: 8 }),
  sub: row({ ...ieee, gradUnits: 8 }),
  mul: row({ ...ieee, gradUnits: 8 }),
  div: row({ ...ieee, gradUnits: 8 }),
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

/** Calls the method of that name. */
function run(op: string, [first, ...others]: readonly Tensor[]): Tensor {
  const methods = first as unknown as Record<string, (...others: Tensor[]) => Tensor>;
  return methods[op]!(...others);
}

describe('golden unary operations', () => {
  for (const stored of fixture.content.cases.filter((s) => s.inputs.length === 1)) {
    const c = fixture.case(stored);
    it(`${c.op} ${c.dtype}`, () => {
      const { units, scale, gradUnits, gradScale } = rows[c.op]!;
      const from = c.inputs[0]!;
      const x = toTensor(from, c.dtype, true);
      const y = run(c.op, [x]);
      expectGolden(y, c.output, bound(units, scale, c.dtype, from), 'output');
      const [grad] = gradients(y, c.gradOutput, c.dtype, [x]);
      const limit = bound(gradUnits, gradScale, c.dtype, from, c.gradOutput);
      expectGolden(grad!, c.gradInputs[0]!, limit, 'gradient');
    });
  }
});

describe('golden binary operations', () => {
  for (const stored of fixture.content.cases.filter((s) => s.inputs.length === 2)) {
    const c: GoldenCase<never> = fixture.case(stored);
    it(`${c.op} ${c.inputs.map((x) => `[${x.shape}]`).join(' ')} ${c.dtype}`, () => {
      const { units, scale, gradUnits, gradScale } = rows[c.op]!;
      const inputs = c.inputs.map((x) => toTensor(x, c.dtype, true));
      const y = run(c.op, inputs);
      expectGolden(y, c.output, bound(units, scale, c.dtype), 'output');
      const grads = gradients(y, c.gradOutput, c.dtype, inputs);
      const limit = bound(gradUnits, gradScale, c.dtype);
      expectGolden(grads[0]!, c.gradInputs[0]!, limit, 'gradient of a');
      expectGolden(grads[1]!, c.gradInputs[1]!, limit, 'gradient of b');
    });
  }
});
