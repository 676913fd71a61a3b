/**
 * Views, broadcasting and reductions drawn at random, beside loops over indices: what overlapping views
 * send backward, what meets where three operands broadcast, what arrives at the places of scatterReduce.
 */
import fc from 'fast-check';
import {
  addcmul,
  arange,
  asStrided,
  grad,
  lerp,
  scatterReduce,
  type Tensor,
  tensor,
  unfold,
  where,
  zeros,
} from 'tilegrad';
import { expect, test } from 'vitest';

const runs = { numRuns: 200, seed: 20261122 };
const product = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1);
const flat = (x: Tensor): number[] => [
  ...(x.detach().to('float64').contiguous().data as Float64Array),
];

/** All places of a shape, in row-major order. */
const placesOf = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>(
    (places, n) => places.flatMap((at) => Array.from({ length: n }, (_, i) => [...at, i])),
    [[]],
  );

/** 1, 2, 3... as a float64 tensor of that shape, as it lies or with its dimensions the other way round. */
function numbers(shape: readonly number[], turned = false): Tensor {
  const x = arange(1, product(shape) + 1, { dtype: 'float64' }).reshape([...shape]);
  const order = shape.map((_, d) => shape.length - 1 - d);
  return turned ? x.permute(order).contiguous().permute(order) : x;
}

/** Leaf of the same elements, in its own memory of the same order. */
function leafOf(x: Tensor): Tensor {
  const leaf = x.detach();
  leaf.requiresGrad = true;
  return leaf;
}

const shapes = (least: number, most: number, low = 1) =>
  fc.array(fc.integer({ min: low, max: 4 }), { minLength: least, maxLength: most });

test('asStrided: the gradient adds up wherever elements overlap', () => {
  const views = fc
    .record({ size: fc.integer({ min: 1, max: 24 }), dims: shapes(0, 3, 0) })
    .chain(({ size, dims }) =>
      fc.record({
        size: fc.constant(size),
        dims: fc.constant(dims),
        strides: fc.array(fc.integer({ min: 0, max: 5 }), {
          minLength: dims.length,
          maxLength: dims.length,
        }),
        offset: fc.integer({ min: 0, max: size - 1 }),
      }),
    )
    .filter(({ size, dims, strides, offset }) => {
      const last = dims.reduce((sum, n, d) => sum + (n - 1) * strides[d]!, offset);
      return dims.includes(0) || last < size;
    });
  fc.assert(
    fc.property(views, ({ size, dims, strides, offset }) => {
      const x = leafOf(numbers([size]));
      const y = asStrided(x, dims, strides, offset);
      const at = placesOf(dims).map((place) =>
        place.reduce((sum, i, d) => sum + i * strides[d]!, offset),
      );
      expect(flat(y)).toEqual(at.map((place) => place + 1));
      const sums = new Array<number>(size).fill(0);
      at.forEach((place, i) => {
        sums[place]! += i + 1;
      });
      expect(flat(grad(y, x, { gradOutputs: numbers(dims) }))).toEqual(sums);
    }),
    runs,
  );
});

test('unfold: windows and their gradient', () => {
  const calls = shapes(1, 3).chain((shape) =>
    fc.integer({ min: 0, max: shape.length - 1 }).chain((dim) =>
      fc.record({
        shape: fc.constant(shape),
        dim: fc.constant(dim),
        size: fc.integer({ min: 1, max: shape[dim]! }),
        step: fc.integer({ min: 1, max: 3 }),
        turned: fc.boolean(),
      }),
    ),
  );
  fc.assert(
    fc.property(calls, ({ shape, dim, size, step, turned }) => {
      const x = leafOf(numbers(shape, turned));
      const y = unfold(x, dim, size, step);
      const windows = Math.floor((shape[dim]! - size) / step) + 1;
      const out = [...shape.with(dim, windows), size];
      const at = placesOf(out).map((place) => {
        const source = place.slice(0, -1).with(dim, place[dim]! * step + place.at(-1)!);
        return source.reduce((sum, i, d) => sum * shape[d]! + i, 0);
      });
      expect([y.shape, flat(y)]).toEqual([out, at.map((place) => place + 1)]);
      const sums = new Array<number>(x.numel).fill(0);
      at.forEach((place, i) => {
        sums[place]! += i + 1;
      });
      expect(flat(grad(y, x, { gradOutputs: numbers(out) }))).toEqual(sums);
    }),
    runs,
  );
});

