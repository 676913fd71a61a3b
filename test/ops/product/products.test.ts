import * as tilegrad from 'tilegrad';
import {
  chainMatmul,
  einsum,
  einsumPath,
  matmul,
  multiDot,
  randn,
  type Tensor,
  tensor,
} from 'tilegrad';
import { describe, expect, it, test } from 'vitest';
import {
  epsilon,
  expectGolden,
  Fixture,
  type GoldenCase,
  gradients,
  largest,
  type StoredCase,
  toTensor,
} from '../../golden.js';

type Options = tilegrad.AddmmOptions & tilegrad.TensordotOptions & { equation?: string };

const fixture = new Fixture<{ cases: StoredCase<Options>[] }>('products');

const functions = new Map<string, unknown>(Object.entries(tilegrad));

function run({ op, options }: GoldenCase<Options>, inputs: Tensor[]): Tensor {
  const { equation, ...rest } = options ?? {};
  if (op === 'einsum') return einsum(equation!, ...inputs);
  if (op === 'multiDot') return multiDot(inputs);
  if (op === 'chainMatmul') return chainMatmul(...inputs);
  const call = functions.get(op) as (...args: unknown[]) => Tensor;
  return options === undefined ? call(...inputs) : call(...inputs, rest);
}

describe('golden products', () => {
  for (const [index, stored] of fixture.content.cases.entries()) {
    const c = fixture.case(stored);
    const shapes = c.inputs.map(({ shape }) => `[${shape}]`).join(' ');
    it(`${index}: ${c.op} ${c.options?.equation ?? ''} ${shapes} ${c.dtype}`, () => {
      const inputs = c.inputs.map((x) => toTensor(x, c.dtype, true));
      const y = run(c, inputs);
      // Sums of at most as many terms as there are elements, each within the product of the largest.
      const terms = Math.max(1, ...c.inputs.map(({ data }) => data.length)) * c.inputs.length;
      const size = [...c.inputs, c.gradOutput].reduce((p, x) => p * Math.max(1, largest(x)), 4);
      const bound = () => terms * epsilon[c.dtype] * size;
      expectGolden(y, c.output, bound, 'output');
      for (const [i, g] of gradients(y, c.gradOutput, c.dtype, inputs).entries()) {
        expectGolden(g, c.gradInputs[i]!, bound, `gradient of input ${i}`);
      }
    });
  }
});

test('a view of the operand where nothing has to be computed', () => {
  const x = randn([2, 3, 3]);
  expect(einsum('aij->jia', x).storage).toBe(x.storage);
  expect(einsum('aii->ai', x).storage).toBe(x.storage);
  expect(einsum('aii->ai', x).strides).toEqual([9, 4]);
});

test('products read permuted operands where they are', () => {
  // Rows and inner dimension join: no operand may be copied, which results would not show.
  const heads = randn([2, 5, 3, 4]).permute([0, 2, 1, 3]);
  const y = einsum('bhqd,bhkd->bhqk', heads, heads);
  const want = matmul(heads, heads.transpose());
  expect(y.shape).toEqual([2, 3, 5, 5]);
  expect(y.toArray()).toEqual(want.toArray());
});

describe('the order of contraction', () => {
  const chain = [
    [10, 100],
    [100, 5],
    [5, 50],
  ];
  test('is the cheapest one, and tells what it costs', () => {
    // (AB)C takes 7500 multiplications, A(BC) 75000: the example of Cormen et al.
    const { path, cost, naiveCost, largestIntermediate } = einsumPath('ab,bc,cd->ad', chain);
    expect(path).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(cost).toBe(2 * 7500);
    expect(naiveCost).toBe(3 * 10 * 100 * 5 * 50);
    expect(largestIntermediate).toBe(500);
  });

  test('may be given', () => {
    const path = [
      [1, 2],
      [0, 1],
    ] as const;
    const info = einsumPath('ab,bc,cd->ad', chain, { path });
    expect(info.path).toEqual(path);
    expect(info.cost).toBe(2 * 75000);
    const operands = chain.map((shape) => randn(shape, { dtype: 'float64' }));
    const a = einsum('ab,bc,cd->ad', operands);
    const b = einsum('ab,bc,cd->ad', operands, { path });
    expect(largest({ shape: [], data: [...a.sub(b).flatten().data] })).toBeLessThan(1e-10);
  });

  test('is optimal up to 8 operands and greedy beyond', () => {
    const letters = 'abcdefghijklmnop';
    const sizes = [7, 2, 9, 3, 8, 4, 6, 5, 7, 2, 9, 3];
    const of = (n: number) => ({
      equation: Array.from({ length: n }, (_, i) => letters[i]! + letters[i + 1]!).join(','),
      shapes: Array.from({ length: n }, (_, i) => [sizes[i]!, sizes[i + 1]!]),
    });
    for (const n of [2, 3, 5, 8]) {
      const { equation, shapes } = of(n);
      const auto = einsumPath(equation, shapes);
      const greedy = einsumPath(equation, shapes, { path: 'greedy' });
      expect(auto).toEqual(einsumPath(equation, shapes, { path: 'optimal' }));
      expect(auto.cost).toBeLessThanOrEqual(greedy.cost);
      expect(auto.path.length).toBe(n - 1);
    }
    const { equation, shapes } = of(10);
    expect(einsumPath(equation, shapes)).toEqual(einsumPath(equation, shapes, { path: 'greedy' }));
  });

  /** The fewest multiplications over all orders, by trying each. */
  function fewest(sizes: readonly number[]): number {
    if (sizes.length < 3) return 0;
    let best = Infinity;
    for (let k = 1; k < sizes.length - 1; k++) {
      const own = sizes[k]! * sizes[k - 1]! * sizes[k + 1]!;
      best = Math.min(best, own + fewest(sizes.toSpliced(k, 1)));
    }
    return best;
  }

  test('of a chain of matrices is that of the textbook', () => {
    const sizes = [30, 35, 15, 5, 10, 20, 25];
    expect(fewest(sizes)).toBe(15125);
    const shapes = sizes.slice(1).map((n, i) => [sizes[i]!, n]);
    expect(einsumPath('ab,bc,cd,de,ef,fg->ag', shapes).cost).toBe(2 * 15125);
  });
});

test('multiDot multiplies in the cheapest order: the other one overflows', () => {
  const row = tensor([[1, -1]]);
  const column = tensor([[1e30], [1e30]]);
  expect(multiDot([row, column, tensor([[1e30, 1e30]])]).toArray()).toEqual([[0, 0]]);
});

describe('a dot product has the bits of multiplying and summing', () => {
  // Around vectors, four of them, and the blocks of 4096 values that threads share.
  const sizes = [...Array(70).keys(), 4095, 4096, 4097, 8193, 70001];
  for (const dtype of ['float32', 'float64'] as const) {
    it(dtype, () => {
      for (const n of sizes) {
        const [a, b] = [randn([n], { dtype }), randn([2 * n, 2], { dtype })];
        const every = b.slice([[0, null, 2], 1]);
        expect(tilegrad.dot(a, every).item()).toBe(a.mul(every).sum().item());
        expect(einsum('i,i->', a, every).item()).toBe(a.mul(every).sum().item());
      }
    });
  }

  it('with values that are not finite', () => {
    expect(tilegrad.dot(tensor([0, 1]), tensor([Infinity, 1])).item()).toBeNaN();
    expect(tilegrad.dot(tensor([1, 1]), tensor([Infinity, 1])).item()).toBe(Infinity);
  });
});
