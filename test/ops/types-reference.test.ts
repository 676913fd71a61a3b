/**
 * Integers, comparisons, choices and functions of three operands against plain TypeScript: at every
 * length around those of vectors and blocks, and however the operands lie in memory.
 */
import { type DType, full, type Tensor, tensor, where, zeros } from 'tilegrad';
import { record, replay } from 'tilegrad/native/commands.js';
import { withoutRecycling } from 'tilegrad/tensor/memory.js';
import { describe, expect, test } from 'vitest';
import { epsilon, smallestNormal } from '../golden.js';
import { expectError } from '../helpers/errors.js';

/** The kernels' vectors have up to 64 lanes, a scalar operand is written out 512 times. */
const lengths = [...Array(101).keys(), 127, 128, 129, 255, 256, 257, 511, 512, 513, 1023, 1025];

const bits = { int32: 32, int8: 8, uint8: 8 } as const;
type Integer = keyof typeof bits;
const integers = Object.keys(bits) as Integer[];

const arrays = {
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

/** Numbers that differ, with the ends of all ranges among them. */
function values(length: number, seed: number): number[] {
  const ends = [0, -1, 1, 127, -128, 128, 255, 2 ** 31 - 1, -(2 ** 31), 31, 32, 8, 7];
  return Array.from({ length }, (_, i) =>
    i % 3 === 0 ? ends[(i / 3 + seed) % ends.length]! : Math.imul(i + seed, 0x9e3779b1) >> (i % 27),
  );
}

/** A one-dimensional tensor with these elements, lying in memory in one of several ways. */
const layouts: Record<string, (data: readonly number[], dtype: DType) => Tensor> = {
  contiguous: (data, dtype) => tensor(data, { dtype }),
  misaligned: (data, dtype) => tensor([9, ...data], { dtype }).slice([[1]]),
  'every second': (data, dtype) =>
    tensor(
      data.flatMap((value) => [value, 5]),
      { dtype },
    ).slice([[0, null, 2]]),
  'a column': (data, dtype) =>
    tensor(
      data.map((value) => [7, value, 7]),
      { dtype },
    )
      .reshape([data.length, 3])
      .slice([null, 1]),
};

type Two = (a: number, b: number) => number;
const inRange = (bitCount: number, count: number) => count >= 0 && count < bitCount;

/** In numbers without limits; storing them in a typed array takes them modulo 2^bits. */
const binary: Record<string, (bitCount: number) => Two> = {
  add: () => (a, b) => a + b,
  sub: () => (a, b) => a - b,
  mul: () => Math.imul,
  maximum: () => Math.max,
  minimum: () => Math.min,
  bitwiseAnd: () => (a, b) => a & b,
  bitwiseOr: () => (a, b) => a | b,
  bitwiseXor: () => (a, b) => a ^ b,
  bitwiseLeftShift: (n) => (a, b) => (inRange(n, b) ? a * 2 ** b : 0),
  bitwiseRightShift: (n) => (a, b) => Math.floor(inRange(n, b) ? a / 2 ** b : Math.sign(a) / 2),
  floorDivide: () => (a, b) => (a - (((a % b) + b) % b)) / b,
  remainder: () => (a, b) => ((a % b) + b) % b,
};
const divisions = ['floorDivide', 'remainder'];
const comparisons: Record<string, (a: number, b: number) => boolean> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
};
const unary: Record<string, (a: number) => number> = {
  neg: (a) => -a,
  abs: Math.abs,
  sign: Math.sign,
  square: (a) => Math.imul(a, a),
  bitwiseNot: (a) => ~a,
};

type Methods = Record<string, (...others: unknown[]) => Tensor>;
const call = (x: Tensor, op: string, ...others: unknown[]): Tensor =>
  (x as unknown as Methods)[op]!(...others);

const elements = (x: Tensor): number[] => Array.from(x.contiguous().data);

