import * as tilegrad from 'tilegrad';
import { type DType, fromTypedArray, type Tensor, tensor, zeros } from 'tilegrad';
import { setElement } from 'tilegrad/tensor/element.js';
import { numel } from 'tilegrad/tensor/shape.js';
import { describe, expect, it, test } from 'vitest';
import {
  type Bound,
  epsilon,
  exact,
  expectGolden,
  Fixture,
  type FloatType,
  type GoldenCase,
  gradients,
  largest,
  type StoredCase,
  toTensor,
} from '../../golden.js';
import { expectError } from '../../helpers/errors.js';
import { generator } from '../../helpers/generator.js';
import { expectSame } from '../../helpers/same.js';

interface Options {
  dim: number;
  paddingIdx?: number;
  reduce: tilegrad.ScatterReduction;
  includeSelf: boolean;
  index: number[];
  alpha: number;
  descending: boolean;
  k: number;
  largest: boolean;
}

interface Values {
  op: 'sort' | 'topk' | 'unique' | 'nonzero' | 'scatterReduce';
  dtype: FloatType;
  options: Options;
  inputs: number[];
  outputs: number[];
}

const fixture = new Fixture<{ cases: StoredCase<Options>[]; values: Values[] }>('gather');

/** The indices or the mask of a case. */
function constantOf(c: GoldenCase<Options>, dtype: 'int32' | 'bool' = 'int32'): Tensor {
  const { shape, data } = c.constants[0]!;
  return tensor([...data], { dtype }).reshape(shape);
}

function run(c: GoldenCase<Options>, inputs: readonly Tensor[]): Tensor {
  const [x, y] = inputs as [Tensor, Tensor];
  const o = c.options!;
  switch (c.op) {
    case 'indexSelect':
      return x.indexSelect(o.dim, constantOf(c));
    case 'gather':
      return x.gather(o.dim, constantOf(c));
    case 'takeAlongDim':
      return x.takeAlongDim(constantOf(c), { dim: o.dim });
    case 'take':
      return x.take(constantOf(c));
    case 'embedding':
      return tilegrad.embedding(x, constantOf(c), o);
    case 'scatter':
      return x.scatter(o.dim, constantOf(c), y);
    case 'scatterAdd':
      return x.scatterAdd(o.dim, constantOf(c), y);
    case 'scatterReduce':
      return x.scatterReduce(o.dim, constantOf(c), y, o.reduce, { includeSelf: o.includeSelf });
    case 'indexAdd':
      return x.indexAdd(o.dim, constantOf(c), y, { alpha: o.alpha });
    case 'maskedSelect':
      return x.maskedSelect(constantOf(c, 'bool'));
    case 'maskedFill':
      return x.maskedFill(constantOf(c, 'bool'), -Infinity);
    case 'maskedScatter':
      return x.maskedScatter(constantOf(c, 'bool'), y);
    case 'sort':
      return x.sort(o).values;
    case 'topk':
      return x.topk(o.k, { dim: o.dim, largest: o.largest }).values;
    default:
      throw new Error(`unknown operation ${c.op}`);
  }
}

/** What only moves values forward; gradients may still meet. */
const moves = /^(indexSelect|gather|take|embedding|scatter$|masked|sort|topk)/;

// At most 6 values meet at a place in these cases; a product of them has as many roundings, and its
// derivative in PyTorch one division more.
const kMeeting = 6;

function boundsOf(c: GoldenCase<Options>): { output: Bound; gradient: Bound } {
  const eps = kMeeting * epsilon[c.dtype];
  const most = Math.max(1, ...c.inputs.map(largest), largest(c.output));
  const grad = Math.max(1, largest(c.gradOutput), ...c.gradInputs.map(largest));
  return {
    output: moves.test(c.op) ? exact : () => eps * most,
    gradient: () => 2 * eps * grad,
  };
}

