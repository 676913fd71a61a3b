/** Goldens of the activations that elementwise.test.ts doesn't have, and what goldens leave open. */
import { nn, onesLike, type Tensor, tensor } from 'tilegrad';
import { computeBinary } from 'tilegrad/ops/elementwise/elementwise.js';
import { numel } from 'tilegrad/tensor/shape.js';
import { describe, expect, test } from 'vitest';
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
} from '../../golden.js';

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
  hardtanh: ieee,
  // 0 of either sign: PyTorch's vectors and its rest differ there.
  softshrink: { units: 1, gradUnits: 0 },
  hardshrink: ieee,
  threshold: ieee,
  hardsigmoid: { units: 1, gradUnits: 1, gradScale: constantOf32 },
  hardswish: { units: 2, gradUnits: 2 },
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
  logsigmoid: { units: VECTOR_MATH, gradUnits: VECTOR_MATH },
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

  // Some levels take a shorter way where all numbers of several vectors have a normal sigmoid: here
  // each group of vectors has numbers of a range of 0.1, and by itself a number takes the long way.
  test('silu of many numbers has the bits that each has by itself', () => {
    const [from, to] = dtype === 'float32' ? [-112, -78] : [-760, -698];
    const count = 16384;
    const values = Array.from({ length: count }, (_, i) => from + ((to - from) * i) / count);
    const special = [Infinity, -Infinity, Number.NaN, 0, -0, 1e-40, -1e-40, 1e30];
    values.push(...special, ...new Array<number>(200).fill(3), ...special);
    const x = tensor(values, { dtype });
    const all = x.silu();
    const single = values.map((_, i) => x.slice([[i, i + 1]]).silu());
    expect(all.toArray()).toEqual(single.flatMap((y) => y.toArray()));
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
      computeBinary('leakyReluBackward', g, source, 'leakyRelu', dtype, [slope]).toArray();
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

/** Functions and their derivatives in float64, by the formulas of their documentation. */
const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);
const omega = (x: number): number => Math.tanh(Math.log1p(Math.exp(x)));

interface Reference {
  run: (x: Tensor) => Tensor;
  value: (x: number) => number;
  slope: (x: number) => number;
}

const references: Record<string, Reference> = {
  softplus: {
    run: (x) => x.softplus({ beta: 0.5, threshold: 1 }),
    value: (x) => (0.5 * x > 1 ? x : 2 * Math.log1p(Math.exp(0.5 * x))),
    slope: (x) => (0.5 * x > 1 ? 1 : logistic(0.5 * x)),
  },
  logsigmoid: {
    run: (x) => x.logsigmoid(),
    value: (x) => -Math.log1p(Math.exp(-x)),
    slope: (x) => logistic(-x),
  },
  elu: {
    run: (x) => x.elu({ alpha: 2 }),
    value: (x) => (x > 0 ? x : 2 * Math.expm1(x)),
    slope: (x) => (x > 0 ? 1 : 2 * Math.exp(x)),
  },
  selu: {
    run: (x) => x.selu(),
    value: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x)),
    slope: (x) => 1.0507009873554805 * (x > 0 ? 1 : 1.6732632423543772 * Math.exp(x)),
  },
  celu: {
    run: (x) => x.celu({ alpha: 2 }),
    value: (x) => (x > 0 ? x : 2 * Math.expm1(x / 2)),
    slope: (x) => (x > 0 ? 1 : Math.exp(x / 2)),
  },
  mish: {
    run: (x) => x.mish(),
    value: (x) => x * omega(x),
    slope: (x) => omega(x) + x * logistic(x) * (1 - omega(x) ** 2),
  },
  softsign: {
    run: (x) => x.softsign(),
    value: (x) => x / (1 + Math.abs(x)),
    slope: (x) => (1 + Math.abs(x)) ** -2,
  },
  tanhshrink: {
    run: (x) => x.tanhshrink(),
    value: (x) => x - Math.tanh(x),
    slope: (x) => Math.tanh(x) ** 2,
  },
  leakyRelu: {
    run: (x) => x.leakyRelu({ negativeSlope: 0.25 }),
    value: (x) => (x > 0 ? x : x / 4),
    slope: (x) => (x > 0 ? 1 : 0.25),
  },
  relu6: {
    run: (x) => x.relu6(),
    value: (x) => clamp(x, 0, 6),
    slope: (x) => (x > 0 && x < 6 ? 1 : 0),
  },
  hardtanh: {
    run: (x) => x.hardtanh({ minVal: -0.5, maxVal: 2 }),
    value: (x) => clamp(x, -0.5, 2),
    slope: (x) => (x > -0.5 && x < 2 ? 1 : 0),
  },
  hardsigmoid: {
    run: (x) => x.hardsigmoid(),
    value: (x) => clamp(x + 3, 0, 6) / 6,
    slope: (x) => (Math.abs(x) < 3 ? 1 / 6 : 0),
  },
  hardswish: {
    run: (x) => x.hardswish(),
    value: (x) => (x * clamp(x + 3, 0, 6)) / 6,
    slope: (x) => (x <= -3 ? 0 : x < 3 ? x / 3 + 0.5 : 1),
  },
  softshrink: {
    run: (x) => x.softshrink({ lambda: 0.25 }),
    value: (x) => Math.sign(x) * Math.max(Math.abs(x) - 0.25, 0),
    slope: (x) => (Math.abs(x) > 0.25 ? 1 : 0),
  },
  hardshrink: {
    run: (x) => x.hardshrink({ lambda: 0.25 }),
    value: (x) => (Math.abs(x) > 0.25 ? x : 0),
    slope: (x) => (Math.abs(x) > 0.25 ? 1 : 0),
  },
  threshold: {
    run: (x) => x.threshold(0.5, -4),
    value: (x) => (x > 0.5 ? x : -4),
    slope: (x) => (x > 0.5 ? 1 : 0),
  },
};

