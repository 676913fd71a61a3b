import * as tilegrad from 'tilegrad';
import { fromTypedArray, full, pow, setSimdLevel, simdLevels, type Tensor, tensor } from 'tilegrad';
import { describe, expect, it, test } from 'vitest';
import {
  type Bound,
  epsilon,
  exact,
  expectGolden,
  Fixture,
  type FloatType,
  type Golden,
  gradients,
  largest,
  type StoredCase,
  smallestNormal,
  toTensor,
} from '../../golden.js';
import { restoreSettings } from '../../helpers/settings.js';

interface Options {
  exponent?: number;
  base?: number;
}

interface StoredValue {
  op: string;
  dtype: FloatType;
  inputs: number[];
  output: number;
}

restoreSettings();

const fixture = new Fixture<{ cases: StoredCase<Options>[]; values: StoredValue[] }>('math');

const largestNumber: Record<FloatType, number> = {
  float32: (2 - 2 ** -23) * 2 ** 127,
  float64: Number.MAX_VALUE,
};

// Both sides are off by 1 or 2 units in the last place (a unit is up to eps of the value).
const kVectorMath = 4;
// A gradient is two to four such steps.
const kGradient = 12;

/** What an error is relative to, from the inputs, the expected value and the output gradient. */
type Scale = (x: readonly number[], expected: number, g: number) => number;
const toExpected: Scale = (_, expected) => Math.abs(expected);

interface Row {
  units?: number;
  scale?: Scale;
  gradUnits?: number;
  gradScale?: Scale;
  /** Inputs where this library means to differ from PyTorch, in the value and in the gradient. */
  differs?: (x: readonly number[], dtype: FloatType) => boolean;
  gradDiffers?: (x: readonly number[], dtype: FloatType) => boolean;
}

const ieee: Row = { units: 0, gradUnits: 0 };
/** 1 - x^2 near |x| = 1, where a rounding of x^2 is large beside the difference. */
const arc: Row = { gradScale: ([x], e) => Math.abs(e) / Math.max(1e-30, 1 - x! * x!) };

function overflows([x, y]: readonly number[], dtype: FloatType): boolean {
  return Number.isFinite(x) && y !== 0 && Math.abs(x! / y!) > largestNumber[dtype];
}

const rows: Record<string, Row> = {
  rsqrt: {},
  exp2: {},
  expm1: {},
  log2: {},
  log10: {},
  sin: {},
  cos: {},
  tan: {},
  asin: arc,
  acos: arc,
  atan: {},
  sinh: {},
  cosh: {},
  // The rounding of x^2 goes through the exponential as a relative error of x^2 eps.
  erfc: { gradScale: ([x], e) => Math.abs(e) * (1 + Math.min(x! * x!, 1e3)) },
  floor: ieee,
  ceil: ieee,
  round: ieee,
  trunc: ieee,
  frac: ieee,
  // x^-0.5 is NaN at -infinity, and so is its gradient here; PyTorch has 0.
  pow: { gradDiffers: ([x]) => x === -Infinity },
  hypot: {},
  // PyTorch divides by x^2 + y^2, which underflows.
  atan2: { gradDiffers: ([y, x], dtype) => Math.hypot(x!, y!) ** 2 < smallestNormal[dtype] },
  // PyTorch's vector code gives NaN where x / y overflows.
  fmod: { units: 0, differs: overflows },
  remainder: { units: 0, differs: overflows },
};

function bound(units: number, scale: Scale, dtype: FloatType, inputs: Golden[], g?: Golden): Bound {
  if (units === 0) return exact;
  return (i, expected) => {
    const x = inputs.map(({ data }) => data[i] ?? 0);
    const size = scale(x, expected, g?.data[i] ?? 0);
    // Below the smallest normal number precision ends, and PyTorch's vector code gives 0 at times.
    return units * (epsilon[dtype] * size + smallestNormal[dtype]);
  };
}

function run(op: string, inputs: readonly Tensor[], { exponent, base }: Options = {}): Tensor {
  if (exponent !== undefined) return pow(inputs[0]!, exponent);
  if (base !== undefined) return pow(base, inputs[0]!);
  const fn = (tilegrad as unknown as Record<string, (...x: readonly Tensor[]) => Tensor>)[op]!;
  return fn(...inputs);
}

