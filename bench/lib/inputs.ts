/**
 * The numbers that every program of the benchmark computes on. bench/peers/python_peer.py makes the
 * same ones, bit for bit.
 */
import type { OpsInput, Product } from './cases.js';
import { dtypes, type ElementType } from './dtypes.js';

/**
 * n float32 in [-1, 1): the top 24 bits of the 32-bit hash lowbias32 (Wellons, "Prospecting for hash
 * functions", 2018) of index + seed * 0x9e3779b9.
 */
export function uniform(n: number, seed: number): Float32Array {
  const values = new Float32Array(n);
  const start = Math.imul(seed, 0x9e3779b9);
  for (let i = 0; i < n; i++) {
    let x = i + start;
    x ^= x >>> 16;
    x = Math.imul(x, 0x7feb352d);
    x ^= x >>> 15;
    x = Math.imul(x, 0x846ca68b);
    x ^= x >>> 16;
    values[i] = (x >>> 8) * 2 ** -23 - 1;
  }
  return values;
}

/** The same moved to (0, 1], exactly. */
export function positive(values: Float32Array): Float32Array {
  return values.map((x) => (x + 1) / 2 + 2 ** -24);
}

/**
 * A square matrix with a number added to its diagonal; when it is to be symmetric, its lower triangle is also
 * the upper one.
 */
export function dominant(values: Float32Array, diagonal: number, symmetric = false): Float32Array {
  const n = Math.sqrt(values.length);
  return values.map((x, p) => {
    const i = Math.floor(p / n);
    const j = p % n;
    return i === j ? x + diagonal : symmetric && j > i ? values[j * n + i]! : x;
  });
}

/** n whole numbers below `below`, in steps that reach all of them where it is no multiple of 7919. */
export function wholeNumbers(n: number, below: number): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => (i * 7919) % below);
}

/** The numbers of an operation's input, in the order of memory; `i` is its place among the inputs. */
export function numbersOf(input: OpsInput, i: number): Float32Array {
  const { shape, below, positive: moved = false, plus = 0, ascending = false, diagonal } = input;
  const n = shape.reduce((x, y) => x * y, 1);
  let values = below === undefined ? uniform(n, i + 1) : Float32Array.from(wholeNumbers(n, below));
  if (moved) values = positive(values);
  if (plus !== 0) values = values.map((x) => x + plus);
  if (diagonal !== undefined) values = dominant(values, diagonal, input.symmetric);
  return ascending ? values.sort() : values;
}

/** Whether the gradient of an operation's input is asked for, where gradients are. */
export function hasGradient({ below, constant = false }: OpsInput): boolean {
  return below === undefined && !constant;
}

/** A matrix in memory: element (i, j) is data[i * rowStep + j * colStep]. */
export interface Matrix {
  data: Float32Array | Float64Array;
  rows: number;
  cols: number;
  rowStep: number;
  colStep: number;
}

function matrix(
  { from }: ElementType,
  seed: number,
  rows: number,
  cols: number,
  transposed: boolean,
): Matrix {
  const [rowStep, colStep] = transposed ? [1, rows] : [cols, 1];
  return { data: from(uniform(rows * cols, seed)), rows, cols, rowStep, colStep };
}

/** A [m, k] and B [k, n] of a product, in its element type and layout. */
export function operands({ m, k, n, dtype, layout }: Product): [a: Matrix, b: Matrix] {
  return [
    matrix(dtypes[dtype], 1, m, k, layout === 'TN'),
    matrix(dtypes[dtype], 2, k, n, layout === 'NT'),
  ];
}

/** The vector that a product's result is multiplied with to check all of it: see lib/reference.ts. */
export function probe(n: number): Float32Array {
  return uniform(n, 3);
}

/** What of a product C [m, n], row-major, is checked: sampled values, then C times the probe. */
export function productCheck(c: ArrayLike<number>, m: number, n: number): number[] {
  const x = probe(n);
  const sums = Array.from({ length: m }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += c[i * n + j]! * x[j]!;
    return sum;
  });
  return [...samplePositions(m * n).map((i) => c[i]!), ...sums];
}

export interface Layer {
  /** [outputs, inputs], row-major. */
  weight: Float32Array;
  bias: Float32Array;
}

/** The layers of a multilayer perceptron, weights and biases uniform within 1 / sqrt(inputs). */
export function layers(dims: readonly number[]): Layer[] {
  return dims.slice(1).map((outputs, i) => {
    const inputs = dims[i]!;
    const bound = 1 / Math.sqrt(inputs);
    return {
      weight: uniform(inputs * outputs, 2 * i).map((v) => v * bound),
      bias: uniform(outputs, 2 * i + 1).map((v) => v * bound),
    };
  });
}

/** The examples of an MLP case, [batch, dims[0]]. */
export function batchOf(batch: number, inputs: number): Float32Array {
  return uniform(batch * inputs, 100);
}

/** Positions of the values that are checked: 16, evenly spread from the first to the last. */
export function samplePositions(n: number): number[] {
  return Array.from({ length: 16 }, (_, i) => Math.floor(((n - 1) * i) / 15));
}
