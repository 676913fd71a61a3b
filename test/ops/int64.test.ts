/**
 * 64-bit integers against bigints: at every length around those of vectors and blocks, however the
 * operands lie in memory, at every level; and where other operations meet them.
 */
import * as tilegrad from 'tilegrad';
import {
  crossEntropy,
  type DType,
  full,
  getNumThreads,
  setNumThreads,
  setSimdLevel,
  simdLevel,
  simdLevels,
  type Tensor,
  tensor,
  where,
  zeros,
} from 'tilegrad';
import { isRecording, record, replay } from 'tilegrad/native/commands.js';
import { withoutRecycling } from 'tilegrad/tensor/memory.js';
import { afterAll, describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

const [level, threads] = [simdLevel(), getNumThreads()];
afterAll(() => {
  setSimdLevel(level);
  setNumThreads(threads);
});

const lengths = [...Array(101).keys(), 127, 128, 129, 255, 256, 257, 511, 512, 513, 1023, 1025];
const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;
const wrap = (value: bigint) => BigInt.asIntN(64, value);

/** Numbers of all sizes, the ends of the range among them. */
function values(length: number, seed: number): bigint[] {
  const ends = [0n, -1n, 1n, MOST, LEAST, 63n, 64n, 2n ** 53n + 1n, -(2n ** 31n), 7n];
  return Array.from({ length }, (_, i) =>
    i % 3 === 0
      ? ends[(i / 3 + seed) % ends.length]!
      : wrap(BigInt(i + seed) * 0x9e3779b97f4a7c15n) >> BigInt(i % 61),
  );
}

const int64 = (list: readonly bigint[]): Tensor => tensor(BigInt64Array.from(list));
const exactly = (t: Tensor): (bigint | number)[] =>
  Array.from<bigint | number>(t.contiguous().elements);

/** A one-dimensional tensor with these elements, lying in memory in one of several ways. */
const layouts: Record<string, (list: readonly bigint[]) => Tensor> = {
  contiguous: int64,
  misaligned: (list) => int64([9n, ...list]).slice([[1]]),
  'every second': (list) => int64(list.flatMap((value) => [value, 5n])).slice([[0, null, 2]]),
  'a column': (list) =>
    int64(list.flatMap((value) => [7n, value, 7n]))
      .reshape([list.length, 3])
      .slice([null, 1]),
};

type Two = (a: bigint, b: bigint) => bigint;
const inRange = (count: bigint) => count >= 0n && count < 64n;
const floored: Two = (a, b) => (a - (((a % b) + b) % b)) / b;

// Math.max takes no bigints.
const larger: Two = (a, b) => [b, a][Number(a > b)]!;
const smaller: Two = (a, b) => [a, b][Number(a > b)]!;

const binary: Record<string, Two> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  maximum: larger,
  minimum: smaller,
  bitwiseAnd: (a, b) => a & b,
  bitwiseOr: (a, b) => a | b,
  bitwiseXor: (a, b) => a ^ b,
  bitwiseLeftShift: (a, b) => (inRange(b) ? a << b : 0n),
  bitwiseRightShift: (a, b) => a >> (inRange(b) ? b : 63n),
  floorDivide: floored,
  remainder: (a, b) => ((a % b) + b) % b,
};
const comparisons: Record<string, (a: bigint, b: bigint) => boolean> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
};
const unary: Record<string, (a: bigint) => bigint> = {
  neg: (a) => -a,
  abs: (a) => (a < 0n ? -a : a),
  sign: (a) => (a > 0n ? 1n : a < 0n ? -1n : 0n),
  square: (a) => a * a,
  bitwiseNot: (a) => ~a,
};

type Methods = Record<string, (...others: unknown[]) => Tensor>;
const call = (x: Tensor, op: string, ...others: unknown[]): Tensor =>
  (x as unknown as Methods)[op]!(...others);
const sum = (list: readonly bigint[]) => list.reduce((a, b) => a + b, 0n);
const product = (list: readonly bigint[]) => list.reduce((a, b) => wrap(a * b), 1n);
const most = (list: readonly bigint[]) => list.reduce(larger);
const least = (list: readonly bigint[]) => list.reduce(smaller);

