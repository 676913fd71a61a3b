/** matmul and linear of bfloat16, and float32 products of medium precision. */
import {
  addmm,
  crossEntropy,
  Generator,
  getFloat32MatmulPrecision,
  linear,
  matmul,
  nn,
  optim,
  randn,
  setFloat32MatmulPrecision,
  type Tensor,
  tensor,
} from 'tilegrad';
import { activations } from 'tilegrad/ops/product/gemm.js';
import { afterEach, describe, expect, test } from 'vitest';
import { expectGolden, Fixture, type Golden, largest, type StoredCase } from '../../golden.js';

const dtype = 'bfloat16';

/** Half a unit in the last place of 1, for bfloat16. */
const UNIT = 2 ** -8;

const random = (shape: readonly number[], seed: number) =>
  randn(shape, { generator: new Generator(seed) });

afterEach(() => setFloat32MatmulPrecision('highest'));

describe('golden products', () => {
  const fixture = new Fixture<{ cases: StoredCase<never>[] }>('bfloat16');
  const product = (a?: Tensor, b?: Tensor) => matmul(a!, b!);
  const layer = (x?: Tensor, w?: Tensor, b?: Tensor) => linear(x!, w!, b!);

  /**
   * Two results, each rounded to bfloat16 from float32 sums of `terms` products; or, where PyTorch
   * rounds every product of a batch before it adds them, from a sum of rounded numbers.
   */
  function bound(terms: number, a: Golden, b: Golden, roundedFirst = false) {
    const size = terms * largest(a) * largest(b);
    const sums = terms * 2 ** -23 * size + (roundedFirst ? UNIT * size : 0);
    return (_: number, want: number) => 2 * ((UNIT * (Math.abs(want) + sums)) / (1 - UNIT) + sums);
  }
  const one: Golden = { shape: [], data: [1] };

  for (const stored of fixture.content.cases) {
    const c = fixture.case(stored);
    const [a, b, bias] = c.inputs as [Golden, Golden, Golden?];
    test(`${c.op} ${c.inputs.map((x) => `[${x.shape}]`).join(' ')}`, () => {
      const inputs = c.inputs.map(({ shape, data }) => {
        const x = tensor([...data], { dtype }).reshape(shape);
        x.requiresGrad = true;
        return x;
      });
      const y = c.op === 'linear' ? layer(...inputs) : product(...inputs);
      expect(y.dtype).toBe(dtype);
      const inner = a.shape.at(-1)!;
      const products = c.output.data.length * inner;
      expectGolden(y.to('float32'), c.output, bound(inner + 1, a, b), 'output');
      const g = c.gradOutput;
      y.backward(tensor([...g.data], { dtype }).reshape(g.shape));
      const [gradA, gradB, gradBias] = inputs.map((x) => x.grad!.to('float32'));
      const [wantA, wantB, wantBias] = c.gradInputs;
      const limit = (of: Golden, with_: Golden) =>
        bound(products / of.data.length, g, with_, a.shape.length + b.shape.length > 4);
      expectGolden(gradA!, wantA!, limit(a, b), 'gradient of a');
      expectGolden(gradB!, wantB!, limit(b, a), 'gradient of b');
      if (bias) {
        expectGolden(gradBias!, wantBias!, bound(g.data.length / bias.data.length, g, one), 'bias');
      }
    });
  }
});

