/** Losses but for those of classes (cross_entropy.test.ts): PyTorch's numbers, and what they say of edges. */

import * as tilegrad from 'tilegrad';
import { grad, logSoftmax, randn, type Tensor, tensor, zeros } from 'tilegrad';
import { describe, expect, it, test } from 'vitest';
import {
  type Bound,
  epsilon,
  expectGolden,
  Fixture,
  type FloatType,
  type Golden,
  type GoldenCase,
  gradients,
  largest,
  type StoredCase,
  toTensor,
} from '../../golden.js';
import { expectError } from '../../helpers/errors.js';

type Options = Record<string, unknown>;
type Loss = (...args: unknown[]) => Tensor;

const fixture = new Fixture<{ cases: StoredCase<Options>[] }>('losses');

/** Options with their tensors, which the fixture has by index. */
function optionsOf(c: GoldenCase<Options>): Options {
  const options: Options = { ...c.options };
  for (const name of ['weight', 'posWeight']) {
    if (name in options) options[name] = toTensor(fixture.tensor(options[name] as number), c.dtype);
  }
  if (c.op === 'tripletMarginWithDistanceLoss') {
    options.distanceFunction = (a: Tensor, b: Tensor) => a.sub(b).abs().sum({ dim: -1 });
  }
  return options;
}

const TAKES_INTEGERS = new Set(['multiMarginLoss', 'multilabelMarginLoss', 'ctcLoss']);

function constantOf(c: GoldenCase<Options>, golden: Golden): Tensor {
  const t = toTensor(golden, c.dtype);
  return TAKES_INTEGERS.has(c.op) ? t.to('int64') : t;
}

function run(c: GoldenCase<Options>, inputs: readonly Tensor[]): Tensor {
  const constants = c.constants.map((golden) => constantOf(c, golden));
  if (c.op === 'ctcLoss') {
    const scores = (inputs[0] as Tensor).logSoftmax(-1);
    return tilegrad.ctcLoss(scores, ...(constants as [Tensor, Tensor, Tensor]), optionsOf(c));
  }
  const loss = (tilegrad as unknown as Record<string, Loss>)[c.op] as Loss;
  return loss(...inputs, ...constants, optionsOf(c));
}

/** Roundings on the way to an element and, with sums of at most 12 of them, to a reduced loss. */
const kRoundings = 64;

/** Errors are relative to the element itself, or to the largest number that was subtracted in it. */
function boundOf(dtype: FloatType, scale: number): Bound {
  return (_, want) => kRoundings * epsilon[dtype] * (Math.abs(want) + scale);
}

describe('golden losses', () => {
  for (const [index, stored] of fixture.content.cases.entries()) {
    const c = fixture.case(stored);
    it(`${index}: ${c.op} [${c.inputs[0]!.shape}] ${JSON.stringify(stored.options)} ${c.dtype}`, () => {
      const inputs = c.inputs.map((x) => toTensor(x, c.dtype, true));
      const y = run(c, inputs);
      const scale = Math.max(1, ...c.inputs.map(largest).filter((size) => size < 1e20));
      expectGolden(y, c.output, boundOf(c.dtype, scale), 'output');
      const limit = boundOf(c.dtype, scale * largest(c.gradOutput));
      for (const [i, g] of gradients(y, c.gradOutput, c.dtype, inputs).entries()) {
        expectGolden(g, c.gradInputs[i]!, limit, `gradient of input ${i}`);
      }
    });
  }
});

