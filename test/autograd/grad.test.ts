import { grad, tensor } from 'tilegrad';
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
