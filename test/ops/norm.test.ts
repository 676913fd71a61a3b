import { batchNorm, groupNorm, instanceNorm, layerNorm, nn, rmsNorm, type Tensor } from 'tilegrad';
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
} from '../golden.js';

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