describe('outDtype', () => {
  const a = random([5, 70], 1).to(dtype);
  const b = random([70, 9], 2).to(dtype);

  test('float32 gives the sums before they are rounded', () => {
    const y = matmul(a, b, { outDtype: 'float32' });
    expect(y.dtype).toBe('float32');
    expect(y.to(dtype).toArray()).toEqual(a.matmul(b).toArray());
    const exact = a.to('float64').matmul(b.to('float64'));
    const terms = a.to('float64').abs().matmul(b.to('float64').abs());
    const error = y.to('float64').sub(exact).abs();
    expect(
      error
        .sub(terms.mul(70 * 2 ** -23))
        .max()
        .item(),
    ).toBeLessThanOrEqual(0);
    expect(error.max().item()).toBeGreaterThan(0);
    expect(a.slice([0]).matmul(b, { outDtype: 'float32' }).toArray()).toEqual(
      (y.toArray() as number[][])[0],
    );
    const column = b.slice([null, 0]);
    expect(a.matmul(column, { outDtype: 'float32' }).dtype).toBe('float32');
    expect(a.slice([0]).matmul(column, { outDtype: 'float32' }).shape).toEqual([]);
    expect(matmul(a, b, { outDtype: dtype }).toArray()).toEqual(a.matmul(b).toArray());
    const x = random([2, 2], 3);
    expect(matmul(x, x, { outDtype: 'float32' }).toArray()).toEqual(matmul(x, x).toArray());
  });

  test('gradients arrive in the dtypes of the operands', () => {
    const [x, w, bias] = [a.detach(), random([3, 70], 4).to(dtype), random([3], 5).to(dtype)];
    for (const leaf of [x, w, bias]) leaf.requiresGrad = true;
    for (const outDtype of [dtype, 'float32'] as const) {
      for (const activation of ['none', 'relu', 'sigmoid', 'tanh'] as const) {
        for (const leaf of [x, w, bias]) leaf.zeroGrad();
        const y = linear(x, w, bias, { outDtype, activation });
        expect(y.dtype).toBe(outDtype);
        y.to('float32').sum().backward();
        const wide = [x, w, bias].map((leaf) => {
          const same = leaf.detach().to('float64');
          same.requiresGrad = true;
          return same;
        }) as [Tensor, Tensor, Tensor];
        linear(...wide, { activation })
          .sum()
          .backward();
        for (const [i, leaf] of [x, w, bias].entries()) {
          expect(leaf.grad!.dtype).toBe(dtype);
          const want = wide[i]!.grad!;
          const error = leaf.grad!.to('float64').sub(want).abs().max().item();
          // The result, the gradient before the activation and the product are each rounded to
          // UNIT; the activations' derivatives change by at most twice as much as their results.
          const terms = [3, 5, 5][i]! * [largestOf(wide[1]), largestOf(wide[0]), 1][i]!;
          expect(error).toBeLessThanOrEqual(4 * UNIT * terms);
        }
      }
    }
  });

  const largestOf = (t: Tensor) => t.detach().abs().max().item();
});

describe('linear of bfloat16 with everything around it', () => {
  const half = (shape: readonly number[], seed: number) => random(shape, seed).to(dtype);
  const [x, w, bias, residual] = [
    half([5, 70], 1),
    half([9, 70], 2),
    half([9], 3),
    half([5, 9], 4),
  ];
  const wide = (t: Tensor) => t.detach().to('float32');

  test.each(activations)('%s: computed in float32 and rounded once', (activation) => {
    const options = { activation, residual, negativeSlope: 0.3 };
    const leaves = [x, w, bias, residual].map((t) => t.detach());
    const y = linear(x, w, bias, options);
    const sums = linear(x, w, bias, { ...options, outDtype: 'float32' });
    expect([y.dtype, sums.dtype]).toEqual([dtype, 'float32']);
    expect(y.toArray()).toEqual(sums.to(dtype).toArray());
    // The same steps one after the other, of widened operands: sums in another order.
    const apart = linear(wide(x), wide(w), wide(bias), { ...options, residual: wide(residual) });
    const terms = linear(wide(x).abs(), wide(w).abs(), wide(bias).abs()).max().item() + 4;
    expect(sums.sub(apart).abs().max().item()).toBeLessThanOrEqual(4 * 72 * 2 ** -24 * terms);
    // In training the bits are the same.
    const [a, b, c, d] = leaves as [Tensor, Tensor, Tensor, Tensor];
    for (const leaf of leaves) leaf.requiresGrad = true;
    expect(linear(a, b, c, { ...options, residual: d }).toArray()).toEqual(y.toArray());
  });

  test.each(activations)('%s: gradients against float64', (activation) => {
    const of = (kind: 'bfloat16' | 'float64') => {
      const leaves = [x, w, bias, residual].map((t) => t.detach().to(kind).clone());
      for (const leaf of leaves) leaf.requiresGrad = true;
      const [a, b, c, d] = leaves as [Tensor, Tensor, Tensor, Tensor];
      const y = linear(a, b, c, { activation, residual: d, negativeSlope: 0.3 });
      y.to('float64').sum().backward();
      return leaves.map((leaf) => leaf.grad!);
    };
    const [got, want] = [of(dtype), of('float64')];
    const size = (t: Tensor) => t.abs().max().item();
    // As above: three roundings to bfloat16, a slope that changes at most twice as much as its
    // argument; each gradient is a sum of that many terms of at most that size.
    const terms = [9 * size(wide(w)), 5 * size(wide(x)), 5, 1];
    for (const [i, g] of got.entries()) {
      expect(g.dtype).toBe(dtype);
      const error = size(g.to('float64').sub(want[i]!));
      expect(error).toBeLessThanOrEqual(4 * UNIT * terms[i]!);
    }
  });

  test('views are read where they are, and nothing of nothing', () => {
    const want = linear(x, w, bias, { residual }).toArray();
    const turned = (t: Tensor) => t.transpose().contiguous().transpose();
    expect(linear(turned(x), turned(w), bias, { residual: turned(residual) }).toArray()).toEqual(
      want,
    );
    expect(linear(x.slice([[0, 0]]), w, bias).shape).toEqual([0, 9]);
    expect(linear(half([2, 3, 70], 5), w, bias, { residual: half([2, 3, 9], 6) }).shape).toEqual([
      2, 3, 9,
    ]);
  });
});

