/** Norms of gradients and clipping. */
import {
  Generator,
  getNumThreads,
  nn,
  ones,
  randn,
  setNumThreads,
  type Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { record, replay } from 'tilegrad/native/commands.js';
import { withoutRecycling } from 'tilegrad/tensor/memory.js';
import { describe, expect, test } from 'vitest';
import {
  epsilon,
  exact,
  expectGolden,
  Fixture,
  type FloatType,
  smallestNormal,
  toTensor,
} from '../golden.js';
import { expectError } from '../helpers/errors.js';

const { clipGradNorm, clipGradValue, gradNorm } = nn.utils;

interface Clipped {
  dtype: FloatType;
  gradients: number[];
  clipped: number[];
}

const fixture = new Fixture<{
  norms: (Clipped & { maxNorm: number; normType: number | string; norm: number })[];
  values: (Clipped & { clipValue: number })[];
}>('clip');

/** Leaves with gradients, and one without. */
function leaves(gradients: Tensor[]): Tensor[] {
  const parameters = gradients.map((gradient) => {
    const parameter = zeros(gradient.shape, { dtype: gradient.dtype, requiresGrad: true });
    parameter.grad = gradient;
    return parameter;
  });
  return [...parameters.slice(0, 2), zeros([3], { requiresGrad: true }), ...parameters.slice(2)];
}

const gradientsOf = (parameters: readonly Tensor[]): Tensor[] =>
  parameters.flatMap((parameter) => parameter.grad ?? []);

describe('as PyTorch', () => {
  test.each(fixture.content.norms)('clipGradNorm $dtype, type $normType', (c) => {
    const parameters = leaves(c.gradients.map((i) => toTensor(fixture.tensor(i), c.dtype)));
    const normType = Number(c.normType);
    const norm = clipGradNorm(parameters, c.maxNorm, { normType });
    // PyTorch sums 25 numbers in the gradients' dtype; then a sum, a quotient and a product round.
    const bound = (_: number, want: number): number =>
      32 * epsilon[c.dtype] * Math.abs(want) + smallestNormal[c.dtype];
    expectGolden(norm, fixture.tensor(c.norm), bound, 'norm');
    for (const [i, gradient] of gradientsOf(parameters).entries()) {
      expectGolden(gradient, fixture.tensor(c.clipped[i]!), bound, `gradient ${i}`);
    }
  });

  test.each(fixture.content.values)('clipGradValue $dtype', (c) => {
    const parameters = leaves(c.gradients.map((i) => toTensor(fixture.tensor(i), c.dtype)));
    clipGradValue(parameters, c.clipValue);
    for (const [i, gradient] of gradientsOf(parameters).entries()) {
      expectGolden(gradient, fixture.tensor(c.clipped[i]!), exact, `gradient ${i}`);
    }
  });
});

const norms: [number, (values: readonly number[]) => number][] = [
  [2, (values) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0))],
  [1, (values) => values.reduce((sum, v) => sum + Math.abs(v), 0)],
  [Infinity, (values) => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0)],
];

describe.each(norms)('the norm of type %d', (normType, reference) => {
  test('of every length and alignment, in every layout', () => {
    const generator = new Generator(2);
    for (const dtype of ['float32', 'float64'] as const) {
      for (let n = 0; n <= 100; n++) {
        const base = randn([n + 7], { dtype, generator });
        const strided = randn([2 * n], { dtype, generator });
        const views = [base.slice([[n % 7, (n % 7) + n]]), strided.slice([[0, null, 2]])];
        const gradients = [...views, randn([3, n], { dtype, generator }).transpose()];
        const all = gradients.flatMap((t) => Array.from(t.contiguous().data, Number));
        const got = gradNorm(leaves(gradients), { normType }).item();
        const want = reference(all);
        // Rounded once to the dtype after sums of up to 500 float64 numbers.
        const limit = (epsilon[dtype] + 512 * epsilon.float64) * want;
        expect(Math.abs(got - want), `${n} of ${dtype}`).toBeLessThanOrEqual(limit);
      }
    }
  });

  test('of much is the same with any number of threads, and near the reference', () => {
    const gradients = [300_007, 5, 200_000, 65_536].map((n) =>
      randn([n], { generator: new Generator(n) }),
    );
    const before = getNumThreads();
    const results = [1, 2, 3].map((threads) => {
      setNumThreads(threads);
      return gradNorm(leaves(gradients), { normType }).item();
    });
    setNumThreads(before);
    expect(new Set(results).size).toBe(1);
    const want = reference(gradients.flatMap((t) => Array.from(t.data, Number)));
    expect(Math.abs(results[0]! - want)).toBeLessThanOrEqual(2 * epsilon.float32 * want);
  });
});

