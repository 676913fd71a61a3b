import { linear, matmul, type Tensor } from 'tilegrad';
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
  toTensor,
} from '../golden.js';

const fixture = new Fixture<{ cases: StoredCase<never>[] }>('matmul');

const operations: Record<string, (...inputs: Tensor[]) => Tensor> = {
  matmul: (a, b) => matmul(a!, b!),
  linear: (x, weight, bias) => linear(x!, weight!, bias ?? null),
};

/**
 * Two sums of `terms` products, both rounded at every step: each is within terms * u * sum|products|
 * of the truth (u = eps / 2), and here the products are far from all being the largest.
 */
function bound(c: GoldenCase<never>, terms: number, a: Golden, b: Golden): Bound {
  const limit = terms * epsilon[c.dtype] * largest(a) * largest(b);
  return () => limit;
}

function size({ data }: Golden): number {
  return data.length;
}

describe('golden matrix products', () => {
  for (const stored of fixture.content.cases) {
    const c = fixture.case(stored);
    const [a, b, bias] = c.inputs as [Golden, Golden, Golden?];
    const title = `${c.op} ${c.inputs.map((x) => `[${x.shape}]`).join(' ')} ${c.dtype}`;
    it(title, () => {
      const inputs = c.inputs.map((x) => toTensor(x, c.dtype, true));
      const y = operations[c.op]!(...inputs);
      const inner = a.shape.at(-1)!;
      const products = size(c.output) * inner;
      expectGolden(y, c.output, bound(c, inner + (bias ? 1 : 0), a, b), 'output');

      const [gradA, gradB, gradBias] = gradients(y, c.gradOutput, c.dtype, inputs);
      const [wantA, wantB, wantBias] = c.gradInputs;
      const g = c.gradOutput;
      expectGolden(gradA!, wantA!, bound(c, products / size(a), g, b), 'gradient of a');
      expectGolden(gradB!, wantB!, bound(c, products / size(b), g, a), 'gradient of b');
      if (wantBias) {
        const limit = (size(g) / size(wantBias)) * epsilon[c.dtype] * largest(g);
        expectGolden(gradBias!, wantBias, () => limit, 'gradient of the bias');
      }
    });
  }
});
