/**
 * What a matrix product must be. Some values are computed one by one. All of them are checked at
 * once by a product with a known vector, C x = A (B x), which takes m k + k n + m n operations
 * instead of m k n (Freivalds, "Probabilistic machines can use less running time", 1977): a row
 * whose errors reach the bound shows. The bounds are explained in reference.ts.
 */
import type { Product } from './cases.js';
import { dtypes, type ElementType } from './dtypes.js';
import { type Matrix, operands, probe, samplePositions } from './inputs.js';

export interface Expected {
  value: number;
  bound: number;
}

/** What the reference itself is computed in. */
const kReferenceRoundoff = 2 ** -53;

/** The relative error of a sum of k products at unit roundoff u, against the sum of their sizes. */
export function gamma(k: number, u: number): number {
  return (k * u) / (1 - k * u);
}

interface Roundoff {
  sums: number;
  result: number;
}

function roundoffOf({ dtype }: Product): Roundoff {
  const type: ElementType = dtypes[dtype];
  return { sums: type.unitRoundoff, result: type.resultRoundoff ?? 0 };
}

function entry(a: Matrix, b: Matrix, row: number, col: number, u: Roundoff): Expected {
  const k = a.cols;
  let value = 0;
  let size = 0;
  for (let p = 0; p < k; p++) {
    const left = a.data[row * a.rowStep + p * a.colStep]!;
    const term = left * b.data[p * b.rowStep + col * b.colStep]!;
    value += term;
    size += Math.abs(term);
  }
  return { value, bound: (gamma(k, u.sums) + u.result + gamma(k, kReferenceRoundoff)) * size };
}

function sampledEntries(a: Matrix, b: Matrix, u: Roundoff): Expected[] {
  return samplePositions(a.rows * b.cols).map((position) =>
    entry(a, b, Math.floor(position / b.cols), position % b.cols, u),
  );
}

/** M x and |M| |y|, in one pass in the order of memory. */
function times(
  { data, rows, cols, rowStep, colStep }: Matrix,
  x: ArrayLike<number>,
  y: ArrayLike<number>,
): { value: Float64Array; size: Float64Array } {
  const value = new Float64Array(rows);
  const size = new Float64Array(rows);
  const add = (i: number, j: number): void => {
    const element = data[i * rowStep + j * colStep]!;
    value[i]! += element * x[j]!;
    size[i]! += Math.abs(element * y[j]!);
  };
  if (colStep === 1) for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) add(i, j);
  else for (let j = 0; j < cols; j++) for (let i = 0; i < rows; i++) add(i, j);
  return { value, size };
}

/**
 * C x. An error of gamma(k) (|A| |B|) in C becomes one of gamma(k) |A| |B| |x|; to that come the
 * reference's sums of n and then k products, and the sum of n products by which a contender
 * multiplies its C, whose values may exceed |A| |B| by the first bound: one n more covers that.
 */
function probed(a: Matrix, b: Matrix, u: Roundoff): Expected[] {
  const k = a.cols;
  const n = b.cols;
  const x = probe(n);
  const inner = times(b, x, x);
  const outer = times(a, inner.value, inner.size);
  const relative = gamma(k, u.sums) + u.result + gamma(k + 3 * n, kReferenceRoundoff);
  return Array.from(outer.value, (value, i) => ({ value, bound: relative * outer.size[i]! }));
}

/** Sampled values of the result. */
export function sampled(p: Product): Expected[] {
  return sampledEntries(...operands(p), roundoffOf(p));
}

/** What `productCheck` gives of the result: sampled values, then C times the probe. */
export function product(p: Product): Expected[] {
  const [a, b] = operands(p);
  const u = roundoffOf(p);
  return [...sampledEntries(a, b, u), ...probed(a, b, u)];
}
