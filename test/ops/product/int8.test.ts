import {
  dequantize,
  int8Matmul,
  matmul,
  quantizePerChannel,
  setSimdLevel,
  simdLevel,
  simdLevels,
  Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { afterAll, describe, expect, test } from 'vitest';
import { exact, expectGolden, Fixture, type Golden, toTensor } from '../../golden.js';

interface Content {
  products: { left: number; right: number; output: number }[];
  quantized: {
    axis: number;
    input: number;
    scales: number;
    values: number;
    dequantized: number;
  }[];
}

const fixture = new Fixture<Content>('int8');
const bytes = ({ data, shape }: Golden) => tensor(new Int8Array(data)).reshape(shape);

/** Values over all of the range, in an order without a short period. */
const ramp = (shape: readonly number[], step = 37) => {
  const t = zeros(shape, { dtype: 'int8' });
  for (let i = 0; i < t.numel; i++) t.data[i] = ((i * step) % 256) - 128;
  return t;
};

/** The same product in float64, where it is exact too. */
const wide = (a: Tensor, b: Tensor) => matmul(a.to('float64'), b.to('float64')).to('int32');

describe('int8Matmul', () => {
  test.each(fixture.content.products)('as PyTorch has it: %o', ({ left, right, output }) => {
    const y = int8Matmul(bytes(fixture.tensor(left)), bytes(fixture.tensor(right)));
    expect(y.dtype).toBe('int32');
    expectGolden(y, fixture.tensor(output), exact, 'product');
  });

  test.each<[string, Tensor, Tensor]>([
    ['transposes', ramp([5, 3]).transpose(), ramp([7, 5], 11).transpose()],
    [
      'slices',
      ramp([9, 12]).slice([
        [1, null, 2],
        [2, 9],
      ]),
      ramp([14, 5], 11).slice([[0, null, 2]]),
    ],
    ['batches', ramp([2, 3, 4]), ramp([2, 4, 5], 11)],
    ['a batch and a matrix', ramp([6, 3, 4]), ramp([4, 5], 11)],
    ['batches that stretch', ramp([2, 1, 3, 4]), ramp([5, 4, 2], 11)],
    ['three batch dimensions', ramp([2, 3, 1, 2, 4]), ramp([3, 2, 4, 3], 11)],
    ['stretched matrices', ramp([2, 1]).expand([2, 9]), ramp([1, 3]).expand([9, 3])],
    ['no steps', ramp([2, 0]), ramp([0, 3])],
    ['no rows', ramp([0, 2]), ramp([2, 3])],
    ['no batch', ramp([0, 2, 2]), ramp([2, 3])],
  ])('of %s', (_, a, b) => {
    const y = int8Matmul(a, b);
    const want = wide(a, b);
    expect([y.dtype, [...y.shape]]).toEqual(['int32', [...want.shape]]);
    expect(y.toArray()).toEqual(want.toArray());
  });
});

describe('quantizePerChannel', () => {
  // PyTorch multiplies by the scale's inverse too, so the integers agree also where x / scale is
  // near a half.
  test.each(fixture.content.quantized)('as PyTorch has it: %o', (c) => {
    const { axis } = c;
    const { values, scales } = quantizePerChannel(toTensor(fixture.tensor(c.input), 'float32'), {
      axis,
    });
    expect([values.dtype, scales.dtype]).toEqual(['int8', 'float32']);
    expectGolden(scales, fixture.tensor(c.scales), exact, 'scales');
    expectGolden(values, fixture.tensor(c.values), exact, 'values');
    expectGolden(
      dequantize(values, scales, { axis }),
      fixture.tensor(c.dequantized),
      exact,
      'dequantized',
    );
  });

  const level = simdLevel();
  afterAll(() => setSimdLevel(level));

  const { fround } = Math;
  /** To the nearest integer; a half goes to the even one. */
  const roundEven = (x: number) => {
    const low = Math.floor(x);
    const rest = x - low;
    return rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low;
  };

  /** The definition, one float32 operation at a time. */
  function quantizeRow(row: readonly number[]): { scale: number; values: number[] } {
    const largest = row.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    if (!Number.isFinite(largest)) return { scale: Number.NaN, values: row.map(() => 0) };
    const scale = largest === 0 ? 1 : Math.max(fround(largest / 127), 2 ** -126);
    const inverse = fround(1 / scale);
    return { scale, values: row.map((v) => roundEven(fround(v * inverse)) + 0) };
  }

  const random = (length: number, scale: number) =>
    Array.from({ length }, (_, i) => fround(Math.sin(i * i + length) * scale));

  const rows: [string, number[]][] = [
    ...[1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 100].map((n): [string, number[]] => [
      `${n} values`,
      random(n, 3),
    ]),
    ['zeros', [0, -0, 0]],
    ['halves', [127, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5, -126.5, 125.5]],
    ['large numbers', random(20, 3e38)],
    ['the largest number', [3.4028234663852886e38, -3.4028234663852886e38, 1]],
    ['tiny numbers', random(20, 1e-36)],
    ['denormal numbers', [...random(20, 1e-42), 2 ** -149]],
    ['a NaN', [...random(20, 1), Number.NaN]],
    ['a NaN first', [Number.NaN, ...random(40, 1)]],
    ['an infinity', [...random(20, 1), Infinity, 1]],
    ['a negative infinity', [-Infinity, ...random(20, 1)]],
  ];

  test.each(simdLevels())('rows of all kinds, to the last bit, at level %s', (name) => {
    setSimdLevel(name);
    for (const [what, row] of rows) {
      const x = tensor([row, row.map((v) => -v)]);
      const { values, scales } = quantizePerChannel(x);
      const want = quantizeRow(row);
      expect([...scales.data], what).toEqual([want.scale, want.scale]);
      expect(values.toArray(), what).toEqual([want.values, want.values.map((v) => 0 - v)]);
    }
  });

  test('is within half a scale', () => {
    const x = tensor(random(4000, 5)).reshape([8, 500]);
    const { values, scales } = quantizePerChannel(x);
    const back = dequantize(values, scales);
    for (let i = 0; i < 4000; i++) {
      const half = (scales.data[Math.floor(i / 500)] as number) / 2;
      expect(Math.abs((back.data[i] as number) - (x.data[i] as number))).toBeLessThanOrEqual(
        half * (1 + 2 ** -16),
      );
    }
    expect(Math.max(...values.data.map(Math.abs))).toBe(127);
  });

  test('of views, and of nothing', () => {
    const x = tensor(random(60, 2)).reshape([3, 4, 5]);
    const view = x.permute([2, 0, 1]);
    for (const axis of [0, 1, 2, -1]) {
      const of = quantizePerChannel(view, { axis });
      const dense = quantizePerChannel(view.contiguous(), { axis });
      expect([of.values.toArray(), of.scales.toArray()]).toEqual([
        dense.values.toArray(),
        dense.scales.toArray(),
      ]);
      expect([...of.values.shape]).toEqual([5, 3, 4]);
      expect(of.values.isContiguous).toBe(true);
    }
    const none = quantizePerChannel(zeros([2, 0]));
    expect([[...none.values.shape], none.scales.toArray()]).toEqual([
      [2, 0],
      [1, 1],
    ]);
    const nothing = quantizePerChannel(zeros([0, 3]));
    expect([[...nothing.values.shape], [...nothing.scales.shape]]).toEqual([[0, 3], [0]]);
  });

  test('gives constants: no gradient flows', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const { values, scales } = quantizePerChannel(x);
    expect([values.requiresGrad, scales.requiresGrad]).toEqual([false, false]);
    expect(dequantize(values, scales)).toBeInstanceOf(Tensor);
  });
});