describe.each(simdLevels())('%s', (name) => {
  const divisor = (op: string) => (op === 'floorDivide' || op === 'remainder' ? 3n : null);

  test.each(Object.entries(binary))('%s', (op, f) => {
    setSimdLevel(name);
    for (const n of lengths) {
      const a = values(n, 1);
      const b = values(n, 5).map((value) => value || (divisor(op) ?? value));
      const label = `${n} elements`;
      const pairs = a.map((v, i) => wrap(f(v, b[i]!)));
      expect(exactly(call(int64(a), op, int64(b))), label).toEqual(pairs);
      // All 64 bits of a number as an operand survive, on either side.
      const one = b[1] ?? MOST;
      const right = a.map((v) => wrap(f(v, one)));
      expect(exactly(call(int64(a), op, one)), label).toEqual(right);
      const left = b.map((v) => wrap(f(MOST, v)));
      expect(exactly(call(full([], MOST), op, int64(b))), label).toEqual(left);
    }
  });

  test.each(Object.entries(comparisons))('%s', (op, f) => {
    setSimdLevel(name);
    for (const n of lengths) {
      const [a, b] = [values(n, 1), values(n, 2)];
      const pairs = a.map((v, i) => Number(f(v, b[i]!)));
      expect(exactly(call(int64(a), op, int64(b))), `${n} elements`).toEqual(pairs);
      for (const number of [MOST, 2n ** 53n + 1n]) {
        const one = a.map((v) => Number(f(v, number)));
        expect(exactly(call(int64(a), op, number)), `${n} elements`).toEqual(one);
      }
    }
  });

  test.each(Object.entries(unary))('%s', (op, f) => {
    setSimdLevel(name);
    for (const n of lengths) {
      const a = values(n, 1);
      expect(exactly(call(int64(a), op))).toEqual(a.map((v) => wrap(f(v))));
    }
  });

  test('reductions and scans', () => {
    setSimdLevel(name);
    for (const n of lengths.slice(1)) {
      const a = values(n, 3);
      for (const lay of Object.values(layouts)) {
        const x = lay(a);
        const results = [x.sum(), x.prod(), x.amax(), x.amin()].flatMap(exactly);
        expect(results).toEqual([wrap(sum(a)), product(a), most(a), least(a)]);
        const [top, low] = [a.indexOf(most(a)), a.indexOf(least(a))];
        expect([x.argmax().item(), x.argmin().item()]).toEqual([top, low]);
      }
      const running = a.map((_, i) => a.slice(0, i + 1));
      expect(exactly(int64(a).cumsum(0))).toEqual(running.map((list) => wrap(sum(list))));
      if (n > 70) continue;
      expect(exactly(int64(a).cumprod(0))).toEqual(running.map(product));
      expect(exactly(int64(a).cummax(0).values)).toEqual(running.map(most));
    }
  });

  test('operands however they lie', () => {
    setSimdLevel(name);
    for (const n of [1, 5, 67, 130]) {
      const [a, b] = [values(n, 1), values(n, 5).map((value) => value || 3n)];
      for (const layA of Object.values(layouts)) {
        for (const layB of Object.values(layouts)) {
          const [x, y] = [layA(a), layB(b)];
          for (const op of ['add', 'mul', 'floorDivide', 'bitwiseRightShift']) {
            const wanted = a.map((v, i) => wrap(binary[op]!(v, b[i]!)));
            expect(exactly(call(x, op, y))).toEqual(wanted);
          }
          expect(exactly(x.lt(y))).toEqual(a.map((v, i) => Number(v < b[i]!)));
        }
      }
    }
  });
});

test('reductions along dimensions, and with several threads', () => {
  const [rows, cols] = [37, 70];
  const a = values(rows * cols, 1);
  const x = int64(a).reshape([rows, cols]);
  const column = (j: number) => Array.from({ length: rows }, (_, i) => a[i * cols + j]!);
  const columns = Array.from({ length: cols }, (_, j) => column(j));
  expect(exactly(x.sum({ dim: 0 }))).toEqual(columns.map((list) => wrap(sum(list))));
  expect(exactly(x.transpose().prod({ dim: 1 }))).toEqual(columns.map(product));
  const { values: best, indices } = x.max({ dim: 0 });
  expect(exactly(best)).toEqual(columns.map(most));
  expect(exactly(indices)).toEqual(columns.map((list) => list.indexOf(most(list))));
  expect([...x.argmin({ dim: 1, keepDim: true }).shape]).toEqual([rows, 1]);
  const many = values(300_007, 2);
  for (const count of [1, 2, 3]) {
    setNumThreads(count);
    const big = int64(many);
    expect([big.sum(), big.prod(), big.amax()].flatMap(exactly)).toEqual([
      ...[wrap(sum(many)), product(many), most(many)],
    ]);
    expect(big.argmin().item()).toBe(many.indexOf(least(many)));
  }
  setNumThreads(threads);
});

