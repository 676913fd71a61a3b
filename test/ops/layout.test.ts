/** How results lie in memory, and elements that are copied to another order. */
import {
  add,
  addcmul,
  arange,
  clone,
  flip,
  getNumThreads,
  inferenceMode,
  mul,
  relu,
  setNumThreads,
  setSimdLevel,
  simdLevel,
  simdLevels,
  type Tensor,
  tensor,
  where,
  zeros,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';

const dtypes = ['uint8', 'bfloat16', 'float32', 'int64'] as const; // elements of 1, 2, 4 and 8 bytes

/** Different numbers; those of bfloat16 and uint8 repeat, with periods that are no powers of two. */
function counting(shape: number[], dtype: (typeof dtypes)[number]): Tensor {
  const n = shape.reduce((a, b) => a * b, 1);
  return arange(0, n).remainder(251).to(dtype).reshape(shape);
}

const bits = (t: Tensor): ArrayLike<number | bigint> => t.data as ArrayLike<number | bigint>;

/** What a copy of x in row-major order must be, element by element. */
function expectCopy(copied: Tensor, x: Tensor, at: (index: number[]) => number[]): void {
  expect(copied.isContiguous).toBe(true);
  const from = bits(x);
  const got = bits(copied);
  const index = copied.shape.map(() => 0);
  for (let i = 0; i < got.length; i++) {
    let place = 0;
    at(index).forEach((n, d) => {
      place = place * (x.shape[d] as number) + n;
    });
    if (got[i] !== from[place]) expect(`${index}: ${got[i]}`).toBe(`${index}: ${from[place]}`);
    for (let d = index.length - 1; d >= 0; d--) {
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (copied.shape[d] as number)) break;
      index[d] = 0;
    }
  }
}

const bytesOf = ({ data }: Tensor): Buffer =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength);

function everyLevel(run: () => void): void {
  const level = simdLevel();
  try {
    for (const name of simdLevels()) {
      setSimdLevel(name);
      run();
    }
  } finally {
    setSimdLevel(level);
  }
}

const sizes = [0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 64, 67];
const others = [1, 7, 16, 33];

describe.each(dtypes)('copies of %s', (dtype) => {
  test('of transposed matrices, of any size', () => {
    everyLevel(() => {
      for (const m of sizes) {
        for (const n of others) {
          const x = counting([m, n], dtype);
          expectCopy(x.transpose().contiguous(), x, ([i, j]) => [j as number, i as number]);
        }
      }
    });
  });

  test('of parts of transposed matrices, beginning anywhere', () => {
    everyLevel(() => {
      const x = counting([40, 50], dtype);
      for (const [i, j] of [
        [1, 3],
        [5, 16],
        [7, 1],
      ] as const) {
        const part = x.slice([
          [i, null],
          [j, null],
        ]);
        expectCopy(part.transpose().contiguous(), part.contiguous(), ([a, b]) => [
          b as number,
          a as number,
        ]);
      }
    });
  });

  test('of all orders of three dimensions', () => {
    const orders = [
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ];
    everyLevel(() => {
      const x = counting([19, 34, 21], dtype);
      for (const order of orders) {
        expectCopy(x.permute(order).contiguous(), x, (index) => {
          const from = [0, 0, 0];
          order.forEach((d, i) => {
            from[d] = index[i] as number;
          });
          return from;
        });
      }
    });
  });

  test('in reverse order', () => {
    everyLevel(() => {
      for (const n of [...sizes, 1000]) {
        const x = counting([3, n], dtype);
        expectCopy(flip(x, 1), x, ([i, j]) => [i as number, n - 1 - (j as number)]);
        expectCopy(flip(x, [0, 1]), x, ([i, j]) => [2 - (i as number), n - 1 - (j as number)]);
        const turned = x.transpose();
        expectCopy(flip(turned, [0, 1]), x, ([i, j]) => [2 - (j as number), n - 1 - (i as number)]);
      }
    });
  });

  test('on any number of threads', () => {
    const threads = getNumThreads();
    const x = counting([700, 513], dtype);
    const copies = () => [x.transpose().contiguous(), flip(x, 1), clone(x)].map(bytesOf);
    try {
      setNumThreads(1);
      const alone = copies();
      for (const count of [2, 3]) {
        setNumThreads(count);
        copies().forEach((copied, i) => {
          expect(copied.equals(alone[i] as Buffer)).toBe(true);
        });
      }
    } finally {
      setNumThreads(threads);
    }
  });
});

