/** Views of parts, what shares memory, and copies made of several parts, beside naive references. */
import * as tilegrad from 'tilegrad';
import {
  arange,
  asStrided,
  concat,
  fromTypedArray,
  grad,
  ones,
  optim,
  type PadMode,
  pad,
  type Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { contiguousStrides, stridesAs } from 'tilegrad/tensor/shape.js';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

const counting = (...shape: number[]): Tensor =>
  arange(shape.reduce((a, b) => a * b, 1)).reshape(shape);

/** The elements in row-major order. */
const flat = (t: Tensor): number[] => Array.from(t.contiguous().data, Number);

describe('views share memory and move no data', () => {
  const x = counting(2, 3, 4);
  const views: [string, (x: Tensor) => Tensor][] = [
    ['view', (x) => x.view([6, 4])],
    ['viewAs', (x) => x.viewAs(zeros([4, 6]))],
    ['ravel', (x) => x.ravel()],
    ['unflatten', (x) => x.unflatten(-1, [2, 2])],
    ['swapaxes', (x) => x.swapaxes(0, 2)],
    ['movedim', (x) => x.movedim(0, 2)],
    ['t', (x) => x.select(0, 0).t()],
    ['T', (x) => x.select(0, 0).T],
    ['unsqueeze', (x) => x.unsqueeze([0, -1])],
    ['squeeze', (x) => x.unsqueeze(0).squeeze()],
    ['select', (x) => x.select(1, -1)],
    ['narrow', (x) => x.narrow(1, 1, 2)],
    ['unfold', (x) => x.unfold(2, 3)],
    ['asStrided', (x) => x.asStrided([2, 2], [1, 3], 5)],
    ['diagonal', (x) => x.diagonal({ dim1: 1, dim2: 2 })],
    ['split', (x) => x.split(2, 2)[1]!],
    ['chunk', (x) => x.chunk(2, 1)[1]!],
    ['tensorSplit', (x) => x.tensorSplit([1, 2], 1)[1]!],
    ['unbind', (x) => x.unbind(2)[3]!],
    ['expandAs', (x) => x.select(0, 0).expandAs(x)],
    ['broadcastTo', (x) => x.broadcastTo([2, 2, 3, 4])],
    ['broadcastTensors', (x) => tilegrad.broadcastTensors([x, zeros([5, 1, 1, 1])])[0]!],
    ['meshgrid', (x) => tilegrad.meshgrid([x.ravel(), arange(2)])[0]!],
    ['atleast3d', (x) => tilegrad.atleast3d(x.select(0, 1))],
    ['reshape of part of a view', (x) => x.narrow(2, 1, 2).reshape([6, 2])],
  ];
  test.each(views)('%s', (_, view) => {
    expect(view(x).storage).toBe(x.storage);
    const y = view(x);
    x.data[5] = 99;
    expect(flat(view(x))).toEqual(flat(y));
    x.data[5] = 5;
  });

  test('copies do not', () => {
    const copies = [
      ...[x.flip(0), x.roll(0), x.roll(1, 0), x.repeat([1, 1, 1]), x.tile([]), x.pad([0, 0])],
      ...[x.pad([0, 0], { mode: 'reflect' }), x.rot90(0), x.tril(99), x.select(0, 0).diag()],
      ...[x.repeatInterleave(1), concat([x])],
    ];
    for (const y of copies) expect(y.storage).not.toBe(x.storage);
  });
});

describe('isDense', () => {
  const six = (strides: number[], shape: number[], memory = 6): Tensor =>
    asStrided(zeros([memory]), shape, strides);
  test.each<[boolean, string, Tensor]>([
    [true, 'row-major', zeros([2, 3])],
    [true, 'transposed', zeros([2, 3]).t()],
    [true, 'permuted', zeros([2, 3, 4]).permute([1, 2, 0])],
    [true, 'with a dimension of size 1', zeros([2, 1, 3]).permute([1, 2, 0])],
    [true, 'a scalar', tensor(1)],
    [true, 'nothing', zeros([0, 3])],
    [false, 'a part', zeros([2, 3]).narrow(1, 0, 2)],
    [
      false,
      'stretched to as many elements',
      zeros([6]).narrow(0, 0, 2).unsqueeze(1).expand([2, 3]),
    ],
    // As many elements as the storage, no stride of 0, and yet not each element once.
    [false, 'windows', six([1, 1], [2, 3])],
    [false, 'windows with a step', six([1, 2], [3, 2])],
    [true, 'columns', six([1, 3], [3, 2])],
  ])('%s of %s', (expected, _, t) => {
    expect(t.isDense).toBe(expected);
  });

  /** A leaf of windows that overlap, of as many elements as its storage has. */
  const windows = (): Tensor => asStrided(tensor([1, 2, 3, 4]), [2, 2], [1, 1]).detach();

  test('overlapping windows are converted element by element', () => {
    expect(windows().to('float64').toArray()).toEqual([
      [1, 2],
      [2, 3],
    ]);
  });

  test('gradients of overlapping leaves have memory of their own for each element', () => {
    const x = windows();
    x.requiresGrad = true;
    const factors = tensor([
      [1, 10],
      [100, 1000],
    ]);
    for (let pass = 1; pass <= 2; pass++) {
      x.mul(factors).sum().backward();
      expect(x.grad!.toArray()).toEqual([
        [pass, 10 * pass],
        [100 * pass, 1000 * pass],
      ]);
    }
    expect(grad(x.mul(factors).sum(), x).toArray()).toEqual(factors.toArray());
    const y = windows();
    y.requiresGrad = true;
    const optimizer = new optim.Adam([y], { lr: 0.1 });
    y.mul(factors).sum().backward();
    expect(tilegrad.nn.utils.clipGradNorm([y], 1).item()).toBeCloseTo(Math.hypot(1, 10, 100, 1000));
    optimizer.step();
    expect(flat(y).every(Number.isFinite)).toBe(true);
  });
});

describe('stridesAs', () => {
  test('finds a view exactly where the elements allow one', () => {
    const shapes = [[12], [3, 4], [2, 6], [2, 2, 3], [12, 1], [1, 12], [3, 1, 4], [6, 2], [4, 3]];
    const sources = [
      ...shapes.map((shape) => counting(...shape)),
      ...shapes.map((shape) => counting(...shape, 2).select(-1, 1)),
      ...shapes.map((shape) =>
        counting(...shape.map((n) => n + 1)).slice(shape.map((n) => [0, n])),
      ),
      counting(3, 4).t(),
      counting(3, 1).expand([3, 4]),
      counting(4).expand([3, 4]),
      counting(2, 2, 3).permute([2, 0, 1]),
      counting(1).expand([12]),
    ];
    let [found, missed] = [0, 0];
    for (const x of sources) {
      for (const shape of shapes) {
        const strides = stridesAs(x.shape, x.strides, shape);
        const want = flat(x);
        if (strides === null) {
          missed++;
          // No strides at all give these elements: the first ones would have to.
          const places = flat(
            fromTypedArray(Float64Array.from(x.storage.array.keys())).asStrided(
              x.shape,
              x.strides,
              x.offset,
            ),
          );
          const forced = shape.map((n, d) => {
            const step = contiguousStrides(shape)[d] as number;
            return n === 1 ? 0 : (places[step] as number) - (places[0] as number);
          });
          const differs = places.some((place, i) => {
            const at = shape.reduce((sum, n, d) => {
              return sum + (Math.floor(i / contiguousStrides(shape)[d]!) % n) * forced[d]!;
            }, places[0]!);
            return at !== place;
          });
          expect(differs).toBe(true);
        } else {
          found++;
          expect(flat(x.strided(shape, strides, x.offset))).toEqual(want);
        }
        expect(flat(x.reshape(shape))).toEqual(want);
      }
    }
    expect(found).toBeGreaterThan(50);
    expect(missed).toBeGreaterThan(50);
  });

  test('of nothing', () => {
    expect(zeros([0, 3]).t().reshape([5, 0]).shape).toEqual([5, 0]);
  });
});

/** An element of a tensor by its position. */
const at = (t: Tensor, ...position: number[]): number =>
  t.elementAt(position.reduce((sum, i, d) => sum + i * (t.strides[d] as number), t.offset));

describe('windows', () => {
  test('and the sum of their gradients, of every size and step', () => {
    for (const n of [1, 2, 7, 16, 33]) {
      for (let size = 0; size <= n; size += n > 10 ? 5 : 1) {
        for (const step of [1, 2, 3, 7, 40]) {
          const x = counting(2, n, 3).mul(1).permute([2, 1, 0]);
          x.requiresGrad = true;
          const y = x.unfold(1, size, step);
          const count = Math.floor((n - size) / step) + 1;
          expect(y.shape).toEqual([3, count, 2, size]);
          const factors = counting(...y.shape).add(1);
          const expected = zeros([3, n, 2]);
          for (let a = 0; a < 3; a++) {
            for (let i = 0; i < count; i++) {
              for (let b = 0; b < 2; b++) {
                for (let j = 0; j < size; j++) {
                  expect(at(y, a, i, b, j)).toBe(at(x, a, i * step + j, b));
                  expected.data[(a * n + i * step + j) * 2 + b]! += at(factors, a, i, b, j);
                }
              }
            }
          }
          // Whole numbers below 2^24 add up exactly.
          if (size > 0) expect(grad(y.mul(factors).sum(), x).toArray()).toEqual(expected.toArray());
        }
      }
    }
  });
});

describe('padding', () => {
  const places: Record<Exclude<PadMode, 'constant'>, (i: number, n: number) => number> = {
    reflect: (i, n) => (i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i),
    replicate: (i, n) => Math.max(0, Math.min(n - 1, i)),
    circular: (i, n) => ((i % n) + n) % n,
  };
  test.each(Object.entries(places))('%s, of every size', (mode, place) => {
    for (let n = 1; n <= 35; n++) {
      const most = mode === 'reflect' ? n - 1 : n;
      for (const [before, after] of [
        [0, most],
        [most, 0],
        [Math.min(3, most), Math.min(1, most)],
      ] as const) {
        for (const x of [counting(n, 2).t(), counting(2, n)]) {
          const y = pad(x, [before, after], { mode: mode as PadMode });
          const want = Array.from({ length: before + n + after }, (_, i) => place(i - before, n));
          for (const row of [0, 1]) {
            expect(flat(y.select(0, row))).toEqual(want.map((i) => at(x, row, i)));
          }
        }
      }
    }
  });
});

describe('triangles, orders and joins of every size', () => {
  test('tril and triu', () => {
    for (const [m, n] of [
      [0, 3],
      [1, 1],
      [5, 17],
      [17, 5],
      [33, 33],
      [100, 3],
    ] as const) {
      for (const k of [-200, -3, 0, 1, 4, 200]) {
        const x = counting(2, n, m).mT.add(1);
        const lower = x.tril(k);
        const sum = lower.add(x.triu(k + 1));
        expect(sum.toArray()).toEqual(x.toArray());
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) {
            expect(at(lower, 1, i, j)).toBe(j - i <= k ? at(x, 1, i, j) : 0);
          }
        }
      }
    }
  });

  test('what is cut away is gone, also NaN and infinities; zeros keep their sign', () => {
    const x = tensor([
      [-0, Number.NaN],
      [Infinity, -0],
    ]);
    expect(flat(x.tril())).toEqual([-0, 0, Infinity, -0]);
    expect(flat(x.triu(1))).toEqual([0, Number.NaN, 0, 0]);
  });

  test('flip and roll', () => {
    for (const n of [0, 1, 2, 15, 16, 17, 33, 100]) {
      for (const x of [
        counting(n, 3),
        counting(3, n).t(),
        counting(n, 6).slice([null, [1, null, 2]]),
      ]) {
        const rows = x.toArray() as number[][];
        expect(x.flip(0).toArray()).toEqual([...rows].reverse());
        expect(x.flip(1).toArray()).toEqual(rows.map((row) => [...row].reverse()));
        for (const shift of [0, 1, -1, n, 2 * n + 3, -n - 2]) {
          const from = n === 0 ? 0 : (((-shift % n) + n) % n) + 0;
          expect(x.roll(shift, 0).toArray()).toEqual([...rows.slice(from), ...rows.slice(0, from)]);
        }
      }
    }
  });

  test('concat meets at one dtype, takes strided and stretched tensors and leaves nothing out', () => {
    const a = counting(3, 2).t();
    const b = tensor([[7], [8]], { dtype: 'float64' }).expand([2, 4]);
    const c = tensor([[true], [false]]);
    const y = concat([a, zeros([0]), b, c, zeros([2, 0], { dtype: 'int32' })], -1);
    expect(y.dtype).toBe('float64');
    expect(y.toArray()).toEqual([
      [0, 2, 4, 7, 7, 7, 7, 1],
      [1, 3, 5, 8, 8, 8, 8, 0],
    ]);
    expect(concat([tensor([1], { dtype: 'int8' }), tensor([2], { dtype: 'int32' })]).dtype).toBe(
      'int32',
    );
    expect(concat([tensor([true]), tensor([false])]).toArray()).toEqual([true, false]);
    expect(concat([zeros([0]), zeros([0])]).shape).toEqual([0]);
    const half = concat([ones([2], { dtype: 'bfloat16' }), ones([1], { dtype: 'bfloat16' })]);
    expect([half.dtype, half.toArray()]).toEqual(['bfloat16', [1, 1, 1]]);
    for (let n = 0; n < 40; n++) {
      const parts = [counting(n), counting(100 - n).add(n)];
      expect(flat(concat(parts))).toEqual(flat(counting(100)));
    }
  });

  test('gradients go to each tensor in its own dtype', () => {
    const a = ones([2], { requiresGrad: true });
    const b = ones([1], { dtype: 'float64', requiresGrad: true });
    const h = ones([1], { dtype: 'bfloat16', requiresGrad: true });
    concat([a, b, h])
      .mul(tensor([1, 2, 3, 4]))
      .sum()
      .backward();
    expect([a.grad!.dtype, b.grad!.dtype, h.grad!.dtype]).toEqual([
      'float32',
      'float64',
      'bfloat16',
    ]);
    expect([a, b, h].map((t) => t.grad!.toArray())).toEqual([[1, 2], [3], [4]]);
  });
});

