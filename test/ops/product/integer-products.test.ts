/** Products of integers against PyTorch, and large ones against arithmetic with bigints. */
import * as tilegrad from 'tilegrad';
import { type DType, einsum, linalg, matmul, randint, type Tensor, tensor, zeros } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { Fixture } from '../../golden.js';
import { expectError } from '../../helpers/errors.js';

/** The digits as text. */
interface Stored {
  readonly dtype: DType;
  readonly size: readonly number[];
  readonly elements: readonly string[];
}

interface Case {
  readonly op: string;
  readonly options: unknown;
  readonly inputs: readonly Stored[];
  readonly output: Stored;
}

const { content } = new Fixture<{ cases: Case[] }>('integer_products');

const make = ({ dtype, size, elements }: Stored): Tensor =>
  tensor(BigInt64Array.from(elements.map(BigInt)))
    .reshape(size)
    .to(dtype);

const digits = (t: Tensor): string[] =>
  Array.from(t.to('int64').contiguous().elements as BigInt64Array, String);

type Call = (...operands: unknown[]) => Tensor;

function compute({ op, options, inputs }: Case): Tensor {
  const operands = inputs.map(make);
  if (op === 'einsum') return einsum(options as string, operands);
  if (op === 'multiDot') return tilegrad.multiDot(operands);
  const call = (tilegrad as unknown as Record<string, Call>)[op] as Call;
  return call(...operands, ...(options === null ? [] : [options]));
}

describe('products of integers', () => {
  test.each([...new Set(content.cases.map(({ op }) => op))])("%s is PyTorch's", (op) => {
    for (const stored of content.cases.filter((one) => one.op === op)) {
      const { dtype, size, elements } = stored.output;
      const y = compute(stored);
      expect([y.dtype, y.shape, digits(y)]).toEqual([dtype, size, elements]);
    }
  });

  test.each(['int8', 'int32', 'int64'] as const)('of %s with views, against bigints', (dtype) => {
    const bits = { int8: 8, int32: 32, int64: 64 }[dtype];
    const any = (shape: number[]): Tensor => {
      const halves = [0, 1].map(() => randint(-(2 ** 31), 2 ** 31, shape, { dtype: 'int64' }));
      const [high, low] = halves as [Tensor, Tensor];
      return high
        .mul(tensor(2n ** 32n))
        .add(low)
        .to(dtype);
    };
    for (const [m, k, n] of [
      [1, 1, 1],
      [3, 100, 2],
      [17, 33, 19],
    ] as const) {
      const a = any([k, m]).transpose();
      const b = any([k, 2 * n]).slice([null, [0, null, 2]]);
      const [x, y] = [a, b].map((t) => digits(t).map(BigInt)) as [bigint[], bigint[]];
      const wanted = Array.from({ length: m * n }, (_, at) => {
        let total = 0n;
        for (let i = 0; i < k; i++) {
          total += (x[Math.floor(at / n) * k + i] as bigint) * (y[i * n + (at % n)] as bigint);
        }
        return String(BigInt.asIntN(bits, total));
      });
      expect(digits(matmul(a, b))).toEqual(wanted);
    }
  });

  test('an inner dimension beyond what float64 sums exactly', () => {
    const length = 2 ** 21 + 5;
    // -1 has limbs of all ones; the sum of their products needs 53 bits and more.
    const ones = tensor(new Int32Array(length).fill(-1)).reshape([1, length]);
    expect(matmul(ones, ones.transpose()).toArray()).toEqual([[length]]);
  });

  test('einsum of bools is what PyTorch makes of it', () => {
    const b = tensor([
      [true, false],
      [true, true],
    ]);
    const results = ['ij->i', 'ii', 'ij->ji', 'ii->i'].map((equation) => einsum(equation, b));
    results.push(einsum('ij,ij->ij', b, b), einsum('ij,jk->ik', b, tensor([[1], [2]])));
    expect(results.map((y) => [y.dtype, y.toArray()])).toEqual([
      ['int64', [1, 2]],
      ['int64', 2],
      ['bool', b.transpose().toArray()],
      ['bool', [true, true]],
      ['bool', b.toArray()],
      ['float32', [[1], [3]]],
    ]);
  });

  test('empty inner dimensions give zeros, and misuse is refused', () => {
    const empty = zeros([2, 0], { dtype: 'int32' });
    expect(matmul(empty, empty.transpose()).toArray()).toEqual([
      [0, 0],
      [0, 0],
    ]);
    const bools = zeros([2, 2], { dtype: 'bool' });
    const ints = zeros([2, 2], { dtype: 'int32' });
    expectError(() => matmul(bools, bools), 'ERR_DTYPE', '[matmul]');
    expectError(() => einsum('ij,jk', bools, bools), 'ERR_DTYPE', '[einsum]');
    expectError(() => tilegrad.addmm(ints, ints, ints, { alpha: 0.5 }), 'ERR_ARGUMENT', 'alpha');
    expectError(() => tilegrad.baddbmm(ints, ints, ints, { beta: 0.5 }), 'ERR_ARGUMENT', 'beta');
    expectError(() => linalg.matrixPower(ints, -1), 'ERR_DTYPE', '[matrixPower]');
    expectError(
      () => linalg.matrixPower(zeros([2, 3], { dtype: 'int32' }), 2),
      'ERR_SHAPE',
      '[matrixPower]',
    );
    expectError(
      () => linalg.matrixPower(zeros([2], { dtype: 'int32' }), 2),
      'ERR_SHAPE',
      '[matrixPower]',
    );
    // Of different dtypes: at that where they meet.
    expect(matmul(ints, zeros([2, 2])).dtype).toBe('float32');
    expect(matmul(ints, zeros([2, 2], { dtype: 'int64' })).dtype).toBe('int64');
  });
});
