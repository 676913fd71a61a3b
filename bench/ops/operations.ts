/**
 * The operations that are measured one by one: how we compute them, how PyTorch does (an expression
 * in Python, where `torch` is the module and `F` its nn.functional), and what the result must be.
 */

import type { Tensor } from 'tilegrad';
import * as tilegrad from 'tilegrad';
import { type Expected, gamma } from '../lib/reference-gemm.js';
import { einsums } from './einsum.js';
import { functions } from './functions/all.js';
import { factorizations } from './linalg.js';

const kUnitRoundoff = 2 ** -24;

/** An input's values in row-major order, whatever its layout in memory. */
export interface Values {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

export interface Operation {
  /** The result; of several the first is checked, and differentiated. */
  ours(...inputs: Tensor[]): Tensor | readonly Tensor[];
  /** Whether results lie in memory of the inputs, so that there is nothing to dispose. */
  shares?: boolean;
  /** Elements of the result; by default as many as the inputs have, broadcast. */
  size?(inputs: readonly Pick<Values, 'shape'>[]): number;
  /** With the inputs named a, b and c. */
  torch: string;
  /**
   * The value of the result at a row-major position; null for random numbers. `float64`: what we compute in
   * float64, which PyTorch's values are held against, too.
   */
  expected: ((position: number, inputs: readonly Values[]) => Expected) | 'float64' | null;
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
    size: ([a]) => (dim === null ? 1 : a!.shape[1 - dim]!),
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
  log: elementwise(
    (a) => a.log(),
    'torch.log(a)',
    (a) => Math.log(a),
  ),
  silu: elementwise(
    (a) => a.silu(),
    'F.silu(a)',
    (a) => a / (1 + Math.exp(-a)),
  ),
  softplus: elementwise(
    (a) => a.softplus(),
    'F.softplus(a)',
    (a) => Math.log1p(Math.exp(a)),
  ),
  sin: elementwise((a) => a.sin(), 'torch.sin(a)', Math.sin),
  atan: elementwise((a) => a.atan(), 'torch.atan(a)', Math.atan),
  pow: elementwise(
    (a, b) => a.pow(b),
    'torch.pow(a, b)',
    (a, b) => a ** b,
  ),
  where: elementwise(
    (a, b) => tilegrad.where(a.gt(b), a, b),
    'torch.where(a > b, a, b)',
    (a, b) => Math.max(a, b),
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
  'sum rows': reduction('sum', 1),
  'sum columns': reduction('sum', 0),
  'sum all': reduction('sum', null),
  'amax rows': reduction('amax', 1),
  'amax columns': reduction('amax', 0),
  'amax all': reduction('amax', null),
  crossEntropy: {
    ours: (a, b) => tilegrad.crossEntropy(a, b),
    torch: 'F.cross_entropy(a, b)',
    size: () => 1,
    expected: 'float64',
  },
  layerNorm: {
    ours: (a, weight, bias) => tilegrad.layerNorm(a, [a.shape.at(-1)!], { weight, bias }),
    torch: 'F.layer_norm(a, a.shape[-1:], b, c)',
    expected(position, [a, weight, bias]) {
      const row = rowOf(a!, position);
      const n = row.length;
      const mean = row.reduce((sum, x) => sum + x, 0) / n;
      const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n;
      const column = position % n;
      const z = (a!.data[position]! - mean) / Math.sqrt(variance + 1e-5);
      return near(z * weight!.data[column]! + bias!.data[column]!, 2 * gamma(n, kUnitRoundoff));
    },
  },
  'variance rows': {
    ours: (a) => a.var({ dim: 1 }),
    torch: 'torch.var(a, 1)',
    size: ([a]) => a!.shape[0]!,
    expected(position, [a]) {
      const values = reduced(a!, position, 1);
      const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
      const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
      return near(squares / (values.length - 1), gamma(values.length, kUnitRoundoff));
    },
  },
  'argmax rows': {
    ours: (a) => a.argmax({ dim: 1 }),
    torch: 'torch.argmax(a, 1)',
    size: ([a]) => a!.shape[0]!,
    expected(position, [a]) {
      const values = reduced(a!, position, 1);
      return { value: values.indexOf(values.reduce((x, y) => Math.max(x, y))), bound: 0 };
    },
  },
  'cumsum rows': {
    ours: (a) => a.cumsum(1),
    torch: 'torch.cumsum(a, 1)',
    expected(position, [a]) {
      const row = rowOf(a!, position).subarray(0, (position % a!.shape[1]!) + 1);
      const size = row.reduce((sum, x) => sum + Math.abs(x), 0);
      const value = row.reduce((sum, x) => sum + x, 0);
      return { value, bound: gamma(row.length + 1, kUnitRoundoff) * size };
    },
  },
  embedding: {
    ours: (a, b) => tilegrad.embedding(a, b),
    torch: 'F.embedding(b, a)',
    size: () => 8192 * 256,
    expected: (position, [a, b]) => ({
      value: a!.data[b!.data[Math.floor(position / 256)]! * 256 + (position % 256)]!,
      bound: 0,
    }),
  },
  sort: {
    ours: (a) => a.sort().values,
    torch: 'torch.sort(a)[0]',
    expected: (position, [a]) => ({ value: a!.data.slice().sort()[position]!, bound: 0 }),
  },
  topk: {
    ours: (a) => a.topk(50).values,
    torch: 'torch.topk(a, 50)[0]',
    size: ([a]) => a!.shape[0]! * 50,
    expected(position, [a]) {
      const row = rowOf(a!, Math.floor(position / 50) * a!.shape[1]!).slice();
      return { value: row.sort().at(-1 - (position % 50))!, bound: 0 };
    },
  },
  rand: { ours: (a) => tilegrad.rand(a.shape), torch: 'torch.rand(a.shape)', expected: null },
  randn: { ours: (a) => tilegrad.randn(a.shape), torch: 'torch.randn(a.shape)', expected: null },
  dropout: { ours: (a) => tilegrad.dropout(a, 0.5), torch: 'F.dropout(a, 0.5)', expected: null },
  randperm: {
    ours: (a) => tilegrad.randperm(a.numel),
    torch: 'torch.randperm(a.numel())',
    expected: (_, [a]) => ({ value: 0, bound: a!.data.length - 1 }),
  },
  ...factorizations,
  ...einsums,
  ...functions,
} satisfies Record<string, Operation>;

export type OperationName = keyof typeof operations;