test('three operands that broadcast, and their gradients', () => {
  const drawn = shapes(0, 4, 0).chain((shape) => {
    // A shape that broadcasts to it: some dimensions 1, the first ones perhaps left out.
    const part = fc
      .record({
        ones: fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
        from: fc.integer({ min: 0, max: shape.length }),
        turned: fc.boolean(),
      })
      .map(({ ones, from, turned }) => ({
        shape: shape.map((n, d) => (ones[d] ? 1 : n)).slice(from),
        turned,
      }));
    return fc.tuple(part, part, part);
  });
  fc.assert(
    fc.property(drawn, (parts) => {
      const [a, b, c] = parts.map(({ shape, turned }) => leafOf(numbers(shape, turned)));
      const rank = Math.max(...parts.map(({ shape }) => shape.length));
      const sizes = Array.from({ length: rank }, (_, d) => {
        const all = parts.map(({ shape }) => shape[d - rank + shape.length] ?? 1);
        return all.includes(0) ? 0 : Math.max(...all);
      });
      /** For each place of the result the place of an operand's element. */
      const at = (shape: readonly number[]) =>
        placesOf(sizes).map((place) =>
          shape.reduce((sum, n, d) => {
            return sum * n + (n === 1 ? 0 : place[d + rank - shape.length]!);
          }, 0),
        );
      const places = parts.map(({ shape }) => at(shape));
      const values = places.map((list) => list.map((place) => place + 1));
      const g = numbers(sizes);
      /** Slopes by each operand, at each place of the result. */
      const check = (y: Tensor, want: number[], operands: Tensor[], slopes: number[][]) => {
        expect([y.shape, flat(y)]).toEqual([sizes, want]);
        const got = grad(y, operands, { gradOutputs: g }).map(flat);
        const sums = operands.map((operand, k) => {
          const list = new Array<number>(operand.numel).fill(0);
          const which = [a, b, c].indexOf(operand);
          places[which]!.forEach((place, i) => {
            list[place]! += (i + 1) * slopes[k]![i]!;
          });
          return list;
        });
        expect(got).toEqual(sums);
      };
      const [u, v, w] = values as [number[], number[], number[]];
      const isOdd = a!.detach().remainder(2).eq(1);
      const chosen = u.map((n) => n % 2);
      check(
        where(isOdd, b!, c!),
        chosen.map((n, i) => (n ? v[i]! : w[i]!)),
        [b!, c!],
        [chosen, chosen.map((n) => 1 - n)],
      );
      check(
        addcmul(a!, b!, c!, { value: 2 }),
        u.map((n, i) => n + 2 * v[i]! * w[i]!),
        [a!, b!, c!],
        [u.map(() => 1), w.map((n) => 2 * n), v.map((n) => 2 * n)],
      );
      // Whole numbers: every way to write it rounds nothing.
      check(
        lerp(a!, b!, c!),
        u.map((n, i) => n + w[i]! * (v[i]! - n)),
        [a!, b!, c!],
        [w.map((n) => 1 - n), w, v.map((n, i) => n - u[i]!)],
      );
    }),
    runs,
  );
});

