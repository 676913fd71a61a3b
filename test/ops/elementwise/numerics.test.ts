import * as tilegrad from 'tilegrad';
import { randn, type Tensor, tensor } from 'tilegrad';
import { describe, expect, it, test } from 'vitest';
import {
  type Bound,
  epsilon,
  exact,
  expectGolden,
  Fixture,
  type GoldenCase,
  gradients,
  largest,
  type StoredCase,
  toTensor,
} from '../../golden.js';

interface Options {
  readonly [name: string]: unknown;
}
interface StoredValue {
  op: string;
  dtype: 'float32' | 'float64';
  options?: Options;
  inputs: number[];
  output: number;
}

const fixture = new Fixture<{ cases: StoredCase<Options>[]; values: StoredValue[] }>('numerics');
const functions = new Map<string, unknown>(Object.entries(tilegrad));

type Call = (...args: unknown[]) => Tensor;

/** The call of a case: options as the fixture has them, tensors where the function takes tensors. */
function run(op: string, options: Options, dtype: string, inputs: readonly Tensor[]): Tensor {
  const call = functions.get(op.replace(' edges', '')) as Call;
  const [x, y, z] = inputs as [Tensor, Tensor, Tensor];
  switch (op) {
    case 'diff':
      return options.both ? call(x, { prepend: y, append: z }) : call(x, options);
    case 'trapezoid':
    case 'cumulativeTrapezoid':
      return call(x, y === undefined ? options : { ...options, x: y });
    case 'cov': {
      const { fweights, aweights, ...rest } = options;
      return call(x, {
        ...rest,
        ...(fweights !== undefined && {
          fweights: tensor(fweights as number[], { dtype: 'int32' }),
        }),
        ...(aweights !== undefined && {
          aweights: tensor(aweights as number[], { dtype: dtype as 'float32' }),
        }),
      });
    }
    case 'quantile':
    case 'nanquantile': {
      const { q, ...rest } = options;
      return call(x, q, rest);
    }
    case 'median':
    case 'nanmedian':
    case 'mode': {
      if (options.dim === undefined) return call(x);
      return (call(x, options) as unknown as tilegrad.ValuesAndIndices).values;
    }
    case 'histogram':
    case 'histogram edges': {
      const { bins, ...rest } = options;
      const result = call(x, bins, { ...rest, ...(y && { weight: y }) });
      const { hist, binEdges } = result as unknown as tilegrad.Histogram;
      return op === 'histogram' ? hist : binEdges;
    }
    case 'cdist':
      return call(x, y, { ...options, ...('p' in options && { p: Number(options.p) }) });
    case 'corrcoef':
      return call(x);
    default:
      return call(...inputs, options);
  }
}

/** Only reads and compares. */
const CHOOSES = new Set(['median', 'nanmedian', 'mode', 'histc']);

function boundOf(c: GoldenCase<Options>): Bound {
  if (CHOOSES.has(c.op)) return exact;
  const size = [...c.inputs, c.gradOutput, c.output, ...c.gradInputs].reduce(
    (most, x) => Math.max(most, largest(x)),
    1,
  );
  const terms = 8 + Math.max(...c.inputs.map(({ data }) => data.length));
  return () => terms * epsilon[c.dtype] * size * size;
}

describe('golden numerics', () => {
  for (const [index, stored] of fixture.content.cases.entries()) {
    const c = fixture.case(stored);
    const shapes = c.inputs.map(({ shape }) => `[${shape}]`).join(' ');
    it(`${index}: ${c.op} ${shapes} ${JSON.stringify(c.options)} ${c.dtype}`, () => {
      const inputs = c.inputs.map((x) => toTensor(x, c.dtype, true));
      const y = run(c.op, c.options ?? {}, c.dtype, inputs);
      const bound = boundOf(c);
      expectGolden(y, c.output, bound, 'output');
      for (const [i, g] of gradients(y, c.gradOutput, c.dtype, inputs).entries()) {
        expectGolden(g, c.gradInputs[i]!, bound, `gradient of input ${i}`);
      }
    });
  }
});

