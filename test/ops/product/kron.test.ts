/** Kronecker products whose rows are multiplied whole, and those of long rows, against plain loops. */
import { Generator, grad, kron, randn, type Tensor } from 'tilegrad';
import { expect, test } from 'vitest';

const generator = new Generator(2);

test.each([
  [
    [3, 4],
    [2, 5],
  ],
  [
    [3, 4],
    [2, 63],
  ],
  [
    [2, 3],
    [3, 64],
  ],
  [
    [1, 2],
    [1, 100],
  ],
  [[5], [7]],
  [[4], [2, 3]],
  [[2, 3], [5]],
  [
    [0, 2],
    [3, 1],
  ],
] as [number[], number[]][])('%j by %j', (left, right) => {
  const [a, b] = [left, right].map((shape) => randn(shape, { dtype: 'float64', generator })) as [
    Tensor,
    Tensor,
  ];
  for (const t of [a, b]) t.requiresGrad = true;
  const wide = ([m, n]: readonly number[]) =>
    n === undefined ? [1, m as number] : [m as number, n];
  const [[m, n], [p, q]] = [wide(left), wide(right)] as [[number, number], [number, number]];
  const [x, y] = [a, b].map((t) => t.detach().flatten().toArray() as number[]) as [
    number[],
    number[],
  ];
  const place = (i: number, j: number) => {
    const [row, column] = [Math.floor(i / p) * n + Math.floor(j / q), (i % p) * q + (j % q)];
    return [row, column] as const;
  };
  const expected = Array.from({ length: m * p * n * q }, (_, at) => {
    const [i, j] = place(Math.floor(at / (n * q)), at % (n * q));
    return (x[i] as number) * (y[j] as number);
  });
  const result = kron(a, b);
  expect(result.detach().flatten().toArray()).toEqual(expected);
  // Without gradients in another way.
  const plain = kron(a.detach(), b.detach());
  expect(plain.shape).toEqual(result.shape);
  expect(plain.flatten().toArray()).toEqual(expected);
  const [da, db] = grad(result.sum(), [a, b]) as [Tensor, Tensor];
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  for (const [g, other] of [
    [da, sum(y)],
    [db, sum(x)],
  ] as [Tensor, number][]) {
    for (const value of g.flatten().toArray() as number[]) expect(value).toBeCloseTo(other, 11);
  }
});

test.each([
  [
    [2, 3, 4, 5],
    [3, 2, 2, 3],
  ],
  [
    [3, 4],
    [2, 1, 2, 7],
  ],
  [
    [2, 1, 3],
    [1, 4, 1],
  ],
  [
    [9, 16],
    [3, 16],
  ],
] as [number[], number[]][])('views of %j by %j, with and without gradients', (left, right) => {
  for (const dtype of ['float32', 'float64', 'int32', 'bfloat16'] as const) {
    const view = (shape: number[]) =>
      randn([...shape.toReversed(), 2], { generator })
        .mul(10)
        .to(dtype)
        .slice(['...', 1])
        .permute(shape.map((_, d) => d).reverse());
    const [a, b] = [view(left), view(right)];
    const rank = Math.max(a.ndim, b.ndim);
    const padded = (t: Tensor) => t.reshape([...new Array(rank - t.ndim).fill(1), ...t.shape]);
    const [x, y] = [padded(a), padded(b)];
    const wide = (t: Tensor, at: (size: number) => number[]) =>
      t.to('float64').reshape(t.shape.flatMap(at));
    const products = wide(x, (size) => [size, 1]).mul(wide(y, (size) => [1, size]));
    const shape = x.shape.map((size, d) => size * (y.shape[d] as number));
    const wanted = products.to(dtype).reshape(shape).to('float64').toArray();
    const found = kron(a, b);
    expect(found.dtype).toBe(dtype);
    expect(found.to('float64').toArray()).toEqual(wanted);
    if (dtype === 'int32') continue;
    expect(kron(a.clone().requiresGrad_(), b).to('float64').detach().toArray()).toEqual(wanted);
  }
});