test('sums and products of other integers and bools are int64', () => {
  for (const dtype of ['int32', 'int8', 'uint8', 'bool'] as const) {
    const x = tensor([1, 0, 1, 1], { dtype });
    for (const y of [x.sum(), x.prod(), x.cumsum(0), x.cumprod(0), x.nansum()]) {
      expect(y.dtype).toBe('int64');
    }
    expect(x.cumsum(0).toArray()).toEqual([1, 1, 2, 3]);
  }
  expect(
    full([3], 2 ** 31 - 1, { dtype: 'int32' })
      .sum()
      .item(),
  ).toBe(3 * (2 ** 31 - 1));
});

test('sort, unique and topk tell neighbours beyond the safe integers', () => {
  const list = [2n ** 53n + 1n, 2n ** 53n, MOST, LEAST, 2n ** 53n + 1n, -1n];
  const x = int64(list);
  const ascending = [LEAST, -1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 53n + 1n, MOST];
  expect(exactly(x.sort().values)).toEqual(ascending);
  expect(x.argsort().toArray()).toEqual([3, 5, 1, 0, 4, 2]);
  expect(exactly(x.topk(2).values)).toEqual([MOST, 2n ** 53n + 1n]);
  expect(exactly(x.unique().values)).toEqual([...new Set(ascending)]);
});

describe('making and reading', () => {
  test('from bigints, numbers and arrays', () => {
    expect([tensor([1n, 2n]).dtype, tensor(1n).dtype, full([1], 3n).dtype]).toEqual([
      ...['int64', 'int64', 'int64'],
    ]);
    expect(
      exactly(
        tensor(
          [
            [MOST, 1],
            [LEAST, -2.5],
          ],
          { dtype: 'int64' },
        ),
      ),
    ).toEqual([...[MOST, 1n, LEAST, -2n]]);
    expect(exactly(tensor([2n ** 70n, -(2n ** 70n)]))).toEqual([MOST, LEAST]);
    expect(exactly(tensor([true, false], { dtype: 'int64' }))).toEqual([1n, 0n]);
    expect(tensor([2n ** 60n, 3n], { dtype: 'float64' }).toArray()).toEqual([2 ** 60, 3]);
    expect(tensor([257n, -1n], { dtype: 'uint8' }).toArray()).toEqual([255, 0]);
    expect(exactly(full([2, 2], MOST))).toEqual([MOST, MOST, MOST, MOST]);
    expect(full([2], 5n, { dtype: 'int8' }).toArray()).toEqual([5, 5]);
    expect(tilegrad.eye(2, { dtype: 'int64' }).toArray()).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(tilegrad.arange(0, 10, 3, { dtype: 'int64' }).toArray()).toEqual([0, 3, 6, 9]);
    expect(tilegrad.randint(-5, 5, [100], { dtype: 'int64' }).amax().item()).toBeLessThan(5);
    const array = BigInt64Array.of(1n, MOST);
    const shared = tilegrad.fromTypedArray(array);
    array[0] = 7n;
    expect([shared.dtype, ...exactly(shared)]).toEqual(['int64', 7n, MOST]);
    expect(shared.data as unknown).toEqual(array);
    expectError(
      () => tensor([2 ** 53], { dtype: 'int64' }),
      'ERR_ARGUMENT',
      'write it as a bigint',
    );
    expectError(() => full([1], 1e300, { dtype: 'int64' }), 'ERR_ARGUMENT', 'write it as a bigint');
  });

  test('as numbers only when they are safe integers', () => {
    expect(tensor(BigInt64Array.of(-(2n ** 53n) + 1n)).item()).toBe(-(2 ** 53) + 1);
    expect(tensor([[1n], [2n]]).toArray()).toEqual([[1], [2]]);
    for (const read of [(t: Tensor) => t.item(), (t: Tensor) => t.toArray()]) {
      expectError(() => read(tensor([2n ** 53n])), 'ERR_STATE', 'read .data');
      expectError(() => read(tensor([LEAST])), 'ERR_STATE', `${LEAST}`);
    }
  });

  test('printed with all digits', () => {
    expect(`${tensor([MOST, -1n])}`).toBe(
      `Tensor([${MOST},                  -1], shape=[2], int64)`,
    );
    expect(`${tensor(LEAST)}`).toBe(`Tensor(${LEAST}, shape=[], int64)`);
  });
});

