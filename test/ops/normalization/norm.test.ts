import {
  batchNorm,
  Generator,
  groupNorm,
  instanceNorm,
  layerNorm,
  nn,
  ones,
  randn,
  rmsNorm,
  setNumThreads,
  setSimdLevel,
  type Tensor,
  tensor,
} from 'tilegrad';
import { record, replay } from 'tilegrad/native/commands.js';
import { withoutRecycling } from 'tilegrad/tensor/memory.js';
import { describe, expect, it, test } from 'vitest';
import {
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
import { restoreSettings, settings } from '../../helpers/settings.js';

interface Options {
  normalizedShape: number[];
  numGroups: number;
  eps?: number;
  training: boolean;
  runningMean?: number;
  runningVar?: number;
}

interface Running {
  dtype: FloatType;
  momentum: number | null;
  rank: number;
  batches: number[];
  states: { mean: number; variance: number; batches: number }[];
  evaluated: number;
}

restoreSettings();

const fixture = new Fixture<{ cases: StoredCase<Options>[]; running: Running[] }>('norm');

function run(c: GoldenCase<Options>, inputs: readonly Tensor[]): Tensor {
  const [x, weight, bias] = [inputs[0], inputs[1] ?? null, inputs[2] ?? null];
  const { normalizedShape, numGroups, eps = 1e-5, training } = c.options!;
  const input = x as Tensor;
  const stored = (index?: number) =>
    index === undefined ? null : toTensor(fixture.tensor(index), c.dtype);
  switch (c.op) {
    case 'layerNorm':
      return layerNorm(input, normalizedShape, { weight, bias, eps });
    case 'rmsNorm':
      return rmsNorm(input, normalizedShape, { weight, eps: c.options!.eps ?? null });
    case 'groupNorm':
      return groupNorm(input, numGroups, { weight, bias, eps });
    case 'instanceNorm':
      return instanceNorm(input, { weight, bias, eps });
    case 'batchNorm': {
      const runningMean = stored(c.options!.runningMean);
      const runningVar = stored(c.options!.runningVar);
      return batchNorm(input, { weight, bias, eps, training, runningMean, runningVar });
    }
    default:
      throw new Error(`unknown operation ${c.op}`);
  }
}

/** Values that are normalised together. */
function counts(c: GoldenCase<Options>): number {
  const [, channels = 1] = c.inputs[0]!.shape;
  const all = c.inputs[0]!.data.length;
  if (c.op === 'batchNorm') return all / channels;
  return all;
}

/**
 * Each sum of n terms has a relative error of n eps at most, and a mean that is far from 0 takes its
 * rounding, eps * |x| / deviation, into every result. Variances of a few values don't go below 1/100
 * here except where eps bounds them from below or rows were made to.
 */
function bound(c: GoldenCase<Options>, x: Golden, of: Golden): number {
  const steps = 8 + counts(c);
  return steps * epsilon[c.dtype] * Math.max(1, largest(of)) * Math.max(1, spread(c, x));
}

/** The largest value over the smallest deviation that a row of the input has. */
function spread(c: GoldenCase<Options>, x: Golden): number {
  const eps = c.options!.eps ?? 1e-5;
  return Math.min(largest(x), 1000) / Math.sqrt(eps + 0.01);
}

describe('golden normalisations', () => {
  for (const [index, stored] of fixture.content.cases.entries()) {
    const c = fixture.case(stored);
    const shapes = c.inputs.map(({ shape }) => `[${shape}]`).join(' ');
    it(`${index}: ${c.op} ${shapes} ${JSON.stringify(c.options)} ${c.dtype}`, () => {
      const inputs = c.inputs.map((x) => toTensor(x, c.dtype, true));
      const y = run(c, inputs);
      const [x] = c.inputs as [Golden];
      expectGolden(y, c.output, () => bound(c, x, c.output), 'output');
      const grads = gradients(y, c.gradOutput, c.dtype, inputs);
      for (const [i, grad] of grads.entries()) {
        const want = c.gradInputs[i]!;
        expectGolden(grad, want, () => bound(c, x, want), `gradient of input ${i}`);
      }
    });
  }
});

test.each(fixture.content.running)('running statistics %#', (stored) => {
  const { dtype, momentum, rank, states } = stored;
  const batches = stored.batches.map((i) => toTensor(fixture.tensor(i), dtype));
  const channels = batches[0]!.shape[1] as number;
  const Layer = rank === 4 ? nn.BatchNorm2d : nn.BatchNorm1d;
  const layer = new Layer(channels, { momentum, dtype });
  const near = (actual: Tensor, index: number, label: string) => {
    const want = fixture.tensor(index);
    expectGolden(actual, want, () => 32 * epsilon[dtype] * Math.max(1, largest(want)), label);
  };
  for (const [i, x] of batches.entries()) {
    layer.forward(x);
    const state = layer.stateDict();
    near(state.running_mean!, states[i]!.mean, `mean after ${i}`);
    near(state.running_var!, states[i]!.variance, `variance after ${i}`);
    expect(state.num_batches_tracked!.item()).toBe(states[i]!.batches);
  }
  layer.eval();
  const before = Object.values(layer.stateDict()).map((t) => t.clone().toArray());
  near(layer.forward(batches[2]!), stored.evaluated, 'evaluated');
  expect(Object.values(layer.stateDict()).map((t) => t.toArray())).toEqual(before);
});

/** Normalised by the definition, in float64: of consecutive groups of `size` values. */
function naive(x: readonly number[], size: number, eps: number, centered = true): number[] {
  const y: number[] = [];
  for (let begin = 0; begin < x.length; begin += size) {
    const group = x.slice(begin, begin + size);
    const mean = centered ? group.reduce((a, b) => a + b, 0) / size : 0;
    const variance = group.reduce((sum, v) => sum + (v - mean) ** 2, 0) / size;
    for (const v of group) y.push((v - mean) / Math.sqrt(variance + eps));
  }
  return y;
}

/** All elements of a tensor, row by row. */
const flat = (t: Tensor): number[] => Array.from(t.contiguous().data, Number);

/** Elements agree within `steps` roundings of numbers up to the largest one. */
function expectNear(actual: Tensor, want: readonly number[], steps: number, label: string): void {
  const values = flat(actual);
  expect(values.length, label).toBe(want.length);
  const top = want.reduce((m, v) => Math.max(m, Math.abs(v)), 1);
  const limit = steps * epsilon[actual.dtype as FloatType] * top;
  const wrong = want.flatMap((v, i) =>
    Math.abs(values[i]! - v) <= limit ? [] : [[i, values[i], v]],
  );
  expect(wrong, label).toEqual([]);
}

const sizes = [...Array.from({ length: 36 }, (_, i) => i + 1), 47, 48, 49, 63, 64, 65, 95, 97, 100];

// The deviation of random values of a few, which a mean's rounding is divided by, is above 1/100 with
// eps = 0.01 below: its root is 1/10.
const EPS = 0.01;

describe.each(['float32', 'float64'] as const)('by the definition, %s', (dtype) => {
  const generator = new Generator(11);
  const random = (shape: number[]) => randn(shape, { dtype, generator }).mul(3).add(1);

  test.each(sizes)('%i values, also in views that are not aligned', (size) => {
    const whole = random([5, size + 3]);
    const view = whole.slice([null, [1, size + 1]]);
    for (const x of [random([3, size]), view]) {
      const options = { eps: EPS };
      const steps = 10 * (8 + size);
      expectNear(layerNorm(x, size, options), naive(flat(x), size, EPS), steps, 'layer');
      const rms = naive(flat(x), size, EPS, false);
      expectNear(rmsNorm(x, size, options), rms, steps, 'rms');
      const samples = flat(x.transpose());
      const batch = naive(samples, x.shape[0] as number, EPS);
      const columns = batchNorm(x, { ...options, training: true }).transpose();
      expectNear(columns, batch, steps, 'batch');
    }
  });

  test.each(sizes)('spans of %i values', (size) => {
    const x = random([2, 4, size]);
    const steps = 20 * (8 + size);
    expectNear(groupNorm(x, 2, { eps: EPS }), naive(flat(x), 2 * size, EPS), steps, 'group');
    if (size > 1) {
      expectNear(instanceNorm(x, { eps: EPS }), naive(flat(x), size, EPS), steps, 'instance');
    }
    const y = batchNorm(x, { training: true, eps: EPS }).transpose(0, 1);
    const want = naive(flat(x.transpose(0, 1)), 2 * size, EPS);
    expectNear(y, want, steps, 'batch');
  });

  test('more than a block of values', () => {
    for (const shape of [
      [2, 9001],
      [1030, 3],
      [2, 2, 5003],
    ]) {
      const x = random(shape);
      const [n, channels] = shape as [number, number];
      const rest = x.numel / n;
      expectNear(layerNorm(x, shape.slice(1)), naive(flat(x), rest, 1e-5), 400, 'layer');
      const y = batchNorm(x, { training: true }).transpose(0, 1);
      const want = naive(flat(x.transpose(0, 1)), x.numel / channels, 1e-5);
      expectNear(y, want, 400, 'batch');
    }
  });

  test('values far from 0 keep their variance', () => {
    // 8 values of a size at which a difference of squares has no digit left.
    const large = dtype === 'float32' ? 4096 : 2 ** 30;
    const x = tensor([0, 1, 2, 3, 4, 5, 6, 7], { dtype }).add(large).reshape([1, 8]);
    const want = naive([0, 1, 2, 3, 4, 5, 6, 7], 8, 1e-5);
    expectNear(layerNorm(x, 8), want, 16, 'layer');
    expectNear(batchNorm(x.reshape([8, 1]), { training: true }), want, 16, 'batch');
  });
});

test('gradients of many rows are those of the composition', () => {
  const generator = new Generator(12);
  const make = (shape: number[]) => {
    const t = randn(shape, { dtype: 'float64', generator });
    t.requiresGrad = true;
    return t;
  };
  const compose = (x: Tensor, dim: number | number[]) => {
    const d = x.sub(x.mean({ dim, keepDim: true }));
    return d.div(d.square().mean({ dim, keepDim: true }).add(1e-5).sqrt());
  };
  const check = (
    fused: (x: Tensor, w: Tensor, b: Tensor) => Tensor,
    composed: (x: Tensor, w: Tensor, b: Tensor) => Tensor,
    shape: number[],
    weights: number[],
  ) => {
    const inputs = [make(shape), make(weights), make(weights)] as const;
    const g = randn(shape, { dtype: 'float64', generator });
    const results = [fused, composed].map((fn) => {
      for (const t of inputs) t.zeroGrad();
      const y = fn(...inputs);
      y.backward(g);
      return [y, ...inputs.map((t) => t.grad as Tensor)].map(flat);
    });
    const [actual, want] = results as [number[][], number[][]];
    for (const [i, list] of want.entries()) {
      const top = list.reduce((m, v) => Math.max(m, Math.abs(v)), 1);
      const error = list.reduce((m, v, j) => Math.max(m, Math.abs(v - actual[i]![j]!)), 0);
      expect(error, `${shape} result ${i}`).toBeLessThan(1000 * epsilon.float64 * top);
    }
  };
  for (const rows of [1, 15, 16, 17, 1025, 2049]) {
    check(
      (x, weight, bias) => layerNorm(x, 5, { weight, bias }),
      (x, w, b) => compose(x, 1).mul(w).add(b),
      [rows, 5],
      [5],
    );
  }
  for (const rows of [2, 255, 256, 257, 1000]) {
    check(
      (x, weight, bias) => batchNorm(x, { weight, bias, training: true }),
      (x, w, b) => compose(x, 0).mul(w).add(b),
      [rows, 70],
      [70],
    );
  }
  check(
    (x, weight, bias) => batchNorm(x, { weight, bias, training: true }),
    (x, w, b) =>
      compose(x, [0, 2])
        .mul(w.reshape([3, 1]))
        .add(b.reshape([3, 1])),
    [7, 3, 11],
    [3],
  );
});

// 26 MB forwards and 38 backwards, then 44 forwards: beyond 32 MB results are written past the caches.
test.each([
  [4000, 800],
  [6900, 800],
  [1100, 5008],
])('%i rows of %i have the bits that they have in small batches', (rows, cols) => {
  const generator = new Generator(5);
  const weight = randn([cols], { generator });
  const bias = randn([cols], { generator });
  const x = randn([rows, cols], { generator });
  const g = randn([rows, cols], { generator });
  const both = (from: number, to: number): [Tensor, Tensor] => {
    const part = x
      .slice([[from, to]])
      .clone()
      .requiresGrad_();
    const y = layerNorm(part, [cols], { weight, bias });
    y.backward(g.slice([[from, to]]).clone());
    return [y.detach(), part.grad as Tensor];
  };
  const small = Array.from({ length: 10 }, (_, i) => both((i * rows) / 10, ((i + 1) * rows) / 10));
  for (const [level, threads] of settings) {
    setSimdLevel(level);
    setNumThreads(threads);
    const [y, dx] = both(0, rows);
    small.forEach(([part, gradient], i) => {
      const of = (whole: Tensor) => whole.slice([[(i * rows) / 10, ((i + 1) * rows) / 10]]);
      expect(of(y).equal(part), `${level}, ${threads} threads, forward`).toBe(true);
      expect(of(dx).equal(gradient), `${level}, ${threads} threads, backward`).toBe(true);
    });
  }
});

test('a weight that is the bias too gets both gradients', () => {
  const x = randn([4, 3], { dtype: 'float64' });
  const w = tensor([1, 2, 3], { dtype: 'float64', requiresGrad: true });
  layerNorm(x, 3, { weight: w, bias: w }).backward(ones([4, 3], { dtype: 'float64' }));
  const want = layerNorm(x, 3).sum({ dim: 0 }).add(4);
  expectNear(w.grad as Tensor, flat(want), 64, 'gradient');
});

test('a recorded step of batch normalisation changes the running statistics when it is replayed', () => {
  const [eager, recorded] = [0, 1].map(() => new nn.BatchNorm1d(3, { momentum: null }));
  const [a, b] = [eager as nn.BatchNorm1d, recorded as nn.BatchNorm1d];
  const x = randn([8, 3]);
  const batches = [1, 2, 3, 4].map((seed) => randn([8, 3], { generator: new Generator(seed) }));
  x.data.set(batches[0]!.data);
  const program = withoutRecycling(() => record(() => b.forward(x)));
  for (const batch of batches.slice(1)) {
    x.data.set(batch.data);
    replay(program);
  }
  for (const batch of batches) a.forward(batch);
  const state = (layer: nn.Module) =>
    Object.entries(layer.stateDict()).map(([name, t]) => [name, t.toArray()]);
  expect(state(b)).toEqual(state(a));
  expect(b.stateDict().num_batches_tracked?.item()).toBe(4);
});

test('the states of the layers have the names that PyTorch gives them', () => {
  expect(Object.keys(new nn.BatchNorm2d(2).stateDict())).toEqual([
    ...['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'],
  ]);
  expect(Object.keys(new nn.BatchNorm1d(2, { trackRunningStats: false }).stateDict())).toEqual([
    ...['weight', 'bias'],
  ]);
  expect(Object.keys(new nn.BatchNorm1d(2, { affine: false }).stateDict())).toEqual([
    ...['running_mean', 'running_var', 'num_batches_tracked'],
  ]);
  expect(Object.keys(new nn.LayerNorm([2, 3]).stateDict())).toEqual(['weight', 'bias']);
  expect(Object.keys(new nn.LayerNorm(2, { bias: false }).stateDict())).toEqual(['weight']);
  expect(Object.keys(new nn.RMSNorm(2).stateDict())).toEqual(['weight']);
  expect(Object.keys(new nn.GroupNorm(1, 2).stateDict())).toEqual(['weight', 'bias']);
  expect(Object.keys(new nn.InstanceNorm1d(2).stateDict())).toEqual([]);
  expect(Object.keys(new nn.InstanceNorm2d(2, { affine: true }).stateDict())).toEqual([
    ...['weight', 'bias'],
  ]);
  expect([...new nn.BatchNorm1d(2).namedParameters()].map(([name]) => name)).toEqual([
    ...['weight', 'bias'],
  ]);
});

test('layers compute what their functions do', () => {
  const x = randn([2, 4, 3]);
  const image = randn([2, 4, 3, 2]);
  const same = (a: Tensor, b: Tensor) => expect(a.toArray()).toEqual(b.toArray());
  same(new nn.LayerNorm([4, 3], { eps: 0.1 }).forward(x), layerNorm(x, [4, 3], { eps: 0.1 }));
  same(new nn.RMSNorm(3).forward(x), rmsNorm(x, 3));
  same(new nn.GroupNorm(2, 4).forward(x), groupNorm(x, 2));
  same(new nn.InstanceNorm1d(4).forward(x), instanceNorm(x));
  same(new nn.InstanceNorm2d(4, { affine: true }).forward(image), instanceNorm(image));
  const layer = new nn.BatchNorm2d(4, { trackRunningStats: false });
  const batch = batchNorm(image, { training: true });
  same(layer.forward(image), batch);
  // Without running statistics evaluation uses the batch's too.
  same(layer.eval().forward(image), batch);
});