test('addmm and baddbmm stay exact, and so do their gradients', () => {
  const [a, b, c] = [random([20, 33], 1), random([33, 17], 2), random([20, 17], 3)];
  const run = () => {
    const leaves = [c, a, b].map((t) => t.clone());
    for (const leaf of leaves) leaf.requiresGrad = true;
    const [input, left, right] = leaves as [Tensor, Tensor, Tensor];
    const y = addmm(input, left, right, { alpha: 0.5 });
    y.backward(c);
    return [y, ...leaves.map((leaf) => leaf.grad!)].map((t) => t.toArray());
  };
  const want = run();
  setFloat32MatmulPrecision('medium');
  expect(run()).toEqual(want);
});

test('the gradient of an operand that was stretched is summed before it is rounded', () => {
  const c = 1 + 2 ** -7; // c * c = 1 + 2^-6 + 2^-14
  const a = tensor([c, 1], { dtype }).reshape([2, 1, 1]);
  const b = tensor([[1]], { dtype, requiresGrad: true });
  matmul(a, b).backward(tensor([c, -1 - 2 ** -6], { dtype }).reshape([2, 1, 1]));
  expect(b.grad!.item()).toBe(2 ** -14);
});

test('operands are read where they are', () => {
  const a = random([40, 33], 1).to(dtype);
  const b = random([33, 50], 2).to(dtype);
  const want = matmul(a, b).toArray();
  expect(a.transpose().contiguous().transpose().matmul(b).toArray()).toEqual(want);
  expect(a.matmul(b.transpose().contiguous().transpose()).toArray()).toEqual(want);
  const wide = random([80, 66], 1).to(dtype);
  const every = wide.slice([
    [0, null, 2],
    [0, null, 2],
  ]);
  expect(every.matmul(b).toArray()).toEqual(every.contiguous().matmul(b).toArray());
  const rows = random([1, 33], 3).to(dtype).expand([40, 33]);
  expect(rows.matmul(b).toArray()).toEqual(rows.contiguous().matmul(b).toArray());
  expect(matmul(a.slice([[0, 0]]), b).shape).toEqual([0, 50]);
  const nothing = matmul(a.slice([null, [0, 0]]), b.slice([[0, 0]]));
  expect(nothing.toArray()).toEqual(Array.from({ length: 40 }, () => new Array(50).fill(0)));
});

test('with float32 it meets at float32', () => {
  const a = random([2, 3], 1);
  const y = matmul(a.to(dtype), a.transpose());
  expect(y.dtype).toBe('float32');
  expect(y.toArray()).toEqual(matmul(a.to(dtype).to('float32'), a.transpose()).toArray());
});

