import * as tilegrad from 'tilegrad';
import { type DType, enableGrad, grad, gradcheck, type Tensor, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import {
  type Bound,
  epsilon,
  exact,
  expectGolden,
  Fixture,
  type FloatType,
  type Golden,
  gradients,
  largest,
  type StoredCase,
  toTensor,
} from '../../golden.js';
import { type Fn, input, layouts } from '../../operations/gradients.js';
import { joins } from '../../operations/join.js';
import { partViews } from '../../operations/parts.js';
import { shapeViews } from '../../operations/shape.js';

/** Every option of every case; each operation has its own. */
interface Options {
  shape: number[];
  strides: number[];
  offset: number;
  source: number[];
  destination: number[];
  dim: number;
  dim1: number;
  dim2: number;
  dims: number[];
  sizes: number[];
  index: number;
  start: number;
  end: number;
  step: number;
  steps: number;
  base: number;
  length: number;
  size: number;
  counts: number[];
  repeats: number | number[];
  k: number;
  shifts: number | number[];
  diagonal: number;
  n: number;
  increasing: boolean;
  r: number;
  withReplacement: boolean;
  pads: number[];
  mode: tilegrad.PadMode;
  value: number | string;
  rows: number;
  columns: number;
}

interface Values {
  op: string;
  dtype: DType;
  options: Options;
  inputs: number[];
  output: number;
}

const fixture = new Fixture<{ cases: StoredCase<Options>[]; values: Values[] }>('shape');

type Run = (inputs: readonly Tensor[], o: Options, dtype: DType) => Tensor;

/** Only the options that a case has. */
const some = <K extends keyof Options>(o: Options, ...names: K[]): Partial<Pick<Options, K>> =>
  Object.fromEntries(names.filter((name) => name in o).map((name) => [name, o[name]])) as never;

const runs: Record<string, Run> = {
  expand: ([x], o) => x!.expand(o.shape),
  reshape: ([x], o) => x!.t().reshape(o.shape),
  movedim: ([x], o) => x!.movedim(o.source, o.destination),
  unflatten: ([x], o) => x!.unflatten(o.dim, o.sizes),
  select: ([x], o) => x!.select(o.dim, o.index),
  narrow: ([x], o) => x!.narrow(o.dim, o.start, o.length),
  unfold: ([x], o) => x!.unfold(o.dim, o.size, o.step),
  asStrided: ([x], o) => x!.asStrided(o.shape, o.strides, o.offset),
  diagonal: ([x], o) => x!.diagonal(o),
  diagEmbed: ([x], o) => x!.diagEmbed(o),
  diag: ([x], o) => x!.diag(o.offset),
  diagflat: ([x], o) => x!.diagflat(o.offset),
  concat: (list, o) => tilegrad.concat(list.length === 1 ? [list[0]!, list[0]!] : list, o.dim),
  stack: (list, o) => tilegrad.stack(list, o.dim),
  hstack: (list) => tilegrad.hstack(list),
  vstack: (list) => tilegrad.vstack(list),
  dstack: (list) => tilegrad.dstack(list),
  blockDiag: (list) => tilegrad.blockDiag(list),
  repeat: ([x], o) => x!.repeat(o.counts),
  tile: ([x], o) => x!.tile(o.counts),
  repeatInterleave: ([x], o) => x!.repeatInterleave(o.repeats, some(o, 'dim')),
  flip: ([x], o) => x!.flip(o.dims),
  rot90: ([x], o) => x!.rot90(o.k, o.dims),
  roll: ([x], o) => x!.roll(o.shifts, o.dims),
  tril: ([x], o) => x!.tril(o.diagonal),
  triu: ([x], o) => x!.triu(o.diagonal),
  cartesianProd: (list) => tilegrad.cartesianProd(list),
  combinations: ([x], o) => tilegrad.combinations(x!, o.r, some(o, 'withReplacement')),
  pad: ([x], o) =>
    x!.pad(o.pads, {
      ...some(o, 'mode'),
      ...('value' in o ? { value: Number(o.value) } : {}),
    }),
  vander: (_, { n, increasing }, dtype) =>
    tilegrad.vander(tensor([2, -0.5, 0, 3], { dtype }), { n, increasing }),
  linspace: (_, o, dtype) => tilegrad.linspace(o.start, o.end, o.steps, { dtype }),
  logspace: (_, o, dtype) => tilegrad.logspace(o.start, o.end, o.steps, { dtype, base: o.base }),
  arange: (_, o, dtype) => tilegrad.arange(o.start, o.end, o.step, { dtype }),
  trilIndices: (_, o) => tilegrad.trilIndices(o.rows, o.columns, o.offset),
  triuIndices: (_, o) => tilegrad.triuIndices(o.rows, o.columns, o.offset),
};

const run = (op: string): Run => {
  const found = runs[op];
  if (found === undefined) throw new Error(`no ${op}`);
  return found;
};

/**
 * Sums of up to 9 gradients, which PyTorch adds in another order; everything else is only moved, and
 * exact.
 */
const added: Bound = (_, expected) => 9 * epsilon.float64 * Math.max(4, Math.abs(expected));

describe('golden shapes with gradients', () => {
  test.each(
    fixture.content.cases.map((stored): [string, StoredCase<Options>] => [
      `${stored.op} ${JSON.stringify(stored.options)} ${stored.dtype}`,
      stored,
    ]),
  )('%s', (label, stored) => {
    const c = fixture.case(stored);
    const inputs = c.inputs.map((golden) => toTensor(golden, c.dtype, true));
    const y = run(c.op)(inputs, c.options as Options, c.dtype);
    expectGolden(y, c.output, exact, label);
    const scale = epsilon[c.dtype] / epsilon.float64;
    gradients(y, c.gradOutput, c.dtype, inputs).forEach((g, i) => {
      const bound: Bound = (index, value) => scale * added(index, value);
      expectGolden(g, c.gradInputs[i]!, bound, `${label}: gradient ${i}`);
    });
  });
});

/** A tensor of any dtype with a fixture's values. */
function anyTensor({ shape, data }: Golden, dtype: DType): Tensor {
  return tensor([...data], { dtype }).reshape(shape);
}

describe('golden values of all dtypes', () => {
  /** Ranges are rounded once here, and after each step there; powers have PyTorch's own rounding. */
  const bounds: Record<string, (golden: Golden, dtype: FloatType, o: Options) => Bound> = {
    linspace: (golden, dtype) => () => 2 * epsilon[dtype] * largest(golden),
    arange: (golden, dtype) => () => epsilon[dtype] * largest(golden),
    // An exponent off by its last bit changes the power by so much of it.
    logspace:
      (_, dtype, { start, end, base }) =>
      (_, value) =>
        4 * epsilon[dtype] * Math.max(1, Math.abs(start), Math.abs(end)) * Math.log(base) * value,
    vander: (golden, dtype) => () => 2 * epsilon[dtype] * largest(golden),
  };
  test.each(
    fixture.content.values.map((stored): [string, Values] => [
      `${stored.op} ${JSON.stringify(stored.options)} ${stored.dtype}`,
      stored,
    ]),
  )('%s', (label, { op, dtype, options, inputs, output }) => {
    const list = inputs.map((i) => anyTensor(fixture.tensor(i), dtype));
    const golden = fixture.tensor(output);
    const y = run(op)(list, options, dtype);
    expect(y.dtype).toBe(dtype);
    const isFloat = dtype === 'float32' || dtype === 'float64';
    const bound = isFloat ? (bounds[op]?.(golden, dtype, options) ?? exact) : exact;
    expectGolden(y, golden, bound, label);
  });
});

describe('gradients of gradients', () => {
  const operations = { ...shapeViews.operations, ...partViews.operations, ...joins.operations };
  test.each(Object.entries(operations))('%s', (_, { gradients: cases }) => {
    for (const { fn, shapes } of cases as Exclude<typeof cases, 'none'>) {
      for (const layout of layouts) {
        // The gradient of a sum of squares depends on the result, so that the rule is recorded.
        const first: Fn = (...inputs) =>
          enableGrad(() => {
            const y = fn(...inputs);
            const gs = grad(y.square().sum(), inputs, { createGraph: true });
            return gs.map((g, i) => g.mul(i + 1).sum()).reduce((a, b) => a.add(b));
          });
        gradcheck(
          first,
          shapes.map((shape) => input(shape, layout)),
          { tolerance: 1e-5 },
        );
      }
    }
  });
});
