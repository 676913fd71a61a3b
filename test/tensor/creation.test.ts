import {
  arange,
  type DType,
  empty,
  emptyLike,
  eye,
  fromAsync,
  fromBuffer,
  fromTypedArray,
  full,
  fullLike,
  linspace,
  logspace,
  type NestedArray,
  ones,
  onesLike,
  type Tensor,
  type TypedArray,
  tensor,
  zeros,
  zerosLike,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

const dtypes: DType[] = ['float32', 'float64', 'int32', 'int64', 'int8', 'uint8', 'bool'];

/** Shape, dtype and values in one comparison. */
function expectTensor(t: Tensor, shape: number[], dtype: DType, values: NestedArray): void {
  expect({ shape: [...t.shape], dtype: t.dtype, values: t.toArray() }).toEqual({
    shape,
    dtype,
    values,
  });
}

describe('tensor', () => {
  test('takes numbers and nested arrays, float32 unless told otherwise', () => {
    expectTensor(tensor(3), [], 'float32', 3);
    expectTensor(tensor([1, 2, 3]), [3], 'float32', [1, 2, 3]);
    expectTensor(
      tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
      [2, 3],
      'float32',
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    );
    expectTensor(tensor([[[1]], [[2]]]), [2, 1, 1], 'float32', [[[1]], [[2]]]);
    expectTensor(tensor([0.1], { dtype: 'float64' }), [1], 'float64', [0.1]);
    expectTensor(tensor([0.1]), [1], 'float32', [Math.fround(0.1)]);
  });

  test('copies: the source may change afterwards', () => {
    const nested = [[1, 2]];
    const typed = new Float32Array([1, 2]);
    const fromNested = tensor(nested);
    const fromTyped = tensor(typed);
    nested[0]![0] = 7;
    typed[0] = 7;
    expect(fromNested.toArray()).toEqual([[1, 2]]);
    expect(fromTyped.toArray()).toEqual([1, 2]);
  });

  test('takes empty arrays', () => {
    expectTensor(tensor([]), [0], 'float32', []);
    expectTensor(tensor([[], []]), [2, 0], 'float32', [[], []]);
    expectTensor(tensor([[[]]]), [1, 1, 0], 'float32', [[[]]]);
    expectTensor(tensor(new Int32Array(0)), [0], 'int32', []);
  });

  test("booleans make a bool tensor, numbers among them don't", () => {
    expectTensor(tensor(true), [], 'bool', true);
    expectTensor(tensor([[true], [false]]), [2, 1], 'bool', [[true], [false]]);
    expectTensor(tensor([true, 2]), [2], 'float32', [1, 2]);
    expectTensor(tensor([true, false], { dtype: 'float64' }), [2], 'float64', [1, 0]);
    expect(tensor([true, false]).data).toEqual(new Uint8Array([1, 0]));
  });

  const typedArrays: [TypedArray, DType][] = [
    [new Float32Array([0, 1, 2.5]), 'float32'],
    [new Float64Array([0, 1, 2.5]), 'float64'],
    [new Int32Array([0, -1, 2]), 'int32'],
    [new Int8Array([0, -128, 127]), 'int8'],
    [new Uint8Array([0, 1, 255]), 'uint8'],
    [Buffer.from([0, 1, 255]), 'uint8'],
  ];
  test.each(typedArrays)('takes %o with its dtype', (array, dtype) => {
    const t = tensor(array);
    expectTensor(t, [3], dtype, [...array]);
    expect(t.array.buffer).not.toBe(array.buffer);
  });

  test.each(typedArrays)('converts %o to every dtype as to() does', (array) => {
    for (const dtype of dtypes) {
      expect(tensor(array, { dtype }).toArray()).toEqual(tensor(array).to(dtype).toArray());
    }
  });

  test('converts numbers to integers and bools as to() does', () => {
    const values = [0, -0, 0.5, -0.5, 2.9, -2.9, 255, 256, 2 ** 31, -(2 ** 31) - 1, 2 ** 40];
    const all = [...values, Number.NaN, Infinity, -Infinity];
    const wide = tensor(all, { dtype: 'float64' });
    for (const dtype of ['int32', 'int8', 'uint8', 'bool'] as const) {
      const want = wide.to(dtype).toArray();
      expect(tensor(all, { dtype }).toArray()).toEqual(want);
      expect(tensor(new Float64Array(all), { dtype }).toArray()).toEqual(want);
    }
  });

  test.each<[string, unknown]>([
    ['a short row', [[1, 2], [3]]],
    ['a long row', [[1], [2, 3]]],
    ['a number among rows', [[1], 2]],
    ['a row among numbers', [1, [2]]],
    ['an empty row', [[1], []]],
    ['a row after an empty one', [[], [1]]],
    ['a text', ['1']],
    ['null', [[1], [null]]],
    ['a hole', new Array(1)],
    ['a symbol', [Symbol('s')]],
    ['a typed array inside', [new Float32Array(1)]],
    ['nine levels', [[[[[[[[[1]]]]]]]]]],
  ])('rejects %s', (_, data) => {
    expectError(() => tensor(data as number[]), 'ERR_SHAPE', '[tensor]');
  });

  test('rejects arrays that contain themselves', () => {
    const cyclic: unknown[] = [];
    cyclic[0] = cyclic;
    expectError(() => tensor(cyclic as number[]), 'ERR_SHAPE', '[tensor]');
    const later: unknown[] = [true];
    later[1] = later;
    expectError(() => tensor(later as number[]), 'ERR_SHAPE', '[tensor]');
  });
});

describe('fromTypedArray', () => {
  const arrays: [TypedArray, DType][] = [
    [new Float32Array(6), 'float32'],
    [new Float64Array(6), 'float64'],
    [new Int32Array(6), 'int32'],
    [new Int8Array(6), 'int8'],
    [new Uint8Array(6), 'uint8'],
    [Buffer.alloc(6), 'uint8'],
  ];
  test.each(arrays)('shares the memory of %o', (array, dtype) => {
    const t = fromTypedArray(array, [2, 3]);
    array[4] = 7;
    expectTensor(t, [2, 3], dtype, [
      [0, 0, 0],
      [0, 7, 0],
    ]);
    t.data[0] = 5;
    expect(array[0]).toBe(5);
  });

  test('a Uint8Array can hold bools', () => {
    const array = new Uint8Array([1, 0]);
    expectTensor(fromTypedArray(array, [2], { dtype: 'bool' }), [2], 'bool', [true, false]);
  });

  test('a part of a buffer stays that part', () => {
    const whole = new Float32Array([0, 1, 2, 3, 4, 5]);
    const t = fromTypedArray(whole.subarray(2, 4));
    expectTensor(t.add(10), [2], 'float32', [12, 13]);
    t.data.set([8, 9]);
    expect([...whole]).toEqual([0, 1, 8, 9, 4, 5]);
  });

  test('takes empty arrays, scalars and gradients', () => {
    expectTensor(fromTypedArray(new Float32Array(0), [3, 0]), [3, 0], 'float32', [[], [], []]);
    expectTensor(fromTypedArray(new Float32Array([4]), []), [], 'float32', 4);
    expect(fromTypedArray(new Float32Array(1), [1], { requiresGrad: true }).requiresGrad).toBe(
      true,
    );
  });

  test('a detached array is an error in operations and no access to lost memory', () => {
    const array = new Float32Array(16);
    const t = fromTypedArray(array);
    structuredClone(array.buffer, { transfer: [array.buffer] });
    expectError(() => t.add(1), 'ERR_ARGUMENT', 'add');
    expectError(() => t.sum(), 'ERR_ARGUMENT', 'sum');
  });

  test('rejects what does not fit', () => {
    const array = new Float32Array(6);
    expectError(() => fromTypedArray(array, [2, 2]), 'ERR_SHAPE', '[fromTypedArray]');
    expectError(() => fromTypedArray(array, [-2, -3]), 'ERR_SHAPE', '[fromTypedArray]');
    expectError(() => fromTypedArray(array, [6], { dtype: 'int32' }), 'ERR_DTYPE', 'Float32Array');
    const bytes = new Uint8Array(6);
    expectError(() => fromTypedArray(bytes, [6], { dtype: 'float32' }), 'ERR_DTYPE', 'Uint8Array');
    const bigint = new BigUint64Array(6) as unknown as TypedArray;
    expectError(() => fromTypedArray(bigint), 'ERR_DTYPE', 'BigUint64Array');
    const halves = new Uint16Array(6);
    expectError(() => fromTypedArray(halves), 'ERR_DTYPE', 'Uint16Array');
    expectError(() => fromTypedArray(halves, [6], { dtype: 'int64' }), 'ERR_DTYPE', 'Uint16Array');
  });
});

describe('constants', () => {
  test.each(dtypes)('zeros, ones and full of %s', (dtype) => {
    const [no, yes] = dtype === 'bool' ? [false, true] : [0, 1];
    expectTensor(zeros([2, 1], { dtype }), [2, 1], dtype, [[no], [no]]);
    expectTensor(ones([2], { dtype }), [2], dtype, [yes, yes]);
    expectTensor(full([2], 3, { dtype }), [2], dtype, dtype === 'bool' ? [true, true] : [3, 3]);
    expectTensor(zeros([], { dtype }), [], dtype, no);
    expectTensor(full([0, 2], 1, { dtype }), [0, 2], dtype, []);
    expectTensor(zerosLike(ones([2], { dtype })), [2], dtype, [no, no]);
    expectTensor(onesLike(zeros([2], { dtype })), [2], dtype, [yes, yes]);
    expect([...empty([3, 2], { dtype }).shape]).toEqual([3, 2]);
  });

  test('full keeps to the dtype', () => {
    expect(full([1], 300.7, { dtype: 'uint8' }).item()).toBe(255);
    expect(full([2], -300.7, { dtype: 'int8' }).toArray()).toEqual([-128, -128]);
    expect(full([1], -2.7, { dtype: 'int32' }).item()).toBe(-2);
    expect(full([1], Number.NaN, { dtype: 'int32' }).item()).toBe(0);
    // A bool is one byte, 0 or 1, whatever it was made from.
    expect(full([2], 5, { dtype: 'bool' }).data).toEqual(new Uint8Array([1, 1]));
    expect(full([2], true).data).toEqual(new Uint8Array([1, 1]));
  });

  test('the like of a strided tensor is contiguous', () => {
    const t = zerosLike(ones([2, 3]).transpose());
    expect([[...t.shape], t.isContiguous]).toEqual([[3, 2], true]);
  });

  test('eye', () => {
    expectTensor(eye(2), [2, 2], 'float32', [
      [1, 0],
      [0, 1],
    ]);
    expectTensor(eye(2, { dtype: 'bool' }), [2, 2], 'bool', [
      [true, false],
      [false, true],
    ]);
    expectTensor(eye(0), [0, 0], 'float32', []);
    expectError(() => eye(-1), 'ERR_SHAPE', '[eye]');
    expectError(() => eye(1.5), 'ERR_SHAPE', '[eye]');
  });

  test('arange', () => {
    expectTensor(arange(3), [3], 'float32', [0, 1, 2]);
    expectTensor(arange(1, 3), [2], 'float32', [1, 2]);
    expectTensor(arange(5, 0, -2, { dtype: 'int32' }), [3], 'int32', [5, 3, 1]);
    expectTensor(arange(3, { dtype: 'int32' }), [3], 'int32', [0, 1, 2]);
    expectTensor(arange(1, 3, { dtype: 'int32' }), [2], 'int32', [1, 2]);
    expectTensor(arange(0), [0], 'float32', []);
    expectTensor(arange(2, 2), [0], 'float32', []);
    // start + i * step, not repeated addition: no error adds up.
    const steps = arange(0, 1, 0.1, { dtype: 'float64' });
    expect(steps.toArray()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => i * 0.1));
    for (const [start, end, step] of [
      [0, 1, 0],
      [0, 1, -1],
      [0.5, 0, 1],
      [0, Infinity, 1],
    ]) {
      expectError(() => arange(start!, end, step), 'ERR_ARGUMENT', '[arange]');
    }
    expectError(() => arange(Number.NaN), 'ERR_ARGUMENT', '[arange]');
  });
});