/** Views of a memory, of any length: from an odd offset, every second element backwards, by columns. */
const views: Record<string, (n: number, dtype: FloatType) => Tensor> = {
  'at an odd offset': (n, dtype) => values(n + 3, dtype).slice([[3, null]]),
  'every second': (n, dtype) => values(2 * n, dtype).slice([[0, null, 2]]),
  'by columns': (n, dtype) =>
    values(3 * n, dtype)
      .reshape([3, n])
      .transpose(),
  stretched: (n, dtype) => values(n, dtype).reshape([n, 1]).expand([n, 2]),
};

/** Different numbers around 0, multiples of 1/64, so that both dtypes have the same. */
function values(n: number, dtype: FloatType): Tensor {
  const data = Array.from({ length: n }, (_, i) => (((i * 397) % 1009) - 504) / 64);
  return tensor(data, { dtype });
}

const sizes = [...Array.from({ length: 67 }, (_, n) => n), 100, 127, 128, 129, 1000];

describe.each(Object.entries(references))('%s', (_, { run, value, slope }) => {
  test.each(Object.entries(views))('%s, of any length', (__, view) => {
    for (const dtype of dtypes) {
      for (const n of sizes) {
        const x = view(n, dtype);
        x.requiresGrad = true;
        const y = run(x);
        const g = values(y.numel, dtype).reshape(y.shape);
        y.backward(g);
        const from = x.contiguous().data;
        const gradient = (x.grad as Tensor).contiguous().data;
        const wrong: unknown[] = [];
        y.contiguous().data.forEach((got, i) => {
          const at = from[i] as number;
          // Both round some steps of the way, relative to x where the reference cancels.
          const limit = 8 * epsilon[dtype] * (1 + Math.abs(at));
          const out = g.data[i] as number;
          const far = Math.abs((gradient[i] as number) - out * slope(at));
          if (Math.abs(got - value(at)) <= limit && far <= limit * Math.abs(out)) return;
          wrong.push({ dtype, n, i, at, got, gradient: gradient[i], out });
        });
        expect(wrong).toEqual([]);
      }
    }
  });

  test('takes the gradient of a sum, which is one number', () => {
    for (const dtype of dtypes) {
      const x = values(1000, dtype);
      const y = values(1000, dtype);
      x.requiresGrad = true;
      y.requiresGrad = true;
      run(x).sum().backward();
      run(y).backward(onesLike(y));
      expect(x.grad?.toArray()).toEqual(y.grad?.toArray());
    }
  });
});

test('the sharpness of softplus has a default that changes no bit, and no linear part', () => {
  for (const dtype of dtypes) {
    const x = values(1000, dtype).mul(5);
    expect(x.softplus({ beta: 1 }).toArray()).toEqual(x.softplus().toArray());
    expect(x.softplus({ threshold: 1000 }).toArray()).toEqual(x.softplus().toArray());
  }
  const x = tensor([21], { dtype: 'float64' });
  expect(x.softplus().item()).toBe(21 + Math.log1p(Math.exp(-21)));
  expect(x.softplus({ threshold: 20 }).item()).toBe(21);
});

/** The gradients of x and the others for an uneven gradient of fn's result. */
function gradientsOf(fn: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]): Tensor[] {
  const leaves = inputs.map((t) => t.detach());
  for (const t of leaves) t.requiresGrad = true;
  const y = fn(...leaves);
  y.backward(values(y.numel, y.dtype as FloatType).reshape(y.shape));
  return [y, ...leaves.map((t) => t.grad as Tensor)];
}

function expectClose(actual: Tensor[], expected: Tensor[], units: number): void {
  actual.forEach((a, i) => {
    const e = expected[i] as Tensor;
    expect([...a.shape]).toEqual([...e.shape]);
    const far = a.sub(e).abs().max().item();
    const limit = units * epsilon[a.dtype as FloatType] * (1 + e.abs().max().item());
    expect(far).toBeLessThanOrEqual(limit);
  });
}