describe('golden mathematics', () => {
  for (const stored of fixture.content.cases) {
    const c = fixture.case(stored);
    const shapes = c.inputs.map((x) => `[${x.shape}]`).join(' ');
    it(`${c.op} ${shapes} ${JSON.stringify(c.options ?? {})} ${c.dtype}`, () => {
      const {
        units = kVectorMath,
        scale = toExpected,
        gradUnits = kGradient,
        ...more
      } = rows[c.op]!;
      const { gradScale = toExpected, differs = () => false, gradDiffers = () => false } = more;
      const at = (i: number): number[] => c.inputs.map(({ data }) => data[i]!);
      const inputs = c.inputs.map((x) => toTensor(x, c.dtype, true));
      const y = run(c.op, inputs, c.options);
      const skip = (i: number): boolean => differs(at(i), c.dtype);
      expectGolden(y, c.output, bound(units, scale, c.dtype, c.inputs), 'output', skip);
      const grads = gradients(y, c.gradOutput, c.dtype, inputs);
      for (const [operand, grad] of grads.entries()) {
        const want = c.gradInputs[operand]!;
        const count = c.output.data.length / want.data.length;
        // A sum over a broadcast dimension: every term and every addition counts by the largest one.
        const summed: Bound = () =>
          (count + gradUnits) * count * epsilon[c.dtype] * 64 * largest(c.gradOutput);
        const limit =
          count > 1 ? summed : bound(gradUnits, gradScale, c.dtype, c.inputs, c.gradOutput);
        expectGolden(grad, want, limit, `gradient of operand ${operand}`, (i) =>
          count > 1 ? false : skip(i) || gradDiffers(at(i), c.dtype),
        );
      }
    });
  }

  for (const { op, dtype, inputs, output } of fixture.content.values) {
    const operands = inputs.map((i) => fixture.tensor(i));
    it(`${op} ${operands.map((x) => `[${x.shape}]`).join(' ')} ${dtype}`, () => {
      const y = run(
        op,
        operands.map((x) => toTensor(x, dtype)),
      );
      expectGolden(y, fixture.tensor(output), exact, 'output');
    });
  }
});

/** Functions of one argument by the language's own, on arguments where those are defined. */
const references: Record<string, (x: number) => number> = {
  rsqrt: (x) => 1 / Math.sqrt(x),
  exp2: (x) => 2 ** x,
  expm1: Math.expm1,
  log2: Math.log2,
  log10: Math.log10,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: (x) => Math.asin(x / 8),
  acos: (x) => Math.acos(x / 8),
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
};
const references2: Record<string, (x: number, y: number) => number> = {
  pow: (x, y) => Math.abs(x) ** y,
  hypot: Math.hypot,
  atan2: Math.atan2,
  fmod: (x, y) => x % y,
  remainder: (x, y) => ((x % y) + y) % y,
  floorDivide: (x, y) => Math.floor(x / y),
};

/** Multiples of 1/64 in (-8, 8), exact in every dtype, none a whole number. */
const value = (i: number): number => (((i * 397) % 1023) - 511 + 0.5) / 64;

/** Numbers in memory that doesn't begin at a vector's boundary. */
function misaligned(length: number, offset: number, dtype: FloatType, f: typeof value): Tensor {
  const array = dtype === 'float32' ? new Float32Array(128) : new Float64Array(128);
  const part = array.subarray(offset, offset + length);
  for (let i = 0; i < length; i++) part[i] = f(i);
  return fromTypedArray(part, [length]);
}

function expectNear(actual: Tensor, expected: number[], dtype: FloatType): void {
  expect(actual.shape).toEqual([expected.length]);
  const values = actual.contiguous().data;
  for (const [i, want] of expected.entries()) {
    const limit = kVectorMath * epsilon[dtype] * Math.abs(want);
    const got = values[i]!;
    if (!Object.is(got, want) && !(Math.abs(got - want) <= limit)) {
      expect(got, `at ${i}`).toBe(want);
    }
  }
}

describe.each(['float32', 'float64'] as const)('%s: every size, offset and stride', (dtype) => {
  test.each(Object.entries(references))('%s', (op, reference) => {
    // Where a function wants positive numbers or small ones, the reference says so too.
    const scaled = op === 'asin' || op === 'acos' ? (x: Tensor) => x.div(8) : (x: Tensor) => x;
    const positive = ['rsqrt', 'log2', 'log10'].includes(op);
    const f = positive ? (i: number) => Math.abs(value(i)) : value;
    for (let n = 0; n <= 100; n++) {
      const x = misaligned(n, n % 5, dtype, f);
      const want = Array.from({ length: n }, (_, i) => reference(f(i)));
      expectNear(run(op, [scaled(x)]), want, dtype);
      const odd = want.filter((_, i) => i % 2 === 1);
      if (n > 1) expectNear(run(op, [scaled(x).slice([[1, null, 2]])]), odd, dtype);
    }
  });

  test.each(Object.entries(references2))('%s', (op, reference) => {
    const a = op === 'pow' ? (i: number) => Math.abs(value(i)) : value;
    const b = (i: number): number => value(3 * i + 7) / 2;
    for (let n = 0; n <= 100; n++) {
      const x = misaligned(n, n % 5, dtype, a);
      const y = misaligned(n, n % 3, dtype, b);
      const want = Array.from({ length: n }, (_, i) => reference(a(i), b(i)));
      expectNear(run(op, [x, y]), want, dtype);
      const odd = want.filter((_, i) => i % 2 === 1);
      const every = [[1, null, 2]] as const;
      if (n > 1) expectNear(run(op, [x.slice([...every]), y.slice([...every])]), odd, dtype);
      const first = Array.from({ length: n }, (_, i) => reference(a(0), b(i)));
      if (n > 0) expectNear(run(op, [tensor(a(0), { dtype }), y]), first, dtype);
      const last = Array.from({ length: n }, (_, i) => reference(a(i), b(0)));
      if (n > 0) expectNear(run(op, [x, tensor(b(0), { dtype })]), last, dtype);
    }
  });
});

