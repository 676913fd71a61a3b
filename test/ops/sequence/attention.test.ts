import * as tilegrad from 'tilegrad';
import {
  Generator,
  gradcheck,
  gradgradcheck,
  memory,
  randn,
  scaledDotProductAttention,
  type Tensor,
  tensor,
  tril,
  where,
} from 'tilegrad';
import { describe, expect, it, test } from 'vitest';
import {
  epsilon,
  expectGolden,
  Fixture,
  type FloatType,
  gradients,
  largest,
  type StoredCase,
  toTensor,
} from '../../golden.js';

interface Options {
  isCausal?: boolean;
  scale?: number;
  enableGqa?: boolean;
  mask?: 'bool' | 'float';
}

const fixture = new Fixture<{ cases: (StoredCase<Options> & { mask?: number })[] }>('attention');

describe('golden attention', () => {
  for (const [index, stored] of fixture.content.cases.entries()) {
    const c = fixture.case(stored);
    const { mask: kind, ...options } = c.options!;
    const shapes = c.inputs.map(({ shape }) => `[${shape}]`).join(' ');
    it(`${index}: ${shapes} ${JSON.stringify(c.options)} ${c.dtype}`, () => {
      const inputs = c.inputs.map((x) => toTensor(x, c.dtype, true));
      const [q, k, v] = inputs as [Tensor, Tensor, Tensor];
      const stored = fixture.content.cases[index]!.mask;
      const numbers = stored === undefined ? null : toTensor(fixture.tensor(stored), c.dtype);
      const attnMask = kind === 'bool' ? (numbers as Tensor).ne(0) : numbers;
      const y = scaledDotProductAttention(q, k, v, { ...options, attnMask });
      // Weights sum to 1; scores are sums of up to 5 products of numbers up to 4.
      const eps = 32 * epsilon[c.dtype];
      const size = Math.max(...c.inputs.map(largest));
      expectGolden(y, c.output, () => eps * size, 'output');
      // Gradients are sums over queries or keys of products of three numbers.
      const terms = Math.max(q.shape.at(-2)!, k.shape.at(-2)!) * 4;
      const limit = eps * terms * size * size;
      for (const [i, g] of gradients(y, c.gradOutput, c.dtype, inputs).entries()) {
        expectGolden(g, c.gradInputs[i]!, () => limit, `gradient of input ${i}`);
      }
    });
  }
});

const generator = new Generator(5);
const leaf = (shape: readonly number[], dtype: FloatType): Tensor =>
  randn(shape, { dtype, generator, requiresGrad: true });

/** By the definition, with all scores in memory. */
function composed(q: Tensor, k: Tensor, v: Tensor, causal: boolean, mask: Tensor | null): Tensor {
  let scores = q.matmul(k.transpose()).div(Math.sqrt(q.shape.at(-1)!));
  if (mask !== null) {
    scores = mask.dtype === 'bool' ? where(mask, scores, -Infinity) : scores.add(mask);
  }
  const ones = tilegrad.ones(scores.shape.slice(-2), { dtype: 'bool' });
  if (causal) scores = where(tril(ones), scores, -Infinity);
  return scores.softmax().matmul(v);
}

const difference = (a: Tensor, b: Tensor): number => {
  expect(a.shape).toEqual(b.shape);
  return a.numel === 0 ? 0 : a.sub(b).abs().max().item();
};

