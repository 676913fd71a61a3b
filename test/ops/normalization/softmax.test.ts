import {
  binaryCrossEntropyWithLogits,
  crossEntropy,
  Generator,
  logSoftmax,
  mseLoss,
  randn,
  softmax,
  type Tensor,
  tensor,
} from 'tilegrad';
import { describe, expect, it, test } from 'vitest';
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
  smallestNormal,
  toTensor,
} from '../../golden.js';

interface Options {
  dim: number;
}

const fixture = new Fixture<{ cases: StoredCase<Options>[] }>('softmax');

// Roundings in one element besides the sum over the row: subtraction, exponential, logarithm,
// division, on both sides.
const kSteps = 8;

function run(c: GoldenCase<Options>, inputs: readonly Tensor[]): Tensor {
  const [x, y] = inputs as [Tensor, Tensor];
  switch (c.op) {
    case 'softmax':
      return softmax(x, c.options!.dim);
    case 'logSoftmax':
      return logSoftmax(x, c.options!.dim);
    case 'crossEntropy':
      return crossEntropy(x, c.constants[0]!.data);
    case 'mseLoss':
      return mseLoss(x, y);
    case 'binaryCrossEntropyWithLogits':
      return binaryCrossEntropyWithLogits(x, toTensor(c.constants[0]!, c.dtype));
    default:
      throw new Error(`unknown operation ${c.op}`);
  }
}

/** Largest difference of two tensors of one shape. */
function largestDifference(a: Golden, b: Golden): number {
  return largest({ shape: a.shape, data: a.data.map((v, i) => v - b.data[i]!) });
}

interface Bounds {
  output: Bound;
  gradient: Bound;
}

function softmaxBounds(c: GoldenCase<Options>): Bounds {
  const x = c.inputs[0]!;
  const n = x.shape.at(c.options!.dim)!;
  const eps = (n + kSteps) * epsilon[c.dtype];
  const tiny = kSteps * smallestNormal[c.dtype];
  // Sums over the row of g, or of g times values up to 1.
  const gradLimit = eps * n * largest(c.gradOutput);
  return {
    output:
      c.op === 'softmax'
        ? // The rounding of x - max, about log of the result, is a relative error of the result.
          (_, e) => (e > 0 ? eps * e * (1 + Math.abs(Math.log(e))) : 0) + tiny
        : (_, e) => eps * Math.max(1, Math.abs(e)),
    gradient: () => gradLimit,
  };
}

function lossBounds(c: GoldenCase<Options>): Bounds {
  const eps = epsilon[c.dtype];
  const [x, y] = c.inputs as [Golden, Golden?];
  const count = x.data.length;
  const g = largest(c.gradOutput);
  if (c.op === 'mseLoss') {
    const difference = largestDifference(x, y!);
    const output = (count + kSteps) * eps * difference ** 2;
    const gradient = kSteps * eps * g * ((2 * difference) / count);
    return { output: () => output, gradient: () => gradient };
  }
  // A mean of terms up to the largest logit; the gradient of a term is a difference of numbers up
  // to 1, whose errors grow with the logits that they are exponentials of, until those overwhelm.
  const rows = c.op === 'crossEntropy' ? x.shape[0]! : count;
  const output = (count + kSteps) * eps * Math.max(1, largest(x));
  const sensible = -Math.log(smallestNormal[c.dtype]);
  const gradient = kSteps * eps * (g / rows) * Math.min(Math.max(1, largest(x)), sensible);
  return { output: () => output, gradient: () => gradient };
}

describe('golden softmax and losses', () => {
  for (const [index, stored] of fixture.content.cases.entries()) {
    const c = fixture.case(stored);
    it(`${index}: ${c.op} [${c.inputs[0]!.shape}] ${c.dtype}`, () => {
      const inputs = c.inputs.map((x) => toTensor(x, c.dtype, true));
      const y = run(c, inputs);
      const bounds = c.options === undefined ? lossBounds(c) : softmaxBounds(c);
      expectGolden(y, c.output, bounds.output, 'output');
      const grads = gradients(y, c.gradOutput, c.dtype, inputs);
      for (const [i, grad] of grads.entries()) {
        expectGolden(grad, c.gradInputs[i]!, bounds.gradient, `gradient of input ${i}`);
      }
    });
  }
});

/** Softmax by its definition, in float64: of values that lie `step` apart. */
function naive(x: readonly number[], n: number, step: number): { y: number[]; logs: number[] } {
  const y = new Array<number>(x.length);
  const logs = new Array<number>(x.length);
  for (let first = 0; first < x.length; first++) {
    if (Math.floor(first / step) % n !== 0) continue;
    const at = Array.from({ length: n }, (_, i) => first + i * step);
    const top = Math.max(...at.map((i) => x[i]!));
    const sum = at.reduce((total, i) => total + Math.exp(x[i]! - top), 0);
    for (const i of at) {
      logs[i] = x[i]! - top - Math.log(sum);
      y[i] = Math.exp(logs[i]!);
    }
  }
  return { y, logs };
}

const flat = (t: Tensor): number[] => Array.from(t.contiguous().data, Number);

