import { batchNorm, grad, layerNorm, linear, tensor } from 'tilegrad';
import { expect, test } from 'vitest';

const x3 = () => tensor([1, 2, 3], { dtype: 'float64', requiresGrad: true });

test('gradients as values leave grad alone', () => {
  const x = x3();
  const g = grad(x.square().sum(), x);
  expect(g.toArray()).toEqual([2, 4, 6]);
  expect(x.grad).toBeNull();
});

test('by results of operations, several outputs and inputs', () => {
  const x = x3();
  const y = x.mul(2);
  const z = y.square();
  const [gy, gx] = grad([z, y], [y, x], {
    gradOutputs: [tensor([1, 1, 1], { dtype: 'float64' }), x.detach()],
  });
  expect(gy?.toArray()).toEqual([5, 10, 15]);
  expect(gx?.toArray()).toEqual([10, 20, 30]);
});

test('the third derivative of x^4', () => {
  const x = x3();
  let y = x.square().square().sum();
  for (let order = 0; order < 3; order++) y = grad(y, x, { createGraph: true }).sum();
  expect(y.item()).toBe(24 * 6);
});

test('backward with createGraph gives grad a graph', () => {
  const x = x3();
  x.square().mul(x).sum().backward(undefined, { createGraph: true });
  const g = x.grad;
  expect(g?.toArray()).toEqual([3, 12, 27]);
  expect(grad(g!.sum(), x).toArray()).toEqual([6, 12, 18]);
});

test.each([1, 3])(
  'passes that ask for one gradient each, of %i rows, leave nothing behind',
  (n) => {
    const numbers = (shape: number[], first: number) => {
      const count = shape.reduce((a, b) => a * b, 1);
      const values = Array.from({ length: count }, (_, i) => Math.sin(3 * i + first));
      const t = tensor(values, { dtype: 'float64' }).reshape(shape);
      t.requiresGrad = true;
      return t;
    };
    const [x, w, b] = [numbers([n, 4], 0), numbers([4], 1), numbers([4], 2)];
    const weight = numbers([4, 4], 3);
    const losses = [
      () => layerNorm(x, 4, { weight: w, bias: b }),
      () => linear(x, weight, b),
      () => batchNorm(numbers([3, 4], 5).add(x), { weight: w, bias: b, training: true }),
    ];
    for (const loss of losses) {
      const y = loss();
      for (const input of [x, weight, w, b]) {
        for (const factor of [1, 2]) {
          const options = { retainGraph: true, materializeGrads: true };
          const gradOutputs = numbers([...y.shape], 7)
            .detach()
            .mul(factor);
          const got = grad(y, input, { ...options, gradOutputs }).toArray();
          const again = grad(y, input, { ...options, gradOutputs }).toArray();
          const want = grad(loss(), input, { ...options, gradOutputs }).toArray();
          expect(got).toEqual(want);
          expect(again).toEqual(want);
        }
      }
    }
  },
);
