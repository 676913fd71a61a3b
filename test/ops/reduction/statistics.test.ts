/** Products, variances, norms, logsumexp, extrema with indices and scans against PyTorch's numbers. */

import type { Tensor } from 'tilegrad';
import { describe, it } from 'vitest';
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
  smallestNormal,
  toTensor,
} from '../../golden.js';

interface Options {
  dim: number | number[] | null;
  keepDim?: boolean;
  correction?: number;
  p?: number | string;
}

type ValueCase = Omit<StoredCase<Options>, 'gradOutput' | 'gradInputs'>;

const fixture = new Fixture<{ cases: StoredCase<Options>[]; values: ValueCase[] }>('statistics');

const scans = ['cumsum', 'cumprod', 'logcumsumexp'] as const;

function run(op: string, x: Tensor, { dim, ...rest }: Options): Tensor {
  const options = {
    ...rest,
    ...(dim !== null && { dim }),
    ...(rest.p !== undefined && { p: Number(rest.p) }),
  } as never;
  if (op.endsWith('Indices')) return indices(op.slice(0, -'Indices'.length), x, dim, options);
  if ((scans as readonly string[]).includes(op)) return x[op as 'cumsum'](dim as number);
  if (op === 'cummax' || op === 'cummin') return x[op](dim as number).values;
  if (op === 'max' || op === 'min') return x[op](options as { dim: number }).values;
  return x[op as 'prod'](options);
}

function indices(op: string, x: Tensor, dim: Options['dim'], options: never): Tensor {
  return op.startsWith('cum')
    ? x[op as 'cummax'](dim as number).indices
    : x[op as 'max'](options as { dim: number }).indices;
}

// What orders of accumulation differ by, in roundings of the largest term: sums of up to 24 values,
// and powers as exp(p log x) with |p log x| up to about 20 here.
const kRoundings = 64;

/** The size of the numbers that a result is made of, beside the result itself. */
function scale(c: GoldenCase<Options>): number {
  const x = c.inputs[0]!;
  switch (c.op) {
    case 'var':
    case 'nansum':
    case 'nanmean':
    case 'cumsum':
    case 'logsumexp':
    case 'logcumsumexp':
      return Math.max(1, largest(x));
    default:
      return 0; // errors are relative
  }
}

function bounds(c: GoldenCase<Options>): { output: Bound; gradient: Bound } {
  const eps = kRoundings * epsilon[c.dtype];
  if (['max', 'min', 'cummax', 'cummin'].includes(c.op)) {
    // Gradients are sums of what arrives at an index.
    return { output: exact, gradient: () => epsilon[c.dtype] * 4 * largest(c.gradOutput) };
  }
  const size = scale(c);
  // Gradients of scans add up to 4 terms of the size of the largest product or exponential.
  const gradSize = Math.max(largest(c.gradInputs[0]!), 0);
  return {
    output: (_, expected) => eps * Math.max(size, Math.abs(expected)) + smallestNormal[c.dtype],
    gradient: () => eps * gradSize + smallestNormal[c.dtype],
  };
}

describe('golden statistics and scans', () => {
  for (const [index, stored] of fixture.content.cases.entries()) {
    const c = fixture.case(stored);
    it(`${index}: ${c.op} ${JSON.stringify(c.options)} ${c.dtype}`, () => {
      const x = toTensor(c.inputs[0]!, c.dtype, true);
      const y = run(c.op, x, c.options!);
      const { output, gradient } = bounds(c);
      expectGolden(y, c.output, output, 'output');
      const [grad] = gradients(y, c.gradOutput, c.dtype, [x]);
      // PyTorch divides by the elements, so that its gradients of NaN and infinities are NaN.
      const divided = c.op === 'prod' || c.op === 'cumprod';
      const skip = (i: number) => divided && Number.isNaN(c.gradInputs[0]!.data[i]);
      expectGolden(grad!, c.gradInputs[0]!, gradient, 'gradient', skip);
    });
  }
});

describe('golden indices, and norms of special values', () => {
  for (const { op, dtype, options, inputs, output } of fixture.content.values) {
    it(`${op} ${JSON.stringify(options)} ${dtype} of tensor ${inputs[0]}`, () => {
      const y = run(op, toTensor(fixture.tensor(inputs[0]!), dtype), options!);
      const bound: Bound = (_, expected) => kRoundings * epsilon[dtype] * Math.abs(expected);
      expectGolden(y, fixture.tensor(output), op === 'norm' ? bound : exact, 'output');
    });
  }
});