describe.each(integers)('%s', (dtype) => {
  const stored = (list: readonly number[]) => Array.from(arrays[dtype].from(list));
  const left = (n: number) => stored(values(n, 1));
  const right = (n: number, op: string) => {
    const list = stored(values(n, 5));
    return divisions.includes(op) ? list.map((value) => value || 3) : list;
  };

  test.each(Object.entries(binary))('%s', (op, of) => {
    const f = of(bits[dtype]);
    for (const n of lengths) {
      const [a, b] = [left(n), right(n, op)];
      const [x, y] = [tensor(a, { dtype }), tensor(b, { dtype })];
      const divisor = b[1] ?? 3;
      const label = `${n} elements`;
      expect(elements(call(x, op, y)), label).toEqual(stored(a.map((v, i) => f(v, b[i]!))));
      expect(elements(call(x, op, divisor)), label).toEqual(stored(a.map((v) => f(v, divisor))));
      const number = full([], a[0] ?? 1, { dtype });
      expect(elements(call(number, op, y)), label).toEqual(stored(b.map((v) => f(a[0] ?? 1, v))));
    }
  });

  test.each(Object.entries(comparisons))('%s', (op, f) => {
    for (const n of lengths) {
      const [a, b] = [left(n), right(n, op)];
      const result = call(tensor(a, { dtype }), op, tensor(b, { dtype }));
      expect(elements(result), `${n} elements`).toEqual(a.map((v, i) => Number(f(v, b[i]!))));
      expect(elements(call(tensor(a, { dtype }), op, 7))).toEqual(a.map((v) => Number(f(v, 7))));
    }
  });

  test.each(Object.entries(unary))('%s', (op, f) => {
    for (const n of lengths) {
      const a = left(n);
      expect(elements(call(tensor(a, { dtype }), op))).toEqual(stored(a.map(f)));
    }
  });

  test('operands however they lie', () => {
    for (const n of [1, 5, 67, 130]) {
      const [a, b] = [left(n), right(n, 'floorDivide')];
      for (const layA of Object.values(layouts)) {
        for (const layB of Object.values(layouts)) {
          const [x, y] = [layA(a, dtype), layB(b, dtype)];
          for (const op of ['add', 'floorDivide', 'bitwiseRightShift']) {
            const f = binary[op]!(bits[dtype]);
            expect(elements(call(x, op, y))).toEqual(stored(a.map((v, i) => f(v, b[i]!))));
          }
          expect(elements(x.lt(y))).toEqual(a.map((v, i) => Number(v < b[i]!)));
          expect(elements(x.neg())).toEqual(stored(a.map((v) => -v)));
        }
      }
    }
  });

  test('matrices, transposed and broadcast', () => {
    const [rows, cols] = [37, 70];
    const [a, b] = [left(rows * cols), right(cols, '')];
    const x = tensor(a, { dtype }).reshape([cols, rows]).transpose();
    const y = tensor(b, { dtype });
    const wanted = Array.from({ length: rows * cols }, (_, i) => {
      const [r, c] = [Math.floor(i / cols), i % cols];
      return [a[c * rows + r]!, b[c]!] as const;
    });
    expect(elements(x.sub(y))).toEqual(stored(wanted.map(([p, q]) => p - q)));
    expect(elements(y.sub(x))).toEqual(stored(wanted.map(([p, q]) => q - p)));
    expect(elements(x.ge(y))).toEqual(wanted.map(([p, q]) => Number(p >= q)));
    expect(elements(x.clamp({ min: y, max: 100 }))).toEqual(
      stored(wanted.map(([p, q]) => Math.min(Math.max(p, q), 100))),
    );
  });
});

test('a divisor of 0 is an error wherever it stands, also in a recorded program', () => {
  const a = tensor(values(1000, 1), { dtype: 'int32' });
  for (const at of [0, 500, 999]) {
    const b = tensor(new Int32Array(1000).fill(3));
    b.data[at] = 0;
    expectError(() => a.floorDivide(b), 'ERR_ARGUMENT', '[floorDivide] division by zero');
    expectError(() => b.floorDivide(a.mul(0).add(b)), 'ERR_ARGUMENT', '[floorDivide]');
    expectError(() => a.remainder(b.expand([2, 1000])), 'ERR_ARGUMENT', '[remainder]');
  }
  const none = zeros([0], { dtype: 'int32' });
  expect(elements(none.floorDivide(0))).toEqual([]);
  const divisor = tensor(new Int32Array([2]));
  withoutRecycling(() => {
    const program = record(() => {
      tensor(new Int32Array([7])).floorDivide(divisor);
    });
    replay(program);
    divisor.data[0] = 0;
    expectError(() => replay(program), 'ERR_ARGUMENT', 'division by zero');
  });
});