test('reductions over any set of dimensions', () => {
  const drawn = shapes(1, 4).chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      dims: fc.subarray([...shape.keys()], { minLength: 1 }),
      negative: fc.boolean(),
      keepDim: fc.boolean(),
      turned: fc.boolean(),
      dtype: fc.constantFrom('float64' as const, 'float32' as const, 'int32' as const),
    }),
  );
  fc.assert(
    fc.property(drawn, ({ shape, dims, negative, keepDim, turned, dtype }) => {
      // Different whole numbers on both sides of 0.
      const x = numbers(shape, turned).mul(7).remainder(13).sub(6).to(dtype);
      const values = flat(x);
      const dim = dims.map((d) => (negative ? d - shape.length : d));
      const kept = shape.map((n, d) => (dims.includes(d) ? 1 : n));
      const groups = new Map<string, number[]>();
      placesOf(shape).forEach((place, i) => {
        const key = `${place.map((p, d) => (dims.includes(d) ? 0 : p))}`;
        groups.set(key, [...(groups.get(key) ?? []), values[i]!]);
      });
      const lists = [...groups.values()];
      const out = keepDim ? kept : shape.filter((_, d) => !dims.includes(d));
      const want: Record<string, [Tensor, (list: number[]) => number]> = {
        sum: [x.sum({ dim, keepDim }), (list) => list.reduce((p, q) => p + q)],
        amax: [x.amax({ dim, keepDim }), (list) => Math.max(...list)],
        amin: [x.amin({ dim, keepDim }), (list) => Math.min(...list)],
        any: [x.any({ dim, keepDim }), (list) => Number(list.some((v) => v !== 0))],
        all: [x.all({ dim, keepDim }), (list) => Number(list.every((v) => v !== 0))],
        count: [x.countNonzero({ dim }), (list) => list.filter((v) => v !== 0).length],
      };
      for (const [name, [y, of]] of Object.entries(want)) {
        const own = name === 'count' ? shape.filter((_, d) => !dims.includes(d)) : out;
        expect([name, y.shape, flat(y)]).toEqual([name, own, lists.map(of)]);
      }
    }),
    runs,
  );
});

test('scatterReduce beside a loop over the index', () => {
  const drawn = shapes(1, 3).chain((shape) =>
    fc.integer({ min: 0, max: shape.length - 1 }).chain((dim) => {
      const sizes = shape.map((n, d) => fc.integer({ min: 0, max: d === dim ? 5 : n }));
      return fc.tuple(...sizes).chain((own) =>
        fc.record({
          shape: fc.constant(shape),
          dim: fc.constant(dim),
          own: fc.constant(own),
          index: fc.array(fc.integer({ min: 0, max: shape[dim]! - 1 }), {
            minLength: product(own),
            maxLength: product(own),
          }),
          more: fc.integer({ min: 0, max: 2 }),
          reduce: fc.constantFrom('sum', 'mean', 'amax', 'amin', 'prod'),
          includeSelf: fc.boolean(),
          turned: fc.boolean(),
        }),
      );
    }),
  );
  fc.assert(
    fc.property(drawn, ({ shape, dim, own, index, more, reduce, includeSelf, turned }) => {
      const x = numbers(shape, turned).remainder(5).sub(2);
      // The source may be larger than the index.
      const source = numbers(
        own.map((n) => n + more),
        turned,
      )
        .mul(3)
        .remainder(7)
        .sub(3);
      const arriving: number[][] = flat(x).map((v) => (includeSelf ? [v] : []));
      const sent = flat(source.slice(own.map((n): [number, number] => [0, n])));
      placesOf(own).forEach((place, i) => {
        const target = place.with(dim, index[i]!).reduce((sum, p, d) => sum * shape[d]! + p, 0);
        arriving[target]!.push(sent[i]!);
      });
      const reducers: Record<string, (list: number[]) => number> = {
        sum: (list) => list.reduce((p, q) => p + q),
        mean: (list) => list.reduce((p, q) => p + q) / list.length,
        amax: (list) => Math.max(...list),
        amin: (list) => Math.min(...list),
        prod: (list) => list.reduce((p, q) => p * q),
      };
      const want = flat(x).map((v, i) =>
        arriving[i]!.length ? reducers[reduce]!(arriving[i]!) : v,
      );
      const places = own.includes(0)
        ? zeros(own, { dtype: 'int64' })
        : tensor(index, { dtype: 'int64' }).reshape(own);
      const y = scatterReduce(x, dim, places, source, reduce, { includeSelf });
      const plus = (list: number[]) => list.map((v) => v + 0);
      expect([y.shape, plus(flat(y))]).toEqual([shape, plus(want)]);
    }),
    runs,
  );
});
