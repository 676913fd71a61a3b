/** The dtype bfloat16: storage, creation, conversions, views, what it refuses. */
import {
  add,
  arange,
  eye,
  fromTypedArray,
  full,
  nn,
  ones,
  onesLike,
  optim,
  rand,
  sum,
  type Tensor,
  tensor,
  to,
  zeros,
  zerosLike,
} from 'tilegrad';
import { fromBfloat16, toBfloat16 } from 'tilegrad/tensor/bfloat16.js';
import { describe, expect, test } from 'vitest';
import { Fixture } from '../golden.js';
import { expectError } from '../helpers/errors.js';

const dtype = 'bfloat16';
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

interface Conversion {
  dtype: 'float32' | 'float64' | 'int32';
  from: number;
  to: number;
}

describe('conversions as PyTorch has them', () => {
  const fixture = new Fixture<{ conversions: Conversion[] }>('bfloat16');
  test.each(fixture.content.conversions)('from $dtype, case $from', (conversion) => {
    const from = fixture.tensor(conversion.from);
    const want = fixture.tensor(conversion.to).data;
    expect(from.data.length).toBeGreaterThan(5);
    const x = tensor(from.data, { dtype: conversion.dtype });
    expect(to(x, dtype).toArray()).toEqual(want);
    expect(to(x, dtype).to('float32').toArray()).toEqual(want);
    expect(to(x, dtype).to('float64').toArray()).toEqual(want);
    // Numbers are stored by the same rule.
    expect(tensor([...from.data], { dtype }).toArray()).toEqual(want);
    expect(want.map((_, i) => full([], from.data[i]!, { dtype }).item())).toEqual(want);
  });
});

test('every bit pattern goes through float32, float64 and numbers and back', () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const isNan = (pattern: number) => (pattern & 0x7fff) > 0x7f80;
  const quiet = bits.map((pattern) => (isNan(pattern) ? pattern | 0x40 : pattern));
  const x = fromTypedArray(bits, [65536], { dtype });
  for (const wide of ['float32', 'float64'] as const) {
    const back = x.to(wide).to(dtype).data;
    // Which of the NaN a NaN becomes in float64 is the CPU's affair.
    const differing = quiet.filter((pattern, i) =>
      isNan(pattern) && wide === 'float64' ? !isNan(back[i]!) : back[i] !== pattern,
    );
    expect(differing).toEqual(new Uint16Array(0));
  }
  const again = Uint16Array.from(bits, (pattern) => toBfloat16(fromBfloat16(pattern)));
  expect(again.filter((pattern, i) => pattern !== quiet[i] && !isNan(pattern)).length).toBe(0);
  expect(again.filter(isNan).length).toBe(2 * 127);
});

test('from and to integers and bools', () => {
  const x = tensor([-1.5, 0, 255, 256, 1e9, -0, nan, inf, -inf, 2 ** -133], { dtype });
  const limit = 2 ** 31;
  expect(x.to('int32').toArray()).toEqual([
    ...[-1, 0, 255, 256, 238 * 2 ** 22, 0, 0, limit - 1, -limit, 0],
  ]);
  expect(x.to('uint8').toArray()).toEqual([0, 0, 255, 255, 255, 0, 0, 255, 0, 0]);
  expect(x.to('bool').toArray()).toEqual([
    ...[true, false, true, true, true, false, true, true, true, true],
  ]);
  expect(tensor([true, false]).to(dtype).toArray()).toEqual([1, 0]);
  expect(tensor(Uint8Array.of(0, 255)).to(dtype).toArray()).toEqual([0, 255]);
  expect(tensor(Int32Array.of(257, -3), { dtype }).toArray()).toEqual([256, -3]);
  expect(tensor([true, false], { dtype }).toArray()).toEqual([1, 0]);
  expect(x.to('int8').toArray()).toEqual([-1, 0, 127, 127, 127, 0, 0, 127, -128, 0]);
  const bytes = Int8Array.from({ length: 256 }, (_, i) => i - 128);
  expect(tensor(bytes).to(dtype).toArray()).toEqual([...bytes]);
  expect(tensor(bytes).to(dtype).to('int8').data).toEqual(bytes);
});

test('creation', () => {
  expect(zeros([2], { dtype }).data).toEqual(new Uint16Array(2));
  expect(ones([2], { dtype }).data).toEqual(Uint16Array.of(0x3f80, 0x3f80));
  expect(full([1], 1 + 2 ** -8, { dtype }).item()).toBe(1);
  expect(full([1], nan, { dtype }).item()).toBe(nan);
  expect(eye(2, { dtype }).toArray()).toEqual([
    [1, 0],
    [0, 1],
  ]);
  expect(arange(3, 260, 128, { dtype }).toArray()).toEqual([3, 131, 260]); // 259 is a tie
  expect(onesLike(zerosLike(ones([1], { dtype }))).toArray()).toEqual([1]);
  const x = tensor([[1, 2.5]], { dtype, requiresGrad: true });
  expect([x.dtype, [...x.shape], x.requiresGrad]).toEqual([dtype, [1, 2], true]);
  expect(x.data).toEqual(Uint16Array.of(0x3f80, 0x4020));
});

