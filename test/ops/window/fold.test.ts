/** col2im by its native row: every step, border and size against loops over the patches. */
import { col2im, im2col, randn, setNumThreads, setSimdLevel, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { restoreSettings, settings } from '../../helpers/settings.js';

restoreSettings();

interface Case {
  n: number;
  c: number;
  size: [number, number];
  kernel: [number, number];
  dilation: [number, number];
  padding: [number, number];
  stride: [number, number];
}

const one: Pick<Case, 'dilation' | 'padding' | 'stride'> = {
  dilation: [1, 1],
  padding: [0, 0],
  stride: [1, 1],
};
const cases: Case[] = [
  { n: 2, c: 3, size: [5, 7], kernel: [3, 2], ...one },
  { n: 1, c: 1, size: [1, 1], kernel: [1, 1], ...one },
  { n: 2, c: 2, size: [9, 33], kernel: [3, 3], ...one, padding: [1, 1] },
  { n: 1, c: 2, size: [8, 31], kernel: [2, 3], ...one, stride: [2, 2], padding: [1, 2] },
  { n: 1, c: 2, size: [11, 40], kernel: [3, 3], ...one, dilation: [2, 3], padding: [2, 0] },
  // Steps that leave places without a patch, and patches that lie in the border altogether.
  { n: 1, c: 1, size: [7, 9], kernel: [1, 2], ...one, stride: [3, 4] },
  { n: 1, c: 1, size: [3, 4], kernel: [1, 1], ...one, padding: [3, 5], stride: [2, 3] },
  { n: 1, c: 1, size: [2, 2], kernel: [3, 3], dilation: [3, 3], padding: [4, 4], stride: [1, 1] },
  // Several bands of rows, and rows that are a band of their own.
  { n: 1, c: 2, size: [60, 200], kernel: [5, 3], ...one, padding: [2, 1] },
  { n: 1, c: 1, size: [4, 5000], kernel: [3, 3], ...one, padding: [1, 1], stride: [1, 1] },
  { n: 0, c: 2, size: [4, 4], kernel: [2, 2], ...one },
];

const countOf = ({ size, kernel, dilation, padding, stride }: Case) =>
  [0, 1].map((d) => {
    const at = (pair: [number, number]) => pair[d] as number;
    const reach = (at(kernel) - 1) * at(dilation) + 1;
    return Math.floor((at(size) + 2 * at(padding) - reach) / at(stride)) + 1;
  }) as [number, number];

/** Sums in the type's own precision, from 0 on, place by place of the patches. */
function reference(x: Float32Array | Float64Array, one: Case, [rows, cols]: [number, number]) {
  const { n, c, size, kernel, dilation, padding, stride } = one;
  const List = x instanceof Float32Array ? Float32Array : Float64Array;
  const sums = new List(n * c * size[0] * size[1]);
  let k = 0;
  for (let plane = 0; plane < n * c; plane++) {
    for (let i = 0; i < kernel[0]; i++) {
      for (let j = 0; j < kernel[1]; j++) {
        for (let r = 0; r < rows; r++) {
          for (let s = 0; s < cols; s++, k++) {
            const row = r * stride[0] + i * dilation[0] - padding[0];
            const col = s * stride[1] + j * dilation[1] - padding[1];
            if (row < 0 || row >= size[0] || col < 0 || col >= size[1]) continue;
            const at = (plane * size[0] + row) * size[1] + col;
            sums[at] = (sums[at] as number) + (x[k] as number);
          }
        }
      }
    }
  }
  return sums;
}

describe.each(settings)('%s, %i threads', (level, threads) => {
  test.each(['float32', 'float64'] as const)('%s', (dtype) => {
    setSimdLevel(level);
    setNumThreads(threads);
    for (const one of cases) {
      const { n, c, size, kernel, ...options } = one;
      const count = countOf(one);
      const shape = [n, c * kernel[0] * kernel[1], count[0] * count[1]];
      // One element behind a boundary.
      const length = shape.reduce((a, b) => a * b, 1);
      const x = randn([length + 1], { dtype })
        .slice(['1:'])
        .reshape(shape);
      if (n > 0) x.set(0, 0, 0, Number.NaN);
      const data = x.clone().data as Float32Array;
      const y = col2im(x, size, kernel, options);
      expect(y.shape).toEqual([n, c, ...size]);
      const message = JSON.stringify(one);
      expect([...(y.data as Float32Array)], message).toEqual([...reference(data, one, count)]);
    }
  });
});

test('is the gradient of im2col, and columns need not be contiguous', () => {
  const x = randn([1, 2, 6, 5], { dtype: 'float64' }).requiresGrad_();
  const columns = im2col(x, 3, { padding: 1, stride: 2 });
  const g = randn([columns.shape[2] as number, columns.shape[1] as number], { dtype: 'float64' });
  columns.mul(g.t()).sum().backward();
  const folded = col2im(g.t().unsqueeze(0), [6, 5], 3, { padding: 1, stride: 2 });
  expect(x.grad?.toArray()).toEqual(folded.toArray());
  expect(col2im(tensor([[1, 2]]), [1, 2], 1).toArray()).toEqual([[[1, 2]]]);
});