describe('options', () => {
  const creators: [string, (options: object) => Tensor][] = [
    ['tensor', (options) => tensor([1], options)],
    ['fromTypedArray', (options) => fromTypedArray(new Int32Array(1), [1], options)],
    ['full', (options) => full([1], 1, options)],
    ['zeros', (options) => zeros([1], options)],
    ['ones', (options) => ones([1], options)],
    ['empty', (options) => empty([1], options)],
    ['eye', (options) => eye(1, options)],
    ['arange', (options) => arange(0, 1, 1, options)],
  ];

  test.each(creators)('%s rejects unknown ones and dtypes by name', (name, create) => {
    expectError(
      () => create({ requiresgrad: true }),
      'ERR_ARGUMENT',
      `[${name}] unknown option "requiresgrad"`,
    );
    expectError(() => create({ dtype: 'float31' }), 'ERR_DTYPE', `[${name}] unknown dtype float31`);
    expectError(() => create({ dtype: 'constructor' }), 'ERR_DTYPE', `[${name}]`);
    const integers = { dtype: 'int32', requiresGrad: true };
    expectError(
      () => create(integers),
      'ERR_DTYPE',
      `[${name}] only float32, float64, bfloat16 and float16`,
    );
  });

  test.each(creators)('%s sets requiresGrad', (name, create) => {
    if (name === 'fromTypedArray') return;
    const t = create({ dtype: 'float64', requiresGrad: true });
    expect([t.requiresGrad, t.isLeaf]).toEqual([true, true]);
    expect(create({ requiresGrad: false }).requiresGrad).toBe(false);
  });

  test('shapes are lists of whole numbers, small enough', () => {
    for (const shape of [
      [-1],
      [1.5],
      [Number.NaN],
      ['2'],
      2,
      null,
      undefined,
      [2 ** 40, 2 ** 40],
    ]) {
      expectError(() => zeros(shape as number[]), 'ERR_SHAPE', '[zeros]');
    }
    expectError(() => zeros([1, 1, 1, 1, 1, 1, 1, 1, 1]), 'ERR_SHAPE', 'at most 8');
    expectError(() => zeros([2 ** 45]), 'ERR_ARGUMENT', 'no memory');
  });

  test('a shape is copied', () => {
    const shape = [2];
    const t = zeros(shape);
    shape[0] = 100;
    expect([...t.shape]).toEqual([2]);
  });
});