describe('gradients of parts', () => {
  test('meet in one sum: of a leaf, of a result, of parts that are used twice or not at all', () => {
    const leaf = counting(5, 2).clone();
    leaf.requiresGrad = true;
    const use = (parts: readonly Tensor[]): Tensor =>
      [0, 3, 3, 4].map((i, k) => parts[i]!.mul(k + 1).sum()).reduce((a, b) => a.add(b));
    const expected = [1, 0, 0, 5, 4].map((g) => [g, g]);
    use(leaf.unbind()).backward();
    expect(leaf.grad!.toArray()).toEqual(expected);
    leaf.zeroGrad();
    const y = leaf.mul(2);
    use(y.split(1))
      .add(use([0, 1, 2, 3, 4].map((i) => y.select(0, i))))
      .backward();
    expect(leaf.grad!.toArray()).toEqual([4, 0, 0, 20, 16].map((g) => [g, g]));
  });

  test('are not written to where others hold them', () => {
    const [a, b] = [counting(4).clone(), counting(4).clone()];
    a.requiresGrad = true;
    b.requiresGrad = true;
    // The sum hands one gradient on to both products; a's has more parts afterwards.
    const [p, q] = [a.mul(1), b.mul(1)];
    const early = p.select(0, 0);
    const [first, second] = p.add(q).split(2) as [Tensor, Tensor];
    first.sum().add(second.mul(2).sum()).add(early.mul(100)).backward();
    expect([a.grad!.toArray(), b.grad!.toArray()]).toEqual([
      [101, 1, 2, 2],
      [1, 1, 2, 2],
    ]);
  });

  test('pass twice through a retained graph', () => {
    const x = counting(6).clone();
    x.requiresGrad = true;
    const parts = x.mul(1).chunk(3);
    const y = parts[0]!.sum().add(parts[2]!.mul(3).sum());
    y.backward(undefined, { retainGraph: true });
    y.backward();
    expect(x.grad!.toArray()).toEqual([2, 2, 0, 0, 6, 6]);
  });

  test('of bfloat16', () => {
    const x = ones([4], { dtype: 'bfloat16', requiresGrad: true });
    const [a, b] = x.split(2) as [Tensor, Tensor];
    a.to('float32').sum().add(b.to('float32').mul(2).sum()).backward();
    expect(x.grad!.toArray()).toEqual([1, 1, 2, 2]);
  });
});