test('bools are added and multiplied as truth values, and have no differences', () => {
  const [a, b] = [tensor([true, true, false, false]), tensor([true, false, true, false])];
  expect(a.add(b).toArray()).toEqual([true, true, true, false]);
  expect(a.mul(b).toArray()).toEqual([true, false, false, false]);
  expect(a.maximum(b).toArray()).toEqual([true, true, true, false]);
  expect(a.bitwiseXor(b).toArray()).toEqual([false, true, true, false]);
  expect(a.bitwiseNot().toArray()).toEqual([false, false, true, true]);
  expect(a.div(b).toArray()).toEqual([1, Infinity, 0, Number.NaN]);
  expectError(() => a.sub(b), 'ERR_DTYPE', '[sub] does not take bool');
});

test('logic takes anything', () => {
  const x = tensor([0, -0, 0.5, Number.NaN]);
  expect(x.logicalNot().toArray()).toEqual([true, true, false, false]);
  expect(x.logicalAnd(tensor(new Int8Array([1, 1, 1, 1]))).toArray()).toEqual(
    elements(x.ne(0)).map(Boolean),
  );
  expect(x.logicalOr(1).toArray()).toEqual([true, true, true, true]);
  expect(x.to('bfloat16').logicalXor(tensor(true)).toArray()).toEqual([true, true, false, false]);
  expect(x.to('bfloat16').logicalNot().toArray()).toEqual([true, true, false, false]);
});

describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
  const round = dtype === 'float32' ? Math.fround : (v: number) => v;
  const special = [0, -0, 1, -1, Number.NaN, Infinity, -Infinity, 0.1, 1e-40, 3e38];
  const list = (n: number, step: number) =>
    Array.from({ length: n }, (_, i) =>
      round(i % 4 === 0 ? special[(step * i) % special.length]! : ((step * i) % 17) - 8.3),
    );
  const mixed = Object.values(layouts);

  test('comparisons and questions', () => {
    for (const n of lengths) {
      const [a, b] = [list(n, 3), list(n, 5)];
      const lay = mixed[n % mixed.length]!;
      const [x, y] = [lay(a, dtype), lay(b, dtype)];
      for (const [op, f] of Object.entries(comparisons)) {
        expect(elements(call(x, op, y)), `${op} ${n}`).toEqual(
          a.map((v, i) => Number(f(v, b[i]!))),
        );
        expect(elements(call(x, op, -1))).toEqual(a.map((v) => Number(f(v, -1))));
      }
      expect(elements(x.isnan())).toEqual(a.map((v) => Number(Number.isNaN(v))));
      expect(elements(x.isfinite())).toEqual(a.map((v) => Number(Number.isFinite(v))));
      expect(elements(x.isinf())).toEqual(a.map((v) => Number(Math.abs(v) === Infinity)));
    }
  });

  test('functions of three operands', () => {
    const clampOf = (v: number, low: number, high: number) => Math.min(Math.max(v, low), high);
    for (const n of lengths) {
      const [a, b, c] = [list(n, 3), list(n, 5), list(n, 7)];
      const lay = mixed[n % mixed.length]!;
      const [x, y, z] = [lay(a, dtype), lay(b, dtype), mixed[0]!(c, dtype)];
      const value = round(0.3);
      const three = a.map((v, i) => [v, b[i]!, c[i]!] as const);
      expect(elements(x.addcmul(y, z, { value: 0.3 }))).toEqual(
        three.map(([p, q, r]) => round(p + round(round(value * q) * r))),
      );
      expect(elements(x.addcdiv(y, z, { value: 0.3 }))).toEqual(
        three.map(([p, q, r]) => round(p + round(round(value * q) / r))),
      );
      // Math.max and Math.min order zeros by sign, and the library keeps x.
      const plus = (v: number) => v + 0;
      expect(elements(x.clamp({ min: y, max: z })).map(plus)).toEqual(
        three.map(([p, q, r]) => plus(clampOf(p, q, r))),
      );
      expect(elements(x.clamp({ min: -1, max: 3 })).map(plus)).toEqual(
        a.map((v) => plus(clampOf(v, -1, 3))),
      );
      const weight = 0.75;
      const between = elements(x.lerp(y, weight));
      for (const [i, [p, q]] of three.entries()) {
        const wanted = q - round(q - p) * (1 - weight);
        if (Number.isFinite(wanted)) {
          const size = Math.abs(p) + Math.abs(q) + smallestNormal[dtype];
          expect(Math.abs(between[i]! - wanted)).toBeLessThanOrEqual(epsilon[dtype] * size);
        } else expect(between[i]).toBe(wanted);
      }
    }
  });

  test('both ends of lerp are exact', () => {
    const [a, b] = [tensor([1e20, 0.1, -3], { dtype }), tensor([0.1, 1e20, 7], { dtype })];
    expect(a.lerp(b, 0).toArray()).toEqual(a.toArray());
    expect(a.lerp(b, 1).toArray()).toEqual(b.toArray());
  });

  test('halfway, lerp begins at its second end, as in PyTorch', () => {
    // The difference is rounded to 2: from -1 half of it leads to 0.
    const last = dtype === 'float32' ? 2 ** -23 : 2 ** -52;
    const [a, b] = [full([33], -1, { dtype }), full([33], 1 + last, { dtype })];
    for (const weight of [0.5, full([33], 0.5, { dtype })]) {
      expect(a.lerp(b, weight).toArray()).toEqual(Array(33).fill(last));
    }
  });
});