describe('angles of any size', () => {
  // From a reduction with 400 digits of pi; the first is the double nearest to a multiple of pi / 2.
  test.each([
    [6381956970095103 * 2 ** 797, 1, -4.6871659242546277e-19],
    [2 ** 1023, 0.563127779850884, -0.8263698346141479],
    [1e22, -0.8522008497671888, 0.5232147853951389],
    [2 ** 30 + 1, 0.3284483319740196, 0.9445219389847354],
  ])('float64 %d', (x, sine, cosine) => {
    const t = tensor([x, -x, 0.5], { dtype: 'float64' });
    const [s, minus] = t.sin().data as unknown as [number, number];
    expect(Math.abs(s - sine)).toBeLessThanOrEqual(2 ** -52 * Math.abs(sine));
    expect(minus).toBe(-s);
    const [c] = t.cos().data as unknown as [number];
    expect(Math.abs(c - cosine)).toBeLessThanOrEqual(2 ** -52 * Math.abs(cosine));
  });

  test('a lane does not depend on its neighbours', () => {
    const x = Float32Array.from({ length: 64 }, (_, i) => (i % 3 === 0 ? 1e30 / (i + 1) : i / 7));
    const all = fromTypedArray(x, [64]);
    for (const op of ['sin', 'cos', 'tan'] as const) {
      const together = Array.from(all[op]().data as Float32Array);
      const alone = Array.from(x, (v) => tensor([v])[op]().data[0]);
      expect(together).toEqual(alone);
    }
    const big = all.fmod(0.7).data as Float32Array;
    expect(Array.from(big)).toEqual(Array.from(x, (v) => tensor([v]).fmod(0.7).data[0]));
  });
});

// Registers with nothing but small quotients have a way of their own, which the goldens, with hard
// numbers in every register, don't take. The results are PyTorch's.
test.each([
  [5, Infinity, 5, 5, 0],
  [5, -Infinity, 5, -Infinity, -1],
  [-5, Infinity, -5, Infinity, -1],
  [-5, -Infinity, -5, -5, 0],
  [0, Infinity, 0, 0, 0],
  [0, -Infinity, 0, 0, -0],
  [-0, Infinity, -0, -0, -0],
  [-0, -Infinity, -0, -0, 0],
  [6, 3, 0, 0, 2],
  [-6, 3, -0, -0, -2],
  [6, -3, 0, 0, -2],
  [-1e-40, 3, Math.fround(-1e-40), 3, -1],
])('%d modulo %d, in whole registers at every level', (a, b, fmod, remainder, quotient) => {
  for (const dtype of ['float32', 'float64'] as const) {
    const [x, y] = [full([33], Math.fround(a), { dtype }), full([33], b, { dtype })];
    for (const level of simdLevels()) {
      setSimdLevel(level);
      for (const divisor of [y, b]) {
        expect(x.fmod(divisor).toArray()).toEqual(Array(33).fill(fmod));
        expect(x.remainder(divisor).toArray()).toEqual(Array(33).fill(remainder));
        expect(x.floorDivide(divisor).toArray()).toEqual(Array(33).fill(quotient));
      }
    }
  }
});

describe('pow', () => {
  test('whole exponents, negative bases', () => {
    const x = tensor([-3, -2, 0, 2, 3], { dtype: 'float64' });
    expect(Array.from(x.pow(tensor(3, { dtype: 'float64' })).data)).toEqual([-27, -8, 0, 8, 27]);
    expect(Array.from(x.pow(2).data)).toEqual([9, 4, 0, 4, 9]);
    expect(Array.from(x.pow(tensor(4, { dtype: 'float64' })).data)).toEqual([81, 16, 0, 16, 81]);
    expect(Number.isNaN(x.pow(0.3).data[0])).toBe(true);
  });

  test('a number for the base or the exponent gives what a tensor gives', () => {
    const x = tensor([0.3, 1.7, 4, 10]);
    expect(x.pow(0.3).toArray()).toEqual(x.pow(tensor(0.3)).toArray());
    expect(pow(3, x).toArray()).toEqual(pow(tensor(3), x).toArray());
  });
});
