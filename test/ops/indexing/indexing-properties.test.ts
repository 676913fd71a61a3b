/**
 * Indices of all kinds at once, drawn at random, beside a reference that follows each result back to the
 * element that it names: reading, writing, adding up, and gradients.
 */
import fc from 'fast-check';
import {
  arange,
  grad,
  type IndexSpec,
  index,
  indexPut,
  type SliceSpec,
  slice,
  type Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';

/** What an index does to a dimension of x: positions that it takes, and how they join the result. */
type Part =
  | { readonly kind: 'number'; readonly at: number; readonly asTensor: boolean }
  | {
      readonly kind: 'range';
      readonly start?: number;
      readonly end?: number;
      readonly step: number;
    }
  | { readonly kind: 'new' }
  | { readonly kind: 'list'; readonly shape: readonly number[]; readonly at: readonly number[] }
  | { readonly kind: 'mask'; readonly on: readonly boolean[] };

interface Drawn {
  readonly shape: readonly number[];
  readonly parts: readonly Part[];
  /** Where '...' stands in for nothing, if it does. */
  readonly dots: number | null;
  readonly layout: number;
}

const product = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1);

const position = (size: number) => fc.integer({ min: -size, max: size - 1 });

/** Lists of one index call broadcast: each has 1 or `lanes` columns, and perhaps 2 rows. */
const listFor = (size: number, lanes: number): fc.Arbitrary<Part> =>
  fc
    .constantFrom([lanes], [1], [2, lanes], [2, 1])
    .chain((shape) =>
      fc
        .array(position(size), { minLength: product(shape), maxLength: product(shape) })
        .map((at): Part => ({ kind: 'list', shape, at })),
    );

const partFor = (size: number, lanes: number, basic: boolean): fc.Arbitrary<Part> => {
  const bound = fc.option(fc.integer({ min: -size - 1, max: size + 1 }), { nil: undefined });
  const plain: fc.Arbitrary<Part>[] = [
    fc.record({ kind: fc.constant('number' as const), at: position(size), asTensor: fc.boolean() }),
    fc.record({
      ...{ kind: fc.constant('range' as const), start: bound, end: bound },
      step: fc.constantFrom(1, 2, -1, -2),
    }) as fc.Arbitrary<Part>,
  ];
  if (basic) return fc.oneof(...plain);
  const on = fc.array(fc.boolean(), { minLength: size, maxLength: size });
  return fc.oneof(
    ...plain,
    listFor(size, lanes),
    // A mask is a list as long as it is true, which has to fit the others.
    on
      .filter((list) => [1, lanes].includes(list.filter(Boolean).length))
      .map((list): Part => ({ kind: 'mask', on: list })),
  );
};

const draws = (basic: boolean): fc.Arbitrary<Drawn> =>
  fc
    .record({
      shape: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
      lanes: fc.integer({ min: 1, max: 3 }),
      named: fc.integer({ min: 1, max: 4 }),
      fresh: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 2 }),
      dots: fc.option(fc.integer({ min: 0, max: 4 }), { nil: null }),
      layout: fc.integer({ min: 0, max: 2 }),
    })
    .chain(({ shape, lanes, named, fresh, ...rest }) =>
      fc
        .tuple(...shape.slice(0, named).map((size) => partFor(size, lanes, basic)))
        .map((parts): Drawn => {
          const all = [...parts];
          for (const at of fresh) all.splice(Math.min(at, all.length), 0, { kind: 'new' });
          // '...' is only drawn where all dimensions are named, so that the reference needn't know it.
          return { shape, parts: all, ...rest, dots: named < shape.length ? null : rest.dots };
        }),
    );

/** 0, 1, 2... as a tensor of that shape, in three layouts. */
function counting(shape: readonly number[], layout: number): Tensor {
  const x = arange(product(shape), { dtype: 'float64' }).reshape([...shape]);
  if (layout === 0) return x;
  if (layout === 1) return x.transpose(0, -1).contiguous().transpose(0, -1);
  const wide = zeros([...shape, 2], { dtype: 'float64' });
  wide.set('...', 1, x);
  return wide.select(-1, 1);
}

function specsOf({ parts, dots }: Drawn): IndexSpec[] {
  const specs = parts.map((part): IndexSpec => {
    if (part.kind === 'new') return 'newaxis';
    if (part.kind === 'number')
      return part.asTensor ? tensor(part.at, { dtype: 'int32' }) : part.at;
    if (part.kind === 'range') return `${part.start ?? ''}:${part.end ?? ''}:${part.step}`;
    if (part.kind === 'mask') return tensor([...part.on]);
    return tensor([...part.at], { dtype: 'int64' }).reshape([...part.shape]);
  });
  if (dots !== null) specs.splice(Math.min(dots, specs.length), 0, '...');
  return specs;
}

/** The positions of a range, as Python has them. */
function positionsOf({ start, end, step }: Part & { kind: 'range' }, size: number): number[] {
  const from = (bound: number) => (bound < 0 ? bound + size : bound);
  const list: number[] = [];
  if (step > 0) {
    const stop = Math.min(end === undefined ? size : from(end), size);
    for (let i = Math.max(start === undefined ? 0 : from(start), 0); i < stop; i += step)
      list.push(i);
  } else {
    const stop = Math.max(end === undefined ? -1 : from(end), -1);
    for (
      let i = Math.min(start === undefined ? size - 1 : from(start), size - 1);
      i > stop;
      i += step
    ) {
      list.push(i);
    }
  }
  return list;
}

/** An axis of the result: how long it is, and what each place adds to the place in x. */
interface Axis {
  readonly adds: readonly number[];
}