describe('conversions', () => {
  test('floats are cut and those outside become the nearer end', () => {
    const ends = [2 ** 63, -(2 ** 63), 1e300, -Infinity, Infinity, Number.NaN, -1.9];
    const wanted = [MOST, LEAST, MOST, LEAST, MOST, 0n, -1n];
    for (const x of [tensor(ends, { dtype: 'float64' }), tensor(ends)]) {
      expect(exactly(x.to('int64'))).toEqual(wanted);
    }
    expect(exactly(tensor(new Float64Array(ends), { dtype: 'int64' }))).toEqual(wanted);
    const below = tensor([2 ** 63 - 1024], { dtype: 'float64' }).to('int64');
    expect(exactly(below)).toEqual([2n ** 63n - 1024n]);
  });

  test('other integers are taken modulo 2^bits', () => {
    const list = values(100, 4);
    const x = int64(list);
    expect(exactly(x.to('int32'))).toEqual(list.map((v) => Number(BigInt.asIntN(32, v))));
    expect(exactly(x.to('uint8'))).toEqual(list.map((v) => Number(BigInt.asUintN(8, v))));
    expect(exactly(x.to('bool'))).toEqual(list.map((v) => Number(v !== 0n)));
  });
});

describe('operands', () => {
  test('bigints count as whole numbers', () => {
    expect([tensor([1.5]).add(3n).dtype, tensor([1.5]).add(3n).item()]).toEqual(['float32', 4.5]);
    expect(tensor(Int8Array.of(100)).add(100n).toArray()).toEqual([-56]);
    expect(exactly(tensor([true]).add(MOST - 1n))).toEqual([MOST]);
    expect(exactly(int64([1n]).mul(2n ** 62n + 1n))).toEqual([2n ** 62n + 1n]);
    expect(int64([8n]).div(3n).dtype).toBe('float32');
    expect(tensor([3]).pow(2n).item()).toBe(9);
    expect(exactly(where(tensor([true, false]), MOST, 0n))).toEqual([MOST, 0n]);
    expect(tensor([1, 0]).logicalOr(0n).toArray()).toEqual([true, false]);
    expect(exactly(int64([LEAST, 5n, MOST]).clamp({ min: -1n, max: MOST - 1n }))).toEqual([
      ...[-1n, 5n, MOST - 1n],
    ]);
    expectError(() => int64([1n]).clamp({ max: 2n ** 63n }), 'ERR_ARGUMENT', 'outside the range');
    expectError(() => tensor([1n]).floorDivide(0n), 'ERR_ARGUMENT', 'division by zero');
  });

  test('comparisons with numbers of any size are exact', () => {
    const bytes = tensor(Int32Array.of(1, -1));
    expect(bytes.lt(MOST).toArray()).toEqual([true, true]);
    expect(bytes.gt(2n ** 80n).toArray()).toEqual([false, false]);
    expect(
      int64([2n ** 53n + 1n])
        .eq(2 ** 53)
        .toArray(),
    ).toEqual([false]);
    expect(
      int64([MOST])
        .lt(2 ** 63)
        .toArray(),
    ).toEqual([false]); // they meet at float64
    expect(tensor(Uint8Array.of(255)).eq(-1n).toArray()).toEqual([false]);
  });

  test('a recorded program computes with the same bits', () => {
    const x = int64([2n ** 53n + 1n, 5n]);
    let y: Tensor | undefined;
    withoutRecycling(() => {
      const program = record(() => {
        expect(isRecording()).toBe(true);
        y = x.add(MOST).sum();
      });
      x.add(0n);
      (x.data as unknown as BigInt64Array)[1] = 6n;
      replay(program);
    });
    expect(exactly(y as Tensor)).toEqual([wrap(2n ** 53n + 1n + 6n + 2n * MOST)]);
  });
});