describe('float32 products of medium precision', () => {
  const k = 100;
  const a = random([20, k], 1);
  const b = random([k, 40], 2);
  const wide = (x: Tensor) => x.detach().to('float64');

  /** Largest error in units of sum |a| |b|. */
  function error(y: Tensor, left: Tensor, right: Tensor): number {
    const exact = wide(left).matmul(wide(right));
    const terms = wide(left).abs().matmul(wide(right).abs());
    return wide(y).sub(exact).abs().div(terms).max().item();
  }

  test('is off at first, and within its bound', () => {
    expect(getFloat32MatmulPrecision()).toBe('highest');
    expect(error(a.matmul(b), a, b)).toBeLessThanOrEqual(k * 2 ** -24);
    setFloat32MatmulPrecision('medium');
    expect(getFloat32MatmulPrecision()).toBe('medium');
    const y = a.matmul(b);
    expect(y.dtype).toBe('float32');
    expect(error(y, a, b)).toBeLessThanOrEqual(2 * UNIT + UNIT ** 2 + k * 2 ** -23);
    expect(error(y, a, b)).toBeGreaterThan(k * 2 ** -23); // it does round
    expect(y.toArray()).toEqual(
      matmul(a.to(dtype), b.to(dtype), { outDtype: 'float32' }).toArray(),
    );
  });

  test('holds for linear and for gradients', () => {
    setFloat32MatmulPrecision('medium');
    const [x, w] = [a.clone(), b.transpose().clone()];
    const bias = random([40], 3);
    for (const leaf of [x, w, bias]) leaf.requiresGrad = true;
    const y = linear(x, w, bias);
    const rounded = matmul(a.to(dtype), b.to(dtype), { outDtype: 'float32' }).add(bias);
    // The bias is added first instead of last.
    const difference = y.sub(rounded).abs().max().item();
    const size = y.abs().max().item() + k * a.abs().max().item() * b.abs().max().item();
    expect(difference).toBeLessThanOrEqual((k + 1) * 2 ** -23 * size);
    const g = random([20, 40], 4);
    y.backward(g);
    const limit = (terms: number) => 2 * UNIT + UNIT ** 2 + terms * 2 ** -23;
    expect(error(x.grad!, g, w)).toBeLessThanOrEqual(limit(40));
    expect(error(w.grad!, g.transpose(), a)).toBeLessThanOrEqual(limit(20));
  });

  test('leaves float64, and products of few rows', () => {
    const doubles = a.to('float64').matmul(b.to('float64')).toArray();
    const few = a
      .slice([[0, 15]])
      .matmul(b)
      .toArray();
    setFloat32MatmulPrecision('medium');
    expect(a.to('float64').matmul(b.to('float64')).toArray()).toEqual(doubles);
    expect(
      a
        .slice([[0, 15]])
        .matmul(b)
        .toArray(),
    ).toEqual(few);
    expect(
      a
        .slice([[0, 16]])
        .matmul(b)
        .slice([[0, 15]])
        .toArray(),
    ).not.toEqual(few);
  });
});

test('a network trains in mixed precision: float32 weights, bfloat16 products', () => {
  const generator = new Generator(3);
  const x = random([64, 20], 5);
  const classes = Array.from({ length: 64 }, (_, i) => (x.slice([i, 0]).item() > 0 ? 1 : 0));
  const first = new nn.Linear(20, 33, { generator });
  const second = new nn.Linear(33, 2, { generator });
  const optimizer = new optim.Adam([...first.parameters(), ...second.parameters()], { lr: 0.01 });
  const half = (t: Tensor | null) => t!.to(dtype);
  const loss = () => {
    const hidden = linear(half(x), half(first.weight), half(first.bias), { activation: 'relu' });
    const logits = linear(hidden, half(second.weight), half(second.bias), { outDtype: 'float32' });
    return crossEntropy(logits, classes);
  };
  const before = loss().item();
  for (let step = 0; step < 60; step++) {
    optimizer.zeroGrad();
    loss().backward();
    optimizer.step();
  }
  expect(first.weight.grad!.dtype).toBe('float32');
  expect([...first.weight.grad!.strides]).toEqual([...first.weight.strides]);
  expect(loss().item()).toBeLessThan(before / 5);
});