test('where chooses among elements of every size, however they lie', () => {
  const dtypes: DType[] = [
    ...(['bool', 'int8', 'uint8', 'bfloat16', 'float16'] as const),
    ...(['int32', 'int64', 'float32', 'float64'] as const),
  ];
  for (const dtype of dtypes) {
    const isBool = dtype === 'bool';
    for (const n of lengths) {
      const choice = Array.from({ length: n }, (_, i) => Number((i * i) % 7 < 3));
      const [a, b] = [1, 2].map((k) =>
        Array.from({ length: n }, (_, i) => (isBool ? (i >> k) & 1 : (i * k) % 100)),
      ) as [number[], number[]];
      const [layA, layB, layC] = [0, 1, 2].map((k) => {
        const all = Object.values(layouts);
        return all[(n >> k) % all.length]!;
      });
      const [x, y, condition] = [layA!(a, dtype), layB!(b, dtype), layC!(choice, 'bool')];
      const numbers = (t: Tensor) => elements(t.to('float64'));
      expect(numbers(where(condition, x, y))).toEqual(a.map((v, i) => (choice[i] ? v : b[i])));
      if (isBool) continue;
      expect(numbers(where(condition, x, 3))).toEqual(a.map((v, i) => (choice[i] ? v : 3)));
      expect(numbers(where(condition, 3, y))).toEqual(b.map((v, i) => (choice[i] ? 3 : v)));
      const scalar = full([], 4, { dtype });
      expect(numbers(where(condition, scalar, 3))).toEqual(choice.map((v) => (v ? 4 : 3)));
      for (const one of [true, false]) {
        expect(numbers(where(tensor(one), x, y))).toEqual(one ? a : b);
        expect(numbers(where(tensor(one), x, scalar))).toEqual(one ? a : a.map(() => 4));
      }
    }
  }
});

test('shapes of all three operands broadcast', () => {
  const condition = tensor([[true], [false]]);
  const chosen = where(condition, tensor([1, 2, 3]), tensor(0));
  expect(chosen.toArray()).toEqual([
    [1, 2, 3],
    [0, 0, 0],
  ]);
  expect([...where(condition, zeros([0]), 1).shape]).toEqual([2, 0]);
});
