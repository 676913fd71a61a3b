/** float16: conversions of all its numbers beside the definition and PyTorch, and what takes it. */
import {
  type DType,
  fromTypedArray,
  nn,
  ones,
  setSimdLevel,
  simdLevel,
  simdLevels,
  type Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { parseSafetensors, serializeSafetensors } from 'tilegrad/io/safetensors.js';
import { fromFloat16, toFloat16 } from 'tilegrad/tensor/float16.js';
import { afterAll, describe, expect, test } from 'vitest';
import { Fixture } from '../golden.js';
import { expectError } from '../helpers/errors.js';

const level = simdLevel();
afterAll(() => setSimdLevel(level));

const dtype = 'float16';
const all = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);

/** What IEEE 754 says that the bits mean. */
function meaning(pattern: number): number {
  const text = pattern.toString(2).padStart(16, '0');
  const sign = text[0] === '1' ? -1 : 1;
  const exponent = Number.parseInt(text.slice(1, 6), 2);
  const fraction = Number.parseInt(text.slice(6), 2) / 1024;
  if (exponent === 31) return fraction === 0 ? sign / 0 : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15));
}

const bitsOf = (t: Tensor): Uint16Array => {
  const { buffer, byteOffset, length } = t.contiguous().elements;
  return new Uint16Array(buffer, byteOffset, length);
};
/** float32 numbers by their bits. */
const singles = (bits: ArrayLike<number>) => new Float32Array(Uint32Array.from(bits).buffer);
const isNan = (pattern: number) => (pattern & 0x7fff) > 0x7c00;

const { content } = new Fixture<{ halves: { float32: number[]; float16: (number | 'NaN')[] }[] }>(
  'dtypes',
);

describe.each(simdLevels())('%s', (name) => {
  test('all numbers mean what IEEE 754 says, and come back', () => {
    setSimdLevel(name);
    const x = fromTypedArray(all, [2 ** 16], { dtype });
    const wanted = Array.from(all, meaning);
    expect(Array.from(x.to('float32').data)).toEqual(wanted);
    expect(Array.from(x.to('float64').data)).toEqual(wanted);
    // A NaN comes back quiet, with its sign and payload.
    const back = Array.from(all, (pattern) => (isNan(pattern) ? pattern | 0x200 : pattern));
    expect(Array.from(bitsOf(x.to('float32').to(dtype)))).toEqual(back);
    expect(Array.from(bitsOf(x.to('bfloat16').to('float32').to(dtype))).length).toBe(2 ** 16);
  });

  test('payloads of NaN are the same at every level', () => {
    setSimdLevel(name);
    const bits = [0x7f800001, 0x7fc02000, 0xffffffff, 0x7f802000, 0xff9fe000];
    const many = singles(Array.from({ length: 40 }, (_, i) => bits[i % 5]!));
    const wanted = [0x7e00, 0x7e01, 0xffff, 0x7e01, 0xfeff];
    const got = bitsOf(tensor(many).to(dtype));
    expect(Array.from(got)).toEqual(Array.from({ length: 40 }, (_, i) => wanted[i % 5]));
    const wide = fromTypedArray(Uint16Array.of(0x7c01, 0xfdff), [2], { dtype }).to('float32');
    expect([...new Uint32Array(wide.data.slice().buffer)]).toEqual([0x7fc02000, 0xffffe000]);
  });

  test('float32 rounds as in PyTorch: ties, denormals, overflow', () => {
    setSimdLevel(name);
    for (const { float32, float16 } of content.halves) {
      const got = bitsOf(tensor(singles(float32)).to(dtype));
      for (const [i, want] of float16.entries()) {
        if (want === 'NaN') expect(isNan(got[i]!)).toBe(true);
        else expect(got[i], `${float32[i]}`).toBe(want & 0xffff);
      }
    }
  });

  test('every tie goes to even, and its neighbours to the nearer one', () => {
    setSimdLevel(name);
    const finite = 0x7c00;
    const ties = Array.from({ length: finite }, (_, i) => {
      const above = i + 1 === finite ? 65536 : meaning(i + 1);
      return (meaning(i) + above) / 2;
    });
    const around = (step: number) => {
      const bits = new Uint32Array(Float32Array.from(ties).buffer);
      return bitsOf(tensor(singles(bits.map((b) => b + step))).to(dtype));
    };
    const [below, tie, above] = [around(-1), around(0), around(1)];
    const wrong = ties.flatMap((_, i) => {
      const even = i % 2 === 0 ? i : i + 1;
      const [low, mid, high] = [below[i], tie[i], above[i]];
      // Below the smallest tie of all there are only zeros.
      return low === i && mid === even && high === i + 1 ? [] : [[i, low, mid, high]];
    });
    expect(wrong).toEqual([]);
  });

  test('at every length, however it lies', () => {
    setSimdLevel(name);
    for (let n = 0; n <= 100; n++) {
      const list = Array.from({ length: n }, (_, i) => ((i * 37) % 101) / 8 - 6);
      const x = tensor(list).to(dtype);
      expect(x.toArray()).toEqual(list);
      expect(
        tensor([9, ...list])
          .slice([[1]])
          .to(dtype)
          .to('float64')
          .toArray(),
      ).toEqual(list);
      const twice = tensor(list.flatMap((v) => [v, 99])).to(dtype);
      const every = twice.slice([[0, null, 2]]);
      expect(every.to('float32').toArray()).toEqual(list);
      expect(every.to('int32').toArray()).toEqual(list.map((v) => Math.trunc(v) + 0));
    }
    const wide = tensor(
      Array.from({ length: 1000 }, (_, i) => i),
      { dtype: 'int64' },
    );
    expect(wide.to(dtype).to('int64').toArray()).toEqual(wide.toArray());
  });
});

