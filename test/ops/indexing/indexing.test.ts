import {
  arange,
  at,
  bucketize,
  enableGrad,
  grad,
  gradcheck,
  type IndexSpec,
  index,
  indexCopy,
  indexFill,
  indexPut,
  indexPut_,
  isin,
  kthvalue,
  msort,
  noGrad,
  nonzero,
  ones,
  put,
  rand,
  type SliceSpec,
  searchsorted,
  set,
  slice,
  type Tensor,
  tensor,
  uniqueConsecutive,
  zeros,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import {
  type Bound,
  epsilon,
  exact,
  expectGolden,
  Fixture,
  type Golden,
  type GoldenCase,
  gradients,
  largest,
  type StoredCase,
  toTensor,
} from '../../golden.js';
import { expectError } from '../../helpers/errors.js';

interface Options {
  specs: IndexSpec[];
  accumulate: boolean;
  dim: number;
  index: number[];
  k: number;
  keepDim: boolean;
}

interface StoredSearch {
  op: string;
  inputs: number[];
  results: number[];
  options: { right?: boolean; invert?: boolean };
}

const fixture = new Fixture<{ cases: StoredCase<Options>[]; searches: StoredSearch[] }>('indexing');

function run({ op, options }: GoldenCase<Options>, [x, y]: readonly Tensor[]): Tensor {
  const source = y as Tensor;
  const o = options as Options;
  switch (op) {
    case 'index':
      return index(x!, o.specs);
    case 'indexPut':
      return indexPut(x!, o.specs, source, { accumulate: o.accumulate });
    case 'indexCopy':
      return indexCopy(x!, o.dim, o.index, source);
    case 'indexFill':
      return indexFill(x!, o.dim, o.index, source);
    case 'put':
      return put(x!, o.index, source, { accumulate: o.accumulate });
    case 'kthvalue':
      return kthvalue(x!, o.k, { dim: o.dim, keepDim: o.keepDim }).values;
    case 'msort':
      return msort(x!);
    default:
      throw new Error(`unknown operation ${op}`);
  }
}

/** The same values in another layout: dimensions in the reverse order, every second element. */
const layouts: Record<string, (golden: Golden, dtype: 'float32' | 'float64') => Tensor> = {
  contiguous: (golden, dtype) => toTensor(golden, dtype),
  transposed: (golden, dtype) => {
    const order = golden.shape.map((_, d) => golden.shape.length - 1 - d);
    return toTensor(golden, dtype).permute(order).contiguous().permute(order);
  },
  'every second': (golden, dtype) => {
    const whole = zeros([...golden.shape, 2], { dtype });
    const half = slice(whole, ['...', 1]);
    return half.copy_(toTensor(golden, dtype));
  },
};

describe.each(Object.keys(layouts))('PyTorch, %s inputs', (layout) => {
  test.each(
    fixture.content.cases.map((stored) => {
      const c = fixture.case(stored);
      return [
        `${c.op} ${c.dtype} [${c.inputs[0]!.shape}] ${JSON.stringify(c.options)}`,
        c,
      ] as const;
    }),
  )('%s', (label, c) => {
    const inputs = c.inputs.map((golden) => {
      const x = (layouts[layout] as (typeof layouts)[string])(golden, c.dtype);
      x.requiresGrad = true;
      return x;
    });
    const y = run(c, inputs);
    // Only sums round: of as many terms as there are gradients.
    const sums: Bound = () =>
      epsilon[c.dtype] * c.gradOutput.data.length ** 2 * largest(c.gradOutput);
    const added: Bound = () => 16 * epsilon[c.dtype] * largest(c.output);
    expectGolden(y, c.output, c.options?.accumulate ? added : exact, label);
    gradients(y, c.gradOutput, c.dtype, inputs).forEach((g, i) => {
      expectGolden(g, c.gradInputs[i] as Golden, sums, `${label}: gradient ${i}`);
    });
  });
});

test.each(fixture.content.searches.map((s, i) => [`${i} ${s.op}`, s] as const))(
  'PyTorch: %s',
  (label, { op, inputs, results, options }) => {
    const [a, b] = inputs.map((i) => toTensor(fixture.tensor(i), 'float32')) as [Tensor, Tensor];
    const found = {
      searchsorted: () => [searchsorted(a, b, options)],
      bucketize: () => [bucketize(a, b, options)],
      isin: () => [isin(a, b, options)],
      uniqueConsecutive: () => {
        const runs = uniqueConsecutive(a, { returnInverse: true, returnCounts: true });
        return [runs.values, runs.inverse, runs.counts];
      },
      nonzero: () => nonzero(a, { asTuple: true }),
    }[op]!();
    expect(found).toHaveLength(results.length);
    found.forEach((t, i) => {
      expectGolden(t, fixture.tensor(results[i] as number), exact, label);
    });
  },
);

const counting = (...shape: number[]): Tensor =>
  arange(shape.reduce((a, b) => a * b, 1)).reshape(shape);

describe('slice', () => {
  test('goes backwards as Python does', () => {
    const list = [0, 1, 2, 3, 4, 5, 6];
    const places = [null, 0, 1, 3, 6, 7, 100, -1, -3, -7, -8, -100];
    for (const start of places) {
      for (const end of places) {
        for (const step of [-1, -2, -7, -100]) {
          // By the definition in Python's reference: the elements at start + k step before end.
          const clip = (n: number) => Math.max(-1, Math.min(6, n < 0 ? n + 7 : n));
          const to = end === null ? -1 : clip(end);
          const wanted: number[] = [];
          for (let i = start === null ? 6 : clip(start); i > to; i += step) wanted.push(list[i]!);
          expect(slice(counting(7), [[start, end, step]]).toArray()).toEqual(wanted);
          const text = `${start ?? ''}:${end ?? ''}:${step}` as SliceSpec;
          expect(slice(counting(7), [text]).toArray()).toEqual(wanted);
        }
      }
    }
  });

  test('a negative step copies, others view', () => {
    const x = counting(3, 4);
    expect(slice(x, ['1:', '::2']).storage).toBe(x.storage);
    expect(slice(x, ['::-1']).storage).not.toBe(x.storage);
    // One element has no direction.
    expect(slice(x, ['0:1:-1', '2::-3']).storage).toBe(x.storage);
    expect(slice(x.transpose(), ['::-2', 'newaxis', '...']).toArray()).toEqual([
      [[3, 7, 11]],
      [[1, 5, 9]],
    ]);
    const flipped = slice(x, ['::-1', '::-1']);
    expect(flipped.isContiguous && flipped.toArray()).toEqual([
      [11, 10, 9, 8],
      [7, 6, 5, 4],
      [3, 2, 1, 0],
    ]);
  });

  test('ellipsis and new dimensions', () => {
    const x = counting(2, 3, 4);
    expect(slice(x, ['...', 0]).shape).toEqual([2, 3]);
    expect(slice(x, [0, '...']).shape).toEqual([3, 4]);
    expect(slice(x, ['...']).shape).toEqual([2, 3, 4]);
    expect(slice(x, [1, '...', '1:3']).toArray()).toEqual(slice(x, [1, null, [1, 3]]).toArray());
    expect(slice(x, [0, 0, '...', 0]).item()).toBe(0);
    expect(slice(x, ['newaxis', '...', 'newaxis']).shape).toEqual([1, 2, 3, 4, 1]);
    expect(slice(x, ['newaxis']).shape).toEqual([1, 2, 3, 4]);
    expect(slice(tensor(5), ['...', 'newaxis']).toArray()).toEqual([5]);
  });
});

describe('at and iteration', () => {
  test('give views', () => {
    const x = counting(2, 3);
    expect(at(x, 1).storage).toBe(x.storage);
    expect(x.at(-1, -3).item()).toBe(3);
    expect(x.at().toArray()).toEqual(x.toArray());
    expect(x.transpose().at(2).toArray()).toEqual([2, 5]);
    x.at(0).fill_(9);
    expect(x.toArray()).toEqual([
      [9, 9, 9],
      [3, 4, 5],
    ]);
    expect([...x].map((row) => row.toArray())).toEqual(x.toArray());
    expect([...zeros([0, 3])]).toEqual([]);
    expectError(() => [...tensor(1)], 'ERR_SHAPE', '[iterate]');
  });
});

describe('index', () => {
  test('reads what a loop reads, for every dtype', () => {
    const dtypes = ['float32', 'float64', 'int32', 'int8', 'uint8', 'bool', 'bfloat16'] as const;
    for (const dtype of dtypes) {
      const x = counting(5, 7).to(dtype);
      const [i, j] = [
        [4, 0, -2],
        [6, -7, 3],
      ];
      const wanted = i!.map((row, k) => at(x, row, j![k]!).toArray());
      expect(index(x, [i!, j!]).toArray()).toEqual(wanted);
      expect(index(x, [new Int32Array(i!), tensor(j!).to('int8')]).dtype).toBe(dtype);
    }
  });

  test('without lists it is a view, with them a copy', () => {
    const x = counting(3, 4);
    expect(index(x, [1, '1:']).storage).toBe(x.storage);
    expect(index(x, [[1], '1:']).storage).not.toBe(x.storage);
  });

  test('of stretched and large tensors', () => {
    expect(
      index(tensor([[1], [2]]).expand([2, 3]), [
        [1, 0],
        [2, 1],
      ]).toArray(),
    ).toEqual([2, 1]);
    expect(index(tensor([1, 2]).expand([3, 2]), [[2, 0]]).toArray()).toEqual([
      [1, 2],
      [1, 2],
    ]);
    const x = rand([301, 403]);
    const [rows, columns] = [rand([5003]).mul(301).to('int32'), rand([5003]).mul(403).to('int32')];
    const y = index(x, [rows, columns]);
    const wanted = new Float32Array(5003).map(
      (_, k) => x.data[rows.data[k]! * 403 + columns.data[k]!]!,
    );
    expect([...y.data]).toEqual([...wanted]);
    const total = indexPut(zeros([301, 403]), [rows, columns], 1, { accumulate: true });
    expect(total.sum().item()).toBe(5003);
  });

  test('of and to as many dimensions as tensors have', () => {
    const x = counting(2, 1, 2, 1, 3, 1, 2);
    const lists: IndexSpec[] = [[[1], [0]], null, '...'];
    const y = index(x, lists);
    expect(y.shape).toEqual([2, 1, 1, 2, 1, 3, 1, 2]);
    expect(y.flatten().toArray()).toEqual([
      ...x.at(1).contiguous().data,
      ...x.at(0).contiguous().data,
    ]);
    const z = indexPut(zeros(x.shape), lists, y, { accumulate: true });
    expect(z.toArray()).toEqual(x.toArray());
    expect(indexPut(zeros(x.shape), lists, y).toArray()).toEqual(x.toArray());
  });

  test('gradients can be differentiated again', () => {
    const x = rand([4, 3], { dtype: 'float64', requiresGrad: true });
    const v = rand([3], { dtype: 'float64', requiresGrad: true });
    const lists = [
      [0, 0, 2],
      [1, 1, 2],
    ];
    const functions: ((x: Tensor, v: Tensor) => Tensor)[] = [
      (x) => index(x.mul(x).mul(x), lists),
      (x, v) => indexPut(x.mul(x), lists, v.mul(v).mul(v), { accumulate: true }),
      (x, v) => indexPut(x.mul(x).mul(x), [[2, 0]], v.mul(v)),
      (x) => slice(x.mul(x).mul(x), ['::-2', 1]),
      (x) => at(x.mul(x).mul(x), 2),
      (x, v) => indexCopy(x.mul(x).mul(x), 0, [2], v.mul(v).reshape([1, 3])),
      (x, v) => indexFill(x.mul(x).mul(x), 0, [2, 1], v.mul(v).at(1)),
      (x, v) => put(x.mul(x), [7, 7, 0], v.mul(v).mul(v), { accumulate: true }),
    ];
    for (const fn of functions) {
      gradcheck(
        (x, v) =>
          enableGrad(() => {
            const y = fn(x!, v!);
            return grad(y.mul(y).sum(), x!, { createGraph: true });
          }),
        [x, v],
        { tolerance: 1e-6 },
      );
    }
  });

  test('names what is wrong', () => {
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    expectError(() => index(ones([2]), [cyclic as never]), 'ERR_ARGUMENT', '[index]');
    const x = counting(3, 4);
    expectError(
      () => index(x, [0, [4]]),
      'ERR_INDEX',
      '[index] index 4 is outside dimension 1 of size 4',
    );
    expectError(
      () => index(x, ['newaxis', null, [0, -5]]),
      'ERR_INDEX',
      'index -5 is outside dimension 1',
    );
    expectError(
      () => index(x, [[true, false]]),
      'ERR_SHAPE',
      'a mask of shape [2] does not fit dimensions 0 to 0',
    );
    expectError(
      () =>
        index(x, [
          [0, 1],
          [0, 1, 2],
        ]),
      'ERR_SHAPE',
      '[index] shapes [2] and [3]',
    );
    expectError(() => index(zeros([0, 3]), [[0]]), 'ERR_INDEX', 'of size 0');
    const deep = [[[[[[[[[0]]]]]]]]];
    expectError(() => index(x, [deep]), 'ERR_ARGUMENT', '[index]');
    expectError(() => index(x, [deep[0] as never]), 'ERR_SHAPE', '9 dimensions');
  });

  test('gradients of many duplicates are added in order', () => {
    const x = rand([5, 3], { dtype: 'float32', requiresGrad: true });
    const places = rand([4001]).mul(5).to('int32');
    const g = rand([4001, 3]);
    index(x, [places]).backward(g);
    const wanted = new Float32Array(15);
    for (let i = 0; i < 4001; i++) {
      for (let j = 0; j < 3; j++) wanted[places.data[i]! * 3 + j]! += g.data[3 * i + j]!;
    }
    expect([...x.grad!.data]).toEqual([...wanted]);
  });
});

describe('set and indexPut_', () => {
  const layouts: [string, () => Tensor][] = [
    ['contiguous', () => zeros([3, 4])],
    ['transposed', () => zeros([4, 3]).transpose()],
    ['part', () => slice(zeros([5, 9]), ['1:4', '::2']).slice([null, [0, 4]])],
  ];
  const cases: [IndexSpec[], number[] | number][] = [
    [[1], [1, 2, 3, 4]],
    [
      ['...', -1],
      [1, 2, 3],
    ],
    [
      ['::-1', 2],
      [1, 2, 3],
    ],
    [
      [null, '::-2'],
      [5, 6],
    ],
    [
      [
        [2, 0],
        [1, -1],
      ],
      [7, 8],
    ],
    [
      [
        [2, 2, 2],
        [1, 1, 1],
      ],
      [7, 8, 9],
    ],
    [
      ['::-1', [3, 0]],
      [4, 5],
    ],
    [
      [[0, 2], '3:0:-2'],
      [4, 5],
    ],
    [[[true, false, true]], 6],
    [
      [
        tensor([
          [true, false, false, true],
          [false, true, false, false],
          [false, false, false, false],
        ]),
      ],
      [1, 2, 3],
    ],
    [[], 3],
    [['newaxis', 0], 3],
    [['3:', 0], 3],
    [[[], 0], 3],
  ];
  test.each(layouts)('write %s tensors as a loop does', (_, make) => {
    for (const [specs, values] of cases) {
      // The places, by indexing the numbers of the elements.
      const places = index(counting(3, 4), specs).contiguous();
      const wanted = new Array<number>(12).fill(0);
      const list = typeof values === 'number' ? [values] : values;
      const last = places.shape.at(-1) ?? 1;
      places.data.forEach((place, i) => {
        wanted[place] = list[list.length === 1 ? 0 : i % last] as number;
      });
      const x = make();
      const { version } = x.storage;
      expect(set(x, ...specs, values)).toBe(x);
      expect(x.storage.version).toBeGreaterThan(version);
      expect(x.contiguous().flatten().toArray(), JSON.stringify(specs)).toEqual(wanted);
      const y = indexPut_(make(), specs, typeof values === 'number' ? values : tensor(values));
      expect(y.toArray()).toEqual(x.toArray());
      expect(indexPut(make(), specs, tensor(values)).toArray()).toEqual(x.toArray());
    }
  });

  test('from the own memory, of other dtypes, of duplicates', () => {
    const x = counting(6);
    x.set('1:', x.slice([[0, 5]]));
    expect(x.toArray()).toEqual([0, 0, 1, 2, 3, 4]);
    x.set([0, 1, 2, 3, 4, 5], x.slice(['::-1']));
    expect(x.toArray()).toEqual([4, 3, 2, 1, 0, 0]);
    expect(zeros([2], { dtype: 'int32' }).set(0, tensor(2.75)).toArray()).toEqual([2, 0]);
    expect(zeros([2], { dtype: 'bool' }).set(1, true).toArray()).toEqual([false, true]);
    expect(zeros([2], { dtype: 'bfloat16' }).set([1, 1], 1.5).toArray()).toEqual([0, 1.5]);
    const sums = zeros([3], { dtype: 'int8' });
    expect(indexPut_(sums, [[0, 0, 2]], 100, { accumulate: true }).toArray()).toEqual([
      -56, 0, 100,
    ]);
    const half = zeros([2], { dtype: 'bfloat16' });
    expect(half.indexPut([[0]], half.slice([[0, 1]])).toArray()).toEqual([0, 0]);
  });

  test('are refused where gradients are recorded', () => {
    const leaf = ones([2], { requiresGrad: true });
    expectError(() => set(leaf, 0, 1), 'ERR_STATE', 'a leaf that requires gradients');
    expectError(() => set(leaf.at(0), 1), 'ERR_STATE', 'a result of at');
    expectError(() => set(zeros([2]), 0, leaf.at(0)), 'ERR_STATE', 'lose the gradient');
    expect(noGrad(() => set(leaf, 0, 5)).toArray()).toEqual([5, 1]);
    expect(set(leaf.detach(), 0, 6).toArray()).toEqual([6, 1]);
    expectError(() => set(zeros([1]).expand([3]), 0, 1), 'ERR_STATE', 'clone()');
  });
});

test('kthvalue names the first of equal elements, NaN is the largest', () => {
  const x = tensor([2, Number.NaN, 1, 2, 1]);
  expect([1, 2, 3, 4, 5].map((k) => kthvalue(x, k).indices.item())).toEqual([2, 4, 0, 3, 1]);
  expect(kthvalue(tensor(4), 1, { keepDim: true }).values.toArray()).toBe(4);
});

test('searches agree with a loop, also with NaN and ties, of every dtype', () => {
  for (const dtype of ['float32', 'float64', 'int32', 'uint8', 'bfloat16'] as const) {
    const sorted = rand([57]).mul(20).to('int32').to(dtype).sort().values;
    const points = rand([3, 41]).mul(24).sub(2).maximum(0).to('int32').to(dtype);
    const list = sorted.toArray() as number[];
    const loop = (keep: (a: number, v: number) => boolean) =>
      (points.flatten().toArray() as number[]).map((v) => list.filter((a) => keep(a, v)).length);
    const flat = (t: Tensor) => t.flatten().toArray();
    expect(flat(searchsorted(sorted, points))).toEqual(loop((a, v) => a < v));
    expect(flat(searchsorted(sorted, points, { right: true }))).toEqual(loop((a, v) => a <= v));
    expect(flat(bucketize(points.transpose(), sorted).transpose())).toEqual(loop((a, v) => a < v));
  }
  const withNan = tensor([1, 2, Number.NaN, Number.NaN]);
  const asked = tensor([0, 2, 5, Number.NaN]);
  expect(searchsorted(withNan, asked).toArray()).toEqual([0, 1, 2, 2]);
  expect(searchsorted(withNan, asked, { right: true }).toArray()).toEqual([0, 2, 2, 4]);
  const unsorted = tensor([5, 1, 3]);
  expect(searchsorted(unsorted, 3, { sorter: unsorted.argsort() }).item()).toBe(1);
  expect(searchsorted(slice(counting(9), ['::2']), 3.5).item()).toBe(2);
  expect(isin(tensor([1, 2]), 2).toArray()).toEqual([false, true]);
  expect(isin(2, tensor([1, 2])).item()).toBe(1);
});