describe('split, chunk and tensorSplit', () => {
  const sizes = (parts: readonly Tensor[]): number[] =>
    parts.map((part) => part.shape[0] as number);
  test('sizes are those of PyTorch, of nothing too', () => {
    const x = counting(7);
    expect(sizes(x.split(3))).toEqual([3, 3, 1]);
    expect(sizes(x.split(100))).toEqual([7]);
    expect(sizes(x.split([0, 7, 0]))).toEqual([0, 7, 0]);
    expect(sizes(x.chunk(4))).toEqual([2, 2, 2, 1]);
    expect(sizes(x.chunk(6))).toEqual([2, 2, 2, 1]);
    expect(sizes(x.chunk(100))).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(sizes(x.tensorSplit(10))).toEqual([1, 1, 1, 1, 1, 1, 1, 0, 0, 0]);
    expect(sizes(x.tensorSplit([2, 2, -1, 100, 3]))).toEqual([2, 0, 4, 1, 0, 4]);
    const nothing = zeros([0]);
    expect(sizes(nothing.split(2))).toEqual([0]);
    expect(sizes(nothing.split(0))).toEqual([0]);
    expect(sizes(nothing.split([]))).toEqual([]);
    expect(sizes(nothing.chunk(3))).toEqual([0, 0, 0]);
    expect(nothing.unbind()).toEqual([]);
  });
});

describe('asStrided', () => {
  test('stays in its storage, which may be part of a larger array', () => {
    const x = ones([3]);
    expectError(() => x.asStrided([4], [1]), 'ERR_INDEX', 'the storage has 3');
    expectError(() => x.narrow(0, 2, 1).asStrided([2], [1]), 'ERR_INDEX', '[asStrided]');
    expect(x.narrow(0, 2, 1).asStrided([3], [1], 0).toArray()).toEqual([1, 1, 1]);
    expect(x.asStrided([0], [1], 1000).toArray()).toEqual([]);
  });
});