describe('golden reading, writing, masks and order', () => {
  for (const [index, stored] of fixture.content.cases.entries()) {
    const c = fixture.case(stored);
    const { options = {} } = stored;
    it(`${index}: ${c.op} [${c.inputs[0]!.shape}] ${JSON.stringify(options)} ${c.dtype}`, () => {
      const inputs = c.inputs.map((x) => toTensor(x, c.dtype, true));
      const y = run(c, inputs);
      const bounds = boundsOf(c);
      expectGolden(y, c.output, bounds.output, 'output');
      for (const [i, grad] of gradients(y, c.gradOutput, c.dtype, inputs).entries()) {
        expectGolden(grad, c.gradInputs[i]!, bounds.gradient, `gradient of input ${i}`);
      }
    });
  }

  for (const [index, { op, dtype, options, inputs, outputs }] of fixture.content.values.entries()) {
    it(`special values ${index}: ${op} ${JSON.stringify(options)} ${dtype}`, () => {
      const [x, y] = inputs.map((i) => toTensor(fixture.tensor(i), dtype)) as [Tensor, Tensor];
      const results = {
        sort: () => Object.values(x.sort(options)) as Tensor[],
        topk: () => [x.topk(options.k, { largest: options.largest }).values],
        unique: () => Object.values(x.unique({ returnInverse: true, returnCounts: true })),
        nonzero: () => [x.nonzero()],
        scatterReduce: () => [
          x.scatterReduce(0, options.index, y, options.reduce, {
            includeSelf: options.includeSelf,
          }),
        ],
      }[op]() as Tensor[];
      expect(results.length).toBeGreaterThanOrEqual(outputs.length);
      // Where zeros of both signs are equal, which one stands for them (or stays) is open.
      const zeros = op === 'sort' || op === 'nonzero' ? exact : () => 0;
      for (const [i, output] of outputs.entries()) {
        expectGolden(results[i]!, fixture.tensor(output), zeros, `result ${i}`);
      }
    });
  }
});

const random = generator(7);
const below = (n: number): number => Math.floor(random() * n);

/** Different numbers of a dtype in row-major order, as a view if `strided`. */
function some(shape: readonly number[], dtype: DType, strided = false): Tensor {
  const reversed = strided ? [...shape].reverse() : [...shape];
  const x = zeros(reversed, { dtype });
  for (let i = 0; i < x.numel; i++) {
    const bits = dtype === 'bfloat16' || dtype === 'float16';
    const value = dtype === 'bool' ? below(2) : below(200) - 100;
    if (bits) x.data[i] = value;
    else setElement(x.array, x.offset + i, value, dtype);
  }
  return strided ? x.permute(shape.map((_, d) => shape.length - 1 - d)) : x;
}

function someIndex(n: number, shape: readonly number[], strided = false): Tensor {
  const values = Int32Array.from({ length: numel(shape) }, () => below(n));
  if (!strided) return tensor(values).reshape(shape);
  return tensor(values)
    .reshape([...shape].reverse())
    .permute(shape.map((_, d) => shape.length - 1 - d));
}

const types: DType[] = [
  ...(['float32', 'float64', 'int32', 'int64', 'int8', 'uint8', 'bool'] as const),
  ...(['bfloat16', 'float16'] as const),
];
const flat = (t: Tensor): number[] => (t.toArray() as unknown[]).flat(8).map(Number);
const positionsOf = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>(
    (all, n) => all.flatMap((at) => Array.from({ length: n }, (_, i) => [...at, i])),
    [[]],
  );
const valueAt = (x: Tensor, at: readonly number[]): number =>
  x.elementAt(x.offset + at.reduce((sum, i, d) => sum + i * x.strides[d]!, 0));