/** The result's shape and the element of x that each of its places names, in row-major order. */
function named({ shape, parts }: Drawn): { shape: number[]; places: number[] } {
  const strides = shape.map((_, d) => product(shape.slice(d + 1)));
  const own: (Axis | 'list')[] = [];
  const lists: { shape: readonly number[]; adds: number[] }[] = [];
  let base = 0;
  let d = 0;
  const wrap = (at: number, size: number) => (at < 0 ? at + size : at);
  const list = (
    listShape: readonly number[],
    at: readonly number[],
    size: number,
    stride: number,
  ) => {
    own.push('list');
    lists.push({ shape: listShape, adds: at.map((i) => wrap(i, size) * stride) });
  };
  for (const part of parts) {
    const [size, stride] = [shape[d] ?? 1, strides[d] ?? 1];
    if (part.kind === 'new') own.push({ adds: [0] });
    else d++;
    if (part.kind === 'number') base += wrap(part.at, size) * stride;
    if (part.kind === 'range') own.push({ adds: positionsOf(part, size).map((i) => i * stride) });
    if (part.kind === 'list') list(part.shape, part.at, size, stride);
    if (part.kind === 'mask') {
      const at = part.on.flatMap((isOn, i) => (isOn ? [i] : []));
      list([at.length], at, size, stride);
    }
  }
  for (; d < shape.length; d++) {
    own.push({ adds: Array.from({ length: shape[d]! }, (_, i) => i * strides[d]!) });
  }
  // What the lists broadcast to, as one axis that is taken apart at the end.
  const common: number[] = [];
  for (const { shape: listShape } of lists) {
    listShape.toReversed().forEach((n, k) => {
      common[k] = Math.max(common[k] ?? 1, n);
    });
  }
  common.reverse();
  const joined: Axis = {
    adds: Array.from({ length: product(common) }, (_, flat) =>
      lists.reduce((sum, { shape: listShape, adds }) => {
        let [rest, place, step] = [flat, 0, 1];
        for (let k = 1; k <= common.length; k++) {
          const at = rest % common.at(-k)!;
          rest = Math.floor(rest / common.at(-k)!);
          const n = listShape.at(-k) ?? 1;
          if (n > 1) place += at * step;
          step *= n;
        }
        return sum + adds[place]!;
      }, 0),
    ),
  };
  // Side by side the lists' dimensions come in their place, otherwise first.
  const first = own.indexOf('list');
  const together = own.lastIndexOf('list') - first + 1 === lists.length;
  const axes = own.filter((axis) => axis !== 'list');
  const lengths = axes.map(({ adds }) => adds.length);
  if (lists.length > 0) {
    axes.splice(together ? first : 0, 0, joined);
    lengths.splice(together ? first : 0, 0, ...common);
  }
  const places = axes.reduce(
    (found, { adds }) => found.flatMap((place) => adds.map((add) => place + add)),
    [base],
  );
  return { shape: lengths, places };
}

const flat = (x: Tensor): number[] => [...(x.contiguous().data as Float64Array)];
const runs = { numRuns: 300, seed: 20261122 };

/** Different numbers in the result's shape. */
const numbers = (shape: readonly number[]): Tensor =>
  arange(1, product(shape) + 1, { dtype: 'float64' }).reshape([...shape]);

describe('indices drawn at random', () => {
  test('index names the same elements as the reference, and its gradient adds up at them', () => {
    fc.assert(
      fc.property(draws(false), (drawn) => {
        const want = named(drawn);
        const x = counting(drawn.shape, drawn.layout);
        const specs = specsOf(drawn);
        const y = index(x, specs);
        expect([y.shape, flat(y)]).toEqual([want.shape, want.places]);
        const leaf = x.clone();
        leaf.requiresGrad = true;
        const g = numbers(want.shape);
        const sums = new Array<number>(x.numel).fill(0);
        want.places.forEach((place, i) => {
          sums[place]! += i + 1;
        });
        expect(flat(grad(index(leaf, specs), leaf, { gradOutputs: g }))).toEqual(sums);
      }),
      runs,
    );
  });

  test('indexPut writes the last value that names an element, or adds all of them; set does so in place', () => {
    fc.assert(
      fc.property(draws(false), (drawn) => {
        const want = named(drawn);
        const x = counting(drawn.shape, drawn.layout);
        const specs = specsOf(drawn);
        const values = numbers(want.shape);
        const [last, sums] = [flat(x), flat(x)];
        want.places.forEach((place, i) => {
          last[place] = i + 1;
          sums[place]! += i + 1;
        });
        expect(flat(indexPut(x, specs, values))).toEqual(last);
        expect(flat(indexPut(x, specs, values, { accumulate: true }))).toEqual(sums);
        expect(flat(x.set(...specs, values))).toEqual(last);
      }),
      runs,
    );
  });

  test('slice, whose ranges may go backwards, is index without lists', () => {
    fc.assert(
      fc.property(draws(true), (drawn) => {
        const want = named(drawn);
        const parts = drawn.parts.map((part) =>
          part.kind === 'number' ? { ...part, asTensor: false } : part,
        );
        const specs = specsOf({ ...drawn, parts }) as SliceSpec[];
        const leaf = counting(drawn.shape, 0);
        leaf.requiresGrad = true;
        const y = slice(leaf, specs);
        expect([y.shape, flat(y.detach())]).toEqual([want.shape, want.places]);
        const sums = new Array<number>(leaf.numel).fill(0);
        want.places.forEach((place, i) => {
          sums[place]! += i + 1;
        });
        expect(flat(grad(y, leaf, { gradOutputs: numbers(want.shape) }))).toEqual(sums);
      }),
      runs,
    );
  });
});
