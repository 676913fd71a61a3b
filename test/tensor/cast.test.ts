import { type DType, type Tensor, tensor, to, where } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

const dtypes: DType[] = [
  ...(['float32', 'float64', 'int32', 'int64', 'int8', 'uint8', 'bool'] as const),
  ...(['bfloat16', 'float16'] as const),
];

/** Numbers at and around every end of a range. */
const numbers = [
  0,
  -0,
  0.4,
  -0.4,
  1,
  -1,
  1.5,
  -1.5,
  2.999,
  127.5,
  254.99,
  255,
  255.5,
  256,
  128,
  -127.5,
  -128,
  -128.5,
  -129,
  -0.99,
  2 ** 24 + 1,
  2 ** 31 - 1,
  2 ** 31 - 0.5,
  2 ** 31,
  -(2 ** 31),
  -(2 ** 31) - 0.5,
  -(2 ** 31) - 1,
  2 ** 32,
  2 ** 53,
  1e30,
  -1e30,
  1e39,
  1e-46,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
  Infinity,
  -Infinity,
  Number.NaN,
];

/** What a float becomes: towards zero, the nearest end outside, NaN 0. */
function toInteger(value: number, low: number, high: number): number {
  return Number.isNaN(value) ? 0 : Math.min(high, Math.max(low, Math.trunc(value))) + 0;
}

/**
 * To float32 and from there to the nearest multiple of the last place of 8 significant bits (2^-133
 * at least), ties to the even multiple.
 */
function toBfloat16(value: number): number {
  const x = Math.fround(value);
  if (!Number.isFinite(x) || x === 0) return x;
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(x))));
  const unit = 2 ** (exponent - 7);
  const low = Math.floor(x / unit);
  const rest = x / unit - low;
  const up = rest > 0.5 || (rest === 0.5 && low % 2 !== 0);
  const y = (low + (up ? 1 : 0)) * unit;
  if (Math.abs(y) >= 2 ** 128) return y > 0 ? Infinity : -Infinity;
  return y === 0 && x < 0 ? -0 : y;
}

/** The same with 11 significant bits, multiples of 2^-24 at least, and 65504 as the largest. */
function toFloat16(value: number): number {
  const x = Math.fround(value);
  if (!Number.isFinite(x) || x === 0) return x;
  const exponent = Math.max(-14, Math.floor(Math.log2(Math.abs(x))));
  const unit = 2 ** (exponent - 10);
  const low = Math.floor(x / unit);
  const rest = x / unit - low;
  const y = (low + (rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? 1 : 0)) * unit;
  if (Math.abs(y) >= 2 ** 16) return y > 0 ? Infinity : -Infinity;
  return y === 0 && x < 0 ? -0 : y;
}

const wanted: Record<DType, (value: number) => number | boolean> = {
  float32: Math.fround,
  float64: (value) => value,
  int32: (value) => toInteger(value, -(2 ** 31), 2 ** 31 - 1),
  // The ends are compared as doubles: int64's largest isn't one.
  int64: (value) => toInteger(value, -(2 ** 63), 2 ** 63),
  int8: (value) => toInteger(value, -128, 127),
  uint8: (value) => toInteger(value, 0, 255),
  bool: (value) => value !== 0,
  bfloat16: toBfloat16,
  float16: toFloat16,
};

describe.each(['float64', 'float32'] as const)('from %s', (from) => {
  test.each(dtypes)('to %s', (dtype) => {
    const x = tensor(numbers, { dtype: from });
    // The ends of int64 are beyond the safe integers.
    const shown = (t: Tensor) => (dtype === 'int64' ? t.to('float64') : t).toArray();
    const exact = numbers.map((value) => (from === 'float32' ? Math.fround(value) : value));
    expect(shown(to(x, dtype))).toEqual(exact.map(wanted[dtype]));
    // More than one block of a vector, and strided.
    const many = x.unsqueeze(1).expand([numbers.length, 67]);
    expect(shown(many.to(dtype).slice([null, 66]))).toEqual(exact.map(wanted[dtype]));
    expect(shown(many.transpose().to(dtype).slice([66]))).toEqual(exact.map(wanted[dtype]));
  });
});

