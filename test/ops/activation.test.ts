/** What the goldens of the activations (elementwise.test.ts) leave open. */
import { nn, type Tensor, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { computeBinary } from '../../lib/ops/elementwise.js';
import { epsilon, smallestNormal } from '../golden.js';

const largest = { float32: (2 - 2 ** -23) * 2 ** 127, float64: Number.MAX_VALUE } as const;
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
    const big = [20, 1e10, 1e13, 1e20, 1e38, largest[dtype]];
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
