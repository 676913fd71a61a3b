/**
 * Kernels take several rows or columns at a time, and threads share them: the bits of a result must be
 * those that its own values give alone.
 */
import {
  type DType,
  eye,
  Generator,
  getNumThreads,
  layerNorm,
  logSoftmax,
  nansum,
  norm,
  ones,
  randn,
  rmsNorm,
  setNumThreads,
  softmax,
  type Tensor,
  where,
} from 'tilegrad';
import { afterAll, describe, expect, test } from 'vitest';
import { epsilon, type FloatType } from '../../golden.js';

const generator = new Generator(23);
const threads = getNumThreads();
afterAll(() => setNumThreads(threads));

/** A row in eight has a NaN, at another place each time. */
function withNan(x: Tensor): Tensor {
  const y = x.clone();
  const [rows, n] = y.shape as [number, number];
  for (let i = 3; i < rows; i += 8) y.data[i * n + ((i * 7) % n)] = Number.NaN;
  return y;
}

const part = (x: Tensor, dim: number, begin: number, end: number): Tensor =>
  x.slice(dim === 0 ? [[begin, end]] : [null, [begin, end]]).contiguous();

function sameBits(actual: Tensor, expected: Tensor, what: string): void {
  const [a, b] = [actual.contiguous().data, expected.contiguous().data];
  expect(a.length, what).toBe(b.length);
  for (let i = 0; i < a.length; i++) {
    if (!Object.is(a[i], b[i])) throw new Error(`${what}: ${a[i]}, not ${b[i]}, at ${i}`);
  }
}

const reductions: Record<string, (x: Tensor, dim: number) => Tensor> = {
  sum: (x, dim) => x.sum({ dim }),
  mean: (x, dim) => x.mean({ dim }),
  prod: (x, dim) => x.prod({ dim }),
  amax: (x, dim) => x.amax({ dim }),
  var: (x, dim) => x.var({ dim }),
  nansum: (x, dim) => nansum(x, { dim }),
  norm1: (x, dim) => norm(x, { p: 1, dim }),
  norm2: (x, dim) => norm(x, { dim }),
  normInf: (x, dim) => norm(x, { p: Infinity, dim }),
  any: (x, dim) => x.gt(1).any({ dim }),
  countNonzero: (x, dim) => x.gt(0).countNonzero({ dim }),
  cumsum: (x, dim) => x.cumsum(dim),
};

describe.each<FloatType>(['float32', 'float64'])('reductions of %s', (dtype) => {
  test.each(Object.keys(reductions))('%s of rows, and of columns', (name) => {
    const of = reductions[name] as (x: Tensor, dim: number) => Tensor;
    for (const n of [10, 100, 257, 1027]) {
      const x = withNan(randn([131, n], { dtype, generator }));
      for (const dim of [1, 0]) {
        const view = dim === 1 ? x : x.transpose().contiguous();
        const whole = of(view, dim);
        for (const i of [0, 3, 62, 63, 64, 127, 128, 130]) {
          // One column alone would be a row.
          const end = i + 3 - dim;
          if (end > 131) continue;
          const own = of(part(view, 1 - dim, i, end), dim);
          const there = whole.ndim === 1 ? whole.slice([[i, end]]) : part(whole, 1 - dim, i, end);
          sameBits(there, own, `${name} ${i} of [${view.shape}] along ${dim}`);
        }
      }
    }
  });
});

/** nansum is the sum of the values with zeros in the place of NaN, in the same order. */
test.each<FloatType>(['float32', 'float64'])('nansum has the bits of a sum, %s', (dtype) => {
  for (const shape of [
    [131, 10],
    [9, 300],
    [5, 4099],
    [2, 140_003],
    [300, 70],
  ]) {
    const x = randn(shape, { dtype, generator });
    const holes = where(x.gt(1), Number.NaN, x);
    const filled = where(x.gt(1), 0, x);
    for (const options of [{ dim: 1 }, { dim: 0 }, {}]) {
      sameBits(nansum(holes, options), filled.sum(options), `${shape} ${JSON.stringify(options)}`);
    }
  }
});

/** What f gives of x, and the gradient by x of its sum weighted with g. */
function withGradient(f: (x: Tensor) => Tensor, x: Tensor, g: Tensor): [Tensor, Tensor] {
  const leaf = x.clone();
  leaf.requiresGrad = true;
  const y = f(leaf);
  y.backward(g);
  return [y.detach(), leaf.grad as Tensor];
}

