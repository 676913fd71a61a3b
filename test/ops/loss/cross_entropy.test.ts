import {
  crossEntropy,
  type LossReduction,
  logSoftmax,
  nllLoss,
  nn,
  randn,
  softmin,
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
  smallestNormal,
  toTensor,
} from '../../golden.js';

interface Options {
  dim: number;
  reduction?: LossReduction;
  weight?: number;
  ignoreIndex?: number;
  labelSmoothing?: number;
}

const fixture = new Fixture<{ cases: StoredCase<Options>[] }>('cross_entropy');

function run(c: GoldenCase<Options>, inputs: readonly Tensor[]): Tensor {
  const [x, q] = inputs as [Tensor, Tensor];
  const { weight, dim, ...rest } = c.options!;
  if (c.op === 'softmin') return softmin(x, dim);
  const options =
    weight === undefined ? rest : { ...rest, weight: toTensor(fixture.tensor(weight), c.dtype) };
  if (c.op === 'soft') return crossEntropy(x, q, options);
  const { shape, data } = c.constants[0]!;
  const target = tensor([...data], { dtype: 'int32' }).reshape(shape);
  return c.op === 'nllLoss' ? nllLoss(x, target, options) : crossEntropy(x, target, options);
}

// Roundings besides those of the sums: subtractions, exponential, logarithm, products, on both sides.
const kSteps = 8;

describe('golden losses of classes', () => {
  for (const [index, stored] of fixture.content.cases.entries()) {
    const c = fixture.case(stored);
    it(`${index}: ${c.op} [${c.inputs[0]!.shape}] ${JSON.stringify(c.options)} ${c.dtype}`, () => {
      const inputs = c.inputs.map((x) => toTensor(x, c.dtype, true));
      const y = run(c, inputs);
      const [x] = c.inputs as [GoldenCase<Options>['output']];
      const eps = (kSteps + x.data.length) * epsilon[c.dtype];
      const output = eps * Math.max(1, largest(c.output));
      expectGolden(y, c.output, () => output, 'output');
      const grads = gradients(y, c.gradOutput, c.dtype, inputs);
      // Probabilities err with the size of the logits that they are exponentials of, until those
      // overwhelm; what is multiplied with them, the targets' weights, is at most 4 here.
      const logits = Math.min(Math.max(1, largest(x)), -Math.log(smallestNormal[c.dtype]));
      for (const [i, grad] of grads.entries()) {
        const want = c.gradInputs[i]!;
        const limit = kSteps * epsilon[c.dtype] * Math.max(4 * logits, largest(want));
        expectGolden(grad, want, () => limit, `gradient of input ${i}`);
      }
    });
  }
});

/** Losses by the definition, in float64. */
function naive(
  x: number[][],
  target: number[],
  weight: number[],
  smoothing: number,
  ignored: number,
): { losses: number[]; weights: number[] } {
  const losses = x.map((row, i) => {
    if (target[i] === ignored) return 0;
    const top = Math.max(...row);
    const logSum = Math.log(row.reduce((sum, v) => sum + Math.exp(v - top), 0));
    return row.reduce((sum, v, j) => {
      const q = (1 - smoothing) * Number(j === target[i]) + smoothing / row.length;
      return q === 0 ? sum : sum - (weight[j] as number) * q * (v - top - logSum);
    }, 0);
  });
  const weights = target.map((t) => (t === ignored ? 0 : (weight[t] as number)));
  return { losses, weights };
}

