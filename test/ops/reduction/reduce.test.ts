import { amax, amin, argmax, mean, sum, type Tensor } from 'tilegrad';
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
  toTensor,
} from '../../golden.js';

interface Options {
  dim: number | number[] | null;
  keepDim: boolean;
}

type ValueCase = Omit<StoredCase<Options>, 'gradOutput' | 'gradInputs'>;

const fixture = new Fixture<{ cases: StoredCase<Options>[]; values: ValueCase[] }>('reduce');

const operations = { sum, mean, amax, amin } as const;

/** The library's options: no `dim` means all dimensions. */
function spelled({ dim, keepDim }: Options): { dim?: number | number[]; keepDim: boolean } {
  return dim === null ? { keepDim } : { dim, keepDim };
}

function run(op: string, x: Tensor, options: Options): Tensor {
  if (op === 'argmax') return argmax(x, spelled(options) as { dim?: number; keepDim: boolean });
  return operations[op as keyof typeof operations](x, spelled(options));
}

/** How far sums of the same numbers in different orders may lie apart. */
function valueBound(c: GoldenCase<Options>): Bound {
  if (c.op === 'amax' || c.op === 'amin') return exact;
  const x = c.inputs[0]!;
  const terms = x.data.length / c.output.data.length;
  const limit = (c.op === 'sum' ? terms : 2) * epsilon[c.dtype] * largest(x);
  return () => limit;
}

/** Gradients of sum are copies; the others take a division and a product. */
function gradBound(c: GoldenCase<Options>): Bound {
  if (c.op === 'sum') return exact;
  return (_, expected) => 2 * epsilon[c.dtype] * Math.abs(expected);
}

describe('golden reductions', () => {
  for (const stored of fixture.content.cases) {
    const c = fixture.case(stored);
    const options = c.options!;
    it(`${c.op} ${JSON.stringify(options)} ${c.dtype} of tensor ${stored.inputs[0]}`, () => {
      const x = toTensor(c.inputs[0]!, c.dtype, true);
      const y = run(c.op, x, options);
      expectGolden(y, c.output, valueBound(c), 'output');
      const [grad] = gradients(y, c.gradOutput, c.dtype, [x]);
      expectGolden(grad!, c.gradInputs[0]!, gradBound(c), 'gradient');
    });
  }
});

describe('golden extrema with NaN, infinities and ties', () => {
  for (const { op, dtype, options, inputs, output } of fixture.content.values) {
    it(`${op} ${JSON.stringify(options)} ${dtype} of tensor ${inputs[0]}`, () => {
      const y = run(op, toTensor(fixture.tensor(inputs[0]!), dtype), options!);
      expectGolden(y, fixture.tensor(output), exact, 'output');
    });
  }
});
