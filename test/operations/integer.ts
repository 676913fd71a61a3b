/** Integers: bits, shifts, whole division; and what integers do in arithmetic that floats have too. */

import * as tilegrad from 'tilegrad';
import { type Tensor, tensor } from 'tilegrad';
import { cached, MANY } from './bits.js';
import { integerBinary, tensorArguments, x } from './misuse.js';
import type { Family, Operation } from './operation.js';

const bitNames = ['bitwiseAnd', 'bitwiseOr', 'bitwiseXor'] as const;
const shiftNames = ['bitwiseLeftShift', 'bitwiseRightShift'] as const;
const divisionNames = ['floorDivide', 'remainder'] as const;
const sharedNames = ['add', 'sub', 'mul', 'maximum', 'minimum', 'eq', 'ne', 'lt', 'le'] as const;
const unaryNames = ['neg', 'abs', 'sign', 'square', 'bitwiseNot'] as const;

const each = (
  functions: Record<string, (a: Tensor, b: Tensor) => Tensor>,
  takesBools: boolean,
): Record<string, Operation> =>
  Object.fromEntries(
    Object.entries(functions).map(([name, call]) => [
      name,
      { misuse: integerBinary(call, takesBools), gradients: 'none' },
    ]),
  );

const { bitwiseAnd, bitwiseOr, bitwiseXor, bitwiseLeftShift, bitwiseRightShift } = tilegrad;

/** Numbers of all bits, the ends of the range among them; without zeros if asked. */
function whole(length: number, dtype: 'int32' | 'int8' | 'uint8', step: number): Tensor {
  return cached(`whole ${length} ${dtype} ${step}`, () => {
    const ends = [-(2 ** 31), 2 ** 31 - 1, -1, 1, 127, -128, 255, 7, 40];
    const values = Int32Array.from({ length }, (_, i) =>
      i % 5 === 0 ? (ends[(i / 5) % ends.length] as number) : Math.imul(i + 1, step) >> (i % 29),
    );
    const bytes = tensor(values).to(dtype);
    return bytes.add(bytes.eq(0).to(dtype));
  });
}

const operations: Record<string, Operation> = {
  ...each({ bitwiseAnd, bitwiseOr, bitwiseXor }, true),
  ...each({ bitwiseLeftShift, bitwiseRightShift }, false),
  bitwiseNot: {
    misuse: [
      ...tensorArguments(tilegrad.bitwiseNot, { takesIntegers: true }),
      [() => tilegrad.bitwiseNot(x), 'ERR_DTYPE', 'takes integers'],
    ],
    gradients: 'none',
  },
};
export const integerOperations: Family = {
  title: 'Integers and bits',
  operations,
  bits(add) {
    for (const dtype of ['int32', 'int8', 'uint8'] as const) {
      add(`integers ${dtype}`, () =>
        [1, 33, 1003, MANY].flatMap((n) => {
          const [a, b] = [whole(n, dtype, 0x2545f491), whole(n, dtype, 0x9e3779b1 | 0)];
          const names = [...sharedNames, ...bitNames, ...shiftNames, ...divisionNames];
          return [...names.map((name) => a[name](b)), ...unaryNames.map((name) => a[name]())];
        }),
      );
    }
  },
};
