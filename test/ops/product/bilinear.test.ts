import { bilinear, einsum, Generator, nn, randn, type Tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import {
  epsilon,
  expectGolden,
  Fixture,
  type Golden,
  gradients,
  largest,
  type StoredCase,
  toTensor,
} from '../../golden.js';

const fixture = new Fixture<{ cases: StoredCase<never>[] }>('modules');

describe('golden values and gradients', () => {
  test.each(fixture.content.cases.map((c, i) => [i, fixture.case(c)] as const))(
    'case %i',
    (_, c) => {
      const { dtype } = c;
      const inputs = c.inputs.map((x) => toTensor(x, dtype, true));
      const [x1, x2, weight, bias] = inputs as [Tensor, Tensor, Tensor, Tensor?];
      const y = bilinear(x1, x2, weight, bias ?? null);
      const largestOf = (list: readonly Golden[]): number =>
        list.reduce((product, x) => product * Math.max(1, largest(x)), 1);
      // A term is a product of three or four factors, and a sum has at most that many terms.
      const scale = largestOf([...c.inputs.slice(0, 3), c.gradOutput]);
      const terms = c.inputs.reduce((sum, x) => sum + x.data.length, 1);
      const bound = () => epsilon[dtype] * terms * scale;
      expectGolden(y, c.output, bound, 'output');
      for (const [i, g] of gradients(y, c.gradOutput, dtype, inputs).entries()) {
        expectGolden(g, c.gradInputs[i]!, bound, `gradient ${i}`);
      }
    },
  );
});

test('is the sum over all pairs, in any layout', () => {
  const generator = new Generator(5);
  for (const [count, outputs, first, second] of [
    [1, 1, 1, 1],
    [5, 3, 17, 8],
    [16, 16, 16, 16],
    [33, 2, 1, 31],
  ] as const) {
    const make = (shape: number[]) => randn(shape, { dtype: 'float64', generator });
    const x1 = make([first, count]).transpose();
    const x2 = make([count, 2 * second]).slice([null, [0, null, 2]]);
    const weight = make([second, first, outputs]).permute([2, 1, 0]);
    const y = bilinear(x1, x2, weight);
    const want = einsum('ni,oij,nj->no', x1, weight, x2);
    const limit = epsilon.float64 * 4 * first * second * 20;
    expect(y.sub(want).abs().max().item()).toBeLessThanOrEqual(limit);
  }
});

test('the layer starts within 1 / sqrt(in1Features), the same for the same seed', () => {
  const make = () => new nn.Bilinear(16, 3, 5, { generator: new Generator(2) });
  const layer = make();
  expect(layer.weight.toArray()).toEqual(make().weight.toArray());
  for (const p of layer.parameters()) {
    const most = p.abs().max().item();
    expect(most).toBeLessThanOrEqual(1 / 4);
    expect(most).toBeGreaterThan(0);
  }
  expect(new nn.Bilinear(2, 2, 2, { bias: false }).bias).toBeNull();
  expect(Object.keys(layer.stateDict())).toEqual(['weight', 'bias']);
});
