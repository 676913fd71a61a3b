/**
 * Gradients of linear algebra against central differences, and the gradients of those gradients
 * against central differences of them.
 */
import {
  enableGrad,
  eye,
  grad,
  gradcheck,
  gradgradcheck,
  linalg,
  ones,
  stack,
  type Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { describe, test } from 'vitest';
import { expectError } from '../helpers/errors.js';
import { definite, type Fn, linalgGradients, matrix } from '../operations/linalg_gradients.js';

/** An uneven weight for each element, so that no gradient cancels. */
function weighted(x: Tensor): Tensor {
  const w = zeros(x.shape, { dtype: 'float64' });
  const { data } = w;
  for (let i = 0; i < data.length; i++) data[i] = ((i * 5) % 13) / 8 - 0.7;
  return x.mul(w);
}

describe('gradients agree with central differences', () => {
  test.each(Object.entries(linalgGradients))('%s', (_, cases) => {
    for (const [fn, shapes] of cases) {
      const inputs = shapes.map((shape, i) => matrix(shape, i + 1));
      gradcheck((...xs) => weighted(fn(...xs)), inputs);
    }
  });
});

describe('so do gradients of gradients', () => {
  test.each(Object.entries(linalgGradients))('%s', (_, cases) => {
    for (const [fn, shapes] of cases) {
      shapes.forEach((_, k) => {
        const inputs = shapes.map((shape, i) => matrix(shape, i + 1));
        // Squared, so that linear functions have second derivatives too. gradcheck's own calls for
        // differences record nothing.
        const first: Fn = (...xs) =>
          enableGrad(() => {
            const y = weighted(fn(...xs).square()).sum();
            return weighted(grad(y, xs[k] as Tensor, { createGraph: true }));
          });
        gradcheck(first, inputs, { tolerance: 1e-5 });
      });
    }
  });
});

test('transposed and stretched inputs have the gradients of their copies', () => {
  const a = matrix([3, 3]);
  gradcheck((x) => weighted(linalg.inv(x.mT)), [a]);
  gradcheck((x) => weighted(linalg.cholesky(definite(x.mT.expand([2, 3, 3])))), [a]);
  gradcheck((x) => weighted(linalg.solveTriangular(x.expand([2, 3, 3]), x, { upper: true })), [a]);
});

describe('the determinant of a singular matrix has the gradient of the cofactors, twice', () => {
  test.each<[string, readonly (readonly number[])[]]>([
    [
      'of rank n - 1',
      [
        [1, 2, 3],
        [2, 4, 6],
        [1, 0, 5],
      ],
    ],
    // Its last pivot is 1e-16, not 0.
    [
      'of rank n - 1, but for rounding',
      [
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9],
      ],
    ],
    [
      'of rank n - 2',
      [
        [1, 2, 3],
        [2, 4, 6],
        [3, 6, 9],
      ],
    ],
    [
      'of two rows',
      [
        [1, 2],
        [2, 4],
      ],
    ],
    ['of one', [[0]]],
    [
      'of nothing but zeros',
      [
        [0, 0],
        [0, 0],
      ],
    ],
    [
      'of four',
      [
        [1, 2, 3, 4],
        [2, 4, 6, 8],
        [1, 1, 1, 1],
        [0, 1, 2, 3],
      ],
    ],
  ])('%s', (_, rows) => {
    const a = tensor(rows, { dtype: 'float64', requiresGrad: true });
    gradcheck(linalg.det, [a]);
    gradgradcheck(linalg.det, [a]);
    // In a batch with one that isn't.
    const regular = eye(rows.length, { dtype: 'float64' }).mul(2);
    gradgradcheck((x) => linalg.det(stack([x, regular, x.mul(3)])), [a]);
  });

  test('but not three times', () => {
    const a = ones([2, 2], { dtype: 'float64', requiresGrad: true });
    const first = grad(linalg.det(a), a, { createGraph: true });
    const second = grad(first.square().sum(), a, { createGraph: true });
    expectError(() => grad(second.sum(), a), 'ERR_STATE', 'third derivative');
  });
});