describe.each(dtypes)('gates in %s', (dtype) => {
  test.each([
    [[6, 34], 1],
    [[34, 6], 0],
    [[3, 4, 5], 1],
    [[2, 70_000], -1],
    [[140_000], 0],
  ] as [number[], number][])('glu of %j along %i is its composition', (shape, dim) => {
    const x = values(numel(shape), dtype).reshape(shape);
    const at = dim < 0 ? dim + shape.length : dim;
    const half = (shape[at] as number) / 2;
    const part = (t: Tensor, from: number) =>
      t.slice([...shape.slice(0, at).map(() => null), [from, from + half]]);
    const composed = (t: Tensor) => part(t, 0).mul(part(t, half).sigmoid());
    expectClose(
      gradientsOf((t) => t.glu(dim), x),
      gradientsOf(composed, x),
      4,
    );
    const swapped = (t: Tensor) => t.transpose(0, -1);
    const turned = (t: Tensor) => swapped(swapped(t).glu(shape.length - 1 - at));
    if (shape.length === 2) expectClose(gradientsOf(turned, x), gradientsOf(composed, x), 4);
  });

  test.each([
    [[5, 3], [3]],
    [[5, 3, 67], [3]],
    [[4, 70_001], [1]],
    [[70], [1]],
    [[70], []],
  ] as [number[], number[]][])('prelu of %j and %j is its composition', (shape, weights) => {
    const x = values(numel(shape), dtype).reshape(shape);
    const weight = values(numel(weights), dtype).add(0.3).reshape(weights);
    const composed = (t: Tensor, w: Tensor) => {
      const each = w.reshape(numel(weights) === 1 ? [] : [3, ...shape.slice(2).map(() => 1)]);
      return t.relu().sub(t.neg().relu().mul(each));
    };
    // Sums of as many terms as there are elements, of which those in blocks add up.
    const results = gradientsOf((t, w) => t.prelu(w), x, weight);
    expectClose(results, gradientsOf(composed, x, weight), 64);
  });
});

test('the modules pass their options on', () => {
  const x = values(40, 'float32').reshape([4, 10]);
  const pairs: [nn.Module, Tensor][] = [
    [new nn.ReLU6(), x.relu6()],
    [new nn.SELU(), x.selu()],
    [new nn.Mish(), x.mish()],
    [new nn.Softsign(), x.softsign()],
    [new nn.Tanhshrink(), x.tanhshrink()],
    [new nn.LogSigmoid(), x.logsigmoid()],
    [new nn.Hardsigmoid(), x.hardsigmoid()],
    [new nn.Hardswish(), x.hardswish()],
    [new nn.ELU(), x.elu()],
    [new nn.ELU({ alpha: 0.5 }), x.elu({ alpha: 0.5 })],
    [new nn.CELU({ alpha: 0.5 }), x.celu({ alpha: 0.5 })],
    [new nn.Softplus(), x.softplus()],
    [new nn.Softplus({ beta: 2, threshold: 3 }), x.softplus({ beta: 2, threshold: 3 })],
    [new nn.Hardtanh(), x.hardtanh()],
    [new nn.Hardtanh({ minVal: -2, maxVal: 3 }), x.hardtanh({ minVal: -2, maxVal: 3 })],
    [new nn.Softshrink({ lambda: 2 }), x.softshrink({ lambda: 2 })],
    [new nn.Hardshrink({ lambda: 2 }), x.hardshrink({ lambda: 2 })],
    [new nn.Threshold(1, -7), x.threshold(1, -7)],
    [new nn.GLU(), x.glu()],
    [new nn.GLU(0), x.glu(0)],
    [new nn.Softmax(), x.softmax()],
    [new nn.Softmax(0), x.softmax(0)],
    [new nn.LogSoftmax(0), x.logSoftmax(0)],
  ];
  for (const [module, expected] of pairs) {
    expect(module.forward(x).toArray()).toEqual(expected.toArray());
    expect(Object.keys(module.stateDict())).toEqual([]);
  }
});

test('PReLU learns its slopes', () => {
  const x = values(24, 'float64').reshape([2, 3, 4]);
  const one = new nn.PReLU(1, { dtype: 'float64' });
  expect(one.weight.toArray()).toEqual([0.25]);
  expect(one.forward(x).toArray()).toEqual(x.leakyRelu({ negativeSlope: 0.25 }).toArray());
  const three = new nn.PReLU(3, { dtype: 'float64', init: 0.5 });
  expect(three.weight.toArray()).toEqual([0.5, 0.5, 0.5]);
  expect(Object.keys(three.stateDict())).toEqual(['weight']);
  three.forward(x).sum().backward();
  const negative = x.sub(x.relu());
  expect(three.weight.grad?.toArray()).toEqual(negative.sum({ dim: [0, 2] }).toArray());
});