describe.each([1, 2])('softmax down columns, %i threads', (count) => {
  test.each<DType>(['float32', 'float64'])('of %s', (dtype) => {
    setNumThreads(count);
    // Several strips of columns, several blocks of rows, a strip's last columns.
    for (const [n, cols] of [
      [3, 2501],
      [70, 1100],
      [600, 130],
    ] as const) {
      const x = randn([n, cols], { dtype, generator }).mul(4).sub(20);
      const g = randn([n, cols], { dtype, generator });
      for (const f of [softmax, logSoftmax]) {
        const whole = withGradient((t) => f(t, 0), x, g);
        for (const [begin, end] of [
          [0, 64],
          [64, 80],
          [cols - 77, cols],
        ] as const) {
          const own = withGradient((t) => f(t, 0), part(x, 1, begin, end), part(g, 1, begin, end));
          for (const k of [0, 1] as const) {
            sameBits(part(whole[k], 1, begin, end), own[k], `${f.name} ${n} x ${cols}, ${begin}`);
          }
        }
        // Along the lanes of rows another order of additions gives nearly the same.
        const rows = f(x.transpose().contiguous(), 1).transpose();
        const limit = (16 + n) * epsilon[dtype as FloatType] * (f === softmax ? 1 : 40);
        expect(whole[0].sub(rows).abs().max().item()).toBeLessThan(limit);
      }
    }
  });
});

describe.each([1, 2])('normalisation of rows, %i threads', (count) => {
  test.each<DType>(['float32', 'float64'])('of %s', (dtype) => {
    setNumThreads(count);
    for (const [rows, n] of [
      [11, 5],
      [23, 37],
      [71, 768],
      [18, 2050],
      [3, 5000],
    ] as const) {
      const x = randn([rows, n], { dtype, generator }).add(3);
      const g = randn([rows, n], { dtype, generator });
      const weight = randn([n], { dtype, generator });
      const norms = [
        (t: Tensor) => layerNorm(t, n, { weight, bias: ones([n], { dtype }) }),
        (t: Tensor) => rmsNorm(t, n, { weight }),
      ];
      for (const f of norms) {
        const whole = withGradient(f, x, g);
        for (let i = 0; i < rows; i += i < 20 ? 1 : 7) {
          const own = withGradient(f, part(x, 0, i, i + 1), part(g, 0, i, i + 1));
          for (const k of [0, 1] as const) {
            sameBits(part(whole[k], 0, i, i + 1), own[k], `row ${i} of ${rows} x ${n}`);
          }
        }
      }
    }
  });
});

/** Every row counts in the gradients of weights, in groups of kernels', blocks and threads. */
describe.each([1, 2])('gradients of weights, %i threads', (count) => {
  test.each<FloatType>(['float32', 'float64'])('of %s', (dtype) => {
    setNumThreads(count);
    for (const [rows, n] of [
      [4, 5],
      [23, 37],
      [150, 768],
    ] as const) {
      const x = randn([rows, n], { dtype, generator });
      const g = randn([rows, n], { dtype, generator });
      const [weight, bias] = [ones([n], { dtype }), ones([n], { dtype })];
      for (const t of [x, weight, bias]) t.requiresGrad = true;
      layerNorm(x, n, { weight, bias }).backward(g);
      const wide = x.detach().to('float64');
      const deviation = wide.var({ dim: 1, keepDim: true, correction: 0 }).add(1e-5).sqrt();
      const normal = wide.sub(wide.mean({ dim: 1, keepDim: true })).div(deviation);
      // Each of `rows` additions rounds a sum of values of up to 5, and so does each factor.
      const limit = 8 * rows * 25 * epsilon[dtype];
      const differs = (of: Tensor, plain: Tensor) =>
        of
          .to('float64')
          .sub(plain.sum({ dim: 0 }))
          .abs()
          .max()
          .item();
      const where = `${rows} x ${n}`;
      expect(differs(weight.grad as Tensor, g.to('float64').mul(normal)), where).toBeLessThan(
        limit,
      );
      expect(differs(bias.grad as Tensor, g.to('float64')), where).toBeLessThan(limit);
    }
  });
});

// Without the largest value the exponentials overflow.
test.each<FloatType>(['float32', 'float64'])('softmax finds the largest of a row, %s', (dtype) => {
  for (let n = 1; n <= 100; n++) {
    const x = eye(n, { dtype }).mul(2000);
    for (const dim of [0, 1]) sameBits(softmax(x, dim), eye(n, { dtype }), `${n} along ${dim}`);
  }
});
