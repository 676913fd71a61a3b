/** Dtypes beside PyTorch: where two meet, conversions of all pairs, what int64 computes. */
import * as tilegrad from 'tilegrad';
import {
  canCast,
  type DType,
  promoteTypes,
  resultType,
  type Tensor,
  type TensorLike,
  tensor,
  where,
} from 'tilegrad';
import { describe, expect, it, test } from 'vitest';
import { Fixture } from '../golden.js';

interface Promotion {
  left: DType;
  right: DType | number;
  ranks: [number, number];
  result: DType;
}

/** Of int64 the digits as text. */
type Elements = (number | string)[];

interface Arithmetic {
  op: string;
  from?: DType;
  inputs: Elements[];
  dtype: DType;
  output: Elements;
}

const { content } = new Fixture<{
  promotions: Promotion[];
  castable: { from: DType; to: DType; result: boolean }[];
  casts: { from: DType; to: DType; input: Elements; output: Elements }[];
  arithmetic: Arithmetic[];
}>('dtypes');

const isHalf = (dtype: unknown) => dtype === 'bfloat16' || dtype === 'float16';

/** Exact elements: bigints of int64, otherwise numbers. */
const exactly = (t: Tensor): (number | bigint)[] =>
  t.dtype === 'int64'
    ? Array.from(t.contiguous().elements as BigInt64Array)
    : [...t.to('float64').contiguous().data];

const make = (elements: Elements, dtype: DType): Tensor =>
  dtype === 'int64'
    ? tensor(BigInt64Array.from(elements.map(BigInt)))
    : tensor(Float64Array.from(elements.map(Number))).to(dtype);

const parsed = (elements: Elements, dtype: DType): (number | bigint)[] =>
  elements.map<number | bigint>(dtype === 'int64' ? BigInt : Number);

describe('two meet where PyTorch has them meet', () => {
  const operand = (dtype: DType | number, rank: number): TensorLike =>
    typeof dtype === 'number' ? dtype : tilegrad.ones(rank === 1 ? [2] : [], { dtype });

  test('tensors with dimensions or without, and numbers', () => {
    const wrong = content.promotions.filter(({ left, right, ranks, result }) => {
      const [a, b] = [operand(left, ranks[0]), operand(right, ranks[1])];
      // PyTorch computes in 16 bits here, and the library doesn't: as if both had dimensions.
      const scalarTensor = isHalf(left) && ranks[0] !== ranks[1] && /float/.test(`${right}`);
      const wanted = scalarTensor ? promoteTypes(left, right as DType) : result;
      const whole = right === 2 && resultType(a, 2n) !== wanted;
      return whole || resultType(a, b) !== wanted || resultType(b, a) !== wanted;
    });
    expect(wrong).toEqual([]);
    expect([resultType(1, 2), resultType(1n, 2n), resultType(1n, 2)]).toEqual([
      ...['float32', 'int64', 'float32'],
    ]);
  });

  test('promoteTypes and canCast', () => {
    for (const { left, right, ranks, result } of content.promotions) {
      if (typeof right === 'number' || ranks[1] === 0) continue;
      expect(promoteTypes(left, right), `${left} ${right}`).toBe(result);
    }
    for (const { from, to, result } of content.castable) {
      expect(canCast(from, to), `${from} ${to}`).toBe(result);
    }
  });

  test('where, arithmetic and comparisons go by those rules', () => {
    const condition = tensor([true, false]);
    for (const { left, right, ranks, result } of content.promotions) {
      if (ranks[0] !== 1 || ranks[1] !== 1 || typeof right === 'number') continue;
      const [a, b] = [tilegrad.ones([2], { dtype: left }), tilegrad.zeros([2], { dtype: right })];
      const chosen = where(condition, a, b);
      const values = chosen.to('float32').toArray() as number[];
      expect([chosen.dtype, ...values]).toEqual([result, 1, 0]);
      if (isHalf(result)) {
        expect(() => a.add(b)).toThrow(`does not compute in ${result}`);
        continue;
      }
      expect(a.add(b).dtype).toBe(result);
      expect(a.gt(b).toArray()).toEqual([true, true]);
    }
  });
});

describe('golden conversions', () => {
  for (const { from, to, input, output } of content.casts) {
    it(`${from} to ${to}`, () => {
      const wanted = parsed(output, to);
      const x = make(input, from);
      expect([x.to(to).dtype, ...exactly(x.to(to))]).toEqual([to, ...wanted]);
      // Made from a typed array or nested numbers it is the same.
      const { elements } = x;
      if (!isHalf(from) && from !== 'bool' && !(elements instanceof Int16Array)) {
        expect(exactly(tensor(elements, { dtype: to }))).toEqual(wanted);
      }
    });
  }
});

describe('golden int64', () => {
  for (const { op, from = 'int64', inputs, dtype, output } of content.arithmetic) {
    it(`${op} of ${from}, ${inputs[0]?.length} elements`, () => {
      const [x, ...others] = inputs.map((elements) => make(elements, from));
      const methods = x as unknown as Record<string, (...others: unknown[]) => Tensor>;
      const scan = op.startsWith('cum') ? [0] : others;
      const y = methods[op]!(...scan);
      // Places and counts are int32 here.
      const counts = ['argmax', 'argmin', 'countNonzero'].includes(op);
      expect(y.dtype).toBe(counts ? 'int32' : dtype);
      expect(exactly(y)).toEqual(counts ? output.map(Number) : parsed(output, dtype));
    });
  }
});
