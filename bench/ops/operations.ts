/**
 * The operations that are measured one by one: how we compute them, how PyTorch does (an expression
 * in Python, where `torch` is the module and `F` its nn.functional), and what the result must be.
 */

import type { Tensor } from 'tilegrad';
import * as tilegrad from 'tilegrad';
import { type Expected, gamma } from '../lib/reference-gemm.js';

const kUnitRoundoff = 2 ** -24;

/** An input's values in row-major order, whatever its layout in memory. */
export interface Values {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

export interface Operation {
  ours(...inputs: Tensor[]): Tensor;
  /** Elements of the result; by default as many as the inputs have, broadcast. */
  size?(a: readonly number[]): number;
  /** With the inputs named a, b and c. */
  torch: string;
  /** The value of the result at a row-major position; null for random numbers. */
  expected: ((position: number, inputs: readonly Values[]) => Expected) | null;
}

// Vector mathematics of a few units in the last place, on values near 1 (the inputs are in [-1, 1)).
const kElementwiseBound = 8 * kUnitRoundoff;

function near(value: number, roundoffs = kElementwiseBound): Expected {
  return { value, bound: roundoffs * Math.max(1, Math.abs(value)) };
}

/** The element of an input that meets a position of the result, by broadcasting from the right. */
function at({ data, shape }: Values, position: number, result: readonly number[]): number {
  let index = 0;
  let stride = 1;
  let rest = position;
  for (let d = result.length - 1; d >= 0; d--) {
    const size = result[d]!;
    const coordinate = rest % size;
    rest = (rest - coordinate) / size;
    const own = shape[d - result.length + shape.length] ?? 1;
    if (own > 1) index += coordinate * stride;
    stride *= own;
  }
  return data[index]!;
}

/** The shape of the result of an elementwise operation. */
export function broadcast(inputs: readonly Pick<Values, 'shape'>[]): number[] {
  const rank = Math.max(...inputs.map(({ shape }) => shape.length));
  return Array.from({ length: rank }, (_, d) =>
    Math.max(...inputs.map(({ shape }) => shape[d - rank + shape.length] ?? 1)),
  );
}

function elementwise(
  ours: Operation['ours'],
  torch: string,
  f: (...x: number[]) => number,
): Operation {
  return {
    ours,
    torch,
    expected(position, inputs) {
      const shape = broadcast(inputs);
      return near(f(...inputs.map((input) => at(input, position, shape))));
    },
  };
}

/** erf for |z| <= 1 by its Taylor series: 20 terms leave less than 1 / (20! * 41) < 1e-19. */
function erf(z: number): number {
  let sum = 0;
  let power = z; // z^(2n+1) (-1)^n / n!
  for (let n = 0; n < 20; n++) {
    sum += power / (2 * n + 1);
    power *= (-z * z) / (n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** The row of the last dimension that a position lies in. */
function rowOf({ data, shape }: Values, position: number): Float32Array {
  const cols = shape.at(-1)!;
  const start = position - (position % cols);
  return data.subarray(start, start + cols);
}

/** The values that a reduction over dimension `dim` of a matrix (or all of it) makes one result of. */
function reduced({ data, shape }: Values, position: number, dim: number | null): number[] {
  const [rows, cols] = [shape.at(-2) ?? 1, shape.at(-1)!];
  if (dim === null) return Array.from(data);
  if (dim === 1) return Array.from(data.subarray(position * cols, (position + 1) * cols));
  return Array.from({ length: rows }, (_, i) => data[i * cols + position]!);
}

function reduction(name: 'sum' | 'amax', dim: number | null): Operation {
  const options = dim === null ? {} : { dim };
  return {
    ours: (a) => a[name](options),
    torch: `torch.${name}(a${dim === null ? '' : `, ${dim}`})`,
    size: (shape) => (dim === null ? 1 : shape[1 - dim]!),
    expected(position, [a]) {
      const values = reduced(a!, position, dim);
      if (name === 'amax') return { value: values.reduce((x, y) => Math.max(x, y)), bound: 0 };
      const size = values.reduce((sum, x) => sum + Math.abs(x), 0);
      return {
        value: values.reduce((sum, x) => sum + x, 0),
        bound: gamma(values.length, kUnitRoundoff) * size,
      };
    },
  };
}

export const operations = {
  relu: elementwise(
    (a) => a.relu(),
    'torch.relu(a)',
    (a) => Math.max(a, 0),
  ),
  add: elementwise(
    (a, b) => a.add(b),
    'a + b',
    (a, b) => a + b,
  ),
  mul: elementwise(
    (a, b) => a.mul(b),
    'a * b',
    (a, b) => a * b,
  ),
  exp: elementwise((a) => a.exp(), 'torch.exp(a)', Math.exp),
  log1p: elementwise((a) => a.log1p(), 'torch.log1p(a)', Math.log1p),
  tanh: elementwise((a) => a.tanh(), 'torch.tanh(a)', Math.tanh),
  erf: elementwise((a) => a.erf(), 'torch.erf(a)', erf),
  sigmoid: elementwise(
    (a) => a.sigmoid(),
    'torch.sigmoid(a)',
    (a) => 1 / (1 + Math.exp(-a)),
  ),
  gelu: elementwise(
    (a) => a.gelu(),
    'F.gelu(a)',
    (a) => (a * (1 + erf(a * Math.SQRT1_2))) / 2,
  ),
  softmax: {
    ours: (a) => a.softmax(-1),
    torch: 'torch.softmax(a, -1)',
    expected(position, [a]) {
      const row = rowOf(a!, position);
      const value = Math.exp(a!.data[position]!) / row.reduce((sum, x) => sum + Math.exp(x), 0);
      // The sum's error and those of two exponentials, all relative.
      return { value, bound: (gamma(row.length, kUnitRoundoff) + 2 * kElementwiseBound) * value };
    },
  },
  sumRows: reduction('sum', 1),
  sumColumns: reduction('sum', 0),
  sumAll: reduction('sum', null),
  maxRows: reduction('amax', 1),
  maxColumns: reduction('amax', 0),
  maxAll: reduction('amax', null),
  randn: { ours: (a) => tilegrad.randn(a.shape), torch: 'torch.randn(a.shape)', expected: null },
} satisfies Record<string, Operation>;

export type OperationName = keyof typeof operations;