describe('where indices are taken', () => {
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  test('int64 are as good as int32', () => {
    const index = int64([2n, 0n]);
    const far = int64([2n ** 32n]); // 0 modulo 2^32
    expect(x.indexSelect(1, index).toArray()).toEqual([
      [3, 1],
      [6, 4],
    ]);
    expect(x.indexSelect(1, [2n, 0n]).toArray()).toEqual(x.indexSelect(1, index).toArray());
    expect(x.gather(1, index.reshape([1, 2])).toArray()).toEqual([[3, 1]]);
    expect(tilegrad.embedding(x, int64([1n])).toArray()).toEqual([[4, 5, 6]]);
    expect(tilegrad.bincount(int64([1n, 1n, 0n])).toArray()).toEqual([1, 2]);
    expect(zeros([3]).scatter(0, index, 7).toArray()).toEqual([7, 0, 7]);
    for (const outside of [far, int64([-1n]), int64([LEAST]), BigInt64Array.of(MOST)]) {
      expectError(() => x.indexSelect(0, outside), 'ERR_INDEX', 'outside a dimension of size 2');
    }
  });

  test('classes too', () => {
    const wanted = crossEntropy(x, [2, 0]).item();
    expect(crossEntropy(x, int64([2n, 0n])).item()).toBe(wanted);
    expect(crossEntropy(x, BigInt64Array.of(2n, -100n)).item()).toBe(
      crossEntropy(x, [2, -100]).item(),
    );
    expectError(() => crossEntropy(x, int64([2n ** 32n, 0n])), 'ERR_INDEX', 'not one of 3 classes');
  });
});

test('elements move with all their bits', () => {
  const x = int64([MOST, LEAST, 2n ** 53n + 1n]);
  const mask = tensor([true, false, true]);
  expect(exactly(x.maskedFill(mask, 2n ** 62n + 1n))).toEqual([
    ...[2n ** 62n + 1n, LEAST, 2n ** 62n + 1n],
  ]);
  expect(exactly(x.maskedFill(mask, -3.7))).toEqual([-3n, LEAST, -3n]);
  expectError(() => x.maskedFill(mask, 2 ** 63), 'ERR_ARGUMENT', "int64 can't hold");
  expectError(() => x.maskedFill(mask, 2n ** 63n), 'ERR_ARGUMENT', "int64 can't hold");
  expect(exactly(x.maskedSelect(mask))).toEqual([MOST, 2n ** 53n + 1n]);
  expect(exactly(x.scatter(0, [1], MOST - 1n))).toEqual([MOST, MOST - 1n, 2n ** 53n + 1n]);
  expect(exactly(x.scatterAdd(0, [0, 0], int64([1n, 1n])))[0]).toBe(LEAST + 1n);
  const reduced = (kind: tilegrad.ScatterReduction) =>
    exactly(x.scatterReduce(0, [0, 0], int64([MOST, LEAST]), kind, { includeSelf: false }))[0];
  expect(['amax', 'amin', 'sum', 'mean'].map((kind) => reduced(kind as 'sum'))).toEqual([
    ...[MOST, LEAST, -1n, -1n],
  ]);
  expect(exactly(tensor([1n, 2n, 3n, 4n]).reshape([2, 2]).transpose().contiguous())).toEqual([
    ...[1n, 3n, 2n, 4n],
  ]);
});

test('a count of batches that PyTorch saved is taken', () => {
  const norm = new tilegrad.nn.BatchNorm1d(2);
  const state = { ...norm.stateDict() };
  const name = Object.keys(state).find((key) => state[key]?.dtype === 'int32') as string;
  norm.loadStateDict({ ...state, [name]: tensor(12n) });
  expect([norm.stateDict()[name]?.dtype, norm.stateDict()[name]?.item()]).toEqual(['int32', 12]);
});

test('tsc knows the names of dtypes', () => {
  // @ts-expect-error
  expectError(() => zeros([1], { dtype: 'int63' }), 'ERR_DTYPE', 'int64, int8');
  // @ts-expect-error
  expectError(() => tensor([1]).to('half'), 'ERR_DTYPE', 'float16');
});

test('what only floats do is refused', () => {
  const x = int64([1n]);
  for (const f of [tilegrad.softplus, tilegrad.mean, tilegrad.softmax]) {
    expectError(() => f(x), 'ERR_DTYPE', "convert with to('float32')");
  }
  const dtype: DType = 'int64';
  expectError(() => zeros([1], { dtype, requiresGrad: true }), 'ERR_DTYPE', 'not int64');
});
