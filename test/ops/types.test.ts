/** Integers and bools, comparisons, functions of three operands beside PyTorch. */
import type { ClampOptions, DType, IscloseOptions } from 'tilegrad';
import { isclose, type Tensor, tensor, where } from 'tilegrad';
import { describe, expect, it, test } from 'vitest';
import {
  type Bound,
  epsilon,
  exact,
  expectGolden,
  Fixture,
  type Golden,
  type GoldenCase,
  gradients,
  largest,
  type StoredCase,
  smallestNormal,
  toTensor,
} from '../golden.js';

interface Arithmetic {
  op: string;
  dtypes: DType[];
  inputs: number[];
  dtype: DType;
  output: number;
}

/** What functions of three operands are told; "-Infinity" as text. */
type Options = { value?: number; weight?: number; min?: number | string; max?: number | string };

const fixture = new Fixture<{
  arithmetic: Arithmetic[];
  closeness: { options: IscloseOptions; left: number; right: number; output: number }[];
  ternaries: StoredCase<Options>[];
}>('types');

const make = (golden: Golden, dtype: DType): Tensor =>
  tensor(new Float64Array(golden.data)).to(dtype).reshape(golden.shape);

/** Without an error at all; float64 holds every element exactly. */
function expectExactly(actual: Tensor, dtype: DType, expected: Golden, label: string): void {
  expect(actual.dtype, label).toBe(dtype);
  expectGolden(actual.to('float64'), expected, exact, label);
}

describe('golden integers, bools and comparisons', () => {
  for (const [
    index,
    { op, dtypes, inputs, dtype, output },
  ] of fixture.content.arithmetic.entries()) {
    it(`${index}: ${op} ${dtypes}`, () => {
      const [x, ...others] = inputs.map((at, i) => make(fixture.tensor(at), dtypes[i]!));
      const methods = x as unknown as Record<string, (...others: Tensor[]) => Tensor>;
      expectExactly(methods[op]!(...others), dtype, fixture.tensor(output), op);
    });
  }
});

test.each(fixture.content.closeness)('golden isclose %#', ({ options, left, right, output }) => {
  const [a, b] = [make(fixture.tensor(left), 'float64'), make(fixture.tensor(right), 'float64')];
  expectExactly(isclose(a, b, options), 'bool', fixture.tensor(output), 'close');
});

function run({ op, options = {}, constants }: GoldenCase<Options>, inputs: Tensor[]): Tensor {
  const [a, b, c] = inputs as [Tensor, Tensor, Tensor];
  switch (op) {
    case 'addcmul':
    case 'addcdiv':
      return a[op](b, c, options);
    case 'lerp':
      return a.lerp(b, c);
    case 'lerpNumber':
      return a.lerp(b, options.weight!);
    case 'clamp':
      return a.clamp({ min: b, max: c });
    case 'clampMin':
      return a.clamp({ min: b });
    case 'clampMax':
      return a.clamp({ max: b });
    case 'clampNumbers': {
      const bounds = Object.entries(options).map(([name, value]) => [name, Number(value)]);
      return a.clamp(Object.fromEntries(bounds) as ClampOptions);
    }
    default:
      return where(make(constants[0]!, 'bool'), a, b);
  }
}

/** The largest value on the way to a result or a gradient, which rounding errors are relative to. */
function scaleOf({ op, options = {}, inputs }: GoldenCase<Options>): number {
  const [a, b, c] = inputs.map((x) => Math.max(1, largest(x))) as [number, number, number];
  const weight = Math.abs(options.value ?? options.weight ?? 1);
  switch (op) {
    case 'addcmul':
      return a + weight * b * c;
    case 'addcdiv': {
      const smallest = Math.min(1, ...inputs[2]!.data.map(Math.abs).filter((v) => v > 0));
      return a + (weight * b) / smallest ** 2;
    }
    case 'lerp':
      return (a + b) * (1 + c);
    default:
      return (a + (b ?? 0)) * (1 + weight);
  }
}

/** Roundings on the way to an element. */
const kSteps = 4;

describe('golden functions of three operands', () => {
  for (const [index, stored] of fixture.content.ternaries.entries()) {
    const c = fixture.case(stored);
    it(`${index}: ${c.op} ${c.inputs.map((x) => `[${x.shape}]`).join(' ')} ${c.dtype}`, () => {
      const inputs = c.inputs.map((x) => toTensor(x, c.dtype, true));
      const y = run(c, inputs);
      const moves = c.op.startsWith('clamp') || c.op === 'where';
      const scale = kSteps * epsilon[c.dtype] * scaleOf(c);
      const output: Bound = moves ? exact : () => scale + smallestNormal[c.dtype];
      expectGolden(y, c.output, output, 'output');
      const grads = gradients(y, c.gradOutput, c.dtype, inputs);
      for (const [i, grad] of grads.entries()) {
        const terms = c.output.data.length / Math.max(1, c.inputs[i]!.data.length);
        const limit = terms * (terms + 1) * largest(c.gradOutput) * scale;
        const summed = terms > 1 || !moves;
        const bound: Bound = summed ? () => limit + smallestNormal[c.dtype] : exact;
        expectGolden(grad, c.gradInputs[i]!, bound, `gradient of input ${i}`);
      }
    });
  }
});