test('operands in different orders', () => {
  everyLevel(() => {
    for (const [m, n] of [
      [1, 1],
      [5, 3],
      [16, 16],
      [33, 70],
      [64, 17],
    ] as const) {
      for (const dtype of ['float32', 'float64'] as const) {
        const a = arange(0, m * n, 1, { dtype }).reshape([m, n]);
        const b = arange(0, m * n, 1, { dtype })
          .reshape([n, m])
          .mul(0.5);
        const got = add(a, b.transpose());
        expect(got.isContiguous).toBe(true);
        got.data.forEach((value, k) => {
          const [i, j] = [Math.floor(k / n), k % n];
          if (value !== k + 0.5 * (j * m + i)) expect(value).toBe(k + 0.5 * (j * m + i));
        });
      }
    }
  });
});

describe('results lie in memory as their operands do', () => {
  const x = arange(24).reshape([2, 3, 4]).permute([2, 0, 1]);
  const layout = x.strides;
  const values = x.contiguous();

  test.each<[string, () => Tensor, (x: Tensor) => Tensor]>([
    ['of one', () => relu(x), relu],
    [
      'of one that is a part of its storage',
      () =>
        relu(
          arange(30)
            .slice([[3, 27]])
            .reshape([2, 3, 4])
            .permute([2, 0, 1]),
        ),
      (t) => t.add(3),
    ],
    ['of two', () => mul(x, x), (t) => mul(t, t)],
    ['with a number', () => mul(x, 3), (t) => mul(t, 3)],
    ['with a scalar on the left', () => add(tensor(3), x), (t) => add(3, t)],
    ['of another dtype', () => x.gt(5), (t) => t.gt(5)],
    ['of three', () => where(x.gt(5), x, x.neg()), (t) => where(t.gt(5), t, t.neg())],
    ['of three, one a scalar', () => addcmul(x, x, tensor(2)), (t) => addcmul(t, t, tensor(2))],
    ['converted', () => x.to('float64'), (t) => t.to('float64')],
  ])('%s', (_, run, same) => {
    const y = run();
    expect(y.strides).toEqual(layout);
    expect(y.toArray()).toEqual(same(values).toArray());
  });

  test('but are row-major where operands differ, have gaps, overlap or are empty', () => {
    for (const y of [
      mul(x, values),
      mul(x, arange(3)),
      relu(
        arange(48)
          .reshape([4, 12])
          .slice([
            [0, null],
            [0, null, 2],
          ])
          .transpose(),
      ),
      relu(arange(3).reshape([3, 1]).expand([3, 2])),
      relu(zeros([0, 1]).expand([0, 2])),
      where(x.gt(0), x, values),
    ]) {
      expect(y.isContiguous).toBe(true);
    }
    expect(mul(x, values).toArray()).toEqual(values.square().toArray());
  });

  test('so do gradients', () => {
    const w = arange(6).reshape([2, 3]).to('float32');
    w.requiresGrad = true;
    w.transpose().square().sum().backward();
    expect(w.grad?.toArray()).toEqual([
      [0, 2, 4],
      [6, 8, 10],
    ]);
  });
});

describe('numbers as operands', () => {
  test('keep their sign and their NaN', () => {
    const one = tensor([1]);
    for (let round = 0; round < 2; round++) {
      expect(one.div(0).item()).toBe(Infinity);
      expect(one.div(-0).item()).toBe(-Infinity);
      expect(one.add(Number.NaN).item()).toBeNaN();
      expect(one.add(0.5).item()).toBe(1.5);
    }
  });

  test('are kept for gradients however many come after them', () => {
    const x = tensor([1], { requiresGrad: true });
    const products = Array.from({ length: 600 }, (_, i) => x.mul(i));
    products.forEach((y, i) => {
      x.zeroGrad();
      y.backward(tensor([1]));
      expect(x.grad?.item()).toBe(i);
    });
  });

  test('that were first used in inferenceMode do for gradients later', () => {
    inferenceMode(() => tensor([1], { dtype: 'float64' }).mul(0.123));
    const x = tensor([2], { dtype: 'float64', requiresGrad: true });
    x.mul(0.123).backward(tensor([1], { dtype: 'float64' }));
    expect(x.grad?.item()).toBe(0.123);
  });
});