describe('golden counts and indices', () => {
  for (const [index, stored] of fixture.content.values.entries()) {
    const { op, options = {}, dtype } = stored;
    const inputs = stored.inputs.map((i) => fixture.tensor(i));
    it(`${index}: ${op} [${inputs[0]!.shape}] ${JSON.stringify(options)} ${dtype}`, () => {
      const tensors = inputs.map((x) => toTensor(x, dtype));
      const want = fixture.tensor(stored.output);
      if (op === 'median' || op === 'nanmedian' || op === 'mode') {
        const call = functions.get(op) as (x: Tensor, o: Options) => tilegrad.ValuesAndIndices;
        const { values, indices } = call(tensors[0]!, options);
        expect(indices.dtype).toBe('int32');
        // Of equal elements PyTorch's place isn't defined: what counts is that it holds the value.
        const read = tilegrad.takeAlongDim(tensors[0]!, indices.unsqueeze(options.dim as number), {
          dim: options.dim as number,
        });
        expect(read.squeeze(options.dim as number).toArray()).toEqual(values.toArray());
        if (op !== 'mode') expectGolden(indices, want, exact, 'indices');
        return;
      }
      const y = run(op, options, dtype, tensors);
      const isCount = options.density !== true && op !== 'histogram edges';
      const bound = () => 16 * epsilon[dtype] * largest(want);
      expectGolden(y, want, isCount ? exact : bound, 'output');
    });
  }
});

test('histograms count what a loop counts', () => {
  for (const dtype of ['float32', 'float64'] as const) {
    for (const n of [0, 1, 17, 1000]) {
      const x = randn([n], { dtype });
      const edges = [-2, -1.5, -0.1, -0.1, 0, 0.3, 2.5];
      const { hist } = tilegrad.histogram(x, edges);
      const rounded = edges.map((edge) => (dtype === 'float32' ? Math.fround(edge) : edge));
      const want = new Array<number>(edges.length - 1).fill(0);
      for (const v of x.data) {
        const at = rounded.findLastIndex((edge) => edge <= Number(v));
        if (at >= 0 && Number(v) < 2.5) want[at]!++;
      }
      expect(hist.toArray()).toEqual(want);
    }
  }
});

test('medians and modes of integers', () => {
  const x = tensor(
    [
      [3, 1, 2, 1],
      [5, 5, 4, 4],
    ],
    { dtype: 'int32' },
  );
  expect(tilegrad.median(x).item()).toBe(3);
  expect(tilegrad.median(x, { dim: 1 }).values.toArray()).toEqual([1, 4]);
  expect(tilegrad.mode(x).values.toArray()).toEqual([1, 4]);
  expect(tilegrad.mode(x).indices.toArray()).toEqual([3, 3]);
  expect(tilegrad.mode(x, { keepDim: true }).values.shape).toEqual([2, 1]);
});

test('quantiles of many sizes by their definition', () => {
  for (let n = 1; n <= 67; n++) {
    const x = randn([n], { dtype: 'float64' });
    const sorted = Array.from(x.data, Number).sort((a, b) => a - b);
    for (const q of [0, 0.1, 0.5, 0.9, 1]) {
      const place = q * (n - 1);
      const [low, high] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
      const want = low + (high - low) * (place - Math.floor(place));
      expect(Math.abs(tilegrad.quantile(x, q).item() - want)).toBeLessThan(1e-14);
    }
  }
});

test('a quantile has a gradient by q', () => {
  const x = tensor([1, 4, 9, 16], { dtype: 'float64' });
  const q = tensor(0.5, { dtype: 'float64', requiresGrad: true });
  tilegrad.quantile(x, q).backward();
  // Between the places 1 and 2 of 3: a slope of 3 (9 - 4).
  expect(q.grad!.item()).toBe(15);
});

test('distances through the matrix product are those of the differences', () => {
  const [a, b] = [randn([30, 5], { dtype: 'float64' }), randn([7, 5], { dtype: 'float64' })];
  const near = tilegrad.cdist(a, b, { computeMode: 'donotUseMmForEuclidDist' });
  const off = tilegrad.cdist(a, b).sub(near).abs().amax().item();
  expect(off).toBeLessThan(1e-14 * 8);
  expect(off).toBeGreaterThan(0); // otherwise both took one path
});