test('int32 to floats rounds to nearest even, and keeps the low byte as uint8', () => {
  const x = tensor(new Int32Array([0, 1, -1, 255, 256, 2 ** 24 + 1, 2 ** 31 - 1, -(2 ** 31)]));
  expect(x.to('float64').toArray()).toEqual(x.toArray());
  const rounded = (x.toArray() as number[]).map(Math.fround);
  expect(x.to('float32').toArray()).toEqual(rounded);
  expect(x.to('uint8').toArray()).toEqual([...Uint8Array.from(x.data)]);
  expect(x.to('bool').toArray()).toEqual([false, true, true, true, true, true, true, true]);
});

test('int8 keeps the low byte of other integers', () => {
  const x = tensor(new Int32Array([0, 1, -1, 127, 128, -128, -129, 255, 256, 2 ** 31 - 1]));
  expect(x.to('int8').data).toEqual(Int8Array.from(x.data));
  expect(
    tensor(new Uint8Array([0, 127, 128, 255]))
      .to('int8')
      .toArray(),
  ).toEqual([0, 127, -128, -1]);
  const signed = tensor(new Int8Array([0, 1, -1, 127, -128]));
  expect(signed.to('uint8').toArray()).toEqual([0, 1, 255, 127, 128]);
  expect(signed.to('bool').toArray()).toEqual([false, true, true, true, true]);
  for (const dtype of ['float32', 'float64', 'int32'] as const) {
    expect(signed.to(dtype).toArray()).toEqual([0, 1, -1, 127, -128]);
    expect(signed.to(dtype).to('int8').toArray()).toEqual([0, 1, -1, 127, -128]);
  }
});

test('bytes and bools', () => {
  const bytes = tensor(new Uint8Array([0, 1, 2, 255]));
  expect(bytes.to('bool').toArray()).toEqual([false, true, true, true]);
  expect(bytes.to('bool').data).toEqual(new Uint8Array([0, 1, 1, 1]));
  for (const dtype of ['float32', 'float64', 'int32', 'uint8'] as const) {
    expect(bytes.to(dtype).toArray()).toEqual([0, 1, 2, 255]);
    expect(bytes.to('bool').to(dtype).toArray()).toEqual([0, 1, 1, 1]);
  }
});

describe('at every length and place', () => {
  const elements = (t: Tensor): (number | bigint)[] => [...t.contiguous().data];
  const targets = dtypes.filter((to) => to !== 'float64' && to !== 'float32');
  const list = Array.from({ length: 1100 }, (_, i) => numbers[(i * 11) % numbers.length] as number);
  test.each(['float32', 'float64'] as const)('casts of %s are those of each number', (dtype) => {
    const all = tensor(list, { dtype });
    for (const target of targets) {
      const alone = numbers.map((value) => elements(tensor([value], { dtype }).to(target))[0]);
      const wanted = list.map((_, i) => alone[(i * 11) % numbers.length]);
      for (const n of [...Array(70).keys(), 255, 256, 257, 1000]) {
        for (const start of [0, 1, 3]) {
          const part = all.slice([[start, start + n]]);
          expect(elements(part.to(target))).toEqual(wanted.slice(start, start + n));
        }
      }
      const strided = all.slice([[1, 1100, 3]]);
      expect(elements(strided.to(target))).toEqual(wanted.filter((_, i) => i % 3 === 1));
      const turned = all.reshape([25, 44]).transpose().to(target).transpose().reshape([-1]);
      expect(elements(turned)).toEqual(wanted);
    }
  });

  test.each(dtypes)('fill_ of %s writes what it should and nothing else', (dtype) => {
    const size = dtype === 'bool' ? 1 : 7;
    for (const n of [...Array(70).keys(), 255, 256, 257, 1000]) {
      const all = tensor(new Array(n + 40).fill(1), { dtype });
      all.slice([[5, 5 + n]]).fill_(dtype === 'bool' ? false : size);
      const written = Array.from({ length: n + 40 }, (_, i) => i >= 5 && i < 5 + n);
      const inside = dtype === 'bool' ? 0 : size;
      expect(all.to('float64').toArray()).toEqual(written.map((is) => (is ? inside : 1)));
    }
  });
});