describe.each(['float32', 'float64'] as const)('fused against composed, %s', (dtype) => {
  const lengths = [1, 2, 15, 16, 17, 31, 32, 33, 40, 63, 64, 65, 100];

  function check(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null): void {
    const [queries, keys] = [q.shape.at(-2)!, k.shape.at(-2)!];
    for (const causal of [false, true]) {
      const fused = scaledDotProductAttention(q, k, v, { isCausal: causal, attnMask: mask });
      const plain = composed(q, k, v, causal, mask);
      const g = randn(fused.shape, { dtype, generator });
      const [first, second] = [fused, plain].map((y) => {
        for (const t of [q, k, v]) t.zeroGrad();
        y.backward(g);
        return [q, k, v].map((t) => (t.grad as Tensor).clone());
      }) as [Tensor[], Tensor[]];
      const limit = 16 * epsilon[dtype] * (queries + keys + 16);
      const label = `[${q.shape}] [${k.shape}] causal ${causal} mask ${mask?.dtype}`;
      expect(difference(fused, plain), label).toBeLessThan(limit);
      first.forEach((t, i) => {
        expect(difference(t, second[i] as Tensor), `${label} ${i}`).toBeLessThan(limit);
      });
    }
  }

  test.each(lengths)('%i queries', (n) => {
    const shape = (length: number, size: number) => leaf([1, 2, length, size], dtype);
    check(shape(n, 8), shape(n, 8), shape(n, 5), null);
    check(shape(n, 3), shape(37, 3), shape(37, 17), randn([n, 37], { dtype, generator }));
    check(shape(33, 3), shape(n, 3), shape(n, 17), randn([2, 1, n], { dtype, generator }).gt(-9));
  });

  test('transposed heads, slices, masks with steps of their own', () => {
    const heads = (n: number) => {
      const t = randn([2, n, 3, 4], { dtype, generator }).permute([0, 2, 1, 3]);
      t.requiresGrad = true;
      return t;
    };
    check(heads(6), heads(9), heads(9), null);
    const every = (n: number) => {
      const t = randn([2, 3, n, 8], { dtype, generator }).slice([null, null, null, [0, null, 2]]);
      t.requiresGrad = true;
      return t;
    };
    check(every(6), every(9), every(9), null);
    const wide = randn([9, 6], { dtype, generator }).transpose();
    check(heads(6), heads(9), heads(9), wide);
    check(heads(6), heads(9), heads(9), wide.slice([null, [0, 1]]));
  });

  test('leading dimensions broadcast, and more than two of them are one batch', () => {
    check(leaf([2, 1, 3, 5, 4], dtype), leaf([1, 2, 1, 7, 4], dtype), leaf([7, 3], dtype), null);
    const mask = randn([2, 1, 1, 5, 7], { dtype, generator });
    check(leaf([2, 1, 3, 5, 4], dtype), leaf([1, 2, 1, 7, 4], dtype), leaf([7, 3], dtype), mask);
  });
});

test('grouped queries are those of repeated keys and values', () => {
  const [q, k, v] = [
    leaf([2, 6, 5, 4], 'float64'),
    leaf([2, 3, 7, 4], 'float64'),
    leaf([2, 3, 7, 2], 'float64'),
  ];
  const repeated = [k, v].map((t) => t.repeatInterleave(2, { dim: 1 })) as [Tensor, Tensor];
  for (const mask of [
    null,
    randn([6, 5, 7], { dtype: 'float64' }),
    randn([5, 7], { dtype: 'float64' }),
  ]) {
    const y = scaledDotProductAttention(q, k, v, { enableGqa: true, attnMask: mask });
    expect(
      difference(y, scaledDotProductAttention(q, ...repeated, { attnMask: mask })),
    ).toBeLessThan(1e-14);
  }
});

test('a query that may attend to nothing gives zeros and takes no gradient', () => {
  const [q, k, v] = [1, 2, 3].map(() => leaf([3, 4], 'float32')) as [Tensor, Tensor, Tensor];
  const mask = tensor([
    [true, false, true],
    [false, false, false],
    [true, true, true],
  ]);
  const y = scaledDotProductAttention(q, k, v, { attnMask: mask });
  expect(y.slice([1]).toArray()).toEqual([0, 0, 0, 0]);
  y.sum().backward();
  expect((q.grad as Tensor).slice([1]).toArray()).toEqual([0, 0, 0, 0]);
  expect((k.grad as Tensor).isfinite().all().item()).toBe(1);
  const nan = q.detach().clone();
  nan.data[8] = Number.NaN;
  const rows = scaledDotProductAttention(nan, k, v, { attnMask: mask });
  expect(rows.isnan().any({ dim: 1 }).toArray()).toEqual([false, false, true]);
});

test('nothing to attend to, no queries, no elements', () => {
  const call = (l: number, s: number, e: number, v: number) =>
    scaledDotProductAttention(randn([2, l, e]), randn([2, s, e]), randn([2, s, v]));
  expect(call(3, 0, 4, 2).toArray()).toEqual(tilegrad.zeros([2, 3, 2]).toArray());
  expect(call(0, 3, 4, 2).shape).toEqual([2, 0, 2]);
  expect(call(3, 4, 2, 0).shape).toEqual([2, 3, 0]);
  const mean = scaledDotProductAttention(randn([1, 0]), randn([2, 0]), tensor([[2], [4]]));
  expect(mean.toArray()).toEqual([[3]]);
});

