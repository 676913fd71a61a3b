/** Goldens of the activations that elementwise.test.ts doesn't have, and what goldens leave open. */
import { nn, type Tensor, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { computeBinary } from '../../lib/ops/elementwise.js';
import {
  type Bound,
  epsilon,
  exact,
  expectGolden,
  Fixture,
  type FloatType,
  gradients,
  largest,
  type StoredCase,
  smallestNormal,
  toTensor,
} from '../golden.js';

/** What PyTorch's results and gradients may differ by, in units of eps; 0 for the same bits. */
interface Bounds {
  units: number;
  gradUnits: number;
  /** What errors are relative to, besides the expected value, from the input and the gradient. */
  scale?: (x: number) => number;
  gradScale?: (x: number, g: number, dtype: FloatType) => number;
  /** Inputs whose gradient this library means to give otherwise. */
  gradDiffers?: (x: number) => boolean;
}

const ieee: Bounds = { units: 0, gradUnits: 0 };
// Both sides are off by up to 3 units in the last place (a unit is up to eps of the value).
const VECTOR_MATH = 6;
/** An exponential that is computed from x times a number carries that product's rounding. */
const exponent = (x: number): number => 1 + Math.min(Math.abs(x), 800);

/** Where PyTorch's constant (1 / 6, 1 / alpha) is a float32 in float64 too. */
const constantOf32 = (_: number, g: number, dtype: FloatType): number =>
  (Math.abs(g) * epsilon.float32) / epsilon[dtype];

const goldenBounds: Record<string, Bounds> = {
  relu6: ieee,
  hardTanh: ieee,
  // 0 of either sign: PyTorch's vectors and its rest differ there.
  softshrink: { units: 1, gradUnits: 0 },
  hardshrink: ieee,
  threshold: ieee,
  hardSigmoid: { units: 1, gradUnits: 1, gradScale: constantOf32 },
  hardSwish: { units: 2, gradUnits: 2 },
  // PyTorch differentiates x / (1 + |x|) step by step: NaN at infinity, where this is 0.
  softsign: {
    units: 1,
    gradUnits: 4,
    gradScale: (_, g) => Math.abs(g),
    gradDiffers: (x) => !Number.isFinite(x),
  },
  selu: { units: VECTOR_MATH, gradUnits: VECTOR_MATH },
  elu: { units: VECTOR_MATH, gradUnits: VECTOR_MATH },
  celu: {
    units: VECTOR_MATH,
    gradUnits: VECTOR_MATH,
    gradScale: (x, g, dtype) => exponent(x) * constantOf32(x, g, dtype),
  },
  softplus: { units: VECTOR_MATH, gradUnits: VECTOR_MATH },
  logSigmoid: { units: VECTOR_MATH, gradUnits: VECTOR_MATH },
  // PyTorch's sum of two terms cancels, and its exponential is that of softplus.
  mish: {
    units: VECTOR_MATH,
    gradUnits: VECTOR_MATH,
    gradScale: (x, g) => Math.abs(g) * exponent(x),
  },
  // x - tanh(x) cancels, and so does the derivative's 1 - (1 - tanh(x)^2).
  tanhshrink: {
    units: VECTOR_MATH,
    gradUnits: VECTOR_MATH,
    scale: (x) => Math.min(Math.abs(x), 1),
    gradScale: (_, g) => Math.abs(g),
  },
};

interface GoldenOptions {
  dim?: number;
  threshold?: number;
  value?: number;
}

const fixture = new Fixture<{ cases: StoredCase<GoldenOptions>[] }>('activation');

function call(op: string, options: GoldenOptions, x: Tensor, weight?: Tensor): Tensor {
  if (op === 'glu') return x.glu(options.dim);
  if (op === 'prelu') return x.prelu(weight as Tensor);
  if (op === 'threshold') return x.threshold(options.threshold as number, options.value as number);
  return (x as unknown as Record<string, (options: object) => Tensor>)[op]!(options);
}

describe('golden activations', () => {
  for (const [index, stored] of fixture.content.cases.entries()) {
    const c = fixture.case(stored);
    const { op, dtype, options = {} } = c;
    test(`${index}: ${op} ${JSON.stringify(options)} ${dtype}`, () => {
      const inputs = c.inputs.map((x) => toTensor(x, dtype, true));
      const y = call(op, options, inputs[0] as Tensor, inputs[1]);
      const grads = gradients(y, c.gradOutput, dtype, inputs);
      if (op === 'glu' || op === 'prelu') {
        // Products and, for a slope, a sum of as many as there are elements.
        const limit = (VECTOR_MATH + c.output.data.length) * epsilon[dtype];
        const bound = () => limit * Math.max(1, ...c.inputs.map(largest)) ** 2;
        expectGolden(y, c.output, bound, 'output');
        grads.forEach((grad, i) => {
          expectGolden(grad, c.gradInputs[i]!, bound, `gradient ${i}`);
        });
        return;
      }
      const bounds = goldenBounds[op]!;
      const from = c.inputs[0]!.data;
      const bound =
        (units: number, scale?: Bounds['gradScale']): Bound =>
        (i, expected) => {
          const size = Math.max(
            Math.abs(expected),
            scale?.(from[i]!, c.gradOutput.data[i]!, dtype) ?? 0,
          );
          // Below the smallest normal number PyTorch's vector code gives 0 at times.
          return units * (epsilon[dtype] * size + smallestNormal[dtype]);
        };
      expectGolden(y, c.output, bounds.units ? bound(bounds.units, bounds.scale) : exact, 'output');
      expectGolden(
        grads[0]!,
        c.gradInputs[0]!,
        bounds.gradUnits ? bound(bounds.gradUnits, bounds.gradScale) : exact,
        'gradient',
        (i) => bounds.gradDiffers?.(from[i]!) === true,
      );
    });
  }
});

const largestNumber = { float32: (2 - 2 ** -23) * 2 ** 127, float64: Number.MAX_VALUE } as const;
const dtypes = ['float32', 'float64'] as const;

/** The gradient of the elements' sum. */
function gradient(fn: (x: Tensor) => Tensor, values: number[], dtype: (typeof dtypes)[number]) {
  const x = tensor(values, { dtype, requiresGrad: true });
  fn(x).sum().backward();
  return x.grad!.toArray();
}

describe.each(dtypes)('%s', (dtype) => {
  // PyTorch gives NaN, since x^2 or x^3 overflows.
  test('the derivative of the tanh form of gelu is 1 or 0 for the largest numbers', () => {
    const big = [20, 1e10, 1e13, 1e20, 1e38, largestNumber[dtype]];
    const slope = (values: number[]) =>
      gradient((x) => x.gelu({ approximate: 'tanh' }), values, dtype);
    expect(slope(big)).toEqual(big.map(() => 1));
    // 0 of either sign: the derivative comes from below at -22.
    const below = slope(big.slice(1).map((x) => -x)) as number[];
    expect(below.map(Math.abs)).toEqual(below.map(() => 0));
    expect(slope([Infinity, -Infinity, Number.NaN])).toEqual([NaN, NaN, NaN]);
  });

  // Where sigmoid(x) is below the smallest normal number, x sigmoid(x) need not be.
  test('silu is accurate down to the smallest normal number', () => {
    const [from, to] = dtype === 'float32' ? [80, 92] : [700, 715];
    const values = Array.from({ length: 101 }, (_, i) => -(from + ((to - from) * i) / 100));
    const x = tensor(values, { dtype });
    for (const [i, got] of (x.silu().toArray() as number[]).entries()) {
      const at = x.data[i]!;
      // e^x in two factors, or it would be denormal in float64. Each Math.exp is off by up to eps.
      const want = at * Math.exp(at / 2) * Math.exp(at / 2);
      // 3 units (docs/accuracy.md) of up to eps, and what e^(x / 2) twice and the products round.
      const limit = (3 * epsilon[dtype] + 4 * epsilon.float64) * Math.abs(want);
      expect(Math.abs(got - want)).toBeLessThanOrEqual(
        limit + 3 * smallestNormal[dtype] * epsilon[dtype],
      );
    }
  });

  test.each([0, 0.01, 1, 3])('leakyRelu has its gradient from its output, slope %f', (slope) => {
    const values = [3, -3, 0, -0, NaN, Infinity, -Infinity, 1e-45, -1e-45, 1e30, -1e30, 0.5, -0.5];
    const x = tensor(values, { dtype });
    const g = tensor(
      values.map((_, i) => i - 5.5),
      { dtype },
    );
    const y = x.leakyRelu({ negativeSlope: slope });
    const from = (source: Tensor) =>
      computeBinary('leakyReluBackward', g, source, [slope]).toArray();
    expect(from(y)).toEqual(from(x));
  });
});

test('the modules are the functions with their options', () => {
  const x = tensor([-2, -0.5, 0, 0.5, 2]);
  const values = (y: Tensor): unknown => y.toArray();
  expect(values(new nn.SiLU().forward(x))).toEqual(values(x.silu()));
  expect(values(new nn.GELU().forward(x))).toEqual(values(x.gelu()));
  const tanhForm = values(x.gelu({ approximate: 'tanh' }));
  expect(tanhForm).not.toEqual(values(x.gelu()));
  expect(values(new nn.GELU({ approximate: 'tanh' }).forward(x))).toEqual(tanhForm);
  expect(values(new nn.LeakyReLU().forward(x))).toEqual(
    values(x.leakyRelu({ negativeSlope: 0.01 })),
  );
  expect(values(new nn.LeakyReLU({ negativeSlope: -0.5 }).forward(x))).toEqual([
    1, 0.25, -0, 0.5, 2,
  ]);
  expect(Object.keys(new nn.LeakyReLU().stateDict())).toEqual([]);
});
