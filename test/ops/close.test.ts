import {
  allClose,
  assertClose,
  closeness,
  type DType,
  equal,
  ones,
  rand,
  TensorError,
  tensor,
  zeros,
} from 'tilegrad';
import { expect, test } from 'vitest';

test('equal compares shapes and values', () => {
  expect(equal(tensor([1, 2]), tensor([1, 2], { dtype: 'int32' }))).toBe(true);
  expect(equal(tensor([1, 2]), tensor([1, 3]))).toBe(false);
  expect(equal(tensor([1, 1]), tensor(1))).toBe(false);
  expect(equal(tensor([0]), tensor([-0]))).toBe(true);
  expect(equal(tensor([Number.NaN]), tensor([Number.NaN]))).toBe(false);
  expect(equal(zeros([0, 3]), zeros([0, 3]))).toBe(true);
  expect(equal(zeros([0, 3]), zeros([3, 0]))).toBe(false);
  for (const dtype of ['int8', 'uint8', 'bool', 'bfloat16', 'float64'] as DType[]) {
    const x = tensor([[1, 0]]).to(dtype);
    expect(x.equal(x.clone()) && x.transpose().equal(x.clone().transpose())).toBe(true);
    expect(x.equal(ones([1, 2], { dtype }))).toBe(false);
  }
  const leaf = ones([2], { requiresGrad: true });
  expect(equal(leaf, leaf.mul(1))).toBe(true);
});

test('allClose has the bounds of isclose, and broadcasts', () => {
  expect(allClose(tensor([1, 1]), tensor(1 + 1e-6))).toBe(true);
  expect(allClose(tensor([1]), tensor([1.0001]))).toBe(false);
  expect(allClose(tensor([1]), tensor([1.0001]), { rtol: 1e-3 })).toBe(true);
  expect(tensor([1]).allClose(tensor([1.5]), { atol: 0.6 })).toBe(true);
  expect(allClose(tensor([Number.NaN]), tensor([Number.NaN]))).toBe(false);
  expect(allClose(tensor([Number.NaN]), tensor([Number.NaN]), { equalNan: true })).toBe(true);
  expect(allClose(tensor([Infinity]), tensor([Infinity]))).toBe(true);
  expect(allClose(zeros([0]), zeros([0]))).toBe(true);
  expect(allClose(ones([2], { dtype: 'bfloat16' }), ones([2], { dtype: 'bfloat16' }))).toBe(true);
});

test('closeness finds the largest differences', () => {
  const expected = tensor([
    [1, 100, 1e-3],
    [-2, 0, 5],
  ]);
  const actual = tensor([
    [1, 101, 2e-3],
    [-2, 0, 5.00001],
  ]);
  const report = closeness(actual, expected);
  expect(report).toMatchObject({ close: false, mismatched: 2, count: 6, rtol: 1.3e-6, atol: 1e-5 });
  expect(report.largestAbsolute).toEqual({
    index: [0, 1],
    actual: 101,
    expected: 100,
    absolute: 1,
    relative: 0.01,
  });
  expect(report.largestRelative?.index).toEqual([0, 2]);
  expect(report.largestRelative?.relative).toBeCloseTo(1, 6);
  expect(closeness(actual.transpose(), expected.transpose()).largestAbsolute?.index).toEqual([
    1, 0,
  ]);
});

test('closeness of special values', () => {
  const nan = tensor([1, Number.NaN]);
  expect(closeness(nan, nan)).toMatchObject({ close: false, mismatched: 1 });
  expect(closeness(nan, nan).largestAbsolute).toMatchObject({ index: [1], absolute: Number.NaN });
  expect(closeness(nan, nan, { equalNan: true })).toMatchObject({ close: true, mismatched: 0 });
  const infinite = tensor([Infinity, -Infinity, 0]);
  expect(closeness(infinite, infinite)).toMatchObject({ close: true });
  expect(closeness(infinite, infinite.neg())).toMatchObject({ mismatched: 2 });
  expect(closeness(tensor([0, 1]), tensor([0, 1])).largestRelative?.relative).toBe(0);
  expect(closeness(tensor([1e-3]), tensor([0])).largestRelative?.relative).toBe(Infinity);
  expect(closeness(zeros([0]), zeros([0]))).toMatchObject({ close: true, largestAbsolute: null });
  expect(closeness(tensor(3), tensor(4)).largestAbsolute?.index).toEqual([]);
});

test('defaults go by the dtype', () => {
  const bounds = { float64: 1e-7, float32: 1.3e-6, bfloat16: 1.6e-2, int32: 0, bool: 0 };
  for (const [dtype, rtol] of Object.entries(bounds)) {
    const x = ones([2], { dtype: dtype as DType });
    expect(closeness(x, x).rtol).toBe(rtol);
  }
  const [x, y] = [tensor([5], { dtype: 'int32' }), tensor([6], { dtype: 'int32' })];
  expect(closeness(x, y).close).toBe(false);
  expect(closeness(x, y, { atol: 1 }).close).toBe(true);
  // 2^31 - 1 and its neighbour are one number in float32.
  const [a, b] = [2 ** 31 - 1, 2 ** 31 - 2].map((n) => tensor([n], { dtype: 'int32' }));
  expect(closeness(a!, b!).mismatched).toBe(1);
});

test('assertClose says where and by how much', () => {
  const x = rand([3, 4]);
  assertClose(x, x.add(1e-8));
  const y = x.clone();
  y.set(1, 2, 7);
  x.set(1, 2, 5);
  let message = '';
  try {
    assertClose(y, x);
  } catch (error) {
    message = (error as TensorError).message;
    expect((error as TensorError).code).toBe('ERR_STATE');
    expect(error).toBeInstanceOf(TensorError);
  }
  expect(message.split('\n')).toEqual([
    '[assertClose] 1 of 12 elements (8.3%) differ by more than atol 0.00001 + rtol 0.0000013 |expected|',
    '  largest absolute difference 2 at [1, 2]: 7 instead of 5',
    '  largest relative difference 0.4 at [1, 2]: 7 instead of 5',
  ]);
  assertClose(ones([2]), ones([2], { dtype: 'float64' }), { checkDtype: false });
});