test('single numbers convert as tensors do', () => {
  // One comparison for all: 100,000 assertions take an emulator 17 seconds.
  const wrong = all.filter((pattern) => {
    const number = fromFloat16(pattern);
    return (
      !Object.is(number, meaning(pattern)) || (!isNan(pattern) && toFloat16(number) !== pattern)
    );
  });
  expect([...wrong]).toEqual([]);
  for (const { float32, float16 } of content.halves) {
    for (const [i, number] of singles(float32).entries()) {
      const want = float16[i]!;
      if (want === 'NaN') expect(isNan(toFloat16(number))).toBe(true);
      else expect(toFloat16(number)).toBe(want & 0xffff);
    }
  }
});

describe('making and reading', () => {
  const list = [1.5, -0, 65504, 70000, 2 ** -24, 2 ** -26];
  const rounded = [1.5, -0, 65504, Infinity, 2 ** -24, 0];

  test('numbers', () => {
    const x = tensor(list, { dtype });
    expect(x.toArray()).toEqual(rounded);
    expect(x.slice([0]).item()).toBe(1.5);
    expect(`${tensor([1.5, -2], { dtype })}`).toBe(
      'Tensor([ 1.5000, -2.0000], shape=[2], float16)',
    );
    expect(zeros([2], { dtype }).toArray()).toEqual([0, 0]);
    expect(ones([2], { dtype }).toArray()).toEqual([1, 1]);
    expect(tensor([1n, 2n], { dtype }).toArray()).toEqual([1, 2]);
  });

  test('arrays of bits, and Float16Array where Node has it', () => {
    const bits = Uint16Array.of(0x3c00, 0xc000);
    const x = fromTypedArray(bits, [2], { dtype });
    bits[0] = 0x4000;
    expect(x.toArray()).toEqual([2, -2]);
    if ('Float16Array' in globalThis) {
      expect(Array.from(x.data)).toEqual([2, -2]);
      return;
    }
    expect(x.data).toEqual(bits);
    // One of our own in its place: as far as memory goes it is the same.
    class Float16Array extends Uint16Array {}
    Object.assign(globalThis, { Float16Array });
    try {
      expect(x.data).toBeInstanceOf(Float16Array);
      expect(x.data.buffer).toBe(bits.buffer);
      const own = new Float16Array([0x3c00]);
      expect(fromTypedArray(own).dtype).toBe(dtype);
      expect(fromTypedArray(own).item()).toBe(1);
    } finally {
      Reflect.deleteProperty(globalThis, 'Float16Array');
    }
  });

  test('files', () => {
    const data = Int16Array.of(0x3c00, -0x8000, 0x7e01);
    const file = Buffer.concat(serializeSafetensors(new Map([['w', { dtype, shape: [3], data }]])));
    expect(parseSafetensors(file).tensors.get('w')?.data).toEqual(data);
    expect(file.toString('latin1')).toContain('"F16"');
  });
});

test('it compares, sorts, gathers and counts, and computes nothing', () => {
  const x = tensor([3, -0, Number.NaN, -1, 0], { dtype });
  expect(x.sort().values.toArray()).toEqual([-1, -0, 0, 3, Number.NaN]);
  expect(x.argmax().item()).toBe(2);
  expect([
    x
      .slice([[3]])
      .amax()
      .item(),
    x.slice([[3]]).amax().dtype,
  ]).toEqual([0, dtype]);
  expect(x.countNonzero().item()).toBe(3);
  expect(x.nonzero().toArray()).toEqual([[0], [2], [3]]);
  expect(x.unique().values.toArray()).toEqual([-1, -0, 3, Number.NaN]);
  expect(x.logicalNot().toArray()).toEqual([false, true, false, false, true]);
  expect(x.maskedFill(x.to('bool'), 0.1).to('float32').slice([0]).item()).toBe(0.0999755859375);
  for (const f of [() => x.add(x), () => x.exp(), () => x.sum(), () => x.add(1), () => x.eq(1)]) {
    expectError(f, 'ERR_DTYPE', "convert with to('float32')");
  }
  expectError(() => x.matmul(x), 'ERR_DTYPE', '[matmul] does not compute in float16; convert');
  const layer = new nn.Linear(5, 2);
  expectError(() => layer.forward(x.reshape([1, 5])), 'ERR_DTYPE', "convert with to('float32')");
  expect(x.add(tensor(1)).dtype).toBe('float32');
});

test('gradients come back in float16, added in float32', () => {
  const w = tensor([1, 2, 3], { dtype, requiresGrad: true });
  const y = w
    .to('float32')
    .mul(tensor([2049, 1, 0.5]))
    .sum();
  y.add(w.to('float32').sum()).backward();
  expect(w.grad?.dtype).toBe(dtype);
  expect(w.grad?.toArray()).toEqual([2048, 2, 1.5]); // 2049 was rounded before 1 was added
  w.zeroGrad();
  w.indexSelect(0, [0, 0, 2]).to('float32').sum().backward();
  expect(w.grad?.toArray()).toEqual([2, 0, 1]);
  w.zeroGrad();
  w.expand([4, 3]).to('float32').sum().backward();
  w.to('float64').sum().backward();
  expect(w.grad?.toArray()).toEqual([5, 5, 5]);
  const types: DType[] = ['float16'];
  expect(types.map((type) => zeros([1], { dtype: type, requiresGrad: true }).requiresGrad)).toEqual(
    [true],
  );
});