describe('every dtype and layout', () => {
  test.each(types)('gather, indexSelect and embedding of %s', (dtype) => {
    for (const strided of [false, true]) {
      const x = some([5, 4, 6], dtype, strided);
      for (const dim of [0, 1, 2]) {
        const shape = [3, 4, 5].with(dim, 7);
        const index = someIndex(x.shape[dim]!, shape, strided);
        const expected = positionsOf(shape).map((at) =>
          valueAt(x, at.with(dim, valueAt(index, at))),
        );
        expectSame(flat(x.gather(dim, index)), expected);
        const list = Array.from({ length: 9 }, () => below(x.shape[dim]!));
        const slices = positionsOf([...x.shape].with(dim, 9)).map((at) =>
          valueAt(x, at.with(dim, list[at[dim]!]!)),
        );
        expectSame(flat(x.indexSelect(dim, list)), slices);
      }
      const table = some([6, 9], dtype, strided);
      const numbers = someIndex(6, [2, 3], strided);
      const rows = positionsOf([2, 3, 9]).map(([i, j, k]) =>
        valueAt(table, [valueAt(numbers, [i!, j!]), k!]),
      );
      expectSame(flat(tilegrad.embedding(table, numbers)), rows);
      expect(table.take(numbers).shape).toEqual([2, 3]);
    }
  });

  test.each(types)('scatter of %s: the last one stays', (dtype) => {
    for (const strided of [false, true]) {
      for (const dim of [0, 1]) {
        const [x, src] = [some([4, 6], dtype, strided), some([9, 9], dtype, strided)];
        const index = someIndex(x.shape[dim]!, [3, 5].with(dim, 8), strided);
        const expected = positionsOf(x.shape).map((at) => valueAt(x, at));
        for (const at of positionsOf(index.shape)) {
          const [i, j] = at.with(dim, valueAt(index, at));
          expected[i! * 6 + j!] = valueAt(src, at);
        }
        expectSame(flat(x.scatter(dim, index, src)), expected);
      }
    }
  });

  test.each(['float32', 'float64', 'int32', 'int64', 'int8', 'uint8'] as const)(
    'reductions of %s',
    (dtype) => {
      const wrap = (v: number): number =>
        Number(
          dtype === 'int8'
            ? (v << 24) >> 24
            : dtype === 'uint8'
              ? v & 255
              : dtype === 'int32'
                ? v | 0
                : dtype === 'int64'
                  ? BigInt.asIntN(64, BigInt(v))
                  : v,
        );
      const combine = {
        sum: (a: number, b: number) => wrap(a + b),
        mean: (a: number, b: number) => wrap(a + b),
        prod: (a: number, b: number) => wrap(a * b),
        amax: Math.max,
        amin: Math.min,
      };
      for (const strided of [false, true]) {
        for (const [reduce, f] of Object.entries(combine)) {
          for (const includeSelf of [true, false]) {
            const [x, src] = [some([4, 6], dtype, strided), some([9, 6], dtype, strided)];
            const index = someIndex(4, [9, 6], strided);
            const expected = positionsOf(x.shape).map((at) => valueAt(x, at));
            const counts = expected.map(() => Number(includeSelf));
            for (const at of positionsOf(index.shape)) {
              const to = valueAt(index, at) * 6 + at[1]!;
              const value = valueAt(src, at);
              expected[to] = counts[to]++ === 0 ? value : f(expected[to]!, value);
            }
            if (reduce === 'mean') {
              const whole = dtype.startsWith('float') ? Math.fround : Math.floor;
              expected.forEach((sum, i) => {
                const mean = sum / Math.max(1, counts[i]!);
                expected[i] = dtype === 'float64' ? mean : whole(mean);
              });
            }
            // Sums of whole numbers up to 900 are exact; products of up to 10 of them round.
            const result = flat(
              x.scatterReduce(0, index, src, reduce as tilegrad.ScatterReduction, { includeSelf }),
            );
            const eps = reduce === 'prod' && dtype === 'float32' ? 10 * epsilon.float32 : 1e-15;
            result.forEach((got, i) => {
              const want = expected[i]!;
              expect(Math.abs(got - want)).toBeLessThanOrEqual(10 * eps * Math.abs(want));
            });
          }
        }
      }
    },
  );

  test('lengths around the vectors and offsets that are not aligned', () => {
    for (const n of [...Array(40).keys(), 63, 64, 65, 100, 8191, 8193, 16385]) {
      for (const offset of [0, 1, 3]) {
        const memory = new Float32Array(3 * n + offset);
        for (let i = 0; i < memory.length; i++) memory[i] = i;
        const x = fromTypedArray(memory)
          .slice([[offset]])
          .reshape([3, n]);
        const y = x.indexSelect(0, [2, 0]);
        expect(y.data).toEqual(
          Float32Array.from({ length: 2 * n }, (_, i) => offset + (i < n ? 2 * n + i : i - n)),
        );
        const sum = x.indexAdd(0, [1, 1], y);
        const values = Float32Array.from(memory.subarray(offset));
        for (let i = 0; i < n; i++) values[n + i]! += 2 * n + i + offset + (i + offset);
        expectSame(sum.data, values);
      }
    }
  });

  test('eight dimensions', () => {
    const shape = [2, 1, 2, 1, 2, 1, 2, 3];
    const x = some(shape, 'float32');
    for (const dim of [0, 2, 7]) {
      const index = someIndex(shape[dim]!, shape);
      const expected = positionsOf(shape).map((at) => valueAt(x, at.with(dim, valueAt(index, at))));
      expectSame(flat(x.gather(dim, index)), expected);
      const sums = zeros(shape).scatterAdd(dim, index, x);
      expect(sums.sum().item()).toBeCloseTo(x.sum().item(), 3);
      expect(x.sort({ dim }).values.gather(dim, x.argsort({ dim }).argsort({ dim })).data).toEqual(
        x.data,
      );
    }
  });
});

