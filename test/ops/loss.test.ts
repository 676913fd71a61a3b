/** Losses but for those of classes (cross_entropy.test.ts): PyTorch's numbers, and what they say of edges. */

import type { Tensor } from 'tilegrad';
import * as tilegrad from 'tilegrad';
import { describe, it } from 'vitest';
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
} from '../golden.js';

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

const TAKES_INTEGERS = new Set(['multiMarginLoss', 'multiLabelMarginLoss', 'ctcLoss']);

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
