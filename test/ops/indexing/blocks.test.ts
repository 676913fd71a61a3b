/**
 * Loops that go in blocks of 64 indices, masks or elements: lengths around a block, and what is wrong or
 * left out in each part of one.
 */
import * as tilegrad from 'tilegrad';
import { randn, type Tensor, tensor, zeros } from 'tilegrad';
import { afterEach, expect, test } from 'vitest';
import { expectError } from '../../helpers/errors.js';
import { generator } from '../../helpers/generator.js';

const random = generator(5);
const threads = tilegrad.getNumThreads();
afterEach(() => {
  tilegrad.setNumThreads(threads);
});

const lengths = [1, 63, 64, 65, 128, 200];
const ints = (n: number, below: number) =>
  Int32Array.from({ length: n }, () => Math.floor(random() * below));
const every = (x: Tensor, step: number) => x.slice([[null, null, step]]);

test('gather, scatter and their kin read indices of any length and step', () => {
  for (const n of lengths) {
    for (const step of [1, 2]) {
      const index = every(tensor(ints(n * step, 50)), step);
      const at = index.toArray() as number[];
      const table = randn([50]);
      const x = table.toArray() as number[];
      expect(table.gather(0, index).toArray()).toEqual(at.map((i) => x[i]));
      expect(tilegrad.take(table, index.sub(50)).toArray()).toEqual(at.map((i) => x[i]));
      const values = every(randn([n * step]), step);
      const v = values.toArray() as number[];
      const put = [...x];
      const most = [...x];
      for (const [k, i] of at.entries()) {
        put[i] = v[k]!;
        most[i] = Math.max(most[i]!, v[k]!);
      }
      expect(table.scatter(0, index, values).toArray()).toEqual(put);
      expect(tilegrad.put(table, index, values).toArray()).toEqual(put);
      expect(table.scatterReduce(0, index, values, 'amax').toArray()).toEqual(most);
      const counts = new Array<number>(50).fill(0);
      for (const i of at) counts[i]!++;
      expect(tilegrad.bincount(index, { minlength: 50 }).toArray()).toEqual(counts);
    }
  }
});

test('one index outside is found wherever it stands, and nothing is written', () => {
  const table = randn([50]);
  for (const n of [64, 65, 150]) {
    for (const place of [0, 40, 63, n - 1]) {
      for (const wrong of [-1, 50, 2 ** 31 - 1, -(2 ** 31)]) {
        const list = ints(n, 50);
        list[place] = wrong;
        const index = tensor(list);
        const values = zeros([n]);
        const name = `index ${wrong} is outside a dimension of size 50`;
        expectError(() => table.gather(0, index), 'ERR_INDEX', name);
        expectError(() => table.scatter(0, index, values), 'ERR_INDEX', name);
        const before = table.toArray();
        if (wrong !== -1) {
          expectError(() => tilegrad.take(table, index), 'ERR_INDEX', String(wrong));
          expectError(() => table.indexPut_([index], values), 'ERR_INDEX', String(wrong));
        }
        expect(table.toArray()).toEqual(before);
      }
    }
  }
});

test('a row that is not learned is left out of blocks, on any number of threads', () => {
  for (const columns of [1, 3, 300]) {
    const tokens = ints(500, 7);
    const weight = randn([7, columns], { requiresGrad: true });
    for (const count of [1, 2, 3]) {
      tilegrad.setNumThreads(count);
      weight.zeroGrad();
      tilegrad.embedding(weight, tensor(tokens), { paddingIdx: 2 }).sum().backward();
      const times = [0, 1, 2, 3, 4, 5, 6].map((row) =>
        row === 2 ? 0 : tokens.filter((token) => token === row).length,
      );
      expect(weight.grad?.slice([null, 0]).toArray()).toEqual(times);
    }
  }
});

test('NaN wins maxima and minima in whichever order it comes, and zeros keep their sign', () => {
  for (const list of [
    [1, Number.NaN, 3],
    [Number.NaN, 1, 2],
    [1, 2, Number.NaN],
  ]) {
    for (const reduce of ['amax', 'amin'] as const) {
      for (const dtype of ['float32', 'float64'] as const) {
        const y = zeros([1], { dtype }).scatterReduce(
          0,
          [0, 0, 0],
          tensor(list, { dtype }),
          reduce,
        );
        expect(y.toArray()).toEqual([Number.NaN]);
      }
    }
  }
  const y = tensor([-0]).scatterReduce(0, [0], tensor([0]), 'amax');
  expect(Object.is((y.toArray() as number[])[0], -0)).toBe(true);
});