describe('memory that is shared', () => {
  test('tensor without a copy sees what the array sees, also in shared memory', () => {
    for (const buffer of [new ArrayBuffer(16), new SharedArrayBuffer(16)]) {
      const array = new Float32Array(buffer as ArrayBuffer);
      const t = tensor(array, { copy: false, requiresGrad: true });
      array[2] = 7;
      expectTensor(t, [4], 'float32', [0, 0, 7, 0]);
      expect(t.requiresGrad).toBe(true);
      expect(t.mul(2).toArray()).toEqual([0, 0, 14, 0]);
      const copied = tensor(array);
      array[2] = 8;
      expect(copied.toArray()).toEqual([0, 0, 7, 0]);
    }
    expectTensor(tensor(Buffer.from([0, 5]), { copy: false, dtype: 'bool' }), [2], 'bool', [
      false,
      true,
    ]);
  });

  test('fromBuffer reads ArrayBuffer, SharedArrayBuffer, Buffer and views, from an offset on', () => {
    const numbers = new Float32Array([1, 2, 3, 4, 5, 6]);
    const shared = new SharedArrayBuffer(24);
    new Float32Array(shared).set(numbers);
    const sources = [
      numbers.buffer,
      shared,
      numbers,
      new DataView(numbers.buffer),
      new Uint8Array(numbers.buffer),
    ];
    for (const source of sources) {
      expectTensor(fromBuffer(source, { dtype: 'float32' }), [6], 'float32', [...numbers]);
      const part = fromBuffer(source, { dtype: 'float32', offset: 8, shape: [2, 2] });
      expectTensor(part, [2, 2], 'float32', [
        [3, 4],
        [5, 6],
      ]);
      expectTensor(
        fromBuffer(source, { dtype: 'float32', offset: 4, count: 2, copy: true }),
        [2],
        'float32',
        [2, 3],
      );
    }
    const view = fromBuffer(numbers, { dtype: 'float32', offset: 20 });
    const copy = fromBuffer(numbers, { dtype: 'float32', offset: 20, copy: true });
    numbers[5] = 60;
    expect([view.item(), copy.item()]).toEqual([60, 6]);
    expectTensor(fromBuffer(numbers, { dtype: 'float32', offset: 24 }), [0], 'float32', []);
    const nested = fromBuffer(numbers.subarray(1, 4), { dtype: 'float32', offset: 4 });
    expectTensor(nested, [2], 'float32', [3, 4]);
    for (const dtype of dtypes) {
      expect(fromBuffer(new Uint8Array(16), { dtype }).dtype).toBe(dtype);
    }
  });

  test('fromBuffer says what to do about elements that are not aligned', () => {
    const bytes = Buffer.alloc(16);
    const options = { dtype: 'float32', offset: 3, count: 2 } as const;
    expectError(() => fromBuffer(bytes.buffer, options), 'ERR_ARGUMENT', 'Pass { copy: true }');
    expectTensor(fromBuffer(bytes.buffer, { ...options, copy: true }), [2], 'float32', [0, 0]);
  });
});