describe('cross entropy by its definition', () => {
  test.each([
    ...[1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 34, 63, 64, 65, 100].map((n) => [5, n] as const),
    ...[1, 2, 15, 16, 17, 63, 64, 65, 66, 130].map((rows) => [rows, 10] as const),
  ])('of %i rows of %i classes, as rows and as columns', (rows, count) => {
    for (const dtype of ['float32', 'float64'] as const) {
      const x = randn([rows, count], { dtype }).mul(4);
      const target = Array.from({ length: rows }, (_, i) => (5 * i + 1) % count);
      const factors = Array.from({ length: count }, (_, j) => 1 + (j % 3));
      const weight = tensor(factors, { dtype });
      for (const labelSmoothing of [0, 0.1]) {
        const options = { weight, labelSmoothing, ignoreIndex: 1, reduction: 'none' } as const;
        const list = x.toArray() as number[][];
        const { losses, weights } = naive(list, target, factors, labelSmoothing, 1);
        const limit = (count + 16) * epsilon[dtype] * Math.max(4, ...losses);
        const near = (got: Tensor, want: number[], size = 1) => {
          expect(got.numel).toBe(want.length);
          const flat = got.reshape([want.length]).toArray() as number[];
          want.forEach((value, i) => {
            expect(Math.abs((flat[i] as number) - value)).toBeLessThanOrEqual(limit * size);
          });
        };
        near(crossEntropy(x, target, options), losses);
        // The same positions, their classes side by side in memory and not.
        const columns = x.transpose().contiguous().reshape([1, count, rows]);
        const places = tensor(target, { dtype: 'int32' }).reshape([1, rows]);
        near(crossEntropy(columns, places, options), losses);
        const turned = x.reshape([1, rows, count]).transpose(1, 2);
        near(crossEntropy(turned, places, options), losses);
        const sum = losses.reduce((a, b) => a + b, 0);
        const total = weights.reduce((a, b) => a + b, 0);
        near(crossEntropy(x, target, { ...options, reduction: 'sum' }), [sum], rows);
        if (total > 0) {
          const mean = crossEntropy(x, target, { ...options, reduction: 'mean' });
          near(mean, [sum / total]);
        }
      }
    }
  });
});

test('nllLoss of logSoftmax is cross entropy, also backward', () => {
  for (const shape of [
    [7, 10],
    [3, 40],
    [2, 5, 6],
  ]) {
    const places = shape.filter((_, d) => d !== 1);
    const size = places.reduce((a, b) => a * b, 1);
    const target = tensor(
      Array.from({ length: size }, (_, i) => i % 5),
      { dtype: 'int32' },
    ).reshape(places);
    const x = randn(shape, { dtype: 'float64', requiresGrad: true });
    const y = x.detach().clone();
    y.requiresGrad = true;
    const [a, b] = [crossEntropy(x, target), nllLoss(logSoftmax(y, 1), target)];
    expect(a.item()).toBeCloseTo(b.item(), 13);
    a.backward();
    b.backward();
    const difference = (x.grad as Tensor).sub(y.grad as Tensor).abs();
    expect(difference.max().item()).toBeLessThan(16 * epsilon.float64);
  }
});

test('ignored rows have no gradient, whatever they hold', () => {
  const x = tensor([
    [Number.NaN, 1, 2],
    [0, Infinity, 0],
    [1, 2, 3],
  ]);
  x.requiresGrad = true;
  const loss = crossEntropy(x, [-100, -100, 2]);
  loss.backward();
  expect(loss.item()).toBeCloseTo(0.4076, 4);
  expect(((x.grad as Tensor).toArray() as number[][]).slice(0, 2)).toEqual([
    [0, 0, 0],
    [0, 0, 0],
  ]);
});

test('of nothing', () => {
  const none = randn([0, 3], { requiresGrad: true });
  expect(crossEntropy(none, []).item()).toBeNaN();
  expect(crossEntropy(none, [], { reduction: 'sum' }).item()).toBe(0);
  expect(crossEntropy(none, [], { reduction: 'none' }).shape).toEqual([0]);
  crossEntropy(none, []).backward();
  expect(none.grad?.shape).toEqual([0, 3]);
});

test('a row has the same bits whatever stands around it', () => {
  const x = randn([130, 10]);
  const all = crossEntropy(x, new Array(130).fill(3), { reduction: 'none' }).toArray() as number[];
  const soft = x.softmax().toArray() as number[][];
  for (const [i, row] of (x.toArray() as number[][]).entries()) {
    const one = tensor(row);
    expect(crossEntropy(one, 3).item()).toBe(all[i]);
    expect(one.softmax().toArray()).toEqual(soft[i]);
  }
});

test('modules keep their options; the weight is state', () => {
  const weight = tensor([1, 2, 0.5]);
  const x = randn([4, 3]);
  const target = [0, 1, 2, 1];
  const layer = new nn.CrossEntropyLoss({ weight, ignoreIndex: 1, labelSmoothing: 0.1 });
  const expected = crossEntropy(x, target, { weight, ignoreIndex: 1, labelSmoothing: 0.1 });
  expect(layer.forward(x, target).item()).toBe(expected.item());
  expect(Object.keys(layer.stateDict())).toEqual(['weight']);
  const nll = new nn.NLLLoss({ reduction: 'sum' });
  expect(nll.forward(x, target).item()).toBe(nllLoss(x, target, { reduction: 'sum' }).item());
  expect([...nll.parameters()]).toEqual([]);
});
