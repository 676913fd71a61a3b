/**
 * Every function of elements or rows at every size from 0 to 100 and around larger multiples of the
 * vectors, wherever its operands lie and however they broadcast, forward and backward, at every level
 * with 1 and 2 threads: the bits are those of the lowest level on contiguous operands. That those are
 * right is held elsewhere, by goldens, formulas and ulp.
 */
import {
  broadcastTensors,
  concat,
  type DType,
  setNumThreads,
  setSimdLevel,
  simdLevels,
  stack,
  type Tensor,
  TensorError,
  zeros,
  zerosLike,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { restoreSettings, settings } from './helpers/settings.js';
import { activations } from './operations/activation.js';
import { arithmetic } from './operations/arithmetic.js';
import { cached, hostile, MANY, numbers } from './operations/bits.js';
import { elementwise, inOrderOfMemory, type OfRows, ofRows } from './operations/by_size.js';
import { comparisons } from './operations/compare.js';
import { classLosses } from './operations/cross_entropy.js';
import { gammaFunctions } from './operations/gamma.js';
import { gathers } from './operations/gather.js';
import { integerOperations } from './operations/integer.js';
import { lossFamily } from './operations/loss.js';
import { math } from './operations/math.js';
import { norms } from './operations/norm.js';
import { numerics } from './operations/numerics.js';
import { reductions } from './operations/reduce.js';
import { scans } from './operations/scan.js';
import { softmaxes } from './operations/softmax.js';
import { specialFunctions } from './operations/special.js';
import { ternaries } from './operations/ternary.js';

restoreSettings();

const sizes = [...Array(101).keys(), 127, 128, 129, 255, 256, 257, 511, 513];
const dtypes = ['float32', 'float64', 'int64', 'int32', 'int8', 'uint8', 'bool'] as const;
/** Those that nothing is computed in, too. */
const stored = [...dtypes, 'bfloat16', 'float16'] as const;
const [lowest] = simdLevels() as [string];

/** Functions of integers alone. */
const ofIntegers = new Set([
  'gcd',
  'lcm',
  'bitwiseAnd',
  'bitwiseOr',
  'bitwiseXor',
  'bitwiseNot',
  'bitwiseLeftShift',
  'bitwiseRightShift',
]);

/** The numbers of operand `k` that every size takes the first ones of. */
function numbersOf(dtype: DType, k: number): Tensor {
  return cached(`by size ${dtype} ${k}`, () => {
    const from = dtype === 'float32' ? dtype : 'float64';
    const x = k === 0 ? hostile(MANY, from) : numbers([MANY], from, 3 + k);
    if (dtype === from) return x;
    return x
      .nanToNum({ nan: 3, posinf: 90, neginf: -90 })
      .mul(29)
      .clamp({ min: -120, max: 120 })
      .to(dtype);
  });
}

const operand = (n: number, dtype: DType, k: number): Tensor => numbersOf(dtype, k).slice([[0, n]]);

/** How operands may lie, of one dimension or two. */
const layouts: Record<string, (x: Tensor) => Tensor> = {
  'at an odd offset': (x) =>
    concat([zeros([3], { dtype: x.dtype }), x.flatten()])
      .slice([[3, null]])
      .reshape(x.shape),
  'every third element': (x) => stack([x, zerosLike(x), x], -1).select(-1, 2),
  'in reverse order of dimensions': (x) =>
    x.ndim === 1 ? stack([zerosLike(x), x]).select(0, 1) : x.transpose().contiguous().transpose(),
};

/** Results, or the code of an error, which is a result too. */
type Outcome = readonly Tensor[] | string;

/** The results of a call, and the gradients of the operands for an uneven gradient of each result. */
function outcome(run: Call, inputs: readonly Tensor[], withGradients: boolean): Outcome {
  try {
    const leaves = inputs.map((x) => {
      const leaf = x.detach();
      leaf.requiresGrad = withGradients && isFloat(x.dtype);
      return leaf;
    });
    const results = run(leaves);
    const gradients: Tensor[] = [];
    for (const y of results) {
      if (!y.requiresGrad) continue;
      y.backward(operand(y.numel, y.dtype, 1).reshape(y.shape), { retainGraph: true });
    }
    for (const { grad } of leaves) if (grad !== null) gradients.push(grad);
    return [...results.map((y) => y.detach()), ...gradients];
  } catch (error) {
    if (error instanceof TensorError) return error.code;
    throw error;
  }
}
/** A call of a function with several results. */
type Call = (inputs: readonly Tensor[]) => Tensor[];

const isFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64';

const elementsOf = (t: Tensor) => t.contiguous().data;
const bytesOf = ({ buffer, byteOffset, byteLength }: ReturnType<typeof elementsOf>) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Fails unless all results have the shapes, dtypes and bits (a NaN is a NaN) of those wanted. */
function expectBits(got: Outcome, want: Outcome, what: () => string): void {
  const kinds = (o: Outcome) =>
    typeof o === 'string' ? o : o.map(({ dtype, shape }) => `${dtype} [${shape}]`).join();
  if (kinds(got) !== kinds(want)) throw new Error(`${what()}: ${kinds(got)}, not ${kinds(want)}`);
  if (typeof got === 'string' || typeof want === 'string') return;
  for (const [k, y] of got.entries()) {
    const [a, b] = [elementsOf(y), elementsOf(want[k]!)];
    if (Buffer.compare(bytesOf(a), bytesOf(b)) === 0) continue;
    for (let i = 0; i < a.length; i++) {
      if (!Object.is(a[i], b[i]))
        throw new Error(`${what()}: result ${k} [${i}] is ${a[i]}, not ${b[i]}`);
    }
  }
}

/** The first n of results of one dimension. */
const firstOf = (results: readonly Tensor[], n: number): Tensor[] =>
  results.map((y) => y.slice([[0, n]]));

/** Runs at every level, with two threads where there might be something to share. */
function everywhere(n: number, run: (setting: string) => void): void {
  for (const [level, threads] of settings) {
    if (threads > 1 && n < SHARED) continue;
    setSimdLevel(level);
    setNumThreads(threads);
    run(`${level}, ${threads} thread(s)`);
  }
}

function atLowest<T>(run: () => T): T {
  setSimdLevel(lowest);
  setNumThreads(1);
  return run();
}

/** From this size on there is something that two threads might share. */
const SHARED = 127;

/** Shapes of two operands and more of them, by the sizes n and 5. */
const broadcasts: Record<string, (n: number) => [first: number[], others: number[]]> = {
  'with one number': (n) => [[n], []],
  'a number with many': (n) => [[], [n]],
  'a column with a row': (n) => [[n, 1], [5]],
  'a row with a column': (n) => [[5], [n, 1]],
  'a matrix with a column': (n) => [
    [5, n],
    [5, 1],
  ],
  'a matrix with a row': (n) => [[5, n], [n]],
};

const broadcastShapes = (a: number[], b: number[]): readonly number[] =>
  broadcastTensors([zeros(a), zeros(b)])[0]!.shape;

/** Of floats all of a list, of other dtypes one of it by turns: their kernels know nothing of layouts. */
const some = <T>(list: readonly T[], dtype: DType, n: number, turns = 1): T[] =>
  list.filter((_, i) => (isFloat(dtype) ? (i + n) % turns === 0 : i === n % list.length));

describe.each(Object.entries(elementwise))('%s', (name, { operands, run, inPlace = false }) => {
  const call: Call = (inputs) => [run(...inputs)];
  const list = Array.from({ length: operands }, (_, k) => k);

  test.each(dtypes)('of %s, wherever it lies', (dtype) => {
    const whole = (n: number) =>
      list.map((k) => (inPlace ? operand(n, dtype, k).clone() : operand(n, dtype, k)));
    const want = atLowest(() => outcome(call, whole(sizes.at(-1)!), !inPlace));
    if (typeof want === 'string') {
      const takes = ofIntegers.has(name) ? dtype === 'int32' : isFloat(dtype);
      expect(takes, `${name} of ${dtype}: ${want}`).toBe(false);
      return;
    }
    for (const n of sizes) {
      for (const [layout, place] of some(Object.entries(layouts), dtype, n)) {
        const inputs = () => list.map((k) => place(operand(n, dtype, k)));
        const kept = inputs();
        // Each layout backwards at every third size.
        const backwards = !inPlace && layout === Object.keys(layouts)[n % 3];
        const expected = firstOf(want, n).slice(0, backwards ? want.length : 1);
        everywhere(n, (setting) => {
          const got = outcome(call, inPlace ? inputs() : kept, backwards);
          expectBits(got, expected, () => `${layout}, ${n}, ${setting}`);
        });
      }
    }
    // So many that threads share them; the kernels of other integers go the same way.
    if (!isFloat(dtype) && dtype !== 'int32') return;
    const many = atLowest(() => outcome(call, whole(MANY), false));
    everywhere(MANY, (setting) =>
      expectBits(outcome(call, whole(MANY), false), many, () => setting),
    );
  });

  if (operands === 1) return;
  test.each(dtypes)('of %s that broadcast', (dtype) => {
    for (const n of sizes) {
      for (const [how, shapesOf] of some(Object.entries(broadcasts), dtype, n, 2)) {
        const [first, others] = shapesOf(n);
        const result = broadcastShapes(first, others);
        if (inPlace && `${result}` !== `${first}`) continue;
        const inputs = () =>
          list.map((k) => {
            const shape = k === 0 ? first : others;
            const x = operand(
              shape.reduce((a, b) => a * b, 1),
              dtype,
              k,
            ).reshape(shape);
            return inPlace && k === 0 ? x.clone() : x;
          });
        const kept = inputs();
        const want = atLowest(() =>
          outcome(
            call,
            broadcastTensors(inputs()).map((x) => x.clone()),
            false,
          ),
        );
        const backwards = !inPlace && n % 5 === 0;
        const summed = backwards ? atLowest(() => outcome(call, kept, true)) : [];
        everywhere(n, (setting) => {
          const what = () => `${how}, ${n}, ${setting}`;
          const got = outcome(call, inPlace ? inputs() : kept, backwards);
          expectBits(typeof got === 'string' ? got : got.slice(0, 1), want, what);
          if (backwards) expectBits(got, summed, what);
        });
      }
    }
  });
});

describe.each(Object.entries(ofRows))('%s', (name, run: OfRows) => {
  const places = Object.entries(layouts);
  const followsMemory = inOrderOfMemory.has(name.replace(/:.*/, ''));
  test.each(['float32', 'float64', 'int32', 'uint8'] as const)('of %s', (dtype) => {
    for (const n of sizes) {
      for (const dim of [0, 1]) {
        const shape = dim === 1 ? [3, n] : [n, 5];
        const x = operand(shape[0]! * shape[1]!, dtype, n % 2).reshape(shape);
        const call: Call = ([input]) => run(input!, dim);
        const [layout, place] = places[(n + dim) % places.length]!;
        const input = place(x);
        const want = atLowest(() => outcome(call, [followsMemory ? input : x], true));
        everywhere(n, (setting) => {
          const got = outcome(call, [input], true);
          expectBits(got, want, () => `${layout}, [${shape}] along ${dim}, ${setting}`);
        });
      }
    }
  });
});

describe.each(stored)('casts of %s', (from) => {
  test.each(stored)('to %s', (to) => {
    const call: Call = ([x]) => [x!.to(to)];
    const want = atLowest(() => outcome(call, [operand(MANY, from, 0)], false));
    for (const n of sizes) {
      const [layout, place] = Object.entries(layouts)[n % 3]!;
      const input = place(operand(n, from, 0));
      everywhere(n, (setting) => {
        const got = outcome(call, [input], false);
        expectBits(got, firstOf(want as Tensor[], n), () => `${layout}, ${n}, ${setting}`);
      });
    }
    everywhere(MANY, (setting) =>
      expectBits(outcome(call, [operand(MANY, from, 0)], false), want, () => setting),
    );
  });
});

/** What has no sizes of its own, or is held over sizes elsewhere. */
const elsewhere: Record<string, readonly string[]> = {
  'views, and facts about dtypes': [
    ...['selectScatter', 'sliceScatter', 'diagonalScatter', 'finfo', 'iinfo'],
  ],
  'of three elements a row': ['cross'],
  'with tests of many sizes of their own': ['ctcLoss', 'multilabelMarginLoss'],
  'that call a function of the user': ['tripletMarginWithDistanceLoss'],
};

test('every function of elements or rows is here', () => {
  const families = [activations, arithmetic, classLosses, comparisons, gammaFunctions, gathers];
  families.push(integerOperations, lossFamily, math, norms, numerics, reductions, scans);
  families.push(softmaxes, specialFunctions, ternaries);
  const here = [...Object.keys(elementwise), ...Object.keys(ofRows)].map(
    (key) => key.split(':')[0],
  );
  const functions = families.flatMap(({ operations }) => Object.keys(operations));
  const missing = functions.filter((name) => !here.includes(name));
  expect(missing.sort()).toEqual(Object.values(elsewhere).flat().sort());
});
