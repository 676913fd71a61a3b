/** What is chosen, moved and converted by a level's own integer kernels: the same at every level. */
import * as tilegrad from 'tilegrad';
import { type DType, setSimdLevel, simdLevel, simdLevels, type Tensor, tensor } from 'tilegrad';
import { afterAll, describe, expect, test } from 'vitest';
import { generator } from '../../helpers/generator.js';

const atFirst = simdLevel();
afterAll(() => setSimdLevel(atFirst));

/** Around vectors, and the blocks of 64 and 256 that loops go by. */
const lengths = [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 257, 600];

const list = (n: number, f: (i: number) => number): number[] =>
  Array.from({ length: n }, (_, i) => f(i));

/** The numbers as a tensor that doesn't begin at a vector's boundary. */
const shifted = (numbers: readonly number[], dtype: DType): Tensor =>
  tensor([0, ...numbers], { dtype }).slice(['1:']);

describe.each(simdLevels())('%s', (level) => {
  const random = generator(9);
  const below = (n: number) => Math.floor(random() * n);

  test('places of hits, of any density and type', () => {
    setSimdLevel(level);
    for (const dtype of ['bool', 'uint8', 'float32', 'float64', 'float16'] as const) {
      for (const n of lengths) {
        for (const density of [0, 0.05, 0.5, 1]) {
          const bits = list(n, () => (random() < density ? (dtype === 'uint8' ? 128 : 1) : 0));
          const wanted = bits.flatMap((bit, i) => (bit ? [i] : []));
          const x = shifted(bits, dtype);
          expect(x.nonzero().reshape([-1]).toArray(), `${dtype} ${n}`).toEqual(wanted);
          if (dtype !== 'bool') continue;
          const numbers = tilegrad.arange(n);
          expect(numbers.maskedSelect(x).toArray()).toEqual(wanted);
          const put = numbers.maskedScatter(x, numbers.add(1000)).toArray();
          let next = 1000;
          expect(put).toEqual(bits.map((bit, i) => (bit ? next++ : i)));
        }
      }
    }
    // Several rows, of a mask that isn't contiguous.
    const mask = tensor(list(34 * 50, () => below(2)))
      .reshape([50, 34])
      .to('bool')
      .t();
    const wanted = mask.toArray() as boolean[][];
    const places = wanted.flatMap((row, i) => row.flatMap((bit, j) => (bit ? [[i, j]] : [])));
    expect(mask.nonzero().toArray()).toEqual(places);
  });

  test('selection', () => {
    setSimdLevel(level);
    const special = [0, -0, Number.NaN, Infinity, -Infinity, 1e-40, -3];
    for (const dtype of ['float32', 'float64', 'int32', 'int64', 'uint8'] as const) {
      const draws = [() => below(200), () => below(3)];
      if (dtype.startsWith('float')) draws.push(() => special[below(special.length)]!);
      for (const n of [...lengths.slice(1), 5000]) {
        for (const draw of draws) {
          const numbers = list(n, draw);
          const key = (a: number) => (Number.isNaN(a) ? Infinity : a);
          const order = numbers
            .map((_, i) => i)
            .sort((i, j) => {
              const nan = Number(Number.isNaN(numbers[i])) - Number(Number.isNaN(numbers[j]));
              return nan || (key(numbers[i]!) === key(numbers[j]!) ? 0 : numbers[i]! - numbers[j]!);
            });
          const x = shifted(numbers, dtype);
          for (const k of [1, Math.ceil(n / 2), n]) {
            expect(x.kthvalue(k).indices.item(), `${dtype} ${n} ${k}`).toBe(order[k - 1]);
          }
          const k = Math.min(n, 5);
          const first = x.topk(k, { largest: false }).indices.toArray();
          expect(first, `${dtype} ${n}`).toEqual(order.slice(0, k));
          if (dtype !== 'float32') continue;
          const nan = numbers.findIndex(Number.isNaN);
          const middle = nan < 0 ? order[(n - 1) >> 1] : nan;
          expect(tilegrad.median(x, { dim: 0 }).indices.item()).toBe(middle);
        }
      }
    }
  });

  test('common divisors', () => {
    setSimdLevel(level);
    const types = { int8: 8n, uint8: 8n, int32: 32n, int64: 64n } as const;
    const divisor = (a: bigint, b: bigint): bigint =>
      b === 0n ? (a < 0n ? -a : a) : divisor(b, a % b);
    for (const [dtype, bits] of Object.entries(types)) {
      const wrap = (v: bigint) =>
        dtype === 'uint8' ? BigInt.asUintN(8, v) : BigInt.asIntN(Number(bits), v);
      const ends = [
        0n,
        1n,
        -1n,
        2n,
        1n << (bits - 1n),
        (1n << (bits - 1n)) - 1n,
        3n << (bits - 3n),
      ];
      const draw = () => {
        if (random() < 0.3) return wrap(ends[below(ends.length)]!);
        const wide = BigInt(below(2 ** 32)) * 2n ** 32n + BigInt(below(2 ** 32));
        return wrap(wide >> BigInt(below(64)));
      };
      const of = (numbers: readonly bigint[]) =>
        tilegrad
          .stack(numbers.map((v) => tilegrad.full([], v, { dtype: 'int64' })))
          .to(dtype as DType);
      for (const n of [1, 15, 31, 32, 33, 64, 65, 130]) {
        const [a, b] = [0, 1].map(() => Array.from({ length: n }, draw)) as [bigint[], bigint[]];
        const wanted = a.map((v, i) => wrap(divisor(v, b[i]!)));
        expect(tilegrad.equal(of(a).gcd(of(b)), of(wanted)), `${dtype} ${n}`).toBe(true);
        const one = a.map((v) => wrap(divisor(v, b[0]!)));
        expect(tilegrad.equal(of(a).gcd(of(b).slice([':1'])), of(one)), `${dtype} ${n}`).toBe(true);
      }
    }
  });

  test('integers in other types', () => {
    setSimdLevel(level);
    const types = ['int8', 'uint8', 'int32', 'int64'] as const;
    const range = {
      int8: [-128, 127],
      uint8: [0, 255],
      int32: [-(2 ** 31), 2 ** 31 - 1],
      int64: [-(2 ** 52), 2 ** 52],
    };
    for (const from of types) {
      const [low, high] = range[from] as [number, number];
      for (const n of lengths) {
        const numbers = list(n, (i) =>
          i % 7 === 0 ? low : i % 5 === 0 ? high : low + below(high - low),
        );
        const x = shifted(numbers, from);
        expect(x.to('float32').toArray(), from).toEqual(numbers.map(Math.fround));
        expect(x.to('float64').toArray(), from).toEqual(numbers);
        const low32 = numbers.map((v) => Number(BigInt.asIntN(32, BigInt(v))));
        expect(x.to('int32').toArray(), from).toEqual(low32);
        expect(x.to('int64').to('float64').toArray(), from).toEqual(numbers);
        expect(x.to('uint8').toArray(), from).toEqual(low32.map((v) => v & 255));
      }
    }
  });

  test('where with operands that are one value for a row', () => {
    setSimdLevel(level);
    for (const dtype of ['float32', 'float64', 'uint8', 'bfloat16'] as const) {
      for (const n of [1, 15, 64, 511, 512, 513]) {
        const numbers = (first: number, count: number) =>
          tensor(list(count, (i) => first + (i % 50)));
        const a = numbers(1, 3 * n)
          .reshape([3, n])
          .to(dtype);
        const b = numbers(100, 3).reshape([3, 1]).to(dtype);
        const some = tensor(list(3 * n, () => below(2)))
          .reshape([3, n])
          .to('bool');
        const rows = tensor([[true], [false], [true]]);
        for (const [condition, x, y] of [
          [rows, a, b],
          [rows, b, a],
          [some, a, b],
          [some, b, a],
          [rows, b, b],
        ] as const) {
          const whole = (t: Tensor) => t.expand([3, n]).contiguous();
          const wanted = tilegrad.where(whole(condition), whole(x), whole(y));
          expect(whole(tilegrad.where(condition, x, y)).toArray()).toEqual(wanted.toArray());
        }
      }
    }
  });

  test('an index outside is found wherever it is', () => {
    setSimdLevel(level);
    const x = tilegrad.arange(10);
    for (const n of [1, 63, 64, 65, 255, 256, 257, 300]) {
      const inside = list(n, () => below(10));
      const read = (numbers: number[]) => x.gather(0, tensor(numbers, { dtype: 'int32' }));
      expect(read(inside).toArray()).toEqual(inside);
      for (const at of [0, n >> 1, n - 1]) {
        for (const wrong of [10, -1, 2 ** 31 - 1, -(2 ** 31)]) {
          const index = tensor(inside.with(at, wrong), { dtype: 'int32' });
          expect(() => x.gather(0, index), `${n} ${at}`).toThrow('outside');
          const table = tilegrad.zeros([n + 10]);
          expect(() => table.slice([':10']).scatterAdd(0, index, tilegrad.ones([n]))).toThrow(
            'outside',
          );
        }
      }
    }
  });
});

test('triangles of every size and diagonal', () => {
  for (const rows of [0, 1, 2, 5, 17, 40]) {
    for (const columns of [0, 1, 3, 16, 33]) {
      for (const diagonal of [-60, -41, -17, -3, -1, 0, 1, 2, 16, 34, 99]) {
        const pairs = list(rows * columns, (k) => k).map(
          (k) => [Math.floor(k / columns), k % columns] as const,
        );
        for (const [indices, isIn] of [
          [tilegrad.trilIndices, (d: number) => d <= diagonal],
          [tilegrad.triuIndices, (d: number) => d >= diagonal],
        ] as const) {
          const chosen = pairs.filter(([i, j]) => isIn(j - i));
          const found = indices(rows, columns, diagonal);
          const label = `${indices.name} ${rows} x ${columns}, ${diagonal}`;
          expect(found.toArray(), label).toEqual([
            chosen.map(([i]) => i),
            chosen.map(([, j]) => j),
          ]);
        }
      }
    }
  }
});