describe('losses of elements', () => {
  const sets: readonly [string, (x: number, y: number) => number, Options?][] = [
    ['mseLoss', (x, y) => (x - y) ** 2],
    ['l1Loss', (x, y) => Math.abs(x - y)],
    [
      'huberLoss',
      (x, y) => {
        const d = Math.abs(x - y);
        return d < 0.5 ? (d * d) / 2 : (d - 0.25) / 2;
      },
      { delta: 0.5 },
    ],
    ['binaryCrossEntropyWithLogits', (x, y) => (1 - y) * x + Math.log1p(Math.exp(-x))],
    ['hingeLoss', (x, y) => Math.max(0, 1 - x * y)],
  ];

  test.each(sets)('%s of every size, strided and turned', (name, f, options = {}) => {
    const loss = (tilegrad as unknown as Record<string, Loss>)[name] as Loss;
    for (const n of [0, 1, 2, 3, 5, 8, 11, 15, 16, 17, 31, 32, 33, 64, 67, 100]) {
      const [x, y] = [randn([n, 3]), randn([n, 3])];
      const views = [x.slice([null, 1]), y.slice([null, 2])] as const;
      const expected = (a: Tensor, b: Tensor) => {
        const [left, right] = [a.contiguous().data, b.contiguous().data];
        return Array.from(left, (v, i) => f(v as number, right[i] as number));
      };
      for (const [a, b] of [[x, y], [x.transpose(), y.transpose()], views]) {
        const values = loss(a, b, { ...options, reduction: 'none' }).contiguous().data;
        const wanted = expected(a!, b!);
        const scale = Math.max(1, ...wanted.map(Math.abs));
        const limit = 16 * epsilon.float32 * scale;
        for (const [i, want] of wanted.entries()) {
          expect(Math.abs((values[i] as number) - want)).toBeLessThanOrEqual(limit);
        }
        const sum = wanted.reduce((s, v) => s + v, 0);
        const total = loss(a, b, { ...options, reduction: 'sum' }).item();
        expect(Math.abs(total - sum)).toBeLessThanOrEqual(limit * Math.max(1, wanted.length));
        const mean = loss(a, b, options).item();
        if (wanted.length === 0) expect(mean).toBeNaN();
        else expect(Math.abs(mean - sum / wanted.length)).toBeLessThanOrEqual(limit);
      }
    }
  });

  test('of nothing have empty gradients', () => {
    const x = zeros([0, 2], { requiresGrad: true });
    tilegrad.mseLoss(x, zeros([0, 2])).backward();
    expect(x.grad?.shape).toEqual([0, 2]);
  });

  test('take integers and bools for targets, and meet at the wider dtype', () => {
    const x = tensor([0.5, -1]);
    const yes = tensor([true, false]);
    const expected = tilegrad.binaryCrossEntropyWithLogits(x, tensor([1, 0])).item();
    expect(tilegrad.binaryCrossEntropyWithLogits(x, yes).item()).toBe(expected);
    expect(tilegrad.mseLoss(x, tensor([1, 2], { dtype: 'int64' })).item()).toBe((0.25 + 9) / 2);
    const wide = tilegrad.mseLoss(x.requiresGrad_(), tensor([0.1, 0.2], { dtype: 'float64' }));
    wide.backward();
    expect([wide.dtype, x.grad?.dtype]).toEqual(['float64', 'float32']);
  });

  test('are one node each', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    for (const name of ['mseLoss', 'l1Loss', 'huberLoss', 'binaryCrossEntropyWithLogits']) {
      const loss = (tilegrad as unknown as Record<string, Loss>)[name] as Loss;
      expect(loss(x, tensor([0, 1])).gradFn).toBe(name);
    }
  });

  test('notice what their gradients read and was changed meanwhile', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const [y, weight] = [tensor([0, 1]), tensor([1, 2])];
    const loss = tilegrad.binaryCrossEntropyWithLogits(x, y, { weight });
    weight.mul_(2);
    expectError(() => loss.backward(), 'ERR_STATE', '');
  });

  test('certain predictions have finite losses and gradients', () => {
    for (const dtype of ['float32', 'float64'] as const) {
      const logits = tensor([-1e5, -1e5, 1e5, 1e5], { dtype, requiresGrad: true });
      const y = tensor([0, 1, 0, 1], { dtype });
      for (const gamma of [0, 0.5, 2]) {
        const loss = tilegrad.sigmoidFocalLoss(logits, y, { gamma, reduction: 'sum' });
        expect(Number.isFinite(loss.item())).toBe(true);
        logits.zeroGrad();
        loss.backward();
        expect((logits.grad as Tensor).isfinite().all().item()).toBeTruthy();
      }
      const p = tensor([0, 0, 1, 1], { dtype, requiresGrad: true });
      tilegrad.binaryCrossEntropy(p, y).backward();
      expect((p.grad as Tensor).isfinite().all().item()).toBeTruthy();
    }
  });
});