describe('dropout', () => {
  const options = { dropoutP: 0.4, isCausal: true };
  const [L, S] = [37, 35];
  const inputs = (dtype: FloatType) => [leaf([2, L, 4], dtype), leaf([2, S, 4], dtype)] as const;

  test.each(['float32', 'float64'] as const)(
    'the backward pass drops the same weights, %s',
    (dtype) => {
      const [q, k] = inputs(dtype);
      const v = leaf([2, S, S], dtype);
      // With an identity of values the result is the weights.
      const eye = tilegrad.eye(S, { dtype });
      const seed = () => new Generator(3);
      const weights = scaledDotProductAttention(q, k, eye.expand([2, S, S]), {
        ...options,
        generator: seed(),
      });
      const all = scaledDotProductAttention(q, k, eye.expand([2, S, S]), { isCausal: true });
      const kept = weights.ne(0);
      const share = kept.to('float64').sum().item() / all.ne(0).to('float64').sum().item();
      expect(Math.abs(share - 0.6)).toBeLessThan(0.05);
      const scaled = where(kept, all.div(0.6), 0);
      expect(difference(weights, scaled)).toBeLessThan(4 * epsilon[dtype]);
      const y = scaledDotProductAttention(q, k, v, { ...options, generator: seed() });
      const factors = kept.to(dtype).div(0.6);
      const plain = composedWeights(q, k).mul(factors).matmul(v);
      const g = randn(y.shape, { dtype, generator });
      const [first, second] = [y, plain].map((result) => {
        for (const t of [q, k, v]) t.zeroGrad();
        result.backward(g);
        return [q, k, v].map((t) => (t.grad as Tensor).clone());
      }) as [Tensor[], Tensor[]];
      expect(difference(y, plain)).toBeLessThan(200 * epsilon[dtype]);
      first.forEach((t, i) => {
        expect(difference(t, second[i] as Tensor)).toBeLessThan(2000 * epsilon[dtype]);
      });
    },
  );

  const composedWeights = (q: Tensor, k: Tensor) => {
    const scores = q.matmul(k.transpose()).div(2);
    return where(tril(tilegrad.ones([L, S], { dtype: 'bool' })), scores, -Infinity).softmax();
  };

  test('gradients of gradients draw them again', () => {
    const [q, k] = inputs('float64');
    const v = leaf([2, S, 3], 'float64');
    const generator = new Generator(3);
    const y = scaledDotProductAttention(q, k, v, { ...options, generator });
    const g = randn(y.shape, { dtype: 'float64' });
    const call = (createGraph: boolean) =>
      tilegrad.grad(y, [q, k, v], { gradOutputs: g, createGraph, retainGraph: true });
    const [fused, recorded] = [call(false), call(true)];
    fused.forEach((t, i) => {
      expect(difference(t, recorded[i] as Tensor)).toBeLessThan(1e-12);
    });
  });

  test('everything is dropped at 1', () => {
    const x = randn([3, 2]);
    expect(scaledDotProductAttention(x, x, x, { dropoutP: 1 }).abs().max().item()).toBe(0);
  });
});

test('gradients of gradients, of a learned mask too', () => {
  const [q, k, v] = [
    leaf([2, 3, 2], 'float64'),
    leaf([2, 4, 2], 'float64'),
    leaf([2, 4, 3], 'float64'),
  ];
  const mask = leaf([3, 4], 'float64');
  gradgradcheck(
    (a: Tensor, b: Tensor, c: Tensor) => scaledDotProductAttention(a, b, c, { isCausal: true }),
    [q, k, v],
  );
  gradcheck(
    (a: Tensor, m: Tensor) => scaledDotProductAttention(a, k, v, { attnMask: m }),
    [q, mask],
  );
});

test('memory does not grow with the square of the length', () => {
  const length = 2048;
  const [q, k, v] = [1, 2, 3].map(() => leaf([length, 8], 'float32')) as [Tensor, Tensor, Tensor];
  const bytes = () => memory().liveBytes + memory().pooledBytes;
  const before = bytes();
  let most = 0;
  const y = scaledDotProductAttention(q, k, v, { isCausal: true });
  most = Math.max(most, bytes() - before);
  y.sum().backward();
  most = Math.max(most, bytes() - before);
  // The result and three gradients, with room for what a pool rounds up; scores would be 16 MB.
  expect(most).toBeLessThan(16 * length * 8 * 4);
});