test('squares of float32 neither overflow nor vanish', () => {
  expect(gradNorm(leaves([tensor([3e30, 4e30])])).item()).toBeCloseTo(5e30, -24);
  expect(gradNorm(leaves([tensor([3e-30, 4e-30])])).item() / 5e-30).toBeCloseTo(1, 6);
});

test('the norm has the widest dtype of the gradients, and is 0 of nothing', () => {
  expect(gradNorm([]).item()).toBe(0);
  expect(gradNorm([zeros([2], { requiresGrad: true })]).dtype).toBe('float32');
  const mixed = leaves([ones([9]), ones([16], { dtype: 'float64' })]);
  const norm = clipGradNorm(mixed, 2.5);
  expect([norm.dtype, norm.item()]).toEqual(['float64', 5]);
  expect(mixed[0]!.grad!.data[0]).toBeCloseTo(0.5, 6);
  expect(mixed[1]!.grad!.data[0]).toBeCloseTo(0.5, 6);
});

test('one parameter does as well as a list, and an iterator', () => {
  const parameter = zeros([2], { requiresGrad: true });
  parameter.grad = tensor([3, 4]);
  expect(gradNorm(parameter).item()).toBe(5);
  expect(gradNorm(new Set([parameter]).values()).item()).toBe(5);
  // Named twice it counts once.
  expect(gradNorm([parameter, parameter]).item()).toBe(5);
});

test('gradients within the limit keep their bits, and Infinity limits nothing', () => {
  const parameters = leaves([tensor([0.1, 0.2, Number.NaN])]);
  clipGradValue(parameters, Infinity);
  expect(parameters[0]!.grad!.toArray()).toEqual([Math.fround(0.1), Math.fround(0.2), Number.NaN]);
  const small = leaves([tensor([0.1, 0.2])]);
  expect(clipGradNorm(small, Infinity).item()).toBeCloseTo(Math.hypot(0.1, 0.2), 7);
  expect(small[0]!.grad!.toArray()).toEqual([Math.fround(0.1), Math.fround(0.2)]);
});

test('gradients are changed where they lie, whatever their layout', () => {
  const base = tensor([
    [3, 9, 4],
    [0, 9, 12],
  ]);
  const strided = base.slice([null, [0, null, 2]]);
  const transposed = ones([2, 3]).transpose();
  const expanded = tensor(2).expand([3]);
  const parameters = leaves([strided, transposed, expanded]);
  clipGradValue(parameters, 0.5);
  expect(base.toArray()).toEqual([
    [0.5, 9, 0.5],
    [0, 9, 0.5],
  ]);
  expect(transposed.toArray()).toEqual(ones([3, 2]).mul(0.5).toArray());
  expect(parameters.at(-1)!.grad!.toArray()).toEqual([0.5, 0.5, 0.5]);
  // Its elements were one number, which may be somebody else's.
  expect(expanded.toArray()).toEqual([2, 2, 2]);
});

test('a gradient that two parameters share is scaled once', () => {
  const shared = tensor([3, 4]);
  const parameters = leaves([shared, shared]);
  clipGradNorm(parameters, Math.SQRT2);
  const [first] = shared.toArray() as number[];
  // The norm counts it for both: 5 sqrt(2).
  expect(first).toBeCloseTo(3 / 5, 6);
});

test.each([1, 2, Infinity])('a NaN in any gradient is the norm of type %d', (normType) => {
  for (const at of [0, 1, 2]) {
    for (const [n, place] of [
      [1, 0],
      [7, 6],
      [100, 0],
      [100, 99],
    ] as const) {
      const gradients = [ones([n]), ones([n]), ones([n])];
      gradients[at]!.data[place] = Number.NaN;
      expect(gradNorm(leaves(gradients), { normType }).item()).toBeNaN();
    }
  }
});

test('errorIfNonfinite leaves the gradients as they are', () => {
  const parameters = leaves([tensor([1, Infinity])]);
  const call = () => clipGradNorm(parameters, 1, { errorIfNonfinite: true });
  expectError(call, 'ERR_STATE', '[clipGradNorm] the norm of the gradients is Infinity');
  expect(parameters[0]!.grad!.toArray()).toEqual([1, Infinity]);
});

test('recorded clipping works on the gradients of the replay', () => {
  const gradient = tensor([3, 4]);
  const parameters = leaves([gradient]);
  let norm: Tensor | null = null;
  const program = withoutRecycling(() =>
    record(() => {
      norm = clipGradNorm(parameters, 1);
    }),
  );
  gradient.data.set([6, 8]);
  replay(program);
  expect((norm as Tensor | null)?.item()).toBe(10);
  expect(gradient.data[0]).toBeCloseTo(0.6, 6);
});
