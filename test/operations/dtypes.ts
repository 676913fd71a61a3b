/** Dtypes: where two meet, which conversions keep the kind of numbers, conversions and copies. */
import * as tilegrad from 'tilegrad';
import { canCast, ones, promoteTypes, resultType, type Tensor, tensor } from 'tilegrad';
import { cached, dtypes as floats, hostile, lengths, MANY } from './bits.js';
import { unary } from './gradients.js';
import { kinds, type Misuse, tensorArguments, wrong, x } from './misuse.js';
import type { Family } from './operation.js';

const noDTypes = ['int16', 5, null, undefined, 'toString', {}];

const ofTwo = (call: (a: never, b: never) => unknown): Misuse[] =>
  noDTypes.flatMap((dtype): Misuse[] => [
    [() => call(wrong(dtype), wrong('int64')), 'ERR_DTYPE', 'unknown dtype'],
    [() => call(wrong('int64'), wrong(dtype)), 'ERR_DTYPE', 'unknown dtype'],
  ]);

const operands = kinds.filter((value) => typeof value !== 'number');

const pairs: Misuse[] = operands.flatMap((value): Misuse[] => [
  [() => resultType(wrong(value), x), 'ERR_ARGUMENT'],
  [() => resultType(x, wrong(value)), 'ERR_ARGUMENT'],
]);

/** 64-bit integers with the ends of their range among them. */
const wide = (n: number, step: bigint): Tensor =>
  cached(`wide ${n} ${step}`, () => {
    const ends = [0n, -1n, 1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, 63n, -7n];
    const array = BigInt64Array.from({ length: n }, (_, i) =>
      i % 3 === 0 ? (ends[(i / 3) % ends.length] as bigint) : (BigInt(i) + 1n) * step,
    );
    return tensor(array);
  });

export const dtypeOperations: Family = {
  title: 'Data types and copies',
  operations: {
    clone: {
      misuse: tensorArguments(tilegrad.clone, { takesIntegers: true }),
      gradients: unary((x) => tilegrad.clone(x)),
    },
    contiguous: {
      misuse: tensorArguments(tilegrad.contiguous, { takesIntegers: true }),
      gradients: unary(tilegrad.contiguous),
    },
    // To float32 and back would check its rounding; what there is to check in float64 is nothing.
    to: {
      misuse: [
        ...tensorArguments((t) => tilegrad.to(t, 'float32'), { takesIntegers: true }),
        ...[undefined, null, 5, 'int16', {}].map(
          (dtype): Misuse => [() => tilegrad.to(x, wrong(dtype)), 'ERR_DTYPE'],
        ),
      ],
      gradients: unary((x) => tilegrad.to(x, 'float64')),
    },
    promoteTypes: { misuse: ofTwo(promoteTypes), gradients: 'none' },
    canCast: { misuse: ofTwo(canCast), gradients: 'none' },
    resultType: { misuse: pairs, gradients: 'none' },
  },

  bits(add) {
    for (const dtype of floats) {
      add(`casts of ${dtype}`, () =>
        [1, 33, MANY].flatMap((n) => {
          const x = hostile(n, dtype);
          const to = ['int8', 'uint8', 'int32', 'int64', 'bool', 'bfloat16'] as const;
          return to.map((type) => x.mul(40).to(type));
        }),
      );
    }
    add('integers int64', () =>
      [1, 33, 1003, MANY].flatMap((n) => {
        const [a, b] = [wide(n, 0x9e3779b97f4a7c15n), wide(n, 0x2545f4914f6cdd1dn)];
        const divisor = b.add(b.eq(0).to('int64'));
        const names = ['add', 'sub', 'mul', 'maximum', 'minimum', 'eq', 'lt', 'le'] as const;
        const bits = ['bitwiseAnd', 'bitwiseXor', 'bitwiseLeftShift', 'bitwiseRightShift'] as const;
        return [
          ...[...names, ...bits].map((name) => a[name](b)),
          ...[a.floorDivide(divisor), a.remainder(divisor), a.neg(), a.abs(), a.sign()],
          ...[a.sum(), a.prod(), a.amax(), a.amin(), a.argmax(), a.cumsum(0), a.cumprod(0)],
          ...[a.cummax(0).values, a.to('float32'), a.to('float64'), a.to('float16')],
        ];
      }),
    );
    add('conversions to float16 and back', () =>
      lengths.flatMap((n) => {
        const halves = [hostile(n, 'float32'), hostile(n, 'float64')].map((t) => t.to('float16'));
        return halves.flatMap((t) => [t, t.to('float32'), t.to('float64'), t.to('int64')]);
      }),
    );
    add('float16 among other dtypes', () => {
      const t = hostile(1003, 'float32').to('float16');
      const chosen = t.maskedFill(ones([1003]).to('bool'), 1.5);
      return [t.to('bfloat16'), t.to('int8'), t.sort().values, t.sort().indices, chosen];
    });
  },
};
