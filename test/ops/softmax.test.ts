import {
  binaryCrossEntropyWithLogits,
  crossEntropy,
  logSoftmax,
  mseLoss,
  softmax,
  type Tensor,
} from 'tilegrad';
import { describe, it } from 'vitest';
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
} from '../golden.js';

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