describe('ctcLoss', () => {
  /** Every path of classes that gives the labels, added up. */
  function everyPath(p: readonly number[][], labels: readonly number[], blank: number): number {
    const classes = p[0]?.length ?? 0;
    let total = 0;
    const visit = (t: number, product: number, path: readonly number[]): void => {
      if (t < p.length) {
        for (let c = 0; c < classes; c++)
          visit(t + 1, product * (p[t]![c] as number), [...path, c]);
        return;
      }
      const read = path.filter((c, i) => c !== path[i - 1]).filter((c) => c !== blank);
      if (`${read}` === `${labels}`) total += product;
    };
    visit(0, 1, []);
    return -Math.log(total);
  }

  test('is the sum over all paths', () => {
    const scores = randn([5, 1, 3], { dtype: 'float64' });
    const logs = logSoftmax(scores, 2);
    for (const blank of [0, 1, 2]) {
      const [a, b] = [0, 1, 2].filter((c) => c !== blank) as [number, number];
      for (const labels of [
        [],
        [a],
        [b, b],
        [a, b],
        [a, b, a],
        [a, a, b],
        [b, b, b],
        [a, b, a, b],
      ]) {
        for (const length of [0, 1, 3, 5]) {
          const p = (logs.exp().reshape([5, 3]).toArray() as number[][]).slice(0, length);
          const targets = tensor(Int32Array.from(labels)).reshape([1, labels.length]);
          const loss = tilegrad.ctcLoss(logs, targets, [length], [labels.length], {
            blank,
            reduction: 'sum',
          });
          const expected = everyPath(p, labels, blank);
          const what = `${labels} in ${length}, blank ${blank}`;
          if (expected === Infinity) expect(loss.item(), what).toBe(Infinity);
          else expect(Math.abs(loss.item() - expected), what).toBeLessThan(1e-12);
        }
      }
    }
  });

  test('scores of -Infinity, and losses that no float32 product could hold', () => {
    const never = tensor([[[0, -Infinity]], [[0, -Infinity]]], { requiresGrad: true });
    expect(tilegrad.ctcLoss(never, [[1]], [2], [1]).item()).toBe(Infinity);
    expect(tilegrad.ctcLoss(never, zeros([1, 0], { dtype: 'int32' }), [2], [0]).item()).toBe(0);
    const far = tensor([[[0, -1e4]], [[-2e4, 0]]], { requiresGrad: true });
    const loss = tilegrad.ctcLoss(far, [[1]], [2], [1]);
    expect(loss.item()).toBe(0);
    loss.backward();
    expect(far.grad?.toArray()).toEqual([[[-1, 0]], [[0, -1]]]);
  });

  test('long inputs take memory and time that grow with their length', () => {
    const [time, batch] = [600, 3];
    const x = randn([time, batch, 8], { requiresGrad: true });
    const labels = Array.from({ length: batch }, () =>
      Array.from({ length: 20 }, (_, i) => (i % 7) + 1),
    );
    const loss = tilegrad.ctcLoss(x.logSoftmax(2), labels, [time, time, 500], [20, 15, 20]);
    const g = grad(loss, x);
    // Behind a softmax the gradient of every frame adds up to 0; frames that don't count have none.
    const sums = g.sum({ dim: 2 }).abs().amax().item();
    expect(sums).toBeLessThan(1e-6);
    expect(
      g
        .slice([[500, 600], 2])
        .abs()
        .amax()
        .item(),
    ).toBe(0);
    expect(g.abs().amax().item()).toBeGreaterThan(1e-4);
  });
});