test('masks of any length and step choose, scatter and count', () => {
  for (const n of [...lengths, 600]) {
    for (const shape of [[n], [n, 3], [2, n, 1]]) {
      const size = shape.reduce((a, b) => a * b, 1);
      const x = randn([size]).reshape(shape);
      const mask = tensor(ints(size, 2)).to('bool').reshape(shape);
      const bits = (mask.reshape([size]).toArray() as boolean[]).map(Boolean);
      const list = x.reshape([size]).toArray() as number[];
      const hits = bits.flatMap((bit, i) => (bit ? [i] : []));
      expect(x.maskedSelect(mask).toArray()).toEqual(hits.map((i) => list[i]));
      const coordinates = hits.map((i) => {
        let rest = i;
        return shape.map((_, d) => {
          const inner = shape.slice(d + 1).reduce((a, b) => a * b, 1);
          const at = Math.floor(rest / inner);
          rest %= inner;
          return at;
        });
      });
      expect(tilegrad.nonzero(mask).toArray()).toEqual(coordinates);
      const source = randn([size]);
      const from = source.toArray() as number[];
      const want = list.map((v, i) => (bits[i] ? from[hits.indexOf(i)] : v));
      expect(x.maskedScatter(mask, source).reshape([size]).toArray()).toEqual(want);
    }
  }
});

test('runs of equal elements, with and without what else may be asked for', () => {
  for (const n of [...lengths, 129]) {
    for (const different of [1, 2, 50, Number.POSITIVE_INFINITY]) {
      for (const dtype of ['float32', 'float64', 'int32', 'int64', 'uint8', 'float16'] as const) {
        const list = Array.from({ length: n }, (_, i) =>
          different === Number.POSITIVE_INFINITY ? i : Math.floor(random() * different),
        );
        const x = tensor(list, { dtype: dtype === 'uint8' ? 'int32' : dtype }).to(dtype);
        const starts = list.flatMap((v, i) => (i === 0 || v !== list[i - 1] ? [i] : []));
        const want = starts.map((i) => list[i]!);
        const alone = tilegrad.uniqueConsecutive(x).values.to('float64');
        expect(alone.toArray()).toEqual(want);
        const all = tilegrad.uniqueConsecutive(x, { returnInverse: true, returnCounts: true });
        expect(all.values.to('float64').toArray()).toEqual(want);
        const ends = [...starts.slice(1), n];
        expect(all.counts.toArray()).toEqual(starts.map((start, k) => ends[k]! - start));
        let group = -1;
        expect(all.inverse.toArray()).toEqual(
          list.map((v, i) => (i === 0 || v !== list[i - 1] ? ++group : group)),
        );
      }
    }
  }
  const zerosAndNan = tensor([-0, 0, Number.NaN, Number.NaN, ...new Array<number>(70).fill(1)]);
  const { values } = tilegrad.uniqueConsecutive(zerosAndNan);
  expect(values.toArray()).toEqual([-0, Number.NaN, Number.NaN, 1]);
});

test('searches in sequences of any length, with ties and NaN', () => {
  for (let n = 1; n <= 40; n++) {
    for (const dtype of ['float32', 'float64'] as const) {
      const list = [...ints(n, 12)].sort((a, b) => a - b);
      if (n % 3 === 0) list[n - 1] = Number.NaN;
      const points = [...Array(14).keys()].map((i) => i - 1);
      const places = (right: boolean) =>
        tilegrad
          .searchsorted(tensor(list, { dtype }), tensor([...points, Number.NaN], { dtype }), {
            right,
          })
          .toArray();
      const count = (isBefore: (v: number) => boolean) => list.filter(isBefore).length;
      const numbers = count((v) => !Number.isNaN(v));
      expect(places(false)).toEqual([...points.map((p) => count((v) => v < p)), numbers]);
      expect(places(true)).toEqual([...points.map((p) => count((v) => v <= p)), n]);
    }
  }
});