describe('fromAsync', () => {
  async function* later<T>(items: readonly T[]): AsyncGenerator<T> {
    for (const item of items) {
      await new Promise((done) => setImmediate(done));
      yield item;
    }
  }

  test('collects numbers, rows, typed arrays and tensors', async () => {
    expectTensor(await fromAsync(later([1, 2, 3])), [3], 'float32', [1, 2, 3]);
    expectTensor(await fromAsync(later([true, false])), [2], 'bool', [true, false]);
    expectTensor(await fromAsync(later([])), [0], 'float32', []);
    const rows = [
      [1, 2],
      [3, 4],
    ];
    expectTensor(await fromAsync(later(rows)), [2, 2], 'float32', rows);
    expectTensor(await fromAsync(rows, { dtype: 'float64' }), [2, 2], 'float64', rows);
    const typed = rows.map((row) => Int32Array.from(row));
    expectTensor(await fromAsync(later(typed)), [2, 2], 'int32', rows);
    const promised = rows.map((row) => Promise.resolve(tensor(row)));
    expectTensor(await fromAsync(promised, { dtype: 'int8' }), [2, 2], 'int8', rows);
  });

  test('lets gradients flow to tensors', async () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const y = await fromAsync(later([x, x.mul(3)]));
    y.sum().backward();
    expect(x.grad?.toArray()).toEqual([4, 4]);
    expect((await fromAsync([1], { requiresGrad: true })).requiresGrad).toBe(true);
  });

  test('rejects with what the source throws', async () => {
    async function* failing(): AsyncGenerator<number> {
      yield 1;
      throw new Error('the source broke');
    }
    await expect(fromAsync(failing())).rejects.toThrow('the source broke');
  });
});