test('to its own dtype is the tensor itself', () => {
  for (const dtype of dtypes) {
    const x = tensor([1, 0], { dtype });
    expect(x.to(dtype)).toBe(x);
  }
});

test('scalars and empty tensors', () => {
  expect(tensor(2.5).to('int32').item()).toBe(2);
  expect([...tensor([]).to('bool').shape]).toEqual([0]);
});

test('unknown dtypes are named', () => {
  expectError(() => tensor([1]).to('int16' as DType), 'ERR_DTYPE', '[to] unknown dtype int16');
  expectError(() => tensor([1]).to(undefined as unknown as DType), 'ERR_DTYPE', '[to]');
});

test('operands of different dtypes meet at the stronger one', () => {
  const bool = tensor([true, false]);
  const int = tensor(new Int32Array([2, 3]));
  const single = tensor([0.5, 0.25]);
  const double = tensor([0.5, 0.25], { dtype: 'float64' });
  expect(single.add(double).dtype).toBe('float64');
  expect(int.mul(single).dtype).toBe('float32');
  expect(int.mul(single).toArray()).toEqual([1, 0.75]);
  expect(bool.sub(double).toArray()).toEqual([0.5, -0.25]);
  expect(int.matmul(double).item()).toBe(1.75);
  expect(double.add(1).dtype).toBe('float64');
  expect(int.add(bool).toArray()).toEqual([3, 3]);
  expect(int.add(bool).dtype).toBe('int32');
  expect(int.matmul(double).dtype).toBe('float64');
  expect(int.matmul(int).dtype).toBe('int32');
  expectError(() => bool.matmul(bool), 'ERR_DTYPE', '[matmul]');
  expectError(() => bool.to('bfloat16').add(int), 'ERR_DTYPE', "convert with to('float32')");
});

test('a number counts by its kind only', () => {
  const byte = tensor(new Int8Array([1, -2]));
  const bool = tensor([true, false]);
  expect([byte.add(1).dtype, byte.add(1.5).dtype, byte.add(Number.NaN).dtype]).toEqual([
    'int8',
    'float32',
    'float32',
  ]);
  expect([bool.add(1).dtype, bool.add(0.5).dtype]).toEqual(['int64', 'float32']);
  expect(bool.add(1).toArray()).toEqual([2, 1]);
  expect(tensor(1, { dtype: 'float64' }).add(byte).dtype).toBe('float64');
  expect(tensor(1, { dtype: 'int32' }).add(byte).dtype).toBe('int8');
  // Outside the range it wraps around in arithmetic, but not where it is compared.
  expect(byte.add(1000).toArray()).toEqual([-23, -26]);
  expect(byte.lt(1000).toArray()).toEqual([true, true]);
  expect(
    tensor(new Uint8Array([0, 255]))
      .gt(-1)
      .toArray(),
  ).toEqual([true, true]);
  expect(
    tensor(new Int32Array([2 ** 31 - 1]))
      .lt(2 ** 31 - 0.5)
      .toArray(),
  ).toEqual([true]);
  expect(
    tensor(new Int32Array([2 ** 24 + 1]))
      .eq(2 ** 24)
      .toArray(),
  ).toEqual([false]);
  expect(bool.eq(1).toArray()).toEqual([true, false]);
});

test('numbers alone choose as float32', () => {
  const chosen = where(tensor([true, false]), 1, 0);
  expect([chosen.dtype, chosen.toArray()]).toEqual(['float32', [1, 0]]);
});