test('memory is shared with a Uint16Array, whose dtype has to be named', () => {
  const bits = Uint16Array.of(0x3f80, 0xc000);
  const x = fromTypedArray(bits, [2], { dtype });
  bits[0] = 0x4000;
  expect(x.toArray()).toEqual([2, -2]);
  expect(x.data.buffer).toBe(bits.buffer);
  expectError(() => fromTypedArray(bits), 'ERR_DTYPE', '[fromTypedArray]');
  expectError(() => fromTypedArray(bits, [2], { dtype: 'float32' }), 'ERR_DTYPE', 'fromTypedArray');
  const floats = new Float32Array(2);
  expectError(() => fromTypedArray(floats, [2], { dtype }), 'ERR_DTYPE', '[fromTypedArray]');
  expectError(() => tensor(bits), 'ERR_ARGUMENT', '[tensor]');
});

test('views, copies and printing', () => {
  const x = arange(12, { dtype }).reshape([3, 4]);
  expect(x.transpose().slice([1]).toArray()).toEqual([1, 5, 9]);
  expect(x.transpose().contiguous().toArray()).toEqual(x.to('float32').transpose().toArray());
  expect(
    x
      .slice([
        [0, null, 2],
        [1, 3],
      ])
      .clone()
      .toArray(),
  ).toEqual([
    [1, 2],
    [9, 10],
  ]);
  expect(x.slice([2, 3]).item()).toBe(11);
  expect(x.unsqueeze(0).expand([2, 3, 4]).flatten().numel).toBe(24);
  expect(`${tensor([1.5, -2, nan, inf], { dtype })}`).toBe(
    'Tensor([ 1.5000, -2.0000,     nan,     inf], shape=[4], bfloat16)',
  );
  expect(`${tensor([0.1], { dtype })}`).toBe('Tensor([0.1001], shape=[1], bfloat16)');
});

test('a conversion keeps the layout of a dense tensor', () => {
  const transposed = arange(6).reshape([2, 3]).transpose();
  const y = transposed.to(dtype);
  expect([...y.strides]).toEqual([1, 3]);
  expect(y.toArray()).toEqual(transposed.toArray());
  const part = arange(12)
    .reshape([3, 4])
    .slice([null, [0, 2]])
    .to(dtype);
  expect([...part.strides]).toEqual([2, 1]);
  expect(arange(3).expand([2, 3]).to(dtype).isContiguous).toBe(true);
  const later = arange(6)
    .slice([[2, null]])
    .to(dtype);
  expect(later.toArray()).toEqual([2, 3, 4, 5]);
});

describe('gradients', () => {
  const gradient = (values: number[]) => tensor(values, { dtype });

  test('flow through casts in both directions', () => {
    const master = tensor([1 + 2 ** -10, 3], { requiresGrad: true });
    const half = master.to(dtype);
    expect(half.toArray()).toEqual([1, 3]);
    half.to('float32').square().sum().backward();
    expect(master.grad!.dtype).toBe('float32');
    expect(master.grad!.toArray()).toEqual([2, 6]);
    const leaf = tensor([1, 2], { dtype, requiresGrad: true });
    leaf
      .to('float32')
      .mul(1 + 2 ** -9)
      .sum()
      .backward();
    expect([leaf.grad!.dtype, leaf.grad!.toArray()]).toEqual([dtype, [1, 1]]);
  });

  test('of several uses add up in float32, rounded once', () => {
    const leaf = tensor([1, 2], { dtype, requiresGrad: true });
    const y = leaf.reshape([1, 2]);
    add(y.to('float32').mul(256), y.to('float32').mul(3)).sum().backward();
    expect(leaf.grad!.toArray()).toEqual([260, 260]); // 259 is a tie
    leaf.to('float32').mul(3).sum().backward(); // onto what there is: 263 is a tie
    expect(leaf.grad!.toArray()).toEqual([264, 264]);
  });

  test('pass through views, and are summed over stretched dimensions', () => {
    const leaf = tensor([[1], [2]], { dtype, requiresGrad: true });
    const y = leaf.expand([2, 300]);
    y.backward(ones([2, 300], { dtype }));
    expect(leaf.grad!.toArray()).toEqual([[300], [300]]);
    leaf.zeroGrad();
    leaf
      .transpose()
      .slice([0, [1, 2]])
      .backward(gradient([5]));
    expect(leaf.grad!.toArray()).toEqual([[0], [5]]);
    leaf
      .transpose()
      .contiguous()
      .clone()
      .backward(gradient([1, 2]).reshape([1, 2]));
    expect(leaf.grad!.toArray()).toEqual([[1], [7]]);
  });
});

test('arithmetic says to convert; what would need it says so too', () => {
  const x = ones([2, 2], { dtype });
  const hint = "convert with to('float32')";
  expectError(() => x.add(x), 'ERR_DTYPE', hint);
  expectError(() => x.mul(2), 'ERR_DTYPE', hint);
  expectError(() => sum(x), 'ERR_DTYPE', hint);
  expectError(() => x.softmax(), 'ERR_DTYPE', hint);
  expect(x.add(ones([2])).dtype).toBe('float32'); // meets float32 at float32
  expect((x.add(ones([2])) as Tensor).toArray()).toEqual([
    [2, 2],
    [2, 2],
  ]);
  expectError(() => rand([2], { dtype }), 'ERR_DTYPE', '[rand]');
  expectError(() => new nn.Linear(1, 1, { dtype }), 'ERR_DTYPE', '[Linear]');
  // A parameter may be of it, for products; optimizers don't take it.
  expectError(() => new optim.SGD([new nn.Parameter(x)], { lr: 1 }), 'ERR_DTYPE', 'bfloat16');
  const leaf = ones([2], { dtype, requiresGrad: true });
  expectError(() => new optim.SGD([leaf], { lr: 1 }), 'ERR_DTYPE', "to('bfloat16')");
});