describe.each(['float32', 'float64'] as const)('softmax by its definition, %s', (dtype) => {
  const generator = new Generator(7);
  const random = (shape: readonly number[]) => randn(shape, { dtype, generator }).mul(3);

  /** Values and gradients along a dimension of a tensor, wherever its elements lie. */
  function check(x: Tensor, dim: number): void {
    const n = x.shape[dim]!;
    const step = x.shape.slice(dim + 1).reduce((a, b) => a * b, 1);
    const { y, logs } = naive(flat(x), n, step);
    // Differences of up to 40 are rounded before exp; sums of n values.
    const eps = (n + 64) * epsilon[dtype];
    const g = random(x.shape);
    const gradient = flat(g);
    const leaf = x.detach();
    leaf.requiresGrad = true;
    for (const [fn, want] of [
      [softmax, y],
      [logSoftmax, logs],
    ] as const) {
      const result = fn(leaf, dim);
      const label = `${fn.name} [${x.shape}] along ${dim}, strides [${x.strides}]`;
      expect(result.shape, label).toEqual(x.shape);
      const top = want === y ? 1 : 40;
      const off = flat(result).filter((v, i) => !(Math.abs(v - want[i]!) <= eps * top));
      expect(off, label).toEqual([]);
      leaf.zeroGrad();
      result.backward(g);
      const dx = flat(leaf.grad as Tensor);
      const wrong = dx.filter((v, i) => {
        const first = i - (Math.floor(i / step) % n) * step;
        let sum = 0;
        for (let k = 0; k < n; k++) {
          const j = first + k * step;
          sum += gradient[j]! * (want === y ? y[j]! : 1);
        }
        const expected = want === y ? y[i]! * (gradient[i]! - sum) : gradient[i]! - y[i]! * sum;
        return !(Math.abs(v - expected) <= eps * n * 12);
      });
      expect(wrong, `gradient of ${label}`).toEqual([]);
    }
  }

  const sizes = [
    ...Array.from({ length: 36 }, (_, i) => i + 1),
    47,
    49,
    63,
    64,
    65,
    100,
    127,
    128,
    129,
    193,
  ];

  test.each(sizes)('%i values', (n) => {
    check(random([3, n]), 1);
    check(random([n, 3]), 0);
    check(random([2, n, 5]), 1);
    // Rows further apart than they are long, and rows whose values are apart.
    check(random([4, n + 3]).slice([null, [1, n + 1]]), 1);
    check(random([n, 4]).transpose(), 1);
    check(random([3, 2 * n]).slice([null, [0, null, 2]]), 1);
  });

  test.each(sizes)('%i rows or columns', (count) => {
    check(random([count, 10]), 1);
    check(random([4, count]), 0);
    check(random([2, 3, count]), 1);
  });

  test('more rows than a block of them', () => {
    for (const n of [255, 256, 257, 600]) check(random([n, 5]), 0);
    check(random([5000]), 0);
  });
});

test('the result of a transposed tensor lies as it does', () => {
  const x = randn([4, 3, 5]).permute([2, 0, 1]);
  expect(softmax(x, 1).strides).toEqual(x.strides);
});

describe('rows that go in blocks of 4096 values', () => {
  /** A sum whose rounding errors are added up apart (Neumaier 1974). */
  function sumOf(terms: readonly number[]): number {
    let total = 0;
    let lost = 0;
    for (const term of terms) {
      const next = total + term;
      lost += Math.abs(total) >= Math.abs(term) ? total - next + term : term - next + total;
      total = next;
    }
    return total + lost;
  }

  /** Rows of `n` values by their index, softmax of which is compared with the definition. */
  function check(n: number, value: (i: number) => number): void {
    const row = Array.from({ length: n }, (_, i) => Math.fround(value(i)));
    for (const dtype of ['float32', 'float64'] as const) {
      const y = softmax(tensor([row, row], { dtype }), 1).data;
      const most = row.reduce((a, b) => Math.max(a, b));
      const terms = row.map((v) => Math.exp(v - most));
      const total = sumOf(terms);
      terms.forEach((term, i) => {
        const v = term / total;
        // The exponent's rounding error counts as many times as it is large; a block's sum is in 32
        // or 64 lanes, where a large value may make half a step of each of up to 128 additions.
        const steps = kSteps + 64 + (v === 0 ? 0 : most - row[i]!);
        for (const actual of [y[i]!, y[n + i]!]) {
          const error = Math.abs(Number(actual) - v);
          const close = error <= steps * epsilon[dtype] * v + smallestNormal[dtype];
          if (!close) throw new Error(`${n} values, ${dtype}, ${i}: ${actual}, not ${v}`);
        }
      });
    }
  }

  const wave = (i: number) => 3 * Math.sin(i * 0.7);

  test.each([4095, 4096, 4097, 8192, 8193, 12_300, 64 * 4096, 64 * 4096 + 1])('%d values', (n) => {
    check(n, wave);
  });

  test('the largest value may come in any block, and grow from block to block', () => {
    for (const at of [0, 4095, 4096, 8191, 9000]) check(9001, (i) => (i === at ? 40 : wave(i)));
    check(5 * 4096 + 7, (i) => i / 500);
    check(5 * 4096 + 7, (i) => -i / 500);
  });

  test('blocks of nothing but -infinity count as zeros; rows of it are NaN', () => {
    check(9001, (i) => (i < 5000 ? Number.NEGATIVE_INFINITY : wave(i)));
    check(9001, (i) => (i >= 4000 ? Number.NEGATIVE_INFINITY : wave(i) - 500));
    const nothing = softmax(tensor([new Array(5000).fill(Number.NEGATIVE_INFINITY)]), 1);
    expect(nothing.data.every(Number.isNaN)).toBe(true);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('%d makes the whole row NaN', (value) => {
    for (const at of [0, 4096, 8999]) {
      const row = Array.from({ length: 9000 }, (_, i) => (i === at ? value : wave(i)));
      expect(softmax(tensor([row]), 1).data.every(Number.isNaN)).toBe(true);
    }
  });
});
