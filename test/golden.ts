/** Reads test/fixtures (see its README) and compares tensors with them, within stated bounds. */
import { readFileSync } from 'node:fs';
import { type Tensor, tensor } from 'tilegrad';
import { expect } from 'vitest';

export type FloatType = 'float32' | 'float64';

/** Distance from 1 to the next larger number. */
export const epsilon: Record<FloatType, number> = { float32: 2 ** -23, float64: 2 ** -52 };
/** The smallest number with full precision. */
export const smallestNormal: Record<FloatType, number> = {
  float32: 2 ** -126,
  float64: 2 ** -1022,
};

/** A tensor of a fixture. */
export interface Golden {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** A differentiated case as it is stored: tensors by index. */
export interface StoredCase<Options> {
  op: string;
  dtype: FloatType;
  options?: Options;
  inputs: number[];
  constants?: number[];
  output: number;
  gradOutput: number;
  gradInputs: number[];
}

/** The same with the tensors themselves. */
export interface GoldenCase<Options> {
  op: string;
  dtype: FloatType;
  options?: Options;
  inputs: Golden[];
  constants: Golden[];
  output: Golden;
  gradOutput: Golden;
  gradInputs: Golden[];
}

/** A fixture file with its tensors decoded. */
export class Fixture<Content> {
  readonly content: Content;
  private readonly tensors: readonly Golden[];

  constructor(family: string) {
    const url = new URL(`fixtures/${family}.json`, import.meta.url);
    const file = JSON.parse(readFileSync(url, 'utf8')) as Content & {
      tensors: { shape: number[]; data: (number | string)[] }[];
    };
    this.content = file;
    // Number() turns "NaN" and the infinities into what they name.
    this.tensors = file.tensors.map(({ shape, data }) => ({ shape, data: data.map(Number) }));
  }

  tensor(index: number): Golden {
    const found = this.tensors[index];
    if (found === undefined) throw new Error(`the fixture has no tensor ${index}`);
    return found;
  }

  case<Options>(stored: StoredCase<Options>): GoldenCase<Options> {
    const all = (list: readonly number[]): Golden[] => list.map((i) => this.tensor(i));
    return {
      ...stored,
      inputs: all(stored.inputs),
      constants: all(stored.constants ?? []),
      output: this.tensor(stored.output),
      gradOutput: this.tensor(stored.gradOutput),
      gradInputs: all(stored.gradInputs),
    };
  }
}

/** A library tensor with a fixture's values. */
export function toTensor(golden: Golden, dtype: FloatType, requiresGrad = false): Tensor {
  const array = dtype === 'float32' ? new Float32Array(golden.data) : new Float64Array(golden.data);
  const flat = tensor(array).reshape(golden.shape);
  flat.requiresGrad = requiresGrad;
  return flat;
}

/** Largest absolute value among the finite ones. */
export function largest({ data }: Golden): number {
  return data.reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 0);
}

/** How far an element may be off: from its index and the expected value. */
export type Bound = (index: number, expected: number) => number;

/** No difference at all, the sign of zero included. */
export const exact: Bound = () => 0;

/**
 * Holds a tensor against a golden one: shape, NaN and infinities must agree, the rest may differ by
 * `bound`. `skip` names elements that are known to differ.
 */
export function expectGolden(
  actual: Tensor,
  expected: Golden,
  bound: Bound,
  label: string,
  skip: (index: number) => boolean = () => false,
): void {
  expect([...actual.shape], `${label}: shape`).toEqual(expected.shape);
  const values = actual.contiguous().data;
  const wrong: string[] = [];
  for (const [i, want] of expected.data.entries()) {
    const got = values[i]!;
    if (skip(i) || Object.is(got, want)) continue;
    const limit = bound(i, want);
    const close = bound !== exact && Math.abs(got - want) <= limit;
    // got === want also covers equal infinities, whose difference is NaN.
    if (!close && !(bound !== exact && got === want)) {
      wrong.push(`[${i}] is ${got}, expected ${want} within ${limit}`);
    }
  }
  expect(wrong, label).toEqual([]);
}

/** The gradients of `inputs` after sending `gradOutput` back through `y`. */
export function gradients(
  y: Tensor,
  gradOutput: Golden,
  dtype: FloatType,
  inputs: readonly Tensor[],
): Tensor[] {
  y.backward(toTensor(gradOutput, dtype));
  return inputs.map((x) => {
    if (x.grad === null) throw new Error('an input got no gradient');
    return x.grad;
  });
}
