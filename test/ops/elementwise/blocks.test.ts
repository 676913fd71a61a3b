/**
 * Rows that are made of kernels a block at a time, and others that look at operands in blocks: around the
 * blocks' lengths, with operands that are one value, against plain code.
 */
import {
  Generator,
  indexCopy,
  indexFill,
  isclose,
  logicalAnd,
  logicalOr,
  logicalXor,
  randint,
  randn,
  type Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { setNumThreads, setSimdLevel } from 'tilegrad/native/settings.js';
import { describe, expect, test } from 'vitest';
import { restoreSettings, settings } from '../../helpers/settings.js';

restoreSettings();

const generator = new Generator(21);
const lengths = [0, 1, 15, 16, 17, 511, 512, 513, 1025];
const special = [Number.NaN, Infinity, -Infinity, 0, -0, 1e-40, 1, 1 + 2 ** -20];
const list = (x: Tensor) => (x.flatten().toArray() as (number | bigint | boolean)[]).map(Number);

/** Ordinary numbers with special ones among them. */
function mixed(n: number, dtype: 'float32' | 'float64'): Tensor {
  const x = randn([n], { dtype, generator });
  const data = x.data as Float64Array;
  for (let i = 0; i < n; i += 3) data[i] = special[(i * 7) % special.length] as number;
  return x;
}

function eachSetting(f: (setting: string) => void): void {
  for (const [level, threads] of settings) {
    setSimdLevel(level);
    setNumThreads(threads);
    f(`${level} ${threads}`);
  }
}

describe.each(['float32', 'float64'] as const)('isclose of %s', (dtype) => {
  const round = dtype === 'float32' ? Math.fround : Number;
  const close = (a: number, b: number, rtol: number, atol: number, equalNan: boolean) => {
    if (equalNan && Number.isNaN(a) && Number.isNaN(b)) return 1;
    const distance = Math.abs(round(a - b));
    const allowed = round(round(Math.abs(b) * round(rtol)) + round(atol));
    return Number(a === b || (Number.isFinite(distance) && distance <= allowed));
  };

  test.each([
    [0.3, 0.01, false],
    [1e-5, 1e-8, true],
    [0, 0, true],
  ] as const)('rtol %d, atol %d, equalNan %s', (rtol, atol, equalNan) => {
    for (const n of lengths) {
      const a = mixed(n, dtype);
      const b = a.mul(1 + 2e-6);
      const one = tensor([Number.NaN, Infinity, 0.5][n % 3] as number, { dtype });
      const column = mixed(3, dtype).reshape([3, 1]);
      const pairs: [Tensor, Tensor][] = [
        ...([
          [a, b],
          [a, one],
          [one, a],
          [one, one],
          [a, column],
          [column, a],
        ] as [Tensor, Tensor][]),
      ];
      for (const [x, y] of pairs) {
        const shape = x.add(y).shape;
        const [left, right] = [list(x.expand(shape)), list(y.expand(shape))];
        const expected = left.map((v, i) => close(v, right[i] as number, rtol, atol, equalNan));
        eachSetting((setting) => {
          const result = isclose(x, y, { rtol, atol, equalNan });
          expect(result.dtype).toBe('bool');
          expect(list(result), `${setting} ${n}`).toEqual(expected);
        });
      }
    }
  });
});

describe.each(['float32', 'float64', 'int8', 'uint8', 'int32', 'int64'] as const)(
  'logic of %s',
  (dtype) => {
    test('operands of one dtype become truth values on their way', () => {
      const some = (...shape: number[]) => {
        const x = randint(0, 3, shape, { generator }).to(dtype);
        if (dtype.startsWith('float')) {
          const data = x.data as Float64Array;
          for (let i = 0; i < data.length; i += 5) data[i] = special[i % special.length] as number;
        }
        return x;
      };
      for (const n of lengths) {
        const x = some(n);
        for (const y of [some(n), some(1).reshape([]), some(3, 1), some(n, 2).transpose(0, 1)]) {
          const shape = x.add(y).shape;
          const [left, right] = [list(x.expand(shape)), list(y.expand(shape))];
          for (const [fn, of] of [
            [logicalAnd, (p: boolean, q: boolean) => p && q],
            [logicalOr, (p: boolean, q: boolean) => p || q],
            [logicalXor, (p: boolean, q: boolean) => p !== q],
          ] as const) {
            const expected = left.map((v, i) => Number(of(v !== 0, right[i] !== 0)));
            const turned = left.map((v, i) => Number(of(right[i] !== 0, v !== 0)));
            eachSetting((setting) => {
              expect(fn(x, y).dtype).toBe('bool');
              expect(list(fn(x, y)), `${setting} ${n}`).toEqual(expected);
              expect(list(fn(y, x)), `${setting} ${n}`).toEqual(turned);
            });
          }
        }
      }
    });
  },
);

test.each(['int8', 'uint8', 'int32', 'int64'] as const)(
  'a zero among divisors of %s is found wherever it is',
  (dtype) => {
    for (const n of [1, 7, 8, 15, 16, 17, 63, 64, 65, 130]) {
      const a = randint(0, 100, [n], { generator }).to(dtype);
      for (let at = 0; at < n; at++) {
        const b = randint(1, 100, [n], { generator }).to(dtype);
        expect(() => a.floorDivide(b)).not.toThrow();
        const divisors = b.where(tensor(Array.from({ length: n }, (_, i) => i !== at)), 0);
        expect(() => a.floorDivide(divisors), `${n} ${at}`).toThrow('division by zero');
        expect(() => a.remainder(divisors), `${n} ${at}`).toThrow('division by zero');
      }
    }
  },
);

test.each(['float32', 'float64', 'int8', 'int64', 'bool', 'float16'] as const)(
  'long runs of one value in %s, and nothing beside them',
  (dtype) => {
    for (const n of [63, 64, 130, 255, 256, 257, 600]) {
      const x = randint(0, 2, [5, n], { generator }).to(dtype);
      const rows = x.toArray() as unknown[][];
      const filled = indexFill(x, 0, [3, 0], 1).toArray() as unknown[][];
      for (const [i, row] of rows.entries()) {
        const expected = i === 0 || i === 3 ? row.map(() => 1) : row.map(Number);
        expect(filled[i]?.map(Number), `${n} ${i}`).toEqual(expected);
      }
    }
  },
);

test.each(['float32', 'float64', 'int8', 'int64', 'bool', 'float16'] as const)(
  'long runs of %s that lie apart where they come from',
  (dtype) => {
    for (const n of [63, 255, 256, 257, 600]) {
      const source = randint(0, 2, [2 * n, 2], { generator }).to(dtype);
      const wanted = source.toArray() as unknown[][];
      // Columns, and every second element: values 2 and 4 elements from one another.
      for (const [step, from] of [
        [1, source.slice([`0:${n}`]).transpose(0, 1)],
        [2, source.slice(['0::2']).transpose(0, 1)],
      ] as const) {
        const copied = indexCopy(
          zeros([5, n], { dtype }),
          0,
          [3, 0],
          from,
        ).toArray() as unknown[][];
        for (const [i, row] of copied.entries()) {
          const column = i === 3 ? 0 : 1;
          const expected = row.map((_, j) =>
            i === 3 || i === 0 ? Number(wanted[step * j]?.[column]) : 0,
          );
          expect(row.map(Number), `${n} ${step} ${i}`).toEqual(expected);
        }
      }
    }
  },
);

test('float64 and float32 of each other, at every level', () => {
  for (const n of lengths) {
    const wide = mixed(n, 'float64');
    const data = wide.data as Float64Array;
    for (let i = 1; i < n; i += 4) data[i] = [1e300, -1e-310, 1e-46, 2 ** 128][i % 4] as number;
    const narrow = list(wide).map(Math.fround);
    eachSetting((setting) => {
      const rounded = wide.to('float32');
      expect(list(rounded), `${setting} ${n}`).toEqual(narrow);
      expect(list(rounded.to('float64'))).toEqual(narrow);
    });
  }
});