describe('gradients add up in the order of the index, however threads share them', () => {
  // Large enough for several threads: these share the places, columns and lines of the table.
  const cases: [string, number, number[], number[]][] = [
    ['places', 0, [311, 33], [9001, 33]],
    ['columns', 0, [31, 2003], [301, 2003]],
    ['lines', 1, [3001, 7], [3001, 67]],
  ];
  test.each(cases)('%s', (_, dim, shape, read) => {
    const threads = tilegrad.getNumThreads();
    // The same index for a whole row, or an index for each element.
    const index = someIndex(shape[dim]!, dim === 0 ? [read[0]!] : read);
    const g = tilegrad.randn(read, { dtype: 'float64', generator: new tilegrad.Generator(1) });
    const expected = new Float64Array(shape[0]! * shape[1]!);
    for (let i = 0; i < read[0]!; i++) {
      for (let j = 0; j < read[1]!; j++) {
        const place = valueAt(index, dim === 0 ? [i] : [i, j]);
        const to = dim === 0 ? place * shape[1]! + j : i * shape[1]! + place;
        expected[to]! += valueAt(g, [i, j]);
      }
    }
    try {
      for (const count of [1, 2, 3, 7]) {
        tilegrad.setNumThreads(count);
        const x = zeros(shape, { dtype: 'float64', requiresGrad: true });
        const y = dim === 0 ? x.indexSelect(0, index) : x.gather(1, index);
        y.backward(g);
        expectSame(x.grad!.data, expected);
      }
    } finally {
      tilegrad.setNumThreads(threads);
    }
  });
});

test('an index that changes to one outside is refused in the backward pass too', () => {
  const index = tensor([0, 1], { dtype: 'int32' });
  const w = tensor([[1], [2]], { requiresGrad: true });
  const y = tilegrad.embedding(w, index);
  index.data[1] = 2;
  expectError(() => y.sum().backward(), 'ERR_INDEX', '[embedding] index 2 is outside');
  expect(w.grad).toBeNull();
});