test('counts of bins of one width are those of their edges, weights add up in order', () => {
  for (const dtype of ['float32', 'float64'] as const) {
    for (const [n, bins] of [
      [1, 1],
      [63, 5],
      [64, 100],
      [5000, 7],
      [5000, 3000],
    ] as const) {
      const x = randn([n], { dtype });
      x.set(0, Number.NaN);
      const weight = randn([n], { dtype });
      const { hist, binEdges } = tilegrad.histogram(x, bins, { range: [-1, 1] });
      const byEdges = tilegrad.histogram(x, binEdges);
      expect(hist.toArray()).toEqual(byEdges.hist.toArray());
      const edges = binEdges.toArray() as number[];
      const [list, factors] = [x.toArray(), weight.toArray()] as [number[], number[]];
      const counts = new Array<number>(bins).fill(0);
      const sums = new Array<number>(bins).fill(0);
      const round = dtype === 'float32' ? Math.fround : (v: number) => v;
      for (const [i, v] of list.entries()) {
        if (!(v >= edges[0]! && v <= edges[bins]!)) continue;
        const at = Math.min(
          edges.findLastIndex((edge) => edge <= v),
          bins - 1,
        );
        counts[at]!++;
        sums[at] = round(sums[at]! + factors[i]!);
      }
      expect(hist.toArray()).toEqual(counts);
      const weighted = tilegrad.histogram(x, bins, { range: [-1, 1], weight });
      expect(weighted.hist.toArray()).toEqual(sums);
    }
  }
  const x = randn([100_000]);
  const want = tilegrad.histc(x, { bins: 50, min: -2, max: 2 }).toArray();
  for (const count of [1, 2, 3]) {
    tilegrad.setNumThreads(count);
    expect(tilegrad.histc(x, { bins: 50, min: -2, max: 2 }).toArray()).toEqual(want);
  }
});

test('medians and quantiles of every line are those of the sorted line', () => {
  for (const shape of [
    [3, 10, 4],
    [2, 33, 3],
    [300, 257],
  ]) {
    for (const dtype of ['float32', 'float64', 'int32'] as const) {
      const x = randn(shape, { dtype: dtype === 'int32' ? 'float32' : dtype })
        .mul(4)
        .to(dtype);
      const floating = dtype !== 'int32';
      for (const dim of [0, 1]) {
        const n = shape[dim]!;
        const sorted = x.sort({ dim });
        const middle = Math.floor((n - 1) / 2);
        const median = x.median({ dim });
        expect(median.indices.toArray()).toEqual(
          tilegrad.narrow(sorted.indices, dim, middle, 1).squeeze(dim).toArray(),
        );
        if (!floating) continue;
        for (const qs of [[0.5], [0, 0.25, 1], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]]) {
          const found = tilegrad.quantile(x, qs, { dim, interpolation: 'lower' });
          for (const [k, q] of qs.entries()) {
            const share = dtype === 'float32' ? Math.fround(Math.fround(q) * (n - 1)) : q * (n - 1);
            const line = tilegrad.narrow(sorted.values, dim, Math.floor(share), 1).squeeze(dim);
            expect(found.slice([k]).toArray()).toEqual(line.toArray());
          }
        }
      }
    }
  }
});

test('NaN in a line is its median, the first one of several, unless it is left out', () => {
  const x = tensor([
    [3, Number.NaN, 1, Number.NaN, 2],
    [3, 0, 1, 5, 2],
    new Array<number>(5).fill(Number.NaN),
  ]);
  expect(x.median({ dim: 1 }).indices.toArray()).toEqual([1, 4, 0]);
  expect(x.nanmedian({ dim: 1 }).indices.toArray()).toEqual([4, 4, 0]);
  expect(x.nanmedian({ dim: 1 }).values.toArray()).toEqual([2, 2, Number.NaN]);
  expect(tilegrad.quantile(x, 0.5, { dim: 1 }).toArray()).toEqual([Number.NaN, 2, Number.NaN]);
  expect(tilegrad.nanquantile(x, 0.5, { dim: 1 }).toArray()).toEqual([2, 2, Number.NaN]);
});
