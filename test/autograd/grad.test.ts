import { batchNorm, grad, layerNorm, linear, noGrad, type Tensor, tensor } from 'tilegrad';
import { expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

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

test('createGraph records inside noGrad, and retainGraph: false frees the first graph alone', () => {
  const x = x3();
  const y = x.square().sum();
  const g = noGrad(() => grad(y, x, { createGraph: true, retainGraph: false }));
  expect(g.requiresGrad).toBe(true);
  expect(grad(g.sum(), x).toArray()).toEqual([2, 2, 2]);
  expectError(() => grad(y, x), 'ERR_STATE', 'freed');
});

test('a freed graph that may lead to an input is an error, not a part of the gradient', () => {
  const x = x3();
  const y = x.square();
  y.sum().backward();
  expectError(() => grad(y.mul(x).sum(), x), 'ERR_STATE', 'the graph behind square was freed');
  expectError(() => grad(y.mul(x).sum(), [y, x]), 'ERR_STATE', 'freed');
  // By y itself nothing behind it is needed.
  expect(grad(y.mul(x).sum(), y).toArray()).toEqual([1, 2, 3]);
  const cubed = x.square().mul(x).sum();
  const g = grad(cubed, x, { createGraph: true, retainGraph: false });
  expectError(() => grad(g.sum(), x), 'ERR_STATE', 'freed');
  expect(grad(y.detach().mul(x).sum(), x).toArray()).toEqual([1, 4, 9]);
});

test('recorded gradients by results of operations, and by gradOutputs', () => {
  const x = x3();
  const y = x.square();
  const z = y.mul(y);
  const start = tensor([1, 2, 3], { dtype: 'float64', requiresGrad: true });
  const g = grad(z, y, { gradOutputs: start, createGraph: true }); // 2 y start
  const [byX, byY, byStart] = grad(g.sum(), [x, y, start]);
  expect(byX?.toArray()).toEqual([4, 16, 36]);
  expect(byY?.toArray()).toEqual([2, 4, 6]);
  expect(byStart?.toArray()).toEqual([2, 8, 18]);
});

test('backward with createGraph adds to a gradient that has a graph', () => {
  const x = x3();
  for (let pass = 0; pass < 2; pass++) {
    x.square().mul(x).sum().backward(undefined, { createGraph: true });
  }
  const g = x.grad!;
  expect(g.toArray()).toEqual([6, 24, 54]);
  expect(grad(g.sum(), x).toArray()).toEqual([12, 24, 36]);
});

test('an ordinary pass through the graph of a gradient, folded activations among it', () => {
  // tanh(x w) v, whose second product takes tanh's derivative into its own where it may.
  const [x, w, v] = [1, 2, 3].map((first) => {
    const t = tensor([first, -1, 0.5, 0.25], { dtype: 'float64' }).reshape([2, 2]).mul(0.3);
    t.requiresGrad = true;
    return t;
  }) as [Tensor, Tensor, Tensor];
  const run = (activation: 'tanh' | 'none') => {
    const hidden = linear(x, w, null, { activation });
    const y = linear(activation === 'none' ? hidden.tanh() : hidden, v);
    const penalty = grad(y.sum(), x, { createGraph: true }).square().sum();
    return grad(penalty.add(y.sum()), [x, w, v]).map((g) => g.toArray());
  };
  const separate = run('none').flat(2) as number[];
  for (const [i, value] of (run('tanh').flat(2) as number[]).entries()) {
    expect(value).toBeCloseTo(separate[i]!, 14);
  }
});
