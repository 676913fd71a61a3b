import {
  addmm,
  baddbmm,
  full,
  linear,
  manualSeed,
  matmul,
  matmulPlan,
  ones,
  randn,
  setSimdLevel,
  simdLevels,
  type Tensor,
} from 'tilegrad';
import { describe, expect, it } from 'vitest';
import {
  type Bound,
  epsilon,
  expectGolden,
  Fixture,
  type Golden,
  type GoldenCase,
  gradients,
  largest,
  type StoredCase,
  toTensor,
} from '../../golden.js';
import { restoreSettings } from '../../helpers/settings.js';

restoreSettings();

const fixture = new Fixture<{ cases: StoredCase<never>[] }>('matmul');

const operations: Record<string, (...inputs: Tensor[]) => Tensor> = {
  matmul: (a, b) => matmul(a!, b!),
  linear: (x, weight, bias) => linear(x!, weight!, bias ?? null),
};

/**
 * Two sums of `terms` products, both rounded at every step: each is within terms * u * sum|products|
 * of the truth (u = eps / 2), and here the products are far from all being the largest.
 */
function bound(c: GoldenCase<never>, terms: number, a: Golden, b: Golden): Bound {
  const limit = terms * epsilon[c.dtype] * largest(a) * largest(b);
  return () => limit;
}

function size({ data }: Golden): number {
  return data.length;
}

describe('golden matrix products', () => {
  for (const stored of fixture.content.cases) {
    const c = fixture.case(stored);
    const [a, b, bias] = c.inputs as [Golden, Golden, Golden?];
    const title = `${c.op} ${c.inputs.map((x) => `[${x.shape}]`).join(' ')} ${c.dtype}`;
    it(title, () => {
      const inputs = c.inputs.map((x) => toTensor(x, c.dtype, true));
      const y = operations[c.op]!(...inputs);
      const inner = a.shape.at(-1)!;
      const products = size(c.output) * inner;
      expectGolden(y, c.output, bound(c, inner + (bias ? 1 : 0), a, b), 'output');

      const [gradA, gradB, gradBias] = gradients(y, c.gradOutput, c.dtype, inputs);
      const [wantA, wantB, wantBias] = c.gradInputs;
      const g = c.gradOutput;
      expectGolden(gradA!, wantA!, bound(c, products / size(a), g, b), 'gradient of a');
      expectGolden(gradB!, wantB!, bound(c, products / size(b), g, a), 'gradient of b');
      if (wantBias) {
        const limit = (size(g) / size(wantBias)) * epsilon[c.dtype] * largest(g);
        expectGolden(gradBias!, wantBias, () => limit, 'gradient of the bias');
      }
    });
  }
});

describe('addmm and baddbmm are beta c + alpha a b', () => {
  const terms = 37;
  const cases = [
    { name: 'addmm', fn: addmm, a: [5, terms], b: [terms, 19] },
    { name: 'baddbmm', fn: baddbmm, a: [3, 5, terms], b: [3, terms, 19] },
  ] as const;
  for (const { name, fn, a: aShape, b: bShape } of cases) {
    for (const dtype of ['float32', 'float64'] as const) {
      for (const [alpha, beta] of [
        [1, 1],
        [-0.5, 2],
        [3, 0.25],
      ] as const) {
        it(`${name} ${dtype}, alpha ${alpha}, beta ${beta}`, () => {
          manualSeed(5);
          const [a, b] = [randn(aShape, { dtype }), randn(bShape, { dtype })];
          const c = randn([19], { dtype }); // broadcast over rows and batches
          const made = c.mul(beta).add(matmul(a, b).mul(alpha));
          const limit = (terms + 3) * epsilon[dtype] * (beta + Math.abs(alpha) * terms) * 4 ** 2;
          const apart = fn(c, a, b, { alpha, beta }).sub(made).abs().max().item();
          expect(apart).toBeLessThanOrEqual(limit);
        });
      }

      it(`${name} ${dtype} does not read c when beta is 0`, () => {
        const [a, b] = [randn(aShape, { dtype }), randn(bShape, { dtype })];
        const c = full([19], Number.NaN, { dtype });
        expect(fn(c, a, b, { beta: 0 }).sub(matmul(a, b)).abs().max().item()).toBe(0);
      });
    }
  }
});