describe('like another tensor', () => {
  test('takes its shape and dtype, and options', () => {
    const x = tensor([[1, 2]], { dtype: 'int8' });
    expectTensor(fullLike(x, 7), [1, 2], 'int8', [[7, 7]]);
    expectTensor(fullLike(x, 0.5, { dtype: 'float64' }), [1, 2], 'float64', [[0.5, 0.5]]);
    expectTensor(zerosLike(x, { dtype: 'bool' }), [1, 2], 'bool', [[false, false]]);
    expect(onesLike(x, { dtype: 'float32', requiresGrad: true }).requiresGrad).toBe(true);
    const like = emptyLike(x.t());
    expect([like.shape, like.dtype]).toEqual([[2, 1], 'int8']);
  });
});

describe('eye, linspace, logspace', () => {
  test('eye of two sizes and of every dtype', () => {
    for (const dtype of [...dtypes, 'bfloat16'] as const) {
      const want = [
        [1, 0, 0],
        [0, 1, 0],
      ];
      expect(eye(2, 3, { dtype }).to('float32').toArray()).toEqual(want);
      expect(eye(3, 2, { dtype }).t().to('float32').toArray()).toEqual(want);
    }
    expectTensor(eye(0, 2), [0, 2], 'float32', []);
  });

  test('of every size steps are those of float64, rounded once', () => {
    const sizes = [...Array(70).keys(), 1000, 200_001];
    for (const dtype of ['float32', 'float64'] as const) {
      const rounded = dtype === 'float32' ? Math.fround : (value: number) => value;
      for (const n of sizes) {
        const counted = arange(0.3, 0.3 + Math.max(0, n - 0.5) * 0.37, 0.37, { dtype }).data;
        const line = linspace(-0.3, 7.1, n, { dtype }).data;
        expect(counted.length).toBe(n);
        const step = n > 1 ? (7.1 + 0.3) / (n - 1) : 0;
        for (let i = 0; i < n; i++) {
          const fromStart = n === 1 || i < Math.floor(n / 2);
          const want = fromStart ? -0.3 + step * i : 7.1 - step * (n - 1 - i);
          if (counted[i] !== rounded(0.3 + i * 0.37) || line[i] !== rounded(want)) {
            expect([n, i, counted[i], line[i]]).toEqual([n, i, rounded(0.3 + i * 0.37), want]);
          }
        }
      }
    }
  });

  test('arange of integers and of 16-bit floats is that of float64, converted', () => {
    for (const dtype of ['int8', 'uint8', 'int32', 'int64', 'bfloat16', 'float16'] as const) {
      for (const [start, end, step] of [
        [0, 100, 1],
        [100, 3, -0.7],
        [0.4, 99.9, 3.3],
      ] as const) {
        const wanted = arange(start, end, step, { dtype: 'float64' }).to(dtype);
        const y = arange(start, end, step, { dtype });
        expect([y.dtype, [...y.data]]).toEqual([dtype, [...wanted.data]]);
      }
    }
    expect(arange(2 ** 53 - 3, 2 ** 53, 1, { dtype: 'int64' }).data).toEqual(
      BigInt64Array.of(2n ** 53n - 3n, 2n ** 53n - 2n, 2n ** 53n - 1n),
    );
    expect(arange(254, 258, 1, { dtype: 'uint8' }).data).toEqual(Uint8Array.of(254, 255, 255, 255));
  });

  test('eye of every shape has ones on its diagonal alone', () => {
    for (const [n, m] of [
      [0, 0],
      [1, 5],
      [5, 1],
      [33, 70],
      [70, 33],
      [3, 0],
    ] as const) {
      for (const dtype of ['float32', 'int64', 'bool', 'bfloat16'] as const) {
        const rows = eye(n, m, { dtype }).to('int32').toArray();
        const line = (i: number) => Array.from({ length: m }, (_, j) => (i === j ? 1 : 0));
        expect(rows).toEqual(Array.from({ length: n }, (_, i) => line(i)));
      }
    }
  });

  test('linspace is symmetric, and exact at both ends', () => {
    for (const count of [2, 3, 10, 11, 1000, 1001]) {
      for (const dtype of ['float32', 'float64'] as const) {
        const values = linspace(-0.7, 0.7, count, { dtype }).data;
        expect([values[0], values[count - 1]]).toEqual(tensor([-0.7, 0.7], { dtype }).toArray());
        for (let i = 0; i < count; i++) expect(values[i]! + values[count - 1 - i]!).toBe(0);
      }
    }
    expectTensor(linspace(2, 9, 1), [1], 'float32', [2]);
    expectTensor(linspace(0, 10, 4, { dtype: 'uint8' }), [4], 'uint8', [0, 3, 6, 10]);
    expect(linspace(0, 1, 2, { requiresGrad: true }).requiresGrad).toBe(true);
  });

  test('logspace has exact powers where they are whole', () => {
    expectTensor(logspace(0, 9, 10, { dtype: 'int32' }), [10], 'int32', [
      ...Array.from({ length: 10 }, (_, i) => 10 ** i),
    ]);
    expectTensor(logspace(0, 8, 9, { base: 2, dtype: 'float64' }), [9], 'float64', [
      ...Array.from({ length: 9 }, (_, i) => 2 ** i),
    ]);
  });
});