describe('operands that lie transposed', () => {
  // Sides of which both are few: the plan turns products with few columns around, and once only.
  const sides = [1, 2, 4, 7, 8, 9, 13, 14, 15, 33];
  const lying = (x: Tensor): Tensor => x.transpose().contiguous().transpose();

  it.each([1, 16, 64, 300])('give the bits of those that do not, with %i steps', (k) => {
    manualSeed(k);
    for (const m of sides) {
      for (const n of sides) {
        const [a, b] = [randn([m, k]), randn([k, n])];
        const expected = matmul(a, b).toArray();
        for (const [x, y] of [
          [lying(a), b],
          [a, lying(b)],
          [lying(a), lying(b)],
        ] as const) {
          expect({ m, n, k, product: matmul(x, y).toArray() }).toEqual({
            m,
            n,
            k,
            product: expected,
          });
        }
      }
    }
  });
});

describe('matmulPlan', () => {
  // What is left of registers of 16 columns: kernels for it are float32's on AVX-512.
  it.each([
    [180, 42, 36, 4],
    [180, 42, 49, 1],
    [300, 1000, 100, 4], // packed
    [180, 42, 37, 0], // more than four
    [180, 42, 48, 0], // none
    [31, 42, 36, 0], // few rows
    [180, 15, 36, 0], // few steps
    [180, 42, 18, 0], // no more than a tile
    [180, 1024, 2, 0], // narrow as a whole
  ])('names the last columns that are computed apart: %i x %i x %i', (m, k, n, apart) => {
    for (const level of simdLevels()) {
      setSimdLevel(level);
      const columns = (a: Tensor, b: Tensor): number => matmulPlan(a, b).narrowColumns;
      expect(columns(ones([m, k]), ones([k, n]))).toBe(level === 'avx512' ? apart : 0);
      expect(columns(ones([k, m]).transpose(), ones([k, n]))).toBe(0);
      const dtype = 'float64';
      expect(columns(ones([m, k], { dtype }), ones([k, n], { dtype }))).toBe(0);
    }
  });
});

describe('matrices, which are asked about before everything else', () => {
  const errorOf = (call: () => unknown) => {
    try {
      call();
    } catch (error) {
      return (error as { code?: unknown }).code;
    }
    return null;
  };

  it.each(['float32', 'float64'] as const)('%s: inner dimensions have to agree', (dtype) => {
    // Also where A's is the smaller one, so that reading along it stays inside of B.
    for (const inner of [0, 1, 2, 4, 5]) {
      const left = ones([3, 3], { dtype });
      expect(errorOf(() => matmul(left, ones([inner, 2], { dtype })))).toBe('ERR_SHAPE');
      expect(errorOf(() => matmul(ones([2, inner], { dtype }), left))).toBe('ERR_SHAPE');
    }
  });

  it('have the dtype at which theirs meet', () => {
    const single = full([2, 3], 0.1, { dtype: 'float32' });
    const double = full([3, 2], 0.1, { dtype: 'float64' });
    const mixed = matmul(single, double);
    expect(mixed.dtype).toBe('float64');
    expect(mixed.data).toEqual(matmul(single.to('float64'), double).data);
    const half = matmul(ones([2, 3], { dtype: 'bfloat16' }), ones([3, 2], { dtype: 'bfloat16' }));
    expect(half.dtype).toBe('bfloat16');
    const whole = matmul(ones([2, 3], { dtype: 'int32' }), ones([3, 2], { dtype: 'int32' }));
    expect([whole.dtype, ...whole.data]).toEqual(['int32', 3, 3, 3, 3]);
  });

  it('give nothing of nothing, and zeros without steps', () => {
    expect(matmul(ones([0, 3]), ones([3, 2])).shape).toEqual([0, 2]);
    expect(matmul(ones([2, 3]), ones([3, 0])).shape).toEqual([2, 0]);
    expect([...matmul(ones([2, 0]), ones([0, 2])).data]).toEqual([0, 0, 0, 0]);
  });

  it('may be stretched along the inner dimension, and are recorded', () => {
    const left = ones([2, 1]).expand([2, 3]);
    const right = ones([1, 2]).expand([3, 2]);
    expect([...matmul(left, right).data]).toEqual([3, 3, 3, 3]);
    const weight = ones([3, 2]);
    weight.requiresGrad = true;
    matmul(left, weight).sum().backward();
    expect([...(weight.grad as Tensor).data]).toEqual([2, 2, 2, 2, 2, 2]);
  });
});
